# Retention on real clusters, in a directory and in a bucket: what is kept can be restored, what is not is gone, dry runs change
# nothing, pins hold, what a killed backup left is swept, and an expiry that fails does not fail the backup.
# Any server version will do.
use strict;
use warnings;
use IPC::Run ();
use JSON::PP ();
use lib 'test/lib';
use PitrTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

BAIL_OUT('no S3 server in the environment: run through test/lib/rgw.sh') unless $ENV{PITR_TEST_S3_HTTPS};

sub labels { my ($p) = @_; return $p->sql(q{SELECT coalesce(string_agg(label, ' ' ORDER BY start_time), '') FROM pitr_info() WHERE status <> 'failed'}); }
sub expired { my ($p, $arguments) = @_; return $p->sql(qq{SELECT coalesce(string_agg(name, ' ' ORDER BY name), '') FROM pitr_expire($arguments) WHERE action = 'delete' AND what LIKE '%backup'}); }
sub oldest { my ($p) = @_; return $p->sql('SELECT min(first_segment) FROM pitr_archive() WHERE NOT gap'); }

sub set
{
	my ($p, @lines) = @_;
	append_to_file($p->conf, join("\n", @lines) . "\n");
	$p->node->reload;
	my ($name, $value) = $lines[-1] =~ /^(\S+) = '?([^']*)'?$/ or die;
	PitrTest::wait_for("$name to be set", sub { $p->sql("SHOW $name") eq $value });
	return;
}

# Rows and a restore point, all archived.
sub work
{
	my ($p, $name) = @_;
	$p->sql("INSERT INTO t SELECT g, '$name' FROM generate_series(1, 1000) g; SELECT pg_create_restore_point('$name')");
	$p->wait_archived;
	return;
}

sub by_number
{
	my ($p, $store) = @_;
	$p->sql('CREATE TABLE t (n int, t text)');
	$p->backup("label => 'b1'");
	work($p, 'after_b1');
	$p->backup("label => 'b2'");
	work($p, 'after_b2');
	my $want = $p->content;
	work($p, 'later');
	is(labels($p), 'b1 b2', "$store: without a policy nothing goes");
	is(expired($p, ''), '', "$store: nor by hand");
	set($p, 'pg_pitr.retention_full = 2');
	$p->backup("label => 'b3'");
	is(labels($p), 'b2 b3', "$store: a backup expires the oldest one");
	is(oldest($p), $p->sql(q{SELECT first_segment FROM pitr_info() WHERE label = 'b2'}), "$store: and the WAL before the oldest one that is kept");
	my $restored = $p->restore('--target-name', 'after_b2');
	is($restored->content, $want, "$store: a point between those that are kept is reached");
	$restored->node->stop;
	return;
}

sub dry_run_and_pins
{
	my ($p, $store) = @_;
	set($p, 'pg_pitr.expire_after_backup = off', 'pg_pitr.retention_full = 1');
	my $archive = $p->sql('SELECT string_agg(a::text, E\'\n\') FROM pitr_archive() a');
	is(expired($p, 'dry_run => true'), 'b2', "$store: a dry run tells what would go");
	my ($status, $out) = $p->pg_pitr('expire', '--dry-run', '--json');
	is($status, 0, "$store: the binary, too");
	my $json = JSON::PP::decode_json($out);
	is(join(' ', map { "$_->{action} $_->{name}" } grep { $_->{what} eq 'backup' } @{ $json->{rows} }), 'keep b3 delete b2', "$store: with what is kept");
	is(labels($p), 'b2 b3', "$store: dry runs change nothing");
	is($p->sql('SELECT string_agg(a::text, E\'\n\') FROM pitr_archive() a'), $archive, "$store: nor the archive");

	$p->sql(q{SELECT pitr_pin('b2', 'before the migration', now() + interval '1 day')});
	is($p->sql(q{SELECT label, pin_reason, pinned_until > now() FROM pitr_info() WHERE pinned}), 'b2|before the migration|t', "$store: pitr_info() shows the pin");
	is(expired($p, ''), '', "$store: a pinned backup stays");
	is($p->sql('SELECT count(*) FROM pitr_archive() WHERE gap'), '1', "$store: with the WAL that it needs to become consistent, and no more");
	my $restored = $p->restore('--target-immediate', '--backup', 'b2');
	is($restored->sql(q{SELECT count(*) FROM t WHERE t = 'after_b1'}), '1000', "$store: and restores");
	$restored->node->stop;
	($status, $out) = $p->pg_pitr('expire', '--backup', 'b2');
	is($status, 1, "$store: it does not go by name either");
	$p->pg_pitr_ok('pin', '--json', 'b2', '--until', '2999-12-31 12:00Z');
	$p->pg_pitr_ok('unpin', '--json', 'b2');
	$p->pg_pitr_ok('expire');
	is(labels($p), 'b3', "$store: unpinned it goes");
	is($p->sql('SELECT count(*) FROM pitr_archive() WHERE gap'), '0', "$store: and so does its WAL");
	return;
}

