"""Polarity: which side a text is on, and which two texts oppose each other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patina_lab.beliefs.polarity import opposed, polarity

CONTRADICTIONS = [
    ("Always validate input at the boundary", "Never validate input at the boundary"),
    ("Use mocks for the database in tests", "Don't use mocks for the database in tests"),
    ("Caching the manifest makes it faster", "Caching the manifest makes it slower"),
    ("Prefer small pull requests", "Avoid small pull requests"),
    ("Commit the lock file", "Do not commit the lock file"),
    ("Enable strict mode by default", "Disable strict mode by default"),
    ("Log every request with its body", "Log requests without their body"),
    ("Threads are safe here", "Threads are not safe here"),
    ("Raise an error on bad input", "Swallow errors on bad input"),
    ("Make configuration explicit", "Make configuration implicit"),
    ("We should rewrite the parser", "We should not rewrite the parser"),
    ("Retries help against flaky tests", "Retries don't help against flaky tests"),
]
PARAPHRASES = [
    ("Always validate input at the boundary", "Input is validated where it enters"),
    ("Never validate input twice", "Do not validate input two times"),
    ("Don't mock the database", "Avoid mocks of the database"),
    ("Prefer small pull requests", "Small pull requests are better"),
    ("Tests must not depend on the network", "No test may depend on the network"),
    ("Use a cache", "Use the cache, because parsing is not fast"),
    ("Fail fast on bad input", "Bad input should fail early"),
    ("Not only tests but docs matter", "Tests and docs matter"),
    ("Write tests", "Cache manifests"),
]


@pytest.mark.parametrize(("a", "b"), CONTRADICTIONS)
def test_contradictions_are_opposed(a: str, b: str) -> None:
    """Either way round."""
    assert opposed(a, b)
    assert opposed(b, a)


@pytest.mark.parametrize(("a", "b"), PARAPHRASES)
def test_paraphrases_are_not(a: str, b: str) -> None:
    """Either way round."""
    assert not opposed(a, b)
    assert not opposed(b, a)


@pytest.mark.parametrize(
    ("text", "side"),
    [
        ("Use threads", 1),
        ("Don\u2019t use threads", -1),
        ("DO NOT USE THREADS", -1),
        ("It is not unsafe", 1),
        ("Use threads, but never share state", 1),
        ("It is slow because it is not cached", 1),
        ("Should we not use threads?", 0),
        ("", 0),
        ("?!", 0),
        ("the notable notation", 1),
    ],
)
def test_sides(text: str, side: int) -> None:
    """Main part, contractions, double negation, questions; letters within words mean nothing."""
    assert polarity(text) == side


_FEW = "use avoid never always on off keep drop remove one many cache not x"
WORDS = st.lists(st.sampled_from(_FEW.split(" ")), max_size=6).map(" ".join)


@given(st.one_of(WORDS, st.text(max_size=80)), st.one_of(WORDS, st.text(max_size=80)))
def test_law_opposition_is_mutual(a: str, b: str) -> None:
    """Whoever opposes is opposed; nobody opposes themselves; a side is -1, 0 or 1."""
    assert opposed(a, b) == opposed(b, a)
    assert not opposed(a, a)
    assert polarity(a) in (-1, 0, 1)


def test_control_a_cosine_does_not_tell() -> None:
    """Known bad: by similarity, contradictions would be support more than paraphrases are."""
    from patina_lab.beliefs import embed

    if embed.LIGHT not in embed.available():
        pytest.skip("needs patina-lab[embed]")
    made = embed.find(embed.LIGHT)

    def mean(pairs: list[tuple[str, str]]) -> float:
        a, b = (made.embed([pair[n] for pair in pairs]) for n in (0, 1))
        return float((a * b).sum(axis=1).mean())

    assert mean(CONTRADICTIONS) > mean(PARAPHRASES)
