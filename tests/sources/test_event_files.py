"""Event files: what people write and git merges, read or quarantined with line and reason."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patina_lab.events.event import Event
from patina_lab.sources import event_files
from patina_lab.sources.event_files import EventFileSource
from patina_lab.sources.git_records import decode_path
from patina_lab.sources.source import FileSource, Problem, SourceFile

PATH = ".patina/shared/events/2025-03-07-042-pattern-identified.json"


def read(content, source=None, **file):
    """Return what the source yields for a file of text or bytes."""
    raw = content if isinstance(content, bytes) else dedent(content).encode()
    return list((source or EventFileSource()).read(SourceFile(PATH, raw, **file)))


def event(**changed):
    """Return an event file's value; a key given as ... is left out."""
    value = {
        "event_id": "evt_007",
        "event_type": "observation_captured",
        "timestamp": "2025-03-07T12:34:56Z",
        "author": "ann",
        "sequence": 7,
        "payload": {"content": "Inputs are validated at the edge"},
        **changed,
    }
    return {key: content for key, content in value.items() if content is not ...}


def text(**changed):
    return json.dumps(event(**changed), indent=1)


def only(found):
    """Return the one thing that was found."""
    (one,) = found
    return one


PATTERN = """\
    {
      "event_id": "evt_042",
      "event_type": "pattern_identified",
      "timestamp": "2025-03-07T12:34:56Z",
      "author": "seed-keeper",
      "sequence": 42,
      "payload": {
        "pattern_name": "labels_before_shelves",
        "content": "Every bag gets its label before it is put on a shelf",
        "rationale": "Nothing has to be weighed twice",
        "domains": ["storage", "labels"],
        "evidence": ["src/label.py", "docs/shelves.md"],
        "observation_count": 15
      }
    }
"""


def test_an_event_file_is_one_event():
    """Its payload is the event's, what stands around it the envelope's, its id the source's."""
    found = only(read(PATTERN))
    assert isinstance(found, Event)
    value = json.loads(PATTERN)
    assert (found.event_type, found.source_id, found.actor, found.source_file) == (
        "pattern_identified",
        "evt_042",
        "seed-keeper",
        PATH,
    )
    assert found.timestamp == datetime(2025, 3, 7, 12, 34, 56, tzinfo=UTC)
    assert value["payload"] == found.data
    envelope = {"event_id": "evt_042", "sequence": 42, "timestamp": "2025-03-07T12:34:56Z"}
    assert found.envelope == envelope


@pytest.mark.parametrize(
    ("event_type", "payload"),
    [
        ("observation_captured", {"content": "c"}),
        ("observation_captured", {"content": "c", "observation_type": None, "domains": ["d"]}),
        ("decision_made", {"decision": "Use C++", "alternatives": ["C"], "context": "speed"}),
        ("pattern_identified", {"pattern_name": "p", "content": "c", "evidence": []}),
        ("belief_formed", {"belief": "b", "confidence": 0.85, "evidence_observations": ["o"]}),
        ("belief_formed", {"belief": "b", "confidence": 1}),
        ("tea_brewed", {"minutes": 4, "nested": [{"a": [None, True]}]}),
        ("tea_brewed", {}),
    ],
)
def test_every_type_is_read_and_more_keys_are_welcome(event_type, payload):
    """The four types of the format, and any other: unknown ones are kept as they are."""
    for more in ({}, {"extra": {"note": "\u00e9"}}):
        found = only(read(text(event_type=event_type, payload={**payload, **more})))
        assert ({**payload, **more}, event_type) == (found.data, found.event_type)


def test_unknown_types_follow_the_policy():
    """Kept silently, kept and pointed out, or quarantined."""
    brewed = text(event_type="tea_brewed", payload={})
    assert [Event] == [type(one) for one in read(brewed, EventFileSource(unknown="keep"))]
    problem, kept = read(brewed, EventFileSource(unknown="warn"))
    assert (problem.reason, problem.source_id) == ("unknown event type", "evt_007")
    assert "'tea_brewed' is not in the catalog" in problem.detail
    assert kept.event_type == "tea_brewed"
    refused = only(read(brewed, EventFileSource(unknown="fail")))
    assert (refused.reason, refused.line) == ("unknown event type", 3)
    known = read(text(), EventFileSource(unknown="fail"))
    assert [Event] == [type(one) for one in known]


