"""What a node of Rust's grammar says."""

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

_RESULT = re.compile(r"(?:^|\W)\w*Result\b")
_MUT_SELF = re.compile(r"^&\s*(?:'\w+\s+)?mut\s+self\b|^mut\s+self\b")
_PLAIN = {
    "struct": ("struct", "struct"),
    "union": ("struct", "union"),
    "enum": ("enum", "enum"),
    "trait": ("trait", "trait"),
    "module": ("symbol", "module"),
}


def _visibility(node: Node) -> str:
    said = line(child(node, "visibility_modifier"))
    return {"pub": "public", "": "private"}.get(said, said)


def describe(what: str, node: Node) -> Definition | None:
    """Return what a captured node defines, or None."""
    if what == "impl":
        # impl<T> Display for Foo<T>: what is inside belongs to Foo.
        name = named(node, "type").lstrip("&").split("<")[0].rpartition("::")[2].strip()
        return Definition("scope", name, "impl") if name else None
    name = named(node, "name")
    if not name:
        return None
    seen = _visibility(node)
    data: dict[str, Any] = {"visibility": seen}
    public = seen == "public" or _in_trait(node)
    body = node.child_by_field_name("body")
    if what in _PLAIN:
        type_, kind = _PLAIN[what]
        return Definition(type_, name, kind, public, "", body, data)
    if what in ("function", "signature"):
        return _function(what, name, node, public=public)
    if what == "type":
        return Definition("type", name, "alias", public, data=data)
    if what == "macro":
        exported = "macro_export" in line(node.prev_sibling)
        return Definition("constant", name, "macro", exported, body=child(node, "{", "(", "["))
    if what == "constant":
        data["type"] = named(node, "type") or None
        return Definition("constant", name, node.type.removesuffix("_item"), public, data=data)
    if what == "variant":
        return Definition("member", name, "variant", data={"type": None})
    data["type"] = named(node, "type") or None
    return Definition("member", name, "field", public, data=data)


def _function(what: str, name: str, node: Node, *, public: bool) -> Definition:
    params = parameters(node.child_by_field_name("parameters"))
    modifiers = text(child(node, "function_modifiers")).split()
    returns = named(node, "return_type")
    takes_self = bool(params) and re.search(r"\bself\b", params[0]) is not None
    data = function_data(
        parameters=params,
        return_type=returns,
        is_async="async" in modifiers,
        is_unsafe="unsafe" in modifiers,
        takes_mut_self=bool(params) and _MUT_SELF.search(params[0]) is not None,
        returns_result=_RESULT.search(returns) is not None,
    )
    kind = "method" if takes_self else "function"
    if what == "signature":
        return Definition("member", name, "method", public, data=data)
    return Definition("function", name, kind, public, "", node.child_by_field_name("body"), data)


def _in_trait(node: Node) -> bool:
    around = node.parent.parent if node.parent is not None else None
    return around is not None and (
        around.type == "trait_item" or (around.type == "impl_item" and has(around, "for"))
    )


def imports(node: Node) -> Iterator[Import]:
    """Yield one import for each path before braces."""
    inside = _modules_around(node)
    data: dict[str, Any] = {"inside": inside} if inside else {}
    if node.type == "mod_item":
        yield Import(named(node, "name"), (), "mod", data)
    elif node.type == "extern_crate_declaration":
        yield Import(named(node, "name"), (), "extern crate")
    else:
        if _visibility(node) == "public":
            data["is_public"] = True
        for path, names in _used(node.child_by_field_name("argument")):
            yield Import(cut(path), names, "use", data)


def _modules_around(node: Node) -> str:
    """Return the inline modules that a node stands in: ``self`` and ``super`` begin there."""
    names = []
    around = node.parent
    while around is not None:
        if around.type == "mod_item":
            names.append(named(around, "name"))
        around = around.parent
    return "::".join(reversed(names))


def _used(argument: Node | None) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield (path, names) for each level of braces, outer ones first."""
    todo = [("", argument)]
    while todo:
        before, node = todo.pop(0)
        if node is None:
            continue
        if node.type == "use_list":
            path, leaves = before, list(node.named_children)
        elif node.type == "scoped_use_list":
            path = _join(before, _path(node.child_by_field_name("path")))
            inner = node.child_by_field_name("list")
            leaves = list(inner.named_children) if inner is not None else []
        else:
            path, name = _leaf(node)
            yield _join(before, path), (name,) if name else ()
            continue
        names = []
        for leaf in leaves:
            if leaf.type in ("scoped_use_list", "use_list") or "::" in text(leaf):
                todo.append((path, leaf))
            elif "comment" not in leaf.type:
                names.append(_leaf(leaf)[1] or _leaf(leaf)[0])
        if names:
            yield path, tuple(names)


def _leaf(node: Node) -> tuple[str, str]:
    """Return (path, name) of one name of a ``use``; the name before ``as``."""
    if node.type == "use_as_clause":
        inner = node.child_by_field_name("path")
        return _leaf(inner) if inner is not None else ("", "")
    if node.type == "use_wildcard":
        return _path(node.named_children[0] if node.named_child_count else None), "*"
    said = _path(node)
    path, _, name = said.rpartition("::")
    return (path, name) if path else (name, "")


def _path(node: Node | None) -> str:
    return "".join(text(node).split()).removeprefix("::")


def _join(*parts: str) -> str:
    return "::".join(part for part in parts if part)
