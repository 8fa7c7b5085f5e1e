# The scripts for bash, zsh and fish hand the words over and show what comes back: names with spaces, quotes and colons, descriptions, files and
# directories, also behind "--option=". A program that says the same each time stands for pg_pitr; what that says is for the unit tests.
# Any server version will do.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Path qw(make_path);
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my ($share) = map { m{^(.*?)/(?:lib/postgresql/\d+/)?bin$} && "$1/share" } grep { -x "$_/pg_pitr" } split(/:/, $ENV{PATH});
my $bash = "$share/bash-completion/completions/pg_pitr";
my $fish = "$share/fish/vendor_completions.d/pg_pitr.fish";
my ($zsh) = grep { -e "$_/_pg_pitr" } map { "$share/zsh/$_" } 'vendor-completions', 'site-functions';
my $dir = abs_path(PostgreSQL::Test::Utils::tempdir());
make_path("$dir/bin", "$dir/there/below");
append_to_file("$dir/there/file", '');
append_to_file("$dir/bin/pg_pitr", <<'X');
#!/bin/sh
shift
case "$*" in
  'pl') printf 'plan\tfinds out: yes or no\n' ;;
  'plan --target-name ') printf "before deploy\nit's\na:b\n" ;;
  'plan --target-name b') printf 'before deploy\n' ;;
  'restore -D '*|'restore --pgdata'*) echo :directories ;;
  'info -c '*|'info --config'*) echo :files ;;
esac
X
chmod(0755, "$dir/bin/pg_pitr") or die $!;
$ENV{PATH} = "$dir/bin:$ENV{PATH}";
$ENV{HOME} = $dir;
$ENV{TERM} = 'dumb';
chdir($dir) or die $!;

# Each shell's candidates for the last word of a line, sorted.
sub bash
{
	my ($line) = @_;
	my @words = split(/ /, $line =~ s/=/ = /r, -1);
	my $quoted = join(' ', map { "'$_'" } @words);
	IPC::Run::run([ 'bash', '-c', qq{source "$bash"; COMP_WORDS=($quoted); COMP_CWORD=$#words; _pg_pitr; printf '%s\\n' "\${COMPREPLY[@]}"} ],
		'>', \my $out, '2>', \my $err);
	return join(' | ', sort split(/\n/, $out . $err));
}

sub fish
{
	my ($line) = @_;
	IPC::Run::run([ 'fish', '--no-config', '-c', "source $fish; complete -C '$line'" ], '>', \my $out, '2>', \my $err);
	return join(' | ', sort map { s/\t/ -- /r } split(/\n/, $out . $err));
}

# What is there after the tabulator key, and what was listed. zsh completes on terminals only.
sub zsh
{
	my ($line) = @_;
	my ($in, $out) = ('', '');
	my $harness = IPC::Run::start([ 'zsh', '-f', '-i' ], '<pty<', \$in, '>pty>', \$out, IPC::Run::timeout(60));
	my $until = sub { my ($pattern) = @_; $harness->pump until $out =~ $pattern; return $1; };
	$in .= qq{fpath=($zsh \$fpath); autoload -Uz compinit; compinit -D -u; LISTMAX=0; PS1=\n};
	# What the line is when Control-X is pressed.
	$in .= qq{show() { zle -I; print -r -- "<\$BUFFER"">"; BUFFER=; }; zle -N show; bindkey '^X' show; unsetopt zle beep 2>/dev/null; setopt zle; print re""ady\n};
	$until->(qr/^ready\r?$/m);
	$out = '';
	$in .= "$line\t\cX";
	my $buffer = $until->(qr/<([^<>]*)>\r?\n/);
	my ($listed) = $out =~ /\n(.*)\n[^\n]*<[^<>]*>/s;
	$in .= "exit\n";
	$harness->finish;
	return join(' | ', $buffer, grep { length } map { s/\s+/ /gr =~ s/^ | $//gr } split(/\r?\n/, $listed // ''));
}

is(bash('pg_pitr pl'), 'plan', 'bash: a verb');
is(bash('pg_pitr plan --target-name '), q{a:b | before\ deploy | it\'s}, 'names, quoted');
is(bash('pg_pitr restore -D there/'), 'there/below', 'directories');
is(bash('pg_pitr info --config=there/'), 'there/below | there/file', 'files behind an equals sign');

is(fish('pg_pitr pl'), 'plan -- finds out: yes or no', 'fish: a verb and its description');
is(fish('pg_pitr plan --target-name '), q{a:b | before deploy | it's}, 'names; fish quotes them itself');
like(fish('pg_pitr restore -D there/'), qr{^there/below/[^|]*$}, 'directories');
is(fish('pg_pitr info -c there/'), 'there/below/ | there/file', 'files');
is(fish('pg_pitr info --config=there/'), '--config=there/below/ | --config=there/file', 'files behind an equals sign');
like(fish('pg_pitr restore --pgdata=there/'), qr{^--pgdata=there/below/[^|]*$}, 'directories behind an equals sign');

is(zsh('pg_pitr pl'), 'pg_pitr plan ', 'zsh: a verb');
is(zsh('pg_pitr plan --target-name b'), 'pg_pitr plan --target-name before\ deploy ', 'a name, quoted');
like(zsh('pg_pitr plan --target-name '), qr/\Q| a:b before deploy it's\E( \||$)/, 'names, without a description that repeats them');
is(zsh('pg_pitr restore -D there/'), 'pg_pitr restore -D there/below/', 'directories');
like(zsh('pg_pitr info --config=there/'), qr{\Qpg_pitr info --config=there/\E.*\Qbelow/ file\E}, 'files behind an equals sign');

done_testing();
