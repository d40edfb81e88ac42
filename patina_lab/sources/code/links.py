"""Which files of a tree an import may mean, the most likely first.

It is decided in two steps, because a slice of the log may hold fewer files than the tree.
Here, with the whole tree, all candidates that exist are listed; the relation
``import_edges`` takes, of those in the slice, the first.  What no rule below finds (the
standard library, other packages, a search path that the build system sets) has no link.
"""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

_PYTHON = (".py", "/__init__.py", ".pyi", "/__init__.pyi")
_ECMA = (".ts", ".tsx", ".d.ts", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs")
_ECMA_ENDS = ("", *_ECMA, *(f"/index{end}" for end in _ECMA))
_SOURCE_FOLDERS = ("", "src", "lib", "python")
_HEADER_FOLDERS = ("", "include", "src")


@dataclass(frozen=True)
class Imported:
    """One import, as the log has it."""

    seq: int
    path: str
    language: str
    import_path: str
    kind: str
    names: Sequence[str] = ()
    inside: str | None = None


@dataclass(frozen=True)
class TreeFile:
    """One file or manifest of the tree, as the log has it."""

    path: str
    language: str
    kind: str = "file"
    package: str | None = None


@dataclass(frozen=True)
class Link:
    """A file that an import may mean.

    Parameters
    ----------
    seq, item : int
        The import, and which of its names.
    choice : int
        The lowest that is there is meant.
    target : str
    via : str or None
        The manifest without which it does not hold.
    unless : str or None
        The file with which it does not hold.
    many : bool
        All files of this choice are meant (a package); else several mean none.
    """

    seq: int
    item: int
    choice: int
    target: str
    via: str | None = None
    unless: str | None = None
    many: bool = False


Candidate = tuple[str, str | None, str | None, bool]
"""Target, via, unless, many."""


class Tree:
    """The files that imports may mean.

    Examples
    --------
    >>> tree = Tree([TreeFile("a/x.py", "python"), TreeFile("a/y.py", "python")])
    >>> tree.links(Imported(1, "a/x.py", "python", ".", "from", ["y"]))
    [Link(seq=1, item=0, choice=0, target='a/y.py', via=None, unless=None, many=False)]
    """

    def __init__(self, files: Iterable[TreeFile]) -> None:
        self.paths: set[str] = set()
        self._manifests: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._go: dict[str, list[str]] = defaultdict(list)
        self._java: dict[str, list[str]] = defaultdict(list)
        self._java_packages: dict[str, list[str]] = defaultdict(list)
        for file in sorted(files, key=lambda f: f.path):
            if file.kind == "manifest":
                self._manifests[file.language, file.package or ""].append(file.path)
                continue
            self.paths.add(file.path)
            if file.language == "go" and not file.path.endswith("_test.go"):
                self._go[posixpath.dirname(file.path)].append(file.path)
            elif file.language == "java":
                stem = posixpath.basename(file.path).removesuffix(".java")
                package = file.package or ""
                self._java[f"{package}.{stem}".lstrip(".")].append(file.path)
                self._java_packages[package].append(file.path)

    def links(self, one: Imported) -> list[Link]:
        """Return the files that an import may mean; `choice` counts those that exist."""
        rules = {
            "python": self._from_python,
            "rust": self._from_rust,
            "go": self._from_go,
            "java": self._from_java,
            "c": self._from_c,
            "cpp": self._from_c,
        }
        rule = rules.get(one.language, self._from_ecma)
        found: list[Link] = []
        for item, choices in enumerate(rule(one)):
            choice = 0
            for alternatives in choices:
                there = [
                    Link(one.seq, item, choice, target, via, unless, many)
                    for target, via, unless, many in alternatives
                    if target in self.paths and target != one.path
                ]
                found += there
                choice += bool(there)
        return found

    # -- one rule a language: for each name, alternatives in order ------------------------

    def _from_python(self, one: Imported) -> Iterator[Iterator[list[Candidate]]]:
        """``__init__.py`` beside a root says that it is a package's folder, and no root."""
        here = posixpath.dirname(one.path)
        module = one.import_path.lstrip(".")
        level = len(one.import_path) - len(module)
        roots: list[tuple[str, str | None]] = []
        if level:
            for _ in range(level - 1):
                if not here:
                    return
                here = posixpath.dirname(here)
            roots = [(here, None)]
        else:
            for folder in _up(here):
                roots += [
                    (base, f"{base}/__init__.py" if base else "__init__.py")
                    for base in (_join(folder, inner) for inner in _SOURCE_FOLDERS)
                ]
        whole = module.replace(".", "/")
        for name in one.names or ("*",):
            tails = [_join(whole, name)] if name != "*" else []
            tails.append(whole)
            yield (
                [(_join(root, tail) + end if tail else _join(root, end[1:]), None, unless, False)]
                for root, unless in roots
                for tail in tails
                for end in (_PYTHON if _join(root, tail) and tail else _PYTHON[1::2])
            )

    def _from_ecma(self, one: Imported) -> Iterator[Iterator[list[Candidate]]]:
        asked = one.import_path.partition("?")[0]
        if asked.startswith((".", "/")):
            base = posixpath.normpath(_join(posixpath.dirname(one.path), asked))
            bases: list[tuple[str, str | None]] = [] if asked[0] == "/" else [(base, None)]
        else:
            bases = []
            for name, rest in _prefixes(asked, "/"):
                for manifest in self._manifests["javascript", name]:
                    home = posixpath.dirname(manifest)
                    bases += [
                        (posixpath.normpath(_join(home, inner, rest)), manifest)
                        for inner in ("src", "", "lib")
                    ]
        # "./x.js" may be written for what the compiler makes of x.ts.
        more = [
            (base.rpartition(".")[0], via)
            for base, via in bases
            if base.endswith((".js", ".mjs", ".cjs", ".jsx"))
        ]
        yield ([(base + end, via, None, False)] for base, via in bases + more for end in _ECMA_ENDS)

    def _from_rust(self, one: Imported) -> Iterator[Iterator[list[Candidate]]]:
        folder, base = posixpath.split(one.path)
        own = folder if base in ("mod.rs", "lib.rs", "main.rs") else _join(folder, base[:-3])
        inside = (one.inside or "").split("::") if one.inside else []
        if one.kind == "mod":
            places = [_join(own, *inside, one.import_path), _join(folder, one.import_path)]
            yield ([(f"{p}{end}", None, None, False)] for p in places for end in (".rs", "/mod.rs"))
            return
        root = next((d for d in _up(folder) if self._is_crate(d)), folder)
        for name in one.names or ("",):
            parts = [p for p in (*one.import_path.split("::"), name) if p and p != "*"]
            yield self._rust_choices(parts, own, root, inside)

    def _rust_choices(
        self, parts: list[str], own: str, root: str, inside: list[str]
    ) -> Iterator[list[Candidate]]:
        head = parts[0] if parts else ""
        if head == "crate":
            yield from self._rust_modules(root, parts[1:], None)
        elif head in ("self", "super"):
            at = [own, *inside]
            while parts and parts[0] in ("self", "super"):
                if parts[0] == "super":
                    at = at[:-1] if len(at) > 1 else [posixpath.dirname(at[0])]
                parts = parts[1:]
            yield from self._rust_modules(_join(*at), parts, None)
        elif head:
            for end in (".rs", "/mod.rs"):  # a module declared beside it
                if _join(own, *inside, head) + end in self.paths:
                    yield from self._rust_modules(_join(own, *inside), parts, None)
            for crate in (head, head.replace("_", "-")):
                for manifest in self._manifests["rust", crate]:
                    home = _join(posixpath.dirname(manifest), "src")
                    yield from self._rust_modules(home, parts[1:], manifest)

    def _is_crate(self, folder: str) -> bool:
        return any(_join(folder, name) in self.paths for name in ("lib.rs", "main.rs"))

    def _rust_modules(
        self, root: str, parts: list[str], via: str | None
    ) -> Iterator[list[Candidate]]:
        """Yield the file of the longest path of modules first, that of the root last."""
        for n in range(len(parts), 0, -1):
            place = _join(root, *parts[:n])
            yield [(f"{place}.rs", via, None, False)]
            yield [(f"{place}/mod.rs", via, None, False)]
        for base in ("lib.rs", "main.rs", "mod.rs"):
            yield [(_join(root, base), via, None, False)]
        if root:
            yield [(f"{root}.rs", via, None, False)]

    def _from_go(self, one: Imported) -> Iterator[Iterator[list[Candidate]]]:
        yield (
            [
                (file, manifest, None, True)
                for file in self._go[_join(posixpath.dirname(manifest), rest)]
            ]
            for module, rest in _prefixes(one.import_path, "/")
            for manifest in self._manifests["go", module]
        )

    def _from_java(self, one: Imported) -> Iterator[Iterator[list[Candidate]]]:
        # a.b.C, or C's inner class or static member: what is left of the last dots.
        names = [name for name, _ in _prefixes(one.import_path, ".")][:3]
        classes: list[list[Candidate]] = [
            [(f, None, None, False) for f in self._java[name]] for name in names
        ]
        package: list[Candidate] = (
            [(f, None, None, True) for f in self._java_packages[one.import_path]]
            if "*" in one.names
            else []
        )
        yield iter([*classes[:1], package, *classes[1:]])

    def _from_c(self, one: Imported) -> Iterator[Iterator[list[Candidate]]]:
        here = posixpath.dirname(one.path)
        places = [_join(f, inner) for f in _up(here) for inner in _HEADER_FOLDERS]
        yield (
            [(posixpath.normpath(_join(place, one.import_path)), None, None, False)]
            for place in dict.fromkeys(places)
        )


def _join(*parts: str) -> str:
    return "/".join(part for part in parts if part)


def _up(folder: str) -> Iterator[str]:
    """Yield a folder and all those above it, the root (``""``) last."""
    while folder:
        yield folder
        folder = posixpath.dirname(folder)
    yield ""


def _prefixes(text: str, mark: str) -> Iterator[tuple[str, str]]:
    """Yield (prefix, rest) at each mark, the whole text first.

    Examples
    --------
    >>> list(_prefixes("a/b/c", "/"))
    [('a/b/c', ''), ('a/b', 'c'), ('a', 'b/c')]
    """
    parts = text.split(mark)
    for n in range(len(parts), 0, -1):
        yield mark.join(parts[:n]), mark.join(parts[n:])
