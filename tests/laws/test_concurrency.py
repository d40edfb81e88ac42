"""Several processes, one log: readers see the old one or the new one, writers take turns."""

from __future__ import annotations

import contextlib
import time

import pytest
from history import NOON, Commit, environment, history, temporary_home
from tables import file_of, fingerprint, read
from worker import Worker, started

import patina_lab as pt

NOTE = b"# Session\n**Started**: 2025-03-01T09:30:00Z\n\n## Goals\n- [x] ship\n"
WORK = [
    Commit(
        ((b"a.py", "100644", b"%d\n" % n), (b"layer/sessions/n.md", "100644", NOTE)), at=NOON + n
    )
    for n in range(12)
]


@pytest.fixture(scope="module")
def workers():
    with contextlib.ExitStack() as running:
        yield [running.enter_context(started(environment("unused"))) for _ in range(3)]


def readers_see_one_of_two(writer: Worker, readers: list[Worker], seconds: float) -> int:
    """Scrape back and forth between two commits while others read; return how many scrapes.

    On a busy machine readers may meet one log only: then they read once more.
    """
    with history(WORK) as h, temporary_home() as home:
        repo = h.repo.path
        ends = [h.repo.sha("HEAD~9"), h.repo.sha()]
        digests = [writer.ask(do="scrape", repo=repo, home=home, at=at)["digest"] for at in ends]
        assert digests[0] != digests[1]
        seen: list[dict[str, int]] = []
        scrapes = 0
        for _ in range(6):
            # Whatever happens, every reader's answer is taken before the folder goes.
            with contextlib.ExitStack() as answered:
                for reader in readers:
                    reader.send(do="read", repo=repo, home=home, seconds=seconds)
                    answered.callback(lambda reader=reader: seen.append(reader.answer()))
                end = time.monotonic() + seconds
                while time.monotonic() < end:
                    at = ends[scrapes % 2]
                    made = writer.ask(do="scrape", repo=repo, home=home, at=at)
                    assert made["digest"] == digests[scrapes % 2]
                    scrapes += 1
            for counts in seen:
                assert set(counts) <= set(digests)
                assert sum(counts.values()) > 1
            if set().union(*seen) == set(digests):
                break
        assert set().union(*seen) == set(digests)
        return scrapes


@pytest.mark.slow
def test_readers_see_the_old_log_or_the_new_one(workers) -> None:
    """Two processes open and read in a loop while a third scrapes: no error, no third digest."""
    assert readers_see_one_of_two(workers[0], workers[1:], seconds=5) > 2


@pytest.mark.slow
def test_control_a_pointer_to_no_log_is_caught(workers) -> None:
    """The same readers find a pointer that is put in place before its log."""
    with (
        started(environment("unused"), "defect=pointer_first") as broken,
        pytest.raises(AssertionError),
    ):
        readers_see_one_of_two(broken, workers[1:], seconds=4)


@pytest.mark.slow
def test_scrapes_at_once_take_turns(workers) -> None:
    """Three processes scrape the same commit at once: all succeed, with the same rows."""
    with history(WORK) as h, temporary_home() as home, temporary_home() as elsewhere:
        for options in ({}, {"rebuild": True}, {"at": h.repo.sha("HEAD~3")}):
            for worker in workers:
                worker.send(do="scrape", repo=h.repo.path, home=home, **options)
            made = [worker.answer() for worker in workers]
            alone = workers[0].ask(do="scrape", repo=h.repo.path, home=elsewhere, **options)
            assert {one["digest"] for one in made} == {alone["digest"]}
            assert {one["rows"] for one in made} == {alone["rows"]}
        lab = pt.open(h.repo.path, home=home)
        assert fingerprint(read(file_of(lab))) == made[0]["rows"]
        assert not list(lab.store.folder.glob("build-*"))
        assert len(list(lab.store.folder.glob("*.duckdb"))) == 1
