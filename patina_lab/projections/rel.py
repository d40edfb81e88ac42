"""`Rel`: a lazy relation, as a frozen value that holds SQL text.

A projection is a function from relations to a relation.  It composes text, touches no
data, and needs no engine; whoever has an engine runs the text.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from patina_lab.errors import UnknownName, UsageError
from patina_lab.projections.columns import missing_column, missing_relation, unknown_column

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


T = TypeVar("T")


class Engine(Protocol):
    """Whatever runs the text of a `Rel`."""

    def columns(self, sql: str) -> list[str]:
        """Return the column names of a query without running it."""

    def df(self, sql: str) -> pd.DataFrame:
        """Run a query; return a tidy table."""

    def arrow(self, sql: str) -> pa.Table:
        """Run a query; return an Arrow table."""

    def explain(self, sql: str) -> str:
        """Return the engine's plan for a query."""

    # An engine may also say ``arrays = True``: it is in this process, and hands out Arrow
    # tables so cheaply that a `Rel` is better computed from them where it says how.


@dataclass(frozen=True)
class Rel:
    """A relation that is not computed yet.

    Parameters
    ----------
    text : str
        One SELECT.
    name : str
        What the relation is called inside the next query, besides ``this``.
    engine : Engine
        Runs the text when a table is asked for.
    inputs : tuple of Rel
        The relations that the text was made from; errors name their columns.
    order : str
        What its rows are sorted by where they are shown as they are; a query of them says
        for itself.
    direct : Computed or None
        The same rows in the same order, made from Arrow tables: what an engine in this
        process is asked for instead, where it takes arrays (``engine.arrays``).  What is
        made of this relation further is made of its text.

    Examples
    --------
    >>> touches = Rel("SELECT 'a.py' AS path", "touches", engine=None)
    >>> print(touches.query("SELECT path, count(*) AS n FROM touches GROUP BY path").to_sql())
    WITH touches AS (
        SELECT 'a.py' AS path
    )
    SELECT path, count(*) AS n FROM touches GROUP BY path
    """

    text: str
    name: str = "this"
    engine: Engine | None = field(default=None, repr=False, compare=False)
    inputs: tuple[Rel, ...] = field(default=(), repr=False, compare=False)
    order: str = field(default="", repr=False, compare=False)
    direct: Computed | None = field(default=None, repr=False, compare=False)

    def query(self, sql: str, /, **others: Rel) -> Rel:
        """Return the relation that a SELECT makes of this one, and of others by name.

        Parameters
        ----------
        sql : str
            A SELECT that calls this relation ``this`` or by its name, and the others by
            their keywords.  It may begin with WITH.
        **others : Rel

        Raises
        ------
        UsageError
            It is more than one statement, or reads the log's file past the slice.
        """
        sql = of_the_slice(one_statement(sql))
        named = {self.name: self, **others}
        if re.search(r"\bthis\b", sql, re.IGNORECASE):
            named.setdefault("this", self)
        inputs = ",\n".join(f"{n} AS (\n{_indent(rel.text)}\n)" for n, rel in named.items())
        begin = _COMMENTS.match(sql).end()  # type: ignore[union-attr]  # matches anything
        own_with = _WITH.match(sql, begin)
        recursive = "RECURSIVE " if own_with and own_with[1] else ""
        body = ",\n" + sql[own_with.end() :] if own_with else "\n" + sql.strip()
        if self.name != "this":
            named.pop("this", None)  # the same relation under its other name
        made_from = tuple(replace(rel, name=name) for name, rel in named.items())
        return Rel(f"WITH {recursive}{inputs}{body}", engine=self.engine, inputs=made_from)

    def pipe(self, function: Callable[..., Any], /, *args: Any, **params: Any) -> Any:
        """Return ``function(self, *args, **params)``, so that steps read from left to right."""
        return function(self, *args, **params)

    def to_sql(self) -> str:
        """Return the whole query as one text."""
        return self.text

    @property
    def columns(self) -> list[str]:
        """Names of the columns, without computing any row."""
        return self._ask(self._engine.columns)

    def needs(self, *columns: str) -> Rel:
        """Return self, or say which column is missing and what its nearest names are."""
        have = self.columns
        for column in columns:
            if column not in have:
                raise unknown_column(column, {self.name: have})
        return self

    def explain(self) -> str:
        """Return the engine's plan."""
        if self._shortcut is not None:
            return self._shortcut.explain()
        return self._ask(self._engine.explain)

    def df(self) -> pd.DataFrame:
        """Compute the relation as a pandas table."""
        if self._shortcut is not None:
            return self._shortcut.df()
        return self._ask(self._engine.df, self._ordered)

    def arrow(self) -> pa.Table:
        """Compute the relation as an Arrow table."""
        if self._shortcut is not None:
            return self._shortcut.arrow()
        return self._ask(self._engine.arrow, self._ordered)

    run = df

    @property
    def _ordered(self) -> str:
        return f"{self.text}\nORDER BY {self.order}" if self.order else self.text

    @property
    def _shortcut(self) -> Computed | None:
        """What gives the rows without the text, where the engine takes arrays."""
        return self.direct if getattr(self.engine, "arrays", False) else None

    def _ask(self, what: Callable[[str], T], text: str = "") -> T:
        """Give the text to the engine; where it misses a column, say which ones there are."""
        try:
            return what(text or self.text)
        except UsageError as err:
            self._lacks_relation(err)
            column = missing_column(err.message)
            if column is None or isinstance(err, UnknownName):
                raise
            # An input that lacks it says so itself, about its own inputs.
            have = {rel.name: rel.columns for rel in self.inputs}
            if not have or any(column in columns for columns in have.values()):
                raise
            raise unknown_column(column, have) from err

    def _lacks_relation(self, err: UsageError) -> None:
        """Raise what to write instead, where a query reads a relation that it was not given."""
        relation = missing_relation(err.message)
        if relation is None:
            return
        if not self.inputs:
            # What lies in an engine's own tables, such as log.touches, knows of no slice.
            raise UsageError(err.message, _QUALIFIED.sub(r"'\1'", err.hint)) from err
        for rel in self.inputs:
            rel.columns  # noqa: B018 - an input that reads it says so itself
        given = sorted({rel.name for rel in self.inputs})
        near = difflib.get_close_matches(relation.lower(), given, n=1, cutoff=0.6)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        raise UnknownName(
            f"This query has no relation {relation!r}.",
            f"{hint}It has {', '.join(given)}; name one more parameter of the projection after "
            "the relation that it is to read, and give it: query(sql, name=relation).",
        ) from err

    @property
    def _engine(self) -> Engine:
        if self.engine is None:
            raise UnknownName(
                "This relation has no engine to run it.",
                "Take relations from a lab: lab.rel('touches').",
            )
        return self.engine

    def __repr__(self) -> str:
        return f"Rel {self.name}\n{_indent(self.text)}"


