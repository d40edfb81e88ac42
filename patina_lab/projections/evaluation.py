"""Whether what was learned before a moment says anything about what came after it.

A projection of the training slice is used as a recommender on the validation slice, beside
plain baselines on the very same questions.  A split that leaks is refused.
"""

from __future__ import annotations

import numbers
import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from patina_lab.errors import CheckFailed, InvalidOption, UsageError
from patina_lab.projections import registry
from patina_lab.projections.projection import Projection, inputs
from patina_lab.projections.rel import Rel

if TYPE_CHECKING:
    import pandas as pd


class Log(Protocol):
    """What an evaluation needs of a log's slice."""

    @property
    def digest(self) -> str:
        """Hash over its rows."""

    def rel(self, name: str) -> Rel:
        """Return one of its relations."""

    def query(self, sql: str) -> Rel:
        """Return what a SELECT makes of them."""


Ranking = Callable[[str], list[str]]
"""A file -> the other files, best first."""


@dataclass(frozen=True)
class Question:
    """One file of a later commit, and the files that changed with it."""

    commit: int
    file: str
    others: frozenset[str]


def evaluate(
    projection: Projection | str,
    train: Log,
    valid: Log,
    metric: str = "mrr",
    *,
    k: int = 10,
    max_files: int = 50,
    seed: int = 0,
    **params: object,
) -> pd.DataFrame:
    """Ask of each later commit which files change with one of them, and compare the answers.

    Parameters
    ----------
    projection : Projection or str
        Or the name of one.  Gives ``file_a, file_b`` and a strength (``confidence_a`` and
        ``confidence_b``, one for each direction, or else its last numeric column):
        `co_changes`, or one of your own.
    train, valid : Eventlog
        Of ``log.split(t)``: every event of `train` is before every event of `valid`.
    metric : {"mrr", "recall"}
        By which the methods are ordered; both are in the table.
    k : int
        For ``recall``: how many recommendations somebody would look at.
    max_files : int
        Leave out later commits with more files, and with fewer than two.
    seed : int
        Of the bootstrap.
    **params
        Of the projection.

    Returns
    -------
    pandas.DataFrame
        One row a method (the projection, ``popularity``, ``same folder``, ``chance``):
        ``method, questions, commits, mrr, mrr_low, mrr_high, recall, recall_low,
        recall_high, known``.  Intervals are 95 % percentile bootstraps over commits.
        ``known`` is the share of right answers that the training slice has ever seen: no
        method can find the rest.  ``attrs`` hold both digests, k and the parameters.

    Raises
    ------
    InvalidOption
        A metric, a number, a projection or a slice that is none.
    CheckFailed
        The slices overlap in time: the answers would be in the index.
    UsageError
        There is nothing to ask, or the projection gives no pairs of files.

    Notes
    -----
    ``mrr`` is the mean of 1 / rank of the first right answer, 0 where there is none.
    ``recall`` is the mean share of right answers among the first k.  Ties are broken by
    path, so that a table can be made again.
    """
    if metric not in ("mrr", "recall"):
        raise InvalidOption(f"{metric!r} is no metric.", "Use mrr or recall.")
    for name, value, least in (("k", k, 1), ("max_files", max_files, 2), ("seed", seed, 0)):
        if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < least:
            raise InvalidOption(
                f"{name}={value!r} is no integer from {least}.", f"Use {least} or more."
            )
    if isinstance(projection, str):
        projection = registry.find(projection)
    if not isinstance(projection, Projection):
        raise InvalidOption(
            f"{getattr(projection, '__name__', repr(projection))} is no projection.",
            "Give one, such as pt.co_changes; @pt.projection makes one of a function.",
        )
    train, valid = (getattr(log, "log", log) for log in (train, valid))  # a lab has its log
    for log in (train, valid):
        if not hasattr(log, "query"):
            raise InvalidOption(
                f"What was given, of the type {type(log).__name__}, is no slice of a log.",
                "Use train, valid = lab.log.split(moment).",
            )
    refuse_leak(train, valid)
    questions = _questions(valid, max_files)
    if not questions:
        raise UsageError(
            f"No commit of the validation slice has 2 to {max_files} files: nothing can be asked.",
            "Split at an earlier moment, or raise max_files.",
        )
    counts = _counts(train)
    methods: dict[str, Ranking] = {
        projection.name: _by_pairs(projection, train, params),
        "popularity": _popularity(counts),
        "same folder": _same_folder(counts),
        "chance": _chance(counts, seed),
    }
    return _table(methods, questions, counts, metric, k, seed, train, valid, params)


def refuse_leak(train: Log, valid: Log) -> None:
    """Raise `CheckFailed` where an event of `train` is not before all of `valid`."""
    last = (
        train.query("SELECT max(occurred_us) AS us FROM eventlog").arrow().column("us")[0].as_py()
    )
    first = (
        valid.query("SELECT min(occurred_us) AS us FROM eventlog").arrow().column("us")[0].as_py()
    )
    if last is not None and first is not None and last >= first:
        from patina_lab.events.identity import instant

        raise CheckFailed(
            f"The training slice reaches to {instant(last)}, and the validation slice begins "
            f"at {instant(first)}: it would be asked what it has seen.",
            "Use train, valid = log.split(moment).",
        )


