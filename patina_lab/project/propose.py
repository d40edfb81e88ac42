"""Putting an event to the team: a commit with one event file, on a branch of its own.

What the user has checked out is not touched (see `patina_lab.project.branch`).  Nothing is
pushed: the commands are told (see `patina_lab.project.review`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patina_lab.errors import (
    EmptyRepository,
    GitFailed,
    InvalidEvent,
    InvalidOption,
    StoreError,
)
from patina_lab.eventlog.times import Moment
from patina_lab.events.event import Event
from patina_lab.project import branch as branches
from patina_lab.project.author import author_of
from patina_lab.project.config import read_config
from patina_lab.project.domains import declared, domain_names
from patina_lab.project.event_files import file_name, next_sequence, to_bytes
from patina_lab.project.observe import Note, add_local, moment
from patina_lab.project.read import Found, find, first_text, read_blobs, read_local, read_shared
from patina_lab.project.review import review_commands
from patina_lab.project.shown import Card
from patina_lab.project.write import locked, work_tree
from patina_lab.sources.git_records import decode_path
from patina_lab.sources.repository import Objects, Repository

KINDS = {
    "observation": "observation_captured",
    "decision": "decision_made",
    "pattern": "pattern_identified",
    "belief": "belief_formed",
}


@dataclass(frozen=True, repr=False)
class Proposal(Card):
    """A proposed event, and the branch that holds it.

    Parameters
    ----------
    event : Event
    sequence : int
    branch, commit, base : str
        The branch, its new commit, and the commit that it was made from.
    path : str
        The event file, inside the repository.
    title : str
        First line of the commit's message.
    commands : tuple of str
        What to run to push the branch and ask for a review.
    notices : tuple of str
        What a plain ``git commit`` would have done here and this did not, and which domains the
        project has not declared, if it declares any.
    """

    event: Event
    sequence: int
    branch: str
    commit: str
    base: str
    path: str
    title: str
    commands: tuple[str, ...]
    notices: tuple[str, ...] = ()

    def facts(self) -> list[tuple[str, str]]:
        """Return what the repr shows."""
        said = [
            ("event", f"{self.event.source_id} {self.title}"),
            ("branch", f"{self.branch} ({self.commit[:12]}, from {self.base[:12]})"),
            ("file", self.path),
            ("identity", self.event.event_id[:12]),
        ]
        said += [("next", command) for command in self.commands]
        return said + [("notice", notice) for notice in self.notices]


def propose(
    repository: Repository,
    what: str | Note | None = None,
    *,
    type: str | None = None,  # noqa: A002 - what the command line calls it
    name: str | None = None,
    domains: str | Iterable[str] = (),
    rationale: str | None = None,
    alternatives: Iterable[str] = (),
    context: str | None = None,
    evidence: Iterable[str] = (),
    payload: Mapping[str, Any] | None = None,
    from_: str | None = None,
    base: str | None = None,
    branch: str | None = None,
    at: Moment | None = None,
    author: str | None = None,
) -> Proposal:
    """Put an event to the team, on a branch.

    Parameters
    ----------
    what : str, Note or None
        The text, or a note of this user's; None where `from_` or `payload` has it.
    type : str or None
        ``observation``, ``decision``, ``pattern``, ``belief``, or the name of any event type;
        by default that of the note, else ``observation``.
    name : str or None
        A pattern's name; by default made of its first words.
    domains, rationale, alternatives, context, evidence
        What the payload holds besides the text.
    payload : mapping or None
        More keys, or the whole payload of another event type.
    from_ : str or None
        A local note, by id, number or identity; or a branch of this clone that proposes an
        event: the same event again, under the next number.
    base : str or None
        The commit to start from; by default the remote's main branch, as last fetched, or
        HEAD where there is none.
    branch : str or None
        By default ``add-<type>-<number>``.
    at, author
        See `patina_lab.project.observe.observe`.

    Raises
    ------
    InvalidEvent, InvalidOption, UnknownName, UnknownRevision, NoAuthor, NoWorkTree
    EmptyRepository
        There is no commit to start from.
    """
    work_tree(repository)
    again = _of_branch(repository, from_)
    note = None if again else _note(repository, what, from_)
    source = again or note
    event_type = KINDS.get(type, type) if type else "observation_captured"
    if source is not None and type is None:
        event_type = source.event_type
    given = {
        "domains": domain_names(domains) or (source.data.get("domains", []) if source else []),
        "rationale": rationale,
        "alternatives": _several(alternatives),
        "context": context,
        "evidence": _several(evidence),
    }
    text = what if isinstance(what, str) else _said(source)
    data = {
        **_payload(event_type, text, source, name, copied=again is not None),
        **{key: value for key, value in given.items() if value},
        **(payload or {}),
    }
    who = author_of(repository, author)
    when = again.timestamp if again and at is None else moment(at)
    by = again.actor if again and author is None else who.name
    start = repository.resolve(base or branches.main_branch(repository))
    kind = _kind(event_type)
    if branch is not None:
        _check_branch(repository, branch)
    with locked(repository.common_dir, "shared"), Objects(repository) as objects:
        folder = read_config(objects, start)[0].events.strip("/")
        # At the last moment, over every branch that is known here.
        sequence = next_sequence(_names(repository, objects, start, folder))
        path = f"{folder}/{file_name(event_type, when, sequence)}"
        event = Event(event_type, when, f"evt_{sequence:03d}", data, path, by)
        content = to_bytes(event, sequence)
        title = _title(kind, first_text(event.event_type, event.data))
        seconds = max(event.occurred_us // 1_000_000, 0)  # git knows no time before 1970
        message = f"{title}\n\nEvent: {event.source_id} sha256:{event.event_id}\n"
        change = branches.Change(path, content)
        commit = branches.commit(repository, start, change, message, who, seconds)
        made = branches.make(
            repository, branch or f"add-{kind}-{sequence:03d}", commit, who, f"propose: {title}"
        )
    if note is not None:
        link = {"event": note.event_id, "proposed_event": event.event_id, "path": path}
        add_local(
            repository, "observation_proposed", {**link, "branch": made}, at=when, author=who.name
        )
    commands = review_commands(repository, made, title)
    notices = (*branches.skipped(repository), *_new_domains(repository, data))
    return Proposal(event, sequence, made, commit, start, path, title, commands, notices)


def _new_domains(repository: Repository, data: Mapping[str, Any]) -> list[str]:
    """Return a sentence if `data` names domains that the project, which has some, has not."""
    try:
        known = declared(repository)
    except StoreError as err:  # the event is made already, and does not need the manifest
        return [str(err)]
    named = data.get("domains")
    new = [str(name) for name in named if name not in known] if isinstance(named, list) else []
    if not known or not new:
        return []
    said = "a new domain" if len(new) == 1 else "new domains"
    return [f"{said}: {', '.join(new)}; declare with `patina-lab domain add {' '.join(new)}`"]


def _of_branch(repository: Repository, told: str | None) -> Event | None:
    """Return the event that a branch of this clone proposes, if `told` is such a branch."""
    if told is None or told not in dict(branches.tips(repository, "refs/heads")):
        return None
    main = branches.main_branch(repository)
    found = [event for branch, event in proposed(repository, main, fetched=False) if branch == told]
    if len(found) != 1:
        raise InvalidOption(
            f"The branch {told!r} proposes {len(found)} events.",
            "Name one that proposes one event, and that you do not stand on.",
        )
    return found[0].event


def _check_branch(repository: Repository, branch: str) -> None:
    try:
        repository.command("check-ref-format", f"refs/heads/{branch}")
    except (GitFailed, ValueError) as err:
        raise InvalidOption(f"{branch!r} is no name of a branch.", "Try: add-pattern-042") from err


def _note(repository: Repository, what: str | Note | None, from_: str | None) -> Event | None:
    """Return the local event that is proposed, if one is."""
    if isinstance(what, Note):
        return what.event
    if from_ is None:
        return None
    notes = [f for f in read_local(repository)[0] if f.event.event_type != "observation_proposed"]
    return find(notes, from_).event


def _said(note: Event | None) -> str | None:
    """Return the text of a note; of a type without one there is none."""
    text = first_text(note.event_type, note.data) if note else None
    return None if note and text == note.event_type else text


def _several(told: str | Iterable[str]) -> list[str]:
    return [told] if isinstance(told, str) else list(told)


def _payload(
    event_type: str, text: str | None, note: Event | None, name: str | None, *, copied: bool
) -> dict[str, Any]:
    """Return the part of the payload that the text and the note give."""
    if name is not None and event_type != "pattern_identified":
        raise InvalidOption(f"A {event_type} has no name.", "Leave out name, or type='pattern'.")
    data: dict[str, Any] = {}
    if note is not None:
        if event_type == note.event_type:
            data.update(note.data)
        if not copied:
            # Where it came from: a hash, which tells nobody else anything.
            data.update(source_type="local", source_id=note.event_id)
    if event_type not in KINDS.values():
        if text is not None:
            data["content"] = text
        return data
    if text is None or not text.strip():
        if text is None and event_type != "observation_captured":
            return data  # the payload may have it; the catalog checks
        raise InvalidEvent("There is nothing to propose.", "Give a text, or --from loc_001.")
    if event_type == "observation_captured":
        return {"source_type": "manual", **data, "content": text}
    if event_type == "decision_made":
        return {**data, "decision": text}
    if event_type == "pattern_identified":
        kept = data.get("pattern_name") if copied else None
        return {**data, "pattern_name": name or kept or _slug(text), "content": text}
    return {**data, "belief": text}


def _slug(text: str) -> str:
    words = re.findall(r"\w+", text.casefold())
    return "_".join(words[:6]) or "pattern"


def _kind(event_type: str) -> str:
    """Return a short name of a type for a branch and a title.

    Examples
    --------
    >>> _kind("decision_made"), _kind("Tea brewed!")
    ('decision', 'tea-brewed')
    """
    short = {full: kind for kind, full in KINDS.items()}
    plain = re.sub(r"[^a-z0-9]+", "-", event_type.casefold()).strip("-")
    return short.get(event_type, plain[:40] or "event")


def _title(kind: str, text: str) -> str:
    line = " ".join(re.sub(r"[^\x20-\x7e\xa0-\U0010ffff]", " ", text).split())
    whole = f"{kind}: {line}"
    return whole if len(whole) <= 72 else f"{whole[:71].rstrip()}…"


def _names(repository: Repository, objects: Objects, start: str, folder: str) -> list[str]:
    """Return the names of event files on every branch known here, and in the work tree."""
    names = [p.name for p in Path(work_tree(repository), folder).glob("*.json")]
    shas = [start, *(sha for _, sha in branches.tips(repository, "refs/heads", "refs/remotes"))]
    for tree in sorted(set(_trees(objects, shas, folder).values())):
        names += [decode_path(path) for _, _, path in objects.tree(tree)]
    return names


def _trees(objects: Objects, shas: Iterable[str], folder: str) -> dict[str, str]:
    """Return the tree that each commit has at `folder`, where it has one; one git process."""
    every = list(dict.fromkeys(shas))
    asked = "".join(f"{sha}:{folder}\n" for sha in every).encode()
    out = objects.run("cat-file", "--batch-check=%(objecttype) %(objectname)", stdin=asked)
    rows = (line.split() for line in out.decode("utf-8", "replace").splitlines())
    return {sha: row[1] for sha, row in zip(every, rows, strict=True) if row[0] == "tree"}


def proposed(
    repository: Repository, at: str = "HEAD", *, fetched: bool = True
) -> list[tuple[str, Found]]:
    """Return ``(branch, event)`` of the events that branches would bring to `at`.

    What `at` had once and has no more, because it was reverted or edited there, a branch
    that knew it before does not bring again.  A branch whose event files are those of `at`
    costs nothing, however many there are.

    Parameters
    ----------
    fetched : bool
        Also branches of remotes, as last fetched; of several with one file, the first.
    """
    try:
        sha = repository.resolve(at)
    except EmptyRepository:
        return []
    with Objects(repository) as objects:
        folder = read_config(objects, sha)[0].events.strip("/")
        own = branches.tips(repository, "refs/heads")
        tips = own + (branches.tips(repository, "refs/remotes") if fetched else [])
        trees = _trees(objects, [sha, *(tip for _, tip in tips)], folder)
        files = {
            tree: [(m, oid, f"{folder}/".encode() + name) for m, oid, name in objects.tree(tree)]
            for tree in sorted(set(trees.values()))
        }
        have = {file[1:] for file in files.get(trees.get(sha, ""), [])}
        found = []
        seen: set[tuple[str, bytes]] = set()
        for n, (branch, tip) in enumerate(tips):
            new = [file for file in files.get(trees.get(tip, ""), []) if file[1:] not in have]
            if n >= len(own):
                new = [file for file in new if file[1:] not in seen]
            if new:
                before = _merge_base(repository, sha, tip)
                known = {file[1:] for file in objects.tree(before, folder)} if before else set()
                new = [file for file in new if file[1:] not in known]
                seen.update(file[1:] for file in new)
            found += [(branch, event) for event in read_blobs(objects, new, folder)[0]]
    return found


def put_to_team(repository: Repository, at: str = "HEAD") -> set[str]:
    """Return the identities of notes whose proposal is on a branch, or merged."""
    mine = [found.event for found in read_local(repository)[0]]
    links = [event.data for event in mine if event.event_type == "observation_proposed"]
    if not links:
        return set()
    there = [*read_shared(repository, at)[0], *(found for _, found in proposed(repository, at))]
    known = {found.event.event_id for found in there}
    return {link["event"] for link in links if link["proposed_event"] in known}


def _merge_base(repository: Repository, one: str, other: str) -> str | None:
    try:
        return repository.command("merge-base", one, other).decode().split()[0]
    except GitFailed:  # no common history
        return None


def next_number(repository: Repository, base: str | None = None) -> tuple[str, int]:
    """Return folder and number that a proposal made now would get; it may be another later.

    Parameters
    ----------
    base : str or None
        As for `propose`.
    """
    start = repository.resolve(base or branches.main_branch(repository))
    with Objects(repository) as objects:
        folder = read_config(objects, start)[0].events.strip("/")
        return folder, next_sequence(_names(repository, objects, start, folder))
