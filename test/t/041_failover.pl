# A primary and standbys with archive_mode = always archive to one repository at once. A failover cuts the primary's last segment: what the
# standbys have of it is stored as a part. Then the old primary comes back, once with all that it had written and once without its tail.
use strict;
use warnings;
use lib 'test/lib';
use PitrTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $p = PitrTest->new('primary', initdb => ['--wal-segsize=1'],
	conf => "autovacuum = off\nwal_keep_size = 64\nbgwriter_lru_maxpages = 0\ncheckpoint_timeout = 1h\n");
$p->sql('CREATE TABLE t (n int); CREATE ROLE rep REPLICATION LOGIN');
$p->node->append_conf('pg_hba.conf', "local replication rep trust\nlocal all rep trust\n");
$p->node->reload;
$p->backup("label => 'base'");
$p->wait_archived;

sub standby
{
	my ($name, $upstream) = @_;
	my $standby = $p->empty_cluster($name);
	$p->pg_pitr_ok('restore', '--pgdata', $standby->node->data_dir, '--no-progress', '--mode', 'standby');
	$standby->adopt("archive_mode = always\nwal_retrieve_retry_interval = 200ms\n");
	$standby->node->append_conf('postgresql.auto.conf', sprintf("primary_conninfo = 'host=%s port=%d user=rep'\n", $upstream->node->host, $upstream->node->port));
	$standby->node->start;
	$upstream->node->poll_query_until('postgres', 'SELECT count(*) = 1 FROM pg_stat_replication') or die "$name does not stream";
	return $standby;
}
my $s = standby('heir', $p);
my $c = standby('cascaded', $s);
sub caught_up
{
	my ($lsn, @servers) = @_;
	$_->node->poll_query_until('postgres', "SELECT pg_last_wal_replay_lsn() >= '$lsn'") or die 'a standby lags' for @servers;
}
sub failures { return join(' ', map { $_->sql('SELECT failed_count FROM pg_stat_archiver') } @_); }
sub written { my ($server) = @_; return $server->sql('SELECT pg_current_wal_flush_lsn()'); }

