// The seam between pg_pitr and storage: objects under keys, written once.
//
// Required semantics (every driver, proven by the conformance suite in test/store_suite and, for a
// user's own bucket, by `pg_pitr check`):
//  - an object appears whole or not at all, also after a crash of either side; once Create() or
//    CompleteUpload() has returned ok the object is durable and visible to every later Get, Stat, List; what is visible
//    need not be durable yet, unless Settle() has said so: another process may have died between the two;
//  - an object is never modified; creation under a taken key fails with kAlreadyExists and leaves
//    what is there alone (atomically where capabilities().conditional_create, else by looking first);
//  - List is complete and in ascending byte order of keys, or it is an error.
//
// Drivers do one attempt per call and never retry, log, or write to a terminal; retrying is the
// decorator of retry.h. All calls are safe from several threads at once and honour `ctx` (deadline and
// cancellation, seen within about 100 ms). Errors name the operation and the key; those of S3 also
// the HTTP status, the S3 error code and the request id. Keys are relative to the repository's prefix:
// segments of [A-Za-z0-9._=+-] joined by '/', no leading slash, no empty, "." or ".." segment, at most kMaxKeyBytes.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/op_context.h"
#include "core/base/status.h"

namespace pitr {

inline constexpr size_t kMaxKeyBytes = 512;
inline constexpr int kMaxUploadParts = 10000;             // S3's limit
inline constexpr size_t kMinPartBytes = size_t{5} << 20;  // S3's limit, last part excepted
inline constexpr size_t kMaxDeleteBatch = 1000;           // S3's limit
inline constexpr size_t kMaxListPage = 1000;              // S3's limit

struct ObjectInfo {
  std::string key;
  uint64_t size = 0;
  int64_t modified_micros = 0;  // wall clock of the store; 0 when it does not say
};

// Whether what the store dates so was there at `since_micros`. What it does not date may have been stored just now.
inline bool WasThereAt(int64_t stored_micros, int64_t since_micros) {
  return stored_micros != 0 && stored_micros <= since_micros;
}

struct ListPage {
  std::vector<ObjectInfo> objects;  // ascending by key
  bool more = false;                // call again with start_after = objects.back().key
};

struct UploadPart {
  int number = 0;    // 1..kMaxUploadParts
  std::string etag;  // what UploadPart returned
};

struct PendingUpload {
  std::string key;
  std::string upload_id;
  int64_t initiated_micros = 0;  // as ObjectInfo::modified_micros
};

// What keeps an object from being deleted (S3 Object Lock).
struct ObjectLock {
  std::string mode;  // "GOVERNANCE", "COMPLIANCE"
  int64_t until_micros = 0;
};

struct StoreCapabilities {
  bool conditional_create = false;  // two racing creators: exactly one wins
};

// Part of an object. Reading past the end is kInvalidArgument, not a short read; so is an open-ended range that
// begins at the end (offset 0 of an empty object excepted).
struct ByteRange {
  uint64_t offset = 0;
  uint64_t length = UINT64_MAX;  // UINT64_MAX: to the end of the object
};

// Receives bytes in order. A status that is not ok stops the transfer and is returned from Get().
using ByteSink = std::function<Status(ByteView)>;

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  // Stores `body` (borrowed until return, at most 5 GiB) unless the key is taken.
  // kAlreadyExists (what is there is durable), kUnavailable (retrying may help; the object may nevertheless be there),
  // kPermission.
  virtual Status Create(const std::string& key, ByteView body, const OpContext& ctx) = 0;

  // Streams the range into `sink`, in order, each byte once. kNotFound only when the store confirmed it.
  // A transfer that ends early is kUnavailable: what the sink has had is a correct prefix.
  virtual Status Get(const std::string& key, ByteRange range, const ByteSink& sink, const OpContext& ctx) = 0;

  // kNotFound when confirmed absent.
  virtual Result<ObjectInfo> Stat(const std::string& key, const OpContext& ctx) = 0;

  // Objects whose key begins with `prefix` and is greater than `start_after`; how many in one page is the store's
  // affair.
  virtual Result<ListPage> List(const std::string& prefix, const std::string& start_after, const OpContext& ctx) = 0;

