"""Event folders with anything in them: each file is quarantined, none followed, none fatal."""

from __future__ import annotations

import json
import os
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st
from working import EVENTS, LOCAL

from patina_lab.project.read import _in_folder, read_local, read_shared
from patina_lab.sources.event_files import MAX_BYTES, EventFileSource
from patina_lab.sources.source import Problem, SourceFile

GOOD = {
    "event_id": "evt_001",
    "event_type": "observation_captured",
    "timestamp": "2025-03-07T12:00:00Z",
    "author": "ann",
    "sequence": 1,
    "payload": {"content": "Inputs are validated"},
}


def text(**changed):
    return json.dumps({**GOOD, **changed}).encode()


HOSTILE = {
    "truncated.json": (text()[:-9], "invalid JSON"),
    "empty.json": (b"", "empty file"),
    "binary.json": (bytes(range(256)), "not UTF-8"),
    "huge.json": (b" " * (MAX_BYTES + 1), "too large"),
    "deep.json": (b"[" * 100_000 + b"]" * 100_000, "too deep"),
    "twice.json": (text().replace(b'"author"', b'"author": "bob", "author"'), "duplicate key"),
    "types.json": (text(payload={"content": 3}), "invalid payload"),
    "nan.json": (text(payload={"content": "c", "n": float("nan")}), "invalid JSON"),
    "surrogate.json": (text(event_id="\ud800"), "not canonical JSON"),
    "digits.json": (text().replace(b": 1,", b": " + b"9" * 5000 + b","), "number too large"),
    "conflict.json": (b"<<<<<<< HEAD\n" + text(), "invalid JSON"),
}
SECRET = "the secret outside"


def reasons(problems):
    return {p.source_file.rpartition("/")[2]: p.reason for p in problems}


def fill(project, folder):
    for name, (content, _) in HOSTILE.items():
        project.write(f"{folder}/{name}", content)
    project.write(f"{folder}/2025-03-07-001-observation-captured.json", text())
    outside = project.path.parent / "outside"
    outside.mkdir()
    (outside / "x.json").write_bytes(text(payload={"content": SECRET}))
    (project.path / folder / "link.json").symlink_to(outside / "x.json")
    (project.path / folder / "loop.json").symlink_to("loop.json")
    (project.path / folder / "folder").symlink_to(outside)
    return {name: reason for name, (_, reason) in HOSTILE.items()} | {
        "link.json": "symbolic link",
        "loop.json": "symbolic link",
    }


def test_in_the_team_s_folder_each_is_quarantined_with_its_reason(project):
    """Read from the commit; the good one loads."""
    expected = fill(project, EVENTS)
    project.commit("hostile")
    found, problems = read_shared(project.repository)
    assert reasons(problems) == expected
    assert [f.text for f in found] == ["Inputs are validated"]


def test_in_one_s_own_folder_each_is_quarantined_with_its_reason(project, monkeypatch):
    """And what is no plain file is neither opened nor waited for."""
    expected = fill(project, LOCAL)
    folder = project.path / LOCAL
    os.mkfifo(folder / "pipe.json")
    (folder / "folder.json").mkdir()
    (folder / "folder.json/inside.json").write_bytes(text(event_id="inside"))
    (folder / "sealed.json").write_bytes(text())
    (folder / "sealed.json").chmod(0)
    with socket.socket(socket.AF_UNIX) as listening:
        monkeypatch.chdir(folder)  # the path of a socket must be short
        listening.bind("socket.json")
        found, problems = read_local(project.repository)
    expected |= {"pipe.json": "not a file", "socket.json": "unreadable"}
    if os.geteuid():
        expected["sealed.json"] = "unreadable"
    assert reasons(problems) == expected
    assert {f.event.source_id for f in found} == {"evt_001", "inside"}
    assert SECRET not in repr(found)


@pytest.mark.parametrize("part", [".patina", ".patina/local", ".patina/local/events"])
def test_a_folder_that_is_a_link_is_not_followed(project, part):
    outside = project.path.parent / "outside"
    (outside / "local/events/events").mkdir(parents=True)
    for place in outside.rglob("*"):
        if place.is_dir():
            (place / "x.json").write_bytes(text(payload={"content": SECRET}))
    place = project.path / part
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(outside)
    found, problems = read_local(project.repository)
    assert found == []
    assert [p.reason for p in problems] == ["symbolic link"]


def test_a_link_where_the_team_s_folder_belongs_is_said(project):
    """So git keeps the link as a file."""
    (project.path / ".patina/shared").mkdir(parents=True)
    (project.path / EVENTS).symlink_to("/etc")
    project.commit("link")
    found, problems = read_shared(project.repository)
    assert (found, [p.reason for p in problems]) == ([], ["not a folder"])


def _tree(project, entries):
    """Write a tree by hand: git itself refuses names that lead out."""
    rows = b"".join(b"%s %s\0" % (m, n) + bytes.fromhex(oid) for n, m, oid in entries)
    import subprocess

    return subprocess.run(
        ["git", "-C", project.path, "hash-object", "-w", "-t", "tree", "--literally", "--stdin"],
        input=rows, capture_output=True, check=True,
    ).stdout.decode().strip()  # fmt: skip


@pytest.mark.parametrize("name", ["..", ".", "..\\..\\x"])
def test_a_path_that_leads_out_is_quarantined(project, name):
    """In a tree made by hand; nothing is read or written by that path."""
    blob = project.git("hash-object", "-w", "--stdin", stdin=text().decode())
    if "\\" in name:
        tree = _tree(project, [(b"..\\..\\x.json", b"100644", blob)])
    else:
        inner = _tree(project, [(b"x.json", b"100644", blob)])
        tree = _tree(project, [(name.encode(), b"40000", inner)])
    for part in (b"events", b"shared", b".patina"):
        tree = _tree(project, [(part, b"40000", tree)])
    sha = project.git("commit-tree", "-m", "out", tree)
    found, problems = read_shared(project.repository, sha)
    assert (found, [p.reason for p in problems]) == ([], ["unsafe path"])


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (f"{EVENTS}/../../../x.json", "unsafe path"),
        (f"{EVENTS}//x.json", "unsafe path"),
        (f"{EVENTS}/..x.json", None),
        (f"{EVENTS}/a..b/x.json", None),
    ],
)
def test_the_source_refuses_paths_that_lead_out_and_no_others(path, reason):
    (one,) = EventFileSource().read(SourceFile(path, text()))
    assert getattr(one, "reason", None) == reason


def test_names_that_are_no_text_are_read(project):
    """A file name is bytes."""
    folder = project.path / LOCAL
    folder.mkdir(parents=True)
    with open(os.fsencode(folder) + b"/caf\xe9\n.json", "wb") as file:  # noqa: PTH123
        file.write(text())
    found, problems = read_local(project.repository)
    assert (len(found), problems) == (1, [])


@given(st.dictionaries(st.integers(0, 4), st.binary(max_size=300) | st.just(text()), max_size=5))
def test_no_content_is_fatal(tmp_path_factory, files):
    """Each file gives one event or one problem, whatever stands in it and beside it."""
    root = tmp_path_factory.mktemp("any")
    (root / LOCAL).mkdir(parents=True)
    for name, content in files.items():
        (root / LOCAL / f"{name}.json").write_bytes(content)
    out = list(_in_folder(root, LOCAL))
    assert len(out) == len(files)
    good = sum(content == text() for content in files.values())
    assert sum(not isinstance(one, Problem) for one in out) >= good
