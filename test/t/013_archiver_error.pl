# An ERROR inside the archive callback. PostgreSQL 15 and 16 would end the archiver at best and go on with locks held and files open at
# worst; pg_pitr cleans up by itself on every version: the archiver goes on and the file is stored at the next attempt.
# Any server version will do.
use strict;
use warnings;
use lib 'test/lib';
use PitrTest;
use Test::More;

# A wrapper around pg_pitr: test/modules/raise_in_archiver.c.
my $p = PitrTest->new('raise', conf => "archive_library = 'raise_in_archiver'\nlog_min_messages = debug1\n");
my $archiver = q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'archiver'};
$p->wait_archived;
my $pid = $p->sql($archiver);

# Sets the mode and waits until the archiver has it, which then says what the callback left of the next file.
sub raise
{
	my ($mode, $file) = @_;
	my $seen = length $p->log;
	$p->node->append_conf('postgresql.conf', "raise_in_archiver.mode = '$mode'");
	$p->node->reload;
	PitrTest::wait_for('the archiver to reload', sub { substr($p->log, $seen) =~ /raise_in_archiver: will $mode/ });
	$seen = length $p->log;
	$file->();
	PitrTest::wait_for('the error', sub { substr($p->log, $seen) =~ /raise_in_archiver: (\w+) ([^\n]*)\n/ });
	my ($name, $left) = substr($p->log, $seen) =~ /raise_in_archiver: (\w+) ([^\n]*)\n/;
	my ($warning) = substr($p->log, $seen) =~ /WARNING:  (could not archive WAL file "$name": [^\n]*)/;
	return ($name, $left, $warning);
}

my ($name, $left, $warning) = raise('cancel', sub { $p->sql('CREATE TABLE t (n int); SELECT pg_switch_wal()') });
is($left, 'not stored, pending 0, locked 0, held back 0, open 0', 'a cancel in the callback leaves no open file');
like($warning, qr/canceling statement/, 'it is reported as a failed attempt');
my $pg_wal = $p->node->data_dir . '/pg_wal';
PitrTest::wait_for('the file to be stored', sub { -e "$pg_wal/archive_status/$name.done" || !-e "$pg_wal/$name" });
is($p->sql('SELECT last_archived FROM pitr_status') ge $name, 1, 'and the next attempt stores it');
is($p->sql($archiver), $pid, 'by the same process');

# The same file is asked for again, as after a crash: pg_pitr reports that it was stored before, and the report fails.
my $again = $p->wait_archived;
($name, $left, $warning) = raise('report', sub {
	rename("$pg_wal/archive_status/$again.done", "$pg_wal/archive_status/$again.ready") or die "$again: $!";
	$p->sql('CREATE TABLE u (n int); SELECT pg_switch_wal()');
});
is($name, $again, 'the stored file is archived again');
is($left, 'not stored, pending 0, locked 0, held back 0, open 0', 'an error while reporting leaves no lock');
like($warning, qr/raised by raise_in_archiver/, 'it is reported as a failed attempt');
PitrTest::wait_for('the file to be stored', sub { -e "$pg_wal/archive_status/$again.done" || !-e "$pg_wal/$again" });
$p->wait_archived;
is($p->sql($archiver), $pid, 'by the same process');
is($p->sql('SELECT failed_count > 0 FROM pg_stat_archiver'), 't', 'the failures are counted');

PitrTest::finish();
done_testing();
