"""The git source on synthetic twins of what real repositories hold, and on what none does."""

from __future__ import annotations

import zlib
from collections import Counter

import pytest
from gitraw import (
    FILE,
    PROGRAM,
    START,
    SUBMODULE,
    SYMLINK,
    RawRepo,
    clean_environment,
    clone,
    files,
    git,
    load,
    move_away,
    tip,
)

import patina_lab as pt
from patina_lab.errors import GitFailed, InvalidOption
from patina_lab.events.event import Event
from patina_lab.sources import git as git_source
from patina_lab.sources.git import GitSource, tags
from patina_lab.sources.repository import Objects, open_repository

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


@pytest.fixture
def repo(tmp_path):
    return RawRepo(tmp_path / "repo")


@pytest.fixture
def raw_lab(tmp_path):
    """Return a function that scrapes a repository into a home of its own."""

    def make(place, **options):
        lab = pt.open(place, home=tmp_path / "home")
        lab.scrape(progress=False, **options)
        return lab

    return make


# -- names, messages, dates: one repository with an oddity a commit ----------------------

# What a message holds, and what is read of it, where that is something else.
MESSAGES = {
    "pipe, TAB, CR": ("a|b\tc\r\nd\re", None),
    "looks like a commit": ("fix\n\ncommit " + "a" * 40 + "\nAuthor: B <b@x.org>\n    text", None),
    "40 digits": ("revert\n\n" + "0123456789" * 4 + "\n", "revert\n\n" + "0123456789" * 4),
    "numstat": ("1\t2\ta.py\n-\t-\tb.png", None),
    "raw": (":100644 100644 " + "a" * 40 + " " + "b" * 40 + " M\ta.py", None),
    "three dashes": ("title\n---\n a.py | 2 +-", None),
    "the reader's own header": ("\x01" + "a" * 40 + "\n\x01\n:100644", None),
    "control characters": ("\x01\x02\x1b[31mred\x1e\x1f\x7f", None),
    "long": ("line of text\n" * 10_000 + "end", None),
    "empty": ("", None),
    "only line ends": ("\n\n\n", ""),
    "emoji": ("\U0001f950\U0001f468\u200d\U0001f469 na\u00efve", None),
    "byte order mark": ("\ufeffhello", None),
    "line separators": ("a\u2028b\u0085c\x0bd", None),
    "NUL": ("seen\0unseen", "seen"),
    "no UTF-8": (b"caf\xe9 \\ x", "caf\\xe9 \\\\ x"),
}
ENCODINGS = {
    "ISO-8859-1": (b"encoding ISO-8859-1\n", b"caf\xe9", "caf\u00e9"),
    "Windows-1252": (b"encoding cp1252\n", b"\x93q\x94", "\u201cq\u201d"),
    "unknown": (b"encoding klingon-8\n", b"caf\xe9", "caf\\xe9"),
    "unknown, but UTF-8": (b"encoding klingon-8\n", "caf\u00e9".encode(), "caf\u00e9"),
}
# What stands before the date, and the name and e-mail address that are read of it.
AUTHORS = {
    "separators": (b'O\'Br,ien; "Q" \\ | x <o@x.org>', 'O\'Br,ien; "Q" \\ | x', "o@x.org"),
    "escape codes": (b"Uwe \x1b,Av\x1b(B <u@x.org>", "Uwe \x1b,Av\x1b(B", "u@x.org"),
    "no UTF-8": (b"David K\xe5gedal <d@x.org>", "David K\\xe5gedal", "d@x.org"),
    "no @": (b"Ann <ann>", "Ann", "ann"),
    "empty address": (b"Ann <>", "Ann", ""),
    "empty name": (b" <ann@x.org>", "", "ann@x.org"),
    "nothing": (b" <>", "", ""),
    "two brackets": (b"A <b <a@x.org>", "A", "b <a@x.org"),
    "TAB": (b"A\tB <a@x.org>", "A\tB", "a@x.org"),
    "emoji": ("\U0001f950 <a@x.org>".encode(), "\U0001f950", "a@x.org"),
}
DATES = {
    "+0545": ("1740000000 +0545", "2025-02-20T03:05:00+05:45", 1_740_000_000),
    "+1030": ("1740000000 +1030", "2025-02-20T07:50:00+10:30", 1_740_000_000),
    "-0430": ("1740000000 -0430", "2025-02-19T16:50:00-04:30", 1_740_000_000),
    "-0000": ("1740000000 -0000", "2025-02-19T21:20:00+00:00", 1_740_000_000),
    "+9999": ("1740000000 +9999", "1740000000 +9999", 1_740_000_000),
    "1970": ("0 +0000", "1970-01-01T00:00:00+00:00", 0),
    "9999": ("253402300799 +0000", "9999-12-31T23:59:59+00:00", 253_402_300_799),
}
BAD_DATES = {
    "before 1970": "-86400 +0000",
    "after 9999": "253402300800 +0000",
    "overflow": "99999999999999999999 +0000",
    "words": "yesterday",
    "none": "",
}


