"""The git source: every commit of a history, and the tags that point into it.

The work is git's, done in bulk: ``git diff-tree --stdin`` processes stay alive and are fed
256 commits at a time from one queue.  Ninety per cent of the cost is counting lines, so a
quick pass without counts is offered.  A commit that git cannot diff (a partial clone, a
damaged object) is taken apart step by step: without line counts, with exact renames only,
without files, and what was given up is reported.  Commits in = events out, always.
"""

from __future__ import annotations

import contextlib
import io
import queue
import re
import secrets
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from patina_lab.errors import GitFailed, InvalidOption
from patina_lab.events.event import Event
from patina_lab.events.identity import EPOCH
from patina_lab.sources.git_records import (
    HEADER,
    CommitRecord,
    complete,
    decode_text,
    parse_date,
    payload,
    records,
)
from patina_lab.sources.repository import Objects
from patina_lab.sources.source import Problem

NAME: Final = "git"
VERSION: Final = 2
CHUNK: Final = 256
"""Commits handed to a worker at a time: fewer, and git's object caches go cold."""

MERGES = ("none", "combined", "first-parent")

_PINNED = (
    "diff-tree", "--stdin", "-r", "--root", "-z", "--always", "--no-ext-diff", "--no-textconv",
    "--diff-algorithm=myers", "--no-color", "--no-abbrev", "--date=raw", "--encoding=UTF-8",
    "--ignore-submodules=none", f"--format={HEADER}", "--raw",
)  # fmt: skip
_ALONE = ("--no-commit-header", "--date=raw", "--encoding=UTF-8", f"--format={HEADER}")
_OBJECT = re.compile(r"\b[0-9a-f]{40,64}\b")
_TARGET = re.compile(rb"object ([0-9a-f]+)\ntype (\w+)\n")
_TAGGER = re.compile(rb"^tagger (.*?)<[^>\n]*> ?(.*)$", re.MULTILINE)
# Where git itself takes a signature to begin: gpg-interface.c, parse_signed_buffer.
_SIGNATURE = re.compile(
    rb"^-----BEGIN (?:PGP SIGNATURE|PGP MESSAGE|SIGNED MESSAGE|SSH SIGNATURE)-----", re.MULTILINE
)
_RENAMES = ("-M50%", "-l1000")
_EXACT = ("-M100%", "-l1000")


@dataclass(frozen=True)
class GitSource:
    """Options of the git source.

    Parameters
    ----------
    lines : bool
        Count added and removed lines.  False is several times faster and leaves both NULL.
    merges : {"none", "combined", "first-parent"}
        Files of a merge commit: none (git's own default: what a merge brings is in the
        commits it merges), those that differ from every parent (conflict resolutions;
        without line counts), or all that differ from the first parent (counts the branch
        again).
    jobs : int or None
        Git processes.  Changes the speed, never the result.  None: two, which count lines
        side by side; without counts one, because it answers faster than it is read.
    """

    lines: bool = True
    merges: Literal["none", "combined", "first-parent"] = "none"
    jobs: int | None = None

    def __post_init__(self) -> None:
        if self.merges not in MERGES:
            raise InvalidOption(
                f"merges={self.merges!r} is no policy for merge commits.",
                f"Use one of: {', '.join(MERGES)}.",
            )
        if not isinstance(self.lines, bool):
            raise InvalidOption(f"lines={self.lines!r} is no answer.", "Use True or False.")
        if self.jobs is not None and (not isinstance(self.jobs, int) or self.jobs < 1):
            raise InvalidOption(f"jobs={self.jobs!r} is no number of processes.", "Use 1 or more.")

    def options(self) -> Mapping[str, Any]:
        """Return the options that change what is read."""
        return {"lines": self.lines, "merges": self.merges}

    def commits(
        self,
        objects: Objects,
        shas: Sequence[str],
        *,
        progress: Callable[[int], None] = lambda _: None,
    ) -> Iterator[tuple[Event, Problem | None]]:
        """Yield one event for each of `shas`, in no particular order.

        Parameters
        ----------
        progress : callable
            Called with the number of commits read since the last call.

        Yields
        ------
        (Event, Problem or None)
            A problem says what could not be read of that commit.
        """
        boundary = set(objects.shallow)
        read = 0
        for answer in _answers(self, objects, shas):
            read += len(answer)
            for record, given_up in answer:
                yield _event(record, given_up, self, shallow=record.sha in boundary)
            progress(len(answer))
        if read != len(shas):
            raise GitFailed(
                f"{len(shas):,} commits were asked of git, and {read:,} came back.",
                "Please report it with the output of: patina-lab doctor --json",
            )


@dataclass(frozen=True)
class GivenUp:
    """What a commit had to be read without, and git's reason."""

    what: str
    why: str


