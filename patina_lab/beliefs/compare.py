"""A/B: two ways to form beliefs of the same log, and which of them makes better ones.

::

    a, b ── the whole slice ── what only one of them holds, with its proof
       │                       firings and inferences of each
       ├── as of each period ─ how much they change from one to the next
       └── as of a cut ─────── what came again afterwards (no future goes into forming)

A *way* is a rule set, or any choice of the pipeline: rule set, threshold, embedder, parameters.
"""

from __future__ import annotations

import html
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np

from patina_lab.beliefs.claims import Claim, came_again, every, held, match
from patina_lab.beliefs.formation import candidates
from patina_lab.beliefs.history import EVERY, moments
from patina_lab.beliefs.metrics import BINS, METRICS, Estimate, bootstrap, mcnemar, share
from patina_lab.beliefs.observed import day
from patina_lab.beliefs.pipeline import OPTIONS
from patina_lab.beliefs.ruleset import RuleSet
from patina_lab.errors import InvalidOption, UnknownName
from patina_lab.eventlog.eventlog import html_card, text_card
from patina_lab.eventlog.times import begin_us, length_us
from patina_lab.events.identity import EPOCH

if TYPE_CHECKING:
    import pandas as pd

    from patina_lab.beliefs.explain import Explanation
    from patina_lab.beliefs.formation import Belief, Beliefs
    from patina_lab.beliefs.pipeline import Pipeline
    from patina_lab.eventlog.times import Moment

SPLIT = 0.7
"""Share of the observations before the cut, where none is told."""

WINDOW = "45d"
"""How long after the cut a belief has to come again."""

PURE = 0.8
"""Share of a belief's labelled evidence that has one label, where it is right."""

PROOFS = 50
"""Proofs that a table of flips comes with."""

_READS = ("scope", "local")
# Options that decide what is read at all.

FEW = 20
"""On fewer cases than this nothing is decided."""


@dataclass(frozen=True)
class HoldOut:
    """Two ways, formed as of a cut and judged by what came after.

    Parameters
    ----------
    cut_us, window_us : int
        Microseconds; the window begins at the cut.
    whole_window : bool
        Whether the log reaches to its end.
    claims : tuple of Claim
        Everything that could be believed at the cut, or that one of them believes.
    a, b : numpy.ndarray
        float64: confidence of each claim; NaN where it is not held.
    again : numpy.ndarray
        bool: whether it came again.
    """

    cut_us: int
    window_us: int
    whole_window: bool
    claims: tuple[Claim, ...] = field(repr=False)
    a: Any = field(repr=False)
    b: Any = field(repr=False)
    again: Any = field(repr=False)


