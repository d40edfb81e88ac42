-- Which sessions and commits are still there.  Given: looked_up (source_type, source_id,
-- source_oid, deleted).

DELETE FROM extraction_state;
INSERT INTO extraction_state
SELECT
    o.source_type, o.source_id, any_value(l.source_oid), coalesce(any_value(l.deleted), false),
    max(o.updated_at), count(*)
FROM observations o
LEFT JOIN looked_up l ON l.source_type = o.source_type AND l.source_id = o.source_id
WHERE o.source_type IN ('session', 'commit')
GROUP BY o.source_type, o.source_id;

UPDATE observations o SET deleted = s.deleted
FROM extraction_state s
WHERE s.source_type = o.source_type AND s.source_id = o.source_id AND s.deleted <> o.deleted;
