"""Boilerplate: what a form, a robot or a chore wrote is seen; what states something is not."""

from __future__ import annotations

from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patina_lab import datasets
from patina_lab.beliefs import boilerplate as module
from patina_lab.beliefs.boilerplate import (
    boilerplate,
    common_words,
    has_content,
    is_chore,
    is_default,
    root,
    templates,
)
from patina_lab.beliefs.observed import Observation
from patina_lab.events.text import text_hash


def said(text: str, n: int = 0, author: str = "Ann", session: str = "") -> Observation:
    """Return an observation of a text."""
    return Observation(
        n, f"e{n:03d}", text, text_hash(text), "pattern", 1, author, session or f"s{n}", "dust",
        (), 0.9,
    )  # fmt: skip


def told(*texts: str, author: str = "Ann") -> list[Observation]:
    return [said(text, n, author) for n, text in enumerate(texts)]


def test_a_template_is_what_was_filled_in() -> None:
    """Numbers, hashes, dates, paths and quoted names change; the sentence does not."""
    made = [
        *(f"Last commit: {n} minutes ago" for n in range(5)),
        *(f"Merged {n:07x}f into main" for n in range(5)),
        *(f"Edited src/module_{c}.py" for c in "abcde"),
    ]
    thoughts = ["Use 3 workers", "Keep `main` green", *["Python 3.11 is needed"] * 9]
    assert len(templates([*made, *thoughts])) == len(made)
    assert templates(made[:4]) == templates(thoughts) == set()


def test_what_one_author_never_words_otherwise_is_a_form() -> None:
    """Ten sessions of one author; ten people who say the same agree."""
    text = "Anchored in the seed catalogue"
    one = [said(text, n) for n in range(10)]
    assert boilerplate(one) == {text_hash(text)}
    assert boilerplate(one[:9]) == frozenset()
    assert boilerplate([said(text, n, f"author {n}") for n in range(10)]) == frozenset()


@pytest.mark.parametrize(
    "text",
    [
        "Fix typo",
        "fixed typos in README.md",
        "Bump version to 1.2.3-rc1",
        "Update the changelog for the release",
        "Minor cleanup of the docs",
        "Release v2.0 (#123)",
        "fix tests",
        "Updated docs/guide/index.md",
        "fix(docs): update link to https://example.org/x",
        "Update tokenizer.py",
        "deps: bump to tokenizer 2.1",
        "Tokenizer fixes",
        "lexer: release 1.2",
        "tokenizer@2.1.0 (#77)",
        "Tokenizer 2.1",
        "Prepare the 2.1 release of the tokenizer",
        "fix(deps): upgrade `tokenizer`",
    ],
)
def test_what_every_project_writes_has_no_content(text: str) -> None:
    assert not has_content(text)
    assert boilerplate(told(text))


@pytest.mark.parametrize(
    "text",
    [
        "Retry with exponential backoff",
        "Always run the tests",
        "Never use a global",
        "Use UTF-8 for all files",
        "Use vue.js for the pages",
        "fix race in `Context.Copy`",
        "Always update the tokenizer",
        "Use the tokenizer",
        "Tokenizers",
        "lexer: fix the tokenizer's lookahead",
        "Update the tokenizer: quotes nest",
        "fix(parser): reject a trailing comma",
        "Speak TCP/IP only",
        "Größe prüfen",
        "使用缓存",
    ],
)
def test_a_name_a_rule_or_another_language_is_content(text: str) -> None:
    """One word is enough; what has a slash or a dot is no path yet."""
    assert has_content(text)
    assert not boilerplate(told(text))


