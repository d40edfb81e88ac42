"""The benchmark of beliefs runs through, copies nobody's texts, and its counts are right."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("onnxruntime")
pytest.importorskip("scipy")

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "beliefs.py"

needs_rules = pytest.mark.skipif(shutil.which("swipl") is None, reason="swipl is not installed")


@pytest.fixture(scope="module")
def beliefs():
    spec = importlib.util.spec_from_file_location("benchmark_beliefs", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


SAID = ["Close the file when done", "Close files when you are done", "Files are closed when done"]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository in which three people say the same, month after month."""
    place = tmp_path / "secret place" / "tiny"
    place.mkdir(parents=True)

    def git(*args: str, day: str = "2025-01-01", who: str = "Ada") -> None:
        env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
        for role in ("AUTHOR", "COMMITTER"):
            env[f"GIT_{role}_NAME"] = who
            env[f"GIT_{role}_EMAIL"] = f"{who}@example.org"
            env[f"GIT_{role}_DATE"] = f"{day}T12:00:00Z"
        subprocess.run(["git", "-C", str(place), *args], check=True, env=env, capture_output=True)

    git("init", "-q", "-b", "main", ".")
    for n in range(18):
        text = SAID[n % 3] if n % 2 else f"Bump the {'abcdefghijklmnopqr'[n]} dependency once more"
        day = f"2025-{1 + n // 3:02}-{1 + n % 3:02}"
        git("commit", "-q", "--allow-empty", "-m", text, day=day, who="ABC"[n % 3])
    return place


@needs_rules
@pytest.mark.slow
def test_commits_are_judged_and_their_texts_are_not_copied(
    beliefs, repository: Path, tmp_path: Path
) -> None:
    out, page = tmp_path / "out.json", tmp_path / "out.md"
    told = ["--commits", f"tiny={repository}", "--draws", "20", "--json", str(out)]
    assert beliefs.main([*told, "--markdown", str(page)]) == 0
    (found,) = json.loads(out.read_text())["corpora"]
    assert (found["name"], found["observations"], found["sources"]) == ("tiny", 18, 18)
    assert found["beliefs"]["v2"] >= 1
    assert [cut["split"] for cut in found["cuts"]] == [0.5, 0.7]
    for cut in found["cuts"]:
        assert cut["own"]["verdict"]
        assert cut["own"]["fit"] < cut["own"]["cut"]
    whole = page.read_text() + out.read_text()
    assert not any(text in whole for text in SAID)
    assert "secret place" not in whole
    assert "--commits tiny" in page.read_text()

    assert beliefs.main([*told, "--markdown", str(page), "--texts"]) == 0
    assert any(text in page.read_text() for text in SAID), "the control: asked for, they are there"


@needs_rules
@pytest.mark.slow
def test_notes_are_read_through_a_repository_that_is_thrown_away(beliefs, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    for n, text in enumerate(SAID):
        (notes / f"2025010{n + 1}-120000.md").write_text(
            f"# Session: files\n**ID**: 2025010{n + 1}-120000\n"
            f"**Started**: 2025-01-0{n + 1}T12:00:00Z\n\n## Activity Log\n"
            f"### 12:30 - Update\n\n**Patterns Observed:**\n- {text}\n"
        )
    (notes / "README.md").write_text("no note")
    (corpus,) = beliefs.of_notes("notes", notes)
    seen = corpus.read(None).observations
    assert sorted(one.text for one in seen) == sorted(SAID)
    assert not corpus.public


def test_a_contradiction_in_the_support_is_counted(beliefs) -> None:
    """And one that is against is not; one of another group is none at all."""
    side = {"a": ("g", "for"), "b": ("g", "for"), "x": ("g", "against"), "y": ("g", "against"),
            "z": ("h", "against")}  # fmt: skip

    class Found(list):
        rules = SimpleNamespace(name="r")

    belief = SimpleNamespace(evidence=("a", "b", "x", "z"), against=("y",))
    told = beliefs._counted(Found([belief]), side)
    assert (told["contradictions"], told["reached"], told["as_support"]) == (3, 2, 1)
    assert told["not_as_support"]["value"] == pytest.approx(2 / 3)
    assert told["not_as_support_of_reached"]["value"] == 0.5
    denying = SimpleNamespace(evidence=("x", "y"), against=("a",))
    told = beliefs._counted(Found([denying]), side)
    assert told["as_support"] == 0, "who is against is right to support the denial"
    assert told["not_as_support_of_reached"]["value"] is None


@needs_rules
@pytest.mark.slow
def test_nine_of_ten_labelled_contradictions_support_nothing(beliefs) -> None:
    """By the rules as they come; where clustering is taken away, words alone do worse."""
    rows = beliefs.contradictions()
    found = [r for r in rows if r["clusters"] == "found" and r["rules"] == "v2"]
    assert len(found) == 2
    for row in found:
        assert row["contradictions"] == 68
        assert row["not_as_support"]["value"] >= beliefs.TARGET
    (beside,) = [r for r in rows if r["clusters"] == "labelled" and "v2" in r["rules"]]
    assert beside["reached"] > 40, "the control: each lies beside what it contradicts"
    assert beside["as_support"] < beside["reached"]