@pytest.fixture(scope="module")
def odd_history(tmp_path_factory):
    """Return a repository with one oddity a commit, and label -> sha."""
    repo = RawRepo(tmp_path_factory.mktemp("odd") / "repo")
    sha = {}
    content = {"a.py": "1\n"}
    for label, (message, _) in MESSAGES.items():
        sha["message", label] = repo.commit(content, message)
    for label, (header, message, _) in ENCODINGS.items():
        sha["encoding", label] = repo.commit(content, message, headers=header)
    for label, (author, *_) in AUTHORS.items():
        sha["author", label] = repo.commit(content, author=author)
    for label, (date, *_) in DATES.items():
        sha["date", label] = repo.commit(content, date=date)
    for label, date in BAD_DATES.items():
        sha["bad date", label] = repo.commit(content, date=date)
    sha["no author line"] = repo.commit(content, raw=b"committer C <c@x.org> 60 +0100\n\nm\n")
    sha["no committer line"] = repo.commit(content, raw=b"author A <a@x.org> 60 +0100\n\nm\n")
    sha["no header"] = repo.commit(content, raw=b"\nm\n")
    sha["far apart"] = repo.commit(
        content, date="1000000000 +0000", committer="C <c@x.org> 1740000000 -0800"
    )
    return repo.path, sha


@pytest.fixture(scope="module")
def odd(odd_history):
    """Return label -> (event, problem) of the odd history."""
    place, sha = odd_history
    events, problems = load(place, jobs=1)
    return {label: (events[s], problems.get(s)) for label, s in sha.items()}


@pytest.mark.parametrize("label", MESSAGES)
def test_a_message_is_read_as_it_is(odd, label):
    """Whatever it looks like; line ends at its end are dropped, and what follows a NUL."""
    event, problem = odd["message", label]
    written, read = MESSAGES[label]
    assert (written if read is None else read) == event.data["message"]
    assert problem is None
    assert (["message"] if label == "no UTF-8" else None) == event.data.get("escaped")


@pytest.mark.parametrize("label", ENCODINGS)
def test_a_commit_is_decoded_by_its_encoding_header(odd, label):
    """An unknown encoding is escaped, and said to be."""
    event, _ = odd["encoding", label]
    assert ENCODINGS[label][2] == event.data["message"]
    assert (["message"] if label == "unknown" else None) == event.data.get("escaped")


@pytest.mark.parametrize("label", AUTHORS)
def test_an_author_is_read_as_written(odd, label):
    """Names and addresses of every kind; the actor is the name."""
    event, problem = odd["author", label]
    _, name, email = AUTHORS[label]
    assert (name, email, name) == (event.data["author"], event.data["email"], event.actor)
    assert problem is None


@pytest.mark.parametrize("label", DATES)
def test_a_date_is_placed_in_utc_and_kept_as_written(odd, label):
    """Odd offsets and the ends of the calendar are dates."""
    event, problem = odd["date", label]
    _, text, seconds = DATES[label]
    assert (text, text) == (event.data["author_date"], event.data["committer_date"])
    assert seconds * 1_000_000 == event.occurred_us
    assert problem is None


@pytest.mark.parametrize("label", BAD_DATES)
def test_a_commit_without_a_date_is_kept_at_1970_and_reported(odd, label):
    """It never looks like a commit that was really made in 1970."""
    event, problem = odd["bad date", label]
    assert (event.data["author_date"], event.data["committer_date"]) == (None, None)
    assert event.occurred_us == 0
    assert (problem.reason, problem.source_id) == ("unreadable date", event.source_id)
    assert problem.detail.endswith("placed at 1970-01-01T00:00:00+00:00.")
    assert ("beyond the year 9999" in problem.detail) == (label in ("after 9999", "overflow"))


def test_where_one_of_two_dates_is_missing_the_other_is_taken(odd):
    """And it is reported which one was missing."""
    event, problem = odd["no author line"]
    assert (event.data["author"], event.data["committer"]) == ("", "C")
    assert event.occurred_us == 60_000_000
    assert "no author date" in problem.detail
    event, problem = odd["no committer line"]
    assert (event.data["author"], event.data["committer"]) == ("A", "")
    assert event.occurred_us == 60_000_000
    assert "no committer date" in problem.detail
    event, problem = odd["no header"]
    assert event.data["message"] == "m"
    assert problem.reason == "unreadable date"


def test_a_commit_happened_when_its_author_says_so(odd):
    """The committer's date, years later, is kept beside it."""
    event, problem = odd["far apart"]
    assert event.occurred_us == 1_000_000_000_000_000
    assert event.data["committer_date"] == "2025-02-19T13:20:00-08:00"
    assert event.data["committer"] == "C"
    assert problem is None


