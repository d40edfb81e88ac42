"""Changes: what came, what went, and what stayed in other words."""

from __future__ import annotations

from datetime import timedelta

import pytest
from test_compare import START, World, words

from patina_lab.beliefs.changes import WHAT, changes
from patina_lab.beliefs.formation import Beliefs
from patina_lab.beliefs.swipl import SwiplEngine
from patina_lab.events.event import Event
from patina_lab.events.identity import micros


def say(day: float, who: str, text: str) -> Event:
    data = {"content": text}
    return Event(
        "observation_captured", START + timedelta(days=day), f"{who}{day}", data, actor=who
    )


def log() -> list[Event]:
    """One that stays and grows, one that grows old, one that comes."""
    kept, old, late = words("Kept", 0), words("Old", 1), words("Late", 2)
    made = [say(0, "ann", kept), say(1, "bob", f"{kept} always")]
    made += [say(0.1, "ann", old), say(1.1, "bob", f"{old} always")]
    more = ("too", "indeed", "still", "there")
    made += [say(398, f"p{n}", f"{kept} {word}") for n, word in enumerate(more)]
    made += [say(400, who, f"{late} {more}") for who, more in (("ann", "now"), ("bob", "here"))]
    return sorted(made, key=lambda event: event.order)


@pytest.fixture(scope="module")
def two(engine: SwiplEngine) -> tuple[Beliefs, Beliefs]:
    pipeline = World(log(), engine).belief_pipeline("v2", min_cohesion=0.3)
    return pipeline.form(micros(START + timedelta(days=30))), pipeline.form()


def test_new_firmer_and_weaker(two: tuple[Beliefs, Beliefs]) -> None:
    before, now = two
    assert (len(before), len(now)) == (2, 3)
    table = changes(before, now).set_index("what")
    assert sorted(table.index) == ["firmer", "new", "weaker"]
    assert "Lateo" in table.loc["new", "belief"]
    assert table.loc["new", "before"] != table.loc["new", "before"]
    assert "Kepto" in table.loc["firmer", "belief"]
    assert table.loc["firmer", "evidence"] == 6
    assert "Oldo" in table.loc["weaker", "belief"]


def test_the_other_way_round_new_is_lost(two: tuple[Beliefs, Beliefs]) -> None:
    table = changes(*reversed(two)).set_index("what")
    assert sorted(table.index) == ["firmer", "lost", "weaker"]
    assert "Lateo" in table.loc["lost", "belief"]
    assert table.loc["lost", "now"] != table.loc["lost", "now"]
    assert "Kepto" in table.loc["weaker", "belief"]


def test_nothing_changes_by_itself(two: tuple[Beliefs, Beliefs]) -> None:
    """The control: a slice against itself."""
    for beliefs in two:
        table = changes(beliefs, beliefs)
        assert set(table["what"]) == {"same"}
        assert sorted(table["id"]) == sorted(b.id for b in beliefs)


def test_each_belief_is_told_once(two: tuple[Beliefs, Beliefs]) -> None:
    before, now = two
    table = changes(before, now)
    count = table["what"].value_counts()
    assert set(table["what"]) <= set(WHAT)
    assert len(table) - count.get("lost", 0) == len(now)
    assert len(table) - count.get("new", 0) == len(before)
    assert table["before"].notna().sum() == len(before)
    assert table["now"].notna().sum() == len(now)
