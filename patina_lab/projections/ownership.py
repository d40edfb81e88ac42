"""Ownership and churn over time: who changed how much, month by month.

reads   touches: seq, occurred_us, path, author_name, author_email, lines_added, lines_removed
"""

from __future__ import annotations

from collections.abc import Mapping

from patina_lab.errors import InvalidOption
from patina_lab.projections.projection import projection
from patina_lab.projections.rel import Rel

_PERIODS = ("week", "month", "quarter", "year")


@projection(
    evidence=lambda row, params: f"SELECT seq FROM touches WHERE {_during(row, params)}",
    columns={
        "period": "timestamp, beginning of the period, UTC",
        "commits": "integer, commits",
        "files": "integer, paths touched",
        "authors": "integer, people",
        "lines_added": "integer, lines; NULL where none could be counted",
        "lines_removed": "integer, lines; NULL as above",
    },
)
def churn(touches: Rel, *, period: str = "month") -> Rel:
    """Sum up change by period.

    Parameters
    ----------
    touches : Rel
    period : {"week", "month", "quarter", "year"}
    """
    return touches.query(
        f"""
        SELECT date_trunc('{_known(period)}', make_timestamptz(occurred_us)) AS period,
               count(DISTINCT seq) AS commits, count(DISTINCT path) AS files,
               count(DISTINCT author_email) AS authors,
               CAST(sum(lines_added) AS BIGINT) AS lines_added,
               CAST(sum(lines_removed) AS BIGINT) AS lines_removed
        FROM touches
        GROUP BY 1
        ORDER BY 1
        """
    )


@projection(
    evidence=lambda row, params: (
        "SELECT seq FROM touches WHERE "
        f"author_email = {row['author_email']} AND {_during(row, params)}"
    ),
    columns={
        "period": "timestamp, beginning of the period, UTC",
        "author": "text, name after the mailmap",
        "author_email": "text",
        "touches": "integer, pairs of commit and file",
        "share": "fraction 0..1 of the period's touches",
    },
)
def ownership(touches: Rel, *, period: str = "month") -> Rel:
    """Say whose changes make up each period.

    Parameters
    ----------
    touches : Rel
    period : {"week", "month", "quarter", "year"}
    """
    return touches.query(
        f"""
        WITH each AS (
            SELECT date_trunc('{_known(period)}', make_timestamptz(occurred_us)) AS period,
                   author_email, max(author_name) AS author, count(*) AS touches
            FROM touches
            GROUP BY 1, author_email
        )
        SELECT period, author, author_email, touches,
               CAST(touches AS DOUBLE) / CAST(sum(touches) OVER (PARTITION BY period) AS DOUBLE)
                   AS share
        FROM each
        ORDER BY period, touches DESC, author_email
        """
    )


def _during(row: Mapping[str, str], params: Mapping[str, str]) -> str:
    return f"date_trunc({params['period']}, make_timestamptz(occurred_us)) = {row['period']}"


def _known(period: str) -> str:
    if period not in _PERIODS:
        raise InvalidOption(f"{period!r} is no period.", f"Use one of: {', '.join(_PERIODS)}.")
    return period