def test_the_oddities_all_reach_the_log(odd_history, odd, raw_lab):
    """No value that git can hold stops a scrape: every event above can be stored and read."""
    events = [event for event, _ in odd.values()]
    lab = raw_lab(odd_history[0])
    rows = lab.sql("SELECT source_id, data FROM eventlog")
    assert {e.source_id: e.payload.decode() for e in events} == dict(rows.values.tolist())
    authors = lab.sql("SELECT DISTINCT author_raw FROM commits")["author_raw"]
    assert {event.data["author"] for event in events} == set(authors)


# -- files -------------------------------------------------------------------------------


def test_every_kind_of_path_is_read(repo):
    """A path holds any bytes but NUL; what is no UTF-8 is written as git quotes it."""
    names = {
        b"with space.txt": "with space.txt",
        b"quote'\".txt": "quote'\".txt",
        b"back\\slash": "back\\slash",
        b"{a => b}/{c}": "{a => b}/{c}",
        b"a => b": "a => b",
        b"tab\there": "tab\there",
        b"new\nline": "new\nline",
        b"\nfirst": "\nfirst",
        b":100644 100644 M": ":100644 100644 M",
        b"1\t2\tx": "1\t2\tx",
        b"\x01": "\x01",
        b"latin-\xe9": '"latin-\\351"',
        b'"quoted"': '"\\"quoted\\""',
        "caf\u00e9/\U0001f950".encode(): "caf\u00e9/\U0001f950",
        b"x" * 3000 + b"/" + b"y" * 2000: "x" * 3000 + "/" + "y" * 2000,
        b"Case": "Case",
        b"case": "case",
        b"[glob]*?": "[glob]*?",
    }
    repo.commit(dict.fromkeys(names, b"one\ntwo\n"))
    data, problem = tip(repo.path)
    assert sorted(names.values()) == sorted(row["path"] for row in data["files"])
    assert {(2, 0)} == {(row["lines_added"], row["lines_removed"]) for row in data["files"]}
    assert problem is None


def test_a_binary_file_has_no_line_counts(repo):
    """NULL, never 0, and marked as binary."""
    repo.commit({"a.bin": b"\0\1\2"})
    repo.commit({"a.bin": b"\0\1\3", "b.txt": "x\n"})
    data, _ = tip(repo.path)
    assert data["files"] == [
        {
            "path": "a.bin",
            "change": "M",
            "lines_added": None,
            "lines_removed": None,
            "binary": True,
        },
        {"path": "b.txt", "change": "A", "lines_added": 1, "lines_removed": 0},
    ]


def test_links_submodules_types_and_modes(repo):
    """What a path became is named; a change of mode alone changes no line."""
    first = {
        "link": (SYMLINK, "a.txt"),
        "sub": (SUBMODULE, "1" * 40),
        "tool": (FILE, "x\n"),
        "was_file": (FILE, "x\ny\n"),
        "gone_link": (SYMLINK, "nowhere"),
    }
    second = {
        "link": (SYMLINK, "b.txt"),
        "sub": (SUBMODULE, "2" * 40),
        "tool": (PROGRAM, "x\n"),
        "was_file": (SYMLINK, "elsewhere"),
    }
    repo.commit(first)
    repo.commit(second)
    assert files(tip(repo.path)[0]) == [
        "D gone_link +0 -1 symlink",
        "M link +1 -1 symlink",
        "M sub +1 -1 submodule",
        "M tool +0 -0",
        "T was_file +1 -2 symlink",
    ]


def test_renames_keep_their_source_and_copies_are_additions(repo):
    """A rename needs half of the lines in common; a copy is not looked for."""
    text = "".join(f"line {n}\n" for n in range(20))
    other = "".join(f"word {n}\n" for n in range(20))
    repo.commit({"a.py": text, "b.py": other, "c.py": text * 2})
    repo.commit({"x/a.py": text, "b2.py": other + "more\n", "c.py": text * 2, "d.py": text * 2})
    assert files(tip(repo.path)[0]) == [
        "R b.py -> b2.py +1 -0 96",
        "A d.py +40 -0",
        "R a.py -> x/a.py +0 -0 100",
    ]


def test_a_swap_of_two_files_is_no_rename(repo):
    """Both paths exist before and after, so both were modified."""
    repo.commit({"a": "1\n2\n3\n", "b": "x\ny\n"})
    repo.commit({"b": "1\n2\n3\n", "a": "x\ny\n"})
    assert files(tip(repo.path)[0]) == ["M a +2 -3", "M b +3 -2"]


def test_a_large_commit_is_read_whole(repo):
    """More than a thousand files in one commit, and all of them renamed in the next."""
    many = {f"d{n % 7}/f{n}.txt": f"{n}\n" * 3 for n in range(1200)}
    repo.commit(many)
    repo.commit({f"moved/{path}": text for path, text in many.items()})
    events, problems = load(repo.path)
    told = [Counter(row["change"] for row in event.data["files"]) for event in events.values()]
    assert Counter({"A": 1200}) in told
    assert Counter({"R": 1200}) in told
    assert problems == {}


