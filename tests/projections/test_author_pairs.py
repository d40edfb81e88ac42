"""Pairs of people counted on arrays: the very rows of the SQL of `collaboration`."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patina_lab.errors import InvalidOption
from patina_lab.projections import author_pairs as pairing
from patina_lab.projections import pair_counts as counting
from patina_lab.projections.adapters import DuckDB
from patina_lab.projections.author_pairs import author_pairs
from patina_lab.projections.collaboration import collaboration
from patina_lab.projections.rel import Rel
from patina_lab.projections.tables import table_hash

TOUCHES = st.lists(
    st.tuples(
        st.integers(-3, 12),
        st.sampled_from(["a", "b", "ü", "z", "\U0001f600", "\uffee"]),
        st.sampled_from(["ann@x", "bob@x", "B@x", "ü@x", "", None]),
        st.sampled_from(["Ann", "ann", "Ünn", None]),
    ),
    max_size=30,
)


def as_touches(rows: list[tuple]) -> pa.Table:
    seq, path, email, name = zip(*rows, strict=True) if rows else ((), (), (), ())
    return pa.table(
        {
            "seq": pa.array(seq, pa.int64()),
            "occurred_us": pa.array(seq, pa.int64()),
            "path": pa.array(path, pa.string()),
            "author_email": pa.array(email, pa.string()),
            "author_name": pa.array(name, pa.string()),
            "lines_added": pa.array([1] * len(rows), pa.int64()),
            "lines_removed": pa.array([0] * len(rows), pa.int64()),
        }
    )


def both_ways(touches: pa.Table, **params: object) -> tuple[pa.Table, pa.Table]:
    """Return what the text gives, and what the arrays give."""
    engine = DuckDB(duckdb.connect())
    engine.connection.execute("CREATE TABLE exported_touches AS SELECT * FROM touches")
    made = collaboration(Rel("SELECT * FROM exported_touches", "touches", engine), **params)
    assert isinstance(made, Rel)
    return engine.arrow(made.to_sql()), made.arrow()


@given(
    rows=TOUCHES,
    cap=st.sampled_from([None, 2, 3]),
    least=st.integers(1, 3),
    block=st.sampled_from([1, 3, 1 << 16]),
)
def test_the_rows_are_those_of_the_text(rows, cap, least, block):
    """In their order, bit by bit, names and addresses that are not there included."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counting, "BLOCK", block)
        text, arrays = both_ways(as_touches(rows), max_authors=cap, min_files=least)
    assert text.schema.names == arrays.schema.names
    assert table_hash(text) == table_hash(arrays)


SHARED = [(1, "a", "ann@x", "Ann"), (2, "a", "bob@x", "Bob"), (3, "a", "bob@x", "Bob")]


def test_control_a_commit_counted_twice_is_another_weight(monkeypatch):
    """Known-bad: touches for commits, where one commit touches a file in two rows."""
    touches = as_touches([*SHARED, (1, "a", "ann@x", "Ann")])
    assert author_pairs(touches, None, 1)["weight"].to_pylist() == [1]

    def rows_for_commits(path, email, seq, people):
        return honest(path, email, seq + range(len(seq)), people)

    honest = pairing._work
    monkeypatch.setattr(pairing, "_work", rows_for_commits)
    assert author_pairs(touches, None, 1)["weight"].to_pylist() == [2]


def test_too_many_pairs_are_refused(monkeypatch):
    """With what to do about it."""
    monkeypatch.setattr(counting, "MOST_PAIRS", 0)
    with pytest.raises(InvalidOption, match="more than 0 pairs of people") as caught:
        author_pairs(as_touches(SHARED), None, 1)
    assert "min_files" in caught.value.hint
    assert "max_authors" in caught.value.hint
