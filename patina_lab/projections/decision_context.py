"""Decision context: a decision with what was being committed in the days before it.

reads   decisions: seq, occurred_us, source, source_id, actor, content
        commits: seq, occurred_us, sha, message
gives   decision_seq, occurred_us, source_id, decision, commits, context
"""

from __future__ import annotations

from patina_lab.errors import InvalidOption
from patina_lab.projections.calendar import MOST_DAYS
from patina_lab.projections.projection import projection
from patina_lab.projections.rel import Rel

_DAY_US = 86_400_000_000


@projection(
    evidence=lambda row, params: (
        f"SELECT seq FROM decisions WHERE seq = {row['decision_seq']} UNION ALL "
        f"SELECT seq FROM commits WHERE occurred_us <= {row['occurred_us']} "
        f"AND occurred_us >= {row['occurred_us']} - {params['days']} * {_DAY_US}"
    ),
    needs={
        "decisions": ("seq", "occurred_us", "source_id", "content"),
        "commits": ("seq", "occurred_us", "message"),
    },
    ranges={"days": (None, MOST_DAYS)},
    columns={
        "decision_seq": "integer, the decision's seq",
        "occurred_us": "integer, microseconds since 1970 UTC",
        "source_id": "text, session or event id",
        "decision": "text",
        "commits": "integer, commits in the window",
        "context": "text, first lines of their messages, oldest first; NULL where none",
    },
)
def decision_context(decisions: Rel, commits: Rel, *, days: float = 7) -> Rel:
    """Join each decision with the messages of the commits before it.

    Parameters
    ----------
    decisions, commits : Rel
    days : float
        Length of the window; it ends at the decision, which it includes.

    Returns
    -------
    Rel
        One row a decision, in their order; those without a commit too.
    """
    if days <= 0:
        raise InvalidOption(f"days={days} is no length of a window.", "Use a number above 0.")
    return decisions.query(
        f"""
        SELECT d.seq AS decision_seq, d.occurred_us, d.source_id, d.content AS decision,
               count(c.seq) AS commits,
               string_agg(split_part(c.message, chr(10), 1), ' ' ORDER BY c.occurred_us, c.seq)
                   AS context
        FROM decisions d
        LEFT JOIN commits c
            ON c.occurred_us <= d.occurred_us
            AND c.occurred_us >= d.occurred_us - {round(days * _DAY_US)}
        GROUP BY d.seq, d.occurred_us, d.source_id, d.content
        ORDER BY d.seq
        """,
        commits=commits,
    )
