# What buckets and accounts differ in, on a real S3 server: addressing by virtual host, session tokens, tags, storage classes, buckets
# with Object Lock, and credentials that may not delete. Archiving, backup and restore work with all of them.
# Any server version will do.
use strict;
use warnings;
use lib 'test/lib';
use PitrTest;
use RawS3;
use Digest::MD5 qw(md5_base64);
use PostgreSQL::Test::Utils;
use Test::More;

BAIL_OUT('no S3 server in the environment: run through test/lib/rgw.sh') unless $ENV{PITR_TEST_S3_HTTPS};
my $bucket = $ENV{PITR_TEST_S3_BUCKET};
my ($tls_port) = $ENV{PITR_TEST_S3_HTTPS} =~ /:(\d+)/;
# Buckets and roles live as long as the server, which several runs may share.
my $unique = "$$-" . time;

# Backs up, changes, archives, restores by another machine's means, and compares.
sub comes_back
{
	my ($p, $what) = @_;
	$p->sql('CREATE TABLE t AS SELECT g AS n, md5(g::text) AS m FROM generate_series(1, 20000) g');
	$p->backup;
	$p->sql('DELETE FROM t WHERE n <= 1000');
	my $want = $p->content;
	$p->wait_archived;
	my $restored = $p->restore('--target-latest');
	is($restored->content, $want, "$what: restored");
	$restored->node->stop;
	return;
}

# The binary with other settings: exit status, and everything it said.
sub check_with
{
	my ($p, @lines) = @_;
	my $conf = $p->node->basedir . '/other.conf';
	append_to_file($conf, join("\n", slurp_file($p->conf), @lines) . "\n");
	IPC::Run::run([ PitrTest::binary(), 'check', '--config', $conf ], '>', \my $out, '2>', \my $err);
	my $status = $? >> 8;
	unlink $conf;
	note($out . $err);
	return ($status, $out . $err);
}

# --- virtual host, temporary credentials, tags, storage class ------------------------------------------------------------------
my ($access, $secret, $token) = RawS3::session("pitr-$unique");
my $v = PitrTest->new('virtual', store => 's3', endpoint => "https://localhost:$tls_port",
	credentials => "access_key_id = $access\nsecret_access_key = $secret\nsession_token = $token\n",
	settings => [ "pg_pitr.s3_addressing = 'virtual'", "pg_pitr.s3_storage_class = 'STANDARD'",
		"pg_pitr.s3_object_tags = 'purpose=test%20suite&owner=dba'" ]);
comes_back($v, 'virtual host and session token');
my @keys = RawS3::keys_of($bucket, $v->prefix . '/');
cmp_ok(scalar(grep { m{/wal/} } @keys), '>', 2, 'the WAL is in the bucket that the host name says');
my $tagged = grep {
	my $tags = RawS3::must('GET', "/$bucket/$_?tagging")->{content};
	$tags =~ m{<Key>purpose</Key><Value>test suite</Value>} && $tags =~ m{<Key>owner</Key><Value>dba</Value>}
} @keys;
is($tagged, scalar @keys, 'every object has the tags');
like(RawS3::must('GET', "/$bucket?prefix=" . $v->prefix)->{content}, qr{<StorageClass>STANDARD</StorageClass>}, 'and the storage class');
unlike($v->log, qr/\Q$token\E|\Q$secret\E/, 'no secret in the log');

my ($status, $said) = check_with($v, "pg_pitr.s3_storage_class = 'NO_SUCH_CLASS'");
isnt($status, 0, 'an unknown storage class is an error');
like($said, qr/HTTP 400 Invalid\w+.*s3_storage_class/s, 'which says so');
PitrTest::write_private($v->node->basedir . '/bad.key', "access_key_id = $access\nsecret_access_key = $secret\nsession_token = "
	  . reverse($token) . "\n");
($status, $said) = check_with($v, "pg_pitr.s3_credentials_file = '" . $v->node->basedir . "/bad.key'");
isnt($status, 0, 'a wrong session token is an error');
like($said, qr/HTTP 40\d \w+.*session token/s, 'which says so');
$v->node->stop;

# --- Object Lock -----------------------------------------------------------------------------------------------------------------
my $locked = "locked-$unique";
RawS3::must('PUT', "/$locked", headers => { 'x-amz-bucket-object-lock-enabled' => 'true' });
my $l = PitrTest->new('locked', store => 's3', bucket => $locked, encrypt => 1,
	settings => [ "pg_pitr.s3_object_lock_mode = 'GOVERNANCE'", 'pg_pitr.s3_object_lock_days = 1' ]);
