"""One file's syntax tree as events' payloads.

Queries find the nodes (in C); only these are looked at here, in one sweep by position, so
that neither the depth nor the number of the others matters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any

from patina_lab.sources.code.found import Definition, Reader, comment_before, header, line
from patina_lab.sources.code.languages import Language, tools

if TYPE_CHECKING:
    from tree_sitter import Node

_OTHER = frozenset({"package", "import", "call", "branch", "error"})
_WORD = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:>-"
_POSITION = attrgetter("start_byte", "end_byte")
_WRAPPERS = frozenset(
    (
        *("decorated_definition", "export_statement", "template_declaration"),
        *("lexical_declaration", "type_declaration", "const_declaration"),
    )
)
_LONGEST_RECEIVER = 80
_NO_ARROW = re.compile(rb"(?<!-)>")

Found = tuple[str, str, dict[str, Any]]
"""Event type, the name in the source id, payload."""


@dataclass
class Extracted:
    """What one file says.

    Parameters
    ----------
    events : list of (event type, name, payload)
        In the order: the file, definitions, imports, calls; each by position.
    definitions : int
    errors : int
        Places that the grammar does not understand.
    error_bytes : int
        What they hold together besides definitions, which are found inside them as well.
    first_error : int or None
        Line of the first one, from 1.
    spans : list of (start, end)
        Bytes of the definitions.
    """

    events: list[Found] = field(default_factory=list)
    definitions: int = 0
    errors: int = 0
    error_bytes: int = 0
    first_error: int | None = None
    spans: list[tuple[int, int]] = field(default_factory=list)


def extract(language: Language, path: str, content: bytes) -> Extracted:
    """Return what a file defines, imports and calls.

    Parameters
    ----------
    language : Language
    path : str
        Becomes ``file`` of every payload.
    content : bytes
        Anything; what the grammar does not understand is counted.
    """
    kit = tools(language)
    tree = kit.parser.parse(content)
    root = tree.root_node
    captures = kit.cursor.captures(root)
    made = Extracted()
    errors = captures.get("error", [])
    # A token that is missing is no node of its own.
    made.errors = len(errors) or int(root.has_error)
    made.first_error = min((node.start_point.row + 1 for node in errors), default=None)
    file = whole_file(language, path, content)
    file |= {"package": _package(root, captures.get("package", [])), "errors": made.errors}
    made.events.append(("code.symbol", "", file))
    functions = _definitions(made, kit.reader, language.name, path, content, captures)
    if errors:
        spans = [(node.start_byte, node.end_byte) for node in errors]
        made.error_bytes = _length([*spans, *made.spans]) - _length(made.spans)
    _branches(functions, captures.get("branch", []))
    imports = sorted(captures.get("import", []), key=_position)
    for node in imports:
        row = node.start_point.row + 1
        for found in kit.reader.imports(node):
            data = {
                "file": path,
                "import_path": found.path,
                "imported_names": list(found.names),
                "import_kind": found.kind,
                "line_number": row,
                "language": language.name,
                **found.data,
            }
            made.events.append(("code.import", found.path, data))
    _calls(made, path, language.name, content, functions, captures.get("call", []))
    return made


def whole_file(language: Language | None, path: str, content: bytes) -> dict[str, Any]:
    """Return the payload of a file's own event, before anything is read in it."""
    return {
        "file": path,
        "name": path.rpartition("/")[2],
        "kind": "file",
        "language": None if language is None else language.name,
        "package": None,
        "line_start": 1,
        "line_end": content.count(b"\n") + (not content.endswith(b"\n") and bool(content)),
        "bytes": len(content),
        "errors": 0,
    }


def _package(root: Node, names: list[Node]) -> str | None:
    """Return the package that a file's own clause names."""
    for name in names:
        if name.parent is not None and name.parent.parent == root:
            return "".join(line(name).split()) or None
    return None


def _position(node: Node) -> tuple[int, int]:
    return node.start_byte, -node.end_byte


def _length(spans: list[tuple[int, int]]) -> int:
    """Return how many bytes at least one span holds."""
    total = reached = 0
    for start, end in sorted(spans):
        if end > reached:
            total += end - max(start, reached)
            reached = end
    return total


@dataclass(slots=True)
class _Function:
    start: int
    end: int
    qualified: str
    data: dict[str, Any]


