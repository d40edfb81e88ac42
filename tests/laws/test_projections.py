"""Laws 3, 4 and 6 for every registered projection, over histories that Hypothesis makes.

Law 3: a kept table that was brought up to date equals one that is computed anew.
Law 4: what happens after a moment changes no table as of it.
Law 6: each row names its events; without them it would not be there as it is.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from history import NOON, Commit, Operation, Reset, histories, history, operations, temporary_home
from hypothesis import given, settings
from hypothesis import strategies as st
from tables import patched
from test_law4_no_future import LATE, MOMENTS, text

import patina_lab as pt
from patina_lab.eventlog import materialize as m
from patina_lab.projections import registry
from patina_lab.projections.projection import Projection
from patina_lab.projections.rel import Rel

FEW = settings(max_examples=max(settings.default.max_examples // 3, 1))
CODE = "def f(x):\n    return x if x else 0\n"
DECISION = json.dumps(
    {
        "event_id": "evt_001",
        "event_type": "decision_made",
        "timestamp": "2025-03-01T12:30:00Z",
        "author": "ann",
        "payload": {"decision": "Keep b.py"},
    }
).encode()
NOTE = b"# S\n**Started**: 2025-03-01T12:00:00Z\n\n## Goals\n- [x] ship\n"
WORK = [
    Commit(((b"a.py", "100644", b"import b\n" + CODE.encode()), (b"b.py", "100644", b"x = 1\n"))),
    Commit(((b"a.py", "100644", CODE.encode()), (b"b.py", "100644", b"x = 2\n")), b"bo <b@x>"),
    Commit(
        ((b".patina/shared/events/d.json", "100644", DECISION), (b"a.py", "100644", b"import b\n")),
        at=NOON + 3600,
    ),
    Commit(((b"c.py", "100644", CODE.encode()),), at=NOON + 7200),
    Commit(((b"layer/sessions/n.md", "100644", NOTE),), at=NOON + 10800),
]
"""Enough for every projection to have a row."""


def scraped(h: Any, home: str, *, code: bool = True) -> pt.Lab:
    lab = pt.open(h.repo.path, home=home)
    lab.scrape(code=code, progress=False)
    return lab


def rows(lab: pt.Lab, projection: Projection, **params: Any) -> list[str]:
    """Return a table as texts, one a row, in its order."""
    table = projection(lab.log, **params).arrow()
    return [repr(list(row.items())) for row in table.to_pylist()]


LOOSE: dict[str, dict[str, Any]] = {
    "co_changes": {"min_count": 1},
    "import_coupling": {"min_count": 1, "hidden": False},
    "causality": {"days_before": 7},
    "causality_null": {"shifts": 9, "days_after": 0.01},
    "causality_lags": {"shifts": 9, "bins": 2, "days_after": 0.01},
}
"""Parameters under which small histories have rows."""


# -- law 3 ------------------------------------------------------------------------------


def incremental_equals_rebuild(drawn: tuple[list[Operation], list[list[Operation]]]) -> None:
    before, steps = drawn
    with history(before) as h, temporary_home() as home, tempfile.TemporaryDirectory() as kept:
        for step in [[], *steps]:
            h.do(step)
            lab = scraped(h, home)
            for projection in registry.every():
                params = LOOSE.get(projection.name, {})
                made = m.materialize(lab.log, projection, Path(kept), **params).rel.arrow()
                told = [repr(list(row.items())) for row in made.to_pylist()]
                assert told == rows(lab, projection, **params), projection.name


HISTORIES_AND_MORE = st.tuples(
    histories(max_size=5, damaged=False),
    st.lists(st.lists(operations(damaged=False), min_size=1, max_size=3), min_size=1, max_size=2),
)


@FEW
@given(HISTORIES_AND_MORE)
def test_law_3_a_kept_table_equals_one_computed_anew(drawn) -> None:
    incremental_equals_rebuild(drawn)


def _nothing_goes(kept: Path, log: Any) -> Any:
    return *_DIFFERENCE(kept, log)[:2], False


_DIFFERENCE = m._difference


def test_control_a_table_that_forgets_nothing_is_caught() -> None:
    """The same check falsifies an update that keeps what a rewritten history lost."""
    rewritten = (WORK[:2], [[Reset(1), *WORK[2:]]])
    incremental_equals_rebuild(rewritten)
    with patched((m, "_difference", _nothing_goes)), pytest.raises(AssertionError):
        incremental_equals_rebuild(rewritten)


# -- law 4 ------------------------------------------------------------------------------


def the_future_changes_nothing(
    before: list[Operation], after: list[Any], moment: int, every: list[Projection]
) -> None:
    # Code is what the tree says: once a file has changed, its old functions are known no more.
    code = not any(getattr(late, "kind", "") == "merge" for late in after)
    with history([*WORK, *before]) as h, temporary_home() as home:
        lab = scraped(h, home, code=code).as_of(text(moment))
        then = {p.name: rows(lab, p, **LOOSE.get(p.name, {})) for p in every}
        h.do(after)
        lab = scraped(h, home, code=code).as_of(text(moment))
        for p in every:
            assert then[p.name] == rows(lab, p, **LOOSE.get(p.name, {})), p.name


@FEW
@given(before=histories(max_size=4, damaged=False), after=LATE, moment=MOMENTS)
def test_law_4_no_projection_sees_the_future(before, after, moment) -> None:
    """Not one of them: no total, no rank, no identity, no shift."""
    the_future_changes_nothing(before, after, moment, list(registry.every()))


def test_control_a_projection_that_looks_ahead_is_caught() -> None:
    """The same check finds a share of all commits, those of the future too."""

    @pt.projection
    def leaky(touches):
        everything = Rel("SELECT count(*) AS n FROM log.main.touch", "whole", touches.engine)
        return touches.query(
            "SELECT path, 1.0 / (SELECT n FROM whole) AS share FROM touches ORDER BY 1",
            whole=everything,
        )

    late = [Commit(((b"late.py", "100644", b"1\n"),), at=NOON + 10**6)]
    the_future_changes_nothing([], late, NOON + 7200, [pt.hotspots])
    with pytest.raises(AssertionError, match="leaky"):
        the_future_changes_nothing([], late, NOON + 7200, [leaky])


# -- law 6 ------------------------------------------------------------------------------


def every_row_needs_its_events(lab: pt.Lab, projection: Projection, most: int = 4) -> int:
    """Leave out the events that a row names: it must be gone, or another.  Return how many."""
    params = LOOSE.get(projection.name, {})
    table = projection(lab.log, **params).arrow()
    everything = lab.log.rel().query("SELECT seq FROM this").arrow().column("seq").to_pylist()
    step = max(len(table) // most, 1)
    for row in table.to_pylist()[::step]:
        named = lab.evidence(projection, row, **params).slice.seqs
        assert named, (projection.name, row)
        assert set(named) <= set(everything), projection.name
        others = tuple(seq for seq in everything if seq not in set(named))
        without = replace(lab, slice=replace(lab.slice, seqs=others))
        assert repr(list(row.items())) not in rows(without, projection, **params), projection.name
    return len(table)


@FEW
@given(histories(max_size=5, damaged=False))
def test_law_6_every_row_names_the_events_it_needs(operations) -> None:
    with history([*WORK, *operations]) as h, temporary_home() as home:
        lab = scraped(h, home)
        for projection in registry.every():
            every_row_needs_its_events(lab, projection, most=3)


def test_law_6_is_asked_of_every_projection() -> None:
    """None of them is without a row to ask."""
    with history(WORK) as h, temporary_home() as home:
        lab = scraped(h, home)
        for projection in registry.every():
            assert every_row_needs_its_events(lab, projection), projection.name


def test_law_6_holds_under_other_parameters(tmp_path: Path) -> None:
    """Days instead of commits, years instead of months."""
    with history([*WORK, *WORK]) as h, temporary_home() as home:
        lab = scraped(h, home)
        for name, params in (
            ("co_changes", {"by": "day", "min_count": 1}),
            ("co_changes", {"by": "author_day", "min_count": 1, "max_files": None}),
            ("churn", {"period": "year"}),
            ("ownership", {"period": "week"}),
        ):
            with _Chosen(name, params):
                assert every_row_needs_its_events(lab, registry.find(name))


class _Chosen:
    """Parameters for a while."""

    def __init__(self, name: str, params: dict[str, Any]) -> None:
        self.name, self.params = name, params

    def __enter__(self) -> None:
        self.before = LOOSE.get(self.name)
        LOOSE[self.name] = self.params

    def __exit__(self, *_: object) -> None:
        if self.before is None:
            del LOOSE[self.name]
        else:
            LOOSE[self.name] = self.before


def _first(row: Any, params: Any) -> str:
    return "SELECT min(seq) AS seq FROM eventlog"


@pytest.mark.parametrize("name", ["hotspots", "author_expertise", "terms"])
def test_control_a_row_that_names_other_events_is_caught(name: str) -> None:
    """The same check finds evidence that has nothing to do with the row."""
    other = Commit(((b"README.md", "100644", b"1\n"),), b"zo <z@x>", NOON - 3600)
    with history([other, *WORK]) as h, temporary_home() as home:
        lab = scraped(h, home)
        right = registry.find(name)
        assert every_row_needs_its_events(lab, right)
        with pytest.raises(AssertionError, match=name):
            every_row_needs_its_events(lab, replace(right, evidence=_first))


def test_every_registered_projection_says_its_evidence() -> None:
    without = [p.name for p in registry.every() if p.evidence is None]
    assert without == []
