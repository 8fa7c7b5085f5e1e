# Verification: damage in each kind of object is found and named, an interrupted run is continued; a store that is down is no damage,
# nor what retention has deleted.
# Any server version will do.
# About 30 s.
use strict;
use warnings;
use IPC::Run ();
use JSON::PP ();
use lib 'test/lib';
use PitrTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

for my $encrypt (0, 1)
{
	my $how = $encrypt ? 'encrypted' : 'plain';
	my $p = PitrTest->new("verify_$how", encrypt => $encrypt);
	my $repository = $p->repository_dir;
	$p->sql('CREATE TABLE t AS SELECT g AS n, md5(g::text) AS m FROM generate_series(1, 20000) g');
	$p->backup("label => 'b'");
	$p->wait_archived;

	my ($status, $good) = verify($p);
	is($status, 0, "$how: a good repository is good");
	is($good->{result}, 'good', "$how: and says so");
	is($good->{backups}{b}{bytes_read}, $good->{backups}{b}{bytes}, "$how: every byte of the packs was read");
	is($good->{wal}{objects_read}, $good->{wal}{objects}, "$how: and every file of the WAL");
	is($p->sql('SELECT count(*) FROM pitr_verify(quick => true)'), '0', "$how: pitr_verify() returns no row");
	is($p->sql("SELECT verify_mode, verify_result, status FROM pitr_info() WHERE label = 'b'"), 'quick|good|ok', "$how: pitr_info() shows it");
	is($p->sql('SELECT string_agg(mode || result, chr(32) ORDER BY run) FROM pitr_verifications()'), 'fullgood quickgood', "$how: results are kept");
	like($p->pg_pitr_ok('info'), qr/verified .*quick/, "$how: pg_pitr info shows it");

	# One object of every kind that there is.
	interrupt_backup($p, 'half');
	$p->sql(q{SELECT pitr_pin('b', 'audit')});
	begin_to_expire($p, 'going');
	$p->restore({ no_start => 1 }, '--backup', 'b', '--target-immediate');
	my $segment = $p->wait_archived;
	($status) = verify($p);
	is($status, 0, "$how: an interrupted backup, a pin, a mark and a hold are no damage");
	PitrTest::wait_for('the change map', sub { -e "$repository/" . PitrTest::change_key($segment) });
	my $key_of = sub { my @found = sort glob("$repository/$_[0]"); @found or die "no $_[0]"; return substr $found[-1], length("$repository/"); };
	# Exit code when it is damaged, and when it is gone: some may be deleted.
	my @objects = ([ 'marker', 'pg_pitr.marker', 4, 4 ], [ 'manifest', 'backup/b/manifest', 4, 4 ], [ 'start', 'backup/b/start', 4, 4 ],
		[ 'file map', 'backup/b/files', 4, 4 ], [ 'page', 'data/b/page.*', 4, 4 ], [ 'pack', 'data/b/0*', 4, 4 ], [ 'WAL', PitrTest::wal_key($segment), 4, 4 ], [ 'pin', 'backup/b/pin.*', 4, 0 ],
		[ 'expire mark', 'backup/going/expire', 4, 0 ], [ 'partial map', 'backup/half/partial.*', 0, 0 ], [ 'change map', PitrTest::change_key($segment), 0, 0 ],
		[ 'hold of a restore', 'backup/b/hold.*', 0, 0 ], [ 'result of a verification', 'proof/verify/*/result', 0, 0 ]);
	push @objects, [ 'key slot', 'keys/*', 4, 4 ] if $encrypt;
	for my $object (@objects)
	{
		my ($kind, $pattern, @codes) = @$object;
		damaged_and_deleted($p, "$how $kind", $kind, $key_of->($pattern), @codes);
	}
	($status) = verify($p);
	is($status, 0, "$how: with everything back in place it is good");

	# Quick: what is missing or short.
	my $pack = $key_of->('data/b/0*');
	rename("$repository/$pack", "$repository/hidden") or die $!;
	($status) = verify($p, '--quick');
	is($status, 4, "$how: the quick mode misses a pack");
	is($p->sql("SELECT problem, object, backups FROM pitr_verify(quick => true) WHERE severity = 'damage'"), "missing|$pack|{b,going}", "$how: and so does SQL");
	is($p->sql("SELECT status FROM pitr_info() WHERE label = 'b'"), 'damaged', "$how: pitr_info() shows the damage");
	rename("$repository/hidden", "$repository/$pack") or die $!;

	next if $encrypt;

	# A sample covers what it says, and the same again with its seed.
	($status, my $sample) = verify($p, '--sample', '20%');
	is($status, 0, 'a sample');
	($status, my $again) = verify($p, '--sample', '20%', '--seed', $sample->{seed});
	is_deeply($again->{backups}, $sample->{backups}, 'the same seed reads the same');
	is_deeply($again->{wal}, $sample->{wal}, 'of the WAL as well');
	cmp_ok($sample->{backups}{b}{bytes_read}, '>', 0, 'something is read');

	# Not faster than told to.
	my $began = time;
	($status, my $slow) = verify($p, '--max-rate', '5MB');
	my $took = time - $began;
	my $read = $slow->{wal}{bytes_read};
	cmp_ok($took, '>', $read / (5 * 1024 * 1024) - 0.5, "$read bytes of WAL take their time at 5 MB a second");
	cmp_ok($read, '>', 10 * 1024 * 1024, 'and they are many');

	# Interrupted by a signal, and continued.
	# What it has read beyond the packs are small objects, so all packs but the last are done; the WAL takes seconds more.
	my $packs = 0;
	$packs += -s $_ for glob("$repository/data/b/*");
	my $run = IPC::Run::start([ PitrTest::binary(), 'verify', '--config', $p->conf, '--max-rate', '200kB', '--jobs', '1', '--no-progress' ],
		'>', \my $out, '2>', \my $err);
	my $io = "/proc/$run->{KIDS}[0]{PID}/io";
	PitrTest::wait_for('the packs to be read', sub { return slurp_file($io) =~ /^rchar: (\d+)/ && $1 >= $packs; });
	$run->signal('INT');
	$run->finish;
	is($run->full_result >> 8, 3, 'stopped by a signal') or diag($err);
	is(scalar(() = glob("$repository/proof/verify/*/progress.*")), 1, 'how far it got is kept');
	($status, my $continued) = verify($p);
	is($status, 0, 'run again');
	ok($continued->{continued}, 'it is continued');
	is($continued->{backups}{b}{bytes_read}, $continued->{backups}{b}{bytes}, 'and has covered everything in the end');
	is(scalar(() = glob("$repository/proof/verify/*/progress.*")), 0, 'progress is gone');

	# What a full verification has found in the data stands until another has read it; nothing is built on it.
	my $whole = PitrTest::flip_bit("$repository/$pack", 8 * int((-s "$repository/$pack") / 2) + 2);
	($status) = verify($p);
	is($status, 4, 'a rotten pack');
	($status) = verify($p, '--quick');
	is($status, 0, 'which the quick mode cannot see');
	is($p->sql("SELECT verify_mode, verify_result, status FROM pitr_info() WHERE label = 'b'"), 'quick|good|damaged', 'the backup stays damaged');
	my ($taken, $label, $said) = $p->try_sql(q{SELECT pitr_backup('incr')});
	is($taken, 0, 'an increment is asked for') or diag($said);
	like($label, qr/F$/, 'a full backup is taken instead');
	like($said, qr/WARNING:  no earlier backup can be built on.*Backup "b" is damaged: the full verification of .* found 1 damage/s, 'and the reason is told');
	unlink "$repository/$pack";
	append_to_file("$repository/$pack", $whole);
	($status) = verify($p, '--label', 'b');
	is($status, 0, 'mended and read again');
	is($p->sql("SELECT status FROM pitr_info() WHERE label = 'b'"), 'ok', 'it is good');

	# The store is down: neither good nor damaged.
	rename($repository, "$repository.away") or die $!;
	($status, my $down) = verify($p);
	isnt($status, 0, 'a store that is not there is not good');
	isnt($status, 4, 'nor damaged');
	is($down->{result}, 'not checked', 'but not checked');
	my ($code, undef, $said) = $p->try_sql('SELECT * FROM pitr_verify()');
	isnt($code, 0, 'pitr_verify() raises an error');
	like($said, qr/could not be verified/, 'that says so');
	rename("$repository.away", $repository) or die $!;
}

