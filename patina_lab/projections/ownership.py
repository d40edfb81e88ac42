"""Ownership and churn over time: who changed how much, month by month.

reads   touches: seq, occurred_us, path, author_name, author_email, lines_added, lines_removed
"""

from __future__ import annotations

from collections.abc import Mapping

from patina_lab.projections.calendar import calendar, day_us
from patina_lab.projections.projection import projection
from patina_lab.projections.rel import Rel


@projection(
    needs={
        "touches": ("seq", "occurred_us", "path", "author_email", "lines_added", "lines_removed")
    },
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
        WITH {calendar(period, "touches")}
        SELECT timestamp_micros(c.period_us) AS period,
               count(DISTINCT t.seq) AS commits, count(DISTINCT t.path) AS files,
               count(DISTINCT t.author_email) AS authors,
               CAST(sum(t.lines_added) AS BIGINT) AS lines_added,
               CAST(sum(t.lines_removed) AS BIGINT) AS lines_removed
        FROM touches t JOIN calendar c ON c.day_us = {day_us("t.occurred_us")}
        GROUP BY c.period_us
        ORDER BY c.period_us
        """
    )


@projection(
    needs={"touches": ("occurred_us", "author_name", "author_email")},
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
        WITH {calendar(period, "touches")}, each AS (
            SELECT c.period_us, t.author_email, max(t.author_name) AS author,
                   count(*) AS touches
            FROM touches t JOIN calendar c ON c.day_us = {day_us("t.occurred_us")}
            GROUP BY c.period_us, t.author_email
        )
        SELECT timestamp_micros(period_us) AS period, author, author_email, touches,
               CAST(touches AS DOUBLE)
                   / CAST(sum(touches) OVER (PARTITION BY period_us) AS DOUBLE) AS share
        FROM each
        ORDER BY period_us, touches DESC, author_email
        """
    )


def _during(row: Mapping[str, str], params: Mapping[str, str]) -> str:
    return f"date_trunc({params['period']}, make_timestamptz(occurred_us)) = {row['period']}"
