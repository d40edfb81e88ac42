"""The command line, run as a user runs it: in a process of its own, or through click."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from patina_lab.cli import main
from patina_lab.datasets import teaching


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return teaching(tmp_path_factory.mktemp("cli") / "seedpost")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cli-home")


@pytest.fixture
def run(repo: Path, home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATINA_HOME", str(home))

    def call(*args: str) -> Result:
        return CliRunner().invoke(main, list(args), catch_exceptions=False)

    return call


def test_scrape_prints_the_promised_keys(run, repo: Path) -> None:
    said = json.loads(run("scrape", "--repo", str(repo), "--json", "--quiet").stdout)
    assert {"digest", "source_sha", "events", "by_type", "quarantined", "seconds"} <= set(said)
    assert sum(said["by_type"].values()) == said["events"]


def test_log_writes_the_same_rows_in_every_format(run, repo: Path, tmp_path: Path) -> None:
    chosen = ("log", "--repo", str(repo), "--type", "session.decision", "--as-of", "2025-04-01")
    for form in ("csv", "jsonl", "parquet"):
        assert run(*chosen, "--format", form, "-o", str(tmp_path / form)).exit_code == 0
    ids = pd.read_parquet(tmp_path / "parquet")["event_id"].tolist()
    assert ids
    assert ids == pd.read_csv(tmp_path / "csv")["event_id"].tolist()
    assert ids == pd.read_json(tmp_path / "jsonl", lines=True)["event_id"].tolist()


def test_an_export_has_the_same_bytes_twice(run, repo: Path, tmp_path: Path) -> None:
    for place in ("one", "two"):
        assert run("log", "--repo", str(repo), "export", str(tmp_path / place)).exit_code == 0
    for file in sorted((tmp_path / "one").iterdir()):
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes(), file.name


def test_sql_asks_the_log(run, repo: Path) -> None:
    said = run("sql", "--repo", str(repo), "--json", "SELECT count(*) AS n FROM commits").stdout
    assert json.loads(said) == [{"n": 103}]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_text('/etc/hostname')",
        "COPY (SELECT 1) TO '/tmp/patina-lab-was-here.csv'",
        "DELETE FROM log.main.eventlog",
        "CREATE TABLE log.main.t (i INTEGER)",
        "ATTACH '/tmp/patina-lab-was-here.duckdb'",
        "SET enable_external_access = true",
        "INSTALL httpfs",
    ],
)
def test_a_query_can_neither_write_nor_reach_outside(run, repo: Path, query: str) -> None:
    result = run("sql", "--repo", str(repo), query)
    assert result.exit_code == 2
    assert result.stderr.startswith("patina-lab: ")
    assert not list(Path("/tmp").glob("patina-lab-was-here*"))


@pytest.mark.parametrize(
    ("args", "code", "error"),
    [
        (("scrape", "--repo", "/nonexistent"), 2, "NotARepository"),
        (("scrape", "--at", "no-such-ref"), 2, "UnknownRevision"),
        (("scrape", "--until", "soon"), 2, "UnknownTime"),
        (("sql", "SELECT x FROM commits"), 2, "UnknownName"),
        (("log", "--relation", "comits"), 2, "UnknownName"),
        (("log", "--as-of", "v9"), 2, "UnknownRevision"),
        (("report", "01_quikstart"), 2, "UnknownName"),
        (("verify", "--at", "no-such-ref"), 2, "UnknownRevision"),
    ],
)
def test_an_error_is_one_sentence_and_with_json_a_value(
    run, repo: Path, args: tuple[str, ...], code: int, error: str
) -> None:
    where = () if "--repo" in args else ("--repo", str(repo))
    result = run(args[0], *where, *args[1:], "--json")
    assert code == result.exit_code
    assert json.loads(result.stdout)["error"] == error
    assert len(result.stderr.strip().splitlines()[-1]) > 20
    assert "Traceback" not in result.output


def test_an_unknown_option_is_a_usage_error(run) -> None:
    assert run("scrape", "--no-such-option").exit_code == 2


@pytest.mark.parametrize(
    "args",
    [
        *(("scrape", "--jobs", "0", "--json"), ("scrape", "--merges", "all", "--json")),
        *(("sql", "--json"), ("nothing", "--json"), ("--nothing", "--json")),
        *(("log", "nothing", "--json"), ("persona", "nothing", "--json")),
    ],
)
def test_what_cannot_be_understood_is_a_value_with_json_too(run, args: tuple[str, ...]) -> None:
    result = run(*args)
    said = json.loads(result.stdout)
    assert (result.exit_code, said["error"]) == (2, "UsageError")
    assert said["message"] in result.stderr
    assert "--help" in said["hint"]
    assert not run(*(arg for arg in args if arg != "--json")).stdout


def test_sql_as_json_loses_no_digit(run, repo: Path) -> None:
    query = (
        "SELECT 1 / 3.0::DOUBLE AS third, 36893488147419103232::HUGEINT AS huge, "
        "'nan'::DOUBLE AS nan, max(timestamp) AS at, DATE '2025-03-01' AS day, [1, NULL] AS list "
        "FROM eventlog"
    )
    told = run("sql", "--repo", str(repo), "--json", query)
    (row,) = json.loads(told.stdout, parse_constant=pytest.fail)
    assert row["third"] == 1 / 3
    assert (row["huge"], row["nan"]) == (2**65, None)
    assert row["at"].endswith(".000000Z")
    assert (row["day"], row["list"]) == ("2025-03-01", [1, None])
    none = run("sql", "--repo", str(repo), "--json", "SELECT 1 AS n WHERE false")
    assert json.loads(none.stdout) == []


@pytest.mark.parametrize(
    ("command", "form"), [("log", "parquet"), ("sql", "csv"), ("project", "csv")]
)
def test_two_formats_are_one_too_many(run, repo: Path, command: str, form: str) -> None:
    more = {"log": (), "sql": ("SELECT 1",), "project": ("commits",)}[command]
    result = run(command, "--repo", str(repo), *more, "--json", "--format", form)
    assert result.exit_code == 2
    assert json.loads(result.stdout)["message"] == f"--json and --format {form} are two formats."


def test_what_cannot_be_written_is_said_of_the_file(run, repo: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    chosen = ("log", "--repo", str(repo), "--type", "git.tag")
    for place in (tmp_path, tmp_path / "file" / "x.csv", Path("/dev/null/x.csv")):
        result = run(*chosen, "-o", str(place))
        assert result.exit_code == 1
        assert result.stderr.startswith(f"patina-lab: {place} cannot be written: ")
        assert "PATINA_HOME" not in result.stderr
    assert (tmp_path / "file").read_text() == "mine"


def test_a_pipe_is_written_into_and_a_link_stays_one(run, repo: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    chosen = ("log", "--repo", str(repo), "--type", "git.tag", "-o")
    with subprocess.Popen(["cat", str(tmp_path / "pipe")], stdout=subprocess.PIPE) as reader:
        assert run(*chosen, str(tmp_path / "pipe")).exit_code == 0
        read = reader.communicate()[0]
    assert run(*chosen, str(tmp_path / "link")).exit_code == 0
    assert (tmp_path / "pipe").is_fifo()
    assert (tmp_path / "link").is_symlink()
    assert read == (tmp_path / "file").read_bytes() != b""


def test_doctor_says_ok_and_the_remedy_of_what_is_absent(run) -> None:
    found = {f["name"]: f for f in json.loads(run("doctor", "--json").stdout)}
    assert found["git"]["state"] == "ok"
    assert all(f["remedy"] for f in found.values() if f["state"] != "ok")


def test_doctor_without_git_exits_with_3(home: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "patina_lab.cli", "doctor"], capture_output=True, text=True,
        check=False, env={"PATH": str(tmp_path / "bin"), "PATINA_HOME": str(home)},
    )  # fmt: skip
    assert done.returncode == 3
    assert "git is missing" in done.stderr


def test_without_git_a_scrape_exits_with_3(repo: Path, home: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "patina_lab.cli", "scrape", "--repo", str(repo)],
        capture_output=True, text=True, check=False,
        env={"PATH": str(tmp_path / "bin"), "PATINA_HOME": str(home)},
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    assert "git" in done.stderr


def test_a_reader_that_stops_reading_is_no_error(repo: Path, home: Path) -> None:
    python = shlex.quote(sys.executable)
    command = f"{python} -m patina_lab.cli log --repo {shlex.quote(str(repo))} | head -n 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False,
        env={**os.environ, "PATINA_HOME": str(home)},
    )  # fmt: skip
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 1), done.stderr


def test_progress_is_plain_lines_where_nobody_watches(repo: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "patina_lab.cli", "scrape", "--repo", str(repo)],
        capture_output=True, text=True, check=True,
        env={**os.environ, "PATINA_HOME": str(tmp_path)},
    )  # fmt: skip
    assert "scrape: commits 103 of 103" in done.stderr
    assert "\r" not in done.stderr


@pytest.mark.slow
def test_verify_holds_for_the_teaching_project(run, repo: Path) -> None:
    said = json.loads(run("verify", "--repo", str(repo), "--json").stdout)
    assert said["holds"]
    assert len(said["digests"]) == 3


@pytest.mark.slow
def test_verify_can_say_no(run, repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The known-bad control: a build that depends on its condition is found out."""
    from patina_lab import verify

    honest = verify._scrape

    def broken(path, sha, jobs, environment, home):
        return honest(path, sha, jobs, environment, home)[:-1] + str(jobs)

    monkeypatch.setattr(verify, "_scrape", broken)
    result = run("verify", "--repo", str(repo), "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout.splitlines()[0])["holds"] is False
