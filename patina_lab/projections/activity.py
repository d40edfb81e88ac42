"""Activity: how many events of each type happened on each day."""

from __future__ import annotations

from patina_lab.projections.calendar import day_us
from patina_lab.projections.projection import projection
from patina_lab.projections.rel import Rel


@projection(
    needs={"eventlog": ("occurred_us", "event_type")},
    version=2,
    evidence=lambda row, params: (
        "SELECT seq FROM eventlog WHERE "
        f"event_type = {row['event_type']} AND {day_us('occurred_us')} = epoch_us({row['day']})"
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

    Notes
    -----
    Kept tables are counted anew: to find out what is new in a log costs more than that.
    """
    return eventlog.query(
        f"""
        WITH dated AS (
            SELECT {day_us("occurred_us")} AS day_us, event_type FROM eventlog
        )
        SELECT timestamp_micros(day_us) AS day, event_type, count(*) AS events
        FROM dated
        GROUP BY day_us, event_type
        ORDER BY day_us, event_type
        """
    )
