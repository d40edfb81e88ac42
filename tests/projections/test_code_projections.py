"""function_hotspots and import_coupling, against plain Python over plain rows."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from itertools import combinations

import pytest
from history import NOON, Commit, history, temporary_home
from hypothesis import given
from hypothesis import strategies as st
from notation import Repo

import patina_lab as pt

Make = Callable[..., Repo]

HISTORY = """
    2025-03-01 git.commit ann a.py b.py c.py
        from a import one
    2025-03-02 git.commit ann a.py
        def one(x):
            return x if x else 0
    2025-03-03 git.commit bob b.py
        from c import two


        def two(x):
            for y in x:
                if y:
                    return y
    2025-03-04 git.commit ann x.py y.py a.py
        def one(x):
            return x if x else 0
    2025-03-05 git.commit ann x.py y.py a.py b.py
        from c import two


        def two(x):
            for y in x:
                if y:
                    return y


        def three(x):
            pass
"""


def scraped(repo: Repo) -> pt.Lab:
    """Return the lab of a repository, with code."""
    lab = pt.open(repo.path)
    lab.scrape(code=True, progress=False)
    return lab


def test_function_hotspots(make_repo: Make) -> None:
    """Commits of the file times branches of the function, strongest first."""
    lab = scraped(make_repo(HISTORY))
    table = lab.project(pt.function_hotspots)
    found = table[["path", "function", "complexity", "commits", "score"]].values.tolist()
    assert found == [
        ["b.py", "two", 3, 3, 9],
        ["a.py", "one", 2, 3, 6],
        ["b.py", "three", 1, 3, 3],
    ]
    assert list(table.columns) == list(pt.function_hotspots.columns)
    few = lab.project(pt.function_hotspots, min_complexity=2, min_commits=3)
    assert list(few["function"]) == ["two", "one"]


def test_function_hotspots_of_the_past(make_repo: Make) -> None:
    """A slice that ends before the code was written has none of its functions."""
    lab = scraped(make_repo(HISTORY)).as_of("2025-03-04")
    assert list(lab.project(pt.function_hotspots)["function"]) == []


def test_import_coupling(make_repo: Make) -> None:
    """Two files change together, x and y, and import nothing; b leads to a by c."""
    lab = scraped(make_repo(HISTORY))
    hidden = lab.project(pt.import_coupling, min_count=2)
    assert hidden[["file_a", "file_b", "count"]].values.tolist() == [
        ["x.py", "y.py", 2],
    ]
    every = lab.project(pt.import_coupling, min_count=1, hidden=False)
    ways = {(a, b): n for a, b, n in every[["file_a", "file_b", "imports"]].values.tolist()}
    assert ways["a.py", "b.py"] == 2
    assert ways["b.py", "c.py"] == 1
    near = lab.project(pt.import_coupling, min_count=1, hops=1, hidden=False)
    ways = {(a, b): n for a, b, n in near[["file_a", "file_b", "imports"]].values.tolist()}
    assert pt_is_missing(ways["a.py", "b.py"])


def pt_is_missing(value: object) -> bool:
    """Whether a nullable integer is missing."""
    import pandas as pd

    return bool(pd.isna(value))


def test_bad_hops_and_a_log_without_code(make_repo: Make) -> None:
    """A number out of range is refused; without code there is an empty table with its columns."""
    repo = make_repo(HISTORY)
    lab = pt.open(repo.path)
    lab.scrape(progress=False)
    with pytest.raises(pt.errors.InvalidOption, match="hops = 9 is not between 1 and 5"):
        lab.project(pt.import_coupling, hops=9)
    for projection in (pt.import_coupling, pt.function_hotspots):
        table = lab.project(projection)
        assert table.empty
        assert list(table.columns) == list(projection.columns)


NAMES = ("a", "b", "c", "d", "e")


def work() -> st.SearchStrategy[Commit]:
    """Return commits of five modules that import one another at will."""
    text = st.tuples(st.lists(st.sampled_from(NAMES), max_size=2), st.integers(0, 3)).map(
        lambda drawn: "".join(f"import {name}\n" for name in drawn[0]).encode()
        + b"def f(x):\n" + b"    x = x or 1\n" * drawn[1] + b"    return x\n"
    )  # fmt: skip
    change = st.tuples(st.sampled_from(NAMES).map(lambda n: f"{n}.py".encode()),
                       st.just("100644"), text)  # fmt: skip
    changes = st.lists(change, min_size=1, max_size=4, unique_by=lambda c: c[0]).map(tuple)
    return st.builds(Commit, changes=changes, at=st.integers(0, 99).map(lambda n: NOON + n))


def expected_coupling(lab: pt.Lab, hops: int) -> set[tuple[str, str, int, int | None]]:
    """Return (file_a, file_b, count, imports) by sets, a Counter and a breadth-first search."""
    files = lab.rel("touches").df().groupby("seq")["path"].agg(set)
    tree = set(lab.rel("code_files").df()["path"])
    counts = Counter(pair for each in files for pair in combinations(sorted(each), 2))
    edges = lab.rel("import_edges").df()
    there: dict[str, set[str]] = {path: set() for path in tree}
    for path, target in zip(edges["path"], edges["target"], strict=True):
        there[path].add(target)

    def way(start: str, end: str) -> int | None:
        seen, todo = {start}, deque([(start, 0)])
        while todo:
            here, n = todo.popleft()
            if here == end:
                return n
            if n < hops:
                todo.extend((t, n + 1) for t in there[here] - seen)
                seen |= there[here]
        return None

    found = set()
    for (a, b), count in counts.items():
        if {a, b} <= tree:
            ways = [n for n in (way(a, b), way(b, a)) if n is not None]
            found.add((a, b, count, min(ways, default=None)))
    return found


@pytest.mark.slow
@given(commits=st.lists(work(), min_size=1, max_size=6), hops=st.integers(1, 4))
def test_oracle(commits: list[Commit], hops: int) -> None:
    """Both projections equal sets, Counters and a breadth-first search on made-up histories."""
    with history(commits) as h, temporary_home() as home:
        lab = pt.open(h.repo.path, home=home)
        lab.scrape(code=True, progress=False)
        check_import_coupling(lab, hops)
        check_function_hotspots(lab)


def check_import_coupling(lab: pt.Lab, hops: int = 3) -> None:
    """Compare the pairs, their counts and the shortest ways, whether hidden or not."""
    expected = expected_coupling(lab, hops)
    choices = {"min_count": 1, "hops": hops, "max_files": None}
    for hidden in (False, True):
        table = lab.project(pt.import_coupling, hidden=hidden, **choices)
        rows = table[["file_a", "file_b", "count", "imports"]].values.tolist()
        assert {(a, b, n, None if pt_is_missing(w) else int(w)) for a, b, n, w in rows} == {
            row for row in expected if row[3] is None or not hidden
        }


def check_function_hotspots(lab: pt.Lab) -> None:
    """Compare commits, churn and score of every function in a file that was touched."""
    rows = lab.rel("touches").df()
    touched = Counter(rows.drop_duplicates(["seq", "path"])["path"])
    churn: Counter[str] = Counter()
    for path, added, removed in rows[["path", "lines_added", "lines_removed"]].dropna().values:
        churn[path] += int(added + removed)
    found = lab.project(pt.function_hotspots).itertuples()
    assert sorted(
        (f.seq, f.commits, f.score, 0 if pt_is_missing(f.churn) else f.churn) for f in found
    ) == sorted(
        (f.seq, touched[f.path], touched[f.path] * f.complexity, churn[f.path])
        for f in lab.rel("code_functions").df().itertuples()
        if touched[f.path]
    )
