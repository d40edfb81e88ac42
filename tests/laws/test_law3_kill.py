"""Law 3 and 2 under SIGKILL: whatever a scrape was doing, the old log or the new one is there."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time

import duckdb
import pytest
from history import NOON, Commit, History, Reset, Tag, environment, history, temporary_home
from tables import Tables, assert_same, file_of, read, scraped
from worker import Worker, started

import patina_lab as pt
from patina_lab.errors import CorruptLog
from patina_lab.eventlog.digest import DIGEST_SQL

NOTE = b"# Session\n**Started**: 2025-03-01T09:30:00Z\n\n## Goals\n- [x] ship\n"
BEFORE = [
    Commit(((b"a.py", "100644", b"one\n"), (b"layer/sessions/one.md", "100644", NOTE)), at=NOON),
    Commit(((b"a.py", "100644", b"two\n"),), at=NOON + 1),
]
OPENED_DIGEST = DIGEST_SQL.replace("FROM eventlog", "FROM log.main.eventlog")

AFTER = [
    Reset(1),
    Commit(((b"b.py", "100644", b"three\n"), (b"layer/sessions/two.md", "100644", NOTE)), at=NOON),
    Tag("v1"),
]


@pytest.fixture(scope="module")
def worker():
    with started(environment("unused")) as running:
        yield running


def whole(lab: pt.Lab) -> Tables:
    """Return the tables of the log that is in place, which is what its pointer says it is."""
    try:
        opened = lab.store.open(None)
        (digest,) = opened[0].execute(OPENED_DIGEST).fetchone()
        tables = read(file_of(lab, opened[1]))
    except (duckdb.Error, CorruptLog) as err:
        raise AssertionError(f"the log is not whole: {err}") from err
    assert digest == opened[1].digest
    opened[0].close()
    return tables


def killed_everywhere(h: History, worker: Worker, first: int = 1) -> list[str]:
    """Kill a scrape at each thing that it does to the disk; check what is left; say where."""
    places = []
    with temporary_home() as home, temporary_home() as elsewhere:
        h.do(BEFORE)
        old = scraped(h.repo.path, home)
        lab = pt.open(h.repo.path, home=home)
        reader = lab.log
        h.do(AFTER)
        new = scraped(h.repo.path, elsewhere)
        after = first
        while doing := worker.ask(do="die", repo=h.repo.path, home=home, after=after):
            places.append(doing.split()[0])
            left = whole(lab)
            assert left in (old, new), f"killed in {doing}: neither the old log nor the new one"
            after += 1
            if left == new:
                # Back to the old log, to be killed a little later.
                before = h.tip
                h.point(h.current, lab.repository.resolve(reader.opened.manifest.source_sha))
                h.repo.git("tag", "-d", "v1")
                assert scraped(h.repo.path, home) == old
                h.point(h.current, before)
                h.repo.git("tag", "v1")
        assert whole(lab) == new
        assert_same(scraped(h.repo.path, home), new)
        # Nothing of all the dead scrapes is left, and who had the old log open still has it.
        assert sorted(p.name for p in lab.store.folder.iterdir()) == sorted(
            ["current.json", "scrape.lock", file_of(lab).name]
        )
        ((digest,),) = reader.opened.rows(OPENED_DIGEST)
        assert digest == reader.opened.manifest.digest
    return places


@pytest.mark.slow
def test_a_scrape_killed_anywhere_leaves_a_whole_log(worker) -> None:
    """SIGKILL before each write, rename, fsync and removal: the log is the old or the new one."""
    with history() as h:
        places = killed_everywhere(h, worker)
    assert {"Path.replace", "os.fsync", "shutil.rmtree", "Staging._write"} <= set(places)


@pytest.mark.slow
def test_control_a_log_written_in_place_is_caught() -> None:
    """The same search finds a store that writes over the log it has."""
    with (
        started(environment("unused"), "defect=in_place") as broken,
        history() as h,
        pytest.raises(AssertionError),
    ):
        # What it does last is what matters: the writing comes after some thirty other things.
        killed_everywhere(h, broken, first=25)


@pytest.mark.slow
def test_a_scrape_killed_at_any_moment_leaves_a_whole_log() -> None:
    """The same by the clock: no point of the program is left out."""
    chance = random.Random(0)
    script = "import sys, patina_lab as pt; pt.open(sys.argv[1]).scrape(progress=False)"
    with history(BEFORE) as h, temporary_home() as home, temporary_home() as elsewhere:
        old = scraped(h.repo.path, home)
        h.do(AFTER)
        new = scraped(h.repo.path, elsewhere)
        lab = pt.open(h.repo.path, home=home)
        for _ in range(8):
            scrape = subprocess.Popen(
                [sys.executable, "-c", script, str(h.repo.path)], env=environment(home)
            )
            time.sleep(chance.uniform(0.1, 0.8))
            scrape.send_signal(signal.SIGKILL)
            scrape.wait()
            assert whole(lab) in (old, new)
        assert_same(scraped(h.repo.path, home), new)
        assert not list(lab.store.folder.glob("build-*"))
