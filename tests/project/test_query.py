"""Asking a project: the team's events and one's own notes, each tagged."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import patina_lab as pt
from patina_lab.cli import main
from patina_lab.errors import InvalidOption
from patina_lab.project.observe import observe
from patina_lab.project.propose import propose
from patina_lab.project.query import lexical, query, stems
from patina_lab.project.undo import undo


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
    return [f"[{h.tag}] {h.found.text}" for h in query(project.repository, text, **about)]


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
    assert {h.found.text for h in query(known.repository, "", **about)} == texts


def test_a_proposed_note_says_so_until_it_is_taken_back(known):
    def state():
        return {h.found.label: h.proposed for h in query(known.repository, "", scope="local")}

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
    assert [h.found.label for h in hits] == [f"loc_00{n}" for n in (5, 4, 3, 2, 1)]


@pytest.mark.parametrize("about", [{"scope": "moon"}, {"k": 0}])
def test_what_cannot_be_asked_is_said(project, about):
    with pytest.raises(InvalidOption):
        query(project.repository, "x", **about)


def test_nothing_known_is_no_fault(project):
    assert query(project.repository, "x") == []
    assert pt.open(project.path).query("x").columns.tolist()[:3] == ["tag", "score", "event_type"]


@given(st.lists(st.text(max_size=30), max_size=6), st.text(max_size=20))
def test_any_text_can_be_asked_of_any_texts(documents, text):
    """Scores are finite, not negative, and 0 where no word is shared."""
    scores = lexical(text, documents)
    assert len(scores) == len(documents)
    asked = set(stems(text))
    for score, document in zip(scores, documents, strict=True):
        assert (score > 0) == bool(asked & set(stems(document)))


@given(st.permutations(["a b", "b c c", "c", "b"]))
def test_the_order_of_documents_changes_no_score(documents):
    scores = dict(zip(documents, lexical("b c", documents), strict=True))
    assert scores == dict(zip(sorted(documents), lexical("b c", sorted(documents)), strict=True))


def test_an_event_without_an_author_is_shown_as_such(project):
    """An earlier patina's notes name nobody."""
    place = project.path / ".patina/local/events/2025-03-01-001-observation-captured.json"
    place.parent.mkdir(parents=True)
    place.write_text(
        '{"event_id": "loc_001", "event_type": "observation_captured", "author": null,'
        ' "timestamp": "2025-03-01T00:00:00Z", "sequence": 1, "payload": {"content": "Slow cache"}}'
    )
    (hit,) = query(project.repository, "cache")
    assert str(hit) == "[LOCAL] Slow cache  (loc_001, unknown, 2025-03-01)"
    persona = pt.Persona()
    persona.register(project.path)
    persona.sync()
    done = CliRunner().invoke(main, ["persona", "query", "cache"])
    assert done.output == "[PERSONA] Slow cache  (project, unknown, 2025-03-01, loc_001)\n"
    assert "no event names a domain" in CliRunner().invoke(main, ["persona", "domains"]).output
