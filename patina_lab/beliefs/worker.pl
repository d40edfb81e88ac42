/*  The Prolog side of patina_lab.beliefs: facts are loaded once, a rule set is a module.

    A request is one line of JSON on standard input, an answer one line of JSON on standard
    output.  `handle/2` answers one request; `main/0` does so until its parent goes away.

      {"op":"facts", "path":P}                 -> {"ok":true, "facts":N}
      {"op":"rules", "id":I, "text":T, "parameters":{..}}
                                               -> {"ok":true, "rules":[..], "clauses":[..], ..}
      {"op":"run", "id":I, "inferences":N}     -> {"ok":true, "beliefs":[..], "fired":[..], ..}
      {"op":"prove", "id":I, "cluster":C, "scope":S, "stance":P, "inferences":N}
                                               -> {"ok":true, "proof":..}

    Whatever goes wrong is an answer too: {"ok":false, "error":{"kind":K, ..}}.

    A rule set is never consulted.  Its terms are read, each clause is held against the list of
    what a rule may say (allowed/2), the whole against library(sandbox), and only then is it
    asserted.  No directive runs and no term or goal is expanded on the way.
*/

:- module(patina_worker, [main/0, handle/2, '$fired'/1]).
:- use_module(library(aggregate)).
:- use_module(library(apply)).
:- use_module(library(error)).
:- use_module(library(http/json)).
:- use_module(library(lists)).
:- use_module(library(pairs)).
:- use_module(library(process)).
:- use_module(library(readutil)).
:- use_module(library(sandbox)).

:- multifile sandbox:safe_primitive/1.

%   Pure, but library(sandbox) stops at the type checks inside them.
sandbox:safe_primitive(lists:nth0(_, _, _)).
sandbox:safe_primitive(lists:nth1(_, _, _)).
sandbox:safe_primitive(lists:last(_, _)).
sandbox:safe_primitive(lists:list_to_set(_, _)).
sandbox:safe_primitive(lists:sum_list(_, _)).
sandbox:safe_primitive(lists:max_list(_, _)).
sandbox:safe_primitive(lists:min_list(_, _)).
sandbox:safe_primitive(lists:subtract(_, _, _)).
sandbox:safe_primitive(lists:intersection(_, _, _)).
sandbox:safe_primitive(lists:union(_, _, _)).

:- dynamic
    rule_set/3.                   % Id, Module, Rules: [Number, Name/Arity, Line]


%   -- the facts --------------------------------------------------------------------------

%!  fact(?Name, ?Arity) is nondet.
%
%   The relations of a fact set; patina_lab/beliefs/facts.py says what they mean.

fact(observation, 6).
fact(similar, 3).
fact(cluster, 2).
fact(size, 2).
fact(medoid, 2).
fact(cohesion, 2).
fact(diversity, 2).
fact(boilerplate, 1).
fact(source, 3).
fact(project, 2).
fact(reliability, 2).
fact(age_days, 2).
fact(contradicts, 2).
fact(supersedes, 2).

declare_facts :-
    forall(fact(Name, Arity),
           ( dynamic(patina_facts:Name/Arity), patina_facts:export(patina_facts:Name/Arity) )).

:- initialization(declare_facts).

%!  load_facts(+Path, -Count) is det.
%
%   Replace all facts by those of a file that Python wrote: one fact a clause.

load_facts(Path, Count) :-
    forall(fact(Name, Arity),
           ( functor(Head, Name, Arity), retractall(patina_facts:Head) )),
    setup_call_cleanup(
        open(Path, read, In, [encoding(utf8)]),
        load_from(In),
        close(In)),
    aggregate_all(sum(N),
                  ( fact(Name, Arity), functor(Head, Name, Arity),
                    ( predicate_property(patina_facts:Head, number_of_clauses(N)) -> true ; N = 0 )
                  ),
                  Count).

load_from(In) :-
    repeat,
    read_term(In, Fact, []),
    (   Fact == end_of_file
    ->  !
    ;   assertz(patina_facts:Fact),
        fail
    ).


%   -- what a rule may say ----------------------------------------------------------------

%!  allowed(?Name, ?Arity) is nondet.
%
%   Built-in predicates that a rule may call.  Each is pure, and each has its equal in
%   patina_lab/beliefs/logic.py, by which proofs are checked.

