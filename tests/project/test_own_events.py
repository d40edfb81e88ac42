"""Our own decisions: proposed with the tool, read by it, each with its reasons."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from notation import Repo

import patina_lab as pt
from patina_lab.project.domains import declared
from patina_lab.project.knowledge import Knowledge
from patina_lab.project.places import SHARED_EVENTS

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(
    not (ROOT / ".git").exists(), reason="the decisions are read from git, and this is no clone"
)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Knowledge:
    """Return what the clone of these tests knows."""
    lab = pt.open(ROOT, home=tmp_path_factory.mktemp("home"))
    return lab.materialize(local=False).knowledge


def test_all_are_read(known: Knowledge) -> None:
    """Every file is an event, none is set aside, and no two are in each other's way."""
    files = sorted((ROOT / SHARED_EVENTS).glob("*.json"))
    assert known.rows("quarantine") == []
    assert len(known.rows("event_files")) >= len(files) >= 14
    assert not pt.open(ROOT).conflicts()["certain"].any()


def test_control_a_file_that_is_cut_short_is_set_aside(tmp_path: Path) -> None:
    """The same count sees one bad file among the good ones."""
    repo = Repo.init(tmp_path / "copy")
    shutil.copytree(ROOT / SHARED_EVENTS, repo.path / SHARED_EVENTS)
    victim = min((repo.path / SHARED_EVENTS).glob("*.json"))
    victim.write_bytes(victim.read_bytes()[:-20])
    repo.git("add", "--force", ".")
    repo.git("commit", "-q", "-m", "copy")
    knowledge = pt.open(repo.path, home=tmp_path / "home").materialize().knowledge
    (bad,) = knowledge.rows("quarantine")
    assert bad["event_file"].endswith(victim.name)


def test_a_decision_says_why_and_what_else_there_was(known: Knowledge) -> None:
    """A sentence, its reason, at least one alternative, and domains that are declared."""
    decisions = known.rows("decisions")
    assert len(decisions) >= 14
    domains = set(declared(pt.open(ROOT).repository))
    for made in decisions:
        assert len(made["decision"]) > 20, made
        assert len(made["rationale"] or "") > 20, made
        assert made["alternatives"], made
        assert made["domains"], made
        assert set(made["domains"]) <= domains, made
