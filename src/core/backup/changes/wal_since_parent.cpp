#include "core/backup/changes/wal_since_parent.h"

#include "core/repo/wal/history_source.h"
#include "core/repo/wal/wal_source.h"

namespace pitr {
Result<Bytes> ReadClusterFile(const std::string& path, size_t max_bytes) {
  PITR_ASSIGN(const WalSource source, WalSource::Open(path));
  if (source.size_bytes() > max_bytes)
    return Status(Code::kCorruption, "file \"" + path + "\" has " + std::to_string(source.size_bytes()) + " bytes");
  Bytes bytes(source.size_bytes());
  PITR_TRY(source.ReadAt(0, bytes));
  return bytes;
}

Result<WalSinceParent> FindWalSinceParent(const Repository& repository, const std::string& data_directory,
                                          const BackupManifest& parent, Timeline timeline, Lsn start_lsn,
                                          const OpContext& ctx) {
  PITR_ASSIGN(TimelineHistory history, ServerHistory(repository, data_directory, timeline, ctx));
  if (!history.ReachedFrom(parent.stop_timeline, parent.stop_lsn))
    return Status(Code::kConflict,
                  "backup \"" + parent.label + "\" is not on the way to timeline " + std::to_string(timeline.value));
  return WalSinceParent{std::move(history), parent.start_lsn, start_lsn};
}

}  // namespace pitr
