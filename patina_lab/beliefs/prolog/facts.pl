/*  The relations of a fact set, and how they are loaded.

    Part of the module patina_worker; see worker.pl.
*/

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
fact(content, 2).
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
