/*  Reading a rule set: terms are checked before anything is asserted.

    Part of the module patina_worker; see worker.pl.
*/

%!  load_rules(+Id, +Text, +Given:dict, -Answer:dict) is det.

load_rules(Id, Text, Given, Answer) :-
    drop_rules(Id),
    atom_concat(patina_rules_, Id, Module),
    fresh_module(Module),
    setup_call_cleanup(
        open_string(Text, In),
        read_clauses(In, Module, 1, Clauses),
        close(In)),
    maplist(check_clause(Clauses), Clauses),
    check_entry(Clauses),
    parameters(Clauses, Given, Parameters, Kept),
    check_sandbox(Module, Kept),
    instrument(Module, Kept, Rules),
    assertz(rule_set(Id, Module, Rules)),
    maplist(clause_out, Kept, Out),
    findall([Line, Names], singletons_of(Kept, Line, Names), Singletons),
    Answer = _{rules:Rules, clauses:Out, parameters:Parameters, singletons:Singletons}.

fresh_module(Module) :-
    (   current_module(Module)
    ->  forall(( current_predicate(Module:Name/Arity),
                 functor(Head, Name, Arity),
                 \+ predicate_property(Module:Head, imported_from(_)) ),
               catch(abolish(Module:Name/Arity), _, true))
    ;   true
    ),
    set_module(Module:base(system)),
    set_module(Module:class(user)),
    add_import_module(Module, patina_facts, start),
    forall(fact(Name, Arity), Module:import(patina_facts:Name/Arity)),
    import_library(Module).

import_library(Module) :-
    forall(( allowed(Name, Arity) ; member(Name/Arity, [aggregate_all/3]) ),
           (   functor(Head, Name, Arity),
               predicate_property(patina_worker:Head, imported_from(Library)),
               Library \== system
           ->  Module:import(Library:Name/Arity)
           ;   true
           )).

drop_rules(Id) :-
    retractall(rule_set(Id, _, _)).

%   clause(Number, Head, Body, at(Line, Offset, Positions), Singletons)

read_clauses(In, Module, Number, Clauses) :-
    catch(read_term(In, Term,
                    [ module(Module), term_position(Position), subterm_positions(Positions),
                      variable_names(_), singletons(Singletons), syntax_errors(error),
                      quasi_quotations(Quasi), cycles(false), dotlists(false) ]),
          Error, syntax(Error, Number)),
    (   Term == end_of_file
    ->  Clauses = []
    ;   stream_position_data(line_count, Position, Line),
        stream_position_data(char_count, Position, Offset),
        At = at(Line, Offset, Positions),
        ( Quasi == [] -> true ; refuse(form, "a quasi quotation", Number, unknown, At) ),
        clause_of(Term, Number, At, Head, Body),
        findall(Name, member(Name=_, Singletons), Names),
        Clauses = [clause(Number, Head, Body, At, Names)|More],
        Next is Number + 1,
        read_clauses(In, Module, Next, More)
    ).

syntax(error(syntax_error(What), Context), Number) :-
    !,
    (   Context = stream(_, Line, _, _) -> true
    ;   Context = string(_, _) -> Line = 0
    ;   Line = 0
    ),
    (   catch(phrase(prolog:message(syntax_error(What)), _), _, fail) -> true ; true ),
    message_text(error(syntax_error(What), _), Text),
    throw(rule_error(_{kind:syntax, line:Line, clause:Number, message:Text})).
syntax(Error, Number) :-
    message_text(Error, Text),
    throw(rule_error(_{kind:syntax, line:0, clause:Number, message:Text})).

clause_of(Term, Number, At, _, _) :-
    var(Term), !,
    refuse(form, "a variable is no clause", Number, unknown, At).
clause_of((:- _), Number, At, _, _) :-
    !, refuse(directive, "a directive (:- ...)", Number, unknown, At).
clause_of((?- _), Number, At, _, _) :-
    !, refuse(directive, "a query (?- ...)", Number, unknown, At).
clause_of((_ --> _), Number, At, _, _) :-
    !, refuse(form, "a grammar rule (-->)", Number, unknown, At).
clause_of((Head :- Body), Number, At, Head, Body) :-
    !, check_head(Head, Number, At).
clause_of(Head, Number, At, Head, true) :-
    check_head(Head, Number, At).

