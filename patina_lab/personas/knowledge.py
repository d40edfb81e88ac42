"""From copied event files to the persona's tables, and to one packet for each domain.

The tables are made anew from the copies, all at once, whenever one of them has changed: a
persona has thousands of events, not millions.  They are built aside and put in place by a
rename, so that a reader has the old ones or the new ones.  Beliefs stay as they were formed, and
``belief_state`` says when they are stale.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from patina_lab.eventlog.slice import quote
from patina_lab.eventlog.store import limit_temporary_files
from patina_lab.personas.mirror import SCOPES, folder_of
from patina_lab.project.event_tree import EventFile
from patina_lab.project.materialize import code_hash, statements
from patina_lab.project.rows import INCOMING, row_of
from patina_lab.sources.event_files import EventFileSource

if TYPE_CHECKING:
    import duckdb

TABLES = {
    "observations": "observations", "patterns": "patterns", "decisions": "decisions",
    "beliefs": "project_beliefs", "events": "events", "quarantine": "quarantine",
}  # fmt: skip
"""The tables of a project, and what they are called among those of the persona."""

BELIEFS = ("beliefs", "belief_evidence", "domain_beliefs", "belief_state")
"""The tables that are no projection of the copies: forming beliefs fills them."""

ORDER = "ORDER BY project_name, occurred_us, id"
"""The order of all projects' events."""

_OWN = ("persona.sql", "domains.sql", "packet.sql", "knowledge.py")
_FILE: dict[str, str | bool | int | float | list[str]] = {
    "storage_compatibility_version": "latest",
    "default_block_size": "16384",
}
_FOR_EVER = 2**63 - 1


def database(persona: Path) -> Path:
    """Return the place of the persona's tables."""
    return persona / "persona.duckdb"


def packet(persona: Path, domain: str) -> Path:
    """Return the place of a domain's packet; one that is no file name gets a hash.

    Examples
    --------
    >>> packet(Path("p"), "rust").as_posix(), packet(Path("p"), "c/c++").as_posix()
    ('p/domains/rust.duckdb', 'p/domains/c-c---1f33680d.duckdb')
    """
    safe = re.sub(r"[^a-z0-9_-]", "-", domain)[:64]
    if safe != domain or not safe.strip("-"):
        safe = f"{safe}-{hashlib.sha256(domain.encode()).hexdigest()[:8]}"
    return persona / "domains" / f"{safe}.duckdb"


def refresh(persona: Path, projects: Iterable[str]) -> bool:
    """Bring the tables and packets up to date with the copies; say whether that was needed.

    Parameters
    ----------
    persona : Path
        The persona's folder; the caller holds its lock.
    projects : iterable of str
        Names in the registry.
    """
    names = sorted(projects)
    copies = {name: list(_copies(persona, name)) for name in names}
    digest = _digest(copies)
    if digest == stored_digest(persona):
        return False
    aside = persona / ".persona.duckdb.tmp"
    _clear(aside)
    _build(aside, copies, persona, digest)
    _packets(persona, aside)
    aside.replace(database(persona))
    return True


def stored_digest(persona: Path) -> str | None:
    """Return the digest of the tables that are in place; None where there are none."""
    import duckdb

    if not database(persona).is_file():
        return None
    try:
        with duckdb.connect(str(database(persona)), read_only=True) as connection:
            row = connection.execute("SELECT digest FROM materialization_state").fetchone()
    except duckdb.Error:
        return None  # derived: made again
    return str(row[0]) if row else None


def _copies(persona: Path, project: str) -> Iterator[EventFile]:
    folder = folder_of(persona, project)
    for layer in SCOPES:
        for place in sorted((folder / f"{layer}-events").rglob("*.json")):
            content = place.read_bytes()
            yield EventFile(
                place.relative_to(folder).as_posix(),
                hashlib.sha256(content).hexdigest(),
                layer,
                content=content,
            )


