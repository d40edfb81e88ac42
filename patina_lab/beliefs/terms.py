"""Prolog terms as Python values.

An atom is a ``str``, a number an ``int`` or ``float``, a string a `Quoted`, a compound a
`Compound`, a variable a `Var`; a list is a chain of ``Compound(".", head, tail)`` that ends
in `NIL`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cmp_to_key
from typing import Any, NamedTuple

CONS = "."


class Compound(NamedTuple):
    """A name and its arguments."""

    name: str
    args: tuple[Any, ...]


@dataclass(frozen=True)
class Quoted:
    """A string of Prolog, which is no atom."""

    text: str


class Nil:
    """The empty list."""

    def __repr__(self) -> str:
        return "[]"


NIL = Nil()


class Var:
    """A variable; `ref` is what it is bound to, or itself."""

    __slots__ = ("ref",)

    def __init__(self) -> None:
        self.ref: Any = self


Trail = list[Var]


def walk(term: Any) -> Any:
    """Follow bindings, outermost only."""
    while type(term) is Var:
        if term.ref is term:
            return term
        term = term.ref
    return term


def unify(a: Any, b: Any, trail: Trail) -> bool:
    """Make two terms equal by binding variables; bindings are noted on the trail."""
    stack = [(a, b)]
    while stack:
        a, b = stack.pop()
        a, b = walk(a), walk(b)
        if a is b:
            continue
        if type(a) is Var:
            a.ref = b
            trail.append(a)
        elif type(b) is Var:
            b.ref = a
            trail.append(b)
        elif type(a) is Compound and type(b) is Compound:
            if a.name != b.name or len(a.args) != len(b.args):
                return False
            stack.extend(zip(a.args, b.args, strict=True))
        elif type(a) is not type(b) or a != b:
            return False
    return True


def undo(trail: Trail, mark: int) -> None:
    """Take back the bindings beyond a mark."""
    while len(trail) > mark:
        bound = trail.pop()
        bound.ref = bound


def copy(term: Any, env: dict[Any, Var]) -> Any:
    """Return the term with bindings followed and fresh variables, equal ones by `env`."""
    term = walk(term)
    if type(term) is Var:
        if term not in env:
            env[term] = Var()
        return env[term]
    if type(term) is Compound:
        return Compound(term.name, tuple(copy(x, env) for x in term.args))
    return term


def variables(term: Any, found: dict[Var, None] | None = None) -> dict[Var, None]:
    """Return the unbound variables of a term, in order, as the keys of a dict."""
    found = {} if found is None else found
    term = walk(term)
    if type(term) is Var:
        found.setdefault(term)
    elif type(term) is Compound:
        for x in term.args:
            variables(x, found)
    return found


def listed(term: Any) -> list[Any] | None:
    """Return the members of a proper list, or None."""
    members = []
    term = walk(term)
    while type(term) is Compound and term.name == CONS and len(term.args) == 2:
        members.append(term.args[0])
        term = walk(term.args[1])
    return members if term is NIL else None


def as_list(members: Iterable[Any], tail: Any = NIL) -> Any:
    """Return a list of Prolog."""
    for member in reversed(list(members)):
        tail = Compound(CONS, (member, tail))
    return tail


def decode(json: Any, env: dict[Any, Var]) -> Any:
    """Return the term of the worker's JSON (see prolog/json.pl)."""
    kind = type(json)
    if kind is list:
        # Nearly all arguments are atoms and numbers, which stand for themselves.
        args = [x if type(x) in _THEMSELVES else decode(x, env) for x in json[1:]]
        name = CONS if json[0] == "[|]" and len(args) == 2 else json[0]
        return Compound(name, tuple(args))
    if kind is dict:
        if "l" in json:
            return as_list([decode(x, env) for x in json["l"]])
        if "v" in json:
            if json["v"] < 0:
                return Var()
            return env.setdefault(json["v"], Var())
        if "s" in json:
            return Quoted(json["s"])
        return float(json["f"])
    return json


_THEMSELVES = frozenset({str, int, float})


def compare(a: Any, b: Any) -> int:
    """Compare in the standard order of terms: -1, 0 or 1."""
    a, b = walk(a), walk(b)
    rank_a, rank_b = _rank(a), _rank(b)
    if rank_a != rank_b:
        return -1 if rank_a < rank_b else 1
    if rank_a == 1:
        if a != b:
            return -1 if a < b else 1
        return (isinstance(a, int)) - (isinstance(b, int))
    if rank_a == 4:
        keys = (len(a.args), a.name), (len(b.args), b.name)
        if keys[0] != keys[1]:
            return -1 if keys[0] < keys[1] else 1
        for x, y in zip(a.args, b.args, strict=True):
            if order := compare(x, y):
                return order
        return 0
    if rank_a == 0:
        return (id(a) > id(b)) - (id(a) < id(b))
    x, y = _text(a), _text(b)
    return (x > y) - (x < y)


def _text(term: Any) -> str:
    return term.text if isinstance(term, Quoted) else str(term)


def _rank(term: Any) -> int:
    if type(term) is Var:
        return 0
    if isinstance(term, int | float):
        return 1
    if isinstance(term, Quoted):
        return 3
    return 4 if type(term) is Compound else 2


standard = cmp_to_key(compare)
"""The sort key of the standard order."""


_INFIX = {
    **dict.fromkeys((":-",), 1200),
    **dict.fromkeys((";",), 1100),
    **dict.fromkeys(("->",), 1050),
    **dict.fromkeys((",",), 1000),
    **dict.fromkeys(
        ("=", "\\=", "==", "\\==", "<", ">", "=<", ">=", "=:=", "=\\=", "is", "@<", "@>"), 700
    ),
    **dict.fromkeys(("+", "-"), 500),
    **dict.fromkeys(("*", "/", "//", "mod"), 400),
    **dict.fromkeys(("**", "^"), 200),
}


def show(term: Any, names: Callable[[str], str] = str, priority: int = 1200) -> str:
    """Return a term as text; `names` turns an atom into what is shown, a variable is ``_``."""
    term = walk(term)
    if type(term) is Var:
        return "_"
    if term is NIL:
        return "[]"
    if isinstance(term, Quoted):
        return '"' + term.text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(term, str):
        return _atom(names(term))
    if type(term) is not Compound:
        return repr(term)
    if (members := listed(term)) is not None:
        return "[" + ", ".join(show(x, names, 999) for x in members) + "]"
    if term.name in _INFIX and len(term.args) == 2:
        level = _INFIX[term.name]
        left, right = (show(x, names, level - 1) for x in term.args)
        gap = "" if term.name == "," else " "
        text = f"{left}{gap}{term.name} {right}"
        return f"({text})" if level > priority else text
    if term.name in ("\\+", "-") and len(term.args) == 1:
        return f"{term.name} {show(term.args[0], names, 200)}"
    return _atom(term.name) + "(" + ", ".join(show(x, names, 999) for x in term.args) + ")"


def _atom(text: str) -> str:
    if re.fullmatch(r"[a-z][A-Za-z0-9_]*", text):
        return text
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{escaped}'"
