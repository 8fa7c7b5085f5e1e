# Every kind of target against rows whose commit order is known.
# About 35 s.
use strict;
use warnings;
use lib 'test/lib';
use PitrTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $p = PitrTest->new('targets');
$p->sql('CREATE TABLE h (n int, at timestamptz DEFAULT clock_timestamp())');
my $backup = $p->backup;

# Twelve commits; after each we know its xid, the time just after it, and the LSN after it.
my (@xid, @time, @lsn);
for my $n (1 .. 12)
{
	$xid[$n] = $p->sql("INSERT INTO h (n) VALUES ($n) RETURNING pg_current_xact_id()");
	$p->sql("SELECT pg_create_restore_point('after_$n')");
	$lsn[$n] = $p->sql('SELECT pg_current_wal_flush_lsn()');
	$p->sql('SELECT pg_sleep(0.05)');
	$time[$n] = $p->sql('SELECT clock_timestamp()');
	$p->sql('SELECT pg_sleep(0.05)');
	$p->sql('SELECT pg_switch_wal()') if $n % 4 == 0;
}
$p->wait_archived;
sub rows { my ($restored) = @_; return $restored->sql('SELECT coalesce(max(n), 0) || \'/\' || count(*) FROM h'); }

my @cases = (
	[ 'time', '5/5', '--target-time', $time[5] ],
	[ 'time, in another zone', '5/5', '--target-time', $p->sql("SET timezone = 'Asia/Kathmandu'; SELECT '$time[5]'::timestamptz") ],
	[ 'xid, inclusive', '7/7', '--target-xid', $xid[7] ],
	[ 'xid, exclusive', '6/6', '--target-xid', $xid[7], '--target-exclusive' ],
	[ 'restore point', '9/9', '--target-name', 'after_9' ],
	[ 'LSN', '10/10', '--target-lsn', $lsn[10] ],
	[ 'immediate', '0/0', '--target-immediate' ],
	[ 'latest', '12/12', '--target-latest' ],
	[ 'nothing said: latest', '12/12' ],
);
for my $case (@cases)
{
	my ($what, $expected, @options) = @$case;
	my ($status, $plan) = $p->pg_pitr('plan', @options);
	is($status, 0, "$what: the plan says it can be reached");
	my $restored = $p->restore(@options);
	is(rows($restored), $expected, "$what: the rows are those committed up to there");
	$restored->node->stop('immediate');
}

{
	local $ENV{TZ} = 'Asia/Kathmandu';
	my $both = qr/\d{4}-\d\d-\d\d [\d:.]+\+00 \(\d{4}-\d\d-\d\d [\d:.]+\+05:45 local time\)/;
	my $here = $p->pg_pitr_ok('plan', '--target-time', $time[5]);
	like($here, qr/^$_ .*$both/m, "$_: UTC and local time with its offset") for 'target', 'backup', 'replay stops', 'last transaction';
	like($p->pg_pitr_ok('info'), qr/^ +$_:? .*$both/m, "info, $_: both") for 'earliest', 'latest';
}

# The same from SQL, and the plan names the transaction.
my $plan = $p->sql("SELECT string_agg(item || ': ' || value, E'\\n') FROM pitr_restore_plan(target_time => '$time[5]')");
like($plan, qr/\b$xid[6]\b/, 'the plan by time names the transaction before which it stops');
like($plan, qr/\b$xid[5]\b/, 'and the last one that will be there');
like($plan, qr/\Q$backup\E/, 'and the backup');
like($plan, qr/pg_pitr restore .*--target-time/, 'and the command');
for my $argument ("target_xid => '$xid[7]'", "target_name => 'after_9'", "target_lsn => '$lsn[10]'", 'immediate => true', '')
{
	my ($status, $out, $err) = $p->try_sql("SELECT count(*) FROM pitr_restore_plan($argument)");
	is($status, 0, "pitr_restore_plan($argument)") or diag($err);
}

