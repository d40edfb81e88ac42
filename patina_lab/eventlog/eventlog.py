"""`Eventlog`: a slice of an opened log, as a frozen value whose verbs return new ones."""

from __future__ import annotations

import contextlib
import html
import re
import threading
import warnings
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from operator import index
from textwrap import shorten
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from patina_lab.errors import InvalidOption, PatinaError, UnknownName, UnknownRevision, UsageError
from patina_lab.eventlog.digest import IS_REF, digest_sql
from patina_lab.eventlog.relations import NAMES, ORDER, relation_sql
from patina_lab.eventlog.slice import Patterns, Slice, quote
from patina_lab.eventlog.store import Manifest
from patina_lab.eventlog.times import Moment, begin_us, end_us, length_us, looks_like_time
from patina_lab.events.identity import instant
from patina_lab.projections.columns import missing_relation
from patina_lab.projections.rel import Rel, of_the_slice

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

T = TypeVar("T")

PREFIX = "log.main."
_QUIET = threading.Lock()
_INTERNAL = re.compile(r'Did you mean "(?:pg|duckdb|sqlite|pragma|information)_')


class OpenLog:
    """An opened log file: the engine that relations of it run on.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the log attached read-only as ``log``.
    manifest : Manifest
    at : callable or None
        Opens the log of another commit of the same repository.
    tables : mapping of str to pyarrow.Table
        That queries see beside the log, and no other opened log does.
    """

    arrays = True  # see `patina_lab.projections.rel.Engine`

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        manifest: Manifest,
        at: Callable[[str], OpenLog] | None = None,
        tables: Mapping[str, pa.Table] = MappingProxyType({}),
    ) -> None:
        self.connection = connection
        self.manifest = manifest
        self.at = at
        self.tables = tables
        self._lock = threading.Lock()
        self._known: dict[Hashable, Any] = {}

    def once(self, what: Hashable, ask: Callable[[], T]) -> T:
        """Return what `ask` gives; an opened log does not change, so it is asked once.

        Parameters
        ----------
        what : hashable
            Names the question.
        ask : callable
        """
        if what not in self._known:
            self._known[what] = ask()
        found: T = self._known[what]
        return found

    @classmethod
    def empty(cls) -> OpenLog:
        """Return an engine that has no log, for tables alone."""
        import duckdb

        connection = duckdb.connect(":memory:")
        connection.execute("SET GLOBAL TimeZone = 'UTC'")
        return cls(connection, None)  # type: ignore[arg-type]  # text of queries needs no manifest

    def beside(self, tables: Mapping[str, pa.Table]) -> OpenLog:
        """Return the same opened log, whose queries also see some tables."""
        made = OpenLog(self.connection, self.manifest, self.at, tables)
        made._lock = self._lock  # one connection, one lock
        return made

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Return a connection of its own: an open result on one does not block the others."""
        with self._lock:
            cursor = self.connection.cursor()
        for name, table in self.tables.items():
            cursor.register(name, table)
        return cursor

    def lock_down(self) -> None:
        """Refuse, from now on, every query that would reach outside the log."""
        self.connection.execute("SET enable_external_access = false; SET lock_configuration = true")

    def columns(self, sql: str) -> list[str]:
        """Return the column names of a query."""
        cursor = self.cursor()
        with _explained():
            return [row[0] for row in cursor.execute(f"DESCRIBE {sql}").fetchall()]

    def df(self, sql: str, parameters: Any = None) -> pd.DataFrame:
        """Run a query; return pandas."""
        with _explained():
            result = self.cursor().execute(sql, parameters)
            # Which warnings are shown is the process's business, not the thread's.
            with _QUIET, warnings.catch_warnings():
                # DuckDB's conversion of TIMESTAMPTZ uses a keyword that pandas 3.1 deprecates.
                warnings.filterwarnings("ignore", message="The inplace keyword")
                kinds = [str(column[1]) for column in result.description]
                table = result.df()
            if not len(table):
                # An empty text column comes as object, a full one as str: they are one type.
                for n, kind in enumerate(kinds):
                    if kind in ("VARCHAR", "STRING"):
                        table.isetitem(n, table.iloc[:, n].astype("str").array)
            return table

    def arrow(self, sql: str) -> pa.Table:
        """Run a query; return a whole Arrow table."""
        with _explained():
            return self.cursor().sql(sql).to_arrow_table()

    def explain(self, sql: str) -> str:
        """Return DuckDB's plan."""
        with _explained():
            return "\n".join(row[1] for row in self.cursor().execute(f"EXPLAIN {sql}").fetchall())

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a query; return Python rows."""
        with _explained():
            return self.cursor().execute(sql).fetchall()


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """Turn DuckDB's errors about the text of a query into a `UsageError`."""
    import duckdb

    try:
        yield
    except (duckdb.IOException, duckdb.OutOfMemoryException, duckdb.InterruptException):
        raise
    except duckdb.Error as err:
        said = [line.strip() for line in str(err).splitlines() if line.strip()]
        candidates = [line for line in said[1:] if line.startswith(("Candidate", "Did you"))]
        candidates = [line for line in candidates if not line.endswith(":")]
        hint = " ".join(candidates)
        missing = missing_relation(said[0])
        if missing and _INTERNAL.search(hint):
            hint = UnknownName.among("relation", missing, NAMES).hint
        raise UsageError(said[0].rstrip(".!") + ".", hint) from err


