"""The git source on synthetic twins of what real repositories hold, and on what none does."""

from __future__ import annotations

from collections import Counter

import pytest
from gitraw import (
    FILE,
    PROGRAM,
    START,
    SUBMODULE,
    SYMLINK,
    RawRepo,
    files,
    load,
    tip,
)

import patina_lab as pt
from patina_lab.errors import InvalidOption
from patina_lab.sources import git as git_source
from patina_lab.sources.git import GitSource

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
