"""Ground: from observations to the facts that a rule set reasons about.

::

    Observed ── texts ── embedder ── vectors ── average linkage ── clusters
                  │                     │                             │
                  └── polarity          └── cosines                   └── cohesion, medoid,
                      boilerplate           contradictions                diversity

Texts that are the same, word for word, are one text with one vector.  Cosines are exact before
they are rounded to a millionth (`patina_lab.beliefs.cluster`), and everything is sorted by
content, so that facts depend on neither order nor the machine's load.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from patina_lab.beliefs.boilerplate import boilerplate, own_words
from patina_lab.beliefs.cluster import DISTANCE, Cluster, Clusters, cluster, lexical_diversity
from patina_lab.beliefs.cluster import Observation as Point
from patina_lab.beliefs.facts import OBSERVATION_COLUMNS, FactSet
from patina_lab.beliefs.observed import Observation, Observed, Unresolved, references
from patina_lab.beliefs.polarity import opposed
from patina_lab.beliefs.recent import Recent, key_of
from patina_lab.beliefs.vectors import Vectors, first_texts
from patina_lab.eventlog.progress import Progress, silent

OPPOSED = 0.75
"""Cosine from which two texts are about the same thing, so that words may oppose them."""

_RECENT = Recent(8)
_DAY_US = 86_400_000_000
_DIGITS = 6


@dataclass(frozen=True)
class Contradiction:
    """Two observations of which the later one says the opposite.

    Parameters
    ----------
    later, earlier : str
        Event ids.
    how : str
        ``stated`` (the later event says so) or ``words``.
    cosine : float or None
        Of their texts, where the words were looked at.
    """

    later: str
    earlier: str
    how: str
    cosine: float | None


@dataclass(frozen=True)
class Ground:
    """Observations, their clusters, and the facts made of both.

    Parameters
    ----------
    observed : Observed
    vectors : Vectors
    clusters : patina_lab.beliefs.cluster.Clusters
        Of event ids.
    near : tuple of (str, str, float)
        Text ids of neighbours, and their cosine.
    contradictions : tuple of Contradiction
    supersedes : tuple of (str, str)
        Event ids, later and earlier.
    boilerplate : frozenset of str
        Text ids.
    problems : tuple of Unresolved
        References to other events that lead nowhere.
    """

    observed: Observed
    vectors: Vectors = field(repr=False)
    clusters: Clusters
    near: tuple[tuple[str, str, float], ...] = field(repr=False)
    contradictions: tuple[Contradiction, ...] = field(repr=False)
    supersedes: tuple[tuple[str, str], ...] = field(repr=False)
    boilerplate: frozenset[str] = field(repr=False)
    problems: tuple[Unresolved, ...] = field(repr=False)

    @cached_property
    def by_event(self) -> Mapping[str, Observation]:
        """The observations by the identity of their event."""
        return {seen.event_id: seen for seen in self.observed.observations}

    @cached_property
    def cluster(self) -> Mapping[str, Cluster]:
        """The clusters by their ids."""
        return {c.cluster: c for c in self.clusters.clusters}

    @cached_property
    def members(self) -> Mapping[str, tuple[str, ...]]:
        """Event ids of each cluster's observations."""
        return {c.cluster: c.members for c in self.clusters.clusters}

    @cached_property
    def diversity(self) -> Mapping[str, float]:
        """Distinct words / words of each cluster's texts, each text once.

        Ten people who say the same in the same words agree; one form that is filled in ten
        times does not.  Repetition in the same words is `boilerplate`'s business.
        """
        of_event, texts = self.by_event, self.vectors.texts
        return {
            c.cluster: round(
                lexical_diversity(
                    texts[text] for text in {of_event[event].text_id for event in c.members}
                ),
                _DIGITS,
            )
            for c in self.clusters.clusters
        }

    @cached_property
    def content(self) -> Mapping[str, float]:
        """Words of its own that a text of each cluster has, on average; each text once."""
        of_event, texts = self.by_event, self.vectors.texts
        found = {}
        for c in self.clusters.clusters:
            ids = {of_event[event].text_id for event in c.members}
            found[c.cluster] = round(sum(own_words(texts[one]) for one in ids) / len(ids), _DIGITS)
        return found

    @cached_property
    def facts(self) -> FactSet:
        """All facts."""
        return self.facts_of(self.observed.observations)

    def facts_of(
        self,
        kept: Iterable[Observation],
        more: Mapping[str, Sequence[Observation]] = MappingProxyType({}),
    ) -> FactSet:
        """Return the facts of some of the observations, and of others added to a cluster.

        Parameters
        ----------
        kept : iterable of Observation
            Of this ground.
        more : mapping of str to sequence of Observation
            Cluster -> those that are added to it.

        Notes
        -----
        Cohesion, diversity, content and medoids stay those of the whole clusters.
        """
        seen = [*kept, *(one for added in more.values() for one in added)]
        ids = {one.event_id for one in seen}
        cluster_of = dict(self.clusters.of)
        for name, added in more.items():
            cluster_of |= dict.fromkeys((one.event_id for one in added), name)
        grouped = [
            (one.event_id, cluster_of[one.event_id]) for one in seen if one.event_id in cluster_of
        ]
        alive = {cluster for _, cluster in grouped}
        groups = [c for c in self.clusters.clusters if c.cluster in alive]
        end = self.observed.end_us
        rows = [
            (
                *(one.event_id, one.event_id, one.text_id, one.type, one.polarity),
                *(one.occurred_us, one.author, one.session, one.project, one.reliability),
                max(0, end - one.occurred_us) / _DAY_US,
            )
            for one in seen
        ]
        return FactSet.of(
            pd.DataFrame(rows, columns=list(OBSERVATION_COLUMNS)),
            clusters=grouped,
            properties=[
                (
                    c.cluster,
                    c.medoid if c.medoid in ids else None,
                    round(c.cohesion, _DIGITS),
                    self.diversity[c.cluster],
                )
                for c in groups
            ],
            content=[(c.cluster, self.content[c.cluster]) for c in groups],
            similar=self._similar(seen, groups),
            boilerplate=sorted(self.boilerplate & {one.text_id for one in seen}),
            contradicts=[
                (c.later, c.earlier)
                for c in self.contradictions
                if c.later in ids and c.earlier in ids
            ],
            supersedes=[(a, b) for a, b in self.supersedes if a in ids and b in ids],
        )

    def _similar(
        self, seen: Sequence[Observation], groups: Sequence[Cluster]
    ) -> list[tuple[str, str, float]]:
        """Return pairs of neighbours: of first sayings, and of each medoid with its cluster."""
        said: dict[str, str] = {}
        text_of: dict[str, str] = {}
        for one in seen:
            said.setdefault(one.text_id, one.event_id)
            text_of[one.event_id] = one.text_id
        pairs = {
            _pair(said[a], said[b]): cosine for a, b, cosine in self.near if a in said and b in said
        }
        for group in groups:
            if group.medoid not in text_of:
                continue
            others = [m for m in group.members if m in text_of and m != group.medoid]
            texts = [text_of[m] for m in others]
            cosines = self.vectors.cosines(text_of[group.medoid], texts)
            for other, cosine in zip(others, cosines, strict=True):
                pairs.setdefault(_pair(group.medoid, other), cosine)
        return [(*pair, cosine) for pair, cosine in pairs.items()]

    def medoid(self, text_ids: Iterable[str]) -> str:
        """Return the text that is closest, on average, to all of these."""
        among = sorted({*text_ids})
        if len(among) == 1:
            return among[0]
        closeness = np.round(self.vectors.matrix_of(among, among).sum(axis=1), _DIGITS)
        return among[int(np.argmax(closeness))]

    def text(self, text_id: str) -> str:
        """Return a text as it was written first."""
        return self.vectors.texts[text_id]


