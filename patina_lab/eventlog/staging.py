"""Writing what the sources yield into newline-delimited JSON, for DuckDB to read in bulk.

Temporary files rather than rows by ``executemany`` (hundreds of times slower) or Arrow
(whose import alone costs more than a small repository).  They keep memory flat whatever
the length of the history.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import orjson

from patina_lab.eventlog.store import literal
from patina_lab.events.event import Event
from patina_lab.sources.source import Coverage, Problem

COLUMNS: Mapping[str, Mapping[str, str]] = {
    "event": {
        "n": "BIGINT", "source": "VARCHAR", "event_type": "VARCHAR", "occurred_us": "BIGINT",
        "source_id": "VARCHAR", "source_file": "VARCHAR", "actor": "VARCHAR",
        "data": "VARCHAR", "envelope": "VARCHAR", "event_id": "VARCHAR",
    },
    "problem": {
        "source": "VARCHAR", "reason": "VARCHAR", "detail": "VARCHAR", "source_id": "VARCHAR",
        "source_file": "VARCHAR", "line": "INTEGER", "object_id": "VARCHAR",
    },
    "coverage": {
        "source": "VARCHAR", "source_file": "VARCHAR", "kind": "VARCHAR",
        "present": "INTEGER", "extracted": "INTEGER",
    },
    "file": {
        "source": "VARCHAR", "path": "VARCHAR", "blob": "VARCHAR", "uncommitted": "BOOLEAN",
        "changed_us": "BIGINT",
    },
}  # fmt: skip
"""Columns of each staged kind of row; `n` numbers the new events of one scrape.

What a kind of event has in tables of its own (commits, code) DuckDB takes from `data`."""

_ROWS = 512
"""Rows that are joined before they are written."""

_LONG = 1 << 16
"""A row of more bytes than this is written at once, so that few of them are in memory."""


class Staging:
    """Open files, one for each kind of row, in a build folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: dict[str, IO[bytes]] = {}
        self._rows: dict[str, list[bytes]] = {}
        self.longest = 0
        self.events = 0

    def __enter__(self) -> Staging:
        self._files = {
            kind: (self.folder / f"{kind}.ndjson").open("wb", buffering=0) for kind in COLUMNS
        }
        self._rows = {kind: [] for kind in COLUMNS}
        return self

    def __exit__(self, *exc: object) -> None:
        # All of them, also where the disk is full and the first cannot be flushed.
        with contextlib.ExitStack() as closing:
            for kind, file in self._files.items():
                closing.callback(file.close)
                closing.callback(self._flush, kind)

    def _write(self, kind: str, row: Mapping[str, Any]) -> None:
        rows = self._rows[kind]
        line = orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
        rows.append(line)
        if len(rows) == _ROWS or len(line) > _LONG:
            self._flush(kind)

    def _flush(self, kind: str) -> None:
        rows = self._rows[kind]
        self.longest = max(self.longest, *map(len, rows), 0)
        text = memoryview(b"".join(rows))
        rows.clear()
        while text:  # an unbuffered file may take less than it is given
            text = text[self._files[kind].write(text) :]

    def event(self, source: str, event: Event) -> None:
        """Stage an event."""
        n = self.events
        self.events += 1
        self._write(
            "event",
            {
                "n": n,
                "source": source,
                "event_type": event.event_type,
                "occurred_us": event.occurred_us,
                "source_id": event.source_id,
                "source_file": event.source_file,
                "actor": event.actor,
                "data": event.payload.decode(),
                "envelope": event.envelope_json,
                "event_id": event.event_id,
            },
        )

    def problem(self, problem: Problem) -> None:
        """Stage a row of the quarantine."""
        self._write(
            "problem",
            {
                "source": problem.source,
                "reason": problem.reason,
                "detail": problem.detail,
                "source_id": problem.source_id,
                "source_file": problem.source_file,
                "line": problem.line,
                "object_id": problem.object_id,
            },
        )

    def coverage(self, source: str, path: str, coverage: Coverage) -> None:
        """Stage how much of one kind of item a source found in a file."""
        self._write(
            "coverage",
            {
                "source": source,
                "source_file": path,
                "kind": coverage.kind,
                "present": coverage.present,
                "extracted": coverage.extracted,
            },
        )

    def file(
        self, source: str, path: str, blob: str, *, uncommitted: bool, changed_us: int | None
    ) -> None:
        """Stage which blob of a file was read, and what time it was given."""
        self._write(
            "file",
            {
                "source": source,
                "path": path,
                "blob": blob,
                "uncommitted": uncommitted,
                "changed_us": changed_us,
            },
        )

    def reader(self, kind: str) -> str:
        """Return the SQL that reads a staged file."""
        columns = ", ".join(f"{name}: '{type_}'" for name, type_ in COLUMNS[kind].items())
        place = literal(self.folder / f"{kind}.ndjson")
        # DuckDB buffers twice this per thread, so it is no larger than the longest line needs.
        size = max(1 << 20, self.longest + 1)
        return (
            f"read_json({place}, format = 'newline_delimited', columns = {{{columns}}}, "
            f"maximum_object_size = {size})"
        )
