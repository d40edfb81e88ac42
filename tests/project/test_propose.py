"""Proposals: an event file on a branch, and nothing of the user's is touched; undo."""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
from pathlib import Path

import pytest
from working import DAY, EVENTS, LOCAL, Project

import patina_lab as pt
from patina_lab.errors import (
    EmptyRepository,
    InvalidEvent,
    InvalidOption,
    MissingTool,
    NoAuthor,
    StoreError,
    UnknownName,
)
from patina_lab.project import branch as branches
from patina_lab.project.domains import add_domain
from patina_lab.project.init import init
from patina_lab.project.observe import add_local, observe
from patina_lab.project.places import DOMAINS
from patina_lab.project.propose import propose, proposed
from patina_lab.project.read import read_local, read_shared
from patina_lab.project.review import publish
from patina_lab.project.undo import undo

HOOKS = (
    *("pre-commit", "prepare-commit-msg", "commit-msg", "post-commit", "pre-push"),
    *("reference-transaction", "post-checkout", "post-rewrite", "post-index-change"),
)


def put(project, text="We label every bag", **about):
    return propose(project.repository, text, at=DAY, **{"type": "pattern", **about})


def fail_on_any_hook(project):
    folder = project.path / ".git/hooks"
    folder.mkdir(exist_ok=True)
    for hook in HOOKS:
        (folder / hook).write_text("#!/bin/sh\necho ran >> ../hooks-ran; exit 1\n")
        (folder / hook).chmod(0o755)


def dirty(project):
    """Staged, unstaged and untracked changes, a stash, a conflict marker file."""
    project.write("b.py", "two\n")
    project.git("add", "b.py")
    project.git("stash", "-q")
    project.write("a.py", "changed\n")
    project.write("c.py", "staged\n")
    project.git("add", "c.py")
    project.write("c.py", "and changed again\n")
    project.write("untracked.txt", "u\n")
    project.write(f"{EVENTS}/2025-03-07-007-by-hand.json", "{}")


def signing(project):
    project.git("config", "commit.gpgSign", "true")
    project.git("config", "tag.gpgSign", "true")
    project.git("config", "user.signingKey", "nobody")
    project.git("config", "gpg.program", "/bin/false")


def detached(project):
    project.write("a.py", "two\n")
    project.commit("second")
    project.git("checkout", "-q", "--detach", "HEAD~1")


def odd_config(project):
    for key, value in {
        "core.autocrlf": "true", "core.splitIndex": "true", "core.fsmonitor": "/bin/false",
        "core.untrackedCache": "true", "i18n.commitEncoding": "latin1", "core.quotePath": "false",
        "index.sparse": "true", "color.ui": "always", "push.default": "nothing",
        "core.hooksPath": "../hooks-elsewhere", "commit.template": "/nowhere",
    }.items():  # fmt: skip
        project.git("config", key, value)
    for place in (".gitattributes", ".git/info/attributes"):
        project.write(place, "*.json filter=broken text eol=crlf\n")
    project.git("config", "filter.broken.clean", "/bin/false")
    project.git("config", "filter.broken.required", "true")


def half_a_merge(project):
    project.git("checkout", "-q", "-b", "other")
    project.write("a.py", "theirs\n")
    project.commit("theirs")
    project.git("checkout", "-q", "main")
    project.write("a.py", "ours\n")
    project.commit("ours")
    project.git("merge", "other", check=False)


STATES = [dirty, fail_on_any_hook, signing, detached, odd_config, half_a_merge]


@pytest.mark.parametrize("state", STATES, ids=lambda s: s.__name__)
def test_nothing_of_the_user_s_is_touched(project, state):
    """HEAD, index, branch, stash, work tree and config are the same bytes, also after undo."""
    init(project.repository)
    note = observe(project.repository, "We label every bag", at=DAY)
    state(project)
    before = project.photograph()
    main = project.git("rev-parse", "main")
    made = propose(project.repository, note, type="pattern", at=DAY)
    assert project.photograph() == before
    assert not (project.path.parent / "hooks-ran").exists()
    assert project.git("diff", "--name-status", f"{made.base}..{made.branch}") == f"A\t{made.path}"
    undone = undo(project.repository, made, at=DAY)
    assert project.photograph() == before
    assert undone.branch == made.branch
    tree = project.git("rev-parse", f"{made.branch}^{{tree}}")
    assert tree == project.git("rev-parse", f"{made.base}^{{tree}}")
    assert project.git("rev-parse", "main") == main
    project.git("fsck", "--strict")


