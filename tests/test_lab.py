"""What a notebook does with a lab, on the teaching project and on small repositories."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pandas as pd
import pytest

import patina_lab as pt
from patina_lab.datasets import teaching
from patina_lab.errors import (
    EmptyRepository,
    InvalidOption,
    NoLog,
    NotARepository,
    UnknownName,
    UnknownRevision,
    UnknownTime,
    UsageError,
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def lab(home: Path) -> pt.Lab:
    os.environ["PATINA_HOME"], before = str(home), os.environ.get("PATINA_HOME")
    try:
        lab = pt.open(teaching(), home=home)
    finally:
        if before is None:
            del os.environ["PATINA_HOME"]
        else:
            os.environ["PATINA_HOME"] = before
    lab.scrape(progress=False)
    return lab


def git(repo: Path, *args: str) -> str:
    return subprocess.run(
        ["git", "-C", str(repo), "-c", "user.name=Ann", "-c", "user.email=ann@x", *args],
        check=True, capture_output=True, text=True,
        env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
    ).stdout.strip()  # fmt: skip


@pytest.fixture
def small(tmp_path: Path) -> Path:
    repo = tmp_path / "small"
    repo.mkdir()
    git(repo, "init", "-q", "-b", "main")
    (repo / "a.py").write_text("one\n")
    git(repo, "add", ".")
    git(repo, "commit", "-qm", "first", "--date=2025-03-01T12:00:00Z")
    return repo


class TestOpening:
    def test_a_scrape_writes_nothing_into_the_repository(self, small: Path, tmp_path: Path) -> None:
        """Neither a file nor a ref nor the index changes; the log lies under the home."""

        def state() -> dict[str, bytes]:
            return {str(p): p.read_bytes() for p in sorted(small.rglob("*")) if p.is_file()}

        before = state()
        lab = pt.open(small, home=tmp_path / "home")
        lab.scrape(progress=False)
        repr(lab), lab.log.df(), lab.problems()
        assert before == state()
        assert list((tmp_path / "home" / "logs").iterdir())

    def test_without_a_log_the_next_step_is_named(self, small: Path, tmp_path: Path) -> None:
        lab = pt.open(small, home=tmp_path / "home")
        assert "run lab.scrape()" in repr(lab)
        with pytest.raises(NoLog, match=r"Make one: lab.scrape\(\)"):
            lab.log.df()

    def test_what_is_no_repository_is_said_in_one_sentence(self, tmp_path: Path) -> None:
        with pytest.raises(NotARepository, match="git init"):
            pt.open(tmp_path)
        with pytest.raises(NotARepository, match="does not exist"):
            pt.open(tmp_path / "nowhere")

    def test_an_empty_repository_has_nothing_to_scrape(self, tmp_path: Path) -> None:
        git(tmp_path, "init", "-q")
        lab = pt.open(tmp_path, home=tmp_path / "home")
        with pytest.raises(EmptyRepository, match="no commit yet"):
            lab.scrape(progress=False)

    def test_two_work_trees_have_two_logs(self, small: Path, tmp_path: Path) -> None:
        git(small, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
        (tmp_path / "side" / "b.py").write_text("two\n")
        git(tmp_path / "side", "add", ".")
        git(tmp_path / "side", "commit", "-qm", "second")
        one = pt.open(small, home=tmp_path / "home")
        two = pt.open(tmp_path / "side", home=tmp_path / "home")
        assert (
            one.scrape(progress=False).events,
            two.scrape(progress=False).events,
        ) == (1, 2)
        assert one.store.folder != two.store.folder


class TestScraping:
    def test_the_result_counts_what_the_log_holds(self, lab: pt.Lab) -> None:
        result = lab.scrape(progress=False)
        counted = dict(lab.log.by_type()[["event_type", "events"]].itertuples(index=False))
        assert counted == dict(result.by_type)
        assert sum(counted.values()) == result.events == len(lab.log)
        assert result.how == "unchanged"
        assert len(lab.problems()) == result.quarantined == 2

    def test_a_refresh_reads_only_what_is_new(self, small: Path, tmp_path: Path) -> None:
        lab = pt.open(small, home=tmp_path / "home")
        assert lab.scrape(progress=False).how == "full"
        (small / "b.py").write_text("two\n")
        git(small, "add", ".")
        git(small, "commit", "-qm", "second")
        assert lab.staleness() == "1 commit behind HEAD; run lab.scrape()"
        result = lab.scrape(progress=False)
        assert (result.how, result.added, result.removed) == ("incremental", 1, 0)
        assert lab.scrape(progress=False, rebuild=True).digest == result.digest

    def test_a_force_push_drops_what_is_gone(self, small: Path, tmp_path: Path) -> None:
        lab = pt.open(small, home=tmp_path / "home")
        lab.scrape(progress=False)
        git(small, "commit", "-q", "--amend", "-m", "first, better")
        result = lab.scrape(progress=False)
        assert (result.events, result.added, result.removed) == (1, 1, 1)
        assert lab.sql("SELECT message FROM commits")["message"].tolist() == ["first, better"]
        (notice,) = result.notices
        assert notice.startswith("1 commit of the last log is not in this history any more")

    def test_a_rebuild_counts_what_came_and_went_too(self, small: Path, tmp_path: Path) -> None:
        """It said that all had come and nothing gone."""
        lab = pt.open(small, home=tmp_path / "home")
        assert (first := lab.scrape(progress=False)).added == 1
        again = lab.scrape(rebuild=True, progress=False)
        assert (first.removed, again.how, again.added, again.removed) == (0, "full", 0, 0)
        other = lab.scrape(lines=False, progress=False)
        assert (other.how, other.added, other.removed) == ("full", 1, 1)

    @pytest.mark.parametrize(
        ("asked", "said"),
        [
            ({"lines": "no"}, "lines='no' is no answer."),
            ({"rebuild": 1}, "rebuild=1 is no answer."),
            ({"worktree": "yes"}, "worktree='yes' is no answer."),
            ({"jobs": "two"}, "jobs='two' is no number of processes."),
            ({"code": 5}, "code=5 is no pattern."),
            ({"code": [5]}, r"code=\[5\] is no pattern."),
            ({"merges": ["none"]}, r"merges=\['none'\] is no policy"),
        ],
        ids=str,
    )
    def test_what_is_no_option_is_refused(self, small: Path, tmp_path: Path, asked, said) -> None:
        lab = pt.open(small, home=tmp_path / "home")
        with pytest.raises(pt.errors.InvalidOption, match=said):
            lab.scrape(progress=False, **asked)
        assert lab.store.manifest() is None

    @pytest.mark.parametrize(
        ("at", "hint"), [("2025-03-15", "until='2025-03-15'"), (None, "Give a sha"), (5, "Give a")]
    )
    def test_what_is_no_commit_is_told_what_to_give(self, small, tmp_path, at, hint) -> None:
        """A date names no commit: what had happened by then is another question."""
        lab = pt.open(small, home=tmp_path / "home")
        with pytest.raises(pt.errors.UnknownRevision) as caught:
            lab.scrape(at=at, progress=False)
        assert hint in caught.value.hint

    @pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
    def test_a_home_that_nobody_can_make_is_said(self, small: Path) -> None:
        """There is no permission to ask for: the system says that there is no such folder."""
        lab = pt.open(small, home=Path("/proc/none/home"))
        with pytest.raises(pt.errors.StoreError, match=r"cannot be written: No such file"):
            lab.scrape(progress=False)

    def test_until_leaves_out_what_came_later(self, home: Path) -> None:
        lab = pt.open(teaching(home / "until"), home=home / "until-home")
        whole = lab.scrape(progress=False)
        march = lab.scrape(until="2025-03-15", progress=False)
        assert 0 < march.events < whole.events
        assert lab.log.df()["timestamp"].max() < pd.Timestamp("2025-03-16", tz="UTC")

    def test_as_of_a_commit_keeps_the_limit_of_the_log(self, home: Path) -> None:
        """Who scraped until a day does not see later ones by naming a commit."""
        lab = pt.open(teaching(home / "limit"), home=home / "limit-home")
        lab.scrape(until="2025-03-15", progress=False)
        assert lab.as_of("HEAD").digest == lab.digest
        other = pt.open(lab.repository.path, home=home / "limit-other")
        other.scrape(at="HEAD~5", until="2025-03-15", progress=False)
        assert lab.as_of("HEAD~5").digest == other.digest
        other.scrape(progress=False)
        assert other.as_of("HEAD").digest != lab.digest

    def test_the_work_tree_is_added_only_when_asked_for(self, small: Path, tmp_path: Path) -> None:
        """An uncommitted note is marked as such and gives another digest."""
        lab = pt.open(small, home=tmp_path / "home")
        clean = lab.scrape(progress=False)
        notes = small / "layer" / "sessions"
        notes.mkdir(parents=True)
        note = "# Session: tea\n**ID**: 20250302-101500\n**Started**: 2025-03-02T10:15:00Z\n"
        (notes / "20250302-101500.md").write_text(note + "\n## Goals\n- [ ] brew\n")
        assert lab.scrape(progress=False).digest == clean.digest
        loose = lab.scrape(worktree=True, progress=False)
        assert loose.digest != clean.digest
        marked = lab.sql(
            "SELECT envelope->>'$.uncommitted' AS u FROM eventlog WHERE source <> 'git'"
        )
        assert set(marked["u"]) == {"true"}
        assert lab.scrape(worktree=True, progress=False).how == "unchanged"
        (notes / "20250302-101500.md").write_text(note + "\n## Goals\n- [x] brew\n")
        assert lab.scrape(worktree=True, progress=False).digest != loose.digest
        (notes / "20250302-101500.md").unlink()
        assert lab.scrape(worktree=True, progress=False).digest == clean.digest

    def test_the_work_tree_belongs_to_head(self, small: Path, tmp_path: Path) -> None:
        (small / "b.py").write_text("two\n")
        git(small, "add", ".")
        git(small, "commit", "-qm", "second")
        with pytest.raises(InvalidOption, match="not what is checked out"):
            pt.open(small, home=tmp_path / "h").scrape(at="HEAD~1", worktree=True, progress=False)

    @pytest.mark.parametrize(
        ("named", "error"),
        [
            ({"at": "no-such-ref"}, UnknownRevision),
            ({"until": "yesterday"}, UnknownTime),
            ({"merges": "some"}, InvalidOption),
            ({"jobs": 0}, InvalidOption),
        ],
    )
    def test_a_request_that_makes_no_sense_leaves_the_log_alone(
        self, small: Path, tmp_path: Path, named: dict[str, object], error: type[UsageError]
    ) -> None:
        lab = pt.open(small, home=tmp_path / "home")
        before = lab.scrape(progress=False)
        with pytest.raises(error) as caught:
            lab.scrape(progress=False, **named)
        assert caught.value.hint
        assert lab.scrape(progress=False).digest == before.digest


class TestTimeTravel:
    def test_a_date_asks_what_had_happened_a_commit_what_it_knows(self, lab: pt.Lab) -> None:
        """Work on a branch happened before it was merged: the two answers differ."""
        tagged = lab.as_of("v0.1.0")
        sha = tagged.log.opened.manifest.source_sha
        when = lab.sql(f"SELECT timestamp AS t FROM commits WHERE sha = '{sha}'")["t"].iloc[0]
        dated = lab.as_of(when.to_pydatetime())
        known = set(tagged.sql("SELECT sha FROM commits")["sha"])
        happened = set(dated.sql("SELECT sha FROM commits")["sha"])
        assert sha in known & happened
        assert lab.digest != tagged.digest

    def test_a_lab_of_a_commit_is_that_commits_own_log(self, lab: pt.Lab, home: Path) -> None:
        fresh = pt.open(lab.repository.path, home=home / "fresh")
        assert fresh.scrape(at="v0.2.0", progress=False).digest == lab.as_of("v0.2.0").digest

    def test_travelling_changes_neither_the_lab_nor_its_log(self, lab: pt.Lab) -> None:
        before = (lab.digest, len(lab.log))
        lab.as_of("2025-02-01").project(pt.hotspots)
        lab.as_of("v0.1.0").as_of("2025-01-20").log.df()
        assert before == (lab.digest, len(lab.log))

    def test_a_split_is_disjoint_and_complete(self, lab: pt.Lab) -> None:
        train, valid = lab.log.split("2025-03-01")
        assert len(lab.log) == len(train) + len(valid)
        assert train.df()["timestamp"].max() < pd.Timestamp("2025-03-01", tz="UTC")

    def test_an_unknown_moment_is_refused(self, lab: pt.Lab) -> None:
        with pytest.raises(UnknownTime, match="2025-13-45"):
            lab.as_of("2025-13-45")
        with pytest.raises(UnknownRevision, match="v9"):
            lab.as_of("v9")


class TestProjecting:
    def test_a_table_names_the_log_it_came_from(self, lab: pt.Lab) -> None:
        table = lab.as_of("2025-03-15").project(pt.co_changes, max_files=20)
        assert table.attrs["projection"] == "co_changes"
        assert table.attrs["params"] == {"max_files": 20}
        assert table.attrs["digest"] == lab.as_of("2025-03-15").digest
        assert table.attrs["source_sha"] == lab.log.opened.manifest.source_sha

    def test_a_function_in_a_cell_is_a_projection(self, lab: pt.Lab) -> None:
        table = lab.project(
            lambda touches, commits, *, top=2: touches.query(
                f"SELECT path, count(*) AS n FROM touches JOIN commits USING (seq) "
                f"GROUP BY path ORDER BY n DESC, path LIMIT {top}",
                commits=commits,
            ),
            top=3,
        )
        assert list(table.columns) == ["path", "n"]
        assert len(table) == 3

    def test_misspelled_names_get_the_nearest_ones(self, lab: pt.Lab) -> None:
        with pytest.raises(UnknownName, match="Did you mean 'max_files'"):
            lab.project(pt.co_changes, max_file=3)
        with pytest.raises(UnknownName, match="Did you mean 'touches'"):
            lab.project(lambda touchs: touchs)
        with pytest.raises(UsageError, match="author_name"):
            lab.sql("SELECT author_nam FROM commits")

    def test_what_is_no_projection_is_refused(self, lab: pt.Lab) -> None:
        with pytest.raises(InvalidOption, match="reads no relation"):
            lab.project(lambda: None)
        with pytest.raises(InvalidOption, match="not a Rel"):
            lab.project(lambda touches: 42)

    def test_an_empty_slice_gives_an_empty_table_with_its_columns(self, lab: pt.Lab) -> None:
        for projection in (pt.activity, pt.hotspots, pt.co_changes):
            table = lab.as_of("1999-01-01").project(projection)
            assert list(projection.columns)
            assert set(projection.columns) == set(table.columns)
            assert len(table) == 0

    def test_where_narrows_every_relation(self, lab: pt.Lab) -> None:
        only = lab.where("git.commit", path="docs/*")
        paths = only.sql("SELECT DISTINCT path FROM touches")["path"]
        assert len(paths)
        assert all(path.startswith("docs/") for path in paths)
        assert only.sql("SELECT count(*) AS n FROM decisions")["n"].iloc[0] == 0


def test_a_lab_shows_the_same_facts_as_text_and_as_html(lab: pt.Lab) -> None:
    bundle = lab._repr_mimebundle_()
    for _, value in lab.facts():
        assert value in bundle["text/plain"]
    assert lab.digest[:12] in bundle["text/html"]
