# One by one: what incremental backups get wrong when they are made carelessly. Each case changes the cluster between two
# backups; the second must restore to what the server then had.
use strict;
use warnings;
use lib 'test/lib';
use PitrTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $p = PitrTest->new('cases', conf => "autovacuum = off\n");
my $node = $p->node;
my $version = $p->sql('SHOW server_version_num') / 10000;
my $serial = 0;
my $target = $p->empty_cluster('copy');
my %spaces;

sub databases
{
	my ($server) = @_;
	return join '', map { "[$_]\n" . $server->content($_) }
	  split /\n/, $server->sql('SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY 1');
}

# Takes an increment after $change and restores it over what the last case left, which must not matter.
sub case
{
	my ($name, $change, %want) = @_;
	$p->sql('CHECKPOINT');
	ref $change ? $change->() : $p->sql($change);
	my $verify = $serial % 2 ? 'true' : 'false';
	my $type = $want{type} // 'incr';
	my ($status, $out, $err) = $p->try_sql("SELECT pitr_backup('$type', verify_changes => $verify)");
	is($status, 0, "$name: the backup succeeds, checked: $verify") or return diag($err);
	my ($label) = $out =~ /(\S+)/;
	like($label, $want{label} // qr/I$/, "$name: of the type expected") or diag($err);
	like($err, $want{notice}, "$name: the caller is told") if $want{notice};
	my ($source, $why) = split /\|/, $p->sql("SELECT change_source, change_reason FROM pitr_info() WHERE label = '$label'");
	is($source, $want{source} // 'page LSN', "$name: by the source expected") unless $want{label};
	like($why, $want{why}, "$name: for the reason expected") if $want{why};
	my $content = databases($p);
	my $point = 'case' . ++$serial;
	$p->sql("SELECT pg_create_restore_point('$point')");
	$p->wait_archived;
	my @map = map { ('--tablespace', "$_=" . ($spaces{$_} //= PostgreSQL::Test::Utils::tempdir())) }
	  split /\n/, $p->sql(q{SELECT pg_tablespace_location(oid) FROM pg_tablespace WHERE pg_tablespace_location(oid) LIKE '/%'});
	my $r = $p->restore({ into => $target }, '--backup', $label, '--target-name', $point, '--delta', @map);
	is(databases($r), $content, "$name: the restored cluster is equal");
	if ($want{integrity}) { $r->check_integrity; }
	else { $r->node->stop('immediate'); }
	return $label;
}

$p->sql('CREATE TABLE a AS SELECT g AS n, repeat(md5(g::text), 8) AS s FROM generate_series(1, 20000) g');
$p->sql('CREATE INDEX ON a (n)');
my $location = PostgreSQL::Test::Utils::tempdir();
$p->sql("CREATE TABLESPACE old LOCATION '$location'");
# The target is a data directory of this cluster from now on, so that --delta takes it.
my $first = $p->backup("'full'");
$p->wait_archived;
$p->pg_pitr_ok('restore', '--pgdata', $target->node->data_dir, '--backup', $first, '--target-immediate', '--no-progress',
	'--tablespace', "$location=" . ($spaces{$location} = PostgreSQL::Test::Utils::tempdir()));

case('nothing changed', 'SELECT 1');
case('truncation', 'DELETE FROM a WHERE n > 5000; VACUUM a');
case('growth after truncation', q{INSERT INTO a SELECT g, 'new' FROM generate_series(1, 100000) g});
case('TRUNCATE', q{TRUNCATE a; INSERT INTO a SELECT g, 'after' FROM generate_series(1, 20000) g});
case('VACUUM FULL', 'DELETE FROM a WHERE n % 2 = 0; VACUUM FULL a');
case('free space and visibility maps', 'DELETE FROM a WHERE n % 3 = 0; VACUUM a; UPDATE a SET n = n + 1 WHERE n % 50 = 0', integrity => 1);
case('hint bits', sub { $p->sql(q{UPDATE a SET s = s WHERE n % 7 = 0}); $p->sql('SELECT count(*) FROM a'); });
case('a rolled back transaction', q{BEGIN; INSERT INTO a SELECT g, 'gone' FROM generate_series(1, 5000) g; ROLLBACK});
case('drop and creation', q{DROP TABLE a; CREATE TABLE a AS SELECT g AS n, 'second' AS s FROM generate_series(1, 20000) g});

# The same database OID, and so the same paths, for pages that carry old LSNs.
if ($version >= 15)
{
	$p->sql('CREATE DATABASE template_one');
	$p->sql('CREATE DATABASE template_two');
	for my $name ('template_one', 'template_two')
	{
		$p->sql("CREATE TABLE c AS SELECT g AS n, '$name' AS s FROM generate_series(1, 3000) g", $name);
	}
	case('CREATE DATABASE by file copy', q{CREATE DATABASE copied OID = 60000 TEMPLATE template_one STRATEGY file_copy});
	case('a database made anew under the same OID by file copy',
		q{DROP DATABASE copied; CREATE DATABASE copied OID = 60000 TEMPLATE template_two STRATEGY file_copy}, integrity => 1);
	case('CREATE DATABASE by WAL', q{DROP DATABASE copied; CREATE DATABASE copied OID = 60000 TEMPLATE template_one STRATEGY wal_log});
}
case('a database that moves and comes back',
	q{ALTER DATABASE copied SET TABLESPACE old; ALTER DATABASE copied SET TABLESPACE pg_default});
my $new = PostgreSQL::Test::Utils::tempdir();
case('tablespaces that come and go', "CREATE TABLESPACE new LOCATION '$new'; CREATE TABLE b TABLESPACE new AS SELECT generate_series(1, 5000) AS n; DROP TABLESPACE old");
case('a relation that moves between tablespaces', 'ALTER TABLE b SET TABLESPACE pg_default; ALTER TABLE a SET TABLESPACE new');
case('sequences', 'CREATE SEQUENCE q; SELECT nextval($$q$$) FROM generate_series(1, 50)');
case('a sequence used further', 'SELECT nextval($$q$$) FROM generate_series(1, 5)');
case('an unlogged table that becomes logged', 'CREATE UNLOGGED TABLE u AS SELECT generate_series(1, 5000) AS n; ALTER TABLE u SET LOGGED');
case('a crash', sub { $p->sql(q{UPDATE a SET s = 'before the crash' WHERE n % 11 = 0}); $p->crash_and_start; });

# wal_level minimal and back: what was not logged is in files that are new, or the server refuses to be backed up.
case('wal_level minimal and back', sub {
	$node->stop;
	$node->append_conf('postgresql.conf', "wal_level = minimal\narchive_mode = off\nmax_wal_senders = 0\n");
	$node->start;
	$p->sql(q{BEGIN; CREATE TABLE m (n int, s text); INSERT INTO m SELECT g, 'unlogged' FROM generate_series(1, 20000) g; COMMIT});
	$p->sql(q{BEGIN; TRUNCATE a; INSERT INTO a SELECT g, 'unlogged' FROM generate_series(1, 20000) g; COMMIT});
	$node->stop;
	$node->append_conf('postgresql.conf', "wal_level = replica\narchive_mode = on\nmax_wal_senders = 4\n");
	$node->start;
});

# Checksums off and on again: pages change behind their LSNs.
case('checksums disabled', sub {
	$node->stop;
	command_ok([ 'pg_checksums', '--disable', '-D', $node->data_dir ], 'checksums disabled');
	$node->start;
	$p->sql(q{UPDATE a SET s = 'no checksum' WHERE n % 13 = 0});
}, source => 'full read', why => qr/disabled/);
case('without checksums', sub { $p->sql(q{UPDATE a SET s = 'hint' WHERE n % 17 = 0}); $p->sql('SELECT count(*) FROM a'); $p->sql('SELECT count(*) FROM m'); });
case('checksums enabled', sub {
	$node->stop;
	command_ok([ 'pg_checksums', '--enable', '-D', $node->data_dir ], 'checksums enabled');
	$node->start;
}, source => 'full read', why => qr/enabled/, integrity => 1);

# The data directory is moved by a copy that keeps times: no file is what it was.
case('a copied data directory', sub {
	$p->sql(q{UPDATE a SET s = 'copied' WHERE n % 19 = 0});
	$node->stop;
	my $data = $node->data_dir;
	system_or_bail('cp', '-a', $data, "$data.copy");
	system_or_bail('rm', '-rf', $data);
	rename "$data.copy", $data or die $!;
	$node->start;
}, integrity => 1);

# Asked for a full read, or for more than the longest chain.
$node->append_conf('postgresql.conf', "pg_pitr.change_source = 'full_read'\n");
$node->reload;
PitrTest::wait_for('the setting', sub { $p->sql('SHOW pg_pitr.change_source') eq 'full_read' });
case('a full read', q{UPDATE a SET s = 'read' WHERE n % 23 = 0}, source => 'full read', why => qr/setting/);
$node->append_conf('postgresql.conf', "pg_pitr.change_source = 'auto'\npg_pitr.max_chain_length = 2\n");
$node->reload;
PitrTest::wait_for('the setting', sub { $p->sql('SHOW pg_pitr.max_chain_length') eq '2' });
my $full = case('the longest chain', 'SELECT 1', label => qr/F$/, notice => qr/NOTICE:.*max_chain_length/);
case('a differential backup', q{UPDATE a SET s = 'diff' WHERE n % 29 = 0}, type => 'diff', label => qr/D$/);
is($p->sql(q{SELECT parent FROM pitr_info() WHERE type = 'diff'}), $full, 'builds on the last full backup');

# A recovery in place begins another timeline: its increments build on what both have in common.
my $common = $p->backup(q{'diff', label => 'common'});
$p->sql(q{UPDATE a SET s = 'kept' WHERE n % 31 = 0});
$p->sql(q{SELECT pg_create_restore_point('branch')});
$p->sql(q{UPDATE a SET s = 'lost' WHERE n % 37 = 0});
$p->backup(q{'diff', label => 'abandoned'});
$p->wait_archived;
$node->stop;
$p->pg_pitr_ok('restore', '--pgdata', $node->data_dir, '--delta', '--target-name', 'branch', '--no-progress');
$node->start;
$p->wait_open;
is($p->sql(q{SELECT count(*) FROM a WHERE s = 'lost'}), '0', 'the server is on the new branch');
$node->append_conf('postgresql.conf', "pg_pitr.max_chain_length = 30\n");
$node->reload;
PitrTest::wait_for('the setting', sub { $p->sql('SHOW pg_pitr.max_chain_length') eq '30' });
my $branch = case('a new timeline', q{UPDATE a SET s = 'branch' WHERE n % 41 = 0},
	notice => qr/NOTICE:  building on backup "common".*DETAIL:  Backup "abandoned".*not in the history of the current timeline 2/s, integrity => 1);
is($p->sql("SELECT parent FROM pitr_info() WHERE label = '$branch'"), 'common', 'its first increment builds on the last common backup');
case('and the next', q{UPDATE a SET s = 'branch again' WHERE n % 43 = 0});

# What the caller is told when a backup cannot be built on.
rename $p->repository_dir . "/data/$full/000001", $p->repository_dir . '/pack.away' or die $!;
rename $p->repository_dir . "/backup/$first/files", $p->repository_dir . '/files.away' or die $!;
my ($status, $out, $err) = $p->try_sql(q{SELECT pitr_backup('diff', label => 'instead')});
is($status, 0, 'with every earlier full backup damaged a backup is taken all the same');
like($err, qr/WARNING:  no earlier backup can be built on: taking a full backup.*DETAIL:.*\Q$full\E.*000001 is missing.*\Q$first\E/s, 'a full one, with a warning that names each');
is($p->sql(q{SELECT type FROM pitr_info() WHERE label = 'instead'}), 'full', 'which pitr_info() shows as full');

PitrTest::finish();
done_testing();