def test_control_porcelain_is_seen_by_the_photograph(project):
    """The same check catches what an ordinary commit on a branch does."""
    before = project.photograph()
    project.git("checkout", "-q", "-b", "add-pattern-001")
    project.write(f"{EVENTS}/x.json", "{}")
    project.commit("pattern")
    project.git("checkout", "-q", "main")
    assert project.photograph() != before


@pytest.mark.parametrize("change", ["stage", "config", "stash", "mode"])
def test_control_the_photograph_sees_each_small_change(project, change):
    project.write("b.py", "b\n")
    before = project.photograph()
    if change == "stage":
        project.git("add", "b.py")
    elif change == "config":
        project.git("config", "a.b", "c")
    elif change == "stash":
        project.git("stash", "-qu")
    else:
        (project.path / "b.py").chmod(0o755)
    assert project.photograph() != before


def test_the_commit_has_the_file_byte_for_byte(project):
    """No filter and no line-ending rule of the configuration has changed it."""
    odd_config(project)
    made = put(project)
    done = subprocess.run(
        ["git", "-C", project.path, "cat-file", "blob", f"{made.branch}:{made.path}"],
        capture_output=True, check=True,
    )  # fmt: skip
    assert b"\r" not in done.stdout
    assert done.stdout.startswith(b'{\n  "event_id": "evt_001",')
    (found,), _ = read_shared(project.repository, made.branch)
    assert found.event.event_id == made.event.event_id


def test_the_commit_says_who_when_and_what(project):
    """And the same call gives the same commit, in another clone too."""
    project.git("clone", "-q", ".", "../twin")
    twin = Project(project.path.parent / "twin")
    twin.git("remote", "remove", "origin")
    one = put(project, author="Bob <bob@x.org>")
    two = put(twin, author="Bob <bob@x.org>")
    assert one.commit == two.commit
    said = project.git("show", "-s", "--format=%an|%ae|%cn|%aI|%s", one.branch)
    when = "2025-03-07T12:00:00+00:00"
    assert said == f"Bob|bob@x.org|Bob|{when}|pattern: We label every bag"
    assert f"sha256:{one.event.event_id}" in project.git("show", "-s", "--format=%b", one.branch)
    assert project.git("show", "-s", "--format=%G?", one.branch) == "N"


def test_a_linked_work_tree_proposes_too(project):
    """`.git` is a file there; the branch is the repository's."""
    init(project.repository)
    project.git("worktree", "add", "-q", "-b", "side", "../linked")
    linked = Project(project.path.parent / "linked")
    observe(linked.repository, "noted in the linked one", at=DAY)
    before = (project.photograph(), linked.photograph())
    made = put(linked)
    assert (project.photograph(), linked.photograph()) == before
    assert project.git("rev-parse", made.branch) == made.commit
    assert read_local(project.repository)[0] == []
    assert len(read_local(linked.repository)[0]) == 1


def test_hooks_and_signing_that_were_skipped_are_said(project):
    """Plumbing runs neither: the result tells."""
    assert put(project).notices == ()
    fail_on_any_hook(project)
    signing(project)
    hooks, signed = put(project).notices
    assert "pre-commit" in hooks
    assert "commit.gpgSign" in signed


def test_a_domain_that_is_not_declared_is_said(project):
    """Only where some are: and a manifest that is broken stops no proposal."""
    init(project.repository)
    assert put(project, domains="git,rust").notices == ()
    add_domain(project.repository, "git")
    assert put(project, domains="git").notices == ()
    (notice,) = put(project, domains="git,rust").notices
    assert notice == "a new domain: rust; declare with `patina-lab domain add rust`"
    project.write(DOMAINS, "{")
    (notice,) = put(project, domains="rust").notices
    assert "domains.manifest cannot be read" in notice


def test_the_number_is_the_next_over_all_branches_and_the_work_tree(project):
    """Recomputed at the last moment; two proposals do not get the same."""
    assert [put(project).sequence for _ in range(3)] == [1, 2, 3]
    project.write(f"{EVENTS}/2025-01-01-041-x.json", "{}")
    assert put(project, type="decision").branch == "add-decision-042"
    project.git("update-ref", "refs/remotes/origin/x", "add-decision-042")
    project.git("branch", "-D", "add-decision-042")
    assert put(project).sequence == 43


def test_a_branch_of_that_name_is_not_touched(project):
    project.git("branch", "add-pattern-001")
    made = put(project)
    assert made.branch == "add-pattern-001-2"
    assert project.git("rev-parse", "add-pattern-001") == project.git("rev-parse", "main")


