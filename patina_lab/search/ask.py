"""Asking a project: which parts of the corpus are asked, and by which means."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from patina_lab.beliefs import embed
from patina_lab.beliefs.embed import Embedder
from patina_lab.beliefs.embed.cache import CachedEmbedder
from patina_lab.errors import InvalidOption, MissingTool
from patina_lab.eventlog.eventlog import OpenLog
from patina_lab.eventlog.progress import Progress, silent
from patina_lab.eventlog.slice import Slice
from patina_lab.search.corpus import Document, chosen, of_log
from patina_lab.search.knowledge import about, event_files, notes, part
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
                parts.append(event_files(self.repository, self.at, self.slice))
            known = set(parts[0].segment.ids)
        if scope in (None, "local") and self.notes:
            parts.append(notes(self.repository, self.slice, known))
            known |= set(parts[-1].segment.ids)
        if scope in (None, "persona"):
            others = [document for document in self.persona if document.event_id not in known]
            parts.append(part(others, "persona", self.slice))
        return about(parts, domains)

    def _of_log(self, opened: OpenLog, scope: str | None) -> Part:
        segment = of_log(opened, self.folder)
        wanted = self.slice.where(source="event_files") if scope == "shared" else self.slice
        return Part(segment, chosen(opened, segment, wanted))


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
    fold: bool = True,
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
        default.
    index, scope, domains, fold
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
        fold=fold,
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
        part.segment.missing(means, FEW)
        for part in parts
        if part.chosen.any() and part.segment.embedded(means, index) is None
    )
    if missing > FEW:
        return None, (
            f"Only words were compared: at least {missing:,} texts are not embedded yet. "
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
    """Return the embedder whose vectors are here; None, the default, where none are."""
    names = [name for name in embed.available() if name != embed.TORCH]
    log = next((p.segment for p in parts if p.segment.folder is not None), None)
    if log is None:
        return None
    for name in names:
        if log.embedded(_cached(corpus, name)) is not None:
            return name
    for name in names:  # a log that grew: those of the one before
        if log.missing(_cached(corpus, name), FEW) <= min(FEW, len(log) // 2):
            return name
    return None


def _cached(corpus: Corpus, embedder: str | Embedder | None) -> Embedder:
    if embedder is None or isinstance(embedder, str):
        return _loaded(embed.default() if embedder is None else embedder, corpus.vectors)
    if not hasattr(embedder, "embed"):
        embed.find(embedder)  # type: ignore[arg-type]  # refuses it
    return embedder


@functools.lru_cache(maxsize=4)
def _loaded(name: str, folder: Path) -> Embedder:
    return CachedEmbedder(embed.find(name), folder)
