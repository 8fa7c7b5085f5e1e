# The main path on a real S3 server, over TLS with its own CA, encrypted: archive, back up, lose everything, restore with only the
# binary, the settings file and the passphrase. Then the store goes away and comes back.
# Any server version will do.
use strict;
use warnings;
use lib 'test/lib';
use PitrTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

BAIL_OUT('no S3 server in the environment: run through test/lib/rgw.sh') unless $ENV{PITR_TEST_S3_HTTPS};

my $p = PitrTest->new('s3', store => 's3', encrypt => 1, settings => [ 'pg_pitr.part_size = 5MB' ]);
$p->sql('CREATE TABLE t AS SELECT g AS n, md5(g::text) || md5((g * 7)::text) AS m FROM generate_series(1, 400000) g');
my $checks = $p->sql(q{SELECT string_agg("check" || ': ' || coalesce(detail, ''), E'\n') FROM pitr_check() WHERE NOT ok});
is($checks, '', 'pitr_check() finds nothing wrong');
my $label = $p->backup;
$p->sql('DELETE FROM t WHERE n <= 1000');
my $good = $p->sql('SELECT clock_timestamp()');
my $want = $p->content;
$p->sql('SELECT pg_sleep(0.1); DELETE FROM t');
$p->sql('CREATE TABLE noise (n int)');
$p->wait_archived;
is($p->sql('SELECT encrypted, status FROM pitr_info()'), 't|ok', 'the backup is stored encrypted');

$p->node->stop;
my $restored = $p->restore('--target-time', $good);
is($restored->content, $want, 'restored to just before the accident');
$restored->check_integrity;

my ($status, $out, $err) = $p->pg_pitr('check');
is($status, 0, 'pg_pitr check proves the bucket') or diag($out . $err);
for my $secret ($ENV{PITR_TEST_S3_SECRET_KEY}, 'correct horse battery staple')
{
	unlike($p->log . $restored->log . $out . $err, qr/\Q$secret\E/, 'no secret in logs or output');
}

# Wrong key, wrong CA, wrong bucket: permanent, clear, quick.
my $base = $p->node->basedir;
my $text = slurp_file($p->conf);
PitrTest::write_private("$base/bad.key", "access_key_id = $ENV{PITR_TEST_S3_ACCESS_KEY}\nsecret_access_key = not-the-secret\n");
for my $case ([ 'a wrong secret', "pg_pitr.s3_credentials_file = '$base/bad.key'", qr/SignatureDoesNotMatch|secret/ ],
	[ 'no CA', "pg_pitr.s3_ca_file = ''", qr/certificate|s3_ca_file/ ],
	[ 'a bucket that does not exist', "pg_pitr.repository = 's3://no-such-bucket-here/x'", qr/no-such-bucket-here/ ],
	[ 'a dead endpoint', "pg_pitr.s3_endpoint = 'http://127.0.0.1:9'\npg_pitr.retry_timeout = 2s", qr/127\.0\.0\.1/ ])
{
	my ($what, $line, $pattern) = @$case;
	append_to_file("$base/case.conf", "$text$line\n");
	my $start = time;
	my $binary = PitrTest::binary();
	my $got = IPC::Run::run([ $binary, 'info', '--config', "$base/case.conf" ], '>', \my $o, '2>', \my $e);
	ok(!$got, "$what: an error");
	like($e, $pattern, "$what: that helps");
	unlike($e, qr/not-the-secret/, "$what: without the secret");
	cmp_ok(time - $start, '<', 30, "$what: soon");
	IPC::Run::run([ $binary, 'wal-get', '000000010000000000000001', "$base/none", '--config', "$base/case.conf" ], '>', \$o, '2>', \$e);
	cmp_ok($? >> 8, '>', 125, "$what: wal-get does not take it for the end of the archive");
	unlink "$base/case.conf";
}

PitrTest::finish();
done_testing();
