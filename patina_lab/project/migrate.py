"""Migration: the events of an earlier patina's SQLite database become event files, once."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from patina_lab.errors import EmptyRepository, InvalidOption
from patina_lab.events.event import Event
from patina_lab.project.database import Row, read_database
from patina_lab.project.event_files import file_name, next_sequence, to_bytes
from patina_lab.project.init import make_local
from patina_lab.project.places import LEGACY, LOCAL_EVENTS, SHARED_EVENTS
from patina_lab.project.read import read_files, read_shared
from patina_lab.project.shown import Card
from patina_lab.project.write import create, locked, make_folder, sweep, work_tree
from patina_lab.sources.repository import Repository
from patina_lab.sources.source import Problem


@dataclass(frozen=True, repr=False)
class Migrated(Card):
    """What a migration did.

    Parameters
    ----------
    database : str
        Name of the file.
    files : tuple of str
        Event files that were written, as paths inside the repository.
    present : int
        Events that stood in a file already.
    by_type : Counter
        Of the files that were written.
    problems : tuple of Problem
        Rows that are no event; they stay in the database.
    """

    database: str
    files: tuple[str, ...]
    present: int
    by_type: Counter[str]
    problems: tuple[Problem, ...]

    def facts(self) -> list[tuple[str, str]]:
        """Return what the repr shows."""
        types = ", ".join(f"{name} {n:,}" for name, n in self.by_type.most_common())
        said = [("from", self.database), ("files", f"+{len(self.files):,}")]
        said += [("types", types)] if types else []
        said.append(("there already", f"{self.present:,}"))
        said += [("left out", f"{p.source_id}: {p.detail}") for p in self.problems[:10]]
        if len(self.problems) > 10:
            said.append(("left out", f"and {len(self.problems) - 10:,} more"))
        return said

    def to_json(self) -> dict[str, Any]:
        """Return the result as a JSON value."""
        return {
            "database": self.database,
            "files": list(self.files),
            "present": self.present,
            "by_type": dict(self.by_type),
            "problems": [{"row": p.source_id, "detail": p.detail} for p in self.problems],
        }


def migrate(
    repository: Repository,
    database: Path,
    *,
    to: Literal["local", "shared"] = "local",
) -> Migrated:
    """Write the events of an SQLite database as event files.

    The same database gives the same files, byte for byte, and an event that stands in a
    file already, of this clone or of the team, is not written again: running it twice,
    or once more after it was killed, adds nothing twice.  The database is only read.

    Parameters
    ----------
    repository : Repository
    database : Path
        See `patina_lab.project.database` for the tables that are known.
    to : {"local", "shared"}
        This clone's own folder; or the team's, in the work tree, for you to commit.

    Returns
    -------
    Migrated

    Raises
    ------
    InvalidOption, NoWorkTree, StoreError, StoreFull
    """
    if to not in ("local", "shared"):
        raise InvalidOption(f"There is no folder {to!r}.", "Use local or shared.")
    root = work_tree(repository)
    rows, problems = read_database(database)
    with locked(repository.git_dir, to):
        folder = make_local(repository) if to == "local" else make_folder(root, SHARED_EVENTS)
        sweep(folder)
        inside = LOCAL_EVENTS if to == "local" else SHARED_EVENTS
        have, names = _present(repository)
        new = [
            row
            for row in rows
            if row.event.event_id not in have
            # A row that was made of a file that is here has lost some of it.
            and (row.event.source_file or "").rpartition("/")[2] not in names
        ]
        written = [_write(folder, inside, row) for row in new]
    return Migrated(
        database.name,
        tuple(event.source_file or "" for event in written),
        len(rows) - len(new),
        Counter(event.event_type for event in written),
        tuple(problems),
    )


def _present(repository: Repository) -> tuple[set[str], set[str]]:
    """Return identities and file names of all events that stand in files, committed or not."""
    found = read_files(repository, LOCAL_EVENTS) + read_files(repository, SHARED_EVENTS)
    with contextlib.suppress(EmptyRepository):
        found += read_shared(repository)[0]
    return {one.event.event_id for one in found}, {one.name for one in found}


def _write(folder: Path, inside: str, row: Row) -> Event:
    """Write one file; where another event has its name, under the next number."""
    name, content = row.name, row.content
    while True:
        try:
            create(folder / name, content)
        except FileExistsError:
            sequence = next_sequence([*os.listdir(folder), name])  # noqa: PTH208 - names only
            name = file_name(row.event.event_type, row.event.timestamp, sequence)
            content = to_bytes(row.event, sequence)
        else:
            return replace(row.event, source_file=f"{inside}/{name}")


def is_of_database(path: str) -> bool:
    """Whether an event stands in no file but in the database of an earlier patina."""
    return path.startswith(tuple(f"{place}#" for place in LEGACY))


def not_migrated(repository: Repository) -> Iterator[tuple[str, Row]]:
    """Yield ``(database, row)`` of the databases that lie where an earlier patina kept them.

    They are read beside the event files until they are migrated and deleted.  What is no
    database, or is being written, is left for `migrate` to complain about.
    """
    if repository.work_tree is None:
        return
    for path in LEGACY:
        place = repository.work_tree / path
        if place.is_file() and not place.is_symlink():
            with contextlib.suppress(InvalidOption):
                for row in read_database(place)[0]:
                    yield path, row
