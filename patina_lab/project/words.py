"""What an event says, and the words that texts are compared by.

Words are normalised (NFKC, lower case) and English plurals fold onto their singular (the
"S-stemmer": Harman, JASIS 42(1), 1991); signs stay part of a word, so C is not C++.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from patina_lab.projections.terms import words

_SPOKEN = (
    *("content", "decision", "belief", "pattern_name", "rationale", "context", "alternatives"),
    "domains",
)


def stems(text: str) -> list[str]:
    """Return the words of a text, plurals folded.

    Examples
    --------
    >>> stems("Policies for C++ classes in error_handling.py")
    ['policy', 'c++', 'classe', 'error_handling.py']
    """
    return [_stem(word) for word in words(text)]


def _stem(word: str) -> str:
    if len(word) > 4 and word.endswith("ies") and not word.endswith(("eies", "aies")):
        return f"{word[:-3]}y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("us", "ss")):
        return word[:-1]
    return word


def spoken_in(data: Mapping[str, Any]) -> str:
    """Return all that a payload says in words."""
    known = [part for key in _SPOKEN for part in _list(data.get(key))]
    # A name such as errors_as_values is found by its words, too.
    known += [part.replace("_", " ") for part in _list(data.get("pattern_name")) if "_" in part]
    if not known:
        known = [value for value in data.values() if isinstance(value, str)]
    return "\n".join(known)


def domains_in(data: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the domains that a payload names."""
    return tuple(_list(data.get("domains")))


def _list(value: Any) -> list[str]:
    if isinstance(value, list):
        return [item for item in value if isinstance(item, str)]
    return [value] if isinstance(value, str) else []
