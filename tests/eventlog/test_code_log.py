"""Code in the log: its time, its relations, and that only what changed is read again."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from history import HOUR, NOON, Commit, History, Operation, history, operations, temporary_home
from hypothesis import given, settings
from hypothesis import strategies as st
from notation import Repo

import patina_lab as pt
from patina_lab.eventlog import build, file_times
from patina_lab.sources.code import source as code_source
from patina_lab.sources.repository import Objects

sys.path.insert(0, str(Path(__file__).parents[1] / "laws"))
from tables import assert_same, file_of, patched, read, scraped

Make = Callable[..., Repo]

HISTORY = """
    2025-03-01 git.commit ann app/__init__.py
        "The app."
    2025-03-01 git.commit ann app/near.py
        def shut(x):
            return x
    2025-03-02 git.commit bob app/main.py
        from .near import shut
        from . import later


        def run(x):
            if x:
                return shut(x)
            return later.wait(x)
    2025-03-05 git.commit ann app/later.py
        def wait(x):
            return x
"""

CODE = ("code_files", "code_symbols", "code_functions", "code_types", "code_imports",
        "import_edges", "code_calls")  # fmt: skip


def days(table: pd.DataFrame) -> dict[str, str]:
    """Return path -> the one day that all its rows have."""
    when = pd.to_datetime(table["occurred_us"], unit="us").dt.strftime("%m-%d")
    found = when.groupby(table["path"]).unique()
    return {path: "|".join(each) for path, each in found.items()}


def lab_of(repo: Repo, **options: Any) -> pt.Lab:
    """Return the scraped lab of a repository, with code."""
    lab = pt.open(repo.path)
    lab.scrape(progress=False, **{"code": True, **options})
    return lab


def edges(lab: pt.Lab) -> set[tuple[str, str]]:
    """Return (file, imported file)."""
    table = lab.rel("import_edges").df()
    return set(zip(table["path"], table["target"], strict=True))


def test_code_is_off_unless_asked_for(make_repo: Make) -> None:
    """A scrape reads no source file by default; asked for, it is another log."""
    repo = make_repo(HISTORY)
    lab = lab_of(repo, code=None)
    assert not [t for t in lab.log.opened.manifest.by_type if t.startswith("code.")]
    assert all(lab.rel(name).df().empty for name in CODE)
    without = lab.digest
    again = lab_of(repo)
    assert again.log.opened.manifest.by_type["code.function"] == 3
    assert again.digest != without
    assert lab_of(repo, code=False).digest == without


def test_a_project_can_ask_for_it(make_repo: Make) -> None:
    """[tool.patina_lab] code is true, or the paths that are read."""
    config = "\n2025-03-06 git.commit ann pyproject.toml\n    [tool.patina_lab]\n    code = {}\n"
    paths = {}
    for value in ("true", '["app/n*"]', '"app/n*"', "3"):
        repo = make_repo(HISTORY.replace("\n    ", "\n") + config.format(value))
        lab = lab_of(repo, code=None)
        paths[value] = sorted(lab.rel("code_files").df()["path"])
        assert len(lab.problems()) == (value == "3")
    near = ["app/near.py"]
    assert paths['["app/n*"]'] == paths['"app/n*"'] == near
    assert paths["true"] == ["app/__init__.py", "app/later.py", "app/main.py", "app/near.py"]
    assert paths["3"] == []


def test_code_has_the_time_of_the_commit_that_wrote_it(make_repo: Make) -> None:
    """Each file's events carry the author time of the last commit that touched it."""
    lab = lab_of(make_repo(HISTORY))
    assert days(lab.rel("code_symbols").df()) == {
        "app/near.py": "03-01",
        "app/main.py": "03-02",
        "app/later.py": "03-05",
    }
    assert set(edges(lab)) == {("app/main.py", "app/near.py"), ("app/main.py", "app/later.py")}


def test_a_slice_knows_no_later_file(make_repo: Make) -> None:
    """Before a file is written, an import of it leads to the package that was there."""
    lab = lab_of(make_repo(HISTORY)).as_of("2025-03-03")
    assert edges(lab) == {("app/main.py", "app/near.py"), ("app/main.py", "app/__init__.py")}
    calls = lab.rel("code_calls").df().set_index("callee")["target"]
    assert calls["shut"] == "app/near.py"
    assert pd.isna(calls["wait"])


