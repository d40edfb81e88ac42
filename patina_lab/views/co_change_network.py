"""Co-change as a network: files as dots, in the groups that change together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from patina_lab.views import chart, labels, network
from patina_lab.views.canvas import Canvas
from patina_lab.views.chart import many
from patina_lab.views.co_changes import TITLE, facts, some, tooltip

if TYPE_CHECKING:
    from patina_lab.views.chart import Chart


def draw(pairs: Any, paths: list[str], whole: int) -> Chart:
    """Draw the graph of `pairs`, strongest first, over the files `paths`.

    Parameters
    ----------
    pairs : DataFrame
        Columns of ``plot.co_changes``.
    paths : list of str
    whole : int
        Pairs there were.
    """
    alt = chart.altair()
    drawn = set(pairs["file_a"]) | set(pairs["file_b"])
    paths = [path for path in paths if path in drawn]
    sheet = Canvas(chart.WIDTH + 40, 60 + 60 * min(len(paths), 7))
    at = {path: index for index, path in enumerate(paths)}
    touched = [0] * len(paths)
    links: list[network.Link] = []
    for row in pairs.itertuples(index=False):
        a, b = at[row.file_a], at[row.file_b]
        links.append(network.Link(a, b, float(row.count), facts(row)))
        touched[a] += int(row.count)
        touched[b] += int(row.count)
    short = labels.distinct(labels.tails(paths), 150, network.SIZE)
    dots = [
        network.Dot(
            name,
            float(weight),
            {"file": path, "tip": f"{path}: changed with others {many(weight, 'time')}"},
        )
        for path, name, weight in zip(paths, short, touched, strict=True)
    ]
    layers, groups, silent = network.layers(sheet, dots, links, tooltip(), ["file:N"])
    unnamed = f"; no room for {many(silent, 'name')}" if silent else ""
    summary = (
        f"{some(len(pairs), whole, len(paths))}, in {many(groups, 'group')}; "
        f"thicker is more commits{unnamed}"
    )
    return chart.finish(
        alt.layer(*layers),
        TITLE,
        summary,
        description=f"Network of {summary}. "
        f"First: {'; '.join(link.facts['tip'] for link in links[:5])}.",
        width=sheet.width,
        height=sheet.height,
    )
