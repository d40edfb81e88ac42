"""The code source: what is read of each language, laws, and an independent reading of Python."""

from __future__ import annotations

import ast
import importlib.util
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patina_lab.events.event import Event
from patina_lab.sources.code import source as source_
from patina_lab.sources.code.languages import LANGUAGES, language_in, version
from patina_lab.sources.code.source import CodeSource
from patina_lab.sources.source import FileSource, Problem, SourceFile

SAMPLES = Path(__file__).parent / "code_samples"
WHEN = datetime(2025, 3, 1, 12, tzinfo=UTC)
SOURCE = CodeSource()

Found = list[Event | Problem]


def read(path: str, content: bytes | str, source: CodeSource = SOURCE) -> Found:
    """Return what a file says."""
    raw = content.encode() if isinstance(content, str) else content
    return list(source.read(SourceFile(path, raw, changed_at=WHEN)))  # type: ignore[arg-type]


def events(path: str, content: bytes | str) -> list[Event]:
    """Return a file's events; it must have no problem."""
    found = read(path, content)
    assert all(isinstance(one, Event) for one in found), found
    return found  # type: ignore[return-value]


def sample(suffix: str) -> list[Event]:
    """Return the events of a language's sample."""
    name = "Sample.java" if suffix == "java" else f"sample.{suffix}"
    return events(name, (SAMPLES / f"{name}.txt").read_bytes())


def said(event: Event) -> str:
    """Return an event in one line: type, lines, name, and what is particular."""
    d = event.data
    short = event.event_type.removeprefix("code.")
    if short == "call":
        before = "" if d["receiver"] is None else f"{d['receiver']}/"
        return f"call {d['line_number']} {d['caller'] or '-'} {before}{d['callee']}"
    if short == "import":
        names = ",".join(d["imported_names"])
        return f"{d['import_kind']} {d['line_number']} {d['import_path']} [{names}]"
    public = "+" if d["is_public"] else "-"
    head = f"{short} {d['line_start']}-{d['line_end']} {public}{d['kind']} {d['qualified_name']}"
    if short == "function":
        flags = "".join(
            f" {flag}"
            for flag in ("is_async", "is_unsafe", "takes_mut_self", "returns_result")
            if d[flag]
        )
        given_ = ", ".join(d["parameters"])
        return f"{head}({given_}) -> {d['return_type']} x{d['complexity']}{flags}"
    if d.get("bases"):
        return f"{head} < {', '.join(d['bases'])}"
    return f"{head}: {d['type']}" if d.get("type") else head


TABLES = {
    name: (SAMPLES / f"{name}.table").read_text().splitlines()
    for name in ("py", "rs", "go", "js", "ts", "java", "c", "cpp")
}


@pytest.mark.parametrize("suffix", TABLES)
def test_every_construct_of_a_language(suffix: str) -> None:
    """A small file with every construct says exactly what its table lists, in that order."""
    found = [said(e) for e in sample(suffix) if e.event_type != "code.symbol"]
    assert found == TABLES[suffix]


@pytest.mark.parametrize("suffix", TABLES)
def test_symbols_repeat_every_definition(suffix: str) -> None:
    """Each definition but members is a code.symbol too, under the same name, with its text."""
    found = sample(suffix)
    symbols = {e.source_id for e in found if e.event_type == "code.symbol"}
    others = {"code.import", "code.call", "code.member", "code.symbol"}
    assert {e.source_id for e in found if e.event_type not in others} <= symbols
    for event in found:
        if event.event_type == "code.symbol" and event.data["kind"] != "file":
            assert event.data["definition"]


def test_documentation_is_found() -> None:
    """A doc string, or the comment above, in each language's marks."""
    for suffix in ("py", "rs", "go", "js", "java", "cpp"):
        (doc,) = [
            e.data["doc"]
            for e in sample(suffix)
            if e.event_type == "code.symbol"
            and e.data["name"] == "Shop"
            and e.data["kind"] in ("class", "struct")
        ]
        assert doc in ("Sells.", "Shop sells."), suffix


