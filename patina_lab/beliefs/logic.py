"""A small Prolog in Python, by which proofs are checked.

It shares no code with SWI-Prolog: it searches depth first with generators, over the rules of
a rule set and the facts of a fact set, and knows exactly the built-in predicates that a rule
may call (``allowed/2`` in prolog/grammar.pl).  It is slow and needs no speed.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from decimal import ROUND_HALF_UP, Decimal
from itertools import groupby
from typing import Any

from patina_lab.beliefs.facts import RELATIONS, FactSet
from patina_lab.beliefs.terms import (
    CONS,
    NIL,
    Compound,
    Quoted,
    Trail,
    Var,
    as_list,
    compare,
    copy,
    decode,
    listed,
    standard,
    undo,
    unify,
    variables,
    walk,
)
from patina_lab.errors import CheckFailed


class Program:
    """Rules and facts that can be asked.

    Parameters
    ----------
    clauses : sequence of [number, clause]
        As the worker sends them: a clause is ``[":-", head, body]``.
    facts : FactSet
    """

    def __init__(self, clauses: Sequence[Any], facts: FactSet) -> None:
        self.clause = dict(clauses)
        self._rules: dict[tuple[str, int], list[int]] = defaultdict(list)
        for number, json in clauses:
            head = json[1]
            name, arity = (head, 0) if isinstance(head, str) else (head[0], len(head) - 1)
            self._rules[name, arity].append(number)
        self._facts = facts
        self._rows: dict[str, list[tuple[Any, ...]]] = {}
        self._index: dict[tuple[str, int], dict[Any, list[tuple[Any, ...]]]] = {}

    # -- facts -------------------------------------------------------------------------

    def holds(self, goal: Any) -> bool:
        """Return whether a goal without variables is a fact."""
        goal = walk(goal)
        if type(goal) is not Compound or goal.name not in RELATIONS:
            return False
        args = tuple(walk(x) for x in goal.args)
        return any(
            row == args and list(map(type, row)) == list(map(type, args))
            for row in self._matching(goal.name, args)
        )

    def _matching(self, name: str, args: Sequence[Any]) -> list[tuple[Any, ...]]:
        if name not in self._rows:
            self._rows[name] = self._facts.rows(name)
        for place, value in enumerate(args):
            value = walk(value)
            if isinstance(value, str):
                if (name, place) not in self._index:
                    index: dict[Any, list[tuple[Any, ...]]] = defaultdict(list)
                    for row in self._rows[name]:
                        index[row[place]].append(row)
                    self._index[name, place] = index
                return self._index[name, place].get(value, [])
        return self._rows[name]

    # -- search ------------------------------------------------------------------------

    def solve(self, goal: Any, trail: Trail) -> Iterator[None]:
        """Yield once for each solution, its bindings in place until the next."""
        goal = walk(goal)
        name, args = (goal.name, goal.args) if type(goal) is Compound else (goal, ())
        if name in _CONTROL and len(args) == _CONTROL[name]:
            yield from getattr(self, _METHOD[name])(*args, trail)
        elif name in RELATIONS and len(args) == len(RELATIONS[name]):
            for row in self._matching(name, args):
                mark = len(trail)
                if all(unify(x, y, trail) for x, y in zip(args, row, strict=True)):
                    yield
                undo(trail, mark)
        elif (name, len(args)) in BUILT_IN:
            mark = len(trail)
            for _ in BUILT_IN[name, len(args)](trail, *args):
                yield
                undo(trail, mark)
            undo(trail, mark)
        else:
            for number in self._rules.get((name, len(args)), ()):
                mark = len(trail)
                head, body = self.fresh(number)
                if unify(goal, head, trail):
                    yield from self.solve(body, trail)
                undo(trail, mark)

    def fresh(self, number: int) -> tuple[Any, Any]:
        """Return head and body of a clause, with variables of their own."""
        env: dict[Any, Var] = {}
        json = self.clause[number]
        return decode(json[1], env), decode(json[2], env)

    def proves(self, goal: Any, trail: Trail) -> bool:
        """Return whether there is a solution, and leave no binding."""
        mark = len(trail)
        found = any(True for _ in self.solve(goal, trail))
        undo(trail, mark)
        return found

    def all(self, template: Any, goal: Any, trail: Trail) -> list[Any]:
        """Return a copy of the template for each solution."""
        mark = len(trail)
        found = [copy(template, {}) for _ in self.solve(goal, trail)]
        undo(trail, mark)
        return found

    def _and(self, a: Any, b: Any, trail: Trail) -> Iterator[None]:
        for _ in self.solve(a, trail):
            yield from self.solve(b, trail)

    def _or(self, a: Any, b: Any, trail: Trail) -> Iterator[None]:
        a = walk(a)
        if type(a) is Compound and a.name == "->" and len(a.args) == 2:
            for _ in self._once(a.args[0], trail):
                yield from self.solve(a.args[1], trail)
                return
            yield from self.solve(b, trail)
            return
        yield from self.solve(a, trail)
        yield from self.solve(b, trail)

    def _if(self, a: Any, b: Any, trail: Trail) -> Iterator[None]:
        for _ in self._once(a, trail):
            yield from self.solve(b, trail)

    def _once(self, a: Any, trail: Trail) -> Iterator[None]:
        mark = len(trail)
        for _ in self.solve(a, trail):
            yield
            break
        undo(trail, mark)

    def _not(self, a: Any, trail: Trail) -> Iterator[None]:
        if not self.proves(a, trail):
            yield

    def _ignore(self, a: Any, trail: Trail) -> Iterator[None]:
        for _ in self._once(a, trail):
            yield
            return
        yield

    def _forall(self, a: Any, b: Any, trail: Trail) -> Iterator[None]:
        if not self.proves(Compound(",", (a, Compound("\\+", (b,)))), trail):
            yield

    def _findall(self, template: Any, goal: Any, result: Any, trail: Trail) -> Iterator[None]:
        yield from _equal(trail, result, as_list(self.all(template, goal, trail)))

    def _aggregate(self, spec: Any, goal: Any, result: Any, trail: Trail) -> Iterator[None]:
        found = aggregate(walk(spec), self.all(spec, goal, trail))
        if found is not None:
            yield from _equal(trail, result, found)

    def _bagof(self, template: Any, goal: Any, result: Any, trail: Trail) -> Iterator[None]:
        for witness, members in self._groups(template, goal, trail):
            mark = len(trail)
            if unify(witness[0], witness[1], trail):
                yield from _equal(trail, result, as_list(members))
            undo(trail, mark)

    def _setof(self, template: Any, goal: Any, result: Any, trail: Trail) -> Iterator[None]:
        for witness, members in self._groups(template, goal, trail):
            mark = len(trail)
            if unify(witness[0], witness[1], trail):
                yield from _equal(trail, result, as_list(_distinct(sorted(members, key=standard))))
            undo(trail, mark)

    def _groups(
        self, template: Any, goal: Any, trail: Trail
    ) -> Iterator[tuple[tuple[Any, Any], list[Any]]]:
        bound = variables(template)
        goal = walk(goal)
        while type(goal) is Compound and goal.name == "^":
            variables(goal.args[0], bound)
            goal = walk(goal.args[1])
        free = as_list([v for v in variables(goal) if v not in bound])
        pairs = self.all(Compound("-", (free, template)), goal, trail)
        pairs.sort(key=lambda pair: standard(pair.args[0]))
        for key, group in groupby(pairs, key=lambda pair: standard(pair.args[0])):
            members = [pair.args[1] for pair in group]
            yield (free, key.obj), members  # type: ignore[attr-defined]


_METHOD = {
    ",": "_and",
    ";": "_or",
    "->": "_if",
    "\\+": "_not",
    "once": "_once",
    "ignore": "_ignore",
    "forall": "_forall",
    "findall": "_findall",
    "aggregate_all": "_aggregate",
    "bagof": "_bagof",
    "setof": "_setof",
}
_CONTROL = {
    **dict.fromkeys((",", ";", "->", "forall"), 2),
    **dict.fromkeys(("\\+", "once", "ignore"), 1),
    **dict.fromkeys(("findall", "aggregate_all", "bagof", "setof"), 3),
}


def aggregate(spec: Any, found: list[Any]) -> Any:
    """Return what ``aggregate_all(Spec, …)`` makes of the instances of Spec; None: it fails."""
    if spec == "count":
        return len(found)
    kind, arity = spec.name, len(spec.args)
    if kind == "r":
        parts = [
            aggregate(walk(part), [walk(instance.args[n]) for instance in found])
            for n, part in enumerate(spec.args)
        ]
        return None if any(part is None for part in parts) else Compound("r", tuple(parts))
    first = [instance.args[0] for instance in found]
    if kind == "bag":
        return as_list(first)
    if kind == "set":
        return as_list(_distinct(sorted(first, key=standard)))
    if kind == "sum":
        total: Any = 0
        for value in first:
            total = total + evaluate(value)
        return total
    if not found:
        return None
    best = 0
    values = [evaluate(value) for value in first]
    for n, value in enumerate(values):
        if (value > values[best]) if kind == "max" else (value < values[best]):
            best = n
    if arity == 2:
        return Compound(kind, (values[best], found[best].args[1]))
    return values[best]


def _distinct(ordered: list[Any]) -> list[Any]:
    return [x for n, x in enumerate(ordered) if not n or compare(ordered[n - 1], x)]


# -- arithmetic ------------------------------------------------------------------------------


def evaluate(term: Any) -> int | float:
    """Return the number that an arithmetic expression stands for."""
    term = walk(term)
    if isinstance(term, int | float):
        return term
    if term in ("pi", "e"):
        return math.pi if term == "pi" else math.e
    if type(term) is Compound and (term.name, len(term.args)) in _FUNCTION:
        function = _FUNCTION[term.name, len(term.args)]
        value: int | float = function(*(evaluate(x) for x in term.args))
        return value
    raise CheckFailed(f"{term!r} is no number.")


def _divide(a: Any, b: Any) -> Any:
    exact = isinstance(a, int) and isinstance(b, int) and a % b == 0
    return a // b if exact else a / b


def _truncated(a: int, b: int) -> int:
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def _round(a: Any) -> int:
    return int(Decimal(a).quantize(Decimal(1), ROUND_HALF_UP))


def _power(a: Any, b: Any) -> Any:
    if isinstance(a, int) and isinstance(b, int):
        return a**b
    return math.pow(a, b)


def _larger(a: Any, b: Any) -> Any:
    return float(a) if a == b and type(a) is not type(b) else max(a, b)


def _smaller(a: Any, b: Any) -> Any:
    return float(a) if a == b and type(a) is not type(b) else min(a, b)


_FUNCTION: dict[tuple[str, int], Callable[..., Any]] = {
    ("+", 2): lambda a, b: a + b,
    ("-", 2): lambda a, b: a - b,
    ("*", 2): lambda a, b: a * b,
    ("/", 2): _divide,
    ("//", 2): _truncated,
    ("div", 2): lambda a, b: a // b,
    ("mod", 2): lambda a, b: a % b,
    ("rem", 2): lambda a, b: a - b * _truncated(a, b),
    ("**", 2): _power,
    ("^", 2): _power,
    ("min", 2): _smaller,
    ("max", 2): _larger,
    ("-", 1): lambda a: -a,
    ("+", 1): lambda a: a,
    ("abs", 1): abs,
    ("sign", 1): lambda a: (
        ((a > 0) - (a < 0)) if isinstance(a, int) else math.copysign(float(a != 0), a)
    ),
    ("sqrt", 1): math.sqrt,
    ("exp", 1): math.exp,
    ("log", 1): math.log,
    ("floor", 1): math.floor,
    ("ceiling", 1): math.ceil,
    ("round", 1): _round,
    ("integer", 1): _round,
    ("truncate", 1): math.trunc,
    ("float", 1): float,
}


# -- built-in predicates ---------------------------------------------------------------------


def _equal(trail: Trail, a: Any, b: Any) -> Iterator[None]:
    if unify(a, b, trail):
        yield


def _when(test: Callable[..., bool]) -> Callable[..., Iterator[None]]:
    def built_in(_: Trail, *args: Any) -> Iterator[None]:
        if test(*args):
            yield

    return built_in


def _numbers(test: Callable[[Any, Any], bool]) -> Callable[..., Iterator[None]]:
    return _when(lambda a, b: test(evaluate(a), evaluate(b)))


def _gives(function: Callable[..., Any]) -> Callable[..., Iterator[None]]:
    """Make a predicate whose last argument is a function of the lists before it."""

    def built_in(trail: Trail, *args: Any) -> Iterator[None]:
        yield from _equal(trail, args[-1], function(*map(_proper, args[:-1])))

    return built_in


def _proper(term: Any) -> list[Any]:
    members = listed(term)
    if members is None:
        raise CheckFailed("A list is expected.")
    return members


def _unifies(a: Any, b: Any) -> bool:
    trail: Trail = []
    same = unify(a, b, trail)
    undo(trail, 0)
    return same


def _members(trail: Trail, x: Any, members: Any) -> Iterator[None]:
    for member in _proper(members):
        mark = len(trail)
        if unify(x, member, trail):
            yield
        undo(trail, mark)


def _first_member(trail: Trail, x: Any, members: Any) -> Iterator[None]:
    for _ in _members(trail, x, members):
        yield
        return


def _append(trail: Trail, a: Any, b: Any, whole: Any) -> Iterator[None]:
    if (front := listed(a)) is not None:
        yield from _equal(trail, whole, as_list(front, b))
        return
    members = _proper(whole)
    for n in range(len(members) + 1):
        mark = len(trail)
        if unify(a, as_list(members[:n]), trail) and unify(b, as_list(members[n:]), trail):
            yield
        undo(trail, mark)


def _nth(base: int) -> Callable[..., Iterator[None]]:
    def built_in(trail: Trail, n: Any, members: Any, x: Any) -> Iterator[None]:
        for place, member in enumerate(_proper(members), base):
            mark = len(trail)
            if unify(n, place, trail) and unify(x, member, trail):
                yield
            undo(trail, mark)

    return built_in


def _length(trail: Trail, members: Any, n: Any) -> Iterator[None]:
    known = listed(members)
    if known is None:
        known = [Var() for _ in range(evaluate(n))]  # type: ignore[arg-type]
        yield from _equal(trail, members, as_list(known))
    else:
        yield from _equal(trail, n, len(known))


def _between(trail: Trail, low: Any, high: Any, x: Any) -> Iterator[None]:
    most = math.inf if walk(high) in ("inf", "infinite") else evaluate(high)
    n = evaluate(low)
    while n <= most:
        mark = len(trail)
        if unify(x, n, trail):
            yield
        undo(trail, mark)
        n += 1


def _succ(trail: Trail, a: Any, b: Any) -> Iterator[None]:
    if isinstance(walk(a), int):
        yield from _equal(trail, b, walk(a) + 1)
    else:
        yield from _equal(trail, a, walk(b) - 1)


def _plus(trail: Trail, a: Any, b: Any, c: Any) -> Iterator[None]:
    a, b, c = walk(a), walk(b), walk(c)
    if type(c) is Var:
        yield from _equal(trail, c, a + b)
    elif type(b) is Var:
        yield from _equal(trail, b, c - a)
    else:
        yield from _equal(trail, a, c - b)


def _extreme(pick: Callable[..., Any]) -> Callable[..., Iterator[None]]:
    def built_in(trail: Trail, members: Any, result: Any) -> Iterator[None]:
        values = [evaluate(x) for x in _proper(members)]
        if values:
            best = values[0]
            for value in values[1:]:
                best = pick(best, value)
            yield from _equal(trail, result, best)

    return built_in


def _sort4(trail: Trail, key: Any, order: Any, members: Any, result: Any) -> Iterator[None]:
    place, how = walk(key), walk(order)

    def of(x: Any) -> Any:
        return standard(x if place == 0 else walk(x).args[place - 1])

    ordered = sorted(_proper(members), key=of, reverse=how in ("@>", "@>="))
    if how in ("@<", "@>"):
        kept: list[Any] = []
        for x in ordered:
            if not kept or of(kept[-1]) != of(x):
                kept.append(x)
        ordered = kept
    yield from _equal(trail, result, as_list(ordered))


def _keysort(trail: Trail, pairs: Any, result: Any) -> Iterator[None]:
    ordered = sorted(_proper(pairs), key=lambda pair: standard(walk(pair).args[0]))
    yield from _equal(trail, result, as_list(ordered))


def _to_set(members: list[Any]) -> Any:
    kept: list[Any] = []
    for x in members:
        if all(compare(x, y) for y in kept):
            kept.append(x)
    return as_list(kept)


def _among(x: Any, members: list[Any]) -> bool:
    return any(_unifies(x, y) for y in members)


def _pairs(trail: Trail, pairs: Any, keys: Any, values: Any) -> Iterator[None]:
    if (known := listed(pairs)) is not None:
        split = [walk(pair).args for pair in known]
        if unify(keys, as_list(k for k, _ in split), trail):
            yield from _equal(trail, values, as_list(v for _, v in split))
    else:
        joined = zip(_proper(keys), _proper(values), strict=True)
        yield from _equal(trail, pairs, as_list(Compound("-", pair) for pair in joined))


def _compare3(trail: Trail, order: Any, a: Any, b: Any) -> Iterator[None]:
    yield from _equal(trail, order, "<=>"[compare(a, b) + 1])


def _is_atom(x: Any) -> bool:
    x = walk(x)
    return isinstance(x, str) or x is NIL


BUILT_IN: dict[tuple[Any, int], Callable[..., Iterator[None]]] = {
    ("true", 0): _when(lambda: True),
    ("fail", 0): _when(lambda: False),
    ("false", 0): _when(lambda: False),
    ("=", 2): _equal,
    ("\\=", 2): _when(lambda a, b: not _unifies(a, b)),
    ("==", 2): _when(lambda a, b: not compare(a, b)),
    ("\\==", 2): _when(lambda a, b: bool(compare(a, b))),
    ("@<", 2): _when(lambda a, b: compare(a, b) < 0),
    ("@>", 2): _when(lambda a, b: compare(a, b) > 0),
    ("@=<", 2): _when(lambda a, b: compare(a, b) <= 0),
    ("@>=", 2): _when(lambda a, b: compare(a, b) >= 0),
    ("compare", 3): _compare3,
    ("<", 2): _numbers(lambda a, b: a < b),
    (">", 2): _numbers(lambda a, b: a > b),
    ("=<", 2): _numbers(lambda a, b: a <= b),
    (">=", 2): _numbers(lambda a, b: a >= b),
    ("=:=", 2): _numbers(lambda a, b: a == b),
    ("=\\=", 2): _numbers(lambda a, b: a != b),
    ("is", 2): lambda trail, x, e: _equal(trail, x, evaluate(e)),
    ("succ", 2): _succ,
    ("plus", 3): _plus,
    ("between", 3): _between,
    ("var", 1): _when(lambda x: type(walk(x)) is Var),
    ("nonvar", 1): _when(lambda x: type(walk(x)) is not Var),
    ("atom", 1): _when(_is_atom),
    ("number", 1): _when(lambda x: isinstance(walk(x), int | float)),
    ("integer", 1): _when(lambda x: isinstance(walk(x), int)),
    ("float", 1): _when(lambda x: isinstance(walk(x), float)),
    ("atomic", 1): _when(lambda x: _is_atom(x) or isinstance(walk(x), int | float | Quoted)),
    ("compound", 1): _when(lambda x: type(walk(x)) is Compound),
    ("ground", 1): _when(lambda x: not variables(x)),
    ("length", 2): _length,
    ("member", 2): _members,
    ("memberchk", 2): _first_member,
    ("append", 3): _append,
    ("nth0", 3): _nth(0),
    ("nth1", 3): _nth(1),
    ("last", 2): lambda trail, members, x: (
        _equal(trail, x, _proper(members)[-1]) if _proper(members) else iter(())
    ),
    ("reverse", 2): _gives(lambda members: as_list(members[::-1])),
    ("msort", 2): _gives(lambda members: as_list(sorted(members, key=standard))),
    ("sort", 2): _gives(lambda members: as_list(_distinct(sorted(members, key=standard)))),
    ("sort", 4): _sort4,
    ("keysort", 2): _keysort,
    ("list_to_set", 2): _gives(_to_set),
    ("sum_list", 2): _gives(lambda members: sum((evaluate(x) for x in members), 0)),
    ("max_list", 2): _extreme(_larger),
    ("min_list", 2): _extreme(_smaller),
    ("subtract", 3): _gives(lambda a, b: as_list(x for x in a if not _among(x, b))),
    ("intersection", 3): _gives(lambda a, b: as_list(x for x in a if _among(x, b))),
    ("union", 3): _gives(lambda a, b: as_list([x for x in a if not _among(x, b)] + b)),
    ("pairs_keys", 2): lambda trail, pairs, keys: _pairs(trail, pairs, keys, Var()),
    ("pairs_values", 2): lambda trail, pairs, values: _pairs(trail, pairs, Var(), values),
    ("pairs_keys_values", 3): _pairs,
}

__all__ = ["BUILT_IN", "CONS", "Program", "aggregate", "evaluate"]
