"""Words: Okapi BM25 over any part of a corpus, as if the rest had never been written.

An index keeps counts, not weights.  How rare a word is and how long a text usually is are
taken from the texts that are asked, so that a text which lies in the future, or is filtered
out, has no say in the score of another.

Formula: Robertson & Zaragoza, *The Probabilistic Relevance Framework: BM25 and Beyond* (2009),
with the idf of Lucene, ``ln(1 + (N - df + 0.5) / (df + 0.5))``.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from patina_lab.project.words import stems

if TYPE_CHECKING:
    import numpy.typing as npt

K1, B = 1.5, 0.75


@dataclass(frozen=True)
class Postings:
    """Which texts have a word, and how often.

    Parameters
    ----------
    terms : mapping
        Word -> its number.
    start : numpy.ndarray
        int64, words + 1: where the rows of a word begin.
    rows, counts : numpy.ndarray
        int32: texts that have the word, ascending, and how often each does.
    lengths : numpy.ndarray
        int32, texts: words of each.
    """

    terms: Mapping[str, int]
    start: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int32]
    counts: npt.NDArray[np.int32]
    lengths: npt.NDArray[np.int32]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Postings:
        """Count the words of texts.

        Examples
        --------
        >>> made = Postings.of(["a cache", "caches of caches"])
        >>> sorted(made.terms), made.lengths.tolist(), made.counts.tolist()
        (['cache'], [1, 2], [1, 2])
        """
        found: dict[str, tuple[list[int], list[int]]] = {}
        lengths = []
        for row, text in enumerate(texts):
            words = Counter(stems(text))
            lengths.append(words.total())
            for word, count in words.items():
                there, often = found.setdefault(word, ([], []))
                there.append(row)
                often.append(count)
        names = sorted(found)
        start = np.zeros(len(names) + 1, dtype=np.int64)
        np.cumsum([len(found[name][0]) for name in names], out=start[1:])
        rows, counts = (
            np.array([n for name in names for n in found[name][i]], np.int32) for i in (0, 1)
        )
        numbers = {name: n for n, name in enumerate(names)}
        return cls(numbers, start, rows, counts, np.array(lengths, dtype=np.int32))

    def __len__(self) -> int:
        return len(self.lengths)

    def of_term(self, term: str) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """Return the rows that have a word, and how often each does."""
        n = self.terms.get(term)
        if n is None:
            return np.empty(0, np.int32), np.empty(0, np.int32)
        here = slice(int(self.start[n]), int(self.start[n + 1]))
        return self.rows[here], self.counts[here]

    def bags(self) -> npt.NDArray[np.uint64]:
        """Return a number for each text: texts of the same words, as often, have the same.

        Others may have it too, though hardly ever.

        Examples
        --------
        >>> one, other, third = Postings.of(["a cache", "caches of", "caches, caches"]).bags()
        >>> one == other, one == third
        (np.True_, np.False_)
        """
        draw = np.random.default_rng(0)
        of_word = draw.integers(1, 2**63, len(self.start) - 1, dtype=np.uint64)
        found = np.zeros(len(self), dtype=np.uint64)
        each = np.repeat(of_word, np.diff(self.start)) * self.counts.astype(np.uint64)
        np.add.at(found, self.rows, each)
        return found

    def save(self, out: BinaryIO) -> None:
        """Write the index as one ``.npz`` file."""
        names = "\n".join(sorted(self.terms, key=self.terms.__getitem__))
        np.savez(
            out,
            names=np.frombuffer(names.encode("utf-8", "surrogatepass"), dtype=np.uint8),
            start=self.start,
            rows=self.rows,
            counts=self.counts,
            lengths=self.lengths,
        )

    @classmethod
    def load(cls, path: Path) -> Postings:
        """Read what `save` wrote.

        Raises
        ------
        ValueError
            It is something else, or was not written to its end.
        """
        try:
            with np.load(path, allow_pickle=False) as kept:
                text = kept["names"].tobytes().decode("utf-8", "surrogatepass")
                names = text.split("\n") if text else []
                parts = [kept[name] for name in ("start", "rows", "counts", "lengths")]
        except Exception as err:
            raise ValueError(f"{path.name} is no index: {err}") from err
        if len(parts[0]) != len(names) + 1 or parts[0][-1] != len(parts[1]):
            raise ValueError(f"{path.name} is no index: its parts do not fit.")
        return cls({name: n for n, name in enumerate(names)}, *parts)


@dataclass(frozen=True)
class Statistics:
    """What scores depend on besides the text itself.

    Parameters
    ----------
    texts : int
    length : float
        Mean number of words.
    frequency : mapping
        Word -> number of texts that have it.
    """

    texts: int
    length: float
    frequency: Mapping[str, int]

    @classmethod
    def of(
        cls, parts: Sequence[tuple[Postings, npt.NDArray[np.bool_]]], terms: Iterable[str]
    ) -> Statistics:
        """Count over the chosen texts of several indexes."""
        texts = sum(int(chosen.sum()) for _, chosen in parts)
        words = sum(int(p.lengths[chosen].sum(dtype=np.int64)) for p, chosen in parts)
        return cls(
            texts,
            words / texts if texts else 0.0,
            {t: sum(int(chosen[p.of_term(t)[0]].sum()) for p, chosen in parts) for t in terms},
        )

    def idf(self, term: str) -> float:
        """Return how much a word says: more, the fewer texts have it."""
        df = self.frequency.get(term, 0)
        return math.log(1 + (self.texts - df + 0.5) / (df + 0.5))


def scores(
    postings: Postings, chosen: npt.NDArray[np.bool_], terms: Sequence[str], known: Statistics
) -> npt.NDArray[np.float64]:
    """Return the BM25 score of each text; 0 for those that are not chosen.

    Parameters
    ----------
    postings : Postings
    chosen : numpy.ndarray
        bool, texts.
    terms : sequence of str
        Words of the question, each once.
    known : Statistics
        Over the texts that are asked; another corpus may lend its own.
    """
    out = np.zeros(len(postings))
    if not known.length:
        return out
    for term in terms:
        rows, counts = postings.of_term(term)
        rows, counts = rows[chosen[rows]], counts[chosen[rows]]
        long = postings.lengths[rows] / known.length
        out[rows] += known.idf(term) * counts / (counts + K1 * (1 - B + B * long))
    return out


def terms_of(text: str) -> list[str]:
    """Return the words that a question asks for, each once, in order of the alphabet."""
    return sorted(set(stems(text)))