def test_two_branches_mint_the_same_number_merge_and_load(project):
    """As two people in two clones do; git sees no conflict, each gets a label of its own."""
    project.git("clone", "-q", ".", "../bob")
    bob = Project(project.path.parent / "bob")
    ours = propose(project.repository, "Use DuckDB", type="decision", at=DAY)
    theirs = propose(bob.repository, "Label bags", type="pattern", at=DAY, author="Bob")
    assert ours.sequence == theirs.sequence == 1
    project.git("fetch", "-q", str(bob.path), f"{theirs.branch}:{theirs.branch}")
    project.merge(ours.branch)
    project.merge(theirs.branch)
    found, problems = read_shared(project.repository)
    assert problems == []
    assert {f.label for f in found} == {"evt_001-1", "evt_001-2"}
    lab = pt.open(project.path)
    assert lab.scrape(progress=False).by_type["decision_made"] == 1
    assert lab.conflicts()["kind"].tolist() == ["same number"]
    assert put(project).sequence == 2


def test_it_starts_from_the_remote_s_main_branch(project):
    """A proposal from a feature branch does not bring the feature along."""
    project.git("clone", "-q", ".", "../clone")
    clone = Project(project.path.parent / "clone")
    clone.git("config", "user.name", "Bob")
    clone.git("config", "user.email", "bob@x.org")
    clone.git("checkout", "-q", "-b", "feature")
    clone.write("a.py", "feature\n")
    clone.commit("feature")
    assert put(clone).base == project.git("rev-parse", "main")
    assert put(clone, base="feature").base == clone.git("rev-parse", "feature")
    # A remote that was pushed to first has no HEAD here.
    clone.git("remote", "set-head", "origin", "--delete")
    assert put(clone).base == project.git("rev-parse", "main")


def test_a_note_keeps_its_words_and_is_linked(project):
    """From local to shared by an event of its own; from shared to local by a hash."""
    note = observe(project.repository, "Dry the beans", type="pattern", domains="beans", at=DAY)
    made = propose(project.repository, from_=note.event.source_id, at=DAY)
    assert made.event.data == {
        "content": "Dry the beans",
        "observation_type": "pattern",
        "source_type": "local",
        "source_id": note.event.event_id,
        "domains": ["beans"],
    }
    _, link = (f.event for f in read_local(project.repository)[0])
    assert (link.event_type, link.data) == (
        "observation_proposed",
        {
            "event": note.event.event_id,
            "proposed_event": made.event.event_id,
            "path": made.path,
            "branch": made.branch,
        },
    )
    pattern = propose(project.repository, note, type="pattern", name="dry_beans", at=DAY)
    assert pattern.event.data["pattern_name"] == "dry_beans"
    assert pattern.event.data["domains"] == ["beans"]


@pytest.mark.parametrize(
    ("about", "payload"),
    [
        (
            {"type": "decision", "rationale": "r", "alternatives": ["a", "b"], "context": "c"},
            {
                "decision": "T", "rationale": "r", "alternatives": ["a", "b"], "context": "c",
                "domains": ["x"],
            },
        ),
        (
            {"type": "pattern", "evidence": ["a.py"]},
            {"pattern_name": "t", "content": "T", "evidence": ["a.py"], "domains": ["x"]},
        ),
        ({}, {"source_type": "manual", "content": "T", "domains": ["x"]}),
        (
            {"type": "belief", "payload": {"confidence": 0.8}},
            {"belief": "T", "confidence": 0.8, "domains": ["x"]},
        ),
        ({"type": "tea_brewed"}, {"content": "T", "domains": ["x"]}),
    ],
)  # fmt: skip
def test_all_types_can_be_proposed_also_unknown_ones(project, about, payload):
    made = propose(project.repository, "T", domains="X", at=DAY, **about)
    assert made.event.data == payload


def test_a_note_of_any_type_stays_of_its_type(project):
    note = add_local(project.repository, "tea_brewed", {"minutes": 4}, at=DAY)
    made = propose(project.repository, note, at=DAY)
    assert (made.event.event_type, made.event.data["minutes"]) == ("tea_brewed", 4)
    assert "content" not in made.event.data


def test_one_alternative_may_be_a_text(project):
    made = put(project, type="decision", alternatives="SQLite", evidence="a.py")
    assert (made.event.data["alternatives"], made.event.data["evidence"]) == (["SQLite"], ["a.py"])


def test_an_event_from_before_git_s_time_can_be_proposed(project):
    """The event keeps its time; the commit has the first one that git knows."""
    made = propose(project.repository, "moon landing", at="1969-07-20")
    assert made.path == f"{EVENTS}/1969-07-20-001-observation-captured.json"
    assert project.git("show", "-s", "--format=%at", made.branch) == "0"


