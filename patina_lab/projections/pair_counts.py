"""How many commits each two files share, counted exactly on arrays of numbers.

The same rows as the SQL of `co_changes`, where the engine is in this process: hundreds of
thousands of pairs are counted by sorting small blocks of numbers, without a row for each
occurrence of a pair.

::

    (commit, file)   numbers of both, each once
    classes          files with the very same commits: one of them stands for all
    blocks           the pairs of a few files at a time, as numbers: sorted, counted, dropped
    members          pairs of classes -> pairs of files
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from patina_lab.errors import InvalidOption

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

BLOCK = 1 << 16
"""Occurrences of pairs counted at once: as many as stay in a processor's cache."""

MOST_PAIRS = 1 << 26
"""More rows than this are refused: a table of them would not fit into the memory of most."""

_ROWS = 1 << 14


def pair_counts(touched: pa.Table, least: int) -> pa.Table:
    """Count, for each pair of paths, the units that have both.

    Parameters
    ----------
    touched : pyarrow.Table
        ``seq`` (integer: the unit, a commit or a day) and ``path``, in any order, with
        repetitions.
    least : int
        Leave out pairs with fewer units; 1 or more.

    Returns
    -------
    pyarrow.Table
        The columns of `co_changes`, in its order.

    Raises
    ------
    InvalidOption
        There are more than `MOST_PAIRS` pairs.

    Notes
    -----
    Memory is that of the result, of `touched`, and of one block, whatever the largest unit.
    """
    import numpy as np

    names, unit, file, units = _numbers(touched)
    count = np.bincount(file, minlength=len(names))
    frequent = count[file] >= least
    unit, file = unit[frequent], file[frequent]
    head = _classes(unit, file, units, len(names))
    standing = head[file] == file
    a, b, n = _between(unit[standing], file[standing], len(names), least, np.bincount(head))
    return _table(names, count, units, *_members(a, b, n, head, count, least))


def _numbers(touched: pa.Table) -> tuple[pa.Array, np.ndarray, np.ndarray, int]:
    """Return the paths in code-point order, and (unit, path) by number, sorted, each once."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    coded = pa.chunked_array([touched["path"].combine_chunks()]).dictionary_encode()
    coded = coded.combine_chunks()
    order = pc.sort_indices(coded.dictionary).to_numpy()
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    path = rank[coded.indices.to_numpy()]
    seqs = touched["seq"].to_numpy()
    later = seqs[1:] > seqs[:-1]
    if (later | (seqs[1:] == seqs[:-1])).all():  # as a log gives them
        unit = np.concatenate((np.zeros(min(len(seqs), 1), np.int64), np.cumsum(later)))
        units = int(unit[-1]) + 1 if len(unit) else 0
    else:
        once, unit = np.unique(seqs, return_inverse=True)
        units = len(once)
    bits = len(order).bit_length()
    both = _distinct((unit << bits) | path)
    names = coded.dictionary.take(pa.array(order))
    return names, both >> bits, both & ((1 << bits) - 1), units


def _distinct(numbers: np.ndarray) -> np.ndarray:
    """Return numbers sorted, each once."""
    import numpy as np

    numbers.sort()
    fresh = np.ones(len(numbers), bool)
    fresh[1:] = numbers[1:] != numbers[:-1]
    return numbers[fresh]


def _classes(unit: np.ndarray, file: np.ndarray, units: int, files: int) -> np.ndarray:
    """Return, for each file, the first one that has the very same units; often itself.

    A sum of random numbers, one a unit, says which could be the same; then they are compared
    unit by unit.
    """
    import numpy as np

    head = np.arange(files)
    if not len(file):
        return head
    by_file = _order(file, files)
    unit, file = unit[by_file], file[by_file]
    starts = np.flatnonzero(np.concatenate(([True], file[1:] != file[:-1])))
    lengths = np.diff(starts, append=len(file))
    marks = np.random.default_rng(0).integers(0, 2**64, units, dtype=np.uint64)
    sums = np.add.reduceat(marks[unit], starts)
    _, first, which = np.unique(sums, return_index=True, return_inverse=True)
    like = first[which]
    # Against the file that it could equal, one unit after another.
    shift = np.repeat(starts[like] - starts, lengths)
    against = np.minimum(np.arange(len(unit)) + shift, len(unit) - 1)
    same = np.logical_and.reduceat(unit[against] == unit, starts)
    same &= lengths == lengths[like]
    head[file[starts]] = np.where(same, file[starts[like]], file[starts])
    return head


def _between(
    unit: np.ndarray, file: np.ndarray, files: int, least: int, members: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return pairs a < b of files, in order, and in how many units (sorted, as `file`) both are.

    `members` says for how many files each one stands: what they all make is bounded here,
    before it is made.
    """
    import numpy as np

    none = np.zeros(0, np.int64)
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = [(none, none, none)]
    # An entry's partners are those that come after it in its unit.
    last = np.searchsorted(unit, unit, "right")
    partners = last - np.arange(len(unit)) - 1
    by_file = _order(file, files)
    by_file = by_file[partners[by_file] > 0]
    ends = np.flatnonzero(np.diff(file[by_file], append=files)) + 1
    total = np.cumsum(partners[by_file])[ends - 1]
    bits = files.bit_length()
    small = file.astype(np.uint32)
    begin = done = made = 0
    while begin < len(by_file):
        # Whole files, as many as a block holds: a pair of them is in no other block.
        upto = int(np.searchsorted(total, done + BLOCK, "right"))
        upto = max(upto, int(np.searchsorted(ends, begin, "right")) + 1)
        entries = by_file[begin : ends[upto - 1]]
        begin, done = int(ends[upto - 1]), int(total[upto - 1])
        base = int(file[entries[0]])
        narrow = (int(file[entries[-1]]) - base + 1) << bits < 1 << 32
        left = (file[entries] - base) << bits
        each = partners[entries]
        at = np.repeat(entries + 1 - (np.cumsum(each) - each), each)
        at += np.arange(len(at))
        pairs = np.repeat(left.astype(np.uint32) if narrow else left, each)
        pairs |= (small if narrow else file)[at]
        pairs.sort()
        edges = np.flatnonzero(pairs[1:] != pairs[:-1])
        ends_at = np.concatenate((edges, [len(pairs) - 1]))
        counted = np.diff(ends_at, prepend=-1)
        often = np.flatnonzero(counted >= least)
        kept = pairs[ends_at[often]].astype(np.int64)
        a, b = (kept >> bits) + base, kept & ((1 << bits) - 1)
        made += int((members[a] * members[b]).sum())
        _bound(made)
        found.append((a, b, counted[often]))
    a, b, n = (np.concatenate(column) for column in zip(*found, strict=True))
    return a, b, n


