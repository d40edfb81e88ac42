"""The benchmark of projections runs through, compares equals, and judges its own figures."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest
from notation import build_repo

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "projections.py"
STORY = "\n".join(
    f"2025-{month:02}-{day:02} git.commit {who} a.py b{day % 5}.py c{month}.py"
    for month in range(1, 13)
    for day, who in ((3, "ann"), (9, "bob"), (14, "cyd"), (20, "ann"))
)


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("benchmark_projections", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_a_run_gives_every_figure_and_equal_answers(bench, tmp_path, monkeypatch) -> None:
    """On a small repository and a small made-up log; nothing of this machine is told."""
    build_repo(STORY, tmp_path / "story")
    monkeypatch.setattr(bench, "one_commit", lambda scratch: {})
    monkeypatch.setattr(bench, "GROWTH", bench.GROWTH[:2])
    out, page = tmp_path / "out.json", tmp_path / "out.md"
    told = ["--commits", "1000", "--json", str(out), "--markdown", str(page)]
    assert bench.main([str(tmp_path / "story"), "--rounds", "1", *told]) == 0
    result = json.loads(out.read_text())
    (measured,) = result["repositories"]
    assert (measured["name"], measured["commits"], measured["same_pairs"]) == ("story", 48, True)
    assert not [name for name, task in measured["tasks"].items() if "failed" in task]
    assert measured["tasks"]["causality"]["rows"] == measured["tasks"]["pandas windows"]["rows"]
    assert {"co_changes", "hotspots"} <= set(measured["incremental"])
    assert result["growth"]
    assert all(row["same_rows"] for row in result["growth"])
    assert str(tmp_path) not in page.read_text() + out.read_text()


def test_a_made_up_log_is_the_same_each_time(bench) -> None:
    one, two = (bench.made_up(500)["touches"] for _ in range(2))
    assert one.equals(two)
    assert 2 < len(one) / 500 < 5
    files = bench.made_up(500, one_of=1000)["touches"]["files"].to_pylist()
    assert max(files) == 1000


def test_a_task_that_fails_is_told_and_not_counted(bench, tmp_path) -> None:
    bench.write_log(tmp_path, bench.made_up(10))
    failed = bench.run(tmp_path, "project", engine="duckdb", name="causality", params={})
    assert list(failed) == ["failed"]
    good = bench.run(tmp_path, "id-join", least=1)
    assert bench.ratio([good], [failed]) is None
    assert "did not finish" in bench.verdict("co_changes / id-join", None)


@pytest.mark.parametrize(("values", "said"), [([0.4, 0.5, 0.9], "met"), ([0.6], "**missed**")])
def test_a_figure_says_whether_it_meets_its_target(bench, values, said) -> None:
    assert bench.verdict("co_changes / id-join", values).endswith(f"| {said} |")
