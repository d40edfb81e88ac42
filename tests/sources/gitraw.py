"""A small builder of git repositories out of raw objects, also of those git would not write.

Loose objects are written by hand: no check, hook, clock or configuration has a say, the same
call gives the same sha on every machine, and a whole history costs milliseconds.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import zlib
from datetime import datetime
from pathlib import Path

from patina_lab.sources.git import GitSource
from patina_lab.sources.repository import Objects, open_repository

ANN = b"Ann <ann@x.org>"
START = 1_740_000_000  # 2025-02-19T21:20:00Z

FILE, PROGRAM, SYMLINK, SUBMODULE = b"100644", b"100755", b"120000", b"160000"


def clean_environment(**extra):
    """Return an environment in which git knows neither a user nor a configuration."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    env.update(GIT_CONFIG_GLOBAL=os.devnull, GIT_CONFIG_NOSYSTEM="1", LC_ALL="C", **extra)
    return env


def git(place, *args, stdin=None, env=None, check=True):
    """Run git in a folder; return the bytes that it printed."""
    done = subprocess.run(
        ["git", "-C", os.fspath(place), *args],
        input=stdin,
        capture_output=True,
        env=env or clean_environment(),
        check=False,
    )
    if check and done.returncode:
        raise AssertionError(f"git {args}: {done.stderr.decode(errors='replace')}")
    return done.stdout


def _bytes(value):
    return value.encode() if isinstance(value, str) else value


class RawRepo:
    """A repository that grows by raw objects; each commit has the last one as parent."""

    def __init__(self, path, *, bare=False, object_format="sha1"):
        self.path = Path(path)
        self.path.mkdir(parents=True, exist_ok=True)
        options = ["--bare"] if bare else []
        git(path, "init", "-q", "-b", "main", f"--object-format={object_format}", *options)
        self.git_dir = self.path if bare else self.path / ".git"
        self.algorithm = object_format
        self.tip = None
        self.clock = START

    def write(self, kind, content):
        """Write a loose object of any content; return its name."""
        whole = b"%s %d\0" % (kind.encode(), len(content)) + content
        oid = hashlib.new(self.algorithm, whole, usedforsecurity=False).hexdigest()
        place = self.git_dir / "objects" / oid[:2] / oid[2:]
        if not place.exists():
            place.parent.mkdir(exist_ok=True)
            place.write_bytes(zlib.compress(whole, 1))
        return oid

    def loose(self, oid):
        """Return the file of a loose object."""
        return self.git_dir / "objects" / oid[:2] / oid[2:]

    def tree(self, files):
        """Write a tree from path -> content, or path -> (mode, content or object name)."""
        entries, folders = [], {}
        for path, value in files.items():
            first, slash, rest = _bytes(path).partition(b"/")
            if slash:
                folders.setdefault(first, {})[rest] = value
                continue
            mode, content = value if isinstance(value, tuple) else (FILE, value)
            oid = content if mode == SUBMODULE else self.write("blob", _bytes(content))
            entries.append((first, mode, oid))
        entries += [(name, b"40000", self.tree(inside)) for name, inside in folders.items()]
        # git sorts a folder as if its name ended in a slash.
        entries.sort(key=lambda e: e[0] + (b"/" if e[1] == b"40000" else b""))
        return self.write(
            "tree", b"".join(b"%s %s\0" % (m, n) + bytes.fromhex(oid) for n, m, oid in entries)
        )

    def commit(
        self,
        files,
        message="change",
        *,
        parents=None,
        author=ANN,
        date=None,
        committer=None,
        headers=b"",
        raw=None,
        tree=None,
        ref="refs/heads/main",
    ):
        """Write a commit with exactly these files; return its sha.

        ``author`` and ``committer`` are ``Name <email>``; ``date`` is ``<epoch> <offset>``,
        by default a minute after the last.  ``raw`` stands for everything after the parents.
        """
        self.clock += 60
        date = f"{self.clock} +0000" if date is None else date
        if parents is None:
            parents = [self.tip] if self.tip else []
        text = b"tree %s\n" % (tree or self.tree(files)).encode()
        text += b"".join(b"parent %s\n" % p.encode() for p in parents)
        if raw is None:
            wrote = _bytes(author) + b" " + _bytes(date)
            put = wrote if committer is None else _bytes(committer)
            raw = b"author %s\ncommitter %s\n%s\n%s" % (wrote, put, headers, _bytes(message))
        self.tip = self.write("commit", text + raw)
        if ref:
            self.ref(ref, self.tip)
        return self.tip

    def ref(self, name, oid):
        """Point a ref at an object."""
        place = self.git_dir / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(oid + "\n")

    def tag(self, name, target, message="tagged", *, kind="commit", tagger=ANN, date=None):
        """Write an annotated tag and its ref; return the tag object's name."""
        self.clock += 60
        who = (
            b""
            if tagger is None
            else b"tagger %s %s\n"
            % (
                _bytes(tagger),
                _bytes(date or f"{self.clock} +0000"),
            )
        )
        oid = self.write(
            "tag",
            b"object %s\ntype %s\ntag %s\n%s\n%s"
            % (target.encode(), kind.encode(), name.encode(), who, _bytes(message)),
        )
        self.ref(f"refs/tags/{name}", oid)
        return oid

    def git(self, *args, **options):
        """Run git in the repository."""
        return git(self.path, *args, **options)


