# What a restore writes into the settings: it decides, whatever others have left there, and is gone when recovery has ended.
use strict;
use warnings;
use lib 'test/lib';
use PitrTest;
use PostgreSQL::Test::Utils;
use Test::More;

# The user's own command at the end of recovery is part of the configuration.
my $touched = PostgreSQL::Test::Utils::tempdir() . '/touched';
my $p = PitrTest->new('orders', conf => "recovery_end_command = 'touch $touched'\n");
my $node = $p->node;
$p->sql('CREATE TABLE h (n int)');
$p->backup;
$p->sql("INSERT INTO h VALUES (1); SELECT pg_sleep(0.05)");
my $time = $p->sql('SELECT clock_timestamp()');
$p->sql("SELECT pg_sleep(0.05); INSERT INTO h VALUES (2)");
$p->wait_archived;
$node->stop;
sub rows { my ($server) = @_; return $server->sql('SELECT coalesce(sum(n), 0) FROM h'); }

# Left from another day, in files that the server reads before postgresql.auto.conf, each kind once.
my $data = $node->data_dir;
for my $case ([ "recovery_target = 'immediate'", '3', '--target-latest' ],
	[ "recovery_target_time = '2020-01-01 00:00:00+00'\nrecovery_target_action = 'shutdown'", '3', '--target-latest' ],
	[ "recovery_min_apply_delay = '1h'\nrecovery_target_xid = '3'\nrecovery_target_inclusive = off", '1', '--target-time', $time ],
	[ "recovery_target_name = 'nowhere'\nrecovery_target_timeline = '9'", '0', '--target-immediate' ],
	[ "recovery_target_lsn = '0/1'\narchive_cleanup_command = 'false'\nrestore_command = 'false'", '3', '--target-latest' ])
{
	my ($left, $expected, @target) = @$case;
	my ($name) = $left =~ /^(\w+)/;
	my $copy = $p->restore({ no_start => 1, conf => "archive_mode = off\ninclude 'left.conf'\n" }, @target);
	my $dir = $copy->node->data_dir;
	append_to_file("$dir/left.conf", "$left\n");
	unlink $touched;
	$copy->node->start;
	$copy->wait_open;
	ok(-e $touched, "$name: what the user wants done at the end of recovery is done");
	is(rows($copy), $expected, "$name left in an included file does not decide over @target");
	my $auto = slurp_file("$dir/postgresql.auto.conf");
	unlike($auto, qr/recovery_target|recovery_min|restore_command|archive_cleanup_command|recovery_end_command|promote_trigger/, "$name: nothing of the restore is left after recovery");
	my $out = $p->pg_pitr_ok('outcome', '--pgdata', $dir, '--wait', '30');
	like($out, qr/recovery ended at [0-9A-F]+\/[0-9A-F]+ on timeline 1 .*so it was planned/, 'the outcome is as planned');
	like($p->pg_pitr_ok('outcome', '--json', '--pgdata', $dir), qr/"as_planned": true/, 'for programs, too');
	$copy->wait_for_log(qr/pg_pitr: recovery ended at/);
	$copy->node->stop('immediate');
}

# A replica of the recovered server follows it.
$p->pg_pitr_ok('restore', '--pgdata', $data, '--delta', '--no-progress', '--target-time', $time);
like(slurp_file("$data/postgresql.auto.conf"), qr/^recovery_target_timeline = '1'/m, 'while it recovers the timeline is fixed');
$node->start;
$p->wait_open;
$p->sql("INSERT INTO h VALUES (10)");
my $replica = $p->empty_cluster('replica');
$node->backup('base');
$replica->node->init_from_backup($node, 'base', has_streaming => 1);
$replica->node->append_conf('postgresql.conf', "archive_mode = off\n");
$replica->node->start;
my $third = $p->sql('INSERT INTO h VALUES (20) RETURNING pg_current_xact_id()');
$node->wait_for_catchup($replica->node);
is(rows($replica), '31', 'a replica made from it opens and follows');
$replica->node->stop('immediate');
is($p->sql("SELECT detail ~ 'so it was planned' AND ok FROM pitr_check() WHERE \"check\" = 'restore: recovery ended where planned'"),
	't', 'pitr_check says that it ended where planned');
$node->stop;

