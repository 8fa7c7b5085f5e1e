// Which branch of the archive's history a target belongs to: computed, never guessed from timeline numbers. Exactly
// one: that is taken, and the reason is said. Several: the request is refused, with what each has and how to choose it.
// The rules are in docs/design/008-branches.md.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/restore/branches.h"
#include "core/restore/target.h"

namespace pitr {

// What the running server has used up to now, archived or not.
struct OwnPosition {
  uint64_t next_xid = 0;  // that it will give next; 0: not known, as for a standby
  Lsn end;                // of its WAL; 0/0: not known
};

struct BranchRequest {
  const RecoveryTarget* target = nullptr;  // its timeline is not looked at
  const BackupManifest* backup = nullptr;  // recovery starts from this one: only branches that it leads to
  std::optional<Timeline> own;             // that the running server writes or follows: its own branch is the default
  OwnPosition own_position;
};

// The branches between which nothing decides, and why others that had begun are not among them.
struct BranchesLeft {
  std::vector<const Branch*> branches;
  std::string why;  // a clause for people; empty when nothing but their WAL decided
};

struct BranchChoice {
  Timeline timeline;
  std::string why;  // a clause for people; empty when there is nothing to choose from
};

class BranchChooser {
 public:
  // All borrowed for its life.
  BranchChooser(const BranchTree& tree, const BackupCatalog& backups, const BranchRequest& request);

  // For a time, latest and immediate. kInvalidArgument when several branches qualify; kNotFound for an empty archive.
  Result<BranchChoice> Choose() const;
  // The branches on which something was found (a transaction, a restore point, a position), to one or a refusal.
  // `found` is not empty. `shared`: what was found may lie on the running server's history, whose branch is preferred.
  Result<BranchChoice> ChooseAmong(const std::vector<const Branch*>& found, bool shared) const;
  // For a transaction or a position that the running server has on its own branch although the archive has it only on
  // `found`: the server has not archived it yet, and another branch's of that number must not be taken for it. Ok when
  // it is not the server's.
  Status CheckNotOwn(const std::vector<const Branch*>& found) const;

  // The branches that may be chosen: not set aside, and on the way from the backup. Ascending.
  const std::vector<const Branch*>& pool() const { return pool_; }
  // That of the running server, if the archive has it and it may be chosen; else nullptr.
  const Branch* own() const { return own_; }
  // The branches that go on to the end of the archive: one, or several between which nothing decides.
  std::vector<const Branch*> Latest() const;
  // Where to look first: the branch that goes on now, or of several the one that was written last; nullptr for none.
  const Branch* Main() const;

 private:
  std::vector<const Branch*> GoingOnAt(int64_t micros, Doubt doubt) const;
  std::vector<const Branch*> AncestorsAt(int64_t micros, Doubt doubt) const;
  BranchesLeft WithoutOutlived(std::vector<const Branch*> branches) const;
  BranchesLeft LatestWithReason() const;
  Result<BranchChoice> ChooseAtTime() const;
  Result<BranchChoice> ChooseAtTime(Doubt doubt) const;
  Result<BranchChoice> ChooseImmediate() const;
  Result<BranchChoice> ChooseLatest() const;
  const Branch* Continued(const Branch* branch, int64_t micros, Doubt doubt) const;
  Status Nothing() const;
  Status Several(const std::vector<const Branch*>& branches, const std::string& why = "") const;

  const BranchTree& tree_;
  const BackupCatalog& backups_;
  const BranchRequest request_;
  std::vector<const Branch*> pool_;
  const Branch* own_ = nullptr;
};

}  // namespace pitr
