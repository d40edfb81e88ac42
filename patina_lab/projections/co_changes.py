"""Co-change: which files change in the same commits."""

from __future__ import annotations

from patina_lab.projections.projection import projection
from patina_lab.projections.rel import Rel


@projection(
    columns={
        "file_a": "text, before file_b in code-point order",
        "file_b": "text",
        "count": "integer, commits that touched both",
        "jaccard": "fraction 0..1: commits with both / commits with either",
        "confidence_a": "fraction 0..1: commits with both / commits with file_a",
        "confidence_b": "fraction 0..1: commits with both / commits with file_b",
    }
)
def co_changes(touches: Rel, *, max_files: int | None = 50, min_count: int = 2) -> Rel:
    """Count, for each pair of files, the commits that touched both.

    Parameters
    ----------
    touches : Rel
    max_files : int or None
        Leave out commits with more files: a commit of *n* files makes n(n-1)/2 pairs and
        says nothing about most of them.  None for no cap.
    min_count : int
        Leave out rarer pairs.

    Returns
    -------
    Rel
        ``file_a, file_b, count, jaccard, confidence_a, confidence_b``, strongest count
        first.  Commits without the cap's reach count neither for the pairs nor for the
        single files.

    Notes
    -----
    With A and B the sets of commits that touched each file, ``jaccard = |A ∩ B| / |A ∪ B|``
    and ``confidence_a = |A ∩ B| / |A|``.
    """
    cap = "TRUE" if max_files is None else f"files <= {int(max_files)}"
    return touches.query(
        f"""
        WITH touched AS (
            SELECT DISTINCT seq, path FROM touches WHERE {cap}
        ), each AS (
            SELECT path, count(*) AS n FROM touched GROUP BY path
        ), pair AS (
            SELECT a.path AS file_a, b.path AS file_b, count(*) AS n
            FROM touched a JOIN touched b ON a.seq = b.seq AND a.path < b.path
            GROUP BY 1, 2
            HAVING count(*) >= {int(min_count)}
        )
        SELECT file_a, file_b, pair.n AS count,
               CAST(pair.n AS DOUBLE) / (a.n + b.n - pair.n) AS jaccard,
               CAST(pair.n AS DOUBLE) / a.n AS confidence_a,
               CAST(pair.n AS DOUBLE) / b.n AS confidence_b
        FROM pair JOIN each a ON a.path = file_a JOIN each b ON b.path = file_b
        ORDER BY count DESC, jaccard DESC, file_a, file_b
        """
    )
