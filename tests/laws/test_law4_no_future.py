"""Law 4, a slice never sees the future: what happens after t changes nothing as of t."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from history import (
    HOUR,
    NOON,
    Amend,
    Commit,
    Delete,
    History,
    Merge,
    Operation,
    Rebase,
    Reset,
    Shallow,
    Side,
    Tag,
    Unshallow,
    Untag,
    histories,
    history,
    operations,
    temporary_home,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from tables import assert_same, file_of, patched, read, scraped

import patina_lab as pt
from patina_lab.eventlog import build, relations
from patina_lab.eventlog.slice import Slice

WHOLE_LOG = ("quarantine", "coverage", "source_files", "scrape_meta")
"""Relations without a time: they tell how the log was made, over no slice."""

HALF = settings(max_examples=max(settings.default.max_examples // 2, 1))

MOMENTS = st.integers(-7, 6).map(lambda hours: NOON + hours * HOUR + HOUR // 2)


def text(seconds: int) -> str:
    """Write seconds since 1970 as a timestamp."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()


# -- after t ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Late:
    """What happens after t: code, notes and event files that were not there, and a merge."""

    number: int
    at: int
    kind: str

    def apply(self, h: History) -> None:
        """Append."""
        when = text(self.at)
        path, content = {
            "code": (b"late.py", b"x\n" * (self.number + 1)),
            "note": (
                b"layer/sessions/late-%d.md" % self.number,
                f"# Late\n**Started**: {when}\n\n## Goals\n- [x] later\n".encode(),
            ),
            "event": (
                b".patina/shared/events/late-%d.json" % self.number,
                json.dumps(
                    {
                        "event_id": "evt_001",
                        "event_type": "decision_made",
                        "timestamp": when,
                        "payload": {"decision": "Later"},
                    }
                ).encode(),
            ),
            "merge": (b"a.py", b"merged %d\n" % self.number),
        }[self.kind]
        # Somebody new, who comes first in every list.
        commit = Commit(((path, "100644", content),), b"Aaron <aaron@example.org>", self.at)
        if self.kind != "merge":
            commit.apply(h)
            return
        name = f"late-{self.number}"
        Side(name, 0, commit).apply(h)
        others = sorted(set(h.tips) - {h.current})
        Merge((others.index(name),), self.at).apply(h)


# From half an hour past t's latest on; also between a child and a parent of the future.
LATE = st.lists(
    st.builds(
        Late,
        st.integers(0, 9),
        st.one_of(st.integers(7, 99).map(lambda n: NOON + n * HOUR), st.just(4102444801)),
        st.sampled_from(["code", "note", "event", "merge"]),
    ),
    min_size=1,
    max_size=3,
)


def known(lab: pt.Lab, moment: Any) -> dict[str, Any]:
    """Return all that a lab tells as of a moment."""
    then = lab.as_of(moment)
    told: dict[str, Any] = {}
    for name in relations.NAMES:
        if name not in WHOLE_LOG:
            told[name] = sorted(then.rel(name).arrow().to_pylist(), key=repr)
    told["digest"], told["len"] = then.digest, len(then.log)
    for projection in (pt.activity, pt.hotspots, pt.co_changes):
        params = {"min_count": 1} if projection is pt.co_changes else {}
        told[projection.name] = then.project(projection, **params).to_csv()
    told["sql"] = then.sql("SELECT c.sha, t.path FROM commits c JOIN touches t USING (seq) "
                           "ORDER BY ALL").to_csv()  # fmt: skip
    told["types"] = then.log.by_type().to_csv()
    around = told["eventlog"] and then.log.around(told["eventlog"][0]["event_id"], "9999d", "9999d")
    told["around"] = around and around.digest
    return told


def blind_to_the_future(before: list[Operation], moment: int, after: list[Operation]) -> None:
    """Ask as of a moment, append what is later, ask again."""
    with history(before) as h, temporary_home() as home:
        lab = pt.open(h.repo.path, home=home)
        lab.scrape(progress=False)
        then = known(lab, text(moment))
        events = len(lab.log)
        h.do(after)
        lab.scrape(progress=False)
        assert len(lab.log) > events
        now = known(lab, text(moment))
        for name in then:
            assert now[name] == then[name], f"{name} as of {text(moment)} has changed"


PAST = histories(max_size=6, damaged=False)

CHILD_BEFORE_ITS_PARENT = [
    Commit(((b"a.py", "100644", b"1\n"),), at=4102444800),
    Commit(((b"a.py", "100644", b"2\n"),), at=NOON),
]


@HALF
@given(before=PAST, moment=MOMENTS, after=LATE)
def test_what_happens_after_t_changes_nothing_as_of_t(before, moment, after) -> None:
    """Rows with their ranks, digest, projections, SQL: all as they were."""
    blind_to_the_future(before, moment, after)


def test_a_parent_of_the_future_is_not_seen() -> None:
    """Clocks lie: a commit may be older than its parent, whose rank is the future's."""
    blind_to_the_future(CHILD_BEFORE_ITS_PARENT, NOON + HOUR, [Late(1, NOON + 9 * HOUR, "code")])


