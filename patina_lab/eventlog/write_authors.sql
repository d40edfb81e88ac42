-- An author who is new takes a place among the others: give the rows before `first` the ids of now.
CREATE TEMP TABLE renumbered AS
SELECT o.author_id AS was, a.author_id
FROM old.main.authors o JOIN authors a ON a.name = o.name AND a.email = o.email;

CREATE TEMP TABLE head AS
SELECT f.* EXCLUDE (author_id, committer_id), a.author_id, c.author_id AS committer_id
FROM old.main.commit_facts f
JOIN renumbered a ON a.was = f.author_id
JOIN renumbered c ON c.was = f.committer_id
WHERE f.seq < getvariable('first')
  AND EXISTS (SELECT 1 FROM renumbered WHERE was <> author_id);

DELETE FROM commit_facts WHERE EXISTS (SELECT 1 FROM head);

INSERT INTO commit_facts BY NAME FROM head ORDER BY seq;
