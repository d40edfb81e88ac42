"""Tables of several engines, made comparable: one type for each kind of value, one hash."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


def normal(table: pa.Table) -> pa.Table:
    """Return a table with one type for each kind of value, whichever engine made it.

    Integers become int64 (a sum may be wider: its values are not), text becomes string,
    instants become microseconds in UTC.
    """
    import pyarrow as pa

    types = []
    for column in table.schema:
        kind = column.type
        if pa.types.is_integer(kind) or pa.types.is_decimal(kind):
            kind = pa.int64()
        elif pa.types.is_floating(kind):
            kind = pa.float64()
        elif pa.types.is_timestamp(kind):
            kind = pa.timestamp("us", "UTC")
        elif pa.types.is_string(kind) or pa.types.is_large_string(kind) or "view" in str(kind):
            kind = pa.string()
        types.append(pa.field(column.name, kind))
    # Not the engine's metadata, nor its word on what may be NULL.
    return pa.table(table.columns, names=table.column_names).cast(pa.schema(types))


def table_hash(table: pa.Table) -> str:
    """Hash a table's column names and rows, in their order: 64 hexadecimal digits.

    Two engines that give the same rows in the same order give the same hash; floats count
    bit by bit.

    Examples
    --------
    >>> import pyarrow as pa
    >>> small, wide = pa.table({"n": pa.array([1], pa.int8())}), pa.table({"n": [1]})
    >>> table_hash(small) == table_hash(wide)
    True
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    made = normal(table)
    digest = hashlib.sha256(json.dumps([made.column_names, made.num_rows]).encode())
    for column in made.itercolumns():
        kind = column.type
        digest.update(np.packbits(column.is_valid().to_numpy()).tobytes())
        if pa.types.is_string(kind):
            texts = [(text or "").encode() for text in column.to_pylist()]
            digest.update(np.array([len(text) for text in texts], np.int64).tobytes())
            digest.update(b"".join(texts))
        else:
            if pa.types.is_timestamp(kind) or pa.types.is_boolean(kind):
                column = column.cast(pa.int64())
            digest.update(pc.fill_null(column, 0).to_numpy().tobytes())
    return digest.hexdigest()
