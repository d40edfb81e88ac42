"""Oxidize: a recipe makes tables that know it, and it is said when they are out of date."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from notation import Repo, build_repo

import patina_lab as pt
from patina_lab.cli import main
from patina_lab.errors import InvalidOption, InvalidRecipe, UnknownName
from patina_lab.project.places import OXIDIZE_META
from patina_lab.projections import registry

HISTORY = """
2025-03-01 git.commit ann a.py b.py
2025-03-02 decision_made ann decision="Keep b.py"
2025-03-03 git.commit bob a.py b.py layer/sessions/n.md
    # Session
    **Started**: 2025-03-03T09:00:00Z

    ## Goals
    - [ ] one
"""
RECIPE = """
2025-03-04 git.commit ann .patina/oxidize.yaml
    version: 1
    sources: {sessions: false}
    projections:
      hotspots: {}
      by_day: {projection: co_changes, params: {by: day, min_count: 1}}
"""
CHANGED = """
2025-03-05 git.commit ann .patina/oxidize.yaml
    version: 1
    sources: {sessions: false}
    projections:
      hotspots: {}
      activity: {}
"""


@pytest.fixture
def history(tmp_path: Path) -> Callable[[str], pt.Lab]:
    """Return a function that makes the repository say another text, and opens it."""
    numbers = iter(range(99))

    def tell(text: str) -> pt.Lab:
        other = build_repo(text, tmp_path / f"made-{next(numbers)}")
        repo = Repo(tmp_path / "repo")
        if not repo.path.exists():
            other.clone(repo.path)
        repo.git("fetch", "-q", str(other.path), "+main:refs/kept/next")
        repo.git("reset", "-q", "--hard", "refs/kept/next")
        return pt.open(repo.path)

    return tell


def test_a_recipe_makes_its_tables(history) -> None:
    """From the sources that it names; each table knows the recipe."""
    lab = history(HISTORY + RECIPE)
    made = lab.oxidize(progress=False)
    assert list(made.tables) == ["by_day", "hotspots"]
    assert made.digest == lab.digest
    assert "session.goal" not in set(lab.log.by_type()["event_type"])
    expected = lab.project("co_changes", by="day", min_count=1)
    pd.testing.assert_frame_equal(expected, made["by_day"], check_flags=False)
    assert {made[name].attrs["recipe"] for name in made.tables} == {made.recipe.hash}
    assert f"recipe    {made.recipe.hash[:12]} (.patina/oxidize.yaml)" in repr(made)
    with pytest.raises(UnknownName, match="Did you mean 'hotspots'"):
        made["hotspot"]


def test_the_recipe_of_a_commit_is_part_of_its_log(history) -> None:
    """A scrape reads it too, as of each commit: the digest does not depend on who scraped."""
    lab = history(HISTORY + RECIPE)
    scraped = lab.scrape(progress=False)
    assert lab.oxidize(progress=False).digest == scraped.digest
    before = lab.as_of(lab.repository.resolve("HEAD~1"))
    assert "session.goal" in set(before.log.by_type()["event_type"])


def test_a_recipe_can_be_a_file_elsewhere(history, tmp_path: Path) -> None:
    """What it says of sources then holds for the logs of other commits too."""
    lab = history(HISTORY)
    with pytest.raises(InvalidRecipe, match="has no recipe"):
        lab.oxidize()
    place = tmp_path / "my.yaml"
    place.write_text("{version: 1, sources: {sessions: false, git: {lines: false}}}")
    assert not lab.oxidize(place, progress=False).tables
    for there in (lab, lab.as_of(lab.repository.resolve("HEAD"))):
        assert "session.goal" not in set(there.log.by_type()["event_type"])
        assert there.rel("touches").df()["lines_added"].isna().all()
    place.write_text("{version: 1, projections: {hotspot: {}}}")
    with pytest.raises(InvalidRecipe, match="there is no projection 'hotspot'"):
        lab.oxidize(place, progress=False)
    with pytest.raises(InvalidRecipe, match="cannot be read"):
        lab.oxidize(tmp_path / "none.yaml", progress=False)


def test_the_same_recipe_twice_is_the_same(history) -> None:
    """Nothing is made again, and what is written down does not change."""
    lab = history(HISTORY + RECIPE)
    lab.oxidize(progress=False)
    first = lab.rel(OXIDIZE_META).df()
    again = lab.oxidize(progress=False)
    assert {table.how for table in again.tables.values()} == {"fresh"}
    pd.testing.assert_frame_equal(first, lab.rel(OXIDIZE_META).df())
    assert list(first["key"]) == [
        "recipe",
        f"recipe:{again.recipe.hash}",
        "table:by_day",
        "table:hotspots",
    ]
    said = json.loads(first.set_index("key")["value"]["table:hotspots"])
    assert (said["recipe"], said["digest"]) == (again.recipe.hash, again.digest)


def stale(lab: pt.Lab) -> dict[str, str]:
    table = lab.oxidized()
    return dict(zip(table["table"], table["stale"], strict=True))


def test_what_is_out_of_date_is_said(history, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log, the recipe, the projection's code: each with what it was and what it is."""
    lab = history(HISTORY + RECIPE)
    lab.scrape(progress=False)
    assert stale(lab) == dict.fromkeys(("by_day", "hotspots"), "it was not made yet")
    first = lab.oxidize(progress=False)
    assert stale(lab) == {"by_day": "", "hotspots": ""}

    lab = history(HISTORY + RECIPE + "2025-03-05 git.commit bob c.py\n")
    assert lab.oxidized().attrs["log"] == "1 commit behind HEAD; run lab.scrape()"
    lab.scrape(progress=False)
    assert all(why.startswith("the log has moved on") for why in stale(lab).values())
    lab.oxidize(progress=False)
    assert not any(stale(lab).values())

    newer = dataclasses.replace(pt.hotspots, version=99)
    find = registry.find
    with monkeypatch.context() as patch:
        patch.setattr(registry, "find", lambda name: newer if name == "hotspots" else find(name))
        assert stale(lab) == {"by_day": "", "hotspots": "hotspots is at version 99, the table at 1"}

    lab = history(HISTORY + RECIPE + CHANGED)
    lab.scrape(progress=False)
    said = stale(lab)
    assert said["by_day"] == "the recipe has it no more"
    assert said["activity"] == "it was not made yet"
    assert said["hotspots"].startswith(f"the recipe has changed ({first.recipe.hash[:12]} to ")
    second = lab.oxidize(progress=False)
    assert stale(lab) == {"activity": "", "hotspots": ""}
    keys = set(lab.rel(OXIDIZE_META).df()["key"])
    assert {f"recipe:{first.recipe.hash}", f"recipe:{second.recipe.hash}"} <= keys


