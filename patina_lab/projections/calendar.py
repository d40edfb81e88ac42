"""The calendar in portable SQL: days, weeks, months from integer microseconds.

Engines disagree on ``date_trunc``, on time zones and on what a division of integers gives;
they agree on sums, ``%`` and ``floor`` of a DOUBLE.  So a period begins at an integer, and
one function, which every engine adapter brings, makes a timestamp of it::

    timestamp_micros(us)        Spark has it; in DuckDB it is a macro, in DataFusion a function

Days are proleptic Gregorian, UTC.  Months of a day number, and back, by the algorithms
``civil_from_days`` and ``days_from_civil`` (Hinnant 2014, *chrono-compatible low-level date
algorithms*), whose years begin in March: then a leap day ends its year.
"""

from __future__ import annotations

import textwrap

from patina_lab.errors import InvalidOption

DAY_US = 86_400_000_000
MOST_DAYS = 1_000_000
"""No window is longer: more than 2,700 years."""

MONTHS = {"month": 1, "quarter": 3, "year": 12}
PERIODS = ("week", *MONTHS)


def day_us(us: str) -> str:
    """Return the expression of 00:00 UTC of the day, in microseconds; before 1970 too.

    Examples
    --------
    >>> day_us("occurred_us")
    '(occurred_us - (occurred_us % 86400000000 + 86400000000) % 86400000000)'
    """
    return _floor_to(us, DAY_US)


def calendar(period: str, relation: str) -> str:
    """Return the CTEs that end in ``calendar``: the periods of all days of a relation.

    Parameters
    ----------
    period : {"week", "month", "quarter", "year"}
    relation : str
        A name in the query, with ``occurred_us``.

    Returns
    -------
    str
        CTEs, without WITH; the last is ``calendar (day_us, period_us)``: the first
        microsecond of each day, and that of its period.

    Raises
    ------
    InvalidOption
    """
    if period not in PERIODS:
        raise InvalidOption(f"{period!r} is no period.", f"Use one of: {', '.join(PERIODS)}.")
    days = f"SELECT DISTINCT {day_us('occurred_us')} AS day_us FROM {relation}"
    if period == "week":
        # 1970-01-05 was a Monday.
        monday = _floor_to("day_us", 7 * DAY_US, 4 * DAY_US)
        return _ctes(day=days, calendar=f"SELECT day_us, {monday} AS period_us FROM day")
    step = MONTHS[period]
    return _ctes(
        day=days,
        # z: days since 0000-03-01.  An era has 400 years, which are 146097 days.
        since_march=f"SELECT day_us, {_div('day_us', DAY_US)} + 719468 AS z FROM day",
        era=f"SELECT day_us, z, {_div('z', 146097)} AS era FROM since_march",
        day_of_era="SELECT day_us, era, z - 146097 * era AS d FROM era",
        year_of_era=f"""SELECT day_us, era, d, {
            _div(f"d - {_div('d', 1460)} + {_div('d', 36524)} - {_div('d', 146096)}", 365)
        } AS y FROM day_of_era""",
        day_of_year=f"""SELECT day_us, 400 * era + y AS year,
            d - (365 * y + {_div("y", 4)} - {_div("y", 100)}) AS d FROM year_of_era""",
        month=f"SELECT day_us, 12 * year + {_div('5 * d + 2', 153)} AS m FROM day_of_year",
        # January is month 10 of its year: periods of 3 and 12 months begin there.
        first_month=f"SELECT day_us, {_floor_to('m', step, 10)} AS m FROM month",
        first_year=f"SELECT day_us, m, {_div('m', 12)} AS y FROM first_month",
        calendar=f"""SELECT day_us, {DAY_US} * (
            365 * y + {_div("y", 4)} - {_div("y", 100)} + {_div("y", 400)}
            + {_div("153 * (m - 12 * y) + 2", 5)} - 719468) AS period_us FROM first_year""",
    )


def _floor_to(n: str, step: int, offset: int = 0) -> str:
    """Return the greatest ``offset + i * step`` that is not above `n`."""
    moved = f"({n} - {offset})" if offset else n
    return f"({n} - ({moved} % {step} + {step}) % {step})"


def _div(a: str, b: int) -> str:
    """Return the floor of ``a / b``, as an integer; exact below 2^53."""
    return f"CAST(floor(CAST({a} AS DOUBLE) / CAST({b} AS DOUBLE)) AS BIGINT)"


def _ctes(**queries: str) -> str:
    return ", ".join(
        f"{name} AS (\n{textwrap.indent(textwrap.dedent(query), '    ')}\n)"
        for name, query in queries.items()
    )
