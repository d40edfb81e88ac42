"""What is searched: the words of a log's events, of one's own notes, and of other projects.

A part of the corpus is a `Segment`: its rows in a fixed order, their words counted.  The
counts of a log lie beside it, as do its vectors once they were made::

    <log's folder>/search/<digest>/
        words.npz               see `patina_lab.search.lexical.Postings`
        <model>.npy             one row an event, float32; <model>.hnsw beside it
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from patina_lab.beliefs.embed import Embedder
from patina_lab.beliefs.embed.cache import CachedEmbedder
from patina_lab.eventlog.eventlog import OpenLog
from patina_lab.eventlog.progress import Progress, silent
from patina_lab.eventlog.slice import Slice
from patina_lab.project.words import domains_in, spoken_in
from patina_lab.search.index import VectorIndex, index
from patina_lab.search.lexical import Postings

if TYPE_CHECKING:
    import numpy.typing as npt

VERSION = 1
"""Raised with every change of what is searched, or of how its words are counted."""

KEEP = 3
"""Logs whose counts and vectors are kept."""

_TEXT_TYPES = "event_type NOT LIKE 'code.%' AND event_type <> 'observation_proposed'"


@dataclass(frozen=True)
class Document:
    """Something that somebody wrote.

    Parameters
    ----------
    event_id : str
        Identity of its event.
    event_type : str
    occurred_us : int
        Microseconds since 1970, UTC.
    author : str
    text : str
        All that it says in words.
    scope : {"log", "shared", "local", "persona"}
        ``shared``: an event file.
    project, source_file, label : str
        The project it comes from (for ``persona``), its file, and what people call it.
    domains : tuple of str
    headline : str
        The sentence that it is about; empty where that is not known apart.
    """

    event_id: str
    event_type: str
    occurred_us: int
    author: str
    text: str
    scope: str = "log"
    project: str = ""
    source_file: str = ""
    label: str = ""
    domains: tuple[str, ...] = ()
    headline: str = ""


@dataclass(eq=False)
class Segment:
    """A part of the corpus.

    Parameters
    ----------
    scope : str
    ids : sequence of str
        Identity of each row's event.
    occurred : numpy.ndarray
        int64, microseconds.
    types : sequence of str
    postings : Postings
    fetch : callable
        Row numbers -> documents.
    seq : numpy.ndarray or None
        int64: the rank of each row in its log.
    folder : path or None
        Where its vectors are kept.
    """

    scope: str
    ids: Sequence[str]
    occurred: npt.NDArray[np.int64]
    types: Sequence[str]
    postings: Postings
    fetch: Callable[[Sequence[int]], list[Document]]
    seq: npt.NDArray[np.int64] | None = None
    folder: Path | None = None
    _indexes: dict[tuple[str, str], VectorIndex] = field(default_factory=dict, repr=False)
    _bags: npt.NDArray[np.uint64] | None = field(default=None, repr=False)
    _different: int | None = field(default=None, repr=False)
    _missing: dict[str, tuple[tuple[int, int], int]] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def bags(self) -> npt.NDArray[np.uint64]:
        """A number for each row that is the same where the words are, in whatever order."""
        if self._bags is None:
            self._bags = self.postings.bags()
        return self._bags

    def missing(self, embedder: Embedder, enough: int) -> int:
        """Return how many texts have no vector yet; where that is more than `enough`, a bound.

        Reading and hashing every text takes seconds for a long history, so it is done where
        the size of what is kept leaves a doubt, and once for each state of that.
        """
        if not isinstance(embedder, CachedEmbedder):
            return len(self)
        if self._different is None:  # equal texts have equal words
            self._different = len(np.unique(self.bags))
        least = self._different - embedder.most
        if least > enough:
            return least
        state, model = embedder.state, embedder.model_hash
        if self._missing.get(model, (None, 0))[0] != state:
            self._missing[model] = state, embedder.missing(self.texts())
        return self._missing[model][1]

    def texts(self) -> list[str]:
        """Return the text of each row."""
        return [document.text for document in self.fetch(range(len(self)))]

    def embedded(self, embedder: Embedder, kind: str | None = None) -> VectorIndex | None:
        """Return the index over the rows' vectors; None where they were not made yet."""
        key = (embedder.model_hash, kind or "")
        if key not in self._indexes and self.folder is not None:
            vectors = _load(self._file(embedder), len(self), embedder.dimensions)
            if vectors is not None:
                self._indexes[key] = index(
                    vectors, kind, file=self._file(embedder).with_suffix(".hnsw")
                )
        return self._indexes.get(key)

    def embed(
        self, embedder: Embedder, kind: str | None = None, *, progress: Progress = silent
    ) -> VectorIndex:
        """Return the same, after making the vectors where they are missing."""
        found = self.embedded(embedder, kind)
        if found is not None:
            return found
        vectors = embedder.embed(self.texts(), progress=progress)
        graph = None
        if self.folder is not None:
            _put(self._file(embedder), lambda out: np.save(out, vectors))
            graph = self._file(embedder).with_suffix(".hnsw")
        made = self._indexes[embedder.model_hash, kind or ""] = index(vectors, kind, file=graph)
        return made

    def _file(self, embedder: Embedder) -> Path:
        assert self.folder is not None
        return self.folder / f"{embedder.model_hash[:32]}.npy"


