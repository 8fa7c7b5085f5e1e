# One by one: what incremental backups get wrong when they are made carelessly. Each case changes the cluster between two
# backups; the second must restore to what the server then had. Changes are found by change maps, which is the default.
# About 90 s.
use strict;
use warnings;
use lib 'test/lib';
use ChangeWorkload qw(everything use_source prepare_cases change_cases);
use PitrTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $p = PitrTest->new('cases', conf => "autovacuum = off\n", settings => ['pg_pitr.max_chain_length = 100']);
my $node = $p->node;
# Every other increment is compared with a full read, and reads only what it must when it is not: on even versions these, on odd ones those.
my $serial = 0;
my $version = int($p->sql('SHOW server_version_num') / 10000);
my $target = $p->empty_cluster('copy');
my %spaces;

# Takes an increment after $change and restores it over what the last case left, which must not matter.
sub case
{
	my ($name, $change, %want) = @_;
	$p->sql('CHECKPOINT');
	ref $change ? $change->() : $p->sql($change);
	my $verify = ($serial + $version) % 2 ? 'true' : 'false';
	my $type = $want{type} // 'incr';
	my ($status, $out, $err) = $p->try_sql("SELECT pitr_backup('$type', verify_changes => $verify)");
	is($status, 0, "$name: the backup succeeds, checked: $verify") or return diag($err);
	my ($label) = $out =~ /(\S+)/;
	like($label, $want{label} // qr/I$/, "$name: of the type expected") or diag($err);
	like($err, $want{notice}, "$name: the caller is told") if $want{notice};
	my ($source, $why) = split /\|/, $p->sql("SELECT change_source, change_reason FROM pitr_info() WHERE label = '$label'");
	is($source, $want{source} // 'change maps', "$name: by the source expected") unless $want{label};
	like($why, $want{why}, "$name: for the reason expected") if $want{why};
	my $content = everything($p);
	my $point = 'case' . ++$serial;
	$p->sql("SELECT pg_create_restore_point('$point')");
	$p->wait_archived;
	my @map = map { ('--tablespace', "$_=" . ($spaces{$_} //= PostgreSQL::Test::Utils::tempdir())) }
	  split /\n/, $p->sql(q{SELECT pg_tablespace_location(oid) FROM pg_tablespace WHERE pg_tablespace_location(oid) LIKE '/%'});
	my $r = $p->restore({ into => $target }, '--backup', $label, '--target-name', $point, '--delta', @map);
	is(everything($r), $content, "$name: the restored cluster is equal");
	if ($want{integrity}) { $r->check_integrity; }
	else { $r->node->stop('immediate'); }
	return $label;
}

my $location = prepare_cases($p);
# The target is a data directory of this cluster from now on, so that --delta takes it.
my $first = $p->backup("'full'");
$p->wait_archived;
$p->pg_pitr_ok('restore', '--pgdata', $target->node->data_dir, '--backup', $first, '--target-immediate', '--no-progress',
	'--tablespace', "$location=" . ($spaces{$location} = PostgreSQL::Test::Utils::tempdir()));

change_cases($p, \&case);

# Asked for a full read, or for more than the longest chain.
use_source($p, 'full_read');
case('a full read', q{UPDATE a SET s = 'read' WHERE n % 23 = 0}, source => 'full read', why => qr/setting/);
use_source($p, 'auto');
$node->append_conf('postgresql.conf', "pg_pitr.max_chain_length = 2\n");
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
$node->append_conf('postgresql.conf', "pg_pitr.max_chain_length = 100\n");
$node->reload;
PitrTest::wait_for('the setting', sub { $p->sql('SHOW pg_pitr.max_chain_length') eq '100' });
my $branch = case('a new timeline', q{UPDATE a SET s = 'branch' WHERE n % 41 = 0},
	notice => qr/NOTICE:  building on backup "common".*DETAIL:  Backup "abandoned".*not in the history of the current timeline 2/s, integrity => 1);
is($p->sql("SELECT parent FROM pitr_info() WHERE label = '$branch'"), 'common', 'its first increment builds on the last common backup');
case('and the next', q{UPDATE a SET s = 'branch again' WHERE n % 43 = 0});

# Pages of the parent's file map are damaged, of which it would read one at the most: what is in them is stored anew, and it is said.
sub damage_pages
{
	PitrTest::flip_bit($_, 8 * 70 + 3) for glob($p->repository_dir . '/data/*/page.*');
	$p->sql(q{UPDATE a SET s = 'over damage' WHERE n % 47 = 0});
	return;
}
case('a damaged file map', \&damage_pages, notice => qr/WARNING:  backup "\S+", on which backup "\S+" builds, is damaged: \d+ pages? of its file map cannot be read\nDETAIL:  What is in them was stored anew/);
case('and a sound one again', q{UPDATE a SET s = 'sound' WHERE n % 53 = 0});

# What the caller is told when a backup cannot be built on.
rename $p->repository_dir . "/data/$full/000001", $p->repository_dir . '/pack.away' or die $!;
rename $p->repository_dir . "/backup/$first/files", $p->repository_dir . '/files.away' or die $!;
my ($status, $out, $err) = $p->try_sql(q{SELECT pitr_backup('diff', label => 'instead')});
is($status, 0, 'with every earlier full backup damaged a backup is taken all the same');
like($err, qr/WARNING:  no earlier backup can be built on: taking a full backup.*DETAIL:.*\Q$full\E.*000001 is missing.*\Q$first\E/s, 'a full one, with a warning that names each');
is($p->sql(q{SELECT type FROM pitr_info() WHERE label = 'instead'}), 'full', 'which pitr_info() shows as full');

PitrTest::finish();
done_testing();
