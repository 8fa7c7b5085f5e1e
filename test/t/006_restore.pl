# Restores that are refused, interrupted, continued, and made over an existing directory.
# On a disk.
use strict;
use warnings;
use File::Path qw(remove_tree);
use IPC::Run ();
use lib 'test/lib';
use PitrTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $p = PitrTest->new('source');
my $node = $p->node;
$p->sql('CREATE TABLE a AS SELECT g AS n, md5(g::text) || md5((g + 1)::text) AS t FROM generate_series(1, 300000) g');
$p->sql('CREATE INDEX ON a (n); CREATE INDEX ON a (t)');
$p->sql("CREATE TABLE b$_ AS SELECT generate_series(1, 100) AS n") for 1 .. 30;
$p->backup;
$p->sql('DELETE FROM a WHERE n % 3 = 0');
$p->wait_archived;
my $want = $p->content;

# Refused: a running server's directory, a directory that is not empty, one of another cluster.
my ($status, $out, $err) = $p->pg_pitr('restore', '--pgdata', $node->data_dir, '--delta');
isnt($status, 0, 'the directory of a running server is refused');
like($err, qr/running|postmaster/, 'and the error says so');
is($p->sql('SELECT 1'), '1', 'the server is untouched');
# Nor may any place of a restore be inside a data directory or the repository; a dry run says the same.
my $inside = $node->data_dir;
my $new = PostgreSQL::Test::Utils::tempdir() . '/data';
for my $case (
	[ 'a subdirectory of a data directory', $inside, '--pgdata', "$inside/base/new" ],
	[ 'one that is there already', $inside, '--pgdata', "$inside/base", '--delta', '--force' ],
	[ 'WAL in it', $inside, '--pgdata', $new, '--waldir', "$inside/pg_wal/../wal" ],
	[ 'the repository', $p->repository_dir, '--pgdata', $p->repository_dir, '--delta', '--force' ],
	[ 'a directory in the repository', $p->repository_dir, '--pgdata', $p->repository_dir . '/wal/new' ],
	[ 'WAL in the repository', $p->repository_dir, '--pgdata', $new, '--waldir', $p->repository_dir . '/new' ],
	[ 'WAL in the new data directory', $new, '--pgdata', $new, '--waldir', "$new/wal" ])
{
	my ($what, $named, @options) = @$case;
	my ($real, undef, $said) = $p->pg_pitr('restore', @options);
	my ($dry, undef, $dry_said) = $p->pg_pitr('restore', '--dry-run', @options);
	isnt($real, 0, "$what is refused");
	like($said, qr/"\Q$named\E"/, 'naming both');
	is("$dry $dry_said", "$real $said", 'and so does the dry run');
}
is($p->sql('SELECT 1'), '1', 'the server is untouched');
ok(!-e $new, 'and nothing was made');
my $full = PostgreSQL::Test::Utils::tempdir();
append_to_file("$full/precious", 'data');
($status, $out, $err) = $p->pg_pitr('restore', '--pgdata', $full);
isnt($status, 0, 'a directory that is not empty is refused');
like($err, qr/not empty and is not a data directory.*"precious"/s, 'and the error says what it is');
($status, $out, $err) = $p->pg_pitr('restore', '--pgdata', $full, '--delta');
isnt($status, 0, 'with --delta too, when it is no data directory');
is(slurp_file("$full/precious"), 'data', 'nothing was touched');
my $stranger = PitrTest->new('stranger', no_extension => 1);
$stranger->node->stop;
($status, $out, $err) = $p->pg_pitr('restore', '--pgdata', $stranger->node->data_dir, '--delta');
isnt($status, 0, 'a directory of another cluster is refused');
$stranger->node->start;
pass('which still starts');
$stranger->node->stop;

