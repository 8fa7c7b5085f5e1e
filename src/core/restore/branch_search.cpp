#include "core/restore/branch_search.h"

#include <algorithm>

#include "core/restore/plan_target.h"

namespace pitr {
namespace {

// The part of `branch` that `main` does not lead over: from where, and to which segment without a gap.
struct OwnPart {
  Lsn from;
  SegmentNo first;
  SegmentNo last;
};
std::optional<OwnPart> PartBeside(const Branch& branch, const Branch& main) {
  const auto leaves = main.LeavesAt(branch.timeline);
  OwnPart part;
  part.from = leaves ? *leaves : branch.fork;
  if (part.from.valid()) {
    part.first = SegmentOf(part.from, branch.path->segment_size());
  } else {
    const auto newest = std::max(branch.path->Newest(), branch.path->NewestPartial());
    if (!newest) return std::nullopt;
    part.first = *newest;  // no parent and not on the way: another beginning, of which nothing is known
  }
  const auto until = branch.path->ReadableUntil(part.first);
  if (!until) return std::nullopt;
  part.last = *until;
  return part;
}

bool Wanted(const WalEvent& event, const RecoveryTarget& target, Lsn from) {
  if (event.start < from) return false;
  if (target.kind == TargetKind::kXid) {
    const auto* end = std::get_if<TransactionEnd>(&event.what);
    return end != nullptr && end->xid == target.xid;
  }
  const auto* point = std::get_if<RestorePoint>(&event.what);
  return point != nullptr && point->name == target.name;
}

// Where a recovery along the branch would stop; nullopt when it would not.
Result<std::optional<Lsn>> FindAlong(const Repository& repository, const BackupCatalog& backups, const Branch& branch,
                                     const RecoveryTarget& target, const std::string& label, const OpContext& ctx) {
  if (!branch.path) return std::optional<Lsn>();
  const auto candidates = FindCandidates(backups, *branch.path, label);
  if (!candidates.ok()) return std::optional<Lsn>();  // the plan says so
  auto found = FindSoundFirst(repository, *branch.path, candidates.value(), target, ctx);
  if (found.code() == Code::kNotFound) return std::optional<Lsn>();
  if (!found.ok()) return std::move(found).status();
  return std::optional<Lsn>(found.value().stop.lsn);
}

// Only a branch that was written at or after a position has it for itself.
std::vector<const Branch*> WithPosition(const BranchChooser& chooser, Lsn lsn) {
  std::vector<const Branch*> found;
  for (const Branch* branch : chooser.pool()) {
    if (!branch->path || lsn < branch->fork) continue;
    const SegmentNo segment = SegmentOf(lsn, branch->path->segment_size());
    if (branch->path->TimelineOf(segment) != branch->timeline) continue;
    if (branch->path->Has(segment) || branch->path->PartialEnd(segment) > lsn) found.push_back(branch);
  }
  return found;
}

Result<std::vector<const Branch*>> WithRecord(const Repository& repository, const BackupCatalog& backups,
                                              const BranchChooser& chooser, const Branch& main,
                                              const RecoveryTarget& target, const std::string& label,
                                              const OpContext& ctx) {
  std::vector<const Branch*> found;
  PITR_ASSIGN(const std::optional<Lsn> on_main, FindAlong(repository, backups, main, target, label, ctx));
  if (on_main && &main == chooser.own()) return std::vector<const Branch*>{&main};
  const Timeline at = on_main ? main.path->history().TimelineContaining(*on_main) : Timeline();
  for (const Branch* branch : chooser.pool()) {
    if (branch == &main) {
      if (on_main) found.push_back(branch);
      continue;
    }
    if (!branch->path) continue;
    // The same record is on the way to this one.
    const TimelineHistory& history = branch->path->history();
    if (on_main && history.Includes(at) && history.TimelineContaining(*on_main) == at) continue;
    const auto part = PartBeside(*branch, main);
    if (!part) continue;
    WalScanner scanner(repository, *branch->path, ctx);
    const auto wanted = [&](const WalEvent& event) { return Wanted(event, target, part->from); };
    PITR_ASSIGN(const std::vector<WalMark> marks,
                scanner.Search(part->first, part->last, wanted, repository.config().restore_jobs));
    if (!marks.empty()) found.push_back(branch);
  }
  return found;
}

}  // namespace

Result<BranchChoice> ChooseByContent(const Repository& repository, const BackupCatalog& backups,
                                     const BranchChooser& chooser, const RecoveryTarget& target,
                                     const std::string& backup_label, const OpContext& ctx) {
  const Branch* main = chooser.Main();
  if (main == nullptr || chooser.pool().size() == 1) return chooser.Choose();
  std::vector<const Branch*> found;
  // What is found beside the running server's branch, and not on the way along it, is not of its history, even if it is
  // on a timeline that the server has left.
  const bool position = target.kind == TargetKind::kLsn;
  if (position) {
    found = WithPosition(chooser, target.lsn);
  } else {
    PITR_ASSIGN(found, WithRecord(repository, backups, chooser, *main, target, backup_label, ctx));
  }
  if (found.empty()) return BranchChoice{main->timeline, "the one that goes on"};
  PITR_TRY(chooser.CheckNotOwn(found));
  return chooser.ChooseAmong(found, position || found.front() == chooser.own());
}

}  // namespace pitr
