-- Without what they need, the functions say what to set.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_pitr;
ALTER SYSTEM SET pg_pitr.repository = '';
SELECT pg_reload_conf();
\! timeout 60 sh -c 'until [ "$(psql -XAtd postgres -c "SHOW pg_pitr.repository")" = "" ]; do sleep 0.05; done'
\c -
SELECT pitr_backup();
SELECT * FROM pitr_info();
SELECT "check", ok, detail, hint FROM pitr_check() WHERE "check" = 'settings';
ALTER SYSTEM SET pg_pitr.repository = 'ftp://somewhere/else';
SELECT pg_reload_conf();
\! timeout 60 sh -c 'until [ "$(psql -XAtd postgres -c "SHOW pg_pitr.repository")" = "ftp://somewhere/else" ]; do sleep 0.05; done'
\c -
SELECT pitr_backup();
ALTER SYSTEM SET pg_pitr.repository = 'file:///nonexistent/pg_pitr';
SELECT pg_reload_conf();
\! timeout 60 sh -c 'until [ "$(psql -XAtd postgres -c "SHOW pg_pitr.repository")" = "file:///nonexistent/pg_pitr" ]; do sleep 0.05; done'
\c -
SELECT * FROM pitr_info();
SELECT * FROM pitr_restore_plan();
ALTER SYSTEM RESET pg_pitr.repository;
ALTER SYSTEM SET archive_library = '';
SELECT pg_reload_conf();
\! timeout 60 sh -c 'until [ "$(psql -XAtd postgres -c "SHOW archive_library")" = "" ]; do sleep 0.05; done'
\c -
SELECT pitr_backup();
SELECT "check", ok, detail FROM pitr_check() WHERE "check" IN ('server: archive_library', 'archive: a segment switched, archived and found') ORDER BY 1;
ALTER SYSTEM RESET archive_library;
SELECT pg_reload_conf();
\! timeout 60 sh -c 'until [ "$(psql -XAtd postgres -c "SHOW archive_library")" = "pg_pitr" ]; do sleep 0.05; done'
