"""Writing rows of the log to files that other tools read: CSV, JSON lines, Parquet."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from patina_lab.errors import InvalidOption
from patina_lab.eventlog.eventlog import Eventlog
from patina_lab.eventlog.relations import NAMES
from patina_lab.eventlog.store import translated
from patina_lab.projections.rel import Rel

if TYPE_CHECKING:
    import pyarrow as pa

Format = Literal["csv", "jsonl", "parquet"]
FORMATS: tuple[Format, ...] = ("csv", "jsonl", "parquet")

_OPTIONS = {
    "csv": "FORMAT csv, HEADER",
    "jsonl": "FORMAT json",
    "parquet": "FORMAT parquet, COMPRESSION zstd",
}


def write(rel: Rel, log: Eventlog, target: Path | IO[bytes], form: str) -> None:
    """Write a relation to a file, whole or not at all, or to a stream.

    Parameters
    ----------
    rel : Rel
        With its own ORDER BY where the order matters.
    log : Eventlog
        The log that the relation belongs to.
    target : Path or binary stream
    form : {"csv", "jsonl", "parquet"}

    Raises
    ------
    InvalidOption, StoreFull, StoreError
    """
    _copy(log.opened.rows, rel.to_sql(), target, form)


def write_table(table: pa.Table, target: Path | IO[bytes], form: str) -> None:
    """Write an Arrow table like :func:`write` does a relation."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("SET GLOBAL TimeZone = 'UTC'")
        connection.register("computed", table)
        _copy(connection.execute, "SELECT * FROM computed", target, form)


def _copy(run: Callable[[str], Any], sql: str, target: Path | IO[bytes], form: str) -> None:
    if form not in FORMATS:
        raise InvalidOption(f"{form!r} is no format.", f"Use one of: {', '.join(FORMATS)}.")
    folder = target.parent if isinstance(target, Path) else Path(tempfile.gettempdir())
    with translated(folder):
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".patina-export-", dir=folder)
        os.close(handle)
        aside = Path(name)
        try:
            place = name.replace("'", "''")
            run(f"COPY (\n{sql}\n) TO '{place}' ({_OPTIONS[form]})")
            if isinstance(target, Path):
                # mkstemp makes a private file; an export is as readable as any other.
                mask = os.umask(0)
                os.umask(mask)
                aside.chmod(0o666 & ~mask)
                aside.replace(target)
            else:
                with aside.open("rb") as rows:
                    shutil.copyfileobj(rows, target)
        finally:
            aside.unlink(missing_ok=True)


def ordered(log: Eventlog, relation: str) -> Rel:
    """Return a relation with a total order, so that two exports have the same bytes."""
    return log.rel(relation).query("SELECT * FROM this ORDER BY ALL")


def export(log: Eventlog, folder: Path, form: str = "parquet") -> dict[str, Path]:
    """Write every relation of the log's slice into a folder, one file each.

    Returns
    -------
    dict
        relation -> file.
    """
    files = {name: folder / f"{name}.{form}" for name in NAMES}
    for name, place in files.items():
        write(ordered(log, name), log, place, form)
    return files


def stdout() -> IO[bytes]:
    """Return the standard output as a stream of bytes."""
    return sys.stdout.buffer
