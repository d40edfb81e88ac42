"""`Projection`: a named, versioned function from relations of the log to a table."""

from __future__ import annotations

import contextlib
import difflib
import functools
import inspect
import math
import numbers
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, overload

from patina_lab.errors import InvalidOption, PatinaError, ProjectionFailed, UnknownName
from patina_lab.projections.rel import Computed, Rel

Function = Callable[..., Rel | Computed]
Evidence = Callable[[Mapping[str, str], Mapping[str, str]], str]
"""A row and the parameters, as SQL literals -> a SELECT of the ``seq`` of the events behind it."""

Ranges = Mapping[str, tuple[float | None, float | None]]
"""Parameter -> smallest and largest sensible value; None: no bound."""


@dataclass(frozen=True)
class Additive:
    """How a projection can be brought up to date from new events alone.

    ``finish(partial(*relations), **params)`` has to equal the projection, and the partial of
    two disjoint sets of events has to be the merge of their partials.  So a partial holds
    counts before any threshold, and nothing distinct across events.

    Parameters
    ----------
    partial : callable
        Relations -> Rel with `keys` and `measures`.
    finish : callable
        The merged partial, and the projection's own parameters -> Rel.
    keys : tuple of str
    measures : mapping
        Column -> ``sum``, ``min`` or ``max``.
    params : tuple of str
        Parameters of the projection that the partial takes as well.
    holds : callable
        Whether the parameters allow it at all.
    author : str
        The key that is the ``author_email`` of all that a row was counted from, where there is
        one; all relations that the partial reads have that column.  Then a name that the mailmap
        corrects concerns the rows of few; else such a table is made anew.
    """

    partial: Function
    finish: Function
    keys: tuple[str, ...]
    measures: Mapping[str, str]
    params: tuple[str, ...] = ()
    holds: Callable[[Mapping[str, Any]], bool] = lambda _: True
    author: str = ""


@dataclass(frozen=True)
class Projection:
    """A function from relations to a relation, with what a reader has to know of it.

    Parameters
    ----------
    function : callable
        Its positional parameters are named after the relations that it reads; its
        keyword-only parameters are the analyst's choices.
    name : str
    version : int
        Raised when the same log gives another table.
    columns : mapping
        Column -> ``"type, unit: meaning"``.
    additive : Additive or None
        None: it needs all events at once (batch).
    evidence : callable or None
        Which events a row came from (law 6): without them it would not be as it is.
    needs : mapping
        Relation -> the columns of it that are read.  Where it is given, a relation without
        one of them is refused before any SQL is bound.
    """

    function: Function
    name: str
    version: int
    columns: Mapping[str, str]
    additive: Additive | None = None
    evidence: Evidence | None = None
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ranges: Ranges = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._check()
        # What help() and a notebook's `?` show is the function's; the value stays frozen.
        for name in ("__doc__", "__name__", "__module__", "__wrapped__"):
            shown = self.function if name == "__wrapped__" else getattr(self.function, name)
            object.__setattr__(self, name, shown)

    def _check(self) -> None:
        """Refuse a declaration that would never be looked at."""
        if not callable(self.function):
            raise InvalidOption(
                f"A projection is made of a function, and {self.function!r} is none.",
                "Write @projection above def name(touches): …",
            )
        if type(self.version) is not int or self.version < 1:
            raise InvalidOption(
                f"version={self.version!r} of {self.name} is no integer from 1.",
                "Raise it when the same log gives another table.",
            )
        for what, told, known in (
            (f"relation that {self.name} reads", self.needs, self.reads),
            (f"parameter of {self.name}", self.ranges, self.params),
        ):
            for name in told:
                if name not in known:
                    raise UnknownName.among(what, name, known)

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the relations it reads."""
        return reads(self.function)

    @property
    def params(self) -> dict[str, Any]:
        """Its keyword-only parameters with their defaults."""
        return {
            p.name: p.default
            for p in inspect.signature(self.function).parameters.values()
            if p.kind is inspect.Parameter.KEYWORD_ONLY
        }

    @property
    def summary(self) -> str:
        """The first line of its docstring."""
        return (inspect.getdoc(self.function) or "").split("\n", 1)[0]

    def __call__(self, *relations: Any, **params: Any) -> Rel | Computed:
        """Compose the relation.

        Parameters
        ----------
        *relations : Rel
            Those that it reads, in order; or one log or lab, which has them all.
        **params
            Its keyword-only parameters.

        Raises
        ------
        UnknownName
            A parameter, or a column that it needs, does not exist.
        InvalidOption
            A parameter has a value that it cannot have.
        """
        if len(relations) == 1 and not isinstance(relations[0], Rel | Computed):
            if not hasattr(relations[0], "rel"):
                raise InvalidOption(
                    f"The projection {self.name} was given a {type(relations[0]).__name__}.",
                    f"Give it a log, or its relations: {self.name}(lab.log).",
                )
            relations = inputs(self.function, relations[0])
        check_params(self, params)
        for name, rel in zip(self.reads, relations, strict=False):
            if isinstance(rel, Rel) and rel.engine is not None and name in self.needs:
                replace(rel, name=name).needs(*self.needs[name])
        with attributed(self):
            return self.function(*relations, **params)

    def __repr__(self) -> str:
        return f"<projection {self.name} v{self.version}: reads {', '.join(self.reads)}>"


def reads(function: Callable[..., Any]) -> tuple[str, ...]:
    """Return the names of a function's positional parameters: the relations it reads."""
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return tuple(
        p.name for p in inspect.signature(function).parameters.values() if p.kind in positional
    )


