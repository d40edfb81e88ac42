"""Asking a project: which parts of the corpus are asked, and by which means."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np

from patina_lab.beliefs import embed
from patina_lab.beliefs.embed import Embedder
from patina_lab.beliefs.embed.cache import CachedEmbedder
from patina_lab.errors import InvalidOption, MissingTool
from patina_lab.eventlog.eventlog import OpenLog
from patina_lab.eventlog.progress import Progress, silent
from patina_lab.eventlog.slice import Slice
from patina_lab.project.domains import domain_names
from patina_lab.project.propose import KINDS
from patina_lab.project.read import Found, read_local, read_shared
from patina_lab.search.corpus import Document, chosen, of_documents, of_log, spoken
from patina_lab.search.scry import MODES, Answer, Part, scry
from patina_lab.sources.repository import Repository

BEST = "fusion"
"""The mode of ``auto`` where there are vectors: see ``benchmarks/results/search.md``."""

FEW = 200
"""So many texts are embedded while somebody waits; more only by `prepare`."""


@dataclass(frozen=True)
class Corpus:
    """What a project can be asked about.

    Parameters
    ----------
    repository : Repository
    opened : OpenLog or None
        None: nothing was scraped yet, and the event files of `at` are asked.
    slice : Slice
    folder : path
        Where a log's counts and vectors are kept.
    vectors : path
        Where vectors of texts are kept.
    at : str
        The commit whose event files are asked where there is no log.
    notes : bool
        Whether this user's own notes are asked: no note belongs to a commit.
    persona : tuple of Document
        What other projects know.
    """

    repository: Repository
    opened: OpenLog | None
    slice: Slice
    folder: Path
    vectors: Path
    at: str = "HEAD"
    notes: bool = True
    persona: tuple[Document, ...] = field(default=(), repr=False)

    def parts(self, scope: str | None = None, domains: str | Iterable[str] = ()) -> list[Part]:
        """Return the parts that the slice has.

        Parameters
        ----------
        scope : {"local", "shared", "log", "persona", None}
            Only one's own notes, the team's event files, the log, or other projects.
        domains : str or iterable of str
            Only what names one of them.
        """
        if scope not in (None, "local", "shared", "log", "persona"):
            raise InvalidOption(
                f"There is no scope {scope!r}.", "Use local, shared, log or persona."
            )
        parts = []
        known: set[str] = set()
        if scope in (None, "log", "shared"):
            if self.opened is not None:
                parts.append(self._of_log(self.opened, scope))
            else:
                parts.append(self._of_files())
            known = set(parts[0].segment.ids)
        if scope in (None, "local") and self.notes:
            mine = [
                document
                for found in read_local(self.repository)[0]
                if (document := _of_found(found, "local")).event_id not in known
            ]
            known |= {document.event_id for document in mine}
            parts.append(_part(mine, "local", self.slice))
        if scope in (None, "persona"):
            others = [document for document in self.persona if document.event_id not in known]
            parts.append(_part(others, "persona", self.slice))
        among = set(domain_names(domains))
        return [_about(part, among) for part in parts] if among else parts

    def _of_log(self, opened: OpenLog, scope: str | None) -> Part:
        segment = of_log(opened, self.folder)
        wanted = self.slice.where(source="event_files") if scope == "shared" else self.slice
        return Part(segment, chosen(opened, segment, wanted))

    def _of_files(self) -> Part:
        team = read_shared(self.repository, self.at)[0]
        return _part([_of_found(found, "shared") for found in team], "log", self.slice)


def ask(
    corpus: Corpus,
    question: str,
    *,
    k: int = 10,
    mode: str = "auto",
    embedder: str | Embedder | None = None,
    index: str | None = None,
    scope: str | None = None,
    domains: str | Iterable[str] = (),
    progress: Progress = silent,
) -> Answer:
    """Answer a question from a project's corpus.

    Parameters
    ----------
    corpus : Corpus
    question : str
    k : int
    mode : {"auto", "lexical", "semantic", "fusion"}
        ``auto``: the best that can be had without waiting; the answer says which.
    embedder : str, Embedder or None
        See `patina_lab.beliefs.embed.find`.  None: one whose vectors were made, or else the
        light one.
    index, scope, domains
        See `patina_lab.search.scry.scry` and `Corpus.parts`.
    progress : Progress
        Of embedding, where ``semantic`` or ``fusion`` has to.
    """
    if mode not in MODES:
        raise InvalidOption(f"There is no mode {mode!r}.", f"Use {', '.join(MODES)}.")
    parts = corpus.parts(scope, domains)
    notices = []
    if corpus.opened is None:
        notices.append(
            "Nothing was scraped yet: event files and notes were asked, no commits and no "
            "sessions. Run lab.scrape()."
        )
    means = None
    if mode == "auto":
        means, notice = _without_waiting(corpus, parts, embedder, index)
        notices += [notice] if notice else []
        mode = BEST if means is not None else "lexical"
    elif mode != "lexical":
        means = _cached(corpus, embedder if embedder is not None else _usual(corpus, parts))
        for part in parts:
            if part.chosen.any():
                part.segment.embed(means, index, progress=progress)
    provenance: dict[str, Any] = {}
    if corpus.opened is not None:
        manifest = corpus.opened.manifest
        provenance = {"digest": manifest.digest, "source_sha": manifest.source_sha}
    if means is not None:
        provenance |= {"embedder": means.name, "model_hash": means.model_hash}
    return scry(
        question,
        parts,
        k=k,
        mode=mode,
        embedder=means,
        index=index,
        notices=notices,
        provenance=provenance,
    )


def prepare(
    corpus: Corpus,
    embedder: str | Embedder | None = None,
    *,
    index: str | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Embed every text of a log, once, so that it can be asked by meaning.

    Returns
    -------
    dict
        ``texts``, ``embedder``, ``model_hash``, ``index`` (its kind).
    """
    if corpus.opened is None:
        raise InvalidOption("Nothing was scraped yet.", "Run lab.scrape() first.")
    if embedder is None:
        embedder = embed.LIGHT if embed.LIGHT in embed.available() else None
    means = _cached(corpus, embedder)
    segment = of_log(corpus.opened, corpus.folder)
    made = segment.embed(means, index, progress=progress)
    return {
        "texts": len(segment),
        "embedder": means.name,
        "model_hash": means.model_hash,
        "index": made.kind,
    }


