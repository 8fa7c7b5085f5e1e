// Credentials kept in files: one of our own (s3_credentials_file) and the shared file of the AWS tools.
// Format: `name = value` lines, `#` and `;` comments, optional [profile] sections; names access_key_id,
// secret_access_key and session_token, with or without the prefix aws_. Parsing is pure and for untrusted text.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "core/store/credential_source.h"

namespace pitr {

inline constexpr size_t kMaxCredentialsFileBytes = size_t{1} << 20;

// Keys of section [profile]; lines before any section belong to every profile that has none of its own.
// kNotFound: no such section and no keys outside sections; kInvalidArgument: a line or the keys are unusable.
// Messages tell line numbers, never what stands there.
Result<AwsCredentials> ParseCredentialsFile(std::string_view text, std::string_view profile);

// The file must exist. Refused (kPermission) when others may read it, or the group may write it.
std::unique_ptr<CredentialSource> MakeCredentialsFileSource(const std::string& path, const std::string& profile);

// AWS_SHARED_CREDENTIALS_FILE or ~/.aws/credentials. `required`: its absence is an error, not "not set".
std::unique_ptr<CredentialSource> MakeSharedProfileSource(const CredentialsConfig& config, bool required);

}  // namespace pitr
