# Which branch of the archive's history a target belongs to. What the archive holds in the end:
#
#   timeline 1   backup ── 1 ── 2 ── 3 ── 4            (the original)
#                            └─ timeline 2   ── 21      (a first recovery, to just after 2)
#                                      └─ timeline 3    (a second one, to just after 3, which only timeline 1 went through)
#
# then a copy that archives by mistake while the real server goes on.
use strict;
use warnings;
use lib 'test/lib';
use PitrTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $p = PitrTest->new('one', conf => "autovacuum = off\n");
$p->sql('CREATE TABLE h (n int)');
$p->backup("label => 'base'");
my (%xid, %after);

sub commit_row
{
	my ($server, $n) = @_;
	$xid{$n} = $server->sql("INSERT INTO h VALUES ($n) RETURNING pg_current_xact_id()");
	$after{$n} = $server->sql('SELECT pg_sleep(0.02); SELECT clock_timestamp(); SELECT pg_sleep(0.02)') =~ s/^\s+|\s+$//gr;
	return;
}
sub rows { return $_[0]->sql("SELECT string_agg(n::text, ' ' ORDER BY n) FROM h"); }
# A branch is dated by its first checkpoint, to the second.
sub next_second { $_[0]->sql("SELECT pg_sleep(1.1)"); return; }

sub plan_fails
{
	my ($what, $pattern, @target) = @_;
	my ($status, $out, $err) = $p->pg_pitr('plan', @target);
	isnt($status, 0, "$what is refused");
	like($err, $pattern, "$what: the reason");
	return $err;
}

commit_row($p, $_) for 1 .. 4;
$p->wait_archived;

# A quiet database: the target is after the last transaction.
my $last = $after{4};
plan_fails('a time after everything that is known', qr/--target-latest --target-timeline 1/, '--target-time', '2099-01-01 00:00:00+00');
next_second($p);
$p->sql('CHECKPOINT');
$p->wait_archived;
next_second($p);
my $quiet = $p->restore('--target-time', $last);
is(rows($quiet), '1 2 3 4', 'a time after the last transaction is the end of the archive');
$quiet->node->stop;
my ($plan) = ($p->pg_pitr('plan', '--target-time', $last))[1];
like($plan, qr/are the same/, 'and the plan says so');
is($p->sql("SELECT count(*) FROM pitr_restore_plan(target_time => '$last') WHERE value LIKE '%are the same%'"), '1', 'from SQL, too');
$p->node->stop;

