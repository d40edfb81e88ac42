"""What other projects know: the events that a persona has copied, as documents to search."""

from __future__ import annotations

import functools
import json
from pathlib import Path

from patina_lab.eventlog.slice import quote
from patina_lab.personas.knowledge import database, stored_digest
from patina_lab.project.read import first_text
from patina_lab.project.words import domains_in, spoken_in
from patina_lab.search.corpus import Document

_ROWS = """
    SELECT project_name, event_type, coalesce(author, ''), occurred_us, event_id, event_file, id,
           payload
    FROM persona.main.events WHERE event_type <> 'observation_proposed'
"""


def documents(persona: Path) -> tuple[Document, ...]:
    """Return what the projects of a persona know; nothing where nothing was synced.

    Parameters
    ----------
    persona : path
        The persona's folder.
    """
    if not database(persona).is_file():
        return ()
    return _read(persona, stored_digest(persona) or "")


@functools.lru_cache(maxsize=2)
def _read(persona: Path, digest: str) -> tuple[Document, ...]:
    import duckdb

    with duckdb.connect(":memory:") as connection:
        connection.execute(f"ATTACH {quote(str(database(persona)))} AS persona (READ_ONLY)")
        rows = connection.execute(_ROWS).fetchall()
    made = []
    for project, kind, author, occurred, label, file, event_id, payload in rows:
        data = json.loads(payload)
        made.append(
            Document(
                event_id,
                kind,
                occurred,
                author,
                spoken_in(data),
                "persona",
                project,
                file,
                label,
                domains_in(data),
                first_text(kind, data),
            )
        )
    return tuple(made)
