"""Opening a git repository, and reading its objects as git would for anyone.

What a repository *says* must not depend on who asks.  User and system configuration,
``.gitattributes`` of the work tree, ``info/attributes``, replace refs, grafts and promisor
remotes all change what git prints for the same commit.  So the objects are read through a
scratch git directory that has none of these: it holds a HEAD, an object format and the
list of shallow commits, and borrows the object store by ``GIT_OBJECT_DIRECTORY``.  Nothing
is written into the repository, nothing is fetched for it.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING

from patina_lab.errors import (
    EmptyRepository,
    GitFailed,
    MissingTool,
    NotARepository,
    UnknownRevision,
    UnsafeRepository,
)

if TYPE_CHECKING:
    import git

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://|[\w.-]+@[\w.-]+:")
_EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


def _environment(**extra: str) -> dict[str, str]:
    """Return the environment for git: the user's, without GIT_* and with English messages.

    A hook or a rebase runs with GIT_DIR and GIT_INDEX_FILE set; they would redirect every
    command.  The configuration variables of the user stay out of reading altogether, but
    ``safe.directory`` lives there, so opening (not reading) still sees them.
    """
    env = {k: v for k, v in os.environ.items() if not k.startswith("GIT_") or k == "GIT_EXEC_PATH"}
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"):
        if name in os.environ:
            env[name] = os.environ[name]
    env.update(
        LC_ALL="C",
        GIT_OPTIONAL_LOCKS="0",
        GIT_TERMINAL_PROMPT="0",
        GIT_NO_REPLACE_OBJECTS="1",
        GIT_NO_LAZY_FETCH="1",
        **extra,
    )
    return env


def _run(
    args: Sequence[str], env: dict[str, str], stdin: bytes | None = None
) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            args,
            env=env,
            input=stdin if stdin is not None else b"",
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as err:
        raise MissingTool(
            "The program git is not on the PATH.", "Install git, or run ./run doctor."
        ) from err


@dataclass(frozen=True)
class Repository:
    """A git repository on this machine, opened for reading.

    Parameters
    ----------
    path : Path
        The work tree's root, or the git directory of a bare repository.
    git_dir, common_dir : Path
        The git directory, and the one shared between linked work trees (often the same).
    work_tree : Path or None
        None for a bare repository.
    object_format : str
        ``sha1`` or ``sha256``.
    """

    path: Path
    git_dir: Path
    common_dir: Path
    work_tree: Path | None
    object_format: str

    @property
    def name(self) -> str:
        """The folder's name, without ``.git``."""
        return self.path.name.removesuffix(".git") or self.path.name

    @cached_property
    def gitpython(self) -> git.Repo:
        """The same repository as a GitPython object."""
        import git

        return git.Repo(self.work_tree or self.git_dir, expand_vars=False)

    @property
    def shallow(self) -> tuple[str, ...]:
        """The boundary commits of a shallow clone, sorted; empty for a whole one."""
        try:
            text = (self.common_dir / "shallow").read_text()
        except FileNotFoundError:
            return ()
        return tuple(sorted(text.split()))

    def command(
        self, *args: str, stdin: bytes | None = None, environment: Mapping[str, str] | None = None
    ) -> bytes:
        """Run a git command on the repository itself (refs, not contents).

        `environment` is added to what git sees, such as ``GIT_INDEX_FILE=…``.

        Raises
        ------
        GitFailed
            With git's own last line.
        """
        env = _environment(**(environment or {}))
        done = _run(["git", f"--git-dir={self.git_dir}", *args], env, stdin)
        if done.returncode:
            raise GitFailed(f"git {args[0]} stopped in {self.path}: {_last_line(done.stderr)}")
        return done.stdout

    def resolve(self, revision: str) -> str:
        """Return the full sha of the commit that `revision` names.

        Raises
        ------
        EmptyRepository
            HEAD has no commit yet.
        UnknownRevision
            Nothing of that name, or it is no commit.
        """
        if not isinstance(revision, str):
            raise UnknownRevision(f"{revision!r} names no commit.", "Give a sha, branch or tag.")
        unknown = UnknownRevision(
            f"There is no commit, branch or tag {revision!r} in {self.path}.",
            "See them with: git log --oneline --all --decorate",
        )
        try:
            sayable = b"\0" not in os.fsencode(revision)
        except UnicodeEncodeError:
            sayable = False
        if not sayable:
            raise unknown
        done = _run(
            [
                "git",
                f"--git-dir={self.git_dir}",
                *("rev-parse", "--verify", "--quiet", "--end-of-options"),
                f"{revision}^{{commit}}",
            ],
            _environment(),
        )
        sha = done.stdout.decode().strip()
        if done.returncode == 0 and sha:
            return sha
        if revision == "HEAD":
            self._refuse_missing_head()
            raise EmptyRepository(
                f"The repository {self.path} has no commit yet (HEAD is unborn).",
                "Commit something first, or name a branch with --at.",
            )
        raise unknown

    def _refuse_missing_head(self) -> None:
        """Tell a HEAD whose commit is gone from one that never had any."""
        asked = ["git", f"--git-dir={self.git_dir}", "rev-parse", "--verify", "--quiet", "HEAD"]
        named = _run(asked, _environment()).stdout.decode().strip()
        if named:
            raise GitFailed(
                f"HEAD of {self.path} names the commit {named}, which is missing or damaged.",
                "Try: git fsck, then fetch the repository again.",
            )

    def tags(self) -> list[tuple[str, str]]:
        """Return every tag as ``(name, object)``, sorted by name.

        Only the refs are read: what a tag leads to may be missing.
        """
        fields = "--format=%(objectname) %(refname:strip=2)"
        out = self.command("for-each-ref", "--sort=refname", fields, "refs/tags")
        # A ref's name cannot hold a line break, so lines may be split.
        split = [line.split(b" ", 1) for line in out.split(b"\n")[:-1]]
        return [(_text(name), oid.decode()) for oid, name in split]


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")


