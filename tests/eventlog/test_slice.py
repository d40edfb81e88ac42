"""Slices: half-open time, types, sources, authors, paths, against a plain reading in Python."""

from __future__ import annotations

import dataclasses
import itertools
import re
import sys
from datetime import date, timedelta
from fnmatch import fnmatchcase
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import patina_lab as pt
from patina_lab.errors import InvalidOption, UnknownName, UnknownRevision, UnknownTime
from patina_lab.eventlog.slice import Slice, quote
from patina_lab.eventlog.times import begin_us, end_us

sys.path.insert(0, str(Path(__file__).parents[1] / "sources"))
from gitraw import RawRepo, seed_library


@pytest.fixture(scope="module")
def garden(tmp_path_factory):
    """Return the log of the seed library, its shas, and its rows as a plain reader sees them."""
    place = tmp_path_factory.mktemp("garden")
    repo, sha = seed_library(place / "repo")
    lab = pt.open(repo.path, home=place / "home")
    lab.scrape(progress=False)
    return lab, sha


@pytest.fixture(scope="module")
def rows(garden):
    """Return every event with all that a slice may ask of it."""
    lab, _ = garden
    touched, identities = {}, {}
    for seq, *names in lab.sql("SELECT seq, path, old_path FROM touches").values.tolist():
        touched.setdefault(seq, []).extend(name for name in names if isinstance(name, str))
    names = "author_name, author_email, author_raw, email_raw"
    for seq, *known in lab.sql(f"SELECT seq, {names} FROM commits").values.tolist():
        identities[seq] = known
    columns = "seq, event_type, occurred_us, source, actor, source_file"
    found = []
    plain = lab.log.opened.rows(f"SELECT {columns} FROM log.main.eventlog ORDER BY seq")
    for seq, event_type, us, source, actor, file in plain:
        found.append(
            {
                "seq": seq,
                "us": us,
                "types": [event_type],
                "sources": [source],
                "authors": [a for a in (actor, *identities.get(seq, ())) if a is not None],
                "paths": [p for p in (file, *touched.get(seq, ())) if p is not None],
            }
        )
    assert len(found) == 16
    return found


def chosen(rows, wanted):
    """Return the seqs that a slice means, told in Python."""

    def fits(values, groups):
        return all(
            any(v == p or fnmatchcase(v, p) for v in values for p in group) for group in groups
        )

    return [
        row["seq"]
        for row in rows
        if (wanted.since_us is None or wanted.since_us <= row["us"])
        and (wanted.until_us is None or row["us"] < wanted.until_us)
        and all(fits(row[f], getattr(wanted, f)) for f in ("types", "sources", "authors", "paths"))
    ]


def seqs(log):
    return log.df()["seq"].tolist()


# -- what is chosen ----------------------------------------------------------------------

TYPES = ["git.commit", "git.*", "session.?oal", "*", "decision_made", "nothing", "[gs]*", ""]
SOURCES = ["git", "sessions", "event*", "nobody"]
AUTHORS = [
    *("Ann", "ann", "annie", "ann@old.org", "ann@x.org", "A*", "dependabot[bot]", "*[[]bot]"),
    *('O\'Brien, "Pat"', "o'b@x.org", "*'*", "' OR 1=1 --", "bob@x.org", "Bob", "*@x.org"),
]
PATHS = [
    *("src/a.py", "src/*", "*.md", "pages/[id].md", "it's.md", "new\nline.md", "50%_off.md"),
    *("50%", "lib/old.py", "*", "layer/*/2025????-*.md", "'; DROP TABLE eventlog; --", "src"),
]
WHEN = [
    *(None, "2025-02-20T08:00:00Z", "2025-03-03", "2025-03-02T23:59:59Z", "2025-03-05"),
    *("2025-03-05T10:00:00-05:00", "2025-03-12T06:15:00.000001Z", "2030-01-01", "1969-12-31"),
]


def some(of):
    return st.lists(st.sampled_from(of), max_size=2).map(tuple)


@settings(max_examples=60)
@given(
    st.lists(
        st.fixed_dictionaries(
            {"types": some(TYPES)},
            optional={"source": some(SOURCES), "author": some(AUTHORS), "path": some(PATHS)},
        ),
        min_size=1,
        max_size=2,
    ),
    st.sampled_from(WHEN),
    st.sampled_from(WHEN),
)
def test_a_slice_holds_exactly_the_events_that_it_asks_for(garden, rows, steps, since, until):
    """In the total order; every verb, one after another, narrows."""
    log = garden[0].log
    for step in steps:
        named = dict(step)
        log = log.where(*named.pop("types"), **named)
    log = log.between(*sorted((since, until), key=lambda when: (when is None, when or "")))
    assert chosen(rows, log.slice) == seqs(log)
    assert len(chosen(rows, log.slice)) == len(log)


