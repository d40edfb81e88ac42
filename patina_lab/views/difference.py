"""What changed between two moments: rows that entered, left or changed.

Columns in: those that name a row, before, after, change, what
(what ``pt.difference(before, after)`` gives).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from patina_lab.projections.difference import WHAT
from patina_lab.views import chart, labels
from patina_lab.views.canvas import ACCENT, SECOND, Canvas, ticks
from patina_lab.views.chart import many
from patina_lab.views.renderer import INK, MUTED

if TYPE_CHECKING:
    from patina_lab.views.chart import Chart

COLUMNS = {"before": "number", "after": "number", "change": "number", "what": "text"}
SOURCE = "pt.difference(lab.as_of(t).project(p), lab.project(p))"
_TITLE = "What changed between two moments"
_ROW, _HEAD = 21, 24
_LOOKS = {
    "entered": (ACCENT, "triangle-right"),
    "left": (SECOND, "cross"),
    "changed": ("#35507a", "circle"),
}


def difference(df: Any, *, top: int = 25) -> Chart:
    """Draw the largest differences between two states of a projection.

    Parameters
    ----------
    df : DataFrame
        As ``pt.difference`` gives it.
    top : int
        How many rows; those that stayed the same are only counted.

    Returns
    -------
    altair.LayerChart
        A line runs from the value before (small stroke) to the value after (symbol):
        a triangle entered, a cross left, a circle changed.
    """
    chart.at_least("difference", "top", top)
    df = chart.frame(df)
    rows = chart.table(df, "difference", COLUMNS, SOURCE)
    keys = [name for name in df.columns if name not in COLUMNS] if len(rows) else []
    if rows.empty:
        return chart.nothing(_TITLE, COLUMNS, why="both states are empty.")
    named = chart.table(df, "difference", {**dict.fromkeys(keys, "text"), **COLUMNS}, SOURCE)
    named["name"] = [labels.PAIR.join(map(str, row)) for row in named[keys].itertuples(index=False)]
    named["size"] = named["change"].abs()
    counts = {what: int((named["what"] == what).sum()) for what in WHAT}
    said = ", ".join(f"{counts[what]:,} {what}" for what in WHAT[:3])
    moved = named[named["what"] != "same"].sort_values(["size", "name"], ascending=[False, True])
    if moved.empty:
        why = f"both states say the same of {many(len(named), 'row')}."
        return chart.nothing(_TITLE, why=why)
    return _drawn(moved, said, counts["same"], top, str(df.attrs.get("value", "")))


def _drawn(moved: Any, said: str, same: int, top: int, value: str) -> Chart:
    alt = chart.altair()
    shown = moved.head(top)
    names = labels.rows(shown["name"].tolist(), 340, 11)
    notes = [_note(row) for row in shown.itertuples(index=False)]
    left = max(labels.width(name, 11) for name in names) + 14
    right = max(labels.width(note, 11) for note in notes) + 20
    bottom = _HEAD + len(shown) * _ROW
    sheet = Canvas(chart.WIDTH + 40, bottom + 34)
    low = min(0.0, float(shown[["before", "after"]].min(axis=None)))
    high = max(float(shown[["before", "after"]].max(axis=None)), low + 1)

    def across(number: float) -> float:
        return round(left + (number - low) / (high - low) * (sheet.width - left - right), 2)

    points, lines, words, beside = [], [], [], []
    for at, (row, name, note) in enumerate(
        zip(shown.itertuples(index=False), names, notes, strict=True)
    ):
        middle = _HEAD + (at + 0.5) * _ROW
        was = 0.0 if row.before != row.before else float(row.before)
        now = 0.0 if row.after != row.after else float(row.after)
        lines.append({"x": across(was), "x2": across(now), "y": middle, "y2": middle})
        lines.append({"x": across(was), "x2": across(was), "y": middle - 5, "y2": middle + 5})
        points.append(
            {
                "x": across(now),
                "y": middle,
                "area": 75,
                "row": row.name,
                "before": None if row.before != row.before else float(row.before),
                "after": None if row.after != row.after else float(row.after),
                "change": float(row.change),
                "what": row.what,
                "tip": f"{row.name} {row.what}: {note}",
            }
        )
        words.append({"x": round(left - 10, 2), "y": middle, "text": name})
        beside.append({"x": sheet.width - right + 12, "y": middle, "text": note})
    keys, key_words, x = [], [], float(left)
    for what in _LOOKS:
        keys.append({"x": x, "y": 10, "area": 75, "what": what, "tip": what})
        key_words.append({"x": x + 10, "y": 10, "text": what})
        x += 40 + labels.width(what, 11)
    domain = list(_LOOKS)
    look = {
        "color": alt.Color(
            "what:N",
            scale=alt.Scale(domain=domain, range=[color for color, _ in _LOOKS.values()]),
            legend=None,
        ),
        "shape": alt.Shape(
            "what:N",
            scale=alt.Scale(domain=domain, range=[shape for _, shape in _LOOKS.values()]),
            legend=None,
        ),
    }
    axis = [(across(number), f"{number:,g}") for number in ticks(low, high)]
    numbers = [alt.Tooltip(f"{n}:Q", format=",~g") for n in ("before", "after", "change")]
    layers = [
        *sheet.ruler(axis, _HEAD, bottom),
        sheet.rules(lines, color=MUTED, strokeWidth=2),
        sheet.dots(points, ["row:N", "what:N", *numbers], encode=look),
        sheet.dots(keys, [], aria=False, encode=look),
        sheet.words(key_words, color=MUTED),
        sheet.words(words, align="right", color=INK),
        sheet.words(beside, color=MUTED),
        sheet.words(
            [{"x": (left + sheet.width - right) / 2, "y": bottom + 26, "text": value}],
            align="center",
            color=MUTED,
        ),
    ]
    summary = f"{chart.part(len(shown), len(moved), 'difference')}: {said}; {same:,} the same"
    return chart.finish(
        alt.layer(*layers),
        _TITLE,
        summary,
        description=f"{_TITLE}: {summary}. First: {'; '.join(p['tip'] for p in points[:5])}.",
        width=sheet.width,
        height=sheet.height,
    )


def _note(row: Any) -> str:
    was = "none" if row.before != row.before else f"{row.before:,g}"
    now = "none" if row.after != row.after else f"{row.after:,g}"
    return f"{was} → {now} ({row.change:+,g})"
