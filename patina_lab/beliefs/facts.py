"""Facts: what a rule set reasons about, as one frozen value.

This is the interface that a rule author writes against.  Every argument of every fact is
always given, so each relation can be asked in any mode; ids are opaque, and compare equal
where they are the same thing.

========================= ==================================================================
``observation/6``         ``observation(Obs, Event, Text, Type, Polarity, Occurred)``: one a
                          thing observed.  Event: the event it was read from.  Text: same id,
                          same words.  Type: an atom such as ``pattern``.  Polarity: 1 affirms,
                          -1 denies, 0 says neither.  Occurred: microseconds since 1970, UTC.
``source/3``              ``source(Obs, Author, Session)``, one an observation
``project/2``             ``project(Obs, Project)``, one an observation
``reliability/2``         ``reliability(Obs, R)``, 0..1, one an observation: how far its kind
                          of source is to be trusted
``age_days/2``            ``age_days(Obs, Days)``, >= 0, one an observation: before the end
                          of the slice, not before now
``cluster/2``             ``cluster(Obs, Cluster)``: at most one an observation
``size/2``                ``size(Cluster, N)``, one a cluster: how many observations it has
``medoid/2``              ``medoid(Cluster, Obs)``: the observation that speaks for it
``cohesion/2``            ``cohesion(Cluster, C)``, -1..1: mean cosine of its pairs
``diversity/2``           ``diversity(Cluster, D)``, 0..1: distinct words / words of its texts;
                          a template that is filled in again and again lies below 0.2
``content/2``             ``content(Cluster, Words)``, >= 0, one a cluster: on average over its
                          texts, how many different words each has that most projects do not use
                          all the time, without the one name of what only changed; "fix a
                          typo", "update the parser" and the like lie below 1
``boilerplate/1``         ``boilerplate(Text)``: the text is a template's, a robot's, a chore's
                          or the one that git proposes, or has no such word;
                          no thought (see `patina_lab.beliefs.boilerplate`)
``similar/3``             ``similar(A, B, Cosine)``, -1..1: each pair of neighbours once
``contradicts/2``         ``contradicts(Later, Earlier)``, two observations
``supersedes/2``          ``supersedes(Later, Earlier)``, two observations: the earlier one
                          was replaced and counts no more
========================= ==================================================================

Relations that a fact set has no rows of are empty, not unknown.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from patina_lab.errors import InvalidOption, UnknownName

OPAQUE = {"obs": "o_", "event": "e_", "text": "t_", "cluster": "c_"}
"""Kinds of ids that Prolog sees under a short alias, and the alias's prefix."""

RELATIONS: Mapping[str, tuple[tuple[str, str], ...]] = MappingProxyType(
    {
        "observation": (
            ("obs", "obs"),
            ("event", "event"),
            ("text", "text"),
            ("type", "name"),
            ("polarity", "polarity"),
            ("occurred_us", "integer"),
        ),
        "source": (("obs", "obs"), ("author", "name"), ("session", "name")),
        "project": (("obs", "obs"), ("project", "name")),
        "reliability": (("obs", "obs"), ("reliability", "fraction")),
        "age_days": (("obs", "obs"), ("days", "days")),
        "cluster": (("obs", "obs"), ("cluster", "cluster")),
        "size": (("cluster", "cluster"), ("n", "integer")),
        "medoid": (("cluster", "cluster"), ("obs", "obs")),
        "cohesion": (("cluster", "cluster"), ("cohesion", "cosine")),
        "diversity": (("cluster", "cluster"), ("diversity", "fraction")),
        "content": (("cluster", "cluster"), ("words", "number")),
        "boilerplate": (("text", "text"),),
        "similar": (("a", "obs"), ("b", "obs"), ("cosine", "cosine")),
        "contradicts": (("later", "obs"), ("earlier", "obs")),
        "supersedes": (("later", "obs"), ("earlier", "obs")),
    }
)
"""Each relation's columns, in the order of its arguments: (name, kind)."""

