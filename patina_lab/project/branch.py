"""Commits on branches by git's plumbing, so that nothing the user has is touched.

A temporary index, ``commit-tree`` and ``update-ref`` leave HEAD, the index, the checked-out
branch, the stash, the work tree and the configuration as they are, whatever state they are
in: dirty files, a detached HEAD, a rebase in progress, a linked work tree.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from patina_lab.errors import GitFailed
from patina_lab.project.author import Author, setting
from patina_lab.sources.repository import Repository

MAIN = ("main", "master", "trunk")
"""How main branches are called where no remote says it."""

_HOOKS = ("pre-commit", "prepare-commit-msg", "commit-msg", "post-commit", "reference-transaction")

# Of the user's configuration, what would run something, sign, or write beside the index.
_PLAIN = {
    "core.hooksPath": "/dev/null",
    "core.splitIndex": "false",
    "core.fsmonitor": "false",
    "core.untrackedCache": "false",
    "index.sparse": "false",
    "i18n.commitEncoding": "UTF-8",
}
_ENVIRONMENT = {
    "GIT_CONFIG_COUNT": str(len(_PLAIN)),
    **{f"GIT_CONFIG_KEY_{i}": key for i, key in enumerate(_PLAIN)},
    **{f"GIT_CONFIG_VALUE_{i}": value for i, value in enumerate(_PLAIN.values())},
}


@dataclass(frozen=True)
class Change:
    """What a commit does to one file: its new content, or None to delete it."""

    path: str
    content: bytes | None


def commit(
    repository: Repository,
    parent: str,
    change: Change,
    message: str,
    author: Author,
    seconds: int,
) -> str:
    """Write the commit that makes one change to `parent`; return its sha.  No ref moves.

    Parameters
    ----------
    parent : str
        The parent's sha.
    message : str
    author : Author
        Also the committer.
    seconds : int
        Its time, since 1970; the offset is UTC.  The same call gives the same sha.
    """
    with tempfile.TemporaryDirectory(prefix="patina-index-") as scratch:
        env = {"GIT_INDEX_FILE": str(Path(scratch) / "index"), **_ENVIRONMENT}

        def git(*args: str, stdin: bytes | None = None) -> str:
            out = repository.command(*args, stdin=stdin, environment=env)
            return out.decode().strip()

        git("read-tree", parent)
        entry = f"0 {'0' * len(parent)}\t{change.path}\0"
        if change.content is not None:
            # From standard input no filter and no line-ending rule changes the bytes.
            blob = git("hash-object", "-w", "-t", "blob", "--stdin", stdin=change.content)
            entry = f"100644 {blob}\t{change.path}\0"
        git("update-index", "-z", "--index-info", stdin=entry.encode())
        # In a partial clone the other files' objects may be elsewhere.
        tree = git("write-tree", "--missing-ok")
    # A date of few digits is taken for a time of day; "@" says that it is none.
    date = f"@{seconds} +0000"
    who = {
        f"GIT_{role}_{part}": value
        for role in ("AUTHOR", "COMMITTER")
        for part, value in (("NAME", author.name), ("EMAIL", author.email), ("DATE", date))
    }
    out = repository.command(
        *("commit-tree", "--no-gpg-sign", "-p", parent, "-F", "-", tree),
        stdin=message.encode(),
        environment={**who, **_ENVIRONMENT},
    )
    return out.decode().strip()


def make(repository: Repository, name: str, sha: str, author: Author, why: str) -> str:
    """Make a branch at a commit and return its name: `name`, or the next that is free."""
    number = 1
    while True:
        branch = name if number == 1 else f"{name}-{number}"
        try:
            _update(repository, branch, sha, "0" * len(sha), author, why)
        except GitFailed:
            if not _exists(repository, branch):
                raise
            number += 1
        else:
            return branch


def move(repository: Repository, branch: str, sha: str, old: str, author: Author, why: str) -> None:
    """Move a branch that nobody has checked out, if it is still at `old`."""
    _update(repository, branch, sha, old, author, why)


def _update(
    repository: Repository, branch: str, sha: str, old: str, author: Author, why: str
) -> None:
    who = {"GIT_COMMITTER_NAME": author.name, "GIT_COMMITTER_EMAIL": author.email}
    args = ("update-ref", "-m", why, f"refs/heads/{branch}", sha, old)
    repository.command(*args, environment={**who, **_ENVIRONMENT})


def _exists(repository: Repository, branch: str) -> bool:
    out = repository.command("for-each-ref", "--format=%(refname)", f"refs/heads/{branch}")
    return bool(out)


def tips(repository: Repository, *under: str) -> list[tuple[str, str]]:
    """Return ``(branch, sha)`` of the branches below these, such as ``refs/heads``.

    A fetched one is called as git calls it, such as ``origin/main``.
    """
    out = repository.command("for-each-ref", "--format=%(objectname) %(refname)", *under)
    rows = [line.split(" ", 1) for line in out.decode("utf-8", "surrogateescape").splitlines()]
    return [(re.sub("^refs/(heads|remotes)/", "", name), sha) for sha, name in rows]


def tip(repository: Repository, branch: str) -> str:
    """Return the commit of a branch of this clone or, where there is none, of a fetched one."""
    every = dict(tips(repository, "refs/remotes")) | dict(tips(repository, "refs/heads"))
    return every[branch]


def checked_out(repository: Repository) -> set[str]:
    """Return the branches that some work tree of the repository stands on."""
    out = repository.command("worktree", "list", "--porcelain").decode("utf-8", "surrogateescape")
    lines = (line.partition(" ") for line in out.splitlines())
    return {ref.removeprefix("refs/heads/") for key, _, ref in lines if key == "branch"}


def main_branch(repository: Repository) -> str:
    """Return what a proposal grows from: the remote's main branch where one is known, or HEAD.

    A branch made of a feature branch would bring the feature along.  A remote that was added
    by hand, or pushed to first, has no HEAD here: then the branch goes by its usual names.
    """
    for remote in _remotes(repository):
        for name in ("HEAD", *MAIN):
            ref = f"refs/remotes/{remote}/{name}"
            if repository.command("for-each-ref", "--format=%(objectname)", ref):
                return ref
    return "HEAD"


def _remotes(repository: Repository) -> list[str]:
    names = repository.command("remote").decode().split()
    return sorted(names, key=lambda name: (name != "origin", name))


def remote(repository: Repository) -> tuple[str, str] | None:
    """Return name and address of the remote to push to; None where there is none."""
    for name in _remotes(repository):
        return name, setting(repository, f"remote.{name}.url") or ""
    return None


def skipped(repository: Repository) -> Iterator[str]:
    """Say what a plain ``git commit`` would have done here, and plumbing did not."""
    folder = Path(repository.command("rev-parse", "--git-path", "hooks").decode().rstrip("\n"))
    here = [hook for hook in _HOOKS if (folder / hook).exists()]
    if here:
        yield f"hooks were not run: {', '.join(here)}"
    if (setting(repository, "commit.gpgSign") or "").lower() in ("true", "yes", "on", "1"):
        yield "the commit is not signed although commit.gpgSign is set"
