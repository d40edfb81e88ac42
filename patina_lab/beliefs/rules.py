"""Rules: from facts to belief candidates, through any engine.

::

    FactSet ─┐
             ├─ RuleEngine.form ── Formed ── beliefs, firings, cost
    RuleSet ─┘                        └───── prove(belief) ── Proof

Engines: `patina_lab.beliefs.swipl.SwiplEngine` (default: SWI-Prolog in a process of its own),
`patina_lab.beliefs.pyswip_engine.PyswipEngine` (inside this process; for teaching),
`patina_lab.beliefs.oracle.SqlEngine` (the built-in rule sets in SQL; for checking the others).

A rule set defines one predicate, and whatever it needs for that::

    belief(?Cluster, ?Scope, ?Stance, -Confidence, -Evidence)

``Scope`` is ``project(Name)`` or ``persona``; ``Stance`` is 1 (what the cluster says holds),
-1 (its denial holds) or 0; ``Confidence`` is a number from 0 to 1; ``Evidence`` is
``beta(For, Against)``, two masses of evidence from 0 on, 1 being one fresh and reliable vote.
There is one confidence for each cluster, scope and stance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from patina_lab.beliefs.confidence import Opinion, intervals
from patina_lab.beliefs.facts import FactSet
from patina_lab.beliefs.ruleset import RuleSet

if TYPE_CHECKING:
    import pandas as pd

    from patina_lab.beliefs.proof import Proof


Used: TypeAlias = tuple[tuple[str, tuple[Any, ...]], ...]
"""Facts: the relation's name, and its arguments with their proper ids."""


@dataclass(frozen=True, order=True)
class Candidate:
    """A belief that a rule set concludes.

    Parameters
    ----------
    cluster : str
        Id of the cluster of observations.
    project : str
        The project it is held in; empty for the persona, across projects.
    stance : int
        1, -1 or 0.
    confidence : float
        0..1.
    mass_for, mass_against : float
        Evidence, in votes.
    support, against : int
        Observations of the cluster, within the scope, of this and of the opposite polarity.
    sources : int
        Authors × sessions × projects among the supporting ones.
    projects : int
        Projects among the supporting ones.
    """

    cluster: str
    project: str
    stance: int
    confidence: float
    mass_for: float
    mass_against: float
    support: int
    against: int
    sources: int
    projects: int

    @property
    def scope(self) -> str:
        """``project`` or ``persona``."""
        return "project" if self.project else "persona"

    @property
    def opinion(self) -> Opinion:
        """The evidence as a Beta opinion, under its default prior."""
        return Opinion(self.mass_for, self.mass_against)


@dataclass(frozen=True)
class Rule:
    """One clause of a rule set, and what it did in a run.

    Parameters
    ----------
    number : int
        Counted from 1 in the file.
    predicate : str
        Such as ``vote/5``.
    line : int
    fired : int
        How often it succeeded.
    """

    number: int
    predicate: str
    line: int
    fired: int


