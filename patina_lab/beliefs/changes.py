"""Changes: what is believed now that was not believed then, and the other way round."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patina_lab.beliefs.claims import held, match
from patina_lab.beliefs.history import NEWS

if TYPE_CHECKING:
    import pandas as pd

    from patina_lab.beliefs.formation import Belief, Beliefs

WHAT = ("new", "lost", "firmer", "weaker", "same")


def changes(before: Beliefs, now: Beliefs) -> pd.DataFrame:
    """Compare the beliefs of two slices.

    A belief is the same as one before if it is about the same cluster, or if the two have at
    least half of the smaller one's members in common: what it says may have found better words.

    Parameters
    ----------
    before, now : Beliefs

    Returns
    -------
    pandas.DataFrame
        ``what`` (new, lost, firmer, weaker, same), ``belief`` (as it reads now, or read
        last), ``before, now`` (confidence 0..1, null where it is not held), ``evidence``
        (count, now or last), ``id``; in the order of `WHAT`, the firmest first.  A confidence
        that moved by less than `patina_lab.beliefs.history.NEWS` is the same.
    """
    import pandas as pd

    of_before = {belief.candidate: belief for belief in before}
    of_now = {belief.candidate: belief for belief in now}
    was = held(before.ground, of_before)
    are = held(now.ground, of_now)
    same = match(was, are)
    pairs: list[tuple[Belief | None, Belief | None]] = [
        (
            of_before[claim.candidate] if claim.candidate else None,
            of_now[are[same[n]].candidate] if n in same else None,  # type: ignore[index]
        )
        for n, claim in enumerate(was)
    ]
    known = {*same.values()}
    pairs += [
        (None, of_now[claim.candidate])
        for m, claim in enumerate(are)
        if m not in known and claim.candidate
    ]
    rows = []
    for then, this in pairs:
        one = this or then
        assert one is not None
        rows.append(
            (
                _what(then, this),
                one.content,
                then.confidence if then else None,
                this.confidence if this else None,
                len(one.evidence),
                one.id,
            )
        )
    rows.sort(key=lambda row: (WHAT.index(row[0]), -(row[3] or row[2] or 0), row[5]))
    columns = ["what", "belief", "before", "now", "evidence", "id"]
    table = pd.DataFrame(rows, columns=columns)
    return table.astype({"before": "float64", "now": "float64"})


def _what(then: Belief | None, this: Belief | None) -> str:
    if then is None:
        return "new"
    if this is None:
        return "lost"
    moved = this.confidence - then.confidence
    return "same" if abs(moved) < NEWS else "firmer" if moved > 0 else "weaker"
