"""How much it costs to read source code: from the bare parser to a whole scrape.

For each repository a shallow clone of its newest commit is made, so that no history is in
the figures, and measured in interleaved rounds (CPU, user + system; medians):

``parse``     tree-sitter's parser alone, called from Python: the bound for anything on top
``query``     the parser and the queries that find the nodes
``read``      `CodeSource.read` with every event's identity
``scrape``    ``scrape --code`` less ``scrape --no-code``, each in a new process
``refresh``   the same after a commit that changes every 100th source file

Run it with ``python benchmarks/code.py REPOSITORY… [--rounds 3] [--markdown FILE] [--json
FILE]``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from patina_lab.events.event import Event
from patina_lab.sources.code.languages import language_in, tools
from patina_lab.sources.code.source import CodeSource, _refused
from patina_lab.sources.repository import Objects, open_repository
from patina_lab.sources.source import SourceFile

WHEN = datetime(2025, 1, 1, tzinfo=UTC)
TARGET = 20.0
"""MB of source a second and core, on a first run."""


def git(place: Path, *args: str, stdin: bytes = b"") -> bytes:
    """Run git, undisturbed by the user's configuration."""
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    command = ["git", "-C", str(place), *args]
    return subprocess.run(command, env=env, input=stdin, check=True, capture_output=True).stdout


def sources(place: Path) -> list[SourceFile]:
    """Return the files of a repository's HEAD that the code source reads, of known languages."""
    source = CodeSource()
    repository = open_repository(place)
    with Objects(repository) as objects:
        entries = [
            (oid, path.decode("utf-8", "replace"))
            for mode, oid, path in objects.tree(repository.resolve("HEAD"))
            if mode != "120000"
        ]
        wanted = [(oid, path) for oid, path in entries if source.wants(path)]
        found = []
        for (_, path), (_, content) in zip(
            wanted, objects.blobs(oid for oid, _ in wanted), strict=True
        ):
            file = SourceFile(path, content or b"", changed_at=WHEN)
            if language_in(path, file.content) is not None and _refused(file) is None:
                found.append(file)
    return found


def cpu(work: Callable[[], object]) -> float:
    """Return the CPU seconds of a call, in this process."""
    started = time.process_time()
    work()
    return time.process_time() - started


def parse(files: list[SourceFile], *, query: bool) -> None:
    """Parse every file; with `query`, find the nodes too."""
    for file in files:
        language = language_in(file.path, file.content)
        assert language is not None
        kit = tools(language)
        tree = kit.parser.parse(file.content)
        if query:
            kit.cursor.captures(tree.root_node)


def read(files: list[SourceFile]) -> int:
    """Read every file, and give each event its identity; return the number of events."""
    source, events = CodeSource(), 0
    for file in files:
        for event in source.read(file):
            if isinstance(event, Event):
                _ = event.event_id
                events += 1
    return events