def _sees_all(self: Slice, alias: str) -> str:
    return "TRUE"


def _sees_a_day_more(self: Slice, alias: str) -> str:
    later = None if self.until_us is None else self.until_us + 86_400_000_000
    return _TIME(Slice(self.since_us, later), alias)


_TIME = Slice.time_predicate


@pytest.mark.parametrize("defect", [_sees_all, _sees_a_day_more])
def test_control_a_slice_that_includes_the_future_is_caught(defect) -> None:
    """The same check finds a slice without an end, and one that ends a day late."""
    work = Commit(((b"a.py", "100644", b"1\n"),))
    late = [Late(1, NOON + 9 * HOUR, "code")]
    with patched((Slice, "time_predicate", defect)), pytest.raises(AssertionError):
        blind_to_the_future([work], NOON + HOUR, late)


def test_names_follow_the_mailmap_of_the_logs_commit() -> None:
    """The exception: a later mailmap corrects earlier names; not what was written, or the digest.

    As of a date, ``author_name`` and what counts people (hotspots' ``authors``,
    ``where(author=…)``) use the newest mailmap; ``author_raw`` and the events do not.  As of a
    commit the mailmap is that commit's own.
    """
    mailmap = b"Ann Lee <ann@example.org> <ann@work.example>\n"
    work = [
        Commit(((b"a.py", "100644", b"1\n"),), b"ann <ann@example.org>"),
        Commit(((b"a.py", "100644", b"2\n"),), b"ann <ann@work.example>"),
    ]
    later = Commit(((b".mailmap", "100644", mailmap),), at=NOON + 9 * HOUR)
    with history(work) as h, temporary_home() as home:
        lab = pt.open(h.repo.path, home=home)
        lab.scrape(progress=False)
        sha, then = h.tip, known(lab, text(NOON))
        assert lab.project(pt.hotspots)["authors"].tolist() == [2]
        later.apply(h)
        lab.scrape(progress=False)
        now = known(lab, text(NOON))
        changed = {name for name in then if then[name] != now[name]}
        assert changed == {"authors", "commits", "touches", "hotspots"}
        commits = lab.as_of(text(NOON)).rel("commits").df()
        assert set(commits["author_name"]) == {"ann", "Ann Lee"}
        assert set(commits["author_email"]) == {"ann@example.org"}
        assert set(commits["email_raw"]) == {"ann@example.org", "ann@work.example"}
        assert known(lab, sha) == then


# -- parts ------------------------------------------------------------------------------


@contextlib.contextmanager
def scraped_lab(before: list[Operation]) -> Iterator[pt.Lab]:
    """Give a lab over a history."""
    with history(before) as h, temporary_home() as home:
        lab = pt.open(h.repo.path, home=home)
        lab.scrape(progress=False)
        yield lab


def rows(log: pt.Eventlog) -> list[dict[str, Any]]:
    """Return the rows of a slice, in order."""
    return log.arrow().to_pylist()


@HALF
@given(before=histories(damaged=False), moments=st.tuples(MOMENTS, MOMENTS))
def test_slices_of_time_are_the_log_filtered_and_parts_make_the_whole(before, moments) -> None:
    """as_of, between and split hold exactly the events of their time: disjoint, complete."""
    first, second = sorted(moments)
    with scraped_lab(before) as lab:
        everything = rows(lab.log)
        at = [row["occurred_us"] for row in everything]
        cut = first * 1_000_000

        def chosen(low: int, high: int) -> list[dict[str, Any]]:
            return [r for r, us in zip(everything, at, strict=True) if low <= us < high]

        forever = 10**18
        assert rows(lab.log.as_of(text(first))) == chosen(-forever, cut + 1)
        assert rows(lab.log.between(text(first), text(second))) == chosen(cut, second * 1_000_000)
        past, future = lab.log.split(text(first))
        assert rows(past) + rows(future) == everything
        assert rows(past) == chosen(-forever, cut)
        assert len(past) + len(future) == len(lab.log)
        # A slice of a slice is never wider.
        assert rows(past.as_of(text(second))) == rows(past.between(None, text(second)))
        assert rows(future.as_of(text(first))) == chosen(cut, cut + 1)


@HALF
@given(before=histories(damaged=False), moment=MOMENTS)
def test_until_t_is_as_of_t(before, moment) -> None:
    """A log that was scraped until t, and a whole log as of t, tell the same."""
    with history(before) as h, temporary_home() as home, temporary_home() as elsewhere:
        whole, early = pt.open(h.repo.path, home=home), pt.open(h.repo.path, home=elsewhere)
        whole.scrape(progress=False)
        early.scrape(until=text(moment), progress=False)
        then, told = known(whole, text(moment)), known(early, text(moment))
        for name in then:
            assert then[name] == told[name], name


# -- at a commit ------------------------------------------------------------------------


