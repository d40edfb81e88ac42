"""What is present on this machine, what is missing, and the one command that mends it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from patina_lab.project import places


@dataclass(frozen=True)
class Finding:
    """One thing that was looked for.

    Parameters
    ----------
    name : str
    state : str
        ``ok``, ``missing`` (needed) or ``optional`` (absent, and only some things need it).
    found : str
        Version or place.
    needed_for : str
    remedy : str
        The command that mends it; empty where nothing is to be mended.
    """

    name: str
    state: str
    found: str
    needed_for: str
    remedy: str = ""


def examine() -> list[Finding]:
    """Return the findings, the needed ones first."""
    return [_python(), _git(), _home(), _swipl(), *_packages()]


def _python() -> Finding:
    version = platform.python_version()
    fine = sys.version_info >= (3, 11)
    remedy = "" if fine else "install Python 3.11 or later, then ./run setup"
    return Finding("python", "ok" if fine else "missing", version, "everything", remedy)


def _program(name: str, *arguments: str) -> str | None:
    place = shutil.which(name)
    if place is None:
        return None
    done = subprocess.run([place, *arguments], capture_output=True, text=True, check=False)
    number = re.search(r"\d+\.\d+(\.\d+)?", done.stdout + done.stderr)
    return number[0] if number else "found"


def _install(package: str) -> str:
    sudo = "" if os.geteuid() == 0 else "sudo "
    for tool, command in (
        ("apt-get", f"{sudo}apt-get install -y {package}"),
        ("dnf", f"{sudo}dnf install -y {package.replace('swi-prolog-nox', 'pl')}"),
        ("brew", f"brew install {package.replace('-nox', '')}"),
        ("conda", f"conda install -c conda-forge {package.replace('-nox', '')}"),
    ):
        if shutil.which(tool):
            return command
    return f"install {package.replace('-nox', '')} with your system's package tool"


def _git() -> Finding:
    version = _program("git", "--version")
    if version is None:
        return Finding("git", "missing", "", "reading any repository", _install("git"))
    if tuple(map(int, version.split(".")[:2])) < (2, 31):
        return Finding("git", "missing", version, "reading repositories: 2.31+", _install("git"))
    return Finding("git", "ok", version, "reading any repository")


def _swipl() -> Finding:
    version = _program("swipl", "--version")
    if version is None:
        return Finding("swi-prolog", "optional", "", "Prolog rule sets", _install("swi-prolog-nox"))
    return Finding("swi-prolog", "ok", version, "Prolog rule sets")


def _home() -> Finding:
    folder = places.home()
    nearest = next(p for p in (folder, *folder.parents) if p.exists())
    if nearest.is_dir() and os.access(nearest, os.W_OK):
        free = shutil.disk_usage(nearest).free / 1e9
        return Finding("PATINA_HOME", "ok", f"{folder} ({free:.0f} GB free)", "keeping logs")
    return Finding(
        "PATINA_HOME",
        "missing",
        f"{nearest} cannot be written",
        "keeping logs",
        "export PATINA_HOME=<a folder of yours>",
    )


_CLONE = (Path(__file__).resolve().parent.parent / "run").is_file()
"""Whether the package runs from a clone, with its launcher beside it."""

_PACKAGES = (
    ("duckdb", "duckdb", "", "the log"),
    ("GitPython", "git", "", "opening repositories"),
    ("altair", "altair", "lab", "charts"),
    ("vl-convert-python", "vl_convert", "lab", "charts in static pages"),
    ("papermill", "papermill", "lab", "reports"),
    ("nbconvert", "nbconvert", "lab", "reports"),
    ("jupyterlab", "jupyterlab", "lab", "./run lab"),
    ("ipywidgets", "ipywidgets", "lab", "widgets"),
    ("tree-sitter", "tree_sitter", "code", "reading source files: lab.scrape(code=True)"),
    ("onnxruntime", "onnxruntime", "embed", "embeddings, clusters, semantic search"),
    (
        "sentence-transformers",
        "sentence_transformers",
        "torch",
        "embeddings by a model of your own",
    ),
    ("hnswlib", "hnswlib", "ann", "an index beyond 50,000 vectors; needs a compiler"),
    ("pyswip", "pyswip", "prolog", "Prolog inside the kernel, for teaching"),
)


def _packages() -> list[Finding]:
    findings = []
    for package, module, extra, needed_for in _PACKAGES:
        if importlib.util.find_spec(module) is None:
            named = f"'patina-lab[{extra}]'" if extra else "patina-lab"
            remedy = f"./run setup {extra}".rstrip() if _CLONE else f"pip install {named}"
            state = "optional" if extra else "missing"
            findings.append(Finding(package, state, "", needed_for, remedy))
        else:
            version = importlib.metadata.version(package)
            findings.append(Finding(package, "ok", version, needed_for))
    return findings
