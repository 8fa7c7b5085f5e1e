# Full backups that are killed, terminated and cancelled half-way, and the next one, which does not send again what is stored: from
# a directory and a bucket, with expiries between and beside; what is restored equals row by row, and in the end nothing is left over.
# Any server version will do.
# About 150 s.
use strict;
use warnings;
use IPC::Run ();
use lib 'test/lib';
use PitrTest;
use PostgreSQL::Test::Utils;
use RawS3;
use Test::More;

BAIL_OUT('no S3 server in the environment: run through test/lib/rgw.sh') unless $ENV{PITR_TEST_S3_HTTPS};

my $mb = 1024 * 1024;
my $conf = "autovacuum = off\n";    # which would change what is stored already
# Restores hold what they restore; here they are over.
my @settings = ('pg_pitr.pack_size = 16MB', 'pg_pitr.part_size = 8MB', 'pg_pitr.compression_level = 0', 'pg_pitr.restore_hold = 0');

sub set
{
	my ($p, $line) = @_;
	append_to_file($p->conf, "$line\n");
	$p->node->reload;
	my ($name, $value) = $line =~ /^(\S+) = '?([^']*)'?$/ or die;
	PitrTest::wait_for("$name to be set", sub { $p->sql("SHOW $name") eq $value });
	return;
}

sub begin_backup
{
	my ($p, $arguments) = @_;
	my %h = (out => '', err => '');
	$h{harness} = IPC::Run::start([ 'psql', '-XAt', '-d', $p->node->connstr('postgres'), '-c', "SELECT pitr_backup(jobs => 1, $arguments)" ],
		'<', \undef, '>', \$h{out}, '2>', \$h{err});
	return \%h;
}
sub wait_read
{
	my ($p, $bytes) = @_;
	PitrTest::wait_for('the backup to copy', sub { $p->sql("SELECT coalesce(max(bytes_done), 0) > $bytes FROM pitr_progress") eq 't' });
	return;
}
sub wait_idle { my ($p) = @_; PitrTest::wait_for('the worker to end', sub { $p->sql('SELECT count(*) FROM pitr_progress') eq '0' }); return; }
sub worker { my ($p) = @_; return $p->sql(q{SELECT pid FROM pg_stat_activity WHERE backend_type LIKE '%pg_pitr%'}); }
sub objects { my ($p, $pattern) = @_; my @found = glob($p->repository_dir . "/$pattern"); return @found; }
sub size_of { my $sum = 0; $sum += -s $_ for @_; return $sum; }
# Bytes that a backup sent, as the server's log says.
sub sent
{
	my ($p, $label) = @_;
	$p->log =~ /backup "\Q$label\E" is complete: (\d+) bytes read, (\d+) bytes stored/ or die "backup $label is not in the log";
	return $2;
}
# In a bucket: bytes in packs of a backup, and uploads that were not completed.
sub stored_in_bucket
{
	my ($p, $label) = @_;
	my $listed = RawS3::must('GET', "/$ENV{PITR_TEST_S3_BUCKET}?max-keys=1000&prefix=" . $p->prefix . "/data/$label/")->{content};
	my $sum = 0;
	$sum += $1 while $listed =~ m{<Key>[^<]*/\d+</Key>.*?<Size>(\d+)</Size>}gs;
	return $sum;
}
sub pending_uploads
{
	my ($p) = @_;
	return scalar(() = RawS3::must('GET', "/$ENV{PITR_TEST_S3_BUCKET}?prefix=" . $p->prefix . '/&uploads')->{content} =~ /<UploadId>/g);
}
sub status { my ($p, $label) = @_; return $p->sql("SELECT status FROM pitr_info() WHERE label = '$label'"); }
sub swept { my ($p) = @_; return $p->sql(q{SELECT coalesce(string_agg(name, ' ' ORDER BY name), '') FROM pitr_expire(leftover_age => '0') WHERE action = 'delete' AND what LIKE '%backup'}); }

