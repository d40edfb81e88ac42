"""Metrics of confidences: by hand, by brute force, and intervals that hold what they say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patina_lab.beliefs.metrics import (
    BINS,
    auc,
    bootstrap,
    brier,
    ece,
    mcnemar,
    normal_quantile,
    share,
)

CASES = st.lists(
    st.tuples(st.sampled_from([0.3, 0.35, 0.5, 0.72, 0.95]), st.booleans()), min_size=1, max_size=40
)


def arrays(cases: list[tuple[float, bool]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([p for p, _ in cases]), np.array([float(y) for _, y in cases])


@given(CASES)
def test_by_brute_force(cases: list[tuple[float, bool]]) -> None:
    """Every metric is what its definition says, counted one by one."""
    p, y = arrays(cases)
    assert brier(p, y) == pytest.approx(
        sum((a - b) ** 2 for a, b in zip(p, y, strict=True)) / len(p)
    )
    gap = 0.0
    for n in range(BINS):
        mine = [(a, b) for a, b in zip(p, y, strict=True) if min(int(a * BINS), BINS - 1) == n]
        gap += abs(sum(a for a, _ in mine) - sum(b for _, b in mine)) / len(p)
    assert ece(p, y) == pytest.approx(gap)
    pairs = [(a, b) for a, w in cases for b, x in cases if w and not x]
    wins = [1.0 if a > b else 0.5 if a == b else 0.0 for a, b in pairs]
    if wins:
        assert auc(p, y) == pytest.approx(sum(wins) / len(wins))
    else:
        assert math.isnan(auc(p, y))


def test_nothing_is_not_zero() -> None:
    """Of nothing there is no metric, and no interval."""
    none = np.zeros(0)
    assert math.isnan(brier(none, none))
    assert math.isnan(ece(none, none))
    assert "unknown (n = 0)" in str(share(0, 0, 0.95))
    assert math.isnan(bootstrap(lambda _: 1.0, 0, level=0.9, draws=5, seed=0).value)


def test_mcnemar_by_hand() -> None:
    """Twelve against two discordant cases: 2 (C(14,0) + C(14,1) + C(14,2)) / 2^14."""
    first = np.array([True] * 12 + [False] * 2 + [True] * 5)
    second = np.array([False] * 12 + [True] * 2 + [True] * 5)
    assert mcnemar(first, second) == (12, 2, 2 * (1 + 14 + 91) / 2**14)
    assert mcnemar(first, first) == (0, 0, 1.0)


def test_the_bootstrap_covers() -> None:
    """Of 200 samples, about 90 % of the 90 % intervals hold the truth; the same seed, the same."""
    generator = np.random.Generator(np.random.PCG64(7))
    hits = wilson = 0
    for _ in range(200):
        y = (generator.random(60) < 0.4).astype(float)
        found = bootstrap(lambda at, y=y: float(y[at].mean()), 60, level=0.9, draws=200, seed=1)
        hits += found.low <= 0.4 <= found.high
        other = share(int(y.sum()), 60, 0.9)
        wilson += other.low <= 0.4 <= other.high
    assert 165 <= hits <= 195
    assert 165 <= wilson <= 195
    y = np.array([0.0, 1.0, 1.0])
    twice = [
        bootstrap(lambda at: float(y[at].mean()), 3, level=0.9, draws=50, seed=3) for _ in range(2)
    ]
    assert twice[0] == twice[1]


def test_normal_quantile() -> None:
    """The familiar one."""
    assert normal_quantile(0.95) == pytest.approx(1.959964, abs=1e-6)
