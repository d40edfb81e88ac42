"""The commands beliefs, explain and ab: what they print, as text and as JSON, and how they fail."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from notation import Repo

from patina_lab.cli import main

sys.path.insert(0, str(Path(__file__).parents[1] / "beliefs"))
from words import WordsEmbedder

LOG = """
2025-03-01 observation_captured ann content="Always validate user input"
2025-03-02 observation_captured bob content="Validate user input always"
2025-03-03 observation_captured cid content="We always validate the user input!"
2025-03-04 observation_captured dan content="Never validate user input"
2025-03-05 git.commit ann a.py
"""


@pytest.fixture
def run(make_repo: Callable[..., Repo], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    if shutil.which("swipl") is None:
        pytest.skip("swipl is not installed: ./run setup brings it")
    monkeypatch.setattr("patina_lab.beliefs.embed.find", lambda which=None: WordsEmbedder())
    place = make_repo(LOG).path

    def call(*words: str) -> Result:
        return CliRunner().invoke(main, [*words, "--repo", str(place)], catch_exceptions=False)

    return call


def said(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_beliefs(run: Callable[..., Result]) -> None:
    """They are listed with confidence and evidence; --json and --events tell the same."""
    told = said(run("beliefs", "--json"))
    (belief,) = told["beliefs"]
    assert belief["evidence_count"] == 3
    assert told["rule_set"]["name"] == "v2"
    assert told["observations"] == 4
    text = run("beliefs").stdout
    assert belief["id"][:12] in text
    assert "3 for from 3 sources, 1 against" in text
    (event,) = [json.loads(line) for line in run("beliefs", "--events").stdout.splitlines()]
    assert event["event_type"] == "belief_formed"
    assert {"id": belief["id"], **event["payload"]} == belief


def test_beliefs_in_sql(run: Callable[..., Result]) -> None:
    """A query joins evidence with the log, as a table and as JSON, and reads no file."""
    query = (
        "SELECT e.actor, v.relevance_score < 0 AS against FROM belief_evidence v "
        "JOIN eventlog e ON e.event_id = v.observation_id ORDER BY e.seq"
    )
    rows = said(run("beliefs", "--sql", query, "--json"))
    assert [r["actor"] for r in rows] == ["ann", "bob", "cid", "dan"]
    assert "against" in run("beliefs", "--sql", query).stdout.splitlines()[0]
    none = run("beliefs", "--sql", "SELECT id FROM beliefs WHERE confidence > 1").stdout
    assert none == "no rows (id)\n"
    assert said(run("beliefs", "--sql", "SELECT what FROM belief_history", "--json"))
    third = said(run("beliefs", "--sql", "SELECT 1 / 3.0::DOUBLE AS n", "--json"))[0]["n"]
    assert third == pytest.approx(1 / 3, rel=1e-14, abs=0)  # ten digits are too few
    for wrong in ("SELECT idd FROM beliefs", "SELECT * FROM read_text('/etc/hosts')"):
        failed = run("beliefs", "--sql", wrong)
        assert failed.exit_code == 2
        assert len(failed.stderr.strip().splitlines()) <= 2
        assert "Traceback" not in failed.output
    assert run("beliefs", "--sql", query, "--top", "1").exit_code == 2


def test_beliefs_as_of_and_by_other_rules(run: Callable[..., Result]) -> None:
    """A moment, a rule set and its parameters are chosen by options."""
    early = said(run("beliefs", "--as-of", "2025-03-02", "--json"))
    assert early["observations"] == 2
    assert early["beliefs"][0]["against_observations"] == []
    assert said(run("beliefs", "--rules", "v1", "--json"))["beliefs"] == []
    assert "nothing believed by v1" in run("beliefs", "--rules", "v1").stdout
    more = said(run("beliefs", "--rules", "v1", "-p", "min_support=2", "--json"))
    assert more["rule_set"]["parameters"] == {"min_support": 2}
    assert len(more["beliefs"]) == 1
    tenth = said(run("beliefs", "-p", "half_life_days=1e1", "--json"))
    assert tenth["rule_set"]["parameters"] == {"half_life_days": 10.0}
    before = run("beliefs", "--as-of", "2025-02-01")
    assert "of 0 observations" in before.stdout
    assert "patina-lab observe" in before.stderr


def test_history(run: Callable[..., Result]) -> None:
    """How beliefs came and moved, as lines and as events."""
    text = run("beliefs", "--history", "event").stdout
    assert text.splitlines()[0].startswith("2025-03-02  formed")
    assert "revised" in text
    kinds = [event["event_type"] for event in said(run("beliefs", "--history", "event", "--json"))]
    assert kinds == ["belief_formed", "belief_revised", "belief_revised"]


def test_explain(run: Callable[..., Result], tmp_path: Path) -> None:
    """By the beginning of its id: the proof as text, JSON and HTML, and how it came about."""
    (belief,) = said(run("beliefs", "--json"))["beliefs"]
    name = belief["id"][:10]
    text = run("explain", name).stdout
    assert belief["belief"] in text
    assert "It would not be held" in text
    assert "Proof (v2):" in text
    told = said(run("explain", name, "--json"))
    assert set(told["leaves"]) >= set(belief["evidence_observations"])
    page = tmp_path / "why.html"
    assert run("explain", name, "--html", str(page)).exit_code == 0
    assert "<details" in page.read_text()
    moved = said(run("explain", name, "--evolution", "day", "--json"))
    assert moved[0]["what"] == "belief_formed"


def test_ab(run: Callable[..., Result], tmp_path: Path) -> None:
    """The verdict comes first; labels are read from a file."""
    labels = tmp_path / "labels.json"
    labels.write_text('{"Always validate user input": "validation", "Tea": null}')
    told = said(run("ab", "v0", "v2", "--labels", str(labels), "--json"))
    assert told["verdict"]
    assert [way["name"] for way in told["ways"]] == ["v0", "v2"]
    assert told["sets"][2] == {"which": "only v2", "beliefs": 1, "share_of_all": 1.0}
    assert told["labelled"]
    text = run("ab", "v0", "v2", "--flips").stdout
    assert told["verdict"] in text
    assert "only v2, 0." in text
    assert "belief/5, v2 line" in text
    assert run("ab", "v0", "v2", "--check").exit_code == 0


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("beliefs", "--rules", "v7"), 2, "v7"),
        (("beliefs", "-p", "half_life_days"), 2, "half_life_days"),
        (("beliefs", "-p", "half_live_days=3"), 2, "half_life_days"),
        (("beliefs", "-p", "rules=3"), 2, "--rules"),
        (("explain", "beef"), 2, "beef"),
        (("ab", "v0", "v2", "--split", "noon"), 2, "noon"),
        (("ab", "v0", "v2", "--labels", "/nowhere.json"), 2, "nowhere"),
        (("beliefs", "--persona"), 1, "synced"),
        (
            ("explain", "We always validate the user input!", "--html", "/nowhere/why.html"),
            2,
            "cannot be written",
        ),
    ],
)
def test_errors_teach(
    run: Callable[..., Result], words: tuple[str, ...], code: int, told: str
) -> None:
    """One sentence, with what was given and what to do; in JSON, too."""
    result = run(*words, "--json")
    assert result.exit_code == code, result.output
    assert told in result.stderr
    error = json.loads(result.stdout)
    assert told in error["message"] + error["hint"]


def test_without_swipl(
    make_repo: Callable[..., Repo], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Exit code 3, and one sentence that says how to get it."""
    from patina_lab.beliefs.swipl import SwiplEngine

    monkeypatch.setattr("patina_lab.beliefs.embed.find", lambda which=None: WordsEmbedder())
    monkeypatch.setattr(
        "patina_lab.beliefs.pipeline.shared_engine", lambda: SwiplEngine(swipl="no-swipl-here")
    )
    result = CliRunner().invoke(main, ["beliefs", "--repo", str(make_repo(LOG).path)])
    assert result.exit_code == 3
    assert result.stderr.count("SWI-Prolog") == 1
    assert "Install it" in result.stderr
    assert "--engine sql" in result.stderr


