"""Taking an event back: a revert commit on a branch, or the deletion of a private note."""

from __future__ import annotations

from dataclasses import dataclass

from patina_lab.errors import UnknownName
from patina_lab.eventlog.times import Moment
from patina_lab.events.identity import micros
from patina_lab.project import branch as branches
from patina_lab.project.author import author_of
from patina_lab.project.observe import Note, moment, remove_local
from patina_lab.project.propose import Proposal, proposed
from patina_lab.project.read import Found, find, read_local, read_shared
from patina_lab.project.review import review_commands
from patina_lab.project.shown import Card
from patina_lab.project.write import locked, work_tree
from patina_lab.sources.repository import Objects, Repository


@dataclass(frozen=True, repr=False)
class Undone(Card):
    """What `undo` did.

    Parameters
    ----------
    path : str
        The event file, inside the repository.
    branch, commit : str or None
        The branch that has the revert commit now; None for a private note, which is gone.
    reverted : str or None
        The commit that had brought the event.
    commands : tuple of str
        What to run next.
    notices : tuple of str
    """

    path: str
    branch: str | None = None
    commit: str | None = None
    reverted: str | None = None
    commands: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()

    def facts(self) -> list[tuple[str, str]]:
        """Return what the repr shows."""
        said = [("file", self.path)]
        if self.branch is None or self.commit is None:
            return [*said, ("deleted", "it was private: nobody else has seen it")]
        said.append(("branch", f"{self.branch} ({self.commit[:12]})"))
        if self.reverted:
            said.append(("reverts", self.reverted[:12]))
        said += [("next", command) for command in self.commands]
        return said + [("notice", notice) for notice in self.notices]


def undo(
    repository: Repository,
    what: str | Note | Proposal,
    *,
    at: Moment | None = None,
    author: str | None = None,
) -> Undone:
    """Take an event back.

    A private note is deleted.  A proposal gets a revert commit on its branch; where the
    branch is checked out somewhere, or the event is merged already, a branch of its own,
    ``undo-…``, gets it, ready for review as every other change.  Nothing that the user has
    checked out is touched.

    Parameters
    ----------
    what : str, Note or Proposal
        An event, as `patina_lab.project.read.find` takes it, or the branch of a proposal.
    at, author
        Of the revert commit; see `patina_lab.project.observe.observe`.

    Raises
    ------
    UnknownName, NoAuthor, NoWorkTree, StoreError
    """
    root = work_tree(repository)
    if isinstance(what, Note):
        remove_local(repository, what.place)
        return Undone(str(what.event.source_file))
    if isinstance(what, Proposal):
        if what.branch in dict(branches.tips(repository, "refs/heads")):
            return _revert(repository, what.branch, what.path, at, author)
        what = what.event.event_id  # merged, and its branch deleted
    local, _ = read_local(repository)
    shared = _merged(repository)
    pending = proposed(repository, fetched=False)
    of_branch = [(b, f) for b, f in pending if b == what]
    if len(of_branch) == 1:
        return _revert(repository, what, of_branch[0][1].path, at, author)
    found = find([*local, *(f for f, _ in shared), *(f for _, f in pending)], what)
    if found.scope == "local":
        remove_local(repository, root / found.path)
        return Undone(found.path)
    start = next((start for f, start in shared if f == found), None)
    return _revert(repository, start or _branch_of(pending, found), found.path, at, author)


def _merged(repository: Repository) -> list[tuple[Found, str]]:
    """Return the team's events, each with where a branch that takes it back starts."""
    found: dict[str, tuple[Found, str]] = {}
    for start in dict.fromkeys((branches.main_branch(repository), "HEAD")):
        for event in read_shared(repository, start)[0]:
            found.setdefault(event.path, (event, start))
    return list(found.values())


def _branch_of(pending: list[tuple[str, Found]], found: Found) -> str:
    names = [branch for branch, event in pending if event.path == found.path]
    if len(names) > 1:
        raise UnknownName(
            f"{found.name} is on {len(names)} branches.", f"Say which: {', '.join(names)}."
        )
    return names[0]


def _revert(
    repository: Repository, tip: str, path: str, at: Moment | None, author: str | None
) -> Undone:
    """Make the commit without the file upon `tip`, on its branch or on a new one."""
    who, when = author_of(repository, author), moment(at)
    with locked(repository.common_dir, "shared"):
        own = dict(branches.tips(repository, "refs/heads"))
        # A ref or HEAD is where to start; a branch by its name is what to move.
        sha = own[tip] if tip in own else repository.resolve(tip)
        with Objects(repository) as objects:
            if not objects.tree(sha, path):
                raise UnknownName(f"{path} is not in {tip}.", "It may be undone already.")
            asked = ("log", "-1", "--diff-filter=A", "--format=%H%x00%s", sha, "--", path)
            brought, _, subject = objects.run(*asked).decode("utf-8", "replace").partition("\0")
        title = f'Revert "{subject.strip() or path}"'
        body = f"This reverts commit {brought}\nas far as {path} goes.\n" if brought else ""
        seconds = max(micros(when) // 1_000_000, 0)
        change = branches.Change(path, None)
        message = f"{title}\n\n{body}"
        commit = branches.commit(repository, sha, change, message, who, seconds)
        if tip in own and tip not in branches.checked_out(repository):
            branches.move(repository, tip, commit, sha, who, f"undo: {title}")
            branch = tip
        else:
            name = path.rpartition("/")[2].removesuffix(".json")
            branch = branches.make(repository, f"undo-{name}", commit, who, f"undo: {title}")
    return Undone(
        path,
        branch,
        commit,
        brought or None,
        review_commands(repository, branch, title),
        tuple(branches.skipped(repository)),
    )
