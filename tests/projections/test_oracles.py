"""Every projection against a plain reading of the same events: sets, Counters, loops.

The oracles read the log and its `touches` row by row and know nothing of SQL.  They are run
on the teaching project, and on histories that Hypothesis makes.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from notation import build_repo
from test_code_projections import check_function_hotspots, check_import_coupling

import patina_lab as pt
from patina_lab.datasets import teaching
from patina_lab.errors import CheckFailed, InvalidOption, UnknownName, UsageError
from patina_lab.projections import registry
from patina_lab.projections.evaluation import evaluate
from patina_lab.projections.terms import words

DAY = 86_400_000_000


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> pt.Lab:
    base = tmp_path_factory.mktemp("oracles")
    lab = pt.open(teaching(base / "seedpost"), home=base / "home")
    lab.scrape(code=True, progress=False)
    return lab


@pytest.fixture(scope="module")
def real(lab: pt.Lab, tmp_path_factory: pytest.TempPathFactory) -> pt.Lab:
    """Return the lab of the clone that the tests stand in, or of the teaching project."""
    try:
        here = pt.open(Path(__file__).parent, home=tmp_path_factory.mktemp("real"))
    except UsageError:
        return lab
    here.scrape(code=["patina_lab/*"], progress=False)
    return here if len(here.log.where("git.commit")) > 20 else lab


def touched(lab: pt.Lab) -> pd.DataFrame:
    return lab.rel("touches").df()


def pairs_of(table: pd.DataFrame, a: str, b: str) -> set[tuple]:
    return set(table[[a, b]].itertuples(index=False, name=None))


def check_co_changes(lab: pt.Lab, cap: int | None, least: int, by: str = "commit") -> None:
    sets: dict[object, set[str]] = defaultdict(set)
    for row in touched(lab).itertuples():
        day = row.occurred_us // DAY
        unit = {"commit": row.seq, "author_day": (row.author_email, day), "day": day}[by]
        if cap is None or row.files <= cap:
            sets[unit].add(row.path)
    together: Counter[tuple[str, str]] = Counter()
    single: Counter[str] = Counter()
    for files in sets.values():
        single.update(files)
        together.update(combinations(sorted(files), 2))
    expected = {pair: n for pair, n in together.items() if n >= least}
    table = lab.project("co_changes", max_files=cap, min_count=least, by=by)
    assert expected == dict(
        zip(zip(table["file_a"], table["file_b"], strict=True), table["count"], strict=True)
    )
    for row in table.to_dict("records"):
        a, b, n = single[row["file_a"]], single[row["file_b"]], row["count"]
        assert (a, b) == (row["commits_a"], row["commits_b"])
        assert pytest.approx(n / (a + b - n)) == row["jaccard"]
        assert pytest.approx((n / a, n / b)) == (row["confidence_a"], row["confidence_b"])
        assert pytest.approx(n * len(sets) / (a * b)) == row["lift"]


def check_expertise(lab: pt.Lab) -> None:
    seqs: dict[tuple[str, str], set[int]] = defaultdict(set)
    lines: dict[tuple[str, str], list[int]] = defaultdict(list)
    last: Counter[tuple[str, str]] = Counter()
    for row in touched(lab).itertuples():
        key = (row.author_email, row.path)
        seqs[key].add(row.seq)
        last[key] = max(last[key], row.occurred_us)
        if not pd.isna(row.lines_added):
            lines[key].append(int(row.lines_added))
    files: dict[str, Counter[str]] = defaultdict(Counter)
    for (email, path), made in seqs.items():
        files[path][email] = len(made)
    table = lab.project("author_expertise")
    assert set(seqs) == pairs_of(table, "author_email", "file_path")
    for row in table.itertuples():
        key = (row.author_email, row.file_path)
        assert (len(seqs[key]), last[key]) == (row.commit_count, row.last_commit_us)
        added = None if pd.isna(row.lines_added) else row.lines_added
        assert (sum(lines[key]) if lines[key] else None) == added
        assert pytest.approx(len(seqs[key]) / files[row.file_path].total()) == row.share


def check_truck_factor(lab: pt.Lab) -> None:
    made: dict[str, Counter[str]] = defaultdict(Counter)
    for path, email, _ in set(
        touched(lab)[["path", "author_email", "seq"]].itertuples(index=False)
    ):
        made[path][email] += 1
    table = lab.project("truck_factor")
    assert set(made) == set(table["file_path"])
    for row in table.itertuples():
        held = sorted(made[row.file_path].values(), reverse=True)
        fewest = next(n for n in range(1, len(held) + 1) if 2 * sum(held[:n]) > sum(held))
        counted = (fewest, len(held), sum(held))
        assert counted == (row.truck_factor, row.authors, row.commits)
        assert pytest.approx(held[0] / sum(held)) == row.main_share


def check_activity(lab: pt.Lab) -> None:
    events = lab.log.df()
    expected = Counter(
        (us // DAY, kind) for us, kind in events[["occurred_us", "event_type"]].values
    )
    table = lab.project("activity")
    days = [int(day.timestamp()) * 1_000_000 // DAY for day in table["day"]]
    got = zip(zip(days, table["event_type"], strict=True), table["events"], strict=True)
    assert dict(expected) == dict(got)


def beginning(us: int, period: str) -> datetime:
    """Return when the period of an instant begins."""
    at = datetime.fromtimestamp(us // 1_000_000, UTC).replace(hour=0, minute=0, second=0)
    if period == "week":
        return at - timedelta(days=at.weekday())
    month = {"month": at.month, "quarter": (at.month - 1) // 3 * 3 + 1, "year": 1}[period]
    return at.replace(month=month, day=1)


def check_churn(lab: pt.Lab) -> None:
    for period in ("week", "month", "quarter", "year"):
        groups: dict[datetime, list[Any]] = defaultdict(list)
        for row in touched(lab).itertuples():
            groups[beginning(row.occurred_us, period)].append(row)
        table = lab.project("churn", period=period)
        assert sorted(groups) == [row.to_pydatetime() for row in table["period"]]
        for row in table.itertuples():
            rows = groups[row.period.to_pydatetime()]
            assert len({r.seq for r in rows}) == row.commits
            assert len({r.path for r in rows}) == row.files
            assert len({r.author_email for r in rows}) == row.authors
            added = [r.lines_added for r in rows if not pd.isna(r.lines_added)]
            assert (sum(added) if added else None) == none_if_missing(row.lines_added)


def none_if_missing(value: Any) -> Any:
    return None if pd.isna(value) else value


def check_ownership(lab: pt.Lab) -> None:
    counted: Counter[tuple[datetime, str]] = Counter()
    total: Counter[datetime] = Counter()
    for row in touched(lab).itertuples():
        period = beginning(row.occurred_us, "month")
        counted[period, row.author_email] += 1
        total[period] += 1
    table = lab.project("ownership")
    keys = zip((p.to_pydatetime() for p in table["period"]), table["author_email"], strict=True)
    assert dict(counted) == dict(zip(keys, table["touches"], strict=True))
    for row in table.itertuples():
        assert pytest.approx(row.touches / total[row.period.to_pydatetime()]) == row.share


def check_file_identity(lab: pt.Lab) -> None:
    """Follow each file by hand: a list of files, each with the names that it had, in order.

    Parents come before children; of those that could be next, the one that sorts first.
    """
    rows: dict[int, list[Any]] = defaultdict(list)
    for row in touched(lab).itertuples():
        rows[row.seq].append(row)
    links = lab.rel("commit_parents").df()
    left = set(rows) | set(links["seq"])
    parents = {
        seq: {int(p) for p in group["parent"].dropna()} & left
        for seq, group in links.groupby("seq")
    }
    files: list[dict[str, Any]] = []
    had: dict[str, dict[str, Any]] = {}

    def holder(path: str) -> dict[str, Any] | None:
        return next((file for file in files if path in file["now"]), None)

    while left:
        seq = min(n for n in left if not parents.get(n, set()) & left)
        left.remove(seq)
        before = {}
        for row in sorted(rows[seq], key=lambda r: (r.path, r.change)):
            name = row.old_path if row.change == "R" else row.path
            before[row] = holder(name) or had.get(name)  # perhaps given up on another branch
        for row in before:
            gone = {"R": row.old_path, "D": row.path}.get(row.change)
            if gone is not None and (file := holder(gone)):
                had[gone] = file
                file["now"].remove(gone)
                file["hidden"] = None
        for row, file in before.items():
            if row.change == "D":
                continue
            if file is None or row.change == "A":
                file = {"names": {}, "now": [], "hidden": None}
                files.append(file)
            other = holder(row.path)
            if other is not None and other is not file:
                other["hidden"] = row.path
                other["now"].remove(row.path)
            file["now"] = [*(name for name in file["now"] if name != row.path), row.path]
            file["names"].setdefault(row.path, []).append(seq)
    expected = {
        (n, path, min(seqs), max(seqs), len(seqs))
        for n, file in enumerate(files, 1)
        for path, seqs in file["names"].items()
    }
    table = lab.project("file_identity")
    columns = ["identity", "path", "since_seq", "until_seq", "commits"]
    assert expected == set(table[columns].itertuples(index=False, name=None))
    for row in table.itertuples():
        file = files[row.identity - 1]
        assert [*file["now"], file["hidden"]][len(file["now"]) - 1] == none_if_missing(row.current)


def check_collaboration(lab: pt.Lab) -> None:
    work: dict[str, Counter[str]] = defaultdict(Counter)
    rows = touched(lab)[["author_email", "path", "seq"]]
    for email, path, _ in set(rows.itertuples(index=False, name=None)):
        work[email][path] += 1
    expected = {}
    for a, b in combinations(sorted(work), 2):
        shared = work[a].keys() & work[b].keys()
        if shared:
            either = len(work[a].keys() | work[b].keys())
            weight = sum(min(work[a][p], work[b][p]) for p in shared)
            expected[a, b] = (len(shared), len(shared) / either, weight)
    table = lab.project("collaboration")
    assert set(expected) == pairs_of(table, "email_a", "email_b")
    for row in table.itertuples():
        got = (row.shared_files, row.jaccard, row.weight)
        assert pytest.approx(expected[row.email_a, row.email_b]) == got


def check_hotspots(lab: pt.Lab) -> None:
    rows = touched(lab)
    table = lab.project("hotspots").set_index("path")
    assert set(rows["path"]) == set(table.index)
    for path, group in rows.groupby("path"):
        counted = (group["seq"].nunique(), group["author_email"].nunique())
        assert counted == tuple(table.loc[path, ["commits", "authors"]])


def check_causality(lab: pt.Lab) -> None:
    decided = lab.rel("decisions").df()
    commits = lab.rel("commits").df().set_index("seq")
    at = dict(zip(decided["seq"], decided["occurred_us"], strict=True))
    when = commits["occurred_us"].to_dict()
    around = {
        (d, c): (us - at[d]) / DAY
        for d in at
        for c, us in when.items()
        if at[d] - 7 * DAY <= us <= at[d] + 14 * DAY
    }
    table = lab.project("causality", days_before=7)
    rows = table.set_index(["decision_seq", "commit_seq"])
    assert around == pytest.approx(rows["lag_days"].to_dict())
    after = {(d, c) for d, c in around if when[c] > at[d]}
    assert after == pairs_of(lab.project("causality"), "decision_seq", "commit_seq")
    both = ["decision_seq", "commit_seq"]
    in_order = table.sort_values(["decision_seq", "lag_days", "commit_seq"])[both]
    assert in_order.values.tolist() == table[both].values.tolist()

    # What ties them: words, files, descent.
    files: dict[int, set[str]] = defaultdict(set)
    kept: dict[str, list[int]] = defaultdict(list)
    for row in touched(lab).itertuples():
        files[row.seq].add(row.path)
        if row.change != "D":
            kept[row.path].append(row.seq)
    said = {
        seq: set(words(commits.loc[seq, "message"]))
        | {w for path in files[seq] for part in re.split("[/_]", path) for w in words(part)}
        for seq in when
    }
    held = Counter(word for each in said.values() for word in each)
    parents: dict[int, set[int]] = defaultdict(set)
    for seq, parent in lab.rel("commit_parents").df()[["seq", "parent"]].dropna().values.tolist():
        parents[int(seq)].add(int(parent))
    beyond: dict[int, set[int]] = {}
    source = lab.log.df().set_index("seq")["source_file"].to_dict()
    content = dict(zip(decided["seq"], decided["content"], strict=True))
    for (d, c), row in rows.iterrows():
        text = content[d]
        rare = {w for w in set(words(text)) & said[c] if held[w] <= max(len(when) // 10, 5)}
        assert len(rare) == row["shared_terms"], (text, c)
        tokens = {t.rstrip(".-") for t in re.findall(r"[\w@+~-][\w./@+~-]*", text)}
        named = {
            path
            for path in files[c]
            if path in tokens
            or (path.split("/")[-1] in tokens and "." in path.split("/")[-1].strip("."))
        }
        assert len(named) == row["shared_files"], (text, c)
        since = [(when[s], s) for s in kept.get(source[d], ()) if s in when and when[s] >= at[d]]
        if not since:
            assert row["descends"] is None
            assert not row["recorded"]
            continue
        root = min(since)[1]
        assert (c == root) == row["recorded"]
        if c not in beyond:
            beyond[c] = ancestry(c, parents)
        assert (root in beyond[c]) == row["descends"]


def ancestry(commit: int, parents: dict[int, set[int]]) -> set[int]:
    """Return a commit and all that it descends from."""
    found, ahead = {commit}, [commit]
    while ahead:
        new = parents[ahead.pop()] - found
        found |= new
        ahead += new
    return found


def check_causality_null(lab: pt.Lab) -> None:
    """Compare the means with those by loops over the pairs that `check_causality` has checked."""
    table = lab.project("causality_null", days_before=1, days_after=3, shifts=19)
    when = sorted(lab.rel("commits").df()["occurred_us"])
    pairs = lab.project("causality", days_before=1, days_after=3)
    judged = {
        row.seq
        for row in lab.rel("decisions").df().itertuples()
        if when and when[0] + DAY <= row.occurred_us <= when[-1] - 3 * DAY
    }
    assert (3 if judged else 0) == len(table)
    # What recorded a decision repeats its words, and follows by construction.
    pairs = pairs[pairs["decision_seq"].isin(judged) & ~pairs["recorded"].astype(bool)]
    counted = {
        "commits": len(pairs),
        "related": int((pairs["shared_terms"] > 0).sum()),
        "files": int((pairs["shared_files"] > 0).sum()),
    }
    for row in table.itertuples():
        assert len(judged) == row.decisions
        # Every commit of the log may be related; whether it is common is judged over all.
        assert counted[row.statistic] / len(judged) == pytest.approx(row.observed)
        assert row.effect == pytest.approx(row.observed - row.null_mean)
        assert row.null_low <= row.null_mean <= row.null_high or row.null_low == row.null_high
        assert row.p * 20 == pytest.approx(round(row.p * 20))
        assert 1 / 20 <= row.p <= 1


def check_causality_lags(lab: pt.Lab) -> None:
    """Count the pairs of each bin; the sum over bins is what the null of all of them saw."""
    table = lab.project("causality_lags", days_after=3, bins=4, shifts=19)
    null = lab.project("causality_null", days_after=3, shifts=19).set_index("statistic")
    assert (4 if len(null) else 0) == len(table)
    if not len(null):
        return
    when = sorted(lab.rel("commits").df()["occurred_us"])
    judged = {
        row.seq
        for row in lab.rel("decisions").df().itertuples()
        if when[0] <= row.occurred_us <= when[-1] - 3 * DAY
    }
    pairs = lab.project("causality", days_after=3)
    pairs = pairs[pairs["decision_seq"].isin(judged) & ~pairs["recorded"].astype(bool)]
    for row in table.itertuples():
        inside = sum(row.lag_from < lag <= row.lag_to for lag in pairs["lag_days"])
        assert row.observed == pytest.approx(inside / len(judged))
    assert table["observed"].sum() == pytest.approx(null.loc["commits", "observed"])
    assert table["null_mean"].sum() == pytest.approx(null.loc["commits", "null_mean"])


def check_context(lab: pt.Lab) -> None:
    rows = lab.rel("commits").df()[["occurred_us", "seq", "message"]]
    commits = sorted(rows.itertuples(index=False, name=None))
    table = lab.project("decision_context", days=7)
    assert len(lab.rel("decisions").df()) == len(table)
    for row in table.itertuples():
        begin, end = row.occurred_us - 7 * DAY, row.occurred_us
        said = [message.split("\n")[0] for us, _, message in commits if begin <= us <= end]
        assert len(said) == row.commits
        assert (" ".join(said) or None) == (None if pd.isna(row.context) else row.context)


def check_terms(lab: pt.Lab) -> None:
    texts = lab.rel("decisions").df()[["seq", "content"]].itertuples(index=False)
    split = {seq: Counter(words(text)) for seq, text in texts}
    df = Counter(term for counts in split.values() for term in counts)
    table = lab.project("terms")
    for seq, group in table.groupby("decision_seq"):
        assert split[seq] == dict(zip(group["term"], group["count"], strict=True))
        assert math.isclose(sum(group["tfidf"] ** 2), 1.0)
        for row in group.itertuples():
            idf = math.log((1 + len(split)) / (1 + df[row.term])) + 1
            assert (df[row.term], pytest.approx(idf)) == (row.df, row.idf)


def check_sessions(lab: pt.Lab) -> None:
    events = lab.log.df()
    ends: Counter[str] = Counter()
    items = lab.rel("session_items").df()[["session_id", "occurred_us"]]
    for session, us in items.itertuples(index=False):
        ends[session] = max(ends[session], us)
    begun = events[events["event_type"] == "session.started"]
    commits = events[events["event_type"] == "git.commit"]
    expected = {
        (session, sha)
        for session, at in begun[["source_id", "occurred_us"]].itertuples(index=False)
        for sha, us in commits[["source_id", "occurred_us"]].itertuples(index=False)
        if at <= us <= max(ends[session], at) + DAY // 24
    }
    assert expected == pairs_of(lab.project("session_commits"), "session_id", "sha")


CHECKS: dict[str, Callable[[pt.Lab], None]] = {
    "co_changes": lambda lab: check_co_changes(lab, 50, 2),
    "co_changes, no cap": lambda lab: check_co_changes(lab, None, 1),
    "co_changes, small cap": lambda lab: check_co_changes(lab, 3, 1),
    "co_changes, by author and day": lambda lab: check_co_changes(lab, 50, 1, "author_day"),
    "co_changes, by day": lambda lab: check_co_changes(lab, None, 2, "day"),
    "author_expertise": check_expertise,
    "truck_factor": check_truck_factor,
    "activity": check_activity,
    "churn": check_churn,
    "ownership": check_ownership,
    "file_identity": check_file_identity,
    "function_hotspots": check_function_hotspots,
    "import_coupling": check_import_coupling,
    "collaboration": check_collaboration,
    "hotspots": check_hotspots,
    "causality": check_causality,
    "causality_null": check_causality_null,
    "causality_lags": check_causality_lags,
    "decision_context": check_context,
    "terms": check_terms,
    "session_commits": check_sessions,
}


@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.parametrize("moment", [None, "2025-03-15", "v0.1.0", "1999-01-01"])
def test_a_projection_equals_its_plain_oracle_on_every_slice(
    lab: pt.Lab, name: str, moment: str | None
) -> None:
    """Whole, back then by date, back then by tag, and empty."""
    CHECKS[name](lab if moment is None else lab.as_of(moment))


def test_every_registered_projection_has_an_oracle() -> None:
    """Of this package: what others add they check themselves."""
    assert {name.partition(",")[0] for name in CHECKS} == set(registry.BUILT_IN)


@pytest.mark.slow
@pytest.mark.parametrize("name", CHECKS)
def test_a_projection_equals_its_oracle_on_a_real_repository(real: pt.Lab, name: str) -> None:
    """The clone's own history, where it has one."""
    CHECKS[name](real)


