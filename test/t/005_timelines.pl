# Timelines: recover, diverge, recover again to either branch. What the archive holds at each step:
#
#   timeline 1   backup ── 1 ── 2 ── 3 ── 4                        (the original; 3 and 4 are the accident)
#                            └─ timeline 2   ── 21 ── backup2 ── 22  (recovered to just after 2)
#                                                └─ timeline 3 ── 31  (recovered on 2 to just after 21)
# About 25 s.
use strict;
use warnings;
use lib 'test/lib';
use PitrTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $p = PitrTest->new('one');
$p->sql('CREATE TABLE h (n int)');
$p->backup("label => 'base'");
my %xid;
sub commit_row { my ($server, $n) = @_; return $xid{$n} = $server->sql("INSERT INTO h VALUES ($n) RETURNING pg_current_xact_id()"); }
sub rows { my ($server) = @_; return $server->sql("SELECT string_agg(n::text, ' ' ORDER BY n) FROM h"); }
commit_row($p, $_) for 1 .. 4;
$p->wait_archived;
$p->node->stop;

my $on = { conf => "archive_mode = on\n" };
my $two = $p->restore($on, '--target-xid', $xid{2});
is(rows($two), '1 2', 'recovered to the second commit');
is($two->sql(q{SELECT string_agg("check" || ': ' || coalesce(detail, ''), '; ') FROM pitr_check() WHERE NOT ok}), '',
	'pitr_check is content right after a recovery, when nothing of the new timeline is stored yet');
commit_row($two, 21);
my $between = $two->sql('SELECT pg_sleep(0.05); SELECT clock_timestamp()') =~ s/^\n*//r;
$two->sql('SELECT pg_sleep(0.05)');
$two->backup("label => 'fresh'");
commit_row($two, 22);
$two->sql("SELECT pg_create_restore_point('on two')");
$two->wait_archived;
is($two->sql("SELECT timeline FROM pitr_info() WHERE label = 'fresh'"), '2', 'the fresh full backup is on the new timeline');
$two->node->stop;

my $three = $two->restore($on, '--target-xid', $xid{21}, '--target-timeline', '2');
is(rows($three), '1 2 21', 'recovered on timeline 2, from the first backup, across the switch');
commit_row($three, 31);
$three->wait_archived;
$three->node->stop;

# Either branch again, from what is stored now.
my @branches = (
	[ 'the abandoned end of timeline 1', '1 2 3 4', '--target-timeline', '1' ],
	[ 'a commit of timeline 1 that timeline 2 lacks', '1 2 3', '--target-timeline', '1', '--target-xid', $xid{3} ],
	[ 'the end of timeline 2', '1 2 21 22', '--target-timeline', '2' ],
	[ 'a moment of timeline 2', '1 2 21', '--target-timeline', '2', '--target-time', $between ],
	[ 'the newest timeline, by default', '1 2 21 31' ],
	[ 'the newest timeline, asked for', '1 2 21 31', '--target-timeline', 'latest' ],
	[ 'a common ancestor commit', '1', '--target-xid', $xid{1} ],
);
for my $branch (@branches)
{
	my ($what, $expected, @options) = @$branch;
	my $restored = $p->restore(@options);
	is(rows($restored), $expected, $what);
	$restored->node->stop('immediate');
}

# (Not a transaction: both branches gave the same numbers to theirs.)
my ($status, $out, $err) = $p->pg_pitr('plan', '--target-timeline', '1', '--target-name', 'on two');
isnt($status, 0, 'a restore point of another branch is not reachable');
($status, $out, $err) = $p->pg_pitr('plan', '--target-timeline', '3', '--backup', 'fresh');
isnt($status, 0, 'a backup that is not on the way to the timeline is refused');
like($out . $err, qr/fresh/, 'and named');

# PostgreSQL hands a history file over once. Where it cannot be had nothing can be restored along the timeline: a backup says so, and pushes out no other.
$three->node->append_conf('postgresql.conf', "pg_pitr.retention_full = 1\n");
$three->node->start;
$three->wait_archived;
my ($history, $elsewhere) = map { $p->repository_dir . $_ } '/wal/00000003/00000003.history', '.history';
my ($local, $away) = map { $three->node->data_dir . $_ } '/pg_wal/00000003.history', '/../away.history';
rename($history, $elsewhere) or die "$history: $!";
rename($local, $away) or die "$local: $!";
my $backups = $three->sql('SELECT count(*) FROM pitr_info()');
my ($ret, $shown, $warned) = $three->node->psql('postgres', "SELECT pitr_backup(label => 'orphan')");
like($warned, qr/WARNING: .*backup "orphan" is complete, but could not be restored now: no older backup is expired.*timeline 3/s, 'a backup says that it could not be restored');
is($three->sql('SELECT count(*) FROM pitr_info()'), $backups + 1, 'and nothing is expired');
like($three->sql(qq{SELECT ok::text || ' ' || detail FROM pitr_check() WHERE "check" = 'restore: the plan to the newest state'}), qr/^false .*timeline 3/, 'as does pitr_check()');
is($three->sql("SELECT status || ' ' || (problem LIKE '%could not be restored: %timeline 3%') FROM pitr_info() WHERE label = 'orphan'"), 'not restorable true', 'nor does pitr_info() call it good');
rename($elsewhere, $history) or die "$history: $!";
is($three->sql("SELECT status FROM pitr_info() WHERE label = 'orphan'"), 'ok', 'which it is when the file is there again');
like($three->sql(qq{SELECT ok::text || ' ' || detail FROM pitr_check() WHERE "check" = 'restore: the plan to the newest state'}), qr/^true from backup "orphan" along timeline 3/, 'until it is there again');