@dataclass(frozen=True)
class Comparison:
    """What two ways to form beliefs differ in, and which is better.

    Make one with :func:`compare_rules`.  Every table has an interval and a sample size beside
    each number.

    Parameters
    ----------
    names : tuple of (str, str)
    a, b : Beliefs
        Of the whole slice.
    pipelines : tuple of (Pipeline, Pipeline)
    holdout : HoldOut or None
        None: too little happened before or after the cut.
    labels : mapping of str to (str or None)
        Event id -> group.
    every : str
        Period of `churn`.
    level : float
        Of the intervals.
    draws, seed : int
        Of the bootstrap.
    """

    names: tuple[str, str]
    a: Beliefs
    b: Beliefs
    pipelines: tuple[Pipeline, Pipeline] = field(repr=False)
    holdout: HoldOut | None = field(repr=False)
    labels: Mapping[str, str | None] = field(repr=False)
    every: str
    level: float
    draws: int
    seed: int

    # -- the same slice ----------------------------------------------------------------

    @cached_property
    def _pairs(self) -> list[tuple[Belief | None, Belief | None]]:
        ours, theirs = list(self.a), list(self.b)
        first, second = (
            held(beliefs.ground, [b.candidate for b in beliefs]) for beliefs in (self.a, self.b)
        )
        of_a = {b.candidate: b for b in ours}
        of_b = {b.candidate: b for b in theirs}
        same = match(first, second)
        left = [of_a[c.candidate] for c in first if c.candidate]
        right = [of_b[c.candidate] for c in second if c.candidate]
        pairs: list[tuple[Belief | None, Belief | None]] = [
            (left[n], right[same[n]] if n in same else None) for n in range(len(left))
        ]
        taken = {*same.values()}
        pairs += [(None, b) for m, b in enumerate(right) if m not in taken]
        return sorted(pairs, key=_pair_order)

    def sets(self) -> pd.DataFrame:
        """Return how many beliefs each holds: ``which, beliefs, share_of_all``.

        ``which``: both, only the first, only the second.
        """
        import pandas as pd

        both = sum(x is not None and y is not None for x, y in self._pairs)
        only = [sum(y is None for _, y in self._pairs), sum(x is None for x, _ in self._pairs)]
        rows = [("both", both)]
        rows += [(f"only {name}", n) for name, n in zip(self.names, only, strict=True)]
        table = pd.DataFrame(rows, columns=["which", "beliefs"])
        table["share_of_all"] = table["beliefs"] / max(1, len(self._pairs))
        return table

    def held(self) -> pd.DataFrame:
        """Return every belief of either, with the confidence that each gives it.

        Returns
        -------
        pandas.DataFrame
            ``belief, a, b`` (confidence, null: not held), ``sources, evidence`` (counts, of
            who holds it more firmly).
        """
        import pandas as pd

        rows = []
        for x, y in self._pairs:
            one = max((b for b in (x, y) if b), key=lambda b: b.confidence)
            rows.append(
                (
                    one.content,
                    x.confidence if x else math.nan,
                    y.confidence if y else math.nan,
                    one.sources,
                    len(one.evidence),
                )
            )
        return pd.DataFrame(rows, columns=["belief", "a", "b", "sources", "evidence"])

    def flips(self, *, proofs: int | None = PROOFS) -> pd.DataFrame:
        """Return what only one of them holds, with its proof.

        Parameters
        ----------
        proofs : int or None
            So many of the firmest come with their proof; None: all.  ``explain(id)`` has that
            of any.

        Returns
        -------
        pandas.DataFrame
            ``id, belief, held_by, confidence, evidence, against, sources`` (counts),
            ``cohesion, diversity`` (of the cluster), ``proof`` (text); the firmest first.
        """
        import pandas as pd

        rows = []
        for x, y in self._pairs:
            if x is not None and y is not None:
                continue
            b = x or y
            assert b is not None
            name = self.names[0] if x else self.names[1]
            ground = b.whole.ground
            cluster = ground.cluster[b.candidate.cluster]
            rows.append(
                (
                    *(b.id, b.content, name, b.confidence, len(b.evidence), len(b.against)),
                    *(b.sources, round(cluster.cohesion, 6), ground.diversity[cluster.cluster]),
                    b,
                )
            )
        columns = [
            *("id", "belief", "held_by", "confidence", "evidence", "against", "sources"),
            *("cohesion", "diversity", "proof"),
        ]
        table = pd.DataFrame(rows, columns=columns)
        table = table.sort_values(
            ["confidence", "id", "held_by"], ascending=[False, True, True], ignore_index=True
        )
        table["proof"] = [
            (proof.text() if (proof := b.explain().proof) else "")
            if proofs is None or n < proofs
            else ""
            for n, b in enumerate(table["proof"])
        ]
        return table

    def explain(self, told: str) -> Explanation:
        """Return why one of them holds a belief; `told` is the beginning of its id."""
        for beliefs in (self.a, self.b):
            if any(b.id.startswith(told) for b in beliefs):
                return beliefs.explain(told)
        return self.b.explain(told)

    def rules(self) -> pd.DataFrame:
        """Return how often each clause succeeded: ``way, predicate, clause, line, fired``."""
        import pandas as pd

        rows = [
            (name, rule.predicate, rule.number, rule.line, rule.fired)
            for name, beliefs in zip(self.names, (self.a, self.b), strict=True)
            for rule in beliefs.formed.clauses
        ]
        return pd.DataFrame(rows, columns=["way", "predicate", "clause", "line", "fired"])

    def cost(self) -> pd.DataFrame:
        """Return what forming cost, in logical inferences, whatever the machine's speed.

        What the process did before makes a difference of a few.

        Returns
        -------
        pandas.DataFrame
            ``way, observations, clusters, facts, beliefs, inferences,
            inferences_per_observation``.
        """
        import pandas as pd

        rows = []
        for name, beliefs in zip(self.names, (self.a, self.b), strict=True):
            seen = len(beliefs.observed)
            steps = beliefs.formed.inferences
            rows.append(
                (
                    *(name, seen, len(beliefs.ground.clusters.clusters)),
                    *(len(beliefs.formed.facts), len(beliefs), steps),
                    steps / seen if steps is not None and seen else math.nan,
                )
            )
        columns = [
            *("way", "observations", "clusters", "facts", "beliefs", "inferences"),
            "inferences_per_observation",
        ]
        return pd.DataFrame(rows, columns=columns)

    # -- labels ------------------------------------------------------------------------

    def labelled(self) -> pd.DataFrame:
        """Return precision and recall on the labels.

        A belief is *right* if at least `PURE` of its labelled evidence has one label, which
        is not None; a label is *found* if a belief is right about it.

        Returns
        -------
        pandas.DataFrame
            ``way, measure`` (precision, recall), ``value, low, high`` (Wilson), ``n`` (beliefs
            with a label; labels).
        """
        import pandas as pd

        groups = {label for label in self.labels.values() if label is not None}
        rows = []
        for name, beliefs in zip(self.names, (self.a, self.b), strict=True):
            right, judged, found = 0, 0, set()
            for belief in beliefs:
                told = [self.labels[e] for e in belief.evidence if e in self.labels]
                if not told:
                    continue
                judged += 1
                label, n = Counter(told).most_common(1)[0]
                if label is not None and n >= PURE * len(told):
                    right += 1
                    found.add(label)
            for measure, estimate in (
                ("precision", share(right, judged, self.level)),
                ("recall", share(len(found), len(groups), self.level)),
            ):
                rows.append((name, measure, *_numbers(estimate)))
        return pd.DataFrame(rows, columns=["way", "measure", "value", "low", "high", "n"])

    # -- what came after ---------------------------------------------------------------

    def judged(self) -> pd.DataFrame:
        """Return how each did on what came after the cut.

        Returns
        -------
        pandas.DataFrame
            ``way, measure, value, low, high, n``: ``precision`` (share of its beliefs that
            came again), ``recall`` (share of what came again that it believed), ``brier, ece,
            auc`` of its confidences; and ``constant``: the Brier score of the share itself.
        """
        import pandas as pd

        rows = []
        if self.holdout is not None:
            again = self.holdout.again.astype(float)
            for name, p in zip(self.names, (self.holdout.a, self.holdout.b), strict=True):
                rows += [(name, *row) for row in self._judged(p, again)]
        return pd.DataFrame(rows, columns=["way", "measure", "value", "low", "high", "n"])

    def _judged(self, p: Any, again: Any) -> list[tuple[Any, ...]]:
        mine = ~np.isnan(p)
        own, came = p[mine], again[mine]
        hits = int(came.sum())
        rows: list[tuple[Any, ...]] = [
            ("precision", *_numbers(share(hits, len(own), self.level))),
            ("recall", *_numbers(share(hits, int(again.sum()), self.level))),
        ]
        for measure, function in METRICS.items():
            estimate = self._bootstrap(lambda at, f=function: f(own[at], came[at]), len(own))
            rows.append((measure, *_numbers(estimate)))
        rate = hits / len(own) if len(own) else math.nan
        rows.append(("constant", rate * (1 - rate), math.nan, math.nan, len(own)))
        return rows

    def _bootstrap(self, statistic: Any, n: int) -> Estimate:
        return bootstrap(statistic, n, level=self.level, draws=self.draws, seed=self.seed)

    def differences(self) -> pd.DataFrame:
        """Return the second minus the first, on the same claims.

        Returns
        -------
        pandas.DataFrame
            ``measure, difference, low, high, n, better``: ``precision`` (n: claims that the
            one with fewer holds), ``recall`` (n: claims that came again), and ``brier, ece,
            auc`` over the claims that both hold.  ``better`` names a way where the interval
            leaves out 0 and n is at least `FEW`.
        """
        import pandas as pd

        columns = ["measure", "difference", "low", "high", "n", "better"]
        if self.holdout is None:
            return pd.DataFrame(columns=columns)
        a, b, again = self.holdout.a, self.holdout.b, self.holdout.again.astype(float)

        def precision(p: Any, at: Any) -> float:
            mine = ~np.isnan(p[at])
            return float(again[at][mine].mean()) if mine.any() else math.nan

        def recall(p: Any, at: Any) -> float:
            came = again[at] == 1
            return float((~np.isnan(p[at]))[came].mean()) if came.any() else math.nan

        rows = []
        for measure, of in (("precision", precision), ("recall", recall)):
            found = self._bootstrap(lambda at, f=of: f(b, at) - f(a, at), len(again))
            fewest = min(int((~np.isnan(p)).sum()) for p in (a, b))
            found = replace(found, n=fewest if measure == "precision" else int(again.sum()))
            rows.append((measure, *_numbers(found), self._better(found, higher=True)))
        both = ~np.isnan(a) & ~np.isnan(b)
        x, y, z = a[both], b[both], again[both]
        for measure, function in METRICS.items():
            found = self._bootstrap(
                lambda at, f=function: f(y[at], z[at]) - f(x[at], z[at]), len(z)
            )
            rows.append((measure, *_numbers(found), self._better(found, higher=measure == "auc")))
        return pd.DataFrame(rows, columns=columns)

    def _better(self, found: Estimate, *, higher: bool) -> str:
        if found.n < FEW or math.isnan(found.low) or found.low <= 0 <= found.high:
            return ""
        return self.names[1] if (found.low > 0) == higher else self.names[0]

    def mcnemar(self) -> tuple[int, int, float]:
        """Return on how many claims only the first was right, only the second, and p.

        Right: it held what came again, or did not hold what did not.
        """
        if self.holdout is None:
            return 0, 0, 1.0
        again = self.holdout.again
        return mcnemar(
            ~np.isnan(self.holdout.a) == again,
            ~np.isnan(self.holdout.b) == again,
        )

    def calibration(self) -> pd.DataFrame:
        """Return confidence beside frequency.

        Returns
        -------
        pandas.DataFrame
            ``way, from, to`` (bounds of the bin), ``confidence`` (mean), ``came_again, low,
            high`` (share, Wilson), ``n``; bins without beliefs are left out.
        """
        import pandas as pd

        rows = []
        if self.holdout is not None:
            for name, p in zip(self.names, (self.holdout.a, self.holdout.b), strict=True):
                mine = ~np.isnan(p)
                own, came = p[mine], self.holdout.again[mine]
                bins = np.minimum((own * BINS).astype(int), BINS - 1)
                for bin_ in sorted({*bins.tolist()}):
                    at = bins == bin_
                    estimate = share(int(came[at].sum()), int(at.sum()), self.level)
                    edges = bin_ / BINS, (bin_ + 1) / BINS
                    rows.append((name, *edges, float(own[at].mean()), *_numbers(estimate)))
        columns = ["way", "from", "to", "confidence", "came_again", "low", "high", "n"]
        return pd.DataFrame(rows, columns=columns)

    # -- over time ---------------------------------------------------------------------

    def churn(self) -> pd.DataFrame:
        """Return how much each changes from one period to the next.

        Returns
        -------
        pandas.DataFrame
            ``way, as_of`` (UTC), ``beliefs, entered, left, jaccard`` (with the period before;
            null for the first), ``changed`` (mean absolute change of the confidence of those
            that stayed).
        """
        import pandas as pd

        rows: list[tuple[Any, ...]] = []
        for name, pipeline in zip(self.names, self.pipelines, strict=True):
            before: list[Claim] = []
            first = True
            end = pipeline.observed().end_us
            for us in moments(pipeline.observed(), self.every):
                now = _held(pipeline, None if us > end else us)
                same = match(before, now)
                entered, left = len(now) - len(same), len(before) - len(same)
                every_one = len(same) + entered + left
                moved = [
                    abs((before[n].confidence or 0) - (now[m].confidence or 0))
                    for n, m in same.items()
                ]
                rows.append(
                    (
                        *(name, pd.Timestamp(EPOCH + timedelta(microseconds=min(us, end)))),
                        len(now),
                        *(entered, left),
                        math.nan if first or not every_one else len(same) / every_one,
                        sum(moved) / len(moved) if moved else math.nan,
                    )
                )
                before, first = now, False
        columns = ["way", "as_of", "beliefs", "entered", "left", "jaccard", "changed"]
        return pd.DataFrame(rows, columns=columns)

    # -- in words ----------------------------------------------------------------------

    @property
    def same(self) -> bool:
        """Whether the two are one and the same way, by one engine."""
        ways = [
            (
                one.rules.text,
                dict(beliefs.formed.parameters),
                (one.threshold, one.model_hash, one.scope),
                tuple(seen.event_id for seen in beliefs.observed.observations),
                type(pipeline.engine),
            )
            for pipeline, beliefs in zip(self.pipelines, (self.a, self.b), strict=True)
            for one in (pipeline.choice,)
        ]
        return ways[0] == ways[1]

    @cached_property
    def wins(self) -> dict[str, list[str]]:
        """In what each of them is better, by `differences` and `mcnemar`."""
        table = self.differences().to_dict("records")
        wins = {
            name: [str(row["measure"]) for row in table if row["better"] == name]
            for name in self.names
        }
        only_a, only_b, p = self.mcnemar()
        leader = self.names[1] if only_b > only_a else self.names[0]
        if p < 1 - self.level and self._right()[leader] > self._idle():
            wins[leader].append("what it holds and what not")
        return wins

    @property
    def winner(self) -> str:
        """The better one; empty where that is undecided or mixed."""
        if self.holdout is None or len(self.holdout.claims) < FEW:
            return ""
        best = [name for name in self.names if self.wins[name]]
        return best[0] if len(best) == 1 else ""

    @cached_property
    def verdict(self) -> str:
        """Which is better, and how sure that is, in a sentence."""
        a, b = self.names
        if self.same:
            return (
                f"{a} and {b} are the same: one rule set, with the same parameters, threshold and "
                "model, on the same observations. There is nothing to compare; name two that "
                "differ, such as v0 and v2."
            )
        if self.holdout is None:
            return (
                f"Nothing can be said about which of {a} and {b} is better: too little happened "
                "before or after a cut to judge beliefs by what came again."
            )
        n = len(self.holdout.claims)
        evidence = self._evidence()
        if n < FEW:
            return (
                f"Undecided: {n} claims before {day(self.holdout.cut_us)} are too few to tell "
                f"{a} from {b}; {evidence}."
            )
        if not any(self.wins.values()):
            return (
                f"Undecided: on {n:,} claims no difference between {a} and {b} is both larger "
                f"than chance would make it and borne out by {FEW} cases; {evidence}."
            )
        if not self.winner:
            sides = "; ".join(f"{name} in {', '.join(where)}" for name, where in self.wins.items())
            return f"Mixed, on {n:,} claims: better are {sides}; {evidence}."
        best = self.winner
        worse = b if best == a else a
        sure = "likely" if len(self.wins[best]) == 1 else "clearly"
        return (
            f"{best} is {sure} better than {worse} at what came again, in "
            f"{', '.join(self.wins[best])}, on {n:,} claims; {evidence}. It is one log and one cut."
        )

    def _right(self) -> dict[str, int]:
        """Return on how many claims each was right."""
        cut = self.holdout
        if cut is None:
            return dict.fromkeys(self.names, 0)
        return {
            name: int((~np.isnan(p) == cut.again).sum())
            for name, p in zip(self.names, (cut.a, cut.b), strict=True)
        }

    def _idle(self) -> int:
        """Return on how many claims the better of holding everything and nothing is right."""
        if self.holdout is None:
            return 0
        came = int(self.holdout.again.sum())
        return max(came, len(self.holdout.again) - came)

    def _evidence(self) -> str:
        told = {str(row["measure"]): row for row in self.differences().to_dict("records")}
        only_a, only_b, p = self.mcnemar()
        percent = f"{100 * self.level:g} %"
        parts = []
        for measure in ("precision", "brier"):
            row = told[measure]
            if not math.isnan(row["difference"]):
                parts.append(
                    f"{measure} {row['difference']:+.3f} ({percent} interval {row['low']:+.3f} "
                    f"to {row['high']:+.3f}, n = {row['n']:,})"
                )
        parts.append(
            f"only {self.names[0]} right on {only_a:,}, only {self.names[1]} on {only_b:,} "
            f"(McNemar p = {p:.2g}; holding all or nothing is right on {self._idle():,})"
        )
        return f"{self.names[1]} minus {self.names[0]}: {', '.join(parts)}"

    def json(self) -> dict[str, Any]:
        """Return everything but churn as JSON values."""
        only_a, only_b, p = self.mcnemar()
        cut = self.holdout
        return {
            "ways": [
                {"name": name, "scope": beliefs.choice.scope, **beliefs.choice.json()}
                for name, beliefs in zip(self.names, (self.a, self.b), strict=True)
            ],
            "log_digest": self.a.observed.digest,
            "verdict": self.verdict,
            "sets": _records(self.sets()),
            "flips": _records(self.flips()),
            "holdout": cut
            and {
                "cut": day(cut.cut_us),
                "window_days": cut.window_us / 86_400_000_000,
                "whole_window": cut.whole_window,
                "claims": len(cut.claims),
                "came_again": int(cut.again.sum()),
            },
            "judged": _records(self.judged()),
            "differences": _records(self.differences()),
            "mcnemar": {"only_first": only_a, "only_second": only_b, "p": p},
            "calibration": _records(self.calibration()),
            "labelled": _records(self.labelled()) if self.labels else [],
            "rules": _records(self.rules()),
            "cost": _records(self.cost()),
            "level": self.level,
            "draws": self.draws,
            "seed": self.seed,
        }

    def facts(self) -> list[tuple[str, str]]:
        """Return what the repr shows."""
        said = [("verdict", self.verdict)]
        said += [(r["which"], f"{r['beliefs']:,} beliefs") for r in _records(self.sets())]
        if self.holdout is not None:
            cut = self.holdout
            end = "" if cut.whole_window else "; the log ends before the window does"
            days = f"{cut.window_us / 86_400_000_000:g}"
            said.append(
                (
                    "hold-out",
                    f"{len(cut.claims):,} claims before {day(cut.cut_us)}, "
                    f"{int(cut.again.sum()):,} came again within {days} days{end}",
                )
            )
        for table, label in ((self.judged(), "came again"), (self.labelled(), "labels")):
            if label == "labels" and not self.labels:
                continue
            rows = table.to_dict("records")
            for name in self.names:
                numbers = ", ".join(
                    f"{r['measure']} {Estimate(r['value'], r['low'], r['high'], r['n'])}"
                    for r in rows
                    if r["way"] == name and r["measure"] != "constant"
                )
                said.append((f"{name}, {label}", numbers))
        for name, beliefs in zip(self.names, (self.a, self.b), strict=True):
            steps = beliefs.formed.inferences
            told = "unknown" if steps is None else f"{steps:,}"
            facts = f"{len(beliefs.formed.facts):,}"
            said.append((f"{name}, cost", f"{told} inferences on {facts} facts"))
        return said

    def __repr__(self) -> str:
        return text_card(f"{self.names[0]} against {self.names[1]}", self.facts())

    def _repr_html_(self) -> str:
        card = html_card(f"{self.names[0]} against {self.names[1]}", self.facts()[1:])
        return f"<p><strong>{html.escape(self.verdict)}</strong></p>{card}"


