"""The charts of all projections, by what holds for every one of them."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

alt = pytest.importorskip("altair")

import tables_of_projections as tables  # noqa: E402

import patina_lab as pt  # noqa: E402
from patina_lab.datasets import teaching  # noqa: E402
from patina_lab.errors import InvalidOption, UnknownName, UsageError  # noqa: E402
from patina_lab.projections import registry  # noqa: E402
from patina_lab.projections.difference import STATES, difference  # noqa: E402
from patina_lab.views import (  # noqa: E402
    activity,
    author_expertise,
    causality,
    charts,
    churn,
    co_changes,
    collaboration,
    decision_context,
    file_identity,
    function_hotspots,
    graph,
    hotspots,
    import_coupling,
    labels,
    ownership,
    periods,
    session_commits,
    terms,
    truck_factor,
)
from patina_lab.views import as_of as as_of_module  # noqa: E402
from patina_lab.views.renderer import render  # noqa: E402
from patina_lab.views.treemap import Box  # noqa: E402

plot = pt.plot
MOST_MARKS = 1_600
KINDS = ("heatmap", "arc", "bundle", "network")
NAMES = [
    "a.py", "src/a.py", "src/b.py", "a/very/long/way/to/some/file_with_a_long_name.py", "日本.py",
    "<b>.py", 'q"uote', "", "x\x00y", "new\nline", "../..", "a//b", " ", "ß", "a ↔ b",
]  # fmt: skip

COLUMNS = {
    "activity": activity.COLUMNS,
    "author_expertise": author_expertise.COLUMNS,
    "causality": causality.PAIRS,
    "causality_lags": causality.LAGS,
    "causality_null": causality.EFFECT,
    "churn": churn.COLUMNS,
    "co_changes": co_changes.COLUMNS,
    "collaboration": collaboration.COLUMNS,
    "decision_context": decision_context.COLUMNS,
    "file_identity": file_identity.COLUMNS,
    "function_hotspots": function_hotspots.COLUMNS,
    "hotspots": hotspots.COLUMNS,
    "import_coupling": import_coupling.COLUMNS,
    "ownership": ownership.COLUMNS,
    "session_commits": session_commits.COLUMNS,
    "terms": terms.COLUMNS,
    "truck_factor": truck_factor.COLUMNS,
}


def drawn_by(name: str) -> list[Callable[[Any], Any]]:
    """Return the ways to draw a projection."""
    if name == "co_changes":
        return [lambda df, kind=kind: plot.co_changes(df, kind=kind) for kind in KINDS]
    if name == "author_expertise":
        return [plot.author_expertise, lambda df: plot.author_expertise(df, by="file")]
    return [getattr(plot, name)]


# -- every projection has one -----------------------------------------------------------


def without_chart(projections: Iterable[str], gallery: Iterable[str]) -> list[str]:
    """Return the projections that have no chart of their name."""
    return sorted(set(projections) - set(gallery))


def test_every_projection_has_a_chart_of_its_name() -> None:
    built_in = [
        n for n in registry.names() if registry.find(n).__module__.startswith("patina_lab.")
    ]
    assert without_chart(built_in, plot.__all__) == []
    assert sorted(COLUMNS) == built_in
    # The control: a projection that was just added is noticed.
    assert without_chart([*built_in, "newest"], plot.__all__) == ["newest"]


def test_a_chart_asks_for_columns_that_its_projection_declares() -> None:
    for name, columns in COLUMNS.items():
        assert set(columns) <= set(registry.find(name).columns), name


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> pt.Lab:
    base = tmp_path_factory.mktemp("gallery")
    lab = pt.open(teaching(base / "seedpost"), home=base / "home")
    lab.scrape(progress=False, code=True)
    return lab


@pytest.mark.parametrize("name", COLUMNS)
def test_draws_what_the_projection_gives(lab: pt.Lab, name: str) -> None:
    """On the teaching project, as a frame and as Arrow; and on a slice before its first day."""
    found = lab.project(name)
    empty = lab.as_of("1999-01-01").project(name)
    for draw in drawn_by(name):
        checked(draw(found))
        said = draw(empty).to_dict()
        checked(draw(empty))
        assert "There is nothing to draw" in said["description"]
        for column in COLUMNS[name]:
            assert column in said["description"]
    relation = registry.find(name)(lab.log)
    assert plain(getattr(plot, name)(relation.arrow())) == plain(getattr(plot, name)(found))


# -- what holds for every chart ---------------------------------------------------------


def views(spec: dict[str, Any], data: Any = None) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield every view that draws, with its number of rows."""
    data = spec.get("data") or data
    if "mark" in spec:
        rows = data.get("values")
        yield spec, len(datasets_of[data["name"]]) if rows is None else len(rows)
    for inner in spec.get("layer", ()):
        yield from views(inner, data)


