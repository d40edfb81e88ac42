"""Which words of a vocabulary stand in which texts, found in the bytes of all texts at once.

The same words as `terms.words` finds, text by text: what is ASCII is read as it is, the
rest normalised first.  Bytes are translated so that one comparison tells what a byte is; a
word is looked for by what it begins with, at all places of a piece of text in one step.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from patina_lab.projections.order import distinct, order, spread
from patina_lab.projections.terms import words

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

_PIECE = 1 << 20
"""Bytes looked at in one step: many, since each step costs, but what a processor's cache holds."""

# What a byte becomes: the greater, the more it can be in a word.
_GAP = 0
_SIGN, _NOT_LAST = 0x21, b"'-."
"""What a word may have inside, but not at an end: 0x21, …"""
_LAST, _ALSO_LAST = 0x25, b"_+#"
"""What it may have at its end as well: 0x25, …"""
_LETTER = 0x30
"""The least of the digits and letters, which stay what they are."""

_WALK = 16
"""Signs that are followed at once."""
_STEPS = 32
"""How often, before all that follow are looked at."""

_NEAR = 32
"""How far the ends of a word with other letters are looked for at once."""

_BREAK = re.compile(rb"[ \n]")

_WIDE = 7
"""Bytes of a word that are one key: of eight, the first gap among them has to be seen."""
_FULL = 1 << 8 * (_WIDE - 1)
"""The least key of so many bytes: more of the word may follow."""
_SEVENS = 0x7F7F7F7F7F7F7F7F

_SLOTS = 16
"""Bits of the number of a slot."""
_ODD = 0x9E3779B97F4A7C15


def spoken(
    texts: pa.Array, vocabulary: list[str], most: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Find words in texts.

    Parameters
    ----------
    texts : pyarrow.Array or ChunkedArray of string
        NULL is a text without words.  Texts that all end with a line break are not copied.
    vocabulary : list of str
        Distinct words, such as `terms.words` gives.
    most : int or None
        A word that more texts than this have need not be found in all of them, but in more
        than this; None: in all.

    Returns
    -------
    (codes, positions)
        Places in `vocabulary` and in `texts`, one for each word and text that has it; by
        word, then by text.

    Notes
    -----
    Once a word was found in more texts than `most`, it is not looked for any more.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    none = np.zeros(0, np.int32)
    if not vocabulary:
        return none, none
    known = _Known(vocabulary)
    chunks = texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]
    each = [(none, none)]
    had = np.zeros(len(vocabulary), np.int64)
    before = 0
    for chunk in chunks:
        chunk = pc.fill_null(chunk.cast(pa.large_string()), "")
        _, offsets, data = chunk.buffers()
        at = np.frombuffer(offsets, np.int64)[chunk.offset : chunk.offset + len(chunk) + 1]
        if not _ended(at, data):
            empty, ending = (pa.scalar(text, chunk.type) for text in ("", "\n"))
            chunk = pc.binary_join_element_wise(chunk, empty, ending)
            _, offsets, data = chunk.buffers()
            at = np.frombuffer(offsets, np.int64)[: len(chunk) + 1]
        raw = memoryview(data)
        begin = 0
        while begin < len(chunk):
            # Whole texts: no word goes from one piece into the next.
            upto = int(np.searchsorted(at, at[begin] + _PIECE, "right")) - 1
            upto = min(max(upto, begin + 1), len(chunk))
            codes, positions = _said(raw, at[begin : upto + 1], known)
            positions += before + begin
            each.append((codes, positions))
            if most is not None:
                had += np.bincount(codes, minlength=len(had))
                known.forget(np.flatnonzero(had > most))
            begin = upto
        before += len(chunk)
    codes, positions = (np.concatenate(column) for column in zip(*each, strict=True))
    del each  # what it held is used again
    placed = order(codes, len(vocabulary))
    return codes[placed], positions[placed]