def compare_rules(
    lab: Any,
    a: str | RuleSet | Mapping[str, Any] = "v0",
    b: str | RuleSet | Mapping[str, Any] = "v2",
    *,
    labels: Mapping[str, str | None] | None = None,
    split: Moment | float | None = None,
    window: str | timedelta = WINDOW,
    every: str = "month",
    level: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
    **chosen: Any,
) -> Comparison:
    """Compare two ways to form beliefs of one log.

    Parameters
    ----------
    lab : Lab or Persona
        Its slice holds: ``lab.as_of("2025-03-15")`` is compared as it was then.
    a, b : str, path, RuleSet or mapping
        A rule set; or a mapping of ``rules, threshold, embedder, local`` and parameters of the
        rule set, for any other choice.
    labels : mapping or None
        Event id, or text as written, -> its group; None: noise.
    split : date, timestamp, float or None
        The cut: what is before it forms beliefs, what is after it judges them.  A number is
        the share of the observations before it; None: 0.7.
    window : str or timedelta
        How long after the cut is looked.
    every : {"event", "day", "week", "month", "quarter", "year"}
        Period of the churn.
    level : float
        Of the intervals.
    draws, seed : int
        Of the bootstrap.
    **chosen
        For both: ``threshold, embedder, scope, engine`` and whatever else forming takes.

    Returns
    -------
    Comparison

    Raises
    ------
    InvalidOption, UnknownName, UnknownTime
        An option has no such value; there is no such option; no label is of this log.

    Examples
    --------
    >>> import patina_lab as pt
    >>> pt.compare_rules(pt.open("."), "v0", "v2")                          # doctest: +SKIP
    >>> pt.compare_rules(pt.open("."), {"threshold": 0.4}, {"threshold": 0.5})  # doctest: +SKIP
    """
    _check(lab, labels, every, level, draws, seed)
    window_us = length_us(window)
    if window_us <= 0:
        raise InvalidOption(f"In window={window!r} nothing can come again.", "Use 45d.")
    ways = [dict(way) if isinstance(way, Mapping) else {"rules": way} for way in (a, b)]
    for name in (name for way in ways for name in way if not isinstance(name, str)):
        raise UnknownName.among("option", name, OPTIONS)
    first = lab.belief_pipeline(**(chosen | ways[0]))
    second = lab.belief_pipeline(**(chosen | ways[1]))
    # What both read is read, embedded and clustered once.
    if all(ways[0].get(name) == ways[1].get(name) for name in _READS):
        second = first.other(
            rules=second.rules,
            threshold=second.threshold,
            engine=second.engine,
            embedder=first.embedder
            if first.embedder.model_hash == second.embedder.model_hash
            else second.embedder,
        )
    made = first.form(), second.form()
    told: dict[str, str | None] = {}
    for one in first.observed().observations:
        for key in (one.event_id, one.text):
            if labels is not None and key in labels:
                told.setdefault(one.event_id, labels[key])
    if labels and not told and len(first.observed()):
        raise InvalidOption(
            f"No label, such as {next(iter(labels))!r}, is the event id or the text of one of the "
            f"{len(first.observed()):,} observations.",
            "Give ids or texts as lab.rel('observations') shows them.",
        )
    return Comparison(
        _names(first, second),
        *made,
        (first, second),
        _hold_out(first, second, split, window_us),
        told,
        every,
        level,
        draws,
        seed,
    )


