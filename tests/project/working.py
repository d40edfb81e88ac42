"""A repository that somebody works in, and a photograph of all that is theirs in it."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

from patina_lab.sources.repository import Repository, open_repository

DAY = "2025-03-07T12:00:00Z"
EVENTS = ".patina/shared/events"
LOCAL = ".patina/local/events"


class Project:
    """A work tree at `path`; `git` runs there as its user."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def new(cls, path: Path) -> Project:
        path.mkdir(parents=True)
        made = cls(path)
        made.git("init", "-q", "-b", "main")
        made.git("config", "user.name", "Ann")
        made.git("config", "user.email", "ann@x.org")
        (path / "a.py").write_text("one\n")
        made.commit("first")
        return made

    def git(self, *args: str, check: bool = True, stdin: str | None = None) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.path), *args],
            input=stdin, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert not check or done.returncode == 0, (args, done.stderr)
        return done.stdout.strip()

    def commit(self, message: str) -> str:
        self.git("add", "-A")
        self.git("commit", "-qm", message, "--no-verify", "--no-gpg-sign")
        return self.git("rev-parse", "HEAD")

    def write(self, path: str, content: str | bytes) -> Path:
        place = self.path / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)
        return place

    def merge(self, branch: str) -> None:
        self.git("merge", "-q", "--no-ff", "--no-edit", "--no-verify", branch)

    @property
    def repository(self) -> Repository:
        return open_repository(self.path)

    def photograph(self, *, but: tuple[str, ...] = (LOCAL,)) -> dict[str, str]:
        """Return path -> hash of all that a proposal must leave alone.

        The work tree with its links and modes; of the git directory everything but objects,
        the branches and their logs, and our locks.
        """
        git_dirs = {Path(self.git("rev-parse", "--absolute-git-dir"))}
        git_dirs.add((self.path / self.git("rev-parse", "--git-common-dir")).resolve())
        taken = {"stash": self.git("stash", "list"), "HEAD": self.git("rev-parse", "HEAD")}
        for root in (self.path, *sorted(git_dirs)):
            for folder, folders, files in os.walk(root):
                inside = Path(folder).relative_to(root).as_posix()
                if root == self.path:
                    folders[:] = [f for f in folders if not (inside == "." and f == ".git")]
                skip = ("objects", "refs/heads", "logs/refs/heads", "patina")
                if root != self.path and inside.startswith(skip):
                    continue
                if root == self.path and inside.startswith(but):
                    continue
                for name in files:
                    place = Path(folder, name)
                    kind = str(place.readlink()) if place.is_symlink() else ""
                    content = b"" if kind else place.read_bytes()
                    said = f"{place.lstat().st_mode:o} {kind} {hashlib.sha256(content).hexdigest()}"
                    taken[str(place)] = said
        return taken
