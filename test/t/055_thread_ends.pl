# A process of the server ends when its threads have ended, libraries' clean-up in them included, or without running any clean-up at all: otherwise it
# crashes now and then, and takes the server with it. test/modules/unjoined_threads.c makes now and then always.
# Any server version will do.
use strict;
use warnings;
use lib 'test/lib';
use PitrTest;
use PostgreSQL::Test::Utils;
use Test::More;

chomp(my $modules = qx(pg_config --pkglibdir));
$ENV{LD_PRELOAD} = "$modules/unjoined_threads.so";
-e $ENV{LD_PRELOAD} or die "there is no $ENV{LD_PRELOAD}";

my $p = PitrTest->new('threads', initdb => ['--wal-segsize=1'], conf => "autovacuum = off\n");
my $node = $p->node;
$p->sql('CREATE TABLE t AS SELECT generate_series(1, 1000) AS i');
$p->backup("label => 'base'");
$p->wait_archived;

# Sessions: one that ends by itself after its threads did, one that is terminated while they run.
is($p->sql('SELECT count(*) FROM pitr_info()') > 0 ? 'ended' : '', 'ended', 'a session that has read the repository ends');
my $session = $node->background_psql('postgres', on_error_stop => 0);
my $pid = $session->query_safe('SELECT pg_backend_pid()') =~ s/\s//gr;
$session->query_until(qr/asked/, "\\echo asked\nSELECT count(*) FROM generate_series(1, 100000), pitr_verify('base');\n");
PitrTest::wait_for('the session to be at work', sub { $p->sql("SELECT state FROM pg_stat_activity WHERE pid = $pid") eq 'active' });
$p->sql("SELECT pg_terminate_backend($pid)");
ok(PitrTest::wait_for('it to end', sub { $p->sql("SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $pid") eq 't' }), 'a session that is terminated in the middle ends');
eval { $session->quit };

# The archiver, idle and at work; the backup worker, at the end of its work and in the middle.
$node->restart;
$p->wait_open;
$p->sql("INSERT INTO t SELECT generate_series(1, 50000)");
$p->sql('SELECT pg_switch_wal()');
$node->stop('fast');
$node->start;
$p->wait_open;
$p->backup("label => 'again'");
my $backing_up = $node->background_psql('postgres', on_error_stop => 0);
$backing_up->query_until(qr/asked/, "\\echo asked\nSELECT pitr_backup(label => 'cut');\n");
$node->stop('fast');
eval { $backing_up->quit };

PitrTest::finish();
unlike($p->log, qr/unjoined_threads:/, 'no process cleaned up beside a running thread');
done_testing();
