"""Terms: which words tell one decision from the others (TF-IDF).

reads   decisions: seq, content
gives   decision_seq, term, count, tf, df, idf, tfidf
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING

from patina_lab.projections.projection import projection
from patina_lab.projections.rel import Computed, Rel, compute

if TYPE_CHECKING:
    import pyarrow as pa

WORD = re.compile(r"[^\W_][\w'+#.-]*[\w+#]|[^\W_]")

# Words that say nothing by themselves; small on purpose, since "not" and "never" do.
_STOP = frozenset(
    [
        *("a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "from", "has", "have"),
        *("i", "if", "in", "into", "is", "it", "its", "of", "on", "or", "our", "so", "that"),
        *("the", "their", "then", "there", "these", "this", "to", "was", "we", "were", "will"),
        *("with", "you", "your"),
    ]
)


def words(text: str) -> list[str]:
    """Split a text into its words, normalised (NFKC, lower case), without the commonest.

    Examples
    --------
    >>> words("We use C++, never C: see error_handling.py")
    ['use', 'c++', 'never', 'c', 'see', 'error_handling.py']
    """
    normal = unicodedata.normalize("NFKC", text).casefold()
    return [w for w in WORD.findall(normal) if w not in _STOP]


@projection(
    evidence=lambda row, params: f"SELECT seq FROM decisions WHERE seq = {row['decision_seq']}",
    needs={"decisions": ("seq", "content")},
    ranges={"min_df": (1, None)},
    columns={
        "decision_seq": "integer, the decision's seq",
        "term": "text",
        "count": "integer, how often in this decision",
        "tf": "fraction 0..1: count / words of the decision",
        "df": "integer, decisions that have the term",
        "idf": "number: ln((1 + N) / (1 + df)) + 1",
        "tfidf": "number: tf times idf, divided by the decision's Euclidean length",
    },
)
def terms(decisions: Rel, *, min_df: int = 1) -> Computed:
    """Weigh the words of each decision against all decisions of the slice.

    Parameters
    ----------
    decisions : Rel
    min_df : int
        Leave out terms that fewer decisions have.

    Notes
    -----
    Smoothed IDF and Euclidean normalisation as in scikit-learn's ``TfidfVectorizer``.  The
    corpus is the slice, so a term's weight changes as decisions come: batch, never
    incremental.
    """
    rows = decisions.query("SELECT seq, content FROM decisions ORDER BY seq")

    def weigh(table: pa.Table) -> pa.Table:
        return _weigh(table, min_df)

    return compute(weigh, rows)


def _weigh(table: pa.Table, min_df: int) -> pa.Table:
    import pyarrow as pa

    counted = [
        (seq, Counter(words(content or "")))
        for seq, content in zip(
            table.column("seq").to_pylist(), table.column("content").to_pylist(), strict=True
        )
    ]
    df = Counter(term for _, counts in counted for term in counts)
    n = len(counted)
    idf = {term: math.log((1 + n) / (1 + k)) + 1 for term, k in df.items() if k >= min_df}
    out: list[tuple[int, str, int, float, int, float, float]] = []
    for seq, counts in counted:
        total = sum(counts.values())
        raw = {term: k / total * idf[term] for term, k in counts.items() if term in idf}
        length = math.sqrt(math.fsum(w * w for w in raw.values())) or 1.0
        ordered = sorted(raw, key=lambda term: (-raw[term], term))
        out += [
            (seq, t, counts[t], counts[t] / total, df[t], idf[t], raw[t] / length) for t in ordered
        ]
    names = ("decision_seq", "term", "count", "tf", "df", "idf", "tfidf")
    types = (pa.int64(), pa.string(), pa.int64(), *[pa.float64()], pa.int64(), *[pa.float64()] * 2)
    return pa.table(
        {
            name: pa.array([row[i] for row in out], type_)
            for i, (name, type_) in enumerate(zip(names, types, strict=True))
        }
    )
