"""Imports point one way, as the picture in the package's docstring says.

    errors, events ← sources · eventlog · projections ← project · personas · beliefs · search
                   ← views · reports · datasets ← lab ← doctor · verify ← commands ← cli

A module may import from a layer to its left and from its own package.  Between packages of
one layer only the edges in ``BESIDE`` are allowed, each with its reason.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "patina_lab"

LAYERS = [
    {"errors", "events"},
    {"sources", "eventlog", "projections"},
    {"project", "personas", "beliefs", "search"},
    {"views", "reports", "datasets"},
    {"lab"},
    {"doctor", "verify", "server"},
    {"commands"},
    {"cli"},
]
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}
BESIDE = {
    ("events", "errors"): "an event that cannot be understood is an error",
    ("eventlog", "projections"): "a log hands its relations out as queries",
    ("eventlog", "sources"): "the build pulls events out of the sources",
    ("personas", "project"): "a persona reads what projects keep",
    ("personas", "beliefs"): "a persona forms beliefs of what projects bear out",
    ("personas", "search"): "a persona is asked as a project is",
    ("reports", "views"): "a report shows numbers and charts",
    ("search", "project"): "one's own notes are searched, and by the same words",
    ("search", "beliefs"): "texts become vectors there",
}


def imported(text: str, module: str) -> Iterator[tuple[int, str]]:
    """Yield (line, dotted name) of each import of this package, wherever in the text it stands.

    ``module`` is the dotted name of the text's own module, which resolves relative imports.
    """
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")[: -node.level] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            # `from patina_lab import errors` names the module in its second half.
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}" if base == "patina_lab" else base


def wrong_way(text: str, module: str) -> list[str]:
    """Return a sentence for each import of ``text`` that points against the picture."""
    home = module.split(".")[1]
    wrong = []
    for line, name in imported(text, module):
        parts = name.split(".")
        if parts[0] != "patina_lab" or len(parts) == 1 or parts[1] in {home, "__version__"}:
            continue
        there = parts[1]
        if there not in RANK:
            wrong.append(f"{module}:{line} imports {name}, which has no place in LAYERS")
        elif RANK[there] > RANK[home]:
            wrong.append(f"{module}:{line} imports {name}, which is built on top of {home}")
        elif RANK[there] == RANK[home] and (home, there) not in BESIDE:
            wrong.append(f"{module}:{line} imports {name}, which stands beside {home}")
    return wrong


def modules() -> Iterator[tuple[str, Path]]:
    """Yield (dotted name, file) of every module below the package's lazy top level."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        if parts != ("patina_lab", "__init__"):
            yield ".".join(parts), path


def test_every_module_has_its_place() -> None:
    """A new top-level name is put into the picture before it is used."""
    strangers = {name.split(".")[1] for name, _ in modules()} - set(RANK)
    assert not strangers, f"say in LAYERS (and in DESIGN) where these stand: {sorted(strangers)}"


def test_imports_point_one_way() -> None:
    """No module imports what is built on top of it, not even inside a function."""
    wrong = [
        sentence
        for name, path in modules()
        if name.split(".")[1] in RANK
        for sentence in wrong_way(path.read_text(encoding="utf-8"), name)
    ]
    assert not wrong, "\n".join(wrong)


def test_edges_beside_make_no_circle() -> None:
    """An allowed edge never comes with its reverse."""
    assert not {(b, a) for a, b in BESIDE} & set(BESIDE)


@pytest.mark.parametrize(
    ("text", "module", "complaint"),
    [
        ("from patina_lab.lab import Lab", "patina_lab.events.event", "on top of events"),
        ("import patina_lab.views.charts", "patina_lab.eventlog.log", "on top of eventlog"),
        ("from patina_lab import cli", "patina_lab.lab", "on top of lab"),
        ("from ..lab import Lab", "patina_lab.views.charts", "on top of views"),
        ("from patina_lab.eventlog import build", "patina_lab.sources.git", "beside sources"),
        ("def f():\n    import patina_lab.cli", "patina_lab.lab", "lab:2"),
        ("from patina_lab.helpers import f", "patina_lab.lab", "no place in LAYERS"),
    ],
)
def test_control_wrong_ways_are_seen(text: str, module: str, complaint: str) -> None:
    """Known-bad texts: absolute, relative, lazy, sideways and unknown imports are refused."""
    (sentence,) = wrong_way(text, module)
    assert complaint in sentence


def test_control_right_ways_pass() -> None:
    """What points left, stays in the package, or is somebody else's is left alone."""
    text = """
import json, pandas
from patina_lab import errors, __version__
from patina_lab.events.event import Event
from .renderer import render
from . import labels
"""
    assert wrong_way(text, "patina_lab.views.charts") == []
