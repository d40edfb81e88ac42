"""Canonical JSON and identity by content, against independent ways to get the same."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
import rfc8785
from hypothesis import example, given, settings
from hypothesis import strategies as st

from patina_lab.events.identity import (
    EPOCH,
    canonical_json,
    cid,
    event_id,
    instant,
    micros,
    timestamp_text,
)

INTEGERS = st.integers(-(2**53) + 1, 2**53 - 1)
TEXT = st.text()
ASCII = st.text(st.characters(max_codepoint=127), max_size=9)
PLAIN = st.recursive(
    st.none() | st.booleans() | INTEGERS | TEXT,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(ASCII, inner, max_size=5),
    max_leaves=20,
)
ANY = st.recursive(
    st.none() | st.booleans() | INTEGERS | TEXT | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXT, inner, max_size=5),
    max_leaves=20,
)
EVERY_ASCII = "".join(map(chr, range(128))) + "\x80\x9f\u2028\u2029\ufeff\U0001f950\U0010ffff"


@settings(max_examples=300)
@given(PLAIN)
@example(EVERY_ASCII)
@example({"b": 1, "a": {"": -0, "B": [], "~": {}}, "\x00": None, "\x7f": 2**53 - 1})
def test_the_fast_encoder_gives_the_same_bytes_for_plain_values(value):
    """The promise that lets a parser's rows be written ten times faster."""
    assert rfc8785.dumps(value) == canonical_json(value) == canonical_json(value, plain=True)


@settings(max_examples=200)
@given(ANY)
def test_canonical_json_is_rfc_8785_and_can_be_read_back(value):
    """For every JSON value: keys sorted by UTF-16, numbers as ECMAScript writes them."""
    text = canonical_json(value)
    assert rfc8785.dumps(value) == text
    # A float without a fraction is written as an integer, which JSON does not tell apart.
    assert value == json.loads(text, parse_int=float)


def test_the_fast_encoder_is_not_for_every_value():
    """The control: what makes a value not plain does change the bytes."""
    for value in (1e16, 1.0, {"\ue000": 1, "\U0001f950": 2}):
        assert canonical_json(value) != canonical_json(value, plain=True)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1.0, "a": "\u00e9"}, '{"a":"\u00e9","b":1}'),
        ([1e30, 1e-7, 0.1, -0.0, 333333333.33333329], "[1e+30,1e-7,0.1,0,333333333.3333333]"),
        (
            {"\ufb33": 1, "\U0001f600": 2, "\r": 3, "1": 4},
            '{"\\r":3,"1":4,"\U0001f600":2,"\ufb33":1}',
        ),
        ('\u20ac$\x0f\nA\'B"\\"/\x7f', '"\u20ac$\\u000f\\nA\'B\\"\\\\\\"/\x7f"'),
        ([2**53 - 1, 1 - 2**53], "[9007199254740991,-9007199254740991]"),
        ([], "[]"),
        ({}, "{}"),
    ],
)
def test_canonical_json_of_known_values(value, text):
    """Some of them are the examples of RFC 8785 itself."""
    assert text == canonical_json(value).decode()


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize(
    "value",
    [2**53, -(2**53), 2**64, "\ud800", {"\udfff": 1}, {1: 1}, {None: 1}, b"x", {1, 2}, 1j],
    ids=repr,
)
def test_what_json_cannot_carry_safely_is_refused(value, plain):
    """One error, whichever encoder met it, alone or inside a value."""
    for whole in (value, [value], {"a": value}):
        with pytest.raises(ValueError, match="not canonical JSON"):
            canonical_json(whole, plain=plain)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_are_none_are_refused(value):
    """JSON has no word for them."""
    with pytest.raises(ValueError, match="not canonical JSON"):
        canonical_json({"a": [value]})


INSTANTS = st.datetimes(timezones=st.just(UTC))
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))


@given(st.text(), INSTANTS, st.none() | st.text(), st.dictionaries(st.text(), ANY, max_size=4))
def test_the_identity_is_the_hash_of_the_four(event_type, when, author, payload):
    """The same as hashing the canonical JSON of type, timestamp, author and payload at once."""
    stamp = timestamp_text(when)
    four = {"type": event_type, "timestamp": stamp, "author": author, "payload": payload}
    expected = hashlib.sha256(rfc8785.dumps(four)).hexdigest()
    assert expected == event_id(event_type, stamp, author, canonical_json(payload))


def test_a_known_identity():
    """It must never change: every log ever shared refers to it."""
    stamp = "2025-03-01T12:00:00.000000Z"
    found = event_id("decision_made", stamp, "ann", canonical_json({"decision": "Use DuckDB"}))
    text = (
        '{"author":"ann","payload":{"decision":"Use DuckDB"},'
        '"timestamp":"2025-03-01T12:00:00.000000Z","type":"decision_made"}'
    )
    assert hashlib.sha256(text.encode()).hexdigest() == found
    assert found == "d5571ca80c7315d1311e6be2d6af42d043c3610f5e23bceac3c08c2ea3f95d70"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"),
        (b"hello world", "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"),
    ],
)
def test_a_cid_is_what_ipfs_calls_the_same_bytes(content, expected):
    """CIDv1, codec raw, sha2-256, base32: 59 characters."""
    found = cid(hashlib.sha256(content).hexdigest())
    raw = base64.b32decode(found[1:].upper() + "=" * (-len(found[1:]) % 8))
    assert (b"\x01\x55\x12\x20", hashlib.sha256(content).digest()) == (raw[:4], raw[4:])
    assert expected == found


@given(INSTANTS, OFFSETS)
def test_microseconds_and_instants_are_inverse(when, offset):
    """Over all of the calendar, whatever the offset."""
    assert when == instant(micros(when))
    assert micros(when) == (when - EPOCH) / timedelta(microseconds=1) or abs(micros(when)) > 2**53
    try:
        local = when.astimezone(offset)
    except OverflowError:
        return
    assert (micros(when), timestamp_text(when)) == (micros(local), timestamp_text(local))


@given(INSTANTS, INSTANTS)
def test_timestamps_sort_as_text_as_they_do_as_instants(one, other):
    """Always four digits of year, six decimals, and Z."""
    assert (one < other) == (timestamp_text(one) < timestamp_text(other))
    assert one == datetime.fromisoformat(timestamp_text(one))
    assert len(timestamp_text(one)) == 27
