/*  v2: independent votes, the default.

    One vote for each project, author and session that says it, however often it says it.  A
    vote weighs its best observation: reliability, halved every `half_life_days`.  What was
    superseded and what is boilerplate has no vote; what contradicts a member of the cluster
    votes against it, wherever it stands and however it is worded.  A cluster whose texts are
    too far apart, or too much alike in their words to be anything but a template, or have no
    words of their own, or are mostly boilerplate, forms no belief.  The votes for and against
    make a Beta opinion:

        confidence = (For + prior_for) / (For + Against + prior_for + prior_against)

    With `calibrated` = 1 it is 1 / (1 + exp(-(calibration_intercept + calibration_slope * X))),
    X = log(1 + For) - log(1 + Against); patina_lab.beliefs.confidence.calibrate fits the two.

    Weights are whole millionths, so that their sum does not depend on the order of the facts.
*/

parameter(half_life_days, 60).
parameter(prior_for, 1).
parameter(prior_against, 2).
parameter(min_voters, 2).
parameter(min_projects, 2).
parameter(min_cohesion, 0.60).
parameter(min_diversity, 0.20).
parameter(min_content, 1.0).
parameter(max_boilerplate, 0.66).
parameter(floor, 0.30).
parameter(ceiling, 0.95).
parameter(calibrated, 0).
parameter(calibration_intercept, 0.0).
parameter(calibration_slope, 1.0).

%!  belief(?Cluster, ?Scope, ?Stance, -Confidence, -Evidence) is nondet.

belief(Cluster, Scope, Stance, Confidence, beta(For, Against)) :-
    size(Cluster, _),
    sound(Cluster),
    scope(Cluster, Scope),
    stance(Stance),
    aggregate_all(r(count, sum(W), set(P)),
                  vote(Cluster, Scope, Stance, voter(P, _, _), W),
                  r(Voters, ForMicro, Projects)),
    parameter(min_voters, MinVoters),
    Voters >= MinVoters,
    borne(Scope, Projects),
    Opposite is -Stance,
    aggregate_all(sum(W), vote(Cluster, Scope, Opposite, _, W), AgainstMicro),
    ForMicro > AgainstMicro,
    For is ForMicro / 1000000.0,
    Against is AgainstMicro / 1000000.0,
    confidence(For, Against, Confidence).

stance(1).
stance(-1).

%!  sound(+Cluster) is semidet.
%
%   Its texts belong together, and are not one template filled in again and again; they say
%   something of their own, and are not mostly boilerplate, of which the others are then only a
%   variation.

sound(Cluster) :-
    cohesion(Cluster, Cohesion),
    parameter(min_cohesion, MinCohesion),
    Cohesion >= MinCohesion,
    \+ template(Cluster),
    \+ empty(Cluster),
    \+ form(Cluster).

template(Cluster) :-
    diversity(Cluster, Diversity),
    parameter(min_diversity, MinDiversity),
    Diversity < MinDiversity.

empty(Cluster) :-
    content(Cluster, Words),
    parameter(min_content, Min),
    Words < Min.

form(Cluster) :-
    size(Cluster, Size),
    aggregate_all(count, filled(Cluster, _), Filled),
    parameter(max_boilerplate, Max),
    Filled > Max * Size.

filled(Cluster, Observation) :-
    cluster(Observation, Cluster),
    observation(Observation, _, Text, _, _, _),
    boilerplate(Text).

%!  scope(+Cluster, ?Scope) is nondet.
%
%   Each project of the cluster; persona where there are enough projects.

scope(Cluster, Scope) :-
    aggregate_all(set(P), in_project(Cluster, P), Projects),
    (   member(Project, Projects),
        Scope = project(Project)
    ;   length(Projects, Count),
        parameter(min_projects, Min),
        Count >= Min,
        Scope = persona
    ).

in_project(Cluster, Project) :-
    cluster(Observation, Cluster),
    project(Observation, Project).

%!  borne(+Scope, +Projects) is semidet.
%
%   Projects are those that vote for it: what one project says and the others deny is no belief
%   of the persona.

borne(project(_), _).
borne(persona, Projects) :-
    length(Projects, Count),
    parameter(min_projects, Min),
    Count >= Min.

%!  vote(+Cluster, +Scope, +Stance, -Voter, -Weight) is nondet.
%
%   Once for each voter; Weight is in millionths.

vote(Cluster, Scope, Stance, Voter, Weight) :-
    bagof(W, ballot(Cluster, Scope, Stance, Voter, W), Weights),
    max_list(Weights, Weight).

ballot(Cluster, Scope, Stance, voter(Project, Author, Session), Weight) :-
    takes_part(Cluster, Stance, Observation),
    project(Observation, Project),
    within(Scope, Project),
    source(Observation, Author, Session),
    weight(Observation, Weight).

within(project(Project), Project).
within(persona, _).

%!  takes_part(+Cluster, +Stance, -Observation) is nondet.

takes_part(Cluster, Stance, Observation) :-
    cluster(Observation, Cluster),
    observation(Observation, _, Text, _, Stance, _),
    counts(Observation, Text),
    \+ denies(Observation, Cluster, Stance).
takes_part(Cluster, Stance, Observation) :-
    Opposite is -Stance,
    cluster(Denied, Cluster),
    observation(Denied, _, _, _, Opposite, _),
    contradicts(Observation, Denied),
    observation(Observation, _, Text, _, _, _),
    counts(Observation, Text).

denies(Observation, Cluster, Stance) :-
    contradicts(Observation, Denied),
    cluster(Denied, Cluster),
    observation(Denied, _, _, _, Stance, _).

counts(Observation, Text) :-
    \+ boilerplate(Text),
    \+ supersedes(_, Observation).

weight(Observation, Weight) :-
    reliability(Observation, Reliability),
    age_days(Observation, Age),
    parameter(half_life_days, HalfLife),
    Weight is round(1000000 * Reliability * 0.5 ** (Age / HalfLife)).

%!  confidence(+For, +Against, -Confidence) is det.

confidence(For, Against, Confidence) :-
    (   parameter(calibrated, Calibrated),
        Calibrated =:= 1
    ->  parameter(calibration_intercept, Intercept),
        parameter(calibration_slope, Slope),
        X is log(1 + For) - log(1 + Against),
        Raw is 1 / (1 + exp(-(Intercept + Slope * X)))
    ;   parameter(prior_for, PriorFor),
        parameter(prior_against, PriorAgainst),
        Raw is (For + PriorFor) / (For + Against + (PriorFor + PriorAgainst))
    ),
    parameter(floor, Floor),
    parameter(ceiling, Ceiling),
    Confidence is float(max(Floor, min(Ceiling, Raw))).
