"""When in a session its commits were made, a row a session.

Columns in: session_id, sha, session_seq, commit_seq, minutes
(what ``lab.project("session_commits")`` gives).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from patina_lab.views import chart, strips
from patina_lab.views.chart import many

if TYPE_CHECKING:
    from patina_lab.views.chart import Chart

COLUMNS = {
    "session_id": "text",
    "sha": "text",
    "session_seq": "count",
    "commit_seq": "count",
    "minutes": "number",
}
SOURCE = 'lab.project("session_commits")'
_TITLE = "Commits of sessions"


def session_commits(df: Any, *, top: int = 25) -> Chart:
    """Draw when commits were made in each session, in hours from its start.

    Parameters
    ----------
    df : DataFrame
        Columns as in the head of this module.
    top : int
        How many sessions, the latest ones that have a commit.

    Returns
    -------
    altair.LayerChart
    """
    chart.at_least("session_commits", "top", top)
    rows = chart.table(df, "session_commits", COLUMNS, SOURCE)
    if rows.empty:
        return chart.nothing(
            _TITLE, COLUMNS, why="no commit of this slice was made while a session ran."
        )
    rows = rows.sort_values(["session_seq", "session_id", "minutes", "commit_seq"])
    sessions = rows["session_id"].drop_duplicates().tolist()
    shown = rows[rows["session_id"].isin(sessions[-top:])]
    lanes = [
        strips.Strip(
            str(session),
            [
                {
                    "at": float(row.minutes) / 60,
                    "session": row.session_id,
                    "sha": row.sha[:10],
                    "minutes": round(float(row.minutes), 1),
                    "tip": f"{row.session_id}: {row.sha[:10]} after {row.minutes:,.0f} minutes",
                }
                for row in group.itertuples(index=False)
            ],
        )
        for session, group in shown.groupby("session_id", sort=False)
    ]
    alt = chart.altair()
    longest = max(float(shown["minutes"].max()) / 60, 1.0)
    layers, sheet, drawn = strips.drawn(
        lanes,
        0.0,
        longest,
        ["session:N", "sha:N", alt.Tooltip("minutes:Q", format=",.1f")],
        unit="hours from the start of the session",
    )
    latest = "" if len(lanes) == len(sessions) else ", the latest"
    thinned = "" if drawn == len(shown) else f" ({drawn:,} drawn)"
    summary = (
        f"{chart.part(len(lanes), len(sessions), 'session')} with commits{latest}; "
        f"{many(len(shown), 'commit')}{thinned}"
    )
    return chart.finish(
        layers,
        _TITLE,
        summary,
        description=f"A row a session, a tick a commit: {summary}.",
        width=sheet.width,
        height=sheet.height,
    )
