/*  v1: counting.

    A belief needs five observations that say the same, from two sources; a persona's belief
    also needs two projects (the thresholds of the seeds' cross-project flow).  A source is an
    author in a session of a project.  Confidence is one vote an observation, Beta(1, 1).
*/

parameter(min_support, 5).
parameter(min_sources, 2).
parameter(min_projects, 2).
parameter(floor, 0.30).
parameter(ceiling, 0.95).

%!  belief(?Cluster, ?Scope, ?Stance, -Confidence, -Evidence) is nondet.

belief(Cluster, Scope, Stance, Confidence, beta(For, Against)) :-
    size(Cluster, _),
    scope(Cluster, Scope),
    stance(Stance),
    aggregate_all(r(count, set(Source)), says(Cluster, Scope, Stance, Source), r(For, Sources)),
    parameter(min_support, MinSupport),
    For >= MinSupport,
    length(Sources, SourceCount),
    parameter(min_sources, MinSources),
    SourceCount >= MinSources,
    Opposite is -Stance,
    aggregate_all(count, says(Cluster, Scope, Opposite, _), Against),
    For > Against,
    shown((For + 1) / (For + Against + 2), Confidence).

stance(1).
stance(-1).

%!  scope(+Cluster, ?Scope) is nondet.
%
%   Each project of the cluster; persona where there are enough projects.

scope(Cluster, Scope) :-
    projects(Cluster, Projects),
    (   member(Project, Projects),
        Scope = project(Project)
    ;   length(Projects, Count),
        parameter(min_projects, Min),
        Count >= Min,
        Scope = persona
    ).

projects(Cluster, Projects) :-
    aggregate_all(set(P), in_project(Cluster, P), Projects).

in_project(Cluster, Project) :-
    cluster(Observation, Cluster),
    project(Observation, Project).

%!  says(+Cluster, +Scope, +Stance, -Source) is nondet.
%
%   Once for each observation.

says(Cluster, Scope, Stance, source(Project, Author, Session)) :-
    cluster(Observation, Cluster),
    observation(Observation, _, _, _, Stance, _),
    project(Observation, Project),
    within(Scope, Project),
    source(Observation, Author, Session).

within(project(Project), Project).
within(persona, _).

shown(Raw, Confidence) :-
    parameter(floor, Floor),
    parameter(ceiling, Ceiling),
    Confidence is float(max(Floor, min(Ceiling, Raw))).
