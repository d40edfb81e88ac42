"""All projections by name: the built-in ones, and those of other packages.

Another package adds one through an entry point in the group ``patina_lab.projections``
whose name is the projection's and whose value is the `Projection`.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from patina_lab.errors import UnknownName, UsageError
from patina_lab.projections.projection import Projection

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from patina_lab.projections.rel import Rel

GROUP = "patina_lab.projections"

BUILT_IN = {
    "activity": "activity",
    "author_expertise": "author_expertise",
    "causality": "causality",
    "causality_lags": "causality_lags",
    "causality_null": "causality_null",
    "churn": "ownership",
    "co_changes": "co_changes",
    "collaboration": "collaboration",
    "decision_context": "decision_context",
    "file_identity": "file_identity",
    "function_hotspots": "function_hotspots",
    "hotspots": "hotspots",
    "import_coupling": "import_coupling",
    "ownership": "ownership",
    "session_commits": "session_commits",
    "terms": "terms",
    "truck_factor": "author_expertise",
}
"""Projection -> the module that it stands in."""


def _others() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points

    return {entry.name: entry for entry in entry_points(group=GROUP)}


def names() -> list[str]:
    """Return the names of all projections, sorted."""
    return sorted({*BUILT_IN, *_others()})


def find(name: str, relations: Iterable[str] = ()) -> Projection:
    """Return a projection by name.

    Parameters
    ----------
    name : str
    relations : iterable of str
        Names of relations that are to be had as they are: ``commits``, ``goals``, …

    Raises
    ------
    UnknownName
        With the nearest names.
    UsageError
        Another package's projection cannot be loaded, or is none.
    """
    if name in BUILT_IN:
        module = importlib.import_module(f"patina_lab.projections.{BUILT_IN[name]}")
        found: Projection = getattr(module, name)
        return found
    entry = _others().get(name)
    if entry is None and name in relations:
        return whole(name)
    if entry is None:
        raise UnknownName.among("projection", name, [*names(), *relations])
    try:
        loaded = entry.load()
    except Exception as err:
        raise UsageError(
            f"The projection {name!r} of {entry.value} cannot be loaded: {err}.",
            "Update or uninstall the package that it comes from.",
        ) from err
    if not isinstance(loaded, Projection):
        raise UsageError(
            f"{entry.value} is a {type(loaded).__name__}, not a projection.",
            "Make it one with @patina_lab.projection.",
        )
    return loaded


def whole(name: str) -> Projection:
    """Return the projection that gives a relation of the log as it is.

    Examples
    --------
    >>> whole("goals")
    <projection goals v1: reads goals>
    """

    def given(relation: Rel) -> Rel:
        return relation

    given.__name__, given.__doc__ = name, f"The relation ``{name}`` of the log, as it is."
    reads = inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    given.__signature__ = inspect.Signature([reads])  # type: ignore[attr-defined]
    return Projection(
        given, name, 1, {}, evidence=lambda row, params: f"SELECT {row['seq']} AS seq"
    )


def every() -> Iterator[Projection]:
    """Yield all projections, by name."""
    for name in names():
        yield find(name)
