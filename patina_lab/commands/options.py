"""What the commands share: the options, and how an error is said."""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable
from typing import Any

import click

from patina_lab.errors import PatinaError

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
