# pg_pitr.repository names another place than the one the cluster archives to: a typing error, a move that is meant, a copy with a
# repository of its own, and a standby whose primary was moved.
# Any server version will do.
use strict;
use warnings;
use lib 'test/lib';
use PitrTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $p = PitrTest->new('moved', initdb => ['--wal-segsize=1'], conf => "autovacuum = off\nwal_keep_size = 64MB\n");
$p->sql('CREATE TABLE t (n int); CREATE ROLE rep REPLICATION LOGIN');
$p->node->append_conf('pg_hba.conf', "local replication rep trust\nlocal all rep trust\n");
$p->backup("label => 'base'");
$p->wait_archived;
my $base = $p->node->basedir;
my $first = $p->{repository};

# The last line of a settings file counts.
sub use_repository
{
	my ($server, $url) = @_;
	append_to_file($server->conf, "pg_pitr.repository = '$url'\n");
	$server->node->reload if -e $server->node->data_dir . '/postmaster.pid';
	return;
}
sub state { my ($server) = @_; return $server->sql('SELECT archiver_state FROM pitr_status'); }
sub held
{
	my ($server, $url, $in_use, $what) = @_;
	$server->sql('INSERT INTO t VALUES (1)');
	my $segment = $server->sql('SELECT pg_walfile_name(pg_current_wal_lsn())');
	$server->sql('SELECT pg_switch_wal()');
	PitrTest::wait_for("$what: archiving to be held", sub { state($server) eq 'held' });
	my $said = qr/archiving is held: pg_pitr\.repository is \Q$url\E, but this cluster archives to \Q$in_use\E/;
	like($server->sql('SELECT last_error FROM pitr_status'), $said, "$what: pitr_status names both repositories");
	like($server->log, qr/WARNING: .*$said/, "$what: so does the log");
	like($server->sql(q{SELECT detail FROM pitr_check() WHERE NOT ok AND "check" = 'repository: the one this cluster archives to'}), $said,
		"$what: pitr_check() fails, and names both");
	ok(-e $server->node->data_dir . "/pg_wal/archive_status/$segment.ready", "$what: WAL waits");
	return $segment;
}

# What is wrong with the passphrase is not said to be an absent repository.
my $secret = "$base/secret";
append_to_file($p->conf, "pg_pitr.passphrase_file = '$secret'\n");
append_to_file($secret, "sesame\n");
for my $case ([ 0644, qr/has group or world access/, qr/chmod 0600/ ], [ 0600, qr/is not encrypted, but a passphrase is set/, qr/Clear pg_pitr\.passphrase_file/ ])
{
	my ($mode, $why, $hint) = @$case;
	chmod $mode, $secret;
	$p->node->reload;
	PitrTest::wait_for('the setting to be read', sub { $p->sql('SHOW pg_pitr.passphrase_file') eq $secret });
	$p->sql('SELECT pg_switch_wal() FROM pg_create_restore_point($$x$$)');
	PitrTest::wait_for("the archiver to say $why", sub { $p->sql('SELECT last_error FROM pitr_status') =~ $why });
	is($p->sql(q{SELECT encrypted IS NULL, last_error ~ 'is not there' FROM pitr_status}), 't|f', 'pitr_status does not call it absent, nor encrypted');
	like($p->sql('SELECT last_error_hint FROM pitr_status'), $hint, 'and says what to do');
	my ($code, undef, $said) = $p->try_sql('SELECT pitr_backup()');
	like($said, qr/ERROR: .*$why.*HINT: .*$hint/s, 'so does a backup');
	like($p->sql(q{SELECT string_agg(detail || hint, ' ') FROM pitr_check() WHERE NOT ok}), qr/$why.*$hint/s, 'and pitr_check()');
}
append_to_file($p->conf, "pg_pitr.passphrase_file = ''\n");
$p->node->reload;
$p->wait_archived;
is($p->sql('SELECT encrypted FROM pitr_status'), 'f', 'once it is open it is known that it is not encrypted');

# A typing error, whether something of it exists or not.
my $typo = "file://$base/repostiory/a";
use_repository($p, $typo);
my $waiting = held($p, $typo, $first, 'a typing error');
ok(!-e "$base/repostiory", 'nothing was made');
mkdir "$base/repostiory" or die $!;
$waiting = held($p, $typo, $first, 'below a directory that exists');
ok(!-e "$base/repostiory/a", 'nothing was made there either');
mkdir "$base/repostiory/a" or die $!;
is($p->sql(q{SELECT count(*) FILTER (WHERE detail ~ 'but this cluster archives to') || '|' || max(hint) FILTER (WHERE "check" = 'repository') FROM pitr_check()}),
	'1|None is made there while archiving is held.', 'pitr_check() says it once, and does not promise a repository');