def test_an_empty_commit_and_a_file_without_lines(repo):
    """Nothing changed is no file; an empty file is a file with no line."""
    repo.commit({"a": ""})
    assert files(tip(repo.path)[0]) == ["A a +0 -0"]
    repo.commit({"a": ""})
    assert files(tip(repo.path)[0]) == []


# -- shape of the history ----------------------------------------------------------------


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """Return a repository with branches, merges of all kinds, renames, binaries and links."""
    repo = RawRepo(tmp_path_factory.mktemp("mixed") / "repo")
    text = "".join(f"line {n}\n" for n in range(30))
    tree = {"a.py": text, "b.py": "b\n", "img.bin": b"\0\1", "docs/r.md": "# r\n"}
    base = repo.commit(tree, "base")
    other_root = repo.commit({"other.txt": "o\n"}, "a second root", parents=[])
    left = repo.commit({**tree, "a.py": text + "left\n"}, "left", parents=[base])
    right = repo.commit({**tree, "b.py": "B\n", "new.py": "n\n"}, "right", parents=[base])
    merged = {**tree, "a.py": text + "left\n", "b.py": "B\n", "new.py": "n\n"}
    repo.commit(merged, "clean merge", parents=[left, right])
    clean = repo.tip
    l2 = repo.commit({**merged, "b.py": "l\n"}, "l2", parents=[clean])
    r2 = repo.commit({**merged, "b.py": "r\n"}, "r2", parents=[clean])
    solved = {**merged, "b.py": "l and r\n", "evil.py": "added by the merge\n"}
    conflict = repo.commit(solved, "conflict solved", parents=[l2, r2])
    third = repo.commit({**merged, "third.py": "3\n"}, "third", parents=[clean])
    octopus_tree = {**solved, "third.py": "3\n", "other.txt": "o\n"}
    repo.commit(octopus_tree, "octopus", parents=[conflict, third, other_root])
    repo.commit(octopus_tree, "empty")
    moved = dict(octopus_tree)
    moved["lib/a.py"] = moved.pop("a.py") + "tail\n"
    moved["b.py"] = (PROGRAM, moved["b.py"])
    moved["img.bin"] = b"\0\2\3"
    moved["l\nk"] = (SYMLINK, "b.py")
    repo.commit(moved, "move", date=f"{START - 10**6} -0330")  # before its parents
    moved.pop("docs/r.md")
    moved["new.py"] = (SYMLINK, "b.py")
    moved["caf\xe9".encode("latin-1")] = "x\n" * 5
    repo.commit(moved, "type change")
    return repo


def numstat(repo, *revisions):
    """Return Counter of (old path, path, added, removed) that ``git diff --numstat`` prints."""
    words = repo.git("diff", "--numstat", "-M50%", "-z", *revisions).split(b"\0")[:-1]
    found = Counter()
    while words:
        added, removed, path = words.pop(0).split(b"\t", 2)
        old, path = (None, path) if path else (words.pop(0), words.pop(0))
        found[(old, path, *(None if n == b"-" else int(n) for n in (added, removed)))] += 1
    return found


def raw_path(path):
    """Undo the quoting of the few paths of `mixed` that need it."""
    return b"caf\xe9" if path == '"caf\\351"' else path.encode()


def told(data):
    """Return Counter of (old path, path, added, removed) of an event."""
    return Counter(
        (
            raw_path(row["old_path"]) if "old_path" in row else None,
            raw_path(row["path"]),
            row["lines_added"],
            row["lines_removed"],
        )
        for row in data["files"]
    )


def by_message(repo, **options):
    events, problems = load(repo.path, **options)
    assert problems == {}
    return {event.data["message"]: event.data for event in events.values()}


def test_each_commit_has_the_files_and_lines_that_a_plain_diff_shows(mixed):
    """The oracle: one ``git diff`` a commit, read by another parser."""
    for data in by_message(mixed).values():
        if len(data["parents"]) < 2:
            base = data["parents"][0] if data["parents"] else EMPTY_TREE
            assert numstat(mixed, base, data["sha"]) == told(data), data["message"]


def test_commits_in_are_events_out_with_all_parents_in_order(mixed):
    """Several roots, an octopus, empty commits, and a child that is older than its parents."""
    listed = mixed.git("log", "--format=%H %P", "main").decode().splitlines()
    events, problems = load(mixed.path)
    assert {line.split()[0]: line.split()[1:] for line in listed} == {
        sha: event.data["parents"] for sha, event in events.items()
    }
    assert problems == {}
    read = {event.data["message"]: event for event in events.values()}
    assert len(read["octopus"].data["parents"]) == 3
    assert {m for m, e in read.items() if not e.data["parents"]} == {"base", "a second root"}
    assert read["empty"].data["files"] == []
    assert read["move"].occurred_us < read["empty"].occurred_us


MERGED = ("clean merge", "conflict solved", "octopus")


def test_a_merge_has_no_files_by_default(mixed):
    """As git itself shows it: what a merge brings is in the commits that it merges."""
    data = by_message(mixed)
    assert [data[m]["files"] for m in MERGED] == [[], [], []]