# kill -9 at several points: the directory cannot start, and the same command finishes the work.
my $target = $p->empty_cluster('interrupted');
my $data = $target->node->data_dir;
for my $delay (300, 200, 120, 60, 20, 5)
{
	my ($kout, $kerr) = ('', '');
	my $run = IPC::Run::start([ PitrTest::binary(), 'restore', '--config', $p->conf, '--pgdata', $data, '--jobs', '1', '--no-progress' ],
		'<', \undef, '>', \$kout, '2>', \$kerr);
	usleep($delay * 1000);
	$run->kill_kill(grace => 0) if $run->pumpable;
	eval { $run->finish };
	if (-e "$data/global/pg_control")
	{
		last if -e "$data/pg_pitr.restore";
		# It was faster than that: once more, with less time.
		remove_tree($data);
		next;
	}
	$target->{node}->_update_pid(0) if $target->{node}->can('_update_pid');
	my $started = IPC::Run::run([ 'pg_ctl', '-D', $data, '-l', $target->node->logfile, '-w', '-t', '5', 'start' ], '>', \my $o, '2>', \my $e);
	ok(!$started, "after kill -9 at $delay ms the directory cannot start");
}
my $restored = $p->restore({ into => $target });
is($restored->content, $want, 'the same command continues and finishes the restore');
ok(!-e "$data/pg_pitr.restore", 'the state file is gone');
$restored->check_integrity;

# Delta: over the damaged directory of the old server; only what differs is fetched.
$p->sql('CREATE TABLE later (n int)');
$p->wait_archived;
my $lsn = $p->sql('SELECT pg_current_wal_lsn()');
$want = $p->content;
$node->stop;
my $a = $node->data_dir . '/base';
my @files = grep { -s $_ > 100_000 } glob("$a/*/*");
cmp_ok(scalar @files, '>', 3, 'there are files to damage');
unlink $files[0];
truncate($files[1], 8192);
open(my $f, '+<:raw', $files[2]) or die $!;
seek($f, 40_000, 0);
print $f 'x' x 1000;
close $f;
append_to_file($node->data_dir . '/base/1/99999', 'does not belong here');
$out = $p->pg_pitr_ok('restore', '--pgdata', $node->data_dir, '--delta', '--no-progress');
like($out, qr/\d+ files were right already/, 'the report says how much was kept');
ok(!-e $node->data_dir . '/base/1/99999', 'a file that does not belong is gone');
$node->start;
$p->wait_open;
is($p->content, $want, 'the directory is as it was');
is($p->sql('SHOW recovery_target_xid'), '', 'recovery settings are those of this restore');
$p->check_integrity;

# A retry with another target over the same directory leaves no settings of the first behind.
$p->pg_pitr_ok('restore', '--pgdata', $node->data_dir, '--delta', '--target-immediate', '--no-progress');
my $auto = slurp_file($node->data_dir . '/postgresql.auto.conf');
is(scalar(() = $auto =~ /^restore_command/mg), 1, 'one restore_command');
like($auto, qr/^recovery_target = 'immediate'/m, 'the new target is set');
$node->start;
$p->wait_open;
is($p->sql('SELECT count(*) FROM a'), '300000', 'and reached');
is($p->sql(q{SELECT string_agg("check" || ': ' || detail, '; ') FROM pitr_check() WHERE NOT ok}), '',
	'the check archives the first segment of the new timeline, without which no backup leads there, and then finds it well');

# Nothing is written when the plan fails: a segment is missing.
my ($gap) = (grep { /\/[0-9A-F]{24}$/ } $p->stored_wal('00000001'))[-2];
rename($gap, "$gap.hidden") or die $!;
my $empty = $p->empty_cluster;
($status, $out, $err) = $p->pg_pitr('restore', '--pgdata', $empty->node->data_dir, '--target-timeline', '1', '--target-lsn', $lsn);
isnt($status, 0, 'a missing WAL segment fails the plan');
my ($name) = $gap =~ m{([0-9A-F]{24})$};
like($out . $err, qr/$name/, 'and is named');
ok(!-e $empty->node->data_dir . '/PG_VERSION', 'nothing was written');
rename("$gap.hidden", $gap);

PitrTest::finish();
done_testing();
