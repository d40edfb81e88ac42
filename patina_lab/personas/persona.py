"""`Persona`: one user's knowledge across projects, and where each piece of it came from."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patina_lab.errors import InvalidOption, NoLog, UnknownName, UsageError
from patina_lab.eventlog.eventlog import OpenLog, html_card, text_card
from patina_lab.eventlog.progress import silent
from patina_lab.eventlog.slice import Slice, quote
from patina_lab.eventlog.times import Moment, end_us
from patina_lab.personas.knowledge import BELIEFS, TABLES, database, packet, refresh, stored_digest
from patina_lab.personas.mirror import Mirrored, folder_of, mirror
from patina_lab.personas.registry import Project, Registry, Scan
from patina_lab.project.domains import domain_names
from patina_lab.project.event_files import short_time
from patina_lab.project.places import home as user_home
from patina_lab.project.places import persona_folder
from patina_lab.projections.rel import Rel
from patina_lab.sources.source import Problem

if TYPE_CHECKING:
    import pandas as pd

    from patina_lab.beliefs.embed import Embedder
    from patina_lab.beliefs.formation import Beliefs
    from patina_lab.beliefs.pipeline import Pipeline
    from patina_lab.beliefs.rules import RuleEngine
    from patina_lab.beliefs.ruleset import RuleSet
    from patina_lab.eventlog.progress import Progress

_TABLES = (
    *TABLES.values(), "domains", *BELIEFS, "materialization_state",
)  # fmt: skip

KINDS = {
    "observation": "observations", "pattern": "pattern_sources", "decision": "decisions",
}  # fmt: skip
"""What a domain can be asked for, and the table of its packet."""

_SKIPPED = {"node_modules", "site-packages", "__pycache__", "target", "venv"}


@dataclass(frozen=True)
class Synced:
    """What a sync did.

    Parameters
    ----------
    projects : tuple of Mirrored
        One for each project that was read.
    missing : mapping
        Name -> why the project could not be read; its copies are kept.
    refreshed : bool
        Whether the tables had to be made anew.
    digest : str
        Of the tables.
    """

    projects: tuple[Mirrored, ...]
    missing: Mapping[str, str]
    refreshed: bool
    digest: str

    @property
    def problems(self) -> list[tuple[str, Problem]]:
        """(project, what was not copied and why)."""
        return [(p.project, problem) for p in self.projects for problem in p.problems]

    def facts(self) -> list[tuple[str, str]]:
        """Return what the repr shows."""
        said = [
            (
                p.project,
                f"{_files(p.new + p.changed + p.kept)} (+{p.new} ~{p.changed} -{p.removed})",
            )
            for p in self.projects
        ]
        said += [(name, f"not read: {why}") for name, why in self.missing.items()]
        said += [
            ("not copied", f"{problem.source_file} of {name}: {problem.detail}")
            for name, problem in self.problems
        ]
        return [*said, ("digest", self.digest[:12])]

    def to_json(self) -> dict[str, Any]:
        """Return the result as a JSON value."""
        return {
            "projects": [asdict(project) for project in self.projects],
            "missing": dict(self.missing),
            "refreshed": self.refreshed,
            "digest": self.digest,
        }

    def __repr__(self) -> str:
        return text_card("Sync", self.facts())

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        said = self.facts()
        return {"text/plain": text_card("Sync", said), "text/html": html_card("Sync", said)}


class Persona:
    """What one user knows across projects; it reads projects, and writes into none.

    Parameters
    ----------
    home : path or None
        The user's folder; by default ``PATINA_HOME``, or ``~/.patina``.

    Examples
    --------
    >>> import patina_lab as pt
    >>> persona = pt.Persona()                     # doctest: +SKIP
    >>> persona.register("~/code/seed-library")    # doctest: +SKIP
    >>> persona.sync()                             # doctest: +SKIP
    >>> persona.domain("rust", type="pattern")     # doctest: +SKIP
    """

    def __init__(self, home: str | os.PathLike[str] | None = None) -> None:
        self.folder = persona_folder(user_home() if home is None else Path(home).expanduser())
        self.registry = Registry(self.folder)

    # -- projects ----------------------------------------------------------------------

    def register(
        self,
        path: str | os.PathLike[str],
        *,
        name: str | None = None,
        at: datetime | None = None,
    ) -> Project:
        """Add a project; one that was moved is found again by its history.

        Raises
        ------
        NotARepository, InvalidOption
            See `Registry.register`.
        """
        return self.registry.register(Path(path).expanduser(), _now(at), name=name)[0]

    def forget(self, name: str) -> Project:
        """Remove a project; its copies are removed with the next sync."""
        return self.registry.forget(name)

    def discover(self, root: str | os.PathLike[str], *, depth: int = 4) -> list[Path]:
        """Return the repositories below a folder that hold a ``.patina`` and are not registered.

        Nothing is registered by it.

        Parameters
        ----------
        root : path
        depth : int
            How many folders deep to look.

        Returns
        -------
        list of Path
            Sorted.
        """
        top = Path(root).expanduser()
        if not top.is_dir():
            raise InvalidOption(f"{top} is no folder.", "Name one that holds your projects.")
        known = {Path(project.path) for project in self.registry.projects()}
        return [place for place in sorted(_projects(top.resolve(), depth)) if place not in known]

    def projects(self) -> pd.DataFrame:
        """Return the registered projects.

        Returns
        -------
        pandas.DataFrame
            ``name, path, first_seen, last_scanned, observation_count, domains, git_remote,
            is_here``.
        """
        import pandas as pd

        counts: dict[str, tuple[int, list[str]]] = {}
        if database(self.folder).is_file():
            rows = self._engine().rows(
                "SELECT project_name, count(*), list_sort(list_distinct(flatten(list(domains)))) "
                "FROM persona.main.observations WHERE NOT deleted GROUP BY project_name"
            )
            counts = {name: (n, domains) for name, n, domains in rows}
        scanned = {scan.project: scan.scanned_at for scan in self.registry.scans()}
        columns = [
            *("name", "path", "first_seen", "last_scanned", "observation_count", "domains"),
            *("git_remote", "is_here"),
        ]
        return pd.DataFrame(
            [
                (
                    *(p.name, p.path, p.first_seen, scanned.get(p.name)),
                    *counts.get(p.name, (0, [])),
                    *(p.git_remote, p.is_here),
                )
                for p in self.registry.projects()
            ],
            columns=columns,
        )

    def scans(self) -> pd.DataFrame:
        """Return ``project, scanned_at, source_sha, new, changed, removed``, oldest first."""
        import pandas as pd

        columns = ["project", "scanned_at", "source_sha", "new", "changed", "removed"]
        return pd.DataFrame([asdict(scan) for scan in self.registry.scans()], columns=columns)

    # -- knowledge ---------------------------------------------------------------------

    def sync(self, *names: str, at: datetime | None = None) -> Synced:
        """Copy what is new in the projects, and bring the tables and packets up to date.

        Parameters
        ----------
        *names : str
            Registered projects; by default all of them.
        at : datetime or None
            The time of the scan; by default now.

        Returns
        -------
        Synced
            A project that is not where it was is named, and what was copied of it is kept.
        """
        wanted = [self.registry.project(name) for name in names] or self.registry.projects()
        when = _now(at)
        read: list[Mirrored] = []
        missing: dict[str, str] = {}
        with self.registry.locked():
            for project in wanted:
                try:
                    if not project.is_here:
                        missing[project.name] = (
                            f"there is no folder {project.path} any more; where it is now: "
                            "patina-lab persona register PATH"
                        )
                        continue
                    read.append(mirror(self.folder, project.name, project.path))
                except UsageError as err:
                    missing[project.name] = str(err)
            for done in read:
                self.registry.add_scan(
                    Scan(done.project, when, done.source_sha, done.new, done.changed, done.removed)
                )
            everyone = [project.name for project in self.registry.projects()]
            self._sweep(everyone)
            refreshed = refresh(self.folder, everyone)
        return Synced(tuple(read), missing, refreshed, stored_digest(self.folder) or "")

    def _sweep(self, everyone: Iterable[str]) -> None:
        import shutil

        wanted = {folder_of(self.folder, name).name for name in everyone}
        for place in (self.folder / "event_log").glob("from-*"):
            if place.name not in wanted:
                shutil.rmtree(place)

    def domains(self) -> pd.DataFrame:
        """Return the domains of all projects, the widest first.

        Returns
        -------
        pandas.DataFrame
            ``name, created_at, project_count, observation_count, pattern_count,
            decision_count, belief_count``.
        """
        return self.sql(
            "SELECT * FROM domains ORDER BY project_count DESC, observation_count DESC, name"
        )

    def domain(self, name: str, *, type: str | None = None) -> pd.DataFrame:  # noqa: A002 - what the command line calls it
        """Return what is known about a domain, one row for each project that says it.

        Parameters
        ----------
        name : str
        type : {"observation", "pattern", "decision", None}
            None: all of them.

        Returns
        -------
        pandas.DataFrame
            ``type, text, project_name, name, rationale, author, created_at, event_id,
            event_file``.  `name` is a pattern's.

        Raises
        ------
        UnknownName
            No project names that domain, or there is no such type.
        """
        if type is not None and type not in KINDS:
            raise UnknownName.among("type of knowledge", type, KINDS)
        (wanted,) = domain_names(name) or [name]
        place = packet(self.folder, wanted)
        if not place.is_file():
            known = list(self.domains()["name"]) if database(self.folder).is_file() else []
            raise UnknownName.among("domain", name, known)
        engine = _attached(place, "packet")
        parts = {
            "observation": "SELECT 'observation' AS type, content AS text, project_name, "
            "NULL AS name, NULL AS rationale, author, created_at, event_id, event_file "
            "FROM packet.main.observations",
            "pattern": "SELECT 'pattern', content, project_name, pattern_id, rationale, author, "
            "created_at, event_id, event_file FROM packet.main.pattern_sources",
            "decision": "SELECT 'decision', decision, project_name, NULL, rationale, author, "
            "created_at, event_id, event_file FROM packet.main.decisions",
        }
        chosen = [type] if type else list(parts)
        columns = "type, text, project_name, name, rationale, author, created_at, event_id"
        union = " UNION ALL ".join(parts[kind] for kind in chosen)
        return engine.df(
            f"SELECT {columns}, event_file FROM ({union}) AS t({columns}, event_file) "
            "ORDER BY created_at, project_name, event_id"
        )

    def query(
        self,
        text: str,
        *,
        k: int = 10,
        type: str | None = None,  # noqa: A002 - what the command line calls it
        domains: str | Iterable[str] = (),
        projects: Sequence[str] = (),
    ) -> pd.DataFrame:
        """Return the events of all projects that match a text, best first.

        Parameters
        ----------
        text : str
            Words; empty for all events, newest first.
        k : int
            At most so many.
        type : str or None
            An event type, or ``observation``, ``decision``, ``pattern``, ``belief``.
        domains : str or iterable of str
        projects : sequence of str
            Only these.

        Returns
        -------
        pandas.DataFrame
            ``tag`` (PERSONA), ``score`` (BM25), ``project_name, event_type, text, domains,
            author, timestamp, event_id, layer, event_file, id`` (identity).
        """
        import pandas as pd

        from patina_lab.personas.documents import documents
        from patina_lab.search.knowledge import about, event_types, part
        from patina_lab.search.scry import scry

        among = [d for d in documents(self.folder) if not projects or d.project in projects]
        # Nobody's own part: what projects know stands beside what other projects know.
        asked = part(among, "personas", Slice().where(*event_types(type)))
        hits = scry(text, about([asked], domains), k=k).hits
        columns = [
            *("project_name", "event_type", "author", "timestamp", "event_id", "layer"),
            *("event_file", "id"),
        ]
        wanted = ", ".join(quote(hit.document.event_id) for hit in hits) or "NULL"
        found = self.sql(f"SELECT {', '.join(columns)} FROM events WHERE id IN ({wanted})")
        keys = zip(found["project_name"], found["event_file"], found["id"], strict=True)
        place = {key: n for n, key in enumerate(keys)}
        said = [hit.document for hit in hits]
        table = found.iloc[[place[d.project, d.source_file, d.event_id] for d in said]]
        table = table.reset_index(drop=True)
        table.insert(0, "tag", pd.Series([hit.tag for hit in hits], dtype="str"))
        table.insert(1, "score", pd.Series([round(h.score, 6) for h in hits], dtype="float64"))
        table.insert(4, "text", pd.Series([d.headline for d in said], dtype="str"))
        table.insert(5, "domains", pd.Series([list(d.domains) for d in said], dtype="object"))
        return table

    def form_beliefs(
        self,
        rules: str | os.PathLike[str] | RuleSet = "v2",
        *,
        as_of: Moment | None = None,
        keep: bool = True,
        **chosen: Any,
    ) -> Beliefs:
        """Form beliefs that several projects bear out.

        Parameters
        ----------
        rules : str, path or RuleSet
        as_of : date or timestamp, or None
            Leave out what happened later.
        keep : bool
            Put them into the tables ``beliefs, belief_evidence, domain_beliefs``; only where
            nothing is left out.  They stay until they are formed anew: ``belief_state`` says
            by what they were formed, and is ``stale`` once a sync brought other events.
        **chosen
            See `belief_pipeline`.

        Returns
        -------
        patina_lab.beliefs.formation.Beliefs
        """
        from patina_lab.personas.beliefs import keep as keep_beliefs

        made = self.belief_pipeline(rules, as_of=as_of, **chosen).form()
        if keep and as_of is None:
            with self.registry.locked():
                keep_beliefs(made, self.folder)
        return made

    def belief_pipeline(
        self,
        rules: str | os.PathLike[str] | RuleSet = "v2",
        *,
        as_of: Moment | None = None,
        threshold: float | None = None,
        embedder: str | os.PathLike[str] | Embedder | None = None,
        engine: str | RuleEngine | None = None,
        progress: Progress = silent,
        **parameters: float,
    ) -> Pipeline:
        """Return what forms beliefs of all projects, as of any moment.

        Parameters
        ----------
        rules : str, path or RuleSet
        as_of : date or timestamp, or None
        threshold : float or None
            Cosine distance up to which observations are one cluster; None: 0.45.
        embedder : str, path, Embedder or None
        engine : {"swipl", "pyswip", "sql"}, RuleEngine or None
        progress : Progress
        **parameters : float
            Of the rule set.
        """
        from patina_lab.beliefs.cluster import DISTANCE
        from patina_lab.beliefs.pipeline import pipeline
        from patina_lab.personas.beliefs import persona_reader

        home = self.folder.parent
        return pipeline(
            persona_reader(home, None if as_of is None else end_us(as_of)),
            home=home,
            rules=rules,
            embedder=embedder,
            threshold=DISTANCE if threshold is None else threshold,
            scope="persona",
            engine=engine,
            parameters=parameters,
            progress=progress,
        )

    def sql(self, query: str) -> pd.DataFrame:
        """Ask the tables in SQL.

        Parameters
        ----------
        query : str
            One SELECT over ``observations, patterns, decisions, project_beliefs, events,
            quarantine`` (each with ``project_name``), ``domains``, and ``beliefs,
            belief_evidence, domain_beliefs, belief_state``.

        Raises
        ------
        NoLog
            Nothing was synced yet.
        """
        engine = self._engine()
        rels = {name: Rel(f"SELECT * FROM persona.main.{name}", name, engine) for name in _TABLES}
        first, *others = _TABLES
        return rels[first].query(query, **{name: rels[name] for name in others}).df()

    def _engine(self) -> OpenLog:
        if not database(self.folder).is_file():
            raise NoLog(
                f"Nothing was synced into {self.folder} yet.",
                "Register a project and sync: patina-lab persona register PATH",
            )
        return _attached(database(self.folder), "persona")

    # -- how it looks ------------------------------------------------------------------

    def facts(self) -> list[tuple[str, str]]:
        """Return what the repr shows."""
        projects = self.registry.projects()
        said = [("projects", ", ".join(p.name for p in projects) or "none yet")]
        gone = [p.name for p in projects if not p.is_here]
        if gone:
            said.append(("not found", ", ".join(gone)))
        if database(self.folder).is_file():
            (row,) = self._engine().rows(
                "SELECT (SELECT count(*) FROM persona.main.events), "
                "(SELECT count(*) FROM persona.main.domains), "
                "(SELECT count(*) FROM persona.main.quarantine)"
            )
            said += [("events", f"{row[0]:,}"), ("domains", f"{row[1]:,}")]
            if row[2]:
                said.append(("quarantined", f"{row[2]:,}"))
            for n, stale in self._engine().rows(
                "SELECT (SELECT count(*) FROM persona.main.beliefs), stale "
                "FROM persona.main.belief_state"
            ):
                old = "; formed of other events: persona.form_beliefs()" if stale else ""
                said.append(("beliefs", f"{n:,}{old}"))
            said.append(("digest", (stored_digest(self.folder) or "")[:12]))
        else:
            said.append(("knowledge", "none yet; run persona.sync()"))
        return said

    def __repr__(self) -> str:
        return text_card("Persona", self.facts())

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        said = self.facts()
        return {"text/plain": text_card("Persona", said), "text/html": html_card("Persona", said)}


def _attached(place: Path, name: str) -> OpenLog:
    import duckdb

    connection = duckdb.connect(":memory:")
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    connection.execute(f"ATTACH {quote(str(place))} AS {name} (READ_ONLY)")
    # It runs the text of queries, and needs no manifest of a log.
    return OpenLog(connection, None)  # type: ignore[arg-type]


def _projects(folder: Path, depth: int) -> Iterator[Path]:
    if (folder / ".git").exists():
        if (folder / ".patina").is_dir():
            yield folder
        return
    if depth == 0:
        return
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        hidden = entry.name.startswith(".") or entry.name in _SKIPPED
        if not hidden and entry.is_dir(follow_symlinks=False):
            yield from _projects(Path(entry.path), depth - 1)


def _files(n: int) -> str:
    return f"{n:,} file" + ("" if n == 1 else "s")


def _now(at: datetime | None) -> str:
    return short_time(datetime.now(UTC).replace(microsecond=0) if at is None else at)