def scrape(place: Path, home: Path, *flags: str) -> float:
    """Return the CPU seconds of a scrape in a process of its own."""
    env = {**os.environ, "PATINA_HOME": str(home)}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "patina_lab.cli", "scrape", "--repo", str(place), "--quiet"]
    subprocess.run([*command, *flags], env=env, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def change(place: Path, files: list[SourceFile]) -> int:
    """Commit a change to every 100th file; return how many there are."""
    some = files[:: max(1, min(100, len(files)))]
    out = [b"commit refs/heads/bench\ncommitter b <b@example.org> 1893456000 +0000\ndata 1\nx\n"]
    out.append(b"from %s\n" % git(place, "rev-parse", "HEAD").strip())
    for file in some:
        text = file.content + b"\n"
        path = file.path.encode()
        out.append(b'M 100644 inline "%s"\ndata %d\n%s\n' % (path, len(text), text))
    git(place, "fast-import", "--quiet", "--force", stdin=b"".join(out) + b"\n")
    return len(some)


def measure(repository: Path, rounds: int) -> dict[str, object]:
    """Return the figures of one repository."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "clone"
        git(Path(folder), "clone", "-q", "--bare", "--depth=1", f"file://{repository.resolve()}",
            str(place))  # fmt: skip
        files = sources(place)
        size = sum(len(file.content) for file in files) / 1e6
        changed = change(place, files)
        seconds: dict[str, list[float]] = {}
        events = 0
        for n in range(rounds):
            seconds.setdefault("parse", []).append(cpu(lambda: parse(files, query=False)))
            seconds.setdefault("query", []).append(cpu(lambda: parse(files, query=True)))
            seconds.setdefault("read", []).append(cpu(lambda: read(files)))
            events = read(files)
            home, plain = Path(folder) / f"home{n}", Path(folder) / f"plain{n}"
            alone = scrape(place, plain, "--no-code")
            seconds.setdefault("scrape", []).append(scrape(place, home, "--code") - alone)
            alone = scrape(place, plain, "--no-code", "--at", "bench")
            seconds.setdefault("refresh", []).append(
                scrape(place, home, "--code", "--at", "bench") - alone
            )
    suffixes = Counter(Path(file.path).suffix for file in files).most_common(2)
    return {
        "name": repository.resolve().parent.name.partition("+")[2] or repository.name,
        "suffixes": " ".join(suffix for suffix, _ in suffixes),
        "files": len(files),
        "mb": size,
        "events": events,
        "changed": changed,
        **{name: statistics.median(each) for name, each in seconds.items()},
    }


def table(rows: list[dict[str, object]]) -> str:
    """Return the figures as Markdown."""
    out = [
        "| repository | files | MB | events | parse | query | read | scrape | refresh |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        speeds = [f"{speed(row, name):.1f}" for name in ("parse", "query", "read", "scrape")]
        out.append(
            f"| {row['name']} ({row['suffixes']}) | {row['files']:,} | {row['mb']:.1f} | "
            f"{row['events']:,} | {' | '.join(speeds)} | "
            f"{row['refresh']:.2f} s for {row['changed']} files |"
        )
    return "\n".join(out)


def speed(row: dict[str, object], task: str) -> float:
    """Return MB of source for a second of CPU."""
    return float(row["mb"]) / float(row[task])  # type: ignore[arg-type]


def verdict(rows: list[dict[str, object]]) -> str:
    """Say whether the target is met, and what bounds it."""
    lines = []
    for row in rows:
        first, bound = speed(row, "scrape"), speed(row, "parse")
        met = "met" if first >= TARGET else "**missed**"
        why = ""
        if first < TARGET:
            why = f"; the bare parser alone, before anything is looked at: {bound:.1f}"
        lines.append(f"- {row['name']}: {first:.1f} MB/s on a first run, {met}{why}")
    return f"Target: {TARGET:.0f} MB/s on a first run.\n\n" + "\n".join(lines)


def main() -> None:
    """Measure, print, and keep."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("repositories", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--markdown", type=Path)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    load = os.getloadavg()[0]
    rows = [measure(place, given.rounds) for place in given.repositories]
    command = f"python benchmarks/code.py {' '.join(str(row['name']) for row in rows)}"
    said = f"""# Reading code

MB of source for a second of CPU on one core, medians of {given.rounds} interleaved rounds;
`refresh` in seconds. The columns are explained at the top of `benchmarks/code.py`.

{table(rows)}

{verdict(rows)}

`{command} --rounds {given.rounds}`, load {load:.2f} at the start.
Python {platform.python_version()}, tree-sitter {version("tree-sitter")},
DuckDB {version("duckdb")}, {os.cpu_count()} processors, {platform.machine()}.
"""
    sys.stdout.write(said)
    if given.markdown:
        given.markdown.parent.mkdir(parents=True, exist_ok=True)
        given.markdown.write_text(said)
    if given.json:
        facts = {"command": command, "rounds": given.rounds, "load": load, "repositories": rows}
        given.json.write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
