# A repository that is emptied, or loses its marker or its key, while the server archives to it: archiving stops, says why and what to do,
# nothing that is lost counts as archived, and the marker and the key come back from the data directory.
# Any server version will do.
use strict;
use warnings;
use lib 'test/lib';
use PitrTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $p = PitrTest->new('lost', encrypt => 1, initdb => ['--wal-segsize=1'], conf => "autovacuum = off\nwal_keep_size = 64MB\n");
$p->sql('CREATE TABLE t (n int)');
$p->backup("label => 'base'");
$p->wait_archived;
my $repository = $p->repository_dir;
my $data = $p->node->data_dir;
my $kit = "$data/pg_pitr.kit";

# Writes WAL, and returns the name of the segment that it is in.
sub segment
{
	$p->sql('INSERT INTO t VALUES (1)');
	my $name = $p->sql('SELECT pg_walfile_name(pg_current_wal_lsn())');
	$p->sql('SELECT pg_switch_wal()');
	return $name;
}
sub mark { my ($name) = @_; return -e "$data/pg_wal/archive_status/$name.done" ? 'done' : -e "$data/pg_wal/archive_status/$name.ready" ? 'ready' : 'none'; }
sub stops
{
	my ($name, $said, $what) = @_;
	PitrTest::wait_for("$what: an error", sub { $p->sql('SELECT coalesce(last_error, $$$$) FROM pitr_status') =~ $said });
	is(mark($name), 'ready', "$what: the segment does not count as archived");
	ok($p->wait_for_log(qr/WARNING: .*could not archive WAL file "$name": .*$said/), "$what: the log says why");
	return;
}

ok(-e $kit, 'the data directory has a recovery kit');
my $marker = slurp_file("$repository/pg_pitr.marker");
my ($slot) = glob("$repository/keys/*");
like(slurp_file($slot), qr/"n": ?32768\b.*"p": ?1\b.*"r": ?8\b/s, "a guess of the passphrase costs what it should");
my $slot_bytes = slurp_file($slot);

# --- the marker ------------------------------------------------------------------------------------------------------------------
unlink "$repository/pg_pitr.marker" or die $!;
my $name = segment();
stops($name, qr/the marker of repository .* is gone|is not there/, 'without its marker');
like($p->log, qr/HINT: .*pg_pitr key import/, 'the log says how to bring it back');
my ($status, $out, $err) = $p->try_sql('SELECT pitr_backup()');
isnt($status, 0, 'no backup is taken there');
my ($failed, undef, $said) = $p->pg_pitr('info');
isnt($failed, 0, 'nobody can read it');
like($said, qr/the marker of repository .* is missing/, 'and nobody is told that it was never created');
like($said, qr/pg_pitr key --config \S+ import FILE/, 'but how it comes back, by a command that can be pasted');
for my $verb ([ 'plan', '--target-latest' ], [ 'restore', '--target-latest', '--dry-run', '-D', "$data.none" ], ['check'], [ 'verify', '--quick' ])
{
	($failed, $out, $said) = $p->pg_pitr(@$verb);
	isnt($failed, 0, "$verb->[0]: it fails");
	like($out . $said, qr/the marker of repository .* is missing|pg_pitr\.marker\b.*missing|missing.*\bpg_pitr\.marker\b/, "$verb->[0]: what is missing");
	like($out . $said, qr/pg_pitr key (?:--config \S+ )?import FILE/, "$verb->[0]: and how it comes back");
}
like($p->sql('SELECT string_agg(concat_ws($$ $$, detail, hint), $$ $$) FROM pitr_check() WHERE NOT ok'),
	qr/the marker of repository .* is missing.*pg_pitr key (?:--config \S+ )?import FILE/s, 'and so does pitr_check()');
# The kit of another repository takes no place there.
my $foreign = slurp_file($kit);
my $other = PostgreSQL::Test::Utils::tempdir() . '/kit';
$foreign =~ s/^object keys.*\n//mg;
append_to_file($other, $foreign);
($failed, undef, $said) = $p->pg_pitr('key', 'import', $other);
isnt($failed, 0, 'a kit that is incomplete is refused');
ok(!-e "$repository/pg_pitr.marker", 'and leaves nothing');
$p->pg_pitr_ok('key', 'import', '--json', $kit);
is(slurp_file("$repository/pg_pitr.marker"), $marker, 'the kit of the data directory brings it back as it was');
$p->wait_archived;
is(mark($name), 'done', 'archiving goes on by itself');

# --- marker and key --------------------------------------------------------------------------------------------------------------
my $export = $p->node->basedir . '/kit';
$p->pg_pitr_ok('key', 'export', '--json', $export);
is((stat $export)[2] & 0777, 0600, 'an exported kit is for its owner');
($failed, undef, $said) = $p->pg_pitr('key', 'export', $export);
isnt($failed, 0, 'and is not overwritten');
unlink("$repository/pg_pitr.marker", $slot) == 2 or die $!;
$name = segment();
stops($name, qr/the marker of repository .* is gone|is not there/, 'without marker and key');
$p->pg_pitr_ok('key', 'import', $export);
is(slurp_file($slot), $slot_bytes, 'an exported kit brings the key slot back');
$p->wait_archived;
my $want = $p->content;
my $restored = $p->restore('--target-latest');
is($restored->content, $want, 'everything that was archived is there');
$restored->node->stop;

# --- everything ------------------------------------------------------------------------------------------------------------------
my $before = $p->sql('SELECT pg_walfile_name(pg_current_wal_lsn())');
system_or_bail('sh', '-c', "rm -rf '$repository'/* '$repository'/.tmp~/*");
$name = segment();
stops($name, qr/the marker of repository .* is gone|is not there/, 'emptied');
($failed, undef, $said) = $p->pg_pitr('key', 'import', $kit);
isnt($failed, 0, 'a kit does not make an empty place a repository');
unlink "$data/pg_pitr.repository" or die $!;
PitrTest::wait_for('archiving to go on', sub { mark($name) eq 'done' });
ok(-e "$repository/pg_pitr.marker" && slurp_file("$repository/pg_pitr.marker") ne $marker, 'when that is meant archiving makes a new one');
ok(-e $p->stored_path($name), 'and what was not archived when it was emptied is in it');
$p->backup("label => 'again'");
$p->wait_archived;
is($p->sql('SELECT count(*) FROM pitr_check() WHERE NOT ok'), '0', 'pitr_check() is content after a new backup');

PitrTest::finish();
done_testing();
