# Requests to the test's S3 server over plain HTTP, signed by other code than ours (AWS signature version 2, which Ceph takes): what a
# test uses to prepare buckets, and to look at what pg_pitr left there.
package RawS3;

use strict;
use warnings;
use Digest::SHA qw(hmac_sha1_base64);
use HTTP::Tiny;
use IPC::Run ();

# Parameters that are part of what is signed.
my $signed = qr/^(?:lifecycle|policy|tagging|uploads|versionId|versions|versioning)$/;

# request('DELETE', '/bucket/key?versionId=x', headers => {...}, body => '...'): a HTTP::Tiny response.
sub request
{
	my ($method, $path, %options) = @_;
	my %headers = %{ $options{headers} // {} };
	my ($resource, $query) = split /\?/, $path, 2;
	my @parameters = sort grep { /^([^=]+)/ && $1 =~ $signed } split /&/, $query // '';
	$resource .= '?' . join('&', @parameters) if @parameters;
	my $md5 = $headers{'Content-MD5'} // '';
	my $type = defined $options{body} ? 'application/octet-stream' : '';
	my @now = gmtime;
	my $date = sprintf('%s, %02d %s %d %02d:%02d:%02d GMT', qw(Sun Mon Tue Wed Thu Fri Sat) [ $now[6] ], $now[3],
		qw(Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec) [ $now[4] ], $now[5] + 1900, @now[ 2, 1, 0 ]);
	my $amz = join '', map { "$_:$headers{$_}\n" } sort grep { /^x-amz-/ } keys %headers;
	my $signature = hmac_sha1_base64("$method\n$md5\n$type\n$date\n$amz$resource", $ENV{PITR_TEST_S3_SECRET_KEY});
	$signature .= '=' while length($signature) % 4;
	$headers{Date} = $date;
	$headers{Authorization} = "AWS $ENV{PITR_TEST_S3_ACCESS_KEY}:$signature";
	$headers{'Content-Type'} = $type if $type;
	return HTTP::Tiny->new(proxy => undef, http_proxy => undef)->request($method, $ENV{PITR_TEST_S3_HTTP} . $path,
		{ headers => \%headers, defined $options{body} ? (content => $options{body}) : () });
}

# The same, and it must succeed.
sub must
{
	my ($method, $path, @options) = @_;
	my $response = request($method, $path, @options);
	die "$method $path: $response->{status} " . ($response->{content} // '') . "\n" unless $response->{success};
	return $response;
}

# Keys below a prefix, in order.
sub keys_of
{
	my ($bucket, $prefix) = @_;
	my $listed = must('GET', "/$bucket?max-keys=1000&prefix=$prefix")->{content};
	return $listed =~ m{<Key>([^<]+)</Key>}g;
}

# Temporary credentials: (access key, secret key, session token) for a role that may do everything in S3.
sub session
{
	my ($name) = @_;
	my %call = (
		iam => [
			'Action=CreateRole', "RoleName=$name", 'Path=/',
			'AssumeRolePolicyDocument={"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam:::user/pitr"]},"Action":["sts:AssumeRole"]}]}' ],
		policy => [
			'Action=PutRolePolicy', "RoleName=$name", 'PolicyName=all',
			'PolicyDocument={"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*"],"Resource":"arn:aws:s3:::*"}]}' ],
		sts => [ 'Action=AssumeRole', "RoleArn=arn:aws:iam:::role/$name", 'RoleSessionName=pitr', 'DurationSeconds=3600' ]);
	my ($answer, $err);
	for my $what (qw(iam policy sts))
	{
		my $service = $what eq 'sts' ? 'sts' : 'iam';
		my @form = map { ('--data-urlencode', $_) } @{ $call{$what} }, 'Version=2010-05-08';
		IPC::Run::run([ 'curl', '-sS', '--fail-with-body', '--noproxy', '*', '--aws-sigv4', "aws:amz:us-east-1:$service",
			'--user', "$ENV{PITR_TEST_S3_ACCESS_KEY}:$ENV{PITR_TEST_S3_SECRET_KEY}", @form, "$ENV{PITR_TEST_S3_HTTP}/" ],
			'>', \$answer, '2>', \$err) or die "$what: $err$answer\n";
	}
	return map { $answer =~ m{<$_>([^<]+)</$_>} or die "no $_ in the answer\n"; $1 } qw(AccessKeyId SecretAccessKey SessionToken);
}

1;
