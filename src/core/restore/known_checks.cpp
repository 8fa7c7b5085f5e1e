#include "core/restore/known_checks.h"

#include "core/restore/backup_map.h"

namespace pitr {

Result<std::shared_ptr<const BlockChecks>> KnownChecks::Of(uint32_t pack, const OpContext& ctx) {
  if (pack >= backup_.packs.size())
    return OfDamagedBackup({Code::kCorruption, "the file map names a pack that the manifest does not have"},
                           backup_.label);
  {
    std::lock_guard lock(mutex_);
    if (const auto known = known_.find(pack); known != known_.end()) return known->second;
  }
  auto loaded = BlockChecks::Load(repository_, backup_.packs[pack], ctx);
  if (!loaded.ok() && loaded.code() != Code::kCorruption)
    return OfDamagedBackup(std::move(loaded).status(), backup_.label);
  const auto checks = std::make_shared<const BlockChecks>(loaded.ok() ? std::move(loaded).value() : BlockChecks());
  std::lock_guard lock(mutex_);
  // They are checksums, which do not compress: what is stored is about what is held.
  const uint64_t bytes = checks->stored_bytes();
  fetched_ += bytes;
  if (held_bytes_ + bytes > most_bytes_) {
    known_.clear();
    held_bytes_ = 0;
  }
  held_bytes_ += bytes;
  known_[pack] = checks;
  return checks;
}

uint64_t KnownChecks::bytes_fetched() const {
  std::lock_guard lock(mutex_);
  return fetched_;
}

}  // namespace pitr
