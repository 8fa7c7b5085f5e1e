# Filter: the records that pg_waldump (run with TZ=UTC) prints, as lines of the form of wal_text.h.
use strict;
use warnings;

sub lsn { my ($text) = @_; $text =~ s{/0+(?=[0-9A-F])}{/}; $text =~ s{^0+(?=[0-9A-F])}{}; return $text; }

sub transaction_end
{
	my ($what, $xid, $desc) = @_;
	$xid = $1 if $desc =~ /^\w+_PREPARED (?:gid \S+ )?(\d+):/;
	return undef unless $desc =~ /(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d\.\d{6}) UTC/;
	my $text = "$what $xid $1T$2Z";
	my ($rels) = $desc =~ /; rels: ([^;]+)/;
	$text .= ' drops ' . scalar(split ' ', $rels) if $rels;
	my ($subxacts) = $desc =~ /; subxacts: ([^;]+)/;
	$text .= ' subxacts ' . scalar(split ' ', $subxacts) if $subxacts;
	return $text;
}

sub event
{
	my ($rmgr, $xid, $desc) = @_;
	my ($word) = $desc =~ /^(\S+)/ or return undef;
	if ($rmgr eq 'Transaction') { return $word =~ /^(COMMIT|ABORT)(_PREPARED)?$/ ? transaction_end($word, $xid, $desc) : undef; }
	if ($rmgr eq 'XLOG')
	{
		return "RESTORE_POINT $1" if $desc =~ /^RESTORE_POINT (.*?)\s*$/;
		return "$1 redo " . lsn($2) . " tli $3" if $desc =~ m{^(CHECKPOINT_(?:ONLINE|SHUTDOWN)) redo (\S+); tli (\d+)};
		return 'BACKUP_END ' . lsn($1) if $desc =~ /^BACKUP_END (\S+)/;
		return "END_OF_RECOVERY tli $1 after $2" if $desc =~ /^END_OF_RECOVERY tli (\d+); prev tli (\d+)/;
		return 'SWITCH' if $word eq 'SWITCH';
	}
	if ($rmgr eq 'Storage')
	{
		return "CREATE $1 " . ($2 // 'main') if $desc =~ m{^CREATE \S*/(\d+)(?:_(\w+))?$};
		return "TRUNCATE $1 to $2" if $desc =~ m{^TRUNCATE \S*/(\d+) to (\d+) blocks};
	}
	if ($rmgr eq 'Database')
	{
		return "CREATE_FILE_COPY $1" if $desc =~ m{^CREATE_FILE_COPY copy dir \S+ to (\d+/\d+)};
		return "CREATE_WAL_LOG $1" if $desc =~ m{^CREATE_WAL_LOG create dir (\d+/\d+)};
		return "DROP_DB $1" if $desc =~ m{^DROP dir \d+/(\d+)};
	}
	return undef;
}

while (my $line = <STDIN>)
{
	chomp $line;
	next unless $line =~ m{^rmgr: (\S+)\s+len \(rec/tot\):\s+(\d+)/\s*(\d+), tx:\s+(\d+), lsn: (\S+), prev (\S+), desc: (.*)$};
	my ($rmgr, $size, $total, $xid, $desc) = ($1, $2, $3, $4, $7);
	my $out = "$rmgr $size/$total $xid " . lsn($5) . ' ' . lsn($6);
	my $blocks = $desc =~ s/(, blkref #\d+: .*)$// ? $1 : '';
	while ($blocks =~ m{blkref #(\d+): rel (\d+/\d+/\d+)(?: fork (\w+))? blk (\d+)( FPW(?! for))?}g)
	{
		$out .= " #$1 $2 " . ($3 // 'main') . " $4" . ($5 // '');
	}
	my $event = event($rmgr, $xid, $desc);
	print defined $event ? "$out $event\n" : "$out\n";
}
