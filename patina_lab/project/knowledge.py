"""What a project knows: the tables made of its event files, where they lie, how they are asked.

The tables are a DuckDB file beside the project's log, in the user's own folder and not in
the repository: nothing but ``observe`` and ``propose`` writes there, and two work trees
of one repository never share a state.  A file is never changed.  The next one is made
aside, and one small pointer is replaced: a reader has the old tables or the new ones, and
keeps those that it has open::

    ~/.patina/logs/<name>-<key>/knowledge/
        current.json                 the pointer, with all that a no-op has to know
        knowledge-<n>-<hash>.duckdb  the tables it points at
        at-<sha>-….json              pointers of other commits and times
        scrape.lock
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patina_lab.errors import CorruptLog, NoLog, UnknownName
from patina_lab.eventlog.eventlog import OpenLog, html_card, text_card
from patina_lab.eventlog.store import limit_temporary_files, literal
from patina_lab.projections.rel import Rel

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

KEEP_AT = 8
"""Tables of other commits and times that are kept for the next time."""

TABLES = {
    "events": "occurred_us, id",
    "observations": "created_at, id",
    "patterns": "created_at, id",
    "decisions": "created_at, id",
    "beliefs": "formed_at, id",
    "extraction_state": "source_type, source_id",
    "quarantine": "event_file",
    "event_files": "event_file",
    "materialization_state": "source_sha",
}
"""The tables, and the order in which their rows are shown."""


@dataclass(frozen=True)
class State:
    """What is known of materialized tables without opening them.

    Parameters
    ----------
    file : str
        Name of the DuckDB file.
    number : int
        How many came before it.
    code, fingerprint : str
        Hashes of the code that made the tables, and of it and its options.
    source_sha, tree : str or None
        The commit, and the events folder in it.
    local, loose : str
        Hashes of the files that are in no commit: this clone's own, and the work tree's.
    until_us : int or None
        Where events were left out from a time on.
    retry : bool
        Something may be there next time without the commit being another one.
    digest : str
        Over the names of the files that were applied, and `until_us`.
    events, quarantined : int
    by_type : mapping
    size : int
        Of the file, in bytes.
    """

    file: str
    number: int
    code: str
    fingerprint: str
    source_sha: str | None
    tree: str | None
    local: str
    loose: str
    until_us: int | None
    retry: bool
    digest: str
    events: int
    quarantined: int
    by_type: Mapping[str, int]
    notices: tuple[str, ...] = ()
    size: int = 0


class KnowledgeStore:
    """The folder of one repository's materialized tables."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def state(self, name: str = "current") -> State | None:
        """Return what is in place; None where nothing is, or where it cannot be used."""
        try:
            value = json.loads((self.folder / f"{name}.json").read_text("utf-8"))
            value["notices"] = tuple(value["notices"])
            found = State(**value)
            whole = (self.folder / found.file).stat().st_size == found.size
        except (OSError, ValueError, TypeError, KeyError):
            return None  # derived: it is made again
        return found if whole else None

    def place(self, built: Path, state: State, name: str = "current") -> State:
        """Put built tables in place: first the file, then, atomically, the pointer."""
        _sync(built)
        state = replace(state, size=built.stat().st_size)
        pointer = built.parent / "pointer.json"
        text = json.dumps({**asdict(state), "by_type": dict(state.by_type)}, sort_keys=True)
        pointer.write_text(text, "utf-8")
        _sync(pointer)
        built.replace(self.folder / state.file)
        pointer.replace(self.folder / f"{name}.json")
        _sync(self.folder)
        self._sweep()
        return state

    def _sweep(self) -> None:
        """Remove tables that nothing points at.  Whoever has them open keeps them."""
        others = sorted(self.folder.glob("at-*.json"), key=lambda p: (p.stat().st_mtime_ns, p.name))
        for old in others[:-KEEP_AT]:
            old.unlink(missing_ok=True)
        wanted = {found.file for p in self.folder.glob("*.json") if (found := self.state(p.stem))}
        for file in self.folder.glob("*.duckdb"):
            if file.name not in wanted:
                with contextlib.suppress(PermissionError):  # Windows: somebody reads it
                    file.unlink(missing_ok=True)

    def open(self, name: str = "current") -> Knowledge:
        """Open tables for reading.

        Raises
        ------
        NoLog
            Nothing was materialized yet.
        CorruptLog
            The file is damaged.
        """
        for _ in range(3):
            state = self.state(name)
            if state is None:
                break
            # Between reading the pointer and opening its file another process may have put
            # new tables in place and swept these away.
            with contextlib.suppress(CorruptLog):
                return Knowledge(_attach(self.folder / state.file), state)
        else:
            raise CorruptLog(
                f"The tables in {self.folder} cannot be read.",
                "Make them again: patina-lab materialize --force",
            )
        raise NoLog(
            f"Nothing is materialized in {self.folder} yet.", "Make the tables: lab.materialize()"
        )


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _attach(file: Path) -> duckdb.DuckDBPyConnection:
    import duckdb

    connection = duckdb.connect(":memory:")
    try:
        connection.execute("SET GLOBAL TimeZone = 'UTC'")
        limit_temporary_files(connection, Path(tempfile.gettempdir()))
        connection.execute(f"ATTACH {literal(file)} AS knowledge (READ_ONLY)")
        connection.execute("SELECT digest FROM knowledge.main.materialization_state").fetchall()
    except duckdb.Error as err:
        connection.close()
        first = str(err).splitlines()[0]
        raise CorruptLog(
            f"The tables {file} cannot be read ({first}).",
            "Make them again: patina-lab materialize --force",
        ) from err
    return connection


