"""Every error patina_lab raises on purpose, drawn as a tree.

::

    PatinaError
    ├── UsageError                 the request cannot be understood              (exit 2)
    │   ├── NotARepository             the path is not inside a git repository
    │   ├── UnsafeRepository           git refuses the repository's owner
    │   ├── EmptyRepository            the repository has no commit yet
    │   ├── UnknownRevision            no such commit, branch or tag here
    │   ├── UnknownTime                a text that is no date and no timestamp
    │   ├── UnknownName                no such column, relation, parameter, notebook …
    │   ├── NoWorkTree                 a bare repository has no place for this user's notes
    │   ├── NoAuthor                   nobody is named who could have written the event
    │   ├── InvalidEvent               what is to be written would not be read back
    │   ├── InvalidOption              an option with a value outside its range
    │   ├── InvalidRecipe              an oxidize.yaml that cannot be understood
    │   └── BadRules                   a rule set is broken, or says what it may not
    ├── CheckFailed                a check ran and said no                       (exit 1)
    ├── ProjectionFailed           a projection's own code raised                (exit 1)
    ├── RulesStopped               a rule set ran beyond its limits              (exit 1)
    ├── MissingTool                a program or an optional package is not here  (exit 3)
    └── StoreError                 the log cannot be read or written             (exit 1)
        ├── NoLog                      nothing was scraped yet
        ├── CorruptLog                 the log file is damaged
        ├── StoreFull                  no room on the disk
        └── GitFailed                  git stopped with an error of its own

A message is one sentence that names the value and the place; ``hint`` is the next step.
``str(error)`` gives both.  Bad *data* among good data is never raised: it is a
:class:`patina_lab.sources.source.Problem`, kept in the log's quarantine.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class PatinaError(Exception):
    """Base of all errors of this package.

    Parameters
    ----------
    message : str
        What is wrong, with the value and the place, in one sentence.
    hint : str
        The next step, as a command or an instruction.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


class UsageError(PatinaError):
    """The request cannot be understood."""

    exit_code = 2


class NotARepository(UsageError):
    """The path is not inside a git repository."""


class UnsafeRepository(UsageError):
    """git refuses to read a repository that another user owns."""


class EmptyRepository(UsageError):
    """The repository has no commit yet."""


class UnknownRevision(UsageError):
    """No commit, branch or tag of that name is here."""


class UnknownTime(UsageError):
    """A text that is neither a date nor a timestamp."""


class NoWorkTree(UsageError):
    """A bare repository has no place for this user's notes."""


class NoAuthor(UsageError):
    """Nobody is named who could have written the event."""


class InvalidEvent(UsageError):
    """What is to be written would not be read back as an event."""


class InvalidOption(UsageError):
    """An option has a value outside its range."""


class InvalidRecipe(UsageError):
    """A recipe (``oxidize.yaml``) that cannot be understood."""


class UnknownName(UsageError):
    """No column, relation, parameter or notebook has that name."""

    @classmethod
    def among(cls, kind: str, name: str, known: Iterable[str]) -> UnknownName:
        """Build the error with the nearest known names in its hint.

        Examples
        --------
        >>> print(UnknownName.among("column", "auhtor", ["author", "path"]))
        There is no column 'auhtor'. Did you mean 'author'?
        """
        names = sorted(known)
        near = difflib.get_close_matches(str(name), names, n=3, cutoff=0.6)
        if near:
            hint = "Did you mean " + " or ".join(repr(n) for n in near) + "?"
        elif names:
            hint = f"Known: {', '.join(names)}."
        else:
            hint = ""
        return cls(f"There is no {kind} {name!r}.", hint)


class BadRules(UsageError):
    """A rule set is broken, or says what a rule may not say; the message has file and line."""


class RulesStopped(PatinaError):
    """A rule set was stopped: it ran beyond its time, its steps or its memory."""


class CheckFailed(PatinaError):
    """A check ran and said no."""


class ProjectionFailed(PatinaError):
    """The code of a projection raised an error of its own, or gave no table."""


class MissingTool(PatinaError):
    """A program or an optional package that this call needs is not installed."""

    exit_code = 3


class StoreError(PatinaError):
    """The log cannot be read or written."""


class NoLog(StoreError):
    """Nothing was scraped yet."""


class CorruptLog(StoreError):
    """The log file is damaged."""


class StoreFull(StoreError):
    """There is no room left on the disk."""


class GitFailed(StoreError):
    """git stopped with an error of its own."""
