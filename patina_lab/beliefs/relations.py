"""Beliefs as relations that SQL joins with the log they were formed of.

::

    tables() ───────────────────┐
    history() (only if asked) ──┼─ one engine ─ rel, sql
    the log's slice ────────────┘
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from patina_lab.beliefs.tables import SCHEMA, tables
from patina_lab.errors import UnknownName
from patina_lab.eventlog.eventlog import OpenLog
from patina_lab.eventlog.relations import NAMES
from patina_lab.events.identity import EPOCH
from patina_lab.projections.rel import Rel

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from patina_lab.beliefs.formation import Beliefs
    from patina_lab.beliefs.history import History

HISTORY: Mapping[str, Mapping[str, str]] = {
    "belief_history": {
        "as_of": "TIMESTAMPTZ",
        "lineage": "VARCHAR",
        "belief_id": "VARCHAR",
        "what": "VARCHAR",
        "confidence": "DOUBLE",
        "low": "DOUBLE",
        "high": "DOUBLE",
        "evidence_count": "BIGINT",
        "against_count": "BIGINT",
        "sources": "BIGINT",
        "content": "VARCHAR",
    }
}
"""Columns and their types."""

ORDER = {
    "beliefs": "id",
    "belief_evidence": "ALL",
    "domain_beliefs": "ALL",
    "belief_history": "as_of, lineage",
}

_AS = "formed_"
"""Inside a query a relation goes by its own name; what it is read from must have another."""


def relation(whole: Beliefs, name: str) -> Rel:
    """Return one of the relations, lazily.

    Parameters
    ----------
    whole : Beliefs
    name : str
        ``beliefs, belief_evidence, domain_beliefs`` (see `patina_lab.beliefs.tables`),
        ``belief_history``, or one of the log's (see `Eventlog.rel`).

    Raises
    ------
    UnknownName
        There is no such relation.
    """
    return _relations(whole, [name])[name]


def query(whole: Beliefs, sql: str) -> Rel:
    """Return the relation that a SELECT makes of beliefs and of the log they were formed of."""
    named = [name for name in known(whole) if re.search(rf"\b{name}\b", sql, re.IGNORECASE)]
    first, *others = _relations(whole, named or ["beliefs"]).values()
    return first.query(sql, **{rel.name: rel for rel in others})


def known(whole: Beliefs) -> tuple[str, ...]:
    """Return the names of the relations that there are."""
    past = tuple(HISTORY) if whole.pipeline is not None else ()
    return (*SCHEMA, *past, *(NAMES if whole.log is not None else ()))


def looks(history: History) -> pd.DataFrame:
    """Return a row for each look at each belief: `belief_history`.

    Returns
    -------
    pandas.DataFrame
        ``as_of`` (UTC), ``lineage`` (the id by which the belief is followed: ``belief_id`` of
        history's events), ``belief_id`` (the id of what it said then: ``beliefs.id``; null
        once retired), ``what`` (the event, or empty: no news), ``confidence, low, high``
        (0..1, null once retired), ``evidence_count, against_count, sources``, ``content``;
        by time, then lineage.
    """
    import pandas as pd

    rows = []
    for look in sorted(history.looks, key=lambda look: (look.until_us, look.lineage)):
        at = pd.Timestamp(EPOCH + timedelta(microseconds=look.until_us))
        b = look.belief
        said = (
            (b.confidence, b.low, b.high, len(b.evidence), len(b.against), b.sources, b.content)
            if b is not None
            else (None, None, None, 0, 0, 0, None)
        )
        rows.append((at, look.lineage, b.id if b is not None else None, look.what, *said))
    return pd.DataFrame(rows, columns=list(HISTORY["belief_history"]))


def _relations(whole: Beliefs, names: list[str]) -> dict[str, Rel]:
    for name in names:
        if name not in known(whole):
            raise UnknownName.among("relation", name, known(whole))
    frames = tables(whole)
    if any(name in HISTORY for name in names):
        frames["belief_history"] = looks(whole.history())
    made = {f"{_AS}{name}": _typed(frame, name) for name, frame in frames.items()}
    opened = OpenLog.empty() if whole.log is None else whole.log.opened
    if whole.log is None:
        opened.lock_down()  # nothing but these tables is asked
    engine = opened.beside(made)
    found = {}
    for name in names:
        if name in frames:
            found[name] = Rel(f"SELECT * FROM {_AS}{name}", name, engine, order=ORDER[name])
        else:
            assert whole.log is not None
            rel = whole.log.rel(name)
            found[name] = Rel(rel.text, name, engine, order=rel.order)
    return found


def _typed(frame: pd.DataFrame, name: str) -> pa.Table:
    """Return a table of the types that are declared, whether or not it has a row."""
    import pyarrow as pa

    kinds = {
        "VARCHAR": pa.string(),
        "VARCHAR[]": pa.list_(pa.string()),
        "DOUBLE": pa.float64(),
        "BIGINT": pa.int64(),
        "TIMESTAMPTZ": pa.timestamp("us", "UTC"),
    }
    columns = {**SCHEMA, **HISTORY}[name]
    schema = pa.schema([(column, kinds[kind.split()[0]]) for column, kind in columns.items()])
    return pa.Table.from_pandas(frame, schema, preserve_index=False)
