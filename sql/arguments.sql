-- Wrong arguments: each refused with what is wrong and what to write.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_pitr;
SELECT pitr_backup('everything');
SELECT pitr_backup(label => '../x');
SELECT pitr_backup(label => '.hidden');
SELECT pitr_backup(label => repeat('x', 65));
SELECT pitr_backup(jobs => 0);
SELECT pitr_backup(jobs => 65);
SELECT pitr_backup(if_running => 'queue');
SELECT pitr_backup(annotations => '[1]');
SELECT pitr_backup(annotations => '"text"');
SELECT pitr_backup(annotations => '{"a": {"b": 1}}');
SELECT pitr_backup(annotations => jsonb_build_object('a', repeat('x', 5000)));
SELECT pitr_backup(label => E'a\nb');
SELECT pitr_backup_cancel();
\set VERBOSITY sqlstate
SELECT pitr_backup('everything');
SELECT * FROM pitr_restore_plan(target_name => 'a', target_lsn => '0/1');
SELECT * FROM pitr_restore_plan(target_time => 'infinity');
SELECT * FROM pitr_restore_plan(timeline => 'sideways');
SELECT * FROM pitr_restore_plan(action => 'explode');
\set VERBOSITY default
-- Settings: wrong values never reach a file.
ALTER SYSTEM SET pg_pitr.s3_addressing = 'sideways';
ALTER SYSTEM SET pg_pitr.archive_jobs = 0;
ALTER SYSTEM SET pg_pitr.request_timeout = '1 fortnight';
SET pg_pitr.archive_jobs = 2;
SET pg_pitr.no_such_setting = 'x';
\set VERBOSITY sqlstate
ALTER SYSTEM SET pg_pitr.part_size = '1MB';
