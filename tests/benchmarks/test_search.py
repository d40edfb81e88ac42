"""The benchmark of search asks fair questions, and its page says which mode is best."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest
from hashing import Hashing

import patina_lab as pt
from patina_lab.datasets import teaching

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "search.py"


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("benchmark_search", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_a_message_is_stripped_of_what_names_its_answer(bench):
    """Issue numbers, links, hashes and trailers go; the sentence stays."""
    message = (
        "Fix extract= for views, closes #138\n\nRefs: #9. See https://example.org/issues/138 and "
        "deadbeef12\nCo-authored-by: Ann <ann@x.org>"
    )
    text = bench.plain(message)
    assert text.startswith("Fix extract= for views")
    for told in ("138", "#9", "example.org", "deadbeef12", "Ann"):
        assert told not in text
    assert bench.NUMBER.findall("#1, other/repo#2, &#39; PR #31.") == ["1", "31"]


def test_questions_are_asked_of_the_past(bench, make_repo):
    """A commit that names an issue asks for the earlier ones; nobody asks for a later one."""
    lab = pt.open(
        make_repo("""
        2025-03-01 git.commit ann a.py b.py # Parse views of a table #7
        2025-03-02 git.commit ann c.py # Say nothing of it #8
        2025-03-03 git.commit bob a.py b.py # Views are parsed again, refs #7
        """).path
    )
    lab.scrape(progress=False)
    commits = bench.commits(lab)
    (question,) = bench.by_issue(lab)
    assert question.expected == {commits[0][0]}
    assert question.asked_us == commits[2][1]
    assert "#7" not in question.text


def test_the_page_names_the_best_mode(bench, monkeypatch, tmp_path):
    """Every task that was judged stands there, and whether the default is the best is said."""
    monkeypatch.setattr(bench, "by_issue", lambda lab: made(bench, lab))
    monkeypatch.setattr(bench, "by_files", lambda lab: [])
    monkeypatch.setattr(bench, "_cached", lambda corpus, name: Hashing(name))
    monkeypatch.setattr(pt.Lab, "embed", lambda lab, name, progress: {"texts": 349})
    page, numbers = tmp_path / "search.md", tmp_path / "search.json"
    arguments = [f"teaching={teaching()}", "--embedder", "none", "--no-costs"]
    assert bench.main([*arguments, "--markdown", str(page), "--json", str(numbers)]) == 0
    (result,) = json.loads(numbers.read_text())["quality"]
    assert set(result["modes"]) == set(bench.MODES)
    text = page.read_text()
    assert "Best mean MRR with none: **lexical**" in text
    assert "**not** the best here: lexical is" in text
    assert str(teaching()) not in text


def made(bench, lab):
    """Return twenty questions that words answer."""
    rows = [row for row in bench.commits(lab) if len(row[2].split()) > 4][:25]
    return [
        bench.Question(" ".join(text.split()[1:]), frozenset({event_id}), us + 1)
        for event_id, us, text in rows
    ]


def test_a_history_that_asks_nothing_is_said_and_keeps_its_log(bench, make_repo, capsys):
    """No page of no questions; and whoever has a log keeps its line counts."""
    lab = pt.open(make_repo("2025-03-01 git.commit ann a.py # Begin").path)
    lab.scrape(progress=False)
    before = lab.log.digest
    with pytest.raises(SystemExit):
        bench.main([f"small={lab.repository.path}", "--no-costs"])
    assert "nothing to ask" in capsys.readouterr().err
    assert pt.open(lab.repository.path).log.digest == before