@pytest.mark.parametrize(
    ("text", "chore"),
    [
        ("chore(deps): raise the tokenizer to 2.1", True),
        ("docs: tell how the codec is chosen", True),
        ("ci!: run the benchmark nightly", True),
        ("feat(codec): choose it by name", False),
        ("fix: choose the codec by name", False),
        ("CI: stricter than local", False),
        ("docs should live beside the code: we agreed", False),
        ("a chore: tokenizers", False),
    ],
)
def test_chores_name_themselves(text: str, chore: bool) -> None:
    """By the types of the convention, in lower case, at the start of the text."""
    assert is_chore(text) == chore
    assert bool(boilerplate(told(text))) == chore


@pytest.mark.parametrize(
    ("text", "default"),
    [
        ("Merge pull request #12 from ann/tokenizer", True),
        ("Merge commit from fork", True),
        ("Merge branch 'tokenizer' of example.org:ann/project", True),
        ('Revert "Split quotes in the tokenizer"', True),
        ("Apply suggestion from @ann", True),
        ("Apply suggestions from code review", True),
        ("Add files via upload", True),
        ("Merge quotes that touch in the tokenizer", False),
        ("Revert to one tokenizer for all quotes", False),
        ("Apply the suggestion of the tokenizer", False),
    ],
)
def test_what_a_tool_proposes_is_its_text(text: str, default: bool) -> None:
    assert is_default(text) == default
    assert bool(boilerplate(told(text))) == default


def test_a_robot_believes_nothing() -> None:
    """Unless somebody else says it, too."""
    text = "Raise the tokenizer to the newest patch level"
    assert boilerplate(told(text, author="dependabot[bot]")) == {text_hash(text)}
    both = [said(text, 0, "dependabot[bot]"), said(text, 1, "Ann")]
    assert boilerplate(both) == frozenset()


def test_labelled_texts() -> None:
    """Of the labelled claims at most one in a hundred is lost, of the noise nothing."""
    rows = datasets.observations()
    found = {
        label: [
            not has_content(text) or is_chore(text) or is_default(text) for text in part["text"]
        ]
        for label, part in rows.groupby("label")
    }
    assert sum(found["claim"]) <= len(found["claim"]) / 100
    assert not any(found["noise"])
    assert sum(found["boilerplate"]) >= len(found["boilerplate"]) / 4


def test_control_without_common_words_everything_has_content(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Known bad: an empty list sees no chore; one with all words sees nothing else."""
    monkeypatch.setattr(module, "own_words", module.own_words.__wrapped__)  # not the remembered
    assert not has_content("remove typos")
    monkeypatch.setattr(module, "common_words", frozenset)
    assert has_content("remove typos")
    everything = {root(w) for w in ("retry", "with", "exponential", "backoff")}
    monkeypatch.setattr(module, "common_words", lambda: everything)
    assert not has_content("Retry with exponential backoff")


TEXTS = st.lists(
    st.sampled_from(["fix typo", "chore: x", "Retry calls", "Try 3 seeds", "Try 4 seeds", "", "…"]),
    max_size=12,
)


@given(TEXTS, st.randoms())
def test_law_the_order_of_what_is_seen_decides_nothing(texts: list[str], random: object) -> None:
    seen = told(*texts)
    other = list(seen)
    random.shuffle(other)  # type: ignore[attr-defined]
    assert boilerplate(seen) == boilerplate(other)


@given(st.lists(st.sampled_from(sorted(common_words())), max_size=6))
def test_law_words_of_its_own_are_content(words: list[str]) -> None:
    """Whatever stands around them; one is enough unless it is said only that it changed."""
    assert has_content(" ".join([*words, "catalogue", "seed"]))
    assert has_content(" ".join(["catalogue", "seed", *words]))
    assert has_content(" ".join(["use", "catalogue", *words, "anyway"]))
    assert not has_content("updates catalogue")


def test_the_list_is_in_order() -> None:
    """Sorted roots, each once; no word of a rule is thought to say nothing."""
    text = (files("patina_lab.beliefs") / "common.txt").read_text("utf-8")
    words = [line for line in text.splitlines() if not line.startswith("#")]
    assert words == sorted(set(words))
    assert not {"catalogue", "security", "valid"} & set(words)
