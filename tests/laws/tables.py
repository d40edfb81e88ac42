"""Reading a log's tables as plain rows, and saying where two logs differ."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import Phase, given, settings
from hypothesis.strategies import SearchStrategy

import patina_lab as pt
from patina_lab.eventlog.store import Manifest

Tables = Mapping[str, list[tuple[Any, ...]]]
"""Table -> its rows, in the order in which they lie in the file; of a view, sorted."""

LEFT_OUT = "scrape_meta"
"""The only table that may say when a scrape ran."""


def read(file: Path | str) -> Tables:
    """Return all tables of a log file but `LEFT_OUT`; timestamps as microseconds."""
    connection = duckdb.connect(str(file), read_only=True)
    try:
        columns = connection.execute(
            "SELECT table_name, column_name, data_type FROM duckdb_columns() "
            "WHERE NOT internal ORDER BY table_name, column_index"
        ).fetchall()
        views = {
            name
            for (name,) in connection.execute(
                "SELECT view_name FROM duckdb_views() WHERE NOT internal"
            ).fetchall()
        }
        wanted: dict[str, list[str]] = {}
        for table, column, kind in columns:
            text = f"epoch_us({column})" if kind == "TIMESTAMP WITH TIME ZONE" else column
            wanted.setdefault(table, []).append(text)
        return {
            table: connection.execute(
                f"SELECT {', '.join(parts)} FROM {table}{' ORDER BY ALL' * (table in views)}"
            ).fetchall()
            for table, parts in wanted.items()
            if table != LEFT_OUT
        }
    finally:
        connection.close()


def file_of(lab: pt.Lab, manifest: Manifest | None = None) -> Path:
    """Return the log file that a lab's next query would read."""
    if manifest is None:
        manifest = lab.pinned.manifest if lab.pinned else lab.store.manifest()
    assert manifest is not None
    return lab.store.folder / manifest.file


def scraped(repo: Path | str, home: Path | str, **options: Any) -> Tables:
    """Scrape, and return the tables of the log."""
    lab = pt.open(repo, home=home)
    lab.scrape(progress=False, **options)
    return read(file_of(lab))


def fingerprint(tables: Tables) -> str:
    """Return one hash over all rows, to compare logs across processes."""
    return hashlib.sha256(repr(sorted(tables.items())).encode()).hexdigest()


def differences(one: Tables, other: Tables) -> list[str]:
    """Say, table by table, which rows only one of two logs has; empty where they are equal."""
    said = []
    for table in sorted({*one, *other}):
        left, right = one.get(table, []), other.get(table, [])
        if left == right:
            continue
        only_left = [row for row in left if row not in right]
        only_right = [row for row in right if row not in left]
        said.append(f"{table}: {len(left)} rows against {len(right)}")
        said += [f"  - {row}" for row in only_left[:3]]
        said += [f"  + {row}" for row in only_right[:3]]
        if not only_left and not only_right:
            said.append("  the same rows in another order, or another number of times")
    return said


def assert_same(one: Tables, other: Tables) -> None:
    """Fail, naming the rows, unless two logs are equal row for row."""
    said = differences(one, other)
    assert not said, "\n".join(said)


def without_tags(tables: Tables) -> dict[str, list[tuple[Any, ...]]]:
    """Return the events that are no tags, without their rank: what clones share."""
    events = [row[1:] for row in tables["eventlog"] if row[1] != "git.tag"]
    others = ("authors", "quarantine", "source_files", "coverage")
    return {"eventlog": events, **{name: tables[name] for name in others}}


# -- known-bad controls -----------------------------------------------------------------


@contextmanager
def patched(*changes: tuple[Any, str, Any]) -> Iterator[None]:
    """Replace attributes for a while: a defect made on purpose."""
    with pytest.MonkeyPatch.context() as patch:
        for target, name, value in changes:
            patch.setattr(target, name, value)
        yield


def falsified(
    law: Callable[[Any], None], examples: SearchStrategy[Any], *, max_examples: int = 40
) -> bool:
    """Whether a search like the law's own, without shrinking, finds it broken."""
    search = settings(max_examples=max_examples, phases=[Phase.generate], database=None)
    try:
        search(given(examples)(lambda example: law(example)))()
    except AssertionError:
        return True
    return False


def by_key(rows: Iterable[tuple[Any, ...]], *columns: int) -> dict[tuple[Any, ...], Any]:
    """Return rows by the values of some columns."""
    return {tuple(row[c] for c in columns): row for row in rows}
