"""The commands of a project's life: init, observe, propose, query, history, conflicts, undo."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from patina_lab.cli import main
from patina_lab.commands.project import COMMANDS

AT = ("--at", "2025-03-07T12:00:00Z")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    place = tmp_path / "project"
    place.mkdir()
    for args in (
        ("init", "-q", "-b", "main"),
        ("config", "user.name", "Ann"),
        ("config", "user.email", "ann@x.org"),
        ("commit", "-q", "--allow-empty", "-m", "first"),
    ):
        subprocess.run(["git", "-C", place, *args], check=True)
    return place


@pytest.fixture
def run(repo: Path):
    def call(command: str, *args: str) -> Result:
        words = [*command.split(), "--repo", str(repo), *args]
        return CliRunner().invoke(main, words, catch_exceptions=False)

    return call


def said(result: Result):
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_life_of_an_observation(run, repo: Path) -> None:
    """As the format's document tells it, offline and with plain git."""
    assert ".patina/shared/schema.version" in said(run("init", "--json"))["created"]
    assert said(run("domain add", "React", "--json")) == {"domains": ["react"]}
    assert run("domain list").stdout == "react\n"
    note = said(run("observe", "We use error boundaries", "--type", "pattern", *AT, "--json"))
    assert (note["id"], note["author"]) == ("loc_001", "Ann")
    made = said(
        run("propose", "--from", "loc_001", "--type", "pattern", "--domains", "react,architecture",
            "--rationale", "Prevents cascading failures", *AT, "--json")
    )  # fmt: skip
    assert made["branch"] == "add-pattern-001"
    assert made["path"] == ".patina/shared/events/2025-03-07-001-pattern-identified.json"
    assert made["payload"]["pattern_name"] == "we_use_error_boundaries"
    assert made["commands"] == ["git merge --no-ff add-pattern-001"]
    subprocess.run(["git", "-C", repo, *made["commands"][0].split()[1:], "-q"], check=True)
    rows = said(run("query", "error boundaries", "--json"))
    assert {(row["tag"], row["scope"], row["id"]) for row in rows} == {
        ("PROJECT", "local", "loc_001"),
        ("PROJECT", "shared", "evt_001"),
    }
    assert "[PROJECT] We use error boundaries  (evt_001, shared, Ann, 2025-03-07; has boundary" in (
        run("query", "boundaries", "--mode", "lexical", "--scope", "shared").stdout
    )
    told = said(run("history", "evt_001", "--json"))
    assert [version["commit"] for version in told["versions"]] == [made["commit"]]
    text = run("history", "evt_001", "--diff", "--blame").stdout
    assert '+  "event_id": "evt_001"' in text
    assert '2025-03-07 Ann:   "event_id": "evt_001"' in text
    assert said(run("conflicts", "--json")) == []
    undone = said(run("undo", "evt_001", *AT, "--json"))
    assert undone["reverted"] == made["commit"]
    assert said(run("undo", "loc_001", "--json"))["branch"] is None
    assert run("query", "zzz").stdout == "nothing found\n"


def test_the_words_of_the_format_s_document_work_too(run) -> None:
    """`propose observation "…" --type pattern --auto-sequence`."""
    made = said(run("propose", "observation", "Label bags", "--type", "pattern",
                    "--auto-sequence", *AT, "--json"))  # fmt: skip
    assert made["event_type"] == "pattern_identified"
    assert made["payload"]["content"] == "Label bags"


def test_every_option_of_a_decision(run) -> None:
    made = said(
        run("propose", "Use DuckDB", "--type", "decision", "--rationale", "r", "--context", "c",
            "--alternatives", "SQLite", "--alternatives", "Polars", "--evidence", "a.py",
            "--payload", '{"status": "accepted"}', "--branch", "mine", "--author", "Bob", *AT,
            "--json")
    )  # fmt: skip
    assert (made["branch"], made["author"]) == ("mine", "Bob")
    assert made["payload"] == {
        "decision": "Use DuckDB", "rationale": "r", "context": "c", "evidence": ["a.py"],
        "alternatives": ["SQLite", "Polars"], "status": "accepted",
    }  # fmt: skip


