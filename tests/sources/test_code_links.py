"""What an import may mean: one small tree a language, and what each import leads to."""

from __future__ import annotations

import pytest

from patina_lab.sources.code.languages import language_of
from patina_lab.sources.code.links import Imported, Link, Tree, TreeFile


def leads_to(
    tree: Tree, path: str, import_path: str, *names: str, kind: str = "", inside: str = ""
) -> list[str]:
    """Return the targets that the relation import_edges would take from the whole tree."""
    language = language_of(path)
    assert language is not None
    one = Imported(1, path, language.name, import_path, kind, names, inside or None)
    found: set[str] = set()
    links = tree.links(one)
    for item in {link.item for link in links}:
        of: list[Link] = [
            link
            for link in links
            if link.item == item and (link.unless is None or link.unless not in tree.paths)
        ]
        first = [link for link in of if link.choice == min(l_.choice for l_ in of)]
        if len(first) == 1 or all(link.many for link in first):
            found |= {link.target for link in first}
    return sorted(found)


def tree(*paths: str, packages: dict[str, str] | None = None) -> Tree:
    """Return a tree; a manifest's path comes with its package's name."""
    named = packages or {}
    kinds = {"go.mod": "go", "Cargo.toml": "rust", "package.json": "javascript"}
    files = []
    for path in (*paths, *(p for p in named if p not in paths)):
        base = path.rpartition("/")[2]
        if base in kinds:
            files.append(TreeFile(path, kinds[base], "manifest", named[path]))
        else:
            language = language_of(path)
            assert language is not None
            files.append(TreeFile(path, language.name, "file", named.get(path)))
    return Tree(files)


PYTHON = tree(
    "src/shop/__init__.py", "src/shop/cart.py", "src/shop/json.py", "src/shop/deep/__init__.py",
    "src/shop/deep/pay.py", "tests/test_cart.py", "tests/helper.py", "tools/run.py", "setup.py",
)  # fmt: skip
PAY = "src/shop/deep/pay.py"


@pytest.mark.parametrize(
    ("path", "module", "names", "targets"),
    [
        (PAY, "..cart", ["Cart"], ["src/shop/cart.py"]),
        (PAY, "..", ["cart", "json"], ["src/shop/cart.py", "src/shop/json.py"]),
        (PAY, "..", ["VERSION"], ["src/shop/__init__.py"]),
        (PAY, ".", ["*"], ["src/shop/deep/__init__.py"]),
        (PAY, "shop.cart", ["Cart"], ["src/shop/cart.py"]),
        (PAY, "shop", ["cart"], ["src/shop/cart.py"]),
        (PAY, ".....far", ["x"], []),
        ("src/shop/cart.py", "json", [], []),  # the standard library's, not its neighbour
        ("src/shop/cart.py", "shop.deep.pay", [], [PAY]),
        ("tests/test_cart.py", "shop.cart", ["Cart"], ["src/shop/cart.py"]),
        ("tests/test_cart.py", "helper", ["x"], ["tests/helper.py"]),
        ("tests/test_cart.py", "tools.run", [], ["tools/run.py"]),
        ("tests/test_cart.py", "numpy", [], []),
        ("setup.py", "src.shop", [], ["src/shop/__init__.py"]),
    ],
)
def test_python(path: str, module: str, names: list[str], targets: list[str]) -> None:
    """Relative to the package, or from a folder above that is no package."""
    assert leads_to(PYTHON, path, module, *names) == targets


ECMA = tree(
    "web/app.ts", "web/near.ts", "web/deep/index.tsx", "web/old.js", "web/types.d.ts",
    "packages/ui/src/index.ts", "packages/ui/src/button.ts", "packages/core/index.js",
    packages={"packages/ui/package.json": "@shop/ui", "packages/core/package.json": "core"},
)  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "targets"),
    [
        ("./near", ["web/near.ts"]),
        ("./near.js", ["web/near.ts"]),
        ("./deep", ["web/deep/index.tsx"]),
        ("./old", ["web/old.js"]),
        ("./types", ["web/types.d.ts"]),
        ("./near?raw", ["web/near.ts"]),
        ("../packages/ui/src/button", ["packages/ui/src/button.ts"]),
        ("@shop/ui", ["packages/ui/src/index.ts"]),
        ("@shop/ui/button", ["packages/ui/src/button.ts"]),
        ("core", ["packages/core/index.js"]),
        ("react", []),
        ("../../../etc/passwd", []),
    ],
)
def test_javascript_and_typescript(asked: str, targets: list[str]) -> None:
    """Relative paths with any ending, index files, and packages of the repository."""
    assert leads_to(ECMA, "web/app.ts", asked) == targets


