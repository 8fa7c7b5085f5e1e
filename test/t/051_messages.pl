# What the binary says of settings that cannot work, in the order what, where, why, what to do: by the text, and within seconds.
# Any server version will do.
use strict;
use warnings;
use lib 'test/lib';
use PitrTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $dir = PostgreSQL::Test::Utils::tempdir();
my $pg_pitr = PitrTest::binary();

sub write_file
{
	my ($name, $text, $mode) = @_;
	open(my $file, '>', "$dir/$name") or die $!;
	print $file $text;
	close($file);
	chmod($mode // 0600, "$dir/$name") or die $!;
	return "$dir/$name";
}

# What a verb says to stderr, its exit code, and the seconds that took.
sub run
{
	my $begun = time;
	my ($out, $err) = ('', '');
	my $result = IPC::Run::run([ $pg_pitr, @_ ], '>', \$out, '2>', \$err);
	return ($out . $err, $? >> 8, time - $begun);
}

SKIP:
{
	skip 'no S3 server', 12 unless $ENV{PITR_TEST_S3_HTTPS};
	my $https = $ENV{PITR_TEST_S3_HTTPS};
	my ($host) = $https =~ m{https://(.*)};
	my ($plain) = $ENV{PITR_TEST_S3_HTTP} =~ m{http://(.*)};
	my $key = write_file('key', "access_key_id = $ENV{PITR_TEST_S3_ACCESS_KEY}\nsecret_access_key = $ENV{PITR_TEST_S3_SECRET_KEY}\n");
	my $wrong = write_file('wrong', "access_key_id = $ENV{PITR_TEST_S3_ACCESS_KEY}\nsecret_access_key = no\n");
	my $settings = sub {
		my (%other) = (repository => "s3://$ENV{PITR_TEST_S3_BUCKET}/messages-$$", s3_endpoint => $https, s3_ca_file => $ENV{PITR_TEST_S3_CA}, s3_credentials_file => $key, @_);
		return write_file('settings', join('', map { "pg_pitr.$_ = '$other{$_}'\n" } sort keys %other));
	};

	my ($said, $code, $took) = run('check', '-c', $settings->());
	like($said, qr/^settings +ok.*^repository +absent: there is none at s3:\S+ yet\n +-> The server makes it when it first archives.*^store: create, never replace +ok/sm, 'before the first use it is said what will happen');

	($said, $code) = run('info', '-c', $settings->(s3_credentials_file => $wrong));
	like($said, qr/the store refused access key "\Q$ENV{PITR_TEST_S3_ACCESS_KEY}\E" of file "\Q$wrong\E": HTTP 403/, 'a wrong secret: which key, of which file');
	like($said, qr/^HINT:  Either the secret key in it is wrong|^HINT:  The secret key in it/m, 'and what to look at');

	($said, $code) = run('info', '-c', $settings->(s3_ca_file => $ENV{PITR_TEST_S3_WRONG_CA}));
	like($said, qr/the authorities in "\Q$ENV{PITR_TEST_S3_WRONG_CA}\E" did not sign the server's TLS certificate\nDETAIL:  Its issuer is ".+"\.\nHINT:  If you trust/, 'a wrong authority: whose, and whom it lacks');

	($said, $code, $took) = run('info', '-c', $settings->(s3_endpoint => "http://$host"));
	like($said, qr/at http:\/\/\Q$host\E: this port speaks TLS, not plain HTTP\nHINT:  Write s3_endpoint as https:/, 'http to a TLS port');
	cmp_ok($took, '<', 15, 'within seconds');

	($said, $code, $took) = run('info', '-c', $settings->(s3_endpoint => "https://$plain"));
	like($said, qr/at https:\/\/\Q$plain\E: this port does not speak TLS\nDETAIL:.*\nHINT:  If it speaks plain HTTP, write s3_endpoint as http:/, 'https to a plain port');
	cmp_ok($took, '<', 15, 'within seconds');

	($said) = run('info', '-c', $settings->(repository => 's3://no-such-bucket/x'));
	like($said, qr/HTTP 404 NoSuchBucket.*\nHINT:  Create bucket "no-such-bucket"/, 'a bucket that does not exist');
}

# A setting that is unknown or wrong: only who needs it refuses.
my $mistyped = write_file('mistyped', "pg_pitr.repository = 'file://$dir/none'\npg_pitr.retention_ful = 3\npg_pitr.archive_jobs = 1000\npg_pitr.s3_addressing = 'Path'\n");
for my $verb (qw(info plan restore wal-get))
{
	my @rest = $verb eq 'restore' ? ('-D', "$dir/data") : $verb eq 'wal-get' ? ('000000010000000000000001', "$dir/segment") : ();
	my ($said) = run($verb, '-c', $mistyped, @rest);
	like($said, qr/warning: file "\Q$mistyped\E" line 2: unrecognized setting "pg_pitr.retention_ful"; it is not needed here and ignored. Perhaps you meant "pg_pitr.retention_full"/,
		"$verb warns of a setting that does not exist");
	like($said, qr/warning: file "\Q$mistyped\E" line 4: invalid value for setting "pg_pitr.s3_addressing"[^\n]*; it is not needed here and ignored/, "$verb: and of one for S3, which a directory does not need");
	like($said, qr/error: (opening the repository: )?directory "\Q$dir\E\/none"/, 'and goes on');
}
for my $verb (qw(expire))
{
	my ($said, $code) = run($verb, '-c', $mistyped);
	like($said, qr/^pg_pitr: error: file "\Q$mistyped\E" line 2: unrecognized setting "pg_pitr.retention_ful"\nHINT:  Perhaps you meant "pg_pitr.retention_full"/, 'expire refuses: what is to be kept is not known');
	is($code, 2, 'as wrong settings are refused');
}
my ($checked) = run('check', '-c', $mistyped);
like($checked, qr/^settings file +failed: file "\Q$mistyped\E" line 2: unrecognized setting.*\n +-> Perhaps you meant "pg_pitr.retention_full"/m, 'check names it');

my ($said, $code) = run('check', '-c', write_file('unread', "pg_pitr.repository = 'file:///srv/x'\npg_pitr.passphrase_file = '$dir/none'\n"));
like($said, qr/^settings +failed: passphrase file "\Q$dir\E\/none" does not exist\n.*-> Make it, or correct pg_pitr.passphrase_file/m, 'files that settings name are looked at with the settings');
is($code, 1, 'and fail the check');

# Values that say something else than they were understood as, and a unit that only people know.
($said) = run('check', '-c', write_file('units', "pg_pitr.repository = 'file://$dir/none'\npg_pitr.pack_size = 1048576\npg_pitr.part_size = '64MB'\npg_pitr.retention_age = '28 D'\n"));
like($said =~ s/\s+/ /gr, qr/settings file ok: .*; pg_pitr.pack_size = 1048576 is 1GB; pg_pitr.retention_age = 28 D is 4 weeks\b/, 'a value that was understood otherwise than it is written is said');
($said) = run('check', '-c', write_file('units', "pg_pitr.repository = 'file://$dir/none'\npg_pitr.pack_size = '1 gb'\n"));
like($said =~ s/\s+/ /gr, qr/failed: .*invalid value for setting "pg_pitr.pack_size": "1 gb" -> To PostgreSQL case counts in units: write "GB"/, 'as the server refuses it');

# A variable of the shell that was not set is neither "no target", which is the end of the archive, nor the default of another option.
for my $option (qw(--target-time --target-xid --target-name --target-lsn --backup --target-timeline --waldir --config))
{
	my ($said, $code) = run('restore', '-D', "$dir/data", ($option eq '--config' ? () : ('-c', $mistyped)), $option, '');
	like($said, qr/^pg_pitr: error: \Q$option\E was given an empty value\nHINT:  Was a variable of the shell not set\?/, "$option \"\" is refused");
	is($code, 2, 'as a wrong command line is');
}
# What could not be printed is no success.
for my $json ('', '--json')
{
	is(system("$pg_pitr version $json >/dev/full 2>'$dir/full'") >> 8, 1, "a full disk behind standard output fails version $json");
	like(slurp_file("$dir/full"), qr/^pg_pitr: error: could not write to standard output: No space left on device$/m, 'and is said');
}
($said) = run('plan', '--json', '--frobnicate');
like($said, qr/unknown option \\?"--frobnicate/, 'an option that does not exist is named also behind a flag');
($said) = run('--frobnicate', '/x', 'info');
like($said, qr/HINT:  Options stand behind the verb: pg_pitr VERB --frobnicate/, 'an option before the verb');
($said) = run('info', '-c', write_file('utf16', join("\0", split(//, "pg_pitr.repository = 'file:///x'\n")) . "\0"));
like($said, qr/settings file "\Q$dir\E\/utf16" is not a text, or one in UTF-16\nHINT:  Save it as plain UTF-8/, 'a settings file in UTF-16');

# Options, too. What stops them is that there is no repository.
for my $echo ([ 'verify', '--max-rate', '10', '10kB' ], [ 'verify', '--max-rate', '10 mb', '10MB' ], [ 'expire', '--leftover-age', '48 H', '2 days' ])
{
	my ($verb, $option, $value, $understood) = @$echo;
	($said) = run($verb, '-c', write_file('plain', "pg_pitr.repository = 'file://$dir/none'\n"), $option, $value);
	like($said, qr/^pg_pitr: \Q$option $value\E is $understood$/m, "$verb $option $value says what it was understood as");
}
($said) = run('verify', '-c', "$dir/plain", '--max-rate', '10 MB');
unlike($said, qr/ is 10MB/, 'and is silent where it was written so');

# Programs are told in one object, of what is wrong with the command line, too.
for my $call ([ 2, 'info', '-c', "$dir/none.conf" ], [ 2, 'plan', '--frobnicate' ], [ 2, 'resotre' ], [ 0, 'version' ], [ 2, 'key', 'add' ])
{
	my ($expected, @words) = @$call;
	IPC::Run::run([ $pg_pitr, @words, '--json' ], '>', \my $out, '2>', \my $err);
	is($? >> 8, $expected, "@words --json: exit code $expected");
	PitrTest::note_json($? >> 8, $out, @words);
}
PitrTest::finish();
done_testing();
