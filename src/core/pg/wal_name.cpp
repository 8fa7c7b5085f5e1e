#include "core/pg/wal_name.h"

#include <charconv>
#include <cstdio>

#include "core/base/ascii.h"

namespace pitr {
namespace {

std::optional<uint32_t> Hex8(std::string_view text) {
  if (text.size() != 8) return std::nullopt;
  for (char c : text)
    if (!(IsDigit(c) || (c >= 'A' && c <= 'F'))) return std::nullopt;
  uint32_t value = 0;
  std::from_chars(text.data(), text.data() + 8, value, 16);
  return value;
}

constexpr size_t kSegmentDigits = 24;

}  // namespace

std::optional<WalFileName> ParseWalFileName(std::string_view name, uint32_t segment_size) {
  WalFileName parsed;
  auto timeline = Hex8(name.substr(0, 8));
  if (!timeline || *timeline == 0) return std::nullopt;
  parsed.timeline = {*timeline};
  if (name.substr(8) == ".history") {
    parsed.kind = WalFileKind::kHistory;
    return parsed;
  }
  if (name.size() < kSegmentDigits) return std::nullopt;
  auto log = Hex8(name.substr(8, 8));
  auto seg = Hex8(name.substr(16, 8));
  const uint64_t segments_per_log = (uint64_t{1} << 32) / segment_size;
  if (!log || !seg || *seg >= segments_per_log) return std::nullopt;
  parsed.segment = {*log * segments_per_log + *seg};
  std::string_view rest = name.substr(kSegmentDigits);
  if (rest.empty()) return parsed;
  if (rest == ".partial") {
    parsed.kind = WalFileKind::kPartial;
    return parsed;
  }
  if (rest.size() != 16 || rest[0] != '.' || rest.substr(9) != ".backup") return std::nullopt;
  auto offset = Hex8(rest.substr(1, 8));
  if (!offset) return std::nullopt;
  parsed.kind = WalFileKind::kBackupHistory;
  parsed.start_offset = *offset;
  return parsed;
}

std::string SegmentFileName(Timeline timeline, SegmentNo segment, uint32_t segment_size) {
  const uint64_t segments_per_log = (uint64_t{1} << 32) / segment_size;
  char name[32];
  snprintf(name, sizeof name, "%08X%08X%08X", timeline.value, static_cast<unsigned>(segment.value / segments_per_log),
           static_cast<unsigned>(segment.value % segments_per_log));
  return name;
}

std::string HistoryFileName(Timeline timeline) {
  char name[24];
  snprintf(name, sizeof name, "%08X.history", timeline.value);
  return name;
}

}  // namespace pitr
