"""`Rel`: SQL text as a frozen value; composed by names, computed by an engine."""

from __future__ import annotations

import dataclasses

import duckdb
import pytest

from patina_lab.errors import UnknownName, UsageError
from patina_lab.eventlog.eventlog import OpenLog
from patina_lab.projections.rel import Rel


class Plain:
    """The smallest engine: DuckDB in memory."""

    def __init__(self):
        self.asked = []

    def _run(self, sql):
        self.asked.append(sql)
        return duckdb.connect().sql(sql)

    def columns(self, sql):
        return self._run(sql).columns

    def df(self, sql):
        return self._run(sql).df()

    def arrow(self, sql):
        return self._run(sql).to_arrow_table()

    def explain(self, sql):
        return self._run(f"EXPLAIN {sql}").fetchall()[0][1]


ENGINE = Plain()
JARS = Rel(
    "SELECT * FROM (VALUES ('oat', 3), ('bean', 5), ('oat', 4)) AS v(seed, grams)", "jars", ENGINE
)
PRICES = Rel("SELECT * FROM (VALUES ('oat', 2), ('bean', 7)) AS v(seed, cents)", "prices", ENGINE)


def rows(rel):
    return [tuple(row.values()) for row in rel.arrow().to_pylist()]


def test_a_query_names_its_relation_or_says_this():
    """The relation's own name, ``this``, or both; in any case."""
    by_name = JARS.query("SELECT sum(grams) AS g FROM jars")
    assert rows(by_name) == [(12,)] == rows(JARS.query("SELECT sum(grams) AS g FROM this"))
    assert rows(JARS.query("SELECT count(*) AS n FROM jars, This")) == [(9,)]


def test_a_query_reads_other_relations_by_their_keywords():
    """Under the name that the query gives them."""
    joined = JARS.query(
        "SELECT seed, sum(grams * cents) AS cost FROM jars JOIN p USING (seed) GROUP BY seed "
        "ORDER BY seed",
        p=PRICES,
    )
    assert rows(joined) == [("bean", 35), ("oat", 14)]


def test_steps_compose_into_one_text():
    """Each is a CTE of the next; the text is all that there is."""
    totals = JARS.query("SELECT seed, sum(grams) AS grams FROM jars GROUP BY seed")
    heavy = totals.query("SELECT seed FROM this WHERE grams > 6")
    heavy = heavy.query("SELECT count(*) AS n FROM this")
    assert rows(heavy) == [(1,)]
    assert rows(heavy) == duckdb.connect().sql(heavy.to_sql()).fetchall()
    assert heavy.to_sql() == heavy.text
    assert heavy.to_sql().count("VALUES") == 1


COMPOSED = """\
WITH jars AS (
    SELECT * FROM (VALUES ('oat', 3), ('bean', 5), ('oat', 4)) AS v(seed, grams)
),
p AS (
    SELECT * FROM (VALUES ('oat', 2), ('bean', 7)) AS v(seed, cents)
)
SELECT 1"""


def test_the_text_can_be_read():
    """Indented, in the order of the names; this is what one pastes elsewhere."""
    assert JARS.query("  SELECT 1\n", p=PRICES).to_sql() == COMPOSED
    assert repr(PRICES) == f"Rel prices\n    {PRICES.text}"


def test_a_query_may_have_a_with_of_its_own():
    """It is merged into the one list of CTEs, and may use the relation in it."""
    big = "with big AS (SELECT * FROM jars WHERE grams > 3)"
    own = JARS.query(f"\n  {big} SELECT count(*) FROM big")
    assert rows(own) == [(2,)]
    assert own.to_sql().upper().count("WITH ") == 1
    assert rows(own.query("WITH x AS (SELECT * FROM this) SELECT * FROM x")) == [(2,)]


def test_pipe_reads_from_left_to_right():
    """A function of a relation, with its arguments."""

    def at_least(rel, grams, *, column):
        return rel.query(f"SELECT {column} FROM this WHERE grams >= {int(grams)} ORDER BY 1")

    assert rows(JARS.pipe(at_least, 4, column="seed")) == [("bean",), ("oat",)]


def test_a_relation_is_a_frozen_value():
    """Verbs return new ones; equal text is an equal relation, whoever runs it."""
    before = dataclasses.replace(JARS)
    JARS.query("SELECT 1").query("SELECT 2")
    assert before == JARS
    assert hash(before) == hash(JARS)
    assert dataclasses.replace(JARS, engine=None) == JARS
    assert PRICES != JARS
    with pytest.raises(dataclasses.FrozenInstanceError):
        JARS.text = "SELECT 2"


