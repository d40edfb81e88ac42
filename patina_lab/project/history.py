"""What git knows of one event: its commits, what each changed, who wrote which line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from patina_lab.errors import UnknownName
from patina_lab.project.branch import tip
from patina_lab.project.config import read_config
from patina_lab.project.event_files import sequence_of
from patina_lab.project.propose import Proposal, proposed
from patina_lab.project.read import find, read_local, read_shared
from patina_lab.project.shown import Card
from patina_lab.sources.git_records import decode_path
from patina_lab.sources.repository import Objects, Repository

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Version:
    """One commit that touched the event's file.

    Parameters
    ----------
    commit, author, email, date, subject : str
        `date` is the author's, ISO 8601 with the offset as recorded.
    diff : str
        The change, as ``git diff`` shows it.
    """

    commit: str
    author: str
    email: str
    date: str
    subject: str
    diff: str


@dataclass(frozen=True)
class Line:
    """One line of the file, and the commit that brought it."""

    commit: str
    author: str
    date: str
    text: str


@dataclass(frozen=True, repr=False)
class History(Card):
    """The history of an event's file.

    Parameters
    ----------
    path : str
        Inside the repository.
    versions : tuple of Version
        Newest first; renames are followed.
    lines : tuple of Line
        The file as it is at the commit asked; empty where it is not there any more.
    """

    path: str
    versions: tuple[Version, ...]
    lines: tuple[Line, ...]

    def facts(self) -> list[tuple[str, str]]:
        """Return what the repr shows."""
        state = "" if self.lines else " (not there any more)"
        said = [("file", self.path + state), ("commits", str(len(self.versions)))]
        return said + [(v.commit[:12], f"{v.date} {v.author}: {v.subject}") for v in self.versions]

    def df(self) -> pd.DataFrame:
        """Return the versions as a table: ``commit, author, email, date, subject, diff``."""
        import pandas as pd

        columns = list(Version.__dataclass_fields__)
        return pd.DataFrame([vars(v) for v in self.versions], columns=columns)

    def blame(self) -> pd.DataFrame:
        """Return the lines as a table: ``commit, author, date, text``."""
        import pandas as pd

        columns = list(Line.__dataclass_fields__)
        return pd.DataFrame([vars(line) for line in self.lines], columns=columns)


def history(repository: Repository, event: str | Proposal, at: str = "HEAD") -> History:
    """Return what git knows of an event, read without the user's configuration.

    Parameters
    ----------
    event : str or Proposal
        As `patina_lab.project.read.find` takes it.  Events that are proposed on a local
        branch, and files that were there once, are found too.
    at : str
        The commit whose past is looked at.

    Raises
    ------
    UnknownName
        No event of that name, or several, or a private note, which git does not know.
    """
    if isinstance(event, Proposal):
        path, sha = event.path, repository.resolve(event.commit)
    else:
        path, sha = _find(repository, event, at)
    with Objects(repository) as objects:
        form = "%x00%H%x00%an%x00%ae%x00%aI%x00%s%x00"
        out = objects.run(
            *("log", "--follow", "-p", "-M", "--no-color", "--no-ext-diff", "--no-textconv"),
            *("--encoding=UTF-8", f"--format={form}", sha, "--", path),
        )
        told = [part.decode("utf-8", "replace") for part in out.split(b"\0")[1:]]
        rows = [told[i : i + 6] for i in range(0, len(told), 6)]
        versions = [Version(a, b, c, d, e, diff.strip("\n")) for a, b, c, d, e, diff in rows]
        lines = _blame(objects, sha, path) if objects.tree(sha, path) else []
    return History(path, tuple(versions), tuple(lines))


def _find(repository: Repository, told: str, at: str) -> tuple[str, str]:
    """Return path and commit of the event that is meant."""
    sha = repository.resolve(at)
    shared, _ = read_shared(repository, sha)
    try:
        return find(shared, told).path, sha
    except UnknownName as err:
        missing = err
        if err.message.endswith("events."):
            raise
    pending = proposed(repository, sha)
    try:
        found = find([f for _, f in pending], told)
    except UnknownName:
        pass
    else:
        branch = next(b for b, f in pending if f == found)
        return found.path, tip(repository, branch)
    gone = [path for path in _ever(repository, sha) if _names(path, told)]
    if len(gone) == 1:
        return gone[0], sha
    try:
        note = find(read_local(repository)[0], told)
    except UnknownName:
        raise missing from None
    raise UnknownName(
        f"{note.label} is private: git has no history of it.",
        f"Put it to the team: patina-lab propose --from {note.label}",
    )


def _ever(repository: Repository, sha: str) -> list[str]:
    """Return the paths of all event files that the history of a commit ever had."""
    with Objects(repository) as objects:
        folder = read_config(objects, sha)[0].events
        asked = ("log", "--diff-filter=A", "--no-renames", "--format=", "--name-only", "-z")
        out = objects.run(*asked, sha, "--", folder)
    return sorted({decode_path(raw.strip(b"\n")) for raw in out.split(b"\0") if raw.strip(b"\n")})


def _names(path: str, told: str) -> bool:
    name = path.rpartition("/")[2]
    number = told.removeprefix("evt_")
    return told in (path, name, name.removesuffix(".json")) or (
        number.isdigit() and sequence_of(name) == int(number)
    )


def _blame(objects: Objects, sha: str, path: str) -> list[Line]:
    out = objects.run("blame", "--line-porcelain", "--encoding=UTF-8", sha, "--", path)
    lines, facts = [], dict[str, str]()
    commit = ""
    for raw in out.decode("utf-8", "replace").split("\n")[:-1]:
        if raw.startswith("\t"):
            date = _iso(int(facts["author-time"]), facts["author-tz"])
            lines.append(Line(commit, facts["author"], date, raw[1:].removesuffix("\r")))
            facts = {}
        else:
            key, _, value = raw.partition(" ")
            if not facts:
                commit = key
            facts[key] = value
    return lines


def _iso(seconds: int, offset: str) -> str:
    """Write a time with its offset as git's ``%aI`` does."""
    from datetime import UTC, datetime, timedelta, timezone

    minutes = int(offset[:3]) * 60 + int(offset[0] + offset[3:])
    zone = timezone(timedelta(minutes=minutes))
    return datetime.fromtimestamp(seconds, UTC).astimezone(zone).isoformat()
