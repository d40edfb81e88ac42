"""Real git histories for Hypothesis: what people do to a repository, as values.

Each operation is a small frozen value with one method, ``apply(repo_history)``; a history is
a list of them, so that Hypothesis can shrink it and its repr is the whole reproduction::

    with history([Commit(...), Branch("topic"), Commit(...), Merge((0,))]) as h:
        h.repo                      # the repository, bare, HEAD on the current branch

Operations never fail: one that finds nothing to work on (reverting in an empty
repository, merging the only branch) does nothing.  Numbers that choose among what is there
(a branch, a file, a commit) are taken modulo how much is there.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from hypothesis import strategies as st
from notation import MAIN, Repo, blob, quoted

NOON = 1740830400
"""2025-03-01T12:00:00Z, around which histories happen."""

HOUR = 3600

Change = tuple[bytes, str, bytes | None]
"""(path, mode, content or - with mode 160000 or `@` before it - object name; None: removed)."""


class Operation(Protocol):
    """What somebody does to a repository."""

    def apply(self, h: History) -> None:
        """Do it."""


@dataclass
class History:
    """A bare repository in the hands of a test."""

    repo: Repo
    current: str = MAIN
    tips: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    hidden: dict[Path, Path] = field(default_factory=dict)
    commits: int = 0

    @property
    def tip(self) -> str | None:
        """The sha of the current branch; None before the first commit."""
        return self.tips.get(self.current)

    @property
    def shallow(self) -> bool:
        """Whether the repository ends at a boundary."""
        return (self.repo.path / "shallow").exists()

    def do(self, operations: Iterable[Operation]) -> History:
        """Apply operations one after the other; return self."""
        for operation in operations:
            operation.apply(self)
        return self

    def write(
        self,
        parents: Sequence[str],
        changes: Iterable[Change],
        author: bytes,
        committer: bytes,
        message: bytes,
    ) -> str:
        """Make a commit on the current branch, wherever that pointed before."""
        ref = b"refs/heads/" + self.current.encode()
        out = [b"commit %s\nauthor %s\ncommitter %s\n" % (ref, author, committer), blob(message)]
        if parents:
            out.append(b"from %s\n" % parents[0].encode())
        out += [b"merge %s\n" % other.encode() for other in parents[1:]]
        for path, mode, content in changes:
            if content is None:
                out.append(b"D %s\n" % quoted(path))
            elif mode == "160000" or content[:1] == b"@":
                name = content.removeprefix(b"@")
                out.append(b"M %s %s %s\n" % (mode.encode(), name, quoted(path)))
            else:
                out.append(b"M %s inline %s\n" % (mode.encode(), quoted(path)) + blob(content))
        if not parents:
            # A root commit: without this fast-import continues the branch of that name.
            out.insert(0, b"reset %s\n\n" % ref)
        with self.fetched():
            self.repo.fast_import(b"".join(out) + b"\n")
        self.tips[self.current] = self.repo.git("rev-parse", f"refs/heads/{self.current}")
        self.commits += 1
        return self.tips[self.current]

    @contextlib.contextmanager
    def fetched(self) -> Iterator[None]:
        """Have the hidden blobs here for a moment: fast-import names no missing ones."""
        for aside, loose in self.hidden.items():
            loose.parent.mkdir(exist_ok=True)
            aside.rename(loose)
        yield
        for aside, loose in self.hidden.items():
            loose.rename(aside)

    def point(self, branch: str, sha: str) -> None:
        """Move a branch, as a force-push does."""
        self.repo.git("update-ref", f"refs/heads/{branch}", sha)
        self.tips[branch] = sha

    def switch(self, branch: str) -> None:
        """Check another branch out."""
        self.repo.git("symbolic-ref", "HEAD", f"refs/heads/{branch}")
        self.current = branch

    def raw(self, sha: str) -> tuple[list[str], bytes, bytes, bytes]:
        """Return (parents, author, committer, message) of a commit, as its object has them."""
        head, _, message = self.repo.bytes("cat-file", "commit", sha).partition(b"\n\n")
        fields: dict[bytes, list[bytes]] = {}
        for line in head.split(b"\n"):
            key, _, value = line.partition(b" ")
            fields.setdefault(key, []).append(value)
        parents = [p.decode() for p in fields.get(b"parent", [])]
        return parents, fields[b"author"][0], fields[b"committer"][0], message

    def changes(self, sha: str, *, back: bool = False) -> list[Change]:
        """Return what a commit did to its first parent's files, or what takes it back."""
        parent = self.raw(sha)[0][:1]
        if not parent:
            return []
        between = [sha, parent[0]] if back else [parent[0], sha]
        out = self.repo.bytes("diff-tree", "-r", "-z", "--no-renames", "--raw", *between)
        words = out.split(b"\0")[:-1]
        found: list[Change] = []
        for meta, path in zip(words[::2], words[1::2], strict=True):
            _, mode, _, name, letter = meta.decode().split(" ")
            found.append((path, mode, None if letter == "D" else b"@" + name.encode()))
        # Removals first: a file may take the place of a folder.
        return sorted(found, key=lambda change: change[2] is not None)


