"""What is tied to one event: its causes, its effects, its neighbours, its file in git."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from patina_lab.errors import PatinaError, UnknownName
from patina_lab.eventlog.slice import Slice
from patina_lab.eventlog.times import DAY_US
from patina_lab.views.widgets.browse import SAID
from patina_lab.views.widgets.stage import Opened

FORTNIGHT_US = 14 * DAY_US
MOST = 12
"""Rows a section; more are counted."""


@dataclass(frozen=True)
class Section:
    """A heading, and events or commits below it.

    Parameters
    ----------
    title : str
    rows : tuple of (str, str)
        When and who; what.
    more : int
        Rows that are not shown.
    """

    title: str
    rows: tuple[tuple[str, str], ...]
    more: int = 0


@dataclass(frozen=True)
class Reading:
    """One event, and what is tied to it.

    Parameters
    ----------
    facts : tuple of (str, str)
    payload : str
        JSON, indented.
    sections : tuple of Section
        Only those with rows.
    change : str
        The last change to its event file, as git shows it.
    """

    facts: tuple[tuple[str, str], ...]
    payload: str
    sections: tuple[Section, ...]
    change: str = ""


def read(lab: Opened, seq: int) -> Reading:
    """Read one event of a lab's log by its rank.

    Parameters
    ----------
    lab : Lab
    seq : int

    Raises
    ------
    UnknownName
        The lab's slice has no such event.
    """
    found = lab.log.query(f"SELECT * FROM eventlog WHERE seq = {int(seq)}").df()
    if not len(found):
        raise UnknownName(f"No event of this lab has the rank {seq}.", "See lab.log.df()['seq'].")
    event = found.iloc[0]
    kind = str(event["event_type"])
    named = ("event_id", "source_id", "event_type", "timestamp", "actor", "source_file")
    facts = tuple((name, str(event[name])) for name in named if _there(event[name]))
    sections = _around(lab, int(seq))
    if kind == "git.commit":
        sections = [*_family(lab, int(seq)), *sections]
    if kind in ("git.commit", "decision_made", "session.decision"):
        sections = [*_caused(lab, int(seq), int(event["occurred_us"]), kind), *sections]
    change = ""
    if _there(event["source_file"]):
        sections += _file_commits(lab, str(event["source_file"]))
        if event["source"] == "event_files":
            change = _change(lab, str(event["source_file"]))
    text = json.dumps(json.loads(event["data"]), indent=2, ensure_ascii=False)
    return Reading(facts, text, tuple(s for s in sections if s.rows), change)


def _there(value: Any) -> bool:
    return (isinstance(value, str) and bool(value)) or not isinstance(value, str | float | None)


def _section(lab: Opened, title: str, sql: str) -> Section:
    """Return the events that `sql` gives as ``seq``, in the order of the log."""
    among = (
        f"SELECT timestamp, coalesce(actor, '') AS actor, event_type, {SAID} AS said, "
        f"count(*) OVER () AS whole FROM eventlog WHERE seq IN ({sql}) ORDER BY seq LIMIT {MOST}"
    )
    table = lab.log.query(among).df()
    rows = tuple(
        (f"{when:%Y-%m-%d %H:%M} {actor}".rstrip(), f"{kind}: {said}")
        for when, actor, kind, said in table[
            ["timestamp", "actor", "event_type", "said"]
        ].itertuples(index=False)
    )
    return Section(title, rows, int(table["whole"].iloc[0]) - len(rows) if len(table) else 0)


def _around(lab: Opened, seq: int) -> list[Section]:
    before = f"SELECT seq FROM eventlog WHERE seq < {seq} ORDER BY seq DESC LIMIT 3"
    after = f"SELECT seq FROM eventlog WHERE seq > {seq} ORDER BY seq LIMIT 3"
    return [_section(lab, "Just before", before), _section(lab, "Just after", after)]


def _family(lab: Opened, seq: int) -> list[Section]:
    parents = f"SELECT parent FROM commit_parents WHERE seq = {seq} AND parent IS NOT NULL"
    children = f"SELECT seq FROM commit_parents WHERE parent = {seq}"
    return [
        _section(lab, "Made from (parents)", parents),
        _section(lab, "What was made from it (children)", children),
    ]


def _caused(lab: Opened, seq: int, at: int, kind: str) -> list[Section]:
    """Return the commits after a decision, or the decisions before a commit, with their ties."""
    commit = kind == "git.commit"
    window = Slice(
        since_us=at - FORTNIGHT_US if commit else at,
        until_us=at + 1 if commit else at + FORTNIGHT_US + 1,
    )
    narrowed = lab.log.between(_instant(window.since_us), _instant(window.until_us))
    from patina_lab.projections.causality import causality
    from patina_lab.projections.projection import inputs

    pairs = causality.function(*inputs(causality.function, narrowed)).df()
    pairs = pairs[pairs["commit_seq" if commit else "decision_seq"] == seq]
    strong = pairs["shared_terms"] + 10 * pairs["shared_files"]
    pairs = pairs.assign(strong=strong).sort_values(
        ["strong", "lag_days", "decision_seq", "commit_seq"], ascending=[False, True, True, True]
    )
    title = "Decisions in the fortnight before" if commit else "Commits in the fortnight after"
    rows = tuple(
        (_tie(row), str(row["decision"] if commit else row["message"]).partition("\n")[0])
        for row in pairs.head(MOST).to_dict("records")
    )
    return [Section(title, rows, len(pairs) - len(rows))]


def _tie(row: dict[Any, Any]) -> str:
    said = [f"{row['lag_days']:.1f} days apart"]
    counts = {"terms": row["shared_terms"], "files": row["shared_files"]}
    said += [f"{n} {what[:-1] if n == 1 else what} in common" for what, n in counts.items() if n]
    if row["recorded"]:
        said.append("records it")
    return ", ".join(said)


def _instant(us: int | None) -> Any:
    from patina_lab.events.identity import instant

    assert us is not None
    return instant(us)


def _file_commits(lab: Opened, path: str) -> list[Section]:
    from patina_lab.eventlog.slice import quote

    sql = f"SELECT seq FROM touches WHERE path = {quote(path)} OR old_path = {quote(path)}"
    return [_section(lab, f"Commits of {path}", sql)]


def _change(lab: Opened, path: str) -> str:
    try:
        versions = lab.history(path).versions
    except PatinaError as err:
        return str(err)
    return str(versions[0].diff) if versions else ""
