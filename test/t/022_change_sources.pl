# What an increment is told of changed blocks by WAL summaries, and by each source after a promotion: the list of cases that 014_incremental_cases.pl
# takes by change maps, every increment compared with a full read. What does not depend on the server's version is in 056_page_lsn.pl.
# About 80 s.
use strict;
use warnings;
use lib 'test/lib';
use ChangeWorkload qw(summarize use_source);
use ComparedIncrement qw(increment restored sources remember leave_no_wal unarchived cases_by);
use PitrTest;
use Test::More;

# Summaries are the server's: they know of WAL that was not archived. When they are lost themselves that is said, and nothing is guessed.
sub summaries_alone
{
	my ($p) = @_;
	unarchived($p);
	my ($label, $source, $why) = increment($p, 'WAL summaries, archiving was off');
	is($source, 'WAL summaries', 'WAL summaries, archiving was off: that is no gap for them') or diag($why);
	restored($p, 'WAL summaries', remember($p, $label));
	$p->sql(q{UPDATE a SET s = 'summaries lost' WHERE n % 30 = 1});
	leave_no_wal($p);    # of which they could be made again
	$p->node->stop;
	unlink glob($p->node->data_dir . '/pg_wal/summaries/*.summary');
	$p->node->start;
	(undef, $source, $why, my $told) = increment($p, 'WAL summaries, which are lost');
	is($source, 'page LSN', 'WAL summaries, which are lost: by page LSNs');
	like($why, qr/^WAL summaries: /, 'WAL summaries, which are lost: for this reason');
	like($told, qr/NOTICE:  changed blocks are found by page LSN\nDETAIL:  WAL summaries/, 'WAL summaries, which are lost: the caller is told');
	return;
}

# A standby takes over: its files are others, so the first increment compares them; from then on WAL is believed.
sub promotion
{
	my $p = PitrTest->new('primary', conf => "autovacuum = off\n", settings => [q{pg_pitr.change_map = 'on'}]);
	summarize($p);
	$p->sql('CREATE TABLE a AS SELECT g AS n, md5(g::text) AS s FROM generate_series(1, 100000) g');
	$p->backup("'full'");
	$p->wait_archived;
	my $standby = $p->restore({ no_wait => 1, conf => "archive_mode = on\n" }, '--mode', 'standby');
	$p->sql(q{UPDATE a SET s = 'on timeline 1' WHERE n % 1000 = 0});
	use_source($p, 'change_maps');
	increment($p, 'on the primary');
	$p->sql(q{UPDATE a SET s = 'later on timeline 1' WHERE n % 1000 = 1});
	$p->wait_archived;
	$standby->node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM a WHERE s = 'later on timeline 1'}) or die 'the standby does not follow';
	$p->node->stop;
	$standby->node->promote;
	$standby->wait_open;
	$standby->sql(q{UPDATE a SET s = 'on timeline 2' WHERE n % 1000 = 2});
	my @taken;
	# A differential backup builds on one of the old timeline, the next increment on that.
	for my $by (sources($standby))
	{
		my ($setting, $name) = @$by;
		use_source($standby, $setting);
		for my $type ('diff', 'incr')
		{
			my ($label, $source, $why) = increment($standby, "after the promotion, $type", $type);
			is($source, $name, "after the promotion, $type: by $name") or diag($why);
			push @taken, remember($standby, $label);
			$standby->sql("UPDATE a SET s = '$label' WHERE n % 1000 = 3");
		}
	}
	is($standby->sql('SELECT string_agg(timeline::text, $$ $$ ORDER BY start_time) FROM pitr_info()'), join(' ', 1, 1, (2) x @taken), 'the increments are on the new timeline');
	restored($standby, 'promotion', $_) for @taken[ 0, 1, -2, -1 ];
	return;
}

cases_by('wal_summaries', 'WAL summaries', \&summaries_alone);
promotion();

PitrTest::finish();
done_testing();
