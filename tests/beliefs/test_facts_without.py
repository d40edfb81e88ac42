"""Facts without some observations are those that would have been made without them."""

from __future__ import annotations

from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st
from made import fact_sets

from patina_lab.beliefs.facts import FactSet


def rebuilt(facts: FactSet, gone: set[str]) -> FactSet:
    """Return the same facts, made anew of the rows that are left: the slow way."""
    rows: dict[str, list[dict[str, Any]]] = {
        name: table.to_pylist() for name, table in facts.tables.items()
    }

    def left(name: str, *columns: str) -> list[dict[str, Any]]:
        return [row for row in rows[name] if not gone & {row[c] for c in columns}]

    about: dict[str, dict[str, Any]] = {}
    for name in ("observation", "source", "project", "reliability", "age_days"):
        for row in left(name, "obs"):
            about.setdefault(row["obs"], {}).update(row)
    clusters = left("cluster", "obs")
    alive = {row["cluster"] for row in clusters}
    properties: dict[str, dict[str, Any]] = {}
    for name, column in (("medoid", "obs"), ("cohesion", "cohesion"), ("diversity", "diversity")):
        for row in rows[name]:
            if row["cluster"] in alive and not (name == "medoid" and row["obs"] in gone):
                properties.setdefault(row["cluster"], {})[name] = row[column]
    return FactSet.of(
        [about[obs] for obs in sorted(about)],
        clusters=[(row["obs"], row["cluster"]) for row in clusters],
        properties=[
            (name, own.get("medoid"), own.get("cohesion"), own.get("diversity"))
            for name, own in properties.items()
        ],
        content=[(r["cluster"], r["words"]) for r in rows["content"] if r["cluster"] in alive],
        similar=[(r["a"], r["b"], r["cosine"]) for r in left("similar", "a", "b")],
        boilerplate=[row["text"] for row in rows["boilerplate"]],
        contradicts=[(r["later"], r["earlier"]) for r in left("contradicts", "later", "earlier")],
        supersedes=[(r["later"], r["earlier"]) for r in left("supersedes", "later", "earlier")],
    )


@given(facts=fact_sets(most=12), data=st.data())
def test_as_if_they_had_not_been_made(facts: FactSet, data: Any) -> None:
    """Filtering gives, to the byte, what building without them gives."""
    known = facts.tables["observation"]["obs"].to_pylist()
    assume(known)
    gone = set(data.draw(st.lists(st.sampled_from(known), max_size=len(known) - 1)))
    made = facts.without(gone)
    assert made == rebuilt(facts, gone)
    assert facts.without([]) == facts
    if gone:
        assert made != facts
