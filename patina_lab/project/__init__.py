"""Whose log it is: a project's folders, and this user's."""
