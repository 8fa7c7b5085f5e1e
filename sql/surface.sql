-- What the extension brings: functions, views, comments, volatility.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_pitr;
SELECT p.proname, pg_get_function_result(p.oid) LIKE 'SETOF%' OR pg_get_function_result(p.oid) LIKE 'TABLE%' AS is_set, p.provolatile, p.proparallel,
       obj_description(p.oid, 'pg_proc') IS NOT NULL AS described
FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
WHERE d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pg_pitr') ORDER BY 1;
SELECT pg_get_function_arguments('pitr_backup'::regproc);
SELECT pg_get_function_arguments('pitr_run_backup'::regproc);
SELECT pg_get_function_arguments(oid) FROM pg_proc WHERE proname = 'pitr_restore_plan' ORDER BY 1;
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'pitr_status'::regclass AND attnum > 0 ORDER BY attnum;
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'pitr_progress'::regclass AND attnum > 0 ORDER BY attnum;
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'pitr_backups'::regclass AND attnum > 0 ORDER BY attnum;
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'pitr_checks'::regclass AND attnum > 0 ORDER BY attnum;
SELECT proargnames FROM pg_proc WHERE proname IN ('pitr_info', 'pitr_archive', 'pitr_timelines', 'pitr_recovery_window', 'pitr_check') ORDER BY proname;
-- Settings: names, contexts, defaults.
SELECT name, setting, unit, context, vartype FROM pg_settings
WHERE name LIKE 'pg\_pitr.%' AND name NOT IN ('pg_pitr.repository', 'pg_pitr.cluster_name') ORDER BY name COLLATE "C";
DROP EXTENSION pg_pitr;
CREATE EXTENSION IF NOT EXISTS pg_pitr;