check_head(Head, Number, At) :-
    (   var(Head)
    ->  refuse(form, "a variable as head", Number, unknown, At)
    ;   Head = _:_
    ->  format(string(What), "a clause for another module (~q)", [Head]),
        refuse(module, What, Number, unknown, At)
    ;   \+ callable(Head)
    ->  format(string(What), "~q is no clause", [Head]),
        refuse(form, What, Number, unknown, At)
    ;   functor(Head, Name, Arity),
        Subject = Name/Arity,
        (   \+ plain_name(Name)
        ->  format(string(What), "a clause for ~q", [Name/Arity]),
            refuse(form, What, Number, Subject, At)
        ;   fact(Name, Arity)
        ->  format(string(What), "a clause for the fact ~q", [Name/Arity]),
            refuse(redefinition, What, Number, Subject, At)
        ;   ( allowed(Name, Arity) ; predicate_property(system:Head, defined) ; hook(Name) )
        ->  format(string(What), "a clause for the built-in predicate ~q", [Name/Arity]),
            refuse(redefinition, What, Number, Subject, At)
        ;   Arity > 20
        ->  refuse(form, "more than 20 arguments", Number, Subject, At)
        ;   true
        )
    ).

hook(Name) :-
    memberchk(Name, [ goal_expansion, term_expansion, dcg_translate_rule, portray, message_hook,
                      exception, prolog_load_file, file_search_path, user_portray,
                      sandbox, safe_primitive, safe_meta, library_directory, term_to_json ]).

plain_name(Name) :-
    atom(Name),
    atom_codes(Name, [First|Rest]),
    code_type(First, lower),
    forall(member(Code, Rest), code_type(Code, csym)).

%!  check_clause(+Clauses, +Clause) is det.
%
%   Every goal of the body is allowed, defined in this file, or a fact.

check_clause(All, clause(Number, Head, Body, At, _)) :-
    functor(Head, Name, Arity),
    Subject = Name/Arity,
    Context = in(All, Number, Subject, At),
    check_data(Head, Context),
    check_data(Body, Context),
    body_position(At, Body, Position),
    check_goal(Body, Position, Context).

body_position(at(_, _, Positions), Body, Position) :-
    (   Body \== true,
        nonvar(Positions),
        Positions = term_position(_, _, _, _, [_, Position])
    ->  true
    ;   Position = none
    ).

check_data(Term, in(_, Number, Subject, At)) :-
    (   sub_term_is(Term, Bad, What)
    ->  format(string(Text), "~w (~q)", [What, Bad]),
        refuse(impure, Text, Number, Subject, At)
    ;   true
    ).

sub_term_is(Term, Bad, What) :-
    nonvar(Term),
    (   is_dict(Term)
    ->  Bad = Term, What = "a dict"
    ;   compound(Term)
    ->  compound_name_arity(Term, Name, _),
        (   Name == '$VAR', Bad = Name, What = "a term of the printer"
        ;   impure(Name), Bad = Name, What = "a function that answers otherwise another time"
        ;   arg(_, Term, Argument), sub_term_is(Argument, Bad, What)
        )
    ;   atom(Term), impure(Term),
        Bad = Term, What = "a function that answers otherwise another time"
    ).

check_goal(Goal, Position, Context) :-
    var(Goal), !,
    refuse_goal(goal, "a variable as goal: what it calls is not known before it runs", Position, Context).
check_goal(Goal, Position, Context) :-
    \+ callable(Goal), !,
    format(string(What), "~q as a goal", [Goal]),
    refuse_goal(goal, What, Position, Context).
check_goal(Goal, Position, Context) :-
    Goal = (_ ^ _), !,
    refuse_goal(goal, "^ outside bagof/3 and setof/3", Position, Context).
check_goal(Goal, Position, Context) :-
    control(Goal, Inner), !,
    forall(member(I-G0, Inner),
           ( position_of(I, Position, P0),
             ( ( Goal = bagof(_,_,_) ; Goal = setof(_,_,_) ) -> strip_hat(G0, P0, G, P) ; G = G0, P = P0 ),
             check_goal(G, P, Context) )),
    (   Goal = aggregate_all(Spec, _, _) -> check_spec(Spec, Position, Context) ; true ).
check_goal(_:_, Position, Context) :-
    !, refuse_goal(module, "a goal in another module (Module:Goal)", Position, Context).
check_goal(Goal, Position, Context) :-
    Context = in(All, _, _, _),
    functor(Goal, Name, Arity),
    (   allowed(Name, Arity)
    ->  check_arithmetic(Goal, Position, Context)
    ;   fact(Name, Arity)
    ->  true
    ;   member(clause(_, Head, _, _, _), All), functor(Head, Name, Arity)
    ->  ( Goal = parameter(Key, _) -> check_parameter(Key, Position, Context) ; true )
    ;   unknown_goal(Goal, Position, Context)
    ).

strip_hat(G, P, G, P) :- var(G), !.
strip_hat(_^G0, P0, G, P) :- !, position_of(2, P0, P1), strip_hat(G0, P1, G, P).
strip_hat(G, P, G, P).

