"""Checks: met, not met, not asked; on the page, in JSON, and as an exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from patina_lab.cli import main
from patina_lab.errors import InvalidOption
from patina_lab.reports.checks import MIME, Check, Checks, at_least, at_most, read

NUMBERS = st.none() | st.integers(0, 20) | st.floats(0, 20)


@given(NUMBERS, st.integers(-3, 20))
def test_a_limit_is_met_not_met_or_not_asked(value: float | None, limit: int) -> None:
    most, least = at_most("n", value, limit, "x"), at_least("n", value, limit, "x")
    assert (most.state == "not asked") == (limit < 0)
    assert (least.state == "not asked") == (limit <= 0)
    if value is None:
        assert "met" not in (most.state, least.state), "what cannot be known is not met"
    elif limit > 0:
        assert (most.state == "met") == (value <= limit)
        assert (least.state == "met") == (value >= limit)


def test_the_verdict_counts_what_was_asked() -> None:
    made = Checks(
        [at_most("lost", 2, 1, "2 lost"), at_most("new", 2, 5, ""), at_most("x", 1, -1, "")]
    )
    assert made.verdict == "1 of 2 checks not met: lost."
    assert [one.name for one in made.failed] == ["lost"]
    assert Checks(made[1:]).verdict == "All 1 checks are met."
    assert Checks(made[2:]).verdict == "No limit was set: nothing was checked."
    assert "✗  lost: 2 lost" in repr(made)


def test_what_a_cell_showed_is_read_again() -> None:
    made = Checks([at_most("<b>", 2, 1, "<i>"), at_least("b", None, 1, "none")])
    bundle = made._repr_mimebundle_()
    assert "<b>" not in bundle["text/html"].replace("<b></b>", "")
    output = {"output_type": "execute_result", "data": json.loads(json.dumps(bundle))}
    cell = {"metadata": {"tags": ["checks"]}, "outputs": [output]}
    other = {"metadata": {}, "outputs": [output]}
    assert list(read([other, cell])) == list(made)
    assert list(read([other])) == []
    assert MIME in bundle


def test_a_state_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidOption, match="'maybe' is no state"):
        Check("x", "maybe", None, "", "")


# -- as an exit code ---------------------------------------------------------------------

CELL = """
from patina_lab.reports.checks import Checks, at_most
Checks([at_most("lost beliefs", 2, limit, "2 lost")])
"""


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("papermill")
    new = nbformat.v4
    parameters = 'repo: str = ""  # a path\nlimit: int = 3  # lost beliefs'
    made = new.new_notebook(
        cells=[
            new.new_code_cell(parameters, metadata={"tags": ["parameters"]}),
            new.new_code_cell(CELL, metadata={"tags": ["checks"]}),
            new.new_code_cell("'0123abc'", metadata={"tags": ["digest"]}),
        ]
    )
    path = tmp_path / "asked.ipynb"
    nbformat.write(made, path)
    return path


@pytest.mark.notebook
@pytest.mark.slow
@pytest.mark.parametrize(("limit", "code"), [(3, 0), (1, 1), (-1, 0)])
def test_the_exit_code_is_1_when_a_check_is_not_met(
    notebook: Path, tmp_path: Path, limit: int, code: int
) -> None:
    """And the page is there all the same."""
    told = ["report", str(notebook), "--out", str(tmp_path / "out"), "-p", f"limit={limit}"]
    result = CliRunner().invoke(main, [*told, "--json"])
    said = json.loads(result.stdout)
    assert result.exit_code == code
    assert said["failed"] == (["lost beliefs"] if code else [])
    assert said["checks"][0]["value"] == 2
    assert "2 lost" in Path(said["html"]).read_text(encoding="utf-8")
    assert said["digest"] == "0123abc"


@pytest.mark.notebook
@pytest.mark.slow
def test_for_people_it_is_a_sentence(notebook: Path, tmp_path: Path) -> None:
    told = ["report", str(notebook), "--out", str(tmp_path / "out"), "-p", "limit=1"]
    result = CliRunner().invoke(main, told)
    assert result.exit_code == 1
    assert "patina-lab: 1 of 1 checks not met: lost beliefs." in result.stderr
    assert "✗  lost beliefs: 2 lost" in result.stdout
