"""Where events stand in each other's way: numbers, content, decisions that may contradict."""

from __future__ import annotations

from itertools import combinations
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from working import DAY, Project

import patina_lab as pt
from patina_lab.errors import InvalidOption
from patina_lab.events.event import Event
from patina_lab.events.identity import instant
from patina_lab.events.text import normalised, text_hash
from patina_lab.project.conflicts import ALIKE, among, conflicts
from patina_lab.project.observe import moment
from patina_lab.project.propose import propose
from patina_lab.project.read import Found, read_shared
from patina_lab.project.undo import undo


def decision(number, text, **payload):
    path = f".patina/shared/events/2025-03-07-{number:03d}-decision-made.json"
    event = Event(
        "decision_made", instant(number * 10**6), f"evt_{number:03d}",
        {"decision": text, **payload}, path, "ann",
    )  # fmt: skip
    return Found(event, "shared", event.source_id)


def kinds(*events):
    return [conflict.kind for conflict in among(events)]


def two_clones(project, *types):
    """Let two people who do not know of each other propose; return their branches."""
    project.git("clone", "-q", ".", "../bob")
    bob = Project(project.path.parent / "bob")
    made = [
        propose(p.repository, f"{kind} {n}", type=kind, at=DAY, author="Ann", branch=f"add-{n}")
        for n, (p, kind) in enumerate(zip((project, bob), types, strict=True))
    ]
    project.git("fetch", "-q", str(bob.path), "add-1:add-1")
    return [m.branch for m in made]


def test_the_same_number_is_said_with_the_labels_to_tell_them_apart(project):
    """Before the merge and after it."""
    branches = two_clones(project, "decision", "pattern")
    for branch in (None, *branches):
        if branch:
            project.merge(branch)
        (one,) = conflicts(project.repository)
        assert (one.kind, one.is_certain) == ("same number", True)
        assert "evt_001-1, evt_001-2" in one.detail


def test_what_git_cannot_merge_is_said_before(project):
    """Same day, number and type: the same file; proposing one again gives it another number."""
    one, two = two_clones(project, "decision", "decision")
    project.merge(one)
    (clash,) = conflicts(project.repository)
    assert clash.kind == "same file"
    undo(project.repository, two, at=DAY)
    assert conflicts(project.repository) == []
    again = propose(project.repository, "decision 1", type="decision", at=DAY)
    project.merge(again.branch)
    assert conflicts(project.repository) == []


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("Add retry logic", "add retry  logic.", True),
        ("“Use C++!”", "use c++", True),
        ("\uff35\uff53\uff45 \uff24\uff55\uff43\uff4b\uff24\uff22", "use duckdb", True),
        ("use C", "use C++", False),
        ("use C", "use C#", False),
        ("use .net", "use net", False),
        ("x < 3", "x > 3", False),
        ("return -1", "return 1", False),
        ("don't retry", "dont retry", False),
        ("add retry logic", "added retry logic to RPC", False),
    ],
)
def test_the_same_content_is_told_by_what_it_says(a, b, same):
    """Case, white space and the punctuation of sentences go; signs in words stay."""
    assert (text_hash(a) == text_hash(b)) == same
    assert ("same content" in kinds(decision(1, a), decision(2, b))) == same


def test_control_the_seed_s_normalisation_takes_c_for_c_plus_plus():
    """Known-bad: letters, digits and white space only."""

    def seed(text):
        return "".join(c for c in text.lower().strip() if c.isalnum() or c.isspace())

    assert seed("use C") == seed("use C++")
    assert seed("x < 3") == seed("x > 3")


@given(st.text())
def test_normalising_twice_is_once(text):
    assert normalised(normalised(text)) == normalised(text)


@given(st.text(), st.sampled_from([" ", "\n", "\t"]))
def test_space_around_a_text_and_its_case_say_nothing(text, space):
    assert text_hash(f"{space}{text}{space}") == text_hash(text)


@pytest.mark.parametrize(
    ("a", "b", "may"),
    [
        ("Always validate input", "Never validate input", True),
        ("Use DuckDB for the log", "Do not use DuckDB for the log", True),
        ("Use DuckDB for the log", "Avoid DuckDB for the log", True),
        ("We don't cache reads", "We cache reads", True),
        ("Enable caching of reads", "Disable caching of reads", True),
        ("Use DuckDB for the log", "Use DuckDB for the log in CI", False),
        ("Never retry writes", "Never cache reads", False),
        ("Use DuckDB", "Use SQLite", False),
    ],
)
def test_opposite_decisions_may_contradict(a, b, may):
    assert ("may contradict" in kinds(decision(1, a), decision(2, b))) == may


def test_deciding_what_another_rejected_may_contradict():
    taken = decision(1, "We use TypeScript for production code",
                     alternatives=["JavaScript for prototyping"])  # fmt: skip
    other = decision(2, "We use JavaScript for prototyping")
    (one,) = among([taken, other])
    assert (one.kind, one.is_certain) == ("may contradict", False)
    assert "did not take 'JavaScript for prototyping'" in one.detail


SAID = st.lists(
    st.sampled_from(["use", "never", "not", "we", "cache", "reads", "writes", "label", "bags"]),
    max_size=5,
)


@given(
    st.lists(st.tuples(SAID, st.lists(SAID, max_size=2), st.sampled_from(["", "CI"])), max_size=8)
)
def test_no_pair_is_missed_for_being_fast(said):
    """The same conflicts, in the same order, as from looking at every two decisions alone."""
    events = [
        decision(n, " ".join(text) or "-", alternatives=[" ".join(other) for other in others],
                 context=context)
        for n, (text, others, context) in enumerate(said, 1)
    ]  # fmt: skip

    def may(among_these):
        return [
            (conflict.events, conflict.detail)
            for conflict in among(among_these)
            if conflict.kind == "may contradict"
        ]

    assert may(events) == [one for two in combinations(events, 2) for one in may(two)]


