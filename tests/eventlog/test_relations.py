"""The relations that people read, against the payloads of the events they are derived from."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import duckdb
import pytest

import patina_lab as pt
from patina_lab.eventlog.relations import NAMES, relation_sql
from patina_lab.eventlog.slice import Slice

sys.path.insert(0, str(Path(__file__).parents[1] / "sources"))
from gitraw import seed_library

UNSLICED = {"authors", "quarantine", "coverage", "source_files", "scrape_meta"}


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Return the lab of the seed library."""
    place = tmp_path_factory.mktemp("relations")
    repo, _ = seed_library(place / "repo")
    lab = pt.open(repo.path, home=place / "home")
    lab.scrape(progress=False)
    return lab


@pytest.fixture(scope="module")
def events(lab):
    """Return the events as the file has them: (seq, type, source_id, payload)."""
    sql = "SELECT seq, event_type, source_id, data FROM log.main.eventlog ORDER BY seq"
    return [(s, t, i, json.loads(d)) for s, t, i, d in lab.log.opened.rows(sql)]


def rows(lab, sql):
    return lab.log.query(sql).arrow().to_pylist()


def test_commits_are_the_commit_events(lab, events):
    """Message, sums and number of parents as the payload has them."""
    expected = []
    for seq, kind, sha, data in events:
        if kind == "git.commit":
            counted = [f for f in data["files"] if f["lines_added"] is not None]
            expected.append(
                {
                    "seq": seq,
                    "sha": sha,
                    "message": data["message"],
                    "author_raw": data["author"],
                    "email_raw": data["email"],
                    "parents": len(data["parents"]),
                    "files": len(data["files"]),
                    "lines_added": sum(f["lines_added"] for f in counted) if counted else None,
                    "lines_removed": sum(f["lines_removed"] for f in counted) if counted else None,
                    "missing": None,
                }
            )
    columns = ", ".join(expected[0])
    assert expected == rows(lab, f"SELECT {columns} FROM commits ORDER BY seq")


def test_commit_files_and_touches_are_the_files_of_the_commits(lab, events):
    """One row a commit and file, in git's order; NULL where nothing was counted."""
    expected = [
        (
            seq,
            sha,
            n,
            f["path"],
            f.get("old_path"),
            f["change"],
            f["lines_added"],
            f["lines_removed"],
        )
        for seq, kind, sha, data in events
        if kind == "git.commit"
        for n, f in enumerate(data["files"])
    ]
    names = "seq, sha, ordinal, path, old_path, change, lines_added, lines_removed"
    found = rows(lab, f"SELECT {names} FROM commit_files ORDER BY seq, ordinal")
    assert expected == [tuple(row.values()) for row in found]
    shared = "seq, path, old_path, change, lines_added, lines_removed"
    one, other = (
        rows(lab, f"SELECT {shared} FROM {r} ORDER BY ALL") for r in ("touches", "commit_files")
    )
    assert one == other


def test_authors_are_corrected_by_the_mailmap_and_kept_as_written(lab):
    """Both, beside each other."""
    found = rows(lab, "SELECT name, email, proper_name, proper_email FROM authors ORDER BY ALL")
    assert ("annie", "ann@old.org", "Ann", "ann@x.org") in [tuple(r.values()) for r in found]
    assert rows(lab, "SELECT count(*) AS n FROM commits WHERE author_name = 'Ann'") == [{"n": 4}]


def test_parents_keep_the_graph(lab, events):
    """In git's order, so that causality can be asked of it; times may lie."""
    seqs = {sha: seq for seq, kind, sha, _ in events if kind == "git.commit"}
    expected = [
        {"sha": sha, "ordinal": n, "parent_sha": parent, "seq": seq, "parent": seqs[parent]}
        for seq, kind, sha, data in events
        if kind == "git.commit"
        for n, parent in enumerate(data["parents"])
    ]
    assert expected == rows(lab, "SELECT * FROM commit_parents ORDER BY seq, ordinal")


