"""Keeping the table of a projection, and bringing it up to date when the log has moved on.

::

    log, projection, parameters, slice  -> a folder
        state.json       which log, which events, which code it shows, and who asked for it
        events-N.parquet ids of the events that were counted
        part-N.parquet   partial counts: the first of all events, then one for each update

Where the projection is additive and the log has only gained events, the new ones alone are
counted and appended.  Where the mailmap has corrected a name, the rows of whom it concerns leave
the parts before, and all events of theirs are counted with the new ones.  Where an event has
gone, the projection needs the whole corpus, or is one of a cell that was edited since, it is
computed anew.  What was recorded when decides, not `seq` and not the date: a merge brings events
that sort before those already counted.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import tempfile
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patina_lab.errors import UnknownName
from patina_lab.eventlog.eventlog import Eventlog
from patina_lab.eventlog.slice import quote
from patina_lab.eventlog.store import translated
from patina_lab.events.identity import canonical_json, instant
from patina_lab.projections import registry
from patina_lab.projections.projection import Additive, Projection, inputs
from patina_lab.projections.rel import Rel

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

MOST_NEW = 20_000
"""With more new events than this, counting everything is no slower."""

MOST_SHARED = 1 << 20
"""Bytes of a part that is kept in memory for the next table that has the same one."""

MOST_PARTS = 16
"""With more parts than this, they are merged into one."""


@dataclass(frozen=True)
class Materialized:
    """A kept table.

    Parameters
    ----------
    projection : Projection
    params : mapping
    digest : str
        Of the slice that it shows.
    how : str
        ``fresh`` (nothing was to be done), ``incremental``, ``rebuilt`` or ``batch``.
    added : int
        Events that were counted now.
    last_updated : str
        When the events that it shows were recorded: the time of the scrape, from the log's
        ``scrape_meta``, as RFC 3339.  In no table, and never the time of this call.
    through : str
        The instant of the newest event that it shows, as RFC 3339; empty where there is none.
        Unlike `last_updated` the same on every machine.
    rel : Rel
        The table.
    recipe : str
        Hash of the recipe that asked for it; empty where somebody did so by hand.
    staleness : str
        How the log relates to the repository, where that is known.
    """

    projection: Projection
    params: Mapping[str, Any]
    digest: str
    how: str
    added: int
    last_updated: str
    through: str
    rel: Rel
    recipe: str = ""
    staleness: str = ""

    def df(self) -> pd.DataFrame:
        """Return the table as pandas."""
        table = self.rel.df()
        table.attrs.update(
            projection=self.projection.name,
            version=self.projection.version,
            params=dict(self.params),
            digest=self.digest,
            last_updated=self.last_updated,
            through=self.through,
            recipe=self.recipe,
            staleness=self.staleness,
        )
        return table

    def __repr__(self) -> str:
        said = [f"{self.how}, {self.added:,} events counted", f"last updated {self.last_updated}"]
        if self.through:
            said.append(f"events to {self.through}")
        if self.recipe:
            said.append(f"recipe {self.recipe[:12]}")
        said.append(f"log {self.digest[:12]}")
        if self.staleness:
            said.append(self.staleness)
        return f"<{self.projection.name} v{self.projection.version}: {', '.join(said)}>"


def place(folder: Path, projection: Projection, log: Eventlog, params: Mapping[str, Any]) -> Path:
    """Return the folder of a kept table: its name says what it depends on, but not the log."""
    text = canonical_json(
        {
            "version": projection.version,
            "params": {**projection.params, **params},
            "slice": asdict(log.slice),
        }
    )
    return folder / f"{projection.name}-{hashlib.sha256(text).hexdigest()[:16]}"


def is_stale(folder: Path, projection: Projection, log: Eventlog, **params: Any) -> bool:
    """Whether the kept table is missing, shows another log than `log`, or was made otherwise."""
    params = _plain(params)
    state = _state(place(folder, projection, log, params))
    if state is None or not _shows(state, log):
        return True
    return not _made_by(state, _code(log, projection, params))


def _plain(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters as JSON has them: NumPy's numbers as Python's."""
    return {
        name: value.item() if hasattr(value, "item") else value for name, value in params.items()
    }


def _code(log: Eventlog, projection: Projection, params: Mapping[str, Any]) -> str | None:
    """Return what tells a projection from another one of its name and version.

    That of a package has its version, and "" here.  One of a cell is edited and run again: it
    is told by its SQL; None where it goes on in Python, which cannot be compared.
    """
    with contextlib.suppress(UnknownName):
        if registry.find(projection.name).function is projection.function:
            return ""
    made: list[Any] = [projection(*inputs(projection.function, log), **params)]
    if (additive := projection.additive) is not None:
        shared = {name: params[name] for name in additive.params if name in params}
        part = additive.partial(*inputs(additive.partial, log), **shared)
        made += [part, additive.finish(part, **params)]
    if not all(isinstance(each, Rel) for each in made):
        return None
    return hashlib.sha256("\0".join(each.to_sql() for each in made).encode()).hexdigest()


