"""The command ``patina-lab``.

Exit codes: 0 done, 1 a check said no or the log failed, 2 the request cannot be
understood, 3 a system tool is missing.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from patina_lab import __version__
from patina_lab.commands.beliefs import COMMANDS as BELIEVING
from patina_lab.commands.options import Command, Group, one_format
from patina_lab.commands.options import as_json as _as_json
from patina_lab.commands.options import repo as _repo
from patina_lab.commands.options import speaks as _speaks
from patina_lab.commands.persona import persona
from patina_lab.commands.project import COMMANDS
from patina_lab.errors import CheckFailed, InvalidOption, MissingTool

if TYPE_CHECKING:
    from patina_lab.eventlog.eventlog import Eventlog
    from patina_lab.lab import Lab


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="patina-lab")
def main() -> None:
    """Read the event-sourced knowledge of a software project.

    Logs lie under PATINA_HOME (default ~/.patina).  Only init, observe, propose, undo and
    domain write into a repository.
    """


@main.command()
@_repo
@click.option("--at", default="HEAD", show_default=True, help="The commit to scrape.")
@click.option("--until", metavar="DATE", help="Leave out what happened after it.")
@click.option("--lines/--no-lines", default=None, help="Count lines; without is much faster.")
@click.option(
    "--merges",
    type=click.Choice(["none", "combined", "first-parent"]),
    help="Files of a merge commit.",
)
@click.option("--code/--no-code", default=None, help="Read the source files of the tree.")
@click.option("--worktree", is_flag=True, help="Add notes and event files not committed yet.")
@click.option("--rebuild", is_flag=True, help="Read everything again.")
@click.option("--jobs", type=click.IntRange(1), help="Git processes.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
@_as_json
@_speaks
def scrape(
    repo: str,
    at: str,
    until: str | None,
    lines: bool | None,
    merges: Any,
    code: bool | None,
    worktree: bool,
    rebuild: bool,
    jobs: int | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Bring the log of a repository up to date, or make it."""
    from patina_lab.lab import open as open_lab

    result = open_lab(repo).scrape(
        at=at,
        until=until,
        lines=lines,
        merges=merges,
        code=code,
        worktree=worktree,
        rebuild=rebuild,
        jobs=jobs,
        progress=not quiet,
    )
    click.echo(json.dumps(result.to_json(), sort_keys=True) if as_json else repr(result))


def _slice(command: Command) -> Command:
    """Add the options that choose events."""
    for option in (
        click.option("--as-of", metavar="MOMENT", help="A date, a timestamp, a sha or a tag."),
        click.option("--since", metavar="DATE", help="From its beginning on (UTC)."),
        click.option("--before", metavar="DATE", help="Until before its beginning (UTC)."),
        click.option("--type", "types", multiple=True, help="Event type; wildcards allowed."),
        click.option("--source", multiple=True, help="git, sessions, event_files, …"),
        click.option("--author", multiple=True, help="Name or e-mail address."),
        click.option("--path", multiple=True, help="A file that was touched or read."),
    ):
        command = option(command)
    return command


def _sliced(
    lab: Lab,
    as_of: str | None,
    since: str | None,
    before: str | None,
    types: tuple[str, ...],
    source: tuple[str, ...],
    author: tuple[str, ...],
    path: tuple[str, ...],
) -> Eventlog:
    log = _scraped(lab).log
    if as_of is not None:
        log = log.as_of(as_of)
    return log.between(since, before).where(*types, source=source, author=author, path=path)


def _scraped(lab: Lab) -> Lab:
    """Return the lab with a log: the one there is, or a new one."""
    if lab.store.manifest() is None:
        click.echo("patina-lab: no log yet; scraping first.", err=True)
        lab.scrape()
    return lab


@main.group(invoke_without_command=True)
@_repo
@_slice
@click.option("--relation", default="eventlog", show_default=True, help="commits, touches, …")
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "jsonl", "parquet"]),
    default="jsonl",
    show_default=True,
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format jsonl.")
@click.option("--output", "-o", type=click.Path(path_type=Path), help="A file; else standard out.")
@click.pass_context
@_speaks
def log(
    context: click.Context,
    repo: str,
    relation: str,
    form: str,
    as_json: bool,
    output: Path | None,
    **chosen: Any,
) -> None:
    """Print rows of the log, or write them to a file."""
    from patina_lab.eventlog.export import ordered, stdout, write
    from patina_lab.lab import open as open_lab

    context.obj = (repo, chosen)
    if context.invoked_subcommand is not None:
        return
    form = one_format(form, "jsonl", as_json)
    if form == "parquet" and output is None and sys.stdout.isatty():
        raise InvalidOption("Parquet is no text for a terminal.", "Name a file: --output x.parquet")
    rows = _sliced(open_lab(repo), **chosen)
    write(ordered(rows, relation), rows, output or stdout(), form)