def _definitions(
    made: Extracted,
    reader: Reader,
    language: str,
    path: str,
    content: bytes,
    captures: dict[str, list[Node]],
) -> list[_Function]:
    """Append the definitions' events; return the functions by position."""
    empty = "..." if language == "python" else "{ ... }"
    nodes = [
        (node.start_byte, -node.end_byte, what, node)
        for what, found in captures.items()
        if what not in _OTHER and what[0] != "_"
        for node in found
    ]
    nodes.sort(key=itemgetter(0, 1, 2))
    functions: list[_Function] = []
    around: list[tuple[int, str]] = []  # (end, qualified name)
    for start, minus_end, what, node in nodes:
        while around and around[-1][0] <= start:
            around.pop()
        found = reader.describe(what, node)
        if found is None:
            continue
        parent = around[-1][1] if around else ""
        if found.owner:
            parent = f"{parent}.{found.owner}" if parent else found.owner
        qualified = f"{parent}.{found.name}" if parent else found.name
        around.append((-minus_end, qualified))
        if found.type == "scope":
            continue
        data = _payload(path, language, found, node, parent, qualified)
        shown = found.whole or node
        definition = header(content, shown, found.body, empty)
        if found.type == "function":
            data["complexity"] = 1
            functions.append(_Function(start, -minus_end, qualified, data))
        elif found.type not in ("symbol", "member"):
            data["definition"] = definition
        made.definitions += 1
        made.spans.append((start, -minus_end))
        if found.type != "symbol":
            made.events.append((f"code.{found.type}", qualified, data))
        if found.type != "member":
            made.events.append(("code.symbol", qualified, _symbol(data, found, definition, shown)))
    return functions


def _payload(
    path: str, language: str, found: Definition, node: Node, parent: str, qualified: str
) -> dict[str, Any]:
    data: dict[str, Any] = {
        "file": path,
        "name": found.name,
        "kind": found.kind,
        "is_public": found.public,
        "language": language,
        "parent": parent or None,
        "qualified_name": qualified,
        "line_start": node.start_point.row + 1,
        "line_end": _last_row(node) + 1,
        **found.data,
    }
    if found.type != "function":
        data.setdefault("visibility", "public" if found.public else "private")
    return data


def _last_row(node: Node) -> int:
    """Return the row of a node's last character; C's directives hold their line's end."""
    row, column = node.end_point
    return row - 1 if column == 0 and row > node.start_point.row else row


def _symbol(data: dict[str, Any], found: Definition, definition: str, node: Node) -> dict[str, Any]:
    """Return what search reads: name, signature, documentation."""
    keys = ("file", "name", "language", "parent", "qualified_name", "line_start", "line_end")
    doc = found.doc
    if not doc:
        outer = node.parent
        doc = comment_before(node if outer is None or outer.type not in _WRAPPERS else outer)
    symbol = {key: data[key] for key in keys}
    symbol |= {
        "kind": found.kind,
        "is_public": found.public,
        "definition": definition,
        "doc": doc or None,
    }
    return symbol


def _branches(functions: list[_Function], nodes: list[Node]) -> None:
    """Count each branch for the innermost function around it."""
    starts = sorted([node.start_byte for node in nodes])
    for function in _inside(functions, starts):
        if function is not None:
            function.data["complexity"] += 1


def _inside(functions: list[_Function], starts: list[int]) -> Iterator[_Function | None]:
    """Yield, for each start in order, the innermost function that it stands in."""
    stack: list[_Function] = []
    coming = iter(functions)
    following = next(coming, None)
    for start in starts:
        while following is not None and following.start <= start:
            while stack and stack[-1].end <= following.start:
                stack.pop()
            stack.append(following)
            following = next(coming, None)
        while stack and stack[-1].end <= start:
            stack.pop()
        yield stack[-1] if stack else None


def _calls(
    made: Extracted,
    path: str,
    language: str,
    content: bytes,
    functions: list[_Function],
    nodes: list[Node],
) -> None:
    nodes = sorted(nodes, key=_POSITION)
    append = made.events.append
    starts = [node.start_byte for node in nodes]
    callers = _inside(functions, starts)
    for node, start, caller in zip(nodes, starts, callers, strict=True):
        callee = content[start : node.end_byte].decode("utf-8", "backslashreplace")
        joined = start > 0 and content[start - 1] in b".:>"
        row, column = node.start_point
        data = {
            "file": path,
            "caller": None if caller is None else caller.qualified,
            "callee": callee,
            "receiver": _receiver(content, start) if joined else None,
            "line_number": row + 1,
            "column": column + 1,
            "language": language,
        }
        append(("code.call", callee, data))


def _receiver(content: bytes, start: int) -> str:
    """Return the dotted name before a call's name; ``""`` where it is no plain name."""
    before = content[max(0, start - _LONGEST_RECEIVER) : start]
    other = before.rstrip(_WORD)
    said = before[len(other) :]
    if not other or other[-1] in b")]}\"'?!" or (b">" in said and _NO_ARROW.search(said)):
        return ""
    return said.strip(b".:>-").decode("ascii")