def test_control_too_few_rare_words_miss_a_pair(monkeypatch):
    """The same comparison sees a filter that looks at the rarest word alone."""
    first = decision(1, "cache reads writes label bags")
    events = [first, decision(2, "never cache reads writes label bags pens")]
    assert kinds(*events) == ["may contradict"]
    every = SimpleNamespace(ceil=lambda part: round(part / ALIKE))
    monkeypatch.setattr("patina_lab.project.conflicts.math", every)
    assert kinds(*events) == []


def test_two_contexts_are_no_contradiction():
    """Both are true, each in its own; one context alone does not say so."""
    a = decision(1, "Always validate", context="Production code only")
    b = decision(2, "Never validate", context="Rapid prototyping")
    assert kinds(a, b) == []
    assert kinds(a, decision(2, "Never validate")) == ["may contradict"]
    assert kinds(a, decision(2, "Never validate", context="production code only.")) == [
        "may contradict"
    ]


def test_a_file_edited_after_it_was_written_is_said(project):
    made = propose(project.repository, "Label bags", type="decision", at=DAY)
    project.merge(made.branch)
    assert conflicts(project.repository) == []
    place = project.path / made.path
    place.write_text(place.read_text().replace("Label bags", "Label jars"))
    project.commit("edit")
    (one,) = conflicts(project.repository, branches=[])
    assert one.kind == "changed since written"


def test_proposals_are_looked_at_before_they_are_merged(project):
    propose(project.repository, "Always label", type="decision", at=DAY)
    made = propose(project.repository, "Never label", type="decision", at=DAY)
    table = pt.open(project.path).conflicts()
    assert table["kind"].tolist() == ["may contradict"]
    assert table["events"].tolist() == [["evt_001", "evt_002"]]
    assert conflicts(project.repository, branches=[made.branch]) == []
    assert moment(DAY) == made.event.timestamp


def test_what_others_propose_is_looked_at_once_it_is_fetched(project):
    """A review happens before the merge: Bob's clone knows Ann's branch as origin/…."""
    project.git("clone", "-q", ".", "../bob")
    bob = Project(project.path.parent / "bob")
    hers = propose(project.repository, "Always label", type="decision", at=DAY)
    assert conflicts(bob.repository) == []
    bob.git("fetch", "-q")
    his = propose(bob.repository, "Never label", type="decision", at=DAY, author="Bob")
    assert his.event.source_id == "evt_002"
    (guess,) = conflicts(bob.repository)
    assert (guess.kind, guess.is_certain) == ("may contradict", False)
    bob.git("branch", "-q", "--no-track", hers.branch, f"origin/{hers.branch}")
    assert len(conflicts(bob.repository)) == 1, "one event, on a branch and on the fetched one"
    one = conflicts(bob.repository, branches=[his.branch])
    assert one == []


def test_what_two_wrote_under_one_number_is_proposed_again_under_the_next(project):
    """Same day, type and number: one branch name, one file; git can push and merge only one."""
    project.git("clone", "-q", ".", "../bob")
    bob = Project(project.path.parent / "bob")
    hers = propose(project.repository, "Use pens", type="decision", at=DAY)
    about = {"rationale": "They can be corrected", "alternatives": ["Chalk"], "domains": "labels"}
    his = propose(bob.repository, "Use pencils", type="decision", at=DAY, author="Bob", **about)
    assert (hers.branch, hers.path) == (his.branch, his.path)
    bob.git("fetch", "-q")
    clash = conflicts(bob.repository)[0]
    assert clash.kind == "same file"
    assert f"origin/{his.branch} and {his.branch} add a file" in clash.detail
    assert f"patina-lab propose --from {his.branch}, and delete" in clash.detail
    bob.git("config", "user.name", "Bob")
    bob.git("config", "user.email", "bob@x.org")
    again = propose(bob.repository, from_=his.branch, author="Ann")
    assert (again.branch, again.sequence) == ("add-decision-002", 2)
    assert again.event.data == his.event.data
    assert again.event.timestamp == his.event.timestamp
    kept = propose(bob.repository, from_=his.branch, base=his.base)
    assert kept.event.event_id == his.event.event_id, "the same event, of the same author"
    for branch in (his.branch, again.branch):
        bob.git("branch", "-qD", branch)
    assert conflicts(bob.repository) == []
    bob.git("merge", "-q", "--no-edit", f"origin/{hers.branch}")
    bob.git("merge", "-q", "--no-edit", kept.branch)
    assert [f.text for f in read_shared(bob.repository)[0]] == ["Use pens", "Use pencils"]


def test_a_file_that_only_others_have_is_theirs_to_propose_again(project):
    """The one who reads it is told who has to act."""
    project.git("clone", "-q", ".", "../bob")
    bob = Project(project.path.parent / "bob")
    propose(project.repository, "Use pens", type="decision", at=DAY)
    his = propose(bob.repository, "Use pencils", type="decision", at=DAY, author="Bob")
    bob.git("checkout", "-q", "--detach", his.commit)
    bob.git("branch", "-qD", his.branch)
    bob.git("fetch", "-q")
    (clash,) = conflicts(bob.repository)
    assert "and what is merged add a file" in clash.detail
    assert f"whoever proposed origin/{his.branch} has to propose it again" in clash.detail


def test_a_branch_that_proposes_nothing_or_several_is_said(project):
    project.git("branch", "-q", "empty")
    with pytest.raises(InvalidOption, match="proposes 0 events"):
        propose(project.repository, from_="empty", at=DAY)
