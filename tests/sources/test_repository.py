"""Opening repositories of every shape, and saying in one sentence why one cannot be opened."""

from __future__ import annotations

import multiprocessing
import os
import shutil
from pathlib import Path

import pytest
from gitraw import RawRepo, clean_environment, clone, git, load, tip

import patina_lab as pt
from patina_lab.errors import (
    EmptyRepository,
    GitFailed,
    MissingTool,
    NotARepository,
    PatinaError,
    UnknownRevision,
    UnsafeRepository,
)
from patina_lab.sources.repository import Objects, mailmap, open_repository

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root may change owners")
NOBODY = 65534


@pytest.fixture
def repo(tmp_path):
    """Return a repository with one commit."""
    repo = RawRepo(tmp_path / "repo")
    repo.commit({"d/a.txt": "1\n"}, "only")
    return repo


def sees(place, sha):
    """Whether the history at `place` is the one commit `sha`."""
    return [sha] == list(load(place)[0])


# -- shapes ------------------------------------------------------------------------------


def test_a_folder_inside_a_work_tree_is_its_repository(repo):
    """Any folder will do; the repository is named by its root."""
    (repo.path / "d" / "deep").mkdir(parents=True)
    opened = open_repository(repo.path / "d" / "deep")
    assert (repo.path, repo.git_dir, repo.path) == (opened.path, opened.git_dir, opened.work_tree)
    assert (opened.name, opened.object_format, opened.shallow) == ("repo", "sha1", ())
    assert sees(repo.path / "d", repo.tip)


def test_the_current_folder_is_the_default(repo, monkeypatch):
    """``open_repository()`` opens where one stands."""
    monkeypatch.chdir(repo.path)
    assert repo.path == open_repository().path


@pytest.mark.parametrize(
    "name",
    [
        "with space",
        "caf\u00e9 \U0001f950",
        "new\nline",
        "a\u2028b\u0085c",
        'it\'s "q"',
        "%s{}$HOME",
        " ",
        "-C",
    ],
)
def test_a_path_may_hold_anything(tmp_path, name):
    """Also what other tools split at: every such repository opens, loads and is logged."""
    repo = RawRepo(tmp_path / name / "repo")
    repo.commit({"a": "1\n"})
    opened = open_repository(repo.path)
    assert (repo.path, repo.git_dir) == (opened.path, opened.git_dir)
    lab = pt.open(repo.path)
    assert lab.scrape(progress=False).events == 1
    assert len(lab.log.df()) == 1


def test_a_path_of_no_encoding_opens(tmp_path):
    """A folder's name is bytes; one that is no UTF-8 is a folder all the same."""
    place = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    repo = RawRepo(place)
    repo.commit({"a": "1\n"})
    assert place == open_repository(place).path
    assert sees(place, repo.tip)


def test_a_bare_repository_opens(tmp_path):
    """It has no work tree, and is called by its folder without .git."""
    repo = RawRepo(tmp_path / "store.git", bare=True)
    repo.commit({"a": "1\n"})
    opened = open_repository(repo.path)
    assert (None, repo.path, "store") == (opened.work_tree, opened.path, opened.name)
    assert sees(repo.path, repo.tip)


def test_a_bare_repository_without_a_config_file_opens(tmp_path):
    """Git itself can read it, although it is easily taken for a work tree."""
    repo = RawRepo(tmp_path / "store.git", bare=True)
    repo.commit({"a": "1\n"})
    (repo.path / "config").unlink()
    assert open_repository(repo.path).work_tree is None
    assert sees(repo.path, repo.tip)
    assert pt.open(repo.path).scrape(progress=False).events == 1


def test_a_linked_work_tree_reads_its_own_head(repo, tmp_path):
    """Objects are shared, HEAD and log are not."""
    git(repo.path, "worktree", "add", "-q", "--no-checkout", "-b", "side", tmp_path / "linked")
    first = repo.tip
    repo.commit({"d/a.txt": "2\n"})
    linked = open_repository(tmp_path / "linked")
    assert (tmp_path / "linked", repo.git_dir) == (linked.path, linked.common_dir)
    assert linked.git_dir == repo.git_dir / "worktrees" / "linked"
    assert sees(tmp_path / "linked", first)
    assert len(load(repo.path)[0]) == 2
    folders = {pt.open(place).store.folder for place in (repo.path, tmp_path / "linked")}
    assert len(folders) == 2


