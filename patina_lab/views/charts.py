"""The gallery: one chart a projection, of the same name, as ``pt.plot``.

===================  ========================================  =========================
chart                draws                                     the table it takes
===================  ========================================  =========================
``event_counts``     how many events of each type              ``lab.log.by_type()``
``activity``         events over time                          ``lab.project(pt.activity)``
``calendar``         which days or months were busy            ``lab.project(pt.activity)``
``hotspots``         where change gathers, by folder           ``lab.project(pt.hotspots)``
``hotspots_bars``    the files changed most                    ``lab.project(pt.hotspots)``
``co_changes``       which files change together               ``lab.project(pt.co_changes)``
===================  ========================================  =========================

Each is a function from a table to an Altair chart and shows nothing by itself: end a cell
with it, ``.save("chart.svg")`` it, or lay two side by side with ``|``.  Each checks its
columns, says in words when there is nothing to draw, tells its numbers in a description
for readers who do not see it, and never lets colour alone carry a meaning.  A chart is
one file in this folder.
"""

from __future__ import annotations

from patina_lab.views.activity import activity
from patina_lab.views.calendar import calendar
from patina_lab.views.co_changes import co_changes
from patina_lab.views.event_counts import event_counts
from patina_lab.views.hotspots import hotspots, hotspots_bars

__all__ = ["activity", "calendar", "co_changes", "event_counts", "hotspots", "hotspots_bars"]
