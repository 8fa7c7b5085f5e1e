# Expiry while something is restored, by real processes: what a restore needs stays, with the WAL that its server replays, whether the
# restore is at work, was killed, or is done; a hold ends by itself; a restore learns of an expiry that has begun before it changes
# anything; and credentials that can only read do.
# Any server version will do.
use strict;
use warnings;
use IPC::Run ();
use lib 'test/lib';
use PitrTest;
use RawS3;
use PostgreSQL::Test::Utils;
use Test::More;

BAIL_OUT('no S3 server in the environment: run through test/lib/rgw.sh') unless $ENV{PITR_TEST_S3_HTTPS};

sub labels { my ($p) = @_; return $p->sql(q{SELECT coalesce(string_agg(label, ' ' ORDER BY start_time), '') FROM pitr_info() WHERE status <> 'failed'}); }

sub set
{
	my ($p, $name, $value) = @_;
	append_to_file($p->conf, "$name = '$value'\n");
	$p->node->reload;
	PitrTest::wait_for("$name to be set", sub { $p->sql("SHOW $name") eq $value });
	return;
}

# b1, rows, restore point after_b1, more rows, b2, some segments, b3: the limits keep b3 alone. The content at the restore point.
sub backups
{
	my ($p) = @_;
	$p->sql('CREATE TABLE t AS SELECT g AS n, md5(g::text) AS m FROM generate_series(1, 50000) g');
	$p->backup("label => 'b1'");
	$p->sql(q{DELETE FROM t WHERE n <= 1000});
	my $want = $p->content;
	$p->sql(q{SELECT pg_create_restore_point('after_b1')});
	$p->sql(q{DELETE FROM t});
	$p->wait_archived;
	$p->backup("label => 'b2'");
	$p->wait_archived for 1 .. 3;
	$p->backup("label => 'b3'");
	set($p, 'pg_pitr.expire_after_backup', 'off');
	set($p, 'pg_pitr.retention_full', 1);
	return $want;
}

sub expire { my ($p) = @_; return $p->sql(q{SELECT coalesce(string_agg(name, ' ' ORDER BY name), '') FROM pitr_expire() WHERE action = 'delete' AND what LIKE '%backup'}); }

# A restore that is stopped as soon as it holds its backup.
sub frozen_restore
{
	my ($p, $data) = @_;
	my $holds = sub { my @holds = glob($p->repository_dir . '/backup/b1/hold.*'); return scalar @holds; };
	my $before = $holds->();
	my %restore = (out => '', err => '');
	$restore{harness} = IPC::Run::start([ PitrTest::binary(), 'restore', '--config', $p->conf, '--pgdata', $data, '--no-progress', '--target-name', 'after_b1' ],
		'<', \undef, '>', \$restore{out}, '2>', \$restore{err});
	my $limit = time + $PostgreSQL::Test::Utils::timeout_default;
	1 while $holds->() <= $before && time < $limit;
	$restore{harness}->signal('STOP');
	ok(!-e "$data/global/pg_control", 'the restore is at work');
	return \%restore;
}

my $p = PitrTest->new('held', encrypt => 1);
my $want = backups($p);
my $into = $p->empty_cluster;
my $restore = frozen_restore($p, $into->node->data_dir);
is($p->sql(q{SELECT label, held_until > now(), held_by LIKE 'host %, process %' FROM pitr_info() WHERE held_until IS NOT NULL}), 'b1|t|t',
	'pitr_info() shows what is being restored, and where');
like($p->pg_pitr_ok('info'), qr/b1: held for a restore until /, 'and so does the binary');
like($p->sql(q{SELECT why FROM pitr_expire(dry_run => true) WHERE action = 'keep' AND name = 'b1'}), qr/^held for a restore until .*: host /,
	'a dry run says why it stays');
is(expire($p), 'b2', 'an expiry leaves what is being restored, and takes the others');
is($p->sql(q{SELECT string_agg(first_segment, ' ') FROM pitr_archive()}), $p->sql(q{SELECT first_segment FROM pitr_info() WHERE label = 'b1'}),
	'all WAL from its start on stays, without a gap');
$p->pg_pitr_ok('expire');
is(labels($p), 'b1 b3', 'another expiry leaves it, too');
my ($status, $out, $err) = $p->pg_pitr('expire', '--backup', 'b1');
is($status, 1, 'by name it is refused');
like($err, qr/cannot be expired: held for a restore until .*HINT:  Wait until then/s, 'with the reason');

