"""Whether a confidence says anything about what comes next, on a log of one's own.

::

    as of fit   ── held claims, what came again in the window ── constant, logistic
                                                                      │
    as of cut   ── held claims ─ confidence of the rule sets, and of those two
                                                                      │
    the window after the cut ── what came again ── Brier, ECE, AUC of each

A rule set is put beside what anybody could do without it: a constant (the share that came
again the last time) and a logistic fit on what is known of each claim at its cut.  Both learn
from a window that has ended before the cut; a benchmark that leaks is refused.
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from patina_lab.beliefs.claims import Claim, came_again, held, match
from patina_lab.beliefs.compare import SPLIT, WINDOW
from patina_lab.beliefs.confidence import Calibration, calibrate, decay
from patina_lab.beliefs.formation import candidates
from patina_lab.beliefs.leaks import refuse_leak
from patina_lab.beliefs.logistic import Logistic, fit_logistic
from patina_lab.beliefs.metrics import METRICS, Estimate, bootstrap
from patina_lab.beliefs.observed import day
from patina_lab.errors import InvalidOption, UsageError
from patina_lab.eventlog.eventlog import html_card, text_card
from patina_lab.eventlog.times import begin_us, length_us

if TYPE_CHECKING:
    import os

    import pandas as pd

    from patina_lab.beliefs.ground import Ground
    from patina_lab.beliefs.pipeline import Pipeline
    from patina_lab.beliefs.ruleset import RuleSet
    from patina_lab.eventlog.times import Moment

HALF_LIFE = 60.0
"""Days after which a vote weighs half, among the features of the logistic fit."""

FEATURES = ("observations", "sources", "cohesion", "days_since", "votes")
"""What the logistic fit knows of a claim: logarithms, but for the cohesion."""

_DAY_US = 86_400_000_000
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Judged:
    """Claims as of a moment, and what came of them.

    Parameters
    ----------
    at_us : int
        Only what happened before it was known.
    claims : tuple of Claim
        That at least one of the ways holds.
    confidence : mapping of str to numpy.ndarray
        Way -> float64, one a claim; NaN where it does not hold it.
    evidence : mapping of str to numpy.ndarray
        Way -> float64, shape (claims, 2): votes for and against, as that way counts them.
    features : numpy.ndarray
        float64, shape (claims, `FEATURES`).
    again : numpy.ndarray
        float64: 1 where it came again in the window, else 0.
    """

    at_us: int
    claims: tuple[Claim, ...] = field(repr=False)
    confidence: Mapping[str, Floats] = field(repr=False)
    evidence: Mapping[str, Floats] = field(repr=False)
    features: Floats = field(repr=False)
    again: Floats = field(repr=False)

    def mine(self, on: str) -> npt.NDArray[np.bool_]:
        """Return which claims a way holds; ``all``: which every way holds."""
        if on != "all":
            return ~np.isnan(self.confidence[on])
        every = np.stack([~np.isnan(p) for p in self.confidence.values()])
        return np.asarray(every.all(axis=0), dtype=bool)


@dataclass(frozen=True)
class Evaluation:
    """How well confidences say what comes again.

    Make one with :func:`evaluate_beliefs`.

    Parameters
    ----------
    ways : tuple of str
        The rule sets.
    past, now : Judged
        As of the moment that constant and fit learn from, and as of the cut.
    window_us : int
    whole_window : bool
        Whether the log reaches to the end of the window after the cut.
    digest : str
        Of the slice.
    level : float
        Of the intervals.
    draws, seed : int
        Of the bootstrap.
    """

    ways: tuple[str, ...]
    past: Judged
    now: Judged
    window_us: int
    whole_window: bool
    digest: str
    level: float
    draws: int
    seed: int

    def predicted(self, on: str) -> dict[str, Floats]:
        """Return what each method says of the claims that a way holds.

        Parameters
        ----------
        on : str
            A way, or ``all``: the claims that every way holds.

        Returns
        -------
        dict of str to numpy.ndarray
            The ways that hold all of these claims; ``constant``, ``logistic``, and
            ``<way>, calibrated`` (`patina_lab.beliefs.confidence.calibrate` on the way's own
            evidence, without its floor), each learned from the same way's claims, if there
            was something to learn.
        """
        mine, before = self.now.mine(on), self.past.mine(on)
        told = {
            way: p[mine] for way, p in self.now.confidence.items() if not np.isnan(p[mine]).any()
        }
        came = self.past.again[before]
        if len(came):
            told["constant"] = np.full(int(mine.sum()), float(came.mean()))
        if on in self.ways:
            calibrated = self.calibrations[on]
            if calibrated is not None:
                votes = self.now.evidence[on][mine].tolist()
                told[f"{on}, calibrated"] = np.array([calibrated(r, s) for r, s in votes])
        fitted = self.fits[on]
        if fitted is not None:
            told["logistic"] = fitted(self.now.features[mine])
        return told

    @cached_property
    def fits(self) -> Mapping[str, Logistic | None]:
        """The logistic fit for each of `populations`; None: nothing to learn from."""
        made = {}
        for on in self.populations:
            mine = self.past.mine(on)
            made[on] = fit_logistic(self.past.features[mine], self.past.again[mine])
        return made

    @cached_property
    def calibrations(self) -> Mapping[str, Calibration | None]:
        """The calibration of each way; None: nothing to learn from."""
        made: dict[str, Calibration | None] = {}
        for way in self.ways:
            mine = self.past.mine(way)
            votes = [(r, s) for r, s in self.past.evidence[way][mine].tolist()]
            try:
                made[way] = calibrate(votes, [bool(y) for y in self.past.again[mine]])
            except InvalidOption:
                made[way] = None
        return made

    @property
    def populations(self) -> tuple[str, ...]:
        """Of which claims is judged: those of each way, and ``all``: those that all hold."""
        return (*self.ways, "all") if len(self.ways) > 1 else self.ways

    def table(self) -> pd.DataFrame:
        """Return how good each is.

        Returns
        -------
        pandas.DataFrame
            ``on`` (whose claims), ``method, measure`` (brier, ece: less is better; auc: more
            is), ``value, low, high`` (bootstrap over claims), ``n`` (claims), ``came_again``
            (share).
        """
        import pandas as pd

        rows = []
        for on in self.populations:
            came = self.now.again[self.now.mine(on)]
            rate = float(came.mean()) if len(came) else math.nan
            for method, p in self.predicted(on).items():
                for measure, function in METRICS.items():
                    found = self._bootstrap(
                        lambda at, f=function, p=p, y=came: f(p[at], y[at]), len(came)
                    )
                    rows.append((on, method, measure, *_numbers(found), rate))
        columns = ["on", "method", "measure", "value", "low", "high", "n", "came_again"]
        return pd.DataFrame(rows, columns=columns)

    def differences(self, on: str | None = None) -> pd.DataFrame:
        """Return each method minus the first way, on the same claims.

        Parameters
        ----------
        on : str or None
            Whose claims; None: those of the first way.

        Returns
        -------
        pandas.DataFrame
            ``method, measure, difference, low, high, n``; an interval that leaves out 0 is a
            difference that chance would not make.
        """
        import pandas as pd

        on = self.ways[0] if on is None else on
        came = self.now.again[self.now.mine(on)]
        told = self.predicted(on)
        rows = []
        for method, p in told.items():
            if method == self.ways[0] or self.ways[0] not in told:
                continue
            for measure, function in METRICS.items():
                found = self._bootstrap(
                    lambda at, f=function, p=p, q=told[self.ways[0]], y=came: (
                        f(p[at], y[at]) - f(q[at], y[at])
                    ),
                    len(came),
                )
                rows.append((method, measure, *_numbers(found)))
        columns = ["method", "measure", "difference", "low", "high", "n"]
        return pd.DataFrame(rows, columns=columns)

    def _bootstrap(self, statistic: Any, n: int) -> Estimate:
        return bootstrap(statistic, n, level=self.level, draws=self.draws, seed=self.seed)

    @cached_property
    def verdict(self) -> str:
        """Whether the first way's confidence is worth more than a constant, in a sentence."""
        way = self.ways[0]
        n = int(self.now.mine(way).sum())
        rows = {
            str(row["measure"]): row
            for row in self.differences().to_dict("records")
            if row["method"] == "constant"
        }
        if not rows:
            return f"Nothing can be said about {way}: it held nothing that could be judged."
        row = rows["brier"]
        said = (
            f"constant minus {way}: Brier {row['difference']:+.3f} ({100 * self.level:g} % "
            f"interval {row['low']:+.3f} to {row['high']:+.3f}, n = {n:,})"
        )
        if row["low"] > 0:
            return f"The confidence of {way} says more than a constant would; {said}."
        if row["high"] < 0:
            return f"The confidence of {way} is worse than a constant; {said}."
        return f"Whether the confidence of {way} says more than a constant is open; {said}."

    def json(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "log_digest": self.digest,
            "fit": day(self.past.at_us),
            "cut": day(self.now.at_us),
            "window_days": self.window_us / _DAY_US,
            "whole_window": self.whole_window,
            "verdict": self.verdict,
            "claims": {
                on: {
                    "fit": int(self.past.mine(on).sum()),
                    "judged": int(self.now.mine(on).sum()),
                    "came_again": int(self.now.again[self.now.mine(on)].sum()),
                }
                for on in self.populations
            },
            "table": _records(self.table()),
            "differences": {on: _records(self.differences(on)) for on in self.populations},
            "logistic": {on: fit and fit.json(FEATURES) for on, fit in self.fits.items()},
            "level": self.level,
            "draws": self.draws,
            "seed": self.seed,
        }

    def facts(self) -> list[tuple[str, str]]:
        """Return what the repr shows."""
        end = "" if self.whole_window else "; the log ends before the window does"
        said = [
            ("verdict", self.verdict),
            (
                "hold-out",
                f"formed before {day(self.now.at_us)}, judged by the "
                f"{self.window_us / _DAY_US:g} days after it{end}",
            ),
            ("learned from", f"what was held before {day(self.past.at_us)}, and came of it"),
        ]
        for (on, method), rows in self.table().groupby(["on", "method"], sort=False):
            if on != self.ways[0]:
                continue
            numbers = ", ".join(
                f"{r['measure']} {Estimate(r['value'], r['low'], r['high'], r['n'])}"
                for r in rows.to_dict("records")
            )
            said.append((str(method), numbers))
        return said

    def __repr__(self) -> str:
        return text_card("Beliefs, judged", self.facts())

    def _repr_html_(self) -> str:
        card = html_card("Beliefs, judged", self.facts()[1:])
        return f"<p><strong>{html.escape(self.verdict)}</strong></p>{card}"