def _made_by(state: Mapping[str, Any], code: str | None) -> bool:
    return code is not None and bool(state.get("code", "") == code)


def _shows(state: Mapping[str, Any], log: Eventlog) -> bool:
    # Tags are no part of a log's digest, and names may be corrected without an event.
    seen = (state["digest"], state["refs"], state["authors"])
    return seen == (_digest(log), log.opened.manifest.refs_digest, authors(log))


def _digest(log: Eventlog) -> str:
    return log.opened.once(("digest", log.slice), lambda: log.digest)


def materialize(
    log: Eventlog, projection: Projection, folder: Path, *, recipe: str = "", **params: Any
) -> Materialized:
    """Return the table of a projection over a log, from what was kept wherever that is exact.

    Parameters
    ----------
    log : Eventlog
    projection : Projection
    folder : Path
        Where tables are kept; it can be deleted at any time.
    recipe : str
        Hash of the recipe that asks for it; kept with the table.
    **params
        Of the projection.

    Returns
    -------
    Materialized
        Equal, row for row, to computing the projection over `log`.
    """
    params = _plain(params)
    here = place(folder, projection, log, params)
    code = _code(log, projection, params)
    additive = projection.additive
    by_parts = additive is not None and additive.holds(params)
    with translated(folder):
        before = _state(here)
        if before is not None and (("events" in before) != by_parts or not _made_by(before, code)):
            before = None  # kept in the other way, or before the projection was changed
        about = _about(log, projection, params, recipe or (before or {}).get("recipe", ""))
        if code:
            about["code"] = code
        if before is not None and _shows(before, log):
            how, added, state = "fresh", 0, {**before, "recipe": about["recipe"]}
            if before.get("recipe") != about["recipe"]:
                _write_state(here, state)
        elif additive is None or not by_parts:
            how, added = "batch", len(log)
            state = _write_whole(here, log, projection, params, about)
        else:
            how, added, state = _bring_up_to_date(
                here, log, projection, additive, params, about, before
            )
        _sweep(here, about)
    return Materialized(
        projection,
        dict(params),
        about["digest"],
        how,
        added,
        state["last_updated"],
        state["through"],
        _table(here, log, projection, params, state),
        state["recipe"],
    )


def _state(here: Path) -> dict[str, Any] | None:
    try:
        state: dict[str, Any] = json.loads((here / "state.json").read_text())
    except (OSError, ValueError):
        return None
    events = state.get("events", [])
    whole = "refs" in state and isinstance(events, list)  # one name, as it once was, is not read
    whole = whole and all((here / part).exists() for part in (*state.get("parts", ()), *events))
    return state if whole else None


def _about(
    log: Eventlog, projection: Projection, params: Mapping[str, Any], recipe: str
) -> dict[str, Any]:
    """Return what is kept about a table besides its rows."""
    latest = (
        "SELECT epoch_us(max(last_updated)) FROM log.main.scrape_meta "
        "WHERE batch = (SELECT max(batch) FROM log.main.scrape_meta)"
    )
    of_slice = f"SELECT max(occurred_us) FROM ({log.rel().to_sql()})"
    ((updated,),) = log.opened.once(latest, lambda: log.opened.rows(latest))
    ((newest,),) = log.opened.once(of_slice, lambda: log.opened.rows(of_slice))
    return {
        "projection": projection.name,
        "version": projection.version,
        "params": {**projection.params, **params},
        "slice": json.loads(canonical_json(asdict(log.slice))),
        "digest": _digest(log),
        "refs": log.opened.manifest.refs_digest,
        "authors": authors(log),
        "last_updated": "" if updated is None else instant(updated).isoformat(timespec="seconds"),
        "through": "" if newest is None else instant(newest).isoformat(),
        "recipe": recipe,
    }


def _sweep(here: Path, about: Mapping[str, Any]) -> None:
    """Remove the same table as an older version of the projection made it."""
    for other in here.parent.glob(f"{about['projection']}-*"):
        state = _state(other) if other != here else None
        if state and all(state[key] == about[key] for key in ("projection", "params", "slice")):
            shutil.rmtree(other, ignore_errors=True)


def authors(log: Eventlog) -> list[list[str]]:
    """Return the identities, as written and as corrected by the mailmap."""
    sql = "SELECT name, email, proper_name, proper_email FROM log.main.authors ORDER BY ALL"
    return log.opened.once(sql, lambda: [list(row) for row in log.opened.rows(sql)])


