"""The process: killed when it must be, replaced when it was, never left behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from made import observation, one_cluster

from patina_lab.beliefs import swipl
from patina_lab.beliefs.facts import FactSet
from patina_lab.beliefs.ruleset import RuleSet, load
from patina_lab.beliefs.swipl import Limits, SwiplEngine
from patina_lab.errors import MissingTool, RulesStopped, UnknownName

FACTS = one_cluster([observation(n) for n in range(6)])
LOOP = RuleSet(
    "loop.pl", "belief(C, persona, 1, 0.5, beta(1, 0)) :- size(C, _), loop.\nloop :- loop.\n"
)
ENDLESS = Limits(seconds=60, inferences=10**15)

needs_swipl = pytest.mark.skipif(shutil.which("swipl") is None, reason="swipl is not installed")
needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


def lives(pid: int) -> bool:
    """Return whether a process exists and is no zombie that its parent can reap.

    Its first thread is one as soon as it is killed; the others may need a moment yet.
    """
    try:
        zombie = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
        return not zombie or len([*Path(f"/proc/{pid}/task").iterdir()]) > 1
    except OSError:
        return False


def gone(pid: int, within: float = 20.0) -> bool:
    """Wait until a process is gone."""
    deadline = time.monotonic() + within
    while lives(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not lives(pid)


def started(engine: SwiplEngine) -> int:
    """Start the engine's process; return its id."""
    assert len(engine.form(FACTS, "v1")) == 1
    assert engine.pid is not None
    return engine.pid


@needs_swipl
@needs_proc
def test_what_does_not_answer_is_killed_and_replaced() -> None:
    """A stopped process hears no limit of its own: only the kill ends it."""
    with SwiplEngine(Limits(seconds=1)) as engine:
        pid = started(engine)
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(RulesStopped, match="did not answer within 1 s and was killed"):
            engine.form(FACTS, "v2")
        assert gone(pid)
        assert started(engine) != pid


@needs_swipl
@needs_proc
def test_an_endless_rule_without_other_limits_is_killed() -> None:
    """The clock of the parent is the last limit."""
    with SwiplEngine(Limits(seconds=1, inferences=10**15)) as engine:
        pid = started(engine)
        with pytest.raises(RulesStopped, match=r"loop\.pl was stopped: it did not answer"):
            engine.form(FACTS, LOOP)
        assert gone(pid)
        assert started(engine) != pid


@needs_swipl
@needs_proc
def test_a_process_that_dies_is_named_and_replaced() -> None:
    """In the middle of a run, or between two."""
    with SwiplEngine(ENDLESS) as engine:
        pid = started(engine)
        threading.Timer(0.5, os.kill, (pid, signal.SIGKILL)).start()
        with pytest.raises(RulesStopped, match=r"its process ended \(signal SIGKILL"):
            engine.form(FACTS, LOOP)
        pid = started(engine)
        os.kill(pid, signal.SIGKILL)
        assert gone(pid)
        started(engine)


@needs_swipl
@needs_proc
def test_an_interrupt_ends_the_run() -> None:
    """Jupyter's stop button raises KeyboardInterrupt; the process goes, the engine stays."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with SwiplEngine(ENDLESS) as engine:
        pid = started(engine)
        before = signal.signal(signal.SIGALRM, interrupt)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.5)
            with pytest.raises(KeyboardInterrupt):
                engine.form(FACTS, LOOP)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        assert gone(pid)
        started(engine)


PARENT = """
import os, sys, threading
sys.path.insert(0, sys.argv[1])
from test_swipl import ENDLESS, FACTS, LOOP, started
from patina_lab.beliefs.swipl import SwiplEngine
engine = SwiplEngine(ENDLESS)
pid = started(engine)
if sys.argv[2] != "idle":
    threading.Thread(target=engine.form, args=(FACTS, LOOP), daemon=True).start()
    threading.Event().wait(0.5)
print(pid, flush=True)
if sys.argv[2] == "busy":
    threading.Event().wait()
