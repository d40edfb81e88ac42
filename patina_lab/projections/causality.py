"""Causality: commits around a decision, and what ties them to it.

What is computed is *association*.  A commit that comes after a decision, descends from the
commit that recorded it and speaks of the same things may carry it out, or may merely come
after it.  :mod:`patina_lab.projections.causality_null` says what chance would give.

reads   decisions: seq, occurred_us, source_id, content
        commits: seq, occurred_us, sha, message
        touches: seq, path, change
        commit_parents: seq, parent
        eventlog: seq, source_file (where a decision was written down)
gives   decision_seq, commit_seq, source_id, decision, sha, message, lag_days, shared_terms,
        shared_files, recorded, descends
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from patina_lab.errors import InvalidOption
from patina_lab.projections.ancestry import descends
from patina_lab.projections.calendar import MOST_DAYS
from patina_lab.projections.overlap import overlap
from patina_lab.projections.projection import projection
from patina_lab.projections.rel import Computed, Rel, compute

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

_DAY_US = 86_400_000_000
_TEXTS = 1 << 11
"""Messages whose first lines are taken at once."""

DECIDED = (
    "SELECT d.seq, d.occurred_us, d.source_id, d.content, e.source_file "
    "FROM decisions d LEFT JOIN eventlog e ON e.seq = d.seq ORDER BY d.seq"
)
# So ended, a text is looked through where it is: see `projections.spoken`.
MESSAGE = "message || chr(10) AS message"
# A commit may touch a file twice (two changes of one row each): that changes no answer here.
TOUCHED = "SELECT seq, path, CASE WHEN change = 'D' THEN 0 ELSE 1 END AS kept FROM touches"


@projection(
    needs={
        "decisions": ("seq", "occurred_us", "source_id", "content"),
        "commits": ("seq", "occurred_us", "sha", "message"),
        "touches": ("seq", "path", "change"),
        "commit_parents": ("seq", "parent"),
        "eventlog": ("seq", "source_file"),
    },
    version=2,
    evidence=lambda row, params: (
        f"SELECT seq FROM eventlog WHERE seq IN ({row['decision_seq']}, {row['commit_seq']})"
    ),
    ranges={"days_before": (None, MOST_DAYS), "days_after": (None, MOST_DAYS)},
    columns={
        "decision_seq": "integer, the decision's seq",
        "commit_seq": "integer, the commit's seq",
        "source_id": "text, session or event id of the decision",
        "decision": "text",
        "sha": "text",
        "message": "text, first line",
        "lag_days": "number, days from decision to commit; negative before it",
        "shared_terms": "integer, words of the decision in the commit's message or paths",
        "shared_files": "integer, files that the decision names and the commit touched",
        "recorded": "boolean: this commit brought the decision into the repository",
        "descends": "boolean: it is that commit or descends from it; NULL where none is known",
    },
)
def causality(
    decisions: Rel,
    commits: Rel,
    touches: Rel,
    commit_parents: Rel,
    eventlog: Rel,
    *,
    days_before: float = 0,
    days_after: float = 14,
) -> Computed:
    """Pair each decision with the commits of the window after it (and, if asked, before).

    Parameters
    ----------
    decisions, commits, touches, commit_parents, eventlog : Rel
    days_before, days_after : float
        The window around the decision: ``days_before=7, days_after=7`` is seven days either
        way.  A commit at the very instant of the decision is part of ``days_before``.

    Returns
    -------
    Computed
        One row a decision and commit, by decision, lag and commit.  Read it beside
        `causality_null`.

    Raises
    ------
    InvalidOption
        The window is none.

    Notes
    -----
    The commit that *recorded* a decision is the first one, from the moment of the decision
    on, that touched the file it stands in.  Where the slice has none, nothing can be said
    of descent, and ``descends`` is NULL.  A commit can come after a decision by its date
    without descending from it: whoever made it on another branch need not have known.
    Words that more than a tenth of the commits have (and more than 5) are not counted.
    """
    if days_before < 0 or days_after <= 0:
        raise InvalidOption(
            f"days_before={days_before}, days_after={days_after} is no window.",
            "Use days_before >= 0 and days_after > 0.",
        )
    d = decisions.query(DECIDED, eventlog=eventlog)
    c = commits.query(f"SELECT seq, occurred_us, sha, {MESSAGE} FROM commits")
    t = touches.query(TOUCHED)
    p = commit_parents.query("SELECT seq, parent FROM commit_parents WHERE parent IS NOT NULL")
    before, after = round(days_before * _DAY_US), round(days_after * _DAY_US)

    def pair(d: pa.Table, c: pa.Table, t: pa.Table, p: pa.Table) -> pa.Table:
        return _pair(d, c, t, p, before, after)

    return compute(pair, d, c, t, p)


def _pair(d: pa.Table, c: pa.Table, t: pa.Table, p: pa.Table, before: int, after: int) -> pa.Table:
    import numpy as np
    import pyarrow as pa

    c = in_time(c)
    decided, committed = d.column("occurred_us").to_numpy(), c.column("occurred_us").to_numpy()
    first = np.searchsorted(committed, decided - before, "left" if before else "right")
    counts = np.searchsorted(committed, decided + after, "right") - first
    decision = np.repeat(np.arange(len(decided)), counts)
    begins = np.cumsum(counts) - counts
    commit = np.arange(counts.sum()) - np.repeat(begins, counts) + np.repeat(first, counts)

    both = overlap(d.column("content").to_pylist(), c, t)
    shared = {
        "shared_terms": both.terms.within(first, counts),
        "shared_files": both.files.within(first, counts),
    }
    recorded = recording(d, c, t)
    there = recorded[decision]
    known = there >= 0
    reached = np.zeros(len(decision), dtype=bool)
    if known.any():
        roots, place = np.unique(there[known], return_inverse=True)
        reached[known] = descends(len(committed), _edges(c, p), roots, (commit[known], place))

    lines = _first_lines(c.column("message"))
    lag = (committed[commit] - decided[decision]) / np.float64(_DAY_US)
    of_decision, of_commit = pa.array(decision), pa.array(commit)
    return pa.table(
        {
            "decision_seq": d.column("seq").take(of_decision),
            "commit_seq": c.column("seq").take(of_commit),
            "source_id": d.column("source_id").take(of_decision),
            "decision": d.column("content").take(of_decision),
            "sha": c.column("sha").take(of_commit),
            "message": lines.take(of_commit),
            "lag_days": pa.array(lag, pa.float64()),
            "shared_terms": pa.array(shared["shared_terms"]),
            "shared_files": pa.array(shared["shared_files"]),
            "recorded": pa.array(known & (there == commit)),
            "descends": pa.array(reached, mask=~known),
        }
    )


def in_time(c: pa.Table) -> pa.Table:
    """Return commits by time and then by seq: most often as they are, no message is moved."""
    import numpy as np

    at, seq = c.column("occurred_us").to_numpy(), c.column("seq").to_numpy()
    if ((at[1:] > at[:-1]) | ((at[1:] == at[:-1]) & (seq[1:] > seq[:-1]))).all():
        return c
    return c.take(np.lexsort((seq, at)))


def _first_lines(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return what comes before the first line break of each text.

    A few texts at a time: what is copied of them stays in memory that is used again.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    lines = [
        pc.list_element(pc.split_pattern(chunk.slice(n, _TEXTS), "\n", max_splits=1), 0)
        for chunk in texts.chunks
        for n in range(0, len(chunk), _TEXTS)
    ]
    return pa.chunked_array([pa.concat_arrays(lines)] if lines else [], pa.string())


def recording(d: pa.Table, c: pa.Table, t: pa.Table) -> np.ndarray:
    """Return the position of the commit that recorded each decision; -1 where none is known."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    found = np.full(d.num_rows, -1, dtype=np.int64)
    wanted = {file for file in d.column("source_file").to_pylist() if file is not None}
    if not wanted:
        return found
    position = {seq: i for i, seq in enumerate(c.column("seq").to_pylist())}
    touching: dict[str, list[int]] = {}
    kept = pc.and_(
        pc.is_in(t.column("path"), value_set=pa.array(sorted(wanted))),
        pc.equal(t.column("kept"), 1),
    )
    t = t.filter(kept)
    for seq, path in zip(t.column("seq").to_pylist(), t.column("path").to_pylist(), strict=True):
        if seq in position:
            touching.setdefault(path, []).append(position[seq])
    committed = c.column("occurred_us").to_numpy()
    rows = zip(
        d.column("source_file").to_pylist(), d.column("occurred_us").to_pylist(), strict=True
    )
    for i, (file, at) in enumerate(rows):
        since = [n for n in touching.get(file, ()) if committed[n] >= at]
        if since:
            found[i] = min(since)
    return found


def _edges(c: pa.Table, p: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """Return children and parents as positions, those of commits that are not here left out."""
    import numpy as np

    seqs = c.column("seq").to_numpy()
    order = np.argsort(seqs, kind="stable")
    ends = []
    here = np.ones(p.num_rows, dtype=bool)
    for name in ("seq", "parent"):
        wanted = p.column(name).to_numpy()
        place = np.searchsorted(seqs, wanted, sorter=order)
        inside = place < len(seqs)
        inside[inside] = seqs[order[place[inside]]] == wanted[inside]
        here &= inside
        ends.append(order[np.where(inside, place, 0)] if len(seqs) else place)
    return ends[0][here], ends[1][here]
