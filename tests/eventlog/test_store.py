"""Where a log lies: atomic, immutable, and one clear sentence for whatever a disk can do."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import patina_lab as pt
from patina_lab.errors import CorruptLog, NoLog, PatinaError, StoreError, StoreFull
from patina_lab.eventlog.store import KEEP_AT, LogStore

sys.path.insert(0, str(Path(__file__).parents[1] / "sources"))
from gitraw import RawRepo

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
NOBODY = 65534


@pytest.fixture
def repo(tmp_path):
    """Return a repository with two commits."""
    repo = RawRepo(tmp_path / "repo")
    repo.commit({"a": "1\n"})
    repo.commit({"a": "2\n"})
    return repo


@pytest.fixture
def lab(repo):
    """Return its lab, scraped."""
    lab = pt.open(repo.path)
    lab.scrape(progress=False)
    return lab


def pointer(lab):
    return lab.store.folder / "current.json"


def log_file(lab):
    (found,) = lab.store.folder.glob("*.duckdb")
    return found


def is_one_sentence(err):
    """Whether the message is one line that ends in a stop, with a next step behind it."""
    assert len(err.message.splitlines()) == 1
    assert err.message.endswith(".")
    assert err.hint
    assert len(err.hint.splitlines()) == 1
    return True


# -- placing -----------------------------------------------------------------------------


def test_a_scrape_leaves_a_pointer_a_log_and_a_lock(lab):
    """And nothing else."""
    names = sorted(path.name for path in lab.store.folder.iterdir())
    assert [pointer(lab).name, log_file(lab).name, "scrape.lock"] == names
    assert json.loads(pointer(lab).read_text())["file"] == log_file(lab).name


def test_a_new_log_takes_the_place_of_the_old_one(lab, repo):
    """The file is another one; whoever has the old one open goes on reading it."""
    old_log, old_file = lab.log, log_file(lab)
    repo.commit({"a": "3\n"})
    assert lab.scrape(progress=False).events == 3
    assert log_file(lab) != old_file
    assert (len(old_log.df()), len(lab.log.df())) == (2, 3)


def test_what_a_killed_scrape_left_is_swept_away(lab, repo):
    """Its build folder, with whatever is in it."""
    left = lab.store.folder / "build-killed"
    left.mkdir()
    (left / "log.duckdb").write_bytes(b"half")
    repo.commit({"a": "3\n"})
    lab.scrape(progress=False)
    assert not left.exists()


def test_logs_of_other_commits_are_kept_for_a_while(lab, repo):
    """As many as a user is likely to come back to; the current one is never swept."""
    for n in range(KEEP_AT + 3):
        repo.commit({"a": f"{n}\n"})
    lab.scrape(progress=False)
    for n in range(1, KEEP_AT + 3):
        assert len(lab.log.as_of(f"HEAD~{n}").df()) == KEEP_AT + 5 - n
    assert len(list(lab.store.folder.glob("at-*.json"))) == KEEP_AT
    assert len(list(lab.store.folder.glob("*.duckdb"))) == KEEP_AT + 1
    assert len(pt.open(repo.path).log.df()) == KEEP_AT + 5


def test_a_scrape_waits_for_another_one(lab, repo):
    """The second finds what the first has made, and has nothing to do."""
    repo.commit({"a": "3\n"})
    code = f"import patina_lab as pt; print(pt.open({str(repo.path)!r}).scrape(progress=False).how)"
    running = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) for _ in range(2)
    ]
    said = sorted(process.communicate()[0].decode().strip() for process in running)
    assert said == ["incremental", "unchanged"]


# -- damage ------------------------------------------------------------------------------

DAMAGED_POINTERS = {
    "empty": b"",
    "truncated": b'{"file": "log-1',
    "binary": b"\xff\xfe\0",
    "array": b"[]",
    "null": b"null",
    "other keys": b'{"missing_objects": [], "x": 1}',
    "no file": b'{"missing_objects": []}',
}


@pytest.mark.parametrize("name", DAMAGED_POINTERS)
def test_a_damaged_pointer_is_said_and_the_next_scrape_mends_it(lab, repo, name):
    """With its path, and the command."""
    pointer(lab).write_bytes(DAMAGED_POINTERS[name])
    opened = pt.open(repo.path)
    with pytest.raises(CorruptLog) as caught:
        _ = opened.log
    assert str(pointer(lab)) in caught.value.message
    assert is_one_sentence(caught.value)
    assert caught.value.hint == "Make the log again: patina-lab scrape --rebuild"
    result = opened.scrape(progress=False)
    assert (result.how, result.events) == ("full", 2)
    assert "It was built anew." in result.notices[0]
    assert len(pt.open(repo.path).log.df()) == 2


DAMAGED_LOGS = {
    "empty": lambda raw: b"",
    "truncated": lambda raw: raw[:5000],
    "cut in half": lambda raw: raw[: len(raw) // 2],
    "garbage": lambda raw: random.Random(1).randbytes(9000),
    "header overwritten": lambda raw: bytes(5000) + raw[5000:],
}


@pytest.mark.parametrize("name", DAMAGED_LOGS)
def test_a_damaged_log_is_said_and_can_be_made_again(lab, repo, name):
    """It is derived, so nothing is lost."""
    digest = lab.digest
    log_file(lab).write_bytes(DAMAGED_LOGS[name](log_file(lab).read_bytes()))
    opened = pt.open(repo.path)
    with pytest.raises(CorruptLog) as caught:
        _ = opened.log
    assert str(log_file(lab)) in caught.value.message
    assert is_one_sentence(caught.value)
    again = opened.scrape(progress=False, rebuild=True)
    assert (again.how, again.digest) == ("full", digest)
    assert digest == pt.open(repo.path).digest


def test_a_log_that_is_gone_is_made_again_by_a_scrape(lab, repo):
    """A derived file may be deleted at any time."""
    digest = lab.digest
    log_file(lab).unlink()
    opened = pt.open(repo.path)
    with pytest.raises(CorruptLog, match="does not exist"):
        _ = opened.log
    assert opened.scrape(progress=False).digest == digest
    assert len(opened.log.df()) == 2


def test_a_damaged_log_is_not_built_upon(lab, repo):
    """The next scrape reads everything anew, and says so."""
    log_file(lab).write_bytes(random.Random(1).randbytes(log_file(lab).stat().st_size))
    repo.commit({"a": "3\n"})
    result = pt.open(repo.path).scrape(progress=False)
    assert (result.how, result.events) == ("full", 3)
    assert "It was built anew." in result.notices[0]


# -- places that cannot hold a log -------------------------------------------------------


def test_a_home_that_is_a_file_is_said(repo, tmp_path):
    """There is no log in it, and none can be put there."""
    (tmp_path / "home").write_text("x")
    lab = pt.open(repo.path, home=tmp_path / "home")
    assert "none yet" in repr(lab)
    with pytest.raises(NoLog):
        _ = lab.log
    with pytest.raises(StoreError, match="cannot be written") as caught:
        lab.scrape(progress=False)
    assert str(tmp_path / "home") in caught.value.message
    assert is_one_sentence(caught.value)
    assert caught.value.hint == "Set PATINA_HOME to a folder of yours."


def test_the_home_is_where_the_environment_says(repo, tmp_path, monkeypatch):
    """A tilde is the user's folder."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATINA_HOME", "~/logs of mine")
    folder = pt.open(repo.path).store.folder
    assert folder.parent == tmp_path / "logs of mine" / "logs"
    monkeypatch.delenv("PATINA_HOME")
    assert pt.open(repo.path).store.folder.parent == tmp_path / ".patina" / "logs"


