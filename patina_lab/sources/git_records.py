r"""Reading what ``git diff-tree --stdin -z`` prints: bytes in, one record a commit out.

The text is read by *count*, never by separator: a record is a fixed number of
NUL-terminated header fields (which cannot hold a NUL), then raw entries, then line counts,
and each entry says how many paths follow it.  Nothing in a message or a path can therefore
be taken for structure::

    \x01<sha> \0 <parents> \0 … \0 <message> \0 \0
    \n:100644 100644 <blob> <blob> M \0 <path> \0         raw: R and C have two paths
    12 \t 3 \t <path> \0                                  counts: "- \t -" is binary,
    12 \t 3 \t \0 <old path> \0 <path> \0                 an empty path is a rename
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

# A date stands there twice, as written (%at) and as read (%ad): one that overflows is read as 0.
HEADER = "%x01%H%x00%P%x00%an%x00%ae%x00%at %ad%x00%cn%x00%ce%x00%ct %cd%x00%B%x00"
_FIELDS = 9
_KINDS = {b"120000": "symlink", b"160000": "submodule"}
_RAW = frozenset((b":0", b":1", b"::", b"\n:", b"\n\n"))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LOCAL = datetime(1970, 1, 1)  # noqa: DTZ001 - as a clock shows it
_LATEST = 253402300799  # 9999-12-31T23:59:59Z, the last second that datetime can say


class Truncated(ValueError):
    """The text ended, or broke off, inside a record."""


@dataclass(slots=True)
class CommitRecord:
    """One commit as git printed it, still bytes.

    ``blobs`` are the object names that counting lines would read.
    """

    sha: str
    parents: list[str]
    author: bytes
    email: bytes
    author_date: bytes
    committer: bytes
    committer_email: bytes
    committer_date: bytes
    message: bytes
    files: list[FileRow] = field(default_factory=list)
    blobs: list[bytes] = field(default_factory=list)


Entry = tuple[str, int | None, bytes | None, bytes, str | None]
"""(change, similarity, old path, path, kind)."""

FileRow = tuple[str, int | None, bytes | None, bytes, str | None, int | None, int | None, bool]
"""An `Entry` with (added, removed, binary); both counts None where git gave none."""


def complete(text: bytes, *, counts: bool) -> tuple[list[CommitRecord], bool]:
    """Return the complete records of an answer, and whether that is all of it."""
    found: list[CommitRecord] = []
    try:
        for record in records(text, counts=counts):
            found.append(record)  # noqa: PERF402 - keeps those before the exception
    except Truncated:
        return found, False
    return found, True


def records(text: bytes, *, counts: bool) -> Iterator[CommitRecord]:
    """Yield the commit records of a whole answer of ``git diff-tree``.

    Parameters
    ----------
    text : bytes
        What git printed.
    counts : bool
        Whether ``--numstat`` was asked for: then each raw entry needs its count.

    Raises
    ------
    Truncated
        After the last complete record, where the text stops in the middle of one.
    """
    tokens = text.split(b"\0")
    # The text ends in a NUL, so the last token is what follows it: nothing.
    end = len(tokens) - 1
    at = 0
    while at < end:
        head = tokens[at]
        if head[:1] != b"\x01" or at + _FIELDS >= end + 1:
            raise Truncated(f"expected a commit, found {head[:40]!r}")
        seven = tokens[at + 2 : at + _FIELDS]
        record = CommitRecord(head[1:].decode(), tokens[at + 1].decode().split(), *seven)  # type: ignore[arg-type]
        at += _FIELDS
        if tokens[at] != b"":
            raise Truncated(f"commit {record.sha} has no end of header")
        at += 1
        if at < end and tokens[at] == b"":  # -c ends a merge's header twice
            at += 1
        raw: list[Entry] = []
        try:
            while at < end and tokens[at][:2] in _RAW:
                entry, at = _raw_entry(tokens, at, record.blobs)
                raw.append(entry)
            if counts and raw:
                at = _with_counts(tokens, at, raw, record.files)
            else:
                record.files = [(*entry, None, None, False) for entry in raw]
        except IndexError as err:
            raise Truncated(f"commit {record.sha} breaks off") from err
        if at > end:
            raise Truncated(f"commit {record.sha} breaks off")
        yield record


def _raw_entry(tokens: list[bytes], at: int, blobs: list[bytes]) -> tuple[Entry, int]:
    """Read one raw entry; a combined one (``::``) has a mode, blob and letter a parent."""
    parts = tokens[at].lstrip(b"\n").split(b" ")
    colons = len(parts) // 2 - 1  # ":<mode> <mode> <blob> <blob> <status>", and two more a parent
    if colons < 1:
        raise Truncated(f"expected an entry, found {tokens[at][:40]!r}")
    status = parts[-1]
    old_mode, mode = parts[0][colons:], parts[colons]
    if mode != b"160000" and old_mode != b"160000":
        blobs += parts[colons + 1 : -1]
    kind = _KINDS.get(mode if mode != b"000000" else old_mode)
    letter = chr(status[0])
    if colons > 1 or letter not in "RC":
        return (letter, None, None, tokens[at + 1], kind), at + 2
    similarity = int(status[1:] or b"100")
    return (letter, similarity, tokens[at + 1], tokens[at + 2], kind), at + 3


def _with_counts(tokens: list[bytes], at: int, raw: list[Entry], files: list[FileRow]) -> int:
    """Read one count for each raw entry: git prints both lists in the same order."""
    for entry in raw:
        try:
            added, removed, path = tokens[at].split(b"\t", 2)
            counted = None if added == b"-" else (int(added), int(removed))
        except ValueError as err:
            raise Truncated(f"no line count for {entry[3]!r}") from err
        if path == b"":
            path = tokens[at + 2]
            at += 2
        at += 1
        if path != entry[3]:
            raise Truncated(f"line count of {path!r} where {entry[3]!r} was expected")
        if counted is None:
            files.append((*entry, None, None, True))
        else:
            files.append((*entry, *counted, False))
    return at


def decode_path(raw: bytes) -> str:
    r"""Decode a path so that two different paths never become the same text.

    UTF-8 paths stay as they are.  Others, and those that begin with a double quote, are
    written as git itself quotes them (``core.quotePath``): ``"caf\351.txt"``.

    Examples
    --------
    >>> decode_path("café.txt".encode()), decode_path("café.txt".encode("latin-1"))
    ('café.txt', '"caf\\351.txt"')
    """
    if raw[:1] != b'"':
        try:
            return raw.decode()
        except UnicodeDecodeError:
            pass
    named = {7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 34: '"', 92: "\\"}
    quoted = "".join(
        f"\\{named[b]}" if b in named else chr(b) if 32 <= b < 127 else f"\\{b:03o}" for b in raw
    )
    return f'"{quoted}"'


def decode_text(raw: bytes) -> tuple[str, bool]:
    r"""Decode a name or a message; say whether it had to be escaped.

    git has already applied the commit's ``encoding`` header.  What is still no UTF-8 is
    escaped as ``\xNN`` with every backslash of the text doubled, so that the bytes can be
    had back.

    Examples
    --------
    >>> decode_text(b"K\xe5gedal")
    ('K\\xe5gedal', True)
    """
    try:
        return raw.decode(), False
    except UnicodeDecodeError:
        return raw.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace"), True


@lru_cache(maxsize=256)
def _zone(offset: bytes) -> tuple[int, str] | None:
    """Return seconds and text of ``+0545``; None for an offset that no clock can have."""
    try:
        sign = -1 if offset[:1] == b"-" else 1
        minutes = int(offset[1:-2] or b"0") * 60 + int(offset[-2:])
        zone = timezone(sign * timedelta(minutes=minutes))
    except ValueError:
        return None
    return sign * minutes * 60, _EPOCH.replace(tzinfo=zone).isoformat()[19:]


def parse_date(raw: bytes) -> tuple[datetime, str] | None:
    """Read git's raw date ``"1763742572 -0500"``, or the same with the seconds as written before.

    Returns
    -------
    (instant, text) or None
        The instant in UTC, and the same as ISO 8601 with the offset as recorded.  None
        where git gave no date, or one outside the years 1 to 9999.
    """
    try:
        written, *read, offset = raw.split(b" ")
        seconds = int(written)
        for text in read:
            # Two that differ: git could not hold the first, and made 1970 of it.
            if text != written and int(text) != seconds:
                return None
    except ValueError:
        return None
    if not -62135596800 <= seconds <= _LATEST:
        return None
    instant = _EPOCH + timedelta(seconds=seconds)
    zone = _zone(offset)
    if zone is None:
        return instant, f"{seconds} {offset.decode('ascii', 'backslashreplace')}"
    ahead, suffix = zone
    try:
        return instant, (_LOCAL + timedelta(seconds=seconds + ahead)).isoformat() + suffix
    except OverflowError:
        return instant, instant.isoformat()


def payload(record: CommitRecord) -> dict[str, Any]:
    """Return the payload of ``git.commit`` for a record (see the event catalog)."""
    escaped = []
    values: dict[str, str] = {}
    for key, raw in (
        ("author", record.author),
        ("email", record.email),
        ("committer", record.committer),
        ("committer_email", record.committer_email),
        ("message", record.message.rstrip(b"\n")),
    ):
        values[key], was_escaped = decode_text(raw)
        if was_escaped:
            escaped.append(key)
    files = []
    for change, similarity, old, path, kind, added, removed, binary in record.files:
        row: dict[str, Any] = {
            "path": decode_path(path),
            "change": change,
            "lines_added": added,
            "lines_removed": removed,
        }
        if old is not None:
            row["old_path"] = decode_path(old)
            row["similarity"] = similarity
        if kind is not None:
            row["kind"] = kind
        if binary:
            row["binary"] = True
        files.append(row)
    data: dict[str, Any] = {"sha": record.sha, "parents": record.parents, **values, "files": files}
    if escaped:
        data["escaped"] = escaped
    return data