Answer = list[tuple[CommitRecord, GivenUp | None]]


def _answers(source: GitSource, objects: Objects, shas: Sequence[str]) -> Iterator[Answer]:
    """Read `shas` with a few persistent git processes; yield chunk by chunk as they finish."""
    chunks: queue.SimpleQueue[Sequence[str]] = queue.SimpleQueue()
    n_chunks = 0
    for start in range(0, len(shas), CHUNK):
        chunks.put(shas[start : start + CHUNK])
        n_chunks += 1
    # Bounded, so that a slow reader holds the workers back and memory stays flat.
    done: queue.Queue[Answer | BaseException] = queue.Queue(maxsize=4)
    stop = threading.Event()

    def work() -> None:
        try:
            with _Reader(source, objects) as reader:
                while not stop.is_set():
                    try:
                        chunk = chunks.get_nowait()
                    except queue.Empty:
                        return
                    done.put(reader.read(chunk))
        except BaseException as err:  # noqa: BLE001 - handed to the thread that asked
            done.put(err)

    jobs = source.jobs or (2 if source.lines else 1)
    threads = [threading.Thread(target=work, daemon=True) for _ in range(min(jobs, n_chunks))]
    for thread in threads:
        thread.start()
    try:
        for _ in range(n_chunks):
            answer = done.get()
            if isinstance(answer, BaseException):
                raise answer
            yield answer
    finally:
        stop.set()
        # A worker may be waiting to hand over an answer that nobody wants any more.
        while any(thread.is_alive() for thread in threads):
            with contextlib.suppress(queue.Empty):
                done.get(timeout=0.05)


