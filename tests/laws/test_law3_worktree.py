"""Law 3 with ``worktree=True``: what is not committed yet comes and goes without a trace."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from history import EVENT_FILES, NOTES, temporary_home
from hypothesis import given, settings
from hypothesis import strategies as st
from notation import Repo, build_repo
from tables import assert_same, file_of, patched, read, scraped

import patina_lab as pt
from patina_lab.eventlog import build

PATHS = ("layer/sessions/one.md", "layer/sessions/ü two.md", ".patina/shared/events/x.json")

ACTIONS = st.one_of(
    st.tuples(st.just("write"), st.sampled_from(PATHS), st.sampled_from([*NOTES, *EVENT_FILES])),
    st.tuples(st.just("link"), st.sampled_from(PATHS), st.just(b"../../a.py")),
    st.tuples(st.just("remove"), st.sampled_from(PATHS), st.just(b"")),
    st.tuples(st.just("stage"), st.just("."), st.just(b"")),
    st.tuples(st.just("commit"), st.just("."), st.just(b"")),
)


def act(repo: Repo, action: str, path: str, content: bytes) -> None:
    """Do one thing to a work tree."""
    file = repo.path / path
    if action in ("write", "link", "remove"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
    if action == "write":
        file.write_bytes(content)
    elif action == "link":
        file.symlink_to(content.decode())
    elif action in ("stage", "commit"):
        repo.git("add", "-A")
    if action == "commit":
        repo.git("commit", "-q", "--allow-empty", "-m", "Work")


def follow(steps: list[list[tuple[str, str, bytes]]], modes: list[bool]) -> None:
    """Refresh after each step, with or without the work tree, and compare with a rebuild."""
    with tempfile.TemporaryDirectory() as place, temporary_home() as home:
        repo = build_repo("2025-03-01 git.commit ann a.py", Path(place) / "repo")
        for step, worktree in zip(steps, modes, strict=False):
            for action in step:
                act(repo, *action)
            before = repo.git("status", "--porcelain")
            lab = pt.open(repo.path, home=home)
            result = lab.scrape(progress=False, worktree=worktree)
            with temporary_home() as elsewhere:
                there = scraped(repo.path, elsewhere, worktree=worktree)
            assert_same(read(file_of(lab)), there)
            clean = not lab.rel("source_files").df()["uncommitted"].any()
            with temporary_home() as elsewhere:
                committed = pt.open(repo.path, home=elsewhere).scrape(progress=False)
            # What is not committed changes the digest, and only that does.
            if not worktree or before == "":
                assert clean
                assert result.digest == committed.digest
            assert repo.git("status", "--porcelain") == before


@settings(max_examples=max(settings.default.max_examples // 4, 1))
@given(
    steps=st.lists(st.lists(ACTIONS, min_size=1, max_size=3), min_size=1, max_size=4),
    modes=st.lists(st.sampled_from([True, True, False]), min_size=4, max_size=4),
)
def test_a_work_tree_comes_and_goes_without_a_trace(steps, modes) -> None:
    """Notes and event files written, staged, committed, removed: as if read for the first time."""
    follow(steps, modes)


COMMITTED_LATER = [
    [("write", PATHS[0], NOTES[0])],
    [("write", PATHS[0], NOTES[1])],
    [("commit", ".", b"")],
    [("remove", PATHS[0], b"")],
    [("commit", ".", b"")],
]


def test_a_note_that_is_committed_later_is_marked_no_more() -> None:
    """The same bytes are told as uncommitted first, and then as committed."""
    follow(COMMITTED_LATER, [True] * 5)


def test_control_a_work_tree_that_leaves_a_trace_is_caught() -> None:
    """The same comparison finds a refresh that knows a file by its bytes alone."""
    made = build.Staging.file

    def unmarked(self, source, path, blob, **told):
        made(self, source, path, blob, **{**told, "uncommitted": False})

    with patched((build.Staging, "file", unmarked)), pytest.raises(AssertionError):
        follow(COMMITTED_LATER, [True] * 5)
