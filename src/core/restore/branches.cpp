#include "core/restore/branches.h"

#include <algorithm>

#include "core/base/describe_size.h"
#include "core/base/parallel_for.h"
#include "core/pg/timestamp.h"
#include "core/repo/timelines/timeline_aside.h"

namespace pitr {
namespace {

// A checkpoint's time, by which a recovery's new branch is dated, has whole seconds.
constexpr int64_t kBeginSlackMicros = 1000000;
// After a failover two machines' clocks are compared. A parent of which the child lacks no transaction is believed to
// be left even if its last record has a somewhat later time.
constexpr int64_t kTwoClocksMicros = int64_t{120} * 1000000;

Branch MakeBranch(const WalCatalog& wal, const TimelineWal& held, const BackupCatalog& backups, uint32_t segment_size) {
  Branch branch;
  branch.timeline = held.timeline;
  for (const WalRange& range : held.ranges) {
    branch.segments += range.count();
    branch.stored_bytes += range.stored_bytes;
  }
  branch.unfinished =
      static_cast<uint64_t>(std::count_if(held.partials.begin(), held.partials.end(),
                                          [&](const auto& each) { return !wal.Has(held.timeline, each.first); }));
  auto path = WalPath::Make(wal, held.timeline, segment_size);
  if (!path.ok()) {
    branch.problem = std::move(path).status();
    return branch;
  }
  branch.path = std::move(path).value();
  const auto entries = branch.path->history().entries();
  if (entries.size() > 1) branch.parent = entries[entries.size() - 2].timeline;
  branch.fork = entries.back().begin;
  branch.reachable = AnyBackupLeads(backups, *branch.path);
  return branch;
}

// A branch whose history file is missing: the store's clock is all there is.
BranchLife LifeByStore(const TimelineWal& held) {
  BranchLife life;
  life.begin_micros = life.last_micros = held.newest_micros;
  return life;
}

// Whether `child` was opened where `parent` ends, and lacks nothing of it.
bool Completes(const Branch& child, const Branch& parent) {
  return child.parent == parent.timeline && !parent.life.MayEndAfter(child.fork);
}

}  // namespace

bool AnyBackupLeads(const BackupCatalog& backups, const WalPath& path) {
  return std::any_of(backups.backups.begin(), backups.backups.end(),
                     [&](const BackupManifest& backup) { return path.LeadsFrom(backup) && path.HasWalOf(backup); });
}

Result<BranchTree> BranchTree::Load(const Repository& repository, const BackupCatalog& backups, const WalCatalog& wal,
                                    const OpContext& ctx) {
  std::vector<Branch> branches;
  for (const auto& [timeline, held] : wal.timelines()) {
    // Of a .partial alone nobody knows where it came from, unless nothing was before it.
    if (held.ranges.empty() && held.history_micros == 0 && timeline.value > 1) continue;
    branches.push_back(MakeBranch(wal, held, backups, repository.segment_size()));
  }
  PITR_ASSIGN(const auto asides, LoadTimelineAsides(repository, ctx));
  for (Branch& branch : branches) {
    const auto aside = asides.find(branch.timeline);
    if (aside == asides.end() || !aside->second.aside) continue;
    branch.set_aside = true;
    branch.aside_why = DescribeAside(aside->second);
  }
  if (branches.size() > 1) {
    PITR_TRY(ParallelFor(repository.config().restore_jobs, branches.size(), ctx, [&](size_t at, int) -> Status {
      Branch& branch = branches[at];
      const TimelineWal& held = wal.timelines().at(branch.timeline);
      if (!branch.path) {
        branch.life = LifeByStore(held);
        return Status::Ok();
      }
      PITR_ASSIGN(branch.life, ReadBranchLife(repository, held, *branch.path, branch.fork, ctx));
      return Status::Ok();
    }));
  }
  return BranchTree(std::move(branches));
}

const Branch* BranchTree::Find(Timeline timeline) const {
  for (const Branch& branch : branches_)
    if (branch.timeline == timeline) return &branch;
  return nullptr;
}

// What a branch left had its last record before the branch began, which narrows the second down.
BranchTree::BranchTree(std::vector<Branch> branches) : branches_(std::move(branches)) {
  for (Branch& branch : branches_) {
    BranchLife& life = branch.life;
    life.begun_by_micros = std::max(life.begun_by_micros, life.begin_micros);
    for (const Branch& other : branches_) {
      if (other.timeline >= branch.timeline || other.set_aside || other.life.last_micros >= life.begun_by_micros)
        continue;
      life.begin_micros = std::max(life.begin_micros, other.life.last_micros + 1);
    }
  }
  FindOpeners();
}

bool BranchTree::WasSilentBefore(const Branch& branch, const Branch& other) const {
  // A timeline's number is higher than those of all that the archive had when it was opened.
  if (other.timeline <= branch.timeline) return false;
  // What lies before the place where it was left was written before that, whatever two clocks say.
  if (const auto leaves = other.LeavesAt(branch.timeline); leaves && !branch.life.MayGoOnAfter(*leaves)) return true;
  const int64_t slack = Completes(other, branch) ? kTwoClocksMicros : kBeginSlackMicros;
  return branch.life.last_micros <= other.life.begin_micros + slack;
}

// A server leaves the one branch that it was on. That is the parent, when nothing of it is lacking; else, as after a
// recovery to an earlier point, the one that went on until then. Where several did, nobody knows which: two servers
// wrote side by side, and the one that is quiet now may be production.
void BranchTree::FindOpeners() {
  for (const Branch& other : branches_) {
    if (other.set_aside) continue;
    std::vector<Timeline> silent;
    std::optional<Timeline> left;
    for (const Branch& branch : branches_) {
      if (left_for_.contains(branch.timeline) || !WasSilentBefore(branch, other)) continue;
      // Not to be chosen anyway.
      if (branch.set_aside) {
        left_for_[branch.timeline] = other.timeline;
        continue;
      }
      silent.push_back(branch.timeline);
      if (Completes(other, branch)) left = branch.timeline;
    }
    if (!left && silent.size() == 1) left = silent.front();
    if (left) left_for_[*left] = other.timeline;
  }
}

bool BranchTree::WasLeftBy(const Branch& branch, int64_t micros, Doubt doubt) const {
  const auto left = left_for_.find(branch.timeline);
  return left != left_for_.end() && HadBegun(*Find(left->second), micros, doubt);
}

const Branch* BranchTree::ContinuationOf(const Branch& branch) const {
  const Branch* found = nullptr;
  for (const Branch& child : branches_) {
    if (child.set_aside || !child.reachable || !Completes(child, branch)) continue;
    if (found == nullptr || child.fork > found->fork) found = &child;
  }
  return found;
}

std::string DescribeBranch(const Branch& branch) {
  std::string text = "timeline " + std::to_string(branch.timeline.value);
  if (branch.parent.valid())
    text += ", which left timeline " + std::to_string(branch.parent.value) + " at " + branch.fork.ToString();
  if (branch.path && branch.path->foreign().valid())
    text += ", which comes from another timeline " + std::to_string(branch.path->foreign().value) +
            " than the archive's of that number";
  if (branch.life.begin_micros != 0) text += " on " + FormatToSecond(branch.life.begin_micros);
  if (branch.life.last_commit_xid != 0) {
    text += ", last commit " + FormatTimestamp(branch.life.last_commit_micros) + " (transaction " +
            std::to_string(branch.life.last_commit_xid) + ")";
  } else if (branch.life.ends_complete && branch.life.read) {
    text += ", no commit of its own";
  }
  if (branch.segments != 0 || branch.unfinished == 0)
    text += ", " + DescribeCount(branch.segments, "segment", "segments");
  if (branch.stored_bytes != 0) text += " (" + DescribeBytes(branch.stored_bytes) + " stored)";
  if (branch.unfinished != 0)
    text += ", " + DescribeCount(branch.unfinished, "unfinished segment", "unfinished segments");
  if (branch.set_aside) text += ", set aside " + branch.aside_why;
  if (!branch.problem.ok()) text += "; it cannot be followed: " + branch.problem.message();
  return text;
}

}  // namespace pitr
