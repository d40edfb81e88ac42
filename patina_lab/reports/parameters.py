"""A notebook's parameters, read strictly: a mistyped one is an error, not a warning.

papermill writes ``Passed unknown parameter`` to its log and runs on, with the default; it
also fails to read some lines that are good Python.  So the cell tagged ``parameters`` is
read here, as Python.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from patina_lab.errors import InvalidOption, UnknownName, UsageError


@dataclass(frozen=True)
class Parameter:
    """One line of a notebook's parameters cell, such as ``top: int = 40  # files``."""

    name: str
    type: str
    default: Any
    help: str = ""


def declared(notebook: Mapping[str, Any], name: str) -> list[Parameter]:
    """Return the parameters of a notebook, in their order.

    Parameters
    ----------
    notebook : mapping
        The notebook as nbformat or json reads it.
    name : str
        Its file name, for messages.

    Raises
    ------
    UsageError
        The cell holds something else than ``name: type = value`` lines.
    """
    source = "\n".join(
        "".join(cell["source"])
        for cell in notebook["cells"]
        if "parameters" in cell.get("metadata", {}).get("tags", ())
    )
    comments = {
        token.start[0]: token.string.lstrip("# ")
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    found = []
    for statement in ast.parse(source).body:
        try:
            found.append(_parameter(statement, comments.get(statement.lineno, "")))
        except (ValueError, TypeError) as error:
            raise UsageError(
                f"{name}: line {statement.lineno} of the cell tagged 'parameters' is no parameter.",
                "Write each as: name: type = value  # what it means",
            ) from error
    return found


def _parameter(statement: ast.stmt, comment: str) -> Parameter:
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        if statement.value is None:
            raise ValueError(statement.target.id)
        default = ast.literal_eval(statement.value)
        return Parameter(statement.target.id, ast.unparse(statement.annotation), default, comment)
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
        if isinstance(target, ast.Name):
            default = ast.literal_eval(statement.value)
            return Parameter(target.id, type(default).__name__, default, comment)
    raise ValueError(ast.unparse(statement))


def checked(given: Mapping[str, Any], known: list[Parameter], notebook: str) -> dict[str, Any]:
    """Return the values given, each of its parameter's type.

    A text is read as a number or a truth value where the parameter is one, because that is
    what a command line gives.

    Parameters
    ----------
    given : mapping of str to Any
    known : list of Parameter
    notebook : str
        Its file name, for messages.

    Raises
    ------
    UnknownName
        The notebook has no such parameter.
    InvalidOption
        A value is not of the parameter's type.

    Examples
    --------
    >>> checked({"top": "12"}, [Parameter("top", "int", 40)], "quickstart.ipynb")
    {'top': 12}
    """
    by_name = {parameter.name: parameter for parameter in known}
    values = {}
    for name, value in given.items():
        if name not in by_name:
            hint = UnknownName.among("parameter", name, by_name).hint
            raise UnknownName(
                f"{notebook} has no parameter {name!r}.", hint or "It takes no parameters."
            )
        try:
            values[name] = _of_type(by_name[name].type, value)
        except ValueError as error:
            wanted = _IN_WORDS.get(by_name[name].type, by_name[name].type)
            raise InvalidOption(
                f"The parameter {name!r} of {notebook} is {wanted}, but was given {value!r}.",
                f"Its default is {by_name[name].default!r}.",
            ) from error
    return values


_IN_WORDS = {
    "str": "a text (str)",
    "int": "a whole number (int)",
    "float": "a number (float)",
    "bool": "True or False (bool)",
}
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def _of_type(kind: str, value: Any) -> Any:
    """Return `value` as one of `kind`; ValueError where it is none."""
    if kind == "str":
        if isinstance(value, str) or hasattr(value, "__fspath__"):
            return str(value)
        raise ValueError(value)
    if kind == "bool":
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in _TRUTH:
            return _TRUTH[value.lower()]
        raise ValueError(value)
    if kind in ("int", "float"):
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError(value)
        if kind == "int" and isinstance(value, float):
            raise ValueError(value)
        return int(value) if kind == "int" else float(value)
    return value
