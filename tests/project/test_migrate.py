"""Migration: an SQLite database of an earlier patina becomes event files, once, and back."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from notation import Repo

import patina_lab as pt
from patina_lab.cli import main
from patina_lab.errors import InvalidOption
from patina_lab.project import migrate as migrate_
from patina_lab.project.database import read_database, write_database
from patina_lab.project.places import LOCAL_EVENTS, SHARED_EVENTS

# The tables as seed 000 has them.
LOCAL = """
CREATE TABLE event_log (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT UNIQUE NOT NULL,
    event_type TEXT NOT NULL, payload TEXT NOT NULL, timestamp TIMESTAMP NOT NULL,
    proposed BOOLEAN DEFAULT FALSE, proposed_event_id TEXT
);
CREATE TABLE observations (
    id TEXT PRIMARY KEY, content TEXT NOT NULL, observation_type TEXT NOT NULL,
    source_type TEXT NOT NULL, source_id TEXT NOT NULL, created_at TIMESTAMP NOT NULL,
    content_hash TEXT NOT NULL
)"""
SHARED = """
CREATE TABLE observations (
    id TEXT PRIMARY KEY, content TEXT NOT NULL, observation_type TEXT NOT NULL,
    domains TEXT NOT NULL, source_type TEXT NOT NULL, reliability REAL NOT NULL,
    author TEXT NOT NULL, created_at TIMESTAMP NOT NULL, event_file TEXT NOT NULL
);
CREATE TABLE patterns (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, content TEXT NOT NULL, rationale TEXT,
    domains TEXT NOT NULL, evidence TEXT, author TEXT NOT NULL, created_at TIMESTAMP NOT NULL,
    event_file TEXT NOT NULL
);
CREATE TABLE decisions (
    id TEXT PRIMARY KEY, decision TEXT NOT NULL, rationale TEXT NOT NULL, alternatives TEXT,
    domains TEXT NOT NULL, author TEXT NOT NULL, created_at TIMESTAMP NOT NULL,
    event_file TEXT NOT NULL
)"""


def database(place: Path, schema: str, **tables: list[tuple]) -> Path:
    """Make a database with rows."""
    place.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(place)
    for statement in schema.split(";\n"):
        connection.execute(statement)
    for table, rows in tables.items():
        for row in rows:
            connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
    connection.commit()
    connection.close()
    return place


def said(content: str) -> str:
    return json.dumps({"content": content, "source_type": "manual"})


LOGGED = [
    (1, "evt_001", "observation_captured", said("We validate input"), "2025-11-07T12:00:00Z", 0,
     None),
    (2, "evt_002", "observation_captured", said("Use retry"), "2025-11-07 13:00:00", 1, "evt_042"),
    (5, "evt_005", "tea_brewed", '{"minutes": 4}', "2025-11-08T01:00:00+13:00", 0, None),
]  # fmt: skip
OBSERVED = [
    ("evt_001", "We validate input", "pattern", "manual", "x", "2025-11-07 12:00:00", "h"),
    ("obs_old", "Before there was a log", "note", "session", "s1", "2024-01-01 00:00:00", "h"),
]


@pytest.fixture
def project(tmp_path: Path) -> Repo:
    repo = Repo.init(tmp_path / "project")
    (repo.path / "a").write_text("a\n")
    repo.git("add", ".")
    repo.git("commit", "-q", "-m", "Begin")
    return repo


def files(repo: Repo, folder: str = LOCAL_EVENTS) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((repo.path / folder).glob("*.json"))}


def test_a_log_becomes_event_files(project: Repo, tmp_path: Path) -> None:
    """Numbers are kept; rows from before the log follow; what the log has is no second event."""
    place = database(tmp_path / "event_log.db", LOCAL, event_log=LOGGED, observations=OBSERVED)
    made = pt.open(project.path).migrate(place)
    assert dict(made.by_type) == {"observation_captured": 3, "tea_brewed": 1}
    found = files(project)
    assert list(found) == [
        "2024-01-01-006-observation-captured.json",
        "2025-11-07-001-observation-captured.json",
        "2025-11-07-002-observation-captured.json",
        "2025-11-07-005-tea-brewed.json",
    ]
    second = json.loads(found["2025-11-07-002-observation-captured.json"])
    assert second["payload"]["proposed_event_id"] == "evt_042"
    assert second["timestamp"] == "2025-11-07T13:00:00Z"
    assert "files          +4" in repr(made)


def test_the_tables_of_a_team_become_event_files(project: Repo, tmp_path: Path) -> None:
    """Patterns, decisions and observations, with their lists; into the team's folder if asked."""
    place = database(
        tmp_path / "project.shared.db",
        SHARED,
        observations=[("o1", "Seen", "pattern", '["rust"]', "commit", 0.5, "ann",
                       "2025-11-07T12:00:00Z", "a.json")],
        patterns=[("p1", "boundaries", "We isolate", None, '["react"]', '["o1"]', "bob",
                   "2025-11-07T12:00:00Z", "b.json")],
        decisions=[("d1", "Use DuckDB", "Fast", '["SQLite"]', "db, sql", "cyd",
                    "2025-11-07T12:00:00Z", "c.json")],
    )  # fmt: skip
    lab = pt.open(project.path)
    lab.migrate(place, to="shared")
    assert len(files(project, SHARED_EVENTS)) == 3
    project.git("add", ".")
    project.git("commit", "-q", "-m", "Migrate")
    known = lab.materialize().knowledge
    (pattern,), (decision,), (observation,) = map(
        known.rows, ("patterns", "decisions", "observations")
    )
    assert (pattern["name"], pattern["evidence"], pattern["author"]) == (
        "boundaries",
        ["o1"],
        "bob",
    )
    assert (decision["alternatives"], decision["domains"]) == (["SQLite"], ["db", "sql"])
    assert (observation["reliability"], observation["domains"]) == (0.5, ["rust"])


