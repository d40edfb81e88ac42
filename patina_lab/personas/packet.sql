-- Everything known about one domain, in a file that can be given away.
-- Given: $domain, and the persona's tables in the schema persona.main.

CREATE TABLE observations AS
SELECT
    project_name || '/' || id AS id, project_name, event_id, content, observation_type,
    1.0::DOUBLE AS relevance_to_domain,  -- the event names the domain; nothing is guessed
    source_type, reliability, author, created_at, event_file
FROM persona.main.observations
WHERE NOT deleted AND list_contains(list_transform(domains, lambda d: lower(d)), $domain)
ORDER BY created_at, project_name, id;

CREATE TABLE decisions AS
SELECT
    project_name || '/' || id AS id, project_name, event_id, decision, rationale, context,
    author, created_at, event_file
FROM persona.main.decisions
WHERE list_contains(list_transform(domains, lambda d: lower(d)), $domain)
ORDER BY created_at, project_name, id;

-- Which project says which pattern.
CREATE TABLE pattern_sources AS
SELECT
    name AS pattern_id, project_name, event_id, content, rationale, observation_count, author,
    created_at, event_file, evidence
FROM persona.main.patterns
WHERE list_contains(list_transform(domains, lambda d: lower(d)), $domain)
ORDER BY name, created_at, project_name, event_id;

CREATE TABLE patterns AS
SELECT
    pattern_id AS id, pattern_id AS pattern_name,
    last(content ORDER BY created_at, project_name, event_id) AS description,
    sum(coalesce(observation_count, len(evidence)))::BIGINT AS observation_count,
    count(DISTINCT project_name) AS project_count,
    list(DISTINCT project_name ORDER BY project_name) AS projects,
    NULL::DOUBLE AS confidence,           -- until beliefs are formed
    min(created_at) AS created_at
FROM pattern_sources GROUP BY pattern_id ORDER BY pattern_id;

-- Evidence that is an observation known here; a pattern may also name files and people.
CREATE TABLE pattern_evidence AS
SELECT DISTINCT s.pattern_id, o.id AS observation_id, 1.0::DOUBLE AS relevance_score
FROM (SELECT pattern_id, project_name, unnest(evidence) AS named FROM pattern_sources) s
JOIN observations o ON o.project_name = s.project_name AND o.event_id = s.named
ORDER BY ALL;
