"""The pipeline: everything that is chosen to form beliefs, ready to be run as of any moment."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patina_lab.beliefs.cluster import DISTANCE
from patina_lab.beliefs.formation import Beliefs, Choice
from patina_lab.beliefs.ground import Ground, ground
from patina_lab.beliefs.observed import Observed, Reader
from patina_lab.beliefs.rules import RuleEngine
from patina_lab.beliefs.ruleset import RuleSet, declared, load
from patina_lab.beliefs.vectors import Vectors, vectors
from patina_lab.errors import InvalidOption, UnknownName
from patina_lab.eventlog.progress import Progress, silent

if TYPE_CHECKING:
    from patina_lab.beliefs.embed import Embedder
    from patina_lab.eventlog.eventlog import Eventlog

OPTIONS = ("rules", "embedder", "threshold", "scope", "local", "engine", "progress")
"""What forming takes beside the parameters of its rule set."""

ENGINES = ("swipl", "pyswip", "sql")
"""Rule engines by name; see `rule_engine`."""

_SHARED: list[RuleEngine] = []
_MANY = 5_000
"""Clustering so many observations takes long enough to be shown."""

_STARTING = threading.Lock()


@dataclass(frozen=True)
class Pipeline:
    """Forms beliefs as of any moment, by one choice of parts.

    Parameters
    ----------
    read : Reader
        Gives the observations as of a moment.
    embedder : Embedder
    engine : RuleEngine
    rules : RuleSet
    threshold : float
        Cosine distance up to which clusters are joined.
    scope : {"project", "persona"}
    progress : Progress
    log : Eventlog or None
        That is read, where it is one: what SQL joins beliefs with.
    """

    read: Reader
    embedder: Embedder
    engine: RuleEngine
    rules: RuleSet
    threshold: float = DISTANCE
    scope: str = "project"
    progress: Progress = field(default=silent, repr=False)
    log: Eventlog | None = field(default=None, repr=False, compare=False)
    _kept: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def choice(self) -> Choice:
        """What was chosen."""
        return Choice(
            self.rules,
            float(self.threshold),
            self.embedder.name,
            self.embedder.model_hash,
            self.scope,
        )

    def observed(self, until_us: int | None = None) -> Observed:
        """Return the observations before a moment; None: all."""
        key = "observed", until_us
        if key not in self._kept:
            self._kept[key] = self.read(until_us)
        found: Observed = self._kept[key]
        return found

    def vectors(self) -> Vectors:
        """Return the vectors of all texts.

        Those of texts that are still to be written have no influence on what is formed as of
        a moment before: a text's vector depends on nothing but the text.
        """
        key = "vectors", self.embedder.model_hash
        if key not in self._kept:
            self._kept[key] = vectors(self.observed(), self.embedder, progress=self.progress)
        found: Vectors = self._kept[key]
        return found

    def ground(self, until_us: int | None = None) -> Ground:
        """Return observations, clusters and facts as of a moment."""
        key = "ground", until_us, self.embedder.model_hash, self.threshold
        if key not in self._kept:
            made = "clusters", self.embedder.model_hash, self.threshold
            self._kept[key] = ground(
                self.observed(until_us),
                self.vectors(),
                threshold=self.threshold,
                before=self._kept.get(made),
                progress=self.progress if len(self.observed(until_us)) >= _MANY else silent,
            )
            self._kept[made] = self._kept[key].clusters
        found: Ground = self._kept[key]
        return found

    def form(self, until_us: int | None = None) -> Beliefs:
        """Return the beliefs as of a moment.

        Parameters
        ----------
        until_us : int or None
            Microseconds since 1970: what happened from then on is left out.

        Raises
        ------
        MissingTool
            The rule engine, the embedder or SciPy is not installed.
        """
        key = "beliefs", until_us, self.choice.digest
        if key not in self._kept:
            choice = self.choice
            made = self.ground(until_us)
            formed = self.engine.form(made.facts, self.rules)
            log = self.log
            if log is not None and until_us is not None:
                log = replace(log, slice=log.slice.between_us(None, until_us))
            self._kept[key] = Beliefs(made, formed, choice, self, log)
        found: Beliefs = self._kept[key]
        return found

    def other(self, **chosen: Any) -> Pipeline:
        """Return the same pipeline with other parts; what they share is computed once.

        Parameters
        ----------
        **chosen
            ``rules, threshold, embedder, engine``.
        """
        if "rules" in chosen:
            chosen["rules"] = load(chosen["rules"])
        return replace(self, **chosen)


def pipeline(
    read: Reader,
    *,
    home: Path,
    rules: str | os.PathLike[str] | RuleSet = "v2",
    embedder: str | os.PathLike[str] | Embedder | None = None,
    threshold: float = DISTANCE,
    scope: str = "project",
    engine: str | RuleEngine | None = None,
    parameters: Mapping[str, float] | None = None,
    progress: Progress = silent,
    log: Eventlog | None = None,
) -> Pipeline:
    """Return a pipeline of parts that are told by name.

    Parameters
    ----------
    read : Reader
    home : path
        The user's folder; vectors are kept below it.
    rules : str, path or RuleSet
        ``v0``, ``v1``, ``v2``, or a ``.pl`` file.
    embedder : str, path, Embedder or None
        See `patina_lab.beliefs.embed.find`.
    threshold : float
    scope : {"project", "persona"}
    engine : {"swipl", "pyswip", "sql"}, RuleEngine or None
        None, ``swipl``: one ``swipl`` process for all pipelines of this process.
    parameters : mapping or None
        Of the rule set.
    progress : Progress
    log : Eventlog or None
        That is read, where it is one.
    """
    from patina_lab.beliefs import embed
    from patina_lab.beliefs.embed.cache import CachedEmbedder

    named = rules if isinstance(rules, RuleSet) else Path(rules) if _is_file(rules) else str(rules)
    chosen = _with(load(named), parameters or {})
    if isinstance(threshold, bool | str) or not _is_distance(threshold):
        raise InvalidOption(
            f"threshold={threshold!r} is no distance up to which texts are one cluster.",
            f"Use more than 0, less than 1; the default is {DISTANCE:g}.",
        )
    if embedder is None or isinstance(embedder, str | os.PathLike):
        embedder = CachedEmbedder(embed.find(embedder), home / "vectors")
    elif not hasattr(embedder, "embed"):
        embed.find(embedder)  # type: ignore[arg-type]  # refuses it
    made = Pipeline(
        read, embedder, rule_engine(engine), chosen, float(threshold), scope, progress, log
    )
    made.choice  # noqa: B018 - refuses an unknown scope before anything is computed
    return made


def rule_engine(which: str | RuleEngine | None = None) -> RuleEngine:
    """Return a rule engine by its name; see `ENGINES`.

    Parameters
    ----------
    which : {"swipl", "pyswip", "sql"}, RuleEngine or None
        ``swipl`` (None): SWI-Prolog in a process of its own.  ``pyswip``: inside this process.
        ``sql``: the built-in rule sets by DuckDB, without proofs and without SWI-Prolog.

    Raises
    ------
    UnknownName
        No engine has that name.
    MissingTool
        pyswip is not installed.
    """
    if which is None or which == "swipl":
        return shared_engine()
    if which == "pyswip":
        from patina_lab.beliefs.pyswip_engine import PyswipEngine

        return PyswipEngine()
    if which == "sql":
        from patina_lab.beliefs.oracle import SqlEngine

        return SqlEngine()
    if isinstance(which, str) or not hasattr(which, "form"):
        raise UnknownName.among("rule engine", which, ENGINES)  # type: ignore[arg-type]
    return which


def shared_engine() -> RuleEngine:
    """Return this process's rule engine: one ``swipl``, started with the first question."""
    from patina_lab.beliefs.swipl import SwiplEngine

    with _STARTING:
        if not _SHARED:
            engine = SwiplEngine()
            atexit.register(engine.close)
            _SHARED.append(engine)
        return _SHARED[0]


def _with(rules: RuleSet, given: Mapping[str, Any]) -> RuleSet:
    """Return a rule set with parameters; what is neither one nor an option is named.

    A file of the user's own is read by Prolog: there only what can be no parameter is refused.
    """
    known = declared(rules.text)
    for name, value in given.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if name not in known and (rules.built_in or not number):
            kind = f"option or parameter of rule set {rules.name}"
            raise UnknownName.among(kind, name, [*OPTIONS, *known])
    return rules.with_parameters(**given)


def _is_distance(told: Any) -> bool:
    try:
        return 0 < float(told) < 1
    except (TypeError, ValueError):
        return False


def _is_file(rules: str | os.PathLike[str]) -> bool:
    return str(rules).endswith(".pl")
