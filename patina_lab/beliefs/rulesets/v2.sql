-- v2.pl in SQL, by which the Prolog is checked.
sound AS (
    SELECT cluster FROM cohesion, parameter WHERE cohesion >= min_cohesion
    EXCEPT
    SELECT cluster FROM diversity, parameter WHERE diversity < min_diversity
    EXCEPT
    SELECT cluster FROM content, parameter WHERE words < min_content
    EXCEPT
    SELECT cluster
    FROM cluster JOIN observation USING (obs) JOIN size USING (cluster)
    SEMI JOIN boilerplate USING (text), parameter
    GROUP BY cluster, n, max_boilerplate HAVING count(*) > max_boilerplate * n
),
scopes AS (
    SELECT DISTINCT cluster, project AS scope FROM cluster JOIN project USING (obs)
    UNION ALL
    SELECT cluster, '' FROM cluster JOIN project USING (obs), parameter
    GROUP BY cluster, min_projects HAVING count(DISTINCT project) >= min_projects
),
counting AS (
    SELECT obs, polarity, project, author, session,
           CAST(round(CAST(1000000 AS DOUBLE) * reliability
                      * pow(CAST(0.5 AS DOUBLE), days / half_life_days)) AS BIGINT) AS weight
    FROM observation JOIN project USING (obs) JOIN source USING (obs)
    JOIN reliability USING (obs) JOIN age_days USING (obs), parameter
    WHERE text NOT IN (SELECT text FROM boilerplate)
      AND obs NOT IN (SELECT earlier FROM supersedes)
),
denials AS (
    SELECT x.later AS obs, x.earlier, c.cluster, o.polarity AS denied
    FROM contradicts x JOIN cluster c ON c.obs = x.earlier JOIN observation o ON o.obs = x.earlier
),
ballots AS (
    SELECT c.cluster, n.polarity AS stance, n.project, n.author, n.session, n.weight,
           c.obs, NULL AS earlier
    FROM cluster c JOIN counting n USING (obs)
    ANTI JOIN denials d ON d.obs = c.obs AND d.cluster = c.cluster AND d.denied = n.polarity
    UNION ALL
    SELECT d.cluster, -d.denied, n.project, n.author, n.session, n.weight, d.obs, d.earlier
    FROM denials d JOIN counting n USING (obs)
),
votes AS (
    SELECT s.cluster, s.scope, b.stance, b.project, max(b.weight) AS weight
    FROM scopes s
    JOIN ballots b ON b.cluster = s.cluster AND (s.scope = '' OR b.project = s.scope)
    GROUP BY s.cluster, s.scope, b.stance, b.project, b.author, b.session
),
weighed AS (
    SELECT cluster, scope, t.stance,
           count(*) FILTER (votes.stance = t.stance) AS voters,
           count(DISTINCT project) FILTER (votes.stance = t.stance) AS projects,
           coalesce(sum(weight) FILTER (votes.stance = t.stance), 0) AS micro_for,
           coalesce(sum(weight) FILTER (votes.stance = -t.stance), 0) AS micro_against
    FROM votes CROSS JOIN (VALUES (1), (-1)) AS t(stance)
    GROUP BY ALL
),
masses AS (
    SELECT cluster, scope, stance, CAST(micro_for AS DOUBLE) / CAST(1000000 AS DOUBLE) AS mass_for,
           CAST(micro_against AS DOUBLE) / CAST(1000000 AS DOUBLE) AS mass_against,
           CAST(1 AS DOUBLE) AS one
    FROM weighed SEMI JOIN sound USING (cluster), parameter
    WHERE voters >= min_voters AND micro_for > micro_against
      AND (scope <> '' OR projects >= min_projects)
)
SELECT cluster, scope, stance,
       greatest(floor, least(ceiling, CASE WHEN calibrated = 1
           THEN one / (one + exp(-(calibration_intercept
                + calibration_slope * (ln(one + mass_for) - ln(one + mass_against)))))
           ELSE (mass_for + prior_for) / (mass_for + mass_against + (prior_for + prior_against))
           END)),
       mass_for, mass_against
FROM masses, parameter
