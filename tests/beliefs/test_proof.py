"""Proofs: their leaves are events, an independent checker accepts them and no tampered one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from made import fact_sets, observation, one_cluster
from test_oracle import CONTESTED, VOTES

from patina_lab.beliefs.facts import FactSet
from patina_lab.beliefs.logic import Program
from patina_lab.beliefs.proof import Node, check
from patina_lab.beliefs.rules import used_facts
from patina_lab.beliefs.ruleset import RuleSet, built_in, load
from patina_lab.beliefs.swipl import SwiplEngine
from patina_lab.beliefs.terms import Compound
from patina_lab.errors import CheckFailed, UnknownName


@pytest.mark.parametrize("name", built_in())
@settings(max_examples=15)
@given(facts=fact_sets(most=16))
@example(facts=CONTESTED)
@example(facts=VOTES)
def test_every_proof_is_accepted(engine: SwiplEngine, name: str, facts: FactSet) -> None:
    """Whatever is concluded is proved, the proof holds, and its leaves are events."""
    formed = engine.form(facts, name)
    program = Program(engine.clauses(facts, name), facts)
    events = set(facts.tables["observation"]["event"].to_pylist())
    used = formed.used(list(formed))
    for belief, uses in zip(formed, used, strict=True):
        proof = formed.prove(belief)
        check(proof, program)
        assert set(proof.leaves()) <= events
        assert proof.leaves()
        assert sorted(uses, key=repr) == list(used_facts(proof))


EVERYTHING = """
parameter(least, 1).
belief(C, persona, 1, 0.5, beta(N, 0)) :-
    size(C, _), once(cluster(O, C)), ignore(boilerplate(_)),
    forall(cluster(X, C), observation(X, _, _, _, 1, _)),
    findall(A-S, (cluster(Y, C), source(Y, A, S)), Pairs),
    setof(A, S^Y^(cluster(Y, C), source(Y, A, S)), Authors),
    aggregate_all(max(D, Z), (cluster(Z, C), age_days(Z, D)), max(Oldest, _)),
    ( Oldest > 5 -> Old = yes ; Old = no ), Old == yes,
    ( boilerplate(_) ; reliability(O, R), R > 0.5 ),
    msort(Pairs, Sorted), length(Sorted, N), nth1(1, Authors, First), atom(First),
    \\+ (cluster(W, C), contradicts(W, _)),
    parameter(least, Least), N >= Least,
    sort(0, @>=, Authors, [_|_]), append(_, [Last], Sorted), Last = _-_, between(1, 9, N),
    sum_list([1, 2.5], 3.5), last(Sorted, Last), pairs_keys(Sorted, Keys), memberchk(First, Keys).
"""


def test_every_construct_is_proved_and_checked(engine: SwiplEngine) -> None:
    """What a rule may say, the checker understands."""
    facts = one_cluster([observation(n, author="bob" if n % 2 else "ann") for n in range(4)])
    rules = RuleSet("everything.pl", EVERYTHING)
    formed = engine.form(facts, rules)
    (belief,) = formed
    assert belief.mass_for == 4
    check(formed.prove(belief), Program(engine.clauses(facts, rules), facts))


def test_a_proof_reads_like_an_argument(engine: SwiplEngine) -> None:
    """The text names rule, line and the ids of the log, not the worker's aliases."""
    rules = RuleSet(
        "mine.pl",
        "belief(C, persona, 1, 0.5, beta(1, 0)) :-\n    cluster(O, C), good(O).\n"
        "good(O) :- reliability(O, R), R > 0.5, \\+ supersedes(_, O).\n",
    )
    facts = one_cluster([observation(7)])
    proof = engine.form(facts, rules).prove(engine.form(facts, rules).beliefs[0])
    assert proof.text() == (
        "belief(c, persona, 1, 0.5, beta(1, 0))    by belief/5, mine.pl line 1\n"
        "  cluster(o7, c)    fact\n"
        "  good(o7)    by good/1, mine.pl line 3\n"
        "    reliability(o7, 0.8)    fact\n"
        "    there is no supersedes(_, o7)"
    )
    assert proof.leaves() == ("e7",)
    assert "0.8 > 0.5" in proof.text(tests=True)
    assert proof.fired() == {"belief/5, mine.pl line 1": 1, "good/1, mine.pl line 3": 1}
    assert proof.json()["children"][1]["rule"] == "good/1, mine.pl line 3"


# -- controls: each takes a right proof and makes it wrong ----------------------------------