def test_a_submodule_is_a_repository_of_its_own(repo, tmp_path):
    """Inside it, its history is read and not that of the project around it."""
    inner = RawRepo(tmp_path / "inner")
    inner.commit({"lib.c": "int x;\n"})
    protocol = ("-c", "protocol.file.allow=always")
    who = clean_environment(GIT_AUTHOR_NAME="A", GIT_AUTHOR_EMAIL="a@x.org")
    git(repo.path, *protocol, "submodule", "--quiet", "add", inner.path, "vendor/lib", env=who)
    opened = open_repository(repo.path / "vendor" / "lib")
    assert repo.path / "vendor" / "lib" == opened.path
    assert opened.git_dir == repo.git_dir / "modules" / "vendor" / "lib"
    assert sees(repo.path / "vendor" / "lib", inner.tip)


def test_a_repository_of_sha256_names_opens(tmp_path):
    """Longer names, an own object format, and a log like any other."""
    repo = RawRepo(tmp_path / "repo", object_format="sha256")
    repo.commit({"a": "1\n"})
    repo.commit({"a": "2\n"})
    repo.tag("v1", repo.tip)
    assert open_repository(repo.path).object_format == "sha256"
    data, problem = tip(repo.path)
    assert (len(data["sha"]), problem) == (64, None)
    assert pt.open(repo.path).scrape(progress=False).by_type == {"git.commit": 2, "git.tag": 1}


def test_borrowed_objects_are_found(repo, tmp_path):
    """A clone with --shared has most of its objects in another repository."""
    git(tmp_path, "clone", "-q", "--shared", "--bare", repo.path, "borrower.git")
    assert sees(tmp_path / "borrower.git", repo.tip)


def test_the_environment_of_a_hook_does_not_redirect_anything(repo, tmp_path, monkeypatch):
    """In a hook GIT_DIR, GIT_INDEX_FILE and more are set for another repository."""
    other = RawRepo(tmp_path / "other")
    other.commit({"x": "1\n"})
    index = tmp_path / "index"
    for name, value in {
        "GIT_DIR": other.git_dir,
        "GIT_WORK_TREE": other.path,
        "GIT_INDEX_FILE": index,
        "GIT_OBJECT_DIRECTORY": other.git_dir / "objects",
        "GIT_COMMON_DIR": other.git_dir,
        "GIT_NAMESPACE": "n",
        "GIT_PREFIX": "d/",
        "GIT_CEILING_DIRECTORIES": repo.path.parent,
        "GIT_DEFAULT_HASH": "sha256",
    }.items():
        monkeypatch.setenv(name, str(value))
    assert repo.path == open_repository(repo.path).path
    assert sees(repo.path, repo.tip)
    assert pt.open(repo.path).scrape(progress=False, worktree=True).source_sha == repo.tip
    assert not index.exists()


# -- revisions ---------------------------------------------------------------------------


def test_a_commit_is_found_by_any_name_that_git_knows(repo):
    """Branch, tag, short sha, and what lies behind them."""
    first = repo.tip
    repo.tag("v1", first)
    repo.commit({"a": "2\n"})
    opened = open_repository(repo.path)
    names = ("main~1", "v1", first[:9], "HEAD^", "refs/tags/v1", "v1^{commit}", "main^{/only}")
    assert {first} == {opened.resolve(name) for name in names}


@pytest.mark.parametrize(
    "name", ["nope", "", "-x", "--all", "a\0b", "a\nb", "HEAD:d", "v9..main", "\ud800"]
)
def test_a_name_that_git_does_not_know_is_said_with_the_place(repo, name):
    """Whatever was typed, nothing runs away with it."""
    with pytest.raises(UnknownRevision) as caught:
        open_repository(repo.path).resolve(name)
    assert repr(name) in caught.value.message
    assert str(repo.path) in caught.value.message
    assert caught.value.hint.startswith("See them with: git log")


def test_a_tree_or_a_file_is_no_commit(repo):
    """They have names, too."""
    for oid in (repo.tree({"a": "1\n"}), repo.write("blob", b"1\n")):
        with pytest.raises(UnknownRevision):
            open_repository(repo.path).resolve(oid)


def test_an_empty_repository_is_said_to_be(tmp_path):
    """There is something to open, and nothing to scrape."""
    place = RawRepo(tmp_path / "empty").path
    assert "none yet; run lab.scrape()" in repr(pt.open(place))
    with pytest.raises(EmptyRepository, match="has no commit yet") as caught:
        pt.open(place).scrape(progress=False)
    assert str(place) in caught.value.message
    assert caught.value.hint.startswith("Commit something first")


