#include "core/store/retry.h"

#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "core/store/full_store.h"
#include "core/store/retry_watch.h"

namespace pitr {
namespace {

Status StatusOf(const Status& status) { return status; }
template <class T>
Status StatusOf(const Result<T>& result) {
  return result.status();
}

struct FreeHash {
  void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};

std::string Seconds(int64_t millis) {
  return std::to_string(millis / 1000) + "." + std::to_string(millis / 100 % 10) + " s";
}

// Hashes a stream in pieces of given lengths and says whether all are as expected.
class PartChecker {
 public:
  explicit PartChecker(std::vector<std::pair<uint64_t, XXH128_hash_t>> expected)
      : expected_(std::move(expected)), state_(XXH3_createState()) {
    if (state_ != nullptr) XXH3_128bits_reset(state_.get());
  }
  bool ready() const { return state_ != nullptr; }

  bool Add(ByteView piece) {
    while (!piece.empty()) {
      if (next_ == expected_.size()) return false;
      const size_t n = std::min<uint64_t>(piece.size(), expected_[next_].first - in_part_);
      XXH3_128bits_update(state_.get(), piece.data(), n);
      in_part_ += n;
      piece = piece.subspan(n);
      if (in_part_ == expected_[next_].first && !ClosePart()) return false;
    }
    return true;
  }
  bool Complete() {
    while (next_ < expected_.size() && expected_[next_].first == in_part_)
      if (!ClosePart()) return false;
    return next_ == expected_.size() && in_part_ == 0;
  }

 private:
  bool ClosePart() {
    const bool same = XXH128_isEqual(XXH3_128bits_digest(state_.get()), expected_[next_].second) != 0;
    XXH3_128bits_reset(state_.get());
    in_part_ = 0;
    next_++;
    return same;
  }

  const std::vector<std::pair<uint64_t, XXH128_hash_t>> expected_;
  std::unique_ptr<XXH3_state_t, FreeHash> state_;
  size_t next_ = 0;
  uint64_t in_part_ = 0;
};

}  // namespace

// The state of one operation: how often it was tried and for how long.
class RetryingStore::Loop {
 public:
  Loop(const RetryingStore& store, const char* doing, const std::string& key, const OpContext& ctx)
      : store_(store), doing_(doing), key_(key), ctx_(ctx), begun_millis_(ctx.clock->SteadyMillis()) {}

  // After a failed attempt: waits and returns ok when another one is due, else returns the final status.
  Status Next(Status failed) {
    attempts_++;
    if (failed.code() != Code::kUnavailable) return failed;
    if (ctx_.cancelled()) return Cancelled(std::move(failed));
    const RetryPolicy& policy = store_.policy_;
    const int64_t now = ctx_.clock->SteadyMillis();
    if (first_failure_millis_ < 0) first_failure_millis_ = now;
    const int64_t elapsed = now - first_failure_millis_;
    const int64_t delay = Delay();
    const int64_t patience = IsFull(failed) ? std::min(kFullMillis, policy.max_total_millis) : policy.max_total_millis;
    const int64_t room = std::min(ctx_.RemainingMillis(), patience - elapsed);
    if (attempts_ >= policy.max_attempts || delay >= room) {
      if (attempts_ == 1) return failed;
      return std::move(failed).Annotate("gave up after " + std::to_string(attempts_) + " attempts in " +
                                        Seconds(now - begun_millis_));
    }
    watched_.Failed(failed, room, *ctx_.clock);
    // Without the hint, which the error at the end has.
    std::string what = "attempt " + std::to_string(attempts_) + " of " + doing_ + " \"" + key_ + "\" failed, next in " +
                       Seconds(delay) + ": " + failed.WithoutHint();
    if (elapsed >= policy.warn_after_millis && !warned_) {
      warned_ = true;
      store_.log_.Warning("no success for " + Seconds(elapsed) + ", still trying" + Until(room) + ": " + what);
    } else {
      store_.log_.Debug(what);
    }
    ctx_.Sleep(delay);
    if (ctx_.cancelled()) return Cancelled(std::move(failed));
    return Status::Ok();
  }

  // Something was achieved since the last failure: the bounds begin anew.
  void Progress() {
    attempts_ = 0;
    first_failure_millis_ = -1;
    watched_.Over();
  }

 private:
  static std::string Until(int64_t room) { return room == INT64_MAX ? "" : ", for " + Seconds(room) + " more"; }
  int64_t Delay() const {
    const RetryPolicy& policy = store_.policy_;
    const int doublings = std::min(attempts_ - 1, 30);
    const int64_t ceiling = std::min(policy.max_delay_millis, policy.base_delay_millis << doublings);
    return std::max<int64_t>(1, static_cast<int64_t>(store_.random_() * static_cast<double>(ceiling)));
  }
  static Status Cancelled(Status failed) {
    return Status(Code::kCancelled, "operation cancelled while it was being retried").WithDetail(failed.message());
  }

