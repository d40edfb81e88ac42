"""Ranked bars on a canvas: a name, a bar, and words beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from patina_lab.views import chart, labels
from patina_lab.views.canvas import ACCENT, Canvas
from patina_lab.views.renderer import FAINT, MUTED

_NAMES, _ROW, _SIZE = 300, 22, 12
_LEAST_BAR = 120


def ranked(
    rows: Sequence[dict[str, Any]],
    tooltip: Sequence[Any],
    *,
    width: float = chart.WIDTH + 40,
    names: float = _NAMES,
) -> tuple[Any, Canvas]:
    """Draw one bar a row, in the order given.

    Parameters
    ----------
    rows : sequence of dict
        ``name``, ``value`` (the length), ``note`` (words beside the bar), ``tip``, what the
        tooltip shows, and ``hollow`` for a bar that is drawn as an outline.
    tooltip : sequence
        Altair tooltips.
    width, names : float
        Pixels of the whole, and at most of the names.

    Returns
    -------
    tuple of altair.LayerChart and Canvas
    """
    sheet = Canvas(width, len(rows) * _ROW)
    short = labels.distinct([row["name"] for row in rows], names, _SIZE)
    left = max(labels.width(name, _SIZE) for name in short) + 10
    room = width - left - _LEAST_BAR
    notes = [clip(row["note"], room, 11) for row in rows]
    right = max(labels.width(note, 11) for note in notes) + 10
    most = max(row["value"] for row in rows) or 1
    scale = (width - left - right) / most
    drawn, words, beside = [], [], []
    for at, (row, name, note) in enumerate(zip(rows, short, notes, strict=True)):
        middle = (at + 0.5) * _ROW
        end = round(left + max(row["value"] * scale, 1.5), 2)
        place = {"x": round(left, 2), "x2": end, "y": middle - 7.5, "y2": middle + 7.5}
        drawn.append({**row, **place, "look": "hollow" if row.get("hollow") else "full"})
        words.append({"x": round(left - 8, 2), "y": middle, "text": name})
        beside.append({"x": end + 6, "y": middle, "text": note})
    alt = chart.altair()
    looks = ["full", "hollow"]
    layers = [
        sheet.boxes(
            drawn,
            tooltip,
            cornerRadiusEnd=2,
            encode={
                "fill": alt.Fill(
                    "look:N",
                    scale=alt.Scale(domain=looks, range=[ACCENT, "#ffffff"]),
                    legend=None,
                )
            },
            stroke=ACCENT,
        ),
        sheet.words(words, align="right", fontSize=_SIZE),
        sheet.words(beside, color=MUTED),
        sheet.rules(
            [{"x": round(left, 2), "x2": round(left, 2), "y": 0, "y2": sheet.height}], color=FAINT
        ),
    ]
    return alt.layer(*layers), sheet


def clip(text: str, room: float, size: float) -> str:
    """Cut a sentence at its end to `room` pixels.

    Examples
    --------
    >>> clip("we keep the ledger as it is", 100, 11)
    'we keep the ledg…'
    >>> clip("short", 100, 11)
    'short'
    """
    text = " ".join(text.split())
    if labels.width(text, size) <= room:
        return text
    for kept in range(min(len(text), 400) - 1, 0, -1):
        if labels.width(short := text[:kept].rstrip() + "…", size) <= room:
            return short
    return "…"
