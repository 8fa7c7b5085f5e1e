// The WAL between a parent backup and an increment, and what is known of the blocks it changes.
#pragma once
#include <optional>
#include <string>

#include "core/pg/block_changes.h"
#include "core/pg/history.h"
#include "core/repo/manifest.h"
#include "core/repo/repository.h"

namespace pitr {

struct WalSinceParent {
  TimelineHistory history;  // leads to the increment's timeline
  Lsn from;                 // the parent's start: redo position of its checkpoint
  Lsn to;                   // the increment's start
};

struct ChangeKnowledge {
  std::optional<BlockChanges> changes;
  std::string why_not;  // when there are none: what is missing, as the end of a sentence
};

// The range, with the timelines' history from pg_wal or, where that has lost it, from the repository. kConflict when
// the parent is not on the path that leads to `timeline`; kNotFound when the history file is nowhere.
Result<WalSinceParent> FindWalSinceParent(const Repository& repository, const std::string& data_directory,
                                          const BackupManifest& parent, Timeline timeline, Lsn start_lsn,
                                          const OpContext& ctx);

// A small file of the data directory. kNotFound, kUnavailable; kCorruption when it has more than `max_bytes`.
Result<Bytes> ReadClusterFile(const std::string& path, size_t max_bytes);

// From change maps in the repository. A segment that has none is read itself: in pg_wal while it is there (one that is
// not archived yet, above all the one that the increment starts in), else in the repository, in which case its map is
// stored for the next one who asks; not more than kMostWalReadAgain in all. kCancelled is the only error; everything
// else is a reason not to know.
inline constexpr uint64_t kMostWalReadAgain = uint64_t{4} << 30;  // bytes
Result<ChangeKnowledge> CollectArchivedChanges(const Repository& repository, const std::string& data_directory,
                                               const WalSinceParent& range, int jobs, const OpContext& ctx,
                                               uint64_t most_read_again = kMostWalReadAgain);

// From WAL summaries of 17 and later in pg_wal. While the server's summarizer has nothing but the end of the range to
// do, waits for it, until it has made none for `patience_ms`. kCancelled is the only error.
Result<ChangeKnowledge> CollectSummarizedChanges(const std::string& data_directory, const WalSinceParent& range,
                                                 int64_t patience_ms, const OpContext& ctx);

}  // namespace pitr
