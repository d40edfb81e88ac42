"""Whose changes make up each period, as stacked shares.

Columns in: period, author, author_email, touches (what ``lab.project("ownership")`` gives).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from patina_lab.views import chart, labels, periods
from patina_lab.views.bars import clip
from patina_lab.views.chart import many

if TYPE_CHECKING:
    from patina_lab.views.chart import Chart

COLUMNS = {"period": "time", "author": "text", "author_email": "text", "touches": "count"}
SOURCE = 'lab.project("ownership")'
_TITLE = "Whose changes"
_MOST = 60
_COLORS = ["#0d4a47", "#c9803b", "#35507a", "#9fb84d", "#8a4f7d", "#56a093", "#e3b98f"]
_REST = "#dfe5e4"
_HEIGHT = 280


def ownership(df: Any, *, people: int = 6) -> Chart:
    """Draw each person's share of the changes in each period.

    Parameters
    ----------
    df : DataFrame
        Columns as in the head of this module.
    people : int
        How many are told apart, 1 to 7: those with the most changes.

    Returns
    -------
    altair.LayerChart
        The number in a field is that before the person's name in the legend.
    """
    chart.at_least("ownership", "people", people)
    rows = chart.table(df, "ownership", COLUMNS, SOURCE)
    rows = rows[(rows["touches"] > 0) & rows["period"].notna()]
    if rows.empty:
        return chart.nothing(_TITLE, COLUMNS)
    alt = chart.altair()
    period, unit = periods.coarse(rows["period"], _MOST)
    sums = rows.groupby("author_email")["touches"].sum().reset_index()
    sums = sums.sort_values(["touches", "author_email"], ascending=[False, True])
    first = sums["author_email"].head(min(people, len(_COLORS))).tolist()
    rank = {email: number for number, email in enumerate(first)}
    others = len(sums) - len(first)
    last = len(first)
    parts = rows.assign(period=period, rank=rows["author_email"].map(rank).fillna(last))
    parts = parts.groupby(["period", "rank"], as_index=False)["touches"].sum()
    whole = parts.groupby("period")["touches"].transform("sum")
    parts["share"] = parts["touches"] / whole
    parts["high"] = parts.groupby("period")["share"].cumsum().clip(upper=1.0)
    name_of = labels.people(
        rows.sort_values("author").groupby("author_email")["author"].last().to_dict()
    )
    legend = [
        f"{number + 1}  {clip(name_of[email], 150, 11)}" for number, email in enumerate(first)
    ]
    names = [name_of[email] for email in first]
    if others:
        legend.append(many(others, "other"))
        names.append(many(others, "other"))
    slots = (period.max() - period.min()).n + 1
    wide = chart.WIDTH / max(slots, 8) * 0.94
    bars = []
    for row in parts.itertuples(index=False):
        at = int(row.rank)
        start, end = periods.bounds(row.period)
        named = periods.label(row.period, unit)
        tall = row.share * _HEIGHT >= 13 and wide >= 8 and at < last
        bars.append(
            {
                "start": start,
                "end": end,
                "low": round(row.high - row.share, 6),
                "high": round(row.high, 6),
                "period": named,
                "person": names[at],
                "who": legend[at],
                "changes": int(row.touches),
                "share": round(row.share, 4),
                "number": str(at + 1) if tall else "",
                "dark": at in (0, 2, 4),
                "tip": f"{named}, {names[at]}: {row.share:.0%}, {many(row.touches, 'change')}",
            }
        )
    base = alt.Chart(chart.data(bars))
    x = alt.X(
        "start:T",
        title=None,
        scale=alt.Scale(type="utc", domain=periods.domain(period)),
        axis=chart.time_axis(grid=False, labelFlush=True),
    )
    y = alt.Y(
        "low:Q",
        title=f"share of changes per {unit}",
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(format="%", tickCount=5, grid=False),
    )
    middle = {"start": "middle", "low": "at"}
    layers = [
        base.mark_bar(stroke="white", strokeWidth=0.7).encode(
            x=x,
            x2="end:T",
            y=y,
            y2="high:Q",
            color=alt.Color(
                "who:N",
                scale=alt.Scale(
                    domain=legend, range=[*_COLORS[:last], *([_REST] if others else [])]
                ),
                sort=legend,
                legend=alt.Legend(title=None, orient="bottom", columns=3, labelLimit=220),
            ),
            tooltip=[
                alt.Tooltip("period:N", title=unit),
                "person:N",
                alt.Tooltip("changes:Q", format=","),
                alt.Tooltip("share:Q", format=".1%"),
            ],
            description="tip:N",
        ),
        base.transform_calculate(
            middle="(toNumber(toDate(datum.start)) + toNumber(toDate(datum.end))) / 2",
            at="(datum.low + datum.high) / 2",
        )
        .mark_text(fontSize=10, aria=False)
        .encode(
            x=alt.X(f"{middle['start']}:T"),
            y=alt.Y(f"{middle['low']}:Q"),
            text="number:N",
            color=alt.condition("datum.dark", alt.value("white"), alt.value("#1f2a2c")),
        ),
    ]
    summary = (
        f"{many(rows['touches'].sum(), 'change')} (commit and file) by "
        f"{many(len(sums), 'person', 'people')} in {many(parts['period'].nunique(), unit)}"
    )
    return chart.finish(
        alt.layer(*layers),
        f"{_TITLE}, {unit} by {unit}",
        summary,
        description=f"Stacked shares of {summary}. Most: {'; '.join(names[:last])}.",
        width=chart.WIDTH,
        height=_HEIGHT,
    )
