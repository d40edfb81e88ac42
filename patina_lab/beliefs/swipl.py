"""SWI-Prolog in a process of its own: the engine that may run what strangers wrote.

The process gets facts once and rule sets by their text, answers one question at a time, and
is killed when an answer takes too long.  It kills itself when this process goes away (its
standard input ends, and a thread of it waits for nothing else).  On Linux the kernel also
bounds its memory, forbids it to write files, and gives it few file handles.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import orjson

from patina_lab.beliefs import answers
from patina_lab.beliefs.facts import FactSet
from patina_lab.beliefs.proof import Proof
from patina_lab.beliefs.rules import Candidate, Formed, Used
from patina_lab.beliefs.ruleset import RuleSet, load
from patina_lab.errors import MissingTool, RulesStopped

WORKER = Path(__file__).parent / "prolog" / "worker.pl"
_MOST_ANSWER = 1 << 30
_STARTING_S = 20.0
_MANY = 100_000
_AT_ONCE = 100


@dataclass(frozen=True)
class Limits:
    """What a rule set may use.

    Parameters
    ----------
    seconds : float
        Wall clock for one run; then the process is killed.
    inferences : int
        Logical steps for one run; the same everywhere.
    memory_mb : int
        For all of the process; half of it for Prolog's stacks.
    """

    seconds: float = 60.0
    inferences: int = 2_000_000_000
    memory_mb: int = 2048


class SwiplEngine:
    """A `RuleEngine` that runs rule sets in a ``swipl`` process.

    The process starts with the first question, keeps the facts it was asked about last, and
    is replaced when it had to be killed.  Use it as a context manager, or :meth:`close` it;
    if neither happens, it ends with this process.

    Parameters
    ----------
    limits : Limits
    swipl : str
        The program; found on PATH.

    Examples
    --------
    >>> from patina_lab.beliefs.facts import FactSet
    >>> rows = [(f"o{n}", f"e{n}", f"t{n}", "pattern", 1, 0, "ann", f"s{n}", "dust", 0.9, 3.0)
    ...         for n in range(3)]
    >>> facts = FactSet.of(
    ...     rows, clusters=[(f"o{n}", "c") for n in range(3)],
    ...     properties=[("c", "o0", 0.8, 0.9)])
    >>> with SwiplEngine() as engine:  # doctest: +SKIP
    ...     engine.form(facts, "v2").beliefs[0].support
    3
    """

    def __init__(self, limits: Limits | None = None, swipl: str = "swipl") -> None:
        self.limits = limits or Limits()
        self._program = swipl
        self._process: _Process | None = None
        self._facts: FactSet | None = None
        self._read: dict[str, dict[str, Any]] = {}
        self._lock = threading.RLock()

    def form(self, facts: FactSet, rules: str | Path | RuleSet) -> Formed:
        """Return the beliefs that follow (see `RuleEngine.form`).

        Raises
        ------
        BadRules
            The rule set is broken or refused; the message has file, line and clause.
        RulesStopped
            It ran beyond its limits.
        MissingTool
            There is no ``swipl``.
        """
        rules = load(rules)
        with self._lock:
            read = self._load(facts, rules)
            answer = self._ask(rules, op="run", id=rules.digest, inferences=self.limits.inferences)
            return answers.formed(answer, read, facts, rules, self)

    def prove(self, facts: FactSet, rules: str | Path | RuleSet, belief: Candidate) -> Proof:
        """Return why a belief follows (see `RuleEngine.prove`)."""
        rules = load(rules)
        with self._lock:
            read = self._load(facts, rules)
            answer = self._ask(
                rules,
                op="prove",
                id=rules.digest,
                inferences=min(self.limits.inferences, 100_000_000),
                **answers.question(facts, belief),
            )
            return answers.proved(answer, read, facts, rules)

    def used(
        self, facts: FactSet, rules: str | Path | RuleSet, beliefs: Sequence[Candidate]
    ) -> list[Used]:
        """Return the facts that each proof uses (see `RuleEngine.used`)."""
        rules = load(rules)
        found: list[Used] = []
        with self._lock:
            for at in range(0, len(beliefs), _AT_ONCE):
                self._load(facts, rules)
                answer = self._ask(
                    rules,
                    op="used",
                    id=rules.digest,
                    inferences=min(self.limits.inferences, 100_000_000),
                    beliefs=[answers.question(facts, b) for b in beliefs[at : at + _AT_ONCE]],
                )
                found += answers.used(answer, facts, rules)
        return found

    def clauses(self, facts: FactSet, rules: str | Path | RuleSet) -> list[Any]:
        """Return the clauses of a rule set as they were read, parameters filled in.

        They are what `patina_lab.beliefs.logic.Program` takes.
        """
        rules = load(rules)
        with self._lock:
            clauses: list[Any] = self._load(facts, rules)["clauses"]
            return clauses

    def close(self) -> None:
        """End the process; the next question starts another one."""
        with self._lock:
            if self._process is not None:
                self._process.end()
            self._process = None
            self._facts = None
            self._read = {}

    def __enter__(self) -> SwiplEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The process's id, while there is one."""
        return self._process.pid if self._process is not None else None

    def _load(self, facts: FactSet, rules: RuleSet) -> dict[str, Any]:
        if self._process is not None and self._process.owner != os.getpid():
            # a fork inherits the handle, not the process
            self._process, self._facts, self._read = None, None, {}
        if self._process is not None and not self._process.alive():
            self.close()
        if self._facts is None or self._facts != facts:
            if self._facts is not None and len(self._facts) > _MANY:
                self.close()  # gives the memory back at once
            try:
                self._give(facts)
            except BaseException:
                self.close()
                raise
        if rules.digest not in self._read:
            answer = self._ask(
                rules,
                op="rules",
                id=rules.digest,
                text=rules.text,
                parameters=dict(rules.parameters),
            )
            self._read[rules.digest] = answers.loaded(answer, rules)
        return self._read[rules.digest]

    def _start(self) -> _Process:
        program = shutil.which(self._program)
        if program is None:
            raise MissingTool(
                "SWI-Prolog (swipl) is not installed, and rule sets need it.",
                "Install it: ./run setup, or your system's package swi-prolog-nox; "
                "patina-lab doctor names the command. Without it v0, v1 and v2 run in SQL, "
                "without proofs: --engine sql, or engine='sql'.",
            )
        return _Process(program, self.limits)

    def _give(self, facts: FactSet) -> None:
        """Load facts in place of those that are there."""
        process = self._process = self._process or self._start()
        path = process.folder / "facts.pl"
        facts.write_prolog(path)
        seconds = _STARTING_S + len(facts) / 10_000
        try:
            answer = process.ask({"op": "facts", "path": str(path)}, seconds)
        except _Gone as gone:
            answer = {"ok": False, "error": {"message": str(gone)}}
        if not answer["ok"] or answer["facts"] != len(facts):
            raise RulesStopped(
                f"SWI-Prolog could not load {len(facts):,} facts: "
                f"{answer.get('error', {}).get('message', 'some are missing')}.",
                "Allow more memory: Limits(memory_mb=…).",
            )
        path.unlink()
        self._facts = facts

    def _ask(self, rules: RuleSet, **request: Any) -> dict[str, Any]:
        assert self._process is not None
        try:
            return self._process.ask(request, self.limits.seconds)
        except _Gone as gone:
            self.close()
            raise RulesStopped(
                f"Rule set {rules.name} was stopped: {gone}.",
                "Look for a rule that runs or builds without end, or allow more: "
                "Limits(seconds=…, memory_mb=…).",
            ) from None
        except BaseException:
            self.close()  # interrupted in between: what it would answer is not wanted
            raise


