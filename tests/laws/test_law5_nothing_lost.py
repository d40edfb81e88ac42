"""Law 5, nothing is lost silently: what is there is an event, or is said to be missing."""

from __future__ import annotations

import json

import pytest
from history import (
    Commit,
    Operation,
    Partial,
    Shallow,
    histories,
    history,
    temporary_home,
)
from hypothesis import given, settings
from tables import patched

import patina_lab as pt
from patina_lab.eventlog.staging import Staging
from patina_lab.sources.event_files import EventFileSource
from patina_lab.sources.git import GitSource
from patina_lab.sources.git_records import decode_path
from patina_lab.sources.sessions import SessionSource

EVENTS = ".patina/shared/events/"
NOTES = "layer/sessions/"


def nothing_is_lost(operations: list[Operation]) -> None:
    """Count what git has, and look for each of it in the log."""
    with history(operations) as h, temporary_home() as home:
        lab = pt.open(h.repo.path, home=home)
        result = lab.scrape(progress=False)
        events = lab.log.opened.rows(
            "SELECT event_type, source, source_id, source_file, data::VARCHAR "
            "FROM log.main.eventlog"
        )
        problems = lab.problems().to_dict("records")
        # Commits in = commits out, each once.
        told = sorted(e[2] for e in events if e[1] == "git" and e[0] == "git.commit")
        assert told == sorted(h.repo.history())
        # A problem says what and why, and where.
        for problem in problems:
            assert problem["reason"]
            assert len(problem["detail"]) > 10
            assert isinstance(problem["source_id"], str) or isinstance(problem["source_file"], str)
        assert result.quarantined == len(problems)
        # Every wanted file is told of, or its problem is.
        said = {e[3] for e in events} | {p["source_file"] for p in problems}
        paths = {decode_path(path) for path in h.repo.files()}
        config = lab.rel("source_files").df()
        wanted = {p for p in paths if p.startswith(EVENTS) and p.endswith(".json")}
        wanted |= {p for p in paths if p.startswith(NOTES) and p.endswith(".md")}
        assert wanted <= set(config["path"])
        assert set(config["path"]) <= said
        # A commit without counts, or without files, says so.
        for event_type, source, sha, _, data in events:
            if (source, event_type) == ("git", "git.commit"):
                commit = json.loads(data)
                lacking = [f for f in commit["files"] if f["lines_added"] is None]
                if any(not f.get("binary") for f in lacking):
                    assert commit["missing"], sha
        # Tags: each that leads to a commit of this history.
        reached = set(h.repo.history())
        assert {e[2] for e in events if e[0] == "git.tag"} == {
            name for name, sha in h.tags.items() if sha in reached
        }


@settings(max_examples=settings.default.max_examples)
@given(histories(max_size=10))
def test_whatever_is_there_is_an_event_or_a_problem(operations) -> None:
    """Commits, notes, event files, tags; whole, broken, shallow, without their blobs."""
    nothing_is_lost(operations)


UNKNOWN = b"""{"event_id": "evt_1", "event_type": "tea_brewed", "timestamp": "2025-03-01T12:00:00Z",
 "author": "ann", "payload": {"minutes": 4, "deep": [null, true, 1.5, "\\u00fc"]}}"""


def test_an_event_of_an_unknown_type_stays_with_all_it_says() -> None:
    """Types of tomorrow, and of other people's tools, are kept as they are."""
    work = Commit(((f"{EVENTS}x.json".encode(), "100644", UNKNOWN),))
    with history([work]) as h, temporary_home() as home:
        lab = pt.open(h.repo.path, home=home)
        lab.scrape(progress=False)
        (event,) = lab.log.where("tea_brewed").df().to_dict("records")
        assert json.loads(event["data"]) == json.loads(UNKNOWN)["payload"]
        assert event["source_file"] == f"{EVENTS}x.json"


_COMMITS, _READ, _PROBLEM = GitSource.commits, EventFileSource.read, Staging.problem


def _loses_a_commit(self, objects, shas, **more):
    for event, problem in _COMMITS(self, objects, shas, **more):
        if event.data["files"]:
            yield event, problem


def _swallows(self, problem):
    if problem.source == "git":
        _PROBLEM(self, problem)


def _knows_its_types_only(self, file):
    for found in _READ(self, file):
        if getattr(found, "event_type", "decision_made") in self.catalog:
            yield found


def _reads_nothing(self, file):
    yield from ()


EVERYTHING = [
    Commit(((b"a.py", "100644", b"1\n"), (f"{EVENTS}x.json".encode(), "100644", UNKNOWN))),
    Commit((), message=b"Nothing"),
    Commit(((f"{NOTES}n.md".encode(), "100644", b"**Started**: 2025-03-01T09:30:00Z\n"),)),
    Commit(((f"{EVENTS}y.json".encode(), "100644", b"{"),)),
]


@pytest.mark.parametrize(
    "defect",
    [
        pytest.param((GitSource, "commits", _loses_a_commit), id="empty commits"),
        pytest.param((Staging, "problem", _swallows), id="problems"),
        pytest.param((EventFileSource, "read", _knows_its_types_only), id="unknown types"),
        pytest.param((SessionSource, "read", _reads_nothing), id="notes"),
    ],
)
def test_control_a_source_that_swallows_is_caught(defect: tuple) -> None:
    """The same count finds a source that leaves out commits, problems, types or files."""
    nothing_is_lost(EVERYTHING)
    with patched(defect), pytest.raises(AssertionError):
        nothing_is_lost(EVERYTHING)


@pytest.mark.parametrize(
    "damage", [Partial(b"a.py"), Partial(f"{NOTES}n.md".encode()), Shallow(0)], ids=repr
)
def test_what_cannot_be_read_is_said(damage) -> None:
    """A blob that is not in the clone, and a boundary without parents, are problems."""
    work = [Commit(((b"a.py", "100644", b"1\n"),)), Commit(((b"a.py", "100644", b"2\n"),))]
    with history([*work, damage]) as h, temporary_home() as home:
        lab = pt.open(h.repo.path, home=home)
        result = lab.scrape(progress=False)
        assert result.quarantined == len(lab.problems()) > 0
        assert set(lab.problems()["reason"]) <= {"missing object", "shallow boundary"}
