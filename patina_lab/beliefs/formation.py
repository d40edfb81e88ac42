"""Formation: from what was observed to beliefs, each with its evidence and its proof.

::

    Observed ─ vectors ─ ground ─ facts ─┐
                                         ├─ RuleEngine ─ candidates ─ proofs ─ beliefs
    rule set ────────────────────────────┘

A belief says what its evidence says: its content is the text that is closest to all those
that support it, in the words of who wrote it.  Its evidence is what its proof looks at.
"""

from __future__ import annotations

import hashlib
import html
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

from patina_lab.beliefs.confidence import intervals
from patina_lab.beliefs.facts import RELATIONS
from patina_lab.beliefs.ground import Ground
from patina_lab.beliefs.observed import Observed, day
from patina_lab.beliefs.rules import Candidate, Formed, Used
from patina_lab.beliefs.ruleset import RuleSet
from patina_lab.errors import InvalidOption, UnknownName
from patina_lab.eventlog.eventlog import html_card, text_card
from patina_lab.events.identity import EPOCH, canonical_json

if TYPE_CHECKING:
    import pandas as pd

    from patina_lab.beliefs.explain import Explanation
    from patina_lab.beliefs.history import History
    from patina_lab.beliefs.pipeline import Pipeline
    from patina_lab.beliefs.proof import Proof
    from patina_lab.eventlog.eventlog import Eventlog
    from patina_lab.events.event import Event
    from patina_lab.projections.rel import Rel

LEVEL = 0.9
"""Level of the intervals that are shown."""

SCOPES = ("project", "persona")

_DIGITS = 6
_TAKES_PART = {"observation", "source", "reliability", "age_days", "similar", "contradicts"}
# Facts by which a rule weighs an observation; `cluster/2` and `project/2` only find it.
_SHOWN = 12


@dataclass(frozen=True)
class Belief:
    """One thing that is held, how firmly, and why.

    Parameters
    ----------
    id : str
        sha-256 over scope, project and content: the same belief has it in every log.
    content : str
        The text that speaks for the evidence.
    stance : int
        1 affirms what its cluster says, -1 denies it.
    scope : str
        ``project`` or ``persona``.
    project : str
        Empty for a persona's.
    projects : tuple of str
        Of the supporting evidence.
    domains : tuple of str
        That the supporting evidence names, the most frequent first.
    confidence : float
        0.30..0.95.
    low, high : float
        Interval of level `LEVEL` of the Beta opinion, which has no floor and no ceiling.
    uncertainty : float
        Share of the opinion that is prior, not evidence.
    mass_for, mass_against : float
        Evidence, in votes.
    evidence, against : tuple of str
        Ids of the events that support it and that oppose it, by time.
    sources : int
        Independent ones (author × session × project) among the supporting.
    last_us : int
        When it was supported last.
    text_id : str
        Of the content.
    candidate : Candidate
    """

    id: str
    content: str
    stance: int
    scope: str
    project: str
    projects: tuple[str, ...]
    domains: tuple[str, ...]
    confidence: float
    low: float
    high: float
    uncertainty: float
    mass_for: float
    mass_against: float
    evidence: tuple[str, ...]
    against: tuple[str, ...]
    sources: int
    last_us: int
    text_id: str = field(repr=False)
    candidate: Candidate = field(repr=False)
    beliefs: Beliefs | None = field(default=None, repr=False, compare=False)

    @property
    def whole(self) -> Beliefs:
        """The beliefs that it was formed with."""
        assert self.beliefs is not None
        return self.beliefs

    @cached_property
    def proof(self) -> Proof:
        """Its proof; the leaves are event ids of the log."""
        return self.whole.formed.prove(self.candidate)

    @property
    def event(self) -> Event:
        """Its ``belief_formed`` event; ``belief_id`` is `id` (see `Beliefs.events`).

        ``lab.propose(b.content, type="belief", payload=dict(b.event.data))`` puts it to the
        team.
        """
        from patina_lab.beliefs.belief_events import formed

        return formed(self)

    def explain(self) -> Explanation:
        """Return why it is held, and which evidence would flip it.

        Returns
        -------
        Explanation
            ``str(…)``, ``.html()``, ``.json()``.
        """
        from patina_lab.beliefs.explain import explain

        return explain(self)

    def facts(self) -> list[tuple[str, str]]:
        """Return what the repr shows."""
        where = ", ".join(map(self.whole.observed.named, self.projects)) or "-"
        return [
            ("belief", self.content),
            ("confidence", f"{self.confidence:.2f} (evidence: {self.low:.2f} to {self.high:.2f})"),
            (
                "evidence",
                f"{len(self.evidence)} for from {self.sources} sources, {len(self.against)} "
                f"against; last {day(self.last_us)}",
            ),
            ("projects", where),
            ("domains", ", ".join(self.domains) or "none named"),
            ("rules", f"{self.whole.rules.name} ({self.whole.rules.digest[:12]})"),
            ("id", self.id[:12]),
        ]

    def __repr__(self) -> str:
        return text_card("Belief", self.facts())

    def _repr_html_(self) -> str:
        return html_card("Belief", self.facts())


