# usage: tap-one.pl STAGE DIR FAST_DIR FILE
# Runs one TAP test file (.pl: a Perl test with real clusters; .sql: a pgTAP script through psql) and writes DIR/rows/FILE, one row
# "pass|fail|skip<TAB>STAGE:FILE:name<TAB>reason" per test, and one "time<TAB>STAGE:FILE<TAB>seconds". A file that dies, ends early, breaks
# its plan or runs too long is a failed test too. Clusters lie in FAST_DIR, but those of a file with the line "# On a disk." in DIR. Shows one line, and for a failed file what its log ended with.
use strict;
use warnings;
use File::Basename;
use File::Path qw(make_path remove_tree);
use TAP::Parser;
use Time::HiRes qw(time);

my ($stage, $dir, $fast, $file) = @ARGV;
my $name = basename($file);
my $limit_s = $ENV{PITR_TEST_LIMIT_S} // 900;
my $home = (on_disk() ? $dir : $fast) . "/$name.d";
make_path($home);

my @command;
if ($file =~ /\.sql$/) {
	# Each pgTAP script has a database of its own.
	(my $database = "pgtap_$name") =~ s/[^A-Za-z0-9_]/_/g;
	@command = ('sh', '-c', 'createdb "$1" && exec psql -X -q -A -t -P pager=off -v ON_ERROR_STOP=1 -d "$1" -f "$2"', 'sh', $database, $file);
} else {
	my $perl5 = "$ENV{PITR_PGXS}/src/test/perl";
	@ENV{qw(TESTDIR TESTDATADIR TESTLOGDIR)} = ($home, "$home/data", "$home/log");
	$ENV{top_builddir} = $home;
	$ENV{PG_REGRESS} = "$ENV{PITR_PGXS}/src/test/regress/pg_regress";
	delete @ENV{qw(PGHOST PGPORT PGDATABASE PGUSER PGOPTIONS INITDB_TEMPLATE)};
	@command = ($^X, "-I$perl5", '-Itest/lib', $file);
}

sub on_disk
{
	open my $text, '<', $file or die "$file: $!";
	return scalar grep { $_ eq "# On a disk.\n" } <$text>;
}

my $began = time;
open(my $log, '>', "$dir/$name.log") or die "$dir/$name.log: $!";
$log->autoflush(1);
my (@rows, %count);
my $add = sub {
	my ($verdict, $what, $reason) = @_;
	s/[\t\n]/ /g for $what, $reason;
	push @rows, join("\t", $verdict, "$stage:$name:$what", $reason);
	$count{$verdict}++;
};

my $parser = TAP::Parser->new(
	{ exec => [ 'timeout', '-k', '20', '-s', 'INT', $limit_s, 'sh', '-c', 'exec "$@" 2>&1', 'sh', @command ], merge => 0 });
while (my $result = $parser->next) {
	print $log $result->raw, "\n";
	next unless $result->is_test;
	(my $what = $result->description) =~ s/^- //;
	$what ||= $result->number;
	if ($result->has_skip) { $add->('skip', $what, $result->explanation) }
	elsif ($result->has_todo) { $add->('fail', $what, 'marked as to be done') }
	else { $add->($result->is_ok ? 'pass' : 'fail', $what, '') }
}
my $status = $parser->exit >> 8 || $parser->exit;
$add->('skip', 'whole file', $parser->skip_all) if $parser->skip_all;
$add->('fail', 'the run', "stopped after $limit_s s") if $status == 124;
$add->('fail', 'the run', join('; ', "exit status $status", $parser->parse_errors))
  if !$count{fail} && ($status || $parser->parse_errors);
close $log;
push @rows, sprintf("time\t%s:%s\t%.1f", $stage, $name, time - $began);

open(my $out, '>', "$dir/rows/$name") or die "$dir/rows/$name: $!";
print $out "$_\n" for @rows;
close $out;

my @part = map { sprintf '%d %s', $count{$_} // 0, { pass => 'passed', fail => 'failed', skip => 'skipped' }->{$_} } qw(pass fail skip);
my $text = sprintf "%-40s %s, %.0f s\n", $name, join(', ', @part), time - $began;
if ($count{fail}) {
	$text .= "--- the end of what $name said:\n" . qx(grep -n -A12 '^not ok' '$dir/$name.log' | head -n 80; tail -n 25 '$dir/$name.log');
	for my $server (glob("'$home'/log/*.log '$home'/tmp_check/log/*.log")) {
		next if $server =~ /regress_log/;
		$text .= "--- the end of $server:\n" . qx(tail -n 15 '$server');
	}
	$text .= "---\n";
}
print $text;
remove_tree($home) unless $count{fail} || $ENV{PITR_KEEP};
exit 0;
