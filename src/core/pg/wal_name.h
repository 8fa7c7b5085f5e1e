// Names of the files PostgreSQL archives: segments, partial segments, timeline history files and
// backup history files. Built and parsed here and nowhere else. Source: access/xlog_internal.h.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "core/pg/lsn.h"

namespace pitr {

enum class WalFileKind {
  kSegment,        // 000000010000000000000001
  kPartial,        // 000000010000000000000001.partial
  kHistory,        // 00000002.history
  kBackupHistory,  // 000000010000000000000001.00000028.backup
};

struct WalFileName {
  WalFileKind kind = WalFileKind::kSegment;
  Timeline timeline;
  SegmentNo segment;          // not for kHistory
  uint32_t start_offset = 0;  // kBackupHistory: where in the segment the backup started
};

// Upper-case hexadecimal only, as PostgreSQL writes it. nullopt for any other name and for a segment
// number that `segment_size` does not allow.
std::optional<WalFileName> ParseWalFileName(std::string_view name, uint32_t segment_size);

std::string SegmentFileName(Timeline timeline, SegmentNo segment, uint32_t segment_size);
std::string HistoryFileName(Timeline timeline);

}  // namespace pitr
