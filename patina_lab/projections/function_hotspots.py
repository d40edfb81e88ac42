"""Function hotspots: complicated functions in files that change much."""

from __future__ import annotations

from patina_lab.projections.projection import projection
from patina_lab.projections.rel import Rel


@projection(
    evidence=lambda row, params: (
        f"SELECT seq FROM touches WHERE path = {row['path']} "
        f"UNION ALL SELECT seq FROM code_functions WHERE seq = {row['seq']}"
    ),
    needs={
        "code_functions": ("seq", "path", "qualified", "line_start", "lines", "complexity"),
        "touches": ("seq", "path", "lines_added", "lines_removed"),
    },
    ranges={"min_complexity": (1, None), "min_commits": (1, None)},
    columns={
        "path": "text",
        "function": "text, qualified name",
        "line_start": "integer, from 1",
        "lines": "integer, lines",
        "complexity": "integer, 1 + branches in the function itself",
        "commits": "integer, commits that touched the file",
        "churn": "integer, lines added + removed in the file; NULL where none was counted",
        "score": "integer, commits times complexity",
        "seq": "integer, the code.function event",
    },
)
def function_hotspots(
    code_functions: Rel, touches: Rel, *, min_complexity: int = 1, min_commits: int = 1
) -> Rel:
    """Weigh each function's complexity by how often its file changed.

    git tells which *file* a commit touched; a function in a busy file need not be busy
    itself.  It is where to look first, not a verdict.

    Parameters
    ----------
    code_functions, touches : Rel
        Needs a log that was scraped with ``code=True``.
    min_complexity, min_commits : int
        Leave out functions below.

    Returns
    -------
    Rel
        ``path, function, line_start, lines, complexity, commits, churn, score, seq``, highest
        score first.  A function of a file that no commit in the slice touched is left out.

    Notes
    -----
    ``score = commits × complexity``, with McCabe's cyclomatic complexity: 1 + the number of
    branches (``if``, loops, ``case``, ``catch``, ``and``, ``or``, …) in the function itself,
    inner functions apart.
    """
    return touches.query(
        f"""
        WITH busy AS (
            SELECT path, count(DISTINCT seq) AS commits,
                   CAST(sum(lines_added + lines_removed) AS BIGINT) AS churn
            FROM touches GROUP BY path
        )
        SELECT f.path, f.qualified AS function, f.line_start, f.lines, f.complexity, b.commits,
               b.churn, b.commits * f.complexity AS score, f.seq
        FROM code_functions f JOIN busy b ON b.path = f.path
        WHERE f.complexity >= {int(min_complexity)} AND b.commits >= {int(min_commits)}
        ORDER BY score DESC, churn DESC NULLS LAST, path, line_start, f.seq
        """,
        code_functions=code_functions,
    )
