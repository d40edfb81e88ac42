"""Hotspots: the files that change most."""

from __future__ import annotations

from patina_lab.projections.projection import projection
from patina_lab.projections.rel import Rel


@projection(
    columns={
        "path": "text",
        "commits": "integer, commits that touched the path",
        "authors": "integer, people (mailmap applied)",
        "lines_added": "integer, lines; NULL where no commit could be counted",
        "lines_removed": "integer, lines; NULL as above",
        "churn": "integer, lines: added + removed",
        "last_changed": "timestamp: of the last commit that touched the path",
    }
)
def hotspots(touches: Rel, *, min_commits: int = 1) -> Rel:
    """Count commits, people and lines for each path.

    A path is a name: a file that was renamed is counted under each name that it had.

    Parameters
    ----------
    touches : Rel
    min_commits : int
        Leave out paths with fewer commits.

    Returns
    -------
    Rel
        ``path, commits, authors, lines_added, lines_removed, churn, last_changed``, most
        commits first.
    """
    return touches.query(
        f"""
        SELECT path, count(DISTINCT seq) AS commits, count(DISTINCT author_email) AS authors,
               CAST(sum(lines_added) AS BIGINT) AS lines_added,
               CAST(sum(lines_removed) AS BIGINT) AS lines_removed,
               CAST(sum(lines_added + lines_removed) AS BIGINT) AS churn,
               make_timestamptz(max(occurred_us)) AS last_changed
        FROM touches
        GROUP BY path
        HAVING count(DISTINCT seq) >= {int(min_commits)}
        ORDER BY commits DESC, churn DESC NULLS LAST, path
        """
    )