def _last_line(stderr: bytes) -> str:
    lines = [line for line in _text(stderr).splitlines() if line.strip()]
    return lines[-1].removeprefix("fatal: ") if lines else "no message"


def open_repository(path: str | os.PathLike[str] = ".") -> Repository:
    """Open the git repository that `path` lies in.

    Parameters
    ----------
    path : path
        A work tree or any folder in it, a linked work tree, a submodule, a bare repository.

    Raises
    ------
    NotARepository, UnsafeRepository, MissingTool
    """
    place = Path(path).expanduser()
    try:
        here = place.exists()
    except PermissionError as err:
        raise _unreadable(place) from err
    if not here and isinstance(path, str) and _ADDRESS.match(path):
        raise NotARepository(
            f"{path} is an address, and only folders are read.",
            f"Clone it, and open the clone: git clone {path}",
        )
    if not here:
        raise NotARepository(f"The path {place} does not exist.", "Check its spelling.")
    if not place.is_dir():
        raise NotARepository(
            f"{place} is a file, not a folder.", f"Name its folder: {place.parent}"
        )
    none_here = NotARepository(
        f"{place} is not inside a git repository.", f"Make one with: git init {place}"
    )
    asked = _run(
        ["git", "-C", str(place), "rev-parse", "--absolute-git-dir", "--is-bare-repository"],
        _environment(),
    )
    if asked.returncode:
        _refuse(place, _text(asked.stderr), none_here)
    import git  # after the first command: without the program this import fails

    try:
        # One answer a line; the last is a word, so the path may hold line breaks itself.
        found = os.fsdecode(asked.stdout.removesuffix(b"\n").rpartition(b"\n")[0])
        opened = git.Repo(found, expand_vars=False)
    except (git.InvalidGitRepositoryError, git.NoSuchPathError, PermissionError) as err:
        raise none_here from err
    git_dir = Path(opened.git_dir)
    opened.close()
    # Not GitPython's: that one believes GIT_COMMON_DIR, which a hook may have set.
    common = git_dir
    with contextlib.suppress(FileNotFoundError):
        common /= os.fsdecode((git_dir / "commondir").read_bytes().removesuffix(b"\n"))
    asked = _run(
        ["git", "-C", str(place), "rev-parse", "--show-object-format", "--show-toplevel"],
        _environment(),
    )
    object_format, _, root = asked.stdout.removesuffix(b"\n").partition(b"\n")
    work_tree = Path(os.fsdecode(root)) if asked.returncode == 0 and root else None
    return Repository(
        path=work_tree or git_dir,
        git_dir=git_dir,
        common_dir=common.resolve(),
        work_tree=work_tree,
        object_format=object_format.decode() or "sha1",
    )


