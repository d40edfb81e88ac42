"""Overlap: which commits speak of a decision's words, or touch the files that it names.

tables  d: content (of each decision)
        c: seq, message, in any order; a commit's position in it is its number here
        t: seq, path; what a commit touched twice counts once
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from patina_lab.projections.order import distinct, keep_freed, order, spread
from patina_lab.projections.spoken import spoken
from patina_lab.projections.terms import words

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

_NAME = re.compile(r"[\w@+~-][\w./@+~-]*")


@dataclass(frozen=True)
class Shared:
    """Which commits have what decisions have: words, or files.

    Parameters
    ----------
    line : array of int
        ``number of a thing * stretch + position of a commit``, sorted, each once.
    stretch : int
        More than any position.
    decision, thing : array of int
        Numbers of a decision and of a thing that it has, by decision, each once.
    """

    line: np.ndarray
    stretch: int
    decision: np.ndarray
    thing: np.ndarray

    def within(self, first: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """Count, for each decision and each position of its window, the things shared.

        Parameters
        ----------
        first, counts : array of int
            Where each decision's window begins, and how many positions it has.

        Returns
        -------
        array of int
            One after another for all decisions.
        """
        import numpy as np

        begins = (np.cumsum(counts) - counts)[self.decision]
        first = first[self.decision]
        offset = self.thing * self.stretch
        low = np.searchsorted(self.line, offset + first)
        many = np.searchsorted(self.line, offset + first + counts[self.decision]) - low
        places = self.line[spread(low, many)] + np.repeat(begins - first - offset, many)
        found: np.ndarray = np.bincount(places, minlength=int(counts.sum()))
        return found

    def commits(self) -> tuple[np.ndarray, np.ndarray]:
        """Return (decision, position of a commit) where anything is shared, sorted, each once."""
        import numpy as np

        offset = self.thing * self.stretch
        low = np.searchsorted(self.line, offset)
        many = np.searchsorted(self.line, offset + self.stretch) - low
        held = self.line[spread(low, many)] + np.repeat(self.decision * self.stretch - offset, many)
        both = np.unique(held)
        return both // self.stretch, both % self.stretch


@dataclass(frozen=True)
class Overlap:
    """What decisions have in common with commits: words, and the files that they name."""

    terms: Shared
    files: Shared


def common(commits: int) -> int:
    """Return in how many commits a word may be: one of every tenth relates nothing."""
    return max(commits // 10, 5)


def names(text: str) -> set[str]:
    """Return what in a text could name a file: by its path, or by its last part.

    Examples
    --------
    >>> sorted(names("Move `src/a.py` to b.py, never to c."))
    ['Move', 'b.py', 'c', 'never', 'src/a.py', 'to']
    """
    return {found.rstrip(".-") for found in _NAME.findall(text)}


def overlap(contents: Sequence[str | None], c: pa.Table, t: pa.Table) -> Overlap:
    """Find, for each decision, the commits that share a word with it or touch its files.

    A word is shared where the commit has it in its message or in a path, and no more than
    :func:`common` commits do.  A file is named by its path or, where that has a dot inside,
    by its last part alone.
    """
    keep_freed()
    of_decision = [set(words(text or "")) for text in contents]
    named = [names(text or "") for text in contents]
    wanted = sorted(set().union(*of_decision))
    touches = _touches(c, t)
    stretch = max(c.num_rows, 1)
    told = _told(wanted, c, touches, stretch)
    codes = {word: (n,) for n, word in enumerate(wanted)}
    files, touched = _touched(set().union(*named), touches, stretch)
    return Overlap(
        _shared(told, stretch, of_decision, codes), _shared(touched, stretch, named, files)
    )


def _shared(
    line: np.ndarray,
    stretch: int,
    said: Sequence[set[str]],
    meant: Mapping[str, Sequence[int]],
) -> Shared:
    """Return what is shared, where a decision has what is meant by any text that it says."""
    import numpy as np

    had = [sorted({n for text in each for n in meant.get(text, ())}) for each in said]
    decision = np.repeat(np.arange(len(had)), [len(each) for each in had])
    return Shared(line, stretch, decision, np.array([n for each in had for n in each], np.int64))


def _told(wanted: list[str], c: pa.Table, touches: _Touches, stretch: int) -> np.ndarray:
    """Return the commits that say each word, in messages or paths, where not too many do."""
    import numpy as np
    import pyarrow.compute as pc

    most = common(c.num_rows)
    codes, positions = spoken(c.column("message"), wanted, most)
    in_messages = codes * np.int64(stretch) + positions
    # The words of a path are those of its parts, which `_` divides too.
    held, holder = spoken(pc.replace_substring(touches.paths, "_", "/"), wanted)
    # Each touch of a path says all words of the path; touches go by commit, and so do they.
    by_path = order(holder, len(touches.paths))
    held = held[by_path]
    each = np.bincount(holder, minlength=len(touches.paths))
    begins = np.cumsum(each) - each
    codes = held[spread(begins[touches.path], each[touches.path])]
    positions = np.repeat(touches.position, each[touches.path])
    by_code = order(codes, len(wanted))
    in_paths = codes[by_code] * np.int64(stretch) + positions[by_code]
    both = np.concatenate((in_messages, in_paths))
    both.sort(kind="stable")  # two sorted halves are merged
    both = distinct(both)
    counts = np.diff(np.searchsorted(both, np.arange(len(wanted) + 1) * stretch))
    return both[np.repeat(counts <= most, counts)]


def _touched(
    asked: set[str], touches: _Touches, stretch: int
) -> tuple[dict[str, list[int]], np.ndarray]:
    """Return the files that each name means, and the commits that touched each of them."""
    import numpy as np

    meant: dict[str, list[int]] = {}
    wanted = np.zeros(len(touches.paths), bool)
    for n, path in enumerate(touches.paths.to_pylist()):
        for name in {path, _last(path)} & asked:
            meant.setdefault(name, []).append(n)
            wanted[n] = True
    here = wanted[touches.path]
    line = touches.path[here] * np.int64(stretch) + touches.position[here]
    return meant, np.unique(line)


def _last(path: str) -> str:
    """Return the last part of a path where it can name a file by itself, else the path."""
    last = path.rpartition("/")[2]
    return last if "." in last.strip(".") else path


@dataclass(frozen=True)
class _Touches:
    """Paths, and the number of a path and the position of a commit of each touch, by commit."""

    paths: pa.Array
    path: np.ndarray
    position: np.ndarray


def _touches(c: pa.Table, t: pa.Table) -> _Touches:
    """Return the touches of the commits that are here."""
    import numpy as np

    seqs = c.column("seq").to_numpy()
    placed = np.argsort(seqs, kind="stable")
    touched = t.column("seq").to_numpy()
    place = np.searchsorted(seqs, touched, sorter=placed)
    here = place < len(seqs)
    here[here] = seqs[placed[place[here]]] == touched[here]
    coded = t.column("path").combine_chunks().dictionary_encode()
    path = coded.indices.to_numpy(zero_copy_only=False)[here]
    position = placed[place[here]]
    by_commit = order(position, len(seqs))
    return _Touches(coded.dictionary, path[by_commit], position[by_commit])
