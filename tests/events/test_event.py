"""`Event`: one frozen fact with an identity and a place in the total order."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from patina_lab.events.event import Event

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)


def event(**changed):
    """Return an event, changed in some fields."""
    whole = {"event_type": "decision_made", "timestamp": NOON, "source_id": "e1", "data": {"a": 1}}
    return Event(**{**whole, **changed})


def test_an_event_cannot_be_changed():
    """What happened, happened."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        event().source_id = "e2"


def test_a_time_without_an_offset_is_refused():
    """It is no instant; the message names the event."""
    with pytest.raises(ValueError, match=r"decision_made e1: timestamp .* has no UTC offset"):
        event(timestamp=datetime(2025, 3, 1, 12))  # noqa: DTZ001 - that is the point


def test_the_identity_is_that_of_type_instant_author_and_payload():
    """Not of where it was found, nor under which name."""
    one = event(actor="ann", data={"b": 2.0, "a": "\u00e9"})
    four = {
        "type": "decision_made",
        "timestamp": "2025-03-01T12:00:00.000000Z",
        "author": "ann",
        "payload": {"a": "\u00e9", "b": 2},
    }
    assert hashlib.sha256(rfc8785.dumps(four)).hexdigest() == one.event_id
    elsewhere = timezone(timedelta(hours=5, minutes=45))
    same = event(
        actor="ann",
        data={"a": "\u00e9", "b": 2},
        source_id="e2",
        source_file="x.json",
        envelope={"sequence": 7},
        timestamp=NOON.astimezone(elsewhere),
    )
    assert one.event_id == same.event_id


@pytest.mark.parametrize(
    "changed",
    [
        {"event_type": "decision_mad"},
        {"timestamp": NOON + timedelta(microseconds=1)},
        {"actor": "ann"},
        {"actor": ""},
        {"data": {"a": "1"}},
        {"data": {"a": 1, "b": None}},
        {"data": {}},
    ],
    ids=str,
)
def test_a_change_of_any_of_the_four_is_another_event(changed):
    """Also of a microsecond, and of nobody to somebody without a name."""
    assert event().event_id != event(**changed).event_id


def test_the_envelope_is_canonical_or_none():
    """An empty one is none."""
    assert event(envelope={"b": 1, "a": 2}).envelope_json == '{"a":2,"b":1}'
    assert event(envelope={}).envelope_json is None
    assert event().envelope_json is None


def test_plain_is_a_promise_about_the_payload_and_no_part_of_the_event():
    """The same event, encoded the fast way."""
    assert event() == event(plain=True)
    assert (event().payload, event().event_id) == (
        event(plain=True).payload,
        event(plain=True).event_id,
    )
    assert "plain" not in repr(event(plain=True))


@pytest.mark.parametrize(
    ("when", "us"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), 0),
        (datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), -1),
        (datetime(1, 1, 1, tzinfo=UTC), -62_135_596_800_000_000),
        (datetime.max.replace(tzinfo=UTC), 253_402_300_799_999_999),
        (datetime(1970, 1, 1, 5, 45, tzinfo=timezone(timedelta(hours=5, minutes=45))), 0),
    ],
)
def test_the_instant_counts_microseconds_from_1970(when, us):
    """Exactly, from the first day of the calendar to the last."""
    assert us == event(timestamp=when).occurred_us


EVENTS = st.builds(
    Event,
    event_type=st.sampled_from(["a", "b"]),
    timestamp=st.sampled_from([NOON, NOON + timedelta(microseconds=1)]),
    source_id=st.sampled_from(["1", "2", "10"]),
    data=st.fixed_dictionaries({"n": st.integers(0, 1)}),
    source_file=st.sampled_from([None, "a.json", "b.json"]),
    actor=st.sampled_from([None, "ann"]),
)


@given(st.lists(EVENTS, max_size=12), st.randoms())
def test_the_order_is_total(events, random):
    """However they come, they sort the same, and only equal events are equal in the order."""
    shuffled = random.sample(events, len(events))
    key = dataclasses.asdict
    in_order = sorted(events, key=lambda e: e.order)
    assert [key(e) for e in in_order] == [key(e) for e in sorted(shuffled, key=lambda e: e.order)]
    for one, other in itertools.combinations(events, 2):
        same = one.order == other.order
        assert same == (key(one) == key(other))


def test_time_comes_first_in_the_order_then_the_source_id():
    """As the log is ranked."""
    early, late = event(source_id="9"), event(source_id="1", timestamp=NOON + timedelta(days=1))
    assert early.order < late.order
    assert event(source_id="1").order < event(source_id="2").order
    assert event(event_type="a").order < event(event_type="b").order
    assert event(source_file=None).order < event(source_file="a").order


def test_a_date_is_no_timestamp():
    """A mistake that must not pass silently."""
    with pytest.raises((AttributeError, TypeError)):
        event(timestamp=date(2025, 3, 1))
