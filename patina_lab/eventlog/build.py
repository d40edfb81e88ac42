"""Building a log: sources in, one immutable file out.

The flow, and the whole of it::

    what is asked       commit, options                    -> plan: is anything to do?
    git, file sources   only what the last log lacks       -> staged rows (NDJSON)
    last log + staged   the first place that differs       -> ranked anew from there on
    digest, manifest    put in place atomically

``seq`` is a rank, and a merge brings commits that are older than those already there: so an
incremental build looks for the first place where the new log differs from the last one, and
ranks anew from there on.  What lies before it is copied as a file.  A log that was extended
so often that its file has grown (`GROWTH`) is written whole again, by the same statements.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import json
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patina_lab.errors import CorruptLog, InvalidOption
from patina_lab.eventlog import store as store_
from patina_lab.eventlog.code_links import write_links
from patina_lab.eventlog.digest import DIGEST_SQL, REFS_DIGEST_SQL
from patina_lab.eventlog.file_times import FileTimes
from patina_lab.eventlog.progress import Progress, silent
from patina_lab.eventlog.relations import view_statements
from patina_lab.eventlog.staging import COLUMNS, Staging
from patina_lab.eventlog.store import LogStore, Manifest, translated
from patina_lab.eventlog.times import Moment, end_us
from patina_lab.events.event import Event
from patina_lab.events.identity import canonical_json, instant
from patina_lab.sources import git as git_
from patina_lab.sources.git import GitSource
from patina_lab.sources.git_records import decode_path
from patina_lab.sources.repository import Objects, Repository, mailmap
from patina_lab.sources.source import (
    Coverage,
    FileSource,
    Problem,
    SkippingSource,
    SourceFile,
    TimedSource,
)
from patina_lab.sources.worktree import LINK, uncommitted

if TYPE_CHECKING:
    import duckdb

SCHEMA_VERSION = 2
"""Raised when the tables of a log change: every log is then built anew."""

# Small blocks: a log has many columns, and each of them wastes half a block.
_FILE: dict[str, str | bool | int | float | list[str]] = {
    "storage_compatibility_version": "latest",
    "default_block_size": "65536",
}

GROWTH = 1.5
"""How far a file may outgrow what it took when it was last written whole."""

_RETRIED = ("missing object", "shallow boundary")


@dataclass(frozen=True)
class Request:
    """What to scrape.

    Parameters
    ----------
    at : str
        The commit, as git names it.
    until : date or timestamp, or None
        Leave out events after it (a date: after that day, UTC).
    worktree : bool
        Add session notes and event files that are not committed, marked as such.
    git : GitSource
    files : tuple of FileSource
    problems : tuple of Problem
        What is already known to be wrong, such as a faulty configuration.
    """

    at: str = "HEAD"
    until: Moment | None = None
    worktree: bool = False
    git: GitSource = field(default_factory=GitSource)
    files: tuple[FileSource, ...] = ()
    problems: tuple[Problem, ...] = ()

    def wants(self, path: str) -> bool:
        """Whether any of the file sources reads the file at `path`."""
        return any(source.wants(path) for source in self.files)

    def options(self, git_version: str) -> dict[str, Any]:
        """Return everything but the commit that decides what the log holds."""
        return {
            "schema": SCHEMA_VERSION,
            "git_version": git_version,
            "git": {"version": git_.VERSION, **self.git.options()},
            "files": {s.name: {"version": s.version, **s.options()} for s in self.files},
            "until_us": None if self.until is None else end_us(self.until),
            "worktree": self.worktree,
        }


@dataclass(frozen=True)
class Built:
    """What a scrape did.

    Parameters
    ----------
    manifest : Manifest
    how : str
        ``unchanged``, ``incremental`` or ``full``.
    added, removed : int
        Events that the log gained and lost.
    seconds : float
    notices : tuple of str
        What the user should know, in sentences.
    """

    manifest: Manifest
    how: str
    added: int
    removed: int
    seconds: float
    notices: tuple[str, ...] = ()


def build(
    repository: Repository,
    store: LogStore,
    request: Request,
    *,
    rebuild: bool = False,
    name: str = "current",
    base: Manifest | None = None,
    progress: Progress = silent,
) -> Built:
    """Bring the log of a repository up to date, or make it.

    Parameters
    ----------
    repository : Repository
    store : LogStore
    request : Request
    rebuild : bool
        Read everything again even if the last log could be built upon.
    name : str
        Name of the pointer: ``current``, or that of a log of another commit.
    base : Manifest or None
        The log to build upon; by default the current one.
    progress : Progress

    Returns
    -------
    Built

    Raises
    ------
    EmptyRepository, UnknownRevision, UnknownTime, InvalidOption
        The request cannot be met.
    StoreFull, StoreError
        The log cannot be written; the last one is untouched.
    """
    started = time.monotonic()
    sha = repository.resolve(request.at)
    if request.worktree and (repository.work_tree is None or sha != repository.resolve("HEAD")):
        raise InvalidOption(
            f"worktree=True adds files to HEAD, and {request.at!r} is not what is checked out.",
            "Leave out worktree, or at.",
        )
    with Objects(repository) as objects:
        wanted = _Wanted.of(repository, objects, request, sha)
        notices: list[str] = []
        last = _last(store, base, notices)
        if not rebuild and (there := _already(store, name, last, wanted)):
            return Built(there, "unchanged", 0, 0, time.monotonic() - started)
        with store.building(_wait(progress)) as folder, translated(store.folder):
            # Another process may have scraped while this one waited for the lock.
            last = base or _last(store, base, notices)
            if not rebuild and (there := _already(store, name, last, wanted)):
                return Built(there, "unchanged", 0, 0, time.monotonic() - started)
            usable = last is not None and not rebuild and last.fingerprint == wanted.fingerprint
            scrape = _Scrape(repository, objects, request, wanted, folder, progress)
            try:
                made = scrape.run(store, last, build_upon=usable)
            except _UnreadableBase as err:
                notices.append(f"{err} It was built anew.")
                made = scrape.run(store, None, build_upon=False)
            notices += scrape.notices
            manifest = store.place(made.built, made.manifest, name)
    return Built(
        manifest,
        "incremental" if made.built_upon else "full",
        made.added,
        made.removed,
        time.monotonic() - started,
        tuple(dict.fromkeys(notices)),
    )


def _wait(progress: Progress) -> Callable[[], None]:
    return lambda: progress("waiting for another scrape", 0, None)


def _last(store: LogStore, base: Manifest | None, notices: list[str]) -> Manifest | None:
    if base is not None:
        return base
    try:
        return store.manifest()
    except CorruptLog as err:
        notices.append(f"{err.message} It was built anew.")
        return None


def _already(store: LogStore, name: str, last: Manifest | None, wanted: _Wanted) -> Manifest | None:
    """Return the log that shows what is wanted, where there is one: the last, or that of `name`."""
    of_name = store.manifest_at(name) if name != "current" else None
    for log in (last, of_name):
        if log is not None and wanted.is_met_by(log, store):
            return log
    return None


def _changes(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Count what a log that was made anew has, and what the one before had, that the other lacks.

    Of a log whose tables were others, or cannot be read, nothing is known: all is new.
    """
    import duckdb

    what = "SELECT event_id, source, source_id, source_file, envelope::VARCHAR FROM"
    new, old = f"{what} eventlog", f"{what} old.main.eventlog"
    try:
        added, removed = _row(
            connection,
            f"SELECT (SELECT count(*) FROM ({new} EXCEPT ALL {old})), "
            f"(SELECT count(*) FROM ({old} EXCEPT ALL {new}))",
        )
    except duckdb.Error:
        return {}
    return {"added": added, "removed": removed}


