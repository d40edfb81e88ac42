"""The browser of events over the teaching project."""

from __future__ import annotations

import pytest

pytest.importorskip("ipywidgets")

import patina_lab as pt
from patina_lab.errors import UnknownName
from patina_lab.lab import Lab
from patina_lab.views.widgets.stage import VIEW
from patina_lab.views.widgets.tied import read

DECISION = "evt_048"


def seq_of(lab: Lab, source_id: str) -> int:
    return int(
        lab.log.query(f"SELECT seq FROM eventlog WHERE source_id = '{source_id}'").df()["seq"][0]
    )


def part(browser: object, label: str) -> object:
    """Return the widget of this label."""
    inside = [*browser.widget.children]
    for box in browser.widget.children:
        inside += getattr(box, "children", ())
    (found,) = (p for p in inside if getattr(p, "description", None) == label)
    return found


def titles(lab: Lab, seq: int) -> dict[str, tuple]:
    return {section.title: section.rows for section in read(lab, seq).sections}


def test_pages_forth_and_back(lab: Lab, live: None) -> None:
    browser = pt.EventBrowser(lab, size=10)
    first = browser.rows["seq"].tolist()
    older, newer = part(browser, "Older"), part(browser, "Newer")
    assert newer.disabled
    older.click()
    assert max(browser.rows["seq"]) == min(first) - 1
    assert not newer.disabled
    newer.click()
    assert browser.rows["seq"].tolist() == first


def test_filters_as_typed(lab: Lab, live: None) -> None:
    browser = pt.EventBrowser(lab)
    kind, text = part(browser, "Type"), part(browser, "Text in the event")
    author, since = part(browser, "Author"), part(browser, "From")
    text.value = "first come, first served"
    assert browser.count() == len(browser.rows) == 4
    kind.value = "decision_made"
    assert browser.rows["source_id"].tolist() == [DECISION]
    since.value = "soon"
    assert browser.rows.empty
    assert "soon" in browser.said
    since.value = ""
    author.value = "nobody"
    assert browser.count() == 0


def test_assigned_filters_reach_the_fields(lab: Lab, live: None) -> None:
    """The dropdown knows a pattern too."""
    browser = pt.EventBrowser(lab)
    kind, text = part(browser, "Type"), part(browser, "Text in the event")
    browser.browse = browser.browse.but(types="git.*", text="packet")
    assert (kind.value, text.value) == ("git.*", "packet")
    assert set(browser.rows["event_type"]) == {"git.commit"}


def test_a_chosen_event_is_read(lab: Lab, live: None) -> None:
    browser = pt.EventBrowser(lab, types="decision_made")
    part(browser, "Events").value = seq_of(lab, DECISION)
    assert browser.seq == seq_of(lab, DECISION)
    detail = browser._view.detail.value
    assert "Whoever returned most" in detail
    assert "Commits in the fortnight after" in detail


def test_a_decision_has_effects_and_its_file_in_git(lab: Lab) -> None:
    reading = read(lab, seq_of(lab, DECISION))
    found = {section.title: section.rows for section in reading.sections}
    effects = found["Commits in the fortnight after"]
    assert effects[0][1] == "Hold the next packet for a member who waits"
    assert "8 terms in common, 1 file in common" in effects[0][0]
    (path,) = (value for name, value in reading.facts if name == "source_file")
    assert len(found[f"Commits of {path}"]) == 1
    assert f"+++ b/{path}" in reading.change


def test_effects_and_causes_are_the_same_ties(lab: Lab) -> None:
    """What a decision names as its effect names the decision as its cause; parents, children."""
    decision = seq_of(lab, DECISION)
    effect = lab.log.query(
        "SELECT seq FROM commits WHERE message LIKE 'Hold the next packet for a member%'"
    ).df()["seq"][0]
    causes = titles(lab, int(effect))
    assert any(
        said.startswith("Who waits for a variety is served first come")
        for _, said in causes["Decisions in the fortnight before"]
    )
    parent = lab.log.query(f"SELECT parent FROM commit_parents WHERE seq = {effect}").df()[
        "parent"
    ][0]
    assert causes["Made from (parents)"]
    assert any(
        "Hold the next packet" in said
        for _, said in titles(lab, int(parent))["What was made from it (children)"]
    )
    assert decision < effect


def test_an_event_outside_of_the_slice_is_not_read(lab: Lab) -> None:
    with pytest.raises(UnknownName, match="rank"):
        read(lab.as_of("2025-02-01"), seq_of(lab, DECISION))


def test_without_a_person_it_is_a_card(lab: Lab) -> None:
    browser = pt.EventBrowser(lab, size=3)
    bundle = browser._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}
    assert bundle["text/html"].count("<tr>") == 3 + 3
    assert browser._view is None


def test_live_it_is_a_widget(lab: Lab, live: None) -> None:
    assert VIEW in pt.EventBrowser(lab)._repr_mimebundle_()