def test_publish_is_refused_before_anything_is_made(run, repo: Path) -> None:
    assert run("propose", "x", "--publish", *AT).exit_code == 1
    branches = subprocess.run(["git", "-C", repo, "branch"], capture_output=True, check=True)
    assert branches.stdout == b"* main\n"


def test_conflicts_can_fail_a_check(run, repo: Path) -> None:
    """Guesses never do."""
    for text in ("Always label", "Never label"):
        run("propose", text, "--type", "decision", *AT)
    result = run("conflicts", "--check")
    assert result.exit_code == 0
    assert "may contradict" in result.stdout
    place = repo / ".patina/shared/events/2025-03-07-001-decision-made.json"
    subprocess.run(["git", "-C", repo, "merge", "-q", "add-decision-001"], check=True)
    place.write_text(place.read_text().replace("Always label", "Always label bags"))
    subprocess.run(["git", "-C", repo, "commit", "-qam", "review"], check=True)
    result = run("conflicts", "--check")
    assert (result.exit_code, "changed since written" in result.stdout) == (0, True)
    for name in ("a", "b"):
        place = repo / f".patina/shared/events/2025-03-07-009-{name}.json"
        place.parent.mkdir(parents=True, exist_ok=True)
        value = {"event_id": "evt_009", "event_type": name, "timestamp": "2025-03-07"}
        place.write_text(json.dumps({**value, "payload": {}}))
    subprocess.run(["git", "-C", repo, "add", "-A"], check=True)
    subprocess.run(["git", "-C", repo, "commit", "-qm", "by hand"], check=True)
    result = run("conflicts", "--check")
    assert result.exit_code == 1
    assert "same number" in result.stdout
    assert "patina-lab: 1 of 2 conflicts are certain." in result.stderr


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        (("observe", ""), 2, "needs a text"),
        (("observe", "x", "--at", "soon"), 2, "'soon' is no date"),
        (("propose",), 2, "nothing to propose"),
        (("propose", "a", "b"), 2, "2 texts"),
        (("propose", "a", "--payload", "{"), 2, "no JSON"),
        (("propose", "a", "--payload", "[]"), 2, "no JSON object"),
        (("propose", "--from", "loc_7"), 2, "no event 'loc_7'"),
        (("history", "evt_7"), 2, "no event 'evt_7'"),
        (("undo", "evt_7"), 2, "no event 'evt_7'"),
        (("domain add", "a b"), 2, "no name of a domain"),
        (("query", "x", "-k", "0"), 2, "k=0"),
        (("query", "x", "--at", "nowhere"), 2, "nowhere"),
        (("propose", "x", "--publish"), 1, "no remote"),
    ],
)
def test_errors_are_one_sentence_with_an_exit_code(run, words, code, part) -> None:
    result = run(*words)
    assert (result.exit_code, result.stderr.count("\n")) == (code, 1)
    assert result.stderr.startswith("patina-lab: ")
    assert part in result.stderr
    error = json.loads(run(*words, "--json").stdout.splitlines()[-1])
    assert part in error["message"]
    assert error["hint"]


def test_a_bare_repository_is_refused(run, repo: Path, tmp_path: Path) -> None:
    subprocess.run(["git", "clone", "-q", "--bare", repo, tmp_path / "bare.git"], check=True)
    for command in (
        ["init"],
        ["observe", "x"],
        ["propose", "x"],
        ["undo", "x"],
        ["domain", "add", "x"],
    ):
        result = CliRunner().invoke(main, [*command, "--repo", str(tmp_path / "bare.git")])
        assert result.exit_code == 2
        assert "is a bare repository" in result.stderr


def test_every_command_has_help_and_json() -> None:
    for command in COMMANDS:
        for one in getattr(command, "commands", {"": command}).values():
            assert one.help
            assert "--json" in [option for p in one.params for option in p.opts]


def test_it_is_there_when_run_as_a_module(repo: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "patina_lab.cli", "observe", "x", "--repo", repo, *AT],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "loc_001" in done.stdout
