"""What a node of Go's grammar says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from patina_lab.sources.code.found import (
    Definition,
    Import,
    child,
    function_data,
    line,
    named,
    parameters,
)

if TYPE_CHECKING:
    from tree_sitter import Node

_RECEIVER = re.compile(r"([^\W\d]\w*)\s*(?:\[[^\]]*\])?\s*\)?\s*$")
_DECLARING = frozenset(
    (
        "identifier",
        "const_spec",
        "const_declaration",
        "var_spec",
        "var_spec_list",
        "var_declaration",
    )
)
_FAILS = re.compile(r"\berror\)?$")


def describe(what: str, node: Node) -> Definition | None:
    """Return what a captured node defines, or None."""
    if what == "embedded":
        return _embedded(node)
    if what in ("constant", "variable") and not _at_top(node):
        return None
    alone = what in ("constant", "variable", "field")  # a name, in what declares it
    name = line(node) if alone else named(node, "name")
    if not name:
        return None
    public = name[0].isupper()
    if what in ("function", "signature"):
        return _function(what, name, node, public=public)
    if what == "type":
        form = node.child_by_field_name("type")
        kinds = {"struct_type": ("struct", "struct"), "interface_type": ("trait", "interface")}
        type_, kind = kinds.get(form.type if form is not None else "", ("type", "alias"))
        if type_ == "type":
            kind = "alias" if node.type == "type_alias" else "type"
        return Definition(type_, name, kind, public, body=_body(form))
    kind = {"constant": "const", "variable": "var", "field": "field"}[what]
    data = {"type": named(node.parent, "type") or None}
    type_ = "member" if what == "field" else "constant"
    return Definition(type_, name, kind, public, data=data, whole=node.parent)


def _at_top(node: Node | None) -> bool:
    """Whether a name is declared by the file, not inside a function."""
    while node is not None and node.type in _DECLARING:
        node = node.parent
    return node is not None and node.type == "source_file"


def _embedded(node: Node) -> Definition | None:
    said = named(node, "type")
    name = said.lstrip("*").split("[")[0].rpartition(".")[2]
    if not name:
        return None
    return Definition("member", name, "embedded", name[0].isupper(), data={"type": said})


def _body(form: Node | None) -> Node | None:
    if form is None or form.type not in ("struct_type", "interface_type"):
        return None
    return child(form, "field_declaration_list", "{")


def _function(what: str, name: str, node: Node, *, public: bool) -> Definition:
    returns = named(node, "result")
    receiver = named(node, "receiver")
    found = _RECEIVER.search(receiver)
    owner = found.group(1) if found else ""
    data = function_data(
        parameters=parameters(node.child_by_field_name("parameters")),
        return_type=returns,
        takes_mut_self="*" in receiver,
        returns_result=_FAILS.search(returns) is not None,
    )
    if what == "signature":
        return Definition("member", name, "method", public, data=data)
    kind = "method" if receiver else "function"
    return Definition("function", name, kind, public, owner, node.child_by_field_name("body"), data)


def imports(node: Node) -> Iterator[Import]:
    """Yield the package that one line of an import names."""
    path = named(node, "path").strip('"`')
    alias = named(node, "name")
    if path:
        yield Import(path, (), "import", {"alias": alias} if alias else {})