def _members(
    a: np.ndarray,
    b: np.ndarray,
    n: np.ndarray,
    head: np.ndarray,
    count: np.ndarray,
    least: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return pairs of files for pairs of classes, and the pairs within a class."""
    import numpy as np

    size = np.bincount(head, minlength=len(head))
    if size.max(initial=0) <= 1:
        return a, b, n
    listed = _order(head, len(head))
    begins = np.searchsorted(head[listed], np.arange(len(head)))
    each = size[a] * size[b]
    step = _steps(each)
    width = np.repeat(size[b], each)
    x = listed[np.repeat(begins[a], each) + step // width]
    y = listed[np.repeat(begins[b], each) + step % width]
    # Within a class each file pairs with those listed after it; rare files have no class.
    after = (begins + size)[head[listed]] - np.arange(len(listed)) - 1
    after[count[listed] < least] = 0
    _bound(len(x) + int(after.sum()))
    one = np.repeat(listed, after)
    other = listed[np.repeat(np.arange(len(listed)) + 1, after) + _steps(after)]
    return (
        np.concatenate((np.minimum(x, y), one)),
        np.concatenate((np.maximum(x, y), other)),
        np.concatenate((np.repeat(n, each), count[one])),
    )


def _order(numbers: np.ndarray, most: int) -> np.ndarray:
    """Return the stable order of numbers below `most`; short ones are sorted by their digits."""
    import numpy as np

    return np.argsort(numbers.astype(np.uint16) if most <= 1 << 16 else numbers, kind="stable")


def _steps(lengths: np.ndarray) -> np.ndarray:
    """Return 0, 1, … for each length, one after another."""
    import numpy as np

    steps: np.ndarray = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return steps


def _bound(pairs: int) -> None:
    if pairs > MOST_PAIRS:
        raise InvalidOption(
            f"There are more than {MOST_PAIRS:,} pairs of files: too many for one table.",
            "Raise min_count, or leave out large commits with max_files.",
        )


def _table(
    names: pa.Array, count: np.ndarray, units: int, a: np.ndarray, b: np.ndarray, n: np.ndarray
) -> pa.Table:
    import numpy as np
    import pyarrow as pa

    a, b, n = _ordered(a, b, n, count)
    of_a, of_b = count[a], count[b]
    both = n.astype(np.float64)
    confidence = both / of_a
    return pa.table(
        {
            "file_a": _named(names, a),
            "file_b": _named(names, b),
            "count": n,
            "commits_a": of_a,
            "commits_b": of_b,
            "jaccard": both / (of_a + of_b - n),
            "confidence_a": confidence,
            "confidence_b": both / of_b,
            "lift": confidence * units / of_b,
        }
    )


def _ordered(
    a: np.ndarray, b: np.ndarray, n: np.ndarray, count: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return pairs by count, then Jaccard, both falling, then by their numbers.

    With one count, a greater Jaccard is a smaller sum of the two files' units.
    """
    import numpy as np

    if not len(a):
        return a, b, n
    apart = n.max() - n
    sums = count[a] + count[b]
    wide, middle = len(count).bit_length(), int(sums.max()).bit_length()
    if 2 * wide + middle + int(apart.max()).bit_length() > 63:
        order = np.lexsort((b, a, sums, apart))
        return a[order], b[order], n[order]
    key = (((apart << middle) | sums) << wide | a) << wide | b
    key.sort()
    low = (1 << wide) - 1
    return (key >> wide) & low, key & low, n.max() - (key >> (2 * wide + middle))


def _named(names: pa.Array, numbers: np.ndarray) -> pa.ChunkedArray:
    """Return paths by their numbers, in pieces: a large one would be moved as it grows."""
    import pyarrow as pa

    return pa.chunked_array(
        [names.take(pa.array(numbers[i : i + _ROWS])) for i in range(0, len(numbers), _ROWS)],
        pa.string(),
    )