def test_a_merge_has_the_files_that_differ_from_every_parent_when_combined(mixed):
    """The oracle is ``git log -c``; no line can be counted against several parents."""
    data = by_message(mixed, merges="combined")
    for message in MERGED:
        out = mixed.git("log", "-1", "-c", "--name-only", "-z", "--format=", data[message]["sha"])
        assert sorted(filter(None, out.split(b"\0"))) == sorted(
            row["path"].encode() for row in data[message]["files"]
        )
    assert files(data["conflict solved"]) == ["M b.py +None -None", "A evil.py +None -None"]
    assert files(data["clean merge"]) == files(data["octopus"]) == []


def test_a_merge_has_what_differs_from_its_first_parent_when_asked(mixed):
    """The oracle is ``git diff`` between the two."""
    data = by_message(mixed, merges="first-parent")
    for message in MERGED:
        sha = data[message]["sha"]
        assert numstat(mixed, f"{sha}^1", sha) == told(data[message])
    assert files(data["clean merge"]) == ["M b.py +1 -1", "A new.py +1 -0"]


def test_the_policy_for_merges_changes_merges_only(mixed):
    """Every other commit reads the same under each of them."""
    single = [
        {m: d for m, d in by_message(mixed, merges=policy).items() if m not in MERGED}
        for policy in git_source.MERGES
    ]
    assert single[0] == single[1] == single[2]


@pytest.mark.parametrize("merges", git_source.MERGES)
def test_the_quick_pass_differs_in_the_counts_alone(mixed, merges):
    """lines=False leaves both counts None, says so, and knows no binary."""
    exact = by_message(mixed, merges=merges)
    quick = by_message(mixed, merges=merges, lines=False)
    for message, data in exact.items():
        assert quick[message].pop("missing") == "line counts"
        for row in data["files"]:
            row.update(lines_added=None, lines_removed=None)
            row.pop("binary", None)
        assert data == quick[message]


def test_any_number_of_workers_reads_the_same(mixed, monkeypatch):
    """Chunks, processes and threads decide the speed, never the result."""
    monkeypatch.setattr(git_source, "CHUNK", 3)
    read = [load(mixed.path, jobs=jobs, merges="combined") for jobs in (1, 2, 3, 4)]
    for events, problems in read[1:]:
        assert (read[0][0], read[0][1]) == (events, problems)


def test_options_outside_their_range_are_refused():
    """The message has the value, the hint the choices."""
    with pytest.raises(InvalidOption, match=r"merges='both' .* Use one of: none, combined, first-"):
        GitSource(merges="both")
    with pytest.raises(InvalidOption, match=r"jobs=0 .* Use 1 or more"):
        GitSource(jobs=0)


# -- what is not here, or damaged --------------------------------------------------------


def reasons(lab):
    """Return (source, reason) of the quarantine, counted."""
    return Counter(map(tuple, lab.problems()[["source", "reason"]].values.tolist()))


def test_a_commit_whose_blob_is_missing_is_read_without_line_counts(repo):
    """Only that commit suffers; what it was read without, and which object, is said."""
    repo.commit({"a": "1\n"})
    lost = repo.write("blob", b"2\n")
    broken = repo.commit({"a": "2\n", "b": "x\n"})
    repo.commit({"a": "2\n", "b": "y\n"})
    repo.loose(lost).unlink()
    events, problems = load(repo.path)
    assert files(events[broken].data) == ["M a +None -None", "A b +None -None"]
    assert events[broken].data["missing"] == "line counts"
    assert files(events[repo.tip].data) == ["M b +1 -1"]
    assert {broken: ("missing object", lost)} == {
        sha: (p.reason, p.object_id) for sha, p in problems.items()
    }


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: b"",
        lambda raw: b"not zlib",
        lambda raw: raw[: len(raw) // 2],
        lambda raw: zlib.compress(b"nonsense"),
    ],
    ids=["empty", "garbage", "truncated", "no header"],
)
def test_a_corrupt_object_costs_the_counts_of_its_commits(repo, damage):
    """Whatever the damage, every commit is in the log, with its files."""
    repo.commit({"a": "1\n"})
    text = "".join(f"{n}\n" for n in range(99))
    blob = repo.write("blob", text.encode())
    broken = repo.commit({"a": "1\n", "b": text})
    repo.commit({"a": "2\n", "b": text})
    repo.loose(blob).write_bytes(damage(repo.loose(blob).read_bytes()))
    events, problems = load(repo.path, jobs=1)
    assert files(events[broken].data) == ["A b +None -None"]
    assert [broken] == list(problems)
    assert files(events[repo.tip].data) == ["M a +1 -1"]