def test_an_unchanged_file_keeps_its_events(make_repo: Make) -> None:
    """A commit that leaves a file alone leaves its events alone: same ids, same times."""
    repo = make_repo(HISTORY)
    ids = "SELECT event_id FROM eventlog WHERE event_type LIKE 'code.%' ORDER BY event_id"
    before = set(lab_of(repo).sql(ids)["event_id"])
    repo.fast_import(_commit("app/later.py", b"def wait(x, y): pass\n", NOON + 500 * HOUR))
    after = set(lab_of(repo).sql(ids)["event_id"])
    same = set(
        lab_of(repo).sql(
            "SELECT event_id FROM eventlog WHERE event_type LIKE 'code.%' "
            "AND source_file <> 'app/later.py'"
        )["event_id"]
    )
    assert same <= before
    assert after - before


def _commit(path: str, content: bytes, at: int) -> bytes:
    text = b"commit refs/heads/main\nauthor ann <ann@example.org> %d +0000\n" % at
    text += b"committer ann <ann@example.org> %d +0000\ndata 1\nx\nfrom refs/heads/main^0\n" % at
    return text + b"M 100644 inline %s\ndata %d\n%s\n\n" % (path.encode(), len(content), content)


def test_the_next_commit_reads_only_what_changed(
    make_repo: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the tree's files only the changed one is fetched from git, and parsed."""
    repo = make_repo(HISTORY)
    lab_of(repo)
    fetched, parsed = [], []
    blobs, extract = Objects.blobs, code_source.extract

    def counted(self: Objects, oids: Any) -> Any:
        wanted = list(oids)
        fetched.extend(wanted)
        return blobs(self, wanted)

    monkeypatch.setattr(Objects, "blobs", counted)
    monkeypatch.setattr(
        code_source, "extract", lambda *args: (parsed.append(args[1]), extract(*args))[1]
    )
    repo.fast_import(_commit("app/later.py", b"def wait(x, y): pass\n", NOON + 500 * HOUR))
    assert pt.open(repo.path).scrape(code=True, progress=False).how == "incremental"
    assert parsed == ["app/later.py"]
    assert len(fetched) == 1


def test_a_merge_that_brings_an_older_touch_changes_nothing_else(make_repo: Make) -> None:
    """The same content with another last commit gets that commit's time, refreshed or not."""
    repo = make_repo(
        """
        2025-03-01 git.commit ann a.py
            x = 1
        2025-03-02 git.commit bob @side b.py
        2025-03-04 git.commit bob @side a.py
            x = 1
        2025-03-03 git.commit ann c.py
        """
    )
    assert days(lab_of(repo).rel("code_files").df())["a.py"] == "03-01"
    repo.git("merge", "-q", "--no-edit", "side")
    lab = lab_of(repo)
    with temporary_home() as elsewhere:
        assert_same(read(file_of(lab)), scraped(repo.path, elsewhere, code=True))


def test_a_shallow_clone_has_the_time_of_its_boundary(make_repo: Make, tmp_path: Path) -> None:
    """What the boundary already had is no younger than it, and stays so at the next commit."""
    repo = make_repo(HISTORY)
    url = f"file://{repo.path}"
    Repo.init(tmp_path / "x").git("clone", "-q", "--depth=2", url, str(tmp_path / "shallow"))
    clone = Repo(tmp_path / "shallow")
    assert days(lab_of(clone).rel("code_files").df()) == {
        "app/__init__.py": "03-02",
        "app/near.py": "03-02",
        "app/main.py": "03-02",
        "app/later.py": "03-05",
    }
    ids = "SELECT event_id FROM eventlog WHERE source_file = 'app/near.py'"
    before = set(lab_of(clone).sql(ids)["event_id"])
    clone.fast_import(_commit("app/later.py", b"def wait(x, y): pass\n", NOON + 500 * HOUR))
    assert set(lab_of(clone).sql(ids)["event_id"]) == before


def test_the_lab_of_another_commit_has_its_code(make_repo: Make) -> None:
    """as_of(sha) reads that commit's tree, with code if this log has code."""
    repo = make_repo(HISTORY)
    lab = lab_of(repo)
    assert "app/later.py" not in days(lab.as_of(repo.sha("HEAD~1")).rel("code_files").df())
    lab = lab_of(repo, code=["app/n*"])
    assert list(days(lab.as_of(repo.sha("HEAD~1")).rel("code_files").df())) == ["app/near.py"]


def test_until_leaves_out_what_was_written_later(make_repo: Make) -> None:
    """A file that was touched after the limit is not shown as if it had been there."""
    repo = make_repo(HISTORY + "    2025-03-06 git.commit ann app/near.py\n")
    lab = lab_of(repo, until="2025-03-03")
    assert days(lab.rel("code_files").df()) == {
        "app/__init__.py": "03-01",
        "app/main.py": "03-02",
    }


def test_uncommitted_code(make_repo: Make) -> None:
    """worktree=True reads files as they lie there, at the time of HEAD, marked."""
    repo = make_repo(HISTORY)
    (repo.path / "app" / "near.py").write_text("def shut(x): pass\ndef open(x): pass\n")
    lab = lab_of(repo, worktree=True)
    assert days(lab.rel("code_functions").df())["app/near.py"] == "03-05"
    marked = lab.sql("SELECT DISTINCT source_file FROM eventlog WHERE envelope IS NOT NULL")
    assert list(marked["source_file"]) == ["app/near.py"]


def test_a_missing_grammar_is_said_once(make_repo: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files of a language that cannot be read are counted; installing it reads them."""
    repo = make_repo("""
        2025-03-01 git.commit ann a.rs b.rs c.py
            x = 1
        """)
    with monkeypatch.context() as patch:
        patch.setattr(
            code_source, "version", lambda language: None if language.name == "rust" else "1"
        )
        lab = lab_of(repo)
        (said,) = lab.problems()["detail"]
        assert said == (
            "2 files were not read: tree-sitter-rust is not installed; "
            "pip install 'patina-lab[code]'."
        )
        assert list(days(lab.rel("code_files").df())) == ["c.py"]
    assert len(lab_of(repo).rel("code_files").df()) == 3


# -- laws -----------------------------------------------------------------------------------------

TEXTS = (
    b"from . import b\nfrom .src import app, lib\n\n\ndef f(x):\n    return b.g(x) or app.f(x)\n",
    b"import src.app\nfrom a import f\n\n\nclass A:\n    def g(self):\n        return f(1)\n",
    b"def g(x):\n    return x\n\n\ndef g(y):\n    return y\n",
    b"",
    b"(",
    b"\0",
)
PATHS = (b"a.py", b"b.py", b"src/app.py", b"src/lib.py", b"src/__init__.py", b"__init__.py")


def code_commits() -> st.SearchStrategy[Commit]:
    """Return commits of source files that import one another, at times in any order."""
    change = st.tuples(st.sampled_from(PATHS), st.just("100644"), st.sampled_from(TEXTS))
    return st.builds(
        Commit,
        changes=st.lists(change, min_size=1, max_size=3, unique_by=lambda c: c[0]).map(tuple),
        at=st.integers(-48, 48).map(lambda hours: NOON + hours * HOUR),
    )


STEPS = st.lists(
    st.lists(st.one_of(code_commits(), code_commits(), operations()), min_size=1, max_size=3),
    min_size=2,
    max_size=4,
)


def refreshed_equals_rebuilt(steps: list[list[Operation]], **options: Any) -> None:
    """Refresh after each step; compare with a log made of nothing, row for row."""
    with history() as h, temporary_home() as home:
        for step in steps:
            h.do(step)
            if not h.tip:
                continue
            lab = pt.open(h.repo.path, home=home)
            lab.scrape(progress=False, code=True, **options)
            with temporary_home() as elsewhere:
                new = scraped(h.repo.path, elsewhere, code=True, **options)
                assert_same(read(file_of(lab)), new)


@pytest.mark.slow
@settings(max_examples=8)
@given(steps=STEPS, until=st.sampled_from([None, None, "2025-03-01"]))
def test_law_3_refreshed_equals_rebuilt(steps: list[list[Operation]], until: str | None) -> None:
    """Edits, renames, deletions, merges, rewritten history: the same rows as built anew."""
    refreshed_equals_rebuilt(steps, until=until)


REVERTED = [
    [Commit(((b"a.py", "100644", TEXTS[2]),))],
    [
        Commit(((b"a.py", "100644", TEXTS[1]),), at=NOON + HOUR),
        Commit(((b"a.py", "100644", TEXTS[2]),), at=NOON + 2 * HOUR),
    ],
]
GONE = [
    [Commit(((b"a.py", "100644", TEXTS[0]), (b"b.py", "100644", TEXTS[2])))],
    [Commit(((b"b.py", "100644", None),), at=NOON + HOUR)],
]


@pytest.mark.parametrize("steps", [REVERTED, GONE], ids=["reverted", "gone"])
def test_law_3_by_name(steps: list[list[Operation]]) -> None:
    """Content that came back gets its new time; an import of what is gone leads nowhere."""
    refreshed_equals_rebuilt(steps)


def test_control_a_refresh_that_ignores_times_is_caught() -> None:
    """Known-bad twin: the old time is kept where the content is the old one."""
    known = {}
    of = file_times.FileTimes.of
    first = lambda self, path: known.setdefault(path, of(self, path))  # noqa: E731
    with patched((file_times.FileTimes, "of", first)), history() as h, temporary_home() as home:
        for step in REVERTED:
            h.do(step)
            lab = pt.open(h.repo.path, home=home)
            lab.scrape(progress=False, code=True)
        refreshed = read(file_of(lab))
        known.clear()
        with temporary_home() as elsewhere, pytest.raises(AssertionError, match="eventlog"):
            assert_same(refreshed, scraped(h.repo.path, elsewhere, code=True))


def test_control_links_that_are_not_made_anew_are_caught() -> None:
    """Known-bad twin: code_link taken over from the last log."""
    links = build.write_links

    def kept(connection: Any) -> None:
        attached = connection.execute(
            "SELECT count(*) FROM duckdb_databases() WHERE database_name = 'old'"
        ).fetchone()[0]
        if attached:
            connection.execute("INSERT INTO code_link SELECT * FROM old.main.code_link")
        else:
            links(connection)

    with patched((build, "write_links", kept)), pytest.raises(AssertionError, match="code_link"):
        refreshed_equals_rebuilt(GONE)


def a_slice_equals_a_scrape_until(h: History, home: Path) -> None:
    """Compare the relations over a slice in the past with a log that holds no more."""
    lab = pt.open(h.repo.path, home=home)
    lab.scrape(progress=False, code=True)
    past = lab.as_of("2025-03-01")
    seen = {name: past.rel(name).df() for name in CODE}
    with temporary_home() as elsewhere:
        other = pt.open(h.repo.path, home=elsewhere)
        other.scrape(progress=False, code=True, until="2025-03-01")
        for name in CODE:
            both = [
                sorted(map(repr, t.drop(columns="seq").itertuples(index=False)))
                for t in (seen[name], other.rel(name).df())
            ]
            assert both[0] == both[1], name


@pytest.mark.slow
@given(commits=st.lists(code_commits(), min_size=2, max_size=5))
def test_law_4_a_slice_never_sees_later_code(commits: list[Commit]) -> None:
    """What a slice says of files, imports and calls is what a scrape of that day says."""
    with history(commits) as h, temporary_home() as home:
        a_slice_equals_a_scrape_until(h, home)


def test_control_edges_that_know_the_whole_tree_are_caught() -> None:
    """Known-bad twin: imports that lead to any file of the tree, whenever it was written."""
    from patina_lab.eventlog import relations

    known = dict(relations._SQL)
    known["import_edges"] = known["import_edges"].replace("f.type = 'file' AND {f}", "{f} OR TRUE")
    late = [
        Commit(((b"a.py", "100644", TEXTS[0]),)),
        Commit(((b"b.py", "100644", TEXTS[2]),), at=NOON + 48 * HOUR),
    ]
    with (
        history(late) as h,
        temporary_home() as home,
        patched((relations, "_SQL", known)),
        pytest.raises(AssertionError, match="import_edges"),
    ):
        a_slice_equals_a_scrape_until(h, home)
