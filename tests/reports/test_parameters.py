"""Parameters are read as Python and checked before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from patina_lab import errors
from patina_lab.reports.parameters import Parameter, checked, declared


def cell(source: str) -> dict:
    """Return a notebook whose parameters cell has this source."""
    return {
        "cells": [{"cell_type": "code", "source": source, "metadata": {"tags": ["parameters"]}}]
    }


def test_reads_name_type_default_and_comment() -> None:
    """Also what papermill cannot parse: an equals sign in a comment, a union type."""
    nb = cell(
        'until: str = ""  # ISO date; empty = no limit\n'
        "share: float | None = None\n"
        "\n# a comment between\n"
        "top = 40  # files\n"
    )
    assert declared(nb, "x.ipynb") == [
        Parameter("until", "str", "", "ISO date; empty = no limit"),
        Parameter("share", "float | None", None, ""),
        Parameter("top", "int", 40, "files"),
    ]


def test_a_notebook_without_parameters_has_none() -> None:
    assert declared({"cells": []}, "x.ipynb") == []


@pytest.mark.parametrize("line", ["print(1)", "a, b = 1, 2", "now: str = today()", "x: int"])
def test_what_is_no_parameter_is_refused(line: str) -> None:
    """A parameter is a plain value: what it is must be known without running anything."""
    with pytest.raises(errors.UsageError, match=r"x\.ipynb: line 2 of the cell tagged"):
        declared(cell(f"a: int = 1\n{line}"), "x.ipynb")


KNOWN = [
    Parameter("text", "str", ""),
    Parameter("count", "int", 1),
    Parameter("share", "float", 0.5),
    Parameter("full", "bool", False),
    Parameter("names", "list[str]", []),
]


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("text", "a", "a"),
        ("text", Path("a/b"), "a/b"),
        ("count", "12", 12),
        ("share", 2, 2.0),
        ("share", "0.25", 0.25),
        ("full", "yes", True),
        ("full", False, False),
        ("names", ["a"], ["a"]),
    ],
)
def test_texts_of_a_command_line_are_read(name: str, given: object, value: object) -> None:
    assert checked({name: given}, KNOWN, "x.ipynb") == {name: value}
    assert type(checked({name: given}, KNOWN, "x.ipynb")[name]) is type(value)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("text", 3),
        ("text", None),
        ("count", "many"),
        ("count", 1.5),
        ("count", True),
        ("full", "2"),
    ],
)
def test_a_value_of_another_type_is_refused(name: str, given: object) -> None:
    with pytest.raises(errors.InvalidOption) as caught:
        checked({name: given}, KNOWN, "x.ipynb")
    assert f"The parameter {name!r} of x.ipynb is " in caught.value.message
    assert f"was given {given!r}" in caught.value.message
    assert "Its default is" in caught.value.hint


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(errors.UnknownName, match=r"no parameter 'cuont'. Did you mean 'count'"):
        checked({"cuont": 1}, KNOWN, "x.ipynb")
    with pytest.raises(errors.UnknownName, match="takes no parameters"):
        checked({"cuont": 1}, [], "x.ipynb")
