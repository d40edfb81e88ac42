"""The commands that write events into a project, and those that ask what it knows.

Each is a few lines over `patina_lab.project`, which a notebook reaches through `Lab`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from patina_lab.commands.options import Command, as_json, repo, speaks
from patina_lab.commands.persona import show_domain
from patina_lab.errors import CheckFailed, InvalidOption

if TYPE_CHECKING:
    from collections.abc import Mapping

    from patina_lab.sources.repository import Repository


def _open(place: str) -> Repository:
    from patina_lab.sources.repository import open_repository

    return open_repository(place)


def _when_and_who(command: Command) -> Command:
    for option in (
        click.option("--at", metavar="MOMENT", help="When; by default now."),
        click.option("--author", metavar="NAME", help="Who; by default git's user.name."),
    ):
        command = option(command)
    return command


def _say(value: Any, text: str, wants_json: bool) -> None:
    click.echo(json.dumps(value, sort_keys=True) if wants_json else text)


def _event(event: Any) -> dict[str, Any]:
    """Return an event as a JSON value."""
    from patina_lab.project.event_files import short_time

    return {
        "id": event.source_id,
        "event_type": event.event_type,
        "timestamp": short_time(event.timestamp),
        "author": event.actor,
        "payload": dict(event.data),
        "path": event.source_file,
        "event_id": event.event_id,
    }


@click.command()
@repo
@as_json
@speaks
def init(repo: str, as_json: bool) -> None:
    """Make .patina/ in a project: the team's events, and a private place for yours.

    Nothing that exists is touched; a second call does nothing.
    """
    from patina_lab.project.init import init as make

    made = make(_open(repo))
    _say({"created": made.created, "present": made.present}, repr(made), as_json)


@click.command()
@repo
@click.argument("text")
@click.option("--type", "type_", metavar="TYPE", help="pattern, decision, challenge, …")
@click.option("--domains", default="", metavar="A,B", help="What it is about.")
@click.option("--source-type", default="manual", show_default=True, help="commit, session, …")
@click.option("--source-id", metavar="ID", help="Such as the commit's sha.")
@_when_and_who
@as_json
@speaks
def observe(
    repo: str,
    text: str,
    type_: str | None,
    domains: str,
    source_type: str,
    source_id: str | None,
    at: str | None,
    author: str | None,
    as_json: bool,
) -> None:
    """Note TEXT privately, in .patina/local/events/."""
    from patina_lab.project.observe import observe as note

    made = note(
        _open(repo),
        text,
        type=type_,
        domains=domains,
        source_type=source_type,
        source_id=source_id,
        at=at,
        author=author,
    )
    _say(_event(made.event), repr(made), as_json)


@click.command()
@repo
@click.argument("text", nargs=-1)
@click.option(
    "--type",
    "type_",
    metavar="TYPE",
    help="observation (the default), decision, pattern, belief, or any event type.",
)
@click.option("--name", help="A pattern's name; by default its first words.")
@click.option("--domains", default="", metavar="A,B", help="What it is about.")
@click.option("--rationale", help="Why.")
@click.option("--alternatives", multiple=True, help="What was not chosen; once for each.")
@click.option("--context", help="Where it holds.")
@click.option("--evidence", multiple=True, help="A file or an event id; once for each.")
@click.option("--payload", metavar="JSON", help="More of the payload, or all of it.")
@click.option("--from", "from_", metavar="ID", help="A private note, or a branch to renumber.")
@click.option("--base", metavar="COMMIT", help="Where the branch starts.")
@click.option("--branch", help="Name of the branch; by default add-<type>-<number>.")
@click.option("--publish", is_flag=True, help="Push it and open the pull request (gh, glab).")
@click.option("--auto-sequence", is_flag=True, hidden=True, help="Always so.")
@_when_and_who
@as_json
@speaks
def propose(
    repo: str,
    text: tuple[str, ...],
    type_: str | None,
    payload: str | None,
    publish: bool,
    auto_sequence: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Put TEXT, or a private note, to the team: an event file on a branch of its own.

    What you have checked out is not touched, and nothing is pushed unless you say
    --publish: the commands to do so are printed.
    """
    from patina_lab.project.propose import propose as put
    from patina_lab.project.review import check_publishable
    from patina_lab.project.review import publish as push

    said = list(text[1:]) if len(text) > 1 and text[0] == "observation" else list(text)
    if len(said) > 1:
        raise InvalidOption(f"There are {len(said)} texts.", "Put quotes around the one text.")
    repository = _open(repo)
    if publish:
        check_publishable(repository)
    made = put(
        repository,
        said[0] if said else None,
        type=type_,
        payload=_object(payload),
        **options,
    )
    shown = {
        **_event(made.event),
        "branch": made.branch,
        "commit": made.commit,
        "base": made.base,
        "commands": made.commands,
        "notices": made.notices,
    }
    outputs = push(repository, made.commands) if publish else ()
    if publish:
        shown["published"] = outputs
    _say(shown, "\n".join([repr(made), *outputs]), as_json)