comes_back($l, 'a bucket with Object Lock');
is($l->sql('SELECT count(*) FROM pitr_check() WHERE NOT ok'), '0', 'pitr_check() finds nothing wrong with it');
my ($manifest) = grep { m{/manifest$} } RawS3::keys_of($locked, $l->prefix . '/backup/');
my $head = RawS3::must('HEAD', "/$locked/$manifest")->{headers};
is($head->{'x-amz-object-lock-mode'}, 'GOVERNANCE', 'objects are locked');
like($head->{'x-amz-object-lock-retain-until-date'}, qr/^20\d\d-\d\d-\d\dT/, 'until a date');
is(RawS3::request('DELETE', "/$locked/$manifest?versionId=$head->{'x-amz-version-id'}")->{status}, 403, 'and cannot be destroyed');
# What a locked bucket does with a deletion that names no version: a marker hides the object, which stays.
RawS3::must('DELETE', "/$locked/$manifest");
is($l->sql("SELECT count(*) FROM pitr_info() WHERE status = 'ok'"), '0', 'a deletion hides a backup');
my ($marker) = RawS3::must('GET', "/$locked?prefix=$manifest&versions")->{content} =~ m{<DeleteMarker>.*?<VersionId>([^<]+)}s;
RawS3::must('DELETE', "/$locked/$manifest?versionId=$marker");
is($l->sql("SELECT count(*) FROM pitr_info() WHERE status = 'ok'"), '1', 'and removing the marker brings it back');
# An increment needs packs, and pages of the file map that did not change, that were stored, and locked, before it.
my %until = map { $_ => RawS3::must('HEAD', "/$locked/$_")->{headers}{'x-amz-object-lock-retain-until-date'} }
  grep { m{/data/} } RawS3::keys_of($locked, $l->prefix . '/data/');
$l->sql('INSERT INTO t SELECT g, md5(g::text) FROM generate_series(1, 100) g');
$l->backup("type => 'incr', label => 'increment'");
my $own = RawS3::must('HEAD', "/$locked/" . $l->prefix . '/backup/increment/manifest')->{headers}{'x-amz-object-lock-retain-until-date'};
my @short = grep { RawS3::must('HEAD', "/$locked/$_")->{headers}{'x-amz-object-lock-retain-until-date'} lt $own } keys %until;
is(join(' ', grep { !m{/page\.} } @short), '', 'what an increment refers to is locked as long as itself');
cmp_ok(scalar(grep { m{/page\.} } @short), '<', scalar(grep { m{/page\.} } keys %until), 'pages that it shares, too');
isnt(scalar(grep { $_ lt $own } values %until), 0, 'which it was not before');
# A rule of the bucket that would take the marker as well.
my $rule = '<LifecycleConfiguration><Rule><ID>tidy</ID><Filter><Prefix></Prefix></Filter><Status>Enabled</Status>'
  . '<Expiration><Days>30</Days></Expiration></Rule></LifecycleConfiguration>';
is($l->sql(q{SELECT ok, hint IS NULL FROM pitr_check() WHERE "check" = 'store: lifecycle rules'}), 't|t', 'no lifecycle rule');
RawS3::must('PUT', "/$locked?lifecycle", body => $rule, headers => { 'Content-MD5' => md5_base64($rule) . '==' });
like($l->sql(q{SELECT ok, detail FROM pitr_check() WHERE "check" = 'store: lifecycle rules'}), qr/t\|.*rule "tidy"/, 'pitr_check() warns of one');
$l->node->stop;

($status, $said) = check_with($v, "pg_pitr.s3_object_lock_mode = 'GOVERNANCE'", 'pg_pitr.s3_object_lock_days = 1');
isnt($status, 0, 'a lock in a bucket without Object Lock is an error');
like($said, qr/HTTP 400 InvalidRequest.*made without Object Lock/s, 'which says so');

# --- credentials that may not delete ---------------------------------------------------------------------------------------------
my $keep = "keep-$unique";
RawS3::must('PUT', "/$keep");
RawS3::must('PUT', "/$keep?policy", body => qq({"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*",)
	  . qq("Action":["s3:DeleteObject"],"Resource":"arn:aws:s3:::$keep/*"}]}));
my $k = PitrTest->new('keep', store => 's3', bucket => $keep);
comes_back($k, 'a bucket that refuses deletion');
is($k->sql(q{SELECT ok, detail LIKE '%DeleteObject%' FROM pitr_check() WHERE "check" = 'store: delete'}), 't|t',
	'pitr_check() says which permission is missing, and finds nothing wrong');
append_to_file($k->conf, "pg_pitr.backup_max_rate = 1MB\n");
$k->node->reload;
my (undef, undef, $error) = $k->try_sql(q{SET statement_timeout = '3s'; SELECT pitr_backup(label => 'cancelled')});
like($error, qr/statement timeout/, 'a backup is cancelled');
$k->wait_for_log(qr/could not remove everything of a backup that was given up: .*AccessDenied/);
like($k->log, qr/s3:DeleteObject/, 'and the log says what stayed, and why');
is($k->sql("SELECT count(*) FROM pitr_info() WHERE status = 'ok'"), '1', 'it is no backup');

PitrTest::finish();
done_testing();
