#include "lib/faulty_store.h"

#include <algorithm>
#include <climits>

namespace pitr::test {

void FaultyStore::Inject(Fault fault) {
  std::lock_guard lock(mutex_);
  faults_.push_back(std::move(fault));
}

void FaultyStore::SetDead(bool dead) {
  std::lock_guard lock(mutex_);
  dead_ = dead;
}

void FaultyStore::FailEvery(int n) {
  std::lock_guard lock(mutex_);
  fail_every_ = n;
}

int FaultyStore::calls(StoreOp op) const {
  std::lock_guard lock(mutex_);
  auto at = calls_.find(op);
  return at == calls_.end() ? 0 : at->second;
}

Fault FaultyStore::Enter(StoreOp op, const std::string& key) {
  if (hook_) hook_(op, key);
  std::lock_guard lock(mutex_);
  calls_[op]++;
  if (dead_) return {.op = op, .status = {Code::kUnavailable, "injected fault: the store is dead"}};
  if (++calls_total_, fail_every_ > 0 && calls_total_ % fail_every_ == 0) {
    const bool odd = calls_total_ / fail_every_ % 2 != 0;
    return {.op = op, .after = odd, .after_bytes = odd ? uint64_t{3} << 20 : 0};
  }
  for (Fault& fault : faults_) {
    if (fault.op != op || fault.times == 0 || key.find(fault.key_contains) == std::string::npos) continue;
    if (fault.skip > 0) {
      fault.skip--;
      break;
    }
    if (fault.times != INT_MAX) fault.times--;
    return fault;
  }
  return {.op = op, .status = Status::Ok()};
}

Status FaultyStore::Get(const std::string& key, ByteRange range, const ByteSink& sink, const OpContext& ctx) {
  const Fault fault = Enter(StoreOp::kGet, key);
  if (fault.status.ok()) return inner_.Get(key, range, sink, ctx);
  uint64_t left = fault.after_bytes;
  Status sunk;
  if (left > 0) {
    Status inner = inner_.Get(
        key, range,
        [&](ByteView piece) -> Status {
          const size_t n = std::min<uint64_t>(left, piece.size());
          if (n > 0) sunk = sink(piece.first(n));
          left -= n;
          return !sunk.ok() || left == 0 ? Status(Code::kCancelled, "enough") : Status::Ok();
        },
        ctx);
    if (!sunk.ok()) return sunk;
    if (!inner.ok() && left > 0) return inner;
  }
  return fault.status;
}

Status FaultyStore::Create(const std::string& key, ByteView body, const OpContext& ctx) {
  return Run(StoreOp::kCreate, key, [&] { return inner_.Create(key, body, ctx); });
}

Result<ObjectInfo> FaultyStore::Stat(const std::string& key, const OpContext& ctx) {
  return Run(StoreOp::kStat, key, [&] { return inner_.Stat(key, ctx); });
}

Result<ListPage> FaultyStore::List(const std::string& prefix, const std::string& start_after, const OpContext& ctx) {
  return Run(StoreOp::kList, prefix, [&] { return inner_.List(prefix, start_after, ctx); });
}

Status FaultyStore::Delete(const std::vector<std::string>& keys, const OpContext& ctx) {
  if (batches_ != Batches::kWhole && keys.size() > 1) {
    for (size_t i = 0; i < keys.size(); i++)
      PITR_TRY(Delete({keys[batches_ == Batches::kInOrder ? i : keys.size() - 1 - i]}, ctx));
    return Status::Ok();
  }
  return Run(StoreOp::kDelete, keys.empty() ? "" : keys[0], [&] { return inner_.Delete(keys, ctx); });
}

Result<std::string> FaultyStore::BeginUpload(const std::string& key, const OpContext& ctx) {
  return Run(StoreOp::kBeginUpload, key, [&] { return inner_.BeginUpload(key, ctx); });
}

Result<UploadPart> FaultyStore::PutPart(const std::string& key, const std::string& upload_id, int number,
                                        uint64_t offset, ByteView body, const OpContext& ctx) {
  return Run(StoreOp::kPutPart, key, [&] { return inner_.PutPart(key, upload_id, number, offset, body, ctx); });
}

Status FaultyStore::CompleteUpload(const std::string& key, const std::string& upload_id,
                                   const std::vector<UploadPart>& parts, const OpContext& ctx) {
  return Run(StoreOp::kCompleteUpload, key, [&] { return inner_.CompleteUpload(key, upload_id, parts, ctx); });
}

Status FaultyStore::AbortUpload(const std::string& key, const std::string& upload_id, const OpContext& ctx) {
  return Run(StoreOp::kAbortUpload, key, [&] { return inner_.AbortUpload(key, upload_id, ctx); });
}

Result<std::vector<PendingUpload>> FaultyStore::ListUploads(const std::string& prefix, const OpContext& ctx) {
  return Run(StoreOp::kListUploads, prefix, [&] { return inner_.ListUploads(prefix, ctx); });
}

Status FaultyStore::Settle(const std::vector<std::string>& keys, const OpContext& ctx) {
  return Run(StoreOp::kSettle, keys.empty() ? "" : keys.front(), [&] { return inner_.Settle(keys, ctx); });
}

Result<std::optional<ObjectLock>> FaultyStore::GetLock(const std::string& key, const OpContext& ctx) {
  return Run(StoreOp::kGetLock, key, [&] { return inner_.GetLock(key, ctx); });
}

Status FaultyStore::ExtendLock(const std::string& key, const ObjectLock& lock, const OpContext& ctx) {
  return Run(StoreOp::kExtendLock, key, [&] { return inner_.ExtendLock(key, lock, ctx); });
}

}  // namespace pitr::test