def _questions(valid: Log, max_files: int) -> list[Question]:
    rows = valid.query(
        "SELECT DISTINCT seq, path FROM touches "
        f"WHERE files BETWEEN 2 AND {int(max_files)} AND change <> 'D' ORDER BY seq, path"
    ).arrow()
    files: dict[int, list[str]] = {}
    for seq, path in zip(rows.column(0).to_pylist(), rows.column(1).to_pylist(), strict=True):
        files.setdefault(seq, []).append(path)
    return [
        Question(seq, path, frozenset(paths) - {path})
        for seq, paths in files.items()
        if len(paths) > 1
        for path in paths
    ]


def _counts(train: Log) -> dict[str, int]:
    rows = train.query(
        "SELECT path, count(DISTINCT seq) AS n FROM touches GROUP BY path ORDER BY n DESC, path"
    ).arrow()
    return dict(zip(rows.column(0).to_pylist(), rows.column(1).to_pylist(), strict=True))


def _by_pairs(projection: Projection, train: Log, params: Mapping[str, object]) -> Ranking:
    made = projection(*inputs(projection.function, train), **params).df()
    if not {"file_a", "file_b"} <= set(made.columns):
        raise UsageError(
            f"{projection.name} gives no pairs of files (its columns: {', '.join(made.columns)}).",
            "Evaluate a projection with the columns file_a, file_b and a strength.",
        )
    if {"confidence_a", "confidence_b"} <= set(made.columns):
        # Given file_a, how likely is file_b: each direction has its own.
        forth, back = "confidence_a", "confidence_b"
    else:
        strengths = made.select_dtypes("number").columns
        if not len(strengths):
            raise UsageError(
                f"{projection.name} says of no pair of files how strong it is.",
                "Give one numeric column more, such as count.",
            )
        forth = back = strengths[-1]
    near: dict[str, list[tuple[float, str]]] = {}
    for a, b, there, here in made[["file_a", "file_b", forth, back]].itertuples(index=False):
        near.setdefault(a, []).append((-there, b))
        near.setdefault(b, []).append((-here, a))
    ranked = {path: [other for _, other in sorted(pairs)] for path, pairs in near.items()}
    return lambda path: ranked.get(path, [])


def _popularity(counts: Mapping[str, int]) -> Ranking:
    ranked = sorted(counts, key=lambda path: (-counts[path], path))
    return lambda _: ranked


def _same_folder(counts: Mapping[str, int]) -> Ranking:
    folders: dict[str, list[str]] = {}
    for path in sorted(counts, key=lambda path: (-counts[path], path)):
        folders.setdefault(posixpath.dirname(path), []).append(path)
    return lambda path: folders.get(posixpath.dirname(path), [])


def _chance(counts: Mapping[str, int], seed: int) -> Ranking:
    import numpy as np

    paths = sorted(counts)
    shuffled = [paths[i] for i in np.random.default_rng(seed).permutation(len(paths))]
    return lambda _: shuffled


def _table(
    methods: Mapping[str, Ranking],
    questions: list[Question],
    counts: Mapping[str, int],
    metric: str,
    k: int,
    seed: int,
    train: Log,
    valid: Log,
    params: Mapping[str, object],
) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    commits = sorted({q.commit for q in questions})
    index = {commit: i for i, commit in enumerate(commits)}
    of = np.array([index[q.commit] for q in questions])
    asked = np.bincount(of, minlength=len(commits)).astype(float)
    known = np.mean([len(q.others & counts.keys()) / len(q.others) for q in questions])
    draws = np.random.default_rng(seed).integers(0, len(commits), (999, len(commits)))
    rows = []
    for name, rank in methods.items():
        scores = np.array([_score(rank, q, k) for q in questions])
        row: dict[str, object] = {
            "method": name,
            "questions": len(questions),
            "commits": len(commits),
        }
        for i, what in enumerate(("mrr", "recall")):
            # Whole commits are drawn: the questions of one commit are not independent.
            sums = np.bincount(of, weights=scores[:, i], minlength=len(commits))
            drawn = sums[draws].sum(axis=1) / asked[draws].sum(axis=1)
            row[what] = float(scores[:, i].mean())
            row[f"{what}_low"], row[f"{what}_high"] = map(float, np.quantile(drawn, [0.025, 0.975]))
        rows.append({**row, "known": float(known)})
    table = pd.DataFrame(rows)
    table = table.sort_values([metric, "method"], ascending=[False, True], ignore_index=True)
    table.attrs.update(train=train.digest, valid=valid.digest, k=k, seed=seed, params=dict(params))
    return table


def _score(rank: Ranking, question: Question, k: int) -> tuple[float, float]:
    """Return 1 / rank of the first right answer, and the share found among the first k."""
    place = 0
    found = 0
    first = 0.0
    for other in rank(question.file):
        if other == question.file:
            continue
        place += 1
        if other in question.others:
            first = first or 1 / place
            found += place <= k
        if place >= k and first:
            break
    return first, found / len(question.others)
