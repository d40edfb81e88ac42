"""Which files change together: a heatmap, arcs, a bundle of curves, or a network.

Columns in: file_a, file_b, count, jaccard (what ``lab.project(pt.co_changes)`` gives).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from patina_lab.views import chart, labels, renderer
from patina_lab.views.chart import many
from patina_lab.views.renderer import INK

if TYPE_CHECKING:
    import numpy as np

    from patina_lab.views.chart import Chart

COLUMNS = {"file_a": "text", "file_b": "text", "count": "count", "jaccard": "number"}
SOURCE = "lab.project(pt.co_changes)"
KINDS = ("heatmap", "arc", "bundle", "network")
TITLE = "Files that change together"
_FILES = {"heatmap": 30, "arc": 36, "bundle": 60, "network": 40}
_CURVES = {"arc": 80, "bundle": 200, "network": 140}
"""More curves than these are a ball of wool."""
_CELL = 19
_LEAST_WIDTH = 460


def co_changes(
    df: Any,
    *,
    kind: Literal["heatmap", "arc", "bundle", "network"] = "heatmap",
    top: int | None = None,
) -> Chart:
    """Draw how strongly files change together.

    Parameters
    ----------
    df : DataFrame
        Columns ``file_a``, ``file_b``, ``count`` (commits that changed both) and
        ``jaccard`` (that, of the commits that changed either).
    kind : str
        ``heatmap``: one cell a pair, files that change together next to each other; its
        number is the count, its shade the jaccard.  Each file's name stands at the end of
        its row, which is the head of its column.

        ``arc``: files in the order of their paths, pairs as arcs; dashed ones leave a folder.

        ``bundle``: files around a circle, pairs as curves that run along the folder tree.

        ``network``: files as dots, in groups that change together.
    top : int or None
        How many files: those of the strongest pairs, by count and then by jaccard.  None:
        as many as the kind can show with their names.

    Returns
    -------
    altair.LayerChart
    """
    chart.one_of("co_changes", "kind", kind, KINDS)
    top = _FILES[kind] if top is None else top
    chart.at_least("co_changes", "top", top, 2)
    pairs = chart.table(df, "co_changes", COLUMNS, SOURCE)
    pairs = pairs[(pairs["count"] > 0) & (pairs["file_a"] != pairs["file_b"])]
    if pairs.empty:
        return chart.nothing(TITLE, COLUMNS, why="no two files changed together often enough.")
    pairs = pairs.sort_values(
        ["count", "jaccard", "file_a", "file_b"], ascending=[False, False, True, True]
    )
    paths = strongest(pairs, top)
    shown = pairs[pairs["file_a"].isin(paths) & pairs["file_b"].isin(paths)]
    if kind == "heatmap":
        return _heatmap(shown, paths, len(pairs))
    from patina_lab.views import co_change_arcs, co_change_bundle, co_change_network

    draw = {
        "arc": co_change_arcs.draw,
        "bundle": co_change_bundle.draw,
        "network": co_change_network.draw,
    }[kind]
    return draw(shown.head(_CURVES[kind]), paths, len(pairs))


def facts(row: Any) -> dict[str, Any]:
    """Return what tooltip, table and screen reader say of a pair."""
    return {
        "file a": row.file_a,
        "file b": row.file_b,
        "count": int(row.count),
        "jaccard": round(float(row.jaccard), 4),
        "tip": f"{row.file_a} and {row.file_b}: {many(row.count, 'commit')} together, "
        f"jaccard {row.jaccard:.2f}",
    }


def tooltip() -> list[Any]:
    """Return the headings of a pair's facts."""
    alt = chart.altair()
    return [
        "file a:N",
        "file b:N",
        alt.Tooltip("count:Q", title="commits together", format=","),
        alt.Tooltip("jaccard:Q", format=".2f"),
    ]


def some(shown: int, whole: int, files: int) -> str:
    """Say how many of the pairs are drawn."""
    if shown == whole:
        return f"{chart.part(whole, whole, 'pair')} of {many(files, 'file')}"
    return f"{chart.part(shown, whole, 'pair')}: those among {files} files"


