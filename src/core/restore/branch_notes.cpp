#include "core/restore/branch_notes.h"

#include <algorithm>

#include "core/base/describe_size.h"
#include "core/pg/timestamp.h"

namespace pitr {
namespace {

// Of the branches that do no harm so many are described, those that were written last.
constexpr size_t kDescribedBranches = 3;

std::string Capitalized(std::string text) {
  text[0] = 'T';
  return text;
}

}  // namespace

std::vector<const Branch*> BranchesBeside(const BranchTree& tree, const Branch& reference) {
  std::vector<const Branch*> beside;
  for (const Branch& branch : tree.branches()) {
    if (branch.set_aside || reference.Includes(branch.timeline)) continue;
    if (branch.life.last_micros > reference.life.begin_micros) beside.push_back(&branch);
  }
  return beside;
}

std::string DescribeBeside(const Branch& branch, const Branch& reference) {
  return Capitalized(DescribeBranch(branch)) + ", does not lead to timeline " +
         std::to_string(reference.timeline.value) + " and was written beside it.";
}

bool IsLikelySuccessor(const Branch& branch, const Branch& reference, const BesideEvidence& evidence) {
  if (!branch.Includes(reference.timeline)) return false;
  if (evidence.own && evidence.started_micros > branch.life.begin_micros) return true;
  const auto is_of_branch = [&](const BackupManifest& backup) {
    return branch.path && branch.path->LeadsFrom(backup) && StopTimeline(backup) > reference.timeline;
  };
  return evidence.backups != nullptr &&
         std::any_of(evidence.backups->backups.begin(), evidence.backups->backups.end(), is_of_branch);
}

std::string HintBeside(const Branch& branch, const Branch& reference, const BesideEvidence& evidence) {
  const std::string number = std::to_string(branch.timeline.value);
  const std::string left = "timeline " + std::to_string(reference.timeline.value);
  const std::string set_aside = "set it aside: pg_pitr timeline set-aside " + number;
  const std::string rewind = "make it a standby of the new one (pg_rewind, or a new copy)";
  if (!branch.Includes(reference.timeline))
    return "If a test copy or a server that was given up wrote it, " + set_aside;
  if (!IsLikelySuccessor(branch, reference, evidence))
    return "If a test copy or a server that was given up wrote it, " + set_aside +
           ". If it is that of a new primary after a failover, stop the old primary, which writes " + left + ", and " +
           rewind;
  const std::string until = branch.life.last_micros == 0
                                ? ""
                                : " It has been written since, until " + FormatToSecond(branch.life.last_micros) + ".";
  return (evidence.own ? "Is this server the old primary of a failover?"
                       : "Did the old primary of a failover come back and write " + left + "?") +
         until + " Then stop it, " + rewind + ", and set nothing aside. Only if a test copy wrote timeline " + number +
         ", " + set_aside;
}

std::vector<std::string> DescribeOtherBranches(const BranchTree& tree, const WalPath& path, const Branch* reference,
                                               const BesideEvidence& evidence) {
  std::vector<std::string> notes;
  const auto beside = reference == nullptr ? std::vector<const Branch*>() : BranchesBeside(tree, *reference);
  std::vector<std::pair<int64_t, std::string>> harmless;
  for (const Branch& branch : tree.branches()) {
    if (branch.timeline == path.target() || branch.segments == 0) continue;
    const auto add = [&](std::string text) { harmless.emplace_back(branch.life.last_micros, std::move(text)); };
    const std::string reached =
        " Its transactions are reached with --target-timeline " + std::to_string(branch.timeline.value) + ".";
    const auto leaves = path.history().SwitchPoint(branch.timeline);
    if (branch.set_aside) {
      add(Capitalized(DescribeBranch(branch)) + ".");
    } else if (std::find(beside.begin(), beside.end(), &branch) != beside.end()) {
      notes.push_back("Warning: " + DescribeBeside(branch, *reference) + reached + " " +
                      HintBeside(branch, *reference, evidence));
    } else if (!leaves) {
      add("Another branch is " + DescribeBranch(branch) + "." + reached);
    } else if (branch.life.MayEndAfter(*leaves)) {
      std::string text = Capitalized("timeline " + std::to_string(branch.timeline.value)) + " goes on after " +
                         leaves->ToString() + ", where this path leaves it";
      if (branch.life.last_end.valid())
        text += ": its last transaction ended " + FormatTimestamp(branch.life.last_end_micros);
      add(text + "." + reached);
    }
  }
  std::stable_sort(harmless.begin(), harmless.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  for (size_t i = 0; i < harmless.size() && i < kDescribedBranches; ++i) notes.push_back(harmless[i].second);
  if (harmless.size() > kDescribedBranches)
    notes.push_back(DescribeCount(harmless.size() - kDescribedBranches, "more branch", "more branches") +
                    " of the archive's history, written earlier, went another way than this recovery: pg_pitr info "
                    "shows them.");
  return notes;
}

}  // namespace pitr
