"""The events of a project as it is now: the team's of a commit, and this user's own.

Reading never follows a link, opens nothing that is no plain file, and takes nothing into
memory that is too large for an event.  What is no event is a `Problem`; the others load.
"""

from __future__ import annotations

import errno
import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from patina_lab.errors import EmptyRepository, UnknownName
from patina_lab.events.event import Event
from patina_lab.project.config import read_config
from patina_lab.project.event_files import sequence_of
from patina_lab.project.places import LOCAL_EVENTS
from patina_lab.sources.event_files import MAX_BYTES, EventFileSource
from patina_lab.sources.git_records import decode_path
from patina_lab.sources.repository import Objects, Repository
from patina_lab.sources.source import Problem, SourceFile

Scope = Literal["local", "shared"]


@dataclass(frozen=True)
class Found:
    """An event, where it was found, and how it is called.

    Parameters
    ----------
    event : Event
    scope : {"local", "shared"}
    label : str
        The display id; where several events have the same, ``evt_042-1``, ``evt_042-2``, …
        in the order of events.  The files stay as they are.
    """

    event: Event
    scope: Scope
    label: str

    @property
    def path(self) -> str:
        """Path of the file inside the repository."""
        return self.event.source_file or ""

    @property
    def name(self) -> str:
        """Name of the file."""
        return self.path.rpartition("/")[2]

    @property
    def sequence(self) -> int | None:
        """The number in the file's name; several events may have it."""
        return sequence_of(self.name)

    @property
    def text(self) -> str:
        """What the event says, in the words of who wrote it."""
        return first_text(self.event.event_type, self.event.data)


def first_text(event_type: str, data: Mapping[str, Any]) -> str:
    """Return the sentence that an event is about; its type where it says nothing."""
    for key in ("content", "decision", "belief", "pattern_name"):
        value = data.get(key)
        if isinstance(value, str):
            return value
    return event_type


def read_shared(
    repository: Repository, at: str = "HEAD", folder: str | None = None
) -> tuple[list[Found], list[Problem]]:
    """Read the event files of a commit's tree.

    Parameters
    ----------
    at : str
        The commit, as git names it.
    folder : str or None
        By default where the commit's own configuration says.

    Returns
    -------
    (events, problems)
        The events in their total order; none where HEAD has no commit yet.
    """
    try:
        sha = repository.resolve(at)
    except EmptyRepository:
        return [], []
    with Objects(repository) as objects:
        folder = folder or read_config(objects, sha)[0].events
        return _named(_in_tree(objects, objects.tree(sha, folder), folder), "shared")


def read_blobs(
    objects: Objects, files: Iterable[tuple[str, str, bytes]], folder: str
) -> tuple[list[Found], list[Problem]]:
    """Read the event files among ``(mode, blob, path)``; see `read_shared`."""
    return _named(_in_tree(objects, list(files), folder), "shared")


def read_local(repository: Repository) -> tuple[list[Found], list[Problem]]:
    """Read this user's own events; none where there is no work tree.

    They stand in files.  Those in the database of an earlier patina count too until they
    are migrated; one that stands in both is read from its file.
    """
    from patina_lab.project.migrate import not_migrated

    if repository.work_tree is None:
        return [], []
    found = list(_in_folder(repository.work_tree, LOCAL_EVENTS))
    have = {one.event_id for one in found if isinstance(one, Event)}
    for path, row in not_migrated(repository):
        if row.event.event_id not in have:
            have.add(row.event.event_id)
            found.append(replace(row.event, source_file=f"{path}#{row.name}"))
    return _named(found, "local")


def read_files(repository: Repository, folder: str) -> list[Found]:
    """Read the event files of a folder of the work tree, whether git knows them or not."""
    if repository.work_tree is None:
        return []
    return _named(_in_folder(repository.work_tree, folder), "local")[0]


def _in_tree(
    objects: Objects, files: Sequence[tuple[str, str, bytes]], folder: str
) -> Iterator[Event | Problem]:
    source = EventFileSource(folder)
    sizes = _sizes(objects, [oid for _, oid, _ in files])
    wanted = []
    for mode, oid, raw in files:
        path = decode_path(raw)
        if path == source.folder:
            yield _problem("not a folder", "Where event files belong is a file or a link.", path)
        elif source.wants(path):
            if sizes.get(oid, 0) > MAX_BYTES:
                yield _too_large(path, sizes[oid])
            else:
                wanted.append((mode, oid, path))
    # One blob may stand at several paths; each is a file of its own.
    for (mode, oid, path), (_, content) in zip(
        wanted, objects.blobs([oid for _, oid, _ in wanted]), strict=True
    ):
        if content is None:
            detail = f"The file's object {oid} is not in this clone."
            yield replace(_problem("missing object", detail, path), object_id=oid)
        else:
            yield from _events(source, SourceFile(path, content, mode == "120000"))