allowed(Name, Arity) :-
    member(Name/Arity,
           [ true/0, fail/0, false/0,
             (=)/2, (\=)/2, (==)/2, (\==)/2, (@<)/2, (@>)/2, (@=<)/2, (@>=)/2, compare/3,
             (<)/2, (>)/2, (=<)/2, (>=)/2, (=:=)/2, (=\=)/2, (is)/2, succ/2, plus/3, between/3,
             var/1, nonvar/1, atom/1, number/1, integer/1, float/1, atomic/1, compound/1,
             ground/1,
             length/2, member/2, memberchk/2, append/3, nth0/3, nth1/3, last/2, reverse/2,
             msort/2, sort/2, sort/4, keysort/2, list_to_set/2, sum_list/2, max_list/2,
             min_list/2, subtract/3, intersection/3, union/3,
             pairs_keys/2, pairs_values/2, pairs_keys_values/3
           ]).

%!  control(?Goal, -Goals:list) is semidet.
%
%   Control structures, with the goals inside them and where these stand among the arguments.

control((A,B), [1-A, 2-B]).
control((A;B), [1-A, 2-B]).
control((A->B), [1-A, 2-B]).
control(\+A, [1-A]).
control(once(A), [1-A]).
control(ignore(A), [1-A]).
control(forall(A,B), [1-A, 2-B]).
control(findall(_,A,_), [2-A]).
control(aggregate_all(_,A,_), [2-A]).
control(bagof(_,A,_), [2-A]).
control(setof(_,A,_), [2-A]).
control(_^A, [2-A]).

%!  why_not(?Name, ?Reason) is semidet.
%
%   Reasons for what people try most.

why_not(!, "write ( If -> Then ; Else ) instead of a cut").
why_not(*->, "write ( If -> Then ; Else )").
why_not(catch, "a rule that fails does not apply, and nothing may swallow a limit").
why_not(catch_with_backtrace, "nothing may swallow a limit").
why_not(setup_call_cleanup, "nothing may swallow a limit").
why_not(call_cleanup, "nothing may swallow a limit").
why_not(call, "write the goal itself").
why_not(apply, "write the goal itself").
why_not(not, "write \\+ Goal").
why_not(maplist, "write findall/3 or a rule of your own").
why_not(foldl, "write aggregate_all/3 or a rule of your own").

%   Arithmetic that would give another answer at another time, or none that a rule needs.
impure(Name) :-
    memberchk(Name, [ random, random_float, cputime, realtime, systemtime,
                      garbage, nan, inf, infinite, epsilon, max_tagged_integer ]).

function(Name, Arity) :-
    memberchk(Name/Arity,
              [ (+)/2, (-)/2, (*)/2, (/)/2, (//)/2, (mod)/2, (rem)/2, (div)/2, (**)/2, (^)/2,
                min/2, max/2, (-)/1, (+)/1, abs/1, sign/1, sqrt/1, exp/1, log/1, floor/1,
                ceiling/1, round/1, truncate/1, integer/1, float/1, pi/0, e/0 ]).


%   -- reading a rule set -----------------------------------------------------------------

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


%   -- running ----------------------------------------------------------------------------

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
    maplist(check_belief, Found),
    sort(Found, Beliefs),
    check_functional(Beliefs),
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
    ->  bad_belief("a cyclic term", "a belief")
    ;   \+ ( atom(C), patina_facts:size(C, _) )
    ->  bad_belief("no cluster of the facts", C)
    ;   \+ ( Scope == persona ; nonvar(Scope), Scope = project(Project), atom(Project) )
    ->  bad_belief("a scope that is neither persona nor project(Name)", Scope)
    ;   \+ ( integer(Stance), memberchk(Stance, [-1, 0, 1]) )
    ->  bad_belief("a stance that is not -1, 0 or 1", Stance)
    ;   \+ ( number(P), P >= 0, P =< 1 )
    ->  bad_belief("a confidence that is no number from 0 to 1", P)
    ;   \+ ( nonvar(E), E = beta(For, Against), mass(For), mass(Against) )
    ->  bad_belief("evidence that is not beta(For, Against), two numbers from 0 on", E)
    ;   true
    ).

mass(X) :- number(X), X >= 0, X < 1.0e12.

bad_belief(What, Term) :-
    (   acyclic_term(Term)
    ->  copy_term_nat(Term, Copy),
        format(string(Shown), "~W", [Copy, [quoted(true), max_depth(6), numbervars(true)]])
    ;   Shown = "a cyclic term"
    ),
    sub_text(Shown, 200, Short),
    throw(rule_error(_{kind:answer, message:What, term:Short})).

sub_text(Text, Most, Short) :-
    string_length(Text, Length),
    ( Length > Most -> sub_string(Text, 0, Most, _, Start), string_concat(Start, "...", Short) ; Short = Text ).

check_functional([belief(C, S, P, A, E), belief(C, S, P, B, F)|_]) :-
    !,
    format(string(Shown), "~q and ~q", [A-E, B-F]),
    throw(rule_error(_{kind:answer, message:"two confidences for one cluster, scope and stance", term:Shown})).
check_functional([_|Rest]) :- !, check_functional(Rest).
check_functional([]).


