"""The languages: which suffix, which grammar wheel, which queries, which reader."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.resources
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, cast

from patina_lab.sources.code.found import Reader

if TYPE_CHECKING:
    import tree_sitter


@dataclass(frozen=True)
class Language:
    """One language that can be read.

    Parameters
    ----------
    name : str
    suffixes : tuple of str
    wheel : str
        The distribution that carries the grammar, on PyPI.
    queries : tuple of str
        Query files beside this module, read as one.
    reader : str
        Module beside this one.
    factory : str
        The wheel's function that gives the grammar.
    """

    name: str
    suffixes: tuple[str, ...]
    wheel: str
    queries: tuple[str, ...]
    reader: str
    factory: str = "language"


_JS = ("ecma.scm", "javascript.scm")
_TS = ("ecma.scm", "typescript.scm")
_CPP = (".cc", ".cpp", ".cxx", ".c++", ".hh", ".hpp", ".hxx", ".h++", ".ipp", ".tpp", ".inl")

LANGUAGES = (
    Language("c", (".c", ".h"), "tree-sitter-c", ("c.scm",), "c"),
    Language("cpp", _CPP, "tree-sitter-cpp", ("c.scm", "cpp.scm"), "c"),
    Language("go", (".go",), "tree-sitter-go", ("go.scm",), "go"),
    Language("java", (".java",), "tree-sitter-java", ("java.scm",), "java"),
    Language("javascript", (".js", ".jsx", ".mjs", ".cjs"), "tree-sitter-javascript", _JS, "ecma"),
    Language("python", (".py", ".pyi"), "tree-sitter-python", ("python.scm",), "python"),
    Language("rust", (".rs",), "tree-sitter-rust", ("rust.scm",), "rust"),
    Language("tsx", (".tsx",), "tree-sitter-typescript", _TS, "ecma", "language_tsx"),
    Language(
        "typescript",
        (".ts", ".mts", ".cts"),
        "tree-sitter-typescript",
        _TS,
        "ecma",
        "language_typescript",
    ),
)

BY_NAME = {language.name: language for language in LANGUAGES}
_BY_SUFFIX = {suffix: language for language in LANGUAGES for suffix in language.suffixes}

_NOT_C = re.compile(
    rb"^[ \t]*(?:(?:class|namespace|template|using)\b|(?:public|private|protected):)"
    rb"|\w::\w|\bconstexpr\b",
    re.MULTILINE,
)


def language_of(path: str) -> Language | None:
    """Return the language that a path's suffix says.

    Examples
    --------
    >>> language_of("src/main.rs").name
    'rust'
    """
    _, dot, suffix = path.rpartition("/")[2].rpartition(".")
    return _BY_SUFFIX.get("." + suffix.lower()) if dot else None


def language_in(path: str, content: bytes) -> Language | None:
    """Return the language of a file; a ``.h`` that C cannot hold is C++."""
    language = language_of(path)
    if language is not None and path.endswith((".h", ".H")) and _NOT_C.search(content):
        return BY_NAME["cpp"]
    return language


def needed(language: Language) -> tuple[Language, ...]:
    """Return the languages whose grammars files of a language's suffixes may need."""
    return (language, BY_NAME["cpp"]) if language.name == "c" else (language,)


@dataclass(frozen=True)
class Tools:
    """What reads one language: a parser, its queries, the reader."""

    parser: tree_sitter.Parser
    cursor: tree_sitter.QueryCursor
    reader: Reader


@cache
def version(language: Language) -> str | None:
    """Return the version of a language's grammar wheel; None where it is not installed."""
    try:
        importlib.import_module("tree_sitter")
        importlib.import_module(language.wheel.replace("-", "_"))
        return importlib.metadata.version(language.wheel)
    except ImportError:
        return None


@cache
def tools(language: Language) -> Tools:
    """Return what reads a language; made once a process."""
    import tree_sitter as ts

    grammar_module = importlib.import_module(language.wheel.replace("-", "_"))
    grammar = ts.Language(getattr(grammar_module, language.factory)())
    here = importlib.resources.files("patina_lab.sources.code")
    query = "\n".join(here.joinpath(name).read_text() for name in language.queries)
    reader = importlib.import_module(f"patina_lab.sources.code.{language.reader}")
    return Tools(ts.Parser(grammar), ts.QueryCursor(ts.Query(grammar, query)), cast(Reader, reader))
