"""The calendar in SQL against Python's own."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import duckdb
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from patina_lab.errors import InvalidOption
from patina_lab.events.identity import micros
from patina_lab.projections.calendar import PERIODS, calendar, day_us

DATES = {
    "week": lambda d: d - timedelta(days=d.weekday()),
    "month": lambda d: d.replace(day=1),
    "quarter": lambda d: d.replace(month=(d.month - 1) // 3 * 3 + 1, day=1),
    "year": lambda d: d.replace(month=1, day=1),
}
MOMENTS = st.lists(
    st.datetimes(datetime(1, 1, 8), datetime(9999, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
    min_size=1,
)
EDGES = [
    datetime(year, month, day, hour, tzinfo=UTC)
    for year in (1600, 1900, 1969, 1970, 2000, 2024, 2100)
    for month, day in ((1, 1), (2, 28), (3, 1), (12, 31))
    for hour in (0, 23)
]


def begins(period: str, moments: list[datetime]) -> dict[int, int]:
    """Return first microsecond of the day -> that of its period, by SQL."""
    rows = ", ".join(f"({micros(m)})" for m in moments)
    with duckdb.connect() as db:
        db.execute(f"CREATE TABLE touches AS SELECT * FROM (VALUES {rows}) AS v(occurred_us)")
        found = db.execute(f"WITH {calendar(period, 'touches')} SELECT * FROM calendar").fetchall()
    return dict(found)


def start(day: date) -> int:
    return micros(datetime(day.year, day.month, day.day, tzinfo=UTC))


@pytest.mark.parametrize("period", PERIODS)
@given(moments=MOMENTS)
@example(moments=EDGES)
def test_a_period_begins_where_python_says(period: str, moments: list[datetime]) -> None:
    days = {m.date() for m in moments}
    assert begins(period, moments) == {start(day): start(DATES[period](day)) for day in days}


def test_control_a_month_late_is_seen() -> None:
    """Known-bad: the oracle is not the thing itself."""
    assert begins("month", [EDGES[0]]) != {start(date(1600, 1, 1)): start(date(1600, 2, 1))}


@given(moments=MOMENTS)
def test_a_day_begins_at_midnight_before_1970_too(moments: list[datetime]) -> None:
    for m in moments:
        (got,) = duckdb.connect().execute(f"SELECT {day_us(f'({micros(m)})')}").fetchone()
        assert got == start(m.date())


def test_a_period_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidOption, match="Use one of: week, month, quarter, year"):
        calendar("fortnight", "touches")