def test_an_event_of_any_type_without_a_text(project):
    made = propose(project.repository, type="tea_brewed", payload={"minutes": 4}, at=DAY)
    assert made.event.data == {"minutes": 4}
    assert made.path == f"{EVENTS}/2025-03-07-001-tea-brewed.json"


@pytest.mark.parametrize(
    ("what", "about", "error", "part"),
    [
        (None, {}, InvalidEvent, "nothing to propose"),
        ("  ", {}, InvalidEvent, "nothing to propose"),
        (None, {"type": "decision"}, InvalidEvent, "decision: Field required"),
        ("x", {"type": "belief"}, InvalidEvent, "confidence: Field required"),
        ("x", {"name": "n"}, InvalidOption, "has no name"),
        ("x", {"domains": "a b"}, InvalidOption, "no name of a domain"),
        ("x", {"branch": "a..b"}, InvalidOption, "no name of a branch"),
        ("x", {"author": " <x>"}, InvalidOption, "has no name"),
        (None, {"from_": "loc_9"}, UnknownName, "loc_9"),
    ],
)
def test_what_cannot_be_proposed_is_said_and_leaves_nothing(project, what, about, error, part):
    with pytest.raises(error, match=part):
        propose(project.repository, what, at=DAY, **about)
    assert project.git("branch", "--format=%(refname:short)") == "main"


def test_no_author_and_no_commit_are_said(project, tmp_path):
    project.git("config", "--unset", "user.name")
    with pytest.raises(NoAuthor, match=r"user\.name"):
        put(project)
    assert put(project, author="Ann").event.actor == "Ann"
    (tmp_path / "empty").mkdir()
    empty = Project(tmp_path / "empty")
    empty.git("init", "-q")
    with pytest.raises(EmptyRepository):
        put(empty, author="Ann")


def test_no_e_mail_address_is_no_fault(project):
    project.git("config", "--unset", "user.email")
    made = put(project)
    assert project.git("show", "-s", "--format=%an <%ae>", made.branch) == "Ann <>"


def test_the_configured_folder_is_used(project):
    project.write("pyproject.toml", '[tool.patina_lab]\nevents = "notes/events"\n')
    project.commit("configure")
    assert put(project).path == "notes/events/2025-03-07-001-pattern-identified.json"
    assert put(project).sequence == 2


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_both_object_formats(tmp_path, object_format):
    (tmp_path / "r").mkdir()
    repo = Project(tmp_path / "r")
    repo.git("init", "-q", f"--object-format={object_format}")
    repo.git("config", "user.name", "Ann")
    repo.git("config", "user.email", "a@x")
    repo.write("a", "a")
    repo.commit("first")
    made = put(repo)
    undo(repo.repository, made, at=DAY)
    assert read_shared(repo.repository, made.commit)[0][0].text == "We label every bag"


# -- pushing, only when asked ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "request_"),
    [
        ("git@github.com:a/b.git", "gh pr create --head add-pattern-001"),
        ("https://github.com/a/b", "gh pr create --head add-pattern-001"),
        ("ssh://git@gitlab.example.org/a/b", "glab mr create --source-branch add-pattern-001"),
        ("/srv/git/b.git", None),
        ("https://github.com.evil.example/a", None),
    ],
)
def test_the_commands_are_told_and_not_run(project, address, request_):
    project.git("remote", "add", "origin", address)
    push, *rest = put(project, "It's ours; $(rm -rf /)").commands
    assert push == "git push -u origin add-pattern-001"
    assert [command.startswith(request_) for command in rest] == ([True] if request_ else [])
    for command in rest:
        assert "pattern: It's ours; $(rm -rf /)" in shlex.split(command)


def test_without_a_remote_the_command_is_a_merge(project):
    made = put(project)
    assert made.commands == ("git merge --no-ff add-pattern-001",)
    with pytest.raises(StoreError, match="no remote"):
        publish(project.repository, made.commands)