@contextlib.contextmanager
def attributed(function: Function) -> Iterator[None]:
    """Say whose code raised, and where, in one sentence; errors of this package stay.

    Raises
    ------
    ProjectionFailed
    """
    try:
        yield
    except PatinaError:
        raise
    except Exception as err:
        plain = inspect.unwrap(getattr(function, "function", function))
        file = getattr(getattr(plain, "__code__", None), "co_filename", "")
        lines = [frame.lineno for frame in traceback.extract_tb(err.__traceback__)
                 if frame.filename == file]  # fmt: skip
        # A cell's file is called after the process: its name would tell nobody anything.
        place = "its cell" if not file.endswith(".py") or "ipykernel" in file else Path(file).name
        at = f" at line {lines[-1]} of {place}" if lines else ""
        raise ProjectionFailed(
            f"The projection {_name(function)} failed{at}: {type(err).__name__}: "
            f"{str(err).rstrip('.')}.",
            "Mend it and ask again; the log is unchanged.",
        ) from err


class Relations(Protocol):
    """Whatever has relations by name: a log, a lab."""

    def rel(self, name: str) -> Rel:
        """Return one of them."""


def inputs(function: Callable[..., Any], source: Relations) -> tuple[Rel | Computed, ...]:
    """Return what a function reads, by the names of its parameters.

    A name is that of a relation of the log or, where there is none, of a projection, which
    then becomes part of the same query.
    """
    from patina_lab.projections import registry

    found: list[Rel | Computed] = []
    for name in reads(function):
        try:
            found.append(source.rel(name))
        except UnknownName as err:
            others = registry.names()
            if name not in others:
                if near := difflib.get_close_matches(name, others, n=1):
                    raise UnknownName(
                        f"There is no relation and no projection {name!r}.",
                        f"Did you mean {near[0]!r}?",
                    ) from err
                raise
            made = registry.find(name)(source)
            found.append(replace(made, name=name) if isinstance(made, Rel) else made)
    return tuple(found)


def compose(function: Function, source: Relations, params: Mapping[str, Any]) -> Rel | Computed:
    """Return what a projection, or any function of relations, makes of a log's relations.

    Parameters
    ----------
    function : Projection or callable
    source : Relations
        A log, a lab, an exported log.
    params : mapping
        The function's keyword-only parameters.

    Raises
    ------
    UnknownName
        A relation, a column or a parameter does not exist.
    InvalidOption
        It reads no relation, or returns none.
    ProjectionFailed
        It raised an error of its own, or declares columns that it does not give.
    """
    plain = function.function if isinstance(function, Projection) else function
    check_params(function, params)
    if not reads(plain):
        raise InvalidOption(
            f"The projection {_name(function)} reads no relation.",
            "Name its parameters after relations: eventlog, commits, touches, sessions, …",
        )
    given = inputs(plain, source)
    with attributed(function):
        made = function(*given, **params)
    if not isinstance(made, Rel | Computed):
        raise InvalidOption(
            f"The projection {_name(function)} returned a {type(made).__name__}, not a Rel.",
            "Return touches.query('SELECT …').",
        )
    if isinstance(made, Rel):
        _check_columns(function, made.columns)
        return made
    return Computed(made.inputs, _guarded(function, made.function))


def _guarded(function: Function, compute: Callable[..., Any]) -> Callable[..., Any]:
    """Return the Python part of a projection, with the same checks as its SQL."""

    @functools.wraps(compute)
    def guarded(*tables: Any) -> Any:
        with attributed(function):
            table = compute(*tables)
        _check_columns(function, table.column_names)
        return table

    return guarded


