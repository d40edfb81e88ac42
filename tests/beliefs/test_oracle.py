"""Prolog = SQL on every fact set, to the last bit; and a planted bug is seen."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from made import fact_sets, observation, one_cluster

from patina_lab.beliefs.facts import FactSet
from patina_lab.beliefs.oracle import SqlEngine, parameters
from patina_lab.beliefs.ruleset import RuleSet, built_in, load
from patina_lab.beliefs.swipl import SwiplEngine
from patina_lab.errors import UnknownName, UsageError

CONTESTED = one_cluster(
    [
        observation(n, polarity=1 if n < 6 else -1, author="ann" if n % 2 else "bob")
        for n in range(9)
    ]
)
# One voter says it twice, once weakly; one old text; one denial from outside of the cluster.
VOTES = FactSet.of(
    [
        observation(0, session="s", reliability=0.4),
        observation(1, session="s", reliability=0.9),
        observation(2, days=600.0),
        observation(3, text="template"),
        observation(4, polarity=-1),
        observation(5, polarity=0),
    ],
    clusters=[(f"o{n}", "c") for n in range(4)],
    properties=[("c", "o0", 0.6, 0.2)],
    similar=[("o0", f"o{n}", 0.5) for n in range(1, 4)],
    boilerplate=["template"],
    contradicts=[("o5", "o0")],
    supersedes=[("o4", "o1")],
)


@pytest.mark.parametrize("name", built_in())
@settings(max_examples=25)
@given(facts=fact_sets())
@example(facts=FactSet.of([]))
@example(facts=CONTESTED)
@example(facts=VOTES)
def test_prolog_equals_sql(engine: SwiplEngine, name: str, facts: FactSet) -> None:
    """Two programs that share no code conclude the same beliefs with the same numbers."""
    assert engine.form(facts, name).beliefs == SqlEngine().form(facts, name).beliefs


@pytest.mark.parametrize(("other", "scopes"), [(1, {"project", "persona"}), (-1, {"project"})])
def test_what_one_project_says_and_another_denies_is_no_belief_of_the_persona(
    engine: SwiplEngine, other: int, scopes: set[str]
) -> None:
    """Two projects speak of it, but only those that agree bear it."""
    rows = [observation(n) for n in range(4)]
    rows += [observation(n, project="rust", polarity=other) for n in (4, 5)]
    for way in (engine, SqlEngine()):
        held = {b.scope for b in way.form(one_cluster(rows), "v2").beliefs if b.stance == 1}
        assert held == scopes


@settings(max_examples=15)
@given(
    facts=fact_sets(),
    half_life=st.sampled_from([1, 30.0, 365]),
    voters=st.integers(1, 3),
    calibrated=st.sampled_from([0, 1]),
)
def test_prolog_equals_sql_with_other_parameters(
    engine: SwiplEngine, facts: FactSet, half_life: float, voters: int, calibrated: int
) -> None:
    """Parameters reach both, and calibrated confidences agree to the last digits of exp."""
    rules = load(
        "v2",
        half_life_days=half_life,
        min_voters=voters,
        min_cohesion=0,
        calibrated=calibrated,
        calibration_intercept=-1.5,
        calibration_slope=2.25,
    )
    ours, theirs = engine.form(facts, rules), SqlEngine().form(facts, rules)
    assert ours.parameters == pytest.approx(theirs.parameters)
    assert [(b.cluster, b.project, b.stance) for b in ours] == [
        (b.cluster, b.project, b.stance) for b in theirs
    ]
    assert [b.confidence for b in ours] == pytest.approx([b.confidence for b in theirs], rel=1e-12)


BUGS = [
    ("v0", "    Similarity >= Min,", "    Similarity > Min,"),
    ("v0", "Start - abs(Net) * Loss", "Start - Net * Loss"),
    ("v0", "    \\+ contradicts_member(Observation, Cluster),\n", ""),
    ("v1", "    For >= MinSupport,", "    For > MinSupport,"),
    ("v1", "set(Source)", "bag(Source)"),
    ("v1", "Opposite is -Stance", "Opposite is Stance"),
    ("v2", "    \\+ boilerplate(Text),\n", ""),
    ("v2", "    \\+ supersedes(_, Observation).", "    true."),
    ("v2", "    ForMicro > AgainstMicro,", "    ForMicro >= AgainstMicro,"),
    ("v2", "max_list(Weights, Weight)", "sum_list(Weights, Weight)"),
    ("v2", "    \\+ denies(Observation, Cluster, Stance).", "    true."),
    ("v2", "Age / HalfLife", "Age / HalfLife / 2"),
    ("v2", "    Cohesion >= MinCohesion,\n", ""),
    ("v2", "    Filled > Max * Size.", "    Filled > Size."),
    ("v2", "    Filled > Max * Size.", "    Filled > 0."),
    ("v2", "    Words < Min.", "    Words =< Min."),
    ("v2", "    \\+ empty(Cluster),\n", ""),
]
WITNESSES = [
    CONTESTED,
    VOTES,
    one_cluster([observation(n, session="s" if n < 5 else f"s{n}") for n in range(5)]),
    one_cluster([observation(0), observation(1), observation(2, polarity=-1),
                 observation(3, polarity=-1)]),
    one_cluster([observation(n) for n in range(5)]),
    one_cluster([observation(n, session="s" if n < 2 else f"s{n}") for n in range(4)]),
    one_cluster([observation(n) for n in range(3)], supersedes=[("o2", "o0")]),
    one_cluster([observation(n) for n in range(3)], properties=[("c", "o0", 0.1, 0.9)]),
    one_cluster([observation(n) for n in range(3)], content=[("c", 1.0)]),
    one_cluster([observation(n) for n in range(3)], content=[("c", 0.9)]),
    one_cluster([observation(n, text="form" if n < 5 else f"t{n}") for n in range(7)],
                boilerplate=["form"]),
    one_cluster([observation(n, text="form" if n < 4 else f"t{n}") for n in range(7)],
                boilerplate=["form"]),
    one_cluster([observation(n) for n in range(6)],
                contradicts=[(f"o{n}", f"o{n - 1}") for n in range(1, 5)]),
    one_cluster([observation(n) for n in range(12)],
                contradicts=[(f"o{n}", "o0") for n in range(5, 12)]),
    one_cluster([observation(n, reliability=1.0) for n in range(7)],
                similar=[("o0", f"o{n}", 0.5) for n in range(1, 7)]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "right", "wrong"), BUGS)
def test_control_a_planted_bug_is_seen(
    engine: SwiplEngine, name: str, right: str, wrong: str
) -> None:
    """Each small change of a rule changes the answer on some fact set, and SQL says so."""
    text = load(name).text
    assert text.count(right) == 1
    bugged = RuleSet(name, text.replace(right, wrong))
    assert all(engine.form(f, name).beliefs == SqlEngine().form(f, name).beliefs for f in WITNESSES)
    assert any(
        engine.form(f, bugged).beliefs != SqlEngine().form(f, name).beliefs for f in WITNESSES
    )


def test_only_the_built_in_rules_are_known_in_sql() -> None:
    """Anything else is refused, and so are proofs."""
    facts = FactSet.of([])
    with pytest.raises(UsageError, match=r"Rule set mine\.pl is not known in SQL"):
        SqlEngine().form(facts, RuleSet("mine.pl", "belief(a, b, c, d, e)."))
    with pytest.raises(UnknownName, match="Did you mean 'half_life_days'"):
        parameters(load("v2", half_life=3))