def test_publish_pushes_and_asks_for_a_review(project, tmp_path, monkeypatch):
    """With a `gh` that writes down how it was called."""
    project.git("init", "-q", "--bare", str(tmp_path / "server.git"))
    project.git("remote", "add", "origin", "git@github.com:a/b.git")
    project.git("config", f"url.{tmp_path}/server.git.insteadOf", "git@github.com:a/b.git")
    made = put(project)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    if Path("/usr/bin/gh").exists():
        pytest.skip("this machine has a gh of its own")
    with pytest.raises(MissingTool, match="gh"):
        publish(project.repository, made.commands)
    pushed = ["git", "-C", str(tmp_path / "server.git"), "branch", "--format=%(refname:short)"]
    assert subprocess.run(pushed, capture_output=True, text=True, check=True).stdout == ""
    (tmp_path / "bin").mkdir()
    gh = tmp_path / "bin/gh"
    gh.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/called\necho opened\n')
    gh.chmod(gh.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin{os.pathsep}/usr/bin:/bin")
    assert "opened" in publish(project.repository, made.commands)[-1]
    told = subprocess.run(pushed, capture_output=True, text=True, check=True).stdout
    assert told == "add-pattern-001\n"
    assert "pattern: We label every bag" in (tmp_path / "called").read_text().splitlines()


# -- undo ------------------------------------------------------------------------------------------


def test_undo_of_what_is_merged_is_a_branch_to_review(project):
    """Everything else that came since stays."""
    made = put(project)
    project.merge(made.branch)
    project.git("branch", "-D", made.branch)
    project.write("a.py", "later\n")
    project.commit("later")
    before = project.photograph()
    undone = undo(project.repository, "evt_001", at=DAY)
    assert project.photograph() == before
    assert undone.branch == "undo-2025-03-07-001-pattern-identified"
    assert undone.reverted == made.commit
    body = project.git("show", "-s", "--format=%B", undone.branch)
    assert body.startswith('Revert "pattern: We label every bag"\n\nThis reverts commit ')
    project.merge(undone.branch)
    assert read_shared(project.repository)[0] == []
    assert (project.path / "a.py").read_text() == "later\n"
    with pytest.raises(UnknownName):
        undo(project.repository, made, at=DAY)


def test_undo_by_branch_by_id_and_twice(project):
    one, two = put(project), put(project, "Use DuckDB", type="decision")
    assert undo(project.repository, one.branch, at=DAY).path == one.path
    assert undo(project.repository, "evt_002", at=DAY).branch == two.branch
    assert proposed(project.repository) == []
    with pytest.raises(UnknownName, match="undone already"):
        undo(project.repository, two, at=DAY)
    with pytest.raises(UnknownName):
        undo(project.repository, "evt_002", at=DAY)


def test_undo_leaves_a_branch_that_is_checked_out_where_it_is(project):
    """Its work tree would seem to have changed: a new branch gets the revert."""
    made = put(project)
    project.git("worktree", "add", "-q", "../review", made.branch)
    review = Project(project.path.parent / "review")
    before = (project.photograph(), review.photograph())
    undone = undo(project.repository, made, at=DAY)
    assert (project.photograph(), review.photograph()) == before
    assert undone.branch == "undo-2025-03-07-001-pattern-identified"
    assert review.git("rev-parse", "HEAD") == made.commit


def test_undo_of_a_note_deletes_it(project):
    """Nobody else has seen it; its number is free again, its identity is not reused."""
    note = observe(project.repository, "wrong", at=DAY)
    undone = undo(project.repository, "loc_001")
    assert (undone.branch, list((project.path / LOCAL).iterdir())) == (None, [])
    other = observe(project.repository, "right", at=DAY)
    assert other.event.event_id != note.event.event_id
    undo(project.repository, other)
    with pytest.raises(StoreError):
        undo(project.repository, other)


def test_undo_asks_which_where_a_name_is_of_several(project):
    put(project, branch="one")
    made = put(project, branch="two")
    project.git("branch", "three", made.commit)
    with pytest.raises(UnknownName, match="on 2 branches"):
        undo(project.repository, "evt_002")
    assert undo(project.repository, "three", at=DAY).branch == "three"


def test_control_a_branch_that_moved_meanwhile_is_not_overwritten(project):
    """What somebody else committed on the branch would be lost."""
    made = put(project)
    author = branches.Author("Ann", "")
    with pytest.raises(StoreError):
        branches.move(project.repository, made.branch, made.base, made.base, author, "why")
    assert project.git("rev-parse", made.branch) == made.commit


def test_what_was_merged_and_taken_back_is_proposed_no_more(project):
    """The old branch still has the file, and merging it again would bring nothing."""
    made = put(project)
    project.git("branch", "-q", "long-lived", made.branch)
    assert len(proposed(project.repository)) == 2
    project.merge(made.branch)
    gone = undo(project.repository, "evt_001", at=DAY)
    project.merge(gone.branch)
    assert read_shared(project.repository)[0] == []
    assert proposed(project.repository) == []


def test_a_branch_without_common_history_proposes_what_it_has(project):
    made = put(project)
    project.git("switch", "-q", "--orphan", "other")
    (project.path / "b.py").write_text("other\n")
    project.commit("another beginning")
    assert [branch for branch, _ in proposed(project.repository)] == [made.branch]