class _DiffTree:
    """One ``git diff-tree --stdin`` that stays alive between questions.

    A line that is no object name is echoed and flushed by git: that marks the end of an
    answer.  A process that died is started again at the next question.
    """

    def __init__(self, objects: Objects, *arguments: str) -> None:
        self.objects = objects
        self.arguments = arguments
        self.complaint = ""
        self._counts = "--numstat" in arguments
        self._mark = f"end-{secrets.token_hex(8)}\n".encode()
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, shas: Sequence[str]) -> list[CommitRecord]:
        """Return the records of the longest start of `shas` that git could read."""
        if not shas:
            return []
        text, whole = self._answer(shas)
        read, _ = complete(text, counts=self._counts)
        if not whole:
            self.close()
            # What git wrote of the commit it died on can look like a commit without files.
            read = read[:-1]
        aligned = 0
        while aligned < len(read) and read[aligned].sha == shas[aligned]:
            aligned += 1
        return read[:aligned]

    def _answer(self, shas: Sequence[str]) -> tuple[bytes, bool]:
        """Return what git prints, and whether it came to the mark."""
        if self._process is None:
            self._process = self.objects.process(*self.arguments)
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert isinstance(stdout, io.BufferedReader)
        with contextlib.suppress(BrokenPipeError):
            stdin.write("".join(f"{sha}\n" for sha in shas).encode() + self._mark)
            stdin.flush()
        parts: list[bytes] = []
        tail = b""
        while part := stdout.read1(1 << 20):
            parts.append(part)
            tail = (tail + part)[-len(self._mark) :]
            if tail == self._mark:
                return b"".join(parts)[: -len(self._mark)], True
        return b"".join(parts), False

    def close(self) -> None:
        """End the process and keep the last line of what it complained about."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()  # type: ignore[union-attr]
        process.stdout.close()  # type: ignore[union-attr]
        with process.stderr as stderr:  # type: ignore[union-attr]
            lines = stderr.read().decode("utf-8", "backslashreplace").strip().splitlines()
        process.wait()
        if lines:
            self.complaint = lines[-1].removeprefix("fatal: ")


class _Reader:
    """What one worker thread holds: the git processes that together read any commit."""

    def __init__(self, source: GitSource, objects: Objects) -> None:
        counts = ("--numstat",) if source.lines else ()
        merges = ("--diff-merges=first-parent",) if source.merges == "first-parent" else ()
        self.objects = objects
        self.whole = _DiffTree(objects, *_PINNED, *counts, *_RENAMES, *merges)
        # In this order something more is given up at each step.
        self.lesser = [
            (_DiffTree(objects, *_PINNED, *_RENAMES, *merges), "line counts"),
            (_DiffTree(objects, *_PINNED, *_EXACT, *merges), "line counts and inexact renames"),
            (_DiffTree(objects, *_PINNED, "--no-renames", *merges), "line counts and renames"),
        ]
        self.combined = (
            _DiffTree(objects, *_PINNED, "-c", "--no-renames")
            if source.merges == "combined"
            else None
        )

    def __enter__(self) -> _Reader:
        return self

    def __exit__(self, *exc: object) -> None:
        for process in (self.whole, *(p for p, _ in self.lesser), self.combined):
            if process is not None:
                process.close()

    def read(self, shas: Sequence[str]) -> Answer:
        """Return a record for every one of `shas`, with as little given up as possible."""
        answer: Answer = []
        waiting = list(shas)
        doubtful: dict[str, tuple[CommitRecord, GivenUp]] | None = None
        while waiting:
            if doubtful and waiting[0] in doubtful:
                answer.append(doubtful[waiting.pop(0)])
                continue
            ready = 1
            while doubtful and ready < len(waiting) and waiting[ready] not in doubtful:
                ready += 1
            asked = waiting[: ready if doubtful is not None else None]
            read = self.whole.ask(asked)
            answer.extend((record, None) for record in read)
            waiting = waiting[len(read) :]
            if len(read) == len(asked):
                continue
            if doubtful is None:
                doubtful = self._without_objects(waiting)
            elif waiting[0] not in doubtful:
                answer.append(self._lesser(waiting.pop(0)))
        if self.combined is not None:
            self._combine(answer, self.combined)
        return answer

    def _without_objects(self, shas: Sequence[str]) -> dict[str, tuple[CommitRecord, GivenUp]]:
        """Find the commits among `shas` whose line counts need objects that are not here.

        In a clone made with ``--filter=blob:none`` that is nearly all of them, so they are
        found in bulk, by their entries without counts, and not one death of git at a time.
        """
        entries, what = self.lesser[0]
        records = entries.ask(shas)
        blobs = sorted({blob.decode() for r in records for blob in r.blobs if set(blob) != {48}})
        missing = set(blobs) - self.objects.present(blobs)
        found = {}
        for record in records:
            for blob in record.blobs:
                if blob.decode() in missing:
                    why = f"object {blob.decode()} is not here"
                    found[record.sha] = (record, GivenUp(what, why))
                    break
        return found

    def _lesser(self, sha: str) -> tuple[CommitRecord, GivenUp | None]:
        """Read one commit that stops git, giving up as little as possible."""
        if read := self.whole.ask([sha]):
            return read[0], None
        why = self.whole.complaint or "git gave no answer"
        for process, what in self.lesser:
            if read := process.ask([sha]):
                return read[0], GivenUp(what, why)
        # diff-tree reads the tree even where it prints no file; rev-list reads the commit only.
        out = self.objects.run("rev-list", "--no-walk", *_ALONE, sha)
        (record,) = records(out.removesuffix(b"\n") + b"\0", counts=False)
        return record, GivenUp("all files", why)

    @staticmethod
    def _combine(answer: Answer, combined: _DiffTree) -> None:
        """Give merge commits the files that differ from all their parents."""
        merges = [at for at, (record, _) in enumerate(answer) if len(record.parents) > 1]
        while merges:
            read = combined.ask([answer[at][0].sha for at in merges])
            for at, with_files in zip(merges, read, strict=False):
                answer[at][0].files = with_files.files
            if not read:
                why = combined.complaint or "git gave no answer"
                answer[merges[0]] = (answer[merges[0]][0], GivenUp("all files", why))
            merges = merges[max(len(read), 1) :]


def _event(
    record: CommitRecord, given_up: GivenUp | None, source: GitSource, *, shallow: bool
) -> tuple[Event, Problem | None]:
    """Make the event of a commit, and say what is not whole about it."""
    data = payload(record)
    problem: Problem | None = None
    if given_up is not None:
        data["missing"] = given_up.what
        named = _OBJECT.search(given_up.why)
        problem = Problem(
            NAME,
            "missing object",
            f"Read without {given_up.what}: {given_up.why}.",
            record.sha,
            object_id=named[0] if named else None,
        )
    elif not source.lines:
        data["missing"] = "line counts"
    if shallow:
        # Its parents are not here, so git shows every file as new; that is not what it did.
        data["files"] = []
        data["missing"] = "all files"
        problem = Problem(
            NAME,
            "shallow boundary",
            "Its parents are not in this shallow clone, so its changes are unknown; "
            "get them with: git fetch --unshallow",
            record.sha,
        )
    when, bad_date = _dates(record, data)
    if bad_date is not None and problem is None:
        problem = bad_date
    event = Event("git.commit", when, record.sha, data, actor=data["author"], plain=True)
    return event, problem


def _dates(record: CommitRecord, data: dict[str, Any]) -> tuple[datetime, Problem | None]:
    """Put both dates into the payload; return the instant of the event.

    The event happened when its author says so.  Where that is no date, the committer's is
    taken, and then 1970, and it is reported.
    """
    authored = committed = parse_date(record.author_date)
    if record.committer_date != record.author_date:
        committed = parse_date(record.committer_date)
    data["author_date"] = authored[1] if authored else None
    data["committer_date"] = committed[1] if committed else None
    if authored and committed:
        return authored[0], None
    when = authored or committed
    which, raw = (
        ("committer", record.committer_date) if authored else ("author", record.author_date)
    )
    written = raw.partition(b" ")[0].decode("utf-8", "backslashreplace")
    problem = Problem(
        NAME,
        "unreadable date",
        (
            f"The {which} date {written} is beyond the year 9999"
            if written
            else f"git finds no {which} date (none, malformed, or before 1970)"
        )
        + f"; placed at {when[1] if when else EPOCH.isoformat()}.",
        record.sha,
    )
    return (when[0] if when else EPOCH), problem


def tags(objects: Objects, history: Iterable[str]) -> Iterator[Event | Problem]:
    """Yield a ``git.tag`` event for each tag that leads to a commit of `history`.

    The tag's own date is used where it has one (annotated tags), else its commit's.
    """
    reachable = set(history)
    listed = objects.repository.tags()
    peeled = _peel(objects, [oid for _, oid in listed])
    contents = dict(_tag_objects(objects, [oid for _, oid in listed]))
    dates = _commit_dates(objects, [sha for sha in peeled.values() if sha in reachable])
    for name, oid in listed:
        commit = peeled.get(oid)
        if commit is None:
            target = _TARGET.match(contents.get(oid, b""))
            if target is not None and target[2] in (b"commit", b"tag"):
                why = f"The tag {name} leads to {target[1].decode()}, which is not here."
                yield Problem(NAME, "broken tag", why)
            continue
        if commit not in reachable:
            continue
        data: dict[str, Any] = {
            "name": name,
            "sha": commit,
            "object": oid,
            "annotated": oid in contents,
            "tagger": None,
            "date": dates[commit][1],
            "message": None,
        }
        when = dates[commit][0]
        if oid in contents:
            when = _annotation(contents[oid], data) or when
        yield Event("git.tag", when, name, data, actor=data["tagger"], plain=True)


def _tag_objects(objects: Objects, oids: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Yield the content of those of `oids` that are tag objects; the others are commits."""
    asked = "".join(f"{oid}\n" for oid in oids).encode()
    out = objects.run("cat-file", "--batch-check=%(objectname) %(objecttype)", stdin=asked)
    kinds = [line.split(" ") for line in out.decode().splitlines()]
    annotated = [oid for oid, kind in kinds if kind == "tag"]
    for oid, content in objects.blobs(annotated):
        if content is not None:
            yield oid, content


