// Page checksums while a running server writes: a page that looks bad is read again, for the write may have been under
// way. PageFindings collects what stays bad; any thread. A PageChecker belongs to one thread.
#pragma once
#include <mutex>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/op_context.h"
#include "core/pg/lsn.h"
#include "core/repo/manifest.h"

namespace pitr {

inline constexpr size_t kMaxPageErrors = 1000;  // recorded; the rest is only counted
inline constexpr size_t kPagesInMessage = 10;
// A write of one page takes the kernel microseconds unless the writer is descheduled in the middle of it.
inline constexpr int kPageRereads = 10;

class PageFindings {
 public:
  void AddBad(const std::string& path, uint32_t block);
  // A page whose checksum is wrong but whose LSN says that it was changed after the backup began: WAL writes it anew,
  // if the LSN is true.
  void AddNewer(const std::string& path, uint32_t block, Lsn lsn);
  // Once the end is known: no page of the backup can carry an LSN after `stop`, so those that do are bad.
  void Settle(Lsn stop);

  std::vector<PageError> errors() const;  // ascending by path and block
  uint64_t count() const;
  // kCorruption listing the pages; ok when there are none.
  Status ToStatus() const;

 private:
  struct Newer {
    PageError page;
    Lsn lsn;
  };
  mutable std::mutex mutex_;
  std::vector<PageError> errors_;  // protected by mutex_, as all here
  uint64_t count_ = 0;
  std::vector<Newer> newer_;
};

class PageChecker {
 public:
  PageChecker(PageFindings& findings, Lsn start) : findings_(findings), start_(start) {}

  // Verifies the whole pages of `bytes`, read at `offset` (a multiple of the page size) of the relation file `path`,
  // open as `fd`; a page that was caught in the middle of a write is replaced by what a later read found. Blocks that
  // stay bad are appended to `bad` (numbered in the file). kCancelled; kUnavailable (I/O), naming the file.
  Status Check(int fd, const std::string& path, uint64_t offset, std::span<uint8_t> bytes, std::vector<uint32_t>& bad,
               const OpContext& ctx);

 private:
  // Whether the page is right now.
  Result<bool> Reread(int fd, const std::string& path, uint64_t offset, uint32_t segment, std::span<uint8_t> page,
                      const OpContext& ctx);
  PageFindings& findings_;
  const Lsn start_;
};

}  // namespace pitr
