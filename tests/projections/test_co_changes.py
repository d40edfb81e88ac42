"""Co-change against a plain count of pairs in Python."""

from __future__ import annotations

import itertools
import sys
from collections import Counter
from pathlib import Path

import pytest

import patina_lab as pt

sys.path.insert(0, str(Path(__file__).parents[1] / "sources"))
from gitraw import RawRepo, load, seed_library

COLUMNS = ["file_a", "file_b", "count", "commits_a", "commits_b"]
COLUMNS += ["jaccard", "confidence_a", "confidence_b", "lift"]


@pytest.fixture(scope="module")
def coupled(tmp_path_factory):
    """Return the lab of a history in which some files change together, and its commits."""
    place = tmp_path_factory.mktemp("coupled")
    repo = RawRepo(place / "repo")
    tree = dict.fromkeys("abcdef", "0\n")
    together = ["ab", "abc", "b", "cd", "ab", "abcdef", "a", "ef", "de", "", "bd", "ab"]
    repo.commit(tree, "all")
    for n, names in enumerate(together, 1):
        tree = tree | dict.fromkeys(names, f"{n}\n")
        repo.commit(tree, names)
    bulk = {f"bulk/{n:02}": "x\n" for n in range(60)}
    repo.commit(tree | bulk, "bulk")
    repo.commit({**tree, **bulk, "a": "last\n", "bulk/00": "y\n"}, "mixed")
    lab = pt.open(repo.path, home=place / "home")
    lab.scrape(progress=False)
    return lab, list(load(repo.path)[0].values())


def plainly(commits, *, max_files=50, min_count=2):
    """Count commits and pairs of commits; derive the strengths."""
    files, pairs, total = Counter(), Counter(), 0
    for event in commits:
        paths = sorted({row["path"] for row in event.data["files"]})
        if max_files is not None and len(event.data["files"]) > max_files:
            continue
        total += bool(paths)
        files.update(paths)
        pairs.update(itertools.combinations(paths, 2))
    found = [
        (a, b, n, files[a], files[b], *strengths(n, files[a], files[b], total))
        for (a, b), n in pairs.items()
        if n >= min_count
    ]
    return sorted(found, key=lambda row: (-row[2], -row[5], row[0], row[1]))


def strengths(both, a, b, total):
    return both / (a + b - both), both / a, both / b, both / a * total / b


def rows(table):
    return list(table.itertuples(index=False, name=None))


@pytest.mark.parametrize(
    "choices",
    [
        {},
        {"min_count": 1},
        {"min_count": 4},
        {"max_files": None},
        {"max_files": None, "min_count": 1},
        {"max_files": 2, "min_count": 1},
        {"max_files": 1, "min_count": 1},
    ],
    ids=str,
)
def test_co_changes_are_what_a_plain_count_gives(coupled, choices):
    """Counts and strengths, strongest first, under every choice."""
    lab, commits = coupled
    assert plainly(commits, **choices) == rows(lab.project(pt.co_changes, **choices))


def test_the_strengths_of_one_pair_by_hand(coupled):
    """Commits with a or b, of at most 50 files: a in 8, b in 8, both in 6 of them."""
    top = coupled[0].project(pt.co_changes).iloc[0]
    assert top[["file_a", "file_b", "count"]].tolist() == ["a", "b", 6]
    a, b = 8, 8
    assert top["confidence_a"] == pytest.approx(6 / a)
    assert top["confidence_b"] == pytest.approx(6 / b)
    assert top["jaccard"] == pytest.approx(6 / (a + b - 6))


def test_the_cap_on_files_of_a_commit_is_a_visible_choice(coupled):
    """A bulk commit makes n²/2 pairs; it counts only where one asks for it."""
    lab, _ = coupled
    capped = lab.project(pt.co_changes, min_count=1)
    whole = lab.project(pt.co_changes, min_count=1, max_files=None)
    assert not capped["file_a"].str.startswith("bulk/").all()
    assert len(whole) - len(capped) == 60 * 59 // 2
    assert whole.attrs["params"] == {"min_count": 1, "max_files": None}
    assert pt.co_changes.function.__kwdefaults__["max_files"] == 50


def test_a_slice_by_path_does_not_hide_how_large_a_commit_was(coupled):
    """The cap is on the files of the commit, not on those that were asked for."""
    lab, _ = coupled
    few = lab.where(path="bulk/0*").project(pt.co_changes, min_count=1)
    assert len(few) == 0
    assert len(lab.where(path="bulk/0*").project(pt.co_changes, min_count=1, max_files=60)) == 45


def test_a_slice_of_time_counts_its_commits_only(tmp_path):
    """Before and after a cut add up to the whole."""
    repo, _ = seed_library(tmp_path / "repo")
    lab = pt.open(repo.path)
    lab.scrape(progress=False)
    count = [
        Counter({(a, b): n for a, b, n, *_ in rows(part.project(pt.co_changes, min_count=1))})
        for part in (lab, lab.as_of("2025-03-03"), lab.where().as_of("2025-03-03"))
    ]
    assert count[1] == count[2]
    assert count[1] <= count[0]
    commits = load(repo.path)[0].values()
    assert plainly(commits, min_count=1) == rows(lab.project(pt.co_changes, min_count=1))


def test_an_empty_slice_is_an_empty_table(coupled):
    """With its columns."""
    table = coupled[0].where("nothing").project(pt.co_changes)
    assert (len(table), list(table.columns)) == (0, COLUMNS)
    assert set(pt.co_changes.columns) == set(COLUMNS)