def _annotation(content: bytes, data: dict[str, Any]) -> datetime | None:
    """Put what a tag object says into the payload; return its date, if it has one."""
    header, _, message = content.partition(b"\n\n")
    begins = [found.start() for found in _SIGNATURE.finditer(message)]
    if begins:
        message, signature = message[: begins[-1]], message[begins[-1] :]
        data["signature"] = decode_text(signature.strip(b"\n"))[0]
    data["message"], body_escaped = decode_text(message.strip(b"\n"))
    tagger = _TAGGER.search(header)
    name, escaped = decode_text(tagger[1].strip() if tagger else b"")
    data["tagger"] = name or None
    if escaped or body_escaped:
        data["escaped"] = ["tagger"] * escaped + ["message"] * body_escaped
    own = parse_date(tagger[2]) if tagger else None
    if own is None:
        return None
    when, data["date"] = own
    return when


def _peel(objects: Objects, oids: Sequence[str]) -> dict[str, str]:
    """Follow tag objects, nested ones too, to the commit they lead to."""
    if not oids:
        return {}
    asked = "".join(f"{oid}^{{commit}}\n" for oid in oids).encode()
    out = objects.run("cat-file", "--batch-check=%(objectname)", stdin=asked).decode()
    lines = out.splitlines()
    return {oid: line for oid, line in zip(oids, lines, strict=True) if " " not in line}


def _commit_dates(objects: Objects, commits: Sequence[str]) -> dict[str, tuple[datetime, str]]:
    """Return the author date of each commit, as the commit's own event has it."""
    dates: dict[str, tuple[datetime, str]] = {}
    if not commits:
        return dates
    wanted = "".join(f"{sha}\n" for sha in dict.fromkeys(commits)).encode()
    out = objects.run(
        "rev-list", "--stdin", "--no-walk=unsorted", "--no-commit-header", "--date=raw",
        "--format=%H%x00%ad%x00%cd", stdin=wanted,
    )  # fmt: skip
    for line in out.splitlines():
        sha, authored, committed = line.split(b"\0")
        when = parse_date(authored) or parse_date(committed)
        dates[sha.decode()] = when or (EPOCH, EPOCH.isoformat())
    return dates
