// Chooses the backup and finds the record at which PostgreSQL would stop. The rules are those of recoveryStopsBefore()
// and recoveryStopsAfter() in access/transam/xlogrecovery.c: a time is compared with commit and abort records only and
// always stops before one; a transaction is compared with its commit or abort; a position stops at the first record
// that starts at or after it; the first record that fits, counted from the backup's start, decides, and it must come
// after the backup's end.
#pragma once
#include <string>
#include <vector>

#include "core/restore/plan.h"
#include "core/restore/wal_scan.h"

namespace pitr {

// A backup from which this path can be followed.
struct Candidate {
  const BackupManifest* backup = nullptr;
  SegmentNo first;
  SegmentNo until;        // end of the unbroken run that begins with `first`
  bool complete = false;  // the run reaches the end of the backup
  std::string damage;     // what a verification has found; "" is nothing
};

// When there is no finished backup of that label: kNotFound, kInvalidArgument when it was begun, or what is wrong with
// its manifest.
Status CheckBackupLabel(const BackupCatalog& backups, const std::string& label);

// Backups that lead along `path`, ascending by position; with `label` only that one: errors of CheckBackupLabel, and
// kInvalidArgument when it does not lead there. kNotFound when there is none at all.
Result<std::vector<Candidate>> FindCandidates(const BackupCatalog& backups, const WalPath& path,
                                              const std::string& label);

struct Resolution {
  const Candidate* from = nullptr;
  std::optional<RecoveryTarget> server_target;  // what the server must be told instead, to end there
  StopPoint stop;
  SegmentNo last_segment;  // the last one the server must read
  std::vector<std::string> notes;
};

// What TargetFinder::Find() gives, from backups without damaged pages and of which no damage is known when these lead
// as far; else from all of them. Replaying WAL over an undamaged page gives the page that a newer backup could not
// read.
Result<Resolution> FindSoundFirst(const Repository& repository, const WalPath& path,
                                  const std::vector<Candidate>& candidates, const RecoveryTarget& target,
                                  const OpContext& ctx, Progress* progress = nullptr);

// One search along one path. Borrowed arguments outlive it.
class TargetFinder {
 public:
  TargetFinder(const Repository& repository, const WalPath& path, const std::vector<Candidate>& candidates,
               const RecoveryTarget& target, const OpContext& ctx, Progress* progress = nullptr)
      : repository_(repository),
        path_(path),
        candidates_(candidates),
        target_(target),
        scanner_(repository, path, ctx, progress) {}

  // kNotFound says why the target cannot be reached, with the nearest points that can in the detail.
  Result<Resolution> Find();

 private:
  Result<Resolution> FindEnd();  // latest, immediate
  Result<Resolution> FindPosition();
  Result<Resolution> FindTime();
  Result<const Candidate*> BeforeClockWentBack(const Candidate& from);
  Result<Resolution> FindQuietTime(const Candidate& from);  // after the last transaction
  Result<Resolution> FindByName();                          // a transaction or a restore point

  const Candidate* NewestComplete() const;
  Status NoneComplete();
  Status EndNotSafe(SegmentNo next);
  bool IsAfterTime(const WalMark& mark) const;
  Result<std::optional<WalMark>> FirstAfterTime(const Candidate& from);
  Result<bool> HoldsNothingLater(const Candidate& from, Lsn first_after);
  Result<SegmentNo> BisectTime(SegmentNo low, SegmentNo high);
  Result<SegmentNo> WalkBack(SegmentNo low, SegmentNo from);
  Resolution StopAt(const Candidate& from, const WalMark& mark, bool applied) const;
  Status AddLastCommit(Resolution& resolution);
  void NotePrepared(SegmentNo segment, StopPoint& stop);
  Status Unreachable(std::string why);
  std::string ReachText();
  std::string GapText(const Candidate& from) const;
  std::string GapHint() const;
  Status MissingName(const std::vector<WalMark>& seen, uint32_t parent_xid, uint64_t of_other_epoch);

  const Repository& repository_;
  const WalPath& path_;
  const std::vector<Candidate>& candidates_;
  const RecoveryTarget& target_;
  WalScanner scanner_;
  bool bisected_ = false;
};

}  // namespace pitr
