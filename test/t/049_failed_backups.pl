# What a failed backup leaves, how a scheduler waits for one that runs, and what pitr_status says while nothing can be archived.
# Any server version will do.
# About 60 s.
use strict;
use warnings;
use lib 'test/lib';
use PitrTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $p = PitrTest->new('failed', initdb => ['--wal-segsize=1'], conf => "autovacuum = off\nlog_statement = none\n");
my $node = $p->node;
my $data = $node->data_dir;
my $repository = $p->repository_dir;
$p->sql('CREATE ROLE operator LOGIN; GRANT EXECUTE ON FUNCTION pitr_backup TO operator; GRANT EXECUTE ON PROCEDURE pitr_run_backup TO operator');
sub failures { return $p->sql(q{SELECT string_agg(concat_ws('|', label, type, sqlstate, requested_by, start_time <= stop_time), ' ' ORDER BY stop_time) FROM pitr_info() WHERE status = 'failed'}); }

# The settings cannot work.
my $conf = slurp_file($p->conf);
sub state { return $p->sql('SELECT archiver_state FROM pitr_status'); }
append_to_file($p->conf, "pg_pitr.repository = ''\n");
$node->reload;
PitrTest::wait_for('the state', sub { state() eq 'not configured' });
like($p->sql(q{SELECT last_error || ' ' || last_error_hint FROM pitr_status}), qr/repository" is not set .*s3:/, 'pitr_status says that nothing is configured, and what to set');
append_to_file($p->conf, "pg_pitr.repository = '$p->{repository}'\n");
$node->reload;
PitrTest::wait_for('the state', sub { state() ne 'not configured' });

# A database postgres that lets nobody in.
$p->sql('CREATE DATABASE other');
$p->sql('CREATE EXTENSION pg_pitr', 'other');
$p->sql('ALTER DATABASE postgres ALLOW_CONNECTIONS false', 'other');
is($p->sql(q{SELECT pitr_backup(label => 'first')}, 'other'), 'first', 'a database postgres without connections stops no backup');
$p->sql('ALTER DATABASE postgres ALLOW_CONNECTIONS true', 'other');

# A failure, in the repository.
mkdir "$data/pg_tblspc" if !-e "$data/pg_tblspc";
my $closed = "$data/base/closed";
append_to_file($closed, 'x');
chmod 0, $closed or die $!;
my ($status, $out, $err) = $p->try_sql(q{SET ROLE operator; CALL pitr_run_backup(label => 'unreadable')});
isnt($status, 0, 'CALL pitr_run_backup() fails when the backup fails');
like(failures(), qr/^unreadable\|full\|\w{5}\|operator\|t$/, 'the failed backup is in pitr_info() with SQLSTATE and who asked');
like($p->sql(q{SELECT problem FROM pitr_info() WHERE status = 'failed'}), qr/Failed while .*base\/closed/, 'and why it failed');
is(scalar(my @stored = glob("$repository/failure/*")), 1, 'the record is in the repository');
like($p->pg_pitr_ok('info'), qr/unreadable +full .* failed\n.*unreadable: Failed while/s, 'pg_pitr info shows it too');
like($p->pg_pitr_ok('info', '--json'), qr/"requested_by": ?"operator"/, 'as JSON with who asked');
is($p->sql(q{SELECT count(*) FROM pitr_verify(quick => true)}), '0', 'a verification knows what the record is');

# Another that cannot reach it.
rename $repository, "$repository.away" or die $!;
($status, $out, $err) = $p->try_sql(q{SELECT pitr_backup('incr', label => 'nowhere')});
isnt($status, 0, 'without its repository a backup fails');
ok(-e "$data/pg_pitr.backup_failures", 'the record is kept in the data directory');
rename "$repository.away", $repository or die $!;
like(failures(), qr/^unreadable\S+ nowhere\|incr\|\w{5}\|\w+\|t$/, 'pitr_info() shows both');
unlink $closed or die $!;

# While one runs: no snapshot is held, and a reload changes its rate.
append_to_file($p->conf, "pg_pitr.backup_max_rate = 256kB\n");
$node->reload;
my $caller = $node->background_psql('postgres', on_error_stop => 0);
my $pid = $caller->query_safe('SELECT pg_backend_pid()') =~ s/\s//gr;
$caller->query_until(qr/asked/, "\\echo asked\nCALL pitr_run_backup(label => 'called');\n");
PitrTest::wait_for('files to be copied', sub { $p->sql(q{SELECT count(*) FROM pitr_progress WHERE phase = 'copying files' AND bytes_done > 0}) eq '1' });
is($p->sql("SELECT backend_xmin IS NULL AND state = 'active' FROM pg_stat_activity WHERE pid = $pid"), 't', 'who waits in CALL pitr_run_backup() holds back no vacuum');
append_to_file($p->conf, "pg_pitr.backup_max_rate = 0\n");
$node->reload;
like($caller->query_until(qr/called/, "\n"), qr/called/, 'a running backup takes a new rate, and the procedure returns the label');
$caller->quit;
ok(!-e "$data/pg_pitr.backup_failures", 'it has moved the record to the repository');
like(failures(), qr/^unreadable\S+ nowhere\S+$/, 'where both are');
($status, $out, $err) = $p->try_sql(q{BEGIN; CALL pitr_run_backup()});
like($err, qr/cannot be called in a transaction block/, 'in a transaction block it is refused');

# A worker that is terminated.
append_to_file($p->conf, "pg_pitr.backup_max_rate = 256kB\n");
$node->reload;
$p->sql(q{SELECT pitr_backup(label => 'killed', wait => false)});
my $worker = PitrTest::wait_for('files to be copied', sub { $p->sql(q{SELECT pid FROM pitr_progress WHERE phase = 'copying files'}) });
$p->sql("SELECT pg_terminate_backend($worker)");
PitrTest::wait_for('its end', sub { $p->sql('SELECT count(*) FROM pitr_progress') eq '0' });
like(failures(), qr/ killed\|full\|57P01\|\w+\|t$/, 'a worker that is terminated leaves a record');

# One that is refused before it begins, night after night.
$p->sql(q{ALTER SYSTEM SET archive_library = ''});
$node->reload;
PitrTest::wait_for('the reload', sub { $p->sql('SHOW archive_library') eq '' });
($status, $out, $err) = $p->try_sql(q{SELECT pitr_backup(label => 'refused')});
like($err, qr/WAL is not archived by pg_pitr/, 'a backup without archiving is refused');
$p->sql('ALTER SYSTEM RESET archive_library');
$node->reload;
PitrTest::wait_for('the reload', sub { $p->sql('SHOW archive_library') eq 'pg_pitr' });
like(failures(), qr/ refused\|full\|55000\|\w+\|t$/, 'and leaves a record as well');

# Status: a role with a grant on the view, ages and counters over a restart while the repository is away.
$p->sql('CREATE ROLE watcher; GRANT SELECT ON pitr_status TO watcher');
is($p->sql('SET ROLE watcher; SELECT count(*) FROM pitr_status'), '1', 'SELECT on pitr_status is all that it takes');
($status, $out, $err) = $p->try_sql('SET ROLE watcher; SELECT * FROM pitr_get_progress()');
like($err, qr/permission denied for view pitr_progress/, 'and without it there is nothing to read');
$p->wait_archived;
PitrTest::wait_for('nothing to be at risk', sub { $p->sql(q{SELECT data_at_risk FROM pitr_status}) eq '00:00:00' });
$p->sql('CHECKPOINT');
is($p->sql(q{SELECT archiver_state, data_at_risk_bytes > 0, data_at_risk, timeline_warning IS NULL FROM pitr_status}), 'idle|t|00:00:00|t',
	'what an idle server writes by itself puts nothing at risk');
my $count = $p->sql('SELECT archived_count FROM pitr_status');
cmp_ok($count, '>', 3, 'files were archived');
# Committed while there is nowhere to go.
rename $repository, "$repository.away" or die $!;
$p->sql('CREATE TABLE t AS SELECT 1; SELECT pg_switch_wal()');
PitrTest::wait_for('archiving to fail', sub { state() eq 'failing' });
$node->stop('immediate');
$node->start;
is($p->sql(q{SELECT archived_count > 0 AND data_at_risk > interval '0' AND data_at_risk < interval '5 min' FROM pitr_status}), 't',
	'after a restart in an outage the age of what is at risk is known at once, and counters go on');
rename "$repository.away", $repository or die $!;
$p->wait_archived(150);
is($p->sql(q{SELECT archiver_state FROM pitr_status}), 'idle', 'and all is well again');

# Both ways of archiving.
$node->append_conf('postgresql.conf', "archive_command = '/bin/true'\n");
$node->reload;
my $row = PitrTest::wait_for('pitr_check() to say so', sub { $p->sql(q{SELECT ok || ' ' || hint FROM pitr_check() WHERE "check" = 'server: archive_command'}) });
like($row, $node->pg_version >= 16 ? qr/^false Set archive_command = ''/ : qr/^true Set archive_command = ''/, 'pitr_check() has a row for archive_command set besides archive_library');
PitrTest::finish();
done_testing();