class _UnreadableBase(Exception):
    """The last log is damaged, so nothing can be taken from it."""


@dataclass(frozen=True)
class _Wanted:
    """The state of the repository that a log has to show."""

    sha: str
    fingerprint: str
    options: Mapping[str, Any]
    shallow: str
    refs: str
    uncommitted: Mapping[str, str]
    git_version: str
    objects: Objects = field(repr=False, compare=False)

    @classmethod
    def of(cls, repository: Repository, objects: Objects, request: Request, sha: str) -> _Wanted:
        git_version = objects.run("version").decode().strip().removeprefix("git version ")
        options = request.options(git_version)
        changed = uncommitted(repository, request.wants) if request.worktree else {}
        return cls(
            sha=sha,
            fingerprint=_hash(options),
            options=options,
            shallow=_hash(list(objects.shallow)) if objects.shallow else "",
            refs=_hash(repository.tags()),
            uncommitted={path: oid for path, (oid, _) in sorted(changed.items())},
            git_version=git_version,
            objects=objects,
        )

    def is_met_by(self, log: Manifest, store: LogStore) -> bool:
        """Whether `log` already shows this state, so that there is nothing to do."""
        same = (
            log.source_sha == self.sha
            and log.fingerprint == self.fingerprint
            and log.shallow == self.shallow
            and log.refs == self.refs
            and dict(log.uncommitted) == dict(self.uncommitted)
        )
        return same and store.holds(log) and not self.objects.present(log.missing_objects)


