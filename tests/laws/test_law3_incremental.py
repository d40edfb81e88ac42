"""Law 3, incremental = rebuild: how a log came about cannot be told from its rows."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from history import (
    HOUR,
    NOON,
    Amend,
    Commit,
    Delete,
    Fetch,
    Merge,
    Partial,
    Rebase,
    Reset,
    Shallow,
    Side,
    Tag,
    Unshallow,
    Untag,
    commits,
    history,
    operations,
    temporary_home,
)
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)
from tables import assert_same, file_of, patched, read, scraped

import patina_lab as pt
from patina_lab.eventlog import build
from patina_lab.eventlog.times import Moment

GROWTH = build.GROWTH
UNTIL = st.sampled_from([None, None, None, "2025-03-01T12:00:00Z", "2025-03-01", "2100-01-01"])


def counted(log: Path) -> Counter[tuple]:
    """Count the events of a log by all that they say, but for their rank."""
    return Counter(row[1:] for row in read(log)["eventlog"])


class Refreshed(RuleBasedStateMachine):
    """A repository to which things happen, and a log that is refreshed now and then."""

    def __init__(self) -> None:
        super().__init__()
        self._context = history()
        self.h = self._context.__enter__()
        self._home = temporary_home()
        self.home = self._home.__enter__()
        self.options: dict[str, object] = {}

    @initialize(first=commits())
    def begin(self, first: Commit) -> None:
        """Give the repository a commit, and a log."""
        first.apply(self.h)
        self.check()

    @rule(happened=st.lists(operations(), min_size=1, max_size=4))
    def refresh(self, happened: list) -> None:
        """Things happen, and the log is refreshed."""
        self.h.do(happened)
        self.check()

    @rule(
        lines=st.booleans(),
        until=UNTIL,
        merges=st.sampled_from(["none", "none", "combined", "first-parent"]),
    )
    def choose(self, lines: bool, until: Moment | None, merges: str) -> None:
        """Ask for something else from now on."""
        self.options = {"lines": lines, "until": until, "merges": merges}

    @rule(growth=st.sampled_from([0.0, math.inf]))
    def outgrow(self, growth: float) -> None:
        """Write the whole file each time from now on, or extend it each time."""
        build.GROWTH = growth

    def check(self) -> None:
        """Compare the refreshed log with one that is built from nothing, row for row."""
        if not self.h.tip:
            return
        lab = pt.open(self.h.repo.path, home=self.home)
        last = lab.store.manifest()
        before = counted(file_of(lab)) if last else Counter()
        result = lab.scrape(progress=False, **self.options)
        after = counted(file_of(lab))
        assert result.added == (after - before).total()
        assert result.removed == (before - after).total()
        with temporary_home() as elsewhere:
            assert_same(read(file_of(lab)), scraped(self.h.repo.path, elsewhere, **self.options))
        left = {p.name for p in lab.store.folder.iterdir()}
        manifest = lab.store.manifest()
        assert manifest is not None
        assert left == {"current.json", "scrape.lock", manifest.file}
        assert lab.scrape(progress=False, **self.options).how == "unchanged"

    def teardown(self) -> None:
        """Remove both."""
        build.GROWTH = GROWTH
        self._home.__exit__(None, None, None)
        self._context.__exit__(None, None, None)


def follow(*steps: list) -> None:
    """Run the machine's own steps, one refresh each."""
    machine = Refreshed()
    try:
        machine.begin(steps[0][0])
        for step in [steps[0][1:], *steps[1:]]:
            machine.refresh(step)
    finally:
        machine.teardown()


