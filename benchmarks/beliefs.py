"""Do beliefs predict?  The default rules beside v0, a constant and a logistic fit, out of time.

Beliefs are formed as of a cut; a belief *comes again* if in the 45 days after it somebody says
it in a source that is not among its own.  That is no proof of truth: it is what can be asked
of any project without labels.  Constant, calibration and logistic fit learn from a window that
ended before the cut.  A benchmark that leaks is refused (`patina_lab.beliefs.leaks`).

Run it on your own project with ``python benchmarks/beliefs.py PATH``; see README.md.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import math
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from patina_lab import datasets
from patina_lab import open as open_lab
from patina_lab.beliefs.cluster import Cluster
from patina_lab.beliefs.compare import compare_rules
from patina_lab.beliefs.evaluation import evaluate_beliefs
from patina_lab.beliefs.formation import Beliefs
from patina_lab.beliefs.ground import Ground
from patina_lab.beliefs.metrics import Estimate, share
from patina_lab.beliefs.observed import OWN, Observed, Reader, day, of_rows
from patina_lab.beliefs.pipeline import Pipeline, pipeline
from patina_lab.beliefs.ruleset import RuleSet, load
from patina_lab.beliefs.swipl import SwiplEngine
from patina_lab.errors import PatinaError
from patina_lab.eventlog.progress import fitting

SPLITS = (0.5, 0.7)
TOP = 20
LEVEL = 0.95
TARGET = 0.9
"""Share of labelled contradictions that are not to be counted as support."""

# What is left of a rule set when it holds a claim of every cluster: its confidence alone.
BARE = {
    "v2": {
        "min_voters": 1,
        "min_cohesion": -1.0,
        "min_diversity": 0.0,
        "min_content": 0.0,
        "max_boilerplate": 1.0,
    },
    "v0": {"adequate_score": 0.0},
}


# -- what is judged ----------------------------------------------------------------------


@dataclass(frozen=True)
class Corpus:
    """Observations that can be asked as a lab is.

    Parameters
    ----------
    name : str
    read : Reader
    home : Path
        Vectors are kept below it.
    public : bool
        Whether its texts belong to somebody else: they are counted, not copied.
    """

    name: str
    read: Reader
    home: Path
    public: bool = False

    def belief_pipeline(self, rules: str | RuleSet = "v2", **chosen: Any) -> Pipeline:
        """Return what forms beliefs of it."""
        return pipeline(self.read, home=self.home, rules=rules, progress=fitting(), **chosen)


def of_project(name: str, place: Path) -> Corpus:
    """Return what a repository's session notes and event files say."""
    lab = open_lab(place)
    lab.scrape()
    return Corpus(name, lab.belief_pipeline().read, home())


def of_notes(name: str, folder: Path) -> Iterator[Corpus]:
    """Yield what session notes say, through a repository that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="patina-notes-") as away:
        place = Path(away) / "notes"
        shutil.copytree(
            folder, place / "layer/sessions", ignore=lambda at, names: [
                n for n in names if not n.endswith(".md") or n == "README.md"
            ],
        )  # fmt: skip
        who = {"GIT_AUTHOR_NAME": "n", "GIT_AUTHOR_EMAIL": "n@example.org"}
        who |= {key.replace("AUTHOR", "COMMITTER"): value for key, value in who.items()}
        dates = dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), "2000-01-01T00:00:00Z")
        env = {**os.environ, **who, **dates, "GIT_CONFIG_GLOBAL": os.devnull}
        for told in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-qm", "Notes"]):
            subprocess.run(["git", "-C", str(place), *told], check=True, env=env)
        yield of_project(name, place)


def of_commits(name: str, place: Path, most: int) -> Corpus:
    """Return the subjects of a repository's commits, without merges, as observations."""
    read = reading(commit_rows(place, most))
    return Corpus(name, read, home(), public=True)


