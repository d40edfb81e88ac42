-- Flatten the staged commits.
CREATE TEMP VIEW new_touch AS
SELECT n, ordinal, f.path, f.old_path, f.change, f.lines_added, f.lines_removed
FROM (
    SELECT n, unnest(files) AS f, generate_subscripts(files, 1) - 1 AS ordinal FROM new_commit
);

-- A sum of nothing is NULL: a commit without a countable file has no line counts.
CREATE TEMP VIEW new_facts AS
SELECT n, committed_us, author AS name, email, committer AS c_name, committer_email AS c_email,
       len(parents) AS parents, len(files) AS files,
       list_sum(list_transform(files, lambda f: f.lines_added)) AS lines_added,
       list_sum(list_transform(files, lambda f: f.lines_removed)) AS lines_removed,
       missing
FROM new_commit;
