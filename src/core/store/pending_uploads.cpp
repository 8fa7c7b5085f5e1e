#include "core/store/pending_uploads.h"

namespace pitr {

bool IsLastingRefusal(Code code) {
  return code == Code::kInvalidArgument || code == Code::kPermission || code == Code::kNotFound;
}

Result<ListedUploads> ListUploadsIfAble(ObjectStore& store, const std::string& prefix, const OpContext& ctx) {
  auto listed = store.ListUploads(prefix, ctx);
  if (listed.ok()) return ListedUploads{std::move(listed).value(), {}};
  if (!IsLastingRefusal(listed.code())) return listed.status();
  return ListedUploads{{}, listed.status()};
}

Status AbortUploadIfAble(ObjectStore& store, const PendingUpload& upload, Status* refused, const OpContext& ctx) {
  Status aborted = store.AbortUpload(upload.key, upload.upload_id, ctx);
  if (aborted.ok() || !IsLastingRefusal(aborted.code())) return aborted;
  *refused = std::move(aborted);
  return Status::Ok();
}

void WarnOfUploadsLeft(const Status& refused, Log& log) {
  log.Warning("unfinished uploads cannot be cleaned up (a lifecycle rule of the bucket can do it): " +
              refused.ToString());
}

}  // namespace pitr
