"""The code source: the files of a commit's tree as ``code.*`` events.

::

    code.function    a function or method with a body; its cyclomatic complexity
    code.struct      struct, class, union, record
    code.enum        code.trait (interfaces, protocols)       code.type (aliases)
    code.member      field, variant, method without a body    code.constant (macros too)
    code.import      code.call
    code.symbol      every definition once more, for search: signature and documentation;
                     besides, each file (kind ``file``) and each manifest of a package

A `source_id` is ``path::qualified.name``, unique among the events of its type: the second
of a name in a file is ``path::name#2``, by position.  The event's time is that of the
file: see `patina_lab.sources.source.SourceFile`.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from patina_lab.events.event import Event
from patina_lab.sources.code.extract import Extracted, Found, extract, whole_file
from patina_lab.sources.code.languages import (
    LANGUAGES,
    language_in,
    language_of,
    needed,
    version,
)
from patina_lab.sources.source import Coverage, Problem, SourceFile

MAX_BYTES = 1_000_000
"""A larger file is data that somebody keeps as source text."""

LONG_LINES = 400
"""Mean bytes of a line above which a file was not written by a person."""

TOO_WRONG = 0.25
"""Share of a file that its grammar does not understand, definitions in it apart."""

MANIFESTS = ("go.mod", "Cargo.toml", "package.json")

_GENERATED = re.compile(
    rb"^[ \t]*(?://|/?\*|#|--)[^\n]*(?:@generated\b|\bcode generated\b[^\n]*\bdo not edit\b"
    rb"|\bauto(?:matically|-)?[ ]?generated\b[^\n]*\bdo not\b)",
    re.IGNORECASE | re.MULTILINE,
)
_GO_MODULE = re.compile(rb"^\s*module\s+\"?([^\s\"]+)", re.MULTILINE)


class CodeSource:
    """Reads source files by their grammars.

    Parameters
    ----------
    globs : sequence of str
        Paths that are read, ``*`` also crosses ``/``; all of them by default.
    """

    name = "code"
    version = 2
    needs_time = True

    def __init__(self, globs: Sequence[str] = ("*",)) -> None:
        self.globs = tuple(globs)
        self._versions = {language: version(language) for language in LANGUAGES}

    def options(self) -> Mapping[str, Any]:
        """Return what is read, and which grammars read it: another version, another log."""
        wheels = {lang.wheel: found for lang, found in self._versions.items()}
        return {"globs": list(self.globs), "grammars": wheels}

    def wants(self, path: str) -> bool:
        """Whether `path` is a source file of a language whose grammar is installed."""
        return self._chosen(path) and not self._lacks(path)

    def skips(self, path: str) -> str:
        """Return why a file that is asked for cannot be read; ``""`` where it can."""
        return self._lacks(path) if self._chosen(path) else ""

    def _chosen(self, path: str) -> bool:
        base = path.rpartition("/")[2]
        if base not in MANIFESTS and language_of(path) is None:
            return False
        return any(fnmatchcase(path, glob) for glob in self.globs)

    def _lacks(self, path: str) -> str:
        language = language_of(path)
        if language is None:
            return ""
        lacking = [other.wheel for other in needed(language) if self._versions[other] is None]
        if not lacking:
            return ""
        return f"{' and '.join(lacking)} is not installed; pip install 'patina-lab[code]'"

    def read(self, file: SourceFile) -> Iterator[Event | Problem | Coverage]:
        """Yield what the file defines, imports and calls, or why it is not read."""
        content = file.content.removeprefix(b"\xef\xbb\xbf")
        language = language_in(file.path, content)
        refused = _refused(file)
        if refused:
            yield Problem(self.name, *refused, source_file=file.path)
            if file.is_symlink or language is None:
                return
            # Not looked into, and still a file that others import.
            data = whole_file(language, file.path, content) | {"skipped": refused[0]}
            made = Extracted([("code.symbol", "", data)])
        elif language is None:
            made = Extracted(_manifest(file.path, content))
        else:
            made = extract(language, file.path, content)
            if made.errors and _is_wrong(made, content):
                share = made.error_bytes / len(content)
                yield Problem(
                    self.name,
                    "syntax errors",
                    f"{made.errors} places, {share:.0%} of the file, are no {language.name} that "
                    f"the grammar knows; {made.definitions} definitions were read.",
                    source_file=file.path,
                    line=made.first_error,
                )
        when = file.changed_at
        if when is None:
            raise ValueError("code has the time of its file, and none was given")
        for event_type, name, data in _numbered(made.events):
            source_id = f"{file.path}::{name}" if name else file.path
            yield Event(event_type, when, source_id, data, file.path, plain=True)


def _numbered(events: Iterable[Found]) -> Iterator[Found]:
    """Yield the events with names that are unique among the events of their type."""
    last: dict[tuple[str, str], int] = {}  # of each name that is used
    for event_type, name, data in events:
        key = given = event_type, name
        if key in last:
            n = last[given]
            # A file may well define something that is called `f#2` itself.
            while key in last:
                n += 1
                key = event_type, f"{name}#{n}"
            last[given] = n
        last[key] = 1
        yield *key, data


def _refused(file: SourceFile) -> tuple[str, str] | None:
    """Return (reason, detail) for a file that is no source text a person wrote."""
    content = file.content
    if file.is_symlink:
        return "symbolic link", "What it leads to is read under its own name."
    if len(content) > MAX_BYTES:
        return "too large", f"{len(content):,} bytes are more than {MAX_BYTES:,}."
    if b"\0" in content:
        return "binary", "There is a NUL in the file: it is no text, or UTF-16."
    if len(content) > 5_000 and len(content) / (content.count(b"\n") + 1) > LONG_LINES:
        return "minified", f"Its lines have more than {LONG_LINES} bytes on average."
    head = content[:2_000]
    found = _GENERATED.search(head) if b"generated" in head.lower() else None
    if found:
        said = found.group().decode("utf-8", "backslashreplace")[:80]
        return "generated", f"The file says so: {said!r}."
    return None


def _is_wrong(made: Extracted, content: bytes) -> bool:
    """Whether so little was understood that the reader has to know.

    Macros, new syntax and dialects leave small errors in many good files; those are
    counted in the file's own event (``errors``).
    """
    return made.definitions == 0 or made.error_bytes > TOO_WRONG * len(content)


def _manifest(path: str, content: bytes) -> list[tuple[str, str, dict[str, Any]]]:
    """Return the package that a manifest names; nothing where it names none."""
    base = path.rpartition("/")[2]
    name: Any = None
    try:
        if base == "go.mod":
            found = _GO_MODULE.search(content)
            name = found.group(1).decode("utf-8", "backslashreplace") if found else None
        elif base == "Cargo.toml":
            name = tomllib.loads(content.decode()).get("package", {}).get("name")
        else:
            name = json.loads(content).get("name")
    except (ValueError, AttributeError, RecursionError):
        return []
    if not isinstance(name, str) or not name or not name.isprintable():
        return []
    kind = {"go.mod": "go", "Cargo.toml": "rust"}.get(base, "javascript")
    data = whole_file(None, path, content)
    data |= {"kind": "manifest", "language": kind, "package": name}
    return [("code.symbol", "", data)]
