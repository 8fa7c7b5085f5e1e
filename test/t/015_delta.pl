# Delta restores: whatever is in a directory, it is brought to the backup, and only what differs is fetched and written.
# Any server version will do.
# About 30 s.
# On a disk.
use strict;
use warnings;
use File::Path qw(make_path remove_tree);
use IPC::Run ();
use JSON::PP qw(decode_json);
use lib 'test/lib';
use PitrTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $block = 8192;
# Vacuum at its own time, here or in what was restored, would change how much differs; so do the catalogs of every database, which
# check_integrity() adds to: the tables must be large beside them.
my $p = PitrTest->new('delta', conf => "autovacuum = off\n");
my $node = $p->node;
my $space = PostgreSQL::Test::Utils::tempdir();
$p->sql("CREATE TABLESPACE space LOCATION '$space'");
my $oid = $p->sql("SELECT oid FROM pg_tablespace WHERE spcname = 'space'");
$p->sql(q{CREATE TABLE a AS SELECT g AS n, md5(g::text) || md5((g + 1)::text) AS t FROM generate_series(1, 220000) g});
$p->sql('CREATE TABLE b TABLESPACE space AS SELECT * FROM a WHERE n < 30000; CREATE INDEX ON a (t)');
$p->sql('CREATE TABLE small' . $_ . ' AS SELECT generate_series(1, 100) AS n') for 1 .. 20;
my $first = $p->backup;
$p->sql('UPDATE a SET t = md5(t) WHERE n BETWEEN 20000 AND 21000; DELETE FROM b WHERE n % 2 = 0; CREATE TABLE c AS SELECT * FROM a WHERE n < 9000');
my $path_of_a = $p->sql(q{SELECT pg_relation_filepath('a')});
my $second = $p->backup;
$p->sql('DELETE FROM a WHERE n < 10000');
$p->wait_archived;
my $want = $p->content;
$node->stop;

my $target = $p->empty_cluster('target');
my $data = $target->node->data_dir;
my $ts = PostgreSQL::Test::Utils::tempdir();

# What the restore said it did.
sub restore
{
	my (@options) = @_;
	my $out = $p->pg_pitr_ok('restore', '--pgdata', $data, '--tablespace', "$space=$ts", '--no-progress', '--json', @options);
	my ($plan, $done) = @{ decode_json($out) }{ 'plan', 'restore' };
	is("$plan->{tablespaces}[0]{path} $plan->{tablespaces}[0]{directory}", "$space $ts", 'the report says where the tablespace was and where it is');
	note(join ', ', map { "$_ $done->{$_}" } grep { !ref $done->{$_} } sort keys %$done);
	return $done;
}

# Files of relations with their content, by path below the data directory.
sub relations
{
	my ($fh, %files) = ();
	for my $path (grep { -f $_ && m{/\d+(_\w+)?$} } glob("$data/base/*/* $data/global/* $ts/*/*/*"))
	{
		open($fh, '<:raw', $path) or die "$path: $!";
		local $/;
		$files{$path} = <$fh>;
		close $fh;
	}
	return \%files;
}

sub same_files
{
	my ($is, $expected, $what) = @_;
	my @wrong = grep { !exists $is->{$_} || !exists $expected->{$_} || $is->{$_} ne $expected->{$_} } sort keys %{ { %$is, %$expected } };
	is(join(' ', @wrong), '', $what);
	return;
}

sub starts_with_every_row
{
	my ($what) = @_;
	$target->adopt;
	$target->node->start;
	$target->wait_open;
	is($target->content, $want, $what);
	$target->check_integrity;
	return;
}

my @last = ('--backup', $second);
my $all = restore(@last);
is($all->{bytes_compared}, 0, 'nothing to compare with in an empty directory');
my $right = relations();

# Nothing changed. The control file and the settings are always written.
for my $closed ("$data/global", $data)
{
	my $mode = (stat $closed)[2] & 07777;
	chmod 0, $closed;
	my (undef, undef, $refused) = $p->pg_pitr('restore', '--pgdata', $data, '--tablespace', "$space=$ts", '--delta', @last);
	chmod $mode, $closed;
	like($refused, qr/cannot be read by user "[^"]+": Permission denied.*^HINT: .* belongs to this user, and has mode 0000: chmod u\+rwx \Q$closed\E\.$/ms, 'what cannot be read is said to be that, and how to mend it');
	unlike($refused, qr/--force/, '... not to overwrite it');
}
my $idle = restore('--delta', @last);
cmp_ok($idle->{bytes_compared}, '>', 0.9 * $all->{bytes_written}, 'everything is compared');
cmp_ok($idle->{bytes_fetched}, '<', 0.1 * $all->{bytes_fetched}, 'nothing changed: hardly anything is fetched');
cmp_ok($idle->{bytes_written}, '<', 5 * $block, 'or written');
same_files(relations(), $right, 'and nothing is different');