def at_a_commit(before: list[Operation], after: list[Operation], chosen: int) -> None:
    """Compare the log as of a commit with one scraped there: before, and after what came."""
    with history(before) as h, temporary_home() as home:
        shas = h.repo.history()
        sha = shas[chosen % len(shas)]
        lab = pt.open(h.repo.path, home=home)
        lab.scrape(progress=False)
        for operations_ in ([], after):
            h.do(operations_)
            # Kept from being collected, as a clone of that commit keeps it.
            h.repo.git("update-ref", "refs/kept/commit", sha)
            lab.scrape(progress=False)
            then = lab.as_of(sha)
            assert then.log.opened.manifest.source_sha == sha
            with temporary_home() as elsewhere:
                there = scraped(h.repo.path, elsewhere, at=sha)
                assert_same(read(file_of(lab, then.log.opened.manifest)), there)
            head = h.repo.sha()
            assert lab.log.opened.manifest.source_sha == head
            # A lab as of a commit stays there, wherever the log goes.
            assert lab.as_of(head).log.opened.manifest.source_sha == head


@HALF
@given(
    before=histories(max_size=6, damaged=False),
    after=st.lists(operations(damaged=False), min_size=1, max_size=4),
    chosen=st.integers(0, 5),
)
def test_as_of_a_commit_is_a_scrape_at_that_commit(before, after, chosen) -> None:
    """Row for row, also when what came later was rewritten."""
    at_a_commit(before, after, chosen)


REWRITTEN = (
    [
        Commit(((b"a.py", "100644", b"1\n"), (b".mailmap", "100644", b"A <ann@example.org>\n"))),
        Commit(((b"a.py", "100644", b"2\n"), (b"layer/sessions/n.md", "100644", b"2025-03-01"))),
        Side("topic", 1, Commit(((b"b.py", "100644", b"3\n"),), at=NOON - HOUR)),
        Merge((0,)),
    ],
    [Tag("v1", 1), Amend(b"Better"), Rebase(0), Reset(1), Delete(0)],
)


@pytest.mark.parametrize("chosen", range(4))
def test_as_of_a_commit_outlives_what_came_later(chosen: int) -> None:
    """Every commit of a history with a mailmap, a note and a merge, before and after an edit."""
    at_a_commit(*REWRITTEN, chosen)


def test_a_lab_as_of_a_commit_stays_there() -> None:
    """The newest commit of today is not the newest of tomorrow, and the lab knows."""
    with history([Commit(((b"a.py", "100644", b"1\n"),))]) as h, temporary_home() as home:
        lab = pt.open(h.repo.path, home=home)
        lab.scrape(progress=False)
        then = lab.as_of(h.repo.sha())
        digest = then.digest
        Commit(((b"a.py", "100644", b"2\n"),), at=NOON - HOUR).apply(h)
        lab.scrape(progress=False)
        assert then.digest == digest
        assert len(then.log) == 1
        assert len(lab.log) == 2


@pytest.mark.parametrize("change", [[Tag("v1", 2)], [Shallow(1)]], ids=["tag", "boundary"])
def test_a_log_as_of_a_commit_is_not_kept_for_longer_than_it_is_true(change) -> None:
    """It is made once and kept, until a tag or the boundary of a shallow clone moves."""
    work = [Commit(((b"a.py", "100644", b"1\n" * n),)) for n in range(3)]
    with history(work) as h, temporary_home() as home, temporary_home() as elsewhere:
        lab = pt.open(h.repo.path, home=home)
        lab.scrape(progress=False)
        before, sha = h.repo.sha("HEAD~1"), h.repo.sha()
        Commit(((b"a.py", "100644", b"4\n"),)).apply(h)
        for undo in ([Untag(0), Unshallow()], []):
            h.do(change)
            for commit in (before, sha):
                then = lab.as_of(commit).log.opened.manifest
                assert_same(read(file_of(lab, then)), scraped(h.repo.path, elsewhere, at=commit))
            h.do(undo)


def test_two_labs_of_one_log_see_the_same_commits() -> None:
    """A lab that was open while another scraped asks as of what it has not seen yet."""
    with history([Commit(((b"a.py", "100644", b"1\n"),))]) as h, temporary_home() as home:
        first, second = (pt.open(h.repo.path, home=home) for _ in range(2))
        first.scrape(progress=False)
        assert len(first.log) == 1
        Commit(((b"a.py", "100644", b"2\n"),)).apply(h)
        second.scrape(progress=False)
        assert len(first.as_of(h.repo.sha()).log) == 2


def _keeps_the_future(self, last, have):
    new, _, known_ = _DIFFERENCE(self, last, have)
    return new, set(), known_


_DIFFERENCE = build._Scrape._difference


def test_control_a_commit_that_knows_the_future_is_caught() -> None:
    """The same comparison finds a log as of a commit that keeps what came after it."""
    defect = (build._Scrape, "_difference", _keeps_the_future)
    with patched(defect), pytest.raises(AssertionError):
        at_a_commit(*REWRITTEN, 3)
