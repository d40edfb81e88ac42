/*  v0: the seeds' thresholds, for comparison.

    What the first design of these rules prescribes, as far as it runs:

      - an observation counts by similarity x reliability, from a similarity of 0.50 on; a
        score of 3.0 is adequate, and 5.0 with two strong ones (both factors >= 0.70) is
        sufficient.  "Sufficient" implies "adequate", so 3.0 alone decides;
      - a belief starts at 0.50; each supporting observation adds 0.10 up to 0.95, each
        contradicting one takes 0.15 down to 0.30; where both occur, their difference counts;
      - after 180 days without evidence it loses 0.10 a year, at most 0.20, down to 0.40.

    What does not run, or not as meant, and what is done here:

      - Archiving below 0.25 cannot happen under a floor of 0.30: `archived` below never fires.
      - The rule that adjusts a confidence has a clause for mixed evidence and one for none;
        evidence on one side only has no clause and fails.  Its two halves, "strengthen" and
        "weaken", do have clauses and are applied to it here; otherwise nothing would move.
      - "Decay" sets what is old and below 0.40 to 0.40: it raises low confidences.  Kept.
      - Contradictions are to be found in the texts by a rule whose body is `false`.  Only
        those that the facts state (contradicts/2) count here.
      - Polarity is unknown to it: "never X" supports "always X" when it is similar enough.
      - Each observation counts, however often one author repeats it in one session.

    Scores are sums of whole millionths, so that they do not depend on the order of the facts.
*/

parameter(min_similarity, 0.50).
parameter(adequate_score, 3.0).
parameter(start, 0.50).
parameter(gain, 0.10).
parameter(loss, 0.15).
parameter(floor, 0.30).
parameter(ceiling, 0.95).
parameter(archive_below, 0.25).
parameter(decay_after_days, 180).
parameter(decay_a_year, 0.10).
parameter(decay_at_most, 0.20).
parameter(decay_floor, 0.40).
parameter(min_projects, 2).

%!  belief(?Cluster, ?Scope, -Stance, -Confidence, -Evidence) is nondet.
%
%   The stance is that of the cluster's medoid, whose text states the belief.

belief(Cluster, Scope, Stance, Confidence, beta(For, Against)) :-
    medoid(Cluster, Medoid),
    observation(Medoid, _, _, _, Stance, _),
    scope(Cluster, Scope),
    aggregate_all(r(count, sum(W), min(Age)), supports(Cluster, Medoid, Scope, W, Age),
                  r(For, Score, Youngest)),
    parameter(adequate_score, Adequate),
    Score >= 1000000 * Adequate,
    aggregate_all(count, contradicting(Cluster, Scope, _), Against),
    adjusted(For, Against, Adjusted),
    decayed(Adjusted, Youngest, Confidence),
    \+ archived(Confidence).

%!  scope(+Cluster, ?Scope) is nondet.

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

within(project(Project), Project).
within(persona, _).

%!  supports(+Cluster, +Medoid, +Scope, -Weight, -Age) is nondet.
%
%   Once for each supporting observation; Weight is in millionths.

supports(Cluster, Medoid, Scope, Weight, Age) :-
    cluster(Observation, Cluster),
    project(Observation, Project),
    within(Scope, Project),
    \+ contradicts_member(Observation, Cluster),
    alike(Medoid, Observation, Similarity),
    parameter(min_similarity, Min),
    Similarity >= Min,
    reliability(Observation, Reliability),
    Weight is round(1000000 * Similarity * Reliability),
    age_days(Observation, Age).

alike(A, B, Similarity) :-
    (   A == B
    ->  Similarity = 1.0
    ;   similar(A, B, Similarity)
    ;   similar(B, A, Similarity)
    ).

contradicts_member(Observation, Cluster) :-
    contradicts(Observation, Member),
    cluster(Member, Cluster).

%!  contradicting(+Cluster, +Scope, -Observation) is nondet.
%
%   Once for each observation that contradicts a member.

contradicting(Cluster, Scope, Observation) :-
    setof(O, contradiction(Cluster, Scope, O), Observations),
    member(Observation, Observations).

contradiction(Cluster, Scope, Observation) :-
    cluster(Member, Cluster),
    contradicts(Observation, Member),
    project(Observation, Project),
    within(Scope, Project).

%!  adjusted(+For, +Against, -Confidence) is det.

adjusted(For, Against, Confidence) :-
    parameter(start, Start),
    Net is For - Against,
    (   Net > 0
    ->  parameter(gain, Gain),
        parameter(ceiling, Ceiling),
        Confidence is min(Ceiling, Start + Net * Gain)
    ;   Net < 0
    ->  parameter(loss, Loss),
        parameter(floor, Floor),
        Confidence is max(Floor, Start - abs(Net) * Loss)
    ;   Confidence = Start
    ).

%!  decayed(+Confidence, +Days, -Decayed) is det.

decayed(Confidence, Days, Decayed) :-
    parameter(decay_after_days, After),
    (   Days > After
    ->  parameter(decay_a_year, AYear),
        parameter(decay_at_most, AtMost),
        parameter(decay_floor, Floor),
        Decayed is max(Floor, Confidence - min(AtMost, (Days - After) / 365 * AYear))
    ;   Decayed = Confidence
    ).

archived(Confidence) :-
    parameter(archive_below, Threshold),
    Confidence < Threshold.
