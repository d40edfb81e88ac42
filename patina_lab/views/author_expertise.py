"""Who knows which part of the code, as a matrix of people and folders or files.

Columns in: author, author_email, file_path, commit_count
(what ``lab.project(pt.author_expertise)`` gives).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from patina_lab.views import chart, labels
from patina_lab.views.bars import clip
from patina_lab.views.canvas import Canvas
from patina_lab.views.chart import many
from patina_lab.views.renderer import GHOST, INK, MUTED
from patina_lab.views.treemap import folders

if TYPE_CHECKING:
    from patina_lab.views.chart import Chart

COLUMNS = {
    "author": "text",
    "author_email": "text",
    "file_path": "text",
    "commit_count": "count",
}
SOURCE = "lab.project(pt.author_expertise)"
_TITLE = "Who knows what"
_ROW, _WIDEST, _NARROWEST = 22, 64, 440
_OTHERS = "all others"


def author_expertise(
    df: Any, *, by: Literal["folder", "file"] = "folder", top: int = 20, people: int = 10
) -> Chart:
    """Draw each person's share of the changes to each folder, or file.

    Parameters
    ----------
    df : DataFrame
        Columns as in the head of this module.
    by : {"folder", "file"}
        What a row is.
    top : int
        How many rows, those changed most.
    people : int
        How many people, those with the most changes; the rest are one column.

    Returns
    -------
    altair.LayerChart
        A change is a commit of one file.  A cell's number is the person's share of the
        row's changes, in percent; it is darker with more.
    """
    chart.one_of("author_expertise", "by", by, ("folder", "file"))
    chart.at_least("author_expertise", "top", top)
    chart.at_least("author_expertise", "people", people)
    rows = chart.table(df, "author_expertise", COLUMNS, SOURCE)
    rows = rows[rows["commit_count"] > 0]
    if rows.empty:
        return chart.nothing(_TITLE, COLUMNS)
    alt = chart.altair()
    where = rows["file_path"]
    if by == "folder":
        paths = sorted(set(where))
        where = where.map(dict(zip(paths, folders(paths, most=top), strict=True)))
    rows = rows.assign(where=where)
    places = _largest(rows, "where", top)
    emails = _largest(rows, "author_email", people)
    name_of = labels.people(
        rows.sort_values("author").groupby("author_email")["author"].last().to_dict()
    )
    whole = rows.groupby("where")["commit_count"].sum()
    rest = rows["author_email"].nunique() - len(emails)
    heads = [*(name_of[email] for email in emails), *([_OTHERS] if rest else [])]
    # A column's number: git allows an empty email, so that no text is free to mean the others.
    column_of = {email: column for column, email in enumerate(emails)}
    who = rows["author_email"].map(column_of).fillna(len(emails)).astype(int)
    counts = rows.assign(who=who).groupby(["where", "who"])["commit_count"].sum()

    names = labels.distinct(["(top level)" if p == "." else p for p in places], 250, 11)
    left = max(labels.width(name, 11) for name in names) + 10
    totals = [many(int(whole[place]), "change") for place in places]
    right = max(labels.width(total, 11) for total in totals) + 12
    # Headings lean to the right by 45 degrees; the last one needs room beyond its column.
    short = labels.distinct([clip(head, 135, 11) for head in heads], 145, 11)
    above = round(max(labels.width(text, 11) for text in short) * 0.72 + 18)
    overhang = max(labels.width(short[-1], 11) * 0.72, right)
    wide = min(_WIDEST, (chart.WIDTH + 60 - left - overhang) / len(heads))
    sheet = Canvas(
        round(max(left + wide * len(heads) + overhang, _NARROWEST), 1), above + len(places) * _ROW
    )
    cells, lanes, words, numbers = [], [], [], []
    for line, (place, name, total) in enumerate(zip(places, names, totals, strict=True)):
        middle = above + (line + 0.5) * _ROW
        words.append({"x": round(left - 8, 2), "y": middle, "text": name, "align": "right"})
        words.append(
            {
                "x": round(left + wide * len(heads) + 8, 2),
                "y": middle,
                "text": total,
                "align": "left",
            }
        )
        for column, head in enumerate(heads):
            x = left + (column + 0.5) * wide
            box = {
                "x": round(x - wide / 2 + 1, 2),
                "x2": round(x + wide / 2 - 1, 2),
                "y": middle - _ROW / 2 + 1,
                "y2": middle + _ROW / 2 - 1,
            }
            lanes.append(box)
            count = int(counts.get((place, column), 0))
            if not count:
                continue
            share = count / int(whole[place])
            cells.append(
                {
                    **box,
                    "place": "(top level)" if place == "." else place,
                    "person": head,
                    "changes": count,
                    "share": round(share, 4),
                    "tip": f"{head}, {place}: {share:.0%} of {total}",
                }
            )
            text = f"{share * 100:.0f}" if share >= 0.005 else "<1"
            numbers.append({"x": round(x, 2), "y": middle, "text": text, "dark": share > 0.57})
    columns = [
        {"x": round(left + (n + 0.5) * wide - 2, 2), "y": above - 8, "text": text}
        for n, text in enumerate(short)
    ]
    layers = [
        sheet.boxes(lanes, color=GHOST),
        sheet.boxes(
            cells,
            [
                alt.Tooltip("place:N", title=by),
                "person:N",
                alt.Tooltip("changes:Q", format=","),
                alt.Tooltip("share:Q", format=".1%"),
            ],
            encode={
                "color": alt.Color(
                    "share:Q", scale=alt.Scale(domain=[0, 1], range=chart.SCALE), legend=None
                )
            },
        ),
        sheet.words(numbers, align="center", fontSize=10),
        sheet.words(columns, angle=315, color=INK),
        *(
            sheet.words(
                [w for w in words if w["align"] == align],
                align=align,
                color=INK if align == "right" else MUTED,
            )
            for align in ("left", "right")
        ),
    ]
    everything = rows["where"].nunique()
    crowd = f"; {many(rest, 'other')} in one column" if rest else ""
    summary = (
        f"{chart.part(len(places), everything, by)}, "
        f"{many(len(emails), 'person', 'people')}{crowd}; percent of a row's changes"
    )
    return chart.finish(
        alt.layer(*layers),
        _TITLE,
        summary,
        description=f"Matrix of {summary}. First: {'; '.join(str(c['tip']) for c in cells[:5])}.",
        width=sheet.width,
        height=sheet.height,
    )


def _largest(rows: Any, key: str, most: int) -> list[str]:
    """Return the values of `key` with the most changes, the largest first."""
    sums = rows.groupby(key)["commit_count"].sum().reset_index()
    sums = sums.sort_values(["commit_count", key], ascending=[False, True])
    first: list[str] = sums[key].head(most).tolist()
    return first