@dataclass(frozen=True)
class Choice:
    """How beliefs are formed: all that can be chosen.

    Parameters
    ----------
    rules : RuleSet
    threshold : float
        Cosine distance up to which clusters are joined.
    model, model_hash : str
        Of the embedder.
    scope : str
        ``project`` or ``persona``.
    """

    rules: RuleSet
    threshold: float
    model: str
    model_hash: str
    scope: str

    def __post_init__(self) -> None:
        if self.scope not in SCOPES:
            raise UnknownName.among("scope", self.scope, SCOPES)

    def json(self) -> dict[str, Any]:
        """Return it as JSON values, without what a machine adds."""
        return {
            "rule_set": {
                "name": self.rules.name,
                "digest": self.rules.digest,
                "parameters": dict(self.rules.parameters),
            },
            "model": {"name": self.model, "hash": self.model_hash},
            "threshold": self.threshold,
        }

    @property
    def digest(self) -> str:
        """sha-256 of the choice."""
        said = {**self.json(), "scope": self.scope}
        return hashlib.sha256(canonical_json(said)).hexdigest()


class Beliefs(Sequence[Belief]):
    """The beliefs of a slice, the firmest first.

    Parameters
    ----------
    ground : Ground
        Observations, clusters, facts.
    formed : Formed
        What the rule set made of them.
    choice : Choice
    pipeline : Pipeline or None
        What formed them, and can do so as of other moments.
    log : Eventlog or None
        The slice that they were formed of; None: of several projects' events.
    """

    def __init__(
        self,
        ground: Ground,
        formed: Formed,
        choice: Choice,
        pipeline: Pipeline | None = None,
        log: Eventlog | None = None,
    ) -> None:
        self.ground = ground
        self.formed = formed
        self.choice = choice
        self.pipeline = pipeline
        self.log = log
        self._beliefs = _beliefs(self)

    @property
    def rules(self) -> RuleSet:
        """The rule set."""
        return self.choice.rules

    @property
    def observed(self) -> Observed:
        """What they rest on."""
        return self.ground.observed

    @overload
    def __getitem__(self, at: int) -> Belief: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[Belief]: ...

    def __getitem__(self, at: int | slice) -> Belief | Sequence[Belief]:
        return self._beliefs[at]

    def __len__(self) -> int:
        return len(self._beliefs)

    def __iter__(self) -> Iterator[Belief]:
        return iter(self._beliefs)

    def find(self, told: str) -> Belief:
        """Return a belief by the first digits of its id, or by its content.

        Raises
        ------
        UnknownName
            There is none, or more than one.
        """
        if not isinstance(told, str):
            raise InvalidOption(
                f"{told!r} names no belief.", "Give the first digits of its id, or what it says."
            )
        wanted = told.strip()
        hits = [b for b in self if wanted and (b.id.startswith(wanted) or b.content == wanted)]
        if len(hits) == 1:
            return hits[0]
        if hits:
            raise UnknownName(
                f"{len(hits)} beliefs have an id that begins with {told!r}.", "Give more digits."
            )
        known = [b.id[:12] for b in self] + [b.content for b in self]
        raise UnknownName.among("belief", told, known)

    def df(self) -> pd.DataFrame:
        """Return a row for each belief.

        Returns
        -------
        pandas.DataFrame
            ``id, belief, confidence, low, high, uncertainty, evidence_count, against_count,
            sources, mass_for, mass_against, scope, projects, domains, last_seen`` (UTC),
            firmest first; ``attrs`` have the log's digest and the choice.
        """
        import pandas as pd

        rows = [
            (
                *(b.id, b.content, b.confidence, b.low, b.high, b.uncertainty),
                *(len(b.evidence), len(b.against), b.sources, b.mass_for, b.mass_against),
                *(b.scope, list(b.projects), list(b.domains)),
                pd.Timestamp(EPOCH + timedelta(microseconds=b.last_us)),
            )
            for b in self
        ]
        columns = [
            *("id", "belief", "confidence", "low", "high", "uncertainty", "evidence_count"),
            *("against_count", "sources", "mass_for", "mass_against", "scope", "projects"),
            *("domains", "last_seen"),
        ]
        table = pd.DataFrame(rows, columns=columns)
        table.attrs.update(digest=self.observed.digest, **self.choice.json())
        return table

    def contradictions(self) -> pd.DataFrame:
        """Return what speaks against what.

        Returns
        -------
        pandas.DataFrame
            A row for each pair of which one contradicts the other: ``belief`` (id, or empty:
            it belongs to none), ``content``, ``how`` (``polarity``: on opposite sides of one
            cluster; ``words``; ``stated``), ``later, earlier`` (event ids), ``later_text,
            earlier_text, cosine``; by belief, then time.
        """
        import pandas as pd

        of_event = self.ground.by_event
        held: dict[str, list[Belief]] = {}
        for belief in self:
            for event in (*belief.evidence, *belief.against):
                held.setdefault(event, []).append(belief)
        found = {(c.later, c.earlier): (c.how, c.cosine) for c in self.ground.contradictions}
        for cluster in self.ground.clusters.clusters:
            members = [of_event[event] for event in cluster.members if event in held]
            for one in members:
                first = min((m for m in members if m.polarity * one.polarity < 0), default=None)
                if first is not None and first < one:
                    found.setdefault((one.event_id, first.event_id), ("polarity", None))
        rows = [
            (
                belief.id if belief else "",
                belief.content if belief else "",
                *(how, later, earlier, of_event[later].text, of_event[earlier].text),
                cosine,
                of_event[later].occurred_us,
            )
            for (later, earlier), (how, cosine) in found.items()
            for belief in _both(held.get(later, []), held.get(earlier, []))
        ]
        columns = [
            *("belief", "content", "how", "later", "earlier", "later_text", "earlier_text"),
            *("cosine", "at"),
        ]
        table = pd.DataFrame(rows, columns=columns)
        order = ["belief", "at", "later", "earlier"]
        return table.sort_values(order, ignore_index=True).drop(columns="at")

    def events(self) -> tuple[Event, ...]:
        """Return a ``belief_formed`` event for each; see `patina_lab.beliefs.belief_events`.

        Their ``belief_id`` is the belief's own: the hash of what it says now, for whom.
        ``history().events`` name a belief by its lineage, the id of what it said when it was
        formed first.  The two differ where it came to say it in other words; `evolution`
        (``attrs["lineage"]``) and ``belief_history`` of `sql` bridge them.
        """
        from patina_lab.beliefs.belief_events import belief_events

        return belief_events(self)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return ``beliefs``, ``belief_evidence`` and ``domain_beliefs``.

        See `patina_lab.beliefs.tables`.
        """
        from patina_lab.beliefs.tables import tables

        return tables(self)

    def rel(self, name: str) -> Rel:
        """Return one of the relations that `sql` asks, lazily."""
        from patina_lab.beliefs.relations import relation

        return relation(self, name)

    def sql(self, query: str) -> pd.DataFrame:
        """Ask these beliefs in SQL, beside the log's slice that they were formed of.

        Parameters
        ----------
        query : str
            One SELECT over

            ``beliefs``: ``id, content, confidence, formed_at, evidence_count,
            source_projects, domains, last_validated``;

            ``belief_evidence``: ``belief_id, project_name, event_id`` (as its source calls
            it: ``eventlog.source_id``), ``observation_id`` (``eventlog.event_id``),
            ``relevance_score`` (negative: against it);

            ``domain_beliefs``: ``domain_name, belief_id, relevance_score``;

            ``belief_history``: ``as_of, lineage, belief_id, what, confidence, low, high,
            evidence_count, against_count, sources, content``, a row for each monthly look
            (of `history`; computed only where it is named): what bridges the ids of
            `events` (``belief_id``) and of ``history().events`` (``lineage``);

            and the log's ``eventlog, observations, commits, …`` (see `Eventlog.rel`), which
            a persona's beliefs are without.  Notes of one's own (``local=True``) are in no
            log.

        Returns
        -------
        pandas.DataFrame
            ``attrs`` have the log's digest and the choice.

        Raises
        ------
        UsageError
            The query cannot be understood; `UnknownName` where it names a column that is not
            there.

        Examples
        --------
        >>> lab.form_beliefs().sql('''
        ...     SELECT b.content, e.timestamp, e.actor, e.data
        ...     FROM beliefs b
        ...     JOIN belief_evidence v ON v.belief_id = b.id
        ...     JOIN eventlog e ON e.event_id = v.observation_id
        ...     ORDER BY b.id, e.seq''')  # doctest: +SKIP
        """
        from patina_lab.beliefs.relations import query as asked

        table = asked(self, query).df()
        table.attrs.update(digest=self.observed.digest, **self.choice.json())
        return table

    def explain(self, told: str) -> Explanation:
        """Return why a belief is held; `told` as for `find`."""
        return self.find(told).explain()

    def history(self, *, every: str = "month", last: int | None = None) -> History:
        """Return how beliefs came, moved and went until now.

        Parameters
        ----------
        every : {"event", "day", "week", "month", "quarter", "year"}
        last : int or None
            Only so many looks, the newest.
        """
        from patina_lab.beliefs.history import asked, history

        asked(every, last)
        if self.pipeline is None:
            raise InvalidOption(
                "Nothing is known of the time before these beliefs.",
                "Form them of a log: lab.form_beliefs().",
            )
        key = "history", every, last, self.choice.digest
        if key not in self.pipeline._kept:
            self.pipeline._kept[key] = history(self.pipeline, every=every, last=last)
        found: History = self.pipeline._kept[key]
        return found

    def evolution(
        self, told: str | Belief, *, every: str = "month", last: int | None = None
    ) -> pd.DataFrame:
        """Return how the confidence of a belief moved; see `History.evolution`.

        Parameters
        ----------
        told : str or Belief
        every : {"event", "day", "week", "month", "quarter", "year"}
            ``event``: after each observation, one by one.
        last : int or None
            Only so many looks, the newest.
        """
        belief = told if isinstance(told, Belief) else self.find(told)
        return self.history(every=every, last=last).evolution(belief)

    @property
    def formed_at(self) -> datetime:
        """The time of the slice's last event: what belief events are dated by."""
        return EPOCH + timedelta(microseconds=self.observed.last_us)

    def facts(self) -> list[tuple[str, str]]:
        """Return what the repr shows."""
        seen = self.observed
        rules = self.rules
        said = [
            ("beliefs", f"{len(self):,} from {len(seen):,} observations"),
            ("rules", f"{rules.name} ({rules.digest[:12]})"),
            ("clusters", f"{len(self.ground.clusters.clusters):,} at {self.choice.threshold:g}"),
            ("model", f"{self.choice.model} ({self.choice.model_hash[:12]})"),
            ("until", day(seen.end_us) if len(seen) else "no observations"),
            ("log", seen.digest[:12]),
        ]
        if self.ground.problems:
            said.append(("problems", f"{len(self.ground.problems)} references lead nowhere"))
        return said

    def __repr__(self) -> str:
        lines = [text_card("Beliefs", self.facts())]
        lines += [
            f"  {b.confidence:.2f}  {_short(b.content)}  "
            f"({len(b.evidence)} for, {len(b.against)} against, {b.sources} sources)"
            for b in self[:_SHOWN]
        ]
        if len(self) > _SHOWN:
            lines.append(f"  … and {len(self) - _SHOWN:,} more: .df() has them all")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{b.confidence:.2f}</td><td>{b.low:.2f} to {b.high:.2f}</td>"
            f'<td style="text-align:left">{html.escape(_short(b.content, 160))}</td>'
            f"<td>{len(b.evidence)}</td><td>{len(b.against)}</td><td>{b.sources}</td></tr>"
            for b in self[: 2 * _SHOWN]
        )
        more = len(self) - 2 * _SHOWN
        tail = f"<p>… and {more:,} more: <code>.df()</code> has them all</p>" if more > 0 else ""
        return (
            f"{html_card('Beliefs', self.facts())}<table><thead><tr><th>confidence</th>"
            "<th>90 % interval</th><th>belief</th><th>for</th><th>against</th><th>sources</th>"
            f"</tr></thead><tbody>{rows}</tbody></table>{tail}"
        )


