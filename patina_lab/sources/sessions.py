"""Session notes: markdown files in which people and language models log their work.

::

    session.started       id title branch goals ... when and where it began
    session.context       what the session before left
    session.goal          content completed
    session.decision      content
    session.observation   content type (pattern challenge insight discussion note)
    session.work          content
    session.activity      whatever else the note says, so that nothing is lost
    session.prompt        content number
    session.ended         work_type files_changed commits ...

Each item also says where it stands (``section``, ``label``, ``block``, ``ordinal``,
``depth``, ``parent``, ``form``, ``line_start``, ``line_end``) and what is known of its
time (``time_text``, ``approximate``, ``time_source``).  What stands nested below an item
tells more about it and is no further decision, pattern …: it is a ``session.activity``
with the `ordinal` of its ``parent`` and what it is a ``detail_of``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import Any

from patina_lab.errors import InvalidOption
from patina_lab.events.event import Event
from patina_lab.sources import session_strict
from patina_lab.sources.session_coverage import KINDS, present
from patina_lab.sources.session_grammar import Block, Item, read_items
from patina_lab.sources.session_header import Header, read_header
from patina_lab.sources.source import Coverage, Problem, SourceFile

MODES = ("full", "strict")
OBSERVATIONS = ("pattern", "challenge", "insight", "discussion", "note")

PAST_MIDNIGHT = 6 * 60
"""Minutes that a block's time must lie before the last one's to be of the next day."""

_TYPES = {"end": "ended", **dict.fromkeys(OBSERVATIONS, "observation")}
_INTEGERS = {
    "files changed": "files_changed",
    "commits": "commits",
    "patterns modified": "patterns_modified",
    "beliefs captured": "beliefs_captured",
}
_TEXTS = {"work type": "work_type", "session tags": "session_tags"}
_LAST_DAY = datetime(2300, 1, 1, tzinfo=UTC)  # far from the end of the calendar
_BELIEFS = re.compile(r"^##+ Beliefs Captured: *([0-9]{1,9})", re.MULTILINE)


class SessionSource:
    """Reads session notes.

    Parameters
    ----------
    glob : str or list of str
        Which files, by path inside the repository; ``*`` stays within a folder, ``**``
        does not.
    mode : {"full", "strict"}
        ``"full"`` reads all that a note says.  ``"strict"`` reads it as an earlier scraper
        did (`patina_lab.sources.session_strict`), to compare with logs made by that.

    Raises
    ------
    InvalidOption
        For another mode, or a glob that is no text.
    """

    name = "sessions"
    version = 1

    def __init__(self, glob: str | list[str] = "layer/sessions/*.md", mode: str = "full") -> None:
        if mode not in MODES:
            raise InvalidOption(f"There is no mode {mode!r} of sessions.", "Use full or strict.")
        globs = [glob] if isinstance(glob, str) else glob
        if not isinstance(globs, Sequence) or not all(isinstance(one, str) for one in globs):
            raise InvalidOption(f"The glob {glob!r} of sessions is no text.", "Use layer/*.md.")
        self._globs = list(globs)
        self._mode = mode
        self._path = re.compile("|".join(map(_glob_pattern, self._globs)) or r"(?!)", re.DOTALL)

    def options(self) -> Mapping[str, Any]:
        """Return the options that change what is read."""
        return {"glob": list(self._globs), "mode": self._mode}

    def wants(self, path: str) -> bool:
        """Whether a glob matches `path`."""
        return self._path.fullmatch(path) is not None

    def read(self, file: SourceFile) -> Iterator[Event | Problem | Coverage]:
        """Yield the events of one note, its problems, and what share of it was found."""
        problem = _Problems(self.name, file.path)
        if file.is_symlink:
            yield problem("symbolic link", "A link is not followed; commit the note itself.")
            return
        try:
            text = file.content.decode()
        except UnicodeDecodeError as err:
            text = file.content.decode(errors="backslashreplace")
            detail = f"The byte 0x{file.content[err.start]:02x} is not UTF-8; save it as UTF-8."
            yield problem("not UTF-8", detail, file.content.count(b"\n", 0, err.start) + 1)
        text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
        if not text.strip():
            yield problem("empty file", "The note holds no text; write it or remove it.")
            return
        lines = text.split("\n")
        # A path may hold bytes that are no text; an id must be text.
        stem = PurePosixPath(file.path).stem.encode(errors="backslashreplace").decode()
        header = read_header(lines, stem)
        for reason, detail, line in header.problems:
            yield problem(reason, detail, line)
        if header.start is None:
            detail = "No start and no date was found; add **Started**: 2025-03-01T09:30:00Z."
            yield problem("no start time", detail, 1)
            return
        note = _Note(file.path, stem, text, lines, header, header.start)
        extracted = yield from (note.full() if self._mode == "full" else note.strict())
        counted = present(text)
        for kind, name in KINDS.items():
            if counted[name] or extracted[kind]:
                yield Coverage(name, counted[name], extracted[kind])


class _Problems:
    def __init__(self, source: str, path: str) -> None:
        self.source, self.path = source, path

    def __call__(self, reason: str, detail: str, line: int | None = None) -> Problem:
        return Problem(self.source, reason, detail, source_file=self.path, line=line)


class _Note:
    """One note on its way to events."""

    def __init__(
        self,
        path: str,
        stem: str,
        text: str,
        lines: Sequence[str],
        header: Header,
        start: datetime,
    ) -> None:
        self.path, self.text, self.lines = path, text, lines
        self.header, self.start = header, start
        self.stem = stem
        self.session = header.fields.get("id") or stem

    def event(self, kind: str, when: datetime, data: dict[str, Any]) -> Event:
        return Event(f"session.{kind}", when, self.session, data, self.path, plain=True)

    def full(self) -> Generator[Event, None, Counter[str]]:
        """Yield all that the note says; return the number of items by kind."""
        items, blocks = read_items(self.lines, self.header.lines)
        goals = [item.content for item in items if item.kind == "goal" and item.depth == 0]
        yield self.event("started", self.start, self.started(goals))
        times = instants(blocks, self.header, self.start)
        found: Counter[str] = Counter()
        for item in items:
            when, time_source = times[item.block.ordinal]
            kind = _kind(item)
            data = {**self.place(item, time_source), **self.says(item, kind)}
            yield self.event(_TYPES.get(kind, kind), when, data)
            # Text that goes on below a list item is no item of its own to a reader.
            if item.depth == 0 or item.form in ("bullet", "number"):
                found[kind] += 1
        return found

    def strict(self) -> Generator[Event, None, Counter[str]]:
        """Yield what the earlier scraper found; return the number of items by kind."""
        session, self.session = self.session, self.stem
        goals = session_strict.goals(self.text)
        data = self.started([content for content, _ in goals])
        yield self.event("started", self.start, {**data, "id": self.stem, "header_id": session})
        found: Counter[str] = Counter()
        items = [("goal", content, {"completed": done}) for content, done in goals]
        items += [(kind, content, {}) for kind, content in session_strict.items(self.text)]
        for ordinal, (kind, content, more) in enumerate(items, start=1):
            found[kind] += 1
            data = {"session_id": self.stem, "content": content, "ordinal": ordinal, **more}
            if kind in OBSERVATIONS:
                kind, data["type"] = "observation", kind
            yield self.event(kind, self.start, data)
        if ending := session_strict.ending(self.text):
            data = {"session_id": self.stem, "ordinal": len(items) + 1, "work_type": None}
            data.update(files_changed=None, commits=None)
            for key, value in ending.items():
                data[key] = value if key == "work_type" else int(value)
            yield self.event("ended", self.start, data)
        return found

    def started(self, goals: list[str]) -> dict[str, Any]:
        """Return the payload of ``session.started``."""
        header, fields = self.header, self.header.fields
        offset = header.offset
        return {
            "id": self.session,
            "title": fields.get("title", self.stem),
            "branch": fields.get("branch"),
            "goals": goals,
            "started": fields.get("started"),
            "start_timestamp": header.start_timestamp,
            "utc_offset_minutes": None if offset is None else offset // timedelta(minutes=1),
            "time_source": header.time_source,
            "llm": fields.get("llm"),
            "starting_commit": fields.get("starting_commit"),
            "session_tag": fields.get("session_tag"),
            "status": fields.get("status"),
            "dev_environment": fields.get("dev_environment"),
            "era": header.era,
            "extra": header.extra,
            "ordinal": 0,
            "line_start": 1,
            "line_end": max(header.lines, default=0) + 1,
        }

    def place(self, item: Item, time_source: str) -> dict[str, Any]:
        """Return where in the note an item stands, and what its time rests on."""
        block = item.block
        return {
            "session_id": self.session,
            "time_text": block.time_text,
            "time_source": time_source,
            "approximate": block.approximate,
            "section": item.section,
            "label": item.label,
            "block": block.ordinal,
            "ordinal": item.ordinal,
            "depth": item.depth,
            "parent": item.parent.ordinal if item.parent is not None else None,
            "form": item.form,
            "line_start": item.line_start,
            "line_end": item.line_end,
        }

    def says(self, item: Item, kind: str) -> dict[str, Any]:
        """Return the content of an item, with what only its kind has."""
        content = item.content
        match kind:
            case "end":
                return self.ended(item)
            case "goal":
                return {"content": content, "completed": item.completed}
            case "prompt":
                quoted = len(content) > 1 and content[0] == content[-1] == "`"
                return {"content": content[1:-1] if quoted else content, "number": item.number}
            case "note":
                branch, sha = item.block.commit or (None, None)
                return {"content": content, "type": "note", "branch": branch, "sha": sha}
            case "activity" if item.depth:
                return {"content": content, "detail_of": item.kind}
            case _ if kind in OBSERVATIONS:
                return {"content": content, "type": kind}
        return {"content": content}

    def ended(self, item: Item) -> dict[str, Any]:
        """Return the classification: known fields as values, and all of them as written."""
        data: dict[str, Any] = dict.fromkeys([*_TEXTS.values(), *_INTEGERS.values()])
        if match := _BELIEFS.search(self.text):
            data["beliefs_captured"] = int(match.group(1))
        for name, value in item.fields:
            key = name.strip().lower()
            if key in _TEXTS:
                data[_TEXTS[key]] = value
            elif key in _INTEGERS and (match := re.match(r"[0-9]{1,9}\b", value)):
                data[_INTEGERS[key]] = int(match.group())
        data["fields"] = [{"name": name, "value": value} for name, value in item.fields]
        return data


def _kind(item: Item) -> str:
    # A nested goal with a box is a goal still: it can be ticked off.
    stands_alone = item.depth == 0 or item.completed is not None
    return item.kind if stands_alone else "activity"


def instants(
    blocks: Sequence[Block], header: Header, start: datetime
) -> list[tuple[datetime, str]]:
    """Return the instant of each block, and what it rests on.

    Notes
    -----
    Block times are local and have no date.  A time that lies hours before the last one is
    of the next day; one that lies a little before it was noted late.  What has no time of
    its own was written after the latest time above it (``"last block"``), or, before any,
    is given the start.
    """
    latest, found = None, []
    day, offset = start, header.offset
    if offset is not None:
        local = start + offset
        day = start - timedelta(
            hours=local.hour,
            minutes=local.minute,
            seconds=local.second,
            microseconds=local.microsecond,
        )
        last = local.hour * 60 + local.minute
    for block in blocks:
        if block.minutes is None or offset is None:
            found.append((latest, "last block") if latest else (start, "start"))
            continue
        if block.minutes < last - PAST_MIDNIGHT:
            day = min(day + timedelta(days=1), _LAST_DAY)
        last = block.minutes
        when = day + timedelta(minutes=last)
        if start - timedelta(minutes=1) < when < start:
            when = start  # the same minute: nothing happens before the session starts
        latest = max(latest or when, when)
        found.append((when, "block"))
    return found


def _glob_pattern(glob: str) -> str:
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    tokens = re.findall(r"\*\*/|\*\*|\*|\?|[^*?]+", glob)
    return "".join(parts.get(token) or re.escape(token) for token in tokens)
