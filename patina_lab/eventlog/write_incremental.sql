-- Rank the events of the last log that stay, together with the new ones.  `n` is the old
-- seq for the former, and counts on after the last one for the latter.
CREATE TEMP TABLE new_n AS SELECT coalesce(max(seq), 0) + 1 AS first FROM old.main.eventlog;

UPDATE new_event SET n = n + (SELECT first FROM new_n);

UPDATE new_commit SET n = n + (SELECT first FROM new_n);

UPDATE new_symbol SET n = n + (SELECT first FROM new_n);

UPDATE new_import SET n = n + (SELECT first FROM new_n);

UPDATE new_call SET n = n + (SELECT first FROM new_n);

CREATE TEMP TABLE stays AS
SELECT seq AS n, occurred_us, source_id, event_type, event_id, source_file, source
FROM old.main.eventlog e
WHERE (source = 'git' AND event_type = 'git.commit' AND NOT EXISTS (
          SELECT 1 FROM dropped d WHERE d.sha = e.source_id))
   OR (source <> 'git' AND EXISTS (
          SELECT 1 FROM kept_files k WHERE k.source = e.source AND k.path = e.source_file));

CREATE TEMP TABLE rank AS
SELECT n, row_number() OVER (
    ORDER BY occurred_us, source_id, event_type, event_id, coalesce(source_file, ''), source
) AS seq
FROM (
    SELECT n, occurred_us, source_id, event_type, event_id, source_file, source FROM stays
    UNION ALL
    SELECT n, occurred_us, source_id, event_type, event_id, source_file, source FROM new_event
);

INSERT INTO eventlog
SELECT r.seq, e.* EXCLUDE (n)
FROM (
    SELECT seq AS n, event_type, timestamp, source_id, source_file, data, source, actor,
           occurred_us, event_id, envelope
    FROM old.main.eventlog
    UNION ALL
    SELECT n, event_type, make_timestamptz(occurred_us), source_id, source_file, data, source,
           actor, occurred_us, event_id, envelope
    FROM new_event
) e JOIN rank r USING (n)
ORDER BY r.seq;

CREATE TEMP TABLE facts AS
SELECT f.seq AS n, f.committed_us, a.name, a.email, c.name AS c_name, c.email AS c_email,
       f.parents, f.files, f.lines_added, f.lines_removed, f.missing
FROM old.main.commit_facts f
JOIN rank r ON r.n = f.seq
JOIN old.main.authors a ON a.author_id = f.author_id
JOIN old.main.authors c ON c.author_id = f.committer_id
UNION ALL
FROM new_facts;

CREATE TEMP TABLE all_touch AS
SELECT t.seq AS n, t.ordinal, t.path, t.old_path, t.change, t.lines_added, t.lines_removed
FROM old.main.touch t JOIN rank r ON r.n = t.seq
UNION ALL
FROM new_touch;

-- Rows of events that do not stay find no rank later.
CREATE TEMP TABLE all_symbol AS
SELECT seq AS n, * EXCLUDE (seq) FROM old.main.code_symbol
UNION ALL BY NAME
FROM new_symbol;

CREATE TEMP TABLE all_import AS
SELECT seq AS n, * EXCLUDE (seq) FROM old.main.code_import
UNION ALL BY NAME
FROM new_import;

CREATE TEMP TABLE all_call AS
SELECT seq AS n, * EXCLUDE (seq) FROM old.main.code_call
UNION ALL BY NAME
FROM new_call;

-- A parent that was read again has a new n: it is found by its sha.
CREATE TEMP TABLE old_parents AS
SELECT r.seq, p.ordinal, coalesce(q.seq, s.seq) AS parent
FROM old.main.commit_parents p
JOIN rank r ON r.n = p.seq
LEFT JOIN rank q ON q.n = p.parent
LEFT JOIN old.main.eventlog o ON q.seq IS NULL AND o.seq = p.parent
LEFT JOIN eventlog s
    ON s.source_id = o.source_id AND s.source = 'git' AND s.event_type = 'git.commit';

INSERT INTO new_problem
SELECT q.* FROM old.main.quarantine q
WHERE (q.source = 'git' AND q.source_id IS NOT NULL AND NOT EXISTS (
          SELECT 1 FROM dropped d WHERE d.sha = q.source_id))
   OR (q.source <> 'git' AND EXISTS (
          SELECT 1 FROM kept_files k WHERE k.source = q.source AND k.path = q.source_file));

INSERT INTO new_coverage
SELECT c.* FROM old.main.coverage c
WHERE EXISTS (SELECT 1 FROM kept_files k WHERE k.source = c.source AND k.path = c.source_file);

CREATE TEMP TABLE identity AS
SELECT name, email FROM facts UNION SELECT c_name, c_email FROM facts;
