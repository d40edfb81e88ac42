"""Where the rectangles of a treemap lie: the squarified layout, in plain arithmetic.

Vega-Lite has no treemap, so the layout is made here and drawn as rectangles.  The method
is that of Bruls, Huizing and van Wijk, *Squarified Treemaps* (2000): fill the shorter side
with a row as long as that makes the row's worst rectangle squarer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels, from its upper left corner."""

    x: float
    y: float
    width: float
    height: float

    def inside(self, *, top: float = 0, margin: float = 0) -> Box:
        """Return the box left after a strip at the top and a margin all around."""
        return Box(
            self.x + margin,
            self.y + top + margin,
            max(self.width - 2 * margin, 0),
            max(self.height - top - 2 * margin, 0),
        )


def squarify(sizes: Sequence[float], box: Box) -> list[Box]:
    """Divide `box` into one rectangle a size, in proportion, as square as can be.

    Parameters
    ----------
    sizes : sequence of float
        Each above zero; largest first gives the best shapes.
    box : Box

    Returns
    -------
    list of Box
        In the order of `sizes`.

    Examples
    --------
    >>> squarify([2, 1, 1], Box(0, 0, 4, 2))[0]
    Box(x=0, y=0, width=2.0, height=2.0)
    """
    boxes: list[Box] = []
    scale = box.width * box.height / sum(sizes) if sizes else 0
    areas = [size * scale for size in sizes]
    while areas:
        side = min(box.width, box.height)
        count = 1
        while count < len(areas) and _worst(areas[: count + 1], side) <= _worst(
            areas[:count], side
        ):
            count += 1
        row, areas = areas[:count], areas[count:]
        placed, box = _place(row, box)
        boxes += placed
    return boxes


def _worst(row: Sequence[float], side: float) -> float:
    """Return the aspect ratio of the least square rectangle of a row along `side`."""
    total = sum(row)
    if side <= 0 or total <= 0:
        return float("inf")
    return max(side * side * max(row) / total**2, total**2 / (side * side * min(row)))


def _place(row: Sequence[float], box: Box) -> tuple[list[Box], Box]:
    """Lay `row` along the shorter side of `box`; return it and what is left of the box."""
    total = sum(row)
    placed: list[Box] = []
    if box.width >= box.height:
        thick = total / box.height if box.height else 0
        at = box.y
        for area in row:
            length = area / thick if thick else 0
            placed.append(Box(box.x, at, thick, length))
            at += length
        return placed, Box(box.x + thick, box.y, max(box.width - thick, 0), box.height)
    thick = total / box.width
    at = box.x
    for area in row:
        length = area / thick if thick else 0
        placed.append(Box(at, box.y, length, thick))
        at += length
    return placed, Box(box.x, box.y + thick, box.width, max(box.height - thick, 0))


def folders(paths: Sequence[str], *, most: int = 8) -> list[str]:
    """Name the folder under which each path is grouped.

    Folders are followed down only so far that no more than `most` groups arise.

    Examples
    --------
    >>> folders(["src/a/x.py", "src/b/y.py", "setup.py"], most=3)
    ['src/a', 'src/b', '.']
    >>> folders(["src/a/x.py", "src/b/y.py", "setup.py"], most=2)
    ['src', 'src', '.']
    """
    parents = [path.split("/")[:-1] for path in paths]
    named = ["/".join(parent[:1]) or "." for parent in parents]
    for depth in range(2, max(map(len, parents), default=0) + 1):
        deeper = ["/".join(parent[:depth]) or "." for parent in parents]
        if len(set(deeper)) > most:
            break
        named = deeper
    return named
