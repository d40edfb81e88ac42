"""Hand commits to git, and learn their shas at once."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import story
from story import Commit, StoryError, Tag
from trees import Tree


@dataclass(frozen=True)
class Node:
    """A commit that was built; `mark` is its number in the stream, and its age."""

    mark: int
    sha: str
    parents: tuple[Node, ...]
    tree: Tree
    told: Commit

    def ancestors(self) -> dict[int, Node]:
        """Return this commit and all before it, by mark."""
        found, todo = dict[int, Node](), [self]
        while todo:
            node = todo.pop()
            if node.mark not in found:
                found[node.mark] = node
                todo += node.parents
        return found

    def common_ancestor(self, other: Node) -> Node:
        """Return the youngest commit that both have behind them."""
        mine = self.ancestors()
        return mine[max(mine.keys() & other.ancestors().keys())]


def environment() -> dict[str, str]:
    """Return an environment in which nothing of the user's reaches git."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    return kept | {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_DEFAULT_HASH": "sha1",
        "HOME": os.devnull,  # for a git too old to know GIT_CONFIG_GLOBAL
        "LC_ALL": "C",
        "TZ": "UTC",
    }


class Importer:
    """One ``git fast-import`` process; a commit's sha is known as soon as it is sent."""

    def __init__(self, repository: Path) -> None:
        self.people = story.people()
        self.blobs: dict[bytes, int] = {}
        self.marks = 0
        self.git = subprocess.Popen(
            ["git", "-C", str(repository), "fast-import", "--quiet", "--done", "--date-format=raw"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(),
        )

    def send(self, *parts: str | bytes) -> None:
        """Write lines; bytes are sent as a counted block."""
        assert self.git.stdin is not None
        for part in parts:
            if isinstance(part, bytes):
                self.git.stdin.write(b"data %d\n%s\n" % (len(part), part))
            else:
                self.git.stdin.write(part.encode() + b"\n")

    def signature(self, role: str, who: str, when: datetime) -> str:
        """Return an author, committer or tagger line."""
        if who not in self.people:
            raise StoryError(f"people.toml has no {who!r}")
        person = self.people[who]
        return f"{role} {person.name} <{person.email}> {int(when.timestamp())} {when:%z}"

    def blob(self, content: bytes) -> int:
        """Store a content once; return its mark."""
        if content not in self.blobs:
            self.marks += 1
            self.blobs[content] = self.marks
            self.send("blob", f"mark :{self.marks}", content)
        return self.blobs[content]

    def commit(self, told: Commit, message: str, parents: tuple[Node, ...], tree: Tree) -> Node:
        """Store a commit with the whole of its tree."""
        files = [
            f"M {'100755' if file.executable else '100644'} :{self.blob(file.content)} {path}"
            for path, file in sorted(tree.items())
        ]
        self.marks += 1
        committed, _, by = told.options.get("committed", "").partition(" by ")
        when = story.instant(committed, told.place) if committed else told.when
        self.send("commit refs/heads/main", f"mark :{self.marks}")
        self.send(self.signature("author", told.who, told.when))
        self.send(self.signature("committer", by or told.who, when), message.encode())
        for verb, parent in zip(("from", "merge"), parents, strict=False):
            self.send(f"{verb} :{parent.mark}")
        self.send("deleteall", *files, "", f"get-mark :{self.marks}")
        assert self.git.stdin is not None
        assert self.git.stdout is not None
        self.git.stdin.flush()
        sha = self.git.stdout.readline().decode().strip()
        if not sha:
            raise StoryError(f"{told.place}: git fast-import stopped")
        return Node(self.marks, sha, parents, tree, told)

    def ref(self, name: str, node: Node) -> None:
        """Point a ref at a commit."""
        self.send(f"reset {name}", f"from :{node.mark}", "")

    def tag(self, tag: Tag, message: str, node: Node) -> None:
        """Store a tag object, or a plain ref if nobody signs it."""
        if tag.who is None or tag.when is None:
            self.ref(f"refs/tags/{tag.name}", node)
            return
        self.send(f"tag {tag.name}", f"from :{node.mark}")
        self.send(self.signature("tagger", tag.who, tag.when), message.encode())

    def close(self) -> None:
        """Finish the stream."""
        self.send("done")
        assert self.git.stdin is not None
        self.git.stdin.close()
        if self.git.wait() != 0:
            raise StoryError("git fast-import failed")
