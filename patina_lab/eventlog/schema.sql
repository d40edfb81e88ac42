-- The tables and views of a log file.  `eventlog` is what happened; every other table is
-- derived from it in the same pass and keyed by `seq`.

CREATE TABLE eventlog (
    seq         BIGINT NOT NULL,        -- rank in the total order, from 1; no identity
    event_type  VARCHAR NOT NULL,
    timestamp   TIMESTAMPTZ NOT NULL,   -- the instant
    source_id   VARCHAR NOT NULL,       -- the source's own key
    source_file VARCHAR,                -- path in the repository
    data        JSON NOT NULL USING COMPRESSION zstd,  -- payload, canonical, byte for byte
    source      VARCHAR NOT NULL,
    actor       VARCHAR,
    occurred_us BIGINT NOT NULL,        -- the instant, microseconds since 1970 UTC
    event_id    VARCHAR NOT NULL,       -- identity by content
    envelope    JSON USING COMPRESSION zstd            -- what the source wrote around the payload
);

-- Identities as commits have them (name, email) and as the mailmap of the source commit
-- corrects them.
CREATE TABLE authors (
    author_id    INTEGER NOT NULL,
    name         VARCHAR NOT NULL,
    email        VARCHAR NOT NULL,
    proper_name  VARCHAR NOT NULL,
    proper_email VARCHAR NOT NULL
);

CREATE TABLE commit_facts (
    seq           BIGINT NOT NULL,
    occurred_us   BIGINT NOT NULL,
    committed_us  BIGINT,
    author_id     INTEGER NOT NULL,
    committer_id  INTEGER NOT NULL,
    parents       INTEGER NOT NULL,
    files         INTEGER NOT NULL,
    lines_added   BIGINT,     -- NULL where no file of the commit could be counted
    lines_removed BIGINT,
    missing       VARCHAR     -- what could not be read
);

-- parent is the parent's seq; NULL where the log does not hold it (a shallow clone, --until).
CREATE TABLE commit_parents (
    seq     BIGINT NOT NULL,
    ordinal INTEGER NOT NULL,
    parent  BIGINT
);

-- One row per commit and file.
CREATE TABLE touch (
    seq           BIGINT NOT NULL,
    ordinal       INTEGER NOT NULL,
    path          VARCHAR NOT NULL,
    old_path      VARCHAR,
    change        VARCHAR NOT NULL,  -- A M D R C T, as git has it
    lines_added   BIGINT,            -- NULL for a binary file, and where nothing was counted
    lines_removed BIGINT
);

CREATE TABLE session_items (
    seq         BIGINT NOT NULL,
    occurred_us BIGINT NOT NULL,
    session_id  VARCHAR,
    kind        VARCHAR NOT NULL,    -- goal, decision, observation, work, …
    type        VARCHAR,             -- of an observation: pattern, challenge, …
    content     VARCHAR,
    completed   BOOLEAN,
    section     VARCHAR,
    label       VARCHAR,
    ordinal     INTEGER,
    parent      INTEGER,
    line_start  INTEGER,
    line_end    INTEGER
);

-- Decisions from wherever they come: session notes and event files.
CREATE TABLE decision (
    seq         BIGINT NOT NULL,
    occurred_us BIGINT NOT NULL,
    source      VARCHAR NOT NULL,
    source_id   VARCHAR NOT NULL,
    actor       VARCHAR,
    content     VARCHAR,
    rationale   VARCHAR
);

CREATE TABLE quarantine (
    source      VARCHAR NOT NULL,
    reason      VARCHAR NOT NULL,
    detail      VARCHAR NOT NULL,
    source_id   VARCHAR,
    source_file VARCHAR,
    line        INTEGER,
    object_id   VARCHAR              -- the git object that is missing
);

-- Which blob of which file was read by which source.
CREATE TABLE source_files (
    source      VARCHAR NOT NULL,
    path        VARCHAR NOT NULL,
    blob        VARCHAR NOT NULL,
    uncommitted BOOLEAN NOT NULL
);

CREATE TABLE coverage (
    source      VARCHAR NOT NULL,
    source_file VARCHAR NOT NULL,
    kind        VARCHAR NOT NULL,
    present     INTEGER NOT NULL,
    extracted   INTEGER NOT NULL
);

-- What was recorded when: one batch a scrape, one row a source.  Append-only, and the only
-- table with the time of the scrape in it; no part of the digest.
CREATE TABLE scrape_meta (
    batch        INTEGER NOT NULL,
    source       VARCHAR NOT NULL,
    last_seq     BIGINT,
    last_updated TIMESTAMPTZ NOT NULL,
    source_sha   VARCHAR NOT NULL,
    how          VARCHAR NOT NULL,   -- full or incremental
    added        BIGINT NOT NULL,
    removed      BIGINT NOT NULL,
    events       BIGINT NOT NULL,
    quarantined  BIGINT NOT NULL,
    options      JSON NOT NULL,
    git_version  VARCHAR NOT NULL,
    digest       VARCHAR NOT NULL
);
