"""How wide a text is, and how to shorten one so that it fits.

Charts are laid out before any browser sees them, so widths come from the metrics of the
font they are drawn in (Liberation Sans, which has those of Arial and Helvetica).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence

from patina_lab.views.renderer import printable

_WIDTHS = {  # thousandths of the font size
    "ijl'": 222,
    "|": 260,
    " !,./:;I[\\]ft": 278,
    "()-`r{}": 333,
    '"*': 372,
    "^": 469,
    "Jckvxyzs": 500,
    "+<=>~": 584,
    "FTZ": 611,
    "&ABEKPSVXY": 667,
    "CDHNRUw": 722,
    "GOQ": 778,
    "Mm": 833,
    "%W": 944,
    "@…": 1010,
}
_WIDTH_OF = {letter: width for letters, width in _WIDTHS.items() for letter in letters}
_USUAL, _WIDE = 556, 1000
_SLACK = 1.05
"""Viewers without that font use another, at worst about so much wider."""

PAIR = " ↔ "
"""Between the two halves of a pair's name."""


def width(text: str, size: float) -> float:
    """Measure `text` in pixels.

    Examples
    --------
    >>> round(width("setup.py", 10), 1)
    39.7
    """
    total = 0
    for letter in text:
        wide = unicodedata.east_asian_width(letter) in "WF"
        total += _WIDE if wide else _WIDTH_OF.get(letter, _USUAL)
    return total * size * _SLACK / 1000


def fit(path: str, room: float, size: float, *, least: int = 4) -> str:
    """Shorten `path` to `room` pixels: leading folders go first, then the name's middle.

    Parameters
    ----------
    path : str
    room : float
        Pixels.
    size : float
        Font size in pixels.
    least : int
        Rather nothing than fewer letters than this.

    Returns
    -------
    str
        The empty string when not even `least` letters fit.

    Examples
    --------
    >>> fit("src/app/main.py", 200, 10)
    'src/app/main.py'
    >>> fit("src/app/main.py", 65, 10)
    '…/main.py'
    >>> fit("src/app/main.py", 45, 10)
    'mai….py'
    """
    path = printable(path).replace("\n", "⏎").replace("\t", "⇥")
    if width(path, size) <= room:
        return path
    parts = path.split("/")
    for start in range(1, len(parts)):
        tail = "…/" + "/".join(parts[start:])
        if width(tail, size) <= room:
            return tail
    name = parts[-1]
    for kept in range(len(name) - 1, least - 1, -1):
        head = (kept + 1) // 2
        short = f"{name[:head]}…{name[len(name) - (kept - head) :]}"
        if width(short, size) <= room:
            return short
    return ""


def distinct(paths: Sequence[str], room: float, size: float) -> list[str]:
    """Shorten all `paths`, but keep different paths different.

    An axis merges rows of the same label, so two ``…/__init__.py`` must not meet.

    Examples
    --------
    >>> distinct(["a/very/long/way/x.py", "another/long/way/x.py"], 50, 10)
    ['…/x.py', '…/x.py (2)']
    """
    labels: list[str] = []
    seen: dict[str, int] = {}
    for path in paths:
        label = fit(path, room, size) or "…"
        seen[label] = seen.get(label, 0) + 1
        while seen[label] > 1 and (numbered := f"{label} ({seen[label]})") in seen:
            seen[label] += 1
        if seen[label] > 1:
            label = numbered
            seen[label] = 1
        labels.append(label)
    return labels


def people(names: Mapping[str, str]) -> dict[str, str]:
    """Name people by email; who shares a name with another carries a part of the email.

    A number would not do: it would mean another person in each chart.

    Examples
    --------
    >>> people({"ann@home": "Ann", "ann.b@work": "Ann", "bob@home": "Bob"})
    {'ann@home': 'Ann (ann)', 'ann.b@work': 'Ann (ann.b)', 'bob@home': 'Bob'}
    """
    sharing: dict[str, list[str]] = {}
    for email, name in names.items():
        sharing.setdefault(name, []).append(email)
    said = {}
    for email, name in names.items():
        before = [other.partition("@")[0] for other in sharing[name]]
        own = email.partition("@")[0]
        alone = before.count(own) == 1
        label = f"{name} ({(own if alone else email) or 'no email'})"
        said[email] = label if len(before) > 1 else name
    return said


def tails(paths: Sequence[str]) -> list[str]:
    """Return of each path as many of its last parts as tell it from the others.

    Examples
    --------
    >>> tails(["v1/api/core.py", "v2/api/core.py", "docs/index.md"])
    ['v1/api/core.py', 'v2/api/core.py', 'index.md']
    """
    parts = [path.split("/") for path in paths]
    known: dict[str, set[str]] = {}
    for path, own in zip(paths, parts, strict=True):
        for start in range(len(own)):
            known.setdefault("/".join(own[start:]), set()).add(path)
    return [
        next(
            (
                tail
                for start in range(len(own) - 1, -1, -1)
                if len(known[tail := "/".join(own[start:])]) == 1
            ),
            path,
        )
        for path, own in zip(paths, parts, strict=True)
    ]


def rows(names: Sequence[str], room: float, size: float) -> list[str]:
    """Shorten the names of rows; in a pair around ``↔``, each half by itself.

    Examples
    --------
    >>> rows(["src/a.py ↔ src/b.py", "src/a.py ↔ docs/b.py"], 300, 11)
    ['a.py ↔ src/b.py', 'a.py ↔ docs/b.py']
    """
    if not any(PAIR in name for name in names):
        return distinct(names, room, size)
    parts = sorted({part for name in names for part in name.split(PAIR)})
    half = (room - width(PAIR, size)) / 2
    short = dict(zip(parts, distinct(tails(parts), half, size), strict=True))
    # Told apart part by part, so that the whole is too.
    return [PAIR.join(short[part] for part in name.split(PAIR)) for name in names]