# Retention keeps of a pinned backup no WAL beyond its stop: that is no damage; what is lost of what it keeps is.
{
	my $p = PitrTest->new('verify_retention', settings => [ 'pg_pitr.retention_full = 1', 'pg_pitr.expire_after_backup = off' ]);
	$p->sql('CREATE TABLE t (n int)');
	$p->backup("label => 'kept'");
	for my $n (1, 2)
	{
		$p->sql("INSERT INTO t VALUES ($n)");
		$p->wait_archived;
	}
	$p->backup("label => 'new'");
	$p->wait_archived;
	$p->sql(q{SELECT pitr_pin('kept', 'audit', now() + interval '1 day')});
	$p->pg_pitr_ok('expire');
	is($p->sql('SELECT count(*) FROM pitr_archive() WHERE gap'), '1', 'expiry leaves a gap behind a pinned backup');
	my ($status, $json) = verify($p);
	is($status, 0, 'which is no damage');
	is_deeply($json->{findings}, [], 'and nothing is said about it');
	my $needed = $p->sql("SELECT first_segment FROM pitr_info() WHERE label = 'kept'");
	unlink($p->stored_path($needed)) or die $!;
	($status, $json) = verify($p, '--quick');
	is($status, 4, 'WAL that the pinned backup needs is missed');
	is_deeply([ map { $_->{backups} } @{ $json->{findings} } ], [ ['kept'] ], 'and the backup named');

	# One full backup is kept, and what is known to be damaged does not count.
	$p->backup("label => 'rotten'");
	my ($pack) = glob($p->repository_dir . '/data/rotten/*');
	PitrTest::flip_bit($pack, 4 * -s $pack);
	($status) = verify($p);
	is($status, 4, 'damage is found');
	($status) = verify($p, '--quick');
	($status, undef, my $refused) = $p->pg_pitr('merge', 'rotten');
	is($status, 1, 'what is damaged is not merged');
	like($refused, qr/backup "rotten" is damaged and cannot be merged\nDETAIL:  What is known: the full verification of .* found/, 'and the reason is said');
	$p->pg_pitr_ok('expire');
	is($p->sql(q{SELECT count(*) FROM pitr_info() WHERE label = 'new' AND status = 'ok'}), '1', 'it does not push out the last good backup');
	like($p->sql(q{SELECT why FROM pitr_expire(dry_run => true) WHERE name = 'rotten'}), qr/; it counts as damaged: the full verification of .* found/,
		'and pitr_expire() says so');
}

