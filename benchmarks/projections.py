"""What projections cost: beside plain baselines, after new events, and as a log grows.

Every figure is one computation in a process of its own: CPU (user + system, all threads) and
wall of the computation alone, the tables being loaded before the clock runs; memory is the
peak of that process, with its interpreter.  Tasks that are compared run in one round one after
the other, each round begins with another one, and a ratio is taken within a round.

``co-change``      exact (no cap): the projection beside the plain id-join in DuckDB and a
                   self-join in pandas, of the frame as it comes and (no target) with paths
                   as numbers; all give the same pairs, which is checked
``collaboration``  pairs of authors by shared files
``causality``      2,000 made-up decisions against the commits of the repository
``incremental``    bringing a kept table up to date after the last 1 % of the commits
``one commit``     a made-up log with and without a commit of 20,000 files
``growth``         made-up logs of 10^4, 10^5, 10^6 commits on every engine that is here

Run it with ``python benchmarks/projections.py REPOSITORY… --rounds 3 --markdown FILE --json
FILE``; repositories are scraped into ``PATINA_HOME`` first.
"""

from __future__ import annotations

import argparse
import bisect
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

DAY_US = 86_400_000_000
MEMORY = "3GB"
TIMEOUT = 120
MOST_PANDAS = 30_000_000
"""Pairs of files in commits that a self-join in pandas is still given: it would hold them all."""

GROWTH = (
    ("co_changes", {}),
    ("author_expertise", {}),
    ("collaboration", {}),
    ("hotspots", {}),
    ("churn", {}),
)
TOGETHER = "all of them"
"""Every kept table one after another: what is new in the log is asked once for them."""

TARGETS = {
    "co_changes / id-join": 0.5,
    "co_changes / pandas": 0.1,
    "collaboration, CPU s": 0.2,
    "causality, CPU s": 0.5,
    "incremental / rebuild": 0.1,
}

PLAIN_JOIN = """
WITH touched AS (SELECT DISTINCT seq, path FROM exported_touches),
file AS (SELECT path, count(*) AS n, row_number() OVER () AS id FROM touched GROUP BY path),
known AS (SELECT seq, id FROM touched JOIN file USING (path)),
pair AS (SELECT a.id AS a, b.id AS b, count(*) AS n
         FROM known a JOIN known b ON a.seq = b.seq AND a.id < b.id
         GROUP BY ALL HAVING count(*) >= {least})
SELECT least(x.path, y.path) AS file_a, greatest(x.path, y.path) AS file_b, p.n AS count,
       p.n::DOUBLE / (x.n + y.n - p.n) AS jaccard
FROM pair p JOIN file x ON x.id = p.a JOIN file y ON y.id = p.b
ORDER BY count DESC, jaccard DESC, file_a, file_b
"""


# -- in a process of its own ---------------------------------------------------------------


def child(folder: str, task: str, options: dict[str, Any]) -> dict[str, Any]:
    """Load the tables, run one task, and say what it cost."""
    ready = CHILDREN[task](Path(folder), options)
    cpu, wall = time.process_time(), time.perf_counter()
    rows, check = ready()
    return {
        "cpu": time.process_time() - cpu,
        "wall": time.perf_counter() - wall,
        "mib": peak_mib(),
        "rows": rows,
        "check": check,
    }


def peak_mib() -> float:
    """Return the most memory that this process has held; NaN where nobody says (Linux does).

    Not ``ru_maxrss``: a process begins with that of the one that started it.
    """
    try:
        words = Path("/proc/self/status").read_text().split("VmHWM:")[1].split()
    except (OSError, IndexError):
        return math.nan
    return int(words[0]) / 1024


Ready = Callable[[], tuple[int, int]]


def duck(folder: Path) -> Any:
    """Return DuckDB with the exported tables loaded, within the memory that all get."""
    import duckdb
    import pandas  # noqa: F401 - pyarrow asks for it when it first sees an array of numpy

    from patina_lab.projections.adapters import DuckDB

    connection = duckdb.connect()
    engine = DuckDB(connection)
    connection.execute(f"SET memory_limit = '{MEMORY}'")
    connection.execute(f"SET temp_directory = '{folder / 'spill'}'")
    connection.execute("SET max_temp_directory_size = '4GB'")
    for name in json.loads((folder / "manifest.json").read_text())["relations"]:
        file = folder / f"{name}.parquet"
        connection.execute(f"CREATE TABLE exported_{name} AS SELECT * FROM read_parquet('{file}')")
    engine.arrow("SELECT 1 AS n")  # imports what an answer needs
    return engine


