"""What every test stands on: nobody's configuration, a home of its own, real repositories."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from notation import Repo, build_repo

# `ci`, the default, tries the same few examples everywhere and always, and shows a failure
# as it was found: making one over real git small takes minutes.  For a long hunt:
# HYPOTHESIS_PROFILE=thorough pytest tests/laws
_SLOW_ON_PURPOSE = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
settings.register_profile(
    "ci",
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    max_examples=20,
    stateful_step_count=6,
    suppress_health_check=_SLOW_ON_PURPOSE,
)
settings.register_profile(
    "thorough",
    settings.get_profile("ci"),
    derandomize=False,
    phases=list(Phase),
    max_examples=300,
    stateful_step_count=20,
    print_blob=True,
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(autouse=True)
def _isolated(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the user's logs and git configuration out of a test, and the test out of them."""
    for name in [n for n in os.environ if n.startswith("GIT_") and n != "GIT_EXEC_PATH"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("PATINA_HOME", str(tmp_path_factory.mktemp("patina-home")))


@pytest.fixture
def patina_home() -> Path:
    """Return the folder of this test's logs."""
    return Path(os.environ["PATINA_HOME"])


@pytest.fixture
def make_repo(tmp_path: Path) -> Callable[..., Repo]:
    """Return a function that makes a repository of a log in notation (see notation.py)."""
    numbers = itertools.count(1)

    def make(text: str, *, bare: bool = False, checkout: bool = True) -> Repo:
        return build_repo(text, tmp_path / f"repo{next(numbers)}", bare=bare, checkout=checkout)

    return make
