"""Materialization by tree diff: event files become the tables of what a project knows.

::

    which files there are   git ls-tree, work tree, local   -> path, blob
    which were applied      the table event_files           -> path, blob
    the difference          removed, added                  -> git cat-file --batch
    the tables              derived anew for what was touched, in one transaction

The order of file names, their numbers and the time at which they arrived mean nothing: a
merge brings older files, a revert takes one out of the middle, a review edits one.  What
was applied is kept as a set of (path, blob), in the same transaction as the rows and the
fingerprint of the code that made them.  With another fingerprint everything is made anew.
A file that is no event is quarantined with its reason, and stops no other one.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.resources
import shutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patina_lab.errors import EmptyRepository, GitFailed, InvalidOption
from patina_lab.eventlog.eventlog import html_card, text_card
from patina_lab.eventlog.store import LogStore, limit_temporary_files
from patina_lab.eventlog.times import Moment, end_us, looks_like_time
from patina_lab.events.identity import canonical_json
from patina_lab.project import event_tree
from patina_lab.project.event_tree import EventFile
from patina_lab.project.extraction import Found, look_up
from patina_lab.project.knowledge import Knowledge, KnowledgeStore, State, facts
from patina_lab.project.places import SHARED_EVENTS
from patina_lab.project.rows import INCOMING, row_of
from patina_lab.sources.event_files import EventFileSource
from patina_lab.sources.repository import Objects, Repository

if TYPE_CHECKING:
    import duckdb

_CODE = (
    "project/knowledge.sql", "project/derive.sql", "project/sources.sql",
    "project/materialize.py", "project/rows.py", "project/event_tree.py", "project/extraction.py",
    "sources/event_files.py", "events/catalog.py", "events/event.py", "events/identity.py",
    "events/text.py",
)  # fmt: skip
"""Files that decide what is in the tables: when one of them changes, all is made anew."""

_FILE: dict[str, str | bool | int | float | list[str]] = {
    "storage_compatibility_version": "latest",
    "default_block_size": "65536",
    "threads": 1,
}
_FOR_EVER = 2**63 - 1


@dataclass(frozen=True)
class KnowledgeUpdate:
    """What a materialization did.

    Parameters
    ----------
    how : str
        ``unchanged``, ``incremental`` or ``full``.
    why : str
        Why it was full: ``first``, ``forced``, ``other code or options``.
    applied, removed : int
        Event files that were read, and that were taken out; an edited one is both.
    seconds : float
        Wall time.
    state : State
        What is in place now.
    knowledge : Knowledge
        The tables (opened when asked for).
    """

    how: str
    why: str
    applied: int
    removed: int
    seconds: float
    state: State
    store: KnowledgeStore
    name: str = "current"

    @property
    def quarantined(self) -> int:
        """Files that are no event."""
        return self.state.quarantined

    @functools.cached_property
    def knowledge(self) -> Knowledge:
        """The tables."""
        return self.store.open(self.name)

    def facts(self) -> list[tuple[str, str]]:
        """Return what the repr shows."""
        how = f"{self.how} ({self.why})" if self.why else self.how
        return [
            ("how", f"{how}, {self.seconds:.2f} s"),
            ("files", f"+{self.applied:,} -{self.removed:,}"),
            *facts(self.state),
        ]

    def to_json(self) -> dict[str, Any]:
        """Return the result as a JSON value."""
        return {
            "how": self.how,
            "why": self.why,
            "applied": self.applied,
            "removed": self.removed,
            "quarantined": self.state.quarantined,
            "events": self.state.events,
            "by_type": dict(self.state.by_type),
            "source_sha": self.state.source_sha,
            "digest": self.state.digest,
            "notices": list(self.state.notices),
            "seconds": round(self.seconds, 3),
        }

    def __repr__(self) -> str:
        return text_card("Materialized", self.facts())

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": html_card("Materialized", self.facts())}


@dataclass(frozen=True)
class _Asked:
    """What is to be materialized, and what that is called."""

    sha: str | None
    until_us: int | None
    worktree: bool
    local: bool
    name: str


def materialize_events(
    repository: Repository,
    folder: Path,
    *,
    at: Moment | None = None,
    until: Moment | None = None,
    worktree: bool = False,
    local: bool = True,
    force: bool = False,
) -> KnowledgeUpdate:
    """Bring the tables of what a project knows up to date with its event files.

    Parameters
    ----------
    repository : Repository
    folder : Path
        Where tables are kept; it can be deleted at any time.
    at : sha, tag, date or timestamp, or None
        None: HEAD, and this clone's local events.  A commit: the files of its tree.  A
        date or a timestamp: the files of HEAD, without the events after it (a date: after
        that day, UTC).  Tables of a commit or a time lie beside the current ones.
    until : date or timestamp, or None
        Where `at` is a commit: its files, without the events after this.
    worktree : bool
        The files of the work tree instead of HEAD's.
    local : bool
        Add the files of ``.patina/local/events``; never with `at` or `until`.
    force : bool
        Make everything anew.

    Returns
    -------
    KnowledgeUpdate

    Raises
    ------
    UnknownRevision, InvalidOption, GitFailed, StoreFull, StoreError
    """
    begun = time.perf_counter()
    store = KnowledgeStore(folder)
    asked = _asked(repository, at, until, worktree=worktree, local=local)
    own = list(event_tree.local(repository)) if asked.local else []
    own_hash, code = _names_hash(own), code_hash()
    last = store.state(asked.name)
    if last is not None and not force and _same(last, asked, own_hash, code):
        return KnowledgeUpdate(
            "unchanged", "", 0, 0, time.perf_counter() - begun, last, store, asked.name
        )
    waited: list[bool] = []
    with (
        Objects(repository) as objects,
        LogStore(folder).building(lambda: waited.append(True)) as place,
    ):
        if waited:
            # Another process was at it, and may have seen more than we had then.
            asked = _asked(repository, at, until, worktree=worktree, local=local)
            own = list(event_tree.local(repository)) if asked.local else []
            own_hash = _names_hash(own)
        run = _Run(repository, objects, store, asked, own, own_hash, code)
        update = run.bring_up_to_date(place, force=force)
    return replace(update, seconds=time.perf_counter() - begun)


def _asked(
    repository: Repository,
    at: Moment | None,
    until: Moment | None,
    *,
    worktree: bool,
    local: bool,
) -> _Asked:
    now = at is None and until is None
    if worktree and not (now and repository.work_tree is not None):
        raise InvalidOption(
            "worktree=True reads what is checked out, "
            + ("and this is a bare clone." if now else "and at names something else."),
            "Leave out worktree, or at.",
        )
    if now:
        try:
            return _Asked(repository.resolve("HEAD"), None, worktree, local, "current")
        except EmptyRepository:
            return _Asked(None, None, worktree, local, "current")
    if at is not None and (not isinstance(at, str) or looks_like_time(at.strip())):
        if until is not None:
            raise InvalidOption(f"{at!r} is a time, and until another one.", "Leave out one.")
        at, until = None, at
    sha = repository.resolve("HEAD" if at is None else at)
    if until is None:
        return _Asked(sha, None, False, False, f"at-{sha}")
    until_us = end_us(until)
    return _Asked(sha, until_us, False, False, f"at-{sha}-{until_us}")


def _same(last: State, asked: _Asked, own_hash: str, code: str) -> bool:
    """Whether nothing can have changed, judged without reading a file."""
    return (
        not asked.worktree
        and not last.loose
        and not last.retry
        and (last.source_sha, last.until_us) == (asked.sha, asked.until_us)
        and (last.local, last.code) == (own_hash, code)
    )


def _names_hash(files: Iterable[EventFile]) -> str:
    """Return one hash over names; empty where there are none."""
    names = sorted((file.path, *file.state) for file in files)
    return hashlib.sha256(repr(names).encode()).hexdigest() if names else ""


@functools.cache
def code_hash() -> str:
    """Return the hash of all code that decides what is in the tables."""
    package = importlib.resources.files("patina_lab")
    texts = (package.joinpath(*name.split("/")).read_bytes() for name in _CODE)
    return hashlib.sha256(b"\0".join(texts)).hexdigest()[:16]


def statements(name: str) -> list[str]:
    """Return the statements of one of this package's SQL files."""
    text = importlib.resources.files("patina_lab.project").joinpath(name).read_text("utf-8")
    return [statement for statement in text.split(";\n") if statement.strip()]


