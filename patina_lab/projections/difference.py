"""What a projection says at two moments: which rows entered, left, changed, stayed.

::

    before, after = (lab.as_of(t).project(pt.hotspots) for t in ("2025-03-01", "2025-06-01"))
    difference(before, after)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from patina_lab.errors import InvalidOption, UnknownName

if TYPE_CHECKING:
    import pandas as pd

STATES: dict[str, tuple[tuple[str, ...], str]] = {
    "author_expertise": (("author_email", "file_path"), "commit_count"),
    "churn": (("period",), "commits"),
    "co_changes": (("file_a", "file_b"), "count"),
    "collaboration": (("email_a", "email_b"), "shared_files"),
    "decision_context": (("decision_seq",), "commits"),
    "hotspots": (("path",), "commits"),
    "import_coupling": (("file_a", "file_b"), "count"),
    "truck_factor": (("file_path",), "truck_factor"),
}
"""Projection -> the columns that name a row of its state, and the number that may change."""

WHAT = ("entered", "left", "changed", "same")


def difference(
    before: pd.DataFrame,
    after: pd.DataFrame,
    *,
    key: str | Sequence[str] | None = None,
    value: str | None = None,
) -> pd.DataFrame:
    """Compare two tables of one projection.

    Parameters
    ----------
    before, after : DataFrame
        As ``lab.as_of(t).project(p)`` gives them.
    key : str or sequence of str, or None
        The columns that name a row.  None: those of the projection, where it is known.
    value : str or None
        The number that may change.  None: that of the projection.

    Returns
    -------
    DataFrame
        The key's columns (text), ``before`` and ``after`` (number; NULL where the row is
        not there), ``change`` (number; a row that is not there counts as 0) and ``what``:
        ``entered``, ``left``, ``changed`` or ``same``.  The largest changes come first; ties
        by the key.  ``attrs`` has ``key``, ``value`` and ``digests`` of both logs.

    Raises
    ------
    InvalidOption
        The projection is not known and no key was given, or a row is named twice.
    UnknownName
        A column is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> old = pd.DataFrame({"path": ["a", "b"], "commits": [3, 1]})
    >>> new = pd.DataFrame({"path": ["a", "c"], "commits": [5, 1]})
    >>> print(difference(old, new, key="path", value="commits").to_string(index=False))
    path  before  after  change    what
       a     3.0    5.0     2.0 changed
       b     1.0    NaN    -1.0    left
       c     NaN    1.0     1.0 entered
    """
    import pandas as pd

    keys, number = state(after, key, value)
    sides = [
        _side(table, keys, number, name) for table, name in ((before, "before"), (after, "after"))
    ]
    both = pd.merge(sides[0], sides[1], on=keys, how="outer")
    was, now = both["before"], both["after"]
    both["change"] = now.fillna(0.0) - was.fillna(0.0)
    both["what"] = "changed"
    both.loc[both["change"] == 0, "what"] = "same"
    both.loc[was.isna() & now.notna(), "what"] = "entered"
    both.loc[was.notna() & now.isna(), "what"] = "left"
    size = both["change"].abs()
    both = both.assign(size=size).sort_values(
        ["size", *keys], ascending=[False, *[True] * len(keys)]
    )
    found = both.drop(columns="size").reset_index(drop=True)
    found.attrs.update(
        key=list(keys),
        value=number,
        projection=after.attrs.get("projection", ""),
        digests=[table.attrs.get("digest", "") for table in (before, after)],
    )
    return found


def state(table: Any, key: str | Sequence[str] | None, value: str | None) -> tuple[list[str], str]:
    """Return the columns that name a row of `table`, and its number.

    Raises
    ------
    InvalidOption
        They are not given, and the table does not tell of which projection it is.
    """
    name = table.attrs.get("projection", "")
    known = STATES.get(name)
    if known is None and (key is None or value is None):
        raise InvalidOption(
            f"Which columns name a row is not known for {name or 'this table'}.",
            f"Give key= and value=, out of: {', '.join(map(str, table.columns))}.",
        )
    if key is None:
        keys = list(known[0]) if known else []
    else:
        keys = [key] if isinstance(key, str) else list(key)
    number = value if value is not None else known[1] if known else ""
    return keys, number


def _side(table: Any, keys: list[str], number: str, name: str) -> Any:
    for column in (*keys, number):
        if column not in table.columns:
            raise UnknownName.among("column", column, map(str, table.columns))
    kept = table[[*keys, number]].rename(columns={number: name})
    kept = kept.assign(
        **{k: kept[k].astype(str) for k in keys}, **{name: kept[name].astype("float64")}
    )
    twice = kept.duplicated(keys)
    if twice.any():
        row = ", ".join(kept.loc[twice, keys].iloc[0])
        raise InvalidOption(
            f"{' and '.join(keys)} name more than one row: {row}.", "Give key= with more columns."
        )
    return kept
