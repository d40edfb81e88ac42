"""Files that a crash cannot tear, and that no second writer can overwrite.

A file appears whole or not at all::

    temporary file -> write -> fsync -> link to its name -> unlink temporary -> fsync folder

Once `create` returns, the file survives the loss of power.  ``link`` is a rename that
refuses to replace: should the lock ever fail (a network file system without locks), the
second writer of a name is told so, and nobody's event is lost.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patina_lab.errors import NoWorkTree, StoreError, StoreFull
from patina_lab.project.places import lock_file

if TYPE_CHECKING:
    from patina_lab.sources.repository import Repository

TEMPORARY = ".patina-new-"
"""Beginning of the names of files that are being written."""

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)


def work_tree(repository: Repository) -> Path:
    """Return the root of the work tree.

    Raises
    ------
    NoWorkTree
        The repository is bare.
    """
    if repository.work_tree is None:
        raise NoWorkTree(
            f"{repository.path} is a bare repository: nobody works in it.",
            "Clone it, and write there.",
        )
    return repository.work_tree


@contextlib.contextmanager
def locked(git_dir: Path, what: str, timeout: float = 60) -> Iterator[None]:
    """Hold the lock for ``local`` or ``shared`` events; the system frees it when we die.

    Raises
    ------
    StoreError
        Another process held it for `timeout` seconds, or it cannot be made.
    """
    import filelock

    place = lock_file(git_dir, what)
    try:
        place.parent.mkdir(exist_ok=True)
        held = filelock.FileLock(place, timeout=timeout, poll_interval=0.01)
        held.acquire()
    except filelock.Timeout as err:
        raise StoreError(
            f"Another process has been writing {what} events for {timeout:g} s ({place}).",
            "See who holds the file with: fuser -v " + str(place),
        ) from err
    except OSError as err:
        raise _refused(place, err) from err
    try:
        yield
    finally:
        held.release()


def make_folder(root: Path, relative: str, *, disk: Any = os) -> Path:
    """Make the folder `relative` below `root`, durably, and return it.

    No part of it may be a symbolic link: what is written would land somewhere else.

    Every folder on the way is synced, also one that is already here: who made it may have
    died before its own sync.

    Raises
    ------
    StoreError
        A part is a link or a file, or cannot be made.
    """
    place = root
    for part in relative.split("/"):
        above, place = place, place / part
        try:
            with contextlib.suppress(FileExistsError):
                disk.mkdir(place, 0o777)
            mode = disk.lstat(place).st_mode
            if not stat.S_ISDIR(mode):
                what = "a symbolic link" if stat.S_ISLNK(mode) else "no folder"
                raise StoreError(
                    f"{place} is {what}, so nothing is written there.", "Move it out of the way."
                )
            _sync(above, disk)
        except OSError as err:
            raise _refused(place, err) from err
    return place


def create(place: Path, content: bytes, *, disk: Any = os) -> None:
    """Write a new file; when this returns, it is on the disk, whole.

    Parameters
    ----------
    place : Path
        In a folder that `make_folder` made.
    content : bytes
    disk : module
        What the file is written with: `os`, or in a test something that remembers which
        of it survives a crash.

    Raises
    ------
    FileExistsError
        There is a file of that name; it was left alone.
    StoreError, StoreFull
        Nothing is promised: neither that the file is there, nor that it is not.
    """
    temporary = _write_aside(place, content, 0o666, disk)
    try:
        try:
            disk.link(temporary, place)
        except FileExistsError:
            raise
        except OSError as err:
            if err.errno not in _NO_LINKS:
                raise
            # A file system without hard links: the lock alone keeps writers apart.
            if os.path.lexists(place):
                raise FileExistsError(errno.EEXIST, "exists", str(place)) from err
            disk.replace(temporary, place)
        else:
            disk.unlink(temporary)
        _sync(place.parent, disk)
    except FileExistsError:
        disk.unlink(temporary)
        raise
    except OSError as err:
        raise _refused(place, err) from err


def replace(place: Path, content: bytes, *, disk: Any = os) -> None:
    """Put `content` in place of a file, keeping its permissions; a reader sees old or new."""
    temporary = _write_aside(place, content, stat.S_IMODE(disk.lstat(place).st_mode), disk)
    try:
        disk.replace(temporary, place)
        _sync(place.parent, disk)
    except OSError as err:
        raise _refused(place, err) from err


def remove(place: Path, *, disk: Any = os) -> None:
    """Delete a file; when this returns, it stays deleted."""
    try:
        disk.unlink(place)
        _sync(place.parent, disk)
    except OSError as err:
        raise _refused(place, err) from err


def sweep(folder: Path) -> None:
    """Delete what killed writers left unfinished.  Only for who holds the folder's lock."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(TEMPORARY) and entry.is_file(follow_symlinks=False):
                Path(entry.path).unlink(missing_ok=True)


def _write_aside(place: Path, content: bytes, mode: int, disk: Any) -> Path:
    temporary = place.with_name(TEMPORARY + uuid.uuid4().hex[:12])
    try:
        handle = disk.open(temporary, _NEW, mode)
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[disk.write(handle, rest) :]
            # A failed fsync is never tried again: the kernel may have dropped the pages and
            # would call the second one a success (Rebello et al., USENIX ATC 2020).
            disk.fsync(handle)
        finally:
            disk.close(handle)
    except OSError as err:
        with contextlib.suppress(OSError):
            disk.unlink(temporary)
        raise _refused(place, err) from err
    return temporary


def _sync(folder: Path, disk: Any) -> None:
    handle = disk.open(folder, os.O_RDONLY)
    try:
        disk.fsync(handle)
    finally:
        disk.close(handle)


def _refused(place: Path, err: OSError) -> StoreError:
    why = err.strerror or type(err).__name__
    if err.errno in _NO_SPACE:
        return StoreFull(f"{place} cannot be written: {why}.", "Make room on the disk.")
    return StoreError(f"{place} cannot be written: {why}.", "Nothing was acknowledged; try again.")