%   -- proving ----------------------------------------------------------------------------

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


%   -- JSON -------------------------------------------------------------------------------

%!  handle(+Request:text, -Answer:text) is det.

handle(Request, Answer) :-
    with_output_to(string(Answer), answer(Request)).

answer(Request) :-
    catch(( atom_json_dict(Request, Dict, []), do(Dict, Out) ),
          Error,
          failed(Error, Out)),
    !,
    json(Out).
answer(_) :-
    json(_{ok: lit(false), error:_{kind:internal, message:"the request failed"}}).

do(Request, Out) :-
    atom_string(Op, Request.op),
    (   do(Op, Request, Answer)
    ->  put_dict(ok, Answer, lit(true), Out)
    ;   Out = _{ok: lit(false), error:_{kind:failed, message:Op}}
    ).

do(facts, Request, _{facts:Count}) :-
    load_facts(Request.path, Count).
do(rules, Request, Answer) :-
    load_rules(Request.id, Request.text, Request.parameters, Answer).
do(run, Request, Answer) :-
    run(Request.id, Request.inferences, Answer).
do(prove, Request, _{proof:node(Proof)}) :-
    atom_string(Cluster, Request.cluster),
    (   get_dict(project, Request, Name), Name \== null
    ->  atom_string(Project, Name), Scope = project(Project)
    ;   Scope = persona
    ),
    prove_belief(Request.id, Cluster, Scope, Request.stance, Request.inferences, Proof).
do(version, _, _{version:Version}) :-
    current_prolog_flag(version, Version).

failed(rule_error(Dict), _{ok: lit(false), error:Dict}) :- !.
failed(error(resource_error(What), _), _{ok: lit(false), error:_{kind:resource, message:Text}}) :-
    !, term_text(What, Text).
failed(Error, _{ok: lit(false), error:_{kind:internal, message:Text}}) :-
    message_text(Error, Text).

message_text(Error, Text) :-
    catch(( message_to_codes_(Error, Text0) ), _, fail), !, Text = Text0.
message_text(Error, Text) :-
    term_text(Error, Text).

message_to_codes_(Error, Text) :-
    '$messages':translate_message(Error, Lines, []),
    with_output_to(string(Text0), print_message_lines(current_output, '', Lines)),
    normalize_space(string(Text1), Text0),
    sub_text(Text1, 400, Text).

term_text(Term, Text) :-
    (   acyclic_term(Term)
    ->  format(string(Text0), "~W", [Term, [quoted(true), max_depth(6)]]), sub_text(Text0, 400, Text)
    ;   Text = "a cyclic term"
    ).

json(Out) :- current_output(S), json(Out, S).

json(Term, S) :- var(Term), !, format(S, "null", []).
json(lit(Word), S) :- !, write(S, Word).
json(term(Term), S) :- !, term_json(Term, S).
json(node(Node), S) :- !, node_json(Node, S).
json(answers(Beliefs), S) :- !, put_char(S, '['), answers_json(Beliefs, S), put_char(S, ']').
json(Dict, S) :-
    is_dict(Dict), !,
    dict_pairs(Dict, _, Pairs),
    put_char(S, '{'), pairs_json(Pairs, S), put_char(S, '}').
json(List, S) :- is_list(List), !, put_char(S, '['), list_json(List, json, S), put_char(S, ']').
json(Number, S) :- number(Number), !, number_json(Number, S).
json(Text, S) :- text_json(Text, S).

pairs_json([], _).
pairs_json([K-V|Rest], S) :-
    text_json(K, S), put_char(S, ':'), json(V, S),
    ( Rest == [] -> true ; put_char(S, ',') ),
    pairs_json(Rest, S).

list_json([], _, _).
list_json([X|Rest], How, S) :-
    call(How, X, S),
    ( Rest == [] -> true ; put_char(S, ',') ),
    list_json(Rest, How, S).

answers_json([], _).
answers_json([belief(C, Scope, Stance, P, beta(For, Against))|Rest], S) :-
    put_char(S, '['), text_json(C, S), put_char(S, ','),
    ( Scope = project(Name) -> text_json(Name, S) ; write(S, null) ),
    put_char(S, ','), write(S, Stance),
    put_char(S, ','), number_json(P, S),
    put_char(S, ','), number_json(For, S),
    put_char(S, ','), number_json(Against, S),
    put_char(S, ']'),
    ( Rest == [] -> true ; put_char(S, ',') ),
    answers_json(Rest, S).

%   Terms: an atom is a string, a number a number, a string {"s":_}, a list {"l":[_]},
%   a variable {"v":_}, a compound [Name, Argument, ...].