def _one_select(sql: str) -> None:
    """Refuse what is no text of one SELECT: of several only the last would be seen."""
    import duckdb

    if not isinstance(sql, str):
        raise UsageError(f"{sql!r} is no query.", "Write one SELECT, as text.")
    with _explained():
        found = [one.type for one in duckdb.extract_statements(sql)]
    said = shorten(sql, 60, placeholder=" …")
    if len(found) != 1:
        raise UsageError(f"{said!r} holds {len(found)} statements.", "Write one SELECT.")
    if found[0] not in (duckdb.StatementType.SELECT, duckdb.StatementType.MULTI):
        raise UsageError(
            f"{said!r} is no SELECT.", "Write one SELECT; the table that it gives can be saved."
        )


@dataclass(frozen=True)
class Eventlog:
    """A slice of the log: lazy, immutable, computed when a table is asked for.

    Columns: ``seq`` (rank in the total order), ``event_type``, ``timestamp`` (UTC),
    ``source_id``, ``source_file``, ``data`` (payload, canonical JSON text), ``source``,
    ``actor``, ``occurred_us`` (microseconds since 1970), ``event_id`` (64 hexadecimal
    digits), ``envelope`` (JSON or NULL).

    Examples
    --------
    >>> import patina_lab as pt
    >>> log = pt.open(".").log                       # doctest: +SKIP
    >>> log.where("git.*").as_of("2025-03-15").df()  # doctest: +SKIP
    """

    opened: OpenLog = field(repr=False)
    slice: Slice = field(default_factory=Slice)

    # -- choosing ----------------------------------------------------------------------

    def where(
        self,
        *types: str,
        source: Patterns = (),
        author: Patterns = (),
        path: Patterns = (),
    ) -> Eventlog:
        """Narrow by event type, source, author or path.

        Values of one argument are alternatives and may have wildcards (``"session.*"``);
        the arguments, and one ``where`` after another, all have to hold.

        Parameters
        ----------
        *types : str
            Event types.
        source : str or iterable of str
            ``git``, ``sessions``, ``event_files``, …
        author : str or iterable of str
            Name or e-mail address, as written or as the mailmap has it.
        path : str or iterable of str
            Touched by the commit, or the file of the event; ``*`` also crosses ``/``, and
            ``src/`` is all below that folder.

        Raises
        ------
        InvalidOption
            What is no text.
        """
        return replace(
            self, slice=self.slice.where(*types, source=source, author=author, path=path)
        )

    def between(self, since: Moment | None, until: Moment | None) -> Eventlog:
        """Narrow to ``[since, until)``: half-open, dates begin at 00:00 UTC.

        Parameters
        ----------
        since, until : date or timestamp, or None
            None leaves that end open.  Nothing lies between a moment and itself.

        Raises
        ------
        UnknownTime
        InvalidOption
            It would end before it begins.
        """
        since_us = None if since is None else begin_us(since)
        until_us = None if until is None else begin_us(until)
        if since_us is not None and until_us is not None and until_us < since_us:
            raise InvalidOption(
                f"The time from {str(since)!r} until {str(until)!r} ends before it begins.",
                "Give the earlier one first.",
            )
        return replace(self, slice=self.slice.between_us(since_us, until_us))

    def as_of(self, moment: Moment) -> Eventlog:
        """Return the log as it was at a moment, or at a commit.

        Parameters
        ----------
        moment : date, timestamp, sha or tag
            A date or a timestamp asks *what had happened by then* (a date: by the end of
            that day, UTC).  A commit's sha or a tag asks *what that commit knows*: its
            history and its tree, whatever the dates say.  The two differ wherever work was
            done on a branch that was merged later.
        """
        if not isinstance(moment, str) or looks_like_time(moment.strip()):
            return replace(self, slice=self.slice.between_us(None, end_us(moment)))
        if self.opened.at is None:
            raise UnknownRevision(
                f"{moment!r} is no date, and this log has no repository to look it up in.",
                "Write a date such as 2025-03-15.",
            )
        try:
            return replace(self, opened=self.opened.at(moment))
        except UnknownRevision as err:
            hint = f"A date is written 2025-03-15. {err.hint}"
            raise UnknownRevision(err.message, hint) from err

    def split(self, moment: Moment) -> tuple[Eventlog, Eventlog]:
        """Return the log before `moment` and the log from it on: a temporal split."""
        cut = begin_us(moment)
        return (
            replace(self, slice=self.slice.between_us(None, cut)),
            replace(self, slice=self.slice.between_us(cut, None)),
        )

    def around(
        self, event: Any, before: str | timedelta = "7d", after: str | timedelta = "7d"
    ) -> Eventlog:
        """Narrow to the time around an event, both ends included.

        Parameters
        ----------
        event : str, Event or row
            An event id or a commit's sha (or the first digits of it), a source id, or
            whatever has an ``event_id``.
        before, after : str or timedelta
            ``"7d"``, ``"36h"``, ``"2 weeks"``.
        """
        at = self._occurred_us(event)
        return replace(
            self,
            slice=self.slice.between_us(at - length_us(before), at + length_us(after) + 1),
        )

    def _occurred_us(self, event: Any) -> int:
        wanted = event if isinstance(event, str) else None
        if wanted is None:
            try:
                wanted = event["event_id"]
            except (TypeError, KeyError, IndexError):
                wanted = getattr(event, "event_id", None)
        if not isinstance(wanted, str) or not wanted:
            said = shorten(repr(event), 80, placeholder=" …")
            raise UnknownName(f"{said} is no event.", "Give an event_id, or a row of log.df().")
        found = self.opened.rows(
            f"SELECT occurred_us, event_id, event_type FROM {PREFIX}eventlog WHERE "
            f"source_id = {quote(wanted)} OR starts_with(event_id, {quote(wanted)}) OR "
            f"event_type = 'git.commit' AND starts_with(source_id, {quote(wanted)}) "
            "ORDER BY seq LIMIT 1000"
        )
        if not found:
            raise UnknownName(
                f"No event of the log has the id {wanted!r}.", "See log.df()['event_id']."
            )
        if len({us for us, *_ in found}) > 1:
            some = [f"{event_id[:12]} ({event_type})" for _, event_id, event_type in found[:3]]
            raise UnknownName(
                f"More than one event has an id that is or begins with {wanted!r}.",
                f"Give the event_id of one: {', '.join(some)}{', …' if len(found) > 3 else ''}",
            )
        return int(found[0][0])

    # -- looking -----------------------------------------------------------------------

    def sql(self) -> str:
        """Return the slice as one SELECT over the log's file."""
        return f"{relation_sql('eventlog', self.slice, PREFIX)} ORDER BY e.seq"

    def rel(self, name: str = "eventlog") -> Rel:
        """Return one of the log's relations over this slice, lazily.

        Parameters
        ----------
        name : str
            ``eventlog, commits, touches, commit_files, commit_parents, sessions,
            session_items, observations, goals, decisions, tags, authors, quarantine,
            coverage, source_files, scrape_meta``.
        """
        if name not in NAMES:
            raise UnknownName.among("relation", name, NAMES)
        return Rel(
            relation_sql(name, self.slice, PREFIX), name, self.opened, order=ORDER.get(name, "")
        )

    def query(self, sql: str) -> Rel:
        """Return the relation that a SELECT makes of this slice's relations.

        Raises
        ------
        UsageError
            What is no text of one SELECT, or reads the log's file past the slice.
        """
        _one_select(sql)
        of_the_slice(sql)
        named = [name for name in NAMES if name in sql.lower()]
        if not named:
            return Rel(sql, engine=self.opened)
        first, *others = named
        return self.rel(first).query(sql, **{name: self.rel(name) for name in others})

    def df(self) -> pd.DataFrame:
        """Return the events as a pandas table, in the total order."""
        table = self.opened.df(self.sql())
        table.attrs.update(source_sha=self.opened.manifest.source_sha, digest=self.digest)
        return table

    def head(self, n: int = 5) -> pd.DataFrame:
        """Return the first `n` events."""
        if not hasattr(n, "__index__") or not 0 <= n < 2**63:
            raise InvalidOption(f"{n!r} is no number of events.", "Write log.head(5).")
        return self.opened.df(f"{self.sql()} LIMIT {index(n)}")

    def arrow(self) -> pa.Table:
        """Return the events as an Arrow table."""
        return self.opened.arrow(self.sql())

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Serve the events to whatever speaks the Arrow PyCapsule interface."""
        return self.arrow().__arrow_c_stream__(requested_schema)

    def pipe(self, function: Callable[..., Any], /, *args: Any, **params: Any) -> Any:
        """Return ``function(self, *args, **params)``."""
        return function(self, *args, **params)

    def by_type(self) -> pd.DataFrame:
        """Return ``event_type, events, first, last``, most frequent first."""
        return self.opened.df(
            f"SELECT event_type, count(*) AS events, min(timestamp) AS first, "
            f"max(timestamp) AS last FROM ({relation_sql('eventlog', self.slice, PREFIX)}) "
            "GROUP BY event_type ORDER BY events DESC, event_type"
        )

    def __len__(self) -> int:
        if self.slice.is_all:
            return self.opened.manifest.events
        inside = relation_sql("eventlog", self.slice, PREFIX)
        return int(self.opened.rows(f"SELECT count(*) FROM ({inside})")[0][0])

    @property
    def digest(self) -> str:
        """Hash over the slice's canonical rows (tags left out), 64 hexadecimal digits."""
        if self.slice.is_all:
            return self.opened.manifest.digest
        inside = relation_sql("eventlog", self.slice, PREFIX)
        rows = f"SELECT * FROM ({inside}) WHERE NOT {IS_REF}"
        return str(self.opened.rows(digest_sql(rows))[0][0])

    # -- showing -----------------------------------------------------------------------

    def facts(self) -> list[tuple[str, str]]:
        """Return what the repr shows, as pairs of a label and a text."""
        counts = self.by_type()
        said = [
            ("events", f"{int(counts['events'].sum()):,}"),
            ("types", ", ".join(f"{t} {n:,}" for t, n in counts[["event_type", "events"]].values)),
        ]
        if len(counts):
            said.append(
                ("span", f"{counts['first'].min():%Y-%m-%d} to {counts['last'].max():%Y-%m-%d}")
            )
        if not self.slice.is_all:
            said.append(("slice", str(self.slice)))
        if scraped := _scraped(self.opened.manifest.options):
            said.append(("scraped", scraped))
        said.append(("source", self.opened.manifest.source_sha[:12]))
        said.append(("digest", self.digest[:12]))
        return said

    def __repr__(self) -> str:
        return text_card("Eventlog", self.facts())

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        try:
            said = self.facts()
        except PatinaError as err:
            said = [("error", str(err))]
        return {
            "text/plain": text_card("Eventlog", said),
            "text/html": html_card("Eventlog", said),
        }