sub load
{
	my ($p) = @_;
	$p->sql(q{CREATE TABLE big AS SELECT g AS n, repeat(md5(g::text), 3) AS t FROM generate_series(1, 1000000) g});
	$p->sql('CREATE INDEX ON big (n)');
	$p->sql('CHECKPOINT');
	set($p, 'pg_pitr.backup_max_rate = 10MB');
	return;
}

sub restores
{
	my ($p, $what) = @_;
	$p->wait_archived;
	my $want = $p->content;
	my $copy = $p->restore('--target-latest');
	is($copy->content, $want, "$what restores row by row");
	$copy->check_integrity;
	return;
}

# --- in a directory: kill -9, then pg_terminate_backend, then a whole backup
my $p = PitrTest->new('resume', conf => $conf, settings => \@settings);
load($p);
my $run = begin_backup($p, "label => 'a'");
PitrTest::wait_for('four packs to be recorded', sub { objects($p, 'backup/a/partial.*') >= 4 });
kill 'KILL', worker($p);
$run->{harness}->finish;
$p->wait_restarted;
is(status($p, 'a'), 'unfinished', 'a killed backup is no backup');
like($p->sql(q{SELECT problem FROM pitr_info() WHERE label = 'a'}), qr/Interrupted; started by .*next full backup can take over/, 'pitr_info() says that it can be resumed');
like($p->pg_pitr_ok('info'), qr/Interrupted; started by/, 'pg_pitr info, too, which finds that nobody is at it any more');
my $of_a = size_of(map { s{backup/a/partial\.}{data/a/}r } objects($p, 'backup/a/partial.*'));
my ($status, $out) = $p->pg_pitr('verify');
is($status, 0, 'a verification finds no damage');
unlike($out, qr/unknown/, 'and nothing that it does not know');
is($p->sql(q{SELECT count(*) FROM pitr_expire() WHERE action = 'delete' AND what <> 'probe'}), '0', 'an expiry leaves it to the next backup');

$p->sql(q{UPDATE big SET t = 'changed' WHERE n BETWEEN 500000 AND 500100; CREATE TABLE later AS SELECT 1 AS one});
$run = begin_backup($p, "label => 'b'");
PitrTest::wait_for('the next one to take over', sub { $p->sql('SELECT coalesce(max(bytes_resumed), 0) > 0 FROM pitr_progress') eq 't' });
is($p->sql('SELECT resumes, type FROM pitr_progress'), 'a|full', 'pitr_progress names what is resumed');
PitrTest::wait_for('two more packs to be recorded', sub { objects($p, 'backup/b/partial.*') >= 2 });
is(swept($p), '', 'an expiry beside it takes nothing from either');
$p->sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type LIKE '%pg_pitr%'});
$run->{harness}->finish;
wait_idle($p);
like($run->{err}, qr/NOTICE:  resuming backup "a": \d+\.\d MB of \d+\.\d MB are stored already/, 'the waiting session is told');
like($p->log, qr/of backup "b", which was given up, \d+ bytes stay in the repository for the next full backup to resume/, 'the log says what stays');
is(scalar(objects($p, 'data/b/*')), scalar(objects($p, 'backup/b/partial.*')), 'of the terminated one only what is recorded');
my $of_b = size_of(objects($p, 'data/b/*'));