def _without_waiting(
    corpus: Corpus,
    parts: Sequence[Part],
    embedder: str | Embedder | None,
    index: str | None,
) -> tuple[Embedder | None, str]:
    """Return an embedder that can answer at once, or why there is none."""
    try:
        means = _cached(corpus, embedder if embedder is not None else _usual(corpus, parts))
    except MissingTool as err:
        return None, f"Only words were compared. {err}"
    missing = sum(
        len(part.segment)
        for part in parts
        if part.chosen.any() and part.segment.embedded(means, index) is None
    )
    if missing > FEW:
        return None, (
            f"Only words were compared: {missing:,} texts are not embedded yet. "
            "Run lab.embed() once."
        )
    try:
        for part in parts:
            if part.chosen.any():
                part.segment.embed(means, index)
    except MissingTool as err:
        return None, f"Only words were compared. {err}"
    return means, ""


def _usual(corpus: Corpus, parts: Sequence[Part]) -> str | None:
    """Return the embedder whose vectors are here, or else the light one."""
    names = [name for name in embed.available() if name != embed.TORCH]
    log = next((p.segment for p in parts if p.segment.folder is not None), None)
    for name in names if log is not None else []:
        if log is not None and log.embedded(_cached(corpus, name)) is not None:
            return name
    return embed.LIGHT if embed.LIGHT in names else None


def _cached(corpus: Corpus, embedder: str | Embedder | None) -> Embedder:
    if embedder is None or isinstance(embedder, str):
        return _loaded(embedder, corpus.vectors)
    return embedder


@functools.lru_cache(maxsize=4)
def _loaded(name: str | None, folder: Path) -> Embedder:
    return CachedEmbedder(embed.find(name), folder)


def _of_found(found: Found, scope: str) -> Document:
    event = found.event
    domains = event.data.get("domains")
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
        tuple(map(str, domains)) if isinstance(domains, list) else (),
    )


def _part(documents: Sequence[Document], scope: str, wanted: Slice) -> Part:
    """Return the documents that a slice has, as a segment of their own.

    What lies beyond is not even counted.
    """
    inside = [d for d in documents if d.text.strip() and _in_slice(d, wanted)]
    segment = of_documents(inside, scope)
    return Part(segment, np.ones(len(segment), dtype=bool))


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


def _about(part: Part, among: set[str]) -> Part:
    rows = np.nonzero(part.chosen)[0]
    documents = part.segment.fetch(rows.tolist())
    keep = [bool(among & {name.casefold() for name in d.domains}) for d in documents]
    kept = np.zeros(len(part.segment), dtype=bool)
    kept[rows[np.array(keep, dtype=bool)]] = True
    return Part(part.segment, kept)


def event_types(kind: str | None) -> tuple[str, ...]:
    """Return the event types that a word for a kind of knowledge means, or the word itself.

    Examples
    --------
    >>> event_types("decision"), event_types("git.*"), event_types(None)
    (('decision_made', 'session.decision'), ('git.*',), ())
    """
    if kind is None:
        return ()
    if kind not in KINDS:
        return (kind,)
    also = {"decision": ("session.decision",), "observation": ("session.observation",)}
    return (KINDS[kind], *also.get(kind, ()))
