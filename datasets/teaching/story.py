"""Read the story's notation into values.

A chapter (``story/*.story``) opens with prose, which is for people, and then holds blocks::

    === label | 2025-01-06 09:12 +0100 | maren | branch dates | merge weigh | …
    Subject of the commit

    Body of the commit.

    --- write docs/api.md
    +# The desk
    --- edit seedpost/api.py
     a line that stays
    -a line that goes
    +a line that comes
    @@
    +…the next place in the same file

    === tag v0.1.0 | label | 2025-01-31 17:00 +0100 | maren
    Message; a tag without date and person is a lightweight one.

``README.md`` beside this file lists the verbs.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
OPTIONS = ("branch", "from", "merge", "revert", "committed")


class StoryError(Exception):
    """The story cannot be told as it is written."""


@dataclass(frozen=True)
class Step:
    """One change of a commit: a verb, what it is done to, and the lines below it."""

    verb: str
    target: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Commit:
    """One commit, as told: who and when, and what changes against its first parent."""

    label: str
    when: datetime
    who: str
    message: str
    steps: tuple[Step, ...]
    options: dict[str, str]
    place: str


@dataclass(frozen=True)
class Tag:
    """A tag on a commit; without `who` a lightweight one."""

    name: str
    label: str
    message: str
    when: datetime | None
    who: str | None
    place: str


@dataclass(frozen=True)
class Person:
    """A name and an address; one human may have several (``.mailmap`` joins them)."""

    name: str
    email: str


def read(folder: Path = HERE) -> list[Commit | Tag]:
    """Return the blocks of all chapters, in the order in which they are told."""
    blocks: list[Commit | Tag] = []
    for chapter in sorted((folder / "story").glob("*.story")):
        blocks += parse(chapter.read_text(encoding="utf-8"), chapter.name)
    return blocks


@functools.cache
def people(folder: Path = HERE) -> dict[str, Person]:
    """Return who takes part, by the handle that the chapters use."""
    table = tomllib.loads((folder / "people.toml").read_text(encoding="utf-8"))
    return {handle: Person(**entry) for handle, entry in table.items()}


@functools.cache
def events(folder: Path = HERE) -> dict[str, dict[str, Any]]:
    """Return the events by the key that ``--- event KEY`` uses, such as ``042-pattern``."""
    table: dict[str, dict[str, Any]] = tomllib.loads(
        (folder / "events.toml").read_text(encoding="utf-8")
    )
    return table


def parse(text: str, name: str) -> Iterator[Commit | Tag]:
    """Yield the blocks of one chapter; what stands before the first is prose."""
    header, place, body = "", "", list[str]()
    for number, line in enumerate([*text.splitlines(), "=== "], start=1):
        if not line.startswith("=== "):
            body.append(line)
            continue
        if header:
            yield _block(header, body, place)
        header, place, body = line[4:], f"{name}:{number}", []


def _block(header: str, body: list[str], place: str) -> Commit | Tag:
    fields = [field.strip() for field in header.split("|")]
    message, steps = _split(body, place)
    if fields[0].startswith("tag "):
        tag, label, *signed = fields[0].removeprefix("tag "), *fields[1:]
        when, who = (instant(signed[0], place), signed[1]) if signed else (None, None)
        return Tag(tag, label, message, when, who, place)
    if len(fields) < 3:
        raise StoryError(f"{place}: a block begins '=== label | date time offset | who'")
    options = dict(field.partition(" ")[::2] for field in fields[3:])
    if unknown := options.keys() - set(OPTIONS):
        raise StoryError(f"{place}: unknown option {unknown}; known: {', '.join(OPTIONS)}")
    when = instant(fields[1], place)
    return Commit(fields[0], when, fields[2], message, tuple(steps), options, place)


def _split(body: list[str], place: str) -> tuple[str, list[Step]]:
    """Part a block into its message and its steps."""
    message, steps = list[str](), list[tuple[str, list[str]]]()
    for line in body:
        if line.startswith("--- "):
            steps.append((line[4:], []))
        elif steps:
            steps[-1][1].append(line)
        else:
            message.append(line)
    for head, lines in steps:
        while lines and not lines[-1]:  # blank lines between blocks
            lines.pop()
        if odd := [line for line in lines if not re.match(r"[+\- ]|@@$|$", line)]:
            raise StoryError(
                f"{place}: under '--- {head}', a line without + - or blank: {odd[0]!r}"
            )
    split = [Step(*head.partition(" ")[::2], tuple(lines)) for head, lines in steps]
    return "\n".join(message).strip(), split


def instant(text: str, place: str) -> datetime:
    """Read ``2025-01-06 09:12 +0100``."""
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M %z")
    except ValueError as err:
        raise StoryError(f"{place}: {text!r} is not like 2025-01-06 09:12 +0100") from err
