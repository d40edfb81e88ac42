"""Hotspots against a plain count in Python."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

import patina_lab as pt

sys.path.insert(0, str(Path(__file__).parents[1] / "sources"))
from gitraw import load, seed_library

COLUMNS = ["path", "commits", "authors", "lines_added", "lines_removed", "churn", "last_changed"]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """Return the lab of the seed library, and its commits as the git source reads them."""
    place = tmp_path_factory.mktemp("hotspots")
    repo, _ = seed_library(place / "repo")
    lab = pt.open(repo.path, home=place / "home")
    lab.scrape(progress=False)
    return lab, list(load(repo.path)[0].values())


def plainly(commits):
    """Count commits, people and lines for each path."""
    people = {"ann@old.org": "ann@x.org"}
    touched, authors, last = Counter(), defaultdict(set), {}
    added, removed = defaultdict(list), defaultdict(list)
    for event in sorted(commits, key=lambda e: e.occurred_us):
        for row in event.data["files"]:
            path = row["path"]
            touched[path] += 1
            authors[path].add(people.get(event.data["email"], event.data["email"]))
            last[path] = event.timestamp.astimezone(UTC)
            if row["lines_added"] is not None:
                added[path].append(row["lines_added"])
                removed[path].append(row["lines_removed"])
    found = []
    for path, n in touched.items():
        counted = path in added
        a, r = (sum(added[path]), sum(removed[path])) if counted else (None, None)
        found.append((path, n, len(authors[path]), a, r, a + r if counted else None, last[path]))
    return sorted(found, key=lambda row: (-row[1], -(row[5] if row[5] is not None else -1), row[0]))


def rows(table):
    return [
        tuple(None if value is pd.NA or value is None or value != value else value for value in row)
        for row in table.astype(object).itertuples(index=False)
    ]


@pytest.mark.parametrize("until", [None, "2025-03-06", "2025-03-02"])
def test_hotspots_are_what_a_plain_count_gives(library, until):
    """In the same order: most commits, then most lines, then by path; over any slice."""
    lab, commits = library
    if until is not None:
        end = datetime.fromisoformat(until).replace(tzinfo=UTC).timestamp() + 86_400
        commits = [event for event in commits if event.occurred_us < end * 1_000_000]
        lab = lab.as_of(until)
    table = lab.project(pt.hotspots)
    assert list(table.columns) == COLUMNS
    assert plainly(commits) == rows(table)


def test_people_are_counted_once_under_all_their_names(library):
    """The mailmap says that annie is Ann."""
    table = library[0].project(pt.hotspots).set_index("path")
    assert table.loc["src/a.py", ["commits", "authors", "churn"]].tolist() == [3, 2, 4]


def test_what_cannot_be_counted_has_no_lines(library):
    """A binary file has commits and no churn; it is never counted as 0."""
    row = library[0].project(pt.hotspots).set_index("path").loc["bean.png"]
    assert row["commits"] == 1
    assert pd.isna(row[["lines_added", "lines_removed", "churn"]]).all()


def test_rare_paths_can_be_left_out(library):
    """By a choice that the result names."""
    table = library[0].project(pt.hotspots, min_commits=2)
    assert table["path"].tolist() == ["src/a.py", "src/b.py"]
    assert table.attrs["params"] == {"min_commits": 2}


def test_an_empty_slice_is_an_empty_table(library):
    """With its columns."""
    table = library[0].where("nothing").project(pt.hotspots)
    assert (len(table), list(table.columns)) == (0, COLUMNS)
    assert set(pt.hotspots.columns) == set(COLUMNS)
