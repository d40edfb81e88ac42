/*  Proving a belief: a meta-interpreter that keeps what it used.

    Part of the module patina_worker; see worker.pl.
*/

%!  prove(+Goal, +Module, -Proof:list, -Tail) is nondet.
%
%   A meta-interpreter.  Nodes, in the order of the goals:
%
%     rule(Number, Goal, Nodes)    Goal by a clause of the rule set
%     fact(Goal)                   Goal is a fact
%     test(Goal)                   a built-in predicate said yes
%     absent(Goal)                 Goal has no solution
%     all(Goal, Witnesses)         findall, aggregate_all, bagof, setof; a list of nodes for
%                                  each solution of the inner goal

prove(true, _, P, P) :- !.
prove((A,B), M, P0, P) :- !, prove(A, M, P0, P1), prove(B, M, P1, P).
prove((If->Then;Else), M, P0, P) :- !,
    (   prove(If, M, P0, P1)
    ->  prove(Then, M, P1, P)
    ;   P0 = [absent(If)|P1],
        prove(Else, M, P1, P)
    ).
prove((A->B), M, P0, P) :- !, ( prove(A, M, P0, P1) -> prove(B, M, P1, P) ).
prove((A;B), M, P0, P) :- !, ( prove(A, M, P0, P) ; prove(B, M, P0, P) ).
prove(\+A, M, [absent(A)|P], P) :- !, \+ prove(A, M, _, []).
prove(once(A), M, P0, P) :- !, ( prove(A, M, P0, P) -> true ).
prove(ignore(A), M, P0, P) :- !, ( prove(A, M, P0, P) -> true ; P0 = [absent(A)|P] ).
prove(forall(A,B), M, [absent((A, \+B))|P], P) :- !, \+ ( prove(A, M, _, []), \+ prove(B, M, _, []) ).
prove(findall(T,G,L), M, [all(findall(T,G,L), Ws)|P], P) :- !,
    findall(T-W, prove(G, M, W, []), TWs),
    pairs_keys_values(TWs, L, Ws).
prove(aggregate_all(S,G,R), M, [all(aggregate_all(S,G,R), Ws)|P], P) :- !,
    findall(S-W, prove(G, M, W, []), SWs),
    pairs_values(SWs, Ws),
    aggregate_all(S, member(S-_, SWs), R).
prove(bagof(T,G0,L), M, [all(bagof(T,G0,L), Ws)|P], P) :- !,
    hats(G0, prove(G, M, W, []), G, Goal),
    bagof(T-W, M^Goal, TWs),
    pairs_keys_values(TWs, L, Ws).
prove(setof(T,G0,L), M, [all(setof(T,G0,L), Ws)|P], P) :- !,
    hats(G0, prove(G, M, W, []), G, Goal),
    bagof(T-W, M^Goal, TWs),
    pairs_keys_values(TWs, Ts, Ws),
    sort(Ts, L).
prove(Goal, M, P0, P) :-
    functor(Goal, Name, Arity),
    (   fact(Name, Arity)
    ->  patina_facts:Goal,
        P0 = [fact(Goal)|P]
    ;   allowed_index(Name, Arity)
    ->  call(M:Goal),
        P0 = [test(Goal)|P]
    ;   clause(M:Goal, Body),
        counted(Body, Inner, Number),
        nb_setval(patina_clause, Number),
        prove(Inner, M, Nodes, []),
        P0 = [rule(Number, Goal, Nodes)|P]
    ).

:- dynamic allowed_index/2.
:- initialization(forall(allowed(Name, Arity), assertz(allowed_index(Name, Arity)))).

counted('$fired'(N), true, N) :- !.
counted((A, '$fired'(N)), A, N) :- !.
counted((A, B), (A, Inner), N) :- counted(B, Inner, N).

hats(G, Call, G, Call) :- var(G), !.
hats(V^G0, Call, G, V^Goal) :- !, hats(G0, Call, G, Goal).
hats(G, Call, G, Call).

prove_belief(Id, Cluster, Scope, Stance, Inferences, Proof) :-
    the_rules(Id, Module, _),
    Goal = belief(Cluster, Scope, Stance, _, _),
    catch(call_with_inference_limit(once(prove(Goal, Module, Nodes, [])), Inferences, Limit),
          error(resource_error(What), _),
          ( term_text(What, Text), throw(rule_error(_{kind:resource, message:Text})) )),
    (   Limit == inference_limit_exceeded
    ->  throw(rule_error(_{kind:inferences, message:Inferences}))
    ;   true
    ),
    Nodes = [Proof],
    numbervars(Proof, 0, _).

%!  used(+Nodes)//
%
%   The facts that are used anywhere in a proof.

used([]) --> [].
used([Node|Nodes]) --> used_node(Node), used(Nodes).

used_node(rule(_, _, Nodes)) --> !, used(Nodes).
used_node(all(_, Witnesses)) --> !, used_all(Witnesses).
used_node(fact(Goal)) --> !, [Goal].
used_node(_) --> [].

used_all([]) --> [].
used_all([Nodes|Rest]) --> used(Nodes), used_all(Rest).
