"""Oxidize: make the tables of a recipe, and know later which of them are out of date.

``oxidize_meta`` is a table of two columns beside the kept tables: ``recipe`` (the one that
ran last), ``recipe:<hash>`` (what each one said, so that a hash can be read), and
``table:<name>`` (what each table was made by).  Nothing in it depends on when this ran.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patina_lab.eventlog.eventlog import Eventlog, html_card, text_card
from patina_lab.eventlog.kept import Kept, kept, out_of_date
from patina_lab.eventlog.materialize import Materialized, materialize
from patina_lab.eventlog.slice import quote
from patina_lab.eventlog.store import translated
from patina_lab.project.places import OXIDIZE_META
from patina_lab.project.recipe import Recipe
from patina_lab.projections import registry
from patina_lab.projections.rel import Rel

if TYPE_CHECKING:
    import pandas as pd

_EMPTY = "SELECT CAST(NULL AS VARCHAR) AS key, CAST(NULL AS VARCHAR) AS value WHERE FALSE"


@dataclass(frozen=True)
class Oxidized:
    """What a recipe made.

    Parameters
    ----------
    recipe : Recipe
    place : str
        The file that it stands in.
    digest, source_sha : str
        Of the log.
    tables : mapping
        Name -> `Materialized`; ``oxidized["hotspots"]`` is its table.
    """

    recipe: Recipe
    place: str
    digest: str
    source_sha: str
    tables: Mapping[str, Materialized]

    def __getitem__(self, name: str) -> pd.DataFrame:
        """Return a table of the recipe."""
        from patina_lab.errors import UnknownName

        if name not in self.tables:
            raise UnknownName.among("table of this recipe", name, self.tables)
        return self.tables[name].df()

    def facts(self) -> list[tuple[str, str]]:
        """Return what the repr shows."""
        said = [("recipe", f"{self.recipe.hash[:12]} ({self.place})")]
        for name, table in self.tables.items():
            said.append((name, f"{table.how}, {table.added:,} events counted"))
        return [*said, ("source", self.source_sha[:12]), ("digest", self.digest[:12])]

    def to_json(self) -> dict[str, Any]:
        """Return the result as a JSON value."""
        return {
            "recipe": self.recipe.hash,
            "place": self.place,
            "digest": self.digest,
            "source_sha": self.source_sha,
            "tables": {
                name: {"projection": t.projection.name, "how": t.how, "added": t.added}
                for name, t in self.tables.items()
            },
        }

    def __repr__(self) -> str:
        return text_card("Oxidized", self.facts())

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": html_card("Oxidized", self.facts())}


def oxidize(log: Eventlog, recipe: Recipe, place: str, folder: Path) -> Oxidized:
    """Bring every table of a recipe up to date, and write down what made it.

    Parameters
    ----------
    log : Eventlog
    recipe : Recipe
    place : str
        The file that it stands in.
    folder : Path
        Of the kept tables.

    Raises
    ------
    InvalidRecipe
        It names a projection or a parameter that is not here.
    """
    recipe.check(place)
    tables = {
        name: materialize(
            log,
            registry.find(table.projection or name),
            folder,
            recipe=recipe.hash,
            **table.params,
        )
        for name, table in sorted(recipe.projections.items())
    }
    said = {key: value for key, value in _read(log, folder).items() if key.startswith("recipe:")}
    said[f"recipe:{recipe.hash}"] = recipe.content()
    said["recipe"] = {"hash": recipe.hash, "place": place}
    for name, made in tables.items():
        said[f"table:{name}"] = {
            "projection": made.projection.name,
            "version": made.projection.version,
            "params": {**made.projection.params, **made.params},
            "recipe": recipe.hash,
            "digest": made.digest,
            "last_updated": made.last_updated,
            "through": made.through,
        }
    _write(folder, said)
    source_sha = log.opened.manifest.source_sha
    return Oxidized(recipe, place, log.digest, source_sha, tables)


def meta(log: Eventlog, folder: Path) -> Rel:
    """Return the relation ``oxidize_meta``: ``key``, ``value`` (canonical JSON)."""
    file = folder / f"{OXIDIZE_META}.parquet"
    text = f"SELECT key, value FROM read_parquet({quote(str(file))})" if file.exists() else _EMPTY
    return Rel(text, OXIDIZE_META, log.opened)


def status(log: Eventlog, recipe: Recipe, folder: Path) -> pd.DataFrame:
    """Say of each table of a recipe, and of each that it no longer has, what it shows.

    Returns
    -------
    pandas.DataFrame
        ``table, projection, version, recipe, last_updated, through, stale``; `stale` says
        why a table is out of date, and is empty where it is not.
    """
    import pandas as pd

    found = {_key(table): table for table in kept(folder) if table.slice.is_all}
    said = _read(log, folder)
    rows = []
    names = {key.partition(":")[2] for key in said if key.startswith("table:")}
    for name in sorted(names | recipe.projections.keys()):
        told: Mapping[str, Any] = said.get(f"table:{name}", {})
        table = found.get((told["projection"], _text(told["params"]))) if told else None
        if not told or table is None:
            why = "it was not made yet"
        elif name not in recipe.projections:
            why = "the recipe has it no more"
        else:
            why = out_of_date(replace(table, recipe=told["recipe"]), log, recipe.hash)
        wanted = recipe.projections.get(name)
        projection = (wanted.projection or name) if wanted else told["projection"]
        rows.append(
            {
                "table": name,
                "projection": projection,
                "version": told.get("version"),
                "recipe": told.get("recipe", "")[:12],
                "last_updated": table.last_updated if table else "",
                "through": table.through if table else "",
                "stale": why,
            }
        )
    columns = ["table", "projection", "version", "recipe", "last_updated", "through", "stale"]
    made = pd.DataFrame(rows, columns=columns)
    made["version"] = made["version"].astype("Int64")
    made.attrs.update(recipe=recipe.hash, digest=log.digest)
    return made


def _key(table: Kept) -> tuple[str, str]:
    return table.projection, _text(table.params)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _read(log: Eventlog, folder: Path) -> dict[str, Any]:
    rows = meta(log, folder).arrow().to_pylist()
    return {row["key"]: json.loads(row["value"]) for row in rows}


def _write(folder: Path, said: Mapping[str, Any]) -> None:
    """Replace the table, whole or not at all."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    keys = sorted(said)
    table = pa.table(
        {"key": pa.array(keys, pa.string()), "value": [_text(said[key]) for key in keys]}
    )
    with translated(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".writing-", dir=folder) as scratch:
            aside = Path(scratch) / f"{OXIDIZE_META}.parquet"
            pq.write_table(table, aside)
            aside.replace(folder / aside.name)