def test_opening_makes_no_folder(repo, tmp_path):
    """Only a scrape writes."""
    lab = pt.open(repo.path, home=tmp_path / "home")
    repr(lab)
    with pytest.raises(NoLog):
        _ = lab.log
    assert not (tmp_path / "home").exists()


@contextlib.contextmanager
def entering(path):
    """Let other users enter the folders above `path` that are ours."""
    changed = []
    for folder in (path, *path.parents):
        status = folder.stat()
        if status.st_uid == os.geteuid() and not status.st_mode & 0o001:
            changed.append((folder, status.st_mode))
            folder.chmod(status.st_mode | 0o011)
    try:
        yield
    finally:
        for folder, mode in changed:
            folder.chmod(mode)


@AS_ROOT
def test_a_home_that_may_not_be_written_is_said(repo, tmp_path):
    """The folder, the reason, and what to set."""
    for path in (repo.path, *repo.path.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    with entering(tmp_path):
        context = multiprocessing.get_context("fork")
        answers = context.Queue()

        def work():
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            try:
                answers.put(pt.open(repo.path, home=home).scrape(progress=False).how)
            except PatinaError as err:
                answers.put((type(err), err.message, err.hint))

        process = context.Process(target=work)
        process.start()
        kind, message, hint = answers.get(timeout=60)
        process.join()
    assert (kind, hint) == (StoreError, "Set PATINA_HOME to a folder of yours.")
    assert str(home) in message
    assert message.endswith("cannot be written: Permission denied.")


@pytest.fixture
def mounted(tmp_path):
    """Return a function that mounts a small file system in memory; skip where it may not."""
    place = tmp_path / "mounted"
    place.mkdir()
    mounts = []

    def mount(options):
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "none", place], capture_output=True, check=False
        )
        if done.returncode:
            pytest.skip(f"cannot mount: {done.stderr.decode().strip()}")
        mounts.append(place)
        return place

    yield mount
    for folder in mounts:
        subprocess.run(["umount", "-l", folder], check=False)


