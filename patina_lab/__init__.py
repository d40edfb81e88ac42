"""patina_lab: the event-sourced knowledge of a software project, in a notebook.

One rule: *a projection is a function from a slice of the log to a table.*  A source makes
events, a store keeps them, a slice chooses them, a projection reads them.

::

    events/       what happened               pure values
    sources/      where events come from      git, session notes, event files, code
    eventlog/     where they are kept         build, slices, digest, export
    projections/  what the log means          functions from relations to a table
    project/      whose log it is             places, notes, proposals, what is known
    personas/     across projects             registry, copies, domains
    beliefs/      what we think               embeddings, clusters, rules, their comparison
    search/       what we find                by words and by meaning
    views/        how it looks                charts and their renderer
    reports/      papermill runs, HTML
    lab           what a notebook opens
    cli           the command patina-lab

>>> import patina_lab as pt
>>> lab = pt.open(".")            # doctest: +SKIP
>>> lab.scrape()                  # doctest: +SKIP
>>> lab.log.where("git.commit").head()   # doctest: +SKIP

Names are loaded when first used (PEP 562), so the import itself costs milliseconds.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "open": "patina_lab.lab",
    "Lab": "patina_lab.lab",
    "Persona": "patina_lab.personas.persona",
    "Event": "patina_lab.events.event",
    "Eventlog": "patina_lab.eventlog.eventlog",
    "Slice": "patina_lab.eventlog.slice",
    "Rel": "patina_lab.projections.rel",
    "projection": "patina_lab.projections.projection",
    "activity": "patina_lab.projections.activity",
    "author_expertise": "patina_lab.projections.author_expertise",
    "causality": "patina_lab.projections.causality",
    "co_changes": "patina_lab.projections.co_changes",
    "compare_rules": "patina_lab.beliefs.compare",
    "collaboration": "patina_lab.projections.collaboration",
    "decision_context": "patina_lab.projections.decision_context",
    "difference": "patina_lab.projections.difference",
    "evaluate": "patina_lab.projections.evaluation",
    "hotspots": "patina_lab.projections.hotspots",
    "function_hotspots": "patina_lab.projections.function_hotspots",
    "import_coupling": "patina_lab.projections.import_coupling",
    "plot": "patina_lab.views.charts",
    "ObserveForm": "patina_lab.views.widgets.observe_form",
    "EventBrowser": "patina_lab.views.widgets.event_browser",
    "TimeSlider": "patina_lab.views.widgets.time_slider",
    "errors": "patina_lab.errors",
}
_MODULES = {"plot", "errors"}

__all__ = [  # noqa: RUF022 - read in the order in which a notebook meets them
    "open",
    "Lab",
    "Persona",
    "Event",
    "Eventlog",
    "Slice",
    "Rel",
    "projection",
    "activity",
    "author_expertise",
    "causality",
    "co_changes",
    "compare_rules",
    "collaboration",
    "decision_context",
    "difference",
    "hotspots",
    "evaluate",
    "function_hotspots",
    "import_coupling",
    "plot",
    "ObserveForm",
    "EventBrowser",
    "TimeSlider",
    "errors",
]

if TYPE_CHECKING:
    from patina_lab import errors as errors
    from patina_lab.beliefs.compare import compare_rules as compare_rules
    from patina_lab.eventlog.eventlog import Eventlog as Eventlog
    from patina_lab.eventlog.slice import Slice as Slice
    from patina_lab.events.event import Event as Event
    from patina_lab.lab import Lab as Lab
    from patina_lab.lab import open as open
    from patina_lab.personas.persona import Persona as Persona
    from patina_lab.projections.activity import activity as activity
    from patina_lab.projections.author_expertise import author_expertise as author_expertise
    from patina_lab.projections.causality import causality as causality
    from patina_lab.projections.co_changes import co_changes as co_changes
    from patina_lab.projections.collaboration import collaboration as collaboration
    from patina_lab.projections.decision_context import decision_context as decision_context
    from patina_lab.projections.difference import difference as difference
    from patina_lab.projections.evaluation import evaluate as evaluate
    from patina_lab.projections.function_hotspots import function_hotspots as function_hotspots
    from patina_lab.projections.hotspots import hotspots as hotspots
    from patina_lab.projections.import_coupling import import_coupling as import_coupling
    from patina_lab.projections.projection import projection as projection
    from patina_lab.projections.rel import Rel as Rel
    from patina_lab.views import charts as plot
    from patina_lab.views.widgets.event_browser import EventBrowser as EventBrowser
    from patina_lab.views.widgets.observe_form import ObserveForm as ObserveForm
    from patina_lab.views.widgets.time_slider import TimeSlider as TimeSlider


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'patina_lab' has no attribute {name!r}")
    module = importlib.import_module(_HOME[name])
    value = module if name in _MODULES else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