def test_a_head_whose_commit_is_gone_is_not_called_empty(repo):
    """Damage is told from a fresh start."""
    repo.loose(repo.tip).unlink()
    with pytest.raises(GitFailed, match="missing or damaged") as caught:
        open_repository(repo.path).resolve("HEAD")
    assert repo.tip in caught.value.message
    assert "git fsck" in caught.value.hint


# -- what cannot be opened ---------------------------------------------------------------


def test_a_path_that_is_none(tmp_path):
    """The value comes back, with the next step."""
    with pytest.raises(NotARepository, match="does not exist") as caught:
        open_repository(tmp_path / "nope")
    assert str(tmp_path / "nope") in caught.value.message
    assert caught.value.hint == "Check its spelling."


@pytest.mark.parametrize("address", ["https://host.example/a/b.git", "git@host.example:a/b.git"])
def test_an_address_is_no_folder(address):
    """Nothing is fetched: whoever wants that clones."""
    with pytest.raises(NotARepository, match="is an address") as caught:
        open_repository(address)
    assert caught.value.hint.endswith(f"git clone {address}")


def test_a_folder_may_look_like_an_address(tmp_path, monkeypatch):
    RawRepo(tmp_path / "git@host.example:a")
    monkeypatch.chdir(tmp_path)
    assert open_repository("git@host.example:a").name == "git@host.example:a"


def test_a_file_is_no_repository(tmp_path):
    """Its folder may be one."""
    (tmp_path / "notes.md").write_text("x")
    with pytest.raises(NotARepository, match="is a file, not a folder") as caught:
        open_repository(tmp_path / "notes.md")
    assert caught.value.hint == f"Name its folder: {tmp_path}"


def test_a_folder_outside_any_repository(tmp_path):
    """And the command that makes one."""
    with pytest.raises(NotARepository, match="is not inside a git repository") as caught:
        open_repository(tmp_path)
    assert caught.value.hint == f"Make one with: git init {tmp_path}"


@pytest.mark.parametrize("content", ["gitdir: /nowhere/at/all\n", "nonsense\n", ""])
def test_a_git_file_that_leads_nowhere(tmp_path, content):
    """As in a work tree whose repository was moved."""
    (tmp_path / ".git").write_text(content)
    with pytest.raises(PatinaError) as caught:
        open_repository(tmp_path)
    assert isinstance(caught.value, NotARepository | GitFailed)
    assert str(tmp_path) in caught.value.message