def _corrected(before: list[list[str]], now: list[list[str]]) -> tuple[str, ...]:
    """Return the addresses of those who were counted under one name and have another one now.

    Both that they had and that they have: whoever is there already gets or loses events too.
    """
    if before == now:
        return ()
    rows = {(row[0], row[1]): row for row in now}
    changed = [
        (row, rows[row[0], row[1]]) for row in before if rows.get((row[0], row[1]), row) != row
    ]
    return tuple(sorted({row[3] for both in changed for row in both}))


def _events_of(emails: Sequence[str], log: Eventlog, additive: Additive) -> set[int]:
    """Return the seqs of what a partial counts for these people."""
    those = ", ".join(map(quote, emails))
    asked = [
        f"SELECT DISTINCT seq FROM ({rel.to_sql()}) WHERE author_email IN ({those})"
        for rel in inputs(additive.partial, log)
    ]
    rows = [log.opened.once(sql, partial(log.opened.rows, sql)) for sql in asked]
    return {seq for each in rows for (seq,) in each}


def _reads_names(projection: Projection) -> bool:
    """Whether a table could be another one where only a name was corrected."""
    columns = [column for each in projection.needs.values() for column in each]
    return not columns or any("author" in column for column in columns)


def _bring_up_to_date(
    here: Path,
    log: Eventlog,
    projection: Projection,
    additive: Additive,
    params: Mapping[str, Any],
    about: Mapping[str, Any],
    state: Mapping[str, Any] | None,
) -> tuple[str, int, dict[str, Any]]:
    shared = {name: params[name] for name in additive.params if name in params}
    if state is not None and "events" in state:
        named = _reads_names(projection)
        corrected = _corrected(state["authors"], about["authors"]) if named else ()
        # Tables of one slice that were made of one log lack the same events.
        since = ("since", state["digest"], state["refs"], log.slice)
        new, ids, gone = (
            log.opened.once(since, lambda: _difference([here / e for e in state["events"]], log))
            if additive.author or not corrected
            else ([], None, True)
        )
        if corrected and not gone:
            new = sorted({*new, *_events_of(corrected, log, additive)})
        if not gone and len(new) <= MOST_NEW:
            only = replace(log, slice=replace(log.slice, seqs=tuple(new)))
            part = additive.partial(*inputs(additive.partial, only), **shared)
            assert isinstance(part, Rel)
            parts, events = list(state["parts"]), list(state["events"])
            left = {
                name: sorted({*state.get("left", {}).get(name, ()), *corrected}) for name in parts
            }
            if len(parts) >= MOST_PARTS:
                part = _merged(here, log, additive, parts, left, also=part)
                return "incremental", len(new), _commit(here, log, part, about)
            # Some have the same partial: what it is for these events is asked once.
            what = ("part", part.to_sql())
            done = _commit(here, log, part, about, parts, events, left, new=(what, ids))
            return "incremental", len(new), done
    part = additive.partial(*inputs(additive.partial, log), **shared)
    assert isinstance(part, Rel)
    return "rebuilt", len(log), _commit(here, log, part, about)


def _difference(kept: list[Path], log: Eventlog) -> tuple[list[int], pa.Table, bool]:
    """Return the seqs of events not counted yet, their ids, and whether one has gone."""
    import pyarrow.compute as pc

    now = log.rel().query("SELECT seq, event_id, coalesce(source_file, '') AS place FROM this")
    files = ", ".join(quote(str(each)) for each in kept)
    found = log.opened.arrow(
        f"SELECT e.seq, e.event_id, e.place FROM ({now.to_sql()}) e "
        f"FULL JOIN read_parquet([{files}]) k USING (event_id, place) "
        "WHERE e.seq IS NULL OR k.event_id IS NULL ORDER BY 1 NULLS LAST"
    )
    new = found.filter(pc.is_valid(found["seq"]))
    return new["seq"].to_pylist(), new.select(["event_id", "place"]), len(new) < len(found)


def _merged(
    here: Path,
    log: Eventlog,
    additive: Additive,
    parts: list[str],
    left: Mapping[str, Sequence[str]],
    also: Rel | None = None,
) -> Rel:
    """Return the merge of parts as a relation with the partial's own columns.

    `left` says whose rows count no more in which part.
    """
    columns = [*additive.keys, *additive.measures]
    rows = []
    for part in parts:
        rows.append(f"SELECT {', '.join(columns)} FROM read_parquet({quote(str(here / part))})")
        if left.get(part):
            those = ", ".join(map(quote, left[part]))
            rows[-1] += f" WHERE {additive.author} IS NULL OR {additive.author} NOT IN ({those})"
    if also is not None:
        rows.append(f"SELECT {', '.join(columns)} FROM ({also.to_sql()})")
    sums = ", ".join(f"{how}({name}) AS {name}" for name, how in additive.measures.items())
    every = "\nUNION ALL\n".join(rows)
    return Rel(
        f"SELECT {', '.join(additive.keys)}, {sums}\nFROM (\n{every}\n)\n"
        f"GROUP BY {', '.join(additive.keys)}",
        engine=log.opened,
    )


