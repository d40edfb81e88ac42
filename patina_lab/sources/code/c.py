"""What a node of the grammars of C and C++ says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from patina_lab.sources.code.found import (
    Definition,
    Import,
    child,
    function_data,
    line,
    named,
    parameters,
    text,
)

if TYPE_CHECKING:
    from tree_sitter import Node

_TYPES = {
    "struct": ("struct", "struct"),
    "union": ("struct", "union"),
    "class": ("struct", "class"),
    "enum": ("enum", "enum"),
}
_SCOPE = re.compile(r"::|[<>()]|->|\boperator\b.*", re.DOTALL)
_FILES = frozenset(("translation_unit", "linkage_specification", "declaration_list"))
_WRAPPED = frozenset(
    ("preproc_if", "preproc_ifdef", "preproc_else", "preproc_elif", "template_declaration")
)


def describe(what: str, node: Node) -> Definition | None:
    """Return what a captured node defines, or None."""
    if what == "function":
        return _function(node)
    if what == "typedef":
        return _typedef(node)
    if what in ("declaration", "field"):
        return _declaration(what, node)
    name = named(node, "name")
    body = node.child_by_field_name("body")
    if what == "namespace":
        # An anonymous namespace gives no name, and its content stays in the file.
        name = name.replace("::", ".")
        return Definition("symbol", name, "namespace", body=body) if name else None
    if not name and what in _TYPES:
        name = _typedef_name(node)
    if not name:
        return None
    if what in _TYPES:
        type_, kind = _TYPES[what]
        owner, name = _owned(name)
        return Definition(type_, name.split("<")[0], kind, _access(node), owner, body)
    if what == "variant":
        return Definition("member", name, "variant", data={"type": None})
    if what == "macro":
        kind = "macro" if node.type == "preproc_function_def" else "define"
        return Definition("constant", name, kind, data={"type": None})
    if what == "concept":
        return Definition("trait", name, "concept")
    return Definition("type", name, "alias", _access(node))


def _owned(name: str) -> tuple[str, str]:
    """Return (owner, name) of a qualified name: ``a.b`` and ``c`` of ``a::b<x::y>::c``.

    What stands in the arguments of a template qualifies nothing.
    """
    cuts, angles, rounds = [0], 0, 0
    for found in _SCOPE.finditer(name):
        said = found.group()
        if said in ("(", ")"):
            rounds += 1 if said == "(" else -1
        elif said in ("<", ">") and not rounds:
            angles += 1 if said == "<" else -1
        elif said == "::" and not rounds and not angles:
            cuts.append(found.end())
    parts = [name[a:b].removesuffix("::") for a, b in pairwise([*cuts, len(name)])]
    return ".".join(part.split("<")[0] for part in parts[:-1] if part), parts[-1]


def _typedef_name(node: Node) -> str:
    """Return ``T`` of ``typedef struct {…} T``."""
    around = node.parent
    if around is None or around.type != "type_definition":
        return ""
    return named(around, "declarator").lstrip("* ")


def _typedef(node: Node) -> Definition | None:
    around = node.parent
    form = around.child_by_field_name("type") if around is not None else None
    name = _declared(node)[0]
    body = form.child_by_field_name("body") if form is not None else None
    if not name or (body is not None and named(form, "name") in ("", name)):
        return None  # the struct itself carries the name
    return Definition("type", name, "typedef", body=body, whole=around)


def _declared(node: Node | None) -> tuple[str, Node | None]:
    """Return (name, function declarator) of a declarator, whatever is wrapped around it."""
    called: Node | None = None
    whole = node
    while node is not None:
        if node.type in ("operator_cast", "qualified_identifier"):
            cast = _cast(node)
            if cast is not None and whole is not None:
                said = (whole.text or b"")[: cast.start_byte - whole.start_byte]
                return " ".join(said.decode("utf-8", "backslashreplace").split()), cast
        if node.type == "function_declarator":
            called = called or node
        inner = node.child_by_field_name("declarator")
        if inner is None and node.type in ("parenthesized_declarator", "reference_declarator"):
            inner = node.named_children[-1] if node.named_child_count else None
        if inner is None:
            break
        node = inner
    name = line(node)
    if node is not None and node.type not in _NAMES:
        name = ""
    return name, called


def _cast(node: Node | None) -> Node | None:
    """Return the declarator of ``operator T()``, also of ``A::operator T()``."""
    while node is not None and node.type == "qualified_identifier":
        node = node.child_by_field_name("name")
    if node is None or node.type != "operator_cast":
        return None
    while node is not None and node.type != "abstract_function_declarator":
        node = node.child_by_field_name("declarator")
    return node


_NAMES = (
    *("identifier", "field_identifier", "type_identifier", "qualified_identifier"),
    *("destructor_name", "operator_name", "operator_cast", "template_function", "primitive_type"),
)


def _is_pointer(called: Node) -> bool:
    """Whether ``(*name)(…)`` is meant: a variable that holds a function."""
    inner = called.child_by_field_name("declarator")
    return inner is not None and inner.type == "parenthesized_declarator"


def _storage(node: Node) -> list[str]:
    return [line(c) for c in node.children if c.type.endswith(("_specifier", "_qualifier"))]


def _access(node: Node) -> bool:
    """Whether a member's access specifier, or the default of what it stands in, is public."""
    around = node.parent
    while around is not None and around.type in _WRAPPED:
        node, around = around, around.parent
    if around is None or around.type != "field_declaration_list":
        return True
    before = node.prev_sibling
    while before is not None:
        if before.type == "access_specifier":
            return text(before).startswith("public")
        before = before.prev_sibling
    return around.parent is None or around.parent.type != "class_specifier"


