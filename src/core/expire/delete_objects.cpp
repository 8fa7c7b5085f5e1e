#include "core/expire/delete_objects.h"

#include <algorithm>

namespace pitr {
namespace {

bool EndsIt(const Status& status) {
  return status.code() == Code::kUnavailable || status.code() == Code::kCancelled || status.code() == Code::kInternal;
}

}  // namespace

Result<std::map<std::string, Status>> DeleteObjects(ObjectStore& store, const std::vector<std::string>& keys,
                                                    const OpContext& ctx) {
  std::map<std::string, Status> refused;
  for (size_t from = 0; from < keys.size(); from += kMaxDeleteBatch) {
    PITR_TRY(ctx.Check());
    const auto begin = keys.begin() + static_cast<ptrdiff_t>(from);
    const std::vector<std::string> batch(begin,
                                         begin + static_cast<ptrdiff_t>(std::min(kMaxDeleteBatch, keys.size() - from)));
    Status status = store.Delete(batch, ctx);
    if (status.ok()) continue;
    if (EndsIt(status)) return status;
    // The store has deleted what it would and names one of the others: ask for each.
    for (const std::string& key : batch) {
      if (refused.size() < kMaxRefusedDeletions) status = store.Delete({key}, ctx);
      if (EndsIt(status)) return status;
      if (!status.ok()) refused[key] = status;
    }
    if (refused.size() < kMaxRefusedDeletions) continue;
    for (size_t i = from + batch.size(); i < keys.size(); i++) refused[keys[i]] = status;
    break;
  }
  return refused;
}

}  // namespace pitr
