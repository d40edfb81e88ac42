"""Events in an SQLite database of an earlier patina: read, and written back.

Tables that are known, each wherever it is found::

    event_log      sequence, event_id, event_type, payload, timestamp (, author)
    observations   id, content, observation_type, domains, source_type, source_id, …
    patterns       id, name, content, rationale, domains, evidence, …
    decisions      id, decision, rationale, alternatives, domains, …
    beliefs        id, content, confidence, evidence_count, domains, …

The log is what happened; the other tables were made of it, or come from before there was
one.  A row of theirs that the log has too (by id) is not a second event.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from patina_lab.errors import InvalidEvent, InvalidOption
from patina_lab.events.event import Event
from patina_lab.events.identity import instant, timestamp_text
from patina_lab.project.event_files import file_name, to_bytes
from patina_lab.sources.source import Problem

if TYPE_CHECKING:
    from patina_lab.project.knowledge import Knowledge

_MADE_OF = {  # table -> event type, time, and column -> key of the payload
    "observations": (
        "observation_captured",
        "created_at",
        ("content", "observation_type", "source_type", "source_id", "domains", "reliability"),
    ),
    "patterns": (
        "pattern_identified",
        "created_at",
        ("name", "content", "rationale", "evidence", "domains"),
    ),
    "decisions": (
        "decision_made",
        "created_at",
        ("decision", "rationale", "alternatives", "domains", "context"),
    ),
    "beliefs": (
        "belief_formed",
        "formed_at",
        ("content", "confidence", "evidence_count", "evidence", "domains", "scope",
         "source_projects"),
    ),
}  # fmt: skip
_KEYS = {
    ("patterns", "name"): "pattern_name",
    ("beliefs", "content"): "belief",
    ("beliefs", "evidence"): "evidence_observations",
}
_LISTS = ("domains", "evidence", "alternatives", "source_projects")


@dataclass(frozen=True)
class Row:
    """An event of a database, as the file that it becomes.

    Parameters
    ----------
    event : Event
        Its `source_file` is the event file that the row was made of, where it says so.
    sequence : int
        Of the log; for other rows the next free ones, in the order of events.
    name : str
        Of the file.
    content : bytes
    """

    event: Event
    sequence: int
    name: str
    content: bytes


def read_database(place: Path) -> tuple[list[Row], list[Problem]]:
    """Read the events of a database; the same database always gives the same rows.

    Parameters
    ----------
    place : Path

    Returns
    -------
    rows : list of Row
        By their number; no two with the same content.
    problems : list of Problem
        Rows that are no event, with ``table:id`` as their source id.

    Raises
    ------
    InvalidOption
        There is no such file, or it is no SQLite database, or it has none of the tables.
    """
    if not place.is_file():
        raise InvalidOption(f"There is no file {place}.", "Name an SQLite database.")
    told: list[tuple[int | None, Event]] = []
    problems: list[Problem] = []
    try:
        uri = f"file:{quote(str(place.resolve()))}?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            asked = "SELECT name FROM sqlite_master WHERE type = 'table'"
            tables = {name for (name,) in connection.execute(asked)}
            if not tables & {"event_log", *_MADE_OF}:
                raise InvalidOption(
                    f"{place} has no table that is known: {', '.join(sorted(tables)) or 'none'}.",
                    f"Known: event_log, {', '.join(_MADE_OF)}.",
                )
            if "event_log" in tables:
                rows = connection.execute("SELECT * FROM event_log ORDER BY sequence")
                told += _kept(_logged(place, map(dict, rows)), problems)
            logged = {event.source_id for _, event in told}
            logged |= {str(problem.source_id).partition(":")[2] for problem in problems}
            for table in _MADE_OF:
                if table in tables:
                    rows = connection.execute(f"SELECT * FROM {table} ORDER BY id")
                    new = (row for row in map(dict, rows) if str(row.get("id")) not in logged)
                    told += _kept(_derived(place, table, new), problems)
    except sqlite3.DatabaseError as err:
        raise InvalidOption(
            f"{place} cannot be read as an SQLite database: {err}.", "Name another file."
        ) from err
    return _numbered(place, told, problems), problems


def _kept(
    found: Iterator[tuple[int | None, Event] | Problem], problems: list[Problem]
) -> Iterator[tuple[int | None, Event]]:
    for one in found:
        if isinstance(one, Problem):
            problems.append(one)
        else:
            yield one


def _logged(
    place: Path, rows: Iterator[dict[str, Any]]
) -> Iterator[tuple[int | None, Event] | Problem]:
    for row in rows:
        name = f"event_log:{row.get('event_id')}"
        try:
            payload = json.loads(row["payload"])
            if not isinstance(payload, dict):
                raise TypeError("payload is no object")  # noqa: TRY301 - one way for all faults
            if row.get("proposed"):
                # Nothing else in the row says it, and a file has no place of its own for it.
                payload["proposed"] = True
                if row.get("proposed_event_id"):
                    payload["proposed_event_id"] = row["proposed_event_id"]
            when = _instant(row["timestamp"])
            actor = row.get("author") or None
            event = Event(str(row["event_type"]), when, str(row["event_id"]), payload, None, actor)
            _ = event.event_id  # refuses what no file can carry
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as err:
            yield _problem(place, name, err)
        else:
            sequence = row.get("sequence")
            yield (sequence if isinstance(sequence, int) and sequence > 0 else None), event


def _derived(
    place: Path, table: str, rows: Iterator[dict[str, Any]]
) -> Iterator[tuple[int | None, Event] | Problem]:
    event_type, time, columns = _MADE_OF[table]
    for row in rows:
        try:
            payload = {
                _KEYS.get((table, column), column): _list(row[column])
                if column in _LISTS
                else row[column]
                for column in columns
                if row.get(column) is not None
            }
            when = _instant(row.get(time) if row.get(time) is not None else row["timestamp"])
            actor = row.get("author") or None
            made_of = row.get("event_file") or None
            event = Event(event_type, when, str(row["id"]), payload, made_of, actor)
            _ = event.event_id  # refuses what no file can carry
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as err:
            yield _problem(place, f"{table}:{row.get('id')}", err)
        else:
            yield None, event


def _list(value: Any) -> list[str]:
    """Read a list that stands in a text: JSON, or words between commas."""
    text = str(value)
    if text.lstrip().startswith("["):
        return [str(item) for item in json.loads(text)]
    return [word.strip() for word in text.split(",") if word.strip()]


def _instant(value: Any) -> datetime:
    """Read a time: ISO 8601, SQLite's own text (both UTC without an offset), or Unix seconds."""
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    when = datetime.fromisoformat(value)
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)


