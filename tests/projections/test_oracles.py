"""Every projection against a plain reading of the same events: sets, Counters, loops.

The oracles read the log and its `touches` row by row and know nothing of SQL.  They are run
on the teaching project, and on histories that Hypothesis makes.
"""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from notation import build_repo

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
    lab.scrape(progress=False)
    return lab


def touched(lab: pt.Lab) -> pd.DataFrame:
    return lab.rel("touches").df()


def pairs_of(table: pd.DataFrame, a: str, b: str) -> set[tuple]:
    return set(table[[a, b]].itertuples(index=False, name=None))


def check_co_changes(lab: pt.Lab, cap: int | None, least: int) -> None:
    sets: dict[int, set[str]] = defaultdict(set)
    for seq, path, files in touched(lab)[["seq", "path", "files"]].itertuples(index=False):
        if cap is None or files <= cap:
            sets[seq].add(path)
    together: Counter[tuple[str, str]] = Counter()
    single: Counter[str] = Counter()
    for files in sets.values():
        single.update(files)
        together.update(combinations(sorted(files), 2))
    expected = {pair: n for pair, n in together.items() if n >= least}
    table = lab.project("co_changes", max_files=cap, min_count=least)
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
    for row in lab.project("truck_factor").itertuples():
        held = sorted(files[row.file_path].values(), reverse=True)
        fewest = next(n for n in range(1, len(held) + 1) if 2 * sum(held[:n]) > sum(held))
        assert (fewest, len(held)) == (row.truck_factor, row.authors)


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
    decided = dict(lab.rel("decisions").df()[["seq", "occurred_us"]].itertuples(index=False))
    commits = dict(lab.rel("commits").df()[["seq", "occurred_us"]].itertuples(index=False))
    around = {
        (d, c)
        for d, at in decided.items()
        for c, us in commits.items()
        if at - 7 * DAY <= us <= at + 14 * DAY
    }
    table = lab.project("causality", days_before=7)
    assert around == pairs_of(table, "decision_seq", "commit_seq")
    after = {(d, c) for d, c in around if commits[c] > decided[d]}
    assert after == pairs_of(lab.project("causality"), "decision_seq", "commit_seq")


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
    "expertise": check_expertise,
    "collaboration": check_collaboration,
    "hotspots": check_hotspots,
    "causality": check_causality,
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


LINES = st.lists(
    st.tuples(
        st.sampled_from(["ann", "bob", "cyd"]),
        st.sets(st.sampled_from(["a.py", "b.py", "c/d.py", "c/e.md", "f.txt"]), min_size=1),
        st.integers(1, 28),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(LINES)
def test_projections_equal_their_oracles_on_any_history(
    tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[str, set[str], int]]
) -> None:
    """Hypothesis makes the commits; dates run in any order."""
    base = tmp_path_factory.mktemp("made")
    text = "\n".join(
        f"2025-03-{day:02} git.commit {who} {' '.join(sorted(files))}" for who, files, day in lines
    )
    build_repo(text, base / "repo")
    lab = pt.open(base / "repo", home=base / "home")
    lab.scrape(progress=False)
    for name in ("co_changes", "co_changes, no cap", "expertise", "collaboration", "hotspots"):
        CHECKS[name](lab)


def test_the_oracle_can_say_no(lab: pt.Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Known-bad control: one commit too many in every pair is found out."""

    @pt.projection(name="co_changes")
    def broken(touches, *, max_files=50, min_count=2):
        right = pt.co_changes(touches, max_files=max_files, min_count=min_count)
        return right.query("SELECT * REPLACE (count + 1 AS count) FROM this")

    monkeypatch.setattr(registry, "find", lambda name: broken)
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


class TestCausalityNull:
    def test_the_same_seed_gives_the_same_table(self, lab: pt.Lab) -> None:
        one = lab.project("causality_null", shifts=99)
        pd.testing.assert_frame_equal(one, lab.project("causality_null", shifts=99))
        assert {"commits", "related"} == set(one["statistic"])

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

    def test_lags_are_counted_bin_by_bin_and_add_up(self, lab: pt.Lab) -> None:
        """Against two plain loops; over all bins they are what `causality_null` observed."""
        decided = lab.rel("decisions").df()["occurred_us"].tolist()
        commits = lab.rel("commits").df()["occurred_us"].tolist()
        judged = [d for d in decided if min(commits) <= d <= max(commits) - 10 * DAY]
        table = lab.project("causality_lags", days_after=10, bins=4, shifts=99)
        for row in table.itertuples():
            within = [
                c - d
                for d in judged
                for c in commits
                if row.lag_from * DAY < c - d <= row.lag_to * DAY
            ]
            assert row.observed == pytest.approx(len(within) / len(judged))
            assert row.null_low <= row.null_mean <= row.null_high
        whole = lab.project("causality_null", days_after=10, shifts=99).set_index("statistic")
        assert table["observed"].sum() == pytest.approx(whole.loc["commits", "observed"])
        assert table["null_mean"].sum() == pytest.approx(whole.loc["commits", "null_mean"])
        assert set(table["decisions"]) == {len(judged)}

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
        assert pt.co_changes.params == {"max_files": 50, "min_count": 2}
        assert json.dumps({p.name: p.params for p in registry.every()})
