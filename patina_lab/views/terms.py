"""The words that tell decisions apart, as bars.

Columns in: decision_seq, term, count, df, tfidf (what ``lab.project("terms")`` gives).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from patina_lab.views import bars, chart
from patina_lab.views.chart import many

if TYPE_CHECKING:
    from patina_lab.views.chart import Chart

COLUMNS = {
    "decision_seq": "count",
    "term": "text",
    "count": "count",
    "df": "count",
    "tfidf": "number",
}
SOURCE = 'lab.project("terms")'
_TITLE = "What decisions speak of"


def terms(df: Any, *, top: int = 25) -> Chart:
    """Draw the terms with the most weight, summed over all decisions.

    Parameters
    ----------
    df : DataFrame
        Columns as in the head of this module.
    top : int
        How many terms.

    Returns
    -------
    altair.LayerChart
    """
    chart.at_least("terms", "top", top)
    rows = chart.table(df, "terms", COLUMNS, SOURCE)
    rows = rows[rows["tfidf"] > 0].sort_values(["term", "decision_seq"])
    if rows.empty:
        return chart.nothing(_TITLE, COLUMNS, why="this slice of the log holds no decision.")
    alt = chart.altair()
    decisions = rows["decision_seq"].nunique()
    sums = rows.groupby("term", as_index=False).agg(
        weight=("tfidf", "sum"), count=("count", "sum"), df=("decision_seq", "nunique")
    )
    sums["weight"] = sums["weight"].round(6)  # so that the order of adding does not order terms
    sums = sums.sort_values(["weight", "term"], ascending=[False, True])
    drawn = [
        {
            "term": row.term,
            "weight": round(row.weight, 3),
            "decisions": int(row.df),
            "count": int(row.count),
            "name": row.term,
            "value": row.weight,
            "note": f"in {row.df:,} of {many(decisions, 'decision')}",
            "tip": f"{row.term}: in {many(row.df, 'decision')}, weight {row.weight:.2f}",
        }
        for row in sums.head(top).itertuples(index=False)
    ]
    layers, sheet = bars.ranked(
        drawn,
        [
            "term:N",
            alt.Tooltip("weight:Q", title="summed tf-idf", format=".2f"),
            alt.Tooltip("decisions:Q", format=","),
            alt.Tooltip("count:Q", title="times", format=","),
        ],
    )
    summary = (
        f"{chart.part(len(drawn), len(sums), 'term')} of {many(decisions, 'decision')}; "
        "the bar is tf-idf, summed over the decisions"
    )
    return chart.finish(
        layers,
        _TITLE,
        summary,
        description=f"Bars of {summary}. First: {'; '.join(row['tip'] for row in drawn[:5])}.",
        width=sheet.width,
        height=sheet.height,
    )
