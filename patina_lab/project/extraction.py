"""What became of the sessions and commits that observations were drawn from.

A source is gone where the commit that is materialized does not have it any more: a session
note is not in its tree, a commit not in its history.  The modification time of a file says
nothing (switching branches and back makes a new one), so a source is known by its blob.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from patina_lab.errors import GitFailed
from patina_lab.sources.repository import Objects

Found = tuple[str, str, str | None, bool]
"""(source_type, source_id, blob or commit, whether it is gone)."""


def look_up(
    objects: Objects, sha: str, sources: Sequence[tuple[str, str]], work_tree: Path | None
) -> tuple[list[Found], bool]:
    """Say of each source whether a commit still has it.

    Parameters
    ----------
    objects : Objects
    sha : str
        The commit.
    sources : sequence of (source_type, source_id)
        ``session`` with a path inside the repository, ``commit`` with a full name.  Others,
        such as the id of a session, are no names of git objects and are left out.
    work_tree : Path or None
        Where a note may lie that was not committed yet.

    Returns
    -------
    found : list of (source_type, source_id, oid or None, gone)
    in_work_tree : bool
        Whether one of them is in no commit, so that only the disk can tell when it goes.
    """
    length = 40 if objects.repository.object_format == "sha1" else 64
    notes = [s for kind, s in sources if kind == "session" and _is_path(s)]
    commits = [
        s for kind, s in sources if kind == "commit" and re.fullmatch(f"[0-9a-f]{{{length}}}", s)
    ]
    found: list[Found] = []
    in_work_tree = False
    for note, oid in zip(notes, _present(objects, [f"{sha}:{n}" for n in notes]), strict=True):
        loose = oid is None and work_tree is not None and (work_tree / note).is_file()
        in_work_tree |= loose
        found.append(("session", note, oid, oid is None and not loose))
    here = [c for c, oid in zip(commits, _present(objects, commits), strict=True) if oid]
    reached = _reached(objects, sha, here)
    # A shallow clone cannot tell what is gone from what it never had.
    unknown = bool(objects.shallow) or reached is None
    for commit in commits:
        there = reached is not None and commit in reached
        found.append(("commit", commit, commit if there else None, not there and not unknown))
    return found, in_work_tree


def _is_path(text: str) -> bool:
    plain = not re.search(r"[\0\n\r\\]", text) and not text.startswith(("/", "./", "../", '"'))
    return plain and ".." not in text.split("/") and ("/" in text or text.endswith(".md"))


def _present(objects: Objects, names: list[str]) -> list[str | None]:
    """Return the object of each name; None where there is none."""
    if not names:
        return []
    said = objects.run("cat-file", "--batch-check", stdin="".join(f"{n}\n" for n in names).encode())
    return [
        None if line.endswith((b" missing", b" ambiguous")) else line.split(b" ", 1)[0].decode()
        for line in said.split(b"\n")[:-1]
    ]


def _reached(objects: Objects, sha: str, commits: list[str]) -> set[str] | None:
    """Return those of `commits` that `sha` reaches; None where that cannot be said here."""
    if not commits:
        return set()
    asked = "".join(f"{name}\n" for name in [*commits, f"^{sha}"])
    try:
        beside = objects.run("rev-list", "--stdin", stdin=asked.encode()).decode().split()
    except GitFailed:
        return None
    return set(commits) - set(beside)
