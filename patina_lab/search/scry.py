"""`scry`: what was known about something, best first, each hit with its reason.

::

    question ─ words ──── BM25 over the chosen part ──── rank ─┐
             └ vector ─── cosines over the same part ─── rank ─┴ reciprocal ranks ── hits

Only what the slice has is asked, and nothing else counts: a text from after the slice's end
changes no score and no order.  Other projects *suggest*: what is counted is counted over this
project alone, a persona's text gets the rank that it would have among the project's, and its
score is multiplied by 0.95; so it stands beside the project's own hits, and moves none of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from patina_lab.beliefs.embed import Embedder
from patina_lab.beliefs.embed.cache import CachedEmbedder
from patina_lab.errors import InvalidOption
from patina_lab.events.identity import instant
from patina_lab.events.text import text_hash
from patina_lab.project.words import stems
from patina_lab.search.corpus import Document, Segment
from patina_lab.search.fusion import reciprocal
from patina_lab.search.lexical import Statistics, scores, terms_of

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

MODES = ("auto", "lexical", "semantic", "fusion")
PERSONA = 0.95
"""What a hit from another project weighs."""

DEPTH = 200
"""Ranks of a list that are fused; further ones say little."""

LEAST_COSINE = 0.2
"""Below it two texts have nothing to do with each other, and a rank would mean nothing."""

_WIDTH = 160
_DAY_US = 86_400_000_000
_WORD = re.compile(r"\S+")

COLUMNS = {
    "tag": "PROJECT, or PERSONA for what another project knows",
    "score": "comparable within one answer: BM25, cosine, or the sum of 1 / (60 + rank)",
    "event_type": "text",
    "text": "the part of the text that fits best, at most about 160 characters",
    "reason": "why it is a hit, for people",
    "same": "integer: how many others that were asked say the same, in the same way (type, scope); "
    "the best of them is shown, of equals the newest.  Missing where they are not folded",
    "words": "list of text: words of the question that it has, plurals folded",
    "lexical_rank": "integer or missing: 1 is the best by words",
    "semantic_rank": "integer or missing: 1 is the nearest by meaning",
    "cosine": "number -1..1 or missing",
    "scope": "shared (an event file), local (a note of yours), persona, or log",
    "project": "text: where a persona's hit comes from, else empty",
    "domains": "list of text",
    "author": "text",
    "timestamp": "UTC",
    "age_days": "number: before the newest event that was asked",
    "id": "text, for people: sha, session, display id",
    "source_file": "text",
    "event_id": "text, identity",
}

_TYPES: dict[str, Any] = {
    **dict.fromkeys(["tag", "event_type", "text", "reason", "scope", "project", "author"], "str"),
    **dict.fromkeys(["id", "source_file", "event_id"], "str"),
    **dict.fromkeys(["score", "age_days"], "float64"),
    **dict.fromkeys(["same", "lexical_rank", "semantic_rank"], "Int64"),
    **dict.fromkeys(["words", "domains"], "object"),
    "cosine": "Float64",
    "timestamp": "datetime64[us, UTC]",
}


@dataclass(frozen=True)
class Part:
    """A segment, and which of its rows are asked.

    Parameters
    ----------
    segment : Segment
    chosen : numpy.ndarray
        bool, rows.
    """

    segment: Segment
    chosen: npt.NDArray[np.bool_]

    @property
    def persona(self) -> bool:
        """Whether it is another project's."""
        return self.segment.scope == "persona"


