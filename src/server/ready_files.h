// pg_wal/archive_status: which WAL files wait to be archived. Plain POSIX; any thread.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/status.h"

namespace pitr::server {

// Every process of a server works in its data directory.
inline constexpr char kDataDirectory[] = ".";
inline constexpr char kWalDirectory[] = "pg_wal";
inline constexpr char kStatusDirectory[] = "pg_wal/archive_status";

// The names (without ".ready") in the order PostgreSQL archives them: history files first, then by name; at most
// `limit`.
Result<std::vector<std::string>> ReadyFiles(size_t limit);

struct Backlog {
  uint64_t files = 0;
  uint64_t bytes = 0;
  std::string oldest;          // the next to be archived
  std::string oldest_segment;  // the smallest segment name
};
Result<Backlog> MeasureBacklog();

enum class ArchiveMark { kNone, kReady, kDone };
ArchiveMark MarkOf(const std::string& name);

// Makes a file that is marked done, or not at all, wait to be archived: PostgreSQL keeps it and asks for it at its next
// look. The mark of a file that is recycled at the same time is an orphan, which PostgreSQL's archiver removes.
Status MarkReady(const std::string& name);

}  // namespace pitr::server