  // Removes up to kMaxDeleteBatch objects; a missing one is success. Names the first that failed.
  virtual Status Delete(const std::vector<std::string>& keys, const OpContext& ctx) = 0;

  // An object in parts, for what is too large for one buffer. Nothing is visible under the key until
  // CompleteUpload. All parts but the last have at least kMinPartBytes and all but the last the same size;
  // part n begins at (n - 1) * size of part 1. Parts may be sent in any order and concurrently.
  virtual Result<std::string> BeginUpload(const std::string& key, const OpContext& ctx) = 0;
  virtual Result<UploadPart> PutPart(const std::string& key, const std::string& upload_id, int number, uint64_t offset,
                                     ByteView body, const OpContext& ctx) = 0;
  // Parts ascending by number. kAlreadyExists as Create.
  virtual Status CompleteUpload(const std::string& key, const std::string& upload_id,
                                const std::vector<UploadPart>& parts, const OpContext& ctx) = 0;
  // An unknown upload is success.
  virtual Status AbortUpload(const std::string& key, const std::string& upload_id, const OpContext& ctx) = 0;
  // Unfinished uploads under `prefix`, at most kMaxListPage.
  virtual Result<std::vector<PendingUpload>> ListUploads(const std::string& prefix, const OpContext& ctx) = 0;

  // Objects that Get, Stat or List have found are durable when this is ok, not only visible. Whoever is going to rely
  // on what another process stored asks: to say "stored", to refer to it, to delete something else on its account.
  // kNotFound when one is missing. Costs no request where what is visible is durable.
  virtual Status Settle(const std::vector<std::string>& keys, const OpContext& ctx) = 0;

  // The object's lock; nothing when the store has no locks, or the object none. kNotFound as Stat.
  virtual Result<std::optional<ObjectLock>> GetLock(const std::string& key, const OpContext& ctx) = 0;
  // Makes the lock last at least as long. kInvalidArgument where the store has none.
  virtual Status ExtendLock(const std::string& key, const ObjectLock& lock, const OpContext& ctx) = 0;

  virtual StoreCapabilities capabilities() const = 0;
  // For messages: "s3://bucket/prefix" or "file:///dir". Never a secret.
  virtual std::string Describe() const = 0;

  // That what a store takes under one key it takes under these prefixes, too: parts of a directory may be on other file
  // systems, where nothing can be stored. Writes nothing, and says nothing of what is not there yet.
  virtual Status CheckPrefixes(const std::vector<std::string>& prefixes, const OpContext& ctx);

  // A store that can be full may keep some space back for what has to be written before anything can be deleted.
  // From OpenReserve() on Create() takes of it when the store is full, until RefillReserve() makes it whole again.
  virtual void OpenReserve() {}
  virtual Status RefillReserve() { return Status::Ok(); }
};

// kInvalidArgument unless `key` obeys the rules above.
Status CheckKey(const std::string& key);

// kInvalidArgument when there are more than kMaxDeleteBatch keys or a bad one among them.
Status CheckDeleteBatch(const std::vector<std::string>& keys);
// How many bytes `range` means in an object of `size` bytes; kInvalidArgument when it reaches past the end.
Result<uint64_t> RangeLength(const std::string& key, ByteRange range, uint64_t size);

// The whole object in memory. kCorruption when it is larger than `max_bytes`.
Result<Bytes> GetAll(ObjectStore& store, const std::string& key, size_t max_bytes, const OpContext& ctx);
// Exactly `length` bytes at `offset`.
Result<Bytes> GetRange(ObjectStore& store, const std::string& key, uint64_t offset, size_t length,
                       const OpContext& ctx);
// The objects under `prefix` whose key is greater than `start_after`, page by page, as long as `each` is true: then no
// further page is asked for. kInternal when the store gives the same page again; errors of the store and of `each`.
Status ListFrom(ObjectStore& store, const std::string& prefix, std::string start_after, const OpContext& ctx,
                const std::function<Result<bool>(const ObjectInfo&)>& each);
// Every object under `prefix`.
Status ListAll(ObjectStore& store, const std::string& prefix, const OpContext& ctx,
               const std::function<Status(const ObjectInfo&)>& each);

}  // namespace pitr
