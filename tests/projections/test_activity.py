"""Activity against a plain count of days in Python."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

import patina_lab as pt

sys.path.insert(0, str(Path(__file__).parents[1] / "sources"))
from gitraw import seed_library

COLUMNS = ["day", "event_type", "events"]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Return the lab of the seed library."""
    place = tmp_path_factory.mktemp("activity")
    repo, _ = seed_library(place / "repo")
    lab = pt.open(repo.path, home=place / "home")
    lab.scrape(progress=False)
    return lab


def rows(table):
    return [(f"{day:%Y-%m-%d}", kind, n) for day, kind, n in table.itertuples(index=False)]


@pytest.mark.parametrize("types", [(), ("git.*",), ("session.*", "decision_made")])
def test_activity_is_what_a_plain_count_gives(lab, types):
    """By day in UTC and by type, ordered by both; over any slice."""
    narrowed = lab.where(*types)
    expected = Counter(
        (when.strftime("%Y-%m-%d"), kind)
        for when, kind in narrowed.log.df()[["timestamp", "event_type"]].itertuples(index=False)
    )
    found = rows(narrowed.project(pt.activity))
    assert sorted((*key, n) for key, n in expected.items()) == found


def test_a_day_is_a_day_in_utc_wherever_it_is_read(lab):
    """Half past midnight at +01:00 is still the day before; so is a scrape in Kathmandu."""
    found = rows(lab.where("observation_captured").project(pt.activity))
    assert found == [("2025-03-09", "observation_captured", 1)]
    assert str(lab.project(pt.activity)["day"].dt.tz) == "UTC"


def test_days_without_events_are_not_listed(lab):
    """There is no row for them, nor a zero."""
    table = lab.project(pt.activity)
    assert (table["events"] > 0).all()
    assert "2025-03-08" not in {day for day, *_ in rows(table)}


def test_an_empty_slice_is_an_empty_table(lab):
    """With its columns."""
    table = lab.where("nothing").project(pt.activity)
    assert (len(table), list(table.columns)) == (0, COLUMNS)
    assert set(pt.activity.columns) == set(COLUMNS)
