"""Vectors that were computed once, kept on disk by (model, text).

One SQLite file a model.  It is only ever a shortcut: a damaged, locked or full one is left
out or made anew, and the vectors are the same bytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from filelock import FileLock

from patina_lab.eventlog.progress import Progress, silent

if TYPE_CHECKING:
    import numpy.typing as npt

    from patina_lab.beliefs.embed import Embedder

_KEPT_EVERY = 512
_PATIENCE_S = 30.0
_ASKED_AT_ONCE = 500


class CachedEmbedder:
    """An `Embedder` that remembers.

    Parameters
    ----------
    embedder : Embedder
        Asked only for texts that are not here yet; not loaded where there are none.
    folder : path
        Made when it is needed; it can be deleted at any time.

    Notes
    -----
    Several processes may use one folder.  Each row has a checksum; what does not fit it is
    computed again.
    """

    def __init__(self, embedder: Embedder, folder: Path) -> None:
        self.embedder = embedder
        self.folder = folder

    @property
    def name(self) -> str:
        """Name of the embedder behind."""
        return self.embedder.name

    @property
    def model_hash(self) -> str:
        """Hash of the embedder behind."""
        return self.embedder.model_hash

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return self.embedder.dimensions

    @property
    def file(self) -> Path:
        """Where the vectors of this model lie."""
        return self.folder / f"{self.model_hash[:32]}.v1.sqlite"

    def __repr__(self) -> str:
        return f"<cached {self.embedder!r}>"

    def embed(
        self, texts: Sequence[str], *, progress: Progress = silent
    ) -> npt.NDArray[np.float32]:
        """Return a vector of length 1 for each text; see `Embedder.embed`."""
        keys = [_key(text) for text in texts]
        wanted = dict(zip(keys, texts, strict=True))
        known = self._read(list(wanted))
        missing = [key for key in wanted if key not in known]
        for start in range(0, len(missing), _KEPT_EVERY):
            some = missing[start : start + _KEPT_EVERY]
            made = self.embedder.embed(
                [wanted[key] for key in some], progress=_offset(progress, start, len(missing))
            )
            fresh = dict(zip(some, made, strict=True))
            self._write(fresh)
            known |= fresh
        if not keys:
            return np.empty((0, self.dimensions), dtype=np.float32)
        return np.stack([known[key] for key in keys])

    @property
    def most(self) -> int:
        """How many vectors are kept at most, by the size of their file."""
        return self.state[0] // (4 * self.dimensions)

    @property
    def state(self) -> tuple[int, int]:
        """Size and time of the file: another pair once more vectors are kept."""
        try:
            found = self.file.stat()
        except OSError:
            return 0, 0
        return found.st_size, found.st_mtime_ns

    def missing(self, texts: Iterable[str]) -> int:
        """Return how many different texts have no vector yet."""
        keys = list(dict.fromkeys(map(_key, texts)))
        if not self.file.exists():
            return len(keys)
        known = 0
        with self._tolerant(), self._database() as db:
            for start in range(0, len(keys), _ASKED_AT_ONCE):
                some = keys[start : start + _ASKED_AT_ONCE]
                marks = ", ".join("?" * len(some))
                asked = f"SELECT count(*) FROM kept WHERE text IN ({marks})"
                known += db.execute(asked, some).fetchone()[0]
        return len(keys) - known

    def _read(self, keys: Sequence[bytes]) -> dict[bytes, npt.NDArray[np.float32]]:
        found: dict[bytes, npt.NDArray[np.float32]] = {}
        if not self.file.exists():
            return found
        with self._tolerant(), self._database() as db:
            for start in range(0, len(keys), _ASKED_AT_ONCE):
                some = keys[start : start + _ASKED_AT_ONCE]
                marks = ", ".join("?" * len(some))
                rows = db.execute(
                    f"SELECT text, sum, vector FROM kept WHERE text IN ({marks})", some
                )
                for key, checksum, vector in rows:
                    if zlib.crc32(vector) == checksum and len(vector) == 4 * self.dimensions:
                        found[key] = np.frombuffer(vector, dtype="<f4")
        return found

    def _write(self, vectors: Mapping[bytes, npt.NDArray[np.float32]]) -> None:
        rows = [
            (key, zlib.crc32(data := vector.astype("<f4").tobytes()), data)
            for key, vector in vectors.items()
        ]
        with self._tolerant(), self._database() as db, db:
            db.executemany("INSERT OR REPLACE INTO kept VALUES (?, ?, ?)", rows)

    @contextlib.contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(self.file, timeout=_PATIENCE_S)) as db:
            db.execute(
                "CREATE TABLE IF NOT EXISTS kept "
                "(text BLOB PRIMARY KEY, sum INTEGER, vector BLOB) WITHOUT ROWID"
            )
            yield db

    @contextlib.contextmanager
    def _tolerant(self) -> Iterator[None]:
        """Go on without the cache where it does not work; remove a damaged one."""
        try:
            yield
        except (sqlite3.OperationalError, OSError):
            pass  # locked, read-only, no room: a shortcut less
        except (sqlite3.DatabaseError, TypeError):
            with contextlib.suppress(OSError), FileLock(f"{self.file}.lock", timeout=_PATIENCE_S):
                if not self._sound():
                    self.file.unlink(missing_ok=True)
                    self.file.with_name(f"{self.file.name}-journal").unlink(missing_ok=True)

    def _sound(self) -> bool:
        """Whether another process has mended it meanwhile."""
        try:
            with self._database() as db:
                (said,) = db.execute("PRAGMA quick_check(1)").fetchone()
                (kind,) = db.execute(
                    "SELECT coalesce(max(typeof(vector)), 'blob') FROM kept"
                ).fetchone()
        except sqlite3.OperationalError:
            return True  # locked: somebody is at work
        except sqlite3.DatabaseError:
            return False
        return bool(said == "ok" and kind == "blob")


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _offset(progress: Progress, start: int, whole: int) -> Progress:
    def report(stage: str, done: int, total: int | None) -> None:
        progress(stage, start + done, whole)

    return report