datasets_of: dict[str, Any] = {}


def marks(spec: dict[str, Any]) -> int:
    """Count what a chart draws: one mark a row and layer."""
    datasets_of.clear()
    datasets_of.update(spec.get("datasets", {}))
    return sum(rows for _, rows in views(spec))


def checked(chart: Any) -> str:
    """Assert what every chart promises; return its picture."""
    spec = chart.to_dict()
    assert len(spec["description"]) > 30, "no description"
    assert marks(spec) <= MOST_MARKS, "too many marks"
    text = json.dumps({**spec, "$schema": ""})
    assert "://" not in re.sub(r'"(?:description|tip)": "(?:[^"\\\\]|\\\\.)*"', "", text)
    assert len(text) < 300_000, "too much data for a cell"
    bundle = render(spec)[0]
    assert "image/svg+xml" in bundle, bundle["text/plain"]
    return str(bundle["image/svg+xml"])


def plain(chart: Any) -> str:
    return json.dumps(chart.to_dict(), sort_keys=True)


def test_the_checks_can_fail() -> None:
    """The controls: a chart of every row, and one without a word."""
    rows = pd.DataFrame({"x": range(2_000)})
    with pytest.raises(AssertionError, match="too many marks"):
        checked(alt.Chart(rows).mark_point().encode(x="x:Q").properties(description="d" * 40))
    with pytest.raises(AssertionError, match="no description"):
        checked(alt.Chart(rows.head(3)).mark_point().encode(x="x:Q").properties(description=""))


def made(name: str, rows: int, seed: int, *, hostile: bool) -> pd.DataFrame:
    """Make a table of a projection: any values of the right kinds."""
    rng = np.random.default_rng(seed)
    texts = NAMES if hostile else [f"src/{n % 40}/f{n}.py" for n in range(rows * 2 + 1)]
    table = {}
    for column, kind in COLUMNS[name].items():
        if kind == "text":
            table[column] = [texts[i] for i in rng.integers(0, len(texts), rows)]
        elif kind == "time":
            days = np.sort(rng.integers(-9_000, 21_000, rows))
            table[column] = pd.to_datetime(days, unit="D", utc=True)
        elif kind == "count":
            table[column] = rng.integers(0, 10 ** int(rng.integers(1, 8)), rows)
        else:
            numbers = rng.exponential(1.0, rows) * (1 if column != "lag_days" else -3)
            numbers[rng.random(rows) < 0.1] = np.nan
            table[column] = np.clip(numbers, -14, 1) if column == "jaccard" else numbers
    return pd.DataFrame(table)


@pytest.mark.parametrize("name", COLUMNS)
@settings(max_examples=6)
@given(
    rows=st.sampled_from([0, 1, 2, 3, 7, 60, 700]), seed=st.integers(0, 999), hostile=st.booleans()
)
@example(rows=10_000, seed=1, hostile=False)
def test_any_table_is_a_bounded_picture_with_words(
    name: str, rows: int, seed: int, hostile: bool
) -> None:
    """Whatever the values: no exception, no blank, no megabytes, and the same bytes twice."""
    df = made(name, rows, seed, hostile=hostile)
    for draw in drawn_by(name):
        chart = draw(df)
        svg = checked(chart)
        assert plain(chart) == plain(draw(df.copy()))
        assert len(re.findall("<(?:text|path)", svg)) >= 3
        if not rows:
            assert "There is nothing to draw" in svg


@pytest.mark.parametrize("name", COLUMNS)
def test_a_table_of_nothing_but_null_is_a_sentence(name: str) -> None:
    """Rows without any value are no rows; the columns are named."""
    df = pd.DataFrame({column: [None, None] for column in COLUMNS[name]})
    for draw in drawn_by(name):
        svg = checked(draw(df))
        assert "There is nothing to draw" in svg
        assert next(iter(COLUMNS[name])) in svg