@pytest.mark.slow
def test_incremental_equals_rebuild_after_whatever_happens() -> None:
    """Append, merge, revert, amend, rename, rebase, reset, tags, shallow, missing blobs."""
    half = settings(max_examples=max(settings.default.max_examples // 2, 1))
    run_state_machine_as_test(Refreshed, settings=half)


def work(n: int, *, path: bytes = b"a.py", at: int = 0) -> Commit:
    """Return a small commit that no other one equals."""
    return Commit(((path, "100644", b"%d\n" % n * n),), at=NOON + at * HOUR)


BROKEN = Commit(((b".patina/shared/events/x.json", "100644", b"{"),))

CASES = {
    "force-push": [[work(1), work(2)], [Reset(1), work(3)]],
    "amend": [[work(1), work(2)], [Amend(b"Better")]],
    "a merge brings older commits": [
        [work(1), Side("topic", 0, work(2, path=b"b.py", at=-9)), work(3)],
        [Merge((0,))],
    ],
    "rebase": [[work(1), Side("topic", 0, work(2, path=b"b.py")), work(3)], [Rebase(0)]],
    "tags": [[work(1), Tag("v1")], [Tag("v2"), Untag(0)], [Untag(0)]],
    "broken file stays": [[work(1), BROKEN], [work(2)]],
    "broken file goes": [[work(1), BROKEN], [Delete(0, prefix=b".patina")]],
    "shallow": [[work(1), work(2), work(3), Shallow(1)], [work(4)], [Unshallow()]],
    "shallower": [[work(1), work(2), work(3)], [Shallow(0)], [work(4)], [Shallow(1)]],
    "missing blob": [[work(1), Partial(b"a.py")], [work(2)], [Fetch()]],
    "a first name": [[work(1)], [replace(work(2, at=1), author=b"a <a>")]],
    "an old child": [[work(1), work(2, at=5), work(3, at=-5)], [work(4, at=4)]],
}


@pytest.mark.parametrize("growth", [0.0, math.inf], ids=["written whole", "extended"])
@pytest.mark.parametrize("steps", CASES.values(), ids=CASES)
def test_incremental_equals_rebuild(steps: list, growth: float) -> None:
    """The cases that a log most often gets wrong, each by name."""
    with patched((build, "GROWTH", growth)):
        follow(*steps)


def test_a_log_that_has_outgrown_itself_is_written_whole(tmp_path: Path) -> None:
    """Each refresh leaves some room unused in the file; the file stays in bounds."""
    with history() as h:
        lab = pt.open(h.repo.path, home=tmp_path)
        said = []
        for n in range(24):
            work(n, at=n).apply(h)
            lab.scrape(progress=False)
            manifest = lab.store.manifest()
            assert manifest is not None
            said.append((manifest.size, manifest.whole_size))
    assert sum(size == whole for size, whole in said[1:]) in range(1, len(said) // 2)
    assert all(size < 2.5 * whole for size, whole in said)


def _keeps_orphans(self, last, have):
    new, _, known = _DIFFERENCE(self, last, have)
    return new, set(), known


_DIFFERENCE = build._Scrape._difference
_SQL = build._sql


def _defect(old: str, new: str) -> Callable[[str], str]:
    """Return the SQL scripts with one phrase of them replaced."""

    def script(name: str) -> str:
        return _SQL(name).replace(old, new)

    return script


# Parents keep the rank that they had in the last log.
_old_ranks = _defect("ELSE coalesce(q.seq, s.seq) END AS parent", "ELSE p.parent END AS parent")
# New events are taken to come last.
_appends = _defect("(SELECT min(e.seq)\n", "(SELECT NULL::BIGINT + min(e.seq)\n")
# Authors keep the number that they had in the last log.
_old_authors = _defect("WHERE was <> author_id", "WHERE false")
# What comes before the first difference is not looked at any more.
_old_children = _defect("p.seq >= getvariable('first_child')", "p.seq >= getvariable('first')")


def _forgets_problems(name: str) -> str:
    text = _SQL(name)
    start = text.find("INSERT INTO new_problem")
    return text if start < 0 else text[:start] + text[text.index("INSERT INTO new_cov") :]


@pytest.mark.parametrize(
    ("defect", "case"),
    [
        pytest.param((build._Scrape, "_difference", _keeps_orphans), "force-push", id="orphans"),
        pytest.param((build, "_sql", _old_ranks), "a merge brings older commits", id="ranks"),
        pytest.param((build, "_sql", _appends), "a merge brings older commits", id="appends"),
        pytest.param((build, "_sql", _old_authors), "a first name", id="ids"),
        pytest.param((build, "_sql", _old_children), "an old child", id="children"),
        pytest.param((build, "_sql", _forgets_problems), "broken file stays", id="problems"),
    ],
)
def test_control_a_broken_refresh_is_caught(defect: tuple, case: str) -> None:
    """The same check falsifies a refresh that keeps orphans, old ranks, or no problems."""
    extended = (build, "GROWTH", math.inf)
    with patched(defect, extended), pytest.raises(AssertionError):
        follow(*CASES[case])
