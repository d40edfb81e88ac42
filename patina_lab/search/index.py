"""Neighbours of a vector: exact, or by a graph (HNSW) that is re-ranked exactly.

============ ============================== ==================================================
``exact``    NumPy                          the reference; the default up to `MANY` vectors
``hnsw``     ``patina-lab[ann]``            Malkov & Yashunin (2018); needs a compiler to install
============ ============================== ==================================================

Both give the same answers for the same vectors every time: cosines are exact (see
`patina_lab.beliefs.cluster.quantised`), ties go to the lower row, and the graph is built on
one thread in the order of the rows.  What the graph may do is miss a neighbour (see `recall`),
so it is walked only where all rows are asked: what is not asked can have no say.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from patina_lab.beliefs.cluster import quantised
from patina_lab.errors import InvalidOption, MissingTool

if TYPE_CHECKING:
    import numpy.typing as npt

MANY = 50_000
"""Vectors up to which exact search is faster end to end, building the index included."""

M, EF_CONSTRUCTION, EF, SEED = 16, 200, 200, 100

_MARGIN = 1e-4
"""More than the rounding error of a float32 dot product of two vectors of length 1."""

Found = tuple["npt.NDArray[np.int64]", "npt.NDArray[np.float64]"]


class VectorIndex(Protocol):
    """What finds the nearest of many vectors.

    Attributes
    ----------
    kind : str
        ``exact`` or ``hnsw``.
    """

    @property
    def kind(self) -> str:
        """``exact`` or ``hnsw``."""

    def __len__(self) -> int: ...

    def search(
        self,
        query: npt.NDArray[np.float32],
        k: int,
        among: npt.NDArray[np.bool_] | None = None,
    ) -> Found:
        """Return the rows of the k nearest vectors and their cosines, nearest first.

        Parameters
        ----------
        query : numpy.ndarray
            float32, of length 1.
        k : int
        among : numpy.ndarray or None
            bool, a row: only these.
        """


def index(
    vectors: npt.NDArray[np.float32], kind: str | None = None, *, file: Path | None = None
) -> VectorIndex:
    """Return an index over vectors.

    Parameters
    ----------
    vectors : numpy.ndarray
        float32, rows of length 1; may be a memory map.  Sort the rows by an id, so that the
        same set gives the same graph.
    kind : {"exact", "hnsw", None}
        None: by size, and exact where hnswlib is not installed.
    file : path or None
        Where a graph is kept for the next time.

    Raises
    ------
    MissingTool
        ``hnsw`` was asked for, and hnswlib is not installed.
    """
    if kind not in (None, "exact", "hnsw"):
        raise InvalidOption(f"There is no index {kind!r}.", "Use exact or hnsw.")
    there = _has_hnswlib()
    if kind == "hnsw" and not there:
        raise MissingTool(
            "The index 'hnsw' needs the package hnswlib.",
            "pip install 'patina-lab[ann]' (it needs a compiler), or use index='exact'",
        )
    if kind == "hnsw" or (kind is None and there and len(vectors) > MANY):
        return HnswIndex(vectors, file)
    return ExactIndex(vectors)


def _has_hnswlib() -> bool:
    try:
        return importlib.util.find_spec("hnswlib") is not None
    except ValueError:
        return False


class ExactIndex:
    """Compares with every vector."""

    kind = "exact"

    def __init__(self, vectors: npt.NDArray[np.float32]) -> None:
        self.vectors = vectors

    def __len__(self) -> int:
        return len(self.vectors)

    def search(
        self,
        query: npt.NDArray[np.float32],
        k: int,
        among: npt.NDArray[np.bool_] | None = None,
    ) -> Found:
        """Return the k nearest; see `VectorIndex.search`."""
        rough = self.vectors @ query
        rows = np.arange(len(rough)) if among is None else np.nonzero(among)[0]
        if 0 < k < len(rows):
            # Whatever could be among the k, once the rounding of float32 is taken away.
            kth = np.partition(rough[rows], len(rows) - k)[len(rows) - k]
            rows = rows[rough[rows] >= kth - _MARGIN]
        return _ranked(self.vectors, rows, query, k)


class HnswIndex:
    """Walks a graph of neighbours; its candidates are ranked exactly."""

    kind = "hnsw"

    def __init__(self, vectors: npt.NDArray[np.float32], file: Path | None = None) -> None:
        self.vectors = vectors
        kept = _kept(vectors, file)
        self._graph = _built(vectors, file) if kept is None else kept

    def __len__(self) -> int:
        return len(self.vectors)

    def search(
        self,
        query: npt.NDArray[np.float32],
        k: int,
        among: npt.NDArray[np.bool_] | None = None,
    ) -> Found:
        """Return the k nearest that the graph leads to; see `VectorIndex.search`.

        Of some rows alone the answer is exact: where a walk ends depends on every vector of
        the graph, also on those that are not asked, and may not yet have been written.
        """
        reach = max(EF, 4 * k)
        if reach >= len(self) or not (among is None or among.all()):
            return ExactIndex(self.vectors).search(query, k, among)
        self._graph.set_ef(reach)
        (rows,), _ = self._graph.knn_query(query, k=reach, num_threads=1)
        return _ranked(self.vectors, rows.astype(np.int64), query, k)


def recall(found: VectorIndex, queries: npt.NDArray[np.float32], k: int = 10) -> float:
    """Return the mean share of the k true neighbours that an index finds, 0..1.

    A found vector counts when it is as near as the k-th true one, so copies are no miss.
    """
    shares = []
    for query in queries:
        _, true = ExactIndex(found.vectors).search(query, k)  # type: ignore[attr-defined]
        _, got = found.search(query, k)
        shares.append(float((got >= true[-1]).sum()) / len(true))
    return float(np.mean(shares))


def _ranked(
    vectors: npt.NDArray[np.float32],
    rows: npt.NDArray[np.int64],
    query: npt.NDArray[np.float32],
    k: int,
) -> Found:
    exact = quantised(vectors[rows]) @ quantised(query)
    order = np.lexsort((rows, -exact))[:k]
    return rows[order], exact[order]


def _built(vectors: npt.NDArray[np.float32], file: Path | None) -> Any:
    import hnswlib

    graph = hnswlib.Index(space="ip", dim=vectors.shape[1])
    graph.init_index(
        max_elements=max(1, len(vectors)), M=M, ef_construction=EF_CONSTRUCTION, random_seed=SEED
    )
    # Row after row on one thread: with more, each run gives another graph.
    graph.add_items(vectors, np.arange(len(vectors)), num_threads=1)
    if file is not None:
        _keep(graph, vectors, file)
    return graph


def _keep(graph: Any, vectors: npt.NDArray[np.float32], file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, aside = tempfile.mkstemp(dir=file.parent, prefix=f"{file.name}.")
    os.close(handle)
    graph.save_index(aside)
    said = {"vectors": _digest(vectors), "graph": _file_digest(Path(aside)), "made": _made()}
    Path(aside).replace(file)
    note = Path(aside).with_suffix(".json")
    note.write_text(json.dumps(said))
    note.replace(_note(file))


def _kept(vectors: npt.NDArray[np.float32], file: Path | None) -> Any:
    """Return the graph that a file keeps, where it is whole and of these vectors."""
    if file is None or not file.is_file():
        return None
    try:
        said = json.loads(_note(file).read_text())
    except (OSError, ValueError):
        return None
    wanted = {"vectors": _digest(vectors), "graph": _file_digest(file), "made": _made()}
    if said != wanted:
        return None
    import hnswlib

    graph = hnswlib.Index(space="ip", dim=vectors.shape[1])
    graph.load_index(str(file), max_elements=max(1, len(vectors)))
    return graph


def _note(file: Path) -> Path:
    return file.with_name(f"{file.name}.json")


def _made() -> str:
    from importlib.metadata import version

    return f"hnswlib {version('hnswlib')}, M {M}, ef {EF_CONSTRUCTION}, seed {SEED}"


def _digest(vectors: npt.NDArray[np.float32]) -> str:
    return hashlib.sha256(np.ascontiguousarray(vectors).data).hexdigest()


def _file_digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
