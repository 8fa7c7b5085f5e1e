# What a plan and a restore say besides: a transaction that was prepared after the time that was asked for, a replication origin that is
# dropped before its transaction commits, and what earlier restores have set aside and nobody has removed.
# Any server version will do.
use strict;
use warnings;
use lib 'test/lib';
use PitrTest;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;

my $p = PitrTest->new('orders', conf => "autovacuum = off\nmax_prepared_transactions = 5\n", initdb => ['--wal-segsize=1']);
my $node = $p->node;
my $data = $node->data_dir;
my $space = PostgreSQL::Test::Utils::tempdir() . '/space';
mkdir $space or die $!;
$p->sql(q{CREATE TABLE t (n int); SELECT pg_replication_origin_create('feed'); SELECT pg_replication_origin_advance('feed', '0/1234')});
$p->backup;
my $first = $p->sql('INSERT INTO t VALUES (1) RETURNING pg_current_xact_id()');
$p->sql("CREATE TABLESPACE late LOCATION '$space'");
$p->sql('CREATE TABLE u (n int) TABLESPACE late');
$p->sql('INSERT INTO t VALUES (2)');
my $dropping = $p->sql(q{BEGIN; INSERT INTO t VALUES (3) RETURNING pg_current_xact_id(); SELECT pg_replication_origin_drop('feed'); COMMIT}) =~ s/\s.*//sr;
my $asked = $p->sql('SELECT clock_timestamp()');
$p->sql(q{SELECT pg_sleep(0.01); BEGIN; INSERT INTO t VALUES (4); PREPARE TRANSACTION 'late'});
$p->sql(q{SELECT pg_create_restore_point('evidence')});
$p->wait_archived;

like($p->pg_pitr_ok('plan', '--target-time', $asked), qr/note +Transaction \d+, prepared after that time .* will be there as prepared/, 'the plan names what was prepared since');
my $plan = decode_json($p->pg_pitr_ok('plan', '--json', '--target-xid', $dropping, '--target-exclusive'));
like("@{$plan->{notes}}", qr/told to stop by position, right after the commit of transaction \d+: .* replay would act on DROP of replication origin \d+/,
	'a replication origin is not forgotten before its time');

# Restores one after another, as at a search for the right moment.
$p->sql(q{ROLLBACK PREPARED 'late'});
$node->stop;
my @restore = ('restore', '--pgdata', $data, '--delta', '--no-progress', '--target-xid', $first);
unlike($p->pg_pitr_ok(@restore, '--dry-run'), qr/Earlier restores/, 'nothing was set aside before');
sub put { my ($name) = @_; append_to_file("$data/$name", "only here\n"); }
put('base/NOTES.txt');
put('pg_wal/000000090000000000000007');
my $out = $p->pg_pitr_ok(@restore, '--dry-run');
like($out, qr/"\Q$space\E\/PG_[^"]*" holds a tablespace that the backup does not have; it will be set aside/, 'a dry run names the tablespace that will be set aside');
$p->pg_pitr_ok(@restore);
put('base/MORE.txt');
$out = $p->pg_pitr_ok(@restore);
like($out, qr/NOTE: Earlier restores set aside what is still there, [^:]+: "\Q$data\E\/pg_pitr\.before-restore-[^"]+" \(\d+ B\)/, 'the next one names what the first has left, with its size');
my $dry = decode_json($p->pg_pitr_ok(@restore, '--dry-run', '--json'));
ok(!defined $dry->{restore}, 'a dry run restores nothing');
my ($note) = grep { /^Earlier restores/ } @{$dry->{dry_run}{notes}};
my @aside = glob("$data/*.before-restore-* $data/pg_wal/*.before-restore-* $space/*.before-restore-*");
is(scalar @aside, 4, 'twice in the data directory, once in pg_wal and beside the tablespace') or diag("@aside");
for my $directory (@aside)
{
	like($note, qr/"\Q$directory\E"/, "$directory is named");
}
like($note, qr/WAL that the repository does not have, as far as is known, is in "\Q$data\E\/pg_wal\/[^"]+": .*wal-push/, 'WAL that is nowhere else is not called superfluous');
unlike($note, qr/is in "[^"]*", "/, 'the others have none');
my ($remove) = $note =~ /(rm -r .*)$/s;
system_or_bail('sh', '-c', $remove);
is_deeply([ grep { -e } @aside ], [], 'the command removes them');
unlike($p->pg_pitr_ok(@restore, '--dry-run'), qr/Earlier restores/, 'and then there is nothing to say');

PitrTest::finish();
done_testing();
