"""The teaching repository: the same everywhere, and it holds what its README promises."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from patina_lab import datasets
from patina_lab.errors import UsageError

HERE = Path(__file__).resolve().parents[2] / "datasets" / "teaching"
HEAD = "488208d45b108e140a07e2a389099e6152529f95"
EVENTS = ".patina/shared/events/"


def build(dest, script=HERE / "build.py", **env):
    return subprocess.run(
        [sys.executable, str(script), str(dest)], capture_output=True, text=True, env=env or None
    )


class Repo:
    """git, asked without anybody's configuration."""

    def __init__(self, path):
        self.path = path

    def __call__(self, *arguments, check=True):
        """Return what git prints."""
        env = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "HOME": os.devnull}
        run = subprocess.run(
            ["git", "-c", "core.quotePath=false", *arguments],
            cwd=self.path,
            env=env | {"GIT_CONFIG_GLOBAL": os.devnull},
            capture_output=True,
            check=check,
        )
        return run.stdout.decode().strip()

    def lines(self, *arguments):
        """Return the lines that git prints."""
        return self(*arguments).splitlines()

    def find(self, subject):
        """Return the sha of the one commit whose subject begins so."""
        found = self.lines("log", "--all", "--format=%H", f"--grep=^{subject}")
        assert len(found) == 1, (subject, found)
        return found[0]


@pytest.fixture(scope="module")
def repo(tmp_path_factory):
    path = tmp_path_factory.mktemp("teaching") / "repo"
    run = build(path)
    assert run.returncode == 0, run.stderr
    return Repo(path)


@pytest.fixture
def told(tmp_path):
    """Return a copy of the story that a test may change."""
    return shutil.copytree(
        HERE, tmp_path / "told", ignore=shutil.ignore_patterns("__pycache__", ".*")
    )


# -- the same everywhere ----------------------------------------------------------------


def test_the_head_is_the_pinned_one(repo):
    """Given nothing but the story, the last commit has the sha that notebooks rely on."""
    assert repo("rev-parse", "HEAD") == HEAD
    assert (HERE / "pinned-head.txt").read_text().strip() == HEAD


def test_nothing_of_the_user_reaches_it(tmp_path, repo):
    """Given another time zone, locale, umask and a hostile configuration, the same commits."""
    home, hooks = tmp_path / "home", tmp_path / "hooks"
    hooks.mkdir()
    for name in ("pre-commit", "commit-msg", "reference-transaction", "post-checkout"):
        (hooks / name).write_text("#!/bin/sh\nexit 1\n")
        (hooks / name).chmod(0o755)
    home.mkdir()
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Somebody Else\n\temail = else@example.org\n\tsigningKey = 42\n"
        "[commit]\n\tgpgSign = true\n[tag]\n\tgpgSign = true\n"
        "[init]\n\tdefaultBranch = trunk\n\ttemplateDir = /nowhere\n"
        f"[core]\n\tautocrlf = true\n\thooksPath = {hooks}\n\tignoreCase = true\n"
        "[i18n]\n\tcommitEncoding = ISO-8859-1\n"
    )
    home.chmod(0o555)
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TZ": "Pacific/Chatham",
        "LANG": "C",
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONHASHSEED": "7",
        "PYTHONDONTWRITEBYTECODE": "1",
        "GIT_AUTHOR_NAME": "Nobody",
        "GIT_AUTHOR_DATE": "2001-01-01T00:00:00Z",
        "GIT_COMMITTER_DATE": "2001-01-01T00:00:00Z",
        "GIT_DIR": str(tmp_path / "elsewhere"),
        "GIT_TEMPLATE_DIR": str(hooks),
        "GIT_DEFAULT_HASH": "sha256",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.hooksPath",
        "GIT_CONFIG_VALUE_0": str(hooks),
    }
    mask = os.umask(0o077)
    try:
        run = build(tmp_path / "repo", **env)
    finally:
        os.umask(mask)
        home.chmod(0o755)
    assert (run.returncode, run.stdout.strip()) == (0, HEAD), run.stderr
    other = Repo(tmp_path / "repo")
    assert other("show-ref") == repo("show-ref")
    assert other("symbolic-ref", "HEAD") == "refs/heads/main"
    assert other("status", "--porcelain") == ""
    assert [path.name for path in home.iterdir()] == [".gitconfig"]
    assert (tmp_path / "repo/docs/für-gärtnerinnen.md").read_bytes() == (
        repo.path / "docs/für-gärtnerinnen.md"
    ).read_bytes()