check_spec(Spec, Position, Context) :-
    (   nonvar(Spec), spec(Spec) -> true
    ;   refuse_goal(goal, "aggregate_all/3 with another template than count, sum, max, min, bag, set or r(...) of these",
                    Position, Context)
    ).

spec(Spec) :- var(Spec), !, fail.
spec(count).
spec(sum(_)).
spec(max(_)).
spec(min(_)).
spec(max(_, _)).
spec(min(_, _)).
spec(bag(_)).
spec(set(_)).
spec(Many) :-
    compound(Many),
    compound_name_arguments(Many, r, Specs),
    forall(member(Spec, Specs), ( nonvar(Spec), memberchk(Spec, [count, sum(_), max(_), min(_), bag(_), set(_)]) )).

check_parameter(Key, Position, Context) :-
    Context = in(All, _, _, _),
    (   atom(Key),
        \+ member(clause(_, parameter(Key, _), true, _, _), All)
    ->  findall(K, ( member(clause(_, parameter(K, _), _, _, _), All), atom(K) ), Known),
        refuse_goal(parameter, Key, Known, Position, Context)
    ;   true
    ).

check_arithmetic(Goal, Position, Context) :-
    (   arithmetic(Goal, Expressions),
        member(Expression, Expressions),
        no_function(Expression, Bad)
    ->  format(string(What), "~q in arithmetic", [Bad]),
        refuse_goal(arithmetic, What, Position, Context)
    ;   true
    ).

arithmetic(_ is E, [E]).
arithmetic(A < B, [A, B]).
arithmetic(A > B, [A, B]).
arithmetic(A =< B, [A, B]).
arithmetic(A >= B, [A, B]).
arithmetic(A =:= B, [A, B]).
arithmetic(A =\= B, [A, B]).

no_function(E, _) :- ( var(E) ; number(E) ), !, fail.
no_function(E, Bad) :-
    callable(E), functor(E, Name, Arity), function(Name, Arity), !,
    arg(_, E, Argument), no_function(Argument, Bad).
no_function(E, Name/Arity) :- callable(E), !, functor(E, Name, Arity).
no_function(E, E).

unknown_goal(Goal, Position, Context) :-
    Context = in(All, _, _, _),
    functor(Goal, Name, Arity),
    (   why_not(Name, Why)
    ->  format(string(What), "~q: ~w", [Name/Arity, Why]),
        refuse_goal(goal, What, Position, Context)
    ;   ( predicate_property(system:Goal, defined)
        ; catch(predicate_property(patina_worker:Goal, autoload(_)), _, fail)
        ; current_library(Name, Arity)
        )
    ->  format(string(What), "~q", [Name/Arity]),
        refuse_goal(goal, What, Position, Context)
    ;   findall(N/A, known(All, N, A), Known0),
        sort(Known0, Known1),
        maplist(indicator_text, Known1, Known),
        indicator_text(Name/Arity, Wanted),
        refuse_goal(unknown, Wanted, Known, Position, Context)
    ).

current_library(Name, Arity) :-
    catch('$in_library'(Name, Arity, _), _, fail).

known(_, Name, Arity) :- fact(Name, Arity).
known(_, Name, Arity) :- allowed(Name, Arity), plain_name(Name).
known(_, findall, 3).
known(_, aggregate_all, 3).
known(_, bagof, 3).
known(_, setof, 3).
known(_, forall, 2).
known(_, once, 1).
known(All, Name, Arity) :- member(clause(_, Head, _, _, _), All), functor(Head, Name, Arity).

indicator_text(Name/Arity, Text) :-
    format(string(Text), "~w/~w", [Name, Arity]).

position_of(I, Position, Sub) :-
    (   nonvar(Position), Position = parentheses_term_position(_, _, Inner)
    ->  position_of(I, Inner, Sub)
    ;   nonvar(Position), Position = term_position(_, _, _, _, Subs), nth1(I, Subs, Sub)
    ->  true
    ;   Sub = none
    ).

start_of(Position, From) :-
    nonvar(Position),
    (   Position = parentheses_term_position(_, _, Inner)
    ->  start_of(Inner, From)
    ;   Position \== none,
        arg(1, Position, From),
        integer(From)
    ->  true
    ;   Position = From-_, integer(From)
    ).

refuse_goal(Kind, What, Position, in(_, Number, Subject, At)) :-
    refuse_at(Kind, What, [], Position, Number, Subject, At).
refuse_goal(Kind, What, Known, Position, in(_, Number, Subject, At)) :-
    refuse_at(Kind, What, Known, Position, Number, Subject, At).

refuse(Kind, What, Number, Subject, At) :-
    refuse_at(Kind, What, [], none, Number, Subject, At).