_SQL = {
    "polarity": "BIGINT",
    "integer": "BIGINT",
    "fraction": "DOUBLE",
    "cosine": "DOUBLE",
    "days": "DOUBLE",
    "number": "DOUBLE",
}
_RANGE = {
    "polarity": "NOT IN (-1, 0, 1)",
    "integer": "IS NULL",
}
_BOUNDS = {
    "fraction": (0.0, 1.0),
    "cosine": (-1.000001, 1.000001),
    "days": (0.0, 1e6),
    "number": (0.0, 1e6),
}
_RANGE |= {kind: f"NOT BETWEEN {low} AND {high}" for kind, (low, high) in _BOUNDS.items()}
_KEYS = {
    "observation": ("obs",),
    "cluster": ("obs",),
    "medoid": ("cluster",),
    "cohesion": ("cluster",),
    "diversity": ("cluster",),
    "content": ("cluster",),
    "similar": ("a", "b"),
}

_ESCAPES = ((10, "\\n"), (13, "\\r"), (9, "\\t"))
_MANY = 20_000
"""From so many facts on, DuckDB writes them faster than Python."""

OBSERVATION_COLUMNS = (
    *("obs", "event", "text", "type", "polarity", "occurred_us"),
    *("author", "session", "project", "reliability", "days"),
)
"""Columns of the table from which :meth:`FactSet.of` takes the facts of observations."""

Rows: TypeAlias = pd.DataFrame | pa.Table | Iterable[Mapping[str, Any]] | Iterable[Sequence[Any]]


