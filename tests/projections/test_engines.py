"""The same text on every engine: identical rows for every projection, in identical order."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from itertools import product
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pytest
from history import temporary_home
from hypothesis import given, settings
from hypothesis import strategies as st
from notation import build_repo

import patina_lab as pt
from patina_lab.datasets import teaching
from patina_lab.errors import InvalidOption, MissingTool, PatinaError, UnknownName, UsageError
from patina_lab.eventlog.export import export
from patina_lab.projections import engines, registry
from patina_lab.projections.adapters import Spark, connect, sail_address, spark_sql
from patina_lab.projections.projection import compose
from patina_lab.projections.tables import normal, table_hash

HAS_SAIL = all(map(importlib.util.find_spec, ("pysail", "pyspark")))
needs_datafusion = pytest.mark.skipif(
    importlib.util.find_spec("datafusion") is None, reason="needs datafusion"
)
spark = [
    pytest.mark.spark,
    pytest.mark.slow,
    pytest.mark.skipif(not HAS_SAIL, reason="needs patina-lab[scale]"),
]
OTHERS = [
    pytest.param("datafusion", marks=needs_datafusion),
    pytest.param("sail", marks=spark),
]
every_other_engine = pytest.mark.parametrize("engine", OTHERS)

# Parameters that change the text, beside the defaults.
PARAMS: dict[str, list[dict[str, object]]] = {
    "author_expertise": [{"min_commits": 2}],
    "causality": [{"days_before": 7, "days_after": 3.5}],
    "churn": [{"period": "week"}, {"period": "quarter"}, {"period": "year"}],
    "co_changes": [
        *({"max_files": cap, "min_count": least} for cap, least in product((None, 3), (1, 2))),
        *({"by": unit, "min_count": 1} for unit in ("author_day", "day")),
    ],
    "collaboration": [{"max_authors": 3, "min_files": 2}],
    "decision_context": [{"days": 30}],
    "function_hotspots": [{"min_complexity": 2, "min_commits": 2}],
    "hotspots": [{"min_commits": 3}],
    "import_coupling": [{"min_count": 1, "hidden": False, "hops": 2, "max_files": None}],
    "ownership": [{"period": "week"}, {"period": "quarter"}, {"period": "year"}],
    "session_commits": [{"hours_after": 48}],
}
CASES = [(name, params) for name in registry.names() for params in [{}, *PARAMS.get(name, [])]]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> pt.Lab:
    base = tmp_path_factory.mktemp("engines")
    lab = pt.open(teaching(base / "seedpost"), home=base / "home")
    lab.scrape(progress=False, code=True)
    return lab


@pytest.fixture(scope="module")
def folder(lab: pt.Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("exported")
    export(lab.log, place)
    return place


@pytest.fixture(scope="module")
def on(folder: Path) -> Callable[[str], engines.ExportedLog]:
    """Return a function that opens the export on an engine, once."""
    opened: dict[str, engines.ExportedLog] = {}

    def get(engine: str) -> engines.ExportedLog:
        if engine not in opened:
            opened[engine] = engines.open(folder, engine)
        return opened[engine]

    return get


@every_other_engine
@pytest.mark.parametrize(("name", "params"), CASES, ids=str)
def test_the_same_text_gives_the_same_rows(
    lab: pt.Lab, on: Callable[[str], engines.ExportedLog], engine: str, name: str, params: dict
) -> None:
    """As the log itself gives, as DuckDB gives over the export, as the other engine gives."""
    here, there = on("duckdb").compose(name, **params), on(engine).compose(name, **params)
    assert here.to_sql() == there.to_sql(), "the text is not the same"
    direct = compose(registry.find(name), lab.log, params)
    assert table_hash(direct.arrow()) == table_hash(here.arrow()) == table_hash(there.arrow())


def test_the_cases_are_not_all_empty(on: Callable[[str], engines.ExportedLog]) -> None:
    """Equal and empty would prove nothing."""
    rows = dict.fromkeys(registry.names(), 0)
    for name, params in CASES:
        rows[name] += len(on("duckdb").project(name, **params))
    # The teaching project's modules that change together import nothing of one another.
    assert [name for name, n in rows.items() if n == 0] == []


LINES = st.lists(
    st.tuples(
        st.sampled_from(["ann", "bob", "cyd"]),
        st.sets(st.sampled_from(["a.py", "b.py", "c/d.py", "ü.md", "f.txt"]), min_size=1),
        st.integers(1, 28),
        st.sampled_from(["1968-02", "1970-01", "2024-02", "2025-12", "2100-03"]),
        st.booleans(),
    ),
    min_size=1,
    max_size=10,
)


@every_other_engine
@settings(max_examples=4)
@given(lines=LINES)
def test_on_any_history(
    tmp_path_factory: pytest.TempPathFactory, engine: str, lines: list[tuple]
) -> None:
    """Hypothesis makes commits and decisions, before 1970 and beyond the horizon too."""
    base = tmp_path_factory.mktemp("made")
    text = "\n".join(
        f'{month}-{day:02} decision_made {who} decision="use {day}"'
        if decision
        else f"{month}-{day:02} git.commit {who} {' '.join(sorted(files))}"
        for who, files, day, month, decision in [*lines, ("ann", {"a.py"}, 1, "2025-01", False)]
    )
    build_repo(text, base / "repo")
    with temporary_home() as home:
        lab = pt.open(base / "repo", home=home)
        lab.scrape(progress=False)
        export(lab.log, base / "exported")
    here, there = (engines.open(base / "exported", name) for name in ("duckdb", engine))
    for name, params in CASES:
        if name == "import_coupling":  # seconds to plan, and there is no code in these
            continue
        made = [table_hash(log.compose(name, **params).arrow()) for log in (here, there)]
        assert made[0] == made[1], (name, params)


UNPORTABLE = {
    "a function of its own": "SELECT path, make_timestamptz(occurred_us) AS t FROM touches",
    "a clause of its own": "SELECT * EXCLUDE (seq) FROM touches ORDER BY ALL",
    "division of integers": "SELECT seq, path, seq / 2 AS half FROM touches ORDER BY seq, path",
    "no order": None,
}


@needs_datafusion
@pytest.mark.parametrize("fault", UNPORTABLE)
def test_control_what_is_not_portable_is_found_out(
    on: Callable[[str], engines.ExportedLog], fault: str
) -> None:
    """Known-bad projections: one engine refuses them, or gives other rows."""
    sql = UNPORTABLE[fault]

    @pt.projection
    def unportable(touches):
        return touches.query(sql)

    if sql is None:  # rows in another order are other rows
        rows = on("duckdb").compose("hotspots").arrow()
        assert table_hash(rows) != table_hash(rows.take(list(reversed(range(len(rows))))))
        return
    here = table_hash(on("duckdb").compose(unportable).arrow())
    try:
        there = table_hash(on("datafusion").compose(unportable).arrow())
    except UsageError:
        there = ""
    assert here != there


class TestTableHash:
    def test_kinds_of_values_are_one_whatever_their_width(self) -> None:
        wide = pa.table({"n": pa.array([1, None], pa.decimal128(38, 0)), "s": ["a", None]})
        narrow = pa.table({"n": pa.array([1, None], pa.uint8()), "s": ["a", None]})
        assert normal(wide).schema == normal(narrow).schema
        assert table_hash(wide) == table_hash(narrow)

    @pytest.mark.parametrize(
        "other",
        [
            {"n": [1, 3], "s": ["a", "b"]},
            {"n": [1, None], "s": ["a", "b"]},
            {"n": [2, 1], "s": ["b", "a"]},
            {"n": [1, 2], "s": ["ab", ""]},
            {"n": [1, 2], "t": ["a", "b"]},
            {"n": [1, 2, 2], "s": ["a", "b", "b"]},
        ],
        ids=["value", "null", "order", "where a text ends", "name", "rows"],
    )
    def test_any_difference_shows(self, other: dict) -> None:
        table = pa.table({"n": [1, 2], "s": ["a", "b"]})
        assert table_hash(table) != table_hash(pa.table(other))

    def test_null_is_not_the_empty_text_and_not_zero(self) -> None:
        empty, null = pa.table({"s": [""]}), pa.table({"s": pa.array([None], pa.string())})
        assert table_hash(empty) != table_hash(null)


class TestExportedLog:
    def test_the_manifest_names_every_relation_and_what_made_it(
        self, lab: pt.Lab, folder: Path
    ) -> None:
        manifest = json.loads((folder / "manifest.json").read_text())
        assert manifest["digest"] == lab.digest
        assert manifest["source_sha"] == lab.log.opened.manifest.source_sha
        assert set(manifest["versions"]) == {"patina-lab", "duckdb"}
        for name, about in manifest["relations"].items():
            (rows,) = (
                duckdb.connect()
                .execute(f"SELECT count(*) FROM read_parquet('{folder / about['file']}')")
                .fetchone()
            )
            assert (rows, list(about["columns"])) == (
                len(lab.rel(name).df()),
                lab.rel(name).columns,
            )
        read = {name for p in registry.every() for name in p.reads} - set(registry.names())
        assert read <= set(manifest["relations"])

    def test_two_exports_have_the_same_bytes(self, lab: pt.Lab, folder: Path, tmp_path: Path):
        export(lab.log, tmp_path / "again")
        for file in sorted(folder.iterdir()):
            assert file.read_bytes() == (tmp_path / "again" / file.name).read_bytes(), file.name

    def test_a_slice_is_exported_as_it_is_asked_for(self, lab: pt.Lab, tmp_path: Path) -> None:
        """Law 4 holds there too: the export of the past knows nothing later."""
        early = lab.as_of("2025-03-01")
        export(early.log, tmp_path)
        log = engines.open(tmp_path)
        assert log.digest == early.digest
        there, here = log.project("hotspots"), early.project("hotspots")
        pd.testing.assert_frame_equal(there, here, check_flags=False)

    @needs_datafusion
    def test_a_lab_computes_on_another_engine(self, lab: pt.Lab) -> None:
        """Its slice, exported for the occasion; the same rows and the same provenance."""
        early = lab.as_of("2025-04-01")
        here, there = (early.project("hotspots", engine=e) for e in (None, "datafusion"))
        pd.testing.assert_frame_equal(here, there, check_flags=False)
        assert there.attrs["engine"] == "datafusion"
        for said in ("digest", "source_sha", "projection"):
            assert here.attrs[said] == there.attrs[said]
        with pytest.raises(UnknownName, match="engine"):
            lab.project("hotspots", engine="dukdb")

    def test_a_projection_says_where_it_was_computed(
        self, lab: pt.Lab, on: Callable[[str], engines.ExportedLog]
    ) -> None:
        table = on("duckdb").project(pt.co_changes, min_count=1)
        assert table.attrs == {
            "source_sha": lab.log.opened.manifest.source_sha,
            "digest": lab.digest,
            "projection": "co_changes",
            "version": pt.co_changes.version,
            "params": {"min_count": 1},
            "engine": "duckdb",
        }

    def test_a_relation_that_is_not_there_is_told_with_its_nearest(
        self, on: Callable[[str], engines.ExportedLog]
    ) -> None:
        with pytest.raises(UnknownName, match="Did you mean 'touches'"):
            on("duckdb").project(lambda touchs: touchs)

    @pytest.mark.parametrize("engine", [pytest.param("duckdb"), *OTHERS])
    def test_a_missing_column_is_the_same_sentence_on_every_engine(
        self, on: Callable[[str], engines.ExportedLog], engine: str
    ) -> None:
        with pytest.raises(UnknownName) as caught:
            on(engine).project(lambda touches: touches.query("SELECT t.pth FROM touches t"))
        assert caught.value.message == "There is no column 'pth' in touches."
        assert caught.value.hint.startswith("Did you mean 'path'")

    @pytest.mark.parametrize("engine", [pytest.param("duckdb"), *OTHERS])
    def test_another_mistake_is_one_line(
        self, on: Callable[[str], engines.ExportedLog], engine: str
    ) -> None:
        with pytest.raises(UsageError, match=f"on {engine}") as caught:
            on(engine).rel("touches").query("SELEKT 1").arrow()
        assert len(caught.value.message.splitlines()) == 1

    @pytest.mark.parametrize("engine", [pytest.param("duckdb"), *OTHERS])
    def test_the_plan_and_the_columns_come_without_rows(
        self, on: Callable[[str], engines.ExportedLog], engine: str
    ) -> None:
        rel = on(engine).compose("hotspots")
        assert rel.columns == list(pt.hotspots.columns)
        assert rel.explain().strip()


@pytest.mark.parametrize(
    ("ask", "error", "said"),
    [
        (lambda place: engines.open(place, "duckdbb"), UnknownName, "Did you mean 'duckdb'"),
        (lambda place: engines.open(place / "nowhere"), InvalidOption, "patina-lab log export"),
        (lambda place: engines.open(place, "spark"), InvalidOption, "sc://host:15002"),
    ],
)
def test_what_cannot_be_opened_is_told(
    folder: Path, ask: Callable[[Path], object], error: type[PatinaError], said: str
) -> None:
    with pytest.raises(error) as caught:
        ask(folder)
    assert said in str(caught.value)


def test_an_export_that_engines_cannot_read_is_told(lab: pt.Lab, tmp_path: Path) -> None:
    export(lab.log, tmp_path, "csv")
    with pytest.raises(InvalidOption, match="Export it as Parquet"):
        engines.open(tmp_path)


def test_an_engine_that_is_not_installed_is_one_sentence(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "datafusion", None)
    with pytest.raises(MissingTool, match=r"pip install 'patina-lab\[scale\]'"):
        engines.open(folder, "datafusion")


@pytest.mark.parametrize("marks", [pytest.param(None, marks=spark)])
def test_a_session_of_ones_own_and_files_elsewhere(folder: Path, marks: None) -> None:
    """What a cluster needs: a session that is there, and a place that it can read."""
    own = Spark(connect(sail_address()))
    log = engines.open(folder, own, place=folder.resolve().as_uri())
    assert log.engine is own
    assert len(log.project("hotspots"))


@pytest.mark.parametrize(
    ("portable", "as_spark_has_it"),
    [
        ("SELECT 1", "SELECT 1"),
        ("string_agg(a, ',')", "string_agg(a, ',')"),
        ("string_agg(a, ',' ORDER BY b)", "string_agg(a, ',') WITHIN GROUP (ORDER BY b)"),
        (
            "STRING_AGG(f(a, ') ORDER BY'), ' '\n order by b, g(c)), string_agg(x, ';' ORDER BY y)",
            "STRING_AGG(f(a, ') ORDER BY'), ' ') WITHIN GROUP (ORDER BY b, g(c)), "
            "string_agg(x, ';') WITHIN GROUP (ORDER BY y)",
        ),
        ("sum(a) OVER (ORDER BY b)", "sum(a) OVER (ORDER BY b)"),
    ],
)
def test_an_ordered_string_agg_as_spark_has_it(portable: str, as_spark_has_it: str) -> None:
    assert spark_sql(portable) == as_spark_has_it
