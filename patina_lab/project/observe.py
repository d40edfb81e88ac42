"""Private notes: one event file each, in this user's ``.patina/local/events/``."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from patina_lab.errors import InvalidEvent, StoreError
from patina_lab.eventlog.times import Moment, begin_us
from patina_lab.events.event import Event
from patina_lab.events.identity import instant
from patina_lab.project.author import author_of
from patina_lab.project.domains import domain_names
from patina_lab.project.event_files import file_name, next_sequence, to_bytes
from patina_lab.project.init import make_local
from patina_lab.project.places import LOCAL_EVENTS
from patina_lab.project.shown import Card
from patina_lab.project.write import create, locked, sweep, work_tree
from patina_lab.sources.repository import Repository


@dataclass(frozen=True, repr=False)
class Note(Card):
    """A local event, and the file that it stands in.

    Parameters
    ----------
    event : Event
        Its `source_id` is the display id, such as ``loc_007``.
    sequence : int
    place : Path
    """

    event: Event
    sequence: int
    place: Path

    def facts(self) -> list[tuple[str, str]]:
        """Return what the repr shows."""
        event = self.event
        said = [("id", event.source_id), ("type", event.event_type)]
        said += [(k, _short(v)) for k, v in event.data.items() if v not in (None, [], "")]
        said += [("author", event.actor or ""), ("file", str(event.source_file))]
        return [*said, ("identity", event.event_id[:12])]


def _short(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def observe(
    repository: Repository,
    content: str,
    *,
    type: str | None = None,  # noqa: A002 - what the command line calls it
    domains: str | Iterable[str] = (),
    source_type: str = "manual",
    source_id: str | None = None,
    at: Moment | None = None,
    author: str | None = None,
) -> Note:
    """Write a private note; when this returns, no crash takes it away.

    Parameters
    ----------
    content : str
    type : str or None
        What kind of observation: pattern, decision, challenge, …
    domains : str or iterable of str
    source_type, source_id : str
        What it was seen in, such as ``commit`` and a sha.
    at : date, timestamp or None
        When; by default now.
    author : str or None
        Who; by default git's ``user.name``.

    Raises
    ------
    InvalidEvent, NoAuthor, NoWorkTree, StoreError
    """
    if not content.strip():
        raise InvalidEvent("An observation needs a text.", 'Write: observe("We validate input")')
    payload: dict[str, Any] = {"content": content}
    if type is not None:
        payload["observation_type"] = type
    payload["source_type"] = source_type
    if source_id is not None:
        payload["source_id"] = source_id
    if named := domain_names(domains):
        payload["domains"] = named
    return add_local(repository, "observation_captured", payload, at=at, author=author)


def add_local(
    repository: Repository,
    event_type: str,
    payload: Mapping[str, Any],
    *,
    at: Moment | None = None,
    author: str | None = None,
) -> Note:
    """Write a local event of any type, known or not; see `observe`."""
    work_tree(repository)
    who, when = author_of(repository, author).name, moment(at)
    with locked(repository.git_dir, "local"):
        folder = make_local(repository)
        sweep(folder)
        sequence = next_sequence(os.listdir(folder))  # noqa: PTH208 - also names that are no text
        while True:
            name = file_name(event_type, when, sequence)
            path = f"{LOCAL_EVENTS}/{name}"
            event = Event(event_type, when, f"loc_{sequence:03d}", dict(payload), path, who)
            content = to_bytes(event, sequence)
            # Another writer has the name only where locks do not hold; then the next is free.
            with contextlib.suppress(FileExistsError):
                create(folder / name, content)
                return Note(event, sequence, folder / name)
            sequence += 1


def moment(at: Moment | None) -> datetime:
    """Return the instant that is meant, in UTC; the clock's, in milliseconds, for None."""
    if at is not None:
        return instant(begin_us(at))
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def remove_local(repository: Repository, place: Path) -> None:
    """Take back a private note.  Nobody else has seen it, so its file is deleted."""
    from patina_lab.project.write import remove

    folder = work_tree(repository) / LOCAL_EVENTS
    if place.parent != folder:
        raise StoreError(f"{place} is no file of {folder}.", "Name a note of this project.")
    with locked(repository.git_dir, "local"):
        remove(place)
