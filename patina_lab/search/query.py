"""`query`: what the team's event files and one's own notes say about something, by words.

It is `scry` over the two, without a log and without vectors.  What is left out by a filter
has no influence on the scores of the others.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from patina_lab.errors import InvalidOption
from patina_lab.eventlog.slice import Slice
from patina_lab.events.identity import instant
from patina_lab.project.propose import put_to_team
from patina_lab.search.knowledge import about, event_files, event_types, notes
from patina_lab.search.scry import Part, scry
from patina_lab.sources.repository import Repository

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = {
    "tag": "LOCAL for a note of one's own, SHARED for an event file of the team's",
    "score": "BM25; comparable within one answer",
    "event_type": "text",
    "text": "what the event says, whole",
    "domains": "list of text",
    "author": "text; missing where an event names nobody",
    "timestamp": "UTC",
    "id": "text, for people: the display id",
    "proposed": "bool: a note that was put to the team, on a branch now or merged",
    "source_file": "text",
    "event_id": "text, identity",
}


def query(
    repository: Repository,
    text: str,
    *,
    k: int = 10,
    type: str | None = None,  # noqa: A002 - what the command line calls it
    domains: str | Iterable[str] = (),
    scope: str | None = None,
    at: str = "HEAD",
    since_us: int | None = None,
    until_us: int | None = None,
) -> pd.DataFrame:
    """Return the events that match a text, best first.

    Parameters
    ----------
    text : str
        Words; empty for all events, newest first.
    k : int
        At most so many.
    type : str or None
        ``observation``, ``decision``, ``pattern``, ``belief``, or an event type, with ``*``;
        ``commit`` and ``tag`` are in the log: see `scry`.
    domains : str or iterable of str
        Only events of one of these domains.
    scope : {"local", "shared", None}
        Only the user's own, only the team's, or both.
    at : str
        The commit whose event files are the team's.
    since_us, until_us : int or None
        Only events from one and before the other (microseconds since 1970).

    Returns
    -------
    pandas.DataFrame
        Columns: see `COLUMNS`.  Equal scores: the newest first, then by identity.
    """
    import pandas as pd

    if scope not in (None, "local", "shared"):
        raise InvalidOption(f"There is no scope {scope!r}.", "Use local or shared.")
    wanted = Slice().between_us(since_us, until_us).where(*event_types(type))
    parts: list[Part] = []
    if scope != "local":
        parts.append(event_files(repository, at, wanted))
    if scope != "shared":
        parts.append(notes(repository, wanted, {one for p in parts for one in p.segment.ids}))
    hits = scry(text, about(parts, domains), k=k).hits
    mine = any(hit.document.scope == "local" for hit in hits)
    proposed = put_to_team(repository, at) if mine else set()
    rows = [
        (
            d.scope.upper(),
            round(hit.score, 6),
            d.event_type,
            d.headline,
            list(d.domains),
            d.author or None,
            instant(d.occurred_us),
            d.label,
            d.scope == "local" and d.event_id in proposed,
            d.source_file,
            d.event_id,
        )
        for hit in hits
        for d in [hit.document]
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))
