"""The numbers of a chart, as the table that stands beside it.

What a chart tells in its tooltips is what it has to say; here it is read out of the
specification again, so that any Altair chart has its table, not only ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def numbers(spec: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of a chart under the headings of its tooltips.

    Parameters
    ----------
    spec : mapping
        A Vega-Lite specification with its data.

    Returns
    -------
    list of dict
        Heading to value.  Empty when the chart has no tooltip, or no data of its own.

    Examples
    --------
    >>> numbers({
    ...     "data": {"values": [{"n": 3, "x": 0.5}]},
    ...     "encoding": {"tooltip": [{"field": "n", "title": "commits"}]},
    ... })
    [{'commits': 3}]
    """
    return [
        {heading: row.get(field) for field, heading in headings.items()}
        for headings, rows in _views(spec, spec.get("datasets") or {}, None, {})
        for row in rows
    ]


def _views(
    spec: Mapping[str, Any], datasets: Mapping[str, Any], data: Any, encoding: Mapping[str, Any]
) -> Iterator[tuple[dict[str, str], list[dict[str, Any]]]]:
    """Walk the views of `spec`, each with the data and the encoding that it inherits."""
    data = spec.get("data") or data
    encoding = {**encoding, **spec.get("encoding", {})}
    inner = [
        view for key in ("layer", "hconcat", "vconcat", "concat") for view in spec.get(key, ())
    ]
    if isinstance(spec.get("spec"), Mapping):
        inner.append(spec["spec"])
    for view in inner:
        yield from _views(view, datasets, data, encoding)
    tooltip = encoding.get("tooltip")
    fields = [tooltip] if isinstance(tooltip, Mapping) else tooltip or []
    headings = {f["field"]: str(f.get("title") or f["field"]) for f in fields if "field" in f}
    if headings and not inner and isinstance(data, Mapping):
        rows = data.get("values") or datasets.get(str(data.get("name"))) or []
        if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
            yield headings, rows
