# Filter: the blocks that pg_waldump's output names, as the sorted and unique lines of changes_text.h. Free-space and
# visibility maps are left out.
use strict;
use warnings;

my %seen;
while (my $line = <STDIN>)
{
	while ($line =~ m{blkref #\d+: rel (\d+/\d+/\d+)(?: fork (\w+))? blk (\d+)}g)
	{
		my ($relation, $fork, $block) = ($1, $2 // 'main', $3);
		$seen{"block $relation $fork $block\n"} = 1 if $fork eq 'main' || $fork eq 'init';
	}
}
print sort keys %seen;
