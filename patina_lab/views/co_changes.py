"""Which files change together, as a triangle of shaded cells.

Columns in: file_a, file_b, count, jaccard (what ``lab.project(pt.co_changes)`` gives).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from patina_lab.errors import InvalidOption
from patina_lab.views import chart, labels, renderer
from patina_lab.views.chart import many
from patina_lab.views.renderer import INK

if TYPE_CHECKING:
    import numpy as np

    from patina_lab.views.chart import Chart

COLUMNS = {"file_a": "text", "file_b": "text", "count": "count", "jaccard": "number"}
SOURCE = "lab.project(pt.co_changes)"
_TITLE = "Changed together"
_CELL = 19
_LEAST_WIDTH = 460


def co_changes(df: Any, *, top: int = 30) -> Chart:
    """Draw how strongly files change together, files that do lying next to each other.

    Parameters
    ----------
    df : DataFrame
        Columns ``file_a``, ``file_b``, ``count`` (commits that changed both) and
        ``jaccard`` (that, of the commits that changed either).
    top : int
        How many files: those of the strongest pairs, by count and then by jaccard.

    Returns
    -------
    altair.LayerChart
        One cell a pair: its number is the count, its shade the jaccard.  Each file's name
        stands at the end of its row, which is the head of its column.
    """
    if top < 2:
        raise InvalidOption(f"plot.co_changes was asked for {top} files.", "Give top=2 or more.")
    pairs = chart.table(df, "co_changes", COLUMNS, SOURCE)
    pairs = pairs[pairs["count"] > 0]
    if pairs.empty:
        return chart.nothing(_TITLE)
    alt = chart.altair()
    pairs = pairs.sort_values(
        ["count", "jaccard", "file_a", "file_b"], ascending=[False, False, True, True]
    )
    order = _clustered(*_strength(pairs, top))
    at = {path: index for index, path in enumerate(order)}
    shown = pairs[pairs["file_a"].isin(at) & pairs["file_b"].isin(at)]
    cells = []
    for row in shown.itertuples(index=False):
        column, line = sorted((at[row.file_a], at[row.file_b]))
        cells.append(
            {
                "x": column,
                "y": line,
                "file a": row.file_a,
                "file b": row.file_b,
                "count": int(row.count),
                "jaccard": round(float(row.jaccard), 4),
                "dark": bool(row.jaccard > 0.3),
                "number": int(row.count) if row.count < 1000 else "1k+",
                "tip": f"{row.file_a} and {row.file_b}: {many(row.count, 'commit')} together, "
                f"jaccard {row.jaccard:.2f}",
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
            tooltip=[
                "file a:N",
                "file b:N",
                alt.Tooltip("count:Q", title="commits together", format=","),
                alt.Tooltip("jaccard:Q", format=".2f"),
            ],
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
    all_of_them = f"all {many(len(pairs), 'pair')} of {many(len(order), 'file')}"
    some = f"{len(shown):,} of {many(len(pairs), 'pair')}: those among {len(order)} files"
    summary = f"{all_of_them if len(shown) == len(pairs) else some}; the number counts commits"
    return chart.finish(
        alt.layer(*layers),
        "Files that change together",
        summary,
        description=f"Heatmap of {summary}. First: {'; '.join(c['tip'] for c in cells[:5])}.",
        width=side + room + 8,
        height=side,
    )


def _strength(pairs: Any, top: int) -> tuple[list[str], np.ndarray]:
    """Choose the files, by path, and return their jaccards as a matrix."""
    import numpy as np

    chosen: dict[str, None] = {}
    for row in pairs.itertuples(index=False):
        new = {row.file_a, row.file_b} - chosen.keys()
        if len(chosen) + len(new) <= top:
            chosen |= dict.fromkeys(new)
    paths = sorted(chosen)
    at = {path: index for index, path in enumerate(paths)}
    matrix = np.zeros((len(paths), len(paths)))
    for row in pairs.itertuples(index=False):
        if row.file_a in at and row.file_b in at:
            a, b = at[row.file_a], at[row.file_b]
            matrix[a, b] = matrix[b, a] = row.jaccard
    return paths, matrix


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
