"""Activity: how many events of each type happened on each day."""

from __future__ import annotations

from patina_lab.projections.calendar import day_us
from patina_lab.projections.projection import Additive, projection
from patina_lab.projections.rel import Rel


def _by_day(eventlog: Rel) -> Rel:
    return eventlog.query(
        f"""
        WITH dated AS (
            SELECT {day_us("occurred_us")} AS day_us, event_type FROM eventlog
        )
        SELECT day_us, event_type, count(*) AS events
        FROM dated
        GROUP BY day_us, event_type
        """
    )


def _finish(days: Rel) -> Rel:
    return days.query(
        """
        SELECT timestamp_micros(day_us) AS day, event_type, CAST(events AS BIGINT) AS events
        FROM this
        ORDER BY day_us, event_type
        """
    )


@projection(
    needs={"eventlog": ("occurred_us", "event_type")},
    version=2,
    additive=Additive(_by_day, _finish, ("day_us", "event_type"), {"events": "sum"}),
    evidence=lambda row, params: (
        "SELECT seq FROM eventlog WHERE "
        f"event_type = {row['event_type']} AND date_trunc('day', timestamp) = {row['day']}"
    ),
    columns={
        "day": "timestamp: 00:00 UTC of the day",
        "event_type": "text",
        "events": "integer, events",
    },
)
def activity(eventlog: Rel) -> Rel:
    """Count events by day (UTC) and type.

    Returns
    -------
    Rel
        ``day, event_type, events``, ordered by both; days without events are not listed.
    """
    return _finish(_by_day(eventlog))
