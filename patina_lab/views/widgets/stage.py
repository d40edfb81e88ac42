"""Whether somebody is there, and what is shown where nobody is."""

from __future__ import annotations

import asyncio
import html
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from patina_lab.errors import MissingTool
from patina_lab.eventlog.eventlog import Eventlog, html_card, text_card
from patina_lab.eventlog.progress import BATCH
from patina_lab.sources.repository import Repository
from patina_lab.views.widgets.parts import manners

VIEW = "application/vnd.jupyter.widget-view+json"


class Opened(Protocol):
    """What a widget asks of a lab."""

    @property
    def repository(self) -> Repository:
        """The repository."""

    @property
    def log(self) -> Eventlog:
        """The log, over the lab's slice."""

    def as_of(self, moment: Any) -> Any:
        """Return the same lab, back then."""

    def project(self, function: Any, /, **params: Any) -> Any:
        """Compute a projection."""

    def history(self, event: str) -> Any:
        """Return what git knows of an event."""


def attended() -> bool:
    """Return whether a person can answer: a cell that runs in a notebook somebody has open.

    A front end says with every cell that it would show a question; papermill, nbclient and
    nbconvert say that they would not.  A plain Python has nobody who sees a widget.
    """
    if BATCH in os.environ or "ipykernel" not in sys.modules:
        return False
    from IPython.core.getipython import get_ipython

    kernel = getattr(get_ipython(), "kernel", None)
    told = kernel.get_parent("shell") if kernel is not None else {}
    return bool(told.get("content", {}).get("allow_stdin"))


def ipywidgets() -> Any:
    """Return the module, or say how to get it."""
    try:
        import ipywidgets
    except ImportError as err:
        raise MissingTool(
            "Widgets need the package ipywidgets, which is not installed.",
            "Run: pip install 'patina-lab[lab]'",
        ) from err
    return ipywidgets


def bundle(
    title: str, facts: list[tuple[str, str]], view: Any, more: str = ""
) -> dict[str, Any] | tuple[dict[str, Any], dict[str, Any]]:
    """Return what a cell shows: the live widget where there is one, and a card for pages.

    Parameters
    ----------
    title : str
    facts : list of (label, text)
        The state, for viewers that have no kernel.
    view : ipywidgets.Widget or None
        None where nobody is there: a stored widget would be an empty box.
    more : str
        HTML below the card.
    """
    shown: dict[str, Any] = {
        "text/plain": text_card(title, facts),
        "text/html": html_card(title, facts) + more,
    }
    if view is not None:
        live = view._repr_mimebundle_()
        data = live[0] if isinstance(live, tuple) else live
        shown[VIEW] = data[VIEW]
    return shown


def box(title: str, children: list[Any]) -> Any:
    """Return the widgets below each other, under a heading."""
    w = ipywidgets()
    made = w.VBox([w.HTML(f"<h3>{html.escape(title)}</h3>"), *children, manners()])
    made.add_class("patina-widget")
    return made


def pre(text: str, label: str) -> str:
    """Return a text as it is, in a block that can be scrolled and copied by keyboard.

    A group, no region: two forms on a page would be two landmarks of the same name.
    """
    name = html.escape(label, quote=True)
    return f'<pre tabindex="0" role="group" aria-label="{name}">{html.escape(text)}</pre>'


def status(text: str) -> str:
    """Return a sentence that a screen reader speaks when it changes."""
    return f'<div role="status" aria-live="polite">{html.escape(text)}</div>'


def rows(title: str, pairs: Mapping[str, str] | list[tuple[str, str]]) -> str:
    """Return a heading and a table of labels and texts; nothing where there are none."""
    listed = list(pairs.items()) if isinstance(pairs, Mapping) else pairs
    if not listed:
        return ""
    body = "".join(
        f'<tr><th scope="row">{html.escape(k)}</th><td>{html.escape(v)}</td></tr>'
        for k, v in listed
    )
    return f"<h4>{html.escape(title)}</h4><table>{body}</table>"


class Debounced:
    """A call that waits until nothing new was asked for a moment; at once where no loop runs.

    Parameters
    ----------
    call : callable
    seconds : float
    """

    def __init__(self, call: Callable[[], None], seconds: float = 0.15) -> None:
        self._call = call
        self._seconds = seconds
        self._waiting: asyncio.TimerHandle | None = None

    def __call__(self, *_: object) -> None:
        """Ask for the call."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._call()
            return
        if self._waiting is not None:
            self._waiting.cancel()
        self._waiting = loop.call_later(self._seconds, self._run)

    def _run(self) -> None:
        self._waiting = None
        self._call()
