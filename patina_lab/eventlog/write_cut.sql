-- Where the new log begins to differ from the last one: variable `first`, a seq.  Every row
-- before it is the same in both.
CREATE TEMP TABLE new_n AS SELECT coalesce(max(seq), 0) + 1 AS first FROM old.main.eventlog;

-- `n` is the old seq of what the last log has, and counts on after the last one for the rest.
UPDATE new_event SET n = n + (SELECT first FROM new_n);

-- Tags, what could not be read whole, and the events of files that changed are read again.
CREATE TEMP TABLE leaves AS
SELECT seq, event_id, source, source_id, source_file, envelope::VARCHAR AS envelope
FROM old.main.eventlog
WHERE source = 'git' AND event_type <> 'git.commit'
UNION ALL
SELECT seq, event_id, source, source_id, source_file, envelope::VARCHAR
FROM old.main.eventlog
WHERE source = 'git' AND event_type = 'git.commit' AND source_id IN (SELECT sha FROM dropped)
UNION ALL
SELECT seq, event_id, source, source_id, source_file, envelope::VARCHAR
FROM old.main.eventlog e
WHERE source <> 'git'
  AND NOT EXISTS (SELECT 1 FROM kept_files k WHERE k.source = e.source AND k.path = e.source_file);

-- Of what was read again, the events that are as they were stay where they are.
CREATE TEMP TABLE again AS
SELECT l.seq, e.n
FROM (
    SELECT *, row_number() OVER (
        PARTITION BY event_id, source, source_id, source_file, envelope ORDER BY seq) AS k
    FROM leaves
) l JOIN (
    SELECT n, event_id, source, source_id, source_file, envelope, row_number() OVER (
        PARTITION BY event_id, source, source_id, source_file, envelope ORDER BY n) AS k
    FROM new_event
) e
    ON l.event_id = e.event_id AND l.source = e.source AND l.source_id = e.source_id AND l.k = e.k
   AND l.source_file IS NOT DISTINCT FROM e.source_file
   AND l.envelope IS NOT DISTINCT FROM e.envelope;

DELETE FROM leaves WHERE seq IN (SELECT seq FROM again);

DELETE FROM new_event WHERE n IN (SELECT n FROM again);

SET VARIABLE first = (
    SELECT least(
        (SELECT first FROM new_n),
        (SELECT min(seq) FROM leaves),
        (SELECT min(e.seq)
         FROM old.main.eventlog e, (
             SELECT occurred_us, source_id, event_type, event_id,
                    coalesce(source_file, '') AS source_file, source
             FROM new_event ORDER BY ALL LIMIT 1
         ) m
         WHERE e.occurred_us >= m.occurred_us
           AND (e.occurred_us, e.source_id, e.event_type, e.event_id,
                coalesce(e.source_file, ''), e.source)
             > (m.occurred_us, m.source_id, m.event_type, m.event_id, m.source_file, m.source)))
);
