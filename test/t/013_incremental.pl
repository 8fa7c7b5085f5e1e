# Chains of full, differential and incremental backups under a random workload, which find changes now in one way, now in another: every backup of
# a chain restores to exactly what the server had, on a directory and, encrypted, on S3.
use strict;
use warnings;
use lib 'test/lib';
use ChangeWorkload qw(pick everything summarize use_source prepare_random random_change);
use PitrTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{PITR_SEED} // int(rand(1_000_000));
srand($seed);
note("seed $seed");
diag("seed $seed (PITR_SEED repeats it)");

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
	my @sources = (qw(auto change_maps change_maps page_lsn), ('wal_summaries') x (2 * summarize($p)));
	my @backups;
	for my $round (0 .. $rounds - 1)
	{
		random_change($p) for 1 .. 1 + int(rand(6));
		my $type = $round == 0 ? 'full' : pick(qw(incr incr incr diff full));
		use_source($p, pick(@sources));
		settle($p) if $round % 3 == 0;
		my $label = $p->backup("'$type', verify_changes => " . pick('true', 'false', 'false') . ', jobs => ' . pick(1, 2, 3));
		note('changes found by ' . ($p->sql("SELECT change_source || ': ' || change_reason FROM pitr_info() WHERE label = '$label'")));
		random_change($p) for 1 .. int(rand(3));
		my $content = everything($p);
		my $point = "after_$round";
		# Flushed with the switch: the next round may crash the server.
		$p->sql("SELECT pg_create_restore_point('$point'); SELECT pg_switch_wal()");
		push @backups, { label => $label, type => $type, content => $content, point => $point };
	}
	$p->wait_archived;
	return @backups;
}

my $p = PitrTest->new('chain', settings => [q{pg_pitr.change_map = 'on'}]);
prepare_random($p);

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
is("$type $source $part", 'incr change maps t', 'an increment of one row is small and names its source');
is($parent, $out =~ s/\s//gr, 'and its parent');
$out = $p->pg_pitr_ok('info');
like($out, qr/small: builds on $parent, changes found by change maps/, 'info tells the same');
$out = $p->pg_pitr_ok('info', '--json');
like($out, qr/"change_source": "change maps"/, 'and as JSON');

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
my $s3 = PitrTest->new('s3chain', store => 's3', encrypt => 1, settings => [q{pg_pitr.change_map = 'on'}]);
prepare_random($s3);
@backups = chain($s3, 4);
my $far = $s3->empty_cluster('far');
restored($s3, $backups[-1], $far)->check_integrity;
restored($s3, $backups[1], $far, '--delta')->check_integrity;

PitrTest::finish();
done_testing();
