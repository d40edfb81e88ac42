"""A session note, read line by line into items.

The notes are written by people and by language models, so the grammar is wide::

    ## Section | ### HH:MM - Title [branch@sha]      a heading starts a section
    **Label:** | **Label**: | **Label:** text        a bold label starts a group
    - item | * item | + item | 1. item               items, nested by indentation
    text, ``` code ```, | table |                    go on with an item, or are one

What an item *is* (its kind) follows from the label or the heading above it; without one
it is an ``activity``.  Every line that says something ends up in an item.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from patina_lab.sources.session_labels import (
    clock,
    is_plain,
    is_template,
    kind_of,
    title_of,
    zone_of,
)

_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*))?$", re.DOTALL)
_COMMIT = re.compile(r"\[([^\[\]@\s]+)@([0-9a-f]{4,40})\][ \t]*$")
_LABEL = re.compile(r"(\*\*|__)(?=\S)(.+?)\1(.*)$", re.DOTALL)
_ITEM = re.compile(r"([-*+]|\d{1,9}[.)])(?:[ \t]+(.*))?$", re.DOTALL)
_BOX = re.compile(r"\[([ xX])\][ \t]*(.*)$", re.DOTALL)
_FENCE = re.compile(r"(`{3,})[^`]*$|(~{3,})")
_RULE = re.compile(r"([-*_])(?:[ \t]*\1){2,}$")
_ANY_FENCE = re.compile(r"^[ \t]*(?:```|~~~)", re.MULTILINE)
_LANDMARK = re.compile(
    r"### +~?\d\d?:\d\d\b|## +(?:Goals|Activity Log|Session Classification|Beliefs|User Prompts)"
)
_PROMPT = re.compile(r"(\d{1,9})[.)][ \t]+(.*)$", re.DOTALL | re.ASCII)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_FIELD = re.compile(r"[-*+][ \t]+([^:]+?):[ \t]*(.*)$", re.DOTALL)


@dataclass(slots=True)
class Block:
    """The text under one heading: what its items share."""

    ordinal: int
    heading: str | None = None
    level: int = 0
    time_text: str | None = None
    minutes: int | None = None
    approximate: bool = False
    commit: tuple[str, str] | None = None


@dataclass(slots=True, eq=False)
class Item:
    """One thing that a note says; lines count from 1, and both ends are its own."""

    kind: str
    form: str
    block: Block
    section: str | None
    label: str | None
    line_start: int
    line_end: int
    parts: list[str]
    depth: int = 0
    parent: Item | None = None
    completed: bool | None = None
    number: int | None = None
    fields: list[tuple[str, str]] = field(default_factory=list)
    ordinal: int = 0

    @property
    def content(self) -> str:
        """The text; wrapped lines of a list item joined by a space, others as written."""
        text = "".join(self.parts)
        return (_COMMENT.sub("", text) if self.kind == "context" else text).strip()


def read_items(lines: Sequence[str], skip: set[int]) -> tuple[list[Item], list[Block]]:
    """Read the items of a note.

    Parameters
    ----------
    lines : sequence of str
        The whole note, without line ends.
    skip : set of int
        Lines (from 0) that the header took.

    Returns
    -------
    items : list of Item
        In the order of their first lines.
    blocks : list of Block
        In order; the first is the text before any heading.
    """
    reader = _Reader(unclosed=sum(map(bool, map(_ANY_FENCE.match, lines))) % 2 == 1)
    for number, line in enumerate(lines):
        if number not in skip:
            reader.read(number + 1, line)
    reader.close_group()
    reader.close_section()
    # The classification says when and how a session ended; a bare "Session End" only when.
    forms = {item.form for item in reader.items if item.kind == "end"}
    items = [
        item
        for item in reader.items
        if (item.content if item.kind != "end" else len(forms) == 1 or item.form != "heading")
    ]
    for ordinal, item in enumerate(items, start=1):
        item.ordinal = ordinal
    return items, reader.blocks


class _Reader:
    """The state between two lines.

    A *section* is what stands under one heading, a *group* what stands under one label.
    """

    def __init__(self, *, unclosed: bool) -> None:
        self.items: list[Item] = []
        self.blocks = [Block(0)]
        self.unclosed = unclosed  # one of the code fences has no partner
        self.fence: tuple[str, int, Item | None] | None = None
        self.outer: list[tuple[int, str | None]] = []  # level and kind of enclosing headings
        self.zone: str | None = None
        self.heading: str | None = None
        self.heading_line = 0
        self.heading_kind: str | None = None
        self.section_start = 0
        self.prompt = 0
        self.open_group(None, None, 0)

    def open_group(self, label: str | None, kind: str | None, line: int) -> None:
        self.label = label
        self.label_line = line
        self.kind = kind
        self.inherits = False
        self.group_start = len(self.items)
        self.has_list = False
        self.leads = False
        self.gap = True
        self.last: Item | None = None
        self.stack: list[tuple[int, Item]] = []

    def close_group(self) -> None:
        """Keep a label that nothing stands under, if it says something itself."""
        if self.label is None or self.group_start < len(self.items):
            return
        if kind_of(self.label) is None and not is_template(self.label):
            self.add("activity", "label", self.label_line, self.label)

    def close_section(self) -> None:
        """Keep a heading that nothing stands under, if it says something itself."""
        if self.heading is None or self.section_start < len(self.items):
            return
        if not is_template(title_of(self.heading)):
            self.label = None
            self.add("activity", "heading", self.heading_line, self.heading)

    def add(self, kind: str, form: str, line: int, text: str, parent: Item | None = None) -> Item:
        item = Item(
            kind,
            form,
            self.blocks[-1],
            self.heading,
            self.label,
            line,
            line,
            [text],
            0 if parent is None else parent.depth + 1,
            parent,
        )
        self.items.append(item)
        self.last = item
        self.gap = False
        return item

    def extend(self, item: Item, line: int, text: str, joint: str) -> None:
        item.parts += (joint, text)
        item.line_end = line
        self.gap = False

    def read(self, number: int, line: str) -> None:
        text = line.strip()
        if self.zone == "prompts" and self.read_prompt(number, line, text):
            return
        if self.fence is not None and self.read_code(number, line, text):
            return
        if not text:
            self.gap = True
            return
        first = text[0]
        if first == "#" and (match := _HEADING.match(line)):
            level, title = len(match.group(1)), _without_closing(match.group(2) or "")
            if not self.swallows(level, title):
                self.read_heading(number, level, title)
                return
        if self.zone in ("context", "verbatim"):
            self.read_whole(number, line, text)
            return
        indent = 0
        if line[0] in " \t":
            wide = line.expandtabs(4)
            indent = len(wide) - len(wide.lstrip())
        if first in "`~" and (match := _FENCE.match(text)):
            item = self.read_text(number, text, indent, "code")
            self.fence = (match.group(1) or match.group(2), indent, item)
        elif first in "-*_" and _RULE.match(text):
            self.close_group()
            self.open_group(None, self.heading_kind, number)
        elif (match := _ITEM.match(text)) is not None:
            self.read_item(number, indent, match.group(1), match.group(2) or "")
        elif not (
            (first in "*_" or text[-1] == ":")
            and (indent == 0 or (indent < 4 and not self.stack))
            and self.read_label(number, text)
        ):
            self.read_text(number, text, indent, "table" if first == "|" else "paragraph")

    def swallows(self, level: int, title: str) -> bool:
        """Whether a heading is part of a section that is kept as written."""
        if self.zone == "verbatim":
            return level != 2  # pasted TOML has comments with one #
        return self.zone == "context" and level > 2 and clock(title) is None

    def read_heading(self, number: int, level: int, text: str) -> None:
        self.close_group()
        self.close_section()
        time = clock(text)
        title = title_of(text)
        while self.outer and (self.outer[-1][0] >= level or time):
            self.outer.pop()
        within = self.outer[-1][1] if self.outer and not is_plain(title) else None
        zone, kind = zone_of(title), kind_of(title)
        block = self.blocks[-1]
        # A heading below a timed one only divides that block.
        if time or not (block.minutes is not None and level > block.level):
            block = Block(len(self.blocks), text or None, level)
            if time:
                block.time_text, block.minutes, block.approximate = time
            if commit := _COMMIT.search(text):
                block.commit = (commit.group(1), commit.group(2))
            self.blocks.append(block)
        self.zone, self.heading, self.heading_line = zone, text or None, number
        self.section_start = len(self.items)
        self.heading_kind = kind or within
        self.outer.append((level, self.heading_kind))
        self.prompt = 0
        self.open_group(None, self.heading_kind, number)
        if zone == "classification" or title.casefold().startswith("session end"):
            self.add("end", zone or "heading", number, "")
            self.section_start = self.group_start = len(self.items)
            self.last, self.gap = None, True
        elif within not in (None, "goal", "note") and kind is None and text:
            self.read_lead(number, text, within or "activity", "heading")

    def read_lead(self, number: int, text: str, kind: str, form: str) -> None:
        """Add an item that the rest of its group tells more about: its children."""
        self.stack = [(-1, self.add(kind, form, number, text))]
        self.leads = True

    def read_label(self, number: int, text: str) -> bool:
        """Read a line that opens a group; False if it is text after all."""
        match = _LABEL.match(text)
        if match is None:
            # Without bold, only a known label is one: sentences end in colons as well.
            if not text.endswith(":") or len(text) > 60 or kind_of(text) is None:
                return False
            inner, rest, colon = text[:-1], "", True
        else:
            inner, rest = match.group(2), match.group(3).strip()
            colon = inner.endswith(":") or rest.startswith(":")
            inner, rest = inner.rstrip(": "), rest.removeprefix(":").strip()
            if rest and not colon:
                if not rest.endswith(":"):
                    return False
                inner, rest, colon = f"{inner} {rest}".rstrip(": "), "", True
        head, _, tail = inner.partition(": ")
        if not rest and tail and kind_of(head):
            inner, rest, colon = head, tail, True
        kind, inherits = self.label_kind(inner)
        if not rest and not colon and inherits:
            # A bold line without a colon under a known label is one of its items.
            self.stack, self.gap = [], True
            self.read_lead(number, inner, kind or "activity", "paragraph")
            return True
        self.close_group()
        self.open_group(inner, kind, number)
        self.inherits = inherits
        if rest:
            self.read_lead(number, rest, kind or "activity", "paragraph")
        return True

    def label_kind(self, label: str) -> tuple[str | None, bool]:
        """Return the kind under a label, and whether it comes from what is above it."""
        if kind := kind_of(label):
            return kind, False
        if is_plain(label):
            return ("note", False) if self.heading_kind == "note" else (None, False)
        if self.heading_kind is not None:
            return self.heading_kind, self.heading_kind != "note"
        empty = self.group_start == len(self.items)
        if self.kind is not None and (empty or self.inherits):
            return self.kind, True
        return None, False

    def read_item(self, number: int, indent: int, marker: str, text: str) -> None:
        stack = self.stack
        while stack and stack[-1][0] >= indent:
            stack.pop()
        if not text:
            self.gap = True
            return
        parent = stack[-1][1] if stack else None
        kind = parent.kind if parent else self.kind or "activity"
        completed = None
        if self.zone == "classification" and (match := _FIELD.match(f"- {text}")):
            end = next(item for item in reversed(self.items) if item.kind == "end")
            end.fields.append((match.group(1), match.group(2)))
            end.line_end = number
            return
        if kind == "goal" and (match := _BOX.match(text)):
            completed, text = match.group(1) != " ", match.group(2)
            if not text:
                return
        item = self.add(kind, "bullet" if marker in "-*+" else "number", number, text, parent)
        item.completed = completed
        stack.append((indent, item))
        self.has_list = True

    def read_text(self, number: int, text: str, indent: int, form: str) -> Item:
        last = self.last
        if last is not None and not self.gap:
            wrapped = form == "paragraph" and last.form in ("bullet", "number")
            self.extend(last, number, text, " " if wrapped else "\n")
            return last
        while self.stack and self.stack[-1][0] >= indent:
            self.stack.pop()
        if self.stack and (indent > 0 or self.leads):
            owner = self.stack[-1][1]
            if owner is last and indent > 0:
                self.extend(owner, number, text, "\n\n")
                return owner
            return self.add(owner.kind, form, number, text, owner)
        self.stack = []
        kind = self.kind or "activity"
        if self.has_list and kind != "note":
            kind = "activity"
        return self.add(kind, form, number, text)

    def read_code(self, number: int, line: str, text: str) -> bool:
        """Read a line inside a code fence; False if the fence was never closed."""
        assert self.fence is not None
        marker, indent, item = self.fence
        if self.unclosed and _LANDMARK.match(line):
            self.fence = None
            return False
        if text.startswith(marker) and not text.strip(marker[0]):
            self.fence = None
        if item is not None:
            margin = len(line) - len(line.lstrip(" "))
            self.extend(item, number, line[min(indent, margin) :].rstrip(), "\n")
        return True

    def read_whole(self, number: int, line: str, text: str) -> None:
        """Read a section that is kept as written: pasted text, the previous session."""
        kind = "context" if self.zone == "context" else "activity"
        last = self.last
        if last is None or (self.zone == "verbatim" and self.gap):
            self.add(kind, "paragraph", number, line.rstrip())
        else:
            self.extend(last, number, line.rstrip(), "\n\n" if self.gap else "\n")
        if first_of_fence := _FENCE.match(text):
            marker = first_of_fence.group(1) or first_of_fence.group(2)
            self.fence = (marker, 0, self.last)

    def read_prompt(self, number: int, line: str, text: str) -> bool:
        """Read a line of the numbered prompts, which may hold anything, even headings."""
        last = self.last
        if last is not None and last.kind != "prompt":
            last = None
        lines = last.parts if last is not None else [""]
        # A prompt is quoted by backticks; until they close, numbers and headings are its own.
        is_open = lines[0].startswith("`") and not (lines[-1].endswith("`") and lines != ["`"])
        if match := _PROMPT.match(line):
            count, quoted = int(match.group(1)), match.group(2).startswith("`")
            if (quoted and count == self.prompt + 1) if is_open else count > self.prompt:
                self.prompt = count
                self.add("prompt", "number", number, match.group(2).rstrip()).number = count
                return True
        if last is None or (not is_open and text.startswith("#") and _HEADING.match(line)):
            return False
        if text:
            self.extend(last, number, line.rstrip(), "\n\n" if self.gap else "\n")
        else:
            self.gap = True
        return True


def _without_closing(heading: str) -> str:
    """Drop the optional run of # that closes a heading, but not the one of "C#"."""
    heading = heading.strip()
    bare = heading.rstrip("#")
    return bare.rstrip() if not bare or bare[-1] in " \t" else heading
