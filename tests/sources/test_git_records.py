"""Reading git's bytes: by count, whatever they hold; and decoding what is no UTF-8."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from patina_lab.sources.git import _DiffTree
from patina_lab.sources.git_records import (
    CommitRecord,
    complete,
    decode_path,
    decode_text,
    parse_date,
    payload,
    records,
)

# Whatever looks like structure to a reader that searches for it.
LOOKALIKES = [
    *(b"\x01", b"\n", b"\t", b"\r", b"|", b":", b"-", b'"', b" => ", b"{", b"}", b"---\n"),
    *(b"commit ", b"0" * 40, b"1\t2\tx", b"-\t-\t", b"\x01" + b"a" * 40, b"end-0123456789abcdef\n"),
    *(b":100644 100644 ", b"::100644", b"\n:000000 100644 ", b" M", b"a.py", b"\xe5", b"\x1e\x1f"),
    b"\xf0\x9f\xa5\x90",
]


def odd_bytes(*, empty):
    """Return a strategy for bytes without NUL that are full of lookalikes."""
    piece = st.sampled_from(LOOKALIKES) | st.binary(max_size=4).map(lambda b: b.replace(b"\0", b""))
    found = st.lists(piece, max_size=5).map(b"".join)
    return found if empty else found.map(lambda b: b or b"x")


SHA = st.integers(0, 16**40 - 1).map(lambda n: f"{n:040x}")
MODE = st.sampled_from([b"100644", b"100755", b"120000", b"160000"])
COUNTS = st.none() | st.tuples(st.integers(0, 10**6), st.integers(0, 10**6))
KIND = {b"120000": "symlink", b"160000": "submodule"}


@st.composite
def files(draw):
    """Return a changed file: change, similarity, old path, path, two modes, blobs, counts."""
    change = draw(st.sampled_from("AMDTRC"))
    path = draw(odd_bytes(empty=False))
    old = draw(odd_bytes(empty=False)) if change in "RC" else None
    similarity = draw(st.integers(50, 100)) if change in "RC" else None
    old_mode = b"000000" if change == "A" else draw(MODE)
    mode = b"000000" if change == "D" else draw(MODE)
    blobs = (draw(SHA).encode(), draw(SHA).encode())
    return change, similarity, old, path, old_mode, mode, blobs, draw(COUNTS)


@st.composite
def commits(draw):
    """Return a commit: its header fields, and its files."""
    text = odd_bytes(empty=True)
    header = [draw(text) for _ in range(7)]
    return draw(SHA), draw(st.lists(SHA, max_size=3)), header, draw(st.lists(files(), max_size=4))


def printed(history, *, counts):
    """Print commits as ``git diff-tree --stdin -z --raw [--numstat]`` does."""
    out = b""
    for sha, parents, header, changed in history:
        fields = [b"\x01" + sha.encode(), " ".join(parents).encode(), *header]
        out += b"\0".join(fields) + b"\0\0"
        for nth, (change, similarity, old, path, *modes, blobs, _) in enumerate(changed):
            status = change.encode() + (b"%03d" % similarity if similarity is not None else b"")
            out += b"" if nth else b"\n"
            out += b":" + b" ".join([*modes, *blobs, status]) + b"\0"
            out += b"".join(p + b"\0" for p in (old, path) if p is not None)
        for _, _, old, path, _, _, _, counted in changed if counts else ():
            out += b"-\t-\t" if counted is None else b"%d\t%d\t" % counted
            out += path + b"\0" if old is None else b"\0" + old + b"\0" + path + b"\0"
    return out


def expected(history, *, counts):
    """Return the records that a reading of `history` must give."""
    found = []
    for sha, parents, header, changed in history:
        record = CommitRecord(sha, parents, *header)
        for change, similarity, old, path, old_mode, mode, blobs, counted in changed:
            kind = KIND.get(old_mode if mode == b"000000" else mode)
            lines = (*(counted or (None, None)), counted is None) if counts else (None, None, False)
            record.files.append((change, similarity, old, path, kind, *lines))
            if b"160000" not in (old_mode, mode):
                record.blobs += blobs
        found.append(record)
    return found


def a_splitting_parser(text, *, counts):
    """Read the same text as most parsers do: by looking for separators."""
    for part in text.split(b"\x01")[1:]:
        header, _, rest = part.partition(b"\0\0")
        sha, parents, *fields = header.split(b"\0")
        record = CommitRecord(sha.decode(), parents.decode().split(), *fields)
        for entry in rest.split(b":")[1:]:
            *_, status = entry.split(b"\0")[0].split(b" ")
            record.files.append((status.decode()[:1], None, None, entry.split(b"\0")[1], None))
        yield record


def tried(n):
    """Return settings for a law, or for its control: the first failure is enough."""
    if n:
        return settings(max_examples=n)
    return settings(max_examples=300, phases=[Phase.generate], report_multiple_bugs=False)


def reads_back(parser, n=100):
    """Return the law: what a faithful printer printed is read back, whatever it holds."""

    @tried(n)
    @given(st.lists(commits(), max_size=4), st.booleans())
    def law(history, counts):
        text = printed(history, counts=counts)
        assert expected(history, counts=counts) == list(parser(text, counts=counts))

    return law


def test_what_git_prints_is_read_back_whatever_messages_and_paths_hold():
    """Nothing in a name, a message or a path is taken for structure."""
    reads_back(records)()


def test_the_law_refuses_a_parser_that_looks_for_separators():
    """The known-bad control: the usual way to read git's output does not survive."""
    with pytest.raises((AssertionError, ValueError, TypeError, IndexError)):
        reads_back(a_splitting_parser, n=0)()


