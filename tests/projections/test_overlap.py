"""What decisions share with commits: words and named files, beside plain sets."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patina_lab.projections import overlap as sharing
from patina_lab.projections.causality import in_time
from patina_lab.projections.overlap import names, overlap
from patina_lab.projections.terms import words

WORDS = ["fix", "cache", "a.py", "src/a.py", "src/b.py", "b.py", "cache_key"]
TEXT = st.lists(st.sampled_from(WORDS), max_size=3).map(" ".join)
COMMITS = st.lists(
    st.tuples(TEXT, st.sets(st.sampled_from(["src/a.py", "src/b.py", "cache/key"]))), max_size=6
)
MOST = 2


def plainly(contents, commits):
    """Return {(decision, commit): (words, files)} that are shared."""
    said = [
        set(words(text)).union(*(words(p.replace("/", " ").replace("_", " ")) for p in paths))
        for text, paths in commits
    ]
    rare = {w for each in said for w in each if sum(w in other for other in said) <= MOST}
    found = {}
    for d, text in enumerate(contents):
        for n, (_, paths) in enumerate(commits):
            files = {p for p in paths if {p, sharing._last(p)} & names(text)}
            shared = set(words(text)) & rare & said[n]
            if shared or files:
                found[d, n] = (len(shared), len(files))
    return found


def found(contents, commits):
    """Return the same, by `overlap`, over windows that hold every commit."""
    touched = [(n + 1, path) for n, (_, paths) in enumerate(commits) for path in paths]
    c = pa.table(
        {
            "seq": pa.array(range(1, len(commits) + 1), pa.int64()),
            "message": pa.array([text for text, _ in commits], pa.string()),
        }
    )
    t = pa.table(
        {
            "seq": pa.array([seq for seq, _ in touched[::-1]], pa.int64()),
            "path": pa.array([path for _, path in touched[::-1]], pa.string()),
        }
    )
    both = overlap(contents, c, t)
    first, counts = np.zeros(len(contents), int), np.full(len(contents), len(commits))
    terms, files = both.terms.within(first, counts), both.files.within(first, counts)
    pairs = [(d, n) for d in range(len(contents)) for n in range(len(commits))]
    for shared, counted in ((both.terms, terms), (both.files, files)):
        some = [*zip(*(each.tolist() for each in shared.commits()), strict=True)]
        assert some == [pair for pair, n in zip(pairs, counted, strict=True) if n]
    return {
        pair: (int(a), int(b)) for pair, a, b in zip(pairs, terms, files, strict=True) if a or b
    }


@pytest.fixture(autouse=True)
def rare_words(monkeypatch):
    """Call a word of three commits common, so that few commits show what that does."""
    monkeypatch.setattr(sharing, "common", lambda commits: MOST)


@given(contents=st.lists(TEXT, max_size=3), commits=COMMITS)
def test_what_is_shared_is_what_plain_sets_share(contents, commits):
    """Words in messages and in paths, and files by their path or by their last part."""
    assert found(contents, commits) == plainly(contents, commits)


def test_a_word_that_many_messages_have_is_not_shared_through_a_path():
    """It is common over messages and paths together, however few paths have it."""
    commits = [("cache", set()), ("cache", set()), ("cache", set()), ("", {"cache/key"})]
    assert found(["cache key"], commits) == {(0, 3): (1, 0)}


def test_a_window_counts_its_own_commits():
    """A part of the commits, from where it begins."""
    c = pa.table({"seq": [1, 2, 3, 4], "message": ["fix", "x", "fix it", "fixed"]})
    t = pa.table({"seq": pa.array([], pa.int64()), "path": pa.array([], pa.string())})
    both = overlap(["fix", None, "fix"], c, t)
    first, counts = np.array([1, 0, 0]), np.array([3, 0, 1])
    assert both.terms.within(first, counts).tolist() == [0, 1, 0, 1]


@given(
    st.lists(st.integers(0, 3), max_size=6).flatmap(
        lambda at: st.tuples(st.just(at), st.permutations(range(len(at))))
    )
)
def test_commits_are_put_in_order_of_time(drawn):
    """By time, then by seq; those that are in order stay the table that they are."""
    at, seqs = drawn
    rows = list(zip(at, seqs, strict=True))
    c = pa.table({"occurred_us": pa.array(at, pa.int64()), "seq": pa.array(seqs, pa.int64())})
    put = in_time(c)
    assert [*zip(*(column.to_pylist() for column in put.columns), strict=True)] == sorted(rows)
    assert (put is c) == (rows == sorted(rows))


def test_control_without_the_commonest_left_out_more_is_shared(monkeypatch):
    """Known-bad: what every commit says would relate it to every decision."""
    commits = [("fix", set())] * 3
    honest = found(["fix"], commits)
    monkeypatch.setattr(sharing, "common", lambda commits: commits)
    assert honest == {} != found(["fix"], commits)
