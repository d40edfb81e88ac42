"""The commands that ask what is believed, why, and by which rules it is believed best."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from patina_lab.commands.options import Command, as_json, records, repo, speaks
from patina_lab.errors import CheckFailed, InvalidOption

if TYPE_CHECKING:
    from patina_lab.beliefs.formation import Belief, Beliefs
    from patina_lab.lab import Lab

_PERIODS = click.Choice(["event", "day", "week", "month", "quarter", "year"])


def _chosen(command: Command) -> Command:
    """Add the options by which beliefs are formed, but for the rules."""
    for option in (
        click.option("--as-of", metavar="MOMENT", help="A date, a timestamp, a sha or a tag."),
        click.option(
            "--embedder", metavar="NAME", help="minilm, minilm-int8, or a model's folder."
        ),
        click.option("--threshold", type=float, help="Distance up to which texts are one cluster."),
        click.option(
            "--engine",
            type=click.Choice(["swipl", "pyswip", "sql"]),
            help="What runs the rules; sql: v0, v1, v2 without SWI-Prolog and without proofs."
            "  [default: swipl]",
        ),
        click.option("--persona", "across", is_flag=True, help="Across your synced projects."),
        click.option("--local", is_flag=True, help="Add your own notes, which are in no commit."),
        click.option("-p", "--param", "params", multiple=True, metavar="NAME=NUMBER"),
    ):
        command = option(command)
    return command


def _rules(command: Command) -> Command:
    return click.option(
        "--rules",
        default="v2",
        show_default=True,
        metavar="RULES",
        help="v0, v1, v2 or a .pl file.",
    )(command)


def _calibrated(command: Command) -> Command:
    return click.option(
        "--calibrate",
        is_flag=True,
        help="Let confidence be the share of such beliefs that came again.",
    )(command)


def _lab(place: str, as_of: str | None) -> Lab:
    from patina_lab.lab import open as open_lab

    lab = open_lab(place)
    if lab.store.manifest() is None:
        click.echo("patina-lab: no log yet; scraping first.", err=True)
        lab.scrape()
    return lab if as_of is None else lab.as_of(as_of)


def _options(
    embedder: str | None,
    threshold: float | None,
    across: bool,
    local: bool,
    params: tuple[str, ...],
    engine: str | None,
    calibrate: bool = False,
) -> dict[str, Any]:
    return {
        "embedder": embedder,
        "threshold": threshold,
        "scope": "persona" if across else "project",
        "local": local,
        "engine": engine,
        **({"calibrate": True} if calibrate else {}),
        **_numbers(params),
    }


def _numbers(given: tuple[str, ...]) -> dict[str, float]:
    numbers = {}
    for text in given:
        name, _, value = text.partition("=")
        if name == "rules":
            raise InvalidOption(
                f"{text!r} sets no parameter of a rule set.", "The rule set is told by --rules."
            )
        try:
            numbers[name] = int(value) if value.lstrip("+-").isdecimal() else float(value)
        except ValueError as err:
            raise InvalidOption(
                f"{text!r} sets no parameter of a rule set.", "Write -p half_life_days=30."
            ) from err
    return numbers


def _row(belief: Belief) -> dict[str, Any]:
    from patina_lab.beliefs.belief_events import payload

    return {"id": belief.id, **payload(belief)}


@click.command()
@repo
@_rules
@_chosen
@_calibrated
@click.option("--top", type=click.IntRange(1), help="Only so many, the firmest.")
@click.option("--events", is_flag=True, help="Print belief events, one canonical JSON a line.")
@click.option("--history", "every", type=_PERIODS, help="Print how they came, moved and went.")
@click.option(
    "--sql",
    "query",
    metavar="QUERY",
    help="Ask beliefs, belief_evidence, domain_beliefs, belief_history and the log in SQL.",
)
@as_json
@speaks
def beliefs(
    repo: str,
    rules: str,
    as_of: str | None,
    top: int | None,
    events: bool,
    every: str | None,
    query: str | None,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Form beliefs of what was observed, and list them, the firmest first.

    A QUERY is one SELECT: beliefs.id = belief_evidence.belief_id, and
    belief_evidence.observation_id = eventlog.event_id.
    """
    from patina_lab.beliefs.belief_events import to_bytes, to_json

    if query is not None and (events or every is not None or top is not None):
        raise InvalidOption(
            "--sql prints what its query gives, and neither --events, --history nor --top.",
            "Leave the others out; a SELECT has LIMIT, and belief_history has the history.",
        )
    made = _lab(repo, as_of).form_beliefs(rules, **_options(**chosen))
    if query is not None:
        _print_query(made, query, as_json)
    elif every is not None:
        history = made.history(every=every)
        if as_json:
            click.echo(json.dumps([to_json(event) for event in history.events], sort_keys=True))
        elif events:
            click.echo(history.to_bytes().decode(), nl=False)
        else:
            _print_history(history.df())
    elif events:
        click.echo(to_bytes(made.events()).decode(), nl=False)
    elif as_json:
        said = {
            "log_digest": made.observed.digest,
            "observations": len(made.observed),
            **made.choice.json(),
            "problems": [vars(problem) for problem in made.ground.problems],
            "beliefs": [_row(belief) for belief in made[:top]],
        }
        click.echo(json.dumps(said, sort_keys=True))
    else:
        _print(made, top)


