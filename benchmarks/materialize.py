"""What it costs to follow a folder of event files: nothing new, one event, everything.

Made repositories with so many event files, each a commit's tree of its own; the calls are
timed within a process that has started and imported everything, in rounds.  A ratio is
taken within a round; a figure is the median, with the least and the greatest round.

Run it with ``python benchmarks/materialize.py``; see benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

FOLDER = ".patina/shared/events"
KINDS = ("observation_captured", "observation_captured", "pattern_identified", "decision_made")


def event(n: int) -> tuple[str, bytes]:
    """Return the name and content of the n-th event file."""
    kind = KINDS[n % len(KINDS)]
    said = f"Observation {n}: requests to service {n % 97} are retried {n % 5} times."
    payload: dict[str, Any] = {"domains": ["rust", f"area-{n % 12}"]}
    if kind == "pattern_identified":
        payload |= {"pattern_name": f"pattern_{n}", "content": said, "rationale": "Seen often."}
    elif kind == "decision_made":
        payload |= {"decision": said, "rationale": "It was measured.", "alternatives": ["none"]}
    else:
        payload |= {"content": said, "observation_type": "pattern", "source_type": "manual"}
    day = f"2025-{n // 28 % 12 + 1:02d}-{n % 28 + 1:02d}"
    value = {
        "event_id": f"evt_{n:03d}",
        "event_type": kind,
        "timestamp": f"{day}T{n % 24:02d}:{n % 60:02d}:{n // 60 % 60:02d}Z",
        "author": f"contributor-{n % 7}",
        "sequence": n,
        "schema_version": 1,
        "payload": payload,
    }
    name = f"{day}-{n:03d}-{kind.replace('_', '-')}.json"
    return name, json.dumps(value, indent=2).encode() + b"\n"


def git(repo: Path, *args: str, stdin: bytes = b"") -> str:
    """Run git."""
    done = subprocess.run(
        ["git", "-C", str(repo), *args], input=stdin, capture_output=True, check=True
    )
    return done.stdout.decode().strip()


def commit(repo: Path, numbers: Sequence[int]) -> None:
    """Commit event files."""
    tip = subprocess.run(
        ["git", "-C", str(repo), "rev-parse", "-q", "--verify", "main"], capture_output=True
    ).stdout.decode().strip()  # fmt: skip
    out = [b"commit refs/heads/main\ncommitter a <a@example.org> 1740830400 +0000\ndata 1\nx\n"]
    if tip:
        out.append(f"from {tip}\n".encode())
    for n in numbers:
        name, content = event(n)
        out.append(f"M 100644 inline {FOLDER}/{name}\ndata {len(content)}\n".encode())
        out.append(content + b"\n")
    git(repo, "fast-import", "--quiet", stdin=b"".join(out))


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    """Return seconds of wall, and what was returned."""
    begun = time.perf_counter()
    found = function()
    return time.perf_counter() - begun, found


def cpu() -> float:
    """Return the seconds that this process and the git processes it waited for have used."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)


def measure(count: int, rounds: int, scratch: Path) -> dict[str, list[float]]:
    """Measure one size; return seconds a round, by name."""
    import patina_lab as pt

    repo = scratch / f"events-{count}"
    repo.mkdir()
    git(repo, "init", "-q", "-b", "main")
    commit(repo, range(count))
    git(repo, "gc", "-q")
    lab = pt.open(repo, home=scratch / f"home-{count}")
    assert lab.materialize().state.events == count  # imports everything; warms the file cache
    seconds: dict[str, list[float]] = {}
    size = count
    for _ in range(rounds):

        def note(name: str, wall: float) -> None:
            seconds.setdefault(name, []).append(wall)

        before = cpu()
        wall, made = timed(lambda: lab.materialize(force=True))
        assert (made.how, made.state.events) == ("full", size)
        note("full", wall)
        note("full, CPU", cpu() - before)
        note("nothing", median(_nothing(lab) for _ in range(9)))
        commit(repo, [size])
        size += 1
        before = cpu()
        wall, made = timed(lab.materialize)
        assert (made.how, made.applied, made.state.events) == ("incremental", 1, size)
        note("one", wall)
        note("one, CPU", cpu() - before)
        # Another commit, with the same events in it.
        stream = b"commit refs/heads/main\ncommitter a <a@b> 1740830400 +0000\ndata 1\ny\n"
        stream += f"from {git(repo, 'rev-parse', 'main')}\nM 100644 inline a\ndata 1\n".encode()
        git(repo, "fast-import", "--quiet", stdin=stream + str(size % 10).encode() + b"\n")
        wall, made = timed(lab.materialize)
        assert (made.how, made.applied) == ("unchanged", 0)
        note("other", wall)
    return seconds


def _nothing(lab: Any) -> float:
    wall, made = timed(lab.materialize)
    assert made.how == "unchanged"
    return wall


