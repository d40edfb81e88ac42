"""`Slice`: which events of a log are meant.  A frozen value that becomes a SQL predicate."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

from patina_lab.errors import InvalidOption
from patina_lab.events.identity import instant

Patterns = str | os.PathLike[str] | Iterable[str | os.PathLike[str]] | None
"""One text, several that are alternatives, or none."""

_CONTROL = re.compile("[\0-\x1f\x85\u2028\u2029]")


def quote(text: str) -> str:
    r"""Return a SQL string literal on one line, so that the query may be indented.

    Examples
    --------
    >>> quote("it's"), quote("a\nb")
    ("'it''s'", "('a' || chr(10) || 'b')")
    """
    literal = "'" + text.replace("'", "''") + "'"
    if not _CONTROL.search(text):
        return literal
    return "(" + _CONTROL.sub(lambda c: f"' || chr({ord(c[0])}) || '", literal) + ")"


def _matches(column: str, patterns: Iterable[str]) -> str:
    """Return a predicate: `column` equals one of `patterns`, or matches one with wildcards."""
    tests = []
    for pattern in patterns:
        # A bracket may also be meant: "dependabot[bot]" and "pages/[id].tsx" are names.
        if "[" in pattern or not set("*?") & set(pattern):
            tests.append(f"{column} = {quote(pattern)}")
        if set("*?[") & set(pattern):
            tests.append(f"{column} GLOB {quote(pattern)}")
    return tests[0] if len(tests) == 1 else f"({' OR '.join(tests)})"


def _touches(alias: str, patterns: Iterable[str]) -> str:
    """Return a predicate: a row of ``touch`` concerns a file, also one that it renames away."""
    given = tuple(patterns)
    return f"({_matches(f'{alias}.path', given)} OR {_matches(f'{alias}.old_path', given)})"


@dataclass(frozen=True)
class Slice:
    """Half-open time × types × sources × authors × paths.

    An empty tuple, or None, means "all".  Several values of one field are alternatives; the
    fields, and slices taken one after the other, all have to hold.

    Parameters
    ----------
    since_us, until_us : int or None
        ``since_us <= occurred_us < until_us``, microseconds since 1970 UTC.
    types : tuple of tuple of str
        Each inner tuple holds alternatives, with ``*`` as wildcard.
    sources : tuple of tuple of str
    authors : tuple of tuple of str
        Names or e-mail addresses, as written or as the mailmap has them.
    paths : tuple of tuple of str
        Files that a commit touched (of a rename, both names), or the file that an event was
        read from; ``*`` also crosses ``/``, and ``src/`` is all below the folder.
    seqs : tuple of int or None
        Exactly these events.

    Examples
    --------
    >>> s = Slice().where("git.*").between_us(0, 1000)
    >>> s.predicate("e")
    "e.occurred_us >= 0 AND e.occurred_us < 1000 AND e.event_type GLOB 'git.*'"
    """

    since_us: int | None = None
    until_us: int | None = None
    types: tuple[tuple[str, ...], ...] = ()
    sources: tuple[tuple[str, ...], ...] = ()
    authors: tuple[tuple[str, ...], ...] = ()
    paths: tuple[tuple[str, ...], ...] = ()
    seqs: tuple[int, ...] | None = None

    def where(
        self,
        *types: str,
        source: Patterns = (),
        author: Patterns = (),
        path: Patterns = (),
    ) -> Slice:
        """Return a slice that is narrower by types, sources, authors, paths."""
        return replace(
            self,
            types=_narrower("type", self.types, types),
            sources=_narrower("source", self.sources, source),
            authors=_narrower("author", self.authors, author),
            paths=_narrower("path", self.paths, path),
        )

    def between_us(self, since_us: int | None, until_us: int | None) -> Slice:
        """Return a slice narrowed to ``[since_us, until_us)``; it never becomes wider."""
        since = [t for t in (self.since_us, since_us) if t is not None]
        until = [t for t in (self.until_us, until_us) if t is not None]
        return replace(
            self,
            since_us=max(since) if since else None,
            until_us=min(until) if until else None,
        )

    @property
    def is_all(self) -> bool:
        """Whether nothing is left out."""
        return self == Slice()

    @property
    def only_time(self) -> bool:
        """Whether the slice can be told from ``occurred_us`` alone."""
        return self == Slice(self.since_us, self.until_us)

    def time_predicate(self, alias: str) -> str:
        """Return the part of the predicate that concerns time; ``TRUE`` where there is none."""
        tests = []
        if self.since_us is not None:
            tests.append(f"{alias}.occurred_us >= {self.since_us}")
        if self.until_us is not None:
            tests.append(f"{alias}.occurred_us < {self.until_us}")
        return " AND ".join(tests) or "TRUE"

    def path_predicate(self, alias: str) -> str:
        """Return the part of the predicate that concerns paths, over a row of ``touch``."""
        return " AND ".join(_touches(alias, group) for group in self.paths) or "TRUE"

    def predicate(self, alias: str, schema: str = "") -> str:
        """Return the whole slice as a predicate over a row of the eventlog.

        Parameters
        ----------
        alias : str
            Name of the eventlog row in the query.
        schema : str
            Prefix of the log's tables, such as ``"log.main."``.
        """
        tests = [self.time_predicate(alias)]
        if self.seqs is not None:
            # One literal: DuckDB plans thousands of them for longer than it looks them up.
            listed = ", ".join(map(str, self.seqs))
            tests.append(f"{alias}.seq IN (SELECT unnest(CAST('[{listed}]' AS BIGINT[])))")
        tests += [_matches(f"{alias}.event_type", group) for group in self.types]
        tests += [_matches(f"{alias}.source", group) for group in self.sources]
        for group in self.authors:
            known = " OR ".join(
                _matches(column, group)
                for column in ("a.name", "a.email", "a.proper_name", "a.proper_email")
            )
            tests.append(
                f"({_matches(f'{alias}.actor', group)} OR {alias}.seq IN (SELECT f.seq FROM "
                f"{schema}commit_facts f JOIN {schema}authors a USING (author_id) WHERE {known}))"
            )
        tests += [
            f"({_matches(f'{alias}.source_file', group)} OR {alias}.seq IN (SELECT t.seq FROM "
            f"{schema}touch t WHERE {_touches('t', group)}))"
            for group in self.paths
        ]
        return " AND ".join(test for test in tests if test != "TRUE") or "TRUE"

    def __str__(self) -> str:
        """Name what the slice asks for, for people."""
        said = []
        if self.since_us is not None:
            said.append(f"from {_when(self.since_us)}")
        if self.until_us is not None:
            said.append(f"before {_when(self.until_us)}")
        if self.seqs is not None:
            said.append(f"{len(self.seqs):,} given events")
        for field in fields(self)[2:-1]:
            said += [
                f"{field.name[:-1]} {' or '.join(group)}" for group in getattr(self, field.name)
            ]
        return ", ".join(said) or "everything"


def _when(us: int) -> str:
    """Write an instant; also those that are no date, such as the end of the year 9999."""
    try:
        return f"{instant(us):%Y-%m-%d %H:%M:%S}"
    except OverflowError:
        return "the year 1" if us < 0 else "the year 10000"


def _narrower(
    field: str, groups: tuple[tuple[str, ...], ...], more: Patterns
) -> tuple[tuple[str, ...], ...]:
    """Return one group of alternatives more; None and nothing ask for nothing."""
    if more is None:
        return groups
    given = (more,) if isinstance(more, str | os.PathLike) else more
    if not isinstance(given, Iterable):
        raise _no_text(field, given)
    group = tuple(_text(field, one) for one in given)
    return (*groups, group) if group else groups


def _text(field: str, value: object) -> str:
    if field == "path" and isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(value, str):
        raise _no_text(field, value)
    # No file's name ends so: it is the folder that is meant.
    return value + "*" if field == "path" and value.endswith("/") else value


def _no_text(field: str, value: object) -> InvalidOption:
    called = "where('git.commit', 'git.tag')" if field == "type" else f"where({field}='…')"
    return InvalidOption(f"{value!r} is no {field} to look for.", f"Give texts: {called}.")
