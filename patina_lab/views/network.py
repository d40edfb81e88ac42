"""A network on a canvas: dots with names, joined by lines, marked by group."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from patina_lab.views import chart, graph
from patina_lab.views.canvas import Canvas
from patina_lab.views.renderer import INK, MUTED
from patina_lab.views.treemap import Box

SIZE = 11
_GROUPS = [
    ("#1f6f6b", "circle"),
    ("#c9803b", "square"),
    ("#35507a", "triangle-up"),
    ("#8a4f7d", "diamond"),
    ("#7c9a35", "cross"),
]
_OTHERS = ("#8b9896", "triangle-down")


@dataclass(frozen=True)
class Dot:
    """A node: its name, how much it weighs, what its tooltip says (with ``tip``)."""

    name: str
    weight: float
    facts: dict[str, Any]


@dataclass(frozen=True)
class Link:
    """An edge between two nodes by number, and its facts (with ``tip``)."""

    a: int
    b: int
    weight: float
    facts: dict[str, Any]


def layers(
    sheet: Canvas,
    dots: Sequence[Dot],
    links: Sequence[Link],
    link_tooltip: Sequence[Any],
    dot_tooltip: Sequence[Any],
) -> tuple[list[Any], int, int]:
    """Lay out and draw a graph.

    Returns
    -------
    layers : list
    groups : int
        How many groups there are; beyond the fifth they look alike.
    silent : int
        How many names found no room.
    """
    alt = chart.altair()
    whole = Box(0, 0, sheet.width, sheet.height)
    places, groups = graph.layout(len(dots), [(e.a, e.b, e.weight) for e in links], whole)
    most = max(dot.weight for dot in dots) or 1
    radius = [3 + 6 * math.sqrt(dot.weight / most) for dot in dots]
    strongest = max(link.weight for link in links)
    lines = []
    for link in reversed(links):
        (x, y), (x2, y2) = places[link.a], places[link.b]
        lines.append(
            {
                **link.facts,
                "x": x,
                "y": y,
                "d": f"M0,0L{round(x2 - x, 1) + 0.0:g},{round(y2 - y, 1) + 0.0:g}",
                "w": round(0.6 + 4 * link.weight / strongest, 2),
            }
        )
    order = sorted(range(len(dots)), key=lambda n: (-dots[n].weight, n))
    found = graph.place_labels(
        [dots[n].name for n in order],
        [places[n] for n in order],
        [radius[n] for n in order],
        SIZE,
        whole,
    )
    marks = [
        {
            **dot.facts,
            "x": place[0],
            "y": place[1],
            "area": round((1.8 * r) ** 2, 1),
            "group": f"group {group + 1}" if group < len(_GROUPS) else "others",
        }
        for dot, place, r, group in zip(dots, places, radius, groups, strict=True)
    ]
    names: dict[str, list[dict[str, Any]]] = {}
    for n, label in zip(order, found, strict=True):
        if label is not None:
            names.setdefault(label.align, []).append(
                {"x": round(label.x, 1), "y": round(label.y, 1), "text": dots[n].name}
            )
    domain = [f"group {n + 1}" for n in range(len(_GROUPS))] + ["others"]
    looks = [*_GROUPS, _OTHERS]
    drawn = [
        sheet.paths(lines, link_tooltip, color=MUTED, opacity=0.4),
        sheet.dots(
            marks,
            dot_tooltip,
            stroke="white",
            strokeWidth=1,
            encode={
                "fill": alt.Fill(
                    "group:N",
                    scale=alt.Scale(domain=domain, range=[c for c, _ in looks]),
                    legend=None,
                ),
                "shape": alt.Shape(
                    "group:N",
                    scale=alt.Scale(domain=domain, range=[s for _, s in looks]),
                    legend=None,
                ),
            },
        ),
        *(
            sheet.words(rows, halo=True, align=align, fontSize=SIZE, color=INK)
            for align, rows in sorted(names.items())
        ),
    ]
    return drawn, len(set(groups)), len(dots) - sum(map(len, names.values()))