LINES = st.lists(
    st.tuples(
        st.sampled_from(["ann", "bob", "cyd"]),
        st.sets(st.sampled_from(["a.py", "b.py", "c/d.py", "c/e.md", "f.txt"]), min_size=1),
        st.integers(1, 28),
        st.sampled_from(["", "", "Keep a.py small", "Never trust c/d.py, use f.txt", "a.py b"]),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(LINES)
def test_projections_equal_their_oracles_on_any_history(
    tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[str, set[str], int, str]]
) -> None:
    """Hypothesis makes the commits; dates run in any order."""
    base = tmp_path_factory.mktemp("made")
    text = "\n".join(
        f"2025-03-{day:02} git.commit {who} {' '.join(sorted(files))}"
        + (f'\n2025-03-{day:02}T07:00 decision_made {who} decision="{said}"' if said else "")
        for who, files, day, said in lines
    )
    build_repo(text, base / "repo")
    lab = pt.open(base / "repo", home=base / "home")
    lab.scrape(progress=False)
    for check in CHECKS.values():
        check(lab)


def test_the_oracle_can_say_no(lab: pt.Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Known-bad control: one commit too many in every pair is found out."""

    @pt.projection(name="co_changes")
    def broken(touches, *, max_files=50, min_count=2, by="commit"):
        right = pt.co_changes(touches, max_files=max_files, min_count=min_count)
        return right.query("SELECT * REPLACE (count + 1 AS count) FROM this")

    monkeypatch.setattr(registry, "find", lambda *_: broken)
    with pytest.raises(AssertionError):
        check_co_changes(lab, 50, 2)


class TestFileIdentity:
    def test_a_renamed_file_is_one_and_a_name_used_again_is_another(self, lab: pt.Lab) -> None:
        """`store.py` became `shelf.py`, then `inventory.py`; a new `store.py` came later."""
        table = lab.project("file_identity")
        held = table.groupby("path")["identity"].apply(set)
        assert held["seedpost/shelf.py"] == held["seedpost/inventory.py"]
        assert len(held["seedpost/store.py"]) == 2
        assert held["seedpost/shelf.py"] < held["seedpost/store.py"]

    def test_two_files_can_swap_their_names(self, tmp_path: Path) -> None:
        build_repo(
            """
2025-03-01 git.commit ann a.txt
    one
    two
    three
2025-03-02 git.commit ann b.txt
    uno
    dos
    tres
2025-03-03 git.commit ann a.txt>x.txt
2025-03-04 git.commit ann b.txt>a.txt
2025-03-05 git.commit ann x.txt>b.txt
""",
            tmp_path / "repo",
        )
        lab = pt.open(tmp_path / "repo", home=tmp_path / "home")
        lab.scrape(progress=False)
        groups = lab.project("file_identity").groupby("identity")
        assert {identity: list(group["path"]) for identity, group in groups} == {
            1: ["a.txt", "x.txt", "b.txt"],
            2: ["b.txt", "a.txt"],
        }
        assert {1: {"b.txt"}, 2: {"a.txt"}} == {i: set(g["current"]) for i, g in groups}

    def test_what_two_branches_do_to_one_file(self, tmp_path: Path) -> None:
        """Called differently, or deleted and changed: one file; the docstring said so."""
        build_repo(
            """
2025-03-01 git.commit ann a.txt
    one
    two
    three
2025-03-01 git.commit ann z.txt
    uno
2025-03-02 git.commit bob @side d.txt
2025-03-03 git.commit ann a.txt>b.txt
2025-03-04 git.commit ann -z.txt
2025-03-05 git.commit bob @side a.txt>c.txt
2025-03-06 git.commit bob @side z.txt
2025-03-07 git.commit ann b.txt
2025-03-08 git.merge ann side
""",
            tmp_path / "repo",
        )
        lab = pt.open(tmp_path / "repo", home=tmp_path / "home")
        lab.scrape(progress=False)
        check_file_identity(lab)
        groups = lab.project("file_identity").groupby("identity")
        assert {tuple(group["path"]): group["current"].iloc[0] for _, group in groups} == {
            ("a.txt", "b.txt", "c.txt"): "b.txt",  # the latest in the replay
            ("z.txt",): "z.txt",
            ("d.txt",): "d.txt",
        }


class TestCausalityNull:
    def test_the_same_seed_gives_the_same_table(self, lab: pt.Lab) -> None:
        one = lab.project("causality_null", shifts=99)
        pd.testing.assert_frame_equal(one, lab.project("causality_null", shifts=99))
        assert list(one["statistic"]) == ["commits", "related", "files"]

    def test_commits_that_ignore_decisions_show_no_effect(self, tmp_path: Path) -> None:
        """One commit a day, and decisions at whatever hour: p is not small."""
        days = [(m, d) for m in (1, 2, 3) for d in range(1, 29)]
        text = "\n".join(
            [f"2025-{m:02}-{d:02} git.commit ann f{d}.py" for m, d in days]
            + [f'2025-02-{d:02}T0{d % 9}:30 decision_made ann decision="go {d}"' for d in (3, 9)]
        )
        build_repo(text, tmp_path / "repo")
        lab = pt.open(tmp_path / "repo", home=tmp_path / "home")
        lab.scrape(progress=False)
        table = lab.project("causality_null", shifts=199).set_index("statistic")
        assert table.loc["commits", "p"] > 0.05

    def test_a_gathering_after_decisions_leaves_the_band(self, tmp_path: Path) -> None:
        """A commit two hours after each decision; the control has one every twelve hours.

        The decisions keep no rhythm: a shift by a whole period would be as good as none.
        """
        decided = {3, 17, 29, 56, 61, 92, 130, 148, 171, 190}
        for outside in (True, False):
            lines = []
            for day in range(224):
                stamp = f"2025-{1 + day // 28:02}-{1 + day % 28:02}"
                if day in decided:
                    lines.append(f'{stamp}T08:00 decision_made ann decision="go {day}"')
                hours = (2, 14) if not outside else (10,) if day in decided | {0, 223} else ()
                lines += [f"{stamp}T{hour:02}:30 git.commit ann f{day}.py" for hour in hours]
            name = "gathered" if outside else "spread"
            build_repo("\n".join(lines), tmp_path / name)
            lab = pt.open(tmp_path / name, home=tmp_path / "home")
            lab.scrape(progress=False)
            first = lab.project("causality_lags", days_after=4, bins=4, shifts=199).iloc[0]
            assert bool(first["observed"] > first["null_high"]) is outside

    def test_lags_refuse_what_divides_no_window(self, lab: pt.Lab) -> None:
        for wrong in ({"bins": 0}, {"shifts": 0}, {"days_after": 0}):
            with pytest.raises(InvalidOption):
                lab.project("causality_lags", **wrong)

    def test_without_decisions_the_table_is_empty_with_its_columns(self, lab: pt.Lab) -> None:
        table = lab.as_of("1999-01-01").project("causality_null")
        assert list(registry.find("causality_null").columns) == list(table.columns)
        assert len(table) == 0

    def test_a_window_that_is_none_is_refused(self, lab: pt.Lab) -> None:
        with pytest.raises(InvalidOption, match="no window"):
            lab.project("causality", days_after=0)


class TestEvaluate:
    def test_co_change_is_judged_beside_its_baselines(self, lab: pt.Lab) -> None:
        train, valid = lab.log.split("2025-04-01")
        table = evaluate(pt.co_changes, train, valid).set_index("method")
        assert {"co_changes", "popularity", "same folder", "chance"} == set(table.index)
        assert table.loc["co_changes", "mrr"] > table.loc["chance", "mrr"]
        assert (table["mrr_low"] <= table["mrr"]).all()
        assert (table["mrr"] <= table["mrr_high"]).all()

    def test_a_split_that_leaks_is_refused(self, lab: pt.Lab) -> None:
        _, valid = lab.log.split("2025-04-01")
        with pytest.raises(CheckFailed, match="asked what it has seen"):
            evaluate(pt.co_changes, lab.log, valid)

    def test_the_future_does_not_change_what_was_learned(self, lab: pt.Lab) -> None:
        """Law 4: the training table is that of the log as it was."""
        train, _ = lab.log.split("2025-04-01")
        early = lab.as_of("2025-03-31").project(pt.co_changes)
        pd.testing.assert_frame_equal(early, pt.co_changes(train).df(), check_flags=False)

    def test_what_gives_no_pairs_is_refused(self, lab: pt.Lab) -> None:
        train, valid = lab.log.split("2025-04-01")
        with pytest.raises(UsageError, match="no pairs of files"):
            evaluate(pt.hotspots, train, valid)
        with pytest.raises(UsageError, match="nothing can be asked"):
            evaluate(pt.co_changes, lab.log, lab.log.between("2099-01-01", None))


class TestRegistry:
    def test_every_projection_gives_the_columns_that_it_declares(self, lab: pt.Lab) -> None:
        for projection in registry.every():
            for where in (lab, lab.as_of("1999-01-01")):
                table = where.project(projection)
                assert list(projection.columns) == list(table.columns), projection.name
            assert projection.summary.endswith("."), projection.name

    def test_a_name_is_enough_and_a_wrong_one_gets_its_nearest(self, lab: pt.Lab) -> None:
        pd.testing.assert_frame_equal(lab.project("hotspots"), lab.project(pt.hotspots))
        with pytest.raises(UnknownName, match="Did you mean 'co_changes'"):
            lab.project("co_change")

    def test_a_projection_of_a_projection_is_one_query(self, lab: pt.Lab) -> None:
        rel = registry.find("truck_factor")(lab.log)
        assert rel.to_sql().count("author_expertise AS (") == 1
        assert list(registry.find("truck_factor").columns) == rel.columns

    def test_every_row_names_the_events_it_came_from(self, lab: pt.Lab) -> None:
        """Law 6: the seqs that a table has are seqs of the log."""
        known = set(lab.log.df()["seq"])
        for projection in registry.every():
            table = lab.project(projection)
            for column in [c for c in table.columns if c == "seq" or c.endswith("_seq")]:
                assert set(table[column].dropna()) <= known, (projection.name, column)

    def test_parameters_are_told_with_their_defaults(self) -> None:
        assert pt.co_changes.params == {"max_files": 50, "min_count": 2, "by": "commit"}
        assert json.dumps({p.name: p.params for p in registry.every()})