def test_another_date_is_another_repository(told, tmp_path):
    """Known bad: one minute of one commit changes the sha, and the script says so."""
    chapter = told / "story/2-february.story"
    text = chapter.read_text(encoding="utf-8")
    chapter.write_text(text.replace("2025-02-19 10:02 -0330", "2025-02-19 10:03 -0330"))
    run = build(tmp_path / "repo", told / "build.py")
    assert run.returncode == 1
    assert run.stdout.strip() not in ("", HEAD)
    assert "--accept" in run.stderr


@pytest.mark.parametrize(
    ("chapter", "old", "new", "message"),
    [
        ("2-february", "--- write seedpost/api.py", "--- delete README.md", "both sides changed"),
        ("1-january", "-LENT-01,Kali", "-LENT-99,Kali", "has these lines 0 times"),
        ("1-january", "| nirjala\nA lentil", "| nobody\nA lentil", "no 'nobody'"),
        ("4-april", "| revert barcode", "| revert never", "no commit 'never'"),
        ("4-april", "\n--- event 033", "\n--- invent 033", "unknown verb 'invent'"),
        ("4-april", "| revert barcode", "| undo barcode", "unknown option"),
    ],
)
def test_a_story_that_does_not_hold_is_refused(told, tmp_path, chapter, old, new, message):
    """A slip in the story stops the build with its place; nothing half is left behind."""
    path = told / f"story/{chapter}.story"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    run = build(tmp_path / "repo", told / "build.py")
    assert run.returncode == 2
    assert message in run.stderr
    assert re.search(rf"{chapter}\.story:\d+", run.stderr)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["told"]


def test_it_is_whole(repo):
    """Given `git fsck --strict`, no complaint; and the work tree is what was committed."""
    assert repo("fsck", "--strict", "--full", "--no-progress") == ""
    assert repo("status", "--porcelain", "--ignored") == ""
    sizes = [int(s) for s in repo.lines("ls-tree", "-r", "--format=%(objectsize)", "HEAD")]
    assert sum(sizes) < 400_000


# -- people -----------------------------------------------------------------------------


def test_five_people_and_a_bot_under_ten_names(repo):
    """Without .mailmap they are ten; it joins the aliases."""
    raw = Counter(repo.lines("log", "--all", "--format=%an <%ae>"))
    joined = Counter(repo.lines("log", "--all", "--format=%aN <%aE>"))
    assert len(raw) == 10
    assert sorted(name.partition(" <")[0] for name in joined) == [
        "Cal Brindabel",
        "Maren Oduya-Holt",
        "Nirjala Kepchaki",
        "Tobiah Lisk",
        "seedbot[bot]",
        "Øydis Fjærlund",
    ]
    aliases = "<maren@kitchen-laptop.local>", "Maren Holt <m.holt@oldmill.example>"
    assert set(repo.lines("check-mailmap", *aliases)) == {
        "Maren Oduya-Holt <maren@seedpost.example>"
    }


def test_one_commit_was_committed_by_another(repo):
    """Tobiah's patch came by mail; a trailer names a second author elsewhere."""
    authors = [
        line.split("|")
        for line in repo.lines("log", "--all", "--format=%H|%aN|%cN|%ai|%ci")
        if line.split("|")[1] != line.split("|")[2]
    ]
    assert [(a, c) for _, a, c, _, _ in authors] == [("Tobiah Lisk", "Maren Oduya-Holt")]
    trailers = repo.lines("log", "--format=%(trailers:key=Co-authored-by,valueonly)")
    assert [t for t in trailers if t] == ["Nirjala Kepchaki <nirjala@seedpost.example>"]


