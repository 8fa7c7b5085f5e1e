# What a backup holds: data and configuration behind links, what is left out and said, what cannot be stored and is refused before anything
# is copied, leftovers of restores, and damaged pages, which push out no good backup.
# Any server version will do.
use strict;
use warnings;
use File::Path qw(make_path);
use lib 'test/lib';
use PitrTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $p = PitrTest->new('linked');
my $node = $p->node;
my $data = $node->data_dir;
my $away = $node->basedir . '/away';
$p->sql('CREATE DATABASE sales');
$p->sql('CREATE TABLE orders AS SELECT generate_series(1, 5000) AS n', 'sales');
my $oid = $p->sql("SELECT oid FROM pg_database WHERE datname = 'sales'");
my $relation = $p->sql("SELECT pg_relation_filepath('orders')", 'sales');

# A link to where the file or directory is now.
sub move_away
{
	my ($path) = @_;
	make_path($away);
	(my $name = $path) =~ s/.*\///;
	rename("$data/$path", "$away/$name") or die "$path: $!";
	symlink("$away/$name", "$data/$path") or die "$path: $!";
	return;
}

# The labels and packs of the repository, to see that nothing was begun.
sub packs { return join ' ', sort glob($p->repository_dir . '/data/*/*'); }

$node->stop;
move_away($_) for ("base/$oid", 'pg_xact', 'postgresql.conf', 'pg_hba.conf', 'pg_ident.conf');
make_path("$away/conf.d", "$away/logs");
append_to_file("$away/conf.d/10.conf", "work_mem = '7MB'\n");
append_to_file("$away/conf.d/readme", "not read by include_dir\n");
append_to_file("$away/logs/postgresql.log", "old lines\n");
symlink("$away/conf.d", "$data/conf.d") or die $!;
symlink("$away/logs", "$data/logs") or die $!;
append_to_file("$away/postgresql.conf", "include_dir 'conf.d'\n");
# What earlier restores leave, and a lock file that would name a living process.
make_path("$data/pg_wal.before-restore-20260522T090014Z");
append_to_file("$data/pg_wal.before-restore-20260522T090014Z/000000010000000000000001", 'x' x 100000);
append_to_file("$data/.s.PGSQL.5499.lock", "$$\n");
append_to_file("$data/pg_pitr.restore", '{}');
$node->start;

