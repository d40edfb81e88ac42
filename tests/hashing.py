"""An embedder for tests: no package, no meaning, and it says what it was asked."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from patina_lab.eventlog.progress import Progress, silent


class Hashing:
    """An `Embedder` whose vectors are the first bytes of a hash of the text."""

    def __init__(self, name: str = "hashing", dimensions: int = 8) -> None:
        self.name = name
        self.model_hash = hashlib.sha256(name.encode()).hexdigest()
        self.dimensions = dimensions
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str], *, progress: Progress = silent) -> np.ndarray:
        self.asked += texts
        rows = []
        for n, text in enumerate(texts):
            digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
            row = np.frombuffer(digest[: self.dimensions], dtype=np.uint8).astype(np.float32) + 1
            rows.append(row / np.linalg.norm(row))
            progress("embed", n + 1, len(texts))
        return np.stack(rows).astype(np.float32)
