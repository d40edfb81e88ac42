"""What forming is asked: the value, the place and the next step, not an error of Python's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from notation import Repo
from words import WordsEmbedder

import patina_lab as pt
from patina_lab.beliefs.formation import Beliefs
from patina_lab.beliefs.oracle import SqlEngine
from patina_lab.beliefs.pipeline import ENGINES, rule_engine
from patina_lab.beliefs.ruleset import RuleSet, built_in, declared, load
from patina_lab.errors import InvalidOption, UnknownName, UsageError
from patina_lab.lab import Lab

LOG = """
2025-03-01 observation_captured ann content="Always validate user input"
2025-04-02 observation_captured bob content="Validate user input always"
2025-05-03 observation_captured cid content="We always validate the user input!"
"""


@pytest.fixture
def lab(make_repo: Callable[..., Repo]) -> Lab:
    made = pt.open(make_repo(LOG).path)
    made.scrape(progress=False)
    return made


def form(lab: Lab, **chosen: Any) -> Beliefs:
    given = {"embedder": WordsEmbedder(), "engine": "sql", "progress": False, "keep": False}
    return lab.form_beliefs(**{**given, **chosen})


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        ({"threshold": "x"}, "threshold='x' is no distance"),
        ({"threshold": 1}, "threshold=1 is no distance"),
        ({"threshold": float("nan")}, "threshold=nan is no distance"),
        ({"embedder": 3}, "3 is no embedder"),
        ({"embedder": ""}, "'' is no embedder"),
        ({"engine": "prolog"}, "no rule engine 'prolog'"),
        ({"engine": 3}, "no rule engine 3"),
        ({"scope": 3}, "no scope 3"),
        ({"calibrate": 3}, "3 is no date"),
        ({"rules": 3}, "no rule set '3'"),
        ({"treshold": 0.3}, "Did you mean 'threshold'"),
        ({"half_life_days": "long"}, "half_life_days='long' of rule set v2 is no finite number"),
    ],
)
def test_an_option_of_another_kind(lab: Lab, chosen: dict[str, Any], told: str) -> None:
    """Each is refused before anything is computed."""
    with pytest.raises(UsageError, match=told) as caught:
        form(lab, **chosen)
    assert caught.value.hint


@pytest.mark.parametrize("last", [0, -3, "x", 1.5])
def test_looks_are_counted_from_one(lab: Lab, last: Any) -> None:
    """None of them, and fewer, would show all or some."""
    made = form(lab)
    assert len(made.history(last=1).moments) == 1
    for ask in (made.history, lambda **o: made.evolution(made[0], **o)):
        with pytest.raises(InvalidOption, match="is no number of looks"):
            ask(last=last)


@pytest.mark.parametrize("every", [3, "eon", ["month"]])
def test_a_period_that_there_is_not(lab: Lab, every: Any) -> None:
    """Whatever it is."""
    with pytest.raises(UnknownName, match="no period"):
        form(lab).history(every=every)


def test_a_belief_is_named_by_text(lab: Lab) -> None:
    """A number is no id."""
    made = form(lab)
    for ask in (made.find, made.explain, made.evolution, made.history().evolution):
        with pytest.raises(InvalidOption, match="3 names no belief"):
            ask(3)  # type: ignore[operator]
    assert len(made.evolution(made[0].id[:10])) == len(made.evolution(made[0])) > 0


def test_engines_by_name(lab: Lab) -> None:
    """As the command line names them; an engine is itself."""
    assert isinstance(rule_engine("sql"), SqlEngine)
    assert rule_engine("swipl") is rule_engine()
    own = SqlEngine()
    assert rule_engine(own) is own
    assert set(ENGINES) == {"swipl", "pyswip", "sql"}
    assert "No proof" in str(form(lab, engine="sql")[0].explain())


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("v2", {"half_life_days": -1}, "half_life_days=-1 of rule set v2 is not more than 0"),
        ("v2", {"half_life_days": 0}, "half_life_days=0 of rule set v2 is not more than 0"),
        ("v2", {"ceiling": 2}, "ceiling=2 of rule set v2 is not a share"),
        ("v2", {"floor": 0.9, "ceiling": 0.1}, "floor=0.9 .* is above its ceiling=0.1"),
        ("v1", {"floor": 0.99}, "floor=0.99 of rule set v1 is above its ceiling=0.95"),
        ("v2", {"min_cohesion": 7}, "min_cohesion=7 of rule set v2 is not a cosine"),
        ("v2", {"prior_for": -1}, "prior_for=-1 of rule set v2 is not 0 or more"),
        ("v2", {"calibrated": 0.5}, "calibrated=0.5 of rule set v2 is not 0 or 1"),
        ("v0", {"start": 3}, "start=3 of rule set v0 is not a share"),
        ("v1", {"min_support": -2}, "min_support=-2 of rule set v1 is not 0 or more"),
    ],
)
def test_a_parameter_outside_its_range(name: str, given: dict[str, float], told: str) -> None:
    """The parameter is named, not what the rules would have made of it."""
    with pytest.raises(InvalidOption, match=told) as caught:
        load(name, **given)
    assert caught.value.hint


def test_defaults_are_within_their_ranges_and_own_rules_are_free() -> None:
    """What a built-in rule set declares can be given; a file of one's own decides for itself."""
    for name in built_in():
        defaults = declared(load(name).text)
        assert len(defaults) >= 5
        assert dict(load(name, **defaults).parameters) == defaults
    own = RuleSet("own.pl", load("v2").text, {"half_life_days": -1, "floor": 2})
    assert own.parameters["half_life_days"] == -1
