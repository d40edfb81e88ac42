-- Take out of the payloads of the new events what has tables of its own.
CREATE TEMP TABLE new_commit AS
SELECT n, unnest(from_json(data, '{
    "author": "VARCHAR", "email": "VARCHAR", "committer": "VARCHAR",
    "committer_email": "VARCHAR", "committer_date": "VARCHAR", "parents": ["VARCHAR"],
    "missing": "VARCHAR",
    "files": [{"path": "VARCHAR", "old_path": "VARCHAR", "change": "VARCHAR",
               "lines_added": "BIGINT", "lines_removed": "BIGINT"}]}'))
FROM new_event
WHERE source = 'git' AND event_type = 'git.commit';

CREATE TEMP VIEW new_touch AS
SELECT n, ordinal, f.path, f.old_path, f.change, f.lines_added, f.lines_removed
FROM (
    SELECT n, unnest(files) AS f, generate_subscripts(files, 1) - 1 AS ordinal FROM new_commit
);

-- A sum of nothing is NULL: a commit without a countable file has no line counts.  A date with
-- an offset that no clock can have is written as git has it, in seconds.
CREATE TEMP VIEW new_facts AS
SELECT n,
       coalesce(
           epoch_us(TRY_CAST(committer_date AS TIMESTAMPTZ)),
           CAST(split_part(committer_date, ' ', 1) AS BIGINT) * 1000000) AS committed_us,
       author AS name, email, committer AS c_name, committer_email AS c_email,
       len(parents) AS parents, len(files) AS files,
       list_sum(list_transform(files, lambda f: f.lines_added)) AS lines_added,
       list_sum(list_transform(files, lambda f: f.lines_removed)) AS lines_removed,
       missing
FROM new_commit;

-- A file that is no code, and one that was not looked into, is a symbol of its own kind; other
-- symbols only repeat what was defined.
CREATE TEMP VIEW new_symbol AS
SELECT n, occurred_us, d.file AS path, d.language,
       CASE WHEN d.kind IN ('file', 'manifest') THEN 'file' ELSE type END AS type,
       d.kind, d.name, d.qualified_name AS qualified, d.parent, d.line_start, d.line_end,
       d.is_public, d.complexity, len(d.parameters) AS parameters, d.package, d.bytes AS size,
       d.errors
FROM (
    SELECT n, occurred_us, event_type[6:] AS type, from_json(data, '{
        "file": "VARCHAR", "language": "VARCHAR", "kind": "VARCHAR", "name": "VARCHAR",
        "qualified_name": "VARCHAR", "parent": "VARCHAR", "line_start": "INTEGER",
        "line_end": "INTEGER", "is_public": "BOOLEAN", "complexity": "INTEGER",
        "parameters": ["JSON"], "package": "VARCHAR", "bytes": "BIGINT",
        "errors": "INTEGER"}') AS d
    FROM new_event
    WHERE source = 'code' AND event_type LIKE 'code.%'
      AND event_type NOT IN ('code.import', 'code.call')
)
WHERE type <> 'symbol' OR d.kind IN ('file', 'manifest', 'namespace', 'module');

CREATE TEMP VIEW new_import AS
SELECT n, occurred_us, d.file AS path, d.language, d.import_path, d.import_kind,
       d.imported_names, d.line_number AS line, d.inside
FROM (
    SELECT n, occurred_us, from_json(data, '{
        "file": "VARCHAR", "language": "VARCHAR", "import_path": "VARCHAR",
        "import_kind": "VARCHAR", "imported_names": ["VARCHAR"], "line_number": "INTEGER",
        "inside": "VARCHAR"}') AS d
    FROM new_event
    WHERE source = 'code' AND event_type = 'code.import'
);

CREATE TEMP VIEW new_call AS
SELECT n, occurred_us, d.file AS path, d.language, d.caller, d.callee, d.receiver,
       d.line_number AS line
FROM (
    SELECT n, occurred_us, from_json(data, '{
        "file": "VARCHAR", "language": "VARCHAR", "caller": "VARCHAR", "callee": "VARCHAR",
        "receiver": "VARCHAR", "line_number": "INTEGER"}') AS d
    FROM new_event
    WHERE source = 'code' AND event_type = 'code.call'
);