def execute(connection: duckdb.DuckDBPyConnection, sql: str, parameters: Any = None) -> Any:
    """Run one statement; every change of the tables passes here."""
    return connection.execute(sql, parameters)


def _opened(built: Path, base: State) -> duckdb.DuckDBPyConnection | None:
    """Open a copy of the last tables; None where they are not what their pointer says."""
    import duckdb

    connection = None
    try:
        connection = duckdb.connect(str(built), config=_FILE)
        said = connection.execute("SELECT fingerprint, digest FROM materialization_state")
        if said.fetchall() == [(base.fingerprint, base.digest)]:
            return connection
    except duckdb.Error:
        pass
    if connection is not None:
        connection.close()
    built.unlink()
    return None


class _Run:
    """One materialization, under the lock."""

    def __init__(
        self,
        repository: Repository,
        objects: Objects,
        store: KnowledgeStore,
        asked: _Asked,
        own: list[EventFile],
        own_hash: str,
        code: str,
    ) -> None:
        from patina_lab.project.config import read_config

        self.repository = repository
        self.objects = objects
        self.store = store
        self.asked = asked
        self.own = own
        self.own_hash = own_hash
        self.code = code
        self.events_folder, unknown = SHARED_EVENTS, "keep"
        self.notices: tuple[str, ...] = ()
        self.tree: str | None = None
        if asked.sha is not None:
            configured, tree = event_tree.find_trees(
                objects, asked.sha, "pyproject.toml", SHARED_EVENTS
            )
            if configured is not None:
                config, problems = read_config(objects, asked.sha)
                self.events_folder, unknown = config.events.strip("/"), config.unknown
                self.notices = tuple(problem.detail for problem in problems)
                tree = event_tree.find_tree(objects, asked.sha, self.events_folder)
            self.tree = tree or None
        self.source = EventFileSource(self.events_folder, unknown)  # type: ignore[arg-type]
        options = canonical_json(dict(self.source.options()))
        self.fingerprint = hashlib.sha256(code.encode() + options).hexdigest()[:16]
        self.loose = ""
        self.remarked = 0

    def bring_up_to_date(self, place: Path, *, force: bool) -> KnowledgeUpdate:
        """Make the next tables aside, from the last ones wherever that is exact."""
        import duckdb

        last = self.store.state(self.asked.name)
        base = last or self.store.state()
        why = ""
        if force or base is None:
            why = "forced" if force else "first"
        elif base.fingerprint != self.fingerprint:
            why = "other code or options"
        built = place / "knowledge.duckdb"
        connection = None
        if base is not None and not why:
            shutil.copyfile(self.store.folder / base.file, built)
            connection = _opened(built, base)
            why = "" if connection else "damaged"
        connection = connection or duckdb.connect(str(built), config=_FILE)
        try:
            execute(connection, "SET TimeZone = 'UTC'")
            execute(connection, "SET checkpoint_threshold = '1KB'")
            execute(connection, "SET enable_progress_bar = false")
            limit_temporary_files(connection, place)
            execute(connection, "BEGIN")
            if why:
                for statement in statements("knowledge.sql"):
                    execute(connection, statement)
            applied, removed = self._apply(connection, place, None if why else base)
            state = self._finish(connection, 1 + (base.number if base else 0))
            execute(connection, "COMMIT")
        finally:
            connection.close()
        if why:
            how = "full"
        else:
            changed = applied or removed or self.remarked or last is None
            how = "incremental" if changed else "unchanged"
        state = self.store.place(built, state, self.asked.name)
        return KnowledgeUpdate(how, why, applied, removed, 0.0, state, self.store, self.asked.name)

    # -- the difference ----------------------------------------------------------------

    def _difference(
        self, connection: duckdb.DuckDBPyConnection, base: State | None
    ) -> tuple[list[str], list[EventFile]]:
        """Return the paths whose rows go, and the files to be read."""
        of_trees = self._difference_of_trees(base)
        have = {
            path: state
            for path, *state in execute(
                connection,
                "SELECT event_file, blob_oid, layer, is_link, uncommitted FROM event_files"
                + ("" if of_trees is None else " WHERE layer = 'local'"),
            ).fetchall()
        }
        wanted = {file.path: file for file in self.own}
        if of_trees is None:
            wanted = self._shared() | wanted
            # What was not there to be read is looked for again.
            asked = "SELECT event_file FROM event_files WHERE reason = 'missing object'"
            have |= {path: [] for (path,) in execute(connection, asked).fetchall()}
        if base is not None and base.until_us != self.asked.until_us:
            # Another time: every file is applied anew.
            return list(have), list(wanted.values())
        gone = [p for p, state in have.items() if p not in wanted or [*wanted[p].state] != state]
        new = [f for p, f in wanted.items() if p not in have or [*f.state] != have[p]]
        for path, was_there, file in of_trees or ():
            gone += [path] if was_there else []
            new += [file] if file is not None else []
        return gone, new

    def _difference_of_trees(
        self, base: State | None
    ) -> list[tuple[str, bool, EventFile | None]] | None:
        """Return what git says changed since the last time; None where that does not say all."""
        if base is None or base.loose or base.retry or self.asked.worktree:
            return None
        if base.tree is None or self.tree is None or base.until_us != self.asked.until_us:
            return None
        try:
            return list(event_tree.changes(self.objects, base.tree, self.tree, self.events_folder))
        except GitFailed:
            return None  # the last tree was thrown away after a reset; all names are compared

    def _shared(self) -> dict[str, EventFile]:
        """Return the event files of the commit, or of the work tree, by path."""
        files = event_tree.committed(self.objects, self.tree, self.events_folder)
        shared = {file.path: file for file in files}
        if self.asked.worktree:
            there = event_tree.with_work_tree(shared, self.repository, self.events_folder)
            # Over all names: what is only removed is no name of its own.
            self.loose = "" if there == shared else _names_hash(there.values())
            return there
        return shared

    def _apply(
        self, connection: duckdb.DuckDBPyConnection, place: Path, base: State | None
    ) -> tuple[int, int]:
        """Take out what is gone, add what is new; return how many of each."""
        gone, new = self._difference(connection, base)
        gone.sort()
        staged = place / "incoming.ndjson"
        with staged.open("wb") as out:
            out.writelines(self._rows(sorted(new, key=lambda f: f.path)))
        columns = ", ".join(f"{name}: '{kind}'" for name, kind in INCOMING.items())
        text = str(staged).replace("'", "''")
        execute(
            connection,
            f"CREATE TEMP TABLE incoming AS FROM read_json('{text}', columns = {{{columns}}}, "
            "format = 'newline_delimited', "
            f"maximum_object_size = {max(1 << 20, self.longest + 1)})",
        )
        execute(
            connection,
            "CREATE TEMP TABLE gone AS SELECT unnest(?::VARCHAR[]) AS event_file",
            [gone],
        )
        until_us = _FOR_EVER if self.asked.until_us is None else self.asked.until_us
        for statement in statements("derive.sql"):
            parameters = {"until_us": until_us} if "$until_us" in statement else None
            execute(connection, statement, parameters)
        return len(new), len(gone)

    def _rows(self, files: list[EventFile]) -> Iterator[bytes]:
        """Yield a row of `event_files` for each file, as a line of JSON."""
        import orjson

        self.longest = 0
        blobs = self.objects.blobs(file.blob for file in files if file.content is None
                                   and file.layer == "shared")  # fmt: skip
        for file in files:
            content = file.content
            if content is None and file.layer == "shared":
                content = next(blobs)[1]
            line = orjson.dumps(
                row_of(file, content, self.source), option=orjson.OPT_APPEND_NEWLINE
            )
            self.longest = max(self.longest, len(line))
            yield line

    # -- the state ---------------------------------------------------------------------

    def _finish(self, connection: duckdb.DuckDBPyConnection, number: int) -> State:
        """Mark what lost its source, write the state row, and return what the pointer says."""
        current = self.asked.name == "current"
        prefix = "knowledge" if current else self.asked.name
        sources = execute(
            connection,
            "SELECT DISTINCT source_type, source_id FROM observations "
            "WHERE source_type IN ('session', 'commit') ORDER BY ALL",
        ).fetchall()
        found: list[Found] = []
        in_work_tree = False
        if sources and self.asked.sha is not None and self.asked.until_us is None:
            tree = self.repository.work_tree if current else None
            found, in_work_tree = look_up(self.objects, self.asked.sha, sources, tree)
        execute(
            connection,
            "CREATE TEMP TABLE looked_up (source_type VARCHAR, source_id VARCHAR, "
            "source_oid VARCHAR, deleted BOOLEAN)",
        )
        if found:
            columns = [list(column) for column in zip(*found, strict=True)]
            execute(
                connection,
                "INSERT INTO looked_up SELECT unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), "
                "unnest(?::VARCHAR[]), unnest(?::BOOLEAN[])",
                columns,
            )
        for statement in statements("sources.sql"):
            ((self.remarked,),) = execute(connection, statement).fetchall()
        asked = "SELECT event_file FROM quarantine WHERE reason = 'missing object' ORDER BY ALL"
        missing = execute(connection, asked).fetchall()
        # A tree's name says all that is in it.
        what = [self.tree, self.loose, self.own_hash, self.asked.until_us, missing]
        digest = hashlib.sha256(repr(what).encode()).hexdigest()
        by_type = execute(
            connection, "SELECT event_type, count(*) FROM events GROUP BY ALL ORDER BY ALL"
        ).fetchall()
        ((quarantined,),) = execute(connection, "SELECT count(*) FROM quarantine").fetchall()
        events = sum(n for _, n in by_type)
        execute(connection, "DELETE FROM materialization_state")
        execute(
            connection,
            "INSERT INTO materialization_state SELECT ?, ?, ?, ?, ?, "
            "(SELECT event_file FROM events ORDER BY occurred_us DESC, id DESC LIMIT 1), ?",
            [self.fingerprint, self.asked.sha, self.asked.until_us, digest, events,
             datetime.now(UTC)],
        )  # fmt: skip
        return State(
            file=f"{prefix}-{number}-{digest[:12]}-{self.fingerprint}.duckdb",
            number=number,
            code=self.code,
            fingerprint=self.fingerprint,
            source_sha=self.asked.sha,
            tree=self.tree,
            local=self.own_hash,
            loose=self.loose,
            until_us=self.asked.until_us,
            retry=bool(missing or in_work_tree),
            digest=digest,
            events=events,
            quarantined=quarantined,
            by_type=dict(by_type),
            notices=self.notices,
        )
