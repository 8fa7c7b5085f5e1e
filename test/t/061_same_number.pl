# Two servers that were recovered to one point gave one number to what they wrote since: nothing of the one is mixed with the other's. And what
# belongs to an original is not the copy's.
# Any server version will do.
use strict;
use warnings;
use lib 'test/lib';
use PitrTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $p = PitrTest->new('original');
my $data = $p->node->data_dir;
my $space = $p->node->basedir . '/space';
mkdir $space or die $!;
$p->sql("CREATE TABLESPACE kept LOCATION '$space'");
$p->sql('CREATE TABLE h (n int) TABLESPACE kept');
$p->backup;
my $xid = $p->sql('INSERT INTO h VALUES (1) RETURNING pg_current_xact_id()');
$p->sql('INSERT INTO h VALUES (9)');
$p->wait_archived;

# A look, which opens as timeline 2; then the original is recovered to the same point.
my $copy = $p->restore('--target-xid', $xid, '--tablespace', "$space=$space.copy");
$copy->sql('INSERT INTO h VALUES (100)');
$p->node->stop;

# A data directory that was copied has links to the original's tablespaces.
my $cloned = $p->empty_cluster->node->data_dir;
system('cp', '-a', $data, $cloned) == 0 or die 'cp';
my ($status, $out, $err) = $p->pg_pitr('restore', '--as-copy', '--delta', '--pgdata', $cloned, '--no-progress', '--target-xid', $xid);
isnt($status, 0, 'a copy is not restored into the tablespace of a stopped original');
like($err, qr/"\Q$space\E\/PG_[^"]*" is not empty.*place of the original/s, '... whose it is');

my $linked = qr/"\Q$space\E" \(tablespace \d+\) lies outside of the data directory and (?:is|was) restored, too\..*-D \Q$data\E --delta --target-latest --target-timeline 1\./;
for my $how ([ '--dry-run' ], [])
{
	my $text = $p->pg_pitr_ok('restore', '--pgdata', $data, '--delta', '--no-progress', '--target-xid', $xid, @$how);
	like($text, qr/NOTE: $linked/, "what a copy of the data directory does not bring back is said (@$how)");
}
$p->node->start;
$p->wait_open;
$p->sql('INSERT INTO h VALUES (2)');
$p->wait_archived;
$p->sql('INSERT INTO h VALUES (3)');
$p->wait_archived;
# A position at a segment's very start has another name in each version.
my $writes = 'SELECT pg_walfile_name(pg_current_wal_insert_lsn() + 64)';
like($p->sql($writes) . $copy->sql($writes), qr/^00000002.{16}00000002/, 'both write timeline 2') or BAIL_OUT('the rest tests nothing');

# The running server's own timeline, set aside with the wrong one of two numbers.
$p->pg_pitr_ok('timeline', 'set-aside', '--force', '2', '--reason', 'meant another');
like($p->sql(q{SELECT string_agg(detail || hint, ' ') FROM pitr_check() WHERE ok IS FALSE}), qr/this server writes it.*take-back 2/s, 'check fails');
is($p->sql('SELECT latest_timeline FROM pitr_recovery_window()'), '2', 'its own window stays its own');
(undef, undef, $err) = $p->try_sql('SELECT pitr_backup()');
like($err, qr/WARNING:.*timeline 2, which this server writes, was set aside.*take-back 2/s, 'a backup warns');
$p->pg_pitr_ok('timeline', 'take-back', '2');

$p->wait_archived;
my $next = $p->sql($writes);
$p->node->stop('immediate');
my @stored = $p->stored_wal;
my $n = 100;
# Not as many bytes as a restore point: what is compared is where the last record began.
while ($copy->sql($writes) lt $next) { $copy->sql('INSERT INTO h SELECT ' . ++$n . ' FROM generate_series(1, 3); SELECT pg_switch_wal()'); }
is($copy->sql($writes), $next, 'the copy is about to write what the original has not archived');
$copy->sql('INSERT INTO h VALUES (200)');
($status, $out, $err) = $p->pg_pitr('take-over', '--pgdata', $copy->node->data_dir);
isnt($status, 0, 'the copy cannot take over the number');
like($err, qr/timeline 2 of the repository was written by another server.*HINT:.*new, empty place/s, '... which the original had written');
($status, $out, $err) = $p->pg_pitr('wal-push', $copy->node->data_dir . '/pg_wal');
isnt($status, 0, 'neither is its WAL pushed');
like($err, qr/was not stored: it follows 00000002\S+, of which the archive has another content/, '... behind what differs');
is_deeply([ $p->stored_wal ], \@stored, '... nothing of it is in the archive');

# One that does not know that it was restored.
unlink($copy->node->data_dir . '/pg_pitr.restored');
$copy->node->append_conf('postgresql.conf', "archive_mode = on\n");
$copy->node->restart;
$copy->sql('INSERT INTO h VALUES (105)');
$copy->sql('SELECT pg_switch_wal()');
PitrTest::wait_for('the archiver to refuse',
	sub { ($copy->try_sql('SELECT last_error FROM pitr_status'))[1] =~ /written by another server|different content/ });
is_deeply([ $p->stored_wal ], \@stored, 'its archiver adds nothing to the timeline');
$copy->node->stop('immediate');

my $last = $p->restore('--target-latest', '--tablespace', "$space=$space.last");
is($last->sql('SELECT string_agg(n::text, $$ $$ ORDER BY n) FROM h'), '1 2 3', 'the original can be recovered');
$last->node->stop('immediate');

PitrTest::finish();
done_testing();
