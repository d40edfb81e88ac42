"""The event file as it is written: read by people in a pull request, merged by git.

::

    2025-11-07-042-pattern-identified.json

    {
      "event_id": "evt_042",
      "event_type": "pattern_identified",
      "timestamp": "2025-11-07T12:34:56Z",
      "author": "contributor-a",
      "sequence": 42,
      "schema_version": 1,
      "content_hash": "sha256:…",
      "payload": {…}
    }

The same event always gives the same bytes, so a diff shows what changed and nothing else.
``event_id``, ``sequence`` and the file's name are for people: two branches mint the same
ones.  ``content_hash`` is the event's identity (`Event.event_id`): who edits the file in a
review leaves it behind, and `patina_lab.project.conflicts` says so; nothing depends on it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from patina_lab.errors import InvalidEvent
from patina_lab.sources.event_files import EventFileSource
from patina_lab.sources.source import Problem, SourceFile

if TYPE_CHECKING:
    from datetime import datetime

    from patina_lab.events.catalog import EventType
    from patina_lab.events.event import Event

# Listed, not asked of unicodedata: the bytes must not depend on the version of Python.
_HIDDEN = re.compile(
    "[\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)
_NAMED = re.compile(r"\d{4,}-\d{2}-\d{2}-(\d{3,15})-")


def sequence_of(name: str) -> int | None:
    """Return the number in the name of an event file, or None.

    Examples
    --------
    >>> sequence_of("2025-11-07-042-pattern-identified.json"), sequence_of("notes.json")
    (42, None)
    """
    found = _NAMED.match(name)
    return int(found[1]) if found else None


def next_sequence(names: Iterable[str]) -> int:
    """Return the number after the highest in the names; folders in a name do not count.

    Examples
    --------
    >>> next_sequence(["2025-11-07-999-decision.json", "2025-11-08-1000-decision.json"])
    1001
    """
    numbers = (sequence_of(name.rpartition("/")[2]) for name in names)
    return max((n for n in numbers if n is not None), default=0) + 1


def file_name(event_type: str, timestamp: datetime, sequence: int) -> str:
    """Return the name of an event's file: its day (UTC), number and type.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> file_name("pattern_identified", datetime(2025, 11, 7, tzinfo=UTC), 42)
    '2025-11-07-042-pattern-identified.json'
    """
    from patina_lab.events.identity import timestamp_text

    readable = re.sub(r"[^a-z0-9]+", "-", event_type.casefold())[:48].strip("-") or "event"
    return f"{timestamp_text(timestamp)[:10]}-{sequence:03d}-{readable}.json"


def to_bytes(event: Event, sequence: int) -> bytes:
    """Write an event as the text of its file.

    Parameters
    ----------
    event : Event
        Its `source_id` becomes ``event_id``.
    sequence : int

    Returns
    -------
    bytes
        UTF-8, two spaces of indent, a line break at the end.

    Raises
    ------
    InvalidEvent
        What a reader would not take: the sentence is the reader's.

    Notes
    -----
    Characters that change how a text looks without being seen (bidirectional marks, zero
    width, line separators) are written as escapes: a reviewer must see what is there.
    """
    known = _types().get(event.event_type)
    value = {
        "event_id": event.source_id,
        "event_type": event.event_type,
        "timestamp": short_time(event.timestamp),
        "author": event.actor,
        "sequence": sequence,
        "schema_version": known.version if known else 1,
    }
    try:
        value["content_hash"] = f"sha256:{event.event_id}"
        value["payload"] = _ordered(event.data, list(known.model.model_fields) if known else [])
        text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        content = _HIDDEN.sub(_escaped, text).encode()
    except (ValueError, TypeError, RecursionError) as err:
        said = f"This {event.event_type} cannot be written: {err}."
        raise InvalidEvent(said, "Use texts, numbers, lists and objects that JSON has.") from err
    back = next(iter(EventFileSource().read(SourceFile(event.source_file or "new.json", content))))
    if isinstance(back, Problem):
        raise InvalidEvent(
            f"This {event.event_type} would not be read back ({back.reason}): {back.detail}",
            "Mend that and write it again.",
        )
    assert getattr(back, "event_id", None) == event.event_id
    return content


def short_time(when: datetime) -> str:
    """Write an instant in UTC with as many decimals as it has, to three or six.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> short_time(datetime(2025, 11, 7, 12, 34, 56, tzinfo=UTC))
    '2025-11-07T12:34:56Z'
    >>> short_time(datetime(2025, 11, 7, 12, 34, 56, 120000, tzinfo=UTC))
    '2025-11-07T12:34:56.120Z'
    """
    from patina_lab.events.identity import timestamp_text

    whole, _, decimals = timestamp_text(when)[:-1].partition(".")
    if decimals == "000000":
        return f"{whole}Z"
    return f"{whole}.{decimals.removesuffix('000')}Z"


def _ordered(value: Any, first: list[str]) -> Any:
    """Return a JSON value with its keys in order: the model's, then the others by name."""
    if isinstance(value, Mapping):
        rest = sorted(key for key in value if key not in first)
        return {key: _ordered(value[key], []) for key in [*first, *rest] if key in value}
    if isinstance(value, list | tuple):
        return [_ordered(item, []) for item in value]
    return value


@cache
def _types() -> Mapping[str, EventType]:
    from patina_lab.events.catalog import catalog

    return catalog().types


def _escaped(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))
