"""`projection`: any function from relations to a relation, with a name and a version."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import pandas as pd
import pytest

import patina_lab as pt
from patina_lab.errors import InvalidOption, UnknownName
from patina_lab.eventlog.relations import NAMES
from patina_lab.projections import registry
from patina_lab.projections.evidence import literal
from patina_lab.projections.projection import Projection, check_params, projection, reads
from patina_lab.projections.rel import Rel

sys.path.insert(0, str(Path(__file__).parents[1] / "sources"))
from gitraw import seed_library


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Return the lab of the seed library."""
    place = tmp_path_factory.mktemp("projection")
    repo, _ = seed_library(place / "repo")
    lab = pt.open(repo.path, home=place / "home")
    lab.scrape(progress=False)
    return lab


@projection(version=3, columns={"author": "text", "n": "integer, commits"})
def busy(commits: Rel, *, at_least: int = 1) -> Rel:
    """Count commits by author."""
    return commits.query(
        "SELECT author_name AS author, count(*) AS n FROM commits GROUP BY author_name "
        f"HAVING count(*) >= {int(at_least)} ORDER BY n DESC, author"
    )


def test_a_projection_is_its_function_with_a_name_and_a_version():
    """What help shows is the function's."""
    assert (busy.name, busy.version, busy.reads) == ("busy", 3, ("commits",))
    assert busy.__doc__ == "Count commits by author."
    assert repr(busy) == "<projection busy v3: reads commits>"
    assert busy.columns == {"author": "text", "n": "integer, commits"}
    with pytest.raises(dataclasses.FrozenInstanceError):
        busy.version = 4


def test_the_decorator_needs_no_arguments_and_takes_a_name():
    """As one writes it in a cell, and as one keeps it in a file."""

    @projection
    def plain(touches, decisions):
        return touches

    @projection(name="other name")
    def named(eventlog):
        return eventlog

    assert isinstance(plain, Projection)
    assert (plain.name, plain.version, dict(plain.columns)) == ("plain", 1, {})
    assert plain.reads == ("touches", "decisions")
    assert named.name == "other name"


def test_calling_a_projection_composes_text():
    """No engine is needed for that."""
    rel = busy(Rel("SELECT 'ann' AS author_name", "commits"), at_least=2)
    assert isinstance(rel, Rel)
    assert "HAVING count(*) >= 2" in rel.to_sql()


def test_a_lab_computes_a_projection_over_its_slice(lab):
    """A table that says what it was made of, how, and with what choices."""
    table = lab.project(busy)
    assert table.values.tolist() == [
        ["Ann", 4],
        ["Bob", 1],
        ['O\'Brien, "Pat"', 1],
        ["dependabot[bot]", 1],
    ]
    early = lab.as_of("2025-03-02").project(busy, at_least=2)
    assert early.values.tolist() == [["Ann", 2]]
    assert early.attrs == {
        "source_sha": lab.log.opened.manifest.source_sha,
        "digest": lab.as_of("2025-03-02").digest,
        "projection": "busy",
        "version": 3,
        "params": {"at_least": 2},
    }


def test_any_function_of_a_cell_will_do(lab):
    """A lambda, one of several relations, one that reads what another made."""
    assert lab.project(lambda tags: tags.query("SELECT count(*) AS n FROM tags"))["n"][0] == 2

    def both(commits, touches, *, path="%"):
        return commits.query(
            "SELECT count(DISTINCT sha) AS n FROM commits JOIN touches USING (seq) "
            f"WHERE path LIKE '{path}'",
            touches=touches,
        )

    assert lab.project(both)["n"][0] == 6
    assert lab.project(both, path="src/%")["n"][0] == 3
    twice = lab.project(lambda commits: busy(commits).query("SELECT sum(n) AS n FROM this"))
    assert twice["n"][0] == 7


def test_the_same_projection_twice_is_the_same_table(lab):
    """It is a function of the slice, and of nothing else."""
    pd.testing.assert_frame_equal(lab.project(busy), lab.project(busy))


def _returns_a_table(touches):
    return touches.df()


def _positional_choice(touches, top):
    return touches


@pytest.mark.parametrize(
    ("ask", "error", "message", "hint"),
    [
        (lambda lab: lab.project(busy, atleast=2), UnknownName,
         "There is no parameter of busy 'atleast'.", "Did you mean 'at_least'?"),
        (lambda lab: lab.project(lambda touchs: touchs), UnknownName,
         "There is no relation 'touchs'.", "Did you mean 'touches'?"),
        (lambda lab: lab.project(_positional_choice), UnknownName,
         "There is no relation 'top'.", "Known: authors"),
        (lambda lab: lab.project(lambda: None), InvalidOption,
         "reads no relation.", "Name its parameters after relations: eventlog, commits"),
        (lambda lab: lab.project(_returns_a_table), InvalidOption,
         "returned a DataFrame, not a Rel.", "Return touches.query('SELECT"),
    ],
    ids=["parameter", "relation", "choice by position", "no relation", "no Rel"],
)  # fmt: skip
def test_a_function_that_is_no_projection_is_told_why(lab, ask, error, message, hint):
    """What is wrong, and what to write instead."""
    with pytest.raises(error) as caught:
        ask(lab)
    assert caught.value.message.endswith(message)
    assert caught.value.hint.startswith(hint)


def test_positional_parameters_are_relations_and_keywords_choices():
    """That is the whole of the convention."""

    def function(touches, /, commits, *, top=1, **more):
        return touches

    assert reads(function) == ("touches", "commits")
    check_params(function, {"top": 3})
    with pytest.raises(UnknownName, match="no parameter of function 'tpo'"):
        check_params(function, {"tpo": 3})


@pytest.mark.parametrize("name", ["commits", "sessions", "observations", "goals", "decisions"])
def test_a_relation_is_a_projection_of_its_own_name(lab, name):
    """Over every slice, with the event of each row; a parameter is refused."""
    none = lab.log.between("1990-01-01", "1990-01-02").rel(name).df()
    for log in (lab, lab.as_of("2025-02-01")):
        table = log.project(name)
        assert table.equals(log.rel(name).df())
        assert table.attrs["projection"] == name
        assert list(none.columns) == list(table.columns)
    for _, row in table.head(3).iterrows():
        assert list(lab.evidence(name, row).df()["seq"]) == [row["seq"]]
    with pytest.raises(UnknownName, match=f"no parameter of {name} 'top'"):
        lab.project(name, top=3)


def test_what_is_neither_names_both():
    with pytest.raises(UnknownName, match="Did you mean 'commits'"):
        registry.find("comits", NAMES)
    with pytest.raises(UnknownName, match="no projection 'commits'"):
        registry.find("commits")


@pytest.mark.parametrize("nothing", [None, float("nan"), pd.NA, pd.NaT], ids=repr)
def test_what_is_missing_in_a_row_is_null(nothing):
    """A column that is all NULL, such as the lines of binary files, holds pandas' own."""
    assert literal(nothing) == "NULL"
