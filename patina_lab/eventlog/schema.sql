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

-- What the files of the tree define: one row per code.function, struct, enum, trait, type,
-- constant and member, per file, manifest, namespace and module.
CREATE TABLE code_symbol (
    seq         BIGINT NOT NULL,
    occurred_us BIGINT NOT NULL,
    path        VARCHAR NOT NULL,
    language    VARCHAR NOT NULL,
    type        VARCHAR NOT NULL,    -- file, function, struct, … symbol
    kind        VARCHAR NOT NULL,    -- as the language calls it: method, class, manifest, …
    name        VARCHAR NOT NULL,
    qualified   VARCHAR,
    parent      VARCHAR,
    line_start  INTEGER NOT NULL,
    line_end    INTEGER NOT NULL,
    is_public   BOOLEAN,
    complexity  INTEGER,             -- of a function: 1 + branches
    parameters  INTEGER,
    package     VARCHAR,             -- of a file: as it declares it; of a manifest: as it names it
    size        BIGINT,              -- of a file: bytes
    errors      INTEGER              -- of a file: places that the grammar does not know
);

CREATE TABLE code_import (
    seq            BIGINT NOT NULL,
    occurred_us    BIGINT NOT NULL,
    path           VARCHAR NOT NULL,
    language       VARCHAR NOT NULL,
    import_path    VARCHAR NOT NULL,
    import_kind    VARCHAR NOT NULL,
    imported_names VARCHAR[] NOT NULL,
    line           INTEGER NOT NULL,
    inside         VARCHAR           -- Rust: the inline modules around it
);

CREATE TABLE code_call (
    seq         BIGINT NOT NULL,
    occurred_us BIGINT NOT NULL,
    path        VARCHAR NOT NULL,
    language    VARCHAR NOT NULL,
    caller      VARCHAR,             -- qualified name of the function; NULL: none around it
    callee      VARCHAR NOT NULL,
    receiver    VARCHAR,             -- what stands before it; '' where that is no plain name
    line        INTEGER NOT NULL
);

-- The files of the tree that an import may mean; see patina_lab.sources.code.links.
CREATE TABLE code_link (
    seq    BIGINT NOT NULL,          -- of the import
    item   INTEGER NOT NULL,         -- which of its names
    choice INTEGER NOT NULL,         -- the lowest one in the slice is meant
    target VARCHAR NOT NULL,
    via    VARCHAR,                  -- holds only with this manifest
    unless VARCHAR,                  -- holds only without this file
    many   BOOLEAN NOT NULL          -- all files of the choice are meant
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
    uncommitted BOOLEAN NOT NULL,
    changed_us  BIGINT               -- the time that the file's events got; NULL: their own
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
