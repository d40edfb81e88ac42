r"""Clusters: observations that speak of one thing, by average linkage on cosine distance.

Two groups are merged while the mean distance between their members is at most a bound, the
nearest two first (UPGMA; Sokal & Michener 1958; nearest-neighbour chains by SciPy).

The same observations give the same clusters, in any order and on any machine:

- Cosines are exact.  Components are rounded to multiples of 2\ :sup:`-26`; by Cauchy-Schwarz
  every partial sum of a dot product of two unit vectors is then an integer below 2\ :sup:`53`
  of 2\ :sup:`-52`, which float64 holds without rounding, whatever BLAS does with its blocks.
- Observations are taken in the order of their text's hash, then their id; ties fall alike.

It is done by connected components of the graph of pairs within the bound, and that is exact:
a mean is at most the bound only if one of its pairs is, so groups from two components are
never merged, and what is merged within one depends on its own distances alone.  So after new
observations only components that changed are clustered again.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from patina_lab.beliefs.polarity import polarity
from patina_lab.errors import InvalidOption, MissingTool
from patina_lab.eventlog.progress import Progress, silent
from patina_lab.events.text import normalised, text_hash

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

DISTANCE = 0.45
"""Default bound: mean cosine distance within which two groups are one."""

MOST = 25_000
"""Observations in one component; their distances take 4 n² bytes, and SciPy copies them."""

_SCALE = float(1 << 26)
_COARSE = float(1 << 20)
_BLOCK = 1024


@dataclass(frozen=True)
class Observation:
    """A thing observed, as far as clustering needs it.

    Parameters
    ----------
    obs : str
        Its id.
    text : str
    author, session, project : str
        Where it comes from; an empty one is not counted.
    """

    obs: str
    text: str
    author: str = ""
    session: str = ""
    project: str = ""

    @cached_property
    def hash(self) -> str:
        """Hash of the normalised text: the same words, the same hash."""
        return text_hash(self.text)


@dataclass(frozen=True)
class Cluster:
    """Observations that speak of one thing.

    Parameters
    ----------
    cluster : str
        Hash of the members' ids, 16 hexadecimal digits.
    members : tuple of str
        Ids of observations, by text hash and id.
    medoid : str
        The member nearest to all others; of equal ones the first.
    cohesion : float
        Mean cosine of all pairs, -1..1.
    diversity : float
        Distinct words / words of all texts, 0..1.  A template filled in again and again lies
        below 0.2.
    texts, authors, sessions, projects : int
        Distinct ones.
    affirming, denying : int
        Members of either polarity; see `patina_lab.beliefs.polarity`.
    """

    cluster: str
    members: tuple[str, ...]
    medoid: str
    cohesion: float
    diversity: float
    texts: int
    authors: int
    sessions: int
    projects: int
    affirming: int
    denying: int

    @property
    def size(self) -> int:
        """Number of members."""
        return len(self.members)


@dataclass(frozen=True)
class Clusters:
    """What a clustering found.

    Parameters
    ----------
    distance : float
        The bound.
    model_hash : str
        Of the embedder, where it was told.
    clusters : tuple of Cluster
        Of at least two members, the largest first, then by id.
    reused : int
        Components that were taken over from an earlier clustering.
    """

    distance: float
    model_hash: str
    clusters: tuple[Cluster, ...]
    reused: int = field(default=0, compare=False)
    components: Mapping[str, tuple[tuple[str, ...], ...]] = field(
        default_factory=dict, repr=False, compare=False
    )

    @cached_property
    def of(self) -> Mapping[str, str]:
        """Observation -> cluster; what is alone is left out."""
        return {obs: c.cluster for c in self.clusters for obs in c.members}

    def table(self) -> pd.DataFrame:
        """Return one row a cluster.

        Returns
        -------
        pandas.DataFrame
            ``cluster, size, medoid, cohesion, diversity, texts, authors, sessions,
            projects, affirming, denying``; see `Cluster`.
        """
        import pandas as pd

        columns = ["cluster", "size", *list(Cluster.__dataclass_fields__)[2:]]
        return pd.DataFrame(
            [[getattr(c, name) for name in columns] for c in self.clusters], columns=columns
        )


def cluster(
    observations: Sequence[Observation],
    vectors: npt.NDArray[np.float32],
    *,
    distance: float = DISTANCE,
    model_hash: str = "",
    before: Clusters | None = None,
    progress: Progress = silent,
) -> Clusters:
    """Group observations by what they say.

    Parameters
    ----------
    observations : sequence of Observation
        Those without a word are left out.
    vectors : numpy.ndarray
        One row of length 1 an observation: float32, shape ``(observations, dimensions)``.
    distance : float
        Bound on the mean cosine distance of two groups that are merged, above 0 and below 1.
    model_hash : str
        Of the embedder.
    before : Clusters or None
        An earlier result of the same model and bound: what did not change is not clustered
        again.  No result depends on it.
    progress : Progress

    Returns
    -------
    Clusters

    Raises
    ------
    InvalidOption
        Two observations have one id, a vector has not the length 1, the bound is out of its
        range, or more than `MOST` observations hang together.
    MissingTool
        SciPy is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> seen = [Observation("a", "use a cache"), Observation("b", "cache it"),
    ...         Observation("c", "write tests")]
    >>> vectors = np.array([[1, 0], [0.8, 0.6], [0, 1]], dtype=np.float32)
    >>> cluster(seen, vectors, distance=0.3).of["b"] == cluster(seen, vectors).of["a"]
    True
    """
    if not 0 < distance < 1:
        raise InvalidOption(f"distance={distance} is no bound.", "Use more than 0, less than 1.")
    order = _canonical(observations, vectors)
    seen = [observations[n] for n in order]
    exact = quantised(vectors[order])
    known: Mapping[str, tuple[tuple[str, ...], ...]] = {}
    if before is not None and (before.distance, before.model_hash) == (distance, model_hash):
        known = before.components
    # One row a text: what has the same words and the same vector is one point of the graph.
    points, of_point = np.unique(exact, axis=0, return_inverse=True)
    labels = components(points, 1.0 - distance, progress=progress)[of_point.reshape(-1)]
    groups: list[tuple[int, ...]] = []
    kept: dict[str, tuple[tuple[str, ...], ...]] = {}
    place = {o.obs: n for n, o in enumerate(seen)}
    reused = done = 0
    for rows in _rows_of(labels):
        key = _component_key([seen[n] for n in rows], exact[rows])
        if key in known:
            found = [tuple(place[obs] for obs in group) for group in known[key]]
            reused += 1
        else:
            found = [tuple(rows[n] for n in group) for group in _linked(exact[rows], distance)]
        kept[key] = tuple(tuple(seen[n].obs for n in group) for group in found)
        groups += [group for group in found if len(group) > 1]
        done += len(rows)
        progress("cluster", done, len(seen))
    made = [_described([seen[n] for n in group], exact[list(group)]) for group in groups]
    made.sort(key=lambda c: (-c.size, c.cluster))
    return Clusters(distance, model_hash, tuple(made), reused, kept)


def similar(
    observations: Sequence[Observation],
    vectors: npt.NDArray[np.float32],
    *,
    cosine: float = 0.6,
) -> list[tuple[str, str, float]]:
    r"""Return each pair of observations at least so near, once: for ``similar/3``.

    Parameters
    ----------
    observations, vectors
        As for `cluster`.
    cosine : float
        Least cosine, above 0.

    Returns
    -------
    list of (str, str, float)
        Ids in order, and their cosine, exact to 2\ :sup:`-52`; sorted.
    """
    order = _canonical(observations, vectors)
    ids = sorted(observations[n].obs for n in order)
    place = {obs: n for n, obs in enumerate(ids)}
    number = np.array([place[observations[n].obs] for n in order], dtype=np.int64)
    exact = quantised(vectors[order])
    low, high, near = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0)]
    for start, block in _products(exact):
        rows, columns = np.nonzero(block >= cosine)
        upper = rows < columns
        rows, columns = rows[upper], columns[upper]
        a, b = number[rows + start], number[columns + start]
        low.append(np.minimum(a, b))
        high.append(np.maximum(a, b))
        near.append(block[rows, columns])
    first, second, cosines = np.concatenate(low), np.concatenate(high), np.concatenate(near)
    by_id = np.lexsort((second, first))
    return [
        (ids[a], ids[b], c)
        for a, b, c in zip(
            *(part[by_id].tolist() for part in (first, second, cosines)), strict=True
        )
    ]


def quantised(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    r"""Return vectors rounded to multiples of 2\ :sup:`-26`: their dot products are exact."""
    rounded: npt.NDArray[np.float64] = np.rint(vectors.astype(np.float64) * _SCALE) / _SCALE
    return rounded


def components(
    points: npt.NDArray[np.float64], cosine: float, *, progress: Progress = silent
) -> npt.NDArray[np.int64]:
    """Return the connected component of each point, where edges are pairs at least so near.

    Parameters
    ----------
    points : numpy.ndarray
        Of `quantised`.
    cosine : float
    progress : Progress

    Returns
    -------
    numpy.ndarray
        int64: the least index of a point of the same component.
    """
    _needs_scipy()
    from scipy.sparse import coo_array, csgraph

    n = len(points)
    labels = np.arange(n, dtype=np.int64)
    for start, block in _products(points):
        near = block >= cosine
        # What hangs together already says nothing new.
        near &= labels[start : start + len(block), np.newaxis] != labels[start:]
        rows, columns = np.nonzero(near)
        pairs = np.unique(labels[rows + start] * n + labels[columns + start])
        graph = coo_array((np.ones(len(pairs), bool), (pairs // n, pairs % n)), shape=(n, n))
        _, number = csgraph.connected_components(graph, directed=False)
        number = number[labels]
        least = np.full(number.max() + 1, n, dtype=np.int64)
        np.minimum.at(least, number, np.arange(n))
        labels = least[number]
        progress("compare", min(start + _BLOCK, n), n)
    return labels


def lexical_diversity(texts: Iterable[str]) -> float:
    """Return distinct words / words of some texts, 0..1; 1 where there is no word.

    Examples
    --------
    >>> lexical_diversity(["Last commit: 2 minutes ago", "last commit: 3 minutes ago"])
    0.6
    """
    words = [word for text in texts for word in _WORD.findall(normalised(text))]
    return len(set(words)) / len(words) if words else 1.0


_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")


def _canonical(
    observations: Sequence[Observation], vectors: npt.NDArray[np.float32]
) -> npt.NDArray[np.int64]:
    """Return the rows that have words, by text hash and id."""
    if vectors.ndim != 2 or len(vectors) != len(observations):
        raise InvalidOption(
            f"{len(observations)} observations have vectors of shape {vectors.shape}.",
            "Give one row an observation.",
        )
    twice = [obs for obs, n in Counter(o.obs for o in observations).items() if n > 1]
    if twice:
        raise InvalidOption(f"The observation {min(twice)!r} is given twice.", "Give it once.")
    rows = [n for n, o in enumerate(observations) if _WORD.search(o.text)]
    order = np.array(
        sorted(rows, key=lambda n: (observations[n].hash, observations[n].obs)), dtype=np.int64
    )
    lengths = np.sqrt(np.sum(np.square(vectors[order], dtype=np.float64), axis=1))
    for n in np.nonzero(~(np.abs(lengths - 1) < 1e-3))[0][:1]:
        raise InvalidOption(
            f"The vector of {observations[order[n]].obs!r} has the length {lengths[n]:.4g}.",
            "Give vectors of length 1, as embedders do.",
        )
    return order


def _products(
    exact: npt.NDArray[np.float64],
) -> Iterator[tuple[int, npt.NDArray[np.float64]]]:
    """Yield (first row, cosines of some rows with themselves and all that follow)."""
    for start in range(0, len(exact), _BLOCK):
        yield start, exact[start : start + _BLOCK] @ exact[start:].T


def _rows_of(labels: npt.NDArray[np.int64]) -> list[list[int]]:
    rows: defaultdict[int, list[int]] = defaultdict(list)
    for n, label in enumerate(labels.tolist()):
        rows[label].append(n)
    return list(rows.values())


def _component_key(seen: Sequence[Observation], exact: npt.NDArray[np.float64]) -> str:
    digest = hashlib.sha256()
    for one in seen:
        digest.update(f"{one.hash} {one.obs}\n".encode("utf-8", "surrogatepass"))
    digest.update(exact.tobytes())
    return digest.hexdigest()


def _linked(exact: npt.NDArray[np.float64], distance: float) -> list[tuple[int, ...]]:
    """Return the groups of one component, as row numbers."""
    n = len(exact)
    if n == 1:
        return [(0,)]
    if n > MOST:
        raise InvalidOption(
            f"{n:,} observations hang together; distances of at most {MOST:,} fit into memory.",
            "Narrow the slice (lab.where, lab.as_of), or give a smaller distance.",
        )
    from scipy.cluster import hierarchy

    condensed = np.empty(n * (n - 1) // 2)
    for start, block in _products(exact):
        for row in range(len(block)):
            i = start + row
            first = i * (2 * n - i - 1) // 2
            condensed[first : first + n - 1 - i] = 1.0 - block[row, row + 1 :]
    np.maximum(condensed, 0.0, out=condensed)
    tree = hierarchy.linkage(condensed, method="average")
    del condensed
    labels = hierarchy.fcluster(tree, distance, criterion="distance")
    return [tuple(rows) for rows in _rows_of(labels.astype(np.int64))]


def _described(seen: Sequence[Observation], exact: npt.NDArray[np.float64]) -> Cluster:
    """Return a cluster with what rules want to know of it; members in canonical order."""
    n = len(seen)
    whole = np.rint(exact * _COARSE).astype(np.int64)
    total = whole.sum(axis=0)
    # Integers of any size: the sum over pairs is exact.
    square = sum(int(x) * int(x) for x in total.tolist())
    own = int(np.einsum("ij,ij->", whole, whole))
    nearness = whole @ total - np.einsum("ij,ij->i", whole, whole)
    sides = Counter(polarity(one.text) for one in seen)
    members = tuple(one.obs for one in seen)
    return Cluster(
        cluster=hashlib.sha256("\n".join(sorted(members)).encode()).hexdigest()[:16],
        members=members,
        medoid=members[int(np.argmax(nearness))],
        cohesion=(square - own) / (n * (n - 1)) / _COARSE**2,
        diversity=lexical_diversity(one.text for one in seen),
        texts=len({one.hash for one in seen}),
        authors=_distinct(seen, lambda one: one.author),
        sessions=_distinct(seen, lambda one: one.session),
        projects=_distinct(seen, lambda one: one.project),
        affirming=sides[1],
        denying=sides[-1],
    )


def _distinct(seen: Sequence[Observation], of: Callable[[Observation], str]) -> int:
    return len({of(one) for one in seen} - {""})


def _needs_scipy() -> None:
    try:
        import scipy.sparse  # noqa: F401
    except ImportError as err:
        raise MissingTool(
            "Clusters need the package scipy.", "pip install 'patina-lab[embed]'"
        ) from err