# One block in a hundred.
my @blocks;
for my $path (grep { length($right->{$_}) > 100 * $block } sort keys %$right)
{
	open(my $fh, '+<:raw', $path) or die $!;
	for (my $n = 37; $n * $block < length $right->{$path}; $n += 100)
	{
		seek($fh, $n * $block + 4000, 0);
		print $fh 'damaged';
		push @blocks, "$path $n";
	}
	close $fh;
}
my $scattered = restore('--delta', @last);
is($scattered->{bytes_written} - $idle->{bytes_written}, @blocks * $block, 'of ' . @blocks . ' damaged blocks exactly those are written');
same_files(relations(), $right, 'one block in a hundred is mended');

# A table gone, one too short, one too long, one garbage, one that does not belong.
my $size = length $right->{"$data/$path_of_a"};
unlink "$data/$path_of_a";
my $gone = restore('--delta', @last);
is($gone->{bytes_written} - $idle->{bytes_written}, $size, 'of a lost table everything is written, and nothing else');
cmp_ok($gone->{bytes_fetched}, '<', 0.9 * $all->{bytes_fetched}, 'and no other is fetched');
my @files = grep { length($right->{$_}) >= 4 * $block } sort keys %$right;
truncate($files[0], 2 * $block + 100);
append_to_file($files[1], 'x' x 50_000);
open(my $garbage, '>:raw', $files[2]) or die $!;
print $garbage pack('L*', map { int rand 2**32 } 1 .. 5000);
close $garbage;
append_to_file("$data/base/1/99999", 'does not belong here');
my $mended = restore('--delta', @last);
same_files(relations(), $right, 'short, long and garbled files are as they were');
is($mended->{bytes_written} - $idle->{bytes_written}, length($right->{ $files[0] }) - 2 * $block + length $right->{ $files[2] },
	'by writing what was wrong');
cmp_ok($mended->{files_removed}, '>=', 1, 'and removing what does not belong');

# Everything of the wrong kind, or locked away.
my $outside = PostgreSQL::Test::Utils::tempdir();
append_to_file("$outside/pg_control", 'precious');
my $elsewhere = PostgreSQL::Test::Utils::tempdir();
append_to_file("$elsewhere/000000010000000000000099", 'precious WAL');

sub instead
{
	my ($path) = @_;
	-l $path || !-d $path ? unlink($path) : remove_tree($path);
	return $path;
}

make_path(instead($files[3]) . '/deep/er');
symlink("$outside/pg_control", instead($files[4])) or die $!;
IPC::Run::run([ 'mkfifo', instead($files[5]), "$data/base/pipe" ]) or die;
append_to_file(instead("$data/pg_xact"), 'a file where a directory should be');
symlink($outside, instead("$data/pg_multixact")) or die $!;
symlink($elsewhere, instead("$data/pg_wal")) or die $!;
symlink($outside, "$data/base/outside") or die $!;
symlink($outside, instead("$data/pg_tblspc/$oid")) or die $!;
chmod 0, $files[6];
chmod 0444, $files[7];
make_path("$data/base/foreign/below");
chmod 0500, "$data/base/foreign/below", "$data/base/foreign", "$data/global", "$data/base/1";
chmod 0, "$data/pg_subtrans";
chmod 0777, $data;
my ($status, undef, $err) = $p->pg_pitr('restore', '--pgdata', $data, '--tablespace', "$space=$ts", '--delta', @last);
isnt($status, 0, 'a tablespace directory the data directory has no link to is refused');
like($err, qr/another cluster may be using it.*--force/s, 'saying why, and what allows it');
ok(-e "$data/global/pg_control", 'before anything is touched');
my $odd = restore('--delta', '--force', @last);
same_files(relations(), $right, 'everything is of its kind again');
is(slurp_file("$outside/pg_control"), 'precious', 'nothing behind a link was written');
is(join(' ', map { s{.*/}{}r } glob("$outside/*")), 'pg_control', 'or removed');
is(readlink("$data/pg_wal"), $elsewhere, 'pg_wal is still a link');
is(slurp_file((glob("$elsewhere/*.before-restore-*/000000010000000000000099"))[0]), 'precious WAL', 'and what it led to was set aside there');
ok((grep { /pg_wal is a link/ } @{ $odd->{notes} }), 'which the report mentions');
starts_with_every_row('the server starts from what was mended, with every row');

