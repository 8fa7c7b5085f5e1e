# What a restore over an existing directory removes, leaves and sets aside: WAL that is only there, wherever pg_wal is; server logs;
# configuration, keys and notes.
# Any server version will do.
use strict;
use warnings;
use IPC::Run ();
use lib 'test/lib';
use PitrTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $p = PitrTest->new('shop', no_start => 1, initdb => [ '--waldir', PostgreSQL::Test::Utils::tempdir() . '/wal' ], conf => <<'X');
autovacuum = off
logging_collector = on
log_directory = 'serverlog'
log_filename = 'server.log'
include_dir 'conf.d'
X
my $node = $p->node;
my $data = $node->data_dir;
mkdir "$data/conf.d" or die $!;
$node->start;
$p->sql('CREATE EXTENSION pg_pitr');
my $wal = readlink("$data/pg_wal");
ok($wal, 'pg_wal is a link');
$p->sql('CREATE TABLE t AS SELECT generate_series(1, 1000) AS n');
$p->backup;

sub write_file
{
	my ($path, $text) = @_;
	open(my $file, '>', $path) or die "$path: $!";
	print $file $text;
	close $file;
	return;
}

sub restore
{
	my (@options) = @_;
	return $p->pg_pitr_ok('restore', '--pgdata', $data, '--delta', '--no-progress', @options);
}

sub notes
{
	my ($out) = @_;
	return join "\n", grep { /^NOTE/ } split /\n/, $out;
}

sub set_aside_in { return glob("$_[0]/*.before-restore-*"); }

# --- nothing is only there: nothing is set aside, and nobody is told so --------------------------------------------------------
$p->sql('INSERT INTO t VALUES (-1)');
$p->wait_archived;
my $want = $p->content;
$node->stop;
my $out = restore();
unlike($out, qr/repository does not have/, 'a server that was stopped in order leaves no WAL that is only there');
is(join(' ', set_aside_in($data), set_aside_in($wal)), '', 'and nothing is set aside');
like($out, qr/pg_wal is a link to "\Q$wal\E"/, 'where WAL is, is said');
is(readlink("$data/pg_wal"), $wal, 'pg_wal is still that link');
$node->start;
$p->wait_open;
is($p->content, $want, 'every row is there');
$p->backup;

# --- a transaction that was not archived ---------------------------------------------------------------------------------------
$p->sql('INSERT INTO t VALUES (-2)');
my $lost = $p->content;
$node->stop('immediate');
my $dry = $p->pg_pitr_ok('restore', '--pgdata', $data, '--delta', '--dry-run');
like($dry, qr/WAL file \w{24}, which the repository does not have, is in "\Q$wal\E|WAL file \w{24}, which the repository does not have, is in "\Q$data\E\/pg_wal"/,
	'the dry run finds it');
like($dry, qr/transactions that are nowhere else, the last committed at \d{4}-/, 'and what it holds');
ok(-e "$data/global/pg_control", 'and touches nothing');
$out = restore();
like($out, qr/NOTE: WAL file \w{24}, which the repository does not have, was set aside in "[^"]*before-restore-[\w.]+"/, 'the restore sets it aside');
my ($aside) = set_aside_in($wal);
ok($aside, 'on its own disk');
$node->start;
$p->wait_open;
isnt($p->content, $lost, 'the row is not in the archive');
$node->stop;
$p->pg_pitr_ok('wal-push', glob("$aside/0*"));
$out = restore('--target-timeline', '2', '--target-latest');
$node->start;
$p->wait_open;
is($p->content, $lost, 'it is, after what was set aside has been pushed');

