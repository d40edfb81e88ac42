"""A rule set: one Prolog file, its content hash, its parameters."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType

import orjson

from patina_lab.errors import BadRules, InvalidOption, UnknownName

MOST_BYTES = 262_144
_FOLDER = files("patina_lab.beliefs") / "rulesets"
_DECLARED = re.compile(r"^parameter\((\w+), *(-?\d+(?:\.\d+)?)\)\.", re.MULTILINE)
_INF = math.inf
_SHARE = "a share from 0 to 1"
_COUNT = "0 or more"
_RANGES: dict[str, tuple[float, float, str]] = {
    **dict.fromkeys(
        ("floor", "ceiling", "start", "archive_below", "decay_floor", "min_diversity",
         "max_boilerplate"),
        (0.0, 1.0, _SHARE),
    ),
    **dict.fromkeys(("min_cohesion", "min_similarity"), (-1.0, 1.0, "a cosine from -1 to 1")),
    **dict.fromkeys(
        ("prior_for", "prior_against", "min_voters", "min_projects", "min_content", "min_support",
         "min_sources", "adequate_score", "gain", "loss", "decay_after_days", "decay_a_year",
         "decay_at_most"),
        (0.0, _INF, _COUNT),
    ),
    "half_life_days": (math.nextafter(0.0, 1.0), _INF, "more than 0"),
    "calibrated": (0.0, 1.0, "0 or 1"),
}  # fmt: skip
"""What the parameters of the built-in rule sets can be: from, to, and that in words."""

_BUILT_IN = ("v0", "v1", "v2")


def built_in() -> list[str]:
    """Return the names of the rule sets that come with the package."""
    return list(_BUILT_IN)


@dataclass(frozen=True)
class RuleSet:
    """The text of a rule set, and values for its parameters.

    Make one with :func:`load`.

    Parameters
    ----------
    name : str
        ``v0``, ``v1``, ``v2``, or a file's name.
    text : str
        Prolog.
    parameters : mapping of str to number
        In place of the defaults that the text declares by ``parameter(name, default).``
    built_in : bool
        Whether it comes with the package.
    """

    name: str
    text: str = field(repr=False)
    parameters: Mapping[str, float] = field(default_factory=dict)
    built_in: bool = False

    def __post_init__(self) -> None:
        for key, value in self.parameters.items():
            if (
                isinstance(value, bool)
                or not isinstance(value, int | float)
                or not math.isfinite(value)
            ):
                raise InvalidOption(
                    f"The parameter {key}={value!r} of rule set {self.name} is no finite number.",
                    "Give an int or a float.",
                )
        if self.built_in:
            self._check_ranges()
        frozen = MappingProxyType(dict(sorted(self.parameters.items())))
        object.__setattr__(self, "parameters", frozen)

    def _check_ranges(self) -> None:
        defaults = declared(self.text)
        for key, value in self.parameters.items():
            low, high, words = _RANGES.get(key, (-_INF, _INF, ""))
            if not low <= value <= high or (key == "calibrated" and value not in (0, 1)):
                raise InvalidOption(
                    f"The parameter {key}={value!r} of rule set {self.name} is not {words}.",
                    f"Its default is {defaults.get(key, low):g}.",
                )
        values = {**defaults, **self.parameters}
        floor, ceiling = values.get("floor", 0.0), values.get("ceiling", 1.0)
        if floor > ceiling:
            raise InvalidOption(
                f"The parameter floor={floor:g} of rule set {self.name} is above its "
                f"ceiling={ceiling:g}.",
                "Give a floor that is not above the ceiling.",
            )

    def __hash__(self) -> int:
        return hash(self.digest)

    @cached_property
    def digest(self) -> str:
        """sha-256 of the text and of the given parameters, in hexadecimal."""
        given = orjson.dumps(dict(self.parameters), option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(self.text.encode() + b"\0" + given).hexdigest()

    def with_parameters(self, **parameters: float) -> RuleSet:
        """Return the same rules with other values of some parameters."""
        return replace(self, parameters={**self.parameters, **parameters})

    def line(self, number: int) -> str:
        """Return a line of the text, without its ends; lines count from 1."""
        lines = self.text.split("\n")
        return lines[number - 1].strip() if 1 <= number <= len(lines) else ""


def declared(text: str) -> dict[str, float]:
    """Return the parameters that a rule set's text declares, with their defaults.

    Examples
    --------
    >>> declared("parameter(min_support, 5).")
    {'min_support': 5.0}
    """
    return {name: float(value) for name, value in _DECLARED.findall(text)}


def load(rules: str | Path | RuleSet, **parameters: float) -> RuleSet:
    """Return a rule set by name, or read it from a ``.pl`` file.

    Parameters
    ----------
    rules : str, Path or RuleSet
        ``"v0"``, ``"v1"``, ``"v2"``, or the path of a file that ends in ``.pl``.
    **parameters : number
        In place of the file's defaults.

    Raises
    ------
    UnknownName
        No rule set has that name.
    BadRules
        The file cannot be read as text.

    Examples
    --------
    >>> load("v2", half_life_days=30).parameters["half_life_days"]
    30
    """
    if isinstance(rules, RuleSet):
        return rules.with_parameters(**parameters)
    if str(rules) in _BUILT_IN:
        text = (_FOLDER / f"{rules}.pl").read_text(encoding="utf-8")
        return RuleSet(str(rules), text, parameters, built_in=True)
    path = Path(rules)
    if path.suffix != ".pl":
        raise UnknownName.among("rule set", str(rules), _BUILT_IN)
    try:
        raw = path.read_bytes()
    except OSError as err:
        raise BadRules(
            f"{path} cannot be read: {err.strerror or err}.",
            f"Name a file that ends in .pl, or one of {', '.join(_BUILT_IN)}.",
        ) from err
    return RuleSet(path.name, _decode(path.name, raw), parameters)


def _decode(name: str, raw: bytes) -> str:
    if len(raw) > MOST_BYTES:
        raise BadRules(
            f"{name} has {len(raw):,} bytes; a rule set has at most {MOST_BYTES:,}.",
            "Put data into facts, not into rules.",
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        line = raw[: err.start].count(b"\n") + 1
        raise BadRules(
            f"{name}, line {line}: byte 0x{raw[err.start]:02x} is not UTF-8.",
            "Save the file as UTF-8.",
        ) from err
    for n, line_text in enumerate(text.split("\n"), 1):
        if any(ord(c) < 32 and c not in "\t\r\f" for c in line_text):
            raise BadRules(
                f"{name}, line {n}: there is a control character.", "Remove it: rules are text."
            )
    return text.replace("\r\n", "\n")
