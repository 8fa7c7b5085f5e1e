# Segments that are missing on the way from one timeline to the next. The primary loses its repository, writes on, and dies; its standby,
# which has streamed everything, is promoted: what it still has of the old timeline is archived by itself. Then the same segments are gone
# from both, and every place says so until a surviving pg_wal closes the gap.
# Any server version will do.
use strict;
use warnings;
use lib 'test/lib';
use PitrTest;
use File::Copy qw(copy);
use PostgreSQL::Test::Utils;
use Test::More;

my $p = PitrTest->new('primary', conf => "autovacuum = off\nwal_keep_size = 512MB\n", initdb => ['--wal-segsize=1']);
$p->sql('CREATE TABLE t (n int); CREATE ROLE rep REPLICATION LOGIN');
$p->node->append_conf('pg_hba.conf', "local replication rep trust\nlocal all rep trust\n");
$p->node->reload;
$p->backup("label => 'base'");
$p->sql('INSERT INTO t VALUES (0)');
$p->wait_archived;

my $s = $p->empty_cluster('standby');
$p->pg_pitr_ok('restore', '--pgdata', $s->node->data_dir, '--no-progress', '--mode', 'standby');
$s->adopt("archive_mode = on\n");
$s->node->append_conf('postgresql.auto.conf', sprintf("primary_conninfo = 'host=%s port=%d user=rep'\n", $p->node->host, $p->node->port));
$s->node->start;
$p->node->poll_query_until('postgres', 'SELECT count(*) = 1 FROM pg_stat_replication') or die 'the standby does not stream';

# From here on the primary archives nothing.
$p->sql(q{ALTER SYSTEM SET pg_pitr.repository = 'file:///proc/nowhere/repository'});
$p->node->reload;
my @lost;
for my $n (1 .. 5)
{
	$p->sql("INSERT INTO t VALUES ($n)");
	push @lost, $p->sql('SELECT pg_walfile_name(pg_current_wal_lsn())');
	$p->sql('SELECT pg_switch_wal()');
}
$p->sql('INSERT INTO t VALUES (6)');
my $written = $p->sql('SELECT pg_current_wal_lsn()');
$s->node->poll_query_until('postgres', "SELECT pg_last_wal_replay_lsn() >= '$written'") or die 'the standby lags';
PitrTest::wait_for('the primary to fail', sub { $p->sql('SELECT failed_count > 0 FROM pitr_status') eq 't' });
$p->node->stop('immediate');
my @stored = grep { -e $p->stored_path($_) } @lost;
is("@stored", '', 'the primary archived none of them') or BAIL_OUT('the rest tests nothing');
my @done = grep { -e $s->node->data_dir . "/pg_wal/archive_status/$_.done" } @lost;
is("@done", "@lost", 'PostgreSQL marks what a standby streams as done');

$s->node->promote;
$s->wait_open;
$s->sql('INSERT INTO t VALUES (7)');
$s->wait_archived;
@stored = grep { -e $p->stored_path($_) } @lost;
is("@stored", "@lost", 'the new primary archives what the old one could not');
like($s->log, qr/WARNING:  pg_pitr: 5 WAL segments, $lost[0] to $lost[-1], of an older timeline are missing in the repository/, 'and says so');
is($s->sql('SELECT count(*) FROM pitr_archive() WHERE gap'), '0', 'no gap is left');
is($s->sql('SELECT missing_wal IS NULL AND latest_timeline = 2 FROM pitr_recovery_window()'), 't', 'the window reaches the new timeline');
is($s->sql('SELECT ok FROM pitr_check() WHERE "check" = $$archive: gaps$$'), 't', 'pitr_check says that nothing is missing');
my $latest = $p->restore;
is($latest->sql('SELECT string_agg(n::text, $$ $$ ORDER BY n) FROM t'), '0 1 2 3 4 5 6 7', 'everything is recovered');
$latest->node->stop('immediate');
my $seen = length $s->log;
$s->node->restart;
$s->sql('INSERT INTO t VALUES (8)');
my $after = $s->sql('SELECT clock_timestamp()');
$s->sql('SELECT pg_sleep(0.01); INSERT INTO t VALUES (9)');
$s->wait_archived;
unlike(substr($s->log, $seen), qr/of an older timeline/, 'after a restart nothing is left to be done');

# What never reached the standby, or was recycled before the promotion.
for my $segment (@lost) { unlink($p->stored_path($segment), $s->node->data_dir . "/pg_wal/$segment") == 2 or die "$segment: $!"; }
my $spans = "$lost[0] to $lost[-1] (5 segments)";
is($s->sql('SELECT timeline, first_segment, last_segment, segments FROM pitr_archive() WHERE gap'), "1|$lost[0]|$lost[-1]|5",
	'pitr_archive() has the gap between the timelines');
