"""A state as of several moments, with a slider between them.

Tables in: what one projection gives at each moment, by the moment's name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from patina_lab.errors import InvalidOption, UsageError
from patina_lab.projections.difference import state
from patina_lab.views import chart, labels
from patina_lab.views.canvas import ACCENT, Canvas, ticks
from patina_lab.views.chart import many
from patina_lab.views.renderer import INK, MUTED

if TYPE_CHECKING:
    from patina_lab.views.chart import Chart

_TITLE = "As of"
_ROW, _HEAD = 22, 26
MOST_MOMENTS = 30


def as_of(
    tables: Mapping[Any, Any],
    *,
    key: str | Sequence[str] | None = None,
    value: str | None = None,
    top: int = 15,
) -> Chart:
    """Draw a projection's largest rows at several moments; a slider chooses the moment.

    Parameters
    ----------
    tables : mapping
        Moment -> table, in the order of time, such as
        ``{t: lab.as_of(t).project(pt.hotspots) for t in ("2025-02-01", "2025-03-01")}``;
        at most 30 moments.
    key, value : str or sequence of str, or None
        The columns that name a row, and its number.  None: those of the projection.
    top : int
        How many rows: those that were largest at any moment.

    Returns
    -------
    altair.LayerChart
        A full bar is the moment of the slider, a pale outline the last moment.  Without a
        live viewer the picture stands at the last moment, and every moment is a small
        stroke in its row.
    """
    chart.at_least("as_of", "top", top)
    if not isinstance(tables, Mapping):
        raise UsageError(
            f"plot.as_of draws tables by their moments, but was given {type(tables).__name__}.",
            "Give it {t: lab.as_of(t).project(pt.hotspots) for t in moments}.",
        )
    if not tables or len(tables) > MOST_MOMENTS:
        raise InvalidOption(
            f"plot.as_of was given {many(len(tables), 'moment')}.",
            f"Give 1 to {MOST_MOMENTS}.",
        )
    keys, number = state(next(iter(tables.values())), key, value)
    columns = {**dict.fromkeys(keys, "text"), number: "number"}
    moments = [str(moment) for moment in tables]
    seen: list[dict[str, float]] = []
    for table in tables.values():
        rows = chart.table(table, "as_of", columns, "tables of one projection").dropna()
        names = [labels.PAIR.join(map(str, row)) for row in rows[keys].itertuples(index=False)]
        seen.append(dict(zip(names, rows[number].tolist(), strict=True)))
    everything: dict[str, float] = {}
    for now in seen:
        for name, size in now.items():
            everything[name] = max(everything.get(name, 0.0), float(size))
    if not any(everything.values()):
        return chart.nothing(_TITLE, columns, why="the tables are empty at every moment.")
    order = sorted(everything, key=lambda name: (-everything[name], name))[:top]
    order.sort(key=lambda name: (-seen[-1].get(name, 0.0), -everything[name], name))
    return _drawn(order, moments, seen, len(everything), number)


def _drawn(
    order: list[str],
    moments: list[str],
    seen: list[dict[str, float]],
    whole: int,
    number: str,
) -> Chart:
    alt = chart.altair()
    short = labels.rows(order, 340, 11)
    high = max(now.get(name, 0.0) for now in seen for name in order)
    left = max(labels.width(name, 11) for name in short) + 12
    right = labels.width(f"{high:,g}", 11) + 16
    bottom = _HEAD + len(order) * _ROW
    sheet = Canvas(chart.WIDTH + 40, bottom + 34)

    def across(size: float) -> float:
        return round(left + size / high * (sheet.width - left - right), 2)

    bars, outlines, strokes, words = [], [], [], []
    for at, (name, text) in enumerate(zip(order, short, strict=True)):
        middle = _HEAD + (at + 0.5) * _ROW
        words.append({"x": round(left - 8, 2), "y": middle, "text": text})
        last = seen[-1].get(name, 0.0)
        outlines.append(
            {"x": round(left, 2), "x2": across(last), "y": middle - 8, "y2": middle + 8}
        )
        for step, (moment, now) in enumerate(zip(moments, seen, strict=True)):
            size = float(now.get(name, 0.0))
            if not size:
                continue
            bars.append(
                {
                    "step": step,
                    "moment": moment,
                    "name": name,
                    "value": size,
                    "x": round(left, 2),
                    "x2": across(size),
                    "y": middle - 5,
                    "y2": middle + 5,
                    "tx": across(size) + 5,
                    "ty": middle,
                    "text": f"{size:,g}",
                    "tip": f"as of {moment}, {name}: {size:,g}",
                }
            )
            strokes.append(
                {"x": across(size), "x2": across(size), "y": middle + 6, "y2": middle + 9}
            )
    slider = alt.param(
        name="moment",
        value=len(moments) - 1,
        bind=alt.binding_range(min=0, max=max(len(moments) - 1, 1), step=1, name="moment "),
    )
    heads = [
        {"step": step, "x": round(left, 2), "y": 10, "text": f"as of {moment}"}
        for step, moment in enumerate(moments)
    ]
    chosen = "datum.step == moment"
    data = chart.data(bars)
    base = alt.Chart(data)
    axis = [(across(size), f"{size:,g}") for size in ticks(0, high)]
    layers = [
        *sheet.ruler(axis, _HEAD, bottom),
        sheet.boxes(outlines, color="white", stroke=MUTED, strokeDash=[2, 2], strokeWidth=1),
        sheet.rules(strokes, color=MUTED, strokeWidth=1),
        base.mark_rect(color=ACCENT)
        .encode(
            **sheet.at("x", "y"),
            x2="x2:Q",
            y2="y2:Q",
            tooltip=[
                "moment:N",
                "name:N",
                alt.Tooltip("value:Q", title=number, format=",~g"),
            ],
            description="tip:N",
        )
        .transform_filter(chosen),
        base.mark_text(align="left", baseline="middle", fontSize=11, color=INK, aria=False)
        .encode(**sheet.at("tx", "ty"), text="text:N")
        .transform_filter(chosen),
        sheet.words(heads, fontWeight="bold", color=INK).transform_filter(chosen),
        sheet.words(words, align="right", color=INK),
        sheet.words(
            [{"x": (left + sheet.width) / 2, "y": bottom + 26, "text": number}],
            align="center",
            color=MUTED,
        ),
    ]
    summary = (
        f"{chart.part(len(order), whole, 'row')} at {many(len(moments), 'moment')}, "
        f"{moments[0]} to {moments[-1]}; dashed: the last moment; strokes: every moment"
    )
    last_of = [str(bar["tip"]) for bar in bars if bar["step"] == len(moments) - 1][:4]
    return chart.finish(
        alt.layer(*layers).add_params(slider),
        f"{number[:1].upper()}{number[1:]} as of a moment",
        summary,
        description=f"Bars with a slider: {summary}. At the end: {'; '.join(last_of)}.",
        width=sheet.width,
        height=sheet.height,
    )
