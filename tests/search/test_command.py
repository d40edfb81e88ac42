"""`patina-lab query`: what is asked at the terminal, and what it says it left out."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from patina_lab.cli import main
from patina_lab.datasets import teaching


@pytest.fixture
def run(monkeypatch):
    repo = str(teaching())
    assert CliRunner().invoke(main, ["scrape", "--repo", repo]).exit_code == 0

    def call(*args):
        return CliRunner().invoke(main, ["query", "--repo", repo, *args])

    return call


def test_hits_are_printed_with_tag_and_reason(run):
    """One line a hit; as JSON, one object a hit, with nothing that JSON has not."""
    lines = run("seed", "catalogue", "--mode", "lexical", "-k", "3").stdout.splitlines()
    assert len(lines) == 3
    assert all(line.startswith("[PROJECT] ") and "; has " in line for line in lines)
    rows = json.loads(run("seed catalogue", "--mode", "lexical", "-k", "3", "--json").stdout)
    assert [row["tag"] for row in rows] == ["PROJECT"] * 3
    assert rows[0]["semantic_rank"] is rows[0]["cosine"] is None
    assert rows[0]["lexical_rank"] == 1


def test_time_and_kind_narrow(run):
    """`--as-of`, `--since` and `--type`."""
    rows = json.loads(
        run("seed", "--as-of", "2025-03-01", "--type", "git.commit", "--json", "-k", "50").stdout
    )
    assert rows
    assert {row["event_type"] for row in rows} == {"git.commit"}
    assert max(row["timestamp"] for row in rows) < "2025-03-02"
    later = json.loads(run("seed", "--since", "2025-03-01", "--json", "-k", "50").stdout)
    assert min(row["timestamp"] for row in later) >= "2025-03-01"


def test_what_was_left_out_goes_to_stderr(run, monkeypatch):
    """The answer stays an answer."""
    import sys

    from patina_lab.search import ask

    for name in ("onnxruntime", "sentence_transformers"):
        monkeypatch.setitem(sys.modules, name, None)
    ask._loaded.cache_clear()
    result = run("seed catalogue", "--json")
    assert "Only words were compared." in result.stderr
    assert json.loads(result.stdout)