def belief_id(scope: str, project: str, text_id: str) -> str:
    """Return the identity of a belief: what it says, and for whom."""
    said = canonical_json({"project": project, "scope": scope, "text": text_id})
    return hashlib.sha256(said).hexdigest()


def candidates(formed: Formed, scope: str) -> list[Candidate]:
    """Return the candidates of a scope."""
    return [c for c in formed if c.scope == scope]


def _beliefs(whole: Beliefs) -> tuple[Belief, ...]:
    chosen = candidates(whole.formed, whole.choice.scope)
    bounds = intervals([c.opinion for c in chosen], LEVEL)
    found: dict[str, Belief] = {}
    used = whole.formed.used(chosen)
    for candidate, facts, (low, high) in zip(chosen, used, bounds.tolist(), strict=True):
        belief = _belief(whole, candidate, facts, low, high)
        # One text may speak for two clusters (it contradicts one and lies in the other).
        if belief.id not in found or _firmness(belief) < _firmness(found[belief.id]):
            found[belief.id] = belief
    return tuple(sorted(found.values(), key=_firmness))


def _firmness(belief: Belief) -> tuple[Any, ...]:
    return -belief.confidence, -belief.mass_for, belief.id, belief.candidate.cluster


def _belief(whole: Beliefs, candidate: Candidate, used: Used, low: float, high: float) -> Belief:
    ground = whole.ground
    ours, theirs = evidence(whole, candidate, used)
    seen = [ground.by_event[event] for event in ours or theirs]
    content = ground.medoid(one.text_id for one in seen)
    named = Counter(domain for one in seen for domain in one.domains)
    return Belief(
        belief_id(candidate.scope, candidate.project, content),
        ground.text(content),
        candidate.stance,
        candidate.scope,
        candidate.project,
        tuple(sorted({one.project for one in seen})),
        tuple(sorted(named, key=lambda domain: (-named[domain], domain))),
        round(candidate.confidence, _DIGITS),
        round(low, _DIGITS),
        round(high, _DIGITS),
        round(candidate.opinion.uncertainty, _DIGITS),
        round(candidate.mass_for, _DIGITS),
        round(candidate.mass_against, _DIGITS),
        ours,
        theirs,
        len({one.source for one in seen}),
        max(one.occurred_us for one in seen),
        content,
        candidate,
        whole,
    )