def evaluate_beliefs(
    lab: Any,
    *rules: str | os.PathLike[str] | RuleSet,
    split: Moment | float | None = None,
    fit: Moment | None = None,
    window: str | timedelta = WINDOW,
    level: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
    **chosen: Any,
) -> Evaluation:
    """Judge confidences by what came after them.

    A claim *comes again* if in the window somebody says it in a source that is not among its
    own (`patina_lab.beliefs.claims`).

    Parameters
    ----------
    lab : Lab or Persona
        Its slice holds.
    *rules : str, path or RuleSet
        The first is compared with all else; without any: ``v2``, ``v0``.
    split : date, timestamp, float or None
        The cut.  A number is the share of the observations before it; None: 0.7.
    fit : date, timestamp or None
        As of when constant and logistic fit learn; None: one window before the cut.
    window : str or timedelta
        How long after a moment is looked.
    level : float
        Of the intervals.
    draws, seed : int
        Of the bootstrap.
    **chosen
        Whatever else forming takes: ``threshold, embedder, scope, engine``.

    Returns
    -------
    Evaluation

    Raises
    ------
    CheckFailed
        The benchmark leaks (`patina_lab.beliefs.leaks`).
    UsageError
        There are too few observations to have a past and a future.

    Examples
    --------
    >>> import patina_lab as pt
    >>> from patina_lab.beliefs.evaluation import evaluate_beliefs
    >>> evaluate_beliefs(pt.open("."), "v2", "v0").table()                  # doctest: +SKIP
    """
    if draws < 1:
        raise InvalidOption(f"draws={draws} draws nothing.", "Use 1 or more.")
    first, *others = rules or ("v2", "v0")
    leading = lab.belief_pipeline(first, **chosen)
    pipelines = [leading, *(leading.other(rules=other) for other in others)]
    names = tuple(one.rules.name for one in pipelines)
    if len(set(names)) < len(names):
        raise InvalidOption(f"Two rule sets are called {names[0]}.", "Give each a name of its own.")
    seen = leading.observed().observations
    window_us = length_us(window)
    if len(seen) < 2:
        raise UsageError(
            f"{len(seen)} observations have no past and no future.",
            "Note what you observe for some weeks: patina-lab observe.",
        )
    if split is None or isinstance(split, float):
        part = SPLIT if split is None else split
        if not 0 < part < 1:
            raise InvalidOption(f"split={part} leaves nothing on one side.", "Use 0.7, or a date.")
        cut = seen[min(len(seen) - 1, max(1, round(len(seen) * part)))].occurred_us
    else:
        cut = begin_us(split)
    learn = cut - window_us if fit is None else begin_us(fit)
    refuse_leak(leading, cut, fit_us=learn, window_us=window_us)
    whole = leading.observed()
    return Evaluation(
        names,
        judged(pipelines, learn, window_us),
        judged(pipelines, cut, window_us),
        window_us,
        whole.end_us >= cut + window_us,
        whole.digest,
        level,
        draws,
        seed,
    )


