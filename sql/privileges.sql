-- Acting functions are for superusers and those they are granted to, reading ones for pg_monitor as well; secrets' paths for superusers.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_pitr;
CREATE ROLE pitr_nobody;
CREATE ROLE pitr_watcher;
CREATE ROLE pitr_operator;
GRANT pg_monitor TO pitr_watcher;
GRANT EXECUTE ON FUNCTION pitr_backup, pitr_backup_cancel, pitr_check, pitr_expire, pitr_pin, pitr_set_timeline_aside, pitr_take_timeline_back, pitr_unpin, pitr_verify TO pitr_operator;
SELECT p.proname, has_function_privilege('pitr_nobody', p.oid, 'EXECUTE') AS nobody, has_function_privilege('pitr_watcher', p.oid, 'EXECUTE') AS watcher,
       has_function_privilege('pitr_operator', p.oid, 'EXECUTE') AS operator
FROM pg_proc p WHERE p.proname LIKE 'pitr\_%' ORDER BY 1;
SET ROLE pitr_nobody;
SELECT pitr_backup();
SELECT pitr_backup_cancel();
SELECT * FROM pitr_check();
SELECT * FROM pitr_expire();
SELECT pitr_pin('x');
SELECT pitr_unpin('x');
SELECT * FROM pitr_info();
SELECT * FROM pitr_status;
SELECT * FROM pitr_progress;
SELECT * FROM pitr_get_status();
CALL pitr_run_backup();
\set VERBOSITY sqlstate
SHOW pg_pitr.s3_credentials_file;
SHOW pg_pitr.passphrase_file;
SHOW pg_pitr.proxy;
\set VERBOSITY default
SELECT count(*) FROM pg_settings WHERE name IN ('pg_pitr.passphrase_file', 'pg_pitr.s3_credentials_file', 'pg_pitr.s3_ca_file', 'pg_pitr.proxy');
RESET ROLE;
SET ROLE pitr_watcher;
SELECT count(*) FROM pitr_status;
SELECT count(*) FROM pitr_progress;
SELECT pitr_backup();
RESET ROLE;
SET ROLE pitr_operator;
SELECT pitr_backup_cancel();
RESET ROLE;
DROP OWNED BY pitr_operator;
DROP ROLE pitr_nobody, pitr_watcher, pitr_operator;
