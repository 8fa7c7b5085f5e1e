# What replay does to files besides pages: tablespaces made after the backup, databases and tablespaces about to be dropped.
use strict;
use warnings;
use lib 'test/lib';
use PitrTest;
use PostgreSQL::Test::Utils;
use Test::More;

sub moment
{
	my ($server) = @_;
	my $time = $server->sql('SELECT pg_sleep(0.05); SELECT clock_timestamp()') =~ s/^\n*//r;
	$server->sql('SELECT pg_sleep(0.05)');
	return $time;
}

my $p = PitrTest->new('made');
my $space = $p->node->basedir . '/space';
my $elsewhere = $p->node->basedir . '/elsewhere';
$p->backup("label => 'base'");
$p->sql('CREATE TABLE early AS SELECT 1 AS n');
my $before = moment($p);
mkdir $space or die $!;
$p->sql("CREATE TABLESPACE fresh LOCATION '$space'");
$p->sql('CREATE TABLE orders (n int) TABLESPACE fresh');
$p->sql('INSERT INTO orders SELECT generate_series(1, 1000)');
my $target = moment($p);
$p->sql('INSERT INTO orders SELECT generate_series(1001, 20000)');
$p->sql('CHECKPOINT');
$p->wait_archived;
my $rows = 'SELECT count(*), max(n) FROM orders';

# Beside the running original nothing of it may be touched.
my ($status, $out, $err) = $p->pg_pitr('plan', '--target-time', $target);
like($out, qr/^new tablespace +\d+ in \Q$space\E, made at/m, 'the plan says where replay will make the tablespace');
($status, $out, $err) = $p->pg_pitr('plan', '--target-time', $before);
unlike($out, qr/^new tablespace/m, '... and does not when it is made later');
for my $how ([], ['--dry-run'], [ '--tablespace', "$space=$elsewhere" ])
{
	my $copy = $p->empty_cluster;
	($status, $out, $err) = $p->pg_pitr('restore', '--pgdata', $copy->node->data_dir, '--no-progress', '--target-time', $target, @$how);
	is($status, 2, "refused beside the running original (@$how)");
	like($err, @$how == 2 ? qr/cannot be mapped away from "\Q$space\E"/ : qr/replay would write into "\Q$space\E", which is in use/, '... saying so');
	like($err, qr/--target-lsn \S+ --target-exclusive/, '... with what can be done');
	my $place = @$how == 2 ? qr/\Q$elsewhere\E, by --tablespace, made at \S+, after the backup: replay makes it in \Q$space\E/ : qr/\Q$space\E, made at/;
	like($out, qr/^new tablespace +\d+ in $place/m, '... and where the tablespace would be');
}
($status, $out, $err) = $p->pg_pitr('restore', '--pgdata', $p->empty_cluster->node->data_dir, '--tablespace', '4711=/nowhere');
like($err, qr/no tablespace "4711"/, 'a tablespace that nobody knows is still refused');
my $early = $p->restore('--target-time', $before);
is($early->sql("SELECT count(*) FROM pg_tablespace WHERE spcname = 'fresh'"), '0', 'an earlier target can be had beside the original');
$early->node->stop('immediate');

