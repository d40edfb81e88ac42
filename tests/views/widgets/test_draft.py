"""A draft: what it says is missing, and that its preview is what gets written."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patina_lab.errors import PatinaError, UnknownName
from patina_lab.project.places import LOCAL_EVENTS
from patina_lab.views.widgets.draft import MOST_LETTERS, Draft, Stamp

STAMP = Stamp("Ann", datetime(2025, 3, 7, 12, tzinfo=UTC), 42)
FULL = {
    "observation": Draft(text="Twice", observed_as="insight", domains="api"),
    "decision": Draft(
        "decision", "DuckDB", domains="store", rationale="fast", alternatives="SQLite\nfiles\n",
        context="one user",
    ),
    "pattern": Draft(
        "pattern", "At the edge", name="edge", rationale="safe", evidence="a.py\nb.py"
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        (Draft(), "text"),
        (Draft(text=" \n"), "text"),
        (Draft(text="x", kind="belief"), "kind"),
        (Draft(text="x", kind="pattern"), "name"),
        (Draft(text="x", observed_as="gossip"), "observed_as"),
        (Draft(text="x", domains="!"), "domains"),
        (Draft(text="x" * (MOST_LETTERS + 1)), "text"),
        (Draft(text="half \ud83d"), "text"),
        (Draft(text="a\0b"), "text"),
        (Draft("decision", "x", rationale="\0"), "rationale"),
    ],
)
def test_says_what_is_to_be_mended(draft: Draft, field: str) -> None:
    assert set(draft.problems()) == {field}
    assert len(draft.problems()[field]) > 15


def test_what_a_kind_does_not_ask_is_neither_judged_nor_written() -> None:
    """A rationale typed before the kind was changed stays in the form, and out of the file."""
    draft = Draft("observation", "x", rationale="\0", name="edge", evidence="a")
    assert draft.problems() == {}
    assert set(draft.payload()) == {"content", "source_type"}


@pytest.mark.parametrize("kind", FULL)
def test_the_preview_is_an_event_file(kind: str) -> None:
    draft = FULL[kind]
    assert draft.problems() == {}
    path, text = draft.file(STAMP)
    told = json.loads(text)
    assert path == f".patina/shared/events/2025-03-07-042-{draft.event_type.replace('_', '-')}.json"
    assert (told["author"], told["sequence"], told["event_id"]) == ("Ann", 42, "evt_042")
    assert told["payload"] == draft.payload()
    assert {"observation": "insight"}.get(kind) == told["payload"].get("observation_type")


def test_lines_become_lists() -> None:
    assert FULL["decision"].payload()["alternatives"] == ["SQLite", "files"]
    assert FULL["pattern"].payload()["evidence"] == ["a.py", "b.py"]


def test_a_private_note_and_its_proposal() -> None:
    """They differ in place and name; the proposal names its note."""
    draft = FULL["observation"]
    path, text = draft.file(Stamp("Ann", STAMP.at, 7, LOCAL_EVENTS))
    assert path.startswith(LOCAL_EVENTS)
    assert json.loads(text)["event_id"] == "loc_007"
    proposal = json.loads(draft.file(Stamp("Ann", STAMP.at, 42, source="abc"))[1])
    assert proposal["payload"]["source_id"] == "abc"


def test_the_diff_is_of_the_file() -> None:
    draft = FULL["observation"]
    path, text = draft.file(STAMP)
    new = draft.diff(STAMP).splitlines()
    assert new[:2] == ["--- /dev/null", f"+++ b/{path}"]
    assert [line[1:] for line in new[3:]] == text.splitlines()
    assert draft.diff(STAMP, (path, text)) == ""
    changed = draft.but(text="Thrice").diff(STAMP, (path, text)).splitlines()
    assert next(line for line in changed if "Thrice" in line).startswith("+")
    assert next(line for line in changed if "Twice" in line).startswith("-")


@pytest.mark.parametrize("kind", FULL)
@pytest.mark.parametrize("propose", [False, True])
def test_the_code_says_the_same(kind: str, propose: bool) -> None:
    """It is run, with a lab that only listens."""
    draft, heard = FULL[kind], {}

    class Listening:
        repository = None

        def observe(self, text: str, type: str | None = None, **more: object) -> None:  # noqa: A002
            heard.update(
                content=text, source_type="manual", **({"observation_type": type} if type else {})
            )
            heard.update(more)

        def propose(self, text: str, type: str = "observation", **more: object) -> None:  # noqa: A002
            heard.update(more.pop("payload", {}))
            name = more.pop("name", None)
            if type == "observation":
                heard.update(content=text, source_type="manual")
            elif type == "decision":
                heard["decision"] = text
            else:
                heard.update(pattern_name=name, content=text)
            heard.update(more)

    code = draft.code(propose=propose)
    if "add_local" in code:
        code = code.partition("\n\n")[2]
    scope = {"lab": Listening(), "add_local": lambda _, __, payload: heard.update(payload)}
    exec(code, scope)
    assert heard == draft.payload()


def test_code_of_what_cannot_be_written_is_a_comment() -> None:
    assert Draft(domains="!").code().startswith("# not yet: ")


def test_domains_are_offered_completed_and_new_ones_named() -> None:
    known = ["api", "security", "search"]
    draft = Draft(domains="api, se")
    assert draft.suggestions(known) == ["security", "search"]
    assert draft.with_domain("search").domains == "api, search, "
    assert draft.with_domain("search").suggestions(known) == ["security"]
    assert "lab.add_domain('se')" in draft.hints(known)["domains"]
    assert draft.with_domain("search").hints(known) == {}


def test_an_unknown_field_is_named() -> None:
    with pytest.raises(UnknownName, match="txet"):
        Draft().but(txet="x")


@given(
    st.builds(
        Draft,
        kind=st.sampled_from(["observation", "decision", "pattern"]),
        **dict.fromkeys(
            ("text", "name", "domains", "rationale", "alternatives", "context", "evidence"),
            st.text(st.characters(codec=None), max_size=30),
        ),
    )
)
def test_what_has_no_problems_can_be_written_and_what_has_is_code_still(draft: Draft) -> None:
    """Law of the form: Ready means ready, whatever is typed."""
    compile(draft.code(), "draft", "exec")
    if not draft.problems():
        told = json.loads(draft.file(STAMP)[1])
        assert told["payload"] == draft.payload()
        draft.diff(STAMP)


def test_control_a_draft_with_problems_cannot_be_written() -> None:
    """Known-bad: the file of such a draft is refused, were it not for `problems`."""
    with pytest.raises((PatinaError, UnicodeEncodeError)):
        Draft(text="half \ud83d").file(STAMP)
    with pytest.raises(PatinaError):
        Draft(text="x", domains="!").file(STAMP)