def _ended(at: np.ndarray, data: pa.Buffer | None) -> bool:
    """Whether each text, from one place to the next one, ends with a line break."""
    import numpy as np

    if data is None or not (at[1:] > at[:-1]).all():
        return False
    return bool((np.frombuffer(data, np.uint8)[at[1:] - 1] == ord("\n")).all())


def _said(texts: memoryview, at: np.ndarray, known: _Known) -> tuple[np.ndarray, np.ndarray]:
    """Find known words in the texts of one piece; each once a text, by word and text.

    Texts go from one place of `at` to the next one, and end with a line break.
    """
    import numpy as np

    # Gaps before the first text and after the last one: room to look there.
    room = b"\n" * _NEAR
    raw = b"".join((room, texts[at[0] : at[-1]], room))
    ends = at[1:] - at[0] + len(room)
    said = np.frombuffer(bytearray(raw).translate(_kinds()), np.uint8)
    foreign = known.foreign(raw, said)
    codes, places = known.among(said, _words(said))
    if len(foreign[0]):
        between = np.searchsorted(places, foreign[1])
        codes = np.insert(codes, between, foreign[0])
        places = np.insert(places, between, foreign[1])
    # A word and its text as one number, and in the order of these.
    bits = len(ends).bit_length()
    spoken = np.diff(np.searchsorted(places, ends), prepend=0)
    both: np.ndarray = codes.astype(np.int32 if len(known.keys) << bits < 1 << 31 else np.int64)
    both <<= bits
    both |= np.repeat(np.arange(len(ends), dtype=both.dtype), spoken)
    both = distinct(both[order(codes, len(known.keys))])
    return both >> bits, both & ((1 << bits) - 1)


def _words(said: np.ndarray) -> np.ndarray:
    """Return where words begin, and put a gap where one ends.

    A run is of bytes that a word can have inside.  Its first letter or digit begins its one
    word, which ends with the last byte that can be last.
    """
    import numpy as np

    letter = said >= _LETTER
    inside = said > _GAP
    sign = inside > letter
    begins = np.zeros(len(said), bool)
    np.greater(letter[1:], inside[:-1], out=begins[1:])
    # A letter after one sign, or after several, begins a word where there is a gap before them.
    after = letter[2:] & sign[1:-1]
    begins[2:] |= after > inside[:-2]
    several = np.flatnonzero(after & sign[:-2]) + 2
    begins[several[_beyond(several - 2, -1, said, _LETTER)]] = True
    # A sign after what could be last ends a word where only such signs follow.
    sign &= said < _LAST
    after = sign[1:-1] > sign[:-2]
    after &= inside[:-2]
    several = np.flatnonzero(after & sign[2:]) + 1
    ends = several[_beyond(several + 1, 1, said, _LAST)]
    said[1:-1] *= after <= inside[2:]
    said[ends] = _GAP
    return np.flatnonzero(begins)


def _beyond(places: np.ndarray, step: int, said: np.ndarray, other: int) -> np.ndarray:
    """Whether the first byte that is no sign, from each place on, is a gap.

    Signs are here all bytes less than `other`, but for gaps.
    """
    import numpy as np

    found = np.zeros(len(places), bool)
    left = np.arange(len(places))
    for _ in range(_STEPS):
        if not len(left):
            return found
        rows = _rows(said, places if step > 0 else places - (_WALK - 1), _WALK)[:, ::step]
        stop = (rows == _GAP) | (rows >= other)
        at = stop.argmax(axis=1)[:, None]
        found[left] = np.take_along_axis(rows == _GAP, at, 1)[:, 0]
        on = np.flatnonzero(~np.take_along_axis(stop, at, 1)[:, 0])
        left, places = left[on], places[on] + step * _WALK
    # A rule of a thousand dashes is not walked along.
    stops = np.flatnonzero((said == _GAP) | (said >= other))
    at = stops[np.searchsorted(stops, places) - (step < 0)]
    found[left] = said[at] == _GAP
    return found


