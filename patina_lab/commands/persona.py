"""The commands across projects: registering, syncing, and asking what they know together."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from patina_lab.commands.options import as_json, records, speaks

if TYPE_CHECKING:
    import pandas as pd

    from patina_lab.personas.persona import Persona


def _persona() -> Persona:
    from patina_lab.personas.persona import Persona

    return Persona()


def _show(table: pd.DataFrame, wants_json: bool) -> None:
    if wants_json:
        click.echo(records(table))
    elif len(table):
        click.echo(table.to_string(index=False, max_colwidth=70, na_rep=""))
    else:
        click.echo(f"nothing ({', '.join(table.columns)})")


@click.group()
def persona() -> None:
    """Ask what you know across projects; a project is only ever read.

    It lies in PATINA_HOME/persona (default ~/.patina/persona).
    """


@persona.command()
@click.argument("path")
@click.option("--name", help="By default the folder's name.")
@as_json
@speaks
def register(path: str, name: str | None, as_json: bool) -> None:
    """Add the project at PATH, or say where one that was moved is now."""
    made = _persona().register(path, name=name)
    said = {"name": made.name, "path": made.path, "git_remote": made.git_remote}
    click.echo(json.dumps(said) if as_json else f"{made.name}: {made.path}")


@persona.command()
@click.argument("name")
@speaks
def forget(name: str) -> None:
    """Remove the project NAME; what was copied of it goes with the next sync."""
    click.echo(f"forgotten: {_persona().forget(name).path}")


@persona.command()
@click.argument("root", default="~")
@click.option("--depth", default=4, show_default=True, help="How many folders deep to look.")
@click.option("--register", "wanted", is_flag=True, help="Register what is found.")
@as_json
@speaks
def discover(root: str, depth: int, wanted: bool, as_json: bool) -> None:
    """Look below ROOT for repositories with a .patina that are not registered."""
    from patina_lab.errors import UsageError

    own = _persona()
    found = own.discover(root, depth=depth)
    said: list[dict[str, Any]] = [{"path": str(place)} for place in found]
    for row in said if wanted else ():
        try:
            row["name"] = own.register(row["path"]).name
        except UsageError as err:
            row["refused"] = str(err)
    if as_json:
        click.echo(json.dumps(said))
    for row in () if as_json else said:
        note = row.get("refused") or (f"registered as {row['name']}" if "name" in row else "")
        click.echo(f"{row['path']}  {note}".rstrip())


@persona.command()
@click.argument("names", nargs=-1)
@as_json
@speaks
def sync(names: tuple[str, ...], as_json: bool) -> None:
    """Copy what is new in the projects (or those NAMES), and refresh what is known of them."""
    done = _persona().sync(*names)
    click.echo(json.dumps(done.to_json()) if as_json else repr(done))


@persona.command()
@as_json
@speaks
def projects(as_json: bool) -> None:
    """List the registered projects."""
    _show(_persona().projects(), as_json)


@persona.command()
@as_json
@speaks
def domains(as_json: bool) -> None:
    """List the domains of all projects."""
    table = _persona().domains()
    if as_json:
        _show(table, True)
        return
    if not len(table):
        click.echo("no event names a domain yet")
    kinds = ("project", "observation", "pattern", "decision")
    for row in table.to_dict("records"):
        counts = ", ".join(_of(int(row[f"{kind}_count"]), kind) for kind in kinds)
        click.echo(f"{row['name']} ({counts})")


def _of(n: int, what: str) -> str:
    return f"{n:,} {what}" + ("" if n == 1 else "s")


@persona.command()
@click.argument("text")
@click.option("-k", default=10, show_default=True, help="At most so many.")
@click.option("--type", "type_", metavar="TYPE", help="observation, decision, pattern, …")
@click.option("--domains", default="", metavar="A,B", help="Only these.")
@as_json
@speaks
def query(text: str, k: int, type_: str | None, domains: str, as_json: bool) -> None:
    """Find what your projects know about TEXT."""
    table = _persona().query(text, k=k, type=type_, domains=domains)
    if as_json:
        _show(table, True)
        return
    for row in table.itertuples():
        click.echo(f"[{row.tag}] {row.text}  ({_source(row, row.timestamp)})")
    if not len(table):
        click.echo("nothing found")


def show_domain(name: str, type_: str | None, wants_json: bool) -> None:
    """Print what all projects know about a domain, each piece with its project."""
    table = _persona().domain(name, type=type_)
    if wants_json:
        _show(table, True)
        return
    for row in table.itertuples():
        called = f"{row.name}: " if isinstance(row.name, str) else ""
        click.echo(f"[PERSONA] {row.type}: {called}{row.text}  ({_source(row, row.created_at)})")
    if not len(table):
        click.echo("nothing found")


def _source(row: Any, when: Any) -> str:
    """Say where a row came from; what an earlier patina wrote may have no author."""
    author = row.author if isinstance(row.author, str) else "unknown"
    return f"{row.project_name}, {author}, {when:%Y-%m-%d}, {row.event_id}"
