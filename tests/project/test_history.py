"""The history of an event: commits, changes, lines; also of what is proposed or gone."""

from __future__ import annotations

import pytest
from working import DAY, EVENTS

import patina_lab as pt
from patina_lab.errors import UnknownName
from patina_lab.project.history import history
from patina_lab.project.propose import propose
from patina_lab.project.undo import undo


@pytest.fixture
def edited(project):
    """Return a project whose proposal was merged, edited and renamed."""
    made = propose(project.repository, "Label bags", type="pattern", at=DAY)
    project.merge(made.branch)
    place = project.path / made.path
    place.write_text(place.read_text().replace("Label bags", "Label every bag"))
    project.commit("say every")
    project.git("mv", made.path, f"{EVENTS}/2025-03-07-009-pattern-identified.json")
    project.commit("renumber")
    return project


def test_commits_changes_and_lines(edited):
    """Renames are followed; nothing of the user's configuration has a say."""
    for key, value in {
        "color.ui": "always", "diff.external": "/bin/false", "log.showSignature": "true",
        "diff.noprefix": "true", "log.follow": "false", "blame.showEmail": "true",
    }.items():  # fmt: skip
        edited.git("config", key, value)
    found = history(edited.repository, "9")
    assert [v.subject for v in found.versions] == [
        "renumber", "say every", "pattern: Label bags",
    ]  # fmt: skip
    change = found.versions[1].diff
    assert '-    "content": "Label bags"' in change
    assert '+    "content": "Label every bag"' in change
    assert "\x1b" not in change
    (line,) = [line for line in found.lines if '"content"' in line.text]
    assert line.commit == found.versions[1].commit
    first = found.versions[-1]
    assert (first.author, first.email, first.date) == (
        "Ann", "ann@x.org", "2025-03-07T12:00:00+00:00",
    )  # fmt: skip
    assert found.lines[0].date == first.date
    text = "".join(f"{line.text}\n" for line in found.lines)
    assert text == (edited.path / found.path).read_text()
    assert "renumber" in repr(found)
    assert found.df()["commit"].tolist() == [v.commit for v in found.versions]
    assert len(found.blame()) == len(found.lines)


def test_of_what_is_proposed(project):
    made = propose(project.repository, "Label bags", type="pattern", at=DAY)
    for told in (made, "evt_001", made.event.event_id[:10]):
        assert [v.commit for v in history(project.repository, told).versions] == [made.commit]


def test_of_what_is_gone(project):
    made = propose(project.repository, "Label bags", type="pattern", at=DAY)
    project.merge(made.branch)
    project.git("branch", "-D", made.branch)
    undone = undo(project.repository, "evt_001", at=DAY)
    project.merge(undone.branch)
    found = pt.open(project.path).history("evt_001")
    assert [v.commit for v in found.versions] == [undone.commit, made.commit]
    assert found.lines == ()
    assert "not there any more" in repr(found)


def test_a_note_has_none_and_an_unknown_name_is_said(project):
    lab = pt.open(project.path)
    lab.observe("x", at=DAY)
    with pytest.raises(UnknownName, match="private"):
        lab.history("loc_001")
    with pytest.raises(UnknownName, match="evt_9"):
        lab.history("evt_9")


def test_one_of_several_has_to_be_told(project):
    for branch in ("a", "b"):
        project.git("checkout", "-q", "--orphan", f"o{branch}")
        project.write(f"{EVENTS}/2025-03-07-001-{branch}.json",
                      '{"event_id": "evt_001", "event_type": "x", "timestamp": "2025-03-07",'
                      f' "payload": {{"n": "{branch}"}}}}')  # fmt: skip
        project.commit(branch)
    with pytest.raises(UnknownName, match=r"names 2 events.*evt_001-1: .*; evt_001-2: "):
        history(project.repository, "evt_001")
    assert history(project.repository, "evt_001-2").path.endswith("001-b.json")
