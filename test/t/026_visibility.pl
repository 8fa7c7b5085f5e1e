# What VACUUM marks on pages and in the visibility map reaches an increment whatever it is told of changed blocks by, with and without data
# checksums: after each restore the map agrees with the pages, and an index-only scan counts what a sequential one does.
use strict;
use warnings;
use lib 'test/lib';
use ChangeWorkload qw(summarize use_source);
use PitrTest;
use PostgreSQL::Test::Utils;
use Test::More;

my @tables = ('clean', 'frozen', 'holes', 'copied');

sub vacuumed
{
	my ($p) = @_;
	$p->sql($_) for 'DELETE FROM holes WHERE n % 7 = 0', 'VACUUM clean', 'VACUUM (FREEZE) frozen', 'VACUUM holes', 'VACUUM copied';
	return;
}

# Tables as they are before the first VACUUM, with hint bits set and on disk.
sub fill
{
	my ($p) = @_;
	$p->sql('CREATE EXTENSION IF NOT EXISTS pg_visibility');
	for my $table (@tables)
	{
		$p->sql("DROP TABLE IF EXISTS $table; CREATE TABLE $table (n int PRIMARY KEY, s text)");
		$p->sql("INSERT INTO $table SELECT g, repeat('x', 100) FROM generate_series(1, 6000) g; SELECT count(*) FROM $table");
	}
	$p->sql('CHECKPOINT');
	return;
}

sub check_copy
{
	my ($r, $what) = @_;
	for my $table (@tables)
	{
		is($r->sql("SELECT (SELECT count(*) FROM pg_check_visible('$table')), (SELECT count(*) FROM pg_check_frozen('$table'))"), '0|0', "$what: $table: no wrong bit");
		is($r->sql("SELECT count(*) FROM generate_series(0, pg_relation_size('$table') / 8192 - 1) b, LATERAL pg_visibility('$table', b) v WHERE v.all_visible AND NOT v.pd_all_visible"),
			'0', "$what: $table: the pages agree with the map");
		$r->sql("DELETE FROM $table WHERE n % 2 = 0");
		my $by = sub { my ($off) = @_; (split /\n/, $r->sql(join(' ', map({ "SET enable_$_ = off;" } @$off), "SELECT count(*) FROM $table WHERE n > 0")))[-1] };
		is($by->([ 'seqscan', 'bitmapscan' ]), $by->([ 'indexscan', 'indexonlyscan', 'bitmapscan' ]), "$what: $table: both kinds of scan count the same");
	}
	return;
}

for my $checksums (0, 1)
{
	my $p = PitrTest->new("checksums$checksums", checksums => $checksums, conf => "autovacuum = off\n", settings => ['pg_pitr.max_chain_length = 100']);
	my %pages = (page_lsn => $checksums ? 'page LSN' : 'full read');
	my %name = (change_maps => 'change maps', %pages, full_read => 'full read', summarize($p) ? (wal_summaries => 'WAL summaries') : ());
	my $target;
	for my $setting (sort keys %name)
	{
		my $what = ($checksums ? 'with' : 'without') . " checksums, by $setting";
		fill($p);
		use_source($p, $setting);
		$p->backup("'full'");
		vacuumed($p);
		my ($status, $out, $err) = $p->try_sql(q{SELECT pitr_backup('incr', verify_changes => true)});
		is($status, 0, "$what: the increment is equal to a full read") or diag($err);
		my ($label) = $out =~ /(\S+)/;
		is($p->sql("SELECT change_source FROM pitr_info() WHERE label = '$label'"), $name{$setting}, "$what: by the source expected");
		my $r = $p->restore($target ? { into => $target } : {}, '--backup', $label, '--target-immediate', $target ? '--delta' : ());
		check_copy($r, $what);
		$r->node->stop('immediate');
		$target = $r;
	}
	$p->node->stop;
}

PitrTest::finish();
done_testing();
