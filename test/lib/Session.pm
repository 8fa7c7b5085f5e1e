# A psql that stays connected to a server's database "postgres": a test asks a server hundreds of times, and most of what each question costs is a new
# process and a new connection. What is given to it must not change the session; PitrTest decides.
package Session;

use strict;
use warnings;
use Fcntl qw(F_GETFL F_SETFL O_NONBLOCK);
use IO::Select ();
use IPC::Open3 qw(open3);
use Symbol qw(gensym);

my $mark = '-- end of answer --';

# undef when the server takes no connections.
sub new
{
	my ($class, $connstr) = @_;
	my $self = bless { owner => $$, err => gensym }, $class;
	$self->{pid} = open3($self->{in}, $self->{out}, $self->{err}, 'psql', '-XAtq', '-d', $connstr, '-v', 'ON_ERROR_STOP=1', '-f', '-');
	$self->set_nonblocking($_) for @{$self}{qw(in out err)};
	my ($status, $backend) = $self->ask('SELECT pg_backend_pid()');
	return undef if $status;
	$self->{backend} = $backend;
	return $self;
}

sub set_nonblocking
{
	my ($self, $handle) = @_;
	fcntl($handle, F_SETFL, fcntl($handle, F_GETFL, 0) | O_NONBLOCK) or die $!;
	return;
}

# Its process in the server is there (one that has ended can still be seen while its parent has not noticed), and this is no child of the one
# that connected.
sub is_open
{
	my ($self) = @_;
	return 0 unless $self->{owner} == $$ && $self->{pid};
	open my $stat, '<', "/proc/$self->{backend}/stat" or return 0;
	return (<$stat> // 'Z') !~ /\) [ZX]|^Z/;
}

# (exit status, stdout, stderr), as of a psql of its own. A statement that fails ends the session.
sub ask
{
	my ($self, $sql) = @_;
	local $SIG{PIPE} = 'IGNORE';
	# What was not ended is, on a line of its own: it may end with a comment.
	my $input = $sql . ($sql =~ /;\s*\z/ ? "\n" : "\n;\n") . "\\echo $mark\n\\warn $mark\n";
	my %said = (out => '', err => '');
	my %open = (out => 1, err => 1);
	my $ended = sub { my ($name) = @_; return $said{$name} =~ /(?:^|\n)\Q$mark\E\n\z/; };
	while (grep { $open{$_} && !$ended->($_) } qw(out err))
	{
		my $readers = IO::Select->new(map { $self->{$_} } grep { $open{$_} } qw(out err));
		my ($readable, $writable) = IO::Select->select($readers, length $input ? IO::Select->new($self->{in}) : undef);
		for my $name (grep { $open{$_} } qw(out err))
		{
			next unless grep { $_ == $self->{$name} } @$readable;
			my $got = sysread($self->{$name}, $said{$name}, 65536, length $said{$name});
			$open{$name} = 0 if defined $got && !$got;
		}
		next unless @{ $writable // [] };
		my $sent = syswrite($self->{in}, $input);
		$input = defined $sent ? substr($input, $sent) : $!{EPIPE} ? '' : $input;
	}
	s/(?:^|\n)\Q$mark\E\n\z// for values %said;
	chomp(%said);
	return ($open{out} && $open{err} ? 0 : $self->end, @said{qw(out err)});
}

# psql's exit status.
sub end
{
	my ($self) = @_;
	return 0 unless $self->{pid} && $self->{owner} == $$;
	close $self->{$_} for qw(in out err);
	waitpid(delete $self->{pid}, 0);
	return $? >> 8;
}

sub DESTROY { my ($self) = @_; local ($?, $!); $self->end; return; }

1;
