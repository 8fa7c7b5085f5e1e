# pitr_backup(): what is stored and what is not, how it ends when it is stopped, and what it says.
# On a disk.
use strict;
use warnings;
use IPC::Run ();
use lib 'test/lib';
use PitrTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

my $p = PitrTest->new('backup', conf => "restart_after_crash = on\n");
my $node = $p->node;
my $space = PostgreSQL::Test::Utils::tempdir();
$p->sql("CREATE TABLESPACE ts LOCATION '$space'");
$p->sql('CREATE TABLE plain AS SELECT g AS n, repeat(md5(g::text), 5) AS t FROM generate_series(1, 50000) g');
$p->sql('CREATE INDEX ON plain (n)');
$p->sql('CREATE TABLE spaced TABLESPACE ts AS SELECT g AS n FROM generate_series(1, 20000) g');
$p->sql('CREATE UNLOGGED TABLE unlogged AS SELECT g AS n FROM generate_series(1, 20000) g');
my $unlogged = $p->sql("SELECT pg_relation_filepath('unlogged')");

my $label = $p->backup("label => 'first', annotations => '{\"why\": \"before the migration\"}'");
is($label, 'first', 'the label asked for is the label');
is($p->sql("SELECT type, status, annotations ->> 'why', stop_lsn > start_lsn, stop_time >= start_time, timeline, encrypted FROM pitr_info() WHERE label = 'first'"),
	'full|ok|before the migration|t|t|1|f', 'pitr_info() tells what is stored');
is($p->sql("SELECT database_size > 1000000 AND stored_size > 100000 AND stored_size < database_size FROM pitr_info()"), 't', 'and how large it is');
my ($status, $out, $err) = $p->try_sql("SELECT pitr_backup(label => 'first')");
isnt($status, 0, 'a label cannot be used twice');
like($err, qr/"?first"?.*already/s, 'and the error says so');
($status, $out, $err) = $p->try_sql("SELECT pitr_backup('everything')");
like($err, qr/everything/, 'an unknown type is named');
($status, $out, $err) = $p->try_sql("SELECT pitr_backup(label => '../x')");
isnt($status, 0, 'a label that is no label is refused');

my $copy = $p->restore('--target-latest', '--tablespace', "$space=" . PostgreSQL::Test::Utils::tempdir());
is($copy->sql('SELECT count(*), sum(n) FROM plain'), $p->sql('SELECT count(*), sum(n) FROM plain'), 'a plain table is back');
is($copy->sql('SELECT count(*), sum(n) FROM spaced'), $p->sql('SELECT count(*), sum(n) FROM spaced'), 'a table in a tablespace is back');
is($copy->sql('SELECT count(*) FROM unlogged'), '0', 'an unlogged table is there and empty');
is($copy->sql("SELECT spcname FROM pg_tablespace WHERE pg_tablespace_location(oid) <> '' AND pg_tablespace_location(oid) <> '$space'"), 'ts',
	'the tablespace was moved');
