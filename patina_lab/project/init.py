"""Making a project's ``.patina/``."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from patina_lab.project.places import (
    ATTRIBUTES,
    DOMAINS,
    IGNORE,
    LOCAL_EVENTS,
    LOCAL_IGNORE,
    SCHEMA,
    SHARED_EVENTS,
)
from patina_lab.project.shown import Card
from patina_lab.project.write import create, locked, make_folder, work_tree

if TYPE_CHECKING:
    from pathlib import Path

    from patina_lab.sources.repository import Repository

SCHEMA_VERSION = 1

_FILES = {
    f"{SHARED_EVENTS}/.gitkeep": "",
    DOMAINS: '{\n  "domains": []\n}\n',
    SCHEMA: f"{SCHEMA_VERSION}\n",
    # An event file is the same bytes in every work tree, whatever core.autocrlf says.
    ATTRIBUTES: "shared/events/** -text\n",
    IGNORE: (
        "# private\n/local/\n# derived from events: delete at any time\n"
        "/data/\n/code.db\n/shared/**/*.db\n/shared/**/*.db-*\n/shared/**/*.duckdb\n"
        "/shared/**/*.duckdb.*\n/shared/**/*.usearch\n"
    ),
    # Ignores itself and all around it, also on a branch that has no .patina/.gitignore.
    LOCAL_IGNORE: "*\n",
}


@dataclass(frozen=True, repr=False)
class Initialised(Card):
    """What `init` made, and what was there already and stayed as it was.

    Parameters
    ----------
    root : Path
    created, present : tuple of str
        Paths inside the repository.
    """

    root: Path
    created: tuple[str, ...]
    present: tuple[str, ...]

    def facts(self) -> list[tuple[str, str]]:
        """Return what the repr shows."""
        said = [("project", self.root.name), ("created", ", ".join(self.created) or "nothing")]
        if self.present:
            said.append(("left as is", ", ".join(self.present)))
        if self.created:
            said.append(("next", "git add .patina && git commit -m 'Keep what we know'"))
        return said


def init(repository: Repository) -> Initialised:
    """Make the folders and files of ``.patina/`` that are not there yet.

    Nothing that exists is touched; a second call does nothing.  What is derived or private
    is ignored by files inside ``.patina/``: the project's own ``.gitignore`` stays as it is.

    Raises
    ------
    NoWorkTree
        The repository is bare.
    StoreError
        Something on the way is a link or a file, or the disk refuses.
    """
    root = work_tree(repository)
    created: list[str] = []
    present: list[str] = []
    with locked(repository.git_dir, "local"):
        make_folder(root, LOCAL_EVENTS)
        for path, text in _FILES.items():
            place = make_folder(root, path.rpartition("/")[0]) / path.rpartition("/")[2]
            done = present
            if not place.is_symlink():
                with contextlib.suppress(FileExistsError):
                    create(place, text.encode())
                    done = created
            done.append(path)
    return Initialised(root, tuple(created), tuple(present))


def make_local(repository: Repository) -> Path:
    """Return the folder of local event files, made if need be, and ignored by git.

    For who holds the lock ``local``.
    """
    root = work_tree(repository)
    folder = make_folder(root, LOCAL_EVENTS)
    ignore = root / LOCAL_IGNORE
    if not ignore.exists():
        with contextlib.suppress(FileExistsError):
            create(ignore, _FILES[LOCAL_IGNORE].encode())
    return folder
