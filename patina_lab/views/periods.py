"""Periods of time for charts: how long one is, and fewer of them where there are too many."""

from __future__ import annotations

from typing import Any

_UNITS = ["D", "W-SUN", "M", "Q", "Y"]
_NAMES = {"D": "day", "W-SUN": "week", "M": "month", "Q": "quarter", "Y": "year"}
_FORMS = {"day": "%Y-%m-%d", "week": "the week of %Y-%m-%d", "month": "%Y-%m", "year": "%Y"}


def coarse(times: Any, most: int) -> tuple[Any, str]:
    """Return the period of each time, and its unit: the table's own, or a longer one.

    Parameters
    ----------
    times : Series of datetime64
        Beginnings of periods.
    most : int
        A longer unit is taken until there are at most so many periods in the span.

    Returns
    -------
    Series of Period
    str
        ``day``, ``week``, ``month``, ``quarter`` or ``year``.
    """
    for unit in _UNITS[_UNITS.index(_own(times)) :]:
        periods = times.dt.to_period(unit)
        if (periods.max() - periods.min()).n < most:
            break
    return periods, _NAMES[unit]


def _own(times: Any) -> str:
    """Tell a table's unit by where its periods begin."""
    if (times.dt.day == 1).all():
        months = set(times.dt.month)
        # Only Januaries in several years are years; one alone may be any month.
        several = times.nunique() > 1
        return (
            "Y"
            if several and months == {1}
            else "Q"
            if several and months <= {1, 4, 7, 10}
            else "M"
        )
    return "W-SUN" if (times.dt.day_of_week == 0).all() else "D"


def label(period: Any, unit: str) -> str:
    """Name a period as a reader would.

    Examples
    --------
    >>> import pandas as pd
    >>> label(pd.Period("2025-05", "Q"), "quarter"), label(pd.Period("2025-05", "M"), "month")
    ('2025 Q2', '2025-05')
    """
    if unit == "quarter":
        return f"{period.year} Q{period.quarter}"
    named: str = period.start_time.strftime(_FORMS[unit])
    return named


def utc(instant: Any) -> str:
    """Write an instant for Vega, which would read a bare one as local time."""
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"


def bounds(period: Any) -> tuple[str, str]:
    """Return beginning and end of a bar: a hair less than the whole period."""
    start, after = period.start_time, (period + 1).start_time
    return utc(start), utc(start + (after - start) * 0.94)


def domain(periods: Any, fewest: int = 8) -> list[str]:
    """Return the axis' ends, so that few periods are no wall of colour."""
    first, last = periods.min(), periods.max()
    spare = max(fewest - ((last - first).n + 1), 0)
    return [
        utc((first - spare // 2).start_time),
        utc((last + 1 + (spare + 1) // 2).start_time),
    ]
