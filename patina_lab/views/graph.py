"""Where the nodes, names and curves of a graph lie: plain arithmetic, and networkx."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from patina_lab.errors import MissingTool
from patina_lab.views import labels
from patina_lab.views.treemap import Box, squarify

Edges = Sequence[tuple[int, int, float]]
Point = tuple[float, float]
SEED = 7
"""Of the layout; any would do, but it must not change."""


def layout(nodes: int, edges: Edges, box: Box) -> tuple[list[Point], list[int]]:
    """Place the nodes of a graph by springs, each connected part in a field of its own.

    Parameters
    ----------
    nodes : int
        They are numbered from 0.
    edges : sequence of (int, int, float)
        Two nodes and the strength of the spring between them.
    box : Box
        Pixels to lie in.

    Returns
    -------
    list of (float, float)
        A place a node, the same at every call.
    list of int
        The group of each node, from 0, the largest first: groups are denser inside than to
        the outside (greedy modularity, Clauset, Newman and Moore 2004).

    Raises
    ------
    MissingTool
        networkx is not installed.
    """
    try:
        import networkx as nx
    except ImportError as error:
        raise MissingTool(
            "Graphs are laid out by the package networkx, which is not installed.",
            "Run: pip install 'patina-lab[lab]'",
        ) from error
    graph = nx.Graph()
    graph.add_nodes_from(range(nodes))
    graph.add_weighted_edges_from(edges)
    parts = sorted((sorted(part) for part in nx.connected_components(graph)), key=_larger)
    places: list[Point] = [(0.0, 0.0)] * nodes
    fields = squarify([len(part) ** 0.8 for part in parts], box)
    for nodes_of, field in zip(parts, fields, strict=True):
        # A graph in the order of its nodes: neighbours in sets must not decide the picture.
        ordered = nx.Graph()
        ordered.add_nodes_from(nodes_of)
        ordered.add_weighted_edges_from(
            sorted(
                (min(a, b), max(a, b), math.sqrt(w))
                for a, b, w in graph.edges(nodes_of, data="weight")
            )
        )
        found = nx.spring_layout(
            ordered,
            pos=nx.circular_layout(ordered),
            k=1.6 / math.sqrt(len(nodes_of)),
            iterations=300,
            seed=SEED,
        )
        for node, place in zip(nodes_of, _within(field, found, nodes_of), strict=True):
            places[node] = place
    groups = [0] * nodes
    if edges:
        found_groups = nx.community.greedy_modularity_communities(graph, weight="weight")
        for number, members in enumerate(sorted(map(sorted, found_groups), key=_larger)):
            for node in members:
                groups[node] = number
    return places, groups


def _larger(members: list[int]) -> tuple[int, list[int]]:
    return -len(members), members


def _within(field: Box, found: Mapping[int, Sequence[float]], nodes: list[int]) -> list[Point]:
    """Spread a layout over its field, with a margin for names.

    Half by the place the springs gave, half by its rank among the others, so that one far
    node does not press the rest into a corner; a part of few nodes keeps a modest size.
    """
    wide, high = min(70.0, field.width * 0.25), min(22.0, field.height * 0.25)
    middle = field.x + field.width / 2, field.y + field.height / 2
    axes = []
    for axis, room in enumerate((field.width - 2 * wide, field.height - 2 * high)):
        length = min(room, 45.0 * len(nodes))
        # Axes swapped: a pair then stands upright, each with its name beside it.
        values = [round(float(found[node][1 - axis]), 6) for node in nodes]
        low, span = min(values), max(max(values) - min(values), 1e-9)
        rank = {value: place for place, value in enumerate(sorted(set(values)))}
        last = max(len(rank) - 1, 1)
        spread = [0.5 * (v - low) / span + 0.5 * rank[v] / last for v in values]
        start = middle[axis] - (length / 2 if len(rank) > 1 else 0)
        axes.append([round(start + length * at, 1) for at in spread])
    return list(zip(*axes, strict=True))


@dataclass(frozen=True)
class Label:
    """Where a name stands: ``align`` is the side of the text that touches (x, y)."""

    x: float
    y: float
    align: str


def place_labels(
    names: Sequence[str], at: Sequence[Point], radius: Sequence[float], size: float, whole: Box
) -> list[Label | None]:
    """Find a place beside each dot for its name, so that no two words and dots overlap.

    Parameters
    ----------
    names : sequence of str
        The most important first: it chooses first.
    at, radius : sequence
        The dots, in pixels.
    size : float
        Of the font.
    whole : Box
        No name leaves it.

    Returns
    -------
    list of Label or None
        None where there is no room.
    """
    taken = [(x - r, y - r, x + r, y + r) for (x, y), r in zip(at, radius, strict=True)]
    found: list[Label | None] = []
    for index, (name, (x, y), r) in enumerate(zip(names, at, radius, strict=True)):
        wide, half = labels.width(name, size), size * 0.55
        choices = [
            (Label(x + r + 3, y, "left"), x + r + 3, y),
            (Label(x - r - 3, y, "right"), x - r - 3 - wide, y),
            (Label(x, y - r - half - 2, "center"), x - wide / 2, y - r - half - 2),
            (Label(x, y + r + half + 2, "center"), x - wide / 2, y + r + half + 2),
        ]
        choices += [
            (Label(x + r + 1, y + s * (r + half), "left"), x + r + 1, y + s * (r + half))
            for s in (-1, 1)
        ] + [
            (Label(x - r - 1, y + s * (r + half), "right"), x - r - 1 - wide, y + s * (r + half))
            for s in (-1, 1)
        ]
        for label, left, middle in choices:
            box = (left, middle - half, left + wide, middle + half)
            inside = (
                box[0] >= whole.x
                and box[2] <= whole.x + whole.width
                and box[1] >= whole.y
                and box[3] <= whole.y + whole.height
            )
            if inside and not any(
                _overlap(box, other) for n, other in enumerate(taken) if n != index
            ):
                taken.append(box)
                found.append(label)
                break
        else:
            found.append(None)
    return found


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def curve(points: Sequence[Point], strength: float = 0.85) -> str:
    """Return a bundled curve as an SVG path from the first point, which is its origin.

    A cubic B-spline over the points, pulled towards the straight line by ``1 - strength``
    (Holten, *Hierarchical Edge Bundles*, 2006).

    Examples
    --------
    >>> curve([(0, 0), (10, 0)])
    'M0,0L10,0'
    """
    (x0, y0), (x1, y1) = points[0], points[-1]
    last = len(points) - 1
    pulled = [
        (
            strength * x + (1 - strength) * (x0 + (x1 - x0) * i / last) - x0,
            strength * y + (1 - strength) * (y0 + (y1 - y0) * i / last) - y0,
        )
        for i, (x, y) in enumerate(points)
    ]
    if last == 1:
        return f"M0,0L{_n(pulled[1][0])},{_n(pulled[1][1])}"
    padded = [*pulled, pulled[-1]]
    said = [f"M0,0L{_pair(_mix(pulled[0], pulled[1], 1 / 6))}"]
    for a, b, c in zip(padded, padded[1:], padded[2:], strict=False):
        near = _mix(a, b, 1 / 3), _mix(a, b, 2 / 3)
        end = (a[0] + 4 * b[0] + c[0]) / 6, (a[1] + 4 * b[1] + c[1]) / 6
        said.append("C" + ",".join(map(_pair, (*near, end))))
    return "".join([*said, f"L{_pair(pulled[-1])}"])


def arc(height: float, wide: float) -> str:
    """Return half an ellipse downwards from (0, 0), bulging to the right, as an SVG path.

    Examples
    --------
    >>> arc(30, 15)
    'M0,0C20,0,20,30,0,30'
    """
    out = _n(wide * 4 / 3)
    return f"M0,0C{out},0,{out},{_n(height)},0,{_n(height)}"


def _mix(a: Point, b: Point, share: float) -> Point:
    return a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])


def _pair(point: Point) -> str:
    return f"{_n(point[0])},{_n(point[1])}"


def _n(number: float) -> str:
    return f"{round(number, 1) + 0.0:g}"