def never_believes_a_stump(read, n=100):
    """Return the law: of a text that breaks off, only true and whole commits are believed."""

    @tried(n)
    @given(st.lists(commits(), min_size=1, max_size=3), st.booleans(), st.data())
    def law(history, counts, data):
        text = printed(history, counts=counts)
        cut = data.draw(st.integers(0, len(text) - 1))
        believed = read(text[:cut], [sha for sha, *_ in history], counts=counts)
        assert believed == expected(history, counts=counts)[: len(believed)]
        assert len(believed) < len(history)

    return law


def ask(text, shas, *, counts):
    """Ask a git process that prints `text` and dies."""
    process = _DiffTree(None, *(["--numstat"] if counts else []))
    process._answer = lambda _shas: (text, False)
    return process.ask(shas)


def test_a_text_that_breaks_off_gives_only_commits_with_all_their_files():
    """Git may die at any byte; no commit is believed to have fewer files than it has."""
    never_believes_a_stump(ask)()


def test_the_law_refuses_a_reader_that_keeps_the_last_commit():
    """The known-bad control: text that breaks off between two files reads as a whole commit."""
    with pytest.raises(AssertionError):
        never_believes_a_stump(lambda text, _, counts: complete(text, counts=counts)[0], n=0)()


def test_complete_says_whether_the_text_was_whole():
    """The records before the break come with the news that it broke."""
    history = [("a" * 40, [], [b""] * 7, []), ("b" * 40, [], [b""] * 7, [])]
    text = printed(history, counts=True)
    both = expected(history, counts=True)
    assert complete(text, counts=True) == (both, True)
    assert complete(text[:-3], counts=True) == (both[:1], False)


@pytest.mark.parametrize(
    "damage",
    [
        lambda t: t.replace(b"1\t2\tx\0", b""),
        lambda t: t.replace(b"1\t2\tx\0", b"1\t2\ty\0"),
        lambda t: t.replace(b"1\t2\tx\0", b"one\ttwo\tx\0"),
        lambda t: b"fatal: something\0" + t,
        lambda t: t.replace(b"\0\0\n:", b"\0:"),
    ],
    ids=["count missing", "count of another path", "no number", "no header", "header not ended"],
)
def test_a_text_out_of_step_is_refused(damage):
    """Raw entries and counts are checked against each other, and each record for its header."""
    changed = ("M", None, None, b"x", b"100644", b"100644", (b"0" * 40, b"1" * 40), (1, 2))
    text = printed([("a" * 40, [], [b"m"] * 7, [changed])], counts=True)
    assert complete(damage(text), counts=True) == ([], False)


def test_a_combined_entry_has_a_mode_and_a_blob_for_each_parent():
    """``::`` entries of merges are read; the submodule's commit is no blob to count."""
    octopus = b":::100644 100644 100644 100755 " + b" ".join([b"%040d" % n for n in range(4)])
    text = b"\x01" + b"a" * 40 + b"\0" * 11 + octopus + b" MMA\0both.py\0"
    text += b"::160000 160000 160000 1 2 3 MM\0sub\0"
    (record,) = records(text, counts=False)
    assert record.files == [
        ("M", None, None, b"both.py", None, None, None, False),
        ("M", None, None, b"sub", "submodule", None, None, False),
    ]
    assert [b"%040d" % n for n in range(4)] == record.blobs


# -- decoding --------------------------------------------------------------------------


def unquoted(path):
    """Undo git's quoting, as git's own documentation describes it."""
    if not path.startswith('"'):
        return path.encode()
    named = {"a": 7, "b": 8, "t": 9, "n": 10, "v": 11, "f": 12, "r": 13, '"': 34, "\\": 92}
    return re.sub(
        rb"\\([0-7]{3}|.)",
        lambda m: bytes([int(m[1], 8) if len(m[1]) == 3 else named[m[1].decode()]]),
        path[1:-1].encode(),
    )