def _scraped(options: Mapping[str, Any]) -> str:
    """Say how a log was scraped, where it is not all that the commit tells."""
    said = []
    if (until_us := options.get("until_us")) is not None:
        said.append(f"only {Slice(until_us=until_us)}")
    if options.get("worktree"):
        said.append("with what was not committed")
    if not options["git"]["lines"]:
        said.append("without line counts")
    return ", ".join(said)


def text_card(title: str, facts: list[tuple[str, str]]) -> str:
    """Return label and value in two aligned columns, under a title."""
    width = max(len(label) for label, _ in facts)
    return "\n".join([title, *(f"  {label:<{width}}  {value}" for label, value in facts)])


def html_card(title: str, facts: list[tuple[str, str]]) -> str:
    """Return the same as a small HTML table, everything escaped."""
    rows = "".join(
        f'<tr><th style="text-align:left;vertical-align:top">{html.escape(label)}</th>'
        f'<td style="text-align:left">{html.escape(value)}</td></tr>'
        for label, value in facts
    )
    return f"<div><strong>{html.escape(title)}</strong><table>{rows}</table></div>"


def span_text(first_us: int | None, last_us: int | None) -> str:
    """Return a span of time as two dates."""
    if first_us is None or last_us is None:
        return "no events"
    return f"{instant(first_us):%Y-%m-%d} to {instant(last_us):%Y-%m-%d}"
