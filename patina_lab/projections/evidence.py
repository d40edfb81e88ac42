"""Evidence: the query that finds the events a row of a projection came from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from patina_lab.errors import UnknownName, UsageError
from patina_lab.projections.projection import Projection


def evidence(projection: Projection, row: Mapping[str, Any], params: Mapping[str, Any]) -> str:
    """Return a SELECT of ``seq`` over the relations of a log.

    Parameters
    ----------
    projection : Projection
    row : mapping
        Column -> value, of its table.
    params : mapping
        With which the table was made; what is left out has its default.

    Raises
    ------
    UsageError
        The projection does not say which events its rows come from.
    UnknownName
        The row lacks a column that tells.
    """
    if projection.evidence is None:
        raise UsageError(
            f"The projection {projection.name} does not say which events its rows come from.",
            "Give it evidence=: see patina_lab.projections.projection.Projection.",
        )
    chosen = {**projection.params, **params}
    try:
        return projection.evidence(
            {str(name): literal(value) for name, value in row.items()},
            {name: literal(value) for name, value in chosen.items()},
        )
    except KeyError as err:
        raise UnknownName.among(
            f"column in this row of {projection.name}", str(err.args[0]), map(str, row.keys())
        ) from err


def literal(value: Any) -> str:
    """Return a value of a table or of a parameter as a SQL literal.

    Examples
    --------
    >>> literal("it's"), literal(3), literal(None)
    ("'it''s'", '3', 'NULL')
    """
    if value is None or type(value).__name__ in ("NAType", "NaTType"):  # pandas has two more
        return "NULL"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, datetime):
        return f"TIMESTAMPTZ '{value.isoformat()}'"
    return "NULL" if value != value else str(value)