is($s->sql('SELECT missing_segments FROM pitr_timelines() ORDER BY timeline'), "5\n5", 'pitr_timelines() counts it on the path to timeline 2');
is($s->sql('SELECT possible, missing_wal FROM pitr_recovery_window()'), "t|$spans", 'so does pitr_recovery_window()');
my ($ok, $detail, $hint) = split /\|/, $s->sql('SELECT ok, detail, hint FROM pitr_check() WHERE "check" = $$archive: gaps$$');
is($ok, 'f', 'pitr_check() fails');
like($detail, qr/missing: \Q$spans\E/, 'and names what is missing');
like($hint, qr{pg_pitr wal-push /path/to/pg_wal/$lost[0] .*$lost[-1]}, 'and the command that closes the gap');
is($s->sql('SELECT ok FROM pitr_check() WHERE "check" LIKE $$archive: a segment switched%$$'), 't', 'archiving itself is proved all the same');
# An archiver that begins anew sees it with what it stores.
is($s->sql('SELECT gap_warning FROM pitr_status'), '', 'nothing was missing when archiving began');
$s->sql('ALTER SYSTEM SET pg_pitr.archive_jobs = 3');
$s->node->reload;
$s->wait_archived;
like(PitrTest::wait_for('the archiver to tell, with a later segment', sub { $s->wait_archived; $s->sql('SELECT gap_warning FROM pitr_status') }),
	qr/missing in the archive behind the newest backup: \Q$spans\E.*ends at .*pg_pitr wal-push .*pitr_backup\(\)/s, 'pitr_status warns of it');
$s->wait_for_log(qr/WARNING:  pg_pitr: WAL is missing in the archive behind the newest backup: \Q$spans\E/);
my ($status, $out, $err) = $p->pg_pitr('check');
is($status, 1, 'pg_pitr check fails as well') or diag($out);
like($out, qr/failed: missing: \Q$spans\E/, 'for this reason');
like(($p->pg_pitr('info'))[1], qr/WAL missing +\Q$spans\E.*MISSING: recovery cannot cross this gap/s, 'info has it twice');
like(($p->pg_pitr('verify', '--quick'))[1], qr/\Q$spans\E/, 'verify says the same');

my $empty = $p->empty_cluster('refused');
my $data = $empty->node->data_dir;
for my $command ([ 'plan' ], [ 'plan', '--target-latest' ], [ 'plan', '--target-time', $after ],
	[ 'restore', '--pgdata', $data ], [ 'restore', '--pgdata', $data, '--mode', 'standby' ])
{
	($status, $out, $err) = $p->pg_pitr(@$command);
	isnt($status, 0, "@$command is refused");
	like($err, qr/WAL missing after that: \Q$spans\E\. .*whether a server runs on it or not: pg_pitr wal-push [^\n]*$lost[2]/, 'with what is missing and what to do');
	like($err, qr/--target-latest --allow-gap --target-timeline 2/, 'and how to go on without');
	unlike($err, qr/Nothing in WAL has a later time/, 'without saying what is not known');
}
ok(!-e "$data/PG_VERSION", 'nothing was written');
($status, $out, $err) = $s->try_sql('SELECT * FROM pitr_restore_plan()');
like($err, qr/WAL is missing on the way to the end of timeline 2/, 'pitr_restore_plan() refuses');
like($s->sql('SELECT string_agg(value, $$ $$) FROM pitr_restore_plan(allow_gap => true)'), qr/\Q$spans\E.*--target-latest --allow-gap/,
	'with consent it says what is left behind, and keeps the consent in its command');
($status, $out, $err) = $p->pg_pitr('plan', '--target-immediate', '--allow-gap');
isnt($status, 0, 'consent to a gap means something for the end of the archive only');
my $before = $p->restore('--target-latest', '--allow-gap', '--target-timeline', 2);
is($before->sql('SELECT string_agg(n::text, $$ $$ ORDER BY n) FROM t'), '0', 'with consent the end before the gap is recovered');
$before->node->stop('immediate');

# A backup behind the gap makes the newest state safe again; the gap stays, as a warning.
$s->backup("label => 'behind'");
is($s->sql('SELECT gap_warning FROM pitr_status'), '', 'pitr_status has nothing more to warn of');
is($s->sql('SELECT ok FROM pitr_check() WHERE "check" = $$archive: gaps$$'), 't', 'a backup behind the gap makes it a warning');
like($s->sql('SELECT hint FROM pitr_check() WHERE "check" = $$archive: gaps$$'), qr/pg_pitr wal-push/, 'which still says what to do');
$p->pg_pitr_ok('plan');
$s->sql(q{SELECT pitr_expire(backup => 'behind')});

# The remedy, from the pg_wal of the former primary, as the message has it.
my $pg_wal = $p->node->data_dir . '/pg_wal';
$hint =~ m{pg_pitr (wal-push [^.]*)\. } or die $hint;
$p->pg_pitr_ok(split / /, $1 =~ s{/path/to/pg_wal}{$pg_wal}gr);
is($s->sql('SELECT count(*) FROM pitr_archive() WHERE gap'), '0', 'the gap is closed');
$latest = $p->restore;
is($latest->sql('SELECT string_agg(n::text, $$ $$ ORDER BY n) FROM t'), '0 1 2 3 4 5 6 7 8 9', 'and everything is recovered');

PitrTest::finish();
done_testing();
