"""Expertise: who knows which file, by what they did to it.

reads   touches: seq, occurred_us, path, author_name, author_email, lines_added, lines_removed
gives   author, author_email, file_path, commit_count, lines_added, lines_removed, share,
        last_commit_us, days_since, rank
"""

from __future__ import annotations

from patina_lab.projections.author_files import NEEDS, additive, author_files
from patina_lab.projections.projection import projection
from patina_lab.projections.rel import Rel

_DAY_US = 86_400_000_000


def _finish(files: Rel, *, min_commits: int = 1) -> Rel:
    return files.query(
        f"""
        WITH newest AS (
            SELECT max(last_commit_us) AS us FROM this
        ), ranked AS (
            SELECT e.*, sum(commit_count) OVER (PARTITION BY path) AS file_commits,
                   row_number() OVER (
                       PARTITION BY path
                       ORDER BY commit_count DESC, last_commit_us DESC, author_email
                   ) AS rank
            FROM this e
        )
        SELECT author, author_email, path AS file_path,
               CAST(commit_count AS BIGINT) AS commit_count,
               CAST(lines_added AS BIGINT) AS lines_added,
               CAST(lines_removed AS BIGINT) AS lines_removed,
               CAST(commit_count AS DOUBLE) / CAST(file_commits AS DOUBLE) AS share,
               last_commit_us,
               CAST(floor((n.us - last_commit_us) / CAST({_DAY_US} AS DOUBLE)) AS BIGINT)
                   AS days_since,
               rank
        FROM ranked CROSS JOIN newest n
        WHERE commit_count >= {int(min_commits)}
        ORDER BY commit_count DESC, file_path, rank
        """
    )


@projection(
    needs=NEEDS,
    additive=additive(_finish),
    evidence=lambda row, params: (
        "SELECT seq FROM touches WHERE "
        f"author_email = {row['author_email']} AND path = {row['file_path']}"
    ),
    ranges={"min_commits": (1, None)},
    columns={
        "author": "text, name after the mailmap",
        "author_email": "text, after the mailmap; the identity",
        "file_path": "text",
        "commit_count": "integer, commits",
        "lines_added": "integer, lines; NULL where none could be counted",
        "lines_removed": "integer, lines; NULL as above",
        "share": "fraction 0..1 of the file's commits",
        "last_commit_us": "integer, microseconds since 1970 UTC",
        "days_since": "integer, whole days from then to the newest commit of the slice",
        "rank": "integer from 1: place among the file's authors",
    },
)
def author_expertise(touches: Rel, *, min_commits: int = 1) -> Rel:
    """Count what each person did to each file.

    Parameters
    ----------
    touches : Rel
    min_commits : int
        Leave out rarer pairs of author and file, after shares and ranks are computed.

    Returns
    -------
    Rel
        One row an author and file; the busiest first.

    Notes
    -----
    Recency is measured against the newest commit of the slice, not against today: the same
    slice gives the same table for ever.
    """
    return _finish(author_files(touches), min_commits=min_commits)


@projection(
    evidence=lambda row, params: f"SELECT seq FROM touches WHERE path = {row['file_path']}",
    needs={"author_expertise": ("file_path", "author", "share", "commit_count", "rank")},
    columns={
        "file_path": "text",
        "commits": "integer, commits that touched the file",
        "authors": "integer, people",
        "truck_factor": "integer, fewest people who together made more than half of the commits",
        "main_author": "text, who made most",
        "main_share": "fraction 0..1",
    },
)
def truck_factor(author_expertise: Rel) -> Rel:
    """Say how few people hold most of a file's history.

    Notes
    -----
    The smallest number of authors, taken from the busiest down, whose shares add up to more
    than one half (after Avelino et al. 2016, with commits for authorship).
    """
    return author_expertise.query(
        """
        WITH running AS (
            SELECT file_path, author, share, commit_count, rank,
                   sum(commit_count) OVER (PARTITION BY file_path ORDER BY rank
                       ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS so_far,
                   sum(commit_count) OVER (PARTITION BY file_path) AS total
            FROM author_expertise
        )
        SELECT file_path, CAST(max(total) AS BIGINT) AS commits, count(*) AS authors,
               min(CASE WHEN 2 * so_far > total THEN rank END) AS truck_factor,
               max(CASE WHEN rank = 1 THEN author END) AS main_author,
               max(CASE WHEN rank = 1 THEN share END) AS main_share
        FROM running
        GROUP BY file_path
        ORDER BY truck_factor, commits DESC, file_path
        """
    )
