"""Whether search finds what it should: questions with known answers, asked of the past alone.

A benchmark in which an answer is written after its question, or is named by it, measures how
well it leaks.  Such a one is refused, with the question's number.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from patina_lab.beliefs.embed import Embedder
from patina_lab.errors import CheckFailed, InvalidOption, UnknownName, UsageError
from patina_lab.eventlog.eventlog import Eventlog
from patina_lab.eventlog.progress import Progress, silent
from patina_lab.eventlog.times import begin_us
from patina_lab.events.identity import instant
from patina_lab.events.text import text_hash
from patina_lab.search.corpus import Segment, chosen, of_log
from patina_lab.search.scry import Part, ranked

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

BASELINE = "lexical"
_DRAWS = 2000
_SHORTEST_ID = 7


@dataclass(frozen=True)
class Question:
    """Something asked at a moment, and the events that answer it.

    Parameters
    ----------
    text : str
    expected : frozenset of str
        Identities of events; any of them is right.
    asked_us : int
        Microseconds since 1970: what happened from then on is not searched.
    group : str
        Questions of one group are drawn together by the bootstrap; by default each is its own.
    """

    text: str
    expected: frozenset[str]
    asked_us: int
    group: str = ""


def read(file: str | Path, log: Eventlog) -> list[Question]:
    """Read questions from a file of JSON lines.

    Parameters
    ----------
    file : path
        A line a question: ``{"query": "…", "expected": ["…"], "at": "2025-03-01"}``, and a
        ``group`` if there is one.  What is expected is named by an event id, its first
        digits, or a source's own id, such as a sha.
    log : Eventlog

    Raises
    ------
    UsageError
        A line cannot be read; it is named.
    UnknownName
        No event of the log, or more than one, is named so.
    """
    rows = log.query("SELECT event_id, source_id FROM eventlog ORDER BY seq").arrow()
    pairs = list(zip(rows.column(0).to_pylist(), rows.column(1).to_pylist(), strict=True))
    questions = []
    for number, line in enumerate(Path(file).read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            said: Mapping[str, Any] = json.loads(line)
            text, names, moment = said["query"], said["expected"], said["at"]
            asked_us = begin_us(moment)
        except (ValueError, KeyError, TypeError) as err:
            raise UsageError(
                f"Line {number} of {Path(file).name} is no question ({err!r}).",
                'Write {"query": "…", "expected": ["…"], "at": "2025-03-01"}.',
            ) from err
        expected = frozenset(_named(name, pairs, number) for name in names)
        questions.append(Question(text, expected, asked_us, str(said.get("group", ""))))
    return questions


def _named(name: str, pairs: Sequence[tuple[str, str]], number: int) -> str:
    found = {
        event_id
        for event_id, source_id in pairs
        if source_id == name
        or (len(name) >= _SHORTEST_ID and (event_id.startswith(name) or source_id.startswith(name)))
    }
    if len(found) != 1:
        raise UnknownName(
            f"Line {number} expects {name!r}, and {len(found)} events are named so.",
            "Give an event_id of log.df().",
        )
    return found.pop()


def evaluate(
    log: Eventlog,
    questions: Iterable[Question],
    *,
    embedder: Embedder | None = None,
    modes: Sequence[str] = (),
    index: str | None = None,
    k: int = 10,
    seed: int = 0,
    progress: Progress = silent,
) -> pd.DataFrame:
    """Ask each question of what was written before it, by every mode.

    Parameters
    ----------
    log : Eventlog
        Of ``lab.log``; its slice is searched.
    questions : iterable of Question
    embedder : Embedder or None
        None: words alone are judged.
    modes : sequence of str
        By default ``lexical`` (plain BM25) and, with an embedder, ``semantic`` and ``fusion``.
    index : {"exact", "hnsw", None}
    k : int
        How many hits somebody would look at.
    seed : int
        Of the bootstrap.
    progress : Progress

    Returns
    -------
    pandas.DataFrame
        One row a mode, the best first: ``mode, questions, groups, mrr, mrr_low, mrr_high,
        hit, hit_low, hit_high`` (an answer among the first k), ``first`` (at the first
        place), ``gain, gain_low, gain_high`` (mrr over plain BM25, paired).  Intervals are
        95 % percentile bootstraps over groups.  ``attrs``: digest, k, seed, model_hash.

    Raises
    ------
    CheckFailed
        The benchmark leaks; see `refuse_leaks`.
    UsageError
        There is no question.
    """
    asked = list(questions)
    if not asked:
        raise UsageError("There is no question.", "Give some: see patina_lab.search.evaluation.")
    if k < 1:
        raise InvalidOption(f"k={k} looks at nothing.", "Use 1 or more.")
    modes = tuple(modes) or ((BASELINE,) if embedder is None else (BASELINE, "semantic", "fusion"))
    segment = of_log(log.opened)
    inside = chosen(log.opened, segment, log.slice)
    refuse_leaks(asked, segment, inside)
    ranks = {mode: np.zeros(len(asked)) for mode in {BASELINE, *modes}}
    for n, question in enumerate(asked):
        part = Part(segment, inside & (segment.occurred < question.asked_us))
        for mode, found in ranks.items():
            listed = ranked(question.text, [part], mode=mode, embedder=embedder, index=index)
            right = [place for place, one in enumerate(listed, 1) if one in question.expected]
            found[n] = right[0] if right else np.inf
        progress("ask", n + 1, len(asked))
    table = _table(ranks, modes, [q.group or str(n) for n, q in enumerate(asked)], k, seed)
    table.attrs.update(
        digest=log.digest,
        k=k,
        seed=seed,
        model_hash=embedder.model_hash if embedder is not None else None,
    )
    return table


def refuse_leaks(
    questions: Sequence[Question], segment: Segment, inside: npt.NDArray[np.bool_]
) -> None:
    """Raise `CheckFailed` where an answer could be read off the question, or lies after it.

    Refused are: an answer from the question's own time or later; one that is not among what
    is searched; one with the same words as the question; one whose id the question names.
    """
    place = {event_id: n for n, event_id in enumerate(segment.ids)}
    for number, question in enumerate(questions, 1):
        if not question.expected:
            raise UsageError(f"Question {number} has no answer.", "Name the events it expects.")
        rows = []
        for event_id in sorted(question.expected):
            row = place.get(event_id)
            if row is None or not inside[row]:
                raise _leak(number, f"its answer {event_id[:12]} is not among what is searched")
            if segment.occurred[row] >= question.asked_us:
                when, asked = (
                    instant(int(us)) for us in (segment.occurred[row], question.asked_us)
                )
                raise _leak(number, f"its answer is of {when}, and it was asked at {asked}")
            rows.append(row)
        for document in segment.fetch(rows):
            if text_hash(document.text) == text_hash(question.text):
                raise _leak(number, "its answer has the same words")
            for name in (document.event_id, document.label):
                if len(name) >= _SHORTEST_ID and name[:_SHORTEST_ID] in question.text:
                    raise _leak(number, f"it names its answer {name[:12]}")


def _leak(number: int, why: str) -> CheckFailed:
    return CheckFailed(f"Question {number} leaks: {why}.", "Leave it out, or ask it later.")


def _table(
    ranks: Mapping[str, npt.NDArray[np.float64]],
    modes: Sequence[str],
    groups: Sequence[str],
    k: int,
    seed: int,
) -> pd.DataFrame:
    import pandas as pd

    names = sorted(set(groups))
    number = {name: n for n, name in enumerate(names)}
    of = np.array([number[name] for name in groups])
    sizes = np.bincount(of, minlength=len(names)).astype(float)
    draws = np.random.default_rng(seed).integers(0, len(names), (_DRAWS, len(names)))

    def interval(values: npt.NDArray[np.float64]) -> tuple[float, float, float]:
        sums = np.bincount(of, weights=values, minlength=len(names))
        drawn = sums[draws].sum(axis=1) / sizes[draws].sum(axis=1)
        low, high = np.quantile(drawn, [0.025, 0.975])
        return float(values.mean()), float(low), float(high)

    rows = []
    for mode in modes:
        mrr = 1 / ranks[mode]
        row: dict[str, Any] = {"mode": mode, "questions": len(groups), "groups": len(names)}
        for name, values in (
            ("mrr", mrr),
            ("hit", (ranks[mode] <= k).astype(float)),
            ("gain", mrr - 1 / ranks[BASELINE]),
        ):
            row[name], row[f"{name}_low"], row[f"{name}_high"] = interval(values)
        row["first"] = float((ranks[mode] == 1).mean())
        rows.append(row)
    columns = [
        *("mode", "questions", "groups", "mrr", "mrr_low", "mrr_high", "hit", "hit_low"),
        *("hit_high", "first", "gain", "gain_low", "gain_high"),
    ]
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values(["mrr", "mode"], ascending=[False, True], ignore_index=True)
