"""What the commands share: the options, and how an error is said."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from patina_lab.errors import InvalidOption, PatinaError

if TYPE_CHECKING:
    import pandas as pd

Command = Callable[..., Any]


def repo(command: Command) -> Command:
    """Add ``--repo``."""
    return click.option(
        "--repo",
        default=".",
        show_default=True,
        metavar="PATH",
        help="A git repository, or a folder in one.",
    )(command)


def as_json(command: Command) -> Command:
    """Add ``--json``."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON value, errors too."
    )(command)


class Group(click.Group):
    """Commands whose errors of usage, too, are said as JSON where JSON is asked for."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Read the group's own options."""
        context.meta[_AS_JSON] = "--json" in args
        with _usage(context):
            return super().parse_args(context, args)

    def invoke(self, context: click.Context) -> Any:
        """Read the command's options, and run it."""
        with _usage(context):
            return super().invoke(context)


_AS_JSON = "patina_lab.as_json"


@contextlib.contextmanager
def _usage(context: click.Context) -> Iterator[None]:
    try:
        yield
    except click.UsageError as err:
        # A group in a group has said it already.
        if context.meta.get(_AS_JSON) and context.parent is None:
            hint = f"See: {err.ctx.command_path} --help" if err.ctx is not None else ""
            said = {"error": "UsageError", "message": err.format_message(), "hint": hint}
            click.echo(json.dumps(said))
        raise


def one_format(form: str, wanted: str, as_json: bool) -> str:
    """Return the format to write; refuse ``--json`` beside a ``--format`` that is another.

    Parameters
    ----------
    form : str
        What ``--format`` says, or its default.
    wanted : str
        The format that ``--json`` stands for.
    as_json : bool

    Raises
    ------
    InvalidOption
    """
    if not as_json:
        return form
    source = click.get_current_context().get_parameter_source("form")
    if source is ParameterSource.COMMANDLINE and form not in (wanted, "json"):
        raise InvalidOption(f"--json and --format {form} are two formats.", "Give one of them.")
    return wanted


def records(table: pd.DataFrame) -> str:
    """Return the rows of a table as JSON, with as many digits as pandas can write."""
    return table.to_json(orient="records", date_format="iso", date_unit="us", double_precision=15)


def speaks(command: Command) -> Command:
    """Turn a `PatinaError` into its sentence and exit code."""

    @functools.wraps(command)
    def run(*args: Any, **options: Any) -> None:
        try:
            command(*args, **options)
        except PatinaError as err:
            if options.get("as_json"):
                said = {"error": type(err).__name__, "message": err.message, "hint": err.hint}
                click.echo(json.dumps(said))
            click.echo(f"patina-lab: {err}", err=True)
            sys.exit(err.exit_code)
        except BrokenPipeError:
            # The reader (head, less) has seen enough.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)

    return run