set($p, 'pg_pitr.backup_max_rate = 0');
(undef, undef, my $err) = $p->try_sql(q{SELECT pitr_backup(label => 'c')});
like($err, qr/NOTICE:  resuming backups "b", "a": /, 'the third one resumes both');
is(status($p, 'c'), 'ok', 'and is a backup');
is($p->sql(q{SELECT type, parent IS NULL, annotations ->> 'resumed from' FROM pitr_info() WHERE label = 'c'}), 'full|t|a, b', 'a full one');
my $database = $p->sql(q{SELECT database_size FROM pitr_info() WHERE label = 'c'});
cmp_ok($of_a + $of_b, '>', 90 * $mb, 'much was stored before');
cmp_ok(sent($p, 'c'), '<', $database - $of_a - $of_b + 12 * $mb, 'and not sent again') or diag("$database, $of_a, $of_b");
is(size_of(objects($p, 'data/c/0*')), sent($p, 'c'), 'as the objects say');
is(scalar(objects($p, 'backup/c/partial.*')), 0, 'a complete backup has no partial maps');
restores($p, 'what was put together of three backups');
($status, $out) = $p->pg_pitr('verify');
is($status, 0, 'a verification finds it right');
like($out, qr/has no manifest: interrupted; backup "c" has taken over packs of it/, 'and says what became of the interrupted ones') or diag($out);
is($p->sql(q{SELECT count(*) FROM pitr_info() WHERE label IN ('a', 'b') AND problem ~ 'taken over by backup "c" already' AND problem !~ 'next full backup'}), '2',
	'pitr_info() does not promise them to the next backup');

# --- what is left of the interrupted ones goes, but for what the backup lists
is(swept($p), 'a b', 'what is left of them is swept');
is(scalar(objects($p, 'backup/[ab]/partial.*')), 0, 'their partial maps are gone');
cmp_ok(size_of(objects($p, 'data/[ab]/*')), '>', 80 * $mb, 'the packs that it lists are not');
($status, $out) = $p->pg_pitr('verify');
is($status, 0, 'a verification finds nothing wrong');
unlike($out, qr/orphan|unfinished|missing/, 'nor anything left over') or diag($out);
restores($p, 'it still');

# --- a second full backup is its own; then the first one goes, with all it was made of
($status, undef, $err) = $p->try_sql(q{SELECT pitr_backup(label => 'd')});
unlike($err, qr/resuming/, 'what was taken over is not taken over again');
cmp_ok(sent($p, 'd'), '>', $database * 0.9, 'the next full backup stores everything');
set($p, 'pg_pitr.retention_full = 1');
$p->sql(q{SELECT count(*) FROM pitr_expire(leftover_age => '0')});
is(join(' ', objects($p, 'data/*/0*')), join(' ', objects($p, 'data/d/0*')), 'of the others no pack is left');
is(join(' ', map { m{([^/]+/[^/]+)$} } objects($p, 'backup/*/*')), 'd/files d/manifest d/start', 'and no object');

# --- not wanted: nothing stays
set($p, 'pg_pitr.backup_max_rate = 10MB');
$run = begin_backup($p, "label => 'e', resume => false");
wait_read($p, 75 * $mb);
$p->sql('SELECT pitr_backup_cancel()');
$run->{harness}->finish;
wait_idle($p);
is(join(' ', objects($p, 'data/e/*'), objects($p, 'backup/e/*')), '', 'with resume => false a cancelled backup leaves nothing');

# --- the copy is done and its WAL does not come: the next one sends almost nothing
set($p, q{pg_pitr.backup_wal_timeout = 2s});
$run = begin_backup($p, "label => 'f'");
wait_read($p, 75 * $mb);
$p->node->append_conf('postgresql.conf', "archive_library = ''\narchive_command = 'false'\n");
$p->node->reload;
$run->{harness}->finish;
like($run->{err}, qr/WAL|segment/, 'a backup whose WAL is not archived fails');
wait_idle($p);
$p->node->append_conf('postgresql.conf', "archive_library = 'pg_pitr'\narchive_command = ''\n");
$p->node->reload;
PitrTest::wait_for('the setting to be back', sub { $p->sql('SHOW archive_library') eq 'pg_pitr' });
set($p, 'pg_pitr.backup_max_rate = 0');
set($p, q{pg_pitr.backup_wal_timeout = 1min});
(undef, undef, $err) = $p->try_sql(q{SELECT pitr_backup(label => 'g')});
like($err, qr/resuming backup "f"/, 'the next one resumes it');
cmp_ok(sent($p, 'g'), '<', $database / 2, 'and sends what was stored in the first seconds, which is not recorded');
restores($p, 'that one');