def of_documents(documents: Iterable[Document], scope: str) -> Segment:
    """Return documents that are at hand as a segment, in the order of time and identity."""
    rows = sorted(documents, key=lambda d: (d.occurred_us, d.event_id, d.source_file))
    return Segment(
        scope,
        [d.event_id for d in rows],
        np.array([d.occurred_us for d in rows], dtype=np.int64),
        [d.event_type for d in rows],
        Postings.of(d.text for d in rows),
        lambda wanted: [rows[n] for n in wanted],
    )


_OPEN: weakref.WeakKeyDictionary[OpenLog, Segment] = weakref.WeakKeyDictionary()


def of_log(opened: OpenLog, folder: Path | None = None) -> Segment:
    """Return the events of a log that have words, in its order.

    Parameters
    ----------
    opened : OpenLog
    folder : path or None
        Where counts and vectors are kept; it can be deleted at any time.
    """
    if opened in _OPEN:
        return _OPEN[opened]
    manifest = opened.manifest
    said = f"{VERSION} {manifest.digest} {manifest.refs_digest} {manifest.file}"
    home = folder / hashlib.sha256(said.encode()).hexdigest()[:24] if folder else None
    query = (
        "SELECT seq, occurred_us, event_type, event_id FROM log.main.eventlog "
        f"WHERE {_TEXT_TYPES} ORDER BY seq"
    )
    table = opened.arrow(query)
    seq, occurred = (table.column(n).to_numpy() for n in (0, 1))
    reference = weakref.ref(opened)  # the log's own entry must not keep it alive

    def fetch(wanted: Sequence[int]) -> list[Document]:
        log = reference()
        assert log is not None, "the log was closed"
        return _documents(log, seq[np.asarray(wanted, dtype=np.int64)])

    postings = _words(home)
    if postings is None or len(postings) != len(seq):
        postings = Postings.of(d.text for d in fetch(range(len(seq))))
        if home is not None:
            _put(home / "words.npz", postings.save)
            _sweep(home.parent, home.name)
    made = Segment(
        "log",
        table.column(3).to_pylist(),
        occurred,
        table.column(2).to_pylist(),
        postings,
        fetch,
        seq,
        home,
    )
    _OPEN[opened] = made
    return made


def chosen(opened: OpenLog, segment: Segment, wanted: Slice) -> npt.NDArray[np.bool_]:
    """Return which rows of a log's segment a slice has."""
    assert segment.seq is not None
    if wanted.only_time:
        return between(segment, wanted.since_us, wanted.until_us)
    inside = wanted.predicate("e", "log.main.")
    table = opened.arrow(f"SELECT e.seq FROM log.main.eventlog e WHERE {inside}")
    rows: npt.NDArray[np.bool_] = np.isin(segment.seq, table.column(0).to_numpy())
    return rows


