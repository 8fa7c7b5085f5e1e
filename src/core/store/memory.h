// An object store in memory, for tests: every rule of object_store.h, and ways to damage what is stored.
// Safe from several threads; a Get in progress keeps the object's bytes alive without holding the lock.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/store/object_store.h"

namespace pitr {

class MemoryStore final : public ObjectStore {
 public:
  struct Options {
    size_t min_part_bytes = kMinPartBytes;  // smaller in tests that would otherwise need large bodies
    size_t list_page = kMaxListPage;
    size_t piece_bytes = size_t{1} << 20;  // how much a sink is given at a time
    StoreCapabilities capabilities{.conditional_create = true};
    int64_t lock_micros = 0;  // new objects are locked for so long; a lock only says so, and keeps nobody from deleting
  };

  MemoryStore();
  explicit MemoryStore(const Options& options);

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
  StoreCapabilities capabilities() const override { return options_.capabilities; }
  std::string Describe() const override { return "memory:"; }

  // For tests that damage an object behind the interface's back. False when there is none.
  bool FlipBit(const std::string& key, uint64_t bit);
  bool Truncate(const std::string& key, uint64_t size);
  // Stores `body` under `key` whatever is there.
  void Replace(const std::string& key, Bytes body);
  std::vector<std::string> Keys() const;

 private:
  struct Object {
    std::shared_ptr<const Bytes> body;
    int64_t modified_micros = 0;
    std::optional<ObjectLock> lock;
  };
  struct Part {
    uint64_t offset = 0;
    Bytes body;
    std::string etag;
  };
  struct Upload {
    std::string key;
    int64_t initiated_micros = 0;
    std::map<int, Part> parts;
  };

  std::optional<ObjectLock> NewLock(const OpContext& ctx) const;
  Result<Upload*> FindUpload(const std::string& key, const std::string& upload_id);  // mutex_ held

  const Options options_;
  mutable std::mutex mutex_;
  std::map<std::string, Object> objects_;  // protected by mutex_
  std::map<std::string, Upload> uploads_;  // by upload id; protected by mutex_
  int64_t next_id_ = 1;                    // protected by mutex_
};

}  // namespace pitr
