"""A logistic fit: how likely something is, by what is known of it.

Source
------
Newton's method (iteratively reweighted least squares) with a ridge: Hastie, Tibshirani and
Friedman, *The Elements of Statistical Learning* (2009), section 4.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

RIDGE = 1.0
"""Penalty on the squared weights of standardised features: separable data stay finite."""

LEAST = 10
"""On fewer cases nothing is fitted."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Logistic:
    """A fit.

    Parameters
    ----------
    intercept : float
    weights, mean, scale : numpy.ndarray
        float64, one a feature; a feature counts as (x - mean) / scale.
    n : int
        Cases it was fitted on.
    """

    intercept: float
    weights: Floats
    mean: Floats
    scale: Floats
    n: int

    def __call__(self, features: Floats) -> Floats:
        """Return a probability for each row of shape (cases, features)."""
        x = (features - self.mean) / self.scale
        return np.asarray(_logistic(self.intercept + x @ self.weights), dtype=float)

    def json(self, names: Sequence[str]) -> dict[str, Any]:
        """Return it as JSON values: weights of standardised features, by name."""
        return {
            "intercept": self.intercept,
            "weights": dict(zip(names, self.weights.tolist(), strict=True)),
            "n": self.n,
        }


def fit_logistic(features: Floats, outcome: Floats, *, ridge: float = RIDGE) -> Logistic | None:
    """Fit outcomes by features.

    Parameters
    ----------
    features : numpy.ndarray
        float64, shape (cases, features).
    outcome : numpy.ndarray
        float64, 0 or 1.
    ridge : float
        The intercept goes free of it.

    Returns
    -------
    Logistic or None
        None: fewer than `LEAST` cases, or all of one outcome.

    Examples
    --------
    >>> x = np.arange(20.0).reshape(-1, 1)
    >>> fit = fit_logistic(x, (x[:, 0] >= 10).astype(float))
    >>> fit(np.array([[0.0], [19.0]])).round(2).tolist()
    [0.02, 0.98]
    """
    if len(outcome) < LEAST or outcome.min() == outcome.max():
        return None
    mean, scale = features.mean(axis=0), features.std(axis=0)
    scale = np.where(scale > 1e-12, scale, 1.0)
    design = np.column_stack([np.ones(len(outcome)), (features - mean) / scale])
    penalty = np.diag([1e-9, *[ridge] * features.shape[1]])
    weights = np.zeros(design.shape[1])
    for _ in range(100):
        p = _logistic(design @ weights)
        gradient = design.T @ (p - outcome) + penalty @ weights
        hessian = (design * (p * (1 - p))[:, None]).T @ design + penalty
        step = np.linalg.solve(hessian, gradient)
        weights = weights - step
        if np.abs(step).max() < 1e-10:
            break
    return Logistic(float(weights[0]), weights[1:], mean, scale, len(outcome))


def _logistic(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -30, 30))), dtype=float)
