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
from patina_lab.projections.order import ascending, distinct, keep_freed, order, steps

if TYPE_CHECKING:
    from collections.abc import Iterator

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

    keep_freed()
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

    names, path = ranked(touched["path"])
    seqs = touched["seq"].to_numpy()
    later = seqs[1:] > seqs[:-1]
    if (later | (seqs[1:] == seqs[:-1])).all():  # as a log gives them
        unit = np.concatenate((np.zeros(min(len(seqs), 1), np.int64), np.cumsum(later)))
        units = int(unit[-1]) + 1 if len(unit) else 0
    else:
        once, unit = np.unique(seqs, return_inverse=True)
        units = len(once)
    bits = len(names).bit_length()
    both = (unit << bits) | path
    both.sort(kind="stable")  # most are in order
    both = distinct(both)
    return names, both >> bits, both & ((1 << bits) - 1), units


def ranked(column: pa.ChunkedArray) -> tuple[pa.Array, np.ndarray]:
    """Return the texts of a column in code-point order, and each row's place; NULL comes last."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    coded = column.dictionary_encode().combine_chunks()
    order = pc.sort_indices(coded.dictionary).to_numpy()
    rank = np.empty(len(order) + 1, np.int64)
    rank[order] = np.arange(len(order))
    rank[len(order)] = len(order)
    places = coded.indices.fill_null(len(order)) if coded.null_count else coded.indices
    return coded.dictionary.take(pa.array(order)), rank[places.to_numpy()]


def _classes(unit: np.ndarray, file: np.ndarray, units: int, files: int) -> np.ndarray:
    """Return, for each file, the first one that has the very same units; often itself.

    A sum of numbers as if at random, one a unit, says which could be the same; then they are
    compared unit by unit.
    """
    import numpy as np

    head = np.arange(files)
    if not len(file):
        return head
    by_file = order(file, files)
    unit, file = unit[by_file], file[by_file]
    starts = np.flatnonzero(np.concatenate(([True], file[1:] != file[:-1])))
    lengths = np.diff(starts, append=len(file))
    marks = _scattered(units)
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


def _scattered(most: int) -> np.ndarray:
    """Return a number of 64 bits for each one below `most`, without a pattern (SplitMix64)."""
    import numpy as np

    mixed = np.arange(1, most + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return mixed ^ (mixed >> np.uint64(31))


def _between(
    unit: np.ndarray, file: np.ndarray, files: int, least: int, members: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return pairs a < b of files, in order, and in how many units (sorted, as `file`) both are.

    `members` says for how many files each one stands: what they all make is bounded here,
    before it is made.
    """
    import numpy as np

    none = np.zeros(0, np.int32)
    found: list[tuple[np.ndarray, ...]] = [(none, none, none)]
    bits = files.bit_length()
    small = file.astype(np.uint32)
    made = 0
    for entries, each, other in blocks(unit, file, files):
        base = int(file[entries[0]])
        narrow = (int(file[entries[-1]]) - base + 1) << bits < 1 << 32
        left = (file[entries] - base) << bits
        pairs = np.repeat(left.astype(np.uint32) if narrow else left, each)
        pairs |= (small if narrow else file)[other]
        pairs.sort(kind="stable")  # each entry's partners are in order: they are merged
        last = np.flatnonzero(np.append(pairs[1:] != pairs[:-1], True))
        counted = np.diff(last, prepend=-1)
        often = np.flatnonzero(counted >= least)
        kept = pairs[last[often]]
        a, b = (kept >> bits) + base, kept & ((1 << bits) - 1)
        made += int((members[a] * members[b]).sum())
        bound(made, "files")
        found.append(tuple(each.astype(np.int32) for each in (a, b, counted[often])))
    a, b, n = (np.concatenate(column) for column in zip(*found, strict=True))
    return a, b, n


