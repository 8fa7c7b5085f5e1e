# A cluster that archives with pg_pitr, and what tests do with it, on top of PostgreSQL::Test::Cluster.
#
# my $p = PitrTest->new('orders');                     directory as repository
# my $p = PitrTest->new('orders', store => 's3', encrypt => 1);
# $p->sql('...'), $p->backup, $p->wait_archived, $p->pg_pitr('info'), my $r = $p->restore('--target-xid', 4711);
#
# Every test ends with $p->finish (done by END as well): logs are searched for crashes, servers stopped.
package PitrTest;

use strict;
use warnings;
use Encode ();
use File::Basename qw(dirname);
use File::Path qw(make_path);
use IPC::Run ();
use JSON::PP ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Session;
use Test::More;
use Time::HiRes qw(usleep time);

my @servers;
my @json;    # lines: what the binary was asked and said as JSON
my $serial = 0;
# Pages come unbroken, with all columns.
$ENV{COLUMNS} = 100000;

sub new
{
	my ($class, $name, %options) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	my $self = bless { node => $node, name => $name, options => \%options }, $class;
	# Since 18 checksums are on unless they are refused.
	my @without = $node->pg_version >= 18 ? ('--no-data-checksums') : ();
	my @initdb = ($options{checksums} // 1 ? '--data-checksums' : @without, @{ $options{initdb} // [] });
	$node->init(extra => \@initdb);
	$self->write_settings;
	$node->append_conf('postgresql.conf', <<"X");
restart_after_crash = on
jit = off
wal_level = replica
max_wal_senders = 4
archive_mode = on
archive_library = 'pg_pitr'
shared_preload_libraries = 'pg_pitr'
include '$self->{conf}'
X
	$node->append_conf('postgresql.conf', $options{conf}) if $options{conf};
	push @servers, $self;
	unless ($options{no_start})
	{
		$node->start;
		$self->sql('CREATE EXTENSION pg_pitr') unless $options{no_extension};
	}
	return $self;
}

# The settings file, shared by server and binary, and a repository of its own.
sub write_settings
{
	my ($self) = @_;
	my %options = %{ $self->{options} };
	my $base = $self->{node}->basedir;
	$self->{conf} = "$base/pg_pitr.conf";
	my @lines;
	if (($options{store} // 'directory') eq 's3')
	{
		my $key = "$base/s3.key";
		my $credentials = $options{credentials}
		  // "access_key_id = $ENV{PITR_TEST_S3_ACCESS_KEY}\nsecret_access_key = $ENV{PITR_TEST_S3_SECRET_KEY}\n";
		write_private($key, $credentials);
		my $prefix = $options{prefix} // sprintf('t%d-%d-%s', $$, ++$serial, $self->{name});
		$self->{prefix} = $prefix;
		$self->{repository} = 's3://' . ($options{bucket} // $ENV{PITR_TEST_S3_BUCKET}) . "/$prefix";
		push @lines, "pg_pitr.s3_endpoint = '" . ($options{endpoint} // $ENV{PITR_TEST_S3_HTTPS}) . "'",
		  "pg_pitr.s3_ca_file = '$ENV{PITR_TEST_S3_CA}'", "pg_pitr.s3_credentials_file = '$key'";
	}
	else
	{
		$self->{repository_dir} = $options{repository_dir} // "$base/repository";
		make_path($self->{repository_dir});
		$self->{repository} = "file://$self->{repository_dir}";
	}
	unshift @lines, "pg_pitr.repository = '$self->{repository}'";
	if ($options{encrypt})
	{
		$self->{passphrase_file} = "$base/passphrase";
		write_private($self->{passphrase_file}, "correct horse battery staple\n");
		push @lines, "pg_pitr.passphrase_file = '$self->{passphrase_file}'";
	}
	push @lines, @{ $options{settings} // [] };
	append_to_file($self->{conf}, join("\n", @lines) . "\n");
	return;
}

sub write_private
{
	my ($path, $text) = @_;
	my $mask = umask 0077;
	append_to_file($path, $text);
	umask $mask;
	return;
}

sub node { return $_[0]->{node}; }
sub conf { return $_[0]->{conf}; }
sub prefix { return $_[0]->{prefix}; }    # of an S3 repository in its bucket
sub repository_dir { return $_[0]->{repository_dir}; }

# The keys of what is stored of a WAL file; see docs/format.md.
sub wal_key
{
	my ($name) = @_;
	my $range = $name =~ /^[0-9A-F]{8}([0-9A-F]{6})([0-9A-F]{8})/ ? "$1/$2/" : '';
	return 'wal/' . lc(substr($name, 0, 8)) . "/$range$name";
}
sub change_key { return wal_key($_[0]) =~ s/^wal/change/r; }
# Where it is in a directory repository.
sub stored_path { my ($self, $name) = @_; return $self->repository_dir . '/' . wal_key($name); }
# The files of all WAL that is stored there, or of one timeline's; sorted by name.
sub stored_wal
{
	my ($self, $timeline) = @_;
	my $below = $self->repository_dir . '/wal/' . ($timeline // '*');
	return sort grep { -f } glob("$below/* $below/*/*/*");
}

# What leaves something in its session, or must have one that begins after it.
my $of_session = qr/(?:^|;)\s*(?:SET|RESET|BEGIN|START|LOAD|LISTEN|PREPARE)\b|\bTEMP(?:ORARY)?\b|advisory|set_config|pg_reload_conf|ALTER\s+(?:DATABASE|ROLE|USER)|EXTENSION|\\/i;

# The session with database "postgres" that stays, as long as its settings do; undef when there is none.
sub session
{
	my ($self) = @_;
	my $data = $self->{node}->data_dir;
	my $settings = join ' ', map { (Time::HiRes::stat($_))[ 1, 7, 9 ] } "$data/postgresql.conf", "$data/postgresql.auto.conf", $self->{conf} // ();
	return $self->{session} if $self->{session} && $self->{session}->is_open && $self->{settings} eq $settings;
	delete $self->{session};
	$self->{settings} = $settings;
	return $self->{session} = Session->new($self->{node}->connstr('postgres'));
}

# What was read again is what the next question sees, in a new session.
{
	my $reload = \&PostgreSQL::Test::Cluster::reload;
	no warnings 'redefine';
	*PostgreSQL::Test::Cluster::reload = sub { delete $_->{session} for @servers; return $reload->(@_); };
}

sub sql
{
	my ($self, $sql, $database) = @_;
	my $session = ($database // 'postgres') eq 'postgres' && $sql !~ $of_session ? $self->session : undef;
	return $self->{node}->safe_psql($database // 'postgres', $sql) unless $session;
	my ($status, $out, $err) = $session->ask($sql);
	die "error running SQL: '$err'\nwhile running '$sql'" if $status;
	print "$err\n" =~ s/^/#### /gmr if $err ne '';
	return $out;
}

# (exit status, stdout, stderr) of a psql of its own, which shows whether a connection can be had; never dies.
sub try_sql
{
	my ($self, $sql) = @_;
	my ($out, $err) = ('', '');
	my $status = eval { $self->{node}->psql('postgres', $sql, stdout => \$out, stderr => \$err) };
	# psql may be gone before it was given the statement, when the server refuses connections just then.
	return (2, '', $@) if $@ =~ /Broken pipe/;
	die $@ if $@;
	return ($status, $out, $err);
}

# Turns over a bit of a stored object, which may not be written to; what it held before.
sub flip_bit
{
	my ($path, $bit) = @_;
	my $good = PostgreSQL::Test::Utils::slurp_file($path);
	my $bad = $good;
	vec($bad, $bit, 1) ^= 1;
	unlink $path;
	PostgreSQL::Test::Utils::append_to_file($path, $bad);
	return $good;
}

# Polls $condition (a sub) until it is true; fails the test after $limit seconds.
sub wait_for
{
	my ($what, $condition, $limit) = @_;
	my $end = time + ($limit // $PostgreSQL::Test::Utils::timeout_default);
	while (time < $end)
	{
		my $value = $condition->();
		return $value if $value;
		usleep(50_000);
	}
	BAIL_OUT("waited too long for $what") if $ENV{PITR_TEST_BAIL};
	fail("waited too long for $what");
	die "waited too long for $what\n";
}

# Everything written so far is stored in the repository.
sub wait_archived
{
	my ($self, $limit) = @_;
	# There is something to switch for, and the byte before the position names the segment: what a position at a segment's very start is
	# called depends on the version, and it is there when another session switched meanwhile.
	$self->sql("SELECT pg_create_restore_point('wait_archived')");
	my $last = $self->sql('SELECT pg_walfile_name(pg_switch_wal() - 1)');
	my $pg_wal = $self->{node}->data_dir . '/pg_wal';
	eval {
		wait_for("$last to be archived",
			sub { return !-e "$pg_wal/archive_status/$last.ready" && (-e "$pg_wal/archive_status/$last.done" || !-e "$pg_wal/$last"); }, $limit);
		1;
	} or do {
		my $why = $@;
		diag($self->archiving_so_far);
		die $why;
	};
	return $last;
}

# What a person would look at when archiving does not get on.
sub archiving_so_far
{
	my ($self) = @_;
	my $pg_wal = $self->{node}->data_dir . '/pg_wal';
	my (undef, $status) = $self->try_sql('SELECT row_to_json(s) FROM pitr_status s');
	my (undef, $stat) = $self->try_sql('SELECT row_to_json(s) FROM pg_stat_archiver s');
	my @log = split /\n/, PostgreSQL::Test::Utils::slurp_file($self->{node}->logfile);
	splice(@log, 0, -40) if @log > 40;
	return join("\n", map({ "pg_wal: $_" } sort map { s/.*pg_wal.//r } glob("$pg_wal/archive_status/* $pg_wal/0*")), $status, $stat, @log);
}

sub backup
{
	my ($self, $arguments) = @_;
	return $self->sql('SELECT pitr_backup(' . ($arguments // '') . ')');
}

sub binary { return $ENV{PG_PITR} // 'pg_pitr'; }

# Runs the binary with this cluster's settings: (exit status, stdout, stderr).
sub pg_pitr
{
	my ($self, $verb, @arguments) = @_;
	my ($out, $err) = ('', '');
	IPC::Run::run([ binary(), $verb, '--config', $self->{conf}, @arguments ], '<', \undef, '>', \$out, '2>', \$err);
	my $status = $? & 127 ? 128 + ($? & 127) : $? >> 8;
	note("pg_pitr $verb @arguments: exit $status\n$out$err");
	note_json($status, $out, $verb, @arguments) if grep { $_ eq '--json' } @arguments;
	return ($status, $out, $err);
}

# Everything that was said as JSON is held against the schema at the end of the file.
sub note_json
{
	my ($status, $out, $verb, @arguments) = @_;
	my ($action) = grep { !/^-/ } @arguments;
	push @json, JSON::PP::encode_json({ verb => $verb eq 'key' ? "key $action" : $verb, status => $status, out => Encode::decode('UTF-8', $out) });
	return;
}

sub check_json
{
	my $calls = PostgreSQL::Test::Utils::tempdir() . '/json';
	open my $file, '>', $calls or die $!;
	print $file map { "$_\n" } splice @json;
	close $file or die $!;
	IPC::Run::run([ 'python3', dirname(__FILE__) . '/../schema/validate.py', $calls ], '<', \undef, '>', \my $wrong, '2>&1');
	is($wrong, '', 'what was said as JSON is what docs/json.md says');
	return;
}

sub pg_pitr_ok
{
	my ($self, @arguments) = @_;
	my ($status, $out, $err) = $self->pg_pitr(@arguments);
	is($status, 0, "pg_pitr $arguments[0] succeeds") or diag($out . $err);
	return $out;
}

# A directory for a cluster that a restore will fill; not started.
sub empty_cluster
{
	my ($self, $name) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name // ('restored' . ++$serial));
	my $restored = bless { node => $node, name => $node->name, conf => $self->{conf}, options => $self->{options},
		repository => $self->{repository}, repository_dir => $self->{repository_dir} }, ref $self;
	push @servers, $restored;
	return $restored;
}

# Restores into a new cluster with the given target options and starts it. Options after '--' style pairs are passed as they are.
# Returns the restored server, recovered and open unless `no_wait` is in %{$how}. With `unmarked` it does not know that it was restored.
sub restore
{
	my ($self, @target) = @_;
	my $how = ref $target[0] eq 'HASH' ? shift @target : {};
	my $restored = $how->{into} // $self->empty_cluster;
	my $data = $restored->node->data_dir;
	$self->pg_pitr_ok('restore', '--pgdata', $data, '--no-progress', @target);
	# As a copy that was made by other means, which archives beside the original without being held.
	unlink("$data/pg_pitr.restored") or die $! if $how->{unmarked};
	$restored->adopt($how->{conf});
	$restored->node->start unless $how->{no_start};
	$restored->wait_open unless $how->{no_start} || $how->{no_wait};
	return $restored;
}

# A restored data directory has the original's port and log; give it its own. Archiving is off unless asked for.
sub adopt
{
	my ($self, $conf) = @_;
	my $node = $self->{node};
	$node->append_conf('postgresql.conf', 'port = ' . $node->port . "\n" . ($conf // "archive_mode = off\n"));
	return;
}

# Starts a server that is expected to end by itself; some versions of Cluster's start() do not allow for that.
sub start_to_end
{
	my ($self) = @_;
	my $node = $self->{node};
	IPC::Run::run([ 'pg_ctl', '-D', $node->data_dir, '-l', $node->logfile, '-w', 'start' ], '<', \undef, '>', \my $out, '2>', \my $err);
	return;
}

sub wait_open
{
	my ($self) = @_;
	wait_for('recovery to end', sub { my ($status, $out) = $self->try_sql('SELECT NOT pg_is_in_recovery()'); $status == 0 && $out eq 't' });
	return;
}

# kill -9 of the postmaster, then a start as soon as its children are gone too (they hold the shared memory).
sub crash_and_start
{
	my ($self) = @_;
	my $node = $self->{node};
	my ($pid) = split /\n/, slurp_file($node->data_dir . '/postmaster.pid');
	$node->kill9;
	wait_for('the killed server to be gone', sub { return !kill 0, $pid; });
	wait_for('the server to start after kill -9', sub { return $node->start(fail_ok => 1); });
	return;
}

# After a crash of one of its processes the server has started the others again, with an archiver. The postmaster starts no second
# archiver within ten seconds, and then looks once a minute unless somebody connects.
sub wait_restarted
{
	my ($self) = @_;
	wait_for('the server to be back with an archiver', sub {
		my ($status, $archivers) = $self->try_sql(q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'archiver'});
		return $status == 0 && $archivers eq '1';
	});
	return;
}

# One text that two clusters share exactly when their user tables have equal rows.
sub content
{
	my ($self, $database) = @_;
	$database //= 'postgres';
	my @tables = split /\n/, $self->sql(
		q{SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
		  WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1}, $database);
	my $text = '';
	for my $table (@tables)
	{
		$text .= "$table "
		  . $self->sql("SELECT count(*) || ' ' || coalesce(md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))), '-') FROM $table t",
			$database) . "\n";
	}
	return $text;
}

# pg_amcheck on the running server, then pg_checksums on the stopped one.
sub check_integrity
{
	my ($self) = @_;
	my $node = $self->{node};
	# Databases without the extension would be passed over.
	$node->command_ok([ 'pg_amcheck', '-p', $node->port, '-h', $node->host, '--all', '--install-missing', '--heapallindexed' ],
		'pg_amcheck finds nothing wrong');
	$node->stop;
	$node->command_ok([ 'pg_checksums', '--check', '-D', $node->data_dir ], 'pg_checksums finds nothing wrong');
	return;
}

# Log lines written so far, for like() and unlike().
sub log
{
	my ($self) = @_;
	return -e $self->{node}->logfile ? slurp_file($self->{node}->logfile) : '';
}

sub wait_for_log
{
	my ($self, $pattern, $limit) = @_;
	return wait_for("log line $pattern", sub { return $self->log =~ $pattern; }, $limit);
}

# A server process that died is a failure of the product unless the test killed it (then expected => number of kills).
my $crash = qr/terminated by signal|PANIC:|TRAP:|Segmentation fault|AddressSanitizer|runtime error:|terminate called/;

sub assert_no_crash
{
	my ($self, $expected) = @_;
	# An immediate shutdown ends the command that fetches a segment by SIGQUIT.
	my @lines = grep { $_ =~ $crash && $_ !~ /could not restore file .* signal 3\b/ } split /\n/, $self->log;
	$self->{crash_checked} = 1;
	if ($expected) { ok(@lines >= 1, "$self->{name}: only the kills of this test are in the log") or diag(join "\n", @lines); }
	else { is(scalar @lines, 0, "$self->{name}: no crash in the server log") or diag(join "\n", @lines); }
	return;
}

# Call before done_testing: every server of the file, log checked (names in @killed were killed on purpose), stopped.
sub finish
{
	my (%killed) = @_;
	for my $server (@servers)
	{
		$server->{node}->stop('immediate', fail_ok => 1);
		$server->assert_no_crash($killed{ $server->{name} }) unless $server->{crash_checked};
	}
	check_json() if @json;
	return;
}

1;
