"""The registry: a project is known by its history, wherever it lies."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from patina_lab.errors import InvalidOption, NotARepository, StoreError, UnknownName
from patina_lab.personas.registry import Registry, Scan

sys.path.insert(0, str(Path(__file__).parents[1] / "sources"))
from gitraw import RawRepo

AT = "2025-03-01T12:00:00Z"


@pytest.fixture
def registry(tmp_path):
    return Registry(tmp_path / "persona")


def project(place, message="first"):
    repo = RawRepo(place)
    repo.commit({"a.txt": "1\n"}, message)
    return repo.path


def test_projects_are_kept_by_name(registry, tmp_path):
    for name in ("b", "a"):
        made, how = registry.register(project(tmp_path / name, name), AT)
        assert (made.name, made.first_seen, how) == (name, AT, "added")
    assert [p.name for p in Registry(registry.folder).projects()] == ["a", "b"]
    with pytest.raises(UnknownName, match="Known: a, b"):
        registry.project("zebra")


def test_registering_twice_changes_nothing(registry, tmp_path):
    path = project(tmp_path / "a")
    registry.register(path, AT)
    before = (registry.folder / "projects.registry").read_bytes()
    again, how = registry.register(path, "2026-01-01T00:00:00Z")
    assert (how, again.first_seen) == ("known", AT)
    assert (registry.folder / "projects.registry").read_bytes() == before


def test_a_moved_project_is_found_again(registry, tmp_path):
    path = project(tmp_path / "old")
    registry.register(path, AT)
    moved = tmp_path / "elsewhere" / "new"
    moved.parent.mkdir()
    shutil.move(path, moved)
    found, how = registry.register(moved, "2026-01-01T00:00:00Z")
    assert (how, found.name, found.path, found.first_seen) == ("moved", "old", str(moved), AT)
    assert len(registry.projects()) == 1


def test_a_second_clone_would_vote_twice(registry, tmp_path):
    path = project(tmp_path / "a")
    registry.register(path, AT)
    shutil.copytree(path, tmp_path / "copy")
    with pytest.raises(InvalidOption, match="has the history of 'a'"):
        registry.register(tmp_path / "copy", AT)
    other, how = registry.register(tmp_path / "copy", AT, name="fork")
    assert (other.name, how) == ("fork", "added")


@pytest.mark.parametrize("how", ["a path", "a file URL", "bare"])
def test_a_clone_of_a_registered_folder_is_the_same_project(registry, tmp_path, how):
    """Its remote is that folder, where the folder itself has another remote or none."""
    path = project(tmp_path / "a")
    registry.register(path, AT)
    source = f"file://{path}" if how == "a file URL" else str(path)
    bare = ["--bare"] if how == "bare" else []
    subprocess.run(["git", "clone", "-q", *bare, source, tmp_path / "clone"], check=True)
    with pytest.raises(InvalidOption, match="has the history of 'a'"):
        registry.register(tmp_path / "clone", AT)
    subprocess.run(
        ["git", "-C", tmp_path / "clone", "config", "remote.origin.url", "https://x.org/fork"],
        check=True,
    )
    assert registry.register(tmp_path / "clone", AT)[1] == "added", "a fork is another one"


def test_a_home_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "loose").symlink_to(tmp_path / "nowhere" / "deep")
    with pytest.raises(StoreError, match=r"cannot be (made|written)"):
        Registry(tmp_path / "loose" / "persona").register(project(tmp_path / "a"), AT)


def test_two_projects_of_one_name_get_two(registry, tmp_path):
    """Also where they differ in case only: one is a folder's name on every system."""
    names = [
        registry.register(project(tmp_path / n / place, n), AT)[0].name
        for n, place in (("x", "app"), ("y", "app"), ("z", "App"))
    ]
    assert names == ["app", "app-2", "App-3"]


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", ".hidden", "a b", "x" * 65])
def test_a_name_that_is_no_folder_is_refused(registry, tmp_path, name):
    path = project(tmp_path / "a")
    with pytest.raises(InvalidOption):
        registry.register(path, AT, name=name)
    assert registry.projects() == []


def test_what_is_no_repository_is_said(registry, tmp_path):
    with pytest.raises(NotARepository):
        registry.register(tmp_path / "nowhere", AT)


def test_a_token_in_the_remote_is_not_kept(registry, tmp_path):
    path = project(tmp_path / "a")
    repo_config = path / ".git" / "config" if (path / ".git").is_dir() else path / "config"
    with repo_config.open("a") as file:
        file.write('[remote "origin"]\n\turl = https://ann:s3cret@example.org/a.git\n')
    made, _ = registry.register(path, AT)
    assert made.git_remote == "https://example.org/a.git"
    assert "s3cret" not in (registry.folder / "projects.registry").read_text()


def test_a_damaged_registry_says_what_to_do(registry, tmp_path):
    registry.register(project(tmp_path / "a"), AT)
    (registry.folder / "projects.registry").write_text("{")
    with pytest.raises(StoreError, match="register the projects again"):
        registry.projects()


def test_scans_are_appended_and_a_torn_line_is_left_out(registry, tmp_path):
    registry.register(project(tmp_path / "a"), AT)
    scan = Scan("a", AT, None, 1, 0, 0)
    registry.add_scan(scan)
    with (registry.folder / "scan_history.jsonl").open("a") as file:
        file.write(json.dumps({"project": "a"})[:9])
    assert registry.scans() == [scan]