# The machine of the restore dies; the same command goes on later.
$restore->{harness}->signal('KILL');
$restore->{harness}->finish;
is(expire($p), '', 'a restore that was killed is waited for');
$restore = frozen_restore($p, $into->node->data_dir);
is(expire($p), '', 'while it is continued, too');
$restore->{harness}->signal('CONT');
ok($restore->{harness}->finish, 'the restore is finished') or diag($restore->{out} . $restore->{err});
like($restore->{out}, qr/^Until \d{4}-.* no expiry deletes the backup or the WAL after it\./m, 'and says how long the replay may take');
is($restore->{err}, '', 'without warnings');
is(expire($p), '', 'what is going to be replayed stays');
$into->adopt;
$into->node->start;
$into->wait_open;
is($into->content, $want, 'the server comes to where it was told to');
$into->node->stop;
$p->pg_pitr_ok('expire', '--backup', 'b1', '--force');
is(labels($p), 'b3', 'by force it goes');
$p->pg_pitr_ok('expire');
is($p->sql(q{SELECT min(first_segment) FROM pitr_archive()}), $p->sql(q{SELECT first_segment FROM pitr_info() WHERE label = 'b3'}), 'and then its WAL');

# Holds end.
set($p, 'pg_pitr.restore_hold', '2s');
my $again = $p->restore({ no_start => 1 }, '--target-latest');
cmp_ok(scalar(my @holds = glob($p->repository_dir . '/backup/b3/hold.*')), '<=', 4, 'holds that have ended are removed');
$p->backup("label => 'b4'");
PitrTest::wait_for('the hold to end', sub { $p->sql(q{SELECT held_until < clock_timestamp() - interval '1 s' FROM pitr_info() WHERE label = 'b3'}) eq 't' });
is(expire($p), 'b3', 'a hold that has ended holds nothing');
set($p, 'pg_pitr.restore_hold', '0');
$p->restore({ no_start => 1 }, '--target-latest');
is($p->sql('SELECT count(*) FROM pitr_info() WHERE held_until IS NOT NULL'), '0', 'without a length there is none');
$p->node->stop;

# An expiry that begins and does not get on: it may create, not delete.
my $bucket = "expire-restore-$$-" . time;
RawS3::must('PUT', "/$bucket");
sub deny
{
	my ($action) = @_;
	RawS3::must('PUT', "/$bucket?policy", body => qq({"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*",)
		  . qq("Action":["s3:$action"],"Resource":"arn:aws:s3:::$bucket/*"}]}));
	return;
}
# Without holds: they could not be deleted either, and would keep what is to go in the end.
my $s = PitrTest->new('marked', store => 's3', bucket => $bucket, settings => ['pg_pitr.restore_hold = 0']);
$want = backups($s);
$s->sql(q{SELECT pitr_pin('b2')});
deny('DeleteObject');
($status, $out, $err) = $s->pg_pitr('expire');
is($status, 1, 'an expiry is refused by the store');
is(labels($s), 'b1 b2 b3', 'all is there');
my $target = $s->empty_cluster;
my $data = $target->node->data_dir;
my @restore = ('restore', '--pgdata', $data, '--no-progress', '--target-name', 'after_b1');
my ($plan_status, $plan) = $s->pg_pitr('plan', '--target-name', 'after_b1');
like($plan, qr/Backup b1 is marked to be deleted/, 'a plan notes the mark');
($status, $out, $err) = $s->pg_pitr(@restore);
is($status, 1, 'a restore of what is being expired is refused');
like($err, qr/backup "b1" is being expired\nDETAIL:  It was marked to be deleted at 2\d{3}-\S+ \S+ by host .*\nHINT:  .*--unprotected/s, 'and says by whom, since when, and what to do');
ok(!-e "$data/PG_VERSION", 'nothing was written');
($status, $out, $err) = $s->pg_pitr('restore', '--pgdata', $data, '--no-progress', '--backup', 'b2', '--target-latest');
is($status, 1, 'so is one of a pinned backup whose WAL is being expired');
like($err, qr/WAL after backup "b2" is being expired/, 'which says so');
my $back = $s->restore({ into => $target }, '--target-name', 'after_b1', '--unprotected');
is($back->content, $want, 'asked to, the restore goes on');
$back->node->stop;

# A restore with credentials that can only read.
set($s, 'pg_pitr.restore_hold', '1d');
RawS3::must('DELETE', "/$bucket?policy");
deny('PutObject');
my $reader = $s->empty_cluster;
($status, $out, $err) = $s->pg_pitr('restore', '--pgdata', $reader->node->data_dir, '--no-progress', '--target-latest');
is($status, 0, 'a restore needs no right to write');
like($out, qr/^NOTE: Backup b3 could not be kept from being expired during the restore and the replay: .*AccessDenied/m, 'and says what it could not do');
RawS3::must('DELETE', "/$bucket?policy");
$s->pg_pitr_ok('expire');
is(labels($s), 'b2 b3', 'the expiry is finished when it may delete');
is($s->sql(q{SELECT count(*) FROM pitr_archive() WHERE gap}), '1', 'of the pinned backup what makes it consistent stays');

PitrTest::finish();
done_testing();