@contextlib.contextmanager
def history(operations: Iterable[Operation] = ()) -> Iterator[History]:
    """Give a history of its own, in a folder that goes away."""
    place = Path(tempfile.mkdtemp(prefix="history-"))
    try:
        h = History(Repo.init(place / "repo.git", "--bare"))
        # Nothing is prunable behind a test's back, and everything is when it says so.
        h.repo.git("config", "gc.auto", "0")
        yield h.do(operations)
    finally:
        shutil.rmtree(place, ignore_errors=True)


# -- operations -------------------------------------------------------------------------


@dataclass(frozen=True)
class Commit:
    """A commit on the current branch."""

    changes: tuple[Change, ...]
    author: bytes = b"ann <ann@example.org>"
    at: int = NOON
    zone: str = "+0000"
    later: int = 0
    message: bytes = b"Work"

    @property
    def who(self) -> tuple[bytes, bytes]:
        """The author and committer lines."""
        zone = self.zone.encode()
        authored = b"%s %d %s" % (self.author, self.at, zone)
        committed = b"%s %d %s" % (self.author, max(self.at + self.later, 0), zone)
        return authored, committed

    def apply(self, h: History) -> None:
        """Commit."""
        h.write([h.tip] if h.tip else [], self.changes, *self.who, self.message)


@dataclass(frozen=True)
class Delete:
    """A commit that removes a file, or all files that begin with the same letter."""

    file: int
    at: int = NOON
    prefix: bytes = b""

    def apply(self, h: History) -> None:
        """Remove."""
        files = [f for f in (h.repo.files() if h.tip else []) if f.startswith(self.prefix)]
        if files:
            gone = files[self.file % len(files)]
            Commit(((gone, "100644", None),), at=self.at, message=b"Remove").apply(h)


@dataclass(frozen=True)
class Rename:
    """A commit that moves a file, and perhaps changes it."""

    file: int
    to: bytes
    at: int = NOON

    def apply(self, h: History) -> None:
        """Move."""
        if not h.tip:
            return
        entries = h.repo.bytes("ls-tree", "-r", "-z", "HEAD").split(b"\0")[:-1]
        if not entries:
            return
        meta, old = entries[self.file % len(entries)].split(b"\t", 1)
        mode, kind, name = meta.decode().split(" ")
        if kind == "blob" and old != self.to:
            moved = (self.to, mode, b"@" + name.encode())
            Commit(((old, mode, None), moved), at=self.at, message=b"Move").apply(h)


@dataclass(frozen=True)
class Branch:
    """A new branch at the tip, checked out."""

    name: str

    def apply(self, h: History) -> None:
        """Branch."""
        if h.tip:
            h.point(self.name, h.tip)
            h.switch(self.name)


@dataclass(frozen=True)
class Side:
    """A commit on another branch, cut some commits back; the current branch stays."""

    name: str
    back: int
    commit: Commit

    def apply(self, h: History) -> None:
        """Commit beside."""
        if h.tip and self.name != h.current:
            here, shas = h.current, h.repo.history(h.tip)
            h.point(self.name, shas[self.back % len(shas)])
            h.current = self.name
            self.commit.apply(h)
            h.current = here


