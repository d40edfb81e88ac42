"""Pushing a branch and asking for its review: commands that are told, and run on request."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Sequence

from patina_lab.errors import MissingTool, StoreError
from patina_lab.project import branch as branches
from patina_lab.project.write import work_tree
from patina_lab.sources.repository import Repository


def review_commands(repository: Repository, branch: str, title: str) -> tuple[str, ...]:
    """Return the commands that push a branch and ask for its review, quoted for a shell."""
    to = branches.remote(repository)
    if to is None:
        return (shlex.join(["git", "merge", "--no-ff", branch]),)
    name, address = to
    commands = [["git", "push", "-u", name, branch]]
    host = re.sub(r"^\w+://", "", address).partition("@")[2] or re.sub(r"^\w+://", "", address)
    host = re.split(r"[:/]", host)[0].casefold()
    if host == "github.com":
        body = "Proposed with patina-lab."
        commands.append(["gh", "pr", "create", "--head", branch, "--title", title, "--body", body])
    elif "gitlab" in host:
        commands.append(
            ["glab", "mr", "create", "--source-branch", branch, "--title", title, "--fill", "--yes"]
        )
    return tuple(shlex.join(command) for command in commands)


def check_publishable(repository: Repository) -> None:
    """Say before anything is made that `publish` could not run; see there for the errors."""
    if branches.remote(repository) is None:
        raise StoreError(
            f"{repository.path} has no remote to push to.",
            "Add one: git remote add origin <address>",
        )
    for command in review_commands(repository, "branch", "title"):
        program = shlex.split(command)[0]
        if shutil.which(program) is None:
            raise MissingTool(f"The program {program} is not on the PATH.", f"Install {program}.")


def publish(repository: Repository, commands: Sequence[str]) -> tuple[str, ...]:
    """Run the commands that a proposal tells: push its branch, ask for its review.

    These are the user's own commands: hooks, credentials and the network are used.

    Returns
    -------
    tuple of str
        What they printed.

    Raises
    ------
    MissingTool
        ``gh`` or ``glab`` is not here.  Nothing was pushed then.
    StoreError
        One of them failed, or there is no remote.
    """
    check_publishable(repository)
    said = []
    for text in commands:
        command = shlex.split(text)
        done = subprocess.run(
            command, cwd=work_tree(repository), capture_output=True, text=True, check=False
        )
        if done.returncode:
            last = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
            raise StoreError(f"{text} stopped: {last}", "Run it by hand.")
        said.append((done.stdout + done.stderr).strip())
    return tuple(said)