# On another machine: the place is not there.
$p->node->stop;
rename $space, "$space.kept" or die $!;
my $made = $p->restore({ no_start => 1 }, '--target-time', $target);
# Prepared for one that was not started yet, it is not for another.
my $second = $p->empty_cluster;
my @again = ('restore', '--pgdata', $second->node->data_dir, '--no-progress', '--target-time', $target);
my $firsts = $made->node->data_dir;
($status, $out, $err) = $p->pg_pitr(@again);
is($status, 2, 'a second restore before the first is started is refused');
like($err, qr/replay would write into "\Q$space\E", which is in use.*Data directory "\Q$firsts\E" .*is going to replay one.*remove it, or else only "\Q$space\E\/pg_pitr\.place"/s, '... saying for whom the place is');
unlink "$space/pg_pitr.place" or die $!;
$second = $p->restore({ no_start => 1 }, '--target-time', $target);
unlink "$space/pg_pitr.place" or die $!;
$made->node->start;
$made->wait_open;
is(slurp_file("$space/pg_pitr.place") =~ s/.*\n//r, $firsts, 'a server that makes a tablespace by replay notes the place');
$second->start_to_end;
$second->wait_for_log(qr/replay would write into "\Q$space\E", which is in use/);
like($second->log, qr/DETAIL: +The server with data directory "\Q$firsts\E".*is about to be replayed/, 'WAL within the plan is looked at once more when it is replayed');
PitrTest::wait_for('the second to end', sub { !-e $second->node->data_dir . '/postmaster.pid' });

is($made->sql($rows), '1000|1000', 'the directory is made where there is none');
is((stat $space)[2] & 07777, 0700, '... for the owner only');
$made->node->stop('immediate');
system('rm', '-rf', $space);
my $mapped = $p->restore('--target-time', $target, '--tablespace', "$space=$elsewhere");
is($mapped->sql($rows), '1000|1000', 'a mapping leads a new tablespace elsewhere');
is(readlink $space, $elsewhere, '... by a link in its place');
my @files = glob("$elsewhere/PG_*/*/*");
ok(@files > 0, '... where its files are');
$mapped->sql('CHECKPOINT');
$mapped->node->restart;
is($mapped->sql($rows), '1000|1000', '... also after a restart');
$mapped->node->stop('immediate');
($status, $out, $err) = $p->pg_pitr('restore', '--pgdata', $p->empty_cluster->node->data_dir, '--target-time', $target);
like($err, qr/replay would write into "\Q$space\E", which is in use/, 'what a stopped cluster has is not used either');
unlink "$elsewhere/pg_pitr.place" or die $!;
($status, $out, $err) = $p->pg_pitr('restore', '--pgdata', $p->empty_cluster->node->data_dir, '--target-time', $target);
like($err, qr/replay would write into "\Q$space\E\/PG_\S+", which is there already/, '... also where nothing says whose it is');
unlink $space or die $!;
rename "$space.kept", $space or die $!;

# In place: what was there is set aside, not used.
my $in_place = sub {
	my @target = @_;
	my $text = $p->pg_pitr_ok('restore', '--pgdata', $p->node->data_dir, '--delta', '--no-progress', @target);
	# The files of the original after the target must not be what replay finds.
	$p->node->start;
	$p->wait_open;
	return $text;
};
my $report = $in_place->('--target-time', $target);
is($p->sql($rows), '1000|1000', 'in place the table has the rows of the target');
like($report, qr/"(\Q$space\E\/PG_\S+)" held a tablespace.* set aside as "\1\.before-restore-\S+"/, '... and the report names what was set aside');
$p->node->stop;
$report = $in_place->('--target-time', $before, '--target-timeline', '1');
like($report, qr/set aside as/, 'to before the tablespace: set aside, too');
is($p->sql("SELECT count(*) FROM pg_tablespace WHERE spcname = 'fresh'"), '0', '... and it is not there');
$p->sql("CREATE TABLESPACE fresh LOCATION '$space'");
pass('... and can be made again in the same place');
$p->node->stop;

# A pause is for looking: the table that is truncated next can be read.
my $t = PitrTest->new('locked');
$t->sql('CREATE TABLE looked (n int)');
$t->backup;
$t->sql('INSERT INTO looked SELECT generate_series(1, 10)');
my $untouched = moment($t);
$t->sql('TRUNCATE looked');
$t->wait_archived;
my $paused = $t->restore({ no_wait => 1 }, '--target-time', $untouched, '--target-action', 'pause');
PitrTest::wait_for('the pause', sub { ($paused->try_sql('SELECT pg_get_wal_replay_pause_state()'))[1] eq 'paused' });
is($paused->sql("SET statement_timeout = '20s'; SELECT count(*) FROM looked"), '10', 'a pause just before TRUNCATE: the table can be read');
$paused->sql('SELECT pg_wal_replay_resume()');
$paused->wait_open;
is($paused->sql('SELECT count(*) FROM looked'), '10', '... and has its rows when it is opened');
$paused->node->stop('immediate');
$t->node->stop;

# Just before what acts before its commit.
my $d = PitrTest->new('dropped');
my $place = $d->node->basedir . '/place';
mkdir $place or die $!;
$d->sql("CREATE TABLESPACE kept LOCATION '$place'");
$d->sql('CREATE DATABASE shop');
$d->sql('CREATE TABLE orders AS SELECT generate_series(1, 500) n', 'shop');
$d->backup;
$d->sql('INSERT INTO orders SELECT generate_series(501, 600)', 'shop');
my $time = moment($d);
$d->sql("SELECT pg_create_restore_point('here')");
my $lsn = $d->sql('SELECT pg_current_wal_insert_lsn()');
$d->sql('DROP DATABASE shop');
my $xid = $d->sql('SELECT txid_current() - 1');
my $after = moment($d);
$d->sql('DROP TABLESPACE kept');
$d->sql('CREATE TABLE later AS SELECT 1 AS n');
$d->wait_archived;
my @map = ('--tablespace', "$place=" . $d->node->basedir . '/copied');

for my $how ([ '--target-time', $time ], [ '--target-xid', $xid, '--target-exclusive' ], [ '--target-lsn', $lsn ])
{
	($status, $out, $err) = $d->pg_pitr('plan', @$how);
	like($out, qr/^replay stops +after the commit of transaction \d+/m, "@$how: the plan stops after the last commit");
	like($out, qr/told to stop by position.*DROP DATABASE \(OID \d+\)/s, '... and says why');
	my $copy = $d->restore(@$how, @map);
	is($copy->sql('SELECT count(*) FROM orders', 'shop'), '600', '... and the database can be used');
	like($copy->log, qr/recovery stopping after WAL location/, '... as the server says');
	$copy->node->stop('immediate');
	system('rm', '-rf', $d->node->basedir . '/copied');
}
($status, $out, $err) = $d->pg_pitr('plan', '--target-time', $after);
like($out, qr/DROP TABLESPACE \(OID \d+\)/, 'DROP TABLESPACE is one of them');
($status, $out, $err) = $d->pg_pitr('plan', '--target-name', 'here');
unlike($out, qr/DROP DATABASE/, 'a restore point before the drop is right as it is');

# Disks that belong where tablespaces go and are not mounted: nothing may fill the disk above.
my $disk = $d->node->basedir . '/disk';
my $fstab = $d->node->basedir . '/fstab';
append_to_file($fstab, "UUID=47-11 $disk ext4 defaults 0 2\nUUID=47-12 $place ext4 noauto 0 2\n");
{
	local $ENV{LIBMOUNT_FSTAB} = $fstab;
	($status, $out, $err) = $d->pg_pitr('plan', '--target-name', 'here');
	like($out, qr/^note +On this machine nothing is mounted at "\Q$place\E", where \Q$fstab\E says/m, 'the plan names the place of a tablespace that is not mounted');
	my $unmounted = $d->empty_cluster->node->data_dir;
	for my $how ([ '--tablespace', "$place=$disk/ts", '--dry-run' ], [ '--tablespace', "$place=$disk/ts" ], [ '--tablespace', "$place=$disk" ], [ @map, '--waldir', "$disk/wal" ])
	{
		($status, $out, $err) = $d->pg_pitr('restore', '--pgdata', $unmounted, '--target-name', 'here', @$how);
		is($status, 2, "refused (@$how)");
		like($err, qr/nothing is mounted at "\Q$disk\E", and \Q$fstab\E says that a file system belongs there.*HINT:.*mount \Q$disk\E/s, '... saying so');
		ok(!-e $disk && !glob("$unmounted/*"), '... and nothing was made');
		unlike($out, qr/nothing is mounted at "\Q$place\E"/, '... and a place that is not used is not spoken of');
	}
	my $elsewhere = $d->restore('--target-name', 'here', @map);
	is($elsewhere->sql('SELECT count(*) FROM orders', 'shop'), '600', 'other places are as good as ever');
	$elsewhere->node->stop('immediate');
}
$d->node->stop;

PitrTest::finish();
done_testing();