def test_the_plain_reader_would_find_a_slice_that_is_off_by_one(garden, rows):
    """The control: a closed upper end, as in BETWEEN, gives other events."""
    log = garden[0].log.between(None, "2025-03-03")
    closed = dataclasses.replace(log.slice, until_us=log.slice.until_us + 1)
    assert chosen(rows, log.slice) == seqs(log)
    assert chosen(rows, closed) != seqs(log)


@pytest.mark.parametrize(
    ("named", "messages"),
    [
        ({"author": "Ann"}, ["first", "alias", "merge", "notes"]),
        ({"author": "ann@x.org"}, ["first", "alias", "merge", "notes"]),
        ({"author": "annie"}, ["alias"]),
        ({"author": "ann@old.org"}, ["alias"]),
        ({"author": ["Bob", "dependabot[bot]"]}, ["side", "bot"]),
        ({"path": "src/a.py"}, ["first", "alias", "bot"]),
        ({"path": "src/*", "author": "Ann"}, ["first", "alias"]),
        ({"path": "pages/[id].md"}, ["quoted"]),
        ({"path": "*/old.py"}, ["side"]),
        ({"source": "git"}, ["side", "first", "alias", "quoted", "merge", "bot", "notes"]),
        ({"source": "sessions"}, []),
    ],
)
def test_commits_are_chosen_by_people_and_files(garden, named, messages):
    """People by the mailmap's name and by the one they wrote, files by what a commit touched."""
    log = garden[0].log.where(**named)
    assert (
        messages
        == log.rel("commits")
        .query("SELECT message FROM commits ORDER BY seq")
        .df()["message"]
        .tolist()
    )


def test_the_files_of_a_slice_by_path_are_those_files_only(garden):
    """A commit that touched others as well is shown with the file that was asked for."""
    log = garden[0].log.where(path="src/a.py")
    for name in ("touches", "commit_files"):
        assert set(log.rel(name).df()["path"]) == {"src/a.py"}
    assert len(log.rel("touches").df()) == 3


def test_a_file_that_is_renamed_away_is_touched(tmp_path):
    """Both names of a rename lead to it, as rows and as events."""
    repo = RawRepo(tmp_path / "repo")
    repo.commit({"old.py": "one\ntwo\nthree\n"}, "made")
    repo.commit({"new.py": "one\ntwo\nthree\n"}, "moved")
    lab = pt.open(repo.path, home=tmp_path / "home")
    lab.scrape(progress=False)
    for path, messages in (("old.py", ["made", "moved"]), ("new.py", ["moved"])):
        log = lab.log.where(path=path)
        assert log.rel("commits").df()["message"].tolist() == messages
        assert len(log.rel("touches").df()) == len(messages)


def test_several_values_are_alternatives_and_several_steps_all_hold(garden):
    """``where(a, b)`` is a or b; ``where(a).where(b)`` is a and b."""
    log = garden[0].log
    either = log.where("git.tag", "decision_made")
    assert sorted(either.df()["event_type"]) == ["decision_made", "git.tag", "git.tag"]
    assert len(log.where("git.*").where("decision_made")) == 0
    assert len(log.where("git.*").where("*.tag")) == 2
    assert seqs(log.where()) == seqs(log)


ODD = ["'", "''", "\\", "\\'", '"', "--", ";", "\0", "\n", "\r\n", "\u2028", "a'b\n    c", "%"]


@pytest.mark.parametrize("text", [*ODD, "$1", "?x", "{e}", "\U0001f950"], ids=repr)
def test_no_value_breaks_out_of_its_quotes(garden, text):
    """A literal is that text, on one line; a slice that asks for it finds nothing, quietly."""
    literal = quote(text)
    assert duckdb.connect().sql(f"SELECT {literal}").fetchall() == [(text,)]
    assert len(literal.splitlines()) == 1
    log = garden[0].log.where(text, author=text, path=text, source=text)
    assert (len(log), len(log.rel("touches").df())) == (0, 0)
    assert str(log.slice)


# -- time --------------------------------------------------------------------------------


def test_between_is_half_open(garden):
    """What happens at the end of a slice is in the next one."""
    log = garden[0].log.where("git.commit")
    early = log.between("2025-03-01T12:00:00Z", "2025-03-03T00:00:00Z")
    assert early.df()["seq"].tolist() == [2, 3]
    assert len(log.between("2025-03-03", "2025-03-03")) == 0
    assert len(log.between(None, None)) == 7