def between(segment: Segment, since_us: int | None, until_us: int | None) -> npt.NDArray[np.bool_]:
    """Return which rows happened in ``[since, until)``; bool."""
    rows = np.ones(len(segment), dtype=bool)
    if since_us is not None:
        rows &= segment.occurred >= since_us
    if until_us is not None:
        rows &= segment.occurred < until_us
    return rows


def spoken(event_type: str, data: Mapping[str, Any]) -> str:
    """Return what an event of a log says in words.

    Examples
    --------
    >>> spoken("session.decision", {"content": "Use a cache", "session_id": "20250101"})
    'Use a cache'
    >>> spoken("session.started", {"title": "Codec", "id": "1", "goals": ["Make it fast"]})
    'Codec'
    """
    if event_type == "session.started":  # its goals are events of their own
        return str(data.get("title") or "")
    if event_type == "git.tag":
        return "\n".join(str(data[key]) for key in ("name", "message") if data.get(key))
    if event_type.startswith("session."):
        return str(data.get("content") or "")
    return spoken_in(data)


def _documents(opened: OpenLog, seqs: npt.NDArray[np.int64]) -> list[Document]:
    """Return events of a log as documents, in the order asked for."""
    few = len(seqs) <= 500
    # Joined, not listed: only then are the payloads of the others not unpacked.
    these = f"SELECT unnest([{', '.join(map(str, seqs.tolist()))}]::BIGINT[])"
    listed = f"WHERE e.seq IN ({these})" if few else ""
    # A commit's payload lists its files: they are not read for its message.
    query = (
        "SELECT e.seq, e.event_id, e.event_type, e.occurred_us, coalesce(e.actor, ''), "
        "CASE WHEN e.event_type = 'git.commit' THEN e.data->>'$.message' ELSE "
        "CAST(e.data AS VARCHAR) END, coalesce(e.source_file, ''), e.source_id, e.source "
        f"FROM log.main.eventlog e {listed or 'WHERE ' + _TEXT_TYPES}"
    )
    rows = {row[0]: row[1:] for row in opened.rows(query)}
    made = []
    domains: tuple[str, ...]
    for event_id, event_type, occurred, actor, said, file, source_id, source in (
        rows[seq] for seq in seqs.tolist()
    ):
        scope = "shared" if source == "event_files" else "log"
        if event_type == "git.commit":
            text, domains, label = said or "", (), source_id[:12]
        else:
            data = json.loads(said)
            text, label = spoken(event_type, data), source_id
            domains = domains_in(data)
        made.append(
            Document(event_id, event_type, occurred, actor, text, scope, "", file, label, domains)
        )
    return made


def _words(home: Path | None) -> Postings | None:
    if home is None:
        return None
    try:
        return Postings.load(home / "words.npz")
    except (OSError, ValueError):
        return None


def _load(file: Path, rows: int, dimensions: int) -> Any:
    """Return kept vectors as a memory map; None where they are not there, or not whole."""
    try:
        vectors = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    fits = vectors.shape == (rows, dimensions) and vectors.dtype == np.float32
    return vectors if fits else None


def _put(file: Path, write: Callable[[Any], object]) -> None:
    """Write a file aside and move it into place; without room, do without."""
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        try:
            with os.fdopen(handle, "wb") as out:
                write(out)
            Path(name).replace(file)
        finally:
            Path(name).unlink(missing_ok=True)


def _sweep(folder: Path, name: str) -> None:
    """Keep what was used last."""
    with contextlib.suppress(OSError):
        homes = sorted(
            (p for p in folder.iterdir() if p.is_dir() and p.name != name),
            key=lambda p: p.stat().st_mtime,
        )
        for old in homes[: max(0, len(homes) - KEEP + 1)]:
            shutil.rmtree(old, ignore_errors=True)
