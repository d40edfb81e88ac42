"""Activity: how many events of each type happened on each day."""

from __future__ import annotations

from patina_lab.projections.projection import Additive, projection
from patina_lab.projections.rel import Rel


def _by_day(eventlog: Rel) -> Rel:
    return eventlog.query(
        """
        SELECT date_trunc('day', timestamp) AS day, event_type, count(*) AS events
        FROM eventlog
        GROUP BY 1, 2
        """
    )


def _finish(days: Rel) -> Rel:
    return days.query(
        """
        SELECT day, event_type, CAST(events AS BIGINT) AS events
        FROM this
        ORDER BY day, event_type
        """
    )


@projection(
    additive=Additive(_by_day, _finish, ("day", "event_type"), {"events": "sum"}),
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
