"""A column that is missing, a table that is not the declared one, a projection that raises."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from notation import build_repo

import patina_lab as pt
from patina_lab.errors import PatinaError, ProjectionFailed, UnknownName, UsageError
from patina_lab.projections import registry
from patina_lab.projections.columns import missing_column
from patina_lab.projections.projection import compose, inputs
from patina_lab.projections.rel import Computed, Rel, compute

STORY = """
2025-03-01 git.commit ann a.py b.py
2025-03-02 decision_made ann decision="use b"
2025-03-03 git.commit bob a.py b.py
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> pt.Lab:
    base = tmp_path_factory.mktemp("columns")
    build_repo(STORY, base / "repo")
    lab = pt.open(base / "repo", home=base / "home")
    lab.scrape(progress=False)
    return lab


def says(lab: pt.Lab, ask) -> PatinaError:
    with pytest.raises(PatinaError) as caught:
        ask(lab)
    assert len(str(caught.value).splitlines()) == 1
    return caught.value


@pytest.mark.parametrize(
    ("ask", "message", "nearest"),
    [
        (lambda lab: lab.sql("SELECT auhtor FROM touches"),
         "There is no column 'auhtor' in touches.", "'author_name'"),
        (lambda lab: lab.sql("SELECT t.pth FROM touches t"),
         "There is no column 'pth' in touches.", "'path'"),
        (lambda lab: lab.sql("SELECT shaa FROM commits JOIN touches USING (seq)"),
         "There is no column 'shaa' in commits or touches.", "'sha'"),
        (lambda lab: lab.rel("touches").query("SELECT pathh FROM this").columns,
         "There is no column 'pathh' in touches.", "'path'"),
        (lambda lab: lab.rel("touches").query("SELECT path AS file FROM this")
         .query("SELECT fil FROM this").explain(),
         "There is no column 'fil' in this.", "'file'"),
        (lambda lab: pt.co_changes(lab.log).query("SELECT file_c FROM this").arrow(),
         "There is no column 'file_c' in this.", "'file_a'"),
        (lambda lab: lab.project(lambda touches: touches.query("SELECT lines FROM touches")),
         "There is no column 'lines' in touches.", "'files'"),
        (lambda lab: pt.co_changes(
            lab.rel("touches").query("SELECT seq, path, files, occurred_us, author_name FROM this"),
            by="author_day"),
         "There is no column 'author_email' in this.", "'author_name'"),
    ],
)  # fmt: skip
def test_a_missing_column_is_named_with_the_nearest_and_all(lab, ask, message, nearest) -> None:
    error = says(lab, ask)
    assert isinstance(error, UnknownName)
    assert error.message == message
    assert error.hint.startswith("Did you mean ")
    assert nearest in error.hint
    assert " has " in error.hint


def test_an_error_deep_inside_is_told_where_it_is(lab: pt.Lab) -> None:
    """The step that lacks the column has the columns that are listed."""
    inner = lab.rel("touches").query("SELECT pthh FROM touches")
    error = says(lab, lambda _: inner.query("SELECT count(*) FROM this").df())
    assert error.message == "There is no column 'pthh' in touches."


def test_what_a_projection_needs_is_checked_before_any_sql_is_bound(lab: pt.Lab) -> None:
    """Even by a function that would never ask for the column."""
    asked = []

    @pt.projection(needs={"touches": ("path", "auhtor_name")})
    def careful(touches):
        asked.append(touches)
        return touches

    error = says(lab, lambda lab: lab.project(careful))
    assert error.message == "There is no column 'auhtor_name' in touches."
    assert not asked
    bare = lab.rel("touches").query("SELECT seq, path FROM touches")
    error = says(lab, lambda _: pt.co_changes(bare))
    assert error.message == "There is no column 'files' in touches."


@pytest.mark.parametrize("name", registry.names())
def test_what_a_projection_declares_to_need_is_all_that_it_needs(lab: pt.Lab, name: str) -> None:
    """It runs on exactly those columns, and on none less."""
    projection = registry.find(name)
    assert projection.needs.keys() == set(projection.reads), "every relation is declared"
    given = inputs(projection.function, lab.log)
    whole = [replace(rel, name=n) for n, rel in zip(projection.reads, given, strict=True)]

    def narrowed(left_out: tuple[str, str] | None) -> list[Rel]:
        return [
            replace(
                rel.query(
                    "SELECT "
                    + ", ".join(c for c in projection.needs[rel.name] if (rel.name, c) != left_out)
                    + f" FROM {rel.name}"
                ),
                name=rel.name,
            )
            for rel in whole
        ]

    def by_text(made: Rel | Computed) -> Rel | Computed:
        # Arrays may do with less than the text, which other engines run.
        return replace(made, direct=None) if isinstance(made, Rel) else made

    by_text(projection.function(*narrowed(None))).arrow()
    unchecked = replace(projection, needs={})
    for relation, columns in projection.needs.items():
        for column in columns:
            with pytest.raises(UsageError):
                by_text(unchecked(*narrowed((relation, column)))).arrow()


@pytest.mark.parametrize("kind", ["sql", "python"])
def test_a_table_that_is_not_the_declared_one_is_refused(lab: pt.Lab, kind: str) -> None:
    @pt.projection(columns={"path": "text", "commits": "integer"})
    def promising(touches):
        rel = touches.query("SELECT DISTINCT path, 1 AS n FROM touches")
        return rel if kind == "sql" else compute(lambda table: table, rel)

    error = says(lab, lambda lab: lab.project(promising))
    assert error.message == (
        "The projection promising does not give the columns that it declares "
        "(it lacks commits; undeclared: n)."
    )
    assert error.hint == "It declares path, commits and gives path, n."


def test_an_undeclared_table_may_have_any_columns(lab: pt.Lab) -> None:
    assert len(lab.project(lambda decisions: decisions)) == 1


@pytest.mark.parametrize("kind", ["composing", "computing"])
def test_a_projection_that_raises_is_one_sentence_with_its_place(lab: pt.Lab, kind: str) -> None:
    @pt.projection
    def broken(touches):
        if kind == "composing":
            raise ZeroDivisionError("division by zero")
        return compute(lambda table: 1 / 0, touches)

    error = says(lab, lambda lab: lab.project(broken))
    assert isinstance(error, ProjectionFailed)
    assert re.fullmatch(
        r"The projection broken failed at line \d+ of test_columns\.py: "
        r"ZeroDivisionError: division by zero\.",
        error.message,
    )


def test_an_error_of_our_own_passes_as_it_is(lab: pt.Lab) -> None:
    error = says(lab, lambda lab: compose(registry.find("churn"), lab.log, {"period": "eon"}))
    assert error.message == "'eon' is no period."


@pytest.mark.parametrize(
    ("said", "column"),
    [
        ('Referenced column "x y" was not found because the FROM clause is missing', "x y"),
        ('Table "t" does not have a column named "pth"', "pth"),
        ("Schema error: No field named pth.\nValid fields are touches.path.", "pth"),
        ('Schema error: No field named "Pth". Did you mean', "Pth"),
        ("[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column, variable, or function parameter with "
         "name `t`.`pth` cannot be resolved. Did you mean `path`?", "pth"),
        ('attribute ObjectName([Identifier("t"), Identifier("pth")]) is missing from the schema',
         "pth"),
        ("Table with name x does not exist!", None),
    ],
)  # fmt: skip
def test_how_engines_say_that_a_column_is_missing(said: str, column: str | None) -> None:
    assert missing_column(said) == column
