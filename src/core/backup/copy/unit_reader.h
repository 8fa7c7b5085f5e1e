// Reads files of a listing for one job, each byte once and at the rate that is allowed: pieces as backups cut files,
// with their pages verified, and the page cache left as it was found.
//
// One thread. Memory: one frame's plain bytes, and what PageCacheKeeper notes of the span that is being read.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/backup/copy/file_piece.h"
#include "core/backup/data/data_directory.h"
#include "core/backup/data/page_cache.h"
#include "core/backup/data/page_check.h"
#include "core/base/unique_fd.h"
#include "core/store/rate_limit.h"

namespace pitr {

class UnitReader {
 public:
  // Directory, findings and rate are borrowed, and may be used by other readers. `pages`: gets what fails its checksum;
  // null: pages are not verified. `start`: of the backup.
  UnitReader(const DataDirectory& directory, PageFindings* pages, Lsn start, RateLimit& rate, const OpContext& ctx);

  // Opens a file of the listing. Not ok() and no error: it has vanished. kUnavailable, kPermission (I/O), naming it.
  Result<UniqueFd> Open(const MappedFile& file) const;
  // The same, and takes size, mode, times and stamp anew: what counts is what the file is when it is opened, for it may
  // be a newer one than was listed, moved into its place. Something else than a file in its place counts as vanished.
  Result<UniqueFd> OpenAnew(MappedFile& file) const;

  // From now on `span` is read of a file that Open() opened; both are borrowed for as long.
  void Begin(int fd, const MappedFile& file, FileSpan span);
  // The next piece of the span, valid until the next call; empty at its end, or where the file ends sooner. Pieces end
  // where frames of backups do (multiples of kDataFramePlainBytes), so that later backups can take them over as a
  // whole. kCancelled, kUnavailable, kPermission (I/O), naming the file.
  Result<FilePiece> Next();
  // Up to where the file has been read: less than the span's end, after all pieces, when the file ended sooner.
  uint64_t at() const { return at_; }

 private:
  std::string PathOf(const MappedFile& file) const { return directory_.root + "/" + file.path; }
  Result<size_t> Read(size_t length);

  const DataDirectory& directory_;
  std::optional<PageChecker> checker_;
  RateLimit& rate_;
  const OpContext ctx_;
  PageCacheKeeper cache_;
  Bytes buffer_;  // the piece
  std::vector<uint32_t> bad_blocks_;
  int fd_ = -1;
  const MappedFile* file_ = nullptr;
  bool has_pages_ = false;  // to be verified
  uint64_t at_ = 0;
  uint64_t end_ = 0;  // of the span, or of the file once it is known to end before
};

}  // namespace pitr
