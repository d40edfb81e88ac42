"""What other projects know: the events that a persona has copied, as documents."""

from __future__ import annotations

import functools
import json
from pathlib import Path

from patina_lab.personas.knowledge import database, stored_digest
from patina_lab.personas.persona import Persona
from patina_lab.project.query import spoken_in
from patina_lab.search.corpus import Document

_QUERY = """
    SELECT project_name, event_type, coalesce(author, ''), occurred_us, event_id, event_file, id,
           payload
    FROM events WHERE event_type <> 'observation_proposed'
"""


def documents(home: Path) -> tuple[Document, ...]:
    """Return what the projects of a user's persona know; nothing where there is no persona.

    Parameters
    ----------
    home : path
        The user's folder.
    """
    folder = Persona(home).folder
    if not database(folder).is_file():
        return ()
    return _read(home, stored_digest(folder) or "")


@functools.lru_cache(maxsize=2)
def _read(home: Path, digest: str) -> tuple[Document, ...]:
    table = Persona(home).sql(_QUERY)
    made = []
    for project, kind, author, occurred, label, file, event_id, payload in table.itertuples(
        index=False, name=None
    ):
        data = json.loads(payload)
        domains = data.get("domains")
        made.append(
            Document(
                event_id,
                kind,
                int(occurred),
                author,
                spoken_in(data),
                "persona",
                project,
                file,
                label,
                tuple(map(str, domains)) if isinstance(domains, list) else (),
            )
        )
    return tuple(made)
