"""Law 6, provenance: every row of every table names the event that it comes from."""

from __future__ import annotations

import pytest
from history import Commit, Operation, histories, history, temporary_home
from hypothesis import given, settings
from tables import patched

import patina_lab as pt
from patina_lab.eventlog import build, relations
from patina_lab.sources.git_records import decode_path

WITH_AN_EVENT = [
    name
    for name in relations.NAMES
    if name not in ("authors", "quarantine", "coverage", "source_files", "scrape_meta")
]


def every_row_has_its_event(operations: list[Operation]) -> None:
    """Join every relation to the log."""
    with history(operations) as h, temporary_home() as home:
        lab = pt.open(h.repo.path, home=home)
        lab.scrape(progress=False)

        def none(query: str) -> None:
            assert lab.log.opened.rows(query) == [], query

        for name in WITH_AN_EVENT:
            relation = lab.rel(name).to_sql()
            columns = lab.rel(name).columns
            assert "seq" in columns, name
            none(f"SELECT r.seq FROM ({relation}) r ANTI JOIN log.main.eventlog e ON e.seq = r.seq")
            if "occurred_us" in columns:
                none(
                    f"SELECT r.seq FROM ({relation}) r JOIN log.main.eventlog e ON e.seq = r.seq "
                    "WHERE r.occurred_us <> e.occurred_us"
                )
            if "sha" in columns and name != "tags":
                none(
                    f"SELECT r.sha FROM ({relation}) r JOIN log.main.eventlog e ON e.seq = r.seq "
                    "WHERE r.sha <> e.source_id OR e.event_type <> 'git.commit'"
                )
        for table in ("commit_facts", "commit_parents", "touch", "session_items", "decision"):
            none(
                f"SELECT r.seq FROM log.main.{table} r "
                "ANTI JOIN log.main.eventlog e ON e.seq = r.seq"
            )
        # What has no event of its own names what it is about: an identity a commit has, a
        # commit of the history, a file of the tree.
        none(
            "SELECT author_id FROM log.main.authors a "
            "WHERE NOT EXISTS (FROM log.main.commit_facts f "
            "WHERE a.author_id IN (f.author_id, f.committer_id))"
        )
        files = {decode_path(path) for path in h.repo.files()}
        for table in ("coverage", "quarantine"):
            column = "source_file" if table == "coverage" else "coalesce(source_file, source_id)"
            named = {
                row[0] for row in lab.log.opened.rows(f"SELECT {column} FROM log.main.{table}")
            }
            assert named <= files | set(h.repo.history())
        assert {
            row[0] for row in lab.log.opened.rows("SELECT path FROM log.main.source_files")
        } <= files
        # Ranks are the places in the total order, without a gap.
        order = "occurred_us, source_id, event_type, event_id, coalesce(source_file, ''), source"
        none(
            f"SELECT seq FROM (SELECT seq, row_number() OVER (ORDER BY {order}) AS n "
            "FROM log.main.eventlog) WHERE seq <> n"
        )


@settings(max_examples=max(settings.default.max_examples // 2, 1))
@given(histories(max_size=8))
def test_every_row_of_every_relation_has_its_event(operations) -> None:
    """Commits, touches, parents, items, decisions, tags: each joins to one event of the log."""
    every_row_has_its_event(operations)


def test_control_a_row_without_an_event_is_caught() -> None:
    """The same check finds a touch whose rank is no event's."""
    made = build._sql

    def off_by_one(name: str) -> str:
        return made(name).replace("SELECT r.seq, t.ordinal", "SELECT r.seq + 1, t.ordinal")

    work = [Commit(((b"a.py", "100644", b"1\n"),))]
    every_row_has_its_event(work)
    with patched((build, "_sql", off_by_one)), pytest.raises(AssertionError):
        every_row_has_its_event(work)
