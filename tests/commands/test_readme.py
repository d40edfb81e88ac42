"""The commands of the README, as they stand there, in a project that was just made."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from notation import Repo

ROOT = Path(__file__).resolve().parents[2]
SECTIONS = ("The life of an observation", "Across projects")


def commands(section: str) -> str:
    """Return the commands that a section of the README shows."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (said,) = re.findall(rf"^## {section}\n(.*?)^## ", text, re.DOTALL | re.MULTILINE)
    (block,) = re.findall(r"```\n(.*?)```", said, re.DOTALL)
    return block


def run(script: str, folder: Path, home: Path) -> subprocess.CompletedProcess[str]:
    who = {f"GIT_{r}_{k}": f"ann{k}" for r in ("AUTHOR", "COMMITTER") for k in ("NAME", "EMAIL")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-euc", script],
        cwd=folder,
        env={**os.environ, **who, "PATH": path, "PATINA_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    repo = Repo.init(tmp_path / "project")
    (repo.path / "a.py").write_text("one\n")
    repo.git("add", ".")
    repo.git("commit", "-q", "-m", "first")
    return repo.path


def test_they_do_what_the_readme_says(project: Path, tmp_path: Path) -> None:
    """Every line of both blocks, one after the other, in one shell each."""
    first, second = (run(commands(s), project, tmp_path / "home") for s in SECTIONS)
    # Without patina-lab[embed] it is said that words alone were compared.
    said = [line for line in first.stderr.splitlines() if "Only words were compared" not in line]
    assert (first.returncode, said) == (0, [])
    assert first.stdout.count("[PROJECT] We validate input") == 2  # the note, and the team's
    assert first.stdout.count("(loc_001, local, ") == first.stdout.count("(evt_001, shared, ") == 1
    assert "no conflicts" in first.stdout
    assert "undo-" in first.stdout
    assert second.returncode == 0, second.stderr
    assert "validation (1 project, 1 observation, 1 pattern, 0 decisions)" in second.stdout
    assert second.stdout.count("[PERSONA] ") >= 3
    assert "[PERSONA] pattern: we_validate_input" in second.stdout


def test_control_a_command_that_is_not_there_is_seen(project: Path, tmp_path: Path) -> None:
    script = commands(SECTIONS[0]).replace("patina-lab observe", "patina-lab observed")
    done = run(script, project, tmp_path / "home")
    assert done.returncode == 2
    assert "observed" in done.stderr
