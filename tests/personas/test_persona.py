"""A persona over three real projects: what it knows, where from, and that it writes nowhere."""

from __future__ import annotations

import json
import shutil
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from test_mirror import snapshot

import patina_lab as pt
from patina_lab.cli import main
from patina_lab.errors import InvalidOption, NoLog, UnknownName
from patina_lab.events.event import Event
from patina_lab.personas.knowledge import database, packet
from patina_lab.project.event_files import file_name, to_bytes

sys.path.insert(0, str(Path(__file__).parents[1] / "sources"))
from gitraw import RawRepo

WHEN = datetime(2025, 3, 1, 12, tzinfo=UTC)
SHARED = ".patina/shared/events/"
LOCAL = ".patina/local/events/"


def event(kind, n, content, *, author="Ann", domains=("rust",), **more):
    """Return (name, bytes) of an event file."""
    key = {"decision_made": "decision", "belief_formed": "belief"}.get(kind, "content")
    data = {key: content, "domains": list(domains), **more}
    if kind == "observation_captured":
        data.setdefault("observation_type", "pattern")
    made = Event(kind, WHEN.replace(minute=n), f"evt_{n:03d}", data, actor=author)
    return file_name(kind, made.timestamp, n), to_bytes(made, n)


def project(place, shared=(), local=()):
    repo = RawRepo(place)
    repo.commit({SHARED + name: text.decode() for name, text in shared} | {"keep": place.name})
    for name, text in local:
        target = repo.path / LOCAL / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text)
    return repo


RESULT = {"pattern_name": "errors_as_values", "evidence": ["evt_001", "src/lib.rs"]}


@pytest.fixture
def islands(tmp_path):
    """Return three projects: two of rust, one of react; and a broken file."""
    return {
        "garden": project(
            tmp_path / "garden",
            [
                event("observation_captured", 1, "We return errors as values"),
                event("pattern_identified", 2, "Errors are values", **RESULT),
                ("2025-03-01-003-broken.json", b"{broken"),
            ],
            [event("observation_captured", 4, "Tests first", domains=["testing"])],
        ),
        "orchard": project(
            tmp_path / "orchard",
            [
                event("pattern_identified", 1, "Return a Result", author="Bob", **RESULT),
                event("decision_made", 2, "We pin the toolchain", rationale="builds repeat"),
            ],
        ),
        "meadow": project(
            tmp_path / "meadow",
            [event("observation_captured", 1, "Hooks compose", domains=["React"])],
        ),
    }


@pytest.fixture
def persona(islands, tmp_path):
    made = pt.Persona(tmp_path / "home")
    for repo in islands.values():
        made.register(repo.path, at=WHEN)
    made.sync(at=WHEN)
    return made


def test_it_knows_what_each_project_knows(persona):
    """Every event, with its project and layer, and the broken file by its reason."""
    events = persona.sql("SELECT project_name, layer, event_type FROM events")
    assert Counter(map(tuple, events.values.tolist())) == {
        ("garden", "shared", "observation_captured"): 1,
        ("garden", "shared", "pattern_identified"): 1,
        ("garden", "local", "observation_captured"): 1,
        ("orchard", "shared", "pattern_identified"): 1,
        ("orchard", "shared", "decision_made"): 1,
        ("meadow", "shared", "observation_captured"): 1,
    }
    bad = persona.sql("SELECT project_name, event_file, reason FROM quarantine")
    assert bad.values.tolist() == [
        ["garden", "shared-events/2025-03-01-003-broken.json", "invalid JSON"]
    ]


def test_domains_are_counted_over_projects(persona):
    table = persona.domains().set_index("name")
    assert table.loc["rust", ["project_count", "observation_count", "pattern_count"]].tolist() == [
        2, 1, 2,
    ]  # fmt: skip
    assert table.loc["rust", "decision_count"] == 1
    assert set(table.index) == {"rust", "react", "testing"}


def test_a_domain_says_which_project_each_piece_came_from(persona):
    table = persona.domain("rust", type="pattern")
    assert table[["project_name", "name", "author"]].values.tolist() == [
        ["orchard", "errors_as_values", "Bob"],
        ["garden", "errors_as_values", "Ann"],
    ]
    assert set(persona.domain("Rust")["type"]) == {"observation", "pattern", "decision"}


def test_a_packet_stands_alone(persona, tmp_path):
    """One file a domain; its evidence is the observations that a pattern names."""
    import duckdb

    place = tmp_path / "given-away.duckdb"
    shutil.copy(packet(persona.folder, "rust"), place)
    with duckdb.connect(str(place), read_only=True) as connection:
        (row,) = connection.execute(
            "SELECT pattern_name, project_count, projects FROM patterns"
        ).fetchall()
        assert row == ("errors_as_values", 2, ["garden", "orchard"])
        evidence = connection.execute(
            "SELECT o.project_name, o.content FROM pattern_evidence e "
            "JOIN observations o ON o.id = e.observation_id"
        ).fetchall()
    assert evidence == [("garden", "We return errors as values")]


