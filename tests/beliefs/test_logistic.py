"""The logistic fit: right where the answer is known, finite where there is none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patina_lab.beliefs.logistic import LEAST, fit_logistic


def test_finds_the_weights_that_made_the_data() -> None:
    """On many cases the ridge weighs little: the weights come back."""
    draw = np.random.Generator(np.random.PCG64(1))
    x = draw.standard_normal((20_000, 2))
    p = 1 / (1 + np.exp(-(0.5 + 1.5 * x[:, 0] - 1.0 * x[:, 1])))
    fit = fit_logistic(x, (draw.random(len(x)) < p).astype(float))
    assert fit is not None
    assert fit.intercept == pytest.approx(0.5, abs=0.1)
    assert (fit.weights / fit.scale).tolist() == pytest.approx([1.5, -1.0], abs=0.1)
    assert np.abs(fit(x) - p).mean() < 0.01


def test_scale_and_place_of_a_feature_do_not_matter() -> None:
    draw = np.random.Generator(np.random.PCG64(2))
    x = draw.standard_normal((100, 2))
    y = (x[:, 0] > 0).astype(float)
    one, other = fit_logistic(x, y), fit_logistic(x * [1000, 0.01] + [5, -7], y)
    assert one is not None
    assert other is not None
    np.testing.assert_allclose(one(x), other(x * [1000, 0.01] + [5, -7]), atol=1e-9)


@given(st.lists(st.booleans(), max_size=40))
def test_stays_finite(outcome: list[bool]) -> None:
    """Also where one feature tells everything, and where one tells nothing at all."""
    y = np.array(outcome, dtype=float)
    x = np.column_stack([y, np.ones(len(y))])
    fit = fit_logistic(x, y)
    if len(y) < LEAST or len({*outcome}) < 2:
        assert fit is None
        return
    assert fit is not None
    assert np.isfinite(fit.weights).all()
    p = fit(x)
    assert ((p > 0) & (p < 1)).all()
    assert p[y == 1].min() > p[y == 0].max()
    assert p.mean() == pytest.approx(y.mean(), abs=1e-6), "the intercept is free"
