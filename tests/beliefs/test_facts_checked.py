"""The quick look at facts finds whatever the slow one refuses, and refuses nothing else."""

from __future__ import annotations

import math
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import observation

from patina_lab.beliefs import facts as module
from patina_lab.beliefs.facts import FactSet
from patina_lab.errors import UsageError

NUMBERS = st.sampled_from([0.0, 0.5, 1.0, 1.0000001, -0.1, -1.0, 2.0, math.nan, math.inf, None])
TEXTS = st.sampled_from(["a", "b", "", "a\0", None])


def outcome(rows: list[Any], **more: Any) -> Any:
    """Return the digest of facts, or the sentence that refuses them."""
    try:
        return FactSet.of(rows, **more).digest
    except UsageError as err:
        return str(err)


@given(
    author=TEXTS,
    polarity=st.sampled_from([-1, 0, 1, 2]),
    reliability=NUMBERS,
    days=NUMBERS,
    cosine=NUMBERS,
    content=NUMBERS,
    stray=st.booleans(),
    twice=st.booleans(),
)
def test_law_the_quick_look_agrees_with_the_slow_one(
    author: Any, polarity: int, reliability: Any, days: Any, cosine: Any, content: Any,
    stray: bool, twice: bool,
) -> None:  # fmt: skip
    """The same facts, or the same sentence, whether or not anything is skipped."""
    row = list(observation(0, polarity=polarity, reliability=reliability, days=days))
    row[6] = author
    rows = [tuple(row), observation(1)]
    near = [("o0", "o1", cosine), *([("o1", "o0", 0.25)] if twice else [])]
    more: dict[str, Any] = {
        "clusters": [("o0", "c"), ("o1", "c")],
        "content": [("c", content)],
        "similar": near,
        "contradicts": [("o1", "o9" if stray else "o0")],
    }
    quick = outcome(rows, **more)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_is_sound", lambda name, table: not table.num_rows)
        patch.setattr(module, "_all_in", lambda some, known: False)
        assert outcome(rows, **more) == quick


def test_control_a_quick_look_that_sees_nothing_lets_bad_values_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Known bad: skipping all checks."""
    bad = [observation(0, reliability=7.0)]
    assert "is not allowed" in outcome(bad)
    monkeypatch.setattr(module, "_is_sound", lambda name, table: True)
    assert "is not allowed" not in outcome(bad)


def test_a_refused_set_leaves_nothing_behind() -> None:
    """The next one is made in the same database, in every thread."""
    good = [observation(n) for n in range(3)]
    expected = FactSet.of(good).digest
    found: list[str] = []

    def again() -> None:
        outcome([observation(0, reliability=7.0)], clusters=[("o0", "c")])
        found.append(FactSet.of(good).digest)

    threads = [threading.Thread(target=again) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    again()
    assert found == [expected] * 5
