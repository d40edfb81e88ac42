"""The typed rows of ``code.*`` events, staged beside them as a commit's files are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from patina_lab.events.event import Event

_PLACED = {"n": "BIGINT", "occurred_us": "BIGINT", "path": "VARCHAR", "language": "VARCHAR"}

COLUMNS: Mapping[str, Mapping[str, str]] = {
    "symbol": {
        **_PLACED,
        "type": "VARCHAR", "kind": "VARCHAR", "name": "VARCHAR", "qualified": "VARCHAR",
        "parent": "VARCHAR", "line_start": "INTEGER", "line_end": "INTEGER",
        "is_public": "BOOLEAN", "complexity": "INTEGER", "parameters": "INTEGER",
        "package": "VARCHAR", "size": "BIGINT", "errors": "INTEGER",
    },
    "import": {
        **_PLACED,
        "import_path": "VARCHAR", "import_kind": "VARCHAR", "imported_names": "VARCHAR[]",
        "line": "INTEGER", "inside": "VARCHAR",
    },
    "call": {
        **_PLACED,
        "caller": "VARCHAR", "callee": "VARCHAR", "receiver": "VARCHAR", "line": "INTEGER",
    },
}  # fmt: skip

_WHOLE_FILES = frozenset(("file", "manifest"))
_ONLY_SYMBOLS = _WHOLE_FILES | {"namespace", "module"}


def row_of(n: int, event: Event) -> tuple[str, dict[str, Any]] | None:
    """Return (kind of row, row) of a code event; None where it only repeats another one."""
    data, type_ = event.data, event.event_type
    if type_ == "code.call":
        return "call", {
            "n": n,
            "occurred_us": event.occurred_us,
            "path": data["file"],
            "language": data["language"],
            "caller": data["caller"],
            "callee": data["callee"],
            "receiver": data["receiver"],
            "line": data["line_number"],
        }
    if type_ == "code.import":
        return "import", {
            "n": n,
            "occurred_us": event.occurred_us,
            "path": data["file"],
            "language": data["language"],
            "import_path": data["import_path"],
            "import_kind": data["import_kind"],
            "imported_names": data["imported_names"],
            "line": data["line_number"],
            "inside": data.get("inside"),
        }
    kind = data["kind"]
    if type_ == "code.symbol" and kind not in _ONLY_SYMBOLS:
        return None
    given = data.get("parameters")
    return "symbol", {
        "n": n,
        "occurred_us": event.occurred_us,
        "path": data["file"],
        "language": data["language"],
        "type": "file" if kind in _WHOLE_FILES else type_.removeprefix("code."),
        "kind": kind,
        "name": data["name"],
        "qualified": data.get("qualified_name"),
        "parent": data.get("parent"),
        "line_start": data["line_start"],
        "line_end": data["line_end"],
        "is_public": data.get("is_public"),
        "complexity": data.get("complexity"),
        "parameters": None if given is None else len(given),
        "package": data.get("package"),
        "size": data.get("bytes"),
        "errors": data.get("errors"),
    }
