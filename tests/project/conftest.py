"""A project to write into: a real repository whose user git knows."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from working import Project


@pytest.fixture
def make_project(tmp_path: Path) -> Callable[..., Project]:
    """Return a function that makes a project with one commit."""

    def make(name: str = "project") -> Project:
        return Project.new(tmp_path / name)

    return make


@pytest.fixture
def project(make_project: Callable[..., Project]) -> Project:
    return make_project()


assert os.name == "posix", "links, pipes and fsync of folders are tested as POSIX has them"
