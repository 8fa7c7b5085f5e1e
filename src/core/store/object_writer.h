// Writes one object of unknown size through an ObjectStore with bounded memory: a small one with a single
// Create, a larger one as an upload whose parts are sent by a shared pool while the caller goes on.
//
// Invariant: the object appears only through Finish() returning ok (or failing as kUnavailable when the store's
// answer was lost: then it may be there, whole). On every other path the upload is aborted.
// A writer is used by one thread, which must not be one of the pool's (it waits for them).
#pragma once
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/base/thread.h"
#include "core/store/object_store.h"

namespace pitr {

struct WriterOptions {
  size_t part_bytes = size_t{16} << 20;  // raised when `expected_bytes` would need too many parts
  int parts_in_flight = 4;               // at most (parts_in_flight + 1) * part_bytes of memory
  uint64_t expected_bytes = 0;           // upper estimate of the size; 0: unknown
  int64_t abort_timeout_millis = 5000;   // for AbortUpload after a failure; what is left is for the sweep
};

// Smallest part size of at least `part_bytes`, in whole MiB when raised, with which `expected_bytes` fit an upload.
size_t PartBytesFor(size_t part_bytes, uint64_t expected_bytes);

class ObjectWriter {
 public:
  // Store and pool are borrowed and outlive the writer, as do the clock and the token of `ctx`.
  ObjectWriter(ObjectStore& store, ThreadPool& pool, std::string key, const WriterOptions& options,
               const OpContext& ctx);
  ObjectWriter(const ObjectWriter&) = delete;
  ObjectWriter& operator=(const ObjectWriter&) = delete;
  // Aborts unless finished; waits for the parts in flight.
  ~ObjectWriter();

  // Copies `bytes`; blocks while parts_in_flight parts are being sent. Once it has failed the writer is
  // aborted and returns the same error from then on. kInvalidArgument when the object would exceed
  // kMaxUploadParts parts; otherwise as BeginUpload and PutPart.
  Status Append(ByteView bytes);

  // Sends what is left and makes the object visible. Result: its size. Errors as Create and CompleteUpload.
  Result<uint64_t> Finish();

  // Gives up: waits for the parts in flight and aborts the upload. Harmless when finished or repeated.
  void Abort() noexcept;

  uint64_t size() const { return size_; }  // appended so far
  size_t part_bytes() const { return part_bytes_; }

 private:
  using Buffer = std::unique_ptr<uint8_t[]>;
  struct Sent;  // what pool tasks report to

  Status SendPart();        // hands the current buffer to the pool
  void TakeBuffer();        // makes current_ ready
  Status Fail(Status why);  // remembers the first failure and aborts
  bool WaitForParts() noexcept;

  ObjectStore& store_;
  ThreadPool& pool_;
  const std::string key_;
  const WriterOptions options_;
  const OpContext ctx_;
  const size_t part_bytes_;
  uint64_t size_ = 0;
  Buffer current_;
  size_t filled_ = 0;
  int parts_ = 0;          // handed to the pool so far
  std::string upload_id_;  // empty: none begun
  bool closed_ = false;    // finished or aborted
  Status failure_;
  std::shared_ptr<Sent> sent_;
};

}  // namespace pitr
