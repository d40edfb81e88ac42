/*  Running a rule set, and holding its answers against the contract.

    Part of the module patina_worker; see worker.pl.
*/

%!  run(+Id, +Inferences, -Answer:dict) is det.

run(Id, Inferences, Answer) :-
    the_rules(Id, Module, Rules),
    no_firings(Rules),
    statistics(inferences, I0),
    catch(call_with_inference_limit(
              findall(belief(C, Scope, Stance, P, E), Module:belief(C, Scope, Stance, P, E), Found),
              Inferences, Limit),
          Error, true),
    statistics(inferences, I1),
    (   nonvar(Error)
    ->  run_failed(Error, Module)
    ;   Limit == inference_limit_exceeded
    ->  throw(rule_error(_{kind:inferences, message:Inferences}))
    ;   true
    ),
    nb_getval(patina_fired, Counts),
    Counts =.. [_|Fired],
    Cost is I1 - I0,
    catch(( maplist(check_belief, Found),
            sort(Found, Beliefs),
            check_functional(Beliefs) ),
          bad_answer(Answers, What, Shown),
          bad_answer(Module, Rules, Answers, What, Shown)),
    Answer = _{beliefs:answers(Beliefs), fired:Fired, inferences:Cost}.

the_rules(Id, Module, Rules) :-
    (   rule_set(Id, Module, Rules) -> true
    ;   throw(rule_error(_{kind:internal, message:"no such rule set"}))
    ).

run_failed(error(resource_error(What), _), _) :-
    !, term_text(What, Text), throw(rule_error(_{kind:resource, message:Text})).
run_failed(Error, Module) :-
    message_text(Error, Text),
    nb_setval(patina_clause, 0),
    catch(call_with_inference_limit(
              ( prove(belief(_, _, _, _, _), Module, _, []), fail ; true ), 5000000, _),
          _, true),
    nb_getval(patina_clause, Number),
    throw(rule_error(_{kind:runtime, message:Text, clause:Number})).

check_belief(Belief) :-
    Belief = belief(C, Scope, Stance, P, E),
    (   \+ acyclic_term(Belief)
    ->  bad_belief("a cyclic term", "a belief", Belief)
    ;   \+ ( atom(C), patina_facts:size(C, _) )
    ->  bad_belief("no cluster of the facts", C, Belief)
    ;   \+ ( Scope == persona ; nonvar(Scope), Scope = project(Project), atom(Project) )
    ->  bad_belief("a scope that is neither persona nor project(Name)", Scope, Belief)
    ;   Scope = project(Name),
        \+ ( patina_facts:cluster(O, C), patina_facts:project(O, Name) )
    ->  bad_belief("a project that no observation of its cluster has", Scope, Belief)
    ;   \+ ( integer(Stance), memberchk(Stance, [-1, 0, 1]) )
    ->  bad_belief("a stance that is not -1, 0 or 1", Stance, Belief)
    ;   \+ ( number(P), P >= 0, P =< 1 )
    ->  bad_belief("a confidence that is no number from 0 to 1", P, Belief)
    ;   \+ ( nonvar(E), E = beta(For, Against), mass(For), mass(Against) )
    ->  bad_belief("evidence that is not beta(For, Against), two numbers from 0 on", E, Belief)
    ;   true
    ).

mass(X) :- number(X), X >= 0, X < 1.0e12.

bad_belief(What, Term, Belief) :-
    (   acyclic_term(Term)
    ->  copy_term_nat(Term, Copy),
        format(string(Shown), "~W", [Copy, [quoted(true), max_depth(6), numbervars(true)]])
    ;   Shown = "a cyclic term"
    ),
    sub_text(Shown, 200, Short),
    throw(bad_answer([Belief], What, Short)).

%!  bad_answer(+Module, +Rules, +Answers, +What, +Shown)
%
%   Throws what is wrong with answers, and the clauses that gave them where they can be found.

bad_answer(Module, Rules, Answers, What, Shown) :-
    findall(Number, ( member(Answer, Answers), answered_by(Answer, Module, Rules, Number) ), Numbers0),
    sort(Numbers0, Numbers),
    throw(rule_error(_{kind:answer, message:What, term:Shown, clauses:Numbers})).

answered_by(_, _, Rules, Number) :-
    findall(N, member([N, belief/5, _], Rules), [Number]),
    !.
answered_by(Answer, Module, _, Number) :-
    acyclic_term(Answer),
    Answer = belief(C, _, _, _, _),
    Goal = belief(D, _, _, _, _),
    ( atom(C) -> D = C ; true ),
    catch(call_with_inference_limit(
              once(( prove(Goal, Module, [rule(Number, Goal, _)], []), Goal =@= Answer )),
              5000000, Limit),
          _, fail),
    Limit \== inference_limit_exceeded.

sub_text(Text, Most, Short) :-
    string_length(Text, Length),
    ( Length > Most -> sub_string(Text, 0, Most, _, Start), string_concat(Start, "...", Short) ; Short = Text ).

check_functional([belief(C, S, P, A, E), belief(C, S, P, B, F)|_]) :-
    !,
    format(string(Shown), "~q and ~q", [A-E, B-F]),
    throw(bad_answer([belief(C, S, P, A, E), belief(C, S, P, B, F)],
                     "two confidences for one cluster, scope and stance", Shown)).
check_functional([_|Rest]) :- !, check_functional(Rest).
check_functional([]).
