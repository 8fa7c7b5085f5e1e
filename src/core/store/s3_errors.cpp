// See s3_errors.h.
#include "core/store/s3_errors.h"

#include <algorithm>
#include <array>

#include "core/base/letter_case.h"
#include "core/store/full_store.h"

namespace pitr {
namespace {

constexpr size_t kMaxServerText = 300;

template <size_t N>
bool OneOf(const std::array<std::string_view, N>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

constexpr std::array<std::string_view, 21> kTransient = {"SlowDown",
                                                         "SlowDownRead",
                                                         "SlowDownWrite",
                                                         "RequestTimeout",
                                                         "InternalError",
                                                         "OperationAborted",
                                                         "ServiceUnavailable",
                                                         "ConditionalRequestConflict",
                                                         "Throttling",
                                                         "ThrottlingException",
                                                         "RequestThrottled",
                                                         "TooManyRequests",
                                                         "RequestLimitExceeded",
                                                         "BadDigest",
                                                         "XAmzContentSHA256Mismatch",
                                                         "IncompleteBody",
                                                         "TemporaryRedirect",
                                                         "ServerBusy",
                                                         "Busy",
                                                         "RestoreAlreadyInProgress",
                                                         "XMinioServerNotInitialized"};

constexpr std::array<std::string_view, 10> kRefused = {
    "AccessDenied",         "AllAccessDisabled", "AccountProblem", "InvalidAccessKeyId", "SignatureDoesNotMatch",
    "RequestTimeTooSkewed", "InvalidToken",      "NotSignedUp",    "InvalidSecurity",    "InvalidPayer"};

// Of several servers; Ceph's is HTTP 403, as if something were forbidden.
constexpr std::array<std::string_view, 5> kFull = {"QuotaExceeded", "StorageQuotaExceeded", "InsufficientStorage",
                                                   "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded"};

constexpr std::array<std::string_view, 4> kWrongRegion = {"AuthorizationHeaderMalformed", "PermanentRedirect",
                                                          "IllegalLocationConstraintException", "Redirect"};

constexpr std::array<std::string_view, 4> kNotImplemented = {"NotImplemented", "MethodNotAllowed", "NotSupported",
                                                             "UnsupportedOperation"};

// Of Alibaba OSS, Tencent COS and Volcengine TOS.
constexpr std::array<std::string_view, 3> kPathStyleRefused = {"SecondLevelDomainForbidden", "PathStyleDomainForbidden",
                                                               "InvalidPathAccess"};

bool Mentions(const S3Error& error, std::string_view in_lower_case) {
  return LowerCase(std::string_view(error.message)).find(in_lower_case) != std::string::npos;
}

bool SaysFull(int http_status, const std::string& code) { return http_status == 507 || OneOf(kFull, code); }

Code CodeOf(int http_status, const std::string& code) {
  if (SaysFull(http_status, code)) return Code::kUnavailable;
  if (code == "NoSuchKey" || code == "NoSuchUpload") return Code::kNotFound;
  if (code == "PreconditionFailed") return Code::kAlreadyExists;
  if (OneOf(kTransient, code)) return Code::kUnavailable;
  if (OneOf(kNotImplemented, code) || OneOf(kPathStyleRefused, code)) return Code::kInvalidArgument;
  if (OneOf(kRefused, code) || IsExpiredCredentials({code})) return Code::kPermission;
  if (!code.empty() && http_status < 300) return Code::kUnavailable;  // "200 with an error body" of an unknown kind
  if (http_status == 401 || http_status == 403) return Code::kPermission;
  if (http_status == 412) return Code::kAlreadyExists;
  if (http_status == 408 || http_status == 425 || http_status == 429 || http_status == 307) return Code::kUnavailable;
  if (http_status == 501 || http_status == 505) return Code::kInvalidArgument;
  if (http_status >= 500) return Code::kUnavailable;
  // A 404 that no S3 server wrote proves nothing: it may be a proxy's.
  if (http_status == 404 && code.empty()) return Code::kUnavailable;
  return Code::kInvalidArgument;
}

bool RefusesCredentials(const S3Failure& failure) {
  const std::string& code = failure.error.code;
  if (code.empty()) return failure.http_status == 401 || failure.http_status == 403;
  return code == "AccessDenied" || code == "InvalidAccessKeyId" || code == "SignatureDoesNotMatch";
}

std::string WorkedUntil(const S3Failure& failure) {
  if (failure.worked_until.empty()) return {};
  return " It worked until " + failure.worked_until + ": was the file changed, or the key at the store?";
}

bool AsksForPartNumber(const S3Failure& failure) {
  return failure.part_number > 0 && failure.http_status == 400 &&
         (failure.error.code == "InvalidPartNumber" || failure.error.code == "TooManyParts" ||
          (failure.error.code == "InvalidArgument" &&
           (Mentions(failure.error, "part number") || Mentions(failure.error, "partnumber"))));
}

std::string HintFor(const S3Failure& failure) {
  const std::string& code = failure.error.code;
  if (code == "NoSuchBucket")
    return "Create bucket \"" + failure.bucket + "\", or correct the repository URL, s3_endpoint or s3_region.";
  if (code == "RequestTimeTooSkewed")
    return "The clock of this machine differs too much from the store's: synchronise it.";
  if (code == "SignatureDoesNotMatch")
    return "The secret key in it does not belong to that access key, or s3_region is wrong, or this machine's clock "
           "is." +
           WorkedUntil(failure);
  if (code == "InvalidAccessKeyId")
    return "The store does not know that access key: check it, and s3_endpoint." + WorkedUntil(failure);
  if (OneOf(kWrongRegion, code) || failure.http_status == 301)
    return failure.error.region.empty() ? "The bucket is in another region: set s3_region."
                                        : "Set s3_region to " + failure.error.region + ".";
  if (failure.http_status == 307)
    return "The name of a bucket that was just made takes minutes, up to hours, until it leads to the right region; "
           "until then, set s3_endpoint to that of the region.";
  if (OneOf(kPathStyleRefused, code))
    return "The store wants the bucket in the host name: set s3_addressing = 'virtual'.";
  if (IsExpiredCredentials(failure.error)) return "The session token has expired: provide new credentials.";
  if (AsksForPartNumber(failure))
    return "The store takes fewer parts of an upload than S3: raise part_size or lower pack_size, so that pack_size is "
           "less than as many times part_size as it takes parts (1000 at some).";
  if (code == "InvalidRequest" && failure.object_lock)
    return "If bucket \"" + failure.bucket +
           "\" was made without Object Lock, clear s3_object_lock_mode and s3_object_lock_days, or use one that has "
           "it.";
  if ((code == "InvalidArgument" || code == "InvalidStorageClass") && !failure.settings.empty())
    return "The store does not know something that was asked for: check " + failure.settings + ".";
  if (code == "NotImplemented" || failure.http_status == 501)
    return failure.settings.empty() ? "The store lacks something pg_pitr asked for; pg_pitr check tells what."
                                    : "The store lacks something that was asked for: check " + failure.settings + ".";
  if (failure.http_status == 403 || code == "AccessDenied")
    return "Either the secret key in it is wrong, which some stores say like this, or that key lacks " +
           failure.permission + " on bucket \"" + failure.bucket +
           "\" (and s3:ListBucket: without it a missing object looks like a refusal)." + WorkedUntil(failure);
  if (failure.http_status == 400 && code.empty())
    return "The answer did not come from an S3 server that understood the request: if this port speaks TLS, write "
           "s3_endpoint with https://.";
  if (failure.http_status == 404 && code.empty())
    return "The answer did not come from an S3 server: check s3_endpoint and the proxy.";
  return {};
}

// What a server says goes into logs: one line, printable, bounded.
std::string Sanitized(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (out.size() >= kMaxServerText) break;
    auto byte = static_cast<unsigned char>(c);
    out.push_back(byte < 0x20 || byte == 0x7f ? ' ' : c);
  }
  return out;
}

}  // namespace

bool IsExpiredCredentials(const S3Error& error) {
  return error.code == "ExpiredToken" || error.code == "ExpiredTokenException" ||
         error.code == "TokenRefreshRequired" || error.code == "RequestExpired";
}

bool AsksForMd5(const S3Error& error) {
  return SameButForCase(error.code, "MissingContentMD5") || Mentions(error, "content-md5") ||
         Mentions(error, "x-amz-checksum");
}

bool LacksRequest(int http_status, const S3Error& error) {
  return http_status == 501 || http_status == 405 || (http_status < 500 && OneOf(kNotImplemented, error.code));
}

bool LacksCondition(int http_status, const S3Error& error) {
  if (http_status == 501 || error.code == "NotImplemented") return true;
  return http_status == 400 && Mentions(error, "if-none-match");
}

bool IsWebPage(bool head, std::string_view content_type, std::string_view body) {
  if (head) return StartsWithButForCase(content_type, "text/html");
  for (std::string_view space = "\xEF\xBB\xBF \t\r\n"; !body.empty() && space.find(body[0]) != space.npos;)
    body.remove_prefix(1);
  return StartsWithButForCase(body, "<html") || StartsWithButForCase(body, "<!doctype html");
}

Status NotTheStore(const std::string& operation, int http_status) {
  return Status(Code::kUnavailable,
                "could not " + operation + ": HTTP " + std::to_string(http_status) + " with a web page")
      .WithHint("The answer did not come from an S3 server: check s3_endpoint and the proxy.");
}

Status ToStatus(const S3Failure& failure) {
  std::string message = "could not " + failure.operation + ": ";
  if (RefusesCredentials(failure) && !failure.credentials.empty())
    message += "the store refused " + failure.credentials + ": ";
  message += "HTTP " + std::to_string(failure.http_status);
  if (!failure.error.code.empty()) message += " " + Sanitized(failure.error.code);
  if (!failure.error.request_id.empty()) message += ", request id " + Sanitized(failure.error.request_id);
  Status status(CodeOf(failure.http_status, failure.error.code), std::move(message));
  if (!failure.error.message.empty())
    status = std::move(status).WithDetail("The store said: " + Sanitized(failure.error.message));
  if (SaysFull(failure.http_status, failure.error.code))
    return FullStore(std::move(status), "Make room at the store, or raise the quota of bucket \"" + failure.bucket +
                                            "\" or of its owner; \"pg_pitr expire\" removes what the retention "
                                            "settings do not keep.");
  return std::move(status).WithHint(HintFor(failure));
}

}  // namespace pitr
