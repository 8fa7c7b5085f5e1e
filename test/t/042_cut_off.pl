# Recoveries that are cut off while they end, when PostgreSQL has removed recovery.signal already, and what a server does that was told to
# shut down at its target: nobody gets rows of after the target without a word.
use strict;
use warnings;
use lib 'test/lib';
use PitrTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $p = PitrTest->new('cut', initdb => ['--wal-segsize=1'], conf => "restart_after_crash = on\nautovacuum = off\n");
my $node = $p->node;
my $data = $node->data_dir;
$p->sql('CREATE TABLE t (n int)');
$p->backup;
$p->sql("INSERT INTO t VALUES (1); SELECT pg_create_restore_point('meant'); INSERT INTO t VALUES (2); SELECT pg_switch_wal(); INSERT INTO t VALUES (3)");
$p->wait_archived;
my @target = ('--target-name', 'meant', '--target-timeline', '1');
my $timeline = 1;
sub rows { return $p->sql(q{SELECT string_agg(n::text, ',' ORDER BY n) FROM t}); }
sub restored { my (@more) = @_; return $p->pg_pitr_ok('restore', '--pgdata', $data, '--delta', '--no-progress', @target, @more); }
sub paused { PitrTest::wait_for('recovery to pause', sub { my ($s, $out) = $p->try_sql('SELECT pg_get_wal_replay_pause_state()'); $s == 0 && $out eq 'paused' }); return; }

# Up to the checkpoint at the end of recovery, which does not end.
sub ending
{
	restored('--target-action', 'pause');
	$node->start;
	paused();
	my $checkpointer = $p->sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'");
	kill 'STOP', $checkpointer;
	$p->sql('SELECT pg_wal_replay_resume()');
	PitrTest::wait_for('recovery.signal to go', sub { !-e "$data/recovery.signal" });
	PitrTest::wait_for('the checkpoint', sub { slurp_file($node->logfile) =~ /archive recovery complete/ });
	return $checkpointer;
}

sub killed
{
	my ($checkpointer) = @_;
	my ($pid) = split /\n/, slurp_file("$data/postmaster.pid");
	$node->kill9;
	kill 'KILL', $checkpointer;
	PitrTest::wait_for('the killed server to be gone', sub { !kill 0, $pid });
	return;
}

# Whether pg_ctl, or start(), sees a server that is gone the next moment is a matter of luck.
sub shuts_down
{
	unlink $node->logfile;
	system_or_bail('pg_ctl', '-W', '-s', '-D', $data, '-l', $node->logfile, 'start');
	PitrTest::wait_for('the server to shut down', sub { -e $node->logfile && slurp_file($node->logfile) =~ /shutdown at recovery target/ && !-e "$data/postmaster.pid" });
	return;
}

# The server looks after it by itself.
$node->stop;
for my $how ('the whole server is killed', 'one of its processes is killed')
{
	my $checkpointer = ending();
	if ($how =~ /whole/)
	{
		killed($checkpointer);
		PitrTest::wait_for('the server to start', sub { $node->start(fail_ok => 1) });
	}
	else
	{
		kill 'KILL', $checkpointer;
	}
	paused();
	like($p->log, qr/WARNING: .*recovery\.signal was gone \(the server died while recovery ended\).*written again/, "$how: the log says what was done");
	$p->sql('SELECT pg_wal_replay_resume()');
	$p->wait_open;
	is(rows(), '1', "$how: the rows are those of the target");
	is($p->sql('SELECT timeline_id FROM pg_control_checkpoint()'), ++$timeline, "$how: on a timeline of its own");
	like($p->pg_pitr_ok('outcome', '--pgdata', $data, '--wait', '30'), qr/so it was planned/, "$how: as planned");
	$p->wait_archived;
	$node->stop;
	unlink $node->logfile;
}

# Without pg_pitr in shared_preload_libraries nobody does: it is said, before and after, and nothing is archived as if it were right.
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''\n");
killed(ending());
my ($status, undef, $err) = $p->pg_pitr('outcome', '--pgdata', $data);
isnt($status, 0, 'a server that died while recovery ended is not where it should be');
like($err, qr/recovery\.signal is gone.*beyond the target.*touch \Q$data\E\/recovery\.signal/s, 'and what to do before it is started is said');
my @stored = $p->stored_wal;
PitrTest::wait_for('the server to start', sub { $node->start(fail_ok => 1) });
$p->wait_open;
is(rows(), '1,2,3', 'PostgreSQL replays beyond the target') or BAIL_OUT('the rest tests nothing');
($status, undef, $err) = $p->pg_pitr('outcome', '--pgdata', $data);
isnt($status, 0, 'that is no end as planned');
like($err, qr/did not end where the plan said/, 'as the outcome says');
$p->sql('INSERT INTO t VALUES (4); SELECT pg_switch_wal()');
$p->wait_for_log(qr/WARNING: .*archiving is held: the recovery of this server is undone/);
is(scalar(my @now = $p->stored_wal), scalar(@stored), 'and it archives nothing');
$node->stop;

# Told to shut down at its target.
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_pitr'\n");
my $said = restored('--target-action', 'shutdown');
my ($open) = $said =~ /To open it there for writing:\n +(\S*pg_ctl .*)\n/;
ok($open, 'the restore says how a server that shuts down is opened');
shuts_down();
like($p->pg_pitr_ok('outcome', '--pgdata', $data), qr/shut down during recovery.*so it was planned.*\Q$open\E/s, 'and so does the outcome');
unlink "$data/recovery.signal" or die $!;
shuts_down();
like(slurp_file($node->logfile), qr/recovery\.signal was gone.*HINT: .*recovery_target_action = 'promote'/s, 'whoever removes recovery.signal gets no rows of after the target');
system_or_bail('sh', '-c', "$open -w -l '" . $node->logfile . "' >/dev/null </dev/null");
$node->_update_pid(1);
$p->wait_open;
is(rows(), '1', 'by the command it is opened at the target');
like($p->pg_pitr_ok('outcome', '--pgdata', $data, '--wait', '30'), qr/so it was planned/, 'as planned');
$p->wait_archived;

PitrTest::finish();
done_testing();
