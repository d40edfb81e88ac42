"""Which words of a vocabulary stand in which texts, found in the bytes of all texts at once.

The same words as `terms.words` finds, text by text: what is ASCII is read as it is, the
rest normalised first.  A word is looked for by its length, its first
and its last eight bytes, for all places of a piece of text in one step.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from patina_lab.projections.terms import words

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

_PIECE = 1 << 18
"""Bytes looked at in one step: as many as stay in a processor's cache."""

_LETTERS = b"abcdefghijklmnopqrstuvwxyz0123456789" + bytes(range(128, 256))
_INSIDE = b"_'+#.-"
"""What a word may have inside, or (``_+#``) at its end, but not at its beginning."""

_NOT_LAST = b"'.-"


def spoken(texts: pa.Array, vocabulary: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Find words in texts.

    Parameters
    ----------
    texts : pyarrow.Array or ChunkedArray of string
        NULL is a text without words.
    vocabulary : list of str
        Distinct words, such as `terms.words` gives.

    Returns
    -------
    (codes, positions)
        Places in `vocabulary` and in `texts`, one for each time that a word is said.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    none = np.zeros(0, np.int64)
    if not vocabulary:
        return none, none
    known = _Known(vocabulary)
    chunks = texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]
    each = [(none, none)]
    before = 0
    for chunk in chunks:
        lengths = pc.fill_null(pc.binary_length(chunk), 0).to_numpy(zero_copy_only=False)
        ends = np.cumsum(lengths, dtype=np.int64)
        begin = 0
        while begin < len(chunk):
            # Whole texts: no word goes from one piece into the next.
            reach = (ends[begin - 1] if begin else 0) + _PIECE
            upto = max(int(np.searchsorted(ends, reach, "right")), begin + 1)
            codes, positions = _said(chunk.slice(begin, upto - begin), known)
            each.append((codes, positions + before + begin))
            begin = upto
        before += len(chunk)
    codes, positions = (np.concatenate(column) for column in zip(*each, strict=True))
    return codes, positions


def _said(texts: pa.Array, known: _Known) -> tuple[np.ndarray, np.ndarray]:
    """Find known words in the texts of one piece."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = pc.fill_null(texts.cast(pa.large_string()), "")
    empty, ending = (pa.scalar(text, texts.type) for text in ("", "\n"))
    whole = pc.binary_join_element_wise(texts, empty, ending)
    ends = np.cumsum(pc.binary_length(whole).to_numpy())
    raw = memoryview(whole.buffers()[2])[: ends[-1]].tobytes()
    # Room for a look of eight bytes at the last word.
    said = np.frombuffer(bytearray(raw.lower() + b"\n" * 8), np.uint8)
    codes, places = known.foreign(raw, said)
    starts, stops = _words(said, known.pairs)
    more, which = known.among(said, starts, stops)
    places = np.concatenate((places, starts[which]))
    return np.concatenate((codes, more)), np.searchsorted(ends, places, "right")


def _words(said: np.ndarray, pairs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where words begin and end: the letters and digits of a run, and what they enclose.

    A run is of characters that a word can have inside; the first letter or digit begins its
    one word, what cannot be last is left off at the end.  Words that do not begin with one
    of `pairs` of bytes may be left out.
    """
    import numpy as np

    kinds = _kinds()[said]
    inside = kinds > 0
    edges = np.flatnonzero(inside[1:] != inside[:-1]) + 1
    if inside[0]:
        edges = np.concatenate(([0], edges))
    # A piece ends with line breaks, so that every run has an end.
    starts, stops = edges[::2], edges[1::2]
    two: np.ndarray = np.ndarray((len(said) - 1,), "<u2", said, strides=(1,))
    likely = np.flatnonzero(pairs[two[starts]] | (kinds[starts] != _LETTER))
    starts, stops = starts[likely], stops[likely]
    _move(starts, 1, kinds, (_LETTER,), starts, stops)
    _move(stops, -1, kinds, (_LETTER, _ALSO_LAST), starts, stops)
    whole = np.flatnonzero(starts < stops)
    return starts[whole], stops[whole]


def _move(
    ends: np.ndarray,
    step: int,
    kinds: np.ndarray,
    wanted: tuple[int, ...],
    starts: np.ndarray,
    stops: np.ndarray,
) -> None:
    """Move ends of runs inwards, in place, until they are at a character that is wanted."""
    import numpy as np

    look = 0 if step > 0 else -1
    there = np.zeros(256, bool)
    there[list(wanted)] = True
    off = np.flatnonzero(~there[kinds[ends + look]])
    for _ in range(_STEPS):
        if not len(off):
            return
        ends[off] += step
        off = off[starts[off] < stops[off]]
        off = off[~there[kinds[ends[off] + look]]]
    # A rule of a thousand dashes is not walked along.
    places = np.flatnonzero(there[kinds])
    if step > 0:
        ends[off] = np.append(places, len(kinds))[np.searchsorted(places, ends[off])]
    else:
        ends[off] = np.append(-1, places)[np.searchsorted(places, ends[off])] + 1


_STEPS = 100
_GAP = re.compile(rb"[ \n]")
_ALSO_LAST, _NEVER_LAST, _LETTER = 1, 2, 3


