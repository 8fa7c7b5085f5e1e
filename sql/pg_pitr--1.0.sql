-- Control panel of pg_pitr. Acting functions are for superusers and those they are granted to; reading ones for pg_monitor as well.
\echo Use "CREATE EXTENSION pg_pitr" to load this file. \quit

CREATE FUNCTION pitr_backup(
  type text DEFAULT 'full',
  label text DEFAULT NULL,
  annotations jsonb DEFAULT '{}',
  wait boolean DEFAULT true,
  fast boolean DEFAULT true,
  jobs integer DEFAULT NULL,
  allow_page_errors boolean DEFAULT false,
  verify_changes boolean DEFAULT false,
  resume boolean DEFAULT true,
  if_running text DEFAULT 'fail')
RETURNS text
AS 'MODULE_PATHNAME', 'pitr_backup' LANGUAGE C VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT;
COMMENT ON FUNCTION pitr_backup(text, text, jsonb, boolean, boolean, integer, boolean, boolean, boolean, text) IS
  'takes a full, diff or incr backup in a background worker and returns its label; with wait => false as soon as the label is reserved';

CREATE PROCEDURE pitr_run_backup(
  type text DEFAULT 'full',
  INOUT label text DEFAULT NULL,
  annotations jsonb DEFAULT '{}',
  fast boolean DEFAULT false,
  jobs integer DEFAULT NULL,
  allow_page_errors boolean DEFAULT false,
  verify_changes boolean DEFAULT false,
  resume boolean DEFAULT true,
  if_running text DEFAULT 'wait')
AS 'MODULE_PATHNAME', 'pitr_run_backup' LANGUAGE C;
COMMENT ON PROCEDURE pitr_run_backup(text, text, jsonb, boolean, integer, boolean, boolean, boolean, text) IS
  'takes a backup as pitr_backup() does, after one that runs, and waits for it without a snapshot, so that vacuum is not held back: for schedulers';

CREATE FUNCTION pitr_backup_cancel() RETURNS boolean
AS 'MODULE_PATHNAME', 'pitr_backup_cancel' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pitr_backup_cancel() IS 'stops the running backup; false when none runs';

