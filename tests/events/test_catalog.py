"""The catalog: every payload ever shipped can be read, and unknown ones follow a policy."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patina_lab.events.catalog import (
    Catalog,
    EventType,
    InvalidPayload,
    Payload,
    UnknownEventType,
    catalog,
)

GOLDEN = Path(__file__).parent / "golden"


def golden():
    """Return (type, version) -> file of every golden payload."""
    found = {}
    for place in GOLDEN.iterdir():
        named = re.fullmatch(r"(.+)\.v(\d+)\.json", place.name)
        assert named, f"{place.name} is not TYPE.vN.json"
        found[named[1], int(named[2])] = place
    return found


def without_golden(known):
    """Return the (type, version) of a catalog that no golden payload is kept for."""
    wanted = {(name, v) for name, t in known.types.items() for v in range(1, t.version + 1)}
    return wanted - set(golden())


@pytest.mark.parametrize(("name", "version"), sorted(golden()))
def test_every_payload_ever_shipped_can_be_read(name, version):
    """It is brought to the newest version, valid, and nothing of it is lost."""
    written = json.loads(golden()[name, version].read_text())
    read = catalog().check(name, written, version)
    assert set(written) <= set(read)
    if version == catalog().types[name].version:
        assert written == read
    assert catalog().check(name, {**read, "a_key_of_tomorrow": [1]})["a_key_of_tomorrow"] == [1]


def test_every_type_and_version_has_a_golden_payload():
    """Who adds a type or a version adds a file; no golden file is ever removed."""
    assert without_golden(catalog()) == set()


def test_a_type_without_a_golden_payload_is_found():
    """The control: a forgotten type, and a forgotten version."""
    forgotten = EventType("tea.brewed", Payload)
    raised = EventType("decision_made", Payload, 2, (dict,))
    assert {("tea.brewed", 1)} == without_golden(catalog(more=[forgotten]))
    assert {("decision_made", 2)} == without_golden(catalog(more=[raised]))


def test_no_golden_payload_is_of_a_type_that_left():
    """A type that was shipped stays in the catalog."""
    assert {name for name, _ in golden()} <= set(catalog().types)


@pytest.mark.parametrize(("name", "version"), sorted(golden()))
def test_a_golden_payload_without_a_needed_key_is_refused(name, version):
    """The control: the models do look, and say which key of which type."""
    written = json.loads(golden()[name, version].read_text())
    needed = [k for k, f in catalog().types[name].model.model_fields.items() if f.is_required()]
    assert needed
    for key in needed:
        less = {k: v for k, v in written.items() if k != key}
        with pytest.raises(InvalidPayload, match=rf"^{re.escape(name)}: {key}: Field required$"):
            catalog().check(name, less, version)


# -- versions --------------------------------------------------------------------------


class Brewed(Payload):
    """``tea.brewed`` at version 3: minutes instead of a text, and who drank it."""

    minutes: int
    drinkers: list[str]


def _to_2(payload):
    return {**payload, "minutes": int(payload["time"].removesuffix(" min"))}


def _to_3(payload):
    return {**payload, "drinkers": [payload["drinker"]] if "drinker" in payload else []}


TEA = catalog(more=[EventType("tea.brewed", Brewed, 3, (_to_2, _to_3))])


def test_old_payloads_go_through_all_the_steps_between():
    """From version 1 by 2 to 3; a payload of the newest version through none."""
    first = {"time": "4 min", "drinker": "ann"}
    third = {**first, "minutes": 4, "drinkers": ["ann"]}
    assert third == TEA.check("tea.brewed", first, 1)
    assert third == TEA.check("tea.brewed", {**first, "minutes": 4}, 2)
    newest = {"minutes": 4, "drinkers": []}
    assert newest == TEA.check("tea.brewed", newest, 3)
    assert first == {"time": "4 min", "drinker": "ann"}  # the argument is left alone


def test_a_payload_of_a_newer_version_is_kept_as_it_is():
    """Additive change: this release can read what the next one writes."""
    tomorrow = {"minutes": 4, "drinkers": [], "cup": {"colour": "red"}}
    assert tomorrow == TEA.check("tea.brewed", tomorrow, 9)


def test_an_old_payload_is_checked_after_it_was_brought_up():
    """Not as a new one, which it is not."""
    with pytest.raises(InvalidPayload, match=r"^tea\.brewed: drinkers: Field required$"):
        TEA.check("tea.brewed", {"minutes": 4}, 3)


def test_versions_begin_at_one():
    """A version below is a mistake of whoever wrote it."""
    for version in (0, -1):
        with pytest.raises(InvalidPayload, match=f"schema version {version} is below 1"):
            TEA.check("tea.brewed", {}, version)


@pytest.mark.parametrize(("version", "steps"), [(1, (dict,)), (3, (dict,)), (2, ())])
def test_a_type_with_a_step_too_few_or_too_many_cannot_be_made(version, steps):
    """The mistake shows where it is made."""
    with pytest.raises(ValueError, match=f"tea is at version {version} and needs {version - 1}"):
        EventType("tea", Payload, version, steps)


# -- unknown types ---------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.text(), st.dictionaries(st.text(), JSON, max_size=4), st.integers(-3, 9))
def test_an_unknown_type_is_kept_as_it_is(name, payload, version):
    """Nobody but its author knows what it must hold."""
    kept = catalog("keep").check(f"x.{name}", payload, version)
    assert payload == kept == catalog("warn").check(f"x.{name}", payload, version)
    assert f"x.{name}" not in catalog()


def test_an_unknown_type_is_refused_where_that_was_asked():
    """By name."""
    with pytest.raises(UnknownEventType, match=r"'tea\.brewed' is no known event type"):
        catalog("fail").check("tea.brewed", {})
    assert catalog("fail").check("decision_made", {"decision": "x"}) == {"decision": "x"}


@pytest.mark.parametrize(
    ("name", "payload", "fault"),
    [
        ("decision_made", {"decision": ""}, "decision: String should have at least 1 character"),
        ("decision_made", {"decision": 1}, "decision: Input should be a valid string"),
        (
            "decision_made",
            {"decision": "x", "domains": "d"},
            "domains: Input should be a va",
        ),
        ("belief_formed", {"belief": "b", "confidence": 1.01}, "confidence: Input should be less"),
        ("belief_formed", {"belief": "b", "confidence": -0.1}, "confidence: Input should be great"),
        ("belief_formed", {"belief": "b", "confidence": "0.5"}, "confidence: Input should be a v"),
        ("belief_formed", {"belief": "b", "confidence": True}, "confidence: Input should be a v"),
        ("session.goal", {"session_id": "s", "content": "c", "completed": "no"}, "completed: "),
        ("git.tag", {"name": "", "sha": "a", "object": "a"}, "name: "),
    ],
)
def test_the_first_fault_of_a_payload_is_named_by_its_key(name, payload, fault):
    """Nothing is converted: a text is no number, a boolean neither."""
    with pytest.raises(InvalidPayload, match="^" + re.escape(f"{name}: {fault}")):
        catalog().check(name, payload)


def test_a_catalog_of_ones_own_can_replace_a_type():
    """The later of two entries counts; the built-in catalog stays as it was."""
    mine = catalog(more=[EventType("decision_made", Brewed)])
    with pytest.raises(InvalidPayload, match="minutes"):
        mine.check("decision_made", {"decision": "x"})
    assert catalog().check("decision_made", {"decision": "x"}) == {"decision": "x"}
    assert isinstance(mine, Catalog)
