"""Clusters: the same groups for the same observations, in any order; and what rules see of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from patina_lab.beliefs.cluster import (
    Clusters,
    Observation,
    cluster,
    components,
    lexical_diversity,
    quantised,
    similar,
)
from patina_lab.errors import InvalidOption, MissingTool

pytest.importorskip("scipy", reason="clusters need patina-lab[embed]")
ROOT = Path(__file__).parents[2]


def seen(n: int) -> list[Observation]:
    """Return observations with different texts from a few people and sessions."""
    return [
        Observation(f"o{i}", f"thought {i}", f"author {i % 3}", f"session {i % 5}", "dust")
        for i in range(n)
    ]


def unit(vectors: np.ndarray) -> np.ndarray:
    """Return rows of length 1, float32."""
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def groups_of(found: Clusters) -> set[frozenset[str]]:
    """Return the groups without their names."""
    return {frozenset(c.members) for c in found.clusters}


# Few directions, so that ties, copies and distances at the bound itself are frequent.
VECTORS = npst.arrays(
    np.int8, st.tuples(st.integers(1, 14), st.just(4)), elements=st.integers(-2, 2)
).filter(lambda a: bool((a != 0).any(axis=1).all()))


def greedy(observations: list[Observation], vectors: np.ndarray, distance: float) -> set:
    """Cluster in the order given, each to the first near leader: the known-bad control."""
    leaders: list[int] = []
    members: dict[int, set[str]] = {}
    for n, one in enumerate(observations):
        near = [m for m in leaders if vectors[n] @ vectors[m] >= 1 - distance]
        if not near:
            leaders.append(n)
        members.setdefault(near[0] if near else n, set()).add(one.obs)
    return {frozenset(group) for group in members.values() if len(group) > 1}


@given(VECTORS, st.sampled_from([0.1, 0.25, 0.45, 0.5, 0.75]), st.randoms(use_true_random=False))
def test_law_order_of_input_is_irrelevant(vectors: np.ndarray, distance: float, random) -> None:
    """Any permutation gives the same clusters: names, members, medoids, every digit."""
    vectors, given_ = unit(vectors.astype(float)), seen(len(vectors))
    order = list(range(len(vectors)))
    random.shuffle(order)
    shuffled = cluster([given_[n] for n in order], vectors[order], distance=distance)
    assert shuffled == cluster(given_, vectors, distance=distance)
    assert repr(shuffled) == repr(cluster(given_, vectors, distance=distance))


def test_control_a_greedy_clustering_depends_on_order() -> None:
    """Known bad: leaders in order of arrival give other groups when the order changes."""
    angles = np.deg2rad([0, 40, 80])
    vectors = unit(np.stack([np.cos(angles), np.sin(angles)], axis=1))
    forth = greedy(seen(3), vectors, 0.45)
    order = [1, 0, 2]
    back = greedy([seen(3)[n] for n in order], vectors[order], 0.45)
    assert forth != back


@given(VECTORS, st.sampled_from([0.1, 0.25, 0.45, 0.5, 0.75]))
def test_law_components_give_what_the_whole_gives(vectors: np.ndarray, distance: float) -> None:
    """Clustering within components equals average linkage over everything, heights of merges too.

    With ties there are several right answers, so both are checked for being one: no two
    groups are within the bound on average, and each group was merged within it.
    """
    from scipy.cluster import hierarchy
    from scipy.spatial.distance import pdist

    vectors = unit(vectors.astype(float))
    found = cluster(seen(len(vectors)), vectors, distance=distance)
    whole = (
        hierarchy.fcluster(
            hierarchy.linkage(np.maximum(pdist(vectors.astype(float), "cosine"), 0), "average"),
            distance,
            "distance",
        )
        if len(vectors) > 1
        else np.array([1])
    )
    of = {obs: n for n, group in enumerate(groups_of(found)) for obs in group}
    ours = [of.get(f"o{n}", -n - 1) for n in range(len(vectors))]
    cosine = quantised(vectors) @ quantised(vectors).T
    tied = _tied(1 - cosine, distance)
    if not tied:
        same = np.equal.outer(whole, whole)
        assert (np.equal.outer(ours, ours) == same).all()
    for a in set(ours):
        for b in set(ours) - {a}:
            rows = [n for n, c in enumerate(ours) if c == a]
            columns = [n for n, c in enumerate(ours) if c == b]
            assert (1 - cosine[np.ix_(rows, columns)]).mean() > distance - 1e-9


def _tied(distances: np.ndarray, bound: float) -> bool:
    """Whether two pairs are equally far, or one lies at the bound: then merges are a choice."""
    pairs = np.sort(distances[np.triu_indices(len(distances), 1)])
    return bool((np.diff(pairs) < 1e-6).any() or (np.abs(pairs - bound) < 1e-6).any())


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(2, 60), st.sampled_from([0.3, 0.45, 0.6]))
def test_law_components_give_what_the_whole_gives_without_ties(
    seed: int, n: int, distance: float
) -> None:
    """The same on directions at random, where there is one right answer."""
    from scipy.cluster import hierarchy
    from scipy.spatial.distance import pdist

    draw = np.random.default_rng(seed)
    centres = draw.normal(size=(4, 12))
    vectors = unit(centres[draw.integers(0, 4, n)] + draw.normal(size=(n, 12)) * 0.8)
    tree = hierarchy.linkage(pdist(vectors.astype(float), "cosine"), "average")
    labels = hierarchy.fcluster(tree, distance, "distance")
    whole = {
        frozenset(f"o{i}" for i in np.nonzero(labels == label)[0])
        for label, size in zip(*np.unique(labels, return_counts=True), strict=True)
        if size > 1
    }
    assert groups_of(cluster(seen(n), vectors, distance=distance)) == whole


def test_control_single_linkage_is_another_clustering() -> None:
    """Known bad: taking the components themselves as clusters chains what is not near."""
    angles = np.deg2rad([0, 50, 100])
    vectors = unit(np.stack([np.cos(angles), np.sin(angles)], axis=1))
    assert set(components(quantised(vectors), 0.55).tolist()) == {0}
    assert len(cluster(seen(3), vectors).of) == 2


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(2, 40), st.integers(0, 40), st.integers(0, 5))
def test_law_what_was_known_changes_nothing(seed: int, n: int, old: int, gone: int) -> None:
    """With an earlier result, of some of these observations and of others: the same answer."""
    draw = np.random.default_rng(seed)
    centres = draw.normal(size=(6, 8))
    vectors = unit(centres[draw.integers(0, 6, n + gone)] + draw.normal(size=(n + gone, 8)) * 0.5)
    everything = seen(n + gone)
    now = list(range(n))
    then = [*draw.permutation(n)[:old].tolist(), *range(n, n + gone)]
    before = cluster([everything[i] for i in then], vectors[then]) if then else None
    after = cluster(everything[:n], vectors[now], before=before)
    assert after == cluster(everything[:n], vectors[now])


def test_only_what_changed_is_clustered_again() -> None:
    """A new observation in one of ten components: the nine others are taken over."""
    vectors = unit(np.repeat(np.eye(10), 3, axis=0) + np.tile([[0.01], [0.02], [0.03]], (10, 10)))
    before = cluster(seen(29), vectors[:29])
    after = cluster(seen(30), vectors, before=before)
    assert len(after.clusters) == 10
    assert after.reused == 9
    assert cluster(seen(30), vectors, before=before, distance=0.5).reused == 0
    other = cluster(seen(30), vectors, before=before, model_hash="another")
    assert other.reused == 0


def test_a_changed_vector_is_no_known_component() -> None:
    """The same ids with other vectors are not taken over."""
    near, far = unit(np.array([[1, 0], [1, 0.1]])), unit(np.array([[1, 0], [0, 1.0]]))
    assert cluster(seen(2), far, before=cluster(seen(2), near)).clusters == ()


# -- the same on every machine ------------------------------------------------------------------


@given(st.integers(0, 2**32 - 1), st.integers(1, 30))
def test_law_cosines_are_exact(seed: int, n: int) -> None:
    """BLAS gives the integers that Python's own arithmetic gives, in blocks or not."""
    vectors = unit(np.random.default_rng(seed).normal(size=(n, 384)))
    exact = quantised(vectors)
    whole = [[int(x * 2**26) for x in row] for row in exact]
    first = [sum(a * b for a, b in zip(whole[0], row, strict=True)) / 2**52 for row in whole]
    assert (exact @ exact.T)[0].tolist() == first
    assert (exact[:, ::-1] @ exact[0, ::-1]).tolist() == first


