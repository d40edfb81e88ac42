"""Rows of ticks along one axis: what happened when, around each of many beginnings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from patina_lab.views import chart, labels
from patina_lab.views.canvas import ACCENT, Canvas, ticks
from patina_lab.views.renderer import GHOST, INK, MUTED

_ROW, _SIZE = 20, 11
MOST_TICKS = 60
"""A row; more are thinned out evenly, and its number says how many there are."""


@dataclass(frozen=True)
class Strip:
    """One row: its name, and its ticks with where they lie (``at``) and what is said of them."""

    name: str
    marks: list[dict[str, Any]] = field(default_factory=list)


def drawn(
    strips: Sequence[Strip],
    low: float,
    high: float,
    tooltip: Sequence[Any],
    *,
    unit: str,
    names: float = 320,
) -> tuple[Any, Canvas, int]:
    """Draw the rows, an axis from `low` to `high` below, and how many ticks beside each.

    Returns
    -------
    tuple
        The layers, the canvas, and how many ticks are drawn.
    """
    alt = chart.altair()
    short = labels.distinct([strip.name for strip in strips], names, _SIZE)
    left = max(labels.width(name, _SIZE) for name in short) + 10
    right = max(labels.width(f"{len(strip.marks):,}", _SIZE) for strip in strips) + 22
    bottom = len(strips) * _ROW
    sheet = Canvas(chart.WIDTH + 40, bottom + 34)
    span = (high - low) or 1.0

    def across(value: float) -> float:
        return round(left + (value - low) / span * (sheet.width - left - right), 2)

    lanes, words, counts, points = [], [], [], []
    for at, (strip, name) in enumerate(zip(strips, short, strict=True)):
        middle = (at + 0.5) * _ROW
        lanes.append({"x": across(low), "x2": across(high), "y": middle - 8, "y2": middle + 8})
        words.append({"x": round(left - 8, 2), "y": middle, "text": name})
        counts.append({"x": across(high) + 12, "y": middle, "text": f"{len(strip.marks):,}"})
        step = max(1, -(-len(strip.marks) // MOST_TICKS))
        points += [
            {**mark, "x": across(mark["at"]), "y": middle, "d": "M0,-7L0,7", "w": 1.6}
            for mark in strip.marks[::step]
        ]
    axis = [(across(value), f"{value:g}") for value in ticks(low, high)]
    layers = [
        sheet.boxes(lanes, color=GHOST),
        *sheet.ruler(axis, 0, bottom),
        sheet.paths(points, tooltip, color=ACCENT, opacity=0.8),
        sheet.words(words, align="right", fontSize=_SIZE),
        sheet.words(counts, color=MUTED, fontSize=_SIZE),
        sheet.words(
            [{"x": across((low + high) / 2), "y": bottom + 26, "text": unit}],
            align="center",
            color=MUTED,
        ),
    ]
    if low < 0 < high:
        zero = {"x": across(0), "x2": across(0), "y": 0, "y2": bottom}
        layers.insert(3, sheet.rules([zero], color=INK, strokeDash=[3, 3]))
    return alt.layer(*layers), sheet, len(points)
