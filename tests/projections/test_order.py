"""Orders of whole numbers: those that numpy's own comparing sort gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patina_lab.projections import order as orders
from patina_lab.projections.order import ascending, distinct, order, spread, steps

LIMITS = st.sampled_from([1, 5, 1 << 16, (1 << 16) + 1, 1 << 32, (1 << 32) + 1, 1 << 40])


@given(LIMITS.flatmap(lambda n: st.tuples(st.just(n), st.lists(st.integers(0, n - 1)))))
def test_the_order_is_the_stable_one(drawn):
    """With one digit, with two, and of numbers that are compared."""
    most, numbers = drawn
    numbers = np.array([*numbers, *numbers], np.int64)
    assert order(numbers, most).tolist() == np.argsort(numbers, kind="stable").tolist()


def test_control_without_its_high_digit_the_order_is_another_one():
    """Known-bad: a bound that is too small."""
    numbers = np.array([1 << 16, 1])
    assert order(numbers, 1 << 17).tolist() == [1, 0] != order(numbers, 1 << 16).tolist()


@given(LIMITS.flatmap(lambda n: st.tuples(st.just(n), st.lists(st.integers(0, n - 1)))))
def test_numbers_are_sorted_by_their_digits(drawn):
    """As numpy sorts them, and as they are sorted where there are too many for that."""
    most, numbers = drawn
    bits = (most - 1).bit_length()
    with pytest.MonkeyPatch.context() as patch:
        for limit in (1 << 22, 0):
            patch.setattr(orders, "_MOST", limit)
            assert ascending(np.array(numbers, np.int64), bits).tolist() == sorted(numbers)


def test_control_a_bit_too_few_and_numbers_are_not_sorted():
    """Known-bad: the highest bit is a digit of its own, which is not looked at."""
    numbers = np.array([1 << 16, 1])
    assert ascending(numbers, 17).tolist() == [1, 1 << 16] != ascending(numbers, 16).tolist()


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4))))
def test_stretches_lie_one_after_another(drawn):
    """Places of each, and how far each is from where its stretch begins."""
    begins, lengths = (np.array(column, np.int64) for column in zip(*drawn, (0, 0), strict=True))
    assert spread(begins, lengths).tolist() == [b + n for b, k in drawn for n in range(k)]
    assert steps(lengths).tolist() == [n for _, k in drawn for n in range(k)]


@given(st.lists(st.integers(0, 5)))
def test_distinct_numbers_are_a_set(numbers):
    """Of what is sorted."""
    assert distinct(np.sort(np.array(numbers, np.int64))).tolist() == sorted(set(numbers))
