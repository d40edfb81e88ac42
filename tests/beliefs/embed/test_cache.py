"""Kept vectors: a shortcut that may be damaged, shared or gone, and never a wrong answer."""

from __future__ import annotations

import multiprocessing
import sqlite3
from pathlib import Path

import pytest
from hashing import Hashing
from hypothesis import given
from hypothesis import strategies as st

from patina_lab.beliefs.embed.cache import CachedEmbedder

TEXTS = [f"text {n}" for n in range(20)]
FRESH = Hashing().embed(TEXTS).tobytes()


def test_a_text_is_embedded_once(tmp_path: Path) -> None:
    """Asked again, nothing is computed; twice in one call, once."""
    inner = Hashing()
    cached = CachedEmbedder(inner, tmp_path)
    assert cached.embed([*TEXTS, *TEXTS]).tobytes() == FRESH * 2
    assert inner.asked == TEXTS
    again = Hashing()
    assert CachedEmbedder(again, tmp_path).embed(TEXTS[::-1])[::-1].tobytes() == FRESH
    assert again.asked == []
    assert cached.embed([]).shape == (0, 8)


@given(st.lists(st.lists(st.text(st.characters(), max_size=4), max_size=6), max_size=5))
def test_law_with_and_without_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, calls: list[list[str]]
) -> None:
    """Any texts, lone surrogates too, in any calls: the bytes are the embedder's own."""
    cached = CachedEmbedder(Hashing(), tmp_path_factory.mktemp("kept"))
    for texts in calls:
        assert [row.tobytes() for row in cached.embed(texts)] == [
            Hashing().embed([text])[0].tobytes() for text in texts
        ]


def test_models_do_not_mix(tmp_path: Path) -> None:
    """Another model's vectors are never returned."""
    CachedEmbedder(Hashing("one"), tmp_path).embed(TEXTS)
    other = Hashing("other")
    CachedEmbedder(other, tmp_path).embed(TEXTS)
    assert other.asked == TEXTS


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: b"not a database at all" * 100,
        lambda content: content[: len(content) // 2],
        lambda content: content[:100] + b"\xff" * 200 + content[300:],
        lambda content: content[:-3000] + b"\0" * 3000,
    ],
    ids=["empty", "foreign", "truncated", "scrambled", "zeroed"],
)
def test_a_damaged_file_is_made_anew(tmp_path: Path, damage) -> None:
    """The vectors are right at once, and the next time nothing is computed."""
    first = CachedEmbedder(Hashing(), tmp_path)
    first.embed(TEXTS)
    first.file.write_bytes(damage(first.file.read_bytes()))
    assert CachedEmbedder(Hashing(), tmp_path).embed(TEXTS).tobytes() == FRESH
    CachedEmbedder(Hashing(), tmp_path).embed(TEXTS)  # the first may only have removed it
    after = Hashing()
    assert CachedEmbedder(after, tmp_path).embed(TEXTS).tobytes() == FRESH
    assert after.asked == []


def test_a_changed_vector_is_noticed(tmp_path: Path) -> None:
    """A flipped bit that SQLite cannot see fails the row's checksum: that text is computed."""
    cached = CachedEmbedder(Hashing(), tmp_path)
    cached.embed(TEXTS)
    with sqlite3.connect(cached.file) as db:
        db.execute(
            "UPDATE kept SET vector = zeroblob(32) WHERE text = (SELECT min(text) FROM kept)"
        )
    inner = Hashing()
    assert CachedEmbedder(inner, tmp_path).embed(TEXTS).tobytes() == FRESH
    assert len(inner.asked) == 1


def test_control_without_the_checksum_it_would_be_believed(tmp_path: Path) -> None:
    """Known bad: a wrong vector with a fitting checksum is returned, so the checksum matters."""
    import zlib

    cached = CachedEmbedder(Hashing(), tmp_path)
    cached.embed(TEXTS)
    with sqlite3.connect(cached.file) as db:
        db.execute("UPDATE kept SET vector = zeroblob(32), sum = ?", [zlib.crc32(bytes(32))])
    assert CachedEmbedder(Hashing(), tmp_path).embed(TEXTS).tobytes() != FRESH


def test_a_folder_that_cannot_be_is_done_without(tmp_path: Path) -> None:
    """Where nothing can be kept, everything is computed."""
    (tmp_path / "file").write_text("")
    assert CachedEmbedder(Hashing(), tmp_path / "file").embed(TEXTS).tobytes() == FRESH


def work(folder: str, shift: int) -> bool:
    """Embed overlapping texts in a process of its own."""
    texts = [f"text {n}" for n in range(shift, shift + 300)]
    return (
        CachedEmbedder(Hashing(), Path(folder)).embed(texts).tobytes()
        == Hashing().embed(texts).tobytes()
    )


def test_several_processes_share_a_folder(tmp_path: Path) -> None:
    """Four at once, each with some texts of the others: all right, and all kept."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(4) as pool:
        assert all(pool.starmap(work, [(str(tmp_path), 100 * n) for n in range(4)]))
    after = Hashing()
    CachedEmbedder(after, tmp_path).embed([f"text {n}" for n in range(600)])
    assert after.asked == []


def test_progress_counts_what_is_missing(tmp_path: Path) -> None:
    """What is kept is no work."""
    cached = CachedEmbedder(Hashing(), tmp_path)
    cached.embed(TEXTS[:5])
    said: list[tuple[str, int, int | None]] = []
    cached.embed(TEXTS, progress=lambda *now: said.append(now))
    assert said[-1] == ("embed", 15, 15)