def _object(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        value = json.loads(text)
    except ValueError as err:
        raise InvalidOption(f"--payload is no JSON: {err}.", 'Write {"key": …}.') from err
    if not isinstance(value, dict):
        raise InvalidOption("--payload is no JSON object.", 'Write {"key": …}.')
    return value


@click.command()
@repo
@click.argument("event")
@_when_and_who
@as_json
@speaks
def undo(repo: str, event: str, at: str | None, author: str | None, as_json: bool) -> None:
    """Take EVENT back: a revert commit on a branch, or the deletion of a private note."""
    from patina_lab.project.undo import undo as take_back

    made = take_back(_open(repo), event, at=at, author=author)
    shown = {
        "path": made.path,
        "branch": made.branch,
        "commit": made.commit,
        "reverted": made.reverted,
        "commands": made.commands,
        "notices": made.notices,
    }
    _say(shown, repr(made), as_json)


@click.group()
def domain() -> None:
    """Declare what a project is about."""


@domain.command()
@repo
@click.argument("names", nargs=-1, required=True)
@as_json
@speaks
def add(repo: str, names: tuple[str, ...], as_json: bool) -> None:
    """Add NAMES to .patina/shared/domains.manifest, for you to commit."""
    from patina_lab.project.domains import add_domain

    said = add_domain(_open(repo), *names)
    _say({"domains": said}, "\n".join(said), as_json)


@domain.command("list")
@repo
@as_json
@speaks
def list_domains(repo: str, as_json: bool) -> None:
    """List the domains that the project declares."""
    from patina_lab.project.domains import declared

    said = declared(_open(repo))
    _say({"domains": said}, "\n".join(said), as_json)


@click.command()
@repo
@click.argument("words", nargs=-1, required=True, metavar="TEXT | domain NAME")
@click.option("-k", default=10, show_default=True, help="At most so many.")
@click.option("--type", "type_", metavar="TYPE", help="decision, pattern, commit, tag, …")
@click.option("--domains", default="", metavar="A,B", help="Only these.")
@click.option(
    "--scope",
    type=click.Choice(["local", "shared", "log", "persona"]),
    help="Only yours, the team's event files, the log, or other projects.",
)
@click.option("--at", default="HEAD", show_default=True, help="The team's events of this commit.")
@click.option("--as-of", metavar="MOMENT", help="What was known by a date, a sha or a tag.")
@click.option("--since", metavar="DATE", help="Nothing that is older.")
@click.option(
    "--mode",
    type=click.Choice(["auto", "lexical", "semantic", "fusion"]),
    default="auto",
    show_default=True,
    help="By words, by meaning, or both; auto does not wait.",
)
@click.option("--persona/--no-persona", default=True, help="Ask other projects too.")
@as_json
@speaks
def query(
    repo: str,
    words: tuple[str, ...],
    k: int,
    type_: str | None,
    domains: str,
    scope: str | None,
    at: str,
    as_of: str | None,
    since: str | None,
    mode: str,
    persona: bool,
    as_json: bool,
) -> None:
    """Find what is known about TEXT: in this project, and in your others ([PERSONA]).

    `query domain NAME` shows instead what all your projects know about a domain.
    """
    import pandas as pd

    from patina_lab.eventlog.progress import fitting
    from patina_lab.lab import open as open_lab
    from patina_lab.project.event_files import short_time

    if len(words) == 2 and words[0] == "domain":
        show_domain(words[1], type_, as_json)
        return
    table = open_lab(repo).scry(
        " ".join(words),
        k=k,
        type=type_,
        domains=domains,
        scope=scope,
        at=at,
        as_of=as_of,
        since=since,
        mode=mode,
        persona=persona,
        progress=fitting(),
    )
    rows = [
        {
            **{name: value for name, value in row.items() if name not in _NUMBERS},
            **{name: None if row[name] is pd.NA else row[name] for name in _NUMBERS},
            "timestamp": short_time(row["timestamp"].to_pydatetime()),
        }
        for row in table.to_dict("records")
    ]
    for notice in table.attrs["notices"]:
        # Who keeps event files and scrapes nothing is told so only where nothing was found.
        if not rows or not notice.startswith("Nothing was scraped"):
            click.echo(notice, err=True)
    shown = [
        f"[{row['tag']}] {row['text']}  ({', '.join(filter(None, _source(row)))}; {row['reason']})"
        for row in rows
    ]
    _say(rows, "\n".join(shown) or "nothing found", as_json)


def _source(row: Mapping[str, Any]) -> list[str | None]:
    """Return where a hit comes from: its event, whose it is if that is not plain, author, day."""
    whose = row["scope"] if row["scope"] in ("local", "shared") else None
    return [row["id"], whose, row["author"], row["timestamp"][:10]]


@click.command()
@repo
@click.argument("event")
@click.option("--at", default="HEAD", show_default=True, help="Look at the past of this commit.")
@click.option("--diff", is_flag=True, help="Show what each commit changed.")
@click.option("--blame", is_flag=True, help="Show who wrote which line.")
@as_json
@speaks
def history(repo: str, event: str, at: str, diff: bool, blame: bool, as_json: bool) -> None:
    """Show what git knows of EVENT: its commits, changes and lines."""
    from patina_lab.project.history import history as read

    found = read(_open(repo), event, at)
    if as_json:
        versions = [vars(version) for version in found.versions]
        lines = [vars(line) for line in found.lines]
        click.echo(json.dumps({"path": found.path, "versions": versions, "lines": lines}))
        return
    click.echo(repr(found))
    if diff:
        for version in found.versions:
            click.echo(f"\n{version.commit} {version.subject}\n{version.diff}")
    if blame:
        click.echo("")
        for line in found.lines:
            click.echo(f"{line.commit[:12]} {line.date[:10]} {line.author}: {line.text}")


@click.command()
@repo
@click.option("--at", default="HEAD", show_default=True, help="The team's events of this commit.")
@click.option("--branch", "branches", multiple=True, help="Only this proposal; default: all.")
@click.option("--check", is_flag=True, help="Exit with 1 if one is certain; an edit is none.")
@as_json
@speaks
def conflicts(repo: str, at: str, branches: tuple[str, ...], check: bool, as_json: bool) -> None:
    """List events with the same number or content, and decisions that may contradict."""
    from patina_lab.project.conflicts import conflicts as among
    from patina_lab.project.conflicts import row

    found = among(_open(repo), at, branches or None)
    text = "\n".join(map(str, found)) or "no conflicts"
    _say([row(conflict) for conflict in found], text, as_json)
    certain = [conflict for conflict in found if conflict.is_certain and not conflict.is_edit]
    if check and certain:
        raise CheckFailed(
            f"{len(certain)} of {len(found)} conflicts are certain.", "Undo or edit one of each."
        )


@click.command()
@repo
@click.argument("database", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--to",
    type=click.Choice(["local", "shared"]),
    default="local",
    show_default=True,
    help="Your own folder; or the team's, for you to commit.",
)
@click.option("--export", is_flag=True, help="The other way: write DATABASE anew.")
@as_json
@speaks
def migrate(repo: str, database: Path, to: Any, export: bool, as_json: bool) -> None:
    """Turn the events of an earlier patina's SQLite DATABASE into event files, once."""
    if export:
        from patina_lab.lab import open as open_lab
        from patina_lab.project.database import write_database

        known = open_lab(repo).materialize().knowledge
        count = write_database(known, database)
        _say({"events": count}, f"{count:,} events in {database}", as_json)
        return
    from patina_lab.project.migrate import migrate as bring

    made = bring(_open(repo), database, to=to)
    _say(made.to_json(), repr(made), as_json)


_NUMBERS = ("same", "lexical_rank", "semantic_rank", "cosine")
COMMANDS = (init, observe, propose, undo, domain, query, history, conflicts, migrate)
