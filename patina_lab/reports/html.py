"""One HTML page from a notebook that was run, which asks nothing of any network.

nbconvert lays it out with the template beside this file.  Its own templates load scripts
and fonts from five places; ours holds no script at all, and forbids the browser to fetch
anything (a Content-Security-Policy in the page itself), whatever a cell has put out.
"""

from __future__ import annotations

import copy
import html
import re
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from patina_lab.reports.parameters import Parameter
from patina_lab.views.numbers import numbers

_HERE = Path(__file__).resolve().parent
_MOST_ROWS = 200
"""Rows of a chart's table; beyond, the page says how many more there are."""

_SHOWN = [
    "text/html",
    "image/svg+xml",
    "image/png",
    "image/jpeg",
    "text/markdown",
    "text/plain",
]
"""Of an output that comes in several forms the first of these is shown."""


def page(
    nb: Any,
    name: str,
    parameters: Sequence[Parameter] = (),
    values: Mapping[str, Any] | None = None,
    digest: str | None = None,
) -> str:
    """Lay out a notebook as one page: the same bytes for the same notebook.

    Parameters
    ----------
    nb : NotebookNode
        With its outputs.
    name : str
        Its file name.
    parameters : sequence of Parameter
        Shown as a table where the cell tagged ``parameters`` stands.
    values : mapping, optional
        What they were, by name.
    digest : str, optional
        Of the log that the notebook read.

    Returns
    -------
    str
    """
    from nbconvert import HTMLExporter
    from traitlets.config import Config

    from patina_lab import __version__

    exporter_class: Any = HTMLExporter  # has no types
    exporter = exporter_class(
        config=Config({"NbConvertBase": {"display_data_priority": _SHOWN}}),
        template_name="template",
        extra_template_basedirs=[str(_HERE)],
        filters={"rows_of_chart": _rows, "shown": _value},
    )
    nb = _without_widgets(nb)
    metadata = nb.metadata.get("patina", {})
    text, _ = exporter.from_notebook_node(
        nb,
        resources={
            "patina": {
                "css": (_HERE / "template" / "report.css").read_text(encoding="utf-8"),
                "name": name,
                "title": _title(nb) or name,
                "code_open": metadata.get("code") == "open",
                "parameters": [(p, (values or {}).get(p.name, p.default)) for p in parameters],
                "digest": digest or "",
                "version": __version__,
            }
        },
    )
    return _with_contents(text).rstrip() + "\n"


def outside_requests(text: str) -> list[str]:
    """Return what a browser would fetch from elsewhere when it opens this page.

    Links that a reader may follow are none; scripts, styles, images, fonts and frames are.

    Parameters
    ----------
    text : str
        A page of HTML.

    Returns
    -------
    list of str
        ``tag attribute=address``, in the page's order.

    Examples
    --------
    >>> outside_requests('<a href="https://a.example">a</a><img src="//b.example/i.png">')
    ['img src=//b.example/i.png']
    """
    reader = _Requests()
    reader.feed(text)
    reader.close()
    return reader.found


class _Requests(HTMLParser):
    _ATTRIBUTES = frozenset(
        {"src", "srcset", "href", "xlink:href", "data", "poster", "action", "background"}
    )
    _OUTSIDE = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
    _IN_CODE = re.compile(
        r"(?:url\(|@import|\bfrom|\bimport\s*\(?|\bfetch\(|\bsrc\s*=|paths:\s*\{[^}]*:)"
        r"\s*[\"']?\s*((?:https?:)?//[^\s\"')]+)"
    )

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag if tag in ("script", "style") else ""
        for name, value in attrs:
            is_link = tag == "a" and name in ("href", "xlink:href")
            if value and name in self._ATTRIBUTES and not is_link and self._OUTSIDE.match(value):
                self.found.append(f"{tag} {name}={value}")
            elif value and name == "style":
                self._look(f"{tag} style", value)

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside:
            self._look(self._inside, data)

    def _look(self, where: str, code: str) -> None:
        self.found += [f"{where} {address}" for address in self._IN_CODE.findall(code)]


def _without_widgets(nb: Any) -> Any:
    """Return `nb` with words where only a live notebook could show something."""
    nb = copy.deepcopy(nb)
    for cell in nb.cells:
        for output in cell.get("outputs", ()):
            if "data" in output and not any(form in output["data"] for form in _SHOWN):
                kinds = ", ".join(output["data"]) or "nothing"
                words = f"(A live notebook shows something here that a page cannot: {kinds})"
                output["data"] = {"text/plain": words}
    return nb


def _title(nb: Any) -> str:
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            heading = re.search(r"^# +(.+?)\s*$", cell.source, re.MULTILINE)
            if heading:
                return re.sub(r"[`*_]", "", heading[1])
    return ""


def _rows(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the table of a chart's output; without headings when there is none."""
    spec = data.get("application/vnd.vegalite.v5+json")
    rows = numbers(spec) if isinstance(spec, Mapping) else []
    headings = list(dict.fromkeys(heading for row in rows for heading in row))
    cells = [[row.get(heading) for heading in headings] for row in rows[:_MOST_ROWS]]
    return {"headings": headings, "cells": cells, "rows": len(rows)}


def _value(value: Any) -> str:
    """Write a table's value as HTML: thousands parted, nothing for nothing."""
    if value is None:
        return ""
    if isinstance(value, bool | str):
        return html.escape(str(value))
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return f"{value:,.0f}"
    return f"{value:.4g}" if isinstance(value, float) else html.escape(str(value))


_HEADING = re.compile(r'<h2 id="([^"]+)">(.*?)<a class="anchor-link"', re.DOTALL)


def _with_contents(text: str) -> str:
    """Put links to the sections at the top, where there are enough to need them."""
    sections = _HEADING.findall(text)
    links = "".join(f'<li><a href="#{to}">{said.strip()}</a></li>' for to, said in sections)
    nav = f'<nav aria-label="Contents"><ol>{links}</ol></nav>' if len(sections) >= 3 else ""
    return text.replace('<nav class="here"></nav>', nav, 1)