def test_without_git_the_missing_program_is_named(tmp_path, monkeypatch):
    """Exit code 3: a tool is missing."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingTool, match="git is not on the PATH") as caught:
        open_repository(tmp_path)
    assert (caught.value.exit_code, "Install git" in caught.value.hint) == (3, True)


def as_nobody(function):
    """Return what `function` returns or raises in a process without privileges."""
    context = multiprocessing.get_context("fork")
    answers = context.Queue()

    def work():
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        try:
            answers.put(function())
        except Exception as err:
            answers.put((type(err), str(err), getattr(err, "hint", None)))

    process = context.Process(target=work)
    process.start()
    answer = answers.get(timeout=60)
    process.join()
    return answer


def give_away(place, owner=NOBODY):
    """Change the owner of a folder and all that is in it."""
    for path in (place, *place.rglob("*")):
        os.chown(path, owner, owner)


@pytest.fixture
def open_tmp_path(tmp_path):
    """Return a temporary folder that other users may enter."""
    for folder in (tmp_path, *tmp_path.parents[:3]):
        if folder.stat().st_uid == os.geteuid() and folder != Path("/tmp"):
            folder.chmod(folder.stat().st_mode | 0o055)
    return tmp_path


@AS_ROOT
def test_a_repository_of_another_user_is_refused_with_the_command_that_trusts_it(repo):
    """Git calls it dubious ownership; so do we, in words."""
    give_away(repo.path)
    with pytest.raises(UnsafeRepository, match="another user owns it") as caught:
        open_repository(repo.path)
    assert str(repo.path) in caught.value.message
    command = f"git config --global --add safe.directory {repo.path}"
    assert caught.value.hint == f"If you trust it: {command}"


@AS_ROOT
def test_a_trusted_repository_of_another_user_opens(repo, tmp_path, monkeypatch):
    """The command of the hint is enough, for opening and for reading."""
    give_away(repo.path)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    env = {**os.environ}
    git(tmp_path, "config", "--global", "--add", "safe.directory", repo.path, env=env)
    assert sees(repo.path, repo.tip)


def test_a_bare_repository_that_git_may_not_open_is_explained(tmp_path, monkeypatch):
    """Under safe.bareRepository=explicit git does not discover bare repositories."""
    repo = RawRepo(tmp_path / "store.git", bare=True)
    (tmp_path / "gitconfig").write_text("[safe]\n\tbareRepository = explicit\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    with pytest.raises(UnsafeRepository, match=r"safe\.bareRepository is 'explicit'") as caught:
        open_repository(repo.path)
    assert "'all'" in caught.value.hint


@AS_ROOT
@pytest.mark.parametrize("hidden", ["..", ".", ".git", ".git/objects"])
def test_a_folder_that_may_not_be_read_is_named(open_tmp_path, hidden):
    """Permission denied is never told as "not a repository, make one"."""
    repo = RawRepo(open_tmp_path / "outer" / "repo")
    repo.commit({"a": "1\n"})
    give_away(repo.path)
    place = (repo.path / hidden).resolve()
    os.chown(place, 0, 0)
    place.chmod(0o700)
    kind, said, hint = as_nobody(lambda: open_repository(repo.path))
    assert kind is NotARepository
    named = repo.path if hidden == ".." else place
    assert f"The folder {named} cannot be read: permission denied. {hint}" == said
    assert hint == "Ask its owner for read access."


# -- mailmap -----------------------------------------------------------------------------

MAILMAP = b"""\
Proper Ann <ann@x.org> <ANN@old.org>
Bob <bob@x.org> Bobby <b@old.org>
<new@x.org> <gone@x.org>
Just A. Name <named@x.org>
# a comment
nonsense line
"""


def proper(text, *identities, repo):
    with Objects(open_repository(repo.path)) as objects:
        return mailmap(objects, text, identities)


def test_identities_are_corrected_as_git_does(repo):
    """By address, by name and address, address only, name only; others stay."""
    found = proper(
        MAILMAP,
        ("ann", "ann@OLD.org"),
        ("Bobby", "b@old.org"),
        ("Other", "b@old.org"),
        ("X", "gone@x.org"),
        ("n", "named@x.org"),
        ("Zoe", "zoe@x.org"),
        repo=repo,
    )
    assert found == {
        ("ann", "ann@OLD.org"): ("Proper Ann", "ann@x.org"),
        ("Bobby", "b@old.org"): ("Bob", "bob@x.org"),
        ("Other", "b@old.org"): ("Other", "b@old.org"),
        ("X", "gone@x.org"): ("X", "new@x.org"),
        ("n", "named@x.org"): ("Just A. Name", "named@x.org"),
        ("Zoe", "zoe@x.org"): ("Zoe", "zoe@x.org"),
    }


@pytest.mark.parametrize("content", [None, b"", b"\0\xff garbage <<<>>>\n", MAILMAP])
def test_no_identity_is_too_odd_for_a_mailmap(repo, content):
    """Whatever the name holds, every identity has an answer, and the others keep theirs."""
    odd = [
        *(("", ""), (" ", " "), ("<", ">"), ("A <x> B", "a@x"), ("A", "b <c"), ("a\tb", "c d")),
        *(("\U0001f950", "e@x"), ('q"u,o;t', "o'@x"), ("\x1b[0m", "\x7f"), ("a\u2028b", "\u0085")),
        *(("Zoe", "zoe@x.org"), ("# a comment", "x"), ("-n", "--stdin")),
    ]
    assert {identity: identity for identity in odd} == proper(content, *odd, repo=repo)


@pytest.mark.parametrize("bare", [False, True], ids=["work tree", "bare"])
def test_the_mailmap_of_the_commit_counts_and_no_other(tmp_path, monkeypatch, bare):
    """Neither the work tree's, nor one of the user's, nor mailmap.blob or mailmap.file."""
    repo = RawRepo(tmp_path / "repo", bare=bare)
    repo.commit({"a": "1\n", ".mailmap": "Proper <ann@x.org>\n", "wrong": "Wrong <ann@x.org>\n"})
    (tmp_path / "wrong").write_text("Wrong <ann@x.org>\n")
    hostile = f"[mailmap]\n\tblob = HEAD:wrong\n\tfile = {tmp_path / 'wrong'}\n"
    (tmp_path / "gitconfig").write_text(hostile)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    config = repo.git_dir / "config"
    config.write_text(config.read_text() + hostile)
    if not bare:
        shutil.copy(tmp_path / "wrong", repo.path / ".mailmap")
    lab = pt.open(repo.path)
    lab.scrape(progress=False)
    (row,) = lab.sql("SELECT author_name, author_raw FROM commits").itertuples(index=False)
    assert tuple(row) == ("Proper", "Ann")


def test_a_mailmap_that_is_a_link_is_not_followed(tmp_path):
    """As git itself does, since a link could lead out of the repository."""
    repo = RawRepo(tmp_path / "repo")
    repo.commit({".mailmap": (b"120000", "names"), "names": "Wrong <ann@x.org>\n"})
    lab = pt.open(repo.path)
    lab.scrape(progress=False)
    assert lab.sql("SELECT author_name FROM commits")["author_name"].tolist() == ["Ann"]


# -- objects -----------------------------------------------------------------------------


def test_blobs_come_in_the_order_asked_with_none_for_those_missing(repo):
    """Also twice the same, an empty one, and more than a pipe holds."""
    one, two, empty = (repo.write("blob", b) for b in (b"1\n", b"x" * 200_000, b""))
    asked = [two, "1" * 40, one, two, empty, one] + [one] * 5000
    with Objects(open_repository(repo.path)) as objects:
        found = list(objects.blobs(asked))
        assert list(objects.blobs([])) == []
        assert {one, two} == objects.present([one, "1" * 40, two])
        assert objects.present([]) == set()
    assert asked == [oid for oid, _ in found]
    assert [None if content is None else len(content) for _, content in found[:6]] == [
        200_000,
        None,
        2,
        200_000,
        0,
        2,
    ]


def test_reading_of_blobs_may_be_given_up(repo):
    """Nobody waits for a pipe that nobody empties."""
    big = repo.write("blob", b"x" * 1_000_000)
    with Objects(open_repository(repo.path)) as objects:
        reading = objects.blobs([big] * 3)
        assert len(next(reading)[1]) == 1_000_000
        reading.close()


def test_a_tree_lists_files_links_and_no_submodules(repo):
    """Paths are bytes; submodules belong to another history."""
    repo.commit(
        {
            "a": "1",
            "d/\xe9".encode("latin-1"): "2",
            "l": (b"120000", "a"),
            "s": (b"160000", "1" * 40),
        }
    )
    with Objects(open_repository(repo.path)) as objects:
        found = [(mode, path) for mode, _, path in objects.tree(repo.tip)]
        assert found == [("100644", b"a"), ("100644", b"d/\xe9"), ("120000", b"l")]
        assert [path for *_, path in objects.tree(repo.tip, "a", "nope")] == [b"a"]
        assert objects.absent == {}


def test_a_tree_that_is_missing_is_noted_and_the_others_are_listed(repo):
    """As in a damaged repository, or a clone without trees."""
    repo.commit({"a": "1", "d/e/f": "2", "z/y": "3"})
    lost = repo.tree({"f": "2"})
    repo.loose(lost).unlink()
    with Objects(open_repository(repo.path)) as objects:
        assert [path for *_, path in objects.tree(repo.tip)] == [b"a", b"z/y"]
        assert {lost: b"d/e/"} == objects.absent
    root = repo.git("log", "-1", "--format=%T").decode().strip()
    repo.loose(root).unlink()
    with Objects(open_repository(repo.path)) as objects:
        assert objects.tree(repo.tip) == objects.tree(repo.tip, "a") == []
        assert {root: b""} == objects.absent


def test_the_scratch_directory_goes_away(repo):
    """Also after an error."""
    objects = Objects(open_repository(repo.path))
    assert objects._scratch.exists()
    with objects, pytest.raises(GitFailed):
        objects.run("rev-list", "1" * 40)
    assert not objects._scratch.exists()


def test_a_command_that_fails_says_gits_last_line(repo):
    """With the place; nothing of git's own prefix."""
    with pytest.raises(GitFailed, match=r"git rev-list stopped in .*repo: bad object") as caught:
        open_repository(repo.path).command("rev-list", "1" * 40)
    assert "fatal" not in caught.value.message


def test_a_shallow_clone_names_its_boundary(repo, tmp_path):
    """Sorted, and shared with its linked work trees."""
    repo.commit({"a": "2\n"})
    shallow = clone(repo.path, tmp_path / "shallow", "--depth=1")
    git(shallow, "worktree", "add", "-q", "--detach", tmp_path / "linked")
    assert (repo.tip,) == open_repository(shallow).shallow
    assert (repo.tip,) == open_repository(tmp_path / "linked").shallow