@log.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--format", "form", type=click.Choice(["parquet", "csv", "jsonl"]), default="parquet")
@_as_json
@click.pass_context
@_speaks
def export(context: click.Context, folder: Path, form: str, as_json: bool) -> None:
    """Write every relation into FOLDER, one file each, with a manifest.json."""
    from patina_lab.eventlog.export import export as export_relations
    from patina_lab.lab import open as open_lab

    repo, chosen = context.obj
    rows = _sliced(open_lab(repo), **chosen)
    files = export_relations(rows, folder, form)
    said = {"digest": rows.digest, "files": {name: str(place) for name, place in files.items()}}
    click.echo(json.dumps(said) if as_json else "\n".join(str(place) for place in files.values()))


@main.command()
@_repo
@click.argument("query")
@click.option("--as-of", metavar="MOMENT", help="A date, a timestamp, a sha or a tag.")
@click.option("--format", "form", type=click.Choice(["table", "csv", "jsonl"]), default="table")
@_as_json
@_speaks
def sql(repo: str, query: str, as_of: str | None, form: str, as_json: bool) -> None:
    """Ask the log in SQL: a SELECT over eventlog, commits, touches, sessions and more.

    Nothing can be written, and no file can be read, by a query.
    """
    from patina_lab.eventlog.export import stdout, write_table
    from patina_lab.lab import open as open_lab

    log = _scraped(open_lab(repo)).log
    if as_of is not None:
        log = log.as_of(as_of)
    log.opened.lock_down()
    rel = log.query(query)
    form = one_format(form, "json", as_json)
    if form != "table":
        write_table(rel.arrow(), stdout(), form)
    else:
        table = rel.df()
        click.echo(table.to_string(index=False, max_colwidth=80) if len(table) else _empty(table))


def _empty(table: Any) -> str:
    return f"no rows ({', '.join(table.columns)})"


