// Fault injection for tests: an ObjectStore that passes calls on to another one, except for scripted failures.
// Safe from several threads. The inner store is borrowed.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/store/object_store.h"

namespace pitr::test {

enum class StoreOp {
  kCreate,
  kGet,
  kStat,
  kList,
  kDelete,
  kBeginUpload,
  kPutPart,
  kCompleteUpload,
  kAbortUpload,
  kListUploads,
  kSettle,
  kGetLock,
  kExtendLock
};

struct Fault {
  StoreOp op = StoreOp::kGet;
  Status status{Code::kUnavailable, "injected fault"};
  std::string key_contains;  // only calls whose key (or prefix) contains this
  int skip = 0;              // this many matching calls pass first
  int times = 1;             // then this many fail; INT_MAX for ever
  bool after = false;        // the call is carried out, and then reported as failed: an ambiguous failure
  uint64_t after_bytes = 0;  // kGet: the sink is given this many bytes first
};

class FaultyStore : public ObjectStore {
 public:
  explicit FaultyStore(ObjectStore& inner) : inner_(inner) {}

  // Faults are tried in the order they were injected; the first that matches decides.
  void Inject(Fault fault);
  // While dead every call is kUnavailable.
  void SetDead(bool dead);
  // Every n-th call (of all operations together) fails as kUnavailable: in turn before it is carried out, after
  // it, and, for a Get, in the middle. 0: none.
  void FailEvery(int n);
  // Called before every operation, of several threads at once, outside the lock; may block. Set before use.
  void OnCall(std::function<void(StoreOp, const std::string& key)> hook) { hook_ = std::move(hook); }
  // The same for a hook that changes what the test has on its stack: one call at a time. It must not block.
  void OnCallInTurn(std::function<void(StoreOp, const std::string& key)> hook) {
    OnCall([hook = std::move(hook), turn = std::make_shared<std::mutex>()](StoreOp op, const std::string& key) {
      const std::lock_guard lock(*turn);
      hook(op, key);
    });
  }
  int calls(StoreOp op) const;
  // A Delete of several keys becomes a call for each, and ends with the first that fails: what a store that dies in
  // the middle of a batch leaves. No store says in which order it deletes. Set before use.
  enum class Batches { kWhole, kInOrder, kReversed };
  void SetBatches(Batches batches) { batches_ = batches; }

  Status Create(const std::string& key, ByteView body, const OpContext& ctx) override;
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
  StoreCapabilities capabilities() const override { return inner_.capabilities(); }
  std::string Describe() const override { return inner_.Describe(); }

 private:
  // Counts the call; the fault that applies to it, or one with an ok status.
  Fault Enter(StoreOp op, const std::string& key);
  // Status or Result<T> of `call`, as the script says.
  template <class F>
  auto Run(StoreOp op, const std::string& key, F&& call) -> decltype(call()) {
    const Fault fault = Enter(op, key);
    if (fault.status.ok()) return call();
    if (fault.after) (void)call();
    return fault.status;
  }

  ObjectStore& inner_;
  std::function<void(StoreOp, const std::string&)> hook_;
  Batches batches_ = Batches::kWhole;
  mutable std::mutex mutex_;
  std::vector<Fault> faults_;     // protected by mutex_
  std::map<StoreOp, int> calls_;  // protected by mutex_
  bool dead_ = false;             // protected by mutex_
  int fail_every_ = 0;            // protected by mutex_
  int calls_total_ = 0;           // protected by mutex_
};

}  // namespace pitr::test
