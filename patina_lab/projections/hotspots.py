"""Hotspots: the files that change most."""

from __future__ import annotations

from patina_lab.projections.author_files import NEEDS, additive, author_files
from patina_lab.projections.projection import projection
from patina_lab.projections.rel import Rel


def _finish(files: Rel, *, min_commits: int = 1) -> Rel:
    return files.query(
        f"""
        SELECT path, CAST(sum(commit_count) AS BIGINT) AS commits, count(*) AS authors,
               CAST(sum(lines_added) AS BIGINT) AS lines_added,
               CAST(sum(lines_removed) AS BIGINT) AS lines_removed,
               CAST(sum(lines_added + lines_removed) AS BIGINT) AS churn,
               timestamp_micros(max(last_commit_us)) AS last_changed
        FROM this
        GROUP BY path
        HAVING sum(commit_count) >= {int(min_commits)}
        ORDER BY commits DESC, churn DESC NULLS LAST, path
        """
    )


@projection(
    needs=NEEDS,
    additive=additive(_finish),
    evidence=lambda row, params: f"SELECT seq FROM touches WHERE path = {row['path']}",
    ranges={"min_commits": (1, None)},
    columns={
        "path": "text",
        "commits": "integer, commits that touched the path",
        "authors": "integer, people (mailmap applied)",
        "lines_added": "integer, lines; NULL where no commit could be counted",
        "lines_removed": "integer, lines; NULL as above",
        "churn": "integer, lines: added + removed",
        "last_changed": "timestamp: of the last commit that touched the path",
    },
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
    return _finish(author_files(touches), min_commits=min_commits)