def test_control_float32_depends_on_the_order_of_sums() -> None:
    """Known bad: the same vectors unrounded give other bits when they are summed backwards."""
    vectors = unit(np.random.default_rng(0).normal(size=(200, 384)))
    forth, back = vectors @ vectors.T, vectors[:, ::-1] @ vectors[:, ::-1].T
    assert (forth != back).any()


CODE = """
import hashlib, numpy as np
from patina_lab.beliefs.cluster import Observation, cluster
draw = np.random.default_rng(3)
v = draw.normal(size=(40, 384))[draw.integers(0, 40, 1500)] + draw.normal(size=(1500, 384))
v = (v / np.linalg.norm(v, axis=1, keepdims=True)).astype(np.float32)
o = [Observation(f"o{n}", f"thought {n % 900}") for n in range(1500)]
print(hashlib.sha256(repr(cluster(o, v)).encode()).hexdigest())
"""


def test_threads_and_hash_seeds_are_irrelevant() -> None:
    """One and several BLAS threads, another hash seed: every digit of the result is the same."""
    said = set()
    for threads, seed in (("1", "0"), ("2", "1")):
        done = subprocess.run(
            [sys.executable, "-c", CODE],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
            env={"PATH": "", "OPENBLAS_NUM_THREADS": threads, "PYTHONHASHSEED": seed},
        )
        said.add(done.stdout)
    assert len(said) == 1