def test_in_sql_without_swipl(
    make_repo: Callable[..., Repo], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Every command does its work by ``--engine sql``; the proof that is not there is said."""
    from patina_lab.beliefs.swipl import SwiplEngine

    monkeypatch.setattr("patina_lab.beliefs.embed.find", lambda which=None: WordsEmbedder())
    monkeypatch.setattr(
        "patina_lab.beliefs.pipeline.shared_engine", lambda: SwiplEngine(swipl="no-swipl-here")
    )
    place = str(make_repo(LOG).path)

    def call(*words: str) -> Result:
        return CliRunner().invoke(
            main, [*words, "--engine", "sql", "--repo", place], catch_exceptions=False
        )

    (belief,) = said(call("beliefs", "--json"))["beliefs"]
    assert belief["evidence_count"] == 3
    assert "retired" not in call("beliefs", "--history", "event").stdout
    told = call("explain", belief["id"][:10])
    assert told.exit_code == 0
    assert "No proof: the rules ran in SQL" in told.stdout
    assert said(call("explain", belief["id"][:10], "--json"))["proof"] is None
    flips = call("ab", "v0", "v2", "--flips")
    assert flips.exit_code == 0
    assert "only v2, 0." in flips.stdout
    assert "No proof: the rules ran in SQL" in flips.stdout
    own = tmp_path / "own.pl"
    own.write_text("belief(C, project(P), 1, 0.9, beta(1, 0)) :- medoid(C, M), project(M, P).\n")
    refused = call("beliefs", "--rules", str(own))
    assert refused.exit_code == 2
    assert "--engine swipl" in refused.stderr
    assert call("beliefs", "--rules", "v2").exit_code == 0
    unknown = CliRunner().invoke(main, ["beliefs", "--engine", "prolog", "--repo", place])
    assert unknown.exit_code == 2
    assert "sql" in unknown.stderr
