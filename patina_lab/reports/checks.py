"""Checks: what a report says yes or no to, for people on the page and for CI as JSON.

A notebook ends a cell tagged ``checks`` with `Checks`.  The page shows the table; the runner
reads the same values, and the command line exits with 1 where one of them is not met.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from patina_lab.errors import InvalidOption

MIME = "application/vnd.patina.checks+json"
"""Under this a cell's output holds the checks."""

STATES = ("met", "not met", "not asked")


@dataclass(frozen=True)
class Check:
    """One question.

    Parameters
    ----------
    name : str
        What is asked, such as ``lost beliefs``.
    state : {"met", "not met", "not asked"}
        ``not asked``: no limit was set.
    value : int, float, str or None
        What was found; None: it could not be found out.
    limit : str
        What it was held against, such as ``at most 3``; empty without a limit.
    said : str
        One sentence.
    """

    name: str
    state: str
    value: int | float | str | None
    limit: str
    said: str

    def __post_init__(self) -> None:
        if self.state not in STATES:
            raise InvalidOption(f"{self.state!r} is no state of a check.", f"One of {STATES}.")


class Checks(Sequence[Check]):
    """Checks in their order, with a table to show.

    Parameters
    ----------
    made : sequence of Check
    """

    def __init__(self, made: Sequence[Check]) -> None:
        self._made = tuple(made)

    def __getitem__(self, at: Any) -> Any:
        return self._made[at]

    def __len__(self) -> int:
        return len(self._made)

    def __iter__(self) -> Iterator[Check]:
        return iter(self._made)

    @property
    def failed(self) -> tuple[Check, ...]:
        """Those that are not met."""
        return tuple(one for one in self if one.state == "not met")

    @property
    def verdict(self) -> str:
        """How many are met, in a sentence."""
        asked = [one for one in self if one.state != "not asked"]
        if not asked:
            return "No limit was set: nothing was checked."
        if not self.failed:
            return f"All {len(asked)} checks are met."
        names = ", ".join(one.name for one in self.failed)
        return f"{len(self.failed)} of {len(asked)} checks not met: {names}."

    def json(self) -> list[dict[str, Any]]:
        """Return a JSON object each."""
        return [vars(one) for one in self]

    def __repr__(self) -> str:
        lines = [self.verdict]
        lines += [f"  {_SIGN[one.state]}  {one.name}: {one.said}" for one in self]
        return "\n".join(lines)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        rows = "".join(
            f"<tr><td>{_SIGN[one.state]} {one.state}</td>"
            + "".join(
                f'<td style="text-align:left">{html.escape(text)}</td>'
                for text in (one.name, one.limit, one.said)
            )
            + "</tr>"
            for one in self
        )
        page = (
            f"<p><strong>{html.escape(self.verdict)}</strong></p><table><thead><tr><th></th>"
            f"<th>check</th><th>limit</th><th>found</th></tr></thead><tbody>{rows}</tbody></table>"
        )
        return {"text/plain": repr(self), "text/html": page, MIME: self.json()}


_SIGN = {"met": "✓", "not met": "✗", "not asked": "·"}


def at_most(name: str, value: float | None, limit: float, said: str) -> Check:
    """Return whether a number is at most a limit; a negative limit asks nothing.

    Parameters
    ----------
    name : str
    value : number or None
        None: it could not be found out, so that a limit is not met.
    limit : number
    said : str

    Examples
    --------
    >>> at_most("lost beliefs", 2, 3, "2 lost").state
    'met'
    >>> at_most("lost beliefs", None, 3, "no rule engine").state
    'not met'
    """
    if limit < 0:
        return Check(name, "not asked", value, "", said)
    met = value is not None and value <= limit
    return Check(name, "met" if met else "not met", value, f"at most {limit:g}", said)


def at_least(name: str, value: float | None, limit: float, said: str) -> Check:
    """Return whether a number is at least a limit; 0 or less asks nothing.

    Examples
    --------
    >>> at_least("beliefs", 2, 3, "2 held").state
    'not met'
    >>> at_least("beliefs", 2, 0, "2 held").state
    'not asked'
    """
    if limit <= 0:
        return Check(name, "not asked", value, "", said)
    met = value is not None and value >= limit
    return Check(name, "met" if met else "not met", value, f"at least {limit:g}", said)


def read(cells: Sequence[Mapping[str, Any]]) -> Checks:
    """Return the checks that the cells tagged ``checks`` of a notebook showed."""
    found = [
        Check(**told)
        for cell in cells
        if "checks" in cell["metadata"].get("tags", ())
        for output in cell.get("outputs", ())
        for told in output.get("data", {}).get(MIME, ())
    ]
    return Checks(found)