def evidence(
    whole: Beliefs, candidate: Candidate, used: Used
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the events for and against a belief, by time: those that its proof weighs.

    An observation is against it if it has the opposite polarity, or contradicts one that is
    for it; what contradicts the other side is for it.  Rules that weigh no observation rest
    on their cluster as a whole.
    """
    weighed: set[str] = set()
    contradicted: dict[str, set[str]] = {}
    for name, args in used:
        if name not in _TAKES_PART:
            continue
        kinds = [kind for _, kind in RELATIONS[name]]
        obs = [value for value, kind in zip(args, kinds, strict=True) if kind == "obs"]
        weighed.update(obs)
        if name == "contradicts":
            contradicted.setdefault(obs[0], set()).add(obs[1])
    of_event = whole.ground.by_event
    if not weighed:
        members = (of_event[event] for event in whole.ground.members[candidate.cluster])
        weighed = {m.event_id for m in members if candidate.project in ("", m.project)}
    stance = candidate.stance
    ours: list[str] = []
    theirs: list[str] = []
    for one in sorted(of_event[event] for event in weighed):
        denied = {of_event[event].polarity for event in contradicted.get(one.event_id, ())}
        side = one.polarity if one.polarity else stance
        if stance in denied:
            side = -stance
        elif -stance in denied:
            side = stance
        (theirs if stance and side == -stance else ours).append(one.event_id)
    return tuple(ours), tuple(theirs)


def _both(later: list[Belief], earlier: list[Belief]) -> list[Belief] | list[None]:
    """Return the beliefs that both observations bear on; None where there is none."""
    return [b for b in earlier if b in later] or [None]


def _short(text: str, most: int = 90) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"
