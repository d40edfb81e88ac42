"""What a node of Java's grammar says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from patina_lab.sources.code.found import (
    Definition,
    Import,
    child,
    function_data,
    has,
    line,
    named,
    parameters,
)

if TYPE_CHECKING:
    from tree_sitter import Node

_TYPES = {
    "class": ("struct", "class"),
    "record": ("struct", "record"),
    "enum": ("enum", "enum"),
    "interface": ("trait", "interface"),
    "annotation": ("trait", "annotation"),
}
_INTERFACES = ("interface_body", "annotation_type_body")


def _modifiers(node: Node) -> list[str]:
    said = child(node, "modifiers")
    return [each.type for each in said.children] if said is not None else []


def _visibility(node: Node) -> str:
    modifiers = _modifiers(node)
    for said in ("public", "protected", "private"):
        if said in modifiers:
            return said
    inside = node.parent is not None and node.parent.type in _INTERFACES
    return "public" if inside else "package"


def describe(what: str, node: Node) -> Definition | None:
    """Return what a captured node defines, or None."""
    name = named(node, "name")
    if not name:
        return None
    if what == "variant":
        return Definition("member", name, "variant", data={"type": None})
    declaration = node.parent if what == "field" else node
    assert declaration is not None
    seen = _visibility(declaration)
    public = seen == "public"
    body = node.child_by_field_name("body")
    data: dict[str, Any] = {"visibility": seen}
    if what in _TYPES:
        type_, kind = _TYPES[what]
        data["bases"] = _bases(node)
        return Definition(type_, name, kind, public, "", body, data)
    if what == "field":
        data["type"] = named(declaration, "type") or None
        fixed = declaration.type == "constant_declaration" or {"static", "final"} <= set(
            _modifiers(declaration)
        )
        type_, kind = ("constant", "const") if fixed else ("member", "field")
        return Definition(type_, name, kind, public, data=data, whole=declaration)
    data |= function_data(
        parameters=parameters(node.child_by_field_name("parameters")),
        return_type=named(node, "type"),
        throws=line(child(node, "throws")).removeprefix("throws").strip() or None,
    )
    if what == "method" and body is None and not has(node, "block"):
        return Definition("member", name, "method", public, data=data)
    return Definition("function", name, what, public, "", body, data)


def _bases(node: Node) -> list[str]:
    kinds = ("superclass", "super_interfaces", "extends_interfaces")
    found = [each for c in node.children if c.type in kinds for each in c.named_children]
    lists = [inner for each in found if each.type == "type_list" for inner in each.named_children]
    return [line(each) for each in found if each.type != "type_list"] + [line(e) for e in lists]


def imports(node: Node) -> Iterator[Import]:
    """Yield what an import declaration names."""
    what = child(node, "scoped_identifier", "identifier")
    path = "".join(line(what).split())
    if not path:
        return
    kind = "static" if has(node, "static") else "import"
    name = "*" if has(node, "asterisk") else path.rpartition(".")[2]
    yield Import(path, (name,), kind)
