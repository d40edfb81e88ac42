"""The digest of a log: one hash over its canonical rows.

A row's text is its event id (which covers type, instant, actor and payload) and, as a JSON
array, its source, source id, source file and envelope.  Rows are taken in the total order,
hashed in blocks of 65,536, and the blocks' hashes are hashed: so memory stays flat, and the
same rows give the same digest whatever wrote them.

Tags are refs, not content of a commit: two clones of one commit may have different ones.
So that *same commit, same digest* holds, ``git.tag`` rows have a digest of their own.
"""

from __future__ import annotations


def digest_sql(rows: str) -> str:
    """Return the SQL that computes the digest of `rows`, a relation like the eventlog.

    The query has one row and one column, 64 hexadecimal digits; of no rows, the hash of
    nothing.
    """
    return f"""
        WITH line AS (
            SELECT row_number() OVER (ORDER BY seq) - 1 AS n,
                   event_id || to_json([source, source_id, source_file, envelope::VARCHAR])
                   || chr(10) AS text
            FROM ({rows})
        ), block AS (
            SELECT n // 65536 AS b, sha256(string_agg(text, '' ORDER BY n)) AS hash
            FROM line GROUP BY b
        )
        SELECT sha256(coalesce(string_agg(hash, '' ORDER BY b), '')) FROM block"""


# An event file may have that type too: that one is content of a commit.
IS_REF = "(source = 'git' AND event_type = 'git.tag')"

DIGEST_SQL = digest_sql(f"SELECT * FROM eventlog WHERE NOT {IS_REF}")
REFS_DIGEST_SQL = digest_sql(f"SELECT * FROM eventlog WHERE {IS_REF}")
