"""What a project knows, as tables: of a commit, a time, the work tree, this clone alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from notation import Repo, isolated

import patina_lab as pt
from patina_lab.cli import main
from patina_lab.errors import InvalidOption, NoLog, UnknownName, UsageError
from patina_lab.project import materialize as materialize_
from patina_lab.project.places import LOCAL_EVENTS, SHARED_EVENTS


def event(text: str, when: str = "2025-11-07T12:00:00Z", **more: Any) -> bytes:
    """Return the bytes of an observation's file."""
    payload = {"content": text, **more}
    return json.dumps(
        {"event_id": "evt_042", "event_type": "observation_captured", "timestamp": when,
         "author": "ann", "payload": payload}
    ).encode()  # fmt: skip


class Project:
    """A work tree in the hands of a test."""

    def __init__(self, place: Path) -> None:
        self.repo = Repo.init(place)
        self.commit()

    def write(self, path: str, content: bytes) -> None:
        place = self.repo.path / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)

    def shared(self, name: str, content: bytes) -> None:
        self.write(f"{SHARED_EVENTS}/{name}", content)

    def commit(self) -> str:
        self.repo.git("add", "-A")
        self.repo.git("commit", "-q", "--allow-empty", "-m", "Work")
        return self.repo.sha()

    @property
    def lab(self) -> pt.Lab:
        return pt.open(self.repo.path)

    def known(self, **options: Any) -> set[str]:
        """Return what the observations say."""
        rows = self.lab.materialize(**options).knowledge.rows("observations")
        return {row["content"] for row in rows}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


def test_of_a_commit_and_of_a_time(project: Project) -> None:
    """A commit asks for its tree; a date for what had happened by its end; neither for notes."""
    project.shared("a.json", event("early", "2025-11-07T23:59:59Z"))
    first = project.commit()
    project.repo.git("tag", "v1")
    project.shared("b.json", event("late", "2025-11-08T00:00:00Z"))
    project.commit()
    project.write(f"{LOCAL_EVENTS}/n.json", event("mine"))
    assert project.known() == {"early", "late", "mine"}
    assert project.known(local=False) == {"early", "late"}
    assert project.known(at="v1") == project.known(at=first) == {"early"}
    assert project.known(at="2025-11-07") == {"early"}
    assert project.known(at="2025-11-08T00:00:00Z") == {"early", "late"}
    assert project.known(at="2025-11-06") == set()
    project.known()
    assert {row["content"] for row in project.lab.knowledge.rows("observations")} == {
        "early", "late", "mine"
    }  # fmt: skip
    assert project.lab.materialize(at="v1").how == "unchanged"


def test_a_lab_as_of_a_moment_knows_what_was_known_then(project: Project) -> None:
    """Law 4 for what a project knows: a slice never sees the future, nor anybody's notes."""
    project.shared("a.json", event("early", "2025-11-07T23:59:59Z"))
    first = project.commit()
    project.shared("b.json", event("late", "2025-11-08T00:00:00Z"))
    project.shared("c.json", event("merged later", "2025-11-01T00:00:00Z"))
    project.commit()
    project.write(f"{LOCAL_EVENTS}/n.json", event("mine", "2025-11-01T00:00:00Z"))
    lab = project.lab
    lab.scrape(progress=False)

    def known(then: pt.Lab) -> set[str]:
        return set(then.knowledge.observations["content"])

    assert known(lab.as_of("2025-11-07")) == {"early", "merged later"}
    assert known(lab.as_of(first)) == {"early"}
    assert known(lab.as_of(first).as_of("2025-11-06")) == set()
    with pytest.raises(InvalidOption, match="Leave out one"):
        lab.materialize(at="2025-11-07", until="2025-11-08")


def test_two_clones_know_the_same(project: Project, tmp_path: Path) -> None:
    """Law 1 for what a project knows: digest and rows, also of a bare clone."""
    for n in range(6):
        project.shared(f"{n}.json", event(f"o {n % 4}", day(n), domains=["a"]))
        project.commit()
        project.lab.materialize()
    here = project.lab.materialize(local=False).knowledge
    for name, options in (("one", ()), ("two", ("--bare",))):
        clone = project.repo.clone(tmp_path / name, *options)
        there = pt.open(clone.path).materialize().knowledge
        assert there.state.digest == here.state.digest
        for table in ("events", "observations", "event_files"):
            assert there.rows(table) == here.rows(table)


