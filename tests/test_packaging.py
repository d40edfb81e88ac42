"""What is shipped: three lists of packages that agree, a light import, names that resolve."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from setuptools import find_namespace_packages

import patina_lab

ROOT = Path(__file__).parents[1]
PINNED_EXTRAS = ("lab", "dev", "prolog", "code", "serve", "scale", "embed")
# torch is heavy and ann needs a compiler: whoever wants them gets what their machine can have.
UNPINNED_EXTRAS = ("torch", "ann")

CONDA_NAME = {"duckdb": "python-duckdb"}
FROM_PIP = {"rfc8785"}  # conda-forge is not sure to have it; `-e .` brings it
ONLY_CONDA = {"pip", "git", "swi-prolog", "hnswlib", "python"}

# An address, a local path, a comment or any pip option: none belongs into a list of pins.
ADDRESS = re.compile(r"://|@|#|\bfile:|(^|\s)-")


def project() -> dict[str, Any]:
    """Return the [project] table."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def wanted(*extras: str) -> dict[str, Requirement]:
    """Return the requirements of the core and of these extras by canonical name."""
    table = project()
    lines = [*table["dependencies"]]
    for extra in extras:
        lines += table["optional-dependencies"][extra]
    return {canonicalize_name((need := Requirement(line)).name): need for line in lines}


def pins(text: str) -> dict[str, list[str]]:
    """Return the versions that a constraints file pins, by name; markers may give several."""
    found: dict[str, list[str]] = {}
    for line in filter(None, text.splitlines()):
        need = Requirement(line)
        (pin,) = need.specifier
        assert pin.operator == "==", line
        found.setdefault(canonicalize_name(need.name), []).append(pin.version)
    return found


def unmet(needs: dict[str, Requirement], pinned: dict[str, list[str]]) -> list[str]:
    """Return the requirements that these pins leave out or contradict."""
    return [
        str(need)
        for name, need in needs.items()
        if name not in pinned or not all(need.specifier.contains(v) for v in pinned[name])
    ]


def conda_packages() -> tuple[dict[str, Requirement], list[str]]:
    """Return environment.yml's own packages, and what it leaves to pip."""
    listed = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    own = [Requirement(entry) for entry in listed if isinstance(entry, str)]
    (pip,) = [entry["pip"] for entry in listed if isinstance(entry, dict)]
    return {canonicalize_name(need.name): need for need in own}, pip


# -- the three lists ----------------------------------------------------------------------------


def test_every_requirement_is_pinned_within_its_bounds() -> None:
    """constraints.txt has one fitting version for each package that ./run installs."""
    text = (ROOT / "constraints.txt").read_text()
    assert not unmet(wanted(*PINNED_EXTRAS), pins(text)), "refresh it: see CONTRIBUTING.md"


@pytest.mark.parametrize("text", ["", "duckdb==1.4.0", "duckdb==3.0", "duckdb==2.1\nduckdb==1.0"])
def test_control_bad_pins_are_seen(text: str) -> None:
    """Known-bad lists: nothing, too old, too new, and wrong under one of two markers."""
    assert unmet({"duckdb": Requirement("duckdb>=2.0,<3")}, pins(text)) == ["duckdb<3,>=2.0"]


def test_heavy_extras_stay_free() -> None:
    """No pin forbids [torch] or [ann]: their own packages are not in the list."""
    pinned = pins((ROOT / "constraints.txt").read_text())
    heavy = set(wanted(*UNPINNED_EXTRAS)) - set(wanted())
    assert not {"torch", "transformers", *heavy} & set(pinned)


def test_every_extra_is_pinned_or_free_on_purpose() -> None:
    """A new extra has to say on which side it stands."""
    assert set(project()["optional-dependencies"]) == {*PINNED_EXTRAS, *UNPINNED_EXTRAS}


def test_what_reads_code_and_serves_comes_with_dev() -> None:
    """The tests read code and ask the server, so [dev] has what [code] and [serve] have."""
    extras = project()["optional-dependencies"]
    assert {*extras["code"], *extras["serve"]} <= set(extras["dev"])


def test_conda_list_equals_the_core_and_lab() -> None:
    """environment.yml names the same packages with the same bounds, and -e . for the rest."""
    own, pip = conda_packages()
    expected = {
        CONDA_NAME.get(name, name): need.specifier
        for name, need in wanted("lab").items()
        if name not in FROM_PIP
    }
    listed = {name: need.specifier for name, need in own.items() if name not in ONLY_CONDA}
    assert listed == expected
    assert set(own) >= ONLY_CONDA
    assert str(own["python"].specifier) == project()["requires-python"]
    assert own["hnswlib"].specifier == wanted("ann")["hnswlib"].specifier
    assert pip == ["-e .[lab,dev,code,serve]"]


