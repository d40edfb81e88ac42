"""The mirror: the copies are the project's event files, whatever git did to them."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patina_lab.errors import NotARepository
from patina_lab.personas import mirror as mirror_
from patina_lab.personas.mirror import folder_of, mirror

sys.path.insert(0, str(Path(__file__).parents[1] / "sources"))
from gitraw import RawRepo

SHARED = ".patina/shared/events/"
LOCAL = ".patina/local/events/"


def copies(persona, name="p"):
    """Return what lies in the mirror: path -> content."""
    folder = folder_of(persona, name)
    return {
        place.relative_to(folder).as_posix(): place.read_bytes()
        for place in folder.rglob("*.json")
        if place.name != "state.json"
    }


def snapshot(path):
    """Return every file of a folder with its bytes, mode and time."""
    found = {}
    for place in sorted(Path(path).rglob("*")):
        told = place.lstat()
        content = place.read_bytes() if place.is_file() and not place.is_symlink() else None
        found[place.relative_to(path).as_posix()] = (told.st_mode, told.st_mtime_ns, content)
    return found


@pytest.fixture
def repo(tmp_path):
    return RawRepo(tmp_path / "project")


def local(repo, name, content=b"{}"):
    place = repo.path / LOCAL / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)


def test_copies_are_byte_for_byte_and_nothing_is_written_back(repo, tmp_path):
    repo.commit({SHARED + "a.json": '{"a":1}', SHARED + "deep/b.json": "{broken", "c.json": "{}"})
    local(repo, "mine.json", b"mine")
    before = snapshot(repo.path)
    persona = tmp_path / "persona"
    told = mirror(persona, "p", str(repo.path))
    assert (told.new, told.changed, told.removed, told.source_sha) == (3, 0, 0, repo.tip)
    assert copies(persona) == {
        "shared-events/a.json": b'{"a":1}',
        "shared-events/deep/b.json": b"{broken",
        "local-events/mine.json": b"mine",
    }
    assert snapshot(repo.path) == before


def test_an_edit_a_removal_and_a_rewritten_history_reach_the_persona(repo, tmp_path):
    persona = tmp_path / "persona"
    repo.commit({SHARED + "a.json": "1", SHARED + "b.json": "2"})
    mirror(persona, "p", str(repo.path))
    repo.commit({SHARED + "a.json": "1 edited"}, parents=[])
    told = mirror(persona, "p", str(repo.path))
    assert (told.new, told.changed, told.removed) == (0, 1, 1)
    assert copies(persona) == {"shared-events/a.json": b"1 edited"}
    assert mirror(persona, "p", str(repo.path)).kept == 1


def test_a_project_that_is_gone_keeps_its_copies(repo, tmp_path):
    persona = tmp_path / "persona"
    repo.commit({SHARED + "a.json": "1"})
    mirror(persona, "p", str(repo.path))
    before = copies(persona)
    shutil.rmtree(repo.path)
    with pytest.raises(NotARepository):
        mirror(persona, "p", str(repo.path))
    assert copies(persona) == before


def test_what_leads_out_is_not_followed(repo, tmp_path):
    secret = tmp_path / "secret.json"
    secret.write_text("secret")
    repo.commit({SHARED + "a.json": "1"})
    local(repo, "good.json")
    (repo.path / LOCAL / "link.json").symlink_to(secret)
    (repo.path / LOCAL / "folder").symlink_to(tmp_path)
    os.mkfifo(repo.path / LOCAL / "pipe.json")
    told = mirror(tmp_path / "persona", "p", str(repo.path))
    assert sorted(copies(tmp_path / "persona")) == [
        "local-events/good.json",
        "shared-events/a.json",
    ]
    assert {p.reason for p in told.problems} == {"symbolic link", "no file"}


def test_a_linked_local_folder_is_not_followed(repo, tmp_path):
    other = tmp_path / "other" / "events"
    other.mkdir(parents=True)
    (other / "theirs.json").write_text("theirs")
    repo.commit({"a": "1"})
    (repo.path / ".patina").mkdir()
    (repo.path / ".patina/local").symlink_to(other.parent)
    told = mirror(tmp_path / "persona", "p", str(repo.path))
    assert copies(tmp_path / "persona") == {}
    assert [p.reason for p in told.problems] == ["symbolic link"]


def test_copies_that_were_touched_by_hand_are_mended(repo, tmp_path):
    """One more reading fetches what is gone; what is strange goes."""
    persona = tmp_path / "persona"
    repo.commit({SHARED + "a.json": "1", SHARED + "b.json": "2"})
    mirror(persona, "p", str(repo.path))
    whole = copies(persona)
    folder = folder_of(persona, "p") / "shared-events"
    (folder / "a.json").unlink()
    (folder / "stray.json").write_text("stray")
    mirror(persona, "p", str(repo.path))
    mirror(persona, "p", str(repo.path))
    assert copies(persona) == whole


NAMES = st.sampled_from(["a.json", "b.json", "d/a.json"])
TREES = st.lists(
    st.tuples(
        st.dictionaries(NAMES, st.sampled_from(["1", "2", "3"])),
        st.dictionaries(NAMES, st.sampled_from(["x", "y"])),
        st.booleans(),
    ),
    min_size=1,
    max_size=5,
)


class Crash(Exception):
    """The machine stopped."""


def follow(trees, stops, patched=contextlib.nullcontext):
    """Show the mirror one state of the project after the other, and compare it with each."""
    with tempfile.TemporaryDirectory() as place, patched():
        repo = RawRepo(Path(place, "project"))
        persona = Path(place, "persona")
        for (shared, mine, rewrite), stop in zip(trees, stops, strict=False):
            files = {SHARED + k: v for k, v in shared.items()} | {"keep": "1"}
            repo.commit(files, **({"parents": []} if rewrite else {}))
            shutil.rmtree(repo.path / LOCAL, ignore_errors=True)
            for name, text in mine.items():
                local(repo, name, text.encode())
            with crash_after(stop), contextlib.suppress(Crash):
                mirror(persona, "p", str(repo.path))
            told = mirror(persona, "p", str(repo.path))
            expected = {f"shared-events/{k}": v.encode() for k, v in shared.items()}
            expected |= {f"local-events/{k}": v.encode() for k, v in mine.items()}
            assert copies(persona) == expected
            assert not told.problems
            assert mirror(persona, "p", str(repo.path)).kept == len(expected)


@contextlib.contextmanager
def crash_after(writes):
    """Stop the `writes`-th replacement of a file, and all after it."""
    made = mirror_.replace_file
    left = [writes]

    def replace_file(place, content):
        if left[0] == 0:
            raise Crash
        left[0] -= 1
        made(place, content)

    mirror_.replace_file = replace_file
    try:
        yield
    finally:
        mirror_.replace_file = made


@settings(max_examples=max(settings.default.max_examples // 2, 1), deadline=None)
@given(trees=TREES, stops=st.lists(st.integers(0, 4), min_size=5, max_size=5))
def test_the_copies_are_what_the_project_shows_whatever_stopped_in_between(trees, stops):
    follow(trees, stops)


def test_control_a_cursor_by_file_name_is_caught():
    """The seed's way, resume after the last name, loses what sorts before it."""

    @contextlib.contextmanager
    def by_name():
        made = mirror_._shared

        def after_last(objects, sha, events, problems):
            found = made(objects, sha, events, problems)
            last = max(seen, default="")
            new = {key: oid for key, oid in found.items() if key > last}
            seen.update(new)
            return dict(seen)

        seen: dict[str, str] = {}
        mirror_._shared = after_last
        try:
            yield
        finally:
            mirror_._shared = made

    trees = [({"b.json": "1"}, {}, False), ({"a.json": "2", "b.json": "1"}, {}, False)]
    with pytest.raises(AssertionError):
        follow(trees, [9, 9], by_name)
