# The fixed stories of test/soak/fixed.txt, a dozen and some: random ones are `make test-soak`. Of a story that fails the steps, what was wrong, how to
# play it again and everything that was said are shown.
# Any server version will do.
use strict;
use warnings;
use Test::More;

my $stories = 0;
my $known = grep { /^# / } split /\n/, do { local (@ARGV, $/) = ('test/soak/fixed.txt'); <> };
my $status;
open(my $soak, '-|', 'python3', 'test/soak/soak.py', '--file', 'test/soak/fixed.txt', '--jobs', '2', '--whole-log') or die "python3: $!";
while (my $line = <$soak>)
{
	chomp $line;
	if ($line =~ /^(ok|not ok) - (.*?) \(\d+ steps\)$/)
	{
		$stories++;
		ok($1 eq 'ok', $2);
	}
	else { $status = $line; diag($line); }
}
close $soak;
cmp_ok($known, '>=', 12, 'there is a dozen');
is($stories, $known, 'every story was played') or diag($status // 'nothing was said');
is($? >> 8, 0, 'and all held');
done_testing();
