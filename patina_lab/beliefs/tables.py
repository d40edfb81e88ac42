"""Beliefs as the tables that people join: ``beliefs, belief_evidence, domain_beliefs``.

They are derived from belief events and can be deleted at any time.  A folder of them holds
``beliefs.duckdb`` and the events, ``events.ndjson``; both are put in place by a rename.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patina_lab.beliefs.belief_events import belief_events, to_bytes
from patina_lab.events.identity import EPOCH

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

    from patina_lab.beliefs.formation import Beliefs

SCHEMA: Mapping[str, Mapping[str, str]] = {
    "beliefs": {
        "id": "VARCHAR NOT NULL",
        "content": "VARCHAR NOT NULL",
        "confidence": "DOUBLE NOT NULL",
        "formed_at": "TIMESTAMPTZ NOT NULL",
        "evidence_count": "BIGINT NOT NULL",
        "source_projects": "VARCHAR[] NOT NULL",
        "domains": "VARCHAR[] NOT NULL",
        "last_validated": "TIMESTAMPTZ",
    },
    "belief_evidence": {
        "belief_id": "VARCHAR NOT NULL",
        "project_name": "VARCHAR NOT NULL",
        "event_id": "VARCHAR NOT NULL",
        "observation_id": "VARCHAR NOT NULL",
        "relevance_score": "DOUBLE NOT NULL",
    },
    "domain_beliefs": {
        "domain_name": "VARCHAR NOT NULL",
        "belief_id": "VARCHAR NOT NULL",
        "relevance_score": "DOUBLE NOT NULL",
    },
}
"""Columns and their types."""

_DIGITS = 6


def tables(whole: Beliefs) -> dict[str, pd.DataFrame]:
    """Return the three tables.

    Returns
    -------
    dict of str to pandas.DataFrame
        ``beliefs``: ``id, content, confidence`` (0.30..0.95), ``formed_at`` (the slice's last
        event), ``evidence_count, source_projects, domains, last_validated`` (the last event
        that supports it).

        ``belief_evidence``: ``belief_id, project_name, event_id`` (as its source calls it),
        ``observation_id`` (the event's identity), ``relevance_score``: the cosine with what
        the belief says, negative for what is against it.

        ``domain_beliefs``: ``domain_name, belief_id, relevance_score``: the share of the
        supporting evidence that names the domain.
    """
    import pandas as pd

    ground = whole.ground
    named = whole.observed.named
    at = pd.Timestamp(whole.formed_at)
    beliefs, evidence, domains = [], [], []
    for b in whole:
        last = pd.Timestamp(EPOCH + timedelta(microseconds=b.last_us))
        projects = [named(project) for project in b.projects]
        beliefs.append(
            (b.id, b.content, b.confidence, at, len(b.evidence), projects, list(b.domains), last)
        )
        content = b.text_id
        for side, events in ((1, b.evidence), (-1, b.against)):
            seen = [ground.by_event[event] for event in events]
            near = ground.vectors.cosines(content, [one.text_id for one in seen])
            evidence += [
                (b.id, named(one.project), one.called, one.event_id, side * max(0.0, cosine))
                for one, cosine in zip(seen, near, strict=True)
            ]
        mine = [ground.by_event[event] for event in b.evidence]
        domains += [
            (domain, b.id, round(sum(domain in one.domains for one in mine) / len(mine), _DIGITS))
            for domain in b.domains
        ]
    rows: dict[str, list[Any]] = {
        "beliefs": sorted(beliefs, key=lambda row: row[0]),
        "belief_evidence": sorted(evidence),
        "domain_beliefs": sorted(domains),
    }
    return {name: pd.DataFrame(rows[name], columns=list(SCHEMA[name])) for name in SCHEMA}


def fill(connection: duckdb.DuckDBPyConnection, whole: Beliefs, schema: str) -> None:
    """Put the rows into tables of a database, in place of those that are there.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    whole : Beliefs
    schema : str
        Such as ``persona.main``; it has the three tables.
    """
    for name, table in tables(whole).items():
        connection.execute(f"DELETE FROM {schema}.{name}")
        if len(table):
            connection.register("incoming_beliefs", table)
            casts = ", ".join(f"CAST({c} AS {t.split()[0]})" for c, t in SCHEMA[name].items())
            connection.execute(f"INSERT INTO {schema}.{name} SELECT {casts} FROM incoming_beliefs")
            connection.unregister("incoming_beliefs")


def write(whole: Beliefs, folder: Path) -> Path:
    """Write tables and events into a folder.

    Returns
    -------
    Path
        Of ``beliefs.duckdb``.
    """
    import duckdb

    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".") as aside:
        place = Path(aside) / "beliefs.duckdb"
        with duckdb.connect(str(place)) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            for name, columns in SCHEMA.items():
                said = ", ".join(f"{column} {kind}" for column, kind in columns.items())
                connection.execute(f"CREATE TABLE {name} ({said})")
            fill(connection, whole, "main")
        events = Path(aside) / "events.ndjson"
        events.write_bytes(to_bytes(belief_events(whole)))
        for made in (place, events):
            made.replace(folder / made.name)
    return folder / "beliefs.duckdb"
