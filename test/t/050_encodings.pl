# Databases of other encodings than UTF-8, and secrets in settings.
# Any server version will do.
use strict;
use warnings;
use lib 'test/lib';
use PitrTest;
use PostgreSQL::Test::Utils;
use Test::More;

$ENV{PGCLIENTENCODING} = 'UTF8';
my $p = PitrTest->new('encodings', initdb => [ '--wal-segsize=1', '--encoding=UTF8', '--locale=C' ], conf => "autovacuum = off\n");
my $node = $p->node;
for my $encoding (qw(LATIN1 EUC_JP SQL_ASCII))
{
	$p->sql("CREATE DATABASE $encoding ENCODING '$encoding' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
	$p->sql('CREATE EXTENSION pg_pitr', lc $encoding);
}
my ($cologne, $nippon) = ("vor dem Umzug nach K\xC3\xB6ln", "\xE6\x97\xA5\xE6\x9C\xAC");
$p->sql(qq{SELECT pitr_backup(label => 'latin', annotations => '{"why": "$cologne"}')}, 'latin1');
$p->sql(qq{SELECT pitr_backup(label => 'euc', annotations => '{"why": "$nippon"}')}, 'euc_jp');
$p->sql(qq{SELECT pitr_backup(label => 'ascii', annotations => '{"why": "$nippon"}')}, 'sql_ascii');
my %expected = (
	postgres => "$cologne|$nippon|$nippon", euc_jp => "$cologne|$nippon|$nippon", sql_ascii => "$cologne|$nippon|$nippon",
	latin1 => "$cologne|??|??");
for my $database (sort keys %expected)
{
	is($p->sql(q{SELECT string_agg(annotations->>'why', '|' ORDER BY start_time) FROM pitr_info()}, $database), $expected{$database},
		"pitr_info() in $database has what others have written, as far as it can hold it");
}
my ($status, $out, $err) = (undef, '', '');
$status = $node->psql('sql_ascii', q{SELECT pitr_pin('latin', E'K\xF6ln')}, stdout => \$out, stderr => \$err);
like($err, qr/the text cannot be read as UTF-8: K\\xf6ln/, 'bytes that are no UTF-8 are refused');
$p->sql(qq{SELECT pitr_pin('latin', '$cologne')}, 'latin1');
is($p->sql(q{SELECT pin_reason FROM pitr_info() WHERE pinned}), $cologne, 'a reason arrives as it was meant');
$status = $node->psql('latin1', qq{SELECT pitr_backup(label => 'K\xC3\xB6ln')}, stdout => \$out, stderr => \$err);
like($err, qr/"K\xC3\xB6ln" is not a valid backup label/, 'messages are in the encoding of the database');

# No URL carries a password: a session without the module would show it to everybody.
append_to_file($p->conf, "pg_pitr.proxy = 'http://user:secret\@proxy:3128'\npg_pitr.s3_endpoint = 'https://user:secret\@s3.example.com'\n");
$node->reload;
$p->wait_for_log(qr/setting "pg_pitr.s3_endpoint" must not carry a user or password/);
like($p->log, qr/setting "pg_pitr.proxy" must not carry a user or password/, 'a password in a URL is refused');
unlike($p->log, qr/secret/, 'and not written to the log');
PitrTest::finish();
done_testing();
