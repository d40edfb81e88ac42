"""The gallery: one chart a projection, of the same name, as ``pt.plot``.

=====================  ======================================  ==============================
chart                  draws                                   the table it takes
=====================  ======================================  ==============================
``event_counts``       how many events of each type            ``lab.log.by_type()``
``activity``           events over time                        ``lab.project(pt.activity)``
``calendar``           which days or months were busy          ``lab.project(pt.activity)``
``hotspots``           where change gathers, by folder         ``lab.project(pt.hotspots)``
``hotspots_bars``      the files changed most                  ``lab.project(pt.hotspots)``
``function_hotspots``  complicated functions in busy files     the projection of that name
``co_changes``         which files change together; ``kind=``  the projection of that name
                       heatmap, arc, bundle, network
``import_coupling``    the same, beside the imports            the projection of that name
``author_expertise``   who knows which folders or files        the projection of that name
``truck_factor``       how many people hold the files          the projection of that name
``collaboration``      who works on the same files             the projection of that name
``ownership``          whose changes, period by period         the projection of that name
``churn``              lines that came and went                the projection of that name
``file_identity``      the names that files had                the projection of that name
``session_commits``    when in a session commits were made     the projection of that name
``decision_context``   decisions and what came before          the projection of that name
``terms``              what decisions speak of                 the projection of that name
``causality``          commits around each decision            the projection of that name
``causality_lags``     how long after, beside chance           the projection of that name
``causality_null``     how many, beside chance                 the projection of that name
``difference``         what entered, left, changed             ``pt.difference(a, b)``
``beliefs``            how firmly beliefs are held            ``lab.form_beliefs().df()``
``belief_evolution``   how one of them moved                  ``….evolution(belief)``
``belief_agreement``   two rule sets, belief by belief        ``pt.compare_rules(…).held()``
``belief_calibration`` confidence beside frequency            ``….calibration()``
``belief_churn``       beliefs that come and go               ``….churn()``
``as_of``              a state at several moments, a slider    ``{t: table, …}``
=====================  ======================================  ==============================

Each is a function from a table to an Altair chart and shows nothing by itself: end a cell
with it, ``.save("chart.svg")`` it, or lay two side by side with ``|``.  Each checks its
columns, draws a bounded number of marks and says what it left out, says in words when there
is nothing to draw, tells its numbers in a description for readers who do not see it, and
never lets colour alone carry a meaning.  ``table(chart)`` gives what is drawn as a table.
A chart is one file in this folder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from patina_lab.views.activity import activity
from patina_lab.views.as_of import as_of
from patina_lab.views.author_expertise import author_expertise
from patina_lab.views.beliefs import (
    belief_agreement,
    belief_calibration,
    belief_churn,
    belief_evolution,
    beliefs,
)
from patina_lab.views.calendar import calendar
from patina_lab.views.causality import causality, causality_lags, causality_null
from patina_lab.views.churn import churn
from patina_lab.views.co_changes import co_changes
from patina_lab.views.collaboration import collaboration
from patina_lab.views.decision_context import decision_context
from patina_lab.views.difference import difference
from patina_lab.views.event_counts import event_counts
from patina_lab.views.file_identity import file_identity
from patina_lab.views.function_hotspots import function_hotspots
from patina_lab.views.hotspots import hotspots, hotspots_bars
from patina_lab.views.import_coupling import import_coupling
from patina_lab.views.numbers import numbers
from patina_lab.views.ownership import ownership
from patina_lab.views.session_commits import session_commits
from patina_lab.views.terms import terms
from patina_lab.views.truck_factor import truck_factor

if TYPE_CHECKING:
    import pandas as pd

    from patina_lab.views.chart import Chart

__all__ = [
    "activity",
    "as_of",
    "author_expertise",
    "belief_agreement",
    "belief_calibration",
    "belief_churn",
    "belief_evolution",
    "beliefs",
    "calendar",
    "causality",
    "causality_lags",
    "causality_null",
    "churn",
    "co_changes",
    "collaboration",
    "decision_context",
    "difference",
    "event_counts",
    "file_identity",
    "function_hotspots",
    "hotspots",
    "hotspots_bars",
    "import_coupling",
    "ownership",
    "session_commits",
    "table",
    "terms",
    "truck_factor",
]


def table(drawn: Chart) -> pd.DataFrame:
    """Return what a chart draws, as a table: the facts of its tooltips, a row a mark.

    Parameters
    ----------
    drawn : altair.Chart or altair.LayerChart

    Returns
    -------
    DataFrame
        Empty when the chart says that there is nothing to draw.
    """
    import pandas as pd

    return pd.DataFrame(numbers(drawn.to_dict()))
