"""What a node of Python's grammar says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from patina_lab.sources.code.found import (
    Definition,
    Import,
    child,
    cut,
    function_data,
    has,
    line,
    named,
    parameters,
    text,
)

if TYPE_CHECKING:
    from tree_sitter import Node

_ENUMS = re.compile(r"(?:^|\W)(?:Int|Str)?(?:Enum|Flag)\b")
_PROTOCOLS = re.compile(r"(?:^|\W)Protocol\b")
_QUOTES = re.compile(r"""^[rRbBuUfF]*(\"{3}|'{3}|"|')|(\"{3}|'{3}|"|')$""")


def _public(name: str) -> bool:
    return not name.startswith("_") or (name.startswith("__") and name.endswith("__"))


def _doc(body: Node | None) -> str:
    first = body.named_child(0) if body is not None and body.named_child_count else None
    if first is not None and first.type == "expression_statement" and first.named_child_count:
        first = first.named_child(0)
    if first is None or first.type != "string":
        return ""
    return cut(_QUOTES.sub("", text(first)))


_COMPOUND = re.compile(r"^block$|_statement$|_clause$|_definition$")


def _line_end(node: Node, body: Node | None) -> int:
    """Return the last line of code: the grammar takes comments below it for a part of it."""
    last = node
    inner = body
    while inner is not None:
        code = [c for c in inner.named_children if c.type != "comment"]
        if not code:
            break
        last = code[-1]
        inner = last if _COMPOUND.search(last.type) else None
    return last.end_point.row + 1


def describe(what: str, node: Node) -> Definition | None:
    """Return what a captured node defines, or None."""
    if what == "type":
        left = line(node.child_by_field_name("left"))
        name = left.split("[")[0]
        # The grammar takes the assignment type(a).b = c for an alias as well.
        alias = Definition("type", name, "alias", _public(name))
        return alias if name.isidentifier() else None
    if what in ("constant", "member"):
        return _assigned(what, node)
    name = named(node, "name")
    if not name:
        return None
    body = node.child_by_field_name("body")
    around, decorators = node.parent, []
    if around is not None and around.type == "decorated_definition":
        decorators = [line(d).removeprefix("@") for d in around.children if d.type == "decorator"]
        around = around.parent
    data: dict[str, Any] = {"decorators": decorators}
    raw = node.text or b""
    if raw[raw.rfind(b"\n") + 1 :].lstrip().startswith(b"#"):
        data["line_end"] = _line_end(node, body)
    if what == "function":
        data = function_data(
            parameters=parameters(node.child_by_field_name("parameters")),
            return_type=named(node, "return_type"),
            is_async=has(node, "async"),
            **data,
        )
        outer = around.parent if around is not None else None
        in_class = outer is not None and outer.type == "class_definition"
        kind = "method" if in_class else "function"
        return Definition("function", name, kind, _public(name), "", body, data, _doc(body))
    bases = parameters(node.child_by_field_name("superclasses"))
    data["bases"] = bases
    said = " ".join(bases)
    type_, kind = "struct", "class"
    if _ENUMS.search(said):
        type_, kind = "enum", "enum"
    elif _PROTOCOLS.search(said):
        type_, kind = "trait", "protocol"
    return Definition(type_, name, kind, _public(name), "", body, data, _doc(body))


def _assigned(what: str, node: Node) -> Definition | None:
    name = named(node, "left")
    annotation = named(node, "type")
    if annotation.rpartition(".")[2] == "TypeAlias":
        return Definition("type", name, "alias", _public(name))
    if what == "member":
        return Definition("member", name, "field", _public(name), data={"type": annotation or None})
    if not name.isupper():
        return None
    return Definition("constant", name, "const", _public(name), data={"type": annotation or None})


def imports(node: Node) -> Iterator[Import]:
    """Yield one import for each module that a statement names."""
    if node.type == "import_statement":
        for each in node.children_by_field_name("name"):
            path, alias = _aliased(each)
            yield Import(path, (), "import", {"alias": alias} if alias else {})
        return
    names = [_aliased(each)[0] for each in node.children_by_field_name("name")]
    if child(node, "wildcard_import") is not None:
        names = ["*"]
    module = "__future__"
    if node.type == "import_from_statement":
        module = text(node.child_by_field_name("module_name")).replace(" ", "")
    if module:
        yield Import(cut(module), tuple(names), "from")


def _aliased(node: Node) -> tuple[str, str]:
    if node.type == "aliased_import":
        return named(node, "name"), named(node, "alias")
    return line(node), ""
