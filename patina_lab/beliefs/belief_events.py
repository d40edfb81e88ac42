"""Belief events: what is formed, revised and retired, as events like any other.

The same events of the log, rules, model and threshold give the same bytes, on any machine and
at any time: a belief event is dated by the last event of the slice that it was formed on, and
nothing in it depends on when, where or in which order it was computed.  They are derived, and
so they are kept in the user's own folder; in the repository there are those that somebody
proposed (``lab.propose(type="belief_formed", payload=…)``).

Two ids go by ``belief_id``: ``Beliefs.events()`` has that of what a belief says now, the events
of a history its lineage, that of what it said first; it is followed though its words change.
``Beliefs.evolution(belief)`` finds the one by the other, and ``belief_history`` in
``Beliefs.sql`` has both in a row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from patina_lab.beliefs.formation import LEVEL, Belief, Beliefs
from patina_lab.events.event import Event
from patina_lab.events.identity import EPOCH, canonical_json, timestamp_text

FORMED, REVISED, RETIRED = "belief_formed", "belief_revised", "belief_retired"
ACTOR = "patina-lab"
"""Who forms beliefs, as events name it."""


def payload(belief: Belief, lineage: str | None = None) -> dict[str, Any]:
    """Return what a belief event says of a belief.

    Parameters
    ----------
    belief : Belief
    lineage : str or None
        The id by which it is followed, in a history; by default its own, of what it says.

    Returns
    -------
    dict
        ``belief, confidence, evidence_count, evidence_observations, domains, scope``, and
        ``against_observations, as_of, belief_id, interval, interval_level, log_digest, model,
        projects, rule_set, sources, stance, threshold, uncertainty``.
    """
    whole = belief.whole
    return {
        "belief": belief.content,
        "confidence": belief.confidence,
        "evidence_count": len(belief.evidence),
        "evidence_observations": list(belief.evidence),
        "domains": list(belief.domains),
        "scope": belief.scope,
        "belief_id": lineage or belief.id,
        "projects": list(belief.projects),
        "stance": belief.stance,
        "sources": belief.sources,
        "against_observations": list(belief.against),
        "interval": [belief.low, belief.high],
        "interval_level": LEVEL,
        "uncertainty": belief.uncertainty,
        "log_digest": whole.observed.digest,
        "as_of": moment(whole.observed.end_us),
        **whole.choice.json(),
    }


def formed(belief: Belief, lineage: str | None = None) -> Event:
    """Return the ``belief_formed`` event of a belief."""
    return _event(FORMED, belief.whole, payload(belief, lineage))


def revised(belief: Belief, lineage: str, before: Event) -> Event:
    """Return the ``belief_revised`` event of a belief that is not what it was.

    Parameters
    ----------
    belief : Belief
    lineage : str
    before : Event
        Its last event.
    """
    was = before.data
    ours, theirs = set(belief.evidence), set(was["evidence_observations"])
    said = payload(belief, lineage) | {
        "previous": before.event_id,
        "was": {key: was[key] for key in ("belief", "confidence", "evidence_count")},
        "evidence_added": [event for event in belief.evidence if event not in theirs],
        "evidence_removed": [e for e in was["evidence_observations"] if e not in ours],
    }
    return _event(REVISED, belief.whole, said)


def retired(whole: Beliefs, lineage: str, before: Event) -> Event:
    """Return the ``belief_retired`` event of a belief that is not held any more.

    Parameters
    ----------
    whole : Beliefs
        Among which it is not.
    lineage : str
    before : Event
        Its last event.
    """
    was = before.data
    said = {
        "belief": was["belief"],
        "belief_id": lineage,
        "scope": was["scope"],
        "previous": before.event_id,
        "was": {key: was[key] for key in ("belief", "confidence", "evidence_count")},
        "log_digest": whole.observed.digest,
        "as_of": moment(whole.observed.end_us),
        **whole.choice.json(),
    }
    return _event(RETIRED, whole, said)


def belief_events(whole: Beliefs) -> tuple[Event, ...]:
    """Return a ``belief_formed`` event for each belief, in the total order."""
    return tuple(sorted((formed(belief) for belief in whole), key=lambda event: event.order))


def to_json(event: Event) -> dict[str, Any]:
    """Return a belief event as JSON values, as event files have it."""
    return {
        "author": event.actor,
        "content_hash": f"sha256:{event.event_id}",
        "event_id": f"belief_{event.event_id[:12]}",
        "event_type": event.event_type,
        "payload": dict(event.data),
        "schema_version": 1,
        "timestamp": timestamp_text(event.timestamp),
    }


def to_bytes(events: Iterable[Event]) -> bytes:
    """Return events as lines of canonical JSON: the same events, the same bytes."""
    return b"".join(canonical_json(to_json(event)) + b"\n" for event in events)


def changed(belief: Belief, was: Mapping[str, Any], least: float) -> bool:
    """Say whether a belief is worth a revision.

    Parameters
    ----------
    belief : Belief
    was : mapping
        The payload of its last event.
    least : float
        A confidence that moved less than this by age alone is no news.
    """
    return (
        belief.content != was["belief"]
        or list(belief.evidence) != list(was["evidence_observations"])
        or list(belief.against) != list(was["against_observations"])
        or abs(belief.confidence - float(was["confidence"])) >= least
    )


def moment(us: int) -> str:
    """Return an instant as a text, UTC."""
    return timestamp_text(EPOCH + timedelta(microseconds=us))


def _event(kind: str, whole: Beliefs, data: dict[str, Any]) -> Event:
    return Event(
        kind,
        EPOCH + timedelta(microseconds=whole.observed.last_us),
        str(data["belief_id"]),
        data,
        actor=ACTOR,
    )
