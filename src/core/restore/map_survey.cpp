#include "core/restore/map_survey.h"

#include <algorithm>

#include "core/pg/relation_file.h"
#include "core/pg/server_file.h"
#include "core/restore/restore_guard.h"

namespace pitr {
namespace {

uint64_t ExtentBytes(const MappedFile& file) {
  uint64_t bytes = 0;
  for (const Extent& extent : file.extents) bytes += extent.length;
  return bytes;
}

// What the file on disk has of them already; other names of the same file would be cut off from it.
uint64_t HeldBytes(const ClusterTree& tree, const MappedFile& file) {
  const auto there = tree.Stat(file.path);
  if (!there.ok() || !S_ISREG(there.value().st_mode) || there.value().st_nlink != 1) return 0;
  return static_cast<uint64_t>(there.value().st_blocks) * 512;
}

}  // namespace

Result<MapSurvey> MapSurvey::Of(const BackupMap& map, const BackupManifest& backup, const ClusterTree& tree,
                                const OpContext& ctx) {
  MapSurvey survey;
  survey.content = TreeContent::Of(map.list(), backup);
  for (const MappedDirectory& directory : map.list().directories)
    PITR_TRY(CheckTablespacePath(backup, directory.path, MappedKind::kDirectory));
  bool has_control = false;
  std::string directory;  // of the file before
  PITR_TRY(map.Visit(
      [&](const FileMap& window) -> Status {
        for (const MappedFile& file : window.files) {
          PITR_TRY(CheckTablespacePath(backup, file.path, MappedKind::kFile));
          has_control |= file.path == kControlFilePath;
          const size_t slash = file.path.rfind('/');
          const std::string_view parent =
              slash == std::string::npos ? "" : std::string_view(file.path).substr(0, slash);
          if (parent != directory) survey.content.AddDirectory(parent);
          directory = parent;
          const uint64_t bytes = ExtentBytes(file);
          survey.files++;
          survey.bytes += bytes;
          survey.to_write[directory] += bytes - std::min(bytes, HeldBytes(tree, file));
          if (!IsServerFile(file.path)) survey.own.push_back(file);
        }
        return ctx.Check();
      },
      ctx));
  if (!has_control) return OfDamagedBackup({Code::kCorruption, "its file map has no control file"}, backup.label);
  return survey;
}

}  // namespace pitr
