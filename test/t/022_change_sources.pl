# What an increment is told of changed blocks, by WAL summaries, change maps and page LSNs: the list of cases with each source that
# 014_incremental_cases.pl does not take, every increment compared with a full read; what missing maps and a gap do; a promotion; a relation
# over 1 GB.
# About 140 s.
use strict;
use warnings;
use lib 'test/lib';
use ChangeWorkload qw(everything summarize use_source prepare_cases change_cases);
use PitrTest;
use PostgreSQL::Test::Utils;
use Test::More;

# An increment that is compared with everything on disk, and how it found what had changed: (label, source, reason, what the caller was told).
sub increment
{
	my ($server, $what, $type) = @_;
	$type //= 'incr';
	my ($status, $out, $err) = $server->try_sql("SELECT pitr_backup('$type', verify_changes => true)");
	is($status, 0, "$what: the increment succeeds and is equal to a full read") or diag($err);
	my ($label) = $out =~ /(\S+)/;
	my ($source, $why) = split /\|/, $server->sql("SELECT change_source, change_reason FROM pitr_info() WHERE label = '$label'");
	return ($label, $source, $why, $err);
}

# Restores the end of the backup and compares, row by row and page by page.
sub restored
{
	my ($server, $what, $backup) = @_;
	my @map = map { ('--tablespace', "$_=" . PostgreSQL::Test::Utils::tempdir()) } @{ $backup->{spaces} // [] };
	my $r = $server->restore('--backup', $backup->{label}, '--target-name', $backup->{point}, @map);
	is(everything($r), $backup->{content}, "$what: $backup->{label} restores to what was there");
	$r->check_integrity;
	return;
}

# Settings and names of the sources that the server has.
sub sources { my ($server) = @_; return ([ 'change_maps', 'change maps' ], [ 'page_lsn', 'page LSN' ], summarize($server) ? [ 'wal_summaries', 'WAL summaries' ] : ()); }

sub remember
{
	my ($server, $label) = @_;
	my $point = "after $label";
	my @spaces = split /\n/, $server->sql(q{SELECT pg_tablespace_location(oid) FROM pg_tablespace WHERE pg_tablespace_location(oid) LIKE '/%'});
	my $backup = { label => $label, point => $point, content => everything($server), spaces => \@spaces };
	$server->sql("SELECT pg_create_restore_point('$point')");
	$server->wait_archived;
	return $backup;
}

# The segments so far are archived, and the server has none of them any more.
sub leave_no_wal
{
	my ($server) = @_;
	my $last = $server->wait_archived;
	my $pg_wal = $server->node->data_dir . '/pg_wal';
	PitrTest::wait_for("$last to be recycled", sub { $server->sql('CHECKPOINT'); return !-e "$pg_wal/$last"; });
	return $last;
}

# The list of cases by one source, which must not give way but where it must.
sub cases_by
{
	my ($setting, $name) = @_;
	my $p = PitrTest->new($setting, conf => "autovacuum = off\n", settings => ['pg_pitr.max_chain_length = 100']);
	if ($setting eq 'wal_summaries' && !summarize($p))
	{
		# There is nothing to be had, which is said.
		$p->backup("'full'");
		use_source($p, $setting);
		my (undef, $source, $why, $told) = increment($p, 'without summaries');
		is($source, 'page LSN', 'without summaries: by page LSNs');
		like($why, qr/^WAL summaries: PostgreSQL \d+ has none\.$/, 'without summaries: for this reason');
		like($told, qr/NOTICE:  changed blocks are found by page LSN\nDETAIL:  WAL summaries/, 'without summaries: the caller is told');
		return;
	}
	prepare_cases($p);
	use_source($p, $setting);
	$p->backup("'full'");
	my $taken;
	change_cases($p, sub {
		my ($what, $change, %want) = @_;
		$p->sql('CHECKPOINT');
		ref $change ? $change->() : $p->sql($change);
		my ($label, $source, $why) = increment($p, "$name, $what");
		my $pages = $setting eq 'page_lsn' ? $want{pages} : undef;
		is($source, $want{source} // $pages // $name, "$name, $what: by the source expected") or diag($why);
		$taken = remember($p, $label) if $want{integrity};
	});
	restored($p, $name, $taken);
	summaries_alone($p) if $setting eq 'wal_summaries';
	$p->node->stop;
	return;
}

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

# Changes while archiving is off, whose WAL the server has recycled.
sub unarchived
{
	my ($p) = @_;
	my $node = $p->node;
	$node->stop;
	$node->append_conf('postgresql.conf', "archive_mode = off\n");
	$node->start;
	$p->sql(q{UPDATE a SET s = 'not archived' WHERE n % 30 = 0});
	for (1 .. 2) { $p->sql('SELECT pg_create_restore_point($$gap$$); SELECT pg_switch_wal(); CHECKPOINT'); }
	$node->stop;
	$node->append_conf('postgresql.conf', "archive_mode = on\n");
	$node->start;
	return;
}

# Maps that are lost are made good; WAL that is nowhere, because archiving was off, is not guessed over.
sub gap
{
	my $p = PitrTest->new('gap', conf => "autovacuum = off\nmin_wal_size = 32MB\n");
	my $node = $p->node;
	$p->sql('CREATE TABLE a AS SELECT g AS n, md5(g::text) AS s FROM generate_series(1, 20000) g');
	$p->backup("'full'");
	$p->sql(q{UPDATE a SET s = 'mapped' WHERE n % 100 = 0});
	my ($label, $source, $why) = increment($p, 'no gap');
	is($source, 'change maps', 'no gap: by change maps') or diag($why);
	my $change = sub { my ($what) = @_; $p->sql("UPDATE a SET s = '$what' WHERE n % 50 = 0"); return leave_no_wal($p); };
	my $told = sub {
		my ($what, $reason) = @_;
		my (undef, $source, $why, $told) = increment($p, $what);
		is($source, 'page LSN', "$what: by page LSNs");
		like($why, $reason, "$what: for the reason expected");
		like($told, qr/NOTICE:  changed blocks are found by page LSN\nDETAIL:  .*Change maps: /, "$what: the caller is told");
		$p->wait_for_log(qr/are found by page LSN: .*Change maps: /);
		(undef, $source, $why) = increment($p, "after $what");
		is($source, 'change maps', "after $what: by change maps again") or diag($why);
	};
	my $map_of = sub {
		my $path = $p->repository_dir . '/' . PitrTest::change_key($_[0]);
		PitrTest::wait_for("the map of $_[0]", sub { -e $path });
		return $path;
	};
	my $lost = $map_of->($change->('map lost'));
	unlink $lost or die $!;
	($label, $source, $why) = increment($p, 'a map is lost');
	is($source, 'change maps', 'a map is lost: the segment is read instead') or diag($why);
	ok(-e $lost, 'a map is lost: it is stored again');

	my $damaged = $change->('map damaged');
	my $path = $map_of->($damaged);
	chmod 0600, $path;
	open(my $file, '+<:raw', $path) or die $!;
	seek($file, 80, 0);
	print $file 'damage';
	close $file;
	my ($status, $out) = $p->pg_pitr('verify', '--wal');
	is($status, 0, 'a damaged map is no damage to recoveries');
	like($out, qr/change\/00000001\/\S+\/$damaged/, 'but named by a verification');
	($label, $source, $why) = increment($p, 'a map is damaged');
	is($source, 'change maps', 'a map is damaged: the segment is read instead') or diag($why);

	unarchived($p);
	$told->('archiving was off', qr/WAL segment [0-9A-F]{24} is neither in the repository nor in pg_wal/);

	# Without maps by choice nobody is told, but the reason is kept.
	$node->append_conf('postgresql.conf', "pg_pitr.change_map = 'off'\n");
	$node->reload;
	PitrTest::wait_for('the setting', sub { $p->sql('SHOW pg_pitr.change_map') eq 'off' });
	my $last = $change->('no map');
	ok(!-e $p->repository_dir . '/' . PitrTest::change_key($last), 'no map is made when none is wanted');
	my (undef, $by, $reason, $notice) = increment($p, 'without maps');
	is($by, 'page LSN', 'without maps: by page LSNs');
	like($reason, qr/Change maps: the setting change_map is off\.$/, 'without maps: for this reason');
	unlike($notice, qr/changed blocks/, 'without maps: it is no news');

	# Maps go with their segments, here after the next backup.
	$node->append_conf('postgresql.conf', "pg_pitr.retention_full = 1\n");
	$node->reload;
	PitrTest::wait_for('the setting', sub { $p->sql('SHOW pg_pitr.retention_full') eq '1' });
	my $full = $p->backup("'full'");
	my $first = $p->sql("SELECT first_segment FROM pitr_info() WHERE label = '$full'");
	my @maps = map { /([0-9A-F]{24})$/ ? $1 : () } glob($p->repository_dir . '/change/00000001/*/*/*');
	is(scalar(grep { $_ lt $first } @maps), 0, 'expiry deletes maps with their segments');
	$node->stop;
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

# Block numbers that go on in the next file. The table is filled without WAL, and with nothing to do for VACUUM, which is quicker.
sub large
{
	my $p = PitrTest->new('large', conf => "autovacuum = off\nwal_level = minimal\narchive_mode = off\nmax_wal_senders = 0\n");
	my $node = $p->node;
	my $rows = q{perl -e 'print "$_\t", "x" x 500, "\n" for 0 .. 132499'};
	$p->sql("BEGIN; CREATE TABLE big (n int, s text) WITH (fillfactor = 10); COPY big FROM PROGRAM \$\$$rows\$\$ (FREEZE); COMMIT");
	is($p->sql(q{SELECT ctid FROM big WHERE n = 131072}), '(131072,1)', 'a page holds one row');
	$node->stop;
	$node->append_conf('postgresql.conf', "wal_level = replica\narchive_mode = on\nmax_wal_senders = 4\n");
	$node->start;
	my @sources = sources($p);
	$p->backup("'full'");
	my $sums = q{SELECT count(*) || ' ' || sum(n) || ' ' || sum(length(s)) || ' ' || pg_relation_size('big') FROM big};
	my $last;
	my $step = sub {
		my ($by, $what, $sql) = @_;
		$p->sql($sql);
		($last, my $source, my $why) = increment($p, "$what, $by");
		is($source, $by, "$what: by $by") or diag($why);
		is($p->sql("SELECT stored_size < 2000000 FROM pitr_info() WHERE label = '$last'"), 't', "$what, $by: little is stored");
	};
	for my $source (@sources)
	{
		my ($setting, $by) = @$source;
		use_source($p, $setting);
		$step->($by, 'both sides of the border', q{UPDATE big SET n = -n WHERE ctid < '(1,0)';
			UPDATE big SET n = -n WHERE ctid >= '(131070,0)' AND ctid < '(131074,0)'});
		$step->($by, 'truncation below the border', q{DELETE FROM big WHERE ctid >= '(130000,0)'; VACUUM big});
		is($p->sql(q{SELECT pg_relation_size('big') / 8192 BETWEEN 129999 AND 130000}), 't', 'the table was truncated');
		$step->($by, 'growth over the border', q{INSERT INTO big SELECT g, repeat('y', 500) FROM generate_series(200000, 201499) g});
		is($p->sql(q{SELECT pg_relation_size('big') > 1073741824}), 't', 'the table has two files again');
	}
	$p->sql('SELECT pg_create_restore_point($$large$$)');
	$p->wait_archived;
	my $r = $p->restore('--backup', $last, '--target-name', 'large');
	is($r->sql($sums), $p->sql($sums), "$last restores to what was there");
	$r->check_integrity;
	return;
}

my $began = time;
for my $part ([ 'page LSN', \&cases_by, 'page_lsn' ], [ 'WAL summaries', \&cases_by, 'wal_summaries' ], [ 'gap', \&gap ], [ 'promotion', \&promotion ], [ 'large', \&large ])
{
	my ($name, $code, @arguments) = @$part;
	$code->(@arguments, $name);
	note("$name: done after " . (time - $began) . ' s');
}

PitrTest::finish();
done_testing();
