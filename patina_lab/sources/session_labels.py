"""What the labels and headings of session notes mean.

The same thing is labelled in hundreds of ways ("Key Decisions", "Decisions made & why:",
"Technical decisions (storage)"), so a label is first reduced to what it is about.
"""

from __future__ import annotations

import re
from functools import lru_cache

_ADJECTIVES = r"(?:(?:key|new|main|major|other|important|core|final) )*"
_KINDS = {
    "goal": r"(?:session |key |main )?goals?",
    "decision": r"(?!(?:open|pending|remaining|next|deferred|future|unresolved) )"
    r"(?:\w+ ){0,2}decisions?(?: made| taken| captured)?",
    "pattern": rf"{_ADJECTIVES}(?:\w+ )?patterns? (?:\w+ )?"
    r"(?:observed|identified|discovered|noticed|documented|validated|found|captured|recognized)"
    r"|(?:key |new |main |important |design )?patterns?",
    "work": rf"{_ADJECTIVES}(?:work|tasks?)(?: items)?(?: completed| done| performed)?"
    r"|completed(?: work| tasks| items)?|what (?:we did|was done|was completed|got done)"
    rf"|changes made|implemented|{_ADJECTIVES}(?:technical )?(?:accomplishments|achievements)",
    "challenge": rf"{_ADJECTIVES}challenges?(?: faced| encountered| solved| overcome)?"
    rf"|{_ADJECTIVES}(?:problems|issues|obstacles|blockers) (?:faced|encountered|solved|overcome)",
    "insight": r"(?:\w+ ){0,2}(?:insights?|findings?|learnings?|discover(?:y|ies)"
    r"|realizations?|observations?)(?: gained| captured| crystallized| made)?|lessons? learned",
    "discussion": rf"{_ADJECTIVES}discussions?(?: context| notes| points| summary)?",
    "note": r"notes?",
}
_KIND_PATTERN = re.compile("|".join(f"(?P<{kind}>{rx})" for kind, rx in _KINDS.items()))
_LONGEST_LABEL = 120
_PLAIN = re.compile(
    r"git|commits?\b|key commits|next|(?:current )?status|files|remaining|open questions?|todo"
    r"|follow|handoff|session (?:summary|stats|outcome)|uncommitted|summary|tests?\b"
)
_TEMPLATE = re.compile(r"activity log|session (?:start|end)$|update\b|final update|git activity$")
_PARENTHESES = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_CUT = re.compile(
    r"(?: / |/| and | ?, | [-\u2013\u2014] | (?:during|so far|this|since|for) ).*", re.DOTALL
)

_CLOCK = re.compile(
    r"(~?)[ \t]*(\d\d?:\d\d)(?::\d\d)?\b(?:[ \t]*[-\u2013\u2014][ \t]*~?(\d\d?:\d\d))?", re.ASCII
)


def normal_label(text: str) -> str:
    """Reduce a label to what it is about.

    Examples
    --------
    >>> normal_label("Key Decisions & Reasoning (short):")
    'key decisions'
    """
    text = _PARENTHESES.sub("", text.replace("&", " and ")).casefold()
    text = " ".join(text.strip("*_:# \t").split())
    return _CUT.sub("", re.sub(r"^\d+[.)] |[:\d ]+$", "", text)).strip(": ")


@lru_cache(maxsize=4096)
def kind_of(label: str) -> str | None:
    """Return the kind of the items under a label or heading, None for an unknown label.

    Examples
    --------
    >>> kind_of("challenges faced and solutions"), kind_of("Next Steps")
    ('challenge', None)
    """
    if len(label) > _LONGEST_LABEL:
        return None
    match = _KIND_PATTERN.fullmatch(normal_label(label))
    return match.lastgroup if match else None


@lru_cache(maxsize=4096)
def is_plain(label: str) -> bool:
    """Whether a label names reporting that never inherits the kind of what is above it."""
    return _PLAIN.match(label.casefold()) is not None


@lru_cache(maxsize=4096)
def is_template(heading: str) -> bool:
    """Whether a heading or label comes from the template and says nothing by itself."""
    low = heading.casefold()
    return kind_of(heading) is not None or _TEMPLATE.match(low) is not None or bool(zone_of(low))


def zone_of(heading: str) -> str | None:
    """Return which of the sections with a grammar of their own a heading opens."""
    low = heading.casefold()
    if low.startswith("user prompts"):
        return "prompts"
    if low.startswith("session classification"):
        return "classification"
    if low.startswith("design source"):
        return "verbatim"
    if low.startswith("beliefs captured"):
        return "beliefs"
    return "context" if low.startswith("previous session") else None


def clock(heading: str) -> tuple[str, int, bool] | None:
    """Read ``[~]HH:MM[-HH:MM]`` at the start of a heading: text, minutes, approximate."""
    match = _CLOCK.match(heading)
    if match is None:
        return None
    # What a span of time tells was written at its end.
    text = match.group(3) or match.group(2)
    hours, minutes = map(int, text.split(":"))
    if hours > 23 or minutes > 59:
        return None
    written = match.group(2) + (f"-{text}" if match.group(3) else "")
    return written, hours * 60 + minutes, bool(match.group(1) or match.group(3))


def title_of(heading: str) -> str:
    """Return a heading without its time."""
    match = _CLOCK.match(heading)
    return heading[match.end() :].lstrip(" \t-:\u2013\u2014") if match else heading
