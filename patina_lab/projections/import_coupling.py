"""Import coupling: what changes together, beside what imports what."""

from __future__ import annotations

from patina_lab.errors import InvalidOption
from patina_lab.projections.co_changes import behind, co_changes
from patina_lab.projections.projection import projection
from patina_lab.projections.rel import Rel

MOST_HOPS = 5


# One more import at each step, only from files that are in a pair, each target once.
_FIRST = """way1 AS (
            SELECT path AS here, target AS there, 1 AS n FROM edge
            WHERE path IN (SELECT file_a FROM pair UNION ALL SELECT file_b FROM pair)
        )"""


def _further(n: int) -> str:
    return f"""way{n} AS (
            SELECT here, there, min(n) AS n FROM (
                SELECT here, there, n FROM way{n - 1}
                UNION ALL
                SELECT w.here, e.target, {n} FROM way{n - 1} w JOIN edge e ON e.path = w.there
                WHERE w.n = {n - 1} AND e.target <> w.here
            ) more GROUP BY here, there
        )"""


@projection(
    evidence=behind,
    needs={
        "touches": ("seq", "path", "files"),
        "import_edges": ("path", "target"),
        "code_files": ("path", "kind"),
    },
    ranges={"max_files": (1, None), "min_count": (1, None)},
    columns={
        "file_a": "text, before file_b in code-point order",
        "file_b": "text",
        "count": "integer, commits that touched both",
        "jaccard": "fraction 0..1: commits with both / commits with either",
        "imports": "integer, imports from one to the other on the shortest way; NULL: no way",
    },
)
def import_coupling(
    touches: Rel,
    import_edges: Rel,
    code_files: Rel,
    *,
    max_files: int | None = 50,
    min_count: int = 3,
    hops: int = 3,
    hidden: bool = True,
) -> Rel:
    """Find files that change together without importing one another.

    Coupling that the source does not show: a format that both sides know, a copied rule, a
    convention.  Pairs with a test, a registry or a generated file are often meant to be so.

    Parameters
    ----------
    touches, import_edges, code_files : Rel
        Needs a log that was scraped with ``code=True``.
    max_files : int or None
        Leave out commits with more files, as in `co_changes`.
    min_count : int
        Leave out rarer pairs.
    hops : int
        How many imports in a row still connect two files, 1 to 5.
    hidden : bool
        List only pairs that no way of imports connects; else all, with its length.

    Returns
    -------
    Rel
        ``file_a, file_b, count, jaccard, imports``, strongest count first.  Only files of
        the tree whose language is read.

    Raises
    ------
    InvalidOption
        `hops` is out of range.

    Notes
    -----
    Imports that cannot be resolved inside the repository (build paths, dynamic ones) are
    missing ways: look before you conclude.
    """
    if not 1 <= hops <= MOST_HOPS:
        raise InvalidOption(f"hops = {hops} is not between 1 and {MOST_HOPS}.", "3 is a good one.")
    pairs = co_changes(touches, max_files=max_files, min_count=min_count)
    assert isinstance(pairs, Rel)
    ways = ", ".join([_FIRST, *(_further(n) for n in range(2, hops + 1))])
    return pairs.query(
        f"""
        WITH file AS (
            SELECT DISTINCT path FROM code_files WHERE kind = 'file'
        ), pair AS (
            SELECT p.* FROM this p JOIN file a ON a.path = file_a JOIN file b ON b.path = file_b
        ), edge AS (
            SELECT DISTINCT path, target FROM import_edges
        ), {ways}, linked AS (
            SELECT CASE WHEN here < there THEN here ELSE there END AS file_a,
                   CASE WHEN here < there THEN there ELSE here END AS file_b, min(n) AS imports
            FROM way{hops} GROUP BY 1, 2
        )
        SELECT p.file_a, p.file_b, p.count, p.jaccard, l.imports
        FROM pair p LEFT JOIN linked l ON l.file_a = p.file_a AND l.file_b = p.file_b
        {"WHERE l.imports IS NULL" if hidden else ""}
        ORDER BY p.count DESC, p.jaccard DESC, p.file_a, p.file_b
        """,
        import_edges=import_edges,
        code_files=code_files,
    )
