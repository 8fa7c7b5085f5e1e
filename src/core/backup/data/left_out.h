// What a listing of a data directory finds that is not stored: what makes the backup fail, all of it at once, and what
// is left out and said. One thread.
#pragma once
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/repo/manifest.h"

namespace pitr {

class LeftOut {
 public:
  // Something that belongs in the backup and cannot be stored. `error`: errno, 0 when it is none; `why`: a clause.
  void Refuse(const std::string& absolute, const std::string& why, int error = 0);
  void Skip(SkippedEntry entry);

  // kPermission (nothing but access rights is missing) or kInvalidArgument, naming what was refused, the first of many.
  Status ToStatus() const;
  // The first kMaxSkippedNamed, ascending by path, and how many there were.
  void MoveTo(std::vector<SkippedEntry>& skipped, uint64_t& count);

 private:
  struct Refused {
    std::string absolute;
    std::string why;
  };
  std::vector<Refused> refused_;  // at most kMaxRefusedNamed
  uint64_t refused_count_ = 0;
  bool only_rights_ = true;
  std::vector<SkippedEntry> skipped_;
  uint64_t skipped_count_ = 0;
};

}  // namespace pitr
