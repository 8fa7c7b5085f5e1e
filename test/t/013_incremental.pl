# Chains of full, differential and incremental backups under a random workload, which find changes in each way there is: every backup of
# a chain, and points between them, restore to exactly what the server had, on a directory and, encrypted, on S3. Then an increment held
# against a full backup, byte by byte, and merged.
# About 130 s.
use strict;
use warnings;
use JSON::PP qw(decode_json);
use List::Util qw(shuffle);
use lib 'test/lib';
use ChangeWorkload qw(pick everything summarize use_source prepare_random random_change busily);
use PitrTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{PITR_SEED} || 1 + int(rand(1_000_000));
srand($seed);
note("seed $seed");
END { diag("seed $seed (PITR_SEED repeats it)") if $seed && ($? || !Test::More->builder->is_passing); }

sub spaces { my ($p, $into) = @_; return map { ('--tablespace', "$p->{locations}[$_]=" . ($into->{spaces}[$_] //= PostgreSQL::Test::Utils::tempdir())) } 0, 1; }

# Restores to a point that is known and compares, row by row and page by page; over what is there already. @from: options that say from which backup.
sub restored
{
	my ($p, $what, $point, $into, @from) = @_;
	my @delta = -e $into->node->data_dir . '/PG_VERSION' ? ('--delta') : ();
	my $r = $p->restore({ into => $into }, @from, '--target-name', $point->{name}, spaces($p, $into), @delta);
	is(everything($r) =~ s/^public\.u .*\n//gmr, $point->{content} =~ s/^public\.u .*\n//gmr, "$what restores to what was there");
	$r->check_integrity;
	return;
}

# A point that can be recovered to, and what is there then.
sub point
{
	my ($p, $name) = @_;
	my $content = everything($p);
	# Flushed with the switch: the next round may crash the server.
	$p->sql("SELECT pg_create_restore_point('$name'); SELECT pg_switch_wal()");
	return { name => $name, content => $content };
}

# Until no file of the cluster was written for so long that its time may be trusted later (backup/data/file_stat.h); the next
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

# Backups of every type, in a random order, each after random changes and every other one beside some, which find changes by each source in turn.
sub chain
{
	my ($p, @types) = @_;
	my %name = (change_maps => 'change maps', page_lsn => 'page LSN', wal_summaries => 'WAL summaries');
	my @sources = shuffle('change_maps', 'page_lsn', summarize($p) ? 'wal_summaries' : ());
	my (@backups, @between, %used);
	for my $type ('full', shuffle(@types))
	{
		my $round = @backups;
		random_change($p) for 1 .. 1 + int(rand(6));
		my $wanted = $sources[ keys(%used) < @sources ? keys(%used) : int(rand(@sources)) ];
		use_source($p, $wanted);
		settle($p) if $round % 3 == 0;
		my $take = sub { $p->backup("'$type', verify_changes => " . pick('true', 'false', 'false') . ', jobs => ' . pick(1, 2, 3)) };
		my $label = $round % 2 ? busily($p, $take) : $take->();
		my ($source, $why) = split /\|/, $p->sql("SELECT change_source, change_reason FROM pitr_info() WHERE label = '$label'");
		is($source, $type eq 'full' ? '' : $name{$wanted}, "$type backup $label finds changes in the way asked for") or diag($why);
		$used{$wanted} = 1 if $type ne 'full';
		random_change($p) for 1 .. int(rand(3));
		push @backups, { label => $label, type => $type, point => point($p, "after_$round") };
		random_change($p) for 1 .. 1 + int(rand(3));
		push @between, { point => point($p, "between_$round"), before => [@backups] };
	}
	is(scalar keys %used, scalar @sources, 'every source was used');
	$p->wait_archived;
	return (\@backups, \@between);
}

# Every backup of the chain in a random order, each over what the last one left; then points between: from the backup that is chosen, and from
# any before.
sub restore_all
{
	my ($p, $backups, $between, $into) = @_;
	restored($p, "$_->{type} backup $_->{label}", $_->{point}, $into, '--backup', $_->{label}) for shuffle(@$backups);
	my ($one, $other) = shuffle(@$between);
	restored($p, $one->{point}{name}, $one->{point}, $into);
	my $from = pick(@{ $other->{before} })->{label};
	restored($p, "$other->{point}{name} from $from", $other->{point}, $into, '--backup', $from);
	is($p->sql("SELECT count(*) FROM pitr_info() WHERE status <> 'ok'"), '0', 'every backup is in order');
	return;
}

# Relations as a backup has them, by path: nothing of it is started.
sub files_of
{
	my ($p, $label) = @_;
	my $into = $p->empty_cluster;
	my $data = $into->node->data_dir;
	my $json = decode_json($p->pg_pitr_ok('restore', '--pgdata', $data, '--backup', $label, '--target-immediate', '--no-progress', '--json', spaces($p, $into)));
	# With what lies between frames that are read in one go.
	cmp_ok($json->{restore}{bytes_fetched}, '<', 1.3 * $json->{plan}{fetch_bytes}, "of $label each frame that is needed is fetched once");
	my %files;
	for my $path (grep { m{/\d+(?:_\w+)?(?:\.\d+)?$} && -f } glob("$data/global/* $data/base/*/* $data/pg_tblspc/*/*/*/*"))
	{
		$files{ substr $path, length $data } = slurp_file($path);
	}
	return \%files;
}

# With nothing going on, an increment and the full backup after it are the same, whatever the increment took over.
sub same_as_full
{
	my ($p, $source) = @_;
	random_change($p) for 1 .. 3;
	$p->sql('VACUUM (FREEZE)', $_) for split /\n/, $p->sql('SELECT datname FROM pg_database WHERE datallowconn');
	use_source($p, $source);
	my $incr = $p->backup("'incr'");
	my $is = files_of($p, $incr);
	my $full = files_of($p, $p->backup("'full'"));
	cmp_ok(scalar keys %$full, '>', 500, 'there are files to compare');
	is(join(' ', grep { ($is->{$_} // '-') ne ($full->{$_} // '-') } sort keys %{ { %$is, %$full } }), '', "by $source: $incr has what a full backup has, byte by byte");
	return;
}

# An increment made a full backup in the repository: it is built upon, and needs none of those that it was made of.
sub merged
{
	my ($p, $how) = @_;
	my $incr = $p->backup("'incr'");
	$p->pg_pitr_ok('merge', '--json', $incr, '--label', 'merged');
	is($p->sql(q{SELECT type, parent IS NULL, status FROM pitr_info() WHERE label = 'merged'}), 'full|t|ok', "$how: an increment was merged into a full backup");
	random_change($p) for 1 .. 2;
	my $next = $p->backup("'incr'");
	is($p->sql("SELECT parent FROM pitr_info() WHERE label = '$next'"), 'merged', "$how: which the next increment builds on");
	my $point = point($p, 'merged');
	$p->wait_archived;
	append_to_file($p->conf, "pg_pitr.retention_full = 1\n");
	$p->pg_pitr_ok('expire');
	is($p->sql(q{SELECT string_agg(label, ' ' ORDER BY stop_time) FROM pitr_info() WHERE status = 'ok'}), "merged $next", "$how: the others expire");
	my $into = $p->empty_cluster;
	restored($p, "$how: the merged backup", $point, $into, '--backup', 'merged');
	restored($p, "$how: the increment on it", $point, $into, '--backup', $next);
	my ($status) = $p->pg_pitr('verify');
	is($status, 0, "$how: a verification finds nothing wrong");
	return;
}

my $p = PitrTest->new('chain', settings => [ q{pg_pitr.change_map = 'on'}, 'pg_pitr.restore_hold = 0' ]);
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

# Even versions have the long chain, odd ones that on S3.
my $even = int($p->node->pg_version->major) % 2 == 0;
restore_all($p, chain($p, $even ? qw(incr incr incr incr diff diff full) : qw(incr incr incr diff full)), $p->empty_cluster('again'));

$p->sql('ALTER SYSTEM SET autovacuum = off');
$p->node->reload;
PitrTest::wait_for('autovacuum to end', sub { $p->sql(q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'autovacuum worker'}) eq '0' && $p->sql('SHOW autovacuum') eq 'off' });
same_as_full($p, $_) for 'change_maps', 'page_lsn', summarize($p) ? 'wal_summaries' : ();

# A pack of an earlier backup is gone: the plan of those that need it says so, and nobody builds on them.
my $incr = $p->backup("'incr', label => 'last'");
my $lost = (glob($p->repository_dir . '/data/*/000001'))[0];
rename $lost, "$lost.away" or die $!;
my ($lost_key) = $lost =~ m{(data/[^/]+/000001)$};
($status, $out, $err) = $p->pg_pitr('plan', '--backup', ($lost_key =~ m{data/([^/]+)/})[0]);
isnt($status, 0, 'a plan with a pack missing fails');
like($err, qr/\Q$lost_key\E is missing/, 'naming the pack');
rename "$lost.away", $lost or die $!;

merged($p, 'directory');

# The whole of a chain, encrypted and on S3.
unless ($even)
{
	my $s3 = PitrTest->new('s3chain', store => 's3', encrypt => 1, settings => [ q{pg_pitr.change_map = 'on'}, 'pg_pitr.restore_hold = 0' ]);
	prepare_random($s3);
	restore_all($s3, chain($s3, qw(incr incr diff)), $s3->empty_cluster('far'));
	merged($s3, 's3');
}

PitrTest::finish();
done_testing();
