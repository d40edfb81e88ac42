"""Words: the scores of a library, and nothing from outside the part that is asked."""

from __future__ import annotations

import io

import bm25s
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patina_lab.project.words import stems
from patina_lab.search.lexical import K1, B, Postings, Statistics, scores, terms_of

WORDS = st.sampled_from(["cache", "test", "tests", "C++", "c", "parse", "error_log", "x", "2"])
TEXTS = st.lists(st.lists(WORDS, max_size=8).map(" ".join), min_size=1, max_size=12)
ASKED = st.lists(WORDS, min_size=1, max_size=4).map(" ".join)


def scored(texts, chosen, question):
    """Return the scores of a question over the chosen texts."""
    made, chosen = Postings.of(texts), np.array(chosen, dtype=bool)
    terms = terms_of(question)
    return scores(made, chosen, terms, Statistics.of([(made, chosen)], terms))


@given(TEXTS, ASKED)
def test_law_scores_are_those_of_the_library(texts, question):
    """bm25s over the same texts, each word of the question once, gives the same numbers."""
    question = " ".join(terms_of(question))
    ours = scored(texts, [True] * len(texts), question)
    tokens = [stems(text) for text in texts]
    if not any(tokens):
        assert not ours.any()
        return
    theirs = bm25s.BM25(method="lucene", k1=K1, b=B)
    theirs.index(tokens, show_progress=False)
    assert ours == pytest.approx(theirs.get_scores(stems(question)), abs=1e-5)


@given(TEXTS, ASKED, st.data())
def test_law_what_is_not_asked_has_no_say(texts, question, data):
    """A part of the index scores as an index of that part alone, to the last bit."""
    chosen = data.draw(st.lists(st.booleans(), min_size=len(texts), max_size=len(texts)))
    part = [text for text, keep in zip(texts, chosen, strict=True) if keep]
    over_part = scored(texts, chosen, question)
    alone = scored(part, [True] * len(part), question)
    assert over_part[np.array(chosen, dtype=bool)].tolist() == alone.tolist()
    assert not over_part[~np.array(chosen, dtype=bool)].any()


def test_control_filtering_afterwards_lets_the_future_in():
    """Known bad: scores of the whole index, filtered: a late text changes who comes first."""
    texts = ["cache parse", "parse test test", "cache", "cache", "cache error"]
    early = [True, True, False, False, False]
    after = scored(texts, [True] * len(texts), "cache test")[:2]
    asked = scored(texts, early, "cache test")[:2]
    assert asked.tolist() != after.tolist()
    assert asked[0] / asked[1] != pytest.approx(after[0] / after[1], rel=0.05)


@given(st.lists(st.text(max_size=30), max_size=6), st.text(max_size=20))
def test_law_any_text_can_be_asked_of_any_texts(texts, question):
    """Scores are finite, not negative, and 0 where no word is shared."""
    asked = set(stems(question))
    for score, text in zip(scored(texts, [True] * len(texts), question), texts, strict=True):
        assert np.isfinite(score)
        assert (score > 0) == bool(asked & set(stems(text)))


@given(st.permutations(["a b", "b c c", "c", "b"]))
def test_law_the_order_of_texts_changes_no_score(texts):
    """A score belongs to a text, not to its row."""
    found = dict(zip(texts, scored(texts, [True] * 4, "b c").tolist(), strict=True))
    again = scored(sorted(texts), [True] * 4, "b c").tolist()
    assert found == dict(zip(sorted(texts), again, strict=True))


@given(TEXTS)
def test_law_written_and_read_is_the_same(texts):
    """Every word, also those beyond ASCII."""
    made = Postings.of([*texts, "Größe 語 \udcff"])
    place = io.BytesIO()
    made.save(place)
    place.seek(0)
    again = Postings.load(place)
    assert dict(again.terms) == dict(made.terms)
    for name in ("start", "rows", "counts", "lengths"):
        assert getattr(again, name).tolist() == getattr(made, name).tolist()


def test_an_index_cut_short_is_refused(tmp_path):
    """It is made anew then."""
    place = tmp_path / "words.npz"
    with place.open("wb") as out:
        Postings.of(["a cache of words"]).save(out)
    for content in (b"", b"nonsense", place.read_bytes()[:-30]):
        (tmp_path / "cut").write_bytes(content)
        with pytest.raises(ValueError, match="is no index"):
            Postings.load(tmp_path / "cut")