def _rows(said: np.ndarray, begins: np.ndarray, width: int) -> np.ndarray:
    """Return the bytes from each place on."""
    import numpy as np

    rows: np.ndarray = np.ndarray((len(said) - width + 1, width), np.uint8, said, strides=(1, 1))[
        begins
    ]
    return rows


@functools.cache
def _kinds() -> bytes:
    """Return what each byte becomes; capital letters become small ones."""
    kinds = bytearray(128) + bytearray(range(128, 256))
    for first, signs in ((_SIGN, _NOT_LAST), (_LAST, _ALSO_LAST)):
        for n, byte in enumerate(signs):
            kinds[byte] = first + n
    for byte in b"abcdefghijklmnopqrstuvwxyz0123456789":
        kinds[byte] = byte
    for byte in b"ABCDEFGHIJKLMNOPQRSTUVWXYZ":
        kinds[byte] = byte | 0x20
    return bytes(kinds)


class _Known:
    """A vocabulary: a word is found by its first seven bytes and the next seven, its keys.

    A slot of a table has one of the words whose keys fall into it, and each word the next
    one.  What comes after twenty bytes, in few words, is compared as it is.
    """

    def __init__(self, vocabulary: list[str]) -> None:
        import numpy as np

        self.met: dict[bytes, list[int]] = {}
        self.every = {word: n for n, word in enumerate(vocabulary)}
        self.words = [word.encode().translate(_kinds()) for word in vocabulary]
        room = bytes(_NEAR)
        said = np.frombuffer(b"".join(word + room for word in self.words), np.uint8)
        starts = np.cumsum([0, *(len(word) + len(room) for word in self.words[:-1])])
        self.keys, self.more = _keys(said, starts)
        self.rest = np.zeros_like(self.keys)
        long = np.flatnonzero(self.more >= np.uint64(_FULL))
        self.rest[long] = _seven(said, starts[long] + 2 * _WIDE)
        # Where not all is ASCII, words are found in another way.
        self.gone = np.array([not word.isascii() for word in self.words])
        self._file()

    def _file(self) -> None:
        """Put those that are looked for into their slots."""
        import numpy as np

        self.slots = np.full(1 << _SLOTS, -1, np.int32)
        self.next = np.full(len(self.keys), -1, np.int32)
        left = np.flatnonzero(~self.gone)
        slot = _slots(self.keys[left], self.more[left])
        placed = order(slot, 1 << _SLOTS)
        left, slot = left[placed], slot[placed]
        last = np.ones(len(slot), bool)
        last[:-1] = slot[1:] != slot[:-1]
        self.slots[slot[last]] = left[last]
        same = np.flatnonzero(~last)
        self.next[left[same + 1]] = left[same]

    def forget(self, codes: np.ndarray) -> None:
        """Look for these words no more."""
        if not self.gone[codes].all():
            self.gone[codes] = True
            self._file()

    def foreign(self, raw: bytes, said: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the codes of the known words where not all is ASCII, and their places.

        From one space or line break to the next: what is between is normalised, and taken
        out of `said`.  No character changes another one across a space.
        """
        import numpy as np

        none = np.zeros(0, np.int32)
        high = np.flatnonzero(said >= 128)
        if not len(high):
            return none, none
        begins, ends = _around(raw, high[np.append(True, high[1:] != high[:-1] + 1)])
        said[spread(begins, ends - begins)] = _GAP
        found: list[tuple[int, int]] = []
        met = self.met
        for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
            text = raw[begin:end]
            if text not in met:  # most are names, and come again
                each = (self.every.get(word, -1) for word in words(text.decode()))
                met[text] = [code for code in each if code >= 0]
            if met[text]:
                found += [(code, begin) for code in met[text]]
        codes, places = np.array(found, np.int32).reshape(-1, 2).T
        return codes, places

    def among(self, said: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the codes of the known words among those of `said`, and where they begin.

        `said` has gaps where words end, and goes on after the last one.
        """
        import numpy as np

        keys, more = _keys(said, starts)
        codes = self.slots[_slots(keys, more)]
        which = np.flatnonzero(codes >= 0)
        codes, keys, more = codes[which], keys[which], more[which]
        same = self._are(codes, keys, more, said, starts, which)
        # Those that are not the first word of their slot: the next one, and the next.
        left = np.flatnonzero(~same)
        while len(left):
            codes[left] = self.next[codes[left]]
            left = left[codes[left] >= 0]
            same[left] = self._are(codes[left], keys[left], more[left], said, starts, which[left])
            left = left[~same[left]]
        found = np.flatnonzero(same)
        return codes[found], starts[which[found]]

    def _are(
        self,
        codes: np.ndarray,
        keys: np.ndarray,
        more: np.ndarray,
        said: np.ndarray,
        starts: np.ndarray,
        which: np.ndarray,
    ) -> np.ndarray:
        """Whether the words that begin at ``starts[which]`` are those with these codes."""
        import numpy as np

        same: np.ndarray = (self.keys[codes] == keys) & (self.more[codes] == more)
        long = np.flatnonzero(same & (more >= np.uint64(_FULL)))
        rest = _seven(said, starts[which[long]] + 2 * _WIDE)
        same[long] = self.rest[codes[long]] == rest
        for n in long[rest >= np.uint64(_FULL)].tolist():
            word, begin = self.words[codes[n]], int(starts[which[n]])
            same[n] = said[begin : begin + len(word) + 1].tobytes() == word + bytes([_GAP])
        return same


def _around(raw: bytes, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the stretches from a space or line break to the next that have sorted places."""
    import numpy as np

    def gaps(begins: np.ndarray) -> np.ndarray:
        rows = _rows(np.frombuffer(raw, np.uint8), begins, _NEAR)
        found: np.ndarray = (rows == ord(" ")) | (rows == ord("\n"))
        return found

    before, after = gaps(places - _NEAR)[:, ::-1], gaps(places)
    begins, ends = places - before.argmax(axis=1), places + after.argmax(axis=1)
    begin = end = 0
    for n in np.flatnonzero(~(before.any(axis=1) & after.any(axis=1))).tolist():
        at = int(places[n])
        if at >= end:  # a long one has many places, and is looked for once
            begin = max(raw.rfind(b" ", 0, at), raw.rfind(b"\n", 0, at)) + 1
            end = _BREAK.search(raw, at).start()  # type: ignore[union-attr]  # it ends with some
        begins[n], ends[n] = begin, end
    once = np.append(True, begins[1:] != begins[:-1])
    return begins[once], ends[once]


def _keys(said: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the first seven bytes of words, and the next seven, as numbers."""
    import numpy as np

    keys = _seven(said, starts)
    more = np.zeros_like(keys)
    full = np.flatnonzero(keys >= np.uint64(_FULL))
    more[full] = _seven(said, starts[full] + _WIDE)
    return keys, more


def _slots(keys: np.ndarray, more: np.ndarray) -> np.ndarray:
    """Return the slot of each key."""
    import numpy as np

    mixed = more * np.uint64(_ODD)
    mixed += keys
    mixed *= np.uint64(_ODD)
    mixed >>= np.uint64(64 - _SLOTS)
    slots: np.ndarray = mixed.view(np.int64)
    return slots


def _seven(said: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Return seven bytes, up to the first gap, as a number."""
    import numpy as np

    each: np.ndarray = np.ndarray((len(said) - _WIDE,), "<u8", said, strides=(1,))
    eight = each[starts]
    # No byte is above 127.  Those that are no gap fill up, and what is added to the lowest
    # stops at the first gap.
    seven: np.ndarray = eight + np.uint64(_SEVENS)
    seven |= np.uint64(_SEVENS)
    seven ^= seven + np.uint64(1)
    seven >>= np.uint64(8)
    seven &= eight
    return seven
