r"""Logs as readable text: one line is one thing that happened.

::

    2025-03-01 git.commit ann a.py b.py                  ann changes (or makes) two files
    2025-03-02T09:30+01:00 git.commit bob -a.py b.py>c.py # Move it
    2025-03-03 git.commit ann @fix c.py                  on branch fix, cut from main's tip
    2025-03-04 git.merge ann fix                         merges fix into main; more names: octopus
    2025-03-05 git.tag v1                                lightweight; `git.tag ann v1`: annotated
    2025-03-06 git.commit ann layer/sessions/20250306-0900.md
        # Session                                        indented: what the last file holds
    2025-03-07 decision_made ann decision="Use DuckDB"   any other type: an event file, committed

A date alone is noon UTC.  ``ann`` is ``ann <ann@example.org>``; ``"Ann Lee <a@b>"`` is taken
as it stands.  A change without content appends one line.  Empty lines are skipped.

:func:`build_repo` makes a real repository of such a text, by one ``git fast-import``;
:func:`events` makes the events that a source would.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import subprocess
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from patina_lab.events.event import Event

MAIN = "main"
_HEAD = re.compile(r"(?P<when>\S+)\s+(?P<type>\S+)(?P<rest>.*)")


def isolated(**more: str) -> dict[str, str]:
    """Return an environment in which git knows nobody's configuration."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    env.update(
        GIT_CONFIG_GLOBAL=os.devnull,
        GIT_CONFIG_NOSYSTEM="1",
        GIT_AUTHOR_NAME="ann",
        GIT_AUTHOR_EMAIL="ann@example.org",
        GIT_COMMITTER_NAME="ann",
        GIT_COMMITTER_EMAIL="ann@example.org",
        GIT_AUTHOR_DATE="2025-03-01T12:00:00Z",
        GIT_COMMITTER_DATE="2025-03-01T12:00:00Z",
        LC_ALL="C",
        TZ="UTC",
    )
    return env | more


