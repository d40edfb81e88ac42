"""Bad input, for every registered projection: a sentence, or an empty table with its columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from notation import build_repo

import patina_lab as pt
from patina_lab.datasets import teaching
from patina_lab.errors import ProjectionFailed, UnknownName
from patina_lab.eventlog.materialize import materialize
from patina_lab.projections import registry
from patina_lab.projections.projection import Projection
from patina_lab.projections.rel import Rel, compute

EVERY = list(registry.every())
every_projection = pytest.mark.parametrize("projection", EVERY, ids=lambda p: p.name)

SOLO = """
2025-03-01 git.commit ann a.py b.py
    def f(x):
        return x if x else 0
2025-03-02 git.commit ann a.py b.py
    import a
2025-03-03 git.commit ann a.py b.py
    import a
    def g(x):
        return x
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> pt.Lab:
    base = tmp_path_factory.mktemp("bad")
    lab = pt.open(teaching(base / "seedpost"), home=base / "home")
    lab.scrape(code=True, progress=False)
    return lab


@pytest.fixture(scope="module")
def solo(tmp_path_factory: pytest.TempPathFactory) -> pt.Lab:
    """Return the lab of a project of one person who wrote no decision down."""
    base = tmp_path_factory.mktemp("solo")
    build_repo(SOLO, base / "repo")
    lab = pt.open(base / "repo", home=base / "home")
    lab.scrape(code=True, progress=False)
    return lab


EMPTY = {
    "before the first day": lambda lab: lab.as_of("1999-01-01"),
    "a type that nobody has": lambda lab: lab.where("no.such.type"),
    "an author who is not there": lambda lab: lab.where(author="Nobody"),
    "a path that is not there": lambda lab: lab.where(path="no/such/*"),
}


@every_projection
@pytest.mark.parametrize("slice_", EMPTY)
def test_an_empty_slice_is_an_empty_table(lab: pt.Lab, projection: Projection, slice_: str) -> None:
    """With the columns that are declared, of the types that a full table has."""
    full, none = lab.project(projection), EMPTY[slice_](lab).project(projection)
    assert len(none) == 0
    assert list(none.columns) == list(projection.columns)
    here, there = projection(EMPTY[slice_](lab).log).arrow(), projection(lab.log).arrow()
    assert here.schema.remove_metadata() == there.schema.remove_metadata()
    for column, dtype in full.dtypes.items():
        if not full[column].isna().any():
            assert none[column].dtype == dtype, column


@every_projection
def test_one_person_and_no_decision(solo: pt.Lab, projection: Projection) -> None:
    """A table, empty where there is nothing to say; never an error."""
    table = solo.project(projection)
    assert list(table.columns) == list(projection.columns)
    about = {"decisions", "sessions"} & {*projection.reads}
    if about or projection.name in ("collaboration", "import_coupling"):
        assert len(table) == 0
    else:
        assert len(table) > 0


@every_projection
def test_a_kept_table_of_nothing_is_empty_with_its_columns(
    lab: pt.Lab, projection: Projection, tmp_path: Path
) -> None:
    none = materialize(lab.as_of("1999-01-01").log, projection, tmp_path).df()
    assert (len(none), list(none.columns)) == (0, list(projection.columns))
    assert none.attrs["through"] == ""


@every_projection
def test_an_unknown_column_is_a_sentence(lab: pt.Lab, projection: Projection) -> None:
    """A relation that lacks what is read: which column, and what there is instead."""
    lacking = [
        Rel("SELECT 1 AS sequence, 'x' AS pth", name, lab.log.opened) for name in projection.reads
    ]
    with pytest.raises(UnknownName, match=r"no column '\w+' in \w+") as caught:
        projection(*lacking).df()
    assert "\n" not in caught.value.message
    assert caught.value.message.endswith(".")


@every_projection
def test_an_unknown_parameter_gets_its_nearest(lab: pt.Lab, projection: Projection) -> None:
    known = list(projection.params)
    wrong = f"{known[0]}s" if known else "top"
    with pytest.raises(UnknownName, match=f"no parameter of .* '{wrong}'"):
        lab.project(projection, **{wrong: 1})


