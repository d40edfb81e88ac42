"""`ObserveForm`: a `Draft` that somebody fills in, saves as a note, proposes, takes back."""

from __future__ import annotations

import html
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from patina_lab.errors import NoAuthor, PatinaError
from patina_lab.eventlog.eventlog import text_card
from patina_lab.eventlog.times import Moment
from patina_lab.project.author import author_of
from patina_lab.project.domains import declared
from patina_lab.project.event_files import next_sequence, to_bytes
from patina_lab.project.observe import Note, add_local, moment
from patina_lab.project.places import LOCAL_EVENTS, SHARED_EVENTS
from patina_lab.project.propose import Proposal, next_number, propose
from patina_lab.project.read import Found, read_local, read_shared
from patina_lab.project.undo import Undone, undo
from patina_lab.project.write import work_tree
from patina_lab.sources.repository import Repository
from patina_lab.views.widgets import stage
from patina_lab.views.widgets.draft import OBSERVED_AS, Draft, Stamp
from patina_lab.views.widgets.stage import Opened

_LABELS = {
    "kind": "Kind",
    "observed_as": "Observed as",
    "name": "Name of the pattern",
    "text": "What you observed",
    "domains": "Domains, with commas",
    "rationale": "Why",
    "alternatives": "Alternatives, one a line",
    "context": "Context",
    "evidence": "Evidence, one a line",
}
_LONG = ("text", "alternatives", "evidence")


