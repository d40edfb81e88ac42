"""Vectors of what was observed: one a text, and the cosines between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from patina_lab.beliefs.cluster import Observation as Point
from patina_lab.beliefs.cluster import quantised, similar
from patina_lab.beliefs.recent import Recent, key_of
from patina_lab.eventlog.progress import Progress, silent

if TYPE_CHECKING:
    import numpy.typing as npt

    from patina_lab.beliefs.embed import Embedder
    from patina_lab.beliefs.observed import Observed

ALIKE = 0.60
"""Cosine from which two texts are neighbours, and may contradict each other."""

_DIGITS = 6
_RECENT = Recent(2)


@dataclass(frozen=True, eq=False)
class Vectors:
    """Texts with a vector each.

    Parameters
    ----------
    model, model_hash : str
        Name and hash of the embedder.
    texts : mapping of str to str
        Text id -> text, as it was written first; sorted by id.
    matrix : numpy.ndarray
        float32, shape (texts, dimensions), rows of length 1.
    """

    model: str
    model_hash: str
    texts: Mapping[str, str] = field(repr=False)
    matrix: npt.NDArray[np.float32] = field(repr=False)

    @cached_property
    def row_of(self) -> Mapping[str, int]:
        """The row of each text."""
        return {text: n for n, text in enumerate(self.texts)}

    @cached_property
    def _exact(self) -> npt.NDArray[np.float64]:
        return quantised(self.matrix)

    def rows(self, text_ids: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return the vectors of some texts: float32, shape (texts, dimensions)."""
        return self.matrix[[self.row_of[text] for text in text_ids]]

    def cosines(self, text_id: str, others: Sequence[str]) -> list[float]:
        """Return the cosine of a text with each of some others, to six digits."""
        rows = self._exact[[self.row_of[text] for text in others]]
        made = np.round(rows @ self._exact[self.row_of[text_id]], _DIGITS)
        return [float(x) for x in np.clip(made, -1, 1)]

    def matrix_of(self, some: Sequence[str], others: Sequence[str]) -> npt.NDArray[np.float64]:
        """Return the cosine of each of some texts with each of others, to six digits.

        Returns
        -------
        numpy.ndarray
            float64, shape (some, others).
        """
        rows = self._exact[[self.row_of[text] for text in some]]
        columns = self._exact[[self.row_of[text] for text in others]]
        return np.clip(np.round(rows @ columns.T, _DIGITS), -1, 1)

    @cached_property
    def near(self) -> tuple[tuple[str, str, float], ...]:
        """Pairs of texts with a cosine of at least `ALIKE`, each once, to six digits."""
        return _RECENT.get(key_of(self.texts.items(), self.matrix), self._near)

    def _near(self) -> tuple[tuple[str, str, float], ...]:
        points = [Point(text_id, text) for text_id, text in self.texts.items()]
        found = similar(points, self.matrix, cosine=ALIKE)
        return tuple((a, b, min(1.0, round(cosine, _DIGITS))) for a, b, cosine in found)


def first_texts(observed: Observed) -> dict[str, str]:
    """Return each text as it was written first, by its id, sorted."""
    texts: dict[str, str] = {}
    for one in observed.observations:
        texts.setdefault(one.text_id, one.text)
    return {text_id: texts[text_id] for text_id in sorted(texts)}


def vectors(observed: Observed, embedder: Embedder, *, progress: Progress = silent) -> Vectors:
    """Return a vector for each text that was observed.

    Parameters
    ----------
    observed : Observed
    embedder : Embedder
    progress : Progress
    """
    texts = first_texts(observed)
    made = embedder.embed(list(texts.values()), progress=progress)
    return Vectors(embedder.name, embedder.model_hash, texts, made)
