"""Causality's lags: after how long commits follow decisions, beside what chance would give.

reads   decisions: seq, occurred_us, source_id, content
        commits: seq, occurred_us
        touches: seq, path, change
        eventlog: seq, source_file
gives   lag_from, lag_to, decisions, observed, null_mean, null_low, null_high, shifts
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from patina_lab.errors import InvalidOption
from patina_lab.projections.calendar import MOST_DAYS
from patina_lab.projections.causality import DECIDED, TOUCHED, recording
from patina_lab.projections.causality_null import MOST_SHIFTS
from patina_lab.projections.projection import projection
from patina_lab.projections.rel import Computed, Rel, compute

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

_DAY_US = 86_400_000_000


@projection(
    needs={
        "decisions": ("seq", "occurred_us", "source_id", "content"),
        "commits": ("seq", "occurred_us"),
        "touches": ("seq", "path", "change"),
        "eventlog": ("seq", "source_file"),
    },
    evidence=lambda row, params: "SELECT seq FROM decisions UNION ALL SELECT seq FROM commits",
    ranges={
        "days_after": (None, MOST_DAYS),
        "bins": (None, 1_000),
        "shifts": (None, MOST_SHIFTS),
        "seed": (0, None),
    },
    columns={
        "lag_from": "number, days from decision to commit: the bin begins after it",
        "lag_to": "number, days: the bin ends with it",
        "decisions": "integer, decisions that could be judged",
        "observed": "number, commits a decision in the bin",
        "null_mean": "number, mean of the same under shifted times",
        "null_low": "number, 2.5th percentile under shifted times",
        "null_high": "number, 97.5th percentile",
        "shifts": "integer, how many times were shifted",
    },
)
def causality_lags(
    decisions: Rel,
    commits: Rel,
    touches: Rel,
    eventlog: Rel,
    *,
    days_after: float = 14,
    bins: int = 14,
    shifts: int = 999,
    seed: int = 0,
) -> Computed:
    """Count commits by their lag after a decision, beside the same under shifted times.

    Parameters
    ----------
    decisions, commits, touches, eventlog : Rel
    days_after : float
        The window after a decision.
    bins : int
        Equal parts of the window.
    shifts, seed : int
        As in `causality_null`; the same shifts are drawn.

    Returns
    -------
    Computed
        One row a bin.  Over all bins, ``observed`` adds up to that of `causality_null`, and
        as there the commit that recorded a decision is not counted for it.

    Notes
    -----
    The interval is of each bin by itself: of 14 bins, one in about every other table lies
    outside by chance alone.
    """
    if shifts < 1:
        raise InvalidOption(f"shifts={shifts} gives no null distribution.", "Use 99 or more.")
    if bins < 1 or days_after <= 0:
        raise InvalidOption(
            f"bins={bins}, days_after={days_after} divide no window.",
            "Use bins >= 1 and days_after > 0.",
        )
    d = decisions.query(DECIDED, eventlog=eventlog)
    c = commits.query("SELECT seq, occurred_us FROM commits ORDER BY occurred_us, seq")
    t = touches.query(TOUCHED)

    def by_lag(d: pa.Table, c: pa.Table, t: pa.Table) -> pa.Table:
        return _by_lag(d, c, t, round(days_after * _DAY_US), bins, shifts, seed)

    return compute(by_lag, d, c, t)


def _by_lag(
    d: pa.Table, c: pa.Table, t: pa.Table, window: int, bins: int, shifts: int, seed: int
) -> pa.Table:
    import numpy as np
    import pyarrow as pa

    committed, decided = c.column("occurred_us").to_numpy(), d.column("occurred_us").to_numpy()
    edges = np.array([window * n // bins for n in range(bins + 1)], dtype=np.int64)
    rows: list[dict[str, object]] = []
    if len(committed):
        room = int(committed[-1] - committed[0]) - window
        at, times = decided - committed[0], committed - committed[0]
        judged = (at >= 0) & (at <= room)
        at, own = at[judged], recording(d, c, t)[judged]
        at_own = np.where(own >= 0, times[own], -1 - window)
        if len(at):
            offsets = np.random.default_rng(seed).integers(0, max(room, 1), shifts)
            shifted = ((at + int(o)) % max(room, 1) for o in offsets)
            seen = _binned(times, at, at_own, edges)
            null = np.array([_binned(times, moved, at_own, edges) for moved in shifted])
            low, high = np.quantile(null, [0.025, 0.975], axis=0)
            rows = [
                {
                    "lag_from": float(edges[n] / _DAY_US),
                    "lag_to": float(edges[n + 1] / _DAY_US),
                    "decisions": len(at),
                    "observed": float(seen[n]),
                    "null_mean": float(null[:, n].mean()),
                    "null_low": float(low[n]),
                    "null_high": float(high[n]),
                    "shifts": shifts,
                }
                for n in range(bins)
            ]
    integers = ("decisions", "shifts")
    names = list(causality_lags.columns)
    types = [pa.int64() if name in integers else pa.float64() for name in names]
    return pa.Table.from_pylist(rows, schema=pa.schema(list(zip(names, types, strict=True))))


def _binned(times: np.ndarray, at: np.ndarray, at_own: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return the mean number of commits in ``(at + edge, at + next edge]`` for each bin."""
    import numpy as np

    ends = at[None, :] + edges[:, None]
    before = np.searchsorted(times, ends, "right") - (at_own[None, :] <= ends)
    mean: np.ndarray = np.diff(before.sum(axis=1)) / len(at)
    return mean
