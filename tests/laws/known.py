"""An independent reading of event files: what the tables must hold, by another way.

Nothing of the package is used.  Each file that a test writes has a content from `FILES`,
which says beside it what is expected; the tree is read by ``git ls-tree`` and matched by
content.  Everything is made from nothing each time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import duckdb
from notation import Repo

FOLDER = ".patina/shared/events/"
NOTE = "layer/sessions/one.md"

SAYINGS = {  # text -> what it says
    "Add retry logic.": "retry",
    "add  RETRY logic": "retry",
    "use C": "c",
    "Use C!": "c",
    "use C++": "c++",
    "x < 3": "less",
    "x > 3": "more",
}


@dataclass(frozen=True)
class Written:
    """The bytes of a file, and what they mean: an event, or the reason why there is none."""

    content: bytes
    event: Mapping[str, Any] | None = None
    reason: str = ""


def written(event_type: str, when: str, author: str, number: int, **payload: Any) -> Written:
    """Write an event as a person might."""
    event = {
        "event_id": f"evt_{number:03d}",
        "event_type": event_type,
        "timestamp": when,
        "author": author,
        "sequence": number,
        "payload": payload,
    }
    return Written(json.dumps(event, indent=2).encode() + b"\n", event)


def observed(text: str, when: str, author: str = "ann", number: int = 1, **more: Any) -> Written:
    """Write an observation."""
    return written("observation_captured", when, author, number, content=text, **more)


NOON = "2025-11-07T12:00:00Z"
EARLY = "2025-11-06T23:30:00-01:00"  # the 7th in UTC
LATE = "2025-11-08T01:00:00+13:00"  # noon of the 7th, as NOON: the day in the name differs
GOOD = (
    observed("Add retry logic.", NOON),
    observed("Add retry logic.", NOON, number=42),  # the same event under another number
    observed("add  RETRY logic", "2025-11-09T00:00:00Z", number=2, domains=["rust"]),
    observed("add  RETRY logic", EARLY, "bob", 3),
    observed("use C", NOON, number=4, reliability=0.5),
    observed("Use C!", LATE, number=5, reliability=0.25),
    observed("use C++", NOON, number=6),
    observed("x < 3", NOON, "bob", 7, source_type="session", source_id=NOTE),
    observed("x > 3", NOON, "cyd", 8, source_type="session", source_id=NOTE),
    observed("x > 3", LATE, "cyd", 9, source_type="session", source_id=NOTE, domains=["a", "b"]),
    written("pattern_identified", NOON, "ann", 42, pattern_name="p", content="c", evidence=["o"]),
    written("pattern_identified", NOON, "ann", 42, pattern_name="p", content="edited"),
    written("decision_made", "2025-11-07T09:00:00Z", "bob", 42, decision="Use DuckDB"),
    written("decision_made", LATE, "bob", 1000, decision="Use git", alternatives=["svn"]),
    written("belief_formed", NOON, "ann", 10, belief="Small is well", confidence=0.75),
    written("tea_brewed", NOON, "ann", 11, minutes=4),
    written("tea_brewed", NOON, "ann", 12, minutes="four"),
)
BAD = (
    Written(b'{"event_id": "evt_0', reason="invalid JSON"),
    Written(b"<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> topic\n", reason="invalid JSON"),
    Written(b"", reason="empty file"),
    Written(b"[]", reason="not an event"),
    Written(b'{"event_type": "tea_brewed"}', reason="missing key"),
    Written(b"\xff\xfe", reason="not UTF-8"),
    Written(b"amended\n", reason="invalid JSON"),  # what `Amend` writes into a first commit
)
BY_CONTENT = {file.content: file for file in (*GOOD, *BAD)}

Tables = dict[str, list[tuple[Any, ...]]]


def instant_us(text: str) -> int:
    """Return microseconds since 1970."""
    return round(datetime.fromisoformat(text).astimezone(UTC).timestamp() * 1_000_000)


def identity(event: Mapping[str, Any]) -> str:
    """Return the hash of an event's content, made by the standard library alone."""
    when = datetime.fromisoformat(event["timestamp"]).astimezone(UTC)
    value = {
        "author": event["author"],
        "payload": event["payload"],
        "timestamp": when.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "type": event["event_type"],
    }
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def expected(
    files: Mapping[str, tuple[str, bytes]],
    *,
    note: bool = True,
    tea_known: bool = False,
    before_us: int | None = None,
) -> Tables:
    """Return what the tables must hold.

    Parameters
    ----------
    files : mapping
        path -> (blob, content).
    note : bool
        Whether the commit has `NOTE`.
    tea_known : bool
        Whether the catalog knows ``tea_brewed`` (with whole minutes).
    before_us : int or None
        Leave out events from here on.
    """
    events: dict[str, dict[str, Any]] = {}
    quarantine = []
    for path in sorted(files):
        blob, content = files[path]
        meant = BY_CONTENT[content]
        reason, event = meant.reason, meant.event
        if event and tea_known and event["event_type"] == "tea_brewed":
            reason = "" if isinstance(event["payload"]["minutes"], int) else "invalid payload"
        if reason or event is None:
            quarantine.append((path, blob, reason))
            continue
        us = instant_us(event["timestamp"])
        if before_us is None or us < before_us:
            where = {"us": us, "path": path, "blob": blob}
            events.setdefault(identity(event), {**event, **where})
    groups: dict[tuple[str, str], list[tuple[int, str]]] = {}
    typed: Tables = {"patterns": [], "decisions": [], "beliefs": []}
    for key, event in events.items():
        said, kind = event["payload"], event["event_type"]
        own = (key, event["event_id"], event["us"], event["author"], event["path"], event["blob"])
        domains = said.get("domains", [])
        if kind == "observation_captured":
            group = (SAYINGS[said["content"]], said.get("source_id", event["author"]))
            groups.setdefault(group, []).append((event["us"], key))
        elif kind == "pattern_identified":
            evidence = said.get("evidence", [])
            row = (*own, said["pattern_name"], said["content"], domains, evidence)
            typed["patterns"].append(row)
        elif kind == "decision_made":
            typed["decisions"].append((*own, said["decision"], said.get("alternatives", [])))
        elif kind == "belief_formed":
            typed["beliefs"].append((*own, said["belief"], said["confidence"]))
    observations = []
    for (_, source), found in groups.items():
        found.sort()
        first, last = events[found[0][1]], events[found[-1][1]]
        said = last["payload"]
        observations.append(
            (
                found[0][1], last["event_id"], first["us"], last["us"], last["author"],
                last["path"], last["blob"], said["content"], said.get("domains", []),
                said.get("source_type", "manual"), source, said.get("reliability"),
                said.get("source_type") == "session" and not note, [key for _, key in found],
            )
        )  # fmt: skip
    every = [
        (key, e["event_id"], e["event_type"], e["us"], e["author"], e["path"], e["blob"],
         e["event_type"] != "tea_brewed" or tea_known, e["sequence"])
        for key, e in events.items()
    ]  # fmt: skip
    made = {"events": every, "observations": observations, "quarantine": quarantine, **typed}
    return {name: sorted(rows) for name, rows in made.items()}


