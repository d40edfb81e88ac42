"""No rule set escapes: each is refused or stopped with its reason, and the next one works."""

from __future__ import annotations

import contextlib
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile import HEAD, REFUSED, STOPPED
from made import observation, one_cluster

from patina_lab.beliefs.facts import FactSet
from patina_lab.beliefs.ruleset import RuleSet, load
from patina_lab.beliefs.swipl import Limits, SwiplEngine
from patina_lab.errors import BadRules, RulesStopped

FACTS = one_cluster([observation(n) for n in range(6)])


class Trap:
    """A folder, a secret in it, and a port: what an escape would touch."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secret = folder / "secret.pl"
        self.secret.write_text("secret(1).\n")
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen()
        self.listener.setblocking(False)

    def set(self, text: str) -> str:
        """Return a hostile text that aims at this trap."""
        port = str(self.listener.getsockname()[1])
        text = text.replace("CANARY", str(self.folder / "canary"))
        return text.replace("SECRET", str(self.secret)).replace("PORT", port)

    def sprung(self) -> list[str]:
        """Return what was touched."""
        touched = [p.name for p in self.folder.iterdir() if p != self.secret]
        if not self.secret.exists() or self.secret.read_text() != "secret(1).\n":
            touched.append("the secret")
        try:
            self.listener.accept()[0].close()
            touched.append("the port")
        except BlockingIOError:
            pass
        return touched


@pytest.fixture
def trap(tmp_path: Path) -> Iterator[Trap]:
    folder = tmp_path / "trap"
    folder.mkdir()
    trap = Trap(folder)
    yield trap
    trap.listener.close()


@pytest.fixture(scope="module")
def bounded(engine: SwiplEngine) -> Iterator[SwiplEngine]:
    """Return an engine with small limits."""
    with SwiplEngine(Limits(seconds=8, inferences=3_000_000, memory_mb=512)) as running:
        yield running


def children(pid: int) -> list[int]:
    """Return the processes whose parent is `pid`."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found


def still_works(engine: SwiplEngine) -> None:
    """Ask the next query; the engine itself allows it eight seconds."""
    (belief,) = engine.form(FACTS, "v1")
    assert belief.confidence == 0.875


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_rule_may_not_say_is_refused_by_name(
    bounded: SwiplEngine, trap: Trap, name: str
) -> None:
    """Refused before it runs; the message says what, and where."""
    text, reason = REFUSED[name]
    rules = RuleSet(f"{name}.pl", trap.set(text))
    with pytest.raises(BadRules) as caught:
        bounded.form(FACTS, rules)
    assert reason in str(caught.value)
    assert str(caught.value).startswith(f"{name}.pl")
    assert trap.sprung() == []
    still_works(bounded)
    assert bounded.pid is not None
    assert children(bounded.pid) == []


@pytest.mark.parametrize("name", STOPPED)
def test_what_runs_without_end_or_answers_nonsense_is_stopped(
    bounded: SwiplEngine, trap: Trap, name: str
) -> None:
    """By steps, by memory or by the kill; the message says which, and the next query works."""
    text, reason = STOPPED[name]
    with pytest.raises((BadRules, RulesStopped)) as caught:
        bounded.form(FACTS, RuleSet(f"{name}.pl", trap.set(text)))
    said = str(caught.value)
    assert name in said
    if reason == "rapid":  # whichever limit is reached first on this machine
        assert isinstance(caught.value, RulesStopped)
        assert re.search("stopped after|ran out of memory|was stopped", said)
    else:
        assert reason in said
    assert trap.sprung() == []
    still_works(bounded)


FINE = "belief(C, persona, 1, 0.5, beta(1, 0)) :- size(C, N), N > 1000.\n\n"


@pytest.mark.parametrize(
    ("text", "where", "said"),
    [
        (
            FINE + "belief(C, persona, 1, X, beta(1, 0)) :-\n    size(C, _), p(X).\np(7).",
            "line 3, clause 2, 'belief(C, persona, 1, X, beta(1, 0)) :-'",
            "no number from 0 to 1: 7.",
        ),
        (
            FINE + "belief(C, world, 1, 0.5, beta(1, 0)) :- size(C, _).",
            "line 3, clause 2, 'belief(C, world,",
            "neither persona nor project(Name): world.",
        ),
        (
            "p(0.5).\np(0.6).\nbelief(C, persona, 1, X, beta(1, 0)) :- size(C, _), p(X).",
            "line 3, clause 3, 'belief(C, persona, 1, X,",
            "two confidences",
        ),
        (
            f"{HEAD}.\n\nbelief(C, persona, 1, 0.6, beta(1, 0)) :- size(C, _).",
            "line 1 (clause 1) and line 3 (clause 2)",
            "two confidences",
        ),
        (FINE + "belief(_, persona, 1, 0.5, beta(1, 0)).", "line 3, clause 2", "no cluster"),
    ],
)
def test_an_answer_that_breaks_the_contract_names_its_clause(
    bounded: SwiplEngine, text: str, where: str, said: str
) -> None:
    """Not only the file: the clause that gave it, or both where two do not agree."""
    with pytest.raises(BadRules) as caught:
        bounded.form(FACTS, RuleSet("mine.pl", text))
    assert caught.value.message.startswith(f"mine.pl, {where}")
    assert ": belief/5 gave " in caught.value.message
    assert said in caught.value.message
    still_works(bounded)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"belief(a, b, c, d, '\xff\xfe').\n", "line 1: byte 0xff is not UTF-8"),
        ("% Grüße\n".encode("latin-1") + HEAD.encode() + b".", "line 1: byte 0xfc is not UTF-8"),
        (HEAD.encode("utf-16"), "is not UTF-8"),
        (b"belief(a, b, c, d, e).\n\x00", "line 2: there is a control character"),
        (b"a." * 200_000, "a rule set has at most 262,144"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path: Path, raw: bytes, reason: str) -> None:
    """Before Prolog sees it."""
    path = tmp_path / "odd.pl"
    path.write_bytes(raw)
    with pytest.raises(BadRules, match=re.escape(reason)):
        load(path)