@dataclass(frozen=True, eq=False)
class FactSet:
    """All facts that a rule set sees: immutable, in a canonical order, with a digest.

    Make one with :meth:`of`.

    Parameters
    ----------
    tables : mapping of str to pyarrow.Table
        A table for each name of `RELATIONS`, with its columns; rows distinct and sorted.
    """

    tables: Mapping[str, pa.Table]

    @classmethod
    def of(
        cls,
        observations: Rows,
        clusters: Rows = (),
        *,
        properties: Rows = (),
        content: Rows = (),
        similar: Rows = (),
        boilerplate: Iterable[str] = (),
        contradicts: Rows = (),
        supersedes: Rows = (),
    ) -> FactSet:
        """Build a fact set from tables or plain rows.

        Parameters
        ----------
        observations : DataFrame, Arrow table, or rows
            Columns `OBSERVATION_COLUMNS`: ``obs, event, text`` (ids), ``type`` (text),
            ``polarity`` (-1, 0, 1), ``occurred_us`` (integer), ``author, session, project``
            (text), ``reliability`` (0..1), ``days`` (age, >= 0).
        clusters : the same
            Columns ``obs, cluster``; what belongs to no cluster is left out.
        properties : the same
            Columns ``cluster, medoid, cohesion, diversity``; the last three may be null.
        content : the same
            Columns ``cluster, words``; words >= 0.
        similar : the same
            Columns ``a, b, cosine``; a pair in either order, once or twice.
        boilerplate : iterable of str
            Text ids.
        contradicts, supersedes : the same
            Columns ``later, earlier``: observations.

        Returns
        -------
        FactSet

        Raises
        ------
        UnknownName
            A column is missing, or a row names an observation or cluster that is not there.
        InvalidOption
            A value is null, out of its range, or given twice.

        Examples
        --------
        >>> row = ("o", "ev", "t", "pattern", 1, 0, "ann", "s1", "dust", 0.8, 12.0)
        >>> FactSet.of([row], clusters=[("o", "c")])
        FactSet(7 facts: 1 observation in 1 cluster, digest 1250f0df2db5)
        """
        given = {
            "observations": _frame(observations, OBSERVATION_COLUMNS),
            "clusters": _frame(clusters, ("obs", "cluster")),
            "properties": _frame(properties, ("cluster", "medoid", "cohesion", "diversity")),
            "said": _frame(content, ("cluster", "words")),
            "near": _frame(similar, ("a", "b", "cosine")),
            "templates": _frame([(text,) for text in boilerplate], ("text",)),
            "contradictions": _frame(contradicts, ("later", "earlier")),
            "replacements": _frame(supersedes, ("later", "earlier")),
        }
        queries = {
            **{
                name: f"SELECT {', '.join(c for c, _ in RELATIONS[name])} FROM observations"
                for name in ("observation", "source", "project", "reliability")
            },
            "age_days": "SELECT obs, days FROM observations",
            "cluster": "SELECT obs, cluster FROM clusters",
            "size": "SELECT cluster, count(DISTINCT obs) AS n FROM clusters GROUP BY cluster",
            "medoid": "SELECT cluster, medoid AS obs FROM properties WHERE medoid IS NOT NULL",
            "cohesion": "SELECT cluster, cohesion FROM properties WHERE cohesion IS NOT NULL",
            "diversity": "SELECT cluster, diversity FROM properties WHERE diversity IS NOT NULL",
            "content": "SELECT cluster, words FROM said",
            "boilerplate": "SELECT text FROM templates",
            "similar": "SELECT least(a, b) AS a, greatest(a, b) AS b, cosine FROM near",
            "contradicts": "SELECT later, earlier FROM contradictions",
            "supersedes": "SELECT later, earlier FROM replacements",
        }
        with _database() as db:
            for name, frame in given.items():
                db.register(name, frame)
            tables = {}
            for name in RELATIONS:
                source = given[queries[name].split(" FROM ")[1].split()[0]]
                tables[name] = _canonical(db, name, queries[name]) if len(source) else _empty(name)
                db.register(f"fact_{name}", tables[name])
            _check_references(db, tables)
        return cls(MappingProxyType(tables))

    def without(self, observations: Iterable[str]) -> FactSet:
        """Return the facts that are left when some observations had not been made.

        Parameters
        ----------
        observations : iterable of str
            Ids; unknown ones are ignored.

        Returns
        -------
        FactSet
            Sizes are counted anew; cohesion, diversity and content of clusters that are left
            stay.

        Examples
        --------
        >>> rows = [(f"o{n}", "ev", "t", "pattern", 1, 0, "ann", "s1", "dust", 0.8, 12.0)
        ...         for n in range(3)]
        >>> facts = FactSet.of(rows, clusters=[(f"o{n}", "c") for n in range(3)])
        >>> facts.without(["o1"]).rows("size")
        [('c_0', 2)]
        """
        import pyarrow.compute as pc

        gone = pa.array(sorted({*observations}), pa.string())
        tables = {}
        for name, table in self.tables.items():
            for column, kind in RELATIONS[name]:
                if kind == "obs":
                    table = table.filter(pc.invert(pc.is_in(table[column], value_set=gone)))
            tables[name] = table
        counted = pc.value_counts(tables["cluster"]["cluster"])
        left = dict(zip(counted.field(0).to_pylist(), counted.field(1).to_pylist(), strict=True))
        names = sorted(left)
        tables["size"] = pa.table(
            {"cluster": pa.array(names, pa.string()), "n": [left[name] for name in names]},
            schema=_empty("size").schema,
        )
        for name in ("medoid", "cohesion", "diversity", "content"):
            clusters = pa.array(names, pa.string())
            kept = pc.is_in(tables[name]["cluster"], value_set=clusters)
            tables[name] = tables[name].filter(kept)
        return FactSet(MappingProxyType(tables))

    @cached_property
    def digest(self) -> str:
        """sha-256 of all facts, in hexadecimal; of their values, not of how they are stored."""
        digest = hashlib.sha256()
        for name, table in self.tables.items():
            digest.update(f"{name} {table.num_rows}\n".encode())
            for column in table.columns if table.num_rows else ():
                for part in _bytes(column):
                    digest.update(part)
        return digest.hexdigest()

    def __len__(self) -> int:
        return sum(table.num_rows for table in self.tables.values())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FactSet) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        seen, clusters = (self.tables[name].num_rows for name in ("observation", "size"))
        return (
            f"FactSet({len(self):,} facts: {seen:,} observation{'s'[: seen != 1]} in "
            f"{clusters:,} cluster{'s'[: clusters != 1]}, digest {self.digest[:12]})"
        )

    # -- ids and their aliases ---------------------------------------------------------

    @cached_property
    def ids(self) -> Mapping[str, list[str]]:
        """The opaque ids of each kind, sorted; an alias is the prefix and the place."""
        tables = self.tables
        texts = {*tables["observation"]["text"].to_pylist()}
        texts |= {*tables["boilerplate"]["text"].to_pylist()}
        return {
            "obs": tables["observation"]["obs"].to_pylist(),
            "event": sorted({*tables["observation"]["event"].to_pylist()}),
            "text": sorted(texts),
            "cluster": tables["size"]["cluster"].to_pylist(),
        }

    @cached_property
    def _of_alias(self) -> dict[str, str]:
        return {
            f"{OPAQUE[kind]}{n}": name
            for kind, names in self.ids.items()
            for n, name in enumerate(names)
        }

    def named(self, alias: str) -> str:
        """Return the id behind an alias; any other text is returned as it is.

        Examples
        --------
        >>> row = ("obs-7", "ev", "t", "pattern", 1, 0, "ann", "s1", "dust", 0.8, 12.0)
        >>> FactSet.of([row]).named("o_0")
        'obs-7'
        """
        return self._of_alias.get(alias, alias)

    def alias(self, kind: str, name: str) -> str:
        """Return the alias of an id of a kind (a key of `OPAQUE`).

        Raises
        ------
        UnknownName
            With the nearest ids.
        """
        place = self._place[kind].get(name)
        if place is None:
            raise UnknownName.among(kind, name, self.ids[kind])
        return f"{OPAQUE[kind]}{place}"

    @cached_property
    def _place(self) -> dict[str, dict[str, int]]:
        return {kind: {name: n for n, name in enumerate(names)} for kind, names in self.ids.items()}

    @cached_property
    def event_of(self) -> Mapping[str, str]:
        """The event id of each observation."""
        table = self.tables["observation"]
        return dict(zip(table["obs"].to_pylist(), table["event"].to_pylist(), strict=True))

    # -- as Prolog ---------------------------------------------------------------------

    def write_prolog(self, path: Path) -> None:
        """Write all facts as Prolog clauses, one a line, ids by their aliases.

        The text of many facts is made by DuckDB: a million take a second or two.
        """
        if len(self) < _MANY:
            with path.open("w", encoding="utf-8", newline="\n") as out:
                for name, columns in RELATIONS.items():
                    for row in self.rows(name):
                        pairs = zip(row, columns, strict=True)
                        args = ",".join(
                            _quoted(value) if kind == "name" else str(value)
                            for value, (_, kind) in pairs
                        )
                        out.write(f"{name}({args}).\n")
            return
        with duckdb.connect() as db, path.open("w", encoding="utf-8", newline="\n") as out:
            for kind, names in self.ids.items():
                db.register(
                    f"ids_{kind}",
                    pa.table({"id": pa.array(names, pa.string()), "n": range(len(names))}),
                )
            for name, table in self.tables.items():
                if not table.num_rows:
                    continue
                db.register("facts", table)
                reader = db.sql(_prolog_query(name)).to_arrow_reader(100_000)
                for batch in reader:
                    out.write("\n".join(batch.column(0).to_pylist()))
                    out.write("\n")

    def rows(self, name: str) -> list[tuple[Any, ...]]:
        """Return the rows of a relation, ids by their aliases: what Prolog sees."""
        columns = []
        for column, kind in RELATIONS[name]:
            values = self.tables[name][column].to_pylist()
            if kind in OPAQUE:
                place, prefix = self._place[kind], OPAQUE[kind]
                values = [f"{prefix}{place[value]}" for value in values]
            columns.append(values)
        return list(zip(*columns, strict=True))