rmdir "$base/repostiory/a" or die $!;
my ($status, $out, $err) = $p->try_sql('SELECT pitr_backup()');
like($err, qr/archiving is held/, 'no backup goes there');
is($status == 0, '', 'and that is an error');
use_repository($p, $first);
$p->wait_archived;
like($p->sql(q{SELECT problem FROM pitr_info() WHERE status = 'failed' AND problem ~ 'held'}), qr/^Refused: no backup while its WAL would wait: archiving is held/, 'which is kept as a refusal');
ok(-e $p->stored_path($waiting), 'once it is corrected archiving goes on by itself, with what was written meanwhile');

# A standby that knows the first repository only, with settings of its own.
my $standby = $p->empty_cluster('standby');
$standby->{conf} = "$base/standby.conf";
append_to_file($standby->conf, "pg_pitr.repository = '$first'\n");
$standby->pg_pitr_ok('restore', '--pgdata', $standby->node->data_dir, '--no-progress', '--mode', 'standby');
$standby->adopt("archive_mode = on\ninclude '$base/standby.conf'\n");
$standby->node->append_conf('postgresql.auto.conf', sprintf("primary_conninfo = 'host=%s port=%d user=rep'\n", $p->node->host, $p->node->port));
$standby->node->start;

# A move that is meant.
my $second = "file://$base/second";
use_repository($p, $second);
held($p, $second, $first, 'a move');
($status, $out, $err) = $p->try_sql("SELECT pitr_accept_repository('$typo')");
like($err, qr/is not what pg_pitr\.repository is set to/, 'what is not set cannot be accepted');
is($p->sql("SELECT pitr_accept_repository('$second')"), $first, 'a move is accepted by its name');
PitrTest::wait_for('archiving to go on', sub { state($p) eq 'idle' });
like($p->log, qr/WARNING: .*this cluster archives to \Q$second\E from now on, and not to \Q$first\E as before/, 'which is in the log');
$p->backup("label => 'second'");
is($p->sql('SELECT string_agg(label, $$ $$) FROM pitr_info()'), 'second', 'backups go there');
like($p->pg_pitr_ok('info', '--wide'), qr/the one of \d{4}-\S+ \S+: Refused: /, 'info tells the refused one by its time');
is($p->sql(q{SELECT count(*) FROM pitr_check() WHERE NOT ok}), '0', 'pitr_check() is content');
use_repository($p, $first);
held($p, $first, $second, 'the repository from before');
use_repository($p, $second);
$p->wait_archived;

use_repository($standby, $second);

# The standby is promoted: its file is from before the move, but the repository that is set has what it has streamed.
my $written = $p->sql('SELECT pg_current_wal_lsn()');
$standby->node->poll_query_until('postgres', "SELECT pg_last_wal_replay_lsn() >= '$written'") or die 'the standby lags';
is($standby->sql(q{SELECT ok::text || ' ' || (hint IS NOT NULL) FROM pitr_check() WHERE "check" = 'repository: the one this cluster archives to'}),
	'true true', 'before a promotion a difference is advice');
$p->node->stop;
$standby->node->promote;
$standby->wait_open;
$standby->wait_archived;
ok(-e "$base/second/" . PitrTest::wal_key('00000002.history'), 'a promoted standby goes on where its primary archived');

# A copy with a repository of its own, as staging has.
my $copy = $p->empty_cluster('copy');
my $own = "$base/copy.conf";
append_to_file($own, "pg_pitr.repository = 'file://$base/own'\n");
$p->pg_pitr_ok('restore', '--pgdata', $copy->node->data_dir, '--no-progress', '--backup', 'second', '--target-immediate');
$copy->adopt("archive_mode = on\ninclude '$own'\n");
$copy->{conf} = $own;
$copy->node->start;
$copy->wait_open;
$copy->wait_archived;
ok(-e "$base/own/pg_pitr.marker", 'a restored server archives to the repository of its own settings');
use_repository($copy, $second);
held($copy, $second, "file://$base/own", 'a copy that is told to use the repository of the original');

PitrTest::finish();
done_testing();