def test_channels_are_names() -> None:
    """A channel given by name is found wherever the user's conda is told to look."""
    assert yaml.safe_load((ROOT / "environment.yml").read_text())["channels"] == ["conda-forge"]


# -- no addresses -------------------------------------------------------------------------------


def test_no_lock_like_file_names_a_host() -> None:
    """Where packages come from is the machine's business: no address, option or local path."""
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        assert not ADDRESS.search(line), line
    assert not {path.name for path in ROOT.glob("*.lock")} - {"uv.lock"}
    assert "uv.lock" in (ROOT / ".gitignore").read_text().split()
    for name in ("run", ".ci/run", "environment.yml", ".pre-commit-config.yaml", "pyproject.toml"):
        assert "://" not in (ROOT / name).read_text(), name


@pytest.mark.parametrize(
    "line",
    [
        "altair @ https://example.invalid/altair.whl",
        "--index-url https://example.invalid/simple",
        "-e ../patina",
        "altair==6.0 --hash=sha256:00",
        "# via files.example.org",
    ],
)
def test_control_addresses_are_seen(line: str) -> None:
    """Known-bad lines of a lock file."""
    assert ADDRESS.search(line)


# -- what a wheel holds -------------------------------------------------------------------------


def packaged(include: list[str]) -> list[str]:
    """Return the packages that setuptools finds; namespaces too, as it does for pyproject."""
    return find_namespace_packages(where=str(ROOT), include=include)


def test_only_patina_lab_is_packaged() -> None:
    """datasets/, notebooks/, reports/ and tests/ stay out of the wheel; all of ours is in."""
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    found = packaged(setuptools["packages"]["find"]["include"])
    assert {name.split(".")[0] for name in found} == {"patina_lab"}
    ours = {path.parent.relative_to(ROOT) for path in (ROOT / "patina_lab").rglob("__init__.py")}
    assert {".".join(path.parts) for path in ours} <= set(found)


def test_control_auto_discovery_takes_too_much() -> None:
    """Without the include, the folders beside the package would be shipped."""
    assert {"tests"} <= {name.split(".")[0] for name in packaged(["*"])}


def test_data_files_are_packaged() -> None:
    """Each SQL file, template or style sheet in the package matches a pattern of package-data."""
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    patterns = [pattern.removeprefix("**/") for pattern in setuptools["package-data"]["patina_lab"]]
    for path in (ROOT / "patina_lab").rglob("*"):
        if path.is_file() and path.suffix not in {".py", ".pyc"}:
            assert any(fnmatch(path.name, pattern) for pattern in patterns), path


# -- import -------------------------------------------------------------------------------------

IMPORT = """
import json, sys, time
start = time.process_time()
import patina_lab
seconds = time.process_time() - start
modules = sorted({name.partition(".")[0] for name in sys.modules})
print(json.dumps({"seconds": seconds, "modules": modules}))
"""
HEAVY = {"pandas", "duckdb", "altair", "git", "torch", "ipywidgets", "pyarrow", "numpy"}


def fresh_import() -> dict[str, Any]:
    """Import the package in a process of its own."""
    out = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, check=True, cwd=ROOT)
    return json.loads(out.stdout)


def test_import_is_light() -> None:
    """`import patina_lab` costs under 50 ms of CPU and loads none of the heavy packages."""
    runs = [fresh_import() for _ in range(5)]
    assert min(run["seconds"] for run in runs) < 0.050
    assert not HEAVY & set(runs[0]["modules"])


def test_public_names_are_few() -> None:
    """At most 25 names, each once: more would not be remembered."""
    assert len(set(patina_lab.__all__)) == len(patina_lab.__all__) <= 25


@pytest.mark.parametrize("name", patina_lab.__all__)
def test_public_names_resolve(name: str) -> None:
    """Each public name is there when it is asked for, and dir() shows it."""
    assert getattr(patina_lab, name) is not None
    assert name in dir(patina_lab)


def test_unknown_names_fail_as_python_does() -> None:
    """The lazy top level raises AttributeError, so hasattr and copy keep working."""
    assert not hasattr(patina_lab, "no_such_name")
