"""How many items of each kind a session note holds, by counting its lines.

This reading shares the vocabulary of labels with the parser and nothing else: it cuts the
text at headings and labels and counts list markers (indented ones are details, hence
activity) and paragraphs, without time or continuation.  Where the two disagree, the
parser has a hole (or the note is odd).
"""

from __future__ import annotations

import re
from collections import Counter

from patina_lab.sources.session_labels import is_plain, is_template, kind_of, zone_of

KINDS = {
    "goal": "goals",
    "decision": "decisions",
    "pattern": "patterns",
    "work": "work",
    "challenge": "challenges",
    "insight": "insights",
    "discussion": "discussion",
    "note": "notes",
    "activity": "activity",
}
"""Kind of an item -> its name in the coverage table."""

_FRONTMATTER = re.compile(r"\A---[ \t]*\n(?:.*?\n)??(?:---|\.\.\.)[ \t]*\n", re.DOTALL)
_FENCE_LINE = re.compile(r"^[ \t]*(?:```|~~~)", re.MULTILINE)
_FENCED = r"^([ \t]*)(```+|~~~+)[^`\n]*\n(?:.*\n)*?(?:[ \t]*\2[`~]*[ \t]*$|%s\Z)"
_FENCE = re.compile(_FENCED % "", re.MULTILINE)
_UNCLOSED = re.compile(
    _FENCED % r"(?=### +~?\d\d?:\d\d|## +(?:Goals|Activity|Session Cl|Beliefs|User Pr))|",
    re.MULTILINE,
)
_CUT = re.compile(
    r"^(#{1,6} .*|(?:-{3,}|\*{3,}|_{3,})[ \t]*$"
    r"|(?:\*\*|__)\S.*?(?::\*\*|:__|(?:\*\*|__):|(?:\*\*|__)[ \t]*$).*"
    r"|\*\*\S(?=.*\*\*).*:$|[A-Z][\w &]{2,40}:[ \t]*$)",
    re.MULTILINE,
)
_FIELD = re.compile(r"^(?:\*\*([^*]+?):?\*\*:?|(?:Initialized on|LLM|Dev Environment):) ")
_FIELD_LINE = re.compile(_FIELD.pattern + ".*$", re.MULTILINE)
_LIST = re.compile(
    r"^([ \t]*)(?:[-*+]|\d{1,9}[.)])[ \t]+(?!\[[ xX]\][ \t]*$)(?:(\[[ xX]\])[ \t]*)?\S",
    re.MULTILINE,
)
_CLOCK = re.compile(r"~?\d\d?:\d\d(?:\s*[-\u2013\u2014]\s*~?\d\d?:\d\d)?[\s\-\u2013\u2014:]*")
_GAP = re.compile(r"\n[ \t]*\n")


def present(text: str) -> Counter[str]:
    """Count the items in a note, by the names in `KINDS`."""
    # With an odd number of fences one was never closed; a landmark then ends it.
    fence = _UNCLOSED if len(_FENCE_LINE.findall(text)) % 2 else _FENCE
    text = fence.sub(r"\1CODE", _FRONTMATTER.sub("", text + "\n"))
    # A plain line that ends in a colon is a label only if it is a known one.
    heads = [one for one in _CUT.finditer(text) if one[0][0] in "#*_-" or kind_of(one[0])]
    ends = [one.start() for one in heads[1:]] + [len(text)]
    count = _Count()
    count.body(text[: heads[0].start() if heads else None])
    for head, end in zip(heads, ends, strict=False):
        (count.heading if head[0][0] == "#" else count.label)(head[0].rstrip())
        count.body(text[head.end() : end])
    count.close(section=True)
    return Counter({KINDS[kind]: number for kind, number in count.found.items()})


