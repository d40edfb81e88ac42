/*  The Prolog side of patina_lab.beliefs: facts are loaded once, a rule set is a module.

    A request is one line of JSON on standard input, an answer one line of JSON on standard
    output.  `handle/2` answers one request; `main/0` does so until its parent goes away.

      {"op":"facts", "path":P}                 -> {"ok":true, "facts":N}
      {"op":"rules", "id":I, "text":T, "parameters":{..}}
                                               -> {"ok":true, "rules":[..], "clauses":[..], ..}
      {"op":"run", "id":I, "inferences":N}     -> {"ok":true, "beliefs":[..], "fired":[..], ..}
      {"op":"prove", "id":I, "cluster":C, "scope":S, "stance":P, "inferences":N}
                                               -> {"ok":true, "proof":..}
      {"op":"used", "id":I, "beliefs":[{"cluster":C, ..}], "inferences":N}
                                               -> {"ok":true, "used":[[Fact, ..], ..]}

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

:- include(facts).       % the relations of a fact set, and how they are loaded
:- include(grammar).     % what a rule may say
:- include(read).        % reading a rule set: terms are checked before anything is asserted
:- include(run).         % running a rule set, and holding its answers against the contract
:- include(prove).       % proving a belief: a meta-interpreter that keeps what it used
:- include(json).        % requests from JSON, answers to JSON


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
