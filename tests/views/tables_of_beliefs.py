"""Small tables as beliefs and their comparison give them, for the charts' tests."""

from __future__ import annotations

import pandas as pd

BELIEFS = pd.DataFrame(
    [
        ("We validate input", 0.71, 0.4, 0.93, 5, 0, 4),
        ("Use DuckDB for logs", 0.62, 0.31, 0.9, 4, 1, 3),
        ("<b>Tabs</b> & spaces", 0.35, 0.05, 0.79, 2, 1, 2),
    ],
    columns=[
        *("belief", "confidence", "low", "high", "evidence_count", "against_count", "sources"),
    ],
)

EVOLUTION = pd.DataFrame(
    [
        ("2025-03-01", "belief_formed", 0.5, 0.2, 0.8, 2, 0, 2, "We validate input"),
        ("2025-04-01", "", 0.52, 0.2, 0.82, 2, 0, 2, "We validate input"),
        ("2025-05-01", "belief_revised", 0.7, 0.4, 0.9, 5, 1, 4, "We validate all input"),
        ("2025-06-01", "belief_retired", None, None, None, 0, 0, 0, ""),
    ],
    columns=[
        *("as_of", "what", "confidence", "low", "high", "evidence", "against", "sources"),
        "belief",
    ],
).assign(as_of=lambda t: pd.to_datetime(t["as_of"], utc=True))

HELD = pd.DataFrame(
    [
        ("We validate input", 0.9, 0.71, 4, 5),
        ("Use DuckDB", 0.8, None, 3, 4),
        ("Tabs", None, 0.4, 2, 2),
    ],
    columns=["belief", "a", "b", "sources", "evidence"],
)

CALIBRATION = pd.DataFrame(
    [
        ("v0", 0.9, 1.0, 0.93, 0.4, 0.2, 0.6, 20),
        ("v2", 0.4, 0.5, 0.45, 0.5, 0.3, 0.7, 22),
        ("v2", 0.6, 0.7, 0.66, 0.6, 0.4, 0.8, 18),
    ],
    columns=["way", "from", "to", "confidence", "came_again", "low", "high", "n"],
)

CHURN = pd.DataFrame(
    [
        ("v0", "2025-03-01", 4, 4, 0, None, None),
        ("v0", "2025-04-01", 6, 3, 1, 0.43, 0.1),
        ("v2", "2025-03-01", 9, 9, 0, None, None),
        ("v2", "2025-04-01", 11, 4, 2, 0.54, 0.05),
    ],
    columns=["way", "as_of", "beliefs", "entered", "left", "jaccard", "changed"],
).assign(as_of=lambda t: pd.to_datetime(t["as_of"], utc=True))
