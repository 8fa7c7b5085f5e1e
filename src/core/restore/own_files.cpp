#include "core/restore/own_files.h"

#include <xxhash.h>

#include <algorithm>

#include "core/config/settings_file.h"
#include "core/pg/server_file.h"
#include "core/repo/opening/known_repository.h"
#include "core/restore/restore_mark.h"

namespace pitr {
namespace {

// Configuration is small; of what is larger, a difference is not looked for.
constexpr size_t kMaxComparedBytes = size_t{64} << 20;
// Without these no server starts, or none that lets anybody in.
constexpr std::string_view kEssential[] = {"postgresql.conf", "postgresql.auto.conf", "pg_hba.conf", "pg_ident.conf"};

bool SameContent(const MappedFile& file, ByteView bytes) {
  if (bytes.size() != file.size_bytes) return false;
  const auto zeroes = [&](uint64_t begin, uint64_t end) {
    return std::all_of(bytes.begin() + static_cast<ptrdiff_t>(begin), bytes.begin() + static_cast<ptrdiff_t>(end),
                       [](uint8_t byte) { return byte == 0; });
  };
  uint64_t covered = 0;
  for (const Extent& extent : file.extents) {
    if (!extent.checked || !zeroes(covered, extent.file_offset)) return false;
    const ByteView piece = bytes.subspan(extent.file_offset, extent.length);
    if (XXH3_64bits(piece.data(), piece.size()) != extent.check) return false;
    covered = extent.end();
  }
  return zeroes(covered, bytes.size());
}

// Whether somebody has changed it since the backup: what a restore wrote into it, and what the module keeps for itself,
// is nobody's change.
bool SameButForOurs(const MappedFile& file, ByteView bytes, const std::vector<RecoverySetting>& written) {
  if (file.path == kKnownRepositoriesFile) return true;
  return file.path == kAutoConfPath && SameContent(file, AsBytes(RemoveSettings(AsText(bytes), written)));
}

// What a crash of the machine or a full disk leaves: nothing, zeroes, half a line.
bool IsDamaged(const MappedFile& file, ByteView bytes) {
  if (std::find(std::begin(kEssential), std::end(kEssential), file.path) == std::end(kEssential)) return false;
  if (bytes.empty()) return file.size_bytes > 0;
  if (std::find(bytes.begin(), bytes.end(), uint8_t{0}) != bytes.end()) return true;
  return file.path.starts_with("postgresql.") && !ParseSettingsText(AsText(bytes), file.path).ok();
}

}  // namespace

Result<OwnFiles> FindOwnFiles(const ClusterTree& tree, const std::vector<MappedDirectory>& directories,
                              const std::vector<MappedFile>& files, const ServerLogs& logs, Configuration choice,
                              const OpContext& ctx) {
  OwnFiles own;
  std::vector<RecoverySetting> written;
  if (auto mark = ReadRestoreMark(tree); mark.ok() && mark.value()) written = std::move(mark.value()->settings);
  for (const MappedDirectory& directory : directories) {
    if (directory.path.empty() || directory.path == "." || IsServerFile(directory.path) || logs.Holds(directory.path))
      continue;
    // A link, or below one: where it leads is outside.
    const auto there = tree.Stat(directory.path);
    const bool other = there.code() == Code::kConflict || (there.ok() && !S_ISDIR(there.value().st_mode));
    if (choice == Configuration::kKeep && (there.ok() || other)) own.kept.insert(directory.path);
    if (choice == Configuration::kBackup && there.ok() && other) own.replaced.insert(directory.path);
  }
  for (const MappedFile& file : files) {
    if (logs.Holds(file.path)) continue;
    PITR_TRY(ctx.Check());
    const auto there = tree.Stat(file.path);
    if (there.code() == Code::kNotFound) {
      own.restored.insert(file.path);
      continue;
    }
    bool same = false, damaged = false, ours = false;
    if (there.ok() && S_ISREG(there.value().st_mode)) {
      const auto content = tree.ReadWhole(file.path, kMaxComparedBytes);
      same = content.ok() && SameContent(file, content.value());
      damaged = content.ok() && !same && IsDamaged(file, content.value());
      ours = content.ok() && SameButForOurs(file, content.value(), written);
    }
    // A restore writes into it.
    if (there.ok() && !S_ISREG(there.value().st_mode) && file.path == kAutoConfPath) damaged = true;
    if (choice == Configuration::kKeep && !damaged) {
      own.kept.insert(file.path);
      if (!same && !ours) own.differing.insert(file.path);
    } else if (!same && there.ok()) {
      own.replaced.insert(file.path);
      if (choice == Configuration::kKeep) own.damaged.insert(file.path);
    }
  }
  return own;
}

}  // namespace pitr