def _check(lab: Any, labels: Any, every: Any, level: Any, draws: Any, seed: Any) -> None:
    """Refuse what could only fail after everything was formed."""
    if not hasattr(lab, "belief_pipeline"):
        raise InvalidOption(
            f"{lab!r} is no lab, and rule sets are compared on the log of one.",
            "Open it first: pt.compare_rules(pt.open('.'), 'v0', 'v2').",
        )
    if every not in EVERY:
        raise UnknownName.among("period", every, EVERY)
    if not isinstance(level, int | float) or not 0 < level < 1:
        raise InvalidOption(
            f"level={level!r} is no share between 0 and 1.", "Use level=0.95 for 95 %."
        )
    if not isinstance(draws, Integral) or draws < 1:
        raise InvalidOption(f"draws={draws!r} draws nothing.", "Use a whole number from 1 on.")
    if not isinstance(seed, Integral) or seed < 0:
        raise InvalidOption(f"seed={seed!r} begins no draw.", "Use a whole number from 0 on.")
    if labels is None:
        return
    if not isinstance(labels, Mapping) or not all(
        label is None or isinstance(label, str) for label in labels.values()
    ):
        raise InvalidOption(
            f"labels={str(labels)[:60]} does not say which group a text belongs to.",
            "Give {'event id or text': 'group', 'noise': None}.",
        )


