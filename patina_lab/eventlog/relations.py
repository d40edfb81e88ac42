"""The relations that people and projections read, each as SQL over the tables of a log.

They are text, so that every one of them can be asked over a slice: the slice's predicate
goes inside.  Over the whole log they are views in the file as well, for whoever opens it
with another tool.
"""

from __future__ import annotations

import textwrap

from patina_lab.eventlog.code_relations import CODE_SQL
from patina_lab.eventlog.slice import Slice

# {e} is the eventlog's table, {p} the prefix of the log's tables, {seq} a test that a row's
# event is in the slice, {path} a test of a path.
_SQL: dict[str, str] = {
    "eventlog": "SELECT e.* FROM {p}eventlog e WHERE {e}",
    "commits": """
        SELECT e.source_id AS sha, e.data->>'$.message' AS message,
               a.proper_name AS author_name, a.proper_email AS author_email, e.timestamp,
               e.seq, f.occurred_us, f.committed_us, a.name AS author_raw, a.email AS email_raw,
               c.proper_name AS committer_name, c.proper_email AS committer_email,
               f.parents, f.files, f.lines_added, f.lines_removed, f.missing
        FROM {p}commit_facts f
        JOIN {p}eventlog e ON e.seq = f.seq
        JOIN {p}authors a ON a.author_id = f.author_id
        JOIN {p}authors c ON c.author_id = f.committer_id
        WHERE {f}""",
    "touches": """
        SELECT t.seq, f.occurred_us, t.path, t.old_path, t.change, t.lines_added,
               t.lines_removed, a.proper_name AS author_name, a.proper_email AS author_email,
               f.files, f.parents
        FROM {p}touch t
        JOIN {p}commit_facts f ON f.seq = t.seq
        JOIN {p}authors a ON a.author_id = f.author_id
        WHERE {f} AND {path}""",
    "commit_files": """
        SELECT e.source_id AS sha, t.path, t.old_path, t.change, t.lines_added, t.lines_removed,
               e.timestamp, t.seq, t.ordinal, f.occurred_us
        FROM {p}touch t
        JOIN {p}commit_facts f ON f.seq = t.seq
        JOIN {p}eventlog e ON e.seq = t.seq
        WHERE {f} AND {path}""",
    "commit_parents": """
        SELECT e.source_id AS sha, p.ordinal, q.source_id AS parent_sha, p.seq, q.seq AS parent
        FROM {p}commit_parents p
        JOIN {p}commit_facts f ON f.seq = p.seq
        JOIN {p}eventlog e ON e.seq = p.seq
        LEFT JOIN {p}eventlog q ON q.seq = p.parent AND {q}
        WHERE {f}""",
    "sessions": """
        SELECT e.source_id AS id, e.data->>'$.title' AS title, e.data->>'$.branch' AS branch,
               e.timestamp AS started_at, e.seq, e.occurred_us, e.source_file
        FROM {p}eventlog e WHERE e.event_type = 'session.started' AND {e}""",
    "session_items": "SELECT f.* FROM {p}session_items f WHERE {f}",
    "observations": """
        SELECT e.seq, e.source_id AS session_id,
               coalesce(e.data->>'$.content', e.data->>'$.decision') AS content,
               CASE e.event_type
                   WHEN 'session.decision' THEN 'decision'
                   WHEN 'decision_made' THEN 'decision'
                   WHEN 'pattern_identified' THEN 'pattern'
                   ELSE coalesce(e.data->>'$.type', e.data->>'$.observation_type')
               END AS observation_type,
               e.timestamp, e.occurred_us, e.event_type, e.actor, e.source_file
        FROM {p}eventlog e
        WHERE e.event_type IN ('session.decision', 'session.observation', 'observation_captured',
                               'decision_made', 'pattern_identified') AND {e}""",
    "goals": """
        SELECT f.seq, f.session_id, f.content, f.completed, e.timestamp, f.occurred_us
        FROM {p}session_items f JOIN {p}eventlog e ON e.seq = f.seq
        WHERE f.kind = 'goal' AND {f}""",
    "decisions": "SELECT f.* FROM {p}decision f WHERE {f}",
    "tags": """
        SELECT e.source_id AS name, e.data->>'$.sha' AS sha, (e.data->>'$.annotated')::BOOLEAN
               AS annotated, e.data->>'$.tagger' AS tagger, e.data->>'$.message' AS message,
               e.timestamp, e.seq, e.occurred_us
        FROM {p}eventlog e WHERE e.event_type = 'git.tag' AND {e}""",
    **CODE_SQL,
    "authors": """
        SELECT row_number() OVER (ORDER BY a.author_id) AS author_id, a.* EXCLUDE (author_id)
        FROM {p}authors a
        WHERE a.author_id IN (
            SELECT f.author_id FROM {p}commit_facts f WHERE {f}
            UNION ALL SELECT f.committer_id FROM {p}commit_facts f WHERE {f}
        )""",
    "quarantine": "SELECT q.* FROM {p}quarantine q",
    "coverage": "SELECT c.* FROM {p}coverage c",
    "source_files": "SELECT s.* FROM {p}source_files s",
    "scrape_meta": "SELECT m.* FROM {p}scrape_meta m",
}

NAMES = tuple(_SQL)

ORDER = {
    **dict.fromkeys(("eventlog", "commits", "sessions", "session_items"), "seq"),
    **dict.fromkeys(("observations", "goals", "decisions", "tags"), "seq"),
    **dict.fromkeys(("commit_files", "commit_parents"), "seq, ordinal"),
    **dict.fromkeys(CODE_SQL, "ALL"),
    "touches": "seq, path, old_path",
    "authors": "author_id",
}
"""What the rows of a relation are sorted by: how a join lays them is the engine's affair."""

_VIEWS = (
    *("commits", "touches", "commit_files", "sessions"),
    *("observations", "goals", "decisions", "tags"),
    *CODE_SQL,
)


def relation_sql(name: str, chosen: Slice, prefix: str) -> str:
    """Return the SELECT of a relation over a slice.

    Parameters
    ----------
    name : str
        One of `NAMES`.
    chosen : Slice
    prefix : str
        Prefix of the log's tables, such as ``"log.main."``.
    """
    if chosen.only_time:
        keyed = chosen.time_predicate("f")
    else:
        inside = chosen.predicate("e", prefix)
        keyed = f"f.seq IN (SELECT e.seq FROM {prefix}eventlog e WHERE {inside})"
    # Indentation goes before values come in: theirs is not to be touched.
    return (
        textwrap.dedent(_SQL[name])
        .strip("\n")
        .format(
            p=prefix,
            e=chosen.predicate("e", prefix),
            f=keyed,
            # The one place where a row names another event: one that lies beyond is not told.
            q=Slice(until_us=chosen.until_us).time_predicate("q"),
            path=chosen.path_predicate("t"),
        )
    )


def view_statements() -> list[str]:
    """Return the statements that make views of the relations that are no tables."""
    return [f"CREATE VIEW {name} AS\n{relation_sql(name, Slice(), '')}" for name in _VIEWS]