# A second recovery after a first one that was opened, with and without a write.
my $on = { conf => "archive_mode = on\nautovacuum = off\n" };
my $two = $p->restore($on, '--target-time', $after{2});
is(rows($two), '1 2', 'the first recovery');
next_second($two);
commit_row($two, 21);
$two->wait_archived;
$two->node->stop;
my $plan_three = $p->pg_pitr_ok('plan', '--target-time', $after{3});
like($plan_three, qr/^timeline +1: the only one that went through that moment/m, 'a later moment is of timeline 1');
like($plan_three, qr/--target-timeline 1 /, 'so says the command');
my $three = $p->restore($on, '--target-time', $after{3});
is(rows($three), '1 2 3', 'the second recovery, to a moment that only timeline 1 went through');
is($three->sql('SELECT timeline_id FROM pg_control_checkpoint()'), '3', 'is timeline 3');
$three->node->stop;
for my $kind ([ 'xid', $xid{3} ], [ 'time', $after{1} ], [ 'xid', $xid{1} ])
{
	my $out = $p->pg_pitr_ok('plan', "--target-$kind->[0]", $kind->[1]);
	like($out, qr/^timeline +1\b/m, "$kind->[0] $kind->[1] is on timeline 1");
}
# What 3 had written when it was cut off was replayed, so 21 has the number that 4 has on timeline 1.
is($xid{21}, $xid{4}, 'two branches gave the same number');
my $both = plan_fails('a transaction of two branches', qr/branches of the archive's history/, '--target-xid', $xid{4});
like($both, qr/--target-timeline 1\b.*--target-timeline 2\b/s, 'with the command for each');
like($p->pg_pitr_ok('plan', '--target-xid', $xid{4}, '--target-timeline', '2'), qr/^timeline +2/m, 'and each can be chosen');

# A named timeline leads to the target, but begins after it: the server must not be sent along it.
my $early = $p->restore($on, '--target-xid', $xid{1}, '--target-timeline', '3');
is(rows($early), '1', 'a target before the named timeline began');
like($early->sql('SELECT timeline_id FROM pg_control_checkpoint()'), qr/^4$/, 'opens a timeline of its own');
$early->wait_archived;
$early->node->stop;
unlike($p->pg_pitr_ok('info'), qr/history file is missing/, 'whose history can be read');
is(($p->pg_pitr('plan', '--target-timeline', '4'))[0], 0, 'and followed');

# A copy archives by mistake while the real server goes on.
$p->pg_pitr_ok('timeline', 'set-aside', '--force', $_) for 2 .. 4;
$p->node->start;
next_second($p);
commit_row($p, 5);
$p->wait_archived;
my $copy = $p->restore({ no_start => 1, %$on }, '--target-latest');
$copy->pg_pitr_ok('take-over', '--force', '--pgdata', $copy->node->data_dir);    # which is the mistake
$copy->node->start;
$copy->wait_open;
is(rows($copy), '1 2 3 4 5', 'a copy of timeline 1');
commit_row($copy, 666);
$copy->wait_archived;
$copy->node->stop;
next_second($p);
commit_row($p, 6);
$p->wait_archived;
my $several = plan_fails('the end of two branches', qr/belongs to 2 branches/, '--target-latest');
like($several, qr/Timeline 1, last commit.*--target-timeline 1\b.*Timeline 5.*--target-timeline 5\b/s, 'with what each has');
my ($status, $out, $err) = $p->pg_pitr('restore', '--pgdata', $p->empty_cluster->node->data_dir, '--mode', 'standby');
isnt($status, 0, 'no standby follows either');
my $copy_first = qr/Did a test copy write timeline 5\? Then leave it out: pg_pitr timeline .*set-aside 5\. If timeline 5 is .*stop it.*set-aside 1\./;
my $told = $p->pg_pitr_ok('info');
like($told, qr/recovery window: none.*set-aside/s, 'info says so');
like($told, $copy_first, 'and asks for the copy first, as nobody promoted a standby');
like(($p->pg_pitr('check'))[1], $copy_first, 'and so does check');

# On the running server its own timeline is the default.
is($p->sql('SELECT latest_timeline FROM pitr_recovery_window()'), '1', 'the window is of the own timeline');
is($p->sql("SELECT split_part(value, ':', 1) FROM pitr_restore_plan() WHERE item = 'timeline'"), '1', 'and so is the plan');
is($p->sql("SELECT count(*) FROM pitr_restore_plan() WHERE value LIKE '%set-aside 5%'"), '1', 'which warns of the copy');
is($p->sql("SELECT ok, hint IS NOT NULL FROM pitr_check() WHERE detail LIKE 'timeline 5:%'"), 't|t', 'as pitr_check does');
is($p->sql("SELECT timeline FROM pitr_timelines() WHERE note LIKE 'Warning%'"), '5', 'and pitr_timelines');

# A backup that is named implies its timeline. That one was taken when the copy was silent decides nothing: an old primary takes backups, too.
$p->backup("label => 'after'");
$p->wait_archived;
like($p->pg_pitr_ok('plan', '--backup', 'after'), qr/^timeline +1/m, 'a backup implies its timeline');
plan_fails('the end of two branches, one with a newer backup', qr/belongs to 2 branches/, '--target-latest');

# Set aside and taken back.
is($p->sql("SELECT pitr_set_timeline_aside(5, 'test copy')"), 't', 'set aside from SQL');
is($p->sql('SELECT pitr_set_timeline_aside(5)'), 'f', 'once');
($status, $out, $err) = $p->try_sql('SELECT pitr_set_timeline_aside(1)');
like($err, qr/this server's own/, 'not the own one');
is($p->sql("SELECT set_aside, note LIKE '%test copy%' FROM pitr_timelines() WHERE timeline = 5"), 't|t', 'pitr_timelines says so');
is($p->sql("SELECT count(*) FROM pitr_check() WHERE NOT ok"), '0', 'and nothing is wrong');
like($p->pg_pitr_ok('plan'), qr/^timeline +1/m, 'then the other is taken');
like($p->pg_pitr_ok('plan', '--target-timeline', '5'), qr/was set aside/, 'it can still be asked for');
my $standby = $p->restore({ no_wait => 1 }, '--mode', 'standby');
$standby->node->poll_query_until('postgres', 'SELECT count(*) = 1 FROM h WHERE n = 6') or fail('the standby follows timeline 1');
is($standby->sql('SELECT count(*) FROM h WHERE n = 666'), '0', 'and not the copy');
$standby->node->stop;
$p->pg_pitr_ok('timeline', 'take-back', '5');
is($p->sql('SELECT set_aside FROM pitr_timelines() WHERE timeline = 5'), 'f', 'taken back');
($status, $out, $err) = $p->pg_pitr('timeline', 'set-aside', '9');
isnt($status, 0, 'a timeline that is not there');
like($err, qr/nothing of timeline 9/, 'is said');
is(($p->pg_pitr('verify', '--quick'))[0], 0, 'verify knows the objects');

# Another server was opened beside production and died in its first segment, which is pushed when production has gone on.
$p->pg_pitr_ok('timeline', 'set-aside', '--json', '--force', '5');
my $cut = $p->restore({ no_start => 1, conf => "archive_mode = off\n" }, '--target-latest');
$cut->pg_pitr_ok('take-over', '--json', '--force', '--pgdata', $cut->node->data_dir);
$cut->node->start;
$cut->wait_open;
commit_row($cut, 667);
$cut->node->stop('immediate');
next_second($p);
commit_row($p, 7);
$p->wait_archived;
like($p->pg_pitr_ok('wal-push', $cut->node->data_dir . '/pg_wal'), qr/1 unfinished segment, 1 history file/, 'a dead server has an unfinished segment');
$several = plan_fails('the end of two branches, one of an unfinished segment', qr/belongs to 2 branches/, '--target-latest');
like($several, qr/Timeline 1, .*Timeline 6, .*last commit .*, 1 unfinished segment:/s, 'with what each has');
plan_fails('a time after both had begun', qr/belongs to 2 branches/, '--target-time', $after{7});
like($p->pg_pitr_ok('plan', '--target-xid', $xid{667}, '--target-timeline', '6'), qr/^last transaction +$xid{'667'}\b/m, 'whose transactions are found on it');
$p->node->stop;

PitrTest::finish();
done_testing();
