"""Pages of a log: all events, each once, in order; code that gives the same."""

from __future__ import annotations

import itertools

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patina_lab.lab import Lab
from patina_lab.views.widgets.browse import Browse, Page, page

FILTERS = [
    {},
    {"types": "git.commit"},
    {"types": "git.*, decision_made", "author": "*o*"},
    {"text": "PACKET"},
    {"text": 'it\'s 100% "quoted" \\ and _'},
    {"since": "2025-03-01", "until": "2025-04-01"},
    {"author": "nobody"},
]


def walk(lab: Lab, browse: Browse) -> list[Page]:
    """Return all pages, from the first to the last."""
    pages = [page(lab.log, browse)]
    while (after := pages[-1].after) is not None:
        pages.append(page(lab.log, after))
    return pages


def oracle(lab: Lab, filters: dict[str, str], newest: bool) -> list[int]:
    """Return the ranks that match, without SQL, pages or keys."""
    rows = Browse(**filters).over(lab.log).df()
    text = filters.get("text", "").casefold()
    found = [
        seq for seq, data in zip(rows["seq"], rows["data"], strict=True) if text in data.casefold()
    ]
    return found[::-1] if newest else found


@pytest.mark.parametrize("filters", FILTERS, ids=str)
@pytest.mark.parametrize("newest", [True, False])
@pytest.mark.parametrize("size", [7, 400])
def test_pages_hold_every_event_once(lab: Lab, filters: dict, newest: bool, size: int) -> None:
    goes_through(lab, filters, newest, size)


def test_pages_of_one_event(lab: Lab) -> None:
    goes_through(lab, {"types": "decision_made"}, True, 1)


def goes_through(lab: Lab, filters: dict, newest: bool, size: int) -> None:
    pages = walk(lab, Browse(size=size, newest=newest, **filters))
    assert [int(s) for p in pages for s in p.rows["seq"]] == oracle(lab, filters, newest)
    assert all(len(p.rows) == size for p in pages[:-1])
    assert pages[0].before is None
    # And back again, through the same pages.
    for there, here in itertools.pairwise(pages):
        assert here.before is not None
        again = page(lab.log, here.before)
        pd.testing.assert_frame_equal(again.rows, there.rows)
        assert (again.before is None) == (there is pages[0])


@given(st.text(max_size=8))
def test_any_text_can_be_looked_for(text: str) -> None:
    """Its SQL is one statement, whatever quotes are in it; its code is Python."""
    import duckdb

    browse = Browse(text=text)
    compile(browse.code(), "browse", "eval")
    if "\0" in text or any("\ud800" <= c <= "\udfff" for c in text):
        return
    assert len(duckdb.extract_statements(browse.sql())) == 1


@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_the_code_gives_the_page(lab: Lab, filters: dict) -> None:
    first = page(lab.log, Browse(size=5, **filters))
    for browse in (Browse(size=5, **filters), first.after):
        if browse is not None:
            given_by_code = eval(browse.code(), {"lab": lab})
            assert given_by_code["seq"].tolist() == page(lab.log, browse).rows["seq"].tolist()


def test_filters_that_cannot_be_understood_are_named() -> None:
    browse = Browse(since="yesterday", until="2025-13-01", size=0)
    assert set(browse.problems()) == {"since", "until", "size"}
    assert Browse(since="2025-03-01").problems() == {}
    late = Browse(since="2025-04-01", until="2025-03-01").problems()
    assert late == {"until": "2025-03-01 lies before 2025-04-01."}


def test_an_edge_behind_the_end_leads_back(lab: Lab) -> None:
    """As after a log got shorter."""
    last = page(lab.log, Browse(edge=10**9, newest=False))
    assert last.rows.empty
    assert last.after is None
    assert page(lab.log, last.before).before is None


def test_other_filters_begin_at_the_first_page() -> None:
    assert Browse(edge=5, back=True).but(text="x") == Browse(text="x")
