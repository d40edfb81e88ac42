-- How many events of the last log are in the new one.  Tags, and what could not be read
-- whole, are read again each time; that alone makes none of them come or go.
SELECT (SELECT count(*) FROM stays) + count(*)
FROM (
    SELECT event_id, source, source_id, source_file, envelope::VARCHAR FROM new_event
    INTERSECT ALL
    SELECT event_id, source, source_id, source_file, envelope::VARCHAR
    FROM old.main.eventlog e ANTI JOIN stays s ON s.n = e.seq
)
