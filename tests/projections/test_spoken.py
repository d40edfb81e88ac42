"""Words found in the bytes of many texts: those that `terms.words` finds, text by text."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from patina_lab.projections import spoken as finding
from patina_lab.projections.spoken import spoken
from patina_lab.projections.terms import words

# What a word may begin with, have inside, end with, never hold; and what changes when normalised.
PIECES = [
    *"ab1Z_'+#.- \n/,\t\r",
    "über",
    "é",
    "e\u0301",
    "ﬁ",
    "İ",
    "ß",
    "名前",
    "\u2126",
    "\xa0",
    "\u0301",
]
TEXTS = st.lists(
    st.none() | st.lists(st.sampled_from(PIECES), max_size=14).map("".join), max_size=6
)


def plainly(texts: list[str | None], vocabulary: list[str]) -> Counter[tuple[int, int]]:
    code = {word: n for n, word in enumerate(vocabulary)}
    return Counter(
        (code[word], n)
        for n, text in enumerate(texts)
        for word in set(words(text or ""))
        if word in code
    )


def found(texts: list[str | None], vocabulary: list[str]) -> Counter[tuple[int, int]]:
    codes, positions = spoken(pa.array(texts, pa.string()), vocabulary)
    assert [*zip(codes, positions, strict=True)] == sorted(zip(codes, positions, strict=True))
    return Counter(zip(codes.tolist(), positions.tolist(), strict=True))


@given(
    texts=TEXTS,
    piece=st.sampled_from([1, 9, 1 << 18]),
    walk=st.sampled_from([1, 3, 16]),
    steps=st.sampled_from([0, 1, 32]),
)
@example(["--- a.py'", "'a' -b-- _c_ 'tis C++.", None, ""], 1 << 18, 1, 0)
@example(["a" * 17 + "b" + "a" * 9, "a" * 27, "a" * 16, "a" * 8, "a" * 9], 1 << 18, 3, 32)
@example(["Signed-off-by: Ren\u00e9 <r@x.org>\nnext\u00e9"], 1 << 18, 3, 32)
@example(
    [
        "\u540d x\u540d" * 40 + "\u540d" * 40 + "-\u540d" * 9,
        "x" * 90 + "\u00e9" + "y" * 90,
        "a" * 40 + " \u00e9",
        "a" + "-" * 99 + " " + "_" * 99 + "b",
    ],
    1,
    1,
    32,
)
def test_every_word_is_found_where_it_is_said(texts, piece, walk, steps):
    """Once a text, whatever the pieces that the texts are read in, and by word."""
    every = sorted({word for text in texts for word in words(text or "")})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finding, "_PIECE", piece)
        patch.setattr(finding, "_WALK", walk)
        patch.setattr(finding, "_STEPS", steps)
        for vocabulary in (every, every[::2], [*every[1::2], "never-said", "x" * 30]):
            assert found(texts, vocabulary) == plainly(texts, vocabulary)
            # Texts that all end are not copied.
            ended = [f"{text or ''}\n" for text in texts]
            assert found(ended, vocabulary) == plainly(texts, vocabulary)


def test_a_column_in_chunks_is_one_column():
    """Positions go on from chunk to chunk; a slice of a chunk begins where it begins."""
    whole = pa.chunked_array([["no", "fix it"], ["Fix", None], ["x"]])
    codes, positions = spoken(whole.slice(1), ["fix", "x"])
    assert (codes.tolist(), positions.tolist()) == ([0, 0, 1], [0, 1, 3])
    assert [len(each) for each in spoken(whole, [])] == [0, 0]


def test_words_of_one_slot_are_told_apart(monkeypatch):
    """Known-bad slots cost time and change nothing: here all words are in one."""
    monkeypatch.setattr(finding, "_slots", lambda keys, more: (keys * 0).view("int64"))
    texts = ["one two", "three, four", "ones twos oneself"]
    vocabulary = ["four", "one", "oneself", "three", "two"]
    assert found(texts, vocabulary) == plainly(texts, vocabulary)


@pytest.mark.parametrize("piece", [1, 1 << 18])
def test_a_word_of_many_texts_is_given_up(monkeypatch, piece):
    """In more texts than `most`, and not before: what is found of it says that it was."""
    monkeypatch.setattr(finding, "_PIECE", piece)
    texts = ["x y", "y x x", "y z", None, "y", "z Y"]
    every = {word: [n for n, t in enumerate(texts) if word in (t or "").lower()] for word in "xyz"}
    for most in range(6):
        codes, positions = spoken(pa.array(texts), ["x", "y", "z"], most)
        for n, (word, there) in enumerate(every.items()):
            said = positions[codes == n].tolist()
            assert said == there[: len(said)], word
            assert len(said) > most or said == there
            assert len(said) == (most + 1 if piece == 1 and len(there) > most else len(there))


def test_long_words_are_more_than_their_ends():
    """Two names of one length, with the same first and last eight bytes."""
    names = ["projection_of_touches", "projection_by_touches"]
    assert found([names[1]], names) == {(1, 0): 1}
    for length in (6, 7, 8, 13, 14, 15, 20, 21, 22, 40):
        names = ["x" * length + end for end in ("", "a", "b", "ab", "_")]
        assert found(names, names[1:]) == plainly(names, names[1:])
        assert found(names, names) == plainly(names, names)


def test_a_word_is_not_what_it_begins_with(monkeypatch):
    """A letter that is not ASCII ends no word; known-bad: filed like the others, it seems to."""
    texts, vocabulary = ["na", "na\u00efve"], ["na\u00efve"]
    assert found(texts, vocabulary) == {(0, 1): 1} == plainly(texts, vocabulary)
    known = finding._Known(vocabulary)
    known.gone[:] = False
    known._file()
    monkeypatch.setattr(finding, "_Known", lambda vocabulary: known)
    assert found(texts, vocabulary) == {(0, 0): 1, (0, 1): 1}


def test_control_a_text_that_is_not_normalised_has_other_words(monkeypatch):
    """Known-bad: with the lines of other alphabets left as they are, words are missed."""
    monkeypatch.setattr(finding._Known, "foreign", lambda self, raw, said: (said[:0], said[:0]))
    assert found(["Stra\u00dfe"], ["strasse"]) != plainly(["Stra\u00dfe"], ["strasse"])
