# Every kind of target against rows whose commit order is known.
# About 35 s.
use strict;
use warnings;
use lib 'test/lib';
use PitrTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $p = PitrTest->new('targets');
$p->sql('CREATE TABLE h (n int, at timestamptz DEFAULT clock_timestamp())');
my $backup = $p->backup;

# Twelve commits; after each we know its xid, the time just after it, and the LSN after it.
my (@xid, @time, @lsn);
for my $n (1 .. 12)
{
	$xid[$n] = $p->sql("INSERT INTO h (n) VALUES ($n) RETURNING pg_current_xact_id()");
	$p->sql("SELECT pg_create_restore_point('after_$n')");
	$lsn[$n] = $p->sql('SELECT pg_current_wal_flush_lsn()');
	$p->sql('SELECT pg_sleep(0.05)');
	$time[$n] = $p->sql('SELECT clock_timestamp()');
	$p->sql('SELECT pg_sleep(0.05)');
	$p->sql('SELECT pg_switch_wal()') if $n % 4 == 0;
}
$p->wait_archived;
sub rows { my ($restored) = @_; return $restored->sql('SELECT coalesce(max(n), 0) || \'/\' || count(*) FROM h'); }

my @cases = (
	[ 'time', '5/5', '--target-time', $time[5] ],
	[ 'time, in another zone', '5/5', '--target-time', $p->sql("SET timezone = 'Asia/Kathmandu'; SELECT '$time[5]'::timestamptz") ],
	[ 'xid, inclusive', '7/7', '--target-xid', $xid[7] ],
	[ 'xid, exclusive', '6/6', '--target-xid', $xid[7], '--target-exclusive' ],
	[ 'restore point', '9/9', '--target-name', 'after_9' ],
	[ 'LSN', '10/10', '--target-lsn', $lsn[10] ],
	[ 'immediate', '0/0', '--target-immediate' ],
	[ 'latest', '12/12', '--target-latest' ],
	[ 'nothing said: latest', '12/12' ],
);
for my $case (@cases)
{
	my ($what, $expected, @options) = @$case;
	my ($status, $plan) = $p->pg_pitr('plan', @options);
	is($status, 0, "$what: the plan says it can be reached");
	my $restored = $p->restore(@options);
	is(rows($restored), $expected, "$what: the rows are those committed up to there");
	$restored->node->stop('immediate');
}

{
	local $ENV{TZ} = 'Asia/Kathmandu';
	my $both = qr/\d{4}-\d\d-\d\d [\d:.]+\+00 \(\d{4}-\d\d-\d\d [\d:.]+\+05:45 local time\)/;
	my $here = $p->pg_pitr_ok('plan', '--target-time', $time[5]);
	like($here, qr/^$_ .*$both/m, "$_: UTC and local time with its offset") for 'target', 'backup', 'replay stops', 'last transaction';
	like($p->pg_pitr_ok('info'), qr/^ +$_:? .*$both/m, "info, $_: both") for 'earliest', 'latest';
}

# The same from SQL, and the plan names the transaction.
my $plan = $p->sql("SELECT string_agg(item || ': ' || value, E'\\n') FROM pitr_restore_plan(target_time => '$time[5]')");
like($plan, qr/\b$xid[6]\b/, 'the plan by time names the transaction before which it stops');
like($plan, qr/\b$xid[5]\b/, 'and the last one that will be there');
like($plan, qr/\Q$backup\E/, 'and the backup');
like($plan, qr/pg_pitr restore .*--target-time/, 'and the command');
for my $argument ("target_xid => '$xid[7]'", "target_name => 'after_9'", "target_lsn => '$lsn[10]'", 'immediate => true', '')
{
	my ($status, $out, $err) = $p->try_sql("SELECT count(*) FROM pitr_restore_plan($argument)");
	is($status, 0, "pitr_restore_plan($argument)") or diag($err);
}

# Targets that cannot be reached: why, and what can.
my $future = $p->sql("SELECT now() + interval '1 day'");
my $past = $p->sql("SELECT now() - interval '1 day'");
for my $case ([ 'a time after the archive', qr/latest|last/i, '--target-time', $future ],
	[ 'a time before the first backup', qr/earliest|first|before/i, '--target-time', $past ],
	[ 'an unknown transaction', qr/999999/, '--target-xid', '999999' ],
	[ 'an unknown restore point', qr/no_such_point/, '--target-name', 'no_such_point' ],
	[ 'an LSN beyond the archive', qr/FF\/0/, '--target-lsn', 'FF/0' ],
	[ 'an unknown timeline', qr/timeline 7/, '--target-timeline', '7' ])
{
	my ($what, $pattern, @options) = @$case;
	my ($status, $out, $err) = $p->pg_pitr('plan', @options);
	isnt($status, 0, "$what: the plan fails");
	like($out . $err, $pattern, "$what: and says why");
	my $empty = $p->empty_cluster;
	($status) = $p->pg_pitr('restore', '--pgdata', $empty->node->data_dir, @options);
	isnt($status, 0, "$what: so does the restore");
	ok(!-e $empty->node->data_dir . '/PG_VERSION', "$what: which wrote nothing");
}
my ($status, $out, $err) = $p->pg_pitr('plan', '--target-time', 'yesterday-ish');
isnt($status, 0, 'a time that is none is refused');
like($err, qr/yesterday-ish/, 'and named');
($status, $out, $err) = $p->pg_pitr('plan', '--target-xid', '700', '--target-name', 'x');
isnt($status, 0, 'two targets at once are refused');

# Actions.
my $paused = $p->restore({ no_wait => 1 }, '--target-xid', $xid[3], '--target-action', 'pause');
$paused->node->poll_query_until('postgres', "SELECT pg_get_wal_replay_pause_state() = 'paused'");
is(rows($paused), '3/3', 'pause: the server can be read at the target');
is($paused->sql('SELECT pg_is_in_recovery()'), 't', 'and is still in recovery');
$paused->sql('SELECT pg_wal_replay_resume()');
$paused->wait_open;
is(rows($paused), '3/3', 'resumed, it opens');
my $empty = $p->empty_cluster;
$p->pg_pitr_ok('restore', '--pgdata', $empty->node->data_dir, '--target-xid', $xid[4], '--target-action', 'shutdown');
$empty->adopt;
$empty->start_to_end;
$empty->wait_for_log(qr/shutdown at recovery target/);
pass('shutdown: the server stops at the target');

# A second backup: targets before it use the first, targets after it the second.
my $second = $p->backup;
$p->sql('INSERT INTO h (n) VALUES (13)');
my $late = $p->sql('SELECT clock_timestamp()');
$p->sql('SELECT pg_sleep(0.05); CREATE TABLE after_late (n int)');
$p->wait_archived;
like(($p->pg_pitr('plan', '--target-time', $late))[1], qr/\Q$second\E/, 'a late time uses the second backup');
like(($p->pg_pitr('plan', '--target-time', $time[5]))[1], qr/\Q$backup\E/, 'an early time uses the first');
like(($p->pg_pitr('plan', '--target-xid', $xid[7]))[1], qr/\Q$backup\E/, 'an early xid uses the first');
like(($p->pg_pitr('plan', '--target-name', 'after_2'))[1], qr/\Q$backup\E/, 'an early restore point uses the first');

PitrTest::finish();
done_testing();
