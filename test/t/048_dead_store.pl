# A repository on a mount that is dead: whoever opens a file there does not come back, as test/modules/dead_mount.c has it.
# Sessions, DROP DATABASE, the archiver, the backup worker and the server's end do not wait for it.
# Any server version will do.
use strict;
use warnings;
use lib 'test/lib';
use PitrTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $dead = PostgreSQL::Test::Utils::tempdir();
$ENV{PITR_DEAD_DIR} = $dead;
chomp(my $modules = qx(pg_config --pkglibdir));
$ENV{LD_PRELOAD} = "$modules/dead_mount.so";
-e $ENV{LD_PRELOAD} or die "there is no $ENV{LD_PRELOAD}";

my $limit = 15;    # seconds; what hangs hangs for ever
my $p = PitrTest->new('dead', initdb => ['--wal-segsize=1'], conf => "autovacuum = off\nlog_statement = none\n");
my $node = $p->node;
$p->sql('CREATE DATABASE other; CREATE DATABASE another');
$p->backup("label => 'base'");
$p->wait_archived;

my $repository = $p->repository_dir;
my $marker = "$repository/pg_pitr.marker";
sub flag { my ($file) = @_; return "$dead/" . $file =~ s{.*/}{}r; }
sub die_away { my ($file) = @_; append_to_file(flag($file), ''); return; }
sub revive { my ($file) = @_; unlink flag($file) or die $!; return; }
sub seconds { my ($code) = @_; my $start = time; $code->(); return time - $start; }
my $settings = 0;
# A changed setting makes the archiver open the repository anew.
sub change_setting { append_to_file($p->conf, 'pg_pitr.archive_jobs = ' . (1 + ++$settings % 3) . "\n"); $node->reload; return; }
sub session_in
{
	my ($database, $sql) = @_;
	my $session = $node->background_psql($database, on_error_stop => 0);
	my $pid = $session->query_safe('SELECT pg_backend_pid()') =~ s/\s//gr;
	$session->query_until(qr/asked/, "\\echo asked\n$sql;\n");
	return ($session, $pid);
}
sub gone { my ($pid) = @_; return $p->sql("SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $pid") eq 't'; }

# Sessions.
die_away($marker);
my ($hung, $pid) = session_in('postgres', 'SELECT * FROM pitr_info()');
PitrTest::wait_for('a session to wait for the store', sub { $p->sql("SELECT wait_event_type FROM pg_stat_activity WHERE pid = $pid") eq 'Extension' });
ok(seconds(sub { $p->sql('DROP DATABASE other') }) < $limit, 'DROP DATABASE does not wait for a session that asks the store');
$p->sql("SELECT pg_terminate_backend($pid)");
ok(PitrTest::wait_for('the session to end', sub { gone($pid) }, $limit), 'which can be terminated');
my ($status, $out, $err);
ok(seconds(sub { ($status, $out, $err) = $p->try_sql("SET statement_timeout = 200; SELECT * FROM pitr_info(); SELECT 'goes on'") }) < $limit, 'a statement can be cancelled');
like($err, qr/statement timeout/, 'and says why it ended');
my $many = $node->background_psql('postgres', on_error_stop => 0);
$many->query('SET statement_timeout = 50; SELECT * FROM pitr_info();') for 1 .. 2;
like($many->query("SELECT 'goes on'"), qr/goes on/, 'a session goes on when its requests were cancelled');

# The backup worker.
my ($caller, $caller_pid) = session_in('postgres', q{SELECT pitr_backup(label => 'hung')});
my $worker = PitrTest::wait_for('a backup to wait for the store', sub { $p->sql('SELECT pid FROM pitr_progress') });
ok($p->sql('SELECT pitr_backup_cancel()') eq 't', 'the backup is asked to stop');
ok(PitrTest::wait_for('the backup to end', sub { gone($worker) }, $limit), 'and its worker ends');
is($p->sql('SELECT count(*) FROM pitr_progress'), '0', 'the next may begin');

