"""When two people wrote the same sentence: a hash that forgets how it was typed."""

from __future__ import annotations

import hashlib
import re
import unicodedata

_SENTENCE_MARKS = re.compile(r"""(?<=[^\s.,;:!?])[.,;:!?]+(?=["'\u201d\u2019\u00bb)\]]*(?:\s|$))""")


def normal_text(text: str) -> str:
    r"""Return a text without what does not change its meaning.

    Unicode forms that look alike become one (NFKC), case is folded, white space collapses
    to single spaces, and the marks that end a sentence or a clause (``. , ; : ! ?`` before
    white space, a closing quote or bracket, or the end) go.  Every other mark stays: it is
    all that tells ``C`` from ``C++``, ``x < 3`` from ``x > 3``, ``1`` from ``-1``.

    Examples
    --------
    >>> normal_text("  Add retry\n logic. ")
    'add retry logic'
    >>> normal_text("Use C++, not C#!")
    'use c++ not c#'
    >>> normal_text("At 3.5 s node.js x != 3")
    'at 3.5 s node.js x != 3'
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(_SENTENCE_MARKS.sub("", " ".join(folded.split())).split())


def content_hash(text: str) -> str:
    """Return the SHA-256 of :func:`normal_text`, 64 hexadecimal digits.

    Examples
    --------
    >>> content_hash("add retry logic") == content_hash("Add retry logic.")
    True
    >>> content_hash("use C") == content_hash("use C++")
    False
    """
    return hashlib.sha256(normal_text(text).encode("utf-8", "surrogatepass")).hexdigest()