# A backup has it archived once more, and carries it: should the archive lose it, a restore works all the same, and says so.
rename($away, $local) or die "$away: $!";
$three->node->append_conf('postgresql.conf', "pg_pitr.retention_full = 100\n");
$three->node->reload;
rename($history, $elsewhere) or die "$history: $!";
$three->backup("label => 'carries'");
ok(-e $history, 'a backup has the history of its timeline archived once more');
$three->node->stop;
unlink $history or die "$history: $!";
like($p->pg_pitr_ok('plan', '--target-timeline', '3'), qr/The archive has no history file of timeline 3\. That of a backup/, 'without the history file in the archive a plan takes that of a backup');
my $carried = $p->restore('--target-timeline', '3');
is(rows($carried), '1 2 21 31', 'and the restore goes along the timeline');
$carried->node->stop('immediate');
rename($elsewhere, $history) or die "$history: $!";

# A server past timeline 1 begins a repository and has lost the file: nothing of before is needed.
rename($local, $away) or die "$local: $!";
my $fresh = PostgreSQL::Test::Utils::tempdir() . '/fresh';
mkdir $fresh or die $!;
append_to_file("$fresh.conf", "pg_pitr.repository = 'file://$fresh'\n");
$three->node->append_conf('postgresql.conf', "pg_pitr.repository = 'file://$fresh'\n");
$three->node->start;
$three->sql("SELECT pitr_accept_repository('file://$fresh')");
is($three->backup("label => 'alone'"), 'alone', 'a backup of a server without its history file');
is($three->sql("SELECT status FROM pitr_info() WHERE label = 'alone'"), 'ok', 'can be restored');
$three->sql('INSERT INTO h VALUES (32); SELECT pg_switch_wal()');
$three->wait_archived;
$three->node->stop;
{
	local $p->{conf} = "$fresh.conf";
	like($p->pg_pitr_ok('plan'), qr/no history file of timeline 3, nor has a backup one\. Recovery goes along that timeline/, 'the plan says what is missing');
	like($p->pg_pitr_ok('info'), qr/its history file is missing: recoveries from backups of this timeline do without/, 'and so does info');
	my $alone = $p->restore({ conf => "archive_mode = on\npg_pitr.repository = 'file://$fresh'\n" }, '--target-latest');
	is(rows($alone), '1 2 21 31 32', 'and the restore goes along it to its end');
	$alone->sql('INSERT INTO h VALUES (41); SELECT pg_switch_wal()');
	$alone->wait_archived;
	ok(!-e "$fresh/wal/00000003/00000003.history", 'what was made up for PostgreSQL is not archived');
	$alone->node->stop;
	my $again = $p->restore('--target-latest');
	is(rows($again), '1 2 21 31 32 41', 'and the next recovery goes along the new timeline');
	$again->node->stop('immediate');
}
rename($away, $local) or die "$away: $!";

# Archive ranges, per timeline, from the binary.
my ($info) = ($p->pg_pitr('info'))[1];
like($info, qr/timeline.*1.*2.*3/si, 'info shows the three timelines');

# A standby restored from the repository follows, and the original may go on archiving.
$p->node->start;
commit_row($p, 5);
$p->wait_archived;
my $standby = $p->restore({ no_wait => 1 }, '--mode', 'standby', '--target-timeline', '1');
$standby->node->poll_query_until('postgres', "SELECT coalesce(max(n), 0) = 5 FROM h") or fail('the standby replays');
is($standby->sql('SELECT pg_is_in_recovery()'), 't', 'a standby stays a standby');
commit_row($p, 6);
$p->wait_archived;
$standby->node->poll_query_until('postgres', "SELECT max(n) = 6 FROM h");
is(rows($standby), '1 2 3 4 5 6', 'and follows the archive');
$standby->node->stop;    # it may be asking the archive

PitrTest::finish();
done_testing();