def test_a_row_that_was_made_of_a_file_that_is_here_is_no_second_event(
    project: Repo, tmp_path: Path
) -> None:
    """``project.shared.db`` is derived: its rows come back only where their files are gone."""
    row = ("d1", "Use it", "Why", None, "[]", "cyd", "2025-11-07T12:00:00Z", "c.json")
    place = database(tmp_path / "project.shared.db", SHARED, decisions=[row])
    lab = pt.open(project.path)
    event = {"event_id": "d1", "event_type": "decision_made", "timestamp": "2025-11-07T12:00:00Z",
             "author": "cyd", "payload": {"decision": "Use it", "context": "lost"}}  # fmt: skip
    (project.path / SHARED_EVENTS).mkdir(parents=True)
    (project.path / SHARED_EVENTS / "c.json").write_text(json.dumps(event))
    assert lab.migrate(place).files == ()


def test_running_it_twice_or_after_a_crash_adds_nothing_twice(
    project: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was written before it was killed is there already, under the same bytes."""
    place = database(tmp_path / "event_log.db", LOCAL, event_log=LOGGED, observations=OBSERVED)
    lab = pt.open(project.path)
    left = iter([True, True])
    real = migrate_.create

    def dying(*args: object) -> None:
        next(left)
        real(*args)

    monkeypatch.setattr(migrate_, "create", dying)
    with pytest.raises((StopIteration, RuntimeError)):
        lab.migrate(place)
    monkeypatch.undo()
    assert len(files(project)) == 2
    assert len(lab.migrate(place).files) == 2
    after = files(project)
    again = lab.migrate(place)
    assert (again.files, again.present) == ((), 4)
    assert files(project) == after


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["observation_captured", "tea_brewed"]),
        st.sampled_from(["a", "b", "ü “x”"]),
        st.sampled_from(["2025-11-07T12:00:00Z", "2025-11-07 12:00:00", "2025-11-08", "x", "soon"]),
    ),
    max_size=6,
)


@settings(max_examples=max(settings.default.max_examples // 2, 1))
@given(rows=ROWS)
def test_the_same_database_gives_the_same_files(
    tmp_path_factory: pytest.TempPathFactory, rows: list
) -> None:
    """Byte for byte, into any empty folder; nothing is lost but what is counted."""
    root = tmp_path_factory.mktemp("same")
    logged = [(n, f"evt_{n}", kind, said(text), when, 0, None)
              for n, (kind, text, when) in enumerate(rows, 1)]  # fmt: skip
    place = database(root / "event_log.db", LOCAL, event_log=logged)
    before = hashlib.sha256(place.read_bytes()).hexdigest()
    found = []
    for name in ("one", "two"):
        repo = Repo.init(root / name)
        made = pt.open(repo.path).migrate(place)
        found.append(files(repo))
        distinct = {(kind, text, when.replace(" ", "T").removesuffix("Z"))
                    for kind, text, when in rows if when not in ("x", "soon")}  # fmt: skip
        assert len(made.files) == len(distinct)
        assert len(made.problems) == sum(when in ("x", "soon") for _, _, when in rows)
    assert found[0] == found[1]
    assert hashlib.sha256(place.read_bytes()).hexdigest() == before


def test_until_it_is_migrated_the_database_is_read_beside_the_files(project: Repo) -> None:
    """Query and tables see both; what stands in both counts once, before and after."""
    place = database(project.path / ".patina/local/event_log.db", LOCAL, event_log=LOGGED)
    lab = pt.open(project.path)
    lab.observe("A new note about validation", author="ann")
    for _ in range(2):
        texts = list(lab.query("validate retry validation")["text"])
        assert sorted(texts) == ["A new note about validation", "Use retry", "We validate input"]
        known = lab.materialize().knowledge
        assert len(known.observations) == 3
        assert len(known.df("events")) == 4
        lab.migrate(place)
    assert lab.materialize().how == "unchanged"
    place.unlink()
    assert len(lab.materialize().knowledge.observations) == 3


def test_control_an_identity_that_depends_on_the_reader_counts_twice(
    project: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same check sees a dual read that does not know an event again."""
    place = database(project.path / ".patina/local/event_log.db", LOCAL, event_log=LOGGED)
    lab = pt.open(project.path)
    lab.migrate(place)
    from dataclasses import replace

    from patina_lab.project import database as database_

    made = database_.Event

    def later(*args: object) -> object:
        return replace(made(*args), actor="somebody else")

    monkeypatch.setattr(database_, "Event", later)
    assert len(lab.materialize().knowledge.df("events")) > 3


def test_export_and_back(project: Repo, tmp_path: Path) -> None:
    """What is known, as SQLite with the earlier tables; read back, every event is the same."""
    lab = pt.open(project.path)
    place = database(tmp_path / "event_log.db", LOCAL, event_log=LOGGED, observations=OBSERVED)
    lab.migrate(place)
    lab.observe("Note", domains=["rust"], author="ann")
    before = {row["id"] for row in lab.materialize().knowledge.rows("events")}
    out = tmp_path / "export.db"
    done = CliRunner().invoke(main, ["migrate", str(out), "--export", "--repo", str(project.path)])
    assert done.exit_code == 0, done.output
    rows, problems = read_database(out)
    assert {row.event.event_id for row in rows} == before
    assert problems == []
    with sqlite3.connect(out) as connection:
        (domains,) = connection.execute(
            "SELECT domains FROM observations WHERE content = 'Note'"
        ).fetchone()
    assert json.loads(domains) == ["rust"]
    with pytest.raises(InvalidOption, match="there already"):
        write_database(lab.knowledge, out)


@pytest.mark.parametrize(
    ("payload", "when"),
    [("not JSON", "2025-11-07"), ("[]", "2025-11-07"), ("{}", None), ('{"content": ""}', "2025"),
     ('{"content": "x", "n": NaN}', "2025-11-07"), ('{"content": "\\ud800"}', "2025-11-07")],
)  # fmt: skip
def test_a_row_that_is_no_event_is_said_and_stops_no_other(
    tmp_path: Path, payload: str, when: str | None
) -> None:
    """Its table and id, with the reason; the row after it loads."""
    schema = LOCAL.replace("timestamp TIMESTAMP NOT NULL", "timestamp TIMESTAMP")
    bad = (1, "evt_bad", "observation_captured", payload, when, 0, None)
    place = database(tmp_path / "event_log.db", schema, event_log=[bad, *LOGGED[1:]])
    rows, (problem,) = read_database(place)
    assert len(rows) == 2
    assert "evt_bad" in (problem.source_id or "")
    assert problem.detail


def test_what_is_no_database_is_said(tmp_path: Path) -> None:
    """A text, an empty database, a missing file: one sentence each."""
    text = tmp_path / "x.db"
    text.write_text("SQLite? no\n" * 100)
    empty = database(tmp_path / "empty.db", "CREATE TABLE other (x)")
    for place, complaint in ((text, "cannot be read"), (empty, "other"),
                             (tmp_path / "none", "no file")):  # fmt: skip
        with pytest.raises(InvalidOption, match=complaint):
            read_database(place)
