// Whole transaction numbers: records of transactions have the lower 32 bits only, checkpoints the whole next number.
// Any thread may note what it reads.
#pragma once
#include <map>
#include <mutex>
#include <optional>

#include "core/pg/wal_event.h"
#include "core/restore/wal_scan.h"

namespace pitr {

class NextXids {
 public:
  void Note(const WalEvent& event);  // all but checkpoints are passed over
  // By the last checkpoint before it; nullopt when none was noted.
  std::optional<uint64_t> FullXid(const WalMark& transaction_end) const;

 private:
  mutable std::mutex mutex_;
  std::map<Lsn, uint64_t> by_position_;  // protected by mutex_
};

}  // namespace pitr
