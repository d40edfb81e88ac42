-- What a project knows, derived from its event files; it can be deleted at any time.
-- `event_files` is what has been applied: the cursor of the tree diff, a row a file.  All
-- other tables are functions of it.  Instants are UTC; `layer` is shared or local.

CREATE TABLE event_files (
    event_file VARCHAR NOT NULL,      -- path inside the repository
    blob_oid VARCHAR NOT NULL,        -- of its content; of its target where it is a link
    layer VARCHAR NOT NULL,
    is_link BOOLEAN NOT NULL,
    uncommitted BOOLEAN NOT NULL,
    event VARCHAR,                    -- identity of the event by content; NULL: quarantined
    event_id VARCHAR,                 -- as the file calls it; two branches mint the same one
    event_type VARCHAR,
    known BOOLEAN,                    -- whether the catalog has the type
    occurred_us BIGINT,
    author VARCHAR,
    sequence BIGINT,
    schema_version BIGINT,           -- as written; the payload is at the newest version
    payload VARCHAR,                  -- canonical JSON
    content_hash VARCHAR,             -- of observations only
    source_id VARCHAR,                -- of observations only; the author where none is given
    reason VARCHAR,                   -- of the quarantine only, as are the next two
    detail VARCHAR,
    line INTEGER
);

-- One row an event, whatever its type and however many files tell it.
CREATE TABLE events (
    id VARCHAR NOT NULL,
    event_id VARCHAR NOT NULL,
    event_type VARCHAR NOT NULL,
    known BOOLEAN NOT NULL,
    timestamp TIMESTAMPTZ NOT NULL,
    occurred_us BIGINT NOT NULL,
    author VARCHAR,
    sequence BIGINT,
    schema_version BIGINT NOT NULL,
    payload VARCHAR NOT NULL,
    layer VARCHAR NOT NULL,
    event_file VARCHAR NOT NULL,
    blob_oid VARCHAR NOT NULL
);

-- One row for what one source says, once or in several events: (content_hash, source_id).
CREATE TABLE observations (
    id VARCHAR NOT NULL,              -- the first of its events
    event_id VARCHAR NOT NULL,        -- this and all that follows: of the newest
    content VARCHAR NOT NULL,
    observation_type VARCHAR,
    domains VARCHAR[] NOT NULL,
    source_type VARCHAR NOT NULL,
    source_id VARCHAR NOT NULL,
    reliability DOUBLE,
    author VARCHAR,
    created_at TIMESTAMPTZ NOT NULL,  -- of the first
    updated_at TIMESTAMPTZ NOT NULL,
    deleted BOOLEAN NOT NULL,         -- the session or commit it was drawn from is gone
    content_hash VARCHAR NOT NULL,
    events VARCHAR[] NOT NULL,        -- ids, shared last, then oldest first
    layer VARCHAR NOT NULL,
    event_file VARCHAR NOT NULL,
    blob_oid VARCHAR NOT NULL,
    schema_version BIGINT NOT NULL
);

CREATE TABLE patterns (
    id VARCHAR NOT NULL,
    event_id VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    content VARCHAR NOT NULL,
    rationale VARCHAR,
    domains VARCHAR[] NOT NULL,
    evidence VARCHAR[] NOT NULL,
    observation_count BIGINT,
    author VARCHAR,
    created_at TIMESTAMPTZ NOT NULL,
    layer VARCHAR NOT NULL,
    event_file VARCHAR NOT NULL,
    blob_oid VARCHAR NOT NULL,
    schema_version BIGINT NOT NULL
);

CREATE TABLE decisions (
    id VARCHAR NOT NULL,
    event_id VARCHAR NOT NULL,
    decision VARCHAR NOT NULL,
    rationale VARCHAR,
    alternatives VARCHAR[] NOT NULL,
    context VARCHAR,
    domains VARCHAR[] NOT NULL,
    author VARCHAR,
    created_at TIMESTAMPTZ NOT NULL,
    layer VARCHAR NOT NULL,
    event_file VARCHAR NOT NULL,
    blob_oid VARCHAR NOT NULL,
    schema_version BIGINT NOT NULL
);

CREATE TABLE beliefs (
    id VARCHAR NOT NULL,
    event_id VARCHAR NOT NULL,
    content VARCHAR NOT NULL,
    confidence DOUBLE NOT NULL,       -- 0 to 1
    evidence_count BIGINT,
    evidence VARCHAR[] NOT NULL,
    domains VARCHAR[] NOT NULL,
    scope VARCHAR,
    author VARCHAR,
    formed_at TIMESTAMPTZ NOT NULL,
    layer VARCHAR NOT NULL,
    event_file VARCHAR NOT NULL,
    blob_oid VARCHAR NOT NULL,
    schema_version BIGINT NOT NULL
);

-- The sessions and commits that observations were drawn from.
CREATE TABLE extraction_state (
    source_type VARCHAR NOT NULL,
    source_id VARCHAR NOT NULL,
    source_oid VARCHAR,               -- blob or commit; NULL: not looked up, or gone
    deleted BOOLEAN NOT NULL,
    extracted_at TIMESTAMPTZ NOT NULL,
    observation_count BIGINT NOT NULL
);

CREATE TABLE quarantine (
    event_file VARCHAR NOT NULL,
    blob_oid VARCHAR NOT NULL,
    layer VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    detail VARCHAR NOT NULL,
    line INTEGER
);

CREATE TABLE materialization_state (
    fingerprint VARCHAR NOT NULL,     -- of the tables' shape and of the code that fills them
    source_sha VARCHAR,               -- NULL: no commit yet
    until_us BIGINT,                  -- events from here on are left out; NULL: none
    digest VARCHAR NOT NULL,          -- over the names of the files, and until_us
    event_count BIGINT NOT NULL,
    last_event_file VARCHAR,          -- of the newest event, not of the greatest name
    last_materialized_at TIMESTAMPTZ NOT NULL
);