# What was changed since the restore is somebody else's.
my $own = $p->restore({ no_start => 1 }, '--target-latest');
my $dir = $own->node->data_dir;
append_to_file("$dir/postgresql.auto.conf", "recovery_target_action = 'pause'\n");
$own->node->start;
$own->wait_open;
my $auto = slurp_file("$dir/postgresql.auto.conf");
like($auto, qr/^recovery_target_action = 'pause'/m, 'a line that was changed since stays');
unlike($auto, qr/recovery_target_timeline/, 'the others go');
$own->node->stop('immediate');

unlink $touched;
my $copy = $p->restore('--as-copy', '--target-latest');
ok(!-e $touched, 'not by a copy, which is no new primary');
$copy->node->stop('immediate');

# Somebody changes where it ends after the restore: the recovery ends elsewhere, and that is said.
my $other = $p->restore({ no_start => 1 }, '--target-latest');
append_to_file($other->node->data_dir . '/postgresql.auto.conf', "recovery_target = 'immediate'\nrecovery_target_action = 'promote'\n");
$other->node->start;
my ($status, $out, $err) = $p->pg_pitr('outcome', '--pgdata', $other->node->data_dir, '--wait', '60');
isnt($status, 0, 'an end that was not planned is no success');
like($out, qr/recovery ended at .*planned was .*at the end of the archive/, 'both ends are named');
like($err, qr/did not end where the plan said/, 'as an error');
$other->wait_for_log(qr/pg_pitr: WARNING: NOT AS PLANNED/);
$other->wait_open;
$other->node->stop('immediate');

# A recovery that stays at its target has reached it.
sub outcome { my ($copy, @options) = @_; return $p->pg_pitr('outcome', '--pgdata', $copy->node->data_dir, @options); }
for my $exclusive (0, 1)
{
	my @target = $exclusive ? ('--target-xid', $third, '--target-exclusive') : ('--target-time', $time);
	my $paused = $p->restore({ no_start => 1 }, @target, '--target-action', 'pause');
	$paused->node->start;
	($status, $out, $err) = outcome($paused, '--wait', 60);
	is($status, 0, "@target: a pause at the target is success") or diag($err);
	like($out, qr/^recovery is paused at [0-9A-F]+\/[0-9A-F]+; so it was planned: .*pg_wal_replay_resume/s, 'which is said, with how to go on');
	is(rows($paused), $exclusive ? 11 : 1, 'the rows are there');
	$paused->sql('SELECT pg_wal_replay_resume()');
	$paused->wait_open;
	like((outcome($paused, '--wait', 60))[1], qr/recovery ended at .*so it was planned/, 'opened, it has ended there');
	$paused->node->stop('immediate');
}
my $down = $p->restore({ no_start => 1 }, '--target-time', $time, '--target-action', 'shutdown');
# Whether the start counts as one depends on how soon the server is gone again.
PostgreSQL::Test::Utils::system_log('pg_ctl', '-w', '-D', $down->node->data_dir, '-l', $down->node->logfile, 'start');
($status, $out, $err) = outcome($down, '--wait', 60);
is($status, 0, 'a server that shut down at its target is success') or diag($err);
like($out, qr/^the server shut down during recovery, at .*; so it was planned/, 'which is said');

# Paused elsewhere: by hand, before the target.
my $held = $p->restore({ no_start => 1 }, '--target-time', $time, '--target-action', 'pause');
append_to_file($held->node->data_dir . '/postgresql.auto.conf', "recovery_target_time = ''\nrecovery_target = 'immediate'\n");
$held->node->start;
($status, $out, $err) = outcome($held, '--wait', 60);
isnt($status, 0, 'a pause elsewhere is no success');
like($out . $err, qr/recovery is paused at .*planned was .*not where the plan said/s, 'and both places are named');
$held->node->stop('immediate');

# Asked too early, and where nothing was restored.
my $waiting = $p->restore({ no_start => 1 }, '--target-latest');
($status, $out, $err) = $p->pg_pitr('outcome', '--json', '--pgdata', $waiting->node->data_dir);
isnt($status, 0, 'a recovery that has not begun has no outcome');
like($err, qr/has not ended/, 'which is said');
like($out, qr/"ended": false.*"error": \{\n +"code": "unavailable",\n +"message": "recovery has not ended/s, 'and in the object');

PitrTest::finish();
done_testing();