@dataclass(frozen=True)
class Orphan:
    """Another root: a branch without history, checked out with its first commit."""

    name: str
    commit: Commit

    def apply(self, h: History) -> None:
        """Start anew beside what there is."""
        if h.tip:
            h.switch(self.name)
            h.tips.pop(self.name, None)
            self.commit.apply(h)


@dataclass(frozen=True)
class Switch:
    """Check out another branch."""

    branch: int

    def apply(self, h: History) -> None:
        """Switch."""
        if h.tips:
            h.switch(sorted(h.tips)[self.branch % len(h.tips)])


@dataclass(frozen=True)
class Merge:
    """Merge other branches into the current one; more than one is an octopus."""

    branches: tuple[int, ...]
    at: int = NOON
    changes: tuple[Change, ...] = ()

    def apply(self, h: History) -> None:
        """Merge, their side winning."""
        others = sorted(set(h.tips) - {h.current})
        if not h.tip or not others:
            return
        chosen = list(dict.fromkeys(h.tips[others[i % len(others)]] for i in self.branches))
        theirs: list[Change] = []
        for other in chosen:
            for record in h.repo.bytes("ls-tree", "-r", "-z", other).split(b"\0")[:-1]:
                meta, path = record.split(b"\t", 1)
                mode, _, name = meta.split(b" ")
                theirs.append((path, mode.decode(), b"@" + name))
        who = Commit((), b"mia <mia@example.org>", self.at).who
        h.write([h.tip, *chosen], [*theirs, *self.changes], *who, b"Merge")


@dataclass(frozen=True)
class Revert:
    """A commit that takes an earlier one back."""

    commit: int
    at: int = NOON

    def apply(self, h: History) -> None:
        """Revert."""
        if h.tip:
            shas = h.repo.history(h.tip)
            sha = shas[self.commit % len(shas)]
            message = b'Revert "Work"\n\nThis reverts commit %s.' % sha.encode()
            Commit(tuple(h.changes(sha, back=True)), at=self.at, message=message).apply(h)


@dataclass(frozen=True)
class Amend:
    """Another commit in the tip's place."""

    message: bytes
    changes: tuple[Change, ...] = ()

    def apply(self, h: History) -> None:
        """Amend."""
        if h.tip and not h.shallow:
            parents, author, committer, _ = h.raw(h.tip)
            before = [] if parents else [(f, "100644", b"amended\n") for f in h.repo.files()]
            changes = [*h.changes(h.tip), *before, *self.changes]
            h.write(parents, changes, author, committer, self.message)


@dataclass(frozen=True)
class Rebase:
    """The current branch's own commits once more, on top of another branch."""

    onto: int
    at: int = NOON

    def apply(self, h: History) -> None:
        """Rebase: same authors and author dates, other committer dates, other shas."""
        others = sorted(set(h.tips) - {h.current})
        if not h.tip or not others or h.shallow:
            return
        base = h.tips[others[self.onto % len(others)]]
        own = h.repo.git("rev-list", "--reverse", "--no-merges", f"{base}..{h.tip}").split()
        todo = [(h.changes(sha), h.raw(sha)) for sha in own]
        h.point(h.current, base)
        for changes, (_, author, _, message) in todo:
            committer = b"rae <rae@example.org> %d +0100" % self.at
            h.write([h.tips[h.current]], changes, author, committer, message)


@dataclass(frozen=True)
class Reset:
    """Drop the newest commits of the current branch."""

    back: int

    def apply(self, h: History) -> None:
        """Reset."""
        if h.tip:
            line = h.repo.git("rev-list", "--first-parent", h.tip).split()
            h.point(h.current, line[min(self.back, len(line) - 1)])


@dataclass(frozen=True)
class Tag:
    """A tag on a commit; one of that name is moved."""

    name: str
    commit: int = 0
    annotated_at: int | None = None

    def apply(self, h: History) -> None:
        """Tag."""
        if not h.tip:
            return
        shas = h.repo.history(h.tip)
        sha = shas[self.commit % len(shas)]
        if self.annotated_at is None:
            h.repo.git("tag", "-f", self.name, sha)
        else:
            # Not `git tag -a`: that takes few dates for dates.
            tagger = b"tagger rae <rae@example.org> %d +0100\n" % self.annotated_at
            start = f"tag {self.name}\nfrom {sha}\n".encode()
            h.repo.fast_import(start + tagger + blob(b"Release\n"))
        h.tags[self.name] = sha


