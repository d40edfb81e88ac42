"""History: how beliefs came, moved and went, slice by slice.

The log is looked at as of one moment after the other; each look forms all beliefs anew, from
nothing but what had happened by then.  A belief is followed from one look to the next by its
evidence: the one that has at least half of the other's support is the same, in other words
perhaps; of several, the one in the same words.
"""

from __future__ import annotations

import calendar
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from numbers import Integral
from typing import TYPE_CHECKING

from patina_lab.beliefs.belief_events import (
    FORMED,
    RETIRED,
    changed,
    formed,
    retired,
    revised,
    to_bytes,
)
from patina_lab.beliefs.formation import Belief
from patina_lab.errors import InvalidOption, UnknownName
from patina_lab.eventlog.eventlog import html_card, text_card
from patina_lab.events.identity import EPOCH, micros

if TYPE_CHECKING:
    import pandas as pd

    from patina_lab.beliefs.observed import Observed
    from patina_lab.beliefs.pipeline import Pipeline
    from patina_lab.events.event import Event

EVERY = ("event", "day", "week", "month", "quarter", "year")
OVERLAP = 0.5
"""Share of the smaller evidence that two looks at the same belief have in common."""

NEWS = 0.05
"""A confidence that moved by less, with the same evidence, is no revision."""

_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_DAYS = {"day": 1, "week": 7}


@dataclass(frozen=True)
class Look:
    """One belief as of one moment.

    Parameters
    ----------
    until_us : int
        What had happened before it was known.
    lineage : str
        The id by which the belief is followed.
    what : str
        ``belief_formed``, ``belief_revised``, ``belief_retired``, or empty: no news.
    belief : Belief or None
        None: retired.
    """

    until_us: int
    lineage: str
    what: str
    belief: Belief | None