def _check_columns(function: Function, gives: Sequence[str]) -> None:
    """Refuse a table that is not the one that was declared."""
    declared = list(function.columns) if isinstance(function, Projection) else []
    if declared and declared != list(gives):
        lacking = [name for name in declared if name not in gives]
        more = [name for name in gives if name not in declared]
        said = "; ".join(
            f"{what} {', '.join(names)}"
            for what, names in (("it lacks", lacking), ("undeclared:", more))
            if names
        )
        raise ProjectionFailed(
            f"The projection {_name(function)} does not give the columns that it declares "
            f"({said or 'their order differs'}).",
            f"It declares {', '.join(declared)} and gives {', '.join(gives)}.",
        )


def _name(function: Function) -> str:
    return str(getattr(function, "name", getattr(function, "__name__", function)))


def check_params(function: Callable[..., Any], params: Mapping[str, Any]) -> None:
    """Refuse a parameter that is not there, or a value that it cannot have.

    Parameters
    ----------
    function : Projection or callable
        What is annotated ``int``, ``float`` or ``bool`` takes nothing else (and None where the
        annotation says so); a projection's `ranges` hold.
    params : mapping

    Raises
    ------
    UnknownName, InvalidOption
    """
    plain: Callable[..., Any] = getattr(function, "function", function)
    ranges: Ranges = getattr(function, "ranges", {})
    known = {
        p.name: p
        for p in inspect.signature(plain).parameters.values()
        if p.kind is inspect.Parameter.KEYWORD_ONLY
    }
    what = _name(function)
    for name, value in params.items():
        if name not in known:
            raise UnknownName.among(f"parameter of {what}", name, known)
        default = known[name].default
        wrong = _misfit(known[name], value)
        least, most = ranges.get(name, (None, None))
        hint = "" if default is inspect.Parameter.empty else f"takes {name}={default!r}."
        hint = f"Without it, {what} {hint}" if hint else "Give it another one."
        if not wrong and value is not None:
            if least is not None and value < least:
                wrong, hint = f"is below {least}", f"Use {least} or more. {hint}"
            elif most is not None and value > most:
                wrong, hint = f"is above {most:,}", f"Use {most:,} or less. {hint}"
        if wrong:
            raise InvalidOption(f"{name}={value!r} of {what} {wrong}.", hint)


def _misfit(parameter: inspect.Parameter, value: Any) -> str:
    """Say why a value is none that a parameter is annotated to take; empty where it may be."""
    told = parameter.annotation
    kinds = {k.strip() for k in str(getattr(told, "__name__", told)).split("|")}
    if value is None and ("None" in kinds or parameter.default is None):
        return ""
    number = type(parameter.default) in (int, float) or not kinds.isdisjoint({"int", "float"})
    if isinstance(value, str) and number and "str" not in kinds:
        return "is no number"
    a_bool = type(value).__name__ == "bool"  # NumPy's too
    if "bool" in kinds:
        return "" if a_bool else "is neither True nor False"
    if "float" in kinds:
        real = isinstance(value, numbers.Real) and not a_bool
        return "" if real and math.isfinite(value) else "is no finite number"
    if "int" in kinds:
        return "" if isinstance(value, numbers.Integral) and not a_bool else "is no integer"
    return ""


@overload
def projection(function: Function, /) -> Projection: ...
@overload
def projection(
    *,
    name: str | None = None,
    version: int = 1,
    columns: Mapping[str, str] | None = None,
    additive: Additive | None = None,
    evidence: Evidence | None = None,
    needs: Mapping[str, tuple[str, ...]] | None = None,
    ranges: Ranges | None = None,
) -> Callable[[Function], Projection]: ...
def projection(
    function: Function | None = None,
    /,
    *,
    name: str | None = None,
    version: int = 1,
    columns: Mapping[str, str] | None = None,
    additive: Additive | None = None,
    evidence: Evidence | None = None,
    needs: Mapping[str, tuple[str, ...]] | None = None,
    ranges: Ranges | None = None,
) -> Projection | Callable[[Function], Projection]:
    """Make a projection of a function, in a file or in a notebook's cell.

    Examples
    --------
    >>> @projection(columns={"path": "text", "n": "integer, commits"})
    ... def busiest(touches, *, top=10):
    ...     "Files with the most commits."
    ...     return touches.query(
    ...         "SELECT path, count(*) AS n FROM touches GROUP BY path "
    ...         f"ORDER BY n DESC, path LIMIT {int(top)}"
    ...     )
    >>> busiest
    <projection busiest v1: reads touches>
    """

    def make(function: Function) -> Projection:
        return Projection(
            function,
            name or str(getattr(function, "__name__", function)),
            version,
            dict(columns or {}),
            additive,
            evidence,
            dict(needs or {}),
            dict(ranges or {}),
        )

    return make if function is None else make(function)
