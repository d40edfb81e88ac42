"""An embedder for tests: words have fixed directions, a text is their sum.  Real, and quick."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from patina_lab.eventlog.progress import Progress, silent

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_EMPTY = {"the", "a", "an", "we", "to", "in", "of", "is", "and", "for", "at", "on", "our", "i"}


@lru_cache(maxsize=4096)
def direction(word: str, dimensions: int) -> npt.NDArray[np.float64]:
    """Return the direction of a word, by its hash: the same everywhere."""
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big")
    return np.random.default_rng(seed).standard_normal(dimensions)


class WordsEmbedder:
    """Texts with the same words are near."""

    name = "words"
    model_hash = "0" * 64
    dimensions = 96

    def embed(
        self, texts: Sequence[str], *, progress: Progress = silent
    ) -> npt.NDArray[np.float32]:
        """Return a vector of length 1 for each text."""
        rows = []
        for n, text in enumerate(texts, 1):
            words = [w.lower() for w in _WORD.findall(text)]
            kept = [w for w in words if w not in _EMPTY] or ["nothing"]
            row = np.sum([direction(w, self.dimensions) for w in kept], axis=0)
            rows.append(row / np.linalg.norm(row))
            progress("embed", n, len(texts))
        return np.array(rows, dtype=np.float32).reshape(-1, self.dimensions)


class MoodyEmbedder(WordsEmbedder):
    """A bad one: a vector depends on its place in the batch, as those of some models do."""

    name = "moody"

    def embed(
        self, texts: Sequence[str], *, progress: Progress = silent
    ) -> npt.NDArray[np.float32]:
        """Return vectors that lean a little to one side, more for later texts."""
        rows = super().embed(texts, progress=progress).astype(np.float64)
        rows += np.arange(len(rows))[:, None] * 0.002 * direction("mood", self.dimensions)
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        return (rows / lengths).astype(np.float32)


class BatchedEmbedder(WordsEmbedder):
    """Another embedder, asked in batches."""

    def __init__(self, inner: WordsEmbedder, size: int) -> None:
        self.inner = inner
        self.size = size

    def embed(
        self, texts: Sequence[str], *, progress: Progress = silent
    ) -> npt.NDArray[np.float32]:
        """Return the inner one's vectors."""
        made = [
            self.inner.embed(texts[at : at + self.size]) for at in range(0, len(texts), self.size)
        ]
        return np.concatenate(made) if made else super().embed(texts)
