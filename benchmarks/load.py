"""How much a load costs: patina_lab beside git itself and beside other readers of git.

Everything is measured in one run, in interleaved rounds whose order rotates, so that noise
of the machine falls on all sides.  The unit is G: the CPU (user + system, of the whole
process tree) that git alone needs to print the same facts of the same commits::

    git rev-list HEAD | git diff-tree --stdin -r --root -z --raw --numstat -M --always …

Run it with ``python benchmarks/load.py REPOSITORY… [--peers]``; see benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

FORMAT = "%x01%H%x00%P%x00%an%x00%ae%x00%ad%x00%cn%x00%ce%x00%cd%x00%B%x00"
DIFF_TREE = (
    "diff-tree", "--stdin", "-r", "--root", "-z", "--raw", "--numstat", "-M", "--always",
    "--date=raw", f"--format={FORMAT}",
)  # fmt: skip
START_UP = "import patina_lab.cli, patina_lab.lab, git"
PEERS = {
    "PyDriller": "pydriller",
    "GitPython commit.stats": "git",
    "pygit2": "pygit2",
}
NEW_COMMITS = 100


# -- measuring -------------------------------------------------------------------------


@dataclass
class Run:
    """What one process tree cost."""

    cpu: float
    wall: float
    other: float
    """CPU that everything else on the machine used meanwhile, in processors."""
    out: bytes


class Failed(Exception):
    """A measured command ended with an error; the message is its last line."""


def measure(
    argv: Sequence[str], env: dict[str, str] | None = None, stdin: Path | None = None
) -> Run:
    """Run a command and wait for it: CPU and wall of it and of all that it waited for."""
    with (
        (stdin or Path(os.devnull)).open("rb") as given,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
    ):
        busy = _busy()
        started = time.perf_counter()
        process = subprocess.Popen(argv, env=env, stdin=given, stdout=out, stderr=err)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        cpu = used.ru_utime + used.ru_stime
        other = max(0.0, _busy() - busy - cpu) / wall
        out.seek(0)
        err.seek(0)
        said = err.read().decode("utf-8", "replace").strip().splitlines()
        if process.returncode or any(line.startswith("fatal:") for line in said):
            raise Failed(said[-1] if said else f"exit status {process.returncode}")
        return Run(cpu, wall, other, out.read())


def _busy() -> float:
    """Return the CPU seconds that the whole machine has used; 0 where nobody says."""
    try:
        words = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    except OSError:
        return 0.0
    ticks = [int(word) for word in words]
    return (sum(ticks[:3]) + sum(ticks[5:8])) / os.sysconf("SC_CLK_TCK")


@dataclass
class Task:
    """Something measured each round.

    Parameters
    ----------
    prepare : callable
        Called before the clock runs; its answer goes to `run`.
    """

    name: str
    run: Callable[[Any], Run]
    prepare: Callable[[], Any] = lambda: None
    runs: list[Run] = field(default_factory=list)


def interleave(tasks: Sequence[Task], rounds: int) -> None:
    """Run every task once a round, each round beginning with another one."""
    for n in range(rounds):
        at = n % len(tasks)
        for task in [*tasks[at:], *tasks[:at]]:
            print(f"  round {n + 1} of {rounds}: {task.name}", file=sys.stderr, flush=True)
            task.runs.append(task.run(task.prepare()))


def median(values: Sequence[float]) -> float:
    """Return the middle value, or the mean of the two in the middle."""
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


# -- one repository --------------------------------------------------------------------


@dataclass
class Figure:
    """One line of the result.

    Parameters
    ----------
    value : float or None
        The figure that the target speaks of; None where it could not be had.
    per_round : list of float
        The same, of each round.
    target : str
        Such as ``"<= 1.25"``; empty where there is none.
    """

    name: str
    value: float | None
    unit: str = ""
    per_round: list[float] = field(default_factory=list)
    target: str = ""
    note: str = ""

    @property
    def met(self) -> str:
        """``met``, ``missed``, or nothing where there is no target."""
        if not self.target or self.value is None:
            return ""
        sign, bound = self.target.split()
        holds = self.value <= float(bound) if sign == "<=" else self.value >= float(bound)
        return "met" if holds else "**missed**"


@dataclass
class Result:
    """What was measured on one repository."""

    name: str
    head: str
    commits: int
    seconds: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)
    peers: list[dict[str, Any]] = field(default_factory=list)
    sample: int = 0
    other_load: float = 0.0
    failed: str = ""


class Bench:
    """The measurements on one repository."""

    def __init__(self, repository: Path, scratch: Path, rounds: int, sample: int) -> None:
        self.repository = repository
        self.scratch = scratch
        self.rounds = rounds
        self.sample = sample
        name = repository.resolve().name
        name = repository.resolve().parent.name if name == ".git" else name.removesuffix(".git")
        self.head = self.git("rev-parse", "HEAD").strip()
        commits = int(self.git("rev-list", "--count", "HEAD"))
        self.result = Result(name, self.head, commits)

    def git(self, *args: str) -> str:
        """Return what a git command prints."""
        done = subprocess.run(
            ["git", "-C", str(self.repository), *args], capture_output=True, check=False
        )
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise Failed(said[-1] if said else f"git {args[0]} failed")
        return done.stdout.decode()

    def scrape(self, home: Path, *options: str) -> Run:
        """Scrape in a process of its own, as a user would."""
        return measure(
            [
                *(sys.executable, "-m", "patina_lab.cli", "scrape", "--quiet", "--json"),
                *("--repo", str(self.repository), *options),
            ],
            {**os.environ, "PATINA_HOME": str(home)},
        )

    def fresh(self) -> Path:
        """Return a new PATINA_HOME."""
        return Path(tempfile.mkdtemp(prefix="home-", dir=self.scratch))

    def copied(self, home: Path) -> Path:
        """Return a copy of a prepared PATINA_HOME."""
        return Path(shutil.copytree(home, self.fresh() / "home"))

    def floor(self, _: object) -> Run:
        """Run git alone over the whole history, into nothing."""
        pipe = 'git -C "$0" rev-list HEAD | git -C "$0" "$@" >/dev/null'
        return measure(["/bin/sh", "-c", pipe, str(self.repository), *DIFF_TREE])

    def load(self) -> None:
        """Measure loads of the whole history."""
        older, new = self._older()
        before, now = self.fresh(), self.fresh()
        said = json.loads(self.scrape(now).out)
        self.scrape(before, "--at", older)
        tasks = {
            "git alone": Task("git alone (G)", self.floor),
            "full": Task("full load", lambda home: self.scrape(home, "--rebuild"), self.fresh),
            "no lines": Task(
                "without line counts",
                lambda home: self.scrape(home, "--rebuild", "--no-lines"),
                self.fresh,
            ),
            "refresh": Task(
                f"refresh with {new} new commits", self.scrape, lambda: self.copied(before)
            ),
            "no-op": Task("refresh with nothing new", self.scrape, lambda: self.copied(now)),
            "start-up": Task("start-up", lambda _: measure([sys.executable, "-c", START_UP])),
        }
        interleave(list(tasks.values()), self.rounds)
        self._figures(tasks, new, said)
        self._memory_and_size()

    def _older(self) -> tuple[str, int]:
        """Return the newest commit of the main line that lacks about a hundred commits."""
        line = self.git("rev-list", "--first-parent", f"--max-count={NEW_COMMITS + 1}", "HEAD")
        for sha in line.split()[1:]:
            new = int(self.git("rev-list", "--count", "HEAD", "--not", sha))
            if new >= NEW_COMMITS:
                return sha, new
        sha = line.split()[-1]
        return sha, int(self.git("rev-list", "--count", "HEAD", "--not", sha))

    def _figures(self, tasks: dict[str, Task], new: int, said: dict[str, Any]) -> None:
        result = self.result
        for task in tasks.values():
            result.seconds[task.name] = {
                "cpu": [round(r.cpu, 4) for r in task.runs],
                "wall": [round(r.wall, 4) for r in task.runs],
            }
        floor, start = tasks["git alone"].runs, tasks["start-up"].runs

        def ratios(key: str, *, beyond: bool = False, wall: bool = False) -> list[float]:
            kind = "wall" if wall else "cpu"
            return [
                (getattr(r, kind) - (getattr(s, kind) if beyond else 0)) / getattr(g, kind)
                for r, g, s in zip(tasks[key].runs, floor, start, strict=True)
            ]

        def add(name: str, per_round: list[float], unit: str, target: str, note: str) -> None:
            result.figures.append(Figure(name, median(per_round), unit, per_round, target, note))

        large = result.commits >= 4000
        add(
            "full load, CPU",
            ratios("full"),
            "G",
            "<= 1.25" if large else "",
            "the whole process" + ("" if large else "; the target is for 4,000 commits and more"),
        )
        add("full load, CPU beyond start-up", ratios("full", beyond=True), "G", "", "")
        other = median([r.other for r in tasks["full"].runs])
        add(
            "full load, wall",
            ratios("full", wall=True),
            "G",
            "<= 0.75" if large else "",
            f"others used {other:.2f} processors meanwhile; the target is for two free ones",
        )
        add("without line counts, CPU", ratios("no lines"), "G", "<= 0.25", "")
        add(
            "without line counts, CPU beyond start-up", ratios("no lines", beyond=True), "G", "", ""
        )
        add(f"refresh with {new} new commits, CPU", ratios("refresh"), "G", "", "")
        add(
            f"refresh with {new} new commits, CPU beyond start-up",
            ratios("refresh", beyond=True),
            "G",
            "<= 0.05",
            "",
        )
        beyond = zip(tasks["no-op"].runs, start, strict=True)
        pairs = list(beyond)
        add(
            "refresh with nothing new, CPU beyond start-up",
            [1000 * (r.cpu - s.cpu) for r, s in pairs],
            "ms",
            "<= 100",
            "",
        )
        add(
            "refresh with nothing new, wall beyond start-up",
            [1000 * (r.wall - s.wall) for r, s in pairs],
            "ms",
            "<= 100",
            "",
        )
        add("start-up, CPU", [1000 * s.cpu for s in start], "ms", "", f"`python -c '{START_UP}'`")
        result.other_load = median([r.other for r in floor])
        if said["events"] < result.commits:
            raise Failed(f"{said['events']} events of {result.commits} commits")

    def _memory_and_size(self) -> None:
        """Load once more, untimed, to watch the memory; then look at the log."""
        home = self.fresh()
        own = [sys.executable, str(Path(__file__).resolve()), "--child", "memory"]
        with peak_of_tree() as peak:
            argv = [*own, "scrape", "--quiet", "--json", "--repo", str(self.repository)]
            run = measure(argv, {**os.environ, "PATINA_HOME": str(home)})
        mib = json.loads(run.out.splitlines()[-1])["max_rss"] / 2**20
        add = self.result.figures.append
        add(
            Figure(
                "peak memory of the Python process",
                mib,
                "MiB",
                target="<= 600",
                note="ru_maxrss of itself",
            )
        )
        if peak.bytes:
            add(
                Figure(
                    "peak memory of it and its git processes",
                    peak.bytes / 2**20,
                    "MiB",
                    note="sum of PSS, sampled; git maps its pack files, which count",
                )
            )
        (log,) = (home / "logs").glob("*/log-*.duckdb")
        count = [*own[:-1], "size", str(log)]
        json_bytes = json.loads(measure(count).out)["json_bytes"]
        size = log.stat().st_size
        add(
            Figure(
                "log on disk / JSON in it",
                size / json_bytes,
                "x",
                target="<= 0.4",
                note=f"{size / 1e6:.1f} MB on disk, {json_bytes / 1e6:.1f} MB of JSON",
            )
        )

    def peers(self) -> None:
        """Measure readers of git on the same sample of commits.

        They work on a throw-away clone, because PyDriller writes into the configuration.
        """
        clone = self.scratch / "peers.git"
        self.git(
            "clone", "--quiet", "--bare", "--shared", str(self.repository.resolve()), str(clone)
        )
        every = self.git("rev-list", "--no-merges", "HEAD").split()
        shas = every[:: max(1, len(every) // self.sample)]
        wanted = self.scratch / "sample"
        wanted.write_text("".join(f"{sha}\n" for sha in shas))
        self.result.sample = len(shas)
        child = [sys.executable, str(Path(__file__).resolve()), "--child"]

        def floor(_: object) -> Run:
            pipe = 'git -C "$0" "$@" >/dev/null'
            return measure(["/bin/sh", "-c", pipe, str(clone), *DIFF_TREE], stdin=wanted)

        def reader(name: str) -> Task:
            argv = [*child, name, str(clone)]
            return Task(name, lambda _: measure(argv, stdin=wanted))

        tasks = [Task("git alone (G)", floor), reader("patina_lab")]
        tasks += [
            reader(name) for name, module in PEERS.items() if importlib.util.find_spec(module)
        ]
        interleave(tasks, self.rounds)
        full = self.result.figures[0].value
        ours = tasks[1].runs
        for task in tasks:
            said = [json.loads(r.out) for r in task.runs if r.out]
            row: dict[str, Any] = {
                "name": task.name,
                "cpu": [round(r.cpu, 4) for r in task.runs],
                "to_git": median(
                    [r.cpu / g.cpu for r, g in zip(task.runs, tasks[0].runs, strict=True)]
                ),
                "to_ours": median([r.cpu / o.cpu for r, o in zip(task.runs, ours, strict=True)]),
            }
            if said:
                row["to_ours_beyond_start_up"] = median(
                    [
                        (r.cpu - s["start_up"]) / (o.cpu - json.loads(o.out)["start_up"])
                        for r, s, o in zip(task.runs, said, ours, strict=True)
                    ]
                )
                row["found"] = said[0]["found"]
                if full:
                    row["to_full_load"] = row["to_git"] / full
            self.result.peers.append(row)
        self._beside_pydriller()

    def _beside_pydriller(self) -> None:
        """Add PyDriller's cost to the figures: its sample and our full load, both by G."""
        for row in self.result.peers:
            if row["name"] == "PyDriller" and "to_full_load" in row:
                self.result.figures.append(
                    Figure(
                        "PyDriller, against our full load",
                        row["to_full_load"],
                        "x",
                        target=">= 8",
                        note="its CPU on the sample by G of the sample, ours on all by G of all",
                    )
                )


