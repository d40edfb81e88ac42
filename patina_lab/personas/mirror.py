"""Copying the event files of one project into the persona's folder, and nothing back.

::

    event_log/from-<project>/
        shared-events/…     the event files of the tree of HEAD, byte for byte
        local-events/…      this user's own, from the work tree
        state.json          which blob each copy is

What is copied is the difference between two trees, not what comes after a last file name:
an edit, a revert and a rewritten history reach the persona as well.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from patina_lab.errors import EmptyRepository
from patina_lab.personas.registry import replace_file
from patina_lab.project.config import read_config
from patina_lab.project.places import LOCAL_EVENTS
from patina_lab.sources.event_files import MAX_BYTES
from patina_lab.sources.git_records import decode_path
from patina_lab.sources.repository import Objects, open_repository
from patina_lab.sources.source import Problem

SCOPES = ("shared", "local")

_LONGEST = 255
"""Bytes of a file name that every file system takes."""


@dataclass(frozen=True)
class Mirrored:
    """What one reading of a project changed in its mirror.

    Parameters
    ----------
    project : str
    source_sha : str or None
        The commit whose tree was read; None before the first commit.
    new, changed, removed, kept : int
        Event files.
    problems : tuple of Problem
        What was not copied, and why.
    """

    project: str
    source_sha: str | None
    new: int
    changed: int
    removed: int
    kept: int
    problems: tuple[Problem, ...] = ()


def folder_of(persona: Path, project: str) -> Path:
    """Return the folder of a project's copies."""
    return persona / "event_log" / f"from-{project}"


def mirror(persona: Path, project: str, path: str) -> Mirrored:
    """Bring the copies of a project's event files up to date.

    Parameters
    ----------
    persona : Path
        The persona's folder; the caller holds its lock.
    project : str
        Name in the registry.
    path : str
        Where the project lies.

    Raises
    ------
    NotARepository
        The project is not there; its copies are kept as they are.
    """
    folder = folder_of(persona, project)
    had = _state(folder)
    problems: list[Problem] = []
    wanted: dict[str, str] = {}
    contents: dict[str, bytes] = {}
    sha = None
    repository = open_repository(path)
    with Objects(repository) as objects:
        try:
            sha = repository.resolve("HEAD")
        except EmptyRepository:
            shared: dict[str, str] = {}
        else:
            events = read_config(objects, sha)[0].events.strip("/")
            shared = _shared(objects, sha, events, problems)
            if objects.absent:
                # The tree is not known whole: what it does not show may still be in it.
                shared = {**{k: v for k, v in had.items() if k.startswith("shared-")}, **shared}
        wanted.update(shared)
        missing = {key: oid for key, oid in shared.items() if had.get(key) != oid}
        for (key, oid), (_, content) in zip(
            missing.items(), objects.blobs(missing.values()), strict=True
        ):
            if content is not None:
                contents[key] = content
                continue
            problems.append(_problem("missing object", f"The blob {oid} is not here.", key))
            del wanted[key]
            if key in had:
                wanted[key] = had[key]
    if repository.work_tree is not None:
        for key, content in _local(repository.work_tree, problems):
            wanted[key] = hashlib.sha256(content).hexdigest()
            contents[key] = content
    return _apply(folder, project, sha, had, wanted, contents, problems)


def _apply(
    folder: Path,
    project: str,
    sha: str | None,
    had: dict[str, str],
    wanted: dict[str, str],
    contents: dict[str, bytes],
    problems: list[Problem],
) -> Mirrored:
    """Write and remove copies, and then, last of all, what is known of them."""
    there = set(_copies(folder))
    new = changed = 0
    for key, blob in sorted(wanted.items()):
        if had.get(key) == blob and key in there:
            continue
        if key not in contents:
            # The copy was removed by hand; the next reading fetches it.
            problems.append(_problem("copy is gone", "Run the sync again.", key))
            had.pop(key, None)
            continue
        place = folder / key
        place.parent.mkdir(parents=True, exist_ok=True)
        replace_file(place, contents[key])
        new += key not in had
        changed += key in had
    gone = sorted(there - set(wanted))
    for key in gone:
        (folder / key).unlink()
    removed = len(set(had) - set(wanted))
    known = {key: blob for key, blob in wanted.items() if key in contents or key in had}
    if known != had or new or gone:
        folder.mkdir(parents=True, exist_ok=True)
        state = {"source_sha": sha, "files": known}
        text = json.dumps(state, indent=1, sort_keys=True) + "\n"
        replace_file(folder / "state.json", text.encode())
    return Mirrored(
        project, sha, new, changed, removed, len(wanted) - new - changed, tuple(problems)
    )