def _table(
    here: Path,
    log: Eventlog,
    projection: Projection,
    params: Mapping[str, Any],
    state: Mapping[str, Any],
) -> Rel:
    if "events" not in state:
        kept = quote(str(here / state["parts"][0]))
        return Rel(f"SELECT * FROM read_parquet({kept})", projection.name, log.opened)
    assert projection.additive is not None
    merged = _merged(here, log, projection.additive, list(state["parts"]), state.get("left", {}))
    made = projection.additive.finish(merged, **params)
    assert isinstance(made, Rel)
    return made


def _commit(
    here: Path,
    log: Eventlog,
    part: Rel,
    about: Mapping[str, Any],
    kept: Sequence[str] = (),
    events: Sequence[str] = (),
    left: Mapping[str, Sequence[str]] | None = None,
    new: tuple[Hashable, pa.Table] | None = None,
) -> dict[str, Any]:
    """Write a part and the events counted in it; the state, replaced last, makes them count.

    `kept` and `events` are what was written before, and stays, but for the rows of those who
    have `left`; `new` names the part, and has the events, where they are not all of the log's.
    """
    import pyarrow.parquet as pq

    stamp = _stamp(about, kept)
    name, ids = f"part-{len(kept)}-{stamp}.parquet", f"events-{len(events)}-{stamp}.parquet"
    here.mkdir(parents=True, exist_ok=True)
    with _aside(here) as aside:
        known = log.opened.once(new[0], _Written) if new else _Written()
        if known.content is None:
            _copy(log, part.to_sql(), aside / name)
            known.keep(aside / name)
        else:
            (aside / name).write_bytes(known.content)
        if new:
            pq.write_table(new[1], aside / ids)
        else:
            these = "SELECT event_id, coalesce(source_file, '') AS place FROM this"
            _copy(log, log.rel().query(these).to_sql(), aside / ids)
        gone = {part: list(emails) for part, emails in (left or {}).items() if emails}
        about = {**about, "left": gone} if gone else about
        return _finish_state(here, aside, [*kept, name], about, [*events, ids])


@dataclass
class _Written:
    """What a small file was written with."""

    content: bytes | None = None

    def keep(self, file: Path) -> None:
        if file.stat().st_size <= MOST_SHARED:
            self.content = file.read_bytes()


def _write_whole(
    here: Path,
    log: Eventlog,
    projection: Projection,
    params: Mapping[str, Any],
    about: Mapping[str, Any],
) -> dict[str, Any]:
    import pyarrow.parquet as pq

    made = projection(*inputs(projection.function, log), **params)
    here.mkdir(parents=True, exist_ok=True)
    name = f"whole-{_stamp(about, [])}.parquet"
    with _aside(here) as aside:
        pq.write_table(made.arrow(), aside / name)
        return _finish_state(here, aside, [name], about, None)


def _stamp(about: Mapping[str, Any], kept: Sequence[str]) -> str:
    told = (about["digest"], about["refs"], about["authors"], list(kept))
    text = repr((*told, about["code"]) if "code" in about else told)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _copy(log: Eventlog, sql: str, target: Path) -> None:
    log.opened.rows(f"COPY (\n{sql}\n) TO {quote(str(target))} (FORMAT parquet)")


@contextlib.contextmanager
def _aside(here: Path) -> Iterator[Path]:
    """Give a folder to write files in; whoever does so moves them, whole, to `here`."""
    scratch = Path(tempfile.mkdtemp(prefix=".writing-", dir=here))
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _finish_state(
    here: Path,
    aside: Path,
    parts: list[str],
    about: Mapping[str, Any],
    events: list[str] | None,
) -> dict[str, Any]:
    """Put what was written aside in place, the state last; remove what no state names."""
    state = {**about, "parts": parts}
    if events is not None:
        state["events"] = events
    for file in sorted(aside.iterdir()):
        file.replace(here / file.name)
    _place_state(here, aside, state)
    wanted = {*parts, "state.json", *(events or ())}
    for old in here.iterdir():
        if old.name not in wanted and old.is_file():
            old.unlink(missing_ok=True)
    return state


def _write_state(here: Path, state: Mapping[str, Any]) -> None:
    with _aside(here) as aside:
        _place_state(here, aside, state)


def _place_state(here: Path, aside: Path, state: Mapping[str, Any]) -> None:
    (aside / "state.json").write_text(json.dumps(state, sort_keys=True))
    (aside / "state.json").replace(here / "state.json")