  const RetryingStore& store_;
  const char* doing_;
  const std::string& key_;
  const OpContext& ctx_;
  int attempts_ = 0;
  const int64_t begun_millis_;
  int64_t first_failure_millis_ = -1;
  bool warned_ = false;
  WatchedRetry watched_;
};

RetryingStore::RetryingStore(std::unique_ptr<ObjectStore> inner, const RetryPolicy& policy, Log& log, Random random)
    : inner_(std::move(inner)), policy_(policy), log_(log), random_(std::move(random)) {}
RetryingStore::~RetryingStore() = default;

RetryingStore::Random RetryingStore::SystemRandom() {
  return [] {
    thread_local std::minstd_rand engine(std::random_device{}());
    return std::uniform_real_distribution<double>(0.0, 1.0)(engine);
  };
}

template <class F>
auto RetryingStore::Repeat(const char* doing, const std::string& key, const OpContext& ctx, F&& call)
    -> decltype(call()) {
  Loop loop(*this, doing, key, ctx);
  for (;;) {
    auto result = call();
    if (result.ok()) return result;
    Status final = loop.Next(StatusOf(result));
    if (!final.ok()) return final;
  }
}

Status RetryingStore::Create(const std::string& key, ByteView body, const OpContext& ctx) {
  Loop loop(*this, "storing", key, ctx);
  for (bool ambiguous = false;;) {
    Status status = inner_->Create(key, body, ctx);
    if (status.ok()) return status;
    if (status.code() == Code::kAlreadyExists && ambiguous) return CompareBody(key, body, ctx);
    ambiguous |= status.code() == Code::kUnavailable;
    PITR_TRY(loop.Next(std::move(status)));
  }
}

Status RetryingStore::CompareBody(const std::string& key, ByteView body, const OpContext& ctx) {
  const Status differs(Code::kAlreadyExists, "storing \"" + key + "\": another object exists");
  auto info = Stat(key, ctx);
  if (info.ok() && info.value().size != body.size()) return differs;
  uint64_t at = 0;
  Status status = info.status();
  if (status.ok())
    status = Get(
        key, {},
        [&](ByteView piece) -> Status {
          if (piece.size() > body.size() - at || std::memcmp(piece.data(), body.data() + at, piece.size()) != 0)
            return differs;
          at += piece.size();
          return Status::Ok();
        },
        ctx);
  if (status.ok() && at != body.size()) return differs;
  // The attempt that stored it failed: in making it durable, perhaps.
  if (status.ok()) return Settle({key}, ctx);
  if (status.code() == Code::kAlreadyExists) return differs;
  if (status.code() == Code::kNotFound) status = std::move(status).As(Code::kUnavailable);
  return std::move(status).Annotate("finding out whether an earlier attempt has stored \"" + key + "\"");
}

Status RetryingStore::Get(const std::string& key, ByteRange range, const ByteSink& sink, const OpContext& ctx) {
  const bool to_end = range.length == UINT64_MAX;
  Loop loop(*this, "reading", key, ctx);
  for (uint64_t delivered = 0;;) {
    const uint64_t before = delivered;
    const ByteRange rest{range.offset + delivered, to_end ? UINT64_MAX : range.length - delivered};
    Status sunk;
    Status status = inner_->Get(
        key, rest,
        [&](ByteView piece) {
          sunk = sink(piece);
          if (sunk.ok()) delivered += piece.size();
          return sunk;
        },
        ctx);
    if (!sunk.ok()) return sunk;
    if (status.ok() && !to_end && delivered < range.length)
      status = {Code::kUnavailable, "reading \"" + key + "\": the transfer ended early"};
    if (status.ok()) return status;
    if (status.code() == Code::kUnavailable && !to_end && delivered == range.length) return Status::Ok();
    if (status.code() == Code::kInvalidArgument && to_end && before > 0 && delivered == before) {
      // The connection broke after the last byte: nothing is left to ask for.
      PITR_ASSIGN(const ObjectInfo info, Stat(key, ctx));
      if (info.size == range.offset + delivered) return Status::Ok();
    }
    if (delivered > before) loop.Progress();
    PITR_TRY(loop.Next(std::move(status)));
  }
}

Result<ObjectInfo> RetryingStore::Stat(const std::string& key, const OpContext& ctx) {
  return Repeat("looking up", key, ctx, [&] { return inner_->Stat(key, ctx); });
}

Result<ListPage> RetryingStore::List(const std::string& prefix, const std::string& start_after, const OpContext& ctx) {
  return Repeat("listing", prefix, ctx, [&] { return inner_->List(prefix, start_after, ctx); });
}

Status RetryingStore::Delete(const std::vector<std::string>& keys, const OpContext& ctx) {
  const std::string first = keys.empty() ? "" : keys[0];
  return Repeat("deleting", first, ctx, [&] { return inner_->Delete(keys, ctx); });
}

Result<std::string> RetryingStore::BeginUpload(const std::string& key, const OpContext& ctx) {
  auto id = Repeat("beginning the upload of", key, ctx, [&] { return inner_->BeginUpload(key, ctx); });
  if (id.ok()) {
    std::lock_guard lock(mutex_);
    uploads_[id.value()];
  }
  return id;
}

Result<UploadPart> RetryingStore::PutPart(const std::string& key, const std::string& upload_id, int number,
                                          uint64_t offset, ByteView body, const OpContext& ctx) {
  auto part = Repeat("uploading a part of", key, ctx,
                     [&] { return inner_->PutPart(key, upload_id, number, offset, body, ctx); });
  if (!part.ok()) return part;
  const XXH128_hash_t hash = XXH3_128bits(body.data(), body.size());
  std::lock_guard lock(mutex_);
  auto upload = uploads_.find(upload_id);
  if (upload != uploads_.end()) upload->second[number] = {body.size(), {hash.low64, hash.high64}};
  return part;
}

Status RetryingStore::CompleteUpload(const std::string& key, const std::string& upload_id,
                                     const std::vector<UploadPart>& parts, const OpContext& ctx) {
  Upload upload;
  {
    std::lock_guard lock(mutex_);
    auto known = uploads_.find(upload_id);
    if (known != uploads_.end()) upload = known->second;
  }
  Loop loop(*this, "completing the upload of", key, ctx);
  for (bool ambiguous = false;;) {
    Status status = inner_->CompleteUpload(key, upload_id, parts, ctx);
    // The upload is gone, or the key taken: by an earlier attempt?
    if (ambiguous && (status.code() == Code::kAlreadyExists || status.code() == Code::kNotFound))
      status = CompareParts(key, upload, parts, ctx);
    else if (status.code() == Code::kUnavailable) {
      ambiguous = true;
      PITR_TRY(loop.Next(std::move(status)));
      continue;
    }
    if (status.ok()) {
      std::lock_guard lock(mutex_);
      uploads_.erase(upload_id);
    }
    return status;
  }
}

Status RetryingStore::CompareParts(const std::string& key, const Upload& upload, const std::vector<UploadPart>& parts,
                                   const OpContext& ctx) {
  const Status differs(Code::kAlreadyExists, "completing the upload of \"" + key + "\": another object exists");
  const std::string doing = "finding out whether an earlier attempt has completed the upload of \"" + key + "\"";
  std::vector<std::pair<uint64_t, XXH128_hash_t>> expected;
  uint64_t size = 0;
  for (const UploadPart& part : parts) {
    auto sum = upload.find(part.number);
    if (sum == upload.end()) return {Code::kUnavailable, doing + ": the parts were not all sent from here"};
    expected.push_back({sum->second.length, {sum->second.hash[0], sum->second.hash[1]}});
    size += sum->second.length;
  }
  PartChecker checker(std::move(expected));
  if (!checker.ready()) return {Code::kInternal, "out of memory"};
  auto info = Stat(key, ctx);
  Status status = info.status();
  if (status.ok() && info.value().size != size) return differs;
  if (status.ok())
    status = Get(
        key, {}, [&](ByteView piece) { return checker.Add(piece) ? Status::Ok() : differs; }, ctx);
  if (status.ok() && !checker.Complete()) return differs;
  if (status.ok()) return Settle({key}, ctx);
  if (status.code() == Code::kAlreadyExists) return differs;
  if (status.code() == Code::kNotFound) status = std::move(status).As(Code::kUnavailable);
  return std::move(status).Annotate(doing);
}

Status RetryingStore::AbortUpload(const std::string& key, const std::string& upload_id, const OpContext& ctx) {
  {
    std::lock_guard lock(mutex_);
    uploads_.erase(upload_id);
  }
  return Repeat("aborting the upload of", key, ctx, [&] { return inner_->AbortUpload(key, upload_id, ctx); });
}

Result<std::vector<PendingUpload>> RetryingStore::ListUploads(const std::string& prefix, const OpContext& ctx) {
  return Repeat("listing uploads under", prefix, ctx, [&] { return inner_->ListUploads(prefix, ctx); });
}

Status RetryingStore::Settle(const std::vector<std::string>& keys, const OpContext& ctx) {
  return Repeat("syncing", keys.empty() ? "" : keys[0], ctx, [&] { return inner_->Settle(keys, ctx); });
}

Status RetryingStore::CheckPrefixes(const std::vector<std::string>& prefixes, const OpContext& ctx) {
  return Repeat("checking", prefixes.empty() ? "" : prefixes[0], ctx,
                [&] { return inner_->CheckPrefixes(prefixes, ctx); });
}

Result<std::optional<ObjectLock>> RetryingStore::GetLock(const std::string& key, const OpContext& ctx) {
  return Repeat("reading the lock of", key, ctx, [&] { return inner_->GetLock(key, ctx); });
}

Status RetryingStore::ExtendLock(const std::string& key, const ObjectLock& lock, const OpContext& ctx) {
  return Repeat("extending the lock of", key, ctx, [&] { return inner_->ExtendLock(key, lock, ctx); });
}

}  // namespace pitr