"""


@needs_swipl
@needs_proc
@pytest.mark.parametrize("how", ["busy", "idle", "ends while busy"])
def test_no_process_outlives_its_parent(how: str) -> None:
    """Killed or ended, idle or in an endless loop: the worker goes with its parent."""
    here = str(Path(__file__).parent)
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, here, how], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        if how == "busy":
            assert lives(pid)
            parent.kill()
        parent.wait()
    assert gone(pid)


@needs_swipl
@needs_proc
def test_closing_leaves_nothing() -> None:
    """No process, no folder; closing twice is closing once."""
    engine = SwiplEngine()
    pid = started(engine)
    folder = Path(f"/proc/{pid}/cwd").resolve()
    assert folder.is_dir()
    engine.close()
    engine.close()
    assert gone(pid)
    assert not folder.exists()
    assert engine.pid is None


@needs_swipl
@needs_proc
def test_a_fork_leaves_its_parents_process_alone() -> None:
    """A forked kernel shares no pipe with its parent: the child starts a process of its own."""
    with SwiplEngine() as engine:
        pid = started(engine)
        child = os.fork()
        if not child:
            try:
                own = started(engine)
                engine.close()
                os._exit(0 if own != pid else 1)
            except BaseException:
                os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert lives(pid)
        assert started(engine) == pid


@needs_swipl
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's bounds are Linux's")
def test_the_kernel_bounds_the_process() -> None:
    """Memory, files to write and handles are few."""
    import resource

    with SwiplEngine(Limits(memory_mb=700)) as engine:
        pid = started(engine)
        assert resource.prlimit(pid, resource.RLIMIT_AS)[1] == 700 << 20
        assert resource.prlimit(pid, resource.RLIMIT_FSIZE)[1] == 1 << 20
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        names = {entry.split(b"=")[0].decode() for entry in environment if entry}
        assert names <= {"PATH", "HOME", "TMPDIR", "LC_ALL", "SWI_HOME_DIR", "LD_LIBRARY_PATH"}


def test_without_swipl_one_sentence_says_what_to_do() -> None:
    """Everything imports; only running a rule set needs the program."""
    engine = SwiplEngine(swipl="swipl-that-is-not-here")
    with pytest.raises(MissingTool, match=r"\(swipl\) is not installed.*\./run setup"):
        engine.form(FACTS, "v2")


def test_importing_beliefs_needs_and_starts_nothing() -> None:
    """Not even with an empty PATH."""
    code = (
        "import patina_lab.beliefs.swipl, patina_lab.beliefs.oracle, patina_lab.beliefs.proof;"
        "import patina_lab.beliefs.pyswip_engine, sys;"
        "assert 'pyswip' not in sys.modules and 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PATH": ""})


@needs_swipl
def test_facts_are_loaded_once(engine: SwiplEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rule sets over one fact set: one load; another fact set: another one."""
    loads = []
    write = FactSet.write_prolog
    monkeypatch.setattr(
        FactSet, "write_prolog", lambda self, path: loads.append(len(self)) or write(self, path)
    )
    first = one_cluster([observation(n) for n in range(5)])
    second = one_cluster([observation(n, polarity=-1) for n in range(5)])
    assert [b.stance for b in engine.form(first, "v1")] == [1]
    engine.form(first, "v2")
    engine.form(one_cluster([observation(n) for n in range(5)]), "v0")
    assert [b.stance for b in engine.form(second, "v1")] == [-1]
    assert loads == [len(first), len(second)]


@needs_swipl
def test_many_facts_go_another_way_with_the_same_end(
    engine: SwiplEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python writes few facts, DuckDB writes many; the files are the same."""
    names = ["a", "o'x\\", "é\n\t\r", '"', "[]"]
    rows = [observation(n, project=name, days=n * 1e-7) for n, name in enumerate(names)]
    facts = one_cluster(rows)
    facts.write_prolog(tmp_path / "python")
    monkeypatch.setattr("patina_lab.beliefs.facts._MANY", 0)
    facts.write_prolog(tmp_path / "duckdb")
    few, many = (sorted((tmp_path / way).read_text().splitlines()) for way in ("python", "duckdb"))
    assert few == many


@needs_swipl
def test_firing_counts_and_cost_repeat(engine: SwiplEngine) -> None:
    """The same question costs the same, on any machine."""
    one, two = engine.form(FACTS, "v0"), engine.form(FACTS, "v0")
    assert one.clauses == two.clauses
    assert one.fired["supports/5"] == 6
    assert one.fired["archived/1"] == 0  # unreachable, as v0.pl says
    assert one.inferences is not None
    assert two.inferences is not None
    assert abs(one.inferences - two.inferences) <= 5


@needs_swipl
def test_parameters_replace_defaults(engine: SwiplEngine) -> None:
    """Only those that the rule set declares."""
    assert len(engine.form(FACTS, load("v1", min_support=7))) == 0
    assert engine.form(FACTS, load("v1", min_support=6)).parameters["min_support"] == 6
    with pytest.raises(UnknownName, match=r"rule set v1 'min_suport'.*'min_support'"):
        engine.form(FACTS, load("v1", min_suport=6))


@needs_swipl
def test_two_threads_share_an_engine(engine: SwiplEngine) -> None:
    """They take turns."""
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda n=n: answers.append(len(engine.form(FACTS, f"v{n % 3}"))))
        for n in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 6


def test_an_answer_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parent's own memory is bounded too."""
    if shutil.which("swipl") is None:
        pytest.skip("swipl is not installed")
    many = one_cluster([observation(n, project=f"p{n}") for n in range(300)])
    with SwiplEngine() as engine:
        engine.form(many, load("v1", min_support=1, min_sources=1))
        monkeypatch.setattr(swipl, "_MOST_ANSWER", 1000)
        monkeypatch.setattr(os, "read", lambda fd, n, read=os.read: read(fd, 500))
        with pytest.raises(RulesStopped, match="its answer was too long"):
            engine.form(many, load("v1", min_support=1, min_sources=1))
