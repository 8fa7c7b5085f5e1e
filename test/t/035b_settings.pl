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
$p->sql("BEGIN; INSERT INTO orders VALUES (100); PREPARE TRANSACTION 'open'");
$p->sql("SELECT pg_create_restore_point('prepared')");
$p->sql("ROLLBACK PREPARED 'open'");
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

# What is prepared outlives the recovery, and no server starts that has no room for it.
my $open = $p->restore('--target-name', 'prepared');
is($open->sql('SELECT count(*) FROM pg_prepared_xacts'), '1', 'a transaction is prepared at the end of recovery');
like($open->log, qr/recovery ended at .*so it was planned.*; max_prepared_transactions = 10 stays .*ALTER SYSTEM RESET max_prepared_transactions/, 'the setting stays, which is said');
unlike(slurp_file($open->node->data_dir . '/postgresql.auto.conf'), qr/max_connections|recovery_target/, '... and no other');
$open->node->restart;
$open->sql("COMMIT PREPARED 'open'");
is($open->sql('SELECT max(n) FROM orders'), '100', 'after a restart it can be committed');
$open->sql('ALTER SYSTEM RESET max_prepared_transactions');
$open->node->restart;
is($open->sql('SHOW max_prepared_transactions'), '0', '... and the setting taken back');
$open->node->stop('immediate');

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
my $by_hand = $p->pg_pitr_ok('restore', '--pgdata', $p->empty_cluster->node->data_dir, '--no-progress', '--mode', 'none', '--backup', (split /\n/, $p->sql('SELECT label FROM pitr_info() ORDER BY stop_time'))[0]);
like($by_hand, qr/NOTE: Recovery needs at least max_connections = 90, .*set it before the server is started/, 'whoever sets up recovery is told, too');
my $enough = $p->empty_cluster;
$text = $p->pg_pitr_ok('restore', '--pgdata', $enough->node->data_dir, '--no-progress', '--target-xid', $last, '--target-action', 'pause');
unlike($text, qr/has max_connections/, 'what is configured large enough is left alone');
like($text, qr/hot_standby is off.*will not pause but shut down/s, 'a pause that will be none is said beforehand');

# Tablespaces inside the data directory, which a developer's setting allows: one that the backup has, and one made after it. Recovery
# ends with a PANIC where it finds one and the setting is off.
$p->sql('ALTER SYSTEM RESET hot_standby');
$p->node->restart;
$p->sql("SET allow_in_place_tablespaces = on; CREATE TABLESPACE early LOCATION ''");
$p->sql('CREATE TABLE a TABLESPACE early AS SELECT generate_series(1, 10) AS n');
$p->backup("label => 'inside'");
$p->sql("SET allow_in_place_tablespaces = on; CREATE TABLESPACE late LOCATION ''");
$p->sql('CREATE TABLE b TABLESPACE late AS SELECT generate_series(1, 5) AS n');
$p->sql("SELECT pg_create_restore_point('inside')");
$p->sql('INSERT INTO b SELECT generate_series(6, 12); CHECKPOINT');
$p->wait_archived;
my $rows = 'SELECT (SELECT count(*) FROM a), (SELECT count(*) FROM b)';
($status, $out, $err) = $p->pg_pitr('plan', '--target-name', 'inside');
like($out, qr/^settings +recovery needs allow_in_place_tablespaces = on/m, 'the plan says what tablespaces in the data directory need');
like($out, qr/^new tablespace +\d+, inside the data directory/m, '... and that replay makes one');
my $inside = $p->restore('--target-name', 'inside');
is($inside->sql($rows), '10|5', 'both come back');
is($inside->sql(q{SELECT string_agg(t.oid || (pg_stat_file('pg_tblspc/' || t.oid)).isdir::text, '') ~ '^(\d+true){2}$'
	FROM pg_tablespace t WHERE spcname IN ('early', 'late')}), 't', '... as directories');
unlike(slurp_file($inside->node->data_dir . '/postgresql.auto.conf'), qr/in_place/, 'nothing of the setting is left after recovery');
$inside->node->restart;
is($inside->sql($rows), '10|5', '... nor needed');
$inside->node->stop('immediate');
my $standby = $p->restore({ no_start => 1 }, '--mode', 'standby');
$standby->node->start;
PitrTest::wait_for('the standby', sub { (($standby->try_sql($rows))[1] // '') eq '10|12' });
pass('a standby has them, too');
$standby->node->promote;
$standby->wait_open;
unlike(slurp_file($standby->node->data_dir . '/postgresql.auto.conf'), qr/in_place/, '... and no such setting once it is promoted');
$standby->node->stop('immediate');

$p->node->stop;
$text = $p->pg_pitr_ok('restore', '--pgdata', $p->node->data_dir, '--delta', '--no-progress', '--target-name', 'inside');
like($text, qr/postgresql\.auto\.conf has allow_in_place_tablespaces = on until recovery has ended/, 'the restore says what it wrote');
$p->node->start;
$p->wait_open;
is($p->sql($rows), '10|5', 'in place nothing of after the target is found by replay');
$p->node->stop;

PitrTest::finish();
done_testing();
