"""The Altair renderer ``patina``: one bundle that every notebook viewer can show, offline.

A chart leaves the kernel as three readings of the same thing, and each viewer takes the
best one it knows:

==================================  =====================================================
``application/vnd.vegalite.v5+json``  JupyterLab draws it live, with tooltips, from the
                                      Vega-Lite it ships (version 5; it knows no 6)
``image/svg+xml``                     code forges, nbconvert and mail show the picture
``text/plain``                        terminals and readers' software say the description
==================================  =====================================================

Altair's own renderers cannot do this without a network: the default one loads Vega from
outside, and ``mimetype`` labels the bundle in a way that neither JupyterLab nor nbformat
accepts.  Nothing here opens a connection; a chart whose data is an outside URL keeps its
specification and says in words why there is no picture.

>>> import altair as alt                                        # doctest: +SKIP
>>> alt.renderers.enable("patina")                              # doctest: +SKIP
"""

from __future__ import annotations

import functools
import hashlib
import re
from html import escape
from typing import Any

MIME = "application/vnd.vegalite.v5+json"
SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
NAME = "patina"

FONT = "Liberation Sans, Arial, Helvetica, DejaVu Sans Condensed, sans-serif"
"""The first of these is inside vl-convert, so text is measured the same on every machine."""

INK, MUTED, FAINT, GHOST, PAPER = "#1f2a2c", "#5b6a6d", "#dfe5e4", "#eff3f2", "#ffffff"
"""The greys of a chart; a report may restyle exactly these for its dark form."""

_Bundle = dict[str, Any]


def render(spec: dict[str, Any], **metadata: Any) -> tuple[_Bundle, dict[str, Any]]:
    """Turn a Vega-Lite specification into a mime bundle.

    Parameters
    ----------
    spec : dict
        The specification, with its data, as ``Chart.to_dict()`` gives it.
    **metadata
        What ``alt.renderers.enable("patina", **metadata)`` was given, such as
        ``embed_options``; handed to the viewer unchanged.

    Returns
    -------
    tuple of dict
        Mime type to content, and mime type to metadata.
    """
    clean = {**_printable(spec), "$schema": SCHEMA}
    description = str(clean.get("description") or _heading(clean) or "a chart")
    bundle: _Bundle = {MIME: clean}
    try:
        bundle["image/svg+xml"] = svg(clean)
    except ImportError:
        reason = " (no picture: pip install 'patina-lab[lab]')"
    except ValueError as error:  # what vl-convert raises for any chart that it cannot draw
        said = [line.strip() for line in str(error).splitlines() if "Error:" in line]
        reason = f" (no picture: {said[0] if said else error})"
    else:
        reason = ""
    bundle["text/plain"] = f"<chart: {description}{reason}>"
    return bundle, ({MIME: metadata} if metadata else {})


def enable(*, force: bool = False) -> None:
    """Make ``patina`` the renderer and the theme, unless the user chose others.

    Called when the first chart is made, so that a notebook needs no line for it.

    Parameters
    ----------
    force : bool
        Replace a choice of the user too.
    """
    import altair as alt

    chosen = alt.renderers.active != "default" and alt.theme.active != "default"
    if chosen and not force:
        return  # names() reads the entry points of all packages: once is enough
    if NAME not in alt.renderers.names():  # a source tree on the path, without its metadata
        alt.renderers.register(NAME, render)
    if NAME not in alt.theme.names():
        alt.theme.register(NAME, enable=False)(theme)
    if force or alt.renderers.active == "default":
        alt.renderers.enable(NAME)
    if force or alt.theme.active == "default":
        alt.theme.enable(NAME)


