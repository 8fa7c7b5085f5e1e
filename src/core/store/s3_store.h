// The class behind s3.h, for its own three sources only: s3.cpp (whole objects), s3_multipart.cpp (uploads in parts)
// and s3_lock.cpp (locks and lifecycle).
#pragma once
#include <atomic>
#include <string>
#include <vector>

#include "core/store/object_store.h"
#include "core/store/s3_client.h"

namespace pitr {

// "store \"key\"", for messages.
inline std::string Doing(const char* what, const std::string& name) { return std::string(what) + " \"" + name + "\""; }

class S3Store final : public ObjectStore {
 public:
  S3Store(S3Config config, S3Endpoint endpoint, std::unique_ptr<CredentialProvider> credentials, const Clock& clock)
      : client_(std::move(config), std::move(endpoint), std::move(credentials), clock) {}

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
  StoreCapabilities capabilities() const override { return {client_.config().conditional_create}; }
  std::string Describe() const override;

  // What ReadLifecycleRules says.
  Result<std::vector<S3LifecycleRule>> LifecycleRules(const OpContext& ctx);

 private:
  struct Presence {
    bool there = false;
    ObjectInfo info;
  };
  // One HEAD. A 404 without a document cannot tell a missing object from a missing bucket; Stat() asks further.
  Result<Presence> Head(const std::string& key, const OpContext& ctx);
  // Why HEAD was refused: the same question as a GET, whose answer has a document.
  Status ExplainHead(const std::string& key, const OpContext& ctx);
  // Before a creation that is not conditional: kAlreadyExists, or why it is not known to be absent.
  Status CheckFree(const std::string& key, const OpContext& ctx);
  HttpHeaders CreationHeaders() const;
  S3Call PutCall(const std::string& key, ByteView body, bool conditional) const;
  // A page of the bucket's keys that begin with the prefix and are greater than `after`, in order, also of a store that
  // begins with `after` itself or ignores it. Not empty unless it is the last.
  Result<S3Listing> ListAfter(const std::string& prefix, const std::string& after, const OpContext& ctx);
  // One request: what the store says is after `after`, or goes on with `token`.
  Result<S3Listing> ListOnce(const std::string& prefix, const std::string& after, const std::string& token,
                             const OpContext& ctx);
  // kInvalidArgument unless all follow `last` and one another; the last of them becomes that.
  static Status CheckOrder(const S3Listing& listing, std::string* last);
  Status DeleteOne(const std::string& key, const OpContext& ctx);
  // True when the store has no bulk deletion.
  Result<bool> DeleteMany(const std::vector<std::string>& keys, const OpContext& ctx);
  // What a 2xx answer to the completion of an upload really says.
  Status Completed(const S3Call& call, const HttpResponse& response) const;
  // The key without the repository's prefix, or "" when it lies outside or is no key.
  std::string RelativeKey(const std::string& full_key) const;

  S3Client client_;
  std::atomic<bool> no_bulk_delete_{false};
  std::atomic<bool> ignores_start_after_{false};
};

}  // namespace pitr
