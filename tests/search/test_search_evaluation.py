"""Judging search: honest questions get numbers, leaking ones are refused."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hashing import Hashing

import patina_lab as pt
from patina_lab.datasets import teaching
from patina_lab.errors import CheckFailed, InvalidOption, UnknownName, UsageError
from patina_lab.search.corpus import of_log
from patina_lab.search.evaluation import Question, evaluate, read


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    lab = pt.open(teaching(), home=tmp_path_factory.mktemp("home"))
    lab.scrape(progress=False)
    return lab


@pytest.fixture(scope="module")
def known(lab):
    """Return the commits of the log, oldest first."""
    segment = of_log(lab.log.opened)
    return [d for d in segment.fetch(range(len(segment))) if d.event_type == "git.commit"]


def asked(document, text=None, later=1):
    """Ask for a document by some of its words, right after it."""
    text = text or " ".join(document.text.split()[-3:])
    return Question(text, frozenset({document.event_id}), document.occurred_us + later)


@pytest.fixture(scope="module")
def questions(known):
    return [q for d in known[5:40:3] if (q := asked(d)).text != d.text.strip()]


def test_each_mode_gets_its_numbers(lab, questions):
    """Shares between 0 and 1 within their intervals; BM25 gains nothing on itself."""
    table = evaluate(lab.log, questions, embedder=Hashing())
    assert set(table["mode"]) == {"lexical", "semantic", "fusion"}
    assert table["mrr"].is_monotonic_decreasing
    for name in ("mrr", "hit"):
        assert (table[f"{name}_low"] <= table[name]).all()
        assert (table[name] <= table[f"{name}_high"]).all()
        assert table[name].between(0, 1).all()
    words = table.set_index("mode").loc["lexical"]
    assert words["gain"] == words["gain_low"] == words["gain_high"] == 0
    assert words["mrr"] > 0.5
    assert table.attrs["digest"] == lab.log.digest
    assert evaluate(lab.log, questions, embedder=Hashing()).equals(table)


def test_control_vectors_that_mean_nothing_do_worse(lab, questions):
    """Known bad: an embedder of hashes loses against words, and its interval says so."""
    table = evaluate(lab.log, questions, embedder=Hashing()).set_index("mode")
    assert table.loc["semantic", "gain_high"] < 0


def test_only_the_past_is_asked(lab, known):
    """The same words stand in a later commit, too: it takes no place of the answer."""
    target = known[3]
    question = asked(target, "seed " + " ".join(target.text.split()[-2:]))
    table = evaluate(lab.log, [question])
    table_later = evaluate(lab.log, [replace(question, asked_us=known[-1].occurred_us + 1)])
    assert table["mrr"][0] >= table_later["mrr"][0]


def leaks(known):
    d = known[10]
    fair = asked(d)
    return {
        "is of": replace(fair, asked_us=d.occurred_us),
        "asked at": replace(fair, asked_us=known[2].occurred_us),
        "same words": replace(fair, text=f"  {d.text.upper()} "),
        "names its answer": replace(fair, text=f"as in {d.label[:9]}"),
        "not among what is searched": replace(fair, expected=frozenset({"0" * 64})),
    }


@pytest.mark.parametrize("why", ["is of", "asked at", "same words", "names", "not among"])
def test_law4_a_leaking_benchmark_is_refused(lab, known, questions, why):
    """Known-bad benchmarks, each leaking another way: the question is named, nothing is judged."""
    (bad,) = [q for name, q in leaks(known).items() if name.startswith(why)]
    with pytest.raises(CheckFailed, match=rf"Question {len(questions) + 1} leaks.*{why}"):
        evaluate(lab.log, [*questions, bad])


def test_an_answer_outside_the_slice_is_refused(lab, known, questions):
    """What is not searched cannot be found."""
    with pytest.raises(CheckFailed, match="not among what is searched"):
        evaluate(lab.log.where("session.*"), questions)


@pytest.mark.parametrize(
    ("options", "kind", "complaint"),
    [
        ({"questions": []}, UsageError, "no question"),
        ({"k": 0}, InvalidOption, "k=0"),
        ({"questions": [Question("x", frozenset(), 1)]}, UsageError, "Question 1 has no answer"),
    ],
)
def test_what_cannot_be_judged_is_said(lab, questions, options, kind, complaint):
    with pytest.raises(kind, match=complaint):
        evaluate(lab.log, **{"questions": questions, **options})


def test_questions_are_read_from_a_file(lab, known, tmp_path):
    """Named by a sha, its first digits, or an event id; the line of a bad one is told."""
    d = known[4]
    place = tmp_path / "questions.jsonl"
    lines = [
        {"query": "seed", "expected": [name], "at": "2026-01-01", "group": "g"}
        for name in (d.event_id, d.event_id[:12], d.label)
    ]
    place.write_text("\n".join(map(json.dumps, lines)) + "\n\n")
    found = read(place, lab.log)
    assert {q.expected for q in found} == {frozenset({d.event_id})}
    assert {q.group for q in found} == {"g"}
    assert len(evaluate(lab.log, found)) == 1
    for bad, kind, complaint in (
        ("{", UsageError, "Line 1 of questions.jsonl is no question"),
        ('{"query": "x"}', UsageError, "Line 1"),
        (json.dumps({**lines[0], "expected": ["nowhere"]}), UnknownName, "0 events are named so"),
    ):
        place.write_text(bad)
        with pytest.raises(kind, match=complaint):
            read(place, lab.log)
