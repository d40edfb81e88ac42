"""Which projects a persona knows: one small file, replaced as a whole.

A project is known again by its first commits and its remote, not by its path: folders are
moved, and one project is cloned to several machines.  What was scanned when is kept beside
it, one line a scan, and is the only place where the clock of this machine is told.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from patina_lab.errors import (
    EmptyRepository,
    GitFailed,
    InvalidOption,
    StoreError,
    UnknownName,
)
from patina_lab.eventlog.store import translated
from patina_lab.sources.repository import Objects, Repository, open_repository

_NAME = re.compile(r"[\w][\w.-]{0,63}")


@dataclass(frozen=True)
class Project:
    """A project that the persona reads.

    Parameters
    ----------
    name : str
        Unique in the registry; part of a folder's name.
    path : str
        Absolute path of the work tree, or of the bare repository.
    first_seen : str
        When it was registered, ISO 8601 in UTC.
    git_remote : str or None
        URL of ``origin``, without credentials.
    roots : tuple of str
        First commits of its history, sorted; empty for a shallow clone, and before the first.
    """

    name: str
    path: str
    first_seen: str
    git_remote: str | None = None
    roots: tuple[str, ...] = ()

    @property
    def is_here(self) -> bool:
        """Whether there is still a folder at its path."""
        return Path(self.path).is_dir()

    def is_same(self, other: Project) -> bool:
        """Whether both have one history, told by the first commits and the remote.

        A clone of the other's folder has it as its remote.
        """
        if not self.roots or self.roots != other.roots:
            return False
        return (
            self.git_remote == other.git_remote
            or _leads_to(self.git_remote, other.path)
            or _leads_to(other.git_remote, self.path)
        )


@dataclass(frozen=True)
class Scan:
    """One reading of one project.

    Parameters
    ----------
    project : str
    scanned_at : str
        ISO 8601 in UTC.
    source_sha : str or None
        The commit whose tree was read; None where the project was not there.
    new, changed, removed : int
        Event files that came, changed and went.
    """

    project: str
    scanned_at: str
    source_sha: str | None
    new: int
    changed: int
    removed: int


class Registry:
    """The projects of one persona, in the folder of that persona.

    Parameters
    ----------
    folder : Path
        ``PATINA_HOME/persona``; made when something is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = folder / "projects.registry"
        self._scans = folder / "scan_history.jsonl"

    # -- reading -----------------------------------------------------------------------

    def projects(self) -> list[Project]:
        """Return the known projects, by name.

        Raises
        ------
        StoreError
            The registry cannot be read.
        """
        try:
            value = json.loads(self._file.read_text("utf-8"))
            found = [Project(**{**p, "roots": tuple(p["roots"])}) for p in value["projects"]]
        except FileNotFoundError:
            return []
        except (ValueError, TypeError, KeyError, OSError) as err:
            raise StoreError(
                f"The registry {self._file} cannot be read ({err}).",
                "Mend or remove it, and register the projects again: "
                "patina-lab persona register PATH",
            ) from err
        return sorted(found, key=lambda p: p.name)

    def project(self, name: str) -> Project:
        """Return a project by name, or raise `UnknownName` with the nearest."""
        known = {project.name: project for project in self.projects()}
        if name not in known:
            raise UnknownName.among("registered project", name, known)
        return known[name]

    def scans(self) -> list[Scan]:
        """Return every scan, oldest first; a line that was torn by a crash is left out."""
        found = []
        with contextlib.suppress(FileNotFoundError):
            for line in self._scans.read_text("utf-8").splitlines():
                with contextlib.suppress(ValueError, TypeError):
                    found.append(Scan(**json.loads(line)))
        return found

    # -- writing -----------------------------------------------------------------------

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the persona's lock: one process changes it at a time."""
        import filelock

        with translated(self.folder):
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
            except FileNotFoundError as err:  # a file system that makes no folders, or a loose link
                raise StoreError(
                    f"The folder {self.folder} cannot be made.",
                    "Set PATINA_HOME to a folder of yours.",
                ) from err
            with filelock.FileLock(self.folder / "persona.lock"):
                yield

    def register(
        self, path: str | os.PathLike[str], at: str, *, name: str | None = None
    ) -> tuple[Project, str]:
        """Add a project, or find it again after it was moved.

        Parameters
        ----------
        path : path
            A git repository, or a folder in one.
        at : str
            The time, ISO 8601 in UTC.
        name : str or None
            By default the folder's name, with a number where that is taken.

        Returns
        -------
        (Project, str)
            The second says what was done: ``added``, ``moved`` or ``known``.

        Raises
        ------
        NotARepository
        InvalidOption
            The name is taken, is none that a folder can have, or the same history is
            registered under another path that is still there.
        """
        found = described(open_repository(path), at, name)
        with self.locked():
            known = {p.name: p for p in self.projects()}
            for other in known.values():
                if other.path == found.path:
                    return other, "known"
            for other in known.values():
                if found.is_same(other) and name in (None, other.name):
                    if other.is_here:
                        raise InvalidOption(
                            f"{found.path} has the history of {other.name!r}, which is "
                            f"registered at {other.path}.",
                            "Counting one project twice would double its votes. If it is "
                            "another one, give it a name: --name NAME",
                        )
                    moved = replace(other, path=found.path)
                    self._save([*(p for p in known.values() if p != other), moved])
                    return moved, "moved"
            if name is not None and name in known:
                raise InvalidOption(
                    f"The name {name!r} is taken by {known[name].path}.", "Choose another one."
                )
            found = replace(found, name=_free(found.name, known))
            self._save([*known.values(), found])
            return found, "added"

    def forget(self, name: str) -> Project:
        """Remove a project from the registry; its copied events go with the next sync."""
        with self.locked():
            gone = self.project(name)
            self._save(p for p in self.projects() if p.name != name)
            return gone

    def add_scan(self, scan: Scan) -> None:
        """Append a scan to the history."""
        text = json.dumps(asdict(scan), sort_keys=True) + "\n"
        with self._scans.open("a", encoding="utf-8") as file:
            file.write(text)

    def _save(self, projects: Iterable[Project]) -> None:
        listed: list[dict[str, Any]] = [asdict(p) for p in sorted(projects, key=lambda p: p.name)]
        text = json.dumps({"version": 1, "projects": listed}, indent=2, sort_keys=True) + "\n"
        replace_file(self._file, text.encode())


