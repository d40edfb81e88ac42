"""`TimeSlider`: a projection drawn again as of the moment that is chosen."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import Any

from patina_lab.errors import PatinaError, UnknownName
from patina_lab.eventlog.eventlog import text_card
from patina_lab.projections import registry
from patina_lab.projections.projection import Projection
from patina_lab.views.widgets import stage
from patina_lab.views.widgets.moments import moments
from patina_lab.views.widgets.parts import range_input
from patina_lab.views.widgets.stage import Opened

_FEW = 15


class TimeSlider:
    """A slider through the time of a log, and below it what a projection showed then.

    Parameters
    ----------
    lab : Lab
    projection : str, Projection or callable
        As `Lab.project` takes it.
    plot : callable or None
        From its table to a chart.  None: the chart of the same name in ``pt.plot``, or the
        first rows where there is none.
    at : str or None
        The moment at first; by default the last.
    between : sequence of str or None
        The moments, in the order of time; by default days that span the log.
    most : int
        At most so many moments, where they are not given.
    **params
        Of the projection.

    Attributes
    ----------
    moment : str or None
        The moment that is shown; assign another to go there.  None: the log is empty.
    code : str
        What is shown, as Python to be pasted into a cell.

    Raises
    ------
    UnknownName
        `at` is none of the moments, or there is no such projection.

    Examples
    --------
    >>> pt.TimeSlider(lab, pt.hotspots)  # doctest: +SKIP
    """

    def __init__(
        self,
        lab: Opened,
        projection: str | Projection | Callable[..., Any],
        plot: Callable[[Any], Any] | None = None,
        *,
        at: str | None = None,
        between: Sequence[str] | None = None,
        most: int = 60,
        **params: Any,
    ) -> None:
        self.lab = lab
        self.attended = stage.attended()
        self.projection = registry.find(projection) if isinstance(projection, str) else projection
        self.params = params
        self.name = getattr(self.projection, "name", getattr(projection, "__name__", "projection"))
        self._plot = plot
        self.moments = tuple(between) if between is not None else _moments(lab, most)
        self.index = len(self.moments) - 1
        self._view: _View | None = None
        if at is not None:
            self.index = self._place(at)

    # -- state -------------------------------------------------------------------------

    @property
    def moment(self) -> str | None:
        """The moment that is shown."""
        return self.moments[self.index] if self.moments else None

    @moment.setter
    def moment(self, at: str) -> None:
        self.go(self._place(at))

    def go(self, index: int) -> None:
        """Show the moment of this number."""
        self.index = index
        if self._view is not None:
            self._view.show()

    def _place(self, at: str) -> int:
        if at not in self.moments:
            raise UnknownName.among("moment", at, self.moments)
        return self.moments.index(at)

    @property
    def code(self) -> str:
        """Python that shows the same."""
        known = isinstance(self.projection, Projection) and self.name in registry.names()
        told = "".join(f", {key}={value!r}" for key, value in self.params.items())
        what = repr(self.name) if known else self.name
        then = f"lab.as_of({self.moment!r})" if self.moment else "lab"
        table = f"{then}.project({what}{told})"
        if self._plot is None:
            return f"pt.plot.{self.name}({table})" if _chart(self.name) else table
        return f"{getattr(self._plot, '__name__', 'plot')}({table})"

    def table(self) -> Any:
        """Return the projection as of the moment, a pandas table."""
        then = self.lab if self.moment is None else self.lab.as_of(self.moment)
        return then.project(self.projection, **self.params)

    def chart(self) -> Any:
        """Return what is drawn: a chart, or the table's first rows where there is none."""
        draw = self._plot or _chart(self.name)
        table = self.table()
        return draw(table) if draw is not None else table.head(_FEW)

    def picture(self) -> str:
        """Return what is drawn as HTML: a picture with its words, or a table."""
        return _html(self.chart(), f"{self.name} as of {self.moment or 'no moment'}")

    # -- showing -----------------------------------------------------------------------

    def facts(self) -> list[tuple[str, str]]:
        """Return what a page without a kernel shows."""
        span = f"{self.moments[0]} to {self.moments[-1]}" if self.moments else "the log is empty"
        return [
            ("projection", self.name),
            ("as of", self.moment or "no moment"),
            ("moments", f"{len(self.moments)}, {span}"),
            ("code", self.code),
            ("slider", "run this notebook live to move it"),
        ]

    def __repr__(self) -> str:
        return text_card("TimeSlider", self.facts())

    @property
    def widget(self) -> Any:
        """The ipywidgets box, made when first asked for."""
        if self._view is None:
            self._view = _View(self)
            self._view.show()
        return self._view.box

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Any:
        if self.attended:
            return stage.bundle("TimeSlider", self.facts(), self.widget)
        return stage.bundle("TimeSlider", self.facts(), None, self.picture())


class _View:
    """The widgets of a slider."""

    def __init__(self, slider: TimeSlider) -> None:
        w = stage.ipywidgets()
        self.slider = slider
        self.range = range_input(list(slider.moments), max(slider.index, 0), "As of")
        self.range.observe(self._moved, "index")
        self.picture, self.status, self.code = w.HTML(), w.HTML(), w.HTML()
        self._later = stage.Debounced(self._go, 0.1)
        self.box = stage.box(
            f"{slider.name} through time", [self.range, self.status, self.picture, self.code]
        )

    def _moved(self, _: object) -> None:
        if self.range.index != self.slider.index and self.slider.moments:
            self._later()

    def _go(self) -> None:
        self.slider.go(self.range.index)

    def show(self) -> None:
        """Make the widgets show the moment."""
        slider = self.slider
        self.range.index = max(slider.index, 0)
        try:
            self.picture.value = slider.picture()
            told = f"{slider.name} as of {slider.moment or 'no moment: the log is empty'}"
        except PatinaError as err:
            self.picture.value, told = "", str(err)
        self.status.value = stage.status(told)
        self.code.value = f"<h4>As code</h4>{stage.pre(slider.code, 'As code')}"


def _moments(lab: Opened, most: int) -> tuple[str, ...]:
    span = lab.log.query("SELECT min(occurred_us) AS a, max(occurred_us) AS b FROM eventlog")
    first, last = (value.as_py() for value in (c[0] for c in span.arrow().columns))
    return moments(first, last, most)


def _chart(name: str) -> Callable[[Any], Any] | None:
    from patina_lab.views import charts

    return getattr(charts, name, None) if name in charts.__all__ else None


def _html(shown: Any, what: str) -> str:
    """Return a chart as a picture with a name, or a table as a table."""
    if (hasattr(shown, "to_dict") and hasattr(shown, "mark_rect")) or hasattr(shown, "layer"):
        from patina_lab.views.renderer import render

        made, _ = render(shown.to_dict())
        if "image/svg+xml" in made:
            return f"<figure style='margin:0'>{made['image/svg+xml']}</figure>"
        return f"<p>{html.escape(made['text/plain'])}</p>"
    if hasattr(shown, "to_html"):
        body = str(shown.to_html(index=False, border=0, notebook=False))
        return f"<h4>{html.escape(what)}</h4>{body}"
    return stage.pre(str(shown), what)