SKIP:
{
	skip 'no S3 server in the environment', 1 unless $ENV{PITR_TEST_S3_HTTPS};
	my $p = PitrTest->new('verify_s3', store => 's3', encrypt => 1, settings => ['pg_pitr.retry_timeout = 2s']);
	$p->backup("label => 'b'");
	$p->wait_archived;
	my ($status, $json) = verify($p);
	is($status, 0, 'S3: good') or diag(JSON::PP::encode_json($json));
	is($json->{backups}{b}{bytes_read}, $json->{backups}{b}{bytes}, 'S3: every byte of the packs was read');
	append_to_file($p->conf, "pg_pitr.s3_endpoint = 'http://127.0.0.1:9'\n");
	($status, $json) = verify($p);
	is($status, 1, 'S3: a dead endpoint is not checked');
	is($json->{result}, 'not checked', 'S3: and says so');
}

# A bit flipped, the end cut off, gone: the exit code, and what is named. Then it is put back.
sub damaged_and_deleted
{
	my ($p, $name, $kind, $key, $expected, $gone) = @_;
	my $path = $p->repository_dir . "/$key";
	my $bytes = slurp_file($path);
	my $size = length $bytes;
	my %damage = (
		'a flipped bit' => sub { my $d = $bytes; vec($d, 8 * int($size / 2) + 2, 1) ^= 1; return $d; },
		'a cut' => sub { return substr($bytes, 0, $size - 1); },
		'a deletion' => sub { return undef; });
	for my $what (sort keys %damage)
	{
		my $damaged = $damage{$what}->();
		unlink $path;
		append_to_file($path, $damaged) if defined $damaged;
		my ($code, $json) = verify($p);
		my ($finding) = grep { $_->{object} eq $key || ($kind eq 'key slot' && $_->{object} eq 'keys/') } @{ $json->{findings} };
		my $want = defined $damaged ? $expected : $gone;
		is($code, $want, "$name, $what: exit code $want") or diag(JSON::PP::encode_json($json));
		if (defined $damaged || $want)
		{
			ok($finding, "$name, $what: the object is named") or diag(JSON::PP::encode_json($json));
			is($finding->{severity}, $want ? 'damage' : 'warning', "$name, $what: as what it is");
			like($finding->{hurts}, qr/^No recovery\./, "$name, $what: and that no recovery is hurt") if $gone != $expected || !$want;
		}
		else { ok(!$finding, "$name, $what: is nobody's loss"); }
		if ($kind eq 'pack')
		{
			is_deeply($finding->{backups}, [ 'b', 'going' ], "$name, $what: and the backups");
			cmp_ok($finding->{file_count}, '>', 0, "$name, $what: and files") if $what ne 'a cut';
		}
		unlink $path;
		append_to_file($path, $bytes);
	}
	return;
}