def test_a_time_that_ends_before_it_begins_is_said(garden):
    """An empty table would look like a project without events; what only narrows is no mistake."""
    log = garden[0].log
    with pytest.raises(InvalidOption, match="'2025-03-05' until '2025-03-01' ends before it") as no:
        log.between("2025-03-05", "2025-03-01")
    assert no.value.hint == "Give the earlier one first."
    with pytest.raises(InvalidOption, match="ends before it begins"):
        log.between("2025-03-05T00:00:00.000001Z", date(2025, 3, 5))
    assert len(log.as_of("2025-03-01").between("2025-03-05", None)) == 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (lambda log: log.where(["git.commit", "git.tag"]), "['git.commit', 'git.tag'] is no type"),
        (lambda log: log.where(None), "None is no type"),
        (lambda log: log.where(source=5), "5 is no source"),
        (lambda log: log.where(author=["Ann", None]), "None is no author"),
        (lambda log: log.where(author=Path("Ann")), "PosixPath('Ann') is no author"),
        (lambda log: log.where(path=[b"src"]), "b'src' is no path"),
    ],
)
def test_what_is_no_text_is_said_with_the_way_to_write_it(garden, given, said):
    """Before anything is asked of the log."""
    with pytest.raises(InvalidOption, match=re.escape(said)) as caught:
        given(garden[0].log)
    assert caught.value.hint.startswith("Give texts: where(")


def test_a_path_may_be_a_path_and_a_folder_ends_in_a_slash(garden):
    """No file's name ends in one; None asks for nothing."""
    log = garden[0].log
    below = log.where(path="src/*")
    assert seqs(below) == seqs(log.where(path="src/")) != []
    named = log.rel("touches").df()["path"].iloc[0]
    assert seqs(log.where(path=named)) == seqs(log.where(path=Path(named))) != []
    assert seqs(log.where(source=None, author=None, path=None)) == seqs(log)


def test_as_of_a_date_is_the_end_of_that_day(garden):
    """UTC, whatever the offset of the event: the merge was made at 10:00-05:00."""
    log = garden[0].log.where("git.commit")
    assert len(log.as_of("2025-03-02")) == 3
    assert len(log.as_of("2025-03-05")) == 5
    assert len(log.as_of("2025-03-05T14:59:59.999999Z")) == 4
    assert len(log.as_of("2025-03-05T15:00:00Z")) == 5


def test_slices_of_time_never_become_wider(garden):
    """A past log cannot be asked for its future."""
    log = garden[0].log.as_of("2025-03-02")
    assert (
        seqs(log) == seqs(log.as_of("2030-01-01")) == seqs(log.between("2000-01-01", "2030-01-01"))
    )


def test_a_split_has_every_event_on_one_side(garden):
    """At any cut, also in the middle of events of the same instant."""
    log = garden[0].log
    everything = seqs(log)
    for cut in [w for w in WHEN if w is not None]:
        train, valid = log.split(cut)
        assert everything == seqs(train) + seqs(valid)
        assert all(us < begin_us(cut) for us in train.df()["occurred_us"])
    train, valid = log.where("git.commit").split("2025-03-03")
    assert (len(train), len(valid)) == (3, 4)


def test_around_an_event_both_ends_are_included(garden):
    """By source id, event id or its first digits, a row, an Event; lengths in words."""
    lab, sha = garden
    row = lab.log.df().set_index("source_id").loc[sha["quoted"]]
    for event in (
        sha["quoted"],
        sha["quoted"][:8],
        row["event_id"],
        row["event_id"][:12],
        row,
        dict(row),
    ):
        found = lab.log.where("git.commit").around(event, "1s", timedelta(0))
        assert found.df()["source_id"].tolist() == [sha["alias"], sha["quoted"]]
    assert len(lab.log.around(sha["first"], before="9 days", after="0s").df()) == 1
    assert len(lab.log.around(sha["first"], before="10 days", after="0s").df()) == 2


def test_an_event_that_is_none_is_said(garden):
    """No such id, an id of several, and what is no event at all."""
    log = garden[0].log
    with pytest.raises(UnknownName, match="No event of the log has the id 'nope'"):
        log.around("nope")
    for nothing in ("", None, 3, {}, []):
        with pytest.raises(UnknownName, match="is no event") as caught:
            log.around(nothing)
        assert caught.value.hint == "Give an event_id, or a row of log.df()."
    with pytest.raises(UnknownName, match=r"More than one event .* begins with '20250306") as many:
        log.around("20250306-090000")
    one = many.value.hint.split()[5]
    assert len(log.around(one)) > 1
    with pytest.raises(UnknownName) as caught:
        log.around(log.rel("commits").df())
    assert len(caught.value.message) < 100
    assert "\n" not in caught.value.message
    with pytest.raises(UnknownTime, match="'soon' is no length of time"):
        log.around("evt_001", after="soon")


