"""What each person did to each file: the partial that several projections are made from.

reads   touches: seq, occurred_us, path, author_name, author_email, lines_added, lines_removed
gives   author_email, path, author, commit_count, lines_added, lines_removed, last_commit_us
"""

from __future__ import annotations

from patina_lab.projections.projection import Additive, Function
from patina_lab.projections.rel import Rel

NEEDS = {
    "touches": (
        *("seq", "occurred_us", "path", "author_name", "author_email"),
        *("lines_added", "lines_removed"),
    )
}
"""The columns that `author_files` reads."""


def author_files(touches: Rel) -> Rel:
    """Sum up commits and lines by author and path.

    A commit belongs to one author, and all of it is in the slice or none: so the number of
    commits adds up across disjoint sets of events.
    """
    return touches.query(
        """
        SELECT author_email, path, max(author_name) AS author,
               count(DISTINCT seq) AS commit_count, sum(lines_added) AS lines_added,
               sum(lines_removed) AS lines_removed, max(occurred_us) AS last_commit_us
        FROM touches
        GROUP BY author_email, path
        """
    )


def additive(finish: Function) -> Additive:
    """Return how a projection over `author_files` is brought up to date."""
    return Additive(
        partial=author_files,
        finish=finish,
        keys=("author_email", "path"),
        measures={
            "author": "max",
            "commit_count": "sum",
            "lines_added": "sum",
            "lines_removed": "sum",
            "last_commit_us": "max",
        },
        author="author_email",
    )
