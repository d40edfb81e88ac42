"""`Canvas`: marks on a sheet of pixels, for charts that are laid out before they are drawn.

Vega-Lite has axes and stacks, but no graphs, trees or tables of words.  Such a chart
computes where each thing lies; a canvas draws it, one mark a thing, with its words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from patina_lab.views import chart
from patina_lab.views.renderer import FAINT, INK, MUTED

ACCENT = "#1f6f6b"
SECOND = "#c9803b"
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Canvas:
    """A sheet of `width` × `height` pixels; its origin is the upper left corner.

    The rows of every layer are mappings with the pixels ``x`` and ``y`` (``x2``, ``y2``
    where a mark has an extent) and whatever the tooltip shows.
    """

    width: float
    height: float

    def paths(self, rows: Rows, tooltip: Sequence[Any], **style: Any) -> Any:
        """Draw curves: ``d`` is an SVG path from (x, y), ``w`` its thickness.

        A curve is one mark and one row, so that it has one tooltip and one description.
        """
        alt = chart.altair()
        encoding = dict(style.pop("encode", {}))
        return (
            alt.Chart(chart.data(rows))
            .mark_point(filled=False, size=4, **{"opacity": 0.55, "color": ACCENT, **style})
            .encode(
                **self.at("x", "y"),
                shape=alt.Shape("d:N", scale=None, legend=None),
                strokeWidth=alt.StrokeWidth("w:Q", scale=None, legend=None),
                tooltip=list(tooltip),
                description="tip:N",
                **encoding,
            )
        )

    def dots(self, rows: Rows, tooltip: Sequence[Any], **style: Any) -> Any:
        """Draw points of ``area`` square pixels."""
        alt = chart.altair()
        encoding = dict(style.pop("encode", {}))
        return (
            alt.Chart(chart.data(rows))
            .mark_point(filled=True, **{"opacity": 1, "color": ACCENT, **style})
            .encode(
                **self.at("x", "y"),
                size=alt.Size("area:Q", scale=None, legend=None),
                tooltip=list(tooltip),
                description="tip:N",
                **encoding,
            )
        )

    def boxes(self, rows: Rows, tooltip: Sequence[Any] = (), **style: Any) -> Any:
        """Draw rectangles from (x, y) to (x2, y2); without a tooltip they are background."""
        alt = chart.altair()
        encoding = dict(style.pop("encode", {}))
        if tooltip:
            encoding = {"tooltip": list(tooltip), "description": "tip:N", **encoding}
        return (
            alt.Chart(chart.data(rows))
            .mark_rect(**{"color": ACCENT, "aria": bool(tooltip), **style})
            .encode(**self.at("x", "y"), x2="x2:Q", y2="y2:Q", **encoding)
        )

    def rules(self, rows: Rows, **style: Any) -> Any:
        """Draw straight lines from (x, y) to (x2, y2), as background."""
        alt = chart.altair()
        return (
            alt.Chart(chart.data(rows))
            .mark_rule(**{"color": FAINT, "aria": False, **style})
            .encode(**self.at("x", "y"), x2="x2:Q", y2="y2:Q")
        )

    def words(self, rows: Rows, *, halo: bool = False, **style: Any) -> Any:
        """Write ``text`` at (x, y); where rows have ``dark``, in white on those that are.

        Parameters
        ----------
        rows : sequence of mapping
        halo : bool
            Keep a white rim around the letters, where lines run under them.
        """
        alt = chart.altair()
        look = {"align": "left", "baseline": "middle", "fontSize": 11, "color": INK, **style}
        encoding = dict(look.pop("encode", {}))
        if rows and "dark" in rows[0]:
            encoding["color"] = alt.condition("datum.dark", alt.value("white"), alt.value(INK))
        base = alt.Chart(chart.data(rows)).encode(**self.at("x", "y"), text="text:N", **encoding)
        plain = base.mark_text(aria=False, **look)
        if not halo:
            return plain
        rim = {**look, "stroke": "white", "strokeWidth": 3, "strokeJoin": "round"}
        return alt.layer(base.mark_text(aria=False, **rim), plain)

    def ruler(self, marks: Sequence[tuple[float, str]], top: float, bottom: float) -> list[Any]:
        """Draw faint upright lines at pixels, each with its number below."""
        lines = [{"x": x, "x2": x, "y": top, "y2": bottom} for x, _ in marks]
        numbers = [{"x": x, "y": bottom + 10, "text": text} for x, text in marks]
        return [
            self.rules(lines),
            self.words(numbers, align="center", color=MUTED),
        ]

    def at(self, across: str, down: str) -> dict[str, Any]:
        """Return the channels of two fields that hold pixels."""
        return {
            "x": chart.along("x", across, 0, self.width),
            "y": chart.along("y", down, self.height, 0),
        }


def ticks(low: float, high: float, about: int = 6) -> list[float]:
    """Return round numbers from `low` to `high`, about so many.

    Examples
    --------
    >>> ticks(0, 14)
    [0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0]
    >>> ticks(0, 0)
    [0.0]
    """
    import math

    if high <= low:
        return [float(low)]
    rough = (high - low) / about
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(s * unit for s in (1, 2, 5, 10) if s * unit >= rough * 0.75)
    first = math.ceil(round(low / step, 9))
    last = math.floor(round(high / step, 9))
    return [round(n * step, 9) for n in range(first, last + 1)]
