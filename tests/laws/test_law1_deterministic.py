"""Law 1, deterministic: the same commit gives the same log, whoever reads it, wherever."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from history import (
    NOON,
    Branch,
    Commit,
    Delete,
    History,
    Merge,
    Operation,
    Rename,
    Side,
    Tag,
    environment,
    histories,
    history,
    temporary_home,
)
from hypothesis import given, settings
from notation import Repo
from tables import Tables, assert_same, falsified, file_of, fingerprint, patched, read, without_tags
from worker import Worker, started

import patina_lab as pt
from patina_lab.eventlog import build
from patina_lab.eventlog.digest import digest_sql

WHOLE = histories(damaged=False)
"""Histories that a clone can have in full."""

HOSTILE_CONFIGURATION = """
[core]
    abbrev = 4
    quotePath = false
    attributesFile = {attributes}
    bigFileThreshold = 1
    precomposeUnicode = true
    autocrlf = true
    commitGraph = false
[diff]
    algorithm = patience
    renames = false
    renameLimit = 1
    noprefix = true
    external = false
    ignoreSubmodules = all
    indentHeuristic = false
    orderFile = {order}
    wsErrorHighlight = all
[log]
    showSignature = true
    date = relative
    follow = true
    mailmap = false
    diffMerges = first-parent
[i18n]
    logOutputEncoding = ISO-8859-1
    commitEncoding = ISO-8859-1
[mailmap]
    file = {mailmap}
[format]
    pretty = oneline
[color]
    ui = always
[tag]
    sort = -version:refname
[merge]
    renames = false
[alias]
    diff-tree = log
