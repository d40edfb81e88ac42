"""Co-change: which files change in the same commits, and how strongly.

reads   touches: seq, path, files
gives   file_a, file_b, count, commits_a, commits_b, jaccard, confidence_a, confidence_b, lift
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial, update_wrapper

from patina_lab.errors import InvalidOption
from patina_lab.projections.pair_counts import pair_counts
from patina_lab.projections.projection import Additive, projection
from patina_lab.projections.rel import Rel, compute

_DAY_US = 86_400_000_000
# The beginning of the day, exactly, before 1970 too.
_DAY = f"occurred_us - (occurred_us % {_DAY_US} + {_DAY_US}) % {_DAY_US}"
_NEEDS = {"commit": (), "author_day": ("author_email", "occurred_us"), "day": ("occurred_us",)}
_UNITS = {"commit": "seq", "author_day": f"author_email, {_DAY}", "day": _DAY}


def _pairs(touches: Rel, *, max_files: int | None = 50) -> Rel:
    """Count pairs, files and commits without a threshold; one table, told apart by NULLs."""
    cap = "TRUE" if max_files is None else f"files <= {int(max_files)}"
    return touches.query(
        f"""
        WITH touched AS (
            SELECT DISTINCT seq, path FROM touches WHERE {cap}
        )
        SELECT a.path AS file_a, b.path AS file_b, count(*) AS n
        FROM touched a JOIN touched b ON a.seq = b.seq AND a.path < b.path
        GROUP BY a.path, b.path
        UNION ALL
        SELECT path, CAST(NULL AS VARCHAR), count(*) FROM touched GROUP BY path
        UNION ALL
        SELECT CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR), count(DISTINCT seq) FROM touched
        """
    )


def behind(row: Mapping[str, str], params: Mapping[str, str]) -> str:
    """Return the commits of the units that touched both files."""
    of = {"'commit'": "seq", "'author_day'": f"(author_email, {_DAY})", "'day'": _DAY}
    unit = of[params.get("by", "'commit'")]
    cap = "TRUE" if params["max_files"] == "NULL" else f"files <= {params['max_files']}"
    having = [
        f"{unit} IN (SELECT {unit} FROM touches WHERE {cap} AND path = {row[name]})"
        for name in ("file_a", "file_b")
    ]
    either = f"path IN ({row['file_a']}, {row['file_b']})"
    return f"SELECT seq FROM touches WHERE {cap} AND {either} AND {' AND '.join(having)}"


def _finish(
    pairs: Rel, *, max_files: int | None = 50, min_count: int = 2, by: str = "commit"
) -> Rel:
    return pairs.query(
        f"""
        WITH file AS (
            SELECT file_a AS path, n FROM this WHERE file_a IS NOT NULL AND file_b IS NULL
        ), total AS (
            SELECT sum(n) AS n FROM this WHERE file_a IS NULL
        )
        SELECT p.file_a, p.file_b, CAST(p.n AS BIGINT) AS count,
               CAST(a.n AS BIGINT) AS commits_a, CAST(b.n AS BIGINT) AS commits_b,
               CAST(p.n AS DOUBLE) / CAST(a.n + b.n - p.n AS DOUBLE) AS jaccard,
               CAST(p.n AS DOUBLE) / CAST(a.n AS DOUBLE) AS confidence_a,
               CAST(p.n AS DOUBLE) / CAST(b.n AS DOUBLE) AS confidence_b,
               CAST(p.n AS DOUBLE) / CAST(a.n AS DOUBLE) * CAST(t.n AS DOUBLE)
                   / CAST(b.n AS DOUBLE) AS lift
        FROM this p JOIN file a ON a.path = p.file_a JOIN file b ON b.path = p.file_b
        CROSS JOIN total t
        WHERE p.file_b IS NOT NULL AND p.n >= {max(int(min_count), 1)}
        ORDER BY count DESC, jaccard DESC, file_a, file_b
        """
    )


@projection(
    needs={"touches": ("seq", "path", "files")},
    version=3,
    additive=Additive(
        _pairs,
        _finish,
        ("file_a", "file_b"),
        {"n": "sum"},
        params=("max_files",),
        # Without a cap one commit can make 200 million pairs; then classes are counted anew.
        # A day is many events: what it pairs is not known from the new ones alone.
        holds=lambda params: (
            params.get("max_files", 50) is not None and params.get("by", "commit") == "commit"
        ),
    ),
    evidence=behind,
    ranges={"max_files": (1, None), "min_count": (1, None)},
    columns={
        "file_a": "text, before file_b in code-point order",
        "file_b": "text",
        "count": "integer, commits (or days, see `by`) that touched both",
        "commits_a": "integer, commits that touched file_a",
        "commits_b": "integer, commits that touched file_b",
        "jaccard": "fraction 0..1: both / either",
        "confidence_a": "fraction 0..1: both / those that touched file_a",
        "confidence_b": "fraction 0..1: both / those that touched file_b",
        "lift": "ratio: how much oftener than if the two were independent",
    },
)
def co_changes(
    touches: Rel, *, max_files: int | None = 50, min_count: int = 2, by: str = "commit"
) -> Rel:
    """Count, for each pair of files, the commits that touched both.

    Parameters
    ----------
    touches : Rel
    max_files : int or None
        Leave out commits with more files: a commit of *n* files makes n(n-1)/2 pairs and
        says nothing about most of them.  None for no cap, which is exact over everything.
    min_count : int
        Leave out rarer pairs.
    by : {"commit", "author_day", "day"}
        What two files have to share: a commit, a day (UTC) of one author, or a day of the
        project.  Who commits in small steps shows only by the day what belongs together;
        a day of a busy project holds much that does not.

    Returns
    -------
    Rel
        One row a pair, most commits first.  What the cap leaves out counts neither for
        pairs nor for single files.  The cap is on commits: a day has the files of all its
        other commits, however many they are.

    Raises
    ------
    InvalidOption
        `by` is none of the three.

    Notes
    -----
    With A and B the sets of commits (or days) that touched each file, and N all of them:
    ``jaccard = |A ∩ B| / |A ∪ B|``, ``confidence_a = |A ∩ B| / |A|``,
    ``lift = |A ∩ B| · N / (|A| · |B|)`` (Agrawal, Imieliński, Swami 1993; Brin et al. 1997).

    Files with the very same set of commits are counted as one class and told apart again at
    the end.  Four sums over a file's commits say which could be the same; the first of them
    is then compared commit by commit, so that a chance agreement only costs a class.  That
    changes no number and makes a commit of 20,000 new files one row instead of 200 million
    pairs.  A file with fewer than `min_count` commits cannot be in a pair that has as many,
    so it is left out before pairs are made.

    On DuckDB the pairs are counted on arrays (:mod:`patina_lab.projections.pair_counts`):
    the same rows, in a third of the time; the text is what other engines run, and what
    further queries are made of.
    """
    cap = "TRUE" if max_files is None else f"files <= {int(max_files)}"
    least = max(int(min_count), 1)
    if by not in list(_UNITS):  # whatever it is: a list has no hash
        raise InvalidOption(f"by={by!r} is no unit of change.", f"Use one of: {', '.join(_UNITS)}.")
    if touches.engine is not None:
        touches.needs(*_NEEDS[by])
    unit = "seq" if by == "commit" else f"dense_rank() OVER (ORDER BY {_UNITS[by]})"
    made = touches.query(
        f"""
        WITH unit AS (
            SELECT {unit} AS seq, path FROM touches WHERE {cap}
        ), touched AS (
            SELECT DISTINCT seq, path FROM unit
        ), total AS (
            SELECT count(DISTINCT seq) AS n FROM touched
        ), file AS (
            SELECT path, count(*) AS n, CAST(row_number() OVER (ORDER BY path) AS INTEGER) AS id,
                   min(seq) AS begins, max(seq) AS ends, sum(seq) AS total,
                   sum((seq % 1009) * (seq % 917)) AS mixed
            FROM touched GROUP BY path HAVING count(*) >= {least}
        ), kept AS (
            SELECT t.seq, f.id FROM touched t JOIN file f ON f.path = t.path
        ), alike AS (
            SELECT id, n, head FROM (
                SELECT id, n,
                       min(id) OVER (PARTITION BY n, begins, ends, total, mixed) AS head
                FROM file
            ) f WHERE head <> id
        ), same AS (
            SELECT l.id, l.head
            FROM alike l JOIN kept a ON a.id = l.id
            JOIN kept b ON b.id = l.head AND b.seq = a.seq
            GROUP BY l.id, l.head HAVING count(*) = max(l.n)
        ), member AS (
            SELECT f.id, coalesce(s.head, f.id) AS class FROM file f LEFT JOIN same s ON s.id = f.id
        ), seen AS (
            SELECT k.seq, k.id FROM kept k JOIN member m ON m.id = k.id AND m.class = k.id
        ), across AS (
            SELECT a.id AS a, b.id AS b, count(*) AS n
            FROM seen a JOIN seen b ON a.seq = b.seq AND a.id < b.id
            GROUP BY a.id, b.id HAVING count(*) >= {least}
        ), pair AS (
            SELECT least(x.id, y.id) AS a, greatest(x.id, y.id) AS b, p.n
            FROM across p JOIN member x ON x.class = p.a JOIN member y ON y.class = p.b
            UNION ALL
            SELECT x.id, y.id, f.n
            FROM member x JOIN member y ON x.class = y.class AND x.id < y.id
            JOIN file f ON f.id = x.id
        )
        SELECT a.path AS file_a, b.path AS file_b, p.n AS count,
               a.n AS commits_a, b.n AS commits_b,
               CAST(p.n AS DOUBLE) / CAST(a.n + b.n - p.n AS DOUBLE) AS jaccard,
               CAST(p.n AS DOUBLE) / CAST(a.n AS DOUBLE) AS confidence_a,
               CAST(p.n AS DOUBLE) / CAST(b.n AS DOUBLE) AS confidence_b,
               CAST(p.n AS DOUBLE) / CAST(a.n AS DOUBLE) * CAST(t.n AS DOUBLE)
                   / CAST(b.n AS DOUBLE) AS lift
        FROM pair p JOIN file a ON a.id = p.a JOIN file b ON b.id = p.b CROSS JOIN total t
        ORDER BY count DESC, jaccard DESC, a.id, b.id
        """
    )
    counted = update_wrapper(partial(pair_counts, least=least), pair_counts)
    return replace(
        made,
        direct=compute(
            counted, touches.query(f"SELECT {unit} AS seq, path FROM touches WHERE {cap}")
        ),
    )