def test_the_same_fact_is_the_same_event_wherever_it_stands():
    """Path, key order, display id, sequence and white space are no part of the identity."""
    one = only(read(text()))
    value = event(event_id="evt_099", sequence=99, timestamp="2025-03-07T13:34:56+01:00")
    shuffled = json.dumps(dict(reversed(value.items()))).encode()
    other = only(EventFileSource().read(SourceFile("elsewhere.json", shuffled)))
    assert one.event_id == other.event_id
    assert one.event_id != only(read(text(author="bob"))).event_id


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2025-03-07T12:34:56Z", "2025-03-07T12:34:56+00:00"),
        ("2025-03-07T12:34:56.789+05:45", "2025-03-07T06:49:56.789000+00:00"),
        ("2025-03-07T12:34:56-00:00", "2025-03-07T12:34:56+00:00"),
        ("2025-03-07 12:34", "2025-03-07T12:34:00+00:00"),
        ("2025-03-07", "2025-03-07T00:00:00+00:00"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+00:00"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999+00:00"),
        ("0001-01-01T00:00:00-14:00", "0001-01-01T14:00:00+00:00"),
    ],
)
def test_a_timestamp_is_an_instant_and_stays_as_written(written, instant):
    """A time without an offset is UTC, so that every reader sees the same instant."""
    found = only(read(text(timestamp=written)))
    assert (instant, written) == (found.timestamp.isoformat(), found.envelope["timestamp"])


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm():
    """Editors put them there."""
    plain = only(read(text()))
    windows = only(read(b"\xef\xbb\xbf" + text().replace("\n", "\r\n").encode()))
    assert (plain.event_id, plain.envelope) == (windows.event_id, windows.envelope)


@pytest.mark.parametrize(
    "name", [b"\xff.json", b'"a"\xff.json', b"a\n\xff\\b.json", b"\t\xff.json"]
)
def test_a_name_that_is_no_utf8_is_no_way_out(name):
    """Its bytes stand escaped in its path; a way out is one still."""
    folder = b".patina/shared/events/"
    found = list(EventFileSource().read(SourceFile(decode_path(folder + name), text().encode())))
    assert isinstance(only(found), Event)
    for way in (b"../\xff.json", b"..\\\xff.json", b"a//\xff.json"):
        found = EventFileSource().read(SourceFile(decode_path(folder + way), text().encode()))
        assert only(list(found)).reason == "unsafe path"


def test_no_author_is_no_fault():
    """Missing and null are the same."""
    assert only(read(text(author=...))).actor is None
    assert only(read(text(author=None))).actor is None


def test_newer_schema_versions_are_kept():
    """Additive change keeps them readable; the version stays in the envelope."""
    found = only(read(text(schema_version=7)))
    assert found.envelope["schema_version"] == 7


LONG = '"' + "x" * 9999 + '"'
DEEP = "[" * 65 + "]" * 65