def changed(node: Node, change: Callable[[Node], Node | None]) -> Node:
    """Return the tree with the first node that `change` wants to change changed."""
    done = False

    def visit(node: Node) -> Node:
        nonlocal done
        if done:
            return node
        new = change(node)
        if new is not None:
            done = True
            return new
        return node._replace(
            children=tuple(map(visit, node.children)),
            witnesses=tuple(tuple(map(visit, w)) for w in node.witnesses),
        )

    out = visit(node)
    assert done, "there is nothing to tamper with"
    return out


def with_argument(node: Node, place: int, value: object) -> Node:
    args = list(node.goal.args)
    args[place] = value
    return node._replace(goal=Compound(node.goal.name, tuple(args)))


def tampered(root: Node) -> Iterator[tuple[str, Node]]:
    """Yield wrong proofs by what is wrong with them."""

    def at(kind: str, change: Callable[[Node], Node], name: str = "") -> Node:
        return changed(
            root,
            lambda n: change(n) if n.kind == kind and (not name or n.goal.name == name) else None,
        )

    yield "another confidence", with_argument(root, 3, 0.94)
    yield "another stance", with_argument(root, 2, -1)
    yield "more evidence", with_argument(root, 4, Compound("beta", (9.5, 0.0)))
    yield "a fact that is none", at("fact", lambda n: with_argument(n, 1, 0.99), "cohesion")
    yield (
        "an observation that is none",
        at("fact", lambda n: with_argument(n, 0, "o_99"), "cluster"),
    )
    yield "a witness less", at("all", lambda n: n._replace(witnesses=n.witnesses[1:]))
    yield (
        "a witness twice",
        at("all", lambda n: n._replace(witnesses=n.witnesses + n.witnesses[:1])),
    )
    yield (
        "another result",
        at("all", lambda n: with_argument(n, 2, Compound("r", (7, 7))), "aggregate_all"),
    )
    yield "another rule", at("rule", lambda n: n._replace(rule=n.rule + 1))
    yield "a rule that is none", at("rule", lambda n: n._replace(rule=999))
    yield "a step left out", root._replace(children=root.children[:-1])
    yield "a step too much", root._replace(children=(*root.children, root.children[0]))
    yield "steps in another order", root._replace(children=root.children[::-1])
    yield "a false comparison", at("test", lambda n: with_argument(n, 1, 1e9), ">=")
    yield (
        "something is said to be absent",
        at("absent", lambda n: n._replace(goal=Compound("cluster", n.goal.args * 2))),
    )
    yield "no rule at the root", root.children[0]


@pytest.mark.parametrize("which", range(16))
def test_control_a_tampered_proof_is_refused(engine: SwiplEngine, which: int) -> None:
    """Known-bad proofs: each differs from a good one in a single place."""
    formed = engine.form(CONTESTED, "v2")
    belief = formed.beliefs[0]
    proof = formed.prove(belief)
    program = Program(engine.clauses(CONTESTED, "v2"), CONTESTED)
    check(proof, program)
    what, wrong = list(tampered(proof.root))[which]
    try:
        check(wrong, program)
    except CheckFailed:
        return
    pytest.fail(f"accepted: {what}")


def test_control_a_proof_does_not_hold_for_other_facts_or_rules(engine: SwiplEngine) -> None:
    """The same proof is refused where a vote is missing, added, or weighs otherwise."""
    formed = engine.form(CONTESTED, "v2")
    proof = formed.prove(formed.beliefs[0])
    clauses = engine.clauses(CONTESTED, "v2")
    rows = [observation(n, polarity=1 if n < 6 else -1, author="ann" if n % 2 else "bob")
            for n in range(9)]  # fmt: skip
    fewer, more = one_cluster(rows[:8]), one_cluster([*rows, observation(9)])
    denied = one_cluster(rows, contradicts=[("o7", "o1")])
    for facts in (fewer, more, denied):
        with pytest.raises(CheckFailed):
            check(proof, Program(clauses, facts))
    other = engine.clauses(CONTESTED, load("v2", half_life_days=61))
    with pytest.raises(CheckFailed):
        check(proof, Program(other, CONTESTED))


def test_what_is_not_concluded_has_no_proof(engine: SwiplEngine) -> None:
    """Asking for it says so."""
    formed = engine.form(CONTESTED, "v1")
    with pytest.raises(UnknownName, match="v1 does not conclude that belief"):
        formed.prove(replace(formed.beliefs[0], stance=-1))
    with pytest.raises(UnknownName, match="cluster"):
        formed.prove(replace(formed.beliefs[0], cluster="nowhere"))