@dataclass(frozen=True)
class Untag:
    """A tag goes."""

    tag: int

    def apply(self, h: History) -> None:
        """Remove a tag."""
        if h.tags:
            name = sorted(h.tags)[self.tag % len(h.tags)]
            h.repo.git("tag", "-d", name)
            del h.tags[name]


@dataclass(frozen=True)
class Repack:
    """``git gc``: what nothing reaches is gone for good."""

    def apply(self, h: History) -> None:
        """Repack."""
        if h.tip and not h.shallow and not h.hidden:
            h.repo.git("gc", "-q", "--prune=now")


@dataclass(frozen=True)
class Shallow:
    """The repository becomes a shallow clone of itself; what lies behind is not seen."""

    depth: int

    def apply(self, h: History) -> None:
        """Draw the boundary."""
        Unshallow().apply(h)
        if h.tip:
            line = h.repo.git("rev-list", "--first-parent", h.tip).split()
            boundary = line[min(self.depth, len(line) - 1)]
            # A real boundary has parents that it lacks.
            if h.raw(boundary)[0]:
                (h.repo.path / "shallow").write_text(f"{boundary}\n")


@dataclass(frozen=True)
class Unshallow:
    """``git fetch --unshallow``."""

    def apply(self, h: History) -> None:
        """Lift the boundary."""
        (h.repo.path / "shallow").unlink(missing_ok=True)


@dataclass(frozen=True)
class Partial:
    """A commit comes without one file's content, as in a clone with ``--filter=blob:none``."""

    path: bytes
    at: int = NOON

    def apply(self, h: History) -> None:
        """Commit, then hide the blob."""
        content = b"partial %d\n" % h.commits
        Commit(((self.path, "100644", content),), at=self.at, message=b"Partial").apply(h)
        name = h.repo.git("hash-object", "--stdin", stdin=content)
        loose = h.repo.path / "objects" / name[:2] / name[2:]
        if loose.exists():
            aside = h.repo.path / f"hidden-{name}"
            loose.rename(aside)
            h.hidden[aside] = loose


@dataclass(frozen=True)
class Fetch:
    """What was missing comes."""

    def apply(self, h: History) -> None:
        """Bring every hidden blob back."""
        with h.fetched():
            h.hidden.clear()


# -- strategies -------------------------------------------------------------------------

PATHS = (
    b"a.py", b"b.py", b"c.py", b"src/app.py", b"src/lib.py", b"README.md",
    "src/größe ü.py".encode(), "日本.txt".encode(), b"tab\there", b"new\nline.txt",
    b"caf\xe9.txt", b'"quoted".txt', b"with => arrow", b" lead", b"back\\slash", b"a.py.d/x",
    b"-dash", b":colon", b"*.glob",
)  # fmt: skip

NOTES = (
    b"# Session\n\n**Started**: 2025-03-01T09:30:00Z\n\n## Goals\n- [x] ship\n- [ ] rest\n",
    b"# Session: More\n**ID**: 20250301-093000\n**Started**: 2025-03-01T09:30:00+05:45\n\n"
    b"## Activity Log\n### 09:35 - Start\n- Key decision: use DuckDB\n- Pattern: append, fold\n",
    b"**Started**: 2025-03-01T23:50:00Z\n\n### 23:55 - Late\n**Decisions:**\n- One\n\n"
    b"### 00:20 - Later\n- Insight: \xc3\xbc\n",
    b"",
    b"no date at all\n",
    b"# Session\n**Started**: 2025-03-01T09:30:00Z\n\n- caf\xe9\n",
    b"# Session\r\n**Started**: 2025-03-01T09:30:00Z\r\n\r\n## Goals\r\n- [ ] crlf\r\n",
)

_EVENT = {
    "event_id": "evt_042",
    "event_type": "decision_made",
    "timestamp": "2025-03-01T12:34:56Z",
    "author": "ann",
    "sequence": 42,
    "payload": {"decision": "Use DuckDB", "rationale": "It is here"},
}


def _event(**changed: object) -> bytes:
    return json.dumps({**_EVENT, **changed}).encode()


