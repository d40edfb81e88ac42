"""Kept beliefs: where their tables lie, and what they were formed by.

::

    ~/.patina/logs/<name>-<key>/beliefs/
        choice.json      how they were formed the last time
        beliefs.duckdb   the tables
        events.ndjson    the belief events, canonical JSON
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patina_lab.beliefs.ruleset import RuleSet, built_in
from patina_lab.beliefs.tables import write

if TYPE_CHECKING:
    from patina_lab.beliefs.formation import Beliefs


def keep_beliefs(whole: Beliefs, folder: Path) -> None:
    """Put the tables and events of beliefs into a folder, and what they were formed by."""
    write(whole, folder)
    rules = whole.rules
    model = whole.choice.model
    said = {
        "rules": rules.name,
        "text": None if rules.built_in else rules.text,
        "parameters": dict(rules.parameters),
        "threshold": whole.choice.threshold,
        "embedder": model,
    }
    aside = folder / ".choice.json"
    aside.write_text(json.dumps(said, sort_keys=True), "utf-8")
    aside.replace(folder / "choice.json")


def last_choice(folder: Path) -> dict[str, Any]:
    """Return what beliefs were formed by the last time, as options; empty: never."""
    try:
        said = json.loads((folder / "choice.json").read_text("utf-8"))
        chosen: dict[str, Any] = {"threshold": float(said["threshold"]), **said["parameters"]}
        chosen["embedder"] = said["embedder"]
        name = str(said["rules"])
        chosen["rules"] = name if name in built_in() else RuleSet(name, said["text"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return chosen
