"""Proofs: why a belief is held, as a tree whose leaves are events; and their checker.

A node is one of

``rule``    a goal that holds by a clause of the rule set, with a node for each of its goals
``fact``    a goal that is a fact
``test``    a built-in predicate that said yes
``absent``  a goal that has no solution
``all``     a goal that collects solutions (``findall`` …), with the nodes of each of them

:func:`check` trusts none of it.  It takes the rules as they were read and the facts as they
were given, and goes through the tree with an interpreter of its own
(`patina_lab.beliefs.logic`): every step must be an instance of its clause, every fact among
the facts, every collection complete, and what is said to be absent must not be derivable.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from patina_lab.beliefs.facts import RELATIONS, FactSet
from patina_lab.beliefs.logic import BUILT_IN, Program
from patina_lab.beliefs.terms import (
    Compound,
    Trail,
    Var,
    copy,
    decode,
    show,
    standard,
    undo,
    unify,
    variables,
    walk,
)
from patina_lab.errors import CheckFailed


class Node(NamedTuple):
    """One step of a proof.

    Parameters
    ----------
    kind : str
        ``rule``, ``fact``, ``test``, ``absent`` or ``all``.
    goal : term
    rule : int
        The number of the clause, counted from 1; 0 where there is none.
    children : tuple of Node
        Of a rule.
    witnesses : tuple of tuple of Node
        Of ``all``: the nodes of each solution.
    """

    kind: str
    goal: Any
    rule: int = 0
    children: tuple[Node, ...] = ()
    witnesses: tuple[tuple[Node, ...], ...] = ()

    def below(self) -> Iterator[Node]:
        """Yield this node and all nodes under it."""
        yield self
        for child in self.children:
            yield from child.below()
        for witness in self.witnesses:
            for child in witness:
                yield from child.below()


@dataclass(frozen=True)
class Proof:
    """A proof of one belief.

    Parameters
    ----------
    root : Node
    places : mapping of int to str
        For each clause by number, where it stands: ``vote/5, v2 line 98``.
    facts : FactSet
    """

    root: Node
    places: Mapping[int, str] = field(repr=False)
    facts: FactSet = field(repr=False)

    def leaves(self) -> tuple[str, ...]:
        """Return the ids of the events that the proof rests on, sorted."""
        found: set[str] = set()
        place = self.facts.event_of
        for node in self.root.below():
            if node.kind != "fact":
                continue
            kinds = (kind for _, kind in RELATIONS[node.goal.name])
            for kind, value in zip(kinds, node.goal.args, strict=True):
                if kind == "obs":
                    found.add(place[self.facts.named(value)])
                elif kind == "event":
                    found.add(self.facts.named(value))
        return tuple(sorted(found))

    def fired(self) -> dict[str, int]:
        """Return how often each clause is used in this proof, by its place."""
        counts: dict[str, int] = {}
        for node in self.root.below():
            if node.kind == "rule":
                counts[self.places[node.rule]] = counts.get(self.places[node.rule], 0) + 1
        return counts

    def text(self, *, tests: bool = False) -> str:
        """Return the proof as an indented text, one goal a line.

        Parameters
        ----------
        tests : bool
            Also show built-in predicates such as ``3 >= 2``.
        """
        return "\n".join(self._lines(self.root, "", tests))

    def _lines(self, node: Node, indent: str, tests: bool) -> Iterator[str]:
        goal = show(node.goal, self.facts.named)
        if node.kind == "test" and not tests:
            return
        if node.kind == "rule":
            yield f"{indent}{goal}    by {self.places[node.rule]}"
        elif node.kind == "all":
            yield f"{indent}{goal}    from {len(node.witnesses)} solutions"
        elif node.kind == "absent":
            yield f"{indent}there is no {goal}"
        else:
            yield f"{indent}{goal}" + ("    fact" if node.kind == "fact" else "")
        for child in node.children:
            yield from self._lines(child, indent + "  ", tests)
        for n, witness in enumerate(node.witnesses, 1):
            yield f"{indent}  {n}."
            for child in witness:
                yield from self._lines(child, indent + "    ", tests)

    def json(self) -> dict[str, Any]:
        """Return the proof as JSON values: kind, goal, rule, children, witnesses."""
        return self._json(self.root)

    def _json(self, node: Node) -> dict[str, Any]:
        out: dict[str, Any] = {"kind": node.kind, "goal": show(node.goal, self.facts.named)}
        if node.kind == "rule":
            out["rule"] = self.places[node.rule]
            out["children"] = [self._json(child) for child in node.children]
        if node.kind == "all":
            out["witnesses"] = [[self._json(c) for c in witness] for witness in node.witnesses]
        return out


def read_node(json: Sequence[Any], env: dict[Any, Var] | None = None) -> Node:
    """Return the node of the worker's JSON."""
    env = {} if env is None else env
    kind = json[0]
    if kind == "rule":
        children = tuple([read_node(child, env) for child in json[3]])
        return Node(kind, decode(json[2], env), json[1], children)
    if kind == "all":
        witnesses = tuple([tuple([read_node(c, env) for c in witness]) for witness in json[2]])
        return Node(kind, decode(json[1], env), witnesses=witnesses)
    return Node(kind, decode(json[1], env))