def test_nothing_runs_before_a_table_is_asked_for():
    """Composing is only text."""
    engine = Plain()
    rel = Rel("SELECT 1 AS one", "r", engine).query("SELECT one FROM r").query("SELECT * FROM this")
    repr(rel)
    rel.to_sql()
    assert engine.asked == []
    assert rel.df()["one"].tolist() == rel.run()["one"].tolist() == [1]
    assert engine.asked == [rel.text, rel.text]


def test_a_table_comes_as_pandas_or_arrow():
    """The same rows."""
    ordered = JARS.query("SELECT * FROM jars ORDER BY ALL")
    assert ordered.df().values.tolist() == [list(row) for row in rows(ordered)]
    assert ordered.columns == ["seed", "grams"]
    assert "order" in ordered.explain().lower()


def test_a_missing_column_is_named_with_the_nearest():
    """Before the query runs; a column that is there is no news."""
    assert JARS.needs("seed", "grams") is JARS
    with pytest.raises(UnknownName) as caught:
        JARS.needs("seed", "gram")
    assert caught.value.message == "There is no column 'gram' in jars."
    assert caught.value.hint == "Did you mean 'grams'? jars has seed, grams."


@pytest.mark.parametrize("ask", ["df", "arrow", "run", "explain", "columns"])
def test_a_relation_without_an_engine_says_where_to_get_one(ask):
    """Text alone cannot run."""
    alone = Rel("SELECT 1 AS one", "alone")
    with pytest.raises(UnknownName, match="no engine to run it") as caught:
        getattr(alone, ask)() if ask != "columns" else alone.columns
    assert "lab.rel('touches')" in caught.value.hint
    assert alone.query("SELECT one FROM alone").to_sql().endswith("SELECT one FROM alone")


@pytest.mark.parametrize(
    ("sql", "part"),
    [
        ("SELECT gram FROM jars", "no column 'gram' in jars"),
        ("SELECT * FROM jras", "no relation 'jras'"),
        ("SELECT * FORM jars", "syntax error"),
        ("SELECT CAST(seed AS INTEGER) FROM jars", "Could not convert"),
    ],
)
def test_a_mistake_in_a_query_is_one_sentence(sql, part):
    """With the candidates that the engine knows as the hint."""
    opened = OpenLog(duckdb.connect(), None)
    with pytest.raises(UsageError) as caught:
        Rel(JARS.text, "jars", opened).query(sql).df()
    assert part in caught.value.message
    assert len(caught.value.message.splitlines()) == 1


def test_a_literal_keeps_its_line_breaks_through_every_query():
    """Indenting is for people; what stands between quotes is not theirs."""
    text = Rel("SELECT 'a\nb\n\nc' AS x", "one").query("SELECT x FROM one").to_sql()
    assert "'a\nb\n\nc'" in text


def test_a_query_may_begin_with_a_comment_or_be_recursive():
    """The inputs are put before its own WITH."""
    one = Rel("SELECT 1 AS x", "one")
    plain = one.query("-- why\nWITH q AS (SELECT x FROM one) SELECT * FROM q").to_sql()
    assert plain.startswith("WITH one AS (")
    assert plain.count("WITH") == 1
    recursive = one.query("WITH RECURSIVE t(n) AS (SELECT 1) SELECT n FROM t").to_sql()
    assert recursive.startswith("WITH RECURSIVE one AS (")


@pytest.mark.parametrize(
    ("sql", "table"),
    [
        ("SELECT * FROM log.main.touch", "touch"),
        ("SELECT * FROM jars, log.main.touch", "touch"),
        ('SELECT * FROM jars JOIN "log" . "eventlog" USING (seed)', "eventlog"),
        ("SELECT (SELECT count(*) FROM /* all */ log.commits) AS n FROM jars", "commits"),
    ],
)
def test_the_log_s_file_is_not_read_past_the_slice(sql, table):
    """Its tables hold what a slice leaves out, the future too."""
    with pytest.raises(UsageError, match=rf"log\.{table} is a table of the log's file") as caught:
        JARS.query(sql)
    assert "FROM touches" in caught.value.hint


def test_what_is_only_called_log_may_be_read():
    """An alias, a column, a text and a comment."""
    sql = "SELECT log.seed, 'FROM log.main.touch' AS t FROM jars log -- FROM log.touch"
    assert rows(JARS.query(sql))[0] == ("oat", "FROM log.main.touch")
