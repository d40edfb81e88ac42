"""The team's event files and one's own notes, as parts of a corpus."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase

import numpy as np

from patina_lab.eventlog.slice import Slice
from patina_lab.project.domains import domain_names
from patina_lab.project.propose import KINDS
from patina_lab.project.read import Found, read_local, read_shared
from patina_lab.project.words import domains_in
from patina_lab.search.corpus import Document, of_documents, spoken
from patina_lab.search.scry import Part
from patina_lab.sources.repository import Repository

_GIT = {"commit": "git.commit", "tag": "git.tag"}
"""What everybody calls git's event types."""


def event_files(repository: Repository, at: str, wanted: Slice) -> Part:
    """Return the team's event files of a commit."""
    team = read_shared(repository, at)[0]
    return part([_document(found, "shared") for found in team], "log", wanted)


def notes(repository: Repository, wanted: Slice, known: Collection[str] = ()) -> Part:
    """Return this user's own notes, but for those whose identity is known as the team's."""
    mine = [
        _document(found, "local")
        for found in read_local(repository)[0]
        if found.event.event_id not in known
    ]
    return part(mine, "local", wanted)


def part(documents: Iterable[Document], scope: str, wanted: Slice) -> Part:
    """Return the documents that a slice has, as a segment of their own.

    What lies beyond is not even counted.
    """
    inside = [d for d in documents if d.text.strip() and _in_slice(d, wanted)]
    segment = of_documents(inside, scope)
    return Part(segment, np.ones(len(segment), dtype=bool))


def about(parts: Iterable[Part], domains: str | Iterable[str]) -> list[Part]:
    """Return the parts with only those rows chosen that name one of some domains, if any."""
    among = set(domain_names(domains))
    return [_about(one, among) if among else one for one in parts]


def event_types(kind: str | None) -> tuple[str, ...]:
    """Return the event types that a word for a kind of knowledge means, or the word itself.

    Examples
    --------
    >>> event_types("decision"), event_types("git.*"), event_types(None)
    (('decision_made', 'session.decision'), ('git.*',), ())
    >>> event_types("commit"), event_types("tag")
    (('git.commit',), ('git.tag',))
    """
    if kind is None:
        return ()
    if kind not in KINDS:
        return (_GIT.get(kind, kind),)
    also = {"decision": ("session.decision",), "observation": ("session.observation",)}
    return (KINDS[kind], *also.get(kind, ()))


def _document(found: Found, scope: str) -> Document:
    event = found.event
    return Document(
        event.event_id,
        event.event_type,
        event.occurred_us,
        event.actor or "",
        "" if event.event_type == "observation_proposed" else spoken(event.event_type, event.data),
        scope,
        "",
        found.path,
        found.label,
        domains_in(event.data),
        found.text,
    )


def _in_slice(document: Document, wanted: Slice) -> bool:
    """Whether a slice has a document that is in no log; by the same rules."""
    if wanted.seqs is not None:
        return False
    if wanted.since_us is not None and document.occurred_us < wanted.since_us:
        return False
    if wanted.until_us is not None and document.occurred_us >= wanted.until_us:
        return False
    return all(
        any(value == pattern or fnmatchcase(value, pattern) for pattern in group)
        for value, groups in (
            (document.event_type, wanted.types),
            ("event_files", wanted.sources),
            (document.author, wanted.authors),
            (document.source_file, wanted.paths),
        )
        for group in groups
    )


def _about(one: Part, among: set[str]) -> Part:
    rows = np.nonzero(one.chosen)[0]
    documents = one.segment.fetch(rows.tolist())
    keep = [bool(among & {name.casefold() for name in d.domains}) for d in documents]
    kept = np.zeros(len(one.segment), dtype=bool)
    kept[rows[np.array(keep, dtype=bool)]] = True
    return Part(one.segment, kept)