WORDS = st.sampled_from(["a", "A.", "b", "c"])
WHENS = st.integers(0, 6)


def day(n: int) -> str:
    return f"2025-11-{n + 1:02d}T12:00:00Z"


@settings(max_examples=max(settings.default.max_examples // 4, 1))
@given(past=st.lists(st.tuples(WORDS, WHENS), max_size=4), future=st.lists(WORDS, max_size=3))
def test_a_time_never_sees_the_future(
    tmp_path_factory: pytest.TempPathFactory, past: list, future: list
) -> None:
    """What happens later changes nothing in the tables of an earlier day."""
    project = Project(tmp_path_factory.mktemp("future") / "project")
    for n, (text, when) in enumerate(past):
        project.shared(f"p{n}.json", event(text, day(when), note=n))
    project.commit()

    def rows() -> list[Any]:
        known = project.lab.materialize(at="2025-11-07").knowledge
        return [known.rows(table) for table in ("events", "observations", "extraction_state")]

    before = rows()
    for n, text in enumerate(future):
        project.shared(f"f{n}.json", event(text, "2025-11-20T12:00:00Z", source_type="session"))
    project.commit()
    assert rows() == before


def test_control_tables_that_see_the_future_are_caught(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same comparison sees a derivation that leaves the time out."""
    made = materialize_.statements
    monkeypatch.setattr(
        materialize_,
        "statements",
        lambda name: [s.replace("f.occurred_us < $until_us", "true") for s in made(name)],
    )
    project.shared("a.json", event("late", "2025-11-20T12:00:00Z"))
    project.commit()
    assert project.known(at="2025-11-07") == {"late"}


def test_of_the_work_tree(project: Project) -> None:
    """Added, edited, removed, staged or not; and all of it is gone again without it."""
    for name in ("edited", "removed", "kept"):
        project.shared(f"{name}.json", event(name))
    project.commit()
    project.shared("edited.json", event("better"))
    project.shared("new.json", event("new"))
    (project.repo.path / SHARED_EVENTS / "removed.json").unlink()
    assert project.known(worktree=True) == {"better", "new", "kept"}
    assert project.known() == {"edited", "removed", "kept"}
    (project.repo.path / SHARED_EVENTS / "new.json").unlink()
    project.repo.git("checkout", "--", f"{SHARED_EVENTS}/edited.json")
    assert project.known(worktree=True) == {"edited", "kept"}
    assert project.known() == {"edited", "removed", "kept"}
    with pytest.raises(InvalidOption, match="at names something else"):
        project.lab.materialize(worktree=True, at="HEAD")


def test_before_the_first_commit(tmp_path: Path) -> None:
    """There is nothing shared yet, and notes are known all the same."""
    repo = Repo.init(tmp_path / "new")
    lab = pt.open(repo.path)
    with pytest.raises(NoLog, match=r"lab\.materialize\(\)"):
        _ = lab.knowledge
    lab.observe("We validate input", author="ann")
    made = lab.materialize()
    assert made.state.source_sha is None
    assert list(made.knowledge.observations["content"]) == ["We validate input"]
    assert "no commit yet" in repr(made)


def test_a_note_that_was_proposed_is_one_observation(project: Project) -> None:
    """The same words of the same author, private and shared: the team's row, once."""
    project.write(f"{LOCAL_EVENTS}/n.json", event("Add retry logic"))
    project.shared("a.json", event("add retry logic.", "2025-11-06T12:00:00Z"))
    project.commit()
    (row,) = project.lab.materialize().knowledge.rows("observations")
    assert (row["layer"], row["content"], len(row["events"])) == (
        "shared", "add retry logic.", 2
    )  # fmt: skip


def test_what_is_no_event_is_quarantined_and_stops_no_other(project: Project) -> None:
    """Each file with its reason; links are not followed; names are only names."""
    hostile = {
        "torn.json": b'{"event_id": ',
        "deep.json": b'{"payload":' + b"[" * 100_000,
        "binary.json": bytes(range(256)),
        "large.json": b" " * (5 << 20),
        "twice.json": b'{"a": 1, "a": 2}',
        "nan.json": event("x").replace(b'"x"', b"NaN"),
        "surrogate.json": event("x").replace(b'"x"', b'"\\ud800"'),
        "number.json": event("x").replace(b'"x"', b"1" * 5000),
        "version.json": event("x")[:-1] + b', "schema_version": "new"}',
        "name ' \" $x.json": b"[]",
        "sub/ü.json": b"",
    }
    for name, content in hostile.items():
        project.shared(name, content)
        project.write(f"{LOCAL_EVENTS}/{name}", content)
    for folder in (SHARED_EVENTS, LOCAL_EVENTS):
        (project.repo.path / folder / "link.json").symlink_to("/etc/passwd")
    project.shared("good.json", event("good\0 text"))
    project.shared("future.json", event("later")[:-1] + b', "schema_version": 99999999999}')
    project.commit()
    os.mkfifo(project.repo.path / LOCAL_EVENTS / "pipe.json")
    (project.repo.path / LOCAL_EVENTS / "folder.json").mkdir()
    made = project.lab.materialize()
    assert {row["content"] for row in made.knowledge.rows("observations")} == {
        "good\0 text", "later"
    }  # fmt: skip
    bad = made.knowledge.quarantine
    assert len(bad) == made.quarantined == 2 * (len(hostile) + 1)
    assert bad["detail"].str.len().min() > 5
    assert "root:" not in " ".join(bad["detail"])
    assert set(bad[bad["event_file"].str.contains("link")]["reason"]) == {"symbolic link"}


def test_a_commit_that_history_lost_marks_what_was_drawn_from_it(project: Project) -> None:
    """Of a commit and of a note; the id of a session says nothing of a file."""
    project.write("layer/sessions/one.md", b"# Session\n")
    sha = project.commit()
    for n, (kind, source) in enumerate(
        [("commit", sha), ("session", "layer/sessions/one.md"), ("session", "20251107-1200"),
         ("commit", "abc123"), ("session", "../../etc/passwd")]
    ):  # fmt: skip
        project.shared(f"{n}.json", event(f"o{n}", source_type=kind, source_id=source))
    project.commit()

    def gone() -> set[str]:
        rows = project.lab.materialize().knowledge.rows("observations")
        return {row["content"] for row in rows if row["deleted"]}

    assert gone() == set()
    tree = project.repo.git("rev-parse", "HEAD^{tree}")
    project.repo.git("reset", "-q", "--soft", project.repo.git("commit-tree", "-m", "New", tree))
    assert gone() == {"o0"}
    project.repo.git("rm", "-q", "layer/sessions/one.md")
    project.commit()
    assert gone() == {"o0", "o1"}
    project.write("layer/sessions/one.md", b"# Not committed yet\n")
    project.shared("more.json", event("more"))
    project.commit()
    assert gone() == {"o0"}


def test_a_blob_that_comes_later_is_read_then(project: Project, tmp_path: Path) -> None:
    """A missing object is quarantined, and looked for again without another commit."""
    project.shared("a.json", event("there"))
    project.shared("b.json", event("missing"))
    project.commit()
    blob = project.repo.git("rev-parse", f"HEAD:{SHARED_EVENTS}/b.json")
    place = project.repo.path / ".git/objects" / blob[:2] / blob[2:]
    aside = place.rename(tmp_path / "aside")
    made = project.lab.materialize()
    assert list(made.knowledge.quarantine["reason"]) == ["missing object"]
    assert project.known() == {"there"}
    aside.rename(place)
    assert project.known() == {"there", "missing"}
    assert project.lab.materialize().how == "unchanged"


def test_tables_that_were_damaged_are_made_again(project: Project) -> None:
    """Cut off, overwritten, or with a pointer that is none: all is derived."""
    project.shared("a.json", event("there"))
    project.commit()
    lab = project.lab
    folder = lab._knowledge
    lab.materialize()
    (file,) = folder.glob("*.duckdb")
    file.write_bytes(b"x" * file.stat().st_size)
    project.shared("b.json", event("more"))
    project.commit()
    made = lab.materialize()
    assert (made.how, made.why) == ("full", "damaged")
    (folder / "current.json").write_text("{")
    assert lab.materialize().why == "first"
    assert project.known() == {"there", "more"}


def test_a_reader_keeps_what_it_has_open(project: Project) -> None:
    """Another process materializes; this one still reads its tables, and then the new ones."""
    project.shared("a.json", event("there"))
    project.commit()
    lab = project.lab
    known = lab.materialize().knowledge
    project.shared("b.json", event("more"))
    project.commit()
    script = "import sys, patina_lab as pt; print(pt.open(sys.argv[1]).materialize().how)"
    env = isolated(PATINA_HOME=os.environ["PATINA_HOME"])
    done = subprocess.run(
        [sys.executable, "-c", script, str(project.repo.path)],
        env=env, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "incremental"
    assert len(known.observations) == 1
    assert len(lab.knowledge.observations) == 2


def test_asking_in_sql(project: Project) -> None:
    """Over all tables; a wrong name is answered with the nearest right one."""
    project.shared("a.json", event("there", domains=["rust", "net"]))
    project.commit()
    known = project.lab.materialize().knowledge
    found = known.sql(
        "SELECT o.content, e.author FROM observations o JOIN events e ON list_contains(o.events, "
        "e.id) WHERE list_contains(o.domains, 'rust')"
    )
    assert found.values.tolist() == [["there", "ann"]]
    assert known.observations.attrs["digest"] == known.state.digest
    assert known.rel("events").query("SELECT count(*) AS n FROM events").df()["n"].item() == 1
    with pytest.raises(UnknownName, match="observations"):
        known.df("observation")
    with pytest.raises(UsageError):
        known.sql("SELECT nothing FROM observations")
    assert repr(known).splitlines()[:2] == ["Knowledge", "  observations  1"]
    assert "<table>" in known._repr_mimebundle_()["text/html"]


@pytest.mark.parametrize(
    ("policy", "events", "bad"), [("keep", 1, 0), ("warn", 1, 0), ("fail", 0, 1)]
)
def test_the_commit_says_where_events_lie_and_what_unknown_types_are(
    project: Project, policy: str, events: int, bad: int
) -> None:
    """``[tool.patina_lab]`` of the commit; another policy makes everything anew."""
    project.write("notes/a.json", event("x").replace(b"observation_captured", b"tea_brewed"))
    project.shared("elsewhere.json", event("not here"))
    project.commit()
    project.lab.materialize()
    text = f'[tool.patina_lab]\nevents = "notes"\nunknown = "{policy}"\n'
    project.write("pyproject.toml", text.encode())
    project.commit()
    made = project.lab.materialize()
    assert (made.how, made.why) == ("full", "other code or options")
    assert (made.state.events, made.quarantined) == (events, bad)
    if events:
        (row,) = made.knowledge.rows("events")
        assert (row["event_type"], row["known"]) == ("tea_brewed", False)


def test_processes_that_materialize_at_once_all_end_with_the_same(project: Project) -> None:
    """One after the other, under a lock; nobody is turned away, nothing is lost."""
    for n in range(20):
        project.shared(f"{n}.json", event(f"o {n}"))
    project.commit()
    script = "import sys, patina_lab as pt; print(pt.open(sys.argv[1]).materialize().state.events)"
    env = isolated(PATINA_HOME=os.environ["PATINA_HOME"])
    running = [
        subprocess.Popen([sys.executable, "-c", script, str(project.repo.path)], env=env,
                         stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]  # fmt: skip
    assert [process.communicate()[0].strip() for process in running] == ["20"] * 3
    assert len(project.lab.knowledge.observations) == 20


def test_on_the_command_line(project: Project) -> None:
    """Counts, and the same as JSON."""
    project.shared("a.json", event("there"))
    project.shared("b.json", b"{")
    project.commit()
    args = ["materialize", "--repo", str(project.repo.path)]
    said = CliRunner().invoke(main, args)
    assert said.exit_code == 0
    assert "full (first)" in said.output
    assert "+2 -0" in said.output
    value = json.loads(CliRunner().invoke(main, [*args, "--force", "--json"]).output)
    assert (value["how"], value["why"], value["quarantined"]) == ("full", "forced", 1)
    wrong = CliRunner().invoke(main, [*args, "--at", "nowhere", "--json"])
    assert wrong.exit_code == 2
    then = ["--at", "HEAD", "--until", "1970-01-01", "--json"]
    assert json.loads(CliRunner().invoke(main, [*args, *then]).output)["events"] == 0


def test_nothing_is_written_into_the_project(project: Project) -> None:
    """Tables lie in the user's own folder; they can be deleted at any time."""
    project.shared("a.json", event("there"))
    project.commit()

    def every() -> dict[str, bytes]:
        return {str(p): p.read_bytes() for p in project.repo.path.rglob("*") if p.is_file()}

    before = every()
    project.known()
    project.known(worktree=True, force=True)
    project.known(at="2025-11-07")
    assert every() == before
