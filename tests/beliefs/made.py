"""Fact sets for tests: plain ones by hand, and any by Hypothesis."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from patina_lab.beliefs.facts import FactSet

Row = tuple[str, str, str, str, int, int, str, str, str, float, float]


def observation(
    n: int,
    *,
    polarity: int = 1,
    author: str = "ann",
    session: str | None = None,
    project: str = "dust",
    reliability: float = 0.8,
    days: float = 10.0,
    text: str | None = None,
) -> Row:
    """Return the row of observation ``o{n}`` of event ``e{n}``; each in a session of its own."""
    return (
        *(f"o{n}", f"e{n}", text or f"t{n}", "pattern", polarity, 1_700_000_000_000_000 + n),
        *(author, session or f"s{n}", project, reliability, days),
    )


def one_cluster(rows: list[Row], **more: Any) -> FactSet:
    """Return a fact set whose observations are all of cluster ``c``, cohesive and varied."""
    more.setdefault("properties", [("c", rows[0][0], 0.8, 0.5)])
    more.setdefault("similar", [(rows[0][0], row[0], 0.8) for row in rows[1:]])
    return FactSet.of(rows, clusters=[(row[0], "c") for row in rows], **more)


NAMES = ["dust", "patina", "o'neil \\ co", "Ünï ☃", "a\nb", "p_1", "persona", "[]", "!"]
# Weights and ages on which rounding, ties and thresholds turn.
FRACTIONS = st.sampled_from([0.0, 0.2, 0.5, 0.6, 0.7, 0.85, 1.0, 1 / 3]) | st.floats(0, 1)
DAYS = st.sampled_from([0.0, 1e-7, 60.0, 120.0, 180.0, 180.5, 365.0, 3000.0]) | st.floats(0, 4000)


@st.composite
def fact_sets(draw: st.DrawFn, most: int = 30) -> FactSet:
    """Draw a fact set: few clusters, projects and voters, so that rules have much to say."""
    n = draw(st.integers(0, most))
    rows = [
        (
            *(f"o{i}", f"e{i // 2}", f"t{draw(st.integers(0, 8))}", "pattern"),
            *(draw(st.sampled_from([1, 1, 1, -1, 0])), i),
            *(draw(st.sampled_from(["ann", "bob"])), f"s{draw(st.integers(0, 3))}"),
            *(draw(st.sampled_from(NAMES[:3] if i % 2 else NAMES)), draw(FRACTIONS), draw(DAYS)),
        )
        for i in range(n)
    ]
    cluster = [f"c{draw(st.integers(0, 2))}" for _ in range(n)]
    kept = [(f"o{i}", cluster[i]) for i in range(n) if draw(st.integers(0, 9))]
    properties, near, content = [], [], []
    for name in sorted({c for _, c in kept}):
        members = [o for o, c in kept if c == name]
        medoid = draw(st.sampled_from([None, *members]))
        cohesion = draw(st.none() | FRACTIONS | st.sampled_from([0.6, 0.8, 0.9]))
        properties.append((name, medoid, cohesion, draw(st.none() | FRACTIONS)))
        if draw(st.booleans()):
            content.append((name, draw(st.sampled_from([0.0, 0.99, 1.0, 4.0]))))
        near += [(medoid, o, draw(FRACTIONS)) for o in members if medoid not in (None, o)]
    pairs = st.lists(
        st.tuples(st.integers(0, max(0, n - 1)), st.integers(0, max(0, n - 1))), max_size=3
    )
    return FactSet.of(
        rows,
        clusters=kept,
        properties=properties,
        content=content,
        similar=[pair for pair in near if draw(st.integers(0, 9))],
        boilerplate=draw(st.lists(st.sampled_from([f"t{i}" for i in range(9)]), max_size=2)),
        contradicts=[(f"o{a}", f"o{b}") for a, b in draw(pairs) if n and a != b],
        supersedes=[(f"o{a}", f"o{b}") for a, b in draw(pairs) if n and a != b],
    )