def test_payload_of_the_first_scraper() -> None:
    """The keys that the earlier scraper wrote are there, under the same names."""
    rust = (
        "use clap::{Parser, Subcommand};\n"
        "pub struct FunctionFact { a: u8 }\n"
        "pub fn parse_git_log(full: bool) -> Result<Vec<GitCommit>> { todo!() }\n"
    )
    by_id = {(e.event_type, e.source_id): e.data for e in events("src/mod.rs", rust)}
    function = by_id["code.function", "src/mod.rs::parse_git_log"]
    assert {key: function[key] for key in (
        "file", "name", "is_async", "is_public", "is_unsafe", "takes_mut_self", "returns_result",
        "parameters", "return_type",
    )} == {
        "file": "src/mod.rs",
        "name": "parse_git_log",
        "is_async": False,
        "is_public": True,
        "is_unsafe": False,
        "takes_mut_self": False,
        "returns_result": True,
        "parameters": ["full: bool"],
        "return_type": "Result<Vec<GitCommit>>",
    }  # fmt: skip
    struct = by_id["code.struct", "src/mod.rs::FunctionFact"]
    assert struct["kind"] == "struct"
    assert struct["visibility"] == "public"
    assert struct["definition"] == "pub struct FunctionFact { ... }"
    imported = by_id["code.import", "src/mod.rs::clap"]
    assert imported["import_path"] == "clap"
    assert imported["imported_names"] == ["Parser", "Subcommand"]
    assert imported["import_kind"] == "use"
    assert imported["line_number"] == 1


def test_a_repeated_name_gets_its_number() -> None:
    """The second definition of a name is `#2`, in order of position."""
    found = events("a.py", "def f(): pass\ndef f(): pass\nf()\nf()\n")
    ids = [(e.event_type[5:], e.source_id, e.data.get("line_start")) for e in found]
    assert [i for i in ids if i[0] == "function"] == [
        ("function", "a.py::f", 1),
        ("function", "a.py::f#2", 2),
    ]
    assert [i[1] for i in ids if i[0] == "call"] == ["a.py::f", "a.py::f#2"]


@pytest.mark.parametrize(
    ("path", "content", "reason"),
    [
        ("a.py", b"x = 1\n" * 200_000, "too large"),
        ("a.js", b"var a=1;" * 2_000, "minified"),
        ("a.go", b"// Code generated by protoc. DO NOT EDIT.\npackage a\n", "generated"),
        ("a.c", b"int a;\0", "binary"),
        ("a.py", "x = 1\n".encode("utf-16"), "binary"),
        ("a.py", b")))))((((\n", "syntax errors"),
    ],
)
def test_what_is_no_source_text_is_said(path: str, content: bytes, reason: str) -> None:
    """Data, packed and generated code, and what the grammar cannot read have their reason."""
    (problem,) = [one for one in read(path, content) if isinstance(one, Problem)]
    assert problem.reason == reason
    assert problem.source_file == path


def test_a_link_is_not_followed() -> None:
    """A symbolic link's target is read under its own name."""
    (problem,) = SOURCE.read(SourceFile("a.py", b"b.py", is_symlink=True, changed_at=WHEN))
    assert isinstance(problem, Problem)
    assert problem.reason == "symbolic link"


def test_small_errors_are_counted_not_told() -> None:
    """A macro that the grammar does not know is a number in the file's own event."""
    found = events("a.c", "int f(void) { return 1; }\nint g(void) { return 2; }\nOOPS(x) y z;\n")
    assert found[0].data["kind"] == "file"
    assert found[0].data["errors"] == 1
    assert sum(e.event_type == "code.function" for e in found) == 2


@pytest.mark.parametrize("text", ["def f():", "def f():\n}\n", "class A:\n    def f():\nx = 1\n"])
def test_a_function_that_has_no_body_yet(text: str) -> None:
    """A file that is being written is read: the body is there, and nothing is in it."""
    (function,) = [
        e for e in read("a.py", text) if isinstance(e, Event) and e.event_type == "code.function"
    ]
    assert function.data["name"] == "f"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.c", "#if A\nint f(void);\n#endif\nvoid g(void) { int h(void); const int i = 1; }\n"),
        ("a.cpp", "namespace { int f(); }\nvoid g() { int h(); if (1) { const int i = 1; } }\n"),
        (
            "a.go",
            "package a\nvar f = func() { const h = 1 }\nfunc g() { const h = 1; var i int }\n",
        ),
    ],
)
def test_only_the_file_declares(path: str, text: str) -> None:
    """What is declared inside a function is no definition of the file."""
    found = {e.data["name"] for e in events(path, text) if e.event_type == "code.symbol"}
    assert found == {path, "f", "g"}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("template <class T> struct wrap<std::ref<T>> {};", ["wrap"]),
        ("template <class T> struct has<T, void_t<decltype(T::zone)>> { int z; };", ["has"]),
        (
            "template <> struct std::hash<a::B> { int f() { return 1; } };",
            ["std.hash", "std.hash.f"],
        ),
        ("template <bool b> struct K<(b > 1), a::c> {};", ["K"]),
        ("template <class T> void A<std::vector<T>>::f() {}", ["A.f"]),
        ("template <> void g<a::b>(int) {}", ["g<a::b>"]),
        ("bool B::operator<(B o) { return 1; }", ["B.operator<"]),
        ("C& C<int>::operator->() { return *this; }", ["C.operator->"]),
        ("B::operator std::string() const { return s; }", ["B.operator std::string"]),
        ("struct A { operator const X *() { return x; } };", ["A", "A.operator const X *"]),
    ],
)
def test_what_stands_in_a_template_qualifies_nothing(text: str, names: list[str]) -> None:
    """A specialization belongs to its template, not to a half of its arguments."""
    found = [e for e in events("a.cpp", text) if e.event_type in ("code.struct", "code.function")]
    assert sorted(e.data["qualified_name"] for e in found) == sorted(names)
    assert all(e.data["name"] == e.data["qualified_name"].split(".")[-1] for e in found)