def commit_rows(place: Path, most: int) -> list[tuple[Any, ...]]:
    """Return the newest commits as rows of `patina_lab.beliefs.observed.of_rows`."""
    told = ["log", "--no-merges", f"-{most}", "--format=%H%x09%at%x09%aN%x09%s"]
    run = subprocess.run(["git", "-C", str(place), *told], check=True, capture_output=True)
    rows = []
    for line in run.stdout.decode("utf-8", "replace").splitlines():
        sha, at, author, subject = line.split("\t", 3)
        said = {"content": subject, "observation_type": "commit", "source_type": "commit"}
        rows.append(
            (OWN, sha, "observation_captured", sha, author, int(at) * 10**6, json.dumps(said))
        )
    return rows


def labelled_rows() -> list[tuple[Any, ...]]:
    """Return the labelled observations; what contradicts what is not told."""
    rows = []
    for one in datasets.observations().to_dict("records"):
        said = {"content": one["text"], "source_id": one["session"], "domains": one["domains"]}
        us = one["at"].value // 1000
        rows.append((one["project"], one["id"], "observation_captured", one["id"],
                     one["author"], us, json.dumps(said)))  # fmt: skip
    return rows


def reading(rows: Sequence[tuple[Any, ...]]) -> Reader:
    """Return a reader over rows."""

    def read(until_us: int | None) -> Observed:
        return of_rows(rows, "", until_us)

    return read


def home() -> Path:
    """Return the user's folder: vectors are kept there, for the next run."""
    from patina_lab.project import places

    return places.home()


# -- judging -----------------------------------------------------------------------------


def judge(corpus: Corpus, *, window: str, draws: int, texts: bool) -> dict[str, Any]:
    """Judge the default rules on a corpus."""
    whole = corpus.belief_pipeline("v2")
    seen = whole.observed().observations
    made = {name: whole.other(rules=name).form() for name in ("v0", "v1", "v2")}
    cuts = []
    for split in SPLITS:
        print(f"{corpus.name}: before and after {split:g}", file=sys.stderr, flush=True)
        about: dict[str, Any] = {"split": split, "window": window, "draws": draws}
        try:
            own = evaluate_beliefs(corpus, "v2", "v0", **about).json()
            bare = evaluate_beliefs(corpus, *map(bared, ("v2", "v0")), **about).json()
            against = compare_rules(corpus, "v0", "v2", **about).json()
        except PatinaError as error:
            cuts.append({"split": split, "failed": str(error)})
            continue
        kept = ("verdict", "holdout", "judged", "differences", "mcnemar")
        cuts.append(
            {"split": split, "own": own, "bare": bare, "ab": {key: against[key] for key in kept}}
        )
    return {
        "name": corpus.name,
        "observations": len(seen),
        "texts": len(whole.vectors().texts),
        "sources": len({one.source for one in seen}),
        "from": day(seen[0].occurred_us) if seen else "",
        "to": day(seen[-1].occurred_us) if seen else "",
        "clusters": len(whole.ground().clusters.clusters),
        "beliefs": {name: len(beliefs) for name, beliefs in made.items()},
        "top": {name: top(made[name], texts or not corpus.public) for name in ("v2", "v0")},
        "cuts": cuts,
    }


def bared(name: str) -> RuleSet:
    """Return a rule set without its thresholds."""
    return replace(load(name, **BARE[name]), name=f"{name}, every cluster")


def top(beliefs: Beliefs, texts: bool) -> list[dict[str, Any]]:
    """Return the firmest, and how much of their evidence is boilerplate by its form."""
    templates = beliefs.ground.boilerplate
    of_event, diversity = beliefs.ground.by_event, beliefs.ground.diversity
    rows = []
    for belief in beliefs[:TOP]:
        forms = [of_event[event].text_id in templates for event in belief.evidence]
        row: dict[str, Any] = {
            "id": belief.id[:12],
            "confidence": round(belief.confidence, 3),
            "evidence": len(belief.evidence),
            "sources": belief.sources,
            "boilerplate": sum(forms),
            "diversity": diversity[belief.candidate.cluster],
        }
        if texts:
            row["belief"] = " ".join(belief.content.split())[:120]
        rows.append(row)
    return rows


