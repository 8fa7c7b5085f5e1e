# What changes a cluster between two backups in tests of incremental backups: one random change after the other, and one by one the cases
# that such backups get wrong when they are made carelessly.
package ChangeWorkload;

use strict;
use warnings;
use Exporter 'import';
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT_OK = qw(pick everything summarize use_source prepare_random random_change busily prepare_cases change_cases);

sub pick { return $_[ int(rand(@_)) ]; }

# Everything a user could see, of every database.
sub everything
{
	my ($p) = @_;
	my @databases = split /\n/, $p->sql("SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY 1");
	return join '', map { "[$_]\n" . $p->content($_) } @databases;
}

# Whether the server makes WAL summaries from now on: not before 17.
sub summarize
{
	my ($p) = @_;
	return 0 if $p->sql('SHOW server_version_num') < 170000;
	$p->sql('ALTER SYSTEM SET summarize_wal = on');
	$p->node->reload;
	return 1;
}

# The next backups find changes in this way.
sub use_source
{
	my ($p, $source) = @_;
	$p->node->append_conf('postgresql.conf', "pg_pitr.change_source = '$source'\n");
	$p->node->reload;
	PitrTest::wait_for('the setting', sub { $p->sql('SHOW pg_pitr.change_source') eq $source });
	return;
}

# One random change; each of them alone has broken somebody's incremental backups.
sub random_change
{
	my ($p) = @_;
	my $n = int(rand(1_000_000));
	my $t = 't' . int(rand(4));
	my $what = pick(qw(insert insert update update scattered delete truncate vacuum full_vacuum freeze recreate index rewrite file_copy wal_log drop_database
		tablespace sequence hint restart crash rollback toast));
	my %do = (
		insert => "INSERT INTO $t SELECT g, repeat(md5(g::text || '$n'), 4) FROM generate_series(1, 3000) g",
		update => "UPDATE $t SET s = md5(s) WHERE n % 7 = $n % 7",
		scattered => "UPDATE $t SET s = s || 'x' WHERE n % 997 = $n % 997",
		delete => "DELETE FROM $t WHERE n % 3 = $n % 3",
		truncate => "TRUNCATE $t; INSERT INTO $t SELECT g, 'again' FROM generate_series(1, $n % 2000) g",
		vacuum => "DELETE FROM $t WHERE n > 1000; VACUUM $t",    # cuts off the end
		full_vacuum => "VACUUM FULL $t",
		freeze => "VACUUM (FREEZE) $t",
		recreate => "DROP TABLE $t; CREATE TABLE $t (n int, s text); INSERT INTO $t SELECT g, 'new' FROM generate_series(1, 500) g; CREATE INDEX ON $t (n)",
		index => "REINDEX TABLE $t",
		rewrite => "ALTER TABLE $t ALTER n TYPE " . pick('int', 'bigint'),
		file_copy => "CREATE DATABASE d$n TEMPLATE source STRATEGY file_copy",
		wal_log => "CREATE DATABASE d$n TEMPLATE source STRATEGY wal_log",
		tablespace => "ALTER TABLE $t SET TABLESPACE " . pick('pg_default', 'space0', 'space1'),
		sequence => "SELECT count(nextval('seq')) FROM generate_series(1, $n % 100 + 1)",
		hint => "SELECT count(*) FROM $t",
		rollback => "BEGIN; UPDATE $t SET s = 'gone' WHERE n % 2 = 0; ROLLBACK",
		toast => "INSERT INTO big SELECT $n, string_agg(md5(g::text || '$n'), '') FROM generate_series(1, 3000) g",
	);
	note("change: $what $t $n");
	if ($what eq 'restart') { $p->node->restart; }
	elsif ($what eq 'crash') { $p->crash_and_start; }
	elsif ($what eq 'drop_database')
	{
		my ($database) = split /\n/, $p->sql(q{SELECT datname FROM pg_database WHERE datname ~ '^d[0-9]' LIMIT 1});
		$p->sql("DROP DATABASE $database") if $database;
	}
	else { $p->sql($do{$what}); }
	return;
}