term_json(Term, S) :-
    (   atom(Term) -> text_json(Term, S)
    ;   number(Term) -> number_json(Term, S)
    ;   var(Term) -> write(S, '{"v":-1}')
    ;   string(Term) -> write(S, '{"s":'), text_json(Term, S), put_char(S, '}')
    ;   Term == [] -> write(S, '{"l":[]}')
    ;   Term = '$VAR'(N), integer(N) -> format(S, "{\"v\":~d}", [N])
    ;   is_list(Term) -> write(S, '{"l":['), list_json(Term, term_json, S), write(S, ']}')
    ;   compound_name_arguments(Term, Name, Arguments),
        put_char(S, '['),
        text_json(Name, S),
        arguments_json(Arguments, S)
    ).

arguments_json([], S) :- put_char(S, ']').
arguments_json([Argument|Arguments], S) :-
    put_char(S, ','), term_json(Argument, S),
    arguments_json(Arguments, S).

node_json(rule(N, Goal, Nodes), S) :- !,
    format(S, "[\"rule\",~d,", [N]), term_json(Goal, S), put_char(S, ','),
    nodes_json(Nodes, S), put_char(S, ']').
node_json(all(Goal, Witnesses), S) :- !,
    write(S, '["all",'), term_json(Goal, S), write(S, ',['),
    list_json(Witnesses, nodes_json, S), write(S, ']]').
node_json(fact(Goal), S) :- !, write(S, '["fact",'), term_json(Goal, S), put_char(S, ']').
node_json(test(Goal), S) :- !, write(S, '["test",'), term_json(Goal, S), put_char(S, ']').
node_json(absent(Goal), S) :- write(S, '["absent",'), term_json(Goal, S), put_char(S, ']').

nodes_json(Nodes, S) :-
    put_char(S, '['), list_json(Nodes, node_json, S), put_char(S, ']').

number_json(N, S) :- integer(N), !, write(S, N).
number_json(N, S) :- rational(N), !, F is float(N), number_json(F, S).
number_json(N, S) :-
    float_class(N, Class),
    (   memberchk(Class, [infinite, nan])
    ->  format(S, "{\"f\":\"~w\"}", [Class])
    ;   write(S, N)
    ).

%   library(http/json) has one in C; it is not exported, so it may be gone in another version.
:- if(predicate_property(json:json_write_string(_, _), foreign)).
text_json(Text, S) :-
    json:json_write_string(S, Text).
:- else.
text_json(Text, S) :-
    put_char(S, '"'),
    string_codes(Text, Codes),
    codes_json(Codes, S),
    put_char(S, '"').
:- endif.
:- public codes_json/2.

codes_json([], _).
codes_json([C|Cs], S) :-
    (   C =:= 0'" -> write(S, '\\"')
    ;   C =:= 0'\\ -> write(S, '\\\\')
    ;   C < 32 -> format(S, "\\u~|~`0t~16r~4+", [C])
    ;   C >= 0xD800, C =< 0xDFFF -> write(S, '\\ufffd')
    ;   char_code(Char, C), put_char(S, Char)
    ),
    codes_json(Cs, S).


%   -- the process ------------------------------------------------------------------------

%!  main
%
%   Requests are read in a thread of its own: when the parent goes away, standard input ends,
%   and this process kills itself, whatever the rules are doing at that moment.

main :-
    current_prolog_flag(pid, Pid),
    set_prolog_flag(autoload, false),
    stream_property(Out, alias(user_output)),
    stream_property(In, alias(user_input)),
    set_stream(Out, encoding(utf8)),
    set_stream(Out, buffer(full)),
    set_stream(In, encoding(utf8)),
    stream_property(Err, alias(user_error)),
    set_stream(Err, alias(user_output)),
    set_output(Err),
    thread_self(Main),
    thread_create(listen(In, Main, Pid), _, [detached(true)]),
    catch(serve(Out), _, true),
    process_kill(Pid, kill).

listen(In, Main, Pid) :-
    repeat,
    catch(read_line_to_string(In, Line), _, Line = end_of_file),
    (   Line == end_of_file
    ->  process_kill(Pid, kill)
    ;   string_length(Line, 0)
    ->  fail
    ;   thread_send_message(Main, request(Line)),
        fail
    ).

serve(Out) :-
    repeat,
    thread_get_message(request(Line)),
    (   catch(with_output_to_stream(Out, answer(Line)), Error, true)
    ->  true
    ;   Error = failed
    ),
    (   var(Error) -> true
    ;   message_text(Error, Text),
        nl(Out),
        with_output_to_stream(Out, json(_{ok: lit(false), error:_{kind:internal, message:Text}}))
    ),
    nl(Out),
    flush_output(Out),
    fail.

with_output_to_stream(Out, Goal) :-
    current_output(Old),
    setup_call_cleanup(set_output(Out), once(Goal), set_output(Old)).