def contradictions() -> list[dict[str, Any]]:
    """Return how often a labelled contradiction counts as support for what it contradicts.

    Once with the clusters that are found, and once with the labelled groups as the clusters:
    there each contradiction lies beside what it contradicts, and only words tell them apart.
    """
    table = datasets.observations().set_index("id")
    claims = table[table["label"] == "claim"]
    side = {row.Index: (row.group, row.stance) for row in claims.itertuples()}
    corpus = Corpus("labelled observations", reading(labelled_rows()), home())
    rows = []
    for scope in ("project", "persona"):
        for rules in ("v2", "v1", "v0"):
            found = corpus.belief_pipeline(rules, scope=scope).form()
            rows.append({"clusters": "found", "scope": scope, **_counted(found, side)})
    for rules in ("v2", "v0"):
        made = corpus.belief_pipeline(bared(rules), scope="persona")
        ground = grouped(made.ground(), {name: group for name, (group, _) in side.items()})
        found = Beliefs(ground, made.engine.form(ground.facts, made.rules), made.choice, made)
        rows.append({"clusters": "labelled", "scope": "persona", **_counted(found, side)})
    return rows


def grouped(ground: Ground, group_of: Mapping[str, str]) -> Ground:
    """Return the ground with these groups for clusters; what has no group is alone."""
    text_of = {name: ground.by_event[name].text_id for name in group_of}
    clusters = []
    for group in sorted({*group_of.values()}):
        members = tuple(sorted(name for name, of in group_of.items() if of == group))
        near = {
            name: ground.vectors.cosines(text_of[name], [text_of[m] for m in members])
            for name in members
        }
        n, total = len(members), math.fsum(math.fsum(row) for row in near.values())
        sides = Counter(ground.by_event[name].polarity for name in members)
        distinct = [
            len({of(ground.by_event[name]) for name in members})
            for of in (
                lambda one: one.text_id,
                lambda one: one.author,
                lambda one: one.session,
                lambda one: one.project,
            )
        ]
        clusters.append(Cluster(
            group, members, max(members, key=lambda name: (math.fsum(near[name]), name)),
            (total - n) / (n * (n - 1)), 1.0, *distinct, sides[1], sides[-1],
        ))  # fmt: skip
    return replace(ground, clusters=replace(ground.clusters, clusters=tuple(clusters)))