# -- what rules see -----------------------------------------------------------------------------


def test_a_cluster_says_what_it_is() -> None:
    """Cohesion is the mean cosine of pairs; the medoid is nearest to all; sources are distinct."""
    given_ = [
        Observation("a", "always use a cache", "ann", "s1", "dust"),
        Observation("b", "use a cache", "ann", "s2", "dust"),
        Observation("c", "never use a cache", "bob", "s2", ""),
        Observation("d", "write tests", "bob", "s3", "dust"),
    ]
    vectors = unit(np.array([[1, 0.2, 0], [1, 0, 0], [1, 0, 0.2], [0, 0, 1]]))
    (found,) = cluster(given_, vectors).clusters
    pairs = [vectors[i] @ vectors[j] for i, j in ((0, 1), (0, 2), (1, 2))]
    assert set(found.members) == {"a", "b", "c"}
    assert found.medoid == "b"
    assert found.cohesion == pytest.approx(np.mean(pairs), abs=1e-5)
    assert (found.authors, found.sessions, found.projects, found.texts) == (2, 2, 1, 3)
    assert (found.affirming, found.denying) == (2, 1)
    assert found.diversity == pytest.approx(5 / 11)
    table = cluster(given_, vectors).table()
    assert list(table.columns) == [
        *("cluster", "size", "medoid", "cohesion", "diversity", "texts", "authors"),
        *("sessions", "projects", "affirming", "denying"),
    ]
    assert table.loc[0, "size"] == 3


def test_texts_without_words_belong_nowhere() -> None:
    """Empty, blank and signs only: dropped, whatever vector they have."""
    given_ = [Observation(str(n), text) for n, text in enumerate(["", "  \n", "...", "a", "a"])]
    found = cluster(given_, unit(np.ones((5, 3))))
    assert groups_of(found) == {frozenset({"3", "4"})}
    assert cluster([], np.empty((0, 3), np.float32)).clusters == ()


def test_diversity_finds_templates() -> None:
    """One line filled in 400 times lies far below 0.2; thoughts lie above."""
    template = lexical_diversity(f"Last commit: {n % 60} minutes ago" for n in range(394))
    assert template < 0.1
    thoughts = ["cache manifests", "the manifest is parsed too often", "parse once, keep it"]
    assert lexical_diversity(thoughts) > 0.5
    assert lexical_diversity([]) == lexical_diversity(["..."]) == 1


def test_similar_pairs_are_there_once() -> None:
    """Each pair in order of its ids, with its cosine; no observation is its own neighbour."""
    vectors = unit(np.array([[1, 0], [1, 0.5], [0, 1]]))
    (pair,) = similar(seen(3), vectors, cosine=0.6)
    assert pair[:2] == ("o0", "o1")
    assert pair[2] == pytest.approx(0.894427, abs=1e-6)
    order = [2, 1, 0]
    assert similar([seen(3)[n] for n in order], vectors[order], cosine=0.6) == [pair]


# -- errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("vectors", "distance", "complaint"),
    [
        (np.ones((2, 2)), 0.45, "length 1.414"),
        (np.zeros((2, 2)), 0.45, "length 0"),
        (np.full((2, 2), np.nan), 0.45, "length nan"),
        (np.eye(3), 0.45, "2 observations have vectors of shape"),
        (np.eye(2), 0.0, "distance=0.0"),
        (np.eye(2), 1.0, "distance=1.0"),
    ],
)
def test_bad_input_is_named(vectors: np.ndarray, distance: float, complaint: str) -> None:
    """A sentence with the value."""
    with pytest.raises(InvalidOption, match=complaint):
        cluster(seen(2), vectors.astype(np.float32), distance=distance)


def test_an_id_given_twice_is_named() -> None:
    """Ids are keys."""
    with pytest.raises(InvalidOption, match="'o0' is given twice"):
        cluster([seen(1)[0]] * 2, np.eye(2, dtype=np.float32))


def test_more_than_fits_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A component whose distances would not fit into memory: said before it is tried."""
    from patina_lab.beliefs import cluster as module

    monkeypatch.setattr(module, "MOST", 3)
    with pytest.raises(InvalidOption, match=r"4 observations hang together.*at most 3"):
        cluster(seen(4), np.tile(np.array([[1, 0]], np.float32), (4, 1)))


def test_without_scipy_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence, with the remedy."""
    monkeypatch.setitem(sys.modules, "scipy", None)
    monkeypatch.setitem(sys.modules, "scipy.sparse", None)
    with pytest.raises(MissingTool, match=r"scipy.*patina-lab\[embed\]"):
        cluster(seen(2), np.eye(2, dtype=np.float32))
