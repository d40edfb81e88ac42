"""Event files as they are written: the format, the same bytes always, and the way back."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patina_lab.errors import InvalidEvent
from patina_lab.events.event import Event
from patina_lab.project import event_files
from patina_lab.project.event_files import file_name, next_sequence, to_bytes
from patina_lab.sources.event_files import EventFileSource
from patina_lab.sources.source import Problem, SourceFile

PATH = ".patina/shared/events/x.json"
NOON = datetime(2025, 11, 7, 12, 34, 56, tzinfo=UTC)
PATTERN = {
    "evidence": ["src/shelf.py"],
    "content": "We label every bag",
    "observation_count": 15,
    "pattern_name": "labels_first",
    "domains": ["storage"],
    "rationale": "Nothing is weighed twice",
}


def event(event_type="pattern_identified", data=None, when=NOON, author="contributor-a"):
    return Event(event_type, when, "evt_042", PATTERN if data is None else data, PATH, author)


def back(content):
    (one,) = EventFileSource().read(SourceFile(PATH, content))
    return one


def test_the_format_is_that_of_the_folder_that_people_review():
    """Keys in the order in which a reader asks, two spaces, one line break at the end."""
    written = to_bytes(event(), 42).decode()
    identity = event().event_id
    assert (
        written
        == f"""\
{{
  "event_id": "evt_042",
  "event_type": "pattern_identified",
  "timestamp": "2025-11-07T12:34:56Z",
  "author": "contributor-a",
  "sequence": 42,
  "schema_version": 1,
  "content_hash": "sha256:{identity}",
  "payload": {{
    "pattern_name": "labels_first",
    "content": "We label every bag",
    "rationale": "Nothing is weighed twice",
    "evidence": [
      "src/shelf.py"
    ],
    "domains": [
      "storage"
    ],
    "observation_count": 15
  }}
}}
"""
    )
    assert file_name("pattern_identified", NOON, 42) == "2025-11-07-042-pattern-identified.json"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs",))),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=("Cs",))), inner, max_size=4)
    ),
    max_leaves=12,
)
TEXT = st.text(st.characters(exclude_categories=("Cs",)), min_size=1)
ZONES = [UTC, timezone(timedelta(hours=5.75)), timezone(timedelta(hours=-9))]
TIMES = st.datetimes(
    datetime(1, 1, 3),  # noqa: DTZ001 - the strategy adds the zone
    datetime(9999, 12, 29),  # noqa: DTZ001
    timezones=st.sampled_from(ZONES),
)
KNOWN = st.one_of(
    st.tuples(st.just("observation_captured"), st.fixed_dictionaries({"content": TEXT})),
    st.tuples(
        st.just("decision_made"),
        st.fixed_dictionaries({"decision": TEXT}, optional={"alternatives": st.lists(TEXT)}),
    ),
    st.tuples(
        st.just("pattern_identified"),
        st.fixed_dictionaries({"pattern_name": TEXT, "content": TEXT}),
    ),
    st.tuples(
        st.just("belief_formed"),
        st.fixed_dictionaries({"belief": TEXT, "confidence": st.floats(0, 1)}),
    ),
    st.tuples(TEXT.map(lambda t: f"x{t}"), st.dictionaries(TEXT, JSON, max_size=5)),
)


@settings(max_examples=200)
@given(
    KNOWN, st.dictionaries(TEXT, JSON, max_size=3), TIMES, st.none() | TEXT, st.integers(1, 9999)
)
def test_what_is_written_is_read_back(known, more, when, author, sequence):
    """Law: write, then read, gives the same event, and the file tells its own identity."""
    event_type, payload = known
    original = Event(event_type, when, f"evt_{sequence}", {**more, **payload}, PATH, author)
    content = to_bytes(original, sequence)
    found = back(content)
    assert isinstance(found, Event), found
    assert found.event_id == original.event_id
    assert (found.event_type, found.actor, found.occurred_us, found.source_id) == (
        original.event_type, original.actor, original.occurred_us, original.source_id,
    )  # fmt: skip
    assert found.payload == original.payload
    assert found.envelope["content_hash"] == f"sha256:{original.event_id}"
    assert to_bytes(found, sequence) == content


@given(KNOWN, st.randoms(use_true_random=False))
def test_the_order_of_keys_changes_no_byte(known, random):
    """Two people write the same payload in another order: the same file."""
    event_type, payload = known
    keys = list(payload)
    random.shuffle(keys)
    shuffled = {key: payload[key] for key in keys}
    assert to_bytes(event(event_type, payload), 1) == to_bytes(event(event_type, shuffled), 1)


def test_control_a_writer_that_keeps_the_callers_order_is_caught(monkeypatch):
    """The law above can fail."""
    monkeypatch.setattr(event_files, "_ordered", lambda value, first: value)
    with pytest.raises(AssertionError):
        test_the_order_of_keys_changes_no_byte.hypothesis.inner_test(
            ("tea_brewed", {"a": 1, "b": 2, "c": 3}), _Reversed()
        )


class _Reversed:
    def shuffle(self, keys):
        keys.reverse()


@pytest.mark.parametrize("sign", ["\u202e", "\u200b", "\u2028", "\x85", "\ufeff", "\U000e0041"])
def test_signs_that_a_reviewer_cannot_see_are_escaped(sign):
    """And are what they were once they are read."""
    content = to_bytes(event("observation_captured", {"content": f"a{sign}b"}), 1)
    assert sign.encode() not in content
    assert back(content).data["content"] == f"a{sign}b"


def test_letters_of_any_language_stay_readable():
    """No escapes where none are needed."""
    assert "Größe 豆 🌱".encode() in to_bytes(
        event("decision_made", {"decision": "Größe 豆 🌱"}), 1
    )


@pytest.mark.parametrize(
    ("event_type", "payload", "part"),
    [
        ("decision_made", {}, "decision: Field required"),
        ("decision_made", {"decision": 3}, "decision: "),
        ("tea_brewed", {"n": float("nan")}, "cannot be written"),
        ("tea_brewed", {"n": 2**53}, "cannot be written"),
        ("tea_brewed", {"n": "\ud800"}, "cannot be written"),
        ("tea_brewed", {"n": {1, 2}}, "cannot be written"),
        ("tea_brewed", {3: "x"}, "cannot be written"),
        ("tea_brewed", {"n": "x" * 5_000_000}, "too large"),
        ("belief_formed", {"belief": "b", "confidence": 2.0}, "confidence: "),
    ],
)
def test_what_would_not_be_read_is_not_written(event_type, payload, part):
    """The reader's checks are the writer's, in the reader's words."""
    with pytest.raises(InvalidEvent, match=re.escape(part)):
        to_bytes(event(event_type, payload), 1)


