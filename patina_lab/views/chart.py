"""What all charts share: the way to Altair, the check of the table, the empty chart."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from patina_lab.errors import InvalidOption, MissingTool, UnknownName, UsageError
from patina_lab.views import labels, renderer

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

    Chart: TypeAlias = alt.Chart | alt.LayerChart

WIDTH = 700
"""Pixels between the axes, so that a chart with its labels fits a report's column."""

NO_EVENTS = "this slice of the log holds no such events."

SCALE = ["#dcebe7", "#9ccabf", "#56a093", "#26776f", "#0d4a47"]
"""From little to much, by lightness first: it reads the same printed in grey."""


def altair() -> Any:
    """Import Altair and make the `patina` renderer active.

    Raises
    ------
    MissingTool
        Altair is not installed.
    """
    try:
        import altair as alt
    except ImportError as error:
        raise MissingTool(
            "Charts are drawn by the package altair, which is not installed.",
            "Run: pip install 'patina-lab[lab]'",
        ) from error
    renderer.enable()
    return alt


def table(df: Any, chart: str, columns: Mapping[str, str], source: str) -> Any:
    """Check that `df` has what `chart` draws, and return those columns as a new table.

    Altair draws a blank chart from a misspelt column, without a word; this speaks first.

    Parameters
    ----------
    df : DataFrame, or anything Arrow
        The table a projection returned.
    chart : str
        Name of the chart, for the message.
    columns : mapping of str to str
        Column to its kind: ``text``, ``count``, ``number`` or ``time``.
    source : str
        The call that gives such a table, for the hint.

    Returns
    -------
    DataFrame
        Typed ``Any``: rows drawn as tuples have no static types.

    Raises
    ------
    UnknownName
        A column is missing.
    UsageError
        `df` is no table, or a column does not hold its kind.
    """
    import pandas as pd

    df = frame(df)
    if not isinstance(df, pd.DataFrame):
        raise UsageError(
            f"plot.{chart} draws a table, but was given {type(df).__name__}.",
            f"Give it {source}.",
        )
    for name in columns:
        if name not in df.columns:
            near = difflib.get_close_matches(name, map(str, df.columns), n=1)
            meant = f" (or is it {near[0]!r}?)" if near else ""
            raise UnknownName(
                f"plot.{chart} needs the column {name!r}{meant}, "
                f"but the table has: {', '.join(map(str, df.columns)) or 'none'}.",
                f"Give it {source}.",
            )
    kept = df[list(columns)].reset_index(drop=True)
    if kept.isna().all(axis=None):
        kept = kept.head(0)  # rows of nothing but NULL are no rows
    for name, kind in columns.items():
        try:
            kept[name] = _READ[kind](kept[name])
        except (ValueError, TypeError) as error:
            raise UsageError(
                f"plot.{chart} reads the column {name!r} as {kind}: {error}.",
                f"Give it {source}.",
            ) from error
    return kept


def frame(df: Any) -> Any:
    """Return a table as pandas, where it is Arrow; anything else as it is."""
    import pandas as pd

    if isinstance(df, pd.DataFrame) or not hasattr(df, "__arrow_c_stream__"):
        return df
    import pyarrow as pa

    return pa.table(df).to_pandas()


def _text(column: pd.Series[Any]) -> pd.Series[Any]:
    return column.astype(object).where(column.notna(), "(none)").map(_printed)


def _printed(value: object) -> str:
    return renderer.printable(str(value))


def _number(column: pd.Series[Any]) -> pd.Series[Any]:
    return column.astype("float64")


def _count(column: pd.Series[Any]) -> pd.Series[Any]:
    if empty := int(column.isna().sum()):
        raise ValueError(f"{empty:,} of {many(len(column), 'row')} hold NULL")
    return column.astype("int64")


def _time(column: pd.Series[Any]) -> pd.Series[Any]:
    import pandas as pd

    return pd.to_datetime(column, utc=True).dt.tz_localize(None)


_READ = {"text": _text, "number": _number, "count": _count, "time": _time}