def theme() -> Any:
    """Return the look of all charts, as an Altair theme."""
    import altair as alt

    quiet = {
        "labelColor": MUTED,
        "titleColor": MUTED,
        "titleFontWeight": "normal",
        "labelFontSize": 11,
        "titleFontSize": 11,
    }
    lines = {"domainColor": FAINT, "tickColor": FAINT, "gridColor": FAINT}
    config = {
        "background": PAPER,
        "font": FONT,
        "view": {"stroke": None, "continuousWidth": 640, "continuousHeight": 240},
        "axis": {**quiet, **lines},
        "legend": {**quiet, "symbolType": "square"},
        "mark": {"color": "#1f6f6b"},
        "title": {
            "anchor": "start",
            "frame": "group",
            "color": INK,
            "fontSize": 15,
            "fontWeight": "bold",
            "subtitleColor": MUTED,
            "subtitleFontSize": 12,
            "subtitlePadding": 5,
            "offset": 14,
        },
        "range": {
            # Told apart by lightness too, for readers and printers without colour.
            "category": ["#1f6f6b", "#c9803b", "#35507a", "#9fb84d", "#8a4f7d", "#b9c4c3"],
        },
    }
    return alt.theme.ThemeConfig({"config": config})  # type: ignore[typeddict-item]


def svg(spec: dict[str, Any]) -> str:
    """Draw `spec` as one SVG element: the same bytes for the same chart, on any machine.

    Parameters
    ----------
    spec : dict
        A Vega-Lite specification without control characters.

    Returns
    -------
    str
        Its ids carry a digest of the picture, so that many fit in one page; every mark
        has its label as a ``<title>`` too, which a browser shows as a tooltip.

    Raises
    ------
    ValueError
        The chart cannot be drawn, or wants data from outside.
    """
    import vl_convert

    raw = vl_convert.vegalite_to_svg(spec, vl_version=_version(), allowed_base_urls=[])
    return _stable(raw, label=str(spec.get("description") or ""))


@functools.cache
def _version() -> str | None:
    """Pick the oldest Vega-Lite 5 that vl-convert has: the nearest to JupyterLab's."""
    import vl_convert

    fives = [v for v in vl_convert.get_vegalite_versions() if v.startswith("5.")]
    return fives[0] if fives else None


_TAG = re.compile("<[^<>]+>")
_GEOMETRY = re.compile(r' (?:d|transform|x|y|x1|y1|x2|y2|width|height)="[^"]*"')
_LONG_FLOAT = re.compile(r"-?\d+\.\d{3,}(?:e-?\d+)?")
_ID = re.compile(r'(?<= id=")[^"]+(?=")|(?<=url\(#)[^()"]+(?=\))')
_MARK = re.compile(r'<path aria-label="([^"]+)"([^<>]*)/>')


def _stable(raw: str, *, label: str) -> str:
    """Take out of an SVG what depends on the process that drew it."""
    names: dict[str, str] = {}

    def plain(tag: re.Match[str]) -> str:
        text = _GEOMETRY.sub(lambda m: _LONG_FLOAT.sub(_rounded, m[0]), tag[0])
        return _ID.sub(lambda m: names.setdefault(m[0], f"id{len(names)}"), text)

    text = _TAG.sub(plain, raw)  # text between tags is the user's and stays as it is
    prefix = "p" + hashlib.sha256(text.encode()).hexdigest()[:10]
    text = _TAG.sub(lambda tag: _ID.sub(lambda m: f"{prefix}-{m[0]}", tag[0]), text)
    text = _MARK.sub(r'<path aria-label="\1"\2><title>\1</title></path>', text)
    named = f'role="graphics-document" aria-label="{escape(label)}" ' if label else ""
    # A viewer without our font may draw letters wider: let them overhang, not be cut.
    return text.replace("<svg ", f'<svg {named}style="overflow:visible" ', 1)


def _rounded(number: re.Match[str]) -> str:
    return f"{round(float(number[0]), 2) + 0.0:.2f}".rstrip("0").rstrip(".")


_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")


def printable(text: str) -> str:
    r"""Replace what no XML may hold: control characters, halves of surrogate pairs.

    vl-convert ends the whole process on a NUL in a label, and paths in git may hold one.

    Examples
    --------
    >>> printable("a\x01b")
    'a\ufffdb'
    """
    return _UNPRINTABLE.sub("\ufffd", text)


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {_printable(key): _printable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_printable(item) for item in value]
    return value


def _heading(spec: dict[str, Any]) -> str:
    title = spec.get("title")
    text = title.get("text") if isinstance(title, dict) else title
    return " ".join(text) if isinstance(text, list) else str(text or "")
