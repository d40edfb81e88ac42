"""What a language's reader says of a node: frozen values, and the texts they are made of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from tree_sitter import Node

LONGEST = 300
"""Characters of a definition or a documentation that an event keeps."""

_BETWEEN = ("attribute_item", "decorator")
"""What may stand between a comment and what it is about."""

_OPENS = re.compile(r"\s*(?:/\*+!?|\*/|\*(?!/)|//[/!]?|#+|--)")


class Definition(NamedTuple):
    """One thing that a file defines.

    Parameters
    ----------
    type : str
        Of the event, without ``code.``: function, struct, enum, trait, type, constant,
        member, symbol; or ``scope`` for what merely gives a name to what is inside.
    name : str
    kind : str
        What the language calls it: method, class, union, record, macro, field …
    public : bool
        Whether other files may use it.
    owner : str
        What it belongs to where that is not around it: Go's receiver, ``A`` of ``A::f``.
    body : Node or None
        Left out of the definition's text.
    data : mapping
        What else the payload holds.
    whole : Node or None
        What it is a part of, whose text and comment are the definition's.
    doc : str
        Documentation, where it does not stand in a comment before the node.
    """

    type: str
    name: str
    kind: str
    public: bool = True
    owner: str = ""
    body: Node | None = None
    data: Mapping[str, Any] = {}
    doc: str = ""
    whole: Node | None = None


class Import(NamedTuple):
    """One import: what it names, as the language writes it."""

    path: str
    names: tuple[str, ...] = ()
    kind: str = "import"
    data: Mapping[str, Any] = {}


class Reader(Protocol):
    """What a language's module offers."""

    def describe(self, what: str, node: Node) -> Definition | None:
        """Return what a captured node defines, or None if it defines nothing."""

    def imports(self, node: Node) -> Iterator[Import]:
        """Yield the imports of a captured node."""


def text(node: Node | None) -> str:
    """Return a node's text; bytes that are no UTF-8 are written as escapes."""
    raw = None if node is None else node.text
    return "" if raw is None else raw.decode("utf-8", "backslashreplace")


def line(node: Node | None, longest: int = LONGEST) -> str:
    """Return a node's text on one line, cut where it is long."""
    raw = None if node is None else node.text
    return "" if raw is None else shown(raw, longest)


def shown(raw: bytes, longest: int = LONGEST) -> str:
    """Return bytes as text on one line, cut where it is long."""
    # A character has four bytes at most: what is beyond them is never shown.
    return cut(raw[: longest * 4 + 64].decode("utf-8", "backslashreplace"), longest)


def header(content: bytes, node: Node, body: Node | None, empty: str = "{ ... }") -> str:
    """Return a definition's text without its body."""
    if body is None:
        return line(node)
    return f"{shown(content[node.start_byte : body.start_byte])} {empty}"


def named(node: Node | None, field_name: str) -> str:
    """Return the text of a node's field, ``""`` where there is none."""
    return line(node.child_by_field_name(field_name)) if node is not None else ""


def parameters(node: Node | None) -> list[str]:
    """Return each parameter of a list of them, as it is written."""
    if node is None:
        return []
    return [line(child) for child in node.named_children if "comment" not in child.type]


def has(node: Node, *kinds: str) -> bool:
    """Whether one of the children is of one of these kinds."""
    return child(node, *kinds) is not None


def child(node: Node, *kinds: str) -> Node | None:
    """Return the first child of one of these kinds."""
    for each in node.children:
        if each.type in kinds:
            return each
    return None


def comment_before(node: Node) -> str:
    """Return the comment that ends on the line above a node, without its markers."""
    lines: list[str] = []
    above, row = node.prev_sibling, node.start_point.row
    while above is not None and len(lines) < 20:
        kind = above.type
        if "comment" in kind:
            end, column = above.end_point
            if not row - 1 <= (end if column else end - 1) <= row:
                break
            lines[:0] = map(_bare, text(above).splitlines())
        elif kind not in _BETWEEN:
            break
        row = above.start_point.row
        above = above.prev_sibling
    return cut(" ".join(part for part in lines if part))


def _bare(said: str) -> str:
    """Return a line of a comment without its markers."""
    opening = _OPENS.match(said)
    said = (said[opening.end() :] if opening else said).strip()
    return said[:-1].rstrip("*").rstrip() if said.endswith("*/") else said


def cut(said: str, longest: int = LONGEST) -> str:
    """Return a text on one line that is no longer than `longest`."""
    said = " ".join(said.split())
    return said if len(said) <= longest else said[: longest - 1] + "…"


def function_data(
    *,
    parameters: list[str],
    return_type: str,
    is_async: bool = False,
    is_unsafe: bool = False,
    takes_mut_self: bool = False,
    returns_result: bool = False,
    **more: Any,
) -> dict[str, Any]:
    """Return the keys that the payload of every function has."""
    return {
        "is_async": is_async,
        "is_unsafe": is_unsafe,
        "takes_mut_self": takes_mut_self,
        "returns_result": returns_result,
        "parameters": parameters,
        "return_type": return_type or None,
        **more,
    }
