#include "core/restore/wal_prefetch.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

#include "core/base/thread.h"
#include "core/pg/wal_name.h"
#include "core/repo/wal/wal_fetch.h"
#include "core/restore/directory_server.h"
#include "core/restore/segment_places.h"

namespace pitr {
namespace {

constexpr int64_t kTurnMillis = 10;
constexpr int64_t kFetched = INT64_MAX;
constexpr int64_t kAliveMillis = 500;  // how often the server is looked at

class Prefetcher {
 public:
  Prefetcher(const Repository& repository, const HeldSpool& spool, const PrefetchLimits& limits, const OpContext& ctx)
      : repository_(repository), spool_(spool), limits_(limits), ctx_(ctx) {}

  Status Run() {
    PITR_TRY(spool_.Begin());
    CancelToken stop;
    fetch_ctx_ = ctx_;
    fetch_ctx_.cancel = &stop;
    {
      PITR_ASSIGN(auto pool, ThreadPool::Start(std::max(limits_.jobs, 1)));
      int64_t asked = ctx_.clock->SteadyMillis(), looked = asked;
      while (!ctx_.cancelled()) {
        const int64_t now = ctx_.clock->SteadyMillis();
        if (Follow()) asked = now;
        if (now - asked > limits_.idle_millis) break;
        if (now - looked > kAliveMillis) {
          looked = now;
          if (!spool_.Exists() || !IsRecovering(spool_.data_directory())) break;
        }
        Plan(*pool, now);
        ctx_.clock->SleepMillis(kTurnMillis);
      }
      stop.Cancel();
    }
    spool_.Remove();
    return Status::Ok();
  }

 private:
  // Takes up a new request; what lies before it is not needed any more.
  bool Follow() {
    const std::string request = spool_.LastRequest();
    if (request.empty() || request == current_) return false;
    const auto parsed = ParseWalFileName(request, repository_.segment_size());
    if (!parsed || parsed->kind != WalFileKind::kSegment) return false;
    current_ = request;
    timeline_ = parsed->timeline;
    segment_ = parsed->segment;
    const int window = PrefetchWindow(limits_, repository_.segment_size());
    std::set<std::string> wanted;
    for (int ahead = 0; ahead <= window; ++ahead) wanted.insert(Name(ahead));
    for (const std::string& name : spool_.Segments())
      if (!wanted.contains(name)) spool_.Forget(name);
    std::lock_guard lock(mutex_);
    std::erase_if(tried_, [&](const auto& entry) { return !wanted.contains(entry.first); });
    std::erase_if(tails_, [&](const auto& entry) { return !wanted.contains(entry.first); });
    return true;
  }

  std::string Name(int ahead) const {
    return SegmentFileName(timeline_, SegmentNo{segment_.value + static_cast<uint64_t>(ahead)},
                           repository_.segment_size());
  }

  void Plan(ThreadPool& pool, int64_t now) {
    if (current_.empty()) return;
    const int window = PrefetchWindow(limits_, repository_.segment_size());
    std::set<std::string> there;
    for (std::string& name : spool_.Segments()) there.insert(std::move(name));
    std::lock_guard lock(mutex_);
    for (int ahead = 1; ahead <= window; ++ahead) {
      const std::string name = Name(ahead);
      if (there.contains(name) || running_.contains(name)) continue;
      if (auto tried = tried_.find(name); tried != tried_.end()) {
        if (tried->second == kFetched) continue;  // taken by the server a moment before its request was seen
        // What could not be had a moment ago ends the run: the server stops there, too.
        if (now < tried->second + limits_.absent_millis) return;
      }
      if (running_.size() >= static_cast<size_t>(std::max(limits_.jobs, 1))) return;
      tried_.erase(name);
      running_.insert(name);
      pool.Submit([this, name, before = Name(ahead - 1)] { Fetch(name, before); });
    }
  }

  void Fetch(const std::string& name, const std::string& before) {
    const Status status = Guarded([&]() -> Status {
      PITR_TRY(fetch_ctx_.Check());
      PITR_TRY(spool_.MarkFetching(name));
      PITR_ASSIGN(const Bytes bytes, FetchWalBytes(repository_, name, fetch_ctx_));
      if (bytes.size() > kSegmentTailBytes) {
        std::lock_guard lock(mutex_);
        tails_[name].assign(bytes.end() - kSegmentTailBytes, bytes.end());
      }
      PITR_ASSIGN(const bool looked_at, IsToBeLookedAt(name, before, bytes));
      if (!looked_at) return spool_.Store(name, AsText(bytes));
      // Whoever asks for it looks at it at that moment.
      spool_.Forget(name);
      return Status::Ok();
    });
    if (!status.ok()) spool_.Forget(name);
    std::lock_guard lock(mutex_);
    running_.erase(name);
    tried_[name] = status.ok() ? kFetched : ctx_.clock->SteadyMillis();
  }

  Result<bool> IsToBeLookedAt(const std::string& name, const std::string& before, ByteView bytes) {
    const auto parsed = ParseWalFileName(name, repository_.segment_size());
    Bytes tail;
    if (NeedsTail(bytes)) { PITR_ASSIGN(tail, TailOf(before)); }
    return !parsed || !FindSegmentPlaces(bytes, parsed->segment, tail).made.empty();
  }

  // The segment before is being fetched, or was a moment ago, unless its server asked for it itself.
  Result<Bytes> TailOf(const std::string& name) {
    for (;; ctx_.clock->SleepMillis(kTurnMillis)) {
      PITR_TRY(fetch_ctx_.Check());
      std::lock_guard lock(mutex_);
      if (const auto tail = tails_.find(name); tail != tails_.end()) return tail->second;
      if (!running_.contains(name)) break;
    }
    const auto parsed = ParseWalFileName(name, repository_.segment_size());
    if (!parsed) return Bytes();
    Bytes tail = TailInWalDirectory(spool_.data_directory(), parsed->segment, repository_.segment_size());
    if (!tail.empty()) return tail;
    PITR_ASSIGN(const Bytes bytes, FetchWalBytes(repository_, name, fetch_ctx_));
    if (bytes.size() <= kSegmentTailBytes) return Bytes();
    return Bytes(bytes.end() - kSegmentTailBytes, bytes.end());
  }

  const Repository& repository_;
  const HeldSpool& spool_;
  const PrefetchLimits& limits_;
  const OpContext& ctx_;
  OpContext fetch_ctx_;
  std::string current_;
  Timeline timeline_;
  SegmentNo segment_;
  std::mutex mutex_;
  std::set<std::string> running_;         // protected by mutex_
  std::map<std::string, int64_t> tried_;  // name -> when; protected by mutex_
  std::map<std::string, Bytes> tails_;    // of segments that were fetched; protected by mutex_
};

}  // namespace

int PrefetchWindow(const PrefetchLimits& limits, uint32_t segment_size) {
  const uint64_t fits = limits.spool_bytes / segment_size;
  return static_cast<int>(std::clamp<uint64_t>(fits, 2, static_cast<uint64_t>(std::max(limits.max_segments, 2))));
}

Status RunPrefetcher(const Repository& repository, const HeldSpool& spool, const PrefetchLimits& limits,
                     const OpContext& ctx) {
  return Prefetcher(repository, spool, limits, ctx).Run();
}

}  // namespace pitr
