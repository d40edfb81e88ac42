"""Times as people write them: one instant, whoever reads them and wherever."""

from __future__ import annotations

import contextlib
from datetime import UTC, date, datetime, timedelta, timezone

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patina_lab.errors import UnknownTime
from patina_lab.eventlog.times import DAY_US, begin_us, end_us, length_us, looks_like_time
from patina_lab.events.identity import instant

WRITTEN = ["2025-03-15", " 2025-03-15\n", "20250315", "2025-W11-6", "2025W116"]
NOON = 1_742_040_000_000_000  # 2025-03-15T12:00:00Z


@pytest.mark.parametrize(
    "moment",
    [
        "2025-03-15T12:00:00Z",
        "2025-03-15 12:00:00+00:00",
        "2025-03-15T12:00",
        " 2025-03-15T12 ",
        "2025-03-15T17:45:00+05:45",
        "2025-03-15T07:30:00.000000-04:30",
        datetime(2025, 3, 15, 12),  # noqa: DTZ001 - without an offset it is UTC
        datetime(2025, 3, 15, 12, tzinfo=UTC),
        datetime(2025, 3, 15, 22, 30, tzinfo=timezone(timedelta(hours=10.5))),
        pd.Timestamp("2025-03-15T12:00:00Z"),
        pd.Timestamp("2025-03-15T13:00:00", tz="Europe/Berlin"),
    ],
    ids=repr,
)
def test_a_moment_is_an_instant(moment):
    """Any offset; none is UTC. It begins at itself and ends a microsecond later."""
    assert (begin_us(moment), end_us(moment)) == (NOON, NOON + 1)


@pytest.mark.parametrize("moment", [*WRITTEN, date(2025, 3, 15)], ids=repr)
def test_a_date_is_the_whole_day_in_utc(moment):
    """Half-open: it lasts until the next day begins."""
    midnight = NOON - DAY_US // 2
    assert (midnight, midnight + DAY_US) == (begin_us(moment), end_us(moment))


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/Los_Angeles", "UTC"])
def test_the_readers_own_zone_does_not_matter(zone, monkeypatch):
    """The same text is the same instant on every machine."""
    import time

    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert begin_us("2025-03-15T12:00:00") == NOON
        assert end_us("2025-03-15") == NOON + DAY_US // 2
    finally:
        monkeypatch.undo()
        time.tzset()


@given(st.dates(max_value=date(9999, 12, 30)))
def test_days_follow_each_other_without_gap_or_overlap(day):
    """The end of one is the beginning of the next, over all of the calendar."""
    assert begin_us(str(day + timedelta(days=1))) == end_us(str(day)) == end_us(day)


@given(st.datetimes(timezones=st.timezones()))
def test_a_timestamp_reads_as_python_does(moment):
    """Text and value of the same moment are the same instant."""
    assert begin_us(moment.isoformat()) == begin_us(moment)
    with contextlib.suppress(OverflowError):
        assert moment.astimezone(UTC) == instant(begin_us(moment))


@pytest.mark.parametrize(
    "text",
    [
        *("", "yesterday", "2025", "2025-13-01", "2025-02-30", "2025-03-15T25:00", "15.03.2025"),
        *("2025-03-15T12:00:00+99:99", "2025-03-15 noon", "0000-01-01", "10000-01-01", "\ud800"),
        *("2025-03-15\0", "1740000000", "now", "2025-03-15T12:00:00 UTC"),
        *("2025-W11", "2025W11"),  # a week is no day, and begins on one of several
        *(5, True, ["2025-03-15"], pd.NaT),
    ],
)
def test_what_is_no_time_is_said_with_an_example(text):
    """The value comes back, with the way to write it."""
    for read in (begin_us, end_us):
        with pytest.raises(UnknownTime) as caught:
            read(text)
        assert caught.value.message == f"{text!r} is no date and no timestamp."
        assert caught.value.hint == "Write 2025-03-15 or 2025-03-15T14:30:00+01:00."


@pytest.mark.parametrize(
    ("text", "is_time"),
    [
        *(("2025-03-15", True), ("2025-03-15T12:00", True), ("2025-03-15 12:00:00Z", True)),
        *(("2025-13-99", True), ("2025-03-15T99", True), ("2025-03", False), ("v1", False)),
        *(("2025-03-15-rc1", False), ("20250315", False), ("deadbeef", False), ("", False)),
    ],
)
def test_times_are_told_from_names_of_commits(text, is_time):
    """By their form alone: a tag may be called 2025-03-15-rc1."""
    assert is_time is looks_like_time(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *(("7d", 604_800), ("1 week", 604_800), ("2 weeks", 1_209_600), ("36h", 129_600)),
        *(
            ("1.5 hours", 5_400),
            (" 90 Minutes ", 5_400),
            ("0s", 0),
            ("1 second", 1),
            ("1w", 604_800),
        ),
        *(("0.000001s", 0.000001), (timedelta(days=1, microseconds=1), 86_400.000001)),
    ],
)
def test_a_length_of_time_is_a_number_with_its_unit(text, seconds):
    """In words or in letters, or Python's own."""
    assert round(seconds * 1_000_000) == length_us(text)


@pytest.mark.parametrize(
    "text",
    ["", "7", "d", "-7d", "1 fortnight", "1 month", "7dd", "1e3s", 7, timedelta(days=-7), pd.NaT],
)
def test_what_is_no_length_is_said_with_an_example(text):
    """A month has no length."""
    with pytest.raises(UnknownTime) as caught:
        length_us(text)
    assert caught.value.message == f"{text!r} is no length of time."
    assert caught.value.hint == "Write 7d, 36h or 2 weeks."
