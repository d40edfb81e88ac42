"""Ancestry: which commits descend from which, by their parents and not by their dates."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

_MOST_BYTES = 256 << 20
"""Room for one pass; more roots are followed in several."""


def descends(
    commits: int,
    edges: tuple[np.ndarray, np.ndarray],
    roots: np.ndarray,
    asked: tuple[np.ndarray, np.ndarray],
) -> np.ndarray:
    """Say for each pair of a commit and a root whether the commit is it or descends from it.

    Parameters
    ----------
    commits : int
        How many there are; a commit is its number, from 0.
    edges : (children, parents)
        Arrays of numbers of commits.
    roots : array of int
        Commits, each once.
    asked : (commits, places in `roots`)

    Returns
    -------
    array of bool

    Notes
    -----
    Each commit gets a set of bits, one a root: the union of its parents' and its own,
    filled in parents first.  Exact, in O((commits + edges) · roots / 64).
    """
    import numpy as np

    answer = np.zeros(len(asked[0]), dtype=bool)
    if not len(answer):
        return answer
    order, parents = _parents_first(commits, edges)
    step = max(_MOST_BYTES // (8 * max(commits, 1)), 1) * 64
    for first in range(0, len(roots), step):
        part = roots[first : first + step]
        known = np.zeros((commits, -(-len(part) // 64)), dtype=np.uint64)
        bit = np.arange(len(part))
        known[part, bit // 64] = np.uint64(1) << (bit % 64).astype(np.uint64)
        for child in order:
            for parent in parents[child]:
                known[child] |= known[parent]
        mine = (asked[1] >= first) & (asked[1] < first + len(part))
        place = asked[1][mine] - first
        words = known[asked[0][mine], place // 64]
        answer[mine] = (words >> (place % 64).astype(np.uint64)) & np.uint64(1) == 1
    return answer


def _parents_first(
    commits: int, edges: tuple[np.ndarray, np.ndarray]
) -> tuple[list[int], list[list[int]]]:
    """Return all commits, parents before children, and the parents of each."""
    parents: list[list[int]] = [[] for _ in range(commits)]
    for child, parent in zip(edges[0].tolist(), edges[1].tolist(), strict=True):
        parents[child].append(parent)
    if (edges[1] < edges[0]).all():
        return list(range(commits)), parents
    children: list[list[int]] = [[] for _ in range(commits)]
    for child, parent in zip(edges[0].tolist(), edges[1].tolist(), strict=True):
        children[parent].append(child)
    waiting = [len(each) for each in parents]
    ready = [commit for commit, n in enumerate(waiting) if not n]
    order = []
    while ready:
        commit = ready.pop()
        order.append(commit)
        for child in children[commit]:
            waiting[child] -= 1
            if not waiting[child]:
                ready.append(child)
    return order, parents