def _refuse(place: Path, stderr: str, otherwise: NotARepository) -> None:
    """Translate git's refusal to open `place` into one sentence."""
    if "dubious ownership" in stderr or "safe.directory" in stderr:
        raise UnsafeRepository(
            f"git will not read {place}: another user owns it.",
            f"If you trust it: git config --global --add safe.directory {place.resolve()}",
        )
    if "safe.bareRepository" in stderr:
        raise UnsafeRepository(
            f"git will not read the bare repository {place}: safe.bareRepository is 'explicit'.",
            "Set it to 'all', or clone the repository and open the clone.",
        )
    if "ermission denied" in stderr or not os.access(place, os.R_OK | os.X_OK):
        raise _unreadable(place)
    for folder in (place.absolute(), *place.absolute().parents):
        # git says of a repository that it may not read that there is none.
        for part in (folder / ".git", folder / ".git/objects", folder / ".git/refs"):
            if part.exists() and not os.access(part, os.R_OK | os.X_OK):
                raise _unreadable(part)
    if "not a git repository" in stderr:
        raise otherwise
    raise GitFailed(f"git cannot open {place}: {_last_line(stderr.encode())}", "Try: git fsck")


def _unreadable(place: Path) -> NotARepository:
    return NotARepository(
        f"The folder {place} cannot be read: permission denied.", "Ask its owner for read access."
    )


