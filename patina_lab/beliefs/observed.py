"""Observations: what people wrote, read out of events as what a belief can rest on.

====================  ============================  ===========  ===============================
event type            text                          type         reliability
====================  ============================  ===========  ===============================
observation_captured  ``content``                   as written   as written, else by its source
pattern_identified    ``content``                   pattern      pattern
decision_made         ``decision``                  decision     decision
session.observation   ``content``                   as written   session
session.decision      ``content``                   decision     session
====================  ============================  ===========  ===============================

One *source* is an author in a session of a project.  The session is the session note, or the
``source_id`` that the event names; where it names none, what one author writes in one day
(UTC) is one source.  Reliability by kind of source: `patina_lab.beliefs.confidence`.

An event supersedes or contradicts others where its payload says so, by the keys
``supersedes`` and ``contradicts``: an id or a list of them, each an event's identity (or its
first digits, seven or more) or the id that its file has (``evt_042``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson

from patina_lab.beliefs.confidence import reliability
from patina_lab.beliefs.polarity import polarity
from patina_lab.events.identity import EPOCH
from patina_lab.events.text import normalised, text_hash

if TYPE_CHECKING:
    from patina_lab.eventlog.eventlog import Eventlog
    from patina_lab.events.event import Event

OWN = "project"
"""How facts and events call a project that is looked at alone: clones have other names for it."""

NOBODY = "nobody named"
"""The author of what names none, such as a session note."""

KINDS: Mapping[str, tuple[str, str | None]] = {
    "observation_captured": ("content", None),
    "pattern_identified": ("content", "pattern"),
    "decision_made": ("decision", "decision"),
    "session.observation": ("content", None),
    "session.decision": ("content", "decision"),
}
"""Event types that can be evidence: the key of their text, and their type of observation."""

_ENOUGH = 7


@dataclass(frozen=True, order=True)
class Observation:
    """One thing that somebody wrote down.

    Parameters
    ----------
    occurred_us : int
        Microseconds since 1970, UTC.
    event_id : str
        Identity of the event, by its content.
    text : str
        As written.
    text_id : str
        Hash of the normalised text: the same for what says the same, word for word.
    type : str
        pattern, decision, challenge, …
    polarity : int
        1 affirms, -1 denies, 0 says neither.
    author, session, project : str
        Together the source.
    domains : tuple of str
    reliability : float
        0..1.
    called : str
        The id that its source has for it; no identity.
    supersedes, contradicts : tuple of str
        What it says of others, as written.
    """

    occurred_us: int
    event_id: str
    text: str
    text_id: str
    type: str
    polarity: int
    author: str
    session: str
    project: str
    domains: tuple[str, ...]
    reliability: float
    called: str = ""
    supersedes: tuple[str, ...] = ()
    contradicts: tuple[str, ...] = ()

    @property
    def when(self) -> datetime:
        """When it was written down."""
        return EPOCH + timedelta(microseconds=self.occurred_us)

    @property
    def source(self) -> tuple[str, str, str]:
        """Project, author and session."""
        return self.project, self.author, self.session


@dataclass(frozen=True)
class Observed:
    """All observations of a slice, and where the slice ends.

    Parameters
    ----------
    observations : tuple of Observation
        By time and identity; each event once.
    end_us : int
        The end of the slice: ages are counted back from it.
    last_us : int
        The last event of the slice, of whatever type.
    digest : str
        Of the slice that they were read from.
    shown : str
        Name of the project, for people; empty for several together.
    """

    observations: tuple[Observation, ...] = field(repr=False)
    end_us: int
    last_us: int
    digest: str
    shown: str = ""

    def __len__(self) -> int:
        return len(self.observations)

    def named(self, project: str) -> str:
        """Return a project's name for people."""
        return self.shown if project == OWN and self.shown else project

    def without(self, event_ids: Iterable[str]) -> Observed:
        """Return what is left when some events had not happened; the end stays where it is."""
        gone = frozenset(event_ids)
        kept = tuple(seen for seen in self.observations if seen.event_id not in gone)
        return replace(self, observations=kept)