FAULTS = {
    # name: (content, reason, line, a part of the detail)
    "empty": (b"", "empty file", 1, "empty"),
    "blank": (b" \r\n\t\n", "empty file", 1, "empty"),
    "only a mark": (b"\xef\xbb\xbf", "empty file", 1, "empty"),
    "truncated": (text()[:-20], "invalid JSON", 8, "column"),
    "two values": (text() + "{}", "invalid JSON", 10, "Extra data"),
    "comment": ("// note\n" + text(), "invalid JSON", 1, "column 1"),
    "trailing comma": ('{"a": 1,\n}', "invalid JSON", 2, "column 1"),
    "single quotes": ("{'a': 1}", "invalid JSON", 1, "column 2"),
    "conflict markers": ("<<<<<<< ours\n" + text(), "invalid JSON", 1, "column 1"),
    "binary": (b"\x89PNG\r\n\x1a\n\0\0", "not UTF-8", 1, "Byte 0"),
    "latin-1": (text().encode().replace(b"ann", b"Ren\xe9"), "not UTF-8", 5, "Byte"),
    "UTF-16": (text().encode("utf-16"), "not UTF-8", 1, "Byte 0"),
    "array": ("[1, 2]", "not an event", 1, "holds a list"),
    "number": ("42", "not an event", 1, "holds a number"),
    "null": ("null", "not an event", 1, "holds a null"),
    "text": ('"evt"', "not an event", 1, "holds a text"),
    "true": ("true", "not an event", 1, "holds a boolean"),
    "huge": (b'{"a": "' + b"x" * event_files.MAX_BYTES + b'"}', "too large", None, "bytes"),
    "deep": (text(payload={"content": "c", "x": json.loads(DEEP)}), "too deep", None, "64"),
    "very deep": ('{"a": ' + "[" * 200_000 + "]" * 200_000 + "}", "too deep", None, "64"),
    "deep objects": ('{"a": ' * 100_000 + "1" + "}" * 100_000, "too deep", None, "64"),
    "NaN": ('{"a": NaN}', "invalid JSON", None, "NaN is no JSON number"),
    "Infinity": ('{"a": [-Infinity]}', "invalid JSON", None, "-Infinity is no JSON number"),
    "float overflow": (
        text(payload={"content": "c", "n": 0}).replace('"n": 0', '"n": 1e999'),
        "not canonical JSON", None, "canonical",
    ),
    "duplicate key": ('{"a": 1, "a": 2}', "duplicate key", None, "'a' stands twice"),
    "duplicate inside": (
        text().replace('"content"', '"content": "x", "content"'),
        "duplicate key", None, "'content' stands twice",
    ),
    "lone surrogate": (text(payload={"content": "\ud800"}), "invalid payload", 7, "content: "),
    "surrogate key": (text(payload={"content": "c", "\udfff": 1}), "invalid payload", 7, ""),
    "surrogate of no type": (
        text(event_type="tea_brewed", payload={"\ud800": 1}), "not canonical JSON", None, "",
    ),
    "surrogate id": (text(event_id="\ud800"), "not canonical JSON", None, ""),
    "surrogate author": (text(author="\ud800"), "not canonical JSON", None, ""),
    "surrogate type": (text(event_type="\ud800"), "not canonical JSON", None, ""),
    "2^53": (text(payload={"content": "c", "n": 2**53}), "not canonical JSON", None, ""),
    "-2^53": (text(payload={"content": "c", "n": -(2**53)}), "not canonical JSON", None, ""),
    "envelope 2^53": (text(sequence=2**53), "not canonical JSON", None, ""),
    "digits": (text().replace(": 7,", f": {'7' * 9999},"), "number too large", None, "2^53"),
    "no type": (text(event_type=...), "missing key", 1, "event_type is missing"),
    "no id": (text(event_id=...), "missing key", 1, "event_id is missing"),
    "no time": (text(timestamp=...), "missing key", 1, "timestamp is missing"),
    "no payload": (text(payload=...), "no payload", 1, "payload is missing"),
    "null payload": (text(payload=None), "no payload", 7, "payload is missing"),
    "list payload": (text(payload=[]), "no payload", 7, "payload is a list"),
    "text payload": (text(payload="x"), "no payload", 7, "payload is a text"),
    "empty type": (text(event_type=""), "wrong type", 3, "event_type is ''"),
    "number type": (text(event_type=3), "wrong type", 3, "event_type is 3"),
    "long type": (text(event_type=["x" * 9999]), "wrong type", 3, "event_type is ['xx"),
    "long time": (text(timestamp="x" * 9999), "unreadable date", 4, "timestamp 'xx"),
    "long key": (f"{{{LONG}: 1, {LONG}: 1}}", "duplicate key", None, "'xx"),
    "number id": (text(event_id=42), "wrong type", 2, "event_id is 42"),
    "null time": (text(timestamp=None), "wrong type", 4, "timestamp is None"),
    "number time": (text(timestamp=1740000000), "wrong type", 4, "timestamp is 1740000000"),
    "object author": (text(author={"name": "a"}), "wrong type", 5, "author is a object"),
    "text version": (text(schema_version="1"), "wrong type", 10, "schema_version is a text"),
    "boolean version": (text(schema_version=True), "wrong type", 10, "schema_version is a boolean"),
    "float version": (text(schema_version=1.0), "wrong type", 10, "schema_version is a number"),
    "version 0": (text(schema_version=0), "invalid payload", 7, "below 1"),
    "bad time": (text(timestamp="yesterday"), "unreadable date", 4, "'yesterday'"),
    "no such day": (text(timestamp="2025-02-30T00:00:00Z"), "unreadable date", 4, "2025-02-30"),
    "24 o'clock": (text(timestamp="2025-02-03T25:00:00Z"), "unreadable date", 4, "25:00"),
    "year 10000": (text(timestamp="10000-01-01T00:00:00Z"), "unreadable date", 4, "10000"),
    "before year 1": (text(timestamp="0001-01-01T00:00:00+01:00"), "unreadable date", 4, "0001"),
    "after 9999": (text(timestamp="9999-12-31T23:59:59-01:00"), "unreadable date", 4, "9999"),
    "bad offset": (text(timestamp="2025-03-07T12:00:00+99:99"), "unreadable date", 4, "+99:99"),
    "key missing inside": (text(payload={}), "invalid payload", 7, "content: Field required"),
    "wrong type inside": (text(payload={"content": 3}), "invalid payload", 7, "content: "),
    "wrong item inside": (
        text(payload={"content": "c", "domains": ["a", 2]}), "invalid payload", 7, "domains.1: ",
    ),
    "certainty": (
        text(event_type="belief_formed", payload={"belief": "b", "confidence": 1.5}),
        "invalid payload", 7, "confidence: ",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_file_that_is_no_event_is_quarantined_with_reason_and_line(name):
    """One problem, one sentence, no event, and nothing is raised."""
    content, reason, line, part = FAULTS[name]
    problem = only(read(content))
    assert isinstance(problem, Problem)
    assert (reason, line, PATH) == (problem.reason, problem.line, problem.source_file)
    assert part in problem.detail
    assert problem.detail.endswith(".")
    assert len(problem.detail) < 500
    problem.detail.encode()


def test_a_link_is_not_followed():
    """Its content is a path, possibly out of the repository."""
    assert only(read(text(), is_symlink=True)).reason == "symbolic link"


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        (PATH, True),
        (".patina/shared/events/2025/03/x.json", True),
        (".patina/shared/events/.json", True),
        (".patina/shared/events/x.json.bak", False),
        (".patina/shared/events/x.JSON", False),
        (".patina/shared/eventsx/x.json", False),
        (".patina/shared/events", False),
        ("sub/.patina/shared/events/x.json", False),
        (".patina/local/events/x.json", False),
        ('".patina/shared/events/caf\\351.json"', True),
        ('".patina/shared/events/caf\\351.txt"', False),
    ],
)
def test_the_source_wants_json_files_below_its_folder(path, wanted):
    """Subfolders too; nothing beside it."""
    assert EventFileSource().wants(path) is wanted
    assert EventFileSource("/.patina/shared/events/").wants(path) is wanted


