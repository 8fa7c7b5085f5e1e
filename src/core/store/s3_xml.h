// The XML documents S3 answers with. Input is untrusted: bounded in size and depth, no entities or DTDs are resolved,
// and a document that is not what it should be is kUnavailable (a proxy's page, an answer cut short). Pure.
// Source: Amazon S3 API reference. Namespaces are ignored, as stores differ in them.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/store/object_store.h"
#include "core/store/sigv4.h"

namespace pitr {

inline constexpr size_t kMaxXmlBytes = size_t{16} << 20;
inline constexpr size_t kMaxXmlDepth = 16;

struct S3Error {
  std::string code;  // "" when the answer was no S3 error document
  std::string message;
  std::string key;     // in a DeleteResult
  std::string region;  // in AuthorizationHeaderMalformed and redirects
  std::string request_id;
};

// nullopt when `xml` is no <Error> document (or <ErrorResponse>, as STS says it).
std::optional<S3Error> ParseS3Error(std::string_view xml);

struct S3Listing {
  std::vector<ObjectInfo> objects;  // keys as the bucket has them, decoded
  bool truncated = false;
  std::string next_token;  // with which to ask for what follows; "" where the store gives none
};
Result<S3Listing> ParseListing(std::string_view xml);

// The upload id; never empty.
Result<std::string> ParseInitiatedUpload(std::string_view xml);

// Ok for a CompleteMultipartUploadResult. An <Error> document must be looked for first.
Status ParseCompletedUpload(std::string_view xml);

struct S3Uploads {
  std::vector<PendingUpload> uploads;  // keys as the bucket has them, decoded
  bool truncated = false;
  std::string next_key_marker;
  std::string next_upload_id_marker;
};
// kInvalidArgument for another document: not every store has this request.
Result<S3Uploads> ParseUploads(std::string_view xml);

// The keys that could not be deleted and why; empty when all went well.
Result<std::vector<S3Error>> ParseDeleteResult(std::string_view xml);

// Of GetObjectRetention.
Result<ObjectLock> ParseRetention(std::string_view xml);

// A rule of GetBucketLifecycleConfiguration that makes objects expire or sends them where they cannot be read at once.
struct S3LifecycleRule {
  std::string id;
  std::string prefix;   // of the objects it is about; "" all
  bool tagged = false;  // only of those with certain tags
  bool expires = false;
  bool archives = false;  // to GLACIER, DEEP_ARCHIVE
};
// The enabled ones.
Result<std::vector<S3LifecycleRule>> ParseLifecycle(std::string_view xml);

// Of STS AssumeRoleWithWebIdentity.
Result<AwsCredentials> ParseAssumedRole(std::string_view xml);

// Request documents.
std::string DeleteRequestXml(const std::vector<std::string>& full_keys);
std::string RetentionRequestXml(const ObjectLock& lock);
std::string CompleteRequestXml(const std::vector<UploadPart>& parts);

}  // namespace pitr
