"""Where the team's events stand in each other's way, as far as it can be told from words.

Two branches mint the same number and git merges them without a conflict; two people write
the same down; two decisions say opposite things.  The first two are facts.  The third is a
guess, and is called so: "may contradict".
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from patina_lab.errors import GitFailed
from patina_lab.events.text import normalised, text_hash
from patina_lab.project.branch import tip, tips
from patina_lab.project.propose import proposed
from patina_lab.project.read import Found, labelled, read_shared
from patina_lab.project.words import stems
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

    @property
    def is_edit(self) -> bool:
        """Whether an event was only changed after it was written, as reviews do."""
        return self.kind == "changed since written"

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
    owner: dict[str, str] = {}
    clashes = []
    own = {name for name, _ in tips(repository, "refs/heads")}
    for branch, found in proposed(repository, at):
        if wanted is not None and branch not in wanted:
            continue
        other = have.setdefault(found.path, found)
        if other is found:
            owner[found.path] = branch
            events.append(found)
        elif other.event.event_id != found.event.event_id and _both_add(
            repository, found, branch, at
        ):
            detail = _same_file(branch, owner.get(found.path), own)
            clashes.append(Conflict("same file", tuple(labelled([other, found])), detail))
    return clashes + among(labelled(events))


def _same_file(branch: str, other: str | None, own: set[str]) -> str:
    """Say which branches add one file, and what the one who has one of them can do."""
    said = f"{branch} and {other or 'what is merged'} add a file of the same name"
    mine = [name for name in (branch, other) if name in own]
    if not mine:
        return f"{said}: whoever proposed {branch} has to propose it again."
    return (
        f"{said}: propose one again, under the next number, with patina-lab propose "
        f"--from {mine[0]}, and delete that branch."
    )


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
    rejected: tuple[tuple[str, frozenset[str]], ...]  # alternatives, with their subjects


def _decision(found: Found) -> _Decision:
    said = found.text.casefold()
    alternatives = found.event.data.get("alternatives")
    others = alternatives if isinstance(alternatives, list) else []
    return _Decision(
        found,
        frozenset(words(said)),
        _subject(said),
        bool(_NOT.search(said)),
        _context(found),
        tuple((other, _subject(other)) for other in others if isinstance(other, str)),
    )


def _contradictions(events: Sequence[Found]) -> Iterator[Conflict]:
    decisions = [_decision(found) for found in events if found.event.event_type == "decision_made"]
    for n, m in _pairs(decisions):
        a, b = decisions[n], decisions[m]
        if a.context and b.context and a.context != b.context:
            continue  # both can be true, each in its own
        why = _opposed(a, b) or _rejected(a, b) or _rejected(b, a)
        if why:
            detail = f"{why}; if both hold, give each its context."
            yield Conflict("may contradict", (a.found, b.found), detail)


def _pairs(decisions: Sequence[_Decision]) -> list[tuple[int, int]]:
    """Return all pairs that can be alike, and few others, without looking at every pair.

    Two sets that share a part `ALIKE` of their words share one among the rarest words of
    each, of which so many are looked at that the others alone would be too few (prefix
    filtering: Chaudhuri, Ganti, Kaushik, ICDE 2006).
    """
    often = Counter(word for decision in decisions for word in decision.subject)

    def rarest(subject: frozenset[str]) -> list[str]:
        ordered = sorted(subject, key=lambda word: (often[word], word))
        return ordered[: len(ordered) - math.ceil(ALIKE * len(ordered) - 1e-9) + 1]

    known: dict[str, list[int]] = defaultdict(list)
    for n, decision in enumerate(decisions):
        for word in rarest(decision.subject):
            known[word].append(n)
    found: set[tuple[int, int]] = set()
    for n, decision in enumerate(decisions):
        for subject in (decision.subject, *(other for _, other in decision.rejected)):
            for word in rarest(subject):
                found.update((min(n, m), max(n, m)) for m in known.get(word, ()) if m != n)
    return sorted(found)


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
    for alternative, subject in a.rejected:
        if _share(subject, b.subject) >= ALIKE:
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
            detail = "its content_hash is not that of its content: see patina-lab history --diff."
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