def _digest(copies: dict[str, list[EventFile]]) -> str:
    package = importlib.resources.files("patina_lab.personas")
    code = [hashlib.sha256(package.joinpath(name).read_bytes()).hexdigest() for name in _OWN]
    named = {name: [[file.path, file.blob] for file in files] for name, files in copies.items()}
    text = json.dumps([code_hash(), code, named], sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _build(aside: Path, copies: dict[str, list[EventFile]], persona: Path, digest: str) -> None:
    import duckdb

    with duckdb.connect(str(aside), config=_FILE) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        limit_temporary_files(connection, persona)
        connection.execute("BEGIN")
        for statement in _sql("persona.sql"):
            connection.execute(statement)
        connection.execute("COMMIT")
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET GLOBAL TimeZone = 'UTC'")
        limit_temporary_files(connection, persona)
        connection.execute(f"ATTACH {quote(str(aside))} AS persona")
        for n, (name, files) in enumerate(copies.items()):
            _project(connection, name, files, persona, first=n == 0)
        if not copies:
            _project(connection, "", [], persona, first=True)
        connection.execute("USE persona")
        for statement in _sql("domains.sql"):
            connection.execute(statement)
        connection.execute(
            "INSERT INTO materialization_state SELECT ?, ?, count(*) FROM events",
            [digest, len(copies)],
        )
        _carry_over(connection, database(persona))
        connection.execute("USE memory")
        connection.execute("DETACH persona")


def _carry_over(connection: duckdb.DuckDBPyConnection, place: Path) -> None:
    """Take the beliefs of the tables in place over, and say whether they are stale now."""
    import duckdb

    try:
        connection.execute(f"ATTACH {quote(str(place))} AS before (READ_ONLY)")
    except duckdb.Error:
        return  # none, or damaged: there is nothing to keep
    try:
        connection.execute("BEGIN")
        for name in BELIEFS:
            connection.execute(f"INSERT INTO {name} BY NAME SELECT * FROM before.main.{name}")
        mark(connection)
        connection.execute("COMMIT")
    except duckdb.Error:
        connection.execute("ROLLBACK")  # of an earlier version, with other tables
    finally:
        connection.execute("DETACH before")


def mark(connection: duckdb.DuckDBPyConnection) -> None:
    """Bring ``belief_state.stale`` up to date with the events of the same database."""
    rows = connection.execute(f"SELECT project_name, id FROM events {ORDER}").fetchall()
    connection.execute("UPDATE belief_state SET stale = (log_digest <> ?)", [log_digest(rows)])


def log_digest(events: Iterable[tuple[str, str]]) -> str:
    """Return the digest of ``(project, event identity)`` in `ORDER`: what beliefs are made of."""
    digest = hashlib.sha256()
    for project, event in events:
        digest.update(f"{project}\0{event}\n".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _project(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    files: list[EventFile],
    folder: Path,
    *,
    first: bool,
) -> None:
    """Make the tables of one project in memory, and take their rows over."""
    import orjson

    connection.execute("CREATE SCHEMA project")
    connection.execute("USE memory.project")
    for statement in statements("knowledge.sql"):
        connection.execute(statement)
    source = EventFileSource("")
    staged = folder / ".incoming.ndjson"
    longest = 0
    with staged.open("wb") as out:
        for file in files:
            row = row_of(file, file.content, source)
            line = orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
            longest = max(longest, len(line))
            out.write(line)
    columns = ", ".join(f"{column}: '{kind}'" for column, kind in INCOMING.items())
    connection.execute(
        f"CREATE TABLE incoming AS FROM read_json({quote(str(staged))}, "
        f"columns = {{{columns}}}, format = 'newline_delimited', "
        f"maximum_object_size = {max(1 << 20, longest + 1)})"
    )
    connection.execute("CREATE TABLE gone (event_file VARCHAR)")
    for statement in statements("derive.sql"):
        parameters = {"until_us": _FOR_EVER} if "$until_us" in statement else None
        connection.execute(statement, parameters)
    for theirs, ours in TABLES.items():
        rows = f"SELECT {quote(name)} AS project_name, t.* FROM {theirs} t"
        if first:
            connection.execute(f"CREATE TABLE persona.main.{ours} AS {rows} LIMIT 0")
        connection.execute(f"INSERT INTO persona.main.{ours} {rows} ORDER BY ALL")
    connection.execute("USE memory.main")
    connection.execute("DROP SCHEMA project CASCADE")
    for table in ("touched", "changed", "groups"):
        connection.execute(f"DROP TABLE IF EXISTS temp.main.{table}")
    staged.unlink()


def _packets(persona: Path, built: Path) -> None:
    """Write one file for each domain, and remove those of domains that are gone."""
    import duckdb

    folder = persona / "domains"
    folder.mkdir(exist_ok=True)
    with duckdb.connect(str(built), read_only=True) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM domains").fetchall()]
    wanted = set()
    for name in names:
        place = packet(persona, name)
        wanted.add(place.name)
        aside = place.with_name(f".{place.name}.tmp")
        _clear(aside)
        with duckdb.connect(str(aside), config=_FILE) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(f"ATTACH {quote(str(built))} AS persona (READ_ONLY)")
            for statement in _sql("packet.sql"):
                told = {"domain": name} if "$domain" in statement else None
                connection.execute(statement, told)
            connection.execute("DETACH persona")
        aside.replace(place)
    for place in folder.glob("*.duckdb"):
        if place.name not in wanted:
            place.unlink()


def _clear(aside: Path) -> None:
    for left in (aside, aside.with_name(f"{aside.name}.wal")):
        left.unlink(missing_ok=True)


def _sql(name: str) -> list[str]:
    text = importlib.resources.files("patina_lab.personas").joinpath(name).read_text("utf-8")
    return [statement for statement in text.split(";\n") if statement.strip()]
