"""Beliefs: how firmly they are held, how that moved, and how two rule sets differ.

Columns in: what ``lab.form_beliefs().df()``, ``.evolution(…)``, and ``held()``,
``calibration()`` and ``churn()`` of ``pt.compare_rules(…)`` give; they are named at each chart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from patina_lab.views import chart
from patina_lab.views.bars import clip
from patina_lab.views.canvas import ACCENT, SECOND
from patina_lab.views.chart import many, part
from patina_lab.views.renderer import MUTED

if TYPE_CHECKING:
    from patina_lab.views.chart import Chart

BELIEFS = {
    "belief": "text",
    "confidence": "number",
    "low": "number",
    "high": "number",
    "evidence_count": "count",
    "against_count": "count",
    "sources": "count",
}
EVOLUTION = {
    "as_of": "time",
    "what": "text",
    "confidence": "number",
    "low": "number",
    "high": "number",
    "evidence": "count",
    "against": "count",
    "belief": "text",
}
HELD = {
    "belief": "text", "a": "number", "b": "number", "sources": "count", "evidence": "count",
}  # fmt: skip
CALIBRATION = {
    "way": "text",
    "from": "number",
    "to": "number",
    "confidence": "number",
    "came_again": "number",
    "low": "number",
    "high": "number",
    "n": "count",
}
CHURN = {
    "way": "text",
    "as_of": "time",
    "beliefs": "count",
    "entered": "count",
    "left": "count",
    "jaccard": "number",
}
_OF = 'pt.compare_rules(lab.as_of("2025-03-15"), "v0", "v2").'
_NONE = "nothing is believed."
_MOST, _MOST_WAYS = 300, 4
_WIDE = 340
_EVENTS = {
    "belief_formed": "formed",
    "belief_revised": "revised",
    "belief_retired": "retired",
    "": "no news",
    "(none)": "no news",
}


def beliefs(df: Any, *, top: int = 25) -> Chart:
    """Draw how firmly the firmest beliefs are held, with the interval of the evidence.

    Parameters
    ----------
    df : DataFrame
        Columns ``belief, confidence, low, high, evidence_count, against_count, sources``.
    top : int
        How many, the firmest.

    Returns
    -------
    altair.LayerChart
    """
    chart.at_least("beliefs", "top", top)
    table = chart.table(df, "beliefs", BELIEFS, "lab.form_beliefs().df()")
    if table.empty:
        return chart.nothing("Beliefs", BELIEFS, why=_NONE)
    order = ["confidence", "evidence_count", "belief"]
    ranked = table.sort_values(order, ascending=[False, False, True], kind="stable")
    shown = ranked.head(top)
    names = [f"{n}. {clip(text, 330, 12)}" for n, text in enumerate(shown["belief"], 1)]
    rows = [
        {
            "name": name,
            "confidence": round(float(r.confidence), 3),
            "low": round(float(r.low), 3),
            "high": round(float(r.high), 3),
            "for": int(r.evidence_count),
            "against": int(r.against_count),
            "sources": int(r.sources),
            "tip": f"{clip(r.belief, 400, 11)}: {r.confidence:.2f}, evidence {r.low:.2f} to "
            f"{r.high:.2f}; {r.evidence_count} for, {r.against_count} against",
        }
        for name, r in zip(names, shown.itertuples(index=False), strict=True)
    ]
    alt = chart.altair()
    y = alt.Y("name:N", sort=names, title=None, axis=chart.names_axis(names))
    scale = alt.Scale(domain=[0, 1])
    base = alt.Chart(chart.data(rows))
    tooltip = [
        alt.Tooltip("name:N", title="belief"),
        alt.Tooltip("confidence:Q", format=".2f"),
        alt.Tooltip("low:Q", title="from", format=".2f"),
        alt.Tooltip("high:Q", title="to", format=".2f"),
        *(alt.Tooltip(f"{name}:Q") for name in ("for", "against", "sources")),
    ]
    layers = [
        base.mark_rule(color=MUTED, strokeWidth=2, aria=False).encode(
            x=alt.X("low:Q", scale=scale, title="confidence; the line: 90 % of the evidence"),
            x2="high:Q",
            y=y,
        ),
        base.mark_point(filled=True, size=70, color=ACCENT, opacity=1).encode(
            x=alt.X("confidence:Q", scale=scale), y=y, tooltip=tooltip, description="tip:N"
        ),
    ]
    summary = f"{part(len(shown), len(table), 'belief')}, the firmest first"
    return chart.finish(
        alt.layer(*layers),
        "Beliefs",
        summary,
        description=f"A point a belief, a line its interval: {summary}. "
        f"{'; '.join(str(row['tip']) for row in rows[:3])}.",
        width=_WIDE,
        height=alt.Step(20),
    )


def belief_evolution(df: Any) -> Chart:
    """Draw how the confidence of one belief moved.

    Parameters
    ----------
    df : DataFrame
        Columns ``as_of, what, confidence, low, high, evidence, against, belief``.

    Returns
    -------
    altair.LayerChart
        The band is the interval of the evidence; a mark's shape says what happened.
    """
    source = "lab.form_beliefs().evolution(…)"
    table = chart.table(df, "belief_evolution", EVOLUTION, source)
    title = "How a belief moved"
    table = table[table["as_of"].notna()]
    if table.empty:
        return chart.nothing(title, EVOLUTION, why=_NONE)
    ordered = table.sort_values(list(EVOLUTION), kind="stable", na_position="last")
    shown = ordered.tail(_MOST)
    rows = []
    for r in shown.itertuples(index=False):
        gone = r.confidence != r.confidence
        what = _EVENTS.get(str(r.what), str(r.what))
        number = "" if gone else f" {r.confidence:.2f}"
        rows.append(
            {
                "at": r.as_of,
                "what": what,
                "confidence": 0.0 if gone else round(float(r.confidence), 4),
                "low": None if gone else round(float(r.low), 4),
                "high": None if gone else round(float(r.high), 4),
                "evidence": int(r.evidence),
                "against": int(r.against),
                "tip": f"{r.as_of:%Y-%m-%d}: {what}{number}, {r.evidence} for, {r.against} against",
            }
        )
    alt = chart.altair()
    kinds = [
        k for k in ("formed", "revised", "no news", "retired") if k in {r["what"] for r in rows}
    ]
    # Each has an area: a filled stroke would be seen nowhere.
    shapes = {"formed": "triangle-up", "revised": "circle", "no news": "square", "retired": "cross"}
    base = alt.Chart(chart.data(rows))
    x = alt.X("at:T", title=None, scale=alt.Scale(type="utc"), axis=chart.time_axis())
    scale = alt.Scale(domain=[0, 1])
    layers = [
        base.mark_area(color=ACCENT, opacity=0.15, aria=False).encode(
            x=x, y=alt.Y("low:Q", scale=scale, title="confidence"), y2="high:Q"
        ),
        base.mark_line(color=ACCENT, aria=False).encode(x=x, y=alt.Y("confidence:Q", scale=scale)),
        base.mark_point(filled=True, size=80, color=ACCENT, opacity=1).encode(
            x=x,
            y="confidence:Q",
            shape=alt.Shape(
                "what:N",
                scale=alt.Scale(domain=kinds, range=[shapes[k] for k in kinds]),
                legend=alt.Legend(title=None, orient="top"),
            ),
            tooltip=[
                alt.Tooltip("at:T", title="as of"),
                alt.Tooltip("what:N", title="event"),
                alt.Tooltip("confidence:Q", format=".2f"),
                alt.Tooltip("low:Q", title="from", format=".2f"),
                alt.Tooltip("high:Q", title="to", format=".2f"),
                alt.Tooltip("evidence:Q", title="for"),
                alt.Tooltip("against:Q"),
            ],
            description="tip:N",
        ),
    ]
    said = [str(text) for text in shown["belief"] if str(text) not in ("", "(none)")]
    name = clip(said[-1], 420, 12) if said else title
    summary = f"{part(len(rows), len(table), 'look')} at it; the band: 90 % of the evidence"
    return chart.finish(
        alt.layer(*layers),
        name,
        summary,
        description=f"Confidence over time of {name}: {summary}. Last: {rows[-1]['tip']}.",
        width=chart.WIDTH,
        height=240,
    )


def belief_agreement(df: Any) -> Chart:
    """Draw the confidence that two rule sets give each belief, one beside the other.

    Parameters
    ----------
    df : DataFrame
        Columns ``belief, a, b, sources, evidence``; null: not held.

    Returns
    -------
    altair.LayerChart
        What only one of them holds lies at 0 of the other; its mark is hollow.
    """
    table = chart.table(df, "belief_agreement", HELD, f"{_OF}held()")
    if table.empty:
        return chart.nothing("Two rule sets", HELD, why=_NONE)
    ordered = table.fillna({"a": 0.0, "b": 0.0}).sort_values(
        ["evidence", "belief", "a", "b"], ascending=[False, True, True, True], kind="stable"
    )
    shown = ordered.head(_MOST)
    rows = [
        {
            "belief": clip(r.belief, 400, 11),
            "a": round(float(r.a), 4),
            "b": round(float(r.b), 4),
            "sources": int(r.sources),
            "held": "by both" if r.a > 0 and r.b > 0 else "by one only",
            "tip": f"{clip(r.belief, 400, 11)}: {r.a:.2f} and {r.b:.2f}",
        }
        for r in shown.itertuples(index=False)
    ]
    alt = chart.altair()
    scale = alt.Scale(domain=[0, 1])
    both, one = ([r for r in rows if r["held"] == held] for held in ("by both", "by one only"))
    line = alt.Chart(chart.data([{"from": 0, "to": 0}, {"from": 1, "to": 1}]))
    layers = [
        line.mark_line(color=MUTED, strokeDash=[4, 3], aria=False).encode(x="from:Q", y="to:Q")
    ]
    tooltip = [
        alt.Tooltip("belief:N"),
        alt.Tooltip("a:Q", title="the first", format=".2f"),
        alt.Tooltip("b:Q", title="the second", format=".2f"),
        alt.Tooltip("held:N"),
        alt.Tooltip("sources:Q"),
    ]
    for some, filled, color in ((both, True, ACCENT), (one, False, SECOND)):
        if some:
            layers.append(
                alt.Chart(chart.data(some))
                .mark_point(filled=filled, size=60, color=color, opacity=0.8)
                .encode(
                    x=alt.X("a:Q", scale=scale, title="confidence by the first"),
                    y=alt.Y("b:Q", scale=scale, title="confidence by the second"),
                    tooltip=tooltip,
                    description="tip:N",
                )
            )
    whole = (ordered["a"] > 0) & (ordered["b"] > 0)
    summary = (
        f"{part(len(shown), len(table), 'belief')}; {int(whole.sum()):,} held by both (full), "
        f"{int((~whole).sum()):,} by one only (hollow)"
    )
    return chart.finish(
        alt.layer(*layers),
        "Two rule sets",
        summary,
        description=f"A point a belief, by the confidence of each rule set: {summary}.",
        width=_WIDE,
        height=_WIDE,
    )


def belief_calibration(df: Any) -> Chart:
    """Draw how often beliefs came again beside the confidence they had.

    Parameters
    ----------
    df : DataFrame
        Columns ``way, from, to, confidence, came_again, low, high, n``.

    Returns
    -------
    altair.LayerChart
        On the dashed line, confidence is frequency.
    """
    table = chart.table(df, "belief_calibration", CALIBRATION, f"{_OF}calibration()")
    if table.empty:
        return chart.nothing("Confidence and frequency", CALIBRATION, why=_NONE)
    ordered = table.sort_values(list(CALIBRATION), kind="stable")
    ways = sorted({*ordered["way"]})[:_MOST_WAYS]
    shown = ordered[ordered["way"].isin(ways)].head(_MOST)
    rows = [
        {
            "way": r.way,
            "confidence": round(float(r.confidence), 4),
            "came_again": round(float(r.came_again), 4),
            "low": round(float(r.low), 4),
            "high": round(float(r.high), 4),
            "n": int(r.n),
            "tip": f"{r.way}: confidence {r.confidence:.2f}, came again {r.came_again:.2f} "
            f"({r.low:.2f} to {r.high:.2f}, n = {r.n})",
        }
        for r in shown.itertuples(index=False)
    ]
    alt = chart.altair()
    scale = alt.Scale(domain=[0, 1])
    base = alt.Chart(chart.data(rows))
    color, shape = _told_apart(ways)
    line = alt.Chart(chart.data([{"from": 0, "to": 0}, {"from": 1, "to": 1}]))
    x = alt.X("confidence:Q", scale=scale, title="confidence")
    layers = [
        line.mark_line(color=MUTED, strokeDash=[4, 3], aria=False).encode(x="from:Q", y="to:Q"),
        base.mark_rule(aria=False).encode(
            x=x, y=alt.Y("low:Q", scale=scale, title="came again"), y2="high:Q", color=color
        ),
        base.mark_point(filled=True, size=80, opacity=1).encode(
            x=x,
            y=alt.Y("came_again:Q", scale=scale),
            color=color,
            shape=shape,
            tooltip=[
                alt.Tooltip("way:N", title="rules"),
                *(
                    alt.Tooltip(f"{name}:Q", title=title, format=".2f")
                    for name, title in (
                        ("confidence", "confidence"),
                        ("came_again", "came again"),
                        ("low", "from"),
                        ("high", "to"),
                    )
                ),
                alt.Tooltip("n:Q"),
            ],
            description="tip:N",
        ),
    ]
    summary = f"{many(int(shown['n'].sum()), 'belief')} of {', '.join(ways)}; lines: intervals"
    return chart.finish(
        alt.layer(*layers),
        "Confidence and frequency",
        summary,
        description=f"A point a bin of beliefs: {summary}. "
        f"{'; '.join(str(row['tip']) for row in rows[:4])}.",
        width=_WIDE,
        height=_WIDE,
    )


def belief_churn(df: Any) -> Chart:
    """Draw how many beliefs each rule set holds over time, and how many come and go.

    Parameters
    ----------
    df : DataFrame
        Columns ``way, as_of, beliefs, entered, left, jaccard``.

    Returns
    -------
    altair.LayerChart
    """
    table = chart.table(df, "belief_churn", CHURN, f"{_OF}churn()")
    table = table[table["as_of"].notna()]
    if table.empty:
        return chart.nothing("Beliefs over time", CHURN, why=_NONE)
    ordered = table.sort_values(list(CHURN), kind="stable", na_position="last")
    ways = sorted({*ordered["way"]})[:_MOST_WAYS]
    shown = ordered[ordered["way"].isin(ways)].groupby("way", sort=True).tail(_MOST // len(ways))
    rows = [
        {
            "way": r.way,
            "at": r.as_of,
            "beliefs": int(r.beliefs),
            "entered": int(r.entered),
            "left": int(r.left),
            "tip": f"{r.way}, {r.as_of:%Y-%m-%d}: {r.beliefs:,} beliefs, {r.entered} entered, "
            f"{r.left} left",
        }
        for r in shown.itertuples(index=False)
    ]
    alt = chart.altair()
    color, shape = _told_apart(ways)
    base = alt.Chart(chart.data(rows))
    x = alt.X("at:T", title=None, scale=alt.Scale(type="utc"), axis=chart.time_axis())
    y = alt.Y("beliefs:Q", title="beliefs held")
    layers = [
        base.mark_line(aria=False).encode(
            x=x, y=y, color=color, strokeDash=alt.StrokeDash("way:N", legend=None)
        ),
        base.mark_point(filled=True, size=60, opacity=1).encode(
            x=x,
            y=y,
            color=color,
            shape=shape,
            tooltip=[
                alt.Tooltip("way:N", title="rules"),
                alt.Tooltip("at:T", title="as of"),
                *(alt.Tooltip(f"{name}:Q") for name in ("beliefs", "entered", "left")),
            ],
            description="tip:N",
        ),
    ]
    went = shown.groupby("way", sort=True)[["entered", "left"]].sum()
    summary = "; ".join(
        f"{way}: {int(row['entered']):,} entered, {int(row['left']):,} left"
        for way, row in went.iterrows()
    )
    return chart.finish(
        alt.layer(*layers),
        "Beliefs over time",
        summary,
        description=f"A line a rule set, a point a look: {summary}. Last: {rows[-1]['tip']}.",
        width=chart.WIDTH,
        height=240,
    )


def _told_apart(ways: list[str]) -> tuple[Any, Any]:
    """Return colour and shape of each way: neither carries it alone."""
    alt = chart.altair()
    legend = alt.Legend(title=None, orient="top")
    colors = [ACCENT, SECOND, "#5b5f97", "#7a7a7a"][: len(ways)]
    shapes = ["circle", "square", "triangle-up", "diamond"][: len(ways)]
    return (
        alt.Color("way:N", scale=alt.Scale(domain=ways, range=colors), legend=legend),
        alt.Shape("way:N", scale=alt.Scale(domain=ways, range=shapes), legend=legend),
    )
