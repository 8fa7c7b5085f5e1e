# The fixed dozen of stories (test/soak/dozen.txt): random ones are `make test-soak`. Of a story that fails the steps, what was wrong, how to
# play it again and everything that was said are shown.
# Any server version will do.
use strict;
use warnings;
use Test::More;

my $stories = 0;
my $status;
open(my $soak, '-|', 'python3', 'test/soak/soak.py', '--file', 'test/soak/dozen.txt', '--jobs', '2', '--whole-log') or die "python3: $!";
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
is($stories, 12, 'twelve stories were played') or diag($status // 'nothing was said');
is($? >> 8, 0, 'and all held');
done_testing();
