/*  What a rule may say.

    Part of the module patina_worker; see worker.pl.
*/

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
