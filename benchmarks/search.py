"""Whether search finds what it should, and what it costs: words, vectors, both.

Quality is measured on the past of public repositories, and nobody wrote the answers for it:

``issue``   a commit's message, without issue numbers and links, asks for the earlier commits
            that name the same issue
``files``   a commit's message asks for the earlier commits that touched mostly the same files
            (at least two, half of both in common; files of more than a tenth of all commits
            do not count)

Only what was written before the question is searched, and `patina_lab.search.evaluation`
refuses questions that leak.  Nothing was tuned on these repositories.  Questions are drawn with
a seed where there are many.

Cost: wall clock, which on a machine that others use says little, so CPU stands beside it.
A first question in a new process and in a warm one, with vectors kept; embedding; the
index; clustering.  Each in a process of its own, memory its peak.

Run it with ``python benchmarks/search.py NAME=PATH… --markdown FILE --json FILE``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import re
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import patina_lab as pt
from patina_lab.events.text import text_hash
from patina_lab.search.ask import BEST, _cached
from patina_lab.search.corpus import of_log
from patina_lab.search.evaluation import Question, evaluate

NUMBER = re.compile(r"(?<![\w/&])#(\d+)\b")
# What would tell the answer, or says nothing of it: numbers, links, hashes, trailers.
NAMES = re.compile(
    r"https?://\S+|\S*#\d+|\b[0-9a-f]{7,40}\b"
    r"|^(?:signed-off-by|co-authored-by|reviewed-by|change-id|see also):?.*$"
    r"|\b(?:closes?|closed|refs?|fix(?:es|ed)?|resolves?)(?=\s*(?:#|:|,|$))",
    re.IGNORECASE | re.MULTILINE,
)
LEAST_WORDS = 3
MODES = ("lexical", "semantic", "fusion")


# -- questions ---------------------------------------------------------------------------


def by_issue(lab: pt.Lab) -> list[Question]:
    """Return a question for each commit that names an issue which earlier ones name."""
    earlier: defaultdict[str, list[tuple[str, int, str]]] = defaultdict(list)
    questions = []
    for event_id, us, message in commits(lab):
        numbers = sorted(set(NUMBER.findall(message)), key=int)
        text = plain(message)
        found = {
            other
            for number in numbers
            for other, when, hashed in earlier[number]
            if when < us and hashed != text_hash(text) and hashed != text_hash(message)
        }
        if found and len(text.split()) >= LEAST_WORDS:
            questions.append(Question(text, frozenset(found), us, f"issue {numbers[0]}"))
        for number in numbers:
            earlier[number].append((event_id, us, text_hash(message)))
    return questions


def by_files(lab: pt.Lab) -> list[Question]:
    """Return a question for each commit whose files earlier ones touched together."""
    rows = lab.sql("""
        SELECT e.event_id, t.path FROM touches t JOIN eventlog e USING (seq)
        WHERE t.files BETWEEN 2 AND 20 ORDER BY 1, 2""")
    count = rows.groupby("path")["event_id"].nunique()
    usual = set(count[count > 0.1 * rows["event_id"].nunique()].index)
    files: defaultdict[str, set[str]] = defaultdict(set)
    for event_id, path in rows.itertuples(index=False):
        if path not in usual:
            files[event_id].add(path)
    touched: defaultdict[str, list[tuple[str, int, str]]] = defaultdict(list)
    questions = []
    for event_id, us, message in commits(lab):
        mine = files.get(event_id, set())
        if len(mine) < 2:
            continue
        text = plain(message)
        found = {
            other
            for path in mine
            for other, when, hashed in touched[path]
            if when < us
            and hashed not in (text_hash(text), text_hash(message))
            and len(mine & files[other]) >= 2
            and len(mine & files[other]) >= 0.5 * len(mine | files[other])
        }
        if found and len(text.split()) >= LEAST_WORDS:
            questions.append(Question(text, frozenset(found), us))
        for path in mine:
            touched[path].append((event_id, us, text_hash(message)))
    return questions


def commits(lab: pt.Lab) -> list[tuple[str, int, str]]:
    """Return (identity, time, message) of each commit that is no merge, oldest first."""
    table = lab.sql("""
        SELECT e.event_id, c.occurred_us, coalesce(c.message, '') FROM commits c
        JOIN eventlog e USING (seq) WHERE c.parents < 2 ORDER BY c.seq""")
    return list(table.itertuples(index=False, name=None))


def plain(message: str) -> str:
    """Return a message without what names its answer."""
    return " ".join(NAMES.sub(" ", message).split())


def judge(name: str, lab: pt.Lab, embedder: str, most: int) -> list[dict[str, Any]]:
    """Return the figures of each task on one repository."""
    said = lab.embed(embedder, progress=False)
    means = _cached(lab._corpus(False, "HEAD"), embedder)
    of_log(lab.log.opened, lab.store.folder / "search")
    results = []
    for task, ask in (("issue", by_issue), ("files", by_files)):
        questions = ask(lab)
        whole = len(questions)
        if whole < 20:
            continue
        if whole > most:
            kept = sorted(random.Random(0).sample(range(whole), most))
            questions = [questions[n] for n in kept]
        table = evaluate(lab.log, questions, embedder=means)
        results.append(
            {
                "repository": name,
                "task": task,
                "embedder": embedder,
                "texts": said["texts"],
                "questions": len(questions),
                "of": whole,
                "groups": int(table["groups"].iloc[0]),
                "modes": {row.pop("mode"): row for row in table.to_dict("records")},
            }
        )
        print(name, task, embedder, table.to_string(), file=sys.stderr)
    return results


# -- costs: each runs in a process of its own ----------------------------------------------

# Not ru_maxrss: a process begins with that of the one that started it.
PEAK = """
def peak_mib():
    try:
        with open("/proc/self/status") as status:
            return int(status.read().split("VmHWM:")[1].split()[0]) / 1024
    except (OSError, IndexError):
        return float("nan")