def test_a_count_that_is_missing_is_named() -> None:
    with pytest.raises(UsageError, match=r"'touches' as count: 1 of 3 rows hold NULL"):
        plot.ownership(tables.OWNERSHIP.assign(touches=[1, None, 3]))


def test_the_same_bytes_in_any_process(tmp_path: Path) -> None:
    """Neither hashes of strings nor the time of day are part of a picture."""
    script = (
        "import sys, hashlib, json, pandas as pd; sys.path.insert(0, sys.argv[1])\n"
        "import tables_of_projections as t, patina_lab as pt\n"
        "from patina_lab.views.renderer import render\n"
        "charts = [pt.plot.collaboration(t.COLLABORATION), pt.plot.ownership(t.OWNERSHIP),\n"
        "          pt.plot.author_expertise(t.EXPERTISE), pt.plot.terms(t.TERMS)]\n"
        "f = pd.DataFrame([(f'f{i}', f'f{j}', 9 - j % 7, .5) for i in range(9) for j in\n"
        "    range(i + 1, 9) if (i + j) % 3], columns=['file_a', 'file_b', 'count', 'jaccard'])\n"
        "charts += [pt.plot.co_changes(f, kind=k) for k in ('arc', 'bundle', 'network')]\n"
        "out = [render(c.to_dict())[0] for c in charts]\n"
        "print(hashlib.sha256(json.dumps(out, sort_keys=True).encode()).hexdigest())\n"
    ).replace("\\\n", "\n")
    seen = {
        subprocess.run(
            [sys.executable, "-c", script, str(Path(__file__).parent)],
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    }
    assert len(seen) == 1
    assert len(seen.pop().strip()) == len(hashlib.sha256().hexdigest())


# -- single charts ----------------------------------------------------------------------


def test_a_chart_has_its_table() -> None:
    found = charts.table(plot.collaboration(tables.COLLABORATION))
    assert found["shared files"].dropna().tolist() == [1, 3]
    assert set(found["person"].dropna()) == {"Ann", "Bob", "Cid"}
    assert charts.table(plot.collaboration(tables.COLLABORATION.head(0))).empty


def test_with_one_author_there_is_no_pair_and_it_says_so() -> None:
    chart = plot.collaboration(tables.COLLABORATION.head(0))
    assert "no two people touched one file" in chart.to_dict()["description"]
    assert "1 person" in plain(plot.ownership(tables.OWNERSHIP.head(1)))


@pytest.mark.parametrize("kind", KINDS[1:])
def test_each_kind_of_co_change_draws_the_same_pairs(kind: str) -> None:
    """The picture differs, the table does not."""
    df = pd.DataFrame(
        [("src/a.py", "src/b.py", 9, 0.9), ("src/a.py", "docs/a.md", 3, 0.2)],
        columns=["file_a", "file_b", "count", "jaccard"],
    )
    columns = ["file a", "file b", "commits together"]
    found = charts.table(plot.co_changes(df, kind=kind)).dropna(subset=columns)[columns]
    expected = charts.table(plot.co_changes(df))[columns]
    assert sorted(found.to_numpy().tolist()) == sorted(expected.to_numpy().tolist())


def test_an_arc_tells_by_its_dashes_whether_it_leaves_the_folder() -> None:
    df = pd.DataFrame(
        [("src/a.py", "src/b.py", 9, 0.9), ("src/a.py", "docs/a.md", 3, 0.2)],
        columns=["file_a", "file_b", "count", "jaccard"],
    )
    svg = checked(plot.co_changes(df, kind="arc"))
    assert 'stroke-dasharray="5,3"' in svg
    assert "within a folder" in svg


def test_an_unknown_kind_is_answered_with_the_known_ones() -> None:
    with pytest.raises(InvalidOption, match="'heatmap', 'arc', 'bundle', 'network'"):
        plot.co_changes(tables.COUPLING, kind="pie")


def test_lags_outside_the_band_carry_their_number() -> None:
    """1.46 commits on the first day is more than chance gives; .78 on the second is not."""
    svg = checked(plot.causality_lags(tables.LAGS))
    assert ">1.46<" in svg
    assert ">0.78<" not in svg
    assert "of all 2 bins, 1 leave it" in svg
    assert "association, not cause" in svg


def test_churn_without_lines_counts_commits() -> None:
    """A log that was scraped with lines=False has none."""
    bare = tables.CHURN.assign(lines_added=None, lines_removed=None)
    chart = plot.churn(bare)
    assert "no lines were counted" in plain(chart)
    assert charts.table(chart)["commits"].tolist() == [3, 5, 1]


def test_churn_of_commits_that_changed_no_line_counts_commits() -> None:
    """Pictures, empty files, modes: their commits were counted, and there is no line in them."""
    chart = plot.churn(tables.CHURN.assign(lines_added=0, lines_removed=0))
    assert "no line was added or removed" in plain(chart)
    assert charts.table(chart)["commits"].tolist() == [3, 5, 1]


def test_churn_of_one_line_has_no_thousandth_of_a_line() -> None:
    svg = checked(plot.churn(tables.CHURN.head(1).assign(lines_added=1, lines_removed=0)))
    assert ">1<" in svg
    assert not re.search(r">\d+m<", svg)


def test_a_day_on_an_axis_has_its_month() -> None:
    """``Fri 10`` is a day of any month."""
    days = pd.date_range("2025-01-06", periods=12, tz="UTC")
    activity = pd.DataFrame({"day": days, "event_type": "git.commit", "events": 3})
    svg = checked(plot.activity(activity))
    assert ">Jan 10<" in svg
    assert not re.search(r">(Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d", svg)
    # Where months are apart, they have their own name; the first has that of its year.
    assert all(f">{said}<" in checked(plot.churn(tables.CHURN)) for said in ("2025", "February"))


def test_an_empty_table_blames_no_option_that_may_have_been_given() -> None:
    """A slice without functions is empty with ``code=True`` as well."""
    said = plot.function_hotspots(tables.FUNCTIONS.head(0)).to_dict()["description"]
    assert "no function in this slice, or" in said


def test_churn_cuts_a_giant_and_says_its_number() -> None:
    """One import of a million lines does not flatten twenty other months."""
    months = pd.date_range("2023-01-01", periods=40, freq="MS", tz="UTC")
    df = pd.DataFrame(
        {"period": months, "commits": 1, "lines_added": [10] * 39 + [10**6], "lines_removed": 1}
    )
    assert ">1,000,000<" in checked(plot.churn(df))
    assert "1 bar cut" in plain(plot.churn(df))
    assert charts.table(plot.churn(df))["lines"].max() == 10**6


def test_ownership_of_a_long_history_adds_up() -> None:
    """Months become years; shares are of the years, and each year's add up to one."""
    months = pd.date_range("2001-01-01", periods=240, freq="MS", tz="UTC")
    df = pd.DataFrame(
        {
            "period": np.repeat(months, 3),
            "author": ["a", "b", "c"] * 240,
            "author_email": ["a", "b", "c"] * 240,
            "touches": np.arange(720) % 11 + 1,
        }
    )
    found = charts.table(plot.ownership(df, people=2))
    assert found.groupby("year")["share"].sum().to_numpy() == pytest.approx(1, abs=1e-3)
    assert found["changes"].sum() == df["touches"].sum()
    assert set(found["person"]) == {"a", "b", "1 other"} or len(set(found["person"])) == 3


@pytest.mark.parametrize(
    ("first", "count", "freq", "unit"),
    [
        ("2025-01-06", 3, "W-MON", "week"),
        ("2025-01-01", 5, "MS", "month"),
        ("2025-01-01", 5, "QS", "quarter"),
        ("2015-01-01", 5, "YS", "year"),
        ("2025-01-01", 100, "MS", "quarter"),
    ],
)
def test_a_period_is_told_by_where_it_begins(first, count, freq, unit) -> None:
    times = pd.Series(pd.date_range(first, periods=count, freq=freq))
    assert periods.coarse(times, 60)[1] == unit


def namesakes() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return expertise, ownership and collaboration of two Anns; the busier one comes later."""
    emails = ["ann@home", "zoe.ann@work", "bob@home"]
    done = pd.DataFrame(
        {"author": ["Ann", "Ann", "Bob"], "author_email": emails, "commit_count": [1, 9, 4]}
    ).assign(file_path="a.py")
    owned = done.rename(columns={"commit_count": "touches"}).assign(
        period=pd.Timestamp("2025-01-01", tz="UTC")
    )
    pairs = pd.DataFrame(
        [("Ann", "Ann", *emails[:2]), ("Ann", "Bob", emails[1], emails[2])],
        columns=["author_a", "author_b", "email_a", "email_b"],
    ).assign(shared_files=1, files_a=1, files_b=1, jaccard=1.0, weight=1)
    return done, owned, pairs


def test_of_two_people_of_one_name_each_is_the_same_in_every_chart() -> None:
    """A number behind a name would mean the busier one here and the other one there."""
    done, owned, pairs = namesakes()
    expected = {"Ann (ann)", "Ann (zoe.ann)", "Bob"}
    expertise = charts.table(plot.author_expertise(done))
    assert set(expertise["person"]) == expected
    assert expertise.set_index("person")["changes"]["Ann (zoe.ann)"] == 9
    owners = charts.table(plot.ownership(owned))
    assert owners.set_index("person")["changes"].to_dict() == {
        "Ann (ann)": 1,
        "Ann (zoe.ann)": 9,
        "Bob": 4,
    }
    drawn = plot.collaboration(pairs)
    assert set(charts.table(drawn)["person"].dropna()) == expected
    assert ">Ann (zoe.ann)<" in checked(drawn)


def test_who_has_no_email_is_not_counted_with_all_others() -> None:
    """Git allows ``Bob <>``; his share is his own, and that of the others theirs."""
    df = pd.DataFrame(
        [("Ann", "ann@home", 9), ("Bob", "", 6), ("Cid", "cid@home", 4), ("Dan", "dan@home", 1)],
        columns=["author", "author_email", "commit_count"],
    ).assign(file_path="a.py")
    chart = plot.author_expertise(df, people=2)
    found = charts.table(chart)
    assert found.set_index("person")["changes"].to_dict() == {"Ann": 9, "Bob": 6, "all others": 5}
    assert found["share"].sum() == pytest.approx(1)
    assert "2 others in one column" in plain(chart)
    assert "1 other in one column" in plain(plot.author_expertise(df, people=3))


# -- two moments and many ---------------------------------------------------------------


def paths(**commits: int) -> pd.DataFrame:
    return pd.DataFrame({"path": list(commits), "commits": list(commits.values())})


tiny = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 5))


@given(before=tiny, after=tiny)
def test_a_difference_is_that_of_two_dictionaries(before: dict, after: dict) -> None:
    found = difference(paths(**before), paths(**after), key="path", value="commits")
    expected = {}
    for path in {*before, *after}:
        if path not in before:
            what = "entered"
        elif path not in after:
            what = "left"
        else:
            what = "same" if before[path] == after[path] else "changed"
        expected[path] = (after.get(path, 0) - before.get(path, 0), what)
    assert {r.path: (r.change, r.what) for r in found.itertuples()} == expected
    assert found["change"].abs().is_monotonic_decreasing
    assert plain(plot.difference(found)) == plain(plot.difference(found.iloc[::-1]))


def test_a_difference_knows_the_rows_of_its_projection(lab: pt.Lab) -> None:
    """No key has to be given for what a lab projected; the columns exist."""
    for name, (key, value) in STATES.items():
        assert {*key, value} <= set(registry.find(name).columns)
        before, after = (lab.as_of(t).project(name) for t in ("2025-03-01", "2025-05-01"))
        found = pt.difference(before, after)
        checked(plot.difference(found))
        assert found.attrs["projection"] == name
        assert len(set(found.attrs["digests"])) == 2


def test_the_same_state_twice_differs_in_nothing(lab: pt.Lab) -> None:
    now = lab.project("hotspots")
    found = pt.difference(now, now)
    assert set(found["what"]) == {"same"}
    assert "both states say the same" in plain(plot.difference(found))


def test_a_difference_refuses_what_does_not_name_a_row() -> None:
    with pytest.raises(InvalidOption, match="Give key= and value="):
        difference(paths(a=1), paths(a=1))
    twice = pd.concat([paths(a=1)] * 2)
    with pytest.raises(InvalidOption, match="name more than one row: a"):
        difference(twice, twice, key="path", value="commits")
    with pytest.raises(UnknownName, match="Did you mean 'commits'"):
        difference(paths(a=1), paths(a=1), key="path", value="commit")


def test_the_slider_stands_at_the_last_moment_and_knows_all() -> None:
    tables_by_moment = {"2025-01": paths(a=1), "2025-02": paths(a=2, b=1), "2025-03": paths(b=4)}
    chart = plot.as_of(tables_by_moment, key="path", value="commits")
    svg = checked(chart)
    assert "as of 2025-03<" in svg
    assert "as of 2025-01<" not in svg
    (slider,) = chart.to_dict()["params"]
    assert (slider["value"], slider["bind"]["max"], slider["bind"]["step"]) == (2, 2, 1)
    found = charts.table(chart).to_numpy().tolist()
    assert sorted(found) == [
        ["2025-01", "a", 1.0],
        ["2025-02", "a", 2.0],
        ["2025-02", "b", 1.0],
        ["2025-03", "b", 4.0],
    ]


def test_the_slider_is_bounded_and_says_so() -> None:
    many = {str(n): paths(**{f"f{k}": k + n + 1 for k in range(300)}) for n in range(30)}
    checked(plot.as_of(many, key="path", value="commits", top=12))
    assert "12 of 300 rows at 30 moments" in plain(
        plot.as_of(many, key="path", value="commits", top=12)
    )
    limit = as_of_module.MOST_MOMENTS
    with pytest.raises(InvalidOption, match=f"Give 1 to {limit}"):
        plot.as_of({**many, "one more": paths(a=1)}, key="path", value="commits")
    with pytest.raises(InvalidOption, match="0 moments"):
        plot.as_of({})
    with pytest.raises(UsageError, match="draws tables by their moments"):
        plot.as_of(paths(a=1))
    nothing = plot.as_of({"x": paths()}, key="path", value="commits")
    assert "empty at every moment" in nothing.to_dict()["description"]


# -- where things lie -------------------------------------------------------------------

edges = st.lists(
    st.tuples(st.integers(0, 11), st.integers(0, 11), st.integers(1, 9)).filter(
        lambda e: e[0] != e[1]
    ),
    max_size=30,
)


@given(edges=edges)
def test_a_layout_stays_in_its_box_and_repeats(edges: list) -> None:
    box = Box(0, 0, 700, 400)
    places, groups = graph.layout(12, edges, box)
    assert (places, groups) == graph.layout(12, edges, box)
    assert all(0 <= x <= 700 and 0 <= y <= 400 for x, y in places)
    assert len(groups) == 12


@given(
    at=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 200)), min_size=1, max_size=25),
    size=st.integers(1, 12),
)
def test_names_never_overlap(at: list, size: int) -> None:
    names = ["x" * (n % size + 1) for n in range(len(at))]
    whole = Box(0, 0, 400, 200)
    found = graph.place_labels(names, at, [3] * len(at), 11, whole)
    boxes = []
    for name, label in zip(names, found, strict=True):
        if label is not None:
            wide = labels.width(name, 11)
            left = {"left": 0, "right": wide, "center": wide / 2}[label.align]
            boxes.append((label.x - left, label.y - 6, label.x - left + wide, label.y + 6))
    assert all(b[0] >= -0.1 and b[2] <= 400.1 for b in boxes)
    for n, a in enumerate(boxes):
        for b in boxes[:n]:
            assert not (a[0] < b[2] and b[0] < a[2] and a[1] + 0.1 < b[3] and b[1] + 0.1 < a[3])


def test_a_graph_alone_needs_networkx(monkeypatch: pytest.MonkeyPatch) -> None:
    from patina_lab.errors import MissingTool

    monkeypatch.setitem(sys.modules, "networkx", None)
    with pytest.raises(MissingTool, match="networkx, which is not installed"):
        plot.collaboration(tables.COLLABORATION)


@given(st.lists(st.sampled_from(["a", "b", "core.py"]), min_size=1, max_size=4), st.data())
def test_tails_tell_paths_apart(parts: list[str], data: st.DataObject) -> None:
    others = data.draw(
        st.lists(st.lists(st.sampled_from(["a", "b", "core.py"]), min_size=1, max_size=4))
    )
    several = sorted({"/".join(p) for p in [parts, *others]})
    short = labels.tails(several)
    assert len(set(short)) == len(several)
    assert all(path.endswith(tail) for path, tail in zip(several, short, strict=True))
