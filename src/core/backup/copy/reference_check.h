// The independent check of an increment: whether what it refers to its parent for is what a full read finds on disk.
// ReferenceFindings collects what is not; any thread. A ReferenceChecker belongs to one thread.
#pragma once
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "core/backup/copy/file_piece.h"
#include "core/backup/plan/file_plan.h"
#include "core/repo/maps/frame_reader.h"

namespace pitr {

class ReferenceFindings {
 public:
  void Add(const std::string& path, uint32_t block);
  // kCorruption listing files and blocks that `source` called unchanged although they are not; ok when there are none.
  Status ToStatus(const ChangeOrigin& source, const std::string& parent_label) const;

 private:
  mutable std::mutex mutex_;
  std::vector<PageError> blocks_;  // protected by mutex_, as all here; up to a limit
  uint64_t count_ = 0;
};

class ReferenceChecker {
 public:
  // `start`: of this backup. What was changed later is the business of WAL and is no finding.
  ReferenceChecker(const Repository& repository, const FilePlan& plan, Lsn start)
      : plan_(plan), start_(start), frames_(repository) {}

  // `references`: what the increment has for `part` of what was read; what none covers is zero in it. Errors as
  // FrameReader::Read; kUnavailable (I/O).
  Status Check(const FilePiece& piece, FileSpan part, std::span<const Extent> references, ReferenceFindings& findings,
               const OpContext& ctx);

 private:
  // Of `span` of a piece, what the parent has there.
  Status CheckBlocks(const FilePiece& piece, FileSpan span, ByteView wanted, ReferenceFindings& findings,
                     const OpContext& ctx);
  bool Excused(ByteView found, ByteView wanted) const;
  const FilePlan& plan_;
  const Lsn start_;
  FrameReader frames_;
  Bytes zeroes_;
};

}  // namespace pitr