def _heatmap(shown: Any, paths: list[str], whole: int) -> Chart:
    alt = chart.altair()
    order = _clustered(paths, _strength(shown, paths))
    at = {path: index for index, path in enumerate(order)}
    cells = []
    for row in shown.itertuples(index=False):
        column, line = sorted((at[row.file_a], at[row.file_b]))
        cells.append(
            {
                **facts(row),
                "x": column,
                "y": line,
                "dark": bool(row.jaccard > 0.3),
                "number": int(row.count) if row.count < 1000 else "1k+",
            }
        )
    names: list[dict[str, Any]] = [
        {"x": index, "y": index, "name": label}
        for index, label in enumerate(labels.distinct(order, 260, 11))
    ]
    side = len(order) * _CELL
    # Names run off to the right of the triangle; the plot is widened by the room they need.
    room = max(
        labels.width(name["name"], 11) - (len(order) - 1 - name["x"]) * _CELL for name in names
    )
    room = max(room, _LEAST_WIDTH - side)
    last = len(order) - 0.5
    across = (-0.5, last + (room + 8) / _CELL)
    x, y = chart.along("x", "x", *across), chart.along("y", "y", last, -0.5)
    base = alt.Chart(chart.data(cells)).encode(x=x, y=y)
    lines = [{"from": -0.46, "to": index - 0.54, "y": index} for index in range(1, len(order))]
    layers = [
        alt.Chart(chart.data(lines))
        .mark_rule(
            strokeWidth=_CELL - 1.5,
            strokeDash=[_CELL - 1.5, 1.5],
            color=renderer.GHOST,
            aria=False,
        )
        .encode(x=chart.along("x", "from", *across), x2="to:Q", y=y),
        base.mark_square(size=(_CELL - 1.5) ** 2, opacity=1).encode(
            color=alt.Color(
                "jaccard:Q",
                title="jaccard: commits with both / commits with either",
                scale=alt.Scale(type="sqrt", domain=[0, 1], range=chart.SCALE),
                legend=alt.Legend(
                    orient="bottom",
                    direction="horizontal",
                    gradientLength=180,
                    gradientThickness=10,
                    titleLimit=400,
                    values=[0, 0.1, 0.5, 1],
                ),
            ),
            tooltip=tooltip(),
            description="tip:N",
        ),
        base.mark_text(fontSize=9, aria=False).encode(
            text="number:N",
            color=alt.condition("datum.dark", alt.value("white"), alt.value(INK)),
        ),
        alt.Chart(chart.data(names))
        .mark_text(align="left", baseline="middle", dx=-6, fontSize=11, color=INK, aria=False)
        .encode(x=x, y=y, text="name:N"),
    ]
    summary = f"{some(len(shown), whole, len(order))}; the number counts commits"
    return chart.finish(
        alt.layer(*layers),
        TITLE,
        summary,
        description=f"Heatmap of {summary}. First: {'; '.join(c['tip'] for c in cells[:5])}.",
        width=side + room + 8,
        height=side,
    )


def strongest(pairs: Any, top: int) -> list[str]:
    """Return the files of the first pairs, at most `top`, ordered by path."""
    chosen: dict[str, None] = {}
    for a, b in zip(pairs["file_a"], pairs["file_b"], strict=True):
        new = {a, b} - chosen.keys()
        if len(chosen) + len(new) <= top:
            chosen |= dict.fromkeys(sorted(new))
        if len(chosen) == top:
            break
    return sorted(chosen)


def _strength(pairs: Any, paths: list[str]) -> np.ndarray:
    """Return the jaccards of the pairs as a matrix."""
    import numpy as np

    at = {path: index for index, path in enumerate(paths)}
    matrix = np.zeros((len(paths), len(paths)))
    for row in pairs.itertuples(index=False):
        a, b = at[row.file_a], at[row.file_b]
        matrix[a, b] = matrix[b, a] = row.jaccard
    return matrix


def _clustered(paths: list[str], strength: np.ndarray) -> list[str]:
    """Order `paths` so that what changes together lies together.

    Average linkage, by hand: the two groups with the strongest average bond join, each
    turned so that the files at the seam are the closest.  Ties go to the first path.
    """
    groups = [[index] for index in range(len(paths))]
    while len(groups) > 1:
        bonds = [
            (float(strength[a][:, b].mean()), -i, -j)
            for i, a in enumerate(groups)
            for j, b in enumerate(groups[:i])
        ]
        _, i, j = max(bonds)
        right, left = groups.pop(-i), groups.pop(-j)
        turns = [(x, y) for x in (left, left[::-1]) for y in (right, right[::-1])]
        left, right = max(turns, key=lambda pair: strength[pair[0][-1], pair[1][0]])
        groups.append(left + right)
    return [paths[index] for index in groups[0]]
