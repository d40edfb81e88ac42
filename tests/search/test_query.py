"""Asking a project: the team's events and one's own notes, each tagged."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import patina_lab as pt
from patina_lab.cli import main
from patina_lab.errors import InvalidOption
from patina_lab.project.observe import observe
from patina_lab.project.propose import propose
from patina_lab.project.undo import undo
from patina_lab.search.query import query

sys.path.insert(0, str(Path(__file__).parents[1] / "project"))
from working import Project


@pytest.fixture
def project(tmp_path):
    return Project.new(tmp_path / "project")


@pytest.fixture
def known(project):
    """Two events of the team's, two notes."""
    for text, about in {
        "Error boundaries isolate failing components": {"type": "pattern", "domains": "react"},
        "Use C++ for the codec": {"type": "decision", "rationale": "errors are typed"},
    }.items():
        made = propose(project.repository, text, at="2025-03-01", **about)
        project.merge(made.branch)
    observe(project.repository, "Handle every error at the edge", domains="react", at="2025-03-02")
    observe(project.repository, "Use C in the kernel", at="2025-03-03")
    return project


def asked(project, text, **about):
    hits = query(project.repository, text, **about)
    return [f"[{tag}] {said}" for tag, said in zip(hits["tag"], hits["text"], strict=True)]


def test_both_are_asked_and_tagged(known):
    assert sorted(asked(known, "error handling patterns")) == [
        "[LOCAL] Handle every error at the edge",
        "[SHARED] Error boundaries isolate failing components",
        "[SHARED] Use C++ for the codec",
    ]


def test_c_is_not_c_plus_plus(known):
    assert asked(known, "C++") == ["[SHARED] Use C++ for the codec"]
    assert asked(known, "C") == ["[LOCAL] Use C in the kernel"]


@pytest.mark.parametrize(
    ("about", "texts"),
    [
        ({"scope": "local"}, {"Handle every error at the edge", "Use C in the kernel"}),
        ({"type": "pattern"}, {"Error boundaries isolate failing components"}),
        ({"type": "decision_made"}, {"Use C++ for the codec"}),
        (
            {"domains": "React"},
            {"Error boundaries isolate failing components", "Handle every error at the edge"},
        ),
        ({"at": "HEAD~1", "scope": "shared"}, {"Error boundaries isolate failing components"}),
        ({"k": 1}, {"Use C in the kernel"}),
    ],
)  # fmt: skip
def test_what_is_asked_can_be_narrowed(known, about, texts):
    """An empty text asks for all, newest first."""
    assert set(query(known.repository, "", **about)["text"]) == texts


def test_a_proposed_note_says_so_until_it_is_taken_back(known):
    def state():
        hits = query(known.repository, "", scope="local")
        return dict(zip(hits["id"], hits["proposed"], strict=True))

    made = propose(known.repository, from_="loc_001", at="2025-03-04")
    assert state() == {"loc_001": True, "loc_002": False}
    known.merge(made.branch)
    known.git("branch", "-D", made.branch)
    assert state() == {"loc_001": True, "loc_002": False}
    known.merge(undo(known.repository, made, at="2025-03-05").branch)
    assert state() == {"loc_001": False, "loc_002": False}


def test_asking_writes_nothing(known):
    """Law 7: not into the work tree, not into the git directory."""
    lab = pt.open(known.path)
    before = known.photograph(but=())
    lab.scrape(progress=False)
    lab.query("error")
    lab.history("evt_001")
    lab.conflicts()
    assert known.photograph(but=()) == before


def test_a_lab_as_of_a_day_knows_nothing_of_later_ones(known):
    """Law 4: neither hits nor scores depend on what came after."""
    lab = pt.open(known.path)
    lab.scrape(progress=False)
    then = lab.as_of("2025-03-02")
    before = then.query("error")
    assert sorted(before["text"]) == [
        "Error boundaries isolate failing components",
        "Handle every error at the edge",
        "Use C++ for the codec",
    ]
    observe(known.repository, "error error error", at="2025-03-05")
    assert then.query("error").equals(before)
    assert not lab.query("error").equals(before)


def test_a_lab_as_of_a_commit_asks_that_commit_alone(known):
    lab = pt.open(known.path)
    lab.scrape(progress=False)
    first = known.git("rev-parse", "HEAD~1")
    assert lab.as_of(first).query("error")["tag"].tolist() == ["SHARED"]


def test_equal_scores_have_a_fixed_order(project):
    for n in range(5):
        observe(project.repository, "the same words", at=f"2025-03-0{n + 1}")
    hits = query(project.repository, "words")
    assert hits["id"].tolist() == [f"loc_00{n}" for n in (5, 4, 3, 2, 1)]


@pytest.mark.parametrize("about", [{"scope": "moon"}, {"k": 0}])
def test_what_cannot_be_asked_is_said(project, about):
    with pytest.raises(InvalidOption):
        query(project.repository, "x", **about)


def test_nothing_known_is_no_fault(project):
    assert query(project.repository, "x").empty
    assert pt.open(project.path).query("x").columns.tolist()[:3] == ["tag", "score", "event_type"]


def test_an_event_without_an_author_is_shown_as_such(project):
    """An earlier patina's notes name nobody."""
    place = project.path / ".patina/local/events/2025-03-01-001-observation-captured.json"
    place.parent.mkdir(parents=True)
    place.write_text(
        '{"event_id": "loc_001", "event_type": "observation_captured", "author": null,'
        ' "timestamp": "2025-03-01T00:00:00Z", "sequence": 1, "payload": {"content": "Slow cache"}}'
    )
    (hit,) = query(project.repository, "cache").to_dict("records")
    assert (hit["tag"], hit["text"], hit["author"]) == ("LOCAL", "Slow cache", None)
    persona = pt.Persona()
    persona.register(project.path)
    persona.sync()
    done = CliRunner().invoke(main, ["persona", "query", "cache"])
    assert done.output == "[PERSONA] Slow cache  (project, unknown, 2025-03-01, loc_001)\n"
    assert "no event names a domain" in CliRunner().invoke(main, ["persona", "domains"]).output


def test_words_are_compared_as_scry_does(known):
    """One search: the same hits in the same order, with the same scores."""
    lab = pt.open(known.path)
    asked = lab.query("error handling patterns")
    found = lab.scry("error handling patterns", mode="lexical", persona=False, progress=False)
    assert asked["event_id"].tolist() == found["event_id"].tolist()
    assert asked["score"].tolist() == found["score"].tolist()
    assert asked["score"].is_monotonic_decreasing
    assert asked["score"].gt(0).all()