def test_sessions_goals_and_items_are_the_session_events(lab):
    """Ids, contents and the ticks of goals."""
    (session,) = rows(lab, "SELECT id, title, source_file FROM sessions")
    assert session == {
        "id": "20250306-090000",
        "title": "dry the beans",
        "source_file": "layer/sessions/20250306-090000.md",
    }
    assert rows(lab, "SELECT content, completed FROM goals ORDER BY content") == [
        {"content": "find the damp shelf", "completed": False},
        {"content": "label the jars", "completed": True},
    ]
    items = rows(lab, "SELECT kind, count(*) AS n FROM session_items GROUP BY kind ORDER BY kind")
    assert items == [{"kind": "decision", "n": 1}, {"kind": "goal", "n": 2}]


def test_decisions_and_observations_come_from_notes_and_from_event_files(lab):
    """One relation, whatever the source."""
    assert rows(lab, "SELECT source, content FROM decisions ORDER BY seq") == [
        {"source": "event_files", "content": "Dry the beans"},
        {"source": "sessions", "content": "Move the beans upstairs because it is dry there"},
    ]
    kinds = rows(lab, "SELECT event_type, observation_type, actor FROM observations ORDER BY seq")
    assert [tuple(row.values()) for row in kinds] == [
        ("decision_made", "decision", "ann"),
        ("session.decision", "decision", None),
        ("observation_captured", None, "bob"),
    ]


def test_tags_are_the_tag_events(lab):
    """Light and annotated."""
    found = rows(lab, "SELECT name, annotated, tagger, message FROM tags ORDER BY name")
    assert [tuple(row.values()) for row in found] == [
        ("v1", False, None, None),
        ("v2", True, "Ann", "second"),
    ]


def test_the_quarantine_says_what_was_not_read(lab):
    """Source, reason, file and line."""
    found = rows(lab, "SELECT source, reason, source_file, line FROM quarantine")
    assert [tuple(row.values()) for row in found] == [
        ("event_files", "invalid JSON", ".patina/shared/events/broken.json", 1)
    ]


@pytest.mark.parametrize("name", sorted(set(NAMES) - UNSLICED))
@pytest.mark.parametrize(
    "narrow",
    [
        lambda log: log.as_of("2025-03-05"),
        lambda log: log.between("2025-03-01", "2025-03-06T12:00:00Z"),
        lambda log: log.where("git.*", "session.*"),
        lambda log: log.where(author="Ann").as_of("2025-03-10"),
        lambda log: log.where("nothing"),
        lambda log: log.where(path="layer/*"),
    ],
    ids=["as of", "between", "types", "author", "nothing", "path"],
)
def test_a_relation_over_a_slice_has_rows_of_its_events_only(lab, name, narrow):
    """Every row that has a seq; and all of them, where no path was asked for."""
    log = narrow(lab.log)
    inside = set(log.df()["seq"])
    whole, part = lab.log.rel(name).arrow(), log.rel(name).arrow()
    assert whole.column_names == part.column_names
    assert set(part.column("seq").to_pylist()) <= inside
    if log.slice.paths == ():
        expected = [row for row in whole.to_pylist() if row["seq"] in inside]
        key = lambda row: json.dumps(row, default=str, sort_keys=True)  # noqa: E731
        assert sorted(expected, key=key) == sorted(part.to_pylist(), key=key)


@pytest.mark.parametrize("name", NAMES)
def test_every_relation_has_columns_and_is_one_select(lab, name):
    """Also where the log is read by another tool: the text needs no engine of ours."""
    text = relation_sql(name, Slice(), "log.main.")
    assert lab.rel(name).columns
    assert not text.startswith((" ", "\n"))
    manifest = lab.log.opened.manifest
    with duckdb.connect(str(lab.store.folder / manifest.file), read_only=True) as other:
        other.execute("SET TimeZone = 'UTC'")
        found = other.sql(relation_sql(name, Slice(), "")).to_arrow_table()
        assert sorted(map(str, lab.rel(name).arrow().to_pylist())) == sorted(
            map(str, found.to_pylist())
        )


def test_another_tool_finds_the_same_relations_as_views(lab):
    """By the same names, in the file itself."""
    manifest = lab.log.opened.manifest
    with duckdb.connect(str(lab.store.folder / manifest.file), read_only=True) as other:
        for name in NAMES:
            columns = [row[0] for row in other.execute(f"DESCRIBE {name}").fetchall()]
            # The relation adds the shas to the file's table of the same name.
            added = {"sha", "parent_sha"} if name == "commit_parents" else set()
            assert set(lab.rel(name).columns) == set(columns) | added
