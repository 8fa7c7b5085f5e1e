// Retries over another store: kUnavailable only, with exponential backoff and full jitter, bounded by a number of
// attempts and by time; what full_store.h calls full by seconds. Everything above a driver goes through this; drivers
// themselves try once.
//
// What a failed attempt may have done after all is found out, not guessed. A Create that meets an object after an
// attempt of its own had failed reads it back: identical content is success, other content kAlreadyExists. (So
// two creators of the same bytes may both be told ok.) A CompleteUpload does the same with checksums
// of the parts, which are kept while the upload is open; if the parts were not all sent through this
// object it cannot tell and says so. A repeated BeginUpload may leave an upload behind for the sweep.
//
// Safe from several threads, as the inner store is.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/base/log.h"
#include "core/store/object_store.h"

namespace pitr {

struct RetryPolicy {
  int max_attempts = 10;            // 1: no retries
  int64_t base_delay_millis = 100;  // the longest wait before the second attempt; doubles from then on
  int64_t max_delay_millis = 10000;
  int64_t max_total_millis = 120000;  // no attempt begins later than this after the first failure
  int64_t warn_after_millis = 5000;   // a loop that lasts longer is logged as a warning, once
};

class RetryingStore final : public ObjectStore {
 public:
  // Uniform in [0, 1); called from any thread.
  using Random = std::function<double()>;

  // `log` is borrowed. Delays are measured with the clock of each call's OpContext.
  RetryingStore(std::unique_ptr<ObjectStore> inner, const RetryPolicy& policy, Log& log,
                Random random = SystemRandom());
  ~RetryingStore() override;
  static Random SystemRandom();

  Status Create(const std::string& key, ByteView body, const OpContext& ctx) override;
  // Goes on after the last byte the sink has had; bytes received count as progress and start the bounds anew.
  Status Get(const std::string& key, ByteRange range, const ByteSink& sink, const OpContext& ctx) override;
  Result<ObjectInfo> Stat(const std::string& key, const OpContext& ctx) override;
  Result<ListPage> List(const std::string& prefix, const std::string& start_after, const OpContext& ctx) override;
  Status Delete(const std::vector<std::string>& keys, const OpContext& ctx) override;
  Result<std::string> BeginUpload(const std::string& key, const OpContext& ctx) override;
  Result<UploadPart> PutPart(const std::string& key, const std::string& upload_id, int number, uint64_t offset,
                             ByteView body, const OpContext& ctx) override;
  Status CompleteUpload(const std::string& key, const std::string& upload_id, const std::vector<UploadPart>& parts,
                        const OpContext& ctx) override;
  Status AbortUpload(const std::string& key, const std::string& upload_id, const OpContext& ctx) override;
  Result<std::vector<PendingUpload>> ListUploads(const std::string& prefix, const OpContext& ctx) override;
  Status Settle(const std::vector<std::string>& keys, const OpContext& ctx) override;
  Result<std::optional<ObjectLock>> GetLock(const std::string& key, const OpContext& ctx) override;
  Status ExtendLock(const std::string& key, const ObjectLock& lock, const OpContext& ctx) override;
  Status CheckPrefixes(const std::vector<std::string>& prefixes, const OpContext& ctx) override;
  void OpenReserve() override { inner_->OpenReserve(); }
  Status RefillReserve() override { return inner_->RefillReserve(); }  // not worth another attempt
  StoreCapabilities capabilities() const override { return inner_->capabilities(); }
  std::string Describe() const override { return inner_->Describe(); }

 private:
  class Loop;
  struct PartSum {
    uint64_t length = 0;
    uint64_t hash[2] = {0, 0};  // XXH3, 128 bits
  };
  using Upload = std::map<int, PartSum>;

  template <class F>
  auto Repeat(const char* doing, const std::string& key, const OpContext& ctx, F&& call) -> decltype(call());
  // Ok when the object under `key` is `body`, kAlreadyExists when it is not, else why that is not known.
  Status CompareBody(const std::string& key, ByteView body, const OpContext& ctx);
  Status CompareParts(const std::string& key, const Upload& upload, const std::vector<UploadPart>& parts,
                      const OpContext& ctx);

  const std::unique_ptr<ObjectStore> inner_;
  const RetryPolicy policy_;
  Log& log_;
  const Random random_;
  std::mutex mutex_;
  std::map<std::string, Upload> uploads_;  // open uploads by id; protected by mutex_
};

}  // namespace pitr
