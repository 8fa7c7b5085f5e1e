# Flipped bits and cuts in each kind of object, the wrong passphrase, missing objects: each a clear error that names the object.
# Any server version will do.
use strict;
use warnings;
use File::Path qw(remove_tree);
use IPC::Run ();
use JSON::PP ();
use lib 'test/lib';
use PitrTest;
use PostgreSQL::Test::Utils;
use Test::More;

for my $encrypt (0, 1)
{
	my $how = $encrypt ? 'encrypted' : 'plain';
	my $p = PitrTest->new("damage_$how", encrypt => $encrypt);
	my $repository = $p->repository_dir;
	$p->sql('CREATE TABLE t AS SELECT g AS n, md5(g::text) AS m FROM generate_series(1, 20000) g');
	$p->backup("label => 'b'");
	$p->sql('INSERT INTO t SELECT g, md5(g::text) FROM generate_series(20001, 30000) g');
	my $segment = $p->wait_archived;
	$p->node->stop;

	my @objects = ([ 'marker', 'pg_pitr.marker' ], [ 'manifest', 'backup/b/manifest' ], [ 'file map', 'backup/b/files' ], [ 'page', 'data/b/page.000001' ],
		[ 'pack', substr((sort glob("$repository/data/b/*"))[0], length("$repository/")) ],
		[ 'WAL segment', PitrTest::wal_key($segment) ]);
	push @objects, [ 'key slot', substr((glob("$repository/keys/*"))[0], length("$repository/")) ] if $encrypt;

	for my $object (@objects)
	{
		my ($kind, $key) = @$object;
		my $path = "$repository/$key";
		my $good = slurp_file($path);
		my $size = length $good;
		my %damage = (
			'a flipped bit near the start' => sub { my $d = $good; vec($d, 8 * 70 + 3, 1) ^= 1; return $d; },
			'a flipped bit in the middle' => sub { my $d = $good; vec($d, 8 * int($size / 2) + 2, 1) ^= 1; return $d; },
			'a cut at half' => sub { return substr($good, 0, int($size / 2)); },
			'a cut before the last byte' => sub { return substr($good, 0, $size - 1); },
			'no bytes at all' => sub { return ''; });
		for my $what (sort keys %damage)
		{
			chmod 0640, $path;
			unlink $path;
			append_to_file($path, $damage{$what}->());
			my ($status, $err) = attempt($p, $kind, $segment);
			isnt($status, 0, "$how $kind, $what: an error");
			like($err, qr/\Q$key\E/, "$how $kind, $what: that names the object");
			unlink $path;
		}
		append_to_file($path, $good);
	}

	# Missing objects.
	for my $object (grep { $_->[0] =~ /file map|page|pack|WAL/ } @objects)
	{
		my ($kind, $key) = @$object;
		rename("$repository/$key", "$repository/hidden") or die $!;
		my ($status, $err) = attempt($p, $kind, $segment);
		isnt($status, 0, "$how $kind missing: an error");
		like($err, qr/\Q$key\E|$segment/, "$how $kind missing: that names the object") unless $kind eq 'WAL segment';
		rename("$repository/hidden", "$repository/$key") or die $!;
	}
	my ($status) = attempt($p, 'pack', $segment);
	is($status, 0, "$how: with everything in place the restore works");

	next unless $encrypt;
	my $good = slurp_file($p->{passphrase_file});
	unlink $p->{passphrase_file};
	PitrTest::write_private($p->{passphrase_file}, "wrong\n");
	my ($s, $out, $err) = $p->pg_pitr('info');
	isnt($s, 0, 'the wrong passphrase is refused');
	like($err, qr/passphrase/, 'and the error says so');
	unlike($err . $out, qr/wrong\n|correct horse/, 'without telling it');
	my ($get) = $p->pg_pitr('wal-get', $segment, $p->node->basedir . '/segment');
	cmp_ok($get, '>', 125, 'wal-get does not take it for the end of the archive');
	unlink $p->{passphrase_file};
	($s, $out, $err) = $p->pg_pitr('info');
	isnt($s, 0, 'a missing passphrase file is refused');
	like($err, qr/\Q$p->{passphrase_file}\E/, 'and named');
	PitrTest::write_private($p->{passphrase_file}, $good);
	my @text = glob("$repository/data/b/*");
	unlike(slurp_file($text[0]), qr/PG_VERSION|recovery|postgres/, 'no plain text in an encrypted pack');

	# Rotation: add a passphrase, remove the first; nothing is rewritten.
	my $new = $p->node->basedir . '/passphrase.new';
	PitrTest::write_private($new, "a new one\n");
	my @key = (PitrTest::binary(), 'key');
	ok(!IPC::Run::run([ @key, 'remove', $p->{passphrase_file}, '--config', $p->conf ], '>', \my $o, '2>', \my $e),
		'the last passphrase cannot be removed');
	$p->pg_pitr_ok('key', 'add', '--json', $new);
	ok(!IPC::Run::run([ @key, 'remove', $p->{passphrase_file}, '--config', $p->conf ], '>', \$o, '2>', \$e), 'the one that the settings name is not removed');
	like($e, qr/is the one in use\nDETAIL:  Settings file "\Q@{[$p->conf]}\E" names "\Q$p->{passphrase_file}\E".*\nHINT:  Point pg_pitr.passphrase_file at another/, 'it is said why, and what to do first');
	my $listed = JSON::PP::decode_json($p->pg_pitr_ok('key', 'list', '--json'));
	is_deeply([ sort map { $_->{in_use} ? 1 : 0 } @{ $listed->{slots} } ], [ 0, 1 ], 'two passphrases are listed, one is in use');
	like($p->pg_pitr_ok('key', 'list'), qr/^keys\/\S+ +\d{4}-\d\d-\d\d \S+ +in use: \Q$p->{passphrase_file}\E$/m, 'for people, too');
	$p->pg_pitr_ok('key', 'remove', '--json', '--force', $p->{passphrase_file});
	($s) = $p->pg_pitr('info');
	isnt($s, 0, 'the removed passphrase opens nothing any more');
	append_to_file($p->conf, "pg_pitr.passphrase_file = '$new'\n");
	$p->pg_pitr_ok('info');
	($status) = attempt($p, 'pack', $segment);
	is($status, 0, 'the new passphrase restores');
}

# Restore (packs, maps, manifests, marker, keys) or fetch (WAL); (exit status, everything said).
sub attempt
{
	my ($p, $kind, $segment) = @_;
	my $scratch = PostgreSQL::Test::Utils::tempdir() . "/x";
	my ($status, $out, $err) = $kind eq 'WAL segment'
	  ? $p->pg_pitr('wal-get', $segment, "$scratch.segment")
	  : $p->pg_pitr('restore', '--pgdata', $scratch, '--target-immediate', '--no-progress');
	cmp_ok($status, '>', 125, 'wal-get exits above 125') if $kind eq 'WAL segment' && $status != 0 && -e $p->stored_path($segment);
	ok(!-e "$scratch.segment" && !-e "$scratch/global/pg_control", 'nothing that could be taken for good was left') if $status != 0;
	remove_tree($scratch);
	unlink "$scratch.segment";
	return ($status, $out . $err);
}

PitrTest::finish();
done_testing();
