# Increments whose change source is asked for, each compared with a full read, and what they restore to: for the tests of change sources.
package ComparedIncrement;

use strict;
use warnings;
use ChangeWorkload qw(everything summarize use_source prepare_cases change_cases);
use Exporter 'import';
use PitrTest;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT_OK = qw(increment restored sources remember leave_no_wal unarchived cases_by);

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

# The list of cases by one source, which must not give way but where it must; then $more of the same server.
sub cases_by
{
	my ($setting, $name, $more) = @_;
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
	$more->($p) if $more;
	$p->node->stop;
	return;
}

1;
