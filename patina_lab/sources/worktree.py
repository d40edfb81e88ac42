"""What the work tree holds that the commit does not: files changed, added, removed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from patina_lab.sources.git_records import decode_path
from patina_lab.sources.repository import Repository

LINK = ":link"
"""Ends the name of a blob that is the target of a symbolic link."""


def uncommitted(
    repository: Repository, wants: Callable[[str], bool], *below: str
) -> dict[str, tuple[str, bytes | None]]:
    """Return the wanted files of the work tree that are not as HEAD has them.

    Parameters
    ----------
    repository : Repository
        With a work tree.
    wants : callable
        Whether a path is to be read.
    *below : str
        Look into these folders of the repository only.

    Returns
    -------
    dict
        path -> (blob name, content); content is None where the file was deleted.  Links are
        not followed: the blob's name ends in `LINK`, and the content is the target.
    """
    assert repository.work_tree is not None
    out = repository.command(
        f"--work-tree={repository.work_tree}", "status", "--porcelain=v1", "-z",
        "--untracked-files=all", "--no-renames",
        *(("--", *(f":(top,literal){folder}" for folder in below)) if below else ()),
    )  # fmt: skip
    changed: dict[str, tuple[str, bytes | None]] = {}
    for record in out.split(b"\0"):
        raw = record[3:]
        path = decode_path(raw)
        if not raw or not wants(path):
            continue
        place = Path(
            repository.work_tree,
            *[part.decode("utf-8", "surrogateescape") for part in raw.split(b"/")],
        )
        if place.is_symlink():
            content: bytes | None = bytes(place.readlink())
            link = LINK
        else:
            content = place.read_bytes() if place.is_file() else None
            link = ""
        blob = "" if content is None else blob_name(content, repository.object_format) + link
        changed[path] = (blob, content)
    return changed


def blob_name(content: bytes, object_format: str) -> str:
    """Return the name that git gives to a blob, in ``sha1`` or ``sha256``.

    Examples
    --------
    >>> blob_name(b"", "sha1")
    'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'
    """
    algorithm = hashlib.new(object_format, usedforsecurity=False)
    algorithm.update(b"blob %d\0" % len(content))
    algorithm.update(content)
    return algorithm.hexdigest()