def _state(folder: Path) -> dict[str, str]:
    """Return key -> blob of the copies; empty where that is not known: then all is copied."""
    try:
        found = json.loads((folder / "state.json").read_text("utf-8"))["files"]
        return {str(key): str(blob) for key, blob in found.items()} if found else {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _copies(folder: Path) -> Iterator[str]:
    for scope in SCOPES:
        for place in sorted((folder / f"{scope}-events").rglob("*.json")):
            yield place.relative_to(folder).as_posix()


def _shared(objects: Objects, sha: str, events: str, problems: list[Problem]) -> dict[str, str]:
    """Return key -> blob of the event files in the tree of a commit."""
    found = {}
    for mode, oid, raw in objects.tree(sha):
        path = decode_path(raw)
        if not path.startswith(events + "/") or not path.endswith(".json"):
            continue
        key = _key("shared", path.removeprefix(events + "/"))
        if mode == "120000":
            problems.append(_problem("symbolic link", "Links are not followed.", path))
        elif key is None:
            problems.append(_problem("unsafe name", "The name leads out of the folder.", path))
        else:
            found[key] = oid
    return found


def _local(work_tree: Path, problems: list[Problem]) -> Iterator[tuple[str, bytes]]:
    """Yield (key, content) of the user's own event files; links are not followed."""
    top = work_tree / LOCAL_EVENTS
    for part in (top, *top.parents):
        if part == work_tree:
            break
        if part.is_symlink():
            shown = part.relative_to(work_tree).as_posix()
            problems.append(_problem("symbolic link", "Links are not followed.", shown))
            return
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except FileNotFoundError:
            continue
        except OSError as err:
            problems.append(_problem("unreadable", f"{err.strerror}.", str(folder)))
            continue
        for entry in entries:
            shown = Path(entry.path).relative_to(top).as_posix()
            if entry.is_dir(follow_symlinks=False):
                waiting.append(Path(entry.path))
            elif entry.name.endswith(".json") and not entry.name.startswith("."):
                content = _content(entry, shown, problems)
                key = _key("local", shown)
                if content is not None and key is not None:
                    yield key, content


def _content(entry: os.DirEntry[str], shown: str, problems: list[Problem]) -> bytes | None:
    if entry.is_symlink():
        problems.append(_problem("symbolic link", "Links are not followed.", shown))
        return None
    try:
        about = entry.stat(follow_symlinks=False)
        if not stat.S_ISREG(about.st_mode):
            problems.append(_problem("no file", "It is a pipe, a socket or a device.", shown))
            return None
        if about.st_size > MAX_BYTES:
            said = f"{about.st_size:,} bytes are more than an event file's {MAX_BYTES:,}."
            problems.append(_problem("too large", said, shown))
            return None
        return Path(entry.path).read_bytes()
    except OSError as err:
        problems.append(_problem("unreadable", f"{err.strerror}.", shown))
        return None


def _key(scope: str, path: str) -> str | None:
    """Return the path of a copy below the project's folder; None for a name that is not safe."""
    parts = PurePosixPath(path).parts
    sound = all(
        part not in (".", "..", "/") and "\0" not in part and len(os.fsencode(part)) <= _LONGEST
        for part in parts
    )
    return f"{scope}-events/{path}" if sound and parts and not path.startswith("/") else None


def _problem(reason: str, detail: str, path: str) -> Problem:
    return Problem("persona", reason, detail, source_file=path)
