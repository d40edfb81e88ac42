"""Long computations are done once for the same input, and again for any other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from notation import Repo
from words import WordsEmbedder

import patina_lab as pt
from patina_lab.beliefs import ground, vectors
from patina_lab.beliefs.recent import Recent, key_of
from patina_lab.beliefs.swipl import SwiplEngine

LOG = """
2025-03-01 observation_captured ann content="Always validate user input"
2025-03-02 observation_captured bob content="Validate user input always"
2025-03-05 decision_made ann decision="Use DuckDB for the log"
2025-03-06 decision_made bob decision="We use DuckDB for our log"
"""


def test_two_questions_about_one_log_cluster_it_once(
    make_repo: Callable[..., Repo], engine: SwiplEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forming, then comparing: the comparison's whole log is not clustered again."""
    pytest.importorskip("scipy", reason="clusters need patina-lab[embed]")
    counted: list[tuple[int, float]] = []
    neighbours: list[int] = []
    cluster, similar = ground.cluster, vectors.similar

    def counting(points: Any, rows: Any, **more: Any) -> Any:
        counted.append((len(points), more["distance"]))
        return cluster(points, rows, **more)

    def looking(points: Any, rows: Any, **more: Any) -> Any:
        neighbours.append(len(points))
        return similar(points, rows, **more)

    monkeypatch.setattr(ground, "cluster", counting)
    monkeypatch.setattr(vectors, "similar", looking)
    monkeypatch.setattr(ground, "_RECENT", Recent(8))
    monkeypatch.setattr(vectors, "_RECENT", Recent(2))
    repo = make_repo(LOG)
    lab = pt.open(repo.path)
    lab.scrape(progress=False)
    chosen: dict[str, Any] = {"engine": engine, "embedder": WordsEmbedder(), "progress": False}
    formed = lab.form_beliefs(**chosen)
    assert counted == [(4, 0.45)]
    compared = pt.compare_rules(lab, "v0", "v2", draws=10, **chosen)
    assert counted.count((4, 0.45)) == 1
    assert neighbours == [4]
    assert [(b.content, b.confidence) for b in compared.b] == [
        (b.content, b.confidence) for b in formed
    ]
    lab.form_beliefs(threshold=0.3, **chosen)
    assert counted[-1] == (4, 0.3)


TEXTS = st.lists(st.text(max_size=5), max_size=4)


@given(TEXTS, TEXTS)
def test_law_a_key_names_all_that_went_in(one: list[str], other: list[str]) -> None:
    """Different values, or different bytes, have different keys."""
    rows = np.arange(4, dtype=np.float32)
    assert (key_of(one, rows) == key_of(other, rows)) == (one == other)
    assert key_of(one, rows) != key_of(one, rows.reshape(2, 2))
    assert key_of(one, rows) != key_of(one, np.nextafter(rows, np.float32(9)))


def test_control_joined_values_would_be_mixed_up() -> None:
    """Known bad: values joined without their lengths are one key for two inputs."""
    assert "".join(["ab", "c"]) == "".join(["a", "bc"])
    rows = np.zeros(1, dtype=np.float32)
    assert key_of(["ab", "c"], rows) != key_of(["a", "bc"], rows)


def test_what_was_asked_for_longest_ago_is_dropped() -> None:
    recent = Recent(2)
    for key in "abac":
        recent.get(key, lambda key=key: key)  # type: ignore[misc]
    assert [recent.get(key, lambda: "made anew") for key in "ac"] == ["a", "c"]
    assert recent.get("b", lambda: "made anew") == "made anew"


def test_what_fails_is_not_kept() -> None:
    def fail() -> str:
        raise ValueError("no")

    recent = Recent(1)
    with pytest.raises(ValueError, match="no"):
        recent.get("a", fail)
    assert recent.get("a", lambda: "made") == "made"
