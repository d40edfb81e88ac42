"""`Eventlog`: looking at a slice, in every form that a notebook asks for."""

from __future__ import annotations

import dataclasses
import html
import re
import sys
import threading
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import patina_lab as pt
from patina_lab.errors import NoLog, UnknownName, UsageError
from patina_lab.eventlog.eventlog import Eventlog, html_card, span_text, text_card

sys.path.insert(0, str(Path(__file__).parents[1] / "sources"))
from gitraw import RawRepo, seed_library

COLUMNS = [
    *("seq", "event_type", "timestamp", "source_id", "source_file", "data", "source", "actor"),
    *("occurred_us", "event_id", "envelope"),
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Return the lab of the seed library."""
    place = tmp_path_factory.mktemp("lab")
    repo, _ = seed_library(place / "repo")
    lab = pt.open(repo.path, home=place / "home")
    lab.scrape(progress=False)
    return lab


# -- tables ------------------------------------------------------------------------------


def test_a_table_of_events_is_tidy_and_knows_where_it_comes_from(lab):
    """One row an event, in the total order, with the digest and the commit it was made of."""
    table = lab.log.df()
    assert list(table.columns) == COLUMNS
    assert list(range(1, 17)) == table["seq"].tolist()
    assert table["occurred_us"].is_monotonic_increasing
    assert str(table["timestamp"].dt.tz) == "UTC"
    assert (
        table["timestamp"].dt.as_unit("us").astype("int64").tolist()
        == table["occurred_us"].tolist()
    )
    manifest = lab.log.opened.manifest
    assert {"digest": manifest.digest, "source_sha": manifest.source_sha} == table.attrs


def test_arrow_pandas_and_sql_show_the_same(lab):
    """Three forms of one slice."""
    log = lab.log.where("git.*", author="Ann")
    table = log.arrow()
    assert isinstance(table, pa.Table)
    assert log.df()["event_id"].tolist() == table.column("event_id").to_pylist()
    told = log.opened.rows(f"SELECT seq, data FROM ({log.sql()})")
    assert told == list(zip(*(table.column(c).to_pylist() for c in ("seq", "data")), strict=True))


def test_head_is_the_first_events(lab):
    """Five, unless told."""
    assert lab.log.head()["seq"].tolist() == [1, 2, 3, 4, 5]
    assert lab.log.head(2)["seq"].tolist() == [1, 2]
    assert list(lab.log.head(0).columns) == COLUMNS
    assert len(lab.log.head(10**6)) == 16
    assert len(lab.log.head(np.int64(2))) == 2
    for wrong in (-1, 2.7, "x", None, 2**63):
        with pytest.raises(UsageError, match="is no number of events"):
            lab.log.head(wrong)


def test_an_empty_slice_is_an_empty_table_with_its_columns(lab):
    """In every form."""
    nothing = lab.log.where("nothing")
    assert (len(nothing.df()), list(nothing.df().columns)) == (0, COLUMNS)
    assert (nothing.arrow().num_rows, nothing.arrow().column_names) == (0, COLUMNS)
    assert (len(nothing), len(nothing.by_type())) == (0, 0)
    assert list(nothing.by_type().columns) == ["event_type", "events", "first", "last"]


def test_by_type_counts_and_spans(lab):
    """Most frequent first, then by name."""
    table = lab.log.by_type()
    expected = Counter(lab.log.df()["event_type"])
    assert expected == dict(table[["event_type", "events"]].values.tolist())
    assert table["event_type"].tolist()[:4] == [
        "git.commit",
        "git.tag",
        "session.goal",
        "decision_made",
    ]
    commits = lab.log.where("git.commit").df()["timestamp"]
    assert (commits.min(), commits.max()) == (table["first"][0], table["last"][0])


def test_pipe_hands_the_log_on(lab):
    """So that steps read from left to right."""
    assert lab.log.pipe(lambda log, n, *, kind: len(log.where(kind).head(n)), 3, kind="git.*") == 3


# -- other tools -------------------------------------------------------------------------


def test_whatever_speaks_arrow_can_read_a_log(lab):
    """pyarrow, pandas and another DuckDB, without a copy to a file."""
    log = lab.log.where("git.commit")
    assert log.arrow().equals(pa.table(log))
    assert pa.RecordBatchReader.from_stream(log).read_all().num_rows == 7
    other = duckdb.connect()
    (found,) = other.execute("SELECT count(*), min(source_id) FROM log").fetchall()
    assert (7, min(log.df()["source_id"])) == found


def test_two_results_open_at_once_do_not_block_each_other(lab):
    """DuckDB blocks a connection while a result is open; every question has its own."""
    first, second = lab.log.opened.cursor(), lab.log.opened.cursor()
    one = first.execute(f"SELECT seq FROM ({lab.log.sql()})")
    assert len(one.fetchmany(2)) == 2
    two = second.execute(f"SELECT sha FROM ({lab.rel('commits').to_sql()})")
    assert len(two.fetchmany(2)) == 2
    assert len(lab.log.df()) == 16
    reader = pa.RecordBatchReader.from_stream(lab.log)
    assert len(lab.log.rel("touches").df()) == 17
    assert (reader.read_all().num_rows, len(one.fetchall()), len(two.fetchall())) == (16, 14, 5)


def test_threads_may_ask_at_the_same_time(lab):
    """As widgets do."""
    found, mistakes = [], []

    def ask(n):
        try:
            found.extend(len(lab.log.where("git.*", "session.*").df()) for _ in range(n))
        except Exception as err:
            mistakes.append(err)

    threads = [threading.Thread(target=ask, args=(5,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (found, mistakes) == ([13] * 20, [])


def test_the_log_cannot_be_written(lab):
    """It is immutable: opened read-only, whatever is asked."""
    for statement in ("DROP TABLE log.main.eventlog", "DELETE FROM log.main.eventlog"):
        with pytest.raises(duckdb.Error):
            lab.log.opened.cursor().execute(statement)
    with pytest.raises(UsageError):
        lab.sql("DELETE FROM eventlog")
    assert len(lab.log.df()) == 16


def test_a_query_cannot_ask_past_the_slice(lab):
    """The control: what it would have told of a day before all."""
    then = lab.as_of("1990-01-01")
    assert then.sql("SELECT count(*) AS n FROM eventlog")["n"].tolist() == [0]
    assert then.log.opened.rows("SELECT count(*) FROM log.main.eventlog") == [(16,)]
    for asked in ("log.main.eventlog", "log.eventlog", "log.main.touch"):
        with pytest.raises(UsageError, match="with all that a slice leaves out"):
            then.sql(f"SELECT count(*) AS n FROM {asked}")


# -- identity ----------------------------------------------------------------------------


def test_the_digest_is_that_of_the_rows_shown(lab):
    """Of all rows it is the log's; of other rows another; of the same rows the same."""
    log = lab.log
    assert log.digest == log.opened.manifest.digest == log.where("*").digest
    assert log.where("git.commit").digest != log.digest
    assert log.where("git.commit").digest == log.where("git.*").digest  # tags are no content
    train, valid = log.split("2025-03-05")
    assert len({log.digest, train.digest, valid.digest, log.where("nothing").digest}) == 4
    assert re.fullmatch("[0-9a-f]{64}", train.digest)


def test_a_log_is_a_frozen_value(lab):
    """Its verbs return new ones."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        lab.log.slice = None
    assert lab.log == lab.log
    assert lab.log != lab.log.where("git.*")
    assert isinstance(lab.log.where("git.*"), Eventlog)


# -- asking in words ---------------------------------------------------------------------


def test_a_query_sees_the_slice_and_no_more(lab):
    """Every relation that it names is narrowed."""
    early = lab.log.as_of("2025-03-02")
    assert early.query("SELECT count(*) AS n FROM commits").df()["n"][0] == 3
    joined = "SELECT count(*) AS n FROM touches JOIN commits USING (seq) WHERE path = 'src/a.py'"
    assert early.query(joined).df()["n"][0] == 2
    assert lab.log.query(joined).df()["n"][0] == 3
    upper = early.query("select COUNT(*) as N from Commits").df()
    assert upper.iloc[0, 0] == 3
    assert lab.log.query("SELECT 1 AS one").df()["one"][0] == 1


@pytest.mark.parametrize(
    ("ask", "message", "hint"),
    [
        (lambda lab: lab.rel("comits"), "There is no relation 'comits'.", "'commits'"),
        (lambda lab: lab.rel("xyz"), "There is no relation 'xyz'.", "Known: authors, code_calls"),
        (lambda lab: lab.sql("SELECT auhtor FROM commits"), "no column 'auhtor'", "author"),
        (lambda lab: lab.sql("SELECT len(seq) FROM commits"), "No function matches", ""),
        (lambda lab: lab.sql("SELECT * FROM comits"), "comits does not exist.", "commits"),
        (lambda lab: lab.sql("SELECT * FROM nope"), "nope does not exist.", "Known: authors,"),
        (lambda lab: lab.sql(None), "None is no query.", "one SELECT"),
        (lambda lab: lab.sql("-- commits"), "'-- commits' holds 0 statements.", "one SELECT"),
        (lambda lab: lab.sql("SELECT 1; SELECT 2"), "holds 2 statements.", "one SELECT"),
        (lambda lab: lab.sql("COPY (SELECT 1) TO 'x.csv'"), "is no SELECT.", "one SELECT"),
        (lambda lab: lab.sql("SELEC 1"), 'syntax error at or near "SELEC".', ""),
        (lambda lab: lab.sql("SELECT CAST('x' AS INTEGER)"), "Could not convert string 'x'", ""),
        (lambda lab: lab.rel("touches").needs("paht"), "no column 'paht' in touches.", "'path'"),
    ],
    ids=["relation", "no relation", "column", "function", "table", "no table", "no text",
         "no statement", "two statements", "no select", "syntax", "conversion", "needed column"],
)  # fmt: skip
def test_a_mistake_is_answered_with_the_nearest_names(lab, ask, message, hint):
    """One sentence; the hint lists the candidates; no stack of the engine."""
    with pytest.raises(UsageError) as caught:
        ask(lab)
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert len(caught.value.message.splitlines()) == 1
    assert caught.value.message.endswith(".")
    assert not caught.value.message.endswith(("..", "!."))
    assert not caught.value.hint.endswith(":")
    assert caught.value.exit_code == 2


def test_any_select_is_one(lab):
    """Also without the word, with a comment, and with what the engine makes several steps of."""
    for query in (
        "FROM commits; ",
        "/* all */ TABLE commits -- ;",
        "SELECT * FROM (DESCRIBE commits)",
        "VALUES (1)",
        "PIVOT touches ON change USING count(*)",
    ):
        assert len(lab.sql(query)) > 0


def test_columns_are_known_without_running_anything(lab):
    """And the plan can be seen."""
    rel = lab.rel("touches")
    assert rel.columns[:4] == ["seq", "occurred_us", "path", "old_path"]
    assert "touch" in rel.explain()


# -- showing -----------------------------------------------------------------------------

SHOWN = """\
Eventlog
  events  5
  types   git.commit 4, git.tag 1
  span    2025-03-01 to 2025-03-12
  slice   before 2025-03-31 00:00:00, type git.*, author Ann
  source  {source}
  digest  {digest}"""


def test_a_log_shows_its_counts_its_span_its_slice_and_its_digest(lab):
    """All that a reader needs to say the same thing again."""
    log = lab.log.where("git.*", author="Ann").as_of("2025-03-30")
    source = log.opened.manifest.source_sha[:12]
    assert SHOWN.format(source=source, digest=log.digest[:12]) == repr(log)
    bundle = log._repr_mimebundle_()
    assert repr(log) == bundle["text/plain"]
    assert text_of(bundle["text/html"]) == re.sub(r"\s+", " ", repr(log)).strip()
    assert "slice" not in repr(lab.log)


def test_a_log_says_what_it_was_not_told(tmp_path):
    """Else one scraped until a day looks like a whole one ever after."""
    repo, _ = seed_library(tmp_path / "repo")
    lab = pt.open(repo.path, home=tmp_path / "home")
    for options, said in (
        ({}, None),
        ({"until": "2025-03-05"}, "only before 2025-03-06 00:00:00"),
        ({"worktree": True, "lines": False}, "with what was not committed, without line counts"),
    ):
        lab.scrape(progress=False, **options)
        for log in (lab.log, lab.log.where("git.*")):
            assert dict(log.facts()).get("scraped") == said
        assert ("scraped" in repr(lab)) is bool(options)


def test_an_empty_log_can_be_shown(lab):
    """No span, no types, no error."""
    shown = repr(lab.log.where("nothing"))
    assert "events  0" in shown
    assert "span" not in shown
    assert lab.log.where("nothing")._repr_mimebundle_()["text/html"]


def text_of(page):
    """Return the words of a page, as a browser shows them."""
    words = []
    reader = HTMLParser()
    reader.handle_data = words.append
    reader.feed(page)
    return re.sub(r"\s+", " ", " ".join(words)).strip()


def tags_of(page):
    return set(re.findall(r"<\s*(\w+)", page))


def test_nothing_that_a_repository_says_becomes_markup(tmp_path):
    """Types, authors, paths and slices are text, also where they look like a script."""
    evil = "<script>alert('x')</script>&amp;\"'"
    repo = RawRepo(tmp_path / "<b>repo</b>")
    payload = '{"event_id":"<i>","event_type":"<img src=x>","timestamp":"2025-03-01","payload":{}}'
    repo.commit({f".patina/shared/events/{evil.replace('/', '')}.json": payload}, evil)
    lab = pt.open(repo.path)
    result = lab.scrape(progress=False)
    for shown in (lab, result, lab.log, lab.log.where(evil, author=evil, path=evil)):
        page = shown._repr_mimebundle_()["text/html"]
        assert {"div", "strong", "table", "tr", "th", "td"} >= tags_of(page)
        assert "<img src=x>" not in page
    page = lab.log.where(evil)._repr_mimebundle_()["text/html"]
    assert html.escape(evil) in page
    assert evil in text_of(page)


def test_cards_align_and_escape():
    """The same facts as text and as a table."""
    facts = [("a", "1"), ("longer", "<2>")]
    assert text_card("T & U", facts) == "T & U\n  a       1\n  longer  <2>"
    page = html_card("T & U", facts)
    assert page.startswith("<div><strong>T &amp; U</strong>")
    assert "&lt;2&gt;" in page


def test_a_span_is_two_dates():
    """Or says that there is none."""
    assert span_text(0, 86_400_000_000) == "1970-01-01 to 1970-01-02"
    assert span_text(None, None) == "no events"


def test_before_the_first_scrape_the_next_step_is_said(tmp_path):
    """A lab can be opened and shown without any log; its log cannot."""
    repo = RawRepo(tmp_path / "repo")
    repo.commit({"a": "1\n"})
    lab = pt.open(repo.path)
    assert repr(lab).splitlines()[0] == "Lab"
    assert "none yet; run lab.scrape()" in repr(lab)
    with pytest.raises(NoLog, match=r"There is no log in .* yet\.") as caught:
        _ = lab.log
    assert caught.value.hint == "Make one: lab.scrape()"


def test_relations_of_a_log_are_lazy_values(lab):
    """They hold text and an engine, and are computed when a table is asked for."""
    rel = lab.log.rel("commits")
    assert rel.name == "commits"
    assert isinstance(rel.df(), pd.DataFrame)
    with pytest.raises(UnknownName):
        lab.log.rel("commits; DROP TABLE x")
