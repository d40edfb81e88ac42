"""Pairs of files that change together, beside the imports between them, as bars.

Columns in: file_a, file_b, count, jaccard, imports
(what ``lab.project(pt.import_coupling)`` gives).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from patina_lab.views import bars, chart, labels
from patina_lab.views.chart import many

if TYPE_CHECKING:
    from patina_lab.views.chart import Chart

COLUMNS = {
    "file_a": "text",
    "file_b": "text",
    "count": "count",
    "jaccard": "number",
    "imports": "number",
}
SOURCE = "lab.project(pt.import_coupling), of a log scraped with code=True"
_TITLE = "Coupling beside the imports"


def import_coupling(df: Any, *, top: int = 25) -> Chart:
    """Draw the strongest pairs; those that no way of imports connects as outlines.

    Parameters
    ----------
    df : DataFrame
        Columns as in the head of this module.
    top : int
        How many pairs.

    Returns
    -------
    altair.LayerChart
    """
    chart.at_least("import_coupling", "top", top)
    rows = chart.table(df, "import_coupling", COLUMNS, SOURCE)
    rows = rows[rows["count"] > 0]
    if rows.empty:
        return chart.nothing(
            _TITLE,
            COLUMNS,
            why="no such pairs, or the log was scraped without code=True.",
        )
    alt = chart.altair()
    rows = rows.sort_values(
        ["count", "jaccard", "file_a", "file_b"], ascending=[False, False, True, True]
    )
    shown = rows.head(top)
    pairs = [labels.PAIR.join(pair) for pair in zip(shown["file_a"], shown["file_b"], strict=True)]
    names = labels.rows(pairs, 370, 12)
    drawn = []
    for row, name in zip(shown.itertuples(index=False), names, strict=True):
        hidden = row.imports != row.imports  # NaN: no way
        way = "no way of imports" if hidden else f"{many(row.imports, 'import')} apart"
        drawn.append(
            {
                **row._asdict(),
                "imports": None if hidden else int(row.imports),
                "jaccard": round(float(row.jaccard), 4),
                "way": way,
                "name": name,
                "value": row.count,
                "hollow": hidden,
                "note": f"{many(row.count, 'commit')}, jaccard {row.jaccard:.2f}, {way}",
                "tip": f"{row.file_a} and {row.file_b}: {many(row.count, 'commit')} together, "
                f"{way}",
            }
        )
    layers, sheet = bars.ranked(
        drawn,
        [
            "file_a:N",
            "file_b:N",
            alt.Tooltip("count:Q", title="commits together", format=","),
            alt.Tooltip("jaccard:Q", format=".2f"),
            alt.Tooltip("way:N", title="imports"),
        ],
        names=380,
    )
    hidden = int(shown["imports"].isna().sum())
    summary = (
        f"{chart.part(len(drawn), len(rows), 'pair')}, most commits first; "
        f"{hidden:,} of them (outlined) that no way of imports connects"
    )
    return chart.finish(
        layers,
        _TITLE,
        summary,
        description=f"Bars of {summary}. First: {'; '.join(row['tip'] for row in drawn[:5])}.",
        width=sheet.width,
        height=sheet.height,
    )
