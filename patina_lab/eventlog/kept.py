"""Kept tables: which ones lie beside a log, and why one is out of date."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from patina_lab.errors import UsageError
from patina_lab.eventlog.eventlog import Eventlog
from patina_lab.eventlog.materialize import authors
from patina_lab.eventlog.slice import Slice
from patina_lab.projections import registry


@dataclass(frozen=True)
class Kept:
    """What is known of a kept table without reading its rows.

    Parameters
    ----------
    projection : str
    version : int
        Of the projection's code that made it.
    params : mapping
        All parameters, the defaults too.
    slice : Slice
    digest : str
        Of the slice that it shows.
    last_updated, through, recipe : str
        As in `patina_lab.eventlog.materialize.Materialized`.
    refs : str
        Hash over the tags.
    authors : list of list of str
        Identities, as written and as the mailmap has them.
    """

    projection: str
    version: int
    params: Mapping[str, Any]
    slice: Slice
    digest: str
    last_updated: str
    through: str
    recipe: str
    refs: str
    authors: list[list[str]]


def kept(folder: Path) -> Iterator[Kept]:
    """Yield the kept tables of a folder, by projection and parameters."""
    found = []
    for place in folder.glob("*/state.json"):
        try:
            state = json.loads(place.read_text())
            state = {**state, "slice": _slice(state["slice"])}
            found.append(Kept(**{name: state[name] for name in Kept.__dataclass_fields__}))
        except (OSError, ValueError, KeyError, TypeError):
            continue  # torn, or of another version: it will be computed anew
    found.sort(key=lambda k: (k.projection, json.dumps(dict(k.params), sort_keys=True), k.digest))
    yield from found


def _slice(value: Mapping[str, Any]) -> Slice:
    def frozen(item: Any) -> Any:
        return tuple(frozen(each) for each in item) if isinstance(item, list) else item

    return Slice(**{name: frozen(item) for name, item in value.items()})


def out_of_date(table: Kept, log: Eventlog, recipe: str | None = None) -> str:
    """Say why a table does not show the log as it is now; empty where it does.

    Parameters
    ----------
    table : Kept
    log : Eventlog
        The whole log; the table's own slice of it is compared.
    recipe : str or None
        Hash of the recipe as it is now; None: who asked for the table does not matter.
    """
    said = []
    if recipe is not None and table.recipe != recipe:
        said.append(f"the recipe has changed ({table.recipe[:12] or 'none'} to {recipe[:12]})")
    try:
        now = registry.find(table.projection).version
        if now != table.version:
            said.append(f"{table.projection} is at version {now}, the table at {table.version}")
    except UsageError:
        pass  # made in a cell: its code is not here to compare
    here = replace(log, slice=table.slice)
    if here.digest != table.digest:
        said.append(f"the log has moved on ({table.digest[:12]} to {here.digest[:12]})")
    elif table.refs != log.opened.manifest.refs_digest:
        said.append("tags have moved")
    elif table.authors != authors(log):
        said.append("names were corrected by the mailmap")
    return "; ".join(said)
