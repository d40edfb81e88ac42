"""Fusion: several rankings of the same things become one, without comparing their scores.

Reciprocal ranks: Cormack, Clarke & Büttcher, SIGIR 2009, with their k = 60.
"""

from __future__ import annotations

from collections.abc import Sequence

K = 60


def reciprocal(ranks: Sequence[float | None], k: int = K) -> float:
    """Return the fused score of a thing from its ranks, 1 the best; None where it has none.

    Examples
    --------
    >>> round(reciprocal([1, 3]), 5), reciprocal([None, None])
    (0.03227, 0)
    """
    return sum(1.0 / (k + rank) for rank in ranks if rank is not None)
