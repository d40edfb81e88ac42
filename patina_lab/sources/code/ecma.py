"""What a node of the grammars of JavaScript and TypeScript says."""

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
    text,
)

if TYPE_CHECKING:
    from tree_sitter import Node

_FUNCTIONS = ("arrow_function", "function_expression", "generator_function")


def _exported(node: Node) -> bool:
    around: Node | None = node
    for _ in range(3):  # declarator, declaration, export
        around = around.parent if around is not None else None
        if around is not None and around.type == "export_statement":
            return True
    return False


def _reachable(node: Node, name: str) -> bool:
    """Whether a member of a class may be used from outside."""
    said = line(child(node, "accessibility_modifier"))
    return said in ("", "public") and not name.startswith(("#", "_"))


def describe(what: str, node: Node) -> Definition | None:
    """Return what a captured node defines, or None."""
    if what in ("assigned", "pair"):
        return _assigned(what, node)
    if what == "variant":
        name = (named(node, "name") or line(node)).strip("\"'`")
        return Definition("member", name, "variant", data={"type": None}) if name else None
    if what == "namespace":
        name = named(node, "name").strip("\"'`")
        body = node.child_by_field_name("body")
        return Definition("symbol", name, "namespace", body=body) if name else None
    name = (named(node, "name") or named(node, "property")).strip("\"'`")
    if not name:
        return None
    if what == "method":
        return _function(name, node, _method_kind(node), public=_reachable(node, name))
    value = node.child_by_field_name("value")
    makes_function = value is not None and value.type in _FUNCTIONS
    if what == "function":
        maker = value if value is not None and makes_function else node
        return _function(name, maker, "function", public=_exported(node))
    if what == "prototype":
        return Definition("symbol", name, "prototype", _exported(node))
    data: dict[str, Any] = {"type": named(node, "type").removeprefix(":").strip() or None}
    if what == "constant":
        around = node.parent
        if makes_function or (value is not None and value.type == "class"):
            return None
        if around is None or not has(around, "const"):
            return None
        return Definition("constant", name, "const", _exported(node), data=data)
    body = node.child_by_field_name("body")
    if what == "class":
        if value is not None:
            body = value.child_by_field_name("body")
        data = {"bases": _bases(value if value is not None else node)}
        return Definition("struct", name, "class", _exported(node), body=body, data=data)
    if what in ("interface", "enum", "type"):
        type_ = {"interface": "trait"}.get(what, what)
        kind = {"type": "alias"}.get(what, what)
        return Definition(type_, name, kind, _exported(node), body=body)
    if what == "signature":
        data = function_data(
            parameters=parameters(node.child_by_field_name("parameters")),
            return_type=named(node, "return_type").removeprefix(":").strip(),
        )
    kind = "method" if what == "signature" else "field"
    if value is not None and makes_function:
        return _function(name, value, "method", public=_reachable(node, name))
    return Definition("member", name, kind, _reachable(node, name), data=data)


def _bases(node: Node) -> list[str]:
    heritage = child(node, "class_heritage")
    if heritage is None:
        return []
    clauses = [c for c in heritage.named_children if c.type.endswith("_clause")]
    found = [each for c in clauses for each in c.named_children] or heritage.named_children
    return [line(each) for each in found if each.type != "type_arguments"]


def _method_kind(node: Node) -> str:
    for said in ("get", "set"):
        if has(node, said):
            return f"{said}ter"
    return "constructor" if named(node, "name") == "constructor" else "method"


def _assigned(what: str, node: Node) -> Definition | None:
    """Return the function of ``app.use = function () {}`` or ``{use: () => {}}``."""
    left = node.child_by_field_name("left" if what == "assigned" else "key")
    maker = node.child_by_field_name("right" if what == "assigned" else "value")
    if left is None or maker is None:
        return None
    name, owner = line(left, 120).strip("\"'`"), ""
    if left.type == "member_expression":
        owner = line(left.child_by_field_name("object"), 120)
        name = named(left, "property")
    if not name:
        return None
    # module.exports = function () {}: the file's own function.
    exported = f"{owner}.{name}".startswith(("module.exports", "exports."))
    return _function(name, maker, "function", public=exported or what == "assigned", owner=owner)


def _function(name: str, node: Node, kind: str, *, public: bool, owner: str = "") -> Definition:
    given = node.child_by_field_name("parameters")
    alone = node.child_by_field_name("parameter")
    data = function_data(
        parameters=parameters(given) if given is not None else [line(alone)] if alone else [],
        return_type=named(node, "return_type").removeprefix(":").strip(),
        is_async=has(node, "async"),
    )
    body = node.child_by_field_name("body")
    return Definition("function", name, kind, public, owner, body, data)


def imports(node: Node) -> Iterator[Import]:
    """Yield the module that an import, an export from, or a require names."""
    if node.type == "call_expression":
        arguments = node.child_by_field_name("arguments")
        given = arguments.named_children[:1] if arguments is not None else []
        if not given or given[0].type != "string":
            return
        called = node.child_by_field_name("function")
        kind = "require" if text(called) == "require" else "dynamic"
        yield Import(_string(given[0]), (), kind)
        return
    source = node.child_by_field_name("source")
    required = child(node, "import_require_clause")
    if required is not None:
        source = required.child_by_field_name("source")
    if source is None:
        return
    kind = "import" if node.type == "import_statement" else "export"
    data = {"type_only": True} if has(node, "type") else {}
    yield Import(_string(source), tuple(_names(node)), kind, data)


def _names(node: Node) -> Iterator[str]:
    """Yield the names that are taken from the module, as the module calls them."""
    todo = list(node.named_children)
    while todo:
        each = todo.pop(0)
        if each.type in ("import_specifier", "export_specifier"):
            yield named(each, "name")
        elif each.type == "identifier":
            yield "default"
        elif each.type in ("namespace_import", "namespace_export"):
            yield "*"
        elif each.type in ("import_clause", "named_imports", "export_clause"):
            todo = [*each.named_children, *todo]
    if node.type == "export_statement" and has(node, "*"):
        yield "*"


def _string(node: Node) -> str:
    return line(node).strip("\"'`")
