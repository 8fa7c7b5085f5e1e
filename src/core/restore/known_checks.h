// The block checks of packs that a restore has read, for the next window of the file map: windows that follow each
// other have much the same packs. Any thread.
#pragma once
#include <map>
#include <memory>
#include <mutex>

#include "core/repo/maps/block_checks.h"

namespace pitr {

// Beyond this all are forgotten: 32 GiB of files.
inline constexpr uint64_t kKnownCheckBytes = uint64_t{32} << 20;

class KnownChecks {
 public:
  // All borrowed.
  KnownChecks(const Repository& repository, const BackupManifest& backup, uint64_t most_bytes = kKnownCheckBytes)
      : repository_(repository), backup_(backup), most_bytes_(most_bytes) {}

  // Of a pack, by its number in the manifest; empty when it has none, or none that can be trusted. kCorruption,
  // kNotFound, naming the backup, when there is no such pack; the store's errors.
  Result<std::shared_ptr<const BlockChecks>> Of(uint32_t pack, const OpContext& ctx);

  uint64_t bytes_fetched() const;  // stored

 private:
  const Repository& repository_;
  const BackupManifest& backup_;
  const uint64_t most_bytes_;
  mutable std::mutex mutex_;
  std::map<uint32_t, std::shared_ptr<const BlockChecks>> known_;  // protected by mutex_, as all here
  uint64_t held_bytes_ = 0;
  uint64_t fetched_ = 0;
};

}  // namespace pitr
