// Unfinished uploads that nobody goes on with. They take room and nothing else, so a store that cannot list them, or
// does not let us, keeps nobody from what he does besides.
#pragma once
#include <string>
#include <vector>

#include "core/base/log.h"
#include "core/base/op_context.h"
#include "core/base/status.h"
#include "core/store/object_store.h"

namespace pitr {

struct ListedUploads {
  std::vector<PendingUpload> uploads;
  Status refused;  // why there are none; ok when they were listed
};

// What a store will say again when it is asked again: that it has no such request, or does not allow it.
bool IsLastingRefusal(Code code);

// Errors are those that may pass: kUnavailable, kCancelled and so on.
Result<ListedUploads> ListUploadsIfAble(ObjectStore& store, const std::string& prefix, const OpContext& ctx);

// Ok as well when the store refuses to: the caller's `refused` then tells why.
Status AbortUploadIfAble(ObjectStore& store, const PendingUpload& upload, Status* refused, const OpContext& ctx);

void WarnOfUploadsLeft(const Status& refused, Log& log);

}  // namespace pitr
