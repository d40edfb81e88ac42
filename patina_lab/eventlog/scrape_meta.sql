INSERT INTO scrape_meta
SELECT $batch, s.source,
       (SELECT max(e.seq) FROM eventlog e WHERE e.source = s.source),
       now(), $sha, $how, $added, $removed,
       (SELECT count(*) FROM eventlog e WHERE e.source = s.source),
       (SELECT count(*) FROM quarantine q WHERE q.source = s.source),
       $options, $git_version, $digest
FROM (
    SELECT 'git' AS source
    UNION SELECT source FROM source_files
    UNION SELECT source FROM quarantine
) s
ORDER BY s.source
