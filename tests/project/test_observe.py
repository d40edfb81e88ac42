"""Notes: what is written down, by whom and when."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from working import LOCAL

import patina_lab as pt
from patina_lab.errors import InvalidEvent, NoAuthor, UnknownTime
from patina_lab.project.observe import add_local, observe
from patina_lab.project.read import find, read_local
from patina_lab.project.write import TEMPORARY


def test_a_note_is_an_event_file(project):
    note = observe(
        project.repository,
        "We validate input",
        type="pattern",
        domains="security,validation",
        source_type="commit",
        source_id="abc123",
        at="2025-03-07T13:00:00+01:00",
    )
    assert note.place == project.path / LOCAL / "2025-03-07-001-observation-captured.json"
    value = json.loads(note.place.read_text())
    assert value.pop("content_hash") == f"sha256:{note.event.event_id}"
    assert value == {
        "event_id": "loc_001",
        "event_type": "observation_captured",
        "timestamp": "2025-03-07T12:00:00Z",
        "author": "Ann",
        "sequence": 1,
        "schema_version": 1,
        "payload": {
            "content": "We validate input",
            "observation_type": "pattern",
            "source_type": "commit",
            "source_id": "abc123",
            "domains": ["security", "validation"],
        },
    }
    (found,), problems = read_local(project.repository)
    assert (found.event.event_id, problems) == (note.event.event_id, [])


def test_the_same_call_in_two_projects_gives_the_same_bytes(make_project):
    """Nothing of the machine gets in: clock and author can be given."""
    places = [
        observe(make_project(name).repository, "x", at="2025-03-07", author="Bob").place
        for name in ("one", "two")
    ]
    assert places[0].read_bytes() == places[1].read_bytes()


def test_without_at_it_is_now(project):
    before = datetime.now(UTC)
    when = observe(project.repository, "x").event.timestamp
    assert (when - before).total_seconds() > -0.001  # cut to milliseconds
    assert when <= datetime.now(UTC)


def test_the_author_is_who_git_says(project, monkeypatch):
    assert observe(project.repository, "x").event.actor == "Ann"
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Env")
    assert observe(project.repository, "x").event.actor == "Env"
    assert observe(project.repository, "x", author="Told <t@x>").event.actor == "Told"


def test_without_an_author_nothing_is_written(project):
    project.git("config", "--unset", "user.name")
    with pytest.raises(NoAuthor, match=r"git config user\.name"):
        observe(project.repository, "x")
    assert not (project.path / LOCAL).exists()


@pytest.mark.parametrize(
    ("content", "about", "error"),
    [
        ("", {}, InvalidEvent),
        (" \n", {}, InvalidEvent),
        ("\ud800", {}, InvalidEvent),
        ("x", {"at": "yesterday"}, UnknownTime),
        ("x" * 5_000_000, {}, InvalidEvent),
    ],
)
def test_what_is_no_note_is_refused(project, content, about, error):
    with pytest.raises(error):
        observe(project.repository, content, **about)
    assert read_local(project.repository) == ([], [])


def test_numbers_go_on_over_days_and_types(project):
    observe(project.repository, "x", at="2025-03-07")
    add_local(project.repository, "tea_brewed", {"minutes": 4}, at="2025-01-01")
    note = observe(project.repository, "x", at="2025-02-01")
    assert (note.sequence, note.event.source_id) == (3, "loc_003")


def test_a_note_from_a_folder_of_the_project_lands_at_its_root(project):
    project.write("src/deep/a.py", "x")
    note = pt.open(project.path / "src/deep").observe("x", at="2025-03-07")
    assert note.place.parent == project.path / LOCAL


@pytest.mark.parametrize("told", ["loc_002", "2", "002", "2025-03-07-002-observation-captured"])
def test_a_note_is_found_by_any_of_its_names(project, told):
    observe(project.repository, "one", at="2025-03-07")
    note = observe(project.repository, "two", at="2025-03-07")
    found, _ = read_local(project.repository)
    assert find(found, told).event.event_id == note.event.event_id
    assert find(found, note.event.event_id[:9]).text == "two"


def test_its_repr_shows_it(project):
    note = observe(project.repository, "<b>Größe</b>", at="2025-03-07")
    assert "loc_001" in repr(note)
    assert "&lt;b&gt;Größe" in note._repr_mimebundle_()["text/html"]


def test_what_a_killed_writer_left_is_cleared_away_and_its_number_is_used(project):
    observe(project.repository, "one", at="2025-03-07")
    left = project.write(f"{LOCAL}/{TEMPORARY}0123456789ab", "half")
    assert read_local(project.repository)[1] == []
    assert observe(project.repository, "two", at="2025-03-07").sequence == 2
    assert not left.exists()
