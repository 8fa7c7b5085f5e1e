# A store that accepts connections and never answers blocks nobody; killed archivers lose nothing.
# Any server version will do.
# About 50 s.
use strict;
use warnings;
use IO::Socket::INET;
use lib 'test/lib';
use PitrTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

# A listener that never accepts: the kernel completes the handshake, then silence.
my $silent = IO::Socket::INET->new(Listen => 64, LocalAddr => '127.0.0.1', LocalPort => 0, Proto => 'tcp') or die $!;
my $key = PostgreSQL::Test::Utils::tempdir() . '/s3.key';
PitrTest::write_private($key, "access_key_id = a\nsecret_access_key = very-secret-value\n");

my $p = PitrTest->new('stall', conf => "restart_after_crash = on\n", settings => [ 'pg_pitr.request_timeout = 60s' ]);
$p->sql('CREATE DATABASE victim');
$p->wait_archived;
append_to_file($p->conf, "pg_pitr.repository = 's3://bucket/stall'\npg_pitr.s3_endpoint = 'http://127.0.0.1:" . $silent->sockport
	  . "'\npg_pitr.s3_credentials_file = '$key'\n");
$p->node->reload;
$p->sql('CREATE TABLE t (n int); SELECT pg_switch_wal()');
PitrTest::wait_for('the archiver to be busy', sub { $p->sql("SELECT archiver_state <> 'idle' FROM pitr_status") eq 't' });

my $start = time;
$p->sql('DROP DATABASE victim');
cmp_ok(time - $start, '<', 5, 'DROP DATABASE while the archiver waits for a stalled store');
is($p->sql("SELECT backlog_segments > 0 FROM pitr_status"), 't', 'the backlog is visible');

$start = time;
my ($status, undef, $err) = $p->try_sql("SET statement_timeout = '1s'; SELECT * FROM pitr_info()");
isnt($status, 0, 'a statement over a stalled store can be cancelled');
like($err, qr/statement timeout/, 'by statement_timeout');
cmp_ok(time - $start, '<', 5, 'at once');

$start = time;
$p->node->stop('fast');
cmp_ok(time - $start, '<', 45, 'a fast shutdown with a stalled store');
unlike($p->log, qr/very-secret-value/, 'no secret in the log');

# Back to the directory: nothing was lost meanwhile.
append_to_file($p->conf, "pg_pitr.repository = '$p->{repository}'\n");
$p->node->start;
$p->wait_archived;

# kill -9 of the archiver while it works restarts it; every segment arrives all the same.
my @names;
for my $round (1 .. 3)
{
	push @names, map { $p->sql("INSERT INTO t SELECT generate_series(1, 20000); SELECT pg_walfile_name(pg_switch_wal())") } 1 .. 4;
	my $pid = $p->sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'archiver'");
	kill 'KILL', $pid if $pid;
	PitrTest::wait_for('the server to be back with another archiver',
		sub { my ($s, $new) = $p->try_sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'archiver'"); $s == 0 && $new && $new ne $pid; });
}
$p->wait_archived;
is(scalar(grep { !-s $p->stored_path($_) } @names), 0, 'every segment is stored in spite of kill -9');

# kill -9 of the whole server, then a normal start.
$p->sql('INSERT INTO t SELECT generate_series(1, 100000)');
my $rows = $p->sql('SELECT count(*) FROM t');
$p->crash_and_start;
is($p->sql('SELECT count(*) FROM t'), $rows, 'the server recovers from kill -9');
# What README says to alert on: taken from there.
my ($watch) = slurp_file("$ENV{PITR_TOP}/README.md") =~ /^\*\*5\. Watch(.*?)^## /ms;
my ($often, $daily) = $watch =~ /^```sql\n(.*?)^```/msg;
is($p->sql($daily), 'no good backup for a day|', 'without a backup the daily alert is there');
$p->backup;
$p->wait_archived;
is($p->sql($daily), '', 'with one it is not');
PitrTest::wait_for('no alert', sub { $p->sql($often) eq '' });
append_to_file($p->conf, "pg_pitr.repository = ''\n");
$p->node->reload;
PitrTest::wait_for('the alert', sub { $p->sql($often) =~ /^archiving: not configured\|setting "pg_pitr.repository" is not set/m });
append_to_file($p->conf, "pg_pitr.repository = '$p->{repository}'\n");
$p->node->reload;
PitrTest::wait_for('the alert to go', sub { $p->sql($often) eq '' });
my $copy = $p->restore('--target-latest');
is($copy->content, $p->content, 'and what it archived restores');

PitrTest::finish(stall => 1);
done_testing();
