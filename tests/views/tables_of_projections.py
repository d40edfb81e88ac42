"""Small tables as the projections give them, to be read by who reads the tests of charts."""

from __future__ import annotations

import pandas as pd

DAY_US = 86_400_000_000
FIRST_US = 1_740_787_200_000_000  # 2025-03-01


def _table(columns: str, *rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=columns.split())


EXPERTISE = _table(
    "author author_email file_path commit_count",
    ("Ann", "ann@example.org", "src/a.py", 9),
    ("Bob", "bob@example.org", "src/a.py", 1),
    ("Bob", "bob@example.org", "docs/index.md", 4),
)
TRUCK = _table(
    "file_path commits truck_factor",
    ("src/a.py", 10, 1),
    ("src/b.py", 7, 2),
    ("docs/index.md", 4, 5),
)
COLLABORATION = _table(
    "author_a author_b email_a email_b shared_files files_a files_b jaccard weight",
    ("Ann", "Bob", "ann@example.org", "bob@example.org", 3, 5, 4, 0.5, 7),
    ("Ann", "Cid", "ann@example.org", "cid@example.org", 1, 5, 2, 0.17, 1),
)
CHURN = _table(
    "period commits lines_added lines_removed",
    ("2025-01-01", 3, 120, 10),
    ("2025-02-01", 5, 40, 90),
    ("2025-04-01", 1, None, None),
).assign(period=lambda d: pd.to_datetime(d["period"], utc=True))
OWNERSHIP = _table(
    "period author author_email touches",
    ("2025-01-01", "Ann", "ann@example.org", 6),
    ("2025-01-01", "Bob", "bob@example.org", 2),
    ("2025-02-01", "Bob", "bob@example.org", 5),
).assign(period=lambda d: pd.to_datetime(d["period"], utc=True))
IDENTITY = _table(
    "identity path since_seq until_seq commits current",
    (1, "shelf.py", 1, 20, 4, "inventory.py"),
    (1, "inventory.py", 21, 60, 7, "inventory.py"),
    (2, "old.txt", 5, 30, 2, None),
)
SESSIONS = _table(
    "session_id sha session_seq commit_seq minutes",
    ("20250106-075500", "a" * 40, 5, 6, 17.0),
    ("20250106-075500", "b" * 40, 5, 8, 90.5),
    ("20250110-093000", "c" * 40, 22, 23, 50.0),
)
CONTEXT = _table(
    "decision_seq occurred_us decision commits context",
    (7, FIRST_US, "The ledger is append-only", 2, "Start the ledger Add a line"),
    (25, FIRST_US + 9 * DAY_US, "Answer a wrong line by another", 0, None),
)
TERMS = _table(
    "decision_seq term count df tfidf",
    (7, "ledger", 2, 2, 0.9),
    (25, "ledger", 1, 2, 0.4),
    (25, "line", 1, 1, 0.8),
)
CAUSALITY = _table(
    "decision_seq commit_seq decision sha message lag_days",
    (7, 8, "The ledger is append-only", "a" * 40, "Add the ledger", 0.5),
    (7, 17, "The ledger is append-only", "b" * 40, "Test the ledger", 3.25),
    (25, 33, "Answer a wrong line by another", "c" * 40, "Note", -1.0),
)
LAGS = _table(
    "lag_from lag_to decisions observed null_mean null_low null_high shifts",
    (0.0, 1.0, 41, 1.46, 0.67, 0.27, 1.07, 999),
    (1.0, 2.0, 41, 0.78, 0.69, 0.29, 1.12, 999),
)
NULL = _table(
    "statistic decisions observed null_mean null_low null_high effect effect_low effect_high p"
    " shifts",
    ("commits", 41, 10.3, 9.4, 8.8, 9.9, 0.9, 0.4, 1.5, 0.001, 999),
    ("related", 41, 2.6, 1.2, 0.6, 2.2, 1.4, 1.0, 1.9, 0.001, 999),
)
FUNCTIONS = _table(
    "path function lines complexity commits score",
    ("src/a.py", "lend", 9, 4, 11, 44),
    ("src/a.py", "Shelf.hold", 30, 12, 11, 132),
    ("src/b.py", "lend", 5, 2, 3, 6),
)
COUPLING = _table(
    "file_a file_b count jaccard imports",
    ("src/a.py", "web/a.js", 9, 0.5, None),
    ("src/a.py", "src/b.py", 4, 0.2, 1),
)
