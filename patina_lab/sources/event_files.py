"""The event-file source: one JSON file an event, as people review them in pull requests.

The format is that of a folder of files named ``YYYY-MM-DD-NNN-type.json``::

    {"event_id": "evt_042", "event_type": "pattern_identified",
     "timestamp": "2025-11-07T12:34:56Z", "author": "contributor-a",
     "sequence": 42, "payload": {...}}

The folder is written by people and merged by git, so everything can be in it.  A file that
is no event is a `Problem` with its line and reason; the others load.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from patina_lab.events.event import Event
from patina_lab.sources.source import Coverage, Problem, SourceFile

if TYPE_CHECKING:
    from patina_lab.events.catalog import Catalog, Policy

MAX_BYTES = 4 * 1024 * 1024
"""A larger file is no event that a person wrote."""

MAX_DEPTH = 64

_ESCAPED = re.compile(r"\\([0-7]{3}|.)")


class _Refused(ValueError):
    def __init__(self, reason: str, detail: str, line: int | None = None) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.line = line


class EventFileSource:
    """Read event files below a folder of the repository.

    Parameters
    ----------
    folder : str
        Path inside the repository; its subfolders are read too.
    unknown : {"keep", "warn", "fail"}
        What to do with event types that the catalog does not know: keep them silently,
        keep and report them, or quarantine them.
    """

    name = "event_files"
    version = 3

    def __init__(self, folder: str = ".patina/shared/events", unknown: Policy = "keep") -> None:
        self.folder = folder.strip("/")
        self.unknown = unknown

    @cached_property
    def catalog(self) -> Catalog:
        """The event types, made for the first file: pydantic costs every start otherwise."""
        from patina_lab.events.catalog import catalog

        return catalog(self.unknown)

    def options(self) -> Mapping[str, Any]:
        """Return the folder and the policy."""
        return {"folder": self.folder, "unknown": self.unknown}

    def wants(self, path: str) -> bool:
        """Whether `path` is a JSON file below the folder; one that is no UTF-8 is quoted."""
        path = path[1:-1] if path.startswith('"') else path
        return path.startswith(self.folder + "/") and path.endswith(".json")

    def read(self, file: SourceFile) -> Iterator[Event | Problem | Coverage]:
        """Yield the event of the file, or the reason why it has none."""
        try:
            event = self._event(file)
        except _Refused as err:
            yield Problem(self.name, err.reason, err.detail, source_file=file.path, line=err.line)
            return
        if self.unknown == "warn" and event.event_type not in self.catalog:
            yield Problem(
                self.name,
                "unknown event type",
                f"{_shown(event.event_type)} is not in the catalog; the event is kept.",
                event.source_id,
                file.path,
            )
        yield event

    def _event(self, file: SourceFile) -> Event:
        from patina_lab.events.catalog import InvalidPayload, UnknownEventType

        if _leaves(file.path):
            raise _Refused("unsafe path", f"{_shown(file.path)} leads out of its folder.")
        if file.is_symlink:
            raise _Refused("symbolic link", "Links are not followed; commit the file itself.")
        value = _parse(file.content)
        if not isinstance(value, dict):
            raise _Refused("not an event", f"The file holds a {_kind(value)}, not an object.", 1)
        event_type = _text(value, "event_type", file)
        source_id = _text(value, "event_id", file)
        when, written = _when(value, file)
        author = value.get("author")
        if author is not None and not isinstance(author, str):
            raise _Refused(
                "wrong type", f"author is a {_kind(author)}, not a text.", _line(file, "author")
            )
        payload = value.get("payload")
        if not isinstance(payload, dict):
            what = "is missing" if payload is None else f"is a {_kind(payload)}, not an object"
            raise _Refused("no payload", f"payload {what}.", _line(file, "payload"))
        version = value.get("schema_version", 1)
        if isinstance(version, bool) or not isinstance(version, int):
            raise _Refused(
                "wrong type",
                f"schema_version is a {_kind(version)}, not a whole number.",
                _line(file, "schema_version"),
            )
        try:
            payload = self.catalog.check(event_type, payload, version)
        except InvalidPayload as err:
            raise _Refused("invalid payload", f"{err}.", _line(file, "payload")) from err
        except UnknownEventType as err:
            said = f"{_shown(event_type)} is no known event type."
            raise _Refused("unknown event type", said, _line(file, "event_type")) from err
        envelope = {k: v for k, v in value.items() if k not in ("payload", "event_type", "author")}
        envelope["timestamp"] = written
        event = Event(event_type, when, source_id, payload, file.path, author, envelope)
        try:
            _ = event.event_id, event.envelope_json
        except ValueError as err:
            raise _Refused("not canonical JSON", f"{err}.") from err
        return event


def _leaves(path: str) -> bool:
    """Whether a path, as any system reads it, steps out of the folder that it names.

    git refuses to write such a tree, but a repository can hold one.
    """
    if path.startswith('"'):
        # A quoted path, see `git_records.decode_path`: an escaped byte is one of the name's.
        path = _ESCAPED.sub(lambda one: "\\" if one[1] == "\\" else "_", path[1:-1])
    return any(part in ("", ".", "..") for part in path.replace("\\", "/").split("/"))


def _parse(content: bytes) -> Any:
    """Parse strictly: no duplicate keys, no NaN, nothing too large or too deep."""
    if len(content) > MAX_BYTES:
        raise _Refused(
            "too large", f"{len(content)} bytes are more than an event file's {MAX_BYTES}."
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        line = content.count(b"\n", 0, err.start) + 1
        raise _Refused("not UTF-8", f"Byte {err.start} is no UTF-8.", line) from err
    if not text.strip():
        raise _Refused("empty file", "The file is empty.", 1)
    try:
        value = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_int=_integer
        )
    except json.JSONDecodeError as err:
        raise _Refused("invalid JSON", f"{err.msg} at column {err.colno}.", err.lineno) from err
    except RecursionError as err:
        raise _Refused("too deep", f"Nested deeper than {MAX_DEPTH} levels.") from err
    if _depth(value) > MAX_DEPTH:
        raise _Refused("too deep", f"Nested deeper than {MAX_DEPTH} levels.")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _Refused("duplicate key", f"The key {_shown(twice)} stands twice in one object.")
    return value


def _no_constant(name: str) -> Any:
    raise _Refused("invalid JSON", f"{name} is no JSON number.")


def _integer(digits: str) -> int:
    if len(digits) > 17:
        raise _Refused("number too large", f"{digits[:20]}… is beyond 2^53.")
    return int(digits)


def _depth(value: Any) -> int:
    deepest, level = 0, [value]
    while level:
        deepest += 1
        if deepest > MAX_DEPTH:
            break
        level = [
            child
            for node in level
            if isinstance(node, dict | list)
            for child in (node.values() if isinstance(node, dict) else node)
        ]
    return deepest


def _text(value: Mapping[str, Any], key: str, file: SourceFile) -> str:
    found = value.get(key)
    if isinstance(found, str) and found:
        return found
    if key not in value:
        raise _Refused("missing key", f"{key} is missing.", 1)
    raise _Refused(
        "wrong type", f"{key} is {_shown(found)}, not a text with letters in it.", _line(file, key)
    )


def _when(value: Mapping[str, Any], file: SourceFile) -> tuple[datetime, str]:
    written = _text(value, "timestamp", file)
    try:
        when = datetime.fromisoformat(written)
        # A time without an offset is read as UTC: any other choice depends on the reader.
        when = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, OverflowError) as err:
        raise _Refused(
            "unreadable date",
            f"timestamp {_shown(written)} is no ISO 8601 time such as 2025-11-07T12:34:56Z.",
            _line(file, "timestamp"),
        ) from err
    return when, written


def _line(file: SourceFile, key: str) -> int:
    """Return the line on which `key` first stands as a key, else 1."""
    at = file.content.find(b'"' + key.encode() + b'"')
    return file.content.count(b"\n", 0, at) + 1 if at >= 0 else 1


def _shown(value: Any) -> str:
    """Write a value so that it fits into a sentence."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"


def _kind(value: Any) -> str:
    names = {dict: "object", list: "list", str: "text", bool: "boolean", type(None): "null"}
    return names.get(type(value), "number")
