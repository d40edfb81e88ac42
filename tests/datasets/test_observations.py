"""The labelled observations: as many as promised, labelled without contradiction, by hand."""

from __future__ import annotations

import re
from collections import Counter
from itertools import combinations
from pathlib import Path

import pandas as pd
import pytest

from patina_lab import datasets, errors

ALIKE = 0.5
"""Two texts that share half of their words are labelled as echo, or should not both be there."""


@pytest.fixture
def table() -> pd.DataFrame:
    return datasets.observations()


def words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[\w+]+", text.casefold()))


def faults(table: pd.DataFrame) -> set[str]:
    """Return what is wrong with the labels, in short."""
    found = set()
    rows = table.to_dict("records")
    by_id = {row["id"]: row for row in rows}
    if len(by_id) != len(rows):
        found.add("id twice")
    if [(row["at"], row["id"]) for row in rows] != sorted((row["at"], row["id"]) for row in rows):
        found.add("not in the order of time")
    for row in rows:
        claim = row["label"] == "claim"
        if (row["stance"] in ("for", "against")) != claim:
            found.add("stance")
        if (row["group"] is None) != (row["label"] == "noise"):
            found.add("group")
        if bool(row["claim"]) != claim or bool(row["domains"]) != claim:
            found.add("claim")
        if not row["text"].strip() or row["text"] != row["text"].strip():
            found.add("text")
        for key, same in (("echo_of", True), ("revises", False)):
            if row[key] is None:
                continue
            other = by_id.get(row[key], row)
            if not (
                other["at"] < row["at"]
                and other["group"] == row["group"]
                and other["project"] == row["project"]
                and (other["stance"] == row["stance"]) == same
                and (other["author"] == row["author"] or not same)
                and other["echo_of"] is None
            ):
                found.add(key)
    claims = table[table["label"] == "claim"]
    for _, group in claims[claims["echo_of"].isna()].groupby("group"):
        counts = Counter(group["stance"])
        if counts["for"] < 3 or counts["against"] < 1:
            found.add("small group")
    own = [row for row in rows if row["label"] != "boilerplate" and row["echo_of"] is None]
    told = [words(row["text"]) for row in own]
    if any(len(a & b) >= ALIKE * len(a | b) for a, b in combinations(told, 2)):
        found.add("two texts alike")
    begun = Counter(" ".join(row["text"].casefold().split()[:4]) for row in own)
    if max(begun.values()) > 2:
        found.add("a template")
    return found


def test_nothing_is_wrong_with_the_labels(table: pd.DataFrame) -> None:
    assert faults(table) == set()


def planted(table: pd.DataFrame, row: int, **changed: object) -> pd.DataFrame:
    """Return the table with one row changed."""
    rows = table.to_dict("records")
    rows[row].update(changed)
    return pd.DataFrame(rows, columns=table.columns, dtype=object)


def first(table: pd.DataFrame, **where: str) -> int:
    """Return the number of the first row that has these values."""
    mask = pd.Series(True, index=table.index)
    for key, value in where.items():
        mask &= table[key].notna() if value == "any" else table[key] == value
    return int(table.index[mask][0])


@pytest.mark.parametrize(
    ("fault", "where", "changed"),
    [
        ("id twice", {"label": "noise"}, {"id": "obs-400"}),
        ("not in the order of time", {"id": "obs-300"}, {"at": pd.Timestamp("2020-01-01T00:00Z")}),
        ("stance", {"label": "claim"}, {"stance": None}),
        ("stance", {"label": "noise"}, {"stance": "for"}),
        ("group", {"label": "noise"}, {"group": "use-c"}),
        ("claim", {"label": "claim"}, {"claim": None}),
        ("text", {"label": "noise"}, {"text": " "}),
        ("echo_of", {"echo_of": "any"}, {"echo_of": "obs-999"}),
        ("echo_of", {"echo_of": "any"}, {"author": "Somebody Else"}),
        ("revises", {"revises": "any"}, {"stance": "for"}),
        ("two texts alike", {"echo_of": "any"}, {"echo_of": None}),
    ],
)
def test_control_each_fault_is_found(
    table: pd.DataFrame, fault: str, where: dict[str, str], changed: dict[str, object]
) -> None:
    assert fault in faults(planted(table, first(table, **where), **changed))


def test_control_texts_of_one_template_are_found(table: pd.DataFrame) -> None:
    for n, thing in enumerate(("queues carry numbers", "forks need oil", "letters may wait")):
        row = table.index[table["label"] == "noise"][n]
        table.loc[row, "text"] = f"We always make sure that {thing}"
    assert "a template" in faults(table)


def test_it_holds_what_its_readme_says(table: pd.DataFrame) -> None:
    """The figures in the README are those of the file."""
    readme = (datasets.OBSERVATIONS / "README.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (claim|boilerplate|noise) \| (\d+) \|", readme, re.MULTILINE))
    assert {label: int(n) for label, n in rows.items()} == dict(Counter(table["label"]))
    stances = Counter(table["stance"].dropna())
    assert f"for ({stances['for']}) or against ({stances['against']})" in readme
    assert f"one of {table['claim'].nunique()} claims" in readme
    assert f"{table['echo_of'].notna().sum()} notes are echoes" in readme
    assert f"{table['revises'].notna().sum()} notes take back" in readme
    assert len(table) >= 400
    assert stances["against"] >= 60
    for group in re.findall(r"`([a-z]+(?:-[a-z]+)+)`", readme):
        assert group in set(table["group"]), group


def test_a_claim_is_said_in_several_projects_by_several_people(table: pd.DataFrame) -> None:
    """Independent votes are there to be counted; a few groups of one project are, too."""
    for_it = table[(table["stance"] == "for") & table["echo_of"].isna()].groupby("group")
    projects, authors = for_it["project"].nunique(), for_it["author"].nunique()
    assert (projects >= 3).sum() >= 30
    assert (projects == 1).any()
    assert (authors >= 2).all()
    assert table["project"].nunique() == 8
    assert table["author"].nunique() == 9


def test_a_session_is_one_author_on_one_day(table: pd.DataFrame) -> None:
    assert (table.groupby("session")["author"].nunique() == 1).all()
    assert (table.groupby("session")["at"].nunique() == 1).all()


def test_without_a_clone_it_says_where_the_data_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(datasets, "OBSERVATIONS", tmp_path / "no")
    with pytest.raises(errors.UsageError, match="with a clone, not with a wheel"):
        datasets.observations()
