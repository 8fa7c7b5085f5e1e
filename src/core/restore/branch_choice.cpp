#include "core/restore/branch_choice.h"

#include <algorithm>

#include "core/pg/timestamp.h"
#include "core/restore/target_command.h"

namespace pitr {
namespace {

using Branches = std::vector<const Branch*>;

constexpr int64_t kEndOfTime = INT64_MAX;

std::string Number(const Branch& branch) { return std::to_string(branch.timeline.value); }

// The backup from which a recovery to the end of the branch would start.
const BackupManifest* NewestLeading(const BackupCatalog& backups, const Branch& branch) {
  const BackupManifest* newest = nullptr;
  if (!branch.path) return nullptr;
  for (const BackupManifest& backup : backups.backups) {
    if (!branch.path->LeadsFrom(backup) || !branch.path->HasWalOf(backup)) continue;
    if (newest == nullptr || backup.stop_lsn > newest->stop_lsn) newest = &backup;
  }
  return newest;
}

// Whether the transaction was given its number before `next`; one without epoch is of the time around that.
bool Precedes(const RecoveryTarget& target, uint64_t next) {
  if (target.epoch) return FullXid(target) < next;
  return static_cast<int32_t>(target.xid - static_cast<uint32_t>(next)) < 0;
}

Lsn ArchivedUntil(const Branch& branch) {
  if (!branch.path) return {};
  const auto newest = branch.path->Newest(), partial = branch.path->NewestPartial();
  const Lsn whole = newest ? SegmentStart(SegmentNo{newest->value + 1}, branch.path->segment_size()) : Lsn();
  return partial ? std::max(whole, branch.path->PartialEnd(*partial).value_or(Lsn())) : whole;
}

// As long as one can be reached those that cannot are no choice.
Branches PreferReachable(Branches branches) {
  const auto reachable = [](const Branch* branch) { return branch->reachable; };
  if (std::any_of(branches.begin(), branches.end(), reachable))
    std::erase_if(branches, [&](const Branch* branch) { return !reachable(branch); });
  return branches;
}

const Branch* DeepestOn(const Branch& own, const Branches& branches) {
  const Branch* deepest = nullptr;
  for (const Branch* branch : branches)
    if (own.Includes(branch->timeline)) deepest = branch;
  return deepest;
}

}  // namespace

BranchChooser::BranchChooser(const BranchTree& tree, const BackupCatalog& backups, const BranchRequest& request)
    : tree_(tree), backups_(backups), request_(request) {
  const auto leads = [&](const Branch& branch) {
    return request.backup == nullptr || (branch.path && branch.path->LeadsFrom(*request.backup));
  };
  for (const Branch& branch : tree.branches())
    // What the running server writes is its history, set aside or not.
    if ((!branch.set_aside || branch.timeline == request.own) && leads(branch)) pool_.push_back(&branch);
  // Who names a backup of a branch that was set aside means that branch.
  if (pool_.empty() && request.backup != nullptr)
    for (const Branch& branch : tree.branches())
      if (leads(branch)) pool_.push_back(&branch);
  if (!request.own) return;
  for (const Branch* branch : pool_)
    if (branch->timeline == *request.own) own_ = branch;
}

Branches BranchChooser::GoingOnAt(int64_t micros, Doubt doubt) const {
  Branches begun, going_on;
  for (const Branch* branch : pool_) {
    if (!HadBegun(*branch, micros, doubt)) continue;
    begun.push_back(branch);
    if (!tree_.WasLeftBy(*branch, micros, doubt)) going_on.push_back(branch);
  }
  if (begun.empty()) return AncestorsAt(micros, doubt);
  // Of a backup's own branches all may have been left.
  return PreferReachable(going_on.empty() ? begun : going_on);
}

// What was set aside, such as the timeline of an old primary, is the only history there was before the others began.
Branches BranchChooser::AncestorsAt(int64_t micros, Doubt doubt) const {
  Branches begun;
  for (const Branch& branch : tree_.branches()) {
    const auto leads_through = [&](const Branch* chosen) { return chosen->Includes(branch.timeline); };
    if (!HadBegun(branch, micros, doubt) || std::none_of(pool_.begin(), pool_.end(), leads_through)) continue;
    std::erase_if(begun, [&](const Branch* earlier) { return branch.Includes(earlier->timeline); });
    begun.push_back(&branch);
  }
  return begun;
}

// A server that is idle writes nothing, so silence alone does not show that a branch was left; nor does a backup of a
// parent, which an old primary takes as well as a production server that a copy left. Decided is only where nothing can
// be missing: the one leads over the other, has all that was committed there, and a backup of it was taken since.
BranchesLeft BranchChooser::WithoutOutlived(Branches branches) const {
  BranchesLeft left;
  const auto newer_backup = [&](const Branch& one, const Branch& other) -> const BackupManifest* {
    const auto leaves = one.LeavesAt(other.timeline);
    if (!leaves || other.life.MayEndAfter(*leaves)) return nullptr;
    for (const BackupManifest& backup : backups_.backups)
      if (one.path->LeadsFrom(backup) && StopTimeline(backup) > other.timeline &&
          backup.start_micros > other.life.last_micros)
        return &backup;
    return nullptr;
  };
  for (const Branch* branch : branches) {
    const BackupManifest* backup = nullptr;
    for (const Branch* one : branches)
      if (backup == nullptr && one != branch) backup = newer_backup(*one, *branch);
    if (backup == nullptr) {
      left.branches.push_back(branch);
    } else {
      left.why = "it has every transaction of timeline " + Number(*branch) + ", and backup \"" + backup->label +
                 "\" was taken of it when that had fallen silent";
    }
  }
  return left;
}

BranchesLeft BranchChooser::LatestWithReason() const { return WithoutOutlived(GoingOnAt(kEndOfTime, Doubt::kBegun)); }

Branches BranchChooser::Latest() const { return LatestWithReason().branches; }

const Branch* BranchChooser::Main() const {
  if (own_ != nullptr) return own_;
  const Branches latest = Latest();
  const auto newest = std::max_element(latest.begin(), latest.end(), [](const Branch* a, const Branch* b) {
    return a->life.last_micros < b->life.last_micros;
  });
  return newest == latest.end() ? nullptr : *newest;
}

// Where `branch` ended before the time, the one that was opened at its end later has the same rows, and WAL that tells
// the server where to stop.
const Branch* BranchChooser::Continued(const Branch* branch, int64_t micros, Doubt doubt) const {
  while (branch->life.last_micros < micros) {
    const Branch* next = tree_.ContinuationOf(*branch);
    if (next == nullptr || HadBegun(*next, micros, doubt) || std::find(pool_.begin(), pool_.end(), next) == pool_.end())
      break;
    branch = next;
  }
  return branch;
}

// Whichever of the two was first, the answer must be the same.
Result<BranchChoice> BranchChooser::ChooseAtTime() const {
  PITR_ASSIGN(BranchChoice begun, ChooseAtTime(Doubt::kBegun));
  PITR_ASSIGN(const BranchChoice not_yet, ChooseAtTime(Doubt::kNotYet));
  if (begun.timeline == not_yet.timeline) return begun;
  return Several({tree_.Find(not_yet.timeline), tree_.Find(begun.timeline)},
                 "Timeline " + std::to_string(begun.timeline.value) +
                     " was opened in that same second, and PostgreSQL says no more about when.");
}

Result<BranchChoice> BranchChooser::ChooseAtTime(Doubt doubt) const {
  const int64_t micros = request_.target->time_micros;
  Branches branches = GoingOnAt(micros, doubt);
  const bool lone = tree_.branches().size() == 1;
  const Branch* mine = own_ == nullptr ? nullptr : DeepestOn(*own_, branches);
  if (mine != nullptr) {
    const Branch* taken = Continued(mine, micros, doubt);
    if (lone) return BranchChoice{taken->timeline, ""};
    return BranchChoice{taken->timeline, taken == own_ ? "the running server's own"
                                                       : "the running server's history went through that moment on it"};
  }
  // One that had fallen silent by then may have been idle: it decides nothing.
  BranchesLeft left = WithoutOutlived(std::move(branches));
  branches = std::move(left.branches);
  if (branches.empty()) return Nothing();
  if (branches.size() > 1) return Several(branches);
  const Branch* taken = Continued(branches.front(), micros, doubt);
  if (lone) return BranchChoice{taken->timeline, ""};
  if (taken != branches.front())
    return BranchChoice{taken->timeline, "it goes on where timeline " + Number(*branches.front()) +
                                             " had ended at that moment, and has the same rows"};
  if (!left.why.empty()) return BranchChoice{taken->timeline, left.why};
  return BranchChoice{taken->timeline, taken->life.last_micros >= micros
                                           ? "the only one that went through that moment"
                                           : "the only one that was not left before that moment"};
}

Result<BranchChoice> BranchChooser::ChooseLatest() const {
  if (tree_.branches().size() == 1 && pool_.size() == 1) return BranchChoice{pool_.front()->timeline, ""};
  if (own_ != nullptr) return BranchChoice{own_->timeline, "the running server's own"};
  const BranchesLeft left = LatestWithReason();
  const Branches& branches = left.branches;
  if (branches.empty()) return Nothing();
  if (branches.size() > 1) return Several(branches);
  if (!left.why.empty()) return BranchChoice{branches.front()->timeline, left.why};
  return BranchChoice{branches.front()->timeline,
                      request_.backup != nullptr && pool_.size() == 1
                          ? "the only one that backup \"" + request_.backup->label + "\" leads to"
                          : "the only one that goes on"};
}

Result<BranchChoice> BranchChooser::ChooseImmediate() const {
  const Branches branches = Latest();
  if (own_ != nullptr || branches.size() < 2) return ChooseLatest();
  // The end of a backup that was named is the same, whoever went on behind it.
  for (const Branch* branch : pool_)
    if (request_.backup != nullptr && branch->timeline == StopTimeline(*request_.backup))
      return BranchChoice{branch->timeline, "the backup's own"};
  const BackupManifest* backup = NewestLeading(backups_, *branches.front());
  for (const Branch* branch : branches)
    if (NewestLeading(backups_, *branch) != backup) return Several(branches);
  return BranchChoice{branches.front()->timeline, "the end of the backup is the same on every branch that goes on"};
}

Result<BranchChoice> BranchChooser::Choose() const {
  if (pool_.empty()) return Nothing();
  switch (request_.target->kind) {
    case TargetKind::kTime:
      return ChooseAtTime();
    case TargetKind::kImmediate:
      return ChooseImmediate();
    default:
      return ChooseLatest();
  }
}

Result<BranchChoice> BranchChooser::ChooseAmong(const Branches& found, bool shared) const {
  if (tree_.branches().size() == 1) return BranchChoice{found.front()->timeline, ""};
  if (own_ != nullptr && shared) {
    if (const Branch* mine = DeepestOn(*own_, found))
      return BranchChoice{mine->timeline,
                          mine == own_ ? "the running server's own" : "on the running server's history"};
  }
  if (found.size() > 1) return Several(found);
  return BranchChoice{found.front()->timeline, "the only one that has it"};
}

Status BranchChooser::CheckNotOwn(const Branches& found) const {
  if (own_ == nullptr || found.empty() || std::find(found.begin(), found.end(), own_) != found.end())
    return Status::Ok();
  const RecoveryTarget& target = *request_.target;
  const OwnPosition& used = request_.own_position;
  std::string up_to, what, own = "It is this server's own, too";
  if (target.kind == TargetKind::kXid && used.next_xid != 0 && Precedes(target, used.next_xid)) {
    what = "transaction " + std::to_string(FullXid(target));
    up_to = "its next transaction is " + std::to_string(used.next_xid);
  } else if (target.kind == TargetKind::kLsn && used.end.valid() && target.lsn >= own_->fork && target.lsn < used.end) {
    what = "position " + target.lsn.ToString();
    up_to = "it has written up to " + used.end.ToString();
  } else if (target.kind == TargetKind::kName && used.end.valid() && ArchivedUntil(*own_) < used.end) {
    what = "restore point \"" + target.name + "\"";
    own = "It may be this server's own, too";
    up_to = "it has written up to " + used.end.ToString() + ", of which the archive has what is before " +
            ArchivedUntil(*own_).ToString();
  } else {
    return Status::Ok();
  }
  std::string others;
  for (const Branch* branch : found) {
    std::string line = DescribeBranch(*branch);
    line[0] = 'T';
    others += "\n" + line + ".";
  }
  return Status(Code::kInvalidArgument,
                what + " is not in the archive of timeline " + Number(*own_) + ", which this server writes")
      .WithDetail(own + ": " + up_to + ". The archive has it of another branch only:" + others)
      .WithHint(
          "If the server's own is meant: SELECT pg_switch_wal() archives what it has written until now; then plan "
          "again. "
          "If that of the other branch is meant, name its timeline: target_timeline.");
}

Status BranchChooser::Nothing() const {
  if (tree_.empty())
    return Status(Code::kNotFound, "the archive holds no WAL at all")
        .WithHint("Without WAL no backup can be restored. Check pg_pitr info and the server's archiving.");
  if (request_.backup != nullptr)
    return Status(Code::kNotFound, "backup \"" + request_.backup->label + "\" leads to no timeline of the archive")
        .WithDetail("It ended at " + request_.backup->stop_lsn.ToString() + " on timeline " +
                    std::to_string(StopTimeline(*request_.backup).value) + ".");
  return Status(Code::kInvalidArgument, "every timeline of the archive that could be followed was set aside")
      .WithHint("Name one with --target-timeline, or take one back with pg_pitr timeline take-back.");
}

Status BranchChooser::Several(const Branches& branches, const std::string& why) const {
  std::string detail = why;
  for (const Branch* branch : branches) {
    std::string line = DescribeBranch(*branch);
    line[0] = 'T';
    detail += (detail.empty() ? "" : "\n") + line + ":\n  pg_pitr plan" + TargetOptionText(*request_.target) +
              (request_.backup == nullptr ? "" : " --backup " + request_.backup->label) + " --target-timeline " +
              Number(*branch);
  }
  return Status(Code::kInvalidArgument, DescribeTarget(*request_.target) + " belongs to " +
                                            std::to_string(branches.size()) + " branches of the archive's history")
      .WithDetail(std::move(detail))
      .WithHint(
          "Choose one with --target-timeline. One that should not have been archived here, such as that of a test copy "
          "or of an old primary that came back after a failover, is left out of every choice by: pg_pitr timeline "
          "set-aside NUMBER");
}

}  // namespace pitr