def _hold_out(
    first: Pipeline, second: Pipeline, split: Moment | float | None, window_us: int
) -> HoldOut | None:
    whole = first.observed()
    seen = whole.observations
    if len(seen) < 2:
        return None
    if split is None or isinstance(split, int | float):
        part = SPLIT if split is None else float(split)
        if not 0 < part < 1:
            raise InvalidOption(f"split={split} leaves nothing on one side.", "Use 0.7, or a date.")
        cut = seen[min(len(seen) - 1, max(1, round(len(seen) * part)))].occurred_us
    else:
        cut = begin_us(split)
    grounds = first.ground(cut), second.ground(cut)
    sides = _held(first, cut), _held(second, cut)
    known = every(grounds[0], first.scope)
    claims = list(sides[0])
    in_b = match(claims, sides[1])
    taken = {*in_b.values()}
    for m, claim in enumerate(sides[1]):
        if m not in taken:
            in_b[len(claims)] = m
            claims.append(claim)
    clusters = {(claim.cluster, claim.project) for claim in claims}
    claims += [claim for claim in known if (claim.cluster, claim.project) not in clusters]
    if not claims or seen[-1].occurred_us < cut:
        return None
    n_a = len(sides[0])
    a = [c.confidence if n < n_a else None for n, c in enumerate(claims)]
    b = [sides[1][in_b[n]].confidence if n in in_b else None for n in range(len(claims))]
    of_a = claims[:n_a] + [c for n, c in enumerate(claims) if n >= n_a and n not in in_b]
    of_b = [c for n, c in enumerate(claims) if n >= n_a and n in in_b]
    # A claim is judged on the ground on which it was made.
    came = {
        id(claim): said
        for mine, ground, pipeline in ((of_a, grounds[0], first), (of_b, grounds[1], second))
        for claim, said in zip(
            mine, came_again(mine, ground, whole, pipeline.vectors(), window_us), strict=True
        )
    }
    return HoldOut(
        cut,
        window_us,
        whole.end_us >= cut + window_us,
        tuple(claims),
        np.array([math.nan if p is None else p for p in a]),
        np.array([math.nan if p is None else p for p in b]),
        np.array([came[id(claim)] for claim in claims]),
    )


