# Chains of full, differential and incremental backups under a random workload: every backup of a chain restores to
# exactly what the server had, on a directory and, encrypted, on S3.
use strict;
use warnings;
use lib 'test/lib';
use PitrTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{PITR_SEED} // int(rand(1_000_000));
srand($seed);
note("seed $seed");
diag("seed $seed (PITR_SEED repeats it)");

# Everything a user could see, of every database.
sub everything
{
	my ($p) = @_;
	my @databases = split /\n/, $p->sql("SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY 1");
	return join '', map { "[$_]\n" . $p->content($_) } @databases;
}

sub pick { return $_[ int(rand(@_)) ]; }

# One random change; each of them alone has broken somebody's incremental backups.
sub change
{
	my ($p) = @_;
	my $n = int(rand(1_000_000));
	my $t = 't' . int(rand(4));
	my $what = pick(qw(insert insert update update scattered delete truncate vacuum full_vacuum freeze recreate index file_copy wal_log drop_database
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

sub prepare
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
	$p->sql('CREATE UNLOGGED TABLE u AS SELECT 1 AS n');
	return;
}

# Restores to the point when the backup had ended and compares; later ones with --delta over what is there already.
sub restored
{
	my ($p, $backup, $into, @more) = @_;
	my @map = map { ('--tablespace', "$p->{locations}[$_]=" . ($into->{spaces}[$_] //= PostgreSQL::Test::Utils::tempdir())) } 0, 1;
	my $r = $p->restore({ into => $into }, '--backup', $backup->{label}, '--target-name', $backup->{point}, @map, @more);
	is(everything($r) =~ s/^public\.u .*\n//gmr, $backup->{content} =~ s/^public\.u .*\n//gmr, "$backup->{type} backup $backup->{label} restores to what was there");
	return $r;
}

# Until no file of the cluster was written for so long that its time may be trusted later (backup/file_stat.h); the next
# increment then takes untouched files over unread.
sub settle
{
	my ($p) = @_;
	my $data = $p->node->data_dir;
	$p->sql('CHECKPOINT');
	PitrTest::wait_for('the files to settle', sub {
		my @newest = sort { $b <=> $a } map { (stat $_)[10] // 0 } glob("$data/base/*/* $data/global/[0-9]*");
		return $newest[0] < time - 3;
	});
	return;
}

sub chain
{
	my ($p, $rounds) = @_;
	my @backups;
	for my $round (0 .. $rounds - 1)
	{
		change($p) for 1 .. 1 + int(rand(6));
		my $type = $round == 0 ? 'full' : pick(qw(incr incr incr diff full));
		settle($p) if $round % 3 == 0;
		my $label = $p->backup("'$type', verify_changes => " . pick('true', 'false', 'false') . ', jobs => ' . pick(1, 2, 3));
		change($p) for 1 .. int(rand(3));
		my $content = everything($p);
		my $point = "after_$round";
		# Flushed with the switch: the next round may crash the server.
		$p->sql("SELECT pg_create_restore_point('$point'); SELECT pg_switch_wal()");
		push @backups, { label => $label, type => $type, content => $content, point => $point };
	}
	$p->wait_archived;
	return @backups;
}

my $p = PitrTest->new('chain');
prepare($p);

# Nothing to build on: a full backup, and the caller is told.
my ($status, $out, $err) = $p->try_sql("SELECT pitr_backup('incr')");
is($status, 0, 'the first increment succeeds');
like($err, qr/NOTICE:  there is no backup to build on: taking a full backup/, 'as a full backup, which is said');
like($out, qr/F$/, 'and named so');
is($p->sql('SELECT type, parent IS NULL, change_source IS NULL FROM pitr_info()'), 'full|t|t', 'pitr_info() shows a full backup');

# With one row changed an increment is small, and says how it was made.
$p->sql("UPDATE t0 SET s = 'x' WHERE n = 77");
my $small = $p->backup("'incr', label => 'small'");
my ($type, $parent, $source, $part) = split /\|/, $p->sql(
	"SELECT type, parent, change_source, stored_size * 10 < (SELECT max(stored_size) FROM pitr_info()) FROM pitr_info() WHERE label = 'small'");
is("$type $source $part", 'incr page LSN t', 'an increment of one row is small and names its source');
is($parent, $out =~ s/\s//gr, 'and its parent');
$out = $p->pg_pitr_ok('info');
like($out, qr/small: builds on $parent, changes found by page LSN/, 'info tells the same');
$out = $p->pg_pitr_ok('info', '--json');
like($out, qr/"change_source": "page LSN"/, 'and as JSON');

my @backups = chain($p, 7);
my $again = $p->empty_cluster('again');
for my $i (0 .. $#backups)
{
	# Over the same directory forwards and, at the end, back to the oldest.
	my $r = restored($p, $backups[$i], $again, $i > 0 ? '--delta' : ());
	if ($i == $#backups) { $r->check_integrity; }
	else { $r->node->stop('immediate'); }
}
restored($p, $backups[0], $again, '--delta')->node->stop('immediate');
my $fresh = $p->empty_cluster('fresh');
restored($p, $backups[-1], $fresh)->check_integrity;
is($p->sql("SELECT count(*) FROM pitr_info() WHERE status <> 'ok'"), '0', 'every backup is in order');

# A pack of an earlier backup is gone: the plan of those that need it says so, and nobody builds on them.
my $incr = $p->backup("'incr', label => 'last'");
my $lost = (glob($p->repository_dir . '/data/*/000001'))[0];
rename $lost, "$lost.away" or die $!;
my ($lost_key) = $lost =~ m{(data/[^/]+/000001)$};
($status, $out, $err) = $p->pg_pitr('plan', '--backup', ($lost_key =~ m{data/([^/]+)/})[0]);
isnt($status, 0, 'a plan with a pack missing fails');
like($err, qr/\Q$lost_key\E is missing/, 'naming the pack');
rename "$lost.away", $lost or die $!;

# The whole of a chain, encrypted and on S3.
my $s3 = PitrTest->new('s3chain', store => 's3', encrypt => 1);
prepare($s3);
@backups = chain($s3, 4);
my $far = $s3->empty_cluster('far');
restored($s3, $backups[-1], $far)->check_integrity;
restored($s3, $backups[1], $far, '--delta')->check_integrity;

PitrTest::finish();
done_testing();
