"""Explanations: why a belief is held, and which evidence would flip it.

What would flip a belief is found by trying: the rule set runs again over the belief's own
cluster and what contradicts it, without some of its sources, or with more against it.  The
weightiest sources are taken away first, so that the number found is the least for every rule
set in which a vote counts no less than a lighter one.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from patina_lab.beliefs.observed import NOBODY, OWN, Observation, day
from patina_lab.beliefs.oracle import SqlEngine
from patina_lab.beliefs.proof import Node, Proof
from patina_lab.beliefs.terms import show

if TYPE_CHECKING:
    from patina_lab.beliefs.formation import Belief

MOST_AGAINST = 64
"""So many votes against are tried at most."""

_LISTED = 10
NO_PROOF = "No proof: the rules ran in SQL; install SWI-Prolog (patina-lab doctor) for one."


@dataclass(frozen=True)
class Flips:
    """What would flip a belief: it would not be held any more.

    Parameters
    ----------
    without : tuple of tuple of str
        The sources (project, author, session) that would have to be gone, all of them; empty
        where even without all of them it would be held.
    events : tuple of str
        The events of those sources.
    alone : tuple of tuple of str
        Sources of which each one alone would do.
    against : int or None
        How many fresh, reliable votes against it would do; None: not even `MOST_AGAINST`.
    """

    without: tuple[tuple[str, str, str], ...]
    events: tuple[str, ...]
    alone: tuple[tuple[str, str, str], ...]
    against: int | None

    def sentence(self) -> str:
        """Return it in words."""
        n = len(self.without)
        gone = (
            f"without {n} of its sources ({'; '.join(_source(s) for s in self.without[:3])}"
            f"{'; …' if n > 3 else ''})"
            if n
            else ""
        )
        alone = f"; each of {len(self.alone)} alone would do" if len(self.alone) > 1 else ""
        more = (
            f"not even with {MOST_AGAINST} new votes against it"
            if self.against is None
            else f"with {self.against} new vote{'s'[: self.against != 1]} against it"
        )
        if not n:
            also = ", and" if self.against is None else "; it would not be held"
            more = more.replace("not even", "even")
            return f"It would be held even without all of its sources{also} {more}."
        return f"It would not be held {gone}{alone}; or {more}."

    def json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "without_sources": [list(source) for source in self.without],
            "without_events": list(self.events),
            "alone": [list(source) for source in self.alone],
            "votes_against": self.against,
        }


@dataclass(frozen=True)
class Explanation:
    """Why a belief is held.

    ``str()`` of it, and what ends a cell, is the explanation as a text; ``html()`` and
    ``json()`` are the same.
    """

    belief: Belief

    @cached_property
    def flips(self) -> Flips:
        """What would flip it."""
        return flips(self.belief)

    @cached_property
    def proof(self) -> Proof | None:
        """Its proof; None where the rules ran in SQL, which gives none."""
        ran_in_sql = isinstance(self.belief.whole.formed.engine, SqlEngine)
        return None if ran_in_sql else self.belief.proof

    def evidence(self) -> list[dict[str, Any]]:
        """Return the events that it rests on, by time.

        Returns
        -------
        list of dict
            ``event_id, side`` (for, against), ``date, project, author, session, type, text,
            reliability, age_days``.
        """
        ground = self.belief.whole.ground
        end = ground.observed.end_us
        rows = []
        for side, events in (("for", self.belief.evidence), ("against", self.belief.against)):
            for event in events:
                seen = ground.by_event[event]
                rows.append(
                    {
                        "event_id": event,
                        "side": side,
                        "date": day(seen.occurred_us),
                        "project": seen.project,
                        "author": seen.author,
                        "session": seen.session,
                        "type": seen.type,
                        "text": seen.text,
                        "reliability": seen.reliability,
                        "age_days": round((end - seen.occurred_us) / 86_400_000_000, 3),
                    }
                )
        return rows

    def text(self, *, whole: bool = False) -> str:
        """Return it as a text.

        Parameters
        ----------
        whole : bool
            All evidence and the whole proof, not their beginnings.
        """
        belief = self.belief
        rows = self.evidence()
        lines = [repr(belief), "", belief_sentence(belief), self.flips.sentence(), ""]
        for side, title in (("for", "For it"), ("against", "Against it")):
            mine = [row for row in rows if row["side"] == side]
            if not mine:
                continue
            lines.append(f"{title}:")
            for row in mine if whole else mine[:_LISTED]:
                who = _source((row["project"], row["author"], row["session"]))
                lines.append(
                    f"  {row['date']}  {' '.join(str(row['text']).split())}  "
                    f"({who}; {row['event_id'][:12]})"
                )
            if not whole and len(mine) > _LISTED:
                lines.append(f"  … and {len(mine) - _LISTED} more: .text(whole=True)")
            lines.append("")
        if self.proof is None:
            return "\n".join([*lines, NO_PROOF])
        proof = self.proof.text().split("\n")
        lines.append(f"Proof ({belief.whole.rules.name}):")
        lines += proof if whole or len(proof) <= 40 else [*proof[:40], f"… {len(proof) - 40} more"]
        return "\n".join(lines)

    def json(self) -> dict[str, Any]:
        """Return it as JSON values: belief, evidence, flips, proof."""
        belief = self.belief
        return {
            "id": belief.id,
            "belief": belief.content,
            "confidence": belief.confidence,
            "interval": [belief.low, belief.high],
            "scope": belief.scope,
            "projects": list(belief.projects),
            "domains": list(belief.domains),
            "sources": belief.sources,
            "log_digest": belief.whole.observed.digest,
            **belief.whole.choice.json(),
            "evidence": self.evidence(),
            "flips": self.flips.json(),
            "leaves": list(self.proof.leaves()) if self.proof else [],
            "proof": self.proof.json() if self.proof else None,
        }

    def html(self) -> str:
        """Return it as HTML: the proof is a tree that folds, without any script."""
        belief = self.belief
        rows = "".join(
            f"<tr><td>{row['side']}</td><td>{row['date']}</td>"
            f'<td style="text-align:left">{html.escape(str(row["text"]))}</td>'
            f"<td>{html.escape(row['project'])}</td><td>{html.escape(row['author'])}</td>"
            f"<td>{html.escape(row['session'])}</td>"
            f"<td><code>{row['event_id'][:12]}</code></td></tr>"
            for row in self.evidence()
        )
        proof = self.proof
        tree = _tree(proof.root, proof.places, proof.facts.named, 0) if proof else NO_PROOF
        return (
            f"<div>{belief._repr_html_()}<p>{html.escape(belief_sentence(belief))} "
            f"{html.escape(self.flips.sentence())}</p><table><thead><tr><th>side</th>"
            "<th>date</th><th>evidence</th><th>project</th><th>author</th><th>session</th>"
            f"<th>event</th></tr></thead><tbody>{rows}</tbody></table>"
            f"<p>Proof</p>{tree}</div>"
        )

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        return self.html()


def explain(belief: Belief) -> Explanation:
    """Return why a belief is held."""
    return Explanation(belief)


def belief_sentence(belief: Belief) -> str:
    """Return in words why a belief is held."""
    whole = belief.whole
    n = len(belief.evidence)
    return (
        f"Rule set {whole.rules.name} holds it with confidence {belief.confidence:.2f}, on "
        f"{n} observation{'s'[: n != 1]} from {belief.sources} "
        f"source{'s'[: belief.sources != 1]} that weigh {belief.mass_for:.2f} votes, and "
        f"{len(belief.against)} against it that weigh {belief.mass_against:.2f}."
    )


def flips(belief: Belief) -> Flips:
    """Find what would flip a belief, by running its rule set without parts of the evidence."""
    trial = _Trial(belief)
    sources = trial.sources()
    least = _least(lambda n: not trial.held(without=sources[:n]), len(sources))
    gone = tuple(sources[:least]) if least is not None else ()
    alone = (
        tuple(source for source in sources[:_LISTED] if not trial.held(without=[source]))
        if least == 1
        else ()
    )
    return Flips(
        gone,
        tuple(sorted(one.event_id for one in trial.support if one.source in gone)),
        alone,
        _least(lambda n: not trial.held(against=n), MOST_AGAINST),
    )


def _least(flipped: Callable[[int], bool], most: int) -> int | None:
    """Return the least number from 1 on for which something is so; it stays so above it."""
    if most < 1 or not flipped(most):
        return None
    low, high = 1, most
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if flipped(middle) else (middle + 1, high)
    return low


class _Trial:
    """Runs the rule set of a belief over a changed cluster."""

    def __init__(self, belief: Belief) -> None:
        self.belief = belief
        ground = self.ground = belief.whole.ground
        cluster = belief.candidate.cluster
        wanted = {*ground.members[cluster], *belief.evidence, *belief.against}
        for other in ground.contradictions:
            if other.earlier in wanted:
                wanted.add(other.later)
        for later, earlier in ground.supersedes:
            if earlier in wanted:
                wanted.add(later)
        # What lies in other clusters comes with them: their counts belong to the facts.
        for event in sorted(wanted):
            wanted.update(ground.members.get(ground.clusters.of.get(event, ""), ()))
        self.seen = [one for one in ground.observed.observations if one.event_id in wanted]
        self.support = [ground.by_event[event] for event in belief.evidence]
        self.supposed = self._against()
        self.facts = ground.facts_of(self.seen, {cluster: self.supposed})
        if not self.held():
            # The rule set looks beyond the cluster: give it everything.
            self.seen = list(ground.observed.observations)
            self.facts = ground.facts_of(self.seen, {cluster: self.supposed})

    def sources(self) -> list[tuple[str, str, str]]:
        """Return the sources of the support, the weightiest first."""
        weight: dict[tuple[str, str, str], tuple[float, int]] = {}
        for one in self.support:
            mine = (one.reliability, one.occurred_us)
            weight[one.source] = max(weight.get(one.source, mine), mine)
        half = float(self.belief.whole.formed.parameters.get("half_life_days", 60.0)) or 60.0
        end = self.ground.observed.end_us

        def weighs(source: tuple[str, str, str]) -> tuple[float, tuple[str, str, str]]:
            best = max(
                one.reliability * 0.5 ** ((end - one.occurred_us) / 86_400_000_000 / half)
                for one in self.support
                if one.source == source
            )
            return -best, source

        return sorted(weight, key=weighs)

    def held(self, *, without: Iterable[tuple[str, str, str]] = (), against: int = 0) -> bool:
        """Say whether the belief still follows."""
        sources = {*without}
        gone = [one.event_id for one in self.support if one.source in sources]
        gone += [one.event_id for one in self.supposed[against:]]
        facts = self.facts.without(gone)
        candidate = self.belief.candidate
        if candidate.cluster not in facts.tables["size"]["cluster"].to_pylist():
            return False
        formed = self.belief.whole.formed
        assert formed.engine is not None
        again = formed.engine.form(facts, formed.rules)
        return any(
            (c.cluster, c.project, c.stance)
            == (candidate.cluster, candidate.project, candidate.stance)
            for c in again
        )

    def _against(self) -> list[Observation]:
        """Return votes against the belief, each from a source of its own, of today."""
        like = self.support[0] if self.support else self.seen[0]
        stance = self.belief.candidate.stance or 1
        return [
            replace(
                like,
                event_id=f"supposed-{n:02}",
                polarity=-stance,
                session=f"supposed-{n:02}",
                occurred_us=self.ground.observed.end_us,
                reliability=1.0,
            )
            for n in range(MOST_AGAINST)
        ]


def _source(source: tuple[str, str, str]) -> str:
    return ", ".join(part for part in source if part not in (OWN, NOBODY))


def _tree(node: Node, places: Mapping[int, str], named: Callable[[str], str], depth: int) -> str:
    if node.kind == "test":
        return ""
    goal = f"<code>{html.escape(show(node.goal, named))}</code>"
    below = "".join(_tree(child, places, named, depth + 1) for child in node.children)
    for n, witness in enumerate(node.witnesses, 1):
        inner = "".join(_tree(child, places, named, depth + 2) for child in witness)
        below += f"<details><summary>solution {n}</summary><div>{inner}</div></details>"
    if node.kind == "rule":
        goal += f" by {html.escape(places[node.rule])}"
    elif node.kind == "all":
        goal += f" from {len(node.witnesses)} solutions"
    elif node.kind == "absent":
        goal = f"there is no {goal}"
    if not below:
        return f"<div>{goal}</div>"
    opened = " open" if depth < 2 else ""
    inner = f'<div style="margin-left:1.2em">{below}</div>'
    return f"<details{opened}><summary>{goal}</summary>{inner}</details>"
