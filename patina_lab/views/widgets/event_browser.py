"""`EventBrowser`: a log page by page, and one event with all that is tied to it."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from patina_lab.errors import PatinaError
from patina_lab.eventlog.eventlog import text_card
from patina_lab.views.widgets import stage
from patina_lab.views.widgets.browse import Browse, Page, page
from patina_lab.views.widgets.stage import Opened
from patina_lab.views.widgets.tied import Reading, read

if TYPE_CHECKING:
    import pandas as pd


class EventBrowser:
    """Look through a log of any length, and read one event with its causes and effects.

    Parameters
    ----------
    lab : Lab
        Its slice is what can be looked at.
    size : int
        Events a page.
    **filters : str
        ``types, text, author, since, until``: see `patina_lab.views.widgets.browse.Browse`.

    Attributes
    ----------
    browse : Browse
        The filters and the page; assign another to go there.
    code : str
        The same as Python, to be pasted into a cell.
    seq : int or None
        The rank of the event that is read.

    Examples
    --------
    >>> pt.EventBrowser(lab, types="decision_made")  # doctest: +SKIP
    """

    def __init__(self, lab: Opened, *, size: int = 20, **filters: str) -> None:
        self.lab = lab
        self.attended = stage.attended()
        self.seq: int | None = None
        self.said = ""
        self._browse = Browse(size=size).but(**filters)
        self._view: _View | None = None
        self.page = self._read()

    # -- state -------------------------------------------------------------------------

    @property
    def browse(self) -> Browse:
        """The filters, and the page."""
        return self._browse

    @browse.setter
    def browse(self, browse: Browse) -> None:
        self._browse = browse
        self.page = self._read()
        if self._view is not None:
            self._view.show()

    @property
    def code(self) -> str:
        """Python that gives the page."""
        return self._browse.code()

    @property
    def rows(self) -> pd.DataFrame:
        """The page: ``seq, timestamp, event_type, actor, source_id, said``."""
        return self.page.rows

    def count(self) -> int:
        """Return how many events the filters leave."""
        if self._browse.problems():
            return 0
        log = self._browse.over(self.lab.log)
        return int(log.query(self._browse.counting()).arrow().column("events")[0].as_py())

    def older(self) -> None:
        """Go to the page after this one; in the order of the list."""
        if self.page.after is not None:
            self.browse = self.page.after

    def newer(self) -> None:
        """Go to the page before this one."""
        if self.page.before is not None:
            self.browse = self.page.before

    def read(self, seq: int) -> Reading:
        """Return one event with what is tied to it."""
        self.seq = seq
        return read(self.lab, seq)

    def _read(self) -> Page:
        faults = self._browse.problems()
        self.said = " ".join(faults.values())
        try:
            if not faults:
                return page(self.lab.log, self._browse)
        except PatinaError as err:
            self.said = str(err)
        import pandas as pd

        columns = ["seq", "timestamp", "event_type", "actor", "source_id", "said"]
        return Page(pd.DataFrame(columns=columns), None, None)

    # -- showing -----------------------------------------------------------------------

    def facts(self) -> list[tuple[str, str]]:
        """Return what a page without a kernel shows."""
        said = [("events", f"{self.count():,} match, {len(self.rows)} on this page")]
        said += [
            (
                f"{row.timestamp:%Y-%m-%d %H:%M}",
                f"{row.event_type} {row.actor}".rstrip() + f": {row.said}",
            )
            for row in self.rows.itertuples(index=False)
        ]
        if self.said:
            said.append(("said", self.said))
        return [*said, ("code", self.code), ("browser", "run this notebook live to look around")]

    def __repr__(self) -> str:
        return text_card("EventBrowser", self.facts())

    @property
    def widget(self) -> Any:
        """The ipywidgets box, made when first asked for."""
        if self._view is None:
            self._view = _View(self)
            self._view.show()
        return self._view.box

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Any:
        view = self.widget if self.attended else None
        return stage.bundle("EventBrowser", self.facts(), view)


class _View:
    """The widgets of a browser."""

    def __init__(self, browser: EventBrowser) -> None:
        w = stage.ipywidgets()
        self.browser = browser
        self.filling = False
        look = {"style": {"description_width": "12.5em"}, "layout": w.Layout(width="100%")}
        counts = browser.lab.log.by_type()
        kinds = [
            (f"{kind} ({n:,})", kind)
            for kind, n in counts[["event_type", "events"]].itertuples(index=False)
        ]
        told = browser.browse.types
        if told and told not in [kind for _, kind in kinds]:
            kinds.append((told, told))
        self.fields = {
            "types": w.Dropdown(
                options=[("all", ""), *kinds], value=told, description="Type", **look
            ),
            "text": w.Text(description="Text in the event", **look),
            "author": w.Text(description="Author", placeholder="Ann*", **look),
            "since": w.Text(description="From", placeholder="2025-03-01", **look),
            "until": w.Text(description="Before", placeholder="2025-04-01", **look),
        }
        self.list = w.Select(options=[], rows=10, description="Events", **look)
        self.before = w.Button(description="Newer", tooltip="The page before this one")
        self.after = w.Button(description="Older", tooltip="The page after this one")
        self.status, self.detail, self.code = w.HTML(), w.HTML(), w.HTML()
        self.before.on_click(lambda _: browser.newer())
        self.after.on_click(lambda _: browser.older())
        self._later = stage.Debounced(self._filter, 0.2)
        for field in self.fields.values():
            field.observe(self._typed, "value")
        pages = w.HBox([self.before, self.after])
        for part in (self.status, pages):
            part.add_class("patina-under")
        self._reading = stage.Debounced(self._read, 0.1)
        self.list.observe(self._chosen, "value")
        self.box = stage.box(
            "Browse events",
            [
                *self.fields.values(),
                self.status,
                self.list,
                pages,
                self.detail,
                self.code,
            ],
        )

    def _typed(self, _: object) -> None:
        if not self.filling:
            self._later()

    def _filter(self) -> None:
        told = {name: field.value for name, field in self.fields.items()}
        self.browser.browse = self.browser.browse.but(**told)

    def _chosen(self, change: dict[str, Any]) -> None:
        if not self.filling and change["new"] is not None:
            self._reading()

    def _read(self) -> None:
        seq: int | None = self.list.value
        if seq is None:
            return
        try:
            self.detail.value = _shown(self.browser.read(seq))
        except PatinaError as err:
            self.detail.value = stage.status(str(err))

    def show(self) -> None:
        """Make the widgets show the page."""
        browser = self.browser
        self.filling = True
        try:
            for name, field in self.fields.items():
                if field.value != (told := getattr(browser.browse, name)):
                    if name == "types" and told not in [kind for _, kind in field.options]:
                        field.options = [*field.options, (told, told)]
                    field.value = told
            rows = browser.rows.itertuples(index=False)
            self.list.options = list(
                zip(map(_line, rows), browser.rows["seq"].tolist(), strict=True)
            )
            self.list.value = None
        finally:
            self.filling = False
        self.before.disabled = browser.page.before is None
        self.after.disabled = browser.page.after is None
        count = f"{browser.count():,} events match; {len(browser.rows)} are listed."
        self.status.value = stage.status(browser.said or count)
        self.detail.value = ""
        self.code.value = f"<h4>As code</h4>{stage.pre(browser.code, 'As code')}"


def _line(row: Any) -> str:
    parts = (f"{row.timestamp:%Y-%m-%d %H:%M}", row.event_type, row.actor, row.said)
    return " · ".join(part for part in parts if part)


def _shown(reading: Reading) -> str:
    parts = [
        stage.rows("The event", list(reading.facts)),
        f"<h4>Payload</h4>{stage.pre(reading.payload, 'Payload of the event')}",
    ]
    for section in reading.sections:
        parts.append(stage.rows(section.title, list(section.rows)))
        if section.more:
            parts.append(f"<p>{html.escape(f'and {section.more:,} more')}</p>")
    if reading.change:
        parts.append(f"<h4>Its last change</h4>{stage.pre(reading.change, 'Its last change')}")
    return "".join(parts)