class _Count:
    def __init__(self) -> None:
        self.found: Counter[str] = Counter()
        self.zone: str | None = "header"
        self.outer: list[tuple[int, str | None]] = []
        self.section_kind: str | None = None
        self.kind: str | None = None
        self.title = self.name = ""
        self.in_section = self.in_group = 0
        self.inherits = self.listed = self.leads = False
        self.margin: int | None = None

    def add(self, kind: str | None, number: int = 1) -> None:
        self.found[kind or "activity"] += number
        self.in_section += number
        self.in_group += number

    def close(self, *, section: bool) -> None:
        if self.name and not self.in_group and not is_template(self.name):
            self.add("activity")
        if section and self.title and not self.in_section and not is_template(self.title):
            self.found["activity"] += 1
        self.name, self.in_group, self.margin = "", 0, None
        self.inherits = self.listed = self.leads = False

    def heading(self, head: str) -> None:
        title = head.lstrip("#").strip()
        level = len(head) - len(head.lstrip("#"))
        timed = _CLOCK.match(title)
        if self.zone == "header" and level == 1 and not self.title:
            self.title = "update"  # the title of the note: never an item
            return
        if (self.zone == "verbatim" and level != 2) or (
            self.zone == "context" and level > 2 and timed is None
        ):
            return
        title = title[timed.end() :] if timed else title
        self.close(section=True)
        while self.outer and (timed or self.outer[-1][0] >= level):
            self.outer.pop()
        within = self.outer[-1][1] if self.outer and not is_plain(title) else None
        self.zone, self.title, self.in_section = zone_of(title), title, 0
        self.kind = self.section_kind = kind_of(title) or within
        self.outer.append((level, self.kind))
        if within not in (None, "goal", "note") and kind_of(title) is None:
            self.add(within)
            self.leads = True

    def label(self, head: str) -> None:
        if self.zone in ("context", "verbatim", "prompts"):
            return
        if not head.strip("-*_"):
            self.close(section=False)
            self.kind = self.section_kind
            return
        if self.zone == "header" and _FIELD.match(head) and kind_of(_FIELD.split(head)[1]) is None:
            return
        name, colon, rest = _name(head)
        if not rest and ": " in name and kind_of(name.partition(": ")[0]):
            name, _, rest = name.partition(": ")
        kind, inherits = kind_of(name), False
        if kind is None and not is_plain(name):
            kind = self.section_kind
            inherits = kind not in (None, "note")
            if kind is None and (self.inherits or not self.in_group):
                kind, inherits = self.kind, self.kind is not None
        elif kind is None and self.section_kind == "note":
            kind = "note"
        if inherits and not rest and not colon:
            self.add(kind)
            self.leads, self.listed, self.margin = True, False, None
            return
        self.close(section=False)
        self.name, self.kind, self.inherits = name, kind, inherits
        if rest:
            self.add(kind)
            self.leads = True

    def body(self, text: str) -> None:
        if self.zone in ("context", "prompts", "classification"):
            return
        if self.zone == "header":
            text = _FIELD_LINE.sub("", text)
            self.zone = None if text.strip() else self.zone
        for chunk in _GAP.split(text):
            lines = chunk.strip("\n")
            if not lines.strip():
                continue
            if self.zone == "verbatim":
                self.add("activity")
                continue
            is_list = _LIST.match(lines) is not None
            inside = self.listed and lines[0] in " \t"
            if not (is_list or self.leads or inside):
                self.add("activity" if self.listed and self.kind != "note" else self.kind)
                self.margin = None
            self.items(lines)

    def items(self, lines: str) -> None:
        for match in _LIST.finditer(lines):
            indent = len(match[1].expandtabs(4))
            margin = indent if self.margin is None else min(indent, self.margin)
            nested = indent > margin or self.leads
            boxed = self.kind == "goal" and match[2] is not None
            self.add("activity" if nested and not boxed else self.kind)
            self.listed, self.margin = True, margin


def _name(head: str) -> tuple[str, bool, str]:
    """Split a label line into its name, whether it has a colon, and what follows."""
    if not head.startswith(("**", "__")):
        return head.rstrip(": \t"), True, ""
    name, _, rest = head[2:].partition(head[:2])
    rest = rest.strip()
    if name.endswith(":") or rest.startswith(":"):
        return name.rstrip(": "), True, rest.removeprefix(":").strip()
    return f"{name} {rest}".rstrip(": "), bool(rest), ""
