"""`Lab`: what a notebook opens.  Every call is a few lines over the parts that do the work."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from patina_lab.errors import EmptyRepository, InvalidOption, InvalidRecipe, UnknownRevision
from patina_lab.eventlog.build import Built, Request, build
from patina_lab.eventlog.eventlog import (
    Eventlog,
    OpenLog,
    html_card,
    span_text,
    text_card,
)
from patina_lab.eventlog.progress import Progress, fitting, silent
from patina_lab.eventlog.slice import Slice
from patina_lab.eventlog.store import LogStore, Manifest
from patina_lab.eventlog.times import Moment, begin_us, end_us, looks_like_time
from patina_lab.events.identity import instant
from patina_lab.project.config import Config, committed, find_recipe, read_config
from patina_lab.project.places import OXIDIZE_META, RECIPES, log_folder, vectors_folder
from patina_lab.projections.projection import (
    Projection,
    check_params,
    compose,
)
from patina_lab.projections.rel import Computed, Rel
from patina_lab.sources.git import GitSource
from patina_lab.sources.repository import Objects, Repository, open_repository
from patina_lab.sources.source import FileSource, Problem

if TYPE_CHECKING:
    import pandas as pd

    from patina_lab.beliefs.embed import Embedder
    from patina_lab.beliefs.formation import Beliefs
    from patina_lab.beliefs.pipeline import Pipeline
    from patina_lab.beliefs.rules import RuleEngine
    from patina_lab.beliefs.ruleset import RuleSet
    from patina_lab.eventlog.materialize import Materialized
    from patina_lab.project.history import History
    from patina_lab.project.init import Initialised
    from patina_lab.project.knowledge import Knowledge
    from patina_lab.project.materialize import KnowledgeUpdate
    from patina_lab.project.migrate import Migrated
    from patina_lab.project.observe import Note
    from patina_lab.project.oxidize import Oxidized
    from patina_lab.project.propose import Proposal
    from patina_lab.project.recipe import Recipe
    from patina_lab.project.undo import Undone
    from patina_lab.reports.run import Report
    from patina_lab.search.ask import Corpus


def open(path: str | os.PathLike[str] = ".", *, home: str | os.PathLike[str] | None = None) -> Lab:  # noqa: A001 - `pt.open` is what a notebook writes
    """Open a git repository as a lab; no ``.patina`` is needed, nothing is written into it.

    Parameters
    ----------
    path : path
        A work tree or a folder in it, a linked work tree, a submodule, a bare repository.
    home : path or None
        Where this user's logs lie; by default ``PATINA_HOME``, or ``~/.patina``.

    Returns
    -------
    Lab

    Raises
    ------
    NotARepository, UnsafeRepository, MissingTool

    Examples
    --------
    >>> import patina_lab as pt
    >>> lab = pt.open(".")                      # doctest: +SKIP
    >>> lab.scrape()                            # doctest: +SKIP
    """
    repository = open_repository(path)
    folder = log_folder(repository.git_dir, repository.name, home)
    return Lab(repository, LogStore(folder))


@dataclass(frozen=True)
class ScrapeResult:
    """What a scrape found.

    Parameters
    ----------
    digest, source_sha : str
    events : int
        Events in the log now.
    by_type : mapping
        Event type -> number of events.
    added, removed : int
        Events that came and went since the last scrape.
    quarantined : int
        Commits, files and items that could not be loaded whole; see ``lab.problems()``.
    coverage : mapping
        Kind of session item -> (present, extracted), where there are session notes.
    how : str
        ``unchanged``, ``incremental`` or ``full``.
    seconds : float
        Wall time.
    notices : tuple of str
    """

    digest: str
    source_sha: str
    events: int
    by_type: Mapping[str, int]
    added: int
    removed: int
    quarantined: int
    coverage: Mapping[str, tuple[int, int]]
    how: str
    seconds: float
    span: str
    notices: tuple[str, ...] = ()

    def facts(self) -> list[tuple[str, str]]:
        """Return what the repr shows."""
        said = [
            ("how", f"{self.how}, {self.seconds:.2f} s"),
            ("events", f"{self.events:,} (+{self.added:,} -{self.removed:,})"),
            ("types", ", ".join(f"{t} {n:,}" for t, n in by_count(self.by_type))),
            ("span", self.span),
        ]
        if self.coverage:
            present = sum(p for p, _ in self.coverage.values())
            extracted = sum(e for _, e in self.coverage.values())
            said.append(("session items", f"{extracted:,} of {present:,} extracted"))
        see = " (see lab.problems())" if self.quarantined else ""
        said.append(("quarantined", f"{self.quarantined:,}{see}"))
        said.append(("source", self.source_sha[:12]))
        said.append(("digest", self.digest[:12]))
        said += [("notice", notice) for notice in self.notices]
        return said

    def to_json(self) -> dict[str, Any]:
        """Return the result as a JSON value."""
        return {
            "digest": self.digest,
            "source_sha": self.source_sha,
            "events": self.events,
            "by_type": dict(self.by_type),
            "added": self.added,
            "removed": self.removed,
            "quarantined": self.quarantined,
            "coverage": {k: list(v) for k, v in self.coverage.items()},
            "how": self.how,
            "seconds": round(self.seconds, 3),
            "span": self.span,
            "notices": list(self.notices),
        }

    def __repr__(self) -> str:
        return text_card("Scrape", self.facts())

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": html_card("Scrape", self.facts())}


@dataclass(frozen=True)
class Lab:
    """A repository, its log, and a slice of it.  Frozen: ``as_of`` returns another lab."""

    repository: Repository
    store: LogStore = field(repr=False)
    slice: Slice = field(default_factory=Slice)
    pinned: OpenLog | None = field(default=None, repr=False)
    _cache: dict[str, OpenLog] = field(default_factory=dict, repr=False, compare=False)

    # -- loading -----------------------------------------------------------------------

    def scrape(
        self,
        *,
        at: str = "HEAD",
        until: Moment | None = None,
        lines: bool | None = None,
        merges: Literal["none", "combined", "first-parent"] | None = None,
        code: bool | str | Sequence[str] | None = None,
        worktree: bool = False,
        rebuild: bool = False,
        jobs: int | None = None,
        progress: bool | Progress = True,
        recipe: Recipe | None = None,
    ) -> ScrapeResult:
        """Bring the log up to date with the repository, or make it.

        Parameters
        ----------
        at : str
            The commit to scrape, as git names it.
        until : date or timestamp, or None
            Leave out what happened later.
        lines : bool or None
            Count added and removed lines.  False is several times faster.
        merges : str or None
            Files of a merge commit: ``none``, ``combined`` (those that differ from all
            parents), ``first-parent``.
        code : bool or pattern or patterns, or None
            Read the source files of the commit's tree too (``code.*`` events): all of
            them, or those whose path matches; ``*`` also crosses ``/``.  None: as
            ``[tool.patina_lab] code`` says, by default not.  Needs ``patina-lab[code]``.
        worktree : bool
            Add session notes and event files that are not committed, marked as such; the
            digest is then another one.
        rebuild : bool
            Read everything again.
        jobs : int or None
            Git processes; by default one a processor, two at most.
        progress : bool or Progress
            Show how far it is.
        recipe : Recipe or None
            What it says of sources is taken; by default what the commit's own recipe says.

        Returns
        -------
        ScrapeResult
        """
        for name, value in (("worktree", worktree), ("rebuild", rebuild)):
            if not isinstance(value, bool):
                raise InvalidOption(f"{name}={value!r} is no answer.", "Use True or False.")
        show = (fitting() if progress else silent) if isinstance(progress, bool) else progress
        told: dict[str, Any] = {} if recipe is None else recipe.config()
        told |= {k: v for k, v in (("lines", lines), ("merges", merges)) if v is not None}
        if code is not None:
            told["code"] = code if isinstance(code, bool) else _several(code)
        with Objects(self.repository) as objects:
            sha = self._commit(at)
            request = self._request(objects, sha, told)
        git = replace(request.git, jobs=jobs if jobs is not None else min(2, os.cpu_count() or 1))
        request = replace(request, at=at, until=until, worktree=worktree, git=git)
        built = build(self.repository, self.store, request, rebuild=rebuild, progress=show)
        self._cache.clear()
        return self._result(built)

    def _commit(self, at: str) -> str:
        try:
            return self.repository.resolve(at)
        except UnknownRevision as err:
            if not (isinstance(at, str) and looks_like_time(at)):
                raise
            hint = f"What had happened by a date is asked with until={at!r}, or --until {at}."
            raise UnknownRevision(err.message, hint) from err

    def _request(self, objects: Objects, sha: str, told: Mapping[str, Any]) -> Request:
        """Return what the commit's own configuration asks for, and before it what is told."""
        config, problems = read_config(objects, sha)
        config = replace(config, **told)
        git = GitSource(lines=config.lines, merges=config.merges)  # type: ignore[arg-type]
        files, left_out = _file_sources(config)
        return Request(git=git, files=files, problems=(*problems, *left_out))

    def _result(self, built: Built) -> ScrapeResult:
        log = built.manifest
        return ScrapeResult(
            digest=log.digest,
            source_sha=log.source_sha,
            events=log.events,
            by_type=dict(log.by_type),
            added=built.added,
            removed=built.removed,
            quarantined=log.quarantined,
            coverage=dict(log.coverage),
            how=built.how,
            seconds=built.seconds,
            span=span_text(log.first_us, log.last_us),
            notices=built.notices,
        )

    def _opened(self) -> OpenLog:
        """Return the log that this lab reads: the pinned one, or the newest."""
        if self.pinned is not None:
            return self.pinned
        if "current" not in self._cache:
            connection, manifest = self.store.open(None)
            self._cache["current"] = OpenLog(connection, manifest, self._at)
        return self._cache["current"]

    def _at(self, revision: str) -> OpenLog:
        """Open the log of another commit: what a scrape at that commit would make.

        It is built upon the newest log, has its upper limit in time, and is kept for the next time.
        """
        sha = self.repository.resolve(revision)
        current = self.store.manifest()
        until = None
        with Objects(self.repository) as objects:
            told = self._told(objects, current) if current is not None else {}
            request = self._request(objects, sha, told)
        if current is not None and (until_us := current.options["until_us"]) is not None:
            until = instant(until_us - 1)
        built = build(
            self.repository,
            self.store,
            replace(request, at=sha, until=until),
            name=f"at-{sha}",
            base=current,
            progress=silent,
        )
        connection, manifest = self.store.open(built.manifest)
        return OpenLog(connection, manifest, self._at)

    def _told(self, objects: Objects, log: Manifest) -> dict[str, Any]:
        """Return the fields of the configuration that a log's user gave, unlike its commit.

        They hold for the logs of other commits too; a commit's own configuration does not.
        """
        options = _config(log.options["git"], log.options["files"])
        if objects.present([log.source_sha]):
            request = self._request(objects, log.source_sha, {})
            files = {source.name: source.options() for source in request.files}
            usual = _config(request.git.options(), files)
            options = {name: value for name, value in options.items() if value != usual[name]}
        return options

    # -- looking -----------------------------------------------------------------------

    @property
    def log(self) -> Eventlog:
        """The log, over this lab's slice.

        Raises
        ------
        NoLog
            Nothing was scraped yet.
        """
        return Eventlog(self._opened(), self.slice)

    def as_of(self, moment: Moment) -> Lab:
        """Return the same lab, back then; see `Eventlog.as_of`."""
        log = self.log.as_of(moment)
        pinned = log.opened if log.opened is not self._cache.get("current") else self.pinned
        return replace(self, slice=log.slice, pinned=pinned, _cache=self._cache)

    def where(self, *types: str, **named: Any) -> Lab:
        """Return the same lab over fewer events; see `Eventlog.where`."""
        return replace(self, slice=self.log.where(*types, **named).slice, _cache=self._cache)

    def rel(self, name: str) -> Rel:
        """Return one of the log's relations, lazily; see `Eventlog.rel`.

        ``oxidize_meta`` (``key, value``) says which recipe made which table.
        """
        if name == OXIDIZE_META:
            from patina_lab.project import oxidize

            return oxidize.meta(self.log, self.projections)
        return self.log.rel(name)

    def sql(self, query: str) -> pd.DataFrame:
        """Ask the log's relations in SQL, over this lab's slice.

        Parameters
        ----------
        query : str
            One SELECT over ``eventlog, commits, touches, commit_files, sessions,
            observations, goals, decisions, tags, quarantine, …`` (see `Eventlog.rel`).
        """
        return self._with_provenance(self.log.query(query).df())

    def project(
        self,
        function: str | Projection | Callable[..., Rel | Computed],
        /,
        *,
        engine: str | None = None,
        **params: Any,
    ) -> pd.DataFrame:
        """Compute a projection over this lab's slice.

        Parameters
        ----------
        function : str, Projection or callable
            A projection's name (see ``patina-lab projections``); that of a relation, such as
            ``commits``, ``sessions``, ``observations``, ``goals``; or a function.  Its
            positional parameters are named after relations of the log (``touches``,
            ``commits``, …) or after projections; it returns a `Rel`.  One defined in a cell
            will do:
            ``lab.project(lambda touches: touches.query("SELECT path FROM touches"))``.
        engine : {"duckdb", "datafusion", "sail"} or None
            Export the slice and compute over the files on this engine: the same rows.  For
            more than one table, export once: see `patina_lab.projections.engines`.
        **params
            Its keyword-only parameters.

        Returns
        -------
        pandas.DataFrame
            With ``attrs``: digest, source_sha, projection, version, params.

        Raises
        ------
        UnknownName
            A relation, a column or a parameter of that name does not exist.
        ProjectionFailed
            Its code raised, or it declares columns that it does not give.
        """
        wanted = _projection(function)
        if engine is not None:
            from patina_lab.eventlog.export import export
            from patina_lab.projections import engines

            with tempfile.TemporaryDirectory(prefix="patina-export-") as folder:
                export(self.log, Path(folder))
                made = engines.open(folder, engine).project(wanted, **params)
            return self._with_provenance(made)
        table = self._with_provenance(compose(wanted, self.log, params).df())
        table.attrs.update(
            projection=getattr(wanted, "name", getattr(wanted, "__name__", "")),
            version=getattr(wanted, "version", 0),
            params=dict(params),
        )
        return table

    def evidence(
        self, projection: str | Projection, row: Mapping[str, Any], /, **params: Any
    ) -> Eventlog:
        """Return the events that a row of a projection came from.

        Parameters
        ----------
        projection : str or Projection
        row : mapping
            A row of its table, such as ``table.iloc[0]``.
        **params
            With which the table was made.

        Returns
        -------
        Eventlog
            The events, to be shown or sliced; without them the row would be another.
        """
        wanted = _kept(_projection(projection))
        check_params(wanted, params)
        from patina_lab.projections.evidence import evidence as evidence_sql

        found = self.log.query(evidence_sql(wanted, row, params)).arrow().column(0).to_pylist()
        return replace(self.log, slice=replace(self.slice, seqs=tuple(sorted(set(found)))))

    @overload
    def materialize(self, projection: None = None, /, **options: Any) -> KnowledgeUpdate: ...

    @overload
    def materialize(self, projection: str | Projection, /, **params: Any) -> Materialized: ...

    def materialize(
        self, projection: str | Projection | None = None, /, **params: Any
    ) -> Materialized | KnowledgeUpdate:
        """Keep what the project knows, or the table of a projection, and bring it up to date.

        Without a projection: the event files become the tables that ``lab.knowledge`` shows.
        With one: the same table as `project` gives; where that is exact, only new events
        are counted.

        Parameters
        ----------
        projection : str, Projection or None
        **params
            Its parameters.  Without one: ``at`` (a commit, a date or a timestamp; by default
            what this lab is as of), ``until``, ``worktree``, ``local``, ``force``; see
            `patina_lab.project.materialize.materialize_events`.

        Returns
        -------
        KnowledgeUpdate or Materialized
            ``how``, ``applied``, ``removed``, ``quarantined``, ``knowledge``; or ``df()``,
            ``how``, ``added``, ``last_updated``, ``staleness``.
        """
        if projection is None:
            from patina_lab.project.materialize import materialize_events

            return materialize_events(
                self.repository, self._knowledge, **{**self._back_then(), **params}
            )
        wanted = _kept(_projection(projection))
        check_params(wanted, params)
        from patina_lab.eventlog.materialize import materialize

        made = materialize(self.log, wanted, self.projections, **params)
        return replace(made, staleness="" if self.pinned else self.staleness())

    @property
    def projections(self) -> Path:
        """Folder of the kept tables; it can be deleted at any time."""
        return self.store.folder / "projections"

    def oxidize(
        self, recipe: str | os.PathLike[str] | Recipe | None = None, *, progress: bool = True
    ) -> Oxidized:
        """Run a recipe: scrape what it names, and bring its tables up to date.

        Parameters
        ----------
        recipe : path, Recipe or None
            None: the recipe of the commit at HEAD, ``.patina/oxidize.yaml`` or
            ``oxidize.yaml``.
        progress : bool

        Returns
        -------
        Oxidized
            ``made["hotspots"]`` is a table; each knows the hash of the recipe.

        Raises
        ------
        InvalidRecipe
            There is none, or it cannot be understood; the log is then unchanged.
        """
        from patina_lab.project.oxidize import oxidize

        wanted, place = self._recipe(recipe)
        self._whole()
        wanted.check(place)
        self.scrape(recipe=wanted, progress=progress)
        return oxidize(self.log, wanted, place, self.projections)

    def oxidized(self, recipe: str | os.PathLike[str] | Recipe | None = None) -> pd.DataFrame:
        """Say of each table of a recipe what made it, and why it is out of date.

        Parameters
        ----------
        recipe : path, Recipe or None
            As for `oxidize`.

        Returns
        -------
        pandas.DataFrame
            ``table, projection, version, recipe, last_updated, through, stale``; `stale` is
            empty where nothing has changed since.  ``attrs["log"]`` says how the log
            relates to HEAD.
        """
        from patina_lab.project.oxidize import status

        wanted, _ = self._recipe(recipe)
        self._whole()
        table = status(self.log, wanted, self.projections)
        table.attrs["log"] = self.staleness()
        return table

    def _whole(self) -> None:
        if self.pinned is not None or not self.slice.is_all:
            raise InvalidOption(
                f"A recipe makes tables of the whole log, and this lab shows {self.slice}.",
                "Run it on the lab that pt.open gave; lab.materialize keeps tables of slices.",
            )

    def _recipe(self, given: str | os.PathLike[str] | Recipe | None) -> tuple[Recipe, str]:
        """Return a recipe, and the place that it is named by."""
        from patina_lab.project.recipe import Recipe, parse

        if isinstance(given, Recipe):
            return given, "a recipe made in Python"
        if given is not None:
            try:
                return parse(Path(given).read_text(encoding="utf-8"), str(given)), str(given)
            except (OSError, UnicodeDecodeError) as err:
                raise InvalidRecipe(
                    f"The recipe {given} cannot be read: {err}.", "Name a YAML file in UTF-8."
                ) from err
        with Objects(self.repository) as objects:
            found = find_recipe(objects, self.repository.resolve("HEAD"))
        if found is None or found[1] is None:
            raise InvalidRecipe(
                f"The commit at HEAD of {self.repository.name} has no recipe.",
                f"Commit one as {RECIPES[0]}, or name a file: lab.oxidize('my.yaml').",
            )
        place, text = found[0], found[1]
        return parse(text, place), place

    @property
    def knowledge(self) -> Knowledge:
        """What the project knew when it was last materialized, as tables.

        Of a lab as of a commit or a time: what it knew then.

        Raises
        ------
        NoLog
            Nothing was materialized yet.
        """
        from patina_lab.project.knowledge import KnowledgeStore

        if self._back_then():
            return self.materialize().knowledge
        return KnowledgeStore(self._knowledge).open()

    def _back_then(self) -> dict[str, Any]:
        """Return the commit and the time that this lab is as of, where it is."""
        then: dict[str, Any] = {}
        if self.pinned is not None:
            then["at"] = self.pinned.manifest.source_sha
        if self.slice.until_us is not None:
            then["until"] = instant(self.slice.until_us - 1)
        return then

    @property
    def _knowledge(self) -> Path:
        return self.store.folder / "knowledge"

    # -- believing ---------------------------------------------------------------------

    def form_beliefs(
        self,
        rules: str | os.PathLike[str] | RuleSet = "v2",
        *,
        embedder: str | os.PathLike[str] | Embedder | None = None,
        threshold: float | None = None,
        scope: Literal["project", "persona"] = "project",
        local: bool = False,
        engine: str | RuleEngine | None = None,
        progress: bool | Progress = True,
        keep: bool = True,
        calibrate: bool | Moment = False,
        **parameters: float,
    ) -> Beliefs:
        """Form beliefs of what this lab's slice observed.

        Parameters
        ----------
        rules : str, path or RuleSet
            ``v0``, ``v1``, ``v2``, or a ``.pl`` file of your own.
        embedder : str, path, Embedder or None
            See `patina_lab.beliefs.embed.find`.
        threshold : float or None
            Cosine distance up to which observations are one cluster; None: 0.45.
        scope : {"project", "persona"}
            ``persona``: across the projects that this user's persona has synced.
        local : bool
            Add this user's own notes, which are in no commit; the beliefs, and the digest that
            they name, are then this clone's own.
        engine : {"swipl", "pyswip", "sql"}, RuleEngine or None
            None: SWI-Prolog in a process of its own.  Without it, the built-in rule sets run
            in SQL, without proofs: ``sql``.  See `patina_lab.beliefs.pipeline.rule_engine`.
        progress : bool or Progress
        keep : bool
            Of the whole log: keep the tables and the events in the user's folder, where
            `beliefs` finds them.
        calibrate : bool, date or timestamp
            Let a confidence be the share of such beliefs that came again: learned from what
            was held at that moment (True: 45 days before the last observation) and the 45 days
            after it, and shown without floor and ceiling.  Of ``v2``, and of rule sets that
            have its parameters.
        **parameters : float
            Of the rule set, such as ``half_life_days=30``.

        Returns
        -------
        patina_lab.beliefs.formation.Beliefs
            A sequence, the firmest first; ``beliefs[0].explain()``,
            ``beliefs.sql("SELECT …")``.

        Raises
        ------
        MissingTool
            SWI-Prolog, the embedder or SciPy is not installed.
        BadRules, RulesStopped
            See `patina_lab.beliefs.rules`.
        """
        from patina_lab.beliefs.kept import keep_beliefs

        pipeline = self.belief_pipeline(
            rules,
            embedder=embedder,
            threshold=threshold,
            scope=scope,
            local=local,
            engine=engine,
            progress=progress,
            **parameters,
        )
        if calibrate is not False:
            from patina_lab.beliefs.evaluation import learn_calibration

            learned = learn_calibration(pipeline, None if calibrate is True else calibrate)
            said = {**learned.parameters(), **parameters}
            pipeline = pipeline.other(rules=pipeline.rules.with_parameters(**said))
        made = pipeline.form()
        whole = self.slice.is_all and self.pinned is None and not local and scope == "project"
        if keep and whole:
            keep_beliefs(made, self.store.folder / "beliefs")
        return made

    def belief_pipeline(
        self,
        rules: str | os.PathLike[str] | RuleSet = "v2",
        *,
        threshold: float | None = None,
        scope: Literal["project", "persona"] = "project",
        local: bool = False,
        progress: bool | Progress = False,
        embedder: str | os.PathLike[str] | Embedder | None = None,
        engine: str | RuleEngine | None = None,
        **parameters: float,
    ) -> Pipeline:
        """Return what forms beliefs of this lab's slice, as of any moment of it.

        Parameters as for `form_beliefs`.
        """
        from patina_lab.beliefs.cluster import DISTANCE
        from patina_lab.beliefs.observed import reader
        from patina_lab.beliefs.pipeline import pipeline

        show = (fitting() if progress else silent) if isinstance(progress, bool) else progress
        home = self.store.folder.parent.parent
        if scope == "project":
            embedder = self._embedder(embedder)
        if scope == "persona":
            from patina_lab.personas.beliefs import persona_reader

            if self.pinned is not None:
                raise InvalidOption(
                    "A persona has no commits, and this lab is as of one.",
                    "Take a date: lab.as_of('2025-03-15').form_beliefs(scope='persona').",
                )
            read, log = persona_reader(home, self.slice.until_us), None
        else:
            from patina_lab.project.read import read_local

            more = [found.event for found in read_local(self.repository)[0]] if local else []
            log = self.log
            read = reader(log, more=more, shown=self.repository.name)
        return pipeline(
            read,
            home=home,
            rules=rules,
            embedder=embedder,
            threshold=DISTANCE if threshold is None else threshold,
            scope=scope,
            engine=engine,
            parameters=parameters,
            progress=show,
            log=log,
        )

    @property
    def beliefs(self) -> Beliefs:
        """What is believed: formed as the last time, of the log as it is now.

        Cheap where little has changed: vectors are kept.  Without a last time: by ``v2``.
        """
        from patina_lab.beliefs.kept import last_choice

        return self.form_beliefs(
            **last_choice(self.store.folder / "beliefs"), progress=False, keep=False
        )

    def report(
        self,
        notebook: str | os.PathLike[str] = "01_quickstart",
        out: str | os.PathLike[str] = "reports",
        **parameters: Any,
    ) -> Report:
        """Run a notebook on this repository, and leave a page that opens in any browser.

        Parameters
        ----------
        notebook : path or str
            A file, or the name of one in ``notebooks/``.
        out : path
            Folder for the page and the notebook with its outputs.
        **parameters
            Of the notebook, besides ``repo``.

        Returns
        -------
        patina_lab.reports.run.Report
        """
        from patina_lab.reports.run import run_notebook
        from patina_lab.reports.shelf import notebook_path

        given = {"repo": str(self.repository.path), **parameters}
        return run_notebook(notebook_path(notebook), out, given)

    # -- writing -----------------------------------------------------------------------

    def init(self) -> Initialised:
        """Make ``.patina/`` in the project; see `patina_lab.project.init.init`."""
        from patina_lab.project.init import init

        return init(self.repository)

    def observe(self, content: str, **about: Any) -> Note:
        """Write a private note.

        Parameters
        ----------
        content : str
        **about
            ``type, domains, source_type, source_id, at, author``: see
            `patina_lab.project.observe.observe`.
        """
        from patina_lab.project.observe import observe

        return observe(self.repository, content, **about)

    def propose(self, what: str | Note | None = None, **about: Any) -> Proposal:
        """Put a text or a note to the team: an event file on a branch, ready for review.

        Parameters
        ----------
        what : str, Note or None
        **about
            ``type, name, domains, rationale, alternatives, context, evidence, payload,
            from_, base, branch, at, author``: see `patina_lab.project.propose.propose`.
        """
        from patina_lab.project.propose import propose

        return propose(self.repository, what, **about)

    def undo(self, what: str | Note | Proposal, **about: Any) -> Undone:
        """Take an event back: a revert commit on a branch, or the deletion of a note."""
        from patina_lab.project.undo import undo

        return undo(self.repository, what, **about)

    def add_domain(self, *names: str) -> list[str]:
        """Declare what the project is about; returns all that is declared."""
        from patina_lab.project.domains import add_domain

        return add_domain(self.repository, *names)

    # -- asking ------------------------------------------------------------------------

    def query(self, text: str, **about: Any) -> pd.DataFrame:
        """Find what the team and this user know about a text, best match first.

        The time of this lab's slice holds.  A lab as of a commit asks that commit's event
        files alone: nobody's notes belong to a commit.

        Parameters
        ----------
        text : str
        **about
            ``k, type, domains, scope, at``: see `patina_lab.search.query.query`.

        Returns
        -------
        pandas.DataFrame
            Columns: see `patina_lab.search.query.COLUMNS`.
        """
        from patina_lab.search.query import query

        if self.pinned is not None:
            about = {"at": self.pinned.manifest.source_sha, "scope": "shared", **about}
        about.update(since_us=self.slice.since_us, until_us=self.slice.until_us)
        return query(self.repository, text, **about)

    def scry(
        self,
        question: str,
        *,
        k: int = 10,
        mode: str = "auto",
        type: str | Sequence[str] | None = None,  # noqa: A002 - what the command line calls it
        since: Moment | None = None,
        until: Moment | None = None,
        as_of: Moment | None = None,
        scope: str | None = None,
        domains: str | Sequence[str] = (),
        persona: bool = True,
        embedder: Any = None,
        index: str | None = None,
        at: str = "HEAD",
        fold: bool = True,
        progress: bool | Progress = True,
    ) -> pd.DataFrame:
        """Find what was known about something: notes, decisions, sessions, commits, best first.

        Words are compared always, meaning where it can be had at once (see `embed`).  What
        happened after the end of this lab's slice is neither shown nor counted.  Other
        projects suggest, tagged PERSONA: they move no hit of this project's.

        Parameters
        ----------
        question : str
            Words; empty for everything, newest first.
        k : int
            At most so many.
        mode : {"auto", "lexical", "semantic", "fusion"}
            ``auto``: the best that needs no waiting; ``attrs["mode"]`` says which it was, and
            ``attrs["notices"]`` why.
        type : str, sequence of str or None
            Event types, with ``*``; or ``decision``, ``pattern``, ``observation``, ``belief``,
            ``commit``, ``tag``.
        since, until : date, timestamp or None
            From one on, and before the other.
        as_of : date, timestamp, sha, tag or None
            What had been said by then; see `Eventlog.as_of`.
        scope : {"local", "shared", "log", "persona", None}
            Only this user's notes, the team's event files, the log, or other projects.
        domains : str or sequence of str
        persona : bool
            Whether to ask other projects (see `Persona`).
        embedder : str, path, Embedder or None
            See `patina_lab.beliefs.embed.find`.
        index : {"exact", "hnsw", None}
        at : str
            The commit whose event files are asked where nothing was scraped.
        fold : bool
            Show one of those that say the same, the best or newest, and how many others do
            (``same``); False: each of them.
        progress : bool or Progress
            True: a table that is empty says why, too, as a warning.

        Returns
        -------
        pandas.DataFrame
            Columns: see `patina_lab.search.scry.COLUMNS`.  ``attrs``: ``question, mode,
            asked, notices, state`` (how the log relates to HEAD) and, where they matter,
            ``digest, source_sha, embedder, model_hash``.
        """
        from patina_lab.search.ask import ask
        from patina_lab.search.knowledge import event_types

        show = (fitting() if progress else silent) if isinstance(progress, bool) else progress
        lab, chosen = self, self.slice
        if as_of is not None and (not isinstance(as_of, str) or looks_like_time(as_of.strip())):
            chosen = chosen.between_us(None, end_us(as_of))  # needs no log
        elif as_of is not None:
            lab = self.as_of(as_of)
            chosen = lab.slice
        chosen = chosen.between_us(
            None if since is None else begin_us(since), None if until is None else begin_us(until)
        )
        kinds = [type] if isinstance(type, str) or type is None else type
        chosen = chosen.where(*(t for kind in kinds for t in event_types(kind)))
        corpus = replace(lab._corpus(persona and lab.pinned is None, at), slice=chosen)
        answer = ask(
            corpus,
            question,
            k=k,
            mode=mode,
            embedder=self._embedder(embedder) if mode != "lexical" else None,
            index=index,
            scope=scope,
            domains=domains,
            fold=fold,
            progress=show,
        )
        table = answer.table()
        if progress is True and answer.notices and not len(table):
            warnings.warn(f"Nothing was found. {' '.join(answer.notices)}", stacklevel=2)
        if corpus.opened is not None:
            table.attrs["state"] = lab.staleness() if lab.pinned is None else "as of a commit"
        return table

    def embed(
        self, embedder: Any = None, *, index: str | None = None, progress: bool | Progress = True
    ) -> dict[str, Any]:
        """Embed the log's texts once, so that `scry` can compare meaning.

        Parameters
        ----------
        embedder : str, path, Embedder or None
            See `patina_lab.beliefs.embed.find`; by default that of the commit's recipe, or
            `patina_lab.beliefs.embed.default`, as for `form_beliefs`.
        index : {"exact", "hnsw", None}
        progress : bool or Progress

        Returns
        -------
        dict
            ``texts, embedder, model_hash, index``.
        """
        from patina_lab.search.ask import prepare

        show = (fitting() if progress else silent) if isinstance(progress, bool) else progress
        means = self._embedder(embedder)
        return prepare(self._corpus(False, "HEAD"), means, index=index, progress=show)

    def _embedder(self, told: Any) -> Any:
        """Return the embedder that is told, or that of the commit's recipe; None: the default."""
        if told is not None:
            return told
        from patina_lab.beliefs.embed import of_package

        try:
            sha = (
                self.pinned.manifest.source_sha if self.pinned else self.repository.resolve("HEAD")
            )
        except EmptyRepository:
            return None
        recipe = committed(self.repository, sha)
        model = recipe.models.embedding if recipe else None
        return of_package(model.package, model.version, model.sha256) if model else None

    def _corpus(self, persona: bool, at: str) -> Corpus:
        from patina_lab.personas.documents import documents
        from patina_lab.project.places import persona_folder
        from patina_lab.search.ask import Corpus

        home = self.store.folder.parents[1]
        scraped = self.pinned is not None or self.store.manifest() is not None
        others = documents(persona_folder(home)) if persona else ()
        return Corpus(
            self.repository,
            self._opened() if scraped and at == "HEAD" else None,
            self.slice,
            self.store.folder / "search",
            vectors_folder(home),
            at,
            self.pinned is None,
            others,
        )

    def migrate(self, database: str | os.PathLike[str], **about: Any) -> Migrated:
        """Turn the events of an earlier patina's SQLite database into event files, once.

        Parameters
        ----------
        database : path
        **about
            ``to`` (``local`` or ``shared``): see
            `patina_lab.project.migrate.migrate`.
        """
        from patina_lab.project.migrate import migrate

        return migrate(self.repository, Path(database), **about)

    def history(self, event: str | Proposal, at: str = "HEAD") -> History:
        """Return what git knows of an event: log, diffs, blame."""
        from patina_lab.project.history import history

        return history(self.repository, event, at)

    def conflicts(self, at: str = "HEAD") -> pd.DataFrame:
        """Return events with the same number or content, and decisions that may contradict.

        Returns
        -------
        pandas.DataFrame
            ``kind, certain, events, files, detail, event_ids``.
        """
        from patina_lab.project.conflicts import conflicts, table

        return table(conflicts(self.repository, at))

    def _with_provenance(self, table: pd.DataFrame) -> pd.DataFrame:
        table.attrs.update(source_sha=self.log.opened.manifest.source_sha, digest=self.digest)
        return table

    def problems(self) -> pd.DataFrame:
        """Return what could not be loaded whole: the log's quarantine.

        Returns
        -------
        pandas.DataFrame
            ``source, reason, detail, source_id, source_file, line, object_id``.
        """
        return self.rel("quarantine").df()

    def coverage(self) -> pd.DataFrame:
        """Return, per file of a file source and kind of item, how many there are and were read."""
        return self.rel("coverage").df()

    @property
    def digest(self) -> str:
        """Hash over the slice's canonical rows, 64 hexadecimal digits."""
        return self.log.digest

    def staleness(self) -> str:
        """Say in words how the log relates to the repository's HEAD."""
        manifest = self._opened().manifest
        head = self.repository.resolve("HEAD")
        if manifest.source_sha == head:
            return "up to date with HEAD"
        try:
            out = self.repository.command(
                "rev-list", "--count", "--left-right", f"{manifest.source_sha}...{head}"
            )
        except Exception:  # noqa: BLE001 - the scraped commit may be gone after a force-push
            return "of a commit that is not in the repository any more; run lab.scrape()"
        ahead, behind = out.decode().split()
        said = f"{_commits(behind)} behind HEAD"
        if ahead != "0":
            said += f" and {_commits(ahead)} that HEAD does not have"
        return f"{said}; run lab.scrape()"

    # -- showing -----------------------------------------------------------------------

    def facts(self) -> list[tuple[str, str]]:
        """Return what the repr shows."""
        # Its name, not its path: what a report shows must not depend on where it was made.
        said = [("repository", self.repository.name)]
        if self.pinned is None and self.store.manifest() is None:
            return [*said, ("log", "none yet; run lab.scrape()")]
        said += self.log.facts()
        quarantined = self._opened().manifest.quarantined
        if quarantined:
            said.append(("quarantined", f"{quarantined:,} (see lab.problems())"))
        if self.pinned is None:
            said.append(("state", self.staleness()))
        return said

    def __repr__(self) -> str:
        return text_card("Lab", self.facts())

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        said = self.facts()
        return {"text/plain": text_card("Lab", said), "text/html": html_card("Lab", said)}


