"""The only file that knows where things lie: ``.patina/`` in a project, ``~/.patina`` of a user.

::

    <project>/.patina/
        .gitignore                what is private or derived
        .gitattributes            event files have the same bytes on every system
        shared/                   committed, changed by pull requests
            events/               one JSON file an event
            domains.manifest      the domains that the project declares
            schema.version        version of this layout
        local/                    this user's; holds a .gitignore that ignores all of it
            events/               the same format, not committed
    <git directory>/patina/*.lock one for each place that several processes write
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

SHARED_EVENTS = ".patina/shared/events"
"""Event files that the team committed, inside a repository."""

OXIDIZE_META = "oxidize_meta"
"""The relation, and the file, that say which recipe made which table."""

DOMAINS = ".patina/shared/domains.manifest"
"""The domains that a project declares, inside a repository."""

SCHEMA = ".patina/shared/schema.version"
"""The version of the layout of ``.patina/``, inside a repository."""

LOCAL = ".patina/local"
"""What belongs to one user of a repository, and is never committed."""

LOCAL_EVENTS = ".patina/local/events"
"""This user's own event files, inside a repository; git ignores them."""

LEGACY = (
    ".patina/local/event_log.db",
    ".patina/local/local.observations.db",
    ".patina/local/observations.db",
    ".patina/data/observations.db",
)
"""Where an earlier patina kept its SQLite databases, inside a repository."""

IGNORE = ".patina/.gitignore"
ATTRIBUTES = ".patina/.gitattributes"
LOCAL_IGNORE = ".patina/local/.gitignore"

SESSIONS = "layer/sessions/*.md"
"""Session notes, inside a repository."""

RECIPES = (".patina/oxidize.yaml", "oxidize.yaml")
"""Where a project's recipe lies, inside a repository; the first one found is taken."""


def home() -> Path:
    """Return the user's own folder: ``PATINA_HOME``, or ``~/.patina``."""
    told = os.environ.get("PATINA_HOME")
    return Path(told).expanduser() if told else Path.home() / ".patina"


def persona_folder(home: Path) -> Path:
    """Return the folder of what a user knows across projects."""
    return home / "persona"


def vectors_folder(home: Path) -> Path:
    """Return the folder of vectors of texts; it can be deleted at any time."""
    return home / "vectors"


def lock_file(git_dir: Path, what: str) -> Path:
    """Return the lock for what several processes write: ``local`` or ``shared``.

    The same path as ``git rev-parse --git-path patina/<what>.lock``: inside the git
    directory, where ``git clean`` does not delete it while it is held.
    """
    return git_dir / "patina" / f"{what}.lock"


def log_folder(git_dir: Path, name: str, at: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder of a repository's log, below `at` or :func:`home`.

    Nothing is ever written into a repository: two work trees of one repository have two
    git directories and so two logs, and a log can be deleted at any time.
    """
    key = hashlib.sha256(os.fsencode(git_dir.resolve())).hexdigest()[:12]
    readable = "".join(c if c.isalnum() or c in "-_." else "-" for c in name)[:40]
    base = home() if at is None else Path(at).expanduser()
    return base / "logs" / f"{readable}-{key}"
