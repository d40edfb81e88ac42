"""Which commits were made in which session.

reads   sessions: id, seq, occurred_us
        session_items: session_id, occurred_us
        commits: seq, occurred_us, sha
gives   session_id, sha, session_seq, commit_seq, minutes
"""

from __future__ import annotations

from patina_lab.projections.calendar import MOST_DAYS
from patina_lab.projections.projection import projection
from patina_lab.projections.rel import Rel

_HOUR_US = 3_600_000_000


@projection(
    evidence=lambda row, params: (
        f"SELECT seq FROM eventlog WHERE seq IN ({row['session_seq']}, {row['commit_seq']})"
    ),
    needs={
        "sessions": ("id", "seq", "occurred_us"),
        "session_items": ("session_id", "occurred_us"),
        "commits": ("seq", "occurred_us", "sha"),
    },
    ranges={"hours_after": (0, 24 * MOST_DAYS)},
    columns={
        "session_id": "text",
        "sha": "text, the commit",
        "session_seq": "integer, seq of the session's start",
        "commit_seq": "integer, seq of the commit",
        "minutes": "number, from the session's start to the commit",
    },
)
def session_commits(
    sessions: Rel, session_items: Rel, commits: Rel, *, hours_after: float = 1
) -> Rel:
    """Link a session with the commits made while it ran.

    Parameters
    ----------
    sessions, session_items, commits : Rel
    hours_after : float
        A session lasts from its start to its last item, and this long beyond it.

    Returns
    -------
    Rel
        One row a session and commit; sessions that overlap share commits.
    """
    return sessions.query(
        f"""
        WITH span AS (
            SELECT s.id, s.seq, s.occurred_us AS begins,
                   greatest(coalesce(max(i.occurred_us), s.occurred_us), s.occurred_us)
                       + {round(hours_after * _HOUR_US)} AS ends
            FROM sessions s LEFT JOIN session_items i ON i.session_id = s.id
            GROUP BY s.id, s.seq, s.occurred_us
        )
        SELECT p.id AS session_id, c.sha, p.seq AS session_seq, c.seq AS commit_seq,
               CAST(c.occurred_us - p.begins AS DOUBLE) / CAST(60000000 AS DOUBLE) AS minutes
        FROM span p JOIN commits c ON c.occurred_us >= p.begins AND c.occurred_us <= p.ends
        ORDER BY p.seq, c.seq
        """,
        session_items=session_items,
        commits=commits,
    )
