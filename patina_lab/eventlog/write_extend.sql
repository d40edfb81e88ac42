-- Of a copy of the last log, take away what comes anew: rows from `first` on, and whole
-- tables that are small, or about all of the log.
DELETE FROM eventlog WHERE seq >= getvariable('first');

DELETE FROM commit_facts WHERE seq >= getvariable('first');

DELETE FROM touch WHERE seq >= getvariable('first');

DELETE FROM commit_parents WHERE seq >= getvariable('first_child');

DELETE FROM session_items WHERE seq >= getvariable('first');

DELETE FROM decision WHERE seq >= getvariable('first');

DELETE FROM code_symbol WHERE seq >= getvariable('first');

DELETE FROM code_import WHERE seq >= getvariable('first');

DELETE FROM code_call WHERE seq >= getvariable('first');

DELETE FROM code_link;

DELETE FROM authors;

DELETE FROM quarantine;

DELETE FROM coverage;

DELETE FROM source_files;
