"""Boilerplate: texts that a form, a tool or a chore wrote, and that say nothing to believe.

Five signs:

========== ======================================================================================
template   the same sentence again and again but for numbers, hashes, paths and quoted names; or
           the very same words in many sources of one author
no content not one word that is not common to most projects.  What every project writes all the
           time (fix, typo, update, release notes) carries no information about this one: a word's
           weight falls with the number of collections that use it (Spärck Jones, *J. Doc.* 28,
           1972; as "weirdness" against a background: Ahmad et al., TREC-8, 1999)
chore      a type of the Conventional Commits (1.0.0, with the types of the Angular convention)
           that by its definition changes nothing that the project does: ``build, chore, ci, docs,
           style``
robot      everybody who wrote it is one: GitHub names them ``…[bot]``
default    the subject that git or GitHub proposes for a merge, a revert, a squash, an upload, or a
           change that a review suggested
========== ======================================================================================

The common words are in ``common.txt``; ``benchmarks/common_words.py`` makes it and says of what.
English only: where a text has other words, it has content.
"""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING

from patina_lab.events.text import normalised, text_hash

if TYPE_CHECKING:
    from patina_lab.beliefs.observed import Observation

VERBATIM_SESSIONS = 10
"""In so many sources of one author a text that never changes is a template."""

LEAST = 5
"""So many different texts are one template."""

CHORES = frozenset({"build", "chore", "ci", "docs", "style"})
"""Types of the convention whose commits change nothing that the project does."""

_TYPE = re.compile(r"(?P<type>[a-z]+)(?:\([^()\n]*\))?!?: ")
_TYPES = CHORES | {"feat", "fix", "perf", "refactor", "revert", "test"}
_DEFAULT = re.compile(
    r"add(?:ed)? files via upload$|apply suggestions? from |initial commit$"
    r"|merge (?:commit from fork$|commit '|pull request #\d|tag ')"
    r"|merge (?:remote-tracking )?branch(?:es)? '"
    r'|revert "|squashed commit of '
)
# Roots of words that say that something has changed, and not how.
_CHANGED = frozenset(
    {
        *("adjust", "bump", "chang", "changelog", "clean", "cleanup", "correct", "fix", "improv"),
        *("improvement", "modify", "modifi", "polish", "publish", "refactor", "refresh", "releas"),
        *("prepar", "regenerat", "rework", "tidi", "tidy", "tweak", "updat", "upgrad"),
    }
)
_SCOPE = re.compile(r"^[\w./-]+: ")  # git, Go, Linux: ``lexer: keep the last line``
# A rule says how it is always to be: its words are common, and it says something all the same.
_NORMS = frozenset({"always", "never", "must", "should", "shall", "prefer", "avoid"})
_FILLED = re.compile(r"`[^`]*`|\"[^\"]*\"|\b[0-9a-f]{7,40}\b|(?:[\w.-]+)?/[\w./-]+|\S*\d\S*")
_NAMELESS = re.compile(
    r"""\w+://\S+                                                # an address
    |   (?<![\w/])[\w.-]*/[\w./-]*\.\w+                          # the path of a file
    |   \b[\w-]+\.(?:adoc|cfg|ini|json|lock|md|rst|toml|txt|xml|ya?ml)\b
    |   \b[0-9a-f]{7,40}\b
    |   (?<![\w-])[v\#]?\d[\w.+-]*                               # a number, a version, an issue
    |   [\w.-]+@\d[\w.+-]*                                      # a package in a version
    """,
    re.VERBOSE,
)
_WORD = re.compile(r"[^\W_]\w*(?:['.-]\w+)*")
_ENDING = re.compile(r"(?:ing|ed|es|s|e)$")


def boilerplate(seen: Sequence[Observation]) -> frozenset[str]:
    """Return the texts that say nothing to believe.

    Parameters
    ----------
    seen : sequence of Observation

    Returns
    -------
    frozenset of str
        Text ids.
    """
    verbatim: dict[tuple[str, str, str], set[str]] = {}
    texts: dict[str, str] = {}
    people: set[str] = set()
    for one in seen:
        verbatim.setdefault((one.text_id, one.project, one.author), set()).add(one.session)
        texts.setdefault(one.text_id, one.text)
        if not one.author.endswith("[bot]"):
            people.add(one.text_id)
    found = {text for (text, _, _), where in verbatim.items() if len(where) >= VERBATIM_SESSIONS}
    found |= {
        text_id
        for text_id, text in texts.items()
        if text_id not in people or is_chore(text) or is_default(text) or not has_content(text)
    }
    return frozenset(found | templates(texts.values()))


