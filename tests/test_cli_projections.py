"""`patina-lab project`, `projections` and `evaluate`."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from patina_lab.cli import main
from patina_lab.datasets import teaching


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return teaching(tmp_path_factory.mktemp("project") / "seedpost")


@pytest.fixture
def run(repo: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATINA_HOME", str(repo.parent / "home"))

    def call(*args: str) -> Result:
        return CliRunner().invoke(main, list(args), catch_exceptions=False)

    return call


def test_a_projection_comes_as_a_table_or_a_file(run, repo: Path, tmp_path: Path) -> None:
    asked = ("project", "co_changes", "--repo", str(repo), "--as-of", "2025-04-01")
    assert "seedpost/api.py" in run(*asked).stdout
    assert run(*asked, "--format", "parquet", "-o", str(tmp_path / "x.parquet")).exit_code == 0
    lines = [json.loads(line) for line in run(*asked, "--json").stdout.splitlines()]
    assert pd.read_parquet(tmp_path / "x.parquet")["count"].tolist() == [r["count"] for r in lines]


def test_the_formats_hold_the_same_rows(run, repo: Path, tmp_path: Path) -> None:
    """CSV, one JSON document, JSON lines, Parquet; to a file or to standard out."""
    asked = ("project", "hotspots", "--repo", str(repo), "--format")
    document = json.loads(run(*asked, "json").stdout)
    lines = [json.loads(line) for line in run(*asked, "jsonl").stdout.splitlines()]
    assert document == lines
    assert len(document) > 3
    for form, read in (("csv", pd.read_csv), ("json", pd.read_json), ("parquet", pd.read_parquet)):
        place = tmp_path / f"x.{form}"
        assert run(*asked, form, "-o", str(place)).exit_code == 0
        assert read(place)["path"].tolist() == [row["path"] for row in document]
    empty = run(*asked, "json", "--author", "nobody").stdout
    assert json.loads(empty) == []


def test_parameters_are_given_by_name(run, repo: Path) -> None:
    asked = ("project", "co_changes", "--repo", str(repo), "--json")
    few = run(*asked, "-p", "min_count=9").stdout.splitlines()
    many = run(*asked, "-p", "min_count=1", "-p", "max_files=none").stdout.splitlines()
    assert 0 < len(few) < len(many)
    wrong = run(*asked, "-p", "min_cout=9")
    assert wrong.exit_code == 2
    assert "Did you mean 'min_count'" in wrong.stderr


def test_an_unknown_projection_gets_its_nearest(run, repo: Path) -> None:
    result = run("project", "hotspot", "--repo", str(repo))
    assert result.exit_code == 2
    assert "Did you mean 'hotspots'" in result.stderr


def test_projections_are_listed_with_columns_and_parameters(run) -> None:
    said = {p["name"]: p for p in json.loads(run("projections", "--json").stdout)}
    assert said["co_changes"]["reads"] == ["touches"]
    assert said["co_changes"]["params"] == {"max_files": 50, "min_count": 2, "by": "commit"}
    assert all(p["columns"] and p["doc"] for p in said.values())


def test_evaluate_judges_a_projection(run, repo: Path) -> None:
    said = json.loads(
        run("evaluate", "--repo", str(repo), "--split", "2025-04-01", "--json").stdout
    )
    assert {m["method"] for m in said["methods"]} >= {"co_changes", "popularity"}
    assert said["train"] != said["valid"]


def test_true_and_false_may_be_written_as_in_python(run, repo: Path) -> None:
    """It was a text, which is true, whatever it said."""
    asked = ("project", "import_coupling", "--repo", str(repo), "-p")
    assert run(*asked, "hidden=False").exit_code == 0
    wrong = run(*asked, "hidden=no")
    assert wrong.exit_code == 2
    assert "hidden='no' of import_coupling is neither True nor False." in wrong.stderr


def test_an_option_of_evaluate_is_no_parameter(run, repo: Path) -> None:
    """It was a traceback."""
    result = run("evaluate", "--repo", str(repo), "--split", "2025-04-01", "-p", "k=3")
    assert result.exit_code == 2
    assert "'k' is no parameter of a projection." in result.stderr
