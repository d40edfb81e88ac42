"""Causality: commits that follow a decision, beside what chance would give.

What is computed is *association*.  A commit that comes after a decision and speaks of the
same things may carry it out, or may merely come after it.

reads   decisions: seq, occurred_us, source_id, content
        commits: seq, occurred_us, sha, message
        touches: seq, path
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from patina_lab.errors import InvalidOption
from patina_lab.projections.projection import projection
from patina_lab.projections.rel import Computed, Rel, compute
from patina_lab.projections.terms import words

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

_DAY_US = 86_400_000_000


@projection(
    needs={
        "decisions": ("seq", "occurred_us", "source_id", "content"),
        "commits": ("seq", "occurred_us", "sha", "message"),
    },
    columns={
        "decision_seq": "integer, the decision's seq",
        "commit_seq": "integer, the commit's seq",
        "source_id": "text, session or event id of the decision",
        "decision": "text",
        "sha": "text",
        "message": "text, first line",
        "lag_days": "number, from decision to commit; negative before it",
    },
)
def causality(
    decisions: Rel, commits: Rel, *, days_before: float = 0, days_after: float = 14
) -> Rel:
    """Pair each decision with the commits of the window after it (and, if asked, before).

    Parameters
    ----------
    decisions, commits : Rel
    days_before, days_after : float
        The window around the decision.  A commit at the very instant of the decision is
        part of ``days_before``.

    Returns
    -------
    Rel
        One row a decision and commit, by decision and lag.  Read it beside
        :func:`causality_null`.
    """
    if days_before < 0 or days_after <= 0:
        raise InvalidOption(
            f"days_before={days_before}, days_after={days_after} is no window.",
            "Use days_before >= 0 and days_after > 0.",
        )
    return decisions.query(
        f"""
        SELECT d.seq AS decision_seq, c.seq AS commit_seq, d.source_id, d.content AS decision,
               c.sha, split_part(c.message, chr(10), 1) AS message,
               CAST(c.occurred_us - d.occurred_us AS DOUBLE) / CAST({_DAY_US} AS DOUBLE)
                   AS lag_days
        FROM decisions d
        JOIN commits c
            ON c.occurred_us > d.occurred_us - {round(days_before * _DAY_US) + (days_before > 0)}
            AND c.occurred_us <= d.occurred_us + {round(days_after * _DAY_US)}
        ORDER BY d.seq, lag_days, c.seq
        """,
        commits=commits,
    )


@projection(
    needs={
        "decisions": ("seq", "occurred_us", "content"),
        "commits": ("seq", "occurred_us", "message"),
        "touches": ("seq", "path"),
    },
    columns={
        "statistic": "text: what is counted",
        "decisions": "integer, decisions that could be judged",
        "observed": "number, mean a decision",
        "null_mean": "number, mean of the same under shifted times",
        "null_low": "number, 2.5th percentile under shifted times",
        "null_high": "number, 97.5th percentile",
        "effect": "number: observed - null_mean",
        "effect_low": "number, lower end of a 95 % interval (bootstrap over decisions)",
        "effect_high": "number, upper end",
        "p": "fraction 0..1, one-sided: shifts that reach the observed value",
        "shifts": "integer, how many times were shifted",
    },
)
def causality_null(
    decisions: Rel,
    commits: Rel,
    touches: Rel,
    *,
    days_after: float = 14,
    shifts: int = 999,
    seed: int = 0,
) -> Computed:
    """Compare what follows decisions with what follows the same decisions at other times.

    Parameters
    ----------
    decisions, commits, touches : Rel
    days_after : float
        The window after a decision.
    shifts : int
        How many random shifts make the null distribution.
    seed : int
        Of the shifts and of the bootstrap; the same seed gives the same table.

    Returns
    -------
    Computed
        Two rows: ``commits`` (how many commits follow) and ``related`` (how many of them
        share a word of the decision in their message or in a path).

    Notes
    -----
    All decisions are shifted together by one random length, around the span of the commits
    as around a clock (Politis & Romano 1992 give the circular idea).  Shifting keeps the
    rhythm of both series and breaks only their alignment, so bursts of work do not look
    like effects.  ``p = (1 + #{null >= observed}) / (1 + shifts)``.  Decisions whose window
    leaves the span of the commits are not judged.  A small p says that commits gather after
    decisions; it does not say why.
    """
    if shifts < 1:
        raise InvalidOption(f"shifts={shifts} gives no null distribution.", "Use 99 or more.")
    d = decisions.query("SELECT seq, occurred_us, content FROM decisions ORDER BY seq")
    c = commits.query("SELECT seq, occurred_us, message FROM commits ORDER BY occurred_us, seq")
    t = touches.query("SELECT DISTINCT seq, path FROM touches ORDER BY seq, path")
    window = round(days_after * _DAY_US)

    def against_chance(d: pa.Table, c: pa.Table, t: pa.Table) -> pa.Table:
        return _against_chance(d, c, t, window, shifts, seed)

    return compute(against_chance, d, c, t)


def _against_chance(
    d: pa.Table, c: pa.Table, t: pa.Table, window: int, shifts: int, seed: int
) -> pa.Table:
    import numpy as np
    import pyarrow as pa

    commit_us = c.column("occurred_us").to_numpy()
    decided_us = d.column("occurred_us").to_numpy()
    rng = np.random.default_rng(seed)
    rows: list[dict[str, object]] = []
    if len(commit_us):
        begin, span = int(commit_us[0]), int(commit_us[-1] - commit_us[0])
        judged = (decided_us >= begin) & (decided_us + window <= begin + span)
        at = decided_us[judged]
        related = _related(d, c, t, judged)
        offsets = rng.integers(0, max(span, 1), shifts)
        for name, weight in (("commits", None), ("related", related)):
            if not len(at):
                continue
            seen = _following(commit_us, at, window, weight)
            null = np.array(
                [
                    _following(
                        commit_us,
                        begin + (at - begin + int(o)) % max(span - window, 1),
                        window,
                        weight,
                    ).mean()
                    for o in offsets
                ]
            )
            resampled = rng.integers(0, len(seen), (999, len(seen)))
            effects = seen[resampled].mean(axis=1) - null.mean()
            rows.append(
                {
                    "statistic": name,
                    "decisions": len(at),
                    "observed": float(seen.mean()),
                    "null_mean": float(null.mean()),
                    "null_low": float(np.quantile(null, 0.025)),
                    "null_high": float(np.quantile(null, 0.975)),
                    "effect": float(seen.mean() - null.mean()),
                    "effect_low": float(np.quantile(effects, 0.025)),
                    "effect_high": float(np.quantile(effects, 0.975)),
                    "p": float((1 + (null >= seen.mean()).sum()) / (1 + shifts)),
                    "shifts": shifts,
                }
            )
    integers = ("decisions", "shifts")
    schema = pa.schema(
        [
            (
                name,
                pa.string()
                if name == "statistic"
                else pa.int64()
                if name in integers
                else pa.float64(),
            )
            for name in causality_null.columns
        ]
    )
    return pa.Table.from_pylist(rows, schema=schema)


def _related(d: pa.Table, c: pa.Table, t: pa.Table, judged: np.ndarray) -> list[np.ndarray]:
    """Return, for each judged decision, the positions of the commits that share a word."""
    import numpy as np

    position = {seq: i for i, seq in enumerate(c.column("seq").to_pylist())}
    holders: dict[str, set[int]] = {}
    for i, message in enumerate(c.column("message").to_pylist()):
        for word in set(words(message or "")):
            holders.setdefault(word, set()).add(i)
    for seq, path in zip(t.column("seq").to_pylist(), t.column("path").to_pylist(), strict=True):
        if seq in position:
            i = position[seq]
            for word in {w for part in path.replace("_", "/").split("/") for w in words(part)}:
                holders.setdefault(word, set()).add(i)
    # A word that every tenth commit has relates nothing to anything.
    common = max(len(position) // 10, 5)
    found = []
    for content in d.column("content").filter(judged).to_pylist():
        hits: set[int] = set()
        for word in set(words(content or "")):
            held = holders.get(word, set())
            if len(held) <= common:
                hits |= held
        found.append(np.array(sorted(hits), dtype=np.int64))
    return found


def _following(
    commit_us: np.ndarray, at: np.ndarray, window: int, related: list[np.ndarray] | None
) -> np.ndarray:
    """Return how many commits (of those related) lie in ``(at, at + window]``."""
    import numpy as np

    if related is None:
        low = np.searchsorted(commit_us, at, "right")
        return (np.searchsorted(commit_us, at + window, "right") - low).astype(float)
    counts = np.empty(len(at))
    for i, (when, positions) in enumerate(zip(at, related, strict=True)):
        times = commit_us[positions]
        counts[i] = np.searchsorted(times, when + window, "right") - np.searchsorted(
            times, when, "right"
        )
    return counts
