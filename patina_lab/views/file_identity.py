"""The names that files had, as spans over the log.

Columns in: identity, path, since_seq, until_seq, commits, current
(what ``lab.project("file_identity")`` gives).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from patina_lab.views import chart, labels
from patina_lab.views.canvas import Canvas, ticks
from patina_lab.views.chart import many
from patina_lab.views.renderer import GHOST, INK, MUTED

if TYPE_CHECKING:
    from patina_lab.views.chart import Chart

COLUMNS = {
    "identity": "count",
    "path": "text",
    "since_seq": "count",
    "until_seq": "count",
    "commits": "count",
    "current": "text",
}
SOURCE = 'lab.project("file_identity")'
_TITLE = "Files and their names"
_ROW, _MOST_NAMES = 18, 8


def file_identity(df: Any, *, top: int = 14) -> Chart:
    """Draw the files with the most names: each name as a span, from its first to last commit.

    Parameters
    ----------
    df : DataFrame
        Columns as in the head of this module.
    top : int
        How many files.

    Returns
    -------
    altair.LayerChart
        A group of rows is one file; an open end (○) is a name given up, a filled one (●)
        the name it has now.
    """
    chart.at_least("file_identity", "top", top)
    rows = chart.table(df, "file_identity", COLUMNS, SOURCE)
    if rows.empty:
        return chart.nothing(_TITLE, COLUMNS)
    alt = chart.altair()
    files = rows.groupby("identity").agg(names=("path", "size"), commits=("commits", "sum"))
    files = files.reset_index().sort_values(
        ["names", "commits", "identity"], ascending=[False, False, True]
    )
    shown = files["identity"].head(top).tolist()
    low, high = int(rows["since_seq"].min()), int(rows["until_seq"].max())
    by_file = {
        identity: group.sort_values(["since_seq", "until_seq", "path"]).tail(_MOST_NAMES)
        for identity, group in rows[rows["identity"].isin(shown)].groupby("identity")
    }
    lines = [(identity, row) for identity in shown for row in by_file[identity].itertuples()]
    names = labels.distinct([row.path for _, row in lines], 330, 11)
    left = max(labels.width(name, 11) for name in names) + 14
    bottom = len(lines) * _ROW
    sheet = Canvas(chart.WIDTH + 40, bottom + 34)

    def across(seq: float) -> float:
        return round(left + (seq - low) / max(high - low, 1) * (sheet.width - left - 14), 2)

    spans, bands, words, ends = [], [], [], []
    striped: dict[Any, int] = {identity: n for n, identity in enumerate(shown)}
    for at, ((identity, row), name) in enumerate(zip(lines, names, strict=True)):
        middle = (at + 0.5) * _ROW
        now = row.path == row.current
        if striped[identity] % 2:
            bands.append({"x": 0, "x2": sheet.width, "y": at * _ROW, "y2": (at + 1) * _ROW})
        words.append({"x": round(left - 8, 2), "y": middle, "text": name})
        said = "now" if now else "deleted" if row.current == "(none)" else f"now {row.current}"
        spans.append(
            {
                "x": across(row.since_seq),
                "x2": max(across(row.until_seq), across(row.since_seq) + 2),
                "y": middle - 3,
                "y2": middle + 3,
                "file": int(identity),
                "path": row.path,
                "since": int(row.since_seq),
                "until": int(row.until_seq),
                "commits": int(row.commits),
                "now": said,
                "tip": f"{row.path}: {many(row.commits, 'commit')} from event "
                f"{row.since_seq:,} to {row.until_seq:,}; {said}",
            }
        )
        ends.append({"x": spans[-1]["x2"], "y": middle, "text": "●" if now else "○"})
    axis = [(across(value), f"{value:,.0f}") for value in ticks(low, high)]
    facts = ["path:N", *(alt.Tooltip(f"{n}:Q", format=",") for n in ("since", "until", "commits"))]
    layers = [
        *([sheet.boxes(bands, color=GHOST)] if bands else []),
        *sheet.ruler(axis, 0, bottom),
        sheet.boxes(spans, [alt.Tooltip("file:Q", title="file", format="d"), *facts, "now:N"]),
        sheet.words(ends, align="center", fontSize=12, color=INK, halo=True),
        sheet.words(words, align="right"),
        sheet.words(
            [{"x": (left + sheet.width) / 2, "y": bottom + 26, "text": "place in the log (seq)"}],
            align="center",
            color=MUTED,
        ),
    ]
    renamed = int((files["names"] > 1).sum())
    summary = (
        f"{chart.part(len(shown), len(files), 'file')}, those with the most names; {renamed:,} "
        "had more than one; ● its name now, ○ given up"
    )
    return chart.finish(
        alt.layer(*layers),
        _TITLE,
        summary,
        description=f"Spans of names: {summary}. First: {'; '.join(s['tip'] for s in spans[:4])}.",
        width=sheet.width,
        height=sheet.height,
    )
