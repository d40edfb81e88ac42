-- Domains, counted over all projects.  What was drawn from a source that is gone does not count.
INSERT INTO domains
WITH named AS (
    SELECT 'observation' AS kind, project_name, created_at AS said_at, unnest(domains) AS name
    FROM observations WHERE NOT deleted
    UNION ALL
    SELECT 'pattern', project_name, created_at, unnest(domains) FROM patterns
    UNION ALL
    SELECT 'decision', project_name, created_at, unnest(domains) FROM decisions
    UNION ALL
    SELECT 'belief', project_name, formed_at, unnest(domains) FROM project_beliefs
)
SELECT
    lower(name), min(said_at), count(DISTINCT project_name),
    count(*) FILTER (WHERE kind = 'observation'), count(*) FILTER (WHERE kind = 'pattern'),
    count(*) FILTER (WHERE kind = 'decision'), count(*) FILTER (WHERE kind = 'belief')
FROM named WHERE trim(name) <> ''
GROUP BY lower(name) ORDER BY lower(name);
