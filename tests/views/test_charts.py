"""Each chart of the gallery, over small tables that can be read here."""

from __future__ import annotations

import json
import re
import sys
from datetime import date
from functools import partial

import pandas as pd
import pytest

alt = pytest.importorskip("altair")

import tables_of_beliefs as believed  # noqa: E402
import tables_of_projections as tables  # noqa: E402

from patina_lab import errors  # noqa: E402
from patina_lab.views import charts as plot  # noqa: E402
from patina_lab.views.numbers import numbers  # noqa: E402
from patina_lab.views.renderer import MIME, render  # noqa: E402

ACTIVITY = pd.DataFrame(
    [
        ("2025-03-03", "git.commit", 4),
        ("2025-03-04", "git.commit", 1),
        ("2025-03-04", "session.decision", 2),
        ("2025-05-20", "git.commit", 9),
    ],
    columns=["day", "event_type", "events"],
).assign(day=lambda d: pd.to_datetime(d["day"]))

HOTSPOTS = pd.DataFrame(
    [
        ("src/app/main.py", 12, 300, 100, 400, 3, "2025-03-04"),
        ("src/app/store.py", 7, 80, 20, 100, 1, "2025-03-01"),
        ("docs/index.md", 5, 40, 0, 40, 2, "2025-02-01"),
        ("logo.png", 2, None, None, None, 1, "2025-01-05"),
    ],
    columns=[
        "path",
        "commits",
        "lines_added",
        "lines_removed",
        "churn",
        "authors",
        "last_changed",
    ],
).assign(last_changed=lambda d: pd.to_datetime(d["last_changed"]))

PAIRS = pd.DataFrame(
    [
        ("a.py", "test_a.py", 9, 0.9),
        ("b.py", "test_b.py", 8, 0.8),
        ("a.py", "b.py", 2, 0.1),
    ],
    columns=["file_a", "file_b", "count", "jaccard"],
)

DIFFERENCE = pd.DataFrame(
    [(3, 9, 6, "changed", "a.py"), (None, 2, 2, "entered", "b.py"), (1, None, -1, "left", "c.py")],
    columns=["before", "after", "change", "what", "path"],
).astype({"before": "float64", "after": "float64"})

GALLERY = {
    "activity": (plot.activity, ACTIVITY),
    "author_expertise": (plot.author_expertise, tables.EXPERTISE),
    "belief_agreement": (plot.belief_agreement, believed.HELD),
    "belief_calibration": (plot.belief_calibration, believed.CALIBRATION),
    "belief_churn": (plot.belief_churn, believed.CHURN),
    "belief_evolution": (plot.belief_evolution, believed.EVOLUTION),
    "beliefs": (plot.beliefs, believed.BELIEFS),
    "calendar": (plot.calendar, ACTIVITY),
    "causality": (plot.causality, tables.CAUSALITY),
    "causality_lags": (plot.causality_lags, tables.LAGS),
    "causality_null": (plot.causality_null, tables.NULL),
    "churn": (plot.churn, tables.CHURN),
    "co_changes": (plot.co_changes, PAIRS),
    "co_changes_arc": (partial(plot.co_changes, kind="arc"), PAIRS),
    "co_changes_bundle": (partial(plot.co_changes, kind="bundle"), PAIRS),
    "co_changes_network": (partial(plot.co_changes, kind="network"), PAIRS),
    "collaboration": (plot.collaboration, tables.COLLABORATION),
    "decision_context": (plot.decision_context, tables.CONTEXT),
    "difference": (plot.difference, DIFFERENCE),
    "event_counts": (plot.event_counts, ACTIVITY),
    "file_identity": (plot.file_identity, tables.IDENTITY),
    "function_hotspots": (plot.function_hotspots, tables.FUNCTIONS),
    "hotspots": (plot.hotspots, HOTSPOTS),
    "hotspots_bars": (plot.hotspots_bars, HOTSPOTS),
    "import_coupling": (plot.import_coupling, tables.COUPLING),
    "ownership": (plot.ownership, tables.OWNERSHIP),
    "session_commits": (plot.session_commits, tables.SESSIONS),
    "terms": (plot.terms, tables.TERMS),
    "truck_factor": (plot.truck_factor, tables.TRUCK),
}
every_chart = pytest.mark.parametrize(("draw", "df"), GALLERY.values(), ids=GALLERY)