def _bytes(column: pa.ChunkedArray) -> Iterator[bytes]:
    """Yield the values of a column without nulls: texts by their lengths and UTF-8."""
    values = pa.concat_arrays(column.chunks)
    if pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
        wanted = "<i8" if pa.types.is_integer(values.type) else "<f8"
        yield values.to_numpy(zero_copy_only=False).astype(wanted).tobytes()
        return
    values = values.cast(pa.large_string())
    _, offsets, data = values.buffers()
    at = np.frombuffer(offsets, dtype="<i8")[values.offset : values.offset + len(values) + 1]
    yield np.diff(at).astype("<i8").tobytes()
    yield memoryview(data)[int(at[0]) : int(at[-1])].tobytes()


def _frame(rows: Rows, columns: Sequence[str]) -> pa.Table | pd.DataFrame:
    if isinstance(rows, pd.DataFrame | pa.Table):
        frame = rows
        names = list(rows.columns) if isinstance(rows, pd.DataFrame) else rows.column_names
    else:
        listed = [
            tuple(row[c] for c in columns if c in row) if isinstance(row, Mapping) else tuple(row)
            for row in rows
        ]
        for n, row in enumerate(listed):
            if len(row) != len(columns):
                raise InvalidOption(
                    f"Row {n} has {len(row)} values for the {len(columns)} columns "
                    f"{', '.join(columns)}.",
                    "Give every value, null where it is not known.",
                )
        frame = pd.DataFrame(listed, columns=list(columns))
        names = list(columns)
    for column in columns:
        if column not in names:
            raise UnknownName.among("column", column, [str(name) for name in names])
    return frame


