"""`init`: makes what is missing, touches nothing that is there, twice is once."""

from __future__ import annotations

import json

import pytest

from patina_lab.errors import InvalidOption, StoreError
from patina_lab.project.domains import add_domain, declared, domain_names
from patina_lab.project.init import _FILES, init
from patina_lab.project.observe import observe


def test_init_makes_the_folders_and_files(project):
    made = init(project.repository)
    assert set(made.created) == set(_FILES)
    assert made.present == ()
    assert json.loads((project.path / ".patina/shared/domains.manifest").read_text()) == {
        "domains": []
    }
    assert (project.path / ".patina/shared/schema.version").read_text() == "1\n"
    assert (project.path / ".patina/shared/events").is_dir()
    assert (project.path / ".patina/local/events").is_dir()


def test_init_twice_is_once(project):
    init(project.repository)
    before = project.photograph(but=())
    again = init(project.repository)
    assert (again.created, set(again.present)) == ((), set(_FILES))
    assert project.photograph(but=()) == before


@pytest.mark.parametrize("path", list(_FILES))
def test_init_never_touches_what_exists(project, path):
    """Whatever stands in it, a link too; what is missing is still made."""
    place = project.write(path, "my own\n")
    made = init(project.repository)
    assert place.read_text() == "my own\n"
    assert made.present == (path,)
    place.unlink()
    place.symlink_to("nowhere")
    assert path in init(project.repository).present
    assert place.is_symlink()
    assert not place.exists()


def test_the_project_s_own_ignore_file_is_left_alone(project):
    project.write(".gitignore", "*.pyc\n")
    init(project.repository)
    assert (project.path / ".gitignore").read_text() == "*.pyc\n"


def test_what_is_private_or_derived_is_ignored_and_the_rest_is_not(project):
    init(project.repository)
    observe(project.repository, "private", at="2025-03-07")
    derived = [
        ".patina/shared/project.shared.db", ".patina/shared/x.duckdb", ".patina/data/log.duckdb",
        ".patina/shared/project.shared.db-wal", ".patina/local/x", ".patina/code.db",
    ]  # fmt: skip
    for path in derived:
        project.write(path, "d")
    project.git("add", "-A")
    assert project.git("diff", "--cached", "--name-only").splitlines() == sorted(
        path for path in _FILES if not path.startswith(".patina/local")
    )


def test_notes_stay_private_without_init_and_on_any_branch(project):
    """The folder ignores itself."""
    observe(project.repository, "private", at="2025-03-07")
    assert project.git("status", "--porcelain", "--untracked-files=all") == ""
    project.git("checkout", "-q", "--orphan", "other")
    assert ".patina" not in project.git("status", "--porcelain", "--untracked-files=all")


def test_init_refuses_a_file_where_a_folder_belongs(project):
    project.write(".patina", "x")
    with pytest.raises(StoreError, match="no folder"):
        init(project.repository)
    assert (project.path / ".patina").read_text() == "x"


def test_domains_are_declared_once_and_sorted(project):
    assert add_domain(project.repository, "React", "c++") == ["c++", "react"]
    assert add_domain(project.repository, "react", "ecs") == ["c++", "ecs", "react"]
    text = (project.path / ".patina/shared/domains.manifest").read_text()
    assert text == '{\n  "domains": [\n    "c++",\n    "ecs",\n    "react"\n  ]\n}\n'
    assert declared(project.repository) == ["c++", "ecs", "react"]


def test_a_manifest_keeps_its_other_keys_and_a_broken_one_is_left_alone(project):
    path = ".patina/shared/domains.manifest"
    place = project.write(path, '{"owner": "ann", "domains": ["rust"]}')
    add_domain(project.repository, "ecs")
    assert json.loads(place.read_text()) == {"owner": "ann", "domains": ["ecs", "rust"]}
    for broken in ("{", "[]", '{"domains": "rust"}', '{"domains": [1]}'):
        project.write(path, broken)
        with pytest.raises(StoreError):
            add_domain(project.repository, "x")
        assert place.read_text() == broken
    place.unlink()
    place.symlink_to("/etc/hostname")
    with pytest.raises(StoreError, match="symbolic link"):
        add_domain(project.repository, "x")


@pytest.mark.parametrize("name", ["", " ", "a b", "-x", "../x", "x\ny", ["ok", ""]])
def test_what_is_no_name_of_a_domain_is_refused(project, name):
    names = [name] if isinstance(name, str) else name
    with pytest.raises(InvalidOption, match="no name of a domain"):
        add_domain(project.repository, *names)
    assert not (project.path / ".patina/shared").exists()


def test_names_in_one_text_are_split(project):
    assert domain_names("Security, validation,security,") == ["security", "validation"]
    assert domain_names(["a", "b"]) == ["a", "b"]