@dataclass(frozen=True)
class Hit:
    """A document that answers, and why.

    Parameters
    ----------
    document : Document
    score : float
    words : tuple of str
        Words of the question that it has.
    lexical_rank, semantic_rank : int or None
    cosine : float or None
    age_days : float
    same : int or None
        How many others say the same; None: not folded.
    """

    document: Document
    score: float
    words: tuple[str, ...]
    lexical_rank: int | None
    semantic_rank: int | None
    cosine: float | None
    age_days: float
    same: int | None = None

    @property
    def tag(self) -> str:
        """``PROJECT`` or ``PERSONA``."""
        return "PERSONA" if self.document.scope == "persona" else "PROJECT"

    @property
    def reason(self) -> str:
        """Why it is a hit, in a few words."""
        said = []
        if self.words:
            rank = f" ({_place(self.lexical_rank)})" if self.lexical_rank else ""
            said.append(f"has {', '.join(self.words)}{rank}")
        if self.cosine is not None:
            rank = f" ({_place(self.semantic_rank)})" if self.semantic_rank else ""
            said.append(f"cosine {self.cosine:.2f}{rank}")
        if self.tag == "PERSONA":
            said.append(f"from {self.document.project or 'another project'}")
        if self.same:
            said.append("1 other says so" if self.same == 1 else f"{self.same:,} others say so")
        return "; ".join(said) or "newest first"

    @property
    def shown(self) -> str:
        """The part of the text that fits best; the name of a domain alone tells nothing."""
        lines = self.document.text.splitlines()
        said = [line for line in lines if line.strip() not in self.document.domains]
        return snippet("\n".join(said or lines), self.words)

    def row(self) -> dict[str, Any]:
        """Return the hit as a row of `table`."""
        d = self.document
        return {
            "tag": self.tag,
            "score": round(self.score, 6),
            "event_type": d.event_type,
            "text": self.shown,
            "reason": self.reason,
            "same": self.same,
            "words": list(self.words),
            "lexical_rank": self.lexical_rank,
            "semantic_rank": self.semantic_rank,
            "cosine": None if self.cosine is None else round(self.cosine, 6),
            "scope": d.scope,
            "project": d.project,
            "domains": list(d.domains),
            "author": d.author,
            "timestamp": instant(d.occurred_us),
            "age_days": round(self.age_days, 3),
            "id": d.label,
            "source_file": d.source_file,
            "event_id": d.event_id,
        }

    def __str__(self) -> str:
        d = self.document
        said = ", ".join(filter(None, [d.label, d.author, f"{instant(d.occurred_us):%Y-%m-%d}"]))
        return f"[{self.tag}] {self.shown}  ({said}; {self.reason})"