refuse_at(Kind, What, Known, Position, Number, Subject, at(Line, Offset, _)) :-
    ( start_of(Position, From) -> true ; From = Offset ),
    ( Subject = _/_ -> indicator_text(Subject, Of) ; Of = "" ),
    throw(rule_error(_{ kind:Kind, message:What, clause:Number, of:Of, line:Line, offset:From,
                        known:Known })).

check_entry(Clauses) :-
    (   member(clause(_, Head, _, _, _), Clauses), functor(Head, belief, 5)
    ->  true
    ;   throw(rule_error(_{kind:entry, line:1, clause:0, of:"", offset:0, known:[],
                           message:"there is no rule for belief/5"}))
    ).

%!  parameters(+Clauses, +Given:dict, -Values:dict, -Kept:list) is det.
%
%   `parameter(Name, Default).` declares; what was given replaces the default.

parameters(Clauses, Given, Values, Kept) :-
    findall(K-V, ( member(clause(N, Head, Body, At, _), Clauses),
                   functor(Head, parameter, 2),
                   arg(1, Head, K), arg(2, Head, V),
                   (   atom(K), number(V), Body == true
                   ->  true
                   ;   refuse(form, "a parameter that is not written parameter(name, number).",
                              N, parameter/2, At)
                   ) ), Defaults),
    forall(( member(clause(N, parameter(K, _), _, At, _), Clauses),
             findall(x, member(K-_, Defaults), [_, _|_]) ),
           refuse(form, "a parameter that is declared twice", N, parameter/2, At)),
    pairs_keys(Defaults, Known),
    dict_pairs(Given, _, GivenPairs),
    forall(( member(K-_, GivenPairs), \+ memberchk(K, Known) ),
           throw(rule_error(_{kind:given, message:K, known:Known, line:0, clause:0, of:"", offset:0}))),
    findall(K-V, ( member(K-D, Defaults), ( memberchk(K-G, GivenPairs) -> V = G ; V = D ) ), Pairs),
    dict_pairs(Values, _, Pairs),
    maplist(with_value(Pairs), Clauses, Kept).

with_value(Pairs, clause(N, parameter(K, _), true, At, S), clause(N, parameter(K, V), true, At, S)) :-
    !, memberchk(K-V, Pairs).
with_value(_, Clause, Clause).

%!  check_sandbox(+Module, +Clauses) is det.
%
%   The second look, by SWI-Prolog's own library: the clauses are there, nothing has run.

check_sandbox(Module, Clauses) :-
    forall(member(clause(_, Head, Body, _, _), Clauses), assertz(Module:(Head :- Body))),
    catch(safe_goal(Module:belief(_, _, _, _, _)), Error, true),
    findall(Name/Arity,
            ( member(clause(_, Head, _, _, _), Clauses), functor(Head, Name, Arity) ), All0),
    sort(All0, All),
    forall(member(Name/Arity, All), abolish(Module:Name/Arity)),
    (   var(Error)
    ->  true
    ;   message_text(Error, Text),
        throw(rule_error(_{kind:sandbox, message:Text, line:0, clause:0, of:"", offset:0, known:[]}))
    ).

%!  instrument(+Module, +Clauses, -Rules) is det.
%
%   Assert each clause with a last goal that counts it.  The counter also names the clause to
%   the prover.

instrument(Module, Clauses, Rules) :-
    Module:import(patina_worker:'$fired'/1),
    findall(Name/Arity,
            ( member(clause(_, Head, _, _, _), Clauses), functor(Head, Name, Arity) ), All0),
    sort(All0, All),
    forall(member(Name/Arity, All), dynamic(Module:Name/Arity)),
    forall(member(clause(N, Head, Body, _, _), Clauses),
           (   Body == true, functor(Head, parameter, 2)
           ->  assertz(Module:(Head :- '$fired'(N)))
           ;   assertz(Module:(Head :- Body, '$fired'(N)))
           )),
    findall([N, Text, Line],
            ( member(clause(N, Head, _, at(Line, _, _), _), Clauses),
              functor(Head, Name, Arity), indicator_text(Name/Arity, Text) ),
            Rules).

%!  '$fired'(+Number) is det.
:- public '$fired'/1.
'$fired'(Number) :-
    nb_getval(patina_fired, Counts),
    arg(Number, Counts, N0),
    N is N0 + 1,
    nb_setarg(Number, Counts, N).

no_firings(Rules) :-
    length(Rules, Length),
    length(Zeros, Length),
    maplist(=(0), Zeros),
    Counts =.. [fired|Zeros],
    nb_setval(patina_fired, Counts).

clause_out(clause(N, Head, Body, _, _), [N, Out]) :-
    copy_term((Head :- Body), Copy),
    numbervars(Copy, 0, _, [singletons(false)]),
    Out = term(Copy).

singletons_of(Clauses, Line, Names) :-
    member(clause(_, _, _, at(Line, _, _), Names), Clauses),
    Names \== [].