# --- logs, configuration, keys, notes --------------------------------------------------------------------------------------------
$p->backup;
append_to_file("$data/pg_hba.conf", "# added after the backup\n");
write_file("$data/conf.d/new.conf", "work_mem = '7MB'\n");
write_file("$data/server.key", 'a private key');
write_file("$data/NOTES.txt", 'notes of the DBA');
write_file("$data/base/NOTES.txt", 'where nobody looks');
$p->sql(q{ALTER SYSTEM SET maintenance_work_mem = '33MB'});
$p->sql(q{ALTER SYSTEM SET log_statement = 'mod'});
$node->restart;
$p->sql('INSERT INTO t VALUES (-42)');
$p->wait_archived;
$want = $p->content;
$node->stop;
like(slurp_file("$data/serverlog/server.log"), qr/VALUES \(-42\)/, 'the log has the evidence');
$dry = $p->pg_pitr_ok('restore', '--pgdata', $data, '--delta', '--dry-run');
for my $name ('pg_hba.conf', 'conf.d', 'server.key', 'NOTES.txt', 'base/NOTES.txt', 'postgresql.auto.conf')
{
	like(notes($dry), qr/\b\Q$name\E\b/, "the dry run names $name");
}
$out = restore();
like(notes($out), qr/left as they are; other than in the backup: .*pg_hba\.conf.*; not in the backup: .*NOTES\.txt/, 'as does the report');
like(slurp_file("$data/serverlog/server.log"), qr/VALUES \(-42\)/, 'the log is whole');
like(slurp_file("$data/pg_hba.conf"), qr/added after the backup/, 'pg_hba.conf is as it was');
is(slurp_file("$data/server.key"), 'a private key', 'as is the key');
is(slurp_file("$data/NOTES.txt"), 'notes of the DBA', 'and the notes');
my ($elsewhere) = set_aside_in($data);
is(slurp_file("$elsewhere/base/NOTES.txt"), 'where nobody looks', 'what lay among the files of relations is set aside');
ok(!-e "$data/base/NOTES.txt", 'and out of the way');
$node->start;
$p->wait_open;
is($p->sql('SHOW work_mem') . ' ' . $p->sql('SHOW maintenance_work_mem'), '7MB 33MB', 'the server has the settings it had');
is($p->content, $want, 'and every row');
$node->stop;

# The backup's instead.
$out = restore('--configuration', 'backup');
my ($after) = grep { $_ ne $elsewhere } set_aside_in($data);
for my $name ('pg_hba.conf', 'postgresql.auto.conf', 'conf.d', 'server.key', 'NOTES.txt')
{
	like(notes($out), qr/Set aside in "\Q$after\E".*\b\Q$name\E\b/, "$name is said to be set aside");
	ok(-e "$after/$name", 'and is');
}
unlike(slurp_file("$data/pg_hba.conf"), qr/added after the backup/, 'pg_hba.conf is the backup\'s');
like(slurp_file("$data/serverlog/server.log"), qr/VALUES \(-42\)/, 'the log stays all the same');
$node->start;
$p->wait_open;
is($p->sql('SHOW work_mem'), '4MB', 'the settings are the backup\'s');
my $with = $p->backup;
$node->stop;
my ($status, undef, $err) = $p->pg_pitr('restore', '--pgdata', $data . '-other', '--configuration', 'keep');
isnt($status, 0, 'there is nothing to keep in a new directory');
like($err, qr/--configuration is for --delta/, 'which is said');

# A configuration file that a crash of the machine emptied is no configuration.
write_file("$data/postgresql.conf", '');
$out = restore();
like(notes($out), qr/postgresql\.conf is empty or damaged/, 'an emptied postgresql.conf is replaced by the backup\'s');
like(slurp_file("$data/postgresql.conf"), qr/serverlog/, 'and so it is');

# --- killed at any moment: nothing is lost, and it goes on -----------------------------------------------------------------------
append_to_file("$data/pg_hba.conf", "# once more\n");
write_file("$data/base/NOTES.txt", 'again');
for my $delay (15, 30, 60, 100, 150)
{
	write_file("$wal/000000090000000000000007", "only here $delay");
	my ($kout, $kerr) = ('', '');
	my $run = IPC::Run::start([ PitrTest::binary(), 'restore', '--config', $p->conf, '--pgdata', $data, '--delta', '--jobs', '1', '--no-progress' ],
		'<', \undef, '>', \$kout, '2>', \$kerr);
	usleep($delay * 1000);
	$run->kill_kill(grace => 0) if $run->pumpable;
	eval { $run->finish };
	my @copies = map { slurp_file($_) } glob("$wal/0000000900* $wal/*.before-restore-*/0000000900*");
	ok((grep { $_ eq "only here $delay" } @copies), "after kill -9 at $delay ms WAL that is only here is here");
}
$out = restore();
like(slurp_file("$data/pg_hba.conf"), qr/# once more/, 'configuration of before is there after all that');
is(scalar(grep { slurp_file($_) eq 'again' } glob("$data/*.before-restore-*/base/NOTES.txt")), 1, 'and what was set aside, once');
$node->start;
$p->wait_open;
$p->check_integrity;

# --- pg_wal to another disk, and back ---------------------------------------------------------------------------------------------
my $disk = PostgreSQL::Test::Utils::tempdir();
mkdir "$disk/lost+found";
$out = restore('--waldir', $disk);
is(readlink("$data/pg_wal"), $disk, 'WAL goes to another disk');
ok(-d $wal, 'and the old one is left alone');
like(notes($out), qr/pg_wal was a link to "\Q$wal\E", which is not touched/, 'which is said');
$out = restore('--waldir', "$data/pg_wal");
ok(-d "$data/pg_wal" && !-l "$data/pg_wal", 'or into the data directory');
$node->start;
$p->wait_open;

PitrTest::finish();
done_testing();
