"""Source code as events: what the files of a commit define, import and call.

::

    languages   suffix -> grammar wheel, query files, reader
    *.scm       which nodes of a grammar are meant
    <language>  what such a node says (one small reader each)
    extract     one file's bytes -> events
    source      which files, and what is no code
    links       an import -> the files of the tree that it may mean
"""
