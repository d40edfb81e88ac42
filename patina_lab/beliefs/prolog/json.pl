/*  Requests from JSON, answers to JSON.

    Part of the module patina_worker; see worker.pl.
*/

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
    prove_asked(Request, Request, Proof).
do(used, Request, _{used:Used}) :-
    maplist(used_by(Request), Request.beliefs, Used).
do(version, _, _{version:Version}) :-
    current_prolog_flag(version, Version).

used_by(Request, Belief, terms(Facts)) :-
    prove_asked(Request, Belief, Proof),
    phrase(used([Proof]), Goals),
    sort(Goals, Facts).

prove_asked(Request, Belief, Proof) :-
    atom_string(Cluster, Belief.cluster),
    (   get_dict(project, Belief, Name), Name \== null
    ->  atom_string(Project, Name), Scope = project(Project)
    ;   Scope = persona
    ),
    prove_belief(Request.id, Cluster, Scope, Belief.stance, Request.inferences, Proof).

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
json(terms(Terms), S) :- !, put_char(S, '['), list_json(Terms, term_json, S), put_char(S, ']').
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
    write(S, '["rule",'), write(S, N), put_char(S, ','), term_json(Goal, S), put_char(S, ','),
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
