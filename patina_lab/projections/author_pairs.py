"""How many files each two people share, counted exactly on arrays of numbers.

The same rows as the SQL of `collaboration`, where the engine is in this process; memory is
that of the result and of one block of pairs (see `pair_counts`), however many people a file
has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from patina_lab.projections.pair_counts import blocks, bound, in_order, named, ranked

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


def author_pairs(touches: pa.Table, most_authors: int | None, least: int) -> pa.Table:
    """Count, for each pair of people, the files that both touched.

    Parameters
    ----------
    touches : pyarrow.Table
        ``seq``, ``path``, ``author_email``, ``author_name``.
    most_authors : int or None
        Leave out files that more people touched.
    least : int
        Leave out pairs with fewer shared files.

    Returns
    -------
    pyarrow.Table
        The columns of `collaboration`, in its order.
    """
    import numpy as np
    import pyarrow as pa

    _, path = ranked(touches["path"])
    emails, email = ranked(touches["author_email"])
    names, name = ranked(touches["author_name"])
    people = len(emails)
    file, who, commits = _work(path, email, touches["seq"].to_numpy(), people)
    authors = np.bincount(file)
    narrow = np.ones(len(authors), bool) if most_authors is None else authors <= most_authors
    # Who has no address is counted among the authors of a file, but is nobody's partner.
    counted = narrow[file] & (who < people)
    file, who, commits = file[counted], who[counted], commits[counted]
    files = np.bincount(who, minlength=people)
    called = np.full(people + 1, -1)
    heard = narrow[path] & (name < len(names))
    np.maximum.at(called, email[heard], name[heard])

    a, b, shared, weight = _between(file, who, commits, people, least)
    top, heaviest = shared.max(initial=0), weight.max(initial=0)
    apart, lighter, a, b = in_order(top - shared, heaviest - weight, a, b)
    shared = top - apart
    nameless = called[:-1] < 0
    return pa.table(
        {
            "author_a": named(names, called[a], nameless[a]),
            "author_b": named(names, called[b], nameless[b]),
            "email_a": named(emails, a),
            "email_b": named(emails, b),
            "shared_files": shared,
            "files_a": files[a],
            "files_b": files[b],
            "jaccard": shared.astype(np.float64) / (files[a] + files[b] - shared),
            "weight": heaviest - lighter,
        }
    )


def _work(
    path: np.ndarray, email: np.ndarray, seq: np.ndarray, people: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return file, person and number of commits, by file and then by person."""
    import numpy as np

    if not len(path):
        return path, email, path
    bits = people.bit_length()
    both, commit = in_order((path << bits) | email, seq - seq.min())
    fresh = np.concatenate(([True], both[1:] != both[:-1]))
    other = fresh | np.concatenate(([True], commit[1:] != commit[:-1]))
    starts = np.flatnonzero(fresh)
    each = both[starts]
    return each >> bits, each & ((1 << bits) - 1), np.add.reduceat(other, starts, dtype=np.int64)


def _between(
    file: np.ndarray, who: np.ndarray, commits: np.ndarray, people: int, least: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return pairs a < b of people, files of both, and the sum of the smaller commits."""
    import numpy as np

    none = np.zeros(0, np.int64)
    found: list[tuple[np.ndarray, ...]] = [(none, none, none, none)]
    wide, deep = people.bit_length(), int(commits.max(initial=0)).bit_length()
    made = 0
    for entries, each, other in blocks(file, who, people):
        base = int(who[entries[0]])
        # Pair and smaller number as one: sorted by the pair.
        pairs = np.repeat((who[entries] - base) << (wide + deep), each)
        pairs |= who[other] << deep
        pairs |= np.minimum(np.repeat(commits[entries], each), commits[other])
        pairs.sort()
        pair = pairs >> deep
        starts = np.flatnonzero(np.concatenate(([True], pair[1:] != pair[:-1])))
        shared = np.diff(starts, append=len(pair))
        weight = np.add.reduceat(pairs & ((1 << deep) - 1), starts)
        often = np.flatnonzero(shared >= least)
        kept = pair[starts[often]]
        made += len(kept)
        bound(made, "people")
        found.append(
            ((kept >> wide) + base, kept & ((1 << wide) - 1), shared[often], weight[often])
        )
    a, b, n, weight = (np.concatenate(column) for column in zip(*found, strict=True))
    return a, b, n, weight
