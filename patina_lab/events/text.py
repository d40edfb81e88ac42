"""When two texts say the same: the content hash by which observations are deduplicated."""

from __future__ import annotations

import hashlib
import re
import unicodedata

# A mark ends a sentence, or stands in one, only where no word goes on behind it: so "C++",
# "C#", ".net", "x < 3", "-1", "a.py" and "don't" stay what they are.
_QUOTES = "\"'\u201c\u201d\u2018\u2019"
_SENTENCE = re.compile(rf"[.,;:!?…]+(?=[\s)\]{_QUOTES}]|$)|(?<!\w)[{_QUOTES}]|[{_QUOTES}](?!\w)")


def normalised(text: str) -> str:
    r"""Return a text without what does not change its meaning.

    Unicode compatibility forms (NFKC), case, white space and the punctuation of sentences
    go; signs that are part of a word stay.

    Examples
    --------
    >>> normalised("Add  retry\nlogic.")
    'add retry logic'
    >>> normalised("“Use C++!”"), normalised("use C")
    ('use c++', 'use c')
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    plain = unicodedata.normalize("NFKC", plain)  # casefolding can undo the first
    return " ".join(_SENTENCE.sub(" ", plain).split())


def text_hash(text: str) -> str:
    """Return the SHA-256 of the normalised text, 64 hexadecimal digits.

    Two texts with the same hash say the same.  It is no identity: an event has its own
    (:func:`patina_lab.events.identity.event_id`).

    Examples
    --------
    >>> text_hash("Use C.") == text_hash("use c"), text_hash("use C") == text_hash("use C++")
    (True, False)
    """
    return hashlib.sha256(normalised(text).encode("utf-8", "surrogatepass")).hexdigest()