def _held(pipeline: Pipeline, until_us: int | None) -> list[Claim]:
    ground = pipeline.ground(until_us)
    formed = pipeline.engine.form(ground.facts, pipeline.rules)
    return held(ground, candidates(formed, pipeline.scope))


def _names(first: Pipeline, second: Pipeline) -> tuple[str, str]:
    """Return what tells two ways apart."""
    a, b = first.choice, second.choice
    if a.rules.name != b.rules.name:
        return a.rules.name, b.rules.name
    said: list[list[str]] = [[a.rules.name], [b.rules.name]]
    for mine, one in zip(said, (a, b), strict=True):
        other = b if one is a else a
        for name, value in one.rules.parameters.items():
            if other.rules.parameters.get(name) != value:
                mine.append(f"{name} {value:g}")
        if a.threshold != b.threshold:
            mine.append(f"threshold {one.threshold:g}")
        if a.model_hash != b.model_hash:
            mine.append(one.model)
    names = " ".join(said[0]), " ".join(said[1])
    return names if names[0] != names[1] else (f"{names[0]} (a)", f"{names[1]} (b)")


def _pair_order(pair: tuple[Belief | None, Belief | None]) -> tuple[Any, ...]:
    one = pair[0] or pair[1]
    assert one is not None
    best = max(b.confidence for b in pair if b)
    return -best, one.id


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
