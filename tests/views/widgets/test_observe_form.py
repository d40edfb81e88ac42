"""The form over a real project: saves, proposes, takes back; never by itself."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("ipywidgets")

import patina_lab as pt
from patina_lab.lab import Lab
from patina_lab.project.propose import Proposal
from patina_lab.views.widgets.observe_form import ObserveForm
from patina_lab.views.widgets.stage import VIEW

AT = "2025-06-07T12:00:00Z"
Git = Callable[..., str]


def photograph(lab: Lab, git: Git) -> tuple[str, ...]:
    """Return all that a form could change: branches, HEAD, index, files that git ignores."""
    files = sorted(
        str(p) for p in (lab.repository.path / ".patina").rglob("*") if "local" in p.parts
    )
    return (git(lab, "for-each-ref"), git(lab, "status", "--porcelain"), *files)


def field(form: ObserveForm, label: str) -> object:
    return named(form.widget, label)


def named(box: object, label: str) -> object:
    (found,) = (
        part
        for part in everything(box)
        if getattr(part, "description", None) == label
        and getattr(part.layout, "display", None) != "none"
    )
    return found


def everything(box: object) -> list:
    return [box, *(p for child in getattr(box, "children", ()) for p in everything(child))]


def shown(form: ObserveForm) -> str:
    return "\n".join(
        part.value
        for part in everything(form.widget)
        if type(part).__name__ == "HTML" and part.layout.display != "none"
    )


def test_a_run_without_a_person_writes_nothing(own_lab: Lab, git: Git) -> None:
    """Not by being shown, and not by its methods; it says what to give."""
    before = photograph(own_lab, git)
    form = pt.ObserveForm(own_lab, text="x", at=AT)
    bundle = form._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}, "a stored widget is an empty box"
    assert form.save() is None
    assert form.propose() is None
    assert "write=True" in form.said
    assert photograph(own_lab, git) == before


def test_with_write_it_does_what_the_buttons_do(own_lab: Lab, git: Git) -> None:
    """The note, then its proposal, linked; then both are taken back, the last first."""
    before = photograph(own_lab, git)
    form = pt.ObserveForm(own_lab, write=True, text="Nobody reads it", at=AT)
    note = form.save()
    assert note is not None, form.said
    assert (own_lab.repository.path / note.event.source_file).is_file()
    proposal = form.propose()
    assert isinstance(proposal, Proposal), form.said
    assert proposal.event.data["source_id"] == note.event.event_id
    assert form.written == [note, proposal]

    undone = form.undo()
    assert undone is not None
    assert undone.branch == proposal.branch
    assert git(own_lab, "diff", "--name-only", "main", proposal.branch) == ""
    assert form.undo() is not None
    assert not (own_lab.repository.path / note.event.source_file).exists()
    assert form.undo() is None
    assert form.said == "There is nothing to take back."
    git(own_lab, "branch", "-D", proposal.branch)
    assert photograph(own_lab, git)[:2] == before[:2]


def test_what_is_shown_before_is_what_git_has_after(own_lab: Lab, git: Git, live: None) -> None:
    form = pt.ObserveForm(own_lab, text="Nobody reads it", domains="review", at=AT)
    path, text = form.draft.file(form.stamp())
    field(form, "Propose").click()
    (proposal,) = form.written
    assert proposal.event.source_file == path
    assert git(own_lab, "show", f"{proposal.branch}:{path}") == text.strip()


def test_the_code_writes_the_same(own_lab: Lab, git: Git) -> None:
    """State copied as code: run in a cell, it makes the event of the form."""
    form = pt.ObserveForm(
        own_lab, kind="decision", text="DuckDB", rationale="fast", alternatives="SQLite\nfiles"
    )
    made = eval(form.code, {"lab": own_lab})
    assert (made.event.event_type, made.event.data) == ("decision_made", form.draft.payload())
    saved = pt.ObserveForm(own_lab, text="Seen", observed_as="insight", domains="api")
    note = eval(saved.draft.code(), {"lab": own_lab})
    assert note.event.data == saved.draft.payload()


def test_a_second_press_writes_nothing(own_lab: Lab, git: Git, live: None) -> None:
    """A key that is held down too long makes no second branch; other words do."""
    form = pt.ObserveForm(own_lab, text="once")
    for label in ("Save locally", "Propose"):
        field(form, label).click()
        before = photograph(own_lab, git)
        field(form, label).click()
        assert "already" in form.said
        assert photograph(own_lab, git) == before
    field(form, "What you observed").value = "twice"
    field(form, "Propose").click()
    assert len(form.written) == 3
    # What was taken back can be written again.
    field(form, "Undo last").click()
    field(form, "Propose").click()
    assert len(form.written) == 3


def test_validates_as_one_types(own_lab: Lab, live: None) -> None:
    form = pt.ObserveForm(own_lab)
    save, propose = field(form, "Save locally"), field(form, "Propose")
    assert save.disabled
    assert propose.disabled
    assert "Write what you observed." in shown(form)
    field(form, "What you observed").value = "Seen"
    assert not save.disabled
    assert "Ready." in shown(form)
    assert '"content": "Seen"'.replace('"', "&quot;") in shown(form)
    field(form, "Domains, with commas").value = "!"
    assert save.disabled
    assert "is no name of a domain" in shown(form)
    assert field(form, "Undo last").disabled


def test_the_fields_follow_the_kind(own_lab: Lab, live: None) -> None:
    form = pt.ObserveForm(own_lab)
    field(form, "Kind").value = "decision"
    field(form, "What was decided").value = "DuckDB"
    field(form, "Why").value = "fast"
    field(form, "Kind").value = "pattern"
    assert "Give the pattern a name" in shown(form)
    field(form, "Name of the pattern").value = "edge"
    assert form.draft.payload() == {
        "pattern_name": "edge",
        "content": "DuckDB",
        "rationale": "fast",
    }


def test_known_domains_are_offered(own_lab: Lab, live: None) -> None:
    form = pt.ObserveForm(own_lab, text="x")
    field(form, "Domains, with commas").value = "vali"
    field(form, "validation").click()
    assert form.draft.domains == "validation, "
    assert field(form, "Domains, with commas").value == "validation, "


def test_the_preview_switches_to_the_note(own_lab: Lab, live: None) -> None:
    form = pt.ObserveForm(own_lab, text="x", at=AT)
    assert ".patina/shared/events/2025-06-07-" in shown(form)
    field(form, "Show the file of").value = False
    assert ".patina/local/events/2025-06-07-" in shown(form)
    assert "lab.observe(" in shown(form)


def test_the_diff_is_beside_what_was_written_last(own_lab: Lab, live: None) -> None:
    form = pt.ObserveForm(own_lab, text="first words", at=AT)
    field(form, "Save locally").click()
    field(form, "What you observed").value = "other words"
    assert "Beside the last one" in shown(form)
    assert "first words" in shown(form)


def test_words_are_no_markup(own_lab: Lab, live: None) -> None:
    form = pt.ObserveForm(own_lab, text="<script>alert(1)</script>", domains="<b>")
    assert "<script" not in shown(form)
    assert "<b>" not in shown(form)
    assert "<script" not in form._repr_mimebundle_()["text/html"]


def test_live_it_is_a_widget_with_a_card_for_pages(own_lab: Lab, live: None) -> None:
    assert VIEW in pt.ObserveForm(own_lab)._repr_mimebundle_()


def test_every_control_has_a_name(own_lab: Lab, live: None) -> None:
    for part in everything(pt.ObserveForm(own_lab).widget):
        if type(part).__name__ in ("Text", "Textarea", "Dropdown", "Button"):
            assert part.description


def test_nobody_to_sign_with(own_lab: Lab, git: Git, live: None) -> None:
    git(own_lab, "config", "--unset", "user.name")
    form = pt.ObserveForm(own_lab, text="x")
    assert set(form.problems) == {"author"}
    assert form.save() is None
    assert field(form, "Save locally").disabled
    assert "user.name" in shown(form)


def test_a_failed_write_is_a_sentence(own_lab: Lab, live: None) -> None:
    """The folder of notes is a file: the form stays, and says so."""
    form = pt.ObserveForm(own_lab, text="x")
    place = own_lab.repository.path / ".patina" / "local"
    place.parent.mkdir(exist_ok=True)
    Path(place).write_text("in the way")
    field(form, "Save locally").click()
    assert form.written == []
    assert form.said
    assert os.fspath(place.name) in form.said
    assert form.said in shown(form).replace("&#x27;", "'")
