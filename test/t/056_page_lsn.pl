# What an increment is told of changed blocks by page LSNs: the list of cases that 014_incremental_cases.pl takes by change maps, every increment
# compared with a full read; what missing change maps and a gap do; a relation over 1 GB.
# Any server version will do.
# About 90 s.
use strict;
use warnings;
use lib 'test/lib';
use ChangeWorkload qw(use_source);
use ComparedIncrement qw(increment sources leave_no_wal unarchived cases_by);
use PitrTest;
use PostgreSQL::Test::Utils;
use Test::More;

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

cases_by('page_lsn', 'page LSN');
gap();
large();

PitrTest::finish();
done_testing();
