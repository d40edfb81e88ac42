"""Saying how far a long work is: a bar where someone watches, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
import time
from typing import Protocol

BATCH = "PATINA_LAB_BATCH"
"""Set by the report runner for its kernels, which may inherit a live session's variables."""


class Progress(Protocol):
    """Called with the name of a stage, how much is done, and of how much."""

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Report; `total` is None where it cannot be known."""


def silent(stage: str, done: int, total: int | None) -> None:
    """Report nothing."""


class Lines:
    """A plain line a stage, and another every few seconds: for logs, CI and papermill."""

    def __init__(self, every: float = 5.0) -> None:
        self._every = every
        self._stage = ""
        self._next = 0.0

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Print a line where it is time for one."""
        now = time.monotonic()
        finished = total is not None and done >= total
        if total == 0 or (stage == self._stage and now < self._next and not finished):
            return
        if stage == self._stage or total is None or not finished:
            of = "" if total is None else f" {done:,} of {total:,}"
            print(f"scrape: {stage}{of}", file=sys.stderr, flush=True)  # noqa: T201
        self._stage = stage
        self._next = now + self._every


class Bar:
    """A tqdm bar a stage: text in a terminal, a widget in a live notebook."""

    def __init__(self) -> None:
        self._stage = ""
        self._bar: object | None = None

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Draw, and close the bar of a stage that is done."""
        from tqdm.auto import tqdm

        if stage != self._stage:
            self.close()
            self._stage = stage
            if total != 0:
                self._bar = tqdm(total=total, desc=stage, unit=" ", leave=False)
        if isinstance(self._bar, tqdm):
            self._bar.update(done - self._bar.n)
            if total is not None and done >= total:
                self.close()

    def close(self) -> None:
        """Close the bar that is open."""
        close = getattr(self._bar, "close", None)
        if close is not None:
            close()
        self._bar = None


def fitting() -> Progress:
    """Return the progress that suits where this runs.

    A terminal gets a bar, and so does a notebook that a person has open.  In a kernel that
    papermill or nbconvert runs, a bar would be stored as an empty widget: there it is silent.
    """
    if "ipykernel" in sys.modules:
        # Jupyter's server names the session of a kernel that it starts; batch runs have none.
        live = "JPY_SESSION_NAME" in os.environ and BATCH not in os.environ
        return Bar() if live else silent
    return Bar() if sys.stderr.isatty() else Lines()