def _commits(number: str) -> str:
    return f"{number} commit{'' if number == '1' else 's'}"


def _projection(named: Any) -> Any:
    """Return the projection of that name; anything else as it is."""
    if not isinstance(named, str):
        if not callable(named):
            raise InvalidOption(
                f"What was given is no projection but of the type {type(named).__name__}.",
                "Give the name of one, or a function: lab.project('hotspots').",
            )
        return named
    from patina_lab.eventlog.relations import NAMES
    from patina_lab.projections import registry

    return registry.find(named, NAMES)


def _kept(wanted: Any) -> Any:
    """Return what has a name and a version; refuse a plain function."""
    from patina_lab.projections.projection import Projection

    if not isinstance(wanted, Projection):
        name = getattr(wanted, "__name__", repr(wanted))
        raise InvalidOption(
            f"The function {name} has no version, nor says where its rows come from.",
            "Make it a projection: write @pt.projection above it.",
        )
    return wanted


def by_count(by_type: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return the types with their counts, most frequent first."""
    return sorted(by_type.items(), key=lambda item: (-item[1], item[0]))


def _file_sources(config: Config) -> tuple[tuple[FileSource, ...], list[Problem]]:
    """Return the built-in file sources and those of other packages, by name.

    One that cannot be loaded is reported; the others still read.
    """
    globs = config.sessions if isinstance(config.sessions, str) else list(config.sessions)
    sources: dict[str, FileSource] = {}
    problems = []
    built_in: list[FileSource] = []
    if config.events:
        from patina_lab.sources.event_files import EventFileSource

        built_in.append(EventFileSource(config.events, config.unknown))  # type: ignore[arg-type]
    if globs:
        from patina_lab.sources.sessions import SessionSource

        built_in.append(SessionSource(glob=globs, mode=config.sessions_mode))
    if config.code:
        from patina_lab.sources.code.source import CodeSource

        built_in.append(CodeSource(config.code if isinstance(config.code, tuple) else ("*",)))
    for made in built_in:
        sources[made.name] = made
    from importlib.metadata import entry_points

    for entry in entry_points(group="patina_lab.sources"):
        try:
            other = entry.load()()
            fault = f"another source is called {other.name!r}" if other.name in sources else ""
        except Exception as err:  # noqa: BLE001 - somebody else's code
            fault = f"{type(err).__name__}: {err}"
        if fault:
            detail = f"The source {entry.value} was left out: {fault}."
            problems.append(Problem("config", "source failed", detail, source_id=entry.name))
        else:
            sources[other.name] = other
    return tuple(sources[name] for name in sorted(sources)), problems


def _config(git: Mapping[str, Any], files: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the fields of the configuration from which these options of sources came."""
    notes, events, code = (files.get(name) for name in ("sessions", "event_files", "code"))
    return {
        "lines": git["lines"],
        "merges": git["merges"],
        "sessions": tuple(notes["glob"]) if notes else (),
        "sessions_mode": notes["mode"] if notes else "full",
        "events": events["folder"] if events else "",
        "unknown": events["unknown"] if events else "keep",
        "code": tuple(code["globs"]) if code else False,
    }


def _several(given: str | Sequence[str]) -> tuple[str, ...]:
    several = (given,) if isinstance(given, str) else given
    if not isinstance(several, Iterable) or not all(isinstance(one, str) for one in several):
        raise InvalidOption(
            f"code={given!r} is no pattern.", "Use True, or patterns such as code=['src/*']."
        )
    return tuple(several)