def test_a_commit_whose_tree_is_missing_is_read_without_files(repo):
    """The commit is all that is left, and it is kept."""
    first = repo.commit({"d/a": "1\n"})
    broken = repo.commit({"d/a": "2\n"}, "lost its tree")
    repo.commit({"d/a": "3\n"})
    last = repo.commit({"d/a": "4\n"})
    repo.loose(repo.tree({"a": "2\n"})).unlink()
    events, problems = load(repo.path, jobs=1)
    assert files(events[first].data) == ["A d/a +1 -0"]
    assert files(events[last].data) == ["M d/a +1 -1"]
    data = events[broken].data
    assert (data["message"], data["files"], data["missing"]) == ("lost its tree", [], "all files")
    assert {broken, events[last].data["parents"][0]} == set(problems)
    assert {repo.tree({"a": "2\n"})} == {problem.object_id for problem in problems.values()}


def test_a_merge_that_cannot_be_compared_with_its_parents_says_so(repo):
    """Under the policy "combined" a merge needs trees; without them it has no silent gap."""
    base = repo.commit({"a": "1\n"})
    left = repo.commit({"a": "2\n"}, parents=[base])
    right = repo.commit({"a": "3\n"}, parents=[base])
    merge = repo.commit({"a": "4\n", "new": "x\n"}, parents=[left, right])
    after = repo.commit({"a": "5\n"}, parents=[right])
    second = repo.commit({"a": "6\n"}, parents=[merge, after])
    repo.loose(repo.tree({"a": "2\n"})).unlink()
    events, problems = load(repo.path, merges="combined", jobs=1)
    assert (events[merge].data["files"], events[merge].data["missing"]) == ([], "all files")
    assert merge in problems
    assert files(events[second].data) == ["M a +None -None"]


def test_a_missing_commit_stops_the_scrape_in_one_sentence(repo):
    """Behind it nothing can be known: git's own word, and what to try."""
    first = repo.commit({"a": "1\n"})
    repo.commit({"a": "2\n"})
    repo.loose(first).unlink()
    with pytest.raises(GitFailed, match="parents of commit") as caught:
        load(repo.path)
    assert str(repo.path) in caught.value.message
    assert caught.value.hint == "Try: git fsck"


def test_a_chunk_survives_any_number_of_damaged_commits(repo):
    """Damage at the start, in the middle and at the end of what one process is asked."""
    lost = {}
    for n in range(30):
        blob = repo.write("blob", f"{n}\n".encode())
        sha = repo.commit({"a": f"{n}\n"})
        if n in (0, 7, 8, 20, 29):
            lost[sha] = blob
    for blob in lost.values():
        repo.loose(blob).unlink()
    events, problems = load(repo.path, jobs=1)
    neighbours = {sha for sha, e in events.items() if set(e.data["parents"]) & set(lost)}
    assert set(lost) | neighbours == set(problems)
    assert {None} == {events[s].data["files"][0]["lines_added"] for s in problems}
    assert {1} == {
        e.data["files"][0]["lines_added"] for s, e in events.items() if s not in problems
    }


@pytest.fixture
def served(tmp_path):
    """Return a repository of twelve commits that serves partial clones."""
    repo = RawRepo(tmp_path / "served")
    repo.git("config", "uploadpack.allowFilter", "true")
    for n in range(12):
        repo.commit({"d/a.txt": f"{n}\n", "e.txt": "x\n" * n}, f"commit {n}")
    return repo


def test_a_partial_clone_loads_without_network_and_heals_when_its_blobs_come(
    served, tmp_path, raw_lab
):
    """NULL counts and a reason at first; after a fetch, the log of a whole clone."""
    whole = raw_lab(served.path).digest
    partial = clone(served.path, tmp_path / "partial", "--filter=blob:none", "--no-checkout")
    away = move_away(served.path)
    lab = raw_lab(partial)
    assert lab.sql("SELECT count(*) AS n, count(lines_added) AS c FROM touches")["n"][0] > 12
    assert lab.sql("SELECT count(lines_added) AS c FROM touches")["c"][0] == 0
    assert reasons(lab) == {("git", "missing object"): 12}
    assert lab.scrape(progress=False).how == "unchanged"

    away.rename(served.path)
    git(partial, "-c", "protocol.file.allow=always", "fetch", "-q", "--refetch", "--no-filter")
    healed = lab.scrape(progress=False)
    assert (healed.how, healed.quarantined, healed.events) == ("incremental", 0, 12)
    assert whole == healed.digest


def test_a_mailmap_that_is_not_here_is_said_and_heals(repo, raw_lab):
    """Names are as the commits have them until it comes."""
    repo.commit({"a": "1\n", ".mailmap": "Annabel <ann@x.org>\n"}, author=b"Ann <ann@x.org>")
    listed = repo.git("ls-tree", "HEAD", ".mailmap").decode().split()
    text = repo.loose(listed[2]).read_bytes()
    repo.loose(listed[2]).unlink()
    lab = raw_lab(repo.path)
    names = "SELECT author_name FROM commits"
    assert lab.sql(names)["author_name"].tolist() == ["Ann"]
    said = lab.problems()
    assert ".mailmap" in said["source_file"].tolist()
    assert lab.scrape(progress=False).how == "unchanged"
    repo.loose(listed[2]).write_bytes(text)
    assert lab.scrape(progress=False).quarantined == 0
    assert lab.sql(names)["author_name"].tolist() == ["Annabel"]


