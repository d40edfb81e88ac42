"""Saying which column is missing: the nearest names, and what the relations have."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping

from patina_lab.errors import UnknownName

# How engines say it: DuckDB (three ways), DataFusion, Spark, Sail.
_SAID = (
    re.compile(r'Referenced column "([^"]+)" (?:was )?not found'),
    re.compile(r'does not have a column named "([^"]+)"'),
    re.compile(r'Column "([^"]+)" does not exist on (?:left|right) side of join'),
    re.compile(r"No field named (?:[\w\"]+\.)?\"?([^\s\"]+?)\"?\.?(?:$|[\s;])", re.MULTILINE),
    re.compile(r"name `(?:[^`]+`\.`)*([^`]+)` cannot be resolved"),
    re.compile(r'cannot resolve attribute:? ?ObjectName\(\[.*?Identifier\("([^"]+)"\)\]\)'),
    re.compile(r'ObjectName\(\[(?:Identifier\("[^"]+"\), )*Identifier\("([^"]+)"\)\]\) is missing'),
)


def missing_column(message: str) -> str | None:
    r"""Return the column that an engine's error names as unknown; None where it names none.

    Examples
    --------
    >>> missing_column('Binder Error: Referenced column "auhtor" not found in FROM clause!')
    'auhtor'
    >>> missing_column("Schema error: No field named t.auhtor. Valid fields are t.path.")
    'auhtor'
    """
    return _named(_SAID, message)


_SAID_OF_RELATIONS = (
    re.compile(r"Table with name \"?([^\s\"]+?)\"? does not exist"),
    re.compile(r"table '(?:[^']*\.)?([^'.]+)' not found"),
)


def missing_relation(message: str) -> str | None:
    """Return the relation that an engine's error names as unknown; None where it names none.

    Examples
    --------
    >>> missing_relation('Catalog Error: Table with name touchs does not exist.')
    'touchs'
    >>> missing_relation("Error during planning: table 'datafusion.public.touchs' not found")
    'touchs'
    """
    return _named(_SAID_OF_RELATIONS, message)


def _named(said: Iterable[re.Pattern[str]], message: str) -> str | None:
    found = next(filter(None, (one.search(message) for one in said)), None)
    return found and found[1]


def unknown_column(column: str, relations: Mapping[str, Iterable[str]]) -> UnknownName:
    """Build the error about a column that none of `relations` (name -> columns) has.

    Examples
    --------
    >>> print(unknown_column("auhtor", {"touches": ["path", "author_name"]}))
    There is no column 'auhtor' in touches. Did you mean 'author_name'? touches has path, author_name.
    """  # noqa: E501 - one sentence and its hint
    known = {name: list(columns) for name, columns in relations.items()}
    every = list(dict.fromkeys(c for columns in known.values() for c in columns))
    near = difflib.get_close_matches(column.lower(), every, n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(map(repr, near))}? " if near else ""
    has = "; ".join(f"{name} has {', '.join(columns)}" for name, columns in known.items())
    return UnknownName(
        f"There is no column {column!r} in {' or '.join(known)}.", f"{hint}{has}." if has else hint
    )