def _problem(place: Path, name: str, err: Exception | str) -> Problem:
    said = f"It has no {err}." if isinstance(err, KeyError) else f"{err}."
    return Problem("database", "not an event", said, source_id=name, source_file=place.name)


def _numbered(
    place: Path, told: list[tuple[int | None, Event]], problems: list[Problem]
) -> list[Row]:
    """Give every event a number and the text of its file; one of each content."""
    taken = Counter(sequence for sequence, _ in told if sequence is not None)
    after = max(taken, default=0)
    found: dict[str, Row] = {}
    for sequence, event in sorted(
        told, key=lambda one: (one[0] is None, one[0] or 0, one[1].order)
    ):
        try:
            if event.event_id in found:
                continue
            if sequence is None or taken[sequence] > 1:
                sequence = after = after + 1
            name = file_name(event.event_type, event.timestamp, sequence)
            found[event.event_id] = Row(event, sequence, name, to_bytes(event, sequence))
        except (InvalidEvent, ValueError) as err:
            problems.append(_problem(place, event.source_id, str(err)))
    return sorted(found.values(), key=lambda row: row.sequence)


def write_database(knowledge: Knowledge, place: Path) -> int:
    """Write what a project knows as an SQLite database with the tables of the earlier one.

    ``event_log`` has every event, and beside the columns that it used to have an author:
    without it an event would not be the same when it is read back.

    Parameters
    ----------
    knowledge : Knowledge
    place : Path
        A file that is not there yet.

    Returns
    -------
    int
        Number of events.

    Raises
    ------
    InvalidOption
        The file is there.
    """
    if place.exists():
        raise InvalidOption(f"{place} is there already.", "Name a file that is not.")
    rows = knowledge.rows("events")
    times = Counter(row["event_id"] for row in rows)
    # A display id has to be unique there.
    names = {
        row["id"]: row["event_id"]
        if times[row["event_id"]] == 1
        else f"{row['event_id']}-{row['id'][:12]}"
        for row in rows
    }
    with tempfile.TemporaryDirectory(prefix=".patina-", dir=place.absolute().parent) as scratch:
        aside = Path(scratch) / "export.db"
        with contextlib.closing(sqlite3.connect(aside)) as connection, connection:
            for statement in _SCHEMA.split(";\n"):
                connection.execute(statement)
            for number, row in enumerate(rows, 1):
                connection.execute(
                    "INSERT INTO event_log VALUES (?, ?, ?, ?, ?, 0, NULL, ?)",
                    (
                        number,
                        names[row["id"]],
                        row["event_type"],
                        row["payload"],
                        timestamp_text(instant(row["occurred_us"])),
                        row["author"],
                    ),
                )
            for table, (_, time, columns) in _MADE_OF.items():
                for row in knowledge.rows(table):
                    kept = ["id", *(c for c in columns if c in row), "author", time, "event_file"]
                    values = [names[row["id"]], *(_cell(row[column]) for column in kept[1:])]
                    marks = ", ".join("?" * len(kept))
                    connection.execute(
                        f"INSERT INTO {table} ({', '.join(kept)}) VALUES ({marks})", values
                    )
        aside.replace(place)
    return len(rows)


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value


_SCHEMA = """
CREATE TABLE event_log (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT UNIQUE NOT NULL,
    event_type TEXT NOT NULL, payload TEXT NOT NULL, timestamp TIMESTAMP NOT NULL,
    proposed BOOLEAN DEFAULT FALSE, proposed_event_id TEXT, author TEXT
);
CREATE TABLE observations (
    id TEXT PRIMARY KEY, content TEXT NOT NULL, observation_type TEXT, domains TEXT NOT NULL,
    source_type TEXT NOT NULL, source_id TEXT NOT NULL, reliability REAL, author TEXT,
    created_at TIMESTAMP NOT NULL, event_file TEXT NOT NULL
);
CREATE TABLE patterns (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, content TEXT NOT NULL, rationale TEXT,
    domains TEXT NOT NULL, evidence TEXT, author TEXT, created_at TIMESTAMP NOT NULL,
    event_file TEXT NOT NULL
);
CREATE TABLE decisions (
    id TEXT PRIMARY KEY, decision TEXT NOT NULL, rationale TEXT, alternatives TEXT,
    context TEXT, domains TEXT NOT NULL, author TEXT, created_at TIMESTAMP NOT NULL,
    event_file TEXT NOT NULL
);
CREATE TABLE beliefs (
    id TEXT PRIMARY KEY, content TEXT NOT NULL, confidence REAL NOT NULL,
    formed_at TIMESTAMP NOT NULL, evidence_count INTEGER, evidence TEXT, domains TEXT NOT NULL,
    scope TEXT, author TEXT, event_file TEXT NOT NULL
)"""