def read(count: int, rounds: int, sample: int, scratch: Path) -> dict[str, list[float]]:
    """Read all files of one size in three ways; return seconds a round, by name."""
    import duckdb

    from patina_lab.project import event_tree
    from patina_lab.sources.repository import Objects, open_repository

    repo = scratch / f"events-{count}"
    git(repo, "checkout", "-q", "-f", "main")
    opened = open_repository(repo)
    seconds: dict[str, list[float]] = {}
    paths = [str(path) for path in sorted((repo / FOLDER).iterdir())]
    step = max(1, len(paths) // sample)
    for _ in range(rounds):

        def bulk() -> int:
            with Objects(opened) as objects:
                tree = event_tree.find_tree(objects, opened.resolve("HEAD"), FOLDER)
                files = list(event_tree.committed(objects, tree, FOLDER))
                contents = [content for _, content in objects.blobs(f.blob for f in files)]
            return sum(json.loads(content or b"")["sequence"] for content in contents)

        with duckdb.connect() as connection:

            def together(connection: Any = connection) -> int:
                glob = f"{repo / FOLDER}/*.json"
                asked = f"SELECT sum(sequence) FROM read_json('{glob}')"
                return int(connection.execute(asked).fetchone()[0])

            def one_by_one(connection: Any = connection) -> int:
                return sum(
                    connection.execute(f"SELECT sequence FROM read_json('{p}')").fetchone()[0]
                    for p in paths[::step]
                )

            wall, right = timed(bulk)
            seconds.setdefault("bulk", []).append(wall)
            wall, found = timed(together)
            assert found == right
            seconds.setdefault("together", []).append(wall)
            wall, _ = timed(one_by_one)
            files = len(paths[::step])
            seconds.setdefault("one by one", []).append(wall * len(paths) / files)
    return seconds


def ratio(one: Sequence[float], other: Sequence[float]) -> list[float]:
    """Return ratios, round by round."""
    return [a / b for a, b in zip(one, other, strict=True)]


def line(name: str, values: Sequence[float], unit: str, target: str = "", met: str = "") -> str:
    """Return a row of the table."""
    digits = 1 if unit == "ms" else 3 if median(values) < 1 else 1
    value = f"{median(values):.{digits}f} {unit}"
    value += f" ({min(values):.{digits}f} to {max(values):.{digits}f})"
    return f"| {name} | {value} | {target} | {met} |"


def judged(values: Sequence[float], limit: float, *, least: bool = False) -> str:
    """Say whether a median meets its target."""
    found = median(values)
    return "met" if (found >= limit if least else found <= limit) else "**missed**"


def page(sizes: dict[int, dict[str, list[float]]], reads: dict[int, dict[str, list[float]]],
         command: str, rounds: int) -> str:  # fmt: skip
    """Write the results."""
    import duckdb

    version = git(Path.cwd(), "version").removeprefix("git version ")
    lines = [
        "# What following event files costs",
        "",
        f"`{command}`",
        "",
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, Python "
        f"{platform.python_version()}, git {version}, duckdb {duckdb.__version__}.",
        f"Wall time where nothing else is said, medians of {rounds} rounds; in brackets the least",
        "and the greatest. Others used the same processors meanwhile.",
        "",
        "| figure | value | target | |",
        "|---|---|---|---|",
    ]
    for count, found in sizes.items():
        ms = {name: [1000 * value for value in values] for name, values in found.items()}
        target, met = ("≤ 20 ms", judged(ms["nothing"], 20)) if count >= 40_000 else ("", "")
        lines.append(line(f"{count:,} files: nothing new", ms["nothing"], "ms", target, met))
        said = f"{count:,} files: another commit, the same events"
        lines.append(line(said, ms["other"], "ms"))
        lines.append(line(f"{count:,} files: one new event", ms["one"], "ms"))
        lines.append(line(f"{count:,} files: everything (`--force`)", ms["full"], "ms"))
        share = ratio(found["one"], found["full"])
        target, met = ("≤ 0.1", judged(share, 0.1)) if count == 10_000 else ("", "")
        lines.append(line(f"{count:,} files: one / everything, wall", share, "", target, met))
        share = ratio(found["one, CPU"], found["full, CPU"])
        target, met = ("≤ 0.1", judged(share, 0.1)) if count == 10_000 else ("", "")
        lines.append(line(f"{count:,} files: one / everything, CPU", share, "", target, met))
    for count, found in reads.items():
        times = ratio(found["one by one"], found["bulk"])
        glob = ratio(found["together"], found["bulk"])
        whole = ratio(found["one by one"], sizes[count]["full"][: len(found["bulk"])])
        ms = {name: [1000 * value for value in values] for name, values in found.items()}
        lines.append(line(f"{count:,} files read by `cat-file --batch`, parsed", ms["bulk"], "ms"))
        lines.append(line(f"{count:,} files, one `read_json` each", ms["one by one"], "ms"))
        lines.append(line(f"{count:,} files, one `read_json` for all", ms["together"], "ms"))
        said = "`read_json` one by one / in bulk"
        lines.append(line(said, times, "x", "≥ 20 x", judged(times, 20, least=True)))
        lines.append(line("`read_json` for all / in bulk", glob, "x"))
        said = "`read_json` one by one / everything, tables and all"
        lines.append(line(said, whole, "x"))
    return "\n".join([*lines, ""])


def main(argv: Sequence[str] | None = None) -> int:
    """Measure; print or write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 40_000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sample", type=int, default=1_000, help="files read one by one")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every number there")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="instead of standard output")
    asked = parser.parse_args(argv)
    os.environ.update(GIT_CONFIG_GLOBAL=os.devnull, GIT_CONFIG_NOSYSTEM="1")
    sizes, reads = {}, {}
    with tempfile.TemporaryDirectory(prefix="patina-bench-") as scratch:
        for count in asked.sizes:
            sizes[count] = measure(count, asked.rounds, Path(scratch))
            print(f"{count} files measured", file=sys.stderr)
        middle = sorted(asked.sizes)[len(asked.sizes) // 2]
        reads[middle] = read(middle, min(asked.rounds, 3), asked.sample, Path(scratch))
    chosen = " ".join(str(count) for count in asked.sizes)
    command = f"python benchmarks/materialize.py --sizes {chosen} --rounds {asked.rounds}"
    text = page(sizes, reads, command, asked.rounds)
    if asked.markdown:
        asked.markdown.write_text(text)
    else:
        print(text)
    if asked.json:
        whole = {"command": command, "seconds": sizes, "reading": reads}
        asked.json.write_text(json.dumps(whole, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
