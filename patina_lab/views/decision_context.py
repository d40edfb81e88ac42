"""Decisions with what was being committed before them, as bars with words.

Columns in: decision_seq, occurred_us, decision, commits, context
(what ``lab.project(pt.decision_context)`` gives).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from patina_lab.views import chart
from patina_lab.views.bars import clip
from patina_lab.views.canvas import Canvas
from patina_lab.views.chart import many
from patina_lab.views.renderer import GHOST, INK, MUTED

if TYPE_CHECKING:
    from patina_lab.views.chart import Chart

COLUMNS = {
    "decision_seq": "count",
    "occurred_us": "count",
    "decision": "text",
    "commits": "count",
    "context": "text",
}
SOURCE = "lab.project(pt.decision_context)"
_TITLE = "Decisions in their context"
_ROW = 38
_BAR = 120
_DATE = 78


def decision_context(df: Any, *, top: int = 15) -> Chart:
    """Draw the latest decisions, each with how many commits came before it and what they say.

    Parameters
    ----------
    df : DataFrame
        Columns as in the head of this module.
    top : int
        How many decisions, the latest ones.

    Returns
    -------
    altair.LayerChart
    """
    import pandas as pd

    chart.at_least("decision_context", "top", top)
    rows = chart.table(df, "decision_context", COLUMNS, SOURCE)
    if rows.empty:
        return chart.nothing(_TITLE, COLUMNS, why="this slice of the log holds no decision.")
    alt = chart.altair()
    shown = rows.sort_values(["decision_seq"]).tail(top)
    sheet = Canvas(chart.WIDTH + 40, len(shown) * _ROW)
    most = max(int(rows["commits"].max()), 1)
    left = _DATE + _BAR + 40
    drawn, bands, words = [], [], []
    for at, row in enumerate(shown.itertuples(index=False)):
        day = f"{pd.Timestamp(row.occurred_us, unit='us'):%Y-%m-%d}"
        top_of, end = at * _ROW, _DATE + row.commits / most * _BAR
        said = "no commit in the window" if row.commits == 0 else row.context
        drawn.append(
            {
                "day": day,
                "decision": clip(row.decision, 1000, 12),
                "commits": row.commits,
                "context": clip(said, 2000, 11),
                "x": _DATE,
                "x2": round(max(end, _DATE + 1), 2),
                "y": top_of + 5,
                "y2": top_of + 19,
                "tip": f"{day} {clip(row.decision, 500, 12)}: {many(row.commits, 'commit')}",
            }
        )
        if at % 2:
            bands.append({"x": 0, "x2": sheet.width, "y": top_of, "y2": top_of + _ROW})
        room = sheet.width - left - 4
        middle = top_of + 12
        words += [
            {"x": 4, "y": middle, "text": day, "look": "faint"},
            {"x": round(end + 6, 2), "y": middle, "text": f"{row.commits:,}", "look": "plain"},
            {"x": left, "y": middle, "text": clip(row.decision, room, 12.4), "look": "bold"},
            {"x": left, "y": middle + 16, "text": clip(said, room, 11), "look": "faint"},
        ]
    looks: dict[str, dict[str, Any]] = {
        "faint": {"color": MUTED},
        "plain": {"color": INK},
        "bold": {"color": INK, "fontSize": 12},
    }
    layers = [
        *([sheet.boxes(bands, color=GHOST)] if bands else []),
        sheet.boxes(
            drawn,
            ["day:N", "decision:N", alt.Tooltip("commits:Q", format=","), "context:N"],
            cornerRadiusEnd=2,
        ),
        *(
            sheet.words([row for row in words if row["look"] == look], **style)
            for look, style in looks.items()
        ),
    ]
    alone = int((rows["commits"] == 0).sum())
    without = f"{alone:,} of all had none" if alone else "each had some"
    latest = "" if len(shown) == len(rows) else ", the latest"
    summary = (
        f"{chart.part(len(shown), len(rows), 'decision')}{latest}; the bar counts the commits "
        f"of the days before; {without}"
    )
    return chart.finish(
        alt.layer(*layers),
        _TITLE,
        summary,
        description=f"Bars of {summary}. Last: {'; '.join(row['tip'] for row in drawn[-3:])}.",
        width=sheet.width,
        height=sheet.height,
    )
