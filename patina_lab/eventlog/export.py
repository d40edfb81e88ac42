"""Writing rows of the log to files that other tools read: CSV, JSON lines, Parquet."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from patina_lab.errors import InvalidOption, StoreError
from patina_lab.eventlog.eventlog import Eventlog
from patina_lab.eventlog.relations import NAMES
from patina_lab.eventlog.store import translated
from patina_lab.projections.engines import MANIFEST
from patina_lab.projections.rel import Rel

if TYPE_CHECKING:
    import pyarrow as pa

Format = Literal["csv", "json", "jsonl", "parquet"]
FORMATS: tuple[Format, ...] = ("csv", "json", "jsonl", "parquet")

_TIMES = "TIMESTAMPFORMAT '%Y-%m-%dT%H:%M:%S.%fZ'"
_OPTIONS = {
    "csv": "FORMAT csv, HEADER",
    "json": f"FORMAT json, ARRAY true, {_TIMES}",
    "jsonl": f"FORMAT json, {_TIMES}",
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
    form : {"csv", "json", "jsonl", "parquet"}
        JSON has times as ``2025-03-15T12:00:00.000000Z``.

    Raises
    ------
    InvalidOption, StoreFull, StoreError
    """
    _copy(log.opened.rows, rel.to_sql(), target, form)


def write_table(table: pa.Table, target: Path | IO[bytes], form: str) -> None:
    """Write an Arrow table like :func:`write` does a relation.

    In JSON a number that is none (NaN, infinity) is null.
    """
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("SET GLOBAL TimeZone = 'UTC'")
        connection.register("computed", _finite(table) if "json" in form else table)
        _copy(connection.execute, "SELECT * FROM computed", target, form)


def _finite(table: pa.Table) -> pa.Table:
    """Return a table without the numbers that JSON cannot say."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for place, field in enumerate(table.schema):
        if pa.types.is_floating(field.type):
            column = table.column(place)
            kept = pc.if_else(pc.is_finite(column), column, pa.scalar(None, field.type))
            table = table.set_column(place, field, kept)
    return table


def _copy(run: Callable[[str], Any], sql: str, target: Path | IO[bytes], form: str) -> None:
    if form not in FORMATS:
        raise InvalidOption(f"{form!r} is no format.", f"Use one of: {', '.join(FORMATS)}.")
    if isinstance(target, Path) and target.exists() and not (target.is_file() or target.is_dir()):
        # A device or a pipe is written into: a file in its place would be another thing.
        with _said(target), target.open("wb") as stream:
            return _copy(run, sql, stream, form)
    target = target.resolve() if isinstance(target, Path) else target  # a link stays one
    folder = target.parent if isinstance(target, Path) else Path(tempfile.gettempdir())
    with _said(target if isinstance(target, Path) else folder):
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


@contextlib.contextmanager
def _said(target: Path) -> Iterator[None]:
    """Say that the file that was asked for cannot be written, and not that the log cannot."""
    with translated(target.parent):
        try:
            yield
        except OSError as err:
            if err.errno in (errno.ENOSPC, errno.EDQUOT, errno.EPIPE):
                raise
            said = f"{target} cannot be written: {err.strerror}."
            raise StoreError(said, "Name another place for it.") from err


def ordered(log: Eventlog, relation: str) -> Rel:
    """Return a relation with a total order, so that two exports have the same bytes."""
    return log.rel(relation).query("SELECT * FROM this ORDER BY ALL")


def export(log: Eventlog, folder: Path, form: str = "parquet") -> dict[str, Path]:
    """Write every relation of the log's slice into a folder, one file each, and a manifest.

    The manifest is written last and says what the files are: ``digest`` and ``source_sha``
    of the log, ``slice``, ``format``, ``versions`` of what wrote them and, for each of the
    ``relations``, ``file``, ``rows``, ``columns`` (name -> type) and ``sha256`` of the file.
    Two exports of one log have the same bytes.  ``scrape_meta`` alone tells when the log was
    scraped, so that two scrapes of one commit differ in it and in its line of the manifest.

    Returns
    -------
    dict
        relation -> file.
    """
    files = {name: folder / f"{name}.{form}" for name in NAMES}
    with _said(folder), contextlib.suppress(FileNotFoundError):
        (folder / MANIFEST).unlink()  # what it says is no longer so
    relations = {}
    for name, place in files.items():
        rel = ordered(log, name)
        write(rel, log, place, form)
        (rows,) = log.opened.rows(f"SELECT count(*) FROM ({rel.to_sql()})")[0]
        described = log.opened.rows(f"DESCRIBE {rel.to_sql()}")
        with place.open("rb") as written:
            digest = hashlib.file_digest(written, "sha256").hexdigest()
        relations[name] = {
            "file": place.name,
            "rows": rows,
            "columns": {column: type_ for column, type_, *_ in described},
            "sha256": digest,
        }
    manifest = {
        "digest": log.digest,
        "source_sha": log.opened.manifest.source_sha,
        "slice": str(log.slice),
        "format": form,
        "versions": {name: version(name) for name in ("patina-lab", "duckdb")},
        "relations": relations,
    }
    _write_text(folder / MANIFEST, json.dumps(manifest, indent=1) + "\n")
    return files


def _write_text(target: Path, text: str) -> None:
    """Write a file, whole or not at all."""
    with _said(target):
        aside = target.with_name(f".{target.name}-{os.getpid()}")
        try:
            aside.write_text(text, encoding="utf-8")
            aside.replace(target)
        finally:
            aside.unlink(missing_ok=True)


def stdout() -> IO[bytes]:
    """Return the standard output as a stream of bytes."""
    return sys.stdout.buffer
