"""Build the teaching repository: ``python datasets/teaching/build.py DEST``.

The same commits come out everywhere, byte for byte: every date, offset, person and mode
is in the story, and git is asked only to store what it is given (``git fast-import``, no
configuration, no hooks, no environment).  The sha of the last commit is therefore the
version of the data; it is pinned in ``pinned-head.txt``.

After a change to the story, ``--accept`` pins the new sha.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import story
from importer import Importer, Node, environment
from story import HERE, Commit, Step, StoryError, Tag
from trees import VERBS, event_file, merge, revert


class Teller:
    """Tells blocks one after another to an importer; knows what was told before."""

    def __init__(self, importer: Importer) -> None:
        self.importer = importer
        self.nodes: dict[str, Node] = {}
        self.branches: dict[str, Node] = {}

    def resolve(self, text: str) -> str:
        """Put shas where ``«label»`` or ``«label:8»`` stands."""

        def sha(match: re.Match[str]) -> str:
            return self.node(match["label"]).sha[: int(match["length"] or 40)]

        return re.sub(r"«(?P<label>[\w.-]+)(?::(?P<length>\d+))?»", sha, text)

    def node(self, label: str) -> Node:
        """Return an earlier commit."""
        if label not in self.nodes:
            raise StoryError(f"no commit {label!r} was told yet")
        return self.nodes[label]

    def tell(self, block: Commit | Tag) -> None:
        """Tell one block."""
        try:
            if isinstance(block, Tag):
                message = self.resolve(block.message) + "\n"
                self.importer.tag(block, message, self.node(block.label))
            else:
                self.commit(block)
        except (StoryError, KeyError) as err:
            raise StoryError(f"{block.place}: {err}") from err

    def commit(self, told: Commit) -> None:
        """Build one commit on its branch."""
        if told.label in self.nodes:
            raise StoryError(f"{told.label} was told already")
        option, branch = told.options, told.options.get("branch", "main")
        steps = [self.filled(step) for step in told.steps]
        message = told.message
        parents: tuple[Node, ...] = ()
        if self.nodes:
            start = self.node(option["from"]) if "from" in option else self.branches["main"]
            parents = (self.branches.get(branch, start),)
        tree = parents[0].tree if parents else {}
        if "merge" in option:
            theirs = self.branches.pop(option["merge"])  # a merged branch is deleted
            base = parents[0].common_ancestor(theirs).tree
            tree = merge(base, tree, theirs.tree, {step.target for step in steps})
            parents = (*parents, theirs)
        if "revert" in option:
            node = self.node(option["revert"])
            tree = revert(node.parents[0].tree, node.tree, tree)
            subject = node.told.message.partition("\n")[0]
            line = f'Revert "{subject}"\n\nThis reverts commit {node.sha}.'
            message = f"{line}\n\n{message}".strip()
        for step in steps:
            if step.verb not in VERBS:
                raise StoryError(f"unknown verb {step.verb!r}; known: {', '.join(VERBS)}")
            tree = VERBS[step.verb](tree, step)
        made = self.importer.commit(told, self.resolve(message) + "\n", parents, tree)
        self.nodes[told.label] = self.branches[branch] = made

    def filled(self, step: Step) -> Step:
        """Return the step with its lines read from ``sessions/`` and its shas put in."""
        lines = step.lines
        if step.verb == "session":
            note = (HERE / "sessions" / step.target).read_text(encoding="utf-8")
            lines = tuple(note.splitlines())
        elif step.verb == "event" and not lines:
            lines = tuple(event_file(step.target)[1].splitlines())
        return replace(step, lines=tuple(self.resolve(line) for line in lines))


def build(dest: Path) -> str:
    """Build the repository in `dest`, which must not exist or be empty; return HEAD's sha.

    It is built aside and moved into place, so that a half one is never seen.
    """
    dest = dest.resolve()
    if dest.exists() and (not dest.is_dir() or any(dest.iterdir())):
        raise StoryError(f"{dest} is no new or empty folder")
    dest.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{dest.name}-", dir=dest.parent))
    try:
        sha = _build(aside)
        aside.chmod(0o777 & ~_umask())
        if dest.exists():
            dest.rmdir()
        aside.rename(dest)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return sha


def _build(repository: Path) -> str:
    def git(*arguments: str) -> str:
        run = subprocess.run(
            ["git", *arguments], cwd=repository, env=environment(), check=True, capture_output=True
        )
        return run.stdout.decode().strip()

    git("init", "--quiet", "--template=")
    git("config", "core.autocrlf", "false")  # checked out as stored, whatever the user's choice
    git("symbolic-ref", "HEAD", "refs/heads/main")
    importer = Importer(repository)
    teller = Teller(importer)
    try:
        for block in story.read():
            teller.tell(block)
        for name, node in teller.branches.items():
            importer.ref(f"refs/heads/{name}", node)
        importer.close()
    finally:
        importer.git.kill()  # does nothing to one that has ended
    git("read-tree", "--reset", "-u", "HEAD")
    return git("rev-parse", "HEAD")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def main() -> int:
    """Build, compare with the pinned sha, print it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dest", type=Path, help="a new or empty folder")
    parser.add_argument("--accept", action="store_true", help="pin the sha that comes out")
    options = parser.parse_args()
    pinned = HERE / "pinned-head.txt"
    try:
        sha = build(options.dest)
    except (StoryError, OSError, subprocess.CalledProcessError) as err:
        print(f"build.py: {err}", file=sys.stderr)
        return 2
    if options.accept:
        pinned.write_text(sha + "\n", encoding="ascii")
    print(sha)
    if sha != pinned.read_text(encoding="ascii").strip():
        print(
            "build.py: this is not the sha in pinned-head.txt; "
            "if you meant to change the story, run again with --accept and another folder",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
