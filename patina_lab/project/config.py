"""What a project says about itself: ``[tool.patina_lab]`` in its ``pyproject.toml``.

It is read from the commit that is scraped, not from the work tree: the same commit must
give the same log, whoever has edited the file since.  What the commit's recipe
(``oxidize.yaml``) says of sources comes before it.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from patina_lab.errors import InvalidRecipe, UnknownName
from patina_lab.project.places import RECIPES, SESSIONS, SHARED_EVENTS
from patina_lab.sources.repository import Objects, Repository
from patina_lab.sources.source import Problem

if TYPE_CHECKING:
    from patina_lab.project.recipe import Recipe


@dataclass(frozen=True)
class Config:
    """The keys of ``[tool.patina_lab]``.

    Parameters
    ----------
    sessions : str or tuple of str
        Where session notes lie, as patterns; ``*`` stays within a folder, ``**`` does not.
        Empty: they are not read.
    sessions_mode : {"full", "strict"}
    events : str
        Folder of event files; empty: they are not read.
    unknown : {"keep", "warn", "fail"}
        Policy for event types that are not in the catalog.
    lines : bool
        Whether line counts are read.
    merges : {"none", "combined", "first-parent"}
        Which files a merge commit has.
    code : bool or tuple of str
        Whether the source files of the tree are read, or which: paths, where ``*`` also
        crosses ``/``.
    """

    sessions: str | tuple[str, ...] = SESSIONS
    sessions_mode: str = "full"
    events: str = SHARED_EVENTS
    unknown: str = "keep"
    lines: bool = True
    merges: str = "none"
    code: bool | tuple[str, ...] = False


PYPROJECT = "pyproject.toml"

_ALLOWED: dict[str, tuple[str, ...]] = {
    "sessions_mode": ("full", "strict"),
    "unknown": ("keep", "warn", "fail"),
    "merges": ("none", "combined", "first-parent"),
}


def read_config(objects: Objects, sha: str) -> tuple[Config, list[Problem]]:
    """Return the configuration of a commit, and what is wrong with it.

    A key that is unknown or has a wrong value is reported and its default used; a recipe
    that cannot be understood is reported and says nothing.
    """
    listed = _listed(objects, sha, PYPROJECT, *RECIPES)
    config, problems = _of_pyproject(objects, listed.get(PYPROJECT))
    found = _recipe(objects, listed)
    if found is None:
        return config, problems
    place, text = found
    if text is None:
        absent = f"The recipe {place} is not in this clone; it is as if there were none."
        return config, [*problems, Problem("config", "missing object", absent, source_file=place)]
    from patina_lab.project.recipe import parse

    try:
        return replace(config, **parse(text, place).config()), problems
    except InvalidRecipe as err:
        fault = Problem("config", "invalid recipe", str(err), source_file=place)
        return config, [*problems, fault]


def find_recipe(objects: Objects, sha: str) -> tuple[str, str | None] | None:
    """Return the place and the text of a commit's recipe; no text where the object is missing."""
    return _recipe(objects, _listed(objects, sha, *RECIPES))


@functools.lru_cache(maxsize=16)
def committed(repository: Repository, sha: str) -> Recipe | None:
    """Return a commit's recipe; None where it has none, or one that a scrape calls a problem."""
    from patina_lab.project.recipe import parse

    with Objects(repository) as objects:
        found = find_recipe(objects, sha)
    if found is None or found[1] is None:
        return None
    try:
        return parse(found[1], found[0])
    except InvalidRecipe:
        return None


def _listed(objects: Objects, sha: str, *paths: str) -> dict[str, str]:
    """Return the blobs of those of `paths` that are regular files of a commit."""
    wanted = {path.encode(): path for path in paths}
    return {
        wanted[path]: oid
        for mode, oid, path in objects.tree(sha, *paths)
        if path in wanted and mode != "120000"
    }


def _recipe(objects: Objects, listed: Mapping[str, str]) -> tuple[str, str | None] | None:
    for place in RECIPES:
        if place in listed:
            content = next(objects.blobs([listed[place]]))[1]
            return place, None if content is None else content.decode(errors="replace")
    return None


def _of_pyproject(objects: Objects, blob: str | None) -> tuple[Config, list[Problem]]:
    if blob is None:
        return Config(), []
    text = next(objects.blobs([blob]))[1]
    if text is None:
        absent = f"The object {blob} is not in this clone; defaults are used."
        return Config(), [_problem(absent, blob)]
    try:
        table: Any = tomllib.loads(text.decode())
        for key in ("tool", "patina_lab"):
            table = table.get(key, {})
        items = dict(table)
    except (
        UnicodeDecodeError,
        tomllib.TOMLDecodeError,
        AttributeError,
        TypeError,
        ValueError,
    ) as err:
        return Config(), [_problem(f"pyproject.toml cannot be read ({err}); defaults are used.")]
    chosen: dict[str, Any] = {}
    problems = []
    known = {field.name: field for field in fields(Config)}
    for key, value in items.items():
        if key not in known:
            said = UnknownName.among("key in [tool.patina_lab]", key, known)
            problems.append(_problem(f"{said}"))
            continue
        fault = _fault(key, value)
        if fault:
            problems.append(_problem(f"[tool.patina_lab] {key}: {fault}; the default is used."))
        else:
            if key == "code" and isinstance(value, str):
                value = [value]
            chosen[key] = tuple(value) if isinstance(value, list) else value
    return Config(**chosen), problems


def _fault(key: str, value: Any) -> str:
    if key in _ALLOWED:
        return "" if value in _ALLOWED[key] else f"{value!r} is none of {', '.join(_ALLOWED[key])}"
    if key == "lines":
        return "" if isinstance(value, bool) else f"{value!r} is neither true nor false"
    if key == "code" and isinstance(value, bool):
        return ""
    if (value == "" and key in ("sessions", "events")) or (value == [] and key == "sessions"):
        return ""  # they are not read
    many = key in ("sessions", "code") and isinstance(value, list)
    texts = value if many else [value]
    return "" if texts and all(isinstance(t, str) and t for t in texts) else f"{value!r} is no text"


def _problem(detail: str, object_id: str | None = None) -> Problem:
    reason = "missing object" if object_id else "invalid configuration"
    return Problem("config", reason, detail, source_file="pyproject.toml", object_id=object_id)
