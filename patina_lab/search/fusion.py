"""Fusion: several rankings of the same things become one, without comparing their scores.

Reciprocal ranks: Cormack, Clarke & Büttcher, SIGIR 2009, with their k = 60.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

K = 60


def reciprocal(
    ranks: Sequence[npt.NDArray[np.float64]] | Sequence[Sequence[float]], k: int = K
) -> npt.NDArray[np.float64]:
    """Return the fused scores of things from their ranks in several lists.

    Parameters
    ----------
    ranks : sequence of numpy.ndarray
        For each list, the rank of each thing: 1 the best, infinite where it has none.
    k : int
        The larger it is, the less the first places count.

    Examples
    --------
    >>> reciprocal([[1, 2], [3, float("inf")]]).round(5).tolist()
    [0.03227, 0.01613]
    """
    total = np.zeros(len(ranks[0]))
    for one in ranks:  # list after list: the same sums every time
        total += 1.0 / (k + np.asarray(one, dtype=np.float64))
    return total
