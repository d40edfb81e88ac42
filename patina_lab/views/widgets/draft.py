"""`Draft`: an event that somebody is still writing, as a value."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from patina_lab.errors import InvalidOption, PatinaError, UnknownName
from patina_lab.events.event import Event
from patina_lab.project.domains import domain_names
from patina_lab.project.event_files import file_name, to_bytes
from patina_lab.project.places import LOCAL_EVENTS, SHARED_EVENTS
from patina_lab.project.propose import KINDS

OBSERVED_AS = ("", "pattern", "decision", "challenge", "insight", "discussion", "note")
"""What kind of observation; nothing is an answer."""

_ASKED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "observation": ("observed_as", "text", "domains"),
        "decision": ("text", "rationale", "alternatives", "context", "domains"),
        "pattern": ("name", "text", "rationale", "evidence", "domains"),
    }
)
MOST_LETTERS = 10_000
"""A longer text is a document: it belongs into a file of the project."""


@dataclass(frozen=True)
class Stamp:
    """What an event gets when it is written, and nobody types.

    Parameters
    ----------
    author : str
    at : datetime
        Aware.
    sequence : int
        The number in the name of the file.
    folder : str
        Of the event files, inside the repository.
    source : str
        Identity of the private note that is proposed, if it is one.
    """

    author: str
    at: datetime
    sequence: int
    folder: str = SHARED_EVENTS
    source: str = ""

    @property
    def label(self) -> str:
        """The display id: ``loc_007`` for a private note, ``evt_042`` for a shared event."""
        return f"{'loc' if self.folder == LOCAL_EVENTS else 'evt'}_{self.sequence:03d}"


@dataclass(frozen=True)
class Draft:
    """The fields of a form, as typed.

    Parameters
    ----------
    kind : str
        ``observation``, ``decision`` or ``pattern``.
    text : str
        What was observed or decided.
    observed_as : str
        Of an observation, one of `OBSERVED_AS`.
    name : str
        Of a pattern.
    domains : str
        Names, separated by commas.
    rationale, context : str
        Of a decision; a pattern has a rationale too.
    alternatives, evidence : str
        One a line; of a decision, and of a pattern.

    Examples
    --------
    >>> draft = Draft(text="We validate input twice", domains="security, api")
    >>> draft.problems(), draft.payload()["domains"]
    ({}, ['security', 'api'])
    >>> print(draft.code())
    lab.observe('We validate input twice', domains=['security', 'api'])
    >>> draft.but(text=" ").problems()
    {'text': 'Write what you observed.'}
    """

    kind: str = "observation"
    text: str = ""
    observed_as: str = ""
    name: str = ""
    domains: str = ""
    rationale: str = ""
    alternatives: str = ""
    context: str = ""
    evidence: str = ""

    def but(self, **changed: str) -> Draft:
        """Return the same draft with some fields changed.

        Raises
        ------
        UnknownName
            It has no such field.
        """
        known = self.names()
        for name in changed:
            if name not in known:
                raise UnknownName.among("field", name, known)
        return replace(self, **changed)

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the names of all fields, in the order of the form."""
        return tuple(f.name for f in fields(cls))

    @property
    def asked(self) -> tuple[str, ...]:
        """The fields that an event of this kind has; what others hold is not written."""
        return ("kind", *_ASKED.get(self.kind, ("text", "domains")))

    @property
    def event_type(self) -> str:
        """Its event type, such as ``decision_made``."""
        return KINDS.get(self.kind, self.kind)

    # -- judging -----------------------------------------------------------------------

    def problems(self) -> dict[str, str]:
        """Return, for each field that cannot be written as it is, one sentence why."""
        found: dict[str, str] = {}
        if self.kind not in _ASKED:
            found["kind"] = f"Choose one of {', '.join(_ASKED)}."
        if not self.text.strip():
            verb = {"decision": "decided", "pattern": "see again and again"}
            found["text"] = f"Write what you {verb.get(self.kind, 'observed')}."
        if self.kind == "pattern" and not self.name.strip():
            found["name"] = "Give the pattern a name, such as validate_at_the_edge."
        if self.kind == "observation" and self.observed_as not in OBSERVED_AS:
            found["observed_as"] = f"Choose one of {', '.join(filter(None, OBSERVED_AS))}, or none."
        try:
            domain_names(self.domains)
        except InvalidOption as err:
            found["domains"] = str(err)
        for name in self.asked:
            value = getattr(self, name)
            letters = len(value)
            if letters > MOST_LETTERS:
                found[name] = (
                    f"{letters:,} letters are more than {MOST_LETTERS:,}; put it in a file."
                )
            elif any("\ud800" <= letter <= "\udfff" for letter in value):
                found[name] = "It holds half of a character, which no file can hold."
            elif "\0" in value:
                found[name] = "It holds a NUL character; delete it."
        return found

    def hints(self, known: Iterable[str]) -> dict[str, str]:
        """Return what one might want to know of fields that are good as they are."""
        try:
            new = [name for name in domain_names(self.domains) if name not in set(known)]
        except InvalidOption:
            return {}
        if not new:
            return {}
        listed = ", ".join(new)
        return {"domains": f"New here: {listed}. Declare with lab.add_domain({_listed(new)})."}

    def suggestions(self, known: Iterable[str], most: int = 6) -> list[str]:
        """Return known domains that go on with what is being typed, those not named yet.

        Parameters
        ----------
        known : iterable of str
        most : int

        Examples
        --------
        >>> Draft(domains="api, se").suggestions(["api", "security", "search", "ui"])
        ['security', 'search']
        """
        *done, begun = [part.strip().casefold() for part in self.domains.split(",")]
        free = [name for name in dict.fromkeys(known) if name not in done and name != begun]
        return [name for name in free if name.startswith(begun)][:most]

    def with_domain(self, name: str) -> Draft:
        """Return the draft with the domain that is being typed completed to `name`."""
        done = [part.strip() for part in self.domains.split(",")[:-1] if part.strip()]
        return replace(self, domains=", ".join([*done, name]) + ", ")

    # -- becoming ----------------------------------------------------------------------

    def arguments(self) -> dict[str, Any]:
        """Return what ``lab.propose`` takes besides the text and the type.

        Raises
        ------
        InvalidOption
            The domains are none; see `problems`.
        """
        told: dict[str, Any] = {}
        for name in self.asked[1:]:
            value = getattr(self, name)
            if name == "domains":
                value = domain_names(value)
            elif name in ("alternatives", "evidence"):
                value = [line.strip() for line in value.splitlines() if line.strip()]
            elif name == "text":
                continue
            elif name != "observed_as":
                value = value.strip()
            if value:
                told[name] = value
        if kind := told.pop("observed_as", None):
            told["payload"] = {"observation_type": kind}
        return told

    def payload(self) -> dict[str, Any]:
        """Return the payload of the event, as `lab.observe` and `lab.propose` make it."""
        told = self.arguments()
        text = self.text.strip()
        data: dict[str, Any] = dict(told.pop("payload", {}))
        if self.kind == "observation":
            data.update(content=text, source_type="manual")
        elif self.kind == "decision":
            data["decision"] = text
        else:
            data.update(pattern_name=told.pop("name"), content=text)
        return {**data, **told}

    def event(self, stamp: Stamp) -> Event:
        """Return the event that this draft becomes when it is written with `stamp`."""
        name = file_name(self.event_type, stamp.at, stamp.sequence)
        data = self.payload()
        if stamp.source:
            data.update(source_type="local", source_id=stamp.source)
        return Event(
            self.event_type,
            stamp.at,
            stamp.label,
            data,
            f"{stamp.folder}/{name}",
            stamp.author,
        )

    def file(self, stamp: Stamp) -> tuple[str, str]:
        """Return path and text of the event file.

        Raises
        ------
        InvalidEvent, InvalidOption
            It cannot be written: `problems` says why.
        """
        event = self.event(stamp)
        return str(event.source_file), to_bytes(event, stamp.sequence).decode()

    def diff(self, stamp: Stamp, before: tuple[str, str] | None = None) -> str:
        """Return how the event file differs from another one, as ``git diff`` shows it.

        Parameters
        ----------
        stamp : Stamp
        before : (path, text) or None
            The file to compare with; None: nothing, as for a new file.
        """
        path, text = self.file(stamp)
        old = "/dev/null" if before is None else f"a/{before[0]}"
        past = [] if before is None else before[1].splitlines()
        lines = difflib.unified_diff(past, text.splitlines(), old, f"b/{path}", lineterm="")
        return "\n".join(lines)

    def code(self, *, propose: bool = False) -> str:
        """Return Python that writes the same event: the state of a form, to be copied.

        Parameters
        ----------
        propose : bool
            To the team; else as a private note.
        """
        try:
            told = self.arguments()
        except PatinaError as err:
            return f"# not yet: {err}".replace("\n", " ")
        text = repr(self.text.strip())
        if not propose and self.kind == "observation":
            told = {"type": told.pop("payload", {}).get("observation_type"), **told}
            return f"lab.observe({text}{_arguments(told)})"
        if not propose:
            return (
                "from patina_lab.project.observe import add_local\n\n"
                f"add_local(lab.repository, {self.event_type!r}, {self.payload()!r})"
            )
        kind = {} if self.kind == "observation" else {"type": self.kind}
        return f"lab.propose({text}{_arguments({**kind, **told})})"


def _arguments(told: Mapping[str, Any]) -> str:
    return "".join(f", {key}={value!r}" for key, value in told.items() if value)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))
