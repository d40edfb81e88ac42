"""What runs the text of a projection over exported files; an engine is a few lines.

What engines write differently is bridged here and nowhere else: the function
``timestamp_micros`` (see `projections.calendar`) and, for Spark, the place of the ORDER BY
in ``string_agg``.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import re
import sys
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

from patina_lab.errors import InvalidOption, MissingTool, UsageError
from patina_lab.projections.tables import normal

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa


class Adapter(Protocol):
    """An engine that can be given files and asked for tables."""

    name: str

    def register(self, relation: str, place: str) -> None:
        """Make a Parquet file known as ``exported_<relation>``."""

    def columns(self, sql: str) -> list[str]:
        """Return the column names of a query without running it."""

    def df(self, sql: str) -> pd.DataFrame:
        """Run a query; return a tidy table."""

    def arrow(self, sql: str) -> pa.Table:
        """Run a query; return an Arrow table with the types of `normal`."""

    def explain(self, sql: str) -> str:
        """Return the engine's plan for a query."""


class DuckDB:
    """DuckDB over the exported files, in this process."""

    name = "duckdb"
    arrays = True

    def __init__(self, connection: duckdb.DuckDBPyConnection | None = None) -> None:
        import duckdb

        self.connection = duckdb.connect() if connection is None else connection
        self.connection.execute("SET GLOBAL TimeZone = 'UTC'")
        self.connection.execute(
            "CREATE OR REPLACE MACRO timestamp_micros(us) AS make_timestamptz(us)"
        )

    def register(self, relation: str, place: str) -> None:
        """Make a Parquet file known as ``exported_<relation>``."""
        file = place.replace("'", "''")
        self._execute(
            f"CREATE OR REPLACE VIEW exported_{relation} AS SELECT * FROM read_parquet('{file}')"
        )

    def columns(self, sql: str) -> list[str]:
        """Return the column names of a query."""
        return [row[0] for row in self._execute(f"DESCRIBE {sql}").fetchall()]

    def arrow(self, sql: str) -> pa.Table:
        """Run a query; return an Arrow table."""
        with _one_sentence(self.name):
            return normal(self.connection.cursor().sql(sql).to_arrow_table())

    def df(self, sql: str) -> pd.DataFrame:
        """Run a query; return pandas."""
        return _pandas(self.arrow(sql))

    def explain(self, sql: str) -> str:
        """Return DuckDB's plan."""
        return "\n".join(row[1] for row in self._execute(f"EXPLAIN {sql}").fetchall())

    def _execute(self, sql: str) -> duckdb.DuckDBPyConnection:
        with _one_sentence(self.name):
            return self.connection.cursor().execute(sql)


class DataFusion:
    """Apache DataFusion over the exported files, in this process."""

    name = "datafusion"

    def __init__(self) -> None:
        import pyarrow as pa

        with _installed("datafusion", "scale"):
            import datafusion

        self.context = datafusion.SessionContext()
        instant = pa.timestamp("us", "UTC")
        made = datafusion.udf(
            lambda us: us.cast(instant), [pa.int64()], instant, "stable", "timestamp_micros"
        )
        self.context.register_udf(made)

    def register(self, relation: str, place: str) -> None:
        """Make a Parquet file known as ``exported_<relation>``."""
        with _one_sentence(self.name):
            self.context.register_parquet(f"exported_{relation}", place)

    def columns(self, sql: str) -> list[str]:
        """Return the column names of a query."""
        with _one_sentence(self.name):
            return list(self.context.sql(sql).schema().names)

    def arrow(self, sql: str) -> pa.Table:
        """Run a query; return an Arrow table."""
        with _one_sentence(self.name):
            return normal(self.context.sql(sql).to_arrow_table())

    def df(self, sql: str) -> pd.DataFrame:
        """Run a query; return pandas."""
        return _pandas(self.arrow(sql))

    def explain(self, sql: str) -> str:
        """Return DataFusion's plan."""
        with _one_sentence(self.name):
            return str(self.context.sql(sql).optimized_logical_plan())


class Spark:
    """Whatever speaks Spark Connect (Apache Spark, Sail), or a classic Spark session.

    Parameters
    ----------
    session : pyspark.sql.SparkSession
    """

    name = "spark"

    def __init__(self, session: Any) -> None:
        self.session = session
        self.session.conf.set("spark.sql.session.timeZone", "UTC")

    def register(self, relation: str, place: str) -> None:
        """Make a Parquet file known as ``exported_<relation>``."""
        with _one_sentence(self.name):
            self.session.read.parquet(place).createOrReplaceTempView(f"exported_{relation}")

    def columns(self, sql: str) -> list[str]:
        """Return the column names of a query."""
        with _one_sentence(self.name):
            return list(self.session.sql(spark_sql(sql)).columns)

    def arrow(self, sql: str) -> pa.Table:
        """Run a query; return an Arrow table."""
        with _one_sentence(self.name):
            return normal(self.session.sql(spark_sql(sql)).toArrow())

    def df(self, sql: str) -> pd.DataFrame:
        """Run a query; return pandas."""
        return _pandas(self.arrow(sql))

    def explain(self, sql: str) -> str:
        """Return Spark's plan."""
        with _one_sentence(self.name):
            rows = self.session.sql(f"EXPLAIN {spark_sql(sql)}").collect()
            return "\n".join(row[0] for row in rows)


