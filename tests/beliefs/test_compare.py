"""A/B: which of two ways makes better beliefs, on a log where the answer is known."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from notation import Repo
from words import WordsEmbedder

import patina_lab as pt
from patina_lab.beliefs.claims import match
from patina_lab.beliefs.compare import FEW, Comparison, HoldOut
from patina_lab.beliefs.pipeline import Pipeline
from patina_lab.beliefs.ruleset import RuleSet
from patina_lab.beliefs.swipl import SwiplEngine
from patina_lab.errors import InvalidOption, UnknownName, UsageError
from patina_lab.events.event import Event

START = datetime(2025, 1, 1, 12, tzinfo=UTC)


def words(kind: str, n: int) -> str:
    """Return four words that no other text has; without digits, which would be a template's."""
    letters = chr(97 + n // 26) + chr(97 + n % 26)
    return " ".join(f"{kind}{ending}{letters}" for ending in ("o", "um", "ix", "ar"))


TRUE = [words("True", n) for n in range(30)]
PASSING = [words("Fad", n) for n in range(30)]

GULLIBLE = """
belief(C, project(P), 1, 0.9, beta(N, 0)) :-
    size(C, N), N >= 2, medoid(C, M), project(M, P).
"""
SOBER = """
belief(C, project(P), 1, 0.9, beta(N, 0)) :-
    size(C, N), medoid(C, M), project(M, P),
    aggregate_all(set(A), (cluster(O, C), source(O, A, _)), Authors),
    length(Authors, Count), Count >= 2.
"""


def world() -> list[Event]:
    """Two authors say each true thing and it comes again; one repeats each fad, and it does not."""
    made = []

    def say(day: float, who: str, text: str) -> None:
        at = START + timedelta(days=day)
        made.append(
            Event("observation_captured", at, f"e{len(made)}", {"content": text}, actor=who)
        )

    for n, text in enumerate(TRUE):
        say(n / 10, "ann", text)
        say(n / 10 + 5, "bob", f"{text} always")
        say(60 + n / 10, "cid", f"{text} again")
    for n, text in enumerate(PASSING):
        say(n / 10 + 0.05, "dan", text)
        say(n / 10 + 5.05, "dan", f"{text} always")
    return sorted(made, key=lambda event: event.order)


class World:
    """Events that can be asked as a lab is."""

    def __init__(self, given: list[Event], engine: SwiplEngine) -> None:
        from test_formation import reading

        self.read = reading(given)
        self.engine = engine

    def belief_pipeline(self, rules: Any = "v2", **chosen: Any) -> Pipeline:
        from patina_lab.beliefs.ruleset import load

        embedder = chosen.pop("embedder", WordsEmbedder())
        threshold = chosen.pop("threshold", 0.45)
        return Pipeline(self.read, embedder, self.engine, load(rules, **chosen), threshold)


@pytest.fixture(scope="module")
def compared(engine: SwiplEngine) -> Comparison:
    return pt.compare_rules(
        World(world(), engine),
        RuleSet("gullible.pl", GULLIBLE),
        RuleSet("sober.pl", SOBER),
        split="2025-02-01",
        draws=200,
    )


def test_the_better_one_is_named(compared: Comparison) -> None:
    """Believing what one author repeats is worse than asking for two, and the verdict says so."""
    assert compared.holdout is not None
    assert len(compared.holdout.claims) == 60
    assert int(compared.holdout.again.sum()) == 30
    judged = compared.judged().set_index(["way", "measure"])
    assert judged.loc[("gullible.pl", "precision"), "value"] == 0.5
    assert judged.loc[("sober.pl", "precision"), "value"] == 1.0
    assert set(judged.loc[(slice(None), "recall"), "value"]) == {1.0}
    differences = compared.differences().set_index("measure")
    assert differences.loc["precision", "difference"] == 0.5
    assert differences.loc["precision", "low"] > 0
    assert differences.loc["precision", "better"] == "sober.pl"
    assert compared.mcnemar() == (0, 30, 2 / 2**30)
    assert compared.verdict.startswith("sober.pl is clearly better than gullible.pl")
    assert "n = 30" in compared.verdict
    assert "60 claims" in compared.verdict
    assert compared.verdict in repr(compared)
    assert "<strong>" in compared._repr_html_()


def test_the_other_way_round(engine: SwiplEngine) -> None:
    """Who comes first changes signs, not the verdict."""
    swapped = pt.compare_rules(
        World(world(), engine),
        RuleSet("sober.pl", SOBER),
        RuleSet("gullible.pl", GULLIBLE),
        split="2025-02-01",
        draws=200,
    )
    assert swapped.verdict.startswith("sober.pl is clearly better than gullible.pl")
    assert set(swapped.differences()["difference"].dropna()) >= {-0.5}


def test_the_same_way_twice_is_undecided(engine: SwiplEngine) -> None:
    """The control: a way does not beat itself."""
    same = pt.compare_rules(
        World(world(), engine),
        RuleSet("a.pl", SOBER),
        RuleSet("b.pl", f"% In other words.\n{SOBER}"),
        draws=100,
    )
    assert same.verdict.startswith("Undecided")
    assert list(same.differences()["better"]) == [""] * 5
    assert len(same.flips()) == 0


def test_one_way_against_itself_is_named(engine: SwiplEngine) -> None:
    """That is no question of too few cases; defaults written out are the defaults."""
    world_ = World(world(), engine)
    for a, b in (("v2", "v2"), ({"half_life_days": 60.0}, "v2"), ({"threshold": 0.45}, "v2")):
        made = pt.compare_rules(world_, a, b, draws=5)
        assert "are the same" in made.verdict
        assert "nothing to compare" in repr(made)
        assert made.winner == ""
    other = pt.compare_rules(world_, {"half_life_days": 61}, "v2", draws=5)
    assert "are the same" not in other.verdict


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"every": "eon"}, "no period 'eon'. Known: day"),
        ({"labels": {"Tea": "drinks"}}, "No label, such as 'Tea', .* 150 observations"),
        ({"labels": "Tea"}, "labels=Tea does not say"),
        ({"labels": {"Tea": 3}}, "does not say which group"),
        ({"split": 5}, "split=5 leaves nothing"),
        ({"split": ["2025-02-01"]}, r"\['2025-02-01'\] is no date"),
        ({"window": 3}, "3 is no length of time"),
        ({"window": "0d"}, "window='0d' nothing can come again"),
        ({"level": 95}, "level=95 is no share.* level=0.95"),
        ({"level": "x"}, "level='x' is no share"),
        ({"draws": 1.5}, "draws=1.5 draws nothing"),
        ({"seed": -1}, "seed=-1"),
        ({"a": {3: 4}}, "no option 3"),
    ],
)
def test_what_cannot_be_asked_is_a_sentence(
    engine: SwiplEngine, options: dict[str, Any], told: str
) -> None:
    """The value and the next step, not an error of Python's."""
    with pytest.raises(UsageError, match=told) as caught:
        pt.compare_rules(World(world(), engine), **{"draws": 5, **options})
    assert caught.value.hint