$copy->check_integrity;
my ($list) = ($p->pg_pitr('info', '--json'))[1];
like($list, qr/"first"/, 'the binary sees the same backup');
like($p->pg_pitr_ok('check', '--json'), qr/"passed": true/, 'and finds nothing wrong');
like(($p->pg_pitr('pin', '--json', 'no-such'))[1], qr/^\{\n  "error": \{\n    "code": "not_found",\n    "message": "there is no backup \\"no-such\\""/, 'an error is one object');

# wait => false returns at once; the backup is found later.
$p->sql("SELECT pitr_backup(label => 'later', wait => false)");
PitrTest::wait_for('the backup in the background', sub { $p->sql("SELECT count(*) FROM pitr_info() WHERE label = 'later' AND status = 'ok'") eq '1' });
# It is there before it has been planned, and older ones have been expired.
PitrTest::wait_for('its worker to end', sub { $p->sql('SELECT count(*) FROM pitr_progress') eq '0' });
pass('wait => false leaves the work to the worker');

# Slow it down, so that it can be watched and stopped.
append_to_file($p->conf, "pg_pitr.backup_max_rate = 1MB\n");
$node->reload;
sub begin_backup
{
	my ($name) = @_;
	my %h = (out => '', err => '');
	$h{harness} = IPC::Run::start([ 'psql', '-XAt', '-d', $node->connstr('postgres'), '-c', "SELECT pitr_backup(label => '$name')" ],
		'<', \undef, '>', \$h{out}, '2>', \$h{err});
	PitrTest::wait_for("backup $name to copy", sub { $p->sql('SELECT coalesce(max(bytes_done), 0) > 0 FROM pitr_progress') eq 't' });
	return \%h;
}
sub left_behind { my ($name) = @_; return join ' ', glob($p->repository_dir . "/data/$name/* " . $p->repository_dir . "/backup/$name/*"); }

my $run = begin_backup('watched');
is($p->sql('SELECT label, bytes_total > bytes_done, files_total > 0 FROM pitr_progress'), 'watched|t|t', 'pitr_progress shows it at work');
($status, $out, $err) = $p->try_sql('SELECT pitr_backup()');
isnt($status, 0, 'a second backup at the same time is refused');
like($err, qr/watched/, 'and the error names the one that runs');
is($p->sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE '%pg_pitr%' AND xact_start IS NOT NULL"), '0',
	'the worker holds no transaction while it copies');
my $watched = $run;
# Requests that wait for it, and that join it. psql says at once what for.
sub request
{
	my ($sql) = @_;
	my %h = (out => '', err => '');
	$h{harness} = IPC::Run::start([ 'psql', '-XAt', '-d', $node->connstr('postgres'), '-c', $sql ], '>', \$h{out}, '2>', \$h{err});
	return \%h;
}
sub says { my ($h, $what) = @_; return PitrTest::wait_for("a session to say $what", sub { $h->{harness}->pump_nb; $h->{err} =~ $what }); }
($status, $out, $err) = $p->try_sql(q{SET statement_timeout = '300ms'; SELECT pitr_backup(label => 'late', if_running => 'wait')});
like($err, qr/waiting for the end of backup "watched".*started by .*statement timeout/s, 'a request that waits ends with its own timeout');
my $patient = request(q{CALL pitr_run_backup('full', 'patient')});
my $impatient = request(q{SELECT pitr_backup(label => 'impatient', if_running => 'wait')});
my $joined = request(q{SELECT pitr_backup('incr', if_running => 'join')});
says($_, qr/waiting for the end of backup "watched"/) for ($patient, $impatient);
says($joined, qr/joining backup "watched"/);
is($p->sql(q{SELECT pitr_backup('diff', wait => false, if_running => 'join')}), 'watched', 'who joins without waiting has the label of what runs');
$impatient->{harness}->signal('INT');
$impatient->{harness}->finish;
like($impatient->{err}, qr/canceling statement/, 'a request that waits can be cancelled');
is($p->sql(q{SELECT label FROM pitr_progress}), 'watched', 'and none of that touches the backup that runs');
my $start = time;
$watched->{harness}->signal('INT');
$run->{harness}->finish;
like($run->{err}, qr/cancel/, 'Ctrl-C cancels the statement');
PitrTest::wait_for('the worker to clean up', sub { $p->sql(q{SELECT count(*) FROM pitr_progress WHERE label = 'watched'}) eq '0' });
cmp_ok(time - $start, '<', 15, 'soon');
is(left_behind('watched'), '', 'nothing of the cancelled backup is left');
$joined->{harness}->finish;
like($joined->{err}, qr/the backup that was joined failed: .*cancel/s, 'who joined it has its error');
PitrTest::wait_for('the backup that waited', sub { $p->sql(q{SELECT label FROM pitr_progress}) eq 'patient' });
pass('and the one that waited begins');
append_to_file($p->conf, "pg_pitr.backup_max_rate = 16MB\n");
$joined = request(q{CALL pitr_run_backup(if_running => 'join')});
says($joined, qr/joining backup "patient"/);
my $other = request(q{CALL pitr_run_backup(label => 'another', if_running => 'join')});
says($other, qr/waiting for the end of backup "patient".*It is not joined: another label is asked for/s);
$node->reload;
$_->{harness}->finish for ($patient, $joined, $other);
is("$patient->{out}$joined->{out}$other->{out}", "patient\npatient\nanother\n", 'who took it and who joined it have its label, though another took its place at once; the latter its own');
append_to_file($p->conf, "pg_pitr.backup_max_rate = 1MB\n");
$node->reload;

$run = begin_backup('terminated');
my $after = request(q{CALL pitr_run_backup('full', 'after_terminated', jobs => 1)});
$joined = request(q{CALL pitr_run_backup(if_running => 'join')});
says($after, qr/waiting/);
says($joined, qr/joining/);
$p->sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type LIKE '%pg_pitr%'");
$run->{harness}->finish;
isnt($run->{harness}->result, 0, 'the waiting statement learns that its worker was terminated') or diag($run->{out});
PitrTest::wait_for('the objects to go', sub { left_behind('terminated') eq '' });
pass('nothing of the terminated backup is left');
$joined->{harness}->finish;
like($joined->{err}, qr/the backup that was joined failed: the backup worker was terminated/, 'nor is who joined it left waiting');
$p->sql('SELECT pitr_backup_cancel()') if PitrTest::wait_for('the one that waited', sub { $p->sql(q{SELECT count(*) FROM pitr_progress WHERE label = 'after_terminated'}) eq '1' });
$after->{harness}->finish;
like($after->{err}, qr/cancel/, 'the one that waited began, and is cancelled as any other');
PitrTest::wait_for('its end', sub { $p->sql('SELECT count(*) FROM pitr_progress') eq '0' });

$run = begin_backup('cancelled');
$p->sql('SELECT pitr_backup_cancel()');
$run->{harness}->finish;
PitrTest::wait_for('the objects to go', sub { left_behind('cancelled') eq '' });
pass('pitr_backup_cancel() leaves nothing either');

# kill -9 of the worker takes the server through crash recovery; the half backup is visible as unfinished, never as a backup.
$run = begin_backup('killed');
$after = request(q{CALL pitr_run_backup(label => 'never')});
says($after, qr/waiting/);
my $pid = $p->sql("SELECT pid FROM pg_stat_activity WHERE backend_type LIKE '%pg_pitr%'");
kill 'KILL', $pid;
$run->{harness}->finish;
$after->{harness}->finish;
isnt($after->{harness}->result, 0, 'who waits in a server that crashes has an error');
$p->wait_restarted;
is($p->sql("SELECT status FROM pitr_info() WHERE label = 'killed'"), 'unfinished', 'a killed backup is shown as unfinished');
append_to_file($p->conf, "pg_pitr.backup_max_rate = 0\n");
$node->reload;
$p->backup("label => 'after'");
is($p->sql("SELECT status FROM pitr_info() WHERE label = 'after'"), 'ok', 'the next backup works');
$copy = $p->restore('--target-latest', '--tablespace', "$space=" . PostgreSQL::Test::Utils::tempdir());
is($copy->sql('SELECT count(*) FROM plain'), '50000', 'and restores');

# A bad page fails the backup, by file and block; told to go on, it is recorded.
my $path = $p->sql("SELECT pg_relation_filepath('plain')");
$p->sql('CHECKPOINT');
$node->stop;
open(my $file, '+<:raw', $node->data_dir . "/$path") or die $!;
seek($file, 3 * 8192 + 5000, 0);
print $file 'rotten';
close $file;
$node->start;
($status, $out, $err) = $p->try_sql("SELECT pitr_backup(label => 'rotten')");
isnt($status, 0, 'a page with a wrong checksum fails the backup');
like($err, qr/\Q$path\E.*block 3\b/s, 'naming file and block');
is(left_behind('rotten'), '', 'and leaves nothing');
$p->backup("label => 'rotten2', allow_page_errors => true");
is($p->sql("SELECT status LIKE '%page error%' OR page_errors > 0 FROM pitr_info() WHERE label = 'rotten2'"), 't', 'told to go on, the backup says what is wrong');

# Archiving not set up: a polite refusal that says what to do.
$node->append_conf('postgresql.conf', "archive_library = ''\n");
$node->reload;
PitrTest::wait_for('the setting to be there', sub { $p->sql('SHOW archive_library') eq '' });
($status, $out, $err) = $p->try_sql('SELECT pitr_backup()');
like($err, qr/archive_library.*HINT/s, 'without archive_library the backup is refused with a hint');

PitrTest::finish(backup => 1);
done_testing();