Reader = Callable[[int | None], Observed]
"""What gives the observations of what happened before a moment (microseconds); None: of all."""


def reader(log: Eventlog, **given: Any) -> Reader:
    """Return what reads a log as of any moment; parameters as for :func:`observed`."""
    return lambda end_us: observed(
        log if end_us is None else replace(log, slice=log.slice.between_us(None, end_us)),
        **given,
    )


def observed(log: Eventlog, *, shown: str = OWN, more: Iterable[Event] = ()) -> Observed:
    """Read the observations of a slice of a log.

    Parameters
    ----------
    log : Eventlog
    shown : str
        Name of the project, for people; no result depends on it.
    more : iterable of Event
        Beside those of the log, such as this user's own; outside the slice's time they are
        left out.

    Returns
    -------
    Observed
        A slice that is bounded in time ends there, another one with its last event; where a
        commit claims to be of the future, bound it: ``lab.as_of("2025-03-15")``.
    """
    types = ", ".join(f"'{kind}'" for kind in KINDS)
    rows = log.query(
        "SELECT event_id, event_type, source_id, actor, occurred_us, data FROM eventlog "
        f"WHERE event_type IN ({types}) ORDER BY seq"
    ).arrow()
    found = [
        _observation(kind, event_id, called, actor, us, orjson.loads(data), OWN)
        for event_id, kind, called, actor, us, data in zip(
            *(column.to_pylist() for column in rows.columns), strict=True
        )
    ]
    begin, end = log.slice.since_us, log.slice.until_us
    added = [
        event
        for event in more
        if (begin is None or event.occurred_us >= begin)
        and (end is None or event.occurred_us < end)
    ]
    found += [of_event(event, OWN) for event in added]
    last = log.query("SELECT max(occurred_us) AS last FROM eventlog").arrow()["last"][0].as_py()
    observations = distinct(found)
    last = max([last or 0, *(seen.occurred_us for seen in observations[-1:])])
    digest = log.digest
    if added:
        ids = "\n".join([digest, *sorted({event.event_id for event in added})])
        digest = hashlib.sha256(ids.encode()).hexdigest()
    return Observed(observations, last if end is None else end, last, digest, shown)


def of_event(event: Event, project: str) -> Observation | None:
    """Return the observation of an event; None if its type is no evidence."""
    return _observation(
        event.event_type,
        event.event_id,
        event.source_id,
        event.actor,
        event.occurred_us,
        event.data,
        project,
    )


def of_rows(
    rows: Iterable[tuple[str, str, str, str, str | None, int, str]],
    digest: str,
    until_us: int | None,
) -> Observed:
    """Return the observations of several projects' events.

    Parameters
    ----------
    rows : iterable of tuple
        ``project, event id, event type, display id, author, occurred_us, payload`` (JSON).
    digest : str
    until_us : int or None
        Leave out what happened from then on.

    Returns
    -------
    Observed
        An event that two projects have, such as a project and its fork, is the event of the
        first of them by name: it is one event, and no agreement of two.
    """
    kept = [row for row in sorted(rows) if until_us is None or row[5] < until_us]
    found = [
        _observation(kind, event_id, called, author, us, orjson.loads(data), project)
        for project, event_id, kind, called, author, us, data in kept
    ]
    last = max((row[5] for row in kept), default=0)
    return Observed(distinct(found), last if until_us is None else until_us, last, digest)


def distinct(found: Iterable[Observation | None]) -> tuple[Observation, ...]:
    """Return each event once, in the total order, without those that say nothing."""
    first: dict[str, Observation] = {}
    # Sorted before: of an event that several files tell, the same one is taken in any order.
    for seen in sorted(one for one in found if one is not None):
        first.setdefault(seen.event_id, seen)
    return tuple(first.values())