def _print_query(made: Beliefs, query: str, as_json: bool) -> None:
    if made.log is not None:
        made.log.opened.lock_down()
    table = made.sql(query)
    if as_json:
        click.echo(records(table))
    elif len(table):
        click.echo(table.to_string(index=False, max_colwidth=80))
    else:
        click.echo(f"no rows ({', '.join(table.columns)})")


def _print(made: Beliefs, top: int | None) -> None:
    for belief in made[:top]:
        text = " ".join(belief.content.split())
        click.echo(
            f"{belief.id[:12]}  {belief.confidence:.2f} ({belief.low:.2f} to {belief.high:.2f})  "
            f"{text}  ({len(belief.evidence)} for from {belief.sources} sources, "
            f"{len(belief.against)} against)"
        )
    if not len(made):
        click.echo(f"nothing believed by {made.rules.name} of {len(made.observed):,} observations")
    if not len(made.observed):
        click.echo(
            "Beliefs rest on session notes and event files; commits alone are no observations. "
            "Write one: patina-lab observe TEXT, and ask with --local.",
            err=True,
        )


def _print_history(table: Any) -> None:
    for row in table.to_dict("records"):
        number = "" if row["confidence"] != row["confidence"] else f"{row['confidence']:.2f}"
        was = "" if row["was"] != row["was"] or row["was"] is None else f" (was {row['was']:.2f})"
        what = row["event_type"].removeprefix("belief_")
        text = " ".join(row["belief"].split())
        click.echo(f"{row['as_of'][:10]}  {what:<7}  {number:>4}{was}  {text}")
    if not len(table):
        click.echo("nothing was ever believed")


@click.command()
@click.argument("belief")
@repo
@_rules
@_chosen
@_calibrated
@click.option("--whole", is_flag=True, help="All evidence and the whole proof.")
@click.option("--html", "page", type=click.Path(path_type=Path), help="Write HTML into a file.")
@click.option("--evolution", type=_PERIODS, help="Print how its confidence moved instead.")
@as_json
@speaks
def explain(
    belief: str,
    repo: str,
    rules: str,
    as_of: str | None,
    whole: bool,
    page: Path | None,
    evolution: str | None,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Say why a belief is held, with its proof, and which evidence would flip it.

    BELIEF is the beginning of its id, or what it says.
    """
    made = _lab(repo, as_of).form_beliefs(rules, keep=False, **_options(**chosen))
    found = made.find(belief)
    if evolution is not None:
        table = made.evolution(found, every=evolution)
        if as_json:
            click.echo(records(table))
        else:
            click.echo(table.to_string(index=False, max_colwidth=60, float_format="{:.3f}".format))
        return
    told = found.explain()
    if page is not None:
        text = f"<!doctype html><meta charset='utf-8'><title>A belief</title>{told.html()}\n"
        try:
            page.write_text(text, "utf-8")
        except OSError as err:
            raise InvalidOption(
                f"{page} cannot be written: {err.strerror}.", "Name a file in a folder that exists."
            ) from err
    if as_json:
        click.echo(json.dumps(told.json(), sort_keys=True))
    elif page is None:
        click.echo(told.text(whole=whole))


@click.command()
@click.argument("a", default="v0")
@click.argument("b", default="v2")
@repo
@_chosen
@click.option("--split", metavar="DATE", help="Form beliefs before it, judge them after it.")
@click.option("--window", default="45d", show_default=True, help="How long after it is looked.")
@click.option(
    "--labels", type=click.Path(path_type=Path), help='JSON: {"event id or text": "group"}'
)
@click.option("--flips", is_flag=True, help="Print what only one of them holds, with proofs.")
@click.option("--check", is_flag=True, help="Fail if the first is the better one.")
@as_json
@speaks
def ab(
    a: str,
    b: str,
    repo: str,
    as_of: str | None,
    split: str | None,
    window: str,
    labels: Path | None,
    flips: bool,
    check: bool,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Say which rule set makes better beliefs: A or B (v0, v1, v2 or a .pl file)."""
    from patina_lab.beliefs.compare import compare_rules
    from patina_lab.beliefs.explain import NO_PROOF

    made = compare_rules(
        _lab(repo, as_of),
        a,
        b,
        labels=None if labels is None else _read_labels(labels),
        split=split,
        window=window,
        **_options(**chosen),
    )
    if as_json:
        click.echo(json.dumps(made.json(), sort_keys=True, allow_nan=False))
    else:
        click.echo(repr(made))
        for row in made.flips().to_dict("records") if flips else ():
            click.echo(f"\nonly {row['held_by']}, {row['confidence']:.2f}: {row['belief']}")
            click.echo(row["proof"] or NO_PROOF)
    if check and made.winner == made.names[0] != made.names[1]:
        raise CheckFailed(made.verdict, "Keep the first, or look at the flips: --flips.")


def _read_labels(place: Path) -> dict[str, str | None]:
    try:
        told = json.loads(place.read_text("utf-8"))
    except (OSError, ValueError) as err:
        raise InvalidOption(
            f"The labels {place} cannot be read: {err}.",
            'Name a JSON file: {"event id or text": "group", "noise": null}.',
        ) from err
    if not isinstance(told, dict) or not all(
        v is None or isinstance(v, str) for v in told.values()
    ):
        raise InvalidOption(
            f"{place} holds no labels.", 'Write {"event id or text": "group", "noise": null}.'
        )
    return told


COMMANDS = (beliefs, explain, ab)
