"""A persona's beliefs: several projects have to bear them out, and nothing is written into one."""

from __future__ import annotations

import json
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from test_mirror import snapshot
from test_persona import event, project

import patina_lab as pt
from patina_lab.errors import InvalidOption, NoLog
from patina_lab.personas.knowledge import database
from patina_lab.personas.persona import Persona

sys.path.insert(0, str(Path(__file__).parents[1] / "beliefs"))
from words import WordsEmbedder

pytest.importorskip("scipy", reason="clusters need patina-lab[embed]")
if shutil.which("swipl") is None:
    pytest.skip("swipl is not installed: ./run setup brings it", allow_module_level=True)

CHOSEN: dict[str, Any] = {"embedder": WordsEmbedder(), "half_life_days": 100_000}
NOW = datetime(2025, 4, 1, tzinfo=UTC)


def said(n: int, content: str, author: str = "Ann", **more: Any) -> tuple[str, bytes]:
    return event("observation_captured", n, content, author=author, domains=("security",), **more)


@pytest.fixture
def places(tmp_path: Path) -> dict[str, Any]:
    """Return three projects: two validate input, one speaks of tea."""
    return {
        "x": project(
            tmp_path / "x",
            [said(1, "Always validate user input"), said(2, "Validate user input always", "Bob")],
            [said(3, "We always validate the user input", "Ann", source_id="s3")],
        ),
        "y": project(tmp_path / "y", [said(11, "Always validate user input!", "Cid")]),
        "z": project(
            tmp_path / "z",
            [said(21, "Green tea for the team", "Dan"), said(22, "For the team green tea", "Eve")],
        ),
    }


@pytest.fixture
def persona(places: dict[str, Any]) -> Persona:
    made = Persona()
    for name, repo in places.items():
        made.register(repo.path, name=name, at=NOW)
    made.sync(at=NOW)
    return made


def test_two_projects_bear_it_out(persona: Persona, places: dict[str, Any]) -> None:
    """What two projects say is believed across projects; what one says twice is not."""
    before = {name: snapshot(repo.path) for name, repo in places.items()}
    (belief,) = persona.form_beliefs(**CHOSEN)
    assert belief.scope == "persona"
    assert belief.projects == ("x", "y")
    assert belief.sources == 4
    assert "validate" in belief.content.lower()
    assert {name: snapshot(repo.path) for name, repo in places.items()} == before
    kept = persona.sql("SELECT * FROM beliefs")
    assert list(kept["id"]) == [belief.id]
    assert list(kept["source_projects"].iloc[0]) == ["x", "y"]
    evidence = persona.sql("SELECT * FROM belief_evidence ORDER BY project_name")
    assert list(evidence["project_name"]) == ["x", "x", "x", "y"]
    assert set(evidence["observation_id"]) == set(belief.evidence)
    domains = persona.sql("SELECT * FROM domain_beliefs")
    assert list(domains["domain_name"]) == ["security"]
    assert "x, Ann" in str(belief.explain())


def test_a_lab_asks_its_persona(persona: Persona, places: dict[str, Any]) -> None:
    """A lab forms a persona's beliefs as of its own slice; none as of a commit."""
    lab = pt.open(places["z"].path)
    lab.scrape(progress=False)
    whole = lab.form_beliefs(scope="persona", progress=False, **CHOSEN)
    assert [b.projects for b in whole] == [("x", "y")]
    early = lab.as_of("2025-03-01T12:02:30Z").form_beliefs(
        scope="persona", progress=False, **CHOSEN
    )
    assert len(early) == 0
    assert len(early.observed) == 2
    with pytest.raises(InvalidOption, match="no commits"):
        lab.as_of("HEAD").form_beliefs(scope="persona", progress=False, **CHOSEN)


