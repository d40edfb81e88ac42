"""Law 3 for projections: what was kept and brought up to date equals what is computed anew."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from notation import build_repo

import patina_lab as pt
from patina_lab.eventlog import materialize as m
from patina_lab.eventlog.eventlog import Eventlog
from patina_lab.eventlog.kept import kept, out_of_date
from patina_lab.projections import registry
from patina_lab.projections.projection import Additive, Projection
from patina_lab.projections.rel import compute

BASE = """
2025-03-01 git.commit ann a.py b.py
2025-03-03 git.commit bob b.py c.py
2025-03-05 git.commit ann a.py c.py
"""

STEPS = {
    "one more commit": BASE + "2025-03-06 git.commit bob a.py b.py\n",
    "a commit older than all": BASE + "2025-02-01 git.commit cyd a.py b.py z.py\n",
    "a merge of older work": BASE
    + "2025-03-02 git.commit cyd @topic b.py d.py\n2025-03-07 git.merge ann topic\n",
    "nothing": BASE,
    "a tag, which is in no digest": BASE + "2025-03-06 git.tag ann v1\n",
    "rewritten history": "2025-03-01 git.commit ann a.py\n2025-03-03 git.commit bob b.py c.py\n",
    "a name corrected": BASE + "2025-03-08 git.commit ann .mailmap\n    Robert <bob@example.org>\n",
    "two who are one": BASE
    + "2025-03-02 git.commit cyd b.py d.py\n"
    + "2025-03-08 git.commit ann .mailmap\n    Ann <ann@example.org> <bob@example.org>\n",
}

ADDITIVE = [p.name for p in registry.every() if p.additive is not None]


@pytest.fixture
def lab_of(tmp_path: Path):
    """Return a function that rewrites the repository as a text says, and scrapes it."""
    made = 0

    def build(text: str) -> pt.Lab:
        nonlocal made
        made += 1
        build_repo(text, tmp_path / f"repo-{made}")
        link = tmp_path / "repo"
        link.unlink(missing_ok=True)
        link.symlink_to(tmp_path / f"repo-{made}")
        lab = pt.open(tmp_path / f"repo-{made}", home=tmp_path / "home")
        lab.scrape(progress=False)
        return lab

    return build


def test_there_is_something_to_bring_up_to_date() -> None:
    assert {"co_changes", "hotspots", "author_expertise", "collaboration"} <= set(ADDITIVE)


@pytest.mark.parametrize("step", STEPS)
def test_incremental_equals_rebuild_for_every_projection(lab_of, tmp_path: Path, step: str) -> None:
    """Whatever happens to the history between the two."""
    folder = tmp_path / "kept"
    before = lab_of(BASE).log
    for projection in registry.every():
        m.materialize(before, projection, folder)
    after = lab_of(STEPS[step])
    for projection in registry.every():
        kept = m.materialize(after.log, projection, folder)
        pd.testing.assert_frame_equal(
            after.project(projection), kept.df(), check_dtype=False, check_flags=False
        )


def test_only_new_events_are_counted(lab_of, tmp_path: Path) -> None:
    first = m.materialize(lab_of(BASE).log, pt.co_changes, tmp_path)
    assert (first.how, first.added) == ("rebuilt", 3)
    older = lab_of(STEPS["a commit older than all"]).log
    second = m.materialize(older, pt.co_changes, tmp_path)
    assert (second.how, second.added) == ("incremental", 1)
    third = m.materialize(older, pt.co_changes, tmp_path)
    assert (third.how, third.added) == ("fresh", 0)


def test_what_went_is_not_counted_any_more(lab_of, tmp_path: Path) -> None:
    m.materialize(lab_of(BASE).log, pt.hotspots, tmp_path)
    after = m.materialize(lab_of(STEPS["rewritten history"]).log, pt.hotspots, tmp_path)
    assert after.how == "rebuilt"


def test_a_corrected_name_concerns_only_those_who_read_names(lab_of, tmp_path: Path) -> None:
    """A mailmap has the events of whom it corrects counted again; counts of files stay."""
    before = lab_of(BASE).log
    for projection in (pt.co_changes, pt.collaboration):
        m.materialize(before, projection, tmp_path)
    after = lab_of(STEPS["a name corrected"]).log
    kept = [m.materialize(after, each, tmp_path) for each in (pt.co_changes, pt.collaboration)]
    assert [(each.how, each.added) for each in kept] == [("incremental", 1), ("incremental", 2)]


def test_a_corrected_name_has_all_counted_where_no_key_is_an_author(lab_of, tmp_path: Path) -> None:
    """Nobody can say then which rows it concerns."""
    assert pt.collaboration.additive is not None
    unsaid = dataclasses.replace(pt.collaboration.additive, author="")
    projection = dataclasses.replace(pt.collaboration, additive=unsaid)
    m.materialize(lab_of(BASE).log, projection, tmp_path)
    after = lab_of(STEPS["a name corrected"])
    kept = m.materialize(after.log, projection, tmp_path)
    assert (kept.how, kept.added) == ("rebuilt", 4)
    pd.testing.assert_frame_equal(
        after.project(pt.collaboration), kept.df(), check_dtype=False, check_flags=False
    )


NAMED = [name for name in ADDITIVE if name != "co_changes"]
MAILMAPS = [
    "Robert <bob@example.org>",
    "Ann <ann@example.org> <bob@example.org>",
    "Ann <ann@example.org> <bob@example.org>; Ann <ann@example.org> <cyd@example.org>",
    "Cyd <cyd@example.org> <ann@example.org>",
    "",
    "Robert <rob@example.org> <bob@example.org>",
]


@pytest.mark.parametrize("most_parts", [2, 16])
def test_names_corrected_again_and_again(
    lab_of, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most_parts: int
) -> None:
    """People become one and two again; with each correction come commits of theirs."""
    monkeypatch.setattr(m, "MOST_PARTS", most_parts)
    text = BASE + "2025-03-06 git.commit cyd b.py e.py\n"
    for n, mailmap in enumerate(MAILMAPS):
        lab = lab_of(text)
        for name in NAMED:
            kept = m.materialize(lab.log, registry.find(name), tmp_path)
            assert kept.how == ("incremental" if n else "rebuilt")
            pd.testing.assert_frame_equal(
                lab.project(name), kept.df(), check_dtype=False, check_flags=False
            )
        lines = "".join(f"    {line}\n" for line in mailmap.split("; "))
        text += f"2025-03-{10 + 2 * n} git.commit ann .mailmap\n{lines}"
        text += f"2025-03-{11 + 2 * n} git.commit bob a.py e.py\n"


@pytest.mark.parametrize("lost", ["rows that left", "events that came again"])
def test_control_a_name_half_corrected_is_found_out(
    lab_of, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    """Known-bad: the old rows of those concerned stay; or their old events are not counted."""
    m.materialize(lab_of(BASE).log, pt.author_expertise, tmp_path)
    if lost == "rows that left":
        honest = m._merged
        monkeypatch.setattr(m, "_merged", lambda *args: honest(*args[:4], {}))
    else:
        monkeypatch.setattr(m, "_events_of", lambda *args: set())
    after = lab_of(STEPS["two who are one"])
    kept = m.materialize(after.log, pt.author_expertise, tmp_path).df()
    with pytest.raises(AssertionError):
        pd.testing.assert_frame_equal(
            after.project(pt.author_expertise), kept, check_dtype=False, check_flags=False
        )


def test_tables_of_one_log_are_compared_with_the_next_once(
    lab_of, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is new since the last log is the same for all of them."""
    before = lab_of(BASE).log
    for name in ADDITIVE:
        m.materialize(before, registry.find(name), tmp_path)
    asked = []
    honest = m._difference

    def counted(kept: list[Path], log: Eventlog) -> Any:
        asked.append(kept)
        return honest(kept, log)

    monkeypatch.setattr(m, "_difference", counted)
    after = lab_of(STEPS["one more commit"]).log
    how = [m.materialize(after, registry.find(name), tmp_path).how for name in ADDITIVE]
    assert (how, len(asked)) == (["incremental"] * len(ADDITIVE), 1)