class ObserveForm:
    """A form that writes an event: privately, or as a proposal to the team.

    It says what is missing as one types, and shows the event file that would be written.
    In a live notebook nothing is written but by its buttons.

    Parameters
    ----------
    lab : Lab
    write : bool or None
        Whether it may write.  None: where a person has the notebook open.  A form that
        papermill or nbclient runs never waits for anybody, and writes only with True.
    author : str or None
        Who writes; by default git's ``user.name``.
    at : date, timestamp or None
        When it happened; by default the moment of the last key.
    **fields : str
        What the fields hold at first; see `patina_lab.views.widgets.draft.Draft`.

    Attributes
    ----------
    draft : Draft
        What the form holds now; assign another to fill it.
    code : str
        The same as Python, to be pasted into a cell.
    written : list of Note or Proposal
        What was written and not taken back, oldest first.
    said : str
        The last sentence of the form.

    Examples
    --------
    >>> form = pt.ObserveForm(lab, text="We validate input twice")  # doctest: +SKIP
    >>> form                                                        # doctest: +SKIP
    """

    def __init__(
        self,
        lab: Opened,
        write: bool | None = None,
        *,
        author: str | None = None,
        at: Moment | None = None,
        **fields: str,
    ) -> None:
        self.repository = lab.repository
        work_tree(self.repository)
        self.attended = stage.attended()
        self.writes = self.attended if write is None else write
        self.written: list[Note | Proposal] = []
        self.said = ""
        self._author, self._at = author, at
        self._draft = Draft().but(**fields)
        self._view: _View | None = None
        self._refresh()

    # -- state -------------------------------------------------------------------------

    @property
    def draft(self) -> Draft:
        """What the form holds."""
        return self._draft

    @draft.setter
    def draft(self, draft: Draft) -> None:
        self._draft = draft
        self._show()

    @property
    def code(self) -> str:
        """Python that proposes what the form holds."""
        return self._draft.code(propose=True)

    @property
    def problems(self) -> dict[str, str]:
        """What keeps the form from writing, by field."""
        found = self._draft.problems()
        if not self.author:
            found["author"] = self._nobody
        return found

    def stamp(self, *, shared: bool = True) -> Stamp:
        """Return what the event would get if it were written now."""
        at = moment(self._at) if self._at is not None else self._touched
        if not shared:
            return Stamp(self.author, at, self._own, LOCAL_EVENTS)
        note = self._note
        return Stamp(
            self.author, at, self._number, self._folder, note.event.event_id if note else ""
        )

    @property
    def _note(self) -> Note | None:
        """The private note that says what the form says, if that is the last thing written."""
        last = self._twin(Note)
        return last if isinstance(last, Note) and last is self.written[-1] else None

    def _twin(self, kind: type[Note | Proposal]) -> Note | Proposal | None:
        """Return what was written of this kind, and says what the form says."""
        if self._draft.problems():
            return None
        mine = (self._draft.event_type, _said(self._draft.payload()))
        for made in reversed(self.written):
            if isinstance(made, kind) and (made.event.event_type, _said(made.event.data)) == mine:
                return made
        return None

    def _refresh(self) -> None:
        """Look at the project: who writes, which numbers are free, which domains there are."""
        self._touched = _now()
        self._nobody = ""
        try:
            who = author_of(self.repository, self._author)
            self.author = who.name
        except NoAuthor as err:
            self.author, self._nobody = "", str(err)
        try:
            self._folder, self._number = next_number(self.repository)
        except PatinaError:  # no commit yet: notes can be written, proposals say why not
            self._folder, self._number = SHARED_EVENTS, 1
        own = work_tree(self.repository) / LOCAL_EVENTS
        self._own = next_sequence(place.name for place in _files(own))
        self.known = _domains(self.repository)

    # -- doing -------------------------------------------------------------------------

    def save(self) -> Note | None:
        """Write what the form holds as a private note.

        Returns
        -------
        Note or None
            None where it was not written, or stands there already; `said` says why.
        """
        if not self._may("saved"):
            return None
        if (twin := self._twin(Note)) is not None:
            self._tell(f"It is saved already, as {twin.event.source_id}.")
            return None
        stamp = self.stamp(shared=False)
        try:
            note = add_local(
                self.repository,
                self._draft.event_type,
                self._draft.payload(),
                at=stamp.at,
                author=self._author,
            )
        except PatinaError as err:
            self._tell(str(err))
            return None
        self.written.append(note)
        self._refresh()
        self._tell(f"Saved privately as {note.event.source_id}: {note.event.source_file}.")
        return note

    def propose(self) -> Proposal | None:
        """Put what the form holds to the team, on a branch of its own.

        A note that was just saved is proposed as such, so that the two stay linked.

        Returns
        -------
        Proposal or None
            None where it was not written, or stands there already; `said` says why.
        """
        if not self._may("proposed"):
            return None
        twin = self._twin(Proposal)
        if isinstance(twin, Proposal):
            self._tell(f"It is proposed already, on the branch {twin.branch}.")
            return None
        told = self._draft.arguments()
        try:
            made = propose(
                self.repository,
                self._note or self._draft.text.strip(),
                type=self._draft.kind,
                at=self.stamp().at,
                author=self._author,
                **told,
            )
        except PatinaError as err:
            self._tell(str(err))
            return None
        self.written.append(made)
        self._refresh()
        self._tell(f"Proposed on the branch {made.branch}. Next: {'; '.join(made.commands)}")
        return made

    def undo(self) -> Undone | None:
        """Take back what was written last: delete the note, or revert the proposal's commit."""
        if not self.written:
            self._tell("There is nothing to take back.")
            return None
        if not self.writes:
            self._tell(_REFUSED.format(done="taken back"))
            return None
        at = moment(self._at) if self._at is not None else None
        try:
            undone = undo(self.repository, self.written[-1], at=at, author=self._author)
        except PatinaError as err:
            self._tell(str(err))
            return None
        self.written.pop()
        self._refresh()
        what = f"reverted on {undone.branch}" if undone.branch else "deleted"
        self._tell(f"Taken back: {Path(undone.path).name} was {what}.")
        return undone

    def _may(self, done: str) -> bool:
        faults = self.problems
        if faults:
            self._tell(f"Not {done}: {' '.join(faults.values())}")
        elif not self.writes:
            self._tell(_REFUSED.format(done=done))
        return not faults and self.writes

    def _tell(self, text: str) -> None:
        self.said = text
        self._show()

    # -- showing -----------------------------------------------------------------------

    def facts(self) -> list[tuple[str, str]]:
        """Return what a page without a kernel shows; nothing in it depends on when it ran."""
        draft = self._draft
        said = [(name, getattr(draft, name)) for name in draft.asked if getattr(draft, name)]
        said += [(f"{name}: mend", text) for name, text in self.problems.items()]
        said.append(("code", self.code))
        if self.said:
            said.append(("said", self.said))
        return [*said, ("form", "run this notebook live to fill it in")]

    def __repr__(self) -> str:
        return text_card("ObserveForm", self.facts())

    @property
    def widget(self) -> Any:
        """The ipywidgets box, made when first asked for."""
        if self._view is None:
            self._view = _View(self)
            self._show()
        return self._view.box

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Any:
        view = self.widget if self.attended else None
        return stage.bundle("ObserveForm", self.facts(), view)

    def typed(self, draft: Draft) -> None:
        """Take what a person typed."""
        if draft != self._draft:
            self._draft, self._touched = draft, _now()
            self.said = ""
            self._show()

    def _show(self) -> None:
        if self._view is not None:
            self._view.show()


