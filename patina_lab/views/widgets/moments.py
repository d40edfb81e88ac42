"""The moments of a span of time between which a slider goes."""

from __future__ import annotations

from datetime import date, timedelta

from patina_lab.errors import InvalidOption
from patina_lab.events.identity import instant

STEPS = (1, 2, 7, 14, 28, 91, 182, 364, 728, 3640, 36400)
"""Days; from a week on, each moment falls on the same day of the week."""


def moments(first_us: int | None, last_us: int | None, most: int = 60) -> tuple[str, ...]:
    """Return dates, each standing for the end of that day, in the order of time.

    Parameters
    ----------
    first_us, last_us : int or None
        The first and the last event, microseconds since 1970; None where there is none.
    most : int
        At most so many: the step is the shortest that fits.

    Returns
    -------
    tuple of str
        The last is the day of the last event, so that nothing is left out there.

    Raises
    ------
    InvalidOption
        `most` is below 2.

    Examples
    --------
    >>> moments(0, 20 * 86_400_000_000, most=4)
    ('1970-01-07', '1970-01-14', '1970-01-21')
    """
    if most < 2:
        raise InvalidOption(f"most={most} moments are no slider.", "Use 2 or more.")
    if first_us is None or last_us is None:
        return ()
    first, last = _day(first_us), _day(last_us)
    days = (last - first).days
    step = next((s for s in STEPS if days // s + 1 <= most), max(1, days // (most - 1)))
    listed = [last - timedelta(days=back) for back in range(0, days + 1, step)]
    return tuple(day.isoformat() for day in reversed(listed))


def _day(us: int) -> date:
    try:
        return instant(us).date()
    except OverflowError:
        return date.min if us < 0 else date.max
