# Standbys and the archive: a store that is away, promotion meanwhile, and archive_mode = always.
use strict;
use warnings;
use lib 'test/lib';
use PitrTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

# Nothing listens on port 1: every attempt fails, for as long as it is allowed to go on.
my $p = PitrTest->new('prim', initdb => ['--wal-segsize=1'], conf => "autovacuum = off\nwal_keep_size = 64\n");
my $data = $p->node->data_dir;
$p->sql('CREATE TABLE t (n int)');
$p->backup;
$p->sql('INSERT INTO t VALUES (1)');
$p->wait_archived;
sub standby
{
	my ($conf) = @_;
	my $standby = $p->empty_cluster;
	$p->pg_pitr_ok('restore', '--pgdata', $standby->node->data_dir, '--no-progress', '--mode', 'standby');
	$standby->adopt(($conf // "archive_mode = off\n") . "primary_conninfo = '" . $p->node->connstr . "'\n");
	return $standby;
}
sub rows { return $_[0]->sql('SELECT count(*) FROM t'); }
my $one = standby();
$one->node->start;
PitrTest::wait_for('the standby to have the row', sub { my ($s, $o) = $one->try_sql('SELECT count(*) FROM t'); $s == 0 && $o eq '1' });

my $told = $p->pg_pitr_ok('restore', '--pgdata', $p->empty_cluster->node->data_dir, '--no-progress', '--mode', 'standby', '--target-timeline', '1');
like($told, qr/It stays on timeline 1: recovery_target_timeline = '1' is written, as you chose it.*does not follow by itself/s,
	'a standby that is told a number says that it stays there');

# The repository is away.
rename($p->repository_dir, $p->repository_dir . '.away') or die $!;
my $begun = time;
$one->node->restart;
pass('a standby is restarted while its archive is away');
$p->sql('INSERT INTO t VALUES (2)');
PitrTest::wait_for('streaming', sub { my ($s, $o) = $one->try_sql('SELECT count(*) FROM t'); $s == 0 && $o eq '2' }, 60);
pass('and streams');
$one->wait_for_log(qr/this standby goes on without the archive and asks it again every few seconds/);
$p->node->stop('immediate');
$begun = time;
$one->node->promote;
$one->wait_open;
cmp_ok(time - $begun, '<', 40, 'it is promoted within seconds');
is(rows($one), '2', 'with what it had');
unlike($one->log, qr/exit code 20\d|terminated by|startup process .* exited/, 'nothing stopped it');

# A recovery to a point in time stops.
rename($p->repository_dir . '.away', $p->repository_dir) or die $!;
my $recovery = $p->empty_cluster;
$p->pg_pitr_ok('restore', '--pgdata', $recovery->node->data_dir, '--no-progress');
$recovery->adopt;
rename($p->repository_dir, $p->repository_dir . '.away') or die $!;
$recovery->start_to_end;
$recovery->wait_for_log(qr/database system is shut down|startup process .* exited/);
unlike($recovery->log, qr/archive recovery complete/, 'a recovery does not take it for the end of the archive');
rename($p->repository_dir . '.away', $p->repository_dir) or die $!;

PitrTest::finish();
done_testing();