def check(proof: Proof | Node, program: Program) -> None:
    """Check a proof against rules and facts, independently of what made it.

    Raises
    ------
    CheckFailed
        A step does not follow; the message shows it.
    """
    root = proof.root if isinstance(proof, Proof) else proof
    if root.kind != "rule":
        raise CheckFailed(f"A proof begins with a rule, not with {_say(root)}.")
    _Checker(program).rule(root)


def _say(node: Node) -> str:
    return f"the {node.kind} {show(node.goal)}"


class _Checker:
    """Goes through a proof; `trail` holds the bindings of the clause that is being followed."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.trail: Trail = []

    def rule(self, node: Node) -> None:
        """Check that a goal follows by its clause from its children."""
        if node.rule not in self.program.clause:
            raise CheckFailed(f"{_say(node)} names rule {node.rule}, which does not exist.")
        head, body = self.program.fresh(node.rule)
        mark = len(self.trail)
        # A copy: the proof's own variables must not be bound by following a clause.
        if not unify(copy(node.goal, {}), head, self.trail):
            raise CheckFailed(f"{_say(node)} is no instance of the head of rule {node.rule}.")
        end = next((n for n in self.body(body, node.children, 0) if n == len(node.children)), None)
        undo(self.trail, mark)
        if end is None:
            raise CheckFailed(f"{_say(node)} does not follow by rule {node.rule}.")

    def body(self, goal: Any, nodes: Sequence[Node], at: int) -> Iterator[int]:
        """Follow a body along the nodes from `at` on; yield where its part of them ends."""
        goal = walk(goal)
        name, args = (goal.name, goal.args) if type(goal) is Compound else (goal, ())
        match name, len(args):
            case "true", 0:
                yield at
            case ",", 2:
                for n in self.body(args[0], nodes, at):
                    yield from self.body(args[1], nodes, n)
            case ";", 2:
                left = walk(args[0])
                if type(left) is Compound and left.name == "->" and len(left.args) == 2:
                    yield from self.body(left, nodes, at)
                    for n in self.absent(left.args[0], nodes, at):
                        yield from self.body(args[1], nodes, n)
                else:
                    yield from self.body(left, nodes, at)
                    yield from self.body(args[1], nodes, at)
            case "->", 2:
                for n in self.first(args[0], nodes, at):
                    yield from self.body(args[1], nodes, n)
            case "\\+", 1:
                yield from self.absent(args[0], nodes, at)
            case "once", 1:
                yield from self.first(args[0], nodes, at)
            case "ignore", 1:
                yield from self.first(args[0], nodes, at)
                yield from self.absent(args[0], nodes, at)
            case "forall", 2:
                broken = Compound(",", (args[0], Compound("\\+", (args[1],))))
                yield from self.absent(broken, nodes, at)
            case (("findall" | "aggregate_all" | "bagof" | "setof"), 3):
                yield from self.collected(goal, nodes, at)
            case _:
                yield from self.called(goal, nodes, at)

    def first(self, goal: Any, nodes: Sequence[Node], at: int) -> Iterator[int]:
        """Like `body`, but only for the first solution there is."""
        probe = Compound("v", tuple(variables(goal)))
        mark = len(self.trail)
        wanted = None
        for _ in self.program.solve(goal, self.trail):
            wanted = copy(probe, {})
            break
        undo(self.trail, mark)
        for n in self.body(goal, nodes, at):
            if wanted is not None and standard(copy(probe, {})) == standard(wanted):
                yield n

    def next(self, kind: str, nodes: Sequence[Node], at: int) -> Node | None:
        """Return the node at `at` if it is of this kind."""
        return nodes[at] if at < len(nodes) and nodes[at].kind == kind else None

    def absent(self, goal: Any, nodes: Sequence[Node], at: int) -> Iterator[int]:
        """Accept an ``absent`` node if the goal has no solution."""
        node = self.next("absent", nodes, at)
        if node is None:
            return
        mark = len(self.trail)
        if unify(goal, copy(node.goal, {}), self.trail):
            undo(self.trail, mark)
            if not self.program.proves(goal, self.trail):
                yield at + 1
        undo(self.trail, mark)

    def called(self, goal: Any, nodes: Sequence[Node], at: int) -> Iterator[int]:
        """Accept a fact, a test or a rule for a goal."""
        if at >= len(nodes):
            return
        node = nodes[at]
        mark = len(self.trail)
        if unify(goal, copy(node.goal, {}), self.trail):
            if (node.kind == "fact" and self.program.holds(node.goal)) or (
                node.kind == "test" and self.test(node.goal)
            ):
                yield at + 1
            elif node.kind == "rule":
                self.rule(node)
                yield at + 1
        undo(self.trail, mark)

    def test(self, goal: Any) -> bool:
        """Ask a built-in predicate again."""
        goal = copy(goal, {})
        key = (goal.name, len(goal.args)) if type(goal) is Compound else (goal, 0)
        return key in BUILT_IN and self.program.proves(goal, self.trail)

    def collected(self, goal: Any, nodes: Sequence[Node], at: int) -> Iterator[int]:
        """Accept a collection whose witnesses are all solutions, no more and no fewer."""
        node = self.next("all", nodes, at)
        if node is None or walk(node.goal).name != goal.name:
            return
        mark = len(self.trail)
        if unify(goal.args[2], copy(node.goal.args[2], {}), self.trail):
            result = copy(goal, {})
            undo(self.trail, mark)
            # The result must be the one that the interpreter finds …
            for _ in self.program.solve(goal, self.trail):
                if standard(copy(goal.args[2], {})) == standard(result.args[2]):
                    # … and the witnesses must prove exactly its solutions.
                    self.witnesses(goal, node)
                    yield at + 1
                    break
        undo(self.trail, mark)

    def witnesses(self, goal: Any, node: Node) -> None:
        """Check that each witness proves a solution, and that there is one for each."""
        template, inner = goal.args[0], walk(goal.args[1])
        while type(inner) is Compound and inner.name == "^":
            inner = walk(inner.args[1])
        expected = sorted(self.program.all(template, inner, self.trail), key=standard)
        found = []
        for witness in node.witnesses:
            mark = len(self.trail)
            env: dict[Any, Var] = {}
            ours = Compound("-", (template, inner))
            # Variables that the rule has bound stay; the others are this solution's own.
            fresh = copy(ours, env)
            for n in self.body(fresh.args[1], witness, 0):
                if n == len(witness):
                    found.append(copy(fresh.args[0], {}))
                    break
            else:
                undo(self.trail, mark)
                raise CheckFailed(f"A witness of {_say(node)} does not prove it.")
            undo(self.trail, mark)
        found.sort(key=standard)
        if [standard(x) for x in found] != [standard(x) for x in expected]:
            raise CheckFailed(
                f"{_say(node)} has {len(found)} witnesses; there are {len(expected)} solutions."
            )