# Links.
my ($status, $out, $err) = $p->try_sql("SELECT pitr_backup(label => 'links')");
is($status, 0, 'a cluster with links is backed up') or diag($err);
like($err, qr/NOTICE: .*not everything in the data directory.*\n.*logs \(symbolic link to "\Q$away\E\/logs"/, 'the caller is told what is left out');
is($p->sql("SELECT status, problem IS NULL FROM pitr_info() WHERE label = 'links'"), 'ok|t', 'it is a good one');
is($p->sql("SELECT not_stored ~ '\\mlogs\\M', followed_links ~ '\\mbase/$oid\\M', followed_links ~ '\\mpostgresql.conf\\M', outside_files ~ 'pg_pitr.conf' FROM pitr_info() WHERE label = 'links'"),
	't|t|t|t', 'pitr_info() says what is not in it, what links became, and what lies elsewhere');
my $info = $p->pg_pitr_ok('info');
like($info, qr/links: not in the backup: .*logs/, 'info says what is not in it');
$p->wait_archived;
my $plan = $p->pg_pitr_ok('plan', '--target-latest');
like($plan, qr/Not in the backup: .*\blogs \(symbolic link/, 'and so does the plan');
like($plan, qr/symbolic links; the restored directory holds what they led to: .*base\/$oid/, 'with the links that became what they led to');
$p->pg_pitr_ok('verify');
my $copy = $p->restore('--target-latest');
is($copy->sql('SELECT count(*) FROM orders', 'sales'), '5000', 'the linked database is in the copy');
is($copy->sql('SHOW work_mem'), '7MB', 'and the configuration behind links');
my $copied = $copy->node->data_dir;
ok(-d "$copied/base/$oid" && !-l "$copied/base/$oid" && -f "$copied/postgresql.conf" && !-l "$copied/postgresql.conf", 'as files and directories of its own');
ok(-e "$copied/conf.d/10.conf" && !-e "$copied/conf.d/readme" && !-e "$copied/logs", 'of other directories behind links only configuration');
ok(!-e "$copied/pg_wal.before-restore-20260522T090014Z" && !-e "$copied/.s.PGSQL.5499.lock" && !-e "$copied/pg_pitr.restore",
	'what restores left and what names processes of this machine is not in the backup');
$copy->node->stop;

# In place: links that are left out stay.
$node->stop;
unlink "$data/pg_pitr.restore";
$p->pg_pitr_ok('restore', '--pgdata', $data, '--delta', '--target-latest', '--no-progress');
ok(-l "$data/logs", '--delta leaves alone a link that is not in the backup');
is(slurp_file("$away/logs/postgresql.log"), "old lines\n", 'and what it leads to');
ok(-e "$away/$oid/PG_VERSION", 'and what other links lead to');
$node->start;
$p->wait_open;
is($p->sql('SELECT count(*) FROM orders', 'sales'), '5000', 'the server works');

# What cannot be stored is found before anything is copied, all of it.
my $before = packs();
append_to_file("$data/secret", 'x');
chmod 0, "$data/secret";
make_path("$data/closed");
append_to_file("$data/closed/x", 'x');
chmod 0, "$data/closed";
symlink("$away/nothing", "$data/base/4711") or die $!;
($status, $out, $err) = $p->try_sql("SELECT pitr_backup(label => 'refused', resume => false)");
isnt($status, 0, 'what cannot be read fails the backup');
like($err, qr/3 files or directories cannot be backed up/, 'which counts them');
like($err, qr/\/secret"/, 'names the file');
like($err, qr/\/closed"/, 'the directory');
like($err, qr/\/base\/4711": .*symbolic link|base\/4711" cannot be backed up/, 'and the link that leads nowhere');
like($err, qr/HINT: .*Nothing was copied/, 'and says what to do');
is(packs(), $before, 'nothing was copied');
unlink "$data/secret", "$data/base/4711";
chmod 0700, "$data/closed";
unlink "$data/closed/x";
rmdir "$data/closed";
# A tablespace whose file system is not mounted.
make_path("$away/space");
$p->sql("CREATE TABLESPACE space LOCATION '$away/space'");
$p->sql('CREATE TABLE elsewhere (n int) TABLESPACE space');
$p->sql('CHECKPOINT');
rename("$away/space", "$away/unmounted") or die $!;
make_path("$away/space");
($status, $out, $err) = $p->try_sql("SELECT pitr_backup(label => 'unmounted')");
isnt($status, 0, 'a tablespace that is not there fails the backup');
like($err, qr/pg_tblspc\/\d+.*not mounted/s, 'which says so');
rmdir "$away/space" or die $!;
rename("$away/unmounted", "$away/space") or die $!;
$p->sql('DROP TABLE elsewhere; DROP TABLESPACE space');

# Damaged pages: a warning, and the good backups stay.
append_to_file($p->conf, "pg_pitr.retention_full = 1\n");
$p->sql("CREATE TABLE pages AS SELECT g AS n, repeat('x', 200) AS t FROM generate_series(1, 2000) g; CHECKPOINT");
$node->reload;
$p->backup("label => 'good'");
is($p->sql("SELECT string_agg(label, ' ' ORDER BY stop_time) FROM pitr_info() WHERE status = 'ok'"), 'links good', 'one good backup is kept, and what was restored');
my $file = $p->sql("SELECT pg_relation_filepath('pages')");
$node->stop;
open(my $fh, '+<:raw', "$data/$file") or die $!;
seek($fh, 8192 * 3 + 4000, 0);
print $fh 'DAMAGED';
close($fh);
$node->start;
($status, $out, $err) = $p->try_sql("SELECT pitr_backup(label => 'flawed', allow_page_errors => true)");
is($status, 0, 'with allow_page_errors there is a backup');
like($err, qr/WARNING: .*flawed.*damaged pages: 1 page.*block 3/, 'the caller is warned');
is($p->sql("SELECT string_agg(label || ' ' || status, ', ' ORDER BY stop_time) FROM pitr_info() WHERE status <> 'failed'"), 'links ok, good ok, flawed page errors', 'the good one is still there');
like($p->sql("SELECT why FROM pitr_expire(dry_run => true) WHERE name = 'flawed'"), qr/does not count: 1 page/, 'expiry says that the other does not count');
like($p->pg_pitr_ok('verify'), qr/page errors/, 'verification says it too');
$p->wait_archived;
$plan = $p->pg_pitr_ok('plan', '--target-latest');
like($plan, qr/backup:? +good/, 'a recovery takes the good one');
like($plan, qr/newer backup flawed was passed over/, 'and says so');
like($p->pg_pitr_ok('plan', '--target-latest', '--backup', 'flawed'), qr/holds damaged pages/, 'the other can be asked for');
my $cured = $p->restore('--target-latest');
is($cured->sql('SELECT count(*) FROM pages'), '2000', 'and the recovery has the page as it was');
$cured->node->stop;
$p->backup("'incr', label => 'asked', allow_page_errors => true");
is($p->sql("SELECT parent, page_errors FROM pitr_info() WHERE label = 'asked'"), 'flawed|1', 'asked for, an incremental backup builds on the damaged one');
$p->sql('DROP TABLE pages');
($status, $out, $err) = $p->try_sql("SELECT pitr_backup('incr', label => 'on_good')");
is($status, 0, 'an incremental backup is taken');
is($p->sql("SELECT parent FROM pitr_info() WHERE label = 'on_good'"), 'good', 'and does not build on the damaged one');
like($err, qr/WARNING: .*building on backup "good".*\n.*flawed/, 'which is said');
($status, $out, $err) = $p->pg_pitr('expire', 'good', '--dry-run');
isnt($status, 0, 'the last good ones are not deleted by name');

# Configuration outside of the data directory, as Debian has it: it names production's directory.
my $debian = PitrTest->new('debian');
my $of_production = $debian->node->data_dir;
my $etc = $debian->node->basedir . '/etc';
$debian->sql('CREATE TABLE h AS SELECT 1 AS n');
$debian->node->stop;
make_path($etc);
rename("$of_production/postgresql.conf", "$etc/postgresql.conf") or die $!;
append_to_file("$etc/postgresql.conf", "data_directory = '$of_production'\nexternal_pid_file = '$etc/production.pid'\n");
my @production = ('pg_ctl', '-w', '-s', '-D', $of_production, '-l', $debian->node->logfile, '-o', "-c config_file=$etc/postgresql.conf");
system_or_bail(@production, 'start');
$debian->node->_update_pid(1);
$debian->backup("label => 'debian'");
$debian->wait_archived;
is($debian->sql("SELECT outside_files ~ '$etc/postgresql.conf' FROM pitr_info()"), 't', 'configuration outside of the data directory is recorded');
like($debian->pg_pitr_ok('plan', '--target-latest'), qr/server's postgresql\.conf was \Q$etc\E\/postgresql\.conf/, 'the plan says it');

# What a restore prints starts what it restored. A server with `port` has it instead of the one in the command.
sub start_as_printed
{
	my ($printed, $server, $port) = @_;
	my ($command) = $printed =~ /^  (\S*pg_ctl start .*?)(?: {6}.*)?$/m or die "no command in $printed";
	$command =~ s/-p 5499/-p $port/ if $port;
	is(system("$command >>'" . $server->node->logfile . "' 2>&1"), 0, "$command");
	$server->node->_update_pid(1);
	return;
}

my $beside = $debian->empty_cluster('beside');
my $there = $beside->node->data_dir;
$out = $debian->pg_pitr_ok('restore', '--pgdata', $there, '--as-copy', '--target-latest', '--no-progress');
like($out, qr/NOTE: There is no postgresql\.conf in .*config_file=\Q$etc\E\/postgresql\.conf -c data_directory=\Q$there\E/s, 'the restore ends with what to do about it');
like($out, qr/NOTE: "\Q$etc\E\/postgresql\.conf" sets data_directory = '\Q$of_production\E', which wins over -D/, 'and about the directory that the configuration names');
my ($not_yet, undef, $hint) = $debian->pg_pitr('outcome', '--pgdata', $there);
like($hint, qr/HINT: .*-c data_directory=\Q$there\E/, 'as long as recovery has not ended outcome says the same');
$debian->sql('INSERT INTO h VALUES (2)');
my $pid_of_production = slurp_file("$etc/production.pid");
start_as_printed($out, $beside, $beside->node->port);
$beside->wait_open;
is($beside->sql('SHOW data_directory'), $there, 'beside production the copy opens its own directory');
is($beside->sql('SELECT string_agg(n::text, $$,$$ ORDER BY n) FROM h'), '1', 'with its own rows');
is(slurp_file("$etc/production.pid"), $pid_of_production, "and leaves production's pid file alone");
$beside->node->stop('immediate');

# With production stopped nothing but the command keeps the two apart. The configuration may as well be in the directory.
$debian->node->stop('fast');
my $inside = $debian->empty_cluster('inside');
my $in_it = $inside->node->data_dir;
append_to_file("$etc/postgresql.conf", "archive_mode = off\n");    # as the ready-made cluster of a new machine has it
$out = $debian->pg_pitr_ok('restore', '--pgdata', $in_it, '--target-latest', '--no-progress');
unlike($out, qr/or with (the|your) service/, 'no service is said to do');
like($out, qr/NOTE: The server had settings when backup debian was taken that "\Q$etc\E\/postgresql\.conf" .*archive_mode = 'on' \(here 'off'\).*does NOT ARCHIVE \(archive_mode is not on\)/,
	'the restore says what the configuration lacks, and what that means');
start_as_printed($out, $inside);    # on production's port
$debian->wait_open;
is($debian->sql('SHOW data_directory'), $in_it, 'with production stopped the recovery opens its own directory');
like(slurp_file($inside->node->logfile), qr/WARNING: THIS SERVER DOES NOT ARCHIVE: archive_mode is not on in "\Q$etc\E\/postgresql\.conf"/, 'and says in its log that it does not archive');
my (undef, undef, $warned) = $debian->pg_pitr('outcome', '--pgdata', $in_it);
like($warned, qr/THIS SERVER DOES NOT ARCHIVE/, 'as does the outcome');
$inside->node->stop('immediate');

# A cluster of its own in Debian's way, made for the directory that is restored into: its configuration names that.
my ($main, $other) = map { $debian->node->basedir . "/postgresql/15/$_" } 'main', 'new';
make_path($main, $other);
rename("$etc/postgresql.conf", "$main/postgresql.conf") or die $!;
append_to_file("$main/postgresql.conf", "archive_mode = on\n");
system_or_bail('pg_ctl', '-w', '-s', '-D', $of_production, '-l', $debian->node->logfile, '-o', "-c config_file=$main/postgresql.conf", 'start');
$debian->node->_update_pid(1);
$debian->backup("label => 'cluster'");
$debian->sql("SELECT pg_create_restore_point('k1'); SELECT pg_switch_wal()");
$debian->wait_archived;
$debian->node->stop('fast');
my $new = $debian->empty_cluster('new');
my $in_new = $new->node->data_dir;
my $conf = slurp_file("$main/postgresql.conf") =~ s/^(archive_mode|data_directory|external_pid_file|recovery_).*\n//gmr;
append_to_file("$other/postgresql.conf", $conf . "data_directory = '$in_new'\nport = " . $new->node->port . "\n");
my @to_k1 = ('restore', '--pgdata', $in_new, '--target-name', 'k1', '--backup', 'cluster', '--no-progress');
unlike($debian->pg_pitr_ok(@to_k1), qr/which wins over -D|config_file=\Q$main\E/, 'the configuration of another cluster is not looked at');
append_to_file("$other/postgresql.conf", "archive_mode = off\n");
$out = $debian->pg_pitr_ok(@to_k1, '--delta');
like($out, qr/NOTE: The server had settings when backup cluster was taken that "\Q$other\E\/postgresql\.conf" .*does NOT ARCHIVE/, 'that of the directory is compared');
append_to_file("$other/postgresql.conf", "archive_mode = on\n");
start_as_printed($out, $new);
$new->wait_open;
is($new->sql('SHOW config_file'), "$other/postgresql.conf", 'and used');

# The server remembers the target until it is started again; a backup does not.
is($new->sql('SHOW recovery_target_name'), 'k1', 'the target is in memory');
$new->backup("label => 'recovered'");
$new->wait_archived;
$new->node->stop('immediate');
$out = $debian->pg_pitr_ok('restore', '--pgdata', $in_new, '--delta', '--target-latest', '--backup', 'recovered', '--no-progress');
unlike($out, qr/recovery_target|restore_command|The server had settings/, 'which the next restore does not ask for');

PitrTest::finish();
done_testing();
