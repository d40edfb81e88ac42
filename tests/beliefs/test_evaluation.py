"""Beliefs judged by what came next: right where the future is known, refused where it leaks."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from test_compare import START, World, words
from words import MoodyEmbedder, WordsEmbedder

from patina_lab.beliefs.evaluation import FEATURES, Evaluation, evaluate_beliefs, learn_calibration
from patina_lab.beliefs.leaks import refuse_leak
from patina_lab.beliefs.metrics import auc
from patina_lab.beliefs.observed import Observed
from patina_lab.beliefs.pipeline import Pipeline
from patina_lab.beliefs.ruleset import RuleSet
from patina_lab.beliefs.swipl import SwiplEngine
from patina_lab.errors import CheckFailed, InvalidOption, UsageError
from patina_lab.events.event import Event
from patina_lab.events.identity import micros

KNOWING = """
belief(C, project(P), 1, Confidence, beta(Count, 0)) :-
    size(C, _), medoid(C, M), project(M, P),
    aggregate_all(set(A), (cluster(O, C), source(O, A, _)), Authors),
    length(Authors, Count),
    ( Count >= 2 -> Confidence = 0.95 ; Confidence = 0.30 ).
"""
BACKWARDS = KNOWING.replace(">= 2", "< 2")
BOLD = KNOWING.replace("0.30", "0.95")
CUT, FIT, WINDOW = "2025-05-01", "2025-01-21", "45d"


def world() -> list[Event]:
    """Twice: what two people say comes again within the window, what one repeats does not."""
    made: list[Event] = []

    def say(day: float, who: str, text: str) -> None:
        at = START + timedelta(days=day)
        data = {"content": text}
        made.append(Event("observation_captured", at, f"e{len(made)}", data, actor=who))

    for n in range(40):
        begin = 0 if n < 20 else 100
        true, fad = words("True", n), words("Fad", n)
        say(begin + n / 10, "ann", true)
        say(begin + n / 10 + 5, "bob", f"{true} always")
        say(begin + n // 10 + 0.05, "dan", fad)
        say(begin + n // 10 + 0.10, "dan", f"{fad} always")
        for day in (30, 140) if n < 20 else (140,):
            say(day + n / 10, "cid", f"{true} again")
    return sorted(made, key=lambda event: event.order)


@pytest.fixture(scope="module")
def judged(engine: SwiplEngine) -> Evaluation:
    return evaluate_beliefs(
        World(world(), engine),
        RuleSet("knowing", KNOWING),
        RuleSet("bold", BOLD),
        split=CUT,
        fit=FIT,
        window=WINDOW,
        draws=200,
    )


def value(judged: Evaluation, on: str, method: str, measure: str) -> float:
    table = judged.table().set_index(["on", "method", "measure"])
    return float(table.loc[(on, method, measure), "value"])


def test_who_knows_is_better_than_a_constant(judged: Evaluation) -> None:
    """All of the claims that two people made came again, and none of the others."""
    assert len(judged.now.claims) == 80
    assert int(judged.now.again.sum()) == 40
    assert judged.now.features.shape == (80, len(FEATURES))
    assert value(judged, "knowing", "knowing", "auc") == 1.0
    assert value(judged, "knowing", "knowing", "brier") == pytest.approx((0.05**2 + 0.3**2) / 2)
    assert value(judged, "knowing", "constant", "brier") == 0.25
    fitted = judged.fits["knowing"]
    assert fitted is not None
    assert auc(fitted(judged.past.features), judged.past.again) == 1.0
    assert judged.verdict.startswith("The confidence of knowing says more than a constant would")
    assert "n = 80" in judged.verdict
    assert judged.verdict in repr(judged)
    assert judged.whole_window is False


def test_the_control_who_has_it_backwards_is_worse(engine: SwiplEngine) -> None:
    """And a calibration turns it around: its votes are counted, not its confidence."""
    judged = evaluate_beliefs(
        World(world(), engine),
        RuleSet("backwards", BACKWARDS),
        split=CUT,
        fit=FIT,
        window=WINDOW,
        draws=200,
    )
    assert value(judged, "backwards", "backwards", "auc") == 0.0
    assert value(judged, "backwards", "backwards, calibrated", "auc") == 1.0
    assert judged.verdict.startswith("The confidence of backwards is worse than a constant")
    assert judged.populations == ("backwards",)


def test_a_calibration_is_learned_in_one_call_and_from_the_past_alone(
    judged: Evaluation, engine: SwiplEngine
) -> None:
    """It is the one that the evaluation learned; what came after its window changes nothing."""
    rules = RuleSet("knowing", KNOWING)
    learned = learn_calibration(World(world(), engine).belief_pipeline(rules), FIT, window=WINDOW)
    assert learned == judged.calibrations["knowing"]
    assert learned(2, 0) > 0.8 > 0.2 > learned(1, 0)
    ended = [e for e in world() if e.timestamp < START + timedelta(days=103)]
    later = World(ended, engine).belief_pipeline(rules)
    assert learned == learn_calibration(later, FIT, window=WINDOW)


def test_what_cannot_be_learned_from_is_said(engine: SwiplEngine) -> None:
    pipeline = World(world(), engine).belief_pipeline(RuleSet("knowing", KNOWING))
    with pytest.raises(InvalidOption, match=r"is judged until .* the last event is of"):
        learn_calibration(pipeline, "2025-05-20", window=WINDOW)
    with pytest.raises(InvalidOption, match="0 beliefs with 0 that came true"):
        learn_calibration(pipeline, "2024-01-01", window=WINDOW)


def test_methods_are_compared_on_the_same_claims(judged: Evaluation) -> None:
    """Both hold everything here; the difference is second minus first, with its interval."""
    for on in judged.populations:
        lengths = {len(p) for p in judged.predicted(on).values()}
        assert lengths == {80}
    table = judged.differences("all").set_index(["method", "measure"])
    bold = table.loc[("bold", "brier")]
    expected = value(judged, "all", "bold", "brier") - value(judged, "all", "knowing", "brier")
    assert bold["difference"] == pytest.approx(expected)
    assert 0 < bold["low"] <= bold["difference"] <= bold["high"]


def test_twice_gives_the_same_and_it_is_json(judged: Evaluation, engine: SwiplEngine) -> None:
    again = evaluate_beliefs(
        World(world(), engine),
        RuleSet("knowing", KNOWING),
        RuleSet("bold", BOLD),
        split=CUT,
        fit=FIT,
        window=WINDOW,
        draws=200,
    )
    assert json.dumps(judged.json(), allow_nan=False) == json.dumps(again.json(), allow_nan=False)
    assert set(judged.json()["logistic"]["knowing"]["weights"]) == set(FEATURES)


def test_what_cannot_be_judged_is_said(engine: SwiplEngine) -> None:
    few = World(world()[:1], engine)
    with pytest.raises(UsageError, match="1 observations have no past and no future"):
        evaluate_beliefs(few, RuleSet("knowing", KNOWING))
    with pytest.raises(InvalidOption, match=r"split=1\.0 leaves nothing"):
        evaluate_beliefs(World(world(), engine), RuleSet("knowing", KNOWING), split=1.0)
    twice = RuleSet("knowing", KNOWING), RuleSet("knowing", BOLD)
    with pytest.raises(InvalidOption, match="called knowing"):
        evaluate_beliefs(World(world(), engine), *twice)
    early = evaluate_beliefs(
        World(world(), engine), RuleSet("knowing", KNOWING), split="2025-01-01", draws=10
    )
    assert early.verdict.startswith("Nothing can be said about knowing")
    json.dumps(early.json(), allow_nan=False)


# -- leaks -----------------------------------------------------------------------------

CUT_US = micros(START + timedelta(days=20))


def pipeline(engine: SwiplEngine, read: Any = None, embedder: Any = None) -> Pipeline:
    made = World(world(), engine).belief_pipeline(RuleSet("knowing", KNOWING))
    return replace(made, read=read or made.read, embedder=embedder or WordsEmbedder())


def honest(until_us: int | None) -> Observed:
    from test_formation import reading

    return reading(world())(until_us)


def test_an_honest_benchmark_passes(engine: SwiplEngine) -> None:
    refuse_leak(pipeline(engine), CUT_US, fit_us=CUT_US - 10, window_us=10)


def never_ends(until_us: int | None) -> Observed:
    """Give everything, whatever was asked."""
    return honest(None)


def ends_later(until_us: int | None) -> Observed:
    """Count ages from the end of the log."""
    return replace(honest(until_us), end_us=honest(None).end_us)


def knows_what_recurs(until_us: int | None) -> Observed:
    """Trust more, as of the past, what will be said again."""
    seen = honest(until_us)
    if until_us is None:
        return seen
    texts = [one.text for one in honest(None).observations]
    later = {text.removesuffix(" again") for text in texts if text.endswith(" again")}
    told = [
        replace(one, reliability=0.9 if one.text.removesuffix(" always") in later else 0.1)
        for one in seen.observations
    ]
    return replace(seen, observations=tuple(told))


def chooses_what_recurs(until_us: int | None) -> Observed:
    """Leave out, as of the past, what will not be said again."""
    seen = honest(until_us)
    if until_us is None:
        return seen
    return replace(seen, observations=tuple(o for o in seen.observations if o.author != "dan"))


@pytest.mark.parametrize(
    ("reader", "said"),
    [
        (never_ends, "has an observation of"),
        (ends_later, "says that it ends at"),
        (knows_what_recurs, "reads otherwise"),
        (chooses_what_recurs, "is left out"),
    ],
)
def test_a_reader_that_knows_the_future_is_refused(
    engine: SwiplEngine, reader: Any, said: str
) -> None:
    """The controls: each leaks in a way of its own."""
    with pytest.raises(CheckFailed, match=said):
        refuse_leak(pipeline(engine, reader), CUT_US)


def test_an_embedder_fitted_on_the_future_is_refused(engine: SwiplEngine) -> None:
    """Its vectors depend on what else is embedded with a text."""
    with pytest.raises(CheckFailed, match="facts with the future in reach"):
        refuse_leak(pipeline(engine, embedder=MoodyEmbedder()), CUT_US)


def test_a_fit_that_looks_into_the_test_is_refused(engine: SwiplEngine) -> None:
    """Its outcomes must have been known by the cut."""
    with pytest.raises(CheckFailed, match="which is after the cut"):
        evaluate_beliefs(
            World(world(), engine),
            RuleSet("knowing", KNOWING),
            split=CUT,
            fit="2025-04-01",
            window=WINDOW,
        )


def test_leaking_would_pay(engine: SwiplEngine) -> None:
    """Why it is refused: with the future in the past, a rule needs no insight to look good."""
    gullible = RuleSet("trusting", """
belief(C, project(P), 1, R, beta(1, 0)) :-
    size(C, _), medoid(C, M), project(M, P), reliability(M, R).
""")  # fmt: skip
    made = World(world(), engine).belief_pipeline(gullible)
    from patina_lab.beliefs.evaluation import judged as judge

    cut = micros(START + timedelta(days=120))
    found = []
    for read in (honest, knows_what_recurs):
        told = judge([replace(made, read=read, _kept={})], cut, 45 * 86_400_000_000)
        found.append(auc(told.confidence["trusting"], told.again))
    assert found[0] == 0.5
    assert found[1] > 0.9
    assert not np.isnan(found).any()