def raises_at_once(touches):
    raise ValueError("no luck.")


def raises_later(touches):
    def burst(table):
        return {}["gone"]

    return compute(burst, touches)


class TestAProjectionThatRaises:
    def test_is_named_with_its_line(self, lab: pt.Lab) -> None:
        with pytest.raises(ProjectionFailed) as caught:
            lab.project(raises_at_once)
        assert caught.value.message.startswith("The projection raises_at_once failed at line ")
        assert caught.value.message.endswith("of test_bad_input.py: ValueError: no luck.")
        assert isinstance(caught.value.__cause__, ValueError)
        with pytest.raises(
            ProjectionFailed, match=r"raises_later failed at line \d+ of .*: KeyError: 'gone'\."
        ):
            lab.project(raises_later)

    def test_when_it_is_kept_nothing_is_left_behind(self, lab: pt.Lab, tmp_path: Path) -> None:
        for function in (raises_at_once, raises_later):
            with pytest.raises(ProjectionFailed):
                materialize(lab.log, pt.projection(function), tmp_path)
        assert list(tmp_path.rglob("*.parquet")) == []

    def test_errors_of_the_package_stay_what_they_are(self, lab: pt.Lab) -> None:
        def picky(touches):
            return touches.needs("pth")

        with pytest.raises(UnknownName, match="Did you mean 'path'"):
            lab.project(picky)

    def test_a_table_is_no_relation(self, lab: pt.Lab) -> None:
        with pytest.raises(pt.errors.InvalidOption, match="returned a DataFrame, not a Rel"):
            lab.project(lambda touches: pd.DataFrame())


class TestAParameter:
    @pytest.mark.parametrize(
        ("name", "params"),
        [
            ("co_changes", {"min_count": "two"}),
            ("co_changes", {"max_files": "50"}),
            ("collaboration", {"min_files": ""}),
            ("causality", {"days_after": "14"}),
        ],
        ids=str,
    )
    def test_a_text_for_a_number_is_refused_by_its_name(
        self, lab: pt.Lab, name: str, params: dict[str, str]
    ) -> None:
        """Not as a failure of the projection: the analyst's choice is what has to change."""
        ((param, value),) = params.items()
        with pytest.raises(pt.errors.InvalidOption) as caught:
            lab.project(name, **params)
        assert caught.value.message == f"{param}={value!r} of {name} is no number."
        assert caught.value.hint.startswith(f"Without it, {name} takes {param}=")

    def test_an_unnamed_function_is_named_without_its_address(self, lab: pt.Lab) -> None:
        """Two runs say the same."""
        with pytest.raises(pt.errors.InvalidOption, match=r"^The projection <lambda> returned"):
            lab.project(lambda touches: 3)

    @pytest.mark.parametrize(
        ("name", "params", "why"),
        [
            ("co_changes", {"min_count": -1}, "is below 1"),
            ("co_changes", {"max_files": 0}, "is below 1"),
            ("co_changes", {"min_count": 2.7}, "is no integer"),
            ("co_changes", {"min_count": None}, "is no integer"),
            ("co_changes", {"max_files": True}, "is no integer"),
            ("collaboration", {"max_authors": 1}, "is below 2"),
            ("collaboration", {"max_authors": "3"}, "is no number"),
            ("collaboration", {"min_files": 0}, "is below 1"),
            ("author_expertise", {"min_commits": -1}, "is below 1"),
            ("hotspots", {"min_commits": float("nan")}, "is no integer"),
            ("terms", {"min_df": 0}, "is below 1"),
            ("session_commits", {"hours_after": -1}, "is below 0"),
            ("session_commits", {"hours_after": float("inf")}, "is no finite number"),
            ("decision_context", {"days": float("nan")}, "is no finite number"),
            ("causality", {"days_after": 1e30}, "is above 1,000,000"),
            ("causality_lags", {"bins": 10**30}, "is above 1,000"),
            ("causality_null", {"shifts": 10**30}, "is above 100,000"),
            ("causality_null", {"seed": -1}, "is below 0"),
            ("causality_null", {"seed": None}, "is no integer"),
            ("import_coupling", {"hidden": "False"}, "is neither True nor False"),
            ("import_coupling", {"hops": True}, "is no integer"),
        ],
        ids=str,
    )
    def test_a_value_that_makes_no_sense_is_refused_by_its_name(
        self, lab: pt.Lab, name: str, params: dict[str, object], why: str
    ) -> None:
        """It gave an empty table, every pair, a number cut off, or another table each time."""
        ((param, value),) = params.items()
        default = registry.find(name).params[param]
        for ask in (lab.project, lab.materialize):
            with pytest.raises(pt.errors.InvalidOption) as caught:
                ask(name, **params)
            assert caught.value.message == f"{param}={value!r} of {name} {why}."
            assert f"Without it, {name} takes {param}={default!r}." in caught.value.hint

    def test_what_makes_sense_is_taken(self, lab: pt.Lab) -> None:
        """NumPy's numbers too, None where there need not be a limit, and whole days."""
        import numpy as np

        pairs = lab.project("co_changes", min_count=np.int64(3), max_files=None)
        assert pairs.equals(lab.project("co_changes", min_count=3, max_files=None))
        assert len(lab.project("causality", days_after=np.float64(7)))
        assert len(lab.project("session_commits", hours_after=0))
        assert len(lab.project("import_coupling", hidden=np.bool_(False)))

    def test_a_projection_of_a_cell_says_what_its_parameters_take(self, lab: pt.Lab) -> None:
        """By annotations and by its ranges; where it says nothing, it takes what it is given."""

        @pt.projection(ranges={"top": (1, 100)})
        def busiest(touches: Rel, *, top: int = 10, share=1) -> Rel:
            return touches.query(f"SELECT path, {share} AS share FROM touches LIMIT {top}")

        assert list(lab.project(busiest, top=2, share=0.5)["share"]) == [0.5, 0.5]
        for wrong, why in ((0, "is below 1"), (101, "is above 100"), (1.5, "is no integer")):
            with pytest.raises(pt.errors.InvalidOption, match=f"top={wrong} of busiest {why}"):
                lab.project(busiest, top=wrong)


