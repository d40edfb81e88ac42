"""File identity: which paths, at which time, were the same file.

A path is a name, and names are given up and taken again.  An identity is a file that
lives on under one name after another; each of its names holds for a span of the history.

reads   touches: seq, path, old_path, change
        commit_parents: seq, parent
gives   identity, path, since_seq, until_seq, commits, current
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from patina_lab.projections.projection import projection
from patina_lab.projections.rel import Computed, Rel, compute

if TYPE_CHECKING:
    import pyarrow as pa


@projection(
    version=2,
    evidence=lambda row, params: (
        f"SELECT seq FROM touches WHERE path = {row['path']} AND change <> 'D' "
        f"AND seq BETWEEN {row['since_seq']} AND {row['until_seq']}"
    ),
    needs={
        "touches": ("seq", "path", "old_path", "change"),
        "commit_parents": ("seq", "parent"),
    },
    columns={
        "identity": "integer from 1, in the order in which files appear",
        "path": "text, one name of the file",
        "since_seq": "integer, seq of the first commit under this name",
        "until_seq": "integer, seq of the last commit under this name",
        "commits": "integer, commits under this name",
        "current": "text, the file's last name; NULL where it was deleted",
    },
)
def file_identity(touches: Rel, commit_parents: Rel) -> Computed:
    """Follow renames in topological order; a name that is used again is another file.

    Notes
    -----
    Commits are replayed parents first (the dates of commits lie), ties by ``seq``.  In one
    commit all removals happen before all additions, so that two files can swap names.
    Branches share one set of names: where two branches rename one file differently, both
    names lead to the same identity, and the later one in the replay is current; where one
    deletes a file that another goes on changing, it is the same file still.  What a merge
    itself did is seen only in a log that was scraped with ``merges="combined"`` or
    ``"first-parent"``.
    """
    rows = touches.query(
        "SELECT seq, path, old_path, change FROM touches ORDER BY seq, path, change"
    )
    edges = commit_parents.query("SELECT seq, parent FROM commit_parents ORDER BY seq, parent")
    return compute(_identities, rows, edges)


def topological(seqs: Iterable[int], edges: Iterable[tuple[int, int | None]]) -> list[int]:
    """Return `seqs` parents first; among those that are ready, the smallest first."""
    import heapq

    wanted = set(seqs)
    children: dict[int, list[int]] = {}
    waiting = dict.fromkeys(wanted, 0)
    for seq, parent in edges:
        if parent is not None and parent in wanted and seq in wanted:
            children.setdefault(parent, []).append(seq)
            waiting[seq] += 1
    ready = [seq for seq, n in waiting.items() if n == 0]
    heapq.heapify(ready)
    order = []
    while ready:
        seq = heapq.heappop(ready)
        order.append(seq)
        for child in children.get(seq, ()):
            waiting[child] -= 1
            if waiting[child] == 0:
                heapq.heappush(ready, child)
    return order


def _identities(rows: pa.Table, edges: pa.Table) -> pa.Table:
    import pyarrow as pa

    by_commit: dict[int, list[tuple[str, str | None, str]]] = {}
    columns = [rows.column(name).to_pylist() for name in ("seq", "path", "old_path", "change")]
    for seq, path, old, change in zip(*columns, strict=True):
        by_commit.setdefault(seq, []).append((path, old, change))
    links = list(
        zip(edges.column("seq").to_pylist(), edges.column("parent").to_pylist(), strict=True)
    )
    everyone = set(by_commit) | {seq for seq, _ in links}

    alive: dict[str, int] = {}
    # Who had a name that was given up: on another branch it may still be had.
    former: dict[str, int] = {}
    held: dict[tuple[int, str], list[int]] = {}
    last: dict[int, str | None] = {}
    made = 0
    for seq in topological(everyone, links):
        arriving: list[tuple[str, int | None]] = []
        for path, old, change in by_commit.get(seq, ()):
            if change == "R" and old is not None:
                arriving.append((path, alive.get(old, former.get(old))))
            elif change == "D":
                arriving.append(("", alive.get(path)))
            else:
                known = alive.get(path, former.get(path))
                arriving.append((path, None if change in ("A", "C") else known))
        for path, old, change in by_commit.get(seq, ()):
            gone = old if change == "R" else path if change == "D" else None
            if gone is not None and gone in alive:
                former[gone] = alive.pop(gone)
                last[former[gone]] = None
        for path, identity in arriving:
            if not path:
                continue
            if identity is None:
                made += 1
                identity = made
            other = alive.pop(path, identity)
            last[other] = last[identity] = path
            alive[path] = identity  # by who was touched last
            span = held.setdefault((identity, path), [seq, seq, 0])
            span[0], span[1], span[2] = min(span[0], seq), max(span[1], seq), span[2] + 1
    last |= {identity: path for path, identity in alive.items()}
    keys = sorted(held, key=lambda key: (key[0], held[key][0], key[1]))
    return pa.table(
        {
            "identity": pa.array([k[0] for k in keys], pa.int64()),
            "path": pa.array([k[1] for k in keys], pa.string()),
            "since_seq": pa.array([held[k][0] for k in keys], pa.int64()),
            "until_seq": pa.array([held[k][1] for k in keys], pa.int64()),
            "commits": pa.array([held[k][2] for k in keys], pa.int64()),
            "current": pa.array([last.get(k[0]) for k in keys], pa.string()),
        }
    )