# --- cancelled, then a server that crashes
set($p, 'pg_pitr.backup_max_rate = 10MB');
$run = begin_backup($p, "label => 'h'");
PitrTest::wait_for('two packs to be recorded', sub { objects($p, 'backup/h/partial.*') >= 2 });
$p->sql('SELECT pitr_backup_cancel()');
$run->{harness}->finish;
like($run->{err}, qr/cancel/, 'a backup is cancelled');
wait_idle($p);
my $of_h = size_of(objects($p, 'data/h/*'));
cmp_ok($of_h, '>', 30 * $mb, 'what it has recorded stays');
$run = begin_backup($p, "label => 'i'");
PitrTest::wait_for('the next one to take over', sub { $p->sql('SELECT coalesce(max(bytes_resumed), 0) > 0 FROM pitr_progress') eq 't' });
$p->crash_and_start;
$run->{harness}->finish;
set($p, 'pg_pitr.backup_max_rate = 0');
(undef, undef, $err) = $p->try_sql(q{SELECT pitr_backup(label => 'j')});
like($err, qr/resuming backups? .*"h"/, 'after a crash of the server it is still resumed');
cmp_ok(sent($p, 'j'), '<', $database - $of_h + 12 * $mb, 'and nothing of it is sent again') or diag("$database, $of_h");
is(size_of(objects($p, 'data/j/0*')), sent($p, 'j'), 'as the objects say');
restores($p, 'that one, too,');

# --- in a bucket, encrypted: the server goes down at once; the next one is killed, the one after that cancelled
my $s = PitrTest->new('resume_s3', conf => $conf, store => 's3', encrypt => 1, settings => \@settings);
load($s);
$run = begin_backup($s, "label => 'a'");
wait_read($s, 120 * $mb);
$s->node->stop('immediate');
$run->{harness}->finish;
$s->node->start;
is(status($s, 'a'), 'unfinished', 's3: interrupted');
my $of_a3 = stored_in_bucket($s, 'a');
cmp_ok($of_a3, '>', 50 * $mb, 's3: much is stored');
for my $label ('b', 'c')
{
	$run = begin_backup($s, "label => '$label'");
	PitrTest::wait_for('it to be resumed', sub { $s->sql('SELECT coalesce(max(bytes_resumed), 0) > 0 FROM pitr_progress') eq 't' });
	if ($label eq 'b') { kill 'KILL', worker($s); }
	else { $s->sql('SELECT pitr_backup_cancel()'); }
	$run->{harness}->finish;
	$s->wait_restarted;
	wait_idle($s);
}
set($s, 'pg_pitr.backup_max_rate = 0');
(undef, undef, $err) = $s->try_sql(q{SELECT pitr_backup(label => 'd')});
like($err, qr/resuming backups? .*"a"/, 's3: after a backup that was killed and one that was cancelled it is still resumed');
cmp_ok(sent($s, 'd'), '<', $s->sql(q{SELECT database_size FROM pitr_info() WHERE label = 'd'}) - 40 * $mb, 's3: what was stored is not sent again');
is(stored_in_bucket($s, 'd'), sent($s, 'd'), 's3: as the objects say');
like(swept($s), qr/^a\b/, 's3: the rest of it is swept');
is(pending_uploads($s), 0, 's3: and no upload is left unfinished');
restores($s, 's3: it');
($status, $out) = $s->pg_pitr('verify');
is($status, 0, 's3: a verification finds nothing wrong');
unlike($out, qr/orphan|unfinished|missing/, 's3: nor anything left over') or diag($out);

PitrTest::finish(resume => 1, resume_s3 => 1);
done_testing();
