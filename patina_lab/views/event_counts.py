"""How many events of each type, as bars with their numbers.

Columns in: event_type, events (what ``lab.log.by_type()`` gives, among others).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from patina_lab.views import chart, labels
from patina_lab.views.chart import many
from patina_lab.views.renderer import INK

if TYPE_CHECKING:
    from patina_lab.views.chart import Chart

_TITLE = "Events by type"
_MOST_TYPES = 40


def event_counts(df: Any) -> Chart:
    """Draw one bar an event type, the most frequent first, with its number beside it.

    Parameters
    ----------
    df : DataFrame
        Columns ``event_type`` and ``events``; rows of one type are summed.

    Returns
    -------
    altair.LayerChart
    """
    columns = {"event_type": "text", "events": "count"}
    rows = chart.table(df, "event_counts", columns, "lab.log.by_type()")
    counts = rows.groupby("event_type", as_index=False)["events"].sum()
    counts = counts.sort_values(["events", "event_type"], ascending=[False, True])
    if counts.empty or not counts["events"].sum():
        return chart.nothing(_TITLE, columns)
    alt = chart.altair()
    shown = counts.head(_MOST_TYPES).copy()
    shown["label"] = labels.distinct(shown["event_type"].tolist(), 260, 12)
    shown["tip"] = shown["event_type"] + ": " + shown["events"].map("{:,}".format)
    left_out = f"; the {_MOST_TYPES} most frequent are drawn" if len(counts) > len(shown) else ""
    summary = f"{many(counts['events'].sum(), 'event')} of {many(len(counts), 'type')}{left_out}"
    base = alt.Chart(shown).encode(
        x=alt.X("events:Q", axis=None, scale=alt.Scale(nice=False)),
        y=alt.Y(
            "label:N",
            title=None,
            sort=shown["label"].tolist(),
            axis=chart.names_axis(shown["label"].tolist()),
        ),
    )
    bars = base.mark_bar(height={"band": 0.72}, cornerRadiusEnd=2).encode(
        tooltip=["event_type:N", alt.Tooltip("events:Q", format=",")], description="tip:N"
    )
    numbers = base.mark_text(align="left", dx=6, fontSize=12, color=INK, aria=False).encode(
        text=alt.Text("events:Q", format=",")
    )
    return chart.finish(
        alt.layer(bars, numbers),
        _TITLE,
        summary,
        description=f"{_TITLE}: {'; '.join(shown['tip'].head(8))}. {summary}.",
        width=chart.WIDTH - 160,
        height=alt.Step(24),
    )