def test_it_is_a_source_whose_options_decide_what_is_read():
    """So a log made under other options is made anew."""
    source = EventFileSource("notes/events", unknown="warn")
    assert isinstance(source, FileSource)
    assert source.options() == {"folder": "notes/events", "unknown": "warn"}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()))
    | st.sampled_from(["2025-03-07T12:34:56Z", "decision_made", "belief_formed", "x" * 300]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
    ),
    max_leaves=12,
)
KEYS = ("event_id", "event_type", "timestamp", "author", "sequence", "payload", "schema_version")


def is_read_or_quarantined(content):
    """Exactly one thing comes out, and the log can hold it."""
    found = only(read(content))
    assert isinstance(found, Event | Problem)
    if isinstance(found, Event):
        assert len(found.event_id) == 64
        json.loads(found.envelope_json)
        # A large float is written without a fraction, so that it reads as an integer.
        assert found.data == json.loads(found.payload, parse_int=float)
    else:
        assert found.reason
        found.detail.encode()
        assert len(found.detail) < 1000


@settings(max_examples=200)
@given(st.binary() | st.text().map(str.encode))
def test_no_bytes_can_make_it_raise(content):
    """Whatever lies in the folder."""
    is_read_or_quarantined(content)


@settings(max_examples=300)
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS, JSON)), st.booleans())
def test_no_json_value_can_make_it_raise(changed, whole):
    """Any value under any of the known keys, alone or in an otherwise good event."""
    value = event(**changed) if whole else changed
    is_read_or_quarantined(json.dumps(value).encode())


@given(JSON)
def test_no_payload_can_make_it_raise(payload):
    """Of a known type and of an unknown one."""
    for event_type in ("decision_made", "belief_formed", "tea_brewed"):
        is_read_or_quarantined(text(event_type=event_type, payload=payload).encode())


@given(st.integers(0, len(text()) - 1), st.binary(min_size=1, max_size=3))
def test_a_good_file_with_some_bytes_changed_cannot_make_it_raise(at, junk):
    """As after a bad merge or a bad disk."""
    good = text().encode()
    is_read_or_quarantined(good[:at] + junk + good[at + len(junk) :])
    is_read_or_quarantined(good[:at])
