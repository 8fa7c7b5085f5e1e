#include "core/restore/next_xids.h"

namespace pitr {

void NextXids::Note(const WalEvent& event) {
  const auto* checkpoint = std::get_if<Checkpoint>(&event.what);
  if (checkpoint == nullptr) return;
  std::lock_guard lock(mutex_);
  by_position_[event.start] = checkpoint->next_xid;
}

std::optional<uint64_t> NextXids::FullXid(const WalMark& transaction_end) const {
  std::lock_guard lock(mutex_);
  const auto after = by_position_.upper_bound(transaction_end.start);
  if (after == by_position_.begin()) return std::nullopt;
  const uint64_t next = std::prev(after)->second;
  // Transactions that run, and what is between two checkpoints, are less than 2^31 numbers away.
  return next + static_cast<uint64_t>(int64_t{static_cast<int32_t>(transaction_end.xid - static_cast<uint32_t>(next))});
}

}  // namespace pitr