def _hash(value: Any) -> str:
    return hashlib.sha256(canonical_json(value)).hexdigest()[:16]


@dataclass(frozen=True)
class _Made:
    built: Path
    manifest: Manifest
    added: int
    removed: int
    built_upon: bool


@dataclass(frozen=True)
class _FileToRead:
    """A file that a source wants; `content` is None where it is the blob's."""

    source: FileSource
    path: str
    blob: str
    loose: bool
    changed_us: int | None
    content: bytes | None = field(repr=False)

    def stage(self, staging: Staging) -> None:
        """Stage that this blob was read."""
        staging.file(
            self.source.name,
            self.path,
            self.blob,
            uncommitted=self.loose,
            changed_us=self.changed_us,
        )


def _is_timed(source: FileSource) -> bool:
    return isinstance(source, TimedSource) and source.needs_time


class _Scrape:
    """One run: everything between the lock and the pointer."""

    def __init__(
        self,
        repository: Repository,
        objects: Objects,
        request: Request,
        wanted: _Wanted,
        folder: Path,
        progress: Progress,
    ) -> None:
        self.repository = repository
        self.objects = objects
        self.request = request
        self.wanted = wanted
        self.folder = folder
        self.progress = progress
        self.notices: list[str] = []
        timed = any(_is_timed(source) for source in request.files)
        self.times = FileTimes(wanted.sha) if timed else None

    def run(self, store: LogStore, last: Manifest | None, *, build_upon: bool) -> _Made:
        """Build the log file in the build folder."""
        import duckdb

        built = self.folder / "log.duckdb"
        connection = duckdb.connect(":memory:", config=_FILE)
        try:
            connection.execute("SET TimeZone = 'UTC'; SET memory_limit = '400MB'")
            connection.execute("SET checkpoint_threshold = '1KB'")
            connection.execute("SET enable_progress_bar = false")
            store_.limit_temporary_files(connection, self.folder)
            attached = self._attach_last(connection, store, last, build_upon=build_upon)
            base = last if attached and build_upon else None
            with Staging(self.folder) as staging:
                history = self._git(connection, staging, base)
                self._files(connection, staging, build_upon=base is not None)
                for problem in self.request.problems:
                    staging.problem(problem)
                for found in git_.tags(self.objects, history):
                    self._stage(staging, "git", found)
            self.progress("write", 0, None)
            for kind in COLUMNS:
                connection.execute(f"CREATE TEMP TABLE new_{kind} AS FROM {staging.reader(kind)}")
                (self.folder / f"{kind}.ndjson").unlink()
            extended = base is not None and self._cut(connection, base)
            _run(connection, "write_new.sql")
            built.unlink(missing_ok=True)
            if extended and base is not None:
                shutil.copyfile(store.folder / base.file, built)
            connection.execute(f"ATTACH {store_.literal(built)} AS log; USE log")
            connection.execute("BEGIN")
            if not extended:
                connection.execute(_sql("schema.sql"))
                for statement in view_statements():
                    connection.execute(statement)
                if attached:
                    connection.execute("INSERT INTO scrape_meta FROM old_meta ORDER BY ALL")
            counted = self._write(connection, had=base is not None, extended=extended)
            if attached and base is None:
                counted |= _changes(connection)
            manifest = self._manifest(connection, base, counted, extended=extended)
            connection.execute("COMMIT")
        finally:
            connection.close()
        return _Made(built, manifest, counted["added"], counted["removed"], base is not None)

    def _attach_last(
        self,
        connection: duckdb.DuckDBPyConnection,
        store: LogStore,
        last: Manifest | None,
        *,
        build_upon: bool,
    ) -> bool:
        """Attach the last log as ``old``; say whether there is one that can be read."""
        import duckdb

        if last is None:
            return False
        place = store.folder / last.file
        try:
            connection.execute(f"ATTACH {store_.literal(place)} AS old (READ_ONLY)")
            connection.execute("CREATE TEMP TABLE old_meta AS FROM old.main.scrape_meta")
        except duckdb.Error as err:
            if build_upon:
                raise _UnreadableBase(
                    f"The last log {place} cannot be read ({str(err).splitlines()[0]})."
                ) from err
            return False
        return True

    # -- reading -----------------------------------------------------------------------

    def _git(
        self, connection: duckdb.DuckDBPyConnection, staging: Staging, last: Manifest | None
    ) -> Iterable[str]:
        """Stage the commits that the last log lacks; return the whole history's shas."""
        have: set[str] = set()
        again: set[str] = set()
        if last is not None:
            have = _column(
                connection,
                "SELECT source_id FROM old.main.eventlog "
                "WHERE source = 'git' AND event_type = 'git.commit'",
            )
            again = _column(
                connection,
                "SELECT source_id FROM old.main.quarantine WHERE source = 'git' "
                f"AND source_id IS NOT NULL AND reason IN {_RETRIED}",
            )
            # A clone can also become shallower: what was read whole is a boundary now.
            again |= have.intersection(self.objects.shallow)
        until_us = self.wanted.options["until_us"]
        new, gone, history = self._difference(last, have)
        if gone:
            are = "commit of the last log is" if len(gone) == 1 else "commits of the last log are"
            self.notices.append(
                f"{len(gone):,} {are} not in this history any more (it was rewritten, or is "
                "another branch's); what was told of it left the log."
            )
        connection.execute("CREATE TEMP TABLE dropped AS SELECT unnest(?::VARCHAR[]) AS sha", [
            sorted(gone | again)
        ])  # fmt: skip
        if last is not None and self.times is not None:
            self.times.last_log(connection)
        todo = new + sorted(again - gone)
        self.progress("commits", 0, len(todo))
        read = 0

        def advance(n: int) -> None:
            nonlocal read
            read += n
            self.progress("commits", read, len(todo))

        for event, problem in self.request.git.commits(self.objects, todo, progress=advance):
            if self.times is not None:
                self.times.commit(event)
            if until_us is not None and event.occurred_us >= until_us:
                continue
            staging.event("git", event)
            if problem is not None:
                staging.problem(problem)
        return history

    def _difference(
        self, last: Manifest | None, have: set[str]
    ) -> tuple[list[str], set[str], Iterable[str]]:
        """Compare the wanted history with the commits in the last log.

        Returns
        -------
        (new, gone, history)
            `new` newest first.  With an upper time limit, commits beyond it are always
            "new": they are not in the log, and are read and left out again.
        """
        sha = self.wanted.sha
        if last is not None and self.wanted.options["until_us"] is None:
            same_boundary = last.shallow == self.wanted.shallow
            if same_boundary and self._is_ancestor(last.source_sha, sha):
                new = self.objects.run("rev-list", sha, "--not", last.source_sha)
                shas = new.decode().split()
                return shas, set(), [*shas, *have]
        history = self.objects.history(sha)
        reachable = set(history)
        return [s for s in history if s not in have], have - reachable, history

    def _is_ancestor(self, older: str, newer: str) -> bool:
        process = self.objects.process("merge-base", "--is-ancestor", older, newer)
        process.communicate()
        return process.returncode == 0

    def _files(
        self, connection: duckdb.DuckDBPyConnection, staging: Staging, *, build_upon: bool
    ) -> None:
        """Stage the events of files that are new or changed, and list those that are not."""
        had: dict[tuple[str, str], tuple[str, bool, int | None]] = {}
        if build_upon:
            rows = connection.execute(
                "SELECT source, path, blob, uncommitted, changed_us FROM old.main.source_files"
            ).fetchall()
            had = {(source, path): tuple(known) for source, path, *known in rows}
        kept: list[tuple[str, str]] = []
        todo: list[_FileToRead] = []
        for file in self._wanted_files(staging):
            key = file.source.name, file.path
            if had.get(key) == (file.blob, file.loose, file.changed_us):
                kept.append(key)
                file.stage(staging)
            else:
                todo.append(file)
        connection.execute(
            "CREATE TEMP TABLE kept_files AS "
            "SELECT unnest(?::VARCHAR[]) AS source, unnest(?::VARCHAR[]) AS path",
            [[s for s, _ in kept], [p for _, p in kept]],
        )
        for oid, folder in self.objects.absent.items():
            where = f"folder {decode_path(folder)}" if folder else "root folder"
            why = f"The tree {oid} of the {where} is not here; its files are not read."
            staging.problem(Problem("files", "missing object", why, object_id=oid))
        self.progress("files", 0, len(todo))
        contents = self.objects.blobs(
            file.blob.removesuffix(LINK) for file in todo if file.content is None
        )
        for done, file in enumerate(todo, 1):
            given = file.content if file.content is not None else next(contents)[1]
            self._file(staging, file, given)
            self.progress("files", done, len(todo))

    def _wanted_files(self, staging: Staging) -> Iterator[_FileToRead]:
        """Yield every file to be read; report, for each reason, how many cannot be."""
        changed = uncommitted(self.repository, self.request.wants) if self.request.worktree else {}
        entries: dict[str, tuple[str, bool, bytes | None]] = {}
        for mode, oid, raw in self.objects.tree(self.wanted.sha):
            blob = oid + LINK if mode == "120000" else oid
            entries[decode_path(raw)] = (blob, False, None)
        for path, (blob, content) in changed.items():
            if content is None:
                entries.pop(path, None)
            else:
                entries[path] = (blob, True, content)
        for source in self.request.files:
            if isinstance(source, SkippingSource):
                for reason, n in sorted(Counter(map(source.skips, entries)).items()):
                    if reason:
                        detail = f"{n:,} files were not read: {reason}."
                        staging.problem(Problem(source.name, "not read", detail))
            for path in sorted(filter(source.wants, entries)):
                blob, loose, content = entries[path]
                changed_us = None
                if _is_timed(source) and self.times is not None:
                    changed_us = self.times.scraped_us if loose else self.times.of(path)
                yield _FileToRead(source, path, blob, loose, changed_us, content)

    def _file(self, staging: Staging, file: _FileToRead, content: bytes | None) -> None:
        """Stage what one file says."""
        source, path, blob = file.source, file.path, file.blob
        if content is None:
            oid = blob.removesuffix(LINK)
            staging.problem(
                Problem(
                    source.name,
                    "missing object",
                    f"The file's object {oid} is not in this clone.",
                    source_file=path,
                    object_id=oid,
                )
            )
            # Under a name that no blob has, so that the next scrape tries it again.
            replace(file, blob="missing").stage(staging)
            return
        file.stage(staging)
        changed_at = None if file.changed_us is None else instant(file.changed_us)
        try:
            for found in source.read(
                SourceFile(path, content, blob.endswith(LINK), changed_at=changed_at)
            ):
                if isinstance(found, Coverage):
                    staging.coverage(source.name, path, found)
                    continue
                if isinstance(found, Event):
                    found = _from_file(found, path, uncommitted=file.loose)
                self._stage(staging, source.name, found)
        except Exception as err:  # noqa: BLE001 - one file must not stop the others
            staging.problem(
                Problem(
                    source.name,
                    "source failed",
                    f"{type(err).__name__}: {err}",
                    source_file=path,
                )
            )

    def _stage(self, staging: Staging, source: str, found: Event | Problem) -> None:
        if isinstance(found, Problem):
            staging.problem(found)
            return
        until_us = self.wanted.options["until_us"]
        if until_us is None or found.occurred_us < until_us:
            staging.event(source, found)

    # -- writing -----------------------------------------------------------------------

    def _cut(self, connection: duckdb.DuckDBPyConnection, base: Manifest) -> bool:
        """Find where the new log begins to differ; say whether what lies before is copied."""
        _run(connection, "write_cut.sql")
        (first,) = _row(connection, "SELECT getvariable('first')")
        extended = first > 1 and base.size <= GROWTH * base.whole_size
        if not extended:
            connection.execute("SET VARIABLE first = 1::BIGINT")
        # A commit can be older than its parent.
        connection.execute(
            "SET VARIABLE first_child = (SELECT CASE WHEN count(*) > 0 THEN 1 "
            "ELSE getvariable('first') END FROM old.main.commit_parents "
            "WHERE seq < getvariable('first') AND parent >= getvariable('first'))"
        )
        return extended

    def _write(
        self, connection: duckdb.DuckDBPyConnection, *, had: bool, extended: bool
    ) -> dict[str, int]:
        """Fill the tables of the new log from the last log and the staged rows."""
        if extended:
            _run(connection, "write_extend.sql")
        _run(connection, "write_incremental.sql" if had else "write_full.sql")
        self._authors(connection)
        if extended:
            _run(connection, "write_authors.sql")
        _run(connection, "write.sql")
        write_links(connection)
        (events,) = _row(connection, "SELECT count(*) FROM eventlog")
        kept = before = 0
        if had:
            before, left = _row(
                connection,
                "SELECT (SELECT count(*) FROM old.main.eventlog), (SELECT count(*) FROM leaves)",
            )
            kept = before - left
        return {"added": events - kept, "removed": before - kept, "events": events}

    def _authors(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Fill `authors`: the identities of all commits, as corrected by the commit's mailmap."""
        rows = connection.execute(
            "SELECT name, email FROM identity ORDER BY name, email"
        ).fetchall()
        content = None
        for mode, oid, path in self.objects.tree(self.wanted.sha, ".mailmap"):
            if path == b".mailmap" and mode != "120000":
                content = next(self.objects.blobs([oid]))[1]
                if content is None:
                    why = f"The .mailmap {oid} is not here; names are as the commits have them."
                    connection.execute(
                        "INSERT INTO new_problem (source, reason, detail, source_file, object_id) "
                        "VALUES ('git', 'missing object', ?, '.mailmap', ?)",
                        [why, oid],
                    )
        proper = mailmap(self.objects, content, rows)
        pairs = [proper[row] for row in rows]
        connection.execute(
            "INSERT INTO authors SELECT unnest(?::INTEGER[]), unnest(?::VARCHAR[]), "
            "unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), unnest(?::VARCHAR[])",
            [
                list(range(1, len(rows) + 1)),
                [name for name, _ in rows],
                [email for _, email in rows],
                [name for name, _ in pairs],
                [email for _, email in pairs],
            ],
        )

    def _manifest(
        self,
        connection: duckdb.DuckDBPyConnection,
        base: Manifest | None,
        counted: Mapping[str, int],
        *,
        extended: bool,
    ) -> Manifest:
        (digest,) = _row(connection, DIGEST_SQL)
        (refs_digest,) = _row(connection, REFS_DIGEST_SQL)
        by_type = dict(
            connection.execute(
                "SELECT event_type, count(*) FROM eventlog GROUP BY ALL ORDER BY ALL"
            ).fetchall()
        )
        first, latest, quarantined = _row(
            connection,
            "SELECT min(occurred_us), max(occurred_us), (SELECT count(*) FROM quarantine) "
            "FROM eventlog",
        )
        (batch,) = _row(connection, "SELECT coalesce(max(batch), 0) + 1 FROM scrape_meta")
        connection.execute(
            _sql("scrape_meta.sql"),
            {
                "batch": batch,
                "sha": self.wanted.sha,
                "how": "full" if base is None else "incremental",
                "added": counted["added"],
                "removed": counted["removed"],
                "options": json.dumps(self.wanted.options, sort_keys=True),
                "git_version": self.wanted.git_version,
                "digest": digest,
            },
        )
        covered = connection.execute(
            "SELECT kind, sum(present), sum(extracted) FROM coverage GROUP BY kind ORDER BY kind"
        ).fetchall()
        missing = _column(
            connection, "SELECT object_id FROM quarantine WHERE object_id IS NOT NULL"
        )
        return Manifest(
            file=f"log-{batch}-{digest[:16]}-{self.folder.name.removeprefix('build-')}.duckdb",
            digest=digest,
            refs_digest=refs_digest,
            source_sha=self.wanted.sha,
            fingerprint=self.wanted.fingerprint,
            shallow=self.wanted.shallow,
            refs=self.wanted.refs,
            events=counted["events"],
            by_type=by_type,
            quarantined=quarantined,
            first_us=first,
            last_us=latest,
            batch=batch,
            whole_size=base.whole_size if base is not None and extended else 0,
            options=self.wanted.options,
            coverage={kind: (int(p), int(e)) for kind, p, e in covered},
            missing_objects=tuple(sorted(missing)),
            uncommitted=dict(self.wanted.uncommitted),
        )


def _from_file(event: Event, path: str, *, uncommitted: bool) -> Event:
    """Return the event with its file, by which the next scrape knows it again."""
    if uncommitted:
        event = replace(event, envelope={**(event.envelope or {}), "uncommitted": True})
    return event if event.source_file == path else replace(event, source_file=path)


def _sql(name: str) -> str:
    return importlib.resources.files("patina_lab.eventlog").joinpath(name).read_text("utf-8")


def _run(connection: duckdb.DuckDBPyConnection, script: str) -> None:
    for statement in _sql(script).split(";\n"):
        if statement.strip():
            connection.execute(statement)


def _column(connection: duckdb.DuckDBPyConnection, sql: str) -> set[str]:
    return {value for (value,) in connection.execute(sql).fetchall()}


def _row(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    row = connection.execute(sql).fetchone()
    assert row is not None
    return row