EVENT_FILES = (
    _event(),
    _event(event_type="pattern_identified", payload={"pattern_name": "p", "content": "c"}),
    _event(event_type="tea_brewed", payload={"minutes": 4}, event_id="evt_043"),
    _event(timestamp="2025-03-01T14:34:56+02:00", author=None),
    _event(timestamp="1969-12-31T23:59:59Z"),
    _event(timestamp="2031-01-01T00:00:00"),
    _event(payload={"decision": "nul \x00 and \u2028"}),
    _event(payload={"decision": "x", "deep": [{"n": 1.5, "b": True, "none": None}]}),
    _event(payload={"decision": ""}),
    _event(payload=[1]),
    _event(timestamp="yesterday"),
    b"",
    b"{",
    b'{"event_id": "a", "event_id": "b"}',
    b'{"payload": NaN}',
    b"\xff\xfe",
    b"[" * 500,
    b'{"event_id":"\\ud800","event_type":"t","timestamp":"2025-03-01","payload":{}}',
)

MAILMAPS = (
    b"Ann Lee <ann@example.org> <ann@work.example>\n",
    b"Ann <ann@example.org>\nBob <ann@example.org> bob <bob@example.org>\n",
    b"# nothing\n<x@example.org> <ann@example.org>\n",
    b"broken < > line\n",
)

CONFIGS = (
    b"[tool.patina_lab]\nlines = false\n",
    b'[tool.patina_lab]\nsessions = "**/*.md"\n',
    b'[tool.patina_lab]\nmerges = "first-parent"\nunknown = "warn"\n',
    b'[tool.patina_lab]\nsesions = "x"\nlines = 3\n',
    b"[tool.patina_lab\n",
)

AUTHORS = (
    b"ann <ann@example.org>", b"Ann Lee <ann@work.example>", b"bob <bob@example.org>",
    b"J\xe5n <jan@example.org>", "Zoë, \"Z\"; <zoe@example.org>".encode(), b"nomail <>",
    b" <noname@example.org>", b"not an address <nobody at all>",
)  # fmt: skip

MESSAGES = (
    b"Work", b"", b"Fix: \xc3\xbc and \xf0\x9f\x8c\xb1\n\nbody\n", b"latin \xe5\n",
    b"\x01\x02\x1e\n",
    b"commit 1111111111111111111111111111111111111111\n\n:100644 100644 a b M\tx\n1\t2\ta.py\n",
    b"tab\t| pipe\r\ncr\n---\n", b"\n\n leading and trailing \n\n",
)  # fmt: skip

ZONES = ("+0000", "+0000", "+0100", "-0930", "+0545", "+1400", "-0000", "+9959")

TIMES = st.one_of(
    st.integers(-6, 6).map(lambda hours: NOON + hours * HOUR),
    st.sampled_from([NOON, NOON, NOON + 1, 0, 1, 4102444800, 253402300799, 253402300800]),
)

TEXTS = st.one_of(
    st.lists(st.sampled_from([b"one\n", b"two\n", b"three\n", b"\r\n"]), max_size=6).map(b"".join),
    st.sampled_from([b"no newline", b"\0binary\xff", b"x\n" * 40, b"y\n" * 40 + b"z"]),
)


def _changes() -> st.SearchStrategy[tuple[Change, ...]]:
    """Return what one commit does to files."""
    mode = st.sampled_from(["100644", "100644", "100644", "100755", "120000"])
    name = st.sampled_from(["20250301-0930", "20250302-1000", "ü"])
    number = st.sampled_from(["041", "042", "042-b"])
    change = st.one_of(
        st.tuples(st.sampled_from(PATHS[:6]), st.just("100644"), TEXTS),
        st.tuples(st.sampled_from(PATHS), mode, TEXTS),
        st.tuples(st.just(b"sub"), st.just("160000"), st.just(b"1" * 40)),
        st.tuples(
            name.map(lambda n: f"layer/sessions/{n}.md".encode()), mode, st.sampled_from(NOTES)
        ),
        st.tuples(
            number.map(lambda n: f".patina/shared/events/2025-03-01-{n}-x.json".encode()),
            mode,
            st.sampled_from(EVENT_FILES),
        ),
        st.tuples(st.just(b".mailmap"), st.just("100644"), st.sampled_from(MAILMAPS)),
        st.tuples(st.just(b"pyproject.toml"), st.just("100644"), st.sampled_from(CONFIGS)),
        st.tuples(
            st.just(b".gitattributes"), st.just("100644"), st.sampled_from([b"* -diff\n", b"\n"])
        ),
    )
    # One entry a path, and no path below another.
    return st.lists(change, max_size=4).map(
        lambda found: tuple({path: (path, mode, text) for path, mode, text in found}.values())
    )


