# A store that misbehaves: a proxy between the cluster and a real S3 server breaks requests and answers in every way it knows. What
# can be retried is; what cannot is told, costs nobody else anything, and is made good once the store is well again.
# Any server version will do.
# About 60 s.
use strict;
use warnings;
use lib 'test/lib';
use PitrTest;
use POSIX ();
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

BAIL_OUT('no S3 server in the environment: run through test/lib/rgw.sh') unless $ENV{PITR_TEST_S3_HTTP};

# --- the proxy -------------------------------------------------------------------------------------------------------------------
my $dir = PostgreSQL::Test::Utils::tempdir();
my $test_pid = $$;
my $proxy;
my ($target) = $ENV{PITR_TEST_S3_HTTP} =~ m{^(?:http://)?([^/]+)} or BAIL_OUT("no address in $ENV{PITR_TEST_S3_HTTP}");

END
{
	if ($proxy && $$ == $test_pid)
	{
		my $status = $?;
		kill 'KILL', $proxy;
		waitpid $proxy, 0;
		$? = $status;
	}
}
# So that END is reached when the file is stopped from outside.
$SIG{INT} = $SIG{TERM} = sub { die "stopped by a signal\n" };

$proxy = fork // die "fork: $!";
if (!$proxy)
{
	exec 'python3', 'test/lib/fault_proxy', '--target', $target, '--dir', $dir or POSIX::_exit(127);
}
PitrTest::wait_for('the proxy to listen',
	sub { die "the proxy ended\n" if waitpid($proxy, POSIX::WNOHANG()) == $proxy; -s "$dir/port" }, 20);
chomp(my $port = slurp_file("$dir/port"));

# Switches the mode; proxied() then returns the log lines written since.
my $log_from = 0;
sub mode
{
	my ($mode) = @_;
	$log_from = -s "$dir/log" // 0;
	append_to_file("$dir/mode.new", $mode);
	rename("$dir/mode.new", "$dir/mode") or die "$dir/mode: $!";
	return;
}
sub proxied { return slurp_file("$dir/log", $log_from); }

# --- the cluster -----------------------------------------------------------------------------------------------------------------
my $p = PitrTest->new('faults', store => 's3', endpoint => "http://127.0.0.1:$port",
	settings => [ 'pg_pitr.request_timeout = 2s', 'pg_pitr.retry_timeout = 5s', 'pg_pitr.part_size = 5MB' ]);
my $wal = $p->node->data_dir . '/pg_wal';
# Hashes, so that compression leaves more than one part of them.
$p->sql('CREATE TABLE t AS SELECT g AS n, sha512(g::text::bytea) AS h FROM generate_series(1, 150000) g');
$p->sql('CREATE TABLE log (n serial, what text)');
$p->wait_archived;

# Another retry_timeout also makes the archiver open the repository anew, which needs answers with a body.
sub retry_timeout
{
	my ($time) = @_;
	append_to_file($p->conf, "pg_pitr.retry_timeout = $time\n");
	$p->node->reload;
	PitrTest::wait_for("retry_timeout to be $time", sub { $p->sql('SHOW pg_pitr.retry_timeout') eq $time });
	return;
}

# Writes something and returns the name of the segment it is in, which is complete then.
sub write_segment
{
	my ($what) = @_;
	return $p->sql("INSERT INTO log (what) SELECT '$what' FROM generate_series(1, 1000); SELECT pg_walfile_name(pg_switch_wal())");
}

# Everything is archived: nothing waits, nothing fails, in the files as in the view and, once answers come whole again, in the list.
# Returns what the proxy did until then.
sub all_archived
{
	my ($what, @segments) = @_;
	$p->wait_archived(60);
	my $proxied = proxied();
	is($p->sql('SELECT backlog_segments, backlog_bytes, failed_count FROM pitr_status'), '0|0|0', "$what: no backlog, no failure");
	is(scalar(grep { -e "$wal/archive_status/$_.ready" || (-e "$wal/$_" && !-e "$wal/archive_status/$_.done") } @segments), 0,
		"$what: every segment is archived");
	mode('pass');
	my $names = join ', ', map { "('$_')" } @segments;
	is($p->sql("SELECT count(*) FROM (VALUES $names) s (name)
		JOIN pitr_archive() a ON NOT gap AND name BETWEEN first_segment AND last_segment"),
		scalar @segments, "$what: and listed in the repository");
	return $proxied;
}

# --- archiving through what retries overcome -------------------------------------------------------------------------------------
my $round = 0;
for my $case ([ 'slowdown 3', qr/\tanswered\tPUT / ], [ 'lose-answer 3', qr{\tlost\tPUT \S*/wal/} ], [ 'reset 20 3', qr/\tended\tGET / ],
	[ 'truncate 20 3', qr/\tended\tGET / ])
{
	my ($mode, $pattern) = @$case;
	my $from = length $p->log;
	mode($mode);
	retry_timeout($round++ % 2 ? '5s' : '6s');
	my $proxied = all_archived($mode, map { write_segment($mode) } 1 .. 4);
	like($proxied, $pattern, "$mode: requests were disturbed");
	unlike(substr($p->log, $from), qr/could not archive|different content/, "$mode: nobody heard of it");
}

# --- archiving through what they do not: told meanwhile, made good afterwards ----------------------------------------------------
# Sent: what breaks is the request that stores a segment. Else it is the answer that opens the repository.
for my $case ([ 'slowdown 1', 'sent', qr{wal/\S*": HTTP 503 SlowDown} ], [ 'reset 0', '', qr/127\.0\.0\.1:$port: \S/ ],
	[ 'truncate 0', '', qr/127\.0\.0\.1:$port: \S/ ], [ 'stall', 'sent', qr{wal/.*no data moved} ])
{
	my ($mode, $sent, $pattern) = @$case;
	my $from = $p->sql('SELECT clock_timestamp()');
	mode($mode) unless $sent;
	retry_timeout('1s');
	if ($sent)
	{
		$p->wait_archived;
		mode($mode);
	}
	my @made = map { write_segment($mode) } 1 .. 2;
	PitrTest::wait_for("$mode to be an error",
		sub { $p->sql("SELECT failed_count > 0 AND last_error_time > '$from' FROM pitr_status") eq 't' }, 30);
	is($p->sql('SELECT backlog_segments >= 2, archiver_state FROM pitr_status'), 't|failing', "$mode: the backlog and the failure show");
	like($p->sql('SELECT last_error FROM pitr_status'), $pattern, "$mode: and why");
	is(scalar(grep { !-s "$wal/$_" || !-e "$wal/archive_status/$_.ready" } @made), 0, "$mode: the segments wait in pg_wal");
	mode('pass');
	retry_timeout('5s');
	all_archived("after $mode", @made);
}

# --- while it is being tried again: the last error, and until when, wherever somebody looks --------------------------------------
{
	retry_timeout('50s');
	$p->wait_archived;
	mode('slowdown 1');
	my $made = write_segment('being tried again');
	my ($out, $err) = ('', '');
	my $backup = IPC::Run::start([ 'psql', '-X', '-d', $p->node->connstr('postgres'), '-c', q{SELECT pitr_backup(label => 'patient')} ], '>', \$out, '2>', \$err);
	for my $view ("pitr_status WHERE archiver_state = 'failing'", 'pitr_progress WHERE percent IS DISTINCT FROM 100')
	{
		like(PitrTest::wait_for("a row of $view", sub { $p->sql("SELECT last_error FROM $view AND retrying_until > clock_timestamp()") }, 30),
			qr/HTTP 503 SlowDown/, "$view: the last error, and until when");
	}
	PitrTest::wait_for('a notice', sub { $backup->pump_nb; $err =~ /^NOTICE:  backup: trying again, for \d+ s more: .*HTTP 503 SlowDown/m }, 30);
	pass('whoever asked for the backup is told');
	mode('pass');
	$backup->finish;
	is($? >> 8, 0, 'and gets it') or diag($err);
	retry_timeout('5s');
	all_archived('after trying again', $made);
}

# --- refused under load ----------------------------------------------------------------------------------------------------------
$p->sql('CREATE DATABASE victim');
mode('refuse');
retry_timeout('1s');
my @made = map { $p->sql('UPDATE t SET n = n + 1 WHERE n % 50 = 0'); write_segment('refuse') } 1 .. 6;
PitrTest::wait_for('refused connections to be an error', sub { $p->sql('SELECT failed_count > 0 FROM pitr_status') eq 't' }, 30);
my $start = time;
$p->sql('DROP DATABASE victim');
cmp_ok(time - $start, '<', 5, 'refuse: DROP DATABASE does not wait for the store');
$p->sql('CHECKPOINT');
is(scalar(grep { !-s "$wal/$_" || !-e "$wal/archive_status/$_.ready" } @made), 0, 'refuse: WAL stays through a checkpoint');
is($p->sql('SELECT backlog_segments >= 6 AND data_at_risk_bytes > 0 FROM pitr_status'), 't', 'refuse: what is at risk shows');
my ($status, $out, $err) = $p->pg_pitr('info');
isnt($status, 0, 'refuse: the binary fails');
like($err, qr/127\.0\.0\.1/, 'refuse: and names the endpoint');

# --- backups ---------------------------------------------------------------------------------------------------------------------
sub nothing_runs
{
	my ($what) = @_;
	is($p->sql('SELECT (SELECT count(*) FROM pitr_progress), (SELECT backup_running IS NULL FROM pitr_status)'), '0|t',
		"$what: nothing is left running");
	return;
}

# None of these can succeed.
for my $case ([ 'refuse', qr/127\.0\.0\.1/ ], [ 'complete-error 1000', qr/InternalError/ ], [ 'stall', qr/no data moved/ ])
{
	my ($mode, $pattern) = @$case;
	my ($label) = "never-$mode" =~ /^([\w-]+)/;
	mode($mode);
	($status, $out, $err) = $p->try_sql("SELECT pitr_backup(label => '$label')");
	isnt($status, 0, "backup, $mode: fails");
	like($err, qr/ERROR:.*$pattern/s, "backup, $mode: and says why");
	nothing_runs("backup, $mode");
}
mode('pass');
retry_timeout('5s');
is($p->sql("SELECT count(*) FROM pitr_info() WHERE label LIKE 'never-%' AND status = 'ok'"), '0',
	'no failed backup is taken for a good one');
all_archived('after refuse', @made);

# These are overcome.
my @labels = ('patient');
for my $case ([ 'complete-error 1', qr/\tanswered\tPOST \S*uploadId=/ ],
	[ 'lose-answer 4', qr/\tlost\tP/ ], [ 'slowdown 4', qr/\tanswered\t/ ])
{
	my ($mode, $pattern) = @$case;
	push @labels, 'through-' . (split / /, $mode)[0];
	mode($mode);
	($status, $out, $err) = $p->try_sql("SELECT pitr_backup(label => '$labels[-1]')");
	is($status, 0, "backup, $mode: succeeds") or diag($err);
	like(proxied(), $pattern, "backup, $mode: requests were disturbed");
	nothing_runs("backup, $mode");
}
mode('pass');
push @labels, $p->backup("label => 'afterwards'");
is($p->sql("SELECT string_agg(label, ' ' ORDER BY stop_time) FROM pitr_info() WHERE status = 'ok'"), "@labels",
	'every good backup is listed');

# --- restores, through flaky answers, of backups taken through faults and of the one afterwards ----------------------------------
$p->sql('UPDATE t SET n = -n WHERE n % 100 = 1');
$p->wait_archived(60);
my $want = $p->content;
like($want, qr/^public\.t 150000 /m, 'there is something to compare');
for my $case ([ 'truncate 1000000', $labels[0], qr/\tended\tGET / ], [ 'slowdown 3', $labels[1], qr/\tanswered\tGET / ],
	[ 'reset 1000000', $labels[-1], qr/\tended\tGET / ])
{
	my ($mode, $label, $pattern) = @$case;
	mode($mode);
	my $restored = $p->restore('--target-latest', '--backup', $label);
	like(proxied(), $pattern, "restore, $mode: answers were disturbed");
	is($restored->content, $want, "restore, $mode: every row of $label and of all WAL since is there");
	$restored->node->stop;
}
mode('pass');

# --- change maps on a server that writes without a pause -------------------------------------------------------------------------
append_to_file($p->conf, "pg_pitr.change_map = 'on'\n");
$p->node->reload;
mode('pass');
write_segment('maps');
$p->wait_archived;
PitrTest::wait_for('maps to be made in a pause', sub { $p->sql('SELECT change_maps_due FROM pitr_status') eq '0' });
mode('slow 2000');
write_segment("busy $_") for 1 .. 45;
mode('slow 300');
$p->wait_archived(60);
my @puts = proxied() =~ m{\tPUT \S*/(wal|change)/}g;
ok("@puts" =~ /change.* wal/, 'some are made beside the uploads, when many are due') or diag("@puts");
mode('pass');
PitrTest::wait_for('all of them to be made', sub { $p->sql('SELECT change_maps_due FROM pitr_status') eq '0' });

PitrTest::finish();
done_testing();