@main.command()
@_repo
@click.argument("name")
@_slice
@click.option("-p", "--param", "params", multiple=True, metavar="NAME=VALUE")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json", "jsonl", "parquet"]),
    default="table",
)
@click.option("--output", "-o", type=click.Path(path_type=Path), help="A file; else standard out.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format jsonl.")
@_speaks
def project(
    repo: str,
    name: str,
    params: tuple[str, ...],
    form: str,
    output: Path | None,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Compute the projection NAME (see: patina-lab projections), or a relation: commits, goals."""
    from patina_lab.eventlog.export import stdout, write_table
    from patina_lab.eventlog.relations import NAMES
    from patina_lab.lab import open as open_lab
    from patina_lab.projections import registry
    from patina_lab.projections.projection import compose

    wanted = registry.find(name, NAMES)
    made = compose(wanted, _sliced(open_lab(repo), **chosen), _params(params))
    form = one_format(form, "jsonl", as_json)
    if form == "table" and output is None:
        table = made.df()
        click.echo(table.to_string(index=False, max_colwidth=60) if len(table) else _empty(table))
    else:
        write_table(made.arrow(), output or stdout(), "csv" if form == "table" else form)


# As Python writes them, and as somebody may who does not know which it is.
_PYTHON = {"none": "null", "true": "true", "false": "false"}


def _params(given: tuple[str, ...]) -> dict[str, Any]:
    """Read ``name=value`` pairs; a value is JSON where it is some, or none, true, false."""
    params: dict[str, Any] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals:
            raise InvalidOption(f"{text!r} sets no parameter.", "Write -p name=value.")
        try:
            said = _PYTHON.get(value.lower(), value)
            params[key] = json.loads(said)
        except ValueError:
            params[key] = value
    return params


@main.command()
@_repo
@click.option("--at", metavar="MOMENT", help="A sha, a tag, a date or a timestamp.")
@click.option("--until", metavar="DATE", help="With a sha or a tag: leave out events after this.")
@click.option("--worktree", is_flag=True, help="Read the work tree's files, not HEAD's.")
@click.option("--local/--no-local", default=True, help="Add .patina/local/events.")
@click.option("--force", is_flag=True, help="Make everything anew.")
@_as_json
@_speaks
def materialize(repo: str, as_json: bool, **options: Any) -> None:
    """Bring the tables of what a project knows up to date with its event files."""
    from patina_lab.lab import open as open_lab

    made = open_lab(repo).materialize(**options)
    click.echo(json.dumps(made.to_json(), sort_keys=True) if as_json else repr(made))


@main.command()
@_repo
@click.argument("name", default="co_changes")
@click.option("--split", required=True, metavar="MOMENT", help="Learn before it, ask after it.")
@click.option("--until", metavar="DATE", help="Ask no later than this.")
@click.option("--metric", type=click.Choice(["mrr", "recall"]), default="mrr", show_default=True)
@click.option("--k", default=10, show_default=True, help="Recommendations that are looked at.")
@click.option("-p", "--param", "params", multiple=True, metavar="NAME=VALUE")
@_as_json
@_speaks
def evaluate(
    repo: str,
    name: str,
    split: str,
    until: str | None,
    metric: str,
    k: int,
    params: tuple[str, ...],
    as_json: bool,
) -> None:
    """Ask later commits what the projection NAME learned from earlier ones."""
    from patina_lab.lab import open as open_lab
    from patina_lab.projections import registry
    from patina_lab.projections.evaluation import evaluate as judge

    given = _params(params)
    for clash in given.keys() & {"projection", "train", "valid", "metric", "k"}:
        raise InvalidOption(
            f"{clash!r} is no parameter of a projection.", "See: patina-lab evaluate --help"
        )
    log = _scraped(open_lab(repo)).log
    train, valid = (log if until is None else log.as_of(until)).split(split)
    table = judge(registry.find(name), train, valid, metric, k=k, **given)
    if as_json:
        said = {**table.attrs, "methods": table.to_dict("records")}
        click.echo(json.dumps(said))
    else:
        click.echo(table.to_string(index=False, float_format="{:.3f}".format))


@main.command()
@click.option("--repo", metavar="PATH", help="Whose kept tables; default: where we stand.")
@_as_json
@_speaks
def projections(repo: str | None, as_json: bool) -> None:
    """List the projections: what they read, give, and take; and the tables kept of them."""
    from patina_lab.projections import registry

    found = list(registry.every())
    tables = _kept(repo)
    if as_json:
        said = [
            {
                "name": p.name,
                "version": p.version,
                "reads": list(p.reads),
                "params": p.params,
                "columns": dict(p.columns),
                "doc": p.summary,
                "kept": [table for table in tables if table["projection"] == p.name],
            }
            for p in found
        ]
        click.echo(json.dumps(said))
        return
    width = max(len(p.name) for p in found)
    for p in found:
        options = ", ".join(f"{k}={v}" for k, v in p.params.items())
        click.echo(f"{p.name:<{width}}  {p.summary}" + (f"  [{options}]" if options else ""))
    if tables:
        click.echo("\nKept beside the log:")
    for table in tables:
        state = f"stale: {table['stale']}" if table["stale"] else "up to date with the log"
        params = ", ".join(f"{k}={v}" for k, v in table["params"].items())
        click.echo(
            f"{table['projection']:<{width}}  v{table['version']} ({params}), "
            f"{table['slice']}, last updated {table['last_updated']}, {state}"
        )


def _kept(repo: str | None) -> list[dict[str, Any]]:
    """Return what is known of the kept tables of a repository; none where we stand in none."""
    from patina_lab.errors import MissingTool, UsageError
    from patina_lab.eventlog.kept import kept, out_of_date
    from patina_lab.lab import open as open_lab

    try:
        lab = open_lab(repo or ".")
    except (UsageError, MissingTool):
        if repo is not None:
            raise
        return []
    if lab.store.manifest() is None:
        return []
    return [
        {
            "projection": table.projection,
            "version": table.version,
            "params": dict(table.params),
            "slice": str(table.slice),
            "last_updated": table.last_updated,
            "through": table.through,
            "recipe": table.recipe,
            "stale": out_of_date(table, lab.log),
        }
        for table in kept(lab.projections)
    ]


@main.command()
@_repo
@click.option("--recipe", metavar="FILE", help="Another one than the commit's oxidize.yaml.")
@click.option("--check", is_flag=True, help="Make nothing: say what is out of date (then exit 1).")
@click.option("--quiet", is_flag=True, help="Show no progress.")
@_as_json
@_speaks
def oxidize(repo: str, recipe: str | None, check: bool, quiet: bool, as_json: bool) -> None:
    """Run the recipe of a repository: scrape its sources, bring its tables up to date."""
    from patina_lab.lab import open as open_lab

    lab = open_lab(repo)
    if not check:
        made = lab.oxidize(recipe, progress=not quiet)
        click.echo(json.dumps(made.to_json(), sort_keys=True) if as_json else repr(made))
        return
    table = lab.oxidized(recipe)
    behind = lab.staleness()
    stale = int((table["stale"] != "").sum()) + (behind != "up to date with HEAD")
    if as_json:
        rows = json.loads(table.to_json(orient="records"))
        click.echo(json.dumps({"recipe": table.attrs["recipe"], "log": behind, "tables": rows}))
    else:
        click.echo(f"log: {behind}")
        for row in table.to_dict("records"):
            fresh = f"up to date, last updated {row['last_updated']}"
            click.echo(f"{row['table']}: {row['stale'] or fresh}")
    if stale:
        raise CheckFailed("What the recipe makes is out of date.", "Run: patina-lab oxidize")


@main.command()
@_repo
@click.argument("notebook")
@click.option("--until", default="", metavar="MOMENT", help="Show the project back then.")
@click.option("-p", "--param", "params", multiple=True, metavar="NAME=VALUE")
@click.option("--out", type=click.Path(path_type=Path), default="reports", show_default=True)
@click.option("--name", help="Name of the report's files.")
@_as_json
@_speaks
def report(
    repo: str,
    notebook: str,
    until: str,
    params: tuple[str, ...],
    out: Path,
    name: str | None,
    as_json: bool,
) -> None:
    """Run a notebook on a repository, and leave a page that opens in any browser.

    NOTEBOOK is a path, or the name of one in notebooks/, such as 01_quickstart.  Where it has
    checks, such as 08_report_ci, the exit code is 1 when one is not met.
    """
    from patina_lab.reports.run import run_notebook
    from patina_lab.reports.shelf import notebook_path

    place = notebook_path(notebook)
    given: dict[str, Any] = {"repo": str(Path(repo).resolve())}
    if until:
        given["until"] = until
    for text in params:
        key, equals, value = text.partition("=")
        if not equals:
            raise InvalidOption(f"{text!r} sets no parameter.", "Write -p name=value.")
        given[key] = value
    made = run_notebook(place, out, given, name=name)
    failed = [one.name for one in made.checks.failed]
    if as_json:
        said: dict[str, Any] = {
            "html": str(made.html),
            "notebook": str(made.notebook),
            "digest": made.digest,
        }
        if made.checks:
            said |= {"checks": made.checks.json(), "failed": failed}
        click.echo(json.dumps(said))
        if failed:
            sys.exit(CheckFailed.exit_code)
        return
    if made.checks:
        click.echo(repr(made.checks))
    click.echo(f"Report: {made.html}\nOpen it: {_how_to_open(made.html)}")
    if failed:
        raise CheckFailed(made.checks.verdict, f"The page says why: {made.html}")


def _how_to_open(page: Path) -> str:
    """Return the command that opens a page here, or its address for any browser."""
    opener = "open" if sys.platform == "darwin" else "xdg-open"
    if shutil.which(opener):
        return f"{opener} {shlex.quote(str(page))}"
    return page.resolve().as_uri()


@main.command()
@click.option("--repo", metavar="PATH", help="Another repository than the one we stand in.")
@click.option("--out", type=click.Path(path_type=Path), default=None, help="Folder for reports.")
@_as_json
@_speaks
def demo(repo: str | None, out: Path | None, as_json: bool) -> None:
    """Scrape a real repository, run the quickstart on it, and say where the report lies.

    Without --repo: the repository we stand in, if it has history, and the teaching
    project beside it.
    """
    from patina_lab.datasets import teaching
    from patina_lab.errors import NotARepository, UsageError
    from patina_lab.lab import open as open_lab
    from patina_lab.reports.run import run_notebook
    from patina_lab.reports.shelf import notebook_path

    folder = out or Path(__file__).resolve().parent.parent / "reports"
    labs = []
    if repo is not None:
        labs.append(open_lab(repo))
    else:
        try:
            here = open_lab(Path(__file__).resolve().parent.parent)
            here.repository.resolve("HEAD")
            labs.append(here)
        except (NotARepository, UsageError) as err:
            click.echo(f"patina-lab: {err.message} Showing the teaching project.", err=True)
        labs.append(open_lab(teaching()))
    made = []
    for lab in labs:
        click.echo(f"\n{lab.repository.path}", err=as_json)
        click.echo(repr(lab.scrape()), err=as_json)
        place = run_notebook(
            notebook_path("01_quickstart"),
            folder,
            {"repo": str(lab.repository.path)},
            name=f"quickstart-{lab.repository.name}",
        )
        made.append(place)
    if as_json:
        click.echo(json.dumps([{"html": str(m.html), "digest": m.digest} for m in made]))
        return
    click.echo(f"\nReport{'s' if len(made) > 1 else ''}, made with papermill; open with a browser:")
    for place in made:
        click.echo(f"  {_how_to_open(place.html)}")


@main.command()
@_as_json
@_speaks
def doctor(as_json: bool) -> None:
    """Say what is present, what is missing, and the one command that mends it."""
    from patina_lab.doctor import examine

    findings = examine()
    if as_json:
        click.echo(json.dumps([vars(finding) for finding in findings]))
    else:
        width = max(len(finding.name) for finding in findings)
        for finding in findings:
            state = {"ok": "ok      ", "missing": "MISSING ", "optional": "absent  "}[finding.state]
            mend = f"  mend: {finding.remedy}" if finding.remedy else ""
            found = f"  {finding.found}" if finding.found else ""
            click.echo(f"{state}{finding.name:<{width}}{found}  (for {finding.needed_for}){mend}")
    missing = [finding for finding in findings if finding.state == "missing"]
    if missing:
        raise MissingTool(f"{missing[0].name} is missing.", missing[0].remedy)


@main.command()
@_repo
@click.option("--at", default="HEAD", show_default=True, help="The commit to build.")
@_as_json
@_speaks
def verify(repo: str, at: str, as_json: bool) -> None:
    """Build one commit's log under different conditions and compare the digests.

    Once in place, and from two fresh clones that differ in tags, time zone, locale, git
    configuration and number of processes.
    """
    from patina_lab.sources.repository import open_repository
    from patina_lab.verify import verify as build_twice

    def say(line: str) -> None:
        if not as_json:
            click.echo(f"building: {line}", err=True)

    verdict = build_twice(open_repository(repo), at, say)
    if as_json:
        said = {
            "holds": verdict.holds,
            "source_sha": verdict.source_sha,
            "digests": dict(verdict.digests),
        }
        click.echo(json.dumps(said))
    else:
        for condition, digest in verdict.digests.items():
            click.echo(f"{digest[:16]}  {condition}")
    if not verdict.holds:
        raise CheckFailed(
            f"The logs of {verdict.source_sha[:12]} differ between conditions.",
            "Please report it with the output of: patina-lab doctor --json",
        )
    if not as_json:
        click.echo(f"The log of {verdict.source_sha[:12]} is the same under all conditions.")


@main.command()
@_repo
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", default=8765, show_default=True, type=click.IntRange(0, 65535))
@_speaks
def serve(repo: str, host: str, port: int) -> None:
    """Answer questions about the log as JSON over HTTP, read-only.

    GET /health, /log, /projections, /projections/NAME; the schema is at /openapi.json. On
    an address that other machines can reach, clients need the token that is in the
    environment variable PATINA_TOKEN.
    """
    from patina_lab.lab import open as open_lab

    try:
        import uvicorn

        from patina_lab.server import application
    except ImportError as err:
        raise MissingTool(
            f"The server needs the package {err.name}, which is not here.",
            "Install it with: pip install 'patina_lab[serve]'",
        ) from err
    token = os.environ.get("PATINA_TOKEN")
    app = application(_scraped(open_lab(repo)), host=host, token=token)
    uvicorn.run(app, host=host, port=port, log_level="info", server_header=False)


for _command in (*COMMANDS, *BELIEVING, persona):
    main.add_command(_command)


if __name__ == "__main__":
    main()