# Calls $code while another session commits one small change after the other.
sub busily
{
	my ($p, $code) = @_;
	$p->sql('INSERT INTO busy VALUES (0)');
	my ($out, $err) = ('', '');
	my $run = IPC::Run::start([ 'psql', '-XAtq', '-d', $p->node->connstr('postgres'), '-c', <<'X' ], '<', \undef, '>', \$out, '2>', \$err);
DO $$
DECLARE i int := 0;
BEGIN
	WHILE EXISTS (SELECT FROM busy WHERE n = 0) AND i < 100000 LOOP
		i := i + 1;
		INSERT INTO busy VALUES (i);
		UPDATE t0 SET s = i WHERE n = i % 10000;
		DELETE FROM busy WHERE n = i - 500 AND n > 0;
		IF i % 10 = 0 THEN ROLLBACK; ELSE COMMIT; END IF;
		PERFORM pg_sleep(0.001);
	END LOOP;
END $$
X
	PitrTest::wait_for('the other session to write', sub { $p->sql('SELECT max(n) FROM busy') > 0; });
	my $result = $code->();
	$p->sql('DELETE FROM busy WHERE n = 0');
	$run->finish or die "the other session: $err";
	$p->sql('TRUNCATE busy');
	return $result;
}

sub prepare_random
{
	my ($p) = @_;
	for my $i (0, 1)
	{
		my $location = PostgreSQL::Test::Utils::tempdir();
		$p->{locations}[$i] = $location;
		$p->sql("CREATE TABLESPACE space$i LOCATION '$location'");
	}
	$p->sql('CREATE DATABASE source');
	$p->sql('CREATE TABLE s AS SELECT g AS n, md5(g::text) AS s FROM generate_series(1, 2000) g', 'source');
	$p->sql("CREATE TABLE t$_ (n int, s text)") for 0 .. 3;
	$p->sql("CREATE INDEX ON t$_ (n)") for 0 .. 3;
	$p->sql("INSERT INTO t$_ SELECT g, md5(g::text) FROM generate_series(1, 10000) g") for 0 .. 3;
	$p->sql('CREATE TABLE big (n int, s text)');
	$p->sql('CREATE SEQUENCE seq');
	$p->sql('CREATE TABLE busy (n int)');
	$p->sql('CREATE UNLOGGED TABLE u AS SELECT 1 AS n');
	return;
}

# The tables of the cases. Returns where the tablespace is.
sub prepare_cases
{
	my ($p) = @_;
	$p->sql('CREATE TABLE a AS SELECT g AS n, repeat(md5(g::text), 8) AS s FROM generate_series(1, 20000) g');
	$p->sql('CREATE INDEX ON a (n)');
	my $location = PostgreSQL::Test::Utils::tempdir();
	$p->sql("CREATE TABLESPACE old LOCATION '$location'");
	return $location;
}

# A table in place of table r, whose file has the number that the file of r had (test/modules/next_oid.c).
sub recreate_under_same_number
{
	my ($p) = @_;
	my ($number, $path) = map { $p->sql("SELECT $_('r')") } 'pg_relation_filenode', 'pg_relation_filepath';
	$p->sql('DROP TABLE r');
	# A number is free when not even a dead row of pg_class has it.
	$p->sql('VACUUM pg_class');
	$p->sql('CHECKPOINT');
	ok(!-e $p->node->data_dir . "/$path", 'the file of the dropped table is gone');
	$p->sql("CREATE FUNCTION set_next_oid(oid) RETURNS void AS 'next_oid' LANGUAGE C STRICT");
	$p->sql("SELECT set_next_oid('$number'); CREATE TABLE r (n int, m bigint); DROP FUNCTION set_next_oid");
	$p->sql('INSERT INTO r SELECT g, g * 7 FROM generate_series(1, 15000) g');
	is($p->sql(q{SELECT pg_relation_filepath('r')}), $path, 'another table has a file of the same name');
	return;
}

