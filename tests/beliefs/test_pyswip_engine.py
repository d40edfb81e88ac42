"""Prolog inside the process gives the same answers, and its absence is one sentence."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from patina_lab.beliefs.pyswip_engine import PyswipEngine
from patina_lab.errors import MissingTool

COMPARE = """
import sys
sys.path.insert(0, sys.argv[1])
from made import observation, one_cluster
from test_oracle import CONTESTED, VOTES
from patina_lab.beliefs.oracle import SqlEngine
from patina_lab.beliefs.pyswip_engine import PyswipEngine
from patina_lab.beliefs.ruleset import RuleSet
from patina_lab.errors import BadRules
engine = PyswipEngine()
for facts in (CONTESTED, VOTES, CONTESTED):
    for name in ("v0", "v1", "v2"):
        formed = engine.form(facts, name)
        assert formed.beliefs == SqlEngine().form(facts, name).beliefs
        assert all(formed.prove(belief).leaves() for belief in formed)
try:
    engine.form(CONTESTED, RuleSet("bad.pl", "belief(_, _, _, _, _) :- halt(3)."))
except BadRules as err:
    assert "halt/1 is not allowed" in str(err)
    print("the same")
"""


@pytest.mark.skipif(importlib.util.find_spec("pyswip") is None, reason="pyswip is not installed")
def test_the_same_answers_inside_the_process() -> None:
    """In a process of its own here: one Prolog a process, and tests share theirs."""
    here = str(Path(__file__).parent)
    done = subprocess.run(
        [sys.executable, "-c", COMPARE, here], capture_output=True, text=True, check=False
    )
    assert done.stdout == "the same\n", done.stderr


def test_without_pyswip_one_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """The default engine does not need it."""
    monkeypatch.setitem(sys.modules, "pyswip", None)
    with pytest.raises(MissingTool, match=r"needs pyswip.*\./run setup prolog; or use SwiplEngine"):
        PyswipEngine()
