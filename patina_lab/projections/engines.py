"""Other engines under the same projections: an exported log, and what runs SQL over it.

::

    patina-lab log export FOLDER          the log's relations, one Parquet file each
    engines.open(FOLDER, "datafusion")    an engine that reads them
        .project("co_changes")            the same text, the same rows

An engine makes the files known as ``exported_<relation>``, runs a text and hands out Arrow:
see `projections.adapters`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patina_lab.errors import InvalidOption, UnknownName
from patina_lab.projections import registry
from patina_lab.projections.adapters import Adapter, DataFusion, DuckDB, Sail, Spark, connect
from patina_lab.projections.projection import Projection, compose
from patina_lab.projections.rel import Computed, Rel
from patina_lab.projections.tables import table_hash

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ENGINES", "MANIFEST", "ExportedLog", "available", "open", "read_manifest", "table_hash"]

MANIFEST = "manifest.json"
"""What an export says of itself."""

ENGINES: dict[str, Callable[..., Any]] = {
    "duckdb": DuckDB,
    "datafusion": DataFusion,
    "sail": Sail,
    "spark": Spark,
}
"""Name -> adapter."""


def available() -> list[str]:
    """Return the engines that run here without a server elsewhere."""
    from importlib.util import find_spec

    needed = {"duckdb": ("duckdb",), "datafusion": ("datafusion",), "sail": ("pysail", "pyspark")}
    return [name for name, packages in needed.items() if all(map(find_spec, packages))]


@dataclass(frozen=True)
class ExportedLog:
    """The relations of an exported log, on an engine.

    Parameters
    ----------
    manifest : mapping
        As `patina_lab.eventlog.export` wrote it.
    engine : Engine
    """

    manifest: Mapping[str, Any] = field(repr=False)
    engine: Adapter

    def rel(self, name: str) -> Rel:
        """Return one of the relations, lazily."""
        if name not in self.manifest["relations"]:
            raise UnknownName.among("relation", name, self.manifest["relations"])
        return Rel(f"SELECT * FROM exported_{name}", name, self.engine)

    def _wanted(self, function: str | Projection | Callable[..., Rel | Computed]) -> Any:
        if isinstance(function, str):
            return registry.find(function, self.manifest["relations"])
        return function

    def compose(
        self, function: str | Projection | Callable[..., Rel | Computed], /, **params: Any
    ) -> Rel | Computed:
        """Return a projection over the relations, not computed yet."""
        wanted = self._wanted(function)
        return compose(wanted, self, params)

    def project(
        self, function: str | Projection | Callable[..., Rel | Computed], /, **params: Any
    ) -> pd.DataFrame:
        """Compute a projection, as `Lab.project` does over the log itself.

        Returns
        -------
        pandas.DataFrame
            With ``attrs``: digest, source_sha, projection, version, params, engine.
        """
        wanted = self._wanted(function)
        table = self.compose(wanted, **params).df()
        table.attrs.update(
            source_sha=self.manifest["source_sha"],
            digest=self.manifest["digest"],
            projection=getattr(wanted, "name", getattr(wanted, "__name__", "")),
            version=getattr(wanted, "version", 0),
            params=dict(params),
            engine=self.engine.name,
        )
        return table

    @property
    def digest(self) -> str:
        """Of the log that was exported."""
        return str(self.manifest["digest"])


def open(  # noqa: A001 - `engines.open` is what a notebook writes
    folder: str | os.PathLike[str],
    engine: str | Adapter = "duckdb",
    *,
    place: str | None = None,
    remote: str | None = None,
) -> ExportedLog:
    """Open an exported log on an engine.

    Parameters
    ----------
    folder : path
        What ``patina-lab log export FOLDER`` wrote.
    engine : {"duckdb", "datafusion", "sail", "spark"} or Adapter
        ``sail`` starts a Spark Connect server in this process; ``spark`` needs one that
        runs: give its address as `remote`.
    place : str or None
        Where the engine finds the same files, such as ``s3://bucket/log``; by default
        `folder`.
    remote : str or None
        Such as ``sc://host:15002``.

    Raises
    ------
    UnknownName, MissingTool, InvalidOption
    """
    manifest = read_manifest(Path(folder))
    if isinstance(engine, str):
        if engine not in ENGINES:
            raise UnknownName.among("engine", engine, ENGINES)
        engine = Spark(connect(remote)) if engine == "spark" else ENGINES[engine]()
    where = str(Path(folder).resolve()) if place is None else place.rstrip("/")
    for name, about in manifest["relations"].items():
        engine.register(name, f"{where}/{about['file']}")
    return ExportedLog(manifest, engine)


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return what an export says of itself."""
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as err:
        raise InvalidOption(
            f"{folder} holds no exported log ({MANIFEST} cannot be read).",
            "Make one: patina-lab log export FOLDER",
        ) from err
    if manifest.get("format") != "parquet":
        raise InvalidOption(
            f"{folder} was exported as {manifest.get('format')}, which engines do not read.",
            "Export it as Parquet: patina-lab log export FOLDER",
        )
    return manifest