# How a text is read as a time: as this server reads it, in every zone and under every abbreviation that it knows.
{
	my $dump = $ENV{PITR_TIME_DUMP} // 'test/lib/pitr_time_dump';  # built by CMake, put there by run-tests.sh
	my @forms = ('2026-11-23', '20261123T140506.789+01', '20261123 1405', '2026/11/23 14:05', '2026-11-23 24:00', '2026-11-23 23:59:60', '2026-11-23 14:05:06.1234565',
		'2026-11-23 14:05:06-03:30:15', 'Mon Nov 23 14:05:06 CET 2026', '23-Nov-2026 2:05 PM', 'November 23, 2026 12:05 am', '2026-11-23 14:05 Etc/GMT+3', 'yesterday 18:50',
		'18:50 yesterday Europe/Berlin', 'today 14:00 America/New_York', 'tomorrow');
	for my $zone ('UTC', 'Europe/Berlin')
	{
		my @names = split /\n/, $p->sql(qq{SET timezone = '$zone';
			SELECT name FROM pg_timezone_names WHERE name !~ '^(posix|right)/' UNION SELECT lower(name) FROM pg_timezone_names WHERE name ~ '^(America|Etc)/'
			UNION SELECT abbrev FROM pg_timezone_abbrevs WHERE abbrev <> 'LMT'});
		my @texts = (@forms, map { my $name = $_; map { "$_ $name" } '1971-07-15 12:00', '2011-05-01 09:00', '2024-01-10 00:00', '2024-07-01 12:00:00', '2055-07-05 11:00' } @names);
		my $values = join ',', map { my $n = $_; my $text = $texts[$n] =~ s/'/''/gr; "($n, '$text')" } 0 .. $#texts;
		my @theirs = split /\n/, $p->sql(qq{SET log_statement = 'none'; SET timezone = '$zone'; SET datestyle = 'ISO';
			CREATE FUNCTION pg_temp.reads(text) RETURNS text LANGUAGE plpgsql AS \$\$ BEGIN RETURN timezone('UTC', \$1::timestamptz)::text || '+00';
			EXCEPTION WHEN others THEN RETURN 'refused'; END \$\$;
			SELECT pg_temp.reads(v) FROM (VALUES $values) t (n, v) ORDER BY n});
		local $ENV{TZ} = $zone;
		my ($ours, $input) = ('', join("\n", @texts, ''));
		IPC::Run::run([$dump], '<', \$input, '>', \$ours);
		my @ours = split /\n/, $ours;
		# Since 18 the server also knows what its own zone called a time long ago (CEMT); that is refused.
		my $refused = $p->node->pg_version >= 18 ? qr/it does not exist|occurred twice|is not known/ : qr/it does not exist|occurred twice/;
		my @differ = grep { $ours[$_] ne $theirs[$_] && $ours[$_] !~ /^refused.*$refused/ } 0 .. $#texts;
		cmp_ok(scalar @names, '>', 500, "TZ=$zone: many zones and abbreviations");
		is(scalar @differ, 0, 'all are read as the server reads them') or diag(map { "$texts[$_]: $ours[$_], the server: $theirs[$_]\n" } @differ[0 .. ($#differ > 9 ? 9 : $#differ)]);
	}
}

# Relative to now, in both places, and said as the time that was understood.
{
	local $ENV{TZ} = 'Asia/Kathmandu';
	my ($status, $out, $err) = $p->pg_pitr('plan', '--target-time', '1 week ago');
	like($err, qr/no backup ended before \d{4}-\d\d-\d\d [\d:.]+\+00 \(\d{4}-\d\d-\d\d [\d:.]+\+05:45 local time\)/, 'so long ago there was no backup: the time is said');
	# Asked anew each time: between the first row and the last lie two seconds, which a busy machine may take for anything.
	my $age = sub { $p->sql("SELECT 'now'::timestamptz - '$time[1]'") =~ s/^00:(\d+):([\d.]+)$/"$1 min $2 s ago"/er };
	for my $form ($age, sub { '-' . ($age->() =~ s/ min / min -/r =~ s/ ago//r) })
	{
		my $text = $form->();
		like($p->pg_pitr_ok('plan', '--target-time', $text), qr/^target +time \d{4}-\d\d-\d\d [\d:.]+\+00 \(\d{4}-\d\d-\d\d [\d:.]+\+05:45 local time\)/m,
			"$text: the absolute time is said");
		$text = $form->();
		like($p->sql("SELECT value FROM pitr_restore_plan(target_time => '$text') WHERE item = 'target'"), qr/^time \d{4}-\d\d-\d\d [\d:.]+\+00/, 'from SQL, too');
	}
	is($p->sql("SET timezone = 'Asia/Tokyo'; SELECT value FROM pitr_restore_plan(target_time => '$time[5]'::timestamptz) WHERE item = 'target'"),
		$p->sql("SET timezone = 'Asia/Tokyo'; SELECT value FROM pitr_restore_plan('$time[5]') WHERE item = 'target'"), 'a text and a timestamptz');
	($status, $out, $err) = $p->try_sql("SELECT * FROM pitr_restore_plan(target_time => '15 min')");
	like($err, qr/the time "15 min" is ambiguous: it does not say before or after which time/, 'what is ambiguous is refused');
}

# The shells' completion and the manual pages, as they were installed.
{
	my ($program) = grep { -x } map { "$_/pg_pitr" } split /:/, $ENV{PATH};
	my ($prefix) = $program =~ m{^(.*?)/(?:lib/postgresql/\d+/)?bin/pg_pitr$};
	my $script = "$prefix/share/bash-completion/completions/pg_pitr";
	my $completed = sub {
		my (@words) = @_;
		my $quoted = join ' ', map { "'" . s/'/'\\''/gr . "'" } $program, @words;
		my ($out, $err) = ('', '');
		IPC::Run::run([ 'bash', '-c', qq{source "$script" && COMP_WORDS=($quoted) && COMP_CWORD=@{[ scalar @words ]} && _pg_pitr && printf '%s\\n' "\${COMPREPLY[@]}"} ], '>', \$out, '2>', \$err);
		return $out . $err;
	};
	is($completed->('pl'), "plan\n", 'bash completes a verb');
	is($completed->('restore', '--mode', '=', 'st'), "standby\n", 'a choice');
	my @config = ('--config', $p->conf);
	# On a busy machine the second that it has may not be enough for all.
	my $names = sub { my ($expected, @words) = @_; return PitrTest::wait_for('names', sub { return $completed->(@words) eq $expected }); };
	ok($names->("$backup\n", 'plan', @config, '--backup', ''), 'a backup of the repository');
	ok($names->(join('', map { "after_$_\n" } 10, 11, 12, 1), 'plan', @config, '--target-name', 'after_1'), 'restore points');
	is($completed->('plan', '--config', '/nonexistent', '--backup', ''), "\n", 'silence where there is no repository');
	like($completed->('restore', '--pgdata', $p->node->data_dir . '/pg_w'), qr{^\Q@{[ $p->node->data_dir ]}\E/pg_wal\n$}, 'a directory');
	for my $file ('man/man1/pg_pitr.1', 'man/man1/pg_pitr-restore.1', 'fish/vendor_completions.d/pg_pitr.fish')
	{
		ok(-s "$prefix/share/$file", "$file is installed");
	}
}

# Targets that cannot be reached: why, and what can.
my $future = $p->sql("SELECT now() + interval '1 day'");
my $past = $p->sql("SELECT now() - interval '1 day'");
for my $case ([ 'a time after the archive', qr/latest|last/i, '--target-time', $future ],
	[ 'a time before the first backup', qr/earliest|first|before/i, '--target-time', $past ],
	[ 'an unknown transaction', qr/999999/, '--target-xid', '999999' ],
	[ 'an unknown restore point', qr/no_such_point/, '--target-name', 'no_such_point' ],
	[ 'an LSN beyond the archive', qr/FF\/0/, '--target-lsn', 'FF/0' ],
	[ 'an unknown timeline', qr/timeline 7/, '--target-timeline', '7' ])
{
	my ($what, $pattern, @options) = @$case;
	my ($status, $out, $err) = $p->pg_pitr('plan', @options);
	isnt($status, 0, "$what: the plan fails");
	like($out . $err, $pattern, "$what: and says why");
	my $empty = $p->empty_cluster;
	($status) = $p->pg_pitr('restore', '--pgdata', $empty->node->data_dir, @options);
	isnt($status, 0, "$what: so does the restore");
	ok(!-e $empty->node->data_dir . '/PG_VERSION', "$what: which wrote nothing");
}
my ($status, $out, $err) = $p->pg_pitr('plan', '--target-time', 'yesterday-ish');
isnt($status, 0, 'a time that is none is refused');
like($err, qr/yesterday-ish/, 'and named');
($status, $out, $err) = $p->pg_pitr('plan', '--target-xid', '700', '--target-name', 'x');
isnt($status, 0, 'two targets at once are refused');

# Actions.
my $paused = $p->restore({ no_wait => 1 }, '--target-xid', $xid[3], '--target-action', 'pause');
$paused->node->poll_query_until('postgres', "SELECT pg_get_wal_replay_pause_state() = 'paused'");
is(rows($paused), '3/3', 'pause: the server can be read at the target');
is($paused->sql('SELECT pg_is_in_recovery()'), 't', 'and is still in recovery');
$paused->sql('SELECT pg_wal_replay_resume()');
$paused->wait_open;
is(rows($paused), '3/3', 'resumed, it opens');
my $empty = $p->empty_cluster;
$p->pg_pitr_ok('restore', '--pgdata', $empty->node->data_dir, '--target-xid', $xid[4], '--target-action', 'shutdown');
$empty->adopt;
$empty->start_to_end;
$empty->wait_for_log(qr/shutdown at recovery target/);
pass('shutdown: the server stops at the target');

# A second backup: targets before it use the first, targets after it the second.
my $second = $p->backup;
$p->sql('INSERT INTO h (n) VALUES (13)');
my $late = $p->sql('SELECT clock_timestamp()');
$p->sql('SELECT pg_sleep(0.05); CREATE TABLE after_late (n int)');
$p->wait_archived;
like(($p->pg_pitr('plan', '--target-time', $late))[1], qr/\Q$second\E/, 'a late time uses the second backup');
like(($p->pg_pitr('plan', '--target-time', $time[5]))[1], qr/\Q$backup\E/, 'an early time uses the first');
like(($p->pg_pitr('plan', '--target-xid', $xid[7]))[1], qr/\Q$backup\E/, 'an early xid uses the first');
like(($p->pg_pitr('plan', '--target-name', 'after_2'))[1], qr/\Q$backup\E/, 'an early restore point uses the first');

PitrTest::finish();
done_testing();