def nothing(title: str, columns: Iterable[str] = (), *, why: str = NO_EVENTS) -> Chart:
    """Return a chart that says in words that there is nothing to draw, and why.

    Parameters
    ----------
    title : str
    columns : iterable of str
        What the table would have held, for who wonders whether it is the right one.
    why : str
        One sentence.
    """
    alt = altair()
    lines = [f"There is nothing to draw: {why}"]
    if columns := list(columns):
        lines.append(f"The table is empty; its columns: {', '.join(columns)}.")
    words = " ".join(lines)
    rows = [
        {"words": line, "y": 20 * number}
        for number, line in enumerate(_folded(" ".join(lines), 110))
    ]
    said: Chart = (
        alt.Chart(alt.Data(values=rows))
        .mark_text(align="left", baseline="middle", fontSize=13, color=renderer.MUTED, aria=False)
        .encode(x=alt.value(0), y=along("y", "y", 20 * len(rows), -10), text="words:N")
        .properties(
            title=title,
            width=WIDTH,
            height=20 * len(rows) + 10,
            description=f"{title}. {words}",
        )
    )
    return said


def _folded(words: str, letters: int) -> list[str]:
    import textwrap

    return textwrap.wrap(words, letters)


def finish(
    drawn: Any,
    title: str,
    summary: str,
    *,
    description: str,
    width: Any,
    height: Any,
) -> Chart:
    """Give a chart its title, its size, and the words for who cannot see it.

    Parameters
    ----------
    drawn : altair.Chart or altair.LayerChart
    title : str
    summary : str
        One sentence on what is to be seen, under the title.
    description : str
        The same in full, for a screen reader.
    width, height : float or altair.Step
    """
    alt = altair()
    finished: Chart = drawn.properties(
        title=alt.Title(renderer.printable(title), subtitle=renderer.printable(summary)),
        width=width,
        height=height,
        description=renderer.printable(description),
    )
    return finished


def data(rows: Sequence[Mapping[str, Any]]) -> Any:
    """Return laid-out rows as a table: Altair stores one only once, whoever shares it."""
    import pandas as pd

    return pd.DataFrame(rows)


def along(channel: Literal["x", "y"], field: str, start: float, end: float) -> Any:
    """Return a bare channel from `start` to `end`, for charts laid out beforehand."""
    alt = altair()
    scale = alt.Scale(domain=[start, end], nice=False, zero=False)
    return (alt.X if channel == "x" else alt.Y)(f"{field}:Q", axis=None, scale=scale)


def time_axis(**more: Any) -> Any:
    """Return an axis of instants in UTC, on which a day is never without its month."""
    at = "datum.value"
    return altair().Axis(
        tickCount=10,
        labelExpr=(
            f"utchours({at}) || utcminutes({at}) ? utcFormat({at}, '%b %d %H:%M')"
            f" : utcdate({at}) > 1 ? utcFormat({at}, '%b %d')"
            f" : utcFormat({at}, utcmonth({at}) ? '%B' : '%Y')"
        ),
        **more,
    )


def names_axis(names: Sequence[str], size: int = 12) -> Any:
    """Return the axis of a bar chart's names, with room for the longest of them."""
    room = max(labels.width(name, size) for name in names)
    return altair().Axis(
        domain=False,
        ticks=False,
        labelColor=renderer.INK,
        labelFontSize=size,
        labelLimit=room * 2,
        minExtent=room + 4,
    )


def many(number: float, noun: str, plural: str = "") -> str:
    """Write a number with its noun.

    Examples
    --------
    >>> many(1, "event"), many(1200, "event"), many(2, "day of work", "days of work")
    ('1 event', '1,200 events', '2 days of work')
    """
    return f"{number:,.0f} {noun if number == 1 else plural or noun + 's'}"


def part(shown: int, whole: int, noun: str, plural: str = "") -> str:
    """Say how much of a table is drawn.

    Examples
    --------
    >>> part(60, 1204, "file"), part(3, 3, "file"), part(1, 1, "file")
    ('60 of 1,204 files', 'all 3 files', '1 file')
    """
    if shown < whole:
        return f"{shown:,} of {many(whole, noun, plural)}"
    return f"all {many(whole, noun, plural)}" if whole > 1 else many(whole, noun, plural)


def at_least(name: str, option: str, value: int, least: int = 1) -> None:
    """Refuse a number of things that is below `least`.

    Raises
    ------
    InvalidOption
    """
    if value < least:
        raise InvalidOption(
            f"plot.{name} was asked for {option}={value}.", f"Give {option}={least} or more."
        )


def one_of(name: str, option: str, value: str, known: Sequence[str]) -> None:
    """Refuse a choice that there is not, naming those that there are.

    Raises
    ------
    InvalidOption
    """
    if value not in known:
        raise InvalidOption(
            f"plot.{name} has no {option}={value!r}.",
            f"Give one of: {', '.join(map(repr, known))}.",
        )
