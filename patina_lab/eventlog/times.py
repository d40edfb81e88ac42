"""Reading the times that people write: dates, timestamps, lengths of time."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from patina_lab.errors import UnknownTime
from patina_lab.events.identity import micros

DAY_US = 86_400_000_000

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DAY = re.compile(rf"{_DATE.pattern}|\d{{8}}|\d{{4}}-?W\d{{2}}-?\d")
_WEEK = re.compile(r"\d{4}-?W\d{2}")
_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}")
_LENGTH = re.compile(r"(\d+(?:\.\d+)?)\s*(w|d|h|m|s|weeks?|days?|hours?|minutes?|seconds?)")
_WRITE = "Write 2025-03-15 or 2025-03-15T14:30:00+01:00."
_LENGTHS = "Write 7d, 36h or 2 weeks."
_SECONDS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}

Moment = str | date | datetime
"""A date or a timestamp: text in ISO 8601, ``date`` or ``datetime``."""


def looks_like_time(text: str) -> bool:
    """Whether a text is meant as a date or timestamp, and not as the name of a commit."""
    return bool(_DATE.fullmatch(text) or _TIMESTAMP.match(text))


def _parse(moment: Moment) -> tuple[datetime, bool]:
    """Return the instant at which `moment` begins, and whether it is a whole day."""
    if isinstance(moment, datetime):
        if moment != moment:  # pandas' NaT
            raise UnknownTime(f"{moment!r} is no date and no timestamp.", _WRITE)
        when, whole_day = moment, False
    elif isinstance(moment, date):
        when, whole_day = datetime(moment.year, moment.month, moment.day, tzinfo=UTC), True
    elif not isinstance(moment, str):
        raise UnknownTime(f"{moment!r} is no date and no timestamp.", _WRITE)
    else:
        text = moment.strip()
        whole_day = bool(_DAY.fullmatch(text))
        try:
            # Python takes a week for its Monday; nobody who writes one means that.
            when = datetime.fromisoformat("" if _WEEK.fullmatch(text) else text)
        except ValueError as err:
            raise UnknownTime(f"{moment!r} is no date and no timestamp.", _WRITE) from err
    # A time without an offset is UTC: the reader's own zone must not change the result.
    return (when.replace(tzinfo=UTC) if when.tzinfo is None else when), whole_day


def begin_us(moment: Moment) -> int:
    """Return the first microsecond of `moment` (of a date: 00:00 UTC).

    Examples
    --------
    >>> begin_us("1970-01-02")
    86400000000
    """
    return micros(_parse(moment)[0])


def end_us(moment: Moment) -> int:
    """Return the microsecond *after* `moment`: a date lasts until midnight UTC.

    Examples
    --------
    >>> end_us("1970-01-01") == begin_us("1970-01-02")
    True
    >>> end_us("1970-01-01T00:00:00")
    1
    """
    when, whole_day = _parse(moment)
    return micros(when) + (DAY_US if whole_day else 1)


def length_us(length: str | timedelta) -> int:
    """Return a length of time such as ``"7d"``, ``"36 hours"`` in microseconds.

    Examples
    --------
    >>> length_us("7d") == length_us("1 week") == length_us(timedelta(days=7))
    True
    """
    if isinstance(length, timedelta):
        if length < timedelta(0):
            raise UnknownTime(f"{length!r} is no length of time.", _LENGTHS)
        return length // timedelta(microseconds=1)
    match = _LENGTH.fullmatch(length.strip().lower()) if isinstance(length, str) else None
    if match is None:
        raise UnknownTime(f"{length!r} is no length of time.", _LENGTHS)
    return round(float(match[1]) * _SECONDS[match[2][0]] * 1_000_000)
