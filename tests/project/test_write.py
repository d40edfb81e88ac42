"""Writing files: every state that a crash can leave, failing disks, links, several writers."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fake_disk import FakeDisk, PowerLoss

from patina_lab.errors import NoWorkTree, StoreError, StoreFull
from patina_lab.events.event import Event
from patina_lab.project import write
from patina_lab.project.event_files import to_bytes
from patina_lab.project.places import LOCAL_EVENTS, lock_file
from patina_lab.project.write import create, locked, make_folder, remove, replace, sweep
from patina_lab.sources.event_files import EventFileSource
from patina_lab.sources.source import Problem, SourceFile

ROOT = Path("/")
NOON = datetime(2025, 3, 7, 12, tzinfo=UTC)


def contents():
    """Return name -> text of three events."""
    files = {}
    for n in (1, 2, 3):
        data = {"content": f"note {n} " + "x" * 150}
        path = f"{LOCAL_EVENTS}/2025-03-07-{n:03d}-observation-captured.json"
        event = Event("observation_captured", NOON, f"loc_{n:03d}", data, path, "ann")
        files[path] = to_bytes(event, n)
    return files


FILES = contents()

# -- ways to write, the real one and known-bad ones -----------------------------------------------


def ours(disk, path, content):
    folder = make_folder(ROOT, LOCAL_EVENTS, disk=disk)
    create(folder / Path(path).name, content, disk=disk)


def _plain_folders(disk):
    place = ROOT
    for part in LOCAL_EVENTS.split("/"):
        place /= part
        with contextlib.suppress(FileExistsError):
            disk.mkdir(place)
    return place


def _put(disk, place, content, *, sync):
    handle = disk.open(place, os.O_WRONLY | os.O_CREAT, 0o644)
    while content:
        content = content[disk.write(handle, content) :]
    if sync:
        disk.fsync(handle)
    disk.close(handle)


def in_place(disk, path, content):
    folder = make_folder(ROOT, LOCAL_EVENTS, disk=disk)
    _put(disk, folder / Path(path).name, content, sync=True)
    write._sync(folder, disk)


def rename_alone(disk, path, content):
    folder = make_folder(ROOT, LOCAL_EVENTS, disk=disk)
    _put(disk, folder / "new.tmp", content, sync=False)
    disk.replace(folder / "new.tmp", folder / Path(path).name)
    write._sync(folder, disk)


def folder_not_synced(disk, path, content):
    folder = make_folder(ROOT, LOCAL_EVENTS, disk=disk)
    _put(disk, folder / "new.tmp", content, sync=True)
    disk.replace(folder / "new.tmp", folder / Path(path).name)


def folders_above_not_synced(disk, path, content):
    folder = _plain_folders(disk)
    create(folder / Path(path).name, content, disk=disk)


def only_new_folders_synced(disk, path, content):
    """Trusts a folder that is there: who made it may have died before its sync."""
    place = ROOT
    for part in LOCAL_EVENTS.split("/"):
        above, place = place, place / part
        try:
            disk.mkdir(place)
        except FileExistsError:
            continue
        write._sync(above, disk)
    create(place / Path(path).name, content, disk=disk)


def crash_states(writer, *, made_before=False):
    """Lose power before each step of writing three events; count what is wrong afterwards.

    Returns (states, states with a torn file, states that lost an acknowledged event).
    """
    states = torn = lost = 0
    stop = 0
    while True:
        disk, acknowledged, done = FakeDisk(), [], False
        if made_before:
            _plain_folders(disk)
            disk.steps = 0
        disk.stop = stop
        try:
            for path, content in FILES.items():
                writer(disk, path, content)
                acknowledged.append(path)
            done = True
        except PowerLoss:
            pass
        for survivors in disk.after_power_loss():
            states += 1
            events = {p.lstrip("/"): d for p, d in survivors.items() if p.endswith(".json")}
            torn += any(isinstance(read(p, d), Problem) for p, d in events.items())
            lost += any(events.get(path) != FILES[path] for path in acknowledged)
        if done:
            return states, torn, lost
        stop += 1


def read(path, content):
    (one,) = EventFileSource(LOCAL_EVENTS).read(SourceFile(path, content))
    return one


@pytest.mark.parametrize("made_before", [False, True])
def test_no_crash_loses_an_acknowledged_event_or_tears_a_file(made_before):
    """Every step, every order in which a disk may have kept what was not synced."""
    states, torn, lost = crash_states(ours, made_before=made_before)
    assert states > 40
    assert (torn, lost) == (0, 0)


@pytest.mark.parametrize(
    ("writer", "made_before", "tears", "loses"),
    [
        (in_place, False, True, False),
        (rename_alone, False, True, True),
        (folder_not_synced, False, False, True),
        (folders_above_not_synced, False, False, True),
        (only_new_folders_synced, True, False, True),
    ],
)
def test_controls_orders_that_are_not_durable_are_caught(writer, made_before, tears, loses):
    """Known-bad writers: each leaves a state that the enumeration sees."""
    _, torn, lost = crash_states(writer, made_before=made_before)
    assert (torn > 0, lost > 0) == (tears, loses)


def test_a_failing_sync_is_never_an_acknowledgement():
    """Wherever it fails: an error, no torn file, and no second try of the same sync."""
    whole = FakeDisk()
    (path, content), *_ = FILES.items()
    ours(whole, path, content)
    for fail in range(1, whole.syncs + 1):
        disk = FakeDisk(fail=fail)
        with pytest.raises(StoreError, match="Input/output error"):
            ours(disk, path, content)
        assert disk.syncs == fail
        assert not disk.handles
        for survivors in disk.after_power_loss():
            for name, data in survivors.items():
                assert not name.endswith(".json") or data == content


# -- on a real disk -------------------------------------------------------------------------------


def test_a_file_that_is_there_is_never_written_over(tmp_path):
    """Also where the lock failed: the second writer of a name is told."""
    create(tmp_path / "a.json", b"first")
    with pytest.raises(FileExistsError):
        create(tmp_path / "a.json", b"second")
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]
    assert (tmp_path / "a.json").read_bytes() == b"first"


class NoLinks:
    """`os` on a file system that has no hard links."""

    def __getattr__(self, name):
        return getattr(os, name)

    def link(self, old, new):
        raise OSError(errno.EPERM, "Operation not permitted")


def test_without_hard_links_it_is_a_rename(tmp_path):
    create(tmp_path / "a.json", b"first", disk=NoLinks())
    with pytest.raises(FileExistsError):
        create(tmp_path / "a.json", b"second", disk=NoLinks())
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {"a.json": b"first"}


class Full(NoLinks):
    def write(self, handle, content):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path):
    with pytest.raises(StoreFull, match="No space left"):
        create(tmp_path / "a.json", b"x", disk=Full())
    assert list(tmp_path.iterdir()) == []


def test_replace_keeps_permissions_and_remove_removes(tmp_path):
    place = tmp_path / "a"
    place.write_text("old")
    place.chmod(0o640)
    replace(place, b"new")
    assert (place.read_text(), stat.S_IMODE(place.stat().st_mode)) == ("new", 0o640)
    remove(place)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(StoreError):
        remove(place)


@pytest.mark.parametrize("part", [".patina", ".patina/local", ".patina/local/events"])
@pytest.mark.parametrize("kind", ["link", "file"])
def test_a_folder_that_leads_elsewhere_is_refused(tmp_path, part, kind):
    """What is written would land outside of the project."""
    root, outside = tmp_path / "root", tmp_path / "outside"
    outside.mkdir()
    place = root / part
    place.parent.mkdir(parents=True)
    place.symlink_to(outside) if kind == "link" else place.write_text("x")
    with pytest.raises(StoreError, match="link" if kind == "link" else "no folder"):
        make_folder(root, LOCAL_EVENTS)
    assert list(outside.iterdir()) == []


def test_the_lock_lies_where_git_says(project):
    """In the git directory of this work tree, where `git clean` does not reach it."""
    project.git("worktree", "add", "-q", "--detach", "../linked")
    linked = type(project)(project.path.parent / "linked")
    for each in (project, linked):
        told = each.git("rev-parse", "--git-path", "patina/local.lock")
        assert lock_file(each.repository.git_dir, "local") == (each.path / told)


def test_a_lock_that_is_held_is_said(project):
    git_dir = project.repository.git_dir
    again = locked(git_dir, "local", timeout=0.05)
    with locked(git_dir, "local"), pytest.raises(StoreError, match="Another process"):
        again.__enter__()


def test_sweep_takes_only_what_was_left_unfinished(tmp_path):
    (tmp_path / f"{write.TEMPORARY}abc").write_text("half")
    (tmp_path / "a.json").write_text("whole")
    (tmp_path / f"{write.TEMPORARY}link").symlink_to(tmp_path / "a.json")
    sweep(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"{write.TEMPORARY}link", "a.json"]


def test_a_bare_repository_is_refused_in_one_sentence(tmp_path, project):
    from patina_lab.project.init import init
    from patina_lab.project.observe import observe
    from patina_lab.project.propose import propose
    from patina_lab.project.undo import undo
    from patina_lab.sources.repository import open_repository

    project.git("clone", "-q", "--bare", ".", str(tmp_path / "bare.git"))
    bare = open_repository(tmp_path / "bare.git")
    for call in (
        init,
        lambda r: observe(r, "x"),
        lambda r: propose(r, "x"),
        lambda r: undo(r, "x"),
    ):
        with pytest.raises(NoWorkTree, match=r"is a bare repository: nobody works in it\. Clone"):
            call(bare)
