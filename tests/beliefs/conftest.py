"""An engine for all tests of a module; without SWI-Prolog they are skipped, and said so."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from patina_lab.beliefs.swipl import Limits, SwiplEngine


@pytest.fixture(scope="session")
def engine() -> Iterator[SwiplEngine]:
    """Return a running engine."""
    if shutil.which("swipl") is None:
        pytest.skip("swipl is not installed: ./run setup brings it")
    with SwiplEngine(Limits(seconds=30)) as running:
        yield running
