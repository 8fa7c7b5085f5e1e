-- A backup from beginning to end on a directory, as SQL shows it. Figures vary, so they are compared, not printed.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_pitr;
SELECT "check", ok, detail FROM pitr_check() WHERE ok IS DISTINCT FROM true ORDER BY 1;
SELECT count(*) FROM pitr_check() WHERE "check" LIKE 'archive: a segment%' AND ok AND detail ~ '^[0-9A-F]{24} was stored [0-9.]+ s after the switch$';
CREATE TABLE t AS SELECT g AS n FROM generate_series(1, 1000) g;
SELECT pitr_backup(label => 'regress', annotations => '{"why": "regress", "n": 3, "yes": true, "none": null}', jobs => 1);
SELECT label, type, status, problem, timeline, encrypted, data_checksums, page_errors, parent, annotations,
       start_time < stop_time AS took_time, duration > interval '0' AS lasted, start_lsn < stop_lsn AS moved, first_segment <= last_segment AS needs_wal,
       database_size > 1000000 AS has_size, stored_size BETWEEN 1 AND database_size AS compressed, files > 500 AS has_files,
       server_version = split_part(current_setting('server_version'), ' ', 1) AS same_version
FROM pitr_info() WHERE label = 'regress' \gx
SELECT pitr_backup(label => 'regress');
SELECT timeline, gap, first_segment <= last_segment AS ordered, first_lsn < end_lsn AS spans, segments > 0 AS has_segments, stored_bytes > 0 AS has_bytes
FROM pitr_archive() ORDER BY timeline, first_lsn;
SELECT timeline, parent, switch_lsn, history_missing, partial_segments FROM pitr_timelines();
SELECT possible, problem, earliest_time IS NOT NULL AS has_earliest, latest_lsn > earliest_lsn AS forward, latest_timeline, latest_backup FROM pitr_recovery_window();
-- Something that is not stored yet.
INSERT INTO t VALUES (0);
SELECT archiver_state IN ('idle', 'archiving') AS works, last_archived ~ '^[0-9A-F]{8}' AS has_archived, archived_count > 0 AS counts, archived_bytes >= stored_bytes AS compresses,
       failed_count, last_error, data_at_risk_bytes < 64 * 1024 * 1024 AS little_at_risk, data_at_risk >= interval '0' AS since, repository LIKE 'file:///%' AS repository, encrypted, backup_running
FROM pitr_status \gx
SELECT * FROM pitr_progress;
-- In the background.
SELECT pitr_backup(label => 'later', wait => false);
DO $$
BEGIN
  FOR i IN 1 .. 600 LOOP
    EXIT WHEN EXISTS (SELECT FROM pitr_info() WHERE label = 'later' AND status = 'ok');
    PERFORM pg_sleep(0.1);
  END LOOP;
END $$;
SELECT label, status FROM pitr_info() ORDER BY stop_time;
-- The plan: rows, and errors that say what can be reached.
SELECT count(*) > 3 AS has_rows FROM pitr_restore_plan();
SELECT count(*) > 3 AS has_rows FROM pitr_restore_plan(immediate => true, backup => 'regress');
SELECT count(*) AS names_the_backup FROM pitr_restore_plan(backup => 'regress') WHERE value LIKE '%regress%' AND item ILIKE '%backup%';
\set VERBOSITY sqlstate
SELECT * FROM pitr_restore_plan(backup => 'no_such_backup');
SELECT * FROM pitr_restore_plan(target_name => 'no_such_point');
SELECT * FROM pitr_restore_plan(target_time => '2001-01-01');
