# The one backup that may run: whoever claims it and is gone, in whatever moment, does not keep others from theirs.
# Any server version will do.
use strict;
use warnings;
use lib 'test/lib';
use PitrTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $p = PitrTest->new('claims', conf => "autovacuum = off\n");
my $node = $p->node;
my ($postmaster) = split /\n/, slurp_file($node->data_dir . '/postmaster.pid');

sub session_pid { my ($session) = @_; return $session->query_safe('SELECT pg_backend_pid()') =~ s/\s//gr; }

# Sessions that are there before new ones would have to wait.
my $watch = $node->background_psql('postgres', on_error_stop => 0);
my $second = $node->background_psql('postgres', on_error_stop => 0);
my $blocker = $node->background_psql('postgres', on_error_stop => 0);

# Terminated between claiming and starting a worker, which looks up the worker's database.
my $first = $node->background_psql('postgres', on_error_stop => 0);
my $pid = session_pid($first);
$blocker->query_safe('BEGIN; LOCK TABLE pg_database IN ACCESS EXCLUSIVE MODE');
$first->query_until(qr/asked/, "\\echo asked\nSELECT pitr_backup();\n");
PitrTest::wait_for('the caller to wait with its claim',
	sub { $watch->query_safe("SELECT count(*) FROM pg_locks WHERE pid = $pid AND NOT granted") =~ /1/ && $watch->query_safe('SELECT count(*) FROM pitr_progress') =~ /1/ });
$watch->query_safe("SELECT pg_terminate_backend($pid)");
PitrTest::wait_for('the caller to be gone', sub { !kill 0, $pid });
like($watch->query_safe('SELECT count(*) FROM pitr_progress'), qr/0/, 'a claim ends with the session that made it');
$blocker->query_safe('ROLLBACK');
ok($p->backup("label => 'after_claim'"), 'and the next backup runs');

# Terminated while it waits for a worker that the postmaster has not started yet.
my $third = $node->background_psql('postgres', on_error_stop => 0);
$pid = session_pid($third);
# A server that is stopped when the test dies would outlive it.
END { kill 'CONT', $postmaster if $postmaster; }
kill 'STOP', $postmaster;
$third->query_until(qr/asked/, "\\echo asked\nSELECT pitr_backup();\n");
PitrTest::wait_for('the claim', sub { $watch->query_safe('SELECT count(*) FROM pitr_progress') =~ /1/ });
$watch->query_safe("SELECT pg_terminate_backend($pid)");
ok(PitrTest::wait_for('its claim to end', sub { $watch->query_safe('SELECT count(*) FROM pitr_progress') =~ /0/ }), 'the claim ends, though no worker has seen that');
$second->query_until(qr/asked/, "\\echo asked\nSELECT pitr_backup(label => 'taken_over');\n\\echo over\n");
PitrTest::wait_for('the claim of another', sub { $watch->query_safe('SELECT label FROM pitr_progress') =~ /taken_over/ });
kill 'CONT', $postmaster;
PitrTest::wait_for('the backup of another', sub { $watch->query_safe('SELECT count(*) FROM pitr_progress') =~ /0/ });
my ($info) = $p->sql('SELECT string_agg(label, $$ $$ ORDER BY start_time) FROM pitr_info() WHERE status = $$ok$$');
is($info, 'after_claim taken_over', 'it is made, and the worker that comes too late makes none');

# A worker that fails before it has taken the claim over: it may not connect, as to a database whose drop was interrupted.
$p->sql('CREATE DATABASE other');
$node->safe_psql('other', 'CREATE EXTENSION pg_pitr');
my $other = $node->background_psql('other', on_error_stop => 0);
$other->query_safe("UPDATE pg_database SET datconnlimit = -2 WHERE datname = 'postgres'");
my ($status, $out, $err) = $node->psql('other', "SELECT pitr_backup(label => 'no_worker')");
if ($status != 0)
{
	like($err, qr/the backup worker ended unexpectedly|postgres/, 'a worker that cannot begin is no backup');
}
else { pass('the worker connects to another database') }
$other->query_safe("UPDATE pg_database SET datconnlimit = -1 WHERE datname = 'postgres'");
is($watch->query_safe('SELECT count(*) FROM pitr_progress') =~ s/\s//gr, '0', 'nothing is left of its claim');
ok($p->backup("label => 'after_no_worker'"), 'and the next backup runs');

$_->quit for ($watch, $second, $blocker, $other);
PitrTest::finish();
done_testing();
