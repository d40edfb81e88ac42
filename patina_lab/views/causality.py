"""Commits after decisions: each decision's own, their lags against chance, the whole effect.

Columns in: what ``lab.project(pt.causality)``, ``lab.project("causality_lags")`` and
``lab.project("causality_null")`` give; they are named at each chart.

What is drawn is association: a commit that follows a decision need not follow from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from patina_lab.views import chart, strips
from patina_lab.views.bars import clip
from patina_lab.views.canvas import ACCENT, SECOND, Canvas, ticks
from patina_lab.views.chart import many
from patina_lab.views.renderer import INK, MUTED

if TYPE_CHECKING:
    from patina_lab.views.chart import Chart

PAIRS = {
    "decision_seq": "count",
    "commit_seq": "count",
    "decision": "text",
    "sha": "text",
    "message": "text",
    "lag_days": "number",
}
LAGS = {
    "lag_from": "number",
    "lag_to": "number",
    "decisions": "count",
    "observed": "number",
    "null_mean": "number",
    "null_low": "number",
    "null_high": "number",
    "shifts": "count",
}
EFFECT = {
    "statistic": "text",
    "decisions": "count",
    "observed": "number",
    "null_mean": "number",
    "null_low": "number",
    "null_high": "number",
    "effect": "number",
    "effect_low": "number",
    "effect_high": "number",
    "p": "number",
    "shifts": "count",
}
_MOST_BINS, _MOST_STATISTICS = 120, 12
_NONE = "no decision in this slice has a commit in its window."
_UNJUDGED = "no decision could be judged: none, or their windows leave the commits' span."
_WORDS = {
    "commits": "commits that follow",
    "related": "of these, with a word of the decision",
    "files": "of these, touching a file that it names",
}


def causality(df: Any, *, top: int = 25) -> Chart:
    """Draw, for each decision, when commits were made around it.

    Parameters
    ----------
    df : DataFrame
        Columns ``decision_seq, commit_seq, decision, sha, message, lag_days``.
    top : int
        How many decisions, the latest ones that have a commit.

    Returns
    -------
    altair.LayerChart
        Whether these are more commits than chance gives: see `causality_lags`.
    """
    chart.at_least("causality", "top", top)
    rows = chart.table(df, "causality", PAIRS, "lab.project(pt.causality)")
    if rows.empty:
        return chart.nothing("Commits around decisions", PAIRS, why=_NONE)
    rows = rows.sort_values(["decision_seq", "lag_days", "commit_seq"])
    seqs = rows["decision_seq"].drop_duplicates().tolist()
    shown = rows[rows["decision_seq"].isin(seqs[-top:])]
    lanes = [
        strips.Strip(
            clip(str(group["decision"].iloc[0]), 320, 11),
            [
                {
                    "at": float(row.lag_days),
                    "decision": clip(row.decision, 400, 11),
                    "sha": row.sha[:10],
                    "message": clip(row.message, 400, 11),
                    "lag": round(float(row.lag_days), 2),
                    "tip": f"{row.lag_days:+.1f} days: {clip(row.message, 400, 11)}",
                }
                for row in group.itertuples(index=False)
            ],
        )
        for _, group in shown.groupby("decision_seq", sort=True)
    ]
    alt = chart.altair()
    low, high = min(0.0, float(shown["lag_days"].min())), max(float(shown["lag_days"].max()), 1.0)
    layers, sheet, drawn = strips.drawn(
        lanes,
        low,
        high,
        ["decision:N", "message:N", "sha:N", alt.Tooltip("lag:Q", title="lag, days")],
        unit="days after the decision",
    )
    latest = "" if len(lanes) == len(seqs) else ", the latest"
    thinned = "" if drawn == len(shown) else f" ({drawn:,} drawn)"
    summary = (
        f"{chart.part(len(lanes), len(seqs), 'decision')}{latest}, with "
        f"{many(len(shown), 'commit')}{thinned}; association only: for chance see causality_lags"
    )
    return chart.finish(
        layers,
        "Commits around decisions",
        summary,
        description=f"A row a decision, a tick a commit: {summary}.",
        width=sheet.width,
        height=sheet.height,
    )


def causality_lags(df: Any) -> Chart:
    """Draw how many commits follow a decision after how long, over what chance gives.

    Parameters
    ----------
    df : DataFrame
        Columns ``lag_from, lag_to, decisions, observed, null_mean, null_low, null_high,
        shifts``; one row a bin.

    Returns
    -------
    altair.LayerChart
        Bars are observed; the band holds 95 % of what shifted times give in that bin, the
        line is their mean.  Bars that leave the band have an outline and their number.
    """
    title = "Commits after a decision, beside chance"
    rows = chart.table(df, "causality_lags", LAGS, 'lab.project("causality_lags")')
    rows = rows.dropna().sort_values(["lag_from", "lag_to", "observed"])
    bins = len(rows)
    rows = rows.head(_MOST_BINS)
    if rows.empty:
        return chart.nothing(title, LAGS, why=_UNJUDGED)
    alt = chart.altair()
    outside = (rows["observed"] < rows["null_low"]) | (rows["observed"] > rows["null_high"])
    data = rows.assign(
        zero=0.0,
        what=outside.map({True: "outside the band", False: "within the band"}),
        number=[
            f"{n:.2f}" if out else "" for n, out in zip(rows["observed"], outside, strict=True)
        ],
        tip=[
            f"day {row.lag_from:g} to {row.lag_to:g}: {row.observed:.2f} commits a decision, "
            f"by chance {row.null_low:.2f} to {row.null_high:.2f}"
            for row in rows.itertuples(index=False)
        ],
    )
    base = alt.Chart(data)
    axis = alt.Axis(grid=False, tickCount=min(len(rows) + 1, 15), labelFlush=False)
    domain = [float(rows["lag_from"].min()), float(rows["lag_to"].max())]
    x = alt.X(
        "lag_from:Q",
        title="days after the decision",
        scale=alt.Scale(domain=domain, nice=False),
        axis=axis,
    )

    def up(name: str) -> Any:
        return alt.Y(f"{name}:Q", title="commits a decision", axis=alt.Axis(tickCount=5))

    kinds = ["within the band", "outside the band"]
    legend = alt.Legend(title=None, orient="top")
    counts = [
        alt.Tooltip(f"{name}:Q", title=title_, format=".3f")
        for name, title_ in (
            ("observed", "observed"),
            ("null_mean", "by chance, mean"),
            ("null_low", "by chance, 2.5 %"),
            ("null_high", "by chance, 97.5 %"),
        )
    ]
    layers = [
        base.mark_bar(xOffset=1, x2Offset=-1, strokeWidth=1.5, stroke=ACCENT).encode(
            x=x,
            x2="lag_to:Q",
            y=up("zero"),
            y2="observed:Q",
            fill=alt.Fill(
                "what:N",
                scale=alt.Scale(domain=kinds, range=["#9ccabf", ACCENT]),
                legend=legend,
            ),
            tooltip=[
                alt.Tooltip("lag_from:Q", title="from day", format="g"),
                alt.Tooltip("lag_to:Q", title="to day", format="g"),
                *counts,
            ],
            description="tip:N",
        ),
        base.mark_rect(color=SECOND, opacity=0.25, aria=False).encode(
            x=x, x2="lag_to:Q", y=up("null_low"), y2="null_high:Q"
        ),
        base.mark_rule(color=SECOND, strokeWidth=2, strokeDash=[5, 3], aria=False).encode(
            x=x, x2="lag_to:Q", y=up("null_mean")
        ),
        base.transform_calculate(middle="(datum.lag_from + datum.lag_to) / 2")
        .mark_text(dy=-8, fontSize=10, color=INK, aria=False)
        .encode(x=alt.X("middle:Q"), y=up("observed"), text="number:N"),
    ]
    judged, shifts = int(rows["decisions"].max()), int(rows["shifts"].max())
    summary = (
        f"{many(judged, 'decision')}; the band is 95 % of {many(shifts, 'shift')} in time, bin by "
        f"bin; of {chart.part(len(rows), bins, 'bin')}, {int(outside.sum())} leave it; "
        "association, not cause"
    )
    return chart.finish(
        alt.layer(*layers),
        title,
        summary,
        description=f"Histogram of lags: {summary}. First: {'; '.join(data['tip'].head(4))}.",
        width=chart.WIDTH,
        height=240,
    )


def causality_null(df: Any) -> Chart:
    """Draw what follows a decision on average against what follows by chance.

    Parameters
    ----------
    df : DataFrame
        Columns ``statistic, decisions, observed, null_mean, null_low, null_high, effect,
        effect_low, effect_high, p, shifts``.

    Returns
    -------
    altair.LayerChart
        A grey bar holds 95 % of what shifted times give, its stroke their mean; the diamond
        is what was observed.
    """
    title = "What follows a decision, against chance"
    rows = chart.table(df, "causality_null", EFFECT, 'lab.project("causality_null")')
    rows = rows.dropna().sort_values(["statistic", "observed"])
    statistics = len(rows)
    rows = rows.head(_MOST_STATISTICS)
    if rows.empty:
        return chart.nothing(title, EFFECT, why=_UNJUDGED)
    alt = chart.altair()
    each, left = 58, 14
    sheet = Canvas(chart.WIDTH + 40, len(rows) * each + 34)
    most = float(rows[["observed", "null_high"]].to_numpy().max()) * 1.08 or 1.0

    def across(value: float) -> float:
        return round(left + value / most * (sheet.width - 2 * left), 2)

    bands, means, seen, words = [], [], [], []
    for at, row in enumerate(rows.itertuples(index=False)):
        middle = at * each + 38
        said = (
            f"{_WORDS.get(row.statistic, row.statistic)}: {row.observed:.2f} a decision, by "
            f"chance {row.null_mean:.2f} ({row.null_low:.2f} to {row.null_high:.2f}); "
            f"effect {_signed(row.effect)} "
            f"({_signed(row.effect_low)} to {_signed(row.effect_high)}), "
            f"p = {row.p:.3f}"
        )
        bands.append(
            {
                "x": across(row.null_low),
                "x2": max(across(row.null_high), across(row.null_low) + 1),
                "y": middle - 7,
                "y2": middle + 7,
            }
        )
        means.append(
            {
                "x": across(row.null_mean),
                "x2": across(row.null_mean),
                "y": middle - 10,
                "y2": middle + 10,
            }
        )
        seen.append(
            {
                **row._asdict(),
                "x": across(row.observed),
                "y": middle,
                "area": 130,
                "tip": said,
            }
        )
        words.append({"x": left, "y": middle - 21, "text": said})
    bottom = len(rows) * each
    axis = [(across(value), f"{value:g}") for value in ticks(0, most)]
    names = ("observed", "null_mean", "null_low", "null_high")
    more = ("effect", "effect_low", "effect_high", "p")
    layers = [
        *sheet.ruler(axis, 0, bottom),
        sheet.boxes(bands, color="#c5cecd"),
        sheet.rules(means, color=MUTED, strokeWidth=2),
        sheet.dots(
            seen,
            [
                "statistic:N",
                alt.Tooltip("decisions:Q", format=","),
                *(alt.Tooltip(f"{name}:Q", format=".3f") for name in (*names, *more)),
            ],
            shape="diamond",
        ),
        sheet.words(words, halo=True),
        sheet.words(
            [{"x": sheet.width / 2, "y": bottom + 26, "text": "commits a decision"}],
            align="center",
            color=MUTED,
        ),
    ]
    judged, shifts = int(rows["decisions"].max()), int(rows["shifts"].max())
    summary = (
        f"{many(judged, 'decision')}; {chart.part(len(rows), statistics, 'statistic')}; "
        f"diamond: observed; bar: 95 % of "
        f"{many(shifts, 'shift')} in time; association, not cause"
    )
    return chart.finish(
        alt.layer(*layers),
        title,
        summary,
        description=f"{title}: {summary}. {'; '.join(row['tip'] for row in seen)}.",
        width=sheet.width,
        height=sheet.height,
    )


def _signed(value: float) -> str:
    """Return a difference to two decimals; one that rounds to nothing is +0.00."""
    return f"{round(value, 2) + 0.0:+.2f}"
