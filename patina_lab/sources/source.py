"""What a source is: something that turns what is there into events or problems.

Two kinds of source exist.  `patina_lab.sources.git` walks the history.  Every other one
is a :class:`FileSource`: a pure function from one file of a commit's tree to what it
says.  The build reads the files (in bulk, each blob once), so a file source never touches
the disk, and a file that did not change is not parsed again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from patina_lab.events.event import Event


@dataclass(frozen=True)
class Problem:
    """A commit, file or item that could not be loaded whole, and why.

    Parameters
    ----------
    source : str
        Name of the source that met it.
    reason : str
        A short fixed label, such as ``"missing object"`` or ``"invalid JSON"``.
    detail : str
        One sentence with the value and, where there is one, the next step.
    source_id : str or None
        Commit sha or the like.
    source_file : str or None
        Path inside the repository.
    line : int or None
        Line in that file, from 1.
    object_id : str or None
        The git object that is missing; when it comes, the next scrape tries again.
    """

    source: str
    reason: str
    detail: str
    source_id: str | None = None
    source_file: str | None = None
    line: int | None = None
    object_id: str | None = None


@dataclass(frozen=True)
class Coverage:
    """How much of one kind of item a parser found in one file.

    ``present`` is counted by another, simpler reading of the text than ``extracted``, so
    that a hole in the parser shows as a difference.
    """

    kind: str
    present: int
    extracted: int


@dataclass(frozen=True)
class SourceFile:
    """One file of a tree, as bytes.

    Parameters
    ----------
    path : str
        Path inside the repository, ``/`` between parts.
    content : bytes
    is_symlink : bool
        The tree entry is a symbolic link, and `content` is its target.
    changed_at : datetime or None
        When the file got what is in it; given to sources whose ``needs_time`` is true.
        It is the author time of the newest commit in the log that touched the path.  Where
        no commit is known to have (a shallow clone), it is that of the newest commit whose
        files are unknown, which had the file already; else, and for what is not committed,
        that of the scraped commit.
    """

    path: str
    content: bytes
    is_symlink: bool = False
    changed_at: datetime | None = None


@runtime_checkable
class FileSource(Protocol):
    """A source that reads files; add one by adding one file, or an entry point.

    Entry points live in the group ``patina_lab.sources`` and name a callable that takes
    the source's options as keywords and returns a `FileSource`.
    """

    name: str
    """Unique; becomes the `source` column of the log."""

    version: int
    """Raised when the same file gives other events than before: the log is then rebuilt."""

    def options(self) -> Mapping[str, Any]:
        """Return the options that change what is read, as JSON values."""

    def wants(self, path: str) -> bool:
        """Whether the file at `path` is this source's business."""

    def read(self, file: SourceFile) -> Iterator[Event | Problem | Coverage]:
        """Yield what the file says.  Must not raise for anything a file can contain."""


@runtime_checkable
class TimedSource(Protocol):
    """A `FileSource` whose files carry no time: the build tells it when each one changed."""

    needs_time: bool


@runtime_checkable
class SkippingSource(Protocol):
    """A `FileSource` that may lack what it needs to read some of its files."""

    def skips(self, path: str) -> str:
        """Return why the file is left out, with the next step; ``""`` where it is not.

        The build counts the files for each reason and reports it once.
        """