def test_only_a_lab_is_compared() -> None:
    """Whoever forgets it gives the rule sets alone."""
    with pytest.raises(InvalidOption, match="'v0' is no lab"):
        pt.compare_rules("v0", "v2")


def test_judges_that_know_nothing_are_undecided(compared: Comparison) -> None:
    """The control: confidences and outcomes of a coin give no winner."""
    coin = np.random.Generator(np.random.PCG64(5))
    n = 400
    holdout = HoldOut(
        0, 1, True,
        tuple(compared.holdout.claims[0] for _ in range(n)) if compared.holdout else (),
        np.where(coin.random(n) < 0.5, 0.6, np.nan),
        np.where(coin.random(n) < 0.5, 0.6, np.nan),
        coin.random(n) < 0.5,
    )  # fmt: skip
    assert replace(compared, holdout=holdout).verdict.startswith("Undecided")


def test_few_claims_decide_nothing(compared: Comparison) -> None:
    """However clear the numbers: on too few claims there is no winner."""
    cut = compared.holdout
    assert cut is not None
    few = HoldOut(
        cut.cut_us, cut.window_us, True, cut.claims[: FEW - 1], cut.a[: FEW - 1],
        cut.b[: FEW - 1], cut.again[: FEW - 1],
    )  # fmt: skip
    assert "too few" in replace(compared, holdout=few).verdict
    assert "Nothing can be said" in replace(compared, holdout=None).verdict