def learn_calibration(
    pipeline: Pipeline, at: Moment | None = None, *, window: str | timedelta = WINDOW
) -> Calibration:
    """Learn from the past how often beliefs with such evidence came again.

    Parameters
    ----------
    pipeline : Pipeline
        Nothing beyond its slice is looked at.
    at : date, timestamp or None
        As of when beliefs are formed to learn from; None: one window before the last
        observation.
    window : str or timedelta
        How long after that is looked.

    Returns
    -------
    Calibration
        Its `parameters` make a rule set with the parameter ``calibrated`` use it.

    Raises
    ------
    InvalidOption
        Fewer than ten beliefs were held then, or all had one outcome; or the window reaches
        beyond the slice.

    Examples
    --------
    >>> import patina_lab as pt
    >>> pipeline = pt.open(".").belief_pipeline("v2")                       # doctest: +SKIP
    >>> learn_calibration(pipeline).parameters()                            # doctest: +SKIP
    """
    window_us = length_us(window)
    observed = pipeline.observed()
    seen, end_us = observed.observations, observed.last_us
    last_us = seen[-1].occurred_us if seen else end_us
    at_us = last_us - window_us if at is None else begin_us(at)
    if at_us + window_us > end_us:
        raise InvalidOption(
            f"What was held at {day(at_us)} is judged until {day(at_us + window_us)}, and the "
            f"last event is of {day(end_us)}.",
            "Calibrate on an earlier moment, or look at a shorter window.",
        )
    past = judged([pipeline], at_us, window_us)
    votes = [(r, s) for r, s in past.evidence[pipeline.rules.name].tolist()]
    return calibrate(votes, [bool(came) for came in past.again])


