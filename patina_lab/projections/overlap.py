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

from patina_lab.projections.terms import WORD, words

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
    told = _rare(*_spoken(wanted, c, t), len(wanted), common(c.num_rows))
    code = {word: i for i, word in enumerate(wanted)}

    asked = set().union(*named)
    by_name: dict[str, list[str]] = {}
    touching = _touching(c, t, asked)
    for path in touching:
        for name in {path, _last(path)} & asked:
            by_name.setdefault(name, []).append(path)
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


def _spoken(wanted: list[str], c: pa.Table, t: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """Return (number of a word in `wanted`, position of a commit), with repetitions."""
    import numpy as np

    said = [said_words(message or "") for message in c.column("message").to_pylist()]
    positions = np.repeat(np.arange(len(said)), [len(each) for each in said])
    codes = _codes([word for each in said for word in each], wanted)

    path, position = _touches(c, t)
    coded = t.column("path").combine_chunks().dictionary_encode()
    parts = [path_words(text) for text in coded.dictionary.to_pylist()]
    holder = np.repeat(np.arange(len(parts)), [len(each) for each in parts])
    held = _codes([word for each in parts for word in each], wanted)
    holder, held = holder[held >= 0], held[held >= 0]
    # Each touch of a path says all words of the path.
    order = np.argsort(path, kind="stable")
    first = np.searchsorted(path[order], holder)
    counts = np.searchsorted(path[order], holder, "right") - first
    steps = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    touched = position[order][np.repeat(first, counts) + steps]
    return (
        np.concatenate([codes[codes >= 0], np.repeat(held, counts)]),
        np.concatenate([positions[codes >= 0], touched]),
    )


def _codes(said: list[str], wanted: list[str]) -> np.ndarray:
    """Return for each word its number in `wanted`; -1 where it is not there."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = pc.index_in(pa.array(said, pa.string()), value_set=pa.array(wanted, pa.string()))
    codes: np.ndarray = found.fill_null(-1).to_numpy(zero_copy_only=False)
    return codes


def _rare(codes: np.ndarray, positions: np.ndarray, words: int, most: int) -> list[np.ndarray]:
    """Return the sorted positions of each word; none of a word that more than `most` have."""
    import numpy as np

    size = int(positions.max()) + 1 if len(positions) else 1
    pairs = np.sort(codes.astype(np.int64) * size + positions)
    pairs = pairs[np.concatenate(([True], pairs[1:] != pairs[:-1]))] if len(pairs) else pairs
    cuts = np.searchsorted(pairs, np.arange(1, words) * size)
    each = [group % size for group in np.split(pairs, cuts)] if words else []
    return [group if len(group) <= most else group[:0] for group in each]


def said_words(text: str) -> list[str]:
    """Return what `words` does, and the commonest words too; faster where all is ASCII."""
    return WORD.findall(text.lower()) if text.isascii() else words(text)


def path_words(path: str) -> list[str]:
    """Return the words of a path: those of its parts, which ``_`` divides too."""
    return [word for part in path.replace("_", "/").split("/") for word in words(part)]


def _last(path: str) -> str:
    """Return the last part of a path where it can name a file by itself, else the path."""
    last = path.rpartition("/")[2]
    return last if "." in last.strip(".") else path


def _touches(c: pa.Table, t: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """Return (number of a path in the order of appearance, position of a commit)."""
    import numpy as np

    seqs = c.column("seq").to_numpy()
    order = np.argsort(seqs, kind="stable")
    touched = t.column("seq").to_numpy()
    place = np.searchsorted(seqs, touched, sorter=order)
    here = place < len(seqs)
    here[here] = seqs[order[place[here]]] == touched[here]
    coded = t.column("path").combine_chunks().dictionary_encode()
    return coded.indices.to_numpy(zero_copy_only=False)[here], order[place[here]]


def _touching(c: pa.Table, t: pa.Table, asked: set[str]) -> Mapping[str, np.ndarray]:
    """Return, for each path that is asked for, the sorted positions of its commits."""
    import numpy as np

    path, position = _touches(c, t)
    paths = t.column("path").combine_chunks().dictionary_encode().dictionary.to_pylist()
    wanted = [n for n, text in enumerate(paths) if text in asked or _last(text) in asked]
    order = np.lexsort((position, path))
    low, high = (np.searchsorted(path[order], wanted, side) for side in ("left", "right"))
    return {
        paths[n]: position[order[i:j]] for n, i, j in zip(wanted, low, high, strict=True) if j > i
    }
