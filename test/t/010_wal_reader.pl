# The WAL reader against pg_waldump: record by record over the WAL of a busy server, and the ends of WAL.
use strict;
use warnings;
use File::Copy qw(copy);
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $dump = $ENV{PITR_WAL_DUMP} // 'test/lib/pitr_wal_dump';  # built by CMake, put there by run-tests.sh
-x $dump or BAIL_OUT("$dump is not there");

my $node = PostgreSQL::Test::Cluster->new('waldump');
$node->init(extra => ['--wal-segsize=1']);
my $archive = $node->basedir . '/archive';
mkdir $archive or die;
$node->append_conf('postgresql.conf', <<"X");
wal_level = logical
max_prepared_transactions = 10
wal_compression = pglz
autovacuum = off
archive_mode = on
archive_command = 'cp "%p" "$archive/%f"'
X
$node->start;
my $major = int($node->safe_psql('postgres', 'SHOW server_version_num') / 10000);

my $start = $node->safe_psql('postgres', 'CHECKPOINT; SELECT pg_switch_wal(); SELECT pg_current_wal_lsn()');
$start =~ s/.*\n//s;
$node->command_ok([ 'pgbench', '-i', '-q', '-s', '1', '-p', $node->port, '-h', $node->host, 'postgres' ], 'pgbench -i');
$node->command_ok([ 'pgbench', '-c', '4', '-t', '200', '-p', $node->port, '-h', $node->host, 'postgres' ], 'pgbench');
$node->safe_psql('postgres', "SELECT pg_create_restore_point('before the accident')");
$node->safe_psql('postgres', slurp_file('test/lib/every_index.sql') . <<'X');
INSERT INTO big (t) SELECT string_agg(md5(g::text), '') FROM generate_series(1, 20000) g;
DELETE FROM big WHERE id % 3 = 0;
VACUUM big;
TRUNCATE big;
BEGIN; SAVEPOINT a; INSERT INTO big (t) VALUES ('x'); SAVEPOINT b; INSERT INTO big (t) VALUES ('y'); RELEASE b; CREATE TABLE dropme (i int); COMMIT;
DROP TABLE dropme;
BEGIN; INSERT INTO big (t) VALUES ('z'); ROLLBACK;
BEGIN; INSERT INTO big (t) VALUES ('p'); PREPARE TRANSACTION 'one'; COMMIT PREPARED 'one';
BEGIN; CREATE TABLE pt (i int); INSERT INTO big (t) VALUES ('q'); PREPARE TRANSACTION 'two'; ROLLBACK PREPARED 'two';
CREATE UNLOGGED TABLE ul (i int);
SELECT pg_logical_emit_message(true, 'long', repeat('m', 2500000));
CHECKPOINT;
SELECT pg_switch_wal();
UPDATE pgbench_accounts SET abalance = 1 WHERE aid < 2000;
CREATE DATABASE logged STRATEGY wal_log;
CREATE DATABASE copied STRATEGY file_copy;
DROP DATABASE logged;
X
my $end = $node->safe_psql('postgres', 'SELECT pg_create_restore_point($$end$$)');

# Records from $from to $to as both see them.
sub compare
{
	my ($directory, $timeline, $from, $to, $name) = @_;
	local $ENV{TZ} = 'UTC';
	IPC::Run::run([ 'pg_waldump', '-p', $directory, '-t', $timeline, '-s', $from, '-e', $to ],
		'|', [ $^X, 'test/lib/waldump_lines.pl' ], '>', \my $theirs, '2>', \my $their_errors);
	my $status = IPC::Run::run([ $dump, $directory, $timeline, $from, $to ], '>', \my $ours, '2>', \my $our_errors);
	ok($status, "$name: read") or diag($our_errors);
	$ours =~ s/^end .*\n//m;
	my ($n, @ours) = (0, split /\n/, $ours);
	my @theirs = split /\n/, $theirs;
	$n++ while $n < @ours && $n < @theirs && $ours[$n] eq $theirs[$n];
	cmp_ok(scalar @theirs, '>', 0, "$name: pg_waldump has records");
	is($n, scalar @theirs, "$name: all of them are the same") or diag("pg_waldump: " . ($theirs[$n] // 'end') . "\nours:       " . ($ours[$n] // 'end'));
	is(scalar @ours, scalar @theirs, "$name: and as many");
	return @ours;
}

my $wal = $node->data_dir . '/pg_wal';
my $last = $node->safe_psql('postgres', 'SELECT pg_walfile_name(pg_switch_wal())');
$node->poll_query_until('postgres', "SELECT last_archived_wal >= '$last' FROM pg_stat_archiver") or die 'not archived';
my @records = compare($archive, 1, $start, $end, 'archived segments');
cmp_ok(scalar @records, '>', 10000, 'thousands of records');
ok((grep { / RESTORE_POINT before the accident$/ } @records), 'the restore point has its name');
for my $event (qw(COMMIT ABORT COMMIT_PREPARED ABORT_PREPARED RESTORE_POINT CHECKPOINT_ONLINE CREATE CREATE_WAL_LOG CREATE_FILE_COPY DROP_DB SWITCH))
{
	ok((grep { / $event\b/ } @records), "$event was among them");
}
ok((grep { / COMMIT .* drops \d/ } @records), 'a commit that drops relations was among them');
ok((grep { / COMMIT .* subxacts \d/ } @records), 'a commit with subtransactions was among them');

# The end of WAL in the server's own directory: told as an end, at the position the server continues from.
$node->safe_psql('postgres', 'CREATE TABLE tail (i int); INSERT INTO tail VALUES (1)');
$node->stop;
my ($control) = run_command([ 'pg_controldata', $node->data_dir ]);
my ($latest) = $control =~ /Latest checkpoint location:\s+(\S+)/;
my $status = IPC::Run::run([ $dump, $wal, 1, $latest ], '>', \my $tail, '2>', \my $errors);
ok($status, 'the end of WAL is no error') or diag($errors);
like($tail, qr/^XLOG \S+ 0 \S+ \S+ CHECKPOINT_SHUTDOWN/m, 'the last record is the shutdown checkpoint');
like($tail, qr/^end \S+ (zeroes|old page|no page)$/m, 'and after it nothing was written');

# A flipped bit in an archived segment is damage.
my $damaged = PostgreSQL::Test::Utils::tempdir();
copy("$archive/$_", "$damaged/$_") for map { s{.*/}{}r } glob("$archive/0000000100000000*");
my ($victim) = (sort glob("$damaged/00000001*[0-9A-F]"))[5];
open my $file, '+<:raw', $victim or die $!;
sysseek $file, 400000, 0;
sysread $file, my $byte, 1;
sysseek $file, 400000, 0;
syswrite $file, chr(ord($byte) ^ 4);
close $file;
ok(!IPC::Run::run([ $dump, $damaged, 1, $start, $end ], '>', \my $ignored, '2>', \my $damage), 'a flipped bit is found');
like($damage, qr/WAL (record|page) at/, 'and the place is told');

done_testing;
