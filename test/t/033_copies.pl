# Copies of a cluster beside the one that lives: they do not archive into its repository, a recovery does.
# About 30 s.
use strict;
use warnings;
use lib 'test/lib';
use PitrTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $on = { conf => "archive_mode = on\n" };
my $p = PitrTest->new('production', conf => "synchronous_standby_names = 'one'\nsynchronous_commit = local\n");
my $repository = $p->repository_dir;
$p->sql('CREATE TABLE h (n int)');
$p->backup;
$p->sql('INSERT INTO h VALUES (1)');
$p->wait_archived;
sub stored { return map { s/.*\///r } $p->stored_wal($_[0]); }
sub held { my ($server) = @_; return $server->sql('SELECT archiver_state FROM pitr_status') eq 'held'; }

# As a copy: it opens, can be written to, and does nothing outside.
my $copy = $p->restore({ conf => "synchronous_commit = on\n" }, '--as-copy', '--target-latest');
is($copy->sql('SHOW archive_mode'), 'off', 'a copy does not archive');
like(slurp_file($copy->node->data_dir . '/postgresql.auto.conf'), qr/^cluster_name = 'copy/m, 'and calls itself one');
is($copy->sql("SELECT string_agg(setting, ',') FROM pg_settings WHERE name IN ('primary_conninfo', 'primary_slot_name', 'synchronous_standby_names')"),
	',,', 'it does not replicate');
is($copy->sql('SHOW max_logical_replication_workers'), '0', 'nor subscribe');
my $of_copy = $copy->sql(q{SELECT ok || '|' || detail FROM pitr_check() WHERE "check" = 'server: archive_mode'});
like($of_copy, qr/^true\|off, on purpose: this is a copy/, 'pitr_check does not want it to archive');
is($copy->sql(q{SELECT detail FROM pitr_check() WHERE ok IS NULL AND "check" LIKE 'archive: a segment%'}), 'a copy does not archive', 'nor tries');
like($p->pg_pitr_ok('plan', '--target-latest'), qr/A server of this cluster runs on this machine.*reached after SELECT pg_switch_wal\(\) there/s,
	'a plan to the end of the archive says what the original may have beyond it');
for my $act ('pitr_backup()', 'pitr_expire()', 'pitr_expire(dry_run => true)', "pitr_unpin('x')", 'pitr_set_timeline_aside(1)', 'pitr_take_timeline_back(1)')
{
	my (undef, undef, $no) = $copy->try_sql("SELECT $act");
	my $where = $act eq 'pitr_backup()' ? 'Take the backup on the server that archives there' : "Do it on the server that archives there, or with pg_pitr and that server's settings";
	like($no, qr/a copy changes nothing in the repository .*--as-copy.*HINT: +\Q$where\E\. .*pg_pitr take-over -D /s, "a copy refuses $act");
}
$copy->sql('SELECT count(*) FROM pitr_restore_plan()');
pass('but looks');
$copy->sql("SET statement_timeout = '30s'; INSERT INTO h VALUES (2)");
pass('a commit does not wait for a standby');
my $dir = $copy->node->data_dir;
like(slurp_file("$dir/postgresql.auto.conf"), qr/^archive_mode = 'off'/m, 'the settings of a copy stay after recovery');
$copy->node->stop;

# Somebody turns archiving on in it.
append_to_file("$dir/postgresql.auto.conf", "archive_mode = 'on'\n");
$copy->node->start;
$copy->sql('SELECT pg_switch_wal()');
PitrTest::wait_for('archiving of the copy to be held', sub { held($copy) });
like($copy->sql('SELECT last_error FROM pitr_status'), qr/archiving is held: .*as a copy/, 'a copy that archives all the same is held');
# By hand, or from an archive_command, it does not get there either.
sub timelines { return join ',', sort map { s/.*\///r } glob("$repository/wal/*"); }
my ($pushed, undef, $no) = $p->pg_pitr('wal-push', "$dir/pg_wal");
isnt($pushed, 0, "wal-push does not store a copy's WAL");
like($no, qr/WAL of timeline 2, of a copy made by the restore of .*was not stored.*take-over .*-D \Q$dir\E.*--force/s, 'says whose it is, and the ways out');
my ($first) = map { s/.*\///r } glob("$dir/pg_wal/00000002*[0-9A-F]");
isnt(system("cd '$dir' && '" . PitrTest::binary() . "' wal-push --config '" . $p->conf . "' pg_wal/$first 2>/dev/null"), 0, 'neither by the name that archive_command is given');
is(timelines(), '00000001', 'nothing of it is stored');
$copy->node->stop('immediate');

# Refreshed over itself, it is not told to make its rows part of production's history.
for my $how ('--dry-run', '--no-progress', '--dry-run')
{
	my $said = $p->pg_pitr_ok('restore', '--pgdata', $dir, '--as-copy', '--delta', '--target-latest', '--no-progress', $how eq '--dry-run' ? $how : ());
	unlike($said, qr/wal-push/, "no word of wal-push ($how)");
	like($said, qr/transactions that are nowhere else.*, of the copy that was made here by the restore of .*do not belong into this repository/, 'but of whose it is')
	  unless $said =~ /Earlier restores set aside/;
}
ok(scalar(glob("$dir/pg_wal/pg_pitr.before-restore-*/00000002*")), 'although nothing of it was removed');
isnt(($p->pg_pitr('wal-push', glob("$dir/pg_wal/pg_pitr.before-restore-*")))[0], 0, 'and what was set aside is known, too');

# Not as a copy, beside a running production: it archived as timeline 2 before anybody noticed.
my $forgotten = $p->restore($on, '--target-latest');
$forgotten->sql('INSERT INTO h VALUES (666); SELECT pg_switch_wal()');
PitrTest::wait_for('archiving of the forgotten copy to be held', sub { held($forgotten) });
my $where = $p->node->data_dir;
$forgotten->wait_for_log(qr/WARNING:.*archiving is held: .*runs on this machine/);
like($forgotten->log, qr/DETAIL:.*\Q$where\E.*timeline 1/, 'the living server is named');
like($forgotten->log, qr/HINT:.*archive_mode = off.*take-over/, 'and both ways out');
is($forgotten->sql("SELECT ok FROM pitr_check() WHERE \"check\" = 'archive: not held'"), 'f', 'pitr_check fails');
my (undef, undef, $refused) = $forgotten->try_sql('SELECT pitr_backup()');
like($refused, qr/no backup while its WAL would wait: archiving is held: .*DETAIL:.*HINT:.*take-over/s, 'a backup does not wait for WAL that is held');
is($forgotten->sql(q{SELECT detail FROM pitr_check() WHERE "check" LIKE 'archive: a segment switched%'}), 'not tried: archiving is held',
	'nor does pitr_check');
like(($forgotten->try_sql('SELECT * FROM pitr_expire()'))[2], qr/a copy changes nothing.*runs on this machine|a copy changes nothing.*Process \d+ serves/s, "nor does it expire production's backups");
my ($not, undef, $runs) = $forgotten->pg_pitr('take-over', '--pgdata', $forgotten->node->data_dir);
isnt($not, 0, 'it cannot take over while the original runs on this machine');
like($runs, qr/made from runs on this machine.*\Q$where\E.*timeline 1.*Stop it for good.*--force/s, 'which is named, with what to do');
ok(held($forgotten), 'and it goes on being held');
is(scalar(grep { !/^00000001/ } map { stored($_) } map { s/.*\///r } glob("$repository/wal/*")), 0, 'nothing of it is in the repository');
my @waits = glob($forgotten->node->data_dir . '/pg_wal/archive_status/*.ready');
$forgotten->sql("INSERT INTO h VALUES ($_); SELECT pg_switch_wal(); CHECKPOINT") for 1 .. 4;
my @gone = grep { !-e s/archive_status\/(.*)\.ready/$1/r } @waits;
is("@gone", '', 'while archiving is held no WAL is recycled');
cmp_ok($forgotten->sql('SELECT backlog_segments FROM pitr_status'), '>', scalar(@waits), 'its WAL waits in pg_wal');

# Production stops, having archived nothing more since the restore was made: it is a recovery after all.
my $newest = (sort(stored('00000001')))[-1];
$p->node->stop('immediate');
PitrTest::wait_for('archiving to go on by itself', sub { $forgotten->sql('SELECT archiver_state FROM pitr_status') eq 'idle' }, 200);
is((sort(stored('00000001')))[-1], $newest, 'the old timeline did not grow');
ok(scalar(glob("$repository/wal/*/*.history")), 'a recovery whose original is gone archives without a word');
is($forgotten->sql("SELECT count(*) FROM pitr_check() WHERE \"check\" = 'archive: not held'"), '0', 'and there is no such row any more');
$forgotten->wait_archived;
# Production comes back after all.
$p->node->start;
$forgotten->sql('INSERT INTO h VALUES (667); SELECT pg_switch_wal()');
PitrTest::wait_for('archiving to be held again', sub {
	$forgotten->sql('INSERT INTO h VALUES (668); SELECT pg_switch_wal()');
	return held($forgotten);
}, 30);
pass('what was opened while production was stopped is held within seconds after it runs again');
$p->node->stop('immediate');
$forgotten->node->stop('immediate');

# A recovery in place to a time before the end of the archive: the parent goes on beyond, but was there before.
my $q = PitrTest->new('accident');
$q->sql('CREATE TABLE h (n int)');
$q->backup;
my $xid = $q->sql('INSERT INTO h VALUES (1) RETURNING pg_current_xact_id()');
for (1 .. 3) { $q->sql('INSERT INTO h VALUES (9)'); $q->wait_archived; }
$q->sql("SELECT pg_create_restore_point('release')");
$q->wait_archived;
$q->sql('INSERT INTO h VALUES (10)');
$q->node->stop('immediate');    # something stays in pg_wal
$q->pg_pitr_ok('restore', '--pgdata', $q->node->data_dir, '--delta', '--no-progress', '--target-xid', $xid);
$q->node->start;
$q->wait_open;
$q->wait_archived;
is($q->sql('SELECT archiver_state FROM pitr_status'), 'idle', 'a recovery in place archives without intervention');
# The new timeline gives the numbers of the old one's transactions once more.
my $again = $q->sql('INSERT INTO h VALUES (11) RETURNING pg_current_xact_id()');
is($again, $xid + 1, 'the next transaction has a number that the old timeline has, too') or BAIL_OUT('the rest tests nothing');
my ($failed, undef, $refusal) = $q->try_sql("SELECT * FROM pitr_restore_plan(target_xid => '$again')");
isnt($failed, 0, "the other timeline's transaction is not taken for the server's own");
like($refusal, qr/transaction $again is not in the archive of timeline 2, which this server writes/, 'which is not archived yet');
like($refusal, qr/HINT:.*pg_switch_wal\(\)/, 'and can be');
$q->sql("SELECT pg_create_restore_point('release')");
($failed, undef, $refusal) = $q->try_sql("SELECT * FROM pitr_restore_plan(target_name => 'release')");
like($refusal, qr/restore point "release" is not in the archive of timeline 2/, "neither is the other's restore point taken for the server's own of that name");
$q->wait_archived;
is($q->sql("SELECT value FROM pitr_restore_plan(target_name => 'release') WHERE item = 'timeline'") =~ s/\D.*//r, '2', 'which the plan finds then');
is($q->sql("SELECT value FROM pitr_restore_plan(target_xid => '$again') WHERE item = 'timeline'") =~ s/\D.*//r, '2', 'then the plan finds it');
my ($aside) = glob($q->node->data_dir . '/pg_wal/pg_pitr.before-restore-*/0*');
ok($aside, 'WAL was set aside');
$q->pg_pitr_ok('wal-push', $aside);
$q->node->restart;
$q->wait_archived;
pass('pushing what was set aside is no sign of another server');

# The timeline that was left goes on growing, from another machine as it were.
my $r = PitrTest->new('elsewhere');
$r->sql('CREATE TABLE h (n int)');
$r->backup;
$r->wait_archived;
my $other = $r->restore({ no_start => 1, %$on }, '--target-latest');
$r->sql('INSERT INTO h VALUES (1)');
$r->wait_archived;
$r->sql('INSERT INTO h VALUES (2)');
my $grown = $r->wait_archived;
my $mark = $other->node->data_dir . '/pg_pitr.restored';
my $text = slurp_file($mark);
like($text, qr/"newest"/, 'the mark says how far the archive went');
$other->node->start;
$other->wait_open;
$other->sql('INSERT INTO h VALUES (3); SELECT pg_switch_wal()');
PitrTest::wait_for('archiving to be held', sub { held($other) });
$r->node->stop('immediate');
# It replayed what was archived meanwhile; only what comes after that tells.
PitrTest::wait_for('archiving to be admitted', sub { $other->sql('SELECT archiver_state FROM pitr_status') eq 'idle' }, 200);
$r->node->start;
$r->sql('INSERT INTO h VALUES (4)');
$grown = $r->wait_archived;
$r->node->stop('immediate');
$other->node->restart;
$other->sql('INSERT INTO h VALUES (5); SELECT pg_switch_wal()');
$other->wait_for_log(qr/archiving is held: .*timeline 1 has gone on there since/);
like($other->log, qr/DETAIL:.*stored after the restore/, 'with the segment that shows it');
my $out = $other->pg_pitr_ok('take-over', '--pgdata', $other->node->data_dir);
like($out, qr/continues the cluster/, 'the operator decides');
like($out, qr/stored after the restore.*If its server still runs somewhere.*--target-timeline 1 .*leave it out of every choice: pg_pitr timeline .*set-aside 1$/sm, 'and is told what speaks for another server');
PitrTest::wait_for('archiving to go on', sub { $other->sql('SELECT archiver_state FROM pitr_status') eq 'idle' }, 200);
$other->node->restart;
$other->wait_archived;
pass('for good');

# A copy becomes the production server.
my $becomes = $r->restore({ conf => '' }, '--as-copy', '--target-latest', '--target-timeline', '1');
$becomes->sql("INSERT INTO h VALUES ($_); SELECT pg_switch_wal(); CHECKPOINT") for 1 .. 6;
$becomes->sql('INSERT INTO h VALUES (7); SELECT pg_switch_wal()');
$other->node->stop('immediate');
my $took = $becomes->pg_pitr_ok('take-over', '--pgdata', $becomes->node->data_dir);
like($took, qr/^WAL of timeline \d+ is lost, neither in the repository nor in pg_wal any more: [0-9A-F]{24}/m, 'take-over says what WAL is gone');
like($took, qr/^Nothing of timeline 1\b.* was stored since the restore\. .*or it is quiet.*: pg_pitr timeline .*set-aside 1\b/m, 'what a quiet original may write after all can be left out');
like($took, qr/Take a backup at once/, 'and what that means');
like($took, qr/can still be stored.*So before it is stopped: pg_pitr wal-push --config \S+ \S+\/pg_wal/s, 'and what is not');
# Until then wal-push was refused.
$becomes->pg_pitr_ok('wal-push', $becomes->node->data_dir . '/pg_wal');
$becomes->node->stop;
$becomes->node->start;
is($becomes->sql('SHOW archive_mode'), 'on', 'its settings as a copy are gone');
$becomes->wait_archived;
# It was promoted while it did not archive, and PostgreSQL hands the history file over once.
my $line = $becomes->sql('SELECT timeline_id FROM pg_control_checkpoint()');
my $own = $becomes->backup("'full'");
$becomes->wait_archived;
like($becomes->pg_pitr_ok('plan', '--backup', $own), qr/^timeline +$line\b/m, 'a backup of the new line can be restored');
$becomes->node->stop('immediate');
my ($status, $o, $err) = $r->pg_pitr('take-over', '--pgdata', PostgreSQL::Test::Utils::tempdir());
isnt($status, 0, 'a directory that was not restored is refused');
like($err, qr/not made by a restore/, 'and the error says so');

# Behind a link to pg_wal a server knows what it is just as well.
my $l = PitrTest->new('linked');
$l->sql('CREATE TABLE h (n int)');
$l->backup;
$l->wait_archived;
my $behind = $l->restore({ %$on }, '--target-latest', '--waldir', PostgreSQL::Test::Utils::tempdir() . '/wal');
ok(-l $behind->node->data_dir . '/pg_wal', 'pg_wal is a link');
unlike(slurp_file($behind->node->data_dir . '/postgresql.auto.conf'), qr/recovery_target_timeline/, 'the settings of the recovery are gone');
$behind->pg_pitr_ok('outcome', '--pgdata', $behind->node->data_dir);
$behind->sql('INSERT INTO h VALUES (1); SELECT pg_switch_wal()');
PitrTest::wait_for('archiving to be held', sub { held($behind) });
pass('and a copy beside its original is held');
$behind->node->stop('immediate');

# A copy and a standby are restored, then production makes a tablespace, and then they are started: they replay what was archived meanwhile.
my $space = $l->node->basedir . '/space';
mkdir $space or die $!;
my $late = $l->restore({ no_start => 1 }, '--as-copy', '--target-latest');
my $follows = $l->restore({ no_start => 1 }, '--mode', 'standby');
$l->sql('INSERT INTO h VALUES (7)');
$l->wait_archived;
$l->sql("CREATE TABLESPACE late LOCATION '$space'");
$l->sql('CREATE TABLE t (n int) TABLESPACE late');
$l->sql('INSERT INTO t SELECT generate_series(1, 1000)');
$l->wait_archived;
$l->sql('INSERT INTO t SELECT generate_series(1001, 20000); CHECKPOINT');
$late->node->start(fail_ok => 1);
my $serves = $l->node->data_dir;
$late->wait_for_log(qr/replay would write into "\Q$space\E", which is in use/);
like($late->log, qr/DETAIL: +The server with data directory "\Q$serves\E".*archived after this restore was planned.*HINT: +Restore once more.*--target-lsn \S+ --target-exclusive/s,
	"a copy does not get WAL that makes a tablespace in production's place");
PitrTest::wait_for('the copy to end', sub { !-e $late->node->data_dir . '/postmaster.pid' });
$late->node->_update_pid(0) if $late->node->can('_update_pid');
$follows->start_to_end;
$follows->wait_for_log(qr/replay would write into "\Q$space\E", which is in use/);
like($follows->log, qr/DETAIL: +The server with data directory "\Q$serves\E".*HINT: +Take a backup of the primary now, .*--tablespace \d+=DIRECTORY/s, 'nor does a standby');
PitrTest::wait_for('the standby to end', sub { !-e $follows->node->data_dir . '/postmaster.pid' });
ok(!-e "$space/pg_pitr.place", 'nor is the place noted as theirs');
$l->sql('CHECKPOINT');
$l->node->restart;
is($l->sql('SELECT count(*), min(n) FROM t'), '20000|1', 'which stays as it was');

# A clone of the whole data directory, by cp -a or a snapshot, knows nothing of a restore: it writes the same timeline.
$l->node->stop('fast');
my $clone = $l->empty_cluster('clone');
system_or_bail('cp', '-a', $l->node->data_dir . '/.', $clone->node->data_dir);
$clone->adopt("archive_mode = on\n");
$l->node->start;
$l->sql('INSERT INTO h VALUES (1)');
$l->wait_archived;
$clone->node->start;
my @before = $l->stored_wal;
$clone->sql('INSERT INTO h VALUES (2); SELECT pg_switch_wal()');
PitrTest::wait_for('archiving of the clone to be held', sub { held($clone) });
my $original = $l->node->data_dir;
$clone->wait_for_log(qr/WARNING:.*archiving is held: this data directory is a clone/);
like($clone->log, qr/DETAIL:.*serves "\Q$original\E".*timeline 1\. This directory was "\Q$original\E".*HINT:.*archive_mode = off.*stop the other for good/s, 'with its original and the ways out');
is(scalar(my @after = $l->stored_wal), scalar(@before), 'nothing of it is stored');
like(($clone->try_sql('SELECT * FROM pitr_expire()'))[2], qr/archiving is held: this data directory is a clone/, 'nor does it expire anything');
unlike($l->pg_pitr_ok('plan'), qr/"\Q@{[$clone->node->data_dir]}\E": what it has written/, 'nor does the plan take it for the original');
$l->sql('INSERT INTO h VALUES (3)');
$l->wait_archived;
pass('the original is not held');
$clone->node->stop('immediate');
# Moved, it goes on without a word; what the file remembers is only looked at where two servers run.
$l->node->stop('fast');
my $moved = $l->empty_cluster('moved');
system_or_bail('cp', '-a', $l->node->data_dir . '/.', $moved->node->data_dir);
$moved->adopt("archive_mode = on\n");
$moved->node->start;
$moved->wait_archived;
is($moved->sql('SELECT archiver_state FROM pitr_status'), 'idle', 'a server that was moved archives');
unlike(slurp_file($moved->node->data_dir . '/pg_pitr.directory'), qr/\Q$original\E$/, 'and remembers where it is now');
$moved->node->stop('fast');

# Staging is made anew again and again from the same state, and archives to a repository of its own.
my $s = PitrTest->new('source');
$s->sql('CREATE TABLE h (n int)');
$s->backup;
$s->wait_archived;
my $own = PostgreSQL::Test::Utils::tempdir();
append_to_file("$own/staging.conf", "pg_pitr.repository = 'file://$own/repository'\n");
mkdir "$own/repository" or die $!;
my (%forks, $nightly);
for my $turn (1 .. 2)
{
	$s->sql("INSERT INTO h VALUES ($turn)");
	$s->wait_archived;
	my $staging = $s->restore({ conf => "archive_mode = on\ninclude '$own/staging.conf'\n" }, '--target-latest');
	$staging->sql("INSERT INTO h VALUES (100)");
	$staging->wait_archived;
	my ($timeline) = $staging->sql('SELECT timeline_id FROM pg_control_checkpoint()');
	ok(!$forks{$timeline}++, "staging, refreshed the ${turn}. time, archives, on a timeline of its own ($timeline)");
	is($staging->sql('SELECT backlog_segments FROM pitr_status'), '0', 'nothing waits');
	is($staging->sql('SELECT count(*) FROM h'), $turn + 1, 'with the rows of then');
	$staging->node->stop('immediate');
	$nightly = $staging;
}

sub archives_as
{
	my ($server, $timeline, $name) = @_;
	$server->node->start;
	$server->wait_open;
	$server->wait_archived;
	is($server->sql('SELECT timeline_id FROM pg_control_checkpoint()'), $timeline, $name);
	$server->node->stop('immediate');
	return;
}

# In place, as it was used, and then as nobody used it.
sub remade { return $s->pg_pitr_ok('restore', '--pgdata', $nightly->node->data_dir, '--delta', '--no-progress', '--target-latest'); }
my $used = remade();
like($used, qr/that the repository does not have.*\) they were archived to another repository, file:\/\/\Q$own\E\/repository;/, 'what it archived elsewhere is said to be there');
unlike($used, qr/nowhere else/, 'and not to be lost');
for my $night (1 .. 2)
{
	$nightly->node->start;
	$nightly->wait_open;
	PitrTest::wait_for('staging to have archived', sub { $nightly->sql('SELECT last_archived IS NOT NULL AND backlog_segments = 0 FROM pitr_status') eq 't' });
	$nightly->sql('CHECKPOINT');
	$nightly->node->stop('fast');
	unlike(remade(), qr/WAL files? .*the repository does not have|is not known/, "an idle staging is made anew without a word of WAL ($night)");
}
ok(scalar(glob($s->repository_dir . '/number/*')), 'the numbers are kept in the repository that was restored from');

# Recovered from its own repository, where nobody knows the numbers of production's, and then from production once more: two of its timelines
# have one number. The second history file is named with both fork points.
append_to_file("$own/own.conf", slurp_file($s->conf) . "\npg_pitr.repository = 'file://$own/repository'\n");
$nightly->node->start;
$nightly->wait_open;
$nightly->backup("label => 'of_staging'");
$nightly->wait_archived;
$nightly->node->stop('fast');
my ($number) = sort { $b <=> $a } map { hex(s/.*\///r) } glob($s->repository_dir . '/number/*');
{
	local $nightly->{conf} = "$own/own.conf";
	$nightly->pg_pitr_ok('restore', '--pgdata', $nightly->node->data_dir, '--delta', '--no-progress', '--target-latest', '--backup', 'of_staging');
	$nightly->node->start;
	$nightly->wait_open;
	$nightly->wait_archived;
}
is($nightly->sql('SELECT timeline_id FROM pg_control_checkpoint()'), $number + 1, 'the recovery from its own repository takes the next number') or BAIL_OUT('the rest tests nothing');
$nightly->node->stop('fast');
remade();
$nightly->node->start;
$nightly->wait_open;
$nightly->sql('SELECT pg_switch_wal()');
my $clash = $number + 1;
$nightly->wait_for_log(qr/WARNING:.*has another timeline $clash/);
like($nightly->log, qr{DETAIL:.*leaves timeline $number at [0-9A-F]+/[0-9A-F]+ .*that of this server leaves timeline 1 at [0-9A-F]+/}, 'both fork points');
like($nightly->log, qr/HINT:.*Restore once more.*empty place.*archive_mode = off/, 'and the ways out');
$nightly->node->stop('immediate');
remade();
archives_as($nightly, $clash + 1, 'restored once more it archives again');
append_to_file($s->conf, "pg_pitr.restore_hold = 0\n");
remade();
archives_as($nightly, $clash + 2, 'and so it does without a number from the repository: with one that it has not had');

# The recovery of the original itself: numbers without a gap, whatever was given away.
$s->node->stop('fast');
$s->pg_pitr_ok('restore', '--pgdata', $s->node->data_dir, '--delta', '--no-progress', '--target-latest');
archives_as($s, 2, 'a recovery in place takes the next number');

PitrTest::finish();
done_testing();
