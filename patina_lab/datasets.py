"""Data to learn and to test with, from the clone's ``datasets/`` folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from patina_lab.errors import CheckFailed, MissingTool, UsageError
from patina_lab.project import places

if TYPE_CHECKING:
    import pandas as pd

HERE = Path(__file__).resolve().parent.parent / "datasets"
"""The folder; it is in a clone, not in a wheel."""

BUILD = HERE / "teaching" / "build.py"
OBSERVATIONS = HERE / "observations"


def teaching(path: str | os.PathLike[str] | None = None) -> Path:
    """Return the teaching repository's folder; build it there if it is not there yet.

    Five people, five months, some hundred commits of a seed library's desk; its story is
    told in ``datasets/teaching/README.md``.  It is the same on every machine, sha by sha.

    Parameters
    ----------
    path : path-like, optional
        A new or empty folder, or one that this function filled before.  By default a
        folder named after the content, ``PATINA_HOME/datasets/teaching-<sha>``.

    Returns
    -------
    Path
        The repository, with the story's last commit checked out.

    Raises
    ------
    UsageError
        Something else is at `path`, or the package is no clone and has no data.
    MissingTool
        git is not installed.
    CheckFailed
        The story was changed and its new sha is not pinned.
    """
    if not BUILD.is_file():
        raise UsageError(
            f"The teaching data is not at {BUILD.parent}: it comes with a clone, not with a wheel.",
            "Clone patina-lab, run `python datasets/teaching/build.py DEST` there, and open DEST.",
        )
    if shutil.which("git") is None:
        raise MissingTool("git is not installed.", "Install git 2.28 or later.")
    pinned = (BUILD.parent / "pinned-head.txt").read_text(encoding="ascii").strip()
    default = places.home() / "datasets" / f"teaching-{pinned[:12]}"
    folder = default if path is None else Path(path).expanduser()
    if (folder / ".git").is_dir():
        return _checked(folder, pinned)
    told = subprocess.run(
        [sys.executable, str(BUILD), str(folder)], capture_output=True, text=True, check=False
    )
    if told.returncode and (folder / ".git").is_dir() and _head(folder) == pinned:
        return folder  # another process was faster
    if told.returncode == 1:
        raise CheckFailed(f"{folder} has another content than the pinned one.", told.stderr.strip())
    if told.returncode:
        raise UsageError(
            f"The teaching repository cannot be built in {folder}: {told.stderr.strip()}.",
            "Give the path of a new or empty folder that you may write to.",
        )
    return folder


def _checked(folder: Path, pinned: str) -> Path:
    head = _head(folder)
    if head != pinned:
        raise UsageError(
            f"{folder} is at commit {head[:12] or '(none)'}, the teaching repository "
            f"at {pinned[:12]}.",
            f"Run `git -C {folder} checkout main` if you changed it, remove it to have it "
            "built again, or give another path.",
        )
    return folder


def _head(folder: Path) -> str:
    """Return the sha of HEAD, or an empty text."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    run = subprocess.run(
        ["git", f"--git-dir={folder / '.git'}", "rev-parse", "--verify", "--quiet", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
        env=env,
    )
    return run.stdout.strip()


def observations() -> pd.DataFrame:
    """Return the labelled observations: what eight made-up projects noted in fifteen months.

    They are for tests of clusters, rules and search, and no measure of quality; their
    README, ``datasets/observations/README.md``, says how they were made.

    Returns
    -------
    pandas.DataFrame
        One row each, in the order of time: ``id``; ``text``; ``at`` (day, UTC);
        ``author, project``; ``session`` (of one author on one day); ``domains`` (list);
        ``label`` (claim, boilerplate, noise); ``group`` (what belongs together; None for
        noise); ``claim`` (what a group claims); ``stance`` (for, against; None but for
        claims); ``echo_of`` (the id that the same author repeats); ``revises`` (the id of
        the same project that is taken back).

    Raises
    ------
    UsageError
        The package is no clone and has no data.
    """
    import pandas as pd

    if not OBSERVATIONS.is_dir():
        raise UsageError(
            f"There is no data at {OBSERVATIONS}: it comes with a clone, not with a wheel.",
            "Clone patina-lab and install it from there: pip install -e .",
        )
    rows, groups = (_lines(OBSERVATIONS / f"{name}.jsonl") for name in ("observations", "claims"))
    claims = {group["group"]: group["claim"] for group in groups}
    columns = [
        *("id", "text", "at", "author", "project", "session", "domains", "label", "group"),
        *("claim", "stance", "echo_of", "revises"),
    ]
    made = [{**row, "claim": claims.get(row["group"])} for row in rows]
    table = pd.DataFrame(made, columns=columns, dtype=object)
    return table.assign(at=pd.to_datetime(table["at"], utc=True))


def _lines(place: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in place.read_text(encoding="utf-8").splitlines()]