def _function(node: Node) -> Definition | None:
    name, called = _declared(node.child_by_field_name("declarator"))
    if not name or called is None:
        return None
    owner, last = _owned(name)
    inside = node.parent is not None and _in_type(node)
    data = _function_data(node, called)
    public = "static" not in _storage(node) if not inside else _access(node)
    kind = "method" if inside or owner else "function"
    body = node.child_by_field_name("body")
    return Definition("function", last, kind, public, owner, body, data)


def _in_type(node: Node) -> bool:
    around = node.parent
    while around is not None and around.type in _WRAPPED:
        around = around.parent
    return around is not None and around.type == "field_declaration_list"


def _function_data(node: Node, called: Node) -> dict[str, Any]:
    """Return what is said of a function by its type, and by what is around its name."""
    returns = line(child(called, "trailing_return_type")).removeprefix("->").strip()
    if not returns:
        returns = named(node, "type") + _indirection(node.child_by_field_name("declarator"))
    return function_data(
        parameters=parameters(called.child_by_field_name("parameters")), return_type=returns
    )


def _indirection(node: Node | None) -> str:
    said = ""
    while node is not None and node.type in ("pointer_declarator", "reference_declarator"):
        said += "*" if node.type == "pointer_declarator" else "&"
        node = node.child_by_field_name("declarator") or node.named_children[-1]
    return f" {said}" if said else ""


def _declaration(what: str, node: Node) -> Definition | None:
    """Return the field, prototype or constant that a declarator makes."""
    whole = node.parent
    if whole is None or (what == "declaration" and not _at_top(whole)):
        return None
    name, called = _declared(node)
    if not name:
        return None
    data: dict[str, Any] = {"type": named(whole, "type") or None}
    is_function = called is not None and not _is_pointer(called)
    if what == "field":
        if called is not None and is_function:
            data = _function_data(whole, called)
        kind = "method" if is_function else "field"
        return Definition("member", name, kind, _access(whole), data=data)
    storage = _storage(whole)
    public = "static" not in storage
    if is_function:
        return Definition("symbol", name, "prototype", public, whole=whole)
    if {"const", "constexpr", "constinit"} & set(storage) and node.type == "init_declarator":
        return Definition("constant", name, "const", public, data=data, whole=whole)
    return None


def _at_top(node: Node) -> bool:
    around = node.parent
    while around is not None and around.type in _WRAPPED:
        around = around.parent
    return around is not None and around.type in _FILES


def imports(node: Node) -> Iterator[Import]:
    """Yield the file that an include names."""
    said = named(node, "path")
    if said[:1] in ('"', "<") and len(said) > 2:
        yield Import(said[1:-1], (), "include", {"system": said[0] == "<"})
