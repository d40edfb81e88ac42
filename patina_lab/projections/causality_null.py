"""Causality's null: what follows decisions, beside what follows the same at other times.

reads   decisions: seq, occurred_us, content
        commits: seq, occurred_us, message
        touches: seq, path, change
        eventlog: seq, source_file (where a decision was written down)
gives   statistic, decisions, observed, null_mean, null_low, null_high, effect, effect_low,
        effect_high, ratio, p, shifts
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from patina_lab.errors import InvalidOption
from patina_lab.projections.calendar import MOST_DAYS
from patina_lab.projections.causality import DECIDED, MESSAGE, TOUCHED, in_time, recording
from patina_lab.projections.overlap import Shared, overlap
from patina_lab.projections.projection import projection
from patina_lab.projections.rel import Computed, Rel, compute

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

_DAY_US = 86_400_000_000
_DRAWS = 999
MOST_SHIFTS = 100_000
"""More times than these are not shifted: they would fill the memory."""


@projection(
    needs={
        "decisions": ("seq", "occurred_us", "source_id", "content"),
        "commits": ("seq", "occurred_us", "message"),
        "touches": ("seq", "path", "change"),
        "eventlog": ("seq", "source_file"),
    },
    version=2,
    evidence=lambda row, params: "SELECT seq FROM decisions UNION ALL SELECT seq FROM commits",
    ranges={
        "days_before": (None, MOST_DAYS),
        "days_after": (None, MOST_DAYS),
        "shifts": (None, MOST_SHIFTS),
        "seed": (0, None),
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
        "ratio": "ratio: observed / null_mean; NULL where that is 0",
        "p": "fraction 0..1, one-sided: shifts that reach the observed value",
        "shifts": "integer, how many times were shifted",
    },
)
def causality_null(
    decisions: Rel,
    commits: Rel,
    touches: Rel,
    eventlog: Rel,
    *,
    days_before: float = 0,
    days_after: float = 14,
    shifts: int = 999,
    seed: int = 0,
) -> Computed:
    """Compare what follows decisions with what follows the same decisions at other times.

    Parameters
    ----------
    decisions, commits, touches, eventlog : Rel
    days_before, days_after : float
        The window around a decision, as in `causality`.
    shifts : int
        How many random shifts make the null distribution.
    seed : int
        Of the shifts and of the bootstrap; the same seed gives the same table.

    Returns
    -------
    Computed
        Three rows: ``commits`` (how many commits are in the window), ``related`` (how many
        of them share a word of the decision in their message or in a path) and ``files``
        (how many touch a file that the decision names).

    Raises
    ------
    InvalidOption
        The window is none, or there are no shifts.

    Notes
    -----
    All decisions are shifted together by one random length, around the span of the commits
    as around a clock (Politis & Romano 1992 give the circular idea).  Shifting keeps the
    rhythm of both series and breaks only their alignment, so bursts of work do not look
    like effects.  ``p = (1 + #{null >= observed}) / (1 + shifts)``.  Decisions whose window
    leaves the span of the commits are not judged.  The commit that recorded a decision
    (see `causality`) is not counted for it: it follows by construction, and repeats its
    words.  A small p says that commits gather
    around decisions; it does not say why.
    """
    if shifts < 1:
        raise InvalidOption(f"shifts={shifts} gives no null distribution.", "Use 99 or more.")
    if days_before < 0 or days_after <= 0:
        raise InvalidOption(
            f"days_before={days_before}, days_after={days_after} is no window.",
            "Use days_before >= 0 and days_after > 0.",
        )
    d = decisions.query(DECIDED, eventlog=eventlog)
    c = commits.query(f"SELECT seq, occurred_us, {MESSAGE} FROM commits")
    t = touches.query(TOUCHED)
    before, after = round(days_before * _DAY_US), round(days_after * _DAY_US)

    def against_chance(d: pa.Table, c: pa.Table, t: pa.Table) -> pa.Table:
        return _against_chance(d, c, t, before, after, shifts, seed)

    return compute(against_chance, d, c, t)


def _against_chance(
    d: pa.Table, c: pa.Table, t: pa.Table, before: int, after: int, shifts: int, seed: int
) -> pa.Table:
    import numpy as np
    import pyarrow as pa

    c = in_time(c)
    committed, decided = c.column("occurred_us").to_numpy(), d.column("occurred_us").to_numpy()
    rows: list[dict[str, object]] = []
    if len(committed):
        # A decision whose whole window lies in the span; time 0 is the first that can.
        room = int(committed[-1] - committed[0]) - before - after
        at = decided - (int(committed[0]) + before)
        judged = (at >= 0) & (at <= room)
        at, times = at[judged], committed - (int(committed[0]) + before)
        if len(at):
            both = overlap(d.column("content").filter(pa.array(judged)).to_pylist(), c, t)
            own = recording(d, c, t)[judged]
            rng = np.random.default_rng(seed)
            shifted = [(at + int(o)) % max(room, 1) for o in rng.integers(0, max(room, 1), shifts)]
            for name, count in (
                ("commits", _counter(times, None, own, before, after)),
                ("related", _counter(times, both.terms, own, before, after)),
                ("files", _counter(times, both.files, own, before, after)),
            ):
                null = np.array([count(moved).mean() for moved in shifted])
                rows.append({"statistic": name, **_summary(count(at), null, rng)})
    types = {"statistic": pa.string(), "decisions": pa.int64(), "shifts": pa.int64()}
    schema = pa.schema([(n, types.get(n, pa.float64())) for n in causality_null.columns])
    return pa.Table.from_pylist(rows, schema=schema)


def _counter(
    times: np.ndarray,
    held: Shared | None,
    own: np.ndarray,
    before: int,
    after: int,
) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function: moments, one a decision -> commits in the window around each.

    Parameters
    ----------
    times : array
        Of the commits, ascending.
    held : Shared or None
        Which commits count for a decision: those that share something; None: all of them.
    own : array of int
        The commit that recorded each decision, which never counts; -1: none is known.
    """
    import numpy as np

    side = "left" if before else "right"
    if held is None:
        at_own = np.where(own >= 0, times[own], times[0] - 1 - before - after)

        def of_all(at: np.ndarray) -> np.ndarray:
            low = np.searchsorted(times, at - before, side)  # type: ignore[call-overload]
            counted: np.ndarray = (np.searchsorted(times, at + after, "right") - low).astype(float)
            since = at_own >= at - before if before else at_own > at
            counted -= since & (at_own <= at + after)
            return counted

        return of_all
    # One sorted line for all: each decision has a stretch of its own, longer than any window.
    stretch = int(times[-1] - times[0]) + before + after + 1
    offset = np.arange(len(own), dtype=object) * stretch
    if len(own) * stretch < 2**62:
        offset = offset.astype(np.int64)
    decision, position = held.commits()
    others = position != own[decision]
    line = times[position[others]] + offset[decision[others]]

    def of_each(at: np.ndarray) -> np.ndarray:
        low = np.searchsorted(line, at + offset - before, side)  # type: ignore[call-overload]
        counted: np.ndarray = (np.searchsorted(line, at + offset + after, "right") - low).astype(
            float
        )
        return counted

    return of_each


def _summary(seen: np.ndarray, null: np.ndarray, rng: np.random.Generator) -> dict[str, object]:
    import numpy as np

    observed, chance = float(seen.mean()), float(null.mean())
    drawn = seen[rng.integers(0, len(seen), (_DRAWS, len(seen)))].mean(axis=1) - chance
    return {
        "decisions": len(seen),
        "observed": observed,
        "null_mean": chance,
        "null_low": float(np.quantile(null, 0.025)),
        "null_high": float(np.quantile(null, 0.975)),
        "effect": observed - chance,
        "effect_low": float(np.quantile(drawn, 0.025)),
        "effect_high": float(np.quantile(drawn, 0.975)),
        "ratio": observed / chance if chance else None,
        "p": float((1 + (null >= seen.mean()).sum()) / (1 + len(null))),
        "shifts": len(null),
    }
