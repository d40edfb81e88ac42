"""Events over time, as bars.

Columns in: day, event_type, events (what ``lab.project(pt.activity)`` gives).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from patina_lab.views import chart
from patina_lab.views.chart import many

if TYPE_CHECKING:
    from patina_lab.views.chart import Chart

COLUMNS = {"day": "time", "event_type": "text", "events": "count"}
SOURCE = "lab.project(pt.activity)"
_TITLE = "Activity"
_MOST_FAMILIES = 5
_UNDOTTED = "event files"
"""Types such as ``decision_made`` are those of a project's event files."""
_FEWEST_BARS = 16
"""The axis is at least this many units long, so that one week is no wall of colour."""


def activity(df: Any) -> Chart:
    """Draw events per day, week, month or year, stacked by the family of their type.

    Parameters
    ----------
    df : DataFrame
        Columns ``day`` (date or timestamp), ``event_type`` and ``events`` (count).

    Returns
    -------
    altair.Chart
        The unit grows with the span; the axis names it.  The family of ``git.commit`` is
        ``git``; the five largest are told apart.  See `done` for what is left out.
    """
    rows, without = done(chart.table(df, "activity", COLUMNS, SOURCE))
    if rows.empty or not rows["events"].sum():
        return chart.nothing(_TITLE, COLUMNS)
    alt = chart.altair()
    unit = _unit(rows["day"])
    bars = _stack(rows, unit)
    families = bars.groupby("family")["events"].sum().sort_values(ascending=False, kind="stable")
    legend = {family: f"{family} ({total:,})" for family, total in families.items()}
    bars["type"] = bars["family"].map(legend)
    totals = bars.groupby("label", sort=False)["events"].sum()
    first, last = rows["day"].min(), rows["day"].max()
    summary = (
        f"{many(totals.sum(), 'event')} from {first:%Y-%m-%d} to {last:%Y-%m-%d}; "
        f"most in {totals.idxmax()}: {totals.max():,}{without}"
    )
    drawn = (
        alt.Chart(_drawable(bars))
        .mark_bar(stroke="white", strokeWidth=0.5)
        .encode(
            x=alt.X(
                "start:T",
                title=None,
                scale=alt.Scale(type="utc", domain=_domain(bars, unit)),
                axis=chart.time_axis(grid=False, labelFlush=True),
            ),
            x2="end:T",
            y=alt.Y(
                "low:Q",
                title=f"events per {unit}",
                axis=_whole(int(bars["high"].max())),
            ),
            y2="high:Q",
            color=alt.Color(
                "type:N",
                title=None,
                sort=list(legend.values()),
                legend=alt.Legend(orient="top") if len(legend) > 1 else None,
            ),
            tooltip=[
                alt.Tooltip("label:N", title=unit),
                alt.Tooltip("family:N", title="type"),
                alt.Tooltip("events:Q", title="events", format=","),
            ],
            description="tip:N",
        )
    )
    return chart.finish(
        drawn,
        f"Events per {unit}",
        summary,
        description=f"Events per {unit}, by type: {', '.join(legend.values())}. {summary}.",
        width=chart.WIDTH,
        height=220,
    )


def done(rows: Any) -> tuple[Any, str]:
    """Leave out ``code.*`` events where there are others; say how many, for the summary.

    They are what the tree of one commit holds, and there are many: one for each function, import,
    call.  None of them was done on its day, that of its file's last change.
    """
    code = rows["event_type"].str.startswith("code.") & (rows["events"] > 0)
    if not code.any() or not rows.loc[~code, "events"].sum():
        return rows, ""
    return rows[~code], f"; without {rows.loc[code, 'events'].sum():,} of code.*"


def _unit(days: Any) -> str:
    span = (days.max() - days.min()).days
    return "day" if span <= 45 else "week" if span <= 1100 else "month" if span <= 9500 else "year"


def _families(rows: Any) -> Any:
    """Name the family of each row's type; rare ones together, so that colours suffice."""
    dotted = rows["event_type"].str.contains(".", regex=False)
    family = rows["event_type"].str.split(".").str[0].where(dotted, _UNDOTTED)
    size = rows.groupby(family)["events"].sum().sort_values(ascending=False, kind="stable")
    return family.where(family.isin(size.index[:_MOST_FAMILIES]), "other")


_PERIOD = {"day": "D", "week": "W-SUN", "month": "M", "year": "Y"}


def _stack(rows: Any, unit: str) -> Any:
    """Count by period and family, and lay the families on top of each other."""
    counted = rows.assign(
        period=rows["day"].dt.to_period(_PERIOD[unit]),
        family=_families(rows),
    )
    size = counted.groupby("family")["events"].sum()
    bars = counted.groupby(["period", "family"], as_index=False)["events"].sum()
    bars["size"] = -bars["family"].map(size)
    bars = bars.sort_values(["period", "size", "family"]).drop(columns="size")
    bars["high"] = bars.groupby("period")["events"].cumsum()
    bars["low"] = bars["high"] - bars["events"]
    start = bars["period"].dt.start_time
    bars["start"] = start
    # A hair less than the whole unit, so that neighbours do not run into each other.
    bars["end"] = start + ((bars["period"] + 1).dt.start_time - start) * 0.92
    forms = {"day": "%Y-%m-%d", "week": "the week of %Y-%m-%d", "month": "%Y-%m", "year": "%Y"}
    bars["label"] = start.dt.strftime(forms[unit])
    bars["tip"] = bars["label"] + ", " + bars["family"] + ": " + bars["events"].map("{:,}".format)
    return bars.reset_index(drop=True)


def _domain(bars: Any, unit: str) -> list[str]:
    import pandas as pd

    days = {"day": 1, "week": 7, "month": 31, "year": 366}[unit]
    start, end = bars["start"].min(), (bars["period"].max() + 1).start_time
    short = pd.Timedelta(days=days * _FEWEST_BARS) - (end - start)
    spare = max(short / 2, pd.Timedelta(0))
    return [f"{start - spare:%Y-%m-%dT%H:%M:%SZ}", f"{end + spare:%Y-%m-%dT%H:%M:%SZ}"]


def _whole(most: int) -> Any:
    """Return an axis without ticks at fractions of an event."""
    alt = chart.altair()
    return (
        alt.Axis(values=list(range(most + 1)), format="d") if most <= 5 else alt.Axis(tickCount=5)
    )


def _drawable(bars: Any) -> Any:
    """Write instants as text in UTC: Vega would read a bare one as local time."""
    form = "%Y-%m-%dT%H:%M:%SZ"
    times = {name: bars[name].dt.strftime(form) for name in ("start", "end")}
    return bars.drop(columns="period").assign(**times)
