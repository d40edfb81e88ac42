"""How many people hold the files of each folder, as stacked bars.

Columns in: file_path, commits, authors, truck_factor, main_author, main_share
(what ``lab.project("truck_factor")`` gives).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from patina_lab.views import chart, labels
from patina_lab.views.canvas import Canvas
from patina_lab.views.chart import many
from patina_lab.views.renderer import INK, MUTED
from patina_lab.views.treemap import folders

if TYPE_CHECKING:
    from patina_lab.views.chart import Chart

COLUMNS = {"file_path": "text", "commits": "count", "truck_factor": "count"}
SOURCE = 'lab.project("truck_factor")'
_TITLE = "How many people hold the files"
_ROW, _HEAD = 24, 26
_GROUPS = ["1 person", "2 people", "3 or more"]
_COLORS = ["#0d4a47", "#56a093", "#dcebe7"]


def truck_factor(df: Any, *, top: int = 18) -> Chart:
    """Draw, by folder, how many files hang on one person, on two, on three or more.

    Parameters
    ----------
    df : DataFrame
        Columns as in the head of this module.
    top : int
        How many folders, those with the most files.

    Returns
    -------
    altair.LayerChart
    """
    chart.at_least("truck_factor", "top", top)
    rows = chart.table(df, "truck_factor", COLUMNS, SOURCE)
    rows = rows[rows["truck_factor"] > 0]
    if rows.empty:
        return chart.nothing(_TITLE, COLUMNS)
    alt = chart.altair()
    rows = rows.sort_values("file_path")
    rows = rows.assign(
        where=folders(rows["file_path"].tolist(), most=top),
        group=rows["truck_factor"].clip(upper=3) - 1,
    )
    sizes = rows.groupby("where").size().reset_index(name="n")
    sizes = sizes.sort_values(["n", "where"], ascending=[False, True])
    places = sizes["where"].head(top).tolist()
    whole = dict(zip(sizes["where"], sizes["n"], strict=True))
    counts = rows.groupby(["where", "group"]).size()
    names = labels.distinct(["(top level)" if p == "." else p for p in places], 260, 11)
    left = max(labels.width(name, 11) for name in names) + 10
    right = max(labels.width(many(whole[p], "file"), 11) for p in places) + 12
    sheet = Canvas(chart.WIDTH + 40, _HEAD + len(places) * _ROW)
    room = sheet.width - left - right
    bars, numbers, words, totals = [], [], [], []
    for line, (place, name) in enumerate(zip(places, names, strict=True)):
        middle = _HEAD + (line + 0.5) * _ROW
        words.append({"x": round(left - 8, 2), "y": middle, "text": name})
        totals.append(
            {"x": sheet.width - right + 8, "y": middle, "text": many(whole[place], "file")}
        )
        so_far = 0
        for group, held in enumerate(_GROUPS):
            count = int(counts.get((place, group), 0))
            if not count:
                continue
            x, wide = left + room * so_far / whole[place], room * count / whole[place]
            so_far += count
            bars.append(
                {
                    "x": round(x, 2),
                    "x2": round(x + wide, 2),
                    "y": middle - 9,
                    "y2": middle + 9,
                    "folder": "(top level)" if place == "." else place,
                    "held": held,
                    "files": count,
                    "tip": f"{place}: {many(count, 'file')} of {whole[place]:,} held by {held}",
                }
            )
            if labels.width(f"{count:,}", 10) + 6 < wide:
                numbers.append(
                    {
                        "x": round(x + wide / 2, 2),
                        "y": middle,
                        "text": f"{count:,}",
                        "dark": group == 0,
                    }
                )
    keys, key_words, x = [], [], left
    for held in _GROUPS:
        keys.append({"x": x, "x2": x + 12, "y": 4, "y2": 16, "held": held})
        key_words.append({"x": x + 17, "y": 10, "text": f"held by {held}"})
        x += 40 + labels.width(f"held by {held}", 11)
    shade = {
        "color": alt.Color("held:N", scale=alt.Scale(domain=_GROUPS, range=_COLORS), legend=None)
    }
    layers = [
        sheet.boxes(
            bars,
            [
                "folder:N",
                alt.Tooltip("held:N", title="held by"),
                alt.Tooltip("files:Q", format=","),
            ],
            stroke="white",
            encode=shade,
        ),
        sheet.boxes(keys, encode=shade),
        sheet.words(key_words, color=MUTED),
        sheet.words(words, align="right", color=INK),
        sheet.words(totals, color=MUTED),
        *([sheet.words(numbers, align="center", fontSize=10)] if numbers else []),
    ]
    lonely = int((rows["truck_factor"] == 1).sum())
    summary = (
        f"{chart.part(len(places), len(sizes), 'folder')}; {lonely:,} of "
        f"{many(len(rows), 'file')} with most of the commits from one person"
    )
    return chart.finish(
        alt.layer(*layers),
        _TITLE,
        summary,
        description=f"Stacked bars: {summary}. First: {'; '.join(b['tip'] for b in bars[:4])}.",
        width=sheet.width,
        height=sheet.height,
    )
