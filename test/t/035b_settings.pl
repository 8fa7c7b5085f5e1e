# Settings that recovery needs as large as the original had them.
use strict;
use warnings;
use lib 'test/lib';
use PitrTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $p = PitrTest->new('raised', conf => "max_connections = 40\nmax_worker_processes = 12\n");
$p->sql('CREATE TABLE orders (n int)');
$p->backup;
$p->node->append_conf('postgresql.conf', "max_connections = 70\nmax_worker_processes = 20\nmax_prepared_transactions = 10\n");
$p->node->restart;
$p->sql('INSERT INTO orders VALUES (1)');
# Lowered again: what counts is the most on the way.
$p->node->append_conf('postgresql.conf', "max_connections = 50\n");
$p->node->restart;
my $xid = $p->sql('INSERT INTO orders VALUES (2) RETURNING pg_current_xact_id()');
$p->sql('INSERT INTO orders VALUES (3)');
$p->wait_archived;

my ($status, $out, $err) = $p->pg_pitr('plan', '--target-xid', $xid);
like($out, qr/^settings +replay needs at least max_connections = 70, max_worker_processes = 20,.*max_prepared_transactions = 10/m,
	'the plan names what replay needs');
($status, $out, $err) = $p->pg_pitr('plan', '--target-immediate');
unlike($out, qr/^settings/m, '... and nothing where nothing was raised');

for my $how ([], [ '--target-xid', $xid ])
{
	my $copy = $p->restore(@$how);
	is($copy->sql('SELECT count(*) FROM orders'), @$how ? '2' : '3', "it opens by itself (@$how)");
	unlike($copy->log, qr/insufficient parameter settings|hot standby is not possible/, '... without a word of the server about settings');
	$copy->node->stop('immediate');
}

# A larger value stays.
my $larger = $p->empty_cluster;
my $text = $p->pg_pitr_ok('restore', '--pgdata', $larger->node->data_dir, '--no-progress');
like($text, qr/postgresql\.auto\.conf has max_connections = 70, max_worker_processes = 20, max_prepared_transactions = 10/, 'the restore says what it wrote');
my $auto = slurp_file($larger->node->data_dir . '/postgresql.auto.conf');
unlike($auto, qr/max_wal_senders|max_locks_per_transaction/, '... and that is only what is too small');
$p->sql('ALTER SYSTEM SET max_connections = 90');
$p->sql('ALTER SYSTEM SET hot_standby = off');
$p->node->restart;
$p->backup("label => 'enough'");
$p->sql('INSERT INTO orders VALUES (4)');
my $last = $p->sql('INSERT INTO orders VALUES (5) RETURNING pg_current_xact_id()');
$p->wait_archived;
my $enough = $p->empty_cluster;
$text = $p->pg_pitr_ok('restore', '--pgdata', $enough->node->data_dir, '--no-progress', '--target-xid', $last, '--target-action', 'pause');
unlike($text, qr/has max_connections/, 'what is configured large enough is left alone');
like($text, qr/hot_standby is off.*will not pause but shut down/s, 'a pause that will be none is said beforehand');
$p->node->stop;

PitrTest::finish();
done_testing();
