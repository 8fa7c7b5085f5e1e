// The archive's timelines as a tree whose branches have a life by the wall clock (docs/design/008-branches.md).
// Immutable once loaded; any thread. Catalogs are borrowed.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/repo/archive/wal_catalog.h"
#include "core/repo/backups/backup_catalog.h"
#include "core/restore/branch_life.h"
#include "core/restore/wal_path.h"

namespace pitr {

// One timeline and the WAL that was written on it. What lies before `fork` belongs to its parents.
struct Branch {
  Timeline timeline;
  Timeline parent;              // invalid for the first timeline, and when the archive does not have the parent
  Lsn fork;                     // where it left the parent, had or not; 0/0 for the first, or when that is not known
  std::optional<WalPath> path;  // nullopt: recovery cannot follow it
  Status problem;               // why not
  bool reachable = false;       // a backup leads to it that has all the WAL it needs
  bool set_aside = false;       // by the operator: not to be chosen by itself
  std::string aside_why;        // who did it, when and why; a phrase
  uint64_t segments = 0;        // stored under this timeline's name, whole
  uint64_t unfinished = 0;      // of which only the beginning is stored
  uint64_t stored_bytes = 0;
  BranchLife life;

  // Where the way to it leaves `other`; nullopt when it does not lead through it.
  std::optional<Lsn> LeavesAt(Timeline other) const { return path ? path->history().SwitchPoint(other) : std::nullopt; }
  // Whether the way to it leads through `other`, itself included.
  bool Includes(Timeline other) const { return other == timeline || (path && path->history().Includes(other)); }
};

// How a moment is taken that lies in the second in which a branch began, when nothing says which of the two was first.
enum class Doubt { kBegun, kNotYet };

inline bool HadBegun(const Branch& branch, int64_t micros, Doubt doubt) {
  return (doubt == Doubt::kBegun ? branch.life.begin_micros : branch.life.begun_by_micros) <= micros;
}

class BranchTree {
 public:
  // Reads the ends of the branches when there is more than one. Errors are the store's.
  static Result<BranchTree> Load(const Repository& repository, const BackupCatalog& backups, const WalCatalog& wal,
                                 const OpContext& ctx);
  // Pure: of branches whose lives are known. Ascending by timeline.
  explicit BranchTree(std::vector<Branch> branches);

  const std::vector<Branch>& branches() const { return branches_; }
  bool empty() const { return branches_.empty(); }
  const Branch* Find(Timeline timeline) const;

  // Whether the server of `branch` had left it for another that was opened at or before `micros`,
  // by a recovery or a promotion: it had gone silent for good by then, and was the only one that could have been left.
  bool WasLeftBy(const Branch& branch, int64_t micros, Doubt doubt = Doubt::kBegun) const;
  // The branch that goes on where `branch` ends: a child that lacks nothing of it. nullptr when there is none.
  const Branch* ContinuationOf(const Branch& branch) const;

 private:
  bool WasSilentBefore(const Branch& branch, const Branch& other) const;
  void FindOpeners();
  std::vector<Branch> branches_;
  std::map<Timeline, Timeline> left_for_;  // a branch that does not go on: for which one its server left it
};

// Whether a backup that has all its WAL leads along `path`.
bool AnyBackupLeads(const BackupCatalog& backups, const WalPath& path);

// "timeline 2: left timeline 1 at 0/3000158, opened 2026-...; last commit ... (transaction 745); 3 segments, 1.2 MB".
std::string DescribeBranch(const Branch& branch);

}  // namespace pitr
