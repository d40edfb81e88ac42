"""The built-in rule sets in SQL: another author's answer to the same question.

It exists to check the Prolog: the two share no code and must agree on every fact set, to the
last bit.  It gives no proofs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb

from patina_lab.beliefs.facts import FactSet
from patina_lab.beliefs.proof import Proof
from patina_lab.beliefs.rules import Candidate, Counts, Formed, Used
from patina_lab.beliefs.ruleset import RuleSet, declared, load
from patina_lab.errors import UnknownName, UsageError

_TAKING = {
    "v0": """SELECT a.cluster, p.project, a.obs, NULL AS earlier
        FROM alike a JOIN project p USING (obs)
        ANTI JOIN contradictions x ON x.obs = a.obs AND x.cluster = a.cluster, parameter
        WHERE cosine >= min_similarity
        UNION ALL SELECT x.cluster, x.project, x.obs, y.earlier FROM contradictions x
        JOIN contradicts y ON y.later = x.obs
        JOIN cluster c ON c.obs = y.earlier AND c.cluster = x.cluster""",
    "v1": "SELECT cluster, project, obs, NULL AS earlier FROM says WHERE stance <> 0",
    "v2": "SELECT cluster, project, obs, earlier FROM ballots WHERE stance <> 0",
}
"""What takes part in a rule set, and what it contradicts; by cluster and project."""

_FOLDER = files("patina_lab.beliefs") / "rulesets"


class SqlEngine:
    """A `RuleEngine` for the rule sets ``v0``, ``v1`` and ``v2``, by DuckDB.

    Examples
    --------
    >>> from patina_lab.beliefs.facts import FactSet
    >>> rows = [(f"o{n}", f"e{n}", f"t{n}", "pattern", 1, 0, "ann", f"s{n}", "dust", 0.9, 0.0)
    ...         for n in range(6)]
    >>> facts = FactSet.of(rows, clusters=[(f"o{n}", "c") for n in range(6)])
    >>> [(b.project, b.confidence) for b in SqlEngine().form(facts, "v1")]
    [('dust', 0.875)]
    """

    def form(self, facts: FactSet, rules: str | Path | RuleSet) -> Formed:
        """Return the beliefs that follow (see `RuleEngine.form`).

        Raises
        ------
        UsageError
            The rule set is none of the built-in ones: only those exist in SQL.
        """
        rules = load(rules)
        if not rules.built_in:
            raise UsageError(
                f"Rule set {rules.name} is not known in SQL; v0, v1 and v2 are.",
                "Rule sets of your own need SWI-Prolog: --engine swipl, or engine='swipl'.",
            )
        sql = (_FOLDER / f"{rules.name}.sql").read_text(encoding="utf-8")
        return replace(run_sql(facts, rules, sql), engine=self)

    def prove(self, facts: FactSet, rules: str | Path | RuleSet, belief: Candidate) -> Proof:
        """Refuse: SQL gives no proofs."""
        raise UsageError("SQL gives no proofs.", "Install SWI-Prolog: patina-lab doctor tells how.")

    def used(
        self, facts: FactSet, rules: str | Path | RuleSet, beliefs: Sequence[Candidate]
    ) -> list[Used]:
        """Return the observations that each belief weighs, and what those contradict."""
        rules = load(rules)
        sql = (_FOLDER / f"{rules.name}.sql").read_text(encoding="utf-8")
        tables = sql.rpartition("\nSELECT cluster, scope, stance,")[0]
        found: dict[str, list[tuple[str, str, str | None]]] = {}
        for cluster, project, obs, earlier in _rows(
            facts, rules, f"{tables}\n{_TAKING[rules.name]}"
        ):
            found.setdefault(cluster, []).append((project, obs, earlier))
        return [
            tuple(
                ("source", (obs, "", "")) if earlier is None else ("contradicts", (obs, earlier))
                for project, obs, earlier in found.get(belief.cluster, ())
                if belief.project in ("", project)
            )
            for belief in beliefs
        ]


def parameters(rules: RuleSet) -> dict[str, float]:
    """Return the parameters of a built-in rule set: its defaults and what was given."""
    defaults = declared(rules.text)
    for name in rules.parameters:
        if name not in defaults:
            raise UnknownName.among(f"parameter of rule set {rules.name}", name, defaults)
    return defaults | {name: float(value) for name, value in rules.parameters.items()}


def run_sql(facts: FactSet, rules: RuleSet, sql: str) -> Formed:
    """Run the common table expressions of a rule set over the relations of a fact set."""
    counts = Counts(facts)
    beliefs = tuple(
        sorted(
            Candidate(cluster, scope, stance, p, r, s, *counts.of(cluster, scope, stance))
            for cluster, scope, stance, p, r, s in _rows(facts, rules, sql)
        )
    )
    return Formed(facts, rules, beliefs, parameters(rules))


def _rows(facts: FactSet, rules: RuleSet, sql: str) -> list[tuple[Any, ...]]:
    values = parameters(rules)
    given = ", ".join(f"CAST({value!r} AS DOUBLE) AS {name}" for name, value in values.items())
    with duckdb.connect() as db:
        for name, table in facts.tables.items():
            db.register(name, table)
        return db.execute(f"WITH parameter AS (SELECT {given}),\n{sql}").fetchall()
