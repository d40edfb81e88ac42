-- Rank the events of the last log that stay, from `first` on, together with the new ones.
CREATE TEMP TABLE rank AS
SELECT n, getvariable('first') - 1 + row_number() OVER (
    ORDER BY occurred_us, source_id, event_type, event_id, coalesce(source_file, ''), source
) AS seq
FROM (
    SELECT seq AS n, occurred_us, source_id, event_type, event_id, source_file, source
    FROM old.main.eventlog
    WHERE seq >= getvariable('first') AND seq NOT IN (SELECT seq FROM leaves)
    UNION ALL
    SELECT n, occurred_us, source_id, event_type, event_id, source_file, source FROM new_event
);

INSERT INTO eventlog
SELECT r.seq, e.* EXCLUDE (n)
FROM (
    SELECT seq AS n, event_type, timestamp, source_id, source_file, data, source, actor,
           occurred_us, event_id, envelope
    FROM old.main.eventlog
    WHERE seq >= getvariable('first')
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
WHERE f.seq >= getvariable('first')
UNION ALL
FROM new_facts;

CREATE TEMP TABLE all_touch AS
SELECT t.seq AS n, t.ordinal, t.path, t.old_path, t.change, t.lines_added, t.lines_removed
FROM old.main.touch t JOIN rank r ON r.n = t.seq
WHERE t.seq >= getvariable('first')
UNION ALL
FROM new_touch;

-- Rows of events that do not stay find no rank later.
CREATE TEMP TABLE all_symbol AS
SELECT seq AS n, * EXCLUDE (seq) FROM old.main.code_symbol WHERE seq >= getvariable('first')
UNION ALL BY NAME
FROM new_symbol;

CREATE TEMP TABLE all_import AS
SELECT seq AS n, * EXCLUDE (seq) FROM old.main.code_import WHERE seq >= getvariable('first')
UNION ALL BY NAME
FROM new_import;

CREATE TEMP TABLE all_call AS
SELECT seq AS n, * EXCLUDE (seq) FROM old.main.code_call WHERE seq >= getvariable('first')
UNION ALL BY NAME
FROM new_call;

-- A parent that was read again has a new n: it is found by its sha.
CREATE TEMP TABLE old_parents AS
SELECT coalesce(r.seq, p.seq) AS seq, p.ordinal,
       CASE WHEN p.parent < getvariable('first') THEN p.parent
            ELSE coalesce(q.seq, s.seq) END AS parent
FROM old.main.commit_parents p
LEFT JOIN rank r ON r.n = p.seq
LEFT JOIN rank q ON q.n = p.parent
LEFT JOIN old.main.eventlog o
    ON q.seq IS NULL AND p.parent >= getvariable('first') AND o.seq = p.parent
LEFT JOIN eventlog s
    ON s.source_id = o.source_id AND s.source = 'git' AND s.event_type = 'git.commit'
WHERE p.seq >= getvariable('first_child')
  AND (r.seq IS NOT NULL OR p.seq < getvariable('first'));

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
SELECT name, email FROM facts
UNION
SELECT c_name, c_email FROM facts
UNION
SELECT a.name, a.email
FROM old.main.authors a SEMI JOIN (
    SELECT author_id FROM old.main.commit_facts WHERE seq < getvariable('first')
    UNION ALL
    SELECT committer_id FROM old.main.commit_facts WHERE seq < getvariable('first')
) f USING (author_id);