def described(repository: Repository, at: str, name: str | None = None) -> Project:
    """Return what the registry keeps of a repository."""
    if name is not None and not _NAME.fullmatch(name):
        raise InvalidOption(
            f"{name!r} is no name for a project.", "Use letters, digits, '.', '_' and '-'."
        )
    readable = re.sub(r"[^\w.-]", "-", repository.name).lstrip(".-")[:64] or "project"
    place = repository.work_tree or repository.git_dir
    return Project(
        name or readable, str(place.resolve()), at, _remote(repository), _roots(repository)
    )


def _roots(repository: Repository) -> tuple[str, ...]:
    if repository.shallow:
        return ()
    try:
        sha = repository.resolve("HEAD")
    except EmptyRepository:
        return ()
    with Objects(repository) as objects:
        return tuple(sorted(objects.run("rev-list", "--max-parents=0", sha).decode().split()))


def _remote(repository: Repository) -> str | None:
    try:
        told = repository.command("config", "--get", "remote.origin.url").decode().strip()
    except GitFailed:
        return None
    # A token may stand in it: user:secret@host.
    return re.sub(r"^(\w+://)[^/@]*@", r"\1", told) or None


def _leads_to(remote: str | None, path: str) -> bool:
    """Whether a remote is a folder of this machine, and the one at `path`."""
    told = (remote or "").removeprefix("file://")
    return told.rstrip("/").removesuffix("/.git") in (path, path.removesuffix("/.git"))


def _free(name: str, taken: Iterable[str]) -> str:
    known = {other.casefold() for other in taken}
    if name.casefold() not in known:
        return name
    n = 2
    while f"{name}-{n}".casefold() in known:
        n += 1
    return f"{name}-{n}"


def replace_file(place: Path, content: bytes) -> None:
    """Put `content` at `place`, whole or not at all, also when the machine stops."""
    aside = place.with_name(f".{place.name}.{os.getpid()}.tmp")
    try:
        with aside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(place)
    finally:
        aside.unlink(missing_ok=True)
    handle = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