def _counted(found: Beliefs, side: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    """Count the notes against a claim that support a belief in it, or oppose one."""
    denied = {name for name, (_, stance) in side.items() if stance == "against"}
    support: set[str] = set()
    opposed: set[str] = set()
    for belief in found:
        told = [side[event] for event in belief.evidence if event in side]
        if not told:
            continue
        group, stance = max(sorted(Counter(told).items()), key=lambda item: item[1])[0]
        if stance != "for":
            continue
        theirs = {name for name in denied if side[name][0] == group}
        support |= theirs.intersection(belief.evidence)
        opposed |= theirs.intersection(belief.against)
    reached = support | opposed
    return {
        "rules": found.rules.name,
        "beliefs": len(found),
        "contradictions": len(denied),
        "reached": len(reached),
        "as_support": len(support),
        "not_as_support": vars(share(len(denied) - len(support), len(denied), LEVEL)),
        "not_as_support_of_reached": _jsonable(
            vars(share(len(reached) - len(support), len(reached), LEVEL))
        ),
    }


def _jsonable(numbers: dict[str, Any]) -> dict[str, Any]:
    return {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in numbers.items()}


# -- what it costs -----------------------------------------------------------------------


def cost(name: str, place: Path, observations: int, rounds: int) -> dict[str, Any]:
    """Measure a process that forms beliefs and compares two rule sets; vectors are there."""
    with tempfile.TemporaryDirectory(prefix="patina-cost-") as away:
        given = Path(away) / "rows.json"
        given.write_text(json.dumps(commit_rows(place, observations)))
        corpus = Corpus(name, reading(commit_rows(place, observations)), home())
        corpus.belief_pipeline().vectors()
        told = []
        for number in range(rounds):
            print(f"cost: round {number + 1} of {rounds}", file=sys.stderr, flush=True)
            run = subprocess.run(
                [sys.executable, __file__, "--measure", str(given)],
                check=True, capture_output=True, text=True,
            )  # fmt: skip
            told.append(json.loads(run.stdout.splitlines()[-1]))
    return {"name": name, "rounds": told}


def measure(given: Path) -> dict[str, Any]:
    """Form beliefs and compare two rule sets in this process; return what that took."""
    started = time.perf_counter()
    rows = [tuple(row) for row in json.loads(given.read_text())]
    with SwiplEngine() as engine:
        corpus = Corpus("", reading(rows), home())
        made = corpus.belief_pipeline("v2", engine=engine)
        beliefs = made.form()
        formed = time.perf_counter()
        compared = compare_rules(corpus, "v0", "v2", engine=engine)
        repr(compared)
        ended = time.perf_counter()
        assert engine.pid is not None
        theirs = _peak_of(engine.pid)
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {
        "observations": len(beliefs.observed),
        "texts": len(made.vectors().texts),
        "clusters": len(beliefs.ground.clusters.clusters),
        "beliefs": len(beliefs),
        "form_seconds": formed - started,
        "ab_seconds": ended - formed,
        "seconds": ended - started,
        "cpu_seconds": sum(one.ru_utime + one.ru_stime for one in used),
        "memory_gb": (used[0].ru_maxrss * 1024 + theirs) / 1e9,
        "of_it_prolog_gb": theirs / 1e9,
        "load": os.getloadavg()[0],
        "verdict": compared.verdict,
    }


def _peak_of(pid: int) -> int:
    """Return the most memory a process had, in bytes; 0 where nobody says."""
    try:
        told = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    (line,) = [line for line in told.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


# -- saying it ---------------------------------------------------------------------------


def machine() -> dict[str, str]:
    """Return what the figures depend on besides the code."""
    swipl = shutil.which("swipl") or "swipl"
    said = subprocess.run([swipl, "--version"], capture_output=True, text=True, check=True).stdout
    names = ("duckdb", "numpy", "onnxruntime", "scipy")
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processors": str(os.cpu_count()),
        "Python": platform.python_version(),
        "SWI-Prolog": said.split()[2],
        **{name: importlib.metadata.version(name) for name in names},
    }


def markdown(whole: dict[str, Any]) -> str:
    """Write the results as a page."""
    lines = ["# Do beliefs predict?", "", f"`{whole['command']}`", ""]
    lines += [", ".join(f"{name} {value}" for name, value in whole["machine"].items()) + "."]
    lines += [
        f"Intervals of {100 * LEVEL:g} %: bootstrap over claims ({whole['draws']:,} draws), "
        "Wilson for shares. What the words mean: README.md beside this folder."
    ]
    for result in whole["corpora"]:
        lines += _corpus(result)
    if whole["contradictions"]:
        lines += _contradicted(whole["contradictions"])
    if whole["cost"]:
        lines += _cost(whole["cost"])
    return "\n".join([*lines, ""])


def _corpus(result: dict[str, Any]) -> list[str]:
    number = ", ".join(f"{name} {n:,}" for name, n in result["beliefs"].items())
    lines = [
        "", f"## {result['name']}", "",
        f"{result['observations']:,} observations ({result['texts']:,} texts, "
        f"{result['sources']:,} sources) from {result['from']} to {result['to']}, "
        f"{result['clusters']:,} clusters. Beliefs of the whole: {number}.",
    ]  # fmt: skip
    for cut in result["cuts"]:
        if "failed" in cut:
            lines += ["", f"Split {cut['split']:g}: not judged. {cut['failed']}"]
            continue
        own, bare = cut["own"], cut["bare"]
        end = "" if own["whole_window"] else " (the log ends before it does)"
        lines += [
            "",
            f"### Before {own['cut']}, judged by the {own['window_days']:g} days after it{end}",
            "",
            f"{own['verdict']}",
            "",
            f"A/B: {cut['ab']['verdict']}",
        ]
        lines += _table(own, own["claims"], "what it holds")
        lines += _table(bare, bare["claims"], "a claim of every cluster, thresholds taken away")
    for name, rows in result["top"].items():
        listed = sum(row["boilerplate"] > 0 for row in rows)
        lines += ["", f"### The first {len(rows)} of {name}", ""]
        lines += [f"With boilerplate by its form among their evidence: {listed}."]
        if rows and "belief" in rows[0]:
            lines += ["", "| confidence | evidence | sources | belief |", "|---|---|---|---|"]
            lines += [
                f"| {r['confidence']:.2f} | {r['evidence']} | {r['sources']} | "
                f"{r['belief'].replace('|', '/')} |"
                for r in rows
            ]
    return lines


def _table(told: dict[str, Any], claims: dict[str, Any], title: str) -> list[str]:
    lines = ["", f"Judged on {title}:", ""]
    lines += [
        "| whose claims | came again | method | Brier | ECE | AUC |",
        "|---|---|---|---|---|---|",
    ]
    rows: dict[tuple[str, str], dict[str, Estimate]] = {}
    for r in told["table"]:
        numbers = [math.nan if r[key] is None else r[key] for key in ("value", "low", "high")]
        rows.setdefault((r["on"], r["method"]), {})[r["measure"]] = Estimate(*numbers, r["n"])
    for (on, method), found in rows.items():
        of = claims[on]
        cells = " | ".join(_said(found[measure]) for measure in ("brier", "ece", "auc"))
        whose = "those of both" if on == "all" else on
        lines.append(f"| {whose} | {of['came_again']} of {of['judged']} | {method} | {cells} |")
    return lines


def _said(found: Estimate) -> str:
    if math.isnan(found.value):
        return "-"
    return f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})"


