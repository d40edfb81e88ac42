"""Co-change as arcs: files in the order of their paths, a curve for each pair."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from patina_lab.views import chart, labels
from patina_lab.views.canvas import ACCENT, SECOND, Canvas
from patina_lab.views.co_changes import TITLE, facts, some, tooltip
from patina_lab.views.graph import arc

if TYPE_CHECKING:
    from patina_lab.views.chart import Chart

_ROW, _NAMES, _SIZE = 18, 330, 11
_WITHIN, _ACROSS = "within a folder", "across folders"


def draw(pairs: Any, paths: list[str], whole: int) -> Chart:
    """Draw the arcs of `pairs`, strongest first, over the files `paths`.

    Parameters
    ----------
    pairs : DataFrame
        Columns of ``plot.co_changes``.
    paths : list of str
        In the order in which they are drawn.
    whole : int
        Pairs there were.
    """
    alt = chart.altair()
    sheet = Canvas(chart.WIDTH + 40, len(paths) * _ROW)
    names = labels.distinct(paths, _NAMES, _SIZE)
    left = max(labels.width(name, _SIZE) for name in names) + 8
    at = {path: (index + 0.5) * _ROW for index, path in enumerate(paths)}
    most = int(pairs["count"].max())
    longest = max(abs(at[a] - at[b]) for a, b in zip(pairs["file_a"], pairs["file_b"], strict=True))
    reach = min(sheet.width - left - 14, longest * 0.75)
    arcs = []
    for row in pairs.itertuples(index=False):
        low, high = sorted((at[row.file_a], at[row.file_b]))
        same = row.file_a.rpartition("/")[0] == row.file_b.rpartition("/")[0]
        arcs.append(
            {
                **facts(row),
                "x": round(left + 8, 2),
                "y": low,
                "d": arc(high - low, reach * (high - low) / longest),
                "w": round(0.8 + 5 * (row.count / most) ** 0.7, 2),
                "folder": _WITHIN if same else _ACROSS,
            }
        )
    kinds = [_WITHIN, _ACROSS]
    legend = alt.Legend(
        title=None, orient="top", symbolType="stroke", symbolSize=300, symbolStrokeWidth=2
    )
    curves = sheet.paths(
        arcs[::-1],  # the strongest on top
        tooltip(),
        encode={
            "color": alt.Color(
                "folder:N", scale=alt.Scale(domain=kinds, range=[ACCENT, SECOND]), legend=legend
            ),
            "strokeDash": alt.StrokeDash(
                "folder:N", scale=alt.Scale(domain=kinds, range=[[1, 0], [5, 3]]), legend=legend
            ),
        },
    )
    files = [
        {"x": round(left, 2), "y": at[path], "text": name}
        for path, name in zip(paths, names, strict=True)
    ]
    knots = [{"x": round(left + 8, 2), "y": at[path], "text": "•"} for path in paths]
    summary = f"{some(len(pairs), whole, len(paths))}; thicker is more commits"
    return chart.finish(
        alt.layer(
            curves,
            sheet.words(files, align="right", fontSize=_SIZE),
            sheet.words(knots, align="center", fontSize=12),
        ),
        TITLE,
        summary,
        description=f"Arc diagram of {summary}. First: {'; '.join(a['tip'] for a in arcs[:5])}.",
        width=sheet.width,
        height=sheet.height,
    )
