"""Which event files there are: of a commit, of the work tree, of this clone alone.

Only names are gathered here.  A name is a path and a git blob, so that what is in a file
has to be read only where it was not read before.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from patina_lab.project.places import LOCAL_EVENTS
from patina_lab.sources.event_files import MAX_BYTES
from patina_lab.sources.git_records import decode_path
from patina_lab.sources.repository import Objects, Repository
from patina_lab.sources.worktree import LINK, blob_name, uncommitted

UNREADABLE = "unreadable"
"""Stands for the blob of a file that may not be read."""


@dataclass(frozen=True)
class EventFile:
    """An event file, by name.

    Parameters
    ----------
    path : str
        Inside the repository.
    blob : str
        Git's name for what is in it.
    layer : {"shared", "local"}
    is_link : bool
    uncommitted : bool
        Of the work tree, where the commit has another one or none.
    content : bytes or None
        Where it is in no commit; else it is read from the object store.
    """

    path: str
    blob: str
    layer: str
    is_link: bool = False
    uncommitted: bool = False
    content: bytes | None = None

    @property
    def state(self) -> tuple[str, str, bool, bool]:
        """What has to be the same for the file to be the same."""
        return self.blob, self.layer, self.is_link, self.uncommitted


def find_tree(objects: Objects, sha: str, folder: str) -> str | None:
    """Return the git name of a folder of a commit; None where it is not there."""
    return find_trees(objects, sha, folder)[0]


def find_trees(objects: Objects, sha: str, *paths: str) -> list[str | None]:
    """Return the git name of each path of a commit that is a folder.

    None where it is not there, ``""`` where it is something else.
    """
    asked = "".join(f"{sha}:{path}\n" for path in paths).encode()
    found: list[str | None] = []
    for line in objects.run("cat-file", "--batch-check", stdin=asked).splitlines():
        if line.endswith(b" missing"):
            found.append(None)
        else:
            oid, kind, *_ = line.decode().split(" ")
            found.append(oid if kind == "tree" else "")
    return found


def committed(objects: Objects, tree: str | None, folder: str) -> Iterator[EventFile]:
    """Yield the event files of a folder by the git name of its tree.

    Raises
    ------
    GitFailed
        A tree is missing here: to take its files for removed would be wrong.
    """
    if tree is None:
        return
    for record in objects.run("ls-tree", "-r", "-z", tree).split(b"\0")[:-1]:
        meta, name = record.split(b"\t", 1)
        mode, kind, blob = meta.decode().split(" ")
        if kind == "blob" and name.endswith(b".json"):
            path = decode_path(folder.encode() + b"/" + name)
            yield EventFile(path, blob, "shared", mode == "120000")


def changes(
    objects: Objects, before: str, after: str, folder: str
) -> Iterator[tuple[str, bool, EventFile | None]]:
    """Yield ``(path, was there, file or None)`` of what differs between two trees of a folder.

    Raises
    ------
    GitFailed
        One of the trees is not here (any more).
    """
    out = objects.run("diff-tree", "-r", "-z", "--no-renames", "--raw", before, after)
    words = out.split(b"\0")[:-1]
    for meta, name in zip(words[::2], words[1::2], strict=True):
        old, mode, _, blob, _ = meta.decode().lstrip(":").split(" ")
        if name.endswith(b".json"):
            path = decode_path(folder.encode() + b"/" + name)
            file = EventFile(path, blob, "shared", mode == "120000") if _is_file(mode) else None
            yield path, _is_file(old), file


def _is_file(mode: str) -> bool:
    return mode not in ("000000", "160000")


def with_work_tree(
    files: Mapping[str, EventFile], repository: Repository, folder: str
) -> dict[str, EventFile]:
    """Return committed files as the work tree has them, by path."""
    found = dict(files)

    def wants(path: str) -> bool:
        bare = path.strip('"')  # quoted where it is no UTF-8
        return bare.endswith(".json") and bare.startswith(folder + "/")

    for path, (name, content) in uncommitted(repository, wants, folder).items():
        if content is None:
            found.pop(path, None)
        else:
            link = name.endswith(LINK)
            blob = name.removesuffix(LINK)
            found[path] = EventFile(path, blob, "shared", link, True, content)
    return found


def local(repository: Repository) -> Iterator[EventFile]:
    """Yield the event files that only this clone has, below `LOCAL_EVENTS`.

    Neither a link nor a device is followed or opened, and no file is read that is too large.
    What the database of an earlier patina has is yielded as the files that it would become.
    """
    from patina_lab.project.migrate import not_migrated

    if repository.work_tree is None:
        return
    for place, row in not_migrated(repository):
        blob = blob_name(row.content, repository.object_format)
        yield EventFile(f"{place}#{row.name}", blob, "local", False, True, row.content)
    root = os.fsencode(repository.work_tree)
    top = os.path.join(root, *(os.fsencode(part) for part in LOCAL_EVENTS.split("/")))  # noqa: PTH118 - bytes
    if any(Path(os.fsdecode(top)).parents[n].is_symlink() for n in range(2)):
        return
    for below, folders, names in os.walk(top):
        folders.sort()
        for name in sorted(names):
            if name.endswith(b".json"):
                file = _local(os.path.join(below, name), root, repository.object_format)  # noqa: PTH118 - bytes
                if file is not None:
                    yield file


def _local(place: bytes, root: bytes, object_format: str) -> EventFile | None:
    path = decode_path(os.path.relpath(place, root).replace(os.sep.encode(), b"/"))
    try:
        seen = os.lstat(place)
        if stat.S_ISLNK(seen.st_mode):
            target = os.readlink(place)  # noqa: PTH115 - bytes
            return EventFile(path, blob_name(target, object_format), "local", True, True, target)
        if not stat.S_ISREG(seen.st_mode):
            return None
        # One byte more than is allowed is enough to be refused, and told apart by the size.
        with open(place, "rb") as file:  # noqa: PTH123 - bytes
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None  # taken away since the folder was listed
    except OSError:
        return EventFile(path, UNREADABLE, "local", False, True)
    blob = blob_name(content, object_format)
    return EventFile(path, blob, "local", False, True, content)