sub by_age
{
	my ($p, $store) = @_;
	$p->backup("label => 'b4'");
	$p->backup("label => 'b5'");
	set($p, 'pg_pitr.retention_full = 0', "pg_pitr.retention_age = '1 day'");
	is(expired($p, ''), '', "$store: younger than the limit, all stay");
	set($p, "pg_pitr.retention_age = '1 s'");
	PitrTest::wait_for('a second to pass', sub { $p->sql(q{SELECT clock_timestamp() - stop_time > interval '3 s' FROM pitr_info() WHERE label = 'b5'}) eq 't' });
	is(expired($p, ''), 'b3 b4', "$store: the newest one that is old enough stays, and none before it");
	is(labels($p), 'b5', "$store: the last one stays however old it is");
	my ($status, $out, $err) = $p->try_sql(q{SELECT pitr_expire(backup => 'b5')});
	like($err, qr/no backup that can be restored would be left.*force/s, "$store: nor does it go by name");
	return;
}

# kill -9 of the worker, as a crash would leave its work.
sub killed_backup
{
	my ($p, $store) = @_;
	set($p, 'pg_pitr.backup_max_rate = 1MB');
	my ($out, $err) = ('', '');
	my $harness = IPC::Run::start([ 'psql', '-XAt', '-d', $p->node->connstr('postgres'), '-c', q{SELECT pitr_backup(label => 'killed')} ],
		'<', \undef, '>', \$out, '2>', \$err);
	PitrTest::wait_for('the backup to copy', sub { $p->sql('SELECT coalesce(max(bytes_done), 0) > 0 FROM pitr_progress') eq 't' });
	is(expired($p, q{leftover_age => '0'}), '', "$store: a backup that runs here is no leftover");
	kill 'KILL', $p->sql(q{SELECT pid FROM pg_stat_activity WHERE backend_type LIKE '%pg_pitr%'});
	$harness->finish;
	$p->wait_restarted;
	set($p, 'pg_pitr.backup_max_rate = 0');
	is($p->sql(q{SELECT status FROM pitr_info() WHERE label = 'killed'}), 'unfinished', "$store: a killed backup is unfinished");
	is(expired($p, ''), '', "$store: which may be running elsewhere, so it stays for a day");
	my $told = sub { return $p->sql("SELECT objects, stored_bytes, why FROM pitr_expire(dry_run => $_[0], leftover_age => '0') WHERE name = 'killed'"); };
	my $planned = $told->('true');
	like($planned, qr/\|never finished, and nothing of it was written for a while$/, "$store: told that it is dead, a dry run says that it would go");
	is($told->('false'), $planned, "$store: and so does the run, of which it goes");
	is(labels($p), 'b5', "$store: nothing of it is left");
	if ($p->repository_dir)
	{
		my @left = (glob($p->repository_dir . '/data/killed/*'), grep { !m{/reserve$} } glob($p->repository_dir . '/.tmp~/*'));
		is(scalar(@left), 0, 'nor of what it was writing') or diag("@left");
	}
	return;
}

# A manifest that cannot be read stops the expiry, not the backup.
sub unreadable
{
	my ($p) = @_;
	set($p, "pg_pitr.retention_age = ''", 'pg_pitr.expire_after_backup = on', 'pg_pitr.retention_full = 1');
	my $manifest = $p->repository_dir . '/backup/b5/manifest';
	open(my $file, '+<:raw', $manifest) or die $!;
	seek($file, 200, 0);
	print $file 'rotten';
	close $file;
	is($p->backup("label => 'b6'"), 'b6', 'the backup is taken');
	like($p->log, qr/the backup is complete, but expiring older ones failed: backup "b5" stops the expiry/, 'and a warning says why nothing was expired');
	is(labels($p), 'b6 b5', 'everything is kept');
	my ($status, $out) = $p->pg_pitr('expire');
	is($status, 1, 'the binary says so by its exit code');
	like($out, qr/^blocked\s+backup\s+b5\b/m, 'and names it');
	for my $verb ([ 'plan', '--backup', 'b5' ], [ 'merge', 'b5' ])
	{
		(undef, undef, my $err) = $p->pg_pitr(@$verb);
		like($err, qr/reading the manifest of backup "b5": .*^HINT:  Put the object back .*name another backup: pg_pitr info/ms, "$verb->[0]: who names it is told the ways out");
	}
	is($p->sql(q{SELECT count(*) FROM pitr_expire(backup => 'b5', force => true) WHERE action = 'delete'}), '1', 'by name and force it goes');
	is(labels($p), 'b6', 'and nothing else');
	return;
}

for my $store (qw(directory s3))
{
	# Restores hold what they restore; here they are over.
	my $p = PitrTest->new("expire_$store", store => $store, encrypt => $store eq 's3' ? 1 : 0, settings => ["pg_pitr.restore_hold = 0"]);
	by_number($p, $store);
	dry_run_and_pins($p, $store);
	by_age($p, $store);
	killed_backup($p, $store);
	unreadable($p) if $store eq 'directory';
}

PitrTest::finish(expire_directory => 1, expire_s3 => 1);
done_testing();
