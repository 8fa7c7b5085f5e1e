# Expiry that is killed before every step it makes, in a directory and in a bucket: whatever is left is whole, and the next run finishes
# it. Then several at once, beside a backup; and what nobody claims, which is young at first.
# Any server version will do.
use strict;
use warnings;
use IPC::Run ();
use JSON::PP ();
use lib 'test/lib';
use PitrTest;
use PostgreSQL::Test::Utils;
use RawS3;
use Test::More;

BAIL_OUT('no S3 server in the environment: run through test/lib/rgw.sh') unless $ENV{PITR_TEST_S3_HTTPS};

my $bucket = $ENV{PITR_TEST_S3_BUCKET};
my $pg_config = $ENV{PG_CONFIG} // 'pg_config';
my $library = qx($pg_config --pkglibdir) =~ s/\s+$//r . '/kill_at_step.so';    # built by run-tests.sh
-e $library or BAIL_OUT("$library is not there");

# Every object, but for what a killed run has left of its question for the time, and what verifications have found.
sub objects
{
	my ($p) = @_;
	my @keys = $p->repository_dir
	  ? map { substr($_, length($p->repository_dir) + 1) } grep { -f $_ } map { glob("$_/* $_/*/* $_/*/*/*") } $p->repository_dir
	  : map { substr($_, length($p->prefix) + 1) } RawS3::keys_of($bucket, $p->prefix . '/');
	return join ' ', sort grep { !m{^(?:probe|proof)/} } @keys;
}

sub expire_until
{
	my ($p, $step) = @_;
	local $ENV{LD_PRELOAD} = $library;
	local $ENV{KILL_AT_STEP} = $step;
	my ($status, undef, $err) = $p->pg_pitr('expire');
	$status == 0 || $status == 128 + 9 or die "step $step: exit status $status: $err";
	return $status != 0;
}

