"""Events by the calendar: which days, or which months, were busy.

Columns in: day, event_type, events (what ``lab.project(pt.activity)`` gives).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from patina_lab.views import chart, renderer
from patina_lab.views.activity import COLUMNS, SOURCE, done
from patina_lab.views.chart import many
from patina_lab.views.renderer import INK, MUTED

if TYPE_CHECKING:
    from patina_lab.views.chart import Chart

_TITLE = "Calendar"
_LONGEST_BY_DAY = 731
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
_PITCH = 12.5


def calendar(df: Any) -> Chart:
    """Draw the events of each day by week and weekday, or of each month when that is long.

    Parameters
    ----------
    df : DataFrame
        Columns ``day``, ``event_type`` and ``events``; all types are summed, but for what
        `patina_lab.views.activity.done` leaves out.

    Returns
    -------
    altair.LayerChart
        Up to two years: one square a day, larger and darker with more events.  Beyond:
        one cell a month with its number.
    """
    rows, without = done(chart.table(df, "calendar", COLUMNS, SOURCE))
    rows = rows[rows["events"] > 0]
    if rows.empty:
        return chart.nothing(_TITLE, COLUMNS)
    days = rows.groupby(rows["day"].dt.floor("D"))["events"].sum()
    span = (days.index.max() - days.index.min()).days
    return (_by_day if span <= _LONGEST_BY_DAY else _by_month)(days, without)


def _by_day(days: Any, without: str) -> Chart:
    import pandas as pd

    alt = chart.altair()
    most = int(days.max())
    years = list(range(days.index.min().year, days.index.max().year + 1))
    every = pd.date_range(f"{years[0]}-01-01", f"{years[-1]}-12-31", freq="D")
    cells = pd.DataFrame({"day": every, "events": days.reindex(every, fill_value=0).to_numpy()})
    first_weekday = pd.to_datetime(cells["day"].dt.year.astype(str) + "-01-01").dt.day_of_week
    weekday = cells["day"].dt.day_of_week
    column = (cells["day"].dt.day_of_year - 1 + first_weekday) // 7
    line = (cells["day"].dt.year - years[0]) * 8 + weekday
    cells["x"], cells["y"] = (column + 0.5) * _PITCH, (line + 0.5) * _PITCH
    cells["label"] = cells["day"].dt.strftime("%Y-%m-%d ") + weekday.map(dict(enumerate(_DAYS)))
    cells["tip"] = cells["label"] + ": " + cells["events"].map(lambda n: many(n, "event"))
    months = cells[cells["day"].dt.day == 1].assign(
        x=lambda d: d["x"] - _PITCH / 2 + (d["day"].dt.day_of_week > 0) * _PITCH,
        name=lambda d: d["day"].dt.month.map(dict(enumerate(_MONTHS, 1))),
        y=-_PITCH * 0.7,
    )
    weekdays = [
        {"x": -8, "y": ((8 * row) + at + 0.5) * _PITCH, "name": _DAYS[at]}
        for row in range(len(years))
        for at in (0, 2, 4)
    ]
    names = [
        {"x": -40, "y": (8 * row + 0.5) * _PITCH, "name": str(year)}
        for row, year in enumerate(years)
    ]
    width, height = 54 * _PITCH, (len(years) * 8 - 1) * _PITCH
    x = chart.along("x", "x", 0, width)
    y = chart.along("y", "y", height, 0)
    squares = cells[cells["events"] > 0].drop(columns="day")
    layers = [
        _lanes(cells, width, y),
        alt.Chart(squares)
        .mark_square(opacity=1)
        .encode(
            x=x,
            y=y,
            size=alt.Size(
                "events:Q", scale=alt.Scale(range=[26, 118], domain=[1, max(most, 2)]), legend=None
            ),
            color=_shade(most, chart.SCALE[1:]),
            tooltip=[
                alt.Tooltip("label:N", title="day"),
                alt.Tooltip("events:Q", title="events", format=","),
            ],
            description="tip:N",
        ),
        _words(months[["x", "y", "name"]].iloc[:12], x, y, align="left"),
        _words(weekdays, x, y, align="right"),
        _words(names, x, y, align="right", color=INK, fontWeight="bold"),
    ]
    summary = (
        f"{many(days.sum(), 'event')} on {many(len(days), 'day')}; "
        f"busiest {days.idxmax():%Y-%m-%d}: {most:,} (larger and darker is more){without}"
    )
    return chart.finish(
        alt.layer(*layers),
        "Events by day",
        summary,
        description=f"Calendar of events by day: {summary}.",
        width=width,
        height=height,
    )


def _lanes(cells: Any, width: float, y: Any) -> Any:
    """Draw the empty days: a dashed line a weekday, whose dashes are the squares."""
    alt = chart.altair()
    lanes = cells.groupby("y", as_index=False)["x"].agg(["min", "max"])
    lanes["min"] -= _PITCH / 2 - 1
    lanes["max"] += _PITCH / 2 - 1
    return (
        alt.Chart(lanes)
        .mark_rule(
            strokeWidth=_PITCH - 2, strokeDash=[_PITCH - 2, 2], color=renderer.GHOST, aria=False
        )
        .encode(x=chart.along("x", "min", 0, width), x2="max:Q", y=y)
    )


def _by_month(days: Any, without: str) -> Chart:
    alt = chart.altair()
    months = days.groupby([days.index.year, days.index.month]).sum()
    most = int(months.max())
    cells: list[dict[str, Any]] = [
        {
            "year": str(year),
            "month": _MONTHS[month - 1],
            "events": int(count),
            "dark": bool(count > most * 0.3),
            "tip": f"{_MONTHS[month - 1]} {year}: {many(count, 'event')}",
        }
        for (year, month), count in months.items()
    ]
    x = alt.X(
        "month:O",
        sort=_MONTHS,
        title=None,
        scale=alt.Scale(domain=_MONTHS, paddingInner=0.06),
        axis=alt.Axis(orient="top", labelAngle=0, domain=False, ticks=False),
    )
    years = sorted({cell["year"] for cell in cells}, key=int)
    if int(years[-1]) - int(years[0]) < 40:  # an odd clock in 1970 must not draw a tower
        years = [str(year) for year in range(int(years[0]), int(years[-1]) + 1)]
    y = alt.Y(
        "year:O",
        sort=years,
        title=None,
        scale=alt.Scale(domain=years, paddingInner=0.1),
        axis=alt.Axis(domain=False, ticks=False),
    )
    base = alt.Chart(chart.data(cells))
    squares = base.mark_rect(cornerRadius=2).encode(
        x=x,
        y=y,
        color=_shade(most, chart.SCALE),
        tooltip=["year:N", "month:N", alt.Tooltip("events:Q", title="events", format=",")],
        description="tip:N",
    )
    numbers = base.mark_text(fontSize=11, aria=False).encode(
        x=x,
        y=y,
        text=alt.Text("events:Q", format=","),
        color=alt.condition("datum.dark", alt.value("white"), alt.value(INK)),
    )
    top = months.idxmax()
    summary = (
        f"{many(days.sum(), 'event')} in {many(len(months), 'month')}; "
        f"busiest {_MONTHS[top[1] - 1]} {top[0]}: {most:,}{without}"
    )
    return chart.finish(
        alt.layer(squares, numbers),
        "Events by month",
        summary,
        description=f"Calendar of events by month and year: {summary}.",
        width=chart.WIDTH,
        height=alt.Step(22),
    )


def _shade(most: int, shades: list[str]) -> Any:
    alt = chart.altair()
    scale = alt.Scale(type="sqrt", domain=[0, most], range=shades)
    return alt.Color("events:Q", title="events", scale=scale, legend=None)


def _words(data: Any, x: Any, y: Any, **style: Any) -> Any:
    alt = chart.altair()
    values = chart.data(data) if isinstance(data, list) else data
    return (
        alt.Chart(values)
        .mark_text(baseline="middle", fontSize=10, aria=False, **{"color": MUTED, **style})
        .encode(x=x, y=y, text="name:N")
    )