"""

RICH: Sequence[Operation] = [
    Commit(
        (
            (b"a.py", "100644", b"a\nb\nc\n"),
            ("src/größe ü.py".encode(), "100755", b"x\n" * 40),
            (b"caf\xe9.txt", "100644", b"\0binary"),
            (b"new\nline.txt", "120000", b"a.py"),
            (b"sub", "160000", b"1" * 40),
            (b".gitattributes", "100644", b"*.py -diff\n"),
            (b".mailmap", "100644", b"Ann Lee <ann@example.org> <ann@work.example>\n"),
            (
                b"layer/sessions/20250301-0930.md",
                "100644",
                b"**Started**: 2025-03-01T09:30:00+05:45\n\n### 09:35 - Go\n- Key decision: one\n"
                b"- Key decision: two\n\n### 00:10 - Night\n- Insight: \xc3\xbc\n",
            ),
            (
                b".patina/shared/events/2025-03-01-042-x.json",
                "100644",
                b'{"event_id": "evt_042", "event_type": "decision_made", "author": "ann",'
                b' "timestamp": "2025-03-01T12:00:00",'
                b' "payload": {"decision": "\\u00fc", "z": 1.0}}',
            ),
            (b".patina/shared/events/2025-03-01-043-x.json", "100644", b"{"),
        ),
        author=b"J\xe5n <ann@work.example>",
        at=NOON,
        zone="+0545",
        message=b"latin \xe5\n\ncommit 1\n",
    ),
    Rename(3, b"src/moved.py", at=NOON),
    Commit(((b"src/moved.py", "100755", b"x\n" * 39 + b"y\n"),), at=0, zone="-0930"),
    Side("topic", 1, Commit(((b"b.py", "100644", b"one\r\ntwo"),), at=NOON, later=-3600)),
    Merge((0,), at=NOON),
    Tag("v1"),
    Tag("v2", 1, annotated_at=NOON),
    Branch("later"),
    Delete(0, at=4102444800),
    Commit((), b"nomail <>", at=NOON, message=b""),
]


def log_of(repo: Path, home: str, **options: object) -> tuple[str, Tables]:
    """Scrape; return digest and rows."""
    lab = pt.open(repo, home=home)
    result = lab.scrape(progress=False, **options)
    return result.digest, read(file_of(lab))


# -- clones -----------------------------------------------------------------------------


def make_hostile(repo: Repo) -> None:
    """Set everything inside a repository that could change what git prints for a commit."""
    attributes = repo.path / "info" / "attributes"
    attributes.parent.mkdir(exist_ok=True)
    attributes.write_text("* -diff binary\n*.py diff=x\n")
    for key, value in (
        ("diff.algorithm", "histogram"),
        ("diff.renames", "copies"),
        ("diff.x.textconv", "false"),
        ("core.abbrev", "5"),
        ("log.showRoot", "false"),
        ("i18n.logOutputEncoding", "latin1"),
    ):
        repo.git("config", key, value)
    shas = repo.history()
    if len(shas) > 1:
        repo.git("replace", "-f", shas[0], shas[-1])


def same_in_every_clone(operations: list[Operation]) -> None:
    """Check the law for clones: by what they have and how they lie on the disk."""
    with history(operations) as h, temporary_home() as home:
        digest, tables = log_of(h.repo.path, home)
        place = h.repo.path.parent
        mirror = h.repo.clone(place / "mirror.git", "--mirror")
        mirror.git("repack", "-adfq")
        make_hostile(mirror)
        linked = place / "linked"
        h.repo.git("worktree", "add", "-q", "--no-checkout", "--detach", str(linked))
        (linked / ".gitattributes").write_text("* -diff\n")
        (linked / ".mailmap").write_text("Nobody <nobody@example.org> <ann@example.org>\n")
        for other, options in ((mirror.path, {"jobs": 1}), (linked, {"jobs": 4})):
            other_digest, other_tables = log_of(other, home, **options)
            assert_same(tables, other_tables)
            assert other_digest == digest
        bare = h.repo.clone(place / "untagged", "--no-tags", "--no-checkout")
        other_digest, other_tables = log_of(bare.path, home)
        assert_same(without_tags(tables), without_tags(other_tables))
        assert other_digest == digest


@settings(max_examples=max(settings.default.max_examples // 3, 1))
@given(WHOLE)
def test_every_clone_gives_the_same_log(operations: list[Operation]) -> None:
    """Mirror, repacked, hostile configuration, linked work tree, without tags, 1 to 4 jobs."""
    same_in_every_clone(operations)


def test_a_rich_history_is_the_same_in_every_clone() -> None:
    """Odd paths, encodings, offsets, a merge, a rename, attributes, notes, events, tags."""
    same_in_every_clone(list(RICH))


def test_the_digest_covers_every_file_of_the_commit() -> None:
    """Also an event file whose type is that of a tag: only refs are left out."""
    event = (
        b'{"event_id": "e", "event_type": "git.tag", "timestamp": "2025-03-01T12:00:00Z",'
        b' "payload": {"name": "%s", "sha": "1", "object": "1", "annotated": false, "tagger": null,'
        b' "date": "2025-03-01", "message": null}}'
    )
    digests = set()
    for name in (b"one", b"other"):
        change = (b".patina/shared/events/x.json", "100644", event % name)
        with history([Commit(())]) as h, temporary_home() as home:
            sha = h.tip
            Commit((change,)).apply(h)
            digest, tables = log_of(h.repo.path, home)
            assert sha in {row[3] for row in tables["eventlog"]}
            events = [row for row in tables["eventlog"] if row[6] == "event_files"]
            assert [row[1] for row in events] == ["git.tag"]
            lab = pt.open(h.repo.path, home=home)
            digests.add(lab.log.where(source="event_files").digest)
            assert lab.log.as_of("2100-01-01").digest == digest
    assert len(digests) == 2


def test_control_tags_in_the_digest_are_caught() -> None:
    """A digest over the tags as well differs in a clone without them: the law finds it."""
    with_tags = digest_sql("SELECT * FROM eventlog")
    with patched((build, "DIGEST_SQL", with_tags)), pytest.raises(AssertionError):
        same_in_every_clone(list(RICH))


def test_control_the_work_trees_files_are_caught() -> None:
    """A mailmap read from the work tree gives other authors: the law finds it."""
    made = build.mailmap

    def from_work_tree(objects, content, identities):
        tree = objects.repository.work_tree
        loose = tree / ".mailmap" if tree else None
        return made(
            objects, loose.read_bytes() if loose and loose.exists() else content, identities
        )

    with patched((build, "mailmap", from_work_tree)):
        assert falsified(same_in_every_clone, WHOLE, max_examples=5)


# -- machines ---------------------------------------------------------------------------


@contextlib.contextmanager
def machine(place: Path, *options: str, hostile: bool = False, **env: str) -> Iterator[Worker]:
    """Start a process that could be another user's on another machine."""
    (place / "attributes").write_text("* -diff\n")
    (place / "order").write_text("*.md\n*\n")
    (place / "mailmap").write_text("Nobody <nobody@example.org> <ann@example.org>\n")
    (place / "gitconfig").write_text(
        HOSTILE_CONFIGURATION.format(
            attributes=place / "attributes", order=place / "order", mailmap=place / "mailmap"
        )
        if hostile
        else ""
    )
    user = {"GIT_CONFIG_GLOBAL": str(place / "gitconfig")} if hostile else {}
    with started(environment("unused") | user | env, *options) as running:
        yield running


