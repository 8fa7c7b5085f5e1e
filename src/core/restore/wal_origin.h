// Whose WAL a directory holds: that of the data directory whose server wrote it, or, where a restore has set it aside,
// of the server that was there. Both say it with the files that a restore and the archiver leave (pg_pitr.restored,
// pg_pitr.repository). WAL that a copy wrote does not go into the repository that the copy was made from.
#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "core/repo/repository.h"
#include "core/restore/cluster_tree.h"
#include "core/restore/restore_mark.h"

namespace pitr {

// Where those files are, for WAL in `wal_directory`: above one that is called pg_wal, else in the directory itself.
// Pure.
std::filesystem::path WalOrigin(const std::filesystem::path& wal_directory);

// Leaves in `aside`, which exists, what says whose WAL is set aside there or below. What is there already stays: of a
// restore that is continued the first run knew it.
Status KeepOrigin(const ClusterTree& tree, const std::string& aside);

struct CopysWal {
  Timeline after;               // timelines above this one are the copy's own
  int64_t restored_micros = 0;  // when the copy was made
  bool as_copy = false;         // it was meant as one; else the server it was made from is seen to live
  Status why;                   // what CheckRestoredServer says
};
// nullopt: no server is known to have been restored there, or it continues the cluster. `origin`: as WalOrigin's.
// Errors: a mark that cannot be read, the store's.
Result<std::optional<CopysWal>> FindCopysWal(const Repository& repository, const std::string& origin,
                                             const OpContext& ctx);

}  // namespace pitr