@pytest.mark.parametrize("checkout", [(), ("--bare",)], ids=["work tree", "bare"])
def test_a_clone_without_trees_loads_commits_only(served, tmp_path, raw_lab, checkout):
    """Every commit is there, and every one is quarantined with the tree that it lacks."""
    partial = clone(served.path, tmp_path / "treeless", "--filter=tree:0", *checkout)
    move_away(served.path)
    lab = raw_lab(partial)
    assert lab.sql("SELECT count(*) AS n FROM commits")["n"][0] == 12
    expected = {("git", "missing object"): 12, ("files", "missing object"): 1 if checkout else 0}
    assert +Counter(expected) == reasons(lab)


def test_a_shallow_clone_is_flagged_at_its_boundary(served, tmp_path, raw_lab):
    """The oldest commit seems to have made every file; it is kept without any, and said."""
    whole = raw_lab(served.path).digest
    shallow = clone(served.path, tmp_path / "shallow", "--depth=3")
    events, problems = load(shallow)
    assert len(events) == 3
    ((boundary, problem),) = problems.items()
    assert problem.reason == "shallow boundary"
    assert "git fetch --unshallow" in problem.detail
    data = events[boundary].data
    assert (data["message"], data["parents"], data["files"]) == ("commit 9", [], [])
    assert data["missing"] == "all files"

    lab = raw_lab(shallow)
    assert whole != lab.digest
    git(shallow, "-c", "protocol.file.allow=always", "fetch", "-q", "--unshallow")
    assert lab.scrape(progress=False).quarantined == 0
    assert whole == lab.digest


# -- what must not matter ----------------------------------------------------------------

HOSTILE = """
[core]
    abbrev = 5
    bigFileThreshold = 1
    quotePath = false
    attributesFile = {attributes}
    pager = false
    commentChar = auto
[diff]
    algorithm = histogram
    renames = copies
    renameLimit = 1
    noprefix = true
    external = false
    orderFile = {attributes}
    ignoreSubmodules = all
    mnemonicPrefix = true
    submodule = log
    context = 0
    interHunkContext = 9
[log]
    showSignature = true
    date = iso
    mailmap = true
    follow = true
    diffMerges = combined
    showRoot = false
[format]
    pretty = oneline
[i18n]
    logOutputEncoding = ISO-8859-1
    commitEncoding = ISO-8859-1
[color]
    ui = always
[mailmap]
    blob = HEAD:a.py
    file = {attributes}
[extensions]
"""


def test_no_configuration_of_anybody_changes_what_is_read(mixed, tmp_path, monkeypatch):
    """The user's, the system's, the repository's, and attributes wherever git looks for them."""
    expected = load(mixed.path)
    attributes = tmp_path / "attributes"
    attributes.write_text("* -diff -text binary\n* diff=odd\n")
    config = tmp_path / "hostile"
    config.write_text(HOSTILE.format(attributes=attributes))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.delenv("GIT_CONFIG_NOSYSTEM")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", str(config))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "diff.algorithm")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "patience")
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "false")
    monkeypatch.setenv("GIT_DIFF_OPTS", "-u0")
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    local = mixed.git_dir / "config"
    kept = local.read_text()
    places = [mixed.git_dir / "info" / "attributes", mixed.path / ".gitattributes"]
    try:
        local.write_text(kept + HOSTILE.format(attributes=attributes))
        for place in places:
            place.parent.mkdir(exist_ok=True)
            place.write_text("* -diff\n")
        assert expected == load(mixed.path)
    finally:
        local.write_text(kept)
        for place in places:
            place.unlink()


def test_the_hostile_configuration_is_one(mixed, tmp_path):
    """The control: the same settings do change what a plain git log prints."""
    attributes = tmp_path / "attributes"
    attributes.write_text("* -diff\n")
    config = tmp_path / "hostile"
    config.write_text(HOSTILE.format(attributes=attributes))
    env = clean_environment()
    env["GIT_CONFIG_GLOBAL"] = str(config)
    ask = ("log", "-n3", "--numstat", "--format=%H", "main")
    assert mixed.git(*ask) != mixed.git(*ask, env=env)


def test_replaced_and_grafted_commits_are_read_as_they_are(repo):
    """A replace ref and a graft are somebody's opinion, not content."""
    first = repo.commit({"a": "1\n"}, "first")
    second = repo.commit({"a": "2\n"}, "second")
    third = repo.commit({"a": "3\n"}, "third")
    expected = load(repo.path)
    other = repo.commit({"z": "z\n"}, "a replacement", parents=[], ref=None)
    repo.ref(f"refs/replace/{second}", other)
    (repo.git_dir / "info").mkdir(exist_ok=True)
    (repo.git_dir / "info" / "grafts").write_text(f"{third}\n")
    plain = git(repo.path, "log", "--format=%s", "main").decode()
    assert "second" not in plain
    assert expected == load(repo.path)
    assert {first, second, third} == set(expected[0])


