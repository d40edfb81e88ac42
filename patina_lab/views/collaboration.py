"""Who works on the same files, as a network of people.

Columns in: author_a, author_b, email_a, email_b, shared_files, files_a, files_b, weight
(what ``lab.project(pt.collaboration)`` gives).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from patina_lab.views import chart, labels, network
from patina_lab.views.canvas import Canvas
from patina_lab.views.chart import many

if TYPE_CHECKING:
    from patina_lab.views.chart import Chart

COLUMNS = {
    "author_a": "text",
    "author_b": "text",
    "email_a": "text",
    "email_b": "text",
    "shared_files": "count",
    "files_a": "count",
    "files_b": "count",
    "jaccard": "number",
    "weight": "number",
}
SOURCE = "lab.project(pt.collaboration)"
_TITLE = "People who work on the same files"
_MOST_LINKS = 110


def collaboration(df: Any, *, top: int = 30) -> Chart:
    """Draw people as dots, joined by the files that both touched.

    Parameters
    ----------
    df : DataFrame
        Columns as in the head of this module.
    top : int
        How many people: those of the pairs with the most shared files.

    Returns
    -------
    altair.LayerChart
        A larger dot touched more files, a thicker line has more of them in common.  Groups
        by shape and colour: people who share more among themselves than with the others.
    """
    chart.at_least("collaboration", "top", top, 2)
    pairs = chart.table(df, "collaboration", COLUMNS, SOURCE)
    pairs = pairs[(pairs["shared_files"] > 0) & (pairs["email_a"] != pairs["email_b"])]
    if pairs.empty:
        return chart.nothing(_TITLE, COLUMNS, why="no two people touched one file in this slice.")
    alt = chart.altair()
    pairs = pairs.sort_values(
        ["shared_files", "weight", "email_a", "email_b"], ascending=[False, False, True, True]
    )
    everyone = {*pairs["email_a"], *pairs["email_b"]}
    chosen = _first(pairs, top)
    among = pairs[pairs["email_a"].isin(chosen) & pairs["email_b"].isin(chosen)]
    shown = among.head(_MOST_LINKS)
    name_of = labels.people(
        dict(zip(pairs["email_b"], pairs["author_b"], strict=True))
        | dict(zip(pairs["email_a"], pairs["author_a"], strict=True))
    )
    people: dict[str, tuple[str, int]] = {}
    for row in shown.itertuples(index=False):
        people[row.email_a] = (name_of[row.email_a], row.files_a)
        people[row.email_b] = (name_of[row.email_b], row.files_b)
    emails = sorted(people)
    at = {email: index for index, email in enumerate(emails)}
    names = labels.distinct([people[email][0] for email in emails], 150, network.SIZE)
    dots = [
        network.Dot(
            name,
            float(people[email][1]),
            {
                "person": people[email][0],
                "files": people[email][1],
                "tip": f"{people[email][0]}: {many(people[email][1], 'file')}",
            },
        )
        for email, name in zip(emails, names, strict=True)
    ]
    links = [
        network.Link(
            at[row.email_a],
            at[row.email_b],
            float(row.shared_files),
            {
                "person a": name_of[row.email_a],
                "person b": name_of[row.email_b],
                "shared": row.shared_files,
                "jaccard": round(float(row.jaccard), 4),
                "tip": f"{name_of[row.email_a]} and {name_of[row.email_b]}: "
                f"{many(row.shared_files, 'shared file')}",
            },
        )
        for row in shown.itertuples(index=False)
    ]
    sheet = Canvas(chart.WIDTH + 40, 60 + 60 * min(len(emails), 7))
    layers, groups, silent = network.layers(
        sheet,
        dots,
        links,
        [
            "person a:N",
            "person b:N",
            alt.Tooltip("shared:Q", title="shared files", format=","),
            alt.Tooltip("jaccard:Q", format=".2f"),
        ],
        ["person:N", alt.Tooltip("files:Q", title="files touched", format=",")],
    )
    unnamed = f"; no room for {many(silent, 'name')}" if silent else ""
    summary = (
        f"{chart.part(len(emails), len(everyone), 'person', 'people')} in {many(groups, 'group')}, "
        f"{chart.part(len(shown), len(pairs), 'pair')}; larger: more files, "
        f"thicker: more in common{unnamed}"
    )
    return chart.finish(
        alt.layer(*layers),
        _TITLE,
        summary,
        description=f"Network of {summary}. "
        f"First: {'; '.join(link.facts['tip'] for link in links[:5])}.",
        width=sheet.width,
        height=sheet.height,
    )


def _first(pairs: Any, top: int) -> set[str]:
    chosen: set[str] = set()
    for a, b in zip(pairs["email_a"], pairs["email_b"], strict=True):
        if len(chosen | {a, b}) <= top:
            chosen |= {a, b}
        if len(chosen) == top:
            break
    return chosen