RUST = tree(
    "src/main.rs", "src/shop.rs", "src/shop/cart.rs", "src/pay/mod.rs", "src/pay/card.rs",
    "crates/far-away/src/lib.rs", "crates/far-away/src/near.rs", "tests/it.rs", "tests/util.rs",
    packages={"crates/far-away/Cargo.toml": "far-away", "Cargo.toml": "shop"},
)  # fmt: skip


@pytest.mark.parametrize(
    ("path", "asked", "names", "kind", "inside", "targets"),
    [
        ("src/main.rs", "shop", [], "mod", "", ["src/shop.rs"]),
        ("src/main.rs", "pay", [], "mod", "", ["src/pay/mod.rs"]),
        ("src/shop.rs", "cart", [], "mod", "", ["src/shop/cart.rs"]),
        ("tests/it.rs", "util", [], "mod", "", ["tests/util.rs"]),
        ("src/shop.rs", "crate::pay::card", ["Card"], "use", "", ["src/pay/card.rs"]),
        ("src/shop.rs", "crate::pay", ["card", "Other"], "use", "",
         ["src/pay/card.rs", "src/pay/mod.rs"]),
        ("src/shop.rs", "crate", ["VERSION"], "use", "", ["src/main.rs"]),
        ("src/shop/cart.rs", "super", ["*"], "use", "", ["src/shop.rs"]),
        ("src/pay/card.rs", "super::super::shop", ["Shop"], "use", "", ["src/shop.rs"]),
        ("src/shop.rs", "super", ["*"], "use", "tests", []),  # the file itself
        ("src/shop.rs", "self::cart", ["Cart"], "use", "", ["src/shop/cart.rs"]),
        ("src/main.rs", "shop::cart", ["Cart"], "use", "", ["src/shop/cart.rs"]),
        ("src/main.rs", "far_away::near", ["Near"], "use", "", ["crates/far-away/src/near.rs"]),
        ("src/main.rs", "far_away", ["*"], "use", "", ["crates/far-away/src/lib.rs"]),
        ("src/main.rs", "std::fmt", ["Debug"], "use", "", []),
    ],
)  # fmt: skip
def test_rust(
    path: str, asked: str, names: list[str], kind: str, inside: str, targets: list[str]
) -> None:
    """Modules by crate, self and super, and the crates of the workspace."""
    assert leads_to(RUST, path, asked, *names, kind=kind, inside=inside) == targets


def test_go() -> None:
    """A package is every file of its folder but the tests."""
    go = tree(
        "main.go", "pay/card.go", "pay/cash.go", "pay/card_test.go", "vendored/x.go",
        packages={"go.mod": "example.org/shop", "vendored/go.mod": "example.org/x"},
    )  # fmt: skip
    assert leads_to(go, "main.go", "example.org/shop/pay") == ["pay/card.go", "pay/cash.go"]
    assert leads_to(go, "main.go", "example.org/x") == ["vendored/x.go"]
    assert leads_to(go, "pay/card.go", "example.org/shop") == ["main.go"]
    assert leads_to(go, "main.go", "encoding/json") == []


def test_java() -> None:
    """A class by its package, wherever the source folder is; two of a name are no answer."""
    java = tree(packages={
        "app/src/org/shop/Cart.java": "org.shop", "lib/src/org/pay/Card.java": "org.pay",
        "lib/src/org/pay/Cash.java": "org.pay", "a/org/Twice.java": "org",
        "b/org/Twice.java": "org", "Main.java": "",
    })  # fmt: skip
    main = "Main.java"
    assert leads_to(java, main, "org.shop.Cart", "Cart") == ["app/src/org/shop/Cart.java"]
    assert leads_to(java, main, "org.shop.Cart.Item", "Item") == ["app/src/org/shop/Cart.java"]
    assert leads_to(java, main, "org.pay", "*") == [
        "lib/src/org/pay/Card.java",
        "lib/src/org/pay/Cash.java",
    ]
    assert leads_to(java, main, "org.pay.Card", "*") == ["lib/src/org/pay/Card.java"]
    assert leads_to(java, main, "org.Twice", "Twice") == []
    assert leads_to(java, main, "java.util.List", "List") == []


def test_c_and_cpp() -> None:
    """The including file's folder, those above, and their include and src folders."""
    c = tree("src/a.c", "src/a.h", "include/lib/b.h", "deep/src/x.cpp", "deep/include/y.h")
    assert leads_to(c, "src/a.c", "a.h") == ["src/a.h"]
    assert leads_to(c, "src/a.c", "lib/b.h") == ["include/lib/b.h"]
    assert leads_to(c, "src/a.c", "../include/lib/b.h") == ["include/lib/b.h"]
    assert leads_to(c, "deep/src/x.cpp", "y.h") == ["deep/include/y.h"]
    assert leads_to(c, "deep/src/x.cpp", "a.h") == ["src/a.h"]
    assert leads_to(c, "src/a.c", "stdio.h") == []