PATHS = odd_bytes(empty=False) | st.binary(min_size=1) | st.text(min_size=1).map(str.encode)


@settings(max_examples=300)
@given(PATHS)
def test_a_path_can_be_had_back(raw):
    """So two different paths never become the same text."""
    assert raw == unquoted(decode_path(raw))
    decode_path(raw).encode()  # no lone surrogate


@given(PATHS)
def test_an_ordinary_path_stays_as_it_is(raw):
    """UTF-8 is not quoted, unless it looks as if it were."""
    text = raw.decode("utf-8", "replace").lstrip('"') or "x"
    assert text == decode_path(text.encode())


def test_decoding_with_replacement_would_confuse_two_paths():
    """The known-bad control of injectivity: the usual way loses a file."""
    assert b"caf\xe9".decode(errors="replace") == b"caf\xe8".decode(errors="replace")
    assert decode_path(b"caf\xe9") != decode_path(b"caf\xe8")
    assert decode_path(b'"caf\\351"') != decode_path(b"caf\xe9")


def unescaped(text):
    """Undo the escapes of a text that had to be escaped."""
    return re.sub(
        rb"\\(\\|x[0-9a-f]{2})",
        lambda m: b"\\" if m[1] == b"\\" else bytes.fromhex(m[1][1:].decode()),
        text.encode(),
    )


@settings(max_examples=300)
@given(odd_bytes(empty=True) | st.binary() | st.sampled_from([b"\\xe5\xe5", b"\\\\\xff", b"\\"]))
def test_a_name_or_message_can_be_had_back(raw):
    """What is no UTF-8 is escaped so that the bytes can be told."""
    text, escaped = decode_text(raw)
    assert raw == (unescaped(text) if escaped else text.encode())


@pytest.mark.parametrize(
    ("raw", "us", "text"),
    [
        (b"1740000000 +0000", 1_740_000_000_000_000, "2025-02-19T21:20:00+00:00"),
        (b"1740000000 +0545", 1_740_000_000_000_000, "2025-02-20T03:05:00+05:45"),
        (b"1740000000 +1030", 1_740_000_000_000_000, "2025-02-20T07:50:00+10:30"),
        (b"1740000000 -0430", 1_740_000_000_000_000, "2025-02-19T16:50:00-04:30"),
        (b"1740000000 -0000", 1_740_000_000_000_000, "2025-02-19T21:20:00+00:00"),
        (b"1740000000 +9999", 1_740_000_000_000_000, "1740000000 +9999"),
        (b"1740000000 ", 1_740_000_000_000_000, "1740000000 "),
        (b"0 +0000", 0, "1970-01-01T00:00:00+00:00"),
        (b"-86400 +0000", -86_400_000_000, "1969-12-31T00:00:00+00:00"),
        (b"-62135596800 +0000", -62_135_596_800_000_000, "0001-01-01T00:00:00+00:00"),
        (b"-62135596800 -0100", -62_135_596_800_000_000, "0001-01-01T00:00:00+00:00"),
        (b"253402300799 +0100", 253_402_300_799_000_000, "9999-12-31T23:59:59+00:00"),
        (b"1740000000 1740000000 +0100", 1_740_000_000_000_000, "2025-02-19T22:20:00+01:00"),
        (b"0000 0 +0000", 0, "1970-01-01T00:00:00+00:00"),
    ],
)
def test_a_date_is_an_instant_and_its_text_as_recorded(raw, us, text):
    """The offset is kept; where no clock can have it, the text is git's own."""
    when, written = parse_date(raw)
    assert (us, text) == (
        (when - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1),
        written,
    )


@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b" ", b"yesterday +0000", b"+0000", b"1740000000", b"9" * 5000 + b" +0000"),
        *(b"253402300800 +0000", b"-62135596801 +0000", b"99999999999999999999 0 +0000"),
    ],
)
def test_what_is_no_date_of_the_years_1_to_9999_is_none(raw):
    """Also a date that git could not hold and read as 1970 (it prints both)."""
    assert parse_date(raw) is None


def test_the_payload_names_what_was_escaped():
    """A reader can tell an escaped text from one that was written so."""
    record = CommitRecord(
        "a" * 40, [], b"K\xe5g", b"k@x", b"", "Å".encode(), b"", b"", b"caf\xe9\\\n\n"
    )
    data = payload(record)
    assert data["escaped"] == ["author", "message"]
    assert (data["author"], data["committer"], data["message"]) == ("K\\xe5g", "Å", "caf\\xe9\\\\")
