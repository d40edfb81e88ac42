"""Proving law 1 on a user's own repository: same commit, same log, whatever the conditions.

The same commit is scraped from two fresh clones, in new processes, under conditions that
differ in everything that must not matter; then the digests are compared.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from patina_lab.errors import CheckFailed
from patina_lab.sources.repository import Repository

_HOSTILE = """\
[diff]
    algorithm = histogram
    renames = false
    noprefix = true
    mnemonicPrefix = true
[log]
    showSignature = true
    date = iso
    mailmap = false
[core]
    abbrev = 5
    quotePath = true
    bigFileThreshold = 1
    attributesFile = {attributes}
[i18n]
    logOutputEncoding = ISO-8859-1
[init]
    defaultBranch = trunk
[color]
    ui = always
"""


@dataclass(frozen=True)
class Condition:
    """How one of the builds was made.

    Parameters
    ----------
    name : str
    clone : tuple of str
        Options of ``git clone``.
    environment : mapping
    jobs : int
    """

    name: str
    clone: tuple[str, ...]
    environment: Mapping[str, str]
    jobs: int
    hostile: bool = False


CONDITIONS = (
    Condition(
        "bare clone, UTC, C locale, 1 git process",
        ("--mirror",),
        {"TZ": "UTC", "LC_ALL": "C", "LANG": "C", "PYTHONHASHSEED": "0"},
        1,
    ),
    Condition(
        "clone without tags, Kathmandu, UTF-8 locale, hostile git configuration, 3 git processes",
        ("--no-checkout", "--no-tags"),
        {"TZ": "Asia/Kathmandu", "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "PYTHONHASHSEED": "4242"},
        3,
        hostile=True,
    ),
)


@dataclass(frozen=True)
class Verdict:
    """What `verify` found.

    Parameters
    ----------
    source_sha : str
    digests : mapping
        Condition -> digest.
    """

    source_sha: str
    digests: Mapping[str, str]

    @property
    def holds(self) -> bool:
        """Whether all digests are the same."""
        return len(set(self.digests.values())) == 1


def verify(
    repository: Repository, revision: str = "HEAD", say: Callable[[str], None] = lambda _: None
) -> Verdict:
    """Scrape one commit in place and from two clones, and compare the digests.

    Parameters
    ----------
    repository : Repository
    revision : str
    say : callable
        Called with a line before each build.

    Returns
    -------
    Verdict

    Raises
    ------
    CheckFailed
        A build did not come to its end (which is no verdict about the digests).
    """
    sha = repository.resolve(revision)
    digests: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="patina-verify-") as scratch:
        work = Path(scratch)
        say("in place")
        digests["in place"] = _scrape(repository.path, sha, 2, {}, work / "home-0")
        for n, condition in enumerate(CONDITIONS, 1):
            say(condition.name)
            clone = _clone(repository, condition, work / f"clone-{n}")
            extra = dict(condition.environment)
            if condition.hostile:
                attributes = work / "attributes"
                attributes.write_text("* -diff\n")
                config = work / "gitconfig"
                config.write_text(_HOSTILE.format(attributes=attributes))
                extra["GIT_CONFIG_GLOBAL"] = str(config)
            digests[condition.name] = _scrape(clone, sha, condition.jobs, extra, work / f"home-{n}")
    return Verdict(sha, digests)


def _clone(repository: Repository, condition: Condition, target: Path) -> Path:
    """Clone over the git protocol, so that the objects are packed anew."""
    done = subprocess.run(
        ["git", "clone", "--quiet", *condition.clone, repository.git_dir.as_uri(), str(target)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "GIT_TERMINAL_PROMPT": "0"},
    )
    if done.returncode:
        raise CheckFailed(
            f"The repository {repository.path} cannot be cloned: {done.stderr.strip()}",
            "A partial clone lacks objects; fetch them first: git fetch --refetch --filter=tree:0",
        )
    return target


def _scrape(path: Path, sha: str, jobs: int, environment: Mapping[str, str], home: Path) -> str:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "patina_lab.cli", "scrape", "--json", "--quiet"),
            *("--repo", str(path), "--at", sha, "--jobs", str(jobs)),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment, "PATINA_HOME": str(home)},
    )
    if done.returncode:
        raise CheckFailed(f"The scrape of {path} failed: {done.stderr.strip()}")
    return str(json.loads(done.stdout)["digest"])