# The archiver.
change_setting();
$p->sql('CREATE TABLE t AS SELECT 1; SELECT pg_switch_wal()');
PitrTest::wait_for('the archiver to wait for the store', sub { $p->sql(q{SELECT archiver_state FROM pitr_status}) =~ /archiving|stalled/ });
ok(seconds(sub { $p->sql('DROP DATABASE another') }) < $limit, 'DROP DATABASE does not wait for the archiver');
change_setting();
revive($marker);
ok(PitrTest::wait_for('archiving to go on', sub { $p->sql('SELECT backlog_segments = 0 AND archiver_state = $$idle$$ FROM pitr_status') eq 't' }),
	'with the store back and a changed setting the archiver leaves the old threads behind and goes on');
$p->wait_archived;

# A file system that is mounted anew: who waits in the old one waits on.
$p->sql(q{ALTER SYSTEM SET pg_pitr.request_timeout = '1s'});
$node->reload;
$p->sql('SELECT pg_switch_wal()');
$p->wait_archived;
die_away($marker);
change_setting();
$p->sql('CREATE TABLE v AS SELECT 1; SELECT pg_switch_wal()');
like(PitrTest::wait_for('the archiver to stall', sub { $p->sql(q{SELECT last_error_hint FROM pitr_status WHERE archiver_state = 'stalled'}) }),
	qr/pg_reload_conf/, 'that the archiver stalls is said with what to do');
rename flag($marker), flag($marker) . '.old' or die $!;
$node->reload;
ok(PitrTest::wait_for('archiving to go on', sub { $p->sql('SELECT backlog_segments = 0 AND archiver_state = $$idle$$ FROM pitr_status') eq 't' }),
	'a reload without a change makes a stalled archiver begin again');
unlink flag($marker) . '.old' or die $!;
$p->sql('ALTER SYSTEM RESET pg_pitr.request_timeout');
$node->reload;

# An object that is to be compared: the next segment.
my $next = $p->sql('SELECT pg_walfile_name(pg_current_wal_insert_lsn())');
append_to_file($p->stored_path($next), 'something else');
die_away($next);
change_setting();    # of a store that has worked until now more is expected
$p->sql('CREATE TABLE u AS SELECT 1; SELECT pg_switch_wal()');
PitrTest::wait_for('the archiver to wait for an object', sub { $p->sql('SELECT oldest_waiting FROM pitr_status') eq $next });
($hung, $pid) = session_in('postgres', q{SELECT pitr_backup(label => 'at_end')});
die_away($marker);
my ($reader, $reader_pid) = session_in('postgres', 'SELECT * FROM pitr_info()');
ok(seconds(sub { $node->stop('fast') }) < 30, 'a fast shutdown does not wait for the store');
unlike($p->log, qr/was terminated by signal|exited with exit code 2/, 'and no process ends badly');

# A standby of which the archive is dead: it lives, and is promoted.
unlink $p->stored_path($next) or die $!;
revive($next);
revive($marker);
$node->start;
$p->wait_archived;
my $standby = $p->empty_cluster('standby');
$p->pg_pitr_ok('restore', '--pgdata', $standby->node->data_dir, '--no-progress', '--mode', 'standby');
$standby->adopt("archive_mode = off\n");
$standby->node->start;
die_away($marker);
$standby->wait_for_log(qr/this standby goes on without the archive/);
$standby->node->promote;
ok(seconds(sub { $standby->wait_open }) < 30, 'a standby of which the archive is on a dead mount is promoted');
$standby->node->stop;
revive($marker);
$node->stop;

# The postmaster dies.
$node->start;
$p->wait_archived;
die_away($marker);
($reader, $reader_pid) = session_in('postgres', 'SELECT * FROM pitr_info()');
($caller, $caller_pid) = session_in('postgres', q{SELECT pitr_backup(label => 'orphan')});
$worker = PitrTest::wait_for('a backup to wait for the store', sub { $p->sql('SELECT pid FROM pitr_progress') });
change_setting();
$p->sql('SELECT pg_create_restore_point($$x$$); SELECT pg_switch_wal()');
my $archiver = PitrTest::wait_for('the archiver', sub { $p->sql(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'archiver'}) });
$node->kill9;
ok(PitrTest::wait_for('everything to end', sub { my $alive = kill 0, $reader_pid, $caller_pid, $worker, $archiver; !$alive }, 5),
	'when the postmaster dies, every process ends at once');
PitrTest::finish();
done_testing();
