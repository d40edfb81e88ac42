"""What ipywidgets lacks: a slider with a name, one look, and keys that stay in the widget."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from patina_lab.errors import MissingTool


def manners() -> Any:
    """Return a part that is not seen: its box gets our look, and keeps its keys to itself."""
    return _classes()["Manners"]()


def range_input(marks: list[str], index: int, label: str) -> Any:
    """Return a native range input over named places.

    Parameters
    ----------
    marks : list of str
        The names of the places.
    index : int
        The place at first; the trait of the same name follows the slider.
    label : str

    Notes
    -----
    The slider of ipywidgets has neither a label nor a name for the place it is at, as a
    screen reader would say it.
    """
    return _classes()["Range"](marks=marks, index=index, label=label)


@cache
def _classes() -> dict[str, Any]:
    """Return the widgets' classes, made when first needed: importing ipywidgets takes time."""
    try:
        import anywidget
        import traitlets
    except ImportError as err:
        raise MissingTool(
            f"Widgets need the package {err.name}, which is not installed.",
            "Run: pip install 'patina-lab[lab]'",
        ) from err
    here = Path(__file__)

    class Manners(anywidget.AnyWidget):
        _esm = here.with_name("keys.js")
        _css = here.with_name("widgets.css")

    class Range(anywidget.AnyWidget):
        _esm = here.with_name("range.js")
        marks = traitlets.List(traitlets.Unicode()).tag(sync=True)
        index = traitlets.Int(0).tag(sync=True)
        label = traitlets.Unicode("").tag(sync=True)

    return {"Manners": Manners, "Range": Range}