# A string, a quoted name or a comment is one piece: its line breaks are its own.
_PIECES = re.compile(r"""('(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/)|\n(?!\n)""", re.DOTALL)
_COMMENTS = re.compile(r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*", re.DOTALL)
_WITH = re.compile(r"WITH\s+(RECURSIVE\s+)?", re.IGNORECASE)


_QUALIFIED = re.compile(r'"(?:\w+\.)+(\w+)"')
_LITERALS = re.compile(
    r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\$\$.*?\$\$|--[^\n]*|/\*.*?\*/""", re.DOTALL
)


_WHOLE_LOG = re.compile(
    r"\b(?:from|join)\s+log\s*\.\s*(?:main\s*\.\s*)?(\w+)|\blog\s*\.\s*main\s*\.\s*(\w+)",
    re.IGNORECASE,
)
_SAID = re.compile(r"""'(?:[^']|'')*'|\$\$.*?\$\$|--[^\n]*|/\*.*?\*/""", re.DOTALL)


def of_the_slice(sql: str) -> str:
    """Return a query that names relations alone; refuse one that names tables of the log's file.

    Those hold the whole log: a slice as of a day would tell what came later.

    Examples
    --------
    >>> of_the_slice("SELECT 'FROM log.touch' AS said FROM touches")
    "SELECT 'FROM log.touch' AS said FROM touches"
    """
    found = _WHOLE_LOG.search(_SAID.sub(" ", sql).replace('"', ""))
    if found is not None:
        table = found[1] or found[2]
        raise UsageError(
            f"log.{table} is a table of the log's file, with all that a slice leaves out.",
            "Name a relation alone, such as FROM touches.",
        )
    return sql


def one_statement(sql: str) -> str:
    """Return a query without the semicolon at its end; refuse a second statement.

    Examples
    --------
    >>> one_statement("SELECT ';' AS mark;")
    "SELECT ';' AS mark"
    """
    bare = _LITERALS.sub(lambda found: " " * len(found[0]), sql)
    end = bare.find(";")
    if end < 0:
        return sql
    if bare[end:].strip("; \t\r\n"):
        raise UsageError(
            "The query is more than one statement, and only the last would be answered.",
            "Write one SELECT, without anything after a ';'.",
        )
    return sql[:end]


def _indent(text: str) -> str:
    """Return a query moved to the right, every literal in it unchanged."""
    return "    " + _PIECES.sub(lambda piece: piece[1] or "\n    ", text)


@dataclass(frozen=True)
class Computed:
    """A table that SQL cannot say: a pure function from Arrow tables to an Arrow table.

    Parameters
    ----------
    inputs : tuple of Rel
        Computed first, each into one table.
    function : callable
        ``function(*tables) -> pyarrow.Table``.
    """

    inputs: tuple[Rel, ...]
    function: Callable[..., pa.Table]

    def arrow(self) -> pa.Table:
        """Compute the table."""
        from patina_lab.projections.projection import attributed

        tables = [rel.arrow() for rel in self.inputs]
        with attributed(self.function):
            return self.function(*tables)

    def df(self) -> pd.DataFrame:
        """Compute the table as pandas."""
        table: pd.DataFrame = self.arrow().to_pandas()
        return table

    run = df

    def to_sql(self) -> str:
        """Return the SQL of the inputs; what follows is Python, named in a comment."""
        what = getattr(self.function, "__qualname__", repr(self.function))
        return ";\n\n".join(rel.to_sql() for rel in self.inputs) + f"\n-- then, in Python: {what}"

    def explain(self) -> str:
        """Return the engine's plans for the inputs, and what is made of them in Python."""
        what = getattr(self.function, "__qualname__", repr(self.function))
        plans = "\n".join(rel.explain() for rel in self.inputs)
        return f"{plans}\n-- then, in Python: {what}"

    def pipe(self, function: Callable[..., Any], /, *args: Any, **params: Any) -> Any:
        """Return ``function(self, *args, **params)``."""
        return function(self, *args, **params)


def compute(function: Callable[..., pa.Table], /, *inputs: Rel) -> Computed:
    """Return what `function` makes of the tables of `inputs`, lazily."""
    return Computed(tuple(inputs), function)
