"""Metrics of judged confidences, with intervals.

Sources
-------
Brier score: Brier (1950).  Expected calibration error: Guo et al. (2017), ten bins of equal
width.  AUC: the Mann-Whitney statistic, ties count half.  Intervals: the percentile bootstrap
(Efron 1979), seeded; of shares, Wilson (1927).  McNemar: the exact binomial form.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from patina_lab.errors import InvalidOption

BINS = 10
Floats = npt.NDArray[np.float64]
Metric = Callable[[Floats, Floats], float]


@dataclass(frozen=True)
class Estimate:
    """A number, its interval, and on how many it rests.

    Parameters
    ----------
    value, low, high : float
        NaN where there is nothing to compute it of.
    n : int
    """

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        if math.isnan(self.value):
            return f"unknown (n = {self.n:,})"
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f}, n = {self.n:,})"


def brier(p: Floats, y: Floats) -> float:
    """Return the mean squared difference of confidence and outcome; 0 is best.

    Examples
    --------
    >>> brier(np.array([1.0, 0.5]), np.array([1.0, 0.0]))
    0.125
    """
    return float(np.mean((p - y) ** 2)) if len(p) else math.nan


def ece(p: Floats, y: Floats) -> float:
    """Return how far confidence and frequency lie apart, over `BINS` bins; 0 is best.

    Examples
    --------
    >>> ece(np.array([0.95, 0.95]), np.array([1.0, 0.0])).__round__(6)
    0.45
    """
    if not len(p):
        return math.nan
    bins = np.minimum((p * BINS).astype(int), BINS - 1)
    number = np.bincount(bins, minlength=BINS)
    gap = np.abs(np.bincount(bins, p, BINS) - np.bincount(bins, y, BINS))
    return float(gap[number > 0].sum() / len(p))


def auc(p: Floats, y: Floats) -> float:
    """Return how often what came true had more confidence than what did not; 0.5 is chance.

    Examples
    --------
    >>> auc(np.array([0.9, 0.4, 0.4]), np.array([1.0, 1.0, 0.0]))
    0.75
    """
    positive = int(y.sum())
    negative = len(y) - positive
    if not positive or not negative:
        return math.nan
    _, place, count = np.unique(p, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2)[place]
    return float((ranks[y == 1].sum() - positive * (positive + 1) / 2) / (positive * negative))


METRICS: dict[str, Metric] = {"brier": brier, "ece": ece, "auc": auc}


def share(hits: int, n: int, level: float) -> Estimate:
    """Return a share with its Wilson interval.

    Examples
    --------
    >>> print(share(8, 10, 0.95))
    0.800 (0.490 to 0.943, n = 10)
    """
    if not n:
        return Estimate(math.nan, math.nan, math.nan, 0)
    z = normal_quantile(level)
    p = hits / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return Estimate(p, max(0.0, middle - half), min(1.0, middle + half), n)


def normal_quantile(level: float) -> float:
    """Return z with P(-z < Z < z) = level."""
    from statistics import NormalDist

    if not 0 < level < 1:
        raise InvalidOption(f"level={level} is no share.", "Use a number between 0 and 1.")
    return NormalDist().inv_cdf((1 + level) / 2)


def samples(n: int, draws: int, seed: int) -> npt.NDArray[np.int64]:
    """Return bootstrap samples: rows of indices, shape (draws, n); the same for a seed."""
    return np.random.Generator(np.random.PCG64(seed)).integers(0, max(n, 1), (draws, n))


def bootstrap(
    statistic: Callable[[npt.NDArray[np.int64]], float],
    n: int,
    *,
    level: float,
    draws: int,
    seed: int,
) -> Estimate:
    """Return a statistic of a sample with its percentile interval.

    Parameters
    ----------
    statistic : callable
        Of the indices of the sampled rows; NaN where it cannot be computed.
    n : int
        Rows.
    level : float
    draws, seed : int
    """
    if not n:
        return Estimate(math.nan, math.nan, math.nan, 0)
    value = statistic(np.arange(n))
    made = np.array([statistic(rows) for rows in samples(n, draws, seed)])
    made = made[~np.isnan(made)]
    if math.isnan(value) or not len(made):
        return Estimate(value, math.nan, math.nan, n)
    tail = (1 - level) / 2
    low, high = np.quantile(made, [tail, 1 - tail])
    return Estimate(value, float(low), float(high), n)


def mcnemar(first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_]) -> tuple[int, int, float]:
    """Compare two judges of the same cases.

    Parameters
    ----------
    first, second : numpy.ndarray
        bool: which cases each of them judged rightly.

    Returns
    -------
    only_first, only_second : int
        Cases that only one of them judged rightly.
    p : float
        Two-sided, exact.

    Examples
    --------
    >>> mcnemar(np.array([True] * 8 + [False]), np.array([False] * 8 + [True]))
    (8, 1, 0.0390625)
    """
    only_first = int((first & ~second).sum())
    only_second = int((second & ~first).sum())
    n, k = only_first + only_second, min(only_first, only_second)
    below = sum(math.comb(n, i) for i in range(k + 1))
    return only_first, only_second, min(1.0, 2 * below / 2**n)
