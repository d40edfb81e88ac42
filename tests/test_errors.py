"""Errors: a tree with exit codes, and sentences that end in the next step."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

import patina_lab
from patina_lab import errors
from patina_lab.errors import PatinaError, UnknownName

ALL = {
    name: value
    for name, value in vars(errors).items()
    if inspect.isclass(value) and issubclass(value, PatinaError)
}
CODES = {
    "UsageError": 2,
    "NotARepository": 2,
    "UnsafeRepository": 2,
    "EmptyRepository": 2,
    "UnknownRevision": 2,
    "UnknownTime": 2,
    "UnknownName": 2,
    "NoWorkTree": 2,
    "NoAuthor": 2,
    "InvalidEvent": 2,
    "InvalidOption": 2,
    "InvalidRecipe": 2,
    "ProjectionFailed": 1,
    "BadRules": 2,
    "RulesStopped": 1,
    "CheckFailed": 1,
    "MissingTool": 3,
    "StoreError": 1,
    "NoLog": 1,
    "CorruptLog": 1,
    "StoreFull": 1,
    "GitFailed": 1,
    "PatinaError": 1,
}


def drawn():
    """Return child -> parent as the docstring of the module draws it."""
    parents, found = {}, {}
    for line in errors.__doc__.splitlines():
        node = re.match(r"^([ │├└─]*)([A-Z]\w+)", line.removeprefix("    "))
        if node is None or node[2] not in ALL:
            continue
        depth = len(node[1]) // 4
        parents[depth] = node[2]
        found[node[2]] = parents[depth - 1] if depth else None
    return found


def test_the_tree_is_as_drawn():
    """Whoever adds an error draws it."""
    expected = {name: value.__mro__[1].__name__ for name, value in ALL.items()}
    expected["PatinaError"] = None
    assert expected == drawn()


def test_every_error_has_its_exit_code():
    """1 for a check or the store, 2 for a request that cannot be understood, 3 for a tool."""
    assert {name: value.exit_code for name, value in ALL.items()} == CODES


def test_an_error_reads_as_message_and_hint():
    """Both in str(), each on its own as an attribute."""
    err = PatinaError("The jar is empty.", "Fill it.")
    assert (str(err), err.message, err.hint) == (
        "The jar is empty. Fill it.",
        "The jar is empty.",
        "Fill it.",
    )
    assert str(PatinaError("The jar is empty.")) == "The jar is empty."
    assert err.args == ("The jar is empty.",)


@pytest.mark.parametrize(
    ("name", "known", "said"),
    [
        ("auhtor", ["author", "path"], "There is no column 'auhtor'. Did you mean 'author'?"),
        ("commit", ["commits", "commit_files", "x"],
         "There is no column 'commit'. Did you mean 'commits' or 'commit_files'?"),
        ("zzz", ["b", "a"], "There is no column 'zzz'. Known: a, b."),
        ("zzz", [], "There is no column 'zzz'."),
        ("it's", ["its"], "There is no column \"it's\". Did you mean 'its'?"),
        ("", {"a": 1}, "There is no column ''. Known: a."),
    ],
)  # fmt: skip
def test_an_unknown_name_is_answered_with_the_nearest(name, known, said):
    """Or with all of them, where none is near."""
    assert said == str(UnknownName.among("column", name, known))


def raised():
    """Return (file, line, call) of every error of the tree that the package makes with words."""
    root = Path(patina_lab.__file__).parent
    for place in sorted(root.rglob("*.py")):
        for node in ast.walk(ast.parse(place.read_text())):
            named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            if named and node.func.id in ALL and node.args:
                yield f"{place.relative_to(root)}:{node.lineno}", node


def ending(node):
    """Return the last literal character of a text, or None where it is computed."""
    if isinstance(node, ast.JoinedStr):
        node = node.values[-1]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value[-1:]
    return None


def test_every_message_of_the_package_is_a_sentence():
    """It begins with a capital or a value, and ends in a stop or in what git itself said."""
    calls = list(raised())
    assert len(calls) > 20
    for where, call in calls:
        assert ending(call.args[0]) in (".", None), where


def test_every_usage_error_names_the_next_step():
    """A second argument, and not an empty one."""
    exempt = {"CheckFailed", "PatinaError", "GitFailed", "UsageError"}
    for where, call in raised():
        if call.func.id in exempt or isinstance(call.args[0], ast.Starred):
            continue
        hint = call.args[1] if len(call.args) > 1 else None
        given = hint is not None or any(keyword.arg == "hint" for keyword in call.keywords)
        assert given, f"{where} {call.func.id} has no hint"
