"""Orders of whole numbers, what lies one after another in them, and memory for both."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

_DIGIT = 16
"""Bits that are sorted at once: for as many, numpy counts instead of comparing."""

_MOST = 1 << 22
"""Numbers that are sorted by digits: that takes thrice their own memory."""


def keep_freed() -> None:
    """Let the arrays of a long computation be made of memory that earlier ones gave back.

    glibc asks the system for each block above a limit, and gives it back at once: every
    array is then paid for page by page.  The limit is the largest such block that was freed
    so far, up to 32 MB; here one is, untouched.  Elsewhere this does nothing.
    """
    import numpy as np

    np.empty(31 << 20, np.uint8)


def order(numbers: np.ndarray, most: int) -> np.ndarray:
    """Return the stable order of numbers, not negative and below `most`.

    Short numbers are sorted by their digits, the last one first.
    """
    import numpy as np

    if most > 1 << 2 * _DIGIT:
        return np.argsort(numbers, kind="stable")
    placed: np.ndarray = np.argsort(numbers.astype(np.uint16), kind="stable")
    if most > 1 << _DIGIT:
        high = (numbers >> _DIGIT).astype(np.uint16)
        placed = placed[np.argsort(high[placed], kind="stable")]
    return placed


def ascending(numbers: np.ndarray, bits: int) -> np.ndarray:
    """Return numbers of so many bits, not negative, in their order; they may be moved.

    By their digits, as `order` does, but for so many that the room for it would count.
    """
    import numpy as np

    if len(numbers) > _MOST:
        numbers.sort()
        return numbers
    for shift in range(0, bits, _DIGIT):
        digit = (numbers >> shift).astype(np.uint16)
        numbers = numbers[np.argsort(digit, kind="stable")]
    return numbers


def distinct(ordered: np.ndarray) -> np.ndarray:
    """Return sorted numbers, each once."""
    import numpy as np

    fresh = np.ones(len(ordered), bool)
    np.not_equal(ordered[1:], ordered[:-1], out=fresh[1:])
    return ordered[fresh]


def steps(lengths: np.ndarray) -> np.ndarray:
    """Return 0, 1, … for each length, one after another."""
    import numpy as np

    counted: np.ndarray = np.arange(lengths.sum())
    counted -= np.repeat(np.cumsum(lengths) - lengths, lengths)
    return counted


def spread(begins: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return the places of stretches, one after another."""
    import numpy as np

    places: np.ndarray = np.arange(lengths.sum())
    places += np.repeat(begins - (np.cumsum(lengths) - lengths), lengths)
    return places
