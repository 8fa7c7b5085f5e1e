-- The control panel as a monitoring tool sees it: columns, types, privileges, and rows that hold together.
SET client_min_messages = warning;
CREATE EXTENSION pgtap;
CREATE EXTENSION pg_pitr;
SELECT plan(57);

SELECT has_extension('pg_pitr', 'the extension is there');
SELECT has_view('public', 'pitr_status', 'view pitr_status');
SELECT has_view('public', 'pitr_progress', 'view pitr_progress');
SELECT columns_are('public', 'pitr_backups', ARRAY['label', 'type', 'stop_time', 'size', 'stored', 'status'], 'columns of pitr_backups');
SELECT has_function('public', 'pitr_backup', ARRAY['text', 'text', 'jsonb', 'boolean', 'boolean', 'integer', 'boolean', 'boolean', 'boolean', 'text'], 'pitr_backup');
SELECT function_returns('public', 'pitr_backup', 'text', 'pitr_backup returns the label');
SELECT has_function('public', 'pitr_restore_plan',
  ARRAY['timestamp with time zone', 'xid8', 'text', 'pg_lsn', 'boolean', 'boolean', 'text', 'text', 'text', 'boolean'], 'pitr_restore_plan');
SELECT has_function('public', f, f) FROM unnest(ARRAY['pitr_backup_cancel', 'pitr_info', 'pitr_archive', 'pitr_timelines', 'pitr_recovery_window', 'pitr_check', 'pitr_expire', 'pitr_pin', 'pitr_unpin', 'pitr_accept_repository', 'pitr_set_timeline_aside', 'pitr_take_timeline_back']) f;

SELECT columns_are('public', 'pitr_status', ARRAY['archiver_state', 'archiver_pid', 'last_archived', 'last_archived_time', 'archived_count', 'archived_bytes',
  'stored_bytes', 'backlog_segments', 'backlog_bytes', 'oldest_waiting', 'in_flight', 'change_maps_due', 'failed_count', 'last_error', 'last_error_hint', 'last_error_file',
  'last_error_time', 'retrying_until', 'timeline_warning', 'gap_warning', 'data_at_risk_bytes', 'data_at_risk', 'repository', 'encrypted', 'backup_running'], 'columns of pitr_status');
SELECT columns_are('public', 'pitr_progress', ARRAY['label', 'phase', 'pid', 'requested_by', 'started', 'elapsed', 'bytes_total', 'bytes_done', 'percent',
  'files_total', 'files_done', 'bytes_stored', 'wal_segments_total', 'wal_segments_stored', 'type', 'parent', 'change_source', 'resumes', 'bytes_resumed', 'last_error', 'retrying_until'], 'columns of pitr_progress');
SELECT col_type_is('public', 'pitr_status', 'backlog_segments', 'bigint', 'the backlog is a number');
SELECT col_type_is('public', 'pitr_status', 'data_at_risk', 'interval', 'the time at risk is an interval');
SELECT col_type_is('public', 'pitr_progress', 'percent', 'numeric', 'percent is a number');

-- Privileges.
CREATE ROLE pitr_tap_nobody;
CREATE ROLE pitr_tap_watcher IN ROLE pg_monitor;
SELECT ok(NOT has_function_privilege('pitr_tap_nobody', oid, 'EXECUTE'), proname || ' is not for everybody')
FROM pg_proc WHERE proname LIKE 'pitr\_%' AND proname NOT IN ('pitr_get_status', 'pitr_get_progress') ORDER BY proname;
SELECT throws_ok('SET ROLE pitr_tap_nobody; SELECT * FROM pitr_get_status()', '42501', NULL, 'the function behind a view is for those who may read the view');
RESET ROLE;
SELECT is(array_agg(proname::text ORDER BY proname), ARRAY['pitr_archive', 'pitr_get_progress', 'pitr_get_status', 'pitr_info', 'pitr_recovery_window', 'pitr_restore_plan', 'pitr_restore_plan', 'pitr_timelines', 'pitr_verifications'],
  'what pg_monitor may call')
FROM pg_proc WHERE proname LIKE 'pitr\_%' AND has_function_privilege('pitr_tap_watcher', oid, 'EXECUTE');
SELECT throws_ok('SET ROLE pitr_tap_nobody; SELECT * FROM pitr_status', '42501', NULL, 'pitr_status is not for everybody');
RESET ROLE;
SELECT lives_ok('SET ROLE pitr_tap_watcher; SELECT * FROM pitr_status', 'pitr_status is for pg_monitor');
RESET ROLE;
SELECT throws_ok('SET ROLE pitr_tap_nobody; SELECT * FROM pitr_backups', '42501', NULL, 'pitr_backups is not for everybody');
RESET ROLE;

-- Rows of a check that passes, and the state after it.
CREATE TEMP TABLE checked AS SELECT * FROM pitr_check();
SELECT lives_ok('SET ROLE pitr_tap_watcher; SELECT * FROM pitr_backups', 'pitr_backups is for pg_monitor');
RESET ROLE;
SELECT is_empty('SELECT * FROM checked WHERE NOT ok', 'pitr_check() finds nothing wrong');
-- The first check has stored the first WAL, about which the later ones have a row more.
CREATE TEMP TABLE shown AS SELECT * FROM pitr_checks;
SELECT is((SELECT string_agg("check", ',') FROM pitr_check()), (SELECT string_agg(replace("check", E'\n', ' '), ',') FROM shown), 'pitr_checks shows the same rows');
SELECT is((SELECT max(length(line)) FROM shown, string_to_table(found, E'\n') line) <= 42 AND (SELECT max(length(line)) FROM shown, string_to_table("check", E'\n') line) <= 24, true,
  'in 80 columns');
SELECT is((SELECT ok FROM checked WHERE "check" = 'archive: a segment switched, archived and found'), true, 'a segment was archived and found');
SELECT is_empty($$SELECT "check" FROM checked GROUP BY "check" HAVING count(*) > 1$$, 'every check is listed once');
SELECT is_empty($$SELECT * FROM checked WHERE ok IS NOT TRUE AND hint IS NULL$$, 'what is not ok has a hint');
SELECT results_eq('SELECT archiver_state, failed_count, backlog_segments FROM pitr_status', $$VALUES ('idle', 0::bigint, 0::bigint)$$, 'nothing waits and nothing fails');
SELECT is_empty('SELECT * FROM pitr_progress', 'no backup runs');
SELECT throws_ok($$SELECT pitr_backup('no such type')$$, '22023', NULL, 'an unknown type is a wrong argument');

DROP OWNED BY pitr_tap_nobody, pitr_tap_watcher;
DROP ROLE pitr_tap_nobody, pitr_tap_watcher;
SELECT * FROM finish();