_REFUSED = (
    "Not {done}: nobody is here to press a button. "
    "Give write=True if a run without a person may write."
)


class _View:
    """The widgets of a form."""

    def __init__(self, form: ObserveForm) -> None:
        w = stage.ipywidgets()
        self.form = form
        self.filling = False
        self.fields = {name: self._field(name) for name in Draft.names()}
        self.faults = {name: w.HTML() for name in Draft.names()}
        self.offers = w.HBox([])
        for part in (*self.faults.values(), self.offers):
            part.add_class("patina-under")
        self.as_file = w.Dropdown(
            options=[("the proposal", True), ("the private note", False)],
            description="Show the file of",
            style={"description_width": "initial"},
        )
        self.file, self.code, self.status = w.HTML(), w.HTML(), w.HTML()
        self.buttons = {
            "save": w.Button(description="Save locally", tooltip="Write a private note"),
            "propose": w.Button(
                description="Propose", tooltip="Put it to the team, on a branch of its own"
            ),
            "undo": w.Button(description="Undo last", tooltip="Take back what was written last"),
        }
        for name, button in self.buttons.items():
            button.on_click(lambda _, name=name: getattr(form, name)())
        for field in self.fields.values():
            field.observe(self._typed, "value")
        self.as_file.observe(lambda _: self.show(), "value")
        lines = [part for name in Draft.names() for part in self._line(name)]
        buttons = w.HBox(list(self.buttons.values()))
        for part in (buttons, self.status):
            part.add_class("patina-under")
        self.box = stage.box(
            "Write an observation",
            [*lines, buttons, self.status, self.as_file, self.file, self.code],
        )

    def _field(self, name: str) -> Any:
        w = stage.ipywidgets()
        look = {
            "description": _LABELS[name],
            "style": {"description_width": "12.5em"},
            "layout": w.Layout(width="100%"),
        }
        if name == "kind":
            return w.Dropdown(options=["observation", "decision", "pattern"], **look)
        if name == "observed_as":
            options = [(shown or "(nothing in particular)", shown) for shown in OBSERVED_AS]
            return w.Dropdown(options=options, **look)
        if name in _LONG:
            return w.Textarea(rows=3 if name == "text" else 2, **look)
        return w.Text(**look)

    def _line(self, name: str) -> list[Any]:
        extra = [self.offers] if name == "domains" else []
        return [self.fields[name], self.faults[name], *extra]

    def _typed(self, _: object) -> None:
        if not self.filling:
            self.form.typed(Draft(**{name: f.value for name, f in self.fields.items()}))

    def show(self) -> None:
        """Make the widgets show what the form holds."""
        form, draft = self.form, self.form.draft
        faults, hints = form.problems, draft.hints(form.known)
        self.filling = True
        try:
            for name, field in self.fields.items():
                if field.value != getattr(draft, name):
                    field.value = getattr(draft, name)
        finally:
            self.filling = False
        self.fields["text"].description = _TEXT_LABELS.get(draft.kind, _LABELS["text"])
        for name, field in self.fields.items():
            shown = None if name in draft.asked else "none"
            field.layout.display = shown
            said = self.faults[name]
            said.value = _told(faults.get(name, ""), hints.get(name, ""))
            said.layout.display = shown if said.value else "none"
        self._offer(draft)
        may = not faults and form.writes
        self.buttons["save"].disabled = self.buttons["propose"].disabled = not may
        self.buttons["undo"].disabled = not (form.written and form.writes)
        told = form.said or faults.get("author", "")
        if not told:
            told = f"{len(faults)} to mend before it can be written." if faults else "Ready."
        self.status.value = stage.status(told)
        self._preview(draft, faults)

    def _offer(self, draft: Draft) -> None:
        w = stage.ipywidgets()
        names = draft.suggestions(self.form.known)
        if names == [button.description for button in self.offers.children[1:]]:
            return
        made = [w.Label("Known:")] if names else []
        for name in names:
            button = w.Button(
                description=name,
                tooltip=f"Add the domain {name}",
                layout=w.Layout(width="auto"),
            )
            button.add_class("patina-offer")
            button.on_click(lambda _, name=name: self._add(name))
            made.append(button)
        self.offers.children = made

    def _add(self, name: str) -> None:
        self.form.typed(self.form.draft.with_domain(name))

    def _preview(self, draft: Draft, faults: dict[str, str]) -> None:
        shared = self.as_file.value
        self.code.value = f"<h4>As code</h4>{stage.pre(draft.code(propose=shared), 'As code')}"
        if faults:
            self.file.value = "<h4>The file</h4><p>It appears when nothing is left to mend.</p>"
            return
        try:
            stamp = self.form.stamp(shared=shared)
            path, text = draft.file(stamp)
            last = self._last()
            diff = draft.diff(stamp, last)
        except PatinaError as err:
            self.file.value = f"<h4>The file</h4><p>{html.escape(str(err))}</p>"
            return
        self.file.value = (
            f"<h4>{html.escape(path)}</h4>{stage.pre(text, 'The event file')}"
            f"<h4>{'Beside the last one' if last else 'As git will show it'}</h4>"
            f"{stage.pre(diff, 'The change, as git shows it')}"
        )

    def _last(self) -> tuple[str, str] | None:
        """Return path and text of the event file that this form wrote last."""
        if not self.form.written:
            return None
        last = self.form.written[-1]
        text = to_bytes(last.event, last.sequence).decode()
        return str(last.event.source_file), text


def _said(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return a payload without the note that it came from."""
    return {k: v for k, v in payload.items() if k not in ("source_type", "source_id")}


_TEXT_LABELS = {
    "observation": "What you observed",
    "decision": "What was decided",
    "pattern": "What comes back",
}


def _told(fault: str, hint: str) -> str:
    if fault:
        return f'<div role="status" class="patina-fault">⚠ {html.escape(fault)}</div>'
    return f'<div class="patina-hint">{html.escape(hint)}</div>' if hint else ""


def _now() -> datetime:
    return moment(None).astimezone(UTC)


def _files(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def _domains(repository: Repository) -> list[str]:
    """Return the domains of the project: those declared, then those in use, by name."""
    try:
        known = declared(repository)
    except PatinaError:
        known = []
    used: set[str] = set()
    for events in (_shared(repository), read_local(repository)[0]):
        for found in events:
            named = found.event.data.get("domains")
            if isinstance(named, list):
                used.update(name.casefold() for name in named if isinstance(name, str))
    return [*known, *sorted(used - set(known))]


def _shared(repository: Repository) -> list[Found]:
    try:
        return read_shared(repository)[0]
    except PatinaError:  # no commit yet
        return []
