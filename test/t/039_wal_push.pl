# wal-push from a dead server's pg_wal: what is no success, a directory, and the unfinished last segment.
# Any server version will do.
use strict;
use warnings;
use File::Copy qw(copy);
use lib 'test/lib';
use PitrTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $p = PitrTest->new('push', initdb => ['--wal-segsize=1'], conf => "autovacuum = off\n");
my $pg_wal = $p->node->data_dir . '/pg_wal';
$p->sql('CREATE TABLE t (n int)');
$p->backup;
$p->sql('INSERT INTO t VALUES (1)');
$p->wait_archived;
$p->sql('INSERT INTO t SELECT generate_series(2, 1000)');
my $current = $p->sql('SELECT pg_walfile_name(pg_current_wal_insert_lsn())');
$p->node->stop('immediate');

# What saves nothing is no success, and says what to do.
my ($status, $out, $err) = $p->pg_pitr('wal-push', "$pg_wal/*");
isnt($status, 0, 'a pattern that the shell could not expand is an error');
like($err, qr{"\Q$pg_wal\E/\*" does not exist.*HINT:  Name the directory: pg_pitr wal-push --config \S+ \Q$pg_wal\E$}sm, 'which names the directory to give');
($status, $out, $err) = $p->pg_pitr('wal-push', "$pg_wal.nowhere");
isnt($status, 0, 'a path that does not exist is an error');
($status, $out, $err) = $p->pg_pitr('wal-push', '--json', "$pg_wal/archive_status");
isnt($status, 0, 'and so is a directory without WAL');
like($out, qr/"passed_over": 1,.*"error": /s, 'an object says so as well');
like($err, qr/there was nothing to archive/, 'which is said');

# The directory means its files; the unfinished segment is stored as that.
($status, $out, $err) = $p->pg_pitr('wal-push', $pg_wal);
is($status, 0, 'the directory itself is taken');
like($out, qr{^$current: unfinished, up to [0-9A-F]+/[0-9A-F]+: archived as that$}m, 'the last segment is stored as unfinished');
like($out, qr/^archived: 1 unfinished segment$/m, 'what was archived is counted by kind');
like($out, qr/^already there: \d+ segments?, 1 backup history file$/m, 'and what was there');
ok(!-e $p->stored_path($current), 'not under the name of a whole segment');
is(scalar(my @partials = glob($p->stored_path($current) . ".*.partial")), 1, 'but as a partial one');
($status, $out) = $p->pg_pitr('wal-push', "$pg_wal/$current");
is($status, 0, 'once more');
like($out, qr/the archive has as much of it, or more/, 'there is nothing to add');
like(($p->pg_pitr('info'))[1], qr/$current\.partial, up to/, 'info shows it');
is(($p->pg_pitr('verify'))[0], 0, 'verify reads it');
like(($p->pg_pitr('wal-push', '--json', "$pg_wal/$current"))[1], qr/"state": "already there",\n +"partial_until": "[0-9A-F]+\/[0-9A-F]+"/, 'an object has where it ends');

# The wrong disk: another cluster's pg_wal, of which a history file does not say whose it is.
my $other = "$PostgreSQL::Test::Utils::tmp_check/other_wal";
mkdir $other or die $!;
copy("$pg_wal/$current", "$other/$current") or die $!;
open(my $segment, '+<:raw', "$other/$current") or die $!;
seek($segment, 24, 0);
print $segment pack('Q<', 4711);
close($segment);
PostgreSQL::Test::Utils::append_to_file("$other/00000002.history", "1\t0/300000\tno recovery target specified\n");
my $before = join "\n", sort glob($p->repository_dir . '/wal/*/*');
($status, $out, $err) = $p->pg_pitr('wal-push', $other);
isnt($status, 0, 'WAL of another cluster is refused');
like($err, qr/00000002\.history was not stored: beside it lies WAL of another cluster.*DETAIL:  Segment $current in .* system identifier 4711,.*HINT:  Is this the pg_wal/s,
	'and so is its history file, which names no cluster');
# Beside it a segment of this cluster, which another cluster's of the same timeline hinders as little.
rename("$other/$current", "$other/000000010000000000000001") or die $!;
copy("$pg_wal/$current", "$other/$current") or die $!;
($status, $out, $err) = $p->pg_pitr('wal-push', $other);
isnt($status, 0, 'a directory with WAL of both is an error');
like($out, qr/^$current: unfinished, .*: the archive has as much of it, or more$/m, 'and what is of this cluster is stored');
unlink "$other/$current", "$other/000000010000000000000001";
($status, $out, $err) = $p->pg_pitr('wal-push', "$other/00000002.history");
isnt($status, 0, 'with nothing beside it a history file is refused');
like($err, qr/nothing beside it tells whose it is.*HINT:  .*--force/s, 'and the message says how to store it all the same');
is(join("\n", sort glob($p->repository_dir . '/wal/*/*')), $before, 'nothing of it was stored');
copy("$pg_wal/$current", "$other/$current") or die $!;
($status, $out, $err) = $p->pg_pitr('wal-push', "$other/00000002.history");
isnt($status, 0, 'beside a segment of another timeline it is refused');
like($err, qr/nothing tells that timeline 2 is this cluster's.*HINT:  .*--force/s, '... saying so');
PostgreSQL::Test::Utils::append_to_file("$other/00000007.history", "garbage\n");
($status, $out, $err) = $p->pg_pitr('wal-push', "$other/00000007.history");
isnt($status, 0, 'a history file with something else in it is refused, whoever is beside it');
is(join("\n", sort glob($p->repository_dir . '/wal/*/*')), $before, 'and not stored');

# A recovery to the end replays what is in it.
my $plan = $p->pg_pitr_ok('plan');
like($plan, qr/Of the last segment, $current, the archive has the beginning/, 'the plan says where the archive ends');
my $copy = $p->restore('--target-latest');
is($copy->sql('SELECT count(*) FROM t'), '1000', 'and recovery gets all of it');
$copy->node->stop('immediate');

# The same server comes back: the whole segment takes its place, and archiving goes on.
$p->node->start;
$p->sql('INSERT INTO t SELECT generate_series(1001, 2000)');
$p->wait_archived;
ok(-e $p->stored_path($current), 'the whole segment was archived beside it');
my $later = $p->restore('--target-latest');
is($later->sql('SELECT count(*) FROM t'), '2000', 'and is what a recovery reads');
unlike(slurp_file($later->node->data_dir . '/postgresql.auto.conf'), qr/--partial/, 'with nothing unfinished in it');
$later->node->stop('immediate');
like(($p->pg_pitr('wal-push', "$pg_wal/archive_status/..", "$pg_wal/archive_status"))[1], qr/^failed: 0$/m, 'the running server has it all archived');

PitrTest::finish();
done_testing();