@dataclass(frozen=True)
class Repo:
    """A real git repository that a test may change."""

    path: Path

    @classmethod
    def init(cls, path: Path | str, *options: str) -> Repo:
        """Make an empty repository whose branch is ``main``."""
        made = cls(Path(path))
        made.path.parent.mkdir(parents=True, exist_ok=True)
        # An empty template: no sample hooks, which are most of the cost of `git init`.
        args = ["git", "init", "-q", "--template=", f"--initial-branch={MAIN}", *options]
        subprocess.run([*args, str(made.path)], env=isolated(), check=True, capture_output=True)
        return made

    def git(self, *args: str, stdin: bytes = b"", **env: str) -> str:
        """Run git here; return what it prints, without the last newline."""
        return os.fsdecode(self.bytes(*args, stdin=stdin, **env)).rstrip("\n")

    def bytes(self, *args: str, stdin: bytes = b"", **env: str) -> bytes:
        """Run git here; return what it prints."""
        done = subprocess.run(
            ["git", "-C", str(self.path), *args],
            env=isolated(**env),
            input=stdin,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise AssertionError(f"git {' '.join(args)}: {done.stderr.decode(errors='replace')}")
        return done.stdout

    def sha(self, revision: str = "HEAD") -> str:
        """Return the full sha of a commit."""
        return self.git("rev-parse", "--verify", f"{revision}^{{commit}}")

    def history(self, revision: str = "HEAD") -> list[str]:
        """Return the shas that a commit reaches, newest first."""
        return self.git("rev-list", revision).split()

    def files(self, revision: str = "HEAD") -> list[bytes]:
        """Return the paths of a commit's files, as bytes."""
        return self.bytes("ls-tree", "-r", "-z", "--name-only", revision).split(b"\0")[:-1]

    def fast_import(self, stream: bytes) -> None:
        """Feed ``git fast-import``; branches may move in any direction."""
        self.bytes("fast-import", "--quiet", "--force", "--date-format=raw-permissive",
                   stdin=stream)  # fmt: skip

    def clone(self, path: Path | str, *options: str) -> Repo:
        """Clone by file copy of objects, not by link, so that the clone is really another."""
        args = ["git", "clone", "-q", "--no-hardlinks", *options, str(self.path), str(path)]
        subprocess.run(args, env=isolated(), check=True, capture_output=True)
        return Repo(Path(path))


def quoted(path: bytes) -> bytes:
    r"""Write a path as fast-import reads it: C-style, every odd byte as octal."""
    plain = bytes(range(0x20, 0x7F)).replace(b'"', b"").replace(b"\\", b"")
    return b'"' + b"".join(bytes([b]) if b in plain else b"\\%03o" % b for b in path) + b'"'


def blob(content: bytes) -> bytes:
    """Write inline data as fast-import reads it."""
    return b"data %d\n%s\n" % (len(content), content)


@dataclass
class Line:
    """One line of the notation."""

    when: datetime
    type: str
    words: list[str]
    message: str = ""
    content: str | None = None

    @property
    def raw_date(self) -> bytes:
        """The date as git stores it."""
        return f"{int(self.when.timestamp())} {self.when:%z}".encode()


def parse(text: str) -> list[Line]:
    """Read the notation.

    Raises
    ------
    ValueError
        A line that has no date and type, or content without a file.
    """
    lines: list[Line] = []
    for number, written in enumerate(textwrap.dedent(text).splitlines(), start=1):
        if not written.strip():
            if lines and lines[-1].content is not None:
                lines[-1].content += "\n"
        elif written[0] in " \t":
            if not lines:
                raise ValueError(f"line {number}: content before the first event: {written!r}")
            lines[-1].content = (lines[-1].content or "") + written + "\n"
        else:
            lines.append(_line(written, number))
    for line in lines:
        if line.content is not None:
            line.content = textwrap.dedent(line.content).rstrip("\n") + "\n"
    return lines


def _line(written: str, number: int) -> Line:
    match = _HEAD.fullmatch(written)
    if match is None:
        raise ValueError(f"line {number}: expected a date and an event type: {written!r}")
    when = datetime.fromisoformat(match["when"])
    if len(match["when"]) == len("2025-03-01"):
        when = when.replace(hour=12)
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    rest, _, message = match["rest"].partition(" # ")
    return Line(when, match["type"], shlex.split(rest), message.strip())


def identity(author: str) -> tuple[str, str]:
    """Return (name, e-mail address) of ``ann`` or of ``Ann Lee <ann@example.org>``."""
    name, bracket, email = author.partition("<")
    return (name.strip(), email.rstrip(">")) if bracket else (author, f"{author}@example.org")


# -- a repository -----------------------------------------------------------------------


def build_repo(text: str, path: Path | str, *, bare: bool = False, checkout: bool = True) -> Repo:
    """Make a real git repository of a log in notation.

    Parameters
    ----------
    text : str
    path : path
        Where it shall lie; must not exist.
    bare : bool
    checkout : bool
        Fill the work tree (a few milliseconds).

    Returns
    -------
    Repo
        Branch names are those of the text, tags too; HEAD is ``main``.
    """
    repo = Repo.init(path, *(["--bare"] if bare else []))
    repo.fast_import(_Stream().all(parse(text)))
    if checkout and not bare:
        repo.git("reset", "-q", "--hard")
    return repo


@dataclass
class _Stream:
    """What is known of the repository while its stream is written."""

    tips: dict[str, int] = field(default_factory=dict)
    trees: dict[int, dict[str, str]] = field(default_factory=dict)
    marks: int = 0
    out: list[bytes] = field(default_factory=list)

    def all(self, lines: Iterable[Line]) -> bytes:
        for line in lines:
            if line.type == "git.commit":
                author, branch, words = _who_and_where(line)
                self.commit(line, author, branch, [], self.changes(line, branch, words))
            elif line.type == "git.merge":
                author, branch, others = _who_and_where(line)
                self.commit(line, author, branch, [self.tips[name] for name in others], {})
            elif line.type == "git.tag":
                self.tag(line)
            else:
                author, branch, pairs = _who_and_where(line)
                self.commit(line, author, branch, [], self.event_file(line, author, pairs))
        return b"".join(self.out)

    def tree(self, branch: str) -> dict[str, str]:
        tip = self.tips.get(branch, self.tips.get(MAIN))
        return dict(self.trees[tip]) if tip else {}

    def changes(self, line: Line, branch: str, words: list[str]) -> dict[str, str | None]:
        """Return path -> new content, None where the file goes."""
        tree, changed = self.tree(branch), {}
        for word in words:
            old, arrow, new = word.partition(">")
            if arrow:
                changed[old], changed[new] = None, tree[old]
            elif word.startswith("-"):
                changed[word[1:]] = None
            else:
                changed[word] = tree.get(word, "") + f"line {self.marks + 1} of {word}\n"
        if line.content is not None:
            changed[words[-1]] = line.content
        return changed

    def event_file(self, line: Line, author: str, pairs: list[str]) -> dict[str, str | None]:
        """Return the event file of a line that is no git event."""
        number = self.marks + 1
        value = {
            "event_id": f"evt_{number:03}",
            "event_type": line.type,
            "timestamp": line.when.isoformat(),
            "author": author,
            "sequence": number,
            "payload": _payload(pairs),
        }
        name = f"{line.when:%Y-%m-%d}-{number:03}-{line.type}.json"
        return {f".patina/shared/events/{name}": json.dumps(value, indent=2) + "\n"}

    def commit(
        self,
        line: Line,
        author: str,
        branch: str,
        merged: list[int],
        changed: Mapping[str, str | None],
    ) -> None:
        self.marks += 1
        parent = self.tips.get(branch, self.tips.get(MAIN))
        tree = self.tree(branch)
        name, email = identity(author)
        who = f"{name} <{email}> ".encode() + line.raw_date
        message = line.message or " ".join(w for w in line.words[1:] if w[0] != "@")
        self.out.append(b"commit refs/heads/%s\nmark :%d\n" % (branch.encode(), self.marks))
        self.out.append(b"author %s\ncommitter %s\n" % (who, who) + blob(message.encode()))
        if parent:
            self.out.append(b"from :%d\n" % parent)
        for other in merged:
            self.out.append(b"merge :%d\n" % other)
            # What the other side has wins: nothing in a test needs a conflict.
            changed = {**changed, **self.trees[other]}
        for path, content in changed.items():
            where = quoted(path.encode())
            if content is None:
                self.out.append(b"D %s\n" % where)
                tree.pop(path, None)
            else:
                self.out.append(b"M 100644 inline %s\n" % where + blob(content.encode()))
                tree[path] = content
        self.out.append(b"\n")
        self.tips[branch], self.trees[self.marks] = self.marks, tree

    def tag(self, line: Line) -> None:
        *author, name = line.words
        tip = self.tips[MAIN]
        if not author:
            self.out.append(b"reset refs/tags/%s\nfrom :%d\n\n" % (name.encode(), tip))
            return
        who, email = identity(author[0])
        tagger = f"{who} <{email}> ".encode() + line.raw_date
        message = blob((line.message or name).encode())
        self.out.append(b"tag %s\nfrom :%d\ntagger %s\n" % (name.encode(), tip, tagger) + message)


def _who_and_where(line: Line) -> tuple[str, str, list[str]]:
    """Return the author, the branch and the other words of a line."""
    if not line.words:
        raise ValueError(f"{line.type} at {line.when} names no author")
    author, *words = line.words
    branch = MAIN
    if words and words[0].startswith("@"):
        branch = words.pop(0)[1:]
    return author, branch, words


def _payload(pairs: Iterable[str]) -> dict[str, Any]:
    """Read ``key=value`` words; a value that is JSON is taken as such."""
    payload = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise ValueError(f"expected key=value, found {pair!r}")
        try:
            payload[key] = json.loads(value)
        except ValueError:
            payload[key] = value
    return payload


# -- events -----------------------------------------------------------------------------


def events(text: str) -> list[Event]:
    """Make events of a log in notation, without any repository.

    A commit's sha is made up of its place in the text; files have change ``A``, ``M``,
    ``D`` or ``R``, and one line added.
    """
    made: list[Event] = []
    known: set[str] = set()
    last: str | None = None
    for number, line in enumerate(parse(text), start=1):
        if line.type == "git.tag":
            *author, name = line.words
            made.append(_tag(line, name, author, last))
            continue
        author, _, words = _who_and_where(line)
        if line.type in ("git.commit", "git.merge"):
            sha = hashlib.sha1(f"commit {number}".encode(), usedforsecurity=False).hexdigest()
            files = [] if line.type == "git.merge" else [_file(word, known) for word in words]
            made.append(_commit(line, sha, author, files, [last] if last else []))
            last = sha
        else:
            made.append(
                Event(line.type, line.when, f"evt_{number:03}", _payload(words), actor=author)
            )
    return made


def _file(word: str, known: set[str]) -> dict[str, Any]:
    old, arrow, new = word.partition(">")
    if arrow:
        known.add(new)
        return {"path": new, "change": "R", "old_path": old, "similarity": 100,
                "lines_added": 0, "lines_removed": 0}  # fmt: skip
    if word.startswith("-"):
        known.discard(word[1:])
        return {"path": word[1:], "change": "D", "lines_added": 0, "lines_removed": 1}
    change = "M" if word in known else "A"
    known.add(word)
    return {"path": word, "change": change, "lines_added": 1, "lines_removed": 0}


def _commit(
    line: Line, sha: str, author: str, files: list[dict[str, Any]], parents: list[str]
) -> Event:
    name, email = identity(author)
    data = {
        "sha": sha,
        "parents": parents,
        "author": name,
        "email": email,
        "committer": name,
        "committer_email": email,
        "author_date": line.when.isoformat(),
        "committer_date": line.when.isoformat(),
        "message": line.message or " ".join(w for w in line.words[1:] if w[0] != "@"),
        "files": files,
    }
    return Event("git.commit", line.when, sha, data, actor=name)


def _tag(line: Line, name: str, author: list[str], sha: str | None) -> Event:
    tagger = identity(author[0])[0] if author else None
    data = {
        "name": name,
        "sha": sha,
        "object": sha,
        "annotated": bool(author),
        "tagger": tagger,
        "date": line.when.isoformat(),
        "message": line.message or name if author else None,
    }
    return Event("git.tag", line.when, name, data, actor=tagger)
