"""Who writes: as git would say it, or as the caller says."""

from __future__ import annotations

import os
from dataclasses import dataclass

from patina_lab.errors import GitFailed, InvalidOption, NoAuthor
from patina_lab.sources.repository import Repository


@dataclass(frozen=True)
class Author:
    """A name, and an e-mail address that may be empty."""

    name: str
    email: str


def author_of(repository: Repository, told: str | None = None) -> Author:
    """Return who writes: `told`, else ``GIT_AUTHOR_NAME``, else git's ``user.name``.

    Parameters
    ----------
    told : str or None
        ``Name`` or ``Name <mail>``.

    Raises
    ------
    NoAuthor
        Nobody is named.  git would guess from the system; an event must not.
    """
    email = os.environ.get("GIT_AUTHOR_EMAIL") or setting(repository, "user.email") or ""
    if told is not None:
        name, _, address = told.partition("<")
        if not name.strip() or set("\n\r\0") & set(told):
            raise InvalidOption(f"The author {told!r} has no name.", "Write 'Ann' or 'Ann <mail>'.")
        return Author(name.strip(), address.strip().removesuffix(">") or email)
    name = os.environ.get("GIT_AUTHOR_NAME") or setting(repository, "user.name") or ""
    if not name.strip():
        raise NoAuthor(
            f"git does not know who writes in {repository.path} (user.name is not set).",
            "Set it: git config user.name 'Your Name', or give author=.",
        )
    return Author(name.strip(), email.strip())


def setting(repository: Repository, key: str) -> str | None:
    """Return a value of git's configuration, as it holds in this repository, or None."""
    try:
        out = repository.command("config", "--get", key)
    except GitFailed:
        return None
    return out.decode("utf-8", "replace").removesuffix("\n")