def kathmandu(place: Path, *options: str) -> contextlib.AbstractContextManager[Worker]:
    """Return a user with a zone of 45 minutes, a locale, and a git that is all set up."""
    return machine(
        place, "threads=1", *options, hostile=True, TZ="Asia/Kathmandu", LANG="de_DE.UTF-8",
        LC_ALL="de_DE.UTF-8", LANGUAGE="de", PYTHONHASHSEED="1",
    )  # fmt: skip


def st_johns(place: Path, *options: str) -> contextlib.AbstractContextManager[Worker]:
    """Return a user behind UTC, with no locale, and with environment variables of git."""
    return machine(
        place, "threads=8", *options, TZ="America/St_Johns", LC_ALL="POSIX", PYTHONHASHSEED="2",
        PYTHONUTF8="0", GIT_DIR="/nowhere", GIT_INDEX_FILE="/nowhere/index", GIT_PAGER="false",
        GIT_EXTERNAL_DIFF="false", GIT_DIFF_OPTS="--unified=0", GIT_LITERAL_PATHSPECS="1",
        GIT_CONFIG_COUNT="1", GIT_CONFIG_KEY_0="diff.renames", GIT_CONFIG_VALUE_0="false",
    )  # fmt: skip


def same_for(worker: Worker, jobs: int, h: History) -> None:
    """Check the law for machines: a worker's log is the one that is made here."""
    with temporary_home() as home, temporary_home() as elsewhere:
        digest, tables = log_of(h.repo.path, home)
        other = worker.ask(do="scrape", repo=h.repo.path, home=elsewhere, jobs=jobs)
        assert other["digest"] == digest
        assert other["rows"] == fingerprint(tables)


@pytest.fixture(scope="module")
def workers(tmp_path_factory):
    first, second = tmp_path_factory.mktemp("kathmandu"), tmp_path_factory.mktemp("st-johns")
    with kathmandu(first) as one, st_johns(second) as other:
        yield one, other


@pytest.mark.slow
@settings(max_examples=max(settings.default.max_examples // 2, 1))
@given(operations=histories())
def test_every_machine_gives_the_same_log(workers, operations: list[Operation]) -> None:
    """Time zone, locale, git configuration and variables, hash seed, threads, processes."""
    with history(operations) as h:
        same_for(workers[0], 1, h)
        same_for(workers[1], 4, h)


def test_a_rich_history_is_the_same_on_every_machine(workers) -> None:
    """Odd paths, encodings, offsets, a merge, a rename, attributes, notes, events, tags."""
    with history(RICH) as h:
        same_for(workers[0], 4, h)
        same_for(workers[1], 1, h)


@pytest.mark.slow
@pytest.mark.parametrize("defect", ["digest_by_hash", "local_time", "users_configuration"])
def test_control_a_log_that_depends_on_its_reader_is_caught(defect: str, tmp_path) -> None:
    """The same comparison finds a hash seed, a time zone and a user's git configuration."""
    with (
        kathmandu(tmp_path, f"defect={defect}") as broken,
        history(RICH) as h,
        pytest.raises(AssertionError),
    ):
        same_for(broken, 2, h)
