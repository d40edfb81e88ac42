"""The benchmark script runs through, and judges its own figures."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "load.py"


@pytest.fixture(scope="module")
def load():
    spec = importlib.util.spec_from_file_location("benchmark_load", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    place = tmp_path / "tiny"
    env = {
        **os.environ,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_AUTHOR_NAME": "Ada",
        "GIT_AUTHOR_EMAIL": "ada@example.org",
        "GIT_COMMITTER_NAME": "Ada",
        "GIT_COMMITTER_EMAIL": "ada@example.org",
    }

    def git(*args: str) -> None:
        subprocess.run(["git", *args], check=True, env=env, capture_output=True)

    git("init", "-q", "-b", "main", str(place))
    for n in range(4):
        (place / f"{n}.txt").write_text("line\n" * (n + 1))
        git("-C", str(place), "add", ".")
        git("-C", str(place), "commit", "-q", "-m", f"number {n}")
    return place


@pytest.mark.slow
def test_a_round_gives_every_figure_and_equal_counts(load, repository, tmp_path, capsys):
    out = tmp_path / "out.json"
    code = load.main([str(repository), "--rounds", "1", "--peers", "--json", str(out)])
    page = capsys.readouterr().out
    result = json.loads(out.read_text())
    (measured,) = result["repositories"]
    assert (code, measured["failed"], measured["commits"]) == (0, "", 4)
    assert "full load, CPU" in page
    assert str(tmp_path) not in page + json.dumps(result)
    names = {figure["name"] for figure in measured["figures"]}
    assert {"full load, wall", "without line counts, CPU", "log on disk / JSON in it"} <= names
    # PyDriller and pygit2 are measured where they are installed; GitPython always is.
    found = {row["name"]: row["found"] for row in measured["peers"] if "found" in row}
    assert {"patina_lab", "GitPython commit.stats"} <= set(found)
    assert set(map(tuple, found.values())) == {(4, 10, 0)}


def test_a_clone_that_git_cannot_read_is_named(load, repository, tmp_path, capsys):
    blob = subprocess.run(
        ["git", "-C", str(repository), "rev-parse", "HEAD:0.txt"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    place = repository / ".git" / "objects" / blob[:2] / blob[2:]
    place.unlink()
    (repository / ".git" / "index").unlink()  # or git takes the content from the work tree
    assert load.main([str(repository), "--rounds", "1"]) == 1
    page = capsys.readouterr().out
    assert "git alone stops at this clone" in page
    assert blob in page


def test_what_is_no_repository_is_named(load, tmp_path, capsys):
    assert load.main([str(tmp_path / "nothing")]) == 1
    assert "Not measured" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("value", "target", "met"),
    [
        (1.2, "<= 1.25", "met"),
        (1.3, "<= 1.25", "**missed**"),
        (9.0, ">= 8", "met"),
        (7.0, ">= 8", "**missed**"),
        (1.0, "", ""),
        (None, "<= 1", ""),
    ],
)
def test_a_figure_says_whether_it_meets_its_target(load, value, target, met):
    assert load.Figure("x", value, target=target).met == met


def test_rounds_begin_with_another_task_each_time(load):
    seen = []
    run = load.Run(1.0, 1.0, 0.0, b"")

    def task(name):
        return load.Task(name, lambda _: seen.append(name) or run)

    load.interleave([task("a"), task("b"), task("c")], 3)
    assert "".join(seen) == "abcbcacab"
    assert load.median([3.0, 1.0, 2.0, 4.0]) == 2.5