def commits(times: st.SearchStrategy[int] = TIMES) -> st.SearchStrategy[Commit]:
    """Return commits of every kind: many files or none, odd authors, offsets, messages, dates."""
    return st.builds(
        Commit,
        changes=_changes(),
        author=st.sampled_from(AUTHORS),
        at=times,
        zone=st.sampled_from(ZONES),
        later=st.sampled_from([0, 0, 0, HOUR, -HOUR, 90 * 24 * HOUR]),
        message=st.sampled_from(MESSAGES),
    )


def operations(
    times: st.SearchStrategy[int] = TIMES, *, rewriting: bool = True, damaged: bool = True
) -> st.SearchStrategy[Operation]:
    """Return operations of every kind.

    Parameters
    ----------
    times : strategy
        When things happen, seconds since 1970.
    rewriting : bool
        Amend, rebase, reset, tag and untag too: what makes history vanish.
    damaged : bool
        Shallow boundaries and missing blobs too.
    """
    number = st.integers(0, 5)
    name = st.sampled_from(["main", "topic", "fix", "wip"])
    kinds: list[st.SearchStrategy[Operation]] = [
        *[commits(times)] * 6,
        st.builds(Delete, number, times),
        st.builds(Delete, number, times, st.sampled_from([b"layer/", b".patina/"])),
        st.builds(Rename, number, st.sampled_from([*PATHS, b"layer/sessions/moved.md"]), times),
        st.builds(Branch, name),
        *[st.builds(Side, name, number, commits(times))] * 3,
        st.builds(Switch, number),
        *[st.builds(Merge, st.lists(number, min_size=1, max_size=3).map(tuple), times)] * 2,
        st.builds(Merge, st.tuples(number), times, _changes()),
        st.builds(Revert, number, times),
    ]
    if rewriting:
        kinds += [
            st.builds(Amend, st.sampled_from(MESSAGES), _changes()),
            st.builds(Rebase, number, times),
            st.builds(Reset, number),
            st.builds(Orphan, name, commits(times)),
            st.builds(Tag, st.sampled_from(["v1", "v2", "rel/ü"]), number, st.none() | times),
            st.builds(Untag, number),
            st.just(Repack()),
        ]
    if damaged:
        kinds += [
            st.builds(Shallow, number),
            st.just(Unshallow()),
            st.builds(Partial, st.sampled_from([b"a.py", b"layer/sessions/p.md"]), times),
            st.just(Fetch()),
        ]
    # Not one_of: its repr, which Hypothesis keeps making, is a book.
    return st.integers(0, len(kinds) - 1).flatmap(lambda kind: kinds[kind])


def histories(
    times: st.SearchStrategy[int] = TIMES,
    *,
    min_size: int = 0,
    max_size: int = 8,
    rewriting: bool = True,
    damaged: bool = True,
) -> st.SearchStrategy[list[Operation]]:
    """Return lists of operations that begin with a commit, so that there is something to read."""
    more = operations(times, rewriting=rewriting, damaged=damaged)
    rest = st.lists(more, min_size=min_size, max_size=max_size)
    return st.tuples(commits(times), rest).map(lambda parts: [parts[0], *parts[1]])


def temporary_home() -> contextlib.AbstractContextManager[str]:
    """Give a folder for logs that goes away; for tests that Hypothesis runs many times."""
    return tempfile.TemporaryDirectory(prefix="patina-home-", ignore_cleanup_errors=True)


def environment(home: str | os.PathLike[str]) -> dict[str, str]:
    """Return an environment for a subprocess that keeps its logs in `home`."""
    from notation import isolated

    return isolated(PATINA_HOME=str(home))
