-- Fill the derived tables from what was ranked; the same for a full and an incremental build.
INSERT INTO commit_facts
SELECT r.seq, e.occurred_us, f.committed_us, a.author_id, c.author_id, f.parents, f.files,
       f.lines_added, f.lines_removed, f.missing
FROM facts f
JOIN rank r USING (n)
JOIN eventlog e ON e.seq = r.seq
JOIN authors a ON a.name = f.name AND a.email = f.email
JOIN authors c ON c.name = f.c_name AND c.email = f.c_email
ORDER BY r.seq;

INSERT INTO touch
SELECT r.seq, t.ordinal, t.path, t.old_path, t.change, t.lines_added, t.lines_removed
FROM all_touch t JOIN rank r USING (n)
ORDER BY r.seq, t.ordinal;

INSERT INTO commit_parents
SELECT seq, ordinal, parent FROM old_parents
UNION ALL
SELECT r.seq, p.ordinal, q.seq
FROM (
    SELECT n, unnest(parents) AS sha, generate_subscripts(parents, 1) - 1 AS ordinal
    FROM new_commit
) p
JOIN rank r USING (n)
LEFT JOIN eventlog q
    ON q.source_id = p.sha AND q.source = 'git' AND q.event_type = 'git.commit'
ORDER BY ALL;

INSERT INTO session_items
SELECT seq, occurred_us, data->>'$.session_id', split_part(event_type, '.', 2),
       data->>'$.type', data->>'$.content', TRY_CAST(data->>'$.completed' AS BOOLEAN),
       data->>'$.section', data->>'$.label', TRY_CAST(data->>'$.ordinal' AS INTEGER),
       TRY_CAST(data->>'$.parent' AS INTEGER), TRY_CAST(data->>'$.line_start' AS INTEGER),
       TRY_CAST(data->>'$.line_end' AS INTEGER)
FROM eventlog
WHERE source = 'sessions' AND event_type NOT IN ('session.started', 'session.ended')
  AND seq >= getvariable('first')
ORDER BY seq;

INSERT INTO decision
SELECT seq, occurred_us, source, source_id, actor,
       coalesce(data->>'$.decision', data->>'$.content'), data->>'$.rationale'
FROM eventlog
WHERE event_type IN ('session.decision', 'decision_made') AND seq >= getvariable('first')
ORDER BY seq;

INSERT INTO quarantine
SELECT * FROM new_problem
ORDER BY source, source_id NULLS FIRST, source_file NULLS FIRST, line NULLS FIRST, reason, detail;

INSERT INTO coverage SELECT * FROM new_coverage ORDER BY ALL;

INSERT INTO source_files SELECT * FROM new_file ORDER BY ALL;

INSERT INTO code_symbol BY NAME
SELECT r.seq, s.* EXCLUDE (n) FROM all_symbol s JOIN rank r USING (n) ORDER BY r.seq;

INSERT INTO code_import BY NAME
SELECT r.seq, i.* EXCLUDE (n) FROM all_import i JOIN rank r USING (n) ORDER BY r.seq;

INSERT INTO code_call BY NAME
SELECT r.seq, c.* EXCLUDE (n) FROM all_call c JOIN rank r USING (n) ORDER BY r.seq;