def _contradicted(rows: list[dict[str, Any]]) -> list[str]:
    lines = [
        "", "## Labelled contradictions", "",
        f"{rows[0]['contradictions']} notes speak against a claim (datasets/observations): "
        "how many are not among the support of a belief in it. *Reached*: those that bear on "
        "such a belief at all, on either side. *Labelled* clusters: the labelled groups in place "
        "of what clustering finds, without thresholds, so that each contradiction lies beside "
        f"what it contradicts. Target: {100 * TARGET:g} % not as support.",
        "",
        "| clusters | scope | rules | beliefs | reached | as support | not as support "
        "| of those reached | |",
        "|---|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for r in rows:
        of = r["not_as_support_of_reached"]
        reached = "-" if of["value"] is None else _said(Estimate(**of))
        met = "met" if r["not_as_support"]["value"] >= TARGET else "**missed**"
        lines.append(
            f"| {r['clusters']} | {r['scope']} | {r['rules']} | {r['beliefs']} | {r['reached']} "
            f"| {r['as_support']} | {_said(Estimate(**r['not_as_support']))} | {reached} | {met} |"
        )
    return lines


def _cost(told: dict[str, Any]) -> list[str]:
    rounds = told["rounds"]
    first = rounds[0]
    lines = [
        "", "## What it costs", "",
        f"{first['observations']:,} commit subjects of {told['name']} ({first['texts']:,} texts), "
        "vectors cached, a process of its own: beliefs by v2, then an A/B of v0 and v2 with a "
        f"temporal hold-out. {first['clusters']:,} clusters, {first['beliefs']:,} beliefs. "
        f"Medians of {len(rounds)} rounds, in brackets the least and greatest. Other work on the "
        f"machine: a load of {min(r['load'] for r in rounds):.1f} to "
        f"{max(r['load'] for r in rounds):.1f} at the end of a round, this process included; where "
        "that is more than the processors, wall says more about the others.",
        "", "| figure | value | target | |", "|---|---|---|---|",
    ]  # fmt: skip
    for key, name, unit, target in (
        ("form_seconds", "observations to beliefs, wall", "s", None),
        ("ab_seconds", "A/B of two rule sets, wall", "s", None),
        ("seconds", "both, wall", "s", 60.0),
        ("cpu_seconds", "both, CPU, with Prolog", "s", 60.0),
        ("memory_gb", "most memory, Python and Prolog", "GB", 2.5),
    ):
        values = sorted(one[key] for one in rounds)
        middle = values[len(values) // 2]
        met = "" if target is None else "met" if middle <= target else "**missed**"
        goal = "" if target is None else f"≤ {target:g} {unit}"
        spread = f"({values[0]:.2f} to {values[-1]:.2f})"
        lines.append(f"| {name} | {middle:.2f} {unit} {spread} | {goal} | {met} |")
    return lines


def named(given: str) -> tuple[str, Path]:
    """Read ``NAME=PATH``, or a path whose last part is the name."""
    name, _, place = given.rpartition("=")
    return name or Path(place).resolve().name, Path(place)


def main(argv: Sequence[str] | None = None) -> int:
    """Judge what is asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("projects", nargs="*", type=named, metavar="[NAME=]PATH",
                        help="repositories with session notes or event files")  # fmt: skip
    parser.add_argument("--notes", nargs="+", type=named, default=[], metavar="[NAME=]FOLDER",
                        help="folders of session notes")  # fmt: skip
    parser.add_argument("--commits", nargs="+", type=named, default=[], metavar="[NAME=]PATH",
                        help="repositories whose commits are the observations")  # fmt: skip
    parser.add_argument("--most", type=int, default=4000, help="commits (%(default)s)")
    parser.add_argument("--window", default="45d")
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--labels", action="store_true", help="judge labelled contradictions")
    parser.add_argument("--cost", type=named, metavar="[NAME=]PATH", help="measure on its commits")
    parser.add_argument("--observations", type=int, default=10_000, help="of --cost")
    parser.add_argument("--rounds", type=int, default=3, help="of --cost")
    parser.add_argument("--texts", action="store_true", help="list other people's texts, too")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every number there")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="instead of standard output")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args(argv)
    if asked.measure:
        print(json.dumps(measure(asked.measure)))
        return 0
    about = {"window": asked.window, "draws": asked.draws, "texts": asked.texts}
    corpora = [judge(of_project(*given), **about) for given in asked.projects]
    for given in asked.notes:
        corpora += [judge(corpus, **about) for corpus in of_notes(*given)]
    corpora += [judge(of_commits(*given, asked.most), **about) for given in asked.commits]
    whole = {
        "command": _command(asked),
        "machine": machine(),
        "draws": asked.draws,
        "corpora": corpora,
        "contradictions": contradictions() if asked.labels else [],
        "cost": cost(*asked.cost, asked.observations, asked.rounds) if asked.cost else None,
    }
    page = markdown(whole)
    if asked.markdown:
        asked.markdown.write_text(page)
    else:
        print(page)
    if asked.json:
        asked.json.write_text(json.dumps(whole, indent=1, allow_nan=False) + "\n")
    return 0


def _command(asked: argparse.Namespace) -> str:
    """Return the command with names in place of paths."""
    said = ["python benchmarks/beliefs.py", *(f"'{name}'" for name, _ in asked.projects)]
    for option, given in (("--notes", asked.notes), ("--commits", asked.commits)):
        if given:
            said += [option, *(f"'{name}'" if " " in name else name for name, _ in given)]
    said += [f"--most {asked.most}"] if asked.commits else []
    said += ["--labels"] if asked.labels else []
    if asked.cost:
        said += [f"--cost {asked.cost[0]} --observations {asked.observations}"]
        said += [f"--rounds {asked.rounds}"]
    return " ".join([*said, f"--window {asked.window} --draws {asked.draws}"])


if __name__ == "__main__":
    sys.exit(main())
