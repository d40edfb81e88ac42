"""Pairs counted on arrays: the very rows of the SQL of `co_changes`."""

from __future__ import annotations

import itertools
from collections import Counter

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patina_lab.errors import InvalidOption
from patina_lab.projections import pair_counts as counting
from patina_lab.projections.adapters import DuckDB
from patina_lab.projections.co_changes import co_changes
from patina_lab.projections.pair_counts import pair_counts
from patina_lab.projections.rel import Rel
from patina_lab.projections.tables import table_hash

# Few names, so that files share all their commits; some sort otherwise in other alphabets.
NAMES = ["a", "b", "B", "a/c", "ü", "z", "\U0001f600", "\uffee", "", "a b"]
LOGS = st.lists(
    st.tuples(st.sets(st.sampled_from(NAMES), max_size=8), st.integers(0, 3), st.integers(-3, 3)),
    max_size=12,
)


def as_touches(log: list[tuple[set[str], int, int]], shuffle: int = 0) -> pa.Table:
    """Return touches: one unit a set of files, some named twice, in an order of `shuffle`."""
    rows = [
        (7 * seq, name, len(names), f"{who}@x.org", day * 86_400_000_000 + seq)
        for seq, (names, who, day) in enumerate(log)
        for name in [*sorted(names), *sorted(names)[:1]]
    ]
    order = np.random.default_rng(shuffle).permutation(len(rows)) if shuffle else range(len(rows))
    columns = zip(*[rows[i] for i in order], strict=True) if rows else [()] * 5
    kinds = [pa.int64(), pa.string(), pa.int64(), pa.string(), pa.int64()]
    fields = ["seq", "path", "files", "author_email", "occurred_us"]
    return pa.table(
        {
            name: pa.array(column, kind)
            for name, column, kind in zip(fields, columns, kinds, strict=True)
        }
    )


def projected(touches: pa.Table, **params: object) -> Rel:
    """Return co_changes on DuckDB."""
    engine = DuckDB(duckdb.connect())
    engine.connection.execute("CREATE TABLE exported_touches AS SELECT * FROM touches")
    made = co_changes(Rel("SELECT * FROM exported_touches", "touches", engine), **params)
    assert isinstance(made, Rel)
    return made


def both_ways(touches: pa.Table, **params: object) -> tuple[pa.Table, pa.Table]:
    """Return what the text gives, and what the arrays give."""
    made = projected(touches, **params)
    assert made.engine is not None
    return made.engine.arrow(made.to_sql()), made.arrow()


@given(
    log=LOGS,
    least=st.integers(1, 3),
    by=st.sampled_from(["commit", "author_day", "day"]),
    cap=st.sampled_from([None, 2, 5]),
    block=st.sampled_from([1, 3, 1 << 16]),
    shuffle=st.integers(0, 3),
)
def test_the_rows_are_those_of_the_text(log, least, by, cap, block, shuffle):
    """In their order, bit by bit, whatever the blocks and the order of the touches."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counting, "BLOCK", block)
        text, arrays = both_ways(as_touches(log, shuffle), min_count=least, by=by, max_files=cap)
    assert table_hash(text) == table_hash(arrays)
    assert text.schema.names == arrays.schema.names


@given(log=LOGS, least=st.integers(1, 3))
def test_files_that_only_seem_alike_are_told_apart(log, least):
    """Where all files have one mark, the comparison of their commits is all there is."""

    class Blind:
        def integers(self, *_: int, **kinds: type) -> np.ndarray:
            return np.zeros(_[2], kinds["dtype"])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(np.random, "default_rng", lambda seed: Blind())
        arrays = pair_counts(as_touches(log), least)
    files, pairs = Counter(), Counter()
    for names, *_ in log:
        files.update(names)
        pairs.update(itertools.combinations(sorted(names), 2))
    expected = {(a, b, n, files[a], files[b]) for (a, b), n in pairs.items() if n >= least}
    found = list(zip(*(arrays.column(n).to_pylist() for n in arrays.column_names), strict=True))
    assert {row[:5] for row in found} == expected
    assert len(found) == len(expected)


def test_control_what_seems_alike_is_not_alike(monkeypatch):
    """Known-bad: without the comparison, files of one mark become one class."""
    touches = as_touches([({"a", "b"}, 0, 0), ({"b", "z"}, 0, 0)])
    honest = pair_counts(touches, 1)

    def by_marks_alone(unit, file, units, files):
        return np.zeros(files, np.int64)

    monkeypatch.setattr(counting, "_classes", by_marks_alone)
    assert table_hash(pair_counts(touches, 1)) != table_hash(honest)


@given(
    rows=st.lists(
        st.tuples(
            st.integers(0, 3), st.integers(0, 5), st.integers(0, 2), st.sampled_from([0, 1 << 61])
        )
    )
)
def test_rows_are_sorted_by_all_their_columns(rows):
    """Whether or not they fit into one number."""
    columns = np.array(rows, np.int64).reshape(-1, 4).T
    found = counting.in_order(*columns)
    assert list(zip(*(c.tolist() for c in found), strict=True)) == sorted(rows)


def test_too_many_pairs_are_refused_before_they_are_made(monkeypatch):
    """With what to do about it; across classes and within one."""
    monkeypatch.setattr(counting, "MOST_PAIRS", 3)
    apart = as_touches([({"a", "b", "z"}, 0, 0), ({"a"}, 0, 0), ({"b"}, 0, 0)])
    assert pair_counts(apart, 1).num_rows == 3
    for log in ([({"a", "b", "z", "ü"}, 0, 0)], [({"a"}, 0, 0), ({"a", "b", "z", "ü"}, 0, 0)]):
        with pytest.raises(InvalidOption, match="more than 3 pairs"):
            pair_counts(as_touches(log), 1)


def test_a_plan_says_what_is_done():
    """The text stays the portable one; the plan is of what is run."""
    made = projected(as_touches([({"a", "b"}, 0, 0)]))
    assert "-- then, in Python: pair_counts" in made.explain()
    assert "across" in made.to_sql()
    counted = made.query("SELECT count(*) AS n FROM this")
    assert counted.arrow().to_pylist() == [{"n": 0}]