def test_tables_of_one_partial_share_what_is_new(
    lab_of, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked of the log for the first of them; a large one is not held for the others."""
    of_author_files = ["author_expertise", "collaboration", "hotspots"]
    before = lab_of(BASE).log
    for most in (m.MOST_SHARED, 0):
        for name in of_author_files:
            m.materialize(before, registry.find(name), tmp_path / str(most))
    asked: list[str] = []
    honest = m._copy

    def copied(log: Eventlog, sql: str, target: Path) -> None:
        asked.append(target.name)
        honest(log, sql, target)

    monkeypatch.setattr(m, "_copy", copied)
    for most, times in ((m.MOST_SHARED, 1), (0, 3)):
        monkeypatch.setattr(m, "MOST_SHARED", most)
        after = lab_of(STEPS["one more commit"])
        asked.clear()
        for name in of_author_files:
            made = m.materialize(after.log, registry.find(name), tmp_path / str(most))
            pd.testing.assert_frame_equal(
                after.project(name), made.df(), check_dtype=False, check_flags=False
            )
        assert len(asked) == times


def test_what_was_kept_in_the_other_way_is_computed_anew(lab_of, tmp_path: Path) -> None:
    """A projection that is counted by parts no more, or from now on, without a new version."""
    log = lab_of(BASE).log
    whole = dataclasses.replace(pt.hotspots, additive=None)
    for projection, how in ((pt.hotspots, "rebuilt"), (whole, "batch"), (pt.hotspots, "rebuilt")):
        made = m.materialize(log, projection, tmp_path)
        again = m.materialize(log, projection, tmp_path)
        assert (made.how, again.how, len(made.df())) == (how, "fresh", 3)


def test_a_kept_table_knows_that_it_is_stale(lab_of, tmp_path: Path) -> None:
    log = lab_of(BASE).log
    assert m.is_stale(tmp_path, pt.hotspots, log)
    m.materialize(log, pt.hotspots, tmp_path)
    assert not m.is_stale(tmp_path, pt.hotspots, log)
    assert m.is_stale(tmp_path, pt.hotspots, log, min_commits=3)
    assert m.is_stale(tmp_path, pt.hotspots, lab_of(STEPS["one more commit"]).log)


def test_many_small_updates_are_merged_into_few_parts(
    lab_of, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(m, "MOST_PARTS", 2)
    text = BASE
    for day in range(10, 16):
        text += f"2025-03-{day} git.commit bob a.py c.py\n"
        lab = lab_of(text)
        kept = m.materialize(lab.log, pt.co_changes, tmp_path)
        pd.testing.assert_frame_equal(
            lab.project(pt.co_changes), kept.df(), check_dtype=False, check_flags=False
        )
        (folder,) = [p for p in tmp_path.iterdir() if p.name.startswith("co_changes-")]
        assert len(list(folder.glob("part-*"))) <= 2
        assert len(list(folder.glob("events-*"))) <= 2


def test_a_torn_state_is_computed_anew(lab_of, tmp_path: Path) -> None:
    log = lab_of(BASE).log
    kept = m.materialize(log, pt.co_changes, tmp_path).df()
    (folder,) = [p for p in tmp_path.iterdir() if p.name.startswith("co_changes-")]
    for damage in ("{", '{"parts": ["gone.parquet"]}'):
        (folder / "state.json").write_text(damage)
        pd.testing.assert_frame_equal(kept, m.materialize(log, pt.co_changes, tmp_path).df())


def test_a_watermark_would_be_found_out(
    lab_of, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Known-bad control: taking only events after the last one counted loses older merges."""

    def by_date(kept: list[Path], log: Eventlog) -> Any:
        found = log.opened.arrow(
            "SELECT seq, event_id, coalesce(source_file, '') AS place FROM log.main.eventlog "
            "WHERE occurred_us > 1741176000000000 ORDER BY 1"
        )
        return found["seq"].to_pylist(), found.select(["event_id", "place"]), False

    m.materialize(lab_of(BASE).log, pt.co_changes, tmp_path)
    monkeypatch.setattr(m, "_difference", by_date)
    after = lab_of(STEPS["a commit older than all"])
    kept = m.materialize(after.log, pt.co_changes, tmp_path).df()
    with pytest.raises(AssertionError):
        pd.testing.assert_frame_equal(after.project(pt.co_changes), kept, check_flags=False)


def test_when_it_was_updated_is_what_the_log_recorded(lab_of, tmp_path: Path) -> None:
    """The time of the scrape, never of the call; the newest event is the same everywhere."""
    log = lab_of(BASE).log
    made = m.materialize(log, pt.hotspots, tmp_path)
    scraped = log.rel("scrape_meta").df()["last_updated"].max()
    assert pd.Timestamp(made.last_updated) == scraped.floor("s")
    assert made.through == "2025-03-05T12:00:00+00:00"
    again = m.materialize(log, pt.hotspots, tmp_path)
    assert (again.how, again.last_updated) == ("fresh", made.last_updated)
    said = {"last_updated": made.last_updated, "through": made.through, "recipe": ""}
    assert made.df().attrs.items() >= said.items()
    assert f"last updated {made.last_updated}" in repr(made)


def test_why_a_kept_table_is_out_of_date(
    lab_of, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log, the mailmap, a tag, the projection, the recipe: each is said."""
    before = lab_of(BASE).log
    m.materialize(before, pt.hotspots, tmp_path, recipe="a" * 64, min_commits=2)
    (table,) = kept(tmp_path)
    assert (table.projection, table.version, table.params) == ("hotspots", 1, {"min_commits": 2})
    assert out_of_date(table, before) == ""
    assert out_of_date(table, before, "a" * 64) == ""
    assert "the recipe has changed (aaaaaaaaaaaa to bbb" in out_of_date(table, before, "b" * 64)
    later = lab_of(STEPS["one more commit"]).log
    assert out_of_date(table, later).startswith(f"the log has moved on ({before.digest[:12]} to ")
    tagged = lab_of(STEPS["a tag, which is in no digest"]).log
    assert out_of_date(table, tagged) == "tags have moved"
    newer = dataclasses.replace(pt.hotspots, version=2)
    monkeypatch.setattr(registry, "find", lambda name: newer)
    assert out_of_date(table, before) == "hotspots is at version 2, the table at 1"
    m.materialize(before, newer, tmp_path, min_commits=2)
    assert [found.version for found in kept(tmp_path)] == [2]


def test_a_table_of_a_slice_is_compared_with_its_slice(lab_of, tmp_path: Path) -> None:
    """What came later is no news to a table of the past."""
    lab = lab_of(BASE).as_of("2025-03-03")
    m.materialize(lab.where("git.*", path=["b.py", "*.md"]).log, pt.hotspots, tmp_path)
    (table,) = kept(tmp_path)
    assert table.slice == lab.where("git.*", path=["b.py", "*.md"]).slice
    assert out_of_date(table, lab_of(STEPS["one more commit"]).log) == ""


def test_a_lab_keeps_its_tables_beside_its_log(lab_of) -> None:
    lab = lab_of(BASE)
    assert lab.materialize("hotspots").how == "rebuilt"
    kept = lab.materialize(pt.hotspots)
    assert kept.how == "fresh"
    assert "last updated" in repr(kept)
    assert kept.staleness == kept.df().attrs["staleness"] == "up to date with HEAD"
    assert len(kept.df()) == 3


def counting(what: str, *, additive: bool = False, python: bool = False) -> Projection:
    """Return the projection of a cell that says `what` now."""

    def partial(touches):
        return touches.query(f"SELECT 1 AS one, {what} AS n FROM touches")

    def finish(part):
        return part.query("SELECT n FROM this")

    def mine(touches):
        made = finish(partial(touches))
        return compute(lambda table: table.append_column("m", table["n"]), made) if python else made

    whole = Additive(partial, finish, ("one",), {"n": "sum"}) if additive else None
    return pt.projection(additive=whole)(mine)


@pytest.mark.parametrize("kind", [{}, {"additive": True}, {"python": True}], ids=str)
def test_a_cell_that_was_edited_gives_its_new_table(
    lab_of, tmp_path: Path, kind: dict[str, bool]
) -> None:
    """Nobody raises a version while trying things out; the old table was shown as fresh."""
    log = lab_of(BASE).log
    first = m.materialize(log, counting("count(*)", **kind), tmp_path).df()
    again = m.materialize(log, counting("count(*)", **kind), tmp_path)
    assert again.how == ("batch" if kind.get("python") else "fresh")  # Python is not compared
    edited = counting("count(DISTINCT path)", **kind)
    assert m.is_stale(tmp_path, edited, log)
    second = m.materialize(log, edited, tmp_path)
    assert (first["n"][0], second.df()["n"][0]) == (6, 3)
    assert second.how in ("rebuilt", "batch")


def test_numbers_of_numpy_are_parameters_like_others(lab_of, tmp_path: Path) -> None:
    import numpy as np

    log = lab_of(BASE).log
    kept = m.materialize(log, pt.co_changes, tmp_path, min_count=np.int64(1))
    assert len(kept.df()) == 3
    assert not m.is_stale(tmp_path, pt.co_changes, log, min_count=1)
