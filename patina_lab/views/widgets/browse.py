"""`Browse`: which events are looked at, and which page of them, as a value."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from patina_lab.errors import PatinaError
from patina_lab.eventlog.eventlog import Eventlog
from patina_lab.eventlog.slice import quote
from patina_lab.eventlog.times import begin_us

if TYPE_CHECKING:
    import pandas as pd

SAID = (
    "left(split_part(coalesce(data->>'$.message', data->>'$.content', data->>'$.decision', "
    "data->>'$.belief', data->>'$.pattern_name', data->>'$.title', data->>'$.name', ''), "
    "chr(10), 1), 100)"
)
"""The first line of what an event says, of any type."""


@dataclass(frozen=True)
class Browse:
    """Filters over a log, and a page of what they leave.

    Parameters
    ----------
    types, author : str
        Patterns separated by commas, with ``*``; an event has to match one.
    text : str
        Part of the payload as it stands in the log, upper or lower case.
    since, until : str
        Dates or timestamps: from one on, and before the other.
    newest : bool
        Newest first.
    size : int
        Events a page.
    edge : int or None
        The page begins behind this ``seq``; None: at the beginning.
    back : bool
        The page *ends* before `edge`.

    Notes
    -----
    A page is found by its first key, not by counting from the beginning: page 10,000 costs
    what page 2 does, and the log is never read into memory.

    Examples
    --------
    >>> print(Browse(types="git.*", author="Ann*", until="2025-03-01").chosen())
    lab.log.where('git.*', author='Ann*').between(None, '2025-03-01')
    """

    types: str = ""
    text: str = ""
    author: str = ""
    since: str = ""
    until: str = ""
    newest: bool = True
    size: int = 20
    edge: int | None = None
    back: bool = False

    def but(self, **changed: object) -> Browse:
        """Return other filters; the page is the first again."""
        return replace(self, **{"edge": None, "back": False, **changed})  # type: ignore[arg-type]

    def problems(self) -> dict[str, str]:
        """Return, for each filter that cannot be understood, one sentence why."""
        found: dict[str, str] = {}
        for name in ("since", "until"):
            try:
                if value := getattr(self, name).strip():
                    begin_us(value)
            except (PatinaError, OverflowError) as err:
                found[name] = str(err)
        since, until = self.since.strip(), self.until.strip()
        if since and until and not found and begin_us(until) < begin_us(since):
            found["until"] = f"{until} lies before {since}."
        if self.size < 1:
            found["size"] = f"A page of {self.size} events shows nothing."
        return found

    def over(self, log: Eventlog) -> Eventlog:
        """Return the log narrowed by all filters but the text."""
        types, authors = _several(self.types), _several(self.author)
        if types or authors:
            log = log.where(*types, author=authors)
        if self.since.strip() or self.until.strip():
            log = log.between(self.since.strip() or None, self.until.strip() or None)
        return log

    def chosen(self) -> str:
        """Return `over` as Python."""
        types, authors = _several(self.types), _several(self.author)
        said = "lab.log"
        if types or authors:
            told = [*map(repr, types)]
            if authors:
                told.append(f"author={(authors[0] if len(authors) == 1 else authors)!r}")
            said += f".where({', '.join(told)})"
        since, until = self.since.strip() or None, self.until.strip() or None
        if since or until:
            said += f".between({since!r}, {until!r})"
        return said

    def _matching(self) -> str:
        if not self.text:
            return "TRUE"
        # The payload is JSON text: what is looked for is written as it stands there.
        inside = json.dumps(self.text, ensure_ascii=False)[1:-1]
        return f"contains(lower(data), lower({quote(inside)}))"

    def sql(self, more: int = 0) -> str:
        """Return the page as SQL over the relation ``eventlog``.

        Parameters
        ----------
        more : int
            Rows beyond the page, to see whether there are any.

        Returns
        -------
        str
            A SELECT of ``seq, timestamp, event_type, actor, source_id, said``.
        """
        # Which way rows lie in the log, as seen from the edge.
        down = self.newest != self.back
        tests = [self._matching()]
        if self.edge is not None:
            tests.append(f"seq {'<' if down else '>'} {int(self.edge)}")
        where = " AND ".join(test for test in tests if test != "TRUE") or "TRUE"
        page = (
            f"SELECT seq, timestamp, event_type, coalesce(actor, '') AS actor, source_id,\n"
            f"       {SAID} AS said\n"
            f"FROM eventlog\nWHERE {where}\n"
            f"ORDER BY seq {'DESC' if down else 'ASC'}\nLIMIT {int(self.size) + more}"
        )
        if not self.back:
            return page
        return f"SELECT * FROM ({page})\nORDER BY seq {'DESC' if self.newest else 'ASC'}"

    def counting(self) -> str:
        """Return the number of events that match, as SQL over ``eventlog``."""
        return f"SELECT count(*) AS events FROM eventlog WHERE {self._matching()}"

    def code(self) -> str:
        """Return Python that gives the same page as a table."""
        sql = self.sql()
        plain = sql.isprintable() if "\n" not in sql else sql.replace("\n", "").isprintable()
        literal = (
            f'"""\n{sql}\n"""' if plain and '"""' not in sql and "\\" not in sql else repr(sql)
        )
        return f"{self.chosen()}.query({literal}).df()"


@dataclass(frozen=True)
class Page:
    """One page: its rows, and the pages beside it where there are any."""

    rows: pd.DataFrame
    before: Browse | None
    after: Browse | None


def page(log: Eventlog, browse: Browse) -> Page:
    """Read one page of a log in DuckDB; no more than the page leaves it.

    Raises
    ------
    PatinaError
        A filter cannot be understood; see `Browse.problems`.
    """
    size = browse.size
    found = browse.over(log).query(browse.sql(more=1)).df()
    further = len(found) > size
    # The row too many is on the side away from the edge.
    rows = found.iloc[-size:] if browse.back else found.iloc[:size]
    rows = rows.reset_index(drop=True)
    if not len(rows):
        start = replace(browse, edge=None, back=False)
        return Page(rows, start if browse.edge is not None else None, None)
    first, last = int(rows["seq"].iloc[0]), int(rows["seq"].iloc[-1])
    is_first = not further if browse.back else browse.edge is None
    is_last = False if browse.back else not further
    return Page(
        rows,
        None if is_first else replace(browse, edge=first, back=True),
        None if is_last else replace(browse, edge=last, back=False),
    )


def _several(told: str) -> list[str]:
    return [part.strip() for part in told.split(",") if part.strip()]