def test_a_recipe_that_cannot_be_understood_is_quarantined_by_a_scrape(history) -> None:
    """The rest is loaded as if there were none; running it says what is wrong."""
    bad = "2025-03-04 git.commit ann .patina/oxidize.yaml\n    version: 1\n    sorces: {}\n"
    lab = history(HISTORY + bad)
    lab.scrape(progress=False)
    (problem,) = lab.problems().to_dict("records")
    assert (problem["reason"], problem["source_file"]) == ("invalid recipe", ".patina/oxidize.yaml")
    assert "line 2: there is no key 'sorces'. Did you mean 'sources'?" in problem["detail"]
    with pytest.raises(InvalidRecipe, match="line 2"):
        lab.oxidize(progress=False)


def test_a_recipe_is_for_the_whole_log(history) -> None:
    lab = history(HISTORY + RECIPE)
    lab.scrape(progress=False)
    with pytest.raises(InvalidOption, match="this lab shows before 2025-03-02"):
        lab.as_of("2025-03-01").oxidize()


def test_the_command(history) -> None:
    """Makes, lists, checks; a check that says no is exit code 1."""
    lab = history(HISTORY + RECIPE)
    repo = str(lab.repository.path)

    def run(*args: str) -> tuple[int, str]:
        done = CliRunner().invoke(main, list(args), catch_exceptions=False)
        return done.exit_code, done.stdout

    code, said = run("oxidize", "--repo", repo, "--quiet", "--json")
    assert (code, json.loads(said)["tables"]["hotspots"]["how"]) == (0, "rebuilt")
    assert run("oxidize", "--repo", repo, "--check")[0] == 0
    lab = history(HISTORY + RECIPE + "2025-03-05 git.commit bob c.py\n")
    code, said = run("oxidize", "--repo", repo, "--check")
    assert (code, said.splitlines()[0]) == (1, "log: 1 commit behind HEAD; run lab.scrape()")
    lab.scrape(progress=False)
    code, said = run("projections", "--repo", repo)
    assert code == 0
    assert "last updated 20" in said
    assert "stale: the log has moved on" in said
    (kept,) = next(
        p
        for p in json.loads(run("projections", "--repo", repo, "--json")[1])
        if p["name"] == "hotspots"
    )["kept"]
    assert kept["through"] == "2025-03-04T12:00:00+00:00"