def test_a_fork_is_no_second_project(persona: Persona, tmp_path: Path) -> None:
    """The same event in two projects is one event: a fork agrees with nobody."""
    shared = [said(1, "Always write tests first"), said(2, "Write tests first always", "Bob")]
    for name in ("original", "fork"):
        persona.register(project(tmp_path / name, shared).path, name=name, at=NOW)
    persona.sync(at=NOW)
    beliefs = persona.form_beliefs(keep=False, **CHOSEN)
    assert [b.projects for b in beliefs] == [("x", "y")]
    assert sum(o.project == "original" for o in beliefs.observed.observations) == 0
    assert sum(o.project == "fork" for o in beliefs.observed.observations) == 2


def test_a_persona_is_compared(persona: Persona) -> None:
    """`pt.compare_rules` takes a persona as it takes a lab."""
    made = pt.compare_rules(persona, "v1", "v2", draws=10, embedder=WordsEmbedder())
    assert made.a.choice.scope == "persona"
    assert made.names == ("v1", "v2")
    assert made.verdict


def kept(persona: Persona) -> dict[str, list[Any]]:
    """Return every row of the belief tables."""
    names = ("beliefs", "belief_evidence", "domain_beliefs")
    found = {name: persona.sql(f"SELECT * FROM {name} ORDER BY ALL") for name in names}
    return {
        name: json.loads(table.to_json(orient="records", date_format="iso"))
        for name, table in found.items()
    }


def test_beliefs_outlive_a_sync_and_say_that_they_are_stale(
    persona: Persona, places: dict[str, Any]
) -> None:
    """They are empty before they are formed, stay while events come, and are formed anew."""
    assert len(persona.sql("SELECT * FROM belief_state")) == 0
    assert "beliefs" not in dict(persona.facts())
    persona.form_beliefs(**CHOSEN)
    formed = kept(persona)
    assert all(formed.values())
    (state,) = persona.sql("SELECT * FROM belief_state").to_dict("records")
    assert (state["rules"], state["stale"]) == ("v2", False)
    assert dict(persona.facts())["beliefs"] == "1"

    assert not persona.sync(at=NOW).refreshed
    place = places["y"].path / ".patina/local/events/2025-03-02-012-observation-captured.json"
    place.parent.mkdir(parents=True)
    place.write_bytes(said(12, "We validate user input always", "Fay")[1])
    assert persona.sync(at=NOW).refreshed
    assert len(persona.sql("SELECT * FROM events")) == 7
    assert kept(persona) == formed
    (then,) = persona.sql("SELECT * FROM belief_state").to_dict("records")
    assert then == {**state, "stale": True}
    assert "formed of other events" in dict(persona.facts())["beliefs"]

    place.unlink()
    persona.sync(at=NOW)
    assert persona.sql("SELECT stale FROM belief_state")["stale"].tolist() == [False]

    place.write_bytes(said(12, "We validate user input always", "Fay")[1])
    persona.sync(at=NOW)
    (belief,) = persona.form_beliefs(**CHOSEN)
    assert belief.sources == 5
    assert kept(persona)["beliefs"][0]["evidence_count"] == 5
    assert persona.sql("SELECT stale FROM belief_state")["stale"].tolist() == [False]


def test_a_damaged_persona_is_made_anew(persona: Persona) -> None:
    """What cannot be read is no belief; the events are copied, and are all there."""
    persona.form_beliefs(**CHOSEN)
    database(persona.folder).write_bytes(b"nonsense")
    assert persona.sync(at=NOW).refreshed
    assert len(persona.sql("SELECT * FROM events")) == 6
    assert len(persona.sql("SELECT * FROM beliefs")) == 0


def test_as_of_is_not_kept(persona: Persona) -> None:
    """Beliefs of an earlier time are no table; nothing synced is said so."""
    assert len(persona.form_beliefs(as_of="2025-01-01", **CHOSEN)) == 0
    assert len(persona.sql("SELECT * FROM beliefs")) == 0
    with pytest.raises(NoLog, match="synced"):
        Persona(persona.folder / "elsewhere").form_beliefs(**CHOSEN)
