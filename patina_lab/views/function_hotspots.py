"""Complicated functions in busy files, as bars.

Columns in: path, function, lines, complexity, commits, score
(what ``lab.project(pt.function_hotspots)`` gives).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from patina_lab.views import bars, chart, labels
from patina_lab.views.chart import many

if TYPE_CHECKING:
    from patina_lab.views.chart import Chart

COLUMNS = {
    "path": "text",
    "function": "text",
    "lines": "count",
    "complexity": "count",
    "commits": "count",
    "score": "count",
}
SOURCE = "lab.project(pt.function_hotspots), of a log scraped with code=True"
_TITLE = "Complicated functions in busy files"


def function_hotspots(df: Any, *, top: int = 25) -> Chart:
    """Draw the functions with the highest score, commits of the file × complexity.

    Parameters
    ----------
    df : DataFrame
        Columns as in the head of this module.
    top : int
        How many functions.

    Returns
    -------
    altair.LayerChart
    """
    chart.at_least("function_hotspots", "top", top)
    rows = chart.table(df, "function_hotspots", COLUMNS, SOURCE)
    if rows.empty:
        why = "no function in this slice, or the log was scraped without code=True."
        return chart.nothing(_TITLE, COLUMNS, why=why)
    alt = chart.altair()
    rows = rows.sort_values(
        ["score", "path", "function", "lines"], ascending=[False, True, True, True]
    )
    paths = sorted(set(rows["path"].head(top)))
    short = dict(zip(paths, labels.tails(paths), strict=True))
    drawn = [
        {
            **row._asdict(),
            "name": f"{short[row.path]} {row.function}",
            "value": row.score,
            "note": f"{row.score:,}: {many(row.commits, 'commit')}, complexity {row.complexity:,}",
            "tip": f"{row.function} in {row.path}: {many(row.commits, 'commit')} of the file, "
            f"complexity {row.complexity:,}",
        }
        for row in rows.head(top).itertuples(index=False)
    ]
    counts = [alt.Tooltip(f"{n}:Q", format=",") for n in ("lines", "complexity", "commits")]
    layers, sheet = bars.ranked(
        drawn, ["path:N", "function:N", *counts, alt.Tooltip("score:Q", format=",")], names=340
    )
    summary = (
        f"{chart.part(len(drawn), len(rows), 'function')}, by commits of the file times branches"
    )
    return chart.finish(
        layers,
        _TITLE,
        summary,
        description=f"Bars of {summary}. First: {'; '.join(row['tip'] for row in drawn[:5])}.",
        width=sheet.width,
        height=sheet.height,
    )