# All of them at once.
for my $n (1 .. 5)
{
	$p->sql("INSERT INTO t VALUES ($n)");
	$p->wait_archived;
}
caught_up(written($p), $s, $c);
my $last = (grep { /^[0-9A-F]{24}/ } map { s/.*\///r } $p->stored_wal('00000001'))[-1];
for my $server ($s, $c)
{
	$server->node->poll_query_until('postgres', "SELECT last_archived_wal >= '$last' FROM pg_stat_archiver")
	  or die 'a standby does not archive';
}
is(failures($p, $s, $c), '0 0 0', 'three servers archive the same segments at once');
is($c->sql('SELECT backlog_segments FROM pitr_status'), '0', 'and nothing waits');

# The primary dies in the middle of a segment, of which the standbys have everything.
$p->sql('CHECKPOINT');
$p->wait_archived;
$p->sql('INSERT INTO t VALUES (6)');
my $kept = written($p);
$p->sql('INSERT INTO t VALUES (7)');
$p->sql('INSERT INTO t VALUES (8)');
my $cut = $p->sql('SELECT pg_walfile_name(pg_current_wal_lsn())');
caught_up(written($p), $s, $c);
$p->node->stop('immediate');
my $lost = $p->empty_cluster('tailless');
my $tailless = $lost->node->data_dir;
system_or_bail('cp', '-a', $p->node->data_dir . '/.', $tailless);
$s->node->promote;
$s->wait_open;
$s->sql('INSERT INTO t VALUES (9)');
$s->wait_archived;
caught_up(written($s), $c);
sub parts { return map { s/.*\///r } grep { /$cut\..*\.partial$/ } $p->stored_wal('00000001'); }
PitrTest::wait_for('the part to be stored', sub { return scalar(parts()); });
ok(!-e $p->stored_path($cut), 'what the standbys have of the cut segment is not stored as the whole');
is(failures($s, $c), '0 0', 'both go on archiving');
is($c->sql('SELECT count(*) FROM t'), '9', 'the other standby follows the new primary');
$s->backup("label => 'after'");

# The old primary without its tail, as after a power failure that its disk lied about.
my $path = "$tailless/pg_wal/$cut";
my ($high, $low) = $kept =~ /([0-9A-F]+)\/([0-9A-F]+)/ or die $kept;
my $offset = hex($low) % (1 << 20);
open(my $file, '+<', $path) or die $!;
seek($file, $offset, 0);
print $file "\0" x ((1 << 20) - $offset);
close $file;
$lost->adopt("archive_mode = on\n");
$lost->node->start;
is($lost->sql('SELECT max(n) FROM t'), '6', 'it has lost two rows') or BAIL_OUT('the rest tests nothing');
$lost->sql('INSERT INTO t VALUES (666); SELECT pg_switch_wal()');
$lost->wait_for_log(qr/WARNING:.*archiving WAL file "$cut": another beginning of this segment is stored/);
like($lost->log, qr/two servers wrote it differently/, 'its segment is refused');
ok(!-e $p->stored_path($cut) && -e $path, 'and neither is lost');
$lost->node->stop('immediate');

# The old primary as it was, not rewound. What it writes in the first second of the new timeline counts as written before the failover: the
# timeline is dated by a checkpoint, whose time has whole seconds.
my ($before) = parts();
$p->node->start;
$p->sql('SELECT pg_sleep(2)');
$p->sql('INSERT INTO t VALUES (10)');
my $whole = $p->wait_archived;
is($whole, $cut, 'the old primary finishes its segment') or BAIL_OUT('the rest tests nothing');
ok(-e $p->stored_path($cut) && -e $p->stored_path($before), 'the whole segment is stored beside its part');
is(failures($p), '0', 'without a failure');
$p->wait_for_log(qr/WARNING:.*is this the old primary of a failover\?.*Timeline 2 left timeline 1 at/);
my ($ok, $detail) = split /\|/, $p->sql(q{SELECT ok, detail FROM pitr_check() WHERE "check" = 'archive: timelines'});
is($ok, 'f', 'pitr_check on the old primary fails');
like($detail, qr/Is this server the old primary of a failover\? It has been written since, until .*pg_rewind.*set-aside 1\. Only if a test copy.*set-aside 2/, 'and asks the right question');
like($p->sql('SELECT timeline_warning FROM pitr_status'), qr/is this the old primary of a failover\? Timeline 2 left timeline 1 at .*set-aside 1\..*set-aside 2$/,
	'pitr_status has the doubt, the fork and what to do');
like($p->sql('SELECT note FROM pitr_timelines() WHERE timeline = 2'), qr/Is this server the old primary/, 'so does the list of timelines');
like($p->sql("SELECT string_agg(value, ' ') FROM pitr_restore_plan()"), qr/Is this server the old primary/, 'and a plan');
my ($status, undef, $err) = $p->pg_pitr('plan', '--target-latest');
isnt($status, 0, 'both timelines go on: the binary asks which');
like($err, qr/old primary that came back after a failover/, 'and names the case');
like($p->pg_pitr_ok('plan', '--target-latest', '--target-timeline', '1'),
	qr/note +Warning: Timeline 2, which left .*reached with --target-timeline 2\. Did the old primary of a failover come back and write timeline 1\?.*set-aside 1\. Only if/s,
	'a plan to the old one, asked for by its number, warns of the likely successor');
# Its own backup, taken while the new primary is idle, decides nothing.
my $before_failover = $p->sql("SELECT stop_time FROM pitr_info() WHERE label = 'base'");
for my $way ("SELECT pitr_backup(label => 'of_the_old_one')", "CALL pitr_run_backup('incr', 'scheduled')")
{
	my $seen = length $p->log;
	my ($failed, undef, $warned) = $p->try_sql($way);
	is($failed, 0, 'a backup of the old primary is taken all the same');
	like($warned, qr/WARNING: .*is this the old primary of a failover\?.*DETAIL: .*Timeline 2 left timeline 1 at .*HINT: .*set-aside 1\./s, 'with a warning');
	like(substr($p->log, $seen), qr/WARNING: .*is this the old primary of a failover\?\n.*DETAIL: .*HINT: /s, 'which is in the server log, too');
}
$p->wait_archived;
($status, undef, $err) = $p->pg_pitr('plan', '--target-latest');
isnt($status, 0, 'a backup of the old primary does not make it the only one that goes on');
like($err, qr/--target-timeline 1.*--target-timeline 2/s, 'both are named');
isnt(($p->pg_pitr('plan', '--target-time', $p->sql('SELECT now()')))[0], 0, 'nor at a moment at which the new one was idle');
($status, undef, $err) = $p->pg_pitr('timeline', 'set-aside', '1');
isnt($status, 0, 'the timeline of a running server is not set aside');
my $its_directory = $p->node->data_dir;
like($err, qr/timeline 1 is written by a server on this machine.*Process \d+ serves "\Q$its_directory\E".*goes on archiving.*HINT:.*stop.*--force/s, 'which is named, with what would happen');
(undef, undef, $err) = $s->try_sql('SELECT pitr_set_timeline_aside(1)');
like($err, qr/ERROR:.*timeline 1 is written by a server on this machine/, 'nor from SQL');
is($s->sql("SELECT pitr_set_timeline_aside(1, 'failover', force => true)"), 't', 'unless it is meant');
like($p->pg_pitr_ok('plan', '--target-latest'), qr/^timeline +2\b/m, 'when the old one is set aside the new one is taken');
like($p->pg_pitr_ok('plan', '--target-time', $before_failover), qr/^timeline +1\b/m, 'and a moment before the failover is still found');
sub timelines_of { my ($server) = @_; return $server->sql(q{SELECT ok || '|' || detail FROM pitr_check() WHERE "check" = 'archive: timelines'}); }
like(timelines_of($s), qr/^true\|timeline 1: Set aside/, 'and pitr_check() on the new primary is content');
like(timelines_of($p), qr/^false\|timeline 1: Warning: this server writes it, and it was set aside .*failover/m, 'that of the old primary, which comes back, fails');
(undef, undef, $err) = $p->try_sql("SELECT pitr_backup('incr')");
like($err, qr/WARNING:.*timeline 1, which this server writes, was set aside.*DETAIL:.*Timeline 2 left timeline 1 at .*HINT:.*old primary of a failover, stop it.*take-back 1/s,
	'and its backup warns of that');
$p->pg_pitr_ok('timeline', 'take-back', '1');

# The new primary sees that the old one goes on.
my $rival = qr/Timeline 1 was written until .*after timeline 2 had left it on .*may have transactions that timeline 2 lacks.*set-aside 1\./;
like(timelines_of($s), qr/^false\|timeline 1: Warning: $rival.*copy.*set-aside 2\. Until then a recovery .*planned without this server is refused/,
	'pitr_check() on the new primary fails, with both ways out');
is($s->sql(q{SELECT ok FROM pitr_check() WHERE "check" LIKE 'archive: a segment switched%'}), 't', 'that archiving works is proven all the same');
like($s->sql('SELECT note FROM pitr_timelines() WHERE timeline = 1'), $rival, 'so does the list of timelines');
is($s->sql('SELECT note FROM pitr_timelines() WHERE timeline = 2'), '', 'which says nothing of its own');
like($s->sql("SELECT string_agg(value, ' ') FROM pitr_restore_plan()"), qr/Warning: $rival.*--target-timeline 1\./, 'and a plan');
like($p->pg_pitr_ok('info'), $rival, 'info');
like($p->pg_pitr_ok('plan', '--target-latest', '--target-timeline', '2'), $rival, "and the binary's plan");
unlike($s->log, qr/is this the old primary/, 'it is not asked whether it is the old one');
is($s->sql('SELECT timeline_warning IS NULL FROM pitr_status'), 't', 'nor in pitr_status');

# Was it a test copy? Then that is set aside, and the server is quiet; after its next look, which a changed setting brings at once.
$p->pg_pitr_ok('timeline', 'set-aside', '--force', '2');
append_to_file($p->conf, "pg_pitr.archive_jobs = 3\n");
$p->node->reload;
$p->wait_archived;
PitrTest::wait_for('the doubt to go', sub { $p->wait_archived; $p->sql('SELECT timeline_warning IS NULL FROM pitr_status') eq 't' });
like(timelines_of($p), qr/^true\|timeline 2: Set aside/, 'and pitr_check() is content');
$p->pg_pitr_ok('timeline', 'take-back', '2');
$p->node->stop('immediate');
my $real = $p->restore('--target-latest', '--target-timeline', '2');
is($real->sql('SELECT string_agg(n::text, $$ $$ ORDER BY n) FROM t'), '1 2 3 4 5 6 7 8 9', 'along the new timeline nothing of the old primary is seen');
$real->node->stop('immediate');

# Split: the other standby is promoted while the primary that it follows runs on. The primary ran all along; that a promotion opened the new timeline tells.
$c->node->promote;
$c->wait_open;
$c->sql('INSERT INTO t VALUES (11)');
$c->wait_archived;
like($s->sql(q{SELECT ok || '|' || detail FROM pitr_check() WHERE detail LIKE 'timeline 3:%'}), qr/^false\|.*Is this server the old primary of a failover\?.*set-aside 2\. Only if a test copy wrote timeline 3/,
	'pitr_check() on a primary that was cut off from its successor fails');
my (undef, undef, $split) = $s->try_sql("SELECT pitr_backup('incr')");
like($split, qr/WARNING: .*is this the old primary of a failover\?.*Timeline 3 left timeline 2 at .*set-aside 2\./s, 'and its next backup warns, though it was not started anew');
like($s->sql('SELECT timeline_warning FROM pitr_status'), qr/Timeline 3 left timeline 2 at/, 'and pitr_status, which a backup tells');
$_->node->stop for $c, $s;

PitrTest::finish();
done_testing();
