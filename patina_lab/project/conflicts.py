"""Where the team's events stand in each other's way, as far as it can be told from words.

Two branches mint the same number and git merges them without a conflict; two people write
the same down; two decisions say opposite things.  The first two are facts.  The third is a
guess, and is called so: "may contradict".
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from patina_lab.errors import GitFailed
from patina_lab.events.text import normalised, text_hash
from patina_lab.project.branch import tip
from patina_lab.project.propose import proposed
from patina_lab.project.query import stems
from patina_lab.project.read import Found, labelled, read_shared
from patina_lab.projections.terms import words
from patina_lab.sources.repository import Objects, Repository

if TYPE_CHECKING:
    import pandas as pd

ALIKE = 0.6
"""Two decisions are about the same where they share this part of their words (Jaccard)."""

_NOT = re.compile(r"\b(?:not|never|no|cannot|without)\b|n['\u2019]t\b")
_OPPOSITE = (
    ("always", "never"), ("use", "avoid"), ("allow", "forbid"), ("enable", "disable"),
    ("add", "remove"), ("keep", "drop"), ("accept", "reject"), ("start", "stop"),
)  # fmt: skip
_LITTLE = frozenset(
    [
        *stems(" ".join(word for pair in _OPPOSITE for word in pair)),
        *stems("not never no cannot without don't won't can't should must do all every"),
    ]
)


@dataclass(frozen=True)
class Conflict:
    """Events that stand in each other's way.

    Parameters
    ----------
    kind : str
        ``same file`` (two branches add it, and git cannot merge them), ``same number``,
        ``same content``, ``may contradict``, or ``changed since written`` (the file's
        content hash is not that of its content).
    events : tuple of Found
        In the order of events.
    detail : str
        One sentence, with the next step.
    """

    kind: str
    events: tuple[Found, ...]
    detail: str

    @property
    def is_certain(self) -> bool:
        """Whether it is a fact, and no guess from words."""
        return self.kind != "may contradict"

    def __str__(self) -> str:
        names = "\n".join(f"  {found.label}  {found.name}  {found.text}" for found in self.events)
        return f"{self.kind}: {self.detail}\n{names}"


def conflicts(
    repository: Repository, at: str = "HEAD", branches: Iterable[str] | None = None
) -> list[Conflict]:
    """Return the conflicts among the events of a commit and of proposals.

    Parameters
    ----------
    at : str
        The commit.
    branches : iterable of str or None
        Branches whose proposals are looked at as if they were merged; None for all, also
        those of remotes (``origin/…``), as last fetched.

    Returns
    -------
    list of Conflict
        By kind: files, numbers, content, contradictions, changed files.
    """
    wanted = None if branches is None else set(branches)
    events, _ = read_shared(repository, at)
    have = {found.path: found for found in events}
    clashes = []
    for branch, found in proposed(repository, at):
        if wanted is not None and branch not in wanted:
            continue
        other = have.setdefault(found.path, found)
        if other is found:
            events.append(found)
        elif other.event.event_id != found.event.event_id and _both_add(
            repository, found, branch, at
        ):
            detail = f"{branch} adds a file of the same name: undo one, and propose it again."
            clashes.append(Conflict("same file", tuple(labelled([other, found])), detail))
    return clashes + among(labelled(events))


def _both_add(repository: Repository, found: Found, branch: str, at: str) -> bool:
    """Whether a file came on both sides, and is no changed version of one that both had."""
    try:
        sides = (repository.resolve(at), tip(repository, branch))
        base = repository.command("merge-base", *sides).decode().strip()
    except GitFailed:  # no common history
        return True
    with Objects(repository) as objects:
        return not objects.tree(base, found.path)


def among(events: Sequence[Found]) -> list[Conflict]:
    """Return the conflicts among events, given in their order."""
    return [*_numbers(events), *_contents(events), *_contradictions(events), *_changed(events)]


def _numbers(events: Sequence[Found]) -> Iterator[Conflict]:
    groups = defaultdict(list)
    for found in events:
        if found.sequence is not None:
            groups[found.sequence].append(found)
    for number, group in sorted(groups.items()):
        if len(group) > 1:
            shown = ", ".join(found.label for found in group)
            detail = f"{len(group)} events have the number {number}; they load, shown as {shown}."
            yield Conflict("same number", tuple(group), detail)


def _contents(events: Sequence[Found]) -> Iterator[Conflict]:
    groups = defaultdict(list)
    for found in events:
        context = found.event.data.get("context")
        said = normalised(context) if isinstance(context, str) else ""
        groups[found.event.event_type, text_hash(found.text), said].append(found)
    for group in groups.values():
        if len(group) > 1 and group[0].text != group[0].event.event_type:
            detail = f"{len(group)} events say the same; one may be enough (patina-lab undo)."
            yield Conflict("same content", tuple(group), detail)


@dataclass(frozen=True)
class _Decision:
    found: Found
    words: frozenset[str]
    subject: frozenset[str]
    negated: bool
    context: str


def _decision(found: Found) -> _Decision:
    said = found.text.casefold()
    return _Decision(
        found, frozenset(words(said)), _subject(said), bool(_NOT.search(said)), _context(found)
    )


def _contradictions(events: Sequence[Found]) -> Iterator[Conflict]:
    decisions = [_decision(found) for found in events if found.event.event_type == "decision_made"]
    for a, b in combinations(decisions, 2):
        if a.context and b.context and a.context != b.context:
            continue  # both can be true, each in its own
        why = _opposed(a, b) or _rejected(a, b) or _rejected(b, a)
        if why:
            detail = f"{why}; if both hold, give each its context."
            yield Conflict("may contradict", (a.found, b.found), detail)


def _opposed(a: _Decision, b: _Decision) -> str:
    """Say why two decisions may be opposite, or nothing."""
    if _share(a.subject, b.subject) < ALIKE:
        return ""
    if a.negated != b.negated:
        return "they are about the same, and one says not"
    for one, other in _OPPOSITE:
        if (one in a.words and other in b.words) or (other in a.words and one in b.words):
            return f"they are about the same, and one says {one}, the other {other}"
    return ""


def _rejected(a: _Decision, b: _Decision) -> str:
    """Say whether `a` lists what `b` decides as an alternative that was not taken."""
    alternatives = a.found.event.data.get("alternatives")
    for alternative in alternatives if isinstance(alternatives, list) else ():
        if isinstance(alternative, str) and _share(_subject(alternative), b.subject) >= ALIKE:
            return f"{a.found.label} did not take {alternative!r}, which {b.found.label} decides"
    return ""


def _subject(text: str) -> frozenset[str]:
    """Return the words that say what a decision is about."""
    return frozenset(word for word in stems(text.replace("\u2019", "'")) if word not in _LITTLE)


def _share(a: frozenset[str], b: frozenset[str]) -> float:
    return len(a & b) / len(a | b) if a and b else 0.0


def _context(found: Found) -> str:
    context = found.event.data.get("context")
    return normalised(context) if isinstance(context, str) else ""


def _changed(events: Sequence[Found]) -> Iterator[Conflict]:
    for found in events:
        written = (found.event.envelope or {}).get("content_hash")
        if written is not None and written != f"sha256:{found.event.event_id}":
            detail = "its content_hash is not that of its content: see patina-lab history."
            yield Conflict("changed since written", (found,), detail)


def row(conflict: Conflict) -> dict[str, Any]:
    """Return a conflict as one row of `table`."""
    return {
        "kind": conflict.kind,
        "certain": conflict.is_certain,
        "events": [found.label for found in conflict.events],
        "files": [found.path for found in conflict.events],
        "detail": conflict.detail,
        "event_ids": [found.event.event_id for found in conflict.events],
    }


def table(found: Sequence[Conflict]) -> pd.DataFrame:
    """Return conflicts as a table: ``kind, certain, events, files, detail, event_ids``."""
    import pandas as pd

    columns = ["kind", "certain", "events", "files", "detail", "event_ids"]
    return pd.DataFrame([row(conflict) for conflict in found], columns=columns)