class _Peak:
    bytes = 0


@contextlib.contextmanager
def peak_of_tree() -> Iterator[_Peak]:
    """Watch the memory of all descendants: the greatest sum of their PSS (Linux only)."""
    peak = _Peak()
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.1):
            peak.bytes = max(peak.bytes, sum(map(_pss, _descendants(os.getpid()))))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        stop.set()
        thread.join()


def _descendants(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, task.read_text().split()):
                found += [child, *_descendants(child)]
    return found


def _pss(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:"))


# -- what runs in processes of its own --------------------------------------------------


def child(kind: str, *args: str) -> None:
    """Run one of the readers, and print what it found and what its start-up cost."""
    if kind == "memory":
        from patina_lab.cli import main as cli

        with contextlib.suppress(SystemExit):
            cli(args)
        unit = 1 if sys.platform == "darwin" else 1024
        print(json.dumps({"max_rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit}))
    elif kind == "size":
        import duckdb

        with duckdb.connect(args[0], read_only=True) as log:
            row = log.execute("SELECT sum(strlen(data)) FROM eventlog").fetchone()
        print(json.dumps({"json_bytes": int(row[0]) if row else 0}))
    else:
        readers = {
            "patina_lab": read_patina_lab,
            "PyDriller": read_pydriller,
            "GitPython commit.stats": read_gitpython,
            "pygit2": read_pygit2,
        }
        start_up, found = readers[kind](args[0], sys.stdin.read().split())
        print(json.dumps({"start_up": start_up, "found": found}))


Found = tuple[float, tuple[int, int, int]]
"""CPU of the start-up, and (file rows, lines added, lines removed)."""


def _cpu() -> float:
    own, waited = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + waited.ru_utime + waited.ru_stime


def read_patina_lab(repository: str, shas: Sequence[str]) -> Found:
    """Read events and stage them, as a load does before the log is written."""
    import patina_lab.lab  # noqa: F401 - what a load imports
    from patina_lab.eventlog.staging import Staging
    from patina_lab.sources.git import GitSource
    from patina_lab.sources.repository import Objects, open_repository

    opened = open_repository(repository)
    start_up = _cpu()
    rows = added = removed = 0
    with (
        tempfile.TemporaryDirectory() as folder,
        Objects(opened) as objects,
        Staging(Path(folder)) as staging,
    ):
        for event, _ in GitSource().commits(objects, shas):
            staging.event("git", event)
            for file in event.data["files"]:
                rows += 1
                added += file["lines_added"] or 0
                removed += file["lines_removed"] or 0
    return start_up, (rows, added, removed)


def read_pydriller(repository: str, shas: Sequence[str]) -> Found:
    """Read the modified files of each commit."""
    import pydriller

    opened = pydriller.Git(repository)
    start_up = _cpu()
    rows = added = removed = 0
    for sha in shas:
        commit = opened.get_commit(sha)
        _ = commit.msg, commit.author.name, commit.author_date, commit.parents
        for file in commit.modified_files:
            _ = file.old_path, file.new_path, file.change_type
            rows += 1
            added += file.added_lines
            removed += file.deleted_lines
    return start_up, (rows, added, removed)


def read_gitpython(repository: str, shas: Sequence[str]) -> Found:
    """Read ``commit.stats``, a git process a commit."""
    import git

    opened = git.Repo(repository)
    start_up = _cpu()
    rows = added = removed = 0
    for sha in shas:
        commit = opened.commit(sha)
        _ = commit.message, commit.author.name, commit.authored_datetime, commit.parents
        for file in commit.stats.files.values():
            rows += 1
            added += file["insertions"]
            removed += file["deletions"]
    return start_up, (rows, added, removed)


def read_pygit2(repository: str, shas: Sequence[str]) -> Found:
    """Diff each commit with its parent, find renames, count lines."""
    import pygit2

    opened = pygit2.Repository(repository)
    start_up = _cpu()
    rows = added = removed = 0
    for sha in shas:
        commit = opened[sha]
        _ = commit.message, commit.author.name, commit.commit_time, commit.parent_ids
        if commit.parents:
            diff = opened.diff(commit.parents[0], commit)
        else:
            diff = commit.tree.diff_to_tree(swap=True)
        diff.find_similar(rename_threshold=50, rename_limit=1000)
        for patch in diff:
            _ = patch.delta.old_file.path, patch.delta.new_file.path, patch.delta.status_char()
            _, plus, minus = patch.line_stats
            rows += 1
            added += plus
            removed += minus
    return start_up, (rows, added, removed)


# -- saying it ---------------------------------------------------------------------------


def machine() -> dict[str, str]:
    """Return what the figures depend on besides the code."""
    versions = {"duckdb": "duckdb", "GitPython": "GitPython", "orjson": "orjson"}
    versions |= {"PyDriller": "PyDriller", "pygit2": "pygit2"}
    facts = {
        "system": f"{platform.system()} {platform.machine()}",
        "processors": str(os.cpu_count()),
        "Python": platform.python_version(),
        "git": subprocess.run(["git", "version"], capture_output=True, text=True, check=True)
        .stdout.strip().removeprefix("git version "),
    }  # fmt: skip
    for name, package in versions.items():
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            facts[name] = importlib.metadata.version(package)
    return facts


def markdown(command: str, facts: dict[str, str], results: Sequence[Result], rounds: int) -> str:
    """Write the results as a page."""
    lines = [
        "# What a load costs",
        "",
        f"`{command}`",
        "",
        ", ".join(f"{name} {value}" for name, value in facts.items()) + ".",
        f"Medians of {rounds} interleaved rounds; in brackets the least and the greatest round.",
        "CPU is user + system of the whole process tree. G is the same of git alone, printing the",
        "same facts of the same commits, in the same round.",
    ]
    for result in results:
        lines += [
            "",
            f"## {result.name}: {result.commits:,} commits, HEAD {result.head[:12]}",
            "",
        ]
        if result.failed:
            lines.append(f"Not measured: {result.failed}")
            continue
        lines += _seconds(result)
        lines += ["", "| figure | value | target | | note |", "|---|---|---|---|---|"]
        lines += [_line(figure) for figure in result.figures]
        if result.peers:
            lines += _peers(result)
    return "\n".join([*lines, ""])


def _seconds(result: Result) -> list[str]:
    lines = ["| seconds | CPU | wall |", "|---|---|---|"]
    for name, kinds in result.seconds.items():
        cpu, wall = (f"{median(kinds[kind]):.2f}" for kind in ("cpu", "wall"))
        lines.append(f"| {name} | {cpu} | {wall} |")
    said = f"Others on the machine used {result.other_load:.2f} processors while git ran alone."
    return [*lines, "", said]


def _line(figure: Figure) -> str:
    digits = 0 if figure.unit in ("ms", "MiB") else 3 if figure.value and figure.value < 1 else 2
    value = "?" if figure.value is None else f"{figure.value:.{digits}f} {figure.unit}"
    if figure.per_round:
        value += f" ({min(figure.per_round):.{digits}f} to {max(figure.per_round):.{digits}f})"
    target = figure.target.replace("<=", "≤").replace(">=", "≥")
    target += f" {figure.unit}" if target else ""
    return f"| {figure.name} | {value} | {target} | {figure.met} | {figure.note} |"


def _peers(result: Result) -> list[str]:
    lines = [
        "",
        f"The same {result.sample} commits (every n-th that is no merge) read by each:",
        "",
        "| reader | CPU s | / G | / ours | / ours, both beyond start-up | / full load (by G) "
        "| file rows, lines added, removed |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in result.peers:
        rest = [
            f"{row[key]:.1f}" if key in row else ""
            for key in ("to_ours", "to_ours_beyond_start_up", "to_full_load")
        ]
        found = ", ".join(f"{n:,}" for n in row.get("found", ()))
        cpu = f"{median(row['cpu']):.2f}"
        lines.append(
            f"| {row['name']} | {cpu} | {row['to_git']:.2f} | {' | '.join(rest)} | {found} |"
        )
    return lines


def main(argv: Sequence[str] | None = None) -> int:
    """Measure the repositories that were named; return 1 where one could not be."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("repositories", nargs="+", type=Path, metavar="REPOSITORY")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", action="store_true", help="other readers too, on a sample")
    parser.add_argument("--sample", type=int, default=500, help="commits in it (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every number there")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="instead of standard output")
    asked = parser.parse_args(argv)
    results = []
    for repository in asked.repositories:
        with tempfile.TemporaryDirectory(prefix="patina-bench-") as scratch:
            try:
                bench = Bench(repository, Path(scratch), asked.rounds, asked.sample)
            except Failed as err:
                results.append(Result(repository.name, "", 0, failed=str(err)))
                continue
            results.append(bench.result)
            print(f"{bench.result.name}: {bench.result.commits} commits", file=sys.stderr)
            try:
                bench.floor(None)  # also warms the file cache
            except Failed as err:
                bench.result.failed = (
                    f"git alone stops at this clone ({err}), so there is no G. "
                    "A partial clone lacks objects: measure a whole one."
                )
                continue
            try:
                bench.load()
                if asked.peers:
                    bench.peers()
            except Failed as err:
                bench.result.failed = str(err)
    facts = machine()
    names = " ".join(result.name for result in results)
    options = f" --rounds {asked.rounds}" + (" --peers" if asked.peers else "")
    command = f"python benchmarks/load.py {names}{options}"
    page = markdown(command, facts, results, asked.rounds)
    if asked.markdown:
        asked.markdown.write_text(page)
    else:
        print(page)
    if asked.json:
        whole = {
            "command": command,
            "machine": facts,
            "repositories": [
                {**asdict(r), "figures": [{**asdict(f), "met": f.met} for f in r.figures]}
                for r in results
            ],
        }
        asked.json.write_text(json.dumps(whole, indent=1) + "\n")
    return 1 if any(result.failed for result in results) else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:])
    else:
        sys.exit(main())
