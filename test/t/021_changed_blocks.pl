# Changed blocks from WAL, with pg_waldump as the judge: every block that it names is among ours, and ours has no other.
# Segments of 1 MB, so that many records cross the end of one.
use strict;
use warnings;
use IPC::Run ();
use lib 'test/lib';
use PitrTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $dump = $ENV{PITR_CHANGE_DUMP} // 'test/lib/pitr_change_dump';  # built by CMake, put there by run-tests.sh
-x $dump or BAIL_OUT("$dump is not there");

my $p = PitrTest->new('changes', initdb => ['--wal-segsize=1'], conf => <<'X');
wal_keep_size = '4GB'
max_prepared_transactions = 10
wal_compression = pglz
autovacuum = off
X
my $node = $p->node;
my $wal = $node->data_dir . '/pg_wal';

# A new segment; its predecessor is whole then. Returns the predecessor's name.
sub switch_wal { return (split /\n/, $p->sql('SELECT pg_create_restore_point($$x$$); SELECT pg_walfile_name(pg_switch_wal())'))[-1]; }
sub next_segment
{
	my ($name) = @_;
	return sprintf '%s%08X%08X', substr($name, 0, 8), map { int } (hex(substr $name, 8, 8) * 4096 + hex(substr $name, 16, 8) + 1) / 4096, (hex(substr $name, 16, 8) + 1) % 4096;
}
sub changes
{
	my @command = @_;
	my ($out, $err);
	IPC::Run::run([ $dump, @command ], '>', \$out, '2>', \$err) or diag("@command: $err");
	return $out;
}
sub file_number { my ($relation) = @_; return $p->sql("SELECT coalesce(nullif(reltablespace, 0), (SELECT dattablespace FROM pg_database WHERE datname = current_database())) || '/' || (SELECT oid FROM pg_database WHERE datname = current_database()) || '/' || pg_relation_filenode(oid) FROM pg_class WHERE oid = '$relation'::regclass"); }

my $first = next_segment(switch_wal());
$p->sql('CREATE TABLE kept (id int PRIMARY KEY, t text) WITH (fillfactor = 70)');
$p->sql('INSERT INTO kept SELECT g, md5(g::text) FROM generate_series(1, 20000) g');
$p->sql('CREATE TABLE dropped AS SELECT * FROM kept');
$p->sql('CREATE TABLE cut AS SELECT * FROM kept; CREATE UNLOGGED TABLE unlogged (i int)');
my %before = map { $_ => file_number($_) } qw(kept dropped cut);
my $second = next_segment(switch_wal());
$node->command_ok([ 'pgbench', '-i', '-q', '-s', '1', '-p', $node->port, '-h', $node->host, 'postgres' ], 'pgbench -i');
$node->command_ok([ 'pgbench', '-c', '4', '-t', '150', '-p', $node->port, '-h', $node->host, 'postgres' ], 'pgbench');
$p->sql($_) for split /;\n/, slurp_file('test/lib/every_index.sql') . <<'X';
UPDATE kept SET t = 'x' WHERE id % 500 = 0;
DROP TABLE dropped;
DELETE FROM cut WHERE id > 10000;
VACUUM cut;
VACUUM FULL big;
BEGIN; CREATE TABLE never (i int); INSERT INTO never VALUES (1); ROLLBACK;
BEGIN; INSERT INTO kept VALUES (-1, 'p'); PREPARE TRANSACTION 'one'; COMMIT PREPARED 'one';
SELECT pg_logical_emit_message(true, 'long', repeat('m', 2500000));
CHECKPOINT;
DELETE FROM big WHERE id % 3 = 0;
VACUUM big;
CREATE DATABASE logged STRATEGY wal_log;
CREATE DATABASE copied STRATEGY file_copy;
X
my $logged = $p->sql("SELECT dattablespace || '/' || oid FROM pg_database WHERE datname = 'logged'");
my $copied = $p->sql("SELECT dattablespace || '/' || oid FROM pg_database WHERE datname = 'copied'");
$p->sql('DROP DATABASE logged');
my $last = switch_wal();

sub compare
{
	my ($from, $to, $name) = @_;
	IPC::Run::run([ 'pg_waldump', '-p', $wal, $from, $to ], '|', [ $^X, 'test/lib/waldump_blocks.pl' ], '>', \my $theirs, '2>', \my $errors);
	my $all = changes('wal', $wal, $from, $to);
	my @ours = sort grep { /^block / } split /^/, $all;
	my @theirs = split /^/, $theirs;
	cmp_ok(scalar @theirs, '>', 100, "$name: pg_waldump names blocks");
	my %ours = map { $_ => 1 } @ours;
	is_deeply([ grep { !$ours{$_} } @theirs ], [], "$name: we name all of them");
	is(scalar @ours, scalar @theirs, "$name: and no others");
	return $all;
}

my $all = compare($second, $last, 'a busy time');
like($all, qr{^limit $before{dropped} main 0$}m, 'a dropped relation is known as such');
like($all, qr{^limit $before{cut} main \d+$}m, 'a relation that vacuum made shorter too');
unlike($all, qr{^limit $before{kept} }m, 'but none that was left alone');
like($all, qr{^database $_$}m, "database $_ was made or dropped") for $logged, $copied;
unlike($all, qr{^everything}m, 'and knowledge does not end');
like(compare($first, $second, 'the beginning'), qr{^limit \d+/\d+/\d+ init 0$}m, 'an unlogged relation has an init fork');

# Crashes leave records incomplete.
for my $round (1 .. 3)
{
	my $begin = next_segment(switch_wal());
	$p->sql("INSERT INTO kept SELECT g * 10 + $round + 100000, repeat('c', 500) FROM generate_series(1, 3000) g");
	$p->crash_and_start;
	$p->sql("UPDATE kept SET t = 'after $round' WHERE id % 400 = $round");
	compare($begin, switch_wal(), "crash $round");
}

# wal_level = minimal in between.
my $begin = next_segment(switch_wal());
$node->append_conf('postgresql.conf', "wal_level = minimal\nmax_wal_senders = 0\narchive_mode = off");
$node->restart;
$p->sql("BEGIN; CREATE TABLE unseen (i int); INSERT INTO unseen SELECT generate_series(1, 10000); COMMIT");
$node->append_conf('postgresql.conf', "wal_level = replica\nmax_wal_senders = 4\narchive_mode = on");
$node->restart;
like(changes('wal', $wal, $begin, switch_wal()), qr{^everything: wal_level was minimal at }m, 'after wal_level = minimal nothing is known');

$p->finish;
done_testing;