# An increment whose expiry is killed when it has its mark.
sub begin_to_expire
{
	my ($p, $label) = @_;
	$p->backup("'incr', label => '$label'");
	my $pg_config = $ENV{PG_CONFIG} // 'pg_config';
	local $ENV{LD_PRELOAD} = qx($pg_config --pkglibdir) =~ s/\s+$//r . '/kill_at_step.so';    # built by run-tests.sh
	local $ENV{KILL_AT_STEP} = 0;
	while (!-e $p->repository_dir . "/backup/$label/expire")
	{
		$ENV{KILL_AT_STEP}++;
		my ($status) = $p->pg_pitr('expire', '--backup', $label);
		$status == 128 + 9 or die "exit status $status";
	}
	unlink glob($p->repository_dir . '/probe/*');
	return;
}

# A full backup that is killed when a pack of it is complete.
sub interrupt_backup
{
	my ($p, $label) = @_;
	my $set = sub {
		my ($rate, $level) = @_;
		append_to_file($p->conf, "pg_pitr.pack_size = 16MB\npg_pitr.compression_level = $level\npg_pitr.backup_max_rate = $rate\n");
		$p->node->reload;
		PitrTest::wait_for('the rate', sub { $p->sql('SHOW pg_pitr.backup_max_rate') eq $rate });
	};
	my $level = $p->sql('SHOW pg_pitr.compression_level');
	$set->('2500kB', 0);    # what is stored in the first five seconds is not recorded
	my $run = IPC::Run::start([ 'psql', '-XAt', '-d', $p->node->connstr('postgres'), '-c', "SELECT pitr_backup(label => '$label', jobs => 1)" ],
		'<', \undef, '>', \my $out, '2>', \my $err);
	PitrTest::wait_for('a pack to be recorded', sub { glob($p->repository_dir . "/backup/$label/partial.*") });
	kill 'KILL', $p->sql(q{SELECT pid FROM pg_stat_activity WHERE backend_type LIKE '%pg_pitr%'});
	$run->finish;
	$p->wait_restarted;
	$set->('0', $level);
	return;
}

# (exit code, decoded JSON)
sub verify
{
	my ($p, @options) = @_;
	my ($status, $out) = $p->pg_pitr('verify', '--json', @options);
	return ($status, eval { JSON::PP::decode_json($out) } // {});
}

PitrTest::finish(verify_plain => 1, verify_encrypted => 1);
done_testing();