def picture(chart) -> str:
    """Draw as the renderer does; fails when there is no picture."""
    return render(chart.to_dict())[0]["image/svg+xml"]


def rows(chart) -> list[dict]:
    """Return the numbers that a report shows under the chart."""
    return numbers(chart.to_dict())


def data_of(chart) -> list[list[dict]]:
    """Return every data set of a chart, inline or named."""
    spec = chart.to_dict()
    inline = [
        view["data"]["values"] for view in spec.get("layer", ()) if "values" in view.get("data", {})
    ]
    return [*spec.get("datasets", {}).values(), *inline]


def test_the_gallery_is_complete() -> None:
    """What is public is drawn by these tests."""
    drawn = {getattr(draw, "func", draw).__name__ for draw, _ in GALLERY.values()}
    assert sorted({*drawn, "as_of", "table"}) == plot.__all__


@every_chart
def test_says_in_words_what_it_shows(draw, df) -> None:
    """A reader who sees no picture gets a description and the numbers."""
    chart = draw(df)
    assert isinstance(chart, alt.Chart | alt.LayerChart)
    assert len(chart.to_dict()["description"]) > 40
    assert rows(chart)
    assert chart.to_dict()["description"].replace("&", "&amp;")[:20] in picture(chart)


@every_chart
def test_has_a_tooltip_for_every_mark(draw, df) -> None:
    """The static picture carries its labels as titles, which browsers show on hovering."""
    assert picture(draw(df)).count("</title></path>") >= 2


@every_chart
def test_says_so_when_there_is_nothing(draw, df) -> None:
    """An empty slice is a sentence, never a blank picture."""
    chart = draw(df.head(0))
    assert "There is nothing to draw" in picture(chart)
    assert "There is nothing to draw" in chart.to_dict()["description"]


@every_chart
def test_names_the_missing_column(draw, df) -> None:
    """Altair would draw nothing, in silence."""
    first = next(column for column in df.columns if column != "day")
    wrong = df.rename(columns={first: first[:-1]})
    with pytest.raises(errors.UnknownName) as caught:
        draw(wrong)
    assert f"needs the column {first!r} (or is it {first[:-1]!r}?)" in str(caught.value)
    assert "lab." in caught.value.hint


@every_chart
def test_refuses_what_is_no_table(draw, df) -> None:
    with pytest.raises(errors.UsageError, match="draws a table, but was given int"):
        draw(3)


@every_chart
def test_reads_arrow_as_well(draw, df) -> None:
    """Anything with the Arrow stream interface is a table."""
    pa = pytest.importorskip("pyarrow")
    arrow = pa.Table.from_pandas(df, preserve_index=False)
    assert draw(arrow).to_dict() == draw(df).to_dict()


@every_chart
def test_does_not_depend_on_the_order_of_rows(draw, df) -> None:
    """The same facts give the same bytes."""
    assert picture(draw(df)) == picture(draw(df.iloc[::-1]))


@every_chart
def test_leaves_its_table_alone(draw, df) -> None:
    """Drawing changes nothing in the caller's hands."""
    before = df.copy(deep=True)
    draw(df)
    pd.testing.assert_frame_equal(df, before)


@every_chart
def test_draws_one_row(draw, df) -> None:
    assert "There is nothing" not in picture(draw(df.head(1)))


@every_chart
def test_stays_small(draw, df) -> None:
    """Charts get aggregated data; a cell of a notebook is no place for megabytes."""
    many = pd.concat([df] * 2000, ignore_index=True)
    for column in ("path", "file_b", "file_path", "email_b", "author_email", "term"):
        if column in many:
            many[column] = [f"{path}-{n:05}" for n, path in enumerate(many[column])]
    for column in ("decision_seq", "session_seq", "identity"):
        if column in many:
            many[column] = range(len(many))
    assert len(json.dumps(draw(many).to_dict())) < 200_000


@pytest.mark.parametrize(
    "path",
    ["a\x00b.py", "a\nb.py", "<script>alert(1)</script>.py", 'q"uote.py', "日本.py"],
)
def test_draws_hostile_paths(path: str) -> None:
    """Paths in git hold nearly every byte; the picture stays well-formed."""
    from xml.etree import ElementTree as ET

    odd = HOTSPOTS.assign(path=[path, *HOTSPOTS["path"][1:]])
    pairs = PAIRS.assign(file_a=[path, "b.py", "a.py"])
    for chart in (plot.hotspots(odd), plot.hotspots_bars(odd), plot.co_changes(pairs)):
        svg = picture(chart)
        ET.fromstring(svg)
        assert "<script" not in svg