_OWN = "id, event_id, epoch_us(created_at), author, event_file, blob_oid"
_COLUMNS = {
    "events": "id, event_id, event_type, occurred_us, author, event_file, blob_oid, known, "
    "sequence",
    "observations": "id, event_id, epoch_us(created_at), epoch_us(updated_at), author, "
    "event_file, blob_oid, content, domains, source_type, source_id, reliability, deleted, events",
    "quarantine": "event_file, blob_oid, reason",
    "patterns": f"{_OWN}, name, content, domains, evidence",
    "decisions": f"{_OWN}, decision, alternatives",
    "beliefs": "id, event_id, epoch_us(formed_at), author, event_file, blob_oid, content, "
    "confidence",
}


def tables(file: Any) -> Tables:
    """Return what the tables of a DuckDB file hold, sorted."""
    with duckdb.connect(str(file), read_only=True) as connection:
        return {
            name: sorted(connection.execute(f"SELECT {columns} FROM {name}").fetchall())
            for name, columns in _COLUMNS.items()
        }


def tree(repo: Repo, revision: str = "HEAD") -> tuple[dict[str, tuple[str, bytes]], bool]:
    """Return the event files of a commit by path, and whether it has `NOTE`."""
    found, note = {}, False
    for record in repo.bytes("ls-tree", "-r", "-z", revision).split(b"\0")[:-1]:
        meta, name = record.split(b"\t", 1)
        path, blob = name.decode(), meta.split(b" ")[2].decode()
        note |= path == NOTE
        if path.startswith(FOLDER) and path.endswith(".json"):
            found[path] = (blob, repo.bytes("cat-file", "blob", blob))
    return found, note


def by_last_name(
    folders: Iterable[Mapping[str, tuple[str, bytes]]],
) -> set[tuple[str, str]]:
    """Follow seed 000: sort names, resume after the last one that was materialized.

    With its two faults mended that stop it at once (a column that its schema lacks, a
    state row that is never made), and with no failure where a row is there already.

    Returns
    -------
    set of (path, blob)
        The events that its tables would show.
    """
    rows: dict[str, str] = {}
    last = None
    for files in folders:
        names = sorted(files)
        start = names.index(last) + 1 if last in names else 0
        for name in names[start:]:
            blob, content = files[name]
            if BY_CONTENT[content].event is None:
                break  # it raises, and everything behind the file waits
            rows.setdefault(name, blob)
            last = name
    return set(rows.items())
