"""Change over time: lines added above, lines removed below.

Columns in: period, commits, lines_added, lines_removed (what ``lab.project("churn")`` gives).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from patina_lab.views import chart, periods
from patina_lab.views.canvas import ACCENT, SECOND
from patina_lab.views.chart import many
from patina_lab.views.renderer import INK, MUTED

if TYPE_CHECKING:
    from patina_lab.views.chart import Chart

COLUMNS = {
    "period": "time",
    "commits": "count",
    "lines_added": "number",
    "lines_removed": "number",
}
SOURCE = 'lab.project("churn")'
_TITLE = "Change over time"
_MOST = 130
_FEW = 5
_GIANT = 3.0
"""A bar beyond so many times the next lower group is cut, and tells its number."""


def churn(df: Any) -> Chart:
    """Draw how many lines came and went in each period.

    Parameters
    ----------
    df : DataFrame
        Columns as in the head of this module.

    Returns
    -------
    altair.LayerChart
        Up is added, down is removed.  Very few giant bars (an import of a vendored library)
        are cut and carry their number, so that the others can be seen.  Where no line was
        counted, or none came or went, commits are drawn.
    """
    rows = chart.table(df, "churn", COLUMNS, SOURCE)
    rows = rows[(rows["commits"] > 0) & rows["period"].notna()]
    if rows.empty:
        return chart.nothing(_TITLE, COLUMNS)
    period, unit = periods.coarse(rows["period"], _MOST)
    counted = bool(rows[["lines_added", "lines_removed"]].notna().any(axis=None))
    sums = rows.assign(period=period).groupby("period", as_index=False)
    sums = sums[["commits", "lines_added", "lines_removed"]].sum(min_count=1)
    if not counted:
        return _bars(sums, unit, "no lines were counted")
    if not sums[["lines_added", "lines_removed"]].any(axis=None):
        return _bars(sums, unit, "no line was added or removed")
    return _bars(sums, unit, "")


def _bars(sums: Any, unit: str, lineless: str) -> Chart:
    alt = chart.altair()
    counted = not lineless
    sides = [("added", "lines_added", 1), ("removed", "lines_removed", -1)]
    if not counted:
        sides = [("commits", "commits", 1)]
    limit = _limit([float(v) for _, name, _ in sides for v in sums[name].dropna()])
    bars = []
    for row in sums.itertuples(index=False):
        start, end = periods.bounds(row.period)
        named = periods.label(row.period, unit)
        for what, name, sign in sides:
            value = getattr(row, name)
            if value != value or not value:
                continue
            cut = value > limit
            noun = "commit" if not counted else "line"
            bars.append(
                {
                    "start": start,
                    "end": end,
                    "period": named,
                    "what": what,
                    "value": int(value),
                    "commits": int(row.commits),
                    "zero": 0,
                    "height": sign * min(float(value), limit),
                    "number": f"{int(value):,}" if cut else "",
                    "tip": f"{named}: {many(value, noun)} {'' if not counted else what}".strip(),
                }
            )
    data = chart.data(bars)
    # Left to itself, an axis of few lines has ticks at fractions of a line.
    low, high = (int(end) for end in (data["height"].min(), data["height"].max()))
    ticks = alt.Undefined if limit > _FEW else list(range(min(low, 0), max(high, 0) + 1))
    kinds = [what for what, _, _ in sides]
    x = alt.X(
        "start:T",
        title=None,
        scale=alt.Scale(type="utc", domain=periods.domain(sums["period"])),
        axis=chart.time_axis(grid=False, labelFlush=True),
    )
    up = "commits" if not counted else "lines: added up, removed down"
    legend = alt.Legend(title=None, orient="top") if counted else None
    tooltip = [
        alt.Tooltip("period:N", title=unit),
        alt.Tooltip("what:N", title="side"),
        alt.Tooltip("value:Q", title="commits" if not counted else "lines", format=","),
        *([alt.Tooltip("commits:Q", format=",")] if counted else []),
    ]
    base = alt.Chart(data)
    layers = [
        base.mark_bar().encode(
            x=x,
            x2="end:T",
            y=alt.Y(
                "zero:Q",
                title=f"{up}, per {unit}",
                axis=alt.Axis(
                    tickCount=6,
                    values=ticks,
                    labelExpr="format(abs(datum.value), '~s')",
                ),
            ),
            y2="height:Q",
            color=alt.Color(
                "what:N",
                scale=alt.Scale(domain=kinds, range=[ACCENT, SECOND][: len(kinds)]),
                legend=legend,
            ),
            tooltip=tooltip,
            description="tip:N",
        )
    ]
    giants = data[data["number"] != ""]
    for sign, shift in ((1, -8), (-1, 8)):
        if len(some := giants[giants["height"] * sign > 0]):
            layers.append(
                alt.Chart(some)
                .mark_text(dy=shift, fontSize=10, color=INK, aria=False)
                .encode(x=x, y="height:Q", text="number:N")
            )
    layers.append(
        alt.Chart(chart.data([{"zero": 0}])).mark_rule(color=MUTED, aria=False).encode(y="zero:Q")
    )
    whole = f"{many(sums['commits'].sum(), 'commit')} in {many(len(sums), unit)}"
    if counted:
        whole += (
            f", +{int(sums['lines_added'].sum()):,} and -{int(sums['lines_removed'].sum()):,} lines"
        )
    else:
        whole += f"; {lineless}"
    cut_off = f"; {many(len(giants), 'bar')} cut, with the number" if len(giants) else ""
    summary = whole + cut_off
    first = "; ".join(sorted(str(bar["tip"]) for bar in bars[-4:]))
    return chart.finish(
        alt.layer(*layers),
        f"Change per {unit}",
        summary,
        description=f"Bars of change per {unit}: {summary}. Last: {first}.",
        width=chart.WIDTH,
        height=240,
    )


def _limit(values: list[float]) -> float:
    """Return where bars are cut: above the 97th percentile, if the largest dwarf it."""
    ordered = sorted(values)
    usual = ordered[min(int(len(ordered) * 0.97), len(ordered) - 1)]
    if len(ordered) >= 20 and ordered[-1] > _GIANT * usual:
        return usual * 1.25
    return ordered[-1]
