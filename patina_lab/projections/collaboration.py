"""Collaboration: pairs of people who work on the same files.

reads   touches: seq, path, author_name, author_email
gives   author_a, author_b, email_a, email_b, shared_files, files_a, files_b, jaccard, weight
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial, update_wrapper

from patina_lab.projections.author_files import NEEDS, additive, author_files
from patina_lab.projections.author_pairs import author_pairs
from patina_lab.projections.projection import projection
from patina_lab.projections.rel import Rel, compute


def _finish(files: Rel, *, max_authors: int | None = None, min_files: int = 1) -> Rel:
    cap = "TRUE" if max_authors is None else f"authors <= {int(max_authors)}"
    return files.query(
        f"""
        WITH each AS (
            SELECT author_email AS email, author, path, commit_count AS commits FROM this
        ), shared AS (
            SELECT path FROM each GROUP BY path HAVING count(*) > 1
        ), narrow AS (
            SELECT path FROM (
                SELECT path, count(*) AS authors FROM each GROUP BY path
            ) counted WHERE {cap}
        ), person AS (
            SELECT email, max(author) AS author, count(*) AS files FROM each
            WHERE path IN (SELECT path FROM narrow) GROUP BY email
        ), work AS (
            SELECT e.email, e.path, e.commits FROM each e
            WHERE e.path IN (SELECT path FROM shared) AND e.path IN (SELECT path FROM narrow)
        ), pair AS (
            SELECT a.email AS email_a, b.email AS email_b, count(*) AS shared_files,
                   sum(least(a.commits, b.commits)) AS weight
            FROM work a JOIN work b ON a.path = b.path AND a.email < b.email
            GROUP BY a.email, b.email HAVING count(*) >= {int(min_files)}
        )
        SELECT a.author AS author_a, b.author AS author_b, email_a, email_b, shared_files,
               a.files AS files_a, b.files AS files_b,
               CAST(shared_files AS DOUBLE) / (a.files + b.files - shared_files) AS jaccard,
               CAST(weight AS BIGINT) AS weight
        FROM pair JOIN person a ON a.email = email_a JOIN person b ON b.email = email_b
        ORDER BY shared_files DESC, weight DESC, email_a, email_b
        """
    )


@projection(
    needs=NEEDS,
    additive=additive(_finish),
    evidence=lambda row, params: (
        f"SELECT seq FROM touches WHERE author_email IN ({row['email_a']}, {row['email_b']}) "
        f"AND path IN (SELECT path FROM touches WHERE author_email = {row['email_a']}) "
        f"AND path IN (SELECT path FROM touches WHERE author_email = {row['email_b']})"
    ),
    ranges={"max_authors": (2, None), "min_files": (1, None)},
    columns={
        "author_a": "text, name after the mailmap",
        "author_b": "text",
        "email_a": "text, before email_b in code-point order",
        "email_b": "text",
        "shared_files": "integer, files that both touched",
        "files_a": "integer, files that a touched",
        "files_b": "integer, files that b touched",
        "jaccard": "fraction 0..1: files of both / files of either",
        "weight": "number: sum over shared files of the smaller number of commits",
    },
)
def collaboration(touches: Rel, *, max_authors: int | None = None, min_files: int = 1) -> Rel:
    """Count, for each pair of people, the files that both touched.

    Parameters
    ----------
    touches : Rel
    max_authors : int or None
        Leave out files that more people touched: everybody has edited the changelog.
    min_files : int
        Leave out pairs with fewer shared files.

    Returns
    -------
    Rel
        One row an unordered pair of two people; most shared files first.

    Notes
    -----
    The join goes through files, never through pairs of commits, so its cost is that of the
    pairs of authors a file.  On DuckDB it is made on arrays, block by block
    (:mod:`patina_lab.projections.author_pairs`): the same rows.
    ``weight = Σ_f min(commits_a(f), commits_b(f))``.
    """
    made = _finish(author_files(touches), max_authors=max_authors, min_files=min_files)
    work = touches.query("SELECT seq, path, author_email, author_name FROM touches")
    counted = partial(author_pairs, most_authors=max_authors, least=max(int(min_files), 1))
    return replace(made, direct=compute(update_wrapper(counted, author_pairs), work))