def blocks(
    unit: np.ndarray, item: np.ndarray, items: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield all pairs of entries of one unit, those of a few items at a time.

    Parameters
    ----------
    unit, item : array of int
        Entries, by unit and then by item, each once.
    items : int
        More than any item.

    Yields
    ------
    (entries, each, other)
        Places of entries; with how many others each is a pair; their places.  The other one
        has the greater item.  A pair of items is in one block only.
    """
    import numpy as np

    # An entry's partners are those that come after it in its unit.
    after = np.flatnonzero(np.diff(unit, append=-1)) + 1
    partners = np.repeat(after, np.diff(after, prepend=0)) - np.arange(len(unit)) - 1
    by_item = order(item, items)
    by_item = by_item[partners[by_item] > 0]
    ends = np.flatnonzero(np.diff(item[by_item], append=items)) + 1
    total = np.cumsum(partners[by_item])[ends - 1]
    numbers = np.arange(BLOCK)
    begin = done = 0
    while begin < len(by_item):
        upto = int(np.searchsorted(total, done + BLOCK, "right"))
        upto = max(upto, int(np.searchsorted(ends, begin, "right")) + 1)
        entries = by_item[begin : ends[upto - 1]]
        begin, done = int(ends[upto - 1]), int(total[upto - 1])
        each = partners[entries]
        other = np.repeat(entries + 1 - (np.cumsum(each) - each), each)
        if len(other) > len(numbers):
            numbers = np.arange(len(other))
        other += numbers[: len(other)]
        yield entries, each, other


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
    listed = order(head, len(head)).astype(np.int32)
    begins = np.searchsorted(head[listed], np.arange(len(head)))
    each = size[a] * size[b]
    several = each > 1
    alone, several = np.flatnonzero(~several), np.flatnonzero(several)
    each = each[several]
    # All files of the one class with all of the other.
    width = np.repeat(size[b[several]], each)
    step = steps(each)
    row = step // width
    step -= row * width
    row += np.repeat(begins[a[several]], each)
    step += np.repeat(begins[b[several]], each)
    x, y = listed[row], listed[step]
    # Within a class each file pairs with those listed after it; rare files have no class.
    after = (begins + size)[head[listed]] - np.arange(len(listed)) - 1
    after[count[listed] < least] = 0
    bound(len(alone) + len(x) + int(after.sum()), "files")
    one = np.repeat(listed, after)
    other = listed[np.repeat(np.arange(len(listed)) + 1, after) + steps(after)]
    return (
        np.concatenate((a[alone], np.minimum(x, y), one)),
        np.concatenate((b[alone], np.maximum(x, y), other)),
        np.concatenate((n[alone], np.repeat(n[several], each), count[one]), dtype=np.int32),
    )


def bound(pairs: int, what: str) -> None:
    """Refuse a table of more than `MOST_PAIRS` rows.

    Raises
    ------
    InvalidOption
    """
    if pairs > MOST_PAIRS:
        raise InvalidOption(
            f"There are more than {MOST_PAIRS:,} pairs of {what}: too many for one table.",
            f"Ask for less: raise min_{'count' if what == 'files' else 'files'}, or lower "
            f"max_{'files' if what == 'files' else 'authors'}.",
        )


def _table(
    names: pa.Array, count: np.ndarray, units: int, a: np.ndarray, b: np.ndarray, n: np.ndarray
) -> pa.Table:
    import numpy as np
    import pyarrow as pa

    # With one count, a greater Jaccard is a smaller sum of the two files' units.
    top = n.max(initial=0)
    apart, _, a, b = in_order(top - n, count[a] + count[b], a, b)
    n = (top - apart).astype(np.int64, copy=False)
    of_a, of_b = count[a], count[b]
    both = n.astype(np.float64)
    confidence = both / of_a
    return pa.table(
        {
            "file_a": named(names, a),
            "file_b": named(names, b),
            "count": n,
            "commits_a": of_a,
            "commits_b": of_b,
            "jaccard": both / (of_a + of_b - n),
            "confidence_a": confidence,
            "confidence_b": both / of_b,
            "lift": confidence * units / of_b,
        }
    )


def in_order(*columns: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return columns of whole numbers, not negative, each row by the first, then the next.

    As one number a row where they fit into one.
    """
    import numpy as np

    bits = [int(column.max(initial=0)).bit_length() for column in columns]
    if sum(bits) > 63:
        order = np.lexsort(columns[::-1])
        return tuple(column[order] for column in columns)
    key = np.zeros(len(columns[0]), np.int64)
    for column, width in zip(columns, bits, strict=True):
        key <<= width
        key |= column
    key = ascending(key, sum(bits))
    found = []
    for width in reversed(bits):
        found.append(key & ((1 << width) - 1))
        key >>= width
    return tuple(reversed(found))


def named(
    names: pa.Array, numbers: np.ndarray, lacking: np.ndarray | None = None
) -> pa.ChunkedArray:
    """Return texts by their numbers, in pieces: a large one would be moved as it grows."""
    import pyarrow as pa

    pieces = [slice(i, i + _ROWS) for i in range(0, len(numbers), _ROWS)]
    masks = [None if lacking is None else lacking[piece] for piece in pieces]
    return pa.chunked_array(
        [names.take(pa.array(numbers[p], mask=m)) for p, m in zip(pieces, masks, strict=True)],
        pa.string(),
    )
