"""What the Prolog side answers, as values or as errors that teach.

Both engines that run prolog/worker.pl, in a process of its own or inside this one, ask through
`Asker` and share everything here.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any

from patina_lab.beliefs.facts import FactSet
from patina_lab.beliefs.proof import Proof, read_node
from patina_lab.beliefs.rules import Candidate, Counts, Formed, Rule, RuleEngine, Used
from patina_lab.beliefs.ruleset import RuleSet
from patina_lab.errors import BadRules, PatinaError, RulesStopped, UnknownName

Asker = Callable[..., dict[str, Any]]
"""Sends a request to prolog/worker.pl and returns its answer."""

_REFUSED = {
    "directive": "A rule set holds clauses only: nothing runs while it is read.",
    "module": "A rule set is a module of its own: leave the qualifier out.",
    "redefinition": "Give your predicate another name.",
    "form": "Write facts and rules: head :- goal, goal.",
    "goal": "A rule may ask facts, predicates of its own file, arithmetic, comparison and lists.",
    "arithmetic": "Use + - * / // mod ** min max abs sqrt exp log floor ceiling round.",
    "impure": "A rule gives the same answer each time.",
    "sandbox": "Use pure predicates only.",
    "entry": "Define belief(Cluster, Scope, Stance, Confidence, beta(For, Against)).",
}


def loaded(answer: Mapping[str, Any], rules: RuleSet) -> dict[str, Any]:
    """Return the answer to ``rules``, or raise what it complains of."""
    if answer["ok"]:
        return dict(answer)
    error = answer["error"]
    kind = error["kind"]
    if kind == "given":
        raise UnknownName.among(
            f"parameter of rule set {rules.name}", str(error["message"]), map(str, error["known"])
        )
    place = _place(rules, error)
    said = str(error.get("message", ""))
    if kind == "syntax":
        raise BadRules(f"{place}: {_sentence(said)}", "Mend the syntax there.")
    if kind == "unknown":
        raise BadRules(f"{place}: there is no predicate {said}.", _nearest(said, error["known"]))
    if kind == "parameter":
        raise BadRules(
            f"{place}: there is no parameter {said!r}.",
            _nearest(said, error["known"]) or f"Declare it: parameter({said}, 1).",
        )
    if kind in _REFUSED:
        verb = "" if kind == "entry" else " is not allowed"
        raise BadRules(f"{place}: {said}{verb}.", _REFUSED[kind])
    raise stopped(error, rules)


def _place(rules: RuleSet, error: Mapping[str, Any]) -> str:
    line, clause, of = error.get("line", 0), error.get("clause", 0), error.get("of") or ""
    offset = error.get("offset")
    if isinstance(offset, int) and offset > 0:
        line = rules.text.count("\n", 0, offset) + 1
    place = f"{rules.name}, line {line}" if line else rules.name
    if clause:
        place += f", clause {clause}" + (f" ({of})" if of else "")
    if (text := rules.line(line)) and line:
        place += f", {text[:80]!r}"
    return place


def _nearest(wanted: str, known: list[str]) -> str:
    same = [name for name in known if name.rsplit("/", 1)[0] == wanted.rsplit("/", 1)[0]]
    near = same or difflib.get_close_matches(wanted, known, n=3, cutoff=0.6)
    if near:
        return "Did you mean " + " or ".join(near[:3]) + "?"
    return "Define it in this file, or see patina_lab.beliefs.facts for the facts there are."


def _sentence(text: str) -> str:
    return text.removesuffix(".") + "."


def stopped(error: Mapping[str, Any], rules: RuleSet) -> PatinaError:
    """Return the error for a run that went wrong."""
    kind, said = error["kind"], error.get("message", "")
    name = rules.name
    if kind == "inferences":
        return RulesStopped(
            f"Rule set {name} was stopped after {int(said):,} inferences.",
            "Look for a rule that calls itself without end, or allow more: inferences=….",
        )
    if kind == "resource":
        return RulesStopped(
            f"Rule set {name} ran out of memory ({said}).",
            "Look for a rule that builds without end, or allow more: memory_mb=….",
        )
    if kind == "answer":
        return _bad_answer(rules, error, [])
    if kind == "runtime":
        clause = int(error.get("clause", 0))
        where = f"{name}, clause {clause}" if clause else name
        return BadRules(f"{where}: {_sentence(str(said))}", "Mend that clause.")
    return RulesStopped(f"Rule set {name} could not be run: {said}.", "Report this as a defect.")


def _bad_answer(
    rules: RuleSet, error: Mapping[str, Any], places: list[tuple[int, int]]
) -> BadRules:
    """Return the error for an answer that breaks the contract.

    Parameters
    ----------
    rules : RuleSet
    error : mapping
        ``message, term``.
    places : list of (int, int)
        Line and number of the clauses that gave it, as far as they are known.
    """
    if len(places) == 1:
        ((line, clause),) = places
        where = _place(rules, {"line": line, "clause": clause})
    else:
        said = [f"line {line} (clause {clause})" for line, clause in places]
        where = ", ".join([rules.name, *([" and ".join(said)] if said else [])])
    return BadRules(
        f"{where}: belief/5 gave {error.get('message', '')}: {error.get('term', '')}.",
        "It answers belief(Cluster, Scope, Stance, Confidence, beta(For, Against)).",
    )


def formed(
    answer: Mapping[str, Any],
    read: Mapping[str, Any],
    facts: FactSet,
    rules: RuleSet,
    engine: RuleEngine,
) -> Formed:
    """Return what a run came to, or raise what it complains of."""
    if not answer["ok"]:
        error = answer["error"]
        if error["kind"] == "runtime" and error.get("clause"):
            line = next((r[2] for r in read["rules"] if r[0] == error["clause"]), 0)
            place = _place(rules, {**error, "line": line})
            raise BadRules(f"{place}: {_sentence(str(error['message']))}", "Mend that clause.")
        if error["kind"] == "answer":
            lines = {number: line for number, _, line in read["rules"]}
            raise _bad_answer(
                rules, error, [(lines.get(n, 0), n) for n in error.get("clauses", ())]
            )
        raise stopped(error, rules)
    counts = Counts(facts)
    beliefs = []
    for cluster, project, stance, confidence, mass_for, mass_against in answer["beliefs"]:
        name = facts.named(cluster)
        beliefs.append(
            Candidate(
                name,
                project or "",
                stance,
                float(confidence),
                float(mass_for),
                float(mass_against),
                *counts.of(name, project or "", stance),
            )
        )
    return Formed(
        facts,
        rules,
        tuple(sorted(beliefs)),
        read["parameters"],
        tuple(
            Rule(number, predicate, line, fired)
            for (number, predicate, line), fired in zip(read["rules"], answer["fired"], strict=True)
        ),
        answer["inferences"],
        tuple(
            f"{rules.name}, line {line}: {', '.join(names)} occurs once: a typo, or _{names[0]}?"
            for line, names in read["singletons"]
        ),
        engine,
    )


def proved(
    answer: Mapping[str, Any], read: Mapping[str, Any], facts: FactSet, rules: RuleSet
) -> Proof:
    """Return the proof that was asked for, or raise why there is none."""
    if not answer["ok"]:
        error = answer["error"]
        if error["kind"] == "failed":
            raise UnknownName(
                f"Rule set {rules.name} does not conclude that belief from these facts.",
                "Ask for one of the beliefs that it formed.",
            )
        raise stopped(error, rules)
    places = {n: f"{predicate}, {rules.name} line {line}" for n, predicate, line in read["rules"]}
    return Proof(read_node(answer["proof"]), places, facts)


def used(answer: Mapping[str, Any], facts: FactSet, rules: RuleSet) -> list[Used]:
    """Return the facts that each of the proofs uses, or raise why there is none."""
    if not answer["ok"]:
        error = answer["error"]
        if error["kind"] == "failed":
            raise UnknownName(
                f"Rule set {rules.name} does not conclude one of those beliefs from these facts.",
                "Ask for beliefs that it formed.",
            )
        raise stopped(error, rules)
    named = facts.named
    return [
        tuple(
            (str(term[0]), tuple(named(a) if isinstance(a, str) else a for a in term[1:]))
            for term in terms
        )
        for terms in answer["used"]
    ]


def question(facts: FactSet, belief: Candidate) -> dict[str, Any]:
    """Return the fields of a ``prove`` request."""
    return {
        "cluster": facts.alias("cluster", belief.cluster),
        "project": belief.project or None,
        "stance": belief.stance,
    }