@pytest.mark.parametrize(
    "text",
    [
        "p(" * 100_000 + "a" + ")" * 100_000 + ".\n" + HEAD + ".",
        HEAD + ", X = " + "f(" * 60_000 + "a" + ")" * 60_000 + ", nonvar(X).",
        HEAD + ", X is " + "1 + (" * 40_000 + "1" + ")" * 40_000 + ", X > 0.",
        HEAD + ", X = " + "9" * 250_000 + ", X > 0.",
        HEAD + ", X = 0x" + "f" * 250_000 + ", Y is X ** X, Y > 0.",
        HEAD + "." + "\n" + "q(a).\n" * 40_000,
        HEAD + ", X = '" + "a" * 250_000 + "', atom(X).",
    ],
    ids=["deep head", "deep data", "deep sum", "long number", "power", "many", "long atom"],
)
def test_monstrous_texts_hurt_nobody(bounded: SwiplEngine, text: str) -> None:
    """They load or they do not; the engine lives on either way."""
    with contextlib.suppress(BadRules, RulesStopped):
        bounded.form(FACTS, RuleSet("monster.pl", text))
    still_works(bounded)


def test_rule_sets_do_not_see_each_other(bounded: SwiplEngine) -> None:
    """Each is a module of its own: equal names, other clauses, any order."""
    one = RuleSet("one.pl", f"{HEAD}, p.\np.\n")
    two = RuleSet("two.pl", f"{HEAD}, p.\np :- fail.\n")
    none = RuleSet("none.pl", f"{HEAD}, p.\n")
    for _ in range(2):
        assert len(bounded.form(FACTS, one)) == 1
        assert len(bounded.form(FACTS, two)) == 0
        with pytest.raises(BadRules, match="there is no predicate p/0"):
            bounded.form(FACTS, none)


def test_facts_cannot_be_mistaken_for_rules(bounded: SwiplEngine) -> None:
    """Names from the outside world are data, whatever they look like."""
    nasty = ["a').\n:- halt.\nb('", "\\", "'", '"', "X", "0", "halt", "é\u2028", "a\tb\r\nc", "%"]
    rows = [observation(n, author=name, project=name) for n, name in enumerate(nasty)]
    facts = one_cluster(rows)
    assert sorted({b.project for b in bounded.form(facts, load("v1", min_support=1, min_sources=1))
                   if b.project}) == sorted(nasty)  # fmt: skip


def test_control_the_traps_do_spring(trap: Trap) -> None:
    """Known-bad: what an escape would do is noticed."""
    (trap.folder / "canary").touch()
    assert trap.sprung() == ["canary"]
    trap.secret.unlink()
    with socket.create_connection(trap.listener.getsockname()):
        assert trap.sprung() == ["canary", "the secret", "the port"]
    assert os.getpid() in children(os.getppid())


def test_there_are_enough_of_them() -> None:
    """The issue asks for forty."""
    assert len(REFUSED) + len(STOPPED) >= 40
    assert len({text for text, _ in REFUSED.values()}) == len(REFUSED)


def test_positions_are_those_of_the_goal(bounded: SwiplEngine) -> None:
    """The line is where the bad goal stands, not where its clause begins."""
    text = f"% one\n{HEAD},\n    true,\n    (   fail\n    ;   clutser(_, C)\n    ).\n"
    with pytest.raises(BadRules) as caught:
        bounded.form(FACTS, RuleSet("mine.pl", text))
    assert str(caught.value) == (
        "mine.pl, line 5, clause 1 (belief/5), ';   clutser(_, C)': there is no predicate "
        "clutser/2. Did you mean cluster/2?"
    )


def test_a_lonely_variable_is_a_warning(bounded: SwiplEngine) -> None:
    """It may be a typo; the rule set runs."""
    formed = bounded.form(FACTS, RuleSet("mine.pl", f"{HEAD}, cluster(Obs, C).\n"))
    assert formed.warnings == ("mine.pl, line 1: Obs occurs once: a typo, or _Obs?",)


def test_empty_facts_make_no_beliefs(bounded: SwiplEngine) -> None:
    """Every relation may be empty: none is unknown."""
    for name in ("v0", "v1", "v2"):
        assert len(bounded.form(FactSet.of([]), name)) == 0
