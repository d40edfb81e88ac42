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

_WHOLE_FILES = ("file", "manifest")


def row_of(n: int, event: Event) -> tuple[str, dict[str, Any]] | None:
    """Return (kind of row, row) of a code event; None where it only repeats another one."""
    data = event.data
    type_ = event.event_type.removeprefix("code.")
    if type_ == "call":
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
    if type_ == "symbol" and data["kind"] not in (*_WHOLE_FILES, "namespace", "module"):
        return None
    row: dict[str, Any] = {
        "n": n,
        "occurred_us": event.occurred_us,
        "path": data["file"],
        "language": data["language"],
    }
    if type_ == "import":
        row |= {key: data[key] for key in ("import_path", "import_kind", "imported_names")}
        row |= {"line": data["line_number"], "inside": data.get("inside")}
        return "import", row
    given = data.get("parameters")
    row |= {
        "type": "file" if data["kind"] in _WHOLE_FILES else type_,
        "kind": data["kind"],
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
    return "symbol", row
