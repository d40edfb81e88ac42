"""What rules cost: load facts, run each built-in rule set, prove beliefs, recover from a kill.

Facts are made, seeded: clusters of a dozen observations on average, some much larger, four
projects, thirty authors.  Everything a user waits for is inside the clock: the facts are a
value in Python, and the beliefs are values in Python.

Run it with ``python benchmarks/rules.py --facts 10000 100000 1000000``; see README.md.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import json
import os
import platform
import random
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from patina_lab.beliefs.facts import OBSERVATION_COLUMNS, FactSet
from patina_lab.beliefs.logic import Program
from patina_lab.beliefs.oracle import SqlEngine
from patina_lab.beliefs.proof import check
from patina_lab.beliefs.ruleset import RuleSet, built_in
from patina_lab.beliefs.swipl import Limits, SwiplEngine
from patina_lab.errors import RulesStopped

FACTS_PER_OBSERVATION = 7.3
LOOP = RuleSet("loop.pl", "belief(C, persona, 1, 0.5, beta(1, 0)) :- size(C, _), l.\nl :- l.\n")


def made(facts: int, seed: int = 0) -> FactSet:
    """Return a fact set of about so many facts."""
    draw = random.Random(seed)
    n = max(12, round(facts / FACTS_PER_OBSERVATION))
    authors = [f"author {i}" for i in range(30)]
    rows, cluster, similar, properties = [], [], [], []
    i = c = 0
    while i < n:
        size = min(
            n - i, draw.choice([2, 4, 6, 8, 12, 16, 20, 28]) if draw.random() < 0.995 else 150
        )
        first = i
        for i in range(first, first + size):
            rows.append(
                (
                    *(f"observation-{i}", f"event-{i // 2}", f"text-{draw.randrange(n)}"),
                    *(draw.choice(["pattern", "decision", "challenge"]),),
                    *(draw.choice([1, 1, 1, 1, 1, -1, 0]), 1_700_000_000_000_000 + i),
                    *(draw.choice(authors), f"session-{draw.randrange(1 + n // 20)}"),
                    *(f"project {draw.randrange(4)}", draw.choice([0.5, 0.7, 0.9])),
                    draw.random() * 400,
                )
            )
            cluster.append((rows[i][0], f"cluster-{c}"))
            if i > first:
                similar.append((rows[first][0], rows[i][0], 0.4 + 0.6 * draw.random()))
        properties.append(
            (f"cluster-{c}", rows[first][0], 0.5 + 0.5 * draw.random(), draw.random())
        )
        i, c = first + size, c + 1
    pairs = [(rows[draw.randrange(n)][0], rows[draw.randrange(n)][0]) for _ in range(n // 50)]
    return FactSet.of(
        pd.DataFrame(rows, columns=list(OBSERVATION_COLUMNS)),
        pd.DataFrame(cluster, columns=["obs", "cluster"]),
        properties=properties,
        similar=pd.DataFrame(similar, columns=["a", "b", "cosine"]),
        contradicts=[(a, b) for a, b in pairs if a != b],
        supersedes=[(b, a) for a, b in pairs[: n // 200] if a != b],
        boilerplate=[f"text-{i}" for i in range(0, n, 100)],
    )


# -- measuring -------------------------------------------------------------------------


@dataclass
class Figure:
    """One line of the result; `target` such as ``"<= 15"``, or empty."""

    name: str
    unit: str
    per_round: list[float] = field(default_factory=list)
    target: str = ""
    note: str = ""

    @property
    def value(self) -> float:
        """The median of the rounds."""
        ordered = sorted(self.per_round)
        half = len(ordered) // 2
        return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2

    @property
    def met(self) -> str:
        """``met``, ``missed``, or nothing where there is no target."""
        if not self.target:
            return ""
        return "met" if self.value <= float(self.target.split()[1]) else "**missed**"


@contextlib.contextmanager
def clock(into: list[float]) -> Iterator[None]:
    """Append the wall-clock seconds of the block."""
    started = time.perf_counter()
    yield
    into.append(time.perf_counter() - started)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which that share lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def cpu() -> float:
    """Return the CPU of this process and of the children that ended."""
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def measure(n: int, rounds: int, proofs: int) -> dict[str, Any]:
    """Measure one size, in rounds."""
    figures: dict[str, Figure] = {}

    def add(
        name: str, unit: str, values: Sequence[float], target: str = "", note: str = ""
    ) -> None:
        figure = figures.setdefault(name, Figure(name, unit, target=target, note=note))
        figure.per_round += values

    built: list[float] = []
    with clock(built):
        facts = made(n)
    add("make the facts and build the value", "s", built)
    beliefs = 0
    for number in range(rounds):
        print(f"{len(facts):,} facts: round {number + 1} of {rounds}", file=sys.stderr, flush=True)
        before, load, run = cpu(), [], {}
        limits = Limits(seconds=600, inferences=10**11, memory_mb=6144)
        with SwiplEngine(limits) as engine:
            with clock(load):
                engine.clauses(facts, "v2")
            add("start, write and load the facts", "s", load)
            for name in built_in():
                taken = run.setdefault(name, [])
                with clock(taken):
                    formed = engine.form(facts, name)
                add(f"run {name}", "s", taken, note=f"{len(formed):,} beliefs, "
                    f"{formed.inferences:,} inferences")  # fmt: skip
                if name == "v2":
                    add("load and run v2", "s", [load[0] + taken[0]], "<= 15")
                beliefs = len(formed)
                draw = random.Random(number)
                chosen = draw.sample(formed.beliefs, min(proofs, len(formed)))
                times: list[float] = []
                for belief in chosen:
                    with clock(times):
                        proof = formed.prove(belief)
                program = Program(engine.clauses(facts, name), facts)
                for belief in chosen[:5]:
                    check(formed.prove(belief), program)
                if times:
                    add(f"one proof, {name}, median", "ms", [1000 * percentile(times, 0.5)])
                    add(f"one proof, {name}, 95th percentile", "ms",
                        [1000 * percentile(times, 0.95)], "<= 10",
                        f"{len(times)} proofs; the longest took {1000 * max(times):.0f} ms, "
                        f"the last has {len(proof.leaves())} leaves")  # fmt: skip
            recovered: list[float] = []
            assert engine.pid is not None
            os.kill(engine.pid, signal.SIGKILL)
            with clock(recovered), contextlib.suppress(RulesStopped):
                engine.form(facts, "v1")
            while len(recovered) < 2:
                with clock(recovered):
                    engine.form(facts, "v1")
            add("v1 after the process was killed", "s", [max(recovered)],
                "<= 10" if len(facts) <= 200_000 else "", "start, load and run")  # fmt: skip
        add("CPU of a round, both processes", "s", [cpu() - before])
    oracle: list[float] = []
    with clock(oracle):
        theirs = SqlEngine().form(facts, "v2")
    with SwiplEngine(Limits(seconds=600, inferences=10**11, memory_mb=6144)) as engine:
        same = engine.form(facts, "v2").beliefs == theirs.beliefs
    if not same or not beliefs:
        raise SystemExit("Prolog and SQL disagree: no figure of this run means anything.")
    add("v2 in SQL, for comparison", "s", oracle, note="the same beliefs, to the last bit")
    add("stop an endless rule", "s", list(_stopped()), note="Limits(seconds=2)")
    return {"facts": len(facts), "figures": list(figures.values())}


def _stopped() -> Iterator[float]:
    """Yield the seconds until an endless rule is stopped and the next query has answered."""
    facts = made(1000)
    taken: list[float] = []
    with SwiplEngine(Limits(seconds=2, inferences=10**15)) as engine:
        engine.form(facts, "v1")
        with clock(taken):
            with contextlib.suppress(RulesStopped):
                engine.form(facts, LOOP)
            engine.form(facts, "v1")
    yield taken[0]


# -- saying it ---------------------------------------------------------------------------


def machine() -> dict[str, str]:
    """Return what the figures depend on besides the code."""
    with SwiplEngine() as engine:
        engine.form(FactSet.of([]), "v1")
    import shutil
    import subprocess

    swipl = shutil.which("swipl") or "swipl"
    said = subprocess.run([swipl, "--version"], capture_output=True, text=True, check=True).stdout
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processors": str(os.cpu_count()),
        "Python": platform.python_version(),
        "SWI-Prolog": said.split()[2],
        "duckdb": importlib.metadata.version("duckdb"),
    }


def markdown(command: str, facts: dict[str, str], results: Sequence[dict[str, Any]]) -> str:
    """Write the results as a page."""
    lines = [
        "# What rules cost",
        "",
        f"`{command}`",
        "",
        ", ".join(f"{name} {value}" for name, value in facts.items()) + ".",
        "Wall clock; medians of the rounds, in brackets the least and the greatest.",
    ]
    for result in results:
        lines += ["", f"## {result['facts']:,} facts", ""]
        lines += ["| figure | value | target | | note |", "|---|---|---|---|---|"]
        for figure in result["figures"]:
            digits = 1 if figure.unit == "ms" else 2
            spread = f" ({min(figure.per_round):.{digits}f} to {max(figure.per_round):.{digits}f})"
            target = f"{figure.target.replace('<=', '≤')} {figure.unit}" if figure.target else ""
            lines.append(
                f"| {figure.name} | {figure.value:.{digits}f} {figure.unit}"
                f"{spread if len(figure.per_round) > 1 else ''} | {target} | {figure.met} "
                f"| {figure.note} |"
            )
    return "\n".join([*lines, ""])


def main(argv: Sequence[str] | None = None) -> int:
    """Measure each size."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--facts", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--proofs", type=int, default=200, help="a rule set and round (%(default)s)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every number there")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="instead of standard output")
    asked = parser.parse_args(argv)
    results = [measure(n, asked.rounds, asked.proofs) for n in asked.facts]
    facts = machine()
    sizes = " ".join(map(str, asked.facts))
    command = f"python benchmarks/rules.py --facts {sizes} --rounds {asked.rounds}"
    page = markdown(command, facts, results)
    say: Callable[[str], object] = asked.markdown.write_text if asked.markdown else print
    say(page)
    if asked.json:
        whole = {"command": command, "machine": facts, "results": [
            {**r, "figures": [{**asdict(f), "value": f.value, "met": f.met} for f in r["figures"]]}
            for r in results
        ]}  # fmt: skip
        asked.json.write_text(json.dumps(whole, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
