"""Several processes write notes into one project, and are killed at any instant."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import patina_lab as pt
from patina_lab.project.observe import observe
from patina_lab.project.propose import proposed
from patina_lab.project.read import read_local
from patina_lab.project.write import TEMPORARY, locked

WRITER = Path(__file__).with_name("writer.py")


def start(project, acks, name, count, how):
    args = [str(project.path), name, str(count), str(acks / name), how]
    return subprocess.Popen([sys.executable, str(WRITER), *args], stderr=subprocess.PIPE)


def write_and_kill(project, acks, processes, count, kills, how="observe"):
    """Let writers write; kill one after another with SIGKILL; start each again until done."""
    acks.mkdir()
    dice = random.Random(processes * count)
    running = {f"w{n}": start(project, acks, f"w{n}", count, how) for n in range(processes)}
    killed = 0
    while running:
        time.sleep(dice.uniform(0.002, 0.08))
        writing = [n for n in running if (acks / n).exists() and running[n].poll() is None]
        if killed < kills and writing:
            name = dice.choice(writing)
            running[name].send_signal(signal.SIGKILL)
            killed += 1
        for name, process in list(running.items()):
            if process.poll() is None:
                continue
            said = process.stderr.read().decode()
            process.stderr.close()
            if process.returncode == 0:
                del running[name]
            else:
                assert process.returncode == -signal.SIGKILL, said
                running[name] = start(project, acks, name, count, how)
    return killed, [line for p in sorted(acks.iterdir()) for line in p.read_text().split()]


def check(project, tmp_path, processes, count, kills):
    killed, acknowledged = write_and_kill(project, tmp_path / "acks", processes, count, kills)
    assert killed == kills
    assert len(acknowledged) == processes * count
    found, problems = read_local(project.repository)
    assert problems == []
    # A note may be there that its writer did not live to acknowledge, and be written again.
    assert set(acknowledged) == {f.event.event_id for f in found}
    assert len(found) <= processes * count + kills
    assert len({f.sequence for f in found}) == len(found)
    # No lock is lost with its holder, and the next writer clears away what was left behind.
    lab = pt.open(project.path)
    lab.observe("after all", at="2025-04-01")
    assert not list(project.path.glob(f".patina/local/events/{TEMPORARY}*"))
    with locked(project.repository.git_dir, "local", timeout=1):
        pass
    assert lab.scrape(progress=False).quarantined == 0
    assert project.git("status", "--porcelain") == ""


def test_no_acknowledged_note_is_lost(project, tmp_path):
    """A few writers, a few kills; the full number runs in the slow test."""
    check(project, tmp_path, processes=4, count=20, kills=6)


@pytest.mark.slow
def test_no_acknowledged_note_is_lost_by_many_writers(project, tmp_path):
    check(project, tmp_path, processes=8, count=200, kills=40)


def test_control_careless_writers_lose_notes(project, tmp_path):
    """Without lock and temporary file, the same check finds notes lost or torn."""
    _, acknowledged = write_and_kill(project, tmp_path / "acks", 4, 20, 6, how="careless")
    found, problems = read_local(project.repository)
    assert problems or set(acknowledged) - {f.event.event_id for f in found}


PROPOSE = """
import sys
from patina_lab.project.propose import propose
from patina_lab.sources.repository import open_repository
for n in range(3):
    propose(open_repository(sys.argv[1]), f"{sys.argv[2]} {n}", type="decision", at="2025-03-07")
"""


def test_proposals_at_the_same_time_get_numbers_and_branches_of_their_own(project):
    """The last moment is inside the lock."""
    running = [
        subprocess.Popen([sys.executable, "-c", PROPOSE, str(project.path), f"p{n}"])
        for n in range(3)
    ]
    assert [process.wait() for process in running] == [0, 0, 0]
    pending = proposed(project.repository)
    assert sorted(f.sequence for _, f in pending) == list(range(1, 10))
    assert len({branch for branch, _ in pending}) == 9


def test_threads_of_one_kernel_write_too(project):
    repository = project.repository
    with ThreadPoolExecutor(4) as pool:
        notes = list(pool.map(lambda n: observe(repository, f"note {n}"), range(20)))
    assert {note.sequence for note in notes} == set(range(1, 21))
    assert len(read_local(repository)[0]) == 20
