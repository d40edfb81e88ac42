"""Every chart with tooltips has its table."""

from __future__ import annotations

from patina_lab.views.numbers import numbers

ROWS = [{"path": "a.py", "n": 3, "x": 1}, {"path": "b.py", "n": None, "x": 2}]
TIP = {"tooltip": [{"field": "path"}, {"field": "n", "title": "commits"}]}
TABLE = [{"path": "a.py", "commits": 3}, {"path": "b.py", "commits": None}]


def test_inline_and_named_data() -> None:
    assert numbers({"data": {"values": ROWS}, "encoding": TIP}) == TABLE
    assert numbers({"data": {"name": "d"}, "datasets": {"d": ROWS}, "encoding": TIP}) == TABLE


def test_layers_inherit_data_and_encoding() -> None:
    """A layer without a tooltip of its own adds nothing twice."""
    spec = {"data": {"values": ROWS}, "layer": [{"encoding": TIP}, {"mark": "text"}]}
    assert numbers(spec) == TABLE
    spec = {"encoding": TIP, "layer": [{"data": {"values": ROWS}}, {"data": {"url": "a.csv"}}]}
    assert numbers(spec) == TABLE


def test_charts_laid_together() -> None:
    one = {"data": {"values": ROWS}, "encoding": TIP}
    assert numbers({"hconcat": [one, {"vconcat": [one]}]}) == TABLE * 2


def test_nothing_to_tell() -> None:
    assert numbers({"mark": "bar"}) == []
    assert numbers({"data": {"values": ROWS}, "encoding": {"tooltip": {"value": "hello"}}}) == []