def test_an_odd_value_is_named_with_its_column() -> None:
    wrong = ACTIVITY.assign(events=["many"] * 4)
    with pytest.raises(errors.UsageError, match="reads the column 'events' as count"):
        plot.activity(wrong)


def test_activity_takes_plain_dates() -> None:
    """A DATE column comes out of a database as datetime.date."""
    dates = ACTIVITY.assign(
        day=[date(2025, 3, 3), date(2025, 3, 4), date(2025, 3, 4), date(2025, 5, 20)]
    )
    assert plot.activity(dates).to_dict() == plot.activity(ACTIVITY).to_dict()


@pytest.mark.parametrize(
    ("last", "unit"),
    [
        ("2025-03-20", "day"),
        ("2025-09-01", "week"),
        ("2030-01-01", "month"),
        ("2099-01-01", "year"),
    ],
)
def test_activity_counts_by_a_unit_that_fits_the_span(last: str, unit: str) -> None:
    """A history of thirty years is not drawn day by day, and nothing is lost on the way."""
    long = ACTIVITY.assign(day=pd.to_datetime(["2025-03-03", "2025-03-04", "2025-03-04", last]))
    chart = plot.activity(long)
    assert f"Events per {unit}" in json.dumps(chart.to_dict()["title"])
    assert sum(row["events"] for row in rows(chart)) == 16


def test_activity_weeks_begin_on_monday() -> None:
    """2025-03-09 is a Sunday and belongs to the week of the 3rd."""
    df = ACTIVITY.assign(
        day=pd.to_datetime(["2025-03-03", "2025-03-09", "2025-03-10", "2025-06-01"])
    )
    weeks = {row["week"] for row in rows(plot.activity(df))}
    assert {"the week of 2025-03-03", "the week of 2025-03-10"} <= weeks


def test_activity_stacks_families_without_gap_or_overlap() -> None:
    chart = plot.activity(ACTIVITY.assign(day=pd.Timestamp("2025-03-04")))
    (data,) = data_of(chart)
    assert [(d["family"], d["low"], d["high"]) for d in data] == [
        ("git", 0, 14),
        ("session", 14, 16),
    ]


def test_calendar_sums_all_types_of_a_day() -> None:
    assert {"day": "2025-03-04 Tue", "events": 3} in rows(plot.calendar(ACTIVITY))


@pytest.mark.parametrize("days", [1, 1000])
@pytest.mark.parametrize("draw", [plot.activity, plot.calendar])
def test_what_a_tree_holds_is_no_activity_of_a_day(draw, days: int) -> None:
    """A thousand functions of one file hid ten years of commits; alone they are shown."""
    code = pd.DataFrame(
        {
            "day": [pd.Timestamp("2025-03-04") + pd.Timedelta(days=days)],
            "event_type": ["code.function"],
            "events": [1000],
        }
    )
    drawn = draw(pd.concat([ACTIVITY, code]))
    assert sum(row["events"] for row in rows(drawn)) == ACTIVITY["events"].sum()
    assert "without 1,000 of code.*" in json.dumps(drawn.to_dict()["title"])
    alone = draw(code)
    assert sum(row["events"] for row in rows(alone)) == 1000
    assert "without" not in json.dumps(alone.to_dict()["title"])


def test_calendar_turns_to_months_when_it_is_long() -> None:
    """Beyond two years a day is too small to see."""
    long = ACTIVITY.assign(
        day=pd.to_datetime(["2021-01-01", "2021-01-31", "2021-02-01", "2025-03-01"])
    )
    assert rows(plot.calendar(long))[0] == {"year": "2021", "month": "Jan", "events": 5}


def test_calendar_survives_an_odd_clock() -> None:
    """One commit of 1970 and one of 2106 do not draw 137 rows."""
    odd = ACTIVITY.assign(
        day=pd.to_datetime(["1970-01-01", "2025-03-04", "2025-03-04", "2106-02-07"])
    )
    assert picture(plot.calendar(odd)).count(">2025<") == 1
    assert ">1985<" not in picture(plot.calendar(odd))


