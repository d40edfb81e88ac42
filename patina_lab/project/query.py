"""Asking what a project knows: its team's events and one's own notes, best match first.

Lexical: Okapi BM25 as Lucene has it (library ``bm25s``), over what people wrote.  Words
are normalised (NFKC, lower case) and English plurals fold onto their singular (the
"S-stemmer": Harman, JASIS 42(1), 1991); signs stay part of a word, so C is not C++.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from patina_lab.errors import InvalidOption
from patina_lab.project.domains import domain_names
from patina_lab.project.migrate import is_of_database
from patina_lab.project.propose import KINDS, proposed
from patina_lab.project.read import Found, read_local, read_shared
from patina_lab.projections.terms import words
from patina_lab.sources.repository import Repository

if TYPE_CHECKING:
    import pandas as pd

K1, B = 1.5, 0.75

_SPOKEN = (
    *("content", "decision", "belief", "pattern_name", "rationale", "context", "alternatives"),
    "domains",
)


@dataclass(frozen=True)
class Hit:
    """An event that matches.

    Parameters
    ----------
    found : Found
    score : float
        BM25; comparable within one query only.
    proposed : bool
        A local note that was put to the team: on a branch now, or merged.
    """

    found: Found
    score: float
    proposed: bool = False

    @property
    def tag(self) -> str:
        """``LOCAL`` or ``SHARED``."""
        return self.found.scope.upper()

    def row(self) -> dict[str, Any]:
        """Return the hit as one row of `table`."""
        event = self.found.event
        return {
            "tag": self.tag,
            "score": round(self.score, 6),
            "event_type": event.event_type,
            "text": self.found.text,
            "domains": _list(event.data.get("domains")),
            "author": event.actor,
            "timestamp": event.timestamp,
            "id": self.found.label,
            "proposed": self.proposed,
            "source_file": self.found.path,
            "event_id": event.event_id,
        }

    def __str__(self) -> str:
        where = f"{self.found.event.actor or 'unknown'}, {self.found.event.timestamp:%Y-%m-%d}"
        return f"[{self.tag}] {self.found.text}  ({self.found.label}, {where})"


def query(
    repository: Repository,
    text: str,
    *,
    k: int = 10,
    type: str | None = None,  # noqa: A002 - what the command line calls it
    domains: str | Iterable[str] = (),
    scope: str | None = None,
    at: str = "HEAD",
    since_us: int | None = None,
    until_us: int | None = None,
) -> list[Hit]:
    """Return the events that match a text, best first.

    Parameters
    ----------
    text : str
        Words; empty for all events, newest first.
    k : int
        At most so many.
    type : str or None
        ``observation``, ``decision``, ``pattern``, ``belief``, or an event type.
    domains : str or iterable of str
        Only events of one of these domains.
    scope : {"local", "shared", None}
        Only the user's own, only the team's, or both.
    at : str
        The commit whose event files are the team's.
    since_us, until_us : int or None
        Only events from one and before the other (microseconds since 1970).  What is left
        out has no influence on the scores of the others.

    Returns
    -------
    list of Hit
        Equal scores in the order of events, newest first.
    """
    if scope not in (None, "local", "shared"):
        raise InvalidOption(f"There is no scope {scope!r}.", "Use local or shared.")
    if k < 1:
        raise InvalidOption(f"k={k} asks for nothing.", "Use 1 or more.")
    mine = [] if scope == "shared" else read_local(repository)[0]
    team = [] if scope == "local" else read_shared(repository, at)[0]
    shared = {found.event.event_id for found in team}
    # What was migrated to the team's files is no note any more.
    mine = [f for f in mine if not (is_of_database(f.path) and f.event.event_id in shared)]
    links = _proposed(repository, mine, at)
    wanted = KINDS.get(type or "", type)
    among = set(domain_names(domains))
    chosen = [
        found
        for found in [*mine, *team]
        if found.event.event_type != "observation_proposed"
        and (wanted is None or found.event.event_type == wanted)
        and (not among or among & {d.casefold() for d in _list(found.event.data.get("domains"))})
        and (since_us is None or found.event.occurred_us >= since_us)
        and (until_us is None or found.event.occurred_us < until_us)
    ]
    # Newest first, and of one instant in a fixed order; sorting by score keeps it.
    chosen.sort(key=lambda f: (f.event.order, f.scope), reverse=True)
    scores = lexical(text, [spoken(found) for found in chosen])
    hits = [
        Hit(found, score, found.event.event_id in links)
        for found, score in zip(chosen, scores, strict=True)
        if score > 0 or not text.strip()
    ]
    return sorted(hits, key=lambda hit: -hit.score)[:k]


def _proposed(repository: Repository, mine: Sequence[Found], at: str) -> set[str]:
    """Return the identities of notes whose proposal is on a branch, or merged."""
    links = [f.event.data for f in mine if f.event.event_type == "observation_proposed"]
    if not links:
        return set()
    there = [*read_shared(repository, at)[0], *(found for _, found in proposed(repository, at))]
    known = {found.event.event_id for found in there}
    return {link["event"] for link in links if link["proposed_event"] in known}


def lexical(text: str, documents: Sequence[str]) -> list[float]:
    """Return the BM25 score of each document for a text.

    Examples
    --------
    >>> [round(s, 2) for s in lexical("patterns", ["a pattern", "patterns", "C++"])]
    [0.19, 0.19, 0.0]
    """
    tokens = [stems(document) for document in documents]
    asked = stems(text)
    if not asked or not any(tokens):
        return [0.0] * len(documents)
    import bm25s

    index = bm25s.BM25(method="lucene", k1=K1, b=B)
    index.index(tokens, show_progress=False)
    return [float(score) for score in index.get_scores(asked)]


def stems(text: str) -> list[str]:
    """Return the words of a text, plurals folded.

    Examples
    --------
    >>> stems("Policies for C++ classes in error_handling.py")
    ['policy', 'c++', 'classe', 'error_handling.py']
    """
    return [_stem(word) for word in words(text)]


def _stem(word: str) -> str:
    if len(word) > 4 and word.endswith("ies") and not word.endswith(("eies", "aies")):
        return f"{word[:-3]}y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("us", "ss")):
        return word[:-1]
    return word


def spoken(found: Found) -> str:
    """Return all that an event says in words."""
    return spoken_in(found.event.data)


def spoken_in(data: Mapping[str, Any]) -> str:
    """Return all that a payload says in words."""
    known = [part for key in _SPOKEN for part in _list(data.get(key))]
    # A name such as errors_as_values is found by its words, too.
    known += [part.replace("_", " ") for part in _list(data.get("pattern_name")) if "_" in part]
    if not known:
        known = [value for value in data.values() if isinstance(value, str)]
    return "\n".join(known)


def _list(value: Any) -> list[str]:
    if isinstance(value, list):
        return [item for item in value if isinstance(item, str)]
    return [value] if isinstance(value, str) else []


def table(hits: Sequence[Hit]) -> pd.DataFrame:
    """Return hits as a table.

    Returns
    -------
    pandas.DataFrame
        ``tag`` (LOCAL or SHARED), ``score``, ``event_type``, ``text``, ``domains``,
        ``author``, ``timestamp`` (UTC), ``id`` (for people), ``proposed``, ``source_file``,
        ``event_id`` (identity).
    """
    import pandas as pd

    columns = [
        *("tag", "score", "event_type", "text", "domains", "author", "timestamp", "id"),
        *("proposed", "source_file", "event_id"),
    ]
    return pd.DataFrame([hit.row() for hit in hits], columns=columns)
