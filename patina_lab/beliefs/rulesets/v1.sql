-- v1.pl in SQL, by which the Prolog is checked.
says AS (
    SELECT c.cluster, p.project, o.polarity AS stance, c.obs, s.author, s.session
    FROM cluster c JOIN observation o USING (obs) JOIN project p USING (obs) JOIN source s USING (obs)
),
scopes AS (
    SELECT DISTINCT cluster, project AS scope FROM cluster JOIN project USING (obs)
    UNION ALL
    SELECT cluster, '' FROM cluster JOIN project USING (obs), parameter
    GROUP BY cluster, min_projects HAVING count(DISTINCT project) >= min_projects
),
counted AS (
    SELECT s.cluster, s.scope, t.stance,
           count(*) FILTER (says.stance = t.stance) AS mass_for,
           count(*) FILTER (says.stance = -t.stance) AS mass_against,
           count(DISTINCT {'p': project, 'a': author, 's': session})
               FILTER (says.stance = t.stance) AS sources
    FROM scopes s CROSS JOIN (VALUES (1), (-1)) AS t(stance)
    JOIN says ON says.cluster = s.cluster AND (s.scope = '' OR says.project = s.scope)
    GROUP BY ALL
)
SELECT cluster, scope, stance,
       greatest(floor, least(ceiling, (mass_for + one) / (mass_for + mass_against + two))),
       CAST(mass_for AS DOUBLE), CAST(mass_against AS DOUBLE)
FROM counted, parameter, (SELECT CAST(1 AS DOUBLE) AS one, CAST(2 AS DOUBLE) AS two)
WHERE mass_for >= min_support AND sources >= min_sources AND mass_for > mass_against
