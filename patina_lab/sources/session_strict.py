"""A session note as an earlier scraper read it: for parity, not for use.

It knew labels by their exact spelling, looked at the first of each only, took a decision
or pattern from every bullet (also nested ones) and work from numbered lines alone, and
gave everything the time of the session's start.  Over the notes it was made for it found
about a third of the decisions; a log built by it can be rebuilt with this reading.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_GOAL = re.compile(r"- \[([xX ])\] (.+)")
_NUMBERED = re.compile(r"\d+\.\s*(.+)")
_FIELDS = {
    "work_type": re.compile(r"Work Type: *(.+)"),
    "files_changed": re.compile(r"Files Changed: *([0-9]{1,9})"),
    "commits": re.compile(r"Commits: *([0-9]{1,9})"),
}


def goals(text: str) -> list[tuple[str, bool]]:
    """Return content and completion of each goal."""
    start = text.find("## Goals")
    if start < 0:
        return []
    section = text[start:].partition("\n## ")[0]
    return [(content.strip(), box != " ") for box, content in _GOAL.findall(section)]


def items(text: str) -> Iterator[tuple[str, str]]:
    """Yield the kind and the content of each item, in the order the scraper wrote them."""
    context = section(text, "Previous Session Context").strip()
    if context and not context.startswith("<!--"):
        yield "context", context
    for kind, label in (("decision", "Key Decisions"), ("pattern", "Patterns Observed")):
        for line in section(text, label).split("\n"):
            if line.strip().startswith(("-", "*")):
                content = line.strip().lstrip("-").lstrip("*").strip()
                if content:
                    yield kind, content
    for line in section(text, "Work Completed").split("\n"):
        if match := _NUMBERED.match(line.strip()):
            yield "work", match.group(1).strip()


def ending(text: str) -> dict[str, str]:
    """Return what the classification says, wherever in the note it says it."""
    found = {key: pattern.search(text) for key, pattern in _FIELDS.items()}
    return {key: match.group(1).strip() for key, match in found.items() if match}


def section(text: str, title: str) -> str:
    """Return the text under the first label, or else the first heading, of that spelling."""
    label = f"**{title}:**"
    start = text.find(label)
    if start >= 0:
        rest = text[start + len(label) :]
        end = rest.find("\n**")
        return rest[:end] if end >= 0 else rest.partition("\n## ")[0]
    heading = f"## {title}"
    start = text.find(heading)
    return text[start + len(heading) :].partition("\n## ")[0] if start >= 0 else ""
