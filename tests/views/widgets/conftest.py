"""A lab over the teaching project, read once, and copies of it that a test may write into."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import patina_lab as pt
from patina_lab import datasets
from patina_lab.lab import Lab


@pytest.fixture(scope="session")
def _teaching(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = datasets.teaching(tmp_path_factory.mktemp("widgets") / "teaching")
    for key, value in (("user.name", "Ann"), ("user.email", "ann@example.org")):
        subprocess.run(["git", "-C", str(path), "config", key, value], check=True)
    pt.open(path, home=path.parent / "home").scrape()
    return path


@pytest.fixture
def lab(_teaching: Path) -> Lab:
    """Return a lab to read: what is written into it reaches other tests."""
    return pt.open(_teaching, home=_teaching.parent / "home")


@pytest.fixture
def own_lab(_teaching: Path, tmp_path: Path) -> Lab:
    """Return a lab to write into; it is not scraped."""
    shutil.copytree(_teaching, tmp_path / "own", symlinks=True)
    return pt.open(tmp_path / "own", home=tmp_path / "home")


@pytest.fixture
def git() -> Callable[..., str]:
    """Return a function that asks git about a lab's project."""

    def ask(lab: Lab, *args: str) -> str:
        folder = str(lab.repository.path)
        return subprocess.run(
            ["git", "-C", folder, *args], capture_output=True, text=True, check=True
        ).stdout.strip()

    return ask


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make believe that a person has the notebook open."""
    monkeypatch.setattr("patina_lab.views.widgets.stage.attended", lambda: True)