def projected(folder: Path, options: dict[str, Any]) -> Ready:
    """Compute a projection by its name, on an engine."""
    from patina_lab.projections import engines

    if options["engine"] == "duckdb":
        log = engines.ExportedLog(engines.read_manifest(folder), duck(folder))
    else:
        log = engines.open(folder, options["engine"])
    log.engine.arrow("SELECT 1 AS n")  # imports, and the first session of a server
    log.compose(options["name"], **options["params"])

    def run() -> tuple[int, int]:
        table = log.compose(options["name"], **options["params"]).arrow()
        return len(table), _check(table)

    return run


def _check(table: Any) -> int:
    """Return a sum that two right answers share."""
    import pyarrow.compute as pc

    for name in ("count", "shared_files", "commit_seq", "commits", "commit_count"):
        if name in table.column_names:
            return pc.sum(table[name]).as_py() or 0
    return len(table)


def id_join(folder: Path, options: dict[str, Any]) -> Ready:
    """Co-change as one writes it down: a self-join on commit over integer ids."""
    engine = duck(folder)

    def run() -> tuple[int, int]:
        table = engine.arrow(PLAIN_JOIN.format(least=options["least"]))
        return len(table), _check(table)

    return run


def pandas_join(folder: Path, options: dict[str, Any]) -> Ready:
    """Co-change in pandas as one writes it down: ``merge`` with itself, ``groupby``."""
    import pandas as pd

    touches = pd.read_parquet(folder / "touches.parquet", columns=["seq", "path"])

    def run() -> tuple[int, int]:
        each = touches.drop_duplicates()
        pairs = each.merge(each, on="seq", suffixes=("_a", "_b"))
        pairs = pairs[pairs["path_a"] < pairs["path_b"]]
        counts = pairs.groupby(["path_a", "path_b"]).size()
        table = counts[counts >= options["least"]].rename("count").reset_index()
        table = table.sort_values(["count", "path_a", "path_b"], ascending=[False, True, True])
        return len(table), int(table["count"].sum())

    return run


def pandas_id_join(folder: Path, options: dict[str, Any]) -> Ready:
    """Co-change in pandas with paths as numbers: what somebody does who waited for the other."""
    import pandas as pd

    touches = pd.read_parquet(folder / "touches.parquet", columns=["seq", "path"])

    def run() -> tuple[int, int]:
        each = touches.drop_duplicates()
        each = each.assign(id=each["path"].astype("category").cat.codes)
        pairs = each[["seq", "id"]].merge(each[["seq", "id"]], on="seq")
        pairs = pairs[pairs["id_x"] < pairs["id_y"]]
        counts = pairs.groupby(["id_x", "id_y"]).size()
        counts = counts[counts >= options["least"]]
        names = dict(enumerate(each["path"].astype("category").cat.categories))
        table = counts.rename("count").reset_index()
        table = table.assign(file_a=table["id_x"].map(names), file_b=table["id_y"].map(names))
        table = table.sort_values(["count", "file_a", "file_b"], ascending=[False, True, True])
        return len(table), int(table["count"].sum())

    return run


def pandas_windows(folder: Path, options: dict[str, Any]) -> Ready:
    """Decision and commit in pandas: one mask a decision."""
    import pandas as pd

    decisions = pd.read_parquet(folder / "decisions.parquet")
    commits = pd.read_parquet(folder / "commits.parquet", columns=["seq", "occurred_us"])

    def run() -> tuple[int, int]:
        found = []
        for at in decisions["occurred_us"]:
            inside = (commits["occurred_us"] > at) & (commits["occurred_us"] <= at + 14 * DAY_US)
            found.append(commits.loc[inside, "seq"])
        every = pd.concat(found)
        return len(every), int(every.sum())

    return run


def seed_collaboration(folder: Path, options: dict[str, Any]) -> Ready:
    """Pairs of authors by a plain join of (author, path) in DuckDB."""
    engine = duck(folder)
    sql = """
        WITH f AS (SELECT DISTINCT author_email, path FROM exported_touches)
        SELECT a.author_email AS a, b.author_email AS b, count(*) AS shared_files
        FROM f a JOIN f b ON a.path = b.path AND a.author_email < b.author_email GROUP BY ALL
    """

    def run() -> tuple[int, int]:
        table = engine.arrow(sql)
        return len(table), _check(table)

    return run