class Sail(Spark):
    """Sail's Spark Connect server, started in this process."""

    name = "sail"

    def __init__(self) -> None:
        super().__init__(connect(sail_address()))


# -- what Spark writes differently ----------------------------------------------------------

_PIECE = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|--[^\n]*|/\*.*?\*/|.", re.DOTALL)
_ORDER = re.compile(r"\s+ORDER\s+BY\s+", re.IGNORECASE)


def spark_sql(sql: str) -> str:
    """Return a portable text as Spark has it: ``string_agg`` with its order outside.

    Examples
    --------
    >>> spark_sql("SELECT string_agg(f(a, ')'), ' ' ORDER BY b, c) AS x FROM t")
    "SELECT string_agg(f(a, ')'), ' ') WITHIN GROUP (ORDER BY b, c) AS x FROM t"
    """
    out = ""
    rest = sql
    while (at := rest.lower().find("string_agg(")) >= 0:
        begin = at + len("string_agg(")
        depth, order, end = 1, None, begin
        for piece in _PIECE.finditer(rest, begin):
            depth += {"(": 1, ")": -1}.get(piece[0], 0)
            if depth == 0:
                end = piece.start()
                break
            if depth == 1 and order is None and (found := _ORDER.match(rest, piece.start())):
                order = found
        inside = rest[begin:end]
        if order is not None:
            inside = (
                f"{rest[begin : order.start()]}) WITHIN GROUP (ORDER BY {rest[order.end() : end]}"
            )
        out += rest[:begin] + inside
        rest = rest[end:]
    return out + rest


@contextlib.contextmanager
def _one_sentence(engine: str) -> Iterator[None]:
    """Turn what an engine says into a `UsageError` of one line; `Rel` names its columns."""
    try:
        yield
    except (UsageError, MemoryError):
        raise
    except Exception as err:
        lines = [line.strip() for line in str(err).splitlines() if line.strip()]
        said = (lines or [type(err).__name__])[0].rstrip(".!")
        raise UsageError(f"{said} (on {engine}).", "See rel.to_sql() for the query.") from err


@contextlib.contextmanager
def _installed(package: str, extra: str) -> Iterator[None]:
    try:
        yield
    except ImportError as err:
        raise MissingTool(
            f"{package} is not installed.", f"Install it: pip install 'patina-lab[{extra}]'"
        ) from err


def _pandas(table: pa.Table) -> pd.DataFrame:
    """Return pandas as DuckDB gives it: integers stay integers where some are NULL."""
    import pandas as pd
    import pyarrow as pa

    made: pd.DataFrame = table.to_pandas()
    for name, column in zip(table.column_names, table.columns, strict=True):
        if column.null_count and pa.types.is_int64(column.type):
            made[name] = column.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
    return made


@functools.cache
def sail_address() -> str:
    """Start Sail's server, once in a process; return its address."""
    os.environ.setdefault("RUST_LOG", "off")  # it speaks of every session otherwise
    with _installed("pysail", "scale"):
        from pysail.spark import SparkConnectServer

    server = SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    atexit.register(server.stop)
    host, port = server.listening_address
    return f"sc://{host}:{port}"


def connect(remote: str | None) -> Any:
    """Return a new Spark Connect session: views of two exports do not meet."""
    if remote is None:
        raise InvalidOption(
            "The engine 'spark' needs the address of a Spark Connect server.",
            "Write remote='sc://host:15002', or use the engine 'sail'.",
        )
    with _installed("pyspark", "scale"), warnings.catch_warnings():
        # pyspark 4 warns of pandas 3, which is not used here: tables come as Arrow.
        warnings.simplefilter("ignore", FutureWarning)
        from pyspark.sql import SparkSession

        with _main_with_a_file():
            return SparkSession.builder.remote(remote).create()


@contextlib.contextmanager
def _main_with_a_file() -> Iterator[None]:
    """Keep pyspark from ending the process: it takes a main module without a file for its doctests.

    ``python -c`` and the workers of pytest-xdist have such a module.
    """
    main = sys.modules["__main__"]
    if hasattr(main, "__file__"):
        yield
        return
    main.__file__ = "patina_lab"
    try:
        yield
    finally:
        del main.__file__