def _observation(
    kind: str,
    event_id: str,
    called: str,
    actor: str | None,
    occurred_us: int,
    data: Mapping[str, Any],
    project: str,
) -> Observation | None:
    if kind not in KINDS:
        return None
    key, type_ = KINDS[kind]
    text = data.get(key)
    if not isinstance(text, str) or not normalised(text):
        return None
    return Observation(
        occurred_us,
        event_id,
        text,
        text_hash(text),
        type_ or _text(data, "observation_type") or _text(data, "type") or "observation",
        polarity(text),
        (actor or "").replace("\0", "").strip() or NOBODY,
        _session(kind, data, called, actor, occurred_us),
        project,
        tuple(sorted({d.lower() for d in _texts(data.get("domains")) if d.strip()})),
        _reliability(kind, type_, data),
        called,
        _texts(data.get("supersedes")),
        _texts(data.get("contradicts")),
    )


def _session(
    kind: str, data: Mapping[str, Any], called: str, actor: str | None, occurred_us: int
) -> str:
    if kind.startswith("session."):
        return _text(data, "session_id") or called
    named = _text(data, "source_id")
    if named and named != actor:
        return named
    return f"{EPOCH + timedelta(microseconds=occurred_us):%Y-%m-%d}"


def _reliability(kind: str, type_: str | None, data: Mapping[str, Any]) -> float:
    told = data.get("reliability")
    if isinstance(told, int | float) and not isinstance(told, bool) and 0 <= told <= 1:
        return float(told)
    if kind.startswith("session."):
        return reliability("session")
    return reliability(_text(data, "source_type") or type_ or "observation", default=0.8)


def _text(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    return value.replace("\0", "") if isinstance(value, str) else ""


def _texts(value: Any) -> tuple[str, ...]:
    """Return a text, or the texts of a list, as a tuple."""
    if isinstance(value, str):
        return (value,)
    if isinstance(value, Sequence):
        return tuple(v for v in value if isinstance(v, str))
    return ()


@dataclass(frozen=True)
class Unresolved:
    """A reference to an event that is not there, not earlier, or not the only one.

    Parameters
    ----------
    event_id : str
        Whose payload has it.
    key : str
        ``supersedes`` or ``contradicts``.
    wanted : str
    reason : str
    """

    event_id: str
    key: str
    wanted: str
    reason: str


def references(
    seen: Sequence[Observation], key: str
) -> tuple[list[tuple[str, str]], list[Unresolved]]:
    """Return what observations say of earlier ones.

    Parameters
    ----------
    seen : sequence of Observation
    key : str
        ``supersedes`` or ``contradicts``.

    Returns
    -------
    pairs : list of (str, str)
        Identities of the later event and of the earlier one.
    problems : list of Unresolved
    """
    of: Callable[[Observation], tuple[str, ...]] = lambda one: getattr(one, key)  # noqa: E731
    if not any(of(one) for one in seen):
        return [], []
    called: dict[tuple[str, str], list[Observation]] = {}
    for one in seen:
        called.setdefault((one.project, one.called), []).append(one)
    pairs, problems = [], []
    for later in seen:
        for wanted in of(later):
            told = wanted.strip().removeprefix("sha256:")
            hits = called.get((later.project, told), [])
            if not hits and len(told) >= _ENOUGH:
                hits = [one for one in seen if one.event_id.startswith(told)]
            earlier = [one for one in hits if one < later]
            if len(earlier) == 1:
                pairs.append((later.event_id, earlier[0].event_id))
                continue
            reason = "several events have that id" if earlier else "no earlier event has that id"
            problems.append(Unresolved(later.event_id, key, wanted, reason))
    return pairs, problems


def day(us: int) -> str:
    """Return a time as a date, UTC."""
    return f"{(EPOCH + timedelta(microseconds=us)).astimezone(UTC):%Y-%m-%d}"
