// AWS Signature Version 4: from a request to its Authorization header. Pure; needs no network and no clock.
// Follows "Signing AWS API requests" of the AWS IAM user guide and its S3 variant (a path is encoded once and not
// normalised). Checked byte for byte against the published examples in test/unit/store/sigv4_test.cpp.
#pragma once
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/sha256.h"

namespace pitr {

// Never print secret_access_key or session_token.
struct AwsCredentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;           // "" for long-lived keys
  int64_t expires_micros = INT64_MAX;  // wall clock
  std::string source;                  // where they came from, for messages: "file \"/etc/pg_pitr.key\""
};

using QueryParams = std::vector<std::pair<std::string, std::string>>;

struct SigV4Request {
  std::string method;
  std::string path = "/";  // not encoded
  QueryParams query;       // not encoded, any order
  // Every header to be signed, in any order and case; `host` and `x-amz-date` are the least.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string payload_sha256;  // lower-case hex
};

struct SigV4Scope {
  std::string region;
  std::string service;      // "s3", "sts"
  int64_t wall_micros = 0;  // must agree with the x-amz-date header, see AmzDate()
};

// Remembers the derived key of the day, region and secret it was last asked for. Safe from several threads.
class SigningKeyCache {
 public:
  Sha256Digest Key(const AwsCredentials& credentials, const SigV4Scope& scope);

 private:
  std::mutex mutex_;
  Sha256Digest for_{};  // protected by mutex_: hash of what key_ was derived from
  Sha256Digest key_{};  // protected by mutex_
};

// Value of the Authorization header.
std::string SignV4(const SigV4Request& request, const AwsCredentials& credentials, const SigV4Scope& scope,
                   SigningKeyCache* cache);

// "20130524T000000Z".
std::string AmzDate(int64_t wall_micros);

// Percent-encodes all but A-Z a-z 0-9 - . _ ~ (and '/' when `keep_slash`). What is signed is what must be sent.
std::string UriEncode(std::string_view text, bool keep_slash);
// The reverse, also of '+' for a blank, as S3 writes keys and forms. nullopt for a broken escape.
std::optional<std::string> UrlDecode(std::string_view text);
// "a=1&b=" sorted as the signature requires; the same string is good for the URL.
std::string CanonicalQuery(const QueryParams& query);

}  // namespace pitr
