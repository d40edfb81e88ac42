"""Across projects: a persona reads what its user's projects know, and writes into none of them.

*Projects are islands, personas are gods.*  Everything here lies in the user's own folder
(``PATINA_HOME/persona``); a project's repository is only ever read.
"""