class Objects:
    """The object store of a repository, read through a scratch git directory.

    Use as a context manager; the scratch directory goes away with it.
    """

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self.absent: dict[str, bytes] = {}
        self._scratch = Path(tempfile.mkdtemp(prefix="patina-git-"))
        (self._scratch / "refs").mkdir()
        (self._scratch / "objects").mkdir()
        (self._scratch / "HEAD").write_text("ref: refs/heads/none\n")
        config = "[core]\n\trepositoryformatversion = 1\n\tbare = true\n"
        if repository.object_format != "sha1":
            config += f"[extensions]\n\tobjectFormat = {repository.object_format}\n"
        (self._scratch / "config").write_text(config)
        self.shallow = repository.shallow
        if self.shallow:
            (self._scratch / "shallow").write_text("".join(f"{s}\n" for s in self.shallow))
        self._env = _environment(
            GIT_OBJECT_DIRECTORY=str(repository.common_dir / "objects"),
            GIT_ATTR_NOSYSTEM="1",
            # git would flush its pipe after every commit; the mark of an answer is flushed anyway.
            GIT_FLUSH="0",
        )
        # The scratch directory decides everything; no configuration of the user does.
        self._env.update(GIT_CONFIG_NOSYSTEM="1", GIT_CONFIG_GLOBAL=os.devnull)
        self._env.pop("GIT_CONFIG_SYSTEM", None)

    def __enter__(self) -> Objects:
        return self

    def __exit__(self, *exc: object) -> None:
        shutil.rmtree(self._scratch, ignore_errors=True)

    def argv(self, *args: str) -> list[str]:
        """Return the command line of a git command on the objects."""
        return [
            "git",
            f"--git-dir={self._scratch}",
            # Above this size git calls a blob binary: pinned, so that counts agree.
            "-c", "core.bigFileThreshold=512m",
            "-c", f"core.attributesFile={os.devnull}",
            # Git 2.43 to 2.45 read the attributes of HEAD in a bare repository.
            "-c", f"attr.tree={_EMPTY_TREE}",
            *args,
        ]  # fmt: skip

    def process(self, *args: str) -> subprocess.Popen[bytes]:
        """Start a git command with pipes on all three streams."""
        return subprocess.Popen(
            self.argv(*args),
            env=self._env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, *args: str, stdin: bytes | None = None) -> bytes:
        """Run a git command; raise `GitFailed` with its last line."""
        done = _run(self.argv(*args), self._env, stdin)
        if done.returncode:
            raise GitFailed(
                f"git {args[0]} stopped in {self.repository.path}: {_last_line(done.stderr)}",
                "Try: git fsck",
            )
        return done.stdout

    def history(self, sha: str) -> list[str]:
        """Return the shas of every commit reachable from `sha`, newest first."""
        return self.run("rev-list", sha).decode().split()

    def tree(self, sha: str, *paths: str) -> list[tuple[str, str, bytes]]:
        """Return ``(mode, blob, path)`` of every file in the tree of commit `sha`.

        With `paths`, of those files only.

        Submodules are left out: their files belong to another history.  Folders whose tree
        object is missing are left out too, and noted in ``absent`` as object -> path.
        """
        done = _run(self.argv("ls-tree", "-r", "-z", "--full-tree", sha, *paths), self._env)
        if done.returncode:
            # A clone made with --filter=tree:0, or a damaged one.
            if not paths:
                return list(self._walk(sha, b""))
            alone = paths if len(paths) > 1 else ()
            return [file for path in alone for file in self.tree(sha, path)]
        return [(m, oid, path) for kind, m, oid, path in _entries(done.stdout) if kind == "blob"]

    def _walk(self, tree: str, folder: bytes) -> Iterator[tuple[str, str, bytes]]:
        """Yield the files below `folder`, one tree object at a time; note those missing."""
        done = _run(self.argv("ls-tree", "-z", "--full-tree", tree), self._env)
        if done.returncode:
            asked = ("rev-list", "--no-walk", "--no-commit-header", "--format=%T", tree)
            oid = tree if folder else self.run(*asked).decode().strip()
            self.absent[oid] = folder
            return
        for kind, mode, oid, name in _entries(done.stdout):
            if kind == "tree":
                yield from self._walk(oid, folder + name + b"/")
            elif kind == "blob":
                yield mode, oid, folder + name

    def blobs(self, oids: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        """Yield ``(oid, content)`` for each oid, in order; None where the object is missing."""
        wanted = list(oids)
        if not wanted:
            return
        process = self.process("cat-file", "--batch", "--buffer")
        assert process.stdin is not None
        # A thread asks while this one reads, or both pipes fill up and both sides wait.
        asking = threading.Thread(
            target=_feed, args=(process.stdin, "".join(f"{oid}\n" for oid in wanted).encode())
        )
        asking.start()
        try:
            for oid in wanted:
                yield oid, self._next_blob(process)
        finally:
            process.kill()
            asking.join()
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
            process.wait()

    @staticmethod
    def _next_blob(process: subprocess.Popen[bytes]) -> bytes | None:
        assert process.stdout is not None
        header = process.stdout.readline().split()
        if len(header) != 3:  # "<oid> missing"
            return None
        content = process.stdout.read(int(header[2]))
        process.stdout.read(1)
        return content

    def present(self, oids: Iterable[str]) -> set[str]:
        """Return those of `oids` that the object store has."""
        text = "".join(f"{oid}\n" for oid in oids)
        if not text:
            return set()
        out = self.run("cat-file", "--batch-check=%(objectname)", stdin=text.encode())
        return {line for line in out.decode().splitlines() if not line.endswith(" missing")}


def _entries(listed: bytes) -> Iterator[tuple[str, str, str, bytes]]:
    """Yield ``(kind, mode, object, path)`` of what ``ls-tree -z`` printed."""
    for record in listed.split(b"\0")[:-1]:
        meta, path = record.split(b"\t", 1)
        mode, kind, oid = meta.decode().split(" ")
        yield kind, mode, oid, path


def _feed(stream: IO[bytes], content: bytes) -> None:
    with contextlib.suppress(BrokenPipeError), stream:
        stream.write(content)


def mailmap(
    objects: Objects, content: bytes | None, identities: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], tuple[str, str]]:
    """Apply a ``.mailmap`` to identities, as git does.

    Parameters
    ----------
    content : bytes or None
        The text of the mailmap; None where the commit has none.
    identities : iterable of (name, email)

    Returns
    -------
    dict
        From each (name, email) to the proper (name, email).
    """
    wanted = sorted(set(identities))
    mapped = {identity: identity for identity in wanted}
    if not content:
        return mapped
    # check-mailmap takes "Name <email>"; what cannot be written so maps to itself.
    askable = [(n, e) for n, e in wanted if not set("<>\n\r\0") & set(n + e)]
    place = Path(tempfile.mkdtemp(prefix="patina-mailmap-"))
    try:
        (place / "mailmap").write_bytes(content)
        out = objects.run(
            "-c", f"mailmap.file={place / 'mailmap'}",
            "-c", "mailmap.blob=",
            "check-mailmap", "--stdin",
            stdin="".join(f"{n} <{e}>\n" for n, e in askable).encode(),
        )  # fmt: skip
    finally:
        shutil.rmtree(place, ignore_errors=True)
    for identity, line in zip(askable, _text(out).split("\n"), strict=False):
        name, _, rest = line.rpartition("<")
        mapped[identity] = (name.strip() or identity[0], rest.removesuffix(">"))
    return mapped