# -- time -------------------------------------------------------------------------------


def test_five_months_and_many_offsets(repo):
    """The story runs from January to June, in offsets that are no whole hours, with DST."""
    dates = [datetime.fromisoformat(d) for d in repo.lines("log", "--all", "--format=%aI")]
    assert (min(dates).date().isoformat(), max(dates).date().isoformat()) == (
        "2025-01-06",
        "2025-06-06",
    )
    assert {f"{d:%z}" for d in dates} == {
        "+0000", "+0100", "+0200", "+0545", "-0330", "-0230", "+1030", "+0930"
    }  # fmt: skip
    assert any(d.astimezone(dates[0].tzinfo).date() != d.date() for d in dates)


def test_one_commit_is_older_than_its_parent(repo):
    """The school's clock lost days, once; all other commits follow their parents."""
    times, odd = {}, []
    for line in repo.lines("log", "--all", "--reverse", "--topo-order", "--format=%H %ct %P"):
        sha, when, *parents = line.split()
        times[sha] = int(when)
        odd += [sha for parent in parents if times[parent] > times[sha]]
    assert odd == [repo.find("Sort the shelf by crop")]


# -- histories --------------------------------------------------------------------------


def test_about_a_hundred_commits_six_merges_two_open_branches(repo):
    """The graph has merges, an experiment that was dropped, and a proposal still open."""
    assert len(repo.lines("rev-list", "--all")) == 106
    assert len(repo.lines("rev-list", "--merges", "HEAD")) == 6
    assert repo.lines("for-each-ref", "--format=%(refname:short)", "refs/heads") == [
        "main",
        "propose/049-fridge",
        "sqlite-ledger",
    ]
    assert len(repo.lines("rev-list", "main..sqlite-ledger")) == 2


def test_one_merge_was_a_conflict(repo):
    """Merging again, git stops at the three files which a person settled."""
    conflicts = {}
    for line in repo.lines("rev-list", "--merges", "--parents", "HEAD"):
        merge, *parents = line.split()
        told = repo("merge-tree", "--write-tree", "--name-only", *parents, check=False)
        names = told.split("\n\n")[0].splitlines()[1:]
        if names:
            conflicts[merge] = names
    sha = repo.find("Merge branch 'weigh-small-seed'")
    assert conflicts == {sha: ["docs/api.md", "seedpost/api.py", "tests/test_api.py"]}


def test_a_file_renamed_twice_and_its_name_used_again(repo):
    """store.py → shelf.py → inventory.py; in between, another store.py."""
    log = repo.lines(
        "log", "--reverse", "--diff-filter=AR", "-M", "--name-status", "--format=", "--",
        "seedpost/store.py", "seedpost/shelf.py", "seedpost/inventory.py",
    )  # fmt: skip
    assert [re.sub(r"^R\d+", "R", line) for line in log if line] == [
        "A\tseedpost/store.py",
        "R\tseedpost/store.py\tseedpost/shelf.py",
        "A\tseedpost/store.py",
        "R\tseedpost/shelf.py\tseedpost/inventory.py",
    ]
    followed = repo.lines("log", "--follow", "--format=%s", "--", "seedpost/inventory.py")
    assert followed[-1] == "Fold the ledger into what is on the shelf"
    assert (repo.path / "seedpost/store.py").is_file()


def test_reverts_an_empty_commit_a_bulk_commit(repo):
    """Code and an event were reverted; one commit changes nothing, one nearly every file."""
    reverts = repo.lines("log", "--format=%s", "--grep=^Revert ")
    assert reverts == [
        'Revert "Scan the barcode of a packet with the camera"',
        'Revert "Observation: kale seed keeps ten years"',
    ]
    barcode = repo.find("Scan the barcode")
    assert f"This reverts commit {barcode}." in repo(
        "log", "-1", "--format=%b", repo.find("Revert .Scan")
    )
    plain = repo.lines("rev-list", "--no-merges", "HEAD")
    changed = {sha: repo.lines("diff-tree", "--root", "-r", "--no-commit-id", sha) for sha in plain}
    assert [sha for sha, files in changed.items() if not files] == [repo.find("Start the nightly")]
    assert {sha: len(files) for sha, files in changed.items() if len(files) > 15} == {
        repo.find("Put a licence"): 21
    }


