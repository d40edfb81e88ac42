"""The page on CI: its workflow is YAML, and what it runs exists."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from patina_lab.cli import main
from patina_lab.errors import UnknownName
from patina_lab.reports.parameters import Parameter, checked, declared

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
NOTEBOOK = ROOT / "notebooks" / "08_report_ci.ipynb"


def block(kind: str) -> str:
    (found,) = re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


def steps() -> list[dict[str, Any]]:
    workflow = yaml.safe_load(block("yaml"))
    return list(workflow["jobs"]["report"]["steps"])


def parameters() -> list[Parameter]:
    return declared(json.loads(NOTEBOOK.read_text(encoding="utf-8")), NOTEBOOK.name)


def asked(line: str) -> dict[str, str]:
    """Return the notebook's parameters that a command line sets; an unknown option fails."""
    words = shlex.split(line.split("|")[0])
    assert words[:2] == ["patina-lab", "report"]
    context = main.commands["report"].make_context("report", words[2:])
    assert context.params["notebook"] == NOTEBOOK.stem
    assert context.params["as_json"]
    given = dict(text.split("=", 1) for text in context.params["params"])
    checked({k: v for k, v in given.items() if not v.startswith("$")}, parameters(), "08")
    assert set(given) <= {p.name for p in parameters()}
    return given


def test_the_workflow_is_one_that_github_reads() -> None:
    """YAML reads the key ``on`` as true, as GitHub knows."""
    workflow = yaml.safe_load(block("yaml"))
    assert set(workflow) == {"name", True, "permissions", "jobs"}
    assert workflow["permissions"] == {"contents": "read"}
    for step in steps():
        assert ("uses" in step) != ("run" in step), step
        assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step.get("uses", "a/b@v1"))
    (checkout, *_) = steps()
    assert checkout["with"]["fetch-depth"] == 0, "a shallow clone has no history"


def test_what_it_runs_exists() -> None:
    """The command, its options, the notebook and its parameters."""
    (run,) = [step["run"] for step in steps() if step.get("name") == "Report"]
    assert set(asked(run)) == {"since", "max_lost", "max_stale_days"}
    (line,) = [line for line in PAGE.splitlines() if line.startswith("patina-lab report")]
    asked(line)


def test_the_control_a_parameter_that_is_not_there() -> None:
    with pytest.raises(UnknownName, match="max_lots"):
        asked("patina-lab report 08_report_ci --json -p max_lots=3")


def test_what_it_installs_exists() -> None:
    import tomllib

    (run,) = [step["run"] for step in steps() if step.get("name") == "Install"]
    extras = re.search(r"patina-lab\[([\w,]+)\]", run)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert extras
    assert {*extras[1].split(",")} <= set(project["optional-dependencies"])
    assert (ROOT / "constraints.txt").is_file()


def test_the_table_has_the_limits_and_their_defaults() -> None:
    """A limit that the page does not name is one that nobody sets."""
    limits = {p.name: p.default for p in parameters() if p.name.startswith(("max_", "min_"))}
    rows = [line for line in PAGE.splitlines() if line.startswith("| `")]
    told = {name for row in rows for name in re.findall(r"`(\w+)`", row)} - {"since"}
    assert told == set(limits)
    for row in rows:
        name = re.findall(r"`(\w+)`", row)[0]
        default = row.split("|")[3].strip()
        assert default == ("nothing" if limits[name] <= (0 if name[:3] == "min" else -1)
                           else f"{limits[name]:g}")  # fmt: skip


def test_the_value_is_of_the_form_that_is_printed() -> None:
    from patina_lab.reports.checks import Check

    told = json.loads(block("json"))
    assert list(told) == ["html", "notebook", "digest", "checks", "failed"]
    assert [Check(**one).name for one in told["checks"]] == told["failed"]
