"""Where logs lie on the disk, and how one is put in place, opened and cleaned up.

A log is an immutable file.  A scrape builds the next one aside and then replaces one small
pointer, ``current.json``: a reader sees the old log or the new one, whole, and a scrape
that is killed leaves nothing but a folder that the next one sweeps away::

    ~/.patina/logs/<name>-<key>/
        current.json              the pointer, with everything a no-op scrape has to know
        log-<n>-<digest>.duckdb   the log it points at
        at-<sha>-….duckdb         logs of other commits, made by as_of(<sha>)
        build-…/                  a log being made
        scrape.lock
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patina_lab.errors import CorruptLog, NoLog, StoreError, StoreFull

if TYPE_CHECKING:
    import duckdb

KEEP_AT = 8
"""Logs of other commits that are kept for the next ``as_of(<sha>)``."""

_NO_SPACE = (28, 122)  # ENOSPC, EDQUOT
_UNWRITABLE = (PermissionError, NotADirectoryError, IsADirectoryError, FileExistsError)


@dataclass(frozen=True)
class Manifest:
    """What is known about a log without opening it.

    `size` is that of its file, `whole_size` what it had when all of it was last written.
    """

    file: str
    digest: str
    refs_digest: str
    source_sha: str
    fingerprint: str
    shallow: str
    refs: str
    events: int
    by_type: Mapping[str, int]
    quarantined: int
    first_us: int | None
    last_us: int | None
    batch: int
    options: Mapping[str, Any]
    coverage: Mapping[str, tuple[int, int]]
    size: int = 0
    whole_size: int = 0
    missing_objects: tuple[str, ...] = ()
    uncommitted: Mapping[str, str] = field(default_factory=dict)


class LogStore:
    """The folder of one repository's logs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def manifest(self) -> Manifest | None:
        """Return the current log's manifest; None where nothing was scraped yet.

        Raises
        ------
        CorruptLog
            The pointer cannot be read.
        """
        return self._read(self.folder / "current.json")

    def manifest_at(self, name: str) -> Manifest | None:
        """Return the manifest of the log of another commit, where it was made before."""
        place = self.folder / f"{name}.json"
        with contextlib.suppress(CorruptLog):
            found = self._read(place)
            if found is not None and self.holds(found):
                with contextlib.suppress(OSError):
                    os.utime(place)
                return found
        return None

    @staticmethod
    def _read(place: Path) -> Manifest | None:
        try:
            value = json.loads(place.read_text())
            value["missing_objects"] = tuple(value["missing_objects"])
            value["coverage"] = {kind: (p, e) for kind, (p, e) in value["coverage"].items()}
            return Manifest(**value)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValueError, TypeError, KeyError, OSError) as err:
            raise CorruptLog(
                f"The log's pointer {place} cannot be read ({err}).",
                "Make the log again: patina-lab scrape --rebuild",
            ) from err

    def holds(self, manifest: Manifest) -> bool:
        """Whether the manifest's file is there, and as long as it was when it was placed."""
        try:
            return (self.folder / manifest.file).stat().st_size == manifest.size
        except OSError:
            return False

    @contextlib.contextmanager
    def building(self, waiting: Callable[[], None] = lambda: None) -> Iterator[Path]:
        """Hold the lock of the store and give a fresh folder to build in.

        Parameters
        ----------
        waiting : callable
            Called once where another process holds the lock.

        Raises
        ------
        StoreFull, StoreError
            The disk is full, or the folder cannot be written.
        """
        import filelock

        with translated(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = filelock.FileLock(self.folder / "scrape.lock")
            try:
                lock.acquire(timeout=0)
            except filelock.Timeout:
                waiting()
                lock.acquire()
            with contextlib.ExitStack() as held:
                held.callback(lock.release)
                for left_behind in self.folder.glob("build-*"):
                    shutil.rmtree(left_behind, ignore_errors=True)
                place = Path(tempfile.mkdtemp(prefix="build-", dir=self.folder))
                try:
                    yield place
                finally:
                    shutil.rmtree(place, ignore_errors=True)

    def place(self, built: Path, manifest: Manifest, name: str = "current") -> Manifest:
        """Put a built log in place: first the file, then, atomically, the pointer.

        Returns the manifest as it was placed.
        """
        _sync(built)
        size = built.stat().st_size
        manifest = replace(manifest, size=size, whole_size=manifest.whole_size or size)
        # All that needs room comes first, so that a full disk leaves nothing behind.
        pointer = built.parent / "pointer.json"
        text = json.dumps({**asdict(manifest), "by_type": dict(manifest.by_type)}, sort_keys=True)
        pointer.write_text(text)
        _sync(pointer)
        built.replace(self.folder / manifest.file)
        pointer.replace(self.folder / f"{name}.json")
        _sync(self.folder)
        self._sweep()
        return manifest

    def _sweep(self) -> None:
        """Remove logs that nothing points at.  Whoever has one open keeps it until closed."""
        others = sorted(
            self.folder.glob("at-*.json"),
            key=lambda p: (p.stat().st_mtime_ns, p.name),
            reverse=True,
        )
        for old in others[KEEP_AT:]:
            old.unlink(missing_ok=True)
        wanted = set()
        for pointer in self.folder.glob("*.json"):
            with contextlib.suppress(CorruptLog):
                found = self._read(pointer)
                wanted.add(found.file if found else "")
        for log in self.folder.glob("*.duckdb"):
            if log.name not in wanted:
                log.unlink(missing_ok=True)

    def open(self, manifest: Manifest | None) -> tuple[duckdb.DuckDBPyConnection, Manifest]:
        """Open a log for reading: one connection in memory, the log attached as ``log``.

        Raises
        ------
        NoLog
            Nothing was scraped yet.
        CorruptLog
            The file is damaged.
        """
        wanted = manifest or self.manifest()
        if wanted is None:
            raise NoLog(f"There is no log in {self.folder} yet.", "Make one: lab.scrape()")
        for _ in range(20):
            try:
                return attach(self.folder / wanted.file), wanted
            except CorruptLog:
                # Between reading the pointer and opening its file another scrape may have
                # put a new log in place and swept this one away.
                latest = self.manifest()
                if latest is None or latest.file == wanted.file or manifest is not None:
                    raise
                wanted = latest
        raise CorruptLog(
            f"The logs in {self.folder} change faster than they can be opened.", "Try again."
        )


TIMESTAMP_MICROS = "CREATE MACRO timestamp_micros(us) AS make_timestamptz(us)"
"""Spark's name for what projections need of every engine; see `projections.calendar`."""


def attach(file: Path) -> duckdb.DuckDBPyConnection:
    """Return a connection in memory with the log `file` attached read-only as ``log``."""
    import duckdb

    connection = duckdb.connect(":memory:")
    try:
        # Timestamps are instants; shown in UTC they look the same on every machine.
        connection.execute("SET GLOBAL TimeZone = 'UTC'")
        connection.execute(TIMESTAMP_MICROS)
        limit_temporary_files(connection, Path(tempfile.gettempdir()))
        connection.execute(f"ATTACH {literal(file)} AS log (READ_ONLY)")
        connection.execute("SELECT seq FROM log.main.eventlog LIMIT 1").fetchall()
    except duckdb.Error as err:
        connection.close()
        first = str(err).splitlines()[0]
        raise CorruptLog(
            f"The log file {file} cannot be read ({first}).",
            "Make the log again: patina-lab scrape --rebuild",
        ) from err
    return connection


def literal(place: Path) -> str:
    """Return a path as a SQL string: one literal, which is all that ATTACH and SET take."""
    return "'" + str(place).replace("'", "''") + "'"


def limit_temporary_files(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Let a large query spill to `folder`, and never into more than half of what is free."""
    half = max(shutil.disk_usage(folder).free // 2, 64 << 20)
    connection.execute(f"SET temp_directory = {literal(folder / 'patina-lab-spill')}")
    connection.execute(f"SET max_temp_directory_size = '{half // (1 << 20)}MiB'")


@contextlib.contextmanager
def translated(folder: Path) -> Iterator[None]:
    """Turn what a disk can say into one sentence."""
    import duckdb

    try:
        yield
    except duckdb.Error as err:
        text = str(err)
        if "No space left" in text or "max_temp_directory_size" in text or "Disk quota" in text:
            raise StoreFull(*_full(folder)) from err
        raise
    except OSError as err:
        if err.errno in _NO_SPACE:
            raise StoreFull(*_full(folder)) from err
        # EROFS; and where no folder can be made at all, as below /proc, there is "no such file".
        if isinstance(err, _UNWRITABLE) or err.errno == 30 or not folder.parent.exists():
            raise StoreError(
                f"The log's folder {folder} cannot be written: {err.strerror}.",
                "Set PATINA_HOME to a folder of yours.",
            ) from err
        raise


def _full(folder: Path) -> tuple[str, str]:
    return (
        f"No space is left on the disk of {folder}; the log that was there is unchanged.",
        "Free some space, or set PATINA_HOME to another disk.",
    )


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