def test_hotspots_are_as_large_as_their_commits() -> None:
    """Within one folder the areas keep the proportion of the counts."""
    (data,) = (d for d in data_of(plot.hotspots(HOTSPOTS)) if "x2" in d[0])
    area = {d["path"]: (d["x2"] - d["x"]) * (d["y2"] - d["y"]) for d in data}
    assert area["src/app/main.py"] / area["src/app/store.py"] == pytest.approx(12 / 7, rel=0.01)


def test_hotspots_by_lines_leave_out_what_has_none() -> None:
    """A binary file has no line counts; it is not drawn as if it had none changed."""
    assert "logo.png" not in picture(plot.hotspots(HOTSPOTS, size="churn"))
    assert "logo.png" in picture(plot.hotspots(HOTSPOTS, size="commits"))


@pytest.mark.parametrize(
    "call",
    [
        lambda: plot.hotspots(HOTSPOTS, size="lines"),
        lambda: plot.hotspots(HOTSPOTS, top=0),
        lambda: plot.co_changes(PAIRS, top=1),
    ],
)
def test_refuses_an_option_outside_its_range(call) -> None:
    with pytest.raises(errors.InvalidOption, match="Give "):
        call()


def test_bars_keep_files_apart_whose_names_are_cut_alike() -> None:
    """An axis would merge two rows of one label."""
    long = "very-long-folder-name-number-{}/and-another-one-inside-it/of-some-length/main.py"
    df = HOTSPOTS.assign(path=[long.format(n) for n in range(4)])
    svg = picture(plot.hotspots_bars(df))
    assert svg.count("main.py</text>") + svg.count("main.py (") >= 4
    assert "main.py (4)" in svg


def test_co_changes_lays_together_what_changes_together() -> None:
    """By path the order would be a, b, test_a, test_b."""
    names = [d["name"] for data in data_of(plot.co_changes(PAIRS)) for d in data if "name" in d]
    assert abs(names.index("a.py") - names.index("test_a.py")) == 1
    assert abs(names.index("b.py") - names.index("test_b.py")) == 1


def test_charts_can_be_laid_side_by_side() -> None:
    """A chart with its own configuration could not be; the look is a theme."""
    both = plot.activity(ACTIVITY) | plot.hotspots(HOTSPOTS)
    assert "image/svg+xml" in render(both.to_dict())[0]


def test_a_chart_ends_a_cell_without_any_line_of_setup() -> None:
    """The renderer is chosen when the first chart is made."""
    bundle = plot.activity(ACTIVITY)._repr_mimebundle_()
    assert MIME in (bundle[0] if isinstance(bundle, tuple) else bundle)


def test_without_altair_one_sentence_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "altair", None)
    with pytest.raises(errors.MissingTool, match=r"pip install 'patina-lab\[lab\]'"):
        plot.activity(ACTIVITY)


def test_beliefs_of_two_rule_sets_are_told_apart_without_colour() -> None:
    """Shape and line say which rule set it is; what only one holds is hollow."""
    churn = plot.belief_churn(believed.CHURN).to_dict()
    encodings = [layer["encoding"] for layer in churn["layer"]]
    assert any("strokeDash" in encoding for encoding in encodings)
    assert any("shape" in encoding for encoding in encodings)
    agreement = plot.belief_agreement(believed.HELD).to_dict()
    assert sorted(layer["mark"].get("filled", True) for layer in agreement["layer"][1:]) == [
        False,
        True,
    ]
    assert "1 held by both" in agreement["description"]
    evolution = rows(plot.belief_evolution(believed.EVOLUTION))
    assert [row["event"] for row in evolution] == ["formed", "no news", "revised", "retired"]


def test_each_look_at_a_belief_is_seen_and_has_its_day() -> None:
    """A filled stroke has no area; ``Wed 02`` is a day of any month."""
    looks = believed.EVOLUTION.head(3).assign(
        as_of=pd.to_datetime(["2025-03-20", "2025-04-02", "2025-05-05"], utc=True)
    )
    svg = render(plot.belief_evolution(looks).to_dict())[0]["image/svg+xml"]
    marks = re.findall(r'aria-label="2025-[^"]*"[^>]* d="([^"]*)"', svg)
    assert len(marks) == 3
    assert all(re.search("[AZ]", mark) for mark in marks), "an arc, or a closed shape"
    assert re.search(r">Apr \d\d<", svg)
    assert not re.search(r">(Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d", svg)