CHILDREN: dict[str, Callable[[Path, dict[str, Any]], Ready]] = {
    "project": projected,
    "id-join": id_join,
    "pandas": pandas_join,
    "pandas, ids": pandas_id_join,
    "pandas windows": pandas_windows,
    "plain collaboration": seed_collaboration,
}


def run(folder: Path, task: str, **options: Any) -> dict[str, Any]:
    """Run a task in a new process; a dict with ``failed`` where it could not be finished."""
    argv = [sys.executable, __file__, "--child", str(folder), task, json.dumps(options)]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        return {"failed": f"stopped after {TIMEOUT} s"}
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit {done.returncode}"]
        short = said[-1].partition("(")[0].replace(str(folder), "…")[:90].strip()
        return {"failed": f"gave up within {MEMORY} of memory and 4 GB of disk"
                if "emory" in said[-1] or "temp_dir" in said[-1] else short}  # fmt: skip
    return dict(json.loads(done.stdout.splitlines()[-1]))


def interleaved(tasks: dict[str, Callable[[], dict[str, Any]]], rounds: int) -> dict[str, Any]:
    """Run every task once a round, each round beginning with another one."""
    names = list(tasks)
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for n in range(rounds):
        for name in [*names[n % len(names) :], *names[: n % len(names)]]:
            if runs[name] and "failed" in runs[name][0]:
                continue
            print(f"    {name}", file=sys.stderr, flush=True)
            runs[name].append(tasks[name]())
    return runs


