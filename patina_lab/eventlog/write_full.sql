-- Rank the events where there is no last log: every row is new.
SET VARIABLE first = 1::BIGINT;

CREATE TEMP TABLE rank AS
SELECT n, row_number() OVER (
    ORDER BY occurred_us, source_id, event_type, event_id, coalesce(source_file, ''), source
) AS seq
FROM new_event;

INSERT INTO eventlog
SELECT r.seq, e.event_type, make_timestamptz(e.occurred_us), e.source_id, e.source_file, e.data,
       e.source, e.actor, e.occurred_us, e.event_id, e.envelope
FROM new_event e JOIN rank r USING (n)
ORDER BY r.seq;

CREATE TEMP TABLE facts AS FROM new_facts;

CREATE TEMP TABLE all_touch AS FROM new_touch;

CREATE TEMP TABLE all_symbol AS FROM new_symbol;

CREATE TEMP TABLE all_import AS FROM new_import;

CREATE TEMP TABLE all_call AS FROM new_call;

CREATE TEMP TABLE old_parents (seq BIGINT, ordinal INTEGER, parent BIGINT);

CREATE TEMP TABLE identity AS
SELECT name, email FROM facts UNION SELECT c_name, c_email FROM facts;