class _Gone(Exception):
    """The process is dead; the text says how that came."""


class _Process:
    """One ``swipl``, its pipes, its folder."""

    def __init__(self, program: str, limits: Limits) -> None:
        self.owner = os.getpid()
        self.folder = Path(tempfile.mkdtemp(prefix="patina-rules-"))
        self._said = (self.folder / "stderr").open("w+b")
        stacks = max(64, limits.memory_mb // 2)
        environment = {
            name: os.environ[name]
            for name in ("PATH", "SWI_HOME_DIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
            if name in os.environ
        }
        home = str(self.folder)
        self._popen = subprocess.Popen(
            [
                *(program, "-q", "-f", "none", "-F", "none", "--no-tty", "--no-packs"),
                *(f"--stack-limit={stacks}m", "-g", "patina_worker:main", "-t", "halt(3)"),
                str(WORKER),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            cwd=self.folder,
            env={**environment, "LC_ALL": "C.UTF-8", "HOME": home, "TMPDIR": home},
            start_new_session=True,  # the terminal's Ctrl-C is for Python, which then kills it
        )
        self.pid = self._popen.pid
        _bound(self.pid, limits)
        assert self._popen.stdin is not None
        assert self._popen.stdout is not None
        self._in: IO[bytes] = self._popen.stdin
        self._out: IO[bytes] = self._popen.stdout
        os.set_blocking(self._in.fileno(), False)
        os.set_blocking(self._out.fileno(), False)
        self._end = weakref.finalize(self, _end, self._popen, self._said, self.folder, self.owner)

    def alive(self) -> bool:
        return self._popen.poll() is None

    def end(self) -> None:
        self._end()

    def ask(self, request: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """Send a request, return its answer; kill the process if there is none in time."""
        deadline = time.monotonic() + seconds
        try:
            self._send(memoryview(orjson.dumps(request) + b"\n"), deadline, seconds)
            answer: dict[str, Any] = orjson.loads(self._receive(deadline, seconds))
        except (BrokenPipeError, EOFError):
            raise _Gone(self._why()) from None
        except orjson.JSONDecodeError as err:
            self.end()
            raise _Gone(f"it answered no JSON ({err})") from None
        return answer

    def _send(self, data: memoryview, deadline: float, seconds: float) -> None:
        while data:
            self._wait([], [self._in], deadline, seconds)
            with contextlib.suppress(BlockingIOError):
                data = data[os.write(self._in.fileno(), data[:65536]) :]

    def _receive(self, deadline: float, seconds: float) -> bytes:
        parts: list[bytes] = []
        size = 0
        while True:
            self._wait([self._out], [], deadline, seconds)
            try:
                part = os.read(self._out.fileno(), 1 << 20)
            except BlockingIOError:
                continue
            if not part:
                raise EOFError
            parts.append(part)
            size += len(part)
            if part.endswith(b"\n"):
                return b"".join(parts)
            if size > _MOST_ANSWER:
                self.end()
                raise _Gone("its answer was too long")

    def _wait(
        self, reading: list[IO[bytes]], writing: list[IO[bytes]], deadline: float, seconds: float
    ) -> None:
        left = deadline - time.monotonic()
        ready = select.select(reading, writing, [], max(0.0, left)) if left > 0 else ([], [], [])
        if not (ready[0] or ready[1]):
            self.end()
            raise _Gone(f"it did not answer within {seconds:g} s and was killed")

    def _why(self) -> str:
        code = self._popen.wait()
        self._said.seek(0)
        said = self._said.read().decode("utf-8", "replace").strip().splitlines()
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        memory = next((line for line in said if "memory" in line.lower()), "")
        self.end()
        if memory or code in (-signal.SIGABRT, -signal.SIGSEGV):
            return f"its process ran out of memory or stack ({how})"
        return f"its process ended ({how}{'; ' + said[-1] if said else ''})"


def _bound(pid: int, limits: Limits) -> None:
    """Let the kernel bound the process, where it can be told (Linux)."""
    try:
        import resource

        prlimit = resource.prlimit
    except (ImportError, AttributeError):
        return
    memory = limits.memory_mb << 20
    with contextlib.suppress(OSError, ValueError):
        prlimit(pid, resource.RLIMIT_AS, (memory, memory))
        prlimit(pid, resource.RLIMIT_CORE, (0, 0))
        prlimit(pid, resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        prlimit(pid, resource.RLIMIT_NOFILE, (64, 64))


def _end(popen: subprocess.Popen[bytes], said: IO[bytes], folder: Path, owner: int) -> None:
    """Kill the process and clean up; a fork leaves its parent's alone."""
    if os.getpid() != owner:
        return
    with contextlib.suppress(ProcessLookupError):
        popen.kill()
    popen.wait()
    for pipe in (popen.stdin, popen.stdout, said):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    shutil.rmtree(folder, ignore_errors=True)
