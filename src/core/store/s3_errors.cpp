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

bool SaysFull(int http_status, const std::string& code) { return http_status == 507 || OneOf(kFull, code); }

Code CodeOf(int http_status, const std::string& code) {
  if (SaysFull(http_status, code)) return Code::kUnavailable;
  if (code == "NoSuchKey" || code == "NoSuchUpload") return Code::kNotFound;
  if (code == "PreconditionFailed") return Code::kAlreadyExists;
  if (OneOf(kTransient, code)) return Code::kUnavailable;
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
  if (IsExpiredCredentials(failure.error)) return "The session token has expired: provide new credentials.";
  if (code == "InvalidRequest" && failure.object_lock)
    return "If bucket \"" + failure.bucket +
           "\" was made without Object Lock, clear s3_object_lock_mode and s3_object_lock_days, or use one that has "
           "it.";
  if (code == "InvalidArgument" || code == "InvalidStorageClass")
    return "The store does not know something that was asked for: check s3_storage_class, s3_sse and s3_object_tags, "
           "and "
           "the session token if the credentials have one.";
  if (code == "NotImplemented" || failure.http_status == 501)
    return "The store lacks something pg_pitr asked for; pg_pitr check tells what.";
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
