"""One row of what was applied, for one event file: the event that it holds, or the reason."""

from __future__ import annotations

from typing import Any

from patina_lab.events.event import Event
from patina_lab.events.text import text_hash
from patina_lab.project.event_tree import UNREADABLE, EventFile
from patina_lab.sources.event_files import EventFileSource
from patina_lab.sources.source import Problem, SourceFile

INCOMING = {
    "event_file": "VARCHAR", "blob_oid": "VARCHAR", "layer": "VARCHAR", "is_link": "BOOLEAN",
    "uncommitted": "BOOLEAN", "event": "VARCHAR", "event_id": "VARCHAR",
    "event_type": "VARCHAR", "known": "BOOLEAN", "occurred_us": "BIGINT", "author": "VARCHAR",
    "sequence": "BIGINT", "schema_version": "BIGINT", "payload": "VARCHAR",
    "content_hash": "VARCHAR", "source_id": "VARCHAR", "reason": "VARCHAR",
    "detail": "VARCHAR", "line": "INTEGER",
}  # fmt: skip
"""Columns of a row, with their DuckDB types."""


def row_of(file: EventFile, content: bytes | None, source: EventFileSource) -> dict[str, Any]:
    """Return the row of ``event_files`` for a file: its event, or why it has none.

    Parameters
    ----------
    file : EventFile
    content : bytes or None
        None where it cannot be read.
    source : EventFileSource
    """
    row: dict[str, Any] = {
        "event_file": file.path,
        "blob_oid": file.blob,
        "layer": file.layer,
        "is_link": file.is_link,
        "uncommitted": file.uncommitted,
    }
    found = _read(file, content, source)
    if isinstance(found, Problem):
        return row | {"reason": found.reason, "detail": found.detail, "line": found.line}
    envelope = found.envelope or {}
    sequence = envelope.get("sequence")
    row |= {
        "event": found.event_id,
        "event_id": found.source_id,
        "event_type": found.event_type,
        "known": found.event_type in source.catalog,
        "occurred_us": found.occurred_us,
        "author": found.actor,
        "sequence": sequence if type(sequence) is int else None,
        "schema_version": envelope.get("schema_version", 1),
        "payload": found.payload.decode(),
    }
    if found.event_type == "observation_captured":
        row["content_hash"] = text_hash(found.data["content"])
        row["source_id"] = found.data.get("source_id") or found.actor or ""
    return row


def _read(file: EventFile, content: bytes | None, source: EventFileSource) -> Event | Problem:
    name = source.name
    if content is None:
        if file.blob == UNREADABLE:
            detail = "Permission denied; mend it with: chmod u+r"
            return Problem(name, "unreadable file", detail, source_file=file.path)
        detail = f"The file's object {file.blob} is not in this clone; try: git fetch --refetch"
        return Problem(name, "missing object", detail, source_file=file.path)
    try:
        for found in source.read(SourceFile(file.path, content, file.is_link)):
            if isinstance(found, Event) or not _is_warning(found):
                return found  # type: ignore[return-value]  # this source counts no coverage
    except Exception as err:  # noqa: BLE001 - one file must not stop the others
        detail = f"{type(err).__name__}: {err}"
        return Problem(name, "source failed", detail, source_file=file.path)
    return Problem(name, "not an event", "The file says nothing.", source_file=file.path)


def _is_warning(found: object) -> bool:
    """Whether a problem only points at an event that is kept (policy ``warn``)."""
    return (
        isinstance(found, Problem)
        and found.reason == "unknown event type"
        and found.source_id is not None
    )
