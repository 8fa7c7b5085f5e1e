# wal-get as restore_command: prefetch, exit codes, and a long replay.
# Any server version will do.
use strict;
use warnings;
use lib 'test/lib';
use PitrTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $p = PitrTest->new('walget', initdb => ['--wal-segsize=1'], settings => [ 'pg_pitr.retry_timeout = 2s' ]);
$p->sql('CREATE TABLE t (n int, m text)');
$p->backup;
my @names = map { $p->sql("INSERT INTO t SELECT g, md5(g::text) FROM generate_series(1, 3000) g; SELECT pg_walfile_name(pg_switch_wal())") } 1 .. 60;
$p->wait_archived;

# By hand.
my $scratch = PostgreSQL::Test::Utils::tempdir();
my ($status) = $p->pg_pitr('wal-get', $names[0], "$scratch/one");
is($status, 0, 'a stored segment is fetched');
is(-s "$scratch/one", 1 << 20, 'with exactly the segment size');
is(slurp_file("$scratch/one"), slurp_file($p->node->data_dir . "/pg_wal/$names[0]"), 'and the content of the original')
  if -e $p->node->data_dir . "/pg_wal/$names[0]";
($status) = $p->pg_pitr('wal-get', '0000000100000009000000FF', "$scratch/none");
is($status, 1, 'a segment that is confirmed absent: exit 1');
ok(!-e "$scratch/none", 'and no file');
($status) = $p->pg_pitr('wal-get', '00000009.history', "$scratch/none");
is($status, 1, 'a history file that is absent: exit 1');
($status) = $p->pg_pitr('wal-get', 'nonsense', "$scratch/none");
cmp_ok($status, '>', 125, 'a name that is none is an error, not an absence');
rename($p->repository_dir, $p->repository_dir . '.away');
($status) = $p->pg_pitr('wal-get', $names[1], "$scratch/none");
cmp_ok($status, '>', 125, 'a repository that is away is an error, not an absence');
rename($p->repository_dir . '.away', $p->repository_dir);
my $nowhere = PostgreSQL::Test::Utils::tempdir() . '/no.conf';
IPC::Run::run([ PitrTest::binary(), 'wal-get', $names[0], "$scratch/none", '--config', $nowhere ], '>', \my $o, '2>', \my $e);
cmp_ok($? >> 8, '>', 125, 'a missing settings file is an error, not an absence');
like($e, qr/\Q$nowhere\E/, 'and named');

# The program that the server calls hands on what it cannot do itself, with the same answers.
my $quick = PitrTest::binary() . '_wal_get';
sub quick
{
	my (@arguments) = @_;
	IPC::Run::run([ $quick, '--config', $p->conf, @arguments ], '<', \undef, '>', \my $out, '2>', \my $err);
	return $? >> 8;
}
is(quick($names[1], "$scratch/two"), 0, 'pg_pitr_wal_get fetches a stored segment');
is(-s "$scratch/two", 1 << 20, 'whole');
is(quick('0000000100000009000000FF', "$scratch/none"), 1, 'and says that one is absent');
is(quick('00000009.history', "$scratch/none"), 1, 'or a history file');
cmp_ok(quick('nonsense', "$scratch/none"), '>', 125, 'but not of a name that is none');
cmp_ok(quick(), '>', 125, 'or of no name');

# A replay of sixty segments; the spool is gone afterwards and no prefetcher stays.
my $want = $p->content;
my $restored = $p->restore('--target-latest');
is($restored->content, $want, 'sixty segments are replayed');
my $data = $restored->node->data_dir;
like($restored->sql('SHOW restore_command'), qr/^\S*pg_pitr_wal_get --config /, 'by pg_pitr_wal_get');
PitrTest::wait_for('the spool to be removed', sub { !-e "$data/pg_wal/pg_pitr.spool" }, 60);
pass('the prefetcher removes its spool when recovery has ended');
my $left = `pgrep -x pg_pitr -a | grep -F '$data' || true`;
is($left, '', 'and no process stays');

# The store fails in the middle of a replay: the server stops rather than open early; when it is back recovery goes on.
my $empty = $p->empty_cluster('broken');
$p->pg_pitr_ok('restore', '--pgdata', $empty->node->data_dir, '--no-progress');
my $hidden = $p->stored_path($names[30]);
my $good = slurp_file($hidden);
unlink $hidden;
append_to_file($hidden, substr($good, 0, 1000));
$empty->adopt;
$empty->start_to_end;
$empty->wait_for_log(qr/FATAL:.*(could not restore file|restore_command)|startup process .* exited|database system is shut down/s);
unlike($empty->log, qr/archive recovery complete/, 'a damaged segment does not end recovery early');
$empty->node->stop('immediate', fail_ok => 1);
unlink $hidden;
append_to_file($hidden, $good);
$empty->node->start;
$empty->wait_open;
is($empty->content, $want, 'mended, recovery goes on to the end');

PitrTest::finish();
done_testing();