# Nothing that a backup needs is missing: what is wrong, or "".
sub damage
{
	my ($p) = @_;
	my ($status, $out) = $p->pg_pitr('verify', '--quick', '--json');
	return '' if $status == 0;
	my $json = eval { JSON::PP::decode_json($out) } // {};
	return "exit status $status " . join '; ', map { "$_->{severity} $_->{problem} $_->{object}" } @{ $json->{findings} // [] };
}

sub expire
{
	my ($p) = @_;
	my ($status, undef, $err) = $p->pg_pitr('expire');
	return $status == 0 ? '' : "exit status $status: $err";
}

# A full backup to go, an increment on it that is pinned, two to keep, one that was killed.
sub prepare
{
	my ($p) = @_;
	my $work = sub { $p->sql("INSERT INTO t SELECT g, '$_[0]' FROM generate_series(1, 500) g"); $p->wait_archived; };
	$p->sql('CREATE TABLE t (n int, t text)');
	$p->backup("'full', label => 'a'");
	$work->('a');
	$p->backup("'incr', label => 'i'");
	$p->sql(q{SELECT pitr_pin('i', 'audit')});
	for my $label ('b', 'c')
	{
		$work->($label);
		$p->backup("'full', label => '$label'");
	}
	$work->('last');
	append_to_file($p->conf, "pg_pitr.retention_full = 2\n");
	return;
}

# --- in a directory: the same repository for every step
my $p = PitrTest->new('killed', settings => [ 'pg_pitr.expire_after_backup = off', 'pg_pitr.pack_size = 16MB', 'pg_pitr.compression_level = 0' ]);
prepare($p);
my $want = $p->content;
my $of_i = $p->sql(q{SELECT stop_lsn FROM pitr_info() WHERE label = 'i'});
$p->node->stop;
my $repository = $p->repository_dir;
rename $repository, "$repository.before" or die $!;
# Objects are never changed, so that another name of theirs is as good as a copy.
my $renew = sub { system_or_bail('rm', '-rf', $repository); system_or_bail('cp', '-al', "$repository.before", $repository); };
$renew->();
is(expire($p), '', 'an expiry that is left alone');
my $finished = objects($p);
like($finished, qr{backup/i/manifest}, 'keeps the pinned increment');
like($finished, qr{data/a/}, 'and the packs that it borrows');
unlike($finished, qr{backup/a/manifest}, 'and nothing else of its parent');
my ($steps, @wrong) = (0);
for (;;)
{
	$renew->();
	my $killed = expire_until($p, ++$steps);
	my $damage = damage($p);
	my $again = expire($p);
	push @wrong, "step $steps: $damage" if $damage ne '';
	push @wrong, "step $steps, run again: $again" if $again ne '';
	push @wrong, "step $steps: not the same in the end" if objects($p) ne $finished;
	last unless $killed;
}
note("$steps steps");
cmp_ok($steps, '>', 20, 'an expiry makes many steps');
is(join("\n", @wrong), '', 'killed at any of them nothing is hurt, and the next run finishes it');
my $copy = $p->restore('--target-latest');
is($copy->content, $want, 'the latest moment restores row by row');
$copy->check_integrity;
$copy = $p->restore('--backup', 'i', '--target-immediate');
is($copy->sql(q{SELECT string_agg(DISTINCT t, ' ') FROM t}), 'a', 'and so does the pinned increment');
$copy->check_integrity;
# It must show when something is missing.
my ($pack) = $finished =~ m{(data/b/\d+)};
unlink "$repository/$pack" or die $!;
like(damage($p), qr{damage missing \Q$pack\E}, 'what would be missing would be seen');

# --- in a bucket: each run goes on where the last one was killed, a request later each time
my $s = PitrTest->new('killed_s3', store => 's3', encrypt => 1, settings => ['pg_pitr.expire_after_backup = off']);
prepare($s);
$want = $s->content;
my %seen;
($steps, @wrong) = (0);
while (expire_until($s, ++$steps))
{
	$seen{ objects($s) } = 1;
	my $damage = damage($s);
	push @wrong, "step $steps: $damage" if $damage ne '';
}
note("$steps steps, " . keys(%seen) . ' states');
cmp_ok(scalar(keys %seen), '>', 3, 's3: killed with more and more done');
is(join("\n", @wrong), '', 's3: killed at any step nothing is hurt');
is($s->sql(q{SELECT string_agg(label || ' ' || status, ' ' ORDER BY start_time) FROM pitr_info() WHERE status <> 'failed'}), 'a expiring i ok b ok c ok', 's3: in the end it is done, but for what is borrowed');

# --- what nobody claims is young at first, and goes when it is old
my $prefix = $s->prefix;
RawS3::must('PUT', "/$bucket/$prefix/data/nobody/000001", body => 'orphan');
my ($id) = RawS3::must('POST', "/$bucket/$prefix/data/nobody/000002?uploads")->{content} =~ m{<UploadId>([^<]+)<};
my $pending = sub { return RawS3::must('GET', "/$bucket?prefix=$prefix/&uploads")->{content} =~ /\Q$id\E/ ? 1 : 0; };
is($pending->(), 1, 's3: an upload is unfinished');
is(expire($s), '', 's3: an expiry');
is($pending->(), 1, 's3: leaves a young upload');
like(objects($s), qr{data/nobody/000001}, 's3: and a young pack that nobody lists');
PitrTest::wait_for('both to be swept', sub { $s->pg_pitr('expire', '--leftover-age', '1 s'); return !$pending->() && objects($s) !~ /nobody/; });
is(damage($s), '', 's3: an expiry that takes the young for old sweeps both, and nothing else');

# --- several at once, beside backups
$p->node->start;
$renew->();
for my $server ($p, $s)
{
	my $how = $server == $p ? 'directory' : 's3';
	append_to_file($server->conf, "pg_pitr.retention_full = 1\npg_pitr.expire_after_backup = on\n");
	$server->node->reload;
	PitrTest::wait_for('the setting', sub { $server->sql('SHOW pg_pitr.retention_full') eq '1' });
	my @failed;
	# What another deletes between two looks may block one for that time, which it says.
	for my $round (1 .. 4)
	{
		$server->sql("INSERT INTO t SELECT g, 'round $round' FROM generate_series(1, 500) g");
		my $type = $round % 2 ? 'full' : 'incr';
		my @runs = map { { command => $_, out => '', err => '' } } (
			[ 'psql', '-XAt', '-d', $server->node->connstr('postgres'), '-c', "SELECT pitr_backup('$type')" ],
			[ 'psql', '-XAt', '-d', $server->node->connstr('postgres'), '-c', 'SELECT * FROM pitr_expire()' ],
			([ PitrTest::binary(), 'expire', '--config', $server->conf ]) x 2);
		$_->{run} = IPC::Run::start($_->{command}, '<', \undef, '>', \$_->{out}, '2>', \$_->{err}) for @runs;
		for my $run (@runs)
		{
			$run->{run}->finish;
			push @failed, "round $round: @{ $run->{command} }: $run->{out}$run->{err}" if $run->{run}->result != 0 && $run->{out} !~ /^blocked /m;
		}
		my $damage = damage($server);
		push @failed, "round $round: $damage" if $damage ne '';
	}
	is(join("\n", @failed), '', "$how: expiries and a backup at once all succeed, and nothing is hurt");
	$server->wait_archived;
	is(expire($server), '', "$how: a last one");
	is($server->sql(q{SELECT count(*) FILTER (WHERE type = 'full' AND status = 'ok') || ' ' || count(*) FILTER (WHERE status NOT IN ('ok', 'expiring')) FROM pitr_info()}),
		'1 0', "$how: one full backup is kept");
	$copy = $server->restore('--target-latest');
	is($copy->content, $server->content, "$how: which restores row by row");
	$copy->check_integrity;
}

PitrTest::finish();
done_testing();