# Calls $case->(NAME, CHANGE, EXPECTATIONS) for each: SQL or code that changes the cluster, and what the increment after it must be found by when
# that is not what it should be found by otherwise (source, why: of pitr_info()). `integrity`: worth a long look.
sub change_cases
{
	my ($p, $case) = @_;
	my $node = $p->node;
	my $version = $p->sql('SHOW server_version_num') / 10000;
	my $summarizes = $version >= 17 && $p->sql('SHOW summarize_wal') eq 'on';
	$case->('nothing changed', 'SELECT 1');
	$case->('truncation', 'DELETE FROM a WHERE n > 5000; VACUUM a');
	$case->('growth after truncation', q{INSERT INTO a SELECT g, 'new' FROM generate_series(1, 100000) g});
	$case->('TRUNCATE', q{TRUNCATE a; INSERT INTO a SELECT g, 'after' FROM generate_series(1, 20000) g});
	$case->('VACUUM FULL', 'DELETE FROM a WHERE n % 2 = 0; VACUUM FULL a');
	$case->('free space and visibility maps', 'DELETE FROM a WHERE n % 3 = 0; VACUUM a; UPDATE a SET n = n + 1 WHERE n % 50 = 0', integrity => 1);
	$case->('hint bits', sub { $p->sql(q{UPDATE a SET s = s WHERE n % 7 = 0}); $p->sql('SELECT count(*) FROM a'); });
	$case->('a rolled back transaction', q{BEGIN; INSERT INTO a SELECT g, 'gone' FROM generate_series(1, 5000) g; ROLLBACK});
	$case->('drop and creation', q{DROP TABLE a; CREATE TABLE a AS SELECT g AS n, 'second' AS s FROM generate_series(1, 20000) g});

	$case->('a table', 'CREATE TABLE r (n int, m bigint); INSERT INTO r SELECT g, -g FROM generate_series(1, 20000) g');
	$case->('drop and creation under the same file number', sub { recreate_under_same_number($p); }, integrity => 1);

	# The same database OID, and so the same paths, for pages that carry old LSNs.
	if ($version >= 15)
	{
		$p->sql('CREATE DATABASE template_one');
		$p->sql('CREATE DATABASE template_two');
		for my $name ('template_one', 'template_two')
		{
			$p->sql("CREATE TABLE c AS SELECT g AS n, '$name' AS s FROM generate_series(1, 3000) g", $name);
		}
		$case->('CREATE DATABASE by file copy', q{CREATE DATABASE copied OID = 60000 TEMPLATE template_one STRATEGY file_copy});
		$case->('a database made anew under the same OID by file copy',
			q{DROP DATABASE copied; CREATE DATABASE copied OID = 60000 TEMPLATE template_two STRATEGY file_copy}, integrity => 1);
		$case->('CREATE DATABASE by WAL', q{DROP DATABASE copied; CREATE DATABASE copied OID = 60000 TEMPLATE template_one STRATEGY wal_log});
	}
	$case->('a database that moves and comes back',
		q{ALTER DATABASE copied SET TABLESPACE old; ALTER DATABASE copied SET TABLESPACE pg_default});
	my $new = PostgreSQL::Test::Utils::tempdir();
	$case->('tablespaces that come and go', "CREATE TABLESPACE new LOCATION '$new'; CREATE TABLE b TABLESPACE new AS SELECT generate_series(1, 5000) AS n; DROP TABLESPACE old");
	$case->('a relation that moves between tablespaces', 'ALTER TABLE b SET TABLESPACE pg_default; ALTER TABLE a SET TABLESPACE new');
	$case->('sequences', 'CREATE SEQUENCE q; SELECT nextval($$q$$) FROM generate_series(1, 50)');
	$case->('a sequence used further', 'SELECT nextval($$q$$) FROM generate_series(1, 5)');
	$case->('an unlogged table that becomes logged', 'CREATE UNLOGGED TABLE u AS SELECT generate_series(1, 5000) AS n; ALTER TABLE u SET LOGGED');
	$case->('a crash', sub { $p->sql(q{UPDATE a SET s = 'before the crash' WHERE n % 11 = 0}); $p->crash_and_start; });

	$case->('a TRUNCATE that is rolled back', 'BEGIN; TRUNCATE a; ROLLBACK; BEGIN; SAVEPOINT x; DROP TABLE u; ROLLBACK TO x; COMMIT');
	$case->('a table that becomes unlogged and logged', 'ALTER TABLE u SET UNLOGGED; INSERT INTO u VALUES (0); ALTER TABLE u SET LOGGED; INSERT INTO u VALUES (1)');
	$case->('indexes of every kind', q{CREATE TABLE i AS SELECT g AS n, point(g, g) AS p, ARRAY[g, g + 1] AS r FROM generate_series(1, 5000) g;
		CREATE INDEX ON i USING gin (r); CREATE INDEX ON i USING gist (p); CREATE INDEX ON i USING hash (n); CREATE INDEX ON i USING brin (n); CREATE INDEX ON i USING spgist (p)});
	$case->('their pages', q{DELETE FROM i WHERE n % 5 = 0; INSERT INTO i SELECT g, point(g, g), ARRAY[g] FROM generate_series(5001, 7000) g; VACUUM i;
		UPDATE i SET p = point(n, 0), r = ARRAY[n] WHERE n % 100 = 1}, integrity => 1);

	# wal_level minimal and back: what was not logged is in files that are new, or the server refuses to be backed up. WAL does not tell.
	$case->('wal_level minimal and back', sub {
		$node->stop;
		$node->append_conf('postgresql.conf', "wal_level = minimal\narchive_mode = off\nmax_wal_senders = 0\n");
		$node->append_conf('postgresql.auto.conf', "summarize_wal = off\n") if $summarizes;
		$node->start;
		$p->sql(q{BEGIN; CREATE TABLE m (n int, s text); INSERT INTO m SELECT g, 'unlogged' FROM generate_series(1, 20000) g; COMMIT});
		$p->sql(q{BEGIN; TRUNCATE a; INSERT INTO a SELECT g, 'unlogged' FROM generate_series(1, 20000) g; COMMIT});
		$node->stop;
		$node->append_conf('postgresql.conf', "wal_level = replica\narchive_mode = on\nmax_wal_senders = 4\n");
		$node->append_conf('postgresql.auto.conf', "summarize_wal = on\n") if $summarizes;
		$node->start;
	}, source => 'page LSN', why => qr/minimal|no change map|no WAL summary|setting/);

	# Checksums off and on again: pages change behind their LSNs.
	$case->('checksums disabled', sub {
		$node->stop;
		command_ok([ 'pg_checksums', '--disable', '-D', $node->data_dir ], 'checksums disabled');
		$node->start;
		$p->sql(q{UPDATE a SET s = 'no checksum' WHERE n % 13 = 0});
	}, source => 'full read', why => qr/disabled/);
	$case->('without checksums', sub { $p->sql(q{UPDATE a SET s = 'hint' WHERE n % 17 = 0}); $p->sql('SELECT count(*) FROM a'); $p->sql('SELECT count(*) FROM m'); }, pages => 'full read');
	$case->('checksums enabled', sub {
		$node->stop;
		command_ok([ 'pg_checksums', '--enable', '-D', $node->data_dir ], 'checksums enabled');
		$node->start;
	}, source => 'full read', why => qr/enabled/, integrity => 1);

	# The data directory is moved by a copy that keeps times: no file is what it was.
	$case->('a copied data directory', sub {
		$p->sql(q{UPDATE a SET s = 'copied' WHERE n % 19 = 0});
		$node->stop;
		my $data = $node->data_dir;
		system_or_bail('cp', '-a', $data, "$data.copy");
		system_or_bail('rm', '-rf', $data);
		rename "$data.copy", $data or die $!;
		$node->start;
	}, integrity => 1);
	return;
}

1;