def _sizes(objects: Objects, oids: Sequence[str]) -> dict[str, int]:
    if not oids:
        return {}
    asked = "".join(f"{oid}\n" for oid in oids).encode()
    out = objects.run("cat-file", "--batch-check=%(objectname) %(objectsize)", stdin=asked)
    rows = [line.split() for line in out.decode().splitlines()]
    return {oid: int(size) for oid, size in rows if size != "missing"}


def _in_folder(root: Path, folder: str) -> Iterator[Event | Problem]:
    """Yield what stands in a folder of the work tree, without ever leaving it."""
    place = root
    for part in folder.split("/"):
        place /= part
        try:
            mode = place.lstat().st_mode
        except OSError as err:
            if err.errno not in (errno.ENOENT, errno.ENOTDIR):
                yield _problem("unreadable", f"{err.strerror}.", folder)
            return
        if not stat.S_ISDIR(mode):
            why = "symbolic link" if stat.S_ISLNK(mode) else "not a folder"
            yield _problem(why, f"{part} is no folder; it is not followed.", folder)
            return
    yield from _below(place, folder.encode(), EventFileSource(folder))


def _below(place: Path, folder: bytes, source: EventFileSource) -> Iterator[Event | Problem]:
    try:
        with os.scandir(os.fsencode(place)) as listed:
            entries = sorted(listed, key=lambda entry: entry.name)
    except OSError as err:
        yield _problem("unreadable", f"{err.strerror}.", decode_path(folder))
        return
    for entry in entries:
        raw = folder + b"/" + entry.name
        path = decode_path(raw)
        try:
            if entry.is_dir(follow_symlinks=False):
                yield from _below(Path(os.fsdecode(entry.path)), raw, source)
            elif source.wants(path):
                yield from _from_file(entry, path, source)
        except OSError as err:
            yield _problem("unreadable", f"{err.strerror}.", path)


def _from_file(
    entry: os.DirEntry[bytes], path: str, source: EventFileSource
) -> Iterator[Event | Problem]:
    if entry.is_symlink():
        yield from _events(source, SourceFile(path, b"", is_symlink=True))
        return
    # Neither a link nor a pipe that came in between is followed or waited for.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    with open(os.open(entry.path, flags), "rb") as file:  # noqa: PTH123 - of a handle
        told = os.fstat(file.fileno())
        if not stat.S_ISREG(told.st_mode):
            yield _problem("not a file", "It is a pipe or a device; it is not opened.", path)
        elif told.st_size > MAX_BYTES:
            yield _too_large(path, told.st_size)
        else:
            yield from _events(source, SourceFile(path, file.read(MAX_BYTES + 1)))


def _events(source: EventFileSource, file: SourceFile) -> Iterator[Event | Problem]:
    for one in source.read(file):
        if isinstance(one, Event | Problem):
            yield one


def _named(stream: Iterable[Event | Problem], scope: Scope) -> tuple[list[Found], list[Problem]]:
    events, problems = [], []
    for one in stream:
        if isinstance(one, Problem):
            problems.append(one)
        else:
            events.append(Found(one, scope, one.source_id))
    return labelled(events), problems


def labelled(events: Iterable[Found]) -> list[Found]:
    """Return events in their order, with labels that tell them apart."""
    ordered = sorted(events, key=lambda found: found.event.order)
    times = Counter(found.event.source_id for found in ordered)
    seen: Counter[str] = Counter()
    named = []
    for found in ordered:
        label = found.event.source_id
        if times[label] > 1:
            seen[label] += 1
            label = f"{label}-{seen[label]}"
        named.append(replace(found, label=label))
    return named


def find(events: Iterable[Found], told: str) -> Found:
    """Return the one event that `told` names.

    Parameters
    ----------
    told : str
        A display id (``evt_042``), a file's name or path, a number, or the beginning of an
        identity (seven characters or more).

    Raises
    ------
    UnknownName
        None has that name, or several; the sentence lists them.
    """
    every = list(events)
    wanted = told.strip().removeprefix("sha256:")
    tests = (
        lambda f: wanted in (f.label, f.path, f.name, f.name.removesuffix(".json")),
        lambda f: wanted == f.event.source_id,
        lambda f: wanted.isdigit() and f.sequence == int(wanted),
        lambda f: len(wanted) >= 7 and f.event.event_id.startswith(wanted),
    )
    for test in tests:
        hits = [f for f in every if test(f)]
        if len({f.event.event_id for f in hits}) == 1:
            return hits[0]
        if hits:
            listed = "; ".join(f"{f.label}: {f.name}" for f in hits)
            raise UnknownName(f"{told!r} names {len(hits)} events.", f"Say which: {listed}.")
    if not every:
        hint = "There is none here yet: patina-lab observe 'We validate input'"
        raise UnknownName(f"There is no event {told!r}.", hint)
    raise UnknownName.among("event", told, [f.label for f in every])


def _problem(reason: str, detail: str, path: str) -> Problem:
    return Problem(EventFileSource.name, reason, detail, source_file=path)


def _too_large(path: str, size: int) -> Problem:
    return _problem("too large", f"{size} bytes are more than an event file's {MAX_BYTES}.", path)
