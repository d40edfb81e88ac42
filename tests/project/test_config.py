"""``[tool.patina_lab]`` is read from the commit, and what is wrong with it is reported."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

import patina_lab as pt
from patina_lab.project.config import Config, read_config
from patina_lab.project.places import log_folder
from patina_lab.sources.repository import Objects, open_repository


def commit(repo: Path, **files: str) -> None:
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    git = ["git", "-C", str(repo), "-c", "user.name=Ann", "-c", "user.email=ann@x"]
    if not (repo / ".git").exists():
        subprocess.run([*git, "init", "-q"], check=True, env=env)
    for name, text in files.items():
        place = repo / name.replace("__", "/").replace("_toml", ".toml").replace("_md", ".md")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    subprocess.run([*git, "add", "."], check=True, env=env)
    subprocess.run([*git, "commit", "-qm", "x", "--allow-empty"], check=True, env=env)


def read(repo: Path) -> tuple[Config, list[str]]:
    repository = open_repository(repo)
    with Objects(repository) as objects:
        config, problems = read_config(objects, repository.resolve("HEAD"))
    return config, [problem.detail for problem in problems]


def test_without_a_table_the_defaults_hold(tmp_path: Path) -> None:
    commit(tmp_path)
    assert (Config(), []) == read(tmp_path)


def test_values_are_taken_from_the_commit_not_the_work_tree(tmp_path: Path) -> None:
    commit(tmp_path, pyproject_toml="[tool.patina_lab]\nsessions = ['notes/*.md']\nlines = false\n")
    (tmp_path / "pyproject.toml").write_text("[tool.patina_lab]\nlines = true\n")
    config, problems = read(tmp_path)
    assert (config.sessions, config.lines, problems) == (("notes/*.md",), False, [])


def test_a_folder_that_is_missing_hides_nothing_beside_it(tmp_path: Path) -> None:
    """Git stops at the tree of .patina, which is not here; pyproject.toml is read all the same."""
    commit(
        tmp_path,
        pyproject_toml="[tool.patina_lab]\nlines = false\n",
        **{".patina/oxidize.yaml": "version: 1\nsources: {git: {lines: true}}\n"},
    )
    assert read(tmp_path)[0].lines is True
    asked = ["git", "-C", str(tmp_path), "rev-parse", "HEAD:.patina"]
    tree = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    (tmp_path / ".git/objects" / tree[:2] / tree[2:]).unlink()
    assert read(tmp_path)[0].lines is False


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[tool.patina_lab]\nsesions = 'x'\n", "Did you mean 'sessions'"),
        ("[tool.patina_lab]\nlines = 'yes'\n", "neither true nor false"),
        ("[tool.patina_lab]\nmerges = 'all'\n", "none of none, combined, first-parent"),
        ("[tool.patina_lab]\nevents = 3\n", "is no text"),
        ("[tool.patina_lab]\nevents = []\n", "is no text"),
        ("[tool.patina_lab]\nsessions = ['']\n", "is no text"),
        ("[tool.patina_lab]\ncode = ''\n", "is no text"),
        ("[tool]\npatina_lab = 3\n", "cannot be read"),
        ("not toml at all", "cannot be read"),
        ("tool = 3\n", "cannot be read"),
    ],
)
def test_a_fault_is_reported_and_the_default_used(tmp_path: Path, text: str, said: str) -> None:
    commit(tmp_path, pyproject_toml=text)
    config, problems = read(tmp_path)
    assert Config() == config
    assert said in problems[0]


def test_a_faulty_configuration_shows_in_the_quarantine(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    repo.mkdir()
    commit(repo, pyproject_toml="[tool.patina_lab]\nsesions = 'x'\n")
    lab = pt.open(repo, home=tmp_path / "home")
    lab.scrape(progress=False)
    commit(repo)
    lab.scrape(progress=False)
    assert lab.problems()[["source", "reason"]].to_numpy().tolist() == [
        ["config", "invalid configuration"]
    ]


def test_notes_are_found_where_the_project_says(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    repo.mkdir()
    note = "# Session: tea\n**ID**: 20250302-101500\n**Started**: 2025-03-02T10:15:00Z\n"
    commit(repo, pyproject_toml="[tool.patina_lab]\nsessions = 'notes/**'\n", notes__a_md=note)
    result = pt.open(repo, home=tmp_path / "home").scrape(progress=False)
    assert result.by_type["session.started"] == 1


@pytest.mark.parametrize("none", ["''", "[]"])
def test_what_is_empty_is_not_read(tmp_path: Path, none: str) -> None:
    repo = tmp_path / "repo"
    repo.mkdir()
    note = "# Session: tea\n**ID**: 20250302-101500\n**Started**: 2025-03-02T10:15:00Z\n"
    event = '{"event_id": "e", "event_type": "x", "timestamp": "2025-03-02", "payload": {}}'
    commit(
        repo,
        pyproject_toml=f"[tool.patina_lab]\nsessions = {none}\nevents = ''\n",
        **{"layer/sessions/a.md": note, ".patina/shared/events/a.json": event},
    )
    lab = pt.open(repo, home=tmp_path / "home")
    assert dict(lab.scrape(progress=False).by_type) == {"git.commit": 1}
    assert lab.problems().empty


def test_a_log_folder_is_readable_and_its_own(tmp_path: Path) -> None:
    one = log_folder(tmp_path / "a" / ".git", "my project", tmp_path)
    two = log_folder(tmp_path / "b" / ".git", "my project", tmp_path)
    assert one.name.startswith("my-project-")
    assert one != two