@contextlib.contextmanager
def _database() -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a database of this thread's, without a table; opening one costs more than asking it."""
    own = os.getpid()
    if getattr(_OPEN, "process", None) != own:  # a copy of another process's is of no use
        _OPEN.process, _OPEN.db = own, duckdb.connect()
        _OPEN.db.execute("SET threads = 1")
    try:
        yield _OPEN.db
    finally:
        for (view,) in _OPEN.db.execute(
            "SELECT view_name FROM duckdb_views() WHERE NOT internal"
        ).fetchall():
            _OPEN.db.unregister(view)


_OPEN = threading.local()


def _empty(name: str) -> pa.Table:
    types = {"BIGINT": pa.int64(), "DOUBLE": pa.float64()}
    fields = [(c, types.get(_SQL.get(kind, ""), pa.string())) for c, kind in RELATIONS[name]]
    return pa.schema(fields).empty_table()


def _canonical(db: duckdb.DuckDBPyConnection, name: str, query: str) -> pa.Table:
    """Return distinct rows in order, with the types of the interface; refuse bad values."""
    columns = RELATIONS[name]
    casts = ", ".join(f"CAST({c} AS {_SQL.get(k, 'VARCHAR')}) AS {c}" for c, k in columns)
    try:
        table = db.sql(f"SELECT DISTINCT {casts} FROM ({query}) ORDER BY ALL").to_arrow_table()
    except duckdb.ConversionException as err:
        said = str(err).split("\n", 1)[0]
        raise InvalidOption(
            f"A value of {name} is not what it should be: {said}.",
            "What each column is to hold: help(patina_lab.beliefs.facts)",
        ) from err
    if _is_sound(name, table):
        return table
    db.register("checked", table)
    wrong = {column: _wrong(column, kind) for column, kind in columns}
    anywhere = " OR ".join(f"({test})" for test in wrong.values())
    bad = db.execute(
        f"SELECT *, {', '.join(wrong.values())} FROM checked WHERE {anywhere} LIMIT 1"
    ).fetchone()
    if bad is not None:
        row, verdicts = bad[: len(columns)], bad[len(columns) :]
        n = next(n for n, is_wrong in enumerate(verdicts) if is_wrong)
        raise InvalidOption(
            f"{name}: {columns[n][0]} = {row[n]!r} in the row {row!r} is not allowed.",
            _WANTED.get(columns[n][1], "Give a text that is not empty."),
        )
    if key := ", ".join(_KEYS.get(name, ())):
        twice = db.execute(
            f"SELECT {key} FROM checked GROUP BY {key} HAVING count(*) > 1 ORDER BY ALL LIMIT 1"
        ).fetchone()
        if twice is not None:
            raise InvalidOption(f"{name}: {key} = {twice!r} is given twice.", "Give it once.")
    return table


