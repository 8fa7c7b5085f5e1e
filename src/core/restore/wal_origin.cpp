#include "core/restore/wal_origin.h"

#include "core/repo/opening/archive_hold.h"
#include "core/repo/opening/known_repository.h"
#include "core/restore/copy_guard.h"

namespace pitr {
namespace {

constexpr size_t kMaxOriginBytes = size_t{1} << 20;
constexpr mode_t kOriginMode = 0600;

}  // namespace

std::filesystem::path WalOrigin(const std::filesystem::path& wal_directory) {
  if (wal_directory.filename() != kWalDirectory) return wal_directory.empty() ? "." : wal_directory;
  const std::filesystem::path above = wal_directory.parent_path();
  return above.empty() ? "." : above;
}

Status KeepOrigin(const ClusterTree& tree, const std::string& aside) {
  for (const std::string_view name : {kRestoreMarkPath, std::string_view(kKnownRepositoriesFile)}) {
    const std::string kept = aside + "/" + std::string(name);
    if (tree.Stat(kept).ok()) continue;
    const auto content = tree.ReadWhole(name, kMaxOriginBytes);
    if (content.code() == Code::kNotFound || content.code() == Code::kInvalidArgument) continue;
    if (!content.ok()) return content.status();
    PITR_TRY(tree.WriteWhole(kept, content.value(), kOriginMode));
  }
  return Status::Ok();
}

Result<std::optional<CopysWal>> FindCopysWal(const Repository& repository, const std::string& origin,
                                             const OpContext& ctx) {
  PITR_ASSIGN(const ClusterTree tree, ClusterTree::Open(origin));
  PITR_ASSIGN(const std::optional<RestoreMark> mark, ReadRestoreMark(tree));
  if (!mark || mark->taken_over) return std::optional<CopysWal>();
  // Whether the original went on is told by how far the archive is beyond where this server left it; of what was set
  // aside that is not known any more.
  if (!mark->as_copy && !tree.Stat("PG_VERSION").ok()) return std::optional<CopysWal>();
  CopysWal copys{mark->timeline, mark->restored_micros, mark->as_copy, Status::Ok()};
  copys.why = CheckRestoredServer(repository, origin, *mark, ctx);
  if (!copys.why.ok() && !IsArchivingHeld(copys.why)) return copys.why;
  if (copys.why.ok() && !mark->as_copy) return std::optional<CopysWal>();
  return std::optional<CopysWal>(std::move(copys));
}

}  // namespace pitr
