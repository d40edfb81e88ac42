-- Brings the tables up to date with event_files, for what was touched and for nothing else.
-- Given: incoming (rows of event_files), gone (event_file), and until when.

CREATE TEMP TABLE touched AS
SELECT DISTINCT event, content_hash, source_id FROM (
    SELECT f.event, f.content_hash, f.source_id
    FROM event_files f SEMI JOIN gone g ON g.event_file = f.event_file
    UNION ALL
    SELECT event, content_hash, source_id FROM incoming
)
WHERE event IS NOT NULL;

DELETE FROM quarantine WHERE event_file IN (SELECT event_file FROM gone);
DELETE FROM event_files WHERE event_file IN (SELECT event_file FROM gone);
INSERT INTO event_files BY NAME SELECT * FROM incoming;

INSERT INTO quarantine
SELECT event_file, blob_oid, layer, reason, detail, line
FROM incoming WHERE reason IS NOT NULL;

DELETE FROM events WHERE id IN (SELECT event FROM touched);
INSERT INTO events
SELECT
    f.event, f.event_id, f.event_type, f.known, make_timestamptz(f.occurred_us), f.occurred_us,
    f.author, f.sequence, f.schema_version, f.payload, f.layer, f.event_file, f.blob_oid
FROM event_files f JOIN (SELECT DISTINCT event FROM touched) t ON t.event = f.event
WHERE f.occurred_us < $until_us
QUALIFY row_number() OVER (PARTITION BY f.event ORDER BY f.layer = 'shared' DESC, f.event_file) = 1;

CREATE TEMP TABLE changed AS
SELECT e.* FROM events e JOIN (SELECT DISTINCT event FROM touched) t ON t.event = e.id;

DELETE FROM patterns WHERE id IN (SELECT event FROM touched);
INSERT INTO patterns
SELECT
    id, event_id, payload ->> '$.pattern_name', payload ->> '$.content',
    payload ->> '$.rationale', payload ->> '$.domains[*]', payload ->> '$.evidence[*]',
    (payload ->> '$.observation_count')::BIGINT,
    author, timestamp, layer, event_file, blob_oid, schema_version
FROM changed WHERE event_type = 'pattern_identified';

DELETE FROM decisions WHERE id IN (SELECT event FROM touched);
INSERT INTO decisions
SELECT
    id, event_id, payload ->> '$.decision', payload ->> '$.rationale',
    payload ->> '$.alternatives[*]', payload ->> '$.context', payload ->> '$.domains[*]',
    author, timestamp, layer, event_file, blob_oid, schema_version
FROM changed WHERE event_type = 'decision_made';

DELETE FROM beliefs WHERE id IN (SELECT event FROM touched);
INSERT INTO beliefs
SELECT
    id, event_id, payload ->> '$.belief', (payload ->> '$.confidence')::DOUBLE,
    (payload ->> '$.evidence_count')::BIGINT, payload ->> '$.evidence_observations[*]',
    payload ->> '$.domains[*]', payload ->> '$.scope',
    author, timestamp, layer, event_file, blob_oid, schema_version
FROM changed WHERE event_type = 'belief_formed';

-- An observation is one with all others of the same words from the same source, so what
-- is touched is the whole of such a group.
CREATE TEMP TABLE groups AS
SELECT DISTINCT content_hash, source_id FROM touched WHERE content_hash IS NOT NULL;

DELETE FROM observations o USING groups g
WHERE o.content_hash = g.content_hash AND o.source_id = g.source_id;
INSERT INTO observations
SELECT
    first(e.id ORDER BY e.occurred_us, e.id),
    last(e.event_id ORDER BY e.layer, e.occurred_us, e.id),
    last(e.payload ->> '$.content' ORDER BY e.layer, e.occurred_us, e.id),
    last(e.payload ->> '$.observation_type' ORDER BY e.layer, e.occurred_us, e.id),
    last(e.payload ->> '$.domains[*]' ORDER BY e.layer, e.occurred_us, e.id),
    last(coalesce(e.payload ->> '$.source_type', 'manual') ORDER BY e.layer, e.occurred_us, e.id),
    g.source_id,
    last((e.payload ->> '$.reliability')::DOUBLE ORDER BY e.layer, e.occurred_us, e.id),
    last(e.author ORDER BY e.layer, e.occurred_us, e.id),
    min(e.timestamp),
    last(e.timestamp ORDER BY e.layer, e.occurred_us, e.id),
    false,
    g.content_hash,
    list(e.id ORDER BY e.layer, e.occurred_us, e.id),
    max(e.layer),
    last(e.event_file ORDER BY e.layer, e.occurred_us, e.id),
    last(e.blob_oid ORDER BY e.layer, e.occurred_us, e.id),
    last(e.schema_version ORDER BY e.layer, e.occurred_us, e.id)
FROM (
    SELECT DISTINCT g.content_hash, g.source_id, f.event
    FROM event_files f JOIN groups g
    ON f.content_hash = g.content_hash AND f.source_id = g.source_id
) g
JOIN events e ON e.id = g.event
GROUP BY g.content_hash, g.source_id;