def test_the_commit_graph_and_packs_change_nothing(mixed, tmp_path):
    """A repacked clone with all of git's indexes reads as the loose objects do."""
    packed = clone(mixed.path, tmp_path / "packed", "--bare")
    git(packed, "repack", "-adq", "--write-bitmap-index")
    git(packed, "commit-graph", "write", "--reachable", "--changed-paths")
    assert load(mixed.path) == load(packed)


# -- tags --------------------------------------------------------------------------------


def read_tags(repo):
    """Return name -> event, and the problems."""
    with Objects(open_repository(repo.path)) as objects:
        found = list(tags(objects, objects.history(open_repository(repo.path).resolve("HEAD"))))
    events = {one.source_id: one for one in found if isinstance(one, Event)}
    return events, [one for one in found if not isinstance(one, Event)]


def test_a_tag_has_its_own_date_or_its_commits(repo):
    """Annotated tags have a tagger and a message; light ones have the time of their commit."""
    first = repo.commit({"a": "1\n"})
    repo.ref("refs/tags/light", first)
    signature = "-----BEGIN PGP SIGNATURE-----\nxyz"
    signed = f"v1\n\n{signature} is how one begins:\n{signature}\n"
    oid = repo.tag("v1.0/rc", first, signed, tagger="B\u00e9 <b@x.org>", date="1750000000 +0200")
    repo.tag("nested", oid, "a tag of a tag", kind="tag")
    repo.tag("nobody", first, "no tagger", tagger=None)
    events, problems = read_tags(repo)
    assert {
        "name": "v1.0/rc",
        "sha": first,
        "object": oid,
        "annotated": True,
        "tagger": "B\u00e9",
        "date": "2025-06-15T17:06:40+02:00",
        "message": f"v1\n\n{signature} is how one begins:",
        "signature": signature,
    } == events["v1.0/rc"].data
    light = events["light"].data
    assert (light["annotated"], light["tagger"], light["message"]) == (False, None, None)
    assert light["date"] == "2025-02-19T21:21:00+00:00"
    assert first == events["nested"].data["sha"]
    assert (None, light["date"]) == (events["nobody"].data["tagger"], events["nobody"].data["date"])
    assert problems == []


def test_tags_that_lead_elsewhere_are_left_out(repo):
    """Of another branch, of a tree, of a file: they are no part of this history."""
    repo.commit({"a": "1\n"})
    side = repo.commit({"b": "1\n"}, ref="refs/heads/side")
    repo.ref("refs/tags/side", side)
    repo.tag("tree", repo.tree({"a": "1\n"}), kind="tree")
    repo.ref("refs/tags/file", repo.write("blob", b"1\n"))
    assert read_tags(repo) == ({}, [])


def test_a_broken_tag_is_reported_and_stops_nothing(repo, raw_lab):
    """A tag of a commit that is not here, and a ref to nothing at all."""
    repo.commit({"a": "1\n"})
    repo.ref("refs/tags/good", repo.tip)
    repo.tag("lost", "1" * 40)
    repo.ref("refs/tags/void", "2" * 40)
    events, problems = read_tags(repo)
    assert list(events) == ["good"]
    assert [("broken tag", f"The tag lost leads to {'1' * 40}, which is not here.")] == [
        (problem.reason, problem.detail) for problem in problems
    ]
    lab = raw_lab(repo.path)
    assert reasons(lab) == {("git", "broken tag"): 1}
    assert lab.scrape(progress=False).how == "unchanged"


def test_a_tag_may_hold_odd_bytes(repo):
    """Names and messages that are no UTF-8, a date that is none, a message of none."""
    repo.commit({"a": "1\n"})
    repo.tag("odd", repo.tip, b"caf\xe9", tagger=b"K\xe5 <k@x.org>", date="1750000000 +9999")
    repo.tag("dateless", repo.tip, "", tagger="K <k@x.org>", date="soon")
    repo.tag("overflow", repo.tip, "m", date="99999999999999999999 +0000")
    events, problems = read_tags(repo)
    odd = events["odd"].data
    assert (odd["tagger"], odd["message"]) == ("K\\xe5", "caf\\xe9")
    assert odd["escaped"] == ["tagger", "message"]
    assert events["odd"].occurred_us == 1_750_000_000_000_000
    commit = "2025-02-19T21:21:00+00:00"
    assert [commit, commit] == [events[name].data["date"] for name in ("dateless", "overflow")]
    assert problems == []


def test_reading_writes_nothing_into_the_repository(mixed, raw_lab):
    """Not a byte, not a time stamp, not a lock."""

    def state():
        seen = {path: path.lstat() for path in mixed.path.rglob("*")}
        return {path: (at.st_mtime_ns, at.st_size, at.st_ino) for path, at in seen.items()}

    before = state()
    raw_lab(mixed.path, merges="combined")
    assert before == state()