"""

FIRST = """
import json, sys, time
import patina_lab as pt
lab = pt.open(sys.argv[1])
table = lab.scry("error handling of a foreign key", embedder=sys.argv[2], progress=False)
cold, cold_cpu = time.time() - float(sys.argv[3]), time.process_time()
warm, cpu = [], []
for text in ("rename a column", "why is this slow", "parse options of the command line") * 4:
    wall, used = time.perf_counter(), time.process_time()
    lab.scry(text, embedder=sys.argv[2], progress=False)
    warm.append(time.perf_counter() - wall)
    cpu.append(time.process_time() - used)
print(json.dumps({"cold": cold, "cold_cpu": cold_cpu, "warm": sorted(warm)[len(warm) // 2],
    "warm_cpu": sorted(cpu)[len(cpu) // 2], "mode": table.attrs["mode"],
    "asked": table.attrs["asked"],
    "mb": peak_mib()}))
"""

EMBED = """
import json, sys, time
from patina_lab.beliefs import embed
texts = json.load(sys.stdin)
means = embed.find(sys.argv[1], threads=1)
start = time.perf_counter(); means.embed(["a question"]); load = time.perf_counter() - start
start = time.process_time(); means.embed(texts); used = time.process_time() - start
print(json.dumps({"load": load, "per_cpu_s": len(texts) / used,
    "mb": peak_mib()}))
"""

CLUSTER = """
import json, sys, time
import numpy as np
from patina_lab.beliefs.cluster import Observation, cluster, similar
n, common = int(sys.argv[1]), float(sys.argv[2])
draw = np.random.default_rng(0)
v = draw.normal(size=(n // 14, 384))[draw.integers(0, n // 14, n)]
v += draw.normal(size=v.shape) * draw.choice([0.5, 1, 1.5], size=(n, 1))
v[:, :40] += common
v = (v / np.linalg.norm(v, axis=1, keepdims=True)).astype(np.float32)
seen = [Observation(f"o{i}", f"a thought about {i}", f"a{i % 9}", f"s{i % 90}", "p")
        for i in range(n)]
start, used = time.perf_counter(), time.process_time()
found = cluster(seen, v)
first, cpu = time.perf_counter() - start, time.process_time() - used
start = time.perf_counter()
again = cluster(seen, v, before=found)
assert again == found
second = time.perf_counter() - start
start = time.perf_counter()
pairs = len(similar(seen, v))
print(json.dumps({"clusters": len(found.clusters), "components": len(found.components),
    "first": first, "cpu": cpu, "again": second, "similar": time.perf_counter() - start,
    "pairs": pairs, "mb": peak_mib()}))
"""

INDEX = """
import json, sys, time
import numpy as np
from patina_lab.search.index import index, recall
n = int(sys.argv[1])
draw = np.random.default_rng(0)
middle = draw.normal(size=(n // 14, 384)).astype(np.float32)
v = middle[draw.integers(0, len(middle), n + 200)]
v += draw.normal(size=v.shape).astype(np.float32) * 1.2
v /= np.linalg.norm(v, axis=1, keepdims=True)
queries, v = v[n:], v[:n]
used = time.process_time()
made = index(v, sys.argv[2])
build = time.process_time() - used
used = time.process_time()
for query in queries:
    made.search(query, 10)
asked = (time.process_time() - used) / len(queries)
print(json.dumps({"build": build, "ms": 1000 * asked, "recall": recall(made, queries),
    "mb": peak_mib()}))
"""


def run(code: str, *arguments: str, stdin: str = "") -> dict[str, Any]:
    """Run a measurement in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", PEAK + code, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def median(rounds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the median of each number."""
    return {
        name: statistics.median(r[name] for r in rounds) if isinstance(value, float) else value
        for name, value in rounds[0].items()
    }


def costs(place: str, embedders: Sequence[str], rounds: int, sizes: Sequence[int]) -> list[dict]:
    """Return rows (what, value, unit, target, met, note)."""
    import time

    rows: list[dict[str, Any]] = []

    def add(what: str, value: float, unit: str, target: float | None, note: str = "") -> None:
        met = "" if target is None else ("yes" if value <= target else "**no**")
        row = {"what": what, "value": value, "unit": unit, "target": target}
        rows.append({**row, "met": met, "note": note})

    light = embedders[0]
    asked = median([run(FIRST, place, light, str(time.time())) for _ in range(rounds)])
    note = f"{asked['mode']}, {light}, {asked['asked']:,} texts"
    add("first question, new process (imports included)", asked["cold"], "s", 3.0, note)
    add("the same, CPU of all threads", asked["cold_cpu"], "s", None, "without git's")
    add("question, warm kernel", 1000 * asked["warm"], "ms", 50.0, note)
    add("the same, CPU of all threads", 1000 * asked["warm_cpu"], "ms", None, note)
    add("memory of that process", asked["mb"], "MB", 2500.0)
    texts = [message for _, _, message in commits(pt.open(place))][:400]
    for name in embedders:
        said = median([run(EMBED, name, stdin=json.dumps(texts)) for _ in range(rounds)])
        add(f"{name}: load", said["load"], "s", None)
        add(f"{name}: texts in a CPU second", said["per_cpu_s"], "", None, "commit messages")
        add(f"{name}: memory", said["mb"], "MB", None)
    for common, shape in ((1.5, "many components"), (4.0, "all in one component")):
        said = run(CLUSTER, "10000", str(common))
        note = f"{said['components']:,} components, {said['clusters']:,} clusters"
        add(f"cluster 10,000 observations, {shape}", said["first"], "s", 60.0, note)
        add(f"the same, CPU, {shape}", said["cpu"], "s", None)
        add(f"the same with what was known, {shape}", said["again"], "s", None)
        add(f"pairs with cosine 0.6 among them, {shape}", said["similar"], "s", None,
            f"{said['pairs']:,} pairs")  # fmt: skip
        add(f"memory, {shape}", said["mb"], "MB", 2500.0)
    kinds = ["exact"]
    try:
        version("hnswlib")
        kinds.append("hnsw")
    except ImportError:
        pass
    for n in sizes:
        for kind in kinds:
            said = run(INDEX, str(n), kind)
            note = f"recall {said['recall']:.3f}"
            add(f"{kind}, {n:,} vectors: build", said["build"], "CPU s", None, note)
            add(f"{kind}, {n:,} vectors: a question", said["ms"], "CPU ms", None)
    return rows


# -- saying it ---------------------------------------------------------------------------


def best(results: Sequence[dict[str, Any]], embedder: str) -> tuple[str, dict[str, float]]:
    """Return the mode with the highest mean MRR over repositories and tasks, and all means."""
    chosen = [r for r in results if r["embedder"] == embedder]
    means = {m: statistics.mean(r["modes"][m]["mrr"] for r in chosen) for m in MODES}
    return max(MODES, key=lambda mode: means[mode]), means


def markdown(
    command: str, results: Sequence[dict[str, Any]], rows: Sequence[dict[str, Any]], light: str
) -> str:
    """Write the results as a page."""
    facts = {
        "system": f"{platform.system()} {platform.machine()}",
        "processors": str(os.cpu_count()),
        "Python": platform.python_version(),
        **{name: version(name) for name in ("onnxruntime", "tokenizers", "numpy", "duckdb")},
    }
    winner, means = best(results, light)
    lines = [
        "# Search: what it finds, and what it costs",
        "",
        f"`{command}`",
        "",
        ", ".join(f"{name} {value}" for name, value in facts.items()) + ".",
        "",
        "## Quality",
        "",
        f"Best mean MRR with {light}: **{winner}** ("
        + ", ".join(f"{mode} {means[mode]:.3f}" for mode in MODES)
        + f'). `mode="auto"` uses `{BEST}` where there are vectors'
        + ("." if winner == BEST else f", which is **not** the best here: {winner} is."),
        "",
        "MRR, in brackets its 95 % interval (bootstrap over groups); gain: MRR over plain BM25, "
        "paired.",
        "",
        "| repository | asked for | embedder | questions | mode | MRR | hit@10 | first | gain |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for r in results:
        for mode in MODES:
            m = r["modes"][mode]
            gain = f"{m['gain']:+.3f} ({m['gain_low']:+.3f} to {m['gain_high']:+.3f})"
            lines.append(
                f"| {r['repository']} ({r['texts']:,} texts) | same {r['task']} | {r['embedder']} "
                f"| {r['questions']} of {r['of']}, {r['groups']} groups | {mode} "
                f"| {m['mrr']:.3f} ({m['mrr_low']:.3f} to {m['mrr_high']:.3f}) "
                f"| {m['hit']:.3f} | {m['first']:.3f} | {'' if mode == 'lexical' else gain} |"
            )
    lines += [
        "",
        "## Cost",
        "",
        "| figure | value | target | met | note |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        target = "" if row["target"] is None else f"≤ {row['target']:g} {row['unit']}"
        lines.append(
            f"| {row['what']} | {row['value']:.3g} {row['unit']} | {target} | {row['met']} "
            f"| {row['note']} |"
        )
    return "\n".join([*lines, ""])


def main(argv: Sequence[str] | None = None) -> int:
    """Measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("repositories", nargs="+", metavar="NAME=PATH")
    parser.add_argument("--embedder", nargs="+", default=["minilm-int8", "minilm"])
    parser.add_argument("--most", type=int, default=300, help="questions of a task (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", type=int, nargs="*", default=[10_000, 60_000])
    parser.add_argument("--no-costs", action="store_true")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every number there")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="instead of standard output")
    asked = parser.parse_args(argv)
    given = [text.partition("=")[::2] for text in asked.repositories]
    results = []
    for n, (name, place) in enumerate(given):
        lab = pt.open(place)
        # Whoever has a log keeps its line counts.
        lab.scrape(progress=False, lines=False if lab.store.manifest() is None else None)
        # The larger model on the first repository only: it shows what the smaller one loses.
        for embedder in asked.embedder if n == 0 else asked.embedder[:1]:
            results += judge(name, lab, embedder, asked.most)
    if not results:
        parser.error("no two commits there name an issue or touch files together: nothing to ask")
    rows = [] if asked.no_costs else costs(given[0][1], asked.embedder, asked.rounds, asked.sizes)
    names = " ".join(f"{name}=PATH" for name, _ in given)
    command = f"python benchmarks/search.py {names} --rounds {asked.rounds} --most {asked.most}"
    command += "".join(f" {word}" for word in ["--sizes", *map(str, asked.sizes)])
    page = markdown(command, results, rows, asked.embedder[0])
    say: Callable[[str], object] = asked.markdown.write_text if asked.markdown else print
    say(page)
    if asked.json:
        whole = {"command": command, "quality": results, "cost": rows}
        asked.json.write_text(json.dumps(whole, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