@dataclass(frozen=True)
class History:
    """How beliefs came, moved and went.

    Parameters
    ----------
    every : str
    moments : tuple of int
        When was looked, microseconds since 1970.
    events : tuple of Event
        ``belief_formed``, ``belief_revised``, ``belief_retired``, look by look.  Their
        ``belief_id`` is the belief's lineage: the id of what it said when it was formed
        first, which need not be the id of what it says now (``Belief.id``, and ``belief_id``
        of ``Beliefs.events()``).  `evolution` and `lineage` take either;
        ``Beliefs.sql("… FROM belief_history")`` has both.
    looks : tuple of Look
    """

    every: str
    moments: tuple[int, ...]
    events: tuple[Event, ...] = field(repr=False)
    looks: tuple[Look, ...] = field(repr=False)

    def to_bytes(self) -> bytes:
        """Return the events as lines of canonical JSON."""
        return to_bytes(self.events)

    @property
    def digest(self) -> str:
        """sha-256 of the events' bytes."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def evolution(self, told: str | Belief) -> pd.DataFrame:
        """Return how the confidence of a belief moved.

        Parameters
        ----------
        told : str or Belief
            A belief of any of the looks, or the first digits of its id or of its lineage's.

        Returns
        -------
        pandas.DataFrame
            ``as_of`` (UTC), ``what`` (the event, or empty), ``confidence, low, high``
            (0..1, null once retired), ``evidence, against, sources`` (counts), ``belief``;
            by time.  ``attrs["lineage"]`` is what the events call it.

        Raises
        ------
        UnknownName
            No look has such a belief.
        """
        import pandas as pd

        lineage = self.lineage(told)
        columns = [
            *("as_of", "what", "confidence", "low", "high", "evidence", "against", "sources"),
            "belief",
        ]
        rows = []
        for look in self.looks:
            if look.lineage != lineage:
                continue
            at = pd.Timestamp(EPOCH + timedelta(microseconds=look.until_us))
            b = look.belief
            numbers = (
                (b.confidence, b.low, b.high, len(b.evidence), len(b.against), b.sources)
                if b
                else (None, None, None, 0, 0, 0)
            )
            rows.append((at, look.what, *numbers, b.content if b else ""))
        table = pd.DataFrame(rows, columns=columns)
        table.attrs.update(lineage=lineage)
        return table

    def lineage(self, told: str | Belief) -> str:
        """Return the id by which a belief is followed."""
        if not isinstance(told, Belief | str):
            raise InvalidOption(
                f"{told!r} names no belief.", "Give the first digits of its id, or a Belief."
            )
        wanted = told.id if isinstance(told, Belief) else told.strip()
        held = [look for look in self.looks if look.belief is not None]
        hits = {
            look.lineage
            for look in held
            if wanted
            and look.belief
            and (look.belief.id.startswith(wanted) or look.lineage.startswith(wanted))
        }
        if len(hits) == 1:
            return hits.pop()
        if hits:
            # One text may have spoken for two: the one that has it now is meant.
            newest = [k for k in held if k.lineage in hits and k.belief and k.belief.id == wanted]
            if newest:
                return newest[-1].lineage
            raise UnknownName(f"{len(hits)} beliefs begin with {wanted!r}.", "Give more digits.")
        known = sorted({k.lineage[:12] for k in held})
        raise UnknownName.among("belief", wanted[:40], known)

    def df(self) -> pd.DataFrame:
        """Return the events.

        Returns
        -------
        pandas.DataFrame
            ``as_of`` (text, UTC), ``timestamp, event_type, belief_id`` (the lineage),
            ``belief, confidence`` (null for a retired one), ``was`` (confidence before, null
            for a new one), ``evidence_count, event_id``.
        """
        import pandas as pd

        columns = [
            *("as_of", "timestamp", "event_type", "belief_id", "belief", "confidence", "was"),
            *("evidence_count", "event_id"),
        ]
        return pd.DataFrame(
            [
                (
                    *(e.data["as_of"], e.timestamp, e.event_type, e.data["belief_id"]),
                    *(e.data["belief"], e.data.get("confidence")),
                    e.data.get("was", {}).get("confidence"),
                    *(e.data.get("evidence_count"), e.event_id),
                )
                for e in self.events
            ],
            columns=columns,
        )

    def facts(self) -> list[tuple[str, str]]:
        """Return what the repr shows."""
        counts: dict[str, int] = {}
        for event in self.events:
            counts[event.event_type] = counts.get(event.event_type, 0) + 1
        said = [(kind, f"{n:,}") for kind, n in sorted(counts.items())]
        return [
            ("looks", f"{len(self.moments):,}, one each {self.every}"),
            *said,
            ("digest", self.digest[:12]),
        ]

    def __repr__(self) -> str:
        return text_card("Belief history", self.facts())

    def _repr_html_(self) -> str:
        return html_card("Belief history", self.facts())


def history(pipeline: Pipeline, *, every: str = "month", last: int | None = None) -> History:
    """Follow beliefs through time.

    Parameters
    ----------
    pipeline : Pipeline
    every : {"event", "day", "week", "month", "quarter", "year"}
        When to look: at the beginning of each, UTC, and at the end of the slice.  ``event``:
        after each observation.
    last : int or None
        Only so many looks, the newest; what they find first counts as formed then.

    Returns
    -------
    History

    Raises
    ------
    UnknownName, InvalidOption
        See `asked`.
    """
    asked(every, last)
    at = moments(pipeline.observed(), every)
    at = at[-last:] if last is not None else at
    events: list[Event] = []
    looks: list[Look] = []
    newest: dict[str, Event] = {}
    followed: dict[str, Belief] = {}
    used: set[str] = set()
    end = pipeline.observed().end_us
    for until_us in at:
        # The last look is at the whole slice: its end belongs to it.
        whole = pipeline.form(None if until_us > end else until_us)
        same = _same(followed, list(whole))
        now: dict[str, Belief] = {}
        batch: list[Event] = []
        for belief in whole:
            lineage = same.get(belief.id)
            what = ""
            if lineage is None:
                lineage = belief.id
                if lineage in used:
                    lineage = hashlib.sha256(f"{belief.id} {until_us}".encode()).hexdigest()
                used.add(lineage)
                batch.append(formed(belief, lineage))
                what = FORMED
            elif changed(belief, newest[lineage].data, NEWS):
                batch.append(revised(belief, lineage, newest[lineage]))
                what = batch[-1].event_type
            if what:
                newest[lineage] = batch[-1]
            now[lineage] = belief
            looks.append(Look(min(until_us, end), lineage, what, belief))
        for lineage in sorted(followed.keys() - now.keys()):
            batch.append(retired(whole, lineage, newest.pop(lineage)))
            looks.append(Look(min(until_us, end), lineage, RETIRED, None))
        events += sorted(batch, key=lambda event: event.order)
        followed = now
    return History(every, tuple(at), tuple(events), tuple(looks))


def asked(every: str, last: int | None) -> None:
    """Refuse a period that there is not, and a number of looks that shows nothing."""
    if every not in EVERY:
        raise UnknownName.among("period", every, EVERY)
    if last is not None and (not isinstance(last, Integral) or last < 1):
        raise InvalidOption(
            f"last={last!r} is no number of looks.",
            "Use a whole number from 1 on, or None for all.",
        )


def moments(observed: Observed, every: str) -> list[int]:
    """Return when to look at a slice: microseconds since 1970, half-open, the last at its end."""
    if every not in EVERY:
        raise UnknownName.among("period", every, EVERY)
    seen = [one.occurred_us for one in observed.observations]
    if not seen:
        return []
    end = observed.end_us + 1
    if every == "event":
        return sorted({us + 1 for us in seen if us + 1 < end} | {end})
    found = []
    at = _start(EPOCH + timedelta(microseconds=seen[0]), every)
    while True:
        at = _next(at, every)
        if micros(at) >= end:
            break
        found.append(micros(at))
        if len(found) > 100_000:
            raise InvalidOption(
                f"{len(found):,} looks, one each {every}, are too many.", "Look less often."
            )
    return [*found, end]


def _start(at: datetime, every: str) -> datetime:
    day = datetime(at.year, at.month, at.day, tzinfo=UTC)
    if every == "week":
        return day - timedelta(days=day.weekday())
    if every in _MONTHS:
        n = _MONTHS[every]
        return day.replace(day=1, month=(day.month - 1) // n * n + 1)
    return day


def _next(at: datetime, every: str) -> datetime:
    if every in _DAYS:
        return at + timedelta(days=_DAYS[every])
    for _ in range(_MONTHS[every]):
        at += timedelta(days=calendar.monthrange(at.year, at.month)[1])
    return at


def _same(before: dict[str, Belief], now: Sequence[Belief]) -> dict[str, str]:
    """Return the lineage of each belief that was held before: one to one.

    First those that say the same in the same words, then by overlap, the best first.
    """
    holding: dict[str, list[str]] = {}
    for lineage, belief in before.items():
        for event in belief.evidence:
            holding.setdefault(event, []).append(lineage)
    pairs: dict[tuple[str, str], int] = {}
    for belief in now:
        for event in belief.evidence:
            for lineage in holding.get(event, ()):
                key = lineage, belief.id
                pairs[key] = pairs.get(key, 0) + 1
    by_id = {belief.id: belief for belief in now}
    ranked = []
    for (lineage, name), shared in pairs.items():
        was, new = before[lineage], by_id[name]
        share = shared / min(len(was.evidence), len(new.evidence))
        if share >= OVERLAP and (was.scope, was.project) == (new.scope, new.project):
            # Where a cluster fell apart, the part that still says the same is the same.
            ranked.append((was.id != name, -share, -shared, lineage, name))
    found: dict[str, str] = {}
    taken: set[str] = set()
    for *_, lineage, name in sorted(ranked):
        if name not in found and lineage not in taken:
            found[name] = lineage
            taken.add(lineage)
    return found
