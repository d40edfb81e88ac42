"""Polarity: whether a text affirms or denies, from its words.

Similarity is no agreement: "always validate" lies closer to "never validate" than to most
paraphrases of either.  So which side a text is on is read from its words, never from a cosine.

Negation by cue words, as in Chapman et al., *NegEx*, J. Biomed. Inform. 34 (2001); two in one
sentence part cancel.  English only.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

_DENIES = frozenset(
    [
        *("not", "no", "never", "none", "nothing", "nobody", "nor", "neither", "cannot"),
        *("without", "avoid", "avoids", "avoided", "avoiding", "refuse", "refuses", "refused"),
        *("stop", "stops", "stopped", "forbid", "forbids", "forbidden", "forbade", "reject"),
        *("rejects", "rejected", "lack", "lacks", "lacking", "unlike", "against", "drop"),
        *("drops", "dropped", "harmful", "wrong", "worse", "fails", "fail", "failed", "hardly"),
        *("rarely", "seldom", "useless", "unnecessary", "unneeded", "unsafe", "discourage"),
        *("discouraged", "deny", "denies", "prohibit", "prohibits", "prohibited", "mistake"),
        *("abandon", "abandoned", "dont", "cant", "wont", "shouldnt", "isnt", "doesnt", "banned"),
    ]
)
"""Words that deny what is said with them."""

# Phrases in which a word of `_DENIES` denies nothing.
_HARMLESS = re.compile(
    r"\b(?:not only|no matter|no doubt|no longer than|not just|not least|why not"
    r"|stop(?:ped)? (?:at|by)|fail(?:s|ed)? (?:fast|early|loudly)"
    r"|drop(?:s|ped)? (?:in|into|down))\b"
)
_CONTRACTED = re.compile(r"n['\u2019]t\b")
_WORD = re.compile(r"[^\W_]+(?:[-'+#.][^\W_]+)*[+#]*")
_PARTS = re.compile(
    r"[.;:!?\n]+(?=\s|$)|,\s|\b(?:but|because|since|so that|unless|although|though|while|whereas"
    r"|if|when|instead of|rather than)\b"
)

_OPPOSITES = (
    *(("always", "never"), ("enable", "disable"), ("allow", "forbid"), ("accept", "reject")),
    *(("mutable", "immutable"), ("sync", "async"), ("synchronous", "asynchronous")),
    *(("safe", "unsafe"), ("good", "bad"), ("better", "worse"), ("fast", "slow")),
    *(("faster", "slower"), ("add", "remove"), ("include", "exclude"), ("public", "private")),
    *(("on", "off"), ("true", "false"), ("more", "less"), ("many", "few"), ("before", "after")),
    *(("early", "late"), ("eager", "lazy"), ("eagerly", "lazily"), ("implicit", "explicit")),
    *(("static", "dynamic"), ("stateless", "stateful"), ("prefer", "avoid"), ("keep", "drop")),
    *(("keep", "remove"), ("raise", "swallow"), ("required", "optional"), ("all", "none")),
    *(("local", "global"), ("local", "remote"), ("strict", "lenient"), ("simple", "complex")),
    *(("increase", "decrease"), ("first", "last"), ("start", "stop"), ("open", "close")),
    *(("small", "large"), ("short", "long"), ("useful", "useless"), ("helps", "hurts")),
    *(("cheap", "expensive"), ("require", "forbid"), ("encourage", "discourage")),
    *(("with", "without"), ("merge", "split"), ("together", "apart"), ("same", "different")),
    *(("single", "multiple"), ("single", "several"), ("one", "many"), ("use", "avoid")),
)
_OPPOSITE: dict[str, set[str]] = {}
for _a, _b in _OPPOSITES:
    _OPPOSITE.setdefault(_a, set()).add(_b)
    _OPPOSITE.setdefault(_b, set()).add(_a)

_EMPTY = frozenset(
    [
        *("a", "an", "the", "we", "i", "you", "it", "is", "are", "be", "was", "were", "to", "of"),
        *("do", "does", "did", "should", "must", "will", "would", "can", "could", "may", "and"),
        *("or", "in", "for", "that", "this", "these", "those", "our", "your", "its", "ever"),
        *("as", "at", "by", "has", "have", "had", "need", "needs", "let", "us", "should", "please"),
    ]
)


def polarity(text: str) -> int:
    """Return whether a text affirms (1), denies (-1) or says neither (0).

    It denies when its main part has an odd number of negations: the part before the first
    "but", "because", "when" and the like, a comma or the end of the sentence, and the next
    one where that part holds no statement.  A question, and a text without words, say
    neither.

    Examples
    --------
    >>> polarity("Always validate input"), polarity("Never validate input")
    (1, -1)
    >>> polarity("Don't mock the database"), polarity("Not only fast, but small")
    (-1, 1)
    >>> polarity("Is a cache needed?"), polarity("...")
    (0, 0)
    """
    plain = _plain(text)
    if plain.rstrip(" \"')]").endswith("?"):
        return 0
    main = _main(plain)
    if not main:
        return 0
    return -1 if sum(_denying(word) for word in main) % 2 else 1


def opposed(a: str, b: str, *, overlap: float = 0.4) -> bool:
    """Return whether two texts about the same thing say the opposite of each other.

    They do when most words of their main parts agree and an odd number of negations and opposites
    ("enable" here, "disable" there) lies between them.

    Parameters
    ----------
    a, b : str
    overlap : float
        Least share of common words, 0..1: of the content words of the shorter text.

    Examples
    --------
    >>> opposed("Always validate input", "Never validate input")
    True
    >>> opposed("Enable the cache", "Disable the cache")
    True
    >>> opposed("Validate input", "Always validate the input")
    False
    >>> opposed("Never use threads", "Always write tests")
    False
    """
    if polarity(a) == 0 or polarity(b) == 0:
        return False
    # In a fixed order, so that opposition is mutual.
    one, other = sorted((_content(a), _content(b)), key=lambda words: sorted(words.items()))
    flips = 0
    for word in sorted(set(one) - set(other)):
        against = next((w for w in sorted(_OPPOSITE.get(word, ())) if w in other), None)
        if against is not None and against not in one:
            del one[word], other[against]
            flips += 1
    flips += sum(n for words in (one, other) for word, n in words.items() if _denying(word))
    said, again = ({w for w in words if not _denying(w)} - {"always"} for words in (one, other))
    if not said or not again:
        return False
    return flips % 2 == 1 and len(said & again) / min(len(said), len(again)) >= overlap


def _plain(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).casefold()
    plain = _HARMLESS.sub(" ", plain)
    return _CONTRACTED.sub(" not", plain)


def _main(plain: str) -> list[str]:
    """Return the words of the first part that states something."""
    parts = [words for part in _PARTS.split(plain) if (words := _WORD.findall(part))]
    return next((part for part in parts if set(part) - _EMPTY), parts[0] if parts else [])


def _denying(word: str) -> bool:
    return word in _DENIES or word.startswith("non-")


def _content(text: str) -> Counter[str]:
    words = (_folded(word) for word in _main(_plain(text)))
    return Counter(word for word in words if word not in _EMPTY)


def _folded(word: str) -> str:
    """Fold a plural or a third person onto its singular."""
    plain = len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is"))
    return word[:-1] if plain and word not in _DENIES and word not in _OPPOSITE else word