class TestQueries:
    """What a SELECT may say, and what is said of it where it may not."""

    def test_a_relation_that_was_not_given(self, lab: pt.Lab) -> None:
        """DuckDB named its own table, which has what comes after the slice's end, too."""
        for table in ("touchs", "commits"):
            with pytest.raises(UnknownName, match=f"no relation '{table}'") as caught:
                lab.rel("touches").query(f"SELECT path FROM {table}").df()
            assert "log." not in str(caught.value)
            assert ("Did you mean 'touches'?" in caught.value.hint) == (table == "touchs")
            assert "It has touches;" in caught.value.hint
        with pytest.raises(pt.errors.UsageError) as asked:
            lab.sql("SELECT * FROM touchs")
        assert asked.value.hint == "Did you mean 'touches'?"

    def test_an_input_that_lacks_a_relation_is_the_one_that_is_told(self, lab: pt.Lab) -> None:
        inner = lab.rel("touches").query("SELECT path FROM gone")
        with pytest.raises(UnknownName, match="no relation 'gone'") as caught:
            inner.query("SELECT count(*) AS n FROM this").df()
        assert "It has touches;" in caught.value.hint

    def test_only_one_statement(self, lab: pt.Lab) -> None:
        """The last one was answered, and the first forgotten."""
        two = "SELECT path FROM touches; SELECT 2 AS path"
        with pytest.raises(pt.errors.UsageError, match="more than one statement"):
            lab.project(lambda touches: touches.query(two))

    def test_a_semicolon_at_the_end_or_in_a_text_is_none(self, lab: pt.Lab) -> None:
        """And a query goes on from there."""
        ended = lab.rel("touches").query("SELECT path, 'a;b' AS mark FROM touches; -- all; of them")
        again = ended.query("SELECT count(*) AS n, max(mark) AS mark FROM this").df()
        assert again["n"][0] == len(lab.rel("touches").df())
        assert again["mark"][0] == "a;b"

    def test_a_column_of_using_gets_its_nearest(self, lab: pt.Lab) -> None:
        joined = lab.rel("touches").query(
            "SELECT path FROM touches JOIN commits USING (sqe)", commits=lab.rel("commits")
        )
        with pytest.raises(UnknownName, match="no column 'sqe'") as caught:
            joined.df()
        assert "Did you mean 'seq'?" in caught.value.hint

    def test_a_parameter_named_almost_like_a_projection(self, lab: pt.Lab) -> None:
        with pytest.raises(UnknownName, match="no projection 'hotspot'") as caught:
            lab.project(lambda hotspot: hotspot)
        assert caught.value.hint == "Did you mean 'hotspots'?"