def test_what_is_nested_too_deep_is_not_written():
    """Neither a little, nor so much that Python gives up."""
    for depth in (70, 100_000):
        nested: list = []
        for _ in range(depth):
            nested = [nested]
        with pytest.raises(InvalidEvent):
            to_bytes(event("tea_brewed", {"n": nested}), 1)


@pytest.mark.parametrize(
    ("event_type", "name"),
    [
        ("observation_captured", "2025-11-07-007-observation-captured.json"),
        ("Tea.Brewed", "2025-11-07-007-tea-brewed.json"),
        ("../../etc/passwd", "2025-11-07-007-etc-passwd.json"),
        ("豆", "2025-11-07-007-event.json"),
        ("x" * 999, f"2025-11-07-007-{'x' * 48}.json"),
    ],
)
def test_a_type_of_any_name_gives_a_plain_file_name(event_type, name):
    """No way out of the folder, no sign that some system cannot write."""
    assert file_name(event_type, NOON, 7) == name


def test_the_day_in_the_name_is_that_of_utc():
    """The author's own day would sort files by where people live."""
    late = datetime(2025, 11, 7, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
    assert file_name("tea", late, 1).startswith("2025-11-08-001")


@pytest.mark.parametrize(
    ("names", "following"),
    [
        ([], 1),
        (["2025-11-07-042-pattern.json", "2025-11-08-007-decision.json"], 43),
        (["2025-11-07-999-x.json"], 1000),
        (["2025-11-07-1000-x.json", "2025-11-07-999-x.json"], 1001),
        (["events/2025-11-07-003-x.json", "notes.json", "2025-11-07-x.json", ".gitkeep"], 4),
        (["2025-11-07-99999999999999999999-x.json"], 1),
    ],
)
def test_numbers_go_on_over_days_and_past_999(names, following):
    assert next_sequence(names) == following


def test_a_file_edited_in_review_still_loads():
    """Its hash is stale, which is said elsewhere; nothing depends on it."""
    content = to_bytes(event(), 42).replace(b"every bag", b"each bag")
    found = back(content)
    assert isinstance(found, Event)
    assert found.envelope["content_hash"] != f"sha256:{found.event_id}"
    assert json.loads(content)["payload"]["content"] == found.data["content"]


def test_the_small_reader_in_these_tests_does_see_faults():
    """The control of `back`."""
    assert isinstance(back(b"{}"), Problem)
