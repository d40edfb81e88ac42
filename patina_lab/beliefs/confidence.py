"""Confidence: evidence as a Beta opinion, what it weighs, and whether it can be trusted.

Formulas
--------
Beta opinion and its uncertainty: Josang, *Subjective Logic* (2016), section 3.3.
Incomplete beta function: the continued fraction of Lentz (DLMF 8.17.22).
Calibration: Platt, *Probabilistic Outputs for Support Vector Machines* (1999).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from patina_lab.errors import InvalidOption

RELIABILITY = {
    "decision": 0.9,
    "pattern": 0.9,
    "observation": 0.8,
    "session": 0.7,
    "commit": 0.6,
    "code": 0.5,
}
"""How far a kind of source is trusted, 0..1.  A convention of this package: nobody measured
it, so an A/B of other values is welcome."""


def reliability(kind: str, *, default: float = 0.7) -> float:
    """Return how far a kind of source is trusted, 0..1; `default` for an unknown kind."""
    return RELIABILITY.get(kind, default)


def decay(days: float, half_life_days: float) -> float:
    """Return what is left of a vote's weight after some days, 1..0.

    Examples
    --------
    >>> decay(60, 60), decay(0, 60)
    (0.5, 1.0)
    """
    if half_life_days <= 0:
        raise InvalidOption(f"half_life_days={half_life_days} is no half-life.", "Use > 0.")
    return float(0.5 ** (days / half_life_days))


@dataclass(frozen=True)
class Opinion:
    """Evidence for and against, and what was held before there was any.

    Parameters
    ----------
    support, against : float
        Masses of evidence, >= 0: independent votes of weight 1.
    prior_for, prior_against : float
        The Beta prior's two parameters, > 0.

    Examples
    --------
    >>> some = Opinion(4, 1)
    >>> round(some.mean, 3), round(some.uncertainty, 3)
    (0.625, 0.375)
    """

    support: float
    against: float
    prior_for: float = 1.0
    prior_against: float = 2.0

    def __post_init__(self) -> None:
        if min(self.support, self.against) < 0 or min(self.prior_for, self.prior_against) <= 0:
            raise InvalidOption(f"{self} is no opinion.", "Evidence is >= 0, a prior > 0.")

    @property
    def mean(self) -> float:
        """The expected probability, 0..1."""
        total = self.support + self.against + (self.prior_for + self.prior_against)
        return (self.support + self.prior_for) / total

    @property
    def uncertainty(self) -> float:
        """The share of the opinion that is prior, not evidence: 1 without evidence."""
        prior = self.prior_for + self.prior_against
        return prior / (self.support + self.against + prior)

    def interval(self, level: float = 0.9) -> tuple[float, float]:
        """Return the central interval that holds `level` of the Beta distribution."""
        low, high = intervals([self], level)[0]
        return float(low), float(high)


def intervals(opinions: Sequence[Opinion], level: float = 0.9) -> np.ndarray:
    """Return the central intervals of many opinions at once.

    Returns
    -------
    numpy.ndarray
        Shape (n, 2), float64: low and high, exact to 1e-9.
    """
    if not 0 < level < 1:
        raise InvalidOption(f"level={level} is no share.", "Use a number between 0 and 1.")
    a = np.array([o.support + o.prior_for for o in opinions], dtype=float)
    b = np.array([o.against + o.prior_against for o in opinions], dtype=float)
    tail = (1 - level) / 2
    return np.stack([beta_quantile(tail, a, b), beta_quantile(1 - tail, a, b)], axis=1)


def beta_quantile(p: float, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return x with P(Beta(a, b) <= x) = p, by bisection."""
    low, high = np.zeros_like(a), np.ones_like(a)
    for _ in range(40):
        middle = (low + high) / 2
        below = beta_cdf(middle, a, b) < p
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    quantile: np.ndarray = (low + high) / 2
    return quantile


def beta_cdf(x: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return P(Beta(a, b) <= x), the regularised incomplete beta function."""
    lgamma = np.vectorize(math.lgamma, otypes=[float])
    if not len(a):
        return np.zeros(0)
    with np.errstate(divide="ignore"):
        log_front = lgamma(a + b) - lgamma(a) - lgamma(b) + a * np.log(x) + b * np.log1p(-x)
    front = np.exp(log_front)
    left = x < (a + 1) / (a + b + 2)
    p, q, y = np.where(left, a, b), np.where(left, b, a), np.where(left, x, 1 - x)
    part = front * _fraction(p, q, y) / p
    cdf: np.ndarray = np.where(left, part, 1 - part)
    return cdf


def _fraction(a: np.ndarray, b: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Evaluate the continued fraction of the incomplete beta function (modified Lentz)."""
    tiny = 1e-300
    c = np.ones_like(x)
    d = 1 - (a + b) * x / (a + 1)
    d = 1 / np.where(np.abs(d) < tiny, tiny, d)
    h = d
    for m in range(1, 400):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 + step * d
            d = 1 / np.where(np.abs(d) < tiny, tiny, d)
            c = 1 + step / c
            c = np.where(np.abs(c) < tiny, tiny, c)
            h = h * d * c
        if np.all(np.abs(d * c - 1) < 1e-13):
            break
    return h


@dataclass(frozen=True)
class Calibration:
    """A logistic map from log-evidence to the share that came true in the past.

    Parameters
    ----------
    intercept, slope : float
    n : int
        How many beliefs it was fitted on.
    """

    intercept: float
    slope: float
    n: int

    def __call__(self, support: float, against: float) -> float:
        """Return the calibrated probability of a belief with this evidence."""
        x = math.log(1 + support) - math.log(1 + against)
        return 1 / (1 + math.exp(-(self.intercept + self.slope * x)))

    def parameters(self) -> dict[str, float]:
        """Return the parameters that make rule set ``v2`` use it, and show it as it is."""
        return {
            "floor": 0.0,
            "ceiling": 1.0,
            "calibrated": 1,
            "calibration_intercept": self.intercept,
            "calibration_slope": self.slope,
        }


def calibrate(evidence: Sequence[tuple[float, float]], came_true: Sequence[bool]) -> Calibration:
    """Fit how often beliefs with such evidence came true.

    Parameters
    ----------
    evidence : sequence of (for, against)
        Of beliefs formed on a past slice.
    came_true : sequence of bool
        What the next slice showed.

    Returns
    -------
    Calibration
        By Newton's method, with Platt's smoothed targets, so that separable data stay finite.

    Raises
    ------
    InvalidOption
        Fewer than ten beliefs, or all of one outcome: nothing to learn from.
    """
    y = np.array(came_true, dtype=float)
    if len(y) != len(evidence) or len(y) < 10 or y.min() == y.max():
        raise InvalidOption(
            f"{len(evidence)} beliefs with {int(y.sum()) if len(y) else 0} that came true "
            "are nothing to calibrate on.",
            "Give at least ten, of both outcomes.",
        )
    positive, negative = y.sum(), len(y) - y.sum()
    target = np.where(y == 1, (positive + 1) / (positive + 2), 1 / (negative + 2))
    x = np.array([math.log(1 + r) - math.log(1 + s) for r, s in evidence])
    design = np.stack([np.ones_like(x), x], axis=1)
    weights = np.zeros(2)
    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(design @ weights, -30, 30)))
        gradient = design.T @ (p - target)
        hessian = (design * (p * (1 - p))[:, None]).T @ design + 1e-9 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        weights = weights - step
        if np.abs(step).max() < 1e-12:
            break
    return Calibration(float(weights[0]), float(weights[1]), len(y))