def judged(pipelines: Sequence[Pipeline], at_us: int, window_us: int) -> Judged:
    """Return what is held as of a moment, and whether it came again.

    Parameters
    ----------
    pipelines : sequence of Pipeline
        Of one reader, one embedder, one threshold: their rules differ.
    at_us, window_us : int
        Microseconds; the window begins at the moment.
    """
    leading = pipelines[0]
    ground = leading.ground(at_us)
    claims: list[Claim] = []
    found: dict[str, dict[int, tuple[float, float, float]]] = {}
    for pipeline in pipelines:
        formed = pipeline.engine.form(ground.facts, pipeline.rules)
        mine = held(ground, candidates(formed, pipeline.scope))
        same = match(mine, claims)
        told = found.setdefault(pipeline.rules.name, {})
        for n, claim in enumerate(mine):
            place = same.get(n, len(claims))
            if place == len(claims):
                claims.append(claim)
            assert claim.confidence is not None
            assert claim.candidate is not None
            opinion = claim.candidate.opinion
            told[place] = claim.confidence, opinion.support, opinion.against
    cohesion = {one.cluster: one.cohesion for one in ground.clusters.clusters}
    known = [_features(claim, ground, cohesion[claim.cluster], at_us) for claim in claims]
    again = came_again(claims, ground, leading.observed(), leading.vectors(), window_us)
    nothing = (math.nan,) * 3
    numbers = {
        way: np.array([told.get(n, nothing) for n in range(len(claims))], float).reshape(-1, 3)
        for way, told in found.items()
    }
    return Judged(
        at_us,
        tuple(replace(claim, confidence=None, candidate=None) for claim in claims),
        {way: rows[:, 0] for way, rows in numbers.items()},
        {way: rows[:, 1:] for way, rows in numbers.items()},
        np.array(known, dtype=float).reshape(-1, len(FEATURES)),
        np.array(again, dtype=float),
    )


def _features(claim: Claim, ground: Ground, cohesion: float, at_us: int) -> tuple[float, ...]:
    seen = [ground.by_event[event] for event in sorted(claim.events)]
    newest = {one.source: one.occurred_us for one in sorted(seen)}
    days = {source: max(0.0, (at_us - us) / _DAY_US) for source, us in newest.items()}
    votes = math.fsum(decay(age, HALF_LIFE) for age in days.values())
    return (
        math.log(len(seen)),
        math.log(len(days)),
        cohesion,
        math.log1p(min(days.values())),
        math.log1p(votes),
    )


def _numbers(estimate: Estimate) -> tuple[float, float, float, int]:
    return estimate.value, estimate.low, estimate.high, estimate.n


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as JSON values: what is not a number is null."""
    return [
        {
            str(key): None if isinstance(value, float) and math.isnan(value) else value
            for key, value in row.items()
        }
        for row in table.to_dict("records")
    ]
