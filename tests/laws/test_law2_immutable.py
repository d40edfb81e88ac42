"""Law 2, immutable: a log that is there does not change; another one takes its place."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from pathlib import Path
from typing import Any

import duckdb
import pytest
from history import Amend, Commit, Operation, Reset, Tag, histories, history, temporary_home
from hypothesis import given, settings
from hypothesis import strategies as st
from tables import Tables, file_of, patched, read

import patina_lab as pt
from patina_lab.eventlog import build
from patina_lab.eventlog.store import LogStore, Manifest

Told = dict[tuple[Any, ...], tuple[Any, ...]]


def told(tables: Tables) -> Told:
    """Return what the log says of each event that is no tag, by type, source and origin."""
    columns = ("event_type", "timestamp", "source_id", "source_file", "data", "source", "actor",
               "occurred_us", "event_id", "envelope")  # fmt: skip
    # A tag is a ref, which people move; everything else is content of a commit.
    rows = [row[1:] for row in tables["eventlog"] if row[1] != "git.tag"]
    assert all(len(row) == len(columns) for row in rows)
    return {(row[0], row[2], row[3], row[8]): row for row in rows}


def never_changes(steps: tuple[list[Operation], list[list[Operation]]]) -> None:
    """Read a log in every way, refresh it, and compare it with what it was."""
    first, later = steps
    with history(first) as h, temporary_home() as home:
        lab = pt.open(h.repo.path, home=home)
        lab.scrape(progress=False)
        held: list[tuple[pt.Eventlog, int, str, Any]] = []
        sizes: dict[str, str] = {}
        try:
            for operations in [[], *later]:
                h.do(operations)
                before, asked = read(file_of(lab)), _options(lab)
                lab.scrape(progress=False)
                after = read(file_of(lab))
                _unchanged(told(before), told(after), same_options=asked == _options(lab))
                file = file_of(lab)
                handle = os.open(file, os.O_RDONLY)
                unread = _hash(handle)
                held.append((lab.log, handle, unread, _rows(lab.log)))
                look_around(lab)
                # A file name is never used for another log.
                assert sizes.setdefault(file.name, held[-1][2]) == held[-1][2]
                for log, old, bytes_then, rows_then in held:
                    assert _hash(old) == bytes_then, "a log file was written to"
                    assert _rows(log) == rows_then, "an open reader sees other rows"
        finally:
            for _, handle, *_ in held:
                os.close(handle)


def look_around(lab: pt.Lab) -> None:
    """Read everything that a notebook can."""
    for name in ("commits", "touches", "observations", "quarantine", "tags"):
        lab.rel(name).df()
    lab.project(pt.co_changes)
    _ = lab.as_of("2025-03-01").digest, repr(lab), lab.log.arrow()
    with pytest.raises(duckdb.Error, match="read-only"):
        lab.log.opened.connection.execute("DELETE FROM log.main.eventlog")


def _options(lab: pt.Lab) -> Any:
    # A commit may bring a configuration of its own, such as ``lines = false``.
    manifest = lab.store.manifest()
    assert manifest is not None
    return dict(manifest.options)


def _unchanged(before: Told, after: Told, *, same_options: bool) -> None:
    """Compare the events that are in both: by their sha or their content."""
    for key in before.keys() & after.keys():
        assert before[key] == after[key]
    if not same_options:
        return
    # Read in the same way, the same commit is never told in two ways.
    shas = {key[1]: row for key, row in before.items() if key[0] == "git.commit"}
    for key, row in after.items():
        if key[0] == "git.commit" and key[1] in shas:
            assert row == shas[key[1]]


def _hash(handle: int) -> str:
    """Hash what an open file holds, wherever its name has gone."""
    size = os.fstat(handle).st_size
    return hashlib.sha256(os.pread(handle, size, 0)).hexdigest()


def _rows(log: pt.Eventlog) -> Any:
    return log.opened.rows("SELECT seq, event_id, data::VARCHAR FROM log.main.eventlog")


EDITED = (
    [Commit(((b"a.py", "100644", b"1\n"),)), Commit(((b"a.py", "100644", b"2\n"),))],
    [[Amend(b"Better")], [Reset(1)], [Tag("v1")], [Commit(((b"b.py", "100644", b"3\n"),))]],
)


@settings(max_examples=max(settings.default.max_examples // 2, 1))
@given(st.tuples(
    histories(max_size=5, damaged=False),
    st.lists(histories(max_size=2, damaged=False), min_size=1, max_size=2),
))  # fmt: skip
def test_a_log_never_changes(steps) -> None:
    """Files stay as they are, byte for byte; open readers keep their rows; so do events."""
    never_changes(steps)


def test_a_log_never_changes_when_history_is_edited() -> None:
    """Amend, reset, tag, append: each makes another log, beside the one that was there."""
    never_changes(EDITED)


def _writes_in_place(self: LogStore, built: Path, manifest: Manifest, name: str = "current"):
    last = self.manifest()
    if last is not None:
        (self.folder / last.file).write_bytes(built.read_bytes())
        built = self.folder / last.file
        manifest = dataclasses.replace(manifest, file=last.file)
    return _PLACE(self, built, manifest, name)


def _appends(self: LogStore, wanted: Manifest | None):
    connection, manifest = _OPEN(self, wanted)
    with (self.folder / manifest.file).open("ab") as file:
        file.write(b"read\n")
    return connection, manifest


def _retells(name: str) -> str:
    # What stays is taken from the last log with its message in capitals.
    text = "SELECT seq AS n, event_type, timestamp, source_id, source_file, data, source"
    return _SQL(name).replace(text, text.replace(" data,", " upper(data)::JSON,"))


_PLACE, _OPEN, _SQL = LogStore.place, LogStore.open, build._sql


@pytest.mark.parametrize(
    "defect",
    [
        pytest.param((LogStore, "place", _writes_in_place), id="written in place"),
        pytest.param((LogStore, "open", _appends), id="written by reading"),
        pytest.param((build, "_sql", _retells), id="events retold"),
    ],
)
def test_control_a_log_that_changes_is_caught(defect: tuple) -> None:
    """The same check finds a log written in place, one that reading marks, an edited event."""
    with patched(defect), pytest.raises((AssertionError, duckdb.Error)):
        never_changes(EDITED)
