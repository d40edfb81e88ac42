"""A persona's beliefs: what several projects bear out, formed of its copies of their events."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from patina_lab.beliefs.observed import Observed, Reader, of_rows
from patina_lab.beliefs.tables import fill
from patina_lab.errors import NoLog
from patina_lab.eventlog.slice import quote
from patina_lab.personas.knowledge import ORDER, database, log_digest, mark
from patina_lab.project.places import persona_folder

if TYPE_CHECKING:
    from patina_lab.beliefs.formation import Beliefs

_ROWS = (
    "SELECT project_name, id, event_type, event_id, author, occurred_us, payload "
    f"FROM persona.main.events {ORDER}"
)


def persona_reader(home: Path, until_us: int | None = None) -> Reader:
    """Return what reads the events of all synced projects, as of any moment.

    Parameters
    ----------
    home : Path
        The user's folder.
    until_us : int or None
        Leave out what happened from then on, whatever is asked.

    Raises
    ------
    NoLog
        Nothing was synced yet.
    """
    import duckdb

    place = database(persona_folder(home))
    if not place.is_file():
        raise NoLog(
            "No project was synced into the persona yet.",
            "Register one and sync: patina-lab persona register PATH",
        )
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"ATTACH {quote(str(place))} AS persona (READ_ONLY)")
        rows = connection.execute(_ROWS).fetchall()

    def read(end_us: int | None) -> Observed:
        ends = [us for us in (until_us, end_us) if us is not None]
        end = min(ends) if ends else None
        kept = [row for row in rows if end is None or row[5] < end]
        return of_rows(kept, log_digest((row[0], row[1]) for row in kept), end)

    return read


def keep(whole: Beliefs, persona: Path) -> None:
    """Put beliefs into the persona's tables, in place of those that are there.

    Parameters
    ----------
    whole : Beliefs
    persona : Path
        The persona's folder; the caller holds its lock.
    """
    import duckdb

    place = database(persona)
    aside = place.with_name(".persona-beliefs.duckdb.tmp")
    shutil.copyfile(place, aside)
    with duckdb.connect(str(aside)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        fill(connection, whole, "main")
        choice = whole.choice
        said = [choice.rules.name, choice.model, choice.digest, whole.observed.digest]
        connection.execute("DELETE FROM belief_state")
        connection.execute("INSERT INTO belief_state VALUES (?, ?, ?, ?, false)", said)
        mark(connection)  # another sync may have come in between
        connection.execute("CHECKPOINT")
    aside.with_name(f"{aside.name}.wal").unlink(missing_ok=True)
    aside.replace(place)