class TestWhatIsNoProjection:
    @pytest.mark.parametrize("given", [3, None, ["hotspots"]], ids=str)
    def test_no_function_either(self, lab: pt.Lab, given: object) -> None:
        for ask in (lab.project, lab.materialize) if given is not None else (lab.project,):
            with pytest.raises(pt.errors.InvalidOption, match="is no projection but of the type"):
                ask(given)

    def test_a_table_is_no_log(self, lab: pt.Lab) -> None:
        with pytest.raises(pt.errors.InvalidOption, match="hotspots was given a DataFrame"):
            pt.hotspots(lab.rel("touches").df())

    def test_a_plain_function_is_not_kept(self, lab: pt.Lab) -> None:
        """It has no version; it was an AttributeError."""
        with pytest.raises(pt.errors.InvalidOption, match="The function plain has no version"):
            lab.materialize(plain)
        with pytest.raises(pt.errors.InvalidOption, match="The function plain has no version"):
            lab.evidence(plain, {})

    @pytest.mark.parametrize(
        ("told", "why"),
        [
            ({"version": "2"}, "is no integer from 1"),
            ({"version": 0}, "is no integer from 1"),
            ({"needs": {"touchs": ("path",)}}, "no relation that plain reads 'touchs'"),
            ({"ranges": {"tpo": (1, None)}}, "no parameter of plain 'tpo'"),
        ],
        ids=str,
    )
    def test_a_declaration_that_nobody_would_look_at(self, told: dict, why: str) -> None:
        with pytest.raises(pt.errors.UsageError, match=why):
            pt.projection(**told)(plain)

    def test_a_projection_of_no_function(self) -> None:
        with pytest.raises(pt.errors.InvalidOption, match="made of a function, and 5 is none"):
            pt.projection(5)


def plain(touches, *, top=1):
    return touches


class TestEvaluate:
    @pytest.mark.parametrize(
        "wrong",
        [{"k": 0}, {"k": 2.5}, {"k": "5"}, {"max_files": 1}, {"max_files": None}, {"seed": None}],
        ids=str,
    )
    def test_a_number_that_is_none_is_refused(self, lab: pt.Lab, wrong: dict[str, Any]) -> None:
        """One gave another interval each time; others were errors of something inside."""
        ((name, value),) = wrong.items()
        with pytest.raises(pt.errors.InvalidOption, match=rf"^{name}={value!r} is no integer from"):
            pt.evaluate(pt.co_changes, *lab.log.split("2025-03-01"), **wrong)

    def test_what_is_no_projection_or_no_slice(self, lab: pt.Lab) -> None:
        train, valid = lab.log.split("2025-03-01")
        with pytest.raises(pt.errors.InvalidOption, match=r"^plain is no projection"):
            pt.evaluate(plain, train, valid)
        with pytest.raises(pt.errors.InvalidOption, match="type int, is no slice of a log"):
            pt.evaluate(pt.co_changes, 1, valid)

        @pt.projection
        def weak(touches):
            return touches.query("SELECT path AS file_a, old_path AS file_b FROM touches")

        with pytest.raises(pt.errors.UsageError, match="weak says of no pair of files how strong"):
            pt.evaluate(weak, train, valid)

    def test_a_name_will_do(self, lab: pt.Lab) -> None:
        train, valid = lab.log.split("2025-03-01")
        named = pt.evaluate("co_changes", train, valid)
        assert named.equals(pt.evaluate(pt.co_changes, train, valid))