# The directory has moved on: recovered, written to, on a timeline of its own. Back to the older backup, then to the newer.
my $older = restore('--delta', '--target-immediate', '--backup', $first);
cmp_ok($older->{bytes_fetched}, '<', 0.8 * $all->{bytes_fetched}, 'an older state is reached from a newer one');
my $newer = restore('--delta');
cmp_ok($newer->{bytes_fetched}, '<', 0.8 * $all->{bytes_fetched}, 'and a newer from an older');
starts_with_every_row('with every row');

# A restore to one target that is killed, continued to another, from half a directory.
unlink grep { !/$path_of_a/ } glob("$data/base/*/1* $ts/*/*/1*");
for my $delay (30, 100)
{
	my ($kout, $kerr) = ('', '');
	my $run = IPC::Run::start([ PitrTest::binary(), 'restore', '--config', $p->conf, '--pgdata', $data, '--tablespace', "$space=$ts", '--delta',
			'--backup', $first, '--target-immediate', '--jobs', '1', '--no-progress' ], '<', \undef, '>', \$kout, '2>', \$kerr);
	usleep($delay * 1000);
	$run->kill_kill(grace => 0) if $run->pumpable;
	eval { $run->finish };
}
restore('--delta');
starts_with_every_row('a restore that was killed on its way to another target is no obstacle');

# An increment in which one block in a hundred changed: what it took over in parts has no checksum in its file map, and is proven
# by the block checks in the packs.
$node->start;
my $pages = $p->sql(q{SELECT pg_relation_size('a') / current_setting('block_size')::int});
$p->sql("DELETE FROM a WHERE ctid = ANY (ARRAY(SELECT format('(%s,3)', b)::tid FROM generate_series(50, $pages - 1, 100) b)); CHECKPOINT");
$p->wait_archived;
$p->backup;
my $increment = $p->backup(q{'incr'});
$p->sql("DELETE FROM a WHERE ctid = ANY (ARRAY(SELECT format('(%s,4)', b)::tid FROM generate_series(70, $pages - 1, 100) b)); CHECKPOINT");
$increment = $p->backup(q{'incr'});
like($increment, qr/I$/, 'an increment was taken');
$p->wait_archived;
$want = $p->content;
$node->stop;
my @chain = ('--delta', '--backup', $increment);
restore(@chain);
$right = relations();
my $still = restore(@chain);
cmp_ok($still->{bytes_fetched}, '<', 0.15 * $all->{bytes_fetched}, 'nothing differs from the increment: hardly anything is fetched');
cmp_ok($still->{bytes_written}, '<', 5 * $block, 'or written');
my @hit = map { "$data/$path_of_a $_" } (11, 12, 60);
for (@hit)
{
	my ($path, $n) = split / /;
	open(my $fh, '+<:raw', $path) or die $!;
	seek($fh, $n * $block + 4000, 0);
	print $fh 'damaged';
	close $fh;
}
my $few = restore(@chain);
is($few->{bytes_written} - $still->{bytes_written}, @hit * $block, 'damaged blocks of an increment are written, and no other');
cmp_ok($few->{bytes_fetched}, '<', 0.3 * $all->{bytes_fetched}, 'and little is fetched for them');
same_files(relations(), $right, 'and all is as it was');
starts_with_every_row('an increment is restored over what was there, with every row');

# Another major version in the directory.
my $old = PostgreSQL::Test::Utils::tempdir();
make_path("$old/global");
append_to_file("$old/PG_VERSION", "9.6\n");
append_to_file("$old/global/pg_control", 'x' x 8192);
($status, undef, $err) = $p->pg_pitr('restore', '--pgdata', $old, '--tablespace', "$space=" . PostgreSQL::Test::Utils::tempdir(), '--delta');
is($status, 2, 'a directory of another major version is refused');
like($err, qr/holds a cluster of PostgreSQL 9.*The backup is of PostgreSQL \d+/s, 'and the error says so');
is(slurp_file("$old/global/pg_control"), 'x' x 8192, 'nothing was touched');

PitrTest::finish();
done_testing();