def test_as_of_a_commit_asks_what_that_commit_knows(garden):
    """A semi-join on its history and tree, whatever the dates say: not the same as its date."""
    lab, sha = garden
    at = lab.log.as_of(sha["quoted"])
    assert at.where("git.commit").df()["source_id"].tolist() == [
        sha[name] for name in ("first", "alias", "quoted")
    ]
    assert at.opened.manifest.source_sha == sha["quoted"]
    by_date = lab.log.as_of("2025-03-03").where("git.commit")
    assert sha["side"] in by_date.df()["source_id"].tolist()
    assert len(lab.log.as_of(sha["bot"][:8]).where("decision_made", "session.*")) == 0
    assert len(lab.log.as_of("v1")) == len(at)
    assert len(lab.log.as_of("v2")) == len(lab.log)


def test_what_as_of_does_not_know_is_said_with_the_next_step(garden):
    """Neither a time nor a name here."""
    log = garden[0].log
    with pytest.raises(UnknownRevision, match="no commit, branch or tag 'v9'") as caught:
        log.as_of("v9")
    assert "git log" in caught.value.hint
    with pytest.raises(UnknownTime, match="'2025-02-30' is no date"):
        log.as_of("2025-02-30")
    alone = dataclasses.replace(log, opened=type(log.opened)(None, log.opened.manifest))
    with pytest.raises(UnknownRevision, match="no repository to look it up"):
        alone.as_of("v1")


# -- the value ---------------------------------------------------------------------------


def test_a_slice_is_a_value(garden):
    """Frozen, hashable, equal where it asks the same, and no verb changes it."""
    one = Slice().where("git.*", author="Ann").between_us(0, 9)
    assert one == Slice().where("git.*", author=("Ann",)).between_us(0, 9)
    assert len({one, Slice().where("git.*", author=["Ann"]).between_us(0, 9), Slice()}) == 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.since_us = 3
    before = garden[0].log
    before.where("git.*").between("2025-03-01", None).as_of("2025-03-02")
    assert before == garden[0].log
    assert before.slice == Slice()


def test_a_slice_knows_what_it_leaves_out():
    """All of it, only time, or more."""
    assert (Slice().is_all, Slice().only_time) == (True, True)
    assert (Slice(1, 2).is_all, Slice(1, 2).only_time) == (False, True)
    assert Slice().where("x").only_time is False
    assert Slice().predicate("e") == "TRUE"


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Slice(), "everything"),
        (Slice(begin_us("2025-03-01"), None), "from 2025-03-01 00:00:00"),
        (Slice(None, end_us("2025-03-01")), "before 2025-03-02 00:00:00"),
        (Slice(None, end_us("9999-12-31")), "before the year 10000"),
        (Slice(-(10**18), None), "from the year 1"),
        (Slice().where("a", "b").where("c"), "type a or b, type c"),
        (Slice().where(source="s", author="A", path="p"), "source s, author A, path p"),
    ],
)
def test_a_slice_says_in_words_what_it_asks_for(wanted, said):
    """For reprs and reports."""
    assert said == str(wanted)


@given(*[st.none() | st.integers(-(2**62), 2**62)] * 4)
def test_narrowing_in_time_is_intersection(a, b, c, d):
    """In any order."""
    one, other = (
        Slice().between_us(a, b).between_us(c, d),
        Slice().between_us(c, d).between_us(a, b),
    )
    assert one == other
    for us in (a, b, c, d):
        if us is None:
            continue
        inside = [
            (since is None or since <= us) and (until is None or us < until)
            for since, until in ((a, b), (c, d), (one.since_us, one.until_us))
        ]
        assert (inside[0] and inside[1]) == inside[2]


def test_every_pair_of_verbs_commutes(garden):
    """Slices are conjunctions."""
    log = garden[0].log
    verbs = [
        lambda s: s.where("git.*"),
        lambda s: s.where(author="Ann"),
        lambda s: s.where(path="src/*"),
        lambda s: s.between("2025-03-01", "2025-03-06"),
        lambda s: s.as_of("2025-03-05"),
    ]
    for one, other in itertools.combinations(verbs, 2):
        assert seqs(one(other(log))) == seqs(other(one(log)))
