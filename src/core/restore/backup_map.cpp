#include "core/restore/backup_map.h"

#include <algorithm>

#include "core/repo/maps/file_map_parser.h"

namespace pitr {

Status OfDamagedBackup(Status status, const std::string& label) {
  if (status.code() != Code::kCorruption && status.code() != Code::kNotFound) return status;
  std::string hint = status.hint();
  if (!hint.empty()) hint += " ";
  hint +=
      "Restore from another backup with --backup LABEL; pg_pitr info lists them, and pg_pitr verify finds what else "
      "is damaged.";
  return std::move(status).Annotate("backup \"" + label + "\" is damaged").WithHint(std::move(hint));
}

Result<BackupMap> BackupMap::Open(const Repository& repository, const BackupManifest& backup, int jobs,
                                  size_t window_bytes, const OpContext& ctx) {
  auto list = ReadMapPages(repository, backup, ctx);
  if (!list.ok()) return OfDamagedBackup(std::move(list).status(), backup.label);
  return BackupMap(repository, backup, jobs, window_bytes, std::move(list).value());
}

Result<MapWindow> BackupMap::Window(size_t first, const OpContext& ctx) const {
  auto window = ReadMapWindow(*repository_, backup_->packs, list_.pages, first, jobs_, ctx, window_bytes_);
  if (!window.ok()) return OfDamagedBackup(std::move(window).status(), backup_->label);
  return window;
}

Status BackupMap::Visit(const std::function<Status(const FileMap&)>& visit, const OpContext& ctx) const {
  for (size_t first = 0; first < list_.pages.size();) {
    PITR_ASSIGN(const MapWindow window, Window(first, ctx));
    PITR_TRY(visit(window.map));
    first = window.end;
  }
  return Status::Ok();
}

Result<bool> MappedPaths::Contains(std::string_view path, const OpContext& ctx) {
  const std::vector<MapPage>& pages = map_.list().pages;
  const auto behind = std::upper_bound(pages.begin(), pages.end(), path,
                                       [](std::string_view a, const MapPage& b) { return a < b.first_path; });
  if (behind == pages.begin()) return false;
  const auto page = static_cast<size_t>(behind - pages.begin()) - 1;
  if (page < first_ || page >= end_) {
    first_ = end_ = 0;
    paths_.clear();
    auto read = map_.Window(page, ctx);
    // Who asks looks for files on disk, too: "not found" is theirs.
    if (read.code() == Code::kNotFound)
      return Status(Code::kCorruption, read.status().message())
          .WithDetail(read.status().detail())
          .WithHint(read.status().hint());
    if (!read.ok()) return std::move(read).status();
    const MapWindow& window = read.value();
    for (const MappedFile& file : window.map.files) paths_.push_back(file.path);
    first_ = window.first;
    end_ = window.end;
  }
  return std::binary_search(paths_.begin(), paths_.end(), path);
}

}  // namespace pitr