def test_sets_and_flips(compared: Comparison) -> None:
    """What only one holds is shown with a proof whose leaves are events."""
    counts = compared.sets().set_index("which")["beliefs"]
    assert dict(counts) == {"both": 30, "only gullible.pl": 30, "only sober.pl": 0}
    flips = compared.flips()
    assert set(flips["held_by"]) == {"gullible.pl"}
    assert all(text.startswith("Fad") for text in flips["belief"])
    assert all("size(" in proof for proof in flips["proof"])
    told = compared.explain(flips["id"].iloc[0])
    assert told.belief.content == flips["belief"].iloc[0]
    both = compared.held()
    assert int(both["b"].isna().sum()) == 30


def test_no_future_forms_a_claim(engine: SwiplEngine, compared: Comparison) -> None:
    """Law 4: claims before the cut are the same if what comes after is something else."""
    late = START + timedelta(days=40)
    other = [e for e in world() if e.timestamp < late]
    other += [
        Event("observation_captured", late + timedelta(days=n), f"l{n}", {"content": t}, actor="x")
        for n, t in enumerate(PASSING)
    ]
    again = pt.compare_rules(
        World(other, engine),
        RuleSet("gullible.pl", GULLIBLE),
        RuleSet("sober.pl", SOBER),
        split="2025-02-01",
        draws=10,
    )
    assert again.holdout is not None
    assert compared.holdout is not None
    assert again.holdout.claims == compared.holdout.claims
    assert np.array_equal(again.holdout.a, compared.holdout.a, equal_nan=True)
    came = {c.text_id: y for c, y in zip(again.holdout.claims, again.holdout.again, strict=True)}
    before = compared.holdout
    was = {c.text_id: y for c, y in zip(before.claims, before.again, strict=True)}
    assert {t for t, y in came.items() if y} == {t for t, y in was.items() if not y}


def test_who_repeats_himself_does_not_come_again(engine: SwiplEngine) -> None:
    """The same source after the cut bears nothing out; another one does."""
    for who, expected in (("ann", 0), ("zoe", 1)):
        given = [
            Event(
                "observation_captured",
                START + timedelta(days=day),
                f"e{n}",
                {"content": "Alpha beta gamma delta", "source_id": "s1"},
                actor=writer,
            )
            for n, (day, writer) in enumerate([(0, "ann"), (1, "bob"), (40, who)])
        ]
        made = pt.compare_rules(
            World(given, engine), RuleSet("a.pl", GULLIBLE), RuleSet("b.pl", SOBER),
            split="2025-02-01", draws=5,
        )  # fmt: skip
        assert made.holdout is not None
        assert int(made.holdout.again.sum()) == expected


def test_labels(engine: SwiplEngine) -> None:
    """Precision and recall on labels: noise is None; what has no label is not judged."""
    labels: dict[str, str | None] = dict.fromkeys(PASSING)
    labels |= {text: text for text in TRUE[:10]}
    made = pt.compare_rules(
        World(world(), engine),
        RuleSet("gullible.pl", GULLIBLE),
        RuleSet("sober.pl", SOBER),
        labels=labels,
        draws=5,
    )
    table = made.labelled().set_index(["way", "measure"])
    assert table.loc[("gullible.pl", "precision"), "value"] == 10 / 40
    assert table.loc[("sober.pl", "precision"), "value"] == 1.0
    assert table.loc[("sober.pl", "recall"), "n"] == 10
    assert table.loc[("sober.pl", "recall"), "value"] == 1.0


def test_churn_rules_and_cost(compared: Comparison) -> None:
    """Churn counts who came and went; clauses and inferences are counted for each way."""
    churn = compared.churn()
    for _, rows in churn.groupby("way"):
        assert (rows["beliefs"].diff().iloc[1:] == (rows["entered"] - rows["left"]).iloc[1:]).all()
        assert rows["jaccard"].iloc[1:].between(0, 1).all()
    fired = compared.rules()
    assert dict(fired.groupby("way")["fired"].sum()) == {"gullible.pl": 60, "sober.pl": 30}
    cost = compared.cost().set_index("way")
    assert cost.loc["gullible.pl", "inferences"] < cost.loc["sober.pl", "inferences"]
    calibration = compared.calibration()
    assert list(calibration["n"]) == [60, 30]
    assert list(calibration["came_again"]) == [0.5, 1.0]


