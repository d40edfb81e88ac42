"""Overlap: which commits speak of a decision's words, or touch the files that it names.

tables  d: content (of each decision)
        c: seq, message, in any order; a commit's position in it is its number here
        t: seq, path, one row a commit and file
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from patina_lab.projections.spoken import spoken
from patina_lab.projections.terms import words

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

_NAME = re.compile(r"[\w@+~-][\w./@+~-]*")


@dataclass(frozen=True)
class Overlap:
    """What each decision has in common with commits.

    Parameters
    ----------
    terms, files : list of list of array
        A decision -> one sorted array of positions of commits for each of its words, and
        for each of the files that it names.
    """

    terms: list[list[np.ndarray]]
    files: list[list[np.ndarray]]


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
    of_decision = [set(words(text or "")) for text in contents]
    named = [names(text or "") for text in contents]
    wanted = sorted(set().union(*of_decision))
    paths, path, position = _touches(c, t)
    told = _rare(*_spoken(wanted, c, paths, path, position), len(wanted), common(c.num_rows))
    code = {word: i for i, word in enumerate(wanted)}

    asked = set().union(*named)
    by_name: dict[str, list[str]] = {}
    touching = _touching(paths, path, position, asked)
    for one in touching:
        for name in {one, _last(one)} & asked:
            by_name.setdefault(name, []).append(one)
    return Overlap(
        [
            [told[n] for n in sorted(code[word] for word in each) if len(told[n])]
            for each in of_decision
        ],
        [
            [touching[path] for path in sorted({p for n in each for p in by_name.get(n, ())})]
            for each in named
        ],
    )


def _spoken(
    wanted: list[str], c: pa.Table, paths: pa.Array, path: np.ndarray, position: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return (number of a word in `wanted`, position of a commit), with repetitions."""
    import numpy as np
    import pyarrow.compute as pc

    codes, positions = spoken(c.column("message"), wanted)
    # The words of a path are those of its parts, which `_` divides too.
    held, holder = spoken(pc.replace_substring(paths, "_", "/"), wanted)
    # Each touch of a path says all words of the path.
    order = np.argsort(path, kind="stable")
    first = np.searchsorted(path[order], holder)
    counts = np.searchsorted(path[order], holder, "right") - first
    steps = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    touched = position[order][np.repeat(first, counts) + steps]
    return np.concatenate([codes, np.repeat(held, counts)]), np.concatenate([positions, touched])


def _rare(codes: np.ndarray, positions: np.ndarray, words: int, most: int) -> list[np.ndarray]:
    """Return the sorted positions of each word; none of a word that more than `most` have."""
    import numpy as np

    size = int(positions.max()) + 1 if len(positions) else 1
    pairs = np.sort(codes.astype(np.int64) * size + positions)
    pairs = pairs[np.concatenate(([True], pairs[1:] != pairs[:-1]))] if len(pairs) else pairs
    cuts = np.searchsorted(pairs, np.arange(1, words) * size)
    each = [group % size for group in np.split(pairs, cuts)] if words else []
    return [group if len(group) <= most else group[:0] for group in each]


def _last(path: str) -> str:
    """Return the last part of a path where it can name a file by itself, else the path."""
    last = path.rpartition("/")[2]
    return last if "." in last.strip(".") else path


def _touches(c: pa.Table, t: pa.Table) -> tuple[pa.Array, np.ndarray, np.ndarray]:
    """Return the paths, and (number of a path, position of a commit) of each touch."""
    import numpy as np

    seqs = c.column("seq").to_numpy()
    order = np.argsort(seqs, kind="stable")
    touched = t.column("seq").to_numpy()
    place = np.searchsorted(seqs, touched, sorter=order)
    here = place < len(seqs)
    here[here] = seqs[order[place[here]]] == touched[here]
    coded = t.column("path").combine_chunks().dictionary_encode()
    path = coded.indices.to_numpy(zero_copy_only=False)[here]
    return coded.dictionary, path, order[place[here]]


def _touching(
    paths: pa.Array, path: np.ndarray, position: np.ndarray, asked: set[str]
) -> Mapping[str, np.ndarray]:
    """Return, for each path that is asked for, the sorted positions of its commits."""
    import numpy as np

    texts = paths.to_pylist()
    wanted = [
        n
        for n, text in enumerate(texts)
        if text in asked or (text.rpartition("/")[2] in asked and _last(text) in asked)
    ]
    of_wanted = np.zeros(len(texts), bool)
    of_wanted[wanted] = True
    path, position = path[of_wanted[path]], position[of_wanted[path]]
    order = np.lexsort((position, path))
    low, high = (np.searchsorted(path[order], wanted, side) for side in ("left", "right"))
    return {
        texts[n]: position[order[i:j]] for n, i, j in zip(wanted, low, high, strict=True) if j > i
    }


def within(held: list[list[np.ndarray]], first: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Count, for each decision and each position of its window, the arrays that have it.

    Parameters
    ----------
    held : list of list of array
        As in `Overlap`; an array that several decisions hold is one object.
    first, counts : array of int
        Where each decision's window begins, and how many positions it has.

    Returns
    -------
    array of int
        One after another for all decisions.
    """
    import numpy as np

    begins = np.cumsum(counts) - counts
    found = np.zeros(int(counts.sum()), dtype=np.int64)
    distinct = {id(each): each for lines in held for each in lines}
    if not distinct:
        return found
    # One sorted line for all: each array has a stretch of its own.
    stretch = 1 + max(int((first + counts).max()), *(int(e[-1]) for e in distinct.values()))
    code = {key: n * stretch for n, key in enumerate(distinct)}
    line = np.concatenate([each + code[key] for key, each in distinct.items()])
    decision = np.repeat(np.arange(len(held)), [len(lines) for lines in held])
    offset = np.array([code[id(each)] for lines in held for each in lines])
    low = np.searchsorted(line, offset + first[decision])
    many = np.searchsorted(line, offset + (first + counts)[decision]) - low
    step = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
    there = line[np.repeat(low, many) + step] - np.repeat(offset, many)
    places = np.repeat((begins - first)[decision], many) + there
    return found + np.bincount(places, minlength=len(found))
