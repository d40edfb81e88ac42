"""Law 4 as a gate: a benchmark of beliefs that has seen its answers is refused.

A log whose slices are honest passes by itself.  This is for everything that is put in their
place: a reader over one's own files, an embedder that was fitted on all texts, a calibration
whose window reaches into the test.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from patina_lab.errors import CheckFailed
from patina_lab.events.identity import instant

if TYPE_CHECKING:
    from patina_lab.beliefs.observed import Observed
    from patina_lab.beliefs.pipeline import Pipeline


def refuse_leak(
    pipeline: Pipeline, cut_us: int, *, fit_us: int | None = None, window_us: int = 0
) -> None:
    """Raise where what is formed as of a cut knows something of what came after it.

    Parameters
    ----------
    pipeline : Pipeline
    cut_us : int
        Microseconds since 1970.
    fit_us, window_us : int
        As of when something was learned, and how long after it was looked at the outcome.

    Raises
    ------
    CheckFailed
        One of: what was learned from had not ended by the cut; the past has observations of
        the future; an observation reads otherwise now than it read then; the facts where the
        future exists differ from those where it does not.  (Rules see nothing but facts.)
    """
    if fit_us is not None and fit_us + window_us > cut_us:
        raise CheckFailed(
            f"What is learned as of {instant(fit_us)} is judged until "
            f"{instant(fit_us + window_us)}, which is after the cut at {instant(cut_us)}: "
            "the answers would be in it.",
            "Learn one window before the cut, or earlier.",
        )
    then, whole = pipeline.observed(cut_us), pipeline.observed()
    _refuse_future(then, cut_us)
    _refuse_rewriting(then, whole, cut_us)
    _refuse_difference(pipeline, cut_us)


def _refuse_future(then: Observed, cut_us: int) -> None:
    for one in then.observations:
        if one.occurred_us >= cut_us:
            raise CheckFailed(
                f"What was observed before {instant(cut_us)} has an observation of "
                f"{instant(one.occurred_us)} ({one.event_id[:12]}).",
                "The reader must leave out what happened from its moment on.",
            )
    if then.end_us > cut_us:
        raise CheckFailed(
            f"The slice before {instant(cut_us)} says that it ends at {instant(then.end_us)}: "
            "ages would be counted from the future.",
            "The reader must end where it was told to.",
        )


def _refuse_rewriting(then: Observed, whole: Observed, cut_us: int) -> None:
    now = {one.event_id: one for one in whole.observations}
    for one in then.observations:
        if now.get(one.event_id, one) != one:
            raise CheckFailed(
                f"The observation {one.event_id[:12]} of {instant(one.occurred_us)} reads "
                f"otherwise as of {instant(cut_us)} than it reads now.",
                "What is written on an event must not depend on what came later.",
            )
    gone = {one.event_id for one in then.observations}
    for one in whole.observations:
        if one.occurred_us < cut_us and one.event_id not in gone:
            raise CheckFailed(
                f"The observation {one.event_id[:12]} of {instant(one.occurred_us)} is left out "
                f"as of {instant(cut_us)}: who chose it knew what came later.",
                "A slice has all that happened before its end.",
            )


def _refuse_difference(pipeline: Pipeline, cut_us: int) -> None:
    """Make the facts once more where nothing of the future can be asked for."""
    read = pipeline.read
    alone = replace(
        pipeline,
        read=lambda end_us: read(cut_us if end_us is None else min(end_us, cut_us)),
        _kept={},
    )
    known, unknowing = pipeline.ground(cut_us).facts, alone.ground().facts
    if known != unknowing:
        raise CheckFailed(
            f"As of {instant(cut_us)} the facts with the future in reach "
            f"({known.digest[:12]}) are not those without it ({unknowing.digest[:12]}).",
            "Look at the embedder: a vector may depend on nothing but its text.",
        )