@pytest.fixture
def wordy(tmp_path):
    """Return a repository whose log needs more than two megabytes."""
    repo = RawRepo(tmp_path / "wordy")
    noise = random.Random(1)
    for n in range(200):
        message = "".join(noise.choices("abcdefghijklmnopqrstuvwxyz \n", k=6000))
        repo.commit({f"f{n % 7}": f"{n}\n"}, message)
    return repo


@AS_ROOT
@pytest.mark.parametrize("size", ["64k", "600k", "1800k", "2200k"])
def test_a_full_disk_is_said_and_nothing_is_left_on_it(wordy, mounted, size):
    """Wherever it gets full: staging, writing, placing."""
    home = mounted(f"size={size}")
    with pytest.raises(StoreFull, match="No space is left") as caught:
        pt.open(wordy.path, home=home).scrape(progress=False)
    assert str(home) in caught.value.message
    assert is_one_sentence(caught.value)
    assert "PATINA_HOME" in caught.value.hint
    assert {path.name for path in home.rglob("*") if path.is_file()} <= {"scrape.lock"}


@AS_ROOT
def test_a_disk_that_gets_full_leaves_the_old_log_as_it_was(wordy, mounted):
    """It can be read, and grown again once there is room."""
    home = mounted("size=6m")
    lab = pt.open(wordy.path, home=home)
    before = lab.scrape(progress=False, at="HEAD~150")
    kept = {path.name: path.read_bytes() for path in lab.store.folder.iterdir()}
    (home / "ballast").write_bytes(bytes(shutil.disk_usage(home).free - 300_000))
    with pytest.raises(StoreFull, match="the log that was there is unchanged"):
        lab.scrape(progress=False)
    assert kept == {path.name: path.read_bytes() for path in lab.store.folder.iterdir()}
    assert pt.open(wordy.path, home=home).digest == before.digest
    (home / "ballast").unlink()
    assert pt.open(wordy.path, home=home).scrape(progress=False).events == 200


@AS_ROOT
def test_a_disk_that_is_read_only_is_said_and_its_log_can_be_read(repo, mounted):
    """As on a shared machine, or an image."""
    home = mounted("size=4m")
    digest = pt.open(repo.path, home=home).scrape(progress=False).digest
    subprocess.run(["mount", "-o", "remount,ro", home], check=True)
    lab = pt.open(repo.path, home=home)
    assert (lab.digest, len(lab.log.df())) == (digest, 2)
    assert lab.scrape(progress=False).how == "unchanged"
    repo.commit({"a": "3\n"})
    with pytest.raises(StoreError, match="Read-only file system") as caught:
        lab.scrape(progress=False)
    assert is_one_sentence(caught.value)


def test_a_store_without_a_log_has_no_manifest(tmp_path):
    """Nor one of another commit."""
    store = LogStore(tmp_path / "none")
    assert (store.manifest(), store.manifest_at("at-x")) == (None, None)
    with pytest.raises(NoLog, match="There is no log in"):
        store.open(None)
