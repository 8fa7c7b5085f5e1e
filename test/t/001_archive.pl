# Archiving: every kind of file, write-once, the right cluster, any segment size, nothing lost while the store is away.
# On a disk.
use strict;
use warnings;
use File::Copy qw(move copy);
use File::Path qw(remove_tree);
use lib 'test/lib';
use PitrTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

my $p = PitrTest->new('archive', settings => [ 'pg_pitr.retry_timeout = 2s' ]);

# A new segment makes the archiver look again; a switch with nothing written since the last one does not.
sub wake_archiver { $p->sql("SELECT pg_create_restore_point('wake')"); $p->sql('SELECT pg_switch_wal()'); return; }

# Segments.
$p->sql('CREATE TABLE t AS SELECT g AS n FROM generate_series(1, 1000) g');
my $first = $p->wait_archived;
ok(-s $p->stored_path($first), 'a full segment is in the repository under its own name');
ok(-s $p->repository_dir . '/pg_pitr.marker', 'the repository has a marker');

# Many at once come through the look-ahead, in any order, all of them.
my @made = map { $p->sql("INSERT INTO t SELECT generate_series(1, 1000); SELECT pg_walfile_name(pg_switch_wal())") } 1 .. 20;
$p->wait_archived;
is(scalar(grep { !-s $p->stored_path($_) } @made), 0, 'all of twenty segments are stored');
is($p->sql('SELECT backlog_segments, backlog_bytes FROM pitr_status'), '0|0', 'no backlog is reported');

# A backup history file.
my $backup = $p->backup;
$p->wait_archived;
my @history = grep { /\.backup$/ } $p->stored_wal('00000001');
is(scalar @history, 1, 'the backup history file is stored');

# The same file again is success; different content is refused, loudly, and the stored one stays.
my $status_dir = $p->node->data_dir . '/pg_wal/archive_status';
my $again = $p->wait_archived;
my $stored = slurp_file($p->stored_path($again));
rename("$status_dir/$again.done", "$status_dir/$again.ready") or die "$again.done: $!";
wake_archiver();
PitrTest::wait_for("$again to be accepted again", sub { -e "$status_dir/$again.done" });
pass('an identical segment is accepted again');
is(slurp_file($p->stored_path($again)), $stored, 'and the stored object is untouched');

my $victim = $p->wait_archived;
$stored = slurp_file($p->stored_path($victim));
open(my $segment, '+<:raw', $p->node->data_dir . "/pg_wal/$victim") or die $!;
seek($segment, 12_000_000, 0);
print $segment 'something else';
close $segment;
rename("$status_dir/$victim.done", "$status_dir/$victim.ready") or die "$victim.done: $!";
wake_archiver();
$p->wait_for_log(qr/$victim.*different content|different content.*$victim/s);
pass('different content under the same name is refused');
is(slurp_file($p->stored_path($victim)), $stored, 'and the stored object is untouched');
PitrTest::wait_for('the error in pitr_status',
	sub { $p->sql("SELECT last_error LIKE '%$victim%' FROM pitr_status") eq 't' });
pass('pitr_status shows the error');
# Each thing once: what, which file, why, what to do.
my ($said) = $p->log =~ /(WARNING:  [^\n]*"$victim[^\n]*\n(?:.*(?:DETAIL|HINT):  .*\n)*)/;
is(scalar(() = $said =~ /archiv(?:e|ing) WAL file/g), 1, 'that it could not be archived is said once') or diag($said);
is(scalar(() = $said =~ /"$victim"/g), 1, 'so is the file') or diag($said);
is(scalar(() = $said =~ /HINT: /g), 1, 'and the hint') or diag($said);
is($p->sql(qq{SELECT last_error LIKE '%"$victim"%' AND last_error NOT LIKE '%"$victim"%"$victim"%' FROM pitr_status}), 't', 'in pitr_status, too');
rename("$status_dir/$victim.ready", "$status_dir/$victim.done");

# The store is away: WAL stays, the backlog is visible, DROP DATABASE and shutdown are not blocked; it comes back and nothing is missing.
$p->sql('CREATE DATABASE other');
$p->wait_archived;
# What is left of it is an empty mount point, which must not be taken for a place to make a new repository in.
move($p->repository_dir, $p->repository_dir . '.away') or die $!;
mkdir($p->repository_dir) or die $!;
my @late = map { $p->sql("INSERT INTO t SELECT generate_series(1, 1000); SELECT pg_walfile_name(pg_switch_wal())") } 1 .. 5;
PitrTest::wait_for('the backlog to show', sub { $p->sql('SELECT backlog_segments >= 5 FROM pitr_status') eq 't' });
PitrTest::wait_for('a failure to show', sub { $p->sql('SELECT failed_count > 0 FROM pitr_status') eq 't' });
my $start = time;
$p->sql('DROP DATABASE other');
cmp_ok(time - $start, '<', 5, 'DROP DATABASE is not held up by a dead store');
is(scalar(grep { !-e $p->node->data_dir . "/pg_wal/$_" } @late), 0, 'WAL that is not stored stays in pg_wal');
$start = time;
$p->node->stop('fast');
cmp_ok(time - $start, '<', 45, 'a fast shutdown is not held up by a dead store');
ok(rmdir($p->repository_dir), 'nothing was written into the empty mount point');
move($p->repository_dir . '.away', $p->repository_dir) or die $!;
$p->node->start;
$p->wait_archived;
is(scalar(grep { !-s $p->stored_path($_) } @late), 0, 'after the store came back every segment is stored');

# pitr_check() passes on what the archiver says has to be done.
chomp(my @closed = qx(find '@{[ $p->repository_dir ]}/wal' -type d));
chmod 0500, @closed;
my $row = $p->sql(q{SELECT concat_ws('|', ok, detail, hint) FROM pitr_check() WHERE "check" LIKE 'archive: a segment%'});
chmod 0700, @closed;
like($row, qr/^f\|(\w{24}): the archiver failed with \1: .*Permission denied[^|]*\|The operating system user that runs this program must be allowed to do that/,
	'a check says why the archiver failed, and with its hint what to do');
$p->wait_archived;

# Another cluster is refused with an explanation; its WAL stays where it is.
my $other = PitrTest->new('other', repository_dir => $p->repository_dir);
$other->sql('CREATE TABLE x (n int); SELECT pg_switch_wal()');
$other->wait_for_log(qr/belongs to (another|a different) cluster/);
pass('another cluster is refused');
my ($status, undef, $err) = $other->try_sql('SELECT pitr_backup()');
isnt($status, 0, 'and cannot take a backup there');
like($err, qr/belongs to (another|a different) cluster/, 'with the same explanation');
$other->node->stop('immediate');

# The history file and the partial segment of a promoted copy.
my $restored = $p->restore({ unmarked => 1, conf => "archive_mode = on\n" }, '--target-latest');
$restored->wait_archived;
ok(-s $p->stored_path('00000002.history'), 'the history file of the new timeline is stored');


# Any segment size.
for my $megabytes (1, 64)
{
	my $sized = PitrTest->new("size$megabytes", initdb => [ "--wal-segsize=$megabytes" ]);
	$sized->sql('CREATE TABLE t AS SELECT g AS n FROM generate_series(1, 50000) g');
	$sized->backup;
	$sized->sql('INSERT INTO t SELECT generate_series(1, 50000)');
	$sized->wait_archived;
	my $copy = $sized->restore('--target-latest');
	is($copy->content, $sized->content, "segments of $megabytes MB: archived, fetched and replayed");
}

PitrTest::finish();
done_testing();
