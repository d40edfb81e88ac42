"""Co-change as a bundle: files around a circle, pairs as curves along the folder tree."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

from patina_lab.views import chart, labels
from patina_lab.views.canvas import Canvas
from patina_lab.views.co_changes import TITLE, facts, some, tooltip
from patina_lab.views.graph import Point, curve
from patina_lab.views.renderer import FAINT, MUTED

if TYPE_CHECKING:
    from patina_lab.views.chart import Chart

_RADIUS, _NAMES, _SIZE = 215, 170, 11
_GAP = 0.8
"""Between two folders, in places of a file."""


def draw(pairs: Any, paths: list[str], whole: int) -> Chart:
    """Draw the curves of `pairs`, strongest first, over the files `paths`.

    Parameters
    ----------
    pairs : DataFrame
        Columns of ``plot.co_changes``.
    paths : list of str
        Ordered; the circle begins at its top.
    whole : int
        Pairs there were.

    Notes
    -----
    Hierarchical edge bundling: a curve follows the way from one file through the folders up
    to the one that both share, and down to the other (Holten 2006).
    """
    alt = chart.altair()
    # Files before folders, so that those of one folder lie side by side.
    paths = sorted(paths, key=lambda path: (path.split("/")[:-1], path))
    names = labels.distinct(labels.tails(paths), _NAMES, _SIZE)
    side = 2 * (_RADIUS + max(labels.width(name, _SIZE) for name in names) + 14)
    sheet = Canvas(side, side)
    angle = _around(paths)
    folders = _Folders(paths, angle, side / 2)
    most = int(pairs["count"].max())
    curves = []
    for row in pairs.itertuples(index=False):
        way = folders.way(row.file_a, row.file_b)
        curves.append(
            {
                **facts(row),
                "x": round(way[0][0], 1),
                "y": round(way[0][1], 1),
                "d": curve(way),
                "w": round(0.8 + 3.2 * (row.count / most) ** 0.7, 2),
            }
        )
    said = []
    for path, name in zip(paths, names, strict=True):
        x, y = folders.place(angle[path], _RADIUS + 6)
        degrees = math.degrees(angle[path])
        right = degrees <= 180
        said.append(
            {
                "x": round(x, 1),
                "y": round(y, 1),
                "text": name,
                "turn": round(degrees - 90 if right else degrees - 270, 1),
                "right": right,
            }
        )
    layers = [
        sheet.paths(curves[::-1], tooltip(), opacity=0.45),
        *(
            sheet.words(
                [row for row in said if row["right"] is right],
                align="left" if right else "right",
                fontSize=_SIZE,
                encode={"angle": alt.Angle("turn:Q", scale=None)},
            )
            for right in (True, False)
            if any(row["right"] is right for row in said)
        ),
        *_rims(sheet, folders),
    ]
    summary = f"{some(len(pairs), whole, len(paths))}; curves run along the folders"
    return chart.finish(
        alt.layer(*layers),
        TITLE,
        f"{summary}, thicker is more commits",
        description=f"Hierarchical edge bundle of {summary}. "
        f"First: {'; '.join(c['tip'] for c in curves[:5])}.",
        width=side,
        height=side,
    )


def _around(paths: list[str]) -> dict[str, float]:
    """Give each file its angle, clockwise from the top, with a gap after each folder."""
    at, places = 0.0, []
    for index, path in enumerate(paths):
        if index and path.rpartition("/")[0] != paths[index - 1].rpartition("/")[0]:
            at += _GAP
        places.append(at)
        at += 1
    whole = at + _GAP
    return {
        path: 2 * math.pi * (place + 0.5) / whole for path, place in zip(paths, places, strict=True)
    }


class _Folders:
    """The tree over the files, drawn inwards: a folder lies at the middle of its files."""

    def __init__(self, paths: list[str], angle: dict[str, float], centre: float) -> None:
        self.angle, self.centre = angle, centre
        self.spans: dict[tuple[str, ...], list[float]] = {}
        self.deepest = max(path.count("/") for path in paths) + 1
        for path in paths:
            parts = tuple(path.split("/"))[:-1]
            for depth in range(len(parts) + 1):
                self.spans.setdefault(parts[:depth], []).append(angle[path])

    def place(self, angle: float, radius: float) -> Point:
        return (
            self.centre + radius * math.sin(angle),
            self.centre - radius * math.cos(angle),
        )

    def way(self, a: str, b: str) -> list[Point]:
        """Return the points from file to file over the folders between them."""
        up, down = a.split("/")[:-1], b.split("/")[:-1]
        shared = 0
        while shared < min(len(up), len(down)) and up[shared] == down[shared]:
            shared += 1
        over = [tuple(up[:depth]) for depth in range(len(up), shared, -1)]
        over += [tuple(up[:shared])]
        over += [tuple(down[:depth]) for depth in range(shared + 1, len(down) + 1)]
        points = [self._inner(folder) for folder in over]
        ends = [self.place(self.angle[path], _RADIUS) for path in (a, b)]
        return [ends[0], *points, ends[1]]

    def _inner(self, folder: tuple[str, ...]) -> Point:
        span = self.spans[folder]
        radius = _RADIUS * 0.8 * len(folder) / self.deepest
        return self.place((span[0] + span[-1]) / 2, radius)


def _rims(sheet: Canvas, folders: _Folders) -> list[Any]:
    """Draw an arc along the files of one folder, as a run of short straight lines."""
    rules = []
    by_file: dict[str, list[float]] = {}
    for path, angle in folders.angle.items():
        by_file.setdefault(path.rpartition("/")[0], []).append(angle)
    for angles in by_file.values():
        first, last = angles[0] - 0.02, angles[-1] + 0.02
        steps = max(2, math.ceil((last - first) / 0.06))
        points = [
            folders.place(first + (last - first) * n / steps, _RADIUS + 2) for n in range(steps + 1)
        ]
        rules += [
            {"x": round(a[0], 1), "y": round(a[1], 1), "x2": round(b[0], 1), "y2": round(b[1], 1)}
            for a, b in itertools.pairwise(points)
        ]
    return [sheet.rules(rules, strokeWidth=3, color=MUTED if len(by_file) > 1 else FAINT)]