def test_an_attribute_of_a_type_is_no_alias() -> None:
    text = "type(app.log)._setup = False\ntype X = int\ntype Y[T] = list[T]\n"
    found = [e.data["name"] for e in events("a.py", text) if e.event_type == "code.type"]
    assert found == ["X", "Y"]


def test_bytes_that_are_no_utf8_are_escaped() -> None:
    """Latin-1 in a name, a comment or a string stops nothing."""
    found = events("a.py", 'def f():\n    "Gr\xfc\xdfe"\n'.encode("latin-1"))
    (symbol,) = [e for e in found if e.event_type == "code.symbol" and e.data["name"] == "f"]
    assert symbol.data["doc"] == "Gr\\xfc\\xdfe"


@pytest.mark.parametrize(
    ("path", "deep"),
    [
        ("a.py", "x = " + "(" * 20_000 + ")" * 20_000 + "\n"),
        ("a.c", "int f() {" + "{" * 20_000 + "}" * 20_000 + "}"),
        ("a.js", "f(" * 20_000 + ")" * 20_000),
        ("a.rs", "mod a {" * 3_000 + "}" * 3_000),
        ("a.rs", "use a::{" * 3_000 + "b" + "}" * 3_000 + ";"),
    ],
)
def test_depth_does_not_matter(path: str, deep: str) -> None:
    """Nesting far beyond Python's recursion limit is read."""
    lines = "\n".join(deep[i : i + 100] for i in range(0, len(deep), 100))
    assert read(path, lines)


@pytest.mark.parametrize(
    ("path", "content", "language"),
    [
        ("a.h", b"struct a { int b; };\n", "c"),
        ("a.h", b"class A {};\n", "cpp"),
        ("a.h", b"  namespace a {}\n", "cpp"),
        ("a.h", b"std::string a;\n", "cpp"),
        ("A.PY", b"", "python"),
        ("a.tsx", b"", "tsx"),
        ("Makefile", b"", None),
        (".py", b"", "python"),
    ],
)
def test_language_by_suffix_and_content(path: str, content: bytes, language: str | None) -> None:
    """A suffix says the language; a header that C cannot hold is C++."""
    found = language_in(path, content)
    assert (found.name if found else None) == language


# -- laws -----------------------------------------------------------------------------------------

FRAGMENTS = st.sampled_from(
    [
        "def f(a):\n  return g(a)\n", "class A(B):\n  x = 1\n", "from . import x\n", "import a.b\n",
        "fn f() -> Result<()> { g()?; }\n", "use a::{b, c::{d, *}};\n", "impl<T> A for B<T> {}\n",
        "func (a *A) F() error { return nil }\n", "type A struct { B; c, d int }\n", "package a\n",
        "export class A { #b = 1; c() { new d.E() } }\n", "require('./a')\n",
        "interface A { b: c }\n",
        "public class A { int a, b; A() { this(1); } }\n", "#define A(b) c\n",
        "typedef struct { int a; } A;\n",
        "template <class T> struct A<T>::B { T c(); };\n", "#include <a>\n", "a->b(c).d();\n",
        "{", "}", "(", ")", "\"", "'", "#", "\\", "\xff", "f#2", "::", "->", "\n",
    ]
)  # fmt: skip
ANYTHING = st.one_of(
    st.binary(max_size=400), st.lists(FRAGMENTS, max_size=12).map("".join).map(str.encode)
)
PATHS = st.sampled_from([f"d/a{suffix}" for lang in LANGUAGES for suffix in lang.suffixes[:1]])


@given(path=PATHS | st.sampled_from(source_.MANIFESTS), content=ANYTHING)
def test_law_anything_is_read(path: str, content: bytes) -> None:
    """Whatever a file holds: no exception, the same twice, ids unique, payloads canonical."""
    found = read(path, content)
    assert found == read(path, content)
    ids = Counter((e.event_type, e.source_id) for e in found if isinstance(e, Event))
    assert set(ids.values()) <= {1}
    for event in found:
        if isinstance(event, Event):
            assert event.timestamp == WHEN
            assert event.source_file == path
            careful = Event(event.event_type, WHEN, event.source_id, event.data, path)
            assert careful.payload == event.payload, "the fast encoder must agree"