class Knowledge:
    """What a project knew when it was materialized: tables to look at and to ask in SQL.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the tables attached read-only as ``knowledge``.
    state : State

    Examples
    --------
    >>> import patina_lab as pt
    >>> lab = pt.open(".")                                      # doctest: +SKIP
    >>> lab.materialize()                                       # doctest: +SKIP
    >>> lab.knowledge.decisions                                 # doctest: +SKIP
    >>> lab.knowledge.sql("SELECT name FROM patterns WHERE list_contains(domains, 'rust')")
    ... # doctest: +SKIP
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, state: State) -> None:
        self.state = state
        # Only the text of queries is run by it; it needs no manifest of a log.
        self._engine = OpenLog(connection, state)  # type: ignore[arg-type]

    @property
    def observations(self) -> pd.DataFrame:
        """``id, event_id, content, observation_type, domains, source_type, source_id, …``.

        One row for what one source says (``content_hash, source_id``), whatever the number
        of events that say it: ``events`` has their ids.  ``deleted``: the session or commit
        that it was drawn from is gone.
        """
        return self.df("observations")

    @property
    def patterns(self) -> pd.DataFrame:
        """``id, event_id, name, content, rationale, domains, evidence, …``."""
        return self.df("patterns")

    @property
    def decisions(self) -> pd.DataFrame:
        """``id, event_id, decision, rationale, alternatives, context, domains, …``."""
        return self.df("decisions")

    @property
    def beliefs(self) -> pd.DataFrame:
        """``id, event_id, content, confidence, evidence_count, evidence, domains, scope, …``."""
        return self.df("beliefs")

    @property
    def quarantine(self) -> pd.DataFrame:
        """``event_file, blob_oid, layer, reason, detail, line`` of the files that are no event."""
        return self.df("quarantine")

    def df(self, table: str) -> pd.DataFrame:
        """Return a table whole, oldest row first, with ``attrs``: source_sha, digest."""
        found = self._engine.df(f"{self._select(table)} ORDER BY {TABLES[table]}")
        found.attrs.update(source_sha=self.state.source_sha, digest=self.state.digest)
        return found

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return the rows of a table as Python values, oldest first."""
        found = self.arrow(f"FROM {table} ORDER BY {TABLES[table]}")  # of a name in TABLES
        rows: list[dict[str, Any]] = found.to_pylist()
        return rows

    def rel(self, table: str) -> Rel:
        """Return a table lazily, to be composed with others."""
        return Rel(self._select(table), table, self._engine)

    def sql(self, query: str) -> pd.DataFrame:
        """Ask the tables in SQL.

        Parameters
        ----------
        query : str
            One SELECT over ``observations, patterns, decisions, beliefs, events,
            quarantine, extraction_state, event_files, materialization_state``.

        Raises
        ------
        UsageError
            The query cannot be understood.
        """
        return self._rel(query).df()

    def arrow(self, query: str) -> pa.Table:
        """Ask the tables in SQL; return an Arrow table."""
        return self._rel(query).arrow()

    def lock_down(self) -> None:
        """Refuse, from now on, every query that would reach outside the tables."""
        self._engine.lock_down()

    def _rel(self, query: str) -> Rel:
        first, *others = TABLES
        return self.rel(first).query(query, **{name: self.rel(name) for name in others})

    @staticmethod
    def _select(table: str) -> str:
        if table not in TABLES:
            raise UnknownName.among("table", table, TABLES)
        return f"SELECT * FROM knowledge.main.{table}"

    def facts(self) -> list[tuple[str, str]]:
        """Return what the repr shows."""
        counts = self._engine.rows(
            " UNION ALL ".join(
                f"SELECT '{name}', count(*) FROM knowledge.main.{name}"
                for name in ("observations", "patterns", "decisions", "beliefs")
            )
        )
        said = [(name, f"{n:,}") for name, n in counts]
        return [*said, *facts(self.state)]

    def __repr__(self) -> str:
        return text_card("Knowledge", self.facts())

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        said = self.facts()
        return {
            "text/plain": text_card("Knowledge", said),
            "text/html": html_card("Knowledge", said),
        }


def facts(state: State) -> list[tuple[str, str]]:
    """Return what is known of tables without opening them, as labels and texts."""
    by_count = sorted(state.by_type.items(), key=lambda item: (-item[1], item[0]))
    said = [("events", f"{state.events:,}")]
    if by_count:
        said.append(("types", ", ".join(f"{name} {n:,}" for name, n in by_count)))
    see = " (see lab.knowledge.quarantine)" if state.quarantined else ""
    said.append(("quarantined", f"{state.quarantined:,}{see}"))
    source = state.source_sha[:12] if state.source_sha else "no commit yet"
    if state.loose:
        source += ", with what is not committed"
    said += [("source", source), ("digest", state.digest[:12])]
    said += [("notice", notice) for notice in state.notices]
    return said