def load(place, *, at="HEAD", **options):
    """Read the history of a repository; return sha -> event, and sha -> problem."""
    repository = open_repository(place)
    events, problems = {}, {}
    with Objects(repository) as objects:
        shas = objects.history(repository.resolve(at))
        for event, problem in GitSource(**options).commits(objects, shas):
            assert event.source_id not in events
            events[event.source_id] = event
            if problem is not None:
                problems[event.source_id] = problem
    assert set(shas) == set(events)
    return events, problems


def tip(place, **options):
    """Return the payload of HEAD's commit, and its problem or None."""
    repository = open_repository(place)
    sha = repository.resolve("HEAD")
    with Objects(repository) as objects:
        ((event, problem),) = GitSource(jobs=1, **options).commits(objects, [sha])
    return event.data, problem


def files(data):
    """Write a commit's files as ``M a.py +1 -0``, one a line."""
    told = []
    for row in data["files"]:
        old = f"{row['old_path']} -> " if "old_path" in row else ""
        counts = f"+{row['lines_added']} -{row['lines_removed']}"
        mark = "".join(f" {row[k]}" for k in ("similarity", "kind") if k in row)
        told.append(f"{row['change']} {old}{row['path']} {counts}{mark}")
    return told


def clone(source, target, *options):
    """Clone through the file protocol, so that filters and depths hold."""
    git(
        Path(target).parent,
        *("-c", "protocol.file.allow=always"),
        *("clone", "-q", *options, f"file://{Path(source).resolve()}", os.fspath(target)),
    )
    return Path(target)


def move_away(path):
    """Make a repository unreachable; return where it went."""
    away = Path(f"{path}.away")
    shutil.move(path, away)
    return away


NOTE = """\
# Session: dry the beans
**ID**: 20250306-090000
**Started**: 2025-03-06T14:00:00Z

## Goals
- [ ] find the damp shelf
- [x] label the jars

## Activity Log
### 09:30 - Decision
- Move the beans upstairs because it is dry there
"""


def event_file(event_type, timestamp, author, event_id, **payload):
    """Return the text of an event file."""
    value = {"event_id": event_id, "event_type": event_type, "timestamp": timestamp}
    return json.dumps({**value, "author": author, "payload": payload})


def seed_library(place):
    """Build a small project that has a bit of everything; return it and name -> sha.

    Dates on purpose out of order: ``side`` was done in February on a branch and merged in
    March, after ``quoted``.
    """
    repo = RawRepo(place)
    events = ".patina/shared/events"
    tree = {"src/a.py": "a\n", "src/b.py": "b\n", ".mailmap": "Ann <ann@x.org> <ann@old.org>\n"}
    sha = {}

    def commit(name, change, who, when, **options):
        tree.update(change)
        moment = datetime.fromisoformat(when)
        date = f"{int(moment.timestamp())} {moment:%z}"
        sha[name] = repo.commit(tree, name, author=who, date=date, **options)

    commit("first", {}, "Ann <ann@x.org>", "2025-03-01T12:00:00+00:00")
    alone = {"lib/old.py": "o\n" * 4}
    when = int(datetime.fromisoformat("2025-02-20T08:00:00+00:00").timestamp())
    sha["side"] = repo.commit(
        {**tree, **alone}, "side", author="Bob <bob@x.org>", date=f"{when} +0000", ref=None
    )
    repo.tip = sha["first"]
    commit("alias", {"src/a.py": "a\na2\n"}, "annie <ann@old.org>", "2025-03-02T23:59:59+00:00")
    odd = {"pages/[id].md": "i\n", "it's.md": "q\n", "new\nline.md": "n\n", "50%_off.md": "%\n"}
    commit("quoted", odd, "O'Brien, \"Pat\" <o'b@x.org>", "2025-03-03T00:00:00+00:00")
    repo.ref("refs/tags/v1", repo.tip)
    parents = [repo.tip, sha["side"]]
    commit("merge", alone, "Ann <ann@x.org>", "2025-03-05T10:00:00-05:00", parents=parents)
    bots = {"src/a.py": "a\na3\n", "src/b.py": "b\nb2\n", "bean.png": b"\0\1"}
    commit("bot", bots, "dependabot[bot] <bot@x.org>", "2025-03-06T09:00:00+00:00")
    notes = {
        f"{events}/2025-03-04-001-decision.json": event_file(
            "decision_made", "2025-03-04T12:00:00Z", "ann", "evt_001", decision="Dry the beans"
        ),
        f"{events}/2025-03-10-002-observation.json": event_file(
            "observation_captured", "2025-03-10T00:30:00+01:00", "bob", "evt_002", content="Damp!"
        ),
        f"{events}/2025-03-11-003-tea.json": event_file(
            "tea_brewed", "2025-03-11T08:00:00Z", None, "evt_003", minutes=4
        ),
        f"{events}/broken.json": "{",
        "layer/sessions/20250306-090000.md": NOTE,
    }
    commit("notes", notes, "Ann <ann@x.org>", "2025-03-12T12:00:00+05:45")
    repo.tag("v2", repo.tip, "second", tagger="Ann <ann@x.org>", date="1741780800 +0000")
    return repo, sha