def _is_sound(name: str, table: pa.Table) -> bool:
    """Whether no value is out of its range or given twice; what SQL then need not look for."""
    import pyarrow.compute as pc

    for column, kind in RELATIONS[name]:
        values = table[column]
        if values.null_count:
            return False
        if kind not in _RANGE:
            odd = pc.or_(pc.equal(values, ""), pc.match_substring(values, "\0"))
        elif kind in _BOUNDS:
            low, high = _BOUNDS[kind]
            # Not: below or above.  What is no number is neither.
            within = pc.and_(pc.greater_equal(values, low), pc.less_equal(values, high))
            odd = pc.invert(within)
        elif kind == "polarity":
            odd = pc.invert(pc.is_in(values, value_set=pa.array([-1, 0, 1], values.type)))
        else:
            continue
        if pc.any(odd).as_py():
            return False
    keys = list(_KEYS.get(name, ()))
    return not keys or table.select(keys).group_by(keys).aggregate([]).num_rows == table.num_rows


def _wrong(column: str, kind: str) -> str:
    """Return the SQL that is true of a value that may not be."""
    if kind in _RANGE:
        return f"({column} IS NULL OR {column} {_RANGE[kind]})"
    return f"({column} IS NULL OR {column} = '' OR contains({column}, chr(0)))"


_WANTED = {
    "polarity": "Give -1, 0 or 1.",
    "fraction": "Give a number from 0 to 1.",
    "cosine": "Give a number from -1 to 1.",
    "days": "Give a number of days, not negative.",
    "number": "Give a number that is not negative.",
    "integer": "Give an integer.",
}


def _check_references(db: duckdb.DuckDBPyConnection, tables: Mapping[str, pa.Table]) -> None:
    for name, columns in RELATIONS.items():
        if not tables[name].num_rows:
            continue
        for column, kind in columns:
            if kind == "obs" and name not in {
                *("observation", "source", "project", "reliability", "age_days")
            }:
                known = "fact_observation", "obs"
            elif kind == "cluster" and name not in {"cluster", "size"}:
                known = "fact_size", "cluster"
            else:
                continue
            if _all_in(tables[name][column], tables[known[0].removeprefix("fact_")][known[1]]):
                continue
            stray = db.execute(
                f"SELECT mine.{column} FROM fact_{name} AS mine "
                f"ANTI JOIN {known[0]} AS theirs ON mine.{column} = theirs.{known[1]} "
                f"ORDER BY 1 LIMIT 1"
            ).fetchone()
            if stray is not None:
                ids = db.execute(f"SELECT {known[1]} FROM {known[0]} LIMIT 10000").fetchall()
                raise UnknownName.among(
                    f"{kind} of {name}/{len(columns)}", stray[0], [row[0] for row in ids]
                )


def _all_in(some: pa.ChunkedArray, known: pa.ChunkedArray) -> bool:
    import pyarrow.compute as pc

    return bool(pc.all(pc.is_in(some, value_set=known)).as_py())


def _prolog_query(name: str) -> str:
    """Return the SQL that makes a clause of each row of ``facts``."""
    parts, joins, order = [], [], []
    for column, kind in RELATIONS[name]:
        if kind in OPAQUE:
            alias = f"i_{column}"
            joins.append(f"JOIN ids_{kind} AS {alias} ON {alias}.id = facts.{column}")
            parts.append(f"'{OPAQUE[kind]}' || {alias}.n")
            order.append(f"{alias}.n")
        elif kind == "name":
            parts.append(_quoted_sql(f"facts.{column}"))
            order.append(f"facts.{column}")
        else:
            parts.append(f"CAST(facts.{column} AS VARCHAR)")
            order.append(f"facts.{column}")
    text = " || ',' || ".join(parts)
    return (
        f"SELECT '{name}(' || {text} || ').' FROM facts {' '.join(joins)} "
        f"ORDER BY {', '.join(order)}"
    )


def _quoted(text: str) -> str:
    """Return a text as a quoted Prolog atom, on one line."""
    text = text.replace("\\", "\\\\").replace("'", "\\'")
    for code, escape in _ESCAPES:
        text = text.replace(chr(code), escape)
    return f"'{text}'"


def _quoted_sql(column: str) -> str:
    """Return SQL for the same."""
    sql = f"replace(replace({column}, '\\', '\\\\'), '''', '\\''')"
    for code, escape in _ESCAPES:
        sql = f"replace({sql}, chr({code}), '{escape}')"
    return f"'''' || {sql} || ''''"