@functools.cache
def _kinds() -> np.ndarray:
    """Return what each byte is in a word; 0: it ends one."""
    import numpy as np

    kinds = np.zeros(256, np.uint8)
    kinds[list(_INSIDE)] = _ALSO_LAST
    kinds[list(_NOT_LAST)] = _NEVER_LAST
    kinds[list(_LETTERS)] = _LETTER
    return kinds


class _Known:
    """A vocabulary: a word of up to 16 bytes is its length, its first and its last eight.

    Those three are one number, such that no two words have the same one.  Longer words are
    few, and looked up as they are.
    """

    def __init__(self, vocabulary: list[str]) -> None:
        import numpy as np

        self.met: dict[bytes, list[int]] = {}
        self.every = {word: n for n, word in enumerate(vocabulary)}
        encoded = [word.encode() for word in vocabulary]
        said = np.frombuffer(b"".join(word + b"\n" * 8 for word in encoded), np.uint8)
        lengths = np.array([len(word) for word in encoded], np.int64)
        stops = np.cumsum(lengths + 8) - 8
        first, last = _ends(said, stops - lengths, stops)
        self.pairs = np.zeros(1 << 16, bool)
        self.pairs[(first & np.uint64(0xFFFF)).astype(np.int64)] = True
        alone = first[lengths == 1].astype(np.int64)
        self.pairs[(alone[:, None] + (np.arange(256) << 8)).ravel()] = True
        self.begins = np.zeros(1 << 16, bool)
        self.begins[_short(first)] = True
        self.long = {word: n for n, word in enumerate(encoded) if len(word) > _LONGEST}
        short = np.flatnonzero(lengths <= _LONGEST)
        self.salt = 0
        while True:
            keys = self._keys(first[short], last[short], lengths[short])
            order = np.argsort(keys)
            keys = keys[order]
            if (keys[1:] != keys[:-1]).all():
                break
            self.salt += 1
        self.keys, self.codes = keys, short[order]
        self.first, self.last, self.lengths = first, last, lengths

    def _keys(self, first: np.ndarray, last: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        import numpy as np

        odd = np.uint64(0xC2B2AE3D27D4EB4F + 2 * self.salt)
        keys: np.ndarray = (first * odd) ^ (last + lengths.astype(np.uint64)) * np.uint64(_ODD)
        return keys

    def foreign(self, raw: bytes, said: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the codes of the known words where not all is ASCII, and their places.

        From one space or line break to the next: what is between is normalised, and taken
        out of `said`.  No character changes another one across a space.
        """
        import numpy as np

        codes: list[int] = []
        places: list[int] = []
        begin = 0
        high = said >= 128
        high[1:] &= said[:-1] < 128
        for at in np.flatnonzero(high).tolist():
            if at < begin:
                continue
            begin = max(raw.rfind(b" ", begin, at), raw.rfind(b"\n", begin, at), begin - 1) + 1
            end = _GAP.search(raw, at).start()  # type: ignore[union-attr]  # texts end with one
            text = raw[begin:end]
            if text not in self.met:  # most are names, and come again
                each = (self.every.get(word, -1) for word in words(text.decode()))
                self.met[text] = [code for code in each if code >= 0]
            codes += self.met[text]
            places += [begin] * len(self.met[text])
            said[begin:end] = ord(" ")
            begin = end
        return np.array(codes, np.int64), np.array(places, np.int64)

    def among(
        self, said: np.ndarray, starts: np.ndarray, stops: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the codes of the known words among those of `said`, and which ones they are.

        `said` goes on for eight bytes or more after the last one.
        """
        import numpy as np

        first, last = _ends(said, starts, stops)
        which = np.flatnonzero(self.begins[_short(first)])
        first, last, lengths = first[which], last[which], (stops - starts)[which]
        codes = np.full(len(which), -1)
        if len(self.keys):
            at = np.searchsorted(self.keys, self._keys(first, last, lengths))
            like = self.codes[np.minimum(at, len(self.keys) - 1)]
            same = (self.first[like] == first) & (self.last[like] == last)
            same &= self.lengths[like] == lengths
            codes[same] = like[same]
        if self.long:
            for n in np.flatnonzero(lengths > _LONGEST).tolist():
                word = said[starts[which[n]] : stops[which[n]]].tobytes()
                codes[n] = self.long.get(word, -1)
        known = codes >= 0
        return codes[known], which[known]


_LONGEST = 16
_ODD = 0x9E3779B97F4A7C15


def _ends(said: np.ndarray, starts: np.ndarray, stops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the first and the last eight bytes of words, as numbers; of a short one all."""
    import numpy as np

    eight: np.ndarray = np.ndarray((len(said) - 7,), "<u8", said, strides=(1,))
    short = np.minimum(stops - starts, 8)
    mask = np.array([(1 << 8 * n) - 1 for n in range(9)], np.uint64)[short]
    return eight[starts] & mask, eight[stops - short] & mask


def _short(first: np.ndarray) -> np.ndarray:
    """Return a number below 2^16 that equal ones share."""
    import numpy as np

    return (first * np.uint64(_ODD)) >> np.uint64(48)