def median(values: Sequence[float]) -> float:
    """Return the middle value, or the mean of the two in the middle."""
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the medians of the rounds."""
    if "failed" in runs[0]:
        return runs[0]
    return {
        **{key: round(median([r[key] for r in runs]), 4) for key in ("cpu", "wall", "mib")},
        "cpu_rounds": [round(r["cpu"], 4) for r in runs],
        "rows": runs[0]["rows"],
        "check": runs[0]["check"],
    }


def ratio(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> list[float] | None:
    """Return our CPU by theirs, round by round."""
    if "failed" in theirs[0] or "failed" in ours[0]:
        return None
    return [round(a["cpu"] / b["cpu"], 4) for a, b in zip(ours, theirs, strict=True)]


# -- the measurements ----------------------------------------------------------------------


def write_log(folder: Path, tables: dict[str, Any], digest: str = "made up") -> Path:
    """Write tables as an exported log."""
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet", compression="zstd")
    relations = {name: {"file": f"{name}.parquet"} for name in tables}
    manifest = {"digest": digest, "source_sha": "", "format": "parquet", "relations": relations}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def made_up(commits: int, *, one_of: int = 0) -> dict[str, Any]:
    """Return ``touches`` of a log that never was: mean 3 files a commit, p99 about 30.

    `one_of` adds a commit that touches so many files, and one that touches them again.
    """
    import numpy as np
    import pyarrow as pa

    rng = np.random.default_rng(commits)
    sizes = np.minimum((1 / rng.random(commits) ** 0.85).astype(np.int64), 200)
    seq = np.repeat(np.arange(1, commits + 1), sizes)
    paths, people = max(50, commits // 5), max(20, commits // 200)
    # Few files take most of the work; a commit stays near one place of the tree.
    centre = np.repeat((paths * rng.random(commits) ** 3).astype(np.int64), sizes)
    path = (centre + (rng.random(len(seq)) ** 4 * 60).astype(np.int64)) % paths
    if one_of:
        seq = np.concatenate([seq, np.repeat([commits + 1, commits + 2], one_of)])
        path = np.concatenate([path, *[np.arange(paths, paths + one_of)] * 2])
        sizes = np.concatenate([sizes, [one_of, one_of]])
    pairs = np.unique(np.stack([seq, path]), axis=1)
    seq, path = pairs
    who = (people * rng.random(len(sizes)) ** 2).astype(np.int64)[seq - 1]
    files = np.bincount(seq)[seq]
    names = pa.array([f"folder{p // 40}/file{p}.py" for p in range(path.max() + 1)])
    emails = pa.array([f"person{p}@example.org" for p in range(people)])
    n = len(seq)
    lines = pa.array(rng.integers(0, 80, n))
    return {
        "touches": pa.table(
            {
                "seq": seq,
                "occurred_us": 1_200_000_000_000_000 + seq * (15 * 365 * DAY_US // commits),
                "path": names.take(pa.array(path)),
                "old_path": pa.nulls(n, pa.string()),
                "change": pa.array(["M"] * n),
                "lines_added": lines,
                "lines_removed": lines,
                "author_name": emails.take(pa.array(who)),
                "author_email": emails.take(pa.array(who)),
                "files": files,
            }
        )
    }


def of_repository(place: Path, scratch: Path, rounds: int, least: int) -> dict[str, Any]:
    """Return the figures of one repository."""
    import numpy as np
    import pyarrow as pa

    import patina_lab as pt

    lab = pt.open(place)
    lab.scrape(progress=False)
    touches, commits = (lab.rel(name).arrow() for name in ("touches", "commits"))
    first, last = (f(commits["occurred_us"].to_pylist()) for f in (min, max))
    times = np.linspace(max(first, 0), last, 2000).astype(np.int64)
    # They speak as the project does: with the first lines of commits from all of its history.
    said = [text.partition("\n")[0] for text in commits["message"].to_pylist()]
    decisions = pa.table(
        {
            "seq": np.arange(1, 2001) + len(commits),
            "occurred_us": times,
            "source_id": [f"d{n}" for n in range(2000)],
            "content": [said[n * len(said) // 2000] for n in range(2000)],
        }
    )
    others = {name: lab.rel(name).arrow() for name in ("commit_parents", "eventlog")}
    folder = write_log(
        scratch / "log",
        {"touches": touches, "commits": commits, "decisions": decisions, **others},
    )
    name = lab.repository.name if lab.repository.name != "repo" else place.resolve().parent.name
    name = name.rpartition("+")[2]
    print(f"{name}: {len(commits)} commits", file=sys.stderr)

    def projection(what: str, **params: Any) -> Callable[[], dict[str, Any]]:
        return lambda: run(folder, "project", engine="duckdb", name=what, params=params)

    pairs = [n * (n - 1) // 2 for n in commits["files"].to_pylist()]
    co = interleaved(
        {
            "co_changes": projection("co_changes", max_files=None, min_count=least),
            "id-join": lambda: run(folder, "id-join", least=least),
            **{
                task: (
                    (lambda task=task: run(folder, task, least=least))
                    if sum(pairs) <= MOST_PANDAS
                    else (lambda: {"failed": f"not run: {2 * sum(pairs):,} rows in memory"})
                )
                for task in ("pandas", "pandas, ids")
            },
        },
        rounds,
    )
    checks = {(r[0]["rows"], r[0]["check"]) for r in co.values() if "failed" not in r[0]}
    others = interleaved(
        {
            "collaboration": projection("collaboration"),
            "plain collaboration": lambda: run(folder, "plain collaboration"),
            "causality": projection("causality"),
            "pandas windows": lambda: run(folder, "pandas windows"),
        },
        rounds,
    )
    return {
        "name": name,
        "head": lab.log.opened.manifest.source_sha,
        "commits": len(commits),
        "touches": len(touches),
        "pair_instances": sum(pairs),
        "min_count": least,
        "same_pairs": len(checks) <= 1,
        "tasks": {task: summary(runs) for task, runs in {**co, **others}.items()},
        "ratios": {
            "co_changes / id-join": ratio(co["co_changes"], co["id-join"]),
            "co_changes / pandas": ratio(co["co_changes"], co["pandas"]),
        },
        "incremental": incremental(place, scratch, rounds),
    }


def incremental(place: Path, scratch: Path, rounds: int) -> dict[str, Any]:
    """Measure kept tables after the last 1 % of the commits, beside making them anew."""
    import patina_lab as pt
    from patina_lab.eventlog.materialize import materialize
    from patina_lab.projections import registry

    lab = pt.open(place, home=scratch / "home")
    line = lab.repository.command("rev-list", "--first-parent", "HEAD").decode().split()
    total = int(lab.repository.command("rev-list", "--count", "HEAD"))
    older = line[
        bisect.bisect_left(
            line,
            total // 100,
            key=lambda sha: total - int(lab.repository.command("rev-list", "--count", sha)),
        )
    ]
    lab.scrape(at=older, progress=False)
    names = [p.name for p in registry.every() if p.additive is not None]
    for n in range(rounds):
        for name in names:
            materialize(lab.log, registry.find(name), scratch / f"kept{n}")
    lab.scrape(progress=False)
    how: dict[str, set[str]] = {name: set() for name in (*names, TOGETHER)}
    costs: dict[str, list[list[float]]] = {name: [] for name in how}
    for n in range(rounds):
        each: dict[str, list[float]] = {name: [] for name in names}
        for folder in (f"kept{n}", f"new{n}"):
            # What is asked once of a log is asked once a round: in the first of its tables.
            log = pt.open(place, home=scratch / "home").log
            for name in names:
                started = time.process_time()
                kept = materialize(log, registry.find(name), scratch / folder)
                each[name].append(time.process_time() - started)
                if folder.startswith("kept"):
                    how[name].add(kept.how)
                    how[TOGETHER].add(kept.how)
        for name in names:
            costs[name].append(each[name])
        costs[TOGETHER].append([sum(column) for column in zip(*each.values(), strict=True)])
    return {
        name: {
            "how": "rebuilt" if found == {"rebuilt"} else "incremental",
            "incremental": round(median([i for i, _ in costs[name]]), 4),
            "rebuild": round(median([r for _, r in costs[name]]), 4),
            "ratio": [round(i / r, 4) for i, r in costs[name]],
        }
        for name, found in how.items()
    }


def one_commit(scratch: Path) -> dict[str, Any]:
    """Measure exact co-change with and without a commit of 20,000 files."""
    found = {}
    for files in (0, 20_000):
        folder = write_log(scratch / f"one-{files}", made_up(10_000, one_of=files))
        # What is asked of the 200 million pairs that it makes is their sum: they are not kept.
        params = {"max_files": None, "min_count": 3}
        found[str(files)] = {
            "co_changes": run(folder, "project", engine="duckdb", name="co_changes", params=params),
            "id-join": run(folder, "id-join", least=3),
        }
    return found


def growth(scratch: Path, sizes: Sequence[int], rounds: int) -> list[dict[str, Any]]:
    """Measure projections on logs of several sizes, on every engine."""
    from patina_lab.projections import engines

    rows = []
    for commits in sizes:
        folder = write_log(scratch / f"growth-{commits}", made_up(commits))
        print(f"growth: {commits} commits", file=sys.stderr)
        for name, params in GROWTH:
            runs = interleaved(
                {
                    engine: lambda engine=engine, folder=folder, name=name, params=params: run(
                        folder, "project", engine=engine, name=name, params=params
                    )
                    for engine in engines.available()
                },
                rounds if commits < 1_000_000 else 1,
            )
            agree = {(r[0]["rows"], r[0]["check"]) for r in runs.values() if "failed" not in r[0]}
            rows += [
                {"commits": commits, "projection": name, "engine": engine,
                 "same_rows": len(agree) <= 1, **summary(each)}
                for engine, each in runs.items()
            ]  # fmt: skip
    return rows


# -- saying it -----------------------------------------------------------------------------


def verdict(name: str, values: Sequence[float] | None, about: str = "") -> str:
    """Return one line of the table of targets."""
    target = TARGETS[name.partition(":")[0]]
    if about == "rebuilt":
        return (
            f"| {name} | {median(values or [0]):.3f} | ≤ {target} | made anew: the mailmap "
            "corrected a name, or an event has gone |"
        )
    if values is None:
        return f"| {name} | ? | ≤ {target} | the baseline did not finish |"
    value = median(values)
    met = "met" if value <= target else "**missed**"
    spread = f" ({min(values):.3f} to {max(values):.3f})" if len(values) > 1 else ""
    return f"| {name} | {value:.3f}{spread} | ≤ {target} | {met} |"


def cell(task: dict[str, Any]) -> str:
    """Return CPU, wall, memory, rows of a task as cells."""
    if "failed" in task:
        return f"{task['failed']} | | |"
    memory = f"{task['mib']:.0f}" if "mib" in task else "?"
    return f"{task['cpu']:.3f} | {task['wall']:.3f} | {memory} | {task['rows']:,}"


def page(result: dict[str, Any]) -> str:
    """Return the results as Markdown."""
    out = ["# What projections cost", "", f"`{result['command']}`", ""]
    out.append(", ".join(f"{k} {v}" for k, v in result["machine"].items()) + ".")
    out.append("CPU is user + system of all threads, of the computation alone; medians, and in")
    out.append("brackets the least and the greatest round. Load is the machine's, at the start.")
    out += ["", *result.get("notes", ())]
    for repo in result["repositories"]:
        out += [
            "",
            f"## {repo['name']}: {repo['commits']:,} commits, HEAD {repo['head'][:12]}",
            "",
            f"{repo['touches']:,} touches, {repo['pair_instances']:,} pairs of files in commits; "
            f"co-change without a cap, `min_count={repo['min_count']}`"
            f"{', the same pairs by all' if repo['same_pairs'] else ', **pairs differ**'}.",
            "",
            "| figure | value | target | |",
            "|---|---|---|---|",
            *(verdict(name, values) for name, values in repo["ratios"].items()),
            *(
                verdict(f"{name}, CPU s", repo["tasks"][name].get("cpu_rounds"))
                for name in ("collaboration", "causality")
            ),
            *(
                verdict(f"incremental / rebuild: {name}", about["ratio"], about=about["how"])
                for name, about in repo["incremental"].items()
            ),
            "",
            "| task | CPU s | wall s | MiB | rows |",
            "|---|---|---|---|---|",
            *(f"| {name} | {cell(task)} |" for name, task in repo["tasks"].items()),
        ]
    out += [
        "",
        "## One commit of 20,000 files",
        "",
        "A made-up log of 10,000 commits, without and with two commits of the same 20,000 files,",
        f"which make 400 million pairs; no cap, `min_count=3`, {MEMORY} of memory.",
        "",
        "| files | task | CPU s | wall s | MiB | rows |",
        "|---|---|---|---|---|---|",
        *(
            f"| {files} | {name} | {cell(task)} |"
            for files, tasks in result["one_commit"].items()
            for name, task in tasks.items()
        ),
        "",
        "## Growth",
        "",
        "Made-up logs, the same text on each engine, default parameters; CPU (wall) in seconds,",
        "from Parquet (DuckDB: from tables in memory). One round at 10^6.",
        "",
    ]
    engines = list(dict.fromkeys(row["engine"] for row in result["growth"]))
    out += [
        f"| commits | projection | {' | '.join(engines)} |",
        f"|---|---|{'---|' * len(engines)}",
    ]
    by = {(r["commits"], r["projection"], r["engine"]): r for r in result["growth"]}
    for commits, projection in dict.fromkeys((r["commits"], r["projection"]) for r in by.values()):
        cells = []
        for engine in engines:
            row = by[commits, projection, engine]
            cells.append(row.get("failed") or f"{row['cpu']:.2f} ({row['wall']:.2f})")
        out.append(f"| {commits:,} | {projection} | {' | '.join(cells)} |")
    out += ["", "Rows agree." if all(r["same_rows"] for r in by.values()) else "**Rows differ.**"]
    return "\n".join([*out, ""])


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("repositories", nargs="*", type=Path, metavar="REPOSITORY")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--min-count", type=int, default=2)
    parser.add_argument("--commits", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--markdown", type=Path, metavar="FILE")
    asked = parser.parse_args(argv)
    result: dict[str, Any] = {
        "machine": {
            "system": f"{platform.system()} {platform.machine()}",
            "processors": str(os.cpu_count()),
            "load": f"{os.getloadavg()[0]:.2f}",
            "Python": platform.python_version(),
        },
        "repositories": [],
    }
    for package in ("duckdb", "datafusion", "pysail", "pandas"):
        try:
            result["machine"][package] = version(package)
        except ModuleNotFoundError:
            result["machine"][package] = "not here"
    with tempfile.TemporaryDirectory(prefix="patina-bench-") as scratch:
        for n, place in enumerate(asked.repositories):
            result["repositories"].append(
                of_repository(place, Path(scratch) / str(n), asked.rounds, asked.min_count)
            )
        result["one_commit"] = one_commit(Path(scratch))
        result["growth"] = growth(Path(scratch), asked.commits, asked.rounds)
    names = " ".join(repo["name"] for repo in result["repositories"])
    result["command"] = f"python benchmarks/projections.py {names} --rounds {asked.rounds}".replace(
        "  ", " "
    )
    said = page(result)
    if asked.markdown:
        asked.markdown.write_text(said)
    else:
        sys.stdout.write(said)
    if asked.json:
        asked.json.write_text(json.dumps(result, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(child(sys.argv[2], sys.argv[3], json.loads(sys.argv[4]))))
    else:
        sys.exit(main())