@dataclass(frozen=True)
class Answer:
    """Hits, and how they were found.

    Parameters
    ----------
    question : str
    mode : str
        ``lexical``, ``semantic`` or ``fusion``.
    hits : tuple of Hit
    asked : int
        Texts that could have been a hit.
    notices : tuple of str
        What was left out, and how to have it.
    provenance : mapping
        Digest, model, index: what the answer depends on.
    """

    question: str
    mode: str
    hits: tuple[Hit, ...]
    asked: int
    notices: tuple[str, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def table(self) -> pd.DataFrame:
        """Return one row a hit, best first; columns as in `COLUMNS`.

        ``attrs`` hold the question, the mode, how many texts were asked, the notices, and
        what the answer depends on.
        """
        import pandas as pd

        rows = [hit.row() for hit in self.hits]
        # Column by column: a table without a row has the same types.
        made = {name: pd.array([row[name] for row in rows], kind) for name, kind in _TYPES.items()}
        table = pd.DataFrame({name: made[name] for name in COLUMNS}, copy=False)
        table.attrs.update(
            question=self.question,
            mode=self.mode,
            asked=self.asked,
            notices=list(self.notices),
            **self.provenance,
        )
        return table


def scry(
    question: str,
    parts: Sequence[Part],
    *,
    k: int = 10,
    mode: str = "lexical",
    embedder: Embedder | None = None,
    index: str | None = None,
    notices: Iterable[str] = (),
    provenance: Mapping[str, Any] | None = None,
    fold: bool = False,
) -> Answer:
    """Answer a question from parts of a corpus.

    Parameters
    ----------
    question : str
        Words; empty for everything, newest first.
    parts : sequence of Part
    k : int
        At most so many hits; not more than half of them a persona's where the project has
        enough of its own.
    mode : {"lexical", "semantic", "fusion"}
    embedder : Embedder or None
        For the last two; parts whose vectors were not made are then embedded.
    index : {"exact", "hnsw", None}
        See `patina_lab.search.index.index`.
    notices, provenance
        As in `Answer`.
    fold : bool
        Show one of those that say the same, the first, and count the others.  What says the
        same: texts with the same hash (`patina_lab.events.text.text_hash`), of one type, scope
        and project.  The list of an empty question is not folded.

    Returns
    -------
    Answer
        Equal scores: the project's before a persona's, then the newest, then by identity.
    """
    if not isinstance(question, str):
        raise InvalidOption(f"The question {question!r} is no text.", "Ask in words.")
    if not isinstance(k, int) or k < 1:
        raise InvalidOption(f"k={k} asks for nothing.", "Use a whole number, 1 or more.")
    if mode not in MODES[1:]:
        raise InvalidOption(f"There is no mode {mode!r}.", f"Use {', '.join(MODES)}.")
    if mode != "lexical" and embedder is None:
        raise InvalidOption(f"The mode {mode!r} needs an embedder.", "Give one, or use lexical.")
    asked = sum(int(part.chosen.sum()) for part in parts)
    if not asked:
        notices = [*notices, "No text was asked: none has that type, scope, domain and time."]
    if not question.strip():
        found = _newest(parts, k)
        return Answer(question, "lexical", found, asked, tuple(notices), dict(provenance or {}))
    words, near = _rankings(question, parts, mode, embedder, index, max(DEPTH, k))
    scored = _scored(parts, [r for r in (words, near) if r is not None], max(DEPTH, k))
    newest = _newest_us(parts)
    terms = terms_of(question)
    others: list[int | None] = [None] * k
    if fold:
        best, others[:] = _folded(parts, scored, k)
    else:
        best = _with_room(scored, k)
    hits = [
        Hit(
            document,
            -minus,
            _had(parts[p].segment, row, terms) if words else (),
            words.rank(p, row) if words else None,
            near.rank(p, row) if near else None,
            _cosine(near, p, row, parts[p]) if near else None,
            max(0.0, (newest - document.occurred_us) / _DAY_US),
            same,
        )
        for (minus, _, _, _, p, row), document, same in zip(
            best,
            _fetched(parts, [(p, row) for *_, p, row in best]),
            others[: len(best)],
            strict=True,
        )
    ]
    return Answer(question, mode, tuple(hits), asked, tuple(notices), dict(provenance or {}))


def ranked(
    question: str,
    parts: Sequence[Part],
    *,
    k: int = DEPTH,
    mode: str = "lexical",
    embedder: Embedder | None = None,
    index: str | None = None,
) -> list[str]:
    """Return the identities of the best k, best first: `scry` without reading a text."""
    words, near = _rankings(question, parts, mode, embedder, index, max(DEPTH, k))
    scored = _scored(parts, [r for r in (words, near) if r is not None], max(DEPTH, k))
    return [event_id for _, _, _, event_id, _, _ in _with_room(scored, k)]


def _rankings(
    question: str,
    parts: Sequence[Part],
    mode: str,
    embedder: Embedder | None,
    index: str | None,
    depth: int,
) -> tuple[_Ranked | None, _Ranked | None]:
    words = _Ranked(parts, _lexical(question, parts)) if mode != "semantic" else None
    if mode == "lexical" or embedder is None:
        return words, None
    return words, _Ranked(parts, _semantic(question, parts, embedder, index, depth))


_Scored = tuple[float, bool, int, str, int, int]


def _scored(parts: Sequence[Part], rankings: Sequence[_Ranked], depth: int) -> list[_Scored]:
    """Return the candidates as (-score, persona, -time, identity, part, row), best first."""
    scored: list[_Scored] = []
    for p, part in enumerate(parts):
        segment = part.segment
        rows = np.unique(np.concatenate([r.rows(p, depth) for r in rankings]))
        if len(rankings) == 1:
            scores = rankings[0].raw[p][rows]
        else:
            scores = reciprocal([r.ranks(p, rows) for r in rankings])
            scores = scores * PERSONA if part.persona else scores
        times = segment.occurred[rows]
        scored += [
            (-score, part.persona, -when, segment.ids[row], p, row)
            for score, when, row in zip(scores.tolist(), times.tolist(), rows.tolist(), strict=True)
        ]
    return sorted(scored)


def _with_room(scored: Sequence[_Scored], k: int) -> list[_Scored]:
    """Return the first k, at most half of them a persona's while the project has others."""
    guests = [one for one in scored if one[1]][: k // 2]
    own = [one for one in scored if not one[1]][: k - len(guests)]
    more = [one for one in scored if one[1]][k // 2 : k - len(own)]
    return sorted([*own, *guests, *more])


def _folded(
    parts: Sequence[Part], scored: Sequence[_Scored], k: int
) -> tuple[list[_Scored], list[int | None]]:
    """Return the first k that say something else each, and how many others say the same.

    A text is looked at only where another one has the same words.
    """
    shown: list[_Scored] = []
    said: dict[_Scored, int] = {}
    gone: set[tuple[int, int]] = set()
    room = {False: k, True: k}
    keys: dict[tuple[int, int], tuple[str, ...]] = {}
    for n, one in enumerate(scored):
        _, persona, _, _, p, row = one
        if (p, row) in gone or not room[persona]:
            continue
        alike = _alike(parts[p], row)
        same = [row]
        if len(alike) > 1:
            if (p, row) not in keys:  # those of the next ones too: a part is asked once for many
                ahead = {other for *_, q, other in scored[n : n + 4 * k] if q == p}
                found = [rows for rows in (_alike(parts[p], r) for r in ahead) if len(rows) > 1]
                rows = sorted({r for some in found for r in some if (p, r) not in keys})
                for r, document in zip(rows, parts[p].segment.fetch(rows), strict=True):
                    keys[p, r] = _says(document)
            same = [other for other in alike if keys[p, other] == keys[p, row]]
        gone.update((p, other) for other in same)
        said[one] = len(same) - 1
        shown.append(one)
        room[persona] -= 1
    best = _with_room(shown, k)
    return best, [said[one] for one in best]


def _alike(part: Part, row: int) -> list[int]:
    """Return the chosen rows that have the same words as a chosen one, itself among them."""
    bags = part.segment.bags
    found: list[int] = np.nonzero(part.chosen & (bags == bags[row]))[0].tolist()
    return found


def _says(document: Document) -> tuple[str, str, str, str]:
    """Return what a document says, and how: those that have it in common are one hit."""
    return document.event_type, document.scope, document.project, text_hash(document.text)


class _Ranked:
    """Scores of one kind over all parts, and the ranks that follow from them.

    ``raw`` holds a score a row, 0 where it is no candidate; a persona's are multiplied
    already.  Equal scores have one rank; a persona's text stands behind as many of the
    project's as score higher, and texts of personas in one such gap in their own order.
    """

    def __init__(self, parts: Sequence[Part], raw: Sequence[npt.NDArray[np.float64]]) -> None:
        self.raw = raw
        own = [r[r > 0] for part, r in zip(parts, raw, strict=True) if not part.persona]
        guests = [r[r > 0] for part, r in zip(parts, raw, strict=True) if part.persona]
        self._own = np.sort(np.concatenate(own)) if own else np.empty(0)
        self._guests = np.sort(np.concatenate(guests)) if guests else np.empty(0)
        self._persona = [part.persona for part in parts]

    def ranks(self, part: int, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Return 1 + how many of the project's own rows score higher; infinite without a rank.

        That of a persona's text has a fraction: its place among personas.
        """
        score = self.raw[part][rows]
        ranks = 1.0 + len(self._own) - np.searchsorted(self._own, score, side="right")
        if self._persona[part]:
            better = len(self._guests) - np.searchsorted(self._guests, score, side="right")
            ranks = ranks + better / (1 + len(self._guests))
        return np.where(score > 0, ranks, np.inf)

    def rank(self, part: int, row: int) -> int | None:
        """Return the rank of a row, for people; None if it has none."""
        (rank,) = self.ranks(part, np.array([row]))
        return int(rank) if np.isfinite(rank) else None

    def rows(self, part: int, depth: int) -> npt.NDArray[np.int64]:
        """Return the rows that are candidates: the first ranks."""
        raw = self.raw[part]
        least = self._own[-depth] if len(self._own) > depth else 0.0
        return np.nonzero((raw > 0) & (raw >= least))[0]


def _lexical(question: str, parts: Sequence[Part]) -> list[npt.NDArray[np.float64]]:
    terms = terms_of(question)
    own = [(part.segment.postings, part.chosen) for part in parts if not part.persona]
    known = Statistics.of(own, terms)
    if not known.texts:  # nothing of one's own: what others know is counted over themselves
        known = Statistics.of([(part.segment.postings, part.chosen) for part in parts], terms)
    return [
        scores(part.segment.postings, part.chosen, terms, known)
        * (PERSONA if part.persona else 1.0)
        for part in parts
    ]


def _semantic(
    question: str,
    parts: Sequence[Part],
    embedder: Embedder,
    kind: str | None,
    depth: int,
) -> list[npt.NDArray[np.float64]]:
    # A question is rarely asked twice: it is not kept.
    asking = embedder.embedder if isinstance(embedder, CachedEmbedder) else embedder
    (query,) = asking.embed([question])
    found = []
    for part in parts:
        raw = np.zeros(len(part.segment))
        if part.chosen.any():
            vectors = part.segment.embed(embedder, kind)
            rows, cosines = vectors.search(query, depth, part.chosen)
            near = cosines >= LEAST_COSINE
            raw[rows[near]] = cosines[near] * (PERSONA if part.persona else 1.0)
        # A text without words has a vector like any other, and says nothing.
        raw[part.segment.postings.lengths == 0] = 0.0
        found.append(raw)
    return found


def _newest(parts: Sequence[Part], k: int) -> tuple[Hit, ...]:
    rows = [
        (part.persona, -int(part.segment.occurred[row]), part.segment.ids[row], p, row)
        for p, part in enumerate(parts)
        for row in np.nonzero(part.chosen & (part.segment.postings.lengths > 0))[0][-k:].tolist()
    ]
    newest = _newest_us(parts)
    best = sorted(rows)[:k]
    found = _fetched(parts, [(p, row) for *_, p, row in best])
    return tuple(
        Hit(document, 0.0, (), None, None, None, (newest + minus) / _DAY_US)
        for (_, minus, *_), document in zip(best, found, strict=True)
    )


def _fetched(parts: Sequence[Part], places: Sequence[tuple[int, int]]) -> list[Document]:
    """Return the documents of (part, row), asking each part once."""
    wanted = {
        p: parts[p].segment.fetch([row for q, row in places if q == p])
        for p in sorted({p for p, _ in places})
    }
    return [wanted[p].pop(0) for p, _ in places]


def _newest_us(parts: Sequence[Part]) -> int:
    times = [int(p.segment.occurred[p.chosen].max()) for p in parts if p.chosen.any()]
    return max(times, default=0)


def _had(segment: Segment, row: int, terms: Sequence[str]) -> tuple[str, ...]:
    had = []
    for term in terms:
        rows, _ = segment.postings.of_term(term)
        place = int(np.searchsorted(rows, row))
        if place < len(rows) and rows[place] == row:
            had.append(term)
    return tuple(had)


def _cosine(near: _Ranked, part: int, row: int, of: Part) -> float | None:
    score = float(near.raw[part][row])
    if not score > 0:
        return None
    return score / PERSONA if of.persona else score


def _place(rank: int | None) -> str:
    assert rank is not None
    ending = "th" if 10 <= rank % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(rank % 10, "th")
    return f"{rank}{ending}"


def snippet(text: str, words: Sequence[str], width: int = _WIDTH) -> str:
    """Return the line of a text with most of these words, or the part of it that has them.

    Examples
    --------
    >>> snippet("One. Two words about caches here. Three.", ["cache"], width=24)
    '… words about caches …'
    """
    wanted = set(words)
    lines = [one for one in text.splitlines() if one.strip()]
    if not lines:
        return ""
    # The first of equals: it is what the text is about.
    text = max(lines, key=lambda one: len(wanted.intersection(stems(one))))
    found = list(_WORD.finditer(text))
    line = " ".join(match.group() for match in found)
    if len(line) <= width:
        return line
    has = [bool(wanted) and bool(wanted.intersection(stems(match.group()))) for match in found]
    sizes = [len(match.group()) + 1 for match in found]
    best, best_start, best_stop = -1, 0, 0
    start = used = hits = 0
    for stop, size in enumerate(sizes):
        used += size
        hits += has[stop]
        while used > width - 4 and start < stop:
            used -= sizes[start]
            hits -= has[start]
            start += 1
        if hits > best:
            best, best_start, best_stop = hits, start, stop + 1
    # Words in the middle are read best: the window of the first best end may still grow.
    while best_stop < len(found) and sum(sizes[best_start : best_stop + 1]) <= width - 4:
        best_stop += 1
    cut = " ".join(match.group() for match in found[best_start:best_stop])
    before = "\N{HORIZONTAL ELLIPSIS} " if best_start else ""
    after = " \N{HORIZONTAL ELLIPSIS}" if best_stop < len(found) else ""
    return f"{before}{cut[: width - 4]}{after}"
