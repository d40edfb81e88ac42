-- What a persona knows, derived from its copies of event files; it can be deleted at any time.
-- The first six are the projects' own tables (patina_lab/project/knowledge.sql), each row with
-- the project that it came from.

CREATE TABLE domains (
    name VARCHAR NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,  -- the first event that names it
    project_count BIGINT NOT NULL,
    observation_count BIGINT NOT NULL,
    pattern_count BIGINT NOT NULL,
    decision_count BIGINT NOT NULL,
    belief_count BIGINT NOT NULL
);

-- Cross-project beliefs: empty until they are formed, then kept until they are formed anew.
CREATE TABLE beliefs (
    id VARCHAR NOT NULL,
    content VARCHAR NOT NULL,
    confidence DOUBLE NOT NULL,       -- 0.30 to 0.95
    formed_at TIMESTAMPTZ NOT NULL,
    evidence_count BIGINT NOT NULL,
    source_projects VARCHAR[] NOT NULL,
    domains VARCHAR[] NOT NULL,
    last_validated TIMESTAMPTZ
);

CREATE TABLE belief_evidence (
    belief_id VARCHAR NOT NULL,
    project_name VARCHAR NOT NULL,
    event_id VARCHAR NOT NULL,
    observation_id VARCHAR NOT NULL,
    relevance_score DOUBLE NOT NULL
);

CREATE TABLE domain_beliefs (
    domain_name VARCHAR NOT NULL,
    belief_id VARCHAR NOT NULL,
    relevance_score DOUBLE NOT NULL
);

-- What the beliefs were formed by; no row where they never were.
CREATE TABLE belief_state (
    rules VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    choice VARCHAR NOT NULL,          -- digest over all that was chosen
    log_digest VARCHAR NOT NULL,      -- of the events that they were formed of
    stale BOOLEAN NOT NULL            -- the events are others now
);

CREATE TABLE materialization_state (
    digest VARCHAR NOT NULL,          -- over the copies and the code that read them
    project_count BIGINT NOT NULL,
    event_count BIGINT NOT NULL
);
