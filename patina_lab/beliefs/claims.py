"""Claims: what could be believed of each cluster, who believes it, and whether it came again.

Two ways to form beliefs are compared claim by claim.  A claim is a cluster, a project (none:
across projects) and a side; its members are the observations on that side.  A claim *comes
again* if in the next window somebody writes, in a source that is not among its own, a text
that is near its medoid and not on the other side.  That is no proof of truth; it is what can
be asked of any log without labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from patina_lab.beliefs.ground import Ground
from patina_lab.beliefs.observed import Observation, Observed
from patina_lab.beliefs.rules import Candidate
from patina_lab.beliefs.vectors import Vectors

AGAIN = 0.60
"""Cosine from which a later text says a claim again."""

_AT_ONCE = 512


@dataclass(frozen=True)
class Claim:
    """A side of a cluster.

    Parameters
    ----------
    cluster : str
    project : str
        Empty: across projects.
    stance : int
    events : frozenset of str
        Its members.
    text_id : str
        Of the member that speaks for it.
    confidence : float or None
        None: nobody holds it.
    candidate : Candidate or None
    """

    cluster: str
    project: str
    stance: int
    events: frozenset[str] = field(repr=False)
    text_id: str = field(repr=False)
    confidence: float | None = None
    candidate: Candidate | None = field(default=None, repr=False)

    @property
    def key(self) -> tuple[str, str, int]:
        """Cluster, project and stance."""
        return self.cluster, self.project, self.stance


def held(ground: Ground, candidates: Iterable[Candidate]) -> list[Claim]:
    """Return the claims of what a rule set concludes, by key."""
    made = [
        replace(
            _claim(ground, c.cluster, c.project, c.stance),
            confidence=c.confidence,
            candidate=c,
        )
        for c in candidates
    ]
    return sorted(made, key=lambda claim: claim.key)


def every(ground: Ground, scope: str) -> list[Claim]:
    """Return a claim for each cluster and project (or across them): its stronger side."""
    made = []
    for cluster in ground.clusters.clusters:
        seen = [ground.by_event[event] for event in cluster.members]
        projects = {one.project for one in seen} if scope == "project" else {""}
        for project in sorted(projects):
            balance = sum(one.polarity for one in seen if not project or one.project == project)
            made.append(_claim(ground, cluster.cluster, project, -1 if balance < 0 else 1))
    return sorted(made, key=lambda claim: claim.key)


def _claim(ground: Ground, cluster: str, project: str, stance: int) -> Claim:
    seen = [ground.by_event[event] for event in ground.members[cluster]]
    within = [one for one in seen if not project or one.project == project]
    side = [one for one in within if not stance or one.polarity == stance] or within
    medoid = ground.medoid(one.text_id for one in side)
    return Claim(cluster, project, stance, frozenset(one.event_id for one in side), medoid)


def came_again(
    claims: Sequence[Claim], ground: Ground, later: Observed, vectors: Vectors, window_us: int
) -> list[bool]:
    """Say of each claim whether it came again.

    Parameters
    ----------
    claims : sequence of Claim
    ground : Ground
        As of the cut.
    later : Observed
        With what happened after it, too.
    vectors : Vectors
        Of all its texts.
    window_us : int
        Length of the window after the cut.
    """
    cut = ground.observed.end_us
    window = [one for one in later.observations if cut <= one.occurred_us < cut + window_us]
    texts = sorted({one.text_id for one in window})
    saying: dict[str, list[Observation]] = {}
    for one in window:
        saying.setdefault(one.text_id, []).append(one)
    said = []
    speaking = sorted({claim.text_id for claim in claims})
    near_to: dict[str, list[str]] = {}
    for at in range(0, len(speaking), _AT_ONCE):
        some = speaking[at : at + _AT_ONCE]
        for text, row in zip(some, vectors.matrix_of(some, texts) >= AGAIN, strict=True):
            near_to[text] = [texts[n] for n in row.nonzero()[0]]
    for claim in claims:
        near = near_to[claim.text_id]
        sources = {ground.by_event[event].source for event in claim.events}
        said.append(
            any(
                one.source not in sources
                and one.polarity != -claim.stance
                and (not claim.project or one.project == claim.project)
                for text in near
                for one in saying[text]
            )
        )
    return said


def match(before: Sequence[Claim], now: Sequence[Claim], least: float = 0.5) -> dict[int, int]:
    """Return which claims are the same: one to one, equal keys first, then by overlap.

    Parameters
    ----------
    before, now : sequence of Claim
    least : float
        Share of the smaller one's members that two claims have in common.

    Returns
    -------
    dict of int to int
        Place in `before` -> place in `now`.
    """
    place: Mapping[tuple[str, str, int], int] = {claim.key: n for n, claim in enumerate(now)}
    found = {n: place[claim.key] for n, claim in enumerate(before) if claim.key in place}
    taken = {*found.values()}
    holding: dict[str, list[int]] = {}
    for m, claim in enumerate(now):
        if m not in taken:
            for event in claim.events:
                holding.setdefault(event, []).append(m)
    ranked = []
    for n, claim in enumerate(before):
        if n in found:
            continue
        counts: dict[int, int] = {}
        for event in claim.events:
            for m in holding.get(event, ()):
                counts[m] = counts.get(m, 0) + 1
        for m, shared in counts.items():
            other = now[m]
            overlap = shared / min(len(claim.events), len(other.events))
            if overlap >= least and (claim.project, claim.stance) == (other.project, other.stance):
                ranked.append((-overlap, -shared, claim.key, other.key, n, m))
    for *_, n, m in sorted(ranked):
        if n not in found and m not in taken:
            found[n] = m
            taken.add(m)
    return found
