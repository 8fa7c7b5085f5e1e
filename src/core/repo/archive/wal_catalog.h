// What WAL the repository holds: ranges per timeline, gaps, history files. Made from seals and by listing.
#pragma once
#include <map>
#include <optional>
#include <vector>

#include "core/pg/history.h"
#include "core/pg/wal_name.h"
#include "core/repo/archive/wal_seal.h"
#include "core/repo/manifest.h"

namespace pitr {

// Consecutive whole segments, all present.
struct WalRange {
  SegmentNo first;
  SegmentNo last;  // inclusive
  uint64_t stored_bytes = 0;
  uint64_t count() const { return last.value - first.value + 1; }
};

struct TimelineWal {
  Timeline timeline;
  std::vector<WalRange> ranges;            // ascending; what is between two of them is a gap
  std::map<SegmentNo, Lsn> partials;       // of which the archive has partial segments -> the end of the longest
  std::optional<TimelineHistory> history;  // not for timeline 1; nullopt when the file is missing or damaged
  Status history_problem;                  // why a history file that is there cannot be used
  std::string history_of_backup;           // what AddHistories() took for the file that is missing
  bool parents_unknown = false;            // that names none, because nobody knows any
  int64_t newest_micros = 0;               // when the newest segment was stored, by the store's clock
  bool undated = false;                    // the store does not tell that of each
  bool has_history_file = false;           // which may be damaged
  int64_t history_micros = 0;              // when the history file was stored; 0 when there is none
};

class WalCatalog {
 public:
  // Reads the seals, lists what is not sealed (one request per thousand objects) and reads the history files. Names
  // that are not WAL files are reported in the log and skipped, and so is a history file that is damaged. Errors as
  // ObjectStore::List and Get. Memory: by ranges, not by segments.
  static Result<WalCatalog> Load(const Repository& repository, const OpContext& ctx, Seals seals = Seals::kBelieve);
  // The same, but that the WAL which these backups need to become consistent is looked at: one request more for each in
  // a sealed group, and all is listed when something is not there.
  static Result<WalCatalog> LoadFor(const Repository& repository, const std::vector<BackupManifest>& backups,
                                    const OpContext& ctx);
  // The groups that nobody has looked at: their seals were believed.
  const std::map<WalGroup, WalSeal>& sealed() const { return sealed_; }

  // PostgreSQL hands a history file over once, to whoever archives then. Where the archive has none, that of the
  // backups that ended on the timeline takes its place, if they agree. Nor has any of them one for the oldest timeline
  // here, on which a backup begins and ends: then what was before it is not known, and nothing of that is needed.
  void AddHistories(const std::vector<BackupManifest>& backups);

  const std::map<Timeline, TimelineWal>& timelines() const { return timelines_; }
  bool Has(Timeline timeline, SegmentNo segment) const;
  // The last segment of the unbroken run on `timeline` that contains `from`; nullopt when `from` itself is missing.
  std::optional<SegmentNo> UnbrokenUntil(Timeline timeline, SegmentNo from) const;
  // How far the partial segments go that are stored of one; 0/0 when there is none.
  Lsn PartialEnd(Timeline timeline, SegmentNo segment) const;
  // Whether all WAL the backup needs to become consistent is there; of its last segment the beginning may do.
  bool Completes(const BackupManifest& backup) const { return !FirstMissing(backup); }
  // The first of these that is on neither of its timelines.
  std::optional<SegmentNo> FirstMissing(const BackupManifest& backup) const;

 private:
  Status AddListed(const Repository& repository, const std::map<WalGroup, WalSeal>& seals, const OpContext& ctx);
  void AddSealed(const WalGroup& group, const WalSeal& seal, uint32_t segment_size);
  void AddObject(const Repository& repository, const ObjectInfo& object);
  Status ReadHistories(const Repository& repository, const OpContext& ctx);
  std::map<Timeline, TimelineWal> timelines_;
  std::map<WalGroup, WalSeal> sealed_;
};

}  // namespace pitr