CREATE FUNCTION pitr_info(
  OUT label text, OUT type text, OUT status text, OUT problem text,
  OUT start_time timestamptz, OUT stop_time timestamptz, OUT duration interval,
  OUT timeline bigint, OUT start_lsn pg_lsn, OUT stop_lsn pg_lsn, OUT first_segment text, OUT last_segment text,
  OUT database_size bigint, OUT stored_size bigint, OUT files bigint,
  OUT encrypted boolean, OUT data_checksums boolean, OUT page_errors bigint,
  OUT parent text, OUT server_version text, OUT change_source text, OUT change_reason text, OUT annotations jsonb,
  OUT pinned boolean, OUT pinned_until timestamptz, OUT pin_reason text, OUT held_until timestamptz, OUT held_by text,
  OUT verified timestamptz, OUT verify_mode text, OUT verify_result text,
  OUT not_stored text, OUT followed_links text, OUT outside_files text, OUT sqlstate text, OUT requested_by text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pitr_info' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 20;
COMMENT ON FUNCTION pitr_info() IS 'the backups in the repository, oldest first; unfinished, damaged and failed ones say so in status';

CREATE FUNCTION pitr_archive(
  OUT timeline bigint, OUT gap boolean, OUT first_segment text, OUT last_segment text,
  OUT first_lsn pg_lsn, OUT end_lsn pg_lsn, OUT segments bigint, OUT stored_bytes bigint)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pitr_archive' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 20;
COMMENT ON FUNCTION pitr_archive() IS 'the unbroken runs of WAL segments in the repository, and the gaps between them';

CREATE FUNCTION pitr_timelines(
  OUT timeline bigint, OUT parent bigint, OUT switch_lsn pg_lsn, OUT reason text,
  OUT history_missing boolean, OUT partial_segments bigint, OUT newest timestamptz, OUT missing_segments bigint,
  OUT began timestamptz, OUT last_commit timestamptz, OUT set_aside boolean, OUT note text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pitr_timelines' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 5;
COMMENT ON FUNCTION pitr_timelines() IS 'the timelines in the repository and where each left its parent';

CREATE FUNCTION pitr_recovery_window(
  OUT possible boolean, OUT problem text,
  OUT earliest_time timestamptz, OUT earliest_lsn pg_lsn, OUT earliest_backup text,
  OUT latest_commit timestamptz, OUT latest_lsn pg_lsn, OUT latest_segment text, OUT latest_timeline bigint, OUT latest_backup text,
  OUT missing_wal text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pitr_recovery_window' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 1;
COMMENT ON FUNCTION pitr_recovery_window() IS 'from where to where a recovery along the server''s own timeline can go now';

CREATE FUNCTION pitr_restore_plan(
  target_time timestamptz DEFAULT NULL,
  target_xid xid8 DEFAULT NULL,
  target_name text DEFAULT NULL,
  target_lsn pg_lsn DEFAULT NULL,
  immediate boolean DEFAULT false,
  inclusive boolean DEFAULT true,
  timeline text DEFAULT 'latest',
  action text DEFAULT 'promote',
  backup text DEFAULT NULL,
  allow_gap boolean DEFAULT false,
  OUT item text, OUT value text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pitr_restore_plan' LANGUAGE C VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT ROWS 20;
COMMENT ON FUNCTION pitr_restore_plan(timestamptz, xid8, text, pg_lsn, boolean, boolean, text, text, text, boolean) IS
  'whether and how a point can be recovered: the exact transaction, the backup, the WAL, the command; changes nothing';

-- A time as a text: as timestamptz reads it, or how far from now: '-15min', '2 hours ago'. What target_time => '...' is.
CREATE FUNCTION pitr_restore_plan(
  target_time text,
  target_xid xid8 DEFAULT NULL,
  target_name text DEFAULT NULL,
  target_lsn pg_lsn DEFAULT NULL,
  immediate boolean DEFAULT false,
  inclusive boolean DEFAULT true,
  timeline text DEFAULT 'latest',
  action text DEFAULT 'promote',
  backup text DEFAULT NULL,
  allow_gap boolean DEFAULT false,
  OUT item text, OUT value text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pitr_restore_plan_at' LANGUAGE C VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT ROWS 20;
COMMENT ON FUNCTION pitr_restore_plan(text, xid8, text, pg_lsn, boolean, boolean, text, text, text, boolean) IS
  'whether and how a point can be recovered: the exact transaction, the backup, the WAL, the command; changes nothing';

CREATE FUNCTION pitr_expire(
  dry_run boolean DEFAULT false,
  backup text DEFAULT NULL,
  force boolean DEFAULT false,
  leftover_age interval DEFAULT NULL,
  OUT action text, OUT what text, OUT name text, OUT objects bigint, OUT stored_bytes bigint, OUT why text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pitr_expire' LANGUAGE C VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT ROWS 20;
COMMENT ON FUNCTION pitr_expire(boolean, text, boolean, interval) IS
  'deletes the backups and the WAL that the retention settings do not keep, and what died half-way; dry_run only tells';

CREATE FUNCTION pitr_pin(label text, reason text DEFAULT NULL, until timestamptz DEFAULT NULL) RETURNS void
AS 'MODULE_PATHNAME', 'pitr_pin' LANGUAGE C VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT;
COMMENT ON FUNCTION pitr_pin(text, text, timestamptz) IS 'keeps a backup whatever the retention settings say';

CREATE FUNCTION pitr_unpin(label text) RETURNS boolean
AS 'MODULE_PATHNAME', 'pitr_unpin' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pitr_unpin(text) IS 'lets the retention settings decide about a backup again; false when it was not pinned';

CREATE FUNCTION pitr_accept_repository(repository text) RETURNS text
AS 'MODULE_PATHNAME', 'pitr_accept_repository' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION pitr_accept_repository(text) IS 'archive to the repository that is set now and is not the one used until now, whose name is returned';

CREATE FUNCTION pitr_set_timeline_aside(timeline bigint, reason text DEFAULT NULL, force boolean DEFAULT false) RETURNS boolean
AS 'MODULE_PATHNAME', 'pitr_set_timeline_aside' LANGUAGE C VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT;
COMMENT ON FUNCTION pitr_set_timeline_aside(bigint, text, boolean) IS 'leaves a timeline out of plans, the recovery window and what standbys follow; false when it was already';

CREATE FUNCTION pitr_take_timeline_back(timeline bigint) RETURNS boolean
AS 'MODULE_PATHNAME', 'pitr_take_timeline_back' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION pitr_take_timeline_back(bigint) IS 'chooses from a timeline again that was set aside; false when it was not';

CREATE FUNCTION pitr_check(OUT "check" text, OUT ok boolean, OUT detail text, OUT hint text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pitr_check' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 30;
COMMENT ON FUNCTION pitr_check() IS
  'checks settings, store and repository, then switches, archives and finds a WAL segment; ok is null for what could not be tried';

CREATE FUNCTION pitr_verify(
  label text DEFAULT NULL,
  wal boolean DEFAULT false,
  quick boolean DEFAULT false,
  sample double precision DEFAULT NULL,
  seed bigint DEFAULT NULL,
  jobs integer DEFAULT NULL,
  max_rate integer DEFAULT NULL,
  restart boolean DEFAULT false,
  OUT severity text, OUT problem text, OUT object text, OUT begin_offset bigint, OUT end_offset bigint,
  OUT detail text, OUT files text[], OUT backups text[], OUT hurts text, OUT hint text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pitr_verify' LANGUAGE C VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT ROWS 10;
COMMENT ON FUNCTION pitr_verify(text, boolean, boolean, double precision, bigint, integer, integer, boolean) IS
  'proves that the repository holds what recoveries need; a row for everything that is wrong, none when all is well';

CREATE FUNCTION pitr_verifications(
  OUT run bigint, OUT start_time timestamptz, OUT stop_time timestamptz, OUT result text, OUT mode text, OUT scope text,
  OUT sample_percent double precision, OUT seed numeric, OUT backups text[],
  OUT pack_bytes bigint, OUT pack_bytes_read bigint, OUT wal_files bigint, OUT wal_bytes bigint, OUT wal_bytes_read bigint,
  OUT damage bigint, OUT unchecked bigint, OUT warnings bigint)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pitr_verifications' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 10;
COMMENT ON FUNCTION pitr_verifications() IS 'the results of verifications that the repository keeps, and those that were interrupted';

CREATE FUNCTION pitr_get_status(
  OUT archiver_state text, OUT archiver_pid integer,
  OUT last_archived text, OUT last_archived_time timestamptz,
  OUT archived_count bigint, OUT archived_bytes bigint, OUT stored_bytes bigint,
  OUT backlog_segments bigint, OUT backlog_bytes bigint, OUT oldest_waiting text, OUT in_flight integer, OUT change_maps_due integer,
  OUT failed_count bigint, OUT last_error text, OUT last_error_hint text, OUT last_error_file text, OUT last_error_time timestamptz, OUT retrying_until timestamptz,
  OUT timeline_warning text, OUT gap_warning text,
  OUT data_at_risk_bytes bigint, OUT data_at_risk interval,
  OUT repository text, OUT encrypted boolean, OUT backup_running text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pitr_get_status' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 1;
COMMENT ON FUNCTION pitr_get_status() IS 'what the view pitr_status shows';

CREATE FUNCTION pitr_get_progress(
  OUT label text, OUT phase text, OUT pid integer, OUT requested_by text, OUT started timestamptz, OUT elapsed interval,
  OUT bytes_total bigint, OUT bytes_done bigint, OUT percent numeric, OUT files_total bigint, OUT files_done bigint,
  OUT bytes_stored bigint, OUT wal_segments_total bigint, OUT wal_segments_stored bigint,
  OUT type text, OUT parent text, OUT change_source text, OUT resumes text, OUT bytes_resumed bigint,
  OUT last_error text, OUT retrying_until timestamptz)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pitr_get_progress' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 1;
COMMENT ON FUNCTION pitr_get_progress() IS 'what the view pitr_progress shows';

CREATE VIEW pitr_status AS SELECT * FROM pitr_get_status();
COMMENT ON VIEW pitr_status IS 'archiving now: what is stored, what waits, the last error, how much data is at risk';

CREATE VIEW pitr_progress AS SELECT * FROM pitr_get_progress();
COMMENT ON VIEW pitr_progress IS 'the running backup; no row when none runs';

CREATE VIEW pitr_backups AS
SELECT label, type, stop_time::timestamptz(0), pg_size_pretty(database_size) AS size, pg_size_pretty(stored_size) AS stored, status
FROM pitr_info();
COMMENT ON VIEW pitr_backups IS 'the backups in the repository, oldest first: pitr_info() in six columns, for people';

-- Lines are broken between words, and words that are longer than a line.
CREATE VIEW pitr_checks AS
SELECT rtrim(regexp_replace("check", '(.{1,24})(?: +|$)|(\S{24})', E'\\1\\2\n', 'gn'), E'\n') AS "check",
       CASE ok WHEN true THEN 'ok' WHEN false THEN 'FAILED' ELSE '?' END AS ok,
       rtrim(replace(regexp_replace(concat_ws(E'\n-> ', detail, hint), '(.{1,42})(?: +|$)|(\S{42})', E'\\1\\2\n', 'gn'), E'\n\n', E'\n'), E'\n') AS found
FROM pitr_check();
COMMENT ON VIEW pitr_checks IS 'pitr_check() for people: it fits a terminal of 80 columns';

REVOKE ALL ON FUNCTION pitr_backup(text, text, jsonb, boolean, boolean, integer, boolean, boolean, boolean, text) FROM PUBLIC;
REVOKE ALL ON PROCEDURE pitr_run_backup(text, text, jsonb, boolean, integer, boolean, boolean, boolean, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pitr_backup_cancel() FROM PUBLIC;
REVOKE ALL ON FUNCTION pitr_expire(boolean, text, boolean, interval) FROM PUBLIC;
REVOKE ALL ON FUNCTION pitr_pin(text, text, timestamptz) FROM PUBLIC;
REVOKE ALL ON FUNCTION pitr_unpin(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pitr_accept_repository(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pitr_set_timeline_aside(bigint, text, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION pitr_take_timeline_back(bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION pitr_check() FROM PUBLIC;
REVOKE ALL ON FUNCTION pitr_verify(text, boolean, boolean, double precision, bigint, integer, integer, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION pitr_verifications() FROM PUBLIC;
REVOKE ALL ON FUNCTION pitr_info() FROM PUBLIC;
REVOKE ALL ON FUNCTION pitr_archive() FROM PUBLIC;
REVOKE ALL ON FUNCTION pitr_timelines() FROM PUBLIC;
REVOKE ALL ON FUNCTION pitr_recovery_window() FROM PUBLIC;
REVOKE ALL ON FUNCTION pitr_restore_plan(timestamptz, xid8, text, pg_lsn, boolean, boolean, text, text, text, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION pitr_restore_plan(text, xid8, text, pg_lsn, boolean, boolean, text, text, text, boolean) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION pitr_info() TO pg_monitor;
GRANT EXECUTE ON FUNCTION pitr_archive() TO pg_monitor;
GRANT EXECUTE ON FUNCTION pitr_verifications() TO pg_monitor;
GRANT EXECUTE ON FUNCTION pitr_timelines() TO pg_monitor;
GRANT EXECUTE ON FUNCTION pitr_recovery_window() TO pg_monitor;
GRANT EXECUTE ON FUNCTION pitr_restore_plan(timestamptz, xid8, text, pg_lsn, boolean, boolean, text, text, text, boolean) TO pg_monitor;
GRANT EXECUTE ON FUNCTION pitr_restore_plan(text, xid8, text, pg_lsn, boolean, boolean, text, text, text, boolean) TO pg_monitor;
-- Whoever may read a view may call the function behind it, which looks at that itself.
GRANT SELECT ON pitr_status, pitr_progress, pitr_backups TO pg_monitor;