def ground(
    observed: Observed,
    vectors: Vectors,
    *,
    threshold: float = DISTANCE,
    before: Clusters | None = None,
    progress: Progress = silent,
) -> Ground:
    """Make the ground of beliefs.

    Parameters
    ----------
    observed : Observed
    vectors : Vectors
        Of at least the texts that were observed; whatever else it holds has no influence.
    threshold : float
        Cosine distance, above 0 and below 1, up to which clusters are joined.
    before : Clusters or None
        Of another slice: what did not change is not clustered again; no result depends on it.
    progress : Progress
    """
    seen = observed.observations
    points = [Point(one.event_id, one.text, *_source(one)) for one in seen]
    rows = vectors.rows([one.text_id for one in seen])
    clusters = _RECENT.get(
        key_of((threshold, vectors.model_hash, *points), rows),
        lambda: cluster(
            points,
            rows,
            distance=threshold,
            model_hash=vectors.model_hash,
            before=before,
            progress=progress,
        ),
    )
    texts = first_texts(observed)
    near = [pair for pair in vectors.near if pair[0] in texts and pair[1] in texts]
    stated, problems = references(seen, "contradicts")
    replaced, more = references(seen, "supersedes")
    return Ground(
        observed,
        vectors,
        clusters,
        tuple(near),
        tuple(_contradictions(seen, texts, near, stated)),
        tuple(replaced),
        boilerplate(seen),
        (*problems, *more),
    )


def _contradictions(
    seen: Sequence[Observation],
    texts: Mapping[str, str],
    near: Sequence[tuple[str, str, float]],
    stated: Iterable[tuple[str, str]],
) -> list[Contradiction]:
    """Return each later observation with the first earlier one of a text that it contradicts."""
    saying: dict[str, list[Observation]] = {}
    for one in seen:
        saying.setdefault(one.text_id, []).append(one)
    found = {pair: Contradiction(*pair, "stated", None) for pair in stated}
    for a, b, cosine in near:
        if cosine < OPPOSED or not opposed(texts[a], texts[b]):
            continue
        for mine, theirs in ((a, b), (b, a)):
            first = saying[theirs][0]
            for later in saying[mine]:
                if first < later:
                    pair = later.event_id, first.event_id
                    found.setdefault(pair, Contradiction(*pair, "words", cosine))
    return [found[pair] for pair in sorted(found)]


def _source(one: Observation) -> tuple[str, str, str]:
    return one.author, one.session, one.project


def _pair(a: Any, b: Any) -> Any:
    return (a, b) if a <= b else (b, a)
