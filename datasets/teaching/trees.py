"""What one commit does to the files: the verbs of the story, a merge, a revert.

Pure: each function takes trees and returns a new one.
"""

from __future__ import annotations

import fnmatch
import json
import struct
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import story
from story import Step, StoryError

EVENTS = ".patina/shared/events/"
SESSIONS = "layer/sessions/"


@dataclass(frozen=True)
class File:
    """The content of one path, and whether it may be executed."""

    content: bytes
    executable: bool = False


Tree = dict[str, File]


def write(tree: Tree, step: Step) -> Tree:
    """``--- write PATH``: the file, whole."""
    return {**tree, step.target: File(_text(line[1:] for line in step.lines))}


def script(tree: Tree, step: Step) -> Tree:
    """``--- script PATH``: the file, whole and executable."""
    return {**tree, step.target: File(_text(line[1:] for line in step.lines), executable=True)}


def edit(tree: Tree, step: Step) -> Tree:
    """``--- edit PATH``: lines that go and come, at places found by their text."""
    file = _existing(tree, step.target)
    text = "\n" + file.content.decode()
    for hunk in "\n".join(step.lines).split("\n@@\n"):
        lines = [line or " " for line in hunk.split("\n")]
        old = "\n" + "".join(line[1:] + "\n" for line in lines if line[0] in " -")
        new = "\n" + "".join(line[1:] + "\n" for line in lines if line[0] in " +")
        if text.count(old) != 1:
            raise StoryError(f"{step.target} has these lines {text.count(old)} times:{old}")
        text = text.replace(old, new)
    return {**tree, step.target: replace(file, content=text[1:].encode())}


def append(tree: Tree, step: Step) -> Tree:
    """``--- append PATH``: lines at the end."""
    file = _existing(tree, step.target)
    more = _text(line[1:] for line in step.lines)
    return {**tree, step.target: replace(file, content=file.content + more)}


def move(tree: Tree, step: Step) -> Tree:
    """``--- move OLD -> NEW``."""
    old, _, new = step.target.partition(" -> ")
    file = _existing(tree, old)
    return {**{path: f for path, f in tree.items() if path != old}, new: file}


def delete(tree: Tree, step: Step) -> Tree:
    """``--- delete PATH``."""
    _existing(tree, step.target)
    return {path: file for path, file in tree.items() if path != step.target}


def header(tree: Tree, step: Step) -> Tree:
    """``--- header PATTERN``: lines on top of all files whose path matches."""
    top = _text(line[1:] for line in step.lines)
    matching = fnmatch.filter(tree, step.target)
    return tree | {path: replace(tree[path], content=top + tree[path].content) for path in matching}


def picture(tree: Tree, step: Step) -> Tree:
    """``--- picture PATH``: a tiny grey PNG, one digit 0-9 a pixel."""
    rows = [line[1:] for line in step.lines]
    return {**tree, step.target: File(png(rows))}


def session(tree: Tree, step: Step) -> Tree:
    """``--- session NAME``: the note of that name from ``sessions/``."""
    return {**tree, SESSIONS + step.target: File(_text(step.lines))}


def event(tree: Tree, step: Step) -> Tree:
    """``--- event KEY``: the event file of that key from ``events.toml``."""
    path, text = event_file(step.target)
    if path in tree:
        raise StoryError(f"{path} is there already")
    return {**tree, path: File(_text(step.lines) if step.lines else text.encode())}


VERBS: dict[str, Callable[[Tree, Step], Tree]] = {
    f.__name__: f
    for f in (write, script, edit, append, move, delete, header, picture, session, event)
}


def _text(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _existing(tree: Tree, path: str) -> File:
    if path not in tree:
        raise StoryError(f"there is no {path} to change")
    return tree[path]


def event_file(key: str) -> tuple[str, str]:
    """Return the path and the text of an event file."""
    fields = dict(story.events()[key])
    kind, at, by = fields.pop("type"), fields.pop("at"), fields.pop("by")
    number = key.partition("-")[0]
    content = {
        "event_id": f"evt_{number}",
        "event_type": kind,
        "timestamp": at,
        "author": story.people()[by].name,
        "sequence": int(number),
        "payload": fields,
    }
    path = f"{EVENTS}{at[:10]}-{number}-{kind.replace('_', '-')}.json"
    return path, json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def png(rows: list[str]) -> bytes:
    """Draw digits as grey pixels.

    The pixels are stored, not compressed: another zlib compresses to other bytes.
    """
    raw = b"".join(b"\0" + bytes(255 - 28 * int(digit) for digit in row) for row in rows)
    stored = struct.pack("<BHH", 1, len(raw), len(raw) ^ 0xFFFF) + raw
    body = b"\x78\x01" + stored + struct.pack(">I", zlib.adler32(raw))

    def chunk(kind: bytes, data: bytes) -> bytes:
        tail = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + tail

    size = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def changes(before: Tree, after: Tree) -> dict[str, File | None]:
    """Return the paths that differ, with what they became; None is "gone"."""
    paths = before.keys() | after.keys()
    return {path: after.get(path) for path in paths if before.get(path) != after.get(path)}


def apply(tree: Tree, change: dict[str, File | None]) -> Tree:
    """Return the tree with those paths set."""
    return {path: file for path, file in (tree | change).items() if file is not None}


def merge(base: Tree, ours: Tree, theirs: Tree, settled: set[str]) -> Tree:
    """Merge file by file; a path that both sides changed has to be among `settled`."""
    mine, yours = changes(base, ours), changes(base, theirs)
    both = {path for path in mine.keys() & yours.keys() if mine[path] != yours[path]}
    if left := both - settled:
        raise StoryError(f"both sides changed {', '.join(sorted(left))}: write or edit it here")
    return apply(ours, {path: file for path, file in yours.items() if path not in both})


def revert(before: Tree, after: Tree, tree: Tree) -> Tree:
    """Take back from `tree` what led from `before` to `after`."""
    done = changes(before, after)
    if touched := [path for path, file in done.items() if tree.get(path) != file]:
        raise StoryError(f"{', '.join(sorted(touched))} changed since")
    return apply(tree, {path: before.get(path) for path in done})
