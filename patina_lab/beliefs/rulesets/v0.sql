-- v0.pl in SQL, by which the Prolog is checked.
scopes AS (
    SELECT DISTINCT cluster, project AS scope FROM cluster JOIN project USING (obs)
    UNION ALL
    SELECT cluster, '' FROM cluster JOIN project USING (obs), parameter
    GROUP BY cluster, min_projects HAVING count(DISTINCT project) >= min_projects
),
contradictions AS (
    SELECT c.cluster, x.later AS obs, p.project
    FROM contradicts x JOIN cluster c ON c.obs = x.earlier JOIN project p ON p.obs = x.later
    GROUP BY ALL
),
alike AS (
    SELECT m.cluster, c.obs, CAST(1 AS DOUBLE) AS cosine
    FROM medoid m JOIN cluster c ON c.cluster = m.cluster AND c.obs = m.obs
    UNION ALL
    SELECT m.cluster, c.obs, s.cosine
    FROM medoid m JOIN cluster c ON c.cluster = m.cluster
    JOIN "similar" s ON (s.a = m.obs AND s.b = c.obs) OR (s.b = m.obs AND s.a = c.obs)
    WHERE c.obs <> m.obs
),
supporting AS (
    SELECT a.cluster, p.project, days,
           CAST(round(CAST(1000000 AS DOUBLE) * cosine * reliability) AS BIGINT) AS weight
    FROM alike a JOIN project p USING (obs) JOIN reliability USING (obs) JOIN age_days USING (obs)
    ANTI JOIN contradictions x ON x.obs = a.obs AND x.cluster = a.cluster, parameter
    WHERE cosine >= min_similarity
),
scored AS (
    SELECT s.cluster, s.scope, count(*) AS mass_for, sum(weight) AS score, min(days) AS youngest
    FROM scopes s
    JOIN supporting u ON u.cluster = s.cluster AND (s.scope = '' OR u.project = s.scope)
    GROUP BY s.cluster, s.scope
),
opposed AS (
    SELECT s.cluster, s.scope, count(DISTINCT x.obs) AS mass_against
    FROM scopes s
    JOIN contradictions x ON x.cluster = s.cluster AND (s.scope = '' OR x.project = s.scope)
    GROUP BY s.cluster, s.scope
),
adjusted AS (
    SELECT d.cluster, d.scope, o.polarity AS stance, d.mass_for, d.youngest,
           coalesce(a.mass_against, 0) AS mass_against,
           CAST(d.mass_for - coalesce(a.mass_against, 0) AS DOUBLE) AS net
    FROM scored d JOIN medoid m USING (cluster) JOIN observation o ON o.obs = m.obs
    LEFT JOIN opposed a ON a.cluster = d.cluster AND a.scope = d.scope, parameter
    WHERE score >= 1000000 * adequate_score
),
started AS (
    SELECT *, CASE WHEN net > 0 THEN least(ceiling, start + net * gain)
                   WHEN net < 0 THEN greatest(floor, start - abs(net) * loss)
                   ELSE start END AS confidence
    FROM adjusted, parameter
),
decayed AS (
    SELECT *, CASE WHEN youngest > decay_after_days
                   THEN greatest(decay_floor, confidence - least(decay_at_most,
                        (youngest - decay_after_days) / CAST(365 AS DOUBLE) * decay_a_year))
                   ELSE confidence END AS finally
    FROM started
)
SELECT cluster, scope, stance, finally, CAST(mass_for AS DOUBLE), CAST(mass_against AS DOUBLE)
FROM decayed
WHERE finally >= archive_below
