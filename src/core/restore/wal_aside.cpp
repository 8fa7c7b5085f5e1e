#include "core/restore/wal_aside.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "core/pg/timestamp.h"
#include "core/pg/wal_name.h"
#include "core/pg/wal_page.h"

namespace pitr {
namespace {

constexpr std::string_view kWalDirectory = "pg_wal";
constexpr std::string_view kStatusDirectory = "pg_wal/archive_status";

bool Archived(const WalCatalog& archive, const WalFileName& name) {
  const auto found = archive.timelines().find(name.timeline);
  if (found == archive.timelines().end()) return false;
  switch (name.kind) {
    case WalFileKind::kSegment:
      return archive.Has(name.timeline, name.segment);
    case WalFileKind::kPartial:
      return std::binary_search(found->second.partials.begin(), found->second.partials.end(), name.segment);
    case WalFileKind::kHistory:
      return found->second.history.has_value();
    // Information for people; recovery does not need it.
    case WalFileKind::kBackupHistory:
      return true;
  }
  return false;
}

// What cannot be read is not called reusable.
bool IsRecycled(const ClusterTree& tree, const std::string& path, const WalFileName& name, uint32_t segment_size) {
  if (name.kind != WalFileKind::kSegment) return false;
  auto fd = tree.OpenFile(path, O_RDONLY | O_NONBLOCK);
  if (!fd.ok()) return false;
  uint8_t bytes[kLongWalPageHeaderSize];
  if (pread(fd.value().get(), bytes, sizeof bytes, 0) != static_cast<ssize_t>(sizeof bytes)) return false;
  return IsRecycledSegment(bytes, name.segment, segment_size);
}

}  // namespace

bool IsRecycledSegment(ByteView first_bytes, SegmentNo segment, uint32_t segment_size) {
  if (std::all_of(first_bytes.begin(), first_bytes.end(), [](uint8_t byte) { return byte == 0; })) return true;
  auto header = CheckSegmentHeader(first_bytes);
  return header.ok() && header.value().start != SegmentStart(segment, segment_size);
}

std::string AsideName(int64_t now_micros) {
  std::string digits;
  for (char c : FormatIso8601(now_micros).substr(0, 19))
    if (c != '-' && c != ':') digits += c;
  return std::string(kAsidePrefix) + "-" + digits + "Z";
}

Result<AsideResult> SetWalAside(const ClusterTree& tree, const WalCatalog& archive, uint32_t segment_size,
                                const std::string& aside) {
  AsideResult result;
  auto info = tree.Stat(kWalDirectory);
  if (info.code() == Code::kNotFound) return result;
  if (!info.ok()) return info.status();
  if (S_ISLNK(info.value().st_mode)) {
    // What the link leads to is outside the data directory and stays untouched.
    PITR_TRY(tree.Rename(kWalDirectory, aside));
    PITR_TRY(tree.SyncDirectory(""));
    result.link_moved = true;
    return result;
  }
  if (!S_ISDIR(info.value().st_mode)) return result;
  PITR_TRY(tree.MakeAccessible(kWalDirectory));
  PITR_TRY(tree.MakeAccessible(kStatusDirectory));
  PITR_ASSIGN(const std::vector<std::string> names, tree.List(kWalDirectory));
  std::set<std::string> ready;
  if (auto status_files = tree.List(kStatusDirectory); status_files.ok()) {
    for (const std::string& name : status_files.value())
      if (name.ends_with(".ready")) ready.insert(name.substr(0, name.size() - 6));
  }
  for (const std::string& name : names) {
    const auto parsed = ParseWalFileName(name, segment_size);
    if (!parsed) continue;
    const std::string path = std::string(kWalDirectory) + "/" + name;
    if (!ready.contains(name) && (Archived(archive, *parsed) || IsRecycled(tree, path, *parsed, segment_size)))
      continue;
    if (result.kept.empty()) PITR_TRY(tree.MakeDirectory(aside, 0700));
    PITR_TRY(tree.Rename(path, aside + "/" + name));
    result.kept.push_back(name);
  }
  if (result.kept.empty()) return result;
  std::sort(result.kept.begin(), result.kept.end());
  PITR_TRY(tree.SyncDirectory(aside));
  PITR_TRY(tree.SyncDirectory(kWalDirectory));
  PITR_TRY(tree.SyncDirectory(""));
  return result;
}

}  // namespace pitr