@dataclass(frozen=True)
class Formed:
    """What a rule set made of a fact set.

    Parameters
    ----------
    facts : FactSet
    rules : RuleSet
    beliefs : tuple of Candidate
        By cluster, project and stance.
    parameters : mapping of str to number
        All of them, defaults included.
    clauses : tuple of Rule
        With firing counts; empty where the engine counts none.
    inferences : int or None
        Cost in logical inferences: no matter of how fast a machine is, but not exact either,
        as what its process did before makes a difference of a few.  No belief event has it.
        None where the engine has no such thing.
    warnings : tuple of str
        Such as variables that occur once.
    engine : RuleEngine
        What formed it, and proves it.
    """

    facts: FactSet = field(repr=False)
    rules: RuleSet
    beliefs: tuple[Candidate, ...] = field(repr=False)
    parameters: Mapping[str, float] = field(default_factory=dict)
    clauses: tuple[Rule, ...] = field(default=(), repr=False)
    inferences: int | None = None
    warnings: tuple[str, ...] = ()
    engine: RuleEngine | None = field(default=None, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.beliefs)

    def __iter__(self) -> Iterator[Candidate]:
        return iter(self.beliefs)

    def prove(self, belief: Candidate) -> Proof:
        """Return the proof of one of the beliefs; its leaves are event ids."""
        if self.engine is None:
            raise ValueError("no engine is kept to prove it")
        return self.engine.prove(self.facts, self.rules, belief)

    def used(self, beliefs: Sequence[Candidate]) -> list[Used]:
        """Return the facts that the proof of each belief uses, each once."""
        if self.engine is None:
            raise ValueError("no engine is kept to prove them")
        return self.engine.used(self.facts, self.rules, beliefs)

    @cached_property
    def fired(self) -> dict[str, int]:
        """How often each predicate's clauses succeeded."""
        counts: dict[str, int] = {}
        for rule in self.clauses:
            counts[rule.predicate] = counts.get(rule.predicate, 0) + rule.fired
        return counts

    def df(self, *, level: float = 0.9) -> pd.DataFrame:
        """Return a row for each belief.

        Parameters
        ----------
        level : float
            Of the interval.

        Returns
        -------
        pandas.DataFrame
            ``cluster, scope, project`` (text), ``stance``, ``confidence, low, high,
            uncertainty`` (0..1), ``mass_for, mass_against`` (votes), ``support, against,
            sources, projects`` (counts); by falling confidence, then cluster.
        """
        import pandas as pd

        opinions = [belief.opinion for belief in self.beliefs]
        bounds = intervals(opinions, level).reshape(-1, 2)
        columns: dict[str, object] = {"cluster": [b.cluster for b in self.beliefs]}
        columns["scope"] = [b.scope for b in self.beliefs]
        for name in ("project", "stance", "confidence"):
            columns[name] = [getattr(b, name) for b in self.beliefs]
        columns["low"], columns["high"] = bounds[:, 0], bounds[:, 1]
        columns["uncertainty"] = [opinion.uncertainty for opinion in opinions]
        for name in ("mass_for", "mass_against", "support", "against", "sources", "projects"):
            columns[name] = [getattr(b, name) for b in self.beliefs]
        order = ["confidence", "cluster", "project", "stance"]
        return pd.DataFrame(columns).sort_values(
            order, ascending=[False, True, True, True], ignore_index=True
        )


class RuleEngine(Protocol):
    """Something that runs a rule set over facts."""

    def form(self, facts: FactSet, rules: str | Path | RuleSet) -> Formed:
        """Return the beliefs that follow.

        Raises
        ------
        BadRules
            The rule set is broken, or says what a rule may not say.
        RulesStopped
            It ran beyond its limits.
        """
        ...

    def prove(self, facts: FactSet, rules: str | Path | RuleSet, belief: Candidate) -> Proof:
        """Return why a belief follows.

        Raises
        ------
        BadRules, RulesStopped
        """
        ...

    def used(
        self, facts: FactSet, rules: str | Path | RuleSet, beliefs: Sequence[Candidate]
    ) -> list[Used]:
        """Return the facts that the proof of each belief uses, without the proofs."""
        ...


def used_facts(proof: Proof) -> Used:
    """Return the facts that a proof uses, each once, sorted."""
    named = proof.facts.named
    found = {
        (
            str(node.goal.name),
            tuple(named(a) if isinstance(a, str) else a for a in node.goal.args),
        )
        for node in proof.root.below()
        if node.kind == "fact"
    }
    return tuple(sorted(found, key=repr))


class Counts:
    """Counts what the clusters of a fact set hold, for each scope and polarity."""

    def __init__(self, facts: FactSet) -> None:
        tables = facts.tables
        project = _column(tables["project"], "obs", "project")
        polarity = _column(tables["observation"], "obs", "polarity")
        source = {
            obs: (author, session)
            for obs, author, session in zip(
                *(tables["source"][c].to_pylist() for c in ("obs", "author", "session")),
                strict=True,
            )
        }
        self._seen: dict[tuple[str, str, int], list[tuple[str, tuple[str, str]]]] = {}
        for obs, cluster in zip(
            *(tables["cluster"][c].to_pylist() for c in ("obs", "cluster")), strict=True
        ):
            where = project[obs]
            for scope in ("", where):
                key = (cluster, scope, polarity[obs])
                self._seen.setdefault(key, []).append((where, source[obs]))

    def of(self, cluster: str, project: str, stance: int) -> tuple[int, int, int, int]:
        """Return support, against, sources and projects."""
        ours = self._seen.get((cluster, project, stance), [])
        theirs = self._seen.get((cluster, project, -stance), []) if stance else []
        return len(ours), len(theirs), len({*ours}), len({where for where, _ in ours})


def _column(table: Any, key: str, value: str) -> dict[Any, Any]:
    return dict(zip(table[key].to_pylist(), table[value].to_pylist(), strict=True))
