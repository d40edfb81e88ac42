"""Which words do most projects write all the time?  Makes ``patina_lab/beliefs/common.txt``.

A word is common where at least `RATE` of the subjects of a project's newest commits have it, in
at least `SHARE` of the projects.  Words are taken as roots, each once a subject.  A project whose
beliefs are to be judged must not be among them.

    python benchmarks/common_words.py NAME=PATH ... --out patina_lab/beliefs/common.txt
"""

from __future__ import annotations

import argparse
import subprocess
import textwrap
from collections import Counter
from pathlib import Path

from patina_lab.beliefs.boilerplate import root, text_words

RATE = 0.002
SHARE = 1 / 3
MOST = 3_000


def roots(place: Path) -> tuple[int, Counter[str]]:
    """Return the number of subjects, and in how many of them each root stands."""
    told = ["git", "-C", str(place), "log", "--no-merges", f"-{MOST}", "--format=%s"]
    out = subprocess.run(told, check=True, capture_output=True).stdout
    subjects = out.decode("utf-8", "replace").splitlines()
    return len(subjects), Counter(w for s in subjects for w in {root(w) for w in text_words(s)})


def common(counted: list[tuple[int, Counter[str]]]) -> list[str]:
    """Return the roots that are common, sorted."""
    projects = Counter(word for n, counts in counted for word, k in counts.items() if k >= RATE * n)
    return sorted(word for word, k in projects.items() if k >= SHARE * len(counted))


def main() -> None:
    """Write the list."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("projects", nargs="+", metavar="NAME=PATH")
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    places = dict(sorted(one.split("=", 1) for one in asked.projects))
    found = common([roots(Path(place)) for place in places.values()])
    head = [
        "# Roots of words that most projects use all the time: patina_lab/beliefs/boilerplate.py.",
        f"# Made by benchmarks/common_words.py: in at least {RATE:.1%} of the subjects of at least",
        f"# a third of {len(places)} public projects (the newest {MOST:,} commits of each):",
        *textwrap.wrap(f"{', '.join(places)}.", 97, initial_indent="# ", subsequent_indent="# "),
    ]
    asked.out.write_text("\n".join([*head, *found, ""]), "utf-8")
    print(f"{len(found)} words of {len(places)} projects")


if __name__ == "__main__":
    main()