def test_tags(repo):
    """Two versions are annotated; sessions are marked by lightweight tags."""
    tags = dict(
        line.split()
        for line in repo.lines(
            "for-each-ref", "--format=%(refname:short) %(objecttype)", "refs/tags"
        )
    )
    assert [tag for tag, kind in tags.items() if kind == "tag"] == ["v0.1.0", "v0.2.0"]
    assert tags["session-20250314-224000-start"] == "commit"
    assert len(tags) == 13


def test_odd_files(repo):
    """A path beyond ASCII, a picture whose lines cannot be counted, a script."""
    modes = dict(
        reversed(line.split(" ", 1))
        for line in repo.lines("ls-tree", "-r", "--format=%(objectmode) %(path)", "HEAD")
    )
    assert "docs/für-gärtnerinnen.md" in modes
    assert [path for path, mode in modes.items() if mode == "100755"] == ["bin/backup.sh"]
    numbers = repo("show", "--numstat", "--format=", repo.find("Show what a label"))
    assert "-\t-\tdocs/label.png" in numbers
    assert (repo.path / "docs/label.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_files_that_change_together(repo):
    """The desk is the hotspot among the code, and travels with its tests and its page."""
    touched, shared = Counter(), Counter()
    for sha in repo.lines("rev-list", "--no-merges", "HEAD"):
        files = set(repo.lines("diff-tree", "--root", "-r", "--no-commit-id", "--name-only", sha))
        touched.update(files)
        shared["triple"] += {"seedpost/api.py", "tests/test_api.py", "docs/api.md"} <= files
    code = Counter({path: n for path, n in touched.items() if path.endswith(".py")})
    assert {path for path, _ in code.most_common(2)} == {"seedpost/api.py", "tests/test_api.py"}
    assert (touched["seedpost/api.py"], shared["triple"]) == (11, 11)


def test_its_own_tests_pass(repo):
    """The code of the story works."""
    run = subprocess.run(
        [sys.executable, "-B", "-m", "unittest", "-q"],
        cwd=repo.path,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert "Ran 30 tests" in run.stderr


# -- events -----------------------------------------------------------------------------


def loaded(repo, revision="HEAD"):
    """Return the event files of a commit that are JSON, and the names of those that are not."""
    good, bad = {}, []
    for path in repo.lines("ls-tree", "-r", "--name-only", revision, EVENTS):
        try:
            good[path.removeprefix(EVENTS)] = json.loads(repo("show", f"{revision}:{path}"))
        except ValueError:
            bad.append(path.removeprefix(EVENTS))
    return good, bad


def test_event_files_are_named_after_what_they_say(repo):
    """Date, number and type stand in the name; one file breaks off."""
    good, bad = loaded(repo)
    assert bad == ["2025-05-09-044-observation-captured.json"]
    for name, event in good.items():
        kind = event["event_type"].replace("_", "-")
        assert name == f"{event['timestamp'][:10]}-{event['sequence']:03d}-{kind}.json"
        assert event["event_id"] == f"evt_{event['sequence']:03d}"
        assert datetime.fromisoformat(event["timestamp"]).tzinfo is not None
    assert Counter(event["event_type"] for event in good.values()) == {
        "decision_made": 16,
        "observation_captured": 14,
        "pattern_identified": 3,
        "belief_formed": 2,
        "seed_swap_held": 1,
    }


def test_two_events_have_the_number_42(repo):
    """Two branches took the same number; git merged both."""
    good, _ = loaded(repo)
    numbers = Counter(event["event_id"] for event in good.values())
    assert [number for number, n in numbers.items() if n > 1] == ["evt_042"]
    types = {event["event_type"] for event in good.values() if event["event_id"] == "evt_042"}
    assert types == {"pattern_identified", "decision_made"}


def test_decisions_that_contradict_each_other_get_their_context(repo):
    """On 15 March two decisions exclude each other; since the 18th each says where it holds."""

    def decisions(revision):
        good, _ = loaded(repo, revision)
        return [good[name]["payload"] for name in sorted(good) if re.search("-01[68]-", name)]

    before = decisions(repo.find("Note: a ledger that would not close"))
    assert [d["decision"] for d in before] == [
        "A packet is always returned by 31 October.",
        "A packet is always returned by 30 April, never in October.",
    ]
    assert [bool(d.get("context")) for d in before] == [False, False]
    assert [bool(d.get("context")) for d in decisions("HEAD")] == [True, True]


def test_what_is_taken_back(repo):
    """The neighbour's ten years are gone from the tree; two events supersede older ones."""
    good, _ = loaded(repo)
    assert not [name for name in good if "-014-" in name]
    superseded = {
        event["event_id"]: event["payload"]["supersedes"]
        for event in good.values()
        if "supersedes" in event["payload"]
    }
    assert superseded == {"evt_039": "evt_034", "evt_045": "evt_009"}


def test_no_event_is_committed_before_it_happened(repo):
    """An event's time lies before the commit that brought its file, by an hour at most."""
    for path in repo.lines("ls-tree", "-r", "--name-only", "HEAD", EVENTS):
        if "-044-" in path:
            continue
        first = repo.lines("log", "--diff-filter=A", "--no-renames", "--format=%aI %H", "--", path)[
            -1
        ]
        when, sha = first.split()
        event = json.loads(repo("show", f"{sha}:{path}"))
        waited = datetime.fromisoformat(when) - datetime.fromisoformat(event["timestamp"])
        assert timedelta(0) <= waited <= timedelta(hours=3), path


@pytest.mark.parametrize(
    ("number", "subject", "days"),
    [
        ("001", "Add the ledger", 4),
        ("004", "Write the instant of a loan", 2),
        ("007", "Lend in seeds or in grams", 4),
        ("010", "Lend three packets at most", 4),
        ("013", "Print labels from a file", 7),
        ("016", "Tell on the day of the loan", 4),
        ("020", "Compute the day on which seed is due", 3),
        ("024", "Refuse to lend seed", 8),
        ("034", "Scan the barcode", 4),
        ("039", "Revert .Scan the barcode", 1),
        ("042", "Name the function on every page", 9),
        ("046", "Rename shelf to inventory", 3),
        ("048", "Hold the next packet", 2),
    ],
)
def test_a_decision_is_followed_by_the_commit_that_does_it(repo, number, subject, days):
    """Signal for causality: within two weeks, in whole days rounded up."""
    good, _ = loaded(repo)
    decided = [
        datetime.fromisoformat(event["timestamp"])
        for event in good.values()
        if event["event_id"] == f"evt_{number}" and event["event_type"] == "decision_made"
    ]
    done = datetime.fromisoformat(repo("log", "-1", "--format=%aI", repo.find(subject)))
    assert len(decided) == 1
    assert -((decided[0] - done) // timedelta(days=1)) == days


# -- sessions ---------------------------------------------------------------------------


def notes(repo):
    return {p.name: p.read_text(encoding="utf-8") for p in (repo.path / "layer/sessions").iterdir()}


def test_notes_of_all_eras(repo):
    """Each header that was ever in use is there."""
    eras = Counter()
    for name, text in notes(repo).items():
        if name.endswith("-init.md"):
            eras["init"] += 1
        elif text.startswith("---\n"):
            eras["yaml"] += 1
        elif "**Start Timestamp**" in text:
            eras["start timestamp"] += 1
        elif "**Git Branch**" in text:
            eras["git"] += 1
        else:
            eras["session" if text.startswith("# Session:") else "free"] += 1
    assert eras == {"free": 2, "init": 1, "session": 2, "git": 5, "start timestamp": 2, "yaml": 4}


def test_a_notes_name_is_local_and_its_start_is_utc(repo):
    """The difference is the author's offset on that day, as in the commit that added it."""
    offsets = set()
    for name, text in notes(repo).items():
        started = re.search(r"(?:\*\*Started\*\*|created): (\S+)", text)
        if not started:
            continue
        local = datetime.strptime(name[:15] + "+0000", "%Y%m%d-%H%M%S%z")
        offset = local - datetime.fromisoformat(started[1])
        added = repo("log", "-1", "--diff-filter=A", "--format=%aI", "--", f"layer/sessions/{name}")
        assert datetime.fromisoformat(added).utcoffset() == offset, name
        assert datetime.fromisoformat(added) > datetime.fromisoformat(started[1]), name
        if stamp := re.search(r"(?:\*\*Start Timestamp\*\*|start_timestamp): (\d+)", text):
            assert int(stamp[1]) == datetime.fromisoformat(started[1]).timestamp() * 1000
        offsets.add(offset)
    assert len(offsets) == 6


def test_notes_name_commits_that_exist(repo):
    """Every sha in a note is a commit of this repository, older than the note."""
    for name, text in notes(repo).items():
        for sha in re.findall(r"\b(?=[0-9a-f]*[a-f])[0-9a-f]{7,40}\b", text):
            assert repo("cat-file", "-t", sha) == "commit", (name, sha)
        if start := re.search(r"(?:\*\*Starting Commit\*\*|starting_commit): (\S+)", text):
            tag = re.search(r"(?:\*\*Session Tag\*\*|start_tag): (\S+)", text)
            assert repo("rev-parse", tag[1]) == start[1], name
    assert "«" not in "".join(notes(repo).values())


def test_one_session_runs_past_midnight(repo):
    """Its blocks go from 23:55 to 00:35."""
    text = notes(repo)["20250314-224000.md"]
    assert re.findall(r"^### (\d\d:\d\d)", text, re.M)[:4] == ["22:40", "23:20", "23:55", "00:35"]


# -- the package's door -----------------------------------------------------------------


def test_teaching_builds_once_and_reuses(tmp_path, monkeypatch):
    """The folder below PATINA_HOME is named after the content; the second call only looks."""
    monkeypatch.setenv("PATINA_HOME", str(tmp_path))
    folder = datasets.teaching()
    assert folder == tmp_path / "datasets" / f"teaching-{HEAD[:12]}"
    before = (folder / ".git").stat().st_ino
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert datasets.teaching() == folder
    assert (folder / ".git").stat().st_ino == before


def test_teaching_keeps_its_hands_off_other_folders(tmp_path):
    """A folder with something else in it is left alone, and the error says what to do."""
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="new or empty"):
        datasets.teaching(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_teaching_notices_a_moved_head(tmp_path):
    """Given the teaching repository at another commit, it is not silently reused."""
    folder = datasets.teaching(tmp_path / "repo")
    Repo(folder)("checkout", "--quiet", "v0.1.0")
    with pytest.raises(UsageError, match="checkout main"):
        datasets.teaching(folder)


def test_a_wheel_has_no_data(tmp_path, monkeypatch):
    """Without the script the error names the next step."""
    monkeypatch.setattr(datasets, "BUILD", tmp_path / "build.py")
    with pytest.raises(UsageError, match="Clone patina-lab"):
        datasets.teaching(tmp_path / "repo")


# -- its README -------------------------------------------------------------------------


def test_the_readme_names_commits_and_files_that_exist(repo):
    """Every sha and every path in the README is one of this repository or of the story."""
    text = (HERE / "README.md").read_text(encoding="utf-8")
    shas = re.findall(r"`([0-9a-f]{7})`", text)
    assert len(shas) > 40
    for sha in shas:
        assert repo("cat-file", "-t", sha, check=False) == "commit", sha
    paths = re.findall(r"`((?:seedpost|tests|docs|bin|data)/[^`]*)`", text)
    assert [path for path in paths if not (repo.path / path).exists()] == []