def templates(texts: Iterable[str], *, least: int = LEAST) -> set[str]:
    """Return the hashes of texts that a template made.

    A template is what remains when numbers, hashes, dates, paths and quoted names are taken
    out; it counts where that makes at least so many different texts the same.

    Parameters
    ----------
    texts : iterable of str
    least : int
        Different texts of one template.

    Returns
    -------
    set of str
        See `patina_lab.events.text.text_hash`.

    Examples
    --------
    >>> found = templates(f"Last commit: {n} minutes ago" for n in range(9))
    >>> len(found), templates(["Use 3 workers", "Write tests"])
    (9, set())
    """
    filled: defaultdict[str, set[str]] = defaultdict(set)
    for text in texts:
        plain = normalised(text)
        template = _FILLED.sub("#", plain)
        if template != plain:
            filled[template].add(text_hash(text))
    return {each for hashes in filled.values() if len(hashes) >= least for each in hashes}


def is_chore(text: str) -> bool:
    """Return whether a text names itself a chore, in the form of a conventional commit.

    Examples
    --------
    >>> is_chore("chore(deps): raise the parser to 2.1"), is_chore("feat: raise an error")
    (True, False)
    """
    return _type(text) in CHORES


def is_default(text: str) -> bool:
    """Return whether git or GitHub proposed a text.

    Examples
    --------
    >>> is_default("Merge pull request #12 from ann/codec"), is_default("Merge codecs by name")
    (True, False)
    """
    return _DEFAULT.match(text.strip().casefold()) is not None


def has_content(text: str) -> bool:
    """Return whether a text has a word that is not common to most projects, or states a rule.

    Numbers, versions, addresses and names of documents are no words, and the one name of what
    only changed is none either: see `own_words`.

    Examples
    --------
    >>> [has_content(text) for text in ("Fix typos in README.md", "Bump version to 1.2.3")]
    [False, False]
    >>> [has_content(text) for text in ("Retry with a jitter", "Always run the tests")]
    [True, True]
    """
    return own_words(text) > 0


@functools.lru_cache(maxsize=1 << 15)  # a history looks at the same texts again and again
def own_words(text: str) -> int:
    """Return how many different words a text has that are not common, or belong to a rule.

    One less where it says of them only that they changed, or of one only its version.

    Examples
    --------
    >>> own_words("Retries with a jitter: retry once"), own_words("Update the tests")
    (4, 0)
    >>> own_words("deps: update the tokenizer"), own_words("Fix a race in the tokenizer")
    (0, 1)
    """
    words = text_words(text)
    rules = _NORMS.intersection(words)
    plain = _SCOPE.sub("", _untyped(text), count=1)
    told = _words(plain)
    changed = {root(word) for word in (*told[:1], *told[-1:])} & _CHANGED
    if not rules and (changed or (len(told) == 1 and _NAMELESS.search(plain))):
        return max(0, len({root(word) for word in told} - common_words() - _CHANGED) - 1)
    return len({root(word) for word in words} - common_words() | rules)


def text_words(text: str) -> list[str]:
    """Return the words of a text without its conventional type, numbers and documents' names.

    Examples
    --------
    >>> text_words("fix(cli): Read v2.0 of setup.cfg in UTF-8 by codec.read (#12)")
    ['read', 'of', 'in', 'utf-8', 'by', 'codec.read']
    """
    return _words(_untyped(text))


def _untyped(text: str) -> str:
    plain = text.strip()
    return plain.partition(": ")[2] if _type(plain) in _TYPES else plain


def _words(text: str) -> list[str]:
    return _WORD.findall(_NAMELESS.sub(" ", text.casefold()))


def root(word: str) -> str:
    """Return a word without its English ending, so that its forms are one.

    Examples
    --------
    >>> {root(word) for word in ("update", "updates", "updated", "updating")}
    {'updat'}
    """
    short = _ENDING.sub("", word)
    if len(short) < 3:
        return word
    # stopped, running: the doubled letter belongs to the ending.
    twice = len(short) > 3 and short != word and short[-1] == short[-2] and short[-1] not in "ls"
    return short[:-1] if twice else short


@functools.cache
def common_words() -> frozenset[str]:
    """Return the roots of words that most projects use all the time."""
    text = (files("patina_lab.beliefs") / "common.txt").read_text("utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))


def _type(text: str) -> str:
    found = _TYPE.match(text)
    return found["type"] if found else ""