def test_control_ids_without_numbers_collide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Known-bad twin: without numbering, two definitions of a name share an id."""
    monkeypatch.setattr(source_, "_numbered", lambda found: found)
    ids = Counter(e.source_id for e in events("a.py", "def f(): pass\ndef f(): pass\n")[1:])
    assert max(ids.values()) > 1


def test_it_is_a_file_source() -> None:
    """The protocol holds, and every grammar of the extra is here."""
    assert isinstance(SOURCE, FileSource)
    assert all(version(language) for language in LANGUAGES)
    assert SOURCE.wants("src/a.rs")
    assert not SOURCE.wants("README.md")
    assert not CodeSource(["src/*"]).wants("lib/a.rs")
    assert CodeSource(["src/*"]).wants("src/deep/a.rs")


def test_a_grammar_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its files are not wanted, and the reason ends in the command that brings it."""
    monkeypatch.setattr(
        source_, "version", lambda language: None if language.name == "rust" else "1"
    )
    source = CodeSource()
    assert not source.wants("a.rs")
    assert source.wants("a.py")
    assert source.skips("a.rs") == (
        "tree-sitter-rust is not installed; pip install 'patina-lab[code]'"
    )
    assert source.skips("a.py") == ""
    assert source.options()["grammars"]["tree-sitter-rust"] is None


# -- another reading of Python --------------------------------------------------------------------


def by_ast(text: str) -> dict[str, Counter[tuple[object, ...]]]:
    """Return what the standard library's parser finds: functions, classes, imports, calls."""
    found: dict[str, Counter[tuple[object, ...]]] = {
        kind: Counter() for kind in ("function", "class", "import", "call")
    }
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            is_async = isinstance(node, ast.AsyncFunctionDef)
            found["function"][node.name, node.lineno, node.end_lineno, is_async] += 1
        elif isinstance(node, ast.ClassDef):
            found["class"][node.name, node.lineno, node.end_lineno] += 1
        elif isinstance(node, ast.Import):
            for alias in node.names:
                found["import"][alias.name, (), node.lineno] += 1
        elif isinstance(node, ast.ImportFrom):
            path = "." * node.level + (node.module or "")
            found["import"][path, tuple(a.name for a in node.names), node.lineno] += 1
        elif isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Name):
                found["call"][called.id, called.lineno] += 1
            elif isinstance(called, ast.Attribute):
                found["call"][called.attr, called.end_lineno] += 1
    return found


def by_us(path: str, content: bytes) -> dict[str, Counter[tuple[object, ...]]]:
    """Return the same of the code source."""
    found: dict[str, Counter[tuple[object, ...]]] = {
        kind: Counter() for kind in ("function", "class", "import", "call")
    }
    for event in events(path, content):
        d = event.data
        if event.event_type == "code.function":
            found["function"][d["name"], d["line_start"], d["line_end"], d["is_async"]] += 1
        elif d.get("kind") in ("class", "enum", "protocol") and event.event_type != "code.symbol":
            found["class"][d["name"], d["line_start"], d["line_end"]] += 1
        elif event.event_type == "code.import":
            names = tuple(d["imported_names"])
            found["import"][d["import_path"], names, d["line_number"]] += 1
        elif event.event_type == "code.call":
            found["call"][d["callee"], d["line_number"]] += 1
    return found


def python_files() -> list[Path]:
    """Return this package's files, and those of a package that others wrote."""
    others = importlib.util.find_spec("click")
    assert others is not None
    assert others.origin is not None
    ours = Path(__file__).parents[2]
    found = [*(ours / "patina_lab").rglob("*.py"), *(ours / "tests").rglob("*.py")]
    return [*sorted(found), *sorted(Path(others.origin).parent.rglob("*.py"))]


@pytest.mark.parametrize("path", python_files(), ids=lambda p: "/".join(p.parts[-2:]))
def test_oracle_pythons_own_parser_agrees(path: Path) -> None:
    """Functions, classes, imports and calls of real files, with their lines, equal `ast`'s."""
    content = path.read_bytes()
    assert by_us(path.name, content) == by_ast(content.decode())


@pytest.mark.parametrize(
    "text", ["a = [*f(x)]", "a = [*o.f(x), 1]", "a = {**f(x)}", "a = {*f(x)}", "f(*g(x), **h(y))"]
)
def test_what_a_star_unpacks_was_called(text: str) -> None:
    assert by_us("a.py", f"{text}\n".encode()) == by_ast(f"{text}\n")


def test_control_the_oracle_sees_a_missing_call() -> None:
    """Known-bad pair of texts: one call less makes a difference."""
    assert by_us("a.py", b"f()\n") != by_ast("f()\nf()\n")
