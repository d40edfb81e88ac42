"""Other projects: what a persona copied is suggested, tagged, once, and in its time."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import patina_lab as pt

sys.path.insert(0, str(Path(__file__).parents[1] / "sources"))
sys.path.insert(0, str(Path(__file__).parents[1] / "personas"))
from test_persona import event, project


@pytest.fixture
def lab(tmp_path):
    """Return a lab on one of two registered projects."""
    home = tmp_path / "home"
    persona = pt.Persona(home)
    said = {"garden": ("Return a Result", 1), "orchard": ("Return a Result, log errors", 2)}
    for name, (text, minute) in said.items():
        repo = project(
            tmp_path / name,
            [event("pattern_identified", minute, text, pattern_name="results", evidence=["x"])],
        )
        persona.register(repo.path)
    persona.sync()
    lab = pt.open(tmp_path / "garden", home=home)
    lab.scrape(progress=False)
    return lab


def test_another_project_s_pattern_is_a_suggestion(lab):
    """Its own hit first; the other's with its project; its own copy in the persona not twice."""
    table = lab.scry("return a result", mode="lexical", type="pattern")
    assert table["tag"].tolist() == ["PROJECT", "PERSONA"]
    assert table["project"].tolist() == ["", "orchard"]
    assert table["scope"].tolist() == ["shared", "persona"]
    assert "from orchard" in table["reason"].iloc[1]


def test_other_projects_can_be_left_out_or_asked_alone(lab):
    """`persona=False`, `scope="persona"`."""
    assert lab.scry("result", mode="lexical", persona=False)["tag"].unique().tolist() == ["PROJECT"]
    only = lab.scry("log errors", mode="lexical", scope="persona")
    assert only["text"].tolist() == ["Return a Result, log errors"]


def test_law4_holds_for_other_projects(lab):
    """What another project wrote later is no suggestion yet."""
    assert "PERSONA" not in set(lab.scry("result", mode="lexical", as_of="2025-02-01")["tag"])
    assert "PERSONA" in set(lab.scry("result", mode="lexical", as_of="2025-03-02")["tag"])


def test_nobody_s_knowledge_belongs_to_a_commit(lab):
    """As of a commit, no other project is asked."""
    head = lab.repository.resolve("HEAD")
    assert set(lab.scry("result", mode="lexical", as_of=head)["tag"]) <= {"PROJECT"}