def test_a_query_finds_over_all_projects(persona):
    hits = persona.query("errors")
    assert set(hits["project_name"]) == {"garden", "orchard"}
    assert set(hits["tag"]) == {"PERSONA"}
    assert persona.query("errors", projects=["orchard"])["text"].tolist() == ["Return a Result"]
    assert persona.query("", type="decision")["text"].tolist() == ["We pin the toolchain"]
    assert persona.query("", domains="react")["project_name"].tolist() == ["meadow"]
    assert not len(persona.query("xylophone"))


def test_the_tables_are_a_function_of_the_copies(persona, islands, tmp_path):
    """Synced in one go or one after the other, in whatever order: the same rows."""
    other = pt.Persona(tmp_path / "elsewhere")
    for name in ("meadow", "orchard", "garden"):
        other.register(islands[name].path, at=WHEN)
        other.sync(name, at=WHEN)
    tables = ("events", "observations", "patterns", "decisions", "domains", "quarantine")
    for table in tables:
        a, b = (p.sql(f"SELECT * FROM {table} ORDER BY ALL") for p in (persona, other))
        assert a.to_json(date_format="iso") == b.to_json(date_format="iso")
    assert not persona.sync(at=WHEN).refreshed


def test_a_revert_reaches_the_persona(persona, islands):
    """What the team took back is known no more, also where it was the only one of its domain."""
    islands["meadow"].commit({"keep": "1"})
    assert persona.sync(at=WHEN).refreshed
    assert "react" not in set(persona.domains()["name"])
    assert not packet(persona.folder, "react").exists()


def test_a_project_that_moved_or_died_keeps_its_place(persona, islands, tmp_path):
    shutil.rmtree(islands["meadow"].path)
    moved = tmp_path / "moved"
    shutil.move(islands["orchard"].path, moved)
    done = persona.sync(at=WHEN)
    assert set(done.missing) == {"meadow", "orchard"}
    assert set(persona.domain("react")["project_name"]) == {"meadow"}
    assert persona.register(moved).name == "orchard"
    assert set(persona.sync(at=WHEN).missing) == {"meadow"}
    persona.forget("meadow")
    persona.sync(at=WHEN)
    assert "react" not in set(persona.domains()["name"])


def test_law_7_nothing_is_written_into_a_project(islands, tmp_path):
    """After every command the projects are what they were, to the byte and the minute."""
    before = {name: snapshot(repo.path) for name, repo in islands.items()}
    run = CliRunner()
    paths = [str(repo.path) for repo in islands.values()]
    for args in (
        *(["register", path] for path in paths[:2]),
        ["discover", str(tmp_path), "--register"],
        ["sync"],
        ["sync", "garden"],
        ["projects", "--json"],
        ["domains"],
        ["query", "errors", "--json"],
        ["forget", "garden"],
        ["sync"],
    ):
        done = run.invoke(main, ["persona", *args])
        assert done.exit_code == 0, done.output
    done = run.invoke(main, ["query", "domain", "rust", "--type", "pattern"])
    assert done.exit_code == 0, done.output
    assert {name: snapshot(repo.path) for name, repo in islands.items()} == before


def test_the_commands_say_what_the_persona_knows(islands):
    run = CliRunner()
    for repo in islands.values():
        run.invoke(main, ["persona", "register", str(repo.path)])
    told = json.loads(run.invoke(main, ["persona", "sync", "--json"]).output)
    assert [p["project"] for p in told["projects"]] == ["garden", "meadow", "orchard"]
    assert "rust (2 projects, 1 observation, 2 patterns, 1 decision)" in (
        run.invoke(main, ["persona", "domains"]).output
    )
    said = run.invoke(main, ["query", "domain", "rust", "--type", "pattern"]).output
    assert "errors_as_values: Return a Result  (orchard, Bob, 2025-03-01, evt_001)" in said


def test_discovery_finds_what_has_a_patina_and_is_not_known(persona, tmp_path):
    project(tmp_path / "deep" / "in" / "there", [event("observation_captured", 1, "x")])
    (tmp_path / "deep/in/there/.patina").mkdir(exist_ok=True)
    RawRepo(tmp_path / "plain").commit({"a": "1"})
    assert persona.discover(tmp_path) == [tmp_path / "deep/in/there"]
    assert persona.discover(tmp_path, depth=2) == []
    with pytest.raises(InvalidOption, match="no folder"):
        persona.discover(tmp_path / "nowhere")


def test_what_is_not_there_is_said(tmp_path, persona):
    with pytest.raises(NoLog, match="persona register"):
        pt.Persona(tmp_path / "empty").domains()
    with pytest.raises(UnknownName, match="Did you mean 'rust'"):
        persona.domain("rusty")
    with pytest.raises(UnknownName, match="pattern"):
        persona.domain("rust", type="patterns")


def test_damaged_tables_are_made_again(persona):
    before = persona.domains().to_json(date_format="iso")
    database(persona.folder).write_bytes(b"no database")
    assert persona.sync(at=WHEN).refreshed
    assert persona.domains().to_json(date_format="iso") == before
