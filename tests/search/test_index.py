"""Neighbours: exact ones, the same every time, and a graph that agrees with them."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patina_lab.errors import InvalidOption, MissingTool
from patina_lab.search import index as module
from patina_lab.search.index import ExactIndex, HnswIndex, index, recall


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def made(n, d=24, seed=0, centres=30):
    draw = np.random.default_rng(seed)
    middle = draw.normal(size=(centres, d))
    return unit(middle[draw.integers(0, centres, n)] + draw.normal(size=(n, d)) * 0.6)


@pytest.fixture
def hnswlib():
    return pytest.importorskip("hnswlib", reason="patina-lab[ann]: it needs a compiler")


@settings(max_examples=50)
@given(st.integers(1, 60), st.integers(1, 70), st.integers(0, 99), st.data())
def test_law_exact_is_exact(n, k, seed, data):
    """All cosines in float64, sorted, ties by row: the first k of the chosen rows."""
    vectors = np.repeat(made(n, 6, seed, 3), 2, axis=0)  # each one twice: ties
    query = vectors[0]
    among = np.array(data.draw(st.lists(st.booleans(), min_size=2 * n, max_size=2 * n)))
    rows, cosines = ExactIndex(vectors).search(query, k, among)
    exact = module.quantised(vectors) @ module.quantised(query)
    wanted = sorted(np.nonzero(among)[0].tolist(), key=lambda row: (-exact[row], row))[:k]
    assert rows.tolist() == wanted
    assert cosines.tolist() == exact[wanted].tolist()


def test_a_graph_finds_what_is_near(hnswlib):
    """Parity: at least 97 % of the true neighbours, with their exact cosines, best first."""
    vectors = made(6000)
    graph = HnswIndex(vectors)
    queries = made(50, seed=1)
    assert recall(graph, queries) >= 0.97
    exact = ExactIndex(vectors)
    for query in queries[:5]:
        rows, cosines = graph.search(query, 10)
        assert cosines.tolist() == sorted(cosines.tolist(), reverse=True)
        everything = dict(zip(*(part.tolist() for part in exact.search(query, 6000)), strict=True))
        assert [everything[row] for row in rows.tolist()] == cosines.tolist()


def test_control_a_graph_without_edges_is_seen_to_miss(hnswlib, monkeypatch):
    """Known bad: a graph of the poorest kind fails the measure above."""
    monkeypatch.setattr(module, "M", 2)
    monkeypatch.setattr(module, "EF_CONSTRUCTION", 2)
    monkeypatch.setattr(module, "EF", 1)
    vectors = made(6000)
    poor = HnswIndex(vectors)
    # Ask the graph alone: `search` would widen its reach until it has enough.
    poor._graph.set_ef(10)
    rows, _ = poor._graph.knn_query(made(50, seed=1), k=10, num_threads=1)
    true = [set(ExactIndex(vectors).search(q, 10)[0].tolist()) for q in made(50, seed=1)]
    share = np.mean([len(t & set(r.tolist())) / 10 for t, r in zip(true, rows, strict=True)])
    assert share < 0.97


def test_a_graph_is_the_same_every_time(hnswlib, tmp_path):
    """Built twice: the same file, byte by byte; read again: the same answers."""
    vectors = made(3000)
    for name in ("a", "b"):
        HnswIndex(vectors, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    built, kept = HnswIndex(vectors), HnswIndex(vectors, tmp_path / "a")
    for query in made(20, seed=2):
        assert [p.tolist() for p in built.search(query, 10)] == [
            p.tolist() for p in kept.search(query, 10)
        ]


def test_control_several_threads_make_other_graphs(hnswlib, tmp_path):
    """Known bad: the same vectors added by four threads give other files now and then."""
    vectors, files = made(3000), set()
    for n in range(6):
        graph = hnswlib.Index(space="ip", dim=24)
        graph.init_index(max_elements=3000, M=16, ef_construction=200, random_seed=100)
        graph.add_items(vectors, np.arange(3000), num_threads=4)
        graph.save_index(str(tmp_path / str(n)))
        files.add((tmp_path / str(n)).read_bytes())
    assert len(files) > 1


def test_law4_rows_that_are_not_asked_have_no_say(hnswlib):
    """Of some rows, a graph gives what those rows by themselves give: exactly."""
    vectors = made(4000)
    graph = HnswIndex(vectors)
    for step in (2, 7, 900, 5000):
        among = np.zeros(4000, dtype=bool)
        among[1::step] = True
        rows, cosines = graph.search(vectors[1], 20, among)
        alone, expected = ExactIndex(vectors[among]).search(vectors[1], 20)
        assert rows.tolist() == np.nonzero(among)[0][alone].tolist()
        assert cosines.tolist() == expected.tolist()
    assert len(graph.search(vectors[1], 5, np.zeros(4000, dtype=bool))[0]) == 0


def test_control_filtering_what_a_graph_finds_would_miss(hnswlib):
    """Known bad: candidates of the whole graph, filtered: of few rows hardly one is left."""
    vectors = made(4000)
    graph = HnswIndex(vectors)
    among = np.zeros(4000, dtype=bool)
    among[::200] = True
    rows, _ = graph.search(vectors[1], 50)
    assert among[rows].sum() < 20 == len(graph.search(vectors[1], 20, among)[0])


@pytest.mark.parametrize("damage", ["graph", "note", "other vectors"])
def test_a_damaged_graph_is_built_again(hnswlib, tmp_path, damage):
    """A file that is not of these vectors, or not whole, is no graph of theirs."""
    vectors = made(500)
    place = tmp_path / "graph"
    HnswIndex(vectors, place)
    whole = place.read_bytes()
    if damage == "graph":
        place.write_bytes(whole[:-40])
    elif damage == "note":
        (tmp_path / "graph.json").write_text("{")
    else:
        HnswIndex(made(500, seed=5), place)
    HnswIndex(vectors, place)
    assert place.read_bytes() == whole


def test_size_chooses(hnswlib, monkeypatch):
    """Up to `MANY` exact, beyond it a graph; whoever names one gets it."""
    monkeypatch.setattr(module, "MANY", 100)
    assert index(made(100)).kind == "exact"
    assert index(made(101)).kind == "hnsw"
    assert index(made(101), "exact").kind == "exact"
    assert index(made(10), "hnsw").kind == "hnsw"
    with pytest.raises(InvalidOption, match="'faiss'"):
        index(made(3), "faiss")


def test_without_hnswlib_all_is_exact(monkeypatch):
    """No compiler: the size chooses exact, and who asks for a graph is told how to get it."""
    monkeypatch.setitem(sys.modules, "hnswlib", None)
    monkeypatch.setattr(module, "MANY", 100)
    assert index(made(101)).kind == "exact"
    with pytest.raises(MissingTool, match=r"hnswlib.*patina-lab\[ann\].*compiler"):
        index(made(3), "hnsw")