def test_any_choice_can_be_compared(engine: SwiplEngine) -> None:
    """Thresholds, parameters and embedders are ways, too, and are told apart by name."""
    world_ = World(world(), engine)
    made = pt.compare_rules(world_, {"threshold": 0.1}, {"threshold": 0.45}, draws=5)
    assert made.names == ("v2 threshold 0.1", "v2 threshold 0.45")
    assert len(made.a) < len(made.b)
    made = pt.compare_rules(world_, {"min_voters": 2}, {"min_voters": 3}, draws=5)
    assert made.names == ("v2 min_voters 2", "v2 min_voters 3")

    class Wide(WordsEmbedder):
        name, model_hash, dimensions = "wide", "1" * 64, 128

    made = pt.compare_rules(world_, {}, {"embedder": Wide()}, draws=5)
    assert made.names == ("v2 words", "v2 wide")
    assert made.sets().set_index("which")["beliefs"]["both"] > 0


def test_json_is_json_and_repeats(compared: Comparison, engine: SwiplEngine) -> None:
    """The report is JSON without NaN; a second run gives the same bytes."""
    text = json.dumps(compared.json(), allow_nan=False, sort_keys=True)
    assert json.loads(text)["verdict"] == compared.verdict
    again = pt.compare_rules(
        World(list(reversed(world())), engine),
        RuleSet("gullible.pl", GULLIBLE),
        RuleSet("sober.pl", SOBER),
        split="2025-02-01",
        draws=200,
    )
    told, twice = json.loads(text), json.loads(json.dumps(again.json()))
    for said in (told, twice):
        for row in said["cost"]:  # counted by SWI-Prolog, to within a few
            del row["inferences"], row["inferences_per_observation"]
    assert told == twice


def test_a_real_lab(make_repo: Callable[..., Repo], engine: SwiplEngine, tmp_path: Path) -> None:
    """`pt.compare_rules` takes a lab, and a slice of it is compared as it was then."""
    text = "\n".join(
        f'2025-0{1 + n // 20}-{1 + n % 20:02} observation_captured p{n % 5} content="{words}"'
        for n, words in enumerate(f"Always validate user input of part{k % 3}" for k in range(40))
    )
    lab = pt.open(make_repo(text).path)
    lab.scrape(progress=False)
    made = pt.compare_rules(lab, "v0", "v2", engine=engine, embedder=WordsEmbedder(), draws=20)
    assert made.names == ("v0", "v2")
    assert len(made.a.observed) == 40
    lab.observe("A private note", at=datetime(2025, 3, 1, tzinfo=UTC), author="eve")
    options = {"engine": engine, "embedder": WordsEmbedder(), "draws": 5}
    notes = pt.compare_rules(lab, {"local": False}, {"local": True}, **options)
    assert [len(beliefs.observed) for beliefs in (notes.a, notes.b)] == [40, 41]
    early = pt.compare_rules(
        lab.as_of("2025-01-10"), engine=engine, embedder=WordsEmbedder(), draws=20
    )
    assert len(early.a.observed) == 10
    assert "v2" in early.verdict
    with pytest.raises(InvalidOption, match="split"):
        pt.compare_rules(lab, split=1.5, engine=engine, embedder=WordsEmbedder())
    with pytest.raises(UnknownName, match="v9"):
        pt.compare_rules(lab, "v9", engine=engine, embedder=WordsEmbedder())
    for way, near in (({"rulez": "v0"}, "rules"), ({"treshold": 0.3}, "threshold")):
        with pytest.raises(UnknownName, match=f"no option.*Did you mean '{near}'"):
            pt.compare_rules(lab, way, engine=engine, embedder=WordsEmbedder())


def test_matching_is_one_to_one(compared: Comparison) -> None:
    """Equal claims match; what shares less than half does not; nothing matches twice."""
    assert compared.holdout is not None
    claims = list(compared.holdout.claims[:4])
    assert match(claims, claims) == {n: n for n in range(4)}
    moved = [replace(c, cluster=f"x{n}") for n, c in enumerate(claims)]
    assert match(claims, moved) == {n: n for n in range(4)}
    halves = [replace(moved[0]), replace(moved[0], cluster="y")]
    assert len(match(claims[:1], halves)) == 1
    others = [replace(c, cluster="z", events=frozenset({"other"})) for c in claims]
    assert match(claims, others) == {}
    assert not math.isnan(compared.level)
