"""The only file that knows where things lie: ``.patina/`` in a project, ``~/.patina`` of a user."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

SHARED_EVENTS = ".patina/shared/events"
"""Event files that the team committed, inside a repository."""

LOCAL_EVENTS = ".patina/local/events"
"""Event files that only this clone has; git ignores them."""

SESSIONS = "layer/sessions/*.md"
"""Session notes, inside a repository."""

RECIPES = (".patina/oxidize.yaml", "oxidize.yaml")
"""Where a project's recipe lies, inside a repository; the first one found is taken."""


def home() -> Path:
    """Return the user's own folder: ``PATINA_HOME``, or ``~/.patina``."""
    told = os.environ.get("PATINA_HOME")
    return Path(told).expanduser() if told else Path.home() / ".patina"


def log_folder(git_dir: Path, name: str, at: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder of a repository's log, below `at` or :func:`home`.

    Nothing is ever written into a repository: two work trees of one repository have two
    git directories and so two logs, and a log can be deleted at any time.
    """
    key = hashlib.sha256(os.fsencode(git_dir.resolve())).hexdigest()[:12]
    readable = "".join(c if c.isalnum() or c in "-_." else "-" for c in name)[:40]
    base = home() if at is None else Path(at).expanduser()
    return base / "logs" / f"{readable}-{key}"
